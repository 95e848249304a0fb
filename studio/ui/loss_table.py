"""A table of rows with their losses. No widgets."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from studio.ui.parts import as_tip, sound
from studio.ui.tables import NOWHERE, Index

# What the columns are ordered by; the others are not.
_LOSS, _ABOVE, CHANGE, STEP, TOKENS = 1, 2, 3, 4, 5
ORDERS = {_LOSS: "loss", _ABOVE: "above", CHANGE: "change"}
NUMBERS = 6  # the columns before those of texts
_DISPLAY, _USER = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole
_TIP, _ALIGN = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.TextAlignmentRole


class LossTable(QAbstractTableModel):
    """Rows with their losses, as `studio runs rows` tells them; `Qt.UserRole` gives what it tells of one.

    Attributes:
        items: the rows.
        order: what they are ordered by.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self.items: list[dict[str, Any]] = []
        self.order = "above"

    def order_by(self, order: str) -> None:
        """Marks the column that rows are to be ordered by."""
        self.order = order
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.columnCount() - 1)

    def set_items(self, items: list[dict[str, Any]]) -> None:
        """Shows other rows."""
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns how many rows are shown."""
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns 8."""
        return 8

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, its tip, its side, or all that is known of the row."""
        item = self.items[index.row()]
        if role == _USER:
            return item
        if role == _ALIGN and index.column() < NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == _TIP and index.column() >= NUMBERS:
            return as_tip(_cells(item)[index.column()])
        return _cells(item)[index.column()] if role == _DISPLAY else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names, their side, and what they mean."""
        if role == _ALIGN and section < NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if orientation != Qt.Orientation.Horizontal or role not in (_DISPLAY, _TIP):
            return None
        names = (
            (
                self.tr("Row"),
                self.tr("Its number in its file, from 0; in a version of several behind the file's own"),
            ),
            (self.tr("Loss"), self.tr("Its loss the last time it was trained on (key L)")),
            (
                self.tr("Above"),
                self.tr("How far its loss lay above that of the rows beside it, the mean over all its tokens (key A)"),
            ),
            (self.tr("Change"), self.tr("Its loss the last time less that of the first time (key C)")),
            (self.tr("Step"), self.tr("The step it was last in")),
            (self.tr("Tokens"), self.tr("Its tokens that are learned")),
            (self.tr("Asked"), self.tr("The beginning of what its last answer answers")),
            (self.tr("Answer"), self.tr("The beginning of its last answer, or of its text")),
        )
        # The style's own arrow would stand on the name of a column of numbers.
        mark = "\u2193 " if role == _DISPLAY and ORDERS.get(section) == self.order else ""
        return mark + names[section][role == _TIP]


def _cells(item: dict[str, Any]) -> Sequence[str]:
    again, loss, first = item["times"] > 1, item["loss"], item["first_loss"]
    change = None if loss is None or first is None else loss - first
    return (
        item["where"],
        _number(loss, "{:.4f}"),
        _number(item["above"], "{:+.4f}"),
        _number(change, "{:+.4f}") if again else "\u2013",
        f"{item['step']:,}",
        f"{item['tokens']:,}",
        sound(item["asked"]),
        sound(item["answer"]),
    )


def _number(value: float | None, form: str) -> str:
    return "NaN" if value is None else form.format(value).replace("-", "\u2212")
