"""What the pages share: settings, theme, undo, the draft, the followed runs, and how to tell the user something."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from studio import paths
from studio.core import config_file, hub_ids, run_queue, runs, settings
from studio.core.config import DataSpec, RunConfig
from studio.core.desk import Tokens
from studio.core.entry import Entry
from studio.core.errors import StudioError
from studio.core.pinned import is_copy
from studio.core.runs import Run
from studio.core.settings import Settings
from studio.ui import words
from studio.ui.desk import Desk
from studio.ui.draft import Draft
from studio.ui.jobs import Command, once
from studio.ui.parts import shown_keys
from studio.ui.spare import Spare
from studio.ui.theme import Theme
from studio.ui.watch import MachineWatch

if TYPE_CHECKING:
    from studio.core.events import Finished
    from studio.ui.models import RunModel

_RESTING_MS = 1000
_MOST_ENDED = 20  # runs that are kept in memory besides those that were at work
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell without stealing the focus; `tone` is `good`, `bad` or nothing.

    `holds` says whether it is still so; None: it is. `dismissed` is called if it is closed without the action.
    `detail` is what else there is to say of a failure, shown when asked for.
    """

    text: str
    tone: str = ""
    action: str = ""
    act: Callable[[], object] | None = None
    holds: Callable[[], bool] | None = None
    dismissed: Callable[[], object] | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows that alone are to be shown.

    Attributes:
        data: where they lie, and what they are taken for.
        rows: the source of each in a version, else 0, and its number there; in this order.
        title: what they are.
    """

    data: DataSpec
    rows: Sequence[tuple[int, int]]
    title: str


@dataclass(frozen=True, slots=True)
class GivenText:
    """A text to be looked at token by token on the Compare page.

    Attributes:
        text: what it is.
        title: its name.
        entries: adapters that are to read it; none: those chosen there.
        base: the base that is to, if no adapter is chosen there either; empty: that of the first adapter.
        unfinished: it is an answer that was broken off.
    """

    text: Tokens
    title: str
    entries: Sequence[Entry] = ()
    base: str = ""
    unfinished: bool = False


class Session(QObject):
    """The window's state, shared by its pages; they know each other only through it.

    Signals:
        noticed: a `Notice`.
        page_wanted: the key of a page.
        data_wanted: a data file, to be shown on the Data page.
        rows_wanted: rows of a data file (`Picked`), likewise.
        run_wanted: a `Run`, to be shown on the Train page.
        compare_wanted: a list of adapters (`Entry`) to be asked on the Compare page, or a `GivenText` to be read there.
        runs_changed: a run began, ended, or was removed.
        run_ended: the process of a run (`RunModel`) that was at work has gone.
        run_failed: likewise, and the run failed.
        forgotten: a `RunModel` that is followed no longer.
        library_changed: the adapter library is another one now.
        settled: no command of `command` is at work any more.
        failed: something could not be done, which is told.
    """

    noticed = Signal(object)
    page_wanted = Signal(str)
    data_wanted = Signal(Path)
    rows_wanted = Signal(object)
    run_wanted = Signal(object)
    compare_wanted = Signal(object)
    runs_changed = Signal()
    run_ended = Signal(object)
    run_failed = Signal(object)
    forgotten = Signal(object)
    library_changed = Signal()
    settled = Signal()
    failed = Signal()

    def __init__(self, theme: Theme, stored: Settings, parent: QObject | None = None) -> None:
        """Shares `theme` and `stored` settings."""
        super().__init__(parent)
        self.theme = theme
        self.settings = stored
        self._unreadable: dict[Callable[..., object], str] = {}
        self.undo = QUndoStack(self)
        self.draft = Draft(self.undo, stored.draft, self)
        self.desk = Desk(self)
        self.spare = Spare(self)
        self.machine = MachineWatch(self)
        self.models: dict[Path, RunModel] = {}
        self._at_work: set[RunModel] = set()
        self._commands: list[Command] = []
        self._unsaved = self._closed = False
        # Not only when the window closes: a system that shuts down, or a kill, closes none.
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_RESTING_MS)
        self._resting.timeout.connect(self.save)
        self.draft.changed.connect(self._resting.start)

    def tell(self, text: str, tone: str = "", action: str = "", act: Callable[[], object] | None = None) -> None:
        """Shows a notice."""
        self.noticed.emit(Notice(text, tone, action, act))

    def tell_error(self, error: StudioError) -> None:
        """Shows a failure in its two sentences, and offers its details."""
        self.noticed.emit(Notice(words.sentences(error), "bad", detail=error.detail))
        self.failed.emit()

    def read(self, read: Callable[[], list[_Found]]) -> list[_Found]:
        """Returns what a folder of the program holds; nothing while it cannot be read, which is told once."""
        try:
            found = read()
        except StudioError as error:
            if self._unreadable.get(read) != error.message:
                self._unreadable[read] = error.message
                self.tell_error(error)
            return []
        self._unreadable.pop(read, None)
        return found

    def push(self, step: QUndoCommand, said: str) -> None:
        """Does an undo step, and tells of it with a button that takes exactly this step back."""
        self.undo.push(step)
        at = self.undo.index()
        # A step that failed has told so itself and is deleted by now.
        if at and self.undo.command(at - 1) is step:
            self.tell_step(said)

    def tell_step(self, said: str) -> None:
        """Tells of the undo step just done, with a button that takes exactly this step back."""
        at = self.undo.index()
        step = self.undo.command(at - 1)

        def holds() -> bool:
            return self.undo.index() >= at and self.undo.command(at - 1) is step

        def back() -> None:
            if not holds():
                return
            if self.undo.index() == at:
                self.undo.undo()
            else:
                said = self.tr("Other changes were made since: {keys} takes them back, the latest first.")
                self.tell(said.format(keys=shown_keys("Ctrl+Z")))

        self.noticed.emit(Notice(said, "", self.tr("Undo"), back, holds))

    def step(self, *, back: bool, page: str) -> None:
        """Undoes the last step, or does the next one again; tells of it where it shows on another page than `page`.

        A step says where by its `page`; one that does not is of the Data page.
        """
        stack = self.undo
        step = stack.command(stack.index() - back)
        if step is None:
            return
        text, shows, count = step.text(), getattr(step, "page", "data"), stack.count()
        (stack.undo if back else stack.redo)()
        # A step that fails tells why itself, and is no longer there.
        if shows != page and stack.count() == count:
            self._tell_stepped(text, back, page)

    def _tell_stepped(self, text: str, back: bool, page: str) -> None:
        at = self.undo.index()
        said = self.tr("Undone: {what}.") if back else self.tr("Done again: {what}.")
        action = self.tr("Redo") if back else self.tr("Undo")
        opposite = partial(self.step, back=not back, page=page)
        self.noticed.emit(Notice(said.format(what=text), "", action, opposite, lambda: self.undo.index() == at))

    def command(self, words: Sequence[str]) -> Command:
        """Starts a `studio` command that writes what the user wants: the window does not close before it is over."""
        made = Command(words, self)
        self._commands.append(made)
        made.over.connect(lambda: self._settle(made))
        return made

    def keeps(self, then: Callable[[], object]) -> bool:
        """Whether a command is at work that the window has to wait for; if so, `then` is called once none is."""
        if self._commands:
            once(self.settled, then)
        return bool(self._commands)

    def save(self) -> None:
        """Writes the settings and the draft; that it fails is told of by a notice, once until it works again."""
        self._resting.stop()
        self.settings.draft = self.draft.values()
        failed_before, self._unsaved = self._unsaved, False
        try:
            settings.save(self.settings)
        except StudioError as error:
            self._unsaved = True
            if not failed_before:
                self.tell_error(error)

    def remember_data(self, path: Path) -> None:
        """Puts a data file at the head of the recent ones, but for a run's own copy, which is nobody's to edit."""
        if is_copy(path):
            return
        self.settings.recent_data = settings.remembered(self.settings.recent_data, str(hub_ids.placed(path)))
        self.save()

    def remember_model(self, path: str) -> None:
        """Puts a base model at the head of the recent ones."""
        if path != "demo":
            self.settings.recent_models = settings.remembered(self.settings.recent_models, path)
            self.save()

    def model_of(self, run: Run) -> "RunModel":
        """Returns the followed run, attaching to it at first."""
        place = run.path.resolve()
        found = self.models.pop(place, None)
        if found is None:
            self._forget_oldest()
            found = self._known(run)
            found.attach()
        self.models[place] = found  # the last one that was looked at
        return found

    def _forget_oldest(self) -> None:
        """Gives up runs that were looked at long ago: each holds all its steps in memory."""
        ended = [model for model in self.models.values() if not model.alive and not model.lived]
        for model in ended[: max(0, len(ended) - _MOST_ENDED + 1)]:
            self.forget(model.run)

    def start(self, config: RunConfig, *, queued: bool = False) -> "RunModel":
        """Makes a run of `config` and starts its process, with `queued` to wait for its turn.

        Raises:
            StudioError: the folder cannot be made.
        """
        return self.resume(runs.create(config), queued=queued)

    def start_several(self, configs: Sequence[RunConfig]) -> "list[RunModel]":
        """Makes runs of configs and starts their processes, which wait for their turns in this order; all or none.

        Raises:
            StudioError: a folder cannot be made, or the queue not be written.
        """
        models = [self._started(run, queued=True) for run in run_queue.prepare(configs)]
        self.runs_changed.emit()
        return models

    def start_demo(self) -> None:
        """Trains the built-in model on the built-in data, and shows the run."""
        try:
            model = self.start(config_file.load(demo_data().with_name("support.yaml"), ["name=demo"]), queued=True)
        except StudioError as error:
            self.tell_error(error)
            return
        self.run_wanted.emit(model.run)

    def resume(self, run: Run, *, queued: bool = False) -> "RunModel":
        """Starts or resumes the process of a run, with `queued` to wait for its turn."""
        found = self._started(run, queued=queued)
        self.runs_changed.emit()
        return found

    def _started(self, run: Run, *, queued: bool) -> "RunModel":
        found = self.models.get(run.path.resolve()) or self._known(run)
        found.start(queued=queued)
        return found

    def attach_all(self) -> None:
        """Follows every run that a process works on, such as those an earlier window left going."""
        if not self._closed:
            self.attach_again(run for run in self.read(runs.listing) if run.alive())
            self.runs_changed.emit()

    def offer_cut_off(self) -> None:
        """Offers to go on with the runs whose processes were killed, or ended by the machine, and with their queue."""
        cut = run_queue.cut_off()
        if not cut:
            return

        def go_on() -> None:
            for run in run_queue.cut_off():
                self._started(run, queued=True)
            self.runs_changed.emit()
            self.page_wanted.emit("train")

        def forget() -> None:
            for run in run_queue.cut_off():
                with suppress(StudioError):
                    run_queue.leave(run)

        said = self.tr("Cut off before the end: {names}.").format(names=words.some([runs.title_of(run) for run in cut]))
        # As a failure does, it stays until it is answered.
        self.noticed.emit(Notice(said, "bad", self.tr("Queue again"), go_on, dismissed=forget))

    def attach_again(self, living: Iterable[Run] = ()) -> None:
        """Follows the `living`, and again those runs that went on after their end, whoever had them do so."""
        for model in self.models.values():
            if model.behind():
                model.attach()
        for run in living:
            self.model_of(run)

    def running(self) -> "list[RunModel]":
        """Returns the runs a process works on."""
        return [model for model in self.models.values() if model.alive]

    def forget(self, run: Run) -> None:
        """Follows a run no longer."""
        found = self.models.pop(run.path.resolve(), None)
        if found is not None:
            found.leave()
            self.forgotten.emit(found)
            found.deleteLater()

    def close(self) -> None:
        """Follows no run any longer, ends the commands and stores the settings; the runs go on."""
        self._closed = True
        for command in list(self._commands):
            command.cancel()
        for model in self.models.values():
            model.leave()
        self.machine.leave()
        self.desk.close()
        self.spare.close()
        self.save()

    def _settle(self, command: Command) -> None:
        self._commands.remove(command)
        if not self._commands and not self._closed:
            self.settled.emit()

    def _known(self, run: Run) -> "RunModel":
        # numpy is loaded with the first run, not with the window.
        from studio.ui.models import RunModel

        found = self.models[run.path.resolve()] = RunModel(run, self)
        found.stopped.connect(lambda: self._end(found))
        found.finished.connect(lambda finished: self._finish(found, finished))
        found.failed.connect(lambda failed: self.run_failed.emit(found))
        found.refused.connect(self.tell_error)
        found.advanced.connect(lambda: self._make_room(found))
        return found

    def _make_room(self, model: "RunModel") -> None:
        """Has the desk give its models' memory back when a run begins its work."""
        # What is told before all is read, or behind that without a phase, is of a process that has gone.
        phase = model.progress.phase if model.known else None
        at_work = model.alive and phase is not None and phase.name != "queued"
        if at_work and model not in self._at_work:
            self._at_work.add(model)
            self.desk.release()
        elif not at_work:
            self._at_work.discard(model)

    def _end(self, model: "RunModel") -> None:
        # One that had ended before it was looked at has changed nothing.
        if model.lived:
            self.runs_changed.emit()
            self.run_ended.emit(model)

    def _finish(self, model: "RunModel", finished: "Finished") -> None:
        if finished.adapter:
            self.library_changed.emit()
            text = self.tr("The run is done: the adapter {name} is in the library.")
            if finished.is_model:
                text = self.tr("The run is done: the model {name} is in the library.")
            text = text.format(name=finished.adapter)
            self.tell(text, "good", self.tr("Show"), lambda: self.page_wanted.emit("library"))
        else:
            text = self.tr("{name} is done: its model lies in the run folder.").format(name=model.title)
            self.tell(text, "good", self.tr("Show"), lambda: self.run_wanted.emit(model.run))


def demo_data() -> Path:
    """Returns the built-in data file."""
    return paths.resources() / "demo" / "support.jsonl"
