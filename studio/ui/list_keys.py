"""Choosing from a list out of the search box above it."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem


class ListKeys(QObject):
    """Moves through a list and chooses from it, past what is disabled, by the keys of a box above it.

    Signals:
        chosen: a line, by Return or a click.
    """

    chosen = Signal(QListWidgetItem)

    def __init__(self, box: QLineEdit, lines: QListWidget) -> None:
        """Takes the keys that `box` and `lines` would."""
        super().__init__(lines)
        self._lines = lines
        box.installEventFilter(self)
        # Its own signal for Return comes with a click too where the desktop opens things with one.
        lines.installEventFilter(self)
        lines.itemClicked.connect(self._choose)

    def rest_on(self, at: int) -> None:
        """Marks a line, or the next that is not disabled, and shows it."""
        self._lines.setCurrentRow(at)
        if not _enabled(self._lines.item(at)):
            self._move(1)
        self._lines.scrollToTop()
        self._lines.scrollToItem(self._lines.currentItem())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Moves and chooses."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if step := {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0):
                self._move(step)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self._lines.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _move(self, step: int) -> None:
        count, at = self._lines.count(), self._lines.currentRow()
        around = ((at + step * n) % count for n in range(1, count))
        self._lines.setCurrentRow(next((n for n in around if _enabled(self._lines.item(n))), at))

    def _choose(self, item: QListWidgetItem) -> None:
        if _enabled(item):
            self.chosen.emit(item)


def _enabled(item: QListWidgetItem) -> bool:
    return bool(item.flags() & Qt.ItemFlag.ItemIsEnabled)
