"""Checkpoints are whole or not there; each kind of damage to each file is named and the one before is used."""

import errno
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from safetensors import SafetensorError

from studio.core.errors import StudioError
from studio.engine import checkpoint
from tests.held import held

FILES = ("adapter/adapter_model.safetensors", "optimizer.pt", "state.json")


def fill(stage: Path) -> None:
    (stage / "adapter").mkdir()
    for i, name in enumerate(FILES):
        (stage / name).write_bytes(bytes(range(256)) * (i + 1))


def saved(run: Path, *steps: int) -> list[Path]:
    return [checkpoint.save(run, step, fill, 1000) for step in steps]


def missing(path: Path) -> None:
    path.unlink()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("damage", [missing, truncated, zeroed, flipped], ids=lambda f: f.__name__)
def test_damage_is_named_and_the_one_before_is_used(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    older, newer = saved(tmp_path, 10, 20)
    assert checkpoint.newest(tmp_path) == checkpoint.Found(newer, [])
    damage(newer / name)
    found = checkpoint.newest(tmp_path)
    assert found.path == older
    assert len(found.refused) == 1
    assert "step-000020" in found.refused[0]
    assert Path(name).name in found.refused[0] or damage is flipped


@pytest.mark.parametrize("left_out", [FILES, *([name] for name in FILES)], ids=" ".join)
def test_a_manifest_must_name_what_a_run_goes_on_from(tmp_path: Path, left_out: Sequence[str]) -> None:
    older, newer = saved(tmp_path, 10, 20)
    about = json.loads((newer / "manifest.json").read_text())
    about["files"] = {name: item for name, item in about["files"].items() if name not in left_out}
    (newer / "manifest.json").write_text(json.dumps(about))
    assert checkpoint.verify(newer).startswith("manifest.json names no ")
    assert checkpoint.newest(tmp_path).path == older


def test_without_any_whole_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) == checkpoint.Found(None, [])
    for path in saved(tmp_path, 10, 20):
        missing(path / "manifest.json")
    assert checkpoint.newest(tmp_path).path is None
    assert len(checkpoint.newest(tmp_path).refused) == 2


def test_unfinished_ones_are_never_read_and_are_cleaned(tmp_path: Path) -> None:
    (path,) = saved(tmp_path, 10)
    stage = path.with_name(".step-000020-abcd")
    path.rename(stage)
    assert checkpoint.newest(tmp_path).path is None
    checkpoint.clean(tmp_path, 10)
    assert list(checkpoint.folder(tmp_path).iterdir()) == []


def test_rotation_keeps_the_newest_and_the_best(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20, 30, 1_000_040)
    checkpoint.rotate(tmp_path, 2, also=10)
    assert [checkpoint.step_of(path) for path in checkpoint.listing(tmp_path)] == [10, 30, 1_000_040]
    checkpoint.rotate(tmp_path, 2, also=0)
    assert [checkpoint.step_of(path) for path in checkpoint.listing(tmp_path)] == [30, 1_000_040]


def test_a_step_computed_again_takes_the_place_of_its_damaged_checkpoint(tmp_path: Path) -> None:
    (path,) = saved(tmp_path, 10)
    missing(path / "optimizer.pt")
    assert checkpoint.verify(path) == "optimizer.pt is missing"
    saved(tmp_path, 10)
    assert checkpoint.verify(path) == ""


def test_every_failed_write_leaves_the_one_before(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    (before,) = saved(tmp_path, 10)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 100, 300, 600, 767):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
        try:
            with pytest.raises(StudioError, match="disk is full"):
                checkpoint.save(tmp_path, 20, fill, 1000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert checkpoint.newest(tmp_path) == checkpoint.Found(before, [])
        assert [path.name for path in checkpoint.folder(tmp_path).iterdir()] == [before.name]


def test_too_little_room_is_seen_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=r"needs 2305843\.0 TB and .* are free") as caught:
        checkpoint.save(tmp_path, 10, fill, 1 << 60)
    assert caught.value.reason == "disk"
    assert checkpoint.listing(tmp_path) == []


def test_one_that_a_program_has_open_stays_for_now_and_is_not_counted(tmp_path: Path) -> None:
    first, *_ = saved(tmp_path, 10, 20, 30)
    with held(first / "optimizer.pt"):
        checkpoint.rotate(tmp_path, 2, also=0)
        saved(tmp_path, 40)
        checkpoint.rotate(tmp_path, 2, also=0)
        assert [checkpoint.step_of(path) for path in checkpoint.listing(tmp_path)] == [30, 40]
        assert checkpoint.verify(first) == "it was let go"
        assert (first / "optimizer.pt").exists()
    checkpoint.rotate(tmp_path, 2, also=0)
    assert sorted(path.name for path in checkpoint.folder(tmp_path).iterdir()) == ["step-000030", "step-000040"]


def test_a_damaged_one_that_a_program_has_open_never_counts_as_the_newest(tmp_path: Path) -> None:
    older, damaged = saved(tmp_path, 10, 30)
    missing(damaged / "optimizer.pt")
    with held(damaged / "state.json"):
        checkpoint.clean(tmp_path, 10)
        saved(tmp_path, 20)
        checkpoint.rotate(tmp_path, 1, also=0)
        assert checkpoint.newest(tmp_path) == checkpoint.Found(older.with_name("step-000020"), [])
        with pytest.raises(StudioError, match="in use by another program"):
            saved(tmp_path, 30)
    (again,) = saved(tmp_path, 30)
    assert checkpoint.newest(tmp_path) == checkpoint.Found(again, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"I/O error: {os.strerror(errno.ENOSPC)} (os error {errno.ENOSPC})", "disk is full"),
        (f"I/O error: {os.strerror(errno.EIO)} (os error {errno.EIO})", os.strerror(errno.EIO)),
        ("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0", "disk is full"),
    ],
)
def test_a_failed_write_is_known_by_a_librarys_words(tmp_path: Path, words: str, said: str) -> None:
    told = checkpoint.as_disk_error(tmp_path, SafetensorError(words))
    assert told is not None
    assert said in told.message


def test_other_failures_are_no_failed_writes(tmp_path: Path) -> None:
    assert checkpoint.as_disk_error(tmp_path, RuntimeError("shape mismatch")) is None
    assert checkpoint.as_disk_error(tmp_path, SafetensorError("too small (os error 1455)")) is None
