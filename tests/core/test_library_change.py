"""What the user says of an adapter can be changed; everything else of it stays."""

import shutil
from pathlib import Path

import pytest

from studio.core import library
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
    shutil.rmtree(entry.folder)
    with pytest.raises(StudioError, match="damaged"):
        library.change(entry, note="x")
    assert not entry.folder.exists()
