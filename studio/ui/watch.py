"""The machine's state for the window, read in a thread: a driver may take seconds to answer, or never do."""

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from studio.core.machine import Machine

_PERIOD_S = 2.0
_LEAVE_S = 1.0


class MachineWatch(QObject):
    """Reads the machine every two seconds.

    Attributes:
        latest: what was read last; None: nothing yet.

    Signals:
        seen: a `Machine`, in the window's thread.
    """

    seen = Signal(object)
    _read = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        """Reads nothing before `start`."""
        super().__init__(parent)
        self.latest: Machine | None = None
        self._left = threading.Event()
        # A daemon: a driver that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._follow, name="machine", daemon=True)
        self._read.connect(self._take)

    def start(self) -> None:
        """Begins to read; once."""
        self._thread.start()

    def leave(self) -> None:
        """Reads no longer; waits for the thread unless the driver hangs."""
        self._left.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVE_S)

    def _follow(self) -> None:
        from studio.core.machine import Probe

        probe = Probe()
        while not self._left.is_set():
            found = probe.read()
            if not self._left.is_set():
                self._read.emit(found)
            self._left.wait(_PERIOD_S)
        probe.close()

    def _take(self, found: "Machine") -> None:
        self.latest = found
        self.seen.emit(found)
