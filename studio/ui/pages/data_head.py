"""What stands over the rows: which data it is, what it was taken for and why, and how far it is read."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QProgressBar, QWidget

from studio.core import objectives
from studio.core.errors import StudioError
from studio.core.units import counted
from studio.ui import words
from studio.ui.elided import MIDDLE, Elided
from studio.ui.parts import as_tip, button, card, column, holder, label, pill, row
from studio.ui.theme import GRID, Theme


class DataHead(QWidget):
    """Facts about the data shown, and what can be done with all of it.

    Attributes:
        row_format: what the rows are in; empty: not known.

    Signals:
        format_wanted: the rows are to be taken for this format.
        columns_wanted: the mapping of columns is to be edited.
        use_wanted: the data is to be trained on.
        cancel_wanted, resume_wanted: of the reading.
    """

    format_wanted = Signal(str)
    columns_wanted = Signal()
    use_wanted = Signal()
    cancel_wanted = Signal()
    resume_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Shows nothing yet."""
        super().__init__()
        self.name, self.format, self.why = Elided("", "heading", MIDDLE), pill(""), Elided("", "muted")
        self.count = label("")
        self.second = button("", self._take_second, "chip")
        self.columns = button(self.tr("Columns..."), self.columns_wanted.emit, "chip")
        self.columns.setToolTip(self.tr("Say which column plays which part"))
        self.second.setAccessibleName(self.tr("The second guess"))
        self.menu = QMenu(self)
        self.versions = button(self.tr("Version"), self._open_menu)
        self.versions.setToolTip(self.tr("Split, sample, mix, export: what is done to all rows"))
        self.versions.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        theme.dress(self.versions, "chevron-down")
        self.use = button(self.tr("Train on this"), self.use_wanted.emit, "primary")
        self.fault = label("", "fault", wrap=True)
        self._second_format, self.row_format, self._unusable = "", "", ""
        top = row(self.name, self.format, None, self.versions, self.use)
        facts = row(self.count, self.why, self.second, self.columns)
        facts.setStretch(1, 1)
        self._bars = self._made_bar()
        box = column(top, facts, self._bars, self.fault, spacing=GRID // 2)
        framed = card(box)
        # A low window has no room to spare, and the chips of the last line leave some below their words.
        box.setContentsMargins(2 * GRID, GRID + GRID // 2, 2 * GRID, GRID + GRID // 2)
        self.setLayout(column(framed))
        for hidden in (self.second, self._bars, self.fault):
            hidden.hide()

    def show_name(self, name: str, where: str) -> None:
        """Shows what the data is called; `where` it lies is its tip."""
        self.name.setText(name)
        self.setToolTip(as_tip(where))
        self.show_format("", "", None)
        self.count.setText("")
        self.show_fault(None)
        self.show_done()

    def show_format(self, format: str, reason: str, second: dict[str, Any] | None) -> None:
        """Shows what the rows are taken for and why, and the next likeliest."""
        self.row_format = format
        self._mark_use()
        self.format.setVisible(bool(format))
        self.format.setText(format_name(format))
        text = self.tr("Taken for this because {reason}.")
        self.why.setText(text.format(reason=words.sentence(reason)) if reason else "")
        self._second_format = str(second["format"]) if second else ""
        self.second.setVisible(second is not None)
        if second is not None:
            text = self.tr("Or: {format}").format(format=format_name(self._second_format))
            self.second.setText(text)
            self.second.setAccessibleName(text)
            self.second.setToolTip(as_tip(words.sentence(str(second["reason"]))))

    def show_version(self, format: str, names: Sequence[str]) -> None:
        """Shows of which files a version is made, and what its rows are: their columns are as they are."""
        self.show_format(format, "", None)
        self.columns.setEnabled(False)
        self.why.setText(self.tr("A version of {names}").format(names=words.some(names)))

    def count_version(self, rows: int, held: int, every: int, rejected: int) -> None:
        """Says how many rows a version has, how many it holds back, and how many of its files it cannot use."""
        said = [counted(rows, self.tr("{count} row"), self.tr("{count} rows"))]
        said += [self.tr("{count} of them for evaluation").format(count=f"{held:,}")] if held else []
        one = self.tr("{bad} of {count} row of its files cannot be used")
        many = self.tr("{bad} of {count} rows of its files cannot be used")
        said += [counted(every, one, many, bad=f"{rejected:,}")] if rejected else []
        self.count.setText(words.listed(said))

    def show_guesses(self, guesses: Sequence[dict[str, Any]]) -> None:
        """Shows what the first rows may be, before all are checked."""
        if guesses:
            second = guesses[1] if len(guesses) > 1 else None
            self.show_format(guesses[0]["format"], guesses[0]["reason"], second)

    def show_moved(self, text: str, done: int, total: int) -> None:
        """Shows how far what `text` names has come; of an unknown length with `total` 0."""
        self._doing.setText(f"{text} {done / total:.0%}" if total else text)
        self._bar.setRange(0, 1000 if total else 0)
        self._bar.setValue(1000 * done // total if total else 0)
        self._again.hide()
        self._stop.show()
        self._bar.show()
        self._bars.show()

    def show_cancelled(self, text: str) -> None:
        """Says that what was done was cancelled, and offers to go on."""
        self._doing.setText(text)
        self._bar.hide()
        self._stop.hide()
        self._again.show()
        self._bars.show()

    def show_done(self) -> None:
        """Says no more of what was done."""
        self._bars.hide()

    def show_waiting(self, waiting: bool) -> None:
        """Says whether the rows wait to be trained on until their edits are done."""
        text = self.tr("Waiting for the edits ...") if waiting else self.tr("Train on this")
        self.use.setText(text)
        self.use.setAccessibleName(text)

    def show_fault(self, error: StudioError | None) -> None:
        """Says why the rows cannot be used; None: they can."""
        self._unusable = words.sentences(error) if error is not None else ""
        self._mark_use()

    @property
    def objective(self) -> str | None:
        """The objective the rows are for, such as `dpo`; None: they are not trained on."""
        return objectives.learned_by(self.row_format)

    def _mark_use(self) -> None:
        """Offers to train only on rows that can be used; else says why not."""
        why = self._unusable
        self.fault.setText(why)
        self.fault.setVisible(bool(why))
        self.use.setEnabled(not why)
        self.use.setToolTip(as_tip(why) if why else "")

    def _made_bar(self) -> QWidget:
        self._doing = label("", "caption")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Reading"))
        self._stop = button(self.tr("Cancel"), self.cancel_wanted.emit, "flat")
        self._again = button(self.tr("Go on"), self.resume_wanted.emit, "flat")
        self._again.hide()
        layout = row(self._doing, self._bar, None, self._stop, self._again)
        layout.setStretch(1, 1)
        return holder(layout)

    def _open_menu(self) -> None:
        self.menu.popup(self.versions.mapToGlobal(self.versions.rect().bottomLeft()))

    def _take_second(self) -> None:
        self.format_wanted.emit(self._second_format)


def format_name(format: str) -> str:
    """Returns a format as people read it."""
    return format.replace("_", " + ")
