"""What a run told besides its numbers: how many rows it uses, and in order what it met with and was asked."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from studio.core import happened
from studio.core.progress import Progress
from studio.core.units import moment
from studio.ui import words
from studio.ui.parts import breakable, clear, column, holder, label, scrolling, selectable
from studio.ui.theme import GRID

_MOST = 200  # one that is paused and asked again and again has many
_COLUMNS = 3
_TOP = Qt.AlignmentFlag.AlignTop


class RunHappened(QWidget):
    """A quiet list: when, behind which step, what.

    Attributes:
        counts: of rows.
        texts: a label of each thing that happened, the last one first.
    """

    def __init__(self) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._told: Progress | None = None
        self._lines: list[happened.Line] = []
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
        """Shows what a run has told so far, once it is seen; None: there is no run."""
        self._told = told
        if self.isVisible() or told is None:
            self._advance()

    def showEvent(self, event: QShowEvent) -> None:
        """Shows what has come while it was out of sight."""
        super().showEvent(event)
        self._advance()

    def _advance(self) -> None:
        """Adds what is new; what was there stays as it is, with what is selected of it."""
        told = self._told
        counts = happened.counts(told.prepared) if told is not None and told.prepared is not None else []
        self.counts.setText(words.joined(*map(words.sentence, counts)))
        self.counts.setVisible(bool(counts))
        lines = happened.lines(told) if told is not None else []
        known = len(self._lines)
        if lines[:known] != self._lines:  # it is another run
            clear(self._grid)
            self.texts, known = [], 0
        self._lines = lines
        if fresh := lines[known:][-_MOST:]:
            self._put(fresh)

    def _put(self, fresh: list[happened.Line]) -> None:
        """Puts lines before the others, of which only so many stay."""
        # To be laid out again as items, which know their sizes, is a tenth of the work.
        items = [self._grid.takeAt(0) for _ in range(self._grid.count())]
        made = [self._labels(line) for line in reversed(fresh)]
        for at, labels in enumerate(made):
            for column_, one in enumerate(labels):
                self._grid.addWidget(one, at, column_, _TOP)
        self.texts = [*(text for _, _, text in made), *self.texts]
        for at, item in enumerate(items, start=_COLUMNS * len(made)):
            if item is not None:
                self._grid.addItem(item, at // _COLUMNS, at % _COLUMNS, 1, 1, _TOP)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        del self.texts[_MOST:]
        while self._grid.count() > _COLUMNS * _MOST:
            item = self._grid.takeAt(self._grid.count() - 1)
            if item is not None and (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()

    def _labels(self, line: happened.Line) -> tuple[QLabel, QLabel, QLabel]:
        when = moment(line.time_s)
        step = self.tr("step {n}").format(n=f"{line.step:,}") if line.step else ""
        text = selectable(label(breakable(words.sentence(line.text)), wrap=True))
        return label(when, "caption"), label(step, "caption"), text
