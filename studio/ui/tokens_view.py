"""A row as the model will see it: each token coloured by whether it is learned, given as context, or cut."""

import html

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QTextCharFormat
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QToolTip, QWidget

from studio.core import desk
from studio.core.desk import Picture
from studio.ui import token_text, words
from studio.ui.desk import Call
from studio.ui.elided import Elided
from studio.ui.parts import button, column, holder, icon_button, label, row, scrolling, segment
from studio.ui.template_editor import TemplateEditor
from studio.ui.theme import GRID, Theme
from studio.ui.token_box import NO_TOKENS, TokenBox


class TokensView(QWidget):
    """Shows a `Picture`. Plain text only: what a row says is never taken for markup.

    Attributes:
        picture: what is shown; None: nothing, or a message.
        text: the text shown, which knows where its tokens stand.
        worse: whether of a row with two answers the worse one is to be shown.

    Signals:
        answer_wanted: the other answer of the row is to be shown.
        scores_wanted: how likely a base and adapters hold each token is to be shown.
    """

    answer_wanted = Signal()
    scores_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._theme = theme
        self._call: Call | None = None
        self.picture: Picture | None = None
        self.text = TokenBox(self.tr("Tokens of the row"))
        self.text.setObjectName("mono")
        self.text.setMinimumHeight(7 * GRID)
        self.text.pointed.connect(self.describe)
        self.text.tip_wanted.connect(self._tip)
        self._whitespace = QCheckBox(self.tr("Show spaces"))
        self._whitespace.setAccessibleName(self._whitespace.text())
        self._whitespace.toggled.connect(self._show)
        self._modes = QButtonGroup(self)
        modes = [segment(text, self._modes) for text in (self.tr("Text"), self.tr("Tokens"))]
        modes[0].setChecked(True)
        self._modes.buttonToggled.connect(lambda _, on: self._show() if on else None)
        self._legend = [label("", "pill") for _ in range(5)]
        self.editor = TemplateEditor()
        self.editor.hide()
        edit = button(self.tr("Template"), lambda: None, "segment")
        edit.setToolTip(self.tr("Write the chat template and see at once what it makes of the row"))
        edit.setCheckable(True)
        edit.toggled.connect(self.editor.setVisible)
        self.detail = Elided("", "caption")
        self.detail.setAccessibleDescription(self.tr("Token under the pointer"))
        self.worse = QCheckBox(self.tr("Worse answer"))
        self.worse.setAccessibleName(self.worse.text())
        self.worse.setToolTip(self.tr("This row has two answers: show the one that is not preferred"))
        self.worse.toggled.connect(self.answer_wanted)
        self.worse.hide()
        self.score_button = icon_button(theme, "compare", self.tr("Token by token"), self.scores_wanted.emit)
        self.score_button.setToolTip(self.tr("See how likely the base and adapters hold every token of this row"))
        head = row(*modes, GRID, edit, GRID, self._whitespace, self.worse, None, self.score_button)
        # Beside each other: one above the other they have no room in a low window.
        both = row(self.editor, self.text)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        layout = column(head, both, row(self.detail, None, *self._legend))
        layout.setStretch(1, 1)
        # A low window has room for all of it but the template, and then it scrolls.
        area = scrolling(holder(layout, "body"))
        area.setObjectName("bare")
        area.setMinimumHeight(15 * GRID)
        self.setLayout(column(area))
        theme.changed.connect(self._show)
        self.show_message("")

    def follow(self, call: Call) -> None:
        """Shows what comes of a request for tokens; the one followed before is cancelled."""
        if self._call is not None:
            self._call.cancel()
        self._call = call
        call.done.connect(lambda result: self.show_picture(result) if self._call is call else None)
        call.failed.connect(lambda failed: self.show_failure(failed) if self._call is call else None)
        call.ended.connect(lambda: self._forget(call))

    def show_picture(self, picture: Picture) -> None:
        """Shows a row's tokens."""
        self.picture = picture
        self.score_button.setEnabled(True)
        if not self.editor.typed():
            self.editor.show_own(picture.template)
        self.editor.show_fault("")
        self.worse.setVisible(picture.paired)
        self._show()

    def show_failure(self, failed: desk.Failed) -> None:
        """Shows why there are no tokens; where a template is being written, beside it."""
        if self.editor.typed():
            self.editor.show_fault(words.sentence(failed.message))
            return
        self.show_message(f"{words.sentence(failed.message)}\n{words.sentence(failed.hint)}")

    def show_message(self, text: str) -> None:
        """Shows a text in place of tokens."""
        self.picture, self.text.laid = None, NO_TOKENS
        self.score_button.setEnabled(False)
        self.worse.hide()
        self.text.setPlainText(text)
        self.detail.setText("")
        for item in self._legend:
            item.hide()

    def show_apart(self, apart: bool) -> None:
        """Switches between the text and the single tokens."""
        self._modes.buttons()[int(apart)].setChecked(True)

    def show_whitespace(self, shown: bool) -> None:
        """Writes spaces, line ends and invisible characters out, or leaves them."""
        self._whitespace.setChecked(shown)

    def describe(self, token: int) -> str:
        """Says all that is known of a token, in the line below the text; returns what it says."""
        self.detail.setText(said := "" if token < 0 or self.picture is None else self._said(self.picture, token))
        return said

    def _said(self, picture: Picture, token: int) -> str:
        left, right = picture.offsets[token]
        states = {
            "trained": self.tr("learned"),
            "avoided": self.tr("learned to be avoided"),
            "masked": self.tr("context, not learned"),
            "frame": self.tr("added by the template, not learned"),
            "truncated": self.tr("cut: behind the maximum length"),
        }
        parts = [
            self.tr("Token {n} of {all}").format(n=token + 1, all=picture.tokens),
            self.tr("id {id}").format(id=picture.ids[token]),
            repr(picture.piece(token))[:80],
            self.tr("characters {a} to {b}").format(a=left, b=right) if right > left else self.tr("added"),
            states[token_text.state(picture, token)],
        ]
        return "  ·  ".join(parts + ([self.tr("special")] if picture.special[token] else []))

    def _forget(self, call: Call) -> None:
        if self._call is call:
            self._call = None

    def _show(self) -> None:
        if self.picture is None:
            return
        apart = self._modes.buttons()[1].isChecked()
        self.text.show_laid(token_text.lay_out(self.picture, apart=apart, whitespace=self._whitespace.isChecked()))
        self._colour(self.picture, apart)
        self._explain(self.picture)
        self.describe(-1)
        if self.picture.tokens > len(self.picture.ids):
            said = self.tr("The first {n} of {all} tokens are shown.")
            self.detail.setText(said.format(n=len(self.picture.ids), all=self.picture.tokens))

    def _colour(self, picture: Picture, apart: bool) -> None:
        looks = token_text.formats(self._theme.palette)

        def look(token: int) -> QTextCharFormat:
            return looks[token_text.state(picture, token), picture.special[token], apart and token % 2 == 1]

        self.text.colour(look)

    def _explain(self, picture: Picture) -> None:
        states = [token_text.state(picture, token) for token in range(len(picture.ids))]
        cut = picture.tokens - picture.kept
        names = {"better": self.tr("Preferred {n}"), "worse": self.tr("Avoided {n}"), "bad": self.tr("Avoided {n}")}
        learned = names.get(picture.answer, self.tr("Learned {n}"))
        kind: token_text.State = "avoided" if picture.avoided else "trained"
        named = [
            (learned, states.count(kind), (kind, False, False)),
            (self.tr("Context {n}"), states.count("masked"), ("masked", False, False)),
            (self.tr("Template {n}"), states.count("frame"), ("frame", False, False)),
            (self.tr("Cut {n}"), cut, ("truncated", False, False)),
            (self.tr("Special {n}"), sum(picture.special), ("masked", True, False)),
        ]
        looks = token_text.formats(self._theme.palette)
        for item, (text, count, key) in zip(self._legend, named, strict=True):
            look = looks[key]
            colours = f"background: {look.background().color().name()}; color: {look.foreground().color().name()};"
            item.setStyleSheet(f"QLabel#pill {{ {colours} }}")
            item.setFont(look.font())
            item.setText(text.format(n=count))
            item.show()

    def _tip(self, token: int, place: QPoint) -> None:
        said = self.describe(token)
        # Qt takes a tip that looks like markup for markup, so it is given some that says nothing of the row's.
        QToolTip.showText(place, f"<qt>{html.escape(said)}</qt>" if said else "", self.text)
