"""Where the rows of a text file begin and end, found in chunks at the speed of memory.

JSONL has a row a line; in CSV a line break within quotes belongs to its row. A line ends with LF, CRLF or CR.
"""

import codecs
import csv
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.core.data.rows import MAX_ROW_BYTES

# The first chunk is small, so that the first rows are there at once.
_FIRST, _CHUNK = 1 << 18, 1 << 23
# What is held of a row that does not end; behind it the row is passed over.
MAX_HELD = 16_000_000
_LF, _CR, _QUOTE = 10, 13, 34
_BLANK = np.isin(np.arange(256), [9, 10, 11, 12, 13, 32])

Ints = NDArray[np.int64]


class Block(NamedTuple):
    """Some rows on end of a file.

    Attributes:
        data: a part of the file, in which all of these rows lie but those longer than `MAX_HELD`.
        at: where in the file it begins.
        starts, ends: where in the file each row begins, and where it ends without its line break; int64, rows.
        lines: the line each begins in, from 1; int64, rows.
        position: bytes of the file that are done with.
    """

    data: bytes
    at: int
    starts: Ints
    ends: Ints
    lines: Ints
    position: int

    def texts(self) -> Iterator[tuple[bytes, int]]:
        """Yields each row's bytes and line; of a row that is too long only a beginning that is too long as well."""
        spans = zip(self.starts.tolist(), self.ends.tolist(), self.lines.tolist(), strict=True)
        for start, end, line in spans:
            if end - start > MAX_ROW_BYTES:
                yield b" " * (MAX_ROW_BYTES + 1), line
            else:
                yield self.data[start - self.at : end - self.at], line


def blocks(file: BinaryIO, delimiter: str = "", line: int = 1) -> Iterator[Block]:
    """Yields the rows of a file that is open at its first row.

    Args:
        file: what to read from, buffered or not.
        delimiter: what stands between the fields of CSV, one ASCII character; empty: each line is a row.
        line: the line it is open at, from 1.
    """
    at = file.tell()
    held, size, skipping = b"", _FIRST, False
    skipped_from = 0
    while True:
        read = file.read(size)
        size = _CHUNK
        data = held + read
        if skipping:
            # The row began long ago: all up to the next line break is part of it.
            found = _first_end(data, not read)
            if found < 0 and read:
                at, held = at + len(data), b""
                continue
            end = at + found if found >= 0 else at + len(data)
            cut = data[found + 1 :] if found >= 0 else b""
            yield Block(b"", at, _one(skipped_from), _one(end), _one(line), end)
            at, line, data, skipping = end + 1, line + 1, cut, False
        ends = line_ends(data, last=not read)
        rows = _row_ends(data, ends, delimiter, last=not read) if delimiter else np.arange(len(ends))
        block = _block(data, at, line, ends, rows, bool(delimiter))
        if len(block.starts):
            yield block
        if not read:
            return
        done = int(ends[rows[-1]]) + 1 if len(rows) else 0
        line += int(rows[-1]) + 1 if len(rows) else 0
        at, held = at + done, data[done:]
        if len(held) > MAX_HELD:
            skipping, skipped_from = True, at
            line += len(line_ends(held, last=False))
            at, held = at + len(held), b""


def _first_end(data: bytes, last: bool) -> int:
    ends = line_ends(data, last)
    return int(ends[0]) if len(ends) and int(ends[0]) < len(data) else -1


def after_mark(file: BinaryIO) -> BinaryIO:
    """Returns `file`, moved to behind the byte order mark that it may begin with."""
    file.seek(3 if file.read(3) == codecs.BOM_UTF8 else 0)
    return file


def line_ends(data: bytes, last: bool) -> Ints:
    """Returns where lines end; with `last` the last one ends with the data, and a final CR is no half of a CRLF."""
    array = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(array == _LF)
    if b"\r" in data:
        returns = np.flatnonzero(array == _CR)
        # A line feed may follow in what is not read yet.
        known = returns if last else returns[returns + 1 < len(array)]
        follow = np.append(array, np.uint8(0))[known + 1]
        ends = np.sort(np.concatenate([ends, known[follow != _LF]]))
    if last and len(array) and (not len(ends) or ends[-1] != len(array) - 1):
        ends = np.append(ends, len(array))
    return ends.astype(np.int64)


def _row_ends(data: bytes, ends: Ints, delimiter: str, last: bool) -> Ints:
    """Returns which of the line ends end a row of CSV; `data` begins with a row."""
    if b'"' not in data:
        return np.arange(len(ends))
    array = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(array == _QUOTE)
    if not _regular(array, quotes, ord(delimiter)):
        return _read_row_ends(data, ends, delimiter, last)
    # Behind an odd number of quotes one is open.
    outside = np.searchsorted(quotes, ends) % 2 == 0
    found = np.flatnonzero(outside)
    rest = len(data) - (int(ends[found[-1]]) + 1 if len(found) else 0)
    if (rest > MAX_ROW_BYTES and len(ends)) or (last and len(ends) and not outside[-1]):
        # A quote is open that may never be closed: only the reader knows where a row that is refused ends.
        return _read_row_ends(data, ends, delimiter, last)
    return found


def _regular(array: NDArray[np.uint8], quotes: Ints, delimiter: int) -> bool:
    """Whether each quote stands at the beginning or the end of a field, or is doubled within one."""
    padded = np.concatenate([[_LF], array, [_LF]]).astype(np.uint8, copy=False)
    edge = np.zeros(256, dtype=bool)
    edge[[_LF, _CR, delimiter, _QUOTE]] = True
    return bool(edge[padded[quotes[::2]]].all() and edge[padded[quotes[1::2] + 2]].all())


def _read_row_ends(data: bytes, ends: Ints, delimiter: str, last: bool) -> Ints:
    """As `_row_ends`, by Python's own reader of CSV, which takes any quote as it comes."""
    csv.field_size_limit(MAX_ROW_BYTES)
    mark = "\1\n"
    bounds = [0, *(int(end) + 1 for end in ends)]
    text = data.decode("latin-1")
    lines = [text[a:b] for a, b in pairwise(bounds)]
    # A line of our own behind the last one shows whether a quote was open there.
    reader = csv.reader([*lines, *([] if last else [mark])], delimiter=delimiter)
    found: list[int] = []
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            cells = [""]
        if cells is None or reader.line_num > len(lines):
            return np.asarray(found, dtype=np.int64)
        found.append(reader.line_num - 1)


def _block(data: bytes, at: int, line: int, ends: Ints, rows: Ints, keep_spaces: bool) -> Block:
    stops = ends[rows]
    starts = np.concatenate([[0], stops[:-1] + 1]).astype(np.int64) if len(stops) else stops
    lines = np.concatenate([[0], rows[:-1] + 1]).astype(np.int64) if len(rows) else rows
    whole = _not_blank(data, starts, stops, keep_spaces)
    position = at + (int(stops[-1]) + 1 if len(stops) else 0)
    return Block(data, at, starts[whole] + at, stops[whole] + at, lines[whole] + line, position)


def _not_blank(data: bytes, starts: Ints, stops: Ints, keep_spaces: bool) -> NDArray[np.bool_]:
    """Returns which rows hold anything; spaces count in CSV, where they are a cell."""
    if not len(starts):
        return np.zeros(0, dtype=np.bool_)
    array = np.frombuffer(data, dtype=np.uint8)
    first = array[np.minimum(starts, len(array) - 1)]
    whole = (stops > starts) & ~_BLANK[first]
    for index in np.flatnonzero((stops > starts) & _BLANK[first]).tolist():
        text = data[starts[index] : stops[index]]
        whole[index] = bool(text.strip(b"\r\n") if keep_spaces else text.strip())
    return np.asarray(whole, dtype=np.bool_)


def _one(value: int) -> Ints:
    return np.asarray([value], dtype=np.int64)
