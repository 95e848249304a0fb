"""The dialog that takes an export to the Hugging Face Hub."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QDialog, QLineEdit, QProgressBar, QWidget

from studio.core.errors import StudioError
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.jobs import Command
from studio.ui.parts import button, column, label, row, selectable
from studio.ui.session import Session
from studio.ui.theme import GRID


class UploadDialog(QDialog):
    """Asks for a name there, uploads, and says where it can be seen."""

    def __init__(self, session: Session, folder: Path, parent: QWidget) -> None:
        """Uploads nothing before it is told to."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Upload to Hugging Face"))
        self._session, self._folder = session, folder
        self._command: Command | None = None
        self._url = ""
        self.repo = QLineEdit()
        self.repo.setAccessibleName(self.tr("Name on Hugging Face"))
        self.repo.setPlaceholderText(self.tr("owner/name"))
        self.repo.textChanged.connect(self._offer)
        self.private = QCheckBox(self.tr("Private: a new model is seen by its owner alone"))
        self.private.setAccessibleName(self.private.text())
        self.private.setChecked(True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.said = selectable(label("", wrap=True))
        self.start = button(self.tr("Upload"), self._upload, "primary")
        self.start.setDefault(True)
        self.see = button(self.tr("Show it in the browser"), self._see)
        self.see.hide()
        self.shut = button(self.tr("Cancel"), self.reject)
        what = self.tr(
            "The whole folder {name} goes there as a commit of its own, with its model card; what is there already "
            "stays in the history. The login is that of `hf auth login` or HF_TOKEN."
        )
        self.setLayout(
            column(
                Elided(self.windowTitle(), "heading"),
                label(what.format(name=folder.name), "muted", wrap=True),
                column(label(self.tr("Name"), "caption"), self.repo, spacing=GRID // 2),
                *(self.private, self.bar, self.said),
                row(None, self.see, self.shut, self.start),
                spacing=2 * GRID,
                margin=3 * GRID,
            )
        )
        self.setFixedWidth(68 * GRID)
        self._offer()

    def done(self, result: int) -> None:
        """Breaks an upload off; what has not been committed there is not seen by anybody."""
        if self._command is not None:
            self._command.interrupt()
        super().done(result)

    def _offer(self) -> None:
        busy = self._command is not None
        owner, _, name = self.repo.text().strip().partition("/")
        self.start.setEnabled(bool(owner and name) and not busy)
        self.repo.setEnabled(not busy)
        self.private.setEnabled(not busy)
        self.bar.setVisible(busy)

    def _upload(self) -> None:
        self.said.setText("")
        asked = ["upload", str(self._folder), self.repo.text().strip()]
        asked += [] if self.private.isChecked() else ["--public"]
        self._command = self._session.command(asked)
        self._command.done.connect(self._show)
        self._command.failed.connect(self._fail)
        self._command.over.connect(self._over)
        self._offer()

    def _show(self, found: dict[str, Any]) -> None:
        self._url = found["url"]
        self.said.setText(self.tr("It is there: {url}").format(url=self._url))
        self.see.show()
        self.start.hide()
        self.shut.setText(self.tr("Close"))

    def _fail(self, error: StudioError) -> None:
        self.said.setText(words.sentences(error))

    def _over(self) -> None:
        self._command = None
        self._offer()

    def _see(self) -> None:
        QDesktopServices.openUrl(QUrl(self._url))
