"""Files and texts dragged onto the window, and onto the boxes in it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui.pages.compare import ComparePage
from studio.ui.pages.data import DataPage
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
BOTH = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction


def drop(window: MainWindow, place: QPoint, mime: QMimeData) -> QDropEvent:
    """Drags something into the window, as its system tells it, and drops it."""
    button, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    handle = window.windowHandle()
    QApplication.sendEvent(handle, QDragEnterEvent(place, BOTH, mime, button, none))
    dropped = QDropEvent(QPointF(place), BOTH, mime, button, none)
    dropped.setDropAction(Qt.DropAction.MoveAction)
    QApplication.sendEvent(handle, dropped)
    return dropped


def test_a_file_dropped_on_a_text_box_is_opened_and_stays_where_it_lies(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "a", "completion": "b"}\n' * 5, encoding="utf-8")
    window.show_page("compare")
    page = window.page("compare")
    assert isinstance(page, ComparePage)
    place = page.prompt.mapTo(window, page.prompt.rect().center())
    text, files = QMimeData(), QMimeData()
    text.setText("plain")
    drop(window, place, text)
    assert page.prompt.toPlainText() == "plain"
    files.setUrls([QUrl.fromLocalFile(str(file))])
    dropped = drop(window, place, files)
    assert dropped.isAccepted()
    assert dropped.dropAction() == Qt.DropAction.CopyAction
    assert page.prompt.toPlainText() == "plain"
    data = window.page("data")
    assert isinstance(data, DataPage)
    qtbot.waitUntil(lambda: data.table_model.rowCount() == 5)
