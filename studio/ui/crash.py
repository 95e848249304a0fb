"""The last of the three roads for errors: whatever nobody foresaw becomes one dialog with a report to copy."""

import platform
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

import PySide6
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QWidget

import studio
from studio.ui.parts import button, column, label, row
from studio.ui.theme import GRID

_MAX_REPORTS = 20


class CrashHook(QObject):
    """Takes every exception nobody caught, of any thread, and shows it in the window's thread.

    Signals:
        caught: a report.
    """

    caught = Signal(str)

    def __init__(self, parent: QObject) -> None:
        """Is not at work before `install`."""
        super().__init__(parent)
        self.reports: list[str] = []
        self.dialog: CrashDialog | None = None
        self.caught.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Takes over the hooks of `sys` and `threading`."""
        sys.excepthook = self._of_main
        threading.excepthook = self._of_thread

    def remove(self) -> None:
        """Gives the hooks back to Python."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def _of_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        print(text, file=sys.stderr)
        self.caught.emit(report(text))

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._of_main(args.exc_type, args.exc_value, args.exc_traceback)

    def _show(self, text: str) -> None:
        self.reports = [*self.reports, text][-_MAX_REPORTS:]
        if self.dialog is None:
            parent = QApplication.activeWindow()
            # A list or a dialog that goes by itself would take this one along.
            while parent is not None and parent.parentWidget() is not None:
                parent = parent.parentWidget()
            self.dialog = CrashDialog(parent)
            self.dialog.finished.connect(self._closed)
            self.dialog.open()
        self.dialog.set_report("\n\n".join(self.reports))

    def _closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog, self.reports = None, []


def report(trace: str) -> str:
    """Returns a report: versions and the traceback, with the user's folder left out."""
    facts = f"Finetune Studio {studio.__version__}, Python {platform.python_version()}, PySide6 {PySide6.__version__}"
    return f"{facts}\n{platform.platform()}\n\n{trace}".replace(str(Path.home()), "~").strip()


class CrashDialog(QDialog):
    """Says that something unforeseen happened, and offers the report."""

    def __init__(self, parent: QWidget | None) -> None:
        """Shows no report yet."""
        super().__init__(parent)
        self.setWindowTitle(self.tr("Something went wrong"))
        self.text = QPlainTextEdit()
        self.text.setObjectName("mono")
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.tr("Report"))
        said = self.tr("This is a defect of Finetune Studio. Runs that are going are not affected, and you can go on.")
        copy = button(self.tr("Copy report"), self._copy)
        close = button(self.tr("Close"), self.accept, "primary")
        heading = label(self.tr("Something went wrong"), "heading")
        self.setLayout(
            column(heading, label(said, wrap=True), self.text, row(None, copy, close), margin=2 * GRID, spacing=GRID)
        )
        self.resize(680, 420)

    def set_report(self, text: str) -> None:
        """Shows `text`."""
        self.text.setPlainText(text)

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.text.toPlainText())
