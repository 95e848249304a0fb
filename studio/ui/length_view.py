"""How long the rows are in tokens, with a cutoff to drag and what it makes of them at once."""

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSpinBox, QWidget

from studio.core.config import TrainingSpec
from studio.core.units import counted
from studio.ui.elided import Elided
from studio.ui.parts import align_number, button, card, column, label, row
from studio.ui.theme import GRID, Theme

if TYPE_CHECKING:
    from studio.core.audit.lengths import Lengths

_BINS = 120
# Packed steps take some milliseconds to count; a drag that goes on is shown how few there may be.
_REST_MS = 60
_LEAST, _MOST = 8, 1_048_576


class LengthView(QWidget):
    """A histogram of the rows' lengths with a line to drag.

    Attributes:
        cutoff: the maximum length looked at, in tokens.

    Signals:
        chosen: this maximum length is to be used.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._theme = theme
        self._lengths: Lengths | None = None
        self._spec = TrainingSpec()
        self._overlap: int | None = None
        self.cutoff = _LEAST
        self._plot = self._make_plot()
        self.box = QSpinBox()
        self.box.setRange(_LEAST, _MOST)
        self.box.setSuffix(self.tr(" tokens"))
        self.box.setAccessibleName(self.tr("Maximum length"))
        self.box.setFixedWidth(18 * GRID)
        align_number(self.box)
        self.box.valueChanged.connect(self.set_cutoff)
        use = button(self.tr("Use this length"), lambda: self.chosen.emit(self.cutoff), "primary")
        self._figures: dict[str, tuple[QLabel, Elided]] = {}
        self._hint = Elided("", "caption")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = row(label(self.tr("Maximum length")), self.box, use, self._hint)
        head.setStretch(3, 1)
        self.rest = label("", "caption")
        layout = column(head, self._plot, row(None, self.rest), self._grid(), spacing=2 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(column(card(layout)))
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_REST_MS)
        self._resting.timeout.connect(self._count_packed)
        theme.changed.connect(self._colour)
        self._colour()

    def show_lengths(self, lengths: "Lengths", cutoff: int, spec: TrainingSpec, overlap: int | None = None) -> None:
        """Shows the rows' lengths and what a run of `spec` would make of them at `cutoff`.

        With an `overlap`, in tokens, long texts are made into chunks that repeat so many; without, they are cut.
        """
        self._lengths, self._spec, self._overlap = lengths, spec, overlap
        counts, edges = lengths.histogram(_BINS, cutoff)
        self._tell_rest(lengths, int(counts[-1]), int(edges[-2]) + 1, int(edges[-1]))
        self._bars.setOpts(x0=edges[:-1], x1=edges[1:], y0=np.zeros(len(counts)), height=counts)
        self._plot.setXRange(0, float(edges[-1]), padding=0.02)
        self._plot.setYRange(0, float(counts.max(initial=1)) * 1.08, padding=0)
        # A cutoff behind all that is shown stands at the edge, to be taken hold of there.
        self._line.setBounds((_LEAST, max(_LEAST, float(edges[-1]))))
        self._take(cutoff)

    def set_cutoff(self, cutoff: int) -> None:
        """Looks at another maximum length, in tokens."""
        if min(max(cutoff, _LEAST), _MOST) != self.cutoff:
            self._take(cutoff)

    def figure(self, name: str) -> str:
        """Returns what is said under a name of `_grid`."""
        return "  ".join(said for part in self._figures[name] if (said := part.text()))

    def _take(self, cutoff: int) -> None:
        self.cutoff = min(max(cutoff, _LEAST), _MOST)
        # The box tells of it again, when nothing is new.
        self.box.setValue(self.cutoff)
        self._line.setValue(self.cutoff)
        self._count()

    def _tell_rest(self, lengths: "Lengths", count: int, least: int, end: int) -> None:
        """Says what the last bar holds, where rows are longer than the axis."""
        longest = int(lengths.tokens.max(initial=0))
        one = self.tr("Last bar: {count} row of {least} to {most} tokens")
        many = self.tr("Last bar: {count} rows of {least} to {most} tokens")
        self.rest.setText(counted(count, one, many, least=f"{least:,}", most=f"{longest:,}"))
        self.rest.setVisible(longest > end)

    def _make_plot(self) -> pg.PlotWidget:
        plot = pg.PlotWidget()
        plot.setAccessibleName(self.tr("Rows by their length in tokens"))
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setMenuEnabled(False)
        for action in plot.scene().contextMenu:
            # The library's own would come up among the window's commands.
            action.setParent(None)
        plot.scene().contextMenu = []
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.setMinimumHeight(16 * GRID)
        self._bars = pg.BarGraphItem(x0=[0], x1=[1], y0=[0], height=[0])
        self._line = pg.InfiniteLine(pos=_LEAST, angle=90, movable=True, bounds=(_LEAST, _MOST))
        plot.addItem(self._bars)
        plot.addItem(self._line)
        self._line.sigDragged.connect(lambda: self.set_cutoff(round(self._line.value())))
        return plot

    def _grid(self) -> QGridLayout:
        names = {
            "cut": self.tr("Rows cut"),
            "shortened": self.tr("Answers shortened"),
            "lost": self.tr("Answers lost whole"),
            "dropped": self.tr("Rows left out"),
            "tokens": self.tr("Tokens an epoch"),
            "padded": self.tr("Steps an epoch"),
            "packed": self.tr("Steps, packed"),
            "sequences": self.tr("Rows and chunks fed"),
        }
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2)
        # Beside their captions: over each other they were as high, and too wide for a narrow window.
        for index, (name, title) in enumerate(names.items()):
            self._figures[name] = figure, more = label("\u2013", "strong"), Elided("", "caption")
            grid.addWidget(label(title, "caption"), index % 4, 2 * (index // 4))
            grid.addLayout(row(figure, more, None, spacing=GRID // 2), index % 4, 2 * (index // 4) + 1)
        # Shares of the room, so that nothing moves as the line is dragged; there is more to say on the left.
        grid.setColumnStretch(1, 4)
        grid.setColumnStretch(3, 3)
        return grid

    def _tell(self, name: str, figure: str, more: str = "") -> None:
        for part, said in zip(self._figures[name], (figure, more), strict=True):
            part.setText(said)

    def _count(self) -> None:
        """Says what the cutoff makes of the rows; some microseconds."""
        lengths = self._lengths
        if lengths is None or not len(lengths):
            return
        at = lengths.at(self.cutoff, self._overlap)
        for name, count in (("cut", at.cut), ("shortened", at.shortened), ("lost", at.lost), ("dropped", at.dropped)):
            self._tell(name, f"{count:,}", f"({count / len(lengths):.1%})" if count else "")
        self._tell("tokens", f"{at.tokens:,}")
        chunked = counted(at.chunked, self.tr("{count} text in chunks"), self.tr("{count} texts in chunks"))
        self._tell("sequences", f"{at.sequences:,}", f"({chunked})" if at.chunked else "")
        self._tell("padded", f"{lengths.steps(self.cutoff, self._spec, False, overlap=self._overlap):,}")
        least = lengths.least_steps(self.cutoff, self._spec, overlap=self._overlap)
        self._tell("packed", "\u2013" if lengths.pairs else f"\u2248 {least:,}")
        longest = int(lengths.tokens.max())
        one, many = self.tr("The longest row has {count} token"), self.tr("The longest row has {count} tokens")
        far = counted(longest, one, many)
        self._hint.setText(self.tr("Drag the line") if self.cutoff <= longest else far)
        self._resting.start()

    def _count_packed(self) -> None:
        if self._lengths is not None and len(self._lengths) and not self._lengths.pairs:
            steps = self._lengths.steps(self.cutoff, self._spec, True, overlap=self._overlap)
            self._tell("packed", f"{steps:,}")

    def _colour(self) -> None:
        palette = self._theme.palette
        self._plot.setBackground(palette.panel)
        self._bars.setOpts(brush=pg.mkBrush(palette.series[0]), pen=pg.mkPen(palette.panel))
        self._line.setPen(pg.mkPen(palette.bad, width=2))
        self._line.setHoverPen(pg.mkPen(palette.bad, width=4))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(palette.border))
            axis.setTextPen(pg.mkPen(palette.muted))
            axis.setStyle(tickLength=0)
