"""Tables over the core's data: rows of a data file, its rejected rows, and the adapter library. No widgets."""

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QFont

from studio.core import methods
from studio.core.entry import rank
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.units import moment, size
from studio.ui import turns, words
from studio.ui.parts import as_tip, sound
from studio.ui.row_source import Shown
from studio.ui.theme import Theme

if TYPE_CHECKING:
    from studio.ui.row_source import RowSource

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()
ROW, LENGTH, STATUS = range(3)
_FIXED = 3
_CACHE = 2000
_MOST_WANTED = 300
_TURN_S, _PAUSE_MS = 0.006, 2
_HEAD = 5
_CELL = 240
_MOST_COLUMNS = 16
_LEAST_LETTERS, _MOST_LETTERS = 8, 80
_DISPLAY, _USER = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole
_TIP, _COLOUR, _FONT = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.ForegroundRole, Qt.ItemDataRole.FontRole


class DatasetTable(QAbstractTableModel):
    """Rows of a file or a version; only those that are looked at are read, a few in each turn of the event loop.

    `Qt.UserRole` gives a row's place, or None.

    Signals:
        failed: a `StudioError`: rows cannot be read any more.
    """

    failed = Signal(object)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        """Starts without rows."""
        super().__init__(parent)
        self._theme = theme
        self.source: RowSource | None = None
        self._count = 0
        self._places: Any = None
        self._shown: Any = None
        self.columns: list[str] = []
        self._lines: OrderedDict[int, Line] = OrderedDict()
        self._wanted: OrderedDict[int, int] = OrderedDict()
        self._spent_s, self._broken = 0.0, False
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._fill)

    def set_source(self, source: "RowSource | None") -> None:
        """Shows other rows, or none."""
        self.beginResetModel()
        self.source, self._shown, self.columns, self._broken = source, None, [], False
        self._take()
        self.endResetModel()

    def refresh(self) -> None:
        """Shows the same source after it changed; what is read is read anew, and a choice of rows stays."""
        before = self._count
        self._lines.clear()
        self._take()
        if self._count != before:
            self.beginResetModel()
            self.endResetModel()
        elif self._count:
            self.dataChanged.emit(self.index(0, 0), self.index(self._count - 1, self.columnCount() - 1))

    def grow(self) -> None:
        """Shows the rows that have become known since."""
        if self.source is None or self._shown is not None:
            return
        count = len(self.source)
        if count > self._count:
            self._forget_lost()
            if not self.columns:
                self.beginResetModel()
                self._take()
                self.endResetModel()
                return
            self.beginInsertRows(NOWHERE, self._count, count - 1)
            self._count = count
            self.endInsertRows()

    def show_only(self, places: Any) -> None:
        """Shows these rows (int64, in this order); None: all."""
        self.beginResetModel()
        self._shown = places
        self._forget_lost()
        self._recount()
        self.endResetModel()

    def place(self, at: int) -> int | None:
        """Returns the place of the row that is shown at `at`."""
        if not 0 <= at < self._count:
            return None
        if self._shown is not None:
            return int(self._shown[at])
        return at if self._places is None else int(self._places[at])

    def find(self, place: int) -> int:
        """Returns where the row of a place is shown; -1: it is not."""
        shown = self._shown if self._shown is not None else self._places
        if shown is None:
            return place if place < self._count else -1
        found = (shown == place).nonzero()[0]
        return int(found[0]) if len(found) else -1

    def shown(self) -> Any:
        """Returns the places chosen to be shown; None: all are."""
        return self._shown

    def length(self, section: int) -> int:
        """Returns how many letters a column wants by its name and its first rows, within bounds."""
        texts = [self.headerData(section, Qt.Orientation.Horizontal)]
        texts += [self.data(self.index(at, section)) for at in range(min(self._count, _HEAD))]
        return max(_LEAST_LETTERS, min(max(map(len, texts)), _MOST_LETTERS))

    def row(self, at: int) -> Shown | None:
        """Reads the row shown at `at`, whole."""
        place = self.place(at)
        if self.source is None or place is None:
            return None
        return self.read(place)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns the number of rows shown."""
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns three for the row's number, length and status, and one for each of its columns."""
        return 0 if parent.isValid() or self.source is None else _FIXED + len(self.columns)

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, shortened; dots while it is not read yet."""
        place = self.place(index.row())
        if place is None or role == _USER:
            return place
        if role not in (_DISPLAY, _TIP, _COLOUR, _FONT):
            return None
        line = self._line(place, index.row())
        if line is None:
            dim = QColor(self._theme.palette.disabled) if role == _COLOUR else None
            return "\u00b7\u00b7\u00b7" if role == _DISPLAY else dim
        if role == _COLOUR:
            return self._colour(line, index.column())
        if role == _FONT:
            return _struck() if line.excluded and index.column() >= _FIXED else None
        if role == _TIP:
            return as_tip(words.sentence(line.fault)) or None if index.column() <= STATUS else None
        return line.cells[index.column()] if index.column() < len(line.cells) else ""

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names."""
        if role not in (_DISPLAY, _TIP) or orientation != Qt.Orientation.Horizontal:
            return None
        names = (self.tr("Row"), self.tr("Bytes"), self.tr("Status"))
        if section < _FIXED:
            return names[section] if role == _DISPLAY else None
        name = self.columns[section - _FIXED]
        return name if role == _DISPLAY else as_tip(name)

    def _take(self) -> None:
        """Looks at what the source has now."""
        self._lines.clear()
        self._places = self.source.places() if self.source is not None else None
        self._recount()
        if self.source is None or self.columns:
            return
        found: dict[str, None] = {}
        for at in range(min(self._count, _HEAD)):
            row = self.row(at)
            found |= dict.fromkeys(row.data) if row is not None and row.data is not None else {}
        self.columns = list(found)[:_MOST_COLUMNS]

    def _recount(self) -> None:
        known = len(self.source) if self.source is not None else 0
        self._count = known if self._shown is None else len(self._shown)

    def _line(self, place: int, at: int) -> "Line | None":
        if place not in self._lines:
            # A few rows are read at once; what takes longer waits, so that the window never does.
            if self._spent_s > _TURN_S:
                self._want(place, at)
                return None
            self._read(place)
            if not self._turn.isActive():
                self._turn.start(0)
        return self._lines.get(place)

    def _want(self, place: int, at: int) -> None:
        self._wanted[place] = at
        if len(self._wanted) > _MOST_WANTED:
            self._wanted.popitem(last=False)
        if not self._turn.isActive():
            self._turn.start(0)

    def _fill(self) -> None:
        self._spent_s = 0.0
        while self._wanted and self._spent_s <= _TURN_S:
            place, at = self._wanted.popitem()
            self._read(place)
            if self.place(at) == place:
                self.dataChanged.emit(self.index(at, 0), self.index(at, self.columnCount() - 1))
        if self._wanted:
            self._turn.start(_PAUSE_MS)

    def _read(self, place: int) -> None:
        started = time.perf_counter()
        self._lines[place] = self._made(self.read(place))
        if len(self._lines) > _CACHE:
            self._lines.popitem(last=False)
        self._spent_s += time.perf_counter() - started

    def read(self, place: int) -> Shown:
        """Reads a row; of one that cannot be read, why."""
        assert self.source is not None
        try:
            return self.source.read(place)
        except IndexError:
            fault = self.tr("This row is not known yet, or not there any more: open the data again.")
        except StudioError as error:
            fault = words.sentences(error)
            if not self._broken:
                self._broken = True
                self.failed.emit(error)
        return Shown(place, place, fault=fault, lost=True)

    def _forget_lost(self) -> None:
        """Has rows that could not be read be read once more: they may have become known."""
        for place in [place for place, line in self._lines.items() if line.lost]:
            del self._lines[place]

    def _made(self, row: Shown) -> "Line":
        said = [self.tr("excluded")] if row.excluded else [self.tr("rejected")] if row.fault else []
        said = [self.tr("unreadable")] if row.lost else said
        said += [self.tr("edited")] if row.edited else []
        number = f"{row.source}:{row.number}" if row.source else str(row.number)
        raw = row.fault if row.lost else row.raw
        data = row.data if row.data is not None else {self.columns[0]: raw} if self.columns else {}
        cells = [number, "" if row.lost else f"{row.length:,}", words.listed([*said, *row.tags])]
        return Line(cells + [cell(data.get(name)) for name in self.columns], row.excluded, row.fault, row.lost)

    def _colour(self, line: "Line", column: int) -> QColor | None:
        palette = self._theme.palette
        if line.excluded:
            return QColor(palette.muted)
        if line.fault and column <= STATUS:
            return QColor(palette.bad)
        return QColor(palette.muted) if column < _FIXED else None


class Line(NamedTuple):
    """What is kept of a row that was read: its cells' texts, not its data, which may be a megabyte."""

    cells: list[str]
    excluded: bool
    fault: str
    lost: bool


def _struck() -> QFont:
    font = QFont()
    font.setStrikeOut(True)
    return font


def cell(value: Any) -> str:
    """Returns a value in one short line; a conversation as its turns."""
    said = turns.told(value)
    text = "   ".join(f"{who}: {text}" for who, text in said) if said else turns.text_of(value)
    return " ".join(sound(text[: 2 * _CELL]).split())[:_CELL]


class RejectedTable(QAbstractTableModel):
    """The rows of a data file that cannot be used, with line and reason."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self._items: list[dict[str, Any]] = []

    def set_items(self, items: list[dict[str, Any]]) -> None:
        """Shows other rows."""
        self.beginResetModel()
        self._items = items
        self.endResetModel()

    def item(self, at: int) -> dict[str, Any]:
        """Returns what is known of the row at a place in the list."""
        return self._items[at]

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns the number of rejected rows."""
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns 3: row, line, reason."""
        return 3

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text."""
        if role != _DISPLAY:
            return None
        item = self._items[index.row()]
        source = f"{item['source']}:" if item.get("source") else ""
        return (f"{source}{item['row']}", str(item["line"] or "\u2013"), words.sentence(item["reason"]))[index.column()]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names."""
        if role == _DISPLAY and orientation == Qt.Orientation.Horizontal:
            return (self.tr("Row"), self.tr("Line"), self.tr("Why it cannot be used"))[section]
        return None


class AdapterTable(QAbstractTableModel):
    """The adapters of the library; `Qt.UserRole` gives the `Entry`."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self._theme = theme
        self.items: list[Entry] = []

    def set_items(self, items: list[Entry]) -> None:
        """Shows other adapters."""
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Returns the number of adapters."""
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Returns the number of columns."""
        return 8

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, what it sorts by (`InitialSortOrderRole`), its colour, or the `Entry`."""
        entry = self.items[index.row()]
        if role == _USER:
            return entry
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            return sort_key(entry, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tip(words.sentence(entry.fault) or texts(entry)[index.column()])
        if role == _COLOUR:
            return QColor(self._theme.palette.bad) if entry.fault else None
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


def texts(entry: Entry) -> tuple[str, ...]:
    """Returns the cells of an adapter's row."""
    made = moment(entry.created_s) if entry.created_s else ""
    title = f"{entry.title or entry.name}{_tr('  (damaged)') if entry.fault else ''}"
    losses = (entry.metrics.get("loss"), entry.metrics.get("eval_loss"))
    shown = [f"{value:.4f}" if isinstance(value, float) else "" for value in losses]
    data = entry.data.path.replace("\\", "/").rsplit("/", 1)[-1]
    base = entry.base.path.replace("\\", "/").rsplit("/", 1)[-1]
    kind = _tr("full") if entry.is_model else f"{_method(entry)} {rank(entry) or ''}".strip()
    return (title, base, data, made, kind, size(entry.weights_bytes), *shown)


def _method(entry: Entry) -> str:
    """Returns what an adapter was made by, where its run says that it is another method than LoRA."""
    about = entry.config.get("adapter", {})
    method = about.get("method", "lora")
    return methods.title_of(method) if isinstance(method, str) and method != "lora" else ""


def sort_key(entry: Entry, column: int) -> Any:
    """Returns what a column is sorted by."""
    numbers = {
        3: entry.created_s,
        4: math.inf if entry.is_model else rank(entry) or 0,
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
