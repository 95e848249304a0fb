"""The run's own process: it waits for its turn, loads what its run needs, and no more."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from studio.core import events, launch, run_queue, runs, settings
from studio.core.runs import Run
from studio.core.settings import Settings
from tests.core.test_awake import inhibitor
from tests.training import config

__all__ = ["inhibitor"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("model", "training", "loaded"),
    [
        ({}, {}, False),
        ({"quantization": "nf4"}, {}, True),
        ({}, {"optim": "adamw_8bit"}, True),
    ],
)
def test_bitsandbytes_is_loaded_only_where_it_is_needed(
    model: dict[str, Any], training: dict[str, Any], loaded: bool, tmp_path: Path
) -> None:
    run = runs.create(config(tmp_path, model=model, rows=6, max_steps=1, **training), tmp_path / "run")
    code = (
        "import sys; from pathlib import Path; from studio.engine import child;"
        "assert child.main(Path(sys.argv[1]), 0) == 0; print(sys.modules.get('bitsandbytes') is not None)"
    )
    settings.save(Settings(notify=False, when_ended=f"touch {tmp_path / 'told'}"))
    done = subprocess.run(
        [sys.executable, "-c", code, str(run.path)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == [str(loaded)], done.stderr[-2000:]
    assert run.progress().finished is not None
    until((tmp_path / "told").exists)


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def phases(run: Run) -> list[tuple[str, str]]:
    return [(event.name, event.detail) for event in run.follow() if isinstance(event, events.Phase)]


def test_a_queue_goes_on_where_a_run_is_killed_and_keeps_what_the_system_ended(tmp_path: Path, inhibitor: Path) -> None:
    spec = config(tmp_path, rows=6, num_train_epochs=10_000, save_steps=10_000)
    first, second, third = (runs.create(spec, tmp_path / name) for name in ("first", "second", "third"))
    with ExitStack() as started:
        processes = [started.enter_context(launch.start(run, queued=True)) for run in (first, second, third)]
        for process in processes:
            started.callback(process.kill)
        until(lambda: first.summary().step)
        assert "sleep" in inhibitor.read_text(), "the computer is kept awake"
        inhibitor.unlink()
        settings.save(Settings(keep_awake=False, when_ended=f"touch {tmp_path / 'told'}"))
        until(lambda: ("queued", "first") in phases(second) and third.alive())
        assert second.summary().state_of(alive=True) == "queued"
        assert run_queue.queued() == [second, third]
        # One that waits is asked to stop, and the one at work is killed.
        third.ask(events.Stop())
        assert processes[2].wait(60) == 0
        assert third.progress().prepared is None
        assert [item.command["kind"] for item in third.progress().obeyed] == ["stop"]
        processes[0].kill()
        until(lambda: second.summary().step)
        assert [name for name, _ in phases(second)][:2] == ["queued", "loading"]
        assert not inhibitor.exists(), "nor is it where the user does not want it"
        # The machine shuts down.
        processes[1].send_signal(signal.SIGTERM)
        assert processes[1].wait(60) == 0
    assert [saved.step for saved in second.progress().saved] == [second.progress().step]
    assert not (tmp_path / "told").exists(), "what was asked to stop, or killed, is no news"
    until(lambda: len(run_queue.cut_off()) == 2)
    assert run_queue.cut_off() == [first, second], "not the third, which was stopped"
