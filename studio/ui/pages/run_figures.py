"""The figures of a run, as many as there is room for: its losses, its speed, what it takes."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from studio.core.events import Prepared
from studio.core.progress import Progress
from studio.core.units import size
from studio.ui.parts import label, selectable
from studio.ui.theme import GRID

# Where there is too little room these are left out, in this order: the steps are told above them.
_GIVE_WAY = ("epoch", "memory", "speed")
_BETWEEN_PX = 3 * GRID


class RunFigures(QWidget):
    """A row of figures with their names above them.

    Attributes:
        values: a label of each figure.
    """

    def __init__(self) -> None:
        """Shows nothing yet."""
        super().__init__()
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(_BETWEEN_PX)
        grid.setVerticalSpacing(0)
        names = {
            "loss": self.tr("Loss"),
            "eval": self.tr("Best eval loss"),
            "speed": self.tr("Tokens / s"),
            "epoch": self.tr("Epoch"),
            "memory": self.tr("Peak memory"),
            "preferred": self.tr("Reward accuracy"),
        }
        self._names = {}
        self.values: dict[str, QLabel] = {}
        for at, (key, name) in enumerate(names.items()):
            self.values[key] = selectable(label("\u2013", "figure"))
            self.values[key].setAccessibleDescription(name)
            self._names[key] = label(name, "caption")
            grid.addWidget(self._names[key], 0, at)
            grid.addWidget(self.values[key], 1, at)
        grid.setColumnStretch(len(names), 1)
        self._prefers = False
        self.setLayout(grid)
        # It is as wide as there is room, and never asks for more.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_progress(self, told: Progress) -> None:
        """Shows where the run is now."""
        last = told.steps[-1] if told.steps else None
        self.values["loss"].setText(f"{last.loss:.4f}" if last else "\u2013")
        self._show_evaluated(told)
        self.values["speed"].setText(f"{last.tokens_per_s:,.0f}" if last else "\u2013")
        self.values["epoch"].setText(f"{last.epoch:.2f}" if last else "\u2013")
        self.values["memory"].setText(size(last.memory_bytes) if last else "\u2013")
        self._show_preferred(told)
        self.values["speed"].setToolTip(self._ways(told.prepared) if told.prepared else "")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shows as many as there is room for now."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leaves out what there is no room for; the tip says it."""
        shown = [key for key in self.values if key != "preferred" or self._prefers]
        left_out = []
        for key in _GIVE_WAY:
            if self._width(shown) <= self.width():
                break
            shown.remove(key)
            left_out.append(key)
        for key, value in self.values.items():
            self._names[key].setVisible(key in shown)
            value.setVisible(key in shown)
        self.setToolTip("\n".join(f"{self._names[key].text()}: {self.values[key].text()}" for key in left_out))

    def _width(self, shown: list[str]) -> int:
        widths = (max(made[key].sizeHint().width() for made in (self._names, self.values)) for key in shown)
        return sum(widths) + _BETWEEN_PX * (len(shown) - 1)

    def _show_evaluated(self, told: Progress) -> None:
        """Says what the best evaluation found, behind what the base's own was."""
        base, best = told.base, told.best
        before, after = f"{base.eval_loss:.2f}" if base else "", f"{best.eval_loss:.4f}" if best else "\u2013"
        self.values["eval"].setText(f"{before} \u2192 {after}" if base else after)
        said = self.tr("Before training it was {loss}.").format(loss=f"{base.eval_loss:.4f}") if base else ""
        self.values["eval"].setToolTip(said)

    def _show_preferred(self, told: Progress) -> None:
        """Says how many rewards are right: of the rows of the best evaluation, else of the last step's."""
        scored = [item for item in told.evaluations if item.step]
        last = told.best or (scored[-1] if scored else told.steps[-1] if told.steps else None)
        share = last.reward_accuracy if last else None
        self._prefers = share is not None
        if last is not None and share is not None:
            self.values["preferred"].setText(f"{share:.0%}")
            margin = told.steps[-1].reward_margin if told.steps else None
            evaluated = self.tr("Of the evaluation rows at step {step}.").format(step=f"{last.step:,}")
            where = evaluated if scored else self.tr("Of the last step's rows.")
            more = self.tr("The last step's reward margin is {margin}.").format(margin=f"{margin or 0:.3g}")
            what = self.tr("The share of better answers preferred, or of labelled ones judged as they are labelled.")
            self.values["preferred"].setToolTip(f"{what}\n{where}\n{more}")

    def _ways(self, planned: Prepared) -> str:
        """Returns how the run is computed, and which fast ways are not taken."""
        lines = [
            self.tr("Processor threads: {threads}. Tokens at once: {tokens}.").format(
                threads=planned.threads or "\u2013", tokens=f"{planned.micro_batch_tokens:,}"
            )
        ]
        if planned.activations != "kept":
            lines.append(self.tr("Activations are computed again in the backward pass."))
        if planned.own_attention:
            lines.append(self.tr("Attention by kernels of its own, which this card computes faster."))
        lines += [self.tr("Not taken: {path} ({reason})").format(path=p, reason=r) for p, r in planned.plain.items()]
        return "\n".join(lines)
