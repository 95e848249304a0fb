"""The run folder under ordinary use, torn lines, two processes and full disks."""

import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import paths
from studio.core import events, files, launch, runs
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.runs import Run
from tests.core.test_progress import step
from tests.held import held


def config(name: str | None = None) -> RunConfig:
    return RunConfig(name=name, data=DataSpec(path="/data/rows.jsonl"))


def test_a_new_run_keeps_its_whole_config() -> None:
    run = runs.create(config(name="first try"))
    assert run.config() == config(name="first try")
    assert run.path.parent == paths.runs_dir()
    assert "first-try" in run.name
    assert runs.listing() == [run]
    assert not run.alive()


def test_names_never_collide_and_are_found_by_a_part() -> None:
    first, second = runs.create(config(name="a")), runs.create(config(name="b"))
    assert runs.find(first.name) == first
    assert runs.find("-b-") == second
    assert runs.find(str(first.path)) == first
    for name in ("-b-", ""):
        with pytest.raises(StudioError):
            runs.find(name, exact=True)
    with pytest.raises(StudioError, match="a part of a name is not enough") as caught:
        runs.find("-b-", exact=True)
    assert second.name in caught.value.hint
    with pytest.raises(StudioError, match="No run was named"):
        runs.find("")
    with pytest.raises(StudioError, match="could mean 2 runs"):
        runs.find("20")
    for name in ("zebra", "a" * 300):
        with pytest.raises(StudioError, match="no run"):
            runs.find(name)


def test_a_run_that_lies_elsewhere_is_addressed_by_its_folder(tmp_path: Path) -> None:
    here, elsewhere = runs.create(config()), runs.create(config(), tmp_path / "run")
    assert (here.address, elsewhere.address) == (here.name, str(elsewhere.path))
    for run in (here, elsewhere):
        assert runs.find(run.address).path == run.path
        assert f"`studio runs resume {run.address}`" in launch.death(run, 1).hint


@pytest.mark.parametrize(
    ("command", "hint"), [("pause", "Go on with `studio runs continue"), ("save", "Stop it with `studio runs stop")]
)
def test_a_run_that_is_going_is_not_started_again(tmp_path: Path, command: str, hint: str) -> None:
    run = runs.create(config(), tmp_path / "run")
    run.emit(events.Obeyed(step=0, command={"kind": command}))
    with run.claim(), pytest.raises(StudioError) as caught:
        launch.start(run)
    assert (caught.value.reason, caught.value.hint) == ("busy", f"{hint} {run.path}`.")


def test_a_folder_in_use_is_not_taken(tmp_path: Path) -> None:
    runs.create(config(), tmp_path / "run")
    with pytest.raises(StudioError, match="not empty"):
        runs.create(config(), tmp_path / "run")


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", "{}", "[" * 100_000, '{"config": [], "threads": 1}', '{"config": {}, "threads": "2"}'),
        *(
            f'{{"config": {{"name": {name}, "data": {data}}}, "created_s": {made}, "versions": {known}, "threads": 1}}'
            for name, data, made, known in (
                ("5", "{}", "0", "{}"),
                ("null", "[]", "0", "{}"),
                ("null", '{"path": 5}', "0", "{}"),
                ("null", "{}", '"x"', "{}"),
                ("null", "{}", "1e300", "{}"),
                ("null", "{}", "NaN", "{}"),
                ("null", "{}", "0", "[]"),
            )
        ),
    ],
)
def test_a_damaged_run_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(StudioError, match="not a readable run"):
        Run(tmp_path).about()


def test_a_config_of_another_time_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"config": {"colour": "red"}, "threads": 1}')
    with pytest.raises(StudioError, match=r"config .* cannot be read"):
        Run(tmp_path).config()


def test_a_relative_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs.create(config(), Path("here")).path == tmp_path / "here"


def test_a_run_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    run = runs.create(config())
    odd = runs.create(config())
    odd.events_path.mkdir()
    (odd.path / "run.lock").mkdir()
    (runs.create(config(), tmp_path / "other").path / "run.json").replace(paths.runs_dir() / "no folder")
    assert [item.alive() for item in runs.listing()] == [False, False]
    for look in (odd.about, odd.config, odd.summary, odd.progress, odd.unfinished):
        with pytest.raises(StudioError, match=r"events\.jsonl cannot be read: Is a directory.* from a copy"):
            look()
    assert run.summary().state == run.progress().state == "waiting"
    assert set(runs.listing()) == {run, odd}


def test_the_summary_is_the_whole_story_but_for_the_steps(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    for number in range(1, 6):
        run.emit(step(number))
    run.emit(events.Evaluated(step=5, eval_loss=0.5, trained_tokens=4, best=True))
    whole, summary = run.progress(), run.summary()
    assert list(summary.steps) == list(whole.steps)[-1:]
    assert (summary.step, summary.best, summary.state) == (whole.step, whole.best, whole.state)
    run.emit(events.Resumed(step=3, checkpoint="checkpoints/step-000003"))
    assert run.summary().step == run.progress().step == 3


@given(lines=st.lists(st.text(max_size=20), min_size=1, max_size=8), cut=st.integers(0, 200))
def test_a_torn_last_line_loses_only_itself(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], cut: int
) -> None:
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    written = [events.Notice(message=text, time_s=1.0) for text in lines]
    for event in written:
        Run(path.parent).emit(event)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, len(whole) - cut)])
    survived = Run(path.parent).progress().notices
    assert survived == written[: len(survived)]
    last = events.Notice(message="after", time_s=2.0)
    Run(path.parent).emit(last)
    read = Run(path.parent).progress().notices
    assert read[-1] == last
    assert read[: len(survived)] == survived


def test_following_goes_on_where_it_was(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    run.emit(events.Notice(message="one"))
    first, offset = files.read_lines(run.events_path)
    run.emit(events.Notice(message="two"))
    second, end = files.read_lines(run.events_path, offset)
    assert (len(first), len(second), end) == (1, 1, run.events_path.stat().st_size)


def test_only_one_process_claims_a_run_and_death_frees_it(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    hold = (
        "import sys, time; from pathlib import Path; from studio.core.runs import Run\n"
        "with Run(Path(sys.argv[1])).claim(): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", hold, str(run.path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert run.alive()
        with pytest.raises(StudioError) as caught, run.claim():
            pass
        assert caught.value.reason == "busy"
        with pytest.raises(StudioError, match="already going"):
            launch.start(run)
        with pytest.raises(StudioError):
            runs.remove(run)
    finally:
        process.kill()
        process.communicate()
    assert not run.alive()


def test_looking_leaves_nothing_behind_and_who_looks_is_not_taken_for_the_run(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    assert not run.alive()
    assert [path.name for path in run.path.iterdir()] == ["run.json"]
    with run.claim():
        pass
    found = list[bool]()
    lookers = [threading.Thread(target=lambda: found.extend(run.alive() for _ in range(500))) for _ in range(2)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert found == [False] * 1000


def test_a_run_that_is_gone_is_not_made_anew_by_who_looks_or_claims() -> None:
    run = runs.create(config())
    trash = runs.remove(run)
    assert not run.alive()
    with pytest.raises(StudioError, match=r"There is no run .* any more"), run.claim():
        pass
    with pytest.raises(StudioError):
        launch.start(run)
    assert not run.path.exists()
    run.path.mkdir()
    (run.path / "worker.log").touch()
    with pytest.raises(StudioError, match=r"There is no run .* any more"), run.claim():
        pass
    assert [path.name for path in run.path.iterdir()] == ["worker.log"]
    (run.path / "worker.log").unlink()
    run.path.rmdir()
    runs.restore(trash, run)
    assert run.config() == config()


def test_a_look_at_a_run_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    held, done = threading.Event(), threading.Event()

    def look() -> None:
        with run.claim():
            held.set()
            done.wait(0.3)

    thread = threading.Thread(target=look)
    thread.start()
    held.wait(5)
    process = launch.start(run)
    thread.join()
    # There is no such data file, which is what the run's own process says.
    assert process.wait(100) == 4


def test_a_removed_run_lies_whole_in_the_trash() -> None:
    run = runs.create(config())
    target = runs.remove(run)
    assert not run.path.exists()
    assert Run(target).config() == config()


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for name in ("events.jsonl", "commands.jsonl"):
        (tmp_path / name).write_bytes(b"x" * 4096 + b"\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StudioError, match="disk is full") as caught:
            Run(tmp_path).emit(events.Notice(message="x"))
        with pytest.raises(StudioError, match="disk is full") as asked:
            Run(tmp_path).ask(events.Pause())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.reason == "disk"
    assert "resume the run" in caught.value.hint
    assert asked.value.hint == "Free some space and ask again."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ü — 漢 字", "ü-漢-字"),
        ("CON", "CON-"),
        ("../../etc", "etc"),
        ("...", "run"),
        ("a" * 300, "a" * 60),
        ("x. ", "x"),
    ],
)
def test_names_become_safe_folder_names(name: str, expected: str) -> None:
    assert runs.slug(name) == expected


def test_a_silent_death_is_explained(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    (run.path / "worker.log").write_text("last words\n")
    assert "memory" in launch.death(run, -9).message
    assert launch.death(run, -launch.TEMPLATE_SIGNAL).reason == "data"
    assert "told to end before it was at work" in launch.death(run, -15).message
    told = launch.death(run, -11)
    assert "-11" in told.message
    assert "last words" in told.detail
    assert launch.death(run, 10).reason == "busy"
    assert launch.death(run, 10).message == "last words"


def test_a_silent_death_is_written_down_for_whoever_looks_later(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    run.emit(step(1))
    told = launch.told_of(run, -9)
    assert "killed" in told.message
    assert "Resume" in told.hint
    assert run.progress().failed == told
    assert run.unfinished().step == 1


def test_of_a_run_that_another_process_has_nothing_is_written_down(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    with run.claim():
        assert launch.told_of(run, 10).reason == "busy"
    assert run.progress().failed is None


def test_a_complete_run_does_not_go_on_and_a_stopped_one_does() -> None:
    run = runs.create(config())
    end = events.Finished(step=1, outcome="completed", path="adapter", adapter="a", result_step=1, train_s=1.0)
    for event in (step(1), replace(end, outcome="stopped")):
        run.emit(event)
    assert run.unfinished().step == 1
    run.emit(end)
    with pytest.raises(StudioError, match="already complete"):
        run.unfinished()


def test_a_death_is_explained_without_its_log_and_with_one_of_any_length(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    assert launch.death(run, 1).reason == "run"
    (run.path / "worker.log").write_bytes(b"first\n" + b"\xff" * 200_000 + b"\nlast words\n")
    told = launch.death(run, 1)
    assert told.detail.endswith("\nlast words")
    assert "first" not in told.detail
    assert len(told.detail) < 100_000


@pytest.mark.parametrize(("asked", "threads"), [("3", 3), ("0", None), ("two", None), ("", None)])
def test_threads_are_those_asked_for(monkeypatch: pytest.MonkeyPatch, asked: str, threads: int | None) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(7)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert runs.available_threads() == (threads or 7)


@pytest.mark.parametrize("code", [-9, 137])
def test_a_kill_may_be_the_systems(code: int) -> None:
    assert "memory ran out" in launch.death(runs.create(config()), code).message


def test_a_run_comes_back_to_a_free_place_only() -> None:
    run = runs.create(config())
    trash = runs.remove(run)
    run.path.mkdir()
    with pytest.raises(StudioError, match="taken by now"):
        runs.restore(trash, run)
    assert Run(trash).config() == config()
    run.path.rmdir()
    runs.restore(trash, run)
    assert runs.listing() == [run]


def test_a_place_taken_while_a_run_comes_back_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(config())
    trash, rename = runs.remove(run), os.replace

    def late(source: Path, target: Path) -> None:
        (run.path / "of another").mkdir(parents=True)
        rename(source, target)

    monkeypatch.setattr("os.replace", late)
    with pytest.raises(StudioError, match=r"taken by now.*Move that away"):
        runs.restore(trash, run)
    assert Run(trash).config() == config()


def test_a_runs_process_sets_no_small_blocks_aside_unless_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for asked, told in (
        ("", "glibc.malloc.tcache_count=0"),
        ("glibc.rtld.nns=3", "glibc.rtld.nns=3:glibc.malloc.tcache_count=0"),
        ("glibc.malloc.tcache_count=7", "glibc.malloc.tcache_count=7"),
    ):
        monkeypatch.setenv("GLIBC_TUNABLES", asked)
        assert launch.environment() == os.environ | {"PYTHONPATH": launch.module_path(), "GLIBC_TUNABLES": told}


def test_a_run_that_a_program_has_open_stays_whole_and_is_told(tmp_path: Path) -> None:
    run = runs.create(config())
    with held(run.path / "run.json"), pytest.raises(StudioError, match="in use by another program") as caught:
        runs.remove(run)
    assert caught.value.reason == "disk"
    assert runs.listing() == [run]
    assert run.config() == config()
    assert list((paths.home() / "trash").iterdir()) == []
    trash = runs.remove(run)
    with held(trash / "run.json"), pytest.raises(StudioError, match="in use by another program"):
        runs.restore(trash, run)
    assert Run(trash).config() == config()
    assert runs.listing() == []
    runs.restore(trash, run)
    assert runs.listing() == [run]


def test_what_is_left_of_a_run_that_was_moved_is_no_run() -> None:
    run = runs.create(config())
    run.path.rename(files.hidden(run.path))
    assert runs.listing() == []


def test_two_that_look_by_taking_the_claim_are_not_taken_for_the_run(tmp_path: Path) -> None:
    run = runs.create(config(), tmp_path / "run")
    found = list[bool]()
    lookers = [
        threading.Thread(target=lambda: found.extend(run.is_claimed(wait_s=5.0) for _ in range(200))) for _ in range(3)
    ]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert found == [False] * 600
    with run.claim():
        assert run.is_claimed()
    assert not run.is_claimed()


def test_a_run_that_does_not_fit_into_a_trash_on_another_disk_stays_and_can_be_removed_later() -> None:
    resource, memory = pytest.importorskip("resource"), Path("/dev/shm")
    run, before = runs.create(config()), resource.getrlimit(resource.RLIMIT_FSIZE)
    if not memory.is_dir() or memory.stat().st_dev == run.path.stat().st_dev:
        pytest.skip("there is no second file system")
    with tempfile.TemporaryDirectory(dir=memory) as trash:
        (paths.home() / "trash").symlink_to(trash)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            with pytest.raises(StudioError, match=r"disk is full.*remove the run again: it is as it was"):
                runs.remove(run)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert list(Path(trash).iterdir()) == []
        assert (runs.listing(), run.config()) == ([run], config())
        trashed = runs.remove(run)
        assert os.listdir(trash) == [trashed.name]
        assert list(run.path.parent.iterdir()) == []
        runs.restore(trashed, run)
        assert runs.listing() == [run]


def test_a_place_of_runs_that_cannot_be_read_is_not_one_without_runs() -> None:
    assert runs.listing() == []
    paths.runs_dir().write_text("no folder")
    for look in (runs.listing, lambda: runs.find("x")):
        with pytest.raises(StudioError, match="runs cannot be read: Not a directory") as error:
            look()
        assert error.value.reason == "disk"
