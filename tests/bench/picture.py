"""The picture of what `tests.bench.scale` measured: one plot for each part, both axes logarithmic but where said."""

import math
import os
from pathlib import Path
from typing import Any

_SIZE = (1600, 900)
_COLORS = ("#1f6feb", "#d1242f")
_INK, _FAINT = "#1f2328", "#d0d7de"
_TEXT = "20px"

# By part: title, what runs to the right, and the lines: their name and what is taken of each point.
_PLOTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "length": ("Training: tokens a CPU second", "tokens of a row", {"": ""}),
    "rank": ("Training: tokens a CPU second", "rank", {"": ""}),
    "rows": ("Preparation", "rows", {"CPU seconds": "seconds", "memory, MB": "growth_bytes"}),
    "adapters": (
        "Answers: tokens a CPU second",
        "adapters side by side",
        {"in one pass": "together", "one after the other": "one_by_one"},
    ),
}


def draw(found: dict[str, Any], picture: Path) -> None:
    """Writes the picture, a PNG, of the parts that are in `found`, as `tests.bench.scale --json` wrote them."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import pyqtgraph as pg
    from pyqtgraph.exporters import ImageExporter

    app = pg.mkQApp()
    pg.setConfigOptions(background="w", foreground=_INK, antialias=True)
    view = pg.GraphicsLayoutWidget(size=_SIZE)
    view.ci.setSpacing(40)
    view.ci.setContentsMargins(20, 20, 40, 20)
    parts = [part for part in _PLOTS if part in found]
    for at, part in enumerate(parts):
        _plot(pg, view.addPlot(row=at // 2, col=at % 2), part, found[part])
    view.show()
    app.processEvents()
    picture.parent.mkdir(parents=True, exist_ok=True)
    ImageExporter(view.scene()).export(str(picture))
    view.close()


def _plot(pg: Any, plot: Any, part: str, points: dict[str, Any]) -> None:
    title, below, lines = _PLOTS[part]
    places = [float(place) for place in points]
    lines = {name: key for name, key in lines.items() if not key or all(key in point for point in points.values())}
    title = f"{title}: {named}" if len(lines) == 1 and (named := next(iter(lines))) else title
    plot.setTitle(title, size=_TEXT, color=_INK, bold=True)
    plot.setLabel("bottom", below, **{"font-size": _TEXT, "color": _INK})
    plot.setLogMode(x=True, y=part == "rows")
    plot.showGrid(y=True, alpha=0.2)
    plot.hideButtons()
    font = pg.QtGui.QFont()
    font.setPixelSize(20)
    for side in ("bottom", "left"):
        axis = plot.getAxis(side)
        axis.setTickFont(font)
        axis.setPen(_FAINT)
        axis.setTextPen(_INK)
    plot.getAxis("left").setWidth(90)
    plot.getAxis("bottom").setHeight(62)
    plot.setXRange(math.log10(places[0]), math.log10(places[-1]), padding=0.13)
    plot.getAxis("bottom").setTicks([[(math.log10(place), f"{place:,.0f}") for place in places]])
    if len(lines) > 1:
        plot.addLegend(offset=(20, 10), labelTextSize=_TEXT, labelTextColor=_INK)
    highest = 0.0
    for color, (name, key) in zip(_COLORS, lines.items(), strict=False):
        values = [value[key] if key else value for value in points.values()]
        values = [value / 1e6 for value in values] if key.endswith("_bytes") else values
        highest = max(highest, *values)
        pen = pg.mkPen(color, width=3)
        plot.plot(places, values, pen=pen, symbol="o", symbolSize=12, symbolBrush=color, symbolPen=color, name=name)
    if part == "rows":
        exponents = range(-1, 4)
        plot.getAxis("left").setTicks([[(power, f"{10.0**power:,g}") for power in exponents]])
        plot.setYRange(-1, 3.2)
    else:
        plot.setYRange(0, 1.15 * highest, padding=0)
