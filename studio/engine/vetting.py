"""Looking into an adapter's folder, which may come from anyone, before PEFT sees it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core import methods
from studio.core.errors import StudioError, as_memory_error
from studio.core.library import PEFT_CONFIG, WEIGHTS
from studio.engine import weights

if TYPE_CHECKING:
    import torch

MAX_RANK = 1024
_OFT_SINCE = (0, 18)
_NAME = re.compile(r"[\w.]{1,200}")
# Initialisations that take from the base's weights what the adapter starts with (PEFT's `LoraLayer.update_layer`).
_CHANGES_BASE = re.compile("pissa|olora|corda|loftq|lora_ga", re.IGNORECASE)


def check_adapter(folder: Path) -> dict[str, Any]:
    """Vets a PEFT folder before PEFT sees it, without a base and without reading its tensors.

    Returns:
        The content of adapter_config.json.

    Raises:
        StudioError: (adapter) of no method that is known here, pickled, damaged, asking for more than a file of numbers
            should, or made for a base that its initialisation changed.
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
    method = methods.PEFT_TYPES.get(str(config.get("peft_type")))
    if method is None or config.get("task_type") not in ("CAUSAL_LM", None):
        kind = f"{config.get('peft_type')} for {config.get('task_type')}"
        known = ", ".join(map(methods.title_of, methods.ADAPTERS))
        raise unusable(folder, f"is {kind}", f"Only adapters for language models can be opened, of {known}.")
    known_fields = fields(method)
    for key, sound in known_fields.items():
        if config.get(key) is not None and not sound(config[key]):
            raise unusable(folder, f"has a {key} that is not sound: {str(config[key])[:60]}", "Export it again.")
    for key in config.keys() - known_fields.keys() - _HARMLESS:
        if config[key] not in (None, False, [], {}, ""):
            hint = f"Convert it to plain {methods.title_of(method)} at its source."
            raise unusable(folder, f"uses {key}, which is not supported", hint)
    if method == "oft" and _version(config.get("peft_version")) < _OFT_SINCE:
        raise unusable(folder, "is of a PEFT before 0.18, whose OFT computes otherwise", "Train it anew at its source.")
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


def fields(method: str) -> Mapping[str, Callable[[Any], bool]]:
    """Returns the fields of a method's config that decide what is computed, and what each may be."""
    return FIELDS if method == "lora" else _OTHERS[method]


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


def _is_none(value: Any) -> bool:
    return bool(value == "none")


def _is_share(value: Any) -> bool:
    return _is_number(value) and bool(value < 1)


def _version(told: Any) -> tuple[int, ...]:
    """Returns the first two numbers of a version; of what is none, zeros."""
    found = re.match(r"(\d{1,4})\.(\d{1,4})", str(told))
    return (int(found[1]), int(found[2])) if found else (0, 0)


# The fields of a LoRA config that decide what is computed, and what each may be. Only these reach PEFT.
FIELDS: dict[str, Callable[[Any], bool]] = {
    "r": _is_rank,
    "lora_alpha": _is_number,
    "lora_dropout": _is_share,
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
_WHERE = ("target_modules", "exclude_modules", "modules_to_save", "layers_to_transform", "layers_pattern")
_RANKED: dict[str, Callable[[Any], bool]] = {
    key: FIELDS[key] for key in (*_WHERE, "r", "rank_pattern", "alpha_pattern")
} | {
    "alpha": _is_number,
    "rank_dropout": _is_share,
    "module_dropout": _is_share,
}
# Likewise of the other methods. What has a bias trained is LoRA's alone.
_OTHERS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "ia3": {key: FIELDS[key] for key in (*_WHERE[:3], "fan_in_fan_out")} | {"feedforward_modules": _is_choice},
    "vera": {key: FIELDS[key] for key in ("target_modules", *_WHERE[2:], "r", "fan_in_fan_out")}
    | {
        "vera_dropout": _is_share,
        "bias": _is_none,
        "projection_prng_key": lambda value: type(value) is int and 0 <= value < 2**63,
        # Drawn again they may be others on another machine.
        "save_projection": lambda value: value is True,
    },
    "loha": _RANKED,
    "lokr": _RANKED
    | {
        "decompose_both": _is_flag,
        "decompose_factor": lambda value: type(value) is int and -1 <= value <= 65_536,
        "rank_dropout_scale": _is_flag,
    },
    "oft": {key: FIELDS[key] for key in (*_WHERE, "fan_in_fan_out")}
    | {
        "r": lambda value: type(value) is int and 0 <= value <= 65_536,
        "oft_block_size": lambda value: type(value) is int and 0 <= value <= 65_536,
        "module_dropout": _is_share,
        "bias": _is_none,
        "block_share": _is_flag,
        "use_cayley_neumann": _is_flag,
        "num_cayley_neumann_terms": lambda value: type(value) is int and 1 <= value <= 100,
    },
}
# Fields that say how it was made or where it came from: not needed to use it, and not read.
_HARMLESS = {
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "d_initial",
    "eps",
    "init_ia3_weights",
    "init_lora_weights",
    "init_weights",
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
    "use_effective_conv2d",
}
