"""Finding rows of an indexed source by text, expression, role, length, file and status.

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
from numpy.typing import NDArray

from studio.core.data import expressions, shapes, stretches, values
from studio.core.data.index import RowIndex
from studio.core.data.stretches import Rows, Stretch
from studio.core.data.values import Laid, Mask

_THREADS = 2
# Where fewer than one row in so many may fit they are taken out of the others first.
_SPARSE = 4
_SAMPLE = 1 << 15
_ESCAPED = frozenset('"\\/').union(map(chr, range(32)))


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


# Tells which of a stretch's rows fit.
_Filter = Callable[[RowIndex, Stretch], Mask]


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

    def look(block: list[Stretch]) -> Found:
        found = []
        for stretch in block:
            fitting = np.ones(len(stretch.numbers), dtype=np.bool_)
            for holds in filters:
                if fitting.any():
                    fitting = fitting & holds(index, stretch)
            found.append(stretch.numbers[fitting])
        return Found(np.sort(np.concatenate(found)), 1 + max(int(stretch.numbers.max()) for stretch in block))

    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future[Found]] = deque()
        for block in stretches.blocks(index, spans, np.flatnonzero(fits)):
            waiting.append(pool.submit(look, block))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        for done in waiting:
            yield done.result()
    yield Found(np.zeros(0, dtype=np.int64), len(spans))


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


def _narrowed(look: _Filter, needle: bytes, otherwise: Callable[[bytes], bool]) -> _Filter:
    """Returns a filter that looks only at rows with some bytes, in any letter case of ASCII.

    Args:
        look: the filter.
        needle: the bytes, in lower case; empty: it looks at all rows.
        otherwise: whether rows in this data may hold in another way what these bytes stand for.
    """

    def narrowed(index: RowIndex, stretch: Stretch) -> Mask:
        if not needle or otherwise(stretch.data):
            return look(index, stretch)
        sample = stretch.data[:_SAMPLE].lower()
        if sample.count(needle) * _SPARSE > np.searchsorted(stretch.ends, _SAMPLE):
            return look(index, stretch)
        fits = values.spans_with(stretch.data, needle, stretch.starts, stretch.ends, any_case=True)
        places = np.flatnonzero(fits)
        if len(places) * _SPARSE > len(fits):
            return look(index, stretch)
        if len(places):
            fits[places] = look(index, stretches.only(stretch, places))
        return fits

    return narrowed


def _texts(index: RowIndex, stretch: Stretch, place: int) -> list[str]:
    """Returns all values of a row as texts; numbers as the file writes them."""
    data = next(stretches.parsed(index, stretch, np.array([place])))
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


def _laid(index: RowIndex, stretch: Stretch) -> Laid:
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

    def look(_index: RowIndex, stretch: Stretch) -> Mask:
        fits = np.zeros(len(stretch.starts), dtype=np.bool_)
        at = np.fromiter((found.start() for found in said.finditer(stretch.data)), dtype=np.int64)
        fits[np.searchsorted(stretch.ends, at, side="right")] = True
        return fits

    return look


def _of_expression(text: str) -> _Filter:
    expression = expressions.Expression(text)

    def look(index: RowIndex, stretch: Stretch) -> Mask:
        laid = _laid(index, stretch)
        looked = expression.look(laid)
        fits = np.zeros(len(stretch.starts), dtype=np.bool_) if looked is None else looked
        for place in range(len(fits)) if looked is None else np.flatnonzero(laid.odd).tolist():
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

    def otherwise(data: bytes) -> bool:
        if b"\\" in data and b"\\u" in data and escapes.search(data):
            return True
        return not data.isascii() and any(sign in data for sign in signs)

    def look(index: RowIndex, stretch: Stretch) -> Mask:
        if not wanted.isascii() and not otherwise(stretch.data):
            return np.zeros(len(stretch.starts), dtype=np.bool_)
        laid = _laid(index, stretch)
        if wanted.isascii() and (laid.text.isascii() or not any(sign in laid.text for sign in signs)):
            fits = values.rows_with(laid, needle, any_case=True)
        else:
            text = laid.text.decode("utf-8", "replace").casefold().encode()
            fits = values.rows_with(Laid(text, values.stops(text), laid.odd), needle)
        for place in np.flatnonzero(laid.odd).tolist():
            fits[place] = any(wanted in said.casefold() for said in _texts(index, stretch, place))
        return fits

    as_it_is = wanted.isascii() and not _ESCAPED & set(wanted)
    return _narrowed(look, needle if as_it_is else b"", otherwise)
