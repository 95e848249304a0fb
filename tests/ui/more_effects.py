"""What the actions of the queue, of capsules and of the Compare page's ways to ask do, for the tests of all actions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtWidgets import QApplication, QInputDialog

from studio import paths
from studio.core import blind, events, run_queue
from studio.core.runs import Run
from studio.ui.pages.compare import BLIND, EVALUATION
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.mix import MixDialog
from studio.ui.pages.module_picker import ModulePicker
from studio.ui.pages.run_capsule import CapsuleDialog
from studio.ui.pages.several import SeveralDialog
from studio.ui.pages.space import SpaceDialog
from studio.ui.session import demo_data
from tests.core.test_blind import about, answered
from tests.ui.told import finished, made_run, tell
from tests.ui.world import World


@contextmanager
def queued(w: World, name: str) -> Iterator[Run]:
    """A run that waits, its process taken to be there, shown on the Train page."""
    run = made_run(name)
    run_queue.enter([run], waits=True)
    tell(run, events.Phase(name="queued", detail="another"))
    with run.claim():
        w.window.session.run_wanted.emit(run)
        model = w.window.session.model_of(run)
        w.qtbot.waitUntil(lambda: model.state() == "queued" and not w.train().view._timer.isActive())
        yield run
    with w.qtbot.waitSignal(model.stopped, raising=False):
        pass


def start_now(w: World) -> None:
    with queued(w, "waits") as run:
        w.do("Start it now")
        assert [place.waits for place in run_queue.listed()] == [False]
        assert run_queue.admit(run) is None


def shift(name: str) -> Callable[[World], None]:
    def act(w: World) -> None:
        other = made_run("other")
        with other.claim(), queued(w, "waits") as run:
            run_queue.arrive(other, waits=True)
            run_queue.move(run, 0 if name.startswith("Later") else 1)
            before = run_queue.queued()
            assert len(before) == 2
            w.do(name)
            assert run_queue.queued() == before[::-1]

    return act


def start_beside(w: World) -> None:
    with queued(w, "first") as first:
        run_queue.admit(first)
        w.window.session.draft.apply({"data.path": str(demo_data())}, "test")
        w.window.session.runs_changed.emit()
        w.do("Start beside the runs at work")
        model = w.train().view.model
        assert model is not None
        w.qtbot.waitUntil(lambda: model.state() == "preparing" and model.progress.phase is not None)
        with w.qtbot.waitSignal(model.stopped):
            model.end_process(kill=True)


def try_several(w: World) -> None:
    page = w.window.page("configure")
    assert isinstance(page, ConfigurePage)
    w.window.session.draft.apply({"data.path": str(demo_data())}, "test")
    w.do("Try several values of settings")
    (dialog,) = w.window.findChildren(SeveralDialog)
    assert dialog.isVisible()
    dialog.reject()


def choose_modules(w: World) -> None:
    page = w.window.page("configure")
    assert isinstance(page, ConfigurePage)
    w.window.show_page("configure")
    w.qtbot.waitUntil(lambda: page.summary.tree() is not None)
    w.do("Choose modules of the model")
    (dialog,) = w.window.findChildren(ModulePicker)
    assert dialog.isVisible()
    dialog.reject()


def keep_awake(w: World) -> None:
    w.do("Keep the computer awake while a run trains")
    assert not w.window.session.settings.keep_awake


def tell_on_the_desktop(w: World) -> None:
    w.do("Tell on the desktop that a run has ended")
    assert not w.window.session.settings.notify


def run_a_command(w: World) -> None:
    w.do("Run a command when a run ends")
    (dialog,) = w.window.findChildren(QInputDialog)
    assert dialog.isVisible()
    dialog.reject()


def refused_without_runs(name: str) -> Callable[[World], None]:
    def act(w: World) -> None:
        w.do(name)
        assert "No run is at work" in w.window.notices.texts()[-1]

    return act


def export_model(w: World) -> None:
    run = made_run("whole")
    tell(run, finished(3))
    (run.path / "model").mkdir()
    (run.path / "model" / "config.json").write_text("{}")
    w.window.session.run_wanted.emit(run)
    w.qtbot.waitUntil(lambda: w.train().view.export.isVisible())
    w.do("Export the model")
    (dialog,) = w.window.findChildren(ExportDialog)
    assert dialog.merged.isChecked()
    assert dialog.merged.text() == "The model as it is"
    dialog.reject()


def leave_on(w: World) -> None:
    note = paths.home() / "afterwards.json"
    note.write_text('{"action": "sleep"}')
    w.do("Leave the computer on when all runs are done")
    assert not note.exists()


def judged(w: World) -> blind.BlindTest:
    test = blind.create(about(contenders=2, prompts=2))
    for prompt in range(2):
        answered(test, prompt, "plain", "kind")
    w.window.show_page("compare")
    w.compare().show_mode(BLIND)
    w.compare().blind.open(test)
    QApplication.processEvents()
    return test


def judge(name: str, of: Callable[[blind.Pair], int]) -> Callable[[World], None]:
    def act(w: World) -> None:
        test = judged(w)
        pair = test.open_pairs()[0]
        w.do(name)
        assert blind.load(test.path).votes == {pair: of(pair)}

    return act


def take_back(w: World) -> None:
    test = judged(w)
    w.compare().blind.judge(1)
    w.do("Take the last vote back")
    assert blind.load(test.path).votes == {}


def mode(name: str, number: int) -> Callable[[World], None]:
    def check(w: World) -> None:
        w.compare().show_mode(int(not number))
        w.do(name)
        assert w.compare().mode == number

    return check


def mix(w: World) -> None:
    w.adapter("first")
    w.window.show_page("library")
    w.do("Mix adapters, or change the strength of one")
    (dialog,) = w.window.findChildren(MixDialog)
    assert dialog.isVisible()
    dialog.reject()


def train_further(w: World) -> None:
    w.adapter("first")
    w.window.show_page("library")
    w.do("Train the adapter further")
    assert w.shown() == "configure"
    assert w.window.session.draft.value("adapter.path") == "first"


def see_space(w: World) -> None:
    w.do("Disk space and trash")
    (dialog,) = w.window.findChildren(SpaceDialog)
    w.qtbot.waitUntil(lambda: dialog.sizes["runs"].text().endswith("B") and dialog._command is None)
    dialog.reject()


def save_capsule(w: World) -> None:
    w.told()
    w.do("Save as a run capsule")
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, CapsuleDialog)
    assert "(2 steps)" in dialog.said.text()
    dialog.close()


MORE: dict[str, Callable[[World], None]] = {
    "Start it now": start_now,
    "Earlier in the queue": shift("Earlier in the queue"),
    "Later in the queue": shift("Later in the queue"),
    "Start beside the runs at work": start_beside,
    "Try several values of settings": try_several,
    "Choose modules of the model": choose_modules,
    "Mix adapters, or change the strength of one": mix,
    "Train the adapter further": train_further,
    "Save as a run capsule": save_capsule,
    "Disk space and trash": see_space,
    "Keep the computer awake while a run trains": keep_awake,
    "Tell on the desktop that a run has ended": tell_on_the_desktop,
    "Run a command when a run ends": run_a_command,
    "Export the model": export_model,
    "Leave the computer on when all runs are done": leave_on,
    "Let it sleep when all runs are done": refused_without_runs("Let it sleep when all runs are done"),
    "Shut it down when all runs are done": refused_without_runs("Shut it down when all runs are done"),
    "Neither answer is better": judge("Neither answer is better", lambda pair: blind.TIE),
    "The left answer is better": judge("The left answer is better", lambda pair: pair.left),
    "The right answer is better": judge("The right answer is better", lambda pair: pair.right),
    "Take the last vote back": take_back,
    "Compare: side by side": mode("Compare: side by side", 0),
    "Compare: conversation": mode("Compare: conversation", 1),
    "Compare: token by token": mode("Compare: token by token", 2),
    "Compare: blind test": mode("Compare: blind test", BLIND),
    "Compare: evaluation": mode("Compare: evaluation", EVALUATION),
}
