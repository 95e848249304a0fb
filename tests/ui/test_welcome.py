"""The welcome page and the status line: what they say of the machine, when they come, and what stays out of the way."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QThread
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.core import capacity, desk, settings
from studio.core.machine import Gpu, Machine
from studio.ui.app import open_window
from studio.ui.capacity_table import CapacityTable
from studio.ui.facts import Facts
from studio.ui.pages.train import TrainPage
from studio.ui.pages.welcome import WelcomePage
from studio.ui.theme import Theme
from studio.ui.watch import MachineWatch
from studio.ui.window import MainWindow
from tests.ui.told import made_run, prepared, step

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

PLAIN = Machine(
    processor="Some processor",
    threads=8,
    memory_bytes=32 * 10**9,
    free_memory_bytes=20 * 10**9,
    disk_free_bytes=500 * 10**9,
    driver="",
    gpus=(),
)
CARD = Gpu(name="NVIDIA Card", total_bytes=24 * 10**9, free_bytes=22 * 10**9, bfloat16=True)


def page_of(window: MainWindow) -> WelcomePage:
    page = window.page("welcome")
    assert isinstance(page, WelcomePage)
    return page


def test_it_greets_once_and_is_found_again_under_help(window: MainWindow, qapp: QApplication) -> None:
    assert window._stack.currentWidget() is window.page("welcome")
    assert not any(made.isChecked() for made in window._rail.values())
    QTest.mouseClick(window._rail["library"], Qt.MouseButton.LeftButton)
    window.close()
    assert settings.load().welcomed
    again = open_window(qapp)
    assert again._stack.currentWidget() is again.page("library")
    next(action for action in again.all_actions() if action.text() == "Welcome").trigger()
    assert again._stack.currentWidget() is again.page("welcome")
    again.close()
    assert settings.load().page == "library"
    again.deleteLater()
    qapp.processEvents()


def test_the_machine_is_told_at_once_and_the_rest_by_the_desk(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    qtbot.waitUntil(lambda: window.session.machine.latest is not None)
    found = window.session.machine.latest
    assert found is not None
    assert found.device in page.facts.values["device"].text()
    assert page.facts.values["torch"].text() == "Checking ..."
    qtbot.waitUntil(lambda: page.facts.values["torch"].text() != "Checking ...")
    assert "computes on" in page.facts.values["torch"].text()
    assert page.facts.values["hub"].text() == "Offline: models come from the cache; no token is stored."
    # Nobody has tried the network.
    page.facts.show_report({"checks": [], "hugging_face": {"offline": False, "token": True}})
    assert page.facts.values["hub"].text() == "Downloads are allowed; the connection was not tried; a token is stored."
    assert all(value.text() != "Checking ..." for value in page.facts.values.values())
    assert window.status.work.text() == "No job is running"


def test_whoever_goes_on_at_once_waits_for_no_check(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    assert page._resting.isActive()
    window.show_page("data")
    assert not page._resting.isActive()
    assert not page._asked
    assert window.session.desk.process_id == 0


def test_the_demo_is_one_click_away(window: MainWindow, qtbot: QtBot) -> None:
    QTest.mouseClick(page_of(window).demo, Qt.MouseButton.LeftButton)
    page = window.page("train")
    assert isinstance(page, TrainPage)
    assert window._stack.currentWidget() is page
    assert page.view.model is not None
    assert page.view.model.title == "demo"
    assert page.view.model.end_process(kill=True)
    qtbot.waitUntil(lambda: not window.session.running())


def test_a_failed_check_says_why(window: MainWindow) -> None:
    page = page_of(window)
    page.facts.show_failure(desk.Failed(id=1, reason="crash", message="It was killed.", hint="Try again."))
    assert page.facts.values["quantization"].text() == "It was killed."


def test_the_facts_of_a_card_and_of_none(qapp: QApplication) -> None:
    theme = Theme(qapp, "light")
    facts = Facts(theme)
    facts.show_machine(replace(PLAIN, gpus=(CARD,), driver="580.1"))
    assert facts.values["device"].text() == "NVIDIA Card"
    assert facts.values["memory"].text() == "22.0 GB of 24.0 GB free"
    assert facts.values["numbers"].text() == "bfloat16"
    assert facts._signs["device"].property("icon_name") == "check"
    facts.show_machine(PLAIN)
    assert "No NVIDIA card" in facts.values["device"].text()
    assert facts._signs["device"].property("icon_name") == "alert"
    theme.deleteLater()


def test_the_table_marks_what_fits_and_takes_back_what_does_not_work(qapp: QApplication) -> None:
    table = CapacityTable()
    table.show_machine(replace(PLAIN, gpus=(CARD,)))
    marks = {key: cell.property("verdict") for key, cell in table.cells.items()}
    assert marks[1.5e9, "lora"] == "fits"
    assert marks[14e9, "qlora"] == "tight"
    assert marks[70e9, "full"] == "no"
    for (parameters, method), cell in table.cells.items():
        assert marks[parameters, method] == capacity.verdict(parameters, method, replace(PLAIN, gpus=(CARD,)))
        lean, usual = capacity.needed_bytes(parameters, method, on_gpu=True)
        assert cell.text() == f"{lean / 1e9:,.0f} - {usual / 1e9:,.0f} GB"
    table.show_report({"checks": [{"name": "quantization", "ok": False}]})
    assert {table.cells[size, "qlora"].text() for size in capacity.SIZES} == {"not here"}
    assert table.cells[1.5e9, "lora"].property("verdict") == "fits"


def test_the_status_line_names_device_memory_and_disk(window: MainWindow) -> None:
    window.session.machine._take(replace(PLAIN, gpus=(CARD, CARD)))
    status = window.status
    assert status.device.text() == "NVIDIA Card and 1 more"
    assert status.memory.text() == "22.0 GB of 24.0 GB GPU memory free"
    assert status.disk.text() == "500 GB of disk free"
    window.session.machine._take(PLAIN)
    assert status.device.text() == "Some processor"
    assert status.memory.text() == "20.0 GB of 32.0 GB memory free"


def test_the_status_line_tells_of_runs_and_of_the_desk(window: MainWindow, qtbot: QtBot) -> None:
    window.show_page("data")
    model = window.session.model_of(made_run("letters"))
    with qtbot.waitSignal(model.stopped):
        pass
    model.alive = True
    window.session.runs_changed.emit()
    assert window.status.work.text() == "letters: preparing"
    model._receive([prepared(60), step(7, 1.0)])
    window.session.machine._take(PLAIN)
    assert window.status.work.text() == "letters: step 7 of 60"
    call = window.session.desk.ask(desk.Model())
    assert window.status.work.text() == "letters: step 7 of 60     Reading the model"
    with qtbot.waitSignal(call.ended):
        pass
    assert window.status.work.text() == "letters: step 7 of 60"
    model.alive = False


def test_the_watch_reads_outside_the_windows_thread_and_ends(qtbot: QtBot, home: Path) -> None:
    watch = MachineWatch()
    threads = []
    watch.seen.connect(lambda _: threads.append(QThread.currentThread()))
    with qtbot.waitSignal(watch.seen):
        watch.start()
    assert threads == [watch.thread()]
    assert watch.latest is not None
    watch.leave()
    assert not watch._thread.is_alive()
    MachineWatch().leave()
