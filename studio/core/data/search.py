"""Finding rows of an indexed source by text, expression, role, length, file and status, and putting them in order.

What many rows say is laid end to end and looked through at once; only rows that are written oddly are read one by
one. What is found comes in batches, in the order of the rows, as soon as it is known.
"""

import json
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from studio.core.data import expressions, shapes, values
from studio.core.data.index import RowIndex
from studio.core.data.rows import MAX_ROW_BYTES
from studio.core.data.values import Laid, Mask

_CHUNK = 1 << 20
_THREADS = 2
# Where fewer than one row in so many may fit they are taken out of the others first.
_SPARSE = 4
_SAMPLE = 1 << 15
_ESCAPED = frozenset('"\\/').union(map(chr, range(32)))

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; all of what is given must hold.

    Attributes:
        text: stands in one of the row's values, in any letter case; names of columns do not count, and numbers are as
            the file writes them. A row that cannot be read may be found by what it seems to say.
        expression: `text` is a regular expression, in which letter case counts.
        role: the row's conversation has a message of this role.
        min_bytes, max_bytes: how long the row is in its file; `max_bytes` 0: no limit.
        file: only rows of files whose name has this in it.
        rows: only these rows, rising; int64.
    """

    text: str = ""
    expression: bool = False
    role: str = ""
    min_bytes: int = 0
    max_bytes: int = 0
    file: str = ""
    rows: Rows | None = None


class Found(NamedTuple):
    """Rows that fit, rising, and how many of the source's rows have been looked at up to here."""

    rows: Rows
    done: int


class _Stretch(NamedTuple):
    """Rows that lie on end of one file.

    Attributes:
        data: their bytes.
        numbers: their numbers; rising, (rows,).
        starts, ends: where each lies in `data`; int64, (rows,).
        lines: the line of each; (rows,).
        part: which of the index's files it is.
    """

    data: bytes
    numbers: Rows
    starts: Rows
    ends: Rows
    lines: NDArray[np.int32]
    part: int


# Tells which of a stretch's rows fit.
_Filter = Callable[[RowIndex, _Stretch], Mask]


def search(index: RowIndex, query: Query) -> Iterator[Found]:
    """Yields the rows that fit, in batches; the last one says that all rows known were looked at.

    Two threads look; most of the work is on whole arrays, which leaves Python's lock free.

    Raises:
        StudioError: (usage) the expression is none, or takes too long; (data) a file was changed meanwhile.
    """
    filters = _filters(query)
    spans = index.spans()
    fits = _by_place(index, spans, query)
    if not filters:
        yield Found(np.flatnonzero(fits), len(spans))
        return

    def look(stretch: _Stretch) -> Found:
        fitting = fits[stretch.numbers]
        for holds in filters:
            if fitting.any():
                fitting = fitting & holds(index, stretch)
        return Found(stretch.numbers[fitting], int(stretch.numbers[-1]) + 1)

    numbers = np.flatnonzero(fits)
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future[Found]] = deque()
        for stretch in _stretches(index, spans, numbers):
            waiting.append(pool.submit(look, stretch))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        for done in waiting:
            yield done.result()
    yield Found(np.zeros(0, dtype=np.int64), len(spans))


def order(index: RowIndex, by: str, descending: bool = False, rows: Rows | None = None) -> Rows:
    """Returns rows sorted by a column; rows that lack it come last.

    Args:
        index: where they are.
        by: `length`, in bytes, or a column: numbers come before texts, which are compared without letter case.
        descending: the greatest first.
        rows: which rows, rising; None: all of them. Equal ones stay in this order.
    """
    spans = index.spans()
    chosen = np.arange(len(spans)) if rows is None else rows
    if by == "length":
        lengths = (spans["end"] - spans["start"])[chosen]
        return np.asarray(chosen[np.argsort(-lengths if descending else lengths, kind="stable")])
    keys: list[tuple[int, float, str]] = []
    wanted = np.zeros(len(spans), dtype=np.bool_)
    wanted[chosen] = True
    for stretch in _stretches(index, spans, chosen):
        places = np.flatnonzero(wanted[stretch.numbers])
        keys += [_key(_parsed(index, stretch, place), by) for place in places.tolist()]
    known = [place for place, key in enumerate(keys) if key[0] < 2]
    unknown = [place for place, key in enumerate(keys) if key[0] == 2]
    known.sort(key=keys.__getitem__, reverse=descending)
    return np.asarray(chosen[np.asarray(known + unknown, dtype=np.int64)])


def _key(data: dict[str, Any] | None, by: str) -> tuple[int, float, str]:
    value = shapes.field(data, by) if data is not None and by not in data else (data or {}).get(by)
    if isinstance(value, bool | int | float) and value == value:  # NaN equals nothing
        return 0, float(value) if abs(value) < 1e300 else 1e300, ""
    if value is None:
        return 2, 0.0, ""
    return 1, 0.0, (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:200].casefold()


def _by_place(index: RowIndex, spans: NDArray[Any], query: Query) -> Mask:
    """Returns the rows that fit by what the index alone says of them."""
    fits = np.ones(len(spans), dtype=np.bool_)
    lengths = spans["end"] - spans["start"]
    fits &= lengths >= query.min_bytes
    if query.max_bytes:
        fits &= lengths <= query.max_bytes
    if query.file:
        named = [number for number, part in enumerate(index.parts) if query.file.casefold() in part.name.casefold()]
        fits &= np.isin(spans["part"], named)
    if query.rows is not None:
        chosen = np.zeros(len(spans), dtype=np.bool_)
        chosen[query.rows[query.rows < len(spans)]] = True
        fits &= chosen
    return fits


def _stretches(index: RowIndex, spans: NDArray[Any], numbers: Rows) -> Iterator[_Stretch]:
    """Reads the rows, which rise, and those between them, many that lie close together at once.

    Of a row that is too long only a part is read; it is bad.
    """
    starts, parts = spans["start"][numbers], spans["part"][numbers]
    at = 0
    while at < len(numbers):
        # Within one file and one chunk of it.
        stop = int(np.searchsorted(parts, parts[at], side="right"))
        stop = min(stop, at + max(1, int(np.searchsorted(starts[at:stop], starts[at] + _CHUNK))))
        rows = spans[numbers[at] : numbers[stop - 1] + 1]
        begin, end = int(rows["start"][0]), int(rows["end"][-1])
        with index.open(int(parts[at])) as file:
            file.seek(begin)
            data = file.read(min(end - begin, _CHUNK + MAX_ROW_BYTES))
        every = np.arange(numbers[at], numbers[stop - 1] + 1)
        yield _Stretch(data, every, rows["start"] - begin, rows["end"] - begin, rows["line"], int(parts[at]))
        at = stop


def _only(stretch: _Stretch, places: Rows) -> _Stretch:
    """Returns some rows of a stretch laid end to end."""
    raw = [stretch.data[start:end] for start, end in zip(stretch.starts[places], stretch.ends[places], strict=True)]
    ends = np.cumsum([len(text) + 1 for text in raw]) - 1
    starts = np.append(0, ends[:-1] + 1)
    return _Stretch(b"\n".join(raw), stretch.numbers[places], starts, ends, stretch.lines[places], stretch.part)


def _narrowed(look: _Filter, needle: bytes, otherwise: Callable[[bytes], bool]) -> _Filter:
    """Returns a filter that looks only at rows with some bytes, in any letter case of ASCII.

    Args:
        look: the filter.
        needle: the bytes, in lower case; empty: it looks at all rows.
        otherwise: whether rows in this data may hold in another way what these bytes stand for.
    """

    def narrowed(index: RowIndex, stretch: _Stretch) -> Mask:
        lower = stretch.data.lower() if needle else b""
        if not needle or otherwise(stretch.data):
            return look(index, stretch)
        if needle not in lower:
            return np.zeros(len(stretch.starts), dtype=np.bool_)
        if lower.count(needle, 0, _SAMPLE) * _SPARSE > np.searchsorted(stretch.ends, _SAMPLE):
            return look(index, stretch)
        fits = values.spans_with(lower, needle, stretch.starts, stretch.ends)
        places = np.flatnonzero(fits)
        if len(places) * _SPARSE > len(fits):
            return look(index, stretch)
        if len(places):
            fits[places] = look(index, _only(stretch, places))
        return fits

    return narrowed


def _parsed(index: RowIndex, stretch: _Stretch, place: int) -> dict[str, Any] | None:
    raw = stretch.data[stretch.starts[place] : stretch.ends[place]]
    if index.parts[stretch.part].table is None and len(raw) <= MAX_ROW_BYTES:
        try:
            data = orjson.loads(raw)
            return data if isinstance(data, dict) else None
        except orjson.JSONDecodeError:
            pass  # it may still be a row that json can read
    return index.parse(stretch.part, raw, int(stretch.lines[place])).data


def _texts(index: RowIndex, stretch: _Stretch, place: int) -> list[str]:
    """Returns all values of a row as texts; numbers as the file writes them."""
    data = _parsed(index, stretch, place)
    found = [] if data is None else _values(data)
    if any(type(item) is float for item in found):
        raw = stretch.data[stretch.starts[place] : stretch.ends[place]]
        found = _values(json.loads(raw, parse_int=str, parse_float=str, parse_constant=str))
    return [item if type(item) is str else json.dumps(item) for item in found]


def _values(data: Any) -> list[Any]:
    found: list[Any] = []
    left = [data]
    while left:
        item = left.pop()
        if type(item) is dict:
            left += item.values()
        elif type(item) is list:
            left += item
        elif item is not None:
            found.append(item)
    return found


def _laid(index: RowIndex, stretch: _Stretch) -> Laid:
    table = index.parts[stretch.part].table
    if table is None:
        return values.from_json(stretch.data, stretch.starts, stretch.ends)
    return values.from_csv(stretch.data, stretch.starts, stretch.ends, table.delimiter)


def _filters(query: Query) -> list[_Filter]:
    filters: list[_Filter] = []
    if query.role:
        filters.append(_of_role(query.role))
    if query.text and query.expression:
        filters.append(_of_expression(query.text))
    elif query.text:
        filters.append(_of_text(query.text))
    return filters


def _of_role(role: str) -> _Filter:
    names = [re.escape(name) for name, meaning in shapes.SPEAKERS.items() if meaning == role] or [re.escape(role)]
    # No text within a row can look like this: there the quotes are escaped. In CSV all of them are doubled.
    said = re.compile(rb'"(?:role|from)""?\s*:\s*""?(?:' + "|".join(names).encode() + rb')"', re.IGNORECASE)

    def look(_index: RowIndex, stretch: _Stretch) -> Mask:
        fits = np.zeros(len(stretch.starts), dtype=np.bool_)
        at = np.fromiter((found.start() for found in said.finditer(stretch.data)), dtype=np.int64)
        fits[np.searchsorted(stretch.ends, at, side="right")] = True
        return fits

    return look


def _of_expression(text: str) -> _Filter:
    expression = expressions.Expression(text)

    def look(index: RowIndex, stretch: _Stretch) -> Mask:
        laid = _laid(index, stretch)
        fits, unsure = expression.look(laid.text, len(stretch.starts))
        for place in np.flatnonzero(laid.odd | unsure).tolist():
            fits[place] = expression.holds(_texts(index, stretch, place), int(stretch.numbers[place]))
        return fits

    return _narrowed(look, expression.literal, lambda data: b"\\" in data and b"\\u00" in data)


def _of_text(text: str) -> _Filter:
    wanted = text.casefold()
    needle = wanted.encode("utf-8", "surrogatepass")
    # Signs beyond ASCII that mean some of what is wanted: without letter case a sharp s is two of s.
    # None of ASCII is what a sign behind the ligatures becomes.
    cased = [
        sign
        for sign in map(chr, range(128, 0xFB10 if wanted.isascii() else sys.maxunicode + 1))
        if sign.casefold() != sign
    ]
    others = [sign for sign in text + wanted if not sign.isascii()]
    others += [sign for sign in cased if not set(sign.casefold()).isdisjoint(wanted)]
    # Of a sign that JSON writes as a pair, the first half.
    halves = [sign.encode("utf-16-be", "surrogatepass").hex()[:4] for sign in others]
    coded = "|".join(form for half in halves for form in (half, half.upper()))
    escapes = re.compile(rf"\\u(?:00[2-7]{'|' if coded else ''}{coded})".encode())
    signs = [sign.encode("utf-8", "surrogatepass") for sign in others]

    def folded(said: bytes) -> bytes:
        if wanted.isascii() and not (signs and not said.isascii() and any(sign in said for sign in signs)):
            return said.lower()
        return said.decode("utf-8", "replace").casefold().encode()

    def otherwise(data: bytes) -> bool:
        if b"\\" in data and b"\\u" in data and escapes.search(data):
            return True
        return not data.isascii() and any(sign in data for sign in signs)

    def look(index: RowIndex, stretch: _Stretch) -> Mask:
        if not wanted.isascii() and not otherwise(stretch.data):
            return np.zeros(len(stretch.starts), dtype=np.bool_)
        laid = _laid(index, stretch)
        fits = values.rows_with(folded(laid.text), needle)
        for place in np.flatnonzero(laid.odd).tolist():
            fits[place] = any(wanted in said.casefold() for said in _texts(index, stretch, place))
        return fits

    as_it_is = wanted.isascii() and not _ESCAPED & set(wanted)
    return _narrowed(look, needle if as_it_is else b"", otherwise)
