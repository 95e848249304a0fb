"""Runs that somebody else begins or goes on with while the window is open, as the Train page shows them."""

import shutil
from contextlib import nullcontext
from dataclasses import replace

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.core import events
from studio.core.runs import Run
from studio.ui.models import glance
from studio.ui.pages.run_view import RunView
from studio.ui.window import MainWindow
from tests.ui.test_run_view import page_of, shown, told_run
from tests.ui.told import finished, made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def steered(view: RunView) -> tuple[bool, bool]:
    """Whether the run can be stopped, and whether it can go on."""
    return view.head.stop_button.isVisible(), view.head.resume_button.isVisible()


def test_a_run_that_others_go_on_with_is_followed_again(window: MainWindow, qtbot: QtBot) -> None:
    run, page = made_run("told"), page_of(window)
    stopped = replace(finished(2), outcome="stopped", adapter="mine")
    tell(run, prepared(4), step(1, 2.0), step(2, 1.5), stopped)
    view = shown(window, qtbot, run)
    model = window.session.model_of(run)
    assert steered(view) == (False, True)
    notices = list[str]()
    window.session.noticed.connect(lambda notice: notices.append(notice.text))
    with run.claim():
        page._refresh()
        qtbot.waitUntil(lambda: steered(view) == (True, False))
        assert (model.state(), page.table.items[0].state) == ("preparing", "preparing")
        page._refresh()  # looked at again while it is followed, it is not read anew
        tell(run, events.Resumed(step=2, checkpoint="step-2"), step(3, 1.2), step(4, 1.0))
        qtbot.waitUntil(lambda: model.progress.step == 4)
        assert window.session.running() == [model]
        assert notices == []
        tell(run, replace(finished(4), adapter="mine"))
    qtbot.waitUntil(lambda: not model.alive)
    assert model.state() == "completed"
    for _ in range(2):
        with run.claim():  # nothing is made of it
            page._refresh()
            qtbot.waitUntil(lambda: model.alive)
        qtbot.waitUntil(lambda: not model.alive)
    assert list(model.curves["loss"].x) == [1, 2, 3, 4]
    assert notices == ["The run is done: the adapter mine is in the library."]


def test_an_earlier_end_is_not_told_of_where_a_run_goes_on_and_dies(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("told")
    tell(run, prepared(4), step(1, 2.0), replace(finished(1), outcome="stopped", adapter="mine"))
    notices = list[str]()
    window.session.noticed.connect(lambda notice: notices.append(notice.text))
    with run.claim():
        model = window.session.model_of(run)
        qtbot.waitUntil(lambda: (model.state(), model.progress.step) == ("preparing", 1))
    qtbot.waitUntil(lambda: not model.alive)
    assert model.state() == "stopped"
    assert notices == []


def test_a_run_that_went_on_unseen_is_shown_as_far_as_it_got(window: MainWindow, qtbot: QtBot) -> None:
    run, page = made_run("told"), page_of(window)
    tell(run, prepared(4), step(1, 2.0))
    view = shown(window, qtbot, run)
    tell(run, events.Resumed(step=1, checkpoint="step-1"), step(2, 1.5), finished(2))
    page._refresh()
    qtbot.waitUntil(lambda: view.head.state.text() == "Completed")
    assert page.table.items[0].state == "completed"
    worker = window.session.model_of(run)._worker
    page._refresh()
    assert window.session.model_of(run)._worker is worker


def test_a_run_begun_by_a_command_is_followed_once_its_process_has_it(window: MainWindow, qtbot: QtBot) -> None:
    page, runs_begun = page_of(window), [made_run("one"), made_run("two")]
    page._refresh()
    chosen = page.view.model
    assert chosen is not None
    qtbot.waitUntil(lambda: chosen.behind() is False and page.view.head.state.text() == "Interrupted")
    with runs_begun[0].claim(), runs_begun[1].claim():
        page._refresh()
        qtbot.waitUntil(lambda: steered(page.view) == (True, False))
        assert {model.run for model in window.session.running()} == set(runs_begun)
    qtbot.waitUntil(lambda: not window.session.running())
    for run in runs_begun:
        assert glance(run).state == "interrupted"


def test_a_run_that_is_moved_away_or_left_is_not_followed_again(window: MainWindow, qtbot: QtBot) -> None:
    run, moved, page = told_run("left"), told_run("moved"), page_of(window)
    for each in (moved, run):
        shown(window, qtbot, each)
    shutil.rmtree(moved.path)
    for _ in range(3):
        page._refresh()
        QTest.qWait(20)
    assert [item.run for item in page.table.items] == [run]
    assert page.view.model is window.session.model_of(run)
    window.session.close()
    tell(run, step(5, 1.0))
    assert not window.session.model_of(run).behind()
    with run.claim():
        window.session.attach_all()
    assert window.session.running() == []


@pytest.mark.parametrize("mended", ["resumed", "removed"])
def test_a_failure_is_not_told_of_any_more_once_it_is_seen_to(window: MainWindow, qtbot: QtBot, mended: str) -> None:
    run = made_run("told")
    tell(run, prepared(4), step(1, 2.0), events.Failed(reason="disk", message="The disk is full.", hint="Free some."))
    model = shown(window, qtbot, run).model
    window.show_page("library")
    window.session.run_failed.emit(model)
    window.session.runs_changed.emit()
    assert window.notices.texts() == ["told failed: The disk is full."]
    if mended == "removed":
        shutil.rmtree(run.path)
    with run.claim() if mended == "resumed" else nullcontext():
        window.session.runs_changed.emit()
    assert window.notices.texts() == []


@pytest.mark.parametrize("page", ["train", "library"])
def test_a_failure_is_told_of_where_it_is_not_shown(window: MainWindow, qtbot: QtBot, page: str) -> None:
    run, failed = made_run("told"), events.Failed(reason="disk", message="The disk is full.", hint="Free some.")
    tell(run, prepared(4), step(1, 2.0), replace(failed, message="An old one."))
    with run.claim():
        view = page_of(window).view
        page_of(window)._refresh()
        qtbot.waitUntil(lambda: steered(view) == (True, False))
        window.show_page(page)
        tell(run, events.Resumed(step=1, checkpoint="step-1"), failed)
    model = window.session.model_of(run)
    qtbot.waitUntil(lambda: not model.alive)
    assert model.state() == "failed"
    assert window.notices.texts() == ([] if page == "train" else ["told failed: The disk is full."])
    for show in window.notices.findChildren(QPushButton):
        if show.text() == "Show":
            show.click()
    assert page_of(window).isVisible()
    qtbot.waitUntil(lambda: view.failure.what.text() == "The disk is full.")
    assert window.notices.texts() == []


def test_an_earlier_failure_is_not_told_of_again(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("told")
    tell(run, prepared(4), step(1, 2.0), events.Failed(reason="disk", message="The disk is full.", hint="Free some."))
    with run.claim():
        model = window.session.model_of(run)
        qtbot.waitUntil(lambda: model.known and model.alive)
    qtbot.waitUntil(lambda: not model.alive)
    assert window.notices.texts() == []


def test_a_full_fine_tuning_that_is_done_is_told_of(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("whole")
    tell(run, prepared(2), step(1, 2.0))
    with run.claim():
        model = window.session.model_of(run)
        qtbot.waitUntil(lambda: model.known and model.alive)
        tell(run, step(2, 1.0), replace(finished(2), path="model"))
    qtbot.waitUntil(lambda: not model.alive)
    assert window.notices.texts() == ["whole is done: its model lies in the run folder."]
    window.notices.findChildren(QPushButton)[0].click()
    assert page_of(window).view.model is model


def test_a_run_that_was_only_looked_on_and_is_killed_says_so(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("told")
    tell(run, prepared(4), step(1, 2.0))
    (run.path / "worker.log").write_text("its last words\n", encoding="utf-8")
    with run.claim():
        view = shown_alive(window, qtbot, run)
    qtbot.waitUntil(view.failure.isVisible)
    assert "ended without a word" in view.failure.what.text()
    assert view.failure.remedy.text() == "Resume the run"
    assert "its last words" in view.failure._detail.toPlainText()
    assert view.head.state.text() == "Failed"
    told = run.progress().failed
    assert told is not None
    assert told.killed, "whoever looks later is told the same"


def test_one_that_is_killed_while_it_is_loaded_again_says_so(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("told")
    tell(run, prepared(4), step(1, 2.0), events.Failed(reason="disk", message="The disk is full.", hint="Free some."))
    with run.claim():
        tell(run, events.Phase(name="loading"))
        view = shown_alive(window, qtbot, run)
    qtbot.waitUntil(lambda: "ended without a word" in view.failure.what.text())


@pytest.mark.parametrize("keep", [True, False])
def test_one_that_was_asked_to_end_has_said_enough(window: MainWindow, qtbot: QtBot, keep: bool) -> None:
    run = made_run("told")
    tell(run, prepared(4), step(1, 2.0))
    with run.claim():
        view = shown_alive(window, qtbot, run)
        tell(run, events.Obeyed(step=1, command={"kind": "stop", "keep": keep}), events.Phase(name="saving"))
        tell(run, events.Saved(step=1, path="p", size_bytes=3), events.Phase(name="training"))
    model = window.session.model_of(run)
    qtbot.waitUntil(lambda: not model.alive)
    # With its result kept it would have told that it is finished.
    assert (model.progress.failed is not None) == keep
    qtbot.waitUntil(lambda: view.head.state.text() == ("Failed" if keep else "Interrupted"))


def shown_alive(window: MainWindow, qtbot: QtBot, run: Run) -> RunView:
    page = page_of(window)
    window.session.run_wanted.emit(run)
    model = window.session.model_of(run)
    qtbot.waitUntil(lambda: model.known and model.alive)
    return page.view
