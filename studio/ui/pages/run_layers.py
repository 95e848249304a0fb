"""The layers of a run: what it did to each module so far, by its checkpoints."""

from typing import Any

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QWidget

from studio.ui.layers_view import LayersView
from studio.ui.models import RunModel
from studio.ui.parts import column, leave_wheel
from studio.ui.session import Session

_NEWEST = 0


class RunLayers(QWidget):
    """Shows the newest checkpoint's layers while the run goes on, or those of one that is chosen."""

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._model: RunModel | None = None
        self._asked_for: tuple[object, ...] | None = None
        self.step = QComboBox()
        self.step.setAccessibleName(self.tr("Checkpoint"))
        self.step.currentIndexChanged.connect(self._look)
        self.step.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        leave_wheel(self.step)
        self.view = LayersView(session, self.step)
        self.view.measured.connect(self._offer)
        self.view.failed.connect(self._give_up_step)
        self.setLayout(column(self.view))

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run's layers, or none."""
        self._model, self._asked_for = model, None
        self.view.show_nothing()
        self._fill([])
        self._look()

    def advance(self) -> None:
        """Measures anew where a checkpoint was saved since."""
        self._look()

    def leave(self) -> None:
        """Has nothing measured any more; shown again it measures anew."""
        self.view.leave()

    def showEvent(self, event: QShowEvent) -> None:
        """Measures anew: what nobody looked at was not measured."""
        super().showEvent(event)
        self._asked_for = None
        self._look()

    def _look(self) -> None:
        """Has the layers measured, unless nobody sees them or nothing is new."""
        model = self._model
        if model is None or not self.isVisible():
            return
        saved = model.progress.saved
        if not saved:
            if self._asked_for == ():
                return
            self._asked_for = ()
            self.view.show_nothing(self.tr("The run has saved no checkpoint yet; the layers are read from them."))
            return
        step = self.step.currentData() or _NEWEST
        # Of one that was chosen nothing changes; but others come and go.
        wanted = (model.run.path, step, len(saved), saved[-1].step)
        same = self._asked_for is not None and self._asked_for[:2] == wanted[:2]
        # Checkpoints may come faster than one is measured.
        if wanted != self._asked_for and not (same and self.view.measures):
            self._asked_for = wanted
            if not same:
                self.view.show_nothing()
            self.view.look(["runs", "layers", str(model.run.path), *(["--step", str(step)] if step else [])])

    def _offer(self, about: dict[str, Any]) -> None:
        """Offers the checkpoints there are now, and looks whether there is a newer one by now."""
        self._fill(about["steps"])
        self._look()

    def _give_up_step(self) -> None:
        """Goes back to the newest checkpoint where the one that was chosen is gone."""
        if self.step.currentData():
            self.step.setCurrentIndex(0)

    def _fill(self, steps: list[int]) -> None:
        chosen = self.step.currentData() or _NEWEST
        self.step.blockSignals(True)
        self.step.clear()
        newest = self.tr("Newest")
        if steps:
            newest = self.tr("Newest (step {step})").format(step=f"{steps[-1]:,}")
        self.step.addItem(newest, _NEWEST)
        for step in steps[:-1]:
            self.step.addItem(self.tr("Step {step}").format(step=f"{step:,}"), step)
        self.step.setCurrentIndex(max(0, self.step.findData(chosen)))
        self.step.blockSignals(False)
