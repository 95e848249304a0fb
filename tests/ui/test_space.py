"""The dialog of the disk's space: what is ticked goes, what is chosen comes back, and nothing else is touched."""

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.core import library
from studio.ui.pages.space import SpaceDialog
from studio.ui.window import MainWindow
from tests.adapters import made
from tests.core.test_space import run_with_state, state_of

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def opened(window: MainWindow, qtbot: QtBot) -> SpaceDialog:
    SpaceDialog(window.session, window).open()
    (dialog,) = window.findChildren(SpaceDialog)
    assert not any(made.isEnabled() for made in (dialog.free, dialog.restore, dialog.remove))
    qtbot.waitUntil(lambda: dialog._command is None)
    return dialog


def shut(dialog: SpaceDialog, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dialog.destroyed):
        dialog.shut.click()


def test_what_is_ticked_is_freed(window: MainWindow, qtbot: QtBot) -> None:
    done, stopped = run_with_state("completed"), run_with_state("stopped")
    library.remove(made("letters"))
    dialog = opened(window, qtbot)
    assert {part: made.isEnabled() for part, made in dialog.parts.items()}["states"]
    assert dialog.sizes["states"].text() == "1.0 kB"
    dialog.parts["states"].click()
    assert dialog.free.text() == "Free 1.0 kB"
    dialog.free.click()
    qtbot.waitUntil(lambda: dialog._command is None)
    assert not state_of(done).exists()
    assert state_of(stopped).exists()
    assert not dialog.parts["states"].isEnabled()
    assert not dialog.parts["states"].isChecked()
    assert dialog.free.text() == "Free"
    assert dialog.trash.count() == 1, "what was not ticked stays"
    shut(dialog, qtbot)


def test_what_is_chosen_comes_back_or_goes_for_good(window: MainWindow, qtbot: QtBot) -> None:
    for title in ("one", "two", "three"):
        library.remove(made(title))
    dialog = opened(window, qtbot)
    assert [dialog.trash.item(at).text().split()[0] for at in range(3)] == ["three", "two", "one"]
    dialog.trash.setCurrentRow(2)
    with qtbot.waitSignal(window.session.library_changed):
        dialog.restore.click()
    qtbot.waitUntil(lambda: dialog._command is None and dialog.trash.count() == 2)
    assert [entry.title for entry in library.entries()] == ["one"]
    dialog.trash.setCurrentRow(1)
    dialog.remove.click()
    qtbot.waitUntil(lambda: dialog._command is None and dialog.trash.count() == 1)
    assert dialog.trash.item(0).text().startswith("three (adapter), removed ")
    dialog.parts["trash"].click()
    dialog.free.click()
    qtbot.waitUntil(lambda: dialog._command is None and not dialog.trash.isVisible())
    assert dialog.empty.isVisible()
    shut(dialog, qtbot)


def test_what_cannot_be_done_is_said(window: MainWindow, qtbot: QtBot) -> None:
    entry = made("one")
    library.remove(entry)
    dialog = opened(window, qtbot)
    library.restore("one")
    dialog.trash.setCurrentRow(0)
    dialog.restore.click()
    qtbot.waitUntil(lambda: dialog._command is None and bool(dialog.fault.text()))
    assert "in the trash" in dialog.fault.text()
    shut(dialog, qtbot)


def test_it_can_be_shut_while_it_looks(window: MainWindow, qtbot: QtBot) -> None:
    SpaceDialog(window.session, window).open()
    (dialog,) = window.findChildren(SpaceDialog)
    shut(dialog, qtbot)
    assert not window.findChildren(SpaceDialog)
    assert all(made.focusPolicy() for made in window.findChildren(QPushButton))
