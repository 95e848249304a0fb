"""A box that shows the tokens of a text, each in a look of its own, and tells which one the pointer or cursor is at."""

from bisect import bisect_right
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QApplication, QPlainTextEdit

from studio.ui.parts import show_text
from studio.ui.token_text import Laid

NO_TOKENS = Laid("", [])


class TokenBox(QPlainTextEdit):
    """Text to read. Plain text only: what a row says is never taken for markup.

    Attributes:
        laid: where the tokens stand in the text shown.

    Signals:
        pointed: the pointer is over this token, or the cursor is put there; -1: none.
        tip_wanted: (token, place on the screen): the pointer rests there.
    """

    pointed = Signal(int)
    tip_wanted = Signal(int, QPoint)

    def __init__(self, name: str) -> None:
        """Shows nothing yet; `name` is what a screen reader says."""
        super().__init__()
        self.laid = NO_TOKENS
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        # Lines break anywhere; what a space or a letter hangs over is not worth a bar.
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._filling = False
        self.cursorPositionChanged.connect(self._move)

    def show_laid(self, laid: Laid) -> None:
        """Shows another text; it has no colours until `colour`."""
        self.laid, self._filling = laid, True
        show_text(self, laid.text)
        self._filling = False

    def colour(self, look: Callable[[int], QTextCharFormat]) -> None:
        """Gives every token the format that `look` says, by the layout of each paragraph, as a highlighter does."""
        document = self.document()
        token, block = 0, document.begin()
        while block.isValid():
            first, last, ranges = block.position(), block.position() + block.length() - 1, []
            while token < len(self.laid.spans) and self.laid.spans[token][0] <= last:
                start, end = self.laid.spans[token]
                if min(end, last) > max(start, first):
                    piece = QTextLayout.FormatRange()
                    piece.start, piece.length = max(start, first) - first, min(end, last) - max(start, first)
                    piece.format = look(token)
                    ranges.append(piece)
                if end > last + 1:
                    break  # it goes on in the next paragraph
                token += 1
            block.layout().setFormats(ranges)
            block = block.next()
        document.markContentsDirty(0, document.characterCount())

    def token_at(self, position: int) -> int:
        """Returns the token at a position of the text shown; -1: none's."""
        found = bisect_right(self.laid.spans, position, key=lambda span: span[0]) - 1
        while found >= 0 and self.laid.spans[found][0] == self.laid.spans[found][1]:
            found -= 1
        return found if found >= 0 and position < self.laid.spans[found][1] else -1

    def viewportEvent(self, event: QEvent) -> bool:
        """Answers the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self.tip_wanted.emit(self._under(event.pos()), event.globalPos())
            return True
        if event.type() == QEvent.Type.MouseMove and QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            assert isinstance(event, QMouseEvent)
            self.pointed.emit(self._under(event.position().toPoint()))
        return super().viewportEvent(event)

    def _move(self) -> None:
        # Of a text that is just coming or going nobody looks at any token.
        if not self._filling:
            self.pointed.emit(self.token_at(self.textCursor().position()))

    def _under(self, place: QPoint) -> int:
        cursor = self.cursorForPosition(place)
        # The nearest gap between letters is found, which may be the one behind the letter.
        position = cursor.position() - (self.cursorRect(cursor).x() > place.x())
        return self.token_at(position) if self.cursorRect(cursor).adjusted(-40, 0, 40, 0).contains(place) else -1
