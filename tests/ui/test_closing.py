"""What the window waits for when it is to close, since it would be lost, and what gives that up."""

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QProcess, Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio import paths
from studio.core import library, settings
from studio.core.versions import recipe
from studio.ui.app import open_window, until_closed
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.data import DataPage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.core.test_library import peft_folder
from tests.ui.test_data_page import WAIT_MS, file, page, press
from tests.ui.test_data_typed import answer

__all__ = ["file", "page"]  # the fixtures

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def test_the_window_closes_behind_the_edits_that_wait(page: DataPage, window: MainWindow, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X)
    window.close()
    assert window.isVisible()
    assert "as soon as your edits are kept" in window.notices.texts()[-1]
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    assert recipe.load(recipe.file_of("letters")).cursor == 1


@pytest.mark.parametrize("act", ["undo", "cancel"])
def test_the_window_closes_when_the_edits_it_waits_for_are_given_up(
    page: DataPage, window: MainWindow, qtbot: QtBot, act: str
) -> None:
    press(page, Qt.Key.Key_X)
    window.close()
    assert window.isVisible()
    if act == "undo":
        window.session.undo.undo()
    else:
        page.head._stop.click()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert not recipe.listed()


def test_the_window_closes_behind_a_version_that_is_mixed(
    page: DataPage, window: MainWindow, qtbot: QtBot, file: Path
) -> None:
    page._editing.mix("both", [(str(file), 1.0)], "shortest", 0)
    window.close()
    assert window.isVisible()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    assert recipe.listed() == [recipe.file_of("both")]
    # The next window has it at the head of its list.
    assert settings.load().recent_data[0] == str(recipe.file_of("both"))


def test_edits_that_wait_are_given_up_by_closing_the_window_twice(
    page: DataPage, window: MainWindow, qtbot: QtBot
) -> None:
    press(page, Qt.Key.Key_X)
    window.close()
    window.close()
    assert not window.isVisible()
    assert not page._editing.waiting()


def test_the_window_closes_behind_an_export(page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    page.menu.export(tmp_path / "out.jsonl")
    window.close()
    assert window.isVisible()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 30


@pytest.mark.parametrize("again", [False, True])
def test_the_window_closes_behind_an_adapter_that_is_added(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, again: bool
) -> None:
    window.open_path(peft_folder(tmp_path / "mine"))
    (window._open_again if again else window.close)()
    assert window.isVisible()
    assert "as soon as what it writes is written" in window.notices.texts()[-1]
    qtbot.waitUntil(lambda: not window.isVisible())
    assert window.opens_again == again
    assert [entry.title for entry in library.entries()] == ["mine"]


@pytest.mark.parametrize("act", ["export", "edit"])
def test_what_was_waited_for_is_still_to_be_told(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path, act: str
) -> None:
    if act == "export":
        page.menu.export(tmp_path / "out.jsonl")
    else:
        press(page, Qt.Key.Key_X)
        page.receive(demo_data())
    window._open_again()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    said = {"export": "30 rows written to out.jsonl.", "edit": "Your edits are kept as the version letters."}
    assert [notice.text for notice in window.untold] == [said[act]]


def test_what_was_waited_for_is_told_by_the_window_in_its_place(qapp: QApplication, tmp_path: Path) -> None:
    first, told = open_window(qapp), list[list[str]]()
    first.open_path(peft_folder(tmp_path / "mine"))
    first._open_again()
    assert first.isVisible()

    def look() -> None:
        windows = (made for made in qapp.topLevelWidgets() if isinstance(made, MainWindow) and made.isVisible())
        # None is, for a moment, between the two.
        for shown in windows:
            if shown is not first:
                told.append(shown.notices.texts())
                shown.close()
                shown.deleteLater()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(100)
    assert until_closed(qapp, first) == 0
    timer.stop()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert told == [["Added to the library as mine."]]


@pytest.mark.parametrize("act", ["add", "export", "edit"])
def test_the_window_stays_where_what_it_waits_for_fails(
    page: DataPage, window: MainWindow, qtbot: QtBot, tmp_path: Path, act: str
) -> None:
    if act == "add":
        folder = peft_folder(tmp_path / "mine")
        (folder / "adapter_model.safetensors").write_bytes(b"cut")
        window.open_path(folder)
    elif act == "export":
        (tmp_path / "no folder").write_bytes(b"")
        page.menu.export(tmp_path / "no folder" / "out.jsonl")
    else:
        paths.datasets_dir().write_text("no folder", encoding="utf-8")
        press(page, Qt.Key.Key_X)
    window.close()
    assert window.isVisible()
    with qtbot.waitSignal(window.session.failed):
        pass
    qtbot.wait(100)
    assert window.isVisible()
    window.close()
    assert not window.isVisible()


def test_an_adapter_that_is_added_is_given_up_by_closing_the_window_twice(window: MainWindow, tmp_path: Path) -> None:
    window.open_path(peft_folder(tmp_path / "mine"))
    window.close()
    window.close()
    assert not window.isVisible()
    assert library.entries() == []
    assert {made.state() for made in window.session.findChildren(QProcess)} <= {QProcess.ProcessState.NotRunning}


def test_a_window_whose_user_chose_to_stay_is_not_closed_later(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.open_path(peft_folder(tmp_path / "mine"))
    window.close()
    window.session.tell("Said meanwhile.")
    assert window.untold
    configure, seen = window.page("configure"), list[str]()
    assert isinstance(configure, ConfigurePage)
    configure.yaml.editor.setPlainText("model: [")
    answer("Cancel", seen)
    window.close()
    qtbot.waitUntil(lambda: len(seen) == 1)
    assert window.untold == []
    qtbot.waitUntil(lambda: bool(library.entries()) and not window.session.keeps(lambda: None))
    qtbot.wait(100)
    assert window.isVisible()


@pytest.mark.parametrize("again", [False, True])
def test_closing_asks_about_yaml_that_is_no_configuration(window: MainWindow, qtbot: QtBot, again: bool) -> None:
    configure, seen = window.page("configure"), list[str]()
    assert isinstance(configure, ConfigurePage)
    close = window._open_again if again else window.close
    configure.yaml.editor.setPlainText("model: [")  # and no rest from typing
    answer("Cancel", seen)
    close()
    qtbot.waitUntil(lambda: len(seen) == 1)
    assert "cannot be saved: YAML" in seen[0]
    assert configure.yaml.editor.toPlainText() == "model: ["
    assert window.isVisible()
    answer("Give it up", seen)
    close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert configure.yaml.editor.toPlainText().startswith("name:")
