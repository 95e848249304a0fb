"""A conversation on screen: every word of it within the view, selected and copied as it was said."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui.chat_view import ChatView
from studio.ui.passage import Passage

ADDRESS = "See https://parcels.example.org/track/" + "0123456789abcdef" * 12
ARABIC = "عزيزي رافي، شكرًا لكتابتك إلينا." * 8


@pytest.fixture
def chat(qtbot: QtBot) -> ChatView:
    made = ChatView()
    qtbot.addWidget(made)
    made.resize(444, 300)
    made.show()
    for question, answer in (("Where?", ADDRESS), (ADDRESS, ARABIC)):
        made.ask(question, "an adapter with a long name " * 5)
        for at in range(0, len(answer), 16):
            made.add(answer[at : at + 16])
        made.finish(answer)
    QApplication.processEvents()
    return made


@pytest.mark.parametrize("width", [444, 900, 260])
def test_every_turn_is_whole_within_the_view(chat: ChatView, width: int) -> None:
    chat.resize(width, 300)
    QApplication.processEvents()
    body = chat.widget()
    assert body is not None
    assert body.width() == chat.viewport().width()
    said = chat.findChildren(Passage)
    assert [made.toPlainText() for made in said] == ["Where?", ADDRESS, ADDRESS, ARABIC]
    for made in said:
        assert made.verticalScrollBar().maximum() == 0
        assert made.mapTo(body, QPoint(made.width(), 0)).x() <= chat.viewport().width()
    bar = chat.verticalScrollBar()
    assert bar.value() == bar.maximum()


def test_a_turn_is_selected_by_keyboard_and_copied_as_it_was_said(chat: ChatView) -> None:
    said = chat.findChildren(Passage)[1]
    said.setFocus()
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(said, Qt.Key.Key_Home, control)
    QTest.keyClick(said, Qt.Key.Key_End, control | shift)
    QTest.keyClick(said, Qt.Key.Key_C, control)
    assert QGuiApplication.clipboard().text() == ADDRESS


def test_the_wheel_over_a_turn_is_left_to_the_conversation(chat: ChatView) -> None:
    said, at = chat.findChildren(Passage)[-1], QPointF(5, 5)
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    turn = QWheelEvent(at, said.viewport().mapToGlobal(at), QPoint(), QPoint(0, 120), *none, False)
    QApplication.sendEvent(said.viewport(), turn)
    assert not turn.isAccepted()
