"""Attention row by row is the same function as each row alone, gradients included, in every family."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine import attention
from studio.engine.batches import Segment
from studio.engine.trial import Trial
from tests.models import FAMILIES, random_model

CPU = torch.device("cpu")
# Of a model whose tokens are routed to experts, whichever way its config calls them.
MIXED: dict[str, Any] = {
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
}


def rows_of(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(sum(lengths))
    ids = torch.randint(0, 300, (1, sum(lengths)), generator=generator)
    return ids, torch.cat([torch.arange(n) for n in lengths])[None]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("window", [None, 16])
def test_flat_rows_equal_rows_alone(family: str, window: int | None) -> None:
    settings = {"sliding_window": window} if window and family in ("mistral", "mixtral", "phi3", "gemma3") else {}
    model = random_model(family, **settings)
    model.eval()
    assert attention.use(model)
    assert Trial(model, CPU, torch.float32).end_to_end()
    lengths = [40, 3, 1, 77]
    ids, positions = rows_of(lengths)
    flat = model(input_ids=ids, position_ids=positions, use_cache=False, segments=tuple(map(Segment, lengths))).logits
    attention.undo(model)
    alone = torch.cat([model(input_ids=row, use_cache=False).logits for row in ids.split(lengths, 1)], 1)
    torch.testing.assert_close(flat, alone, rtol=1e-4, atol=1e-5)


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_gradients_equal_those_of_rows_alone(lengths: list[int]) -> None:
    torch.manual_seed(0)
    model = random_model("llama")
    attention.use(model)
    ids, positions = rows_of(lengths)
    gradients = []
    for flat in (True, False):
        model.zero_grad()
        if flat:
            model(
                input_ids=ids, position_ids=positions, use_cache=False, segments=tuple(map(Segment, lengths))
            ).logits.pow(2).sum().backward()
        else:
            for row in ids.split(lengths, 1):
                model(input_ids=row, use_cache=False).logits.pow(2).sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    scale = float(gradients[1].abs().max())
    torch.testing.assert_close(gradients[0] / scale, gradients[1] / scale, rtol=1e-5, atol=1e-6)


def test_without_lengths_it_is_transformers_attention() -> None:
    model = random_model("llama")
    model.eval()
    ids, mask = torch.randint(0, 300, (2, 9)), torch.tensor([[1] * 9, [1] * 5 + [0] * 4])
    before = model(input_ids=ids, attention_mask=mask).logits
    attention.use(model)
    after = model(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(before[0], after[0])
    torch.testing.assert_close(before[1, :5], after[1, :5])
    attention.undo(model)
    assert not attention.in_use(model)


def test_models_with_another_kind_of_attention_keep_it() -> None:
    model = random_model("llama")
    model.set_attn_implementation("eager")
    assert not attention.use(model)
    chunked = random_model("llama")
    chunked.config.attention_chunk_size = 8
    assert not attention.use(chunked)


def test_a_model_that_mixes_flat_rows_is_found_out() -> None:
    model = random_model("opt")
    # transformers' own block mask is not told of OPT's positions; row by row there is nothing to tell.
    assert not Trial(model, CPU, torch.float32).end_to_end()
    attention.use(model)
    assert Trial(model, CPU, torch.float32).end_to_end()


@pytest.mark.parametrize("family", ["qwen2_moe", "phimoe"])
def test_a_window_that_masks_alone_are_told_of_is_kept(family: str) -> None:
    settings = {"use_sliding_window": True, "max_window_layers": 2} if family == "qwen2_moe" else {}
    model = random_model(family, sliding_window=8, **MIXED, **settings)
    lengths = [40, 3, 23]
    ids, positions = rows_of(lengths)
    found = []
    for flat in (True, False):
        model.zero_grad()
        if flat:
            assert attention.use(model)
            segments = tuple(map(Segment, lengths))
            logits = model(input_ids=ids, position_ids=positions, use_cache=False, segments=segments).logits
        else:
            attention.undo(model)
            logits = torch.cat([model(input_ids=row, use_cache=False).logits for row in ids.split(lengths, 1)], 1)
        losses = torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="none")
        losses.sum().backward()
        gradients = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        found.append((losses.detach(), gradients / gradients.abs().max()))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_model_that_computes_with_its_mask_keeps_its_attention() -> None:
    model = random_model("doge", sliding_window=64)
    assert attention.use(model)
    assert not Trial(model, CPU, torch.float32).end_to_end()
