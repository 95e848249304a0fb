"""A data file read by children of the window: first where its rows lie, then which of them can be used."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.core.data.mapping import Role
from studio.ui.jobs import Command
from studio.ui.spare import Spare

MOST_REJECTED = 10_000


class Reading(QObject):
    """Reads one file; it can be looked at while it is read.

    Signals:
        guessed: what the rows may be, the likeliest first: dicts of `format` and `reason`.
        found: the folder of the index, as soon as rows can be read from it.
        moved: (done, in all) of what is being done, in units of its own.
        indexed: every row is known.
        checked: what `studio data check` says.
        failed: a `StudioError`: it cannot be read.
        faulted: a `StudioError`: it can be read, but not used.
    """

    guessed = Signal(list)
    found = Signal(Path)
    moved = Signal(int, int)
    indexed = Signal()
    checked = Signal(object)
    failed = Signal(object)
    faulted = Signal(object)

    def __init__(self, path: Path, parent: QObject, spare: Spare | None = None) -> None:
        """Reads nothing before `start`, and then in the spare process if there is one."""
        super().__init__(parent)
        self.path = path
        self._spare = spare
        self.complete = False
        self._command: Command | None = None
        self._folder: Path | None = None
        self._shown = False
        self._given: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether a child is at work."""
        return self._command is not None

    def start(self, format: str = "auto", columns: Mapping[Role, str] | None = None) -> None:
        """Reads the file from its beginning; what was cancelled goes on."""
        self._given = options(format, columns or {})
        command = self._run(["data", "index", str(self.path)], self._spare)
        command.told.connect(self._told)
        command.done.connect(self._indexed)
        command.failed.connect(self.failed)

    def check(self, format: str = "auto", columns: Mapping[Role, str] | None = None) -> None:
        """Looks at every row anew, taken for what is said."""
        self._check(options(format, columns or {}))

    def cancel(self) -> None:
        """Ends what is being done; what is known by then stays."""
        command, self._command = self._command, None
        if command is not None:
            command.cancel()

    def _check(self, given: list[str]) -> None:
        command = self._run(["data", "check", str(self.path), "--most-rejected", str(MOST_REJECTED), *given])
        command.told.connect(self._progress)
        command.done.connect(self.checked)
        command.failed.connect(self.faulted)

    def _run(self, words: list[str], spare: Spare | None = None) -> Command:
        self.cancel()
        command = self._command = Command(words, self, spare)
        command.over.connect(lambda: self._over(command))
        return command

    def _over(self, command: Command) -> None:
        if self._command is command:
            self._command = None

    def _told(self, line: dict[str, Any]) -> None:
        if "index" in line:
            self._folder = Path(line["index"])
            self.guessed.emit(line["guesses"])
        elif "done" in line:
            # The child's own progress comes before there is an index.
            if "doing" not in line:
                self._show()
            self._progress(line)

    def _progress(self, line: dict[str, Any]) -> None:
        if "done" in line and "total" in line:
            self.moved.emit(line["done"], line["total"])

    def _show(self) -> None:
        if not self._shown and self._folder is not None:
            self._shown = True
            self.found.emit(self._folder)

    def _indexed(self, _said: object) -> None:
        self._show()
        self.complete, self._command = True, None
        self.indexed.emit()
        self._check(self._given)


def options(format: str, columns: Mapping[Role, str]) -> list[str]:
    """Returns how a command is told what rows are taken for."""
    return ["--format", format, *mapping_options(columns)]


def mapping_options(columns: Mapping[Role, str]) -> list[str]:
    """Returns how a command is told which column plays which part."""
    return [word for role, column in columns.items() for word in ("--map", f"{role}={column}")]
