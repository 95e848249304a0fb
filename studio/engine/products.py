"""Products with frozen weights, and of what is narrow, by the library that multiplies fastest on this processor.

torch hands products in float32 to MKL, which has its best kernels for Intel's processors alone. oneDNN, which torch
carries too, is faster on AMD's with AVX-512.
Gain: 1.03 to 1.05 times a whole step, `tests.bench.train`'s model; 1.1 to 1.3 times itself for 960 tokens and a weight
of 4,096 by 4,096 (one thread of an AMD EPYC with AVX-512), on the same of family 26 2.2 to 2.5 times itself. Weights
laid out beforehand: 1.03 to 1.04 times a step again, and the same numbers to the last bit.
Of what is narrow, gradients of A and B and what is added of rank 32 or more: 1.03 to 1.05 times a step again. A base
and eight adapters write 1.5 times as fast as with MKL, one adapter 1.15 times (`tests.bench.generate`), and rows of 60
to 1,000 tokens are read 1.8 to 1.9 times as fast (160 million parameters; one thread, family 26).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch.nn import functional

# Of a product; with fewer, calling costs more than is gained.
_LEAST_MULTIPLICATIONS = 2**20
# With fewer, what is added costs more in a pass of its own than is gained.
_LEAST_RANK = 32
# Of a weight: a narrower layer is not worth the look at its rows.
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


def across(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns a^T b, (r, out), for `a` (N, r) with a small r and `b` (N, out): the gradient of a narrow weight."""
    if not (b.is_contiguous() and _faster(a, b, a.shape[1])):
        # This way round, a processor's kernel is up to twice as fast as for b^T a.
        return a.t() @ b
    return _product(a.t().contiguous(), b.t())


def onto(total: torch.Tensor, low: torch.Tensor, wide: torch.Tensor, s: float = 1.0) -> torch.Tensor:
    """Adds s l w to `total` (N, out) in place, for `low` (N, r) and `wide` (r, out), and returns it."""
    if len(wide) < _LEAST_RANK or not _suits(low, wide):
        return total.addmm_(low, wide, alpha=s)
    return total.add_(_product(low, wide.t()), alpha=s)


def suits(layer: Any) -> bool:
    """Whether a layer is a plain one with torch's own pass, and worth being multiplied here, whatever the rows."""
    if type(layer) is not torch.nn.Linear or "forward" in vars(layer):
        return False
    weight = layer.weight
    exact = weight.dtype == torch.float32 and weight.device.type == "cpu"
    return exact and weight.numel() >= _LEAST_NUMBERS and onednn_is_faster()


@contextmanager
def answering(model: torch.nn.Module) -> Iterator[None]:
    """Has linear layers of `model` multiply by the faster library for as long as it lasts; without gradients."""
    quick: list[Any] = list(filter(suits, model.modules()))
    try:
        for layer in quick:
            layer.forward = partial(_forward, layer)
        yield
    finally:
        for layer in quick:
            vars(layer).pop("forward", None)


def _forward(layer: Any, x: torch.Tensor) -> torch.Tensor:
    if torch.is_grad_enabled():
        return functional.linear(x, layer.weight, layer.bias)
    found = linear(x.reshape(-1, x.shape[-1]), layer.weight, layer.bias)
    return found.view(*x.shape[:-1], layer.out_features)


def _product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return found


def _suits(x: torch.Tensor, weight: torch.Tensor) -> bool:
    return x.is_contiguous() and _faster(x, weight, len(x))


def _faster(x: torch.Tensor, weight: torch.Tensor, rows: int) -> bool:
    """Whether oneDNN is the faster one for a product of `weight`, every number of which is taken `rows` times."""
    exact = x.dtype == weight.dtype == torch.float32 and x.device.type == "cpu"
    return exact and rows * weight.numel() >= _LEAST_MULTIPLICATIONS and onednn_is_faster()


@lru_cache
def onednn_is_faster() -> bool:
    """Whether this processor is of the kind that was measured: no measurement of now, or a run resumed might differ."""
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        return False
    processor: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return "AMD" in processor.get("cpu_name", "") and bool(processor.get("avx512_f"))
