"""Several runs in one plot: chosen by keys, told apart, followed, taken away; and what differs between them."""

from collections.abc import Sequence

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.core import runs
from studio.core.config import AdapterSpec, DataSpec, RunConfig
from studio.core.runs import Run
from studio.ui.canvas import Line
from studio.ui.curves import Curve
from studio.ui.pages.run_beside import MOST, RunChoice
from studio.ui.pages.run_curves import RunCurves
from studio.ui.pages.train import TrainPage
from studio.ui.plots import LinePlot
from studio.ui.session import demo_data
from studio.ui.theme import DARK, LIGHT, Theme
from studio.ui.window import MainWindow
from tests.ui.test_canvas import Painted
from tests.ui.told import evaluated, finished, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


def made(name: str, losses: Sequence[float], rank: int = 16) -> Run:
    run = runs.create(RunConfig(name=name, data=DataSpec(path=str(demo_data())), adapter=AdapterSpec(r=rank)))
    tell(run, prepared(len(losses)), *(step(number, loss) for number, loss in enumerate(losses, start=1)))
    tell(run, evaluated(2, losses[1] + 0.5, True))
    return run


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot) -> TrainPage:
    """The page showing `mine`, with `short` and `long` beside it in the list."""
    for run in (made("short", [4.0, 3.0], 4), made("long", [5.0, 4.0, 3.5, 3.0, 2.5])):
        tell(run, finished(5))
    mine = made("mine", [2.0, 1.5, 1.2])
    window.show_page("train")
    found = window.page("train")
    assert isinstance(found, TrainPage)
    found.receive(mine)
    qtbot.waitUntil(lambda: len(curves_of(found).plots["loss"].raw.x) == 3)
    return found


def curves_of(page: TrainPage) -> RunCurves:
    return page.view.curves


def lay(page: TrainPage, qtbot: QtBot, *names: str) -> None:
    curves = curves_of(page)
    for name in names:
        curves.lay(next(item for item in page.table.items if item.title == name))
    qtbot.waitUntil(lambda: all(len(line.x) for line, _ in curves.plots["loss"].beside))


def points(line: Line) -> list[tuple[float, float]]:
    return list(zip(line.x.tolist(), line.y.tolist(), strict=True))


def popup(qapp: QApplication) -> RunChoice:
    found = qapp.activePopupWidget()
    assert isinstance(found, RunChoice)
    return found


def test_runs_are_chosen_by_keys_and_taken_away_by_them(
    page: TrainPage, window: MainWindow, qtbot: QtBot, qapp: QApplication
) -> None:
    curves = curves_of(page)
    page.view.tabs.setCurrentIndex(1)
    page.view.compare.trigger()
    assert page.view.tabs.currentWidget() is curves
    choice = popup(qapp)
    assert choice.list.count() == 2, "the shown one is not laid over itself"
    QTest.keyClicks(choice.search, "LONG")
    assert choice.list.count() == 1
    QTest.keyClick(choice.search, Qt.Key.Key_Return)
    assert [model.title for model in curves.others] == ["long"]
    assert choice.list.item(0).checkState() == Qt.CheckState.Checked
    choice.search.setText("no such run")
    QTest.keyClick(choice.search, Qt.Key.Key_Return)
    choice.search.clear()
    while not choice.list.currentItem().text().startswith("short"):
        QTest.keyClick(choice.search, Qt.Key.Key_Down)
    QTest.keyClick(choice.search, Qt.Key.Key_Return)
    assert [model.title for model in curves.others] == ["long", "short"]
    QTest.keyClick(choice.search, Qt.Key.Key_Escape)
    assert qapp.activePopupWidget() is None
    assert curves.legend.isVisible()
    assert [chip.text() for chip in curves.legend.chips] == ["long", "short"]
    curves.legend.chips[0].click()
    assert [chip.text() for chip in curves.legend.chips] == ["short"]
    curves.compare.click()
    choice = popup(qapp)
    choice.search.setText("short")
    QTest.keyClick(choice.search, Qt.Key.Key_Return)
    choice.close()
    assert curves.others == []
    assert not curves.legend.isVisible()
    assert not curves.differs.isVisible()
    assert curves.plots["loss"].beside == []


def test_every_plot_shows_each_run_with_a_letter_and_what_each_has_at_the_mouse(
    page: TrainPage, window: MainWindow, qtbot: QtBot
) -> None:
    curves = curves_of(page)
    plot = curves.plots["loss"]
    alone = plot.raw.colour.name()
    curves._smoothing.setCurrentIndex(0)
    lay(page, qtbot, "long", "short")
    assert points(plot.beside[0][0]) == [(1, 5.0), (2, 4.0), (3, 3.5), (4, 3.0), (5, 2.5)]
    assert points(plot.beside[1][0]) == [(1, 4.0), (2, 3.0)]
    assert [points(line) for _, line in plot.beside] == [[(2, 4.5)], [(2, 3.5)]]
    assert plot.canvas.extent == (1.0, 5.0)
    assert plot.canvas.range()[3] > 5.0
    assert [line.letter for line, _ in plot.beside] == ["B", "C"]
    assert plot.smooth.letter == "A"
    colours = [line.colour.name() for line, _ in plot.beside]
    for name in ("learning_rate", "grad_norm", "tokens_per_s"):
        other = curves.plots[name]
        assert other._title.text().endswith(" (means)")
        assert [line.colour.name() for line, _ in other.beside] == colours
        assert other.raw.colour.name() == plot.smooth.colour.name(), "a run has one colour in all plots"
        qtbot.waitUntil(lambda plot=other: len(plot.beside[0][0].x) == 5)  # type: ignore[misc]
    plot.canvas.hovered.emit(2.1)
    assert plot.canvas.said.split("   ") == [
        "step 2", "A 1.5 (1.5) eval 2", "B 4 (4) eval 4.5", "C 3 (3) eval 3.5",
    ]  # fmt: skip
    plot.canvas.hovered.emit(3.0)
    assert plot.canvas.said.endswith("C \u2013")
    curves.plots["learning_rate"].canvas.hovered.emit(2.0)
    assert curves.plots["learning_rate"].canvas.said == "step 2   A 0.0005   B 0.0005   C 0.0005"
    plot.set_log(True)
    assert plot.canvas.range()[3] < 1.0
    plot.legend["evaluation"].click()
    assert not any(line.shown for _, line in plot.beside)
    for chip in curves.legend.chips:
        chip.click()
    plot.set_log(False)
    assert plot.canvas.extent == (1.0, 3.0)
    assert plot.raw.colour.name() == alone
    assert plot.smooth.letter == ""
    assert curves.plots["grad_norm"]._title.text() == "Gradient norm"
    plot.canvas.hovered.emit(2.0)
    assert plot.canvas.said.startswith("step 2   1.5   (smoothed 1.5)")


def test_smoothing_acts_on_all(page: TrainPage, qtbot: QtBot) -> None:
    curves = curves_of(page)
    lay(page, qtbot, "long")
    curves._smoothing.setCurrentIndex(3)
    (line, _), curve = curves.plots["loss"].beside[0], curves.others[0].curves["loss"]
    assert curve.smoothing == 0.97
    np.testing.assert_array_equal(line.y, curve.smoothed)
    assert line.y[-1] > 3.0


def test_a_run_laid_over_another_is_followed(page: TrainPage, qtbot: QtBot) -> None:
    run = next(item.run for item in page.table.items if item.title == "long")
    with run.claim():
        lay(page, qtbot, "long")
        plot = curves_of(page).plots["loss"]
        qtbot.waitUntil(lambda: curves_of(page).others[0].alive)
        tell(run, *(step(number, 2.0) for number in range(6, 100)))
        qtbot.waitUntil(lambda: plot.beside[0][0].x[-1] == 99)
    assert plot.raw.x[-1] == 3


def test_a_run_that_is_removed_is_no_longer_laid_over_others(page: TrainPage, window: MainWindow, qtbot: QtBot) -> None:
    lay(page, qtbot, "long", "short")
    curves = curves_of(page)
    page.list.setCurrentIndex(page.table.index(page.table.row_of(curves.others[0].run.name), 0))
    assert page.view.model is curves.others[0]
    assert [chip.text() for chip in curves.legend.chips] == ["short"], "a run is not laid over itself"
    page.remove_run()
    qtbot.waitUntil(lambda: page.view.model is not None and page.view.model.title != "long")
    assert [model.title for model in curves.others] == ["short"]
    window.session.forget(curves.others[0].run)
    assert curves.others == []
    assert curves.plots["loss"].beside == []


def test_at_most_so_many_are_laid_over_one(page: TrainPage, qtbot: QtBot) -> None:
    names = [f"more{number}" for number in range(MOST + 1)]
    for name in names:
        made(name, [1.0, 2.0])
    page._refresh()
    lay(page, qtbot, *names)
    assert [model.title for model in curves_of(page).others] == names[:MOST]
    assert len(curves_of(page).legend.chips) == MOST
    assert len(LIGHT.beside) == len(DARK.beside) == MOST == len(set(LIGHT.beside)) == len(set(DARK.beside))


def test_what_differs_is_shown_and_copied(page: TrainPage, window: MainWindow, qtbot: QtBot) -> None:
    lay(page, qtbot, "long", "short")
    curves = curves_of(page)
    told = curves.differences
    assert not told.isVisible()
    curves.differs.click()
    assert told.isVisible()
    lines = [line.split("\t") for line in told.model.text().split("\n")]
    assert lines == [
        ["", "A  mine", "B  long", "C  short"],
        ["Last loss", "1.2000", "2.5000", "3.0000"],
        ["Best eval loss", "2.0000", "4.5000", "3.5000"],
        ["Trained tokens", "1,200", "2,000", "800"],
        ["Time in steps", "0 s", "1 min 1 s", "1 min 1 s"],
        ["adapter.r", "16", "16", "4"],
    ]
    table = told.model
    shown = [[table.data(table.index(row, at)) for at in range(4)] for row in range(table.rowCount())]
    assert shown == lines[1:]
    assert [table.headerData(at, Qt.Orientation.Horizontal) for at in range(4)] == lines[0]
    told.table.setFocus()
    QTest.keyClick(told.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == told.model.text()
    curves.take_away(curves.others[1])
    assert told.said.text() == "Their settings are the same."
    curves.take_away(curves.others[0])
    assert not told.isVisible(), "the other plots are there again"


def test_letters_stand_behind_the_lines_and_not_on_each_other(theme: Theme, qtbot: QtBot) -> None:
    plot, curve = LinePlot(theme, "loss"), Curve(None)
    curve.extend(np.arange(10.0), np.zeros(10))
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    plot.show()
    plot.set_curves(curve, None)
    before = plot.canvas.grab().toImage()
    plot.lay_over([(curve, None)] * 3)
    after = plot.canvas.grab().toImage()
    right = plot.canvas.width() - 19
    places = [(x, y) for x in range(right, plot.canvas.width()) for y in range(after.height())]
    changed = {y for x, y in places if before.pixel(x, y) != after.pixel(x, y)}
    assert max(changed) - min(changed) > 3 * 10, "four letters below each other"


def test_the_plots_of_many_runs_are_painted_one_at_a_time(page: TrainPage, qtbot: QtBot, qapp: QApplication) -> None:
    lay(page, qtbot, "long", "short")
    qtbot.waitUntil(lambda: not page.view._timer.isActive())
    qapp.processEvents()
    painted = Painted()
    for plot in curves_of(page).plots.values():
        plot.canvas.installEventFilter(painted)
    counts = list[int]()
    page.view.advanced.connect(lambda: counts.append(len(set(painted.seen))))
    curves_of(page).others[0]._receive([step(6, 0.5)])
    qtbot.waitUntil(lambda: len(set(painted.seen)) == 4)
    assert all(count <= at for at, count in enumerate(counts))
