"""Attention in blocks of queries: the numbers and gradients of torch's own, for rows of every length."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from studio.engine import attention, blocks
from studio.engine.batches import Segment
from tests.models import FAMILIES, random_model
from tests.training import config, losses, trained


def plain(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: tuple[Segment, ...],
    scale: float = 0.3,
) -> torch.Tensor:
    """One softmax over everything, with a mask that hides what a token does not see."""
    owner = torch.repeat_interleave(torch.arange(len(segments)), torch.tensor([n for n, _ in segments]))
    before = torch.tensor([segment.before for segment in segments])[owner]
    place = torch.arange(len(owner))
    seen = ((owner[:, None] == owner) | (before[:, None] == owner)) & (place[:, None] >= place)
    key, value = (x.repeat_interleave(query.shape[1] // key.shape[1], 1) for x in (key, value))
    found: torch.Tensor = functional.scaled_dot_product_attention(query, key, value, seen.to(query.device), scale=scale)
    return found.transpose(1, 2)


def segmented(lengths: Sequence[int], groups: Sequence[int]) -> tuple[Segment, ...]:
    """Returns segments; each that stands at one of `groups` is the beginning of those up to the next of them."""
    found, common = list[Segment](), -1
    for at, n in enumerate(lengths):
        found.append(Segment(n, -1 if at in groups else common))
        common = at if at in groups else common
    return tuple(found)


@given(
    lengths=st.lists(st.integers(1, 150), min_size=1, max_size=4),
    heads=st.integers(1, 3),
    groups=st.integers(1, 3),
    sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    starts=st.sets(st.integers(0, 3)),
    kept=st.sampled_from([0, 64, 512]),
)
@settings(max_examples=40, deadline=None)
def test_rows_and_gradients_equal_torchs(
    lengths: list[int], heads: int, groups: int, sizes: tuple[int, int], starts: set[int], kept: int
) -> None:
    torch.manual_seed(0)
    segments, count = segmented(lengths, sorted(starts)), sum(lengths)
    shapes = ((heads * groups, sizes[0]), (heads, sizes[0]), (heads, sizes[1]))
    inputs = [torch.randn(1, count, *shape, dtype=torch.float64).transpose(1, 2).requires_grad_() for shape in shapes]
    query, key, value = inputs
    weights = torch.randn(1, count, heads * groups, sizes[1], dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_KEPT", kept)
        found = blocks.attend(query, key, value, segments, 0.3)
        gradients = torch.autograd.grad((found * weights).sum(), inputs)
    expected = plain(query, key, value, segments)
    torch.testing.assert_close(found, expected)
    for one, other in zip(gradients, torch.autograd.grad((expected * weights).sum(), inputs), strict=True):
        torch.testing.assert_close(one, other)


@given(
    lengths=st.lists(st.integers(1, 200), min_size=1, max_size=3),
    starts=st.sets(st.integers(0, 2)),
    seed=st.integers(0, 9),
)
@settings(max_examples=30, deadline=None)
def test_what_is_read_is_the_same_where_nothing_else_is_computed(
    lengths: list[int], starts: set[int], seed: int
) -> None:
    torch.manual_seed(seed)
    segments, count = segmented(lengths, sorted(starts)), sum(lengths)
    inputs = [torch.randn(1, heads, count, 4, dtype=torch.float64, requires_grad=True) for heads in (4, 2, 2)]
    query, key, value = inputs
    # Parts of a row, of which some hold nothing that is read.
    read = (torch.rand(count // 50 + 1) < 0.5).repeat_interleave(50)[None, :count]
    weights = torch.randn(1, count, 4, 4, dtype=torch.float64) * read[..., None, None]
    found = blocks.attend(query, key, value, segments, 0.3, read)
    expected = plain(query, key, value, segments)
    torch.testing.assert_close(found[read], expected[read])
    if 0 not in starts and lengths[0] > 64 and not read[0, :64].any():
        assert not found[0, :64].any()
    gradients = (torch.autograd.grad((one * weights).sum(), inputs) for one in (found, expected))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_long_rows_have_the_gradients_of_rows_alone(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_LEAST_NUMBERS", 0)
    still = {"attention_dropout": 0.0, "dropout": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    model = random_model(family, **still).train()
    attention.use(model)
    lengths = (130, 97)
    ids = torch.randint(0, 300, (1, sum(lengths)), generator=torch.Generator().manual_seed(1))
    positions = torch.cat([torch.arange(n) for n in lengths])[None]
    segments = tuple(map(Segment, lengths))
    model(input_ids=ids, position_ids=positions, use_cache=False, segments=segments).logits.pow(2).sum().backward()
    found = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    attention.undo(model)
    for row in ids.split(lengths, 1):
        model(input_ids=row, use_cache=False).logits.pow(2).sum().backward()
    expected = [p.grad for p in model.parameters() if p.grad is not None]
    # A bias of the keys changes nothing: its gradient is rounding alone.
    most = max(float(gradient.abs().max()) for gradient in expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6 * most)


def test_short_rows_and_half_precision_are_torchs() -> None:
    query = torch.zeros(1, 8, 256, 64)
    whole = (Segment(256),)
    assert blocks.takes(query, whole)
    assert blocks.takes(query, (Segment(200), Segment(56)))
    assert blocks.takes(query, (Segment(64),) * 4)
    assert not blocks.takes(query, (Segment(32),) * 8)
    assert blocks.takes(torch.zeros(1, 32, 256, 64), (Segment(64),) * 4)
    assert not blocks.takes(torch.zeros(1, 8, 256, 8), whole)
    assert not blocks.takes(query.bfloat16(), whole)
    with torch.autocast("cpu", torch.bfloat16):
        assert not blocks.takes(query, whole)


def test_a_quantized_run_in_half_precision_leaves_them_to_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_LEAST_NUMBERS", 1)
    still = {"lora_dropout": 0.0}
    half = config(tmp_path, rows=8, model={"quantization": "nf4", "dtype": "bfloat16"}, adapter=still, max_steps=2)
    exact = config(tmp_path, rows=8, model={"quantization": "nf4", "dtype": "float32"}, adapter=still, max_steps=2)
    found = losses(trained(half, tmp_path / "half"))
    assert found == pytest.approx(losses(trained(exact, tmp_path / "exact")), rel=0.02)
