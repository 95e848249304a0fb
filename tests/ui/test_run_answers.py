"""The answers of a run on the Train page: before training beside any step, the newest followed while it comes."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from studio.core import events, runs
from studio.core.config import DataSpec, RunConfig, TrainingSpec
from studio.core.runs import Run
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.run_answers import RunAnswers
from studio.ui.pages.run_view import RunView
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.ui.test_run_view import shown
from tests.ui.told import prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)

PROMPTS = ["Who are\nyou?", "A <b>bold</b> one"]


def asking(prompts: Sequence[str] = PROMPTS) -> Run:
    spec = TrainingSpec(sample_prompts=list(prompts))
    return runs.create(RunConfig(name="asks", data=DataSpec(path="x"), training=spec))


def answered(number: int, *answers: str, faults: dict[int, str] | None = None) -> events.Answered:
    return events.Answered(step=number, answers=list(answers), faults=faults or {})


def looked(window: MainWindow, qtbot: QtBot, run: Run) -> tuple[RunView, RunAnswers]:
    view = shown(window, qtbot, run)
    view.tabs.setCurrentWidget(view.answers)
    return view, view.answers


def test_any_step_is_read_beside_what_was_before(window: MainWindow, qtbot: QtBot) -> None:
    run = asking()
    tell(run, prepared(9), answered(0, "a model", "plain"), step(1, 2.0), answered(4, "a small model", "<i>"))
    tell(run, answered(8, "a kind model", "", faults={1: "It is too long. Shorten it."}))
    _, answers = looked(window, qtbot, run)
    assert [answers.prompt.itemText(at) for at in range(2)] == ["Who are you?", "A <b>bold</b> one"]
    assert answers.slider.value() == answers.slider.maximum() == 2
    titles = [title.text() for title in answers._titles]
    assert titles == ["Before training", "Step 8"]
    assert (answers.before.toPlainText(), answers.after.toPlainText()) == ("a model", "a kind model")
    (mark,) = answers.after.extraSelections()
    assert mark.cursor.selectedText() == "kind"
    answers.slider.setFocus()
    QTest.keyClick(answers.slider, Qt.Key.Key_Left)
    assert answers.after.toPlainText() == "a small model"
    answers.prompt.setCurrentIndex(1)
    assert (answers.before.toPlainText(), answers.after.toPlainText()) == ("plain", "<i>")
    answers.slider.setValue(2)
    assert answers.after.toPlainText() == "It is too long. Shorten it."
    assert not answers.after.extraSelections(), "it is no answer"
    assert not answers.asked.isVisible()
    answers.prompt.setCurrentIndex(0)
    assert answers.asked.isVisible()
    assert answers.asked.toPlainText() == PROMPTS[0]
    answers.slider.setValue(0)
    assert answers._titles[1].text() == "Before training"
    assert not answers.after.extraSelections()


def test_the_newest_is_followed_until_another_is_looked_at(window: MainWindow, qtbot: QtBot) -> None:
    run = asking()
    tell(run, prepared(9), answered(0, "none", ""), answered(4, "some", ""))
    view, answers = looked(window, qtbot, run)
    model = view.model
    assert model is not None
    model.progress.apply(answered(8, "more", ""))
    answers.advance()
    assert answers.after.toPlainText() == "more"
    answers.slider.setValue(1)
    model.progress.apply(answered(9, "most", ""))
    answers.advance()
    assert (answers.slider.maximum(), answers.after.toPlainText()) == (3, "some")
    model.progress.apply(events.Resumed(step=4, checkpoint=""))
    answers.advance()
    assert (answers.slider.maximum(), answers.after.toPlainText()) == (1, "some")


def test_it_says_why_there_is_none(window: MainWindow, qtbot: QtBot) -> None:
    run = asking([])
    tell(run, replace(prepared(9), eval_rows=0))
    view, answers = looked(window, qtbot, run)
    assert "Name some in Configure" in answers.said.text()
    assert not answers.before.isVisible()
    other = asking()
    tell(other, replace(prepared(9), eval_rows=0))
    view, answers = looked(window, qtbot, other)
    assert [one.text() for one in answers.findChildren(QLabel) if one.isVisible()] == ["Nothing was answered yet."]
    assert view.model is not None
    view.model.alive = True
    view._refresh()
    assert view.evaluate.isEnabled(), "it answers its prompts"
    view.model.alive = False


def test_prompts_are_written_one_a_line(window: MainWindow) -> None:
    window.session.draft.edit("data.path", str(demo_data()))
    window.show_page("configure")
    page = window.page("configure")
    assert isinstance(page, ConfigurePage)
    key = "training.sample_prompts"
    box = page.fields[key].editor
    assert isinstance(box, QPlainTextEdit)
    box.setFocus()
    QTest.keyClicks(box, "Who are you?")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert window.session.draft.value(key) == ["Who are you?"]
    assert box.toPlainText() == "Who are you?\n", "the line being begun stays"
    QTest.keyClicks(box, r"one\ntwo")
    assert window.session.draft.config().training.sample_prompts == ["Who are you?", "one\ntwo"]
    window.session.draft.edit(key, ["a\nb", "c"])
    assert box.toPlainText() == "a\\nb\nc"
    odd = ["C:\\new\\table", "  lead", "trail ", "a\r\nb", "x\u2028y", "\u00a0", " ", "z\x85", "\\n", "\\u0041"]
    window.session.draft.edit(key, odd)
    QTest.keyClick(box, Qt.Key.Key_Return)
    QTest.keyClicks(box, "one more")
    assert window.session.draft.value(key) == [*odd, "one more"], "the others stay as they were"
    window.session.draft.edit(key, ["x"] * 21)
    assert "20" in page.fields[key].fault.text()
    assert not page.start_button.isEnabled()
    page.fields[key].reset.click()
    assert box.toPlainText() == ""
    assert page.fields[key].fault.isHidden()
