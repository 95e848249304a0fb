"""What was removed is listed, comes back as it was, or goes for good."""

import os
import shutil
from pathlib import Path

import pytest

from studio import paths
from studio.core import blind, library, runs, trash
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from tests.adapters import made
from tests.core.test_blind import about


def three_removed() -> dict[str, Path]:
    """Removes a run, an adapter and a blind test; returns where each lay."""
    run = runs.create(RunConfig(name="a run", data=DataSpec(path="/rows.jsonl")))
    entry, test = made("letters"), blind.create(about())
    runs.remove(run)
    library.remove(entry)
    blind.remove(test)
    return {"run": run.path, "adapter": entry.folder, "test": test.path}


def test_all_kinds_are_listed_and_come_back() -> None:
    places = three_removed()
    found = trash.listing()
    assert {item.kind: item.name for item in found} == {kind: path.name for kind, path in places.items()}
    assert {item.title for item in found} >= {"a run", "letters"}
    assert all(item.size_bytes > 20 for item in found)
    assert [item.removed_s for item in found] == sorted((item.removed_s for item in found), reverse=True)
    for item in found:
        assert trash.restore(trash.find(item.key)) == item.name
        assert places[item.kind].is_dir()
    assert trash.listing() == []
    with pytest.raises(StudioError, match="There is no `letters` in the trash"):
        trash.find("letters")


def test_in_what_was_listed_before_things_are_found_without_the_disk() -> None:
    three_removed()
    held = trash.listing()
    trash.empty()
    assert {trash.find(item.key, held) for item in held} == {*held}


def test_one_goes_for_good_and_the_others_stay() -> None:
    three_removed()
    trash.remove_for_good(trash.find("letters"))
    assert {item.kind for item in trash.listing()} == {"run", "test"}
    assert list((paths.trash_dir() / "adapters").iterdir()) == []
    trash.remove_for_good(gone := trash.find("a run"))
    trash.remove_for_good(gone)
    assert [item.kind for item in trash.listing()] == ["test"]


def test_of_two_with_one_name_the_key_tells() -> None:
    for _ in range(2):
        library.remove(made("letters"))
    with pytest.raises(StudioError, match="could mean 2 things") as caught:
        trash.find("letters")
    first, second = trash.listing()
    assert first.key in caught.value.message
    assert second.key in caught.value.message
    trash.restore(trash.find(first.key))
    assert library.find("letters").folder == first.path.parents[3] / "adapters" / "letters"
    assert trash.restore(trash.find(second.key)) == "letters-2"


def test_emptied_it_holds_nothing_not_even_what_was_left_there() -> None:
    three_removed()
    left = paths.trash_dir() / ".half-moved"
    left.mkdir()
    (left / "weights").write_bytes(b"x")
    (paths.trash_dir() / "note.txt").write_text("somebody's")
    trash.empty()
    assert list(paths.trash_dir().iterdir()) == []
    trash.empty()


def test_what_is_no_such_thing_is_not_listed(tmp_path: Path) -> None:
    (paths.trash_dir() / "folder").mkdir(parents=True)
    (paths.trash_dir() / "adapters" / "notes" / "x").mkdir(parents=True)
    (paths.trash_dir() / "adapters" / "notes" / "x" / "entry.json").write_text("{}")
    assert trash.listing() == []


def test_a_run_that_is_gone_for_good_is_told_when_its_removal_is_undone() -> None:
    run = runs.create(RunConfig(data=DataSpec(path="/rows.jsonl")))
    place = runs.remove(run)
    trash.empty()
    with pytest.raises(StudioError, match="is not in the trash any more"):
        runs.restore(place, run)


def test_sizes_are_those_of_files_and_follow_no_link(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a").write_bytes(b"x" * 1000)
    (folder / "b").write_bytes(b"x" * 10)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "c").write_bytes(b"x" * 5000)
    assert trash.size_of(folder) == 1010
    os.symlink(outside, folder / "link")
    assert trash.size_of(folder) < 1200
    assert trash.size_of(tmp_path / "none") == 0
    shutil.rmtree(outside)
    assert trash.size_of(folder) < 1200


def test_an_adapter_without_its_entry_is_listed_too() -> None:
    entry = made("letters")
    (entry.folder / "entry.json").unlink()
    library.remove(library.entries()[0])
    (item,) = trash.listing()
    assert (item.kind, item.name) == ("adapter", "letters")
