"""The dataset version that the Data page shows: made, opened by a child first, and changed in steps that are undone."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from studio.core.data.mapping import Role
from studio.core.errors import StudioError
from studio.core.units import counted
from studio.core.versions import recipe
from studio.core.versions.steps import ByHand, Mend, Replace, Step, chosen, each
from studio.ui.jobs import Command
from studio.ui.pages.data_kept import Edit, Job, Kept, drop, edit_command, sweep
from studio.ui.reading import options
from studio.ui.row_source import FileRows, Opened, VersionRows
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
        settled: no edit waits any more, neither of what is shown nor of what was.
        failed: a `StudioError`: the version cannot be opened.
        dropped: edits will not be done, as one failed or all were given up.
    """

    opened = Signal(object)
    changed = Signal()
    moved = Signal(int, int)
    over = Signal()
    settled = Signal()
    failed = Signal(object)
    dropped = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        """Edits nothing yet."""
        super().__init__(parent)
        self._session = session
        self.version: Version | None = None
        self._job: Job | None = None
        self._waiting: list[Edit] = []
        self._kept: list[Kept] = []
        self._awaited: Path | None = None
        # At 0 there is nothing to sweep, and as the window closes no stack any more.
        session.undo.indexChanged.connect(lambda at: sweep(session) if at else None)

    def open(self, path: Path) -> None:
        """Opens a version: a child reads what it is made of, so that the window finds all in the cache."""
        self.leave()
        if any(kept.path == path for kept in self._kept):
            self._awaited = path
        else:
            self._run(["data", "version", "show", str(path)], lambda _path: self._show(path), path=path)

    def create(self, file: str, format: str, columns: Mapping[Role, str]) -> Path:
        """Makes a version of a file, named after it, and shows it; returns its file."""
        path, words = self._creation(file, format, columns)

        def made(_path: Path) -> None:
            text = self.tr("Your edits are kept as the version {name}; {file} stays as it is.")
            self._session.tell(text.format(name=recipe.name_of(path), file=Path(file).name))
            self._show(path)

        self._run(words, made, path=path, makes=True)
        return path

    def mix(
        self,
        name: str,
        files: Sequence[tuple[str, float]],
        epoch: str,
        seed: int,
        taken: Sequence[str] = (),
        refused: Callable[[], object] = lambda: None,
    ) -> None:
        """Makes a version of several files in given shares, and shows it.

        Args:
            name: of the version.
            files: each with its share.
            epoch: "shortest" or "longest", as `steps.Mix` has it.
            seed: of the order.
            taken: what the first file's rows are taken for, as options of the command.
            refused: called if it cannot be made, after why has been told.
        """

        def failed(error: StudioError) -> None:
            self._session.tell_error(error)
            refused()

        if self._busy():
            refused()
            return
        path = recipe.file_of(name)
        words = ["data", "mix", str(path), *(f"{file}={share}" for file, share in files)]
        words += ["--epoch", epoch, "--seed", str(seed), *taken]
        self._run(words, lambda _path: self._show(path), failed, path=path, makes=True, alone=True)

    def rebase(self, path: Path) -> None:
        """Takes a version over to its sources as they are now, and shows it."""
        words = ["data", "version", "rebase", str(path)]
        command = self._run(words, lambda _path: self.open(path), path=path, goes_on=True)
        one = self.tr("Taken over to the new rows; {count} row that a step names was not found again.")
        many = self.tr("Taken over to the new rows; {count} rows that steps name were not found again.")
        command.done.connect(lambda said: self._session.tell(counted(len(said["lost"]), one, many)))

    def apply(self, steps: Sequence[Step | Mend], title: str) -> None:
        """Adds steps to the version, undone together; they wait for what is going on."""
        if self._job is not None and self._job.alone and self._busy():
            return
        edit = Edit(self, steps, title)
        self._session.undo.push(edit)
        self._waiting.append(edit)
        self._go_on()

    def apply_to(self, of: Opened, steps: Sequence[Step | Mend], title: str) -> None:
        """Adds steps to a version that is no longer shown, or to one that is made of such a file, for them at last."""
        path = of.source.version.path if isinstance(of.source, VersionRows) else of.version
        if path is not None and path in (item.path for item in (self.version, self._job) if item is not None):
            self.apply(steps, title)
            return
        edit = Edit(self, steps, title)
        self._session.undo.push(edit)
        at_work = [kept for kept in self._kept if path is not None and kept.path == path]
        if at_work:
            at_work[0].add(edit)
            return
        try:
            job, waiting = self._begin(of, edit)
        except StudioError as error:
            self._session.tell_error(error)
            drop(self._session, [edit])
            return
        of.version = job.path
        self._keep(job, waiting)

    def go(self, path: Path, cursor: int) -> bool:
        """Has `cursor` steps of a version count, the one shown or another; returns whether they do."""
        try:
            if self.version is not None and self.version.path == path:
                self.version.go(cursor)
                self.changed.emit()
            else:
                recipe.change(path, lambda said: said.at(cursor))
        except StudioError as error:
            self._session.tell_error(error)
            return False
        return True

    def move(self, cursor: int) -> None:
        """Goes to a place in the history, as a step that can be undone."""
        if self.version is not None and cursor != self.version.recipe.cursor:
            before = self.version.recipe.cursor
            if self.go(self.version.path, cursor):
                edit = Edit(self, [], self.tr("go to another step"))
                edit.finish(self.version.path, before, cursor)
                self._session.undo.push(edit)

    def withdraw(self, edit: Edit) -> None:
        """Does not do an edit that is not done yet; a version that is made only for it is not made."""
        if any(kept.withdraw(edit) for kept in self._kept):
            return
        job = self._job
        if edit in self._waiting:
            self._waiting.remove(edit)
            if not self._waiting and job is not None and job.makes and job.edit is None:
                self.cancel()
        elif job is not None and job.edit is edit:
            self.cancel()
            self._take_back(job)
        self._tell_settled()
        self._go_on()

    def waiting(self) -> bool:
        """Whether a child is at work, on a version to be made or on the one shown."""
        return self._job is not None

    def unsettled(self) -> bool:
        """Whether edits wait to be done, or a version to be made, of what is shown or of what was."""
        return bool(self._waiting or self._kept or (self._job is not None and self._job.lasts))

    def leave(self) -> None:
        """Shows no version any more; what a child does to one, and what waits for it, is done to its end."""
        job, waiting, self._waiting = self._job, self._waiting, []
        self.version, self._awaited = None, None
        if job is not None and job.lasts:
            self._job = None
            self._keep(job, waiting)
            self.over.emit()
        else:
            drop(self._session, waiting)
            self.cancel()
            self._tell_settled()

    def close(self) -> None:
        """Ends whatever children do; what waits is given up."""
        self._waiting.clear()
        self.cancel()
        for kept in self._kept:
            kept.close()

    def stop(self) -> None:
        """Ends what a child does, and what waits for it; the version stays as it was."""
        job, edits, self._waiting = self._job, self._waiting, []
        self.cancel()
        if job is not None:
            self._take_back(job)
            edits = [job.edit, *edits] if job.edit is not None else edits
        drop(self._session, edits)
        self.dropped.emit()
        self._tell_settled()

    def cancel(self) -> None:
        """Ends what a child does."""
        job, self._job = self._job, None
        if job is not None:
            job.command.cancel()
            self.over.emit()

    def compute(self, words: list[str], title: str) -> None:
        """Has a `studio` command do steps, on the version shown or on one that it makes; undoable."""
        if self._busy():
            return
        edit = Edit(self, [], title)
        self._session.undo.push(edit)
        self._compute(edit, lambda run: run(words))

    def _keep(self, job: Job, waiting: Sequence[Edit]) -> None:
        kept = Kept(self._session, job, waiting, self)
        self._kept.append(kept)
        kept.over.connect(lambda: self._settled(kept))

    def _begin(self, of: Opened, edit: Edit) -> tuple[Job, list[Edit]]:
        """Starts the child that does an edit, or makes the version for it; returns it and what waits for it."""
        source, path = of.source, _version_of(of)
        if path is None:
            assert isinstance(source, FileRows)
            path, words = self._creation(source.given, source.format or "auto", source.columns)
            return Job(Command(words, self), path, makes=True), [edit]
        before = recipe.load(path).cursor
        command = edit_command(path, edit.steps, lambda words: Command(words, self))
        return Job(command, path, edit=edit, before=before), []

    def _creation(self, file: str, format: str, columns: Mapping[Role, str]) -> tuple[Path, list[str]]:
        """Returns a version's path, named after its file, and how a child is told to make it."""
        paths = [kept.path for kept in self._kept] + ([self._job.path] if self._job is not None else [])
        taken = [recipe.name_of(path) for path in paths if path is not None]
        path = recipe.file_of(recipe.free_name(Path(file).name, taken))
        return path, ["data", "version", "create", str(path), file, *options(format, columns)]

    def _compute(self, edit: Edit, start: Callable[[Callable[[list[str]], Command]], Command]) -> None:
        version = self.version
        path, before = (version.path, version.recipe.cursor) if version is not None else (None, 0)

        def done(path: Path) -> None:
            if version is None:
                text = self.tr("{name} is a version of the file now.").format(name=recipe.name_of(path))
                self._session.tell(text, "good")
                self._session.data_wanted.emit(path)
            elif self._load(path):
                self.changed.emit()

        def run(words: list[str]) -> Command:
            fresh = path is None
            about: dict[str, Any] = {"path": path, "makes": fresh, "alone": fresh, "edit": edit, "before": before}
            return self._run(words, done, self._session.tell_error, **about)

        start(run)

    def _go_on(self) -> None:
        """Does what waits, until a child has to."""
        while self._waiting and self.version is not None and self._job is None:
            edit, version = self._waiting.pop(0), self.version
            by_hand = [step for step in edit.steps if isinstance(step, ByHand | Replace)]
            named = chain.from_iterable(each(chosen(step)) for step in by_hand)
            if len(by_hand) == len(edit.steps) and len(list(islice(named, _MOST))) < _MOST:
                self._do(version, edit, by_hand)
            else:
                self._compute(edit, partial(edit_command, version.path, edit.steps))

    def _do(self, version: "Version", edit: Edit, steps: Sequence[Step]) -> None:
        before = version.recipe.cursor
        try:
            version.add(*steps)
        except StudioError as error:
            self._session.tell_error(error)
            drop(self._session, [edit])
            self.dropped.emit()
            return
        edit.finish(version.path, before, version.recipe.cursor)
        self.changed.emit()

    def _take_back(self, job: Job) -> None:
        try:
            job.take_back()
        except StudioError as error:
            self._session.tell_error(error)
            return
        if self.version is not None and self.version.path == job.path and self._load(job.path):
            self.changed.emit()

    def _busy(self) -> bool:
        """Whether a child is at work; says so, for another would end it."""
        if self._job is not None:
            self._session.tell(self.tr("Wait until the version is done, or cancel what is done to it."))
        return self._job is not None

    def _settled(self, kept: Kept) -> None:
        self._kept.remove(kept)
        kept.deleteLater()
        if self._awaited is not None and self._awaited == kept.path:
            self.open(self._awaited)
        self._tell_settled()

    def _tell_settled(self) -> None:
        if not self.unsettled():
            self.settled.emit()

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

    def _run(self, words: list[str], done: Callable[[Path], object], failed: Any = None, **job: Any) -> Command:
        self.cancel()
        command = Command(words, self)
        mine = self._job = Job(command, **job)
        command.told.connect(lambda line: self._tell_moved(mine, line))
        self.moved.emit(0, 0)
        answers: list[Mapping[str, Any]] = []
        faults: list[StudioError] = []
        command.done.connect(answers.append)
        command.failed.connect(faults.append)

        def over() -> None:
            if self._job is not mine:
                return
            self._job = None
            self.over.emit()
            try:
                if faults:
                    raise faults[0]
                if answers:
                    done(mine.settle(answers[0]))
            except StudioError as error:
                edits, self._waiting = [*([mine.edit] if mine.edit else []), *self._waiting], []
                drop(self._session, edits)
                self.dropped.emit()
                (failed or self.failed.emit)(error)
                self._session.failed.emit()
            self._go_on()
            self._tell_settled()

        command.over.connect(over)
        return command

    def _tell_moved(self, job: Job, line: Mapping[str, Any]) -> None:
        if self._job is job and "doing" in line:
            self.moved.emit(line["done"], line["total"])


def _version_of(of: Opened) -> Path | None:
    """Returns the file of the version that opened data is, or that was made of it; None: there is none."""
    source, path = of.source, of.version
    if isinstance(source, VersionRows):
        return source.version.path
    if not isinstance(source, FileRows) or path is None or not path.exists():
        return None
    # One that was given up may have left its name to a version of something else.
    return path if [item.path for item in recipe.load(path).sources] == [source.given] else None
