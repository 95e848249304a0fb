"""A model's modules as a tree to tick, with a rank and an alpha for each branch."""

from typing import Any, overload

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
)

from studio.core import methods
from studio.core.branches import Branch, Branches, By, How, Name
from studio.core.config import AdapterSpec
from studio.core.units import short
from studio.ui.forms import written
from studio.ui.theme import GRID, Theme

MODULE, SHAPE, TRAINED, RANK, ALPHA, PARAMETERS = range(6)
_VALUES: dict[int, Name] = {RANK: "rank", ALPHA: "alpha"}
_NUMBERS = (RANK, ALPHA, PARAMETERS)
_WIDTHS_PX = {SHAPE: 19 * GRID, TRAINED: 13 * GRID, RANK: 10 * GRID, ALPHA: 10 * GRID, PARAMETERS: 13 * GRID}
_SHOWN = 200  # rows that a search opens

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_GONE = Branch("", "")


class BranchModel(QAbstractItemModel):
    """The rows of `Branches`, which Qt asks for as they are opened.

    Attributes:
        branches: what is ticked.
        by: what comes first.
        searched: whether only some modules are shown.

    Signals:
        edited: something is ticked otherwise, or has another rank.
        refused: a value was typed that cannot be; carries the setting it is of.
    """

    edited = Signal()
    refused = Signal(str)

    def __init__(self, branches: Branches, theme: Theme, parent: QObject | None = None) -> None:
        """Shows `branches`."""
        super().__init__(parent)
        self.branches, self._theme = branches, theme
        self.by: By = "kind"
        self.searched = False
        self._known = {id(one): one for one in branches.root.walk()}
        self._bold = QFont()
        self._bold.setWeight(QFont.Weight.DemiBold)

    def arrange(self, by: By, text: str) -> None:
        """Makes the rows anew."""
        self.beginResetModel()
        self.by, self.searched = by, bool(text.strip())
        self.branches.arrange(by, text)
        self._known = {id(one): one for one in self.branches.root.walk()}
        self.endResetModel()

    def branch(self, index: Index) -> Branch:
        """Returns what a row shows; of no row what holds them all."""
        # Qt may ask for a row of before, whose branch is gone.
        return self._known.get(index.internalId(), _GONE) if index.isValid() else self.branches.root

    def index(self, row: int, column: int, parent: Index = _NOWHERE) -> QModelIndex:
        """Returns the place of a row."""
        inner = self.branch(parent).children
        if not 0 <= row < len(inner) or not 0 <= column < self.columnCount():
            return QModelIndex()
        return self.createIndex(row, column, id(inner[row]))

    @overload
    def parent(self, /) -> QObject | None: ...

    @overload
    def parent(self, child: Index, /) -> QModelIndex: ...

    def parent(self, child: Index | None = None, /) -> QObject | QModelIndex | None:
        """Returns the place of the branch above; of no row what owns the model."""
        if child is None:
            return super().parent()
        above = self.branch(child).parent
        return QModelIndex() if above is None else self.place(above)

    def place(self, branch: Branch) -> QModelIndex:
        """Returns where a branch stands; what holds all rows stands nowhere."""
        return QModelIndex() if branch.parent is None else self.createIndex(branch.at, 0, id(branch))

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Returns how many rows lie in one."""
        return len(self.branch(parent).children) if parent.column() <= 0 else 0

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Returns how many columns there are."""
        return len(_WIDTHS_PX) + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Returns a column's title."""
        titles = (
            self.tr("Module"),
            self.tr("Shape"),
            self.tr("Trained"),
            self.tr("Rank"),
            self.tr("Alpha"),
            self.tr("Parameters"),
        )
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _aligned(section)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Says what can be done with a cell."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        branch, flags = self.branch(index), Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == MODULE and branch.tickable:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        if index.column() in _VALUES and branch.spans and self.branches.ranked:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Returns what a cell shows."""
        branch, column = self.branch(index), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(branch, column)
        if role == Qt.ItemDataRole.CheckStateRole and column == MODULE and branch.tickable:
            states = {True: Qt.CheckState.Checked, False: Qt.CheckState.Unchecked, None: Qt.CheckState.PartiallyChecked}
            return states[branch.state]
        if role == Qt.ItemDataRole.EditRole and column in _VALUES:
            return written(self.branches.value_of(branch, _VALUES[column]))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _aligned(column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(self._colour(branch, column))
        if role == Qt.ItemDataRole.FontRole and column in _VALUES and _VALUES[column] in branch.own:
            return self._bold
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(branch, column)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ticks a row, or gives it a rank or an alpha; an empty text has it that of the branch above."""
        branch, column = self.branch(index), index.column()
        if role == Qt.ItemDataRole.CheckStateRole:
            self.branches.tick(branch, on=branch.state is not True)
        elif role == Qt.ItemDataRole.EditRole and column in _VALUES:
            text, kind = str(value).strip(), _VALUES[column]
            if text == written(self.branches.value_of(branch, kind)):
                return True  # nothing was typed
            number = read(text, kind) if text else None
            if text and number is None:
                self.refused.emit(kind)
                return False
            self.branches.put(branch, kind, number)
        else:
            return False
        self.tell()
        return True

    def tell(self) -> None:
        """Tells that any row may be another now."""
        rows = self.rowCount()
        if rows:
            self.dataChanged.emit(self.index(0, 0), self.index(rows - 1, self.columnCount() - 1))
        self.edited.emit()

    def _text(self, branch: Branch, column: int) -> str:
        if column == MODULE:
            return f"{branch.label}  \u00d7 {len(branch.children):,}" if branch.same else branch.label
        if column == SHAPE:
            first = branch.children[0] if branch.same else branch
            return " \u00d7 ".join(f"{size:,}" for size in first.module.shape) if first.module is not None else ""
        if column == TRAINED:
            by = methods.title_of(self.branches.spec.method)
            names: dict[How, str] = {"lora": by, "whole": self.tr("whole"), "": ""}
            return names[branch.how] or self._reason(branch)[0]
        if column in _VALUES:
            if (span := branch.spans.get(_VALUES[column])) is None:
                return ""
            least, most = map(written, span)
            return least if least == most else f"{least}\u2013{most}"
        return short(branch.trained) if branch.trained else ""

    def _reason(self, branch: Branch) -> tuple[str, str]:
        """Returns why there can be no adapter on a module, in a few words and in a sentence; empty: there can."""
        first = branch.children[0] if branch.same else branch
        if first.module is None:
            return "", ""
        reasons = {
            "tied": (
                self.tr("tied"),
                self.tr("It shares its weight with the other end of the model; an adapter would change only one."),
            ),
            "alike": (self.tr("like experts"), self.tr("PEFT takes its name to mean this model's experts.")),
            "experts": (
                self.tr("not now"),
                self.tr("Experts take no dropout and no DoRA, and begin as default or gaussian."),
            ),
            "start": (
                self.tr("not now"),
                self.tr("The start of the update that is chosen needs linear layers, and this is none."),
            ),
            "method": (
                self.tr("not now"),
                self.tr("{method} goes on plain linear layers, and this is none.").format(
                    method=methods.title_of(self.branches.spec.method)
                ),
            ),
            "plain": ("", self.tr("LoRA goes on linear layers and embeddings, and this is none.")),
        }
        way = self.branches.able[first.name]
        few, sentence = reasons.get(way.why, ("", ""))
        if way.whole and sentence:
            return "", f"{sentence} {self.tr('It can be trained whole.')}"
        return few or (self.tr("not linear") if sentence else ""), sentence

    def _colour(self, branch: Branch, column: int) -> str:
        colours = self._theme.palette
        able = branch.able or branch.others
        inherited = column in _VALUES and _VALUES[column] not in branch.own
        return colours.muted if not able or inherited or column == SHAPE or not branch.trained else colours.text

    def _tip(self, branch: Branch, column: int) -> str:
        if column in _VALUES and branch.spans:
            kind = _VALUES[column]
            if kind not in branch.own:
                return self.tr("As the branch above; type a number to give this one its own.")
            return self.tr("Its own; delete it to have that of the branch above.")
        if column == PARAMETERS and branch.trained:
            return f"{branch.trained:,}"
        return "\n".join(filter(None, (branch.name if branch.module is not None else "", self._reason(branch)[1])))


class _Plain(QStyledItemDelegate):
    """Draws no frame around a cell: the row that keys go to is the chosen one."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus


class BranchView(QTreeView):
    """The tree: arrows move, Space ticks, Enter or a digit sets the rank, and letters are commands."""

    def __init__(self, model: BranchModel) -> None:
        """Shows `model`."""
        super().__init__()
        self.rows = model
        self.setItemDelegate(_Plain(self))
        self.setModel(model)
        self.setAccessibleName(self.tr("The model's modules"))
        self.setUniformRowHeights(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.AnyKeyPressed)
        self.setExpandsOnDoubleClick(False)
        self.setTabKeyNavigation(False)
        self.setIndentation(2 * GRID)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        for column in range(model.columnCount()):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(MODULE, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS_PX.items():
            header.resizeSection(column, width)
        for column in _VALUES:
            self.setColumnHidden(column, not model.branches.ranked)
        model.edited.connect(self.viewport().update)
        model.modelReset.connect(self.unfold)
        self.unfold()

    def unfold(self) -> None:
        """Opens what a search found; else the kinds, or the list of layers."""
        rows = list(self.rows.branches.root.walk())[1:]
        if self.rows.searched:
            opened = rows if len(rows) <= _SHOWN else []
        elif self.rows.by == "kind":
            opened = [one for one in rows if not one.same]
        else:
            opened = [one for one in rows if one.parent is self.rows.branches.root]
        for one in opened:
            self.setExpanded(self.rows.place(one), True)
        self.setCurrentIndex(self.rows.index(0, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Takes letters and digits for what they stand for."""
        index, key = self.currentIndex(), event.key()
        if self.state() == QAbstractItemView.State.EditingState:
            event.accept()  # an editor's Enter, which it leaves to others too
        elif event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Space:
            self.toggle(index)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2, Qt.Key.Key_R):
            self._edit(index.siblingAtColumn(RANK))
        elif key == Qt.Key.Key_A:
            self._edit(index.siblingAtColumn(ALPHA))
        elif key == Qt.Key.Key_W:
            self.train_whole()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            for column in _VALUES if self.rows.branches.ranked else ():
                self.rows.setData(index.siblingAtColumn(column), "")
        elif event.text().isdigit():
            self._edit(index.siblingAtColumn(RANK), event)
        else:
            super().keyPressEvent(event)

    def _edit(self, place: QModelIndex, event: QKeyEvent | None = None) -> None:
        """Opens an editor where a value can be; it is given the digit that was typed."""
        if not self.rows.flags(place) & Qt.ItemFlag.ItemIsEditable:
            return
        if event is None:
            self.edit(place)
        else:
            self.edit(place, QAbstractItemView.EditTrigger.AnyKeyPressed, event)

    def toggle(self, index: QModelIndex) -> None:
        """Ticks a row, or unticks it."""
        place = index.siblingAtColumn(MODULE)
        if self.rows.flags(place) & Qt.ItemFlag.ItemIsUserCheckable:
            self.rows.setData(place, None, Qt.ItemDataRole.CheckStateRole)

    def can_be_whole(self) -> bool:
        """Whether anything in the current row may be trained whole."""
        branch, able = self.rows.branch(self.currentIndex()), self.rows.branches.able
        return self.currentIndex().isValid() and any(able[leaf.name].whole for leaf in branch.leaves())

    def train_whole(self) -> None:
        """Has the current row trained whole, or not at all."""
        branch = self.rows.branch(self.currentIndex())
        if self.can_be_whole():
            if branch.how == "whole":
                self.rows.branches.tick(branch, on=False)
            else:
                self.rows.branches.train(branch, "whole")
            self.rows.tell()


def read(text: str, kind: Name) -> float | None:
    """Reads a rank or an alpha; None: it is none."""
    try:
        return AdapterSpec(r=int(text)).r if kind == "rank" else AdapterSpec(lora_alpha=float(text)).lora_alpha
    except ValueError:
        return None


def _aligned(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
