"""Files and folders written, renamed, moved and removed so that each is whole or not there, whatever happens.

Windows renames and removes nothing that a program has open, and no folder with such a thing in it; virus scanners and
backups have new files open for a moment. So a rename that is refused there is tried again for some seconds.
"""

import errno
import glob
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from studio.core.errors import StudioError

PAUSES_S: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.8) if sys.platform == "win32" else ()

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
# Windows' own numbers: ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
_FULL_WINDOWS = (39, 112)
# ERROR_ACCESS_DENIED, which is also said of a folder in which something is open, ERROR_SHARING_VIOLATION,
# ERROR_LOCK_VIOLATION, ERROR_USER_MAPPED_FILE
_HELD_WINDOWS = (5, 32, 33, 1224)

PIECE_BYTES = 1_000_000  # of a file of lines, which are read at a time

RANDOM = "[0-9a-f]" * 8  # a pattern of what `secrets.token_hex(4)` gives
LEFT_S = 86_400.0  # what a killed process left behind is removed when it is so old
LATEST_S = 32e9  # in the year 2984; some systems' calendars end soon after


def disk_error(path: Path, error: OSError, hint: str = "Free some space and try again.") -> StudioError:
    """Puts a failed write into words; `hint` says what to do about a full disk."""
    if is_full(error):
        return StudioError(
            "disk",
            f"The disk is full: {path.name} could not be written.",
            hint,
            str(path),
        )
    if getattr(error, "winerror", None) in _HELD_WINDOWS:
        return StudioError(
            "disk",
            f"{path} is in use by another program, or may not be changed.",
            "Close what has it open, or check its permissions, and try again.",
            str(error),
        )
    return StudioError(
        "disk", f"{path} could not be written: {error.strerror}.", "Check the folder and its permissions."
    )


def length(path: Path) -> int:
    """Returns how many bytes a file holds, which another process may be adding to; 0: there is none yet."""
    return path.stat().st_size if path.exists() else 0


def is_full(error: OSError) -> bool:
    """Whether something could not be written since the disk, or the user's share of it, is full."""
    return error.errno in _FULL or getattr(error, "winerror", None) in _FULL_WINDOWS


def is_taken(error: OSError) -> bool:
    """Whether a folder could not get a name since a folder has it that holds something."""
    return error.errno in (errno.ENOTEMPTY, errno.EEXIST)


def error_in(words: str, windows: bool = sys.platform == "win32") -> OSError | None:
    """Returns the system's error that a library tells of in its own, such as "(os error 28)"; None: it tells of none.

    Args:
        words: the library's.
        windows: whether the number is one of Windows' own, which are not those of `errno`.
    """
    found = re.search(r"os error (\d+)", words)
    if found is None:
        return None
    number = int(found[1])
    if windows:
        return OSError(errno.ENOSPC if number in _FULL_WINDOWS else 0, words)
    return OSError(number, os.strerror(number))


def hidden(path: Path) -> Path:
    """Returns a new name beside `path` for what is unfinished or on its way out: nothing that begins so is read."""
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}")


def write_atomic(path: Path, data: bytes, pauses_s: Sequence[float] = PAUSES_S) -> None:
    """Writes `data` so that `path` holds either the old or the new content, whatever happens.

    Args:
        path: of the file.
        data: its content.
        pauses_s: as `replace` has them.

    Raises:
        OSError: it cannot be written, and `path` is as it was.
    """
    _forget_left(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        replace(temporary, path, pauses_s)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    settle(path.parent)


def write_new(path: Path, text: str) -> None:
    """Writes text to a file that a user names, and makes its folder; half a letter becomes a question mark.

    Raises:
        StudioError: (usage) as `require_new`; (disk) it cannot be written.
    """
    require_new(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise disk_error(path, error) from None


def require_new(path: Path) -> None:
    """Raises a StudioError (usage) if something is there already."""
    if path.exists():
        raise StudioError("usage", f"{path} is there already.", "Name a new file; nothing is overwritten.")


def _forget_left(path: Path) -> None:
    """Removes what writers of `path` left that were killed."""
    with suppress(OSError):
        for left in path.parent.glob(f".{glob.escape(path.name)}.{RANDOM}"):
            if time.time() - left.stat().st_mtime > LEFT_S:
                left.unlink()


def inside(folder: Path) -> list[Path]:
    """Returns what a folder of the program holds; one that is not there yet holds nothing.

    Raises:
        StudioError: (disk) it cannot be read.
    """
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        message = f"{folder} cannot be read: {error.strerror}."
        raise StudioError("disk", message, "Check that it is a folder, and its permissions.") from None


def replace(source: Path, target: Path, pauses_s: Sequence[float] = PAUSES_S) -> Path:
    """Renames a file or a folder, in the place of what is there if that is a file; returns `target`.

    Args:
        source: what is renamed.
        target: its new name on the same disk.
        pauses_s: seconds to wait before each further try while it is refused.

    Raises:
        OSError: it is refused to the last, and nothing has changed.
    """
    for pause_s in pauses_s:
        try:
            return source.replace(target)
        except OSError as error:
            # A folder is not put in the place of one that holds something: PermissionError on Windows alone.
            if not (isinstance(error, PermissionError) or is_taken(error)):
                raise
        time.sleep(pause_s)
    return source.replace(target)


def discard(folder: Path, pauses_s: Sequence[float] = PAUSES_S) -> None:
    """Removes a folder; renamed first, so that half of one is never taken for a whole.

    What a program has open of it may stay under a name of `hidden`.

    Raises:
        OSError: it cannot be renamed, and is as it was.
    """
    shutil.rmtree(replace(folder, hidden(folder), pauses_s), ignore_errors=True)


def move(source: Path, target: Path, pauses_s: Sequence[float] = PAUSES_S) -> None:
    """Moves a file or a folder, to another disk too: nothing of it is removed before `target` is whole.

    What cannot be removed of its old place on another disk stays there under a name of `hidden`, as in `discard`.

    Raises:
        OSError: it cannot be moved, and is as it was.
    """
    try:
        replace(source, target, pauses_s)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_over(source, target, pauses_s)


def _move_over(source: Path, target: Path, pauses_s: Sequence[float]) -> None:
    stage, rest = hidden(target), hidden(source)
    try:
        copy_tree(source, stage)
        sync_tree(stage)
        replace(stage, target, pauses_s)
    finally:
        _erase(stage)
    try:
        sync_folder(target.parent)
        # Refused where something in it is open, while all of it is still there.
        replace(source, rest, pauses_s)
    except OSError:
        _erase(target)
        raise
    _erase(rest)


def _erase(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink()  # of a file


def copy_file(source: Path, target: Path) -> None:
    """Copies what is in a file to a new one, and makes it durable.

    Raises:
        OSError: it cannot be written.
    """
    with source.open("rb") as read, target.open("xb") as written:
        shutil.copyfileobj(read, written, PIECE_BYTES)
        written.flush()
        os.fsync(written.fileno())


def copy_tree(source: Path, target: Path) -> None:
    """Copies a file or a folder to a new one, links as links.

    Raises:
        OSError: the first that a file's copying ends in; `shutil.copytree`'s own kind does not say if the disk is full.
    """
    if source.is_symlink() or not source.is_dir():
        shutil.copy2(source, target, follow_symlinks=False)
        return
    target.mkdir()
    # `rglob` passes over folders that may not be read.
    for path in source.iterdir():
        copy_tree(path, target / path.name)
    shutil.copystat(source, target)


def sync_tree(folder: Path) -> None:
    """Makes a file, or every file below a folder, durable, and the folders that name them."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_symlink():
            continue  # it has no content, and may lead nowhere
        if path.is_dir():
            sync_folder(path)
        else:
            # Windows syncs only through a handle that may write; elsewhere a file may be one that nobody may write.
            fd = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def settle(folder: Path) -> None:
    """As `sync_folder`, for renames that are done: they hold where this fails, but for a loss of power."""
    with suppress(OSError):
        sync_folder(folder)


def sync_folder(path: Path) -> None:
    """Makes renames in `path` durable, where the system can."""
    if os.name == "posix":
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def read_lines(path: Path, offset: int = 0, most: int = -1) -> tuple[list[bytes], int]:
    """Returns the whole lines behind byte `offset` and the offset behind the last of them.

    For whoever follows a file: what cannot be read now is none, and may be read next time. Of more than `most` bytes
    only the first lines are returned, at least one; -1: all.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(most)
    except OSError:
        return [], offset
    whole = data.rfind(b"\n") + 1
    if not whole and len(data) == most:
        return read_lines(path, offset, 2 * most)
    return data[:whole].splitlines(), offset + whole


def pieces(path: Path, offset: int = 0, end: int | None = None) -> Iterator[list[bytes]]:
    """Yields the whole lines from byte `offset` to `end`, or to the end there is; some thousand at a time."""
    begun = b""
    with suppress(OSError), path.open("rb") as file:
        file.seek(offset)
        while data := file.read(PIECE_BYTES if end is None else max(0, min(PIECE_BYTES, end - file.tell()))):
            whole = data.rfind(b"\n") + 1
            if whole:
                yield (begun + data[:whole]).splitlines()
            begun = data[whole:] if whole else begun + data
