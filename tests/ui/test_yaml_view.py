"""The configuration as YAML: what was typed counts, however short a time ago."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.ui.pages.configure import ConfigurePage
from studio.ui.window import MainWindow
from tests.ui.test_forms import page

__all__ = ["page"]  # the fixture

# The offscreen platform says these of every window with a least size, and of every popup.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


def test_yaml_typed_a_moment_ago_is_in_the_run(
    page: ConfigurePage, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[RunConfig]()

    def start(config: RunConfig, *, queued: bool) -> None:
        assert queued
        started.append(config)
        raise StudioError("run", "This test starts no process.", "Look at what would be started.")

    monkeypatch.setattr(window.session, "start", start)
    page._show_view(1)
    text = page.yaml.editor
    text.setFocus()
    text.selectAll()
    text.insertPlainText(text.toPlainText().replace("r: 16", "r: 7"))
    assert page.yaml._typing.isActive()
    QTest.keyClick(text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert [config.adapter.r for config in started] == [7]
    text.selectAll()
    text.insertPlainText(text.toPlainText().replace("r: 7", "r: [7"))
    QTest.keyClick(text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(started) == 1
    assert page.reason.text() == page.yaml.fault != ""


@pytest.mark.parametrize("name", ["Copy as YAML", "Copy as command"])
def test_yaml_typed_a_moment_ago_is_copied(page: ConfigurePage, window: MainWindow, name: str) -> None:
    page._show_view(1)
    (copy,) = (made for made in page.findChildren(QPushButton) if made.text() == name)
    text = page.yaml.editor
    text.setPlainText(text.toPlainText().replace("r: 16", "r: 7"))
    copy.click()
    assert re.search(r"\br[:=] ?7\b", QApplication.clipboard().text())
    text.setPlainText(text.toPlainText().replace("r: 7", "r: [5"))
    copy.click()
    assert window.notices.texts()[-1] == page.yaml.fault != ""
    assert re.search(r"\br[:=] ?7\b", QApplication.clipboard().text())
