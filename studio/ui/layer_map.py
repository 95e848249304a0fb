"""A model's modules as a table of cells, a row a kind and a column a layer, coloured by what training did to each."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.core.updates import Cell, Kind
from studio.ui import shades
from studio.ui.theme import GRID, Theme

_TEXT_PX, _LEAST_PX, _MOST_PX = 12, 18, 44
_AXIS_PX = 20
_GAP_PX = 1.0
# A cell so wide has its number in it.
_NUMBER_PX = 40
_LABEL_SHARE = 0.34
_STEPS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


@dataclass(frozen=True, slots=True)
class Shade:
    """How a cell looks.

    Attributes:
        value: from 0 (nothing) to 1 (most), below 0 the other way; None: not known.
        text: the number in it.
    """

    value: float | None
    text: str


class LayerMap(QWidget):
    """Draws the cells; the mouse or the arrow keys choose one.

    Attributes:
        rows: the kinds shown.
        chosen: the cell that is looked at; None: none.

    Signals:
        looked: another cell is looked at, or none.
    """

    looked = Signal()

    def __init__(self, theme: Theme) -> None:
        """Draws nothing yet."""
        super().__init__()
        self._theme = theme
        self.rows: list[Kind] = []
        self._shades: list[list[Shade]] = []
        self._layers: list[int] = []
        self._columns: dict[int, int] = {}
        self._label_px = 0.0
        self._at: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Modules by layer"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme.changed.connect(self.update)

    @property
    def chosen(self) -> tuple[Kind, Cell] | None:
        """The cell that is looked at."""
        if self._at is None:
            return None
        row, column = self._at
        return self.rows[row], self.rows[row].cells[column]

    @property
    def place(self) -> QRectF | None:
        """Where the cell that is looked at is drawn; None: none is."""
        return self.rectangle(*self._at) if self._at is not None else None

    def show_cells(self, rows: Sequence[Kind], shades: list[list[Shade]]) -> None:
        """Shows other cells, each as the shade in the same place says; the one looked at stays if there is such."""
        self.rows, self._shades = list(rows), shades
        numbers = {cell.layer for kind in rows for cell in kind.cells if cell.layer is not None}
        self._layers = sorted(numbers)
        self._columns = {layer: at for at, layer in enumerate(self._layers)}
        self._measure()
        if self._at is not None and not (self._at[0] < len(rows) and self._at[1] < len(rows[self._at[0]].cells)):
            self._at = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if rows else Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(len(rows) * _LEAST_PX + _AXIS_PX)
        self.updateGeometry()
        self.update()
        self.looked.emit()

    def sizeHint(self) -> QSize:
        """Returns room for rows of the greatest height."""
        return QSize(60 * GRID, len(self.rows) * _MOST_PX + _AXIS_PX)

    def rectangle(self, row: int, column: int) -> QRectF:
        """Returns where a cell is drawn; one in no layer is as wide as all layers."""
        left, height = self._label_px, self._height()
        layer, wide = self.rows[row].cells[column].layer, max(0.0, self.width() - left - 1)
        top = row * height
        if layer is None or not self._layers:
            return QRectF(left, top, wide, height)
        each = wide / len(self._layers)
        return QRectF(left + self._columns[layer] * each, top, each, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws names, cells and the numbers of layers."""
        painter = QPainter(self)
        painter.setFont(self._font())
        colours, metrics = self._theme.palette, painter.fontMetrics()
        left, height = self._label_px, self._height()
        seen = QRectF(event.rect())
        for at, kind in enumerate(self.rows):
            if not seen.top() - height <= at * height <= seen.bottom():
                continue
            painter.setPen(QColor(colours.text))
            room = QRectF(0, at * height, left - GRID, height)
            name = metrics.elidedText(kind.name, Qt.TextElideMode.ElideMiddle, int(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
            for column, shade in enumerate(self._shades[at]):
                place = self.rectangle(at, column)
                if place.intersects(seen):
                    self._paint_cell(painter, place, shade, kind.cells[column].nothing)
        self._paint_axis(painter, left, len(self.rows) * height)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if self._at is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.text), 2))
            painter.drawRect(self.rectangle(*self._at).adjusted(1, 1, -1, -1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Looks at the cell under the mouse."""
        self._look(self._under(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Looks at nothing, unless the keyboard does."""
        super().leaveEvent(event)
        if not self.hasFocus():
            self._look(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Moves to the next cell with the arrow keys."""
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or not self.rows:
            super().keyPressEvent(event)
            return
        row, column = self._at or (0, 0)
        if self._at is not None:
            layer = self.rows[row].cells[column].layer or 0
            row = min(max(0, row + step[0]), len(self.rows) - 1)
            cells = self.rows[row].cells
            if step[0]:
                column = min(range(len(cells)), key=lambda at: abs((cells[at].layer or 0) - layer))
            column = min(max(0, column + step[1]), len(cells) - 1)
        self._look((row, column))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Looks at the first cell where none is looked at."""
        super().focusInEvent(event)
        if self._at is None and self.rows and event.reason() != Qt.FocusReason.MouseFocusReason:
            self._look((0, 0))

    def _look(self, at: tuple[int, int] | None) -> None:
        if at != self._at:
            before, self._at = self._at, at
            for one in (before, at):
                if one is not None:
                    self.update(self.rectangle(*one).toAlignedRect().adjusted(-1, -1, 1, 1))
            self.looked.emit()

    def _under(self, point: QPointF) -> tuple[int, int] | None:
        row = int(point.y() // self._height()) if self.rows else 0
        if not 0 <= row < len(self.rows):
            return None
        columns = range(len(self.rows[row].cells))
        return next(((row, at) for at in columns if self.rectangle(row, at).contains(point)), None)

    def _paint_cell(self, painter: QPainter, place: QRectF, shade: Shade, nothing: bool) -> None:
        colours = self._theme.palette
        gap = _GAP_PX if place.width() > 4 * _GAP_PX else 0.0
        place = place.adjusted(0, 0, -gap, -_GAP_PX)
        if shade.value is None:
            painter.fillRect(place, QColor(colours.hover))
            text = colours.muted
        else:
            colour = shades.shade(colours, shade.value)
            painter.fillRect(place, colour)
            text = shades.ink(colour)
        if nothing:
            painter.setPen(QPen(QColor(colours.warn), 1, Qt.PenStyle.DashLine))
            painter.drawRect(place.adjusted(0.5, 0.5, -1, -1))
            text = colours.warn
        if place.width() >= _NUMBER_PX:
            painter.setPen(QColor(text))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, shade.text)

    def _paint_axis(self, painter: QPainter, left: float, top: float) -> None:
        """Writes the numbers of the layers below the cells, as many as there is room for."""
        if not self._layers:
            return
        painter.setPen(QColor(self._theme.palette.muted))
        each = (self.width() - left - 1) / len(self._layers)
        widest = painter.fontMetrics().horizontalAdvance(f"{self._layers[-1]} ") + GRID
        every = max(1, int(-(-widest // max(each, 1e-6))))
        for at in range(0, len(self._layers), every):
            middle = left + (at + 0.5) * each
            place = QRectF(middle - widest / 2, top, widest, _AXIS_PX)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(self._layers[at]))

    def _height(self) -> float:
        room = (self.height() - _AXIS_PX) / max(1, len(self.rows))
        return min(float(_MOST_PX), max(float(_LEAST_PX), room))

    def _measure(self) -> None:
        """Finds out how much room the names take."""
        metrics = QFontMetricsF(self._font())
        widest = max((metrics.horizontalAdvance(kind.name) for kind in self.rows), default=0.0) + 2 * GRID
        self._label_px = min(widest, self.width() * _LABEL_SHARE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leaves the names their share of the room."""
        super().resizeEvent(event)
        self._measure()

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(_TEXT_PX)
        return font
