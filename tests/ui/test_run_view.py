"""What the Train page shows of runs: curves or why there are none, the log, the list, removal and its undo."""

import math
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from studio.core import events, runs
from studio.ui import words
from studio.ui.canvas import Line
from studio.ui.models import RunTable
from studio.ui.pages.run_view import RunView
from studio.ui.pages.train import TrainPage, line
from studio.ui.window import MainWindow
from tests.ui.told import evaluated, finished, made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def page_of(window: MainWindow) -> TrainPage:
    window.show_page("train")
    page = window.page("train")
    assert isinstance(page, TrainPage)
    return page


def shown(window: MainWindow, qtbot: QtBot, run: runs.Run) -> RunView:
    page = page_of(window)
    worker = window.session.model_of(run)._worker
    assert worker is not None
    qtbot.waitUntil(worker.isFinished)
    QApplication.processEvents()
    window.session.run_wanted.emit(run)
    qtbot.waitUntil(lambda: not page.view._timer.isActive())
    return page.view


def drawn(line: Line) -> list[tuple[float, float]]:
    return list(zip(line.x.tolist(), line.y.tolist(), strict=True))


def seen(view: RunView) -> list[str]:
    return [made.text() for made in view.curves.findChildren(QLabel) if made.isVisible()]


def told_run(name: str = "told") -> runs.Run:
    run = made_run(name)
    losses = [2.0, 1.5, 1.2, 1.0]
    tell(run, prepared(4), *(step(number, loss) for number, loss in enumerate(losses, start=1)))
    tell(run, evaluated(2, 1.6, True), evaluated(3, 1.1, True), evaluated(4, 1.05, False), finished(4))
    return run


def test_a_run_without_steps_leaves_no_axes_of_the_one_before(window: MainWindow, qtbot: QtBot) -> None:
    view = shown(window, qtbot, told_run("full"))
    plots = view.curves.plots
    assert plots["loss"].isVisible()
    assert drawn(plots["loss"].raw) == [(1, 2.0), (2, 1.5), (3, 1.2), (4, 1.0)]
    bare = made_run("bare")
    tell(bare, prepared(9), events.Failed(reason="data", message="No row.", hint="Choose other data."))
    assert shown(window, qtbot, bare) is view
    assert view.curves.currentIndex() == 2
    assert not plots["loss"].isVisible()
    assert view.failure.what.text() == "No row."
    assert view.failure.remedy.text() == "Change the settings"
    view.show_run(None)
    assert view.curves.currentIndex() == 0
    assert view.failure.isHidden()
    assert not view.again.isEnabled()


def test_how_many_better_answers_are_preferred_is_shown_where_rows_have_two(window: MainWindow, qtbot: QtBot) -> None:
    plain = shown(window, qtbot, told_run("plain"))
    assert plain.curves.plots["reward_accuracy"].isHidden()
    assert plain.head.figures.values["preferred"].isHidden()
    run = made_run("preferring")
    rewards = [replace(step(n, 0.7 - n / 10), reward_accuracy=n / 4, reward_margin=0.1 * n) for n in (1, 2, 3)]
    tell(run, prepared(9), *rewards)
    view = shown(window, qtbot, run)
    plot = view.curves.plots["reward_accuracy"]
    assert plot.isVisible()
    assert drawn(plot.raw) == [(1, 0.25), (2, 0.5), (3, 0.75)]
    figure = view.head.figures.values["preferred"]
    assert (figure.isVisible(), figure.text()) == (True, "75%")
    assert "last step's rows" in figure.toolTip()
    assert "reward margin is 0.3." in figure.toolTip()
    tell(run, replace(evaluated(3, 0.5, True), reward_accuracy=0.6))
    shown(window, qtbot, run)
    qtbot.waitUntil(lambda: figure.text() == "60%")
    assert "evaluation rows at step 3" in figure.toolTip()
    # It stands beside the best evaluation's loss and is of the same.
    tell(run, replace(evaluated(6, 0.6, False), reward_accuracy=0.4))
    window.session.model_of(run).attach()
    qtbot.waitUntil(lambda: len(view.model.progress.evaluations) == 2 if view.model else False)
    view._refresh()
    assert figure.text() == "60%"
    head = shown(window, qtbot, told_run("another")).head
    assert head.figures.values["preferred"].isHidden()


def test_figures_that_have_no_room_give_way_and_are_told_in_the_tip(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("preferring")
    tell(run, prepared(9), evaluated(0, 2.31, False), replace(step(1, 0.7), reward_accuracy=0.25))
    figures = shown(window, qtbot, run).head.figures
    figures.resize(2000, figures.height())
    assert not any(made.isHidden() for made in figures.values.values())
    assert figures.toolTip() == ""
    told = []
    for width in range(800, 0, -1):
        figures.resize(width, figures.height())
        told.append(figures.toolTip())
    assert list(dict.fromkeys(told)) == [
        "",
        "Epoch: 0.01",
        "Epoch: 0.01\nPeak memory: 2.0 GB",
        "Epoch: 0.01\nPeak memory: 2.0 GB\nTokens / s: 9,001",
    ]
    assert [key for key, made in figures.values.items() if not made.isHidden()] == ["loss", "eval", "preferred"]


def test_how_a_run_is_computed_is_told_beside_its_speed(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("ways")
    plain = {"loss in chunks": "the head is trained too"}
    told = replace(prepared(9), threads=2, micro_batch_tokens=1024, plain=plain, activations="recomputed")
    tell(run, told, step(1, 2.0))
    tip = shown(window, qtbot, run).head.figures.values["speed"].toolTip()
    assert "threads: 2. Tokens at once: 1,024." in tip
    assert "Activations are computed again" in tip
    assert "Not taken: loss in chunks (the head is trained too)" in tip


@pytest.mark.parametrize("rows", [0, 40])
def test_only_a_run_that_has_rows_for_it_is_asked_to_evaluate(window: MainWindow, qtbot: QtBot, rows: int) -> None:
    run = made_run("told")
    tell(run, replace(prepared(9), eval_rows=rows))
    view = shown(window, qtbot, run)
    assert view.model is not None
    view.model.alive = True
    view._refresh()
    assert view.evaluate.isEnabled() == bool(rows)
    assert view.evaluate.toolTip() == ("Evaluate now" if rows else "The run has no evaluation rows.")
    menu = view.head.more_button.menu()
    assert view.evaluate in menu.actions()
    assert menu.toolTipsVisible()
    view.model.alive = False


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("outcome", get_args(events.Outcome))
def test_the_list_shows_the_loss_of_every_run_whole(
    window: MainWindow, qtbot: QtBot, qapp: QApplication, language: str, outcome: events.Outcome
) -> None:
    words.speak(qapp, language)
    run = made_run("told")
    tell(run, prepared(10_000), step(9_876, 2.3456), replace(finished(9_876), outcome=outcome))
    page = page_of(window)
    shown(window, qtbot, run)
    at = page.table.index(page.table.row_of(run.name), 0)
    font = QFont(page.list.font())
    font.setPixelSize(12)
    metrics, spoken, widths = QFontMetrics(font), at.data(Qt.ItemDataRole.AccessibleTextRole), list[int]()
    for size in (1280, 960):
        window.resize(size, 720)
        QTest.qWait(50)
        qtbot.waitUntil(lambda: not page.view.area.horizontalScrollBar().isVisible())
        widths.append(page.list.viewport().width() - 40)
        said, loss = line(at, metrics, widths[-1])
        assert loss.endswith(" 2.346")
        assert metrics.horizontalAdvance(said) + metrics.horizontalAdvance(loss) < widths[-1]
        assert len(said) > 5
        assert spoken.endswith(words.listed(("told", loss)).removeprefix("told"))
    assert widths[0] > widths[1]
    words.speak(qapp, "en")


def test_a_step_is_shown_whole_or_not_at_all(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("a long title, of which the end tells it apart from others, 1")
    tell(run, prepared(10_000), step(9_876, 2.3456))
    page = page_of(window)
    shown(window, qtbot, run)
    at = page.table.index(page.table.row_of(run.name), 0)
    assert at.data(Qt.ItemDataRole.ToolTipRole).startswith(f"{at.data()}\n{run.name}\n")
    metrics = QFontMetrics(page.list.font())
    said = {line(at, metrics, width)[0] for width in range(80, 400)}
    assert {"Interrupted, step 9,876", "Interrupted"} <= said
    assert not any("step" in text and not text.endswith("9,876") for text in said)


def test_a_run_that_is_to_pause_says_so_before_its_process_has_read_it(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("slow")
    tell(run, prepared(9))
    view = shown(window, qtbot, run)
    model = view.model
    assert model is not None
    model.alive = True
    view._refresh()
    view.pause.trigger()
    view._refresh()
    assert (model.state(), view.head.state.text()) == ("pausing", "Pausing")
    assert view.head.pause_button.text() == "Go on"
    view.pause.trigger()
    assert not model.held()
    view.pause.trigger()
    model._receive([events.Obeyed(step=0, command={"kind": "pause"})])
    view._refresh()
    assert (model.state(), view.head.said.text()) == ("paused", "Step 0 of 9")
    assert view.head.bar.maximum() == 9
    assert not view.curves.plots["loss"].isVisible()
    assert "It is paused" in seen(view)
    window.status._show_work()
    assert window.status.work.text() == "slow: Paused, step 0 of 9"
    model._receive([events.Obeyed(step=0, command={"kind": "continue"})])
    view._refresh()
    assert "It is getting ready" in seen(view)
    window.status._show_work()
    assert window.status.work.text() == "slow: step 0 of 9"
    assert view.head.pause_button.isEnabled()
    view.stop.trigger()
    view._refresh()
    assert [view.pause.isEnabled(), view.head.pause_button.isEnabled()] == [False, False], "it is to end"
    model.alive = False


def test_names_too_long_for_the_head_give_way_and_leave_the_rest(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(960, 600)
    run = made_run("long")
    tell(run, prepared(4), step(4, 1.0), replace(finished(4), adapter="x" * 300))
    head = shown(window, qtbot, run).head
    window.grab()
    card = head.rect()
    for made in (head.said, head.left):
        assert card.contains(made.geometry())
    assert head.said.width() == head.said.sizeHint().width()
    assert head.left.width() < head.left.sizeHint().width()
    assert head.left.toolTip() == head.left.text()
    bare = made_run("preparing")
    tell(bare, events.Phase(name="tokenizing", detail="/a folder/" * 60))
    head = shown(window, qtbot, bare).head
    model = window.session.model_of(bare)
    model.alive = True
    head.show_run(model)
    window.grab()
    assert card.contains(head.said.geometry())
    assert head.said.toolTip() == head.said.text()
    model.alive = False


def test_a_damaged_run_is_shown_by_its_name_and_what_is_wrong(window: MainWindow, qtbot: QtBot) -> None:
    sound, damaged = told_run("sound"), told_run("damaged")
    whole = (damaged.path / "run.json").read_bytes()
    (damaged.path / "run.json").write_text('{"config": ', encoding="utf-8")
    page = page_of(window)
    view = shown(window, qtbot, sound)
    page.list.setCurrentIndex(page.table.index(page.table.row_of(damaged.name), 0))
    assert view.model is None
    assert not view.isVisible()
    assert page.damage.isVisible()
    assert page._name.text() == damaged.name
    assert "is not a readable run folder" in page.damage.text()
    assert not any(action.isEnabled() for action in (view.stop, view.kill, view.resume, view.again))
    assert page.remove.isEnabled()
    assert page.table.items[page.table.row_of(damaged.name)].state == "damaged"
    page.list.setCurrentIndex(page.table.index(page.table.row_of(sound.name), 0))
    assert view.isVisible()
    assert view.model is window.session.model_of(sound)
    page.list.setCurrentIndex(page.table.index(page.table.row_of(damaged.name), 0))
    page.damage.setSelection(0, 7)
    page._refresh()
    assert page.damage.isVisible()
    assert len(page.damage.selectedText()) == 7, "what is being copied stays selected"
    (damaged.path / "run.json").write_bytes(whole)
    page._refresh()
    qtbot.waitUntil(lambda: page.table.items[page.table.row_of(damaged.name)].state == "completed")
    assert not page.damage.isVisible()
    assert view.model is window.session.model_of(damaged)


def test_a_run_is_removed_once_it_has_ended(window: MainWindow, qtbot: QtBot) -> None:
    run = told_run()
    page = page_of(window)
    view = shown(window, qtbot, run)
    model = window.session.model_of(run)
    assert page.remove.isEnabled()
    model.alive = True
    view._refresh()
    assert not page.remove.isEnabled()
    assert page.remove.toolTip() == "Stop the run first."
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    assert run.path.exists()
    assert window.notices.texts() == []
    model.alive = False
    view._refresh()
    assert page.remove.isEnabled()
    assert page.remove.toolTip() == page.remove.text()


def test_a_resumed_run_is_not_shown_to_train_before_it_does(window: MainWindow, qtbot: QtBot) -> None:
    run = told_run("again")
    model = shown(window, qtbot, run).model
    assert model is not None
    model.alive = True
    model._begin()
    assert (model.state(), model.progress.step) == ("preparing", 4)
    view = page_of(window).view
    view._refresh()
    assert (view.head.said.text(), view.head.left.text()) == ("Starting ...", "")
    model._receive([events.Resumed(step=2, checkpoint="step-2"), step(3, 1.2)])
    assert (model.state(), model.progress.step) == ("training", 3)
    model.alive = False


def test_evaluations_are_a_line_of_their_own_and_the_best_that_counts_has_a_star(
    window: MainWindow, qtbot: QtBot
) -> None:
    plot = shown(window, qtbot, told_run()).curves.plots["loss"]
    assert drawn(plot.evaluations) == [(2, 1.6), (3, 1.1), (4, 1.05)]
    # The one at step 4 was asked for by hand, which counts for nothing.
    assert drawn(plot.best) == [(3, 1.1)]
    assert plot._best_text.text() == "best 1.1000 at step 3"
    assert {name: made.text() for name, made in plot.legend.items()} == {
        "raw": "each step",
        "smooth": "smoothed",
        "evaluation": "evaluation",
    }
    assert all(made.isVisible() for made in plot.legend.values())
    for name in ("raw", "smooth"):
        QTest.mouseClick(plot.legend[name], Qt.MouseButton.LeftButton)
    assert not plot.raw.shown
    assert plot.evaluations.shown
    low, high = plot.canvas.range()[2:]
    assert 1.0 < low < 1.05
    assert 1.6 < high < 1.7


def test_the_head_says_what_the_base_scored(window: MainWindow, qtbot: QtBot) -> None:
    plain = shown(window, qtbot, told_run("without")).head.figures.values["eval"]
    assert (plain.text(), plain.toolTip()) == ("1.1000", "")
    begun, whole = made_run("begun"), made_run("whole")
    tell(begun, prepared(4), evaluated(0, 2.31, False), step(1, 2.0))
    assert shown(window, qtbot, begun).head.figures.values["eval"].text() == "2.31 \u2192 \u2013"
    tell(whole, prepared(4), evaluated(0, 2.31, False), step(1, 2.0), evaluated(1, 0.84, True), finished(1))
    view = shown(window, qtbot, whole)
    assert view.head.figures.values["eval"].text() == "2.31 \u2192 0.8400"
    assert view.head.figures.values["eval"].toolTip() == "Before training it was 2.3100."
    plot = view.curves.plots["loss"]
    assert drawn(plot.evaluations) == [(0, 2.31), (1, 0.84)]
    assert drawn(plot.best) == [(1, 0.84)]
    # The axis begins there too.
    assert plot.canvas.extent == (0, 1)


def test_a_run_without_evaluations_has_no_switch_for_them(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    tell(run, prepared(2), step(1, 2.0), step(2, 1.0), finished(2))
    plot = shown(window, qtbot, run).curves.plots["loss"]
    assert not plot.legend["evaluation"].isVisible()
    assert drawn(plot.best) == []


def test_the_logarithmic_axis_bears_a_loss_of_zero_and_one_that_is_no_number(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run()
    losses = [1.0, 0.0, math.nan, 0.1]
    tell(run, prepared(4), *(step(number, loss) for number, loss in enumerate(losses, start=1)), finished(4))
    plot = shown(window, qtbot, run).curves.plots["loss"]
    plot.set_log(True)
    window.grab()
    assert plot.canvas.log
    low, high = plot.canvas.range()[2:]
    assert low <= math.log10(0.1) < 0.0 <= high
    plot.set_log(False)
    window.grab()
    assert plot.canvas.range()[3] >= 1.0


def test_curves_are_not_drawn_while_nobody_sees_them_and_are_whole_when_they_do(
    window: MainWindow, qtbot: QtBot
) -> None:
    run = told_run()
    view = shown(window, qtbot, run)
    plot = view.curves.plots["loss"]
    window.show_page("data")
    before = drawn(plot.raw)
    model = window.session.models[run.path.resolve()]
    model._receive([step(5, 0.5)])
    qtbot.waitUntil(lambda: not view._timer.isActive())
    assert drawn(plot.raw) == before
    window.show_page("train")
    assert drawn(plot.raw)[-1] == (5, 0.5)


def test_smoothing_stays_as_chosen_from_run_to_run(window: MainWindow, qtbot: QtBot) -> None:
    first, second = told_run("a"), told_run("b")
    view = shown(window, qtbot, first)
    view.curves._smoothing.setCurrentIndex(0)
    shown(window, qtbot, second)
    assert window.session.models[second.path.resolve()].curves["loss"].smoothing == 0.0
    assert [loss for _, loss in drawn(view.curves.plots["loss"].smooth)] == [2.0, 1.5, 1.2, 1.0]


def test_the_log_is_read_while_it_is_looked_at_alone(window: MainWindow, qtbot: QtBot) -> None:
    run = told_run()
    log = run.path / "worker.log"
    log.write_text("first\n", encoding="utf-8")
    view = shown(window, qtbot, run)
    assert view.log.text.placeholderText() == "The run has printed nothing."
    assert not view.log._timer.isActive()
    assert view.log.text.toPlainText() == ""
    view.tabs.setCurrentWidget(view.log)
    assert view.log.text.toPlainText() == "first\n"
    with log.open("a", encoding="utf-8") as file:
        file.write("second\n")
    qtbot.waitUntil(lambda: "second" in view.log.text.toPlainText())
    view.tabs.setCurrentWidget(view.curves)
    assert not view.log._timer.isActive()


def test_a_removed_run_comes_back_by_ctrl_z(window: MainWindow, qtbot: QtBot) -> None:
    told_run("kept")
    gone = told_run("gone")
    page = page_of(window)
    shown(window, qtbot, gone)
    before = gone.events_path.read_bytes()
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: not gone.path.exists())
    assert [item.title for item in page.table.items] == ["kept"]
    assert page.view.model is not None
    assert page.view.model.title == "kept"
    assert "gone" in window.notices.texts()[-1]
    assert window.session.undo.undoText() == "remove the run gone"
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert gone.events_path.read_bytes() == before
    assert {item.title for item in page.table.items} == {"gone", "kept"}
    window.session.undo.redo()
    assert not gone.path.exists()


def test_a_run_that_is_going_is_not_removed_and_leaves_no_step(window: MainWindow, qtbot: QtBot) -> None:
    run = told_run()
    page = page_of(window)
    shown(window, qtbot, run)
    with run.claim():
        page.remove_run()
    assert run.path.exists()
    assert not window.session.undo.canUndo()
    assert "working on the run" in window.notices.texts()[-1]


def test_the_button_of_a_notice_takes_back_its_own_step_alone(window: MainWindow, qtbot: QtBot) -> None:
    run = told_run()
    page = page_of(window)
    shown(window, qtbot, run)
    acts = []
    window.session.noticed.connect(lambda notice: acts.append(notice.act))
    page.remove_run()
    window.session.draft.edit("adapter.r", 5)
    acts[0]()
    assert window.session.draft.value("adapter.r") == 5
    assert not run.path.exists()
    assert "Ctrl+Z" in window.notices.texts()[-1]
    window.session.undo.undo()
    acts[0]()
    assert run.path.exists()
    acts[0]()
    assert not window.session.undo.canUndo()


def test_the_list_looks_again_only_at_what_may_have_changed(home: Path, qapp: object) -> None:
    done, going = told_run("done"), made_run("going")
    tell(going, prepared(9), step(1, 2.0))
    table = RunTable()
    with going.claim():
        table.refresh(runs.listing())
        assert {item.title: item.state for item in table.items} == {"done": "completed", "going": "training"}
        tell(going, step(2, 1.5))
        before = table.items[table.row_of(done.name)]
        table.refresh(runs.listing())
        assert table.items[table.row_of(done.name)] is before
        assert table.items[table.row_of(going.name)].step == 2
    table.refresh(runs.listing())
    assert table.items[table.row_of(going.name)].state == "interrupted"
    (home / "runs" / "odd").mkdir()
    (home / "runs" / "odd" / "run.json").write_text("{}", encoding="utf-8")
    table.refresh(runs.listing())
    assert table.items[table.row_of("odd")].state == "damaged"
