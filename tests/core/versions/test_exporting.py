"""A version is written whole or not at all, beside a note of what it was made of."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from studio.core import cache
from studio.core.data import parsing, search, sources
from studio.core.data.datasets import open_dataset
from studio.core.errors import StudioError
from studio.core.versions import exporting, indexing, steps
from studio.core.versions import store as versions
from studio.core.versions.exporting import export
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version


@pytest.fixture
def version(tmp_path: Path) -> Version:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("\n".join(json.dumps({"prompt": f"q{i} ü", "completion": "a"}) for i in range(6)), "utf-8")
    second.write_text("\n".join(json.dumps({"text": f"t{i}", "n": [i]}) for i in range(4)), encoding="utf-8")
    made = Version(versions.create("v", [Source(path=str(first)), Source(path=str(second))]))
    edit = steps.Replace(row=1, data={"prompt": "secret", "completion": "a"})
    made.add(steps.Exclude(rows=((0, 0, 0),), why="dull"), edit, steps.Tag(rows=((1, 3, 3),), tag="eval"))
    return made


def rows_of(version: Version) -> list[dict[str, Any]]:
    dataset = open_dataset(version.path)
    return [dataset[index].data for index in range(len(dataset))]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_the_rows_can_be_read_back(version: Version, tmp_path: Path, ending: str) -> None:
    rows = rows_of(version)
    seen: list[tuple[int, int]] = []
    for part, wanted in (("all", rows), ("train", rows[:-1]), ("eval", rows[-1:])):
        out = tmp_path / "out" / f"{part}.{ending}"
        note = export(version.path, out, part, lambda done, total: seen.append((done, total)))  # type: ignore[arg-type]
        if ending == "jsonl":
            found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        else:
            found = [
                {key: value for key, value in row.items() if value is not None}
                for row in pq.read_table(out).to_pylist()
            ]
        assert found == wanted
        assert (note["rows"], note["sha256"]) == (len(wanted), cache.sha256(out))
        assert seen[-1] == (len(wanted), len(wanted))
    assert len(list((tmp_path / "out").iterdir())) == 6


def test_half_a_character_is_kept_in_jsonl_and_fits_into_no_parquet(tmp_path: Path) -> None:
    third = tmp_path / "c.jsonl"
    third.write_text('{"text": "ä", "n\\udc00": 1}\n{"text": "b", "note": "\\ud83d"}\n', encoding="utf-8")
    plain = Version(versions.create("w", [Source(path=str(third))]))
    plain.add(steps.Replace(row=1, data={"text": "ö", "note": "\ud83d", "deep": [{"x": "\ud83d"}]}))
    wanted = [{"text": "ä", "n\udc00": 1}, {"text": "ö", "note": "\ud83d", "deep": [{"x": "\ud83d"}]}]
    assert rows_of(plain) == wanted
    export(plain.path, tmp_path / "w.jsonl")
    assert [json.loads(line) for line in (tmp_path / "w.jsonl").read_text(encoding="utf-8").splitlines()] == wanted
    searched = search.search(indexing.index_of(plain), search.Query(text="ö"))
    assert [int(number) for batch in searched for number in batch.rows] == [1]
    with pytest.raises(StudioError, match=r"The column `n\\udc00` holds half of a surrogate pair") as caught:
        export(plain.path, tmp_path / "w.parquet")
    assert "JSONL" in caught.value.hint
    assert not (tmp_path / "w.parquet").exists()


def test_values_of_many_kinds_fit_into_a_parquet(version: Version, tmp_path: Path) -> None:
    meta: list[Any] = ["no list", {"a": 1}, {}]
    for row, value in enumerate(meta):
        version.add(steps.Replace(source=1, row=row, data={"text": "t", "n": value}))
    export(version.path, tmp_path / "v.parquet")
    (part,) = sources.find(tmp_path / "v.parquet").parts
    read = [json.loads(row.text) for row in parsing.read(part)]
    assert [{key: value for key, value in row.items() if value is not None} for row in read] == rows_of(version)


def test_the_note_says_what_it_was_made_of(version: Version, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    note = export(version.path, out)
    assert json.loads((tmp_path / "out.jsonl.provenance.json").read_text(encoding="utf-8")) == note
    assert [(item["name"], item["rows"]) for item in note["sources"]] == [("a.jsonl", 5), ("b.jsonl", 4)]
    assert note["fingerprint"] == open_dataset(version.path).fingerprint
    assert [(item["kind"], item["rows"]) for item in note["steps"]] == [("exclude", 1), ("replace", 1), ("tag", 1)]
    said = json.dumps(note)
    assert "secret" not in said, "no row is told"
    assert str(tmp_path) not in said, "nor where anything lies"


@pytest.mark.parametrize(("name", "words"), [("a.jsonl", "already.*--overwrite"), ("out.csv", "neither")])
def test_no_file_is_written_over(version: Version, tmp_path: Path, name: str, words: str) -> None:
    before = (tmp_path / "a.jsonl").read_bytes()
    with pytest.raises(StudioError, match=words) as caught:
        export(version.path, tmp_path / name)
    assert caught.value.reason == "usage"
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_a_file_is_replaced_where_that_is_wanted_but_for_one_that_rows_come_from(
    version: Version, tmp_path: Path
) -> None:
    out, before = tmp_path / "out.jsonl", (tmp_path / "a.jsonl").read_bytes()
    out.write_text("old")
    note = export(version.path, out, overwrite=True)
    assert len(out.read_text(encoding="utf-8").splitlines()) == note["rows"] == 9
    for path in (version.path, versions.create("of-it", [Source(path=str(version.path))])):
        with pytest.raises(StudioError, match=r"a\.jsonl is read from"):
            export(path, tmp_path / "a.jsonl", overwrite=True)
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_an_export_that_fails_leaves_nothing(version: Version, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    open_dataset(version.path)
    before = sorted(tmp_path.iterdir())
    for ending in ("jsonl", "parquet"):
        with pytest.raises(KeyboardInterrupt):
            export(version.path, tmp_path / f"out.{ending}", on_progress=interrupt)
    version.add(steps.Replace(source=1, row=0, data={"text": "t", "n": "half \ud83d"}))
    with pytest.raises(StudioError, match="half of a surrogate pair"):
        export(version.path, tmp_path / "out.parquet")
    version.add(steps.Split(share=0))
    with pytest.raises(StudioError, match="no rows for evaluation"):
        export(version.path, tmp_path / "out.jsonl", "eval")
    assert sorted(tmp_path.iterdir()) == before
    assert exporting.PROVENANCE not in "".join(map(str, before))
