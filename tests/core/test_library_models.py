"""Models that were trained whole stand in the library: moved there, never copied, and kept like adapters."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio import paths
from studio.core import exportable, library, space, trash
from studio.core.config import ModelSpec
from studio.core.entry import ENTRY, Base, Entry
from studio.core.errors import StudioError
from tests.core.test_entry import described, model_folder
from tests.core.test_library import added, with_config


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def about(folder: Path, title: str = "In full", **more: Any) -> Entry:
    return Entry(name="", folder=folder, title=title, is_model=True, base=Base(path="demo"), **more)


def taken(tmp_path: Path, title: str = "In full", value: float = 1.0, **more: Any) -> Entry:
    folder = model_folder(tmp_path / f"made-{len(list(tmp_path.iterdir()))}", value)
    found = library.take(about(folder, title, **more))
    assert found is not None
    return found


def test_a_model_is_moved_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "made", shards=2)
    numbers = {file.name: file.stat().st_ino for file in folder.iterdir()}
    entry = library.take(about(folder, run="r1", config={"model": {}}, metrics={"loss": 0.5}))
    assert entry is not None
    assert not folder.exists()
    assert (entry.name, entry.title, entry.run, entry.metrics) == ("In-full", "In full", "r1", {"loss": 0.5})
    assert library.entries() == [entry] == [library.verified(entry)] == [library.find("full")]
    held = {file.name: file.stat().st_ino for file in entry.folder.iterdir()}
    assert held.pop(ENTRY)
    assert held == numbers, "the very files, and no copies"


def test_the_same_weights_of_one_run_are_there_once(tmp_path: Path) -> None:
    first = taken(tmp_path, run="r1")
    again = model_folder(tmp_path / "again")
    assert library.take(about(again, run="r1")) == first
    assert again.is_dir(), "left to whoever made it"
    assert library.take(about(again, run="r2")) != first
    assert sorted(entry.name for entry in library.entries()) == ["In-full", "In-full-2"]


def test_on_another_disk_it_stays_and_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, rename = model_folder(tmp_path / "run" / "model"), os.replace

    def elsewhere(source: Any, target: Any) -> None:
        if Path(source) == folder:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr("os.replace", elsewhere)
    assert library.take(about(folder, run="r1")) is None
    assert library.entries() == []
    found = library.located(str(folder))
    assert (found.title, found.run, found.is_model, found.fault) == ("In full", "r1", True, "")
    assert exportable.find(str(folder)) == found
    kept = library.add(folder, title=found.title, base=found.base, run=found.run)
    assert (kept.sha256, kept.is_model, kept.fault) == (found.sha256, True, "")
    assert (folder / "model.safetensors").is_file()
    assert (kept.folder / "tokenizer.json").is_file()


def test_a_model_is_renamed_tagged_removed_and_restored_like_an_adapter(tmp_path: Path) -> None:
    entry = library.change(taken(tmp_path), title="Other", note="n", tags=["a"])
    assert (entry.title, entry.note, entry.tags, entry.is_model) == ("Other", "n", ["a"], True)
    used = space.taken().adapters
    away = library.remove(entry)
    assert library.entries() == []
    assert space.taken().adapters < 100 < used
    (removed,) = trash.listing()
    assert (removed.kind, removed.title, removed.path) == ("model", "Other", away)
    assert removed.size_bytes > entry.weights_bytes
    assert library.restore("Other") == entry


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    entry = taken(tmp_path)
    file = entry.folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert library.verified(entry).fault == "The model's weights have changed since it was added."


def test_a_models_folder_that_nothing_is_known_of_is_none_of_the_library(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "plain")
    with pytest.raises(StudioError, match="There is no adapter"):
        library.located(str(folder))
    known = described(model_folder(tmp_path / "known"))
    assert library.located(str(known.folder)) == known


def test_a_model_decides_how_a_base_is_held_only_where_no_adapter_does(tmp_path: Path) -> None:
    whole = replace(taken(tmp_path), config={"model": {"dtype": "float16"}})
    adapter = with_config(tmp_path, quantization="nf4")
    for entries in ([whole, adapter], [adapter, whole]):
        assert library.shared_spec(library.model_specs(entries)) == ModelSpec(quantization="nf4")
        assert library.compromises(library.model_specs(entries)) == {}
    assert library.model_specs([whole]) == [ModelSpec(dtype="float16")]


def test_it_stands_beside_adapters_in_the_list(tmp_path: Path) -> None:
    added(tmp_path, "letters")
    taken(tmp_path)
    assert {(entry.title, entry.is_model) for entry in library.entries()} == {("letters", False), ("In full", True)}
    assert paths.adapters_dir() == library.find("In full").folder.parent
