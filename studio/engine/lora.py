"""LoRA's forward and backward pass written out, so that nothing is kept that they do not need.

PEFT's layer is a graph of six operations: each keeps its inputs, scales and adds in passes of its own over (N, out),
and copies the input where it drops some of it. Written by hand, the pass adds into the base's product as it
multiplies, and keeps x, which the layer before keeps anyway, and x A^T of rank r. The idea is Unsloth's (Han 2023, its
`fast_lora`); the formulas follow from y = W x + b + s B A x (Hu et al. 2021, eq. 3).
Gain: with `mlp` and `projections` 1.06 times a whole step, and 0.5 GB less at 1,400 tokens a pass,
`tests.bench.train`'s model on a processor.
"""

from collections.abc import Iterable
from typing import Any

import torch
from peft import PeftModel, PeftType
from peft.tuners.lora import LoraLayer
from peft.tuners.lora.layer import ParamWrapper
from transformers.pytorch_utils import Conv1D

from studio.engine import memory, methods, products

# The attribute of a base layer that holds its `products.Packed`.
_LAYOUT = "packed_weight"


class _Linear(torch.autograd.Function):
    """y = W x + b + s B A d(x), for the frozen W and b of `base`; d drops entries and scales what is left."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, base: Any, s: float, p: float) -> Any:
        flat, kept = x.reshape(-1, x.shape[-1]), None
        y = product(flat, base)
        if p:
            dropped, kept = torch.native_dropout(flat, p, True)
        low = products.linear(dropped if p else flat, a.to(x.dtype))
        products.onto(y, low, b.to(x.dtype).t(), s)
        ctx.save_for_backward(x, low, a, b, kept)
        ctx.base, ctx.s, ctx.p = base, s, p
        return laid_out(y, x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        x, low, a, b, kept = ctx.saved_tensors
        g, s = gradient.reshape(-1, gradient.shape[-1]), ctx.s
        narrow = products.back(g, b.to(g.dtype))
        for_b = products.across(low, g).mul_(s).t()
        flat = x.reshape(-1, x.shape[-1])
        if kept is not None:
            s /= 1 - ctx.p
            flat = flat * kept
        for_a = products.across(narrow, flat).mul_(s)
        for_x = None
        if ctx.needs_input_grad[0]:
            for_x = back(g, ctx.base)
            if kept is None:
                products.onto(for_x, narrow, a.to(g.dtype), s)
            else:
                for_x.addcmul_(narrow @ a.to(g.dtype), kept, value=s)
            for_x = for_x.view(x.shape)
        return for_x, for_a.to(a.dtype), for_b.to(b.dtype), None, None, None


def use(model: Any) -> str:
    """Makes the LoRA layers of `model` compute by the written-out passes where those are the same function.

    Returns:
        Which kinds of layers stay as PEFT has them, and why; empty if none does.
    """
    if not isinstance(model, PeftModel):
        return "there is no adapter"
    if model.peft_type != PeftType.LORA:
        return f"the adapter is {methods.title(model)}, which PEFT computes"
    left: dict[str, None] = {}
    for layer in layers(model):
        if reason := refusal(layer):
            left[reason] = None
        else:
            _replace(layer)
    return "; ".join(left)


def undo(model: torch.nn.Module) -> None:
    """Gives the layers PEFT's own passes back."""
    for module in model.modules():
        if isinstance(module, LoraLayer):
            vars(module).pop("forward", None)
            vars(module.get_base_layer()).pop(_LAYOUT, None)


def packable(model: torch.nn.Module, device: torch.device) -> list[Any]:
    """Returns the base layers whose products on `device` are faster with the weight laid out beforehand by `pack`."""
    if device.type != "cpu" or not products.onednn_is_faster():
        return []
    # Layers may share one.
    bases = {id(base): base for base in (one.get_base_layer() for one in layers(model) if not refusal(one))}.values()
    return [base for base in bases if base.weight.dtype == torch.float32]


def pack(bases: list[Any], rows: int) -> None:
    """Lays out the weights of base layers that are `packable`, for `rows` at once; it takes twice their memory.

    They must not change from here on, nor can the model be copied or pickled until `undo`. The weights themselves are
    then read by passes of few tokens alone; those in a file are given back to it.
    """
    for base in bases:
        setattr(base, _LAYOUT, products.packed(weight(base, torch.float32), rows))
    give_back(bases)


def give_back(bases: list[Any]) -> None:
    """Gives weights back to their file where passes do not read them, because they are laid out beforehand."""
    memory.give_back([base.weight for base in bases if _LAYOUT in vars(base)])


def layers(model: torch.nn.Module) -> list[Any]:
    """Returns the layers of `model` that have LoRA; experts, which are parameters of one module, are `experts`'s."""
    return [one for one in model.modules() if isinstance(one, LoraLayer) and not isinstance(one, ParamWrapper)]


def refusal(layer: Any) -> str:
    """Returns why a layer, with LoRA or plain, cannot be computed by passes written out; empty if it can."""
    adapted = isinstance(layer, LoraLayer)
    base = layer.get_base_layer() if adapted else layer
    if type(base) not in (torch.nn.Linear, Conv1D) and getattr(base.weight, "quant_state", None) is None:
        return f"{type(base).__name__} layers are not plain multiplications"
    if base.weight.requires_grad or (base.bias is not None and base.bias.requires_grad):
        return "weights or biases of the base are trained too"
    if not adapted:
        return ""
    names = layer.active_adapters
    if len(names) != 1 or len(layer.lora_A) != 1 or layer.lora_variant or layer.lora_bias[names[0]]:
        return "DoRA and other variants have more to compute"
    return ""


def parts(layer: Any) -> tuple[Any, tuple[torch.Tensor, torch.Tensor], float]:
    """Returns of a layer that is not refused its base, A (r, in) and B (out, r), and s; r is 0 without an adapter."""
    if isinstance(layer, LoraLayer):
        name = layer.active_adapters[0]
        return layer.get_base_layer(), (layer.lora_A[name].weight, layer.lora_B[name].weight), layer.scaling[name]
    device = layer.weight.device
    nothing = torch.empty(0, layer.in_features, device=device), torch.empty(layer.out_features, 0, device=device)
    return layer, nothing, 0.0


def refusal_together(layers: list[Any]) -> str:
    """Returns why layers, with LoRA or plain, cannot be computed in one pass; empty if they can."""
    reason = next(filter(None, map(refusal, layers)), "")
    return reason or ("dropout draws for each layer by itself" if any(map(_dropout, layers)) else "")


def differs(layer: Any) -> bool:
    """Whether a layer's adapter is off for now, or part of the base already."""
    return isinstance(layer, LoraLayer) and bool(layer.disable_adapters or layer.merged)


def computed_in(x: torch.Tensor, adapters: Iterable[torch.Tensor]) -> torch.Tensor | None:
    """Returns `x` in the number format that passes written out compute in; None: they do not suit it."""
    # The meta device, on which memory is counted, knows no autocast.
    if not x.is_meta and torch.is_autocast_enabled(x.device.type):
        return x.to(torch.get_autocast_dtype(x.device.type))
    return x if all(tensor.dtype == x.dtype for tensor in adapters if tensor.numel()) else None


def laid_out(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Returns `y` (N, out) with the leading sizes of `x` (.., in), as what a pass written out gives.

    It is no view, because models such as OLMo change what a layer gives in place, which torch refuses for views.
    """
    result: torch.Tensor = torch.ops.aten._unsafe_view(y, x.shape[:-1] + y.shape[1:])
    return result


def _replace(layer: Any) -> None:
    plain, p = layer.forward, _dropout(layer)
    linear: Any = _Linear.apply

    def forward(x: torch.Tensor, *positional: Any, **options: Any) -> Any:
        # Matrices in halves are put together for each pass.
        base, (a, b), s = parts(layer)
        inner = computed_in(x, (a, b))
        if inner is None or positional or options:
            return plain(x, *positional, **options)
        if differs(layer):
            if layer.merged or torch.is_grad_enabled():
                return plain(x)
            return laid_out(product(inner.reshape(-1, inner.shape[-1]), base), inner)
        return linear(inner, a, b, base, s, p if layer.training else 0.0)

    layer.forward = forward


def _dropout(layer: Any) -> float:
    """Returns how likely a layer's adapter drops an entry in training."""
    dropout = layer.lora_dropout[layer.active_adapters[0]] if isinstance(layer, LoraLayer) else None
    return dropout.p if isinstance(dropout, torch.nn.Dropout) else 0.0


def product(x: torch.Tensor, base: Any) -> torch.Tensor:
    """Returns W x + b of a base layer, for `x` (N, in) in the number format to compute in."""
    return products.linear(x, weight(base, x.dtype), base.bias, vars(base).get(_LAYOUT))


def back(gradient: torch.Tensor, base: Any, onto: torch.Tensor | None = None) -> torch.Tensor:
    """Returns g W of a base layer, for a `gradient` (N, out) in the number format to compute in, added to `onto`."""
    return products.back(gradient, weight(base, gradient.dtype), onto, vars(base).get(_LAYOUT))


def weight(base: Any, dtype: torch.dtype) -> torch.Tensor:
    """Returns a base layer's weight as (out, in) in `dtype`, whichever way it is held."""
    state = getattr(base.weight, "quant_state", None)
    if state is not None:
        from bitsandbytes.functional import dequantize_4bit

        dense: torch.Tensor = dequantize_4bit(base.weight.data, state)
        return dense.to(dtype)
    weight: torch.Tensor = base.weight.t() if isinstance(base, Conv1D) else base.weight
    return weight.to(dtype)
