"""The Library page: the adapters, what each is from, its name and note, removal with undo, and export with proof."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QUndoCommand
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QTableView,
    QWidget,
)

from studio.core import library, runs
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.units import size
from studio.ui import words
from studio.ui.pages.export import ExportDialog
from studio.ui.parts import button, card, clear, column, empty, holder, label, line, row, selectable
from studio.ui.session import Session
from studio.ui.tables import AdapterTable, rank, sort_key, texts
from studio.ui.theme import GRID

_SIDE_PX = 304


class LibraryPage(QWidget):
    """All adapters, and one of them in detail."""

    def __init__(self, session: Session) -> None:
        """Lists the library."""
        super().__init__()
        self._session = session
        self.table_model = AdapterTable(self)
        self._proxy = _Filter(self)
        self._proxy.setSourceModel(self.table_model)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search by name, base, data or note"))
        self.search.setAccessibleName(self.tr("Search the library"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(40 * GRID)
        self.search.textChanged.connect(self._proxy.set_text)
        self.table = self._table()
        self._states = QStackedWidget()
        self._states.addWidget(self._empty())
        body = row(self.table, self._side(), spacing=2 * GRID)
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
        chosen = self.entry()
        found = library.entries()
        self.table_model.set_items(found)
        self._states.setCurrentIndex(1 if found else 0)
        self.search.setVisible(bool(found))
        self._fit()
        if found:
            names = [entry.name for entry in found]
            at = names.index(chosen.name) if chosen is not None and chosen.name in names else 0
            self.table.setCurrentIndex(self._proxy.mapFromSource(self.table_model.index(at, 0)))
        self._show(self.entry())

    def entry(self) -> Entry | None:
        """Returns the adapter that is selected."""
        index = self.table.currentIndex()
        found = index.data(Qt.ItemDataRole.UserRole) if index.isValid() else None
        return found if isinstance(found, Entry) else None

    def remove(self) -> None:
        """Moves the selected adapter to the trash, as an undo step."""
        entry = self.entry()
        if entry is None:
            return
        step = _Removal(self._session, entry)
        self._session.undo.push(step)
        if not step.isObsolete():
            text = self.tr("{name} lies in the trash.").format(name=entry.title)
            self._session.tell(text, "", self.tr("Undo"), self._session.undo.undo)

    def export(self) -> None:
        """Asks where to, and exports the selected adapter."""
        entry = self.entry()
        if entry is not None and not entry.fault:
            ExportDialog(self._session, entry, self).open()

    def compare(self) -> None:
        """Takes the selected adapter to the Compare page."""
        entry = self.entry()
        if entry is not None and not entry.fault:
            self._session.compare_wanted.emit([entry])

    def _actions(self) -> None:
        def add(text: str, act: Callable[[], object], keys: str = "") -> QAction:
            action = QAction(text, self)
            action.triggered.connect(lambda: act())
            if keys:
                action.setShortcut(keys)
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self.addAction(action)
            return action

        add(self.tr("Move the adapter to the trash"), self.remove, "Del")
        add(self.tr("Export the adapter..."), self.export, "Ctrl+E")
        add(self.tr("Compare the adapter with its base"), self.compare, "Ctrl+Shift+C")
        add(self.tr("Rename the adapter"), self._rename_focus, "F2")
        add(self.tr("Refresh the library"), self.refresh, "F5")

    def _table(self) -> QTableView:
        made = QTableView()
        made.setAccessibleName(self.tr("Adapters"))
        made.setModel(self._proxy)
        made.setSortingEnabled(True)
        made.sortByColumn(3, Qt.SortOrder.DescendingOrder)
        made.setShowGrid(False)
        made.setTabKeyNavigation(False)
        made.setWordWrap(False)
        made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        made.verticalHeader().hide()
        made.verticalHeader().setDefaultSectionSize(5 * GRID)
        made.horizontalHeader().setHighlightSections(False)
        made.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        made.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        made.selectionModel().currentRowChanged.connect(lambda: self._show(self.entry()))
        return made

    def _fit(self) -> None:
        for at, width in enumerate((0, 72, 116, 144, 52, 72, 68, 80)):
            if width:
                self.table.setColumnWidth(at, width)

    def _side(self) -> QWidget:
        self.title = QLineEdit()
        self.title.setAccessibleName(self.tr("Name"))
        self.title.editingFinished.connect(self._rename)
        self._facts = QGridLayout()
        self._facts.setColumnStretch(1, 1)
        self._facts.setHorizontalSpacing(2 * GRID)
        self._facts.setVerticalSpacing(GRID // 2)
        self.note = _Note()
        self.note.setTabChangesFocus(True)
        self.note.setPlaceholderText(self.tr("What you want to remember of it"))
        self.note.setAccessibleName(self.tr("Note"))
        self.note.setFixedHeight(10 * GRID)
        self.note.left = self._annotate
        self._fault = label("", "fault", wrap=True)
        self._run = button(self.tr("Show its run"), self._open_run)
        self._export = button(self.tr("Export..."), self.export, "primary")
        compare = button(self.tr("Compare with the base"), self.compare)
        self._compare_button = compare
        folder = button(self.tr("Open folder"), self._open_folder)
        delete = button(self.tr("Delete"), self.remove)
        self._session.theme.dress(self._export, "export", "on_accent")
        self._session.theme.dress(delete, "trash")
        inner = column(
            label(self.tr("Name"), "caption"),
            self.title,
            self._fault,
            self._facts,
            label(self.tr("Note"), "caption"),
            self.note,
            None,
            line(),
            compare,
            row(self._run, folder),
            row(self._export, delete),
        )
        made = card(inner)
        made.setFixedWidth(_SIDE_PX)
        self._details = made
        return made

    def _show(self, entry: Entry | None) -> None:
        self._details.setEnabled(entry is not None)
        clear(self._facts)
        if entry is None:
            self.title.clear()
            self.note.setPlainText("")
            return
        if not self.title.hasFocus():
            self.title.setText(entry.title)
            self.title.setCursorPosition(0)
        if not self.note.hasFocus():
            self.note.setPlainText(entry.note)
        self._fault.setText(words.sentence(entry.fault))
        self._fault.setVisible(bool(entry.fault))
        self._export.setEnabled(not entry.fault)
        self._compare_button.setEnabled(not entry.fault)
        self._run.setEnabled(bool(entry.run))
        cells, metrics = texts(entry), entry.metrics
        facts = {
            self.tr("Base"): cells[1],
            self.tr("Data"): f"{cells[2]} ({entry.data.rows:,})" if entry.data.rows else cells[2],
            self.tr("Made"): cells[3],
            self.tr("Rank"): str(rank(entry) or "-"),
            self.tr("Size"): size(entry.weights_bytes),
            self.tr("Loss"): " / ".join(filter(None, cells[6:8])) or "-",
            self.tr("Steps"): f"{metrics['step']:,}" if isinstance(metrics.get("step"), int) else "-",
            self.tr("Checksum"): entry.sha256[:12] or "-",
        }
        for at, (name, value) in enumerate(facts.items()):
            said = selectable(label(value, wrap=True))
            said.setAccessibleName(name)
            self._facts.addWidget(label(name, "muted"), at, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(said, at, 1)

    def _change(self, **what: Any) -> None:
        entry = self.entry()
        if entry is None or all(getattr(entry, key) == value for key, value in what.items()):
            return
        self._session.undo.push(_Change(self._session, entry, what))

    def _rename(self) -> None:
        entry, text = self.entry(), self.title.text().strip()
        if entry is not None and not text:
            self.title.setText(entry.title)
        elif entry is not None and not entry.fault:
            self._change(title=text)

    def _annotate(self) -> None:
        entry = self.entry()
        if entry is not None and not entry.fault:
            self._change(note=self.note.toPlainText())

    def _rename_focus(self) -> None:
        self.title.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.title.selectAll()

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
            "Every run that ends well puts its adapter here. An adapter made elsewhere can be dropped on the window: a "
            "folder with adapter_config.json and adapter_model.safetensors."
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

    def filterAcceptsRow(self, source_row: int, source_parent: QModelIndex | QPersistentModelIndex) -> bool:
        model = self.sourceModel()
        assert isinstance(model, AdapterTable)
        entry = model.items[source_row]
        text = " ".join((*texts(entry), entry.note, entry.name, *entry.tags, entry.base.path)).casefold()
        return all(word in text for word in self._words)

    def lessThan(self, left: QModelIndex | QPersistentModelIndex, right: QModelIndex | QPersistentModelIndex) -> bool:
        model = self.sourceModel()
        assert isinstance(model, AdapterTable)
        items = model.items
        return bool(sort_key(items[left.row()], left.column()) < sort_key(items[right.row()], right.column()))


class _Note(QPlainTextEdit):
    """A text that says when the user has left it."""

    left: Callable[[], object]

    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self.left()


class _Removal(QUndoCommand):
    """An adapter moved to the trash."""

    def __init__(self, session: Session, entry: Entry) -> None:
        super().__init__(_tr("remove {name}").format(name=entry.title))
        self._session, self._entry = session, entry

    def redo(self) -> None:
        self._do(lambda: library.remove(self._entry))

    def undo(self) -> None:
        def back() -> None:
            self._entry = library.restore(self._entry.name)

        self._do(back)

    def _do(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StudioError as error:
            self.setObsolete(True)
            self._session.tell_error(error)
        self._session.library_changed.emit()


class _Change(QUndoCommand):
    """An adapter's title or note changed."""

    def __init__(self, session: Session, entry: Entry, what: dict[str, Any]) -> None:
        super().__init__(_tr("change {name}").format(name=entry.title))
        self._session, self._entry = session, entry
        self._after, self._before = what, {key: getattr(entry, key) for key in what}

    def redo(self) -> None:
        self._do(self._after)

    def undo(self) -> None:
        self._do(self._before)

    def _do(self, what: dict[str, Any]) -> None:
        try:
            library.change(self._entry, **what)
        except StudioError as error:
            self.setObsolete(True)
            self._session.tell_error(error)
        self._session.library_changed.emit()


def _tr(text: str) -> str:
    return QCoreApplication.translate("library", text)
