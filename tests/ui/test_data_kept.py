"""Edits asked for before the version they belong to is there: kept whatever is shown next, and undone alone."""

import json
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from studio.core.versions import recipe, store
from studio.core.versions.steps import Deduplicate, Exclude, Keep, Replace
from studio.ui.pages.data import DataPage
from studio.ui.tables import LENGTH, ROW, STATUS
from studio.ui.window import MainWindow
from tests.ui.test_data_page import ROWS, WAIT_MS, checked, file, numbers, page, press, version

__all__ = ["file", "page"]  # the fixtures

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n", encoding="utf-8")
    return path


def settled(page: DataPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not page._editing.unsettled(), timeout=WAIT_MS)


def shown(page: DataPage, qtbot: QtBot, *rows: int) -> None:
    qtbot.waitUntil(lambda: numbers(page) == [str(row) for row in rows], timeout=WAIT_MS)


def click_header(page: DataPage, section: int) -> None:
    header = page.rows.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(section) + 8, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def box_with_focus(qtbot: QtBot) -> QPlainTextEdit:
    qtbot.waitUntil(lambda: isinstance(QApplication.focusWidget(), QPlainTextEdit))
    box = QApplication.focusWidget()
    assert isinstance(box, QPlainTextEdit)
    return box


def reached(version: Path, cursor: int) -> bool:
    """Whether so many steps of a version count."""
    return recipe.load(version).cursor == cursor


def save_it(window: MainWindow) -> None:
    """Presses the button of the last notice about an edit that was not saved."""
    assert "was not saved" in window.notices.texts()[-1]
    [item for item in window.notices.findChildren(QPushButton) if item.text() == "Save it"][-1].click()


def test_edits_of_a_file_that_is_left_at_once_are_kept_and_undone(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_X, Qt.Key.Key_X)
    page.apply([Deduplicate(by="topic")], "deduplicate")
    page.plain.known = {}
    page.receive(other(tmp_path))
    checked(page, qtbot)
    settled(page, qtbot)
    made = recipe.file_of("letters")
    assert [step.kind for step in recipe.load(made).effective] == ["exclude", "exclude", "deduplicate"]
    assert window.notices.texts()[-1] == "Your edits are kept as the version letters."
    assert page.table_model.rowCount() == 1, "what was chosen since stays in sight"
    assert page._editing.version is None
    for left in (2, 1):
        window.session.undo.undo()
        assert len(recipe.load(made).effective) == left
    window.session.undo.redo()
    assert len(recipe.load(made).effective) == 2
    page.receive(made)
    assert len(version(page, qtbot, 2).selection) == 28


def test_a_version_that_is_still_made_is_shown_once_it_is_and_another_gets_a_name_of_its_own(
    page: DataPage, qtbot: QtBot, file: Path
) -> None:
    press(page, Qt.Key.Key_X)
    page.plain.known = {}
    page.receive(file)
    checked(page, qtbot)
    press(page, Qt.Key.Key_J, Qt.Key.Key_X)
    page.receive(recipe.file_of("letters"))
    assert len(version(page, qtbot, 1).selection) == 29
    settled(page, qtbot)
    names = {recipe.name_of(path) for path in recipe.listed()}
    assert names <= {"letters", "letters-2"}
    excluded = [step.rows[0][1] for path in recipe.listed() for step in recipe.load(path).effective]  # type: ignore[union-attr]
    assert sorted(excluded) == [0, 1]


def test_undo_takes_back_the_edit_that_waits_and_no_older_one(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    undo = window.session.undo
    window.session.draft.edit("adapter.r", 5)
    press(page, Qt.Key.Key_X, Qt.Key.Key_X)
    assert undo.undoText() == "exclude rows"
    undo.undo()
    assert window.session.draft.value("adapter.r") == 5
    assert len(version(page, qtbot, 1).selection) == 29
    undo.undo()
    assert len(version(page, qtbot, 0).selection) == 30
    assert window.session.draft.value("adapter.r") == 5
    undo.undo()
    assert window.session.draft.value("adapter.r") == 16


def test_a_version_whose_only_edit_is_undone_is_not_made(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X)
    window.session.undo.undo()
    assert not page._editing.unsettled()
    assert not page._editing.waiting()
    assert not recipe.listed()
    assert page.head._bars.isHidden()
    assert not window.session.undo.canUndo()
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)


def test_an_edit_is_undone_while_it_is_kept_in_the_background(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_X, Qt.Key.Key_X)
    page.receive(other(tmp_path))
    window.session.undo.undo()
    settled(page, qtbot)
    made = recipe.file_of("letters")
    assert [step.rows for step in recipe.load(made).effective] == [((0, 0, 0),)]  # type: ignore[union-attr]
    page.plain.known = {}
    page.receive(made)
    version(page, qtbot, 1)
    page.apply([Deduplicate(by="topic")], "deduplicate")
    page.receive(other(tmp_path))
    window.session.undo.undo()
    settled(page, qtbot)
    assert recipe.load(made).cursor == 1


def test_a_rule_is_undone_while_a_child_does_it(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X)
    made = version(page, qtbot, 1).path
    page.apply([Deduplicate(by="topic")], "deduplicate")
    assert window.session.undo.undoText() == "deduplicate"
    window.session.undo.undo()
    assert not page._editing.unsettled()
    assert recipe.load(made).cursor == 1
    assert len(version(page, qtbot, 1).selection) == 29


def test_an_edit_that_fails_leaves_no_undo_step(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    before = window.session.undo.count()
    page.apply([Exclude(rows=((0, 900, 900),))], "exclude rows")
    assert window.session.undo.count() == before
    assert "900" in window.notices.texts()[-1]


def test_edits_that_wait_are_told_of_where_their_file_cannot_be_read(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path, file: Path
) -> None:
    file.unlink()
    page._editing.create(str(file), "auto", {})
    page.apply([Exclude(rows=((0, 1, 1),))], "exclude rows")
    page.receive(other(tmp_path))
    settled(page, qtbot)
    assert "letters.jsonl" in window.notices.texts()[-1]
    assert window.session.undo.count() == 0


def test_cancel_gives_up_what_waits(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X)
    page.head._stop.click()
    assert not page._editing.unsettled()
    assert not window.session.undo.canUndo()


def test_nothing_is_done_to_rows_while_another_version_is_made_of_them(
    page: DataPage, window: MainWindow, qtbot: QtBot, file: Path
) -> None:
    page._editing.mix("both", [(str(file), 1.0)], "shortest", 0)
    press(page, Qt.Key.Key_X)
    page._editing.compute(["data", "version", "list"], "nothing")
    assert [text for text in window.notices.texts() if text.startswith("Wait until the version is done")]
    assert not window.session.undo.canUndo()
    assert len(version(page, qtbot, 1).selection) == 30


def test_a_version_says_how_many_rows_of_its_files_are_rejected(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    lines = [json.dumps(row) for row in ROWS[:4]]
    bad.write_text("\n".join([*lines, "{", '{"prompt": "a"}']) + "\n", encoding="utf-8")
    page.plain.known = {}
    page.receive(bad)
    checked(page, qtbot)
    assert page.head.count.text() == "4 of 6 rows can be used."
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    assert page.head.count.text() == "3 rows, 2 of 6 rows of its files cannot be used"
    assert page._tabs.isTabVisible(1)
    assert page._tabs.tabText(1) == "Rejected (2)"
    assert page.rejected.model.rowCount() == 2


def test_an_edit_that_fails_under_others_takes_no_undo_of_its_own(
    page: DataPage, window: MainWindow, qtbot: QtBot
) -> None:
    undo, draft = window.session.undo, window.session.draft
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    draft.edit("adapter.r", 5)
    page.apply([Deduplicate(by="no such column")], "deduplicate")
    draft.edit("adapter.r", 6)
    qtbot.waitUntil(lambda: not page._editing.unsettled(), timeout=WAIT_MS)
    undo.undo()
    assert draft.value("adapter.r") == 5
    assert undo.undoText() != "deduplicate"
    undo.undo()
    assert draft.value("adapter.r") == 16


def test_a_version_that_is_left_is_taken_over_to_its_end(
    page: DataPage, window: MainWindow, qtbot: QtBot, file: Path, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_X)
    made = version(page, qtbot, 1).path
    file.write_text("\n".join(file.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    page.receive(made)
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2, timeout=WAIT_MS)
    page.unreadable.rebase.click()
    page.plain.known = {}
    page.receive(other(tmp_path))
    checked(page, qtbot)
    settled(page, qtbot)
    assert recipe.load(made).sources[0].rows == 29
    assert "Taken over to the new rows" in " ".join(window.notices.texts())
    assert page._editing.version is None
    page.receive(made)
    assert len(version(page, qtbot, 1).selection) == 28


def test_the_first_edit_leaves_what_is_looked_for_and_its_rows(page: DataPage, qtbot: QtBot) -> None:
    search, found = page.rows.search, (2, *range(20, 30))
    page.search.setText("question 2")
    shown(page, qtbot, *found)
    page.show_rows([2, 21, 22], "Empty answers")
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    assert page.table_model.index(0, STATUS).data() == "excluded"
    assert (page.search.text(), search.said.text()) == ("question 2", "3 found")
    assert numbers(page) == ["2", "21", "22"]
    search.chip.click()
    assert search.chip.isHidden()
    shown(page, qtbot, *found)
    page.search.clear()
    shown(page, qtbot, *range(30))


def test_the_first_edit_leaves_the_order_of_the_rows(page: DataPage, qtbot: QtBot) -> None:
    header = page.rows.table.horizontalHeader()
    for _ in range(2):
        click_header(page, LENGTH)
    descending = header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
    ordered = range(29, -1, -1) if descending else range(30)
    qtbot.waitUntil(lambda: page.rows.search.said.text() == "30 found", timeout=WAIT_MS)
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    shown(page, qtbot, *ordered)
    assert (header.isSortIndicatorShown(), header.sortIndicatorSection()) == (True, LENGTH)
    click_header(page, ROW)
    assert page.rows.shown_places() is None
    shown(page, qtbot, *range(30))


def test_a_search_that_goes_on_is_one_of_the_version_then(page: DataPage, qtbot: QtBot, file: Path) -> None:
    made = store.create("made", [recipe.Source(path=str(file))])
    store.Version(made).add(Keep(rows=((0, 3, 29),)))
    page.search.setText("question 2")
    page.rows.search._search()
    page.rows.search.swap_file(str(made), [])
    qtbot.waitUntil(lambda: page.rows.search.said.text() == "10 found", timeout=WAIT_MS)


def test_a_status_that_is_offered_no_more_is_looked_for_no_more(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    status = page.rows.search.status
    status.setCurrentIndex(status.findData("rejected"))
    shown(page, qtbot)
    page.apply([Exclude(rows=((0, 3, 3),))], "exclude rows")
    version(page, qtbot, 1)
    assert status.currentText() == "Any status"
    shown(page, qtbot, *range(30))
    page.rows._tag(((0, 4, 4),), "good")
    status.setCurrentIndex(status.findData("good"))
    shown(page, qtbot, 4)
    window.session.undo.undo()
    assert status.currentText() == "Any status"
    shown(page, qtbot, *range(30))
    status.setCurrentIndex(status.findData("kept"))
    page.plain.known = {}
    page.receive(other(tmp_path))
    checked(page, qtbot)
    assert status.currentText() == "Any status"


def test_behind_an_edit_the_keys_of_the_table_go_on(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_J, Qt.Key.Key_E)
    QTest.keyClicks(box_with_focus(qtbot), "x")
    QTest.keyClick(box_with_focus(qtbot), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.focusWidget() is page.rows.table
    version(page, qtbot, 1)
    assert QApplication.focusWidget() is page.rows.table
    for step in (2, 3):
        press(page, Qt.Key.Key_J, Qt.Key.Key_E)
        QTest.keyClicks(box_with_focus(qtbot), "x")
        page.rows.pane.save.setFocus()
        page.rows.pane.save.click()
        assert QApplication.focusWidget() is page.rows.table
        made = version(page, qtbot, step)
    assert made.selection.data(3)["completion"] == "xabababab"
    press(page, Qt.Key.Key_E)
    QTest.keyClicks(box_with_focus(qtbot), "y")
    page.rows.pane.revert.setFocus()
    page.rows.pane.revert.click()
    assert QApplication.focusWidget() is page.rows.table


def test_what_is_typed_while_the_version_is_made_stays_where_it_is(page: DataPage, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X, Qt.Key.Key_E)
    box = box_with_focus(qtbot)
    QTest.keyClicks(box, "x")
    version(page, qtbot, 1)
    assert QApplication.focusWidget() is box
    assert page.rows.pane.save.isEnabled()
    page.rows.pane.save.click()
    assert version(page, qtbot, 2).selection.data(1)["completion"] == "xabab"


def test_the_row_looked_at_stays_by_whatever_path_its_file_was_opened(
    page: DataPage, qtbot: QtBot, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    page.plain.known = {}
    page.receive(tmp_path / "link" / file.name)
    checked(page, qtbot)
    press(page, Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_X)
    made = version(page, qtbot, 1)
    assert [source.path for source in made.recipe.sources] == [str(file)]
    assert page.rows.table.currentIndex().row() == 3


def test_an_edit_the_row_changed_under_is_told_of(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X)
    made = version(page, qtbot, 1)
    press(page, Qt.Key.Key_E)
    QTest.keyClicks(box_with_focus(qtbot), "x")
    page.apply([Replace(source=0, row=1, data=ROWS[1] | {"completion": "another"})], "edit a row")
    save_it(window)
    assert version(page, qtbot, 3).selection.data(1)["completion"] == "xabab"
    assert made.path == recipe.file_of("letters")


def leave_typed(page: DataPage, window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    """Types into the row that is edited, opens other data, and has the edit saved all the same."""
    QTest.keyClicks(box_with_focus(qtbot), "x")
    page.plain.known = {}
    page.receive(other(folder))
    checked(page, qtbot)
    save_it(window)
    settled(page, qtbot)


def test_an_edit_of_a_file_that_is_left_is_saved_into_a_version_of_it(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_J, Qt.Key.Key_E)
    leave_typed(page, window, qtbot, tmp_path)
    made = recipe.file_of("letters")
    assert [step.data for step in recipe.load(made).effective if isinstance(step, Replace)] == [
        ROWS[1] | {"completion": "xabab"}
    ]
    assert window.notices.texts()[-1] == "Your edits are kept as the version letters."
    assert page._files.findItems("letters", Qt.MatchFlag.MatchExactly)
    assert page.table_model.rowCount() == 1
    window.session.undo.undo()
    assert recipe.load(made).cursor == 0


def test_an_edit_of_a_version_that_is_left_is_saved_into_it(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_X)
    made = version(page, qtbot, 1).path
    for row, back in ((1, False), (2, True)):
        page.rows._go(row)
        press(page, Qt.Key.Key_E)
        QTest.keyClicks(box_with_focus(qtbot), "x")
        page.plain.known = {}
        page.receive(other(tmp_path))
        checked(page, qtbot)
        if back:
            page.receive(made)
        save_it(window)
        settled(page, qtbot)
        qtbot.waitUntil(partial(reached, made, row + 1))
        page.receive(made)
        version(page, qtbot, row + 1)
    edited = version(page, qtbot, 3).selection
    assert [edited.data(row)["completion"] for row in (1, 2)] == ["xabab", "xababab"]


def test_an_edit_of_a_file_that_is_gone_says_so_and_leaves_no_undo_step(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path, file: Path
) -> None:
    press(page, Qt.Key.Key_E)
    QTest.keyClicks(box_with_focus(qtbot), "x")
    page.receive(other(tmp_path))
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 1, timeout=WAIT_MS)
    file.unlink()
    save_it(window)
    settled(page, qtbot)
    assert "letters.jsonl" in window.notices.texts()[-1]
    assert not window.session.undo.canUndo()


def test_an_edit_of_a_file_whose_version_is_being_made_becomes_a_step_of_it(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_X, Qt.Key.Key_E)
    leave_typed(page, window, qtbot, tmp_path)
    assert [recipe.name_of(path) for path in recipe.listed()] == ["letters"]
    made = recipe.load(recipe.file_of("letters"))
    assert [step.kind for step in made.effective] == ["exclude", "replace"]


def test_training_waits_for_the_version_that_is_made(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    value = window.session.draft.value
    press(page, Qt.Key.Key_X)
    page.head.use.click()
    assert page.head.use.text() == "Waiting for the edits ..."
    assert window._stack.currentWidget() is page
    qtbot.waitUntil(lambda: window._stack.currentWidget() is not page, timeout=WAIT_MS)
    assert value("data.path") == str(recipe.file_of("letters"))
    assert page.head.use.text() == "Train on this"
    window.show_page("data")
    page.apply([Deduplicate(by="topic")], "deduplicate")
    page.head.use.click()
    assert window._stack.currentWidget() is page
    qtbot.waitUntil(lambda: window._stack.currentWidget() is not page, timeout=WAIT_MS)
    assert len(version(page, qtbot, 2).selection) == 3


def test_nothing_is_trained_on_behind_an_edit_that_fails_or_is_cancelled(
    page: DataPage, window: MainWindow, qtbot: QtBot
) -> None:
    before = window.session.draft.value("data.path")
    press(page, Qt.Key.Key_X)
    page.head.use.click()
    page.head._stop.click()
    assert page.head.use.text() == "Train on this"
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    page.apply([Deduplicate(by="no such column")], "deduplicate")
    page.head.use.click()
    settled(page, qtbot)
    QApplication.processEvents()
    assert "no such column" in window.notices.texts()[-1]
    assert page.head.use.text() == "Train on this"
    assert window._stack.currentWidget() is page
    assert window.session.draft.value("data.path") == before
