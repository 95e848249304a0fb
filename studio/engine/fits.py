"""Whether a run fits into memory, and with which other settings it does if not."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.core import config_file, run_queue
from studio.core.capacity import SYSTEM_SHARE
from studio.core.config import RunConfig, to_dict
from studio.engine import footprint, hardware, model, session
from studio.engine.corpus import Corpus
from studio.engine.footprint import Footprint, Work

_LEAST_TOKENS = 128  # that rows are to be cut to
# All of `training` that memory depends on.
_DECIDING = (
    "optim", "optim_args", "adam_beta1", "adam_beta2", "adam_epsilon", "activation_checkpointing",
    "per_device_train_batch_size", "micro_batch_tokens",
)  # fmt: skip


def examine(base: Path, config: RunConfig, corpus: Corpus) -> dict[str, Any] | None:
    """Counts what a run needs in memory, and finds what helps if that is more than there is.

    Args:
        base: the model's folder.
        config: the run's.
        corpus: what it reads.

    Returns:
        What `Footprint` has, its `total`, and the `room` there is, in bytes; and as `helps` what it would come to with
        other settings, `{settings, total}` of all those with which it fits. None: it cannot be told.

    Raises:
        StudioError: as `footprint.estimate`.
    """
    room, work = _room(), _work(config, corpus)
    if (found := _needed(base, config, work, room)) is None:
        return None
    helps = [] if found.total <= room else _helps(base, config, work, room)
    return asdict(found) | {"total": found.total, "room": room, "helps": helps}


def _room() -> int:
    """Returns the bytes that a run will have: what is free, or once another run has ended what other programs leave."""
    device = hardware.device()
    if any(not place.waits and place.is_there() for place in run_queue.listed()):
        return round(hardware.whole_bytes(device) * (1 - SYSTEM_SHARE))
    return hardware.free_bytes(device, for_other=True)


def _work(config: RunConfig, corpus: Corpus) -> Work:
    lengths = corpus.train.together
    longest = max(int(part.together.max()) for part in (corpus.train, corpus.evaluation) if part is not None)
    steps = session.first_epoch(config, corpus.train)
    largest = max(sum(int(lengths[rows].sum()) for rows in step) for step in steps)
    return Work(longest, largest, int(corpus.trained.sum()) / int(corpus.train.lengths.sum()))


def _needed(base: Path, config: RunConfig, work: Work, room: int) -> Footprint | None:
    plain = to_dict(config)
    settings = {key: plain["training"][key] for key in _DECIDING}
    data = {"path": "-", "max_length": config.data.max_length}
    deciding = {"model": plain["model"], "adapter": plain["adapter"], "data": data, "training": settings}
    changed = (base / "config.json").stat().st_mtime_ns
    # Free memory is another at every look.
    step = 10 ** max(0, len(str(room)) - 2)
    return _counted(base, changed, json.dumps(deciding, sort_keys=True), work, room // step * step)


@lru_cache(maxsize=32)
def _counted(base: Path, changed: int, deciding: str, work: Work, room: int) -> Footprint | None:
    return footprint.estimate(model.skeleton(base), config_file.build(json.loads(deciding)), work, room)


def _helps(base: Path, config: RunConfig, work: Work, room: int) -> list[dict[str, Any]]:
    """Returns the settings with which it fits, each by itself, or else all of them together if that helps."""
    known = list(_candidates(config, work))
    found = [help for settings in known if (help := _with(base, config, work, room, settings))]
    if found or len(known) < 2:
        return found
    together = _with(base, config, work, room, {key: value for settings in known for key, value in settings.items()})
    return [together] if together else []


def _candidates(config: RunConfig, work: Work) -> Iterator[dict[str, Any]]:
    if config.adapter.method == "full":
        yield {"adapter.method": "lora"}
    if config.model.quantization != "nf4":
        yield {"model.quantization": "nf4"}
    if config.training.optim.startswith("adamw_torch"):
        yield {"training.optim": "adamw_8bit"}
    if (half := min(work.longest, config.data.max_length) // 2) >= _LEAST_TOKENS:
        yield {"data.max_length": half}


def _with(base: Path, config: RunConfig, work: Work, room: int, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Returns settings and what a run needs with them, if they go together and it fits."""
    plain = to_dict(config)
    for key, value in settings.items():
        section, _, name = key.partition(".")
        plain[section][name] = value
    if config_file.faults(plain):
        return None
    work = replace(work, longest=settings.get("data.max_length", work.longest))
    found = _needed(base, config_file.build(plain), work, room)
    return {"settings": settings, "total": found.total} if found and found.total <= room else None
