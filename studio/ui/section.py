"""A part of a form that can be folded away."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QToolButton

from studio.ui.parts import column, label, row
from studio.ui.theme import GRID, Theme

_LABELS_PX = 22 * GRID


class Section(QFrame):
    """A card with a heading that folds it.

    Attributes:
        grid: where the rows go.
        heading: the button that folds.
    """

    def __init__(self, title: str, theme: Theme) -> None:
        """Is open at first."""
        super().__init__()
        self.setObjectName("card")
        self._theme = theme
        self.heading = QToolButton()
        self.heading.setObjectName("section")
        self.heading.setText(title)
        self.heading.setAccessibleName(title)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setCheckable(True)
        self.heading.setChecked(True)
        self.heading.toggled.connect(self._fold)
        self._note = label("", "caption")
        self.grid = QGridLayout()
        self.grid.setColumnMinimumWidth(0, _LABELS_PX)
        self.grid.setColumnStretch(1, 1)
        self.grid.setVerticalSpacing(0)
        self.grid.setHorizontalSpacing(2 * GRID)
        self._body = QFrame()
        self._body.setLayout(self.grid)
        self.grid.setContentsMargins(GRID, GRID, 0, 0)
        head = row(self.heading, None, self._note)
        layout = column(head, self._body, spacing=0)
        layout.setContentsMargins(GRID, GRID, 2 * GRID, GRID)
        self.setLayout(layout)
        self._fold(True)

    def note(self, text: str) -> None:
        """Says something at the right of the heading."""
        self._note.setText(text)

    def unfold(self) -> None:
        """Shows the rows."""
        self.heading.setChecked(True)

    def _fold(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self._theme.dress(self.heading, "chevron-up" if opened else "chevron-down")
