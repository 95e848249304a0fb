"""Many rows are read at once, wherever and in whichever order they lie."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.data import index, sources, stretches


@settings(max_examples=80)
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    split=st.integers(0, 12),
    order=st.permutations(range(12)),
    chosen=st.sets(st.integers(0, 11)),
    line_break=st.sampled_from(["\n", "\r\n", "\n\n\n"]),
    chunk=st.sampled_from([1, 50, 10_000]),
    sparse=st.sampled_from([1, 4]),
)
def test_every_row_is_read_once_and_as_it_is(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    split: int,
    order: list[int],
    chosen: set[int],
    line_break: str,
    chunk: int,
    sparse: int,
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = [json.dumps({"x": "é" * size, "n": number}) for number, size in enumerate(sizes)]
    for name, some in (("a", rows[:split]), ("b", rows[split:])):
        if some:
            text = "".join(row + line_break for row in some)
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8", newline="")
    known = index.build(sources.find(folder))
    # The records of a version lie in any order, some of them twice.
    spans = known.spans()[[number % len(rows) for number in order]]
    numbers = np.array(sorted(chosen), dtype=np.int64)
    found: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "_CHUNK", chunk)
        patch.setattr(stretches, "_SPARSE", sparse)
        for block in stretches.blocks(known, spans, numbers):
            mine = []
            for stretch in block:
                data = list(stretches.parsed(known, stretch, np.arange(len(stretch.numbers))))
                for number, item in zip(stretch.numbers.tolist(), data, strict=True):
                    assert item == json.loads(rows[order[number] % len(rows)])
                places = np.arange(0, len(data), 2)
                assert (
                    list(stretches.parsed(known, stretches.only(stretch, places), np.arange(len(places)))) == data[::2]
                )
                assert (stretch.lines == spans["line"][stretch.numbers]).all()
                mine += stretch.numbers.tolist()
            found += sorted(mine)
    assert found == numbers.tolist()


def test_of_a_row_that_is_too_long_only_a_part_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "MAX_ROW_BYTES", 20)
    rows = ['{"x": 1}', json.dumps({"x": "a" * 100}), '{"x": 2}']
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    known = index.build(sources.find(tmp_path))
    ((stretch,),) = stretches.blocks(known, known.spans(), np.arange(3))
    assert (stretch.ends - stretch.starts).tolist() == [8, 21, 8]
    assert stretch.data == b"\n".join(row[:21].encode() for row in rows)
