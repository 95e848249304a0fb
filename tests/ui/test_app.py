"""What a start loads behind the window's back, and that a window that is opened again leaves nothing behind."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.core.desk import Sampling, Tokens
from studio.ui.app import open_window
from studio.ui.pages.compare import CONVERSATION, ComparePage
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.data import DataPage
from studio.ui.session import GivenText, demo_data

# Every class of Qt is used by two threads at once, from either end, as often as Python changes between them.
TOGETHER = """
import sys
import threading

import studio.ui
from PySide6 import QtCore, QtGui, QtWidgets

def use(backwards):
    for module in (QtCore, QtGui, QtWidgets):
        for name in sorted(dir(module), reverse=backwards):
            getattr(module, name)

sys.setswitchinterval(1e-6)
other = threading.Thread(target=use, args=(True,))
other.start()
use(False)
other.join()
"""


def test_threads_may_use_the_classes_of_qt_together() -> None:
    ended = subprocess.run([sys.executable, "-X", "faulthandler", "-c", TOGETHER], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Garbage stays."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.qt_log_ignore("This plugin does not support")
@pytest.mark.usefixtures("uncollected")
def test_a_window_that_is_opened_again_leaves_no_widget_behind(qapp: QApplication, qtbot: QtBot) -> None:
    def widgets_left() -> int:
        window = open_window(qapp)
        while window.build_next():
            pass
        for key in window._pages:
            window.show_page(key)
        configure = window.page("configure")
        assert isinstance(configure, ConfigurePage)
        configure._show_all(True)
        window.open_path(demo_data())
        for show in (window.find_command, window.show_shortcuts, window._about):
            show()
        window.session.tell("Said.", "bad", "Show", lambda: None)
        qtbot.wait(200)
        window._closing = True
        window.close()
        window.deleteLater()
        qapp.processEvents()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        return len(qapp.allWidgets())

    before = widgets_left()
    assert widgets_left() == before


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_window_in_anothers_place_has_open_what_that_had(qapp: QApplication, qtbot: QtBot) -> None:
    first = open_window(qapp)
    first.open_path(demo_data())
    compare = first.page("compare")
    assert isinstance(compare, ComparePage)
    compare.panel.choose(base="owner/model")
    compare.panel.system.setText("Be brief.")
    compare.panel.choose_sampling(Sampling(temperature=0.5))
    compare.show_mode(CONVERSATION)
    compare.chat.ask("Who are you?", "mine")
    compare.chat.add("Nobo")
    compare.prompt.setPlainText("half a ques")
    compare.text.answer.setPlainText("half an ans")
    compare.text.give(GivenText(Tokens(file="rows.jsonl", row=3), "Row 3"))
    first._closing = True
    first.close()
    opened = first.left_open()
    first.deleteLater()
    second = open_window(qapp)
    second.take_up(opened)
    page, data = second.page("compare"), second.page("data")
    assert isinstance(page, ComparePage)
    assert isinstance(data, DataPage)
    assert page.left_open() == opened["compare"]
    assert [message.content for message in page.chat.messages] == ["Who are you?", "Nobo"]
    assert (page.panel.model(), page.panel.system.text()) == ("owner/model", "Be brief.")
    assert (page.chatting, page.prompt.toPlainText()) == (True, "half a ques")
    assert page.text.answer.toPlainText() == "half an ans"
    assert page.text.given == opened["compare"].given is not None
    qtbot.waitUntil(lambda: data.table_model.rowCount() == 800)
    second._closing = True
    second.close()
    second.deleteLater()
    qapp.processEvents()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
