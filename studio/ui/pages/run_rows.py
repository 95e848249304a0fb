"""The rows a run learns worst, or those of one of its steps, as a command of their own finds them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QSpinBox, QWidget

from studio.core.errors import StudioError
from studio.core.runs import is_copy
from studio.core.units import counted
from studio.ui import given, words
from studio.ui.jobs import Command
from studio.ui.models import RunModel
from studio.ui.parts import align_number, as_tip, button, column, icon_button, label, row, set_mark, sound
from studio.ui.session import Session
from studio.ui.table_view import TableView, dress
from studio.ui.tables import Index
from studio.ui.theme import GRID

_SHOWN = 200
_TYPING_MS = 300
_LEAST_PX = 80
# What the columns are ordered by; the others are not.
_LOSS, _ABOVE, _CHANGE, _STEP = 1, 2, 3, 4
_NUMBERS = 6  # the columns before those of texts
_ORDERS = {_LOSS: "loss", _ABOVE: "above", _CHANGE: "change"}
_DISPLAY, _USER = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole
_TIP, _ALIGN = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.TextAlignmentRole


class LossTable(QAbstractTableModel):
    """Rows with their losses, as `studio runs rows` tells them; `Qt.UserRole` gives what it tells of one.

    Attributes:
        items: the rows.
        order: what they are ordered by.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Starts empty."""
        super().__init__(parent)
        self.items: list[dict[str, Any]] = []
        self.order = "above"

    def order_by(self, order: str) -> None:
        """Marks the column that rows are to be ordered by."""
        self.order = order
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.columnCount() - 1)

    def set_items(self, items: list[dict[str, Any]]) -> None:
        """Shows other rows."""
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns how many rows are shown."""
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Returns 8."""
        return 8

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Returns a cell's text, its tip, its side, or all that is known of the row."""
        item = self.items[index.row()]
        if role == _USER:
            return item
        if role == _ALIGN and index.column() < _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == _TIP and index.column() >= _NUMBERS:
            return as_tip(_cells(item)[index.column()])
        return _cells(item)[index.column()] if role == _DISPLAY else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Returns the columns' names, their side, and what they mean."""
        if role == _ALIGN and section < _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if orientation != Qt.Orientation.Horizontal or role not in (_DISPLAY, _TIP):
            return None
        names = (
            (self.tr("Row"), self.tr("Its number in the data, from 0")),
            (self.tr("Loss"), self.tr("Its loss the last time it was trained on, in nats")),
            (
                self.tr("Above"),
                self.tr("How far its loss lay above that of the rows trained on beside it, the mean over all times"),
            ),
            (self.tr("Change"), self.tr("Its loss the last time less that of the first time")),
            (self.tr("Step"), self.tr("The step it was last in")),
            (self.tr("Tokens"), self.tr("Its tokens that are learned")),
            (self.tr("Asked"), self.tr("The beginning of what its last answer answers")),
            (self.tr("Answer"), self.tr("The beginning of its last answer, or of its text")),
        )
        # The style's own arrow would stand on the name of a column of numbers.
        mark = "\u2193 " if role == _DISPLAY and _ORDERS.get(section) == self.order else ""
        return mark + names[section][role == _TIP]


def _cells(item: dict[str, Any]) -> Sequence[str]:
    again = item["times"] > 1
    return (
        f"{item['row']:,}",
        _number(item["loss"], "{:.4f}"),
        _number(item["above"], "{:+.4f}"),
        _number(_change(item), "{:+.4f}") if again else "\u2013",
        f"{item['step']:,}",
        f"{item['tokens']:,}",
        sound(item["asked"]),
        sound(item["answer"]),
    )


def _change(item: dict[str, Any]) -> float | None:
    known = item["loss"] is not None and item["first_loss"] is not None
    return item["loss"] - item["first_loss"] if known else None


def _number(value: float | None, form: str) -> str:
    # JSON has no word for what is no number.
    return "NaN" if value is None else form.format(value).replace("-", "\u2212")


class RunRows(QWidget):
    """The rows of a run by their losses, and the way to them in the data."""

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._session = session
        self._model: RunModel | None = None
        self._command: Command | None = None
        self._asked_for: tuple[Path, int, str, int] | None = None
        self.model = LossTable(self)
        self.step = QSpinBox()
        self.step.setAccessibleName(self.tr("Only the rows of this step"))
        self.step.setSpecialValueText(self.tr("All steps"))
        self.step.setPrefix(self.tr("Step") + " ")
        self.step.setMinimumWidth(14 * GRID)
        self.step.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.step.wheelEvent = lambda event: event.ignore()  # type: ignore[method-assign]
        align_number(self.step)
        self.said = label("", "caption", wrap=True)
        self.again = icon_button(session.theme, "reset", self.tr("Look again"), self._look_again)
        self.show_button = button(self.tr("Show in the data"), self._show_in_data)
        self.show_button.setToolTip(self.tr("The rows chosen here, or all of them, to be edited or taken out"))
        head = row(self.step, self.again, self.said, self.show_button, spacing=GRID)
        head.setStretch(2, 1)
        layout = column(head, self._table(), spacing=GRID)
        layout.setStretch(1, 1)
        layout.setContentsMargins(0, GRID, 0, 0)
        self.setLayout(layout)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._look)
        self.step.valueChanged.connect(lambda _value: self._typing.start())

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run's rows, or none."""
        self._model = model
        self._asked_for = None
        self._leave()
        self._count_steps()
        self.step.setValue(0)
        self._fill([])
        self._look()

    def show_step(self, step: int) -> None:
        """Shows the rows of one step; 0: all."""
        self._count_steps()
        self.step.setValue(step)
        self._typing.stop()
        self._look()

    def showEvent(self, event: QShowEvent) -> None:
        """Looks for what nobody could see before."""
        super().showEvent(event)
        self._look()

    def _table(self) -> TableView:
        self.table = TableView()
        dress(self.table, self.model, self.tr("Rows by their loss"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        header = self.table.horizontalHeader()
        header.setSectionsClickable(True)
        header.setStretchLastSection(True)
        self.table.widened.connect(self._share)
        header.sectionClicked.connect(self._sort)
        self.table.doubleClicked.connect(lambda _index: self._show_in_data())
        return self.table

    def _share(self) -> None:
        """Gives half of the room to what is asked, and the other half to the answer."""
        held = sum(self.table.columnWidth(at) for at in range(_NUMBERS))
        self.table.setColumnWidth(_NUMBERS, max(_LEAST_PX, (self.table.viewport().width() - held) // 2))

    def _sort(self, section: int) -> None:
        self.model.order_by(_ORDERS.get(section, self.model.order))
        self._look()

    def _count_steps(self) -> None:
        steps = self._model.progress.steps if self._model is not None else None
        self.step.setMaximum(max(self.step.value(), steps[-1].step if steps else 0))

    def _look_again(self) -> None:
        self._asked_for = None
        self._look()

    def _look(self) -> None:
        """Has the rows found, unless nobody sees them or they are those that are shown."""
        model = self._model
        if model is None or not self.isVisible():
            return
        self._count_steps()
        step = self.step.value()
        # All rows are others with each step that is taken; those of one stay.
        wanted = (model.run.path, step, self.model.order, 0 if step else self.step.maximum())
        if wanted == self._asked_for:
            return
        self._asked_for = wanted
        self._leave()
        told = ["runs", "rows", str(model.run.path), "--by", self.model.order, "--first", str(_SHOWN)]
        told += ["--step", str(step)] if step else []
        command = self._command = Command(told, self, self._session.spare)
        self.table.none = self.tr("Looking for the rows ...") if not self.model.items else ""
        self.table.viewport().update()
        command.done.connect(lambda found: self._found(command, found))
        command.failed.connect(lambda error: self._failed(command, error))

    def _leave(self) -> None:
        command, self._command = self._command, None
        if command is not None:
            command.cancel()

    def _found(self, command: Command, found: dict[str, Any]) -> None:
        if command is not self._command:
            return
        self._command = None
        shown, every = len(found["rows"]), found["of"]
        if found["step"] is not None:
            said = counted(every, self.tr("{count} row in this step"), self.tr("{count} rows in this step"))
        else:
            one, many = self.tr("{count} row was trained on"), self.tr("{count} rows were trained on")
            said = words.listed((counted(every, one, many), self._by_step(found["last_step"])))
        if shown < every:
            said = words.listed((said, self.tr("the first {count} are shown").format(count=f"{shown:,}")))
        fault = found["fault"]
        if fault is not None:
            said = words.sentences(StudioError("data", fault["message"], fault["hint"]))
        self._fill(found["rows"], said, wrong=fault is not None)

    def _by_step(self, step: int) -> str:
        return self.tr("by step {step}").format(step=f"{step:,}")

    def _failed(self, command: Command, error: StudioError) -> None:
        if command is self._command:
            self._command = None
            self._fill([])
            self.table.none = words.sentences(error)
            self.table.viewport().update()

    def _fill(self, items: list[dict[str, Any]], said: str = "", *, wrong: bool = False) -> None:
        self.table.none = ""
        self.model.set_items(items)
        # Nothing has changed of rows that were trained on once, nor differs the step of those of one.
        self.table.setColumnHidden(_CHANGE, all(item["times"] == 1 for item in items))
        self.table.setColumnHidden(_STEP, bool(self.step.value()))
        for section in range(_NUMBERS):
            self.table.resizeColumnToContents(section)
        self._share()
        self.table.scrollToTop()
        self.said.setText(said)
        set_mark(self.said, "wrong", wrong)
        self.show_button.setEnabled(bool(items) and not wrong)

    def _show_in_data(self) -> None:
        """Has the Data page show the rows chosen here, or all."""
        model = self._model
        if model is None or not self.show_button.isEnabled():
            return
        chosen = [index.data(_USER) for index in self.table.selectionModel().selectedRows()] or self.model.items
        try:
            path = given.original(model.run.config(), self._session.settings.recent_data).data.path
        except StudioError as error:
            self._session.tell_error(error)
            return
        if is_copy(Path(path)):
            said = self.tr("The version that the run was given is not there any more; only the run's copy is left.")
            self._session.tell(said, "bad")
            return
        step = self.step.value()
        title = self.tr("Step {step} of {name}") if step else self.tr("Highest loss in {name}")
        said = title.format(step=f"{step:,}", name=model.title)
        addresses = [(item["source"], item["number"]) for item in chosen]
        self._session.rows_wanted.emit(Path(path), addresses, said)
