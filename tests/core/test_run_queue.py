"""The queue of runs: each in its turn, whoever is killed, and what was cut off is known."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studio import paths
from studio.core import events, files, run_queue, runs
from studio.core.errors import StudioError
from studio.core.runs import Run
from tests.core.test_runs import config


class Machine:
    """Runs whose processes this one stands for: it holds their claims."""

    def __init__(self) -> None:
        self.held: dict[Path, ExitStack] = {}

    def start(self, *, waits: bool = True) -> Run:
        run = runs.create(config())
        run_queue.enter([run], waits=waits)
        self.hold(run)
        run_queue.arrive(run, waits=waits)
        return run

    def hold(self, run: Run) -> Run:
        self.held[run.path] = ExitStack()
        self.held[run.path].enter_context(run.claim())
        return run

    def kill(self, run: Run) -> None:
        self.held.pop(run.path).close()

    def end(self, run: Run) -> None:
        run_queue.leave(run)
        self.kill(run)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine on which processes take their claims as they start."""
    monkeypatch.setattr(run_queue, "_BEGINS_S", 0.0)
    made = Machine()
    yield made
    for run in list(made.held):
        made.kill(Run(run))


def test_each_run_has_its_turn_in_the_order_of_the_starts(machine: Machine) -> None:
    first, second, third = (machine.start() for _ in range(3))
    assert run_queue.admit(first) is None
    assert [run_queue.admit(run) for run in (third, second, first)] == [first, first, None]
    assert (run_queue.there(), run_queue.queued()) == ([first, second, third], [second, third])
    machine.end(first)
    assert run_queue.admit(third) == second
    assert run_queue.admit(second) is None
    machine.end(second)
    assert run_queue.admit(third) is None
    machine.end(third)
    assert run_queue.listed() == []


def test_a_run_that_is_killed_lets_the_next_begin_and_is_known_as_cut_off(machine: Machine) -> None:
    first, second, third = (machine.start() for _ in range(3))
    run_queue.admit(first)
    machine.kill(second)
    assert run_queue.admit(third) == first
    assert run_queue.cut_off() == [second]
    machine.kill(first)
    assert run_queue.admit(third) is None
    assert run_queue.cut_off() == [first, second], "what was at work is first"
    second.emit(events.Failed(reason="memory", message="Too much.", hint="Take less."))
    assert run_queue.cut_off() == [first], "why it ended was told"
    second.emit(events.Phase(name="loading"))
    assert run_queue.cut_off() == [first, second], "it was going on again"
    runs.remove(first)
    assert run_queue.cut_off() == [second]


def test_one_that_is_started_at_once_waits_for_nobody_and_all_wait_for_it(machine: Machine) -> None:
    waiting = machine.start()
    at_once = machine.start(waits=False)
    assert run_queue.admit(at_once) is None
    assert run_queue.admit(waiting) == at_once
    other = machine.hold(runs.create(config()))
    run_queue.arrive(other, waits=False)  # as one that torchrun started
    machine.end(at_once)
    assert run_queue.admit(waiting) == other


def test_a_run_told_to_begin_before_its_process_is_there_begins(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machine.start()
    run_queue.admit(first)
    monkeypatch.setattr(run_queue, "_BEGINS_S", 60.0)
    second = runs.create(config())
    run_queue.enter([second], waits=True)
    run_queue.start_now(second)
    machine.hold(second)
    run_queue.arrive(second, waits=True)
    assert run_queue.admit(second) is None


def test_a_waiting_run_can_begin_now_or_have_another_place(machine: Machine) -> None:
    first, second, third, fourth = (machine.start() for _ in range(4))
    run_queue.admit(first)
    run_queue.move(fourth, 0)
    run_queue.move(second, 9)
    assert run_queue.queued() == [fourth, third, second]
    run_queue.move(third, -3)
    assert run_queue.queued() == [third, fourth, second]
    assert run_queue.admit(third) == first, "what is at work stays before all"
    run_queue.start_now(second)
    assert run_queue.admit(second) is None
    machine.end(first)
    assert run_queue.admit(third) == second
    for refused in (first, second):
        with pytest.raises(StudioError, match="does not wait for its turn"):
            run_queue.start_now(refused)
        with pytest.raises(StudioError, match="does not wait for its turn"):
            run_queue.move(refused, 0)


@pytest.mark.parametrize("damage", [b"", b"[{", b"{}", b'[3, {"run": 1}]', b"[" * 100_000])
def test_a_list_that_is_damaged_is_made_anew_of_what_lives(machine: Machine, damage: bytes) -> None:
    first, second, third = (machine.start() for _ in range(3))
    assert run_queue.admit(first) is None
    (paths.home() / "queue.json").write_bytes(damage)
    assert run_queue.listed() == []
    for _ in range(2):
        assert run_queue.admit(third) in (first, second), "one at work, or one that has not looked yet"
        assert run_queue.admit(second) is not None
    machine.kill(first)
    assert run_queue.admit(third) is None, "it looked first"
    assert run_queue.admit(second) == third


def test_a_list_that_cannot_be_read_is_not_taken_for_none(machine: Machine) -> None:
    first, second = machine.start(), machine.start()
    file = paths.home() / "queue.json"
    held = file.read_bytes()
    file.unlink()
    file.mkdir()
    for act in (run_queue.listed, lambda: run_queue.admit(second), lambda: run_queue.enter([first], waits=True)):
        with pytest.raises(StudioError) as caught:
            act()
        assert caught.value.reason == "disk"
    assert (run_queue.there(), run_queue.queued(), run_queue.cut_off()) == ([], [], [])
    file.rmdir()
    file.write_bytes(held)
    assert run_queue.queued() == [first, second]


def test_a_turn_that_cannot_be_noted_is_taken_all_the_same(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = machine.start(), machine.start()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_atomic", full)
    assert run_queue.admit(first) is None
    assert run_queue.admit(second) == first, "which is listed before it"


def test_a_run_is_itself_by_whatever_way_its_folder_is_reached(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(paths.runs_dir(), target_is_directory=True)
    first = runs.create(config())
    run_queue.enter([first], waits=True)
    again = machine.hold(Run(tmp_path / "link" / first.name))
    run_queue.arrive(again, waits=True)
    assert len(run_queue.listed()) == 1
    assert run_queue.admit(again) is None
    machine.kill(again)


def test_runs_are_made_and_queued_all_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    made = run_queue.prepare([config(), config()])
    assert run_queue.queued() == made
    create, asked = runs.create, list[None]()

    def fails(*given: Any) -> Run:
        asked.append(None)
        if len(asked) == 3:
            raise StudioError("disk", "The disk is full.", "Free some space.")
        return create(*given)

    monkeypatch.setattr(runs, "create", fails)
    with pytest.raises(StudioError, match="The disk is full"):
        run_queue.prepare([config()] * 4)
    assert sorted(run.name for run in runs.listing()) == sorted(run.name for run in made)
    assert run_queue.queued() == made


_TAKES_PART = """
import sys, time
from pathlib import Path
from studio.core import run_queue
from studio.core.runs import Run
run = Run(Path(sys.argv[1]))
with run.claim(5):
    run_queue.arrive(run, waits=True)
    while run_queue.admit(run) is not None:
        time.sleep(0.01)
    began = time.time()
    time.sleep(0.05)
    print(began, time.time(), flush=True)
    run_queue.leave(run)
"""


def test_of_many_processes_that_wait_one_works_at_a_time_in_their_order() -> None:
    made = run_queue.prepare([config()] * 6)
    root = Path(__file__).resolve().parents[2]
    asked = [[sys.executable, "-c", _TAKES_PART, str(run.path)] for run in reversed(made)]
    started = [subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, text=True) for words in asked]
    told = [process.communicate(timeout=120)[0].split() for process in started]
    spans = [(float(began), float(ended)) for began, ended in reversed(told)]
    assert all(ended <= begins for (_, ended), (begins, _) in pairwise(spans)), spans
    assert run_queue.listed() == []


def test_a_process_that_was_just_started_counts_before_it_has_its_claim(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_queue, "_BEGINS_S", 60.0)
    first = runs.create(config())
    run_queue.enter([first], waits=True)
    second = machine.start()
    assert run_queue.admit(second) == first
    assert run_queue.cut_off() == []
    monkeypatch.setattr(run_queue, "_BEGINS_S", 0.0)
    assert run_queue.admit(second) is None, "it never came"
