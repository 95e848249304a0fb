"""What torch passes over a card's memory several times for, in one pass each: gates and rotations, as Triton kernels.

A card multiplies so fast that a fifth of a step goes by between the products, waiting for memory. Each kernel here
reads what it needs once and writes each result once. The ideas are Unsloth's (Han 2023) and Liger Kernel's (Hsu et al.
2024). To be had by `hardware.kernels`, which knows whether they work here.
"""

import torch
import triton
import triton.language as tl
from torch.nn import functional

from studio.engine import flash

__all__ = ["flash", "gated_backward", "opened", "right", "rotated"]

_BLOCK = 2048
# How far numbers may lie apart where a card multiplies float32 in parts of a shorter format.
_NEAR = 5e-3
# sqrt(8 / pi) and a constant of the tanh formula of GELU (Hendrycks and Gimpel 2016).
_WIDE, _CUBE = tl.constexpr(1.5957691216057308), tl.constexpr(0.044715)


def right(device: torch.device) -> bool:
    """Whether the kernels can be made for a card, and give torch's numbers there."""
    generator = torch.Generator(device).manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, device=device)

    gate, up, gradient, low = (drawn(70, n) for n in (200, 200, 200, 24))
    b_gate, b_up = drawn(200, 8), drawn(200, 16)
    x, y = (gate + low[:, :8] @ b_gate.t()).requires_grad_(), (up + 0.5 * low[:, 8:] @ b_up.t()).requires_grad_()
    product = functional.silu(x) * y
    head, cos, sin = drawn(1, 70, 3, 40).transpose(1, 2), drawn(1, 70, 40), drawn(1, 70, 40)
    turned = head * cos[:, None] + torch.cat([-head[..., 20:], head[..., :20]], -1) * sin[:, None]
    wanted = [product.detach(), *torch.autograd.grad(product, (x, y), gradient), turned]
    try:
        found = opened(gate, up, low, b_gate, b_up, (1.0, 0.5), smooth=False)
        near = [found, *gated_backward(gradient, gate, up, smooth=False)[1:], rotated(head, cos, sin)]
    except flash.UNMADE:
        return False
    return all(float((a - b).norm()) <= _NEAR * float(b.norm()) for a, b in zip(near, wanted, strict=True))


def opened(
    gate: torch.Tensor,
    up: torch.Tensor,
    low: torch.Tensor,
    b_gate: torch.Tensor,
    b_up: torch.Tensor,
    scales: tuple[float, float],
    smooth: bool,
) -> torch.Tensor:
    """Adds their LoRA to `gate` and `up` in place and returns f(gate) * up; f is SiLU, or if `smooth` GELU by tanh.

    Args:
        gate: (N, wide), contiguous; `up` alike.
        up: see `gate`.
        low: (N, r + r'), A x of the gate's adapter and of the other's.
        b_gate: (wide, r), contiguous.
        b_up: (wide, r'), contiguous.
        scales: what each adapter is multiplied by.
        smooth: which function.
    """
    (count, wide), found = gate.shape, torch.empty_like(gate)
    ranks = b_gate.shape[1], b_up.shape[1]
    rows, columns, step = 64, 128, 16 if max(ranks) <= 16 else 32
    _opened[(triton.cdiv(count, rows), triton.cdiv(wide, columns))](
        gate, up, found, low, b_gate, b_up, count, wide, low.stride(0), *ranks, *scales,
        smooth=smooth, rows=rows, columns=columns, step=step, num_warps=8,
    )  # fmt: skip
    return found


def gated_backward(
    gradient: torch.Tensor, gate: torch.Tensor, up: torch.Tensor, smooth: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns f(gate) * up of contiguous tensors, and the gradients of both, that of `up` in place of `gradient`."""
    product, for_gate = torch.empty_like(gate), torch.empty_like(gate)
    _gated_backward[_grid(gate)](
        gradient, gate, up, product, for_gate, gate.numel(), smooth=smooth, block=_BLOCK, num_warps=8
    )
    return product, for_gate, gradient


def rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, back: bool = False) -> torch.Tensor:
    """Returns (1, heads, N, size) rotated by the angles of `cos` and `sin`, or back by them.

    Args:
        x: (1, heads, N, size), whose last dimension lies in one piece; its halves are rotated with each other.
        cos: (1, N, size), contiguous.
        sin: likewise.
        back: the other way round.
    """
    _, heads, count, size = x.shape
    found = x.new_empty(1, count, heads, size).transpose(1, 2)
    powers = {"most_heads": triton.next_power_of_2(heads), "most_half": triton.next_power_of_2(size // 2)}
    _rotated[(count,)](x, found, cos, sin, x.stride(2), x.stride(1), heads, size, back=back, **powers)
    return found


def _grid(x: torch.Tensor) -> tuple[int]:
    return (triton.cdiv(x.numel(), _BLOCK),)


@triton.jit  # type: ignore[untyped-decorator]
def _open(x: tl.tensor, smooth: tl.constexpr) -> tl.tensor:
    """Returns f(x) / x."""
    if smooth:
        return tl.sigmoid((x + x * _CUBE * x * x) * _WIDE)
    return tl.sigmoid(x)


@triton.jit  # type: ignore[untyped-decorator]
def _narrow(
    low: tl.tensor, b: tl.tensor, row: tl.tensor, column: tl.tensor, count: tl.tensor, wide: tl.tensor,
    stride: tl.tensor, rank: tl.tensor, rows: tl.constexpr, columns: tl.constexpr, step: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Returns the block of low B^T at the rows and columns."""
    found = tl.zeros((rows, columns), tl.float32)
    for first in range(0, rank, step):
        at = first + tl.arange(0, step)
        x = tl.load(low + row[:, None] * stride + at[None, :], (row[:, None] < count) & (at[None, :] < rank), 0.0)
        y = tl.load(b + column[None, :] * rank + at[:, None], (column[None, :] < wide) & (at[:, None] < rank), 0.0)
        found = tl.dot(x, y, found)
    return found


@triton.jit  # type: ignore[untyped-decorator]
def _opened(
    gate: tl.tensor, up: tl.tensor, found: tl.tensor, low: tl.tensor, b_gate: tl.tensor, b_up: tl.tensor,
    count: tl.tensor, wide: tl.tensor, stride: tl.tensor, gate_rank: tl.tensor, up_rank: tl.tensor,
    gate_scale: tl.tensor, up_scale: tl.tensor, smooth: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
    step: tl.constexpr,
) -> None:  # fmt: skip
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    column = tl.program_id(1) * columns + tl.arange(0, columns)
    at = row.to(tl.int64)[:, None] * wide + column[None, :]
    inside = (row[:, None] < count) & (column[None, :] < wide)
    x = tl.load(gate + at, inside).to(tl.float32)
    y = tl.load(up + at, inside).to(tl.float32)
    x += _narrow(low, b_gate, row, column, count, wide, stride, gate_rank, rows, columns, step) * gate_scale
    y += _narrow(low + gate_rank, b_up, row, column, count, wide, stride, up_rank, rows, columns, step) * up_scale
    x, y = x.to(gate.dtype.element_ty), y.to(up.dtype.element_ty)
    tl.store(gate + at, x, inside)
    tl.store(up + at, y, inside)
    x = x.to(tl.float32)
    tl.store(found + at, x * _open(x, smooth) * y.to(tl.float32), inside)


@triton.jit  # type: ignore[untyped-decorator]
def _gated_backward(
    gradient: tl.tensor,
    gate: tl.tensor,
    up: tl.tensor,
    product: tl.tensor,
    for_gate: tl.tensor,
    count: tl.tensor,
    smooth: tl.constexpr,
    block: tl.constexpr,
) -> None:
    at = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    inside = at < count
    g = tl.load(gradient + at, inside).to(tl.float32)
    x = tl.load(gate + at, inside).to(tl.float32)
    y = tl.load(up + at, inside).to(tl.float32)
    open_ = _open(x, smooth)
    slope = x * open_ * (1 - open_)
    if smooth:
        slope *= _WIDE * (1 + 3 * _CUBE * x * x)
    slope += open_
    tl.store(product + at, x * open_ * y, inside)
    tl.store(for_gate + at, g * y * slope, inside)
    tl.store(gradient + at, g * x * open_, inside)


@triton.jit  # type: ignore[untyped-decorator]
def _rotated(
    x: tl.tensor,
    found: tl.tensor,
    cos: tl.tensor,
    sin: tl.tensor,
    token_stride: tl.tensor,
    head_stride: tl.tensor,
    heads: tl.tensor,
    size: tl.tensor,
    back: tl.constexpr,
    most_heads: tl.constexpr,
    most_half: tl.constexpr,
) -> None:
    token = tl.program_id(0).to(tl.int64)
    head, at = tl.arange(0, most_heads)[:, None], tl.arange(0, most_half)[None, :]
    half = size // 2
    inside = (head < heads) & (at < half)
    source = x + token * token_stride + head * head_stride + at
    a = tl.load(source, inside).to(tl.float32)
    b = tl.load(source + half, inside).to(tl.float32)
    angle, known = token * size + at, at < half
    c1, s1 = tl.load(cos + angle, known).to(tl.float32), tl.load(sin + angle, known).to(tl.float32)
    c2, s2 = tl.load(cos + angle + half, known).to(tl.float32), tl.load(sin + angle + half, known).to(tl.float32)
    if back:
        s1, s2 = -s2, -s1
    target = found + token * heads * size + head * size + at
    tl.store(target, a * c1 - b * s1, inside)
    tl.store(target + half, b * c2 + a * s2, inside)
