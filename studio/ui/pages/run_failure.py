"""The card of a run that failed: what happened, what to do, and a button that does it."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtWidgets import QFrame, QPlainTextEdit

from studio.core import events, recovery
from studio.core.errors import StudioError
from studio.core.recovery import Recovery
from studio.ui import words
from studio.ui.models import RunModel
from studio.ui.parts import button, card, column, label, row, selectable
from studio.ui.theme import GRID

_PLAIN = Recovery(resumes=True)


class RunFailure(QFrame):
    """Shows an `events.Failed` and what helps.

    Attributes:
        what, hint: labels with its two sentences.
        remedy: the button that does what the hint says.
        rows: the button that shows the rows of the step that diverged.
        less: the button that goes on with less memory, where a run was killed as the system does that runs out of it.
        settings: the button that takes the settings into a new run, where memory ran out and the remedy is another.
    """

    def __init__(
        self,
        resume: Callable[[events.Command | None], object],
        again: Callable[[Mapping[str, Any] | None], object],
        show_step: Callable[[int], object],
    ) -> None:
        """Is hidden.

        Args:
            resume: goes on with the run, which is asked for something before.
            again: takes its settings into the draft for a new one, some of them changed.
            show_step: shows the rows of a step.
        """
        super().__init__()
        self._resume, self._again, self._show_step = resume, again, show_step
        self._failed: events.Failed | None = None
        self._recovery, self._step = _PLAIN, 0
        self._less: events.SaveMemory | None = None
        self.what, self.hint = selectable(label("", "heading", wrap=True)), selectable(label("", wrap=True))
        self._detail = QPlainTextEdit()
        self._detail.setObjectName("mono")
        self._detail.setReadOnly(True)
        self._detail.setMaximumHeight(14 * GRID)
        self._detail.setAccessibleName(self.tr("Details"))
        self.remedy = button(self.tr("Resume the run"), self._mend, "primary")
        self.rows = button(self.tr("Show its rows"), lambda: self._show_step(self._step))
        self.less = button(self.tr("Resume with smaller passes"), lambda: self._resume(self._less))
        self.less.setToolTip(
            self.tr(
                "Rows and batches stay; from there on numbers may differ in their last bits, and dropout draws others."
            )
        )
        self.settings = button(self.tr("Change the settings"), lambda: self._again(None))
        self._more = button(self.tr("Details"), lambda: self._detail.setVisible(self._detail.isHidden()))
        buttons = row(None, self._more, self.rows, self.settings, self.less, self.remedy)
        inner = card(column(self.what, self.hint, buttons, self._detail), "failure")
        self.setLayout(column(inner))
        self.hide()

    def show_run(self, model: RunModel | None) -> None:
        """Shows how a run failed that no process works on, or that it did not."""
        failed = model.progress.failed if model is not None else None
        self.setVisible(failed is not None)
        if model is None or failed is None or failed == self._failed:
            self._failed = failed
            return
        self._failed = failed
        self._recovery, self._less = _helps(model, failed)
        # What diverges is the step behind the last that was told of.
        self._step = model.progress.step + 1
        self.what.setText(words.sentence(failed.message))
        self.hint.setText(words.sentence(failed.hint))
        self._detail.setPlainText(failed.detail)
        self._detail.hide()
        self._more.setVisible(bool(failed.detail))
        self.rows.setVisible(failed.reason == "diverged")
        self.settings.setVisible(isinstance(self._recovery.command, events.SaveMemory))
        self.less.setVisible(self._less is not None)
        for made, command in ((self.remedy, self._recovery.command), (self.less, self._less)):
            made.setText(self._way(command))
            made.setAccessibleName(made.text())

    def _way(self, command: events.Command | None) -> str:
        match command:
            case events.SetLearningRate():
                return self.tr("Resume at a rate of {rate}").format(rate=f"{command.learning_rate:g}")
            case events.SaveMemory(activation_checkpointing=True):
                return self.tr("Resume in less memory")
            case events.SaveMemory():
                return self.tr("Resume with smaller passes")
        if self._recovery.resumes:
            return self.tr("Resume the run")
        return self.tr("Use nf4 in a new run") if self._recovery.settings else self.tr("Change the settings")

    def _mend(self) -> None:
        if self._recovery.resumes:
            self._resume(self._recovery.command)
        else:
            self._again(self._recovery.settings)


def _helps(model: RunModel, failed: events.Failed) -> tuple[Recovery, events.SaveMemory | None]:
    """Returns what helps, and what else may."""
    try:
        known = failed, model.progress, model.run.config()
    except StudioError:
        return _PLAIN, None
    return recovery.of(*known), recovery.spares(*known)
