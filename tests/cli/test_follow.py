"""A run goes on whatever becomes of the command that began or shows it: no output, a script that ends, a twin."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from studio.core import events, runs
from studio.core.errors import EXIT_CODES
from studio.core.runs import Run
from tests.cli.test_runs import ROOT, studio, until, worker_of, written
from tests.training import config


def started(folder: Path, words: str = "", **more: Any) -> "tuple[subprocess.Popen[str], Run]":
    """Starts a run of many epochs by a shell's command, and waits for its first steps."""
    path, run = written(config(folder, num_train_epochs=200), folder), Run(folder / "run")
    command = f"{words} exec {sys.executable} -m studio train {path} --run-dir {run.path} --json"
    starter = subprocess.Popen(command, shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True, **more)
    until(lambda: (run.path / "run.json").exists() and run.progress().step > 2)
    return starter, run


def ended(run: Run) -> None:
    run.ask(events.Stop(keep=False))
    until(lambda: not run.alive(), 100)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
def test_where_its_output_cannot_be_written_the_run_goes_on_and_that_is_said(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        starter, run = started(tmp_path, stdout=full)
    _, errors = starter.communicate(timeout=100)
    alive = run.alive()
    ended(run)
    assert alive
    assert starter.returncode == EXIT_CODES["disk"], errors
    assert errors.splitlines()[-3:] == [
        f"The run goes on; `studio runs show {run.path}` shows how far it is.",
        "The output could not be written: No space left on device.",
        "Free some space, or send it elsewhere.",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="there, no program is started deaf to Ctrl+C by a shell")
def test_what_was_started_deaf_to_an_interrupt_stays_so(tmp_path: Path) -> None:
    starter, run = started(tmp_path, "trap '' INT;", stdout=subprocess.DEVNULL)
    starter.send_signal(signal.SIGINT)
    step = run.progress().step
    until(lambda: run.progress().step > step + 3 or not run.alive())
    ended(run)
    _, errors = starter.communicate(timeout=100)
    assert "Stopping" not in errors
    assert "Ended without a result." in errors


def test_of_two_that_resume_a_run_at_once_one_is_told_that_it_is_going(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, num_train_epochs=100))
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda _: studio("runs", "resume", run.name, "--detach"), range(2)))
    began, refused = sorted(ends, key=lambda end: end.returncode)
    os.kill(worker_of(run), signal.SIGKILL)
    assert (began.stdout, refused.returncode) == (f"{run.name} goes on.\n", EXIT_CODES["busy"])
    assert f"The run {run.name} is already going." in refused.stderr
