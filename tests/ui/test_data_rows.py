"""The rows of the Data page: what a search finds while they are edited, and the room that each part has."""

import json
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.core.versions import recipe, store
from studio.core.versions.steps import Exclude, Sample
from studio.ui.pages.data import DataPage
from studio.ui.window import MainWindow
from tests.ui.test_data_kept import box_with_focus
from tests.ui.test_data_page import WAIT_MS, checked, file, numbers, page, press, shows, version

__all__ = ["file", "page"]  # the fixtures

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

OF_2 = ["2", *map(str, range(20, 30))]


def search_for(page: DataPage, qtbot: QtBot, text: str, found: int) -> None:
    page.search.setText(text)
    qtbot.waitUntil(lambda: page.rows.search.said.text() == f"{found} found", timeout=WAIT_MS)


def filled(page: DataPage, qtbot: QtBot, *expected: str) -> None:
    """Rows that are not read in one turn of the event loop come in the next."""
    qtbot.waitUntil(partial(shows, page, list(expected)), timeout=WAIT_MS)


def test_rows_excluded_while_a_search_goes_on_leave_what_it_finds(page: DataPage, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    # Between the first rows found and the last word of the search.
    once = Qt.ConnectionType.SingleShotConnection
    page.rows.search.found.connect(lambda _found: page.apply([Exclude(rows=((0, 1, 3),))], "exclude rows"), once)
    search_for(page, qtbot, "question 2", 11)
    version(page, qtbot, 2)
    filled(page, qtbot, *OF_2)
    page.rows.table.selectRow(2)
    assert page.rows.pane.written.toPlainText().startswith("prompt\nquestion 21\n")


def test_excluded_rows_are_searched_and_put_in_order_too(page: DataPage, qtbot: QtBot) -> None:
    page.apply([Exclude(rows=((0, 2, 2), (0, 25, 25)))], "exclude rows")
    version(page, qtbot, 1)
    search_for(page, qtbot, "question 2", 11)
    filled(page, qtbot, *OF_2)
    search = page.rows.search
    search.status.setCurrentIndex(search.status.findData("excluded"))
    qtbot.waitUntil(lambda: search.said.text() == "2 found", timeout=WAIT_MS)
    filled(page, qtbot, "2", "25")
    search.sort("length", True)
    qtbot.waitUntil(lambda: search.said.text() == "2 found", timeout=WAIT_MS)
    filled(page, qtbot, "25", "2")
    search.status.setCurrentIndex(search.status.findData("kept"))
    qtbot.waitUntil(lambda: search.said.text() == "9 found", timeout=WAIT_MS)
    assert page.table_model.rowCount() == 9


def test_what_is_found_is_counted_as_it_is_shown(page: DataPage, qtbot: QtBot) -> None:
    search_for(page, qtbot, "question 2", 11)
    page.show_rows([2, 3, 21], "Empty answers")
    assert page.rows.search.said.text() == "2 found"
    page.rows.search.chip.click()
    assert page.rows.search.said.text() == "11 found"


def test_rows_of_a_sample_are_found_where_they_stand(page: DataPage, qtbot: QtBot, file: Path) -> None:
    made = store.create("some", [recipe.Source(path=str(file))])
    store.Version(made).add(Sample(count=12, seed=3), Exclude(rows=((0, 0, 9),)))
    page.receive(made)
    left = version(page, qtbot, 2).selection
    filled(page, qtbot, *numbers(page))
    every = numbers(page)
    assert len(left) < len(every) == 12
    search_for(page, qtbot, "question", 12)
    filled(page, qtbot, *every)


def test_the_columns_take_the_room_there_is(page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    rows = tmp_path / "dump.jsonl"
    talk = [{"role": "user", "content": "Where is it? " * 9}, {"role": "assistant", "content": "On its way."}]
    rows.write_text("".join(json.dumps({"messages": talk, "meta": n}) + "\n" for n in range(3)), encoding="utf-8")
    page.plain.known = {}
    page.receive(rows)
    checked(page, qtbot)
    table = page.rows.table
    for size in ((1800, 900), (1300, 800)):
        window.resize(*size)
        qtbot.waitUntil(partial(_fills, page))
    header, width = table.horizontalHeader(), table.columnWidth(3)
    border = QPoint(header.sectionViewportPosition(3) + width - 1, header.height() // 2)
    QTest.mousePress(header.viewport(), Qt.MouseButton.LeftButton, pos=border)
    QTest.mouseMove(header.viewport(), border - QPoint(100, 0))
    QTest.mouseRelease(header.viewport(), Qt.MouseButton.LeftButton, pos=border - QPoint(100, 0))
    width = table.columnWidth(3)
    window.resize(1400, 800)
    QApplication.processEvents()
    assert table.columnWidth(3) == width
    page.receive(rows)
    checked(page, qtbot)
    qtbot.waitUntil(partial(_fills, page))


def test_a_row_is_edited_in_a_low_window_though_the_filters_are_open(
    page: DataPage, window: MainWindow, qtbot: QtBot
) -> None:
    window.resize(960, 600)
    search, pane = page.rows.search, page.rows.pane
    search.least.setValue(3)
    search.filters.click()
    qtbot.waitUntil(search.status.isVisible)
    press(page, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: pane.editor.height() > 70)
    for made in (pane.save, pane.revert):
        assert made.visibleRegion().boundingRect() == made.rect()
    assert not search.filters.isChecked()
    assert search.least.value() == 3
    QTest.keyClicks(box_with_focus(qtbot), "x")
    search.filters.click()
    qtbot.waitUntil(lambda: pane.views.currentIndex() == 0)
    assert search.status.isVisible(), "there is room for one of them"
    press(page, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: pane.editor.height() > 70)
    assert pane.save.isEnabled(), "what was typed is still there"
    pane.views.setCurrentIndex(0)
    qtbot.waitUntil(search.status.isVisible)
    window.resize(1280, 900)
    QApplication.processEvents()
    press(page, Qt.Key.Key_E)
    assert search.status.isVisible(), "a taller window has room for both"


def _fills(page: DataPage) -> bool:
    """Whether the columns take the whole width, a conversation most of it."""
    table = page.rows.table
    widths = [table.columnWidth(at) for at in range(5)]
    return sum(widths) == table.viewport().width() and widths[3] > 3 * widths[4]
