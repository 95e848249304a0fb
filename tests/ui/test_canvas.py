"""What a canvas draws, where its numbers stand, and that it paints no more than has changed."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui import scale
from studio.ui.canvas import Canvas, Line, _small
from studio.ui.curves import Curve
from studio.ui.plots import LinePlot
from studio.ui.theme import Theme, mixed
from studio.ui.window import MainWindow
from tests.ui.test_run_view import shown, told_run
from tests.ui.told import step

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


class Painted(QObject):
    """Notes the canvases that are painted."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Canvas] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and isinstance(watched, Canvas):
            self.seen.append(watched)
        return False


def texts(*limits: float, log: bool = False, whole: bool = False) -> list[str]:
    return [tick.text for tick in scale.ticks(limits[0], limits[1], 5, log=log, whole=whole)]


def test_the_numbers_of_an_axis_are_round_and_short() -> None:
    assert texts(0.0, 2.1) == ["0", "0.5", "1.0", "1.5", "2.0"]
    assert texts(1, 3, whole=True) == ["1", "2", "3"]
    assert texts(0, 30_000) == ["0", "10k", "20k", "30k"]
    assert texts(0, 2e-4) == ["0", "5e-5", "1.0e-4", "1.5e-4", "2.0e-4"]
    assert texts(-4, 0, log=True) == ["1e-4", "0.001", "0.01", "0.1", "1"]
    assert [tick.at for tick in scale.ticks(0.1, 0.6, 5, log=True)] == pytest.approx([math.log10(2), math.log10(3)])
    assert texts(1, 1) == []


def red(canvas: Canvas) -> set[int]:
    """Returns the columns of its picture in which something is red."""
    picture = canvas.grab().toImage()
    colours = {(x, y): picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(200)}
    return {x for (x, _), colour in colours.items() if colour == "#ff0000"}


def canvas_of(theme: Theme, qtbot: QtBot, line: Line) -> Canvas:
    canvas = Canvas(theme, [line])
    qtbot.addWidget(canvas)
    canvas.extent = (0.0, 4.0)
    line.colour = QColor("#ff0000")
    canvas.resize(468, 200)
    canvas.show()
    return canvas


def test_a_gap_is_drawn_as_a_gap(theme: Theme, qtbot: QtBot) -> None:
    found = red(canvas_of(theme, qtbot, Line(x=np.arange(5.0), y=np.array([1.0, 1.0, np.nan, 1.0, 1.0]))))
    assert {60, 140, 360, 440} <= found
    assert not found & set(range(160, 330))


@pytest.mark.parametrize("width", [1, 2])
def test_a_number_with_none_beside_it_is_seen(theme: Theme, qtbot: QtBot, width: int) -> None:
    lone = Line(width=width, x=np.arange(5.0), y=np.array([np.nan, 1.0, np.nan, np.nan, np.nan]))
    found = red(canvas_of(theme, qtbot, lone))
    assert found
    assert found <= set(range(145, 158))


def test_points_are_seen_again_where_few_are_in_view(theme: Theme, qtbot: QtBot) -> None:
    many = Line(width=0, dot=7, x=np.linspace(0, 4, 400), y=np.ones(400))
    canvas = canvas_of(theme, qtbot, many)
    assert not red(canvas)
    canvas.seen = (1.0, 1.5)
    canvas.refresh()
    assert red(canvas)


def test_the_wheel_zooms_where_the_mouse_is_and_out_again_to_the_whole(theme: Theme, qtbot: QtBot) -> None:
    plot, curve = LinePlot(theme, "loss", smoothed=True), Curve()
    curve.extend(np.arange(1000.0), np.linspace(5, 1, 1000))
    qtbot.addWidget(plot)
    plot.resize(800, 300)
    plot.show()
    plot.set_curves(curve, None)
    plot.grab()

    def turn(angle: int) -> None:
        at = QPointF(plot.canvas.width() / 2, 50)
        none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(at, plot.canvas.mapToGlobal(at), QPoint(), QPoint(0, angle), *none, False)
        QApplication.sendEvent(plot.canvas, event)
        plot.grab()

    turn(240)
    first, last = plot.canvas.range()[:2]
    assert 100 < first < 400 < 600 < last < 900
    assert len(plot.raw.x) < 1000
    turn(-480)
    assert plot.canvas.seen is None
    assert plot.canvas.range()[:2] == (0.0, 999.0)


def test_new_steps_paint_one_curve_at_a_time_and_in_the_end_all(
    window: MainWindow, qtbot: QtBot, qapp: QApplication
) -> None:
    run = told_run()
    view = shown(window, qtbot, run)
    qapp.processEvents()
    painted, refreshed = Painted(), []
    view.advanced.connect(lambda: refreshed.append(len(set(painted.seen))))
    for plot in view.curves.plots.values():
        plot.canvas.installEventFilter(painted)
    window.session.models[run.path.resolve()]._receive([step(5, 0.5)])
    qtbot.waitUntil(lambda: len(set(painted.seen)) == 4)
    # When each refresh had come, at most one more canvas was painted than at the one before.
    assert refreshed == sorted(refreshed)
    assert all(count <= at for at, count in enumerate(refreshed))
    plots = {name: plot for name, plot in view.curves.plots.items() if name != "reward_accuracy"}
    assert all(plot.raw.x[-1] == 5 for plot in plots.values())
    preferred = view.curves.plots["reward_accuracy"]
    assert not preferred.isVisible()
    preferring = replace(step(6, 0.5), reward_accuracy=0.75), replace(step(7, 0.5), reward_accuracy=0.5)
    window.session.models[run.path.resolve()]._receive([*preferring])
    qtbot.waitUntil(lambda: preferred.canvas in painted.seen)
    assert preferred.raw.y[-2:].tolist() == [0.75, 0.5]


def test_a_run_out_of_sight_paints_nothing_and_changes_no_text(
    window: MainWindow, qtbot: QtBot, qapp: QApplication
) -> None:
    run = told_run()
    view = shown(window, qtbot, run)
    window.show_page("data")
    qapp.processEvents()
    painted, before = Painted(), view.head.figures.values["loss"].text()
    for plot in view.curves.plots.values():
        plot.canvas.installEventFilter(painted)
    window.session.models[run.path.resolve()]._receive([step(5, 0.5)])
    qtbot.waitUntil(lambda: not view._timer.isActive())
    qapp.processEvents()
    assert painted.seen == []
    assert view.head.figures.values["loss"].text() == before
    window.show_page("train")
    assert view.head.figures.values["loss"].text() == "0.5000"


def test_a_cross_under_the_mouse_paints_no_line_anew(theme: Theme, qtbot: QtBot) -> None:
    plot, curve = LinePlot(theme, "loss"), Curve()
    curve.extend(np.arange(10.0), np.arange(10.0))
    qtbot.addWidget(plot)
    plot.show()
    plot.set_curves(curve, None)
    plot.grab()
    before = plot.canvas._picture
    plot.canvas.hovered.emit(3.2)
    plot.grab()
    assert plot.canvas.said == "step 3   3"
    assert plot.canvas._picture is before


def test_colours_are_mixed_in_proportion() -> None:
    assert mixed("#ffffff", "#000000", 0.5) == "#808080"
    assert mixed("#102030", "#ffffff", 1.0) == "#102030"


@pytest.mark.parametrize("step", [0, 50, 99])
def test_what_is_under_the_mouse_is_said_whole_beside_the_line(theme: Theme, qtbot: QtBot, step: int) -> None:
    plot, curve = LinePlot(theme, "loss", smoothed=True), Curve()
    curve.extend(np.arange(100.0), np.arange(100.0))
    qtbot.addWidget(plot)
    plot.resize(460, 200)
    plot.show()
    plot.set_curves(curve, curve)
    before = plot.canvas.grab().toImage()
    plot.canvas.hovered.emit(float(step))
    after = plot.canvas.grab().toImage()
    wide = QFontMetrics(_small(QPainter(after))).horizontalAdvance(plot.canvas.said)
    changed = [x for x in range(after.width()) for y in range(16) if before.pixel(x, y) != after.pixel(x, y)]
    assert max(changed) - min(changed) > wide * 0.9
    assert min(changed) > 0
    assert max(changed) < after.width() - 1


def test_of_many_steps_in_a_pixel_the_highest_is_meant(theme: Theme, qtbot: QtBot) -> None:
    plot, curve = LinePlot(theme, "Loss"), Curve()
    losses = np.ones(20_000)
    losses[7003] = 5.0
    curve.extend(np.arange(20_000.0), losses)
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    plot.show()
    plot.set_curves(curve, None)
    plot.grab()
    picked: list[int] = []
    plot.picked.connect(picked.append)
    # Half a pixel beside it, as a hand points at it.
    at = 7003 + plot.canvas.steps_in(0.5)
    plot.canvas.hovered.emit(at)
    plot.canvas.picked.emit(at)
    assert picked == [7003]
    assert plot.canvas.said == "step 7,003   5"
    # A point that is no number is what is looked for.
    losses[7005] = np.nan
    curve.cut(0)
    curve.extend(np.arange(20_000.0), losses)
    plot.canvas.picked.emit(at)
    assert picked[-1] == 7005
