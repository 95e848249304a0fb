"""A run is talked to on the Train page: what was said is read from its events, and the next question goes to it."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.core import events, files
from studio.core.asking import Message
from studio.core.runs import Run
from studio.ui.pages.run_ask import RunAsk
from studio.ui.pages.run_view import RunView
from studio.ui.passage import Passage
from studio.ui.window import MainWindow
from tests.ui.test_run_view import shown
from tests.ui.told import finished, made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


def replied(
    number: int, asked: str, answer: str = "", fault: str = "", to: events.Question | None = None
) -> events.Replied:
    return events.Replied(step=number, id=to.id if to else "", question=asked, answer=answer, fault=fault)


def last(run: Run) -> events.Question:
    asked = put(run)[-1]
    assert isinstance(asked, events.Question)
    return asked


def looked(window: MainWindow, qtbot: QtBot, run: Run, *, alive: bool = True) -> tuple[RunView, RunAsk]:
    view = shown(window, qtbot, run)
    view.tabs.setCurrentWidget(view.talk)
    assert view.model is not None
    view.model.alive = alive
    view._refresh()
    return view, view.talk


def put(run: Run) -> list[events.Command | None]:
    if not run.commands_path.exists():
        return []
    return [events.decode_command(line) for line in files.read_lines(run.commands_path)[0]]


def said(talk: RunAsk) -> list[str]:
    return [passage.toPlainText() for passage in talk.chat.findChildren(Passage)]


def ask(talk: RunAsk, text: str) -> None:
    talk.prompt.setPlainText(text)
    QTest.keyClick(talk.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def test_questions_go_to_the_run_and_its_answers_come_with_their_step(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(9), step(1, 2.0), replied(1, "from a command", "<b>yes</b>"))
    view, talk = looked(window, qtbot, run)
    model = view.model
    assert model is not None
    assert said(talk) == ["from a command", "<b>yes</b>"]
    assert not talk.button.isEnabled()
    ask(talk, "  Who are you? ")
    first = last(run)
    assert first.messages == [Message(role="user", content="Who are you?")]
    assert talk.status.text() == "It answers behind its current step: Who are you?"
    talk.prompt.setPlainText("next")
    assert not talk.button.isEnabled(), "one after the other"
    assert not talk.anew.isEnabled()
    model.progress.apply(replied(2, "Who are you?", "no"))
    model.progress.apply(replied(3, "Who are you?", "a model", to=first))
    talk.advance()
    assert said(talk)[2:] == ["Who are you?", "no", "Who are you?", "a model"]
    assert talk.chat.answering == ["Step 1", "Step 2", "Step 3"]
    assert talk.button.isEnabled()
    ask(talk, "And now?")
    second = last(run)
    assert [message.content for message in second.messages] == ["Who are you?", "a model", "And now?"]
    model.progress.apply(replied(4, "And now?", fault="It is too long. Shorten it.", to=second))
    talk.advance()
    assert said(talk)[-1] == "It is too long. Shorten it."
    assert [part.property("wrong") for part in talk.chat.findChildren(Passage)][-2:] == [None, True]
    assert talk.prompt.toPlainText() == "And now?", "to be mended"
    talk.anew.click()
    assert not talk.anew.isEnabled()
    ask(talk, "Afresh")
    assert [message.content for message in last(run).messages] == ["Afresh"]
    model.alive = False


def test_it_says_why_a_run_cannot_be_asked(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(9), step(1, 2.0))
    view, talk = looked(window, qtbot, run, alive=False)
    assert talk.status.text() == "The run is not at work."
    assert not talk.prompt.isEnabled()
    ask(talk, "lost?")
    assert put(run) == []
    view, talk = looked(window, qtbot, run)
    model = view.model
    assert model is not None
    assert talk.prompt.isEnabled()
    model.asked_stop = True
    talk.advance()
    assert "answers no more" in talk.status.text()
    model.asked_stop = False
    model.progress.apply(events.Phase(name="queued"))
    talk.advance()
    assert talk.status.text() == "It can be asked as soon as it trains."
    model.alive = False


def test_a_run_that_is_read_anew_shows_each_answer_once(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(9), step(1, 2.0), replied(1, "a", "b"), replied(1, "c", "d"))
    view, talk = looked(window, qtbot, run, alive=False)
    assert said(talk) == ["a", "b", "c", "d"]
    model = view.model
    assert model is not None
    model.attach()
    talk.advance()
    qtbot.waitUntil(lambda: len(model.progress.replied) == 2)
    talk.advance()
    assert said(talk) == ["a", "b", "c", "d"]
    other = made_run("other")
    tell(other, prepared(9))
    looked(window, qtbot, other, alive=False)
    assert said(talk) == []


def test_a_question_that_cannot_be_put_stays(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(9), step(1, 2.0))
    view, talk = looked(window, qtbot, run)
    run.commands_path.mkdir()
    ask(talk, "Who are you?")
    assert talk.prompt.toPlainText() == "Who are you?"
    assert talk.button.isEnabled()
    assert window.notices.texts()
    assert view.model is not None
    view.model.alive = False


def test_of_a_long_conversation_the_end_is_asked_with(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(9), step(1, 2.0))
    view, talk = looked(window, qtbot, run)
    talk._said = [Message(role="assistant" if at % 2 else "user", content=str(at)) for at in range(300)]
    ask(talk, "last")
    asked = last(run).messages
    assert len(asked) == events.MOST_MESSAGES
    assert (asked[0].role, asked[-1].content) == ("user", "last")
    assert view.model is not None
    view.model.alive = False


def test_one_that_has_an_adapter_says_where_that_can_be_asked(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(9), step(1, 2.0), replace(finished(1), adapter="letters"))
    _, talk = looked(window, qtbot, run, alive=False)
    assert "What it made can be asked on the Compare page" in talk.status.text()


def test_conversations_stand_apart_and_a_long_question_is_cut_as_it_waits(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    goes_on = replace(replied(2, "more", "b"), turn=2)
    tell(run, prepared(9), step(1, 2.0), replied(1, "a", "a"), goes_on, replied(3, "anew", "c"))
    view, talk = looked(window, qtbot, run)
    assert [one.text() for one in talk.chat.findChildren(QLabel)].count("New conversation") == 1
    ask(talk, "long\n" * 100)
    assert len(talk.status.text()) < 200
    assert view.model is not None
    view.model.alive = False
