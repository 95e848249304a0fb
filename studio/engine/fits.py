"""Whether a run fits into memory, and with which other settings it does if not."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.core import config_file, run_queue
from studio.core.capacity import SYSTEM_SHARE
from studio.core.config import RunConfig, to_dict
from studio.core.errors import StudioError
from studio.core.events import Event, Phase
from studio.engine import batches, hardware, model
from studio.engine.corpus import Corpus
from studio.engine.footprint import Counted, Footprint, Work

_LEAST_TOKENS = 128  # that rows are to be cut to
# Models that go from token to token take long, and nobody waits for this.
_PATIENCE_S, _LOOK_S = 20.0, 0.2
# All of `training` that memory depends on.
_DECIDING = (
    "optim", "optim_args", "adam_beta1", "adam_beta2", "adam_epsilon", "activation_checkpointing",
    "per_device_train_batch_size", "micro_batch_tokens",
)  # fmt: skip
_KNOWN_MOST = 8
# What was counted last, by all that decides it.
_known: dict[tuple[str, int, str, Work], Counted] = {}


def examine(
    base: Path,
    config: RunConfig,
    corpus: Corpus,
    epoch: list[list[batches.Rows]],
    on_event: Callable[[Event], None] = lambda event: None,
) -> dict[str, Any]:
    """Counts what a run needs in memory, and finds what helps if that is more than there is.

    Args:
        base: the model's folder.
        config: the run's.
        corpus: what it reads.
        epoch: the rows of each micro-batch of each step, as `session.first_epoch` returns them.
        on_event: told often that it counts; an exception it raises ends that.

    Returns:
        What `Footprint` has, its `total`, and the `room` there is, in bytes; and as `helps` what it would come to with
        other settings, `{settings, total}` of those with which it fits. Where it cannot be told, `fault` says why.
    """
    asked = _Asked(base, _room(), _work(config, corpus, epoch), _patience(on_event))
    try:
        found = asked.needed(config)
    except TimeoutError:
        return {"fault": "It would take too long to count.", "room": asked.room}
    except StudioError as error:
        return {"fault": error.message, "room": asked.room}
    helps = list[dict[str, Any]]()
    if found.total > asked.room:
        with suppress(TimeoutError):
            helps += asked.helps(config, found.padded)
    return asdict(found) | {"total": found.total, "room": asked.room, "helps": helps}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model, the bytes that there are for a run of it, how large its passes are, and what ends the counting."""

    base: Path
    room: int
    work: Work
    check: Callable[[], None]

    def needed(self, config: RunConfig) -> Footprint:
        """Counts what a run of `config` needs, unless that is known; raises as `Counted` and `check`."""
        plain = to_dict(config)
        settings = {key: plain["training"][key] for key in _DECIDING}
        data = {"path": "-", "max_length": config.data.max_length}
        deciding = {"model": plain["model"], "adapter": plain["adapter"], "data": data, "training": settings}
        work = replace(self.work, longest=min(self.work.longest, config.data.max_length * self.work.answers))
        changed = (self.base / "config.json").stat().st_mtime_ns
        key = str(self.base), changed, json.dumps(deciding, sort_keys=True), work
        counted = _known.pop(key, None)
        if counted is None:
            counted = Counted(model.skeleton(self.base), config_file.build(deciding), work, self.check)
        for old in list(_known)[: 1 - _KNOWN_MOST]:
            del _known[old]
        _known[key] = counted
        return counted.at(self.room, self.check)

    def helps(self, config: RunConfig, padded: bool) -> Iterator[dict[str, Any]]:
        """Yields the settings with which it fits, each by itself, or else as few of them together as that takes."""
        known, helped = list(_candidates(config, self.work, padded)), False
        for settings in known:
            if found := self._with(config, settings):
                helped = True
                yield found
        together = dict[str, Any]()
        for at, settings in enumerate(known):
            together = together | settings
            if not helped and at and (found := self._with(config, together)):
                helped = True
                yield found

    def _with(self, config: RunConfig, settings: dict[str, Any]) -> dict[str, Any] | None:
        """Returns settings and what a run needs with them, if they go together and it fits."""
        plain = to_dict(config)
        for key, value in settings.items():
            config_file.put(plain, key, value)
        if config_file.faults(plain):
            return None
        try:
            found = self.needed(config_file.build(plain))
        except StudioError:  # the model or this machine cannot be used so
            return None
        return {"settings": settings, "total": found.total} if found.total <= self.room else None


def _candidates(config: RunConfig, work: Work, padded: bool) -> Iterator[dict[str, Any]]:
    if config.adapter.method == "full":
        yield {"adapter.method": "lora"}
    # Biases beside four bits would be trained in half precision.
    if config.model.quantization != "nf4" and config.adapter.bias == "none":
        yield {"model.quantization": "nf4"}
    if config.training.optim in ("adamw_torch", "adamw_torch_fused"):
        yield {"training.optim": "adamw_8bit"}
    spec = config.training
    if padded and (rows := spec.per_device_train_batch_size) > 1:
        times = rows * spec.gradient_accumulation_steps
        yield {"training.per_device_train_batch_size": 1, "training.gradient_accumulation_steps": times}
    half = 2 ** (min(work.longest // work.answers, config.data.max_length).bit_length() - 2)
    if half >= _LEAST_TOKENS:
        yield {"data.max_length": half}


def _room() -> int:
    """Returns the bytes that a run will have: what is free, or once another run has ended what other programs leave."""
    device, at_work = hardware.device(), False
    with suppress(StudioError):  # the list of runs cannot be read
        at_work = any(not place.waits and place.is_there() for place in run_queue.listed())
    if not at_work:
        return hardware.free_bytes(device, for_other=True)
    return round(hardware.whole_bytes(device) * (1 if device.type == "cuda" else 1 - SYSTEM_SHARE))


def _work(config: RunConfig, corpus: Corpus, epoch: list[list[batches.Rows]]) -> Work:
    lengths = corpus.train.together
    longest = max(int(part.together.max()) for part in (corpus.train, corpus.evaluation) if part is not None)
    rows = np.concatenate([rows for step in epoch for rows in step])
    starts = np.cumsum([0, *(sum(map(len, step)) for step in epoch[:-1])])
    largest = int(np.add.reduceat(lengths[rows], starts).max())
    share = int(corpus.trained.sum()) / int(corpus.train.lengths.sum())
    return Work(longest, largest, len(lengths), corpus.train.answers, share)


def _patience(on_event: Callable[[Event], None]) -> Callable[[], None]:
    """Returns what tells now and then that it counts, and raises TimeoutError once that has taken too long."""
    until, told = time.monotonic() + _PATIENCE_S, 0.0

    def check() -> None:
        nonlocal told
        now = time.monotonic()
        if now > until:
            raise TimeoutError
        if now - told > _LOOK_S:
            told = now
            on_event(Phase(name="tokenizing"))

    return check
