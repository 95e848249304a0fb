"""The queue of runs: each in its turn, whoever is killed, and what was cut off is known."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from studio import paths
from studio.core import events, run_queue, runs
from studio.core.errors import StudioError
from studio.core.runs import Run
from tests.core.test_runs import config


class Machine:
    """Runs whose processes this one stands for: it holds their claims."""

    def __init__(self) -> None:
        self.held: dict[Path, ExitStack] = {}

    def start(self, *, waits: bool = True) -> Run:
        run = runs.create(config())
        run_queue.enter(run, waits=waits)
        return self.hold(run)

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
    assert (run_queue.there(), run_queue.waiting()) == ([first, second, third], [second, third])
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
    assert run_queue.admit(other) is None, "one that torchrun started, say, is at work too"
    machine.end(at_once)
    assert run_queue.admit(waiting) == other


def test_a_waiting_run_can_begin_now_or_have_another_place(machine: Machine) -> None:
    first, second, third, fourth = (machine.start() for _ in range(4))
    run_queue.admit(first)
    run_queue.move(fourth, 0)
    run_queue.move(second, 9)
    assert run_queue.waiting() == [fourth, third, second]
    run_queue.move(third, -3)
    assert run_queue.waiting() == [third, fourth, second]
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
def test_of_runs_that_wait_one_begins_where_the_list_was_damaged(machine: Machine, damage: bytes) -> None:
    first, second = machine.start(), machine.start()
    (paths.home() / "queue.json").write_bytes(damage)
    assert run_queue.listed() == []
    assert run_queue.admit(first, waited=True) is None
    assert run_queue.admit(second, waited=True) == first
    machine.kill(first)
    assert run_queue.admit(second, waited=True) is None


def test_a_process_that_was_just_started_counts_before_it_has_its_claim(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_queue, "_BEGINS_S", 60.0)
    first = runs.create(config())
    run_queue.enter(first, waits=True)
    second = machine.start()
    assert run_queue.admit(second) == first
    assert run_queue.cut_off() == []
    monkeypatch.setattr(run_queue, "_BEGINS_S", 0.0)
    assert run_queue.admit(second) is None, "it never came"


def test_a_list_that_cannot_be_written_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(config())
    (paths.home() / "queue.json").mkdir()
    with pytest.raises(StudioError) as caught:
        run_queue.enter(run, waits=True)
    assert caught.value.reason == "disk"
