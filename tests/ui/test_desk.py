"""The window's end of the desk, on real processes: streaming, cancelling, deaths, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QProcess
from pytestqt.qtbot import QtBot

from studio.core import desk
from studio.core.desk import Answer, Sampling, Tokens
from studio.ui import desk as client
from studio.ui.desk import Call, Desk
from tests.desks import ASK, ENDLESS_ANSWER, endless_model
from tests.models import tiny

WAIT_MS = 240_000  # it only keeps a test from hanging: what loads torch takes long on a loaded machine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny("llama", tmp_path_factory.mktemp("tiny") / "llama"))


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    folder = endless_model(tmp_path_factory.mktemp("endless"))
    return Answer(model=folder, adapters=[None], messages=ASK, sampling=ENDLESS_ANSWER)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a process take longer than any test waits, so that what ends in time has ended by itself."""
    monkeypatch.setattr(client, "CANCEL_MS", 2 * WAIT_MS)
    monkeypatch.setattr(client, "_CLOSE_MS", WAIT_MS // 4)


@pytest.fixture
def made(qtbot: QtBot) -> Iterator[Desk]:
    found = Desk()
    yield found
    found.close()


class Told:
    """Everything a call's signals said, in order."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.pieces: list[tuple[int, str]] = []
        self.ends: list[Any] = []
        self.closed = 0
        call.piece.connect(lambda column, text: self.pieces.append((column, text)))
        call.done.connect(self.ends.append)
        call.failed.connect(self.ends.append)
        call.cancelled.connect(lambda: self.ends.append("cancelled"))
        call.ended.connect(self._count)

    def _count(self) -> None:
        self.closed += 1

    @property
    def end(self) -> Any:
        assert len(self.ends) == self.closed == 1
        return self.ends[0]


@pytest.mark.usefixtures("patient")
def test_answers_stream_and_calls_end_once(qtbot: QtBot, made: Desk, model: str, endless: Answer) -> None:
    assert made.process_id == 0
    asked = Answer(model=model, adapters=[None], messages=ASK, sampling=Sampling(max_new_tokens=12))
    told = [Told(made.ask(request)) for request in (asked, desk.Hardware(), Tokens(file="/no/such.file"))]
    qtbot.waitUntil(lambda: all(item.closed for item in told), timeout=WAIT_MS)
    assert "".join(text for _, text in told[0].pieces) == told[0].end.columns[0].text
    assert "torch" in told[1].end.facts["packages"]
    assert (told[2].end.reason, bool(told[2].end.hint)) == ("data", True)

    long = Told(made.ask(endless))
    waiting = Told(made.ask(desk.Hardware()))
    qtbot.waitUntil(lambda: bool(long.pieces), timeout=WAIT_MS)
    waiting.call.cancel()
    long.call.cancel()
    qtbot.waitUntil(lambda: bool(long.closed and waiting.closed), timeout=WAIT_MS)
    assert (long.end, waiting.end) == ("cancelled", "cancelled")

    process = made._process
    assert process is not None
    for line in ("nonsense\n", '{"kind": "tokens", "id": 99, "row": -5}\n'):
        process.write(line.encode())
    again = Told(made.ask(desk.Hardware()))
    qtbot.waitUntil(lambda: bool(again.closed), timeout=WAIT_MS)
    assert "torch" in again.end.facts["packages"]
    made.close()
    assert process.state() == QProcess.ProcessState.NotRunning
    assert (process.exitStatus(), process.exitCode()) == (QProcess.ExitStatus.NormalExit, 0), "by itself, not by force"
    late = Told(made.ask(desk.Hardware()))
    qtbot.waitUntil(lambda: bool(late.closed), timeout=WAIT_MS)
    assert late.end.reason == "crash"


def test_models_are_released_once_and_only_where_there_are_some(qtbot: QtBot, made: Desk, model: str) -> None:
    made.release()
    assert made.process_id == 0, "no process is started for that"
    told = Told(made.ask(desk.Hardware()))
    made.release()
    assert [request.kind for request in made.requests()] == ["hardware"]
    sampling = Sampling(max_new_tokens=2)
    answer = Told(made.ask(Answer(model=model, adapters=[None], messages=ASK, sampling=sampling)))
    for _ in range(2):
        made.release()
        assert [request.kind for request in made.requests()] == ["hardware", "answer", "release"]
    qtbot.waitUntil(lambda: not made.requests(), timeout=WAIT_MS)
    assert isinstance(answer.end, desk.Answers)
    assert "torch" in told.end.facts["packages"]


@pytest.mark.usefixtures("patient")
def test_what_waits_for_the_process_to_load_ends_at_once(
    qtbot: QtBot, made: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loading is not over before the test is.
    (tmp_path / "torch.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = Told(made.ask(desk.Hardware()))
    told.call.cancel()
    qtbot.waitUntil(lambda: bool(told.closed), timeout=WAIT_MS)
    assert told.end == "cancelled"
    assert made.process_id, "and the process goes on loading"


def test_killed_in_the_middle_it_starts_again(qtbot: QtBot, made: Desk, model: str, endless: Answer) -> None:
    broken = Told(made.ask(endless))
    innocent = Told(made.ask(Tokens(messages=[*ASK, desk.Message(role="assistant", content="Paris")], model=model)))
    qtbot.waitUntil(lambda: bool(broken.pieces), timeout=WAIT_MS)
    first = made.process_id
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(broken.closed), timeout=WAIT_MS)
    assert broken.end.reason == "crash"
    assert "memory" in broken.end.message
    qtbot.waitUntil(lambda: bool(innocent.closed), timeout=WAIT_MS)
    assert innocent.end.text.endswith("Paris<|im_end|>\n")
    assert made.process_id not in (0, first)


def test_one_that_does_not_listen_is_ended(qtbot: QtBot, made: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CANCEL_MS", 500)
    hanging, behind = Told(made.ask(desk.Hardware())), Told(made.ask(desk.Hardware()))
    deaf = signalled(made, signal.SIGSTOP)
    with qtbot.waitSignal(hanging.call.ended, timeout=WAIT_MS):
        hanging.call.cancel()
    assert hanging.end == "cancelled"
    qtbot.waitUntil(lambda: bool(behind.closed), timeout=WAIT_MS)
    assert "torch" in behind.end.facts["packages"]
    assert made.process_id not in (0, deaf)


def test_one_that_keeps_dying_is_left_alone(qtbot: QtBot, made: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Told] = []
    for _ in range(client.MOST_DEATHS + 1):
        told.append(Told(made.ask(desk.Hardware())))
        signalled(made, signal.SIGKILL)
        qtbot.waitUntil(lambda: bool(told[-1].closed), timeout=WAIT_MS)
    assert [item.end.reason for item in told] == ["crash"] * 4
    assert "again and again" in told[-1].end.message
    refused = Told(made.ask(desk.Hardware()))
    qtbot.waitUntil(lambda: bool(refused.closed), timeout=WAIT_MS)
    assert "again and again" in refused.end.message
    assert made.process_id == 0
    # Five minutes later it may try once more.
    monkeypatch.setattr(client, "DEATHS_WITHIN_S", -1.0)
    made.ask(desk.Hardware())
    assert made.process_id


def test_a_call_that_has_ended_can_be_cancelled_and_does_not_hold_its_desk(qtbot: QtBot) -> None:
    made, gone = Desk(), list[str]()
    made.destroyed.connect(lambda: gone.append("desk"))
    made.close()
    told = Told(made.ask(desk.Hardware()))
    qtbot.waitUntil(lambda: bool(told.closed))
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    told.call.cancel()
    # The one that only a call on its way knows goes with it, and that once.
    ended: list[int] = []
    made.ask(desk.Hardware()).ended.connect(lambda: ended.append(1))
    del made
    qtbot.waitUntil(lambda: gone == ["desk"])
    assert ended == [1]


def signalled(made: Desk, number: signal.Signals) -> int:
    """Sends a signal to the process that was started last; returns its id."""
    assert made._process is not None
    assert made._process.waitForStarted(WAIT_MS)
    os.kill(made.process_id, number)
    return made.process_id


WINDOW = """
from PySide6.QtCore import QCoreApplication
from studio.core.desk import Hardware
from studio.ui.desk import Desk
app = QCoreApplication([])
desk = Desk()
desk.ask(Hardware())
desk._process.started.connect(lambda: print(desk.process_id, flush=True))
app.exec()
"""


def test_it_ends_with_a_window_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", WINDOW], stdout=subprocess.PIPE) as window:
        assert window.stdout is not None
        process = psutil.Process(int(window.stdout.readline()))
        while process.num_threads() < 2:  # the second one reads; the first goes on to load torch
            time.sleep(0.01)
        window.kill()
        process.wait(WAIT_MS / 1000)


def test_what_an_audit_finds_comes_as_signals(qtbot: QtBot, made: Desk, model: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": "write to a@b.org"}\n' * 3)
    call = made.ask(desk.Audit(file=str(path), model=model))
    told = Told(call)
    found: list[str] = []
    call.found.connect(lambda findings: found.extend(item["key"] for item in findings))
    qtbot.waitUntil(lambda: bool(told.closed), timeout=WAIT_MS)
    assert set(found) == {item["key"] for item in told.end.findings} == {"mail", "duplicate"}
