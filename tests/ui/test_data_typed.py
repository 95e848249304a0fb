"""What is typed into rows and not saved: it stays with its row, closing asks about it, and the focus goes on."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QMessageBox, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from studio import paths
from studio.core.versions import recipe
from studio.core.versions.steps import Replace
from studio.ui.pages.data import DataPage
from studio.ui.pages.data_steps import StepDialog
from studio.ui.window import MainWindow
from tests.ui.test_data_kept import box_with_focus, other, save_it, settled
from tests.ui.test_data_page import ROWS, WAIT_MS, checked, file, page, press, rejected_row, version
from tests.ui.test_data_rows import search_for

__all__ = ["file", "page"]  # the fixtures

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def answer(name: str, seen: list[str]) -> None:
    """Presses a button of the next question, and notes what it asks."""

    def look() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            seen.append(box.text() + box.informativeText())
            next(made for made in box.buttons() if made.text() == name).click()

    QTimer.singleShot(200, look)


def close(window: MainWindow, qtbot: QtBot, seen: list[str], *, stays: bool) -> None:
    """Closes the window, and waits until what it asks is answered and noted."""
    before = len(seen)
    window.close()
    qtbot.waitUntil(lambda: len(seen) > before)
    assert window.isVisible() == stays


def rejecting(page: DataPage, qtbot: QtBot, folder: Path, *lines: str) -> Path:
    """Opens a file of a good row and of rows that are rejected, and shows these."""
    bad = folder / "bad.jsonl"
    bad.write_text("\n".join([json.dumps(ROWS[0]), *lines, ""]), encoding="utf-8")
    show_rejected(page, qtbot, bad)
    return bad


def show_rejected(page: DataPage, qtbot: QtBot, path: Path) -> None:
    page.plain.known = {}
    page.receive(path)
    checked(page, qtbot)
    page._tabs.setCurrentIndex(1)


def test_closing_asks_what_is_to_become_of_what_was_typed(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_J, Qt.Key.Key_E)
    QTest.keyClicks(box_with_focus(qtbot), "x")
    window.show_page("library")
    seen: list[str] = []
    answer("Cancel", seen)
    close(window, qtbot, seen, stays=True)
    assert "is not saved" in seen[0]
    assert window._stack.currentWidget() is page, "which row it is can be seen"
    assert page.rows.pane.save.isEnabled()
    answer("Save", seen)
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    steps = recipe.load(recipe.file_of("letters")).effective
    assert [step.data["completion"] for step in steps if isinstance(step, Replace)] == ["xabab"]


def test_what_was_typed_is_given_up_or_cannot_be_saved(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    rejecting(page, qtbot, tmp_path, '{"prompt": "d"}')
    rejected_row(page, qtbot, 0)
    page.rejected.text.setPlainText("{")
    seen: list[str] = []
    answer("Cancel", seen)
    close(window, qtbot, seen, stays=True)
    assert "cannot be saved: not JSON" in seen[0]
    answer("Give it up", seen)
    close(window, qtbot, seen, stays=False)
    assert len(seen) == 2
    assert not recipe.listed()


def test_corrections_that_were_not_put_back_are_told(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path, file: Path
) -> None:
    bad = rejecting(page, qtbot, tmp_path, '{"prompt": "d"}')
    rejected_row(page, qtbot, 0)
    typed = '{"prompt": "d", "completion": "D"}'
    page.rejected.text.setPlainText(typed)
    page.receive(file)
    said = "The correction of 1 rejected row was not put back. It waits there until the window closes."
    assert window.notices.texts() == [said]
    show_rejected(page, qtbot, bad)
    assert len(window.notices.texts()) == 1
    assert rejected_row(page, qtbot, 0) == typed
    assert page.rejected.put.isEnabled()
    # Not where the file has another row there by now.
    page.receive(file)
    bad.write_text(bad.read_text(encoding="utf-8").replace('"d"', '"f"'), encoding="utf-8")
    show_rejected(page, qtbot, bad)
    assert rejected_row(page, qtbot, 0) == '{"prompt": "f"}'


def test_a_corrected_text_stays_with_its_row_while_the_data_is_shown(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    rejecting(page, qtbot, tmp_path, '{"prompt": "d"}', '{"prompt": "e"}')
    rejected = page.rejected
    for row, typed in enumerate(('{"prompt": "d", "completion": "D"}', '{"prompt": "e", "completion": "E"}')):
        rejected_row(page, qtbot, row)
        rejected.text.setPlainText(typed)
    assert "D" in rejected_row(page, qtbot, 0)
    assert rejected.put.isEnabled()
    rejected.revert.click()
    assert QApplication.focusWidget() is rejected.text
    rejected_row(page, qtbot, 1)
    assert rejected_row(page, qtbot, 0) == '{"prompt": "d"}'
    rejected.text.setPlainText('{"prompt": "d", "completion": "D"}')
    page.settle(save=True)
    edits = version(page, qtbot, 2).selection.edits
    assert [edits[place]["completion"] for place in (1, 2)] == ["D", "E"]
    assert page.unsaved() is None


def test_behind_a_row_put_back_the_next_one_has_the_focus(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    rejecting(page, qtbot, tmp_path, '{"prompt": "d"}', '{"prompt": "e"}')
    rejected = page.rejected
    for step, expected in ((1, rejected.table), (2, page.rows.table)):
        rejected_row(page, qtbot, 0)
        rejected.text.setFocus()
        rejected.text.setPlainText('{"prompt": "d", "completion": "D"}')
        QTest.keyClick(rejected.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        assert QApplication.focusWidget() is expected
        version(page, qtbot, step)
        QApplication.processEvents()
        assert QApplication.focusWidget() is expected


def test_a_row_that_could_not_be_written_is_there_as_it_was_typed(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    folder = paths.datasets_dir()
    folder.rename(tmp_path / "away")
    folder.write_text("no folder", encoding="utf-8")
    press(page, Qt.Key.Key_E)
    QTest.keyClicks(box_with_focus(qtbot), "typed ")
    seen: list[str] = []
    answer("Save", seen)
    close(window, qtbot, seen, stays=True)  # what failed would be seen by nobody
    assert seen
    assert "cannot be" in window.notices.texts()[-1] or "could not be" in window.notices.texts()[-1]
    assert page.unsaved() is not None
    folder.unlink()
    (tmp_path / "away").rename(folder)
    press(page, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: any(box.toPlainText().startswith("typed ") for box in _boxes(page)))
    page.rows.pane.save.click()
    version(page, qtbot, 2)
    assert page.unsaved() is None


def test_a_correction_that_could_not_be_written_is_there_as_it_was_typed(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    rejecting(page, qtbot, tmp_path, '{"prompt": "d"}')
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    page._tabs.setCurrentIndex(1)
    rejected_row(page, qtbot, 0)
    folder, typed = paths.datasets_dir(), '{"prompt": "d", "completion": "D"}'
    page.rejected.text.setPlainText(typed)
    folder.rename(tmp_path / "away")
    folder.write_text("no folder", encoding="utf-8")
    page.rejected.put.click()
    assert rejected_row(page, qtbot, 0) == typed
    assert page.unsaved() == ""
    folder.unlink()
    (tmp_path / "away").rename(folder)
    page.rejected.put.click()
    version(page, qtbot, 2)
    assert page.unsaved() is None


def test_a_row_left_with_a_slip_is_gone_back_to_as_it_was_typed(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    rows = tmp_path / "meta.jsonl"
    rows.write_text("".join(json.dumps({"text": f"t{n}", "meta": {"n": n}}) + "\n" for n in range(3)), encoding="utf-8")
    page.plain.known = {}
    page.receive(rows)
    checked(page, qtbot)
    pane = page.rows.pane
    press(page, Qt.Key.Key_E)
    box = box_with_focus(qtbot)
    QTest.keyClicks(box, "new ")
    _box(page, "meta").setPlainText('{"n": ')
    assert not pane.save.isEnabled()
    page.rows.table.selectRow(1)
    told = window.notices.texts()[-1]
    assert told.startswith("The edit of row 0 was not saved: `meta`: Expecting value")
    assert pane.unsaved() is not None
    search_for(page, qtbot, "t2", 1)
    [item for item in window.notices.findChildren(QPushButton) if item.text() == "Go back to it"][-1].click()
    qtbot.waitUntil(lambda: _box(page, "meta").toPlainText() == '{"n": ')
    assert _box(page, "text").toPlainText() == "new t0"
    _box(page, "meta").setPlainText('{"n": 7}')
    pane.save.click()
    assert version(page, qtbot, 1).selection.data(0) == {"text": "new t0", "meta": {"n": 7}}
    assert pane.unsaved() is None


def _box(page: DataPage, name: str) -> QPlainTextEdit:
    return [box for box in _boxes(page) if box.accessibleName() == name][-1]


def type_into(page: DataPage, qtbot: QtBot, row: int) -> None:
    page.rows.table.selectRow(row)
    press(page, Qt.Key.Key_E)
    QTest.keyClicks(box_with_focus(qtbot), "x")


def test_a_row_that_is_left_is_gone_back_to_as_it_was_typed(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    type_into(page, qtbot, 1)
    page.rows.table.selectRow(2)
    assert page.unsaved() == ""
    page.rows.table.selectRow(1)
    assert _box(page, "completion").toPlainText() == "xabab"
    _box(page, "completion").setPlainText("more")
    save_it(window)
    assert page.unsaved() is None
    assert version(page, qtbot, 1).selection.data(1)["completion"] == "more"


def test_rows_that_were_left_are_saved_by_the_notice_or_by_closing(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    type_into(page, qtbot, 1)
    page.rows.table.selectRow(2)
    save_it(window)
    assert page.unsaved() is None
    made = version(page, qtbot, 1).path
    type_into(page, qtbot, 2)
    type_into(page, qtbot, 3)
    page.plain.known = {}
    page.receive(other(tmp_path))
    checked(page, qtbot)
    assert page.unsaved() == ""
    page.settle(save=True)
    settled(page, qtbot)
    assert page.unsaved() is None
    steps = [step for step in recipe.load(made).effective if isinstance(step, Replace)]
    assert [(step.row, step.data["completion"][:1]) for step in steps] == [(1, "x"), (2, "x"), (3, "x")]


def test_a_tag_is_typed_at_once_and_none_is_asked_for(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_T)
    dialog = window.findChildren(StepDialog)[-1]
    qtbot.waitUntil(lambda: isinstance(QApplication.focusWidget(), QComboBox))
    box = QApplication.focusWidget()
    assert box is not None
    assert not dialog.take.isEnabled()
    QTest.keyClicks(box, " ")
    assert not dialog.take.isEnabled()
    QTest.keyClicks(box, "mine")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert list(version(page, qtbot, 1).selection.tags) == ["mine"]


def _boxes(page: DataPage) -> list[QPlainTextEdit]:
    return page.rows.pane.editor.findChildren(QPlainTextEdit)
