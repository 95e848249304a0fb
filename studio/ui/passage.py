"""A text in a label's place that breaks within long words too, and is selected and copied as it is."""

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy

from studio.ui.parts import show_text

# Without it the last line counts as half out of sight, and could be scrolled to.
_SPARE_PX = 1


class Passage(QPlainTextEdit):
    """Plain text of as many lines as it needs; a label would break them between words only."""

    def __init__(self, text: str) -> None:
        """Shows `text`."""
        super().__init__()
        self.setObjectName("answer")
        self.setReadOnly(True)
        by = Qt.TextInteractionFlag
        self.setTextInteractionFlags(by.TextSelectableByMouse | by.TextSelectableByKeyboard)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(text)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Shows another text, and asks for the room it needs."""
        show_text(self, text)
        self.updateGeometry()

    def add(self, piece: str) -> None:
        """Shows more behind the text."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(piece)
        self.updateGeometry()

    def heightForWidth(self, width: int) -> int:
        """Returns how tall its lines are together."""
        self.ensurePolished()
        # The box's own document counts lines, and only of the width it has.
        measured = QTextDocument()
        measured.setDocumentMargin(0)
        measured.setDefaultFont(self.font())
        measured.setDefaultTextOption(self.document().defaultTextOption())
        measured.setPlainText(self.toPlainText())
        edge = 2 * self.frameWidth() + _SPARE_PX
        measured.setTextWidth(width - 2 * self.frameWidth())
        return math.ceil(measured.size().height()) + edge

    def sizeHint(self) -> QSize:
        """Room for one line."""
        edge = 2 * self.frameWidth() + _SPARE_PX
        return QSize(super().sizeHint().width(), self.fontMetrics().lineSpacing() + edge)

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters."""
        return QSize(self.fontMetrics().averageCharWidth() * 4, self.sizeHint().height())
