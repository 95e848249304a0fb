"""A row as the model will see it: each token coloured by whether it is learned, given as context, or cut."""

import html
from bisect import bisect_right

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QTextLayout
from PySide6.QtWidgets import QApplication, QButtonGroup, QCheckBox, QPlainTextEdit, QToolTip, QWidget

from studio.core import desk
from studio.core.desk import Picture
from studio.ui import token_text, words
from studio.ui.desk import Call
from studio.ui.elided import Elided
from studio.ui.parts import button, column, holder, label, row, scrolling, segment, show_text
from studio.ui.template_editor import TemplateEditor
from studio.ui.theme import GRID, Theme


class TokensView(QWidget):
    """Shows a `Picture`. Plain text only: what a row says is never taken for markup.

    Attributes:
        picture: what is shown; None: nothing, or a message.
        laid: where its tokens stand in the text shown.
        worse: whether of a row with two answers the worse one is to be shown.

    Signals:
        answer_wanted: the other answer of the row is to be shown.
    """

    answer_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._theme = theme
        self._call: Call | None = None
        self.picture: Picture | None = None
        self.laid = token_text.Laid("", [])
        self.text = _Text()
        self.text.setObjectName("mono")
        self.text.setAccessibleName(self.tr("Tokens of the row"))
        self.text.setMinimumHeight(7 * GRID)
        self.text.pointed.connect(self._point)
        self.text.tip_wanted.connect(self._tip)
        self.text.cursorPositionChanged.connect(lambda: self.describe(self.token_at(self.text.textCursor().position())))
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
        head = row(*modes, GRID, edit, GRID, self._whitespace, self.worse, None)
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
        if not self.editor.typed():
            self.editor.show_own(picture.template)
        self.editor.show_fault("")
        self.worse.setVisible(picture.answer != "")
        self._show()

    def show_failure(self, failed: desk.Failed) -> None:
        """Shows why there are no tokens; where a template is being written, beside it."""
        if self.editor.typed():
            self.editor.show_fault(words.sentence(failed.message))
            return
        self.show_message(f"{words.sentence(failed.message)}\n{words.sentence(failed.hint)}")

    def show_message(self, text: str) -> None:
        """Shows a text in place of tokens."""
        self.picture, self.laid = None, token_text.Laid("", [])
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

    def token_at(self, position: int) -> int:
        """Returns the token at a position of the text shown; -1: none's."""
        found = bisect_right(self.laid.spans, position, key=lambda span: span[0]) - 1
        while found >= 0 and self.laid.spans[found][0] == self.laid.spans[found][1]:
            found -= 1
        return found if found >= 0 and position < self.laid.spans[found][1] else -1

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
            repr(picture.text[left:right] if right > left else picture.names[token])[:80],
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
        self.laid = token_text.lay_out(self.picture, apart=apart, whitespace=self._whitespace.isChecked())
        show_text(self.text, self.laid.text)
        self._colour(self.picture, apart)
        self._explain(self.picture)
        self.describe(-1)
        if self.picture.tokens > len(self.picture.ids):
            said = self.tr("The first {n} of {all} tokens are shown.")
            self.detail.setText(said.format(n=len(self.picture.ids), all=self.picture.tokens))

    def _colour(self, picture: Picture, apart: bool) -> None:
        """Gives every token its format, by the layout of each paragraph, as a syntax highlighter does."""
        looks = token_text.formats(self._theme.palette)
        document = self.text.document()
        token, block = 0, document.begin()
        while block.isValid():
            first, last, ranges = block.position(), block.position() + block.length() - 1, []
            while token < len(self.laid.spans) and self.laid.spans[token][0] <= last:
                start, end = self.laid.spans[token]
                if min(end, last) > max(start, first):
                    piece = QTextLayout.FormatRange()
                    piece.start, piece.length = max(start, first) - first, min(end, last) - max(start, first)
                    kind = token_text.state(picture, token)
                    piece.format = looks[kind, picture.special[token], apart and token % 2 == 1]
                    ranges.append(piece)
                if end > last + 1:
                    break  # it goes on in the next paragraph
                token += 1
            block.layout().setFormats(ranges)
            block = block.next()
        document.markContentsDirty(0, document.characterCount())

    def _explain(self, picture: Picture) -> None:
        states = [token_text.state(picture, token) for token in range(len(picture.ids))]
        cut = picture.tokens - picture.kept
        names = {"better": self.tr("Preferred {n}"), "worse": self.tr("Avoided {n}")}
        learned = names.get(picture.answer, self.tr("Learned {n}"))
        kind: token_text.State = "avoided" if picture.answer == "worse" else "trained"
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

    def _point(self, position: int) -> None:
        self.describe(self.token_at(position))

    def _tip(self, position: int, place: QPoint) -> None:
        said = self.describe(self.token_at(position))
        # Qt takes a tip that looks like markup for markup, so it is given some that says nothing of the row's.
        QToolTip.showText(place, f"<qt>{html.escape(said)}</qt>" if said else "", self.text)


class _Text(QPlainTextEdit):
    """Text to read that tells which place of it the pointer is over.

    Signals:
        pointed: the pointer is over this position; -1: over none.
        tip_wanted: (position, place on the screen): it rests there.
    """

    pointed = Signal(int)
    tip_wanted = Signal(int, QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setMouseTracking(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def viewportEvent(self, event: QEvent) -> bool:
        """Answers the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self.tip_wanted.emit(self._position(event.pos()), event.globalPos())
            return True
        if event.type() == QEvent.Type.MouseMove and QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            assert isinstance(event, QMouseEvent)
            self.pointed.emit(self._position(event.position().toPoint()))
        return super().viewportEvent(event)

    def _position(self, place: QPoint) -> int:
        cursor = self.cursorForPosition(place)
        # The nearest gap between letters is found, which may be the one behind the letter.
        position = cursor.position() - (self.cursorRect(cursor).x() > place.x())
        return position if self.cursorRect(cursor).adjusted(-40, 0, 40, 0).contains(place) else -1
