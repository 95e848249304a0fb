"""What is to be said of a failure besides its two sentences, in a dialog of its own, to be read and copied."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QWidget

from studio.ui.parts import button, column, row
from studio.ui.theme import GRID


class Details(QDialog):
    """Shows a text.

    Attributes:
        text: where it stands.
        copy: the button that copies all of it.
    """

    def __init__(self, text: str, parent: QWidget) -> None:
        """Shows `text`; `open` opens it."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Details"))
        self.text = QPlainTextEdit(text)
        self.text.setObjectName("mono")
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.windowTitle())
        self.copy = button(self.tr("Copy"), lambda: QApplication.clipboard().setText(text))
        close = button(self.tr("Close"), self.accept, "primary")
        self.setLayout(column(self.text, row(None, self.copy, close), margin=2 * GRID, spacing=GRID))
        self.resize(680, 420)
