"""One text in several columns, each token coloured by how likely the base or an adapter holds it."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QFrame, QHBoxLayout, QTextEdit, QWidget

from studio.core import scores
from studio.core.desk import Picture, Scored, Scores, Tokens
from studio.core.units import counted, percent
from studio.ui import token_text
from studio.ui.elided import Elided
from studio.ui.parts import button, clear, column, holder, label, pill, row, scrolling, segment
from studio.ui.shades import ink, shade
from studio.ui.theme import GRID, Palette, Theme
from studio.ui.token_box import TokenBox

_TOLD = 3  # likeliest tokens told of a place
_MOST_NATS = math.log(1000)  # beyond it a ratio is not told more exactly
_SHADES = 32  # of each colour


class ScoreColumn(QFrame):
    """The text as one of those that read it holds it.

    Attributes:
        title: whose column it is.
        scored: what it makes of the tokens.
        box: the text.

    Signals:
        pointed: this token is looked at.
    """

    pointed = Signal(int)

    def __init__(self, theme: Theme, title: str, found: Scores, at: int, whole: bool = False) -> None:
        """Shows column `at` of the scores; the first is the base's, and a `whole` one no adapter's but a model's."""
        super().__init__()
        self.setObjectName("card")
        self.setMinimumWidth(25 * GRID)
        self._theme, self._scores = theme, found
        self.title, self.scored = title, found.columns[at]
        self._base = found.columns[0] if at else None
        self.counts = found.counts
        self.setAccessibleName(self.tr("What {name} makes of the text").format(name=title))
        made = self.tr("model") if whole else self.tr("adapter")
        mark = pill(made if at else self.tr("base"), "live" if at else "")
        self.box = TokenBox(self.accessibleName())
        self.box.setObjectName("answer")
        self.box.setMinimumHeight(8 * GRID)
        self.box.document().setDocumentMargin(0)
        self.lay_out(whitespace=False)
        self.box.pointed.connect(lambda token: self.pointed.emit(token) if token >= 0 else None)
        self.status = Elided(self._summary(), "caption")
        # Not a label that wraps: an area that scrolls would give the text no less room than it would like to have.
        self.detail, self.likeliest = Elided("", "caption"), Elided("", "caption")
        for line in (self.detail, self.likeliest):
            line.setAccessibleDescription(self.accessibleName())
        head = row(Elided(title, "heading"), mark)
        head.setStretch(0, 1)
        told = column(self.detail, self.likeliest, spacing=GRID // 2)
        layout = column(head, self.status, self.box, told, margin=2 * GRID)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def lay_out(self, whitespace: bool) -> None:
        """Shows the text; what has no room of its own, such as a letter's second token or a line's end, gets a sign."""
        self.box.show_laid(token_text.lay_out(self._scores.picture, apart=True, breaks=True, whitespace=whitespace))

    def colour(self, values: Sequence[float], every: bool) -> None:
        """Colours the tokens that count, or every one, by a value from -1 to 1 each."""
        palette, picture = self._theme.palette, self._scores.picture
        plain = QTextCharFormat()
        plain.setForeground(QColor(palette.muted))

        made: dict[tuple[int, bool], QTextCharFormat] = {}
        unread = QTextCharFormat(plain)
        unread.setFontStrikeOut(True)

        def look(token: int) -> QTextCharFormat:
            if token >= len(values):
                return unread
            if not math.isfinite(values[token]) or not (self.counts[token] or every):
                return plain
            # Where all are coloured the learned ones must be told apart, and not by colour.
            key = round(values[token] * _SHADES), every and picture.trained[token]
            if key not in made:
                made[key] = _look(palette, key[0] / _SHADES, underlined=key[1])
            return made[key]

        self.box.colour(look)

    def look_at(self, token: int, follow: bool) -> None:
        """Marks a token, brings it into sight if asked to `follow`, and says what is known of it."""
        start, end = self.box.laid.spans[token]
        mark = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.box.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        mark.cursor = cursor
        # No shade is as dark, or as light, as the letters are.
        mark.format.setBackground(QColor(self._theme.palette.text))
        mark.format.setForeground(QColor(self._theme.palette.panel))
        self.box.setExtraSelections([mark])
        if follow:
            self.bring_into_sight(token)
        for line, said in zip((self.detail, self.likeliest), self.said(token), strict=True):
            line.setText(said)

    def bring_into_sight(self, token: int) -> None:
        """Scrolls to a token."""
        cursor = self.box.textCursor()
        cursor.setPosition(self.box.laid.spans[token][0])
        blocked = self.box.blockSignals(True)
        self.box.setTextCursor(cursor)
        self.box.blockSignals(blocked)
        self.box.ensureCursorVisible()

    def said(self, token: int) -> tuple[str, str]:
        """Says how likely a token is held here, and what would be likelier."""
        losses = self.scored.losses
        if token >= len(losses) or not math.isfinite(losses[token]):
            return self.tr("Nothing was computed of this token."), ""
        loss = losses[token]
        share, written = percent(math.exp(-loss)), f"{loss:.4f}"
        first = self.tr("{share} likely, loss {loss}").format(share=share, loss=written)
        if self._base is not None:
            said = self.tr("{share} likely, loss {loss}, {times} times the base's")
            first = said.format(share=share, loss=written, times=_times(self._base.losses[token] - loss))
        begin = token * self._scores.top_k
        part = slice(begin, begin + min(_TOLD, self._scores.top_k))
        likeliest = zip(self.scored.top_ids[part], self.scored.top_losses[part], strict=True)
        told = [f"{shown(self._scores.names[id])} {percent(math.exp(-one))}" for id, one in likeliest if id >= 0]
        return first, self.tr("Likeliest: {tokens}").format(tokens="  ".join(told))

    def _summary(self) -> str:
        loss = self.scored.loss
        each = self.tr("loss {loss}").format(loss=f"{loss:.3g}")
        n = scores.perplexity(loss)
        perplexity = self.tr("perplexity {n}").format(n=f"{n:,.0f}" if n >= 100 else f"{n:.3g}")
        return f"{each}  ·  {perplexity}"


class ScoreView(QWidget):
    """The columns, what they are coloured by, and the token that is looked at in all of them.

    Attributes:
        columns: the base's first, where it was asked.
        token: the one looked at; -1: none.
        worse: ticked where of a row with two answers the worse one is shown.

    Signals:
        answer_wanted: the other answer of the row is to be shown.
    """

    answer_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._theme = theme
        self.columns: list[ScoreColumn] = []
        self._picture: Picture | None = None
        self.token = -1
        self._modes = QButtonGroup(self)
        self._by = [segment(text, self._modes) for text in (self.tr("Loss"), self.tr("Difference"))]
        self._by[0].setToolTip(self.tr("The stronger the colour, the less likely the token is held"))
        self._by[1].setToolTip(self.tr("By how much likelier than the base an adapter holds the token, or less likely"))
        self._by[0].setChecked(True)
        self._modes.buttonToggled.connect(lambda _, on: self._colour() if on else None)
        self.every = QCheckBox(self.tr("All tokens"))
        self.every.setAccessibleName(self.every.text())
        self.every.setToolTip(self.tr("Colour what is not learned too, such as the question"))
        self.every.toggled.connect(self._colour)
        self.spaces = QCheckBox(self.tr("Spaces"))
        self.spaces.setToolTip(self.tr("Write out spaces and invisible characters"))
        self.spaces.setAccessibleName(self.spaces.text())
        self.spaces.toggled.connect(self._lay_out)
        self.worse = QCheckBox(self.tr("Worse answer"))
        self.worse.setAccessibleName(self.worse.text())
        self.worse.setToolTip(self.tr("This row has two answers: show the one that is not preferred"))
        self.worse.clicked.connect(lambda: self.answer_wanted.emit())
        self.next = button(self.tr("Next"), self.show_next)
        said = self.tr("Go to the token with the largest number among the adapters', then to the next largest")
        self.next.setToolTip(said)
        self.detail = Elided("", "caption")
        self.detail.setAccessibleDescription(self.tr("Token looked at"))
        self._legend = [label("", "pill"), label("", "pill")]
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2 * GRID)
        head = row(*self._by, GRID, self.every, self.spaces, None, self.next)
        foot = row(self.detail, self.worse, *self._legend)
        foot.setStretch(0, 1)
        layout = column(head, scrolling(holder(self._row, "body")), foot, spacing=GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        theme.changed.connect(self._colour)

    def show_scores(self, found: Scores, titles: Sequence[str], wholes: Collection[int] = ()) -> None:
        """Shows what a base and adapters, named by `titles`, make of a text; `wholes` are models by themselves."""
        focused = any(one.box.hasFocus() for one in self.columns)
        self.clear()
        self._picture = found.picture
        for at, title in enumerate(titles):
            made = ScoreColumn(self._theme, title, found, at, at in wholes)
            made.pointed.connect(self.look_at)
            self.columns.append(made)
            self._row.addWidget(made, 1)
        several = len(self.columns) > 1
        self._by[1].setVisible(several)
        self._by[0].setVisible(several)
        if not several:
            self._by[0].setChecked(True)
        self.worse.setVisible(found.picture.paired)
        self.show_turned()
        self._lay_out()
        self._order_focus()
        if focused:
            self.columns[0].box.setFocus()
        # Once the texts have their room.
        QTimer.singleShot(0, self, self._bring_counting_into_sight)
        self.detail.setText(self._covered(found))

    def _bring_counting_into_sight(self) -> None:
        for each in self.columns:
            if True in each.counts:
                each.bring_into_sight(each.counts.index(True))

    def _covered(self, found: Scores) -> str:
        """Says what the losses are the mean of, and what of the text is not read, or not shown."""
        one, many = self.tr("The loss is that of {count} token"), self.tr("The loss is the mean of {count} tokens")
        parts, every = [counted(found.counted, one, many)], found.picture.tokens
        if found.read < every:
            said = self.tr("only {n} of {all} are read, the others are behind the maximum length or the model's limit")
            parts.append(said.format(n=f"{found.read:,}", all=f"{every:,}"))
        if (count := len(found.picture.ids)) < found.read:
            parts.append(self.tr("the first {n} are shown").format(n=f"{count:,}"))
        return "  ·  ".join(parts)

    def _order_focus(self) -> None:
        """Goes by Tab through what is above the columns first."""
        order = [*self._by, self.every, self.spaces, self.next, *(one.box for one in self.columns), self.worse]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    def _lay_out(self) -> None:
        for each in self.columns:
            each.lay_out(self.spaces.isChecked())
        self._colour()

    def clear(self) -> None:
        """Shows nothing."""
        clear(self._row)
        self.columns, self._picture, self.token = [], None, -1
        self.detail.setText("")

    def show_turned(self) -> None:
        """Says which of a row's two answers is shown."""
        self.worse.setChecked(self._picture is not None and self._picture.answer == "worse")

    def turned(self, text: Tokens) -> Tokens:
        """Returns the text with that of a row's two answers that is wanted now."""
        return text if self._picture is None else replace(text, worse=self.worse.isChecked())

    @property
    def differing(self) -> bool:
        """Whether the columns are coloured by their difference from the base."""
        return self._by[1].isChecked()

    def show_differences(self, shown: bool) -> None:
        """Colours by the difference from the base, or by each column's own loss."""
        self._by[int(shown)].setChecked(True)

    def look_at(self, token: int, follow: bool = False) -> None:
        """Looks at a token in every column; `follow`: it is brought into sight."""
        if self._picture is None or not 0 <= token < len(self._picture.ids) or (token == self.token and not follow):
            return
        self.token = token
        for each in self.columns:
            each.look_at(token, follow)
        self.detail.setText(self._said(self._picture, token))

    def show_next(self) -> None:
        """Goes to the token whose number is the largest, or the next largest behind the one looked at."""
        places = self._order()
        if places:
            at = places.index(self.token) + 1 if self.token in places else 0
            self.look_at(places[at % len(places)], follow=True)

    def _order(self) -> list[int]:
        """Returns the tokens that count, where an adapter differs most from the base or has the greatest loss first."""
        if not self.columns:
            return []
        asked = self.columns[1:] or self.columns
        values = [self._numbers(each) for each in asked]
        most = [max(map(abs, several)) for several in zip(*values, strict=True)]
        return scores.largest(most, self.columns[0].counts)

    def _numbers(self, each: ScoreColumn) -> Sequence[float]:
        return scores.differences(each.scored, self._base) if self.differing else each.scored.losses

    @property
    def _base(self) -> Scored:
        return self.columns[0].scored

    def _said(self, picture: Picture, token: int) -> str:
        where = self.tr("Token {n} of {all}").format(n=token + 1, all=picture.tokens)
        parts = [where, shown(picture.piece(token))]
        if token >= len(self.columns[0].scored.losses):
            parts.append(self.tr("not read"))
        else:
            parts.append(self.tr("learned") if picture.trained[token] else self.tr("not learned"))
        return "  ·  ".join(parts)

    def _colour(self) -> None:
        for at, each in enumerate(self.columns):
            numbers = self._numbers(each)
            if self.differing and at == 0:
                each.colour([0.0 if math.isfinite(number) else number for number in numbers], self.every.isChecked())
            else:
                each.colour([_share(number) for number in numbers], self.every.isChecked())
        self._explain()
        if self.token >= 0:
            # In the theme's own colours.
            for each in self.columns:
                each.look_at(self.token, follow=False)

    def _explain(self) -> None:
        """Says what the colours stand for."""
        palette, differ = self._theme.palette, self.differing
        ends = (1.0, self.tr("Likelier")), (-1.0, self.tr("Less likely"))
        ends = ends if differ else ((0.0, self.tr("Certain")), (1.0, self.tr("Surprising")))
        for item, (value, text) in zip(self._legend, ends, strict=True):
            ground = shade(palette, value)
            item.setStyleSheet(f"QLabel#pill {{ background: {ground.name()}; color: {ink(ground)}; }}")
            item.setText(text)
        self.next.setEnabled(any(any(each.counts) for each in self.columns[:1]))


def _look(palette: Palette, value: float, *, underlined: bool) -> QTextCharFormat:
    made, ground = QTextCharFormat(), shade(palette, value)
    made.setBackground(ground)
    made.setForeground(QColor(ink(ground)))
    made.setFontUnderline(underlined)
    return made


def _times(nats: float) -> str:
    """Returns how many times as likely a token is that is held so much likelier."""
    if abs(nats) > _MOST_NATS:
        return ">1,000" if nats > 0 else "<0.001"
    return f"{math.exp(nats):.2g}" if nats < 4 else f"{math.exp(nats):,.0f}"


def shown(text: str) -> str:
    """Returns a token's text in quotes, with what is not seen written out."""
    return repr(text)[:60]


def _share(number: float) -> float:
    """Returns the strength of a loss or a difference in nats: half at ln 2, where a probability is half or double."""
    return math.copysign(1 - math.exp(-abs(number)), number) if math.isfinite(number) else number
