"""Lines over steps as one picture: painted anew when what is drawn changes, and copied to the screen otherwise.

A plotting library's scene of items takes several times as long for each change, and holds the window's thread with it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFont,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui import scale
from studio.ui.theme import GRID, Theme

Values = NDArray[np.float64]
_NONE: Values = np.empty(0)
_LEFT, _BOTTOM, _TOP, _RIGHT = 7 * GRID, 20, 6, 20
# Room for a number and its distance from the next.
_WIDE_PX, _TALL_PX = 72, 26
_PADDING = 0.04
_TEXT_PX, _LINE_PX = 12, 15
_BETWEEN = "   "
_ZOOM = 1.25
# A hand moves so far while it clicks.
_CLICK_PX = 4
# More would hide the line, and each takes some microseconds.
_MOST_DOTS = 100
_SPECK_PX = 2.0
# So far up and down in all: lines that zigzag more take ten times as long with smooth edges, and look the same.
_CALM_PX = 4000


@dataclass(slots=True, eq=False)
class Line:
    """A line of a canvas, or points without one where `width` is 0.

    Attributes:
        x, y: its points; where `y` is no number there is a gap.
        width: in pixels; more than one has smooth edges, unless it zigzags.
        dot: diameter of a dot at each point in pixels; 0: none.
        star: whether the dots are stars.
        letter: what stands behind its last point.
    """

    width: int = 1
    dot: int = 0
    star: bool = False
    letter: str = ""
    shown: bool = True
    colour: QColor = field(default_factory=QColor)
    x: Values = field(default_factory=lambda: _NONE)
    y: Values = field(default_factory=lambda: _NONE)


class Canvas(QWidget):
    """Draws lines, with axes that fit what is seen of them.

    The wheel zooms along the steps, dragging moves along them.

    Attributes:
        lines: from the lowest to the topmost.
        log: whether the values' axis is logarithmic.
        extent: the first and the last step there are; None: there is none, and no axis.
        seen: the first and the last step to be shown; None: all.

    Signals:
        hovered: the step under the mouse, or None.
        picked: the step that was clicked.
        zoomed: `seen` was changed by the mouse.
    """

    hovered = Signal(object)
    picked = Signal(float)
    zoomed = Signal()

    def __init__(self, theme: Theme, lines: list[Line]) -> None:
        """Draws `lines`, which are empty yet."""
        super().__init__()
        self._theme, self.lines = theme, lines
        self.log = False
        self.extent: tuple[float, float] | None = None
        self.seen: tuple[float, float] | None = None
        self._cross: float | None = None
        self._said: tuple[str, ...] = ()
        self._held: float | None = None
        self._pressed, self._moved = QPointF(), False
        self._picture: QPixmap | None = None
        self._box = (0.0, 1.0, 0.0, 1.0)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)

    @property
    def said(self) -> str:
        """What is written at the marked step, be it in one line or in several."""
        return _BETWEEN.join(self._said)

    def steps_in(self, px: float) -> float:
        """Returns how many steps lie in so many pixels across."""
        first, last = self._box[:2]
        return px * (last - first) / max(1, self.width() - _LEFT - _RIGHT)

    def refresh(self) -> None:
        """Paints anew what the lines hold now, when next on the screen."""
        self._picture = None
        self.update()

    def range(self) -> tuple[float, float, float, float]:
        """Returns the least and the greatest step shown, and the same of the values (their logarithms with `log`)."""
        return self._bounds()

    def mark(self, step: float | None, *said: str) -> None:
        """Draws an upright line at a step with what is `said` of it, or none."""
        if (step, said) != (self._cross, self._said):
            self._cross, self._said = step, said
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Copies the picture, which is painted first if it is another one now."""
        density = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatio() != density:
            self._picture = QPixmap(self.size() * density)
            self._picture.setDevicePixelRatio(density)
            self._paint(self._picture)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        if self._cross is not None:
            at = float(self._across(np.array([self._cross]))[0])
            painter.setPen(QColor(self._theme.palette.strong_border))
            painter.drawLine(QLineF(at, _TOP, at, self.height() - _BOTTOM))
            self._write(painter, at)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Has another size painted."""
        super().resizeEvent(event)
        self.refresh()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tells the step under the mouse, or moves along the steps."""
        at = self._step_at(event.position().x())
        if self._held is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._moved = self._moved or (event.position() - self._pressed).manhattanLength() >= _CLICK_PX
            first, last = self._box[:2]
            self._see(first + self._held - at, last + self._held - at)
        elif self._inside(event.position()) and self.extent is not None:
            self.hovered.emit(at)
        else:
            self.hovered.emit(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Takes hold of the step under the mouse."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._held, self._pressed, self._moved = self._step_at(event.position().x()), event.position(), False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Lets go; where the mouse stayed it was a click."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        held, self._held = self._held, None
        if held is not None and self.extent and self._inside(event.position()) and not self._moved:
            self.picked.emit(held)

    def leaveEvent(self, event: QEnterEvent) -> None:  # type: ignore[override]
        """Tells that the mouse is over no step."""
        self.hovered.emit(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms, keeping the step under the mouse where it is."""
        at, factor = self._step_at(event.position().x()), _ZOOM ** (-event.angleDelta().y() / 120)
        first, last = self._box[:2]
        self._see(at + (first - at) * factor, at + (last - at) * factor)

    def _see(self, first: float, last: float) -> None:
        """Shows a part of the steps, at least two of them; all where it would be more than that."""
        if self.extent is None:
            return
        width = max(last - first, 1.0)
        first = min(max(first, self.extent[0]), self.extent[1] - width)
        self.seen = None if width >= self.extent[1] - self.extent[0] else (first, first + width)
        self.refresh()
        self.zoomed.emit()

    def _bounds(self) -> tuple[float, float, float, float]:
        first, last = self.seen or self.extent or (0.0, 1.0)
        least, most = math.inf, -math.inf
        for line in self.lines:
            values = self._values(line)[np.searchsorted(line.x, first) : np.searchsorted(line.x, last, "right")]
            values = values[np.isfinite(values)] if line.shown else _NONE
            if len(values):
                least, most = min(least, float(values.min())), max(most, float(values.max()))
        if least > most:
            least, most = 0.0, 1.0
        if last <= first:
            first, last = first - 0.5, last + 0.5
        room = (most - least) * _PADDING or abs(most) * _PADDING or 0.5
        return first, last, least - room, most + room

    def _values(self, line: Line) -> Values:
        if not self.log:
            return line.y
        return np.log10(line.y, where=line.y > 0, out=np.full(len(line.y), np.nan))

    def _inside(self, at: QPointF) -> bool:
        return _LEFT <= at.x() <= self.width() - _RIGHT and _TOP <= at.y() <= self.height() - _BOTTOM

    def _step_at(self, x: float) -> float:
        return self._box[0] + self.steps_in(x - _LEFT)

    def _across(self, steps: Values) -> Values:
        first, last = self._box[:2]
        return _LEFT + (steps - first) * ((self.width() - _LEFT - _RIGHT) / (last - first))

    def _up(self, values: Values) -> Values:
        least, most = self._box[2:]
        bottom = self.height() - _BOTTOM
        return bottom - (values - least) * ((bottom - _TOP) / (most - least))

    def _paint(self, picture: QPixmap) -> None:
        picture.fill(QColor(self._theme.palette.panel))
        self._box = self._bounds()
        painter = QPainter(picture)
        if self.extent is not None:
            self._paint_axes(painter)
        inner = QRectF(_LEFT, 0, self.width() - _LEFT, self.height() - _BOTTOM)
        for line in self.lines:
            if line.shown and len(line.x):
                painter.setClipRect(inner)
                self._paint_line(painter, line)
        painter.setClipping(False)
        self._paint_letters(painter)
        painter.end()

    def _paint_letters(self, painter: QPainter) -> None:
        """Writes each line's letter behind its last point that is seen; where lines end together below each other."""
        painter.setFont(_small(painter, bold=True))
        ends = list[tuple[float, float, Line]]()
        for line in self.lines:
            seen = np.flatnonzero((line.x <= self._box[1]) & np.isfinite(self._values(line)))
            if line.letter and line.shown and len(seen):
                at = seen[-1:]
                ends.append((float(self._up(self._values(line)[at])[0]), float(self._across(line.x[at])[0]), line))
        least = 0.0
        for up, across, line in sorted(ends, key=lambda end: end[0]):
            middle = min(max(up, least + _TEXT_PX / 2), self.height() - _BOTTOM)
            box = QRectF(across + 2, middle - _TEXT_PX, _RIGHT - 2, 2 * _TEXT_PX)
            painter.setPen(line.colour)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line.letter)
            least = middle + _TEXT_PX / 2

    def _write(self, painter: QPainter, at: float) -> None:
        """Writes what is said beside the upright line, on its left where there is no room on the right."""
        painter.setFont(_small(painter))
        metrics = painter.fontMetrics()
        texts = _lines_of(self._said, metrics, self.width() - GRID)
        wide = max(map(metrics.horizontalAdvance, texts), default=0) + GRID
        left = at + 1 if at + 1 + wide <= self.width() else max(0.0, at - wide)
        tall = _TEXT_PX + GRID if len(texts) == 1 else len(texts) * _LINE_PX + GRID // 2
        painter.fillRect(QRectF(left, 0, wide, tall), QColor(self._theme.palette.panel))
        painter.setPen(QColor(self._theme.palette.text))
        alone = Qt.AlignmentFlag.AlignCenter
        beside = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for row, text in enumerate(texts):
            box = QRectF(left, 0, wide, tall)
            if len(texts) > 1:
                box = QRectF(left + GRID / 2, row * _LINE_PX + GRID / 4, wide, _LINE_PX)
            painter.drawText(box, alone if len(texts) == 1 else beside, text)

    def _paint_axes(self, painter: QPainter) -> None:
        palette, (first, last, least, most) = self._theme.palette, self._box
        wide, tall = self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM
        painter.setFont(_small(painter))
        upright = scale.ticks(least, most, max(2, tall // _TALL_PX), log=self.log)
        along = scale.ticks(first, last, max(1, wide // _WIDE_PX), whole=True)
        heights = self._up(np.array([tick.at for tick in upright]))
        painter.setPen(QColor(palette.grid))
        painter.drawLines([QLineF(_LEFT, at, self.width() - _RIGHT, at) for at in np.round(heights).tolist()])
        painter.setPen(QColor(palette.muted))
        right, middle = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignCenter
        for tick, at in zip(upright, heights.tolist(), strict=True):
            painter.drawText(QRectF(0, at - _TEXT_PX, _LEFT - GRID, 2 * _TEXT_PX), right, tick.text)
        top = self.height() - _BOTTOM + 2
        for tick, at in zip(along, self._across(np.array([tick.at for tick in along])).tolist(), strict=True):
            painter.drawText(QRectF(at - _WIDE_PX / 2, top, _WIDE_PX, _BOTTOM - 2), middle, tick.text)

    def _paint_line(self, painter: QPainter, line: Line) -> None:
        across, up = self._across(line.x), self._up(self._values(line))
        if line.width:
            # Of many lines each may take a part of the time.
            smooth = line.width > 1 and _calm(up, _CALM_PX / sum(each.width > 1 for each in self.lines))
            pen = QPen(line.colour, line.width if smooth else 1)
            # One pixel of the screen whatever its density: a wider one costs many times as much where it zigzags.
            pen.setCosmetic(not smooth)
            painter.setPen(pen)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
            for first, last in _pieces(up):
                if last == first + 1:
                    _speck(painter, QPointF(across[first], up[first]), line.colour)
                for beside in range(1 if smooth else line.width):
                    painter.drawPolyline(_polygon(across[first:last] + beside, up[first:last]))
        begin, end = np.searchsorted(line.x, self._box[0]), np.searchsorted(line.x, self._box[1], "right")
        if line.dot and end - begin <= _MOST_DOTS:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QColor(self._theme.palette.panel))
            painter.setBrush(line.colour)
            for x, y in zip(across[begin:end].tolist(), up[begin:end].tolist(), strict=True):
                if math.isfinite(y):
                    _dot(painter, QPointF(x, y), line.dot / 2, star=line.star)


def _small(painter: QPainter, *, bold: bool = False) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(_TEXT_PX)
    font.setBold(bold)
    return font


def _lines_of(said: Sequence[str], metrics: QFontMetrics, room: int) -> list[str]:
    """Lays texts behind each other, and below where there is no more room; one that has none alone is elided."""
    found = list[str]()
    for text in said:
        longer = f"{found[-1]}{_BETWEEN}{text}" if found else text
        if found and metrics.horizontalAdvance(longer) <= room:
            found[-1] = longer
        else:
            found.append(metrics.elidedText(text, Qt.TextElideMode.ElideRight, room))
    return found


def _calm(values: Values, most_px: float) -> bool:
    """Whether a line goes up and down so little that smooth edges are seen, and soon painted."""
    return float(np.nansum(np.abs(np.diff(values)))) < most_px


def _pieces(values: Values) -> Iterator[tuple[int, int]]:
    """Yields the first and the end of each stretch of numbers."""
    gaps = np.flatnonzero(~np.isfinite(values))
    for first, last in zip((-1, *gaps.tolist()), (*gaps.tolist(), len(values)), strict=True):
        if last > first + 1:
            yield first + 1, last


def _speck(painter: QPainter, at: QPointF, colour: QColor) -> None:
    """Draws a number that has none beside it: a line of one point is nothing."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(at, _SPECK_PX, _SPECK_PX)
    painter.restore()


def _polygon(x: Values, y: Values) -> QPolygonF:
    """Fills the memory of Qt's points at once: one by one takes longer than drawing them."""
    made = QPolygonF()
    made.resize(len(x))
    memory: Any = shiboken6.VoidPtr(made.data(), 16 * len(x), True)  # type: ignore[call-arg, arg-type]
    places = np.frombuffer(memory, np.float64).reshape(-1, 2)
    places[:, 0], places[:, 1] = x, y
    return made


def _dot(painter: QPainter, at: QPointF, radius: float, *, star: bool) -> None:
    if not star:
        painter.drawEllipse(at, radius, radius)
        return
    turns = [math.pi * corner / 5 for corner in range(10)]
    lengths = [radius if corner % 2 == 0 else radius * 0.45 for corner in range(10)]
    corners = [QPointF(math.sin(turn) * far, -math.cos(turn) * far) for turn, far in zip(turns, lengths, strict=True)]
    painter.drawPolygon([at + corner for corner in corners])
