"""The undo steps that change files: a run or an adapter moved to the trash, an adapter's words changed.

A step that fails tells why and becomes obsolete, so that the stack drops it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, SignalInstance
from PySide6.QtGui import QUndoCommand

from studio.core import library, runs
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.runs import Run
from studio.ui import words
from studio.ui.session import Session

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class RunRemoval(QUndoCommand):
    """A run moved to the trash."""

    page = "train"

    def __init__(self, session: Session, run: Run, title: str) -> None:
        """Moves nothing before it is pushed."""
        super().__init__(_tr("remove the run {name}").format(name=title))
        self._session, self._removed = session, run

    def redo(self) -> None:
        """Moves it to the trash."""

        def away() -> None:
            self._trash = runs.remove(self._removed)
            self._session.forget(self._removed)

        _do(self, self._session, away, self._session.runs_changed)

    def undo(self) -> None:
        """Brings it back."""
        _do(self, self._session, lambda: runs.restore(self._trash, self._removed), self._session.runs_changed)


class AdapterRemoval(QUndoCommand):
    """Adapters moved to the trash, one or several at once."""

    page = "library"

    def __init__(self, session: Session, entries: Sequence[Entry]) -> None:
        """Moves nothing before it is pushed."""
        super().__init__(_tr("remove {name}").format(name=words.some([entry.title for entry in entries])))
        self._session, self._entries = session, list(entries)

    def redo(self) -> None:
        """Moves them to the trash; those that cannot be moved stay, and are no part of the step any longer."""
        self._trashed = self._each(self._entries, library.remove)

    def undo(self) -> None:
        """Brings them back."""
        self._entries = self._each(self._trashed, library.restore_from)

    def _each(self, items: Sequence[_Item], act: Callable[[_Item], _Result]) -> list[_Result]:
        done = []
        for item in items:
            try:
                done.append(act(item))
            except StudioError as error:
                self._session.tell_error(error)
        self.setObsolete(not done)
        self._session.library_changed.emit()
        return done


class AdapterChange(QUndoCommand):
    """An adapter's title, note or tags changed."""

    page = "library"

    def __init__(self, session: Session, entry: Entry, what: dict[str, Any]) -> None:
        """Changes nothing before it is pushed; `what` goes to `library.change`."""
        super().__init__(_tr("change {name}").format(name=entry.title))
        self._session, self._entry = session, entry
        self._after, self._before = what, {key: getattr(entry, key) for key in what}

    def redo(self) -> None:
        """Writes what is new."""
        self._write(self._entry, self._after)

    def undo(self) -> None:
        """Writes what was there."""
        self._write(replace(self._entry, **self._after), self._before)

    def _write(self, seen: Entry, what: dict[str, Any]) -> None:
        _do(self, self._session, lambda: library.change(seen, **what), self._session.library_changed)


def _do(step: QUndoCommand, session: Session, act: Callable[[], object], changed: SignalInstance) -> None:
    try:
        act()
    except StudioError as error:
        step.setObsolete(True)
        session.tell_error(error)
    changed.emit()


def _tr(text: str) -> str:
    return QCoreApplication.translate("edits", text)
