"""A newcomer's way through the real window with no manual: at most ten clicks, each on something that can be seen."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QListWidget, QMenu, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from studio.core import library, runs
from studio.ui import jobs
from studio.ui.app import open_window
from studio.ui.pages.compare import ComparePage
from studio.ui.pages.data import DataPage
from studio.ui.pages.library import LibraryPage
from studio.ui.pages.train import TrainPage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
ROOT = Path(__file__).resolve().parents[2]
QUESTION = "This is Ravi. I ordered a yellow pillow, order 92082. It has a big crack."


class Newcomer:
    """Clicks only what is in sight, and counts."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.clicks = 0

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        at = at or widget.rect().center()
        assert widget.isVisible()
        assert widget.isEnabled()
        # What lies at this place of the screen must be the widget itself, not something over it.
        window = widget.window()
        hit = window.childAt(widget.mapTo(window, at)) or window
        assert hit is widget or widget.isAncestorOf(hit), f"{hit} lies over {widget}"
        self.clicks += 1
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)

    def button(self, text: str) -> QAbstractButton:
        (found,) = (
            made
            for made in self.window.findChildren(QAbstractButton)
            if made.isVisible() and text in (made.text().strip(), made.accessibleName())
        )
        return found

    def press(self, text: str) -> None:
        self.click(self.button(text))

    def choose(self, button: str, entry: str) -> None:
        """Opens a button's menu and clicks an entry of it: two clicks."""
        made = self.button(button)
        assert isinstance(made, QToolButton)
        menu: QMenu = made.menu()

        def pick() -> None:
            action = next(action for action in menu.actions() if action.text() == entry)
            self.click(menu, menu.actionGeometry(action).center())

        QTimer.singleShot(200, pick)
        self.click(made)


def test_from_the_first_start_to_two_answers_in_ten_clicks(window: MainWindow, qtbot: QtBot) -> None:
    me = Newcomer(window)
    window.resize(1280, 720)
    me.press("Data")
    data = window.page("data")
    assert isinstance(data, DataPage)
    files = data.findChild(QListWidget)
    assert isinstance(files, QListWidget)
    me.click(files.viewport(), files.visualItemRect(files.item(0)).center())
    qtbot.waitUntil(lambda: data.table_model.rowCount() == 800)
    assert data.table_model.index(0, 1).data()
    me.press("Train on this")
    draft = window.session.draft
    assert draft.value("data.path") == str(demo_data())
    assert draft.value("model.path") == "demo"
    me.press("Quick")
    me.press("Start training")
    train = window.page("train")
    assert isinstance(train, TrainPage)
    model = train.view.model
    assert model is not None
    qtbot.waitUntil(lambda: len(model.curves["loss"]) >= 3 and train.view.curves.currentIndex() == 3, timeout=120_000)
    assert train.view.curves.plots["loss"].raw.x[0] == 1
    me.choose("Stop", "Stop and save the adapter")
    qtbot.waitUntil(lambda: not model.alive, timeout=120_000)
    me.press("Library")
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    (entry,) = library.entries()
    assert page.entry() == entry
    me.press("Compare it with its base")
    compare = window.page("compare")
    assert isinstance(compare, ComparePage)
    assert window.focusWidget() is compare.prompt
    compare.panel.numbers["max_new_tokens"].setValue(24)
    QTest.keyClicks(compare.prompt, QUESTION)
    me.press("Run")
    qtbot.waitUntil(lambda: not compare.running, timeout=120_000)
    # So few steps need not have changed the answer.
    assert [bool(shown.text) and shown.answer is not None for shown in compare.columns] == [True, True]
    assert me.clicks <= 10, me.clicks


_WINDOW = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from studio.ui.app import open_window
from studio.ui.session import demo_data
app = QApplication(["studio"])
window = open_window(app)
window.session.draft.apply({"data.path": str(demo_data()), "training.max_steps": 5000, "data.max_length": 256,
                            "training.per_device_train_batch_size": 1}, "test")
model = window.session.start(window.session.draft.config())
timer = QTimer()
timer.timeout.connect(lambda: model.progress.step >= 3 and (print(model.run.name, flush=True), timer.stop()))
timer.start(20)
app.exec()
"""


def test_a_window_that_is_killed_leaves_the_run_going_and_the_next_one_has_its_whole_curve(
    qtbot: QtBot, qapp: QApplication
) -> None:
    with subprocess.Popen([sys.executable, "-c", _WINDOW], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            run = runs.find(process.stdout.readline().strip(), exact=True)
        finally:
            process.kill()
    worker = jobs.owner(run)
    assert worker is not None
    before = run.progress().step
    second = open_window(qapp)
    try:
        qtbot.waitUntil(lambda: run.path.resolve() in second.session.models)
        model = second.session.models[run.path.resolve()]
        qtbot.waitUntil(lambda: model.progress.step > before + 2)
        assert model.alive
        steps = model.curves["loss"].x.tolist()
        assert steps == list(range(1, len(steps) + 1))
        second.session.run_wanted.emit(run)
        page = second.page("train")
        assert isinstance(page, TrainPage)
        qtbot.waitUntil(lambda: page.view.curves.currentIndex() == 3)
        assert page.view.curves.plots["loss"].raw.x[0] == 1
        page.view.stop.trigger()
        qtbot.waitUntil(lambda: not model.alive)
        assert model.state() == "stopped"
    finally:
        _end(worker)
        second.close()
        second.deleteLater()
        qapp.processEvents()


def _end(worker: psutil.Process) -> None:
    if worker.is_running():
        worker.kill()
        deadline = time.monotonic() + 60
        while worker.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
