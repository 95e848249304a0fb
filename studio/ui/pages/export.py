"""The export dialog: a process of its own writes the adapter, reads it back, and the proof is shown."""

import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QRadioButton,
    QWidget,
)

from studio.core import consumers, models, number_formats
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.units import size
from studio.ui import words
from studio.ui.details import Details
from studio.ui.elided import Elided, PathLine
from studio.ui.jobs import Command
from studio.ui.pages.upload import UploadDialog
from studio.ui.parts import breakable, button, card, column, holder, label, lift, room_for, row, scrolling, selectable
from studio.ui.session import Session
from studio.ui.theme import GRID

_WIDTH = 660


class ExportDialog(QDialog):
    """Exports one adapter, or a whole model."""

    def __init__(self, session: Session, entry: Entry, parent: QWidget) -> None:
        """Asks for the kind of export, where there is a choice, and the folder."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._entry = session, entry
        self._command: Command | None = None
        self._result: Path | None = None
        self.setWindowTitle(self.tr("Export {name}").format(name=entry.title))
        self.peft = QRadioButton(self.tr("Adapter (PEFT)"))
        self.lora = QRadioButton(self.tr("Adapter, one file (GGUF)"))
        self.merged = QRadioButton(self.tr("Merged model"))
        self.gguf = QRadioButton(self.tr("Merged model, one file (GGUF)"))
        self.stored = self._formats()
        whole = entry.is_model
        if whole:
            self.gguf.setText(self.tr("The model as one file (GGUF)"))
            self.merged.setText(self.tr("The model as it is"))
        (self.merged if whole else self.peft).setChecked(True)
        group = QButtonGroup(self)
        self._choices: dict[consumers.Target, QRadioButton] = {
            "peft": self.peft,
            "gguf-lora": self.lora,
            "merged": self.merged,
            "gguf": self.gguf,
        }
        for made in self._choices.values():
            made.setAccessibleName(made.text())
            group.addButton(made)
            made.toggled.connect(self._propose)
        traits = consumers.read(entry.folder)
        small = self.tr("Small files; the base model is needed beside them.")
        if traits is not None and traits.uneven:
            folded = self.tr("Scales and ranks of single modules are worked in, so that every program reads it alike.")
            small = words.joined(small, folded)
        added = self.tr("For llama.cpp, and for Ollama with some families; it adds to a GGUF file of the base.")
        self._problem = consumers.problem(traits) if traits is not None else ""
        self.lora.setEnabled(not self._problem)
        self.lora.setToolTip(words.sentence(self._problem))
        large = self.tr("A whole model that needs no adapter, as safetensors.")
        single = self.tr("For Ollama, LM Studio and llama.cpp, with a Modelfile; tokens are compared too.")
        self.folder = PathLine()
        self.folder.setAccessibleName(self.tr("Folder"))
        self.folder.textChanged.connect(self._offer)
        self._browse_button = button(self.tr("Browse..."), self._browse)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.said = label("", "muted", wrap=True)
        self.start = button(self.tr("Export"), self.export, "primary")
        self.shut = button(self.tr("Close"), self.reject)
        self.open_button = button(self.tr("Open folder"), self._open)
        self.open_button.hide()
        self.upload_button = button(self.tr("Upload to Hugging Face..."), self._upload)
        self.upload_button.hide()
        self.proof: QFrame | None = None
        formats = row(label(self.tr("Number format"), "caption"), self.stored, None)
        formats.setContentsMargins(3 * GRID, 0, 0, 0)
        self._box = column(
            Elided(self.windowTitle(), "heading"),
            *(() if whole else (self.peft, _indented(label(small, "caption", wrap=True)))),
            *(() if whole else (self.lora, _indented(label(added, "caption", wrap=True)))),
            self.merged,
            _indented(label(large, "caption", wrap=True)),
            self.gguf,
            _indented(label(single, "caption", wrap=True)),
            formats,
            GRID,
            self._programs(traits),
            label(self.tr("New folder"), "caption"),
            row(self.folder, self._browse_button),
            margin=2 * GRID,
        )
        self._box.addStretch(1)
        # On a low screen what is chosen scrolls, and what comes of it is seen.
        self._body = holder(self._box, "body")
        self._area = scrolling(self._body)
        self._area.setObjectName("bare")
        bar = self._area.verticalScrollBar()
        bar.rangeChanged.connect(lambda _, most: bar.setValue(most) if self.proof is not None else None)
        buttons = row(None, self.upload_button, self.open_button, self.shut, self.start)
        self._foot = column(self.bar, self.said, buttons)
        self._foot.setContentsMargins(2 * GRID, 0, 2 * GRID, 2 * GRID)
        layout = column(self._area, holder(self._foot), spacing=0)
        # Qt would leave room for texts in lines as if they were narrower.
        layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.setLayout(layout)
        self.start.setDefault(True)
        self.setFixedWidth(_WIDTH)
        self._propose()

    def export(self) -> None:
        """Starts the export."""
        self._drop_proof()
        self.said.setText(self.tr("Writing, reading back and comparing with the live model ..."))
        self._busy(True)
        to = self._kind()
        name = str(self._entry.folder) if self._entry.is_model else self._entry.name
        words = ["export", name, "--to", to, str(self._target())]
        words += ["--gguf-type", self.stored.currentData()] if to == "gguf" else []
        self._command = self._session.command(words)
        self._command.done.connect(self._show)
        self._command.failed.connect(self._fail)
        self._command.over.connect(self._over)

    def reject(self) -> None:
        """Closes the dialog; an export that is going on is ended, and leaves nothing half-done."""
        if self._command is not None:
            self._command.interrupt()
        super().reject()

    def _show(self, done: dict[str, Any]) -> None:
        proof = done["proof"]
        self._result = Path(done["path"])
        head = self.tr("Verified. Files: {count}, {size}").format(count=len(done["files"]), size=size(done["bytes"]))
        text = self.tr(
            "Read back and compared with the live adapter at {positions} positions: logits differ by at most "
            "{difference} (rounding allows {bound}; the adapter itself moves them by {effect}), {equal}% of the "
            "likeliest tokens are the same."
        )
        if self._entry.is_model:
            text = self.tr(
                "Read back and compared with the live model at {positions} positions: logits differ by at most "
                "{difference} (rounding allows {bound}), {equal}% of the likeliest tokens are the same."
            )
        text = text.format(
            positions=f"{proof['positions']:,}",
            difference=f"{proof['max_abs_difference']:.2g}",
            bound=f"{proof['bound']:.2g}",
            effect=f"{proof['adapter_effect']:.2g}",
            equal=f"{100 * proof['argmax_equal']:.1f}",
        )
        if proof.get("tokens"):
            told = self.tr("Its settings and the {tokens} tokens of texts that were split by it are the same.")
            text = words.joined(text, told.format(tokens=f"{proof['tokens']:,}"))
        if count := proof.get("answers"):
            told = self.tr("Of {count} answers of the live model {same} are the same word for word.")
            text = words.joined(text, told.format(count=count, same=proof["answers_equal"]))
        place = selectable(label(done["path"], "caption", wrap=True))
        self._put_proof(card(column(label(head, "heading"), label(text, wrap=True), place), "success"))
        self.open_button.show()
        self.upload_button.show()
        self.start.hide()

    def _fail(self, error: StudioError) -> None:
        said = column(
            selectable(label(words.sentence(error.message), "heading", wrap=True)),
            selectable(label(words.sentence(error.hint), wrap=True)),
        )
        if error.detail:
            said.addLayout(row(None, button(self.tr("Details"), lambda: Details(error.detail, self).open())))
        self._put_proof(card(said, "failure"))

    def _over(self) -> None:
        self._command = None
        self.said.setText("")
        self._busy(False)

    def _busy(self, busy: bool) -> None:
        self.bar.setVisible(busy)
        for widget in (self.start, *self._choices.values(), self.folder, self._browse_button):
            widget.setEnabled(not busy and not (widget is self.lora and self._problem))
        self.stored.setEnabled(not busy and self.gguf.isChecked())
        self.shut.setText(self.tr("Cancel") if busy else self.tr("Close"))
        self._fit()

    def _put_proof(self, frame: QFrame) -> None:
        self.proof = frame
        self._box.insertWidget(self._box.count() - 1, frame)
        frame.show()
        self._fit()

    def _drop_proof(self) -> None:
        if self.proof is not None:
            self.proof.hide()
            self.proof.deleteLater()
            self.proof = None
            self._fit()

    def _fit(self) -> None:
        """Makes the dialog as high as what it says, or as there is room on the screen."""
        for part in (self._box, self._foot):
            part.activate()
        room = room_for(self).height()
        foot = _height(self._foot, _WIDTH)
        wanted = _height(self._box, _WIDTH)
        if scrolls := wanted + foot > room:
            wanted = _height(self._box, _WIDTH - self._area.verticalScrollBar().sizeHint().width())
        # By itself it would leave room for texts in lines as if they were narrower.
        self._body.setFixedHeight(wanted)
        self.resize(_WIDTH, room if scrolls else wanted + foot)
        lift(self)

    def _target(self) -> Path | None:
        """Returns where the export goes, what begins nowhere beginning at home; None: nothing is named."""
        text = self.folder.text().strip()
        return Path.home() / os.path.expanduser(text) if text else None

    def _offer(self) -> None:
        """Offers what is described now, and says where it goes or why it cannot; what was said before is of another."""
        self._drop_proof()
        self.open_button.hide()
        self.upload_button.hide()
        self.start.show()
        target, said = self._target(), ""
        if target is None:
            said = self.tr("Name a new folder first.")
        elif str(target) != self.folder.text().strip():
            said = self.tr("It goes to {path}.").format(path=target)
        self.said.setText(breakable(said))
        self.start.setEnabled(target is not None)
        self.start.setToolTip("" if target is not None else said)
        self._fit()

    def _formats(self) -> QComboBox:
        made = QComboBox()
        base = self._entry.base
        folder = self._entry.folder if self._entry.is_model else None
        folder = folder or (models.found(base.path, base.revision) if base.path else None)
        shapes = number_formats.shapes(folder) if folder is not None else {}
        told: dict[number_formats.Stored, str] = {
            "f16": self.tr("f16: runs everywhere"),
            "q8_0": self.tr("q8_0: half as large, a little rounded"),
            "q5_1": self.tr("q5_1: a third as large, some answers change"),
            "q4_1": self.tr("q4_1: smallest, more answers change"),
            "bf16": self.tr("bf16: for very large numbers"),
            "f32": self.tr("f32: exact, twice as large"),
        }
        for stored in number_formats.FORMATS:
            large = f" ({size(number_formats.file_bytes(shapes, stored))})" if shapes else ""
            made.addItem(told[stored] + large, stored)
        made.setAccessibleName(self.tr("Number format"))
        made.currentIndexChanged.connect(self._offer)
        return made

    def _programs(self, traits: consumers.Traits | None) -> QGridLayout:
        """Lists the programs, and what each of them loads of this adapter; nothing if its config cannot be read."""
        grid = QGridLayout()
        if traits is None:
            return grid
        grid.setContentsMargins(0, 0, 0, GRID)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        grid.setColumnStretch(2, 1)
        for column_, head in enumerate((self.tr("Program"), self.tr("Loads"))):
            grid.addWidget(label(head, "caption"), 0, column_)
        for at, one in enumerate(consumers.consumers(traits), start=1):
            more = selectable(label(one.add or words.sentence(one.said), "muted", wrap=True))
            for column_, made in enumerate((label(one.program), label(self._choices[one.to].text()), more)):
                grid.addWidget(made, at, column_, Qt.AlignmentFlag.AlignTop)
        return grid

    def _kind(self) -> str:
        return next(kind for kind, made in self._choices.items() if made.isChecked())

    def _propose(self) -> None:
        self.stored.setEnabled(self.gguf.isChecked())
        self.folder.setText(str(self._proposed()))

    def _proposed(self) -> Path:
        kind = self._kind().replace("peft", "adapter")
        if self._entry.is_model:
            kind = kind.replace("merged", "model")
        base, number = Path.home() / f"{self._entry.name}-{kind}", 2
        place = base
        while place.exists():
            place, number = base.with_name(f"{base.name}-{number}"), number + 1
        return place

    def _browse(self) -> None:
        place = self._target() or self._proposed()
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Where to"), str(place.parent))
        if chosen:
            self.folder.setText(str(Path(chosen) / place.name))

    def _open(self) -> None:
        if self._result is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._result)))

    def _upload(self) -> None:
        if self._result is not None:
            UploadDialog(self._session, self._result, self).open()


def _height(part: QLayout, width: int) -> int:
    return part.totalHeightForWidth(width) if part.hasHeightForWidth() else part.totalSizeHint().height()


def _indented(text: QLabel) -> QLabel:
    """Lines a text up with the words of the choice above it."""
    text.setContentsMargins(3 * GRID, 0, 0, GRID // 2)
    return text
