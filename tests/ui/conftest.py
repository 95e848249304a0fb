"""The real window, for the tests of its pages."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui.app import open_window
from studio.ui.theme import Theme
from studio.ui.window import MainWindow

# A loaded machine is no failure, and what is waited for ends a wait at once.
for wait in (QtBot.waitUntil, QtBot.waitSignal, QtBot.waitSignals, QtBot.waitCallback, QtBot.waitExposed):
    wait.__kwdefaults__ = {**(wait.__kwdefaults__ or {}), "timeout": 60_000}


@pytest.fixture
def theme(qtbot: QtBot, qapp: QApplication) -> Iterator[Theme]:
    """The light theme, for widgets that are shown without a window."""
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> Iterator[MainWindow]:
    """A window that is open; whatever runs it started are killed behind it."""
    made = open_window(qapp)
    qtbot.waitExposed(made)
    yield made
    for model in made.session.running():
        model.end_process(kill=True)
    made._closing = True
    made.close()
    made.deleteLater()
    qapp.processEvents()
    qapp.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
