"""A cached folder is whole or not there, and only one process at a time makes it."""

import errno
import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import filelock
import pytest

from studio.core import cache
from studio.core.errors import StudioError
from tests.held import held


def opened(folder: Path) -> str | None:
    file = folder / "file"
    return file.read_text(encoding="utf-8") if file.exists() else None


def make(folder: Path) -> None:
    (folder / "file").write_text("whole", encoding="utf-8")


def visible(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.suffix != ".lock"]


def test_it_is_made_once(tmp_path: Path) -> None:
    calls = []

    def count(folder: Path) -> None:
        calls.append(threading.get_ident())
        make(folder)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.made(tmp_path / "deep" / "a", opened, count), range(16)))
    assert found == ["whole"] * 16
    assert len(calls) == 1
    assert visible(tmp_path / "deep") == ["a"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    part = tmp_path / ".a.part"
    part.mkdir()
    (part / "torn").write_bytes(b"x")
    assert cache.made(tmp_path / "a", opened, make) == "whole"
    assert visible(tmp_path) == ["a"]
    assert visible(tmp_path / "a") == ["file"]


def test_all_of_it_is_durable_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = list[str](), os.fsync

    def note(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        sync(fd)

    def make_deep(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("whole", encoding="utf-8")

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not tell what is synced")
    monkeypatch.setattr(os, "fsync", note)
    assert cache.made(tmp_path / "a", lambda folder: opened(folder / "deep"), make_deep) == "whole"
    part = tmp_path / ".a.part"
    assert set(synced[:-1]) == {str(part), str(part / "deep"), str(part / "deep" / "file")}
    assert synced[-1] == str(tmp_path)


def test_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "other").write_bytes(b"x")
    assert cache.made(tmp_path / "a", opened, make) == "whole"
    assert visible(tmp_path / "a") == ["file"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    def full(folder: Path) -> None:
        make(folder)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StudioError, match="The disk is full") as caught:
        cache.made(tmp_path / "a", opened, full)
    assert caught.value.reason == "disk"
    assert visible(tmp_path) == []


def test_what_cannot_be_read_back_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="cannot be read back"):
        cache.made(tmp_path / "a", opened, lambda folder: None)


def test_the_hash_of_a_file_is_that_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 100_000)
    assert cache.sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def aged(folder: Path, days: float) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("whole", encoding="utf-8")
    then = time.time() - days * 86_400
    os.utime(folder, (then, then))
    return folder


def test_what_nobody_opens_for_a_month_is_removed(tmp_path: Path) -> None:
    old, part, recent = aged(tmp_path / "old", 31), aged(tmp_path / ".killed.part", 31), aged(tmp_path / "recent", 29)
    cache.made(tmp_path / "new", opened, make)
    assert not old.exists()
    assert not part.exists()
    assert recent.exists()
    assert visible(tmp_path / "new") == ["file"]
    assert sorted(visible(tmp_path)) == ["new", "recent"]


def test_what_is_opened_stays(tmp_path: Path) -> None:
    old = aged(tmp_path / "old", 31)
    assert cache.made(old, opened, make) == "whole"
    cache.made(tmp_path / "new", opened, make)
    assert old.exists()


def test_what_another_process_is_making_stays(tmp_path: Path) -> None:
    old = aged(tmp_path / "old", 31)
    with filelock.FileLock(tmp_path / ".old.lock"):
        cache.made(tmp_path / "new", opened, make)
        assert old.exists()
    cache.made(tmp_path / "newer", opened, make)
    assert not old.exists()


def test_a_damaged_one_that_a_program_has_open_is_not_half_removed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("open", "other"):
        (tmp_path / "a" / name).write_bytes(b"x")
    with held(tmp_path / "a" / "open"), pytest.raises(StudioError, match="in use by another program") as caught:
        cache.made(tmp_path / "a", opened, make)
    assert caught.value.reason == "disk"
    assert sorted(visible(tmp_path / "a")) == ["open", "other"]
    assert visible(tmp_path) == ["a"]
    assert cache.made(tmp_path / "a", opened, make) == "whole"
    assert visible(tmp_path) == ["a"]


def test_locks_of_what_is_gone_are_removed_but_not_those_that_somebody_has(tmp_path: Path) -> None:
    names = (".gone.lock", ".held.lock", ".young.lock", ".kept.lock")
    (tmp_path / "kept").mkdir()
    for name in names:
        (tmp_path / name).touch()
        then = time.time() - (29 if name == ".young.lock" else 31) * 86_400
        os.utime(tmp_path / name, (then, then))
    with filelock.FileLock(tmp_path / ".held.lock"):
        cache.made(tmp_path / "new", opened, make)
        assert sorted(tmp_path.glob(".*.lock")) == sorted(tmp_path / name for name in (".new.lock", *names[1:]))


def test_with_a_folder_its_lock_goes(tmp_path: Path) -> None:
    aged(tmp_path / "old", 31)
    cache.made(tmp_path / "new", opened, make)
    assert sorted(item.name for item in tmp_path.iterdir()) == [".new.lock", "new"]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a lock that is held cannot be removed")
def test_who_waits_for_a_lock_that_is_removed_gets_one_that_has_its_name(tmp_path: Path) -> None:
    lock, inodes = cache.lock_of(tmp_path / "a"), list[int]()

    def wait() -> None:
        with cache.lock_of(tmp_path / "a"):
            inodes.append((tmp_path / ".a.lock").stat().st_ino)

    with lock:
        before = (tmp_path / ".a.lock").stat().st_ino
        (tmp_path / "a.link").hardlink_to(tmp_path / ".a.lock")  # so that its number is not given again
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)  # by then it waits
        (tmp_path / ".a.lock").unlink()
    waiting.join()
    assert inodes != [before]


@pytest.mark.parametrize("damage", [lambda file: os.truncate(file, 3), Path.unlink], ids=["cut", "gone"])
def test_what_was_noted_as_whole_tells_what_is_not_any_more(tmp_path: Path, damage: Any) -> None:
    folder, note = tmp_path / "folder", tmp_path / "note"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a").write_text("four")
    assert not cache.is_whole(folder, note)
    cache.note_sizes(folder, note)
    assert cache.is_whole(folder, note)
    damage(folder / "deep" / "a")
    assert not cache.is_whole(folder, note)
    note.write_text("[]")
    assert not cache.is_whole(folder, note)
