"""The dialog of the disk's space: what is ticked goes, what is chosen comes back, and nothing else is touched."""

import pytest
from PySide6.QtCore import QProcess, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from studio import paths
from studio.core import library, run_queue
from studio.ui.pages.library import LibraryPage
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


def test_the_window_can_be_closed_while_it_looks(window: MainWindow, qtbot: QtBot) -> None:
    SpaceDialog(window.session, window).open()
    (dialog,) = window.findChildren(SpaceDialog)
    assert dialog._command is not None
    process = dialog._command._process
    with qtbot.waitSignal(dialog.destroyed):
        window.close()
    assert not window.isVisible()
    assert not isValid(process) or process.state() == QProcess.ProcessState.NotRunning


def test_what_is_at_work_goes_on_behind_a_closed_dialog_and_is_told(window: MainWindow, qtbot: QtBot) -> None:
    for title in ("one", "two"):
        library.remove(made(title))
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    dialog = opened(window, qtbot)
    dialog.trash.setCurrentRow(1)
    dialog.restore.click()
    shut(dialog, qtbot)
    qtbot.waitUntil(lambda: [entry.title for entry in page.table_model.items] == ["one"])
    dialog = opened(window, qtbot)
    library.restore("two")
    dialog.trash.setCurrentRow(0)
    dialog.restore.click()
    shut(dialog, qtbot)
    qtbot.waitUntil(lambda: any("in the trash" in text for text in window.notices.texts()))
    qtbot.waitUntil(lambda: len(page.table_model.items) == 2)


def test_what_was_done_before_a_failure_is_seen(window: MainWindow, qtbot: QtBot) -> None:
    done, going = run_with_state("completed"), run_with_state(None)
    library.remove(made("letters"))
    (paths.cache_dir() / "tokens" / "a").mkdir(parents=True)
    (paths.cache_dir() / "tokens" / "a" / "ids").write_bytes(b"x" * 500)
    run_queue.enter([going], waits=False)
    dialog = opened(window, qtbot)
    for part in dialog.parts.values():
        part.click()
    with going.claim():
        dialog.free.click()
        qtbot.waitUntil(lambda: dialog._command is None)
    assert "need the cache" in dialog.fault.text()
    assert not state_of(done).exists()
    assert (dialog.sizes["states"].text(), dialog.trash.count()) == ("0 B", 0)
    assert [part for part, made in dialog.parts.items() if made.isChecked()] == ["cache"]
    shut(dialog, qtbot)


def test_return_in_the_trash_brings_back_and_removes_nothing_for_good(window: MainWindow, qtbot: QtBot) -> None:
    done = run_with_state("completed")
    for title in ("one", "two " * 60):
        library.remove(made(title))
    dialog = opened(window, qtbot)
    dialog.parts["states"].click()
    for left in (1, 0):
        dialog.trash.setFocus()
        dialog.trash.setCurrentRow(0)
        QTest.keyClick(dialog.trash, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: dialog._command is None)
        assert len(library.entries()) == 2 - left
        assert dialog.trash.count() == left
    assert state_of(done).exists()
    shut(dialog, qtbot)


def test_a_long_title_gives_way_in_its_middle(window: MainWindow, qtbot: QtBot) -> None:
    library.remove(made("two " * 60))
    dialog = opened(window, qtbot)
    item = dialog.trash.item(0)
    assert dialog.trash.visualItemRect(item).width() <= dialog.trash.viewport().width()
    assert item.toolTip() == item.text()
    shut(dialog, qtbot)
