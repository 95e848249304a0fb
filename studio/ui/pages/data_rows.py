"""The rows: a table over all of them, the search over it, and what is done to single rows by key or button."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QPushButton, QSplitter, QWidget

from studio.core.desk import Tokens
from studio.core.versions import steps
from studio.core.versions.steps import Step
from studio.ui.pages.data_row import RowPane
from studio.ui.pages.data_search import RowSearch
from studio.ui.pages.data_steps import StepDialog
from studio.ui.parts import button, column, icon_button, row, shown_keys
from studio.ui.row_source import FileRows, Opened, RowSource, Shown, VersionRows
from studio.ui.session import Session
from studio.ui.table_view import TableView, dress
from studio.ui.tables import LENGTH, ROW, STATUS, DatasetTable
from studio.ui.theme import GRID

if TYPE_CHECKING:
    from studio.ui.row_source import Places


class RowsView(QWidget):
    """All rows of a file or a version.

    Attributes:
        keys: what is done to rows by a single key, and which.

    Signals:
        steps_wanted: (steps, what they do): something is to be done to rows.
        late_wanted: (an `Opened`, steps, what they do): so it is to rows that are no longer shown.
    """

    steps_wanted = Signal(list, str)
    late_wanted = Signal(object, list, str)

    def __init__(self, session: Session, request: Callable[[Shown], Tokens | str]) -> None:
        """Shows no rows; `request` as `RowPane` has it."""
        super().__init__()
        self._session = session
        self._found: Places | None = None
        self._chosen: Places | None = None
        self._status, self._roomy, self._folded = "", False, False
        self._sizing = self._dragged = False
        self.table_model = DatasetTable(session.theme, self)
        self.search = RowSearch(session.spare)
        self.search.found.connect(self._show_found)
        self.search.status_wanted.connect(self._show_status)
        self.search.cleared.connect(lambda: self.choose(None, ""))
        # Once they have been laid out.
        self.search.opened.connect(lambda: QTimer.singleShot(0, self, lambda: self._make_way(of_filters=True)))
        self.table = TableView(self._pressed)
        dress(self.table, self.table_model, self.tr("Rows"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.selectionModel().currentRowChanged.connect(self._show_row)
        header = self.table.horizontalHeader()
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._sort)
        header.sectionResized.connect(self._note_dragged)
        self.table.widened.connect(lambda: None if self._dragged else self._size_columns())
        self.pane = RowPane(session, request)
        self.pane.saved.connect(self._saved)
        self.pane.back_wanted.connect(self._go_back)
        self.pane.finished.connect(self.table.setFocus)
        # Its header and a row: in a low window what is below needs the rest.
        self.table.setMinimumHeight(10 * GRID)
        self._split = split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(self.pane)
        split.setSizes([200, 300])
        self._sizes = split.sizes()
        self.pane.views.currentChanged.connect(lambda: self._give_room())
        split.setHandleWidth(GRID)
        split.setChildrenCollapsible(False)
        layout = column(self.search, self._tools(), split, spacing=GRID)
        layout.setStretch(2, 1)
        layout.setContentsMargins(0, GRID, 0, 0)
        self.setLayout(layout)

    def set_source(self, source: RowSource | None) -> None:
        """Shows other rows from the first on."""
        self._found, self._chosen, self._status, self._dragged = None, None, "", False
        self.table_model.set_source(source)
        self.table.horizontalHeader().setSortIndicatorShown(False)
        self.pane.show_data(source)
        self.show_status_column(isinstance(source, VersionRows))
        self._first()

    def swap_source(self, source: RowSource) -> None:
        """Shows a version in place of the file it was made of; the row looked at and what was chosen stay."""
        at, found, chosen = self.table_model.place(self.table.currentIndex().row()), self._found, self._chosen
        self.table_model.set_source(source)
        self.pane.shows.source = source
        self._found, self._chosen = found, chosen
        self.show_status_column(True)
        self._show()
        self._go(max(0, self.table_model.find(at) if at is not None else 0))

    def refresh(self) -> None:
        """Shows the same rows after they changed."""
        at, line = self.table_model.place(self.table.currentIndex().row()), self.table.currentIndex().row()
        source = self.table_model.source
        if isinstance(source, VersionRows):
            source.refresh()
        self.table_model.refresh()
        if self._status:
            self._show()
        found = self.table_model.find(at) if at is not None else -1
        self._go(found if found >= 0 else min(line, self.table_model.rowCount() - 1))
        self._show_row(self.table.currentIndex())

    def grow(self) -> None:
        """Shows rows that have become known."""
        fresh = not self.table_model.columns
        self.table_model.grow()
        if fresh and self.table_model.columns:
            self._size_columns()
            self._first()

    def choose(self, numbers: Sequence[int] | None, title: str) -> None:
        """Shows only these rows, by their numbers in the file or in the version's order; None: all again."""
        import numpy as np  # it is loaded with the first data, not with the window

        places = None if numbers is None else self._placed(np.asarray(numbers, dtype=np.int64))
        self.choose_places(places, title)

    def choose_places(self, places: "Places | None", title: str) -> None:
        """Shows only the rows at these places, whatever has become of them since; None: all again."""
        self._chosen = places
        self.search.show_chip(title if places is not None else "")
        self._show()
        self._first()

    def shown_places(self) -> "Places | None":
        """Returns the places of the rows chosen by search, filter or another part; None: all are shown."""
        shown: Places | None = self.table_model.shown()
        return shown

    def show_status_column(self, shown: bool) -> None:
        """Shows what was done to rows, or what is wrong with them, in a column of its own."""
        self._sizing = True
        self.table.setColumnHidden(STATUS, not shown)
        self._sizing = False
        if not self._dragged:
            self._size_columns()

    def act(self, kind: str) -> None:
        """Does to the rows selected what a key or a button says: exclude, restore, tag, edit, next or previous."""
        if kind in ("next", "previous"):
            self._go(self.table.currentIndex().row() + (1 if kind == "next" else -1))
        elif kind == "edit":
            self.pane.edit()
        elif kind == "tag":
            self._ask_tag()
        elif rows := self._selected():
            made = steps.Exclude(rows=rows) if kind == "exclude" else steps.Restore(rows=rows)
            alone = len(list(steps.each(rows))) == 1
            self.steps_wanted.emit([made], self.tr("exclude rows") if kind == "exclude" else self.tr("restore rows"))
            if alone:
                self._go(self.table.currentIndex().row() + 1)

    def _give_room(self) -> None:
        """Gives a row that is edited all the room but for a few rows, and takes it back behind."""
        edited = self.pane.views.currentWidget() is self.pane.edit_pane
        if edited != self._roomy:
            self._roomy = edited
            self._sizes, sizes = (self._split.sizes(), [1, 10_000]) if edited else (self._sizes, self._sizes)
            self._make_way()
            self._split.setSizes(sizes)
            QTimer.singleShot(0, self.table, lambda: self.table.scrollTo(self.table.currentIndex()))

    def _make_way(self, *, of_filters: bool = False) -> None:
        """Has the filters give way to a row that is edited where there is no room for both, or the row to them."""
        if self._folded and not self._roomy:
            self._folded = False
            self.search.show_filters(True)
        elif not self._roomy or self.search.filters.isHidden() or not self.search.filters.isChecked():
            return
        elif self.minimumSizeHint().height() > self.height():
            self._folded = not of_filters
            if of_filters:
                self.pane.views.setCurrentIndex(0)
            else:
                self.search.show_filters(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Looks anew at what there is room for."""
        super().resizeEvent(event)
        self._make_way()

    def address(self, place: int) -> tuple[int, int]:
        """Returns the source of a row and its number there, as steps name it."""
        source = self.table_model.source
        return source.version.selection.address(place) if isinstance(source, VersionRows) else (0, place)

    def _tools(self) -> Any:
        theme = self._session.theme
        before = icon_button(theme, "chevron-up", self.tr("Previous row (K)"), lambda: self.act("previous"))
        behind = icon_button(theme, "chevron-down", self.tr("Next row (J)"), lambda: self.act("next"))
        said = (
            ("exclude", self.tr("Exclude"), self.tr("Take the rows out; they stay in sight (X)")),
            ("restore", self.tr("Restore"), self.tr("Bring the rows back (R)")),
            ("tag", self.tr("Tag..."), self.tr("Put a tag on the rows (T)")),
            ("edit", self.tr("Edit"), self.tr("Edit the row (E)")),
        )
        self.keys = [(self.tr("Next row"), "J"), (self.tr("Previous row"), "K")]
        self.keys += [(text.rstrip(".…"), key) for (_, text, _), key in zip(said, "XRTE", strict=True)]
        self.keys.append((self.tr("Save the row"), shown_keys("Ctrl+Return")))
        self.tools: dict[str, QPushButton] = {}
        for kind, text, tip in said:
            made = button(text, lambda kind=kind: self.act(kind), "flat")  # type: ignore[misc]
            made.setToolTip(tip)
            self.tools[kind] = made
        return row(before, behind, *self.tools.values(), None, spacing=GRID // 2)

    def _pressed(self, key: int) -> bool:
        kind = _KEYS.get(Qt.Key(key))
        if kind is not None:
            self.act(kind)
        return kind is not None

    def _selected(self) -> tuple[steps.Span, ...]:
        ranges = self.table.selectionModel().selection()
        found = (ranges.at(at) for at in range(ranges.count()))
        lines = [line for item in found for line in range(item.top(), item.bottom() + 1)]
        places = [place for line in lines if (place := self.table_model.place(line)) is not None]
        return steps.spans(map(self.address, places))

    def _ask_tag(self) -> None:
        rows = self._selected()
        if not rows:
            return
        source = self.table_model.source
        known = sorted(source.version.selection.tags) if isinstance(source, VersionRows) else []
        text = self.tr("Rows tagged `eval` are held back for evaluation.")
        dialog = StepDialog(self.window(), self.tr("Tag rows"), text)
        names = list(dict.fromkeys([*known, steps.EVALUATION]))
        tag = dialog.choice(self.tr("Tag"), [(name, name) for name in names])
        tag.setEditable(True)
        tag.currentTextChanged.connect(lambda text: dialog.take.setEnabled(bool(text.strip())))
        tag.setCurrentText("")
        dialog.ask(lambda: self._tag(rows, tag.currentText().strip()[:40]))

    def _tag(self, rows: tuple[steps.Span, ...], tag: str) -> None:
        self.steps_wanted.emit([steps.Tag(rows=rows, tag=tag)], self.tr("tag rows"))

    def _saved(self, of: Opened, shown: Shown, data: dict[str, Any]) -> None:
        step: Step = steps.Replace(source=shown.source, row=shown.number, data=data)
        if of is self.pane.shows:
            self.steps_wanted.emit([step], self.tr("edit a row"))
        else:
            self.late_wanted.emit(of, [step], self.tr("edit a row"))

    def _go_back(self, place: int) -> None:
        """Goes to a row whose edit was left, which need not be among those shown any more."""
        at = self.table_model.find(place)
        if at >= 0:
            self._go(at)
        else:
            self.pane.show_row(self.table_model.read(place))
        self.pane.edit()

    def _placed(self, numbers: "Places") -> "Places":
        source = self.table_model.source
        return source.of_numbers(numbers) if isinstance(source, VersionRows) else numbers

    def _show_found(self, places: "Places | None") -> None:
        before = 0 if self._found is None else len(self._found)
        at = self.table_model.place(self.table.currentIndex().row())
        self._found = places
        self._show()
        if not before or self._found is None or not len(self._found):
            self._first()
        else:
            self._go(max(0, self.table_model.find(at) if at is not None else 0))

    def _show_status(self, status: str) -> None:
        if status != self._status:
            self._status = status
            self._show()
            self._first()

    def _show(self) -> None:
        import numpy as np

        places, source = self._found, self.table_model.source
        if self._chosen is not None:
            places = self._chosen if places is None else places[np.isin(places, self._chosen)]
        if self._status and isinstance(source, VersionRows):
            fits = source.with_status(self._status)
            places = fits if places is None else places[np.isin(places, fits)]
        self.table.none = self.tr("No row is like this.") if places is not None else ""
        self.table_model.show_only(places)
        self.search.show_count(self.table_model.rowCount())

    def _first(self) -> None:
        self.table.scrollToTop()
        self._go(0)
        if not self.table_model.rowCount():
            self.pane.show_row(None)

    def _go(self, line: int) -> None:
        if 0 <= line < self.table_model.rowCount():
            index = self.table_model.index(line, 0)
            flags = QItemSelectionModel.SelectionFlag
            self.table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)

    def _show_row(self, now: QModelIndex, _before: QModelIndex | None = None) -> None:
        if now.isValid():
            self.pane.show_row(self.table_model.row(now.row()))

    def _sort(self, section: int) -> None:
        header = self.table.horizontalHeader()
        if section == STATUS or not isinstance(self.table_model.source, FileRows | VersionRows):
            return
        if section == ROW:
            header.setSortIndicatorShown(False)
            self.search.sort("", False)
            return
        header.setSortIndicatorShown(True)
        descending = header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        by = "length" if section == LENGTH else self.table_model.columns[section - STATUS - 1]
        self.search.sort(by, descending)

    def _note_dragged(self, section: int) -> None:
        # Sections are resized by much else; the last one takes what is left.
        pressed = QApplication.mouseButtons() & Qt.MouseButton.LeftButton
        self._dragged |= bool(pressed) and not self._sizing and section < self.table_model.columnCount() - 1

    def _size_columns(self) -> None:
        self._sizing = True
        header, count = self.table.horizontalHeader(), self.table_model.columnCount()
        header.setStretchLastSection(True)
        widths = (9 * GRID, 9 * GRID, 11 * GRID)
        for section, width in enumerate(widths[:count]):
            self.table.setColumnWidth(section, width)
        used = sum(width for section, width in enumerate(widths) if not self.table.isColumnHidden(section))
        room = max(self.table.viewport().width(), 80 * GRID) - used
        # By what they hold: a number needs less than a conversation.
        held = [self.table_model.length(section) for section in range(len(widths), count)]
        spare = max(0, room - _LEAST_PX * len(held))
        for section, letters in enumerate(held, start=len(widths)):
            self.table.setColumnWidth(section, _LEAST_PX + spare * letters // sum(held))
        self._sizing = False


_LEAST_PX = 11 * GRID
_KEYS = {
    Qt.Key.Key_J: "next",
    Qt.Key.Key_K: "previous",
    Qt.Key.Key_X: "exclude",
    Qt.Key.Key_R: "restore",
    Qt.Key.Key_T: "tag",
    Qt.Key.Key_E: "edit",
}
