"""Data files opened as memory-mapped Arrow: their format known, each bad row listed with file, line and reason.

They are parsed once, into the cache; they are never written to and never held in memory whole.
"""

import json
import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from studio import paths
from studio.core import cache
from studio.core.data import mapping, parsing, prose, shapes, sources
from studio.core.data.mapping import Role
from studio.core.data.rows import TOO_LARGE, TOO_LARGE_IN_UTF8, Parsed
from studio.core.data.shapes import Guess
from studio.core.data.sources import Source
from studio.core.errors import StudioError, given_path

Progress = Callable[[int, int], None]

_VERSION = 8  # of what is cached: raise it whenever the same file would be understood differently
_HEAD_ROWS = 100
_BATCH_ROWS, _BATCH_BYTES = 4096, 8_000_000
_SCHEMA = pa.schema([("line", pa.int64()), ("number", pa.int64()), ("part", pa.int32()), ("row", pa.string())])
_READ = ("number", "line", "part", "row")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used.

    Attributes:
        row: its number over all rows of the source, from 0.
        line: its line in its file, from 1; 0 where the format has no lines.
        reason: why.
        file: the file's name where the source has several; empty where it has one.
    """

    row: int
    line: int
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A usable row: its number over all rows from 0, its line from 1 (0: no lines), its columns; `file` as above."""

    number: int
    line: int
    data: dict[str, Any]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The usable rows of a file or of several, read from disk as they are asked for.

    Attributes:
        source: the file, the folder or the pattern.
        format: one of `chat.FORMATS`.
        reason: why it is taken for that format, and which files were left out.
        fingerprint: SHA-256 of the format, the mapping and the files' content, and of how that is read as rows.
        rows: all rows of the source, the rejected among them.
        rejected: the rows that cannot be used, in order.
        files: the files' names, where there are several.
        second: the next likeliest format; None where nothing speaks for another or the format was chosen.
        kept: the file in the cache that the rows lie in.
    """

    source: Path
    format: str
    reason: str
    fingerprint: str
    rows: int
    rejected: list[Rejected]
    table: Any = field(repr=False, compare=False)
    mapped: Any = field(repr=False, compare=False)
    files: list[str] = field(default_factory=list)
    second: Guess | None = None
    kept: Path = field(default=Path(), repr=False, compare=False)

    def __len__(self) -> int:
        """Returns the number of usable rows."""
        return int(self.table.num_rows)

    def __getitem__(self, index: int) -> Row:
        """Returns a usable row by its place among them, from 0.

        Raises:
            IndexError: there is none.
            StudioError: (data) what the cache holds of it is damaged.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        try:
            number, line, part, row = (self.table.column(name)[index].as_py() for name in _READ)
            return Row(number, line, json.loads(row), self.files[part] if self.files else "")
        except (IndexError, ValueError):
            raise cache.damaged(self.source.name) from None

    def text(self, index: int) -> str:
        """Returns the columns of a usable row as JSON text, by its place among them; the quickest way to one."""
        return str(self.table.column("row")[index].as_py())[:-1]

    def column(self, name: str) -> NDArray[Any]:
        """Returns the `line`, the `number` or the `part` of each usable row; (n,)."""
        # Arrow's own way to an array loads pandas.
        return np.concatenate([np.zeros(0, np.int32), *map(np.from_dlpack, self.table.column(name).chunks)])

    def lines(self, first: int, last: int) -> list[bytes]:
        """Returns the texts of the usable rows from place `first` to before `last`, as they are encoded in `kept`."""
        return [self.mapped[begin:end] for begin, end in self.spans(first, last).tolist()]

    def spans(self, first: int = 0, last: int | None = None) -> NDArray[np.int64]:
        """Returns where the text of each usable row begins and ends in the file `kept`, in bytes; (n, 2)."""
        begin = pa.py_buffer(self.mapped).address
        found = [np.zeros((0, 2), dtype=np.int64)]
        for chunk in self.table.column("row").slice(first, None if last is None else last - first).chunks:
            _, bounds, texts = chunk.buffers()
            places = np.frombuffer(bounds, np.int32)[chunk.offset :][: len(chunk) + 1] + np.int64(texts.address - begin)
            found.append(np.stack([places[:-1], places[1:] - 1], axis=1))
        return np.concatenate(found)

    def release(self) -> None:
        """Gives back the memory that rows took which were read from here and there; they can be read as before."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.mapped.madvise(mmap.MADV_DONTNEED)

    def find(self, number: int) -> Row:
        """Returns the row with this number in the file.

        Raises:
            StudioError: (data) there is no such row, or it was rejected.
        """
        if not 0 <= number < self.rows:
            span = f"rows 0 to {self.rows - 1}" if self.rows else "no rows"
            raise StudioError("data", f"{self.source.name} has no row {number}; it has {span}.", "Rows count from 0.")
        refused = next((item for item in self.rejected if item.row == number), None)
        if refused:
            where = f" (line {refused.line})" if refused.line else ""
            message = f"Row {number}{where} of {self.source.name} was rejected: {refused.reason}."
            raise StudioError("data", message, "Correct the row, or ask for another one.")
        return self[int(np.searchsorted(self.column("number"), number))]


def open_dataset(
    path: str | Path,
    format: str = "auto",
    on_progress: Progress | None = None,
    columns: Mapping[Role, str] | None = None,
) -> Dataset:
    """Opens data files; the second time at once, from the cache.

    Args:
        path: a file of a kind that `sources` knows, a folder, a pattern, an archive, the id of a dataset on the
            hub, or a dataset version, whose rows are numbered in its own order.
        format: one of `chat.FORMATS`, or `auto` to detect it from the first rows' columns.
        on_progress: told (bytes read, bytes in all) while the files are fetched, unpacked and parsed.
        columns: which columns play which part, as `mapping` has it; then the rows have the parts as their columns.

    Raises:
        StudioError: (data) missing, empty, unreadable or in no known format; (disk) the cache is full;
            (network) it cannot be fetched; (config) the mapping makes no row.
    """
    if paths.is_version(path):
        from studio.core.versions import store as versions  # which opens its sources with this function

        return versions.open_version(given_path(path, "data").absolute(), on_progress)
    source = sources.find(path, on_progress)
    columns = dict(columns or {})
    chosen = mapping.format_of(columns) if columns and format == "auto" else format
    state = json.dumps(source.state())
    given = json.dumps([chosen, columns], sort_keys=True)
    place = cache.digest(str(source.path), given, str(_VERSION))[:24]
    folder = paths.cache_dir() / "datasets" / f"{place}-{cache.digest(state)[:16]}"

    def make(target: Path) -> None:
        _parse(source, chosen, columns, target, on_progress)
        if json.dumps(source.state()) != state:
            raise StudioError("data", f"{source.name} was changed while it was read.", "Open it again.")
        for stale in folder.parent.glob(f"{place}-*"):
            if stale != folder:
                cache.forget(stale)

    return cache.made(folder, lambda target: _opened(target, source.path), make)


def _opened(folder: Path, source: Path) -> Dataset | None:
    """Opens what the cache holds; None where it holds nothing whole."""
    rows = folder / "rows.arrow"
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        # Arrow trusts the lengths in its files: a shortened one would be read past its end.
        if rows.stat().st_size != about.pop("bytes"):
            return None
        with rows.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        table = pa.ipc.open_file(pa.py_buffer(mapped)).read_all()
        rejected = [Rejected(**item) for item in about.pop("rejected")]
        second = Guess(**guess) if (guess := about.pop("second")) else None
        return Dataset(source=source, rejected=rejected, table=table, mapped=mapped, second=second, kept=rows, **about)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _parse(
    source: Source, format: str, columns: Mapping[Role, str], folder: Path, on_progress: Progress | None
) -> None:
    rows = _all_rows(source, on_progress)
    head = list(islice(rows, _HEAD_ROWS))
    if not head:
        raise StudioError("data", f"{source.name} holds no rows.", "Give a file with at least one row.")
    chosen = Guess(format, "the columns are mapped" if columns else "chosen")
    row_format, *others = [chosen] if format != "auto" else shapes.detected(source.name, [row for _, row in head])
    several = len(source.parts) > 1
    rejected: list[Rejected] = []
    count = 0
    with pa.OSFile(str(folder / "rows.arrow"), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
        batch: list[tuple[int, int, int, str]] = []
        batch_bytes = 0
        for count, (part, parsed) in enumerate(chain(head, rows), start=1):
            row = mapping.understood(parsed, row_format.format, columns)
            if row.data is None:
                file_name = source.parts[part].name if several else ""
                rejected.append(Rejected(count - 1, row.line, row.reason, file_name))
                continue
            batch.append((row.line, count - 1, part, row.text))
            batch_bytes += len(row.text)
            if len(batch) >= _BATCH_ROWS or batch_bytes >= _BATCH_BYTES:
                _write(writer, batch)
                batch, batch_bytes = [], 0
        _write(writer, batch)
    about = {
        "format": row_format.format,
        "reason": "; ".join(filter(None, [row_format.reason, source.note])),
        "second": asdict(others[0]) if others else None,
        "fingerprint": _fingerprint(source, row_format.format, columns, rejected, on_progress),
        "rows": count,
        "rejected": [asdict(item) for item in rejected],
        "files": [part.name for part in source.parts] if several else [],
        "bytes": (folder / "rows.arrow").stat().st_size,
    }
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _all_rows(source: Source, on_progress: Progress | None) -> Iterator[tuple[int, Parsed]]:
    """Yields all parts' rows, each with its part's number; tells of the progress every so often."""
    sizes = [size for _, size, _ in source.state()]
    done, total = 0, sum(sizes)
    for number, part in enumerate(source.parts):
        for count, row in enumerate(parsing.read(part), start=1):
            yield number, row
            if on_progress and count % 1000 == 0:
                on_progress(min(done + row.position, total), total)
        done += sizes[number]
    if on_progress:
        on_progress(total, total)


def _write(writer: Any, batch: list[tuple[int, int, int, str]]) -> None:
    """Writes rows from buffers of our own: Arrow's way to make arrays of lists loads pandas, and takes longer."""
    if not batch:
        return
    *numbers, texts = zip(*batch, strict=True)
    # Lines, so that the file is searched as the source is.
    encoded = [text.encode() + b"\n" for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    columns = [
        pa.Array.from_buffers(kind.type, len(batch), [None, pa.py_buffer(np.array(values, dtype=dtype))])
        for values, kind, dtype in zip(numbers, _SCHEMA, (np.int64, np.int64, np.int32), strict=False)
    ]
    columns.append(pa.StringArray.from_buffers(len(batch), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))))
    writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))


def _fingerprint(
    source: Source,
    row_format: str,
    columns: Mapping[Role, str],
    rejected: Sequence[Rejected],
    on_progress: Progress | None,
) -> str:
    total = sum(size for _, size, _ in source.state())
    told = partial(on_progress, total, total) if on_progress else None
    contents = [cache.sha256(part.path, told) for part in source.parts]
    names = [part.name for part in source.parts] if len(source.parts) > 1 else []
    mapped = [json.dumps(columns, sort_keys=True)] if columns else []
    return cache.digest(row_format, *mapped, *names, *contents, *_otherwise(source, columns, rejected))


_MEASURED = ("JSONL", "JSON", "Parquet", "Arrow")


def _otherwise(source: Source, columns: Mapping[Role, str], rejected: Sequence[Rejected]) -> list[str]:
    """Tells rows from those that an earlier state of the program read in the same files; empty where they are equal.

    What was made of the others, a version's steps or tokens, would be taken for theirs by the same fingerprint.
    """
    cut = [number for number, part in enumerate(source.parts) if part.kind == "Text" and prose.is_cut(part.path)]
    # Columns of text were not measured at all, and others in letters.
    tables = any(part.kind not in _MEASURED for part in source.parts)
    reasons = {TOO_LARGE_IN_UTF8, TOO_LARGE} if tables else {TOO_LARGE_IN_UTF8}
    large = [item.row for item in rejected if item.reason in reasons]
    return [json.dumps({"cut": cut, "large": large})] if cut or large else []
