"""What a whole dataset is like, on the real window with a real desk: audit, remedies, lengths, and its template."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio.ui.pages.data import DataPage
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
WAIT_MS = 180_000


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    lines = [
        {"prompt": f"Who is number {n}?", "completion": f"It is the one of {n} who came in the year {n} to see us."}
        for n in range(20)
    ]
    lines[3]["completion"] = "You can write to jane.roe@corp.org about all of it, she is there."
    lines[7] = lines[5]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


@pytest.fixture
def page(window: MainWindow, rows: Path, qtbot: QtBot) -> DataPage:
    window.resize(1280, 800)
    window.show_page("data")
    made = window.page("data")
    assert isinstance(made, DataPage)
    made.receive(rows)
    qtbot.waitUntil(lambda: made.table_model.rowCount() == 20, timeout=WAIT_MS)
    return made


def press(parent: QWidget, text: str) -> None:
    QApplication.processEvents()
    found = [item for item in parent.findChildren(QPushButton) if item.accessibleName() == text]
    next(item for item in found if item.isVisible() and item.isEnabled()).click()


def audited(page: DataPage, qtbot: QtBot, act: Callable[[], object]) -> set[str]:
    with qtbot.waitSignal(page.insight.audit.done, timeout=WAIT_MS):
        act()
    return set(page.insight.audit.findings)


def test_findings_lead_to_their_rows_and_are_taken_away(
    page: DataPage, window: MainWindow, rows: Path, qtbot: QtBot
) -> None:
    before = rows.read_bytes()
    page._tabs.setCurrentWidget(page.insight.audit)
    found = audited(page, qtbot, lambda: press(page.insight.audit, "Audit this dataset"))
    assert {"mail", "duplicate"} <= found
    press(page.insight.audit, "Show the rows: Mail addresses")
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 1)
    shown = page.table_model.row(0)
    assert shown is not None
    assert shown.number == 3
    page._tabs.setCurrentWidget(page.insight.audit)
    left = audited(page, qtbot, lambda: press(page.insight.audit, "Put stand-ins there: Mail addresses"))
    assert "mail" not in left
    assert page.table_model.rowCount() == 20, "a version of the file is shown, all of it"
    page._tabs.setCurrentWidget(page.insight.audit)
    press(page.insight.audit, "Show the rows: Exact duplicates")
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 1)
    page._tabs.setCurrentWidget(page.insight.audit)
    left = audited(page, qtbot, lambda: press(page.insight.audit, "Leave these rows out: Exact duplicates"))
    assert "duplicate" not in left
    version = page._editing.version
    assert version is not None
    assert len(version.selection) == 19
    window.session.undo.undo()
    qtbot.waitUntil(lambda: page._editing.version is not None and len(page._editing.version.selection) == 20)
    assert rows.read_bytes() == before


def test_a_length_is_looked_at_and_taken(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    page._tabs.setCurrentWidget(page.insight.lengths)
    press(page.insight.lengths, "Count the tokens")
    qtbot.waitUntil(lambda: page.insight.lengths.currentIndex() == 2, timeout=WAIT_MS)
    view = page.insight.view
    assert view is not None
    assert view.cutoff == window.session.draft.value("data.max_length")
    assert view.figure("cut") == "0"
    view.set_cutoff(16)
    assert view.figure("cut").startswith("20")
    press(view, "Use this length")
    assert window.session.draft.value("data.max_length") == 16
    window.session.undo.undo()
    assert window.session.draft.value("data.max_length") != 16


def test_a_template_is_written_beside_the_row_it_lays_out(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    pane = page.rows.pane
    pane.views.setCurrentWidget(pane.tokens)
    qtbot.waitUntil(lambda: pane.tokens.picture is not None, timeout=WAIT_MS)
    press(pane.tokens, "Template")
    editor = pane.tokens.editor
    assert "messages" in editor.own
    text = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    editor.text.setPlainText(text)
    qtbot.waitUntil(lambda: pane.tokens.picture is not None and pane.tokens.picture.text.startswith("[user] Who"))
    editor.text.setPlainText("{% for")
    qtbot.waitUntil(lambda: "not valid" in editor._fault.text())
    editor.text.setPlainText(text)
    qtbot.waitUntil(lambda: not editor._fault.text())
    press(editor, "Use this template")
    kept = Path(window.session.draft.value("data.chat_template"))
    assert kept.read_text(encoding="utf-8") == text
    assert editor.typed() == ""
