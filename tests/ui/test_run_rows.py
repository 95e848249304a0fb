"""The rows of a run by their losses: from a point of a curve to them, and from them to the data."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QProcess, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.core import rowlog, runs
from studio.core.config import DataSpec, RunConfig, from_dict
from studio.core.runs import Run
from studio.core.versions import steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version
from studio.ui.canvas import Canvas
from studio.ui.loss_table import LossTable
from studio.ui.pages.data import DataPage
from studio.ui.pages.run_rows import RunRows
from studio.ui.pages.run_view import RunView
from studio.ui.pages.train import TrainPage
from studio.ui.session import Picked
from studio.ui.window import MainWindow
from tests.ui.test_run_view import shown
from tests.ui.told import prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def data_of(folder: Path, count: int = 12) -> Path:
    file = folder / "asked.jsonl"
    rows = [{"prompt": f"ask {number}", "completion": f"answer {number}"} for number in range(count)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def run_on(data: Path | DataSpec, folder: Path, times: int = 1) -> Run:
    """A run of four rows a step over twelve, the worst of them row 7."""
    spec = data if isinstance(data, DataSpec) else DataSpec(path=str(data))
    run = runs.create(RunConfig(name="told", data=spec), folder)
    tell(
        run, replace(prepared(3 * times), steps_per_epoch=3), *(step(number, 2.0) for number in range(1, 3 * times + 1))
    )
    losses = [5.0 if row == 7 else 2.0 - row / 100 for row in range(12)]
    records = [(3 * time + 1 + row // 4, row, 5, losses[row] - time) for time in range(times) for row in range(12)]
    np.array(records, rowlog.RECORD).tofile(rowlog.path_of(run.path))
    return run


def looked(view: RunView, qtbot: QtBot) -> RunRows:
    """Opens the tab, and waits until the rows are there."""
    view.tabs.setCurrentWidget(view.rows)
    qtbot.waitUntil(lambda: view.rows._command is None)
    return view.rows


def cells(rows: RunRows, line: int = 0) -> list[str]:
    return [str(rows.model.index(line, column).data()) for column in range(8)]


def view_keys(window: MainWindow) -> list[tuple[str, str]]:
    return [key for title, keys in window.shortcuts() if title == "Train" for key in keys]


def places(page: DataPage) -> list[int]:
    found = page.rows.shown_places()
    assert found is not None
    return [int(place) for place in found]


def click(canvas: Canvas, at: float) -> None:
    """Clicks where a step is drawn."""
    place = QPoint(round(canvas._across(np.array([at]))[0]), canvas.height() // 2)
    QTest.mouseMove(canvas, place)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)


def test_a_click_on_the_curve_shows_the_rows_of_its_step(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    view = shown(window, qtbot, run_on(data_of(tmp_path), tmp_path / "run"))
    canvas = view.curves.plots["loss"].canvas
    canvas.grab()
    click(canvas, 2.0)
    assert view.tabs.currentWidget() is view.rows
    assert view.rows.step.value() == 2
    rows = looked(view, qtbot)
    assert rows.said.text() == "4 rows in this step"
    assert sorted(item["row"] for item in rows.model.items) == [4, 5, 6, 7]
    number, loss, above, _, at, tokens, *said = cells(rows)
    assert (number, loss, at, tokens, said) == ("7", "5.0000", "2", "5", ["ask 7", "answer 7"])
    assert float(above.removeprefix("+")) > 3
    # Back to all of them by the field, and by another curve to another step.
    rows.step.setValue(0)
    qtbot.waitUntil(lambda: len(rows.model.items) == 12)
    assert rows.said.text() == "12 rows were trained on, by step 3"
    view.tabs.setCurrentWidget(view.curves)
    small = view.curves.plots["grad_norm"].canvas
    small.grab()
    click(small, 3.0)
    qtbot.waitUntil(lambda: [item["row"] for item in rows.model.items] == [8, 9, 10, 11])


def test_moving_a_curve_is_no_click(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    view = shown(window, qtbot, run_on(data_of(tmp_path), tmp_path / "run"))
    canvas = view.curves.plots["loss"].canvas
    canvas.grab()
    place = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseMove(canvas, place + QPoint(40, 0))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place + QPoint(40, 0))
    # Nor is one beside the axes, or with another button.
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(3, place.y()))
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=place)
    assert view.tabs.currentWidget() is view.curves


def test_columns_order_the_rows_and_a_change_is_shown_where_there_is_one(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    data = data_of(tmp_path)
    once = looked(shown(window, qtbot, run_on(data, tmp_path / "once")), qtbot)
    assert once.table.isColumnHidden(3)
    view = shown(window, qtbot, run_on(data, tmp_path / "twice", times=2))
    rows = looked(view, qtbot)
    qtbot.waitUntil(lambda: bool(rows.model.items) and rows.model.items[0]["times"] == 2)
    assert not rows.table.isColumnHidden(3)
    assert cells(rows)[:4] == ["7", "4.0000", cells(rows)[2], "\u22121.0000"]
    header = rows.table.horizontalHeader()
    header.sectionClicked.emit(1)
    qtbot.waitUntil(lambda: [item["row"] for item in rows.model.items[:3]] == [7, 0, 1])
    names = [rows.model.headerData(at, Qt.Orientation.Horizontal) for at in range(4)]
    assert names == ["Row", "\u2193 Loss", "Above", "Change"]
    QTest.keyClick(rows.table, Qt.Key.Key_C)
    assert rows.model.order == "change"
    QTest.keyClick(rows.table, Qt.Key.Key_L)
    assert ("Order by loss", "L") in view_keys(window)
    header.sectionClicked.emit(0)
    assert rows.model.order == "loss", "nothing is ordered by a row's number"


def test_rows_lead_to_the_data_all_of_them_or_those_chosen(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    rows = looked(shown(window, qtbot, run_on(data_of(tmp_path), tmp_path / "run")), qtbot)
    rows.show_step(2)
    qtbot.waitUntil(lambda: len(rows.model.items) == 4)
    # What is shown is offered no longer once another step is asked for.
    rows.step.setValue(3)
    assert not rows.show_button.isEnabled()
    rows.step.setValue(2)
    qtbot.waitUntil(rows.show_button.isEnabled)
    rows.show_button.click()
    page = window.page("data")
    assert isinstance(page, DataPage)
    assert window._stack.currentWidget() is page
    qtbot.waitUntil(lambda: page.rows.table_model.rowCount() == 4)
    assert places(page) == [7, 4, 5, 6], "the worst first"
    assert page.rows.search.chip.text().startswith("Step 2 of told")
    qtbot.waitUntil(lambda: "valid" in page.plain.known)
    assert page.rows.table.hasFocus()
    # One alone, by its key; a search that was left there hides nothing of it.
    page.search.setText("no such text")
    window.show_page("train")
    rows.show_step(3)
    qtbot.waitUntil(lambda: [item["row"] for item in rows.model.items] == [8, 9, 10, 11])
    rows.table.selectRow(1)
    QTest.keyClick(rows.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.rows.table_model.rowCount() == 1)
    assert places(page) == [9]
    page.rows.search.chip.click()
    assert page.rows.table_model.rowCount() == 12
    # What is chosen stays so while nothing has changed.
    window.show_page("train")
    qtbot.waitUntil(lambda: rows._command is None)
    assert [index.row() for index in rows.table.selectionModel().selectedRows()] == [1]


def test_the_data_is_taken_for_what_the_run_took_it(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "asked.csv"
    file.write_text("q,a\n" + "".join(f"ask {at},answer {at}\n" for at in range(12)), encoding="utf-8")
    columns = {"prompt": "q", "completion": "a"}
    data = from_dict({"data": {"path": str(file), "mapping": columns}}).data
    rows = looked(shown(window, qtbot, run_on(data, tmp_path / "run")), qtbot)
    assert cells(rows)[-2:] == ["ask 7", "answer 7"]
    rows.table.selectRow(0)
    rows.table.doubleClicked.emit(rows.model.index(0, 0))
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: "valid" in page.plain.known)
    assert (places(page), page.plain.known["valid"], page.plain.columns) == ([7], 12, columns)


def test_rows_of_a_version_are_found_though_it_was_edited_since(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"prompt": "first", "completion": "yes"}\n' * 3, encoding="utf-8")
    sources = [Source(path=str(other)), Source(path=str(data_of(tmp_path, 15)))]
    version = Version(versions.create(tmp_path / "v.recipe.json", sources))
    version.add(steps.Exclude(rows=((0, 0, 1), (1, 0, 2))))
    run = run_on(version.path, tmp_path / "run")
    Version(version.path).add(steps.Exclude(rows=((1, 3, 5),)))
    window.session.remember_data(version.path)
    rows = looked(shown(window, qtbot, run), qtbot)
    assert cells(rows)[-2:] == ["ask 9", "answer 9"]
    rows.table.selectRow(0)
    rows.show_button.click()
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: page.rows.table_model.rowCount() == 1)
    assert places(page) == [3 + 9]
    # Without the version the run's own copy is not opened: it would be edited there.
    version.path.unlink()
    told: list[str] = []
    window.session.noticed.connect(lambda notice: told.append(notice.text))
    window.show_page("train")
    qtbot.waitUntil(lambda: rows._command is None)
    rows.show_button.click()
    assert "not among those that were opened here" in told[-1]
    assert window._stack.currentWidget() is window.page("train")


def test_rows_that_are_gone_are_counted_and_asked_for_no_longer(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    data = data_of(tmp_path)
    told: list[str] = []
    window.session.noticed.connect(lambda notice: told.append(notice.text))
    window.session.rows_wanted.emit(Picked(DataSpec(path=str(data)), [(0, 3), (0, 40), (0, 50)], "some"))
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: page.rows.table_model.rowCount() == 1)
    assert places(page) == [3]
    assert told == ["2 of these rows are not there any more."]
    # Of data that cannot be opened none is shown once it can.
    gone = tmp_path / "gone.jsonl"
    window.session.rows_wanted.emit(Picked(DataSpec(path=str(gone)), [(0, 3)], "some"))
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2)
    data.rename(gone)
    page._again()
    qtbot.waitUntil(lambda: "valid" in page.plain.known)
    assert page.rows.shown_places() is None


def test_what_cannot_be_shown_is_said(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    data = data_of(tmp_path)
    bare = runs.create(RunConfig(name="bare", data=DataSpec(path=str(data))), tmp_path / "bare")
    tell(bare, prepared(9))
    rows = shown(window, qtbot, bare).rows
    shown(window, qtbot, bare).tabs.setCurrentWidget(rows)
    qtbot.waitUntil(lambda: rows._command is None)
    assert "not taken a step yet" in rows.said.text()
    assert not rows.show_button.isEnabled()
    changed = run_on(data, tmp_path / "changed")
    tell(changed, replace(prepared(3), data="another"))
    rows = looked(shown(window, qtbot, changed), qtbot)
    assert "was changed since the run began" in rows.said.text()
    assert (cells(rows)[0], cells(rows)[-1]) == ("(7)", "")
    assert not rows.show_button.isEnabled(), "they may be other rows"


def test_what_a_run_has_done_since_is_looked_for_when_asked(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    run = run_on(data_of(tmp_path), tmp_path / "run")
    rows = looked(shown(window, qtbot, run), qtbot)
    with rowlog.path_of(run.path).open("ab") as file:
        file.write(np.array([(4, 3, 5, 9.0)], rowlog.RECORD).tobytes())
    rows.again.click()
    qtbot.waitUntil(lambda: cells(rows)[:2] == ["3", "9.0000"] if rows.model.items else False)
    assert rows.said.text() == "12 rows were trained on, by step 4"


def test_a_window_that_closes_ends_the_search(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    view = shown(window, qtbot, run_on(data_of(tmp_path), tmp_path / "run"))
    view.tabs.setCurrentWidget(view.rows)
    command = view.rows._command
    assert command is not None
    process = command._process
    assert process.state() != QProcess.ProcessState.NotRunning
    with qtbot.waitSignal(command.over):
        window.close()
    assert view.rows.model.items == []


def test_the_first_of_many_rows_are_shown_and_told_so(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.resize(1400, 800)
    run = run_on(data_of(tmp_path, 300), tmp_path / "run")
    np.array([(1, row, 5, row / 100) for row in range(250)], rowlog.RECORD).tofile(rowlog.path_of(run.path))
    rows = looked(shown(window, qtbot, run), qtbot)
    assert rows.said.text() == "250 rows were trained on, by step 1, the first 200 are shown"
    assert cells(rows, 199)[0] == "50"
    assert not rows.table.isColumnHidden(4)
    assert not rows.table.isColumnHidden(5)
    rows.show_step(1)
    qtbot.waitUntil(lambda: rows.said.text() == "250 rows in this step, the first 200 are shown")


def test_a_run_that_goes_on_offers_its_steps(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    run = runs.create(RunConfig(name="told", data=DataSpec(path=str(data_of(tmp_path)))), tmp_path / "run")
    tell(run, prepared(3))
    view = shown(window, qtbot, run)
    rows = looked(view, qtbot)
    assert "not taken a step yet" in rows.said.text()
    np.array([(1, 3, 5, 2.0), (2, 4, 5, 2.0)], rowlog.RECORD).tofile(rowlog.path_of(run.path))
    tell(run, step(1, 2.0), step(2, 2.0))
    assert view.model is not None
    view.model.attach()
    qtbot.waitUntil(lambda: len(rows.model.items) == 2)
    assert rows.step.maximum() == 2


def test_what_is_asked_and_answered_has_room_in_a_narrow_window(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.resize(960, 600)
    rows = looked(shown(window, qtbot, run_on(data_of(tmp_path), tmp_path / "run")), qtbot)
    assert rows.table.viewport().width() < 600
    assert rows.table.horizontalScrollBar().maximum() == 0
    assert [rows.table.isColumnHidden(at) for at in range(8)] == [at in (3, 4, 5) for at in range(8)]


def test_a_window_that_opens_again_shows_the_run_that_was_open(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    data = data_of(tmp_path)
    older, newer = run_on(data, tmp_path / "older"), run_on(data, tmp_path / "newer")
    shown(window, qtbot, older)
    opened = window.left_open()
    shown(window, qtbot, newer)
    window.take_up(opened)
    page = window.page("train")
    assert isinstance(page, TrainPage)
    assert page.view.model is not None
    assert page.view.model.run == older
    page.take_up(None)
    assert page.view.model.run == older


def test_a_loss_that_is_no_number_is_shown_as_such() -> None:
    table = LossTable()
    item = {"where": "4", "loss": None, "above": None, "first_loss": 2.0, "times": 2, "step": 9, "tokens": 5}
    table.set_items([item | {"asked": "", "answer": ""}])
    assert [table.data(table.index(0, column)) for column in range(4)] == ["4", "NaN", "NaN", "NaN"]
