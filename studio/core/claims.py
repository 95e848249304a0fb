"""The lock in a run's folder: whether somebody holds it, and a folder kept while a run is made in it."""

import errno
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from studio.core import files
from studio.core.errors import StudioError

LOCK = "run.lock"
# What a folder may hold in which a run was being made: copies of versions, and what is not written to its end.
_BEGUN = re.compile(rf"run\.lock|evaluation|.+\.recipe\.json|\..+\.json\.{files.RANDOM}")

if sys.platform != "win32":
    import fcntl

    def is_locked(file: Path) -> bool:
        """Whether a process holds a lock; looking leaves nothing behind, and two may look at once."""
        try:
            fd = os.open(file, os.O_RDONLY)
        except OSError:
            return False  # nobody has ever claimed it, or it cannot be told
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in (errno.EAGAIN, errno.EACCES)
        finally:
            os.close(fd)
        return False


def lies_there(lock: filelock.BaseFileLock) -> bool:
    """Whether a lock that is held is the file of its name: the run may have been moved away while it was waited for.

    Its file goes with the run then, and another run's may have the name. Windows moves no folder with an open file.
    """
    held = lock._context.lock_file_fd
    if sys.platform == "win32" or held is None:
        return held is not None
    try:
        return os.path.samestat(os.fstat(held), os.stat(lock.lock_file))
    except OSError:
        return False


def release(lock: filelock.BaseFileLock) -> None:
    """Frees a run's lock; its folder goes too where nothing else is in it, for taking a lock makes it anew."""
    folder, alone = Path(lock.lock_file).parent, False
    with suppress(OSError):
        if alone := lies_there(lock) and _held(folder) == {LOCK}:
            os.unlink(lock.lock_file)  # on Windows it goes only as it is freed
    lock.release()
    if alone:
        with suppress(OSError):
            folder.rmdir()  # if nobody has begun in it meanwhile


@contextmanager
def making(folder: Path) -> Iterator[None]:
    """Keeps a folder for the run that is made in it; a run that cannot be made leaves nothing there.

    Raises:
        StudioError: (run) the folder is taken.
        OSError: it cannot be written.
    """
    taken = StudioError(
        "run", f"{folder} is not empty.", "Name a new folder; an interrupted run goes on with `studio runs resume`."
    )
    known, lock = folder.is_dir(), filelock.FileLock(folder / LOCK)
    folder.mkdir(parents=True, exist_ok=True)
    if not _is_free(folder):
        raise taken
    try:
        try:
            held = lock.acquire(timeout=0)
        except filelock.Timeout:
            raise taken from None
        with held:
            # Another one may have been made meanwhile.
            if not (lies_there(lock) and _is_free(folder)):
                raise taken
            _empty(folder)
            try:
                yield
            except BaseException:
                _empty(folder)
                raise
            finally:
                with suppress(OSError):
                    os.unlink(lock.lock_file)
    finally:
        if not known:
            with suppress(OSError):
                folder.rmdir()  # if it is empty


def forget_begun(place: Path) -> None:
    """Removes the folders in which runs were being made more than a day ago by makers that were killed."""
    for folder in place.iterdir() if place.is_dir() else ():
        with suppress(OSError):
            if not _is_free(folder) or time.time() - folder.stat().st_mtime < files.LEFT_S:
                continue
            lock = filelock.FileLock(folder / LOCK)
            lock.acquire(timeout=0)
            try:
                # Another maker may have gone on in it meanwhile.
                if lies_there(lock) and _is_free(folder):
                    _empty(folder)
            finally:
                release(lock)


def _is_free(folder: Path) -> bool:
    """Whether a folder is empty, but for what was left where a run was being made and its maker was killed."""
    held = _held(folder)
    return not held or (LOCK in held and all(map(_BEGUN.fullmatch, held)))


def _held(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except FileNotFoundError:
        return set()


def _empty(folder: Path) -> None:
    """Removes all but the lock."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            with suppress(OSError):
                path.unlink()
