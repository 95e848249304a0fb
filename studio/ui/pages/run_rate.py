"""The learning rate of a run that trains, changed in a small dialog."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from studio.core import events, files
from studio.core.runs import Run
from studio.ui.forms import declared_fields, parsed, written
from studio.ui.parts import button, column, label, row, set_mark
from studio.ui.theme import GRID

_KEY = "training.learning_rate"


class RateDialog(QDialog):
    """Asks for the learning rate at which the schedule peaks from now on.

    Attributes:
        box: where it is typed.
        fault: says what is wrong with it.
        take: the button that takes it.

    Signals:
        chosen: the learning rate.
    """

    chosen = Signal(float)

    def __init__(self, parent: QWidget, peak: float, now: float | None) -> None:
        """Shows the `peak` as it is; `now`: the learning rate of the last step, None before the first."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Learning rate"))
        self._spec = next(spec for spec in declared_fields() if spec.key == _KEY)
        self.box = QLineEdit(written(peak))
        self.box.setAccessibleName(self.windowTitle())
        self.box.selectAll()
        self.box.textChanged.connect(self._check)
        self.fault = label("", "fault")
        hint = self.tr("The peak of the schedule from the next step on; its shape stays.")
        at = self.tr("The last step was made with {rate}.").format(rate=f"{now:.3g}") if now else ""
        said = label(f"{hint}\n{at}".strip(), "muted", wrap=True)
        said.setMinimumWidth(48 * GRID)
        self.take = button(self.tr("Change it"), self._take, "primary")
        self.take.setDefault(True)
        buttons = row(None, button(self.tr("Cancel"), self.reject), self.take)
        form = column(label(self.windowTitle()), self.box, self.fault, spacing=GRID // 2)
        self.setLayout(column(said, form, buttons, spacing=2 * GRID, margin=3 * GRID))
        self._check()

    def _rate(self) -> float | None:
        value = parsed(self.box.text(), float)
        high = self._spec.high
        assert high is not None
        return value if isinstance(value, float) and 0 < value <= high else None

    def _check(self) -> None:
        wrong = self._rate() is None
        text = self.tr("Type a number: {bounds}.").format(bounds=self._spec.bounds)
        # The text stays where it was, so that nothing moves while one types.
        self.fault.setText(text if wrong else " ")
        set_mark(self.box, "wrong", wrong)
        self.take.setEnabled(not wrong)

    def _take(self) -> None:
        rate = self._rate()
        if rate is not None:
            self.chosen.emit(rate)
            self.accept()


def peak(run: Run) -> float:
    """Returns the learning rate a run's schedule peaks at: what was last asked for, or what its config says.

    Raises:
        StudioError: the config cannot be read.
    """
    asked = (events.decode_command(line) for line in files.read_lines(run.commands_path)[0])
    rates = [command.learning_rate for command in asked if isinstance(command, events.SetLearningRate)]
    return rates[-1] if rates else run.config().training.learning_rate
