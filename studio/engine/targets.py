"""Which modules an adapter goes on: names, one regular expression or `all-linear`, turned into plain lists of names.

PEFT is only ever given plain names. An adapter's config then says exactly what it holds, layer choices work with
every way of naming, and a stranger's regular expression is matched here, with an end to its time.
"""

import difflib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import regex
import torch
from peft import LoraConfig
from peft.tuners.tuners_utils import check_target_module_exists
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from studio.core.config import AdapterSpec
from studio.core.errors import StudioError

Value = TypeVar("Value")

_LINEAR = (torch.nn.Linear, Conv1D)
ADAPTABLE = (*_LINEAR, torch.nn.Embedding)
_MAX_PATTERN = 1000
_MATCHING_S = 1.0
# In models with fused experts PEFT takes these names to mean the experts, wherever else they stand.
_EXPERTS = {"gate", "w1", "w2", "w3", "gate_proj", "up_proj", "down_proj"}
# The first number behind a name and a dot is the layer, as PEFT reads it: `layers.3`, `h.3`.
_LAYER = re.compile(r".*?\.[^.]*\.(\d+)\.")


def choose(model: PreTrainedModel, spec: AdapterSpec) -> dict[str, Any]:
    """Returns the fields of PEFT's `LoraConfig` that say where `spec` puts an adapter on `model`.

    `all-linear` means every linear layer of the language model but its output head, as in PEFT. Experts that a model
    fuses into one parameter are no linear layers and stay as they are, and so does what shares their names.

    Raises:
        StudioError: (adapter) a name, expression or layer matches nothing, or something LoRA cannot go on.
    """
    modules = dict(model.named_modules())
    whole = whole_modules(model, spec.modules_to_save)
    names = [name for name in modules if not any(f"{name}.".startswith(f"{kept}.") for kept in whole.values())]
    chosen = _targets(model, modules, names, spec.target_modules)
    if spec.exclude_modules is not None:
        excluded = _named(names, spec.exclude_modules, "exclude_modules")
        chosen = [name for name in chosen if name not in excluded]
    layers = _layers(spec.layers_to_transform)
    if layers is not None:
        chosen = _in_layers(chosen, layers)
    if not chosen:
        raise StudioError(
            "adapter",
            "No module is left to put an adapter on.",
            "Choose more target modules or layers, or exclude fewer.",
        )
    _check_tied(model, chosen)
    return _compact(list(modules), set(chosen), layers, sorted(whole)) | {
        "ensure_weight_tying": not _tied(model).isdisjoint(whole.values()),
        "rank_pattern": patterns(spec.rank_pattern, chosen, "rank_pattern"),
        "alpha_pattern": patterns(spec.alpha_pattern, chosen, "alpha_pattern"),
    }


def matching(pattern: str, names: Iterable[str], setting: str) -> list[str]:
    """Returns the `names` that the regular expression `pattern` matches as a whole.

    Raises:
        StudioError: (adapter) it is no expression, too long, or so nested that matching would never end.
    """
    if len(pattern) > _MAX_PATTERN:
        raise StudioError(
            "adapter", f"{setting} is an expression of {len(pattern)} characters.", f"Use at most {_MAX_PATTERN}."
        )
    try:
        compiled = regex.compile(pattern)
        end = time.monotonic() + _MATCHING_S
        return [name for name in names if compiled.fullmatch(name, timeout=max(end - time.monotonic(), 0.001))]
    except regex.error as error:
        raise StudioError(
            "adapter",
            f"{setting} {pattern!r} is not a regular expression: {error}.",
            "Correct it, or name the modules in a list such as [q_proj, v_proj].",
        ) from None
    except TimeoutError:
        raise StudioError(
            "adapter",
            f"Matching {setting} {pattern!r} takes too long: its repetitions are nested.",
            "Write it without a repetition inside a repetition, or name the modules in a list.",
        ) from None


def patterns(given: Mapping[str, Value], names: Sequence[str], setting: str, strict: bool = True) -> dict[str, Value]:
    """Turns rank or alpha patterns into plain names; as in PEFT, the first that matches the end of a name counts.

    Raises:
        StudioError: (adapter) one matches none of `names`; unless `strict`, that one is left out.
    """
    plain: dict[str, Value] = {}
    for key, value in given.items():
        found = matching(rf"(?:.*\.)?(?:{key})", names, setting)
        if not found and strict:
            raise _unknown(setting, key, names)
        for name in [key] if re.fullmatch(r"[\w.]+", key) else found:
            plain.setdefault(name, value)
    return plain


def whole_modules(model: PreTrainedModel, names: Sequence[str]) -> dict[str, str]:
    """Returns the modules to train whole: the name PEFT is given -> the module's full name.

    Raises:
        StudioError: (adapter) there is no such module, or its weights are quantized.
    """
    modules = [name for name, _ in model.named_modules()]
    found: dict[str, str] = {}
    for name in names:
        full = _named(modules, [name], "modules_to_save")
        # PEFT looks at the end of the letters, so that `norm` would mean `input_layernorm` too.
        exact = len(full) == 1 and sum(module.endswith(name) for module in modules) == 1
        found |= {name: full[0]} if exact else {module: module for module in full}
    shared = _tied(model)
    for name in found.values():
        # PEFT keeps the two ends the same only where it knows the embedding by this name.
        if name in shared and not any(end.endswith("embed_tokens") for end in shared):
            raise StudioError(
                "adapter",
                f"{name} shares its weight with the other end of this model, and PEFT cannot train the two as one.",
                "Take it out of modules_to_save.",
            )
        if any(not parameter.is_floating_point() for parameter in model.get_submodule(name).parameters()):
            raise StudioError(
                "adapter",
                f"{name} is quantized and cannot be trained whole.",
                "Take it out of modules_to_save, or set quantization to none.",
            )
    return found


def _tied(model: PreTrainedModel) -> set[str]:
    """Returns the names of the embedding and the output head if they share one weight, else nothing."""
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    if not model.config.get_text_config().tie_word_embeddings:
        return set()
    return {name for name, module in model.named_modules() if any(module is end for end in ends)}


def _targets(
    model: PreTrainedModel, modules: dict[str, torch.nn.Module], names: list[str], given: str | list[str]
) -> list[str]:
    if given == "all-linear":
        decoder, head = model.get_decoder(), model.get_output_embeddings()
        # A model that also sees has linear layers outside its language model; they are left alone.
        prefix = next((name for name in names if modules[name] is decoder), "")
        fused = any(value.dim() == 3 and ".experts." in name for name, value in model.named_parameters())
        return [
            name
            for name in names
            if isinstance(modules[name], _LINEAR) and modules[name] is not head and name.startswith(prefix)
            if not (fused and name.rpartition(".")[2] in _EXPERTS)
        ]
    found = _named(names, given, "target_modules")
    fit = [name for name in found if isinstance(modules[name], ADAPTABLE)]
    unfit = [name for name in found if name not in fit]
    if unfit and (isinstance(given, list) or not fit):
        raise StudioError(
            "adapter",
            f"LoRA cannot go on {unfit[0]}, which is a {type(modules[unfit[0]]).__name__}.",
            "Choose linear layers such as [q_proj, v_proj], or all-linear.",
        )
    return fit


def _named(names: Sequence[str], given: str | list[str], setting: str) -> list[str]:
    """Returns the names that an expression matches, or that are or end in one of a list's names."""
    if isinstance(given, str):
        found = matching(given, names, setting)
        if not found:
            raise _unknown(setting, given, names)
        return found
    chosen: dict[str, None] = {}
    for one in given:
        found = [name for name in names if name == one or name.endswith(f".{one}")]
        if not found:
            raise _unknown(setting, one, names)
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _unknown(setting: str, given: str, names: Sequence[str]) -> StudioError:
    leaves = sorted({leaf for name in names if not (leaf := name.rpartition(".")[2]).isdigit() and leaf})
    close = difflib.get_close_matches(given.rpartition(".")[2], leaves, 1, 0.5)
    advice = f"Did you mean `{close[0]}`? " if close else ""
    if given in leaves:
        advice = f"An expression must match a whole name; write it as a list: [{given}]. "
    return StudioError(
        "adapter", f"{setting}: no module matches `{given}`.", f"{advice}The model has {', '.join(leaves[:30])}."
    )


def _layers(given: list[int] | str | None) -> list[int] | None:
    if given is None or given == "" or given == []:
        return None
    if isinstance(given, list):
        return sorted(set(given))
    found: set[int] = set()
    for part in given.split(","):
        match = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", part)
        if not match:
            raise StudioError(
                "config", f"adapter.layers_to_transform: `{part.strip()}` is no layer.", "Write such as `0-3,8`."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        found |= set(range(first, last + 1))
    return sorted(found)


def _in_layers(names: list[str], layers: list[int]) -> list[str]:
    numbered = {name: int(match[1]) for name in names if (match := _LAYER.match(name))}
    missing = sorted(set(layers) - set(numbered.values()))
    if missing:
        last = max(numbered.values(), default=-1)
        raise StudioError(
            "adapter",
            f"layers_to_transform: no chosen module is in layer {missing[0]}.",
            f"Layers go from 0 to {last}." if last >= 0 else "The chosen modules are in no layer.",
        )
    return [name for name in names if numbered.get(name) in layers]


def _check_tied(model: PreTrainedModel, chosen: list[str]) -> None:
    for name in _tied(model).intersection(chosen):
        raise StudioError(
            "adapter",
            f"{name} shares its weight with the other end of this model, and an adapter would change only one of them.",
            "Leave it out of target_modules; put it in modules_to_save to train it whole.",
        )


def _compact(names: list[str], chosen: set[str], layers: list[int] | None, whole: list[str]) -> dict[str, Any]:
    """Says `chosen` in the shortest way that PEFT reads as exactly that: by last names if it can be."""
    leaves = sorted({name.rpartition(".")[2] for name in chosen})
    common = {"modules_to_save": whole or None}
    for fields in (
        {"target_modules": leaves} | common,
        {"target_modules": leaves, "layers_to_transform": layers} | common,
    ):
        config = LoraConfig(**fields)
        if {name for name in names if check_target_module_exists(config, name)} == chosen:
            return fields
    return {"target_modules": sorted(chosen)} | common
