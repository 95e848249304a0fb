"""Writing the rows of any source as JSONL or Parquet, row by row, whole or not at all."""

import contextlib
import glob
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import filelock

from studio import paths
from studio.core import cache, files
from studio.core.data import mapping, parsing
from studio.core.data.mapping import Role
from studio.core.data.rows import writable
from studio.core.data.sources import Source
from studio.core.data.unpacking import OnProgress
from studio.core.errors import StudioError, given_path
from studio.core.files import disk_error, sync_folder

ENDINGS = (".jsonl", ".parquet")
_BATCH = 2000
_STAGED = ".part"


@dataclass(slots=True)
class Converted:
    """How many rows were written, and how many could not be; `first_fault` says why the first of them."""

    rows: int = 0
    left_out: int = 0
    first_fault: str = ""


def convert(
    source: Source,
    target: str | Path,
    columns: Mapping[Role, str] | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Converted:
    """Writes the rows that can be read to a new file.

    Args:
        source: what `sources.find` found; it is only read.
        target: a `.jsonl` or `.parquet` file; until it is whole nothing stands in its place.
        columns: as `mapping.mapped` has them; empty: the columns as they are.
        overwrite: a file in its place may be replaced.
        on_progress: told (bytes done, bytes in all).

    Raises:
        StudioError: (usage) the target is there already, of another kind, or read from; (data) as `parsing.read`
            and `columnar.write`; (busy), (disk) as `whole`.
    """
    place = _place(source, target, overwrite)
    done = Converted()
    with whole(place, hint="Free some space and convert it again.") as stage:
        found = _rows(source, columns or {}, done, on_progress)
        if place.suffix.lower() == ".parquet":
            size = sum(size for _, size, _ in source.state())
            _write_parquet(stage, found, lambda: on_progress(size, size) if on_progress else None)
        else:
            with stage.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{text}\n" for text in found)
    return done


def _place(source: Source, target: str | Path, overwrite: bool) -> Path:
    place = given_path(target, "usage").absolute()
    if place.suffix.lower() not in ENDINGS:
        raise StudioError("usage", f"{place.name} is of no kind that is written.", f"End it in {' or '.join(ENDINGS)}.")
    if place.exists() and source.holds(place):
        raise StudioError("usage", f"{place.name} is read from.", "Give the new file another name.")
    if place.exists() and not (overwrite and place.is_file()):
        raise StudioError("usage", f"There is {place} already.", "Give another name, or --overwrite.")
    return place


def _rows(
    source: Source, columns: Mapping[Role, str], done: Converted, on_progress: OnProgress | None
) -> Iterator[str]:
    """Yields each row as JSON on one line, and counts."""
    sizes = [size for _, size, _ in source.state()]
    for number, part in enumerate(source.parts):
        for row in parsing.read(part):
            fault, text = row.reason, row.text
            if columns and row.data is not None:
                try:
                    text = writable(json.dumps(mapping.mapped(json.loads(text), columns), ensure_ascii=False))
                except StudioError as error:
                    fault = error.message
            if fault:
                done.left_out += 1
                done.first_fault = done.first_fault or f"{part.name}, line {row.line}: {fault}"
                continue
            done.rows += 1
            if on_progress and done.rows % 1000 == 0:
                on_progress(min(sum(sizes[:number]) + row.position, sum(sizes)), sum(sizes))
            # A row of a JSON file may have line breaks between its values.
            broken = "\n" in text or "\r" in text
            yield writable(json.dumps(json.loads(text), ensure_ascii=False)) if broken else text


def _write_parquet(path: Path, found: Iterator[str], live: Callable[[], None]) -> None:
    """Writes rows in several passes over what is held aside; `live` is told of each part, which takes as long again."""
    from studio.core.data import columnar

    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=path.parent) as held:
        held.writelines(f"{text}\n" for text in found)

        def batches() -> Iterator[list[dict[str, Any]]]:
            held.seek(0)
            while batch := [json.loads(line) for line in islice(held, _BATCH)]:
                yield batch
                live()

        columnar.write(path, batches)


@contextlib.contextmanager
def whole(target: Path, hint: str) -> Iterator[Path]:
    """Gives a file to write that becomes `target` once it is whole and on the disk.

    What a killed process left of an earlier try is removed.

    Args:
        target: the file, in whose place nothing stands until then, or what stood there.
        hint: what to do about a full disk.

    Raises:
        StudioError: (busy) another process writes it; (disk) it cannot be written.
    """
    locks = paths.cache_dir() / "writing"
    stage = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_STAGED}")
    try:
        for folder in (locks, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(locks / f"{cache.digest(str(target))[:24]}.lock", timeout=0):
            # Those that live hold the lock.
            for left in target.parent.glob(f".{glob.escape(target.name)}.????????{_STAGED}"):
                left.unlink()
            try:
                yield stage
                with stage.open("rb+") as file:
                    os.fsync(file.fileno())
                files.replace(stage, target)
                sync_folder(target.parent)
            finally:
                stage.unlink(missing_ok=True)
    except filelock.Timeout:
        message = f"Another process is writing {target}."
        raise StudioError("busy", message, "Wait until it is done, or give another name.") from None
    except OSError as error:
        raise disk_error(target, error, hint) from None
