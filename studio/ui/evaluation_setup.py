"""What an evaluation is to be of: which rows, how many, and whether they are answered."""

from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from studio.core import config_file, evaluations
from studio.core.config import DataSpec, RunConfig, to_dict
from studio.core.evaluations import Evaluate
from studio.ui import drops
from studio.ui.ask_panel import AskPanel
from studio.ui.elided import PathLine
from studio.ui.parts import align_number, as_tip, column, holder, icon_button, label, leave_wheel, row, sound
from studio.ui.theme import GRID, Theme

HELD, PRESENT, FILE = "held", "present", "file"
_MOST_ROWS, _ROWS = 10_000, 100
_NARROW_PX = 80 * GRID


class Chosen(NamedTuple):
    """What is chosen; as the boxes of `EvaluationSetup`."""

    source: str
    file: str
    most: int
    drawn: bool
    answers: bool
    match: str


class EvaluationSetup(QWidget):
    """Chooses the rows; who reads them is chosen in the panel.

    Attributes:
        source: where the rows come from.
        file: a data file.
        count: how many rows; 0: all.
        drawn: whether they are drawn, by the sampling's seed.
        answers: whether they are answered.
        match: an expression that answers are to have.

    Signals:
        changed: something else is chosen.
    """

    changed = Signal()

    def __init__(self, theme: Theme, panel: AskPanel) -> None:
        """Chooses the rows that were held back."""
        super().__init__()
        self._panel = panel
        self._present: DataSpec | None = None
        self.source = QComboBox()
        self.source.setAccessibleName(self.tr("Rows to evaluate on"))
        self.source.addItem(self.tr("Rows held back"), HELD)
        self.source.addItem(self.tr("The present data"), PRESENT)
        self.source.addItem(self.tr("A data file"), FILE)
        leave_wheel(self.source)
        self.file = PathLine()
        self.file.setAccessibleName(self.tr("Data file"))
        self.file.setPlaceholderText(self.tr("A data file or a version"))
        self._browse = icon_button(theme, "folder", self.tr("Choose a data file"), self._choose)
        self.count = QSpinBox()
        self.count.setRange(0, _MOST_ROWS)
        self.count.setValue(_ROWS)
        self.count.setSpecialValueText(self.tr("All"))
        self.count.setAccessibleName(self.tr("Rows at most"))
        self.count.setToolTip(self.tr("So many rows at most; 0: all"))
        align_number(self.count)
        leave_wheel(self.count)
        self.drawn = self._box(self.tr("Drawn"), self.tr("Drawn by the sampling's seed, not the first ones"))
        self.drawn.setChecked(True)
        self.answers = self._box(self.tr("Have them answered"), self.tr("Answers take far longer than losses"))
        self.answers.setChecked(True)
        self.match = QLineEdit()
        self.match.setAccessibleName(self.tr("Answers are to match"))
        self.match.setPlaceholderText(self.tr("Expression they are to match"))
        place = row(self.file, self._browse)
        place.setStretch(0, 1)
        self._place = holder(place)
        where = row(self.source, self._place, None)
        where.setStretch(1, 1)
        where.setStretch(2, 0)
        many = row(label(self.tr("Rows"), "muted"), self.count, self.drawn, None)
        how = row(self.answers, self.match)
        how.setStretch(1, 1)
        self._boxes = row(many, how)
        self._boxes.setStretch(1, 1)
        self.setLayout(column(where, self._boxes, spacing=GRID))
        for signal in (
            *(self.source.currentIndexChanged, self.file.textChanged, self.count.valueChanged, self.drawn.toggled),
            *(self.answers.toggled, self.match.textChanged, panel.changed),
        ):
            signal.connect(self._offer)
        self._offer()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lays the boxes out below each other where they have no room side by side."""
        narrow = event.size().width() < _NARROW_PX
        self._boxes.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        super().resizeEvent(event)

    def offer_present(self, data: DataSpec | None) -> None:
        """Takes the data that is open; None: there is none, or it cannot be known while a setting is wrong."""
        self._present = data
        tip = as_tip(sound(data.path)) if data is not None else None
        self.source.setItemData(self.source.findData(PRESENT), tip, Qt.ItemDataRole.ToolTipRole)
        self._offer()

    def left_open(self) -> Chosen:
        """Returns what is chosen."""
        boxes = (self.drawn.isChecked(), self.answers.isChecked())
        return Chosen(self.source.currentData(), self.file.text(), self.count.value(), *boxes, self.match.text())

    def take_up(self, chosen: Chosen) -> None:
        """Chooses what was chosen before."""
        self.source.setCurrentIndex(max(0, self.source.findData(chosen.source)))
        self.file.setText(chosen.file)
        self.count.setValue(chosen.most)
        self.drawn.setChecked(chosen.drawn)
        self.answers.setChecked(chosen.answers)
        self.match.setText(chosen.match)

    def missing(self) -> str:
        """Says what is not chosen yet; empty: nothing."""
        if not self._panel.model():
            return self.tr("Choose a base model first.")
        if self.source.currentData() == FILE and not self.file.text().strip():
            return self.tr("Choose a data file.")
        if self.source.currentData() == PRESENT and self._present is None:
            return self.tr("Open data first, or correct the settings that are wrong.")
        if self.source.currentData() == HELD and evaluations.trained(self._panel.entries()) is None:
            return self.tr("Choose an adapter that was trained here, or a data file.")
        return ""

    def rows(self) -> tuple[RunConfig, str]:
        """Returns the config whose rows are chosen, and the fingerprint that its data is to have.

        Raises:
            StudioError: (config) what is known of the adapter cannot be, or no file can have such a name.
        """
        first = evaluations.trained(self._panel.entries())
        if self.source.currentData() == HELD and first is not None:
            return evaluations.held_for(first)
        data: dict[str, Any] = {"path": self.file.text().strip()}
        if self.source.currentData() == PRESENT and self._present is not None:
            present = self._present
            data = {"path": present.path, "format": present.format, "mapping": dict(present.mapping)}
        return config_file.resolved(evaluations.on_data(data, first), Path.cwd()), ""

    def request(self) -> tuple[Evaluate, RunConfig]:
        """Returns what to ask for, and the config whose rows they are; raises as `rows` does."""
        config, known = self.rows()
        sampling = self._panel.sampling()
        asked = Evaluate(
            config=to_dict(config),
            held=self.source.currentData() == HELD,
            known=known,
            count=self.count.value(),
            drawn_by=sampling.seed if self.drawn.isChecked() else None,
            answers=self.answers.isChecked(),
            match=sound(self.match.text()) if self.answers.isChecked() else "",
            model=self._panel.model(),
            adapters=[None, *(entry.name for entry in self._panel.entries())],
            sampling=sampling,
        )
        return asked, config

    def warnings(self) -> list[str]:
        """Says which adapters may know the rows that are chosen."""
        return evaluations.warnings(self._panel.entries()) if self.source.currentData() == HELD else []

    def _box(self, text: str, tip: str) -> QCheckBox:
        made = QCheckBox(text)
        made.setAccessibleName(text)
        made.setToolTip(tip)
        return made

    def _offer(self, *_: object) -> None:
        named = self.source.currentData() == FILE
        self._place.setVisible(named)
        self.match.setEnabled(self.answers.isChecked())
        self.changed.emit()

    def _choose(self) -> None:
        chosen = drops.choose_data(self)
        if chosen is not None:
            self.file.setText(str(chosen))
