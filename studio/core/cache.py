"""Folders of what can be made again: each is either whole or absent, whatever happens to who makes it.

Those that nobody opened for `UNUSED_S` are removed when another one is made beside them.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import filelock

from studio import paths
from studio.core import files
from studio.core.errors import StudioError
from studio.core.files import disk_error, sync_folder, sync_tree

T = TypeVar("T")
_PIECE = 1 << 22
Make = Callable[[Path], None]
UNUSED_S = 30 * 86_400.0
_ASKED_S = 0.2  # between two questions whether to wait on


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
        with lock_of(folder):
            found = opened(folder)
            if found is None:
                _replace(folder, make)
                found = opened(folder)
                forget_unused(folder)
    except OSError as error:
        raise disk_error(folder.parent, error, hint="Free some space and start again: nothing is lost.") from None
    if found is None:
        raise StudioError("disk", f"{folder} cannot be read back.", "Check the disk, then start again.")
    return found


@contextmanager
def held(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Keeps a folder that only grows, made where it is absent, for this process: nobody else writes or removes it.

    Args:
        folder: where it lies.
        waiting: called again and again while another process keeps it; an exception it raises ends the waiting.

    Raises:
        StudioError: (disk) it cannot be written.
    """
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_acquired(lock_of(folder), waiting))
            folder.mkdir(exist_ok=True)
            mark_used(folder)
            forget_unused(folder)
        except OSError as error:
            raise disk_error(folder.parent, error, hint="Free some space and start again: nothing is lost.") from None
        yield


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


def note_sizes(folder: Path, note: Path) -> None:
    """Writes down in the file `note` how long each file in a folder is, so that `is_whole` can tell."""
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    files.write_atomic(note, json.dumps(sizes).encode())


def is_whole(folder: Path, note: Path) -> bool:
    """Whether a folder holds every file as long as it was when `note_sizes` wrote `note`."""
    try:
        sizes: dict[str, int] = json.loads(note.read_bytes())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def damaged(name: str) -> StudioError:
    """Says that what is kept of a file holds what nobody wrote there."""
    place = paths.cache_dir()
    return StudioError(
        "data", f"What was read of {name} is damaged in the cache.", f"Remove {place}, then open it again."
    )


def lock_of(folder: Path) -> filelock.BaseFileLock:
    """Returns the lock that whoever makes or removes a folder holds."""
    return filelock.FileLock(folder.with_name(f".{folder.name.lstrip('.').removesuffix('.part')}.lock"))


def forget(folder: Path) -> None:
    """Removes a folder and its lock, unless another process has that."""
    lock = lock_of(folder)
    with suppress(OSError), lock.acquire(timeout=0):
        if folder.exists():
            # At once out of sight, so that it is never seen half removed.
            files.discard(folder, pauses_s=())
        # Whoever waits for it finds that it has no name any more, and makes a new one.
        os.unlink(lock.lock_file)


def forget_unused(folder: Path) -> None:
    """Removes the neighbours of `folder` that were not opened for long and that no other process is making."""
    for old in folder.parent.iterdir():
        with suppress(OSError):
            if old == folder or time.time() - old.stat().st_mtime < UNUSED_S:
                continue
            if old.is_dir():
                forget(old)
            elif old.suffix == ".lock" and not (locked := old.with_name(old.stem[1:])).exists():
                forget(locked)


def _acquired(lock: filelock.BaseFileLock, waiting: Callable[[], None]) -> AbstractContextManager[object]:
    while True:
        try:
            return lock.acquire(timeout=_ASKED_S)
        except filelock.Timeout:
            waiting()


def _replace(folder: Path, make: Make) -> None:
    part = folder.with_name(f".{folder.name}.part")
    # What a process that was killed left behind; the lock says that no other one is at work.
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir()
        make(part)
        sync_tree(part)
        if folder.exists():
            files.discard(folder)
        files.replace(part, folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
