"""A run's curves: the loss with its evaluations, and below it learning rate, gradient norm, speed and preference.

Other runs are laid over it, and told apart by the settings in which they differ.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QStackedWidget, QWidget

from studio.ui.models import Glance, RunModel
from studio.ui.pages.run_beside import MOST, RunChoice, RunLegend
from studio.ui.pages.run_differences import RunDifferences
from studio.ui.parts import button, card, column, empty, holder, icon_button, label, leave_wheel, row
from studio.ui.plots import LinePlot
from studio.ui.session import Session
from studio.ui.theme import GRID

# Whose turn it is to be drawn: the loss every other time.
_TURNS = ("loss", "learning_rate", "loss", "grad_norm", "loss", "tokens_per_s", "loss", "reward_accuracy")
_NONE, _WAITS, _NEVER, _CURVES, _PAUSED, _QUEUED = range(6)
_WIDE_PX = 600
_SMOOTHINGS = (("0", 0.0), ("0.6", 0.6), ("0.9", 0.9), ("0.97", 0.97))


class RunCurves(QStackedWidget):
    """Shows the curves once there is a step, and until then why there is none.

    Attributes:
        plots: by the names of the model's curves.
        others: the runs laid over the shown one, in the order they were chosen; they stay while another is shown.
        glances: returns what runs there are.

    Signals:
        picked: a step was clicked in one of them.
        advanced: one of the `others` has.
    """

    picked = Signal(int)
    advanced = Signal()

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._session = session
        self._model: RunModel | None = None
        self.others: list[RunModel] = []
        self.glances: Callable[[], Sequence[Glance]] = lambda: ()
        self._turn = 0
        session.forgotten.connect(self.take_away)
        theme = session.theme
        self.plots = {
            "loss": LinePlot(theme, self.tr("Loss"), smoothed=True),
            "learning_rate": LinePlot(theme, self.tr("Learning rate"), series=2, small=True),
            "grad_norm": LinePlot(theme, self.tr("Gradient norm"), series=3, small=True),
            "tokens_per_s": LinePlot(theme, self.tr("Tokens / s"), series=4, small=True),
            "reward_accuracy": LinePlot(theme, self.tr("Reward accuracy"), series=1, small=True),
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
        turn = self.tr("It begins when the runs before it have ended.")
        self.addWidget(_framed(empty(theme, "pause", self.tr("It waits for its turn"), turn)))

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run's curves, or none."""
        self._model = model
        for name, plot in self.plots.items():
            points = model.curves["eval_loss"] if model is not None and name == "loss" else None
            plot.set_curves(model.curves[name] if model is not None else None, points)
        # Those laid over it are looked at too: none of them is given up for others.
        for other in self._beside():
            self._session.model_of(other.run)
        self._lay_over()
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Says in words what the button for other runs is for, where there is room."""
        super().resizeEvent(event)
        styles = Qt.ToolButtonStyle
        wide = event.size().width() >= _WIDE_PX
        self.compare.setToolButtonStyle(styles.ToolButtonTextBesideIcon if wide else styles.ToolButtonIconOnly)

    def lay(self, item: Glance) -> None:
        """Lays a run over the shown one, or takes it away."""
        place = item.run.path.resolve()
        known = next((model for model in self.others if model.run.path.resolve() == place), None)
        if known is not None:
            self.take_away(known)
        elif len(self.others) < MOST:
            model = self._session.model_of(item.run)
            model.advanced.connect(self.advanced)
            self.others.append(model)
            self._lay_over()
        else:
            self._session.tell(self.tr("At most {n} other runs are laid over one.").format(n=MOST), "bad")

    def take_away(self, model: RunModel) -> None:
        """Lays a run over others no longer."""
        if model in self.others:
            self.others.remove(model)
            model.advanced.disconnect(self.advanced)
            self._lay_over()

    def choose(self) -> None:
        """Opens the list of the runs to lay over the shown one."""
        if self._model is None:
            return
        here = self._model.run.path.resolve()
        glances = [item for item in self.glances() if item.state != "damaged" and item.run.path.resolve() != here]
        popup = RunChoice(glances, self._is_laid, self.window())
        popup.toggled.connect(self.lay)
        popup.open_under(self.compare)

    def _is_laid(self, item: Glance) -> bool:
        return any(model.run.path == item.run.path for model in self.others)

    def _beside(self) -> list[RunModel]:
        return [model for model in self.others if model is not self._model]

    def _lay_over(self) -> None:
        """Shows in all plots, the legend and the table what is laid over the run."""
        beside = self._beside() if self._model is not None else []
        for name, plot in self.plots.items():
            points = "eval_loss" if name == "loss" else ""
            plot.lay_over([(model.curves[name], model.curves.get(points)) for model in beside])
        shown = [self._model, *beside] if self._model is not None else []
        self.legend.show_runs(shown)
        self.differences.show_runs(shown if beside else [])
        self._named.setVisible(bool(beside))
        if not beside:
            self.differs.setChecked(False)
        self._set_smoothing(self._smoothing.currentIndex())
        self.advanced.emit()

    def refresh(self) -> bool:
        """Draws one plot of which there is something new; returns whether others may wait for the next call."""
        model = self._model
        if model is None:
            self.setCurrentIndex(_NONE)
        elif not any(len(each.curves["loss"]) for each in (model, *self._beside())):
            waits = {"paused": _PAUSED, "queued": _QUEUED}.get(model.state(), _WAITS)
            self.setCurrentIndex(waits if model.alive else _NEVER)
        else:
            self.setCurrentIndex(_CURVES)
            told = any(len(each.curves["reward_accuracy"]) for each in (model, *self._beside()))
            self.plots["reward_accuracy"].setVisible(told)
            self.differences.refresh()
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
        theme = self._session.theme
        self.compare = icon_button(theme, "compare", self.tr("Lay other runs over this one"), self.choose)
        self.compare.setText(self.tr("Compare with..."))
        self.differs = button(self.tr("What differs"), lambda: None, "segment")
        self.differs.setCheckable(True)
        self.differs.setToolTip(self.tr("The settings in which these runs differ, and how each came out"))
        tools = row(self.compare, None, whole, log, GRID, label(self.tr("Smoothing"), "muted"), smoothing)
        self.legend = RunLegend(theme)
        self.legend.removed.connect(self.take_away)
        self.differences = RunDifferences(self._session)
        names = ("learning_rate", "grad_norm", "tokens_per_s", "reward_accuracy")
        small = row(*(self.plots[name] for name in names), spacing=2 * GRID)
        for at in range(len(names)):
            small.setStretch(at, 1)
        self.plots["reward_accuracy"].hide()
        self.differences.hide()
        others = holder(small)
        self.differs.toggled.connect(others.setHidden)
        self.differs.toggled.connect(self.differences.setVisible)
        named = row(self.legend, column(self.differs, None))
        named.setStretch(0, 1)
        self._named = holder(named)
        self._named.hide()
        layout = column(tools, self._named, self.plots["loss"], others, self.differences, spacing=GRID)
        layout.setStretch(2, 3)
        layout.setStretch(3, 2)
        layout.setStretch(4, 2)
        return card(layout)

    def _set_smoothing(self, index: int) -> None:
        for model in filter(None, (self._model, *self.others)):
            curve = model.curves["loss"]
            if curve.smoothing != _SMOOTHINGS[index][1]:
                curve.set_smoothing(_SMOOTHINGS[index][1])
        self.plots["loss"].redraw()

    def _reset_views(self) -> None:
        for plot in self.plots.values():
            plot.reset_view()


def _framed(inner: QWidget) -> QFrame:
    return card(column(inner))
