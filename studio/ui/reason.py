"""A sentence that says why something cannot be done, and leads to where it can be mended."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLabel


class Reason(QLabel):
    """A sentence that leads to what it is about.

    Signals:
        clicked: by the mouse, or by Return or Space.
    """

    clicked = Signal()

    def __init__(self) -> None:
        """Says nothing yet."""
        super().__init__()
        self.setObjectName("reason")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(self.tr("Go to it"))
        self.setAccessibleDescription(self.tr("Why it cannot start"))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Leads there."""
        self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leads there."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)
