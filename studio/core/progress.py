"""The events of a run folded into its present state and its curves; everything on screen is read from here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from studio.core.events import (
    Answered,
    Evaluated,
    Failed,
    Finished,
    Notice,
    Obeyed,
    Phase,
    Prepared,
    Replied,
    Resumed,
    Saved,
    Step,
)
from studio.core.steps import Steps, Told

_STEPPING = ("training", "evaluating", "answering", "saving")
Happening = Notice | Resumed | Obeyed | Replied | Failed | Finished
State = Literal["waiting", "queued", "preparing", "training", "paused", "finished", "failed"]


@dataclass(slots=True)
class Progress:
    """What is known of a run after the events applied so far.

    Attributes:
        state: what the events say; whether a process still works on it is the run lock's to say (`Run.alive`).
        steps: every optimizer step in order, those computed again after a resume replaced.
        evaluations: every evaluation in order, likewise.
        answered: the answers to the user's prompts in order, those of one step once.
        replied: the answers to questions that were put to it meanwhile in order, also of steps it went back from.
        happened: what it told besides numbers in order, also what it went back from.
        obeyed: every command obeyed in order, but learning rates that a later command made void.
    """

    state: State = "waiting"
    phase: Phase | None = None
    prepared: Prepared | None = None
    steps: Steps = field(default_factory=Steps)
    evaluations: list[Evaluated] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    replied: list[Replied] = field(default_factory=list)
    saved: list[Saved] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    obeyed: list[Obeyed] = field(default_factory=list)
    finished: Finished | None = None
    failed: Failed | None = None

    @property
    def step(self) -> int:
        """The last optimizer step done."""
        if self.steps:
            return self.steps[-1].step
        return self.resumed[-1].step if self.resumed else 0

    @property
    def notices(self) -> list[Notice]:
        """What it gave notice of."""
        return [event for event in self.happened if isinstance(event, Notice)]

    @property
    def best(self) -> Evaluated | None:
        """The evaluation of lowest loss that counted."""
        return next((item for item in reversed(self.evaluations) if item.best), None)

    @property
    def base(self) -> Evaluated | None:
        """The evaluation before anything was learned; None: there was none."""
        return next((item for item in self.evaluations if item.step == 0), None)

    @property
    def complete(self) -> bool:
        """Whether it has done all it was to do; one that was stopped can go on."""
        return self.finished is not None and self.finished.outcome != "stopped"

    def state_of(self, alive: bool) -> str:
        """Returns what the run is doing, in one word; `alive`: whether a process works on it, which no event says."""
        if alive:
            # What has ended was another process; the one there now has told nothing yet.
            return "preparing" if self.state in ("finished", "failed") else self.state
        if self.finished is not None:
            return self.finished.outcome
        return "failed" if self.failed is not None else "interrupted"

    def apply(self, event: Told) -> None:
        """Folds in one event, or steps beside each other; they come in the order of the file."""
        if isinstance(event, Happening):
            self.happened.append(event)
        match event:
            case Phase():
                self.phase = event
                if event.name not in _STEPPING:
                    self.state = "queued" if event.name == "queued" else "preparing"
                elif self.state != "paused":  # a paused run saves and evaluates when asked, and stays paused
                    self.state = "training"
            case Prepared():
                self.prepared = event
            case Step():
                self.state = "training"
                self.steps.append(event)
            case Steps():
                self.state = "training"
                self.steps.extend(event)
            case Evaluated():
                self.evaluations.append(event)
            case Answered():
                self.answered = [item for item in self.answered if item.step < event.step] + [event]
            case Replied():
                self.replied.append(event)
            case Saved():
                self.saved.append(event)
            case Obeyed():
                self._obey(event)
            case Resumed():
                self._rewind(event)
            case Finished():
                self.state, self.finished = "finished", event
            case Failed():
                self.state, self.failed = "failed", event

    @property
    def learning_rates(self) -> list[tuple[int, float]]:
        """The learning rates set behind steps; a run that goes back repeats them at the same steps."""
        return [(item.step, float(item.command["learning_rate"])) for item in self.obeyed if _sets_rate(item)]

    def _obey(self, event: Obeyed) -> None:
        if _sets_rate(event):
            # A new rate takes the place of one at its step, and after going back of those set at later steps before.
            self.obeyed = [item for item in self.obeyed if item.step < event.step or not _sets_rate(item)]
        self.obeyed.append(event)
        if event.command.get("kind") == "pause":
            self.state = "paused"
        elif event.command.get("kind") == "continue":
            prepares = self.phase is not None and self.phase.name not in _STEPPING
            self.state = "preparing" if prepares else "training"

    def _rewind(self, event: Resumed) -> None:
        """Forgets what was told of the steps that are computed again."""
        self.resumed.append(event)
        self.state, self.finished, self.failed = "preparing", None, None
        self.steps.cut(event.step)
        self.evaluations = [item for item in self.evaluations if item.step <= event.step]
        self.answered = [item for item in self.answered if item.step <= event.step]


def folded(told: Iterable[Told], progress: Progress | None = None) -> Progress:
    """Returns what is known after events, in the order of their file, and behind what is known already."""
    progress = progress or Progress()
    for event in told:
        progress.apply(event)
    return progress


def _sets_rate(event: Obeyed) -> bool:
    return event.command.get("kind") == "set_learning_rate"
