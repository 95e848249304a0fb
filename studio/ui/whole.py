"""A box for whole numbers: whatever is typed into it is told, so that what is out of bounds is refused in words."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSpinBox

from studio.ui.parts import align_number

LARGEST = 2**31 - 1  # what Qt's box can hold


class Whole(QSpinBox):
    """A number box that takes any number from the keyboard; its arrows and the wheel keep within the bounds.

    Signals:
        typed: the number; or the text, while it is none.
    """

    typed = Signal(object)

    def __init__(self, low: float | None, high: float | None) -> None:
        """Shows 0; None: as far as the box goes, but below 0 by the keyboard alone."""
        super().__init__()
        self._low, self._high = int(low or 0), int(min(high or LARGEST, LARGEST))
        self._unread = False
        self.setRange(-LARGEST, LARGEST)
        align_number(self)
        self.valueChanged.connect(self.typed.emit)
        self.lineEdit().textEdited.connect(self._read)
        self.editingFinished.connect(self._finish)

    def stepBy(self, steps: int) -> None:
        """Goes no further than the bounds, and back to them from beyond."""
        super().stepBy(max(self._low - self.value(), min(steps, self._high - self.value())))

    def stepEnabled(self) -> QSpinBox.StepEnabledFlag:
        """Greys the arrow that leads nowhere."""
        flags = QSpinBox.StepEnabledFlag
        down = flags.StepDownEnabled if self.value() > self._low else flags.StepNone
        return down | (flags.StepUpEnabled if self.value() < self._high else flags.StepNone)

    def _read(self, text: str) -> None:
        # Qt tells of no text that is not a number yet, nor of the same number behind it.
        self._unread = not self.hasAcceptableInput()
        self.typed.emit(text if self._unread else self.valueFromText(text))

    def _finish(self) -> None:
        """Tells of the number that Qt puts back in place of a text that is none."""
        if self._unread:
            self._unread = False
            self.typed.emit(self.value())
