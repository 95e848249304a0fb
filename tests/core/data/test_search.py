"""What is searched for is found in every row that holds it and in no other, as a slow look at all values says."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.data import index, search, sources
from studio.core.data.search import Query
from studio.core.errors import StudioError


def built(path: Path, rows: list[dict[str, Any]], ascii_only: bool = True) -> index.RowIndex:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), encoding="utf-8")
    return index.build(sources.find(path))


def found(known: index.RowIndex, **query: Any) -> list[int]:
    batches = list(search.search(known, Query(**query)))
    assert batches[-1].done == len(known)
    return [int(number) for batch in batches for number in batch.rows]


ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "Grüße, Welt"}, {"role": "assistant", "content": "Hello\nworld"}]},
    {"messages": [{"role": "system", "content": 'say "role": "tool"'}, {"role": "assistant", "content": "a/b"}]},
    {"messages": [{"from": "human", "value": "nworld \\d"}, {"from": "observation", "value": "12"}], "score": 17},
]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"text": "HELLO"}, [0]),
        ({"text": "grüße"}, [0]),
        ({"text": "GRÜSSE"}, []),
        ({"text": "nworld"}, [2]),
        ({"text": "\nworld"}, [0]),
        ({"text": "content"}, []),
        ({"text": "role"}, [1]),
        ({"text": '"role": "'}, [1]),
        ({"text": ", "}, [0]),
        ({"text": "/"}, [1]),
        ({"text": "\\d"}, [2]),
        ({"text": "17"}, [2]),
        ({"text": "00fc"}, []),
        ({"text": "user"}, [0]),
        ({"text": r"^H.*\nw", "expression": True}, [0]),
        ({"text": r"^\d+$", "expression": True}, [2]),
        ({"text": r"[Ww]el?t?", "expression": True}, [0]),
        ({"text": r"worlds?\b", "expression": True}, [0, 2]),
        ({"role": "tool"}, [2]),
        ({"role": "user"}, [0, 2]),
        ({"role": "assistant"}, [0, 1]),
        ({"role": "assistant", "text": "world"}, [0]),
        ({"rows": np.array([1, 2])}, [1, 2]),
        ({"rows": np.array([1, 99]), "text": "l"}, [1]),
        ({"file": "A.JS"}, [0, 1, 2]),
        ({"file": "other"}, []),
        ({}, [0, 1, 2]),
    ],
)
def test_rows_are_found_by_what_they_say(
    tmp_path: Path, ascii_only: bool, query: dict[str, Any], wanted: list[int]
) -> None:
    assert found(built(tmp_path / "a.jsonl", ROWS, ascii_only), **query) == wanted


@settings(max_examples=150)
@given(
    texts=st.lists(st.text(alphabet='abBtextuü0"\\/,:; \n{', max_size=10), min_size=1, max_size=6),
    wanted=st.text(alphabet='abtexuü0"\\/,:\n{', min_size=1, max_size=3),
    ending=st.sampled_from([".jsonl", ".csv"]),
)
def test_a_text_is_found_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], wanted: str, ending: str
) -> None:
    known = built(tmp_path_factory.mktemp("rows") / f"a{ending}", [{"text": text, "x": "y"} for text in texts])
    assert found(known, text=wanted) == [at for at, text in enumerate(texts) if wanted.casefold() in text.casefold()]


def test_lengths_files_and_many_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_CHUNK", 100)
    for name in ("a", "b"):
        rows = [{"text": f"{name}{number}" * (number + 1)} for number in range(20)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    known = index.build(sources.find(tmp_path))
    assert found(known, text="b19") == [39]
    assert found(known, file="b.", text="1") == [21, *range(30, 40)]
    assert found(known, min_bytes=60) == [number for number in range(40) if len(known.row(number).raw) >= 60]
    assert found(known, max_bytes=20) == [number for number in range(40) if len(known.row(number).raw) <= 20]
    batches = list(search.search(known, Query(text="a1")))
    assert len(batches) > 5
    assert [batch.done for batch in batches] == sorted(batch.done for batch in batches)


def test_an_expression_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_ROW_S", 0.05)
    known = built(tmp_path / "a.jsonl", [{"text": "a" * 5000 + "b"}])
    with pytest.raises(StudioError, match="did not come to an end for row 0"):
        found(known, text=r"(a+a+)+$", expression=True)


@pytest.mark.parametrize("text", ["(", "a" * 2000, "(?P<x", "a{99999999999}"])
def test_what_is_no_expression_is_said(tmp_path: Path, text: str) -> None:
    known = built(tmp_path / "a.jsonl", [{"text": "a"}])
    with pytest.raises(StudioError, match="is not a regular expression") as caught:
        found(known, text=text, expression=True)
    assert caught.value.reason == "usage"


def test_rows_are_put_in_order(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"x": "b"},
        {"x": 10},
        {"y": 1},
        {"x": 9.5},
        {"x": "A"},
        {"X": "c"},
        {"x": float("nan")},
        {"x": [1]},
    ]
    known = built(tmp_path / "a.jsonl", rows)
    # NaN is no number here: it stands among the texts.
    assert search.order(known, "x").tolist() == [3, 1, 7, 4, 0, 5, 6, 2]
    assert search.order(known, "x", descending=True)[-1] == 2
    assert search.order(known, "x", rows=np.array([0, 1, 4])).tolist() == [1, 4, 0]
    lengths = [len(json.dumps(row)) for row in rows]
    assert [lengths[number] for number in search.order(known, "length")] == sorted(lengths)
    assert [lengths[number] for number in search.order(known, "length", True)] == sorted(lengths, reverse=True)
