"""The model's shape, its training from scratch, and the measure of what it learnt."""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from heads import write_heads
from packing import TEXT_END, Row, batch

SHORT, LONG = 256, 1024
BATCH_TOKENS = 2048
LONG_EVERY = 8
"""Every eighth batch is made of rows of 1024 tokens, so that all positions the model can have are trained."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn: the rate rises, stays for most of the run and falls to zero in two slopes."""

    steps: int
    seed: int = 7
    learning_rate: float = 2.0e-3
    warmup_steps: int = 60
    bends: tuple[tuple[float, float], ...] = ((0.0, 1.0), (13 / 22, 1.0), (8 / 11, 4 / 7), (1.0, 0.0))

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        warm, done = min(1.0, (step + 1) / self.warmup_steps), step / self.steps
        for (start, high), (end, low) in pairwise(self.bends):
            if done < end:
                return self.learning_rate * warm * (high + (low - high) * (done - start) / (end - start))
        return 0.0


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """A model of 3.9 million parameters that has learnt nothing yet."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=5,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=LONG,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    write_heads(model, seed)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(TEXT_END)]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def losses(model: LlamaForCausalLM, ids: Tensor, places: Tensor) -> Tensor:
    """The loss of every token but the first, shape (B, T - 1). A place of 0 begins a document: none sees another."""
    logits = model(input_ids=ids, position_ids=places, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")


def chosen(step: int, short: list[Row], long: list[Row], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """The batch of a step: the rows follow each other, and begin again when all were used."""
    if step % LONG_EVERY == LONG_EVERY - 1:
        count, first = BATCH_TOKENS // LONG, step // LONG_EVERY
        rows = [long[(first * count + i) % len(long)] for i in range(count)]
        # Here the documents of a row make one long conversation.
        rows = [Row(row.ids, list(range(len(row.ids))), row.weights) for row in rows]
        return batch(rows, LONG, pad_id)
    count, first = BATCH_TOKENS // SHORT, step - step // LONG_EVERY
    return batch([short[(first * count + i) % len(short)] for i in range(count)], SHORT, pad_id)


def train(
    model: LlamaForCausalLM,
    plan: Plan,
    rows: tuple[list[Row], list[Row]],
    checkpoint: Path,
    say: Callable[[str], None] = print,
) -> int:
    """Train a model in place, from its checkpoint if there is one.

    Args:
        model: The model; it must have a padding token.
        plan: Steps and rates.
        rows: The short and the long rows.
        checkpoint: A file to go on from, written every 200 steps.
        say: Where a line about the progress goes.

    Returns:
        The number of tokens trained on, without padding.
    """
    pad_id = model.config.pad_token_id
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.98),
        fused=True,
    )
    first, tokens, spent = 0, 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first, tokens, spent = saved["step"], saved["tokens"], saved["seconds"]
    model.train()
    began, shown = time.monotonic() - spent, 0.0
    for step in range(first, plan.steps):
        ids, places, weights = chosen(step, *rows, pad_id)
        loss = (losses(model, ids, places) * weights[:, 1:]).sum() / weights[:, 1:].sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
        optimizer.step()
        optimizer.zero_grad()
        tokens += int((ids != pad_id).sum())
        shown = loss.item() if step == first else 0.95 * shown + 0.05 * loss.item()
        seconds = time.monotonic() - began
        if (step + 1) % 50 == 0:
            say(f"step {step + 1}/{plan.steps}  loss {shown:.4f}  {tokens:,} tokens  {seconds:.0f} s")
        if (step + 1) % 200 == 0 or step + 1 == plan.steps:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(
                {**state, "step": step + 1, "tokens": tokens, "seconds": seconds}, checkpoint.with_suffix(".new")
            )
            os.replace(checkpoint.with_suffix(".new"), checkpoint)
    return tokens


@torch.no_grad()
def perplexity(model: LlamaForCausalLM, rows: list[Row]) -> tuple[float, float]:
    """The perplexity of short rows: over all tokens, and over the tokens of answers and stories alone."""
    model.eval()
    total, answers, count, answer_count = 0.0, 0.0, 0.0, 0.0
    for start in range(0, len(rows), 8):
        ids, places, weights = batch(rows[start : start + 8], SHORT, model.config.pad_token_id)
        each, weight = losses(model, ids, places), weights[:, 1:]
        total, count = total + float(each[weight > 0].sum()), count + float((weight > 0).sum())
        answers, answer_count = answers + float(each[weight == 1].sum()), answer_count + float((weight == 1).sum())
    return math.exp(total / count), math.exp(answers / answer_count)
