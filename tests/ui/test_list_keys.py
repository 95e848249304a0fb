"""A list is walked through and chosen from out of the search box above it."""

from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from studio.ui.finder import Finder

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


class Offered:
    """A palette of as many actions as `enabled` names, and what was triggered in it."""

    def __init__(self, qtbot: QtBot, enabled: str) -> None:
        self.parent = QWidget()
        qtbot.addWidget(self.parent)
        self.triggered: list[str] = []
        actions = [QAction(f"action {at}", self.parent) for at in range(len(enabled))]
        for action, sign in zip(actions, enabled, strict=True):
            action.setEnabled(sign == "+")
            action.triggered.connect(partial(self._take, action))
        self.finder = Finder(actions, self.parent)
        self.finder.show()

    def _take(self, action: QAction) -> None:
        self.triggered.append(action.text())

    def press(self, *keys: Qt.Key) -> list[str]:
        for key in keys:
            QTest.keyClick(self.finder.box, key)
        return self.triggered


RETURN, DOWN, UP = Qt.Key.Key_Return, Qt.Key.Key_Down, Qt.Key.Key_Up


@pytest.mark.parametrize(
    ("enabled", "keys", "chosen"),
    [
        ("++", [RETURN], 0),
        ("--+", [RETURN], 2),
        ("+--+", [DOWN, RETURN], 3),
        ("-+-+-", [UP, RETURN], 3),
        ("-+-+-", [DOWN, DOWN, RETURN], 1),
    ],
)
def test_the_keys_pass_over_what_is_disabled(qtbot: QtBot, enabled: str, keys: list[Qt.Key], chosen: int) -> None:
    assert Offered(qtbot, enabled).press(*keys) == [f"action {chosen}"]


def test_where_all_is_disabled_the_keys_choose_nothing(qtbot: QtBot) -> None:
    offered = Offered(qtbot, "--")
    assert offered.press(RETURN, DOWN, RETURN, UP, RETURN) == []
    assert offered.finder.isVisible()


def test_the_first_that_can_be_chosen_is_in_sight(qtbot: QtBot) -> None:
    finder = Offered(qtbot, "-" * 60 + "+").finder
    chosen = finder.list.visualItemRect(finder.list.currentItem())
    assert finder.list.viewport().rect().contains(chosen)


@pytest.mark.parametrize("single", [0, 1])
def test_a_click_chooses_once_however_many_clicks_the_desktop_opens_with(qtbot: QtBot, single: int) -> None:
    offered = Offered(qtbot, "-+")
    shown = offered.finder.list
    shown.setStyleSheet(f"QListWidget {{ activate-on-singleclick: {single} }}")

    def click(item: QListWidgetItem) -> list[str]:
        place = shown.visualItemRect(item).center()
        QTest.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, pos=place)
        return offered.triggered

    assert click(shown.item(0)) == []
    assert click(shown.item(1)) == ["action 1"]


def test_the_list_itself_takes_the_keys_too(qtbot: QtBot) -> None:
    offered = Offered(qtbot, "+-+")
    QTest.keyClick(offered.finder.list, DOWN)
    QTest.keyClick(offered.finder.list, RETURN)
    assert offered.triggered == ["action 2"]
