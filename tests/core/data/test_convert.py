"""Any source becomes JSONL or Parquet, whole or not at all; the source stays as it is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from studio.core.data import convert, parsing, sources
from studio.core.data.mapping import Role
from studio.core.errors import StudioError

ROWS: list[dict[str, Any]] = [
    {"a": "x\ny", "n": 1, "tags": ["p"], "mixed": "t"},
    {"a": "ü", "n": 2.5, "tags": [], "mixed": {"k": 1}},
    {"a": None, "late": 12345678901234567890123},
]


def source(folder: Path, rows: list[Any] = ROWS) -> sources.Source:
    path = folder / "a.json"
    path.write_text(json.dumps([*rows, 3], indent=1), encoding="utf-8")
    return sources.find(path)


def test_to_jsonl(tmp_path: Path) -> None:
    target = tmp_path / "b.jsonl"
    done = convert.convert(source(tmp_path), target)
    assert [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()] == ROWS
    assert (done.rows, done.left_out) == (3, 1)
    assert done.first_fault == "a.json, line 22: not an object"


def test_to_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "_BATCH", 1)
    target = tmp_path / "b.parquet"
    told = list[tuple[int, int]]()
    convert.convert(source(tmp_path), target, on_progress=lambda done, total: told.append((done, total)))
    size = (tmp_path / "a.json").stat().st_size
    assert told.count((size, size)) >= 2 * len(ROWS), "a sign of life in each pass over what is written"
    rows = pq.read_table(target).to_pylist()
    assert [row["a"] for row in rows] == ["x\ny", "ü", None]
    assert [row["n"] for row in rows] == [1.0, 2.5, None]
    assert [row["tags"] for row in rows] == [["p"], [], None]
    assert [row["mixed"] for row in rows] == ["t", '{"k": 1}', None]
    assert rows[2]["late"] == "12345678901234567890123"


def test_the_columns_are_mapped(tmp_path: Path) -> None:
    target = tmp_path / "b.jsonl"
    done = convert.convert(source(tmp_path), target, {"text": "{n}: {a}"})
    assert [json.loads(line)["text"] for line in target.read_text(encoding="utf-8").splitlines()] == [
        "1: x\ny",
        "2.5: ü",
    ]
    assert done.left_out == 2


def test_half_a_character_is_written_as_it_came_or_told_of(tmp_path: Path) -> None:
    file = tmp_path / "half.jsonl"
    file.write_text('{"prompt": "ü", "completion": "b", "note": "x \\ud83d"}\n', encoding="utf-8")
    mapped: list[dict[Role, str]] = [{}, {"prompt": "prompt", "completion": "completion"}]
    for columns in mapped:
        convert.convert(sources.find(file), tmp_path / "out.jsonl", columns, overwrite=True)
        written = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
        assert json.loads(written) == {"prompt": "ü", "completion": "b", "note": "x \ud83d"}
    with pytest.raises(StudioError, match="The column `note` holds half of a surrogate pair"):
        convert.convert(sources.find(file), tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_nothing_is_written_over_and_nothing_half(tmp_path: Path) -> None:
    made = source(tmp_path)
    target = tmp_path / "b.jsonl"
    target.write_text("mine")
    for place, said in (
        (target, "already"),
        (tmp_path / "a.csv", "of no kind"),
        (tmp_path / "a.json", "of no kind"),
    ):
        with pytest.raises(StudioError, match=said) as caught:
            convert.convert(made, place)
        assert caught.value.reason == "usage"
    broken = tmp_path / "c.json"
    broken.write_text('[{"a": 1}, nonsense]')
    with pytest.raises(StudioError, match="is not JSON"):
        convert.convert(sources.find(broken), target, overwrite=True)
    assert target.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "b.jsonl", "c.json"}
    same = tmp_path / "same.jsonl"
    same.write_text('{"a": 1}\n')
    with pytest.raises(StudioError, match="is read from"):
        convert.convert(sources.find(same), same, overwrite=True)
    convert.convert(made, target, overwrite=True)
    assert len(target.read_text(encoding="utf-8").splitlines()) == 3


def test_what_a_parquet_cannot_hold_is_never_a_crash(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"n": 2**53 + 1, "meta": {}} for _ in range(2001)] + [{"n": 2.5, "meta": {"a": 1}}]
    convert.convert(source(tmp_path, rows), tmp_path / "b.parquet")
    (part,) = sources.find(tmp_path / "b.parquet").parts
    assert [json.loads(row.text) for row in parsing.read(part)] == rows


def killed(target: Path) -> Path:
    """Has a process die while it writes a file; returns what it left."""
    code = (
        "import os, sys; from pathlib import Path; from studio.core.data.convert import whole\n"
        "with whole(Path(sys.argv[1]), '') as stage: stage.write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    (left,) = (path for path in target.parent.iterdir() if path.name.startswith(f".{target.name}."))
    return left


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be killed so")
def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path, home: Path) -> None:
    made, target = source(tmp_path), tmp_path / "b.jsonl"
    own, other = tmp_path / ".b.jsonl.original", killed(tmp_path / "c.jsonl")
    left = killed(target)
    own.write_text("mine")
    convert.convert(made, target)
    assert not left.exists()
    assert own.read_text() == "mine"
    assert other.exists()
    with convert.whole(target, "") as stage:
        stage.write_text("x")
        with pytest.raises(StudioError, match="Another process is writing") as caught:
            convert.convert(made, target, overwrite=True)
        assert caught.value.reason == "busy"
        assert stage.exists(), "it is not taken for what was left"
    assert target.read_text() == "x"
