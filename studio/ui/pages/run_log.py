"""The end of a run's log, followed while it is looked at."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from studio.ui.parts import column, icon_button, label, row
from studio.ui.theme import Theme

_SHOWN_BYTES = 64_000
_LOOK_MS = 1000


class RunLog(QWidget):
    """What a run and its libraries print; the view follows the end while the end is in sight."""

    def __init__(self, theme: Theme, open_folder: Callable[[], object]) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._path: Path | None = None
        self._size = -1
        self.text = QPlainTextEdit()
        self.text.setObjectName("mono")
        self.text.setReadOnly(True)
        self.text.setPlaceholderText(self.tr("The run has printed nothing."))
        self.text.setAccessibleName(self.tr("The end of the run's log"))
        folder = icon_button(theme, "folder", self.tr("Open the run folder"), open_folder)
        notes = row(label(self.tr("What the run and its libraries print (worker.log)"), "caption"), None, folder)
        layout = column(notes, self.text)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._read)

    def show_log(self, path: Path | None) -> None:
        """Follows another file, or none."""
        self._path, self._size = path, -1
        self.text.clear()
        self._read()

    def showEvent(self, event: QShowEvent) -> None:
        """Begins to follow."""
        super().showEvent(event)
        self._read()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Follows nothing nobody sees."""
        self._timer.stop()
        super().hideEvent(event)

    def _read(self) -> None:
        if self._path is None or not self.isVisible():
            return
        try:
            size = self._path.stat().st_size
            if size == self._size:
                return
            with self._path.open("rb") as file:
                file.seek(max(0, size - _SHOWN_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return
        self._size = size
        bar = self.text.verticalScrollBar()
        where, follows = bar.value(), bar.value() >= bar.maximum() - 2
        self.text.setPlainText(text)
        bar.setValue(bar.maximum() if follows else where)
