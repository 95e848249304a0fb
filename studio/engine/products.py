"""Products with frozen weights, and of what is narrow, by the library that multiplies fastest on this processor.

torch hands products in float32 to MKL, which has its best kernels for Intel's processors alone. oneDNN, which torch
carries too, is faster on AMD's with AVX-512.
Gain: 1.03 to 1.05 times a whole step, `tests.bench.train`'s model; 1.1 to 1.3 times itself for 960 tokens and a weight
of 4,096 by 4,096 (one thread of an AMD EPYC with AVX-512), on the same of family 26 2.2 to 2.5 times itself. Weights
laid out beforehand: 1.03 to 1.04 times a step again, and the same numbers to the last bit.
GAINLINE
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch.nn import functional

# Of a product; with fewer, calling costs more than is gained.
_LEAST_MULTIPLICATIONS = 2**20
# Of a weight whose layer is looked after while a model answers.
_LEAST_NUMBERS = 2**16


class Packed(NamedTuple):
    """A weight laid out as oneDNN multiplies with it, which it otherwise does for each product anew.

    Attributes:
        forward: for x W^T.
        backward: for g W.
    """

    forward: torch.Tensor
    backward: torch.Tensor


def packed(weight: torch.Tensor, rows: int) -> Packed:
    """Lays out a frozen `weight` (out, in) float32 twice, once for each direction.

    Args:
        weight: the weight.
        rows: that products have, mostly; it suits others too.
    """
    weight = weight.detach()
    lay_out = torch.ops.mkldnn._reorder_linear_weight
    return Packed(lay_out(weight.contiguous(), rows), lay_out(weight.t().contiguous(), rows))


def linear(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    layout: Packed | None = None,
) -> torch.Tensor:
    """Returns x W^T + b; keeps nothing for a backward pass.

    Args:
        x: (N, in).
        weight: (out, in).
        bias: (out,), or none.
        layout: of the weight.
    """
    if not _suits(x, weight):
        return functional.linear(x, weight, bias)
    return _product(x, weight if layout is None or len(x) == 1 else layout.forward, bias)


def back(
    gradient: torch.Tensor,
    weight: torch.Tensor,
    onto: torch.Tensor | None = None,
    layout: Packed | None = None,
) -> torch.Tensor:
    """Returns g W, added in place to `onto` if there is one.

    Args:
        gradient: (N, out).
        weight: (out, in).
        onto: (N, in).
        layout: of the weight.
    """
    if not _suits(gradient, weight):
        return gradient @ weight if onto is None else onto.addmm_(gradient, weight)
    found = _product(gradient, weight.t() if layout is None or len(gradient) == 1 else layout.backward)
    return found if onto is None else onto.add_(found)


@contextmanager
def answering(model: torch.nn.Module) -> Iterator[None]:
    """Has linear layers of `model` multiply by the faster library for as long as it lasts; without gradients."""
    quick = list(filter(_looked_after, model.modules())) if onednn_is_faster() else []
    for layer in quick:
        layer.forward = partial(_forward, layer)
    try:
        yield
    finally:
        for layer in quick:
            del layer.forward


def _looked_after(module: Any) -> bool:
    if type(module) is not torch.nn.Linear or "forward" in vars(module) or module.weight.numel() < _LEAST_NUMBERS:
        return False
    return bool(module.weight.dtype == torch.float32 and module.weight.device.type == "cpu")


def _forward(layer: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
    if torch.is_grad_enabled():
        return functional.linear(x, layer.weight, layer.bias)
    found = linear(x.reshape(-1, x.shape[-1]), layer.weight, layer.bias)
    return found.view(*x.shape[:-1], layer.out_features)


def _product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return found


def _suits(x: torch.Tensor, weight: torch.Tensor) -> bool:
    exact = x.dtype == weight.dtype == torch.float32 and x.device.type == "cpu"
    much = len(x) * weight.numel() >= _LEAST_MULTIPLICATIONS
    return exact and much and x.is_contiguous() and onednn_is_faster()


@lru_cache
def onednn_is_faster() -> bool:
    """Whether this processor is of the kind that was measured: no measurement of now, or a run resumed might differ."""
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        return False
    processor: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return "AMD" in processor.get("cpu_name", "") and bool(processor.get("avx512_f"))
