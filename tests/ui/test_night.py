"""What the night needs, in the window: it is asked for, seen, told of in time, and called off."""

import json
import time
from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QInputDialog, QPushButton
from pytestqt.qtbot import QtBot

from studio import paths
from studio.core import afterwards, settings
from studio.ui.window import MainWindow
from tests.core.test_afterwards import system
from tests.core.test_run_queue import Machine, machine

__all__ = ["machine", "system"]
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


def do(window: MainWindow, name: str) -> None:
    next(action for action in window.all_actions() if action.text().startswith(name)).trigger()


def looks(window: MainWindow, qtbot: QtBot, condition: Callable[[], bool]) -> None:
    def seen() -> bool:
        window.night.look()
        return condition()

    qtbot.waitUntil(seen, timeout=30_000)


@pytest.mark.usefixtures("system")
def test_what_comes_after_the_runs_is_asked_for_told_in_time_and_called_off(
    machine: Machine, window: MainWindow, qtbot: QtBot
) -> None:
    run = machine.start()
    do(window, "Shut it down")
    assert window.notices.texts()[-1].startswith("The computer shuts down once no run")
    looks(window, qtbot, lambda: window.night.asked == afterwards.Asked("shutdown"))
    assert window.status.work.text().endswith("then the computer shuts down")
    do(window, "Let it sleep")
    looks(window, qtbot, lambda: window.night.asked == afterwards.Asked("sleep"))
    assert window.status.work.text().endswith("then the computer goes to sleep")
    machine.end(run)
    looks(window, qtbot, lambda: "goes to sleep in a minute" in window.notices.texts()[-1])
    leave = next(made for made in window.findChildren(QPushButton) if made.text() == "Leave it on")
    leave.click()
    looks(window, qtbot, lambda: window.night.asked is None)
    assert not any("in a minute" in text for text in window.notices.texts())
    assert window.status.work.text() == "No job is running"
    for process in window.night._seeing_to:
        process.wait(30)


def test_a_warning_goes_when_a_run_begins_meanwhile(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    (paths.home() / "afterwards.json").write_text('{"action": "shutdown"}')
    due = paths.home() / "afterwards-due.json"
    due.write_text(json.dumps(time.time() + 50))
    monkeypatch.setattr(afterwards, "_is_seen_to", lambda: True)
    window.night.look()
    assert "shuts down in a minute" in window.notices.texts()[-1]
    due.unlink()
    window.night.look()
    assert not window.notices.texts()
    assert next(action for action in window.all_actions() if action.text().startswith("Shut it")).isChecked()


def test_without_runs_it_is_refused_and_the_menu_says_so(window: MainWindow) -> None:
    do(window, "Let it sleep")
    assert "No run is at work" in window.notices.texts()[-1]
    assert next(action for action in window.all_actions() if action.text().startswith("Leave the")).isChecked()


def typed(window: MainWindow, text: str) -> None:
    do(window, "Run a command")
    dialog = window.findChildren(QInputDialog)[-1]
    dialog.setTextValue(text)
    dialog.accept()


def test_a_command_is_kept_unless_it_can_be_no_command(window: MainWindow) -> None:
    typed(window, " say 'all done' ")
    assert settings.load().when_ended == "say 'all done'"
    typed(window, "say 'all done")
    assert "quotation without an end" in window.notices.texts()[-1]
    assert settings.load().when_ended == "say 'all done'"
    typed(window, "")
    assert settings.load().when_ended == ""


def test_what_is_turned_off_stays_off(window: MainWindow) -> None:
    do(window, "Tell on the desktop")
    do(window, "Keep the computer awake")
    assert not settings.load().notify
    assert not settings.load().keep_awake
    do(window, "Tell on the desktop")
    assert settings.load().notify
