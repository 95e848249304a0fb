"""Runs side by side: how each came out, and the settings in which they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from studio.core import config_file, runs
from studio.core.config import RunConfig, to_dict
from studio.core.progress import Progress

# What is looked up of each step.
KEPT = {"step": "f8", "trained_tokens": "f4", "step_s": "f4"}
_PATHS = ("data.path", "data.eval_path")


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


def differing(configs: Sequence[RunConfig]) -> dict[str, list[Any]]:
    """Returns the settings in which runs differ: by dotted name the value in each of `configs`.

    Two runs have each their own copy of a dataset version; these differ only if what is in them does.
    """
    changed = {key for config in configs for key in config_file.changed(config)}
    keys = sorted(changed, key=list(config_file.keys()).index)
    plain = [to_dict(config) for config in configs]
    found = {key: [values[section][name] for values in plain] for key in keys for section, name in [key.split(".")]}
    for key in _PATHS:
        if key in found:
            found[key] = _named(found[key])
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}


def _named(places: Sequence[str | None]) -> list[str | None]:
    """Returns paths, of runs' own copies the name, and where these hold different things what tells them apart."""
    copies = {place: Path(place) for place in places if place and runs.is_copy(Path(place))}
    held = {place: sha256(copy.read_bytes()).hexdigest()[:8] for place, copy in copies.items() if copy.is_file()}
    alike = len(set(held.values())) == 1
    return [
        place if place not in copies else copies[place].name + ("" if alike else f" ({held.get(place, '?')})")
        for place in places
    ]
