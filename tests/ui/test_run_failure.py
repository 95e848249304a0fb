"""The card of a run that failed: its button does what its hint says."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.core import events, files, run_queue
from studio.core.errors import Reason
from studio.core.runs import Run
from studio.ui.pages.run_view import RunView
from studio.ui.window import MainWindow
from tests.ui.test_run_view import shown
from tests.ui.told import made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
MEMORY = events.Failed(reason="memory", message="Memory ran out.", hint="Do it.")
PREPARED = replace(prepared(9), micro_batch_tokens=2048, tokens_per_epoch=9 * 4096)
TRAINING = (events.Phase(name="loading"), PREPARED, events.Phase(name="training"))


def asked(run: Run) -> list[events.Command | None]:
    return [events.decode_command(line) for line in files.read_lines(run.commands_path)[0]]


def failed(window: MainWindow, qtbot: QtBot, *told: events.Event) -> tuple[Run, RunView]:
    run = made_run("told")
    tell(run, *told)
    return run, shown(window, qtbot, run)


def resumed(view: RunView, run: Run, qtbot: QtBot, by: QPushButton | None = None) -> list[events.Command | None]:
    """Presses a button of the card and returns what the run was asked, once it has a process."""
    (by or view.failure.remedy).click()
    model = view.model
    assert model is not None
    qtbot.waitUntil(lambda: run.alive() or not model.alive)
    found = asked(run)
    model.end_process(kill=True)
    qtbot.waitUntil(lambda: not model.alive)
    run_queue.leave(run)
    return found


def test_out_of_memory_goes_on_with_smaller_passes(window: MainWindow, qtbot: QtBot) -> None:
    run, view = failed(window, qtbot, *TRAINING, step(1, 2.0), MEMORY)
    assert view.failure.remedy.text() == "Resume with smaller passes"
    assert view.failure.settings.isVisible()
    assert not view.failure.rows.isVisible()
    assert resumed(view, run, qtbot) == [events.SaveMemory(micro_batch_tokens=1024)]


def test_a_model_that_does_not_fit_is_offered_smaller(window: MainWindow, qtbot: QtBot) -> None:
    _, view = failed(window, qtbot, events.Phase(name="loading"), MEMORY)
    assert view.failure.remedy.text() == "Use nf4 in a new run"
    assert not view.failure.settings.isVisible()
    before = window.session.draft.values()
    view.failure.remedy.click()
    assert window.page("configure").isVisible()
    assert window.session.draft.value("model.quantization") == "nf4"
    window.session.undo.undo()
    assert window.session.draft.values() == before, "one click is one step"


def test_a_run_that_diverged_goes_on_at_a_lower_rate(window: MainWindow, qtbot: QtBot) -> None:
    run, view = failed(window, qtbot, *TRAINING, step(1, 2.0), replace(MEMORY, reason="diverged"))
    assert view.failure.remedy.text() == "Resume at a rate of 0.0001"
    assert not view.failure.settings.isVisible(), "there is no room for four buttons"
    view.failure.rows.click()
    assert view.tabs.currentWidget() is view.rows
    assert view.rows.step.value() == 2
    rate = run.config().training.learning_rate
    assert resumed(view, run, qtbot) == [events.SetLearningRate(learning_rate=rate / 2)]


@pytest.mark.parametrize(("reason", "text"), [("disk", "Resume the run"), ("data", "Change the settings")])
def test_what_memory_and_rates_do_not_help_is_as_before(
    window: MainWindow, qtbot: QtBot, reason: Reason, text: str
) -> None:
    _, view = failed(window, qtbot, *TRAINING, replace(MEMORY, reason=reason))
    assert view.failure.remedy.text() == text
    assert not view.failure.settings.isVisible()


def test_one_that_was_killed_goes_on_with_smaller_passes_if_asked_to(window: MainWindow, qtbot: QtBot) -> None:
    run, view = failed(window, qtbot, *TRAINING, step(1, 2.0), replace(MEMORY, reason="run", killed=True))
    assert view.failure.remedy.text() == "Resume the run"
    assert view.failure.less.text() == "Resume with smaller passes"
    assert resumed(view, run, qtbot, view.failure.less) == [events.SaveMemory(micro_batch_tokens=1024)]
