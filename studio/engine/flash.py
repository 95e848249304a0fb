"""Attention within rows on a card, forward and backward, as Triton kernels that know where rows begin.

The formulas are FlashAttention's (Dao et al. 2022, algorithms 1 and 4; Dao 2023). A program computes a block of one
row's queries, or of its keys, and walks over nothing but what that block sees or is seen by: its own row and the
beginning that rows have in common. Each sum has one order, so a step repeats bit by bit. Taken where a short
measurement on the card itself finds them right and faster than `varlen`: the gain is what that finds. To be had by
`hardware.kernels`.
"""

import itertools
import statistics
import time
from functools import lru_cache
from subprocess import SubprocessError
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from triton.errors import TritonError

from studio.engine import varlen
from studio.engine.batches import Segment


class _Shape(NamedTuple):
    """How a kernel is cut: a program's block, what it walks over at a time, warps, and loads under way."""

    block: int
    step: int
    warps: int
    stages: int


_FORWARD, _FOR_QUERIES, _FOR_KEYS = _Shape(128, 64, 8, 3), _Shape(128, 64, 8, 3), _Shape(128, 32, 8, 2)
# Tried with these, so many times.
_TRIED = (Segment(1500), Segment(200), Segment(1, 1), Segment(130, 1), Segment(600), Segment(65), Segment(320, 5))
_TIMES = 8
# How far half precision's numbers may lie apart, and of how much time it has to be worth it.
_NEAR, _GAIN = 1e-2, 0.93
_ROUNDS = 5
# There is no C compiler, or one without Python's headers; a driver is too old; a card is not known to Triton.
UNMADE = (TritonError, RuntimeError, OSError, ImportError, SubprocessError)
_LOG2_E = tl.constexpr(1.4426950408889634)


def takes(query: torch.Tensor, value: torch.Tensor) -> bool:
    """Whether the kernels are made for (1, heads, N, size) like these."""
    size = query.shape[3]
    known = query.dtype in (torch.bfloat16, torch.float16)
    return known and value.shape[3] == size and size in (16, 32, 64, 128)


def faster(heads: int, key_heads: int, size: int, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether the kernels give what `varlen` gives here, and in less time; takes a few seconds, most to make them.

    Cards differ in what they are good at, and in how much memory a block may have.
    """
    generator = torch.Generator(device).manual_seed(0)
    shape = (1, sum(segment.tokens for segment in _TRIED))
    inputs = [
        torch.randn(*shape, n, size, generator=generator, device=device, dtype=dtype).transpose(1, 2).requires_grad_()
        for n in (heads, key_heads, key_heads)
    ]
    if not (takes(inputs[0], inputs[2]) and varlen.takes(inputs[0], inputs[2])):
        return False

    def computed(own: bool) -> list[torch.Tensor]:
        with torch.enable_grad():
            if own:
                found = attend(inputs[0], inputs[1], inputs[2], _TRIED, None)
            else:
                found = varlen.attend(inputs[0], inputs[1], inputs[2], _TRIED, None, None)
            return [found.detach(), *torch.autograd.grad(found.float().square().sum(), inputs)]

    def seconds(own: bool) -> float:
        torch.cuda.synchronize(device)
        began = time.perf_counter()
        for _ in range(_TIMES):
            computed(own)
        torch.cuda.synchronize(device)
        return time.perf_counter() - began

    try:
        for found, expected in zip(computed(own=True), computed(own=False), strict=True):
            if not float((found - expected).norm() / expected.norm()) < _NEAR:
                return False
        # In turns, as others may be at work on the card.
        rounds = [(seconds(own=True), seconds(own=False)) for _ in range(_ROUNDS)]
        return statistics.median(own / other for own, other in rounds) < _GAIN
    except UNMADE:
        return False


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: tuple[Segment, ...],
    scale: float | None,
) -> torch.Tensor:
    """Computes causal attention by row, without dropout; see `attention.attend_by_row` for the arguments.

    Returns:
        (1, N, heads, size).
    """
    s = query.shape[3] ** -0.5 if scale is None else scale
    attention: Any = _Attention.apply
    found: torch.Tensor = attention(*(x[0].transpose(0, 1) for x in (query, key, value)), segments, s)
    return found[None]


class _Attention(torch.autograd.Function):
    """softmax(s Q K^T) V by row, for (N, heads, size)."""

    @staticmethod
    def forward(
        ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, segments: tuple[Segment, ...], s: float
    ) -> Any:
        q, k, v = (x if x.stride(2) == 1 else x.contiguous() for x in (q, k, v))
        count, heads, size = q.shape
        found = q.new_empty(count, heads, size)
        weights = q.new_empty(heads, count, dtype=torch.float32)
        block, step, warps, stages = _FORWARD
        blocks = _blocks(segments, block, q.device)
        _forward[(len(blocks), heads)](
            q, k, v, found, weights, blocks, *q.stride()[:2], *k.stride()[:2], *v.stride()[:2], count, s,
            heads // k.shape[1], size=size, block=block, step=step, num_warps=warps, num_stages=stages,
        )  # fmt: skip
        ctx.save_for_backward(q, k, v, found, weights)
        ctx.segments, ctx.s = segments, s
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        q, k, v, found, weights = ctx.saved_tensors
        count, heads, size = q.shape
        g = gradient.contiguous()
        along = torch.empty_like(weights)
        for_q, for_k, for_v = q.new_empty(q.shape), k.new_empty(k.shape), v.new_empty(v.shape)
        strides = *q.stride()[:2], *k.stride()[:2], *v.stride()[:2]
        block, step, warps, stages = _FOR_QUERIES
        blocks = _blocks(ctx.segments, block, q.device)
        _for_queries[(len(blocks), heads)](
            q, k, v, found, g, weights, along, for_q, blocks, *strides, count, ctx.s, heads // k.shape[1],
            size=size, block=block, step=step, num_warps=warps, num_stages=stages,
        )  # fmt: skip
        block, step, warps, stages = _FOR_KEYS
        blocks = _blocks(ctx.segments, block, q.device)
        _for_keys[(len(blocks), k.shape[1])](
            q, k, v, g, weights, along, for_k, for_v, blocks, *strides, count, ctx.s, heads // k.shape[1],
            size=size, block=block, step=step, num_warps=warps, num_stages=stages,
        )  # fmt: skip
        return for_q, for_k, for_v, None, None, None


# Every layer asks for the same.
@lru_cache(maxsize=8)
def _blocks(segments: tuple[Segment, ...], block: int, device: torch.device) -> torch.Tensor:
    """Returns (blocks, 6) int32, of each block the places where things start or end.

    In turn: its segment starts, it starts, the segment ends, what the segment sees beside itself starts and ends, and
    the last that sees the segment ends.
    """
    ends = list(itertools.accumulate(segment.tokens for segment in segments))
    spans = list(zip([0, *ends], ends, strict=False))
    last = ends.copy()
    for number, segment in enumerate(segments):
        if segment.before >= 0:
            last[segment.before] = ends[number]
    found = [
        (start, begin, stop, *(spans[segment.before] if segment.before >= 0 else (0, 0)), last[number])
        for number, (segment, (start, stop)) in enumerate(zip(segments, spans, strict=True))
        for begin in range(start, stop, block)
    ]
    table = torch.tensor(found, dtype=torch.int32)
    return table.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else table


@triton.jit  # type: ignore[untyped-decorator]
def _tile(
    x: tl.tensor, at: tl.tensor, stop: tl.tensor, stride: tl.tensor, size: tl.constexpr, whole: tl.constexpr = False
) -> tl.tensor:
    """Returns the rows `at` of (.., size) at `x`, and zeros from `stop` on; whole: none of them is there."""
    place = x + at.to(tl.int64)[:, None] * stride + tl.arange(0, size)[None, :]
    if whole:
        return tl.load(place)
    return tl.load(place, at[:, None] < stop, 0.0)


@triton.jit  # type: ignore[untyped-decorator]
def _put(x: tl.tensor, at: tl.tensor, stop: tl.tensor, stride: tl.tensor, found: tl.tensor, size: tl.constexpr) -> None:
    place = x + at.to(tl.int64)[:, None] * stride + tl.arange(0, size)[None, :]
    tl.store(place, found.to(x.dtype.element_ty), at[:, None] < stop)


@triton.jit  # type: ignore[untyped-decorator]
def _scored(
    q: tl.tensor, k: tl.tensor, v: tl.tensor, k_stride: tl.tensor, v_stride: tl.tensor, at: tl.tensor, n: tl.tensor,
    stop: tl.tensor, s: tl.tensor, most: tl.tensor, total: tl.tensor,
    found: tl.tensor, size: tl.constexpr, whole: tl.constexpr, causal: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Takes the keys and values `n` into a block's sums."""
    scores = tl.dot(q, tl.trans(_tile(k, n, stop, k_stride, size, whole))) * (s * _LOG2_E)
    if causal:
        scores = tl.where((at[:, None] >= n[None, :]) & (n < stop)[None, :], scores, float("-inf"))
    elif not whole:
        scores = tl.where((n < stop)[None, :], scores, float("-inf"))
    higher = tl.maximum(most, tl.max(scores, 1))
    p = tl.exp2(scores - higher[:, None])
    faded = tl.exp2(most - higher)
    values = _tile(v, n, stop, v_stride, size, whole)
    found = tl.dot(p.to(values.dtype), values, found * faded[:, None])
    return higher, total * faded + tl.sum(p, 1), found


@triton.jit  # type: ignore[untyped-decorator]
def _forward(
    q: tl.tensor, k: tl.tensor, v: tl.tensor, out: tl.tensor, weights: tl.tensor, blocks: tl.tensor,
    q_token: tl.tensor, q_head: tl.tensor, k_token: tl.tensor, k_head: tl.tensor,
    v_token: tl.tensor, v_head: tl.tensor, count: tl.tensor, s: tl.tensor, groups: tl.tensor,
    size: tl.constexpr, block: tl.constexpr,
    step: tl.constexpr,
) -> None:  # fmt: skip
    # The last blocks of a row see most, and come first.
    entry, head = blocks + 6 * (tl.num_programs(0) - 1 - tl.program_id(0)), tl.program_id(1)
    start, begin, stop, common = tl.load(entry), tl.load(entry + 1), tl.load(entry + 2), tl.load(entry + 4)
    k, v = k + head // groups * k_head, v + head // groups * v_head
    at, places = begin + tl.arange(0, block), tl.arange(0, step)
    queries = _tile(q + head * q_head, at, stop, q_token, size)
    most, total = tl.full((block,), float("-inf"), tl.float32), tl.zeros((block,), tl.float32)
    found = tl.zeros((block, size), tl.float32)
    for n in range(tl.load(entry + 3), common, step):
        most, total, found = _scored(
            queries, k, v, k_token, v_token, at, n + places, common, s, most, total, found, size, False, False
        )
    for n in range(start, begin, step):
        most, total, found = _scored(
            queries, k, v, k_token, v_token, at, n + places, stop, s, most, total, found, size, True, False
        )
    for n in range(begin, tl.minimum(begin + block, stop), step):
        most, total, found = _scored(
            queries, k, v, k_token, v_token, at, n + places, stop, s, most, total, found, size, False, True
        )
    _put(out + head * size, at, stop, tl.num_programs(1) * size, found / total[:, None], size)
    tl.store(weights + head.to(tl.int64) * count + at, most + tl.log2(total), at < stop)


@triton.jit  # type: ignore[untyped-decorator]
def _query_slopes(
    q: tl.tensor, g: tl.tensor, k: tl.tensor, v: tl.tensor, k_token: tl.tensor, v_token: tl.tensor, at: tl.tensor,
    n: tl.tensor, stop: tl.tensor, s: tl.tensor, weight: tl.tensor,
    along: tl.tensor, found: tl.tensor, size: tl.constexpr, whole: tl.constexpr, causal: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Adds to the queries' gradient what comes by the keys `n`."""
    keys, values = _tile(k, n, stop, k_token, size, whole), _tile(v, n, stop, v_token, size, whole)
    p = tl.exp2(tl.dot(q, tl.trans(keys)) * (s * _LOG2_E) - weight[:, None])
    if causal:
        p = tl.where((at[:, None] >= n[None, :]) & (n < stop)[None, :], p, 0.0)
    elif not whole:
        p = tl.where((n < stop)[None, :], p, 0.0)
    slopes = p * (tl.dot(g, tl.trans(values)) - along[:, None])
    return tl.dot(slopes.to(keys.dtype), keys, found)


@triton.jit  # type: ignore[untyped-decorator]
def _for_queries(
    q: tl.tensor, k: tl.tensor, v: tl.tensor, out: tl.tensor, g: tl.tensor, weights: tl.tensor, along: tl.tensor,
    for_q: tl.tensor, blocks: tl.tensor, q_token: tl.tensor,
    q_head: tl.tensor, k_token: tl.tensor, k_head: tl.tensor, v_token: tl.tensor, v_head: tl.tensor,
    count: tl.tensor, s: tl.tensor, groups: tl.tensor,
    size: tl.constexpr, block: tl.constexpr, step: tl.constexpr,
) -> None:  # fmt: skip
    entry, head = blocks + 6 * (tl.num_programs(0) - 1 - tl.program_id(0)), tl.program_id(1)
    start, begin, stop, common = tl.load(entry), tl.load(entry + 1), tl.load(entry + 2), tl.load(entry + 4)
    k, v = k + head // groups * k_head, v + head // groups * v_head
    at, places, token = begin + tl.arange(0, block), tl.arange(0, step), tl.num_programs(1) * size
    queries, slope = _tile(q + head * q_head, at, stop, q_token, size), _tile(g + head * size, at, stop, token, size)
    given = _tile(out + head * size, at, stop, token, size)
    # What the softmax's gradient takes off: the sum of a query's weights times their gradients (equation 4).
    off = tl.sum(given.to(tl.float32) * slope.to(tl.float32), 1)
    place = head.to(tl.int64) * count + at
    tl.store(along + place, off, at < stop)
    weight = tl.load(weights + place, at < stop, 0.0)
    found = tl.zeros((block, size), tl.float32)
    for n in range(tl.load(entry + 3), common, step):
        found = _query_slopes(
            queries, slope, k, v, k_token, v_token, at, n + places, common, s, weight, off, found, size, False, False
        )
    for n in range(start, begin, step):
        found = _query_slopes(
            queries, slope, k, v, k_token, v_token, at, n + places, stop, s, weight, off, found, size, True, False
        )
    for n in range(begin, tl.minimum(begin + block, stop), step):
        found = _query_slopes(
            queries, slope, k, v, k_token, v_token, at, n + places, stop, s, weight, off, found, size, False, True
        )
    _put(for_q + head * size, at, stop, token, found * s, size)


@triton.jit  # type: ignore[untyped-decorator]
def _key_slopes(
    keys: tl.tensor, values: tl.tensor, q: tl.tensor, g: tl.tensor, q_token: tl.tensor, g_token: tl.tensor,
    at: tl.tensor, m: tl.tensor, stop: tl.tensor, s: tl.tensor,
    weights: tl.tensor, along: tl.tensor, for_k: tl.tensor, for_v: tl.tensor, size: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    queries, slope = _tile(q, m, stop, q_token, size), _tile(g, m, stop, g_token, size)
    # Where there is no query its gradient is zeros, and adds none.
    weight, off = tl.load(weights + m, m < stop, 0.0), tl.load(along + m, m < stop, 0.0)
    p = tl.exp2(tl.dot(keys, tl.trans(queries)) * (s * _LOG2_E) - weight[None, :])
    p = tl.where(m[None, :] >= at[:, None], p, 0.0)
    for_v = tl.dot(p.to(slope.dtype), slope, for_v)
    slopes = p * (tl.dot(values, tl.trans(slope)) - off[None, :])
    return tl.dot(slopes.to(queries.dtype), queries, for_k), for_v


@triton.jit  # type: ignore[untyped-decorator]
def _for_keys(
    q: tl.tensor, k: tl.tensor, v: tl.tensor, g: tl.tensor, weights: tl.tensor, along: tl.tensor, for_k: tl.tensor,
    for_v: tl.tensor, blocks: tl.tensor, q_token: tl.tensor,
    q_head: tl.tensor, k_token: tl.tensor, k_head: tl.tensor, v_token: tl.tensor, v_head: tl.tensor,
    count: tl.tensor, s: tl.tensor, groups: tl.tensor,
    size: tl.constexpr, block: tl.constexpr, step: tl.constexpr,
) -> None:  # fmt: skip
    entry, head = blocks + 6 * tl.program_id(0), tl.program_id(1)
    begin, stop = tl.load(entry + 1), tl.load(entry + 2)
    at, places = begin + tl.arange(0, block), tl.arange(0, step)
    keys, values = _tile(k + head * k_head, at, stop, k_token, size), _tile(v + head * v_head, at, stop, v_token, size)
    found_k, found_v = tl.zeros((block, size), tl.float32), tl.zeros((block, size), tl.float32)
    token = tl.num_programs(1) * groups * size
    # All later queries of the segment see these keys, and those of the segments that see it, which lie behind it.
    last = tl.load(entry + 5)
    for one in range(0, groups):
        query_head = head * groups + one
        queries, slopes = q + query_head * q_head, g + query_head * size
        weight, off = weights + query_head.to(tl.int64) * count, along + query_head.to(tl.int64) * count
        for m in range(begin, last, step):
            found_k, found_v = _key_slopes(
                keys,
                values,
                queries,
                slopes,
                q_token,
                token,
                at,
                m + places,
                last,
                s,
                weight,
                off,
                found_k,
                found_v,
                size,
            )
    key_token = tl.num_programs(1) * size
    _put(for_k + head * size, at, stop, key_token, found_k * s, size)
    _put(for_v + head * size, at, stop, key_token, found_v, size)
