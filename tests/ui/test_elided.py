"""Texts that give way: paths show both ends, and all of them in a tip."""

import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from studio.ui.elided import MIDDLE, Elided, PathLine
from studio.ui.theme import Theme

# The offscreen platform says this of every tip.
pytestmark = pytest.mark.qt_log_ignore("does not support", extend=True)

PATH = "/mnt/projects/customers/letters of the year/by month/2024-11/letters-0001.jsonl"


def tip_of(widget: QWidget) -> str:
    QToolTip.hideText()
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, QPoint(3, 3), widget.mapToGlobal(QPoint(3, 3))))
    return QToolTip.text()


def picture(widget: QWidget) -> object:
    return widget.grab().toImage()


def test_a_long_path_shows_both_its_ends_while_nobody_writes_in_it(theme: Theme, qtbot: QtBot) -> None:
    top = QWidget()
    qtbot.addWidget(top)
    line, plain, other = PathLine(top), QLineEdit(top), QLineEdit(top)
    for at, made in enumerate((line, plain, other)):
        made.setGeometry(20, 40 + 40 * at, 300, 32)  # not under the mouse
    other.setFocus()
    theme.clothe(top)
    with qtbot.waitExposed(top):
        top.show()
    line.setText(PATH)
    shown = line._shown()
    assert shown.startswith("/mnt/")
    assert shown.endswith("0001.jsonl")
    assert "\u2026" in shown
    plain.setText(shown)
    plain.setCursorPosition(0)
    assert picture(line) == picture(plain), "as if both ends alone were its text"
    assert line.text() == PATH
    line.setFocus()
    plain.setText(PATH)
    qtbot.waitUntil(line.hasFocus)
    assert line.cursorPosition() == len(PATH)
    assert picture(line) != picture(plain)


def test_the_tip_of_a_path_that_is_cut_says_all_of_it_and_what_it_is(qtbot: QtBot) -> None:
    box = QComboBox()
    qtbot.addWidget(box)
    box.setLineEdit(PathLine())
    box.setToolTip("The data to train on.")
    box.resize(300, 32)
    box.show()
    line = box.lineEdit()
    assert line is not None
    box.setCurrentText("short.jsonl")
    assert tip_of(line) in ("", "The data to train on.")
    box.setCurrentText(PATH)
    assert tip_of(line) == f"{PATH}\n\nThe data to train on."
    box.setCurrentText("/<b>" + PATH)
    assert tip_of(line).startswith("/\u2039b>")
    QToolTip.hideText()


def test_a_label_gives_way_where_it_is_told_to(qtbot: QtBot) -> None:
    labels = [Elided(PATH), Elided(PATH, gives=MIDDLE)]
    for made in labels:
        qtbot.addWidget(made)
        made.resize(200, 20)
        made.show()
        made.grab()
        assert made.toolTip() == PATH
    assert picture(labels[0]) != picture(labels[1])
