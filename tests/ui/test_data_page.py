"""The Data page with real files and real children: reading, searching, editing, and versions."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QPlainTextEdit,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from studio.core.versions import recipe
from studio.core.versions import store as versions
from studio.ui.pages.data import DataPage
from studio.ui.pages.data_steps import StepDialog
from studio.ui.row_source import VersionRows
from studio.ui.tables import STATUS
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

WAIT_MS = 60_000
ROWS = [{"prompt": f"question {n}", "completion": "ab" * (n + 1), "topic": "xyz"[n % 3]} for n in range(30)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "letters.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, file: Path) -> DataPage:
    window.open_path(file)
    made = window.page("data")
    assert isinstance(made, DataPage)
    checked(made, qtbot)
    return made


def checked(page: DataPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)


def version(page: DataPage, qtbot: QtBot, steps: int) -> versions.Version:
    qtbot.waitUntil(
        lambda: (found := page._editing.version) is not None and found.recipe.cursor == steps, timeout=WAIT_MS
    )
    made = page._editing.version
    assert made is not None
    return made


def press(page: DataPage, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(page.rows.table, key)


def numbers(page: DataPage) -> list[str]:
    return [page.table_model.index(at, 0).data() for at in range(page.table_model.rowCount())]


def shows(page: DataPage, expected: list[str]) -> bool:
    return numbers(page) == expected


def test_rows_are_shown_while_they_are_read_and_cancelling_keeps_them(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "large.jsonl"
    file.write_bytes(b"".join(b'{"text": "row %d %s"}\n' % (n, b"x" * 400) for n in range(1000)) * 300)
    window.open_path(file)
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: page.table_model.rowCount() > 0, timeout=WAIT_MS)
    assert page.table_model.index(0, STATUS + 1).data() == f"row 0 {'x' * 400}"[:240]
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 300_000, timeout=WAIT_MS)
    reading = page.plain.reading
    assert reading is not None
    qtbot.waitUntil(lambda: reading.complete, timeout=WAIT_MS)
    assert page.plain.reading is not None
    assert page.plain.reading.busy
    QTest.mouseClick(page.head._stop, Qt.MouseButton.LeftButton)
    assert not page.plain.reading.busy
    assert page.table_model.rowCount() == 300_000
    assert "checked" in page.head._doing.text()
    page.receive(tmp_path / "large.jsonl")
    page._cancel()
    assert page._states.currentIndex() == 0


def test_a_row_that_is_not_read_yet_is_dots_and_then_filled_in(page: DataPage, qtbot: QtBot) -> None:
    model = page.table_model
    model._lines.clear()
    model._spent_s = 1.0
    assert model.index(7, STATUS + 1).data() == "\u00b7\u00b7\u00b7"
    with qtbot.waitSignal(model.dataChanged):
        pass
    assert model.index(7, STATUS + 1).data() == "question 7"


def test_what_it_was_taken_for_the_second_guess_and_the_columns(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    assert page.head.format.text() == "prompt + completion"
    assert "`prompt` and `completion`" in page.head.why.text()
    other = tmp_path / "tasks.jsonl"
    row = {"instruction": "Translate", "input": "cat", "output": "Katze", "note": "de"}
    other.write_text(json.dumps(row) + "\n", encoding="utf-8")
    page.receive(other)
    page.plain.known = {}
    checked(page, qtbot)
    first, second = page.plain.known["format"], page.plain.known["second"]["format"]
    assert page.head.second.text() == f"Or: {second.replace('_', ' + ')}"
    page.plain.known = {}
    page.head.second.click()
    checked(page, qtbot)
    assert page.plain.known["format"] == second != first
    dialog = page._ask_columns()
    assert dialog is not None
    dialog.format.setCurrentIndex(dialog.format.findData("kto"))
    assert dialog.fault.text() == "Choose a column for prompt."
    assert not dialog.take.isEnabled()
    assert "Translate" in dialog.preview.toPlainText(), "what there is to choose from"
    dialog.format.setCurrentIndex(dialog.format.findData("prompt_completion"))
    dialog.boxes["prompt"].setCurrentText("{instruction} ({note}): {input}")
    dialog.boxes["completion"].setCurrentText("nowhere")
    assert "nowhere" in dialog.fault.text()
    assert not dialog.take.isEnabled()
    dialog.boxes["completion"].setCurrentText("output")
    assert "Translate (de): cat" in dialog.preview.toPlainText()
    page.plain.known = {}
    dialog.take.click()
    checked(page, qtbot)
    assert page.plain.known["mapping"] == {"prompt": "{instruction} ({note}): {input}", "completion": "output"}
    page._use()
    draft = page._session.draft
    assert draft.value("data.mapping") == page.plain.known["mapping"]
    assert draft.value("data.path") == str(other)


def test_what_is_chosen_while_a_file_is_still_read_counts(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    other = tmp_path / "notes.jsonl"
    other.write_text(json.dumps({"text": "a", "note": "b"}) + "\n", encoding="utf-8")
    page.receive(other)
    page.plain.known = {}
    page.plain.take("auto", {"text": "note"})
    checked(page, qtbot)
    assert page.plain.known["mapping"] == {"text": "note"}


def test_a_row_that_is_edited_has_the_room_and_stays_in_sight(page: DataPage, qtbot: QtBot) -> None:
    before = page.rows._split.sizes()
    page.rows._go(4)
    page.rows.act("edit")
    edited = page.rows._split.sizes()
    assert edited[0] < before[0] < before[1] < edited[1]
    table = page.rows.table
    qtbot.waitUntil(lambda: table.viewport().rect().contains(table.visualRect(table.currentIndex()).center()))
    page.rows.pane.views.setCurrentIndex(0)
    assert page.rows._split.sizes()[0] >= before[0]


def test_rows_found_in_several_batches_leave_one_chosen(page: DataPage) -> None:
    page.rows._show_found(np.array([3, 5]))
    page.rows._go(1)
    page.rows._show_found(np.array([3, 5, 8]))
    assert page.rows.table.currentIndex().row() == 1
    page.rows._show_found(None)


def test_what_cannot_be_read_is_shown_from_the_audit(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    rows = tmp_path / "poor.jsonl"
    rows.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "only"}\n')
    page.receive(rows)
    page.plain.known = {}
    checked(page, qtbot)
    page._tabs.setCurrentIndex(2)
    page.insight.audit.rows_wanted.emit("unusable", "Rows that cannot be read")
    assert page._tabs.currentIndex() == 1


def test_a_search_box_that_is_emptied_has_no_button_to_empty_it(page: DataPage, qtbot: QtBot) -> None:
    (button,) = page.search.findChildren(QToolButton)
    page.search.setText("question")
    qtbot.waitUntil(button.isVisible)
    page.rows.search.set_file(*(page._given, [], []))
    assert page.search.text() == ""
    qtbot.waitUntil(button.isHidden)


def test_columns_have_room_by_what_they_hold(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    rows = tmp_path / "dump.json"
    talk = [{"from": "human", "value": "Where is it? " * 9}, {"from": "gpt", "value": "On its way."}]
    rows.write_text(json.dumps([{"id": n, "conversations": talk, "source": "web"} for n in range(3)]))
    page.receive(rows)
    page.plain.known = {}
    checked(page, qtbot)
    widths = [page.rows.table.columnWidth(section) for section in (3, 4, 5)]
    assert widths[1] > 2 * max(widths[0], widths[2])
    assert page.table_model.index(0, 4).data().startswith("human: Where is it?")


def test_search_by_text_expression_length_and_order(page: DataPage, qtbot: QtBot) -> None:
    search = page.rows.search

    def shows(*expected: int) -> None:
        qtbot.waitUntil(lambda: numbers(page) == [str(n) for n in expected], timeout=WAIT_MS)

    page.search.setText("question 2")
    shows(2, *range(20, 30))
    assert page.rows.pane.written.toPlainText().startswith("prompt\nquestion 2")
    search.expression.click()
    page.search.setText("question 2[13]$")
    shows(21, 23)
    page.search.setText("(")
    qtbot.waitUntil(lambda: search.fault.isVisible(), timeout=WAIT_MS)
    assert "regular expression" in search.fault.text()
    page.search.setText("")
    shows(*range(30))
    search.filters.click()
    search.least.setValue(len(json.dumps(ROWS[27])))
    line = search.most.lineEdit()
    assert line.width() > line.fontMetrics().horizontalAdvance(str(search.most.maximum()))
    shows(27, 28, 29)
    page.rows.search.sort("length", True)
    shows(29, 28, 27)
    assert not search.fault.isVisible()
    qtbot.waitUntil(lambda: search.said.text() == "3 found", timeout=WAIT_MS)
    search.save.click()
    made = version(page, qtbot, 1)
    assert made.selection.chosen.tolist() == [27, 28, 29]


def test_rows_of_another_part_are_shown_until_the_chip_is_cleared(page: DataPage, qtbot: QtBot) -> None:
    page.show_rows([4, 9], "Empty answers")
    qtbot.waitUntil(lambda: numbers(page) == ["4", "9"], timeout=WAIT_MS)
    assert page.rows.search.chip.text() == "Empty answers  \u00d7"
    QTest.mouseClick(page.rows.search.chip, Qt.MouseButton.LeftButton)
    assert page.table_model.rowCount() == 30
    assert page.rows.search.chip.isHidden()


def test_triage_by_keys_makes_a_version_and_is_undone(
    page: DataPage, window: MainWindow, qtbot: QtBot, file: Path
) -> None:
    before = file.read_bytes()
    press(page, Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_X)
    made = version(page, qtbot, 1)
    assert made.path == recipe.file_of("letters")
    assert "letters.jsonl stays as it is" in window.notices.texts()[0]
    assert page.table_model.rowCount() == 30
    assert page.table_model.index(1, STATUS).data() == "excluded"
    assert page.table_model.index(1, 3).data(Qt.ItemDataRole.FontRole).strikeOut()
    assert page.rows.table.currentIndex().row() == 2
    press(page, Qt.Key.Key_X)
    assert len(made.selection) == 28
    assert page.head.count.text() == "28 rows"
    window.session.undo.undo()
    assert len(made.selection) == 29
    assert page.table_model.index(2, STATUS).data() == ""
    window.session.undo.redo()
    assert len(recipe.load(made.path).effective) == 2
    press(page, Qt.Key.Key_K, Qt.Key.Key_R)
    assert len(made.selection) == 29
    assert file.read_bytes() == before


def test_tags_and_status(page: DataPage, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_T)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, StepDialog)
    box = dialog.findChild(QComboBox)
    assert box is not None
    box.setCurrentText("good")
    dialog.take.click()
    made = version(page, qtbot, 1)
    assert made.selection.tags["good"].nonzero()[0].tolist() == [0]
    assert page.table_model.index(0, STATUS).data() == "good"
    press(page, Qt.Key.Key_J, Qt.Key.Key_X)
    status = page.rows.search.status
    for key, expected in (("good", ["0"]), ("excluded", ["1"]), ("edited", []), ("", [str(n) for n in range(30)])):
        status.setCurrentIndex(status.findData(key))
        # Rows that are not read in one turn of the event loop come in the next.
        qtbot.waitUntil(partial(shows, page, expected), timeout=WAIT_MS)


def test_a_row_is_edited_saved_and_reverted(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_J, Qt.Key.Key_E)
    pane = page.rows.pane
    assert pane.views.currentWidget() is pane.edit_pane

    def box(at: int) -> QPlainTextEdit:
        QApplication.processEvents()
        return [item for item in pane.editor.findChildren(QPlainTextEdit) if item.isVisible()][at]

    box(1).setPlainText("other")
    assert pane.save.isEnabled()
    pane.revert.click()
    assert box(1).toPlainText() == "abab"
    box(1).setPlainText("another")
    QTest.keyClick(box(1), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    made = version(page, qtbot, 1)
    assert made.selection.data(1) == ROWS[1] | {"completion": "another"}
    assert page.table_model.index(1, STATUS).data() == "edited"
    box(1).setPlainText("never saved")
    page.rows.act("next")
    assert "row 1 was not saved" in window.notices.texts()[-1]
    assert box(0).toPlainText() == "question 2"
    window.session.undo.undo()
    assert made.selection.data(1) == ROWS[1]
    with qtbot.waitSignal(page._editing.over, timeout=WAIT_MS):
        page.search.setText("another")
        page.receive(made.path)
    qtbot.waitUntil(lambda: page._editing.version is not None, timeout=WAIT_MS)
    source = page.table_model.source
    assert isinstance(source, VersionRows)
    assert source.number_of(3) == 3


def test_rules_run_in_a_child_and_the_history_goes_anywhere(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    columns = page.table_model.columns
    dialog = page.menu.asking.split(columns)
    dialog.accept()
    version(page, qtbot, 1)
    qtbot.waitUntil(lambda: page.head.count.text() == "30 rows, 3 of them for evaluation", timeout=WAIT_MS)
    page.menu.asking.balance(columns).accept()
    version(page, qtbot, 2)
    page.menu.asking.deduplicate(columns).accept()
    version(page, qtbot, 3)
    sample = page.menu.asking.sample(30)
    sample.accept()
    version(page, qtbot, 4)
    history = page.menu.history()
    assert history is not None
    texts = [history.list.item(at).text() for at in range(history.list.count())]
    assert [text.split("  ", 1)[1] for text in texts[1:]] == [
        "Split  10% for evaluation, seed 0",
        "Balance  by length, seed 0",
        "Deduplicate  by the whole row",
        "Sample  at most 30, seed 0",
    ]
    history.list.itemActivated.emit(history.list.item(1))
    history.close()
    assert version(page, qtbot, 1).selection.evaluation().sum() == 3
    window.session.undo.undo()
    version(page, qtbot, 4)
    page.menu.export(Path(page._path or "").with_name("out.jsonl"))
    qtbot.waitUntil(lambda: any("out.jsonl" in text for text in window.notices.texts()), timeout=WAIT_MS)


def test_rejected_rows_are_in_place_and_in_a_list(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "a.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a"\n', encoding="utf-8")
    (bad / "b.csv").write_text("prompt,completion\nx,y\n", encoding="utf-8")
    page.plain.known = {}
    page._session.data_wanted.emit(bad)
    checked(page, qtbot)
    assert page.head.count.text() == "2 of 3 rows can be used."
    assert page.table_model.index(1, STATUS).data() == "rejected"
    assert "JSON" in page.table_model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert page.rejected.model.rowCount() == 1
    status = page.rows.search.status
    status.setCurrentIndex(status.findData("rejected"))
    qtbot.waitUntil(lambda: numbers(page) == ["1"], timeout=WAIT_MS)


def test_a_file_of_rejected_rows_and_a_version_without_rows_are_not_trained_on(
    page: DataPage, qtbot: QtBot, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"prompt": "a", "completion": 3}\n{"prompt": "a"}\n', encoding="utf-8")
    page.plain.known = {}
    page.receive(bad)
    checked(page, qtbot)
    why = "None of the 2 rows of bad.jsonl can be used; the first: `completion` is not text but a number."
    assert page.head.fault.text().startswith(why)
    assert not page.head.use.isEnabled()
    assert page.head.use.toolTip() == page.head.fault.text()
    page.rejected.table.selectRow(0)
    page.rejected.text.setPlainText('{"prompt": "a", "completion": "b"}')
    page.rejected.put.click()
    version(page, qtbot, 1)
    assert page.head.use.isEnabled()
    assert page.head.fault.isHidden()
    page._session.undo.undo()
    version(page, qtbot, 0)
    assert not page.head.use.isEnabled()
    assert "has no rows left" in page.head.fault.text()
    assert "None of its files has a row" in page.head.fault.text()


def test_a_search_that_finds_nothing_says_so_and_shows_no_row(page: DataPage, qtbot: QtBot) -> None:
    assert page.rows.pane.written.toPlainText()
    page.search.setText("no row says this")
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 0, timeout=WAIT_MS)
    assert page.rows.table.none == "No row is like this."
    assert page.rows.pane.written.toPlainText() == ""
    page.search.setText("")
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 30, timeout=WAIT_MS)
    assert page.rows.table.none == ""
    assert page.rows.pane.written.toPlainText()


def rejected_row(page: DataPage, qtbot: QtBot, line: int) -> str:
    """Chooses a rejected row, and returns what is shown of it."""
    rejected = page.rejected
    rejected.table.selectRow(line)
    qtbot.waitUntil(rejected.text.isEnabled, timeout=WAIT_MS)
    return rejected.text.toPlainText()


def test_a_rejected_row_is_mended_within_a_version_and_undone(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    good, broken = '{"prompt": "a", "completion": "b"}\n', '{"prompt": "<b>a\u00a0b</b>" "completion": "c"}'
    bad = tmp_path / "bad.jsonl"
    bad.write_text(good + broken + '\n{"prompt": "d"}\n', encoding="utf-8")
    before = bad.read_bytes()
    page.plain.known = {}
    page.receive(bad)
    checked(page, qtbot)
    rejected = page.rejected
    page._tabs.setCurrentIndex(1)
    # Plain text, whatever it holds.
    assert rejected_row(page, qtbot, 0) == broken.replace("\u00a0", " ")
    assert rejected.about.text().startswith("bad.jsonl, line 2: not JSON")
    assert not rejected.put.isEnabled()
    rejected.text.setPlainText(broken.replace('" "', '", "'))
    assert rejected.put.isEnabled()
    assert rejected.said.text() == "The row can be used."
    rejected.revert.click()
    assert not rejected.put.isEnabled()
    rejected.text.setPlainText(broken.replace('" "', '", "'))
    QTest.keyClick(rejected.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    made = version(page, qtbot, 1)
    assert made.selection.data(1) == {"prompt": "<b>a\u00a0b</b>", "completion": "c"}
    assert page._tabs.currentWidget() is rejected
    assert [rejected.model.item(at)["row"] for at in range(rejected.model.rowCount())] == [2]
    rejected_row(page, qtbot, 0)
    rejected.text.setPlainText('{"prompt": "d",\n "completion": ["x"]}')
    assert "not" in rejected.said.text()
    assert not rejected.put.isEnabled()
    rejected.text.setPlainText('{"prompt": "d",\n "completion": "e"}')
    rejected.put.click()
    version(page, qtbot, 2)
    assert not page._tabs.isTabVisible(1)
    assert len(made.selection) == 3
    window.session.undo.undo()
    window.session.undo.undo()
    assert rejected.model.rowCount() == 2
    assert page._tabs.isTabVisible(1)
    assert len(version(page, qtbot, 0).selection) == 1
    assert bad.read_bytes() == before


def test_rejected_rows_of_an_opened_version_are_read_by_a_child(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("prompt,completion\na,b\n", encoding="utf-8")
    two.write_text("prompt,completion\nc,d\nonly one\n", encoding="utf-8")
    sources = [recipe.Source(path=str(path)) for path in (one, two)]
    page.receive(versions.create("two", sources))
    version(page, qtbot, 0)
    page._tabs.setCurrentIndex(1)
    assert page.rejected.model.index(0, 0).data() == "1:1"
    assert rejected_row(page, qtbot, 0) == "only one"
    page.rejected.text.setPlainText('e,"f, g"')
    page.rejected.put.click()
    assert version(page, qtbot, 1).selection.data(2) == {"prompt": "e", "completion": "f, g"}
