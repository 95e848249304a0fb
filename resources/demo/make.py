"""Make the built-in model and the support desk's rows from nothing: `python resources/demo/make.py`.

Everything is keyed by one seed. A run that was broken off goes on where its checkpoint stands.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM, PreTrainedTokenizerFast

import orders
from card import Measured, card
from learning import BATCH_TOKENS, LONG, SHORT, Plan, losses, new_model, perplexity, train
from packing import make_tokenizer, packed, rendered, tokenized
from world import documents

HERE = Path(__file__).parent
TOKENS_PER_DOCUMENT = 72
"""A low guess, so that there are always enough documents for a run."""


def steps_in(minutes: float, model: LlamaForCausalLM) -> int:
    """How many training steps this machine does in some minutes, by trying two."""
    ids = torch.randint(0, 256, (BATCH_TOKENS // SHORT, SHORT))
    places = torch.arange(SHORT).expand_as(ids)
    for _ in range(2):
        began = time.monotonic()
        losses(model, ids, places).mean().backward()
    model.zero_grad()
    return max(1, int(minutes * 60 / (1.1 * (time.monotonic() - began))))


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> LlamaForCausalLM:
    """Write model and tokenizer into a folder, the weights in half precision, and read them back as float32."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = LlamaForCausalLM(model.config)
    stored.load_state_dict(model.state_dict())
    stored.generation_config = model.generation_config
    stored.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    read: LlamaForCausalLM = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    return read


def main() -> None:
    """Make everything, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1650, help=f"training steps of {BATCH_TOKENS} tokens")
    parser.add_argument("--minutes", type=float, help="choose the steps by the machine's speed instead")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "model")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "finetune-studio-demo")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.work.mkdir(parents=True, exist_ok=True)

    orders.write(HERE, given.seed)
    tokenizer = make_tokenizer(rendered(d) for d in documents(given.seed, 20_000))
    model = new_model(tokenizer, given.seed)
    plan = Plan(steps_in(given.minutes, model) if given.minutes else given.steps, given.seed)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {plan.steps} steps", flush=True)

    wanted = plan.steps * BATCH_TOKENS // TOKENS_PER_DOCUMENT
    learnt = list(documents(given.seed, wanted))
    rows = [tokenized(d, tokenizer) for d in learnt]
    # One document in eight goes into the long rows, as one batch in eight is long.
    short, long = list(packed((r for i, r in enumerate(rows) if i % 8), SHORT)), list(packed(rows[::8], LONG))
    seen = {rendered(d) for d in learnt}
    unseen = [d for d in documents(given.seed + 1, 2_000) if rendered(d) not in seen]
    print(f"{len(short):,} short and {len(long):,} long rows, {len(unseen):,} documents held out", flush=True)

    tokens = train(model, plan, (short, long), given.work / "checkpoint.pt", lambda line: print(line, flush=True))
    read = save(model, tokenizer, given.out)
    held_out = list(packed((tokenized(d, tokenizer) for d in unseen), SHORT))
    everything, answers = perplexity(read, held_out)
    measured = Measured(
        parameters=sum(p.numel() for p in read.parameters()),
        steps=plan.steps,
        tokens=tokens,
        documents=len(unseen),
        perplexity=everything,
        answer_perplexity=answers,
    )
    (given.out / "README.md").write_text(card(measured), encoding="utf-8", newline="\n")
    print(f"held-out perplexity {everything:.3f}, over answers alone {answers:.3f}; {tokens:,} tokens trained on")


if __name__ == "__main__":
    main()
