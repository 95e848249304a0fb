"""An attention's queries, keys and values in one pass, forward and backward, with the LoRA of each.

They are multiplications of one and the same input. Their adapters' ranks lie side by side in one product with it and
one for its gradient, instead of three narrow ones each, and the three parts of that gradient are added up as they are
multiplied. The idea is Unsloth's (Han 2023, its `LoRA_QKV`); the formulas are `lora`'s.
Gain: 1.02 times a whole step, `tests.bench.train`'s model on a processor.
"""

from functools import wraps
from typing import Any

import torch
from peft.tuners.lora import LoraLayer

from studio.engine import lora, products

_NAMES = ("q_proj", "k_proj", "v_proj")


class _Linears(torch.autograd.Function):
    """y = W x + b + s B A x for each of several layers; A (r, in) and B (out, r) follow each other in `adapters`."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, bases: Any, scales: Any, *adapters: torch.Tensor) -> Any:
        flat, narrow = x.reshape(-1, x.shape[-1]), _alike(adapters, x)
        lows = products.linear(flat, torch.cat(narrow[::2])).split([len(a) for a in narrow[::2]], 1)
        found = [
            products.onto(lora.product(flat, base), low, b.t(), s)
            for base, low, b, s in zip(bases, lows, narrow[1::2], scales, strict=True)
        ]
        ctx.save_for_backward(x, *lows, *adapters)
        ctx.bases, ctx.scales = bases, scales
        return tuple(lora.laid_out(y, x) for y in found)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, *saved = ctx.saved_tensors
        lows, adapters = saved[: len(gradients)], saved[len(gradients) :]
        narrow = _alike(adapters, x)
        a, g = torch.cat(narrow[::2]), [gradient.reshape(-1, gradient.shape[-1]) for gradient in gradients]
        low = torch.cat(
            [products.back(one, b).mul_(s) for one, b, s in zip(g, narrow[1::2], ctx.scales, strict=True)], 1
        )
        for_a = products.across(low, x.reshape(-1, x.shape[-1])).split([len(one) for one in narrow[::2]])
        for_b = [products.across(kept, one).mul_(s).t() for kept, one, s in zip(lows, g, ctx.scales, strict=True)]
        for_x = None
        if ctx.needs_input_grad[0]:
            for_x = low @ a
            for one, base in zip(g, ctx.bases, strict=True):
                lora.back(one, base, for_x)
            for_x = for_x.view(x.shape)
        found = (one for pair in zip(for_a, for_b, strict=True) for one in pair)
        return for_x, None, None, *(one.to(whole.dtype) for one, whole in zip(found, adapters, strict=True))


def use(model: torch.nn.Module) -> str:
    """Makes the attentions of `model` project by the written-out pass where it is the same function.

    Returns:
        Why some do not; empty if none is left, or has such layers.
    """
    left: dict[str, None] = {}
    for module in model.modules():
        layers = [layer for name in _NAMES if isinstance(layer := getattr(module, name, None), LoraLayer)]
        if len(layers) > 1 and (reason := lora.refusal_together(layers)):
            left[reason] = None
        elif len({layer.in_features for layer in layers}) > 1:
            left[f"the layers of {type(module).__name__} have different inputs"] = None
        elif len(layers) > 1:
            _replace(layers)
    return "; ".join(left)


def undo(model: torch.nn.Module) -> None:
    """Gives the layers the passes back that they had."""
    for module in model.modules():
        for layer in (getattr(module, name, None) for name in _NAMES):
            if layer is not None and (plain := getattr(vars(layer).get("forward"), "__wrapped__", None)):
                layer.forward = plain


def alone(layer: Any) -> Any:
    """Returns a layer's own pass, in which nothing is computed for others."""
    return getattr(vars(layer).get("forward"), "__wrapped__", layer.forward)


def _replace(layers: list[Any]) -> None:
    linears: Any = _Linears.apply
    # The first one's input, and what its call has found for the others, which are called next.
    held: dict[int, torch.Tensor] = {}

    def calling(at: int, plain: Any) -> Any:
        @wraps(plain)
        def forward(x: torch.Tensor, *positional: Any, **options: Any) -> Any:
            if at and at in held and held[0] is x:
                found = held.pop(at)
                if len(held) == 1:
                    held.clear()
                return found
            if not at:
                # What others never asked for, as in a pass that failed, is not of this one.
                held.clear()
            if at or positional or options or any(map(lora.differs, layers)):
                return plain(x, *positional, **options)
            bases, adapters, scales = zip(*map(lora.parts, layers), strict=True)
            flat = [tensor for pair in adapters for tensor in pair]
            if (inner := lora.computed_in(x, flat)) is None:
                return plain(x)
            first, *others = linears(inner, bases, scales, *flat)
            held.update(enumerate([x, *others]))
            return first

        return forward

    for at, layer in enumerate(layers):
        layer.forward = calling(at, layer.forward)


def _alike(tensors: Any, x: torch.Tensor) -> list[torch.Tensor]:
    return [tensor.to(x.dtype) for tensor in tensors]
