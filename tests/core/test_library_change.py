"""What the user says of an adapter can be changed; everything else of it stays."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import paths
from studio.core import files, library
from studio.core.errors import StudioError
from tests.core.test_library import added


def test_title_note_and_tags_change_and_nothing_else(tmp_path: Path) -> None:
    entry = added(tmp_path, "first", note="old", tags=["a"])
    changed = library.change(entry, title="Second 支援", note="")
    assert (changed.title, changed.note, changed.tags) == ("Second 支援", "", ["a"])
    assert (changed.name, changed.sha256, changed.created_s) == (entry.name, entry.sha256, entry.created_s)
    assert library.entries() == [changed]
    assert library.change(changed, tags=["b", "c"]).tags == ["b", "c"]
    assert not library.verified(library.find("Second")).fault


def test_a_damaged_adapter_is_not_written_to(tmp_path: Path) -> None:
    entry = added(tmp_path, "first")
    (entry.folder / "entry.json").unlink()
    with pytest.raises(StudioError, match="damaged"):
        library.change(entry, note="x")
    assert not (entry.folder / "entry.json").exists()


def test_an_adapter_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    entry = added(tmp_path, "first")
    library.remove(entry)
    for act in (library.remove, lambda gone: library.change(gone, note="x")):
        with pytest.raises(StudioError, match="There is no adapter first any more") as error:
            act(entry)
        assert error.value.reason == "adapter"
    assert not entry.folder.exists()
    trash = paths.home() / "trash" / "adapters"
    assert [item.name for at in trash.iterdir() for item in at.iterdir()] == ["first"]
    assert len(list(trash.iterdir())) == 1


TAGS = st.lists(st.sampled_from("abcdefAB"), max_size=5, unique_by=str.casefold)


@given(seen=TAGS, wanted=TAGS, others=TAGS)
def test_tags_that_others_changed_meanwhile_stay_so(
    tmp_path_factory: pytest.TempPathFactory, seen: list[str], wanted: list[str], others: list[str]
) -> None:
    first = added(tmp_path_factory.mktemp("tags"), "first", tags=seen)
    library.change(first, tags=others)
    now = library.change(first, tags=wanted).tags
    had, want, other = ({tag.casefold() for tag in tags} for tags in (seen, wanted, others))
    assert {tag.casefold() for tag in now} == (other - (had - want)) | (want - had)
    assert len({tag.casefold() for tag in now}) == len(now)
    if others == seen:
        assert now == wanted


def test_processes_that_tag_at_once_lose_no_tag(tmp_path: Path) -> None:
    added(tmp_path, "first")
    code = (
        "import sys; from studio.core import library\n"
        "for i in range(20):\n"
        "    entry = library.find('first'); library.change(entry, tags=[*entry.tags, f'{sys.argv[1]}{i}'])"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [child.wait(60) for child in children] == [0, 0]
    assert sorted(library.find("first").tags) == sorted(f"{name}{i}" for name in "ab" for i in range(20))


def test_what_a_later_state_of_the_program_noted_stays(tmp_path: Path) -> None:
    entry = added(tmp_path, "first")
    file = entry.folder / "entry.json"
    held = json.loads(file.read_text())
    held["later"], held["base"]["later"], held["data"]["later"] = {"a": [1]}, 2, "3"
    held["parent"] = "what earlier ones noted"
    file.write_text(json.dumps(held))
    library.change(library.find("first"), note="x")
    assert json.loads(file.read_text()) == held | {"note": "x"}


@pytest.mark.skipif(os.name != "posix", reason="only there a folder can be made durable by itself")
def test_a_rename_that_was_done_is_not_told_as_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def refused(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", refused)
    entry = added(tmp_path, "first")
    assert library.change(entry, note="x") == library.find("first")
    trashed = library.remove(entry)
    assert library.restore_from(trashed).note == "x"


def test_what_a_move_to_another_disk_left_is_not_restored(tmp_path: Path) -> None:
    trashed = library.remove(added(tmp_path, "first"))
    trashed.rename(files.hidden(trashed))
    with pytest.raises(StudioError, match=r"The trash holds no adapter"):
        library.restore("first")


def test_a_folder_that_cannot_be_read_is_told() -> None:
    paths.adapters_dir().parent.mkdir(parents=True, exist_ok=True)
    paths.adapters_dir().write_text("no folder")
    for look in (library.entries, lambda: library.find("x")):
        with pytest.raises(StudioError, match=r"adapters cannot be read: Not a directory.* Check that it is a folder"):
            look()
