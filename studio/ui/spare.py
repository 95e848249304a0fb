"""The window's command processes, and a spare one that is started ahead, since to start takes longer than to work."""

import json
import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer

from studio.core import launch

# Behind the work that the last one was taken for.
_AGAIN_MS = 3000
_CLOSE_MS = 1000


class Spare(QObject):
    """Keeps one process that has loaded what reads data files and waits to be told what to do.

    It ends when its input does: with the window, however that ends.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Keeps none before `keep`."""
        super().__init__(parent)
        self._process: QProcess | None = None
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(_AGAIN_MS)
        self._again.timeout.connect(self.keep)
        self._keeps = self._closed = False

    @property
    def process_id(self) -> int:
        """The id of the process that waits; 0: none does."""
        return int(self._process.processId()) if self._process is not None else 0

    def keep(self) -> None:
        """Has a process wait from now on, and another one a while after it was taken, until `close`; none after it."""
        if self._closed:
            return
        self._keeps = True
        if self._process is None:
            self._process = made(self)
            self._process.start(sys.executable, [*PYTHON, "spare"])

    def take(self, words: Sequence[str]) -> QProcess | None:
        """Tells the process that waits what to do and hands it over; None: there is none."""
        process, self._process = self._process, None
        if self._keeps:
            self._again.start()
        if process is None or process.state() == QProcess.ProcessState.NotRunning:
            return None
        process.write(json.dumps(list(words)).encode() + b"\n")
        process.closeWriteChannel()
        return process

    def close(self) -> None:
        """Ends the process that waits."""
        self._keeps, self._closed = False, True
        self._again.stop()
        process, self._process = self._process, None
        if process is not None:
            process.closeWriteChannel()
            if not process.waitForFinished(_CLOSE_MS):
                process.kill()
                process.waitForFinished(_CLOSE_MS)


# -P keeps the working folder out of the module search.
PYTHON = ("-P", "-m", "studio")


def made(parent: QObject) -> QProcess:
    """Returns a process, not yet started, in which this program's commands run and tell of their progress."""
    process = QProcess(parent)
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("PYTHONPATH", launch.module_path())
    environment.insert("PYTHONIOENCODING", "utf-8")
    environment.insert("STUDIO_PROGRESS", "1")
    process.setProcessEnvironment(environment)
    return process
