"""The first page ever shown: what this machine is, what it can fine-tune, and a way to begin."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QScrollArea, QWidget

from studio.core import desk
from studio.ui import drops
from studio.ui.capacity_table import CapacityTable
from studio.ui.facts import Facts
from studio.ui.parts import button, card, column, holder, label, row
from studio.ui.session import Session
from studio.ui.theme import GRID

_WIDTH, _NARROW = 1120, 960
# Whoever goes on at once is not kept waiting by a process that loads torch.
_CHECK_MS = 1500


class WelcomePage(QWidget):
    """Greets, looks at the machine, and offers the demo and the user's own data.

    What the driver and the system tell is shown at once; the rest comes from the desk process, which tries it out.
    """

    def __init__(self, session: Session) -> None:
        """Shows what is known so far."""
        super().__init__()
        self._session = session
        self._asked = False
        self.facts = Facts(session.theme)
        self.table = CapacityTable()
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_CHECK_MS)
        self._resting.timeout.connect(self._check)
        self._cards = row(
            self._card(self.tr("This machine"), "", self.facts),
            self._card(self.tr("What it can fine-tune"), self.tr("Memory from a lean run to a usual one"), self.table),
            spacing=2 * GRID,
        )
        self._cards.setStretch(0, 5)
        self._cards.setStretch(1, 6)
        inner = holder(column(self._hero(), self._cards, None, spacing=3 * GRID))
        inner.setMaximumWidth(_WIDTH)
        middle = row(inner)
        middle.setContentsMargins(3 * GRID, 4 * GRID, 3 * GRID, 3 * GRID)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(holder(middle, "body"))
        self.setLayout(column(area))
        session.machine.seen.connect(self._show_machine)
        self._show_machine()

    def showEvent(self, event: QShowEvent) -> None:
        """Begins the check of the machine, once, if the page stays in sight."""
        super().showEvent(event)
        if not self._asked:
            self._resting.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Puts the cards one below the other where there is little room."""
        narrow = event.size().width() < _NARROW
        self._cards.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Begins no check of a machine nobody is looking at."""
        self._resting.stop()
        super().hideEvent(event)

    def _hero(self) -> QWidget:
        mark = QLabel()
        mark.setObjectName("hero")
        mark.setFixedSize(7 * GRID, 7 * GRID)
        mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for name, value in (("icon_name", "train"), ("icon_role", "on_accent"), ("icon_size", 4 * GRID)):
            mark.setProperty(name, value)
        theme = self._session.theme
        mark.setPixmap(theme.pixmap("train", 4 * GRID, theme.palette.on_accent))
        said = self.tr("Teach a language model to answer your way, on this machine. Nothing leaves it.")
        words = column(label(self.tr("Welcome to Finetune Studio"), "display"), label(said, "muted"), spacing=GRID // 2)
        self.demo = button(self.tr("Try the demo"), self._session.start_demo, "primary")
        theme.dress(self.demo, "play", "on_accent")
        self.own = button(self.tr("Open your own data..."), self._open)
        theme.dress(self.own, "folder")
        hint = self.tr("The demo trains the built-in model on built-in letters: a minute or two, nothing to download.")
        buttons = column(row(self.demo, self.own, None), label(hint, "caption", wrap=True), spacing=GRID)
        head = row(mark, words, spacing=2 * GRID)
        head.setStretch(1, 1)
        return holder(column(head, buttons, spacing=3 * GRID))

    def _card(self, title: str, said: str, content: QWidget) -> QFrame:
        return card(column(row(label(title, "heading"), None, label(said, "caption")), content, None, spacing=2 * GRID))

    def _open(self) -> None:
        chosen = drops.choose_data(self)
        if chosen is not None:
            drops.open_path(self._session, chosen)

    def _show_machine(self) -> None:
        found = self._session.machine.latest
        if found is not None:
            self.facts.show_machine(found)
            self.table.show_machine(found)

    def _check(self) -> None:
        self._asked = True
        call = self._session.desk.ask(desk.Hardware())
        call.done.connect(self._show_report)
        call.failed.connect(self.facts.show_failure)

    def _show_report(self, result: desk.Facts) -> None:
        self.facts.show_report(result.facts)
        self.table.show_report(result.facts)
