"""One window for each folder of the user's data: a second start brings the first window forward.

Two windows would write the same settings, and the last one would overwrite the other's draft. The window holds a lock
while it lives, which the system frees however it ends, and watches for a file that a second start leaves.
"""

import time

import filelock
from PySide6.QtCore import QFileSystemWatcher, QObject, Qt
from PySide6.QtWidgets import QApplication, QMainWindow

from studio import paths
from studio.core.errors import StudioError

_ANSWER_S = 5.0  # a window that is just being opened answers when it is shown
_LOOK_S = 0.05


class Claim(QObject):
    """A window's claim to the user's data."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Claims nothing before `take`."""
        super().__init__(parent)
        self._lock = filelock.FileLock(paths.home() / "window.lock")
        self._wanted = paths.home() / "window.wanted"
        self._watcher: QFileSystemWatcher | None = None

    def take(self, answer_s: float = _ANSWER_S) -> bool:
        """Returns whether a window may be opened; False: another one is open, and has come forward.

        Args:
            answer_s: how long to wait for the other window, to come forward or to end.

        Raises:
            StudioError: (busy) the other window does not answer.
        """
        deadline, asked = time.monotonic() + answer_s, False
        try:
            paths.home().mkdir(parents=True, exist_ok=True)
            while not self._locked():
                if asked and not self._wanted.exists():
                    return False
                if time.monotonic() > deadline:
                    self._wanted.unlink(missing_ok=True)
                    message = "A window of Finetune Studio is open already and does not answer."
                    raise StudioError("busy", message, "Close it, or end its process, and start again.")
                if not asked:
                    self._wanted.touch()
                    asked = True
                time.sleep(_LOOK_S)  # no window is open yet that could stand still meanwhile
            self._wanted.unlink(missing_ok=True)
        except (OSError, NotImplementedError):
            pass  # a folder that takes no lock is most likely one that takes no settings either
        return True

    def watch(self) -> None:
        """Brings the window forward whenever another start asks for it; to be called once the window is shown."""
        self._watcher = QFileSystemWatcher([str(paths.home())], self)
        self._watcher.directoryChanged.connect(self._look)
        self._look()

    def release(self) -> None:
        """Lets another window be opened."""
        if self._watcher is not None:
            self._watcher.deleteLater()
            self._watcher = None
        self._lock.release()

    def _locked(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            return False
        return True

    def _look(self) -> None:
        if self._wanted.exists():
            self._wanted.unlink(missing_ok=True)
            come_forward()


def come_forward() -> None:
    """Shows the program's window in front of others, or has the desktop point at it where that is not allowed."""
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QMainWindow) and window.isVisible():
            window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
            window.raise_()
            window.activateWindow()
            QApplication.alert(window)
