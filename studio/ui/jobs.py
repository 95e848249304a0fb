"""The window's children: runs, followed through their folders, and short commands, followed through a pipe."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psutil
from PySide6.QtCore import QObject, QProcess, Qt, QThread, QTimer, Signal, SignalInstance

from studio.core import events, files, launch, run_queue, steps
from studio.core.errors import StudioError
from studio.core.runs import Run
from studio.ui.spare import PYTHON, Spare, made

_POLL_MS = 60
_CLEARS_MS = 10_000
_KILLED = 9  # SIGKILL, by which the system ends what takes too much memory
_SAID_LETTERS = 4000
_QUEUED_MS = 500  # there may be many that wait
_ALIVE_S = 0.5
_ONE_READS = threading.Lock()
_TURN_S = 0.005
# What the window keeps of each step: what it draws, and what it says of the last one also where a run has gone back.
DRAWN = ("step", "loss", "learning_rate", "grad_norm", "tokens_per_s", "reward_accuracy")
_SAID = ("reward_margin", "epoch", "memory_bytes", "trained_tokens", "step_s", "eta_s")
SHOWN = dict.fromkeys(DRAWN, "f8") | dict.fromkeys(_SAID, "f4")


def once(signal: SignalInstance, then: Callable[[], object]) -> None:
    """Calls `then` once behind the next `signal`, when whoever told it is done."""
    signal.connect(lambda: QTimer.singleShot(0, then), Qt.ConnectionType.SingleShotConnection)


class TrainingWorker(QThread):
    """Follows a run's events from the beginning of its file, and starts its process first if asked to.

    Live, re-attached and long finished runs come through here alike. The run's process does not depend on this
    thread: it goes on when the thread ends.

    Signals:
        lives: a process works on the run; told once, before all events.
        received: what the file tells in its order, much at once: events, and steps beside each other as `steps.Steps`.
        caught_up: all events that were there at first have been sent.
        refused: a `StudioError`: the process could not be started, or not told to end once it was; what there is of
            the run is followed all the same.
        ended: no process works on the run any more; carries an `events.Failed` for one that was there and said nothing
            of its end, or None.
    """

    lives = Signal()
    received = Signal(list)
    caught_up = Signal()
    refused = Signal(object)
    ended = Signal(object)

    def __init__(self, run: Run, *, start: bool, queued: bool = False, parent: QObject | None = None) -> None:
        """Follows `run`; with `start` its process is started or resumed, with `queued` to wait for its turn."""
        super().__init__(parent)
        self.followed = run
        self._starts, self._queued, self._is_queued = start, queued, False
        # How the process is to end, if it is. Looked at once the start is over: until then there is none.
        self._kills: bool | None = None
        self._told_before = 0
        self._lived = False
        self._leave = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._offset = 0

    def leave(self) -> None:
        """Ends the following, not the run; returns when the thread is done."""
        self._leave.set()
        self.wait()

    def signal_process(self, kill: bool) -> bool:
        """Terminates or kills the run's process, or whichever has it once a start is over; False if there is none.

        Raises:
            StudioError: (disk) it is to be asked to end, and that cannot be written.
        """
        self._kills = kill
        starting = self._starts
        process = self._process or (None if starting else owner(self.followed))
        if process is None:
            return starting
        try:
            if kill:
                process.kill()
                with suppress(StudioError):
                    run_queue.leave(self.followed)  # it was not cut off
            else:
                try:
                    self.followed.ask(events.Stop(keep=False))
                finally:
                    if sys.platform != "win32":  # there it would be killed too
                        process.terminate()
        except psutil.Error:
            return False  # it has just ended, or is another user's
        return True

    def run(self) -> None:
        """Follows the file until the process is gone and everything it wrote is sent; runs in the thread."""
        if self._starts:
            self._start()
        self._lived = alive = self._alive()
        looked = time.monotonic()
        if alive:
            self.lives.emit()
        self._send()
        self.caught_up.emit()
        while alive and not self._leave.is_set():
            if time.monotonic() - looked > _ALIVE_S or self._process is not None:
                looked, alive = time.monotonic(), self._alive()
            self._send()
            if alive:
                self._leave.wait((_QUEUED_MS if self._is_queued else _POLL_MS) / 1000)
        if alive:
            if self._process is not None:
                # Reaped by whoever is left, so that it leaves no zombie behind.
                threading.Thread(target=self._process.wait, daemon=True).start()
        else:
            self._send()
            death, self._process = self._death(), None
            self.ended.emit(death)

    def _start(self) -> None:
        self._told_before = files.length(self.followed.events_path)
        try:
            self._process = launch.start(self.followed, queued=self._queued)
        except StudioError as error:
            self.refused.emit(error)
        self._starts = False
        if self._kills is not None:
            try:
                self.signal_process(self._kills)
            except StudioError as error:
                self.refused.emit(error)

    def _alive(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return self.followed.alive()

    def _send(self) -> None:
        lines = [b""]
        while lines and not self._leave.is_set():
            # Among many threads that compute the window's own would have to wait for each.
            if not _ONE_READS.acquire(timeout=_TURN_S):
                continue  # it may be left meanwhile
            try:
                lines, self._offset = files.read_lines(self.followed.events_path, self._offset, files.PIECE_BYTES)
                batch = steps.read(lines, SHOWN)
            finally:
                _ONE_READS.release()
            if batch:
                self._is_queued = isinstance(batch[-1], events.Phase) and batch[-1].name == "queued"
                self.received.emit(batch)

    def _death(self) -> events.Failed | None:
        if self._process is None:
            return launch.vanished(self.followed) if self._lived else None
        code = self._process.returncode
        # What was there before tells how an earlier process ended.
        told = self._offset > self._told_before
        if not code or (told and isinstance(events.last(self.followed.events_path), events.Failed | events.Finished)):
            return None
        return launch.told_of(self.followed, code)


def owner(run: Run) -> psutil.Process | None:
    """Finds the process that works on `run`, also one that another window started."""
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if "worker" in words and str(run.path) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            return process
    return None


def _death(code: int, said: str, *, killed: bool) -> StudioError:
    """Explains a command that ended without an answer; `said` is what it printed besides."""
    detail = said[-_SAID_LETTERS:]
    if killed:
        message = "The command was killed, most likely because memory ran out."
        hint = "Close other programs or choose a smaller model, then try again."
        return StudioError("run", message, hint, detail)
    last = said.splitlines()[-1].strip() if said else ""
    hint = f"It said last: {last}" if last else "Try again."
    return StudioError("run", f"The command ended unexpectedly (code {code}).", hint, detail)


class Command(QObject):
    """One `studio` command in a process of its own, whose answer is the last line of JSON it prints.

    Signals:
        told: each line as it comes, decoded; of progress it is `doing`, `done` and `total`.
        done: what it printed, decoded.
        failed: a `StudioError` with its own words.
        over: after either of them.
    """

    told = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    over = Signal()

    def __init__(self, words: Sequence[str], parent: QObject, spare: Spare | None = None) -> None:
        """Starts `studio WORDS --json`, in the spare process if there is one; ends with `parent` if that goes first."""
        super().__init__(parent)
        # Behind `--` nothing is taken for an option.
        at = words.index("--") if "--" in words else len(words)
        told = [*words[:at], "--json", *words[at:]]
        taken = spare.take(told) if spare is not None else None
        self._process = taken or made(self)
        self._process.setParent(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finish)
        # Windows tells at once that there is no such program, before whoever asked listens.
        self._process.errorOccurred.connect(self._refuse, Qt.ConnectionType.QueuedConnection)
        self._cancelled = False
        self._printed = b""
        self._answer: Any = None
        if taken is None:
            self._process.setStandardInputFile(QProcess.nullDevice())
            self._process.start(sys.executable, [*PYTHON, *told])

    def cancel(self) -> None:
        """Kills the process and waits for its end; nothing but `over` is told after it."""
        self._cancelled = True
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished(3000)

    def interrupt(self) -> None:
        """Has the process clear up and end, and kills it if it does not; nothing but `over` is told after it."""
        if sys.platform == "win32" or self._process.state() != QProcess.ProcessState.Running:
            self.cancel()
            return
        self._cancelled = True
        os.kill(self._process.processId(), signal.SIGINT)
        QTimer.singleShot(_CLEARS_MS, self, self.cancel)

    def _refuse(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            words = "Check the installation with `studio doctor`."
            self.failed.emit(StudioError("run", f"Python could not be started: {sys.executable}.", words))
            self.over.emit()

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        if not self._cancelled:
            self._tell(code, status)
        self.over.emit()
        self.deleteLater()

    def _read(self) -> None:
        *lines, self._printed = (self._printed + self._process.readAllStandardOutput().data()).split(b"\n")
        for line in filter(bytes.strip, lines):
            try:
                self._answer = json.loads(line)
            except ValueError:
                self._answer = None
            if isinstance(self._answer, dict) and not self._cancelled:
                self.told.emit(self._answer)

    def _tell(self, code: int, status: QProcess.ExitStatus) -> None:
        self._printed += b"\n"
        self._read()
        said = self._process.readAllStandardError().toStdString().strip()
        answer = None if status == QProcess.ExitStatus.CrashExit else self._answer
        if isinstance(answer, dict) and "doing" in answer:
            answer = None  # it was at work when it ended
        if isinstance(answer, dict) and "error" in answer:
            error = answer["error"]
            self.failed.emit(StudioError(error["reason"], error["message"], error["hint"], error["detail"]))
        elif answer is None:
            self.failed.emit(
                _death(code, killed=status == QProcess.ExitStatus.CrashExit and code == _KILLED, said=said)
            )
        else:
            self.done.emit(answer)
