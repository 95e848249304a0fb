"""A conversation with one model: what was said so far, in order."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea

from studio.core.desk import Message
from studio.ui.elided import Elided
from studio.ui.parts import card, clear, column, holder, label, row, set_mark
from studio.ui.passage import Passage
from studio.ui.theme import GRID


class ChatView(QScrollArea):
    """Turns of a conversation, the last one growing as it is written.

    Attributes:
        messages: what both have said; the answer being written is not yet among them.
        answering: who answered each question.
    """

    def __init__(self) -> None:
        """Begins with nothing said."""
        super().__init__()
        self.setWidgetResizable(True)
        self.setAccessibleName(self.tr("Conversation"))
        self._turns = column(spacing=GRID)
        self._body = holder(column(holder(self._turns), None), "body")
        self.setWidget(self._body)
        self.messages: list[Message] = []
        self.answering: list[str] = []
        self._growing: Passage | None = None
        self._written = ""
        self.verticalScrollBar().rangeChanged.connect(lambda _, end: self.verticalScrollBar().setValue(end))

    def clear(self) -> None:
        """Begins a new conversation."""
        clear(self._turns)
        self.messages, self.answering, self._growing = [], [], None

    def ask(self, text: str, answering: str) -> None:
        """Adds the user's turn and an empty one of whoever answers."""
        self.messages.append(Message(role="user", content=text))
        self.answering.append(answering)
        self._add(self.tr("You"), text, mine=True)
        self._growing, self._written = self._add(answering, "", mine=False), ""

    def add(self, piece: str) -> None:
        """Takes the next piece of the answer."""
        if self._growing is not None:
            self._written += piece
            self._growing.add(piece)
            self._fit()

    def part(self) -> None:
        """Lets what comes stand apart from what was said before: another conversation begins."""
        line = label(self.tr("New conversation"), "caption")
        line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._turns.addWidget(line)

    def finish(self, text: str | None = None, *, wrong: bool = False) -> None:
        """Ends the answer; what was written of it stays, also where it was stopped.

        Args:
            text: the whole answer; None: what was written.
            wrong: it is no answer, but why there is none.
        """
        if self._growing is not None:
            said = self._written if text is None else text
            self._growing.show_text(said)
            set_mark(self._growing, "wrong", wrong)
            self.messages.append(Message(role="assistant", content=said))
            self._growing = None
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Breaks the lines anew."""
        super().resizeEvent(event)
        self._fit()

    def take_back(self) -> str:
        """Removes the user's last turn, which could not be answered, and returns it."""
        for _ in range(2):
            item = self._turns.takeAt(self._turns.count() - 1)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._growing = None
        self.answering.pop()
        return self.messages.pop().content

    def _add(self, who: str, text: str, *, mine: bool) -> Passage:
        said = Passage(text)
        said.setAccessibleDescription(self.tr("{name} said").format(name=who))
        turn: QFrame = card(column(Elided(who, "caption"), said, spacing=2), "mine" if mine else "card")
        margins = row(GRID * 8 if mine else 0, turn, 0 if mine else GRID * 8)
        margins.setStretch(1, 1)
        self._turns.addWidget(holder(margins))
        self._fit()
        return said

    def _fit(self) -> None:
        """Makes room for the broken lines: left alone, a scroll area asks for the height of the narrowest width."""
        layout = self._body.layout()
        assert layout is not None
        layout.activate()
        self._body.setMinimumHeight(max(1, layout.totalHeightForWidth(self.viewport().width())))
