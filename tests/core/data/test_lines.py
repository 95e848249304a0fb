"""Rows are found where Python's own readers find them, however the file is cut into chunks."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio.core.data import lines


def spans(data: bytes, delimiter: str = "") -> list[tuple[bytes, int]]:
    """Returns each row's bytes and line."""
    found = []
    for block in lines.blocks(io.BytesIO(data), delimiter):
        found += [(data[a:b], line) for a, b, line in zip(block.starts, block.ends, block.lines, strict=True)]
        for text, (row, _) in zip(block.texts(), found[-len(block.starts) :], strict=True):
            assert text[0] == row
    return found


@pytest.fixture(params=[1, 3, 16, 1 << 18])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_FIRST", request.param)
    monkeypatch.setattr(lines, "_CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"", []),
        (b"\n\r\n \n\t", []),
        (b"a", [(b"a", 1)]),
        (b"a\nb\r\nc\rd", [(b"a", 1), (b"b\r", 2), (b"c", 3), (b"d", 4)]),
        (b"\n\n a \n\nb\n", [(b" a ", 3), (b"b", 5)]),
    ],
)
def test_lines_end_in_any_way(data: bytes, rows: list[tuple[bytes, int]]) -> None:
    assert spans(data) == rows


@given(data=st.text(alphabet='ab,"\n\r ', max_size=60), size=st.integers(1, 70))
@example(data='a,"b\n', size=5)
@example(data='a"b\nc"d\n"e\nf"\n', size=3)
@example(data='""""\n"",""\n', size=2)
def test_csv_is_cut_where_pythons_reader_cuts_it(data: str, size: int) -> None:
    lines._FIRST, lines._CHUNK, before = size, size, (lines._FIRST, lines._CHUNK)
    try:
        found = [row.decode() for row, _ in spans(data.encode(), ",")]
    finally:
        lines._FIRST, lines._CHUNK = before
    wanted: list[list[str]] = [cells for cells in csv.reader(io.StringIO(data, newline="")) if cells]
    if wanted:
        # Of a quote that is open at the file's end the last line break is no part.
        wanted[-1][-1] = wanted[-1][-1].rstrip("\r\n")
    got = [next(csv.reader([row])) for row in found]
    assert [[*cells[:-1], cells[-1].rstrip("\r\n")] for cells in got[-1:]] == wanted[-1:]
    assert got[:-1] == wanted[:-1]


@given(rows=st.lists(st.lists(st.text(alphabet='ab",;\n\r é', max_size=8), min_size=2, max_size=4), max_size=12))
def test_what_a_program_writes_as_csv_comes_back(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    assert [next(csv.reader([row.decode()])) for row, _ in spans(file.getvalue().encode(), ",")] == rows


@pytest.mark.parametrize("delimiter", ["", ","])
def test_a_row_without_end_is_passed_over(monkeypatch: pytest.MonkeyPatch, delimiter: str) -> None:
    monkeypatch.setattr(lines, "MAX_HELD", 1000)
    monkeypatch.setattr(lines, "_FIRST", 64)
    monkeypatch.setattr(lines, "_CHUNK", 64)
    data = b"first\n" + b"x" * 5000 + b"\nlast\n"
    assert [(row[:5], line) for row, line in whole(data, delimiter)] == [(b"first", 1), (b"xxxxx", 2), (b"last", 3)]


def whole(data: bytes, delimiter: str) -> list[tuple[bytes, int]]:
    found: list[tuple[bytes, int]] = []
    for block in lines.blocks(io.BytesIO(data), delimiter):
        found += [(data[a:b], int(line)) for a, b, line in zip(block.starts, block.ends, block.lines, strict=True)]
    return found


def test_positions_rise_to_the_end() -> None:
    data = b'{"a": 1}\n' * 100_000
    positions: list[Any] = [block.position for block in lines.blocks(io.BytesIO(data))]
    assert positions == sorted(positions)
    assert positions[-1] == len(data)
    assert np.concatenate([block.starts for block in lines.blocks(io.BytesIO(data))]).tolist() == [
        9 * index for index in range(100_000)
    ]
