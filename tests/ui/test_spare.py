"""One process waits ahead of the work, does it at once, is replaced, and never outlives the window."""

import json
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from studio.ui.jobs import Command
from studio.ui.pages.data import DataPage
from studio.ui.spare import Spare
from studio.ui.window import MainWindow


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "rows.jsonl"
    made.write_text("".join(json.dumps({"text": f"row {number}"}) + "\n" for number in range(9)))
    return made


def test_the_process_that_waits_does_the_work_and_is_replaced(qtbot: QtBot, file: Path) -> None:
    owner = QObject()
    spare = Spare(owner)
    spare._again.setInterval(10)
    assert spare.take(["data"]) is None
    spare.keep()
    first = psutil.Process(spare.process_id)
    command = Command(["data", "search", "--", str(file), "row 7"], owner, spare)
    with qtbot.waitSignal(command.done) as said:
        assert spare.process_id == 0
    assert said.args == [{"complete": True, "found": 1, "rows": 9}]
    qtbot.waitUntil(lambda: spare.process_id not in (0, first.pid))
    spare.keep()
    second = psutil.Process(spare.process_id)
    spare.close()
    assert spare.process_id == 0
    assert not psutil.pid_exists(second.pid) or second.status() == psutil.STATUS_ZOMBIE


def test_none_is_started_once_the_window_has_closed(window: MainWindow) -> None:
    window.close()
    window.session.spare.keep()
    assert not window.session.spare.process_id
    assert not window.build_next()


def test_a_process_that_died_is_not_handed_over(qtbot: QtBot, file: Path) -> None:
    owner = QObject()
    spare = Spare(owner)
    spare.keep()
    process = psutil.Process(spare.process_id)
    process.kill()
    qtbot.waitUntil(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    qtbot.wait(50)
    command = Command(["data", "index", str(file)], owner, spare)
    with qtbot.waitSignal(command.done) as said:
        pass
    assert said.args == [{"complete": True, "rows": 9}]
    spare.close()


def test_a_failure_is_told_and_a_cancel_ends_it(qtbot: QtBot, tmp_path: Path) -> None:
    owner = QObject()
    spare = Spare(owner)
    spare.keep()
    command = Command(["data", "index", str(tmp_path / "none.jsonl")], owner, spare)
    with qtbot.waitSignal(command.failed) as said:
        pass
    assert said.args is not None
    assert "none.jsonl" in said.args[0].message
    spare.keep()
    process = psutil.Process(spare.process_id)
    command = Command(["data", "index", str(tmp_path)], owner, spare)
    with qtbot.waitSignal(command.over):
        command.cancel()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    spare.close()


def test_the_window_reads_with_it_and_takes_it_along(qtbot: QtBot, window: MainWindow, file: Path) -> None:
    spare = window.session.spare
    spare.keep()
    process = psutil.Process(spare.process_id)
    window.open_path(file)
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 9)
    assert spare.process_id != process.pid
    spare.keep()
    waiting = psutil.Process(spare.process_id)
    window.session.close()
    assert not waiting.is_running() or waiting.status() == psutil.STATUS_ZOMBIE
