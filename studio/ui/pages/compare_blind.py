"""The Compare page's fourth way to ask: answers are judged two by two without their names."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from studio.core import blind, desk
from studio.core.blind import TIE, BlindTest, Pair
from studio.core.errors import StudioError
from studio.core.units import counted
from studio.ui import words
from studio.ui.answer_view import FailureCard
from studio.ui.ask_panel import AskPanel
from studio.ui.desk import Call, Desk
from studio.ui.elided import Elided
from studio.ui.pages.blind_setup import BlindSetup
from studio.ui.parts import add_action, button, card, clear, column, holder, label, row, scrolling, show_text
from studio.ui.standing_view import StandingView
from studio.ui.theme import GRID, Theme

_SETUP, _JUDGING, _STANDING = range(3)


class BlindMode(QStackedWidget):
    """Makes or opens a test, has its prompts answered while pairs are judged, and shows who wins.

    Attributes:
        setup: what a test is to be of.
        test: the one that is open; None: none.
        failure: what went wrong with an answer.

    Signals:
        saved: the file that the votes were written to, to be learned from.
        turned: a test was opened or left.
    """

    saved = Signal(Path)
    turned = Signal()

    def __init__(self, theme: Theme, asked: Desk, panel: AskPanel) -> None:
        """Has no test open."""
        super().__init__()
        self._theme, self._desk = theme, asked
        self._call: Call | None = None
        self._judged = list[Pair]()
        self._shown: Pair | None = None
        self.test: BlindTest | None = None
        self.setup = BlindSetup(theme, panel)
        self.setup.opened.connect(self.open)
        self.failure = FailureCard(theme)
        self.addWidget(self.setup)
        self.addWidget(self._judging())
        self.addWidget(self._final())
        self._actions()
        self._offer()

    @property
    def pair(self) -> Pair | None:
        """The pair that is shown, which stays until it is judged; None: there is none to judge now."""
        pairs = self.test.open_pairs() if self.test is not None else []
        return self._shown if self._shown in pairs else next(iter(pairs), None)

    def open(self, test: BlindTest) -> None:
        """Goes on with a test, or shows who wins where all is judged."""
        self.leave()
        self.test, self._judged, self._shown = test, [], None
        self.failure.hide()
        self.turned.emit()
        self._show()
        self._ask()
        # The keys are heard where the focus is.
        self._page.setFocus()

    def shut(self) -> None:
        """Leaves the test; what was judged is kept."""
        self._cancel()
        self.test = None
        self.setup.refresh()
        self.setCurrentIndex(_SETUP)
        self.turned.emit()

    def leave(self) -> None:
        """Ends what is being written and read; the window closes."""
        self._cancel()
        self.setup.leave()

    def showEvent(self, event: QShowEvent) -> None:
        """Goes on answering."""
        super().showEvent(event)
        if self.test is None:
            self.setup.refresh()
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        """Leaves the model to the other ways to ask."""
        if not event.spontaneous():  # a window that is made small goes on
            self._cancel()
        super().hideEvent(event)

    def judge(self, winner: int) -> None:
        """Notes who wins the pair shown: 1 the left, 2 the right, 0 neither."""
        pair, test = self.pair, self.test
        if self.currentIndex() == _JUDGING and pair is not None and test is not None:
            if self._vote(pair, (TIE, pair.left, pair.right)[winner]):
                self._judged.append(pair)
            self._show()

    def back(self) -> None:
        """Takes the last vote back, of those that were made since the test was opened."""
        if self._judged and self.test is not None and self._vote(self._judged[-1], None):
            self._shown = self._judged.pop()
            self._draw()
            self._show()
            self._page.setFocus()

    def save(self) -> None:
        """Asks for a file and writes the votes to it."""
        if self.test is None:
            return
        place = Path.home() / f"{self.test.path.name}.jsonl"
        chosen, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save as preference data"), str(place), "JSONL (*.jsonl)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )  # fmt: skip
        if not chosen:
            return
        try:
            blind.write_preferences(self.test, Path(chosen))
        except StudioError as error:
            self._told.setText(words.sentences(error))
            return
        self.saved.emit(Path(chosen))

    def _vote(self, pair: Pair, winner: int | None) -> bool:
        """Notes a vote; returns whether it is written."""
        assert self.test is not None
        try:
            self.test.vote(pair, winner)
        except StudioError as error:
            self.failure.show_failure(desk.failure(0, error))
            return False
        return True

    def _actions(self) -> None:
        names = (self.tr("Neither answer is better"), self.tr("The left answer is better"))
        keys = (*names, self.tr("The right answer is better"))
        self._judges = [add_action(self, name, partial(self.judge, at), str(at)) for at, name in enumerate(keys)]
        self._back = add_action(self, self.tr("Take the last vote back"), self.back, "Backspace")
        for made in (*self._judges, self._back):
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.currentChanged.connect(self._offer)

    def _offer(self) -> None:
        """Offers what can be done with the pair shown."""
        judging = self.currentIndex() == _JUDGING
        possible = judging and self._shown is not None
        for action in self._judges:
            action.setEnabled(possible)
        for made in (self.left_button, self.tie_button, self.right_button):
            made.setEnabled(possible)
        self._back.setEnabled(self.currentIndex() != _SETUP and bool(self._judged))
        self.back_button.setEnabled(self._back.isEnabled())

    def _judging(self) -> QWidget:
        self._title, self._progress = Elided(self.tr("Which answer is better?"), "heading"), label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress"))
        self.prompt, self.left, self.right = (_box() for _ in range(3))
        self.prompt.setMaximumHeight(12 * GRID)
        self.prompt.setAccessibleName(self.tr("Question"))
        self.left.setAccessibleName(self.tr("Left answer"))
        self.right.setAccessibleName(self.tr("Right answer"))
        self.left_button = button(self.tr("Left (1)"), lambda: self.judge(1), "primary")
        self.tie_button = button(self.tr("As good (0)"), lambda: self.judge(0))
        self.right_button = button(self.tr("Right (2)"), lambda: self.judge(2), "primary")
        self.back_button = button(self.tr("Back"), self.back, "flat")
        stand = button(self.tr("Who wins"), self.show_standing, "flat")
        shut = button(self.tr("Close"), self.shut, "flat")
        self._waits = label("", "muted", wrap=True)
        head = row(self._title, self._progress, stand, shut)
        head.setStretch(0, 1)
        self._cut = [label(self.tr("Broken off at the longest answer"), "caption") for _ in range(2)]
        boxes = zip((self.left, self.right), self._cut, strict=True)
        answers = row(*(card(column(box, cut)) for box, cut in boxes), spacing=2 * GRID)
        buttons = row(self.left_button, None, self.back_button, self.tie_button, None, self.right_button)
        layout = column(
            head, self._bar, card(column(self.prompt)), answers, self._waits, self.failure, buttons, spacing=GRID
        )
        layout.setStretch(3, 1)
        self._page = holder(layout)
        self._page.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._page.setAccessibleName(self._title.text())
        return self._page

    def _final(self) -> QWidget:
        self._final_title, self._told = Elided("", "heading"), label("", "fault", wrap=True)
        self._stands: QVBoxLayout = column()
        self.on_button = button(self.tr("Judge on"), self._show)
        self.save_button = button(self.tr("Save as preference data..."), self.save, "primary")
        self.undo_button = button(self.tr("Take the last vote back"), self.back, "flat")
        head = row(self._final_title, button(self.tr("Close"), self.shut, "flat"))
        head.setStretch(0, 1)
        foot = row(self.undo_button, None, self.on_button, self.save_button)
        area = scrolling(holder(column(card(self._stands), None), "body"))
        layout = column(head, area, self._told, foot, spacing=GRID)
        layout.setStretch(1, 1)
        return holder(layout)

    def show_standing(self) -> None:
        """Shows whose the answers are, and who wins so far."""
        test = self.test
        if test is None:
            return
        clear(self._stands)
        self._stands.addWidget(StandingView(self._theme, test))
        self._final_title.setText(test.about.title)
        self._told.setText("")
        self.on_button.setVisible(bool(test.open_pairs() or test.missing()))
        self.save_button.setEnabled(bool(test.preferences()))
        none = self.tr("No whole answer was judged better than another yet.")
        self.save_button.setToolTip("" if self.save_button.isEnabled() else none)
        self.undo_button.setVisible(bool(self._judged))
        self.setCurrentIndex(_STANDING)

    def _show(self) -> None:
        """Shows the next pair, or what there is to wait for, or who wins."""
        test, pair = self.test, self.pair
        if test is None:
            return
        missing = test.missing()
        if pair is None and not missing:
            self.show_standing()
            return
        self.setCurrentIndex(_JUDGING)
        judged, total = len(test.votes), len(test.pairs()) - sum(map(test.same, test.pairs()))
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(judged)
        self._progress.setText(self.tr("{done} of {total} judged").format(done=f"{judged:,}", total=f"{total:,}"))
        if pair != self._shown:
            self._shown = pair
            self._draw()
        self._offer()
        waits = counted(len(missing), self.tr("{count} prompt is still to be answered."),
                        self.tr("{count} prompts are still to be answered."))  # fmt: skip
        self._waits.setText(waits)
        self._waits.setVisible(bool(missing))

    def _draw(self) -> None:
        """Shows the texts of the pair."""
        pair, test = self._shown, self.test
        texts = test.answers[pair.prompt] if pair is not None and test is not None else []
        asked = test.about.prompts[pair.prompt] if pair is not None and test is not None else []
        show_text(self.prompt, "\n\n".join(message.content for message in asked))
        show_text(self.left, texts[pair.left] if pair is not None else "")
        show_text(self.right, texts[pair.right] if pair is not None else "")
        cut = test.cut[pair.prompt] if pair is not None and test is not None else []
        for said, who in zip(self._cut, (pair.left, pair.right) if pair is not None else (-1, -1), strict=True):
            said.setVisible(who in cut)

    def _ask(self) -> None:
        """Has the next prompt answered, while the page is looked at."""
        missing = self.test.missing() if self.test is not None else []
        if self._call is not None or not missing or not self.isVisible() or self.test is None:
            return
        test, prompt = self.test, missing[0]
        call = self._call = self._desk.ask(test.request(prompt))
        call.done.connect(lambda found: self._take(test, prompt, found))
        call.failed.connect(self.failure.show_failure)
        call.ended.connect(self._end)

    def _take(self, test: BlindTest, prompt: int, found: desk.Answers) -> None:
        self.failure.hide()
        try:
            test.answer(prompt, found.columns)
        except StudioError as error:
            self.failure.show_failure(desk.failure(0, error))
            return
        if test is self.test and self.currentIndex() == _JUDGING:
            self._show()

    def _end(self) -> None:
        self._call = None
        # A failure would only come again.
        if self.failure.isHidden():
            self._ask()

    def _cancel(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
            call.blockSignals(True)


def _box() -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setObjectName("answer")
    made.setReadOnly(True)
    made.setTabChangesFocus(True)
    made.setMinimumHeight(5 * GRID)
    made.document().setDocumentMargin(0)
    return made
