"""The Data page: data files, what each was taken for and why, its rows, and the rows that cannot be used."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QProgressBar,
    QSplitter,
    QStackedWidget,
    QTableView,
    QWidget,
)

from studio.core.desk import Tokens
from studio.core.errors import StudioError
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.jobs import Command
from studio.ui.parts import button, card, column, empty, holder, label, pill, row, selectable, tabs
from studio.ui.session import Session, demo_data
from studio.ui.tables import DatasetTable, RejectedTable
from studio.ui.theme import GRID
from studio.ui.tokens_view import TokensView

if TYPE_CHECKING:
    from studio.core.datasets import Dataset

_TYPING_MS = 200
_DECIDE_TOKENS = ("model.path", "model.revision", "data.max_length", "data.chat_template", "training.objective")


class DataPage(QWidget):
    """Data files and their rows."""

    def __init__(self, session: Session) -> None:
        """Lists the built-in file and the recent ones."""
        super().__init__()
        self._session = session
        self._command: Command | None = None
        self._path: Path | None = None
        self._asked = False
        self.table_model, self.rejected_model = DatasetTable(self), RejectedTable(self)
        self._files = QListWidget()
        self._files.setAccessibleName(self.tr("Data files"))
        self._files.setFixedWidth(27 * GRID)
        self._files.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._files.itemActivated.connect(self._chosen)
        self._files.itemClicked.connect(self._chosen)
        self._states = QStackedWidget()
        for widget in (self._empty(), self._reading(), self._failed(), self._shown()):
            self._states.addWidget(widget)
        add = button(self.tr("Add data file..."), self._add, "primary")
        session.theme.dress(add, "plus", "on_accent")
        head = row(label(self.tr("Data"), "title"), None, add)
        body = row(self._files, self._states, spacing=2 * GRID)
        body.setStretch(1, 1)
        layout = column(head, body, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._list_files()

    def receive(self, path: Path) -> None:
        """Opens a data file: has it read by a process of its own, then shows what that left in the cache."""
        self._path = Path(path).expanduser().absolute()
        if self._command is not None:
            self._command.cancel()
        self._session.remember_data(self._path)
        self._list_files()
        self._reading_text.setText(self.tr("Reading {name} ...").format(name=self._path.name))
        self._states.setCurrentIndex(1)
        self._command = Command(["data", "check", str(self._path)], self)
        self._command.done.connect(self._read)
        self._command.failed.connect(self._fail)
        self._command.over.connect(self._over)

    def leave(self) -> None:
        """Ends the reading, if one is going on."""
        if self._command is not None:
            self._command.cancel()

    def _list_files(self) -> None:
        self._files.clear()
        paths = [demo_data(), *(Path(name) for name in self._session.settings.recent_data)]
        for path in dict.fromkeys(paths):
            name = self.tr("Shop letters (built in)") if path == demo_data() else path.name
            item = QListWidgetItem(self._session.theme.icon("file"), name)
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setToolTip(str(path))
            self._files.addItem(item)
            if path == self._path:
                self._files.setCurrentItem(item)

    def _chosen(self, item: QListWidgetItem) -> None:
        path = Path(item.data(Qt.ItemDataRole.UserRole))
        if path != self._path:
            self.receive(path)

    def _add(self) -> None:
        kinds = self.tr("Data files") + " (*.jsonl *.ndjson *.json *.csv *.tsv *.parquet);;" + self.tr("All files (*)")
        chosen, _ = QFileDialog.getOpenFileName(self, self.tr("Add data file"), "", kinds)
        if chosen:
            self.receive(Path(chosen))

    def _read(self, _found: dict[str, object]) -> None:
        assert self._path is not None
        # Arrow is loaded with the first file, not with the window.
        from studio.core.datasets import open_dataset

        try:
            self._show(open_dataset(self._path))
        except StudioError as error:
            self._fail(error)

    def _over(self) -> None:
        if self.sender() is self._command:
            self._command = None

    def _fail(self, error: StudioError) -> None:
        self._fail_text.setText(words.sentence(error.message))
        self._fail_hint.setText(words.sentence(error.hint))
        self._states.setCurrentIndex(2)

    def _show(self, data: "Dataset") -> None:
        self.search.clear()
        self.table_model.set_dataset(data)
        self.rejected_model.set_items(data.rejected)
        self._name.setText(data.source.name)
        self._name.setToolTip(str(data.source))
        self._format.setText(data.format.replace("_", " + "))
        self._why.setText(self.tr("Taken for this because {reason}.").format(reason=words.sentence(data.reason)))
        text = self.tr("{good} of {all} rows can be used.")
        self._count.setText(text.format(good=f"{len(data):,}", all=f"{data.rows:,}"))
        self._tabs.setTabText(0, self.tr("Rows ({count})").format(count=f"{len(data):,}"))
        self._tabs.setTabText(1, self.tr("Rejected ({count})").format(count=f"{len(data.rejected):,}"))
        self._tabs.setTabVisible(1, bool(data.rejected))
        self._size_columns()
        if len(data):
            self._table.selectRow(0)
        else:
            self._tabs.setCurrentIndex(1)
        self._states.setCurrentIndex(3)

    def _size_columns(self) -> None:
        header, count = self._table.horizontalHeader(), self.table_model.columnCount()
        header.setStretchLastSection(True)
        self._table.setColumnWidth(0, 9 * GRID)
        room = max(self._table.viewport().width(), 80 * GRID) - 9 * GRID
        for index in range(1, count):
            self._table.setColumnWidth(index, max(18 * GRID, room // (count - 1)))

    def _empty(self) -> QWidget:
        choose = button(self.tr("Add data file..."), self._add)
        demo = button(self.tr("Look at the built-in data"), lambda: self.receive(demo_data()), "primary")
        text = self.tr(
            "Open a JSONL, JSON, CSV or Parquet file, or drop one anywhere on the window. Its format is found out, and "
            "every row that cannot be used is listed with its line and the reason."
        )
        return empty(self._session.theme, "data", self.tr("What is the model to learn?"), text, choose, demo)

    def _reading(self) -> QWidget:
        self._reading_text = label("", "heading")
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setFixedWidth(40 * GRID)
        bar.setTextVisible(False)
        bar.setAccessibleName(self.tr("Reading"))
        stop = button(self.tr("Cancel"), self._cancel)
        return holder(
            column(None, row(None, self._reading_text, None), row(None, bar, None), row(None, stop, None), None)
        )

    def _cancel(self) -> None:
        self.leave()
        self._path = None
        self._files.clearSelection()
        self._states.setCurrentIndex(0)

    def _failed(self) -> QWidget:
        self._fail_text = selectable(label("", "heading", wrap=True))
        self._fail_hint = selectable(label("", wrap=True))
        again = button(self.tr("Read again"), lambda: self.receive(self._path) if self._path else None)
        box = column(self._fail_text, self._fail_hint, row(again, button(self.tr("Other file..."), self._add), None))
        return holder(column(card(box, "failure"), None))

    def _shown(self) -> QWidget:
        self._name = selectable(label("", "heading"))
        self._format, self._why, self._count = pill(""), Elided("", "muted"), label("")
        use = button(self.tr("Train on this"), self._use)
        facts = column(row(self._name, self._format, None, use), row(self._count, self._why), spacing=GRID // 2)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the rows"))
        self.search.setAccessibleName(self.tr("Search the rows"))
        self.search.setClearButtonEnabled(True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._search)
        self.search.textChanged.connect(lambda: self._typing.start())
        self._found = label("", "muted")
        self._table = _table(self.table_model, self.tr("Rows"))
        self._table.selectionModel().currentRowChanged.connect(self._show_row)
        self.table_model.modelReset.connect(lambda: self._table.scrollToTop())
        self._row = QPlainTextEdit()
        self._row.setReadOnly(True)
        self._row.setObjectName("mono")
        self._row.setAccessibleName(self.tr("The whole row"))
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_TYPING_MS)
        self._resting.timeout.connect(self._show_tokens)
        self.tokens = TokensView(self._session.theme)
        self.tokens.setContentsMargins(0, GRID, 0, 0)
        self._views = tabs(self.tr("Views of the row"))
        self._views.setObjectName("views")
        self._views.addTab(self._row, self.tr("As it is written"))
        self._views.addTab(self.tokens, self.tr("As the model reads it"))
        self._views.currentChanged.connect(lambda: self._resting.start())
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self._table)
        split.addWidget(self._views)
        split.setSizes([220, 340])
        split.setHandleWidth(GRID)
        split.setChildrenCollapsible(False)
        self._found.hide()
        inner = column(row(self.search, self._found), split, spacing=GRID)
        inner.setContentsMargins(0, GRID, 0, 0)
        rows = holder(inner)
        rejected = _table(self.rejected_model, self.tr("Rejected rows"))
        rejected.horizontalHeader().setStretchLastSection(True)
        self._tabs = tabs(self.tr("Usable and rejected rows"))
        self._tabs.addTab(rows, "")
        below = column(rejected)
        below.setContentsMargins(0, GRID, 0, 0)
        self._tabs.addTab(holder(below), "")
        layout = column(card(facts), self._tabs, spacing=GRID)
        layout.setStretch(1, 1)
        return holder(layout)

    def _search(self) -> None:
        text = self.search.text()
        self.table_model.search(text)
        found = self.table_model.rowCount()
        self._found.setVisible(bool(text))
        self._found.setText(self.tr("{count} found").format(count=f"{found:,}") if text else "")
        self._row.clear()
        if found:
            self._table.selectRow(0)

    def _show_row(self, now: QModelIndex) -> None:
        item = self.table_model.row(now.row()) if now.isValid() else None
        if item is not None:
            self._row.setPlainText(whole(item.data))
            self._resting.start()

    def _show_tokens(self) -> None:
        """Asks for the row's tokens as the present settings make them, while they are looked at."""
        item = self.table_model.row(self._table.currentIndex().row())
        data, draft = self.table_model.dataset, self._session.draft
        if self._views.currentWidget() is not self.tokens or item is None or data is None:
            return
        if fault := next((draft.faults()[key] for key in _DECIDE_TOKENS if key in draft.faults()), ""):
            self.tokens.show_message(words.sentence(fault))
            return
        model, revision, length, template, objective = (draft.value(key) for key in _DECIDE_TOKENS)
        request = Tokens(
            file=str(data.source),
            row=item.number,
            format=data.format,
            model=model,
            revision=revision,
            max_length=length,
            chat_template=template,
            objective=objective,
        )
        if not self._asked:
            self.tokens.show_message(self.tr("The model's tokenizer is being loaded ..."))
        self._asked = True
        self.tokens.follow(self._session.desk.ask(request))

    def _use(self) -> None:
        if self._path is not None:
            self._session.draft.edit("data.path", str(self._path), self.tr("training data"))
            self._session.page_wanted.emit("configure")


def whole(data: dict[str, object]) -> str:
    """Returns a row as a person reads it: a conversation as its turns, anything else as JSON."""
    parts = []
    for name, value in data.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) and "content" in item for item in value):
            parts += [f"{item.get('role', '?')}\n{item['content']}" for item in value]
        elif isinstance(value, str):
            parts.append(f"{name}\n{value}")
        else:
            parts.append(f"{name}\n{json.dumps(value, ensure_ascii=False, indent=1)}")
    return "\n\n".join(parts)


def _table(model: DatasetTable | RejectedTable, name: str) -> QTableView:
    made = QTableView()
    made.setModel(model)
    made.setAccessibleName(name)
    made.setShowGrid(False)
    made.setTabKeyNavigation(False)
    made.setWordWrap(False)
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    made.verticalHeader().hide()
    made.verticalHeader().setDefaultSectionSize(4 * GRID)
    made.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    made.horizontalHeader().setHighlightSections(False)
    made.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return made
