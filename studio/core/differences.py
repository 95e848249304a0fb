"""Runs side by side: how each came out, and the settings in which they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core import config_file, pinned
from studio.core.config import RunConfig, to_dict
from studio.core.progress import Progress

# What is looked up of each step.
KEPT = {"step": "f8", "trained_tokens": "f4", "step_s": "f4"}
_PATHS = ("data.path", "data.eval_path")
_START = "adapter.path"
_RATE = "training.learning_rate"
_BETA = "training.beta"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a run came, and how well.

    Attributes:
        loss: of its last step, in nats.
        eval_loss: the lowest of its evaluations.
        trained_tokens: tokens that carried loss, over all its steps.
        train_s: seconds spent in steps.
    """

    step: int
    loss: float | None
    eval_loss: float | None
    trained_tokens: int
    train_s: float


def outcome(told: Progress) -> Outcome:
    """Returns how a run came out, or how it stands; of its steps at least the fields of `KEPT` are kept."""
    tokens, spent_s = (float(told.steps.column(name).sum(dtype="f8")) for name in ("trained_tokens", "step_s"))
    return Outcome(
        step=told.step,
        loss=told.steps[-1].loss if told.steps else None,
        eval_loss=told.best.eval_loss if told.best is not None else None,
        trained_tokens=round(tokens),
        train_s=told.finished.train_s if told.finished is not None else spent_s,
    )


def differing(configs: Sequence[RunConfig], told: Sequence[Progress]) -> dict[str, list[Any]]:
    """Returns the settings in which runs differ: by dotted name the value in each of `configs`.

    Of data that is called the same and was another by what it held that is told too, of a learning rate what was set
    while the run trained. Each run has its own copy of a dataset version; these differ only by what they hold.
    """
    changed = {key for config in configs for key in config_file.changed(config)}
    changed |= {_RATE} if any(progress.learning_rates for progress in told) else set()
    keys = sorted(changed, key=list(config_file.keys()).index)
    plain = [to_dict(config) for config in configs]
    found = {key: [values[section][name] for values in plain] for key in keys for section, name in [key.split(".")]}
    for key in filter(found.__contains__, _PATHS):
        found[key] = [_named(place) for place in found[key]]
    if _START in found:
        found[_START] = [pinned.started_from(path) if path else "" for path in found[_START]]
    if _BETA in found:  # left out, it is the usual one
        found[_BETA] = [config.training.used_beta for config in configs]
    held = [progress.prepared.data if progress.prepared is not None else "" for progress in told]
    if "data.path" in found and len({*filter(None, held)}) > 1:
        found["data.path"] = [
            f"{place} ({data[:8]})" if data else place for place, data in zip(found["data.path"], held, strict=True)
        ]
    if _RATE in found:
        found[_RATE] = [_rate(rate, progress) for rate, progress in zip(found[_RATE], told, strict=True)]
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}


def _named(place: str | None) -> str | None:
    """Returns a path, or of a run's own copy the name."""
    return Path(place).name if place and pinned.is_copy(Path(place)) else place


def _rate(rate: float, told: Progress) -> float | str:
    later = [f"{new:g} behind step {at:,}" for at, new in told.learning_rates]
    return ", ".join((f"{rate:g}", *later)) if later else rate
