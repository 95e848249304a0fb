"""The queue in the window: runs are added to it, shown with their places, moved, begun, and gone on with."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.core import events, run_queue
from studio.core.runs import Run
from studio.ui import words
from studio.ui.forms import declared_fields
from studio.ui.models import SAID
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.run_view import RunView
from studio.ui.pages.several import SeveralDialog, proposed
from studio.ui.pages.train import TrainPage
from studio.ui.session import Notice, demo_data
from studio.ui.window import MainWindow
from tests.core.test_run_queue import Machine, machine
from tests.ui.told import made_run, prepared, step, tell

__all__ = ["machine"]
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


def queued(machine: Machine, name: str, *told: events.Event) -> Run:
    run = made_run(name)
    run_queue.enter([run], waits=True)
    tell(run, *told)
    machine.hold(run)
    run_queue.arrive(run, waits=True)
    return run


@pytest.fixture
def three(machine: Machine) -> list[Run]:
    """One at work, and two that wait for it."""
    first = queued(machine, "first", prepared(4), step(1, 2.0))
    run_queue.admit(first)
    return [first, *(queued(machine, name, events.Phase(name="queued", detail=first.name)) for name in "ab")]


@pytest.fixture
def page(three: list[Run], window: MainWindow, qtbot: QtBot) -> Iterator[TrainPage]:
    """The Train page that follows them."""
    window.show_page("train")
    found = window.page("train")
    assert isinstance(found, TrainPage)
    found._refresh()
    qtbot.waitUntil(lambda: len([m for m in window.session.running() if m.state() == "queued"]) == 2)
    yield found
    for model in window.session.models.values():
        model.leave()
        model.alive = False  # no process of theirs is to be ended


def listed(page: TrainPage) -> dict[str, str]:
    page._refresh()
    return {item.title: page.table.index(at, 0).data(SAID) for at, item in enumerate(page.table.items)}


def shown(page: TrainPage, run: Run, qtbot: QtBot) -> RunView:
    page.list.setCurrentIndex(page.table.index(page.table.row_of(run.name), 0))
    qtbot.waitUntil(lambda: not page.view._timer.isActive())
    return page.view


def test_runs_that_wait_are_shown_with_their_places_and_can_be_moved(
    page: TrainPage, three: list[Run], window: MainWindow, qtbot: QtBot
) -> None:
    first, a, b = three
    assert listed(page) == {"first": "Training, step 1", "a": "Queued, place 1", "b": "Queued, place 2"}
    view = shown(page, b, qtbot)
    assert view.head.state.text() == words.state("queued")
    assert view.head.said.text() == "Waiting for first"
    first.emit(events.Obeyed(step=1, command={"kind": "pause"}))
    view.head.show_run(view.model)
    assert view.head.said.text() == "Waiting for first, which is paused"
    first.emit(events.Obeyed(step=1, command={"kind": "continue"}))
    view.head.show_run(view.model)
    assert not view.head.pause_button.isVisible()
    assert not view.pause.isEnabled()
    assert view.stop.text() == "Take it out of the queue"
    assert not view.kill.isVisible()
    assert "It waits for its turn" in [made.text() for made in view.curves.findChildren(QLabel) if made.isVisible()]
    view.earlier.trigger()
    assert run_queue.queued() == [b, a]
    assert listed(page)["b"] == "Queued, place 1"
    assert [item.title for item in page.table.items if item.place] == ["a", "b"], "the last stands first"
    assert view.model is page.view.model
    assert page.table.items[page.list.currentIndex().row()].title == "b", "it stays chosen"
    view.later.trigger()
    view.later.trigger()
    assert run_queue.queued() == [a, b]
    assert "2 runs wait" in window.status.work.text()


def test_one_that_waits_begins_at_once_if_asked(page: TrainPage, three: list[Run], qtbot: QtBot) -> None:
    view = shown(page, three[2], qtbot)
    assert view.head.now_button.isVisible()
    view.head.now_button.click()
    assert run_queue.admit(three[2]) is None
    first = shown(page, three[0], qtbot)
    assert not first.head.now_button.isVisible()
    assert not any(action.isEnabled() for action in (first.now, first.earlier, first.later))


def test_a_run_is_added_to_the_queue_or_started_beside_it(page: TrainPage, window: MainWindow, qtbot: QtBot) -> None:
    window.show_page("configure")
    form = window.page("configure")
    assert isinstance(form, ConfigurePage)
    window.session.draft.apply({"data.path": str(demo_data()), "model.path": "demo", "name": "queued one"}, "test")
    assert form.start_button.text() == "Add to the queue"
    assert form._begins.text() == "It begins when the 3 runs before it have ended."
    form.start_button.click()
    model = page.view.model
    assert model is not None
    assert model.title == "queued one"
    qtbot.waitUntil(lambda: model.state() == "queued")
    assert run_queue.queued()[-1] == model.run
    model.ask(events.Stop())
    with qtbot.waitSignal(model.stopped):
        pass
    assert model.progress.prepared is None
    qtbot.waitUntil(page.view.resume.isEnabled)
    form.beside_button.click()
    beside = page.view.model
    assert beside is not None
    assert beside is not model
    qtbot.waitUntil(lambda: beside.progress.phase is not None)
    assert beside.state() == "preparing", "it does not wait"
    assert beside.run in run_queue.there()
    with qtbot.waitSignal(beside.stopped):
        assert beside.end_process(kill=True)
    assert beside.run not in run_queue.there()
    assert run_queue.cut_off() == [], "the user had it killed"


def test_without_a_run_at_work_there_is_nothing_to_wait_for(window: MainWindow) -> None:
    window.show_page("configure")
    form = window.page("configure")
    assert isinstance(form, ConfigurePage)
    assert form.start_button.text() == "Start training"
    assert not form.beside_button.isVisible()
    assert not form.beside_action.isEnabled()
    assert not form._begins.isVisible()


def test_runs_that_were_cut_off_are_offered_and_go_on_in_their_order(
    machine: Machine, window: MainWindow, qtbot: QtBot
) -> None:
    told = list[Notice]()
    window.session.noticed.connect(told.append)
    window.session.offer_cut_off()
    assert told == []
    first, second = queued(machine, "first", prepared(4)), queued(machine, "second")
    run_queue.admit(first)
    for run in (second, first):
        machine.kill(run)
    window.session.offer_cut_off()
    assert told[0].text == "Cut off before the end: first, second."
    before = queued(machine, "before")
    run_queue.admit(before)
    assert told[0].act is not None
    told[0].act()
    models = [window.session.model_of(run) for run in (first, second)]
    qtbot.waitUntil(lambda: all(model.state() == "queued" for model in models))
    assert run_queue.queued() == [first, second]
    for model in models:
        with qtbot.waitSignal(model.stopped):
            model.ask(events.Stop())
    machine.end(before)
    qtbot.waitUntil(lambda: not window.session.running())


def test_what_goes_on_is_not_forgotten_with_the_notice(machine: Machine, window: MainWindow) -> None:
    told = list[Notice]()
    window.session.noticed.connect(told.append)
    first, second = queued(machine, "first"), queued(machine, "second")
    for run in (first, second):
        machine.kill(run)
    window.session.offer_cut_off()
    run_queue.enter([first], waits=True)
    machine.hold(first)
    run_queue.arrive(first, waits=True)
    assert told[0].dismissed is not None
    told[0].dismissed()
    assert (run_queue.queued(), run_queue.cut_off()) == ([first], [])


def test_several_values_are_tried_in_runs_of_their_own(page: TrainPage, window: MainWindow, qtbot: QtBot) -> None:
    window.show_page("configure")
    form = window.page("configure")
    assert isinstance(form, ConfigurePage)
    window.session.draft.apply({"data.path": str(demo_data()), "model.path": "demo", "name": "tried"}, "test")
    form.several_button.click()
    (dialog,) = window.findChildren(SeveralDialog)
    (_, rates), (setting, ranks) = dialog.settings[:2]
    assert rates.text() == "0.0001, 0.0002, 0.0004"
    setting.setCurrentIndex(setting.findData("adapter.r"))
    assert ranks.text() == "8, 16, 32"
    assert dialog.take.text() == "Queue 9 runs"
    assert dialog.names.text().endswith("and 5 more")
    ranks.setText("8, 0")
    assert not dialog.take.isEnabled()
    assert "`adapter.r`" in dialog.fault.text()
    rates.setText("0.3")
    ranks.setText("8, 4")
    assert dialog.names.text().splitlines() == ["tried learning_rate=0.3, r=8", "tried learning_rate=0.3, r=4"]
    dialog.take.click()
    assert page.view.model is not None
    assert page.view.model.title == "tried learning_rate=0.3, r=8"
    made = [model for model in window.session.running() if model.title.startswith("tried")]
    qtbot.waitUntil(lambda: all(model.state() == "queued" for model in made))
    assert [run.config().adapter.r for run in run_queue.queued()[-2:]] == [8, 4], "in their order"
    for model in made:
        with qtbot.waitSignal(model.stopped):
            model.ask(events.Stop())


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("adapter.r", 16, ["8", "16", "32"]),
        ("adapter.r", 1, ["1", "2"]),
        ("adapter.r", 1024, ["512", "1024"]),
        ("adapter.lora_dropout", 0.0, ["0"]),
        ("training.learning_rate", 0.0002, ["0.0001", "0.0002", "0.0004"]),
        ("adapter.use_rslora", False, ["false", "true"]),
        ("adapter.target_modules", "all-linear", ["all-linear"]),
        ("model.quantization", "none", ["none", "8bit", "nf4"]),
    ],
)
def test_values_near_the_present_one_are_proposed(key: str, value: object, expected: list[str]) -> None:
    spec = next(spec for spec in declared_fields() if spec.key == key)
    assert list(proposed(spec, value)) == expected
