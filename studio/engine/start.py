"""What a new adapter begins with where that is found and not drawn: in the base's weights, or in what rows make of it.

PiSSA (Meng et al. 2024) and OLoRA (Buyukakyuz 2024) take directions of each weight, and begin as no change at all
because `halves` takes them away again; EVA, see `inputs`, takes those of what the layers are fed, for A alone.
Formulas are PEFT's (`LoraLayer.pissa_init`, `olora_init`). Two threads of a loaded processor find 16 directions of a
weight of (4096, 14336) in 4.4 s by `pissa_niter_16`, in 0.15 s by `olora`, in 148 s by `pissa`.
"""

from collections.abc import Callable
from typing import Any

import torch
from accelerate.utils import broadcast

from studio.engine import halves, inputs, lora, optim
from studio.engine.corpus import teller
from studio.engine.session import Session


def begin(current: Session, stopped: Callable[[], bool]) -> bool:
    """Gives a new adapter what it begins with, as its config says; what is drawn it has already.

    Args:
        current: the session at its start; all processes of a data-parallel run call this together.
        stopped: asked again and again, by all processes together, whether the run is to end before a step is taken.

    Returns:
        Whether it has it all; else the run is to end.

    Raises:
        StudioError: (adapter) the rows have too few tokens for the ranks.
    """
    spec = current.config.adapter
    if not spec.found:
        return True
    look = _in_weights if spec.halved else inputs.begin
    begun = look(current, lora.layers(current.bare), stopped)
    if begun and current.accelerator.num_processes > 1:
        trained = [parameter.data for parameter in current.bare.parameters() if parameter.requires_grad]
        broadcast([*trained, *halves.frozen(current.bare)])
    return begun


def _in_weights(current: Session, layers: list[Any], stopped: Callable[[], bool]) -> bool:
    """Begins with directions of each layer's own weight."""
    tell, config = teller(current.emit, "initialising"), current.config
    for at, layer in enumerate(layers):
        tell(at, len(layers))
        if stopped():
            return False
        optim.seed_all(config.training.seed, "initialise", at + 1)
        base, rank, s = layer.get_base_layer(), layer.r["default"] // 2, layer.scaling["default"]
        with torch.no_grad():
            a, b = directions(dense(base), rank, s, config.adapter.init_lora_weights)
        halves.begin(layer, a, b)
        lora.give_back([base])
    tell(len(layers), len(layers))
    return True


def directions(weight: torch.Tensor, r: int, s: float, start: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns A (r, in) and B (out, r) of a `weight` (out, in), all of them float32.

    PiSSA's s B A is the best approximation of rank r, with the roots of its singular values in both. OLoRA's B A is
    the first r columns of Q times R's first r rows: of both no more is computed.
    """
    if start == "olora":
        q = torch.linalg.qr(weight[:, :r]).Q
        return q.t() @ weight, q
    if start == "pissa":
        u, sizes, v = torch.linalg.svd(weight, full_matrices=False)
        v = v.t()
    else:
        u, sizes, v = torch.svd_lowrank(weight, r, niter=int(start.rpartition("_")[2]))
    roots = (sizes[:r] / s).sqrt()
    return (v[:, :r] * roots).t(), u[:, :r] * roots


def dense(base: Any) -> torch.Tensor:
    """Returns a base layer's weight as (out, in) in float32, whichever way it is held."""
    if base.weight.dtype != torch.int8:
        return lora.weight(base, torch.float32)
    from bitsandbytes.functional import int8_vectorwise_dequant

    # Once it has computed they are in its state.
    scales = base.weight.SCB if base.state.SCB is None else base.state.SCB
    found: torch.Tensor = int8_vectorwise_dequant(base.weight.data, scales)
    return found.float()
