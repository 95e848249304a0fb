"""The menu of what happens while runs are at work and when they end, with nobody there: what the night needs."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QLabel, QMenu, QWidget

from studio.core import afterwards, notify
from studio.core.errors import StudioError
from studio.ui.finder import also_found_by
from studio.ui.session import Notice, Session

_LONG_PX = 520


class Night(QObject):
    """Fills a menu, and tells in time that the computer is about to sleep or to shut down.

    Attributes:
        asked: what the computer does when no run is left; None: it stays on.

    Signals:
        changed: `asked` is another one.
    """

    changed = Signal()

    def __init__(self, session: Session, menu: QMenu, window: QWidget) -> None:
        """Fills `menu` with actions of `window`."""
        super().__init__(window)
        self._session, self._menu, self._window = session, menu, window
        self.asked: afterwards.Asked | None = None
        self._seeing_to: list[subprocess.Popen[bytes]] = []
        self._check(self.tr("Keep the computer awake while a run trains"), "keep_awake")
        self._check(self.tr("Tell on the desktop that a run has ended"), "notify")
        self._add(self.tr("Run a command when a run ends..."), self.choose_command)
        menu.addSeparator()
        group = QActionGroup(window)
        said: dict[afterwards.Action | None, str] = {
            None: self.tr("Leave the computer on when all runs are done"),
            "sleep": self.tr("Let it sleep when all runs are done"),
            "shutdown": self.tr("Shut it down when all runs are done"),
        }
        self._ends: dict[afterwards.Action | None, QAction] = {}
        for action, text in said.items():
            made = also_found_by(self._add(text, partial(self._choose, action)), self.tr("computer"))
            made.setCheckable(True)
            group.addAction(made)
            self._ends[action] = made
        self._ends[None].setChecked(True)
        session.machine.seen.connect(self.look)
        menu.aboutToShow.connect(self.look)

    def look(self) -> None:
        """Looks whether something is asked for still, by whomever, and whether it is about to be done."""
        found, before = afterwards.asked(), self.asked
        self._seeing_to = [process for process in self._seeing_to if process.poll() is None]
        if found is None and not self._seeing_to:  # nobody sees to it, whatever was chosen
            self._ends[None].setChecked(True)
        if found == before:
            return
        self.asked = found
        if found is not None:
            self._ends[found.action].setChecked(True)
        self.changed.emit()
        if found is not None and found.due_s and not (before and before.due_s):
            self._warn(found)

    def said(self) -> str:
        """Returns what the computer does when no run is left; empty where it stays on."""
        if self.asked is None:
            return ""
        if self.asked.action == "sleep":
            return self.tr("then the computer goes to sleep")
        return self.tr("then the computer shuts down")

    def choose_command(self) -> None:
        """Asks for the command, which is begun as it is written, without a shell."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle(self.tr("When a run ends"))
        text = self.tr(
            "A command to run when a run ends, such as one that sends a message; empty: none. It is told about the run "
            "by STUDIO_NAME, STUDIO_STATE, STUDIO_TEXT and STUDIO_RUN in its environment. No shell reads it: for pipes "
            "and variables write sh -c '...'. Where the computer is to sleep or shut down then, it has a minute."
        )
        dialog.setLabelText(text)
        dialog.setTextValue(self._session.settings.when_ended)
        for said in dialog.findChildren(QLabel):
            said.setWordWrap(True)
            said.setMinimumWidth(_LONG_PX)
        dialog.textValueSelected.connect(self._take_command)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _take_command(self, typed: str) -> None:
        try:
            notify.as_words(typed, sys.platform)
        except ValueError:
            hint = "Close each quotation mark, then set it again."
            self._session.tell_error(StudioError("usage", "The command has a quotation without an end.", hint))
            return
        self._session.settings.when_ended = typed.strip()
        self._session.save()

    def _choose(self, action: afterwards.Action | None) -> None:
        try:
            if action is None:
                afterwards.cancel()
            else:
                self._seeing_to.append(afterwards.ask(action))
        except StudioError as error:
            self._session.tell_error(error)
            self._ends[self.asked.action if self.asked else None].setChecked(True)
            return
        if action == "sleep":
            self._session.tell(self.tr("The computer goes to sleep once no run is at work or waits any more."))
        elif action == "shutdown":
            self._session.tell(self.tr("The computer shuts down once no run is at work or waits any more."))
        self.look()

    def _warn(self, asked: afterwards.Asked) -> None:
        said = {
            "sleep": self.tr("All runs are done: the computer goes to sleep in a minute."),
            "shutdown": self.tr("All runs are done: the computer shuts down in a minute."),
        }

        def holds() -> bool:
            return self.asked is not None and self.asked.due_s == asked.due_s

        leave = partial(self._choose, None)
        notice = Notice(said[asked.action], "bad", self.tr("Leave it on"), leave, holds, dismissed=leave)
        self._session.noticed.emit(notice)

    def _check(self, text: str, setting: str) -> None:
        def turn() -> None:
            setattr(self._session.settings, setting, action.isChecked())
            self._session.save()

        action = self._add(text, turn)
        action.setCheckable(True)
        action.setChecked(getattr(self._session.settings, setting))

    def _add(self, text: str, act: Callable[[], object]) -> QAction:
        action = QAction(text, self._window)
        action.triggered.connect(lambda: act())
        self._menu.addAction(action)
        return action
