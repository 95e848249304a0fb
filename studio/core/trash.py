"""What was removed and can be brought back: runs, adapters, models and blind tests, until it is removed for good."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio import paths
from studio.core import blind, files, library, runs
from studio.core.entry import ENTRY, PEFT_CONFIG, read_entry
from studio.core.errors import StudioError
from studio.core.files import disk_error
from studio.core.runs import Run

Kind = Literal["run", "adapter", "model", "test"]
_OF_LIBRARY = ("adapter", "model")


@dataclass(frozen=True, slots=True)
class Removed:
    """Something in the trash.

    Attributes:
        key: what it is called there, which nothing else is.
        name: what it was called before.
        title: as the user wrote it; empty: nothing.
        size_bytes: of all its files.
        removed_s: when it was removed, in seconds since 1970; where the system does not note it, when it was made.
    """

    key: str
    kind: Kind
    name: str
    title: str
    path: Path
    size_bytes: int
    removed_s: float


def listing() -> list[Removed]:
    """Returns what is in the trash, the newest first.

    Raises:
        StudioError: (disk) it cannot be read.
    """
    found = [*_removed(), *_adapters()]
    return sorted(found, key=lambda item: (-item.removed_s, item.key))


def find(name: str, held: Sequence[Removed] | None = None) -> Removed:
    """Finds something in the trash by its key, or by a name or title that only one has.

    Args:
        name: the key, name or title.
        held: what `listing` returned, for whoever finds several things; None: it is read here.

    Raises:
        StudioError: (run) there is no such thing, or several; (disk) the trash cannot be read.
    """
    held = listing() if held is None else held
    found = [item for item in held if item.key == name] or [item for item in held if name in (item.name, item.title)]
    if len(found) == 1:
        return found[0]
    if found:
        keys = ", ".join(item.key for item in found[:5])
        raise StudioError(
            "run", f"`{name}` could mean {len(found)} things in the trash: {keys}.", "Write one of these."
        )
    raise StudioError("run", f"There is no `{name}` in the trash.", "`studio trash list` shows all there.")


def restore(item: Removed) -> str:
    """Brings something back; returns what it is called now.

    Raises:
        StudioError: as `runs.restore`, `library.restore_from` and `blind.restore`.
    """
    if item.kind in _OF_LIBRARY:
        return library.restore_from(item.path).name
    if item.kind == "test":
        return blind.restore(item.path).path.name
    run = Run(paths.runs_dir() / item.name)
    runs.restore(item.path, run)
    return run.name


def remove_for_good(item: Removed) -> None:
    """Removes something from the trash, from where nothing brings it back.

    Raises:
        StudioError: (disk) it cannot be removed.
    """
    _discard(item.path)
    if item.kind in _OF_LIBRARY:
        with suppress(OSError):  # what a system's file browser left there stays
            item.path.parent.rmdir()


def empty() -> None:
    """Removes all there is in the trash, and what moves that were broken off left there.

    Raises:
        StudioError: (disk) something cannot be removed; what comes before it is gone.
    """
    for path in files.inside(paths.trash_dir()):
        _discard(path)


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder; what vanishes meanwhile has none."""
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            return path.lstat().st_size
        return 0
    with suppress(OSError):
        return sum(size_of(Path(item.path)) for item in os.scandir(path))
    return 0


def _discard(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            files.discard(path)
        else:
            path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise disk_error(path, error) from None


def _removed() -> Iterator[Removed]:
    """Yields the runs and the blind tests."""
    # A hidden one is what a move to another disk left.
    for path in files.inside(paths.trash_dir()):
        kind: Kind = "run" if os.path.isfile(path / "run.json") else "test"
        if path.name.startswith(".") or not os.path.isfile(path / f"{kind}.json"):
            continue
        title = Run(path).title() if kind == "run" else _title_of(path)
        before = path.name.rpartition("-")[0]
        with suppress(FileNotFoundError):  # another process may empty the trash
            yield Removed(path.name, kind, before, title, path, size_of(path), path.stat().st_ctime)


def _adapters() -> Iterator[Removed]:
    for folder in (paths.trash_dir() / "adapters").glob("*/*/"):
        held = any((folder / name).is_file() for name in (ENTRY, PEFT_CONFIG))
        if held and not folder.name.startswith(".") and folder.parent.name.isdecimal():
            removed_s = int(folder.parent.name) / 1e9
            entry = read_entry(folder)
            kind: Kind = "model" if entry.is_model else "adapter"
            key = f"{folder.parent.name}/{folder.name}"
            yield Removed(key, kind, folder.name, entry.title, folder, size_of(folder), removed_s)


def _title_of(test: Path) -> str:
    with suppress(StudioError):
        return blind.about_of(test).title
    return ""
