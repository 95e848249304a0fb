"""A run's process is started once, of a run that is there, and outside of the job of whoever starts it."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.core import events, launch, run_queue, runs
from studio.core.errors import EXIT_CODES, StudioError
from studio.core.launch import first_allowed
from tests.core.test_progress import step
from tests.core.test_runs import config


def test_a_run_is_not_removed_while_its_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(config())

    class Late(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **named: Any) -> None:
            with pytest.raises(StudioError, match="Another process is working on the run"):
                runs.remove(run)
            super().__init__(*args, **named)

    monkeypatch.setattr(subprocess, "Popen", Late)
    # There is no such data file.
    assert launch.start(run, queued=True).wait(100) == EXIT_CODES["data"]
    assert run_queue.listed() == []
    runs.remove(run)
    with pytest.raises(StudioError, match=r"There is no run .* any more"):
        launch.start(run)


def test_a_process_that_ends_before_it_is_at_work_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = tmp_path / "ends"
    ends.write_text("#!/bin/sh\necho so it is >&2\nexit 99\n")
    ends.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(ends))
    with pytest.raises(StudioError, match=r"ended unexpectedly \(code 99\)") as caught:
        launch.detach(runs.create(config()))
    assert caught.value.detail == "so it is"


def test_a_process_that_ends_as_soon_as_it_is_at_work_tells_of_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.create(config())
    told = tmp_path / "told"
    told.write_bytes(events.encode(events.Failed(reason="data", message="Gone.", hint="Look.")))
    ends = tmp_path / "ends"
    ends.write_text(f"#!/bin/sh\ncat {told} >> {run.events_path}\nexit {EXIT_CODES['data']}\n")
    ends.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(ends))
    launch.detach(run)
    (failed,) = run.follow()
    assert isinstance(failed, events.Failed)
    assert failed.message == "Gone."


def test_a_run_that_goes_on_says_so_before_all_is_loaded() -> None:
    run = runs.create(config())
    for event in (events.Phase(name="training"), step(1)):
        run.emit(event)
    launch.start(run).wait(100)
    training, _, loading, *_, failed = run.follow()
    assert isinstance(loading, events.Phase)
    assert isinstance(failed, events.Failed)
    assert loading.name == "loading"
    told = run.summary()
    told.apply(training)
    told.apply(loading)
    assert (told.state, told.step) == ("preparing", 1)


def test_a_job_that_lets_nothing_go_keeps_the_process() -> None:
    asked = []

    def begin(flags: int) -> subprocess.Popen[bytes]:
        asked.append(flags)
        if flags == 3:
            raise PermissionError(13, "Access is denied")
        return subprocess.Popen([sys.executable, "-c", ""])

    for ways, tried in (((3, 1), [3, 1]), ((1, 0), [1])):
        assert first_allowed(begin, ways).wait(60) == 0
        assert asked == tried
        asked.clear()
    with pytest.raises(PermissionError):
        first_allowed(begin, (3, 3))


@pytest.mark.parametrize("cut_off", [False, True])
def test_what_cannot_be_started_is_as_it_was(cut_off: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(config())
    if cut_off:
        run_queue.arrive(run, waits=True)

    class Refused(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **named: Any) -> None:
            self.returncode = 1  # it is asked for as this goes
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", Refused)
    monkeypatch.setattr(run_queue, "_BEGINS_S", 0.0)
    with pytest.raises(StudioError, match="could not be started"):
        launch.start(run, queued=True)
    assert run_queue.cut_off() == [run] * cut_off


@pytest.mark.parametrize(("code", "listed"), [(-9, True), (1, False)])
def test_a_killed_process_was_cut_off_whoever_looks(code: int, listed: bool) -> None:
    run = runs.create(config())
    run_queue.arrive(run, waits=True)
    run.emit(events.Phase(name="queued", detail="another"))
    told = launch.told_of(run, code)
    assert told.killed == listed
    assert ("while it waited for its turn" in told.message) == listed
    assert run_queue.cut_off() == [run] * listed
