"""Rows with two answers on the Data page: both are seen, and training learns which is better."""

import json
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from studio.core.objectives import asked
from studio.ui.draft import defaults
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.data import DataPage
from studio.ui.presets import presets
from studio.ui.session import Notice
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

WAIT_MS = 60_000
RATE = asked("dpo").learning_rate


def checked(page: DataPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)


def written(folder: Path) -> Path:
    path = folder / "pairs.jsonl"
    rows = [{"prompt": f"question {n}", "chosen": "yes, gladly", "rejected": "no"} for n in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def opened(window: MainWindow, qtbot: QtBot, path: Path) -> DataPage:
    window.open_path(path)
    page = window.page("data")
    assert isinstance(page, DataPage)
    checked(page, qtbot)
    return page


def test_rows_with_two_answers_are_seen_and_trained_on(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = written(tmp_path)
    page = opened(window, qtbot, path)
    tokens = page.rows.pane.tokens
    window.resize(960, 600)
    QTest.qWait(50)
    page.rows.table.selectRow(1)
    page.rows.pane.views.setCurrentWidget(tokens)
    qtbot.waitUntil(lambda: "yes, gladly" in tokens.text.toPlainText(), timeout=WAIT_MS)
    assert tokens.text.viewport().height() >= 3 * tokens.text.fontMetrics().lineSpacing()
    assert page.rows.table.visualRect(page.rows.table.currentIndex()).bottom() < page.rows.table.viewport().height()
    assert tokens.worse.isVisible()
    assert tokens._legend[0].text().startswith("Preferred ")
    assert "question 1" in tokens.text.toPlainText()
    QTest.keyClick(tokens.worse, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "yes, gladly" not in tokens.text.toPlainText(), timeout=WAIT_MS)
    assert "no" in tokens.text.toPlainText()
    assert tokens._legend[0].text().startswith("Avoided ")
    place = tokens.text.toPlainText().rindex("no")
    assert "learned to be avoided" in tokens.describe(tokens.text.token_at(place))
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
    page = opened(window, qtbot, file)
    QTest.mouseClick(page.head.use, Qt.MouseButton.LeftButton)
    assert window.session.draft.value("training.objective") == "sft"


def test_what_does_not_go_with_two_answers_is_put_right_in_one_step(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = written(tmp_path)
    draft = window.session.draft
    preset = next(preset for preset in presets() if preset.settings.get("data.packing"))
    draft.adopt(preset.settings | {"data.long_text": "chunks", "adapter.method": "full"}, "test")
    before = draft.values()
    page = opened(window, qtbot, path)
    QTest.mouseClick(page.head.use, Qt.MouseButton.LeftButton)
    assert draft.sound()
    assert draft.value("training.objective") == "dpo"
    assert draft.value("training.learning_rate") == RATE
    window.session.undo.undo()
    assert draft.values() == before
    window.session.undo.redo()
    # Nor does a preset break it.
    draft.adopt(preset.settings, "test")
    assert draft.sound()
    assert draft.value("training.learning_rate") == RATE
    assert draft.value("adapter.r") == preset.settings["adapter.r"]
    # A rate that was chosen by hand stays.
    draft.edit("training.learning_rate", 3e-4)
    draft.adopt({"data.path": str(path)}, "test")
    assert draft.value("training.learning_rate") == 3e-4
    draft.edit("training.learning_rate", RATE)
    draft.adopt({"training.objective": "sft"}, "test")
    assert draft.value("training.learning_rate") == defaults()["training"]["learning_rate"]


@pytest.mark.parametrize(("objective", "method"), [("ipo", "lora"), ("orpo", "full"), ("simpo", "full")])
def test_an_objective_for_two_answers_stays_and_changes_only_what_it_must(
    objective: str, method: str, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = written(tmp_path)
    draft = window.session.draft
    draft.apply({"data.path": str(path), "adapter.method": "full", "data.packing": True}, "test")
    draft.edit("training.objective", objective)
    assert "data.packing" in draft.faults()
    page = opened(window, qtbot, path)
    QTest.mouseClick(page.head.use, Qt.MouseButton.LeftButton)
    assert draft.sound()
    assert (draft.value("training.objective"), draft.value("adapter.method")) == (objective, method)
    assert not draft.value("data.packing")
    draft.adopt({"training.objective": "sft"}, "test")
    draft.adopt({"training.objective": objective}, "test")
    assert draft.value("training.learning_rate") == asked(objective).learning_rate
    assert draft.config().training.used_beta == asked(objective).beta


def test_labelled_answers_are_seen_as_what_becomes_of_them_and_trained_on(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "judged.jsonl"
    rows = [{"prompt": f"question {n}", "completion": "yes, gladly", "label": n < 2} for n in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    page = opened(window, qtbot, path)
    tokens = page.rows.pane.tokens
    page.rows.pane.views.setCurrentWidget(tokens)

    def is_shown(row: int) -> bool:
        return f"question {row}" in tokens.text.toPlainText()

    for row, said in ((1, "Learned "), (2, "Avoided ")):
        page.rows.table.selectRow(row)
        qtbot.waitUntil(partial(is_shown, row), timeout=WAIT_MS)
        assert tokens._legend[0].text().startswith(said)
        assert tokens.worse.isHidden()
    draft = window.session.draft
    draft.adopt({"adapter.method": "full", "data.packing": True}, "test")
    QTest.mouseClick(page.head.use, Qt.MouseButton.LeftButton)
    assert draft.value("training.objective") == "kto"
    assert draft.value("training.learning_rate") == asked("kto").learning_rate
    assert draft.sound()
    # Rows of another kind are learned as they are for.
    page.plain.known = {}
    page.plain.take("prompt_completion", {})
    assert draft.value("training.objective") == "sft"
    checked(page, qtbot)


def test_what_is_wrong_beside_two_answers_is_said_at_its_field(window: MainWindow, tmp_path: Path) -> None:
    path = written(tmp_path)
    draft = window.session.draft
    draft.apply({"data.path": str(path), "training.objective": "dpo", "data.long_text": "chunks"}, "test")
    window.show_page("configure")
    page = window.page("configure")
    assert isinstance(page, ConfigurePage)
    page._show_all(False)
    assert page.reason.text() == f"{page._specs['data.long_text'].title}: {draft.faults()['data.long_text']}"
    page.go_to_fault()
    assert page.fields["data.long_text"].shown


def test_the_objective_follows_what_the_rows_are_taken_for(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    page = opened(window, qtbot, written(tmp_path))
    QTest.mouseClick(page.head.use, Qt.MouseButton.LeftButton)
    draft = window.session.draft
    assert draft.value("training.objective") == "dpo"
    page.plain.known = {}
    page.plain.take("auto", {"prompt": "prompt", "completion": "chosen"})
    assert draft.value("training.objective") == "sft"
    checked(page, qtbot)
    page.plain.known = {}
    page.plain.take("preference", {})
    assert draft.value("training.objective") == "dpo"
    checked(page, qtbot)


def test_what_an_objective_asks_for_is_changed_along_and_told(window: MainWindow) -> None:
    window.show_page("configure")
    page = window.page("configure")
    assert isinstance(page, ConfigurePage)
    draft, told = window.session.draft, list[Notice]()
    window.session.noticed.connect(told.append)
    draft.edit("data.packing", True)
    page._show_all(True)
    objective = page.fields["training.objective"].editor
    assert isinstance(objective, QComboBox)
    objective.setCurrentText("dpo")
    assert (draft.value("training.objective"), draft.value("training.learning_rate")) == ("dpo", 1e-5)
    assert not draft.value("data.packing")
    assert told[-1].text.endswith("Packing: off, Learning rate: 1e-05.")
    objective.setCurrentText("ipo")
    assert len(told) == 1, "nothing else is another than before"
    objective.setCurrentText("sft")
    assert draft.value("training.learning_rate") == 2e-4
    window.session.undo.undo()
    window.session.undo.undo()
    window.session.undo.undo()
    assert (draft.value("training.objective"), draft.value("training.learning_rate")) == ("sft", 2e-4)
    assert draft.value("data.packing")
