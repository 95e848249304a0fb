"""The capsule of a run from the Train page: what is said before, and the file."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.core import runs
from studio.ui.models import RunModel
from studio.ui.pages.run_capsule import CapsuleDialog
from studio.ui.session import Notice
from studio.ui.window import MainWindow
from tests.training import config, trained
from tests.ui.test_run_view import shown
from tests.ui.told import finished, made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def dialog_of(window: MainWindow) -> CapsuleDialog:
    (found,) = window.findChildren(CapsuleDialog)
    return found


def test_it_says_what_will_be_in_the_file(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(2), step(1, 2.0), step(2, 1.0), finished(2))
    view = shown(window, qtbot, run)
    assert view.capsule.isEnabled()
    view.capsule.trigger()
    dialog = dialog_of(window)
    assert "(800 rows, 40 held back)" in dialog.said.text()
    assert "(2 steps)" in dialog.said.text()
    assert "The file will have about " in dialog.said.text()
    assert any("The weights of demo are not in it." in made.text() for made in dialog.findChildren(QLabel))
    dialog.reject()


def test_a_run_without_a_step_or_at_work_has_none(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(2))
    view = shown(window, qtbot, run)
    assert not view.capsule.isEnabled()
    other = made_run("other")
    tell(other, prepared(9), step(1, 2.0))
    view = shown(window, qtbot, other)
    assert view.capsule.isEnabled()
    assert isinstance(view.model, RunModel)
    view.model.alive = True
    view._refresh()
    assert not view.capsule.isEnabled()
    assert view.capsule.toolTip() == "Stop the run first."
    view.model.alive = False


def test_what_stands_against_it_is_told(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(2), step(1, 2.0))
    view = shown(window, qtbot, run)
    (run.path / "run.json").write_text("{")
    told: list[Notice] = []
    window.session.noticed.connect(told.append)
    view.capsule.trigger()
    assert not window.findChildren(CapsuleDialog)
    assert "is not a readable run folder" in told[-1].text


def test_the_file_is_made_behind_the_window(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    made = trained(config(tmp_path, rows=12, max_steps=1), tmp_path / "made")
    view = shown(window, qtbot, runs.find(str(made.path)))
    view.capsule.trigger()
    told: list[Notice] = []
    window.session.noticed.connect(told.append)
    dialog_of(window).write(tmp_path / "run.zip")
    qtbot.waitUntil(lambda: len(told) == 2, timeout=60_000)
    assert told[0].text == "The capsule of test is being made."
    assert told[1].text.startswith("The capsule of test is run.zip, ")
    assert (told[1].tone, told[1].action) == ("good", "Show the folder")
    with ZipFile(tmp_path / "run.zip") as archive:
        assert {"train.py", "run.json", "README.md"} < set(archive.namelist())
