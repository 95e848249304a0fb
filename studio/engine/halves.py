"""LoRA of twice the rank: one half is trained, the other takes away what that half began as, and stays as it is.

PiSSA (Meng et al. 2024) and OLoRA (Buyukakyuz 2024) begin with an update s B0 A0 that is not zero, and take it off the
base's weights. Here the base stays what it is, and the update is s (B A - B0 A0): plain LoRA with [A; A0] and
[B, -B0], which PEFT makes of such an adapter once it is trained (`LoraModel.subtract_mutated_init`), from the first
step on. So nothing else need know of it: what is answered, saved and exported is the update that is trained, without
the adapter there is the base, whichever way that is held, and a checkpoint has all it takes to go on. It is computed
as LoRA of twice the rank is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch.nn.utils import parametrize


class _Beside(torch.nn.Module):
    """Makes a matrix of its trained half: behind that, along `dim`, lies the one that is not trained."""

    frozen: torch.Tensor

    def __init__(self, whole: torch.Tensor, dim: int) -> None:
        super().__init__()
        self.dim = dim
        # No parameter: PEFT has all of an adapter's trained when it makes it the active one.
        self.register_buffer("frozen", whole.detach().chunk(2, dim)[1].clone())

    def forward(self, trained: torch.Tensor) -> torch.Tensor:
        return torch.cat([trained, self.frozen.to(trained.dtype)], self.dim)

    def right_inverse(self, whole: torch.Tensor) -> torch.Tensor:
        return whole.detach().chunk(2, self.dim)[0].clone()


def split(model: torch.nn.Module) -> None:
    """Has one half of each adapter's rank trained, of layers with LoRA of twice the rank, and the other frozen."""
    for layer in (module for module in model.modules() if isinstance(module, LoraLayer)):
        for dim, matrices in enumerate((layer.lora_A, layer.lora_B)):
            for matrix in matrices.values():
                parametrize.register_parametrization(matrix, "weight", _Beside(matrix.weight, dim))


def begin(layer: Any, a: torch.Tensor, b: torch.Tensor) -> None:
    """Begins a layer's adapter that is in halves with A (r, in) and B (out, r), of which nothing is to be seen yet."""
    for matrix, whole in ((layer.lora_A, torch.cat([a, a])), (layer.lora_B, torch.cat([b, -b], 1))):
        _put(matrix["default"], whole)


def put(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Puts the matrices of an adapter's file, by their names there, into what of `model` is in halves, bit for bit."""
    for name, matrix in _halved(model):
        _put(matrix, tensors[f"{name.removesuffix('.default')}.weight"])


def state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Returns the model's state with each matrix whole, as if there were no halves."""
    found: dict[str, torch.Tensor] = model.state_dict()
    for name, matrix in _halved(model):
        for half in ("original", "0.frozen"):
            del found[f"{name}.parametrizations.weight.{half}"]
        found[f"{name}.weight"] = matrix.weight.detach()
    return found


def frozen(model: torch.nn.Module) -> list[torch.Tensor]:
    """Returns the halves that are not trained."""
    return [matrix.parametrizations.weight[0].frozen for _, matrix in _halved(model)]


def _halved(model: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    return ((name, module) for name, module in model.named_modules() if parametrize.is_parametrized(module, "weight"))


def _put(matrix: Any, whole: torch.Tensor) -> None:
    halves = matrix.parametrizations.weight
    trained, rest = whole.chunk(2, halves[0].dim)
    with torch.no_grad():
        halves.original.copy_(trained)
        halves[0].frozen.copy_(rest)
