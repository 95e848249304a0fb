"""The dataset version that the Data page shows: made, opened by a child first, and changed in steps that are undone."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from studio.core.data.mapping import Role
from studio.core.errors import StudioError
from studio.core.versions import recipe
from studio.core.versions.steps import ByHand, Replace, Step, chosen, each
from studio.ui.jobs import Command
from studio.ui.reading import options
from studio.ui.session import Session

if TYPE_CHECKING:
    from studio.core.versions.store import Version

# So many rows are left to a child: what each holds is noted.
_MOST = 100


class Editing(QObject):
    """A version while it is edited. What somebody does by hand is done at once, what reads all rows by a child.

    Signals:
        opened: a `Version` is shown now.
        changed: its rows are others now.
        moved: (done, in all): how far the child has come; in all 0: that is not known.
        over: no child is at work any more.
        failed: a `StudioError`: the version cannot be opened.
    """

    opened = Signal(object)
    changed = Signal()
    moved = Signal(int, int)
    over = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, parent: QObject) -> None:
        """Edits nothing yet."""
        super().__init__(parent)
        self._session = session
        self.version: Version | None = None
        self._command: Command | None = None
        self._waiting: list[tuple[list[Step], str]] = []

    def open(self, path: Path) -> None:
        """Opens a version: a child reads what it is made of, so that the window finds all in the cache."""
        self.leave()
        self._run(["data", "version", "show", str(path)], lambda _said: self._show(path))

    def create(self, file: str, format: str, columns: Mapping[Role, str]) -> None:
        """Makes a version of a file, named after it, and shows it."""
        path = recipe.file_of(recipe.free_name(Path(file).name))
        words = ["data", "version", "create", str(path), file, *options(format, columns)]

        def made(_said: object) -> None:
            text = self.tr("Your edits are kept as the version {name}; {file} stays as it is.")
            self._session.tell(text.format(name=recipe.name_of(path), file=Path(file).name))
            self._show(path)

        self._run(words, made)

    def mix(self, name: str, files: Sequence[tuple[str, float]], epoch: str) -> None:
        """Makes a version of several files in given shares, and shows it."""
        path = recipe.file_of(name)
        words = ["data", "mix", str(path), *(f"{file}={share}" for file, share in files), "--epoch", epoch]
        self._run(words, lambda _said: self._show(path), self._session.tell_error)

    def rebase(self, path: Path) -> None:
        """Takes a version over to its sources as they are now, and shows it."""

        def done(said: dict[str, Any]) -> None:
            text = self.tr("Taken over to the new rows; {count} rows that steps name were not found again.")
            self._session.tell(text.format(count=len(said["lost"])))
            self.open(path)

        self._run(["data", "version", "rebase", str(path)], done)

    def apply(self, steps: Sequence[Step], title: str) -> None:
        """Adds steps to the version, undone together; waits for what is going on."""
        if self._command is not None or self.version is None:
            self._waiting.append((list(steps), title))
            return
        named = chain.from_iterable(each(chosen(step)) for step in steps)
        if all(isinstance(step, ByHand | Replace) for step in steps) and len(list(islice(named, _MOST))) < _MOST:
            before = self.version.recipe.cursor
            try:
                self.version.add(*steps)
            except StudioError as error:
                self._session.tell_error(error)
                return
            self._done(self.version, before, title)
        else:
            self._compute(self.version, steps, title)

    def go(self, path: Path, cursor: int) -> None:
        """Has `cursor` steps of a version count, the one shown or another."""
        try:
            if self.version is not None and self.version.path == path:
                self.version.go(cursor)
                self.changed.emit()
            else:
                recipe.change(path, lambda said: said.at(cursor))
        except StudioError as error:
            self._session.tell_error(error)

    def move(self, cursor: int) -> None:
        """Goes to a place in the history, as a step that can be undone."""
        if self.version is not None and cursor != self.version.recipe.cursor:
            before = self.version.recipe.cursor
            self.go(self.version.path, cursor)
            self._session.undo.push(StepDone(self, self.version.path, before, cursor, self.tr("go to another step")))

    def waiting(self) -> bool:
        """Whether a child is at work, on a version to be made or on the one shown."""
        return self._command is not None

    def leave(self) -> None:
        """Edits nothing any more."""
        self._waiting.clear()
        self.version = None
        self.cancel()

    def stop(self) -> None:
        """Ends what a child does, and what waits for it; the version stays as it was."""
        self._waiting.clear()
        self.cancel()

    def cancel(self) -> None:
        """Ends what a child does."""
        command, self._command = self._command, None
        if command is not None:
            command.cancel()
            self.over.emit()

    def compute(self, words: list[str], title: str) -> None:
        """Has a `studio` command do steps, on the version shown or on one that it makes; undoable."""
        version = self.version
        before = version.recipe.cursor if version is not None else 0

        def done(said: dict[str, Any]) -> None:
            path = Path(said["path"])
            if version is None:
                self._session.tell(self.tr("{name} is a version of the file now.").format(name=said["name"]), "good")
                self._session.data_wanted.emit(path)
                self._session.undo.push(StepDone(self, path, 0, recipe.load(path).cursor, title))
            elif self._load(path) and self.version is not None:
                self._done(self.version, before, title)

        self._run(words, done, self._session.tell_error)

    def _compute(self, version: "Version", steps: Sequence[Step], title: str) -> None:
        folder = TemporaryDirectory(prefix="studio-steps-")
        file = Path(folder.name) / "steps.json"
        file.write_text(json.dumps([recipe.plain(step) for step in steps]), encoding="utf-8")
        self.compute(["data", "edit", str(version.path), f"@{file}"], title)
        if self._command is not None:
            # A method alone would not keep the folder for as long as the child reads from it.
            self._command.over.connect(lambda: folder.cleanup())

    def _done(self, version: "Version", before: int, title: str) -> None:
        self._session.undo.push(StepDone(self, version.path, before, version.recipe.cursor, title))
        self.changed.emit()

    def _show(self, path: Path) -> None:
        if self._load(path):
            self.opened.emit(self.version)

    def _load(self, path: Path) -> bool:
        # Arrow is loaded with the first version, not with the window.
        from studio.core.versions.store import Version

        try:
            self.version = Version(path)
        except StudioError as error:
            self.failed.emit(error)
            return False
        return True

    def _run(self, words: list[str], done: Any, failed: Any = None) -> Command:
        self.cancel()
        command = self._command = Command(words, self)
        command.told.connect(lambda line: self.moved.emit(line["done"], line["total"]) if "doing" in line else None)
        self.moved.emit(0, 0)
        answers: list[object] = []
        command.done.connect(answers.append)
        command.failed.connect(failed or self.failed)
        command.failed.connect(lambda _error: self._waiting.clear())

        def over() -> None:
            if self._command is not command:
                return
            self._command = None
            self.over.emit()
            if answers:
                done(answers[0])
            self._go_on()

        command.over.connect(over)
        return command

    def _go_on(self) -> None:
        while self._waiting and self.version is not None and self._command is None:
            self.apply(*self._waiting.pop(0))


class StepDone(QUndoCommand):
    """Steps of a version that were done when this is pushed."""

    def __init__(self, editing: Editing, path: Path, before: int, after: int, title: str) -> None:
        """Remembers how many steps counted before and behind."""
        super().__init__(title)
        self._editing, self._path, self._before, self._after = editing, path, before, after
        self._fresh = True

    def redo(self) -> None:
        """Does them again; not when it is pushed."""
        if not self._fresh:
            self._editing.go(self._path, self._after)
        self._fresh = False

    def undo(self) -> None:
        """Takes them back."""
        self._editing.go(self._path, self._before)
