"""Followed runs: each event once whatever comes between, refused starts, and glances at the end of a file."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QProcess, QThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio import paths
from studio.core import events, launch, runs
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.runs import Run
from studio.core.units import moment_in_brief
from studio.ui import jobs
from studio.ui.curves import Curve
from studio.ui.models import LOSS, SAID, WHEN, RunModel, RunTable, glance
from tests.ui.told import evaluated, made_run, prepared, step, tell

STEPS = 3000


@pytest.fixture
def long_run() -> Run:
    run = made_run("long")
    tell(run, prepared(STEPS), *(step(number, 1.0) for number in range(1, STEPS + 1)))
    return run


def test_what_was_on_its_way_when_a_run_is_read_anew_is_not_taken_twice(long_run: Run, qtbot: QtBot) -> None:
    model = RunModel(long_run)
    stops = list[None]()
    model.stopped.connect(lambda: stops.append(None))
    model.attach()
    assert model._worker is not None
    assert model._worker.wait(5000)
    model.attach()  # all of the first worker's signals still wait to be delivered
    qtbot.waitUntil(lambda: bool(stops))
    qtbot.wait(100)
    assert [item.step for item in model.progress.steps] == list(range(1, STEPS + 1))
    assert len(model.curves["loss"]) == STEPS
    assert len(stops) == 1
    model.leave()
    qtbot.waitUntil(lambda: not model.findChildren(QThread))


def test_a_run_that_went_back_shows_what_counts_and_of_its_last_step_all_that_is_said(qtbot: QtBot) -> None:
    run = made_run("back")
    told = [step(number, 1 / number) for number in range(1, 2001)]
    tell(run, prepared(2000), *told, evaluated(900, 0.5, True), evaluated(1900, 0.25, True))
    tell(run, events.Resumed(step=1000, checkpoint=""), *(step(number, 3.0) for number in range(1001, 1200)))
    model = RunModel(run)
    model.attach()
    qtbot.waitUntil(lambda: model.progress.step == 1199)
    losses = model.curves["loss"]
    assert losses.y.tolist() == [*(item.loss for item in told[:1000]), *[3.0] * 199]
    assert [curve.x.tolist() for name, curve in model.curves.items() if name in ("grad_norm", "eval_loss")] == [
        list(range(1, 1200)), [900],
    ]  # fmt: skip
    plain = Curve(0.6)
    plain.extend(losses.x, losses.y)
    np.testing.assert_allclose(losses.smoothed, plain.smoothed, atol=1e-12)
    tell(run, events.Resumed(step=1000, checkpoint=""))
    model.attach()
    qtbot.waitUntil(lambda: len(losses) == 1000)
    last = model.progress.steps[-1]
    head = ("step", "loss", "learning_rate", "tokens_per_s", "memory_bytes", "reward_margin", "reward_accuracy")
    assert all(getattr(last, name) == getattr(told[999], name) for name in head)
    assert f"{last.epoch:.2f}" == f"{told[999].epoch:.2f}"
    model.leave()


def test_a_run_that_goes_on_elsewhere_is_followed_where_a_start_is_refused(long_run: Run, qtbot: QtBot) -> None:
    model = RunModel(long_run)
    with long_run.claim():
        with qtbot.waitSignal(model.refused) as refused:
            model.start()
        assert refused.args[0].reason == "busy"
        qtbot.waitUntil(lambda: model.progress.step == STEPS)
        qtbot.wait(100)
        assert model.alive
        assert model.state() == "training", "it is not this window's start"
        tell(long_run, step(STEPS + 1, 0.5))
        qtbot.waitUntil(lambda: model.progress.step == STEPS + 1)
    qtbot.waitUntil(lambda: not model.alive)
    model.leave()


def test_a_run_that_cannot_be_started_says_why_and_keeps_its_curve(long_run: Run, qtbot: QtBot) -> None:
    (long_run.path / "worker.log").mkdir()
    model = RunModel(long_run)
    with qtbot.waitSignals([model.refused, model.stopped]):
        model.start()
    assert not model.alive
    assert not model.lived
    assert model.progress.step == STEPS
    assert model.can_resume()
    model.leave()


@pytest.mark.parametrize("kill", [True, False])
def test_a_run_that_is_only_just_started_ends_when_asked_to(qtbot: QtBot, kill: bool) -> None:
    model = RunModel(made_run("soon"))
    model.start()
    with qtbot.waitSignal(model.stopped):
        assert model.end_process(kill)
    # Told to end when it just is at work, it ends by a command.
    assert model.state() in (("failed",) if kill else ("failed", "interrupted"))
    assert not model.end_process(kill)
    model.leave()


def test_a_run_that_cannot_be_asked_to_end_says_so_and_is_followed_all_the_same(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, ready = made_run("full"), threading.Event()
    run.commands_path.mkdir()

    def start(_run: Run, *, queued: bool) -> "subprocess.Popen[bytes]":
        ready.wait()
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

    monkeypatch.setattr(launch, "start", start)
    # There a process can only be killed.
    monkeypatch.setattr(jobs, "sys", SimpleNamespace(platform="win32"))
    model = RunModel(run)
    model.start()
    assert model.end_process(kill=False)
    with qtbot.waitSignal(model.refused) as refused:
        ready.set()
    assert refused.args[0].reason == "disk"
    qtbot.waitUntil(lambda: model.alive)
    assert model.end_process(kill=True)
    qtbot.waitUntil(lambda: not model.alive)
    model.leave()


HOLDER = """
import filelock, sys, time
lock = filelock.FileLock(sys.argv[2] + "/run.lock")
lock.acquire()
print("held", flush=True)
time.sleep(600)  # until it is killed
"""


@pytest.mark.parametrize("kill", [True, False])
def test_what_is_to_end_ends_also_where_its_start_is_refused(qtbot: QtBot, kill: bool) -> None:
    run = made_run("taken")
    other = subprocess.Popen([sys.executable, "-c", HOLDER, "worker", str(run.path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        model = RunModel(run)
        with qtbot.waitSignals([model.refused, model.stopped]):
            model.start()
            assert model.end_process(kill)
        assert other.wait(60) == (-signal.SIGKILL if kill else -signal.SIGTERM)
        model.leave()
    finally:
        other.kill()
        other.communicate()


def test_a_run_that_goes_on_and_is_killed_at_once_tells_of_this_end(qtbot: QtBot) -> None:
    run = made_run("again")
    tell(run, prepared(9), step(1, 2.0), events.Failed(reason="memory", message="Memory ran out.", hint="Halve it."))
    model = RunModel(run)
    model.start()
    with qtbot.waitSignal(model.stopped):
        assert model.end_process(kill=True)
    assert model.progress.failed is not None
    assert "was killed" in model.progress.failed.message
    assert run.progress().failed == model.progress.failed
    model.leave()


def test_a_last_event_of_any_length_is_seen() -> None:
    run = made_run("long words")
    tell(run, prepared(9), events.Failed(reason="data", message="m", hint="h", detail="x" * 200_000))
    assert glance(run).state == "failed"
    assert isinstance(events.tail(run.events_path)[-1], events.Failed)


def test_a_run_without_a_name_is_called_after_its_data_and_every_figure_has_its_name(tmp_path: Path) -> None:
    for path in ("/data/shop/2024.jsonl", "hf://datasets/owner/letters?split=train", "/data/shop.recipe.json"):
        runs.create(RunConfig(data=DataSpec(path=path)), paths.runs_dir() / f"run-{len(runs.listing())}")
    tell(runs.find("run-0"), prepared(9), step(1, 2.0), step(2, 1.25))
    table = RunTable()
    table.refresh(runs.listing())
    said = [(table.data(table.index(row, 0)), table.data(table.index(row, 0), SAID)) for row in range(3)]
    assert said[2] == ("shop/2024", "Interrupted, step 2")
    assert [table.data(table.index(row, 0), LOSS) for row in range(3)] == ["", "", "loss 1.250"]
    assert table.data(table.index(0, 0), WHEN) == moment_in_brief(table.items[0].created_s)
    assert said[:2] == [("shop", "Interrupted, step 0"), ("letters", "Interrupted, step 0")]


def test_a_command_finds_what_this_process_finds(
    qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    assert launch.module_path().split(os.pathsep)[1:] == ["/somewhere/else"]
    command = jobs.Command(["adapters", "list"], qapp)
    assert command._process.processEnvironment().value("PYTHONPATH") == launch.module_path()
    with qtbot.waitSignal(command.done) as done:
        pass
    assert done.args == [[]]


class Refused(QProcess):
    """One whose program is not there, which Windows tells at once."""

    def start(self, *_words: object) -> None:
        self.errorOccurred.emit(QProcess.ProcessError.FailedToStart)


def test_a_command_that_cannot_be_started_tells_so_whoever_asked_for_it(
    qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "made", Refused)
    command = jobs.Command(["adapters", "list"], qapp)
    with qtbot.waitSignals([command.failed, command.over]):
        pass
    command.deleteLater()


@pytest.mark.skipif(sys.platform == "win32", reason="there no signal ends a process")
@pytest.mark.parametrize(
    ("ended", "said"), [(signal.SIGKILL, "most likely because memory ran out"), (signal.SIGABRT, "(code 6)")]
)
def test_a_command_that_the_system_ends_says_why(
    qapp: QApplication, qtbot: QtBot, ended: signal.Signals, said: str
) -> None:
    command = jobs.Command(["adapters", "list"], qapp)
    assert command._process.waitForStarted()
    os.kill(command._process.processId(), ended)
    with qtbot.waitSignal(command.failed) as failed:
        pass
    (error,) = failed.args or [None]
    assert isinstance(error, StudioError)
    assert said in error.message
    assert error.hint


def test_a_command_that_breaks_off_tells_its_last_words(
    qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PYTHON", ["-c", "import sys; sys.exit('first\\nthe disk is gone')"])
    command = jobs.Command([], qapp)
    with qtbot.waitSignal(command.failed) as failed:
        pass
    (error,) = failed.args or [None]
    assert isinstance(error, StudioError)
    assert error.hint == "It said last: the disk is gone"
    assert error.detail == "first\nthe disk is gone"
