"""What the Data page shows in place of rows: what belongs here, that a file is being read, or why it cannot be."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from studio.core.errors import StudioError
from studio.core.units import size
from studio.ui import words
from studio.ui.parts import button, card, column, empty, label, row, selectable
from studio.ui.theme import GRID, Theme


class Nothing(QWidget):
    """Says what belongs here.

    Signals:
        add_wanted: a file is to be chosen.
        demo_wanted: the built-in data is to be shown.
    """

    add_wanted = Signal()
    demo_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Says it."""
        super().__init__()
        choose = button(self.tr("Add data file..."), self.add_wanted.emit)
        demo = button(self.tr("Look at the built-in data"), self.demo_wanted.emit, "primary")
        text = self.tr(
            "Open a data file or a folder of them, or drop one anywhere on the window: JSONL, JSON, CSV, Parquet, "
            "Arrow, XLSX, text, also compressed. Its format is found out, and every row that cannot be used is listed "
            "with its line and the reason."
        )
        self.setLayout(column(empty(theme, "data", self.tr("What is the model to learn?"), text, choose, demo)))


class Waiting(QWidget):
    """Says what is being read.

    Attributes:
        text: the label that does.

    Signals:
        cancelled: it is no longer wanted.
    """

    cancelled = Signal()

    def __init__(self) -> None:
        """Says nothing yet."""
        super().__init__()
        self.text = label("", "heading")
        bar = self._bar = QProgressBar()
        bar.setFixedWidth(40 * GRID)
        bar.setTextVisible(False)
        bar.setAccessibleName(self.tr("Reading"))
        stop = button(self.tr("Cancel"), self.cancelled.emit)
        self.setLayout(column(None, row(None, self.text, None), row(None, bar, None), row(None, stop, None), None))
        bar.setRange(0, 0)

    def start(self, name: str) -> None:
        """Says that `name` is being read; how far is not known."""
        self.text.setText(self.tr("Reading {name} ...").format(name=name))
        self._bar.setRange(0, 0)

    def show_moved(self, name: str, done: int, total: int, *, download: bool) -> None:
        """Says how many bytes of `name` have been read or, with `download`, have come."""
        self._bar.setRange(0, 100)
        self._bar.setValue(100 * done // total)
        if download:
            text = self.tr("Downloading {name}: {done} of {total}")
            self.text.setText(text.format(name=name, done=size(done), total=size(total)))
        else:
            text = self.tr("Reading {name} ...").format(name=name)
            self.text.setText(f"{text} {done / total:.0%}")


class Unreadable(QWidget):
    """Says why a file cannot be read, and what can be done.

    Attributes:
        what, hint: the two sentences.
        rebase: the button that takes a version over to its changed files.

    Signals:
        rebase_wanted: the version is to be taken over to its files as they are now.
        again_wanted: the file is to be read once more.
        other_wanted: another file is to be chosen.
    """

    rebase_wanted = Signal()
    again_wanted = Signal()
    other_wanted = Signal()

    def __init__(self) -> None:
        """Says nothing yet."""
        super().__init__()
        self.what = selectable(label("", "heading", wrap=True))
        self.hint = selectable(label("", wrap=True))
        self.rebase = button(self.tr("Take the new rows over"), self.rebase_wanted.emit, "primary")
        again = button(self.tr("Read again"), self.again_wanted.emit)
        buttons = row(self.rebase, again, button(self.tr("Other file..."), self.other_wanted.emit), None)
        self.setLayout(column(card(column(self.what, self.hint, buttons), "failure"), None))

    def show_error(self, error: StudioError, *, version: bool) -> None:
        """Shows a failure; of a version whose files changed, that it can be taken over to them."""
        self.what.setText(words.sentence(error.message))
        self.hint.setText(words.sentence(error.hint))
        self.rebase.setVisible(version and "rebase" in error.hint)
