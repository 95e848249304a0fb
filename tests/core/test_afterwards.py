"""The computer sleeps or shuts down once no run is left: after a while, once, and only if it is still asked for."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio import paths
from studio.core import afterwards, run_queue
from studio.core.afterwards import Asked
from studio.core.errors import StudioError
from tests.core.test_run_queue import Machine, machine

__all__ = ["machine"]
SOON_S, LONG_S = 0.4, 60.0


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Puts programs in the system's place that only note what they were asked for; returns the note."""
    note = tmp_path / "note"
    note.touch()
    for name in ("systemctl", "pmset", "osascript", "notify-send"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {note}\n')
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    yield note
    # Whatever became of the test: its process must not outlive these programs, for it would find the system's own.
    afterwards.cancel()
    until(lambda: not afterwards._is_seen_to())


@pytest.fixture
def seen_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a command that only ends stand for the process, whose work the tests do in theirs."""
    monkeypatch.setattr(sys, "executable", "true")


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def watching(grace_s: float) -> threading.Thread:
    made = threading.Thread(target=afterwards.watch, args=[grace_s])
    made.start()
    return made


def ended(thread: threading.Thread) -> bool:
    thread.join(30)
    return not thread.is_alive()


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs cannot be put in the system's place so")


@pytest.mark.usefixtures("seen_to")
def test_it_waits_for_all_runs_and_then_acts_once(machine: Machine, system: Path) -> None:
    first, second = machine.start(), machine.start()
    run_queue.admit(first)
    afterwards.ask("shutdown").wait()
    assert afterwards.asked() is None, "nobody sees to it yet"
    thread = watching(SOON_S)
    until(lambda: afterwards.asked() == Asked("shutdown"))
    machine.end(first)
    time.sleep(2 * SOON_S)  # longer than it would take
    assert system.read_text() == "", "the second is there"
    machine.kill(second)
    assert ended(thread)
    assert [line.split()[0] for line in system.read_text().splitlines()] == ["notify-send", "systemctl"]
    assert system.read_text().endswith("systemctl poweroff\n")
    assert (afterwards.asked(), afterwards.watch(SOON_S)) == (None, 0)
    assert system.read_text().count("systemctl") == 1


@pytest.mark.usefixtures("seen_to")
def test_what_begins_meanwhile_is_waited_for_and_it_can_be_called_off(machine: Machine, system: Path) -> None:
    first = machine.start()
    afterwards.ask("sleep").wait()
    thread = watching(LONG_S)
    machine.end(first)
    until(lambda: (found := afterwards.asked()) is not None and found.due_s)
    second = machine.start()
    until(lambda: afterwards.asked() == Asked("sleep"))
    machine.end(second)
    until(lambda: (found := afterwards.asked()) is not None and found.due_s)
    afterwards.cancel()
    assert ended(thread)
    assert "systemctl" not in system.read_text()
    afterwards.cancel()  # nothing is there to be taken back


@pytest.mark.usefixtures("seen_to", "system")
def test_one_that_was_killed_leaves_nothing_that_is_due(machine: Machine) -> None:
    machine.start()
    afterwards.ask("sleep").wait()
    (paths.home() / "afterwards-due.json").write_text(json.dumps(time.time() + 0.1))
    assert afterwards.asked() is None
    thread = watching(SOON_S)
    until(lambda: afterwards.asked() == Asked("sleep"))
    afterwards.cancel()
    assert ended(thread)


@pytest.mark.usefixtures("seen_to")
def test_a_second_process_leaves_it_to_the_first(
    machine: Machine, system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "_TAKES_OVER_S", 0.1)
    run = machine.start()
    afterwards.ask("sleep").wait()
    thread = watching(SOON_S)
    until(afterwards.asked)
    assert afterwards.watch(SOON_S) == 0
    machine.end(run)
    assert ended(thread)
    assert system.read_text().count("systemctl suspend") == 1


def test_without_runs_it_is_refused() -> None:
    with pytest.raises(StudioError, match="No run is at work") as told:
        afterwards.ask("sleep")
    assert told.value.reason == "run"
    assert afterwards.asked() is None


def test_a_process_that_cannot_be_started_leaves_nothing_asked_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.start()
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    with pytest.raises(StudioError, match="could not be started"):
        afterwards.ask("sleep")
    assert not (paths.home() / "afterwards.json").exists()


@pytest.mark.usefixtures("seen_to")
def test_a_refusal_of_the_system_is_told(machine: Machine, system: Path) -> None:
    run = machine.start()
    afterwards.ask("shutdown").wait()
    machine.end(run)
    (system.parent / "systemctl").write_text("#!/bin/sh\necho 'Access denied' >&2\nexit 4\n")
    assert afterwards.watch(SOON_S) == 4
    assert "The computer was left on Access denied" in system.read_text()


def test_the_process_of_its_own_sees_to_it(machine: Machine, system: Path) -> None:
    run = machine.start()
    process = afterwards.ask("sleep")
    until(afterwards.asked)
    assert process.poll() is None
    afterwards.cancel()
    assert process.wait(30) == 0
    machine.end(run)
    assert "systemctl" not in system.read_text()


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_each_system_has_a_command_for_each(platform: str) -> None:
    assert afterwards.command(platform, "sleep") != afterwards.command(platform, "shutdown")


@pytest.mark.usefixtures("seen_to")
def test_with_a_list_that_cannot_be_read_the_computer_stays_on(machine: Machine, system: Path) -> None:
    run = machine.start()
    afterwards.ask("sleep").wait()
    (paths.home() / "queue.json").write_text("[")
    machine.kill(run)
    thread = watching(SOON_S)
    time.sleep(3 * SOON_S)  # longer than it would take
    afterwards.cancel()
    assert ended(thread)
    assert system.read_text() == ""


@pytest.mark.usefixtures("seen_to")
def test_a_due_time_that_cannot_be_noted_is_kept_all_the_same(machine: Machine, system: Path) -> None:
    run = machine.start()
    afterwards.ask("sleep").wait()
    (paths.home() / "afterwards-due.json").mkdir()
    machine.end(run)
    assert afterwards.watch(SOON_S) == 0
    assert system.read_text().endswith("systemctl suspend\n")
