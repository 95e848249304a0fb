"""A text in a label's place that breaks within long words too, and is selected and copied as it is."""

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy

# Without it the last line counts as half out of sight, and could be scrolled to.
_SPARE_PX = 1


class Passage(QPlainTextEdit):
    """Plain text of as many lines as it needs; a label would break them between words only."""

    def __init__(self, text: str) -> None:
        """Shows `text`."""
        super().__init__()
        self.setObjectName("answer")
        self.setReadOnly(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(text)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setPlainText(text)

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
