"""A curve on screen: drawn when told to, never an event at a time, and never while nobody can see it."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QShowEvent
from PySide6.QtWidgets import QGraphicsItem, QSizePolicy, QToolButton, QWidget

from studio.ui.curves import Curve
from studio.ui.elided import Elided
from studio.ui.parts import column, label, row
from studio.ui.theme import GRID, Theme

_SMOOTH_POINTS = 600
_FEWEST_BLOCKS = 200
_SIGN_PX = 18


class LinePlot(QWidget):
    """One curve, raw and smoothed, with the value under the mouse.

    Evaluations are a line of their own with points, the best marked.

    Attributes:
        legend: a switch for each line that can be hidden, by its name: `raw`, `smooth`, `evaluation`; empty where
            there is a single line.
    """

    def __init__(
        self, theme: Theme, title: str, *, series: int = 0, smoothed: bool = False, small: bool = False
    ) -> None:
        """Shows nothing yet; `series` picks the colour."""
        super().__init__()
        self._theme, self._series, self._smoothed = theme, series, smoothed
        self._curve: Curve | None = None
        self._points: Curve | None = None
        self._drawn = (-1, -1, -1.0)
        self._marked: tuple[float, float] | None = None
        self.log = False
        self.legend: dict[str, QToolButton] = {}
        self._make_plot(title, small)
        self._title = label(title, "caption")
        self.readout = Elided("", "caption")
        self._best_text = Elided("", "caption")
        head = row(self._title, *(self._switches() if smoothed else ()), self._best_text, None, self.readout)
        self.setLayout(column(head, self.plot, spacing=GRID // 2))
        self.plot.scene().sigMouseMoved.connect(self._hover)
        # By a mouse alone: what is new moves the range too, and is drawn anyway.
        self.plot.getViewBox().sigRangeChangedManually.connect(self._draw_raw)
        theme.changed.connect(self._colour)
        self._colour()

    def set_curves(self, curve: Curve | None, points: Curve | None = None) -> None:
        """Shows another curve, and evaluations with it."""
        self._curve, self._points = curve, points
        self._drawn = (-1, -1, -1.0)
        self.mark_best(None)
        self.plot.getViewBox().enableAutoRange()
        self.readout.setText("")
        self._cross.hide()
        self.redraw()

    def mark_best(self, where: tuple[float, float] | None) -> None:
        """Puts a star on the best evaluation, at (step, loss)."""
        if where == self._marked:
            return
        self._marked = where
        self._best.setData(*([value] for value in where)) if where is not None else self._best.setData([], [])
        said = self.tr("best {loss} at step {step}")
        self._best_text.setText(said.format(loss=f"{where[1]:.4f}", step=f"{where[0]:,.0f}") if where else "")

    def set_log(self, on: bool) -> None:
        """Switches the value axis between linear and logarithmic."""
        self.log = on
        self.plot.setLogMode(y=on)
        self.plot.getViewBox().enableAutoRange()

    def reset_view(self) -> None:
        """Shows the whole curve again after zooming."""
        self.plot.getViewBox().enableAutoRange()
        self._draw_raw()

    def showEvent(self, event: QShowEvent) -> None:
        """Draws what has come while it was out of sight."""
        super().showEvent(event)
        self.redraw()

    def redraw(self) -> None:
        """Draws what is new; does nothing where nothing is, or while it cannot be seen."""
        curve, points = self._curve, self._points
        if curve is None:
            for item in (self._raw, self._smooth, self._evals):
                item.setData([], [])
            self._show_values(False)
            return
        state = (len(curve), len(points) if points is not None else 0, curve.smoothing)
        if state == self._drawn or not self.isVisible():
            return
        self._drawn = state
        self._show_values(len(curve) > 0)
        self._draw_raw()
        if self._smoothed and len(curve) > 1:
            step = max(1, len(curve) // _SMOOTH_POINTS)
            self._smooth.setData(curve.x[::step], curve.smoothed[::step])
        else:
            self._smooth.setData([], [])
        shown = points is not None and len(points) > 0
        if "evaluation" in self.legend:
            self.legend["evaluation"].setVisible(shown)
        if points is not None:
            self._evals.setData(points.x, points.y, connect="finite")

    def _draw_raw(self) -> None:
        """Draws what can be seen of the curve, which is all of it until somebody zooms."""
        view = self.plot.getViewBox()
        if self._curve is not None:
            seen = () if view.autoRangeEnabled()[0] else view.viewRange()[0]
            # Two points for each pixel of its width; more would cost more and look the same.
            blocks = max(_FEWEST_BLOCKS, self.plot.width())
            self._raw.setData(*self._curve.outline(*seen, blocks=blocks), connect="finite")

    def _make_plot(self, title: str, small: bool) -> None:
        self.plot = pg.PlotWidget()
        self.plot.setAccessibleName(title)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMenuEnabled(False)
        for action in self.plot.scene().contextMenu:
            # The library's own would come up among the window's commands.
            action.setParent(None)
        self.plot.scene().contextMenu = []
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=True, y=False)
        self.plot.getPlotItem().setDownsampling(auto=True, mode="peak")
        self.plot.getPlotItem().setClipToView(True)
        self.plot.getViewBox().enableAutoRange()
        for side in ("left", "bottom"):
            # Drawing the numbers takes longer than drawing the curve.
            self.plot.getAxis(side).setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        if small:
            self.plot.setMinimumHeight(8 * GRID)
        self._raw, self._smooth, self._evals, self._best = (self.plot.plot() for _ in range(4))
        self._cross = pg.InfiniteLine(angle=90)
        self._cross.hide()
        self.plot.addItem(self._cross, ignoreBounds=True)

    def _switches(self) -> list[QToolButton]:
        names = {
            "raw": (self.tr("each step"), self._raw),
            "smooth": (self.tr("smoothed"), self._smooth),
            "evaluation": (self.tr("evaluation"), self._evals),
        }
        for key, (name, item) in names.items():
            self.legend[key] = made = QToolButton()
            made.setObjectName("legend")
            made.setText(name)
            made.setAccessibleName(self.tr("Show the line: {name}").format(name=name))
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            made.setCheckable(True)
            made.setChecked(True)
            made.setIconSize(QSize(_SIGN_PX, _SIGN_PX))
            made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
            made.toggled.connect(item.setVisible)
            made.toggled.connect(self.reset_view)
        self.legend["evaluation"].toggled.connect(self._best.setVisible)
        self.legend["evaluation"].toggled.connect(self._best_text.setVisible)
        return list(self.legend.values())

    def _show_values(self, shown: bool) -> None:
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setVisible(shown)

    def _hover(self, position: QPointF) -> None:
        curve = self._curve
        inside = self.plot.getPlotItem().sceneBoundingRect().contains(position)
        if curve is None or not len(curve) or not inside:
            self._cross.hide()
            self.readout.setText("")
            return
        where = self.plot.getViewBox().mapSceneToView(position).x()
        at = int(np.clip(np.searchsorted(curve.x, where), 0, len(curve) - 1))
        self._cross.setPos(curve.x[at])
        self._cross.show()
        text = f"{self.tr('step')} {curve.x[at]:,.0f}   {curve.y[at]:.4g}"
        if self._smoothed:
            text += f"   ({self.tr('smoothed')} {curve.smoothed[at]:.4g})"
        if self._points is not None and len(self._points):
            near = int(np.argmin(np.abs(self._points.x - curve.x[at])))
            text += f"   {self.tr('eval')} {self._points.y[near]:.4g}"
        self.readout.setText(text)

    def _colour(self) -> None:
        palette = self._theme.palette
        colour, points = pg.mkColor(palette.series[self._series]), pg.mkColor(palette.series[1])
        faint = pg.mkColor(palette.series[self._series])
        faint.setAlpha(110)
        self.plot.setBackground(palette.panel)
        # A line of one pixel: wider ones cost a hundred times as much where they zigzag.
        self._raw.setPen(pg.mkPen(faint if self._smoothed else colour, width=1))
        self._smooth.setPen(pg.mkPen(colour, width=2))
        self._evals.setPen(pg.mkPen(points, width=1))
        self._best.setPen(None)
        for item, symbol, width in ((self._evals, "o", 7), (self._best, "star", 16)):
            item.setSymbol(symbol)
            item.setSymbolSize(width)
            item.setSymbolBrush(points)
            item.setSymbolPen(pg.mkPen(palette.panel))
        self._cross.setPen(pg.mkPen(palette.strong_border, width=1))
        for key, shade in (("raw", faint), ("smooth", colour), ("evaluation", points)):
            if key in self.legend:
                self.legend[key].setIcon(_sign(shade, dotted=key == "evaluation"))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(palette.border))
            axis.setTextPen(pg.mkPen(palette.muted))
            axis.setStyle(tickLength=0)
        self.plot.getAxis("left").setWidth(6 * GRID)
        self.plot.showGrid(x=False, y=True, alpha=0.12 if not palette.dark else 0.2)


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
