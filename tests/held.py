"""What a program has open, as Windows treats it: it can be neither renamed nor removed, nor any folder it lies in."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

_HELD = set[Path]()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Has the file or folder at `path` open meanwhile, for every thread of this process."""
    _listen()
    _HELD.add(path)
    try:
        yield
    finally:
        _HELD.discard(path)


@cache
def _listen() -> None:
    # Python tells it of each call to the system; once added it stays.
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _HELD or event not in ("os.rename", "os.remove", "os.rmdir"):
        return
    for path in _HELD:
        if _is_renamed(path, *arguments[:2]) if event == "os.rename" else _is_same(path, *arguments):
            error = PermissionError(errno.EACCES, "The process cannot access the file", str(path))
            error.winerror = 32  # type: ignore[attr-defined]
            raise error


def _is_renamed(path: Path, source: str, target: str) -> bool:
    # That it would lie on another disk then is found out first.
    other = os.stat(source).st_dev != os.stat(os.path.dirname(target)).st_dev
    return not other and any(path.is_relative_to(name) for name in (source, target))


def _is_same(path: Path, name: str, folder: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.lstat(name, dir_fd=None if folder == -1 else folder))
    except OSError:
        return False
