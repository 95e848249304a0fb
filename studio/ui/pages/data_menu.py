"""What is done to all rows of a file or a version: the Version menu, each entry of it an action of the page."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from studio.core.data.mapping import Role
from studio.core.units import counted
from studio.core.versions import recipe
from studio.ui.pages.data_history import History
from studio.ui.pages.data_rows import RowsView
from studio.ui.pages.data_steps import Asking
from studio.ui.pages.data_version import Editing
from studio.ui.parts import add_action
from studio.ui.reading import mapping_options, options
from studio.ui.session import Session


class VersionMenu(QObject):
    """Fills the menu, and asks for what each of its entries needs.

    Attributes:
        asking: asks for the settings of steps.
    """

    def __init__(
        self,
        page: QWidget,
        menu: QMenu,
        session: Session,
        editing: Editing,
        rows: RowsView,
        asking: Asking,
        shown: Callable[[], tuple[Path, str, Mapping[Role, str]] | None],
    ) -> None:
        """Belongs to `page`.

        Args:
            page: whose actions they are, by which the command palette finds them.
            menu: it is filled.
            session: the window's.
            editing: the version that is shown, if it is one.
            rows: the rows that are shown.
            asking: asks for the settings of steps.
            shown: gives the data shown and what its rows and their columns are taken for; None: no data.
        """
        super().__init__(page)
        self._page, self._session, self._editing, self._shown = page, session, editing, shown
        self.asking = asking
        table = rows.table_model
        acts: tuple[tuple[str, Callable[[], object]], ...] = (
            (self.tr("Split the rows..."), lambda: asking.split(table.columns)),
            (self.tr("Deduplicate the rows..."), lambda: asking.deduplicate(table.columns)),
            (self.tr("Sample rows..."), lambda: asking.sample(table.rowCount())),
            (self.tr("Balance groups of rows..."), lambda: asking.balance(table.columns)),
            (self.tr("Mix with another file..."), self._mix),
            (self.tr("Export the rows..."), self._export),
            (self.tr("History of the version..."), self.history),
        )
        made = [add_action(page, text, partial(self._act, act)) for text, act in acts]
        menu.addActions(made)
        menu.insertSeparator(made[-2])
        self._of_rows, self._of_version = made[:-1], made[-1]
        self.mark(rows=False)

    def mark(self, *, rows: bool) -> None:
        """Enables what can be done now; `rows`: some are shown."""
        for action in self._of_rows:
            action.setEnabled(rows)
        self._of_version.setEnabled(rows and self._editing.version is not None)

    def history(self) -> History | None:
        """Shows the steps of the version, if it is one."""
        version = self._editing.version
        return self.asking.history(version.recipe, self._editing.move) if version is not None else None

    def export(self, target: Path, *, overwrite: bool = False) -> None:
        """Writes the rows to a new file, by a child; `overwrite`: one in its place may be replaced."""
        if (shown := self._shown()) is None:
            return
        path, _, columns = shown
        plain = self._editing.version is None
        verb = ["convert", *mapping_options(columns)] if plain else ["version", "export"]
        given = ["--overwrite"] if overwrite else []
        command = self._session.command(["data", *verb, str(path), str(target), *given])
        one, many = self.tr("{count} row written to {name}."), self.tr("{count} rows written to {name}.")
        command.done.connect(
            lambda said: self._session.tell(counted(said["rows"], one, many, name=target.name), "good")
        )
        command.failed.connect(self._session.tell_error)

    def _act(self, act: Callable[[], object]) -> None:
        self._session.page_wanted.emit("data")
        act()

    def _mix(self) -> None:
        if (shown := self._shown()) is not None:
            path, format, columns = shown
            taken = options(format, columns) if self._editing.version is None else []
            self.asking.mix(path, recipe.free_name("mix"), partial(self._editing.mix, taken=taken))

    def _export(self) -> None:
        kinds = "JSONL (*.jsonl);;Parquet (*.parquet)"
        chosen, _ = QFileDialog.getSaveFileName(self._page, self.tr("Export the rows"), "", kinds)
        if chosen:
            # The dialog has asked.
            self.export(Path(chosen), overwrite=True)
