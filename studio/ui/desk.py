"""The window's side of the desk process: asks, streams the answers as signals, and starts it again when it dies."""

import sys
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from studio import paths
from studio.core import desk, launch

# As VS Code does with its extension host: three deaths in five minutes are bad luck, one more is a pattern.
MOST_DEATHS, DEATHS_WITHIN_S = 3, 300.0
# A request that has not ended so long after its cancellation hangs in foreign code; the process is ended then.
CANCEL_MS = 5000
_CLOSE_MS = 1000
_LOG_LINES = 20
_KILLED = 9  # SIGKILL, which Windows does not name


class Call(QObject):
    """One request on its way. It ends with exactly one of `done`, `failed` and `cancelled`, and then `ended`.

    Attributes:
        request: what was asked.
        open: whether the end is still to come.

    Signals:
        progressed: a `desk.Progress`.
        piece: (column, text), the next piece of an answer.
        found: a list of an audit's findings, as `desk.Found` has them.
        results: a list of an evaluation's rows, as `desk.Results` has them.
        done: the `desk.Result`.
        failed: a `desk.Failed`.
        cancelled: ended as asked.
        ended: after any of the three.
    """

    progressed = Signal(object)
    piece = Signal(int, str)
    found = Signal(list)
    results = Signal(list)
    done = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()

    def __init__(self, request: desk.Request, owner: "Desk") -> None:
        """Is made by `Desk.ask`."""
        super().__init__(owner)
        self.request = request
        self.open = True

    def cancel(self) -> None:
        """Asks for the end; harmless where it has come already."""
        # Asked for, not held: a call that goes would take a desk that only it still held with it, and itself again.
        if self.open and isinstance(owner := self.parent(), Desk):
            owner.cancel(self)

    def take(self, reply: desk.Reply) -> None:
        """Turns a reply into signals; for `Desk` alone."""
        if not self.open:
            return
        match reply:
            case desk.Progress():
                self.progressed.emit(reply)
                return
            case desk.Piece():
                self.piece.emit(reply.column, reply.text)
                return
            case desk.Found():
                self.found.emit(reply.findings)
                return
            case desk.Results():
                self.results.emit(reply.results)
                return
        self.open = False
        match reply:
            case desk.Done():
                self.done.emit(reply.result)
            case desk.Failed():
                self.failed.emit(reply)
            case desk.Cancelled():
                self.cancelled.emit()
        self.ended.emit()
        self.deleteLater()


class Desk(QObject):
    """Holds the desk process: started with the first request, ended with the window.

    Where it dies, the request it was working on fails, those behind it are asked again of a new process. All methods
    are for the window's thread, and none of them waits, `close` excepted.

    Signals:
        worked: a request was asked or has ended.
    """

    worked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts nothing yet."""
        super().__init__(parent)
        self._calls: dict[int, Call] = {}
        self._last_id = 0
        self._deaths: deque[float] = deque()
        self._process: QProcess | None = None
        self._closed = self._holds = False

    @property
    def process_id(self) -> int:
        """The process's id; 0: none is running."""
        return int(self._process.processId()) if self._process else 0

    def requests(self) -> list[desk.Request]:
        """Returns what has been asked and not yet ended, the oldest first."""
        return [call.request for call in self._calls.values()]

    def ask(self, request: desk.Request) -> Call:
        """Sends a request; connect to the call's signals before returning to the event loop."""
        self._last_id += 1
        self._holds = self._holds or isinstance(request, desk.Answer | desk.Score | desk.Evaluate)
        call = Call(replace(request, id=self._last_id), self)
        if self._closed or (self._process is None and self._worn()):
            # Later, since nobody is connected yet.
            QTimer.singleShot(0, call, lambda: call.take(self._worn_out(call.request.id)))
            return call
        self._calls[self._last_id] = call
        if self._process is None:
            self._start()
        else:
            self._write(call.request)
        self.worked.emit()
        return call

    def release(self) -> None:
        """Has the process give back the memory of the models it holds, behind what was asked of it before."""
        if self._holds and self._process is not None:
            self.ask(desk.Release())
        self._holds = False

    def cancel(self, call: Call) -> None:
        """Ends a call: politely at first, and with the process if it does not listen."""
        self._write(desk.Cancel(id=call.request.id))
        QTimer.singleShot(CANCEL_MS, call, lambda: self._force(call))

    def close(self) -> None:
        """Cancels every call and ends the process: within a second by itself, since its input ends, or by force."""
        self._closed = True
        process, self._process = self._process, None
        if process is not None:
            self._part_from(process)
            process.closeWriteChannel()
            if not process.waitForFinished(_CLOSE_MS):
                process.kill()
        for old in self.findChildren(QProcess):
            old.waitForFinished(_CLOSE_MS)
            old.deleteLater()
        for call in list(self._calls.values()):
            self._end(call, desk.Cancelled(id=call.request.id))

    def _start(self) -> None:
        home = paths.home()
        home.mkdir(parents=True, exist_ok=True)
        process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(["-P", "-m", "studio", "desk"])
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONPATH", launch.module_path())
        process.setProcessEnvironment(environment)
        process.setWorkingDirectory(str(home))
        process.setStandardErrorFile(str(_log()))
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._error)
        self._process = process
        process.start()
        for call in self._calls.values():
            self._write(call.request)

    def _write(self, item: desk.Request | desk.Cancel) -> None:
        if self._process is not None:
            self._process.write(desk.encode(item))

    def _read(self) -> None:
        # Whole lines alone: half a line stays where it is until its end arrives.
        while self._process is not None and self._process.canReadLine():
            reply = desk.decode_reply(bytes(self._process.readLine().data()))
            call = self._calls.get(reply.id) if reply else None
            if call is not None and isinstance(reply, desk.Progress | desk.Piece | desk.Found | desk.Results):
                call.take(reply)
            elif call is not None and reply is not None:
                self._end(call, reply)

    def _end(self, call: Call, reply: desk.Reply) -> None:
        self._calls.pop(call.request.id, None)
        call.take(reply)
        self.worked.emit()

    def _force(self, call: Call) -> None:
        if call.open and self._process is not None:
            self._end(call, desk.Cancelled(id=call.request.id))
            self._retire(self._process)
            if self._calls:
                self._start()

    def _retire(self, process: QProcess) -> None:
        """Kills a process that is no longer listened to; it is deleted once it has ended."""
        self._process = None
        self._part_from(process)
        process.finished.connect(process.deleteLater)
        process.kill()

    def _part_from(self, process: QProcess) -> None:
        process.readyReadStandardOutput.disconnect(self._read)
        process.finished.disconnect(self._finished)
        process.errorOccurred.disconnect(self._error)

    def _error(self, error: QProcess.ProcessError) -> None:
        # Every other error is followed by `finished`.
        if error == QProcess.ProcessError.FailedToStart:
            self._finished(-1, QProcess.ExitStatus.NormalExit)

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        self._deaths.append(time.monotonic())
        waiting = list(self._calls.values())
        failed = self._dead(-code if status == QProcess.ExitStatus.CrashExit else code)
        worn = self._worn()
        # It works in order, so the oldest request is the one it died of; the others are innocent.
        for call in waiting if worn else waiting[:1]:
            self._end(call, replace(failed, id=call.request.id))
        if self._process is None and not self._closed and self._calls:
            self._start()

    def _worn(self) -> bool:
        """Whether it died too often of late to be started once more."""
        while self._deaths and time.monotonic() - self._deaths[0] > DEATHS_WITHIN_S:
            self._deaths.popleft()
        return len(self._deaths) > MOST_DEATHS

    def _dead(self, code: int) -> desk.Failed:
        if self._worn():
            return self._worn_out(0)
        if code == -launch.TEMPLATE_SIGNAL:
            message = self.tr("Laying out a row with the chat template did not come to an end.")
            hint = self.tr("Choose another chat template.")
        elif code == -_KILLED:
            message = self.tr("The helper process was killed, most likely because memory ran out.")
            hint = self.tr("Close other programs or choose a smaller model, then try again: it starts by itself.")
        else:
            message = self.tr("The helper process ended unexpectedly (code %1).").replace("%1", str(code))
            hint = self.tr("Try again: it starts by itself. The details show what it said last.")
        return desk.Failed(id=0, reason="crash", message=message, hint=hint, detail=_log_tail())

    def _worn_out(self, request_id: int) -> desk.Failed:
        message = self.tr("The helper process ended again and again, so it is not started for now.")
        hint = self.tr("Wait five minutes or start Finetune Studio again; the details show what it said last.")
        return desk.Failed(id=request_id, reason="crash", message=message, hint=hint, detail=_log_tail())


def _log() -> Path:
    return paths.home() / "desk.log"


def _log_tail() -> str:
    try:
        text = _log().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
