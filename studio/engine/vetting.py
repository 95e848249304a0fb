"""Looking into an adapter's folder, which may come from anyone, before PEFT sees it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import StudioError, as_memory_error
from studio.core.library import PEFT_CONFIG, WEIGHTS
from studio.engine import weights

if TYPE_CHECKING:
    import torch

MAX_RANK = 1024
_NAME = re.compile(r"[\w.]{1,200}")
# Initialisations that take from the base's weights what the adapter starts with (PEFT's `LoraLayer.update_layer`).
_CHANGES_BASE = re.compile("pissa|olora|corda|loftq|lora_ga", re.IGNORECASE)


def check_adapter(folder: Path) -> dict[str, Any]:
    """Vets a PEFT folder before PEFT sees it, without a base and without reading its tensors.

    Returns:
        The content of adapter_config.json.

    Raises:
        StudioError: (adapter) not LoRA, pickled, damaged, asking for more than a file of numbers should, or made for
            a base that its initialisation changed.
    """
    if not (folder / PEFT_CONFIG).is_file():
        raise StudioError(
            "adapter", f"{folder} holds no adapter: there is no {PEFT_CONFIG}.", "Name the folder that PEFT wrote."
        )
    if not (folder / WEIGHTS).is_file():
        pickled = "; adapter_model.bin is a pickle, which can run any program when opened"
        raise StudioError(
            "adapter",
            f"{folder} holds no {WEIGHTS}{pickled if (folder / 'adapter_model.bin').exists() else ''}.",
            "Save the adapter as safetensors where it comes from.",
        )
    for file in (folder / PEFT_CONFIG, folder / WEIGHTS):
        weights.check_inside(folder, file, "adapter")
    config = weights.read_json(folder / PEFT_CONFIG, "adapter")
    weights.header(folder / WEIGHTS, "adapter")
    if config.get("peft_type") != "LORA" or config.get("task_type") not in ("CAUSAL_LM", None):
        kind = f"{config.get('peft_type')} for {config.get('task_type')}"
        raise unusable(folder, f"is {kind}", "Only LoRA adapters for language models can be opened.")
    for key, sound in FIELDS.items():
        if config.get(key) is not None and not sound(config[key]):
            raise unusable(folder, f"has a {key} that is not sound: {str(config[key])[:60]}", "Export it again.")
    for key in config.keys() - FIELDS.keys() - _HARMLESS:
        if config[key] not in (None, False, [], {}, ""):
            raise unusable(folder, f"uses {key}, which is not supported", "Convert it to plain LoRA at its source.")
    if _CHANGES_BASE.match(began := str(config.get("init_lora_weights"))):
        raise StudioError(
            "adapter",
            f"The adapter in {folder} began as {began[:60]}, which changes the weights of the base it is put on.",
            "Where it was trained, save it as plain LoRA: `save_pretrained(.., path_initial_model_for_weight_conversion"
            "=..)`.",
        )
    return config


def read_tensors(folder: Path) -> dict[str, "torch.Tensor"]:
    """Reads the tensors of a vetted adapter into memory.

    Raises:
        StudioError: (adapter) they are damaged, or not all of them are finite; (memory) they do not fit.
    """
    # Loaded where numbers are read: vetting alone does without.
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError, RuntimeError, MemoryError) as error:
        # torch, which maps the file into memory, tells of that in a RuntimeError.
        raise as_memory_error(error) or unusable(
            folder, "is damaged", "Copy or download it again.", str(error)
        ) from None
    for key, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise unusable(folder, "holds values that are not numbers", "Use an earlier checkpoint of it.", key)
    return tensors


def unusable(folder: Path, what: str, hint: str, detail: str = "") -> StudioError:
    """Says what is wrong with the adapter in `folder`."""
    return StudioError("adapter", f"The adapter in {folder} {what}.", hint, detail)


def _is_rank(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_RANK


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1e6


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and _NAME.fullmatch(name) for name in value)


def _is_choice(value: Any) -> bool:
    return isinstance(value, str) or _is_names(value)


def _is_layers(value: Any) -> bool:
    return all(type(one) is int and 0 <= one < 10_000 for one in _listed(value))


def _is_word(value: Any) -> bool:
    return all(isinstance(one, str) and re.fullmatch(r"\w*", one) for one in _listed(value))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# The fields of a LoRA config that decide what is computed, and what each may be. Only these reach PEFT.
FIELDS = {
    "r": _is_rank,
    "lora_alpha": _is_number,
    "lora_dropout": lambda value: _is_number(value) and value < 1,
    "target_modules": _is_choice,
    "exclude_modules": _is_choice,
    "target_parameters": _is_names,
    "modules_to_save": _is_names,
    "layers_to_transform": _is_layers,
    "layers_pattern": _is_word,
    "rank_pattern": lambda value: isinstance(value, dict) and all(map(_is_rank, value.values())),
    "alpha_pattern": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
    "bias": lambda value: value in ("none", "all", "lora_only"),
    "fan_in_fan_out": _is_flag,
    "use_rslora": _is_flag,
    "use_dora": _is_flag,
    "lora_bias": _is_flag,
    "ensure_weight_tying": _is_flag,
}
# Fields that say how it was made or where it came from: not needed to use it, and not read.
_HARMLESS = {
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "init_lora_weights",
    "loftq_config",
    "eva_config",
    "corda_config",
    "lora_ga_config",
    "megatron_core",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
}
