"""A table as all pages have it: what letters do, and what is said while nothing is in it."""

from collections.abc import Callable

from PySide6.QtCore import QAbstractItemModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from studio.ui.theme import GRID


class TableView(QTableView):
    """A table whose letters are commands.

    Attributes:
        none: what is said while there is no row.

    Signals:
        widened: its columns have more room now, or less.
    """

    widened = Signal()

    def __init__(self, pressed: Callable[[int], bool] = lambda _key: False) -> None:
        """Asks `pressed` what a key does; it says whether it did something."""
        super().__init__()
        self._ask = pressed
        self.none = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Says that there is no row, where there is none."""
        super().paintEvent(event)
        if self.none and not self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, self.none)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tells of another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.widened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Takes the letters for commands, the rest as any table does."""
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if not (plain and self._ask(event.key())):
            super().keyPressEvent(event)


def dress(made: QTableView, model: QAbstractItemModel, name: str) -> None:
    """Gives a table its model, its name for a screen reader, and the look of all tables."""
    made.setModel(model)
    made.setAccessibleName(name)
    made.setShowGrid(False)
    made.setTabKeyNavigation(False)
    made.setWordWrap(False)
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    made.verticalHeader().hide()
    made.verticalHeader().setDefaultSectionSize(4 * GRID)
    made.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    made.horizontalHeader().setHighlightSections(False)
    made.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
    made.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
