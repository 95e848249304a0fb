"""The Train page: the runs, and of one of them the curves, the progress, the log and what to do."""

from PySide6.QtCore import QModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHideEvent, QPainter, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListView,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QWidget,
)

from studio.core import run_queue, runs
from studio.core.errors import StudioError
from studio.core.runs import Run
from studio.ui import words
from studio.ui.edits import RunRemoval
from studio.ui.elided import Elided
from studio.ui.models import LOSS, SAID, WHEN, Glance, RunTable
from studio.ui.pages.run_view import RunView
from studio.ui.parts import add_action, button, card, column, empty, holder, label, pill, row, selectable
from studio.ui.session import Session
from studio.ui.tables import NOWHERE, Index
from studio.ui.theme import GRID, Theme

_REFRESH_MS = 2000
_LIST_PX, _WIDE_LIST_PX = 224, 256
_WIDE_PX = 900  # from here on a run has all its room beside the wider list
_ROW_PX = 56
_FEW = 8  # runs that are seen at once


class TrainPage(QWidget):
    """All runs, and one of them in full.

    Attributes:
        damage: says in place of a run why it cannot be shown.
    """

    def __init__(self, session: Session) -> None:
        """Lists the runs and shows the newest."""
        super().__init__()
        self._session = session
        self.table = RunTable(self)
        self.list = QListView()
        self.list.setAccessibleName(self.tr("Runs"))
        self.list.setModel(self.table)
        self.list.setItemDelegate(_RunDelegate(session.theme, self.list))
        self.list.setFixedWidth(_LIST_PX)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.selectionModel().currentChanged.connect(self._chosen)
        self.remove = add_action(self, self.tr("Move the run to the trash"), self.remove_run, "Del")
        self.remove.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        session.theme.dress(self.remove, "trash")
        remove = QToolButton()
        remove.setObjectName("flat")
        remove.setDefaultAction(self.remove)
        remove.setAccessibleName(self.remove.text())
        self.view = RunView(session)
        self.keys = self.view.rows.keys
        self.view.curves.glances = lambda: self.table.items
        self._damaged_run: Run | None = None
        self._name, self.damage = Elided("", "heading"), selectable(label("", wrap=True))
        self._sides = QStackedWidget()
        self._sides.addWidget(self.view)
        self._sides.addWidget(holder(column(self._damaged(), None)))
        self._states = QStackedWidget()
        self._states.addWidget(self._empty())
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the runs"))
        self.search.setAccessibleName(self.search.placeholderText())
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self._none = label(self.tr("No run is called so."), "muted", wrap=True)
        self._none.hide()
        side = column(row(label(self.tr("Runs"), "heading"), None, remove), self.search, self._none, self.list)
        body = row(holder(side), self._sides, spacing=2 * GRID)
        body.setStretch(1, 1)
        self._states.addWidget(holder(body))
        layout = column(label(self.tr("Train"), "title"), self._states, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        session.runs_changed.connect(self._refresh)
        self.view.advanced.connect(self._advance)
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._refresh()

    def receive(self, run: Run) -> None:
        """Shows a run, also one of a folder elsewhere."""
        self._refresh()
        at = self.table.row_of(run.name)
        if at >= 0:
            self.list.setCurrentIndex(self.table.index(at, 0))
        self._states.setCurrentIndex(1)
        self._show(run)
        # Else the button of the page left behind passes the focus on to the first one here, which removes runs.
        self.list.setFocus()

    def leave(self) -> None:
        """Ends whatever children do for the page, as the window closes."""
        self.view.rows.leave()
        self.view.layers.leave()

    def left_open(self) -> Run | None:
        """Returns the run that is shown."""
        return self.view.model.run if self.view.model is not None else None

    def take_up(self, run: Run | None) -> None:
        """Shows what another window showed."""
        if run is not None:
            self.receive(run)

    def showEvent(self, event: QShowEvent) -> None:
        """Looks for runs that others start, as long as it is looked at."""
        super().showEvent(event)
        self._refresh()
        self._timer.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Gives the list room for how far a run got where there is some."""
        super().resizeEvent(event)
        self.list.setFixedWidth(_WIDE_LIST_PX if event.size().width() >= _WIDE_PX else _LIST_PX)

    def hideEvent(self, event: QHideEvent) -> None:
        """Looks for nothing nobody sees."""
        self._timer.stop()
        super().hideEvent(event)

    def _refresh(self) -> None:
        row = self.list.currentIndex().row()
        self._drop_the_gone()
        shown = self.view.model
        self.table.refresh(self._session.read(runs.listing), run_queue.queued())
        self._session.attach_again(self.table.living())
        for model in self._session.models.values():
            self.table.update_run(model)
        if self._damaged_run is not None:
            self._show(self._damaged_run)  # it may have been mended
        self._offer_removal()
        self._filter()
        if not self.table.items:
            self._states.setCurrentIndex(0 if shown is None else 1)
            return
        self._states.setCurrentIndex(1)
        if not self.list.currentIndex().isValid():
            # Where a run was removed its neighbour is chosen, not the newest, which the next press would remove.
            beside = min(max(row, 0), len(self.table.items) - 1)
            at = self.table.row_of(shown.run.name) if shown is not None else beside
            if at < 0 and row >= 0:
                at = beside
            if at >= 0:
                self.list.setCurrentIndex(self.table.index(at, 0))

    def _filter(self) -> None:
        """Lists the runs whose names or state hold every word searched for; few are not worth a search."""
        items = self.table.items
        self.search.setVisible(len(items) > _FEW or bool(self.search.text()))
        wanted = self.search.text().casefold().split()
        seen = 0
        for at, item in enumerate(items):
            hidden = bool(wanted) and not _holds(item, wanted)
            seen += not hidden
            if self.list.isRowHidden(at) != hidden:
                self.list.setRowHidden(at, hidden)
        self._none.setVisible(bool(items) and not seen)

    def _drop_the_gone(self) -> None:
        """Shows a run no longer that has been moved away."""
        if self.view.model is not None and not self.view.model.run.path.exists():
            self.view.show_run(None)
            self.list.setCurrentIndex(NOWHERE)
        for other in [model for model in self.view.curves.others if not model.run.path.exists()]:
            self.view.curves.take_away(other)

    def _chosen(self, now: QModelIndex) -> None:
        item = now.data(Qt.ItemDataRole.UserRole) if now.isValid() else None
        if isinstance(item, Glance):
            self._show(item.run)
        self._offer_removal()

    def _show(self, run: Run) -> None:
        """Shows a run, or why it cannot be shown."""
        try:
            run.about()
        except StudioError as error:
            todo = self.tr("Bring what is damaged back from a copy, or move the run to the trash.")
            said = words.joined(words.sentence(error.message), todo)
            if run is self._damaged_run and said == self.damage.text():
                return  # what is selected of it stays so
            self.view.show_run(None)
            self._name.setText(run.name)
            self.damage.setText(said)
            self._sides.setCurrentIndex(1)
            self._damaged_run = run
            return
        self._sides.setCurrentIndex(0)
        self._damaged_run = None
        self.view.show_run(self._session.model_of(run))

    def _advance(self) -> None:
        if self.view.model is not None:
            self.table.update_run(self.view.model)
        self._offer_removal()

    def _offer_removal(self) -> None:
        """Lets the chosen run be removed unless a process works on it."""
        item = self.list.currentIndex().data(Qt.ItemDataRole.UserRole)
        model = self._session.models.get(item.run.path.resolve()) if isinstance(item, Glance) else None
        alive = model is not None and model.alive
        self.remove.setEnabled(item is not None and not alive)
        self.remove.setToolTip(self.tr("Stop the run first.") if alive else self.remove.text())

    def remove_run(self) -> None:
        """Moves the chosen run to the trash, as an undo step."""
        item = self.list.currentIndex().data(Qt.ItemDataRole.UserRole)
        if isinstance(item, Glance):
            text = self.tr("The run {name} lies in the trash.").format(name=item.title)
            self._session.push(RunRemoval(self._session, item.run, item.title), text)

    def _damaged(self) -> QFrame:
        head = row(self._name, pill(words.state("damaged"), "bad"), None)
        return card(column(head, self.damage), "failure")

    def _empty(self) -> QWidget:
        text = self.tr("Choose data and a model on the Configure page and start. The curves appear here as it trains.")
        go = button(self.tr("Configure a run"), lambda: self._session.page_wanted.emit("configure"))
        demo = button(self.tr("Train the built-in demo"), self._session.start_demo, "primary")
        return empty(self._session.theme, "train", self.tr("No runs yet"), text, go, demo)


def _holds(item: Glance, wanted: list[str]) -> bool:
    named = f"{item.title} {item.run.name} {words.state(item.state)}".casefold()
    return all(word in named for word in wanted)


class _RunDelegate(QStyledItemDelegate):
    """Draws a run in two lines: what it is, and how far it got."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(_LIST_PX - 2 * GRID, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item: Glance = index.data(Qt.ItemDataRole.UserRole)
        colours = self._theme.palette
        rect: QRect = option.rect.adjusted(3, 2, -3, -2)
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(colours.selected))
            painter.drawRoundedRect(rect, 6, 6)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(rect, 6, 6)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRoundedRect(rect, 6, 6)
        tone = {"completed": colours.good, "early_stopped": colours.good, "failed": colours.bad}.get(item.state)
        tone = tone or (colours.muted if item.state in ("interrupted", "stopped", "damaged") else colours.accent)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tone))
        painter.drawEllipse(rect.left() + 10, rect.top() + 14, 7, 7)
        text = rect.adjusted(26, 7, -8, -7)
        bold = QFont(painter.font())
        bold.setPixelSize(13)
        bold.setWeight(QFont.Weight.DemiBold)
        small = QFont(bold)
        small.setWeight(QFont.Weight.Normal)
        small.setPixelSize(12)
        painter.setFont(small)
        painter.setPen(QColor(colours.muted))
        # Runs of one file are called alike.
        when: str = index.data(WHEN)
        painter.drawText(text, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight, when)
        room = text.width() - painter.fontMetrics().horizontalAdvance(when) - GRID
        painter.setFont(bold)
        painter.setPen(QColor(colours.text))
        title = painter.fontMetrics().elidedText(item.title, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(text, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, title)
        painter.setFont(small)
        painter.setPen(QColor(colours.muted))
        said, loss = line(index, painter.fontMetrics(), text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, said)
        painter.drawText(text, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, loss)
        painter.restore()


def line(index: Index, metrics: QFontMetrics, width: int) -> tuple[str, str]:
    """Returns what a run's second line says, left and right: its loss whole, and its step where that has room.

    A piece of a number would be read as another number.
    """
    loss: str = index.data(LOSS)
    room = width - metrics.horizontalAdvance(loss) - GRID if loss else width
    said: str = index.data(SAID)
    if metrics.horizontalAdvance(said) <= room:
        return said, loss
    state = words.state(index.data(Qt.ItemDataRole.UserRole).state)
    return metrics.elidedText(state, Qt.TextElideMode.ElideRight, room), loss
