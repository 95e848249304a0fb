"""Rows with two answers on the Data page: both are seen, and training learns which is better."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.ui.pages.data import DataPage
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

WAIT_MS = 60_000


def checked(page: DataPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)


def test_rows_with_two_answers_are_seen_and_trained_on(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"question {n}", "chosen": "yes, gladly", "rejected": "no"} for n in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    window.open_path(path)
    page = window.page("data")
    assert isinstance(page, DataPage)
    checked(page, qtbot)
    tokens = page.rows.pane.tokens
    page.rows.table.selectRow(1)
    page.rows.pane.views.setCurrentWidget(tokens)
    qtbot.waitUntil(lambda: "yes, gladly" in tokens.text.toPlainText(), timeout=WAIT_MS)
    assert tokens.worse.isVisible()
    assert tokens._legend[0].text().startswith("Preferred ")
    assert "question 1" in tokens.text.toPlainText()
    QTest.keyClick(tokens.worse, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "yes, gladly" not in tokens.text.toPlainText(), timeout=WAIT_MS)
    assert "no" in tokens.text.toPlainText()
    assert tokens._legend[0].text().startswith("Avoided ")
    place = tokens.text.toPlainText().rindex("no")
    assert "learned to be avoided" in tokens.describe(tokens.token_at(place))
    draft = window.session.draft
    QTest.mouseClick(page.head.use, Qt.MouseButton.LeftButton)
    assert (draft.value("data.path"), draft.value("training.objective")) == (str(path), "dpo")
    window.session.undo.undo()
    assert draft.value("training.objective") == "sft"


def test_answers_alone_are_learned_again_behind_preferences(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    rows = [{"prompt": f"question {n}", "completion": "yes, gladly"} for n in range(3)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    window.session.draft.edit("training.objective", "dpo")
    window.open_path(file)
    page = window.page("data")
    assert isinstance(page, DataPage)
    checked(page, qtbot)
    QTest.mouseClick(page.head.use, Qt.MouseButton.LeftButton)
    assert window.session.draft.value("training.objective") == "sft"
