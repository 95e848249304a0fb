"""PEFT's configs and layers of the methods other than LoRA, which compute by PEFT's own passes."""

from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from peft.tuners.ia3 import IA3Layer
from peft.tuners.lycoris_utils import LycorisLayer
from peft.utils import PeftType
from transformers import PreTrainedModel

from studio.core import methods
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.naming import matching
from studio.engine import targets, vetting

# Where an adapter goes, as far as every method's config says it by these names.
_WHERE = ("target_modules", "layers_to_transform", "modules_to_save")


def config(model: PreTrainedModel, spec: AdapterSpec) -> PeftConfig:
    """Returns PEFT's config of a new adapter by another method than LoRA.

    Raises:
        StudioError: (adapter) it fits nothing in this model, or not this model's layers.
    """
    require(model, spec.method)
    fields, kind = targets.choose(model, spec), methods.kind_of(spec.method)
    own = {theirs: fields.get(ours, getattr(spec, ours)) for ours, theirs in kind.settings.items()}
    if "alpha" in own and own["alpha"] == int(own["alpha"]):
        own["alpha"] = int(own["alpha"])
    if spec.method == "ia3":
        own["feedforward_modules"] = fields["feedforward_modules"]
    where = {key: fields[key] for key in _WHERE if key in fields}
    return made(spec.method, where | own)


def made(method: str, fields: dict[str, Any]) -> PeftConfig:
    """Returns PEFT's config of an adapter by a method, with fields by PEFT's names.

    Raises:
        StudioError: (adapter) it does not take them together.
    """
    kind: type[Any] = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(methods.kind_of(method).peft_type)]
    try:
        found = kind(**{"task_type": "CAUSAL_LM"} | fields)
    except ValueError as error:
        message = f"PEFT does not take this adapter's settings: {error}"
        raise StudioError("adapter", message, "Export it again from its source.") from None
    assert isinstance(found, PeftConfig)
    return found


def require(model: torch.nn.Module, method: str) -> None:
    """Sees to it that a method goes on a base as it is held.

    Raises:
        StudioError: (adapter) PEFT has no layers of it for a quantized one.
    """
    if getattr(model, "is_quantized", False) and not methods.quantizes(method):
        message = f"{methods.title_of(method)} does not go on a base in 8 or 4 bits."
        raise StudioError("adapter", message, "Hold the base in full precision: set quantization to none.")


def require_fed_alike(model: PeftModel, folder: Path, about: dict[str, Any]) -> None:
    """Sees to it that an IA3 that is trained further multiplies the inputs of the layers that a new one does.

    Raises:
        StudioError: (adapter) it does those of others.
    """
    fed = about.get("feedforward_modules") or []
    for name, layer in model.get_base_model().named_modules():
        if isinstance(layer, IA3Layer):
            said = (
                bool(matching(fed, [name], "feedforward_modules"))
                if isinstance(fed, str)
                else name.endswith(tuple(fed))
            )
            if said != layer.is_feedforward:
                what = f"multiplies the inputs of other layers than an IA3 here, as {name} shows"
                raise vetting.unusable(folder, what, "Train a new adapter.")


def title(model: PeftModel) -> str:
    """Returns what people call the method of a model's adapters."""
    return methods.title_of(methods.PEFT_TYPES[PeftType(model.peft_type).value])


def shared_bytes(model: Any) -> int:
    """Returns what the layers of an adapter have in common and do not train: VeRA's two matrices, in bytes."""
    if not isinstance(model, PeftModel):
        return 0
    held = [getattr(model.base_model, name, {}) for name in ("vera_A", "vera_B")]
    return sum(one.nbytes for of in held for one in of.values())


def whole_bytes(model: torch.nn.Module) -> int:
    """Returns the bytes of the updates that an adapter's layers make whole in a pass, as LoHa and LoKr do."""
    layers = (module for module in model.modules() if isinstance(module, LycorisLayer))
    return sum(layer.get_base_layer().weight.nbytes for layer in layers)
