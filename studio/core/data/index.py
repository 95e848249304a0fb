"""Where every row of a source lies: made at the speed of the disk by one process, read by others while it grows.

JSONL and CSV are indexed as they are. Files of other kinds are written out as JSONL into the cache on the way, so that
any row of any source is one read. The index is a file of fixed records that only ever grows.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from studio import paths
from studio.core import cache, files
from studio.core.data import lines, parsing, rows, sources
from studio.core.data.parsing import Table
from studio.core.data.rows import Parsed
from studio.core.data.sources import Part, Source, Stamp
from studio.core.errors import StudioError
from studio.core.files import disk_error

Progress = Callable[[int, int], None]

RECORD = np.dtype([("start", "<i8"), ("end", "<i8"), ("line", "<i4"), ("part", "<i4")])
_VERSION = 4  # raise it whenever the same file would be read as other rows
_AS_THEY_ARE = ("JSONL", "CSV", "TSV")
_REFUSED = b"!"  # begins the line of a row that could not be read, with the reason
_BATCH = 1000
_DONE = "done"  # there once every row is known, with the sizes of the files
_MARK_S = 3600.0  # so often it is noted that an index is in use


@dataclass(frozen=True, slots=True)
class Indexed:
    """One of the files that rows lie in.

    Attributes:
        name: what the file is called.
        path: where the rows are read from.
        modified: its time of change in ns when it was indexed.
        table: how it is laid out, if it is CSV.
        made: it was written from a file of another kind.
        held: what it holds, where it is no file.
        inode, status_changed: what else told it from other files then, as `sources.Stamp` has it; 0: not known.
    """

    name: str
    path: str
    modified: int
    table: Table | None
    made: bool
    held: bytes | None = None
    inode: int = 0
    status_changed: int = 0


@dataclass(frozen=True, slots=True)
class IndexedRow:
    """A row as its file has it: its number over all files from 0; `parsed` says what it holds or why it is bad."""

    number: int
    file: str
    raw: bytes
    parsed: Parsed


class RowIndex:
    """The index of a source, whole or growing. It holds no file open, so whoever builds it is never in the way."""

    def __init__(self, folder: Path) -> None:
        """Looks at the index in a folder, which `build` named.

        Raises:
            StudioError: (data) there is none.
        """
        self.folder = folder
        self._records: NDArray[Any] | None = None
        self._marked_s = -_MARK_S
        self._read_about()

    @classmethod
    def of(cls, name: str, parts: list[Indexed], records: NDArray[Any]) -> "RowIndex":
        """Returns an index without a folder, of rows that are known already: their records, of type `RECORD`."""
        made = cls.__new__(cls)
        made.folder, made.name, made.note, made.parts, made._records = Path(), name, "", parts, records
        return made

    def __len__(self) -> int:
        """Returns the number of rows known so far."""
        if self._records is not None:
            return len(self._records)
        try:
            return (self.folder / "rows").stat().st_size // RECORD.itemsize
        except FileNotFoundError:
            return 0

    @property
    def complete(self) -> bool:
        """Whether every row is known."""
        return self._records is not None or (self.folder / _DONE).exists()

    def spans(self, first: int = 0, last: int | None = None) -> NDArray[Any]:
        """Returns the records, of type `RECORD`, of the rows from `first` to before `last` that are known.

        Raises:
            StudioError: (data) the index is gone.
        """
        if self._records is not None:
            return self._records[first:last]
        if time.monotonic() > self._marked_s + _MARK_S:
            self._marked_s = time.monotonic()
            cache.mark_used(self.folder)
        count = max(0, min(len(self), len(self) if last is None else last) - first)
        if not count:
            return np.zeros(0, dtype=RECORD)
        try:
            return np.fromfile(self.folder / "rows", dtype=RECORD, count=count, offset=first * RECORD.itemsize)
        except FileNotFoundError:
            raise self._gone() from None

    def row(self, number: int) -> IndexedRow:
        """Reads a row.

        Raises:
            IndexError: it is not known, or not yet.
            StudioError: (data) its file has changed since, or the index is gone or damaged.
        """
        return next(self.rows(number, number + 1))

    def rows(self, first: int, last: int) -> Iterator[IndexedRow]:
        """Reads the rows from `first` to before `last`; raises as `row`."""
        if self._records is None and not self.folder.exists():
            raise self._gone()
        if not 0 <= first < last <= len(self):
            raise IndexError(first)
        for number, span in enumerate(self.spans(first, last), start=first):
            if not 0 <= span["part"] < len(self.parts):
                raise cache.damaged(self.name)
            part = self.parts[int(span["part"])]
            with self.open(int(span["part"])) as file:
                file.seek(int(span["start"]))
                raw = file.read(min(int(span["end"] - span["start"]), rows.MAX_ROW_BYTES + 1))
            yield IndexedRow(number, part.name, raw, self.parse(int(span["part"]), raw, int(span["line"])))

    def open(self, part: int) -> BinaryIO:
        """Opens a file that rows lie in.

        Raises:
            StudioError: (data) it is gone, or has changed since it was indexed.
        """
        about = self.parts[part]
        if about.held is not None:
            return BytesIO(about.held)
        try:
            file = open(about.path, "rb")  # noqa: SIM115 - it is the caller's to close
            if about.made or _is_same(about, sources.stamp(os.fstat(file.fileno()))):
                return file
            file.close()
        except OSError as error:
            if about.made and isinstance(error, FileNotFoundError):
                raise self._gone() from None
            raise sources.unreadable(Path(about.path), error) from None
        raise StudioError("data", f"{about.name} was changed since it was read.", "Open it again.")

    def parse(self, part: int, raw: bytes, line: int) -> Parsed:
        """Reads the bytes of a row."""
        about = self.parts[part]
        if about.table is not None:
            return parsing.csv_row(about.table, raw, line)
        if about.made and raw.startswith(_REFUSED):
            return Parsed(line, "", None, raw[1:].decode(), 0)
        return rows.from_json(raw, line)

    def _gone(self) -> StudioError:
        return StudioError("data", f"What was read of {self.name} was removed from the cache.", "Open it again.")

    def _read_about(self) -> None:
        try:
            about = json.loads((self.folder / "about.json").read_text(encoding="utf-8"))
            self.name: str = about["name"]
            self.note: str = about["note"]
            self.parts = [
                Indexed(**item | {"table": Table(**item["table"]) if item["table"] else None})
                for item in about["parts"]
            ]
        except (OSError, ValueError, KeyError, TypeError):
            raise StudioError("data", f"There is no index in {self.folder}.", "Open the data again.") from None


def folder_of(source: Source) -> Path:
    """Returns where the index of a source lies, once it is built."""
    state = cache.digest(json.dumps(source.state()))[:16]
    return paths.cache_dir() / "index" / f"{_place(source)}-{state}"


def build(source: Source, on_progress: Progress | None = None) -> RowIndex:
    """Indexes a source, or opens the index that is there.

    Args:
        source: what `sources.find` found.
        on_progress: told (bytes done, bytes in all) after each chunk, whose rows can then be read; what it raises ends
            the building, and what is there stays readable.

    Raises:
        StudioError: (data) a file cannot be read; (disk) the cache is full.
    """
    folder = folder_of(source)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with cache.lock_of(folder):
            if _is_whole(folder):
                cache.mark_used(folder)
            else:
                # Only here, for whoever has the lock may remove it.
                folder.mkdir(exist_ok=True)
                _start(folder, source)
                _write(folder, source, on_progress)
                cache.note_sizes(folder, folder / _DONE)
                cache.forget_unused(folder)
    except BrokenPipeError:
        raise  # whoever was told of the progress has gone
    except OSError as error:
        raise disk_error(folder, error, hint="Free some space and open it again.") from None
    return RowIndex(folder)


def _is_whole(folder: Path) -> bool:
    try:
        RowIndex(folder)
    except StudioError:
        return False
    return cache.is_whole(folder, folder / _DONE)


def _is_same(known: Indexed, found: Stamp) -> bool:
    """Whether a file is still the one that was indexed, by what is known of both."""
    pairs = ((known.status_changed, found.status_changed), (known.inode, found.inode))
    return known.modified == found.modified and all(one == other or not one for one, other in pairs)


def _place(source: Source) -> str:
    return cache.digest(str(source.path), str(_VERSION))[:24]


def _start(folder: Path, source: Source) -> None:
    """Empties the folder and says in it what is indexed."""
    for stale in folder.parent.glob(f"{_place(source)}-*"):
        if stale != folder:
            cache.forget(stale)
    (folder / _DONE).unlink(missing_ok=True)  # first, so that what is left is never taken for all
    for left in folder.iterdir():
        left.unlink()
    parts = []
    for number, (part, (_, _, seen)) in enumerate(zip(source.parts, source.state(), strict=True)):
        made = part.kind not in _AS_THEY_ARE
        path = folder / f"{number}.jsonl" if made else part.path
        table = parsing.read_table(part) if part.kind in ("CSV", "TSV") else None
        known = Indexed(part.name, str(path), seen.modified, table, made, None, seen.inode, seen.status_changed)
        parts.append(asdict(known))
    about = {"name": source.name, "note": source.note, "parts": parts}
    temporary = folder / "about.part"
    temporary.write_text(json.dumps(about), encoding="utf-8")
    files.replace(temporary, folder / "about.json")


def _write(folder: Path, source: Source, on_progress: Progress | None) -> None:
    sizes = [size for _, size, _ in source.state()]
    index = RowIndex(folder)
    # Buffered, for what is not takes no notice of a write that a full disk cut short.
    with (folder / "rows").open("wb") as file:
        for number, part in enumerate(source.parts):
            known = index.parts[number]
            found = _made(part, Path(known.path)) if known.made else _as_it_is(part, known.table)
            for records, position in found:
                records["part"] = number
                file.write(records.tobytes())
                file.flush()
                if on_progress:
                    on_progress(min(sum(sizes[:number]) + position, sum(sizes)), sum(sizes))
        os.fsync(file.fileno())


def _as_it_is(part: Part, table: Table | None) -> Iterator[tuple[NDArray[Any], int]]:
    for block in parsing.blocks(part, table):
        yield _records(block), block.position


def _records(block: lines.Block) -> NDArray[Any]:
    records = np.zeros(len(block.starts), dtype=RECORD)
    records["start"], records["end"], records["line"] = block.starts, block.ends, block.lines
    return records


def _made(part: Part, target: Path) -> Iterator[tuple[NDArray[Any], int]]:
    """Writes a file of another kind out as JSONL."""
    at = 0
    with target.open("wb", buffering=1 << 20) as file:
        batch: list[tuple[int, int, int, int]] = []
        for row in parsing.read(part):
            raw = row.text.encode() if row.data is not None else _REFUSED + row.reason.encode()
            # A JSON file's own line breaks stand between values alone.
            raw = raw.replace(b"\n", b" ").replace(b"\r", b" ")
            file.write(raw + b"\n")
            batch.append((at, at + len(raw), row.line, 0))
            at += len(raw) + 1
            if len(batch) >= _BATCH:
                file.flush()
                yield np.array(batch, dtype=RECORD), row.position
                batch = []
        file.flush()
        os.fsync(file.fileno())
        yield np.array(batch, dtype=RECORD), 0
