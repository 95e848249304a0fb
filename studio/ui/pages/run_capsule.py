"""A run's capsule, a file that trains it once more without this program: said what it holds, then written."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from studio.core import capsule, runs
from studio.core.capsule import Contents
from studio.core.units import counted, size
from studio.ui import words
from studio.ui.models import RunModel
from studio.ui.parts import button, column, label, row
from studio.ui.session import Session
from studio.ui.theme import GRID


class CapsuleDialog(QDialog):
    """Says what a capsule will hold and how large it will be, and asks where to write it.

    A command in a process of its own makes it, behind this dialog.

    Attributes:
        said: what it will hold.
        take: the button that asks where.
    """

    def __init__(self, session: Session, model: RunModel, parent: QWidget) -> None:
        """Looks at what the run has told.

        Raises:
            StudioError: as `capsule.contents`; (run) the run's config cannot be read.
        """
        config = model.run.config()
        found = capsule.contents(config, model.progress)
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Run capsule"))
        self._session, self._run, self._title = session, model.run, model.title
        self.said = label(self._holds(found), wrap=True)
        self.said.setMinimumWidth(56 * GRID)
        base = self.tr("The weights of {base} are not in it. Whoever has the file can read the rows.")
        warned = label(base.format(base=capsule.portable(config).model.path), "muted", wrap=True)
        self.take = button(self.tr("Save as..."), self._ask, "primary")
        self.take.setDefault(True)
        buttons = row(None, button(self.tr("Cancel"), self.reject), self.take)
        head = label(self.tr("A file that trains this run again without this program"), "heading")
        self.setLayout(column(head, self.said, warned, buttons, spacing=2 * GRID, margin=3 * GRID))

    def _holds(self, found: Contents) -> str:
        rows = counted(found.rows, self.tr("{count} row"), self.tr("{count} rows"))
        held = self.tr("{count} held back").format(count=f"{found.eval_rows:,}") if found.eval_rows else ""
        steps = counted(found.steps, self.tr("{count} step"), self.tr("{count} steps"))
        what = self.tr(
            "A Python script that anybody can read and run, and what it needs: the rows as they were trained on"
            " ({rows}), their order and learning rates ({steps}), and where the run began."
        )
        large = self.tr("The file will have about {size}.").format(size=size(found.size_bytes))
        return words.joined(what.format(rows=words.listed((rows, held)), steps=steps), large)

    def _ask(self) -> None:
        """Asks for the file, and has it written."""
        place = Path.home() / f"{runs.slug(self._title)}{capsule.SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Save the run capsule"), str(place), "ZIP (*.zip)")
        if chosen:
            # The dialog has asked about the file that was chosen, and of no other.
            whole = chosen.lower().endswith(capsule.SUFFIX)
            self.write(Path(chosen if whole else f"{chosen}{capsule.SUFFIX}"), overwrite=whole)

    def write(self, target: Path, *, overwrite: bool = False) -> None:
        """Has the capsule written to `target`, which may be replaced if so said; closes."""
        session, title = self._session, self._title
        command = session.command(
            ["runs", "capsule", str(self._run.path), "--out", str(target), *(["--overwrite"] if overwrite else [])]
        )
        done = self.tr("The capsule of {name} is {file}, {size}.")
        show = self.tr("Show the folder")

        def tell(made: dict[str, Any]) -> None:
            said = done.format(name=title, file=target.name, size=size(made["bytes"]))
            session.tell(said, "good", show, lambda: _open(target.parent))

        command.done.connect(tell)
        command.failed.connect(session.tell_error)
        session.tell(self.tr("The capsule of {name} is being made.").format(name=title))
        self.accept()


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
