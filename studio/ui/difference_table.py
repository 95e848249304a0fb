"""The table of runs side by side: how each came out, and the settings in which they differ. No widgets."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from studio.core.differences import Outcome
from studio.ui import words
from studio.ui.parts import as_tip, sound
from studio.ui.tables import NOWHERE, Index

_DISPLAY, _TIP = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole
_FIGURES = 4
_NONE = "\u2013"


class DifferenceTable(QAbstractTableModel):
    """A column a run; what each came to is above the settings that differ.

    Attributes:
        names: of the runs.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self.names: list[str] = []
        self._settings: dict[str, list[Any]] = {}
        self._lines: list[list[str]] = []

    def show_runs(self, names: Sequence[str], settings: dict[str, list[Any]]) -> None:
        """Shows other runs; `settings` has of each key one value a run."""
        self.beginResetModel()
        self.names, self._settings = list(names), settings
        self._lines = [[name] + [""] * len(names) for name in self._figures()]
        self._lines += [[key, *map(_text, values)] for key, values in settings.items()]
        self.endResetModel()

    def show_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Shows how the runs stand now."""
        told = [
            [_number(item.loss) for item in outcomes],
            [_number(item.eval_loss) for item in outcomes],
            [f"{item.trained_tokens:,}" for item in outcomes],
            [words.duration(item.train_s) for item in outcomes],
        ]
        if told != [line[1:] for line in self._lines[:_FIGURES]]:
            for line, values in zip(self._lines, told, strict=False):
                line[1:] = values
            self.dataChanged.emit(self.index(0, 1), self.index(_FIGURES - 1, len(outcomes)))

    def text(self) -> str:
        """Returns all of it as text: lines of cells between tabs."""
        return "\n".join("\t".join(line) for line in [["", *self.names], *self._lines])

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns how many lines there are."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns the number of runs and one for what is told of them."""
        return 0 if parent.isValid() else 1 + len(self.names)

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, which is its tip too."""
        text = self._lines[index.row()][index.column()]
        return sound(text) if role == _DISPLAY else as_tip(text) if role == _TIP else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the runs' names."""
        if orientation == Qt.Orientation.Horizontal and role in (_DISPLAY, _TIP):
            return ["", *map(as_tip, self.names)][section]
        return None

    def _figures(self) -> list[str]:
        return [self.tr("Last loss"), self.tr("Best eval loss"), self.tr("Trained tokens"), self.tr("Time in steps")]


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.4f}"


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if value is not None else _NONE
