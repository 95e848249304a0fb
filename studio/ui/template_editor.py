"""A chat template being written, tried on the row that is looked at with every pause in the typing."""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from studio.ui.elided import Elided
from studio.ui.parts import button, column, row, set_mark
from studio.ui.theme import GRID

_PAUSE_MS = 400


class TemplateEditor(QWidget):
    """The text of a template, and what is wrong with it.

    Attributes:
        own: the template the settings name now; empty: there is none.

    Signals:
        tried: the text is to be tried; empty: the settings' own again.
        kept: the text is to be used from now on.
    """

    tried = Signal(str)
    kept = Signal(str)

    def __init__(self) -> None:
        """Starts without a template."""
        super().__init__()
        self.own = ""
        self.text = QPlainTextEdit()
        self.text.setObjectName("mono")
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(self.tr("Chat template"))
        self.text.setPlaceholderText(self.tr("A Jinja chat template; the row beside it follows as you type."))
        self.text.setMinimumHeight(5 * GRID)
        self._fault = Elided("", "fault")
        self._fault.hide()
        self._keep = button(self.tr("Use this template"), lambda: self.kept.emit(self.typed()))
        self._back = button(self.tr("Take the edits back"), self.reset, "flat")
        self.setLayout(column(self.text, self._fault, row(self._keep, self._back, None), spacing=GRID // 2))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(lambda: self.tried.emit(self.typed()))
        self.text.textChanged.connect(self._touched)
        self._mark()

    def typed(self) -> str:
        """Returns what was written; empty where it is the settings' own template."""
        text = self.text.toPlainText()
        return "" if text == self.own else text

    def show_own(self, template: str) -> None:
        """Shows the template the settings name, unless another one is being written."""
        if not self.typed():
            self.own = template
            if self.text.toPlainText() != template:
                self.text.setPlainText(template)
        self._mark()

    def take_over(self) -> None:
        """What was written is the settings' own from now on."""
        self.own = self.text.toPlainText()
        self._mark()

    def show_fault(self, text: str) -> None:
        """Says what is wrong with what was written; nothing, for no text."""
        self._fault.setText(text)
        self._fault.setVisible(bool(text))
        set_mark(self.text, "wrong", bool(text))
        self._mark()

    def reset(self) -> None:
        """Takes the edits back."""
        self.text.setPlainText(self.own)
        self.show_fault("")

    def _touched(self) -> None:
        self._mark()
        self._pause.start()

    def _mark(self) -> None:
        self._keep.setEnabled(bool(self.typed()) and not self._fault.text())
        self._back.setEnabled(bool(self.typed()))
