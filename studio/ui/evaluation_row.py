"""A row of an evaluation: what is asked, its own answer, and what each column wrote, side by side."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QWidget

from studio.core.evaluations import Result
from studio.ui import words
from studio.ui.answer_view import mark_different
from studio.ui.elided import Elided
from studio.ui.evaluation_tables import said_of
from studio.ui.parts import clear, column, holder, row, scrolling, show_text
from studio.ui.theme import GRID, Theme


class _Text(QFrame):
    """A text under its title, with a line of what is said of it."""

    def __init__(self, title: str, name: str = "") -> None:
        super().__init__()
        self.setObjectName("card")
        self.setMinimumWidth(24 * GRID)
        self.box = QPlainTextEdit()
        self.box.setObjectName("answer")
        self.box.setReadOnly(True)
        self.box.setTabChangesFocus(True)
        self.box.setMinimumHeight(5 * GRID)
        self.box.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.box.document().setDocumentMargin(0)
        self.box.setAccessibleName(name or title)
        self.said = Elided("", "caption")
        layout = column(Elided(title, "heading"), self.box, self.said, margin=GRID + GRID // 2)
        layout.setStretch(1, 1)
        self.setLayout(layout)


class EvaluationRow(QWidget):
    """The row that is looked at.

    Attributes:
        asked, own: what stands before its last answer, and that.
        columns: what each wrote.
    """

    def __init__(self, theme: Theme) -> None:
        """Shows none."""
        super().__init__()
        self._theme = theme
        self.columns: list[_Text] = []
        self._shown: Result | None = None
        theme.changed.connect(self.mark)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID)
        self.asked, self.own = _Text(self.tr("Asked")), _Text(self.tr("The row's own answer"))
        first = row(self.asked, self.own, spacing=GRID)
        first.setStretch(0, 1)
        first.setStretch(1, 1)
        self._body = row(holder(first), holder(self._row), spacing=GRID)
        self._body.setStretch(0, 2)
        self.setLayout(column(scrolling(holder(self._body, "body"))))
        self.setMinimumHeight(18 * GRID)

    def set_columns(self, names: Sequence[str]) -> None:
        """Makes room for what these write."""
        clear(self._row)
        self._shown = None
        self.columns = [_Text(name, self.tr("Answer of {name}").format(name=name)) for name in names]
        for made in self.columns:
            self._row.addWidget(made, 1)
        self._body.setStretch(1, len(names))

    def mark(self) -> None:
        """Marks anew what differs from the row's own answer, in the colours of the theme."""
        found = self._shown
        for at, text in enumerate(self.columns):
            compared = found is not None and found.columns[at].answer is not None and found.desirable is not False
            mark_different(text.box, found.own if found is not None and compared else None, self._theme.palette)

    def show_row(self, found: Result | None) -> None:
        """Shows a row, or none."""
        if found is self._shown and found is not None:
            return  # looking for what differs takes a while
        self._shown = found
        bad, marked = (
            self.tr("Labelled bad"),
            self.tr("Marked in the others: what is not here"),
        )
        self.own.said.setText(bad if found is not None and found.desirable is False else marked)
        for text, said in zip((self.asked, self.own), (found.asked, found.own) if found else ("", ""), strict=True):
            show_text(text.box, said)
        for at, text in enumerate(self.columns):
            read = found.columns[at] if found is not None else None
            answer = (read.answer or "") if read is not None else ""
            show_text(text.box, answer)
            said = said_of(found, at) if found is not None else ""
            if read is not None and read.fault:
                said = words.sentence(read.fault)
            elif read is not None and read.cut:
                said = words.listed((self.tr("cut at the longest answer"), said))
            text.said.setText(said)
            text.said.setToolTip(said)
        self.mark()
