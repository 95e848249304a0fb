"""A conversation with a run as it trains or is paused: it answers with the weights of that very step."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from studio.core import events
from studio.core.asking import Message
from studio.ui import words
from studio.ui.chat_view import ChatView
from studio.ui.models import RunModel
from studio.ui.parts import button, column, label, row, shown_keys
from studio.ui.prompt import Prompt
from studio.ui.theme import GRID

_SHOWN = 100  # letters of a question that waits


class RunAsk(QWidget):
    """What a run was asked and said, whoever asked it, and a box for the next question."""

    def __init__(self, ask: Callable[[events.Question], bool]) -> None:
        """Puts questions to the run shown with `ask`, which says whether one was put; shows nothing yet."""
        super().__init__()
        self._put = ask
        self._model: RunModel | None = None
        self._shown = 0
        self._said: list[Message] = []
        self.waiting: events.Question | None = None
        self.chat = ChatView()
        self.status = label("", "muted", wrap=True)
        keys = shown_keys("Ctrl+Enter")
        self.prompt = Prompt(self.tr("Ask the run something. {keys} asks it.").format(keys=keys))
        self.prompt.setAccessibleName(self.tr("Question to the run"))
        self.prompt.sent.connect(self.send)
        self.prompt.textChanged.connect(self._offer)
        self.button = button(self.tr("Ask"), self.send, "primary")
        self.anew = button(self.tr("New conversation"), self._begin_anew)
        self.anew.setToolTip(self.tr("Else the next question is asked behind what was said last."))
        buttons = column(self.button, self.anew, None, spacing=GRID // 2)
        below = row(self.prompt, buttons)
        below.setStretch(0, 1)
        layout = column(self.status, self.chat, below, spacing=GRID)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run's conversations, or none."""
        self._model, self._shown, self._said, self.waiting = model, 0, [], None
        self.chat.clear()
        self.prompt.clear()
        self.advance()

    def advance(self) -> None:
        """Takes over what was said since, and whether it can be asked."""
        told = self._model.progress.replied if self._model is not None else []
        if len(told) < self._shown:  # it is read anew
            self._shown = 0
            self.chat.clear()
        for item in told[self._shown :]:
            self._add(item)
        self._shown = len(told)
        if self._model is None or not self._model.alive:
            self.waiting = None
        self._offer()

    def send(self) -> None:
        """Puts the question that is written; one that cannot be put stays."""
        if not self.button.isEnabled():
            return
        written = Message(role="user", content=self.prompt.toPlainText().strip())
        # Of a long conversation what was said first is left out; what is left begins with a question too.
        question = events.Question(messages=[*self._said, written][-events.MOST_MESSAGES :])
        if self._put(question):
            self.waiting = question
            self.prompt.clear()
        self._offer()

    def _add(self, item: events.Replied) -> None:
        if not item.turn and self.chat.messages:
            self.chat.part()
        self.chat.ask(item.question, self.tr("Step {step}").format(step=f"{item.step:,}"))
        self.chat.finish(words.sentence(item.fault) if item.fault else item.answer, wrong=bool(item.fault))
        if self.waiting is not None and item.id == self.waiting.id:
            if not item.fault:
                self._said = [*self.waiting.messages, Message(role="assistant", content=item.answer)]
            elif not self.prompt.toPlainText():
                self.prompt.setPlainText(item.question)  # to be mended
            self.waiting = None

    def _begin_anew(self) -> None:
        self._said = []
        self._offer()
        self.prompt.setFocus()

    def _offer(self) -> None:
        why = self._why_not()
        self.prompt.setEnabled(not why)
        self.anew.setEnabled(bool(self._said) and self.waiting is None and not why)
        self.button.setEnabled(not why and self.waiting is None and bool(self.prompt.toPlainText().strip()))
        if not why and self.waiting is not None:
            asked = " ".join(self.waiting.messages[-1].content.split())
            shown = asked if len(asked) <= _SHOWN else f"{asked[:_SHOWN]} ..."
            why = self.tr("It answers behind its current step: {question}").format(question=shown)
        elif not why and self._said:
            why = self.tr("The next question is asked behind what was said last.")
        self.status.setText(why)
        self.status.setVisible(bool(why))

    def _why_not(self) -> str:
        model = self._model
        if model is None or not model.alive:
            finished = model.progress.finished if model is not None else None
            if finished is not None and finished.adapter:
                return self.tr("The run is not at work. What it made can be asked on the Compare page.")
            return self.tr("The run is not at work.")
        if model.state() in ("queued", "preparing"):
            return self.tr("It can be asked as soon as it trains.")
        if model.state() == "stopping":
            return self.tr("It comes to its end and answers no more.")
        return ""
