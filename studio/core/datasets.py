"""A data file opened as memory-mapped Arrow: its format known, each bad row listed with line and reason.

The file is parsed once, into the cache; it is never written to and never held in memory whole.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from studio import paths
from studio.core import cache, chat, parsing
from studio.core.errors import StudioError, given_path
from studio.core.parsing import Parsed

Progress = Callable[[int, int], None]

_VERSION = 1  # of what is cached: raise it whenever the same file would be understood differently
_HEAD_ROWS = 100
_BATCH_ROWS, _BATCH_BYTES = 4096, 8_000_000
_SCHEMA = pa.schema([("line", pa.int64()), ("number", pa.int64()), ("row", pa.string())])


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used: its number over all rows of the file from 0, its line from 1 (0: no lines), why."""

    row: int
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A usable row: its number over all rows of the file from 0, its line from 1 (0: no lines), its columns."""

    number: int
    line: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The usable rows of a file, read from disk as they are asked for.

    Attributes:
        source: the file.
        format: `messages`, `prompt_completion`, `alpaca` or `text`.
        reason: why it is taken for that format.
        fingerprint: SHA-256 of the format and the file's content.
        rows: all rows of the file, the rejected among them.
        rejected: the rows that cannot be used, in order.
    """

    source: Path
    format: str
    reason: str
    fingerprint: str
    rows: int
    rejected: list[Rejected]
    table: Any = field(repr=False, compare=False)

    def __len__(self) -> int:
        """Returns the number of usable rows."""
        return int(self.table.num_rows)

    def __getitem__(self, index: int) -> Row:
        """Returns a usable row by its place among them, from 0."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        number, line, row = (self.table.column(name)[index].as_py() for name in ("number", "line", "row"))
        return Row(number, line, json.loads(row))

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
        return self[int(np.searchsorted(self.table.column("number").to_numpy(), number))]


def open_dataset(path: str | Path, format: str = "auto", on_progress: Progress | None = None) -> Dataset:
    """Opens a JSONL, JSON, CSV or Parquet file; the second time at once, from the cache.

    Args:
        path: the file.
        format: one of `chat.FORMATS`, or `auto` to detect it from the first rows' columns.
        on_progress: told (bytes read, bytes in all) while the file is parsed.

    Raises:
        StudioError: (data) the file is missing, empty, unreadable or in no known format; (disk) the cache is full.
    """
    source = given_path(path, "data").absolute()
    size, modified = _state(source)
    place = _digest(str(source.resolve()), format, str(_VERSION))[:24]
    folder = paths.cache_dir() / "datasets" / f"{place}-{_digest(str(size), str(modified))[:16]}"

    def make(target: Path) -> None:
        _parse(source, format, target, on_progress)
        if _state(source) != (size, modified):
            raise StudioError("data", f"{source.name} was changed while it was read.", "Open it again.")
        for stale in folder.parent.glob(f"{place}-*"):
            shutil.rmtree(stale, ignore_errors=True)

    return cache.made(folder, lambda target: _opened(target, source), make)


def split(count: int, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draws the rows held back for evaluation, each by a key of (seed, row).

    The keys are those of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), so that no version of a library changes them.

    Returns:
        Row indices for training and for evaluation, int64, both rising; with a share above 0 neither is empty.

    Raises:
        StudioError: (data) there are not enough rows.
    """
    held = min(max(round(count * share), 1), count - 1) if share > 0 else 0
    if count < 1 or (share > 0 and held < 1):
        message = "There is no usable row to train on." if count < 1 else "One row cannot be split in two."
        raise StudioError("data", message, "Add rows, or set data.eval_split to 0.")
    with np.errstate(over="ignore"):
        keys = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        keys = _mixed(keys + _mixed(np.array([seed], dtype=np.uint64)))
    order = np.argsort(keys, kind="stable").astype(np.int64)
    return np.sort(order[held:]), np.sort(order[:held])


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    return keys ^ (keys >> np.uint64(31))


def _state(source: Path) -> tuple[int, int]:
    """Returns size in bytes and time of change in ns of a file that may be read and is not empty."""
    try:
        about = source.stat()
        if source.is_dir():
            raise StudioError("data", f"{source} is a folder.", "Name the data file in it.")
        if not source.is_file():
            raise StudioError("data", f"{source} is not a file.", "Name a data file.")
        if about.st_size == 0:
            raise StudioError("data", f"{source.name} is empty.", "Give a file with at least one row.")
        with source.open("rb"):
            return about.st_size, about.st_mtime_ns
    except FileNotFoundError:
        raise StudioError("data", f"There is no file {source}.", "Check the path.") from None
    except OSError as error:
        raise parsing.unreadable(source, error) from None


def _opened(folder: Path, source: Path) -> Dataset | None:
    """Opens what the cache holds; None where it holds nothing whole."""
    rows = folder / "rows.arrow"
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        # Arrow trusts the lengths in its files: a shortened one would be read past its end.
        if rows.stat().st_size != about.pop("bytes"):
            return None
        table = pa.ipc.open_file(pa.memory_map(str(rows))).read_all()
        rejected = [Rejected(**item) for item in about.pop("rejected")]
        return Dataset(source=source, rejected=rejected, table=table, **about)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _parse(source: Path, format: str, folder: Path, on_progress: Progress | None) -> None:
    rows = parsing.read(source)
    head = list(islice(rows, _HEAD_ROWS))
    if not head:
        raise StudioError("data", f"{source.name} holds no rows.", "Give a file with at least one row.")
    row_format, reason = _detect(head, source) if format == "auto" else (format, "chosen")
    rejected: list[Rejected] = []
    count = 0
    with pa.OSFile(str(folder / "rows.arrow"), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
        batch: list[tuple[int, int, str]] = []
        batch_bytes = 0
        for count, row in enumerate(chain(head, rows), start=1):
            fault = row.reason or _fault(row.data or {}, row_format)
            if fault:
                rejected.append(Rejected(count - 1, row.line, fault))
            else:
                batch.append((row.line, count - 1, row.text))
                batch_bytes += len(row.text)
            if len(batch) >= _BATCH_ROWS or batch_bytes >= _BATCH_BYTES:
                _write(writer, batch)
                batch, batch_bytes = [], 0
            if on_progress and count % 1000 == 0:
                on_progress(row.position, source.stat().st_size)
        _write(writer, batch)
    about = {
        "format": row_format,
        "reason": reason,
        "fingerprint": _fingerprint(source, row_format),
        "rows": count,
        "rejected": [asdict(item) for item in rejected],
        "bytes": (folder / "rows.arrow").stat().st_size,
    }
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _write(writer: Any, batch: list[tuple[int, int, str]]) -> None:
    if batch:
        columns = [pa.array(values, kind.type) for values, kind in zip(zip(*batch, strict=True), _SCHEMA, strict=True)]
        writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))


def _fault(data: dict[str, Any], row_format: str) -> str:
    try:
        chat.to_example(data, row_format)
    except StudioError as error:
        return error.message
    return ""


def _detect(head: list[Parsed], source: Path) -> tuple[str, str]:
    shapes = Counter(found for row in head if row.data is not None and (found := chat.shape(row.data)))
    if shapes:
        (row_format, columns), _ = shapes.most_common(1)[0]
        return row_format, f"the first rows have {columns}"
    good = [row.data for row in head if row.data is not None]
    hint = (
        "Give each row one of: `messages` (a list of {role, content}); `prompt` and `completion`; "
        "`instruction` and `output`; or `text`."
    )
    if not good:
        where = f"line {head[0].line}: " if head[0].line else ""
        message = f"None of the first {len(head)} rows of {source.name} can be read ({where}{head[0].reason})."
        raise StudioError("data", message, hint)
    names = list(dict.fromkeys(chain.from_iterable(good)))
    shown = ", ".join(f"`{name[:40]}`" for name in names[:12]) + (", ..." if len(names) > 12 else "")
    raise StudioError("data", f"{source.name} is in no known format; its columns are {shown or 'none'}.", hint)


def _fingerprint(source: Path, row_format: str) -> str:
    return _digest(row_format, cache.sha256(source))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
