"""The draft as YAML: follows every edit, and what is typed into it becomes one."""

import re
from typing import Any

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QTextCursor, QTextFormat
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from studio.core import config_file
from studio.core.errors import StudioError
from studio.ui import words
from studio.ui.draft import Draft, merged
from studio.ui.parts import column, label, set_mark
from studio.ui.theme import Theme

_TYPING_MS = 400


class YamlView(QWidget):
    """An editor for the whole draft.

    Attributes:
        fault: why the text is no configuration; empty: it is one.

    Signals:
        judged: `fault` is another one now.
    """

    judged = Signal()

    def __init__(self, draft: Draft, theme: Theme) -> None:
        """Shows `draft`."""
        super().__init__()
        self._draft, self._theme = draft, theme
        self.fault = ""
        self.editor = QPlainTextEdit()
        self.editor.setObjectName("mono")
        self.editor.setAccessibleName(self.tr("The configuration as YAML"))
        # YAML indents by spaces only, and the keyboard has to get out again.
        self.editor.setTabChangesFocus(True)
        # One history of edits: the window's.
        self.editor.setUndoRedoEnabled(False)
        self.editor.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.editor.installEventFilter(self)
        self.message = label("", "fault", wrap=True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.take)
        self._writing = False
        self.editor.textChanged.connect(self._typed)
        draft.changed.connect(self._changed)
        theme.changed.connect(self._show_faults)
        self.setLayout(column(self.editor, self.message))

    def take(self) -> None:
        """Makes an edit of what was typed, if it is a configuration."""
        self._typing.stop()
        try:
            values = merged(config_file.parse(self.editor.toPlainText(), "YAML"))
        except StudioError as error:
            self._judge(words.sentences(error))
            return
        self._judge("")
        self._draft.replace(values, self.tr("YAML"))
        self._show_faults()

    def take_typed(self) -> None:
        """As `take`, if something was typed a moment ago; for what is not to wait until the typing rests."""
        if self._typing.isActive():
            self.take()

    def give_up(self) -> None:
        """Shows the draft in place of what was typed."""
        self._typing.stop()
        self._follow()

    def showEvent(self, event: QEvent) -> None:
        """Catches up with the draft; what was typed and is no configuration stays."""
        if not self.fault:
            self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leaves undo and redo to the window."""
        if leave_undo(event):
            self.take_typed()
            return True
        return super().eventFilter(watched, event)

    def _changed(self) -> None:
        # Writing it out costs more than all the rest of an edit.
        if self.isVisible() or self.fault:
            self._follow()

    def _follow(self) -> None:
        typing = self.editor.hasFocus() and (self._typing.isActive() or self._read_back() == self._draft.values())
        if not typing:
            text = self._draft.as_yaml()
            if text != self.editor.toPlainText():
                place = self.editor.verticalScrollBar().value()
                self._writing = True
                self.editor.setPlainText(text)
                self._writing = False
                self.editor.verticalScrollBar().setValue(place)
            self._typing.stop()
            self._judge("")
        self._show_faults()

    def _read_back(self) -> Any:
        try:
            return merged(config_file.parse(self.editor.toPlainText(), "YAML"))
        except StudioError:
            return None

    def _typed(self) -> None:
        if not self._writing:
            self._typing.start()

    def _judge(self, fault: str) -> None:
        if fault != self.fault:
            self.fault = fault
            self._show_faults()
            self.judged.emit()

    def _show_faults(self) -> None:
        """Marks the lines that are wrong and says why of the first."""
        text, faults = self.editor.toPlainText(), self._draft.faults()
        # The first name is the wrong one; a right one may follow.
        keys = re.findall(r"`([\w.]+)`", self.fault)[:1] if self.fault else list(filter(None, faults))
        lines = [config_file.line_of(text, key) for key in keys]
        if named := re.match(r"YAML\D*(\d+)", self.fault):
            lines = [int(named[1]) - 1]
        self.editor.setExtraSelections([self._marked(line) for line in lines if line >= 0])
        first = self.fault or words.sentence(next(iter(faults.values()), ""))
        at = self.tr("Line {n}: ").format(n=lines[0] + 1) if lines and lines[0] >= 0 and not named else ""
        self.message.setText(f"{at}{first}")
        self.message.setVisible(bool(first))
        set_mark(self.editor, "wrong", bool(first))

    def _marked(self, line: int) -> QTextEdit.ExtraSelection:
        made: Any = QTextEdit.ExtraSelection()
        made.cursor = QTextCursor(self.editor.document().findBlockByNumber(line))
        made.format.setBackground(QColor(self._theme.palette.bad_panel))
        made.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        return made  # type: ignore[no-any-return]


def leave_undo(event: QEvent) -> bool:
    """Whether `event` is an editor's claim to the keys of undo and redo; it is made to let them go."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    if event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo):
        event.ignore()
        return True
    return False
