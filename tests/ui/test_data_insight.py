"""What a whole dataset is like, on the real window with a real desk: audit, remedies, lengths, and its template."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio.core.versions.steps import Exclude
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


def offered(page: DataPage, text: str) -> bool:
    QApplication.processEvents()
    found = [item for item in page.insight.audit.findChildren(QPushButton) if item.accessibleName() == text]
    return any(item.isVisible() and item.isEnabled() for item in found)


def mend(page: DataPage, qtbot: QtBot, text: str, finding: str) -> None:
    """Presses a remedy, and waits until it is done."""
    before = 0 if page._editing.version is None else page._editing.version.recipe.cursor
    press(page.insight.audit, text)
    assert offered(page, f"Undo: {finding}")
    qtbot.waitUntil(
        lambda: (made := page._editing.version) is not None and made.recipe.cursor > before, timeout=WAIT_MS
    )
    assert page._tabs.currentWidget() is page.insight.audit, "the findings stay in sight"


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
    mend(page, qtbot, "Leave these rows out: Exact duplicates", "Exact duplicates")
    assert set(page.insight.audit.findings) == found
    # Its row stands elsewhere by now, and is found all the same.
    mend(page, qtbot, "Put stand-ins there: Mail addresses", "Mail addresses")
    version = page._editing.version
    assert version is not None
    assert len(version.selection) == 19
    assert "jane.roe" not in json.dumps([version.selection.data(place) for place in range(20)])
    assert list(version.selection.edits) == [3]
    assert not offered(page, "Undo: Exact duplicates"), "only what was done last can be undone"
    press(page.insight.audit, "Undo: Mail addresses")
    qtbot.waitUntil(lambda: offered(page, "Put stand-ins there: Mail addresses"))
    press(page.insight.audit, "Undo: Exact duplicates")
    qtbot.waitUntil(lambda: page._editing.version is not None and len(page._editing.version.selection) == 20)
    assert offered(page, "Leave these rows out: Exact duplicates")
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


def test_a_version_that_was_audited_is_mended_twice_though_its_rows_move(
    page: DataPage, window: MainWindow, qtbot: QtBot
) -> None:
    page.apply([Exclude(rows=((0, 0, 1),))], "exclude rows")
    qtbot.waitUntil(lambda: page._editing.version is not None and len(page._editing.version.selection) == 18)
    page._tabs.setCurrentWidget(page.insight.audit)
    found = audited(page, qtbot, lambda: press(page.insight.audit, "Audit this dataset"))
    mend(page, qtbot, "Leave these rows out: Exact duplicates", "Exact duplicates")
    mend(page, qtbot, "Put stand-ins there: Mail addresses", "Mail addresses")
    version = page._editing.version
    assert version is not None
    assert set(page.insight.audit.findings) == found
    assert list(version.selection.edits) == [3]
    assert version.selection.chosen.tolist() == [2, 3, 4, 5, 6, *range(8, 20)]
    press(page.insight.audit, "Show the rows: Mail addresses")
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 1)
    shown = page.table_model.row(0)
    assert shown is not None
    assert (shown.number, shown.edited) == (3, True)
