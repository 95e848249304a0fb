"""What is written, renamed, moved or removed is whole or not there, whatever the system refuses."""

import errno
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from studio.core import files
from studio.core.errors import StudioError
from tests.held import held

TRIES = (0.01,) * 300


def filled(folder: Path) -> Path:
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"a")
    (folder / "deep" / "b").write_bytes(b"b" * 5000)
    (folder / "link").symlink_to("a")
    return folder


def content(folder: Path) -> dict[str, bytes | str]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {
        path.relative_to(folder).as_posix(): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in found
    }


WHOLE = {"a": b"a", "deep/b": b"b" * 5000, "link": "a"}


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """Returns a folder on another file system than `tmp_path`."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


def test_an_atomic_write_holds_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_atomic(path, b"old")
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, before[1]))
    try:
        with pytest.raises(OSError, match="large"):
            files.write_atomic(path, b"new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    files.write_atomic(path, b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_new_file_takes_the_place_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "new.jsonl"
    files.write_new(path, "caf\u00e9 \ud800\n")
    assert path.read_text(encoding="utf-8") == "caf\u00e9 ?\n"
    with pytest.raises(StudioError, match="is there already") as caught:
        files.write_new(path, "other")
    assert (caught.value.reason, path.read_text(encoding="utf-8")) == ("usage", "caf\u00e9 ?\n")
    with pytest.raises(StudioError, match="could not be written") as caught:
        files.write_new(path / "inside", "other")
    assert caught.value.reason == "disk"


def test_content_is_durable_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = list[tuple[str, bool]](), os.fsync

    def note(fd: int) -> None:
        synced.append((os.path.basename(os.readlink(f"/proc/self/fd/{fd}")), (tmp_path / "a").exists()))
        sync(fd)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not tell what is synced")
    monkeypatch.setattr(os, "fsync", note)
    files.write_atomic(tmp_path / "a", b"x")
    (content, named), folder = synced
    assert content.startswith(".a.")
    assert not named
    assert folder == (tmp_path.name, True)


def test_a_rename_is_tried_again_until_what_is_in_its_way_has_gone(tmp_path: Path) -> None:
    source, taken = filled(tmp_path / "source"), filled(tmp_path / "target")
    # As soon as it is empty its place may be taken.
    thread = threading.Timer(0.05, shutil.rmtree, [taken, True])
    thread.start()
    assert files.replace(source, taken, TRIES) == taken
    thread.join()
    assert content(taken) == WHOLE


def test_a_rename_of_what_a_program_has_open_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    source = filled(tmp_path / "source")
    done = list[Path]()
    with held(source / "a"):
        thread = threading.Thread(target=lambda: done.append(files.replace(source, tmp_path / "target", TRIES)))
        thread.start()
        time.sleep(0.05)
        assert not done
    thread.join()
    assert content(tmp_path / "target") == WHOLE


def test_a_rename_that_is_refused_to_the_last_changes_nothing(tmp_path: Path) -> None:
    source, taken = filled(tmp_path / "source"), filled(tmp_path / "target")
    with pytest.raises(OSError, match="not empty"):
        files.replace(source, taken, (0.0, 0.0))
    with held(source / "a"), pytest.raises(PermissionError):
        files.replace(source, tmp_path / "free", (0.0, 0.0))
    assert (content(source), content(taken)) == (WHOLE, WHOLE)


def test_only_a_refusal_is_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(FileNotFoundError):
        files.replace(tmp_path / "none", tmp_path / "target", (60.0,))
    assert time.monotonic() - began < 30


def test_a_folder_that_a_program_has_open_is_not_half_removed(tmp_path: Path) -> None:
    folder = filled(tmp_path / "folder")
    with held(folder / "deep" / "b"), pytest.raises(PermissionError):
        files.discard(folder, ())
    assert content(folder) == WHOLE
    files.discard(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("disk", ["same", "other"])
def test_a_folder_is_moved_whole_or_stays_whole(tmp_path: Path, other_disk: Path, disk: str) -> None:
    source, place = filled(tmp_path / "source"), {"same": tmp_path / "trash", "other": other_disk}[disk]
    place.mkdir(exist_ok=True)
    with held(source / "deep" / "b"), pytest.raises(PermissionError):
        files.move(source, place / "target", ())
    assert content(source) == WHOLE
    assert list(place.iterdir()) == []
    files.move(source, place / "target")
    assert content(place / "target") == WHOLE
    assert not source.exists()
    assert [path.name for path in place.iterdir()] == ["target"]


def test_a_move_to_another_disk_keeps_links_that_lead_nowhere_and_what_nobody_else_may_see(
    tmp_path: Path, other_disk: Path
) -> None:
    source = filled(tmp_path / "source")
    (source / "nowhere").symlink_to("gone")
    (source / "deep").chmod(0o700)
    source.chmod(0o750)
    files.move(source, other_disk / "target")
    assert content(other_disk / "target") == WHOLE | {"nowhere": "gone"}
    assert not source.exists()
    assert [(other_disk / "target" / name).stat().st_mode & 0o777 for name in (".", "deep")] == [0o750, 0o700]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="a user who may read all is refused nothing")
def test_a_folder_is_moved_to_another_disk_with_all_that_is_in_it_or_not(tmp_path: Path, other_disk: Path) -> None:
    source = filled(tmp_path / "source")
    (source / "a").chmod(0o400)
    (source / "deep").chmod(0)
    with pytest.raises(PermissionError):
        files.move(source, other_disk / "target")
    assert list(other_disk.iterdir()) == []
    (source / "deep").chmod(0o700)
    files.move(source, other_disk / "target")
    assert content(other_disk / "target") == WHOLE


def test_a_move_to_a_taken_place_on_another_disk_leaves_both(tmp_path: Path, other_disk: Path) -> None:
    source, taken = filled(tmp_path / "source"), filled(other_disk / "target")
    with pytest.raises(OSError, match="not empty"):
        files.move(source, taken, ())
    assert (content(source), content(taken)) == (WHOLE, WHOLE)
    assert [path.name for path in other_disk.iterdir()] == ["target"]


def test_a_full_disk_ends_a_move_to_it(tmp_path: Path, other_disk: Path) -> None:
    resource = pytest.importorskip("resource")
    source, limits = filled(tmp_path / "source"), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="large") as caught:
            files.move(source, other_disk / "target")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    told = files.disk_error(source, caught.value)
    assert "disk is full" in told.message
    assert told.hint == "Free some space and try again."
    assert content(source) == WHOLE
    assert list(other_disk.iterdir()) == []


def test_what_could_not_be_removed_behind_a_move_lies_out_of_sight(tmp_path: Path, other_disk: Path) -> None:
    source, same = filled(tmp_path / "source"), tmp_path / "same"
    same.hardlink_to(source / "deep" / "b")
    with held(same):
        files.move(source, other_disk / "target")
    assert content(other_disk / "target") == WHOLE
    assert not source.exists()
    (rest,) = (path for path in tmp_path.iterdir() if path != same)
    assert rest.name.startswith(".source-")


@pytest.mark.parametrize("disk", ["same", "other"])
def test_a_file_is_moved_whole_too(tmp_path: Path, other_disk: Path, disk: str) -> None:
    source, place = tmp_path / "source", {"same": tmp_path / "place", "other": other_disk}[disk]
    place.mkdir(exist_ok=True)
    source.write_bytes(b"x" * 5000)
    with held(source), pytest.raises(PermissionError):
        files.move(source, place / "target", ())
    assert (source.stat().st_size, list(place.iterdir())) == (5000, [])
    files.move(source, place / "target")
    assert (place / "target").read_bytes() == b"x" * 5000
    assert not source.exists()
    assert [path.name for path in place.iterdir()] == ["target"]


def windows(number: int, errno_: int = errno.EACCES) -> OSError:
    error = OSError(errno_, "in the user's language")
    error.winerror = number  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("number", [5, 32, 33, 1224])
def test_what_windows_holds_is_not_put_down_to_permissions_alone(number: int, tmp_path: Path) -> None:
    told = files.disk_error(tmp_path, windows(number))
    assert "in use by another program" in told.message
    assert told.reason == "disk"


@pytest.mark.parametrize("number", [39, 112])
def test_a_full_disk_of_windows_is_known_by_its_number(number: int, tmp_path: Path) -> None:
    assert "disk is full" in files.disk_error(tmp_path, windows(number, errno.EINVAL)).message
    words = f"Error while serializing: I/O error: on the disk. (os error {number})"
    found = files.error_in(words, windows=True)
    assert found is not None
    assert "disk is full" in files.disk_error(tmp_path, found).message


def test_numbers_in_a_librarys_words_are_the_systems_own(tmp_path: Path) -> None:
    here, there = (files.error_in("I/O error: refused (os error 13)", windows) for windows in (False, True))
    assert here is not None
    assert there is not None
    assert (here.errno, here.strerror) == (errno.EACCES, os.strerror(errno.EACCES))
    assert "I/O error: refused" in files.disk_error(tmp_path, there).message
    assert files.error_in("header too large") is None


def test_what_killed_writers_left_is_removed_after_a_day(tmp_path: Path) -> None:
    path, day_s = tmp_path / "a[1].json", 86_400.0
    names = (".a[1].json.0123abcd", ".a[1].json.fedc9876", ".a1.json.0123abcd", ".a[1].json.kept", ".a[1].json.lock")
    for name in names:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, times=(time.time() - 2 * day_s,) * 2)
    os.utime(tmp_path / names[1])  # of one that is at work
    files.write_atomic(path, b"x")
    assert {item.name for item in tmp_path.iterdir()} == {path.name, *names[1:]}


@pytest.mark.skipif(os.name != "posix", reason="only there a folder can be made durable by itself")
def test_a_move_that_cannot_be_made_durable_leaves_both_as_they_were(
    tmp_path: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = filled(tmp_path / "a"), other_disk / "a"
    fsync = os.fsync

    def refused(fd: int) -> None:
        if target.exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(OSError, match=r"Input/output"):
        files.move(source, target)
    assert list(other_disk.iterdir()) == []
    assert source.is_dir()


def test_lines_are_read_some_at_a_time_however_long_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE_BYTES", 10)
    path = tmp_path / "lines"
    lines = [b"a", b"b" * 100, b"c", b"", b"d" * 9]
    path.write_bytes(b"\n".join(lines) + b"\ntorn")
    ends = [sum(len(line) + 1 for line in lines[:count]) for count in range(6)]
    assert list(chain.from_iterable(files.pieces(path))) == lines
    assert len(list(files.pieces(path))) > 2
    assert list(chain.from_iterable(files.pieces(path, ends[2]))) == lines[2:]
    for count, end in enumerate(ends):
        assert list(chain.from_iterable(files.pieces(path, end=end))) == lines[:count]
    assert list(chain.from_iterable(files.pieces(path, end=ends[2] - 1))) == lines[:1]
    assert list(files.pieces(tmp_path / "none")) == []
    found, offset = list[bytes](), 0
    while (read := files.read_lines(path, offset, 10))[0]:
        found, offset = [*found, *read[0]], read[1]
    assert (found, offset) == (lines, ends[-1])
