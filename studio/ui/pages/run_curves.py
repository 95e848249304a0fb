"""A run's curves: the loss with its evaluations, and below it learning rate, gradient norm, speed and preference."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QStackedWidget, QWidget

from studio.ui.models import RunModel
from studio.ui.parts import button, card, column, empty, holder, label, leave_wheel, row
from studio.ui.plots import LinePlot
from studio.ui.session import Session
from studio.ui.theme import GRID

# Whose turn it is to be drawn: the loss every other time.
_TURNS = ("loss", "learning_rate", "loss", "grad_norm", "loss", "tokens_per_s", "loss", "reward_accuracy")
_NONE, _WAITS, _NEVER, _CURVES, _PAUSED = range(5)
_SMOOTHINGS = (("0", 0.0), ("0.6", 0.6), ("0.9", 0.9), ("0.97", 0.97))


class RunCurves(QStackedWidget):
    """Shows the curves once there is a step, and until then why there is none.

    Attributes:
        plots: by the names of the model's curves.

    Signals:
        picked: a step was clicked in one of them.
    """

    picked = Signal(int)

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._session = session
        self._model: RunModel | None = None
        self._turn = 0
        theme = session.theme
        self.plots = {
            "loss": LinePlot(theme, self.tr("Loss"), smoothed=True),
            "learning_rate": LinePlot(theme, self.tr("Learning rate"), series=2, small=True),
            "grad_norm": LinePlot(theme, self.tr("Gradient norm"), series=3, small=True),
            "tokens_per_s": LinePlot(theme, self.tr("Tokens / s"), series=4, small=True),
            "reward_accuracy": LinePlot(theme, self.tr("Preferred"), series=1, small=True),
        }
        for plot in self.plots.values():
            plot.picked.connect(self.picked)
        none, waits = self.tr("Choose a run on the left."), self.tr("The curves begin with the first step.")
        never = self.tr("This run ended before its first step. Its log says what it did.")
        texts = {
            self.tr("No run is chosen"): none,
            self.tr("It is getting ready"): waits,
            self.tr("No step was made"): never,
        }
        for title, text in texts.items():
            self.addWidget(_framed(empty(theme, "train", title, text)))
        self.addWidget(self._curves())
        self.addWidget(_framed(empty(theme, "pause", self.tr("It is paused"), waits)))

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run's curves, or none."""
        self._model = model
        for name, plot in self.plots.items():
            points = model.curves["eval_loss"] if model is not None and name == "loss" else None
            plot.set_curves(model.curves[name] if model is not None else None, points)
        if model is not None:
            self._set_smoothing(self._smoothing.currentIndex())
        self.refresh()

    def refresh(self) -> bool:
        """Draws one plot of which there is something new; returns whether others may wait for the next call."""
        model = self._model
        if model is None:
            self.setCurrentIndex(_NONE)
        elif not len(model.curves["loss"]):
            waits = _PAUSED if model.state() == "paused" else _WAITS
            self.setCurrentIndex(waits if model.alive else _NEVER)
        else:
            self.setCurrentIndex(_CURVES)
            self.plots["reward_accuracy"].setVisible(bool(len(model.curves["reward_accuracy"])))
            best = model.progress.best
            self.plots["loss"].mark_best((best.step, best.eval_loss) if best is not None else None)
            # Plots that draw in one go hold the window several times as long as one does.
            for _ in _TURNS:
                self._turn = (self._turn + 1) % len(_TURNS)
                if self.plots[_TURNS[self._turn]].redraw():
                    return True
        return False

    def _curves(self) -> QWidget:
        log = QCheckBox(self.tr("Logarithmic"))
        log.setAccessibleName(self.tr("Logarithmic loss axis"))
        log.toggled.connect(self.plots["loss"].set_log)
        smoothing = QComboBox()
        smoothing.setAccessibleName(self.tr("Smoothing"))
        smoothing.addItems([name for name, _ in _SMOOTHINGS])
        smoothing.setCurrentIndex(1)
        smoothing.currentIndexChanged.connect(self._set_smoothing)
        leave_wheel(smoothing)
        self._smoothing = smoothing
        whole = button(self.tr("Whole curve"), self._reset_views, "flat")
        tools = row(None, whole, log, GRID, label(self.tr("Smoothing"), "muted"), smoothing, spacing=GRID)
        names = ("learning_rate", "grad_norm", "tokens_per_s", "reward_accuracy")
        small = row(*(self.plots[name] for name in names), spacing=2 * GRID)
        for at in range(len(names)):
            small.setStretch(at, 1)
        self.plots["reward_accuracy"].hide()
        layout = column(tools, self.plots["loss"], holder(small), spacing=GRID)
        layout.setStretch(1, 3)
        layout.setStretch(2, 2)
        return card(layout)

    def _set_smoothing(self, index: int) -> None:
        curve = self._model.curves["loss"] if self._model is not None else None
        if curve is not None and curve.smoothing != _SMOOTHINGS[index][1]:
            curve.set_smoothing(_SMOOTHINGS[index][1])
            self.plots["loss"].redraw()

    def _reset_views(self) -> None:
        for plot in self.plots.values():
            plot.reset_view()


def _framed(inner: QWidget) -> QFrame:
    return card(column(inner))
