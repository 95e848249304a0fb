"""Trained parameters in float32 beside a base in half precision."""

from typing import Any

import torch


def train_in_float32(model: torch.nn.Module) -> None:
    """Turns every trained parameter of `model` into float32, whatever format the base is held in.

    A card's autocast gives each operation its inputs in one format. A processor's leaves norms and embeddings as they
    are, and in float16 there is none: there, what holds such a parameter computes in float32 between the base's halves.
    """
    trained = {id(p): p.dtype for p in model.parameters() if p.requires_grad and _is_half(p)}
    turned, modules = dict(trained), [(module, list(module.parameters(recurse=False))) for module in model.modules()]
    for _, own in modules:
        if any(id(p) in trained and p.device.type == "cpu" for p in own):
            turned |= {id(p): p.dtype for p in own if _is_half(p)}
    for module, own in modules:
        # Also one that shares its weight with what holds a trained bias.
        formats = [turned[id(p)] for p in own if id(p) in turned and p.device.type == "cpu"]
        if formats:
            _compute_in_float32(module, formats[0])
    for parameter in model.parameters():
        if id(parameter) in turned:
            parameter.data = parameter.data.float()


def widened_bytes(model: torch.nn.Module) -> int:
    """Returns how much of a base in half precision is held in float32 beside what is trained, in bytes."""
    return sum(p.nbytes for p in model.parameters() if p.dtype == torch.float32 and not p.requires_grad)


def _is_half(parameter: torch.nn.Parameter) -> bool:
    return parameter.is_floating_point() and parameter.dtype != torch.float32


def _compute_in_float32(module: torch.nn.Module, around: torch.dtype) -> None:
    """Feeds a module, of whatever format, float32, and turns what it gives into the format `around` it."""

    def fed(_: torch.nn.Module, given: Any, named: dict[str, Any]) -> Any:
        return _in_format(given, torch.float32), {key: _in_format(one, torch.float32) for key, one in named.items()}

    module.register_forward_pre_hook(fed, with_kwargs=True)
    module.register_forward_hook(lambda _, __, found: _in_format(found, around))


def _in_format(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, tuple):
        return tuple(_in_format(one, dtype) for one in value)
    return value.to(dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else value
