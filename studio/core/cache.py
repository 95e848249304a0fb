"""Folders of what can be made again: each is either whole or absent, whatever happens to who makes it."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.core.runs import disk_error, sync_folder

_ABANDONED_S = 86_400.0


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Gives an empty sibling folder to write to; its files become `target` when the block ends without an error.

    Two processes may build the same target: the one that ends first wins, and either finds it whole.

    Raises:
        StudioError: (disk) it cannot be written.
    """
    folder = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        try:
            folder.mkdir(parents=True)
            _sweep(target)
            yield folder
            _finish(folder, target)
        except OSError as error:
            raise disk_error(target.parent, error, "Free some space and start again: nothing is lost.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _finish(folder: Path, target: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    sync_folder(folder)
    if target.exists():
        # Damaged, or just finished by another process; equal content either way.
        shutil.rmtree(target, ignore_errors=True)
    try:
        folder.replace(target)
    except OSError:
        if not target.exists():
            raise
    sync_folder(target.parent)


def _sweep(target: Path) -> None:
    """Removes what processes that were killed left of the same target."""
    for path in target.parent.glob(f".{target.name}.*"):
        try:
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:
            continue
