"""The bytes of many rows of an index at once, for those who look through all of them."""

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from studio.core.data.index import RowIndex
from studio.core.data.rows import MAX_ROW_BYTES

_CHUNK = 1 << 20
_BREAK = 2  # bytes of the longest line break: what is more holds other rows
# Where rows have less than one byte in so many of what lies between the first and the last, each is read by itself.
_SPARSE = 4

Rows = NDArray[np.int64]


class Stretch(NamedTuple):
    """Rows of one file, end to end with line breaks between them.

    Attributes:
        data: their bytes; of a row that is too long only a part, and it is bad.
        numbers: their numbers; (rows,).
        starts, ends: where each lies in `data`, rising; int64, (rows,).
        lines: the line of each; (rows,).
        part: which of the index's files it is.
    """

    data: bytes
    numbers: Rows
    starts: Rows
    ends: Rows
    lines: NDArray[np.int32]
    part: int


def blocks(index: RowIndex, spans: NDArray[Any], numbers: Rows) -> Iterator[list[Stretch]]:
    """Reads rows in the order of their numbers, about a megabyte of them at once.

    Args:
        index: where they are.
        spans: its records, of all rows.
        numbers: which rows, rising.

    Yields:
        The next rows, those of each file in a stretch; within it they are in the order in which they lie there.

    Raises:
        StudioError: (data) a file is gone, or has changed.
    """
    total = np.cumsum(_sizes(spans)[numbers] + 1)
    at = 0
    while at < len(numbers):
        read = total[at - 1] if at else 0
        stop = max(at + 1, int(np.searchsorted(total, read + _CHUNK, side="right")))
        some = numbers[at:stop]
        parts = spans["part"][some]
        yield [_read(index, part, spans, some[parts == part]) for part in np.unique(parts).tolist()]
        at = stop


def only(stretch: Stretch, places: Rows) -> Stretch:
    """Returns some rows of a stretch as a stretch of their own."""
    spans = zip(stretch.starts[places].tolist(), stretch.ends[places].tolist(), strict=True)
    raw = [stretch.data[start:end] for start, end in spans]
    ends = np.cumsum([len(text) + 1 for text in raw]) - 1
    starts = np.append(0, ends[:-1] + 1)
    return Stretch(b"\n".join(raw), stretch.numbers[places], starts, ends, stretch.lines[places], stretch.part)


def parsed(index: RowIndex, stretch: Stretch, places: Rows) -> Iterator[dict[str, Any] | None]:
    """Yields the columns of some rows of a stretch; None for one that cannot be read."""
    lined = index.parts[stretch.part].table is None
    spans = zip(stretch.starts[places].tolist(), stretch.ends[places].tolist(), places.tolist(), strict=True)
    for start, end, place in spans:
        raw = stretch.data[start:end]
        try:
            data = orjson.loads(raw) if lined and end - start <= MAX_ROW_BYTES else None
        except orjson.JSONDecodeError:
            data = None  # it may still be a row that json can read
        if data is None:
            data = index.parse(stretch.part, raw, int(stretch.lines[place])).data
        yield data if isinstance(data, dict) else None


def _sizes(rows: NDArray[Any]) -> Rows:
    """Returns how many bytes of each row are read."""
    return np.asarray(np.minimum(rows["end"] - rows["start"], MAX_ROW_BYTES + 1))


def _read(index: RowIndex, part: int, spans: NDArray[Any], numbers: Rows) -> Stretch:
    numbers = numbers[np.argsort(spans["start"][numbers], kind="stable")]
    rows = spans[numbers]
    sizes = _sizes(rows)
    between = rows["start"][1:] - rows["end"][:-1]
    whole = sizes == rows["end"] - rows["start"]
    together = (between >= 1) & (between <= _BREAK) & whole[1:] & whole[:-1]
    first = np.flatnonzero(np.append(True, ~together))
    last = np.append(first[1:], len(rows)) - 1
    begins = rows["start"][first]
    ends = rows["start"][last] + sizes[last]
    with index.open(part) as file:
        raw = _pieces(file, begins, ends)
    shift = np.repeat(np.cumsum(np.append(0, ends - begins + 1))[:-1] - begins, last - first + 1)
    starts = rows["start"] + shift
    return Stretch(b"\n".join(raw), numbers, starts, starts + sizes, rows["line"], part)


def _pieces(file: BinaryIO, begins: Rows, ends: Rows) -> list[bytes]:
    """Reads what lies between; what lies close together at once."""
    begin, end = int(begins[0]), int(ends.max())
    spans = zip(begins.tolist(), ends.tolist(), strict=True)
    if end - begin <= _SPARSE * int((ends - begins).sum()):
        file.seek(begin)
        data = file.read(end - begin)
        return [data] if len(begins) == 1 else [data[start - begin : stop - begin] for start, stop in spans]
    found = []
    for start, stop in spans:
        file.seek(start)
        found.append(file.read(stop - start))
    return found
