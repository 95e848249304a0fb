"""The Data page: data files and dataset versions, what each was taken for and why, and all their rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QWidget

from studio import paths
from studio.core import hub_ids, objectives
from studio.core.data.mapping import Role
from studio.core.desk import Lengths, Tokens
from studio.core.errors import StudioError
from studio.core.units import counted
from studio.core.versions import recipe
from studio.core.versions.steps import EVALUATION, Keep, Mend, Step, spans
from studio.ui import drops
from studio.ui.jobs import once
from studio.ui.pages.data_columns import ColumnsDialog
from studio.ui.pages.data_files import DataFiles, title
from studio.ui.pages.data_head import DataHead
from studio.ui.pages.data_hub import HubDialog
from studio.ui.pages.data_insight import Insight
from studio.ui.pages.data_menu import VersionMenu
from studio.ui.pages.data_plain import PlainFile
from studio.ui.pages.data_rejected import Rejected, unmended
from studio.ui.pages.data_request import tokens_of_file, tokens_of_version
from studio.ui.pages.data_rows import RowsView
from studio.ui.pages.data_states import Nothing, Unreadable, Waiting
from studio.ui.pages.data_steps import Asking
from studio.ui.pages.data_tabs import DataTabs
from studio.ui.pages.data_version import Editing
from studio.ui.parts import add_action, button, column, holder, label, row
from studio.ui.row_source import Shown, VersionRows
from studio.ui.session import Picked, Session, demo_data
from studio.ui.theme import GRID

if TYPE_CHECKING:
    from studio.core.versions.store import Version


class DataPage(QWidget):
    """Data files and versions, and their rows."""

    def __init__(self, session: Session) -> None:
        """Lists the built-in file, the versions and the recent files."""
        super().__init__()
        self._session = session
        self._path: Path | None = None
        self._awaited = False
        self._picked: Picked | None = None
        self._files = DataFiles(session)
        self._editing = Editing(session, self)
        self.rejected = Rejected()
        self.head = DataHead(session.theme)
        self.rows = RowsView(session, self._tokens_of)
        self.table_model, self.search = self.rows.table_model, self.rows.search.text
        self.tokens, self.keys = self.rows.pane.tokens, self.rows.keys
        asking = Asking(self, self.apply)
        self.menu = VersionMenu(self, self.head.menu, session, self._editing, self.rows, asking, self._shown)
        self.insight = Insight(session, self._asked, self._order, self.rows.address, self)
        self._tabs = DataTabs(self.rows, self.rejected, self.insight)
        nothing, self.waiting, self.unreadable = Nothing(session.theme), Waiting(), Unreadable()
        self.plain = PlainFile(session, self.head, self.rows, self._tabs, self.waiting)
        nothing.add_wanted.connect(self._add)
        nothing.demo_wanted.connect(lambda: self.receive(demo_data()))
        self._states = QStackedWidget()
        shown = column(self.head, self._tabs, spacing=GRID)
        shown.setStretch(1, 1)
        for widget in (nothing, self.waiting, self.unreadable, holder(shown)):
            self._states.addWidget(widget)
        self._connect()
        self._lay_out()
        self._files.fill(self._path)

    def receive(self, path: Path, picked: Picked | None = None) -> None:
        """Opens a data file, a folder or a version: it is read by processes of its own, and shown while it is.

        Args:
            path: of the data.
            picked: the rows of it that alone are to be shown, once they are known; None: all are.
        """
        self._leave()
        before, self._path = self._path, hub_ids.placed(path)
        self._picked = picked
        self._session.remember_data(self._path)
        self._files.fill(self._path)
        draft = self._session.draft
        if picked is not None:
            self.plain.forget(picked.data.format, picked.data.mapping)
        elif draft.value("data.path") == self._given:
            self.plain.forget(draft.value("data.format"), draft.value("data.mapping"))
        elif self._path == before:
            self.plain.forget(self.plain.format, self.plain.columns)
        else:
            self.plain.forget()
        self.insight.forget()
        self.waiting.start(title(self._path))
        self._states.setCurrentIndex(1)
        self._tabs.show_rows()
        if paths.is_version(self._path):
            self._editing.open(self._path)
        else:
            self.plain.read(self._path)

    def show_rows(self, numbers: list[int], title: str) -> None:
        """Shows only these rows, by their numbers in the file or in the version's order, until the chip is cleared."""
        self._tabs.show_rows()
        self.rows.choose(numbers, title)

    def apply(self, steps: Sequence[Step | Mend], title: str) -> None:
        """Does steps, undoable; a plain file becomes a version first."""
        if self._path is None:
            return
        if self._editing.version is None and not self._editing.waiting():
            made = self._editing.create(self._given, self.plain.format, self.plain.columns)
            self.rows.pane.shows.version = made
        self._editing.apply(steps, title)

    def leave(self) -> None:
        """Ends whatever children do for the page, as the window closes."""
        self._leave()
        self._editing.close()

    def left_open(self) -> Path | None:
        """Returns the data that is shown."""
        return self._path

    def take_up(self, path: Path | None) -> None:
        """Shows what another window showed."""
        if path is not None:
            self.receive(path)

    def keeps(self, then: Callable[[], object]) -> bool:
        """Whether edits wait to be kept; if so, `then` is called once they are."""
        unsettled = self._editing.unsettled()
        if unsettled:
            once(self._editing.settled, then)
        return unsettled

    def unsaved(self) -> str | None:
        """Says why what was typed into rows and not saved cannot be; empty: it can; None: there is none."""
        found = [said for said in (self.rows.pane.unsaved(), self.rejected.unsaved()) if said is not None]
        return max(found, default=None)

    def settle(self, *, save: bool) -> None:
        """Saves what was typed into rows, or gives it up."""
        self.rows.pane.settle(save=save)
        self.rejected.settle(save=save)

    def _leave(self) -> None:
        """Ends what children do for what is shown; edits that wait are done all the same."""
        self._wait(False)
        self.plain.leave()
        self._editing.leave()
        self.rows.search.leave()
        if count := self.rejected.leave():
            one = self.tr(
                "The correction of {count} rejected row was not put back. It waits there until the window closes."
            )
            many = self.tr(
                "The corrections of {count} rejected rows were not put back. They wait there until the window closes."
            )
            self._session.tell(counted(count, one, many))
        self.insight.leave()

    def _connect(self) -> None:
        head, editing, rows, plain = self.head, self._editing, self.rows, self.plain
        head.format_wanted.connect(lambda name: plain.take(name, {}))
        head.columns_wanted.connect(self._ask_columns)
        plain.shown.connect(lambda: self._states.setCurrentIndex(3))
        plain.indexed.connect(self._show_picked)
        plain.taken.connect(self._resume)
        plain.failed.connect(self._fail)
        head.use_wanted.connect(self._use)
        head.cancel_wanted.connect(self._cancel_reading)
        head.resume_wanted.connect(lambda: self._resume())
        self._states.currentChanged.connect(self._mark_menu)
        rows.steps_wanted.connect(self.apply)
        rows.late_wanted.connect(editing.apply_to)
        self.rejected.mended.connect(self.apply)
        self.waiting.cancelled.connect(self._cancel)
        self.unreadable.rebase_wanted.connect(self._take_over)
        self.unreadable.again_wanted.connect(self._again)
        self.unreadable.other_wanted.connect(self._add)
        rows.search.save_wanted.connect(self._save_shown)
        rows.table_model.failed.connect(self._fail)
        editing.opened.connect(self._show_version)
        editing.changed.connect(self._refresh_version)
        self.insight.rows_wanted.connect(self._show_places)
        self.insight.rejected_wanted.connect(self._tabs.show_rejected)
        self.insight.mending_wanted.connect(self.apply)
        editing.failed.connect(self._fail)
        editing.moved.connect(lambda done, total: self.head.show_moved(self.tr("Working on the version"), done, total))
        editing.over.connect(self.head.show_done)
        # Behind what the child's end brings about.
        editing.over.connect(lambda: QTimer.singleShot(0, self, self._go_on))
        editing.dropped.connect(lambda: self._wait(False))
        editing.dropped.connect(rows.pane.bring_back)
        editing.dropped.connect(self.rejected.bring_back)
        editing.settled.connect(lambda: self._files.fill(self._path))

    def _again(self) -> None:
        if self._path is not None:
            self.receive(self._path)

    def _take_over(self) -> None:
        if self._path is not None:
            text = self.tr(
                "The version was taken over to its changed files. What an audit found before does not hold for the "
                "new rows."
            )
            self.insight.forget(text)
            self._editing.rebase(self._path)

    def _lay_out(self) -> None:
        self._files.chosen.connect(self._chosen)
        add = button(self.tr("Add data file..."), self._add, "primary")
        self._session.theme.dress(add, "plus", "on_accent")
        hub = button(self.tr("From the hub..."), lambda: self._ask_hub())
        add_action(self, self.tr("Open a dataset of the hub..."), self._ask_hub_here)
        hub.setToolTip(self.tr("Open a dataset of the Hugging Face Hub by its id"))
        folder = button(self.tr("Add folder..."), self._add_folder)
        head = row(label(self.tr("Data"), "title"), None, hub, folder, add)
        body = row(self._files, self._states, spacing=2 * GRID)
        body.setStretch(1, 1)
        layout = column(head, body, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def _chosen(self, path: Path) -> None:
        if path != self._path:
            self.receive(path)

    @property
    def _given(self) -> str:
        """What is shown, as a command or a config names it."""
        return hub_ids.spelled(self._path) if self._path is not None else ""

    def _ask_hub_here(self) -> None:
        self._session.page_wanted.emit("data")
        self._ask_hub()

    def _ask_hub(self) -> HubDialog:
        dialog = HubDialog(self.window())
        dialog.chosen.connect(self.receive)
        dialog.open()
        return dialog

    def _add(self) -> None:
        chosen = drops.choose_data(self)
        if chosen is not None:
            self.receive(chosen)

    def _add_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Add folder of data files"))
        if chosen:
            self.receive(Path(chosen))

    # A version.

    def _show_version(self, version: "Version") -> None:
        from studio.core.versions import store as versions

        made_here = [source.path for source in version.recipe.sources] == [versions.place_of(self._given)]
        self.plain.leave()
        sources = version.selection.sources
        self.head.show_name(recipe.name_of(version.path), str(version.path))
        self.head.show_version(versions.format_of(sources), [item.source.name for item in sources])
        source = VersionRows(version)
        if made_here:
            self.rows.swap_source(source)
            self.rows.search.swap_file(str(version.path), self._statuses())
        else:
            self.plain.forget()
            if self._path != version.path:
                self.insight.forget()
            self._tabs.show_rows()
            self.rows.set_source(source)
            self.rows.search.set_file(str(version.path), [], self._statuses())
        self._path = version.path
        self._session.remember_data(version.path)
        self._files.fill(self._path)
        self._states.setCurrentIndex(3)
        self._mark_menu()
        self._refresh_version()
        self._show_picked()

    def _refresh_version(self) -> None:
        from studio.core.versions import store as versions

        version, source = self._editing.version, self.table_model.source
        if version is None or not isinstance(source, VersionRows):
            return
        source.version = version
        self.rows.refresh()
        self.rows.search.set_statuses(self._statuses())
        selection = version.selection
        items, origins, rejected = unmended(version)
        self._tabs.set_rejected(items, origins, rejected, self.plain.index)
        held, every = int(selection.evaluation().sum()), sum(file.rows for file in selection.sources)
        self.head.count_version(len(selection), held, every, rejected)
        self.head.show_fault(None if len(selection) else versions.emptied(version.path, selection))
        self._tabs.count_rows(len(selection))

    def _statuses(self) -> list[tuple[str, str]]:
        version = self._editing.version
        tags = sorted(version.selection.tags) if version is not None else []
        own = [("kept", self.tr("Kept")), ("excluded", self.tr("Excluded")), ("edited", self.tr("Edited"))]
        return [*own, *((tag, self.tr("For evaluation") if tag == EVALUATION else tag) for tag in tags)]

    def _save_shown(self) -> None:
        places = self.rows.shown_places()
        if places is None or not len(places):
            self._session.tell(self.tr("Search or filter first: all rows are shown."))
            return
        rows = spans(self.rows.address(int(place)) for place in places)
        self.apply([Keep(rows=rows, why=self.search.text()[:200])], self.tr("keep what was found"))

    # The states.

    def _cancel_reading(self) -> None:
        self.plain.stop()
        self._editing.stop()

    def _resume(self) -> None:
        if not self.plain.go_on() and self._path is not None:
            self.receive(self._path)

    def _ask_columns(self) -> ColumnsDialog | None:
        return self.plain.ask_columns(self.window())

    def _mark_menu(self) -> None:
        self.menu.mark(rows=self._states.currentIndex() == 3)

    def _shown(self) -> tuple[Path, str, Mapping[Role, str]] | None:
        return (self._path, self.plain.format, self.plain.columns) if self._path is not None else None

    def _fail(self, error: StudioError) -> None:
        self._picked = None
        self.head.show_done()
        self.unreadable.show_error(error, version=self._path is not None and paths.is_version(self._path))
        self._states.setCurrentIndex(2)

    def _cancel(self) -> None:
        self._leave()
        if self._path is not None and hub_ids.says_so(self._path):
            message = self.tr("The download of {name} was stopped.").format(name=title(self._path))
            hint = self.tr("What has come is kept: read it again, and it goes on from there.")
            self._fail(StudioError("data", message, hint))
            return
        self._path = None
        self._files.clearSelection()
        self._states.setCurrentIndex(0)

    def _tokens_of(self, shown: Shown) -> Tokens | str:
        draft, plain = self._session.draft, self.plain
        if self._editing.version is not None:
            return tokens_of_version(draft, shown, self._editing.version)
        return tokens_of_file(draft, shown, self._given, str(plain.known.get("format", "auto")), plain.columns)

    def _order(self) -> Any:
        """Returns the places of the rows in their order; None where a row's number is its place."""
        version = self._editing.version
        return version.selection.chosen.copy() if version is not None else None

    def _show_picked(self) -> None:
        """Shows only the rows that were asked for with the data, now that it is known where they lie."""
        picked, self._picked = self._picked, None
        if picked is None or self._path != hub_ids.placed(Path(picked.data.path)):
            return
        import numpy as np  # it is loaded with the first data, not with the window

        version = self._editing.version
        if version is not None:
            files = version.selection.sources
            found = [row for row in picked.rows if row[0] < len(files) and row[1] < files[row[0]].rows]
            places = [version.selection.place(*row) for row in found]
        else:
            known = len(self.plain.index) if self.plain.index is not None else 0
            places = [number for _, number in picked.rows if number < known]
        self._show_places(np.array(places, dtype=np.int64), picked.title)
        self.rows.table.setFocus()
        if gone := len(picked.rows) - len(places):
            one, many = (
                self.tr("{count} of these rows is not there any more."),
                self.tr("{count} of these rows are not there any more."),
            )
            self._session.tell(counted(gone, one, many), "bad")

    def _show_places(self, places: Any, title: str) -> None:
        self._tabs.show_rows()
        self.rows.choose_places(places, title)

    def _asked(self) -> Lengths:
        """Returns how the desk is asked for all rows of what is shown."""
        if self._editing.version is not None:
            return Lengths(file=str(self._editing.version.path))
        return Lengths(file=self._given, format=self.plain.format, mapping=self.plain.columns)

    def _wait(self, waiting: bool) -> None:
        """Has training wait for the edits of what is shown, or no longer."""
        self._awaited = waiting
        self.head.show_waiting(waiting)

    def _go_on(self) -> None:
        if self._awaited and not self._editing.waiting():
            self._wait(False)
            # Without any row left it says why not.
            if self.head.use.isEnabled():
                self._use()

    def _use(self) -> None:
        if self._editing.waiting():
            self._wait(True)
        elif self._path is not None:
            version = self._editing.version is not None
            values = {
                "data.path": self._given,
                "data.format": "auto" if version else self.plain.format,
                "data.mapping": {} if version else dict(self.plain.columns),
            }
            draft = self._session.draft
            objective = objectives.objective_for(self.head.row_format, draft.value("training.objective"))
            draft.adopt(values | {"training.objective": objective}, self.tr("training data"))
            self._session.page_wanted.emit("configure")
