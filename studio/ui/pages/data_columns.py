"""Which column plays which part: chosen in a dialog that shows on real rows what comes of it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QLabel, QPlainTextEdit, QWidget

from studio.core import chat
from studio.core.data import mapping
from studio.core.data.mapping import Role
from studio.core.errors import StudioError
from studio.ui import turns, words
from studio.ui.pages.data_head import format_name
from studio.ui.pages.data_row import whole
from studio.ui.parts import button, column, label, row, show_text
from studio.ui.theme import GRID

# The parts of each format; those in brackets may be left out.
_PARTS: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "(system)", "(tools)"),
    "prompt_completion": ("prompt", "completion", "(system)"),
    "alpaca": ("instruction", "(input)", "output", "(history)", "(system)"),
    "text": ("text",),
    "preference": ("(prompt)", "chosen", "rejected"),
    "kto": ("prompt", "completion", "label"),
}
_COMMONEST = "prompt_completion"
_MOST_SHOWN = 3000


class ColumnsDialog(QDialog):
    """Asks what the rows are and which columns, or texts with columns in braces, are their parts.

    Signals:
        chosen: the mapping, as `DataSpec.mapping`; empty: as detected.
    """

    chosen = Signal(dict)

    def __init__(
        self, parent: QWidget, rows: Sequence[dict[str, Any]], format: str, columns: Mapping[Role, str]
    ) -> None:
        """Shows the mapping as it is; `rows` are real ones to try it on."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Columns"))
        self._rows = rows
        self._names = list(dict.fromkeys(name for data in rows for name in data))
        self._columns: dict[str, str] = {str(role): column for role, column in columns.items()}
        self.boxes: dict[str, QComboBox] = {}
        self.format = QComboBox()
        for name in _PARTS:
            self.format.addItem(format_name(name), name)
        likely = "messages" if any(turns.dialect(cell) for data in rows for cell in data.values()) else _COMMONEST
        self.format.setCurrentIndex(self.format.findData(format if format in _PARTS else likely))
        self.format.setAccessibleName(self.tr("Format"))
        self._form = QFormLayout()
        self._form.setSpacing(GRID)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.preview = QPlainTextEdit()
        self.preview.setReadOnly(True)
        self.preview.setObjectName("mono")
        self.preview.setAccessibleName(self.tr("The first rows with these columns"))
        self.preview.setMinimumSize(70 * GRID, 26 * GRID)
        self.fault: QLabel = label("", "fault", wrap=True)
        hint = label(self.tr("A text with columns in braces joins them, such as {title}: {body}."), "muted")
        back = button(self.tr("As detected"), lambda: self._take({}))
        self.take = button(self.tr("Use these columns"), lambda: self._take(self.mapping()), "primary")
        buttons = row(back, None, button(self.tr("Cancel"), self.reject), self.take)
        self._form.addRow(self.tr("Format"), self.format)
        layout = column(hint, self._form, self.preview, self.fault, buttons, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.format.currentIndexChanged.connect(lambda: self._lay_out())
        self._lay_out()

    def mapping(self) -> dict[Role, str]:
        """Returns what is chosen."""
        return {cast(Role, role): text for role, box in self.boxes.items() if (text := box.currentText().strip())}

    def _lay_out(self) -> None:
        while self._form.rowCount() > 1:
            self._form.removeRow(1)
        self.boxes = {}
        for part in _PARTS[self.format.currentData()]:
            role = part.strip("()")
            box = QComboBox()
            box.setEditable(True)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.addItems(["", *self._names])
            box.setCurrentText(self._columns.get(role, role if role in self._names and not self._columns else ""))
            box.setAccessibleName(role)
            box.currentTextChanged.connect(lambda _text: self._preview())
            name = self.tr("{part} (optional)").format(part=role) if part != role else role
            self._form.addRow(name, box)
            self.boxes[role] = box
        self._preview()

    def _preview(self) -> None:
        columns, fault = self.mapping(), ""
        shown: list[str] = []
        missing = [role for role in _PARTS[self.format.currentData()] if role in self.boxes and role not in columns]
        if missing:
            self._show(
                [whole(data) for data in self._rows], self.tr("Choose a column for {part}.").format(part=missing[0])
            )
            return
        try:
            row_format = mapping.format_of(columns)
            for data in self._rows:
                made = mapping.mapped(data, columns)
                fault = fault or chat.fault(made, row_format) or ""
                shown.append(whole({name: value for name, value in made.items() if name in columns}))
        except StudioError as error:
            fault = error.message
        self._show(shown, words.sentence(fault))

    def _show(self, rows: list[str], fault: str) -> None:
        show_text(self.preview, "\n\n----\n\n".join(text[:_MOST_SHOWN] for text in rows))
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self.take.setEnabled(not fault)

    def _take(self, columns: dict[Role, str]) -> None:
        self.chosen.emit(columns)
        self.accept()
