"""Searching and filtering all rows: by a child, whose finds come in while it looks."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QSpinBox, QWidget

from studio.core.errors import StudioError
from studio.ui import words
from studio.ui.jobs import Command
from studio.ui.parts import align_number, button, column, holder, label, row, set_mark
from studio.ui.spare import Spare
from studio.ui.theme import GRID

if TYPE_CHECKING:
    from studio.ui.row_source import Places

_TYPING_MS = 200
_MOST_BYTES = 999_999_999
# What only a child can say of a row.
_OF_A_FILE = ("accepted", "rejected")


class RowSearch(QWidget):
    """What is looked for, and how many rows were found.

    Signals:
        found: the places of the rows found so far, in order (int64); None: nothing is looked for.
        status_wanted: only rows of this status are to be shown; empty: all.
        save_wanted: what is shown is to become a version.
        cleared: the choice of rows that another part of the window made is to go.
        opened: the filters were opened by hand.
    """

    found = Signal(object)
    status_wanted = Signal(str)
    save_wanted = Signal()
    cleared = Signal()
    opened = Signal()

    def __init__(self, spare: Spare | None = None) -> None:
        """Looks for nothing; later in the spare process if there is one."""
        super().__init__()
        self._spare = spare
        self._file = ""
        self._options: list[str] = []
        self._sort = ("", False)
        self._command: Command | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._read = 0
        self._rows: Places | None = None
        self._count, self._counted = 0, ""
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._search)
        self._build()

    def set_file(self, file: str, options: list[str], statuses: list[tuple[str, str]]) -> None:
        """Looks into another file from now on.

        Args:
            file: a path.
            options: how a command is told what its rows are taken for.
            statuses: what a row can be, as the search knows it and as it is shown.
        """
        self.leave()
        # In no file while it is emptied: its boxes tell of that, and their own buttons need to hear it.
        self._file, self._options, self._sort = "", options, ("", False)
        for line in (self.text, self.in_file):
            line.clear()
        for number in (self.least, self.most):
            number.setValue(0)
        for box in (self.role, self.status):
            box.setCurrentIndex(0)
        self.set_statuses(statuses)
        self._typing.stop()
        self._file = file
        self._say("")
        self.show_chip("")
        self.show_fault(None)

    def swap_file(self, file: str, statuses: list[tuple[str, str]]) -> None:
        """Looks into a version of the same rows from now on; what is looked for stays, and what was found."""
        busy = self._command is not None
        self._file, self._options = file, []
        self.set_statuses(statuses)
        if busy:
            self._search()

    def set_statuses(self, statuses: list[tuple[str, str]]) -> None:
        """Offers other statuses; the one chosen stays where it can, and else any is looked for."""
        chosen = self.status.currentData() or ""
        self.status.blockSignals(True)
        self.status.clear()
        self.status.addItem(self.tr("Any status"), "")
        for key, name in statuses:
            self.status.addItem(name, key)
        self.status.setCurrentIndex(max(self.status.findData(chosen), 0))
        self.status.blockSignals(False)
        if self.status.currentData() != chosen:
            self._search()

    def set_options(self, options: list[str]) -> None:
        """Takes the rows for something else from now on."""
        self._options = options

    def sort(self, by: str, descending: bool) -> None:
        """Has the rows put in order by a column or `length`; empty: as they lie."""
        if (by, descending) != self._sort:
            self._sort = (by, descending)
            self._search()

    def again(self) -> None:
        """Looks again, for the rows are others now."""
        if self._words() or self.text.text():
            self._typing.start()

    def show_chip(self, title: str) -> None:
        """Says which choice of rows is shown; empty: none."""
        self.chip.setText(f"{title}  \u00d7")
        self.chip.setAccessibleName(self.tr("Clear: {title}").format(title=title))
        self.chip.setVisible(bool(title))

    def show_fault(self, error: StudioError | None) -> None:
        """Says what is wrong with what is looked for."""
        self.fault.setText(words.sentences(error) if error is not None else "")
        self.fault.setVisible(error is not None)
        set_mark(self.text, "wrong", error is not None)

    def show_count(self, count: int) -> None:
        """Says how many rows are shown of those found, where some are looked for."""
        self._count = count
        if self._counted:
            self._say_count(self._counted)

    def show_filters(self, shown: bool) -> None:
        """Shows the filters, or hides them; what they say counts all the same."""
        self.filters.setChecked(shown)
        self._more.setVisible(shown)

    def leave(self) -> None:
        """Ends the search."""
        command, self._command = self._command, None
        if command is not None:
            command.cancel()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self.stop.hide()

    def _build(self) -> None:
        self.text = QLineEdit()
        self.text.setPlaceholderText(self.tr("Search all rows"))
        self.text.setAccessibleName(self.tr("Search all rows"))
        self.text.setClearButtonEnabled(True)
        self.text.textChanged.connect(lambda: self._typing.start())
        self.expression = button(".*", self._search, "segment")
        self.expression.setCheckable(True)
        self.expression.setToolTip(self.tr("A regular expression, in which letter case counts"))
        self.expression.setAccessibleName(self.tr("Regular expression"))
        self.filters = button(self.tr("Filters"), lambda: self._open_filters(), "segment")
        self.filters.setCheckable(True)
        self.said, self.fault = label("", "muted"), label("", "fault", wrap=True)
        self.stop = button(self.tr("Cancel"), self._cancel, "flat")
        self.chip = QPushButton()
        self.chip.setObjectName("chip")
        self.chip.setAccessibleName(self.tr("Clear"))
        self.chip.clicked.connect(lambda: self.cleared.emit())
        self._more = self._made_filters()
        first = row(self.text, self.expression, self.filters, self.chip, self.said, self.stop)
        first.setStretch(0, 1)
        self.setLayout(column(first, self._more, self.fault, spacing=GRID))
        for hidden in (self.stop, self.chip, self._more, self.fault, self.said):
            hidden.hide()

    def _made_filters(self) -> QWidget:
        self.role, self.status = QComboBox(), QComboBox()
        self.role.addItem(self.tr("Any role"), "")
        for role in ("system", "user", "assistant", "tool"):
            self.role.addItem(role, role)
        self.role.setAccessibleName(self.tr("Role"))
        self.role.setToolTip(self.tr("Rows that have a message of this role"))
        self.status.setAccessibleName(self.tr("Status"))
        self.in_file = QLineEdit()
        self.in_file.setPlaceholderText(self.tr("File name"))
        self.in_file.setAccessibleName(self.tr("File name"))
        self.in_file.setToolTip(self.tr("Rows of files with this in their name"))
        self.least, self.most = _number(self.tr("Least length")), _number(self.tr("Greatest length"))
        self.save = button(self.tr("Save as version"), self.save_wanted.emit)
        self.save.setToolTip(self.tr("Keep only the rows shown, as a step that can be undone"))
        for box in (self.role, self.status):
            box.currentIndexChanged.connect(lambda: self._search())
        self.in_file.textChanged.connect(lambda: self._typing.start())
        for number in (self.least, self.most):
            number.valueChanged.connect(lambda: self._typing.start())
        top = row(self.role, self.status, self.in_file)
        top.setStretch(2, 1)
        between = (
            label(self.tr("Length")),
            self.least,
            label(self.tr("to")),
            self.most,
            label(self.tr("bytes"), "unit"),
        )
        made = holder(column(top, row(*between, None, self.save)))
        for box in (self.role, self.status):
            box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return made

    def _open_filters(self) -> None:
        self._more.setVisible(self.filters.isChecked())
        if self.filters.isChecked():
            self.opened.emit()

    def _words(self) -> list[str]:
        """Returns what is looked for as a command is told; empty: nothing."""
        text, status, said = self.text.text(), self.status.currentData() or "", []
        for option, value in (("--role", self.role.currentData()), ("--in-file", self.in_file.text())):
            said += [f"{option}={value}"] if value else []
        for option, number in (("--min-bytes", self.least.value()), ("--max-bytes", self.most.value())):
            said += [f"{option}={number}"] if number else []
        said += ["--status", status] if status in _OF_A_FILE else []
        by, descending = self._sort
        said += [f"--sort={by}", *(["--descending"] if descending else [])] if by else []
        said += ["--regex"] if text and self.expression.isChecked() else []
        return said

    def _search(self) -> None:
        self._typing.stop()
        self.leave()
        self.show_fault(None)
        self._rows, self._read = None, 0
        status = self.status.currentData() or ""
        self.status_wanted.emit("" if status in _OF_A_FILE else status)
        wanted = self._words()
        if not self._file or not (wanted or self.text.text()):
            self._say("")
            self.found.emit(None)
            return
        self._count = 0
        self._folder = TemporaryDirectory(prefix="studio-search-", ignore_cleanup_errors=True)
        into = Path(self._folder.name) / "rows"
        given = [
            *wanted,
            "--places",
            "--into",
            str(into),
            "--",
            self._file,
            *([text] if (text := self.text.text()) else []),
        ]
        self._command = Command(["data", "search", *self._options, *given], self, self._spare)
        self._command.told.connect(self._told)
        self._command.done.connect(self._done)
        self._command.failed.connect(self._failed)
        self._say(self.tr("Searching ..."))
        self.stop.show()

    def _told(self, line: dict[str, Any]) -> None:
        if self._folder is None or self.sender() is not self._command or not ("rows" in line or "complete" in line):
            return
        import numpy as np  # it is loaded with the first search, not with the window

        try:
            fresh = np.fromfile(Path(self._folder.name) / "rows", dtype="<i8", offset=self._read)
        except OSError:
            fresh = np.zeros(0, dtype=np.int64)
        self._read += fresh.nbytes
        if len(fresh) or "complete" in line:
            fresh = fresh.astype(np.int64)
            self._rows = fresh if self._rows is None else np.concatenate([self._rows, fresh])
            self.found.emit(self._rows)
        if "complete" not in line:
            self._say_count(self.tr("{count} so far"))

    def _done(self, _said: dict[str, Any]) -> None:
        self._say_count(self.tr("{count} found"))
        self.leave()

    def _failed(self, error: StudioError) -> None:
        self.leave()
        self._say("")
        self.show_fault(error)

    def _cancel(self) -> None:
        self.leave()
        self._say_count(self.tr("{count} found before it was cancelled"))

    def _say_count(self, text: str) -> None:
        self._say(text.format(count=f"{self._count:,}"))
        self._counted = text

    def _say(self, text: str) -> None:
        self._counted = ""
        self.said.setText(text)
        self.said.setVisible(bool(text))


def _number(name: str) -> QSpinBox:
    made = QSpinBox()
    made.setRange(0, _MOST_BYTES)
    made.setSpecialValueText("\u2013")
    made.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
    made.setAccessibleName(name)
    made.setFixedWidth(14 * GRID)
    align_number(made)
    return made
