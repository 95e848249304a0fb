"""Edits of a version that are asked for before a child is done with it: each an undo step at once, and none lost.

What is no longer shown goes on: the version is made to its end, and every edit that waits for it is done.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from studio.core.errors import StudioError
from studio.core.versions import recipe
from studio.core.versions.steps import Mend, Step
from studio.ui.jobs import Command
from studio.ui.session import Session


class Editor(Protocol):
    """Who does the edits."""

    def go(self, path: Path, cursor: int) -> bool:
        """Has `cursor` steps of a version count; returns whether they do."""

    def withdraw(self, edit: "Edit") -> None:
        """Does not do an edit that is not done yet, or no longer does it."""


class Edit(QUndoCommand):
    """Steps of a version as one step to undo, done when it is pushed or later; undone before that, they never are."""

    def __init__(self, editor: Editor, steps: Sequence[Step | Mend], title: str) -> None:
        """Does nothing by itself."""
        super().__init__(title)
        self.steps = list(steps)
        self._editor = editor
        self._done: tuple[Path, int, int] | None = None
        self._fresh = True

    def finish(self, path: Path, before: int, after: int) -> None:
        """The version at `path` has the steps now: as many counted `before`, and as many `after`."""
        self._done = (path, before, after)

    def redo(self) -> None:
        """Does them again; not when it is pushed."""
        if self._done is not None and not self._fresh:
            self.setObsolete(not self._editor.go(self._done[0], self._done[2]))
        self._fresh = False

    def undo(self) -> None:
        """Takes them back."""
        if self._done is not None:
            self.setObsolete(not self._editor.go(self._done[0], self._done[1]))
        else:
            self.setObsolete(True)
            self._editor.withdraw(self)


@dataclass(frozen=True, slots=True)
class Job:
    """What a child does.

    Attributes:
        command: the child.
        path: of the version that it makes or changes; None: the child names it.
        makes: whether the version is there only behind it.
        edit: what is done by it; None: no step is.
        alone: whether no edits may wait for it, as its version is not of what is shown.
        before: how many steps of the version counted before.
        goes_on: whether it is done to its end though another is shown and no edit waits for it.
    """

    command: Command
    path: Path | None = None
    makes: bool = False
    edit: Edit | None = None
    alone: bool = False
    before: int = 0
    goes_on: bool = False

    @property
    def lasts(self) -> bool:
        """Whether something would be lost if it were ended."""
        return self.makes or self.goes_on or self.edit is not None

    def settle(self, said: Mapping[str, Any]) -> Path:
        """The child is done and `said` so: its edit is done; returns the version's file.

        Raises:
            StudioError: (data) the version cannot be read.
        """
        path = self.path or Path(said["path"])
        if self.edit is not None:
            self.edit.finish(path, self.before, recipe.load(path).cursor)
        return path

    def take_back(self) -> None:
        """The child was ended: whether or not it came to write its steps, they do not count."""
        if self.path is not None and self.edit is not None and recipe.load(self.path).cursor != self.before:
            recipe.change(self.path, lambda said: said.at(self.before))


def drop(session: Session, edits: Sequence[Edit]) -> None:
    """Edits will not be done: no undo step is to be left of them."""
    for edit in edits:
        edit.setObsolete(True)
    sweep(session)


def sweep(session: Session) -> None:
    """Takes off the undo stack what lies on top and will not be done; what lies deeper goes when it is its turn."""
    while (at := session.undo.index()) and session.undo.command(at - 1).isObsolete():
        session.undo.undo()


def edit_command(path: Path, steps: Sequence[Step | Mend], run: Callable[[list[str]], Command]) -> Command:
    """Has `run` start the child that does steps to a version, which it reads from a file."""
    folder = TemporaryDirectory(prefix="studio-steps-", ignore_cleanup_errors=True)
    file = Path(folder.name) / "steps.json"
    file.write_text(json.dumps([recipe.plain(step) for step in steps]), encoding="utf-8")
    command = run(["data", "edit", str(path), f"@{file}"])
    # A method alone would not keep the folder for as long as the child reads from it.
    command.over.connect(lambda: folder.cleanup())
    return command


class Kept(QObject):
    """A version that is no longer shown while a child works on it, until all that waits for it is done.

    Signals:
        over: nothing more is done.
    """

    over = Signal()

    def __init__(self, session: Session, job: Job, waiting: Sequence[Edit], parent: QObject) -> None:
        """Takes the child and the edits over."""
        super().__init__(parent)
        self._session, self._waiting = session, list(waiting)
        self._closed = False
        self._follow(job)

    @property
    def path(self) -> Path | None:
        """The version's file, where it is known."""
        return self._job.path

    def withdraw(self, edit: Edit) -> bool:
        """Does not do an edit; False: it is none of these."""
        if edit in self._waiting:
            self._waiting.remove(edit)
            if not self._waiting and self._job.makes and self._job.edit is None:
                self._job.command.cancel()
        elif edit is self._job.edit:
            self._job.command.cancel()
        else:
            return False
        return True

    def add(self, edit: Edit) -> None:
        """Does one more edit behind the others."""
        self._waiting.append(edit)

    def close(self) -> None:
        """Ends the child; what waits is given up."""
        self._closed = True
        self._job.command.cancel()

    def _follow(self, job: Job) -> None:
        self._job = job
        answers: list[Mapping[str, Any]] = []
        faults: list[StudioError] = []
        job.command.done.connect(answers.append)
        job.command.failed.connect(faults.append)
        job.command.over.connect(lambda: self._settle(answers, faults))

    def _settle(self, answers: Sequence[Mapping[str, Any]], faults: Sequence[StudioError]) -> None:
        if self._closed:
            return
        job = self._job
        try:
            if faults:
                raise faults[0]
            if not answers:
                job.take_back()
            path = job.settle(answers[0]) if answers else job.path
            if path is not None and self._waiting:
                edit, before = self._waiting[0], recipe.load(path).cursor
                command = edit_command(path, edit.steps, lambda words: Command(words, self))
                del self._waiting[0]
                self._follow(Job(command, path, edit=edit, before=before))
                return
        except StudioError as error:
            self._session.tell_error(error)
            drop(self._session, [*([job.edit] if job.edit is not None else []), *self._waiting])
        else:
            if answers and path is not None and not job.goes_on:
                self._session.tell(
                    self.tr("Your edits are kept as the version {name}.").format(name=recipe.name_of(path))
                )
        self.over.emit()
