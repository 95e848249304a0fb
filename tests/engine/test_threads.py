"""How many threads a run computes with: as before, as asked, or as measured."""

from pathlib import Path

import pytest
import torch

from studio.core import events, runs
from studio.core.runs import Run
from studio.engine import threads
from tests.training import config, resume


@pytest.fixture(autouse=True)
def as_before() -> object:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_measured_number_is_one_of_those_tried() -> None:
    assert threads.fastest(1) == 1
    best = threads.fastest(2)
    assert best in (1, 2)
    assert torch.get_num_threads() == best


def test_the_environment_counts_unless_the_config_says_more(tmp_path: Path) -> None:
    assert threads.choose(runs.create(config(tmp_path), tmp_path / "one")) == 1
    assert threads.choose(runs.create(config(tmp_path, threads=2), tmp_path / "two")) == 2


def test_a_resumed_run_computes_with_as_many_threads_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(config(tmp_path, threads=2), tmp_path / "run")

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            run.ask(events.Stop(keep=False))

    resume(run, stop)
    assert told(run) == [2]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    resume(run)
    assert told(run) == [2, 2]
    assert torch.get_num_threads() == 2


def told(run: Run) -> list[int]:
    """Returns the number of threads of each attempt."""
    return [event.threads for event in run.follow() if isinstance(event, events.Prepared)]
