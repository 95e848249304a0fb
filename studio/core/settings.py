"""The user's settings: one small JSON file, written whole or not at all."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import from_json

from studio import paths
from studio.core.errors import StudioError
from studio.core.files import PAUSES_S, disk_error, write_atomic

_RECENT = 12
_OPEN = ConfigDict(extra="ignore")


@dataclass(slots=True, kw_only=True, config=_OPEN)
class Settings:
    """What the window remembers from one start to the next.

    Attributes:
        theme: `system`, `light` or `dark`.
        language: a code such as `zh_CN`, or `system`.
        geometry: the window's place and size, as Qt writes it, in base 64.
        page: the page shown last.
        recent_data: data files, the newest first.
        recent_models: base models, the newest first.
        draft: the configuration being edited, as plain data; empty: none yet.
        all_fields: whether the form shows every setting.
        welcomed: whether the welcome page has been shown.
        keep_awake: whether the computer is kept from going to sleep while a run is at work.
        notify: whether the desktop tells that a run has ended.
        when_ended: a command to run then; empty: none.
    """

    theme: str = "system"
    language: str = "system"
    geometry: str = ""
    page: str = ""
    recent_data: list[str] = Field(default_factory=list)
    recent_models: list[str] = Field(default_factory=list)
    draft: dict[str, Any] = Field(default_factory=dict)
    all_fields: bool = False
    welcomed: bool = False
    keep_awake: bool = True
    notify: bool = True
    when_ended: str = ""


_SETTINGS = TypeAdapter(Settings)


def load(path: Path | None = None, tell: Callable[[StudioError], object] = lambda error: None) -> Settings:
    """Reads the settings; what is missing or damaged gets its default, and a damaged file is kept beside them.

    Args:
        path: the file; None: the program's own.
        tell: told of a damaged file.
    """
    source = path or paths.settings_file()
    found, damaged = _read(source)
    if damaged:
        tell(_kept_aside(source))
    return found


def seen() -> Settings:
    """Returns the program's own as `load`; for a run's process, which touches nothing of the window's."""
    return _read(paths.settings_file())[0]


def _read(source: Path) -> tuple[Settings, bool]:
    """Returns what can be read, and whether something cannot."""
    try:
        found = from_json(source.read_bytes())
    except FileNotFoundError:
        return Settings(), False
    except (OSError, ValueError):
        found = None
    try:
        return _SETTINGS.validate_python(found), False
    except ValidationError as error:
        places = [fault["loc"] for fault in error.errors(include_url=False)] if isinstance(found, dict) else []
        return _SETTINGS.validate_python(_without(found, places) if places else {}), True


def _without(found: dict[str, Any], places: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """Takes out what is wrong, the last of a list first, so that the others' places stay."""
    for *road, last in reversed(places):
        inner: Any = found
        for step in road:
            inner = inner[step]
        del inner[last]
    return found


def _kept_aside(source: Path) -> StudioError:
    """Keeps a damaged file's content from the next `save`, under a name of its own, once; says so."""
    hint = "What could not be read of it has its default."
    try:
        written = time.strftime("%Y%m%d-%H%M%S", time.localtime(source.stat().st_mtime))
        aside = source.with_name(f"{source.stem}-damaged-{written}{source.suffix}")
        if not aside.exists():
            _double(source, aside)
        hint = f"What could not be read of it has its default; the damaged file is kept as {aside}."
    except OSError:
        pass  # then only the next `save` is known to be the end of it
    return StudioError("config", f"The settings in {source.name} are damaged.", hint)


def _double(source: Path, aside: Path) -> None:
    try:
        os.link(source, aside)  # `save` puts another file in its place; works without the right to read it
    except OSError:
        shutil.copyfile(source, aside)


def save(settings: Settings, path: Path | None = None) -> None:
    """Writes the settings; what a later state of the program noted there too stays.

    Raises:
        StudioError: (disk) the file cannot be written.
    """
    target = path or paths.settings_file()
    # A file's name may hold bytes that are no text; such a one is not found again, but keeps nothing else from disk.
    whole = {**_noted(target), **_SETTINGS.dump_python(settings)}
    data = json.dumps(whole, indent=1, ensure_ascii=False).encode("utf-8", "replace")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # The window's thread waits for it, and tries again with the next change.
        write_atomic(target, data, PAUSES_S[:5])
    except OSError as error:
        raise disk_error(target, error, "Free some space; the window works on without it.") from None


def _noted(target: Path) -> dict[str, Any]:
    try:
        found = from_json(target.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remembered(recent: list[str], item: str) -> list[str]:
    """Returns `recent` with `item` at its head, each item once and no more than a dozen."""
    return [item, *(other for other in recent if other != item)][:_RECENT]
