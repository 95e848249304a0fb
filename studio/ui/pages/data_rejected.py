"""The rejected rows: why each is, what its file has, and a corrected text that a version puts in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSplitter, QWidget

from studio.core.data.mapping import Role
from studio.core.errors import StudioError
from studio.core.versions.steps import Replace
from studio.ui import words
from studio.ui.jobs import Command
from studio.ui.parts import button, column, holder, label, row, show_text, shown_keys
from studio.ui.reading import MOST_REJECTED
from studio.ui.row_editor import TextBox
from studio.ui.table_view import TableView, dress
from studio.ui.tables import RejectedTable
from studio.ui.theme import GRID

if TYPE_CHECKING:
    from studio.core.data.index import RowIndex
    from studio.core.data.rows import Parsed
    from studio.core.versions.store import Version


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that rejected rows are of: what a command calls it, and what its rows are taken for."""

    path: str
    format: str
    columns: Mapping[Role, str]


class Rejected(QWidget):
    """The list, and below it the row looked at as text that can be corrected.

    Signals:
        mended: (steps, what they do): a corrected row is to be put in its place.
    """

    mended = Signal(list, str)

    def __init__(self) -> None:
        """Shows no rows."""
        super().__init__()
        self.model = RejectedTable(self)
        self._origins: Sequence[Origin] = ()
        self._indexes: dict[str, RowIndex] = {}
        self._command: Command | None = None
        self._item: dict[str, Any] | None = None
        self._before = ""
        # By file and row: the row's text before and as it was typed; of rows shown, and of those shown before.
        self._typed_in: dict[tuple[str, int], tuple[str, str]] = {}
        self._kept: dict[tuple[str, int], tuple[str, str]] = {}
        self._put_last: dict[tuple[str, int], tuple[str, str]] = {}
        self._read: Parsed | None = None
        self.table = TableView()
        dress(self.table, self.model, self.tr("Rejected rows"))
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.selectionModel().currentRowChanged.connect(self._show)
        self.about, self.said = label("", "muted", wrap=True), label("", "fault", wrap=True)
        self.text = TextBox("")
        self.text.setObjectName("mono")
        self.text.setAccessibleName(self.tr("The row as its file has it"))
        self.text.textChanged.connect(self._check)
        self.put = button(self.tr("Put it back"), self._put, "primary")
        said = self.tr("Use the corrected row in a version; the file stays as it is ({keys})")
        self.put.setToolTip(said.format(keys=shown_keys("Ctrl+Return")))
        self.revert = button(self.tr("Revert"), self._revert)
        buttons = row(self.put, self.revert, self.said)
        buttons.setStretch(2, 1)
        below = column(self.about, self.text, buttons, None, spacing=GRID)
        below.setContentsMargins(0, GRID, 0, 0)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(holder(below))
        split.setStretchFactor(0, 1)
        split.setSizes([500, 1])  # the row below as tall as it has to be
        split.setChildrenCollapsible(False)
        layout = column(split)
        layout.setContentsMargins(0, GRID, 0, 0)
        self.setLayout(layout)
        self._empty()

    def set_items(
        self, items: list[dict[str, Any]], origins: Sequence[Origin], index: "RowIndex | None" = None
    ) -> None:
        """Shows other rows; the line looked at stays.

        Args:
            items: `source`, `row`, `line`, `reason` and `file` of each, as `mending.still_rejected` lists them.
            origins: the files, by `source`.
            index: where the rows of the first file lie, if that is known.
        """
        line = self.table.currentIndex().row()
        self._origins = origins
        if index is not None and origins:
            self._indexes[origins[0].path] = index
        self.model.set_items(items)
        self._empty()
        if line >= 0 and items:
            self.table.selectRow(min(line, len(items) - 1))

    def leave(self) -> int:
        """Ends what a child does: other data is shown. Returns into how many rows was typed.

        What was typed comes back when such a row is looked at again.
        """
        self._stop()
        count = len(self._typed_in)
        self._kept |= self._typed_in
        self._typed_in.clear()
        return count

    def unsaved(self) -> str | None:
        """Returns why what was typed and not put back cannot be; empty: it can; None: there is none."""
        if not self._typed_in:
            return None
        return next((read.reason for _, read in self._corrected() if read.data is None), "")

    def settle(self, *, save: bool) -> None:
        """Puts all corrected rows back, or gives up what was typed."""
        steps = [
            Replace(source=item["source"], row=item["row"], data=read.data)
            for item, read in self._corrected()
            if read.data is not None
        ]
        self._put_last = dict(self._typed_in) if save else {}
        self._typed_in.clear()
        if save and steps:
            self.mended.emit(steps, self.tr("mend a rejected row"))
        else:
            self._show(self.table.currentIndex())

    def bring_back(self) -> None:
        """Shows again as it was typed what was to be put back last and was not."""
        self._kept |= self._put_last
        self._put_last = {}
        if not self._typed_in:
            self._show(self.table.currentIndex())

    def _stop(self) -> None:
        command, self._command = self._command, None
        if command is not None:
            command.cancel()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Puts the row back on Ctrl+Return, which no text box takes."""
        held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and held:
            self._put()
        else:
            super().keyPressEvent(event)

    def _empty(self) -> None:
        self._item, self._read = None, None
        self._fill("", self.tr("Choose a row to correct it."))
        self.text.setEnabled(False)
        self.put.setEnabled(False)
        self.revert.setEnabled(False)

    def _fill(self, text: str, about: str) -> None:
        self.about.setText(about)
        show_text(self.text, text)
        self.said.setText("")

    def _show(self, now: QModelIndex, _before: QModelIndex | None = None) -> None:
        self._stop()
        self._empty()
        if not now.isValid():
            return
        item = self.model.item(now.row())
        origin = self._origins[item["source"]]
        if origin.path in self._indexes:
            self._show_text(item, origin)
            return
        # Where a version's rows lie in its files is found out by a child, once.
        self.about.setText(self.tr("Reading {name} ...").format(name=item["file"]))
        command = self._command = Command(["data", "index", origin.path], self)
        folders: list[Path] = []
        command.told.connect(lambda line: folders.append(Path(line["index"])) if "index" in line else None)
        command.done.connect(lambda _said: self._indexed(item, origin, folders[0]))
        command.failed.connect(lambda error: self.about.setText(words.sentences(error)))
        command.over.connect(lambda: self._over(command))

    def _over(self, command: Command) -> None:
        if self._command is command:
            self._command = None

    def _indexed(self, item: dict[str, Any], origin: Origin, folder: Path) -> None:
        from studio.core.data.index import RowIndex  # numpy is loaded with the first data, not with the window

        self._indexes[origin.path] = RowIndex(folder)
        self._show_text(item, origin)

    def _show_text(self, item: dict[str, Any], origin: Origin) -> None:
        from studio.core.data import mending

        try:
            text = mending.raw_text(self._indexes[origin.path], item["row"])
        except (StudioError, IndexError) as error:
            said = words.sentences(error) if isinstance(error, StudioError) else self.tr("Open the data again.")
            self.about.setText(said)
            return
        where = self.tr("{file}, line {line}") if item["line"] else self.tr("{file}, row {row}")
        about = words.titled(where.format(**item), words.sentence(item["reason"]))
        if not text:
            about += " " + self.tr("The file has no text of it: write the row as JSON.")
        elif len(text) >= mending.MOST_SHOWN:
            about += " " + self.tr("Only its beginning is shown.")
        self._fill(text, about)
        key = (origin.path, item["row"])
        typed = self._typed_in.get(key) or self._kept.pop(key, None)
        self._item, self._before = item, self._typed()
        self.text.setEnabled(True)
        if typed is not None and typed[0] == self._before:
            show_text(self.text, typed[1])
        self._check()

    def _revert(self) -> None:
        self.text.setFocus()
        self.text.clear()  # a text is else taken to be shown already that differs in its kinds of spaces alone
        show_text(self.text, self._before)

    def _check(self) -> None:
        """Says whether the row can be used as it is typed."""
        if self._item is None:
            return
        origin, text = self._origins[self._item["source"]], self._typed()
        read = self._understood(self._item, text)
        # As it is, it was refused: bytes that are no text, say, are shown as signs that are.
        changed = text != self._before
        key = (origin.path, self._item["row"])
        if changed:
            self._typed_in[key] = (self._before, text)
        else:
            self._typed_in.pop(key, None)
        self._read = read if changed else None
        self.put.setEnabled(changed and read.data is not None)
        self.revert.setEnabled(changed)
        good = self.tr("The row can be used.") if read.data is not None else words.sentence(read.reason)
        self.said.setText(good if changed else "")

    def _understood(self, item: dict[str, Any], text: str) -> "Parsed":
        from studio.core.data import mending

        origin = self._origins[item["source"]]
        return mending.read(self._indexes[origin.path], item["row"], text, origin.format, origin.columns)

    def _corrected(self) -> "list[tuple[dict[str, Any], Parsed]]":
        """Returns the rows something was typed into, and what each is now."""
        items = map(self.model.item, range(self.model.rowCount()))
        found = [(item, self._typed_in.get((self._origins[item["source"]].path, item["row"]))) for item in items]
        return [(item, self._understood(item, typed[1])) for item, typed in found if typed is not None]

    def _typed(self) -> str:
        # `toPlainText` would turn no-break spaces into spaces.
        return self.text.document().toRawText().replace("\u2029", "\n")

    def _put(self) -> None:
        if self._item is not None and self._read is not None and self._read.data is not None:
            step = Replace(source=self._item["source"], row=self._item["row"], data=self._read.data)
            key = (self._origins[step.source].path, step.row)
            self._put_last = {key: self._typed_in.pop(key)}
            # Before the box is disabled: what has the focus then would hand it to whatever is next.
            self.table.setFocus()
            self.put.setEnabled(False)
            self.mended.emit([step], self.tr("mend a rejected row"))


def unmended(version: "Version") -> tuple[list[dict[str, Any]], list[Origin], int]:
    """Returns the rows of a version's files that are rejected still, the first of them at least; the files; how many.

    They are as `Rejected.set_items` takes them.
    """
    from studio.core.data import mending

    sources, selection = version.recipe.sources, version.selection
    mended = [selection.address(place) for place in selection.edits]
    items = mending.still_rejected(selection.sources, mended, MOST_REJECTED)
    origins = [
        Origin(said.path, file.format, dict(said.mapping))
        for said, file in zip(sources, selection.sources, strict=True)
    ]
    count = selection.originals(mended).count(0)
    return items, origins, sum(len(file.rejected) for file in selection.sources) - count
