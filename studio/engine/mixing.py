"""Adapters added up, each as strongly as asked for, into one that stands for their sum. Torch is never loaded.

Of LoRA updates B A the sum of w B A over adapters is again one: the A's below each other, the B's beside each other,
each B times its weight (PEFT's `add_weighted_adapter` calls it `cat`). It is exact but for the rounding to float32; the
ranks add up.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from studio.core import methods
from studio.core.entry import PEFT_CONFIG, WEIGHTS
from studio.core.errors import StudioError
from studio.core.files import disk_error, write_atomic
from studio.core.library import Entry
from studio.engine import updates, vetting
from studio.engine.updates import Trained

_HINT = "Leave it out; only plain LoRA adapters can be added up."


def mix(parts: Sequence[tuple[Entry, float]], folder: Path) -> None:
    """Writes the weighted sum of adapters as a PEFT folder.

    Args:
        parts: adapters of one base, each with its weight; 1 is as it was trained, 0 nothing, below 0 its opposite.
        folder: made if it does not exist.

    Raises:
        StudioError: (usage) no weight is other than 0; (adapter) one cannot be added up, they are of different bases,
            or their ranks come to more than an adapter may have; (disk) it cannot be written.
    """
    wanted = [(entry, weight) for entry, weight in parts if weight]
    if not wanted:
        raise StudioError("usage", "Every weight is 0, which is the base itself.", "Give one of them a weight.")
    if model := next((entry for entry, _ in wanted if entry.is_model), None):
        raise StudioError("adapter", f"{model.name} is a whole model, which cannot be added up.", _HINT)
    _require_one_base([entry for entry, _ in wanted])
    for entry, _ in wanted:
        if (method := methods.of_peft(vetting.check_adapter(entry.folder))) != "lora":
            message = f"The adapter {entry.name} is by {methods.title_of(method)}, which cannot be added up."
            raise StudioError("adapter", message, _HINT)
    trained = [updates.trained_of(entry.folder) for entry, _ in wanted]
    configs = [_plain(entry, held) for (entry, _), held in zip(wanted, trained, strict=True)]
    tensors, ranks = dict[str, Any](), dict[str, int]()
    experts = sorted({name for held in trained for name, part in held.items() if part.experts})
    for name in dict.fromkeys(name for held in trained for name in held):
        of_module = [(held[name], weight) for held, (_, weight) in zip(trained, wanted, strict=True) if name in held]
        tensors |= _summed(name, of_module, experts)
        ranks[name] = sum(part.rank for part, _ in of_module)
    if (most := max(ranks.values())) > vetting.MAX_RANK:
        message = f"The ranks of these adapters come to {most:,}, and {vetting.MAX_RANK:,} is the most."
        raise StudioError("adapter", message, "Add up fewer of them.")
    config = _config(ranks, most, experts) | {
        key: configs[0].get(key) for key in ("fan_in_fan_out", "base_model_name_or_path")
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / WEIGHTS, save(tensors, {"format": "pt"}))
        write_atomic(folder / PEFT_CONFIG, json.dumps(config, indent=2, sort_keys=True).encode())
    except OSError as error:
        raise disk_error(folder, error) from None


def _require_one_base(entries: Sequence[Entry]) -> None:
    """Sees to it that adapters were trained on the same weights, or where those are not known on what is called so."""
    known = {entry.base.fingerprint for entry in entries if entry.base.fingerprint}
    unknown = any(not entry.base.fingerprint for entry in entries)
    if len(known) > 1 or (unknown and len({entry.base.path for entry in entries}) > 1):
        names = ", ".join(entry.name for entry in entries)
        raise StudioError("adapter", f"These adapters have different base models: {names}.", "Add up those of one.")


def _plain(entry: Entry, held: dict[str, Trained]) -> dict[str, Any]:
    """Returns PEFT's settings of an adapter that is a sum of products and nothing else."""
    config = vetting.check_adapter(entry.folder)
    if config.get("use_dora") or config.get("bias", "none") != "none":
        if config.get("use_dora"):
            raise StudioError("adapter", f"The adapter {entry.name} is a DoRA, which cannot be added up.", _HINT)
        raise StudioError("adapter", f"The adapter {entry.name} changes biases, which are not added up.", _HINT)
    if whole := next((name for name, part in held.items() if not part.alone), None):
        message = f"The adapter {entry.name} has {whole} trained whole, which cannot be added up."
        raise StudioError("adapter", message, _HINT)
    return config


def _summed(name: str, of_module: Sequence[tuple[Trained, float]], experts: Sequence[str]) -> dict[str, Any]:
    """Returns the two matrices of a module by their names in the file; `experts` are the parameters of such in it."""
    if len({(part.shape, part.experts) for part, _ in of_module}) > 1:
        message = f"The adapters are of different models: {name} has another size in each."
        raise StudioError("adapter", message, "Add up adapters of one base.")
    factors = [part.factors() for part, _ in of_module]
    above = np.concatenate([a for a, _ in factors], axis=-2)
    beside = np.concatenate([w * b for (_, b), (_, w) in zip(factors, of_module, strict=True)], axis=-1)
    return updates.tensors(name, of_module[0][0], above, beside, experts)


def _config(ranks: dict[str, int], most: int, experts: Sequence[str]) -> dict[str, Any]:
    """Returns PEFT's settings of an adapter whose every scaling is 1: alpha is the rank."""
    others = {name: rank for name, rank in ranks.items() if rank != most}
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "inference_mode": True,
        "r": most,
        "lora_alpha": most,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(ranks.keys() - set(experts)),
        "target_parameters": experts or None,
        "rank_pattern": others,
        "alpha_pattern": others,
    }
