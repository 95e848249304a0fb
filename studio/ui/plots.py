"""Live curves: buffers drawn on a timer, never an event at a time."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtWidgets import QGraphicsItem, QWidget

from studio.ui.curves import Curve
from studio.ui.parts import column, label, row
from studio.ui.theme import GRID, Theme

_REPAINT_MS = 100
_SMOOTH_POINTS = 600


class LinePlot(QWidget):
    """One curve: raw and, if wanted, smoothed; evaluation points; the value under the mouse."""

    def __init__(
        self, theme: Theme, title: str, *, series: int = 0, smoothed: bool = False, small: bool = False
    ) -> None:
        """Shows nothing yet; `series` picks the colour."""
        super().__init__()
        self._theme, self._series, self._smoothed = theme, series, smoothed
        self._curve: Curve | None = None
        self._points: Curve | None = None
        self._drawn = (-1, -1, -1.0)
        self.log = False
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
            self.plot.setMinimumHeight(11 * GRID)
        self._raw = self.plot.plot()
        self._smooth = self.plot.plot()
        self._evals = self.plot.plot()
        self._cross = pg.InfiniteLine(angle=90)
        self._cross.hide()
        self.plot.addItem(self._cross, ignoreBounds=True)
        self._title = label(title, "caption")
        self.readout = label("", "caption")
        self.setLayout(column(row(self._title, None, self.readout), self.plot, spacing=GRID // 2))
        self.plot.scene().sigMouseMoved.connect(self._hover)
        # By a mouse alone: what is new moves the range too, and is drawn anyway.
        self.plot.getViewBox().sigRangeChangedManually.connect(self._draw_raw)
        theme.changed.connect(self._colour)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.redraw)
        # Plots that draw in one go hold the window several times as long as one does: each has a time of its own.
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.start(_REPAINT_MS + 7 * series)
        self._colour()

    def set_curves(self, curve: Curve | None, points: Curve | None = None) -> None:
        """Shows another curve, and points of evaluations with it."""
        self._curve, self._points = curve, points
        self._drawn = (-1, -1, -1.0)
        self.plot.getViewBox().enableAutoRange()
        self.readout.setText("")
        self._cross.hide()
        self.redraw()

    def set_log(self, on: bool) -> None:
        """Switches the value axis between linear and logarithmic."""
        self.log = on
        self.plot.setLogMode(y=on)
        self.plot.getViewBox().enableAutoRange()

    def reset_view(self) -> None:
        """Shows the whole curve again after zooming."""
        self.plot.getViewBox().enableAutoRange()
        self._draw_raw()

    def redraw(self) -> None:
        """Draws what is new; does nothing where nothing is."""
        if self._curve is None:
            for item in (self._raw, self._smooth, self._evals):
                item.setData([], [])
            self._show_values(False)
            return
        points = self._points
        state = (len(self._curve), len(points) if points is not None else 0, self._curve.smoothing)
        if state == self._drawn or not self.isVisible():
            return
        self._drawn = state
        x = self._curve.x
        self._show_values(len(x) > 0)
        self._draw_raw()
        if self._smoothed and len(x) > 1:
            step = max(1, len(x) // _SMOOTH_POINTS)
            self._smooth.setData(x[::step], self._curve.smoothed[::step])
        else:
            self._smooth.setData([], [])
        if points is not None:
            self._evals.setData(points.x, points.y)

    def _draw_raw(self) -> None:
        """Draws what can be seen of the curve, which is all of it until somebody zooms."""
        view = self.plot.getViewBox()
        if self._curve is not None:
            seen = () if view.autoRangeEnabled()[0] else view.viewRange()[0]
            # Two points for each pixel of its width; more would cost more and look the same.
            self._raw.setData(*self._curve.outline(*seen, blocks=max(200, self.plot.width())), connect="finite")

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
        colour = pg.mkColor(palette.series[self._series])
        faint = pg.mkColor(palette.series[self._series])
        faint.setAlpha(110)
        self.plot.setBackground(palette.panel)
        # A line of one pixel: wider ones cost a hundred times as much where they zigzag.
        self._raw.setPen(pg.mkPen(faint if self._smoothed else colour, width=1))
        self._smooth.setPen(pg.mkPen(colour, width=2))
        points = pg.mkColor(palette.series[1])
        self._evals.setPen(pg.mkPen(points, width=1))
        self._evals.setSymbol("o")
        self._evals.setSymbolSize(7)
        self._evals.setSymbolBrush(points)
        self._evals.setSymbolPen(pg.mkPen(palette.panel))
        self._cross.setPen(pg.mkPen(palette.strong_border, width=1))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(palette.border))
            axis.setTextPen(pg.mkPen(palette.muted))
            axis.setStyle(tickLength=0)
        self.plot.getAxis("left").setWidth(6 * GRID)
        self.plot.showGrid(x=False, y=True, alpha=0.12 if not palette.dark else 0.2)
