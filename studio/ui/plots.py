"""A curve on screen: drawn when told to, never an event at a time, and never while nobody can see it."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from studio.ui.canvas import Canvas, Line, Values
from studio.ui.curves import Curve
from studio.ui.elided import Elided
from studio.ui.parts import column, label, row
from studio.ui.theme import GRID, Theme, mixed

LETTERS = "ABCDEFGH"
_SMOOTH_POINTS = 400
_FEWEST_BLOCKS = 200
_MEANS = 100
_SIGN_PX = 18
_REACH_PX = 2
# How much of its colour the line of each step has beside the smoothed one.
_FAINT = 0.45


class LinePlot(QWidget):
    """One curve, raw and smoothed, with the value under the mouse.

    Evaluations are a line of their own with points, the best marked.

    Attributes:
        canvas: what draws them.
        raw, smooth, evaluations, best: what is drawn.
        legend: a switch for each line that can be hidden, by its name: `raw`, `smooth`, `evaluation`; empty where
            there is a single line.
        beside: what is drawn of the runs laid over it: the line of each, and its evaluations.

    Signals:
        picked: a step of the curve was clicked.
    """

    picked = Signal(int)

    def __init__(
        self, theme: Theme, title: str, *, series: int = 0, smoothed: bool = False, small: bool = False
    ) -> None:
        """Shows nothing yet; `series` picks the colour."""
        super().__init__()
        self._theme, self._series, self._smoothed = theme, series, smoothed
        self._curve: Curve | None = None
        self._points: Curve | None = None
        self._others: list[tuple[Curve, Curve | None]] = []
        self.beside: list[tuple[Line, Line]] = []
        self._drawn: object = ()
        self._marked: tuple[float, float] | None = None
        self.raw, self.smooth = Line(), Line(width=2)
        self.evaluations, self.best = Line(dot=7), Line(width=0, dot=16, star=True)
        self.canvas = Canvas(theme, [self.raw, self.smooth, self.evaluations, self.best])
        self.canvas.setAccessibleName(title)
        self.canvas.setMinimumHeight((7 if small else 8) * GRID)
        self.legend: dict[str, QToolButton] = {}
        self._name, self._title = title, Elided(title, "caption") if small else label(title, "caption")
        self._best_text = Elided("", "caption")
        head = row(self._title, *(self._switches() if smoothed else ()), self._best_text, None)
        self.setLayout(column(head, self.canvas, spacing=GRID // 2))
        self.canvas.hovered.connect(self._hover)
        self.canvas.picked.connect(self._pick)
        self.canvas.zoomed.connect(self._draw)
        theme.changed.connect(self._colour)
        self._colour()

    def set_curves(self, curve: Curve | None, points: Curve | None) -> None:
        """Shows another curve, and evaluations with it."""
        self._curve, self._points = curve, points
        self._drawn = ()
        self.mark_best(None)
        self.canvas.seen = None
        self._hover(None)
        self.redraw()

    def lay_over(self, others: Sequence[tuple[Curve, Curve | None]]) -> None:
        """Shows other runs' curves, and their evaluations, in colours and by letters of their own; none: this alone."""
        if list(others) == self._others:
            return
        self._others = list(others)
        # The raw line of each would hide those of the others.
        self.beside = [
            (Line(width=2 if self._smoothed else 1, letter=letter), Line(dot=5))
            for (_, letter) in zip(others, LETTERS[1:], strict=False)
        ]
        own = [self.raw, self.smooth, self.evaluations, self.best]
        self.canvas.lines = [line for pair in reversed(self.beside) for line in pair] + own
        (self.smooth if self._smoothed else self.raw).letter = LETTERS[0] if others else ""
        self._drawn = ()
        means = self.tr("{name} (means)").format(name=self._name)
        self._title.setText(means if others and not self._smoothed else self._name)
        self._hover(None)
        self._colour()
        self.reset_view()

    def mark_best(self, where: tuple[float, float] | None) -> None:
        """Puts a star on the best evaluation, at (step, loss)."""
        if where == self._marked:
            return
        self._marked = where
        self.best.x, self.best.y = (np.array([value]) for value in where) if where else (np.empty(0), np.empty(0))
        said = self.tr("best {loss} at step {step}")
        self._best_text.setText(said.format(loss=f"{where[1]:.4f}", step=f"{where[0]:,.0f}") if where else "")
        self.canvas.refresh()

    def set_log(self, on: bool) -> None:
        """Switches the value axis between linear and logarithmic."""
        self.canvas.log = on
        self.reset_view()

    def reset_view(self) -> None:
        """Shows the whole curve again after zooming."""
        self.canvas.seen = None
        self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Draws what has come while it was out of sight."""
        super().showEvent(event)
        self.redraw()

    def redraw(self) -> bool:
        """Draws what is new; does nothing where nothing is, or while it cannot be seen. Returns whether it drew."""
        shown = [(curve, points) for curve, points in self._shown() if curve is not None]
        state = [(len(curve), len(points) if points is not None else 0, curve.smoothing) for curve, points in shown]
        if state == self._drawn or (state and not self.isVisible()):
            return False
        self._drawn = state
        self._draw()
        return True

    def _draw(self) -> None:
        """Takes over what can be seen of the curves, which is all of it until somebody zooms."""
        curve, points, nothing = self._curve, self._points, np.empty(0)
        for line in (self.raw, self.smooth, self.evaluations):
            line.x, line.y = nothing, nothing
        # Evaluations begin before the first step.
        both = [each for pair in self._shown() for each in pair if each is not None and len(each)]
        ends = [(float(each.x[0]), float(each.x[-1])) for each in both]
        self.canvas.extent = (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None
        self._draw_others()
        if curve is not None:
            # Two points for each pixel of its width; more would cost more and look the same.
            blocks = max(_FEWEST_BLOCKS, self.canvas.width())
            self.raw.x, self.raw.y = self._raw(curve, blocks)
            if self._smoothed and len(curve) > 1:
                self.smooth.x, self.smooth.y = curve.trend(*(self.canvas.seen or ()), points=_SMOOTH_POINTS)
        if points is not None:
            self.evaluations.x, self.evaluations.y = points.x, points.y
        if "evaluation" in self.legend:
            self.legend["evaluation"].setVisible(points is not None and len(points) > 0)
        self.canvas.refresh()

    def _shown(self) -> list[tuple[Curve | None, Curve | None]]:
        return [(self._curve, self._points), *self._others]

    def _raw(self, curve: Curve, blocks: int) -> tuple[Values, Values]:
        """Returns a curve as it is; beside others, where none is smoothed, its means: zigzags would hide each other."""
        seen = self.canvas.seen or ()
        means = bool(self._others) and not self._smoothed
        return curve.means(*seen, blocks=_MEANS) if means else curve.outline(*seen, blocks=blocks)

    def _draw_others(self) -> None:
        """Takes over what can be seen of the curves laid over it, each as smooth as its own."""
        count = min(_SMOOTH_POINTS, 4 * _SMOOTH_POINTS // max(1, len(self.beside)))
        seen, blocks = self.canvas.seen or (), max(_FEWEST_BLOCKS, self.canvas.width() // 2)
        for (curve, points), (line, evaluations) in zip(self._others, self.beside, strict=False):
            smooth = self._smoothed and bool(curve.smoothing) and len(curve) > 1
            line.x, line.y = curve.trend(*seen, points=count) if smooth else self._raw(curve, blocks)
            if points is not None:
                evaluations.x, evaluations.y = points.x, points.y

    def _switches(self) -> list[QToolButton]:
        names = {
            "raw": self.tr("each step"),
            "smooth": self.tr("smoothed"),
            "evaluation": self.tr("evaluation"),
        }
        for key, name in names.items():
            self.legend[key] = made = QToolButton()
            made.setObjectName("legend")
            made.setText(name)
            made.setAccessibleName(self.tr("Show the line: {name}").format(name=name))
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            made.setCheckable(True)
            made.setChecked(True)
            made.setIconSize(QSize(_SIGN_PX, _SIGN_PX))
            made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
            made.toggled.connect(partial(self._switch, key))
        self.legend["evaluation"].toggled.connect(self._best_text.setVisible)
        return list(self.legend.values())

    def _switch(self, key: str, on: bool) -> None:
        others = {"smooth": [line for line, _ in self.beside], "evaluation": [line for _, line in self.beside]}
        own = {"raw": [self.raw], "smooth": [self.smooth], "evaluation": [self.evaluations, self.best]}
        for line in (*own[key], *others.get(key, ())):
            line.shown = on
        self.reset_view()

    def _hover(self, where: float | None) -> None:
        curve = self._curve
        if self._others and where is not None:
            step = float(curve.x[self._near(curve, where)]) if curve is not None and len(curve) else round(where)
            self.canvas.mark(step, *self._said_of_all(step))
            return
        if where is None or curve is None or not len(curve):
            self.canvas.mark(None)
            return
        at = self._near(curve, where)
        text = f"{self.tr('step')} {curve.x[at]:,.0f}   {curve.y[at]:.4g}"
        if self._smoothed:
            text += f"   ({self.tr('smoothed')} {curve.smoothed[at]:.4g})"
        if self._points is not None and len(self._points):
            text += f"   {self._evaluated(self._points, float(curve.x[at]))}"
        if self._smoothed:
            text += f"   {self.tr('click: its rows')}"
        self.canvas.mark(float(curve.x[at]), text)

    def _said_of_all(self, step: float) -> Iterator[str]:
        """Yields the step and what each run has there; a run that has not come so far has nothing."""
        yield f"{self.tr('step')} {step:,.0f}"
        for letter, (each, points) in zip(LETTERS, self._shown(), strict=False):
            if each is None or not len(each) or not each.x[0] <= step <= each.x[-1]:
                yield f"{letter} \u2013"
                continue
            at = int(np.searchsorted(each.x, step))
            text = f"{letter} {each.y[at]:.4g}"
            if self._smoothed:
                text += f" ({each.smoothed[at]:.4g})"
            if points is not None and len(points):
                text += f" {self._evaluated(points, step)}"
            yield text

    def _evaluated(self, points: Curve, step: float) -> str:
        """Returns the evaluation that is next to a step, and where it was if not there."""
        near = int(np.argmin(np.abs(points.x - step)))
        at = float(points.x[near])
        return f"{self.tr('eval')}{'' if at == step else f'@{at:,.0f}'} {points.y[near]:.4g}"

    def _pick(self, where: float) -> None:
        if self._curve is not None and len(self._curve):
            self.picked.emit(int(self._curve.x[self._near(self._curve, where)]))

    def _near(self, curve: Curve, where: float) -> int:
        """Returns which point is meant: the next one, or of many within a few pixels the highest, as it is drawn."""
        reach = self.canvas.steps_in(_REACH_PX)
        first, last = np.searchsorted(curve.x, (where - reach, where + reach))
        if last - first > 1:
            return int(first + np.argmax(np.nan_to_num(curve.y[first:last], nan=np.inf)))
        beside = np.clip((first - 1, first), 0, len(curve) - 1)
        return int(beside[np.argmin(np.abs(curve.x[beside] - where))])

    def _colour(self) -> None:
        palette = self._theme.palette
        # Beside others a run has one colour in all plots.
        series = palette.series[0 if self._others else self._series]
        colour, points = QColor(series), QColor(series if self._others else palette.series[1])
        # Mixed, not transparent: painting a transparent zigzag takes four times as long.
        faint = QColor(mixed(series, palette.panel, _FAINT))
        for other, lines in zip(palette.beside, self.beside, strict=False):
            for line in lines:
                line.colour = QColor(other)
        self.raw.colour, self.smooth.colour = faint if self._smoothed else colour, colour
        self.evaluations.colour = self.best.colour = points
        for key, shade in (("raw", faint), ("smooth", colour), ("evaluation", points)):
            if key in self.legend:
                self.legend[key].setIcon(_sign(shade, dotted=key == "evaluation"))
        self.canvas.refresh()


def _sign(colour: QColor, *, dotted: bool) -> QIcon:
    """Draws a short piece of a line, with a point on it if wanted, as a legend shows it."""
    icon, middle = QIcon(), _SIGN_PX / 2
    for scale in (1, 2, 3):
        pixmap = QPixmap(_SIGN_PX * scale, _SIGN_PX * scale)
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(1, middle), QPointF(_SIGN_PX - 1, middle))
        if dotted:
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(middle, middle), 3, 3)
        painter.end()
        icon.addPixmap(pixmap)
    return icon
