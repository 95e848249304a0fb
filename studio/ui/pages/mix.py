"""The dialog that adds adapters up, each as strongly as one says, into a new one in the library."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QLineEdit, QSlider, QWidget

from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.jobs import Command
from studio.ui.parts import align_number, button, column, label, leave_wheel, row
from studio.ui.session import Session
from studio.ui.theme import GRID

_STEPS = 100  # of the slider for a weight of 1
_LOW, _HIGH = -1.0, 2.0


class MixDialog(QDialog):
    """Asks how strong each adapter is to be.

    Attributes:
        title: what the new one is called.
        weights: one for each adapter; `sliders` beside them.
        make: the button that makes it.
        fault: why it cannot be made.

    Signals:
        added: the name of the new one.
    """

    added = Signal(str)

    def __init__(self, session: Session, entries: Sequence[Entry], parent: QWidget) -> None:
        """Proposes that each has the same share; a single one half of its strength."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Mix adapters") if len(entries) > 1 else self.tr("Strength of an adapter"))
        self._session, self._entries = session, list(entries)
        self._command: Command | None = None
        names = [entry.title or entry.name for entry in entries]
        self._names = names
        self.title = QLineEdit()
        self.title.setAccessibleName(self.tr("Title"))
        self.title.textChanged.connect(self._offer)
        self.weights, self.sliders = list[QDoubleSpinBox](), list[QSlider]()
        share = round(1 / len(entries), 2) if len(entries) > 1 else 0.5
        self.fault = label("", "fault", wrap=True)
        self.make = button(self.tr("Add to the library"), self._make, "primary")
        self.make.setDefault(True)
        rows = [self._part(name, share) for name in names]
        said = self.tr(
            "1 is as strong as it was trained, 0 is the base alone, and below 0 its opposite. The sum is exact; it is "
            "an adapter of its own, to be compared and exported like any other."
        )
        buttons = row(None, button(self.tr("Cancel"), self.reject), self.make)
        self.setLayout(
            column(
                Elided(self.windowTitle(), "heading"), label(said, "muted", wrap=True), *rows,
                column(label(self.tr("Title"), "caption"), self.title, spacing=GRID // 2), self.fault, buttons,
                spacing=2 * GRID, margin=3 * GRID,
            )
        )  # fmt: skip
        self.setFixedWidth(68 * GRID)
        self._offer()
        self.weights[0].valueChanged.connect(self._propose)
        self._propose()

    def done(self, result: int) -> None:
        """Ends what is being made; the library is as it was."""
        if self._command is not None:
            self._command.interrupt()
        super().done(result)

    def _part(self, name: str, share: float) -> Any:
        weight, slider = QDoubleSpinBox(), QSlider(Qt.Orientation.Horizontal)
        weight.setRange(_LOW, _HIGH)
        weight.setSingleStep(0.05)
        weight.setAccessibleName(self.tr("Strength of {name}").format(name=name))
        align_number(weight)
        slider.setRange(int(_LOW * _STEPS), int(_HIGH * _STEPS))
        slider.setAccessibleName(weight.accessibleName())
        for made in (weight, slider):
            leave_wheel(made)
        weight.setDecimals(3)

        def follow(value: float) -> None:
            # What is typed stays as it is typed.
            with QSignalBlocker(slider):
                slider.setValue(round(value * _STEPS))

        slider.valueChanged.connect(lambda at: weight.setValue(at / _STEPS))
        weight.valueChanged.connect(follow)
        weight.valueChanged.connect(self._offer)
        weight.setValue(share)
        self.weights.append(weight)
        self.sliders.append(slider)
        title = Elided(name)
        title.setFixedWidth(22 * GRID)
        line = row(title, slider, weight)
        line.setStretch(1, 1)
        return line

    def _propose(self) -> None:
        """Proposes a title, as long as none is typed."""
        if self.title.isModified():
            return
        text = self.tr("Mix of {names}").format(names=words.some(self._names))
        if len(self._names) == 1:
            weight = f"{self.weights[0].value():g}"
            text = self.tr("{name} at {weight}").format(name=self._names[0], weight=weight)
        self.title.setText(text)
        self.title.setCursorPosition(0)

    def _offer(self) -> None:
        some = any(weight.value() for weight in self.weights)
        self.make.setEnabled(self._command is None and some and bool(self.title.text().strip()))

    def _make(self) -> None:
        self.fault.setText("")
        parts = [f"{e.name}={w.value():g}" for e, w in zip(self._entries, self.weights, strict=True) if w.value()]
        self._command = self._session.command(["adapters", "mix", "--", self.title.text(), *parts])
        self._command.done.connect(self._made)
        self._command.failed.connect(self._fail)
        self._command.over.connect(self._over)
        self._offer()

    def _made(self, entry: dict[str, Any]) -> None:
        self._session.library_changed.emit()
        self.added.emit(entry["name"])
        self._session.tell(self.tr("Added to the library as {name}.").format(name=entry["name"]), "good")
        self._command = None
        self.accept()

    def _fail(self, error: StudioError) -> None:
        self.fault.setText(words.sentences(error))

    def _over(self) -> None:
        self._command = None
        self._offer()
