"""A version's rows are found where its sources have them, as a slow look at each of them finds them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio import paths
from studio.core.data import ordering, search
from studio.core.data.mapping import Role
from studio.core.data.search import Query
from studio.core.errors import StudioError
from studio.core.versions import indexing, steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version
from tests.core.versions.conftest import BAD
from tests.core.versions.test_store import STEP, a_version


def found(version: Version, **query: Any) -> list[int]:
    known = indexing.index_of(version)
    batches = list(search.search(known, Query(**query)))
    assert batches[-1].done == len(known) == len(version.selection)
    return [int(number) for batch in batches for number in batch.rows]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(STEP, max_size=5), text=st.sampled_from(["1", "a", "ä!", "edited", "q3", "group"]))
def test_rows_are_found_whatever_the_steps_left(files: list[Path], made: list[steps.Step], text: str) -> None:
    version = a_version(files, name=f"v{len(list(paths.datasets_dir().glob('*.json')))}")
    for step in made:
        try:
            version.add(step)
        except StudioError:
            continue  # it cannot be done on what is left
    selection = version.selection
    said = [" ".join(map(str, selection.data(place).values())) for place in selection.chosen.tolist()]
    assert found(version, text=text) == [at for at, row in enumerate(said) if text in row]
    known = indexing.index_of(version)
    rows = [known.row(number) for number in range(len(known))]
    assert [row.parsed.data for row in rows] == [selection.data(place) for place in selection.chosen.tolist()]
    assert [row.raw.decode() for row in rows] == [selection.text(place) for place in selection.chosen.tolist()]
    prompts = [selection.data(place)["prompt"] for place in selection.chosen.tolist()]
    assert ordering.order(known, "prompt").tolist() == sorted(range(len(rows)), key=prompts.__getitem__)


def test_rows_keep_their_file_and_line_and_nothing_is_copied(files: list[Path], home: Path) -> None:
    row = {"prompt": "new?", "completion": "x"}
    edits = [steps.Replace(row=number, data=row) for number in (BAD, 2)]
    version = a_version(files, *edits, steps.Replace(source=1, row=4, data=row), steps.Exclude(rows=((1, 0, 1),)))
    assert found(version, text="NEW?") == [2, BAD, 22]
    assert found(version, text="new", file="b.js") == [22]
    assert found(version, file="a.") == list(range(20))
    known = indexing.index_of(version)
    about = [(known.row(number).file, known.row(number).parsed.line) for number in (0, 2, BAD, 20, 22)]
    assert about == [("a.jsonl", 1), ("a.jsonl", 3), ("a.jsonl", BAD + 1), ("b.jsonl", 3), ("b.jsonl", 5)]
    assert not (paths.cache_dir() / "versions").exists()


def test_rows_of_tables_folders_and_mappings_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "a.csv").write_text('q,w\n"one, ""two""",Three\nfour,"five\nsix"\n', encoding="utf-8")
    (folder / "b.jsonl").write_text('nonsense\n{"q": "seven", "w": "e\\u0069ght"}\n', encoding="utf-8")
    mapping: dict[Role, str] = {"prompt": "{q}?", "completion": "w"}
    source = Source(path=str(folder), mapping=mapping)
    version = Version(versions.create("mapped", [source]))
    assert found(version, text='"two"?') == [0]
    assert found(version, text="e\ns", expression=True) == [1]
    assert found(version, text="eight") == [2]
    assert found(version, file="b.jsonl") == [2]
    assert indexing.index_of(version).row(2).parsed.line == 2


def test_a_version_without_rows_has_none_to_be_found(files: list[Path]) -> None:
    version = a_version(files, steps.Filter(text="nowhere"))
    assert found(version, text="a") == []
    assert found(version) == []


def test_a_cache_that_was_made_anew_meanwhile_is_not_misread(files: list[Path], home: Path) -> None:
    known = indexing.index_of(a_version(files))
    for file in (paths.cache_dir() / "datasets").glob("*/rows.arrow"):
        file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(StudioError, match="was changed since it was read"):
        list(search.search(known, Query(text="a")))


def test_excluded_rows_stay_in_sight_and_are_found_as_they_were_edited(files: list[Path]) -> None:
    edit = steps.Replace(row=3, data={"prompt": "new?", "completion": "x"})
    version = a_version(files, edit, steps.Exclude(rows=((0, 3, 3), (1, 1, 1))), steps.Sample(count=9, seed=1))
    places = indexing.in_sight(version)
    out = {3, version.selection.place(1, 1)}
    assert set(places.tolist()) == out | set(version.selection.chosen.tolist())
    assert len(places) == 11
    known = indexing.index_of(version, places)
    (whole,) = (batch.rows for batch in search.search(known, Query(text="NEW?")) if len(batch.rows))
    assert places[whole].tolist() == [3]
