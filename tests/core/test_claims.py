"""A run's folder is worked on by one, made by one and removed by one, whoever else wants to at the same time."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import filelock
import pytest

from studio import paths
from studio.core import claims, files, runs
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.runs import Run
from tests.core.test_runs import config
from tests.held import held


def test_who_waits_for_a_run_that_is_moved_away_makes_no_folder_in_its_place(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    told = list[StudioError]()

    def wait() -> None:
        try:
            with run.claim(5.0):
                pass
        except StudioError as error:
            told.append(error)

    waiting = threading.Thread(target=wait)
    with run.claim():
        waiting.start()
        time.sleep(0.2)  # by then it waits
        files.move(run.path, tmp_path / "away")
    waiting.join()
    assert [error.reason for error in told] == ["run"]
    assert [path.name for path in tmp_path.iterdir()] == ["away"]


def test_a_lock_that_went_with_its_run_frees_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    lock = filelock.FileLock(folder / "run.lock")
    lock.acquire()
    assert claims.lies_there(lock)
    # Its run is moved away, and another one is being made in its place.
    folder.rename(tmp_path / "away")
    folder.mkdir()
    (folder / "run.lock").touch()
    assert not claims.lies_there(lock)
    claims.release(lock)
    assert [path.name for path in folder.iterdir()] == ["run.lock"]


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Does things in threads that begin together; returns what each returned, or the `StudioError` it raised."""
    begin = threading.Barrier(len(acts))

    def tried(act: Callable[[], object]) -> object:
        begin.wait()
        try:
            return act()
        except StudioError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(tried, acts))


def test_a_run_is_removed_once_only() -> None:
    for _ in range(20):
        run = runs.create(config())
        (error,) = (item for item in at_once(*[partial(runs.remove, run)] * 2) if isinstance(item, StudioError))
        assert error.reason in ("run", "busy")
        assert not run.path.exists()
    with pytest.raises(StudioError, match=r"There is no run .* any more"):
        runs.remove(run)
    assert len(list((paths.home() / "trash").iterdir())) == 20


def test_of_two_runs_made_in_one_folder_at_once_one_is_told(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        made = at_once(*(partial(runs.create, config(name), folder) for name in "ab"))
        (error,) = (item for item in made if isinstance(item, StudioError))
        (run,) = (item for item in made if isinstance(item, Run))
        assert error.message == f"{folder} is not empty."
        assert run.config().name == "ab"[made.index(run)]
        assert {path.name for path in folder.iterdir()} - {"run.lock"} == {"run.json"}


def test_only_its_own_lock_tells_a_maker_that_a_folder_is_taken(tmp_path: Path) -> None:
    other = filelock.FileLock(tmp_path / "other")
    with other, pytest.raises(filelock.Timeout) as caught, claims.making(tmp_path / "run"):
        filelock.FileLock(tmp_path / "other", is_singleton=False).acquire(timeout=0)
    assert caught.value.lock_file == str(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def with_version(tmp_path: Path) -> RunConfig:
    version = tmp_path / "v.recipe.json"
    version.write_text("{}")
    return replace(config(), data=DataSpec(path=str(version), eval_path=str(version)))


@pytest.mark.parametrize("there", [False, True])
def test_a_run_that_a_full_disk_keeps_from_being_made_leaves_nothing(tmp_path: Path, there: bool) -> None:
    resource = pytest.importorskip("resource")
    folder, before = tmp_path / "run", resource.getrlimit(resource.RLIMIT_FSIZE)
    wanted = with_version(tmp_path)
    if there:
        folder.mkdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(StudioError, match=r"disk is full.*start the run again") as caught:
            runs.create(wanted, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.reason == "disk"
    assert folder.exists() == there
    assert not there or list(folder.iterdir()) == []


def test_a_folder_in_which_a_run_was_being_made_is_taken_as_empty(tmp_path: Path) -> None:
    folder, version = tmp_path / "run", tmp_path / "old.recipe.json"
    version.write_text("{}")
    code = (
        "import os, sys; from pathlib import Path; from studio.core import runs\n"
        "from studio.core.config import DataSpec, RunConfig\n"
        "def die(event, arguments):\n"
        "    if event == 'os.rename' and str(arguments[1]).endswith('run.json'): os._exit(9)\n"
        "sys.addaudithook(die)\n"
        "runs.create(RunConfig(data=DataSpec(path=sys.argv[2])), Path(sys.argv[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, folder, version]).returncode == 9
    assert (folder / version.name).exists()
    run = runs.create(config(), folder)
    assert run.config() == config()
    assert [path.name for path in folder.iterdir()] == ["run.json"]


def test_what_killed_makers_left_is_removed_after_a_day() -> None:
    whole = runs.create(config())
    then = time.time() - 2 * 86_400
    for name, there in (("old", ["run.lock", "v.recipe.json"]), ("empty", []), ("young", ["run.lock"]), ("log", ["a"])):
        folder = paths.runs_dir() / name
        folder.mkdir()
        for file in there:
            (folder / file).touch()
        if name != "young":
            os.utime(folder, (then, then))
    os.utime(whole.path, (then, then))
    fresh = runs.create(config())
    assert {path.name for path in paths.runs_dir().iterdir()} == {whole.name, fresh.name, "young", "log"}


def test_of_what_killed_makers_left_a_lock_that_cannot_be_removed_keeps_nothing_else() -> None:
    folder, then = paths.runs_dir() / "old", time.time() - 2 * 86_400
    folder.mkdir(parents=True)
    for name in ("run.lock", *(f"{number}.recipe.json" for number in range(20))):
        (folder / name).touch()
    os.utime(folder, (then, then))
    # Windows lets nobody remove a lock that is held, and whoever frees it removes it then.
    with held(folder / "run.lock"):
        runs.create(config())
    assert [path.name for path in folder.iterdir()] == ["run.lock"]


@pytest.mark.parametrize("names", [("v.recipe.json",), ("run.lock", "events.jsonl"), ("run.lock", "checkpoints")])
def test_what_may_be_of_worth_is_not_taken_for_what_a_killed_maker_left(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(StudioError, match="is not empty"):
        runs.create(config(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
