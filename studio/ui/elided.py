"""Texts that give way: where one lacks room an ellipsis stands for a part of it, and the tip says all of it."""

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QSizePolicy, QStyle, QStyleOptionFrame, QToolTip

from studio.ui.parts import as_tip

_LEAST_LETTERS = 4
_BESIDE_PX = 2  # what a line leaves on either side of its text
END, MIDDLE = Qt.TextElideMode.ElideRight, Qt.TextElideMode.ElideMiddle


class Elided(QLabel):
    """One line of plain text that may become narrower than it is long."""

    def __init__(self, text: str = "", kind: str = "", gives: Qt.TextElideMode = END) -> None:
        """Shows `text`; `kind` names its look in the style sheet, `gives` which part of it gives way."""
        super().__init__()
        self._gives = gives
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName(kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters."""
        whole = super().minimumSizeHint()
        return QSize(min(whole.width(), self.fontMetrics().averageCharWidth() * _LEAST_LETTERS), whole.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws as much as there is room for."""
        room = self.contentsRect()
        shown = self.fontMetrics().elidedText(self.text(), self._gives, room.width())
        tip = as_tip(self.text()) if shown != self.text() else ""
        if tip != self.toolTip():
            self.setToolTip(tip)
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(room, self.alignment() | Qt.TextFlag.TextSingleLine, shown)


class PathLine(QLineEdit):
    """A line for a path: while nobody writes in it, one that is too long shows its beginning and its end."""

    def event(self, event: QEvent) -> bool:
        """Says all of a path that is not all seen, before what its setting means."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._shown() != self.text():
            owner = self.parentWidget()
            meaning = self.toolTip() or (owner.toolTip() if owner is not None else "")
            QToolTip.showText(event.globalPos(), as_tip(f"{self.text()}\n\n{meaning}".strip()), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the text as it is written, or both ends of it."""
        shown = self._shown()
        if self.hasFocus() or shown == self.text():
            super().paintEvent(event)
            return
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        painter = QPainter(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelLineEdit, option, painter, self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self._room(), Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)

    def _room(self) -> QRect:
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        inner = self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self)
        return inner.marginsRemoved(self.textMargins()).adjusted(_BESIDE_PX, 0, -_BESIDE_PX, 0)

    def _shown(self) -> str:
        return self.fontMetrics().elidedText(self.text(), MIDDLE, self._room().width())
