"""Triton's kernels give the numbers of the formulas; without a card they are interpreted."""

import subprocess

import pytest
import torch
from torch.nn import functional

pytest.importorskip("triton")

from studio.engine import flash, kernels, rotary, varlen
from tests.engine.test_blocks import plain, segmented

# Triton's interpreter reads a number out of an array of one, and tells of infinities that a card takes as they are.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning"),
]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (130, 256)])
@pytest.mark.parametrize("ranks", [(4, 8), (0, 16)])
def test_gates_and_their_gradients_are_those_of_torch(
    smooth: bool, shape: tuple[int, int], ranks: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    # Far out torch's GELU is nothing at all, where the kernel's is a hundred-thousandth.
    gate, up, gradient = (3 * torch.randn(shape, device=DEVICE) for _ in range(3))
    low, bs = torch.randn(shape[0], sum(ranks), device=DEVICE), [torch.randn(shape[1], r, device=DEVICE) for r in ranks]
    lows = low.split(ranks, 1)
    x, y = ((base + s * a @ b.t()) for base, a, b, s in zip((gate, up), lows, bs, (0.5, 2.0), strict=True))
    x.requires_grad_(), y.requires_grad_()
    expected = (functional.gelu(x, approximate="tanh") if smooth else functional.silu(x)) * y
    near = 2e-4 if DEVICE == "cpu" else 2e-2
    found = kernels.opened(gate, up, low, bs[0], bs[1], (0.5, 2.0), smooth)
    torch.testing.assert_close((found, gate, up), (expected, x, y), rtol=near, atol=near)
    backward = kernels.gated_backward(gradient.clone(), gate, up, smooth)
    wanted = (expected, *torch.autograd.grad(expected, (x, y), gradient))
    torch.testing.assert_close(backward, wanted, rtol=near, atol=near)


@pytest.mark.parametrize(("heads", "count", "size"), [(1, 1, 2), (3, 7, 8), (4, 5, 96)])
@pytest.mark.parametrize("back", [False, True])
def test_rotations_are_those_written_out(heads: int, count: int, size: int, back: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, count, heads, size, device=DEVICE).transpose(1, 2)
    cos, sin = torch.randn(2, 1, count, size, device=DEVICE)
    inputs = x.clone().requires_grad_()
    expected = rotary._Rotation.apply(inputs, cos[:, None], sin[:, None])  # type: ignore[no-untyped-call]
    wanted = torch.autograd.grad(expected, inputs, x)[0] if back else expected
    torch.testing.assert_close(kernels.rotated(x, cos, sin, back), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lengths", [(70,), (40, 1, 33, 65), (16, 64, 32)])
@pytest.mark.parametrize("starts", [(), (0,), (0, 2)])
@pytest.mark.parametrize(("heads", "groups", "size"), [(1, 1, 16), (2, 2, 32)])
def test_attention_and_its_gradients_are_those_of_torch(
    lengths: tuple[int, ...],
    starts: tuple[int, ...],
    heads: int,
    groups: int,
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    # Small blocks, so that short rows have several, and what is interpreted ends soon.
    for name in ("_FORWARD", "_FOR_QUERIES", "_FOR_KEYS"):
        monkeypatch.setattr(flash, name, flash._Shape(32, 16, 4, 1))
    segments, count = segmented(lengths, starts), sum(lengths)
    shapes = (heads * groups, heads, heads)
    inputs = [torch.randn(1, count, n, size, device=DEVICE).transpose(1, 2).requires_grad_() for n in shapes]
    query, key, value = inputs
    weights = torch.randn(1, count, heads * groups, size, device=DEVICE)
    found = flash.attend(query, key, value, segments, 0.3)
    expected = plain(query, key, value, segments)
    # A card multiplies float32 in three parts of a shorter format.
    near = 1e-5 if DEVICE == "cpu" else 1e-2
    torch.testing.assert_close(found, expected, rtol=near, atol=near)
    gradients = (torch.autograd.grad((x * weights).sum(), inputs) for x in (found, expected))
    torch.testing.assert_close(*gradients, rtol=near, atol=near)


def test_what_a_card_computes_wrongly_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device(DEVICE)
    assert kernels.right(device)
    monkeypatch.setattr(kernels, "rotated", lambda x, cos, sin: x)
    assert not kernels.right(device)

    no_headers = subprocess.CalledProcessError(1, "gcc")
    for error in (RuntimeError("Failed to find C compiler."), no_headers, ImportError("noexec")):

        def refused(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(kernels, "rotated", refused)
        assert not kernels.right(device)


def test_attention_is_measured_beside_torchs_and_refused_where_it_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    device, dtype = torch.device(DEVICE), torch.float16  # what is interpreted cannot multiply bfloat16
    arguments = (2, 1, 16, dtype, device)
    monkeypatch.setattr(flash, "_TRIED", segmented((5, 20, 1, 40), (1,)))
    monkeypatch.setattr(flash, "_TIMES", 1)
    if device.type == "cpu":
        monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
        monkeypatch.setattr(varlen, "takes", lambda query, value: True)
        monkeypatch.setattr(varlen, "attend", lambda q, k, v, segments, *_: plain(q, k, v, segments, 0.25))
    monkeypatch.setattr(flash, "_GAIN", 1e9)
    assert flash.faster(*arguments)
    monkeypatch.setattr(flash, "_GAIN", 0.0)
    assert not flash.faster(*arguments)
    monkeypatch.setattr(flash, "_GAIN", 1e9)
    monkeypatch.setattr(flash, "attend", lambda q, k, v, *_: q.transpose(1, 2) + 0 * (k.sum() + v.sum()))
    assert not flash.faster(*arguments)
    assert not flash.faster(2, 1, 80, dtype, device)
