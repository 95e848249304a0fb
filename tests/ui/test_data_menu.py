"""What the Version menu does to all rows: exporting them where a file is already."""

from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from studio.ui.pages.data import DataPage
from studio.ui.window import MainWindow
from tests.ui.test_data_page import WAIT_MS, file, page, press, version
from tests.ui.world import choose

__all__ = ["file", "page"]  # the fixtures

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.mark.parametrize("edited", [False, True])
def test_an_export_replaces_what_the_dialog_has_asked_about(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path, edited: bool
) -> None:
    if edited:
        press(page, Qt.Key.Key_X)
        version(page, qtbot, 1)
    out = tmp_path / "out.jsonl"
    for target, said in ((out, "written to out.jsonl"), (tmp_path / "letters.jsonl", "letters.jsonl is read from")):
        target.touch()
        QTimer.singleShot(200, partial(_choose, target))
        page.menu._export()
        qtbot.waitUntil(partial(_told, window, said), timeout=WAIT_MS)
    assert len(out.read_text(encoding="utf-8").splitlines()) == 30 - edited


def _told(window: MainWindow, said: str) -> bool:
    return any(said in text for text in window.notices.texts())


def _choose(target: Path) -> None:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QFileDialog)
    QTimer.singleShot(200, _agree)
    choose(dialog, target)


def _agree() -> None:
    """Answers the dialog's question whether the file is to be replaced."""
    box = QApplication.activeModalWidget()
    if isinstance(box, QMessageBox):
        box.button(QMessageBox.StandardButton.Yes).click()
