"""One column of a comparison, and the card that says what went wrong."""

import difflib
import re
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QTextEdit, QWidget

from studio.core import desk
from studio.core.units import counted
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.parts import button, card, column, icon_button, label, pill, row, selectable
from studio.ui.theme import GRID, Palette, Theme

_MOST_WORDS = 3000  # the search for what two answers share is quadratic


class AnswerColumn(QFrame):
    """An answer as it is written, with whose it is and what it took.

    Attributes:
        title: whose answer it is.
        answer: the whole answer; None while it is not there.

    Signals:
        looked: this answer is to be looked at token by token.
    """

    looked = Signal()

    def __init__(self, theme: Theme, title: str, kind: Literal["base", "adapter", "model"]) -> None:
        """Waits for text; `kind`: whose it is, that of the base model or of what was made of it."""
        super().__init__()
        self.setObjectName("card")
        self.setMinimumWidth(30 * GRID)
        self._theme = theme
        self.title, self.kind = title, kind
        self.answer: desk.Column | None = None
        self._text = ""
        self.setAccessibleName(self.tr("Answer of {name}").format(name=title))
        name = Elided(title, "heading")
        kinds = {"base": self.tr("base"), "adapter": self.tr("adapter"), "model": self.tr("model")}
        mark = pill(kinds[kind], "" if kind == "base" else "live")
        copy = icon_button(theme, "copy", self.tr("Copy the answer of {name}").format(name=title), self.copy)
        said = self.tr("Look at the answer of {name} token by token").format(name=title)
        self.look = icon_button(theme, "search", said, self.looked.emit)
        self.look.setEnabled(False)
        self.view = QPlainTextEdit()
        self.view.setObjectName("answer")
        self.view.setReadOnly(True)
        self.view.setMinimumHeight(5 * GRID)
        self.view.document().setDocumentMargin(0)
        self.view.setAccessibleName(self.accessibleName())
        self.status = label(self.tr("Waiting ..."), "caption", wrap=True)
        head = row(name, mark, copy)
        head.setStretch(0, 1)
        foot = row(self.status, self.look)
        foot.setStretch(0, 1)
        layout = column(head, self.view, foot, margin=2 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    @property
    def text(self) -> str:
        """What was written so far."""
        return self._text

    def add(self, piece: str) -> None:
        """Takes the next piece; the view follows only if its end was in sight."""
        self._text += piece
        self.status.setText(self.tr("Writing ..."))
        bar = self.view.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        cursor = QTextCursor(self.view.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(piece)
        if at_end:
            bar.setValue(bar.maximum())

    def finish(self, answer: desk.Column) -> None:
        """Takes the whole answer."""
        self.answer = answer
        self.look.setEnabled(bool(answer.text.strip()))
        if self._text != answer.text:
            self._text = answer.text
            self.view.setPlainText(answer.text)
        tokens = counted(answer.tokens, self.tr("{count} token"), self.tr("{count} tokens"))
        parts = [tokens, self.tr("{n} s").format(n=f"{answer.seconds:.1f}")]
        if answer.cut:
            parts.append(self.tr("cut at the longest answer"))
        self.status.setText("  ·  ".join(parts))

    def leave_off(self) -> None:
        """Says that no more will come."""
        if self.answer is None:
            self.status.setText(self.tr("Ended early") if self._text else self.tr("No answer"))

    def mark_differences(self, base: str | None) -> None:
        """Highlights the words that the base's answer does not have in their place; None: none."""
        mark_different(self.view, base, self._theme.palette)

    def copy(self) -> None:
        """Puts the answer on the clipboard."""
        QGuiApplication.clipboard().setText(self._text)


class FailureCard(QWidget):
    """What happened, what to do about it, and on demand everything else that is known.

    Signals:
        dismissed: the user has read it.
    """

    dismissed = Signal()

    def __init__(self, theme: Theme) -> None:
        """Is hidden until something fails."""
        super().__init__()
        self._message, self._hint = label("", "heading", wrap=True), selectable(label("", "", wrap=True))
        self._detail = QPlainTextEdit()
        self._detail.setObjectName("mono")
        self._detail.setReadOnly(True)
        self._detail.setMaximumHeight(20 * GRID)
        self._detail.setAccessibleName(self.tr("Details"))
        self._more = button(self.tr("Details"), self._toggle, "flat")
        copy = button(self.tr("Copy"), self._copy, "flat")
        close = icon_button(theme, "close", self.tr("Dismiss"), self._dismiss)
        head = row(self._message, close)
        head.setStretch(0, 1)
        self.setLayout(column(card(column(head, self._hint, row(self._more, copy, None), self._detail), "failure")))
        self.hide()

    @property
    def said(self) -> str:
        """The sentences shown; empty: none."""
        return f"{self._message.text()}\n{self._hint.text()}" if not self.isHidden() else ""

    def show_failure(self, failed: desk.Failed) -> None:
        """Shows a failure in place of the last one."""
        message, hint = words.sentence(failed.message), words.sentence(failed.hint)
        self._message.setText(message)
        self._hint.setText(hint)
        self._detail.setPlainText(failed.detail)
        self._detail.hide()
        self._more.setVisible(bool(failed.detail))
        self.setAccessibleName(words.joined(message, hint))
        self.show()

    def _toggle(self) -> None:
        self._detail.setVisible(self._detail.isHidden())

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.said}\n{self._detail.toPlainText()}".strip())

    def _dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()


def mark_different(box: QPlainTextEdit, base: str | None, palette: Palette) -> None:
    """Highlights the words of a box that `base` does not have in their place; None: none."""
    marks = []
    for start, end in different(base, box.toPlainText()) if base is not None else []:
        mark = QTextEdit.ExtraSelection()
        mark.cursor = QTextCursor(box.document())
        mark.cursor.setPosition(start)
        mark.cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        mark.format.setBackground(QColor(palette.selected))
        mark.format.setFontUnderline(True)
        marks.append(mark)
    box.setExtraSelections(marks)


def different(base: str, text: str) -> list[tuple[int, int]]:
    """Returns where `text` has words that `base` has not, [start, end) in UTF-16 units, as Qt counts."""
    theirs = re.findall(r"\w+|[^\w\s]", base)[:_MOST_WORDS]
    words = list(re.finditer(r"\w+|[^\w\s]", text))[:_MOST_WORDS]
    matcher = difflib.SequenceMatcher(None, theirs, [word.group() for word in words], autojunk=False)
    return [
        (_utf16(text, words[first].start()), _utf16(text, words[last - 1].end()))
        for kind, _, _, first, last in matcher.get_opcodes()
        if kind in ("replace", "insert")
    ]


def _utf16(text: str, place: int) -> int:
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2
