"""The Compare page's fifth way to ask: a base and adapters are measured on many rows, and every answer is shown."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, get_args

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QProgressBar, QSizePolicy, QSplitter, QWidget

from studio.core import desk, evaluations, summaries
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.evaluations import Evaluate, Result
from studio.core.summaries import Summary
from studio.core.units import counted
from studio.ui import words
from studio.ui.answer_view import FailureCard
from studio.ui.ask_panel import AskPanel
from studio.ui.desk import Call, Desk
from studio.ui.elided import Elided
from studio.ui.evaluation_row import EvaluationRow
from studio.ui.evaluation_setup import Chosen, EvaluationSetup
from studio.ui.evaluation_tables import FiguresTable, RowsTable, titles
from studio.ui.parts import button, column, empty, holder, icon_button, label, leave_wheel, row, scrolling
from studio.ui.table_view import TableView, dress
from studio.ui.theme import GRID, Theme

_REFRESH_MS, _SHARE = 300, 20
_MEASURED = 50  # rows whose figures decide how wide their columns are
_LEAST_PX, _FIGURE_PX, _MOST_PX = 80, 8 * GRID, 18 * GRID
_LEAST_HIGH_PX = 18 * GRID  # of rows, three of them under their head
_LEAST_LETTERS = 5


class Begun(NamedTuple):
    """An evaluation, and what came of it so far.

    Attributes:
        request: what was asked for.
        config: whose rows they are.
        titles: of the adapters.
        results: the rows that are known.
        goes_on: it is neither done nor stopped, and nothing failed.
        done: what was said of it at its end.
    """

    request: Evaluate
    config: RunConfig
    titles: tuple[str, ...]
    results: Sequence[Result] = ()
    goes_on: bool = True
    done: desk.Evaluated | None = None


class EvaluationMode(QWidget):
    """Has rows read and answered while it is looked at, and shows what came of them.

    Attributes:
        setup: which rows, and how.
        area: what scrolls all of it.
        results: the rows that are known, by their numbers.
        summary: what is said of them in all.
        failure: what went wrong last.

    Signals:
        rows_wanted: (config, addresses, title) of rows that the Data page is to show, as `given.show_rows` takes them.
        turned: something else can be done.
    """

    rows_wanted = Signal(object, list, str)
    turned = Signal()

    def __init__(self, theme: Theme, asked: Desk, panel: AskPanel) -> None:
        """Has read nothing."""
        super().__init__()
        self._theme, self._desk, self._panel = theme, asked, panel
        self._call: Call | None = None
        self._begun: Begun | None = None
        self._names: list[str] = []
        self._picked: int | None = None  # the row that someone chose to look at
        self.results: dict[int, Result] = {}
        self.summary = Summary(1)
        self.run_button = button(self.tr("Evaluate"), self.run, "primary")
        theme.dress(self.run_button, "play", "on_accent")
        self.stop_button = button(self.tr("Stop"), self.stop)
        theme.dress(self.stop_button, "stop")
        self.setup = EvaluationSetup(theme, panel)
        self.setup.changed.connect(self._offer)
        self.failure = FailureCard(theme)
        self.failure.dismissed.connect(self._refresh)
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(_REFRESH_MS)
        self._due.timeout.connect(self._refresh)
        self._lay_out()
        self._offer()

    @property
    def running(self) -> bool:
        """Whether rows are being read."""
        return self._call is not None

    def run(self) -> None:
        """Has the rows that are chosen read; what is known of them already is shown at once."""
        if self.why_not():
            return
        self.failure.hide()
        try:
            request, config = self.setup.request()
        except StudioError as error:
            self._fail(desk.failure(0, error))
            return
        self._begin(Begun(request, config, tuple(entry.title or entry.name for entry in self._panel.entries())))

    def stop(self) -> None:
        """Ends the reading; what is known stays, and is not read again."""
        self._leave_off()
        if self._call is not None:
            self._call.cancel()
            self._status.setText(self.tr("Stopping ..."))

    def leave(self) -> None:
        """Ends the reading; the window closes."""
        self._cancel()

    def left_open(self) -> tuple[Chosen, Begun | None]:
        """Returns what is chosen, and what came of it."""
        begun = self._begun
        known = None if begun is None else begun._replace(results=tuple(self.results.values()))
        return self.setup.left_open(), known

    def take_up(self, opened: tuple[Chosen, Begun | None]) -> None:
        """Chooses what was chosen, shows what came of it, and goes on unless it was stopped."""
        chosen, begun = opened
        self.setup.take_up(chosen)
        if begun is not None:
            self._begin(begun)

    def showEvent(self, event: QShowEvent) -> None:
        """Goes on reading."""
        super().showEvent(event)
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        """Leaves the model to others for as long as nobody looks."""
        if not event.spontaneous():  # a window that is made small goes on
            self._cancel()
        super().hideEvent(event)

    def save(self) -> None:
        """Asks for a file and writes every row to it."""
        place = Path.home() / "evaluation.csv"
        chosen, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save every row"), str(place), "CSV (*.csv);;JSONL (*.jsonl)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )  # fmt: skip
        if chosen:
            try:
                rows = summaries.ordered(self.results.values(), "loss", "row")
                evaluations.write(Path(chosen), [evaluations.plain(item, self._names) for item in rows])
            except StudioError as error:
                self.failure.show_failure(desk.failure(0, error))

    def show_in_data(self) -> None:
        """Has the Data page show the row chosen here, or all that are listed."""
        if self._begun is None or not self.model.rows:
            return
        chosen = [index.data(Qt.ItemDataRole.UserRole) for index in self.table.selectionModel().selectedRows()]
        config = self._begun.config
        data = config.data
        if self._begun.request.held and data.eval_path:
            config = replace(config, data=replace(data, path=data.eval_path, eval_path=None))
        places = [item.place for item in chosen or self.model.rows]
        self.rows_wanted.emit(config, places, self.tr("Rows of an evaluation"))

    def offer_present(self, data: DataSpec | None) -> None:
        """Offers the data that is open."""
        self.setup.offer_present(data)

    def _begin(self, begun: Begun) -> None:
        """Shows what is known of an evaluation, and has the rest read if it goes on."""
        self._begun = begun
        self._names = evaluations.distinct((self.tr("Base model"), *begun.titles))
        self.results, self.summary, self._picked = {}, Summary(len(self._names)), None
        self.row_view.set_columns(self._names)
        warnings = self.setup.warnings()
        self._warned.setText("\n".join(map(words.sentence, warnings)))
        self._warned.setVisible(bool(warnings))
        self._add(begun.results)
        self._refresh()
        self._note()
        self._ask()

    def _leave_off(self, done: desk.Evaluated | None = None) -> None:
        if self._begun is not None:
            self._begun = self._begun._replace(goes_on=False, done=done or self._begun.done)

    def _ask(self) -> None:
        if self._call is not None or self._begun is None or not self._begun.goes_on or not self.isVisible():
            return
        call = self._call = self._desk.ask(self._begun.request)
        call.progressed.connect(self._tell)
        call.results.connect(self._take)
        call.done.connect(self._finish)
        call.failed.connect(self._fail)
        call.ended.connect(self._end)
        self._bar.setRange(0, 0)
        self._offer()
        self._status.setText(self.tr("Waiting for the helper process ..."))

    def _cancel(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
            call.blockSignals(True)
            self._offer()

    def _tell(self, progress: desk.Progress) -> None:
        said = {
            "reading": self.tr("Reading the data ..."),
            "tokenizing": self.tr("Laying out the rows ..."),
            "downloading": self.tr("Downloading the base model ..."),
            "loading": self.tr("Loading ..."),
            "waiting": self.tr("Waiting for another evaluation of these rows ..."),
            "evaluating": self.tr("Reading and answering ..."),
        }.get(progress.phase, "")
        self._status.setText(said)
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)

    def _take(self, results: Sequence[Result]) -> None:
        self._add(results)
        if not self._due.isActive():
            self._due.start()

    def _add(self, results: Sequence[Result]) -> None:
        for item in results:
            # Those that were shown before the page was left are told again.
            if item.row not in self.results:
                self.results[item.row] = item
                self.summary.add(item)

    def _finish(self, done: desk.Evaluated) -> None:
        self._leave_off(done)
        self._note()

    def _note(self) -> None:
        """Says what there is to know of an evaluation that came to its end."""
        said = list[str]()
        if self._begun is not None and self._begun.done is not None:
            if left_out := len(self._begun.done.left_out):
                one = self.tr("{count} row is left out, of which nothing is learned.")
                many = self.tr("{count} rows are left out, of which nothing is learned.")
                said.append(counted(left_out, one, many))
            if not self._begun.request.held:
                said += map(words.sentence, evaluations.learned(self._panel.entries(), self._begun.done.fingerprint))
            if self._begun.request.answers and evaluations.unasked(self.results.values()):
                said.append(self.tr("No row has a question, so none was answered."))
        self._said.setText(words.joined(*said))
        self._said.setVisible(bool(said))

    def _fail(self, failed: desk.Failed) -> None:
        self._leave_off()
        self.failure.show_failure(failed)
        self._refresh()

    def _end(self) -> None:
        self._call = None
        self._refresh()

    def _refresh(self) -> None:
        """Shows what is known now; what is in sight, and the row that someone looks at, stay."""
        self._due.stop()
        began = time.monotonic()
        # A failure says more, and a low window has no room for both.
        self._nothing.setVisible(not self.results and not self.failure.said)
        self._found.setVisible(bool(self.results))
        self.figures.show_summary(self._names, self.summary)
        self.figures_table.resizeColumnsToContents()
        self.figures_table.setColumnWidth(0, min(_MOST_PX, self.figures_table.columnWidth(0)))
        self._fit()
        self._offer_measures()
        bar = self.table.verticalScrollBar()
        place = bar.value()
        self._list()
        bar.setValue(place)
        # Of many rows it takes longer, and is done the less often.
        self._due.setInterval(max(_REFRESH_MS, round(_SHARE * 1000 * (time.monotonic() - began))))

    def _offer_measures(self) -> None:
        found = [key for key in self.summary.measures() if key not in ("row_loss", "reward_accuracy", "preferred")]
        if found != [self.measure.itemData(at) for at in range(self.measure.count())]:
            chosen, said = self.measure.currentData(), titles()
            self.measure.blockSignals(True)
            self.measure.clear()
            for key in found:
                self.measure.addItem(said[key][0], key)
            self.measure.setCurrentIndex(max(0, self.measure.findData(chosen)))
            self.measure.blockSignals(False)

    def _list(self) -> None:
        """Lists the rows, with the one that someone chose to look at, else the first."""
        picked = self._picked
        measure, by = self.measure.currentData() or "loss", self.order.currentData()
        worse = self.worse.isChecked() and len(self._names) > 1
        found = summaries.ordered(self.results.values(), measure, by, worse=worse)
        self.model.show_rows(found, self._names, measure)
        self._share()
        if found:
            self.table.selectRow(max(0, -1 if picked is None else self.model.find(picked)))
        self._picked = picked
        self._show_row()
        self._offer()

    def _chosen(self) -> Result | None:
        index = self.table.currentIndex()
        found: Result | None = index.data(Qt.ItemDataRole.UserRole) if index.isValid() else None
        return found

    def _pick(self) -> None:
        """Looks at the row that is chosen in the table, from now on."""
        chosen = self._chosen()
        if chosen is not None:
            self._picked = chosen.row
        self._show_row()

    def _show_row(self) -> None:
        self.row_view.show_row(self._chosen())

    def _share(self) -> None:
        """Gives the texts what room the figures leave."""
        self.table.resizeColumnToContents(0)
        left = self.table.viewport().width() - self.table.columnWidth(0)
        for at in range(3, self.model.columnCount()):
            self.table.resizeColumnToContents(at)
            self.table.setColumnWidth(at, min(_MOST_PX, max(_FIGURE_PX, self.table.columnWidth(at))))
            left -= self.table.columnWidth(at)
        for at in (1, 2):
            self.table.setColumnWidth(at, max(_LEAST_PX, left // 2))

    def why_not(self) -> str:
        """Says why nothing can be read now; empty: it can."""
        return self.tr("Rows are being read.") if self.running else self.setup.missing()

    def _offer(self) -> None:
        why, several = self.why_not(), len(self._names) > 1
        self.run_button.setEnabled(not why)
        self.run_button.setToolTip(why)
        self.stop_button.setEnabled(self.running)
        self._bar.setVisible(self.running)
        if not self.running:
            self._status.setText(self._counted() if self.results else why)
        self.worse.setEnabled(several)
        for made in (self.save_button, self.show_button):
            made.setEnabled(bool(self.results))
        self.turned.emit()

    def _counted(self) -> str:
        tokens = counted(self.summary.tokens, self.tr("{count} learned token"), self.tr("{count} learned tokens"))
        rows = counted(self.summary.rows, self.tr("{count} row"), self.tr("{count} rows"))
        return words.listed((rows, tokens))

    def _lay_out(self) -> None:
        self._status, self._said = Elided("", "caption"), label("", "caption", wrap=True)
        self._said.hide()
        self._warned = label("", "fault", wrap=True)
        self._warned.hide()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress"))
        told = row(self._status, self._bar, self.stop_button, self.run_button)
        for at in (0, 1):
            told.setStretch(at, 1)
        title = self.tr("Measure which is best")
        how = self.tr(
            "Choose a base and adapters on the left and rows here: each reads all of them and answers, and you see in "
            "numbers which is best, and every answer. What is read is kept: a stop loses nothing."
        )
        self._nothing, self._found = empty(self._theme, "compare", title, how), self._lay_out_found()
        self._found.hide()
        said = (self.setup, told, self._said, self._warned, self.failure)
        layout = column(*said, self._nothing, self._found, None, spacing=GRID)
        for at, share in enumerate((1, 1, 0), start=len(said)):
            layout.setStretch(at, share)
        # A low window has no room for all of it, and then it scrolls.
        self.area = scrolling(holder(layout, "body"))
        self.area.setObjectName("bare")
        self.setLayout(column(self.area))

    def _lay_out_found(self) -> QWidget:
        self.figures, self.model = FiguresTable(self), RowsTable(self)
        self.figures_table, self.table = TableView(), TableView(self._pressed)
        dress(self.figures_table, self.figures, self.tr("What was measured in all"))
        dress(self.table, self.model, self.tr("Rows of the evaluation"))
        self.table.horizontalHeader().setResizeContentsPrecision(_MEASURED)
        self.table.setMinimumHeight(_LEAST_HIGH_PX)
        self.table.widened.connect(self._share)
        self.figures_table.widened.connect(self._fit)
        self.table.selectionModel().currentRowChanged.connect(self._pick)
        self.table.clicked.connect(self._pick)  # the row that is chosen may be chosen already
        # Not `activated`, which is a single click on some desktops.
        self.table.doubleClicked.connect(lambda _: self.show_in_data())
        self.table.none = self.tr("No row is worse than the base.")
        self.measure, self.order = QComboBox(), QComboBox()
        self.measure.setAccessibleName(self.tr("What rows are compared by"))
        self.order.setAccessibleName(self.tr("Which rows come first"))
        orders = (self.tr("Worst first"), self.tr("Differing first"), self.tr("In order"))
        for text, by in zip(orders, get_args(summaries.By), strict=True):
            self.order.addItem(text, by)
        self.worse = QCheckBox(self.tr("Worse only"))
        self.worse.setAccessibleName(self.worse.text())
        self.worse.setToolTip(self.tr("Only rows in which an adapter is worse than the base"))
        for box in (self.measure, self.order):
            leave_wheel(box)
            # The longest of their texts would ask for more than a narrow window has.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(_LEAST_LETTERS)
            box.currentIndexChanged.connect(self._list)
        self.worse.toggled.connect(self._list)
        said = self.tr("Show the row chosen here in the data, to be edited or taken out (Enter)")
        self.show_button = icon_button(self._theme, "data", said, self.show_in_data)
        self.save_button = icon_button(self._theme, "export", self.tr("Save every row..."), self.save)
        head = row(self.measure, self.order, self.worse, self.show_button, self.save_button)
        for at, share in enumerate((1, 1, 2)):
            head.setStretch(at, share)
        self.row_view = EvaluationRow(self._theme)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.table)
        split.addWidget(self.row_view)
        split.setSizes([1, 1])
        # What scrolls around it would give it the room it likes, where it can do with less.
        split.setMinimumHeight(split.minimumSizeHint().height())
        split.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        layout = column(self.figures_table, head, split, spacing=GRID)
        layout.setStretch(2, 1)
        return holder(layout)

    def _fit(self) -> None:
        """Makes the table of figures as high as its rows, of which six at most are in sight."""
        table = self.figures_table
        wide = sum(map(table.columnWidth, range(self.figures.columnCount()))) > table.viewport().width()
        bar = table.horizontalScrollBar().sizeHint().height() if wide else 0
        high = table.horizontalHeader().sizeHint().height() + bar + 2 * table.frameWidth()
        table.setFixedHeight(high + min(6, self.figures.rowCount()) * table.verticalHeader().defaultSectionSize())

    def _pressed(self, key: int) -> bool:
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.show_in_data()
            return True
        return False
