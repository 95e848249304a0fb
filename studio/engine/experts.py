"""The passes of experts with LoRA written out, so that no weight as large as all of them is made.

A model holds its experts in one parameter (E, out, in), and PEFT adds B A to that in every pass (`ParamWrapper`): the
sum is kept for the backward pass, which makes a gradient as large. Here the tokens that are routed to an expert go
through its own A and B: y = W x + b + s B A x (Hu et al. 2021, eq. 3). All else is as transformers computes experts
(`grouped_mm_experts_forward`): tokens are ordered by expert, and multiplied a group at a time. In half precision the
update is not rounded to what W can hold beside it, as in PEFT's sum.
Gain: a step 2.6 times as fast with 256 tokens and 1.7 times with 1,024, a token of an answer 19 times, and 0.3 GB less,
`tests.bench.experts` on a processor.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from peft.tuners.lora.layer import ParamWrapper
from torch.nn import functional
from transformers.integrations.moe import _grouped_mm as grouped

from studio.engine import products

# What transformers' `use_experts_implementation` tells of a class of experts, and by which it computes them.
_TOLD = ("has_gate", "has_bias", "is_transposed", "has_post_expert_norm", "_apply_gate", "_is_expert_parallel")
_ALIKE = ("eager", "grouped_mm", "batched_mm")
# Ranks of groups are filled up with zeros to a multiple of this: their rows begin at every 16 bytes.
_RANKS = 8
# The largest difference from the plain way, relative to the largest number.
_NEAR = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}

_Lora = tuple[torch.Tensor, torch.Tensor, float]


def use(model: torch.nn.Module) -> str:
    """Makes the experts of `model` that have LoRA compute by the passes written out where those are the same function.

    Returns:
        Which kinds stay as PEFT has them, and why; empty if none does.
    """
    undo(model)
    left, tried = dict[str, None](), dict[type, str]()
    for wrappers, base in _adapted(model):
        kind, why = type(base), _refusal(base)
        if not why and kind not in tried:
            tried[kind] = "" if base.down_proj.is_meta else _difference(wrappers, base)
        if why := why or tried[kind]:
            left[why] = None
        else:
            _replace(wrappers, base)
    return "; ".join(left)


def undo(model: torch.nn.Module) -> None:
    """Gives the experts PEFT's own passes back."""
    for module in model.modules():
        if isinstance(module, ParamWrapper):
            vars(module).pop("forward", None)


def _adapted(model: torch.nn.Module) -> Iterator[tuple[list[Any], Any]]:
    """Yields experts, and before them what PEFT has put around them, the outermost first, one for each parameter."""
    around = [module for module in model.modules() if isinstance(module, ParamWrapper)]
    inner = {id(wrapper.base_layer) for wrapper in around}
    for outermost in (wrapper for wrapper in around if id(wrapper) not in inner):
        wrappers: list[Any] = [outermost]
        while isinstance(wrappers[-1].base_layer, ParamWrapper):
            wrappers.append(wrappers[-1].base_layer)
        yield wrappers, wrappers[-1].base_layer


def _refusal(base: Any) -> str:
    """Returns why experts cannot be computed by the passes written out; empty if they can."""
    if not all(hasattr(base, name) for name in _TOLD):
        return f"{type(base).__name__} has passes of its own"
    if base.config._experts_implementation not in _ALIKE or base._is_expert_parallel:
        return "the model's experts are computed in another way"
    return ""


def _replace(wrappers: list[Any], base: Any) -> None:
    outermost = wrappers[0]
    plain = outermost.forward

    def forward(x: torch.Tensor, *positional: Any, **options: Any) -> Any:
        differs = any(wrapper.disable_adapters or wrapper.merged for wrapper in wrappers)
        if differs or options or len(positional) != 2 or x.dim() != 2:
            return plain(x, *positional, **options)
        return _computed(base, _loras(wrappers), x, *positional)

    outermost.forward = forward


def _loras(wrappers: list[Any]) -> dict[str, list[_Lora]]:
    """Returns of each adapted parameter the LoRA of the adapters that are active."""
    return {
        wrapper.parameter_name: [_lora(wrapper, name) for name in wrapper.active_adapters if name in wrapper.lora_A]
        for wrapper in wrappers
    }


def _lora(wrapper: Any, name: str) -> _Lora:
    """Returns A (E, r, in), B (E, out, r) and s: PEFT has A's ranks an expert after the other, B's a rank of all."""
    count, dtype = wrapper.num_experts, wrapper.get_param().dtype
    a = wrapper.lora_A[name].weight.to(dtype).unflatten(0, (count, -1))
    b = wrapper.lora_B[name].weight.to(dtype).unflatten(1, (-1, count)).permute(2, 0, 1).contiguous()
    return a, b, wrapper.scaling[name]


def _computed(
    base: Any, loras: dict[str, list[_Lora]], x: torch.Tensor, chosen: torch.Tensor, shares: torch.Tensor
) -> torch.Tensor:
    """Returns what experts make of `x` (N, D), each token by those `chosen` for it (N, K), in `shares` (N, K)."""
    count, each = chosen.shape
    experts, order = torch.sort(chosen.flatten())
    ends = torch.searchsorted(experts, torch.arange(base.num_experts, device=x.device), right=True, out_int32=True)

    def product(given: torch.Tensor, name: str) -> torch.Tensor:
        weight = _weight(base, name)
        way = _one_by_one if x.device.type == "cpu" and not weight.requires_grad else _grouped
        y = way(given.to(weight.dtype), weight, ends, loras.get(name, []))
        return y + getattr(base, f"{name}_bias")[experts] if base.has_bias else y

    y = product(x[order // each], "gate_up_proj" if base.has_gate else "up_proj")
    y = product(base._apply_gate(y) if base.has_gate else base.act_fn(y), "down_proj")
    if base.has_post_expert_norm:
        y = base.post_expert_norm(y)
    y = y * shares.flatten()[order].unsqueeze(-1)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=x.device)
    result: torch.Tensor = y[place].view(count, each, -1).sum(1).to(x.dtype)
    return result


def _weight(base: Any, name: str) -> torch.Tensor:
    """Returns the weights of experts as (E, out, in)."""
    weight: torch.Tensor = getattr(base, name)
    return weight.transpose(1, 2) if base.is_transposed else weight


def _grouped(x: torch.Tensor, weight: torch.Tensor, ends: torch.Tensor, loras: list[_Lora]) -> torch.Tensor:
    """Returns W x + s B A x of rows (S, in) that lie in groups that end at `ends` (E,), for weights (E, out, in)."""
    y: torch.Tensor = grouped(x, weight.transpose(1, 2), ends)
    for a, b, s in loras:
        if more := -a.shape[1] % _RANKS:
            a, b = functional.pad(a, (0, 0, 0, more)), functional.pad(b, (0, more))
        y.add_(grouped(grouped(x, a.transpose(1, 2), ends), b.transpose(1, 2), ends), alpha=s)
    return y


def _one_by_one(x: torch.Tensor, weight: torch.Tensor, ends: torch.Tensor, loras: list[_Lora]) -> torch.Tensor:
    """Returns the same by the products that are fastest on a processor, for frozen weights."""
    apply: Any = _OneByOne.apply
    scales, pairs = [s for _, _, s in loras], [matrix for a, b, _ in loras for matrix in (a, b)]
    y: torch.Tensor = apply(x, weight, [0, *ends.tolist()], scales, *pairs)
    return y


class _OneByOne(torch.autograd.Function):
    """W x + s B A x, an expert at a time."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: Any, bounds: Any, scales: Any, *pairs: torch.Tensor) -> Any:
        y = x.new_empty(len(x), weight.shape[1])
        for at, rows in _rows(bounds):
            part = products.linear(x[rows], weight[at])
            for a, b, s in zip(pairs[::2], pairs[1::2], scales, strict=True):
                part.addmm_(x[rows] @ a[at].t(), b[at].t(), alpha=s)
            y[rows] = part
        ctx.save_for_backward(x, *pairs)
        ctx.weight, ctx.bounds, ctx.scales = weight, bounds, scales
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        x, *pairs = ctx.saved_tensors
        for_x, found = torch.empty_like(x), [torch.zeros_like(matrix) for matrix in pairs]
        lora = list(zip(pairs[::2], pairs[1::2], found[::2], found[1::2], ctx.scales, strict=True))
        gradient = gradient.contiguous()
        for at, rows in _rows(ctx.bounds):
            g, given = gradient[rows], x[rows]
            part = products.back(g, ctx.weight[at])
            for a, b, for_a, for_b, s in lora:
                narrow = (g @ b[at]).mul_(s)
                for_a[at] = products.across(narrow, given)
                for_b[at] = products.across(given @ a[at].t(), g).mul_(s).t()
                part.addmm_(narrow, a[at])
            for_x[rows] = part
        return for_x, None, None, None, *found


def _rows(bounds: list[int]) -> Iterator[tuple[int, slice]]:
    """Yields the experts that have rows, and which those are."""
    for at, (start, stop) in enumerate(pairwise(bounds)):
        if stop > start:
            yield at, slice(start, stop)


@torch.no_grad()
def _difference(wrappers: list[Any], base: Any) -> str:
    """Returns how both ways differ; empty: they do not. No sum of all experts is made for it."""
    device, dtype = base.down_proj.device, base.down_proj.dtype
    drawn, width = torch.Generator().manual_seed(0), base.down_proj.shape[2 if base.is_transposed else 1]
    x = torch.randn(8, width, generator=drawn).to(device, dtype)
    each = min(2, base.num_experts)
    chosen = torch.stack([torch.randperm(base.num_experts, generator=drawn)[:each] for _ in x]).to(device)
    shares = torch.rand(8, each, generator=drawn).to(device, dtype)
    alike = _is_near(_computed(base, {}, x, chosen, shares), base(x, chosen, shares))
    for wrapper in wrappers:
        for name in wrapper.lora_B:
            meant, lora = _with_any_b(wrapper, name, drawn)
            if device.type != "cpu" and not _multiplies_groups(_weight(base, wrapper.parameter_name), lora, drawn):
                return "this card does not multiply rows in groups"
            a, b, s = lora
            alike = (
                alike and s == meant[2] and all(_is_near(b[at] @ a[at], meant[0][at] @ meant[1][at]) for at in (0, -1))
            )
    return "" if alike else f"{type(base).__name__} is not the known formula"


def _with_any_b(wrapper: Any, name: str, drawn: torch.Generator) -> tuple[_Lora, _Lora]:
    """Returns what PEFT makes of A and B, (E, out, r), (E, r, in) and s, and `_lora`, for a B that is not yet zero."""
    lora = wrapper.lora_B[name]
    kept = lora.weight.data
    lora.weight.data = torch.randn(kept.shape, generator=drawn).to(kept.device, kept.dtype)
    try:
        left, right, scale = wrapper.get_delta_factors(name)
        found = _lora(wrapper, name)
    finally:
        lora.weight.data = kept
    if wrapper.get_base_layer().is_transposed:
        left, right = right.transpose(1, 2), left.transpose(1, 2)
    return (left, right, scale), found


def _multiplies_groups(weight: torch.Tensor, lora: _Lora, drawn: torch.Generator) -> bool:
    """Whether rows in groups are multiplied as an expert at a time, forwards and back, which not every card can."""
    a, b, s = lora
    x = torch.randn(16, weight.shape[2], generator=drawn).to(weight.device, weight.dtype)
    ends = torch.arange(1, len(weight) + 1, device=x.device, dtype=torch.int32) * 16 // len(weight)
    found = []
    try:
        for way in (_grouped, _one_by_one):
            given = [one.detach().requires_grad_() for one in (x, a, b)]
            with torch.enable_grad():
                y = way(given[0], weight, ends.int(), [(given[1], given[2], s)])
                found.append([y.detach(), *torch.autograd.grad((y * y).sum(), given)])
    except RuntimeError:
        return False
    return all(map(_is_near, *found))


def _is_near(found: torch.Tensor, expected: torch.Tensor) -> bool:
    same = found.shape == expected.shape
    return same and bool((found - expected).abs().max() <= _NEAR.get(found.dtype, 0.0) * expected.abs().max())
