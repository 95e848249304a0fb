"""A box to write in that is sent by Ctrl+Enter."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit

from studio.ui.theme import GRID


class Prompt(QPlainTextEdit):
    """A question, or an answer to look at.

    Signals:
        sent: Ctrl+Enter.
    """

    sent = Signal()

    def __init__(self, hint: str) -> None:
        """Is empty, and shows a `hint` as long as it is."""
        super().__init__()
        self.setPlaceholderText(hint)
        self.setTabChangesFocus(True)
        self.setMinimumHeight(8 * GRID)
        self.setMaximumHeight(12 * GRID)

    def event(self, event: QEvent) -> bool:
        """Keeps Ctrl+Enter from being another page's shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _sends(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Sends on Ctrl+Enter."""
        if _sends(event):
            self.sent.emit()
        else:
            super().keyPressEvent(event)


def _sends(event: QKeyEvent) -> bool:
    enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
    return enter and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
