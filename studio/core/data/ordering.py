"""The rows of an index in the order of a column."""

import json
from typing import Any

import numpy as np
import orjson

from studio.core.data import shapes, stretches
from studio.core.data.index import RowIndex
from studio.core.data.stretches import Rows

_COMPARED = 200  # so many first signs of a text decide
_GREATEST = 1e300


def order(index: RowIndex, by: str, descending: bool = False, rows: Rows | None = None) -> Rows:
    """Returns rows sorted by a column; rows that lack it come last.

    Args:
        index: where they are.
        by: `length`, in bytes, or a column: numbers come before texts, which are compared without letter case; what
            is neither is compared as its JSON without blanks.
        descending: the greatest first.
        rows: which rows, rising; None: all of them. Equal ones stay in this order.

    Raises:
        StudioError: (data) a file was changed meanwhile.
    """
    spans = index.spans()
    chosen = np.arange(len(spans)) if rows is None else rows
    if by == "length":
        lengths = (spans["end"] - spans["start"])[chosen]
        return np.asarray(chosen[np.argsort(-lengths if descending else lengths, kind="stable")])
    keys: list[Any] = [None] * len(spans)
    for block in stretches.blocks(index, spans, chosen):
        for stretch in block:
            every = stretches.parsed(index, stretch, np.arange(len(stretch.numbers)))
            for number, data in zip(stretch.numbers.tolist(), every, strict=True):
                keys[number] = None if data is None else _key(data, by)
    # Lists of one type alone are sorted far quicker than tuples.
    numbers = [number for number in chosen.tolist() if type(keys[number]) is float]
    texts = [number for number in chosen.tolist() if type(keys[number]) is str]
    unknown = [number for number in chosen.tolist() if keys[number] is None]
    for known in (numbers, texts):
        known.sort(key=keys.__getitem__, reverse=descending)
    found = [*texts, *numbers, *unknown] if descending else [*numbers, *texts, *unknown]
    return np.array(found, dtype=np.int64)


def _key(data: dict[str, Any], by: str) -> float | str | None:
    """Returns what a row is put in order by: a number, a text, or None where it lacks the column."""
    value = data[by] if by in data else shapes.field(data, by)
    if type(value) in (int, float, bool) and value == value:  # NaN equals nothing
        return float(min(max(value, -_GREATEST), _GREATEST))
    if value is None:
        return None
    said: str = value if type(value) is str else _as_json(value)
    return said[:_COMPARED].casefold()


def _as_json(value: Any) -> str:
    """Returns the begin of a value's JSON, as much of it as is compared or more."""
    try:
        return orjson.dumps(value)[: 4 * _COMPARED].decode("utf-8", "ignore")
    except orjson.JSONEncodeError:  # half of a pair of surrogates
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
