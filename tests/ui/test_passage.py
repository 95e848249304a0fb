"""A text that breaks anywhere it has to, has room for all its lines, and is copied as it is."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.ui.parts import column, holder
from studio.ui.passage import Passage

TEXTS = (
    "Done.",
    "The run is going. Stop it with `studio runs stop 20261129-190945-a-rather-long-name-of-a-run-86b0`.",
    "x" * 300,
    "两句话之间没有空格。" * 20,
    "First line.\nSecond line.",
    "",
)


def shown(qtbot: QtBot, text: str, width: int) -> tuple[QWidget, Passage]:
    passage = Passage(text)
    host = holder(column(passage))
    qtbot.addWidget(host)
    host.setFixedWidth(width)
    layout = host.layout()
    assert layout is not None
    host.setFixedHeight(layout.totalHeightForWidth(width))
    host.show()
    return host, passage


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [120, 360, 900])
@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_all_of_a_text_is_in_sight(qtbot: QtBot, text: str, width: int) -> None:
    _, passage = shown(qtbot, text, width)
    assert passage.verticalScrollBar().maximum() == 0
    laid = passage.document().firstBlock().layout()
    lines = [laid.lineAt(at).naturalTextWidth() for at in range(laid.lineCount())]
    assert max(lines) <= passage.viewport().width()
    assert passage.toPlainText() == text


@pytest.mark.parametrize("text", TEXTS[1:4])
@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_what_is_selected_by_mouse_is_copied_as_it_is(qtbot: QtBot, text: str) -> None:
    _, passage = shown(qtbot, text, 300)
    view = passage.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(0, 2))
    QTest.mouseMove(view, QPoint(view.width() // 2, view.height() // 2))
    QTest.mouseMove(view, QPoint(view.width(), view.height()))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(view.width(), view.height()))
    assert passage.textCursor().hasSelection()
    passage.selectAll()
    passage.setFocus()
    QTest.keyClick(passage, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == text


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_nothing_is_typed_into_it(qtbot: QtBot) -> None:
    _, passage = shown(qtbot, TEXTS[1], 300)
    passage.setFocus()
    QTest.keyClicks(passage, "abc")
    QTest.keyClick(passage, Qt.Key.Key_Delete)
    assert passage.toPlainText() == TEXTS[1]
