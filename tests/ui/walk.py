"""Walks the whole window: every page, every state of it that a stack or a tab holds, and every dialog."""

import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QStackedWidget, QTabWidget, QWidget

from studio.core import events, library, runs
from studio.core.config import DataSpec, RunConfig
from studio.ui.crash import CrashDialog
from studio.ui.finder import Finder, Shortcuts
from studio.ui.pages.data import DataPage
from studio.ui.pages.export import ExportDialog
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.core.test_library import added

Holder = QStackedWidget | QTabWidget


def furnish(folder: Path) -> None:
    """Puts a failed run and two adapters where the window finds them."""
    run = runs.create(RunConfig(name="short", data=DataSpec(path=str(demo_data()))))
    for step in range(1, 9):
        told = events.Step(
            step=step, epoch=0.1, loss=2.0 / step, learning_rate=1e-3, grad_norm=1.0, tokens=9, trained_tokens=4,
            step_s=0.1, tokens_per_s=90.0, memory_bytes=10**9, eta_s=3.0
        )  # fmt: skip
        run.emit(told)
    run.emit(events.Failed(reason="memory", message="Memory ran out.", hint="Try again later.", detail="all of it"))
    added(folder, "first", metrics={"loss": 1.5, "eval_loss": 1.25, "step": 9}, base=library.Base(path="demo"))
    added(folder, "second", 2.0)


def everywhere(window: MainWindow) -> Iterator[tuple[str, QWidget]]:
    """Shows every page in every state and then every dialog; yields what it is called, and what is on top."""
    yield from ((where, window) for where in pages(window))
    yield from ((type(dialog).__name__, dialog) for dialog in dialogs(window))


def pages(window: MainWindow) -> Iterator[str]:
    """Shows every page in every state, and yields what it is called."""
    activate(window)
    window.session.settings.all_fields = True  # those that few ask for too
    for action in window.page_actions:
        action.trigger()
        QApplication.processEvents()
        yield from _states(window.page(window.session.settings.page), action.text())


def dialogs(window: MainWindow) -> Iterator[QDialog]:
    """Opens every dialog in turn."""
    window.page("library")
    data = window.page("data")
    assert isinstance(data, DataPage)
    for make in (
        lambda: Finder(window.all_actions(), window),
        lambda: Shortcuts(window.shortcuts(), window),
        lambda: ExportDialog(window.session, library.entries()[0], window),
        lambda: CrashDialog(window),
        lambda: data.menu.asking.split([]),
    ):
        made: QDialog = make()
        made.open()
        activate(made)
        yield made
        made.close()
        made.deleteLater()
        QCoreApplication.processEvents()


def activate(top: QWidget) -> None:
    """Waits until keys go to a window; Qt's own wait is content while a dialog before it still has the focus."""
    top.activateWindow()
    deadline = time.monotonic() + 60
    while QApplication.activeWindow() is not top and time.monotonic() < deadline:
        QTest.qWait(10)
    assert QApplication.activeWindow() is top


def _states(root: QWidget, name: str) -> Iterator[str]:
    stacks = _outermost(root)
    yield name
    for at, stack in enumerate(stacks):
        before = stack.currentIndex()
        for index in range(stack.count()):
            stack.setCurrentIndex(index)
            QApplication.processEvents()
            inner = stack.widget(index)
            assert inner is not None
            if index != before or _outermost(inner):
                yield from _states(inner, f"{name}/{at}.{index}")
        stack.setCurrentIndex(before)
        QApplication.processEvents()


def _outermost(root: QWidget) -> list[Holder]:
    """Returns the stacks and tabs in `root` that lie in no other one."""
    found: list[Holder] = []
    for child in root.children():
        if isinstance(child, QStackedWidget | QTabWidget):
            found.append(child)
        elif isinstance(child, QWidget):
            found += _outermost(child)
    return found
