"""Which notices stay, how tall they are, and that they are said aloud."""

import pytest
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from studio.core.errors import StudioError
from studio.ui.details import Details
from studio.ui.passage import Passage
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "This plugin does not support")


def test_a_notice_stays_while_the_focus_is_on_its_button(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.notices._SHOWN_MS", 50)
    window.activateWindow()
    window.session.tell("Done.", "", "Undo it", lambda: None)
    (made,) = (found for found in window.notices.findChildren(QPushButton) if found.text() == "Undo it")
    made.setFocus()
    qtbot.waitUntil(made.hasFocus)
    qtbot.wait(200)
    assert window.notices.texts() == ["Done."]
    window._stack.setFocus()
    qtbot.waitUntil(lambda: window.notices.texts() == [])


def test_a_failure_is_not_pushed_out_by_what_is_none(window: MainWindow) -> None:
    window.session.tell("It failed.", "bad")
    for number in range(4):
        window.session.tell(f"New {number}.")
    assert window.notices.texts() == ["It failed.", "New 2.", "New 3."]


def test_three_long_notices_are_inside_the_window_and_scrolled(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(3):
        window.session.tell("word " * 400, "bad")
    QApplication.processEvents()
    assert window.notices.geometry().top() >= 0
    for said in window.notices.findChildren(Passage):
        assert said.height() < window.height() / 4
        assert said.verticalScrollBar().maximum() > 0
        qtbot.waitUntil(said.verticalScrollBar().isVisible)


def test_a_notice_is_said_by_a_screen_reader(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[str]()

    def update(event: object) -> None:
        if isinstance(event, QAccessibleAnnouncementEvent):
            told.append(event.message())

    monkeypatch.setattr(QAccessible, "updateAccessibility", update)
    window.session.tell("It failed.", "bad")
    assert told == ["It failed."]


def test_the_details_of_a_failure_are_seen_and_copied(window: MainWindow) -> None:
    window.session.tell_error(StudioError("run", "It failed.", "Try again."))
    assert not [made for made in window.notices.findChildren(QPushButton) if made.text() == "Details"]
    window.session.tell_error(StudioError("run", "It failed.", "Try again.", "line <b>1</b>\nline 2"))
    (more,) = (made for made in window.notices.findChildren(QPushButton) if made.text() == "Details")
    more.click()
    (shown,) = (made for made in window.findChildren(Details) if made.isVisible())
    assert shown.text.toPlainText() == "line <b>1</b>\nline 2"
    shown.copy.click()
    assert QApplication.clipboard().text() == "line <b>1</b>\nline 2"
    shown.close()
    assert len(window.notices.texts()) == 2, "the notice stays"
