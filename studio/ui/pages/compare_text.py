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

_WHOLE = 1_048_576  # of what is typed nothing is cut


class TextMode(QStackedWidget):
    """What is shown of a text's tokens, and the boxes it is written in.

    Attributes:
        view: the columns.
        answer: where an answer is written, beside the page's own box for the question.
        bar: takes the boxes' place where a row of data is looked at.
        given: that row; None: what is written in the boxes.

    Signals:
        changed: another text is to be looked at.
        wanted: it is to be looked at now.
    """

    changed = Signal()
    wanted = Signal()

    def __init__(self, theme: Theme, keys: str) -> None:
        """Looks at no row; `keys` are those that run it."""
        super().__init__()
        self.given: GivenText | None = None
        self.view = ScoreView(theme)
        self.view.answer_wanted.connect(self.wanted)
        self.answer = Prompt(self.tr("The answer to look at. {keys} runs it.").format(keys=keys))
        self.answer.setAccessibleName(self.tr("Answer"))
        self.answer.textChanged.connect(self.changed)
        self._broken_off = ("", "")  # a question, and the answer to it that was not written to its end
        self.answer.sent.connect(self.wanted)
        self._name = Elided("", "heading")
        leave = button(self.tr("Write a text instead"), lambda: self.give(None), "flat")
        self._bar_row = row(self._name, leave)
        self._bar_row.setStretch(0, 1)
        self.bar = holder(self._bar_row)
        title = self.tr("See what each makes of every token")
        said = self.tr(
            "Write a question and an answer, or come here from a row of your data, from a run's rows or from an "
            "answer: every token is coloured by how likely the base and each adapter hold it."
        )
        self.addWidget(empty(theme, "compare", title, said))
        self.addWidget(self.view)

    def give(self, text: GivenText | None) -> None:
        """Looks at a row of data, or again at what is written."""
        self.given = text
        self._name.setText(text.title if text is not None else "")
        self.begin_anew()
        self.changed.emit()

    def begin_anew(self) -> None:
        """Shows nothing of the last text."""
        self.view.clear()
        self.setCurrentIndex(0)

    def show_scores(self, found: desk.Scores, titles: list[str]) -> None:
        """Shows what came of it."""
        self.view.show_scores(found, titles)
        self.setCurrentIndex(1)

    def missing(self, question: str) -> str:
        """Says what is not there yet; empty: nothing."""
        if self.given is not None or (question.strip() and self.answer.toPlainText().strip()):
            return ""
        return self.tr("Write a question and an answer first.")

    def text(self, system: str, question: str) -> desk.Tokens:
        """Returns what is to be looked at."""
        if self.given is not None:
            return self.view.turned(self.given.text)
        messages = [desk.Message(role="system", content=system)] if system else []
        messages.append(desk.Message(role="user", content=question))
        answer = sound(self.answer.toPlainText())
        return desk.Tokens(messages=[*messages, desk.Message(role="assistant", content=answer)], max_length=_WHOLE)

    def take(self, question: str, answer: desk.Column) -> None:
        """Writes an answer that was given to a question into its box."""
        self.answer.setPlainText(answer.text)
        self._broken_off = (question, self.answer.toPlainText()) if answer.cut else ("", "")

    def unfinished(self, question: str) -> bool:
        """Whether what is looked at is an answer that ended at the longest answer, which the model had not ended."""
        return self.given is None and self._broken_off == (question, self.answer.toPlainText())

    def leave_off(self) -> None:
        """Shows what it did before it was to look at something else."""
        self.view.show_turned()
