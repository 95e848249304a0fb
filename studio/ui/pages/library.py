"""The Library page: the adapters, what each is from, its name and note, removal with undo, and export with proof."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QSortFilterProxyModel, Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QFont, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.core import further, library, runs
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.ui import words
from studio.ui.draft import merged
from studio.ui.edits import AdapterChange, AdapterRemoval
from studio.ui.pages.adapter_card import AdapterCard
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.layers import LayersDialog
from studio.ui.pages.mix import MixDialog
from studio.ui.parts import add_action, button, column, empty, holder, label, row
from studio.ui.session import Session
from studio.ui.table_view import TableView, dress
from studio.ui.tables import AdapterTable, Index, sort_key, texts
from studio.ui.theme import GRID, Theme

# How wide the page has to be for a column.
_LEAST_PX = {5: 1200, 2: 1080, 4: 960, 6: 910, 1: 840}


class LibraryPage(QWidget):
    """All adapters, and those selected in detail."""

    def __init__(self, session: Session) -> None:
        """Lists the library."""
        super().__init__()
        self._session = session
        self.table_model = AdapterTable(session.theme, self)
        self._proxy = _Filter(self)
        self._proxy.setSourceModel(self.table_model)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search by name, base, data, tag or note"))
        self.search.setAccessibleName(self.tr("Search the library"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(40 * GRID)
        self.table = self._table()
        self.search.textChanged.connect(self._find)
        self._states = QStackedWidget()
        self._states.addWidget(self._empty())
        self.card = self._make_card()
        body = row(self.table, self.card, spacing=2 * GRID)
        body.setStretch(0, 1)
        self._states.addWidget(holder(body))
        self._head = row(label(self.tr("Library"), "title"), None, self.search)
        layout = column(self._head, self._states, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._actions()
        session.library_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Reads the library again and keeps the selection."""
        now = self.entry()
        chosen = {entry.name for entry in self.chosen()}
        found = self._session.read(library.entries)
        self.table_model.set_items(found)
        self._states.setCurrentIndex(1 if found else 0)
        self.search.setVisible(bool(found))
        self._fit()
        if found:
            names = [entry.name for entry in found]
            at = names.index(now.name) if now is not None and now.name in names else 0
            self.table.setCurrentIndex(self._proxy.mapFromSource(self.table_model.index(at, 0)))
            for other in (at for at, name in enumerate(names) if name in chosen):
                where = self._proxy.mapFromSource(self.table_model.index(other, 0))
                flags = QItemSelectionModel.SelectionFlag
                self.table.selectionModel().select(where, flags.Select | flags.Rows)
        self._select_one()
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leaves the names room: what the side tells too goes first."""
        super().resizeEvent(event)
        for at, least in _LEAST_PX.items():
            self.table.setColumnHidden(at, event.size().width() < least)

    def entry(self) -> Entry | None:
        """Returns the adapter that is looked at: of several chosen ones the one clicked last; None: none is chosen."""
        chosen, found = self.chosen(), self.table.currentIndex().data(Qt.ItemDataRole.UserRole)
        return found if found in chosen else next(iter(chosen), None)

    def chosen(self) -> list[Entry]:
        """Returns the adapters selected, in the order shown."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self._proxy.index(at, 0).data(Qt.ItemDataRole.UserRole) for at in rows]

    def remove(self) -> None:
        """Moves the selected adapters to the trash, as one undo step."""
        chosen = self.chosen()
        if chosen:
            names = words.some([entry.title for entry in chosen])
            text = self.tr("In the trash: {names}.").format(names=names)
            self._session.push(AdapterRemoval(self._session, chosen), text)

    def export(self) -> None:
        """Asks where to, and exports the selected adapter."""
        entry = self.entry()
        if entry is not None and not entry.fault:
            ExportDialog(self._session, entry, self).open()

    def compare(self) -> None:
        """Takes the selected adapters to the Compare page."""
        chosen = self.chosen()
        if chosen and not any(entry.fault for entry in chosen) and not self._why_not(chosen):
            self._session.compare_wanted.emit(chosen)

    def train_further(self) -> None:
        """Makes the settings of the next run those by which the selected adapter is trained further."""
        entry = self.entry()
        if entry is None or entry.fault or len(self.chosen()) > 1:
            return
        try:
            values = merged(further.settings(entry, map(Path, self._session.settings.recent_data)))
        except StudioError as error:
            self._session.tell_error(error)
            return
        changed = self._session.draft.replace(values, self.tr("train {name} further").format(name=entry.title))
        self._session.page_wanted.emit("configure")
        text = self.tr("{name} is trained further: choose what it is to learn from, then start.")
        tell = self._session.tell_step if changed else self._session.tell
        tell(text.format(name=entry.title))

    def show_layers(self) -> None:
        """Shows what the selected adapter does to each layer, or where two differ."""
        chosen = self.chosen()
        if len(chosen) > 2:
            self._session.tell(self.tr("Choose one adapter, or two, to see their layers."), "bad")
        elif chosen and (why_not := self._why_not(chosen)):
            self._session.tell(why_not, "bad")
        elif chosen:
            LayersDialog(self._session, chosen, self).open()

    def mix(self) -> None:
        """Asks how strong each selected adapter is to be, and adds their sum to the library."""
        chosen = self.chosen()
        if chosen and (why_not := self._why_not(chosen)):
            self._session.tell(why_not, "bad")
        elif any(entry.is_model for entry in chosen):
            self._session.tell(self.tr("A whole model cannot be added up, nor made weaker."), "bad")
        elif any(entry.config.get("adapter", {}).get("use_dora") for entry in chosen):
            self._session.tell(self.tr("A DoRA adapter cannot be added up, nor made weaker."), "bad")
        elif chosen:
            dialog = MixDialog(self._session, chosen, self)
            dialog.added.connect(self._choose)
            dialog.open()

    def _choose(self, name: str) -> None:
        """Selects the adapter of this name, where it is seen."""
        self.search.clear()
        at = next((at for at, entry in enumerate(self.table_model.items) if entry.name == name), None)
        if at is not None:
            self.table.clearSelection()
            place = self._proxy.mapFromSource(self.table_model.index(at, 0))
            self.table.selectRow(place.row())
            self.table.scrollTo(place)

    def _find(self, text: str) -> None:
        self._proxy.set_text(text)
        self._select_one()
        self._show()

    def _select_one(self) -> None:
        """Selects an adapter where none is selected, such as those that a search has hidden."""
        chosen, flags = self.table.selectionModel(), QItemSelectionModel.SelectionFlag
        if not chosen.hasSelection() and self._proxy.rowCount():
            at = max(0, self.table.currentIndex().row())
            chosen.setCurrentIndex(self._proxy.index(at, 0), flags.ClearAndSelect | flags.Rows)

    def _actions(self) -> None:
        for text, act, keys in (
            (self.tr("Move the adapter to the trash"), self.remove, "Del"),
            (self.tr("Export the adapter..."), self.export, "Ctrl+E"),
            (self.tr("Compare the adapter with its base"), self.compare, "Ctrl+Shift+C"),
            (self.tr("Train the adapter further"), self.train_further, ""),
            (self.tr("Show the adapter's layers"), self.show_layers, "Ctrl+L"),
            (self.tr("Mix adapters, or change the strength of one..."), self.mix, ""),
            (self.tr("Rename the adapter"), self._rename_focus, "F2"),
            (self.tr("Tag the adapter"), self._tag_focus, "Ctrl+T"),
            (self.tr("Show the adapter's run"), self._open_run, ""),
            (self.tr("Open the adapter's folder"), self._open_folder, ""),
            (self.tr("Refresh the library"), self.refresh, "F5"),
        ):
            made = add_action(self, text, act, keys)
            # The same keys mean other things on other pages.
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _table(self) -> TableView:
        made = TableView()
        made.none = self.tr("No adapter is like this.")
        dress(made, self._proxy, self.tr("Adapters"))
        made.setSortingEnabled(True)
        made.sortByColumn(3, Qt.SortOrder.DescendingOrder)
        made.setItemDelegateForColumn(0, _NameDelegate(self._session.theme, made))
        made.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        made.verticalHeader().setDefaultSectionSize(5 * GRID)
        made.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        made.selectionModel().selectionChanged.connect(self._show)
        return made

    def _fit(self) -> None:
        for at, width in enumerate((0, 72, 116, 144, 60, 72, 68, 80)):
            if width:
                self.table.setColumnWidth(at, width)

    def _make_card(self) -> AdapterCard:
        made = AdapterCard(self._session.theme)
        made.edited.connect(self._change)
        made.run.clicked.connect(self._open_run)
        made.folder.clicked.connect(self._open_folder)
        made.export.clicked.connect(self.export)
        made.further.clicked.connect(self.train_further)
        for both in (made.layers, made.differ):
            both.clicked.connect(self.show_layers)
        for both in (made.mix, made.mix_all):
            both.clicked.connect(self.mix)
        for both in (made.compare, made.compare_all):
            both.clicked.connect(self.compare)
        for both in (made.remove, made.remove_all):
            both.clicked.connect(self.remove)
        return made

    def _show(self) -> None:
        chosen = self.chosen()
        if len(chosen) > 1:
            self.card.show_entries(chosen, self._why_not(chosen))
        else:
            known = [tag for entry in self.table_model.items for tag in entry.tags]
            self.card.show_entry(self.entry(), known)

    def _why_not(self, chosen: list[Entry]) -> str:
        """Says why these cannot answer side by side; empty: they can."""
        if any(entry.fault for entry in chosen):
            return self.tr("One of them is damaged.")
        bases = {entry.base.path for entry in chosen}
        return self.tr("They were made for different base models.") if len(bases) > 1 else ""

    def _change(self, entry: Entry | None, what: dict[str, Any]) -> None:
        if entry is not None and not entry.fault:
            self._session.undo.push(AdapterChange(self._session, entry, what))

    def _rename_focus(self) -> None:
        self._session.page_wanted.emit("library")
        self.card.title.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.card.title.selectAll()

    def _tag_focus(self) -> None:
        self._session.page_wanted.emit("library")
        self.card.tags.box.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _open_run(self) -> None:
        entry = self.entry()
        if entry is None or not entry.run:
            return
        try:
            self._session.run_wanted.emit(runs.find(entry.run))
        except StudioError as error:
            self._session.tell_error(error)

    def _open_folder(self) -> None:
        entry = self.entry()
        if entry is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(entry.folder)))

    def _empty(self) -> QWidget:
        text = self.tr(
            "Every run that ends well puts its adapter or its model here. An adapter made elsewhere can be dropped on "
            "the window: a folder with adapter_config.json and adapter_model.safetensors."
        )
        go = button(self.tr("Configure a run"), lambda: self._session.page_wanted.emit("configure"), "primary")
        return empty(self._session.theme, "library", self.tr("No adapters yet"), text, go)


class _Filter(QSortFilterProxyModel):
    """Sorts by value, not by text, and keeps what holds every word searched for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def set_text(self, text: str) -> None:
        self.beginFilterChange()
        self._words = text.casefold().split()
        self.endFilterChange()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        model = self.sourceModel()
        assert isinstance(model, AdapterTable)
        entry = model.items[source_row]
        text = " ".join((*texts(entry), entry.note, entry.name, *entry.tags, entry.base.path)).casefold()
        return all(word in text for word in self._words)

    def lessThan(self, left: Index, right: Index) -> bool:
        model = self.sourceModel()
        assert isinstance(model, AdapterTable)
        items = model.items
        return bool(sort_key(items[left.row()], left.column()) < sort_key(items[right.row()], right.column()))


class _NameDelegate(QStyledItemDelegate):
    """Draws an adapter's name, and its tags below it where it has some."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(Qt.ItemDataRole.UserRole)
        if not entry.tags:
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        name, option.text = option.text, ""
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        room, elide = option.rect.adjusted(GRID + 3, 4, -GRID, -4), Qt.TextElideMode.ElideRight
        painter.save()
        painter.setPen(QColor(self._theme.palette.text))
        painter.drawText(room, Qt.AlignmentFlag.AlignTop, option.fontMetrics.elidedText(name, elide, room.width()))
        small = QFont(option.font)
        small.setPixelSize(11)
        painter.setFont(small)
        painter.setPen(QColor(self._theme.palette.link))
        tags = painter.fontMetrics().elidedText("  ".join(f"#{tag}" for tag in entry.tags), elide, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignBottom, tags)
        painter.restore()
