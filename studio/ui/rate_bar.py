"""A bar that shows a share with the interval in which it lies."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.core.units import percent
from studio.ui.theme import GRID, Theme

_HEIGHT_PX = 2 * GRID


class RateBar(QWidget):
    """A share of 0 to 1, its interval, and the middle in which both sides are alike."""

    def __init__(self, theme: Theme, rate: float, low: float, high: float) -> None:
        """Shows a share that lies between `low` and `high`."""
        super().__init__()
        self._theme, self._rate, self._low, self._high = theme, rate, low, high
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(12 * GRID)
        said = self.tr("{rate}, between {low} and {high}")
        text = said.format(rate=percent(rate), low=percent(low), high=percent(high))
        self.setAccessibleName(text)
        self.setToolTip(text)

    def sizeHint(self) -> QSize:
        """Returns the height of a line of text."""
        return QSize(20 * GRID, _HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the track, the interval, the middle and the share."""
        colours, width, middle = self._theme.palette, self.width(), self.height() / 2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for colour, left, right, thick in (
            (colours.border, 0.0, 1.0, 4),
            (colours.selected, self._low, self._high, 10),
        ):
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(left * width, middle - thick / 2, (right - left) * width, thick), 2, 2)
        painter.setBrush(QColor(colours.muted))
        painter.drawRect(QRectF(width / 2 - 0.5, 0, 1, self.height()))
        painter.setBrush(QColor(colours.accent))
        at = min(max(self._rate * width, 5), width - 5)
        painter.drawEllipse(QRectF(at - 5, middle - 5, 10, 10))
        painter.end()
