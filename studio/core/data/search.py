"""Finding rows of an indexed source by text, expression, role, length, file and status, and putting them in order.

Rows are looked for in their bytes and only those that may fit are parsed, so that a million rows take about as long as
reading them does. What is found comes in batches, in the order of the rows, as soon as it is known.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson
import regex
from numpy.typing import NDArray

from studio.core.data import shapes
from studio.core.data.index import RowIndex
from studio.core.data.rows import MAX_ROW_BYTES
from studio.core.errors import StudioError

_CHUNK = 1 << 22
_MAX_PATTERN = 1000
# An expression that needs this long for one row never ends on purpose.
_ROW_S = 1.0
# How a string of JSON goes on that is a name and not a value.
_AS_NAME = re.compile(rb'[^"\\]*"\s*:')

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; all of what is given must hold.

    Attributes:
        text: stands in one of the row's values, in any letter case; names of columns do not count.
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
        numbers: their numbers; rising.
        starts, ends: where each lies in `data`.
        lines: the line of each.
        part: which of the index's files it is.
    """

    data: bytes
    numbers: Rows
    starts: list[int]
    ends: list[int]
    lines: list[int]
    part: int


# Looks through a stretch; gives the places in it of the rows that fit.
_Filter = Callable[[RowIndex, _Stretch], set[int]]


def search(index: RowIndex, query: Query) -> Iterator[Found]:
    """Yields the rows that fit, in batches; the last one says that all rows known were looked at.

    Raises:
        StudioError: (usage) the expression is none, or takes too long; (data) a file was changed meanwhile.
    """
    filters = _filters(query)
    spans = index.spans()
    numbers = _by_place(index, spans, query)
    if not filters:
        yield Found(numbers, len(spans))
        return
    for stretch in _stretches(index, spans, numbers):
        fitting: set[int] | None = None
        for look in filters:
            found = look(index, stretch)
            fitting = found if fitting is None else fitting & found
            if not fitting:
                break
        places = np.fromiter(sorted(fitting or ()), dtype=np.int64)
        yield Found(stretch.numbers[places], int(stretch.numbers[-1]) + 1)
    yield Found(np.zeros(0, dtype=np.int64), len(spans))


def order(index: RowIndex, by: str, descending: bool = False, rows: Rows | None = None) -> Rows:
    """Returns rows sorted by a column; rows that lack it come last.

    Args:
        index: where they are.
        by: `length`, in bytes, or a column: numbers come before texts, which are compared without letter case.
        descending: the greatest first.
        rows: which rows; None: all of them. Equal ones stay in this order.
    """
    spans = index.spans()
    chosen = np.arange(len(spans)) if rows is None else rows
    if by == "length":
        lengths = (spans["end"] - spans["start"])[chosen]
        return np.asarray(chosen[np.argsort(-lengths if descending else lengths, kind="stable")])
    keys: list[tuple[int, float, str]] = []
    for stretch in _stretches(index, spans, chosen):
        keys += [_key(_parsed(index, stretch, place), by) for place in range(len(stretch.numbers))]
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


def _by_place(index: RowIndex, spans: NDArray[Any], query: Query) -> Rows:
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
    return np.flatnonzero(fits).astype(np.int64)


def _stretches(index: RowIndex, spans: NDArray[Any], numbers: Rows) -> Iterator[_Stretch]:
    """Reads the rows, many that lie close together at once; of a row that is too long only a part, which is bad."""
    starts, ends, parts = spans["start"][numbers], spans["end"][numbers], spans["part"][numbers]
    lines = spans["line"][numbers]
    first = 0
    while first < len(numbers):
        # Within one file and one chunk of it.
        last = int(np.searchsorted(parts, parts[first], side="right")) if _rising(parts) else first + 1
        last = min(last, first + max(1, int(np.searchsorted(starts[first:last], starts[first] + _CHUNK))))
        at, stop = int(starts[first]), int(ends[last - 1])
        with index.open(int(parts[first])) as file:
            file.seek(at)
            data = file.read(min(stop - at, _CHUNK + MAX_ROW_BYTES))
        chosen = slice(first, last)
        places = [(item - at).tolist() for item in (starts[chosen], ends[chosen])]
        yield _Stretch(data, numbers[chosen], places[0], places[1], lines[chosen].tolist(), int(parts[first]))
        first = last


def _rising(parts: NDArray[Any]) -> bool:
    return len(parts) < 2 or bool(parts[0] <= parts[-1])


def _parsed(index: RowIndex, stretch: _Stretch, place: int) -> dict[str, Any] | None:
    raw = stretch.data[stretch.starts[place] : stretch.ends[place]]
    if index.parts[stretch.part].table is None and len(raw) <= MAX_ROW_BYTES:
        try:
            data = orjson.loads(raw)
            return data if isinstance(data, dict) else None
        except orjson.JSONDecodeError:
            pass  # it may still be a row that json can read
    return index.parse(stretch.part, raw, stretch.lines[place]).data


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

    def look(index: RowIndex, stretch: _Stretch) -> set[int]:
        return _places(stretch, (found.start() for found in said.finditer(stretch.data)))

    return look


def _of_expression(text: str) -> _Filter:
    try:
        if len(text) > _MAX_PATTERN:
            raise ValueError(f"it is longer than {_MAX_PATTERN} characters")
        pattern = regex.compile(text)
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise StudioError("usage", f"`{text[:60]}` is not a regular expression: {error}.", "Correct it.") from None
    needle = _literal(text)

    def look(index: RowIndex, stretch: _Stretch) -> set[int]:
        places = range(len(stretch.numbers)) if not needle else [place for place, _ in _hits(stretch, needle, None)]
        found = set()
        for place in places:
            data = _parsed(index, stretch, place)
            try:
                if data is not None and any(pattern.search(value, timeout=_ROW_S) for value in _values(data)):
                    found.add(place)
            except TimeoutError:
                number = stretch.numbers[place]
                message = f"The expression takes too long: it did not come to an end for row {number}."
                raise StudioError("usage", message, "Avoid repetitions within repetitions, as in `(a+)+`.") from None
        return found

    return look


def _literal(text: str) -> bytes:
    """Returns letters and digits, in lower case, that stand in all that a simple expression finds; else nothing."""
    if re.search(r"[|(\[]", text) or not text.isascii():
        return b""
    # An escape, and a sign that a repetition behind it may leave out, stand for themselves in no case.
    plain = re.sub(r"\\(?:x..|u....|U.{8}|[pPN]\{[^}]*\}|[0-9]+|.)|\{[^}]*\}|.[?*{]", "\0", text)
    return max(re.findall("[A-Za-z0-9]+", plain), key=len, default="").lower().encode()


def _of_text(text: str) -> _Filter:
    wanted = text.casefold()
    simple = text.isascii() and "/" not in text
    needles = [form.lower().encode() if simple else b"" for form in (_quoted(text), text.replace('"', '""'))]
    pattern = None if simple else _written(text)
    # Without a letter or digit it may stand between values; a row of CSV is full of delimiters and quotes.
    in_json = simple and re.search(r"\w", text) is not None
    in_csv = simple and re.search(r'[",;\t\r\n]', text) is None

    def holds(index: RowIndex, stretch: _Stretch, place: int) -> bool:
        data = _parsed(index, stretch, place)
        return data is not None and any(wanted in value.casefold() for value in _values(data))

    def look(index: RowIndex, stretch: _Stretch) -> set[int]:
        table = index.parts[stretch.part].table is not None
        found: set[int] = set()
        for place, at in _hits(stretch, needles[table], pattern, names=not table and in_json):
            # What stands behind a backslash may be the rest of an escape.
            sure = in_csv if table else in_json and b"\\" not in stretch.data[max(0, at - 6) : at]
            if (sure and stretch.ends[place] - stretch.starts[place] <= MAX_ROW_BYTES) or holds(index, stretch, place):
                found.add(place)
        return found

    return look


def _hits(
    stretch: _Stretch, needle: bytes, pattern: "re.Pattern[bytes] | None", names: bool = False
) -> Iterator[tuple[int, int]]:
    """Yields each row that holds the bytes, and where; with `names` not in the name of a column or a field."""
    data, ends, starts = stretch.data.lower() if needle else stretch.data, stretch.ends, stretch.starts
    at = 0
    while True:
        if pattern is None:
            at = data.find(needle, at)
        else:
            hit = pattern.search(data, at)
            at = hit.start() if hit else -1
        if at < 0:
            return
        if names and _AS_NAME.match(data, at + len(needle)):
            at += len(needle)
            continue
        place = bisect_left(ends, at + 1)
        if place == len(ends):
            return
        if starts[place] <= at:
            yield place, at
            at = ends[place]
        else:
            at = starts[place]


def _places(stretch: _Stretch, hits: Iterator[int]) -> set[int]:
    """Returns the places of the rows in which something was found, from where it was found."""
    at = np.fromiter(hits, dtype=np.int64)
    places = np.searchsorted(np.asarray(stretch.ends), at, side="right")
    inside = places < len(stretch.ends)
    places, at = places[inside], at[inside]
    return set(places[np.asarray(stretch.starts)[places] <= at].tolist())


def _values(data: Any) -> list[str]:
    """Returns all texts in a row and its numbers as texts; none of its names."""
    found: list[str] = []
    left = [data]
    while left:
        item = left.pop()
        if type(item) is str:
            found.append(item)
        elif type(item) is dict:
            left += item.values()
        elif type(item) is list:
            left += item
        elif item is not None:
            found.append(str(item))
    return found


def _quoted(text: str) -> str:
    return json.dumps(text)[1:-1]


def _written(text: str) -> "re.Pattern[bytes]":
    """Returns what finds `text` in JSON however it is written: as itself or escaped, in either letter case."""
    signs = []
    for sign in text:
        forms = {form for case in (sign, sign.lower(), sign.upper(), sign.casefold()) for form in _forms(case)}
        signs.append(b"(?:" + b"|".join(re.escape(form) for form in sorted(forms, reverse=True)) + b")")
    return re.compile(b"".join(signs))


def _forms(sign: str) -> Iterator[bytes]:
    escaped = _quoted(sign)
    yield from (sign.encode("utf-8", "surrogatepass"), escaped.encode(), escaped.upper().replace("\\U", "\\u").encode())
    if sign == "/":
        yield b"\\/"
