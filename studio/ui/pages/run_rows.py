"""The rows a run learns worst, or those of one of its steps, as a command of their own finds them."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QSpinBox, QWidget

from studio.core import library
from studio.core.desk import tokens_of
from studio.core.errors import StudioError
from studio.core.progress import Progress
from studio.core.units import counted
from studio.ui import given, words
from studio.ui.jobs import Command
from studio.ui.loss_table import CHANGE, NUMBERS, ORDERS, STEP, TOKENS, LossTable
from studio.ui.models import RunModel
from studio.ui.parts import align_number, button, column, icon_button, label, leave_wheel, row, selectable, set_mark
from studio.ui.session import GivenText, Session
from studio.ui.table_view import TableView, dress
from studio.ui.theme import GRID

_SHOWN = 200
_TYPING_MS = 300
_KEYS: dict[int, str] = {Qt.Key.Key_A: "above", Qt.Key.Key_L: "loss", Qt.Key.Key_C: "change"}
_LEAST_PX = 80
_NARROW_PX = 600
_MEASURED = 50  # rows whose numbers decide how wide their columns are


class RunRows(QWidget):
    """The rows of a run by their losses, and the way to them in the data."""

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._session = session
        self._model: RunModel | None = None
        self._command: Command | None = None
        self._asked_for: tuple[Path, int, str, int] | None = None
        self._shown_step: int | None = None
        self.model = LossTable(self)
        self.step = self._step_box()
        self.said = selectable(label("", "caption", wrap=True))
        self.again = icon_button(session.theme, "reset", self.tr("Look again"), self._look_again)
        self.show_button = button(self.tr("Show in the data"), self._show_in_data)
        self.show_button.setToolTip(self.tr("The rows chosen here, or all that are listed, to be edited or taken out"))
        self.look_button = button(self.tr("Token by token"), self._look_at_row)
        self.look_button.setToolTip(
            self.tr("How likely the base and the run's adapter hold every token of the row chosen here (key T)")
        )
        head = row(self.step, self.again, self.said, self.look_button, self.show_button, spacing=GRID)
        head.setStretch(2, 1)
        layout = column(head, self._table(), spacing=GRID)
        layout.setStretch(1, 1)
        layout.setContentsMargins(0, GRID, 0, 0)
        self.setLayout(layout)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._look)
        self.step.valueChanged.connect(self._leave_step)
        self.keys = [
            (self.tr("Order by what lies above"), "A"),
            (self.tr("Order by loss"), "L"),
            (self.tr("Order by change"), "C"),
            (self.tr("Token by token"), "T"),
        ]

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run's rows, or none."""
        self._model = model
        self._asked_for = None
        self.leave()
        self.step.setValue(0)
        self.step.setMaximum(0)
        self._fill([])
        self.advance()
        self._look()

    def show_step(self, step: int) -> None:
        """Shows the rows of one step; 0: all."""
        self.advance()
        self.step.setValue(step)
        self._typing.stop()
        self._look()

    def advance(self) -> None:
        """Offers the steps that were taken since; the first of them brings the first rows."""
        told = self._model.progress if self._model is not None else Progress()
        last, before = told.steps[-1].step if told.steps else 0, self.step.maximum()
        if told.failed is not None and told.failed.reason == "diverged":
            last = told.step + 1  # the one that is told of no more, but whose rows are
        self.step.setMaximum(max(self.step.value(), last))
        if last and not before:
            self._look_again()

    def leave(self) -> None:
        """Has nothing looked for any more."""
        command, self._command = self._command, None
        if command is not None:
            command.cancel()

    def showEvent(self, event: QShowEvent) -> None:
        """Looks anew: the data may have been changed while nobody looked."""
        super().showEvent(event)
        self._look_again()

    def _leave_step(self) -> None:
        """Offers nothing of the step that is left, and looks once no other is being typed."""
        if self._model is not None:
            self._asked_for = None
            self._busy()
            self._typing.start()

    def _offer(self, offered: bool) -> None:
        self.show_button.setEnabled(offered)
        self.look_button.setEnabled(offered)

    def _busy(self) -> None:
        self._offer(False)
        self._say(self.tr("Looking for the rows ..."))

    def _step_box(self) -> QSpinBox:
        made = QSpinBox()
        made.setAccessibleName(self.tr("Only the rows of this step"))
        made.setSpecialValueText(self.tr("All steps"))
        before, _, behind = self.tr("Step {step}").partition("{step}")
        made.setPrefix(before)
        made.setSuffix(behind)
        made.setMinimumWidth(14 * GRID)
        leave_wheel(made)
        align_number(made)
        return made

    def _table(self) -> TableView:
        self.table = TableView(self._pressed)
        dress(self.table, self.model, self.tr("Rows by their loss"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        header = self.table.horizontalHeader()
        header.setSectionsClickable(True)
        header.setStretchLastSection(True)
        header.setResizeContentsPrecision(_MEASURED)
        header.sectionClicked.connect(self._sort)
        self.table.widened.connect(self._share)
        # Not `activated`, which is a single click on some desktops.
        self.table.doubleClicked.connect(lambda _index: self._show_in_data())
        return self.table

    def _pressed(self, key: int) -> bool:
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._show_in_data()
        elif key == Qt.Key.Key_T:
            self._look_at_row()
        elif key in _KEYS:
            self.model.order_by(_KEYS[key])
            self._look()
        else:
            return False
        return True

    def _share(self) -> None:
        """Gives half of the room to what is asked, and the other half to the answer; both before counts."""
        narrow = self.table.viewport().width() < _NARROW_PX
        self.table.setColumnHidden(STEP, narrow or self._shown_step is not None)
        self.table.setColumnHidden(TOKENS, narrow)
        for section in range(NUMBERS):
            self.table.resizeColumnToContents(section)
        held = sum(self.table.columnWidth(at) for at in range(NUMBERS))
        self.table.setColumnWidth(NUMBERS, max(_LEAST_PX, (self.table.viewport().width() - held) // 2))

    def _sort(self, section: int) -> None:
        self.model.order_by(ORDERS.get(section, self.model.order))
        self._look()

    def _look_again(self) -> None:
        self._asked_for = None
        self._look()

    def _look(self) -> None:
        """Has the rows found, unless nobody sees them or they are being looked for, or shown."""
        model, step = self._model, self.step.value()
        if model is None or not self.isVisible():
            return
        # All rows are others with each step that is taken; those of one stay.
        wanted = (model.run.path, step, self.model.order, 0 if step else self.step.maximum())
        if wanted == self._asked_for:
            return
        self._asked_for = wanted
        self.leave()
        told = ["runs", "rows", str(model.run.path), "--by", self.model.order, "--first", str(_SHOWN)]
        told += ["--step", str(step)] if step else []
        command = self._command = Command(told, self, self._session.spare)
        command.told.connect(lambda item: self._say_share(command, item))
        command.done.connect(lambda found: self._found(command, found))
        command.failed.connect(lambda error: self._failed(command, error))
        self._busy()

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.said.setText(text)
        set_mark(self.said, "wrong", wrong)

    def _say_share(self, command: Command, item: dict[str, Any]) -> None:
        if command is self._command and item.get("total") and item["done"]:
            self._say(f"{self.tr('Looking for the rows ...')} {item['done'] / item['total']:.0%}")

    def _found(self, command: Command, found: dict[str, Any]) -> None:
        if command is not self._command:
            return
        self._command, self._shown_step = None, found["step"]
        self._fill(found["rows"])
        fault = found["fault"]
        if fault is None:
            self._say(self._counted(found))
        else:
            # Rows of other data may have these numbers.
            self._offer(False)
            self._say(words.sentences(StudioError(**fault)), wrong=True)

    def _counted(self, found: dict[str, Any]) -> str:
        shown, every = len(found["rows"]), found["of"]
        if found["step"] is not None:
            said = counted(every, self.tr("{count} row in this step"), self.tr("{count} rows in this step"))
        else:
            one, many = self.tr("{count} row was trained on"), self.tr("{count} rows were trained on")
            said = words.listed((counted(every, one, many), self._by_step(found["last_step"])))
        if shown < every:
            said = words.listed((said, self.tr("the first {count} are shown").format(count=f"{shown:,}")))
        return said

    def _by_step(self, step: int) -> str:
        return self.tr("by step {step}").format(step=f"{step:,}")

    def _failed(self, command: Command, error: StudioError) -> None:
        if command is self._command:
            self._command = self._asked_for = None
            self._fill([])
            self._say(words.sentences(error), wrong=True)

    def _fill(self, items: list[dict[str, Any]]) -> None:
        """Shows rows, or none; those that are shown already stay chosen."""
        self._say("")
        self._offer(bool(items))
        if items == self.model.items:
            return
        self.model.set_items(items)
        # Nothing has changed of rows that were trained on once, nor differs the step of those of one.
        self.table.setColumnHidden(CHANGE, all(item["times"] == 1 for item in items))
        self._share()
        self.table.scrollToTop()

    def _look_at_row(self) -> None:
        """Has the Compare page show what the base and the run's adapter make of the row chosen here, or the first."""
        model = self._model
        if model is None or not self.look_button.isEnabled():
            return
        chosen = self.table.selectionModel().selectedRows()
        item = chosen[0].data(Qt.ItemDataRole.UserRole) if chosen else self.model.items[0]
        try:
            config, entries = model.run.config(), library.entries()
        except StudioError as error:
            self._session.tell_error(error)
            return
        made = [entry for entry in entries if entry.run == model.run.address and not entry.fault]
        if not made:
            self._session.tell(self.tr("The run has nothing in the library yet: stop it, or let it end."), "bad")
            return
        text = tokens_of(config.data, item["row"], config.model, config.training.objective)
        title = self.tr("Row {number} of {name}").format(number=item["where"], name=model.title)
        self._session.compare_wanted.emit(GivenText(text, title, made[:1]))

    def _show_in_data(self) -> None:
        """Has the Data page show the rows chosen here, or all."""
        model = self._model
        if model is None or not self.show_button.isEnabled():
            return
        role = Qt.ItemDataRole.UserRole
        chosen = [index.data(role) for index in self.table.selectionModel().selectedRows()] or self.model.items
        try:
            config = model.run.config()
        except StudioError as error:
            self._session.tell_error(error)
            return
        title = self.tr("Rows of {name} by their loss").format(name=model.title)
        if self._shown_step is not None:
            title = self.tr("Step {step} of {name}").format(step=f"{self._shown_step:,}", name=model.title)
        addresses = [(item["source"], item["number"]) for item in chosen]
        given.show_rows(self._session, config, addresses, title)
