"""Tables over the core's data: rows of a data file, its rejected rows, and the adapter library. No widgets."""

import json
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt

from studio.core.library import Entry
from studio.core.units import size
from studio.ui import words

if TYPE_CHECKING:
    from studio.core.datasets import Dataset, Rejected, Row

Index = QModelIndex | QPersistentModelIndex
_CACHE = 512
_CELL = 240
_MOST_COLUMNS = 16
_DISPLAY, _USER = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole


class DatasetTable(QAbstractTableModel):
    """The usable rows of a data file; only rows that are looked at are read. `Qt.UserRole` gives the `Row`."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts without a file."""
        super().__init__(parent)
        self.dataset: Dataset | None = None
        self._found: Any = None
        self._columns: list[str] = []
        self._cache: OrderedDict[int, Row] = OrderedDict()

    def set_dataset(self, dataset: "Dataset | None") -> None:
        """Shows a file's rows, or nothing."""
        self.beginResetModel()
        self.dataset, self._found = dataset, None
        self._cache.clear()
        self._columns = list(dataset[0].data)[:_MOST_COLUMNS] if dataset is not None and len(dataset) else []
        self.endResetModel()

    def search(self, text: str) -> None:
        """Shows only the rows that hold `text` anywhere, in any letter case; all of them for no text."""
        self.beginResetModel()
        self._found = None
        if text and self.dataset is not None:
            # Loaded with the first search, not with the window.
            import pyarrow.compute as pc

            rows = self.dataset.table.column("row")
            # The row is JSON: a letter may stand there as itself or escaped.
            masks = [
                pc.match_substring(rows, json.dumps(text, ensure_ascii=escaped)[1:-1], ignore_case=True)
                for escaped in (False, True)
            ]
            self._found = pc.indices_nonzero(pc.or_(*masks)).to_numpy()
        self.endResetModel()

    def row(self, index: int) -> "Row | None":
        """Returns the row shown at a place."""
        if self.dataset is None or not 0 <= index < self.rowCount():
            return None
        at = int(self._found[index]) if self._found is not None else index
        if at not in self._cache:
            self._cache[at] = self.dataset[at]
            if len(self._cache) > _CACHE:
                self._cache.popitem(last=False)
        return self._cache[at]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns the number of rows shown."""
        if parent.isValid() or self.dataset is None:
            return 0
        return len(self.dataset) if self._found is None else len(self._found)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns one for the row's number, and one for each of its columns."""
        return 0 if parent.isValid() or self.dataset is None else 1 + len(self._columns)

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, shortened, or the `Row`."""
        if role not in (_DISPLAY, _USER):
            return None
        row = self.row(index.row())
        if row is None or role == _USER:
            return row
        return str(row.number) if index.column() == 0 else cell(row.data.get(self._columns[index.column() - 1]))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names."""
        if role == _DISPLAY and orientation == Qt.Orientation.Horizontal:
            return self.tr("Row") if section == 0 else self._columns[section - 1]
        return None


def cell(value: Any) -> str:
    """Returns a value in one short line; a conversation as its turns."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "content" in item for item in value):
        text = "   ".join(f"{item.get('role', '?')}: {item['content']}" for item in value)
    elif isinstance(value, str):
        text = value
    else:
        text = "" if value is None else json.dumps(value, ensure_ascii=False)
    return " ".join(text[: 2 * _CELL].split())[:_CELL]


class RejectedTable(QAbstractTableModel):
    """The rows of a data file that cannot be used, with line and reason."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self._items: list[Rejected] = []

    def set_items(self, items: "list[Rejected]") -> None:
        """Shows other rows."""
        self.beginResetModel()
        self._items = items
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns the number of rejected rows."""
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns 3: row, line, reason."""
        return 3

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text."""
        if role != _DISPLAY:
            return None
        item = self._items[index.row()]
        return (str(item.row), str(item.line or "-"), words.sentence(item.reason))[index.column()]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names."""
        if role == _DISPLAY and orientation == Qt.Orientation.Horizontal:
            return (self.tr("Row"), self.tr("Line"), self.tr("Why it cannot be used"))[section]
        return None


class AdapterTable(QAbstractTableModel):
    """The adapters of the library; `Qt.UserRole` gives the `Entry`."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self.items: list[Entry] = []

    def set_items(self, items: list[Entry]) -> None:
        """Shows other adapters."""
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns the number of adapters."""
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns the number of columns."""
        return 8

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, what it sorts by (`InitialSortOrderRole`), or the `Entry`."""
        entry = self.items[index.row()]
        if role == _USER:
            return entry
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            return sort_key(entry, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return words.sentence(entry.fault) or None
        return texts(entry)[index.column()] if role == _DISPLAY else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names."""
        if role != _DISPLAY or orientation != Qt.Orientation.Horizontal:
            return None
        names = (
            self.tr("Name"),
            self.tr("Base"),
            self.tr("Data"),
            self.tr("Date"),
            self.tr("Rank"),
            self.tr("Size"),
            self.tr("Loss"),
            self.tr("Eval loss"),
        )
        return names[section]


def rank(entry: Entry) -> Any:
    """Returns an adapter's rank; None: not known."""
    adapter = entry.config.get("adapter")
    return adapter.get("r") if isinstance(adapter, dict) else None


def texts(entry: Entry) -> tuple[str, ...]:
    """Returns the cells of an adapter's row."""
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.created_s)) if entry.created_s else ""
    title = f"{entry.title or entry.name}{_tr('  (damaged)') if entry.fault else ''}"
    losses = (entry.metrics.get("loss"), entry.metrics.get("eval_loss"))
    shown = [f"{value:.4f}" if isinstance(value, float) else "" for value in losses]
    data = entry.data.path.replace("\\", "/").rsplit("/", 1)[-1]
    base = entry.base.path.replace("\\", "/").rsplit("/", 1)[-1]
    return (title, base, data, made, str(rank(entry) or ""), size(entry.weights_bytes), *shown)


def sort_key(entry: Entry, column: int) -> Any:
    """Returns what a column is sorted by."""
    numbers = {
        3: entry.created_s,
        4: rank(entry) or 0,
        5: entry.weights_bytes,
        6: entry.metrics.get("loss"),
        7: entry.metrics.get("eval_loss"),
    }
    if column in numbers:
        number = numbers[column]
        return float(number) if isinstance(number, int | float) else float("inf")
    return texts(entry)[column].casefold()


def _tr(text: str) -> str:
    return QCoreApplication.translate("tables", text)
