"""What a run told besides its numbers: how many rows it uses, and in order what it met with and was asked."""

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from studio.core import happened
from studio.core.progress import Progress
from studio.ui import words
from studio.ui.parts import breakable, clear, column, holder, label, scrolling, selectable
from studio.ui.theme import GRID

_MOST = 200  # one that is paused and asked again and again has many


class RunHappened(QWidget):
    """A quiet list: when, behind which step, what.

    Attributes:
        counts: of rows.
        texts: a label of each thing that happened, the last one first.
    """

    def __init__(self) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._shown: tuple[list[str], list[happened.Line]] = [], []
        self.counts = selectable(label("", "muted", wrap=True))
        self.texts: list[QLabel] = []
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnStretch(2, 1)
        area = scrolling(holder(column(GRID, self.counts, self._grid, None, spacing=GRID)))
        area.setObjectName("bare")
        self.setLayout(column(area))

    def show_progress(self, told: Progress | None) -> None:
        """Shows what a run has told so far; None: there is no run."""
        prepared = told.prepared if told is not None else None
        counts = happened.counts(prepared) if prepared is not None else []
        lines = happened.lines(told)[-_MOST:] if told is not None else []
        if (counts, lines) == self._shown:
            return  # what is selected of it stays so
        self._shown = counts, lines
        self.counts.setText(words.joined(*map(words.sentence, counts)))
        self.counts.setVisible(bool(counts))
        clear(self._grid)
        self.texts = []
        for line in reversed(lines):
            self._add(line)

    def _add(self, line: happened.Line) -> None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(line.time_s))
        step = self.tr("step {n}").format(n=f"{line.step:,}") if line.step else ""
        text = selectable(label(breakable(words.sentence(line.text)), wrap=True))
        at, top = len(self.texts), Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(label(when, "caption"), at, 0, top)
        self._grid.addWidget(label(step, "caption"), at, 1, top)
        self._grid.addWidget(text, at, 2, top)
        self.texts.append(text)
