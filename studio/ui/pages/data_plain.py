"""A plain file on the Data page, of which no version is made: read, taken for a format, and all its rows checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.core import chat, hub_ids, objectives
from studio.core.data.mapping import Role, format_of
from studio.core.errors import StudioError
from studio.core.units import counted
from studio.ui.pages.data_columns import ColumnsDialog
from studio.ui.pages.data_files import title
from studio.ui.pages.data_head import DataHead
from studio.ui.pages.data_rejected import Origin
from studio.ui.pages.data_rows import RowsView
from studio.ui.pages.data_states import Waiting
from studio.ui.pages.data_tabs import DataTabs
from studio.ui.reading import Reading, options
from studio.ui.row_source import FileRows
from studio.ui.session import Session

if TYPE_CHECKING:
    from studio.core.data.index import RowIndex

_PREVIEWED = 3


class PlainFile(QObject):
    """Reads a file, a folder or a dataset of the hub, and shows what is known of it while it becomes known.

    Attributes:
        format, columns: what its rows are taken for, as somebody said.
        known: what was found out: the `format`, and once all rows are checked what `studio data check` says.
        index: where its rows lie, once there are any.
        reading: the child at it; None: it is not read any more.

    Signals:
        shown: its first rows are.
        indexed: all its rows are known.
        taken: its rows were taken for something else.
        failed: a `StudioError`: it cannot be read.
    """

    shown = Signal()
    indexed = Signal()
    taken = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, head: DataHead, rows: RowsView, tabs: DataTabs, waiting: Waiting) -> None:
        """Shows nothing yet; what it shows goes to `waiting` until there are rows, then to the others."""
        super().__init__(tabs)
        self._session, self._head, self._rows, self._tabs, self._waiting = session, head, rows, tabs, waiting
        self._path = Path()
        self.format, self.columns = "auto", dict[Role, str]()
        self.known: dict[str, Any] = {}
        self.index: RowIndex | None = None
        self.reading: Reading | None = None

    def forget(self, format: str = "auto", columns: Mapping[Role, str] | None = None) -> None:
        """Knows nothing of what was read; the next file is to be taken for what is said."""
        self.leave()
        self.format, self.columns, self.known, self.index = format, dict(columns or {}), {}, None

    def read(self, path: Path) -> None:
        """Reads a file from its beginning."""
        self._path = path
        reading = self.reading = Reading(path, self, self._session.spare)
        reading.guessed.connect(self._guess)
        reading.found.connect(self._show_index)
        reading.moved.connect(self._move)
        reading.indexed.connect(self._indexed)
        reading.checked.connect(self._checked)
        reading.failed.connect(self.failed)
        reading.faulted.connect(self._fault)
        reading.start(self.format, self.columns)

    def leave(self) -> None:
        """Ends what children do."""
        reading, self.reading = self.reading, None
        if reading is not None:
            reading.cancel()
            reading.deleteLater()

    def stop(self) -> None:
        """Ends what children do, and offers to go on."""
        if self.reading is not None and self.reading.busy:
            self.reading.cancel()
            text = self.tr("Not every row was checked.") if self.reading.complete else self.tr("Not all was read.")
            self._head.show_cancelled(text)

    def go_on(self) -> bool:
        """Checks every row anew; False: not all rows are known yet, and the file has to be read."""
        if self.reading is None or not self.reading.complete:
            return False
        self.reading.check(self.format, self.columns)
        self._head.show_moved(self.tr("Checking every row"), 0, 0)
        return True

    def take(self, format: str, columns: Mapping[Role, str]) -> None:
        """Takes the rows for something else; the configuration follows if it is of this data."""
        if self.reading is None:
            return
        self.format, self.columns = format, dict(columns)
        draft = self._session.draft
        if draft.value("data.path") == self._given:
            known = format_of(columns) if format == "auto" and columns else format
            objective = objectives.objective_for(known, draft.value("training.objective"))
            taken = {"data.format": format, "data.mapping": dict(columns), "training.objective": objective}
            draft.adopt(taken, self.tr("columns"))
        self._rows.search.set_options(options(format, columns))
        self.taken.emit()

    def ask_columns(self, window: QWidget) -> ColumnsDialog | None:
        """Asks which column plays which part, before some of the rows."""
        source = self._rows.table_model.source
        if source is None:
            return None
        found = [source.read(place) for place in range(min(len(source), _PREVIEWED))]
        rows = [item.data for item in found if item.data is not None]
        dialog = ColumnsDialog(window, rows, self.known.get("format", ""), self.columns)
        dialog.chosen.connect(lambda columns: self.take("auto", columns))
        dialog.open()
        return dialog

    @property
    def _given(self) -> str:
        return hub_ids.spelled(self._path)

    def _guess(self, guesses: list[dict[str, Any]]) -> None:
        self._head.show_name(title(self._path), self._given)
        self._head.columns.setEnabled(True)
        if self.format == "auto" and not self.columns:
            self._head.show_guesses(guesses)
            self.known = {"format": guesses[0]["format"]} if guesses else {}

    def _show_index(self, folder: Path) -> None:
        from studio.core.data.index import RowIndex

        try:
            source = FileRows(RowIndex(folder), self.known.get("format", ""), self.columns, self._given)
        except StudioError as error:
            self.failed.emit(error)
            return
        self.index = source.index
        self._tabs.set_rejected([], [], 0, self.index)
        self._rows.set_source(source)
        statuses = [("accepted", self.tr("Usable")), ("rejected", self.tr("Rejected"))]
        self._rows.search.set_file(self._given, options(self.format, self.columns), statuses)
        self._count_rows()
        self.shown.emit()

    def _move(self, done: int, total: int) -> None:
        if self.reading is not None and self.index is not None:
            self._rows.grow()
            self._count_rows()
            text = self.tr("Checking every row") if self.reading.complete else self.tr("Reading")
            self._head.show_moved(text, done, total)
        elif total:
            download = hub_ids.says_so(self._path)
            self._waiting.show_moved(title(self._path), done, total, download=download)

    def _indexed(self) -> None:
        self._rows.grow()
        self._count_rows()
        self._rows.search.again()
        self._head.show_moved(self.tr("Checking every row"), 0, 0)
        self.indexed.emit()

    def _count_rows(self) -> None:
        source = self._rows.table_model.source
        count = len(source) if source is not None else 0
        self._head.count.setText(counted(count, self.tr("{count} row"), self.tr("{count} rows")))
        self._tabs.count_rows(count)

    def _checked(self, found: dict[str, Any]) -> None:
        self.known = found
        self._head.show_done()
        refused = found["rejected"][0]["reason"] if not found["valid"] else ""
        self._head.show_fault(chat.unusable(title(self._path), found["rows"], refused) if refused else None)
        second = found["second"] if not self.columns else None
        self._head.show_format(found["format"], found["reason"], second)
        texts = (self.tr("{good} of {count} row can be used."), self.tr("{good} of {count} rows can be used."))
        self._head.count.setText(counted(found["rows"], *texts, good=f"{found['valid']:,}"))
        count = found["rows"] - found["valid"]
        items = [item | {"source": 0} for item in found["rejected"]]
        self._tabs.set_rejected(items, [Origin(self._given, found["format"], dict(self.columns))], count, self.index)
        source = self._rows.table_model.source
        if isinstance(source, FileRows):
            source.format, source.columns = found["format"], dict(self.columns)
            self._rows.show_status_column(bool(count))
            self._rows.refresh()
        if not found["valid"]:
            self._tabs.setCurrentIndex(1)

    def _fault(self, error: StudioError) -> None:
        self._head.show_done()
        self._head.show_fault(error)
