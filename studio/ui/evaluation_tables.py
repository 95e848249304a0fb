"""The tables of an evaluation: what is said of each column in all, and its rows. No widgets."""

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QObject, Qt
from PySide6.QtGui import QFont

from studio.core import measures, scores
from studio.core.evaluations import Result
from studio.core.summaries import Figure, Summary, gains
from studio.core.units import percent
from studio.ui.parts import as_tip, sound
from studio.ui.tables import NOWHERE, Index

_DISPLAY, _USER = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole
_TIP, _ALIGN, _FONT = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.TextAlignmentRole, Qt.ItemDataRole.FontRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NONE = "\u2013"
_TEXTS = 3  # the columns of rows before those of figures: a number and two texts
_MOST_LETTERS = 300


def titles() -> dict[str, tuple[str, str]]:
    """Returns what each measure is called, and what it means."""
    return {
        "loss": (
            _tr("Loss"),
            _tr("As training tells it: the mean of a learned token in nats; of two answers that of a row"),
        ),
        "reward": (
            _tr("Reward"),
            _tr("By how much a good answer is likelier than under the bare base, or a bad one less likely"),
        ),
        "reward_accuracy": (
            _tr("Reward accuracy"),
            _tr("In how many rows a good answer is likelier than under the bare base, or a bad one less likely"),
        ),
        "preferred": (
            _tr("Preferred"),
            _tr("In how many rows the better answer gained on the worse one, or by ORPO and SimPO is likelier"),
        ),
        "likelier": (_tr("Likelier"), _tr("In how many rows the better answer is likelier than the worse one")),
        "exact": (_tr("Exact"), _tr("How many answers are the row's own, but for space around them")),
        "contains": (_tr("Contains"), _tr("How many answers have the row's own within them")),
        "f1": (_tr("Words (F1)"), _tr("How many words an answer has in common with the row's own, in any order")),
        "rouge_l": (_tr("ROUGE-L"), _tr("How many words an answer has in common with the row's own, in their order")),
        "json": (_tr("JSON"), _tr("How many answers are JSON, of the rows whose own answer is")),
        "json_equal": (_tr("Same JSON"), _tr("How many answers say in JSON what the row's own says")),
        "match": (_tr("Match"), _tr("How many answers have what the expression asks for")),
    }


class FiguresTable(QAbstractTableModel):
    """A line for the base and each adapter, with what was measured, the best of each marked."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self._heads: list[tuple[str, str]] = []
        self._lines: list[list[str]] = []
        self._best: set[tuple[int, int]] = set()

    def show_summary(self, names: Sequence[str], summary: Summary) -> None:
        """Shows what is known now."""
        self.beginResetModel()
        said, self._best = titles(), set()
        self._heads, self._lines = [("", "")], [[sound(name)] for name in names]
        lies = _tr("In brackets where it lies with 95 %; * the best.")
        # Beside the loss by tokens that by rows says little more.
        for key in (key for key in summary.measures() if key != "row_loss"):
            figures, best = summary.figures(key)
            self._best |= {(at, len(self._heads)) for at in best}
            self._heads.append((said[key][0], f"{said[key][1]}\n{lies}"))
            for at, line in enumerate(self._lines):
                line.append(_figure(figures[at], key) if at in figures else _NONE)
            if key == "loss" and "likelier" not in summary.measures():
                self._heads.append((_tr("Perplexity"), _tr("Among how many equally likely tokens a choice is as hard")))
                for at, line in enumerate(self._lines):
                    line.append(f"{scores.perplexity(figures[at].mean):,.2f}")
            if key in ("loss", "reward") and len(names) > 1:
                self._compare(summary, key)
        self.endResetModel()

    def _compare(self, summary: Summary, key: str) -> None:
        """Adds in how many rows each is better than the base."""
        tip = _tr(
            "In how many rows this is better than the base's, in how many worse, and how likely that is by chance"
        )
        self._heads.append((_tr("Better / worse"), tip))
        for at, line in enumerate(self._lines):
            line.append(_beside(summary.figure(at, key)) if at else _NONE)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns how many are measured."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns one for the name and those of the measures."""
        return 0 if parent.isValid() else len(self._heads)

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, its side, or bold letters for the best."""
        best = (index.row(), index.column()) in self._best
        if role == _DISPLAY:
            return self._lines[index.row()][index.column()] + (" *" if best else "")
        if role == _ALIGN and index.column():
            return _RIGHT
        if role == _FONT and best:
            bold = QFont()
            bold.setBold(True)
            return bold
        return as_tip(self._lines[index.row()][0]) if role == _TIP and not index.column() else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the measures' names, their side, and what they mean."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._heads):
            return None
        if role == _ALIGN and section:
            return _RIGHT
        return self._heads[section][role == _TIP] if role in (_DISPLAY, _TIP) else None


class RowsTable(QAbstractTableModel):
    """Rows of an evaluation with what one measure says of each column; `Qt.UserRole` gives the `Result`.

    Attributes:
        rows: those shown, in their order.
        measure: what is told of them.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self.rows: list[Result] = []
        self.measure = "loss"
        self._names: list[str] = []

    def show_rows(self, rows: list[Result], names: Sequence[str], measure: str) -> None:
        """Shows other rows, or others of their figures."""
        self.beginResetModel()
        self.rows, self._names, self.measure = rows, [sound(name) for name in names], measure
        self.endResetModel()

    def find(self, number: int) -> int:
        """Returns where the row of a number is shown; -1: it is not."""
        return next((at for at, row in enumerate(self.rows) if row.row == number), -1)

    @property
    def figures(self) -> int:
        """How many columns have figures: one for each that read, and what the worst adapter gained."""
        return len(self._names) + (len(self._names) > 1)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns how many rows are shown."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns those of texts and of figures."""
        return 0 if parent.isValid() else _TEXTS + self.figures

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, its tip, its side, or the whole row."""
        row, at = self.rows[index.row()], index.column()
        if role == _USER:
            return row
        if role == _ALIGN and (not at or at >= _TEXTS):
            return _RIGHT
        if role == _TIP and 0 < at < _TEXTS:
            return as_tip(sound((row.asked, row.own)[at - 1][:_MOST_LETTERS]))
        if role != _DISPLAY:
            return None
        if at < _TEXTS:
            return (f"{row.place[1]}", *map(_short, (row.asked, row.own)))[at]
        if at - _TEXTS < len(self._names):
            return _value(self.measure, row.measured[at - _TEXTS].get(self.measure))
        worst = min(gains(row, self.measure), default=math.nan)
        return _NONE if math.isnan(worst) else f"{worst:+.4g}".replace("-", "\u2212")

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names, their side, and what they mean."""
        if orientation != Qt.Orientation.Horizontal or section >= self.columnCount():
            return None
        if role == _ALIGN and (not section or section >= _TEXTS):
            return _RIGHT
        texts = [
            (_tr("Row"), _tr("Its number in its file, from 0")),
            (_tr("Asked"), _tr("What stands before its last answer")),
            (_tr("Its own answer"), _tr("Its last answer, of two the better one, or its text")),
            *((name, as_tip(name)) for name in self._names),
            (_tr("Gained"), _tr("By how much the worst of the adapters is better than the base here")),
        ]
        return texts[section][role == _TIP] if role in (_DISPLAY, _TIP) else None


def said_of(row: Result, at: int) -> str:
    """Says what was measured of a row's column, in one line."""
    said = titles()
    return "  \u00b7  ".join(f"{said[key][0]} {_value(key, value)}" for key, value in row.measured[at].items())


def _value(key: str, value: float | None) -> str:
    if value is None:
        return _NONE
    if key in measures.SHARES:
        return _tr("yes") if value else _tr("no")
    return f"{value:.4f}" if key in measures.LOSSES else f"{value:.2f}"


def _figure(figure: Figure, key: str) -> str:
    if key in measures.SHARES:
        return f"{percent(figure.mean)} ({percent(figure.low)}\u2013{percent(figure.high)})"
    digits = 4 if key in measures.LOSSES else 3
    mean = f"{figure.mean:.{digits}f}"
    return mean if figure.rows < 2 else f"{mean} ({figure.low:.{digits}f}\u2013{figure.high:.{digits}f})"


def _beside(figure: Figure | None) -> str:
    if figure is None:
        return _NONE
    return f"{figure.better:,} / {figure.worse:,} ({percent(figure.chance)})"


def _short(text: str) -> str:
    return sound(" ".join(text[: 4 * _MOST_LETTERS].split())[:_MOST_LETTERS])


def _tr(text: str) -> str:
    return QCoreApplication.translate("evaluation_tables", text)
