"""Core objects with signals: a run that is followed, and the table of all runs. No widgets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QObject, Qt, Signal

from studio.core import events
from studio.core.errors import StudioError
from studio.core.progress import Progress
from studio.core.runs import Run, title_of
from studio.core.steps import Steps, Told
from studio.core.units import moment, moment_in_brief
from studio.ui import jobs, words
from studio.ui.curves import Curve
from studio.ui.jobs import TrainingWorker
from studio.ui.parts import as_tip
from studio.ui.tables import NOWHERE, Index

SAID, LOSS, WHEN = (Qt.ItemDataRole.UserRole + number for number in (1, 2, 3))
_SMOOTHING = 0.6
_STEP_BYTES = 250  # a step takes more
CURVES = ("loss", "learning_rate", "grad_norm", "tokens_per_s", "reward_accuracy")
# What no process works on; it changes only with the file of events.
_ABOUT = "run.json"
_ENDED = ("completed", "early_stopped", "stopped", "failed", "interrupted")


class RunModel(QObject):
    """A run folded from its events as they come.

    Attributes:
        title: what the run is called.
        progress: what the events say.
        curves: one for each of `CURVES`, and `eval_loss`; what a run does not tell of stays empty.
        alive: whether a process works on the run, as far as is known.
        lived: whether one did since this window looks at the run.
        known: whether all is read that it had told when it was attached to.

    Signals:
        advanced: events were folded in, or the run began or ended.
        stopped: the run's process has gone.
        finished: the run's process has gone and had come to an end, told once; carries the `events.Finished`.
        failed: likewise, and the run had failed; carries the `events.Failed`.
        refused: a `StudioError`: the process could not be started.
    """

    advanced = Signal()
    stopped = Signal()
    finished = Signal(object)
    failed = Signal(object)
    refused = Signal(object)

    def __init__(self, run: Run, parent: QObject | None = None) -> None:
        """Knows nothing yet; `attach` or `start` fills it."""
        super().__init__(parent)
        self.run = run
        self.title = title_of(run)
        self.progress = Progress(steps=Steps(jobs.SHOWN))
        columns = self.progress.steps.columns
        smoothing = {"loss": _SMOOTHING}
        self.curves = {name: Curve(smoothing.get(name), columns["step"], columns[name]) for name in CURVES}
        self.curves["eval_loss"] = Curve(None)
        self.alive = False
        self.asked_stop = self.asked_pause = False
        self.lived = self.known = False
        self._worker: TrainingWorker | None = None
        self._starts = False
        # The ends that are no news, and what the file of events was like when the following came to its own end.
        self._endings: tuple[events.Finished | None, events.Failed | None] = None, None
        self._left_at: tuple[int, int] | None = None

    def attach(self) -> None:
        """Reads all there is, and goes on following while a process works on the run."""
        self.alive = self.lived = self.run.alive()
        self.asked_stop = self.asked_pause = False
        self._follow(start=False)

    def behind(self) -> bool:
        """Whether the run goes on, or has gone on, since it was followed to its end: then it is to be attached to."""
        return self._left_at is not None and (self._left_at != _stamp(self.run.events_path) or self.run.alive())

    def start(self, *, queued: bool = False) -> None:
        """Starts or resumes the run's process and follows it; with `queued` it waits for its turn."""
        self.alive, self.lived = True, True
        self.asked_stop = self.asked_pause = False
        self._follow(start=True, queued=queued)

    def leave(self) -> None:
        """Follows no longer; the run goes on by itself."""
        self._left_at = None
        if self._worker is not None:
            self._worker.leave()
            self._worker.deleteLater()
            self._worker = None

    def ask(self, command: events.Command) -> None:
        """Asks the run's process for something."""
        self.run.ask(command)
        self.asked_stop = self.asked_stop or isinstance(command, events.Stop)
        if isinstance(command, events.Pause | events.Continue):
            self.asked_pause = isinstance(command, events.Pause)
        self.advanced.emit()

    def end_process(self, kill: bool) -> bool:
        """Terminates the process, which still writes a checkpoint, or kills it; False if there is none."""
        return self._worker is not None and self._worker.signal_process(kill)

    def state(self) -> str:
        """What the run is doing, in one word."""
        told = self.progress
        if self.alive:
            return "stopping" if self.asked_stop else "pausing" if self.asked_pause else told.state
        return told.state_of(alive=False)

    def is_left(self) -> bool:
        """Whether nobody works on it, and it is there."""
        return self.run.path.is_dir() and not self.run.alive()

    def held(self) -> bool:
        """Whether the run is paused, or will be as soon as it has read that it is to be."""
        return self.asked_pause or self.progress.state == "paused"

    def can_resume(self) -> bool:
        """Whether the run can go on from its last checkpoint."""
        return not self.alive and not self.progress.complete

    def _follow(self, *, start: bool, queued: bool = False) -> None:
        self.leave()
        self.progress = Progress(steps=self.progress.steps)
        self._go_back(0)
        self.progress.steps.reserve(_stamp(self.run.events_path)[1] // _STEP_BYTES)
        self._starts = start
        self._worker = TrainingWorker(self.run, start=start, queued=queued, parent=self)
        self._worker.lives.connect(self._live)
        self._worker.received.connect(self._receive)
        self._worker.ended.connect(self._end)
        self._worker.refused.connect(self._refuse)
        self._worker.caught_up.connect(self._begin)
        self._worker.start()
        self.advanced.emit()

    def _is_of_another(self) -> bool:
        """Whether the signal at hand was on its way when its worker was left: its events are read anew."""
        return self.sender() not in (None, self._worker)

    def _live(self) -> None:
        if self._is_of_another():
            return
        self.alive = self.lived = True
        self.advanced.emit()

    def _begin(self) -> None:
        if self._is_of_another():
            return
        self.known = True
        if not self.alive:
            return
        told = self.progress
        # What was told before is of a process that has gone; the new one says nothing until its libraries are loaded.
        self._endings = told.finished, told.failed
        began = told.steps or told.prepared is not None
        if (began and self._starts and told.state != "queued") or told.state in ("finished", "failed"):
            told.state, told.phase = "preparing", None
        self.advanced.emit()

    def _receive(self, batch: list[Told]) -> None:
        if self._is_of_another():
            return
        for event in batch:
            self.progress.apply(event)
            if isinstance(event, events.Obeyed) and event.command.get("kind") == "pause":
                self.asked_pause = False
            if isinstance(event, events.Resumed):
                self._go_back(len(self.progress.steps))
        self._draw()
        self.advanced.emit()

    def _go_back(self, steps: int) -> None:
        self.progress.steps.keep(steps)
        for name in CURVES:
            self.curves[name].cut(steps)
        self.curves["eval_loss"].cut(len(self.progress.evaluations))

    def _draw(self) -> None:
        self.progress.steps.settle()
        for name in CURVES:
            self.curves[name].advance()
        done, scores = self.curves["eval_loss"], self.progress.evaluations
        new = scores[len(done) :]
        if new:
            done.extend(np.array([e.step for e in new], float), np.array([e.eval_loss for e in new], float))

    def _end(self, death: events.Failed | None) -> None:
        if self._is_of_another():
            return
        self.alive = False
        if death is not None:
            self.progress.apply(death)
        self._left_at = _stamp(self.run.events_path)
        before, self._endings = self._endings, (self.progress.finished, self.progress.failed)
        # Whoever hears of the end may attach again.
        fresh = [self.lived and end not in (None, old) for end, old in zip(self._endings, before, strict=True)]
        finished, failed = self._endings
        self.advanced.emit()
        self.stopped.emit()
        if fresh[0]:
            self.finished.emit(finished)
        if fresh[1]:
            self.failed.emit(failed)

    def _refuse(self, error: StudioError) -> None:
        # Where another process works on it, the worker tells so next.
        self.alive = self.lived = self._starts = False
        self.advanced.emit()
        self.refused.emit(error)


@dataclass(slots=True)
class Glance:
    """A run as the list shows it, without reading all of it.

    Attributes:
        stamp: tells whether its events are still the same, or of a damaged one what says what it is.
        place: among the runs that wait for their turn, 1 being the next; 0: it does not wait.
    """

    run: Run
    title: str
    created_s: float
    state: str
    step: int = 0
    loss: float | None = None
    stamp: tuple[int, int] = (0, 0)
    place: int = 0


def glance(run: Run) -> Glance:
    """Looks at the end of a run's events only."""
    stamp = _stamp(run.events_path)
    try:
        created_s: float = run.about().get("created_s", 0.0)
        alive = run.alive()
    except StudioError:
        return Glance(run, run.name, 0.0, "damaged", stamp=_stamp(run.path / _ABOUT))
    seen = Progress()
    for event in events.tail(run.events_path, events.Step):
        seen.apply(event)
    last = seen.steps[-1] if seen.steps else None
    loss = last.loss if last else None
    return Glance(run, title_of(run), created_s, seen.state_of(alive), seen.step, loss, stamp)


def _stamp(path: Path) -> tuple[int, int]:
    """Time and size of a file; 0: there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


class RunTable(QAbstractTableModel):
    """All runs, newest first, one column.

    `Qt.UserRole`: the `Glance`, `SAID`: what it does, `LOSS`: the last one, `WHEN` it began.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self.items: list[Glance] = []
        self._rows: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def refresh(self, found: Sequence[Run], waiting: Sequence[Run] = ()) -> None:
        """Shows the runs `found`, and reads again those that go on or have gone on since.

        Args:
            found: the runs.
            waiting: those of them that wait for their turn, the next first.
        """
        self._places = {run.name: at for at, run in enumerate(waiting, start=1)}
        found = self._in_turn(found)
        known = {item.run.name: item for item in self.items}
        if [run.name for run in found] != [item.run.name for item in self.items]:
            self.beginResetModel()
            self.items = [known.get(run.name) or glance(run) for run in found]
            self._rows = {item.run.name: row for row, item in enumerate(self.items)}
            self.endResetModel()
        for row, item in enumerate(self.items):
            damaged = item.state == "damaged"
            stamp = _stamp(item.run.path / _ABOUT if damaged else item.run.events_path)
            # One that has told nothing yet may be about to begin.
            begins = not damaged and not any(stamp) and item.run.alive()
            if item.state not in (*_ENDED, "damaged") or item.stamp != stamp or begins:
                self._put(row, glance(item.run))
            elif item.place != self._places.get(item.run.name, 0):
                self._put(row, item)

    def _in_turn(self, found: Sequence[Run]) -> list[Run]:
        """Puts those that wait in the order of their turns, the last first as the newest run is."""
        waiting = sorted((run for run in found if run.name in self._places), key=lambda run: -self._places[run.name])
        turns = iter(waiting)
        return [next(turns) if run.name in self._places else run for run in found]

    def living(self) -> list[Run]:
        """Returns the runs that a process worked on when they were last looked at."""
        return [item.run for item in self.items if item.state not in (*_ENDED, "damaged")]

    def update_run(self, model: RunModel) -> None:
        """Takes over what a followed run knows of itself."""
        row = self.row_of(model.run.name)
        item = self.items[row] if row >= 0 else None
        # One of a folder elsewhere may be called the same; one that is not read yet has nothing to say.
        if item is not None and (model.known or model.alive) and item.run.path.resolve() == model.run.path.resolve():
            steps = model.progress.steps
            loss = steps[-1].loss if steps else None
            self._put(row, replace(item, state=model.state(), step=model.progress.step, loss=loss))

    def row_of(self, name: str) -> int:
        """Returns the row of the run `name`; -1: none."""
        return self._rows.get(name, -1)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns the number of runs."""
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns 1."""
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Returns a run's title, the `Glance` of it, or its line: what it does and, apart, its loss."""
        item = self.items[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return item.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return words.listed((item.title, self._said(item), self._loss(item)))
        if role == SAID:
            return self._said(item)
        if role == LOSS:
            return self._loss(item)
        if role == WHEN:
            return moment_in_brief(item.created_s) if item.created_s else ""
        if role == Qt.ItemDataRole.ToolTipRole:
            made = moment(item.created_s)
            return as_tip("\n".join((item.title, item.run.name, made)))
        return None

    def _said(self, item: Glance) -> str:
        """Says what a run does or how it ended, and how far it got."""
        if item.place:
            return words.listed((words.state(item.state), self.tr("place {n}").format(n=f"{item.place:,}")))
        return words.listed((words.state(item.state), f"{self.tr('step')} {item.step:,}"))

    def _loss(self, item: Glance) -> str:
        return f"{self.tr('loss')} {item.loss:.3f}" if item.loss is not None else ""

    def _put(self, row: int, fresh: Glance) -> None:
        fresh = replace(fresh, place=self._places.get(fresh.run.name, 0))
        if self.items[row] != fresh:
            self.items[row] = fresh
            self.dataChanged.emit(self.index(row, 0), self.index(row, 0))
