"""The dialog of what the program's files take up on the disk: what can be freed, and the trash."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QLabel, QListWidget, QListWidgetItem, QWidget

from studio.core.errors import StudioError
from studio.core.units import moment, size
from studio.ui import words
from studio.ui.elided import MIDDLE
from studio.ui.jobs import Command
from studio.ui.parts import as_tip, button, column, label, lift, line, room_for, row
from studio.ui.session import Session
from studio.ui.theme import GRID

_KEY = Qt.ItemDataRole.UserRole
_LIST_PX, _LEAST_PX = 20 * GRID, 8 * GRID


class SpaceDialog(QDialog):
    """Shows what is taken up, frees what is ticked, and brings back what was removed.

    Attributes:
        parts: what can be freed, by its name in `studio space`; each is ticked by the user.
        sizes: what each takes up, beside.
        trash: what was removed.
        free, restore, remove, shut: buttons.
        fault: what could not be done.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        """Has all of it looked at."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Disk space"))
        self._session = session
        self._command: Command | None = None
        self._taken: dict[str, int] = {}
        said = {
            "states": self.tr("Optimizer states of runs that are done: nothing needs them any more"),
            "cache": self.tr("The cache: made again when it is needed, which takes a while"),
            "trash": self.tr("The trash: what was removed is then gone for good"),
        }
        self.parts = {part: QCheckBox(text) for part, text in said.items()}
        self.sizes = {part: label("\u2026", "muted") for part in (*self.parts, "runs", "adapters")}
        for made in self.parts.values():
            made.setEnabled(False)
            made.toggled.connect(self._offer)
        self.trash = QListWidget()
        self.trash.setAccessibleName(self.tr("In the trash"))
        self.trash.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.trash.setTextElideMode(MIDDLE)
        self.trash.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.trash.itemSelectionChanged.connect(self._offer)
        self.empty = label(self.tr("The trash is empty."), "muted")
        self.fault = label("", "fault", wrap=True)
        self.free = button("", self._free, "primary")
        self.restore = button(self.tr("Bring back"), lambda: self._each("restore"))
        self.remove = button(self.tr("Remove for good"), lambda: self._each("remove"))
        self.shut = button(self.tr("Close"), self.reject)
        kept = self.tr("Runs"), self.tr("The library")
        totals = [
            self._line(label(text), self.sizes[part]) for text, part in zip(kept, ("runs", "adapters"), strict=True)
        ]
        freed = [self._line(made, self.sizes[part]) for part, made in self.parts.items()]
        self.setLayout(
            column(
                label(self.windowTitle(), "heading"), *totals, line(), *freed, row(None, self.free), line(),
                label(self.tr("In the trash"), "caption"), self.empty, self.trash, row(self.restore, self.remove, None),
                self.fault, row(None, self.shut), spacing=GRID, margin=3 * GRID,
            )
        )  # fmt: skip
        # Return brings back what is chosen; nothing is gone for good by a key that was meant otherwise.
        for final in (self.free, self.remove):
            final.setAutoDefault(False)
        self.restore.setDefault(True)
        self.setFixedWidth(84 * GRID)
        self._list([])
        self.empty.hide()  # it is not known yet
        self._offer()
        self._look()

    def done(self, result: int) -> None:
        """Has nothing looked at any more; what is being removed goes on to its end, and says itself if it fails."""
        if self._command is not None and self._command.parent() is self:
            self._command.cancel()
        elif self._command is not None:
            self._command.failed.connect(self._session.tell_error)
        super().done(result)

    def _line(self, first: QWidget, said: QLabel) -> Any:
        return row(first, None, said)

    def _look(self) -> None:
        """Asks what is taken up, and then what is in the trash."""
        self._ask(Command(["space"], self), self._show)

    def _ask(self, command: Command, take: Callable[[Any], None] | None = None) -> None:
        self._command = command
        if take is not None:
            command.done.connect(take)
        command.failed.connect(self._fail)
        command.over.connect(self._over)
        self._offer()

    def _over(self) -> None:
        # What was asked in the answer to this one is at work by now.
        if self.sender() is self._command:
            self._command = None
        self._offer()

    def _fail(self, error: StudioError) -> None:
        self.fault.setText(words.sentences(error))

    def _show(self, taken: dict[str, int]) -> None:
        self._taken = taken
        for part, said in self.sizes.items():
            said.setText(size(taken[part]))
        for part, made in self.parts.items():
            made.setEnabled(taken[part] > 0)
            made.setChecked(made.isChecked() and taken[part] > 0)
        self._ask(Command(["trash", "list"], self), self._list)

    def _list(self, removed: list[dict[str, Any]]) -> None:
        kinds = {"run": self.tr("run"), "adapter": self.tr("adapter"), "model": self.tr("model")}
        kinds["test"] = self.tr("blind test")
        self.trash.clear()
        for item in removed:
            removed_at = moment(item["removed_s"])
            named, kind, taken = item["title"] or item["name"], kinds[item["kind"]], size(item["size_bytes"])
            said = self.tr("{name} ({kind}), removed {date}, {size}")
            made = QListWidgetItem(said.format(name=named, kind=kind, date=removed_at, size=taken))
            made.setData(_KEY, item["key"])
            made.setToolTip(as_tip(made.text()))
            self.trash.addItem(made)
            # One that asks for all its width would not give way.
            made.setSizeHint(QSize(0, self.trash.sizeHintForRow(0)))
        for shown in (self.trash, self.restore, self.remove):
            shown.setVisible(bool(removed))
        self.empty.setVisible(not removed)
        # On a low screen fewer are seen at a time.
        self.trash.setFixedHeight(_LIST_PX)
        over = max(0, self.sizeHint().height() - room_for(self).height())
        self.trash.setFixedHeight(max(_LEAST_PX, _LIST_PX - over))
        self.adjustSize()
        lift(self)

    def _offer(self) -> None:
        """Offers what can be done now."""
        ticked = [part for part, made in self.parts.items() if made.isChecked()]
        total = size(sum(self._taken.get(part, 0) for part in ticked))
        self.free.setText(self.tr("Free {size}").format(size=total) if ticked else self.tr("Free"))
        idle = self._command is None
        self.free.setEnabled(idle and bool(ticked))
        for made in (self.restore, self.remove):
            made.setEnabled(idle and bool(self.trash.selectedItems()))

    def _free(self) -> None:
        ticked = [part for part, made in self.parts.items() if made.isChecked()]
        self._do(["space", "--free", *ticked])

    def _each(self, action: str) -> None:
        keys = [item.data(_KEY) for item in self.trash.selectedItems()]
        self._do(["trash", action, "--", *keys])

    def _do(self, command: list[str]) -> None:
        """Removes or brings back, and looks again: of what failed something may be done."""
        self.fault.setText("")
        made = self._session.command(command)
        # By then the dialog may be closed.
        for changed in (self._session.runs_changed, self._session.library_changed):
            made.over.connect(changed)
        self._ask(made)
        made.over.connect(self._look)
