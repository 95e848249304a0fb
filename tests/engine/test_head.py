"""The loss in chunks: the same numbers and gradients as the plain cross-entropy."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from studio.engine import head
from tests.models import random_model


@given(positions=st.integers(0, 100), vocabulary=st.integers(2, 40), rows=st.integers(1, 50), bias=st.booleans())
@settings(max_examples=60, deadline=None)
def test_losses_and_gradients_equal_the_plain_ones(positions: int, vocabulary: int, rows: int, bias: bool) -> None:
    torch.manual_seed(positions)
    layer = torch.nn.Linear(8, vocabulary, bias=bias).requires_grad_(False)
    hidden = torch.randn(positions, 8, requires_grad=True)
    targets = torch.randint(0, vocabulary, (positions,))
    weights = torch.rand(positions)
    with pytest.MonkeyPatch.context() as patch:
        # Chunks are never smaller than 32 positions.
        patch.setattr(head, "_CHUNK_BYTES", 4 * vocabulary * rows)
        found = head.losses(layer, hidden, targets)
    (gradient,) = torch.autograd.grad((found * weights).sum(), hidden)
    expected = functional.cross_entropy(layer(hidden), targets, reduction="none")
    (plain,) = torch.autograd.grad((expected * weights).sum(), hidden)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient, plain, rtol=1e-5, atol=1e-6)


def test_a_hopeless_position_has_a_finite_loss() -> None:
    layer = torch.nn.Linear(1, 2, bias=False).requires_grad_(False)
    layer.weight.copy_(torch.tensor([[0.0], [1.0]]))
    found = head.losses(layer, torch.tensor([[300.0]], requires_grad=True), torch.tensor([0]))
    assert math.isclose(found.item(), 300.0)


def test_half_precision_weights_give_float32_losses() -> None:
    layer = torch.nn.Linear(8, 30).bfloat16().requires_grad_(False)
    hidden = torch.randn(40, 8, dtype=torch.bfloat16, requires_grad=True)
    targets = torch.randint(0, 30, (40,))
    found = head.losses(layer, hidden, targets)
    (gradient,) = torch.autograd.grad(found.sum(), hidden)
    assert (found.dtype, gradient.dtype) == (torch.float32, torch.bfloat16)
    expected = functional.cross_entropy(layer(hidden).float(), targets, reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)


def test_without_gradients_none_is_computed() -> None:
    layer = torch.nn.Linear(8, 30).requires_grad_(False)
    with torch.no_grad():
        assert not head.losses(layer, torch.randn(3, 8), torch.tensor([1, 2, 3])).requires_grad


def test_trained_heads_are_left_to_the_plain_loss() -> None:
    model = random_model("llama")
    assert "trained" in head.refusal(model)
    model.requires_grad_(False)
    assert head.refusal(model) == ""
    model.lm_head = torch.nn.Sequential(model.lm_head)
    assert "plain multiplication" in head.refusal(model)
