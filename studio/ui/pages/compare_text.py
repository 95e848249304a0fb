"""The Compare page's third way to ask: a text that is there already, token by token."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget

from studio.core import desk
from studio.ui.elided import Elided
from studio.ui.parts import button, empty, holder, row, sound
from studio.ui.prompt import Prompt
from studio.ui.score_view import ScoreView
from studio.ui.session import GivenText
from studio.ui.theme import Theme


class TextMode(QStackedWidget):
    """What is shown of a text's tokens, and the boxes it is written in.

    Attributes:
        view: the columns.
        answer: where an answer is written, beside the page's own box for the question.
        bar: takes the boxes' place where a text is given.
        given: a row of data, or an answer that was written; None: what stands in the boxes.

    Signals:
        changed: another text is to be looked at.
        wanted: it is to be looked at now.
        left: the given text is to be looked at no longer.
    """

    changed = Signal()
    wanted = Signal()
    left = Signal()

    def __init__(self, theme: Theme, keys: str) -> None:
        """Is given nothing; `keys` are those that run it."""
        super().__init__()
        self.given: GivenText | None = None
        self.view = ScoreView(theme)
        self.view.answer_wanted.connect(self.wanted)
        self.answer = Prompt(self.tr("The answer to look at. {keys} runs it.").format(keys=keys))
        self.answer.setAccessibleName(self.tr("Answer"))
        self.answer.textChanged.connect(self.changed)
        self.answer.sent.connect(self.wanted)
        self._name = Elided("", "heading")
        bar = row(self._name, button(self.tr("Write a text instead"), self.left.emit, "flat"))
        bar.setStretch(0, 1)
        self.bar = holder(bar)
        title = self.tr("See what each makes of every token")
        said = self.tr(
            "Write a question and an answer, or come here from a row of your data, from a run's rows or from an "
            "answer: every token is coloured by how likely the base and each adapter hold it."
        )
        self.addWidget(empty(theme, "compare", title, said))
        self.addWidget(self.view)

    def give(self, text: GivenText | None) -> None:
        """Looks at a given text, or again at what is written."""
        self.given = text
        self._name.setText(text.title if text is not None else "")
        self.begin_anew()
        self.changed.emit()

    def begin_anew(self) -> None:
        """Shows nothing of the last text."""
        self.view.clear()
        self.setCurrentIndex(0)

    def show_scores(self, found: desk.Scores, titles: list[str], wholes: set[int]) -> None:
        """Shows what came of it."""
        self.setCurrentWidget(self.view)
        self.view.show_scores(found, titles, wholes)

    def missing(self, question: str) -> str:
        """Says what is not there yet; empty: nothing."""
        if self.given is not None or (question.strip() and self.answer.toPlainText().strip()):
            return ""
        return self.tr("Write a question and an answer first.")

    def request(self, system: str, question: str, model: str, adapters: list[str | None]) -> desk.Score:
        """Returns how to have it looked at."""
        if self.given is not None:
            text, unfinished = self.view.turned(self.given.text), self.given.unfinished
            return desk.Score(text=text, unfinished=unfinished, model=model, adapters=adapters)
        answer = sound(self.answer.toPlainText())
        return desk.Score(text=desk.conversation(system, question, answer), model=model, adapters=adapters)
