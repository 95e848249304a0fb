"""The Compare page: a base and its adapters answer the same question side by side, or one of them converses."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QStackedWidget, QWidget

from studio.core import desk, library
from studio.core.blind import BlindTest
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.ui import words
from studio.ui.answer_view import AnswerColumn, FailureCard
from studio.ui.ask_panel import AskPanel
from studio.ui.chat_view import ChatView
from studio.ui.desk import Call, Desk
from studio.ui.elided import Elided
from studio.ui.evaluation_setup import Chosen
from studio.ui.pages.compare_blind import BlindMode
from studio.ui.pages.compare_rows import Begun, EvaluationMode
from studio.ui.pages.compare_text import TextMode
from studio.ui.parts import (
    add_action,
    button,
    clear,
    column,
    empty,
    holder,
    label,
    row,
    scrolling,
    segment,
    shown_keys,
    sound,
)
from studio.ui.prompt import Prompt
from studio.ui.session import GivenText
from studio.ui.theme import GRID, Theme

# The ways to ask: all answer once, one converses, all read what is there already, all are judged without their names,
# all are measured on many rows.
SIDE_BY_SIDE, CONVERSATION, TOKENS, BLIND, EVALUATION = range(5)
_OWN_BUTTONS = (BLIND, EVALUATION)


class Opened(NamedTuple):
    """What the page has open: who is asked and how, a conversation, and a question that is being written."""

    entries: list[Entry]
    strengths: list[float]
    base: str
    system: str
    sampling: desk.Sampling
    mode: int
    messages: list[desk.Message]
    answering: list[str]
    prompt: str
    answer: str
    given: GivenText | None
    test: BlindTest | None
    evaluation: tuple[Chosen, Begun | None]


class Asked(NamedTuple):
    """What the answers side by side are to."""

    text: str = ""
    system: str = ""
    base: str = ""
    entries: tuple[Entry, ...] = ()
    strengths: tuple[float, ...] = ()


class ComparePage(QWidget):
    """Asks the desk and shows the answers as they are written.

    Attributes:
        panel: who is asked, and how.
        columns: the answers of the last question, the base's first.
        chat: the conversation.
        text: a text, token by token.
        blind: a blind test.
        evaluation: many rows.
        failure: what went wrong last.
        keys: what has a key while the question is written, for the sheet of shortcuts.
    """

    def __init__(self, theme: Theme, asked: Desk) -> None:
        """Starts no process; the first question does."""
        super().__init__()
        self._theme, self._desk = theme, asked
        self._call: Call | None = None
        self.columns: list[AnswerColumn] = []
        self._compromise = ""
        self.panel, self.chat, self.failure = AskPanel(theme), ChatView(), FailureCard(theme)
        self.panel.changed.connect(self._choose)
        keys = shown_keys("Ctrl+Enter")
        self.text = TextMode(theme, keys)
        self.text.changed.connect(self._update)
        self.text.wanted.connect(self.run)
        self.text.left.connect(self._write_text)
        self.blind = BlindMode(theme, asked, self.panel)
        self.blind.turned.connect(self._update)
        self.evaluation = EvaluationMode(theme, asked, self.panel)
        self.evaluation.turned.connect(self._update)
        self._asked = Asked()
        self._titles, self._wholes = list[str](), set[int]()
        self.prompt = Prompt(self.tr("Ask something. {keys} runs it.").format(keys=keys))
        self.prompt.setAccessibleName(self.tr("Question"))
        self.prompt.textChanged.connect(self._update)
        self.prompt.sent.connect(self.run)
        self.run_button = button(self.tr("Run"), self.run, "primary")
        theme.dress(self.run_button, "play", "on_accent")
        self.stop_button = button(self.tr("Stop"), self.stop)
        theme.dress(self.stop_button, "stop")
        self.new_button = button(self.tr("New conversation"), self.begin_anew, "flat")
        self.differences = QCheckBox(self.tr("Mark differences from the base"))
        self.differences.setAccessibleName(self.differences.text())
        self.differences.toggled.connect(self._mark)
        self.status = Elided("", "caption")
        self._modes = QButtonGroup(self)
        self._stack = QStackedWidget()
        self._lay_out()
        self._add_actions()
        theme.changed.connect(self._mark)
        self._update()

    @property
    def mode(self) -> int:
        """The way to ask."""
        return next(at for at, mode in enumerate(self._modes.buttons()) if mode.isChecked())

    @property
    def chatting(self) -> bool:
        """Whether one model converses."""
        return self.mode == CONVERSATION

    @property
    def running(self) -> bool:
        """Whether an answer is being written."""
        return self._call is not None

    def receive(self, item: object) -> None:
        """Chooses an adapter of the library, or several, to be asked; or looks at a text token by token."""
        if isinstance(item, GivenText):
            self._look_at(item)
            return
        entries = item if isinstance(item, list) else [item]
        self.panel.choose(*(entry for entry in entries if isinstance(entry, Entry)))
        self.prompt.setFocus()

    def leave(self) -> None:
        """Ends what is being written; the window closes."""
        self.stop()
        self.blind.leave()
        self.evaluation.leave()

    def left_open(self) -> Opened:
        """Returns what is open, but for the answers side by side, which can be asked for again."""
        self.chat.finish()
        panel, chat, prompt = self.panel, self.chat, self.prompt.toPlainText()
        who = (panel.entries(), panel.strengths(), panel.model(), panel.system.text(), panel.sampling())
        written = self.text.answer.toPlainText()
        typed = (chat.messages, chat.answering, prompt, written)
        others = (self.text.given, self.blind.test, self.evaluation.left_open())
        return Opened(*who, self.mode, *typed, *others)

    def take_up(self, opened: Opened) -> None:
        """Opens what was left open."""
        self.panel.choose(*opened.entries, base=opened.base)
        self.panel.set_strengths(dict(zip((entry.name for entry in opened.entries), opened.strengths, strict=True)))
        self.panel.system.setText(opened.system)
        self.panel.choose_sampling(opened.sampling)
        said = [message.content for message in opened.messages]
        for asked, answer, who in zip(said[::2], said[1::2], opened.answering, strict=True):
            self.chat.ask(asked, who)
            self.chat.finish(answer)
        self.show_mode(opened.mode)
        self.prompt.setPlainText(opened.prompt)
        self.text.answer.setPlainText(opened.answer)
        self.text.give(opened.given)
        if opened.test is not None:
            self.blind.open(opened.test)
        self.evaluation.take_up(opened.evaluation)
        self._update()

    def show_mode(self, mode: int) -> None:
        """Switches to another way to ask; not while an answer is being written."""
        if not self.running:
            self._modes.buttons()[mode].setChecked(True)

    def run(self) -> None:
        """Asks the question."""
        if self._why_not():
            return
        self.failure.hide()
        if self.mode == EVALUATION:
            self.evaluation.run()
            return
        text = sound(self.prompt.toPlainText()).strip()
        entries, strengths = self.panel.entries(), self.panel.strengths()
        system = sound(self.panel.system.text()).strip()
        if self.mode == TOKENS:
            self._titles = [self.tr("Base model"), *self.panel.titles()]
            self._wholes = {at for at, entry in enumerate(entries, start=1) if entry.is_model}
            adapters = [None, *(entry.name for entry in entries)]
            request = self.text.request(system, text, self.panel.model(), adapters)
            self._ask(replace(request, strengths=[1.0, *strengths]))
            return
        messages = [desk.Message(role="system", content=system)] if system else []
        if self.chatting:
            names: list[str | None] = [entries[0].name] if entries else [None]
            self.chat.ask(text, self.panel.titles()[0] if entries else self.tr("Base model"))
            strengths = strengths or [1.0]
            messages += self.chat.messages
        else:
            names = [None, *(entry.name for entry in entries)]
            self._make_columns(self.panel.titles())
            self._asked = Asked(text, system, self.panel.model(), tuple(entries), tuple(strengths))
            strengths = [1.0, *strengths]
            messages.append(desk.Message(role="user", content=text))
        sampling = self.panel.sampling()
        self._ask(desk.Answer(
            model=self.panel.model(), adapters=names, strengths=strengths, messages=messages, sampling=sampling
        ))  # fmt: skip
        if self.chatting:
            self.prompt.clear()

    def stop(self) -> None:
        """Ends what is being written, or read; what is there stays."""
        self.evaluation.stop()
        if self._call is not None:
            self._call.cancel()
            self.status.setText(self.tr("Stopping ..."))

    def begin_anew(self) -> None:
        """Forgets the conversation, or the answers, also the one being written; or what is said of a text."""
        self._drop()
        if self.mode == TOKENS:
            self.text.begin_anew()
        else:
            self.chat.clear()
            self._make_columns(None)
        self.failure.hide()
        self._update()

    def showEvent(self, event: QShowEvent) -> None:
        """Looks for adapters that came since."""
        self.panel.refresh()
        super().showEvent(event)

    def _drop(self) -> None:
        """Wants nothing more of what is being written."""
        if self._call is not None:
            self._call.cancel()
            # What still comes of it has no place here any more.
            self._call.blockSignals(True)
            self._end()

    def _look_at(self, given: GivenText) -> None:
        """Looks at a row of data or an answer, by the adapters that belong to it or else those chosen here."""
        if self.running:
            self._leave_off()
            self._drop()
        self.show_mode(TOKENS)
        if given.entries or not self.panel.entries():
            self.panel.choose(*given.entries, base=given.base)
        self.text.give(given)
        self._run_in_focus()

    def _look_at_answer(self, shown: AnswerColumn) -> None:
        """Looks at an answer as it was asked for, whatever was chosen or typed since."""
        answer, asked = shown.answer, self._asked
        if answer is not None:
            title = self.tr("Answer of {name}").format(name=shown.title)
            text = desk.conversation(asked.system, asked.text, answer.text)
            names = [entry.name for entry in asked.entries]
            self.panel.set_strengths(dict(zip(names, asked.strengths, strict=True)))
            self._look_at(GivenText(text, title, asked.entries, asked.base, answer.cut))

    def _write_text(self) -> None:
        """Leaves the text that was given, also while it is being read, for one that is written here."""
        self._drop()
        self.failure.hide()
        self.text.give(None)
        self.prompt.setFocus()

    def _run_in_focus(self) -> None:
        """Runs as a click on Run does, which has the focus again behind it."""
        self.run()
        (self.stop_button if self.running else self.run_button).setFocus()

    def _ask(self, request: desk.Answer | desk.Score) -> None:
        call = self._call = self._desk.ask(request)
        call.progressed.connect(self._tell)
        call.piece.connect(self._take_piece)
        call.done.connect(self._finish)
        call.failed.connect(self._fail)
        call.cancelled.connect(self._leave_off)
        call.ended.connect(self._end)
        self.status.setText(self.tr("Waiting for the helper process ..."))
        self._update()

    def _tell(self, progress: desk.Progress) -> None:
        said = {
            "downloading": self.tr("Downloading the base model ..."),
            "loading": self.tr("Loading ..."),
            "answering": self.tr("Answering ..."),
            "scoring": self.tr("Reading the text ..."),
        }.get(progress.phase, "")
        share = f" {progress.done / progress.total:.0%}" if progress.total else ""
        self.status.setText(f"{said}{share}")

    def _take_piece(self, at: int, text: str) -> None:
        if self.chatting:
            self.chat.add(text)
        else:
            self.columns[at].add(text)

    def _finish(self, result: desk.Answers | desk.Scores) -> None:
        if isinstance(result, desk.Scores):
            self.text.show_scores(result, self._titles, self._wholes)
        elif self.chatting:
            self.chat.finish(result.columns[0].text)
        else:
            for shown, answer in zip(self.columns, result.columns, strict=True):
                shown.finish(answer)
        self._mark()

    def _fail(self, failed: desk.Failed) -> None:
        self.failure.show_failure(failed)
        if self.chatting:
            # The next question may be half written by now.
            self.prompt.setPlainText("\n\n".join(filter(None, (self.chat.take_back(), self.prompt.toPlainText()))))
        for shown in self.columns:
            shown.leave_off()

    def _leave_off(self) -> None:
        self.text.view.show_turned()
        if self.chatting:
            self.chat.finish()
        for shown in self.columns:
            shown.leave_off()
        self._mark()

    def _end(self) -> None:
        self._call = None
        self.status.setText("")
        self._update()

    def _make_columns(self, titles: list[str] | None) -> None:
        clear(self._row)
        self.columns = []
        if titles is not None:
            self.columns = [AnswerColumn(self._theme, self.tr("Base model"), "base")]
            for title, entry in zip(titles, self.panel.entries(), strict=True):
                self.columns.append(AnswerColumn(self._theme, title, "model" if entry.is_model else "adapter"))
        for shown in self.columns:
            shown.looked.connect(partial(self._look_at_answer, shown))
            self._row.addWidget(shown, 1)

    def _mark(self) -> None:
        base = self.columns[0].text if self.columns and self.differences.isChecked() else None
        for shown in self.columns[1:]:
            shown.mark_differences(base)

    def _why_not(self) -> str:
        """Says why nothing can be asked now; empty: it can."""
        if self.running:
            return self.tr("An answer is being written.") if self.mode != TOKENS else self.tr("A text is being read.")
        if self.mode == BLIND:
            return self.tr("A blind test has its own buttons.")
        if self.mode == EVALUATION:
            return self.evaluation.why_not()
        if not self.panel.model():
            return self.tr("Choose a base model first.")
        if self.chatting and len(self.panel.entries()) > 1:
            return self.tr("A conversation is held with one: choose a single adapter.")
        if self.mode == TOKENS:
            return self.text.missing(self.prompt.toPlainText())
        return "" if self.prompt.toPlainText().strip() else self.tr("Write a question first.")

    def _update(self) -> None:
        why = self._why_not()
        self._hand_focus(why)
        given = self.mode == TOKENS and self.text.given is not None
        # A row is looked at without a box that would hear the keys.
        self.run_button.setToolTip(why or ("" if given else shown_keys("Ctrl+Enter")))
        self.text.view.worse.setEnabled(not self.running)
        self.run_action.setEnabled(not why)
        self.stop_action.setEnabled(self.running or self.evaluation.running)
        for mode in self._modes.buttons():
            mode.setEnabled(not self.running)
        for action in self._mode_actions:
            action.setEnabled(not self.running)
        self.new_button.setVisible(self.chatting)
        self.differences.setVisible(self.mode == SIDE_BY_SIDE)
        self.text.bar.setVisible(given)
        self.prompt.setVisible(not given and self.mode not in _OWN_BUTTONS)
        self._foot.setVisible(self.mode not in _OWN_BUTTONS)
        # Who is judged is chosen by then, and not to be known.
        self.panel.weigh(self.mode not in _OWN_BUTTONS)
        self.panel.setVisible(self.mode != BLIND or self.blind.test is None)
        self.text.answer.setVisible(self.mode == TOKENS and not given)
        begun = bool((self.columns, self.chat.messages, self.text.view.columns, (), ())[self.mode])
        self.new_button.setEnabled(begun)
        self.new_action.setEnabled(begun)
        own = {TOKENS: self.text, BLIND: self.blind, EVALUATION: self.evaluation}
        self._stack.setCurrentWidget(own.get(self.mode) or self._views[begun][self.mode])
        if not self.running:
            typed = given or self.prompt.toPlainText().strip()
            self.status.setText(why if why and typed else self._compromise)

    def _turn(self) -> None:
        """Shows another way to ask; what failed in the one before is none of this."""
        self.failure.hide()
        self._update()

    def _hand_focus(self, why_not: str) -> None:
        """Has Run or Stop work; a focus on the one goes to the other, not to wherever Qt would have it go."""
        if self.running:
            self.stop_button.setEnabled(True)
            if self.run_button.hasFocus():
                self.stop_button.setFocus()
        self.run_button.setEnabled(not why_not)
        if not self.running:
            if self.stop_button.hasFocus():
                (self.prompt if why_not else self.run_button).setFocus()
            self.stop_button.setEnabled(False)

    def _choose(self) -> None:
        """Looks what the base is not as in all the trainings of the adapters chosen, once for all that is typed."""
        self._compromise = ""
        with suppress(StudioError):
            specs = library.model_specs([entry for entry in self.panel.entries() if not entry.is_model])
            self._compromise = words.joined(*map(words.sentence, library.compromises(specs).values()))
        self._update()

    def _lay_out(self) -> None:
        names = (self.tr("Side by side"), self.tr("Conversation"), self.tr("Token by token"), self.tr("Blind test"))
        modes = [segment(text, self._modes) for text in (*names, self.tr("Evaluation"))]
        modes[0].setChecked(True)
        self._modes.buttonToggled.connect(lambda _, on: self._turn() if on else None)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2 * GRID)
        scroll = scrolling(holder(self._row, "body"))
        title = self.tr("Hear what the training changed")
        said = self.tr("Choose a base and adapters on the left, write a question and run it: all answers appear here.")
        talk = self.tr("Talk to a model")
        how = self.tr("Choose a base and perhaps an adapter on the left, and write: each answer knows what was said.")
        nothing = [empty(self._theme, "compare", title, said), empty(self._theme, "compare", talk, how)]
        self._views = (nothing, [scroll, self.chat])
        for widget in (*nothing, scroll, self.chat, self.text, self.blind, self.evaluation):
            self._stack.addWidget(widget)
        foot = row(self.status, self.differences, self.new_button, self.stop_button, self.run_button)
        foot.setStretch(0, 1)
        boxes, self._foot = row(self.prompt, self.text.answer), holder(foot)
        right = column(self._stack, self.failure, self.text.bar, boxes, self._foot, spacing=GRID)
        right.setStretch(0, 1)
        body = row(self.panel, right, spacing=2 * GRID)
        body.setStretch(1, 1)
        head = row(label(self.tr("Compare"), "title"), None, *modes)
        layout = column(head, body, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def _add_actions(self) -> None:
        self.run_action = add_action(self, self.tr("Compare: run"), self.run)
        self.stop_action = add_action(self, self.tr("Compare: stop"), self.stop)
        self.new_action = add_action(self, self.tr("Compare: new conversation"), self.begin_anew)
        self._mode_actions = [
            add_action(self, self.tr("Compare: side by side"), lambda: self.show_mode(SIDE_BY_SIDE)),
            add_action(self, self.tr("Compare: conversation"), lambda: self.show_mode(CONVERSATION)),
            add_action(self, self.tr("Compare: token by token"), lambda: self.show_mode(TOKENS)),
            add_action(self, self.tr("Compare: blind test"), lambda: self.show_mode(BLIND)),
            add_action(self, self.tr("Compare: evaluation"), lambda: self.show_mode(EVALUATION)),
        ]
        # Another page's action has the same key.
        self.keys = [(self.run_action.text(), shown_keys("Ctrl+Enter"))]
