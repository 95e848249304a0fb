"""The question which dataset of the Hugging Face Hub is to be opened."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFormLayout, QLineEdit, QWidget

from studio.core import hub_ids
from studio.core.hub_ids import HubId
from studio.ui.parts import button, column, label, row
from studio.ui.theme import GRID


class HubDialog(QDialog):
    """Asks for a dataset's id and, where not all of it is wanted, which part. It asks the hub nothing itself.

    Signals:
        chosen: the id, as a path.
    """

    chosen = Signal(Path)

    def __init__(self, parent: QWidget) -> None:
        """Asks."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Open from the hub"))
        text = self.tr(
            "Only its data files are brought, into the Hugging Face cache; no script and no README of it is followed. "
            "A download that is cancelled goes on from there the next time."
        )
        self.id, self.revision, self.subset, self.split = (QLineEdit() for _ in range(4))
        form = QFormLayout()
        form.setSpacing(GRID)
        for box, name, example in (
            (self.id, self.tr("Dataset"), self.tr("owner/name, or the address of its page")),
            (self.revision, self.tr("Revision"), self.tr("a branch, tag or commit; empty: the newest")),
            (self.subset, self.tr("Subset"), self.tr("a word of the files' names, such as en; empty: all")),
            (self.split, self.tr("Split"), self.tr("such as train; empty: all but those for evaluation")),
        ):
            box.setPlaceholderText(example)
            box.setAccessibleName(name)
            box.textChanged.connect(lambda _text: self._check())
            form.addRow(name, box)
        self.said = label("", "muted", wrap=True)
        self.take = button(self.tr("Open"), self._take, "primary")
        self.take.setDefault(True)
        buttons = row(None, button(self.tr("Cancel"), self.reject), self.take)
        self.setLayout(column(label(text, "muted", wrap=True), form, self.said, buttons, spacing=GRID, margin=2 * GRID))
        self.setMinimumWidth(70 * GRID)
        self._check()

    def wanted(self) -> HubId | None:
        """Returns what is asked for; None: the id is none."""
        found = hub_ids.typed(self.id.text())
        if found is None:
            return None
        revision, subset, split = (box.text().strip() for box in (self.revision, self.subset, self.split))
        made = replace(
            found, revision=revision or found.revision, subset=subset or found.subset, split=split or found.split
        )
        # What would be read otherwise than it was typed is no id: a revision with a slash, say.
        return made if hub_ids.parse(str(made)) == made else None

    def _check(self) -> None:
        wanted = self.wanted()
        self.take.setEnabled(wanted is not None)
        if wanted is not None:
            self.said.setText(str(wanted))
        else:
            typed = self.id.text().strip()
            self.said.setText(self.tr("This is no id of a dataset: write owner/name.") if typed else "")

    def _take(self) -> None:
        wanted = self.wanted()
        if wanted is not None:
            self.chosen.emit(Path(str(wanted)))
            self.accept()
