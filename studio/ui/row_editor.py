"""Editing a row as what it is: a conversation message by message, a text as text, anything else as JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from studio.core.data import shapes
from studio.ui import turns
from studio.ui.elided import Elided
from studio.ui.parts import button, card, clear, column, holder, icon_button, label, row, set_mark, show_text
from studio.ui.theme import GRID, Theme

_ROLES = {"role": ("system", "user", "assistant", "tool"), "from": ("system", "human", "gpt", "tool")}
_LEARNED = {*(answer for _, answer in shapes.ANSWERED), *shapes.OUTPUTS, *shapes.TEXTS}
_FEWEST_LINES, _MOST_LINES = 1, 16


class RowEditor(QScrollArea):
    """Shows a row to be changed. Nothing is stored: `values` is what the row would be.

    Signals:
        touched: the row was changed by hand; carries whether it differs from what was shown.
    """

    touched = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._theme = theme
        self._shown: dict[str, Any] = {}
        self._columns: dict[str, Conversation | Cell] = {}
        self._layout = QVBoxLayout()
        self._layout.setContentsMargins(0, 0, GRID, 0)
        self._layout.setSpacing(GRID)
        body = holder(self._layout, "body")
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Edit the row"))

    def show_row(self, data: dict[str, Any], typed: Mapping[str, Any] | None = None) -> None:
        """Shows a row's columns, with what was `typed` into them before."""
        self._shown = data
        self._columns = {}
        clear(self._layout)
        typed = typed or {}
        for name, value in data.items():
            found = turns.dialect(value)
            made = Conversation(self._theme, name, typed.get(name, value), found) if found else Cell(name, value)
            if isinstance(made, Cell) and name in typed:
                made.type(typed[name])
            made.touched.connect(self._touched)
            self._columns[name] = made
            self._layout.addWidget(made)
        self._layout.addStretch(1)
        self.verticalScrollBar().setValue(0)
        if typed:
            self._touched()

    def typed(self) -> dict[str, Any]:
        """Returns the row as it is typed, whether or not it can be taken, for `show_row`."""
        return {name: column.typed() for name, column in self._columns.items()}

    def values(self) -> dict[str, Any]:
        """Returns the row as it would be.

        Raises:
            ValueError: a column that is JSON does not read as JSON; the message says which and where.
        """
        return {name: column.value() for name, column in self._columns.items()}

    def first(self) -> QPlainTextEdit | None:
        """Returns the box to begin in: the conversation's, that of the text that is learned, or the first there is."""
        conversations = [made for made in self._columns.values() if isinstance(made, Conversation)]
        learned = [made for name, made in self._columns.items() if name.casefold() in _LEARNED]
        for made in (*conversations, *learned, self):
            box = next((box for box in made.findChildren(QPlainTextEdit) if box.isVisible()), None)
            if box is not None:
                return box
        return None

    def fault(self) -> str:
        """Returns why the row cannot be taken as it stands; empty where it can."""
        try:
            self.values()
        except ValueError as error:
            return str(error)
        return ""

    def _touched(self) -> None:
        self.touched.emit(bool(self.fault()) or self.values() != self._shown)


class Cell(QWidget):
    """One column: its text, or what it holds as JSON.

    Signals:
        touched: it was changed by hand.
    """

    touched = Signal()

    def __init__(self, name: str, value: Any) -> None:
        """Shows `value`."""
        super().__init__()
        self._name, self._value = name, value
        self._text = TextBox(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1))
        self._text.setAccessibleName(name)
        self._fault = label("", "fault", wrap=True)
        self._fault.hide()
        self.setLayout(column(Elided(name, "caption"), self._text, self._fault, spacing=GRID // 2))
        self._text.textChanged.connect(self._check)

    def value(self) -> Any:
        """Returns what the column would hold.

        Raises:
            ValueError: it is JSON and does not read as such.
        """
        text = self._text.written()
        if isinstance(self._value, str):
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
            raise ValueError(f"`{self._name}`: {message}{where}") from None

    def typed(self) -> str:
        """Returns the text as it stands."""
        return self._text.written()

    def type(self, text: str) -> None:
        """Puts a text in place of what stands there, as if by hand."""
        show_text(self._text, text)

    def _check(self) -> None:
        said = ""
        try:
            self.value()
        except ValueError as error:
            said = str(error)
        self._fault.setText(said)
        self._fault.setVisible(bool(said))
        set_mark(self._text, "wrong", bool(said))
        self.touched.emit()


class Conversation(QWidget):
    """A column that holds a conversation, a card for each message.

    Signals:
        touched: it was changed by hand.
    """

    touched = Signal()

    def __init__(self, theme: Theme, name: str, value: list[dict[str, Any]], keys: tuple[str, str]) -> None:
        """Shows the messages, whose speaker and text stand under `keys`."""
        super().__init__()
        self._theme, self._keys = theme, keys
        self._messages: list[Message] = []
        self._list = QVBoxLayout()
        self._list.setSpacing(GRID)
        add = button(self.tr("Add a message"), self.add)
        theme.dress(add, "plus")
        self.setLayout(column(Elided(name, "caption"), self._list, row(add, None), spacing=GRID // 2))
        for item in value:
            self._insert(item)

    def value(self) -> list[dict[str, Any]]:
        """Returns the messages as they would be; what they hold besides is kept."""
        return [message.value() for message in self._messages]

    typed = value

    def add(self) -> None:
        """Adds an empty message of whoever's turn it is."""
        answers = _ROLES[self._keys[0]][2]
        last = self._messages[-1].value()[self._keys[0]] if self._messages else answers
        made = self._insert(
            {self._keys[0]: _ROLES[self._keys[0]][1] if last == answers else answers, self._keys[1]: ""}
        )
        # After the layout has made room for it.
        QTimer.singleShot(0, made, lambda: made.text.setFocus(Qt.FocusReason.OtherFocusReason))
        self.touched.emit()

    def _insert(self, item: dict[str, Any]) -> "Message":
        made = Message(self._theme, item, self._keys, lambda by: self._move(made, by), lambda: self._remove(made))
        made.touched.connect(self.touched)
        self._messages.append(made)
        self._list.addWidget(made)
        return made

    def _move(self, message: "Message", by: int) -> None:
        at = self._messages.index(message)
        if not 0 <= at + by < len(self._messages):
            return
        self._messages.insert(at + by, self._messages.pop(at))
        self._list.removeWidget(message)
        self._list.insertWidget(at + by, message)
        self.touched.emit()

    def _remove(self, message: "Message") -> None:
        self._messages.remove(message)
        self._list.removeWidget(message)
        message.hide()
        message.deleteLater()
        self.touched.emit()


class Message(QWidget):
    """One message: who speaks, and what is said.

    Signals:
        touched: it was changed by hand.
    """

    touched = Signal()

    def __init__(
        self,
        theme: Theme,
        item: dict[str, Any],
        keys: tuple[str, str],
        move: Callable[[int], object],
        remove: Callable[[], object],
    ) -> None:
        """Shows `item`; `move` and `remove` are what its buttons do."""
        super().__init__()
        self._item, self._keys = item, keys
        self._role = _Roles()
        self._role.addItems(list(dict.fromkeys([*_ROLES[keys[0]], str(item[keys[0]])])))
        self._role.setCurrentText(str(item[keys[0]]))
        self._role.setAccessibleName(self.tr("Who speaks"))
        self._role.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        said = item.get(keys[1])
        self.text = TextBox(turns.text_of(said))
        # Pictures come in parts, calls of tools without text: what is no text is kept, not edited.
        self.text.setReadOnly(not isinstance(said, str))
        calls = label(turns.calls(item), "mono", wrap=True)
        calls.setAccessibleDescription(self.tr("What is called"))
        for made, empty in ((self.text, said is None), (calls, not calls.text())):
            if empty:
                made.hide()
        self.text.setAccessibleName(self.tr("What is said"))
        up = icon_button(theme, "chevron-up", self.tr("Earlier"), lambda: move(-1))
        down = icon_button(theme, "chevron-down", self.tr("Later"), lambda: move(1))
        away = icon_button(theme, "trash", self.tr("Remove the message"), remove)
        box = card(column(row(self._role, None, up, down, away), self.text, calls, spacing=GRID))
        self.setLayout(column(box))
        self._role.currentTextChanged.connect(lambda: self.touched.emit())
        self.text.textChanged.connect(lambda: self.touched.emit())

    def value(self) -> dict[str, Any]:
        """Returns the message as it would be."""
        speaker, said = self._keys
        text = {} if self.text.isReadOnly() else {said: self.text.written()}
        return {**self._item, speaker: self._role.currentText(), **text}


class _Roles(QComboBox):
    """A choice the wheel does not change in passing."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leaves the wheel to the page while the choice is not the one worked with."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class TextBox(QPlainTextEdit):
    """Plain text as tall as its lines, between a few and many."""

    def __init__(self, text: str) -> None:
        """Shows `text`."""
        super().__init__()
        show_text(self, text)
        self._original, self._raw = text, self.document().toRawText()
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().documentLayout().documentSizeChanged.connect(lambda: self._fit())
        # The style sheet's font decides how tall a line is, and it comes with the polish.
        self.ensurePolished()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines wrap anew."""
        super().resizeEvent(event)
        self._fit()

    def written(self) -> str:
        """Returns the text, letter for letter where it was not changed.

        `toPlainText` turns no-break spaces into spaces, and Qt has one kind of line end; neither may change a row.
        """
        raw = self.document().toRawText()
        if raw == self._raw:
            return self._original
        ending = "\r\n" if "\r\n" in self._original else "\n"
        return raw.replace("\u2029", ending)

    def _fit(self) -> None:
        # A plain text's document counts its height in lines, wrapped ones included.
        lines = min(max(round(self.document().size().height()), _FEWEST_LINES), _MOST_LINES)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 3 * GRID + GRID // 2)
