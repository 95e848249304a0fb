"""Rows are put in the order that comparing their values one by one gives."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.data import index, ordering, sources, stretches
from studio.core.data.ordering import order

ROWS: list[dict[str, Any]] = [
    {"x": "b"},
    {"x": 10},
    {"y": 1},
    {"x": 9.5},
    {"x": "A"},
    {"X": "c"},
    {"x": float("nan")},
    {"x": [1]},
    {"x": float("-inf")},
    {"x": None},
]


def built(path: Path, lines: list[str]) -> index.RowIndex:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return index.build(sources.find(path))


def test_numbers_come_before_texts_and_rows_without_the_column_last(tmp_path: Path) -> None:
    known = built(tmp_path / "a.jsonl", [*map(json.dumps, ROWS), "{", '{"x": "\\ud800"}'])
    # NaN is no number here: it stands among the texts.
    assert order(known, "x").tolist() == [8, 3, 1, 7, 4, 0, 5, 6, 11, 2, 9, 10]
    assert order(known, "x", descending=True).tolist() == [11, 6, 5, 0, 4, 7, 1, 3, 8, 2, 9, 10]
    assert order(known, "x", rows=np.array([0, 1, 4])).tolist() == [1, 4, 0]
    assert order(known, "x", rows=np.zeros(0, dtype=np.int64)).tolist() == []


def test_rows_are_put_in_order_by_their_length(tmp_path: Path) -> None:
    known = built(tmp_path / "a.jsonl", [*map(json.dumps, ROWS)])
    lengths = [len(json.dumps(row)) for row in ROWS]
    assert [lengths[number] for number in order(known, "length")] == sorted(lengths)
    assert [lengths[number] for number in order(known, "length", True)] == sorted(lengths, reverse=True)


def test_cells_of_a_table_are_texts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('x,y\n10,b\n9,"a\nb"\n,c\n', encoding="utf-8")
    known = index.build(sources.find(tmp_path / "a.csv"))
    assert order(known, "x").tolist() == [2, 0, 1]
    assert order(known, "y").tolist() == [1, 0, 2]


LETTERS = st.text(alphabet='aAbBßé你😀"\\\n\x00 ', max_size=4)
SIMPLE = LETTERS | st.integers() | st.floats() | st.booleans() | st.none()
VALUES = SIMPLE | st.lists(LETTERS | st.integers(-9, 9), max_size=3) | st.dictionaries(LETTERS, LETTERS, max_size=2)


def plainly(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float) and value == value:
        return 0, float(min(max(value, -1e300), 1e300)), ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return 1, 0.0, text.casefold()


@settings(max_examples=100)
@given(
    values=st.lists(st.tuples(VALUES, st.sampled_from(["x", "X", "y"])), min_size=1, max_size=12),
    chosen=st.sets(st.integers(0, 11)),
    descending=st.booleans(),
    ascii_only=st.booleans(),
    chunk=st.sampled_from([1, 60, 1000]),
)
def test_rows_are_in_the_order_of_what_they_hold(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[tuple[Any, str]],
    chosen: set[int],
    descending: bool,
    ascii_only: bool,
    chunk: int,
) -> None:
    lines = [json.dumps({"z": "x", name: value}, ensure_ascii=ascii_only) for value, name in values]
    known = built(tmp_path_factory.mktemp("rows") / "a.jsonl", lines)
    rows = sorted(number for number in chosen if number < len(values))
    have = [number for number in rows if values[number][0] is not None and values[number][1] != "y"]
    wanted = sorted(have, key=lambda number: plainly(values[number][0]), reverse=descending)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "_CHUNK", chunk)
        found = order(known, "x", descending, np.array(rows, dtype=np.int64))
    assert found.tolist() == [*wanted, *(number for number in rows if number not in have)]


def test_long_texts_are_compared_by_their_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "_COMPARED", 3)
    texts = ["你你你b", "你你你a", "你你a", ["你b"], ["你a"]]
    known = built(tmp_path / "a.jsonl", [json.dumps({"x": text}) for text in texts])
    assert order(known, "x").tolist() == [3, 4, 2, 0, 1]
