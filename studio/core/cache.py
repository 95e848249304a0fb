"""Folders of what can be made again: each is either whole or absent, whatever happens to who makes it.

Those that nobody opened for `UNUSED_S` are removed when another one is made beside them.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import filelock

from studio.core.errors import StudioError

T = TypeVar("T")
_PIECE = 1 << 22
Make = Callable[[Path], None]
UNUSED_S = 30 * 86_400.0


def made(folder: Path, opened: Callable[[Path], T | None], make: Make) -> T:
    """Opens what `folder` holds, which is made first where it is absent or damaged.

    Where several want the same at once, one makes it and the others wait.

    Args:
        folder: where it lies.
        opened: opens it; None where the folder holds nothing whole.
        make: writes its files to an empty folder, which then becomes `folder`.

    Raises:
        StudioError: (disk) it cannot be written.
    """
    found = opened(folder)
    if found is not None:
        mark_used(folder)
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_name(f".{folder.name}.lock")):
            found = opened(folder)
            if found is None:
                _replace(folder, make)
                found = opened(folder)
                forget_unused(folder)
    except OSError as error:
        from studio.core.runs import disk_error

        raise disk_error(folder.parent, error, "Free some space and start again: nothing is lost.") from None
    if found is None:
        raise StudioError("disk", f"{folder} cannot be read back.", "Check the disk, then start again.")
    return found


def sha256(file: Path, on_piece: Callable[[], None] | None = None) -> str:
    """Returns the SHA-256 of a file's content in hexadecimal; it is read in pieces, each of which is told of."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            if on_piece:
                on_piece()
    return digest.hexdigest()


def digest(*parts: str) -> str:
    """Returns the SHA-256 of some texts in hexadecimal."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def mark_used(folder: Path) -> None:
    """Notes that a folder was opened now."""
    with suppress(OSError):
        os.utime(folder)


def forget_unused(folder: Path) -> None:
    """Removes the neighbours of `folder` that were not opened for long and that no other process is making."""
    for old in folder.parent.iterdir():
        with suppress(OSError):
            if old == folder or not old.is_dir() or time.time() - old.stat().st_mtime < UNUSED_S:
                continue
            lock = filelock.FileLock(old.with_name(f".{old.name.lstrip('.').removesuffix('.part')}.lock"), timeout=0)
            with suppress(filelock.Timeout), lock:
                # At once out of sight, so that it is never seen half removed.
                gone = old.replace(old.with_name(f".{old.name.lstrip('.')}.gone"))
                shutil.rmtree(gone, ignore_errors=True)


def _replace(folder: Path, make: Make) -> None:
    # It loads the whole configuration, which who only opens what is there need not wait for.
    from studio.core.runs import sync_folder

    part = folder.with_name(f".{folder.name}.part")
    # What a process that was killed left behind; the lock says that no other one is at work.
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir()
        make(part)
        for path in part.rglob("*"):
            if path.is_file():
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
        sync_folder(part)
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
