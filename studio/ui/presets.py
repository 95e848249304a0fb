"""Presets: settings that go well together, each with the reason for it."""

from dataclasses import dataclass
from typing import Any

import yaml

from studio import paths
from studio.ui import words

_ORDER = ("quick", "balanced", "thorough")


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset: what it is called, why one would take it, and its settings by dotted name."""

    title: str
    why: str
    settings: dict[str, Any]


def presets() -> list[Preset]:
    """Returns the presets that come with the program, the quickest first."""
    folder = paths.resources() / "presets"
    read = (yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in _ORDER)
    return [Preset(words.told(item["title"]), words.told(item["why"]), item["settings"]) for item in read]
