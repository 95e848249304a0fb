"""What a run shows, on its page: cards with buttons that help."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.ui.pages import run_explained
from studio.ui.pages.run_view import RunView
from studio.ui.window import MainWindow
from tests.ui.told import evaluated, finished, made_run, prepared, step, tell

# The offscreen platform says this of every window with a least size.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")


TONES = ("Problem", "Note", "Good")


def texts(view: RunView) -> list[str]:
    return [made.text() for made in view.explained.findChildren(QLabel) if made.isVisible()]


def test_findings_are_cards_whose_buttons_help(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_explained, "_EVERY_MS", 20)
    run, session = made_run(), window.session
    leaps = {20: 40.0, 25: 40.0, 30: 40.0}
    steps = [step(at, 2.0) for at in range(1, 41)]
    tell(run, prepared(40), evaluated(0, 3.0, False))
    tell(run, *(replace(one, grad_norm=leaps.get(one.step, 1.0)) for one in steps))
    tell(run, evaluated(40, 1.0, True), finished(40))
    window.show_page("train")
    session.run_wanted.emit(run)
    view = window.findChild(RunView)
    assert isinstance(view, RunView)
    qtbot.waitUntil(lambda: view.model is not None and view.model.known)
    view.tabs.setCurrentWidget(view.explained)
    qtbot.waitUntil(lambda: [text for text in texts(view) if text in TONES] == list(TONES))
    assert [finding.tone for finding in view.explained.findings] == ["bad", "warn", "good"]
    first, second = view.explained.buttons
    assert (first.text(), second.text()) == (
        "New run with Learning rate: 0.0006",
        "New run with Learning rate: 0.0001",
    )
    first.click()
    assert session.draft.value("training.learning_rate") == pytest.approx(6e-4)
    session.page_wanted.emit("train")


def test_a_run_that_shows_nothing_yet_says_so(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(40), step(1, 2.0))
    window.show_page("train")
    window.session.run_wanted.emit(run)
    view = window.findChild(RunView)
    assert isinstance(view, RunView)
    view.tabs.setCurrentWidget(view.explained)
    qtbot.waitUntil(lambda: view.explained._none.isVisible())
    assert view.explained.findings == []
