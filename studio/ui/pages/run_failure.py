"""The card of a run that failed: what happened, what to do, and a button that does it."""

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QPlainTextEdit

from studio.core import events
from studio.ui import words
from studio.ui.draft import Draft
from studio.ui.parts import button, card, column, label, row, selectable
from studio.ui.theme import GRID

_TOKENS = "training.micro_batch_tokens"
_OF_SETTINGS = ("usage", "config", "data", "model", "adapter", "diverged")


class RunFailure(QFrame):
    """Shows an `events.Failed`.

    Attributes:
        what, hint: labels with its two sentences.
        remedy: the button that does what the hint says.
    """

    def __init__(self, draft: Draft, resume: Callable[[], object], again: Callable[[], object]) -> None:
        """Is hidden; `resume` goes on with the run, `again` takes its settings into the draft for a new one."""
        super().__init__()
        self._draft, self._resume, self._again = draft, resume, again
        self._failed: events.Failed | None = None
        self.what, self.hint = selectable(label("", "heading", wrap=True)), selectable(label("", wrap=True))
        self._detail = QPlainTextEdit()
        self._detail.setObjectName("mono")
        self._detail.setReadOnly(True)
        self._detail.setMaximumHeight(14 * GRID)
        self._detail.setAccessibleName(self.tr("Details"))
        self.remedy = button(self.tr("Resume the run"), self._mend, "primary")
        self._more = button(self.tr("Details"), lambda: self._detail.setVisible(self._detail.isHidden()))
        inner = card(column(self.what, self.hint, row(None, self._more, self.remedy), self._detail), "failure")
        self.setLayout(column(inner))
        self.hide()

    def show_failure(self, failed: events.Failed | None) -> None:
        """Shows a failure, or that there is none."""
        self.setVisible(failed is not None)
        if failed is None or failed == self._failed:
            self._failed = failed
            return
        self._failed = failed
        self.what.setText(words.sentence(failed.message))
        self.hint.setText(words.sentence(failed.hint))
        self._detail.setPlainText(failed.detail)
        self._detail.hide()
        self._more.setVisible(bool(failed.detail))
        if failed.reason == "memory":
            fewer = _TOKENS in failed.hint
            self.remedy.setText(
                self.tr("Fewer tokens at once in a new run") if fewer else self.tr("Halve the batch in a new run")
            )
        elif failed.reason in _OF_SETTINGS:
            self.remedy.setText(self.tr("Change the settings"))
        else:
            self.remedy.setText(self.tr("Resume the run"))
        self.remedy.setAccessibleName(self.remedy.text())

    def _mend(self) -> None:
        reason = self._failed.reason if self._failed is not None else ""
        if reason not in (*_OF_SETTINGS, "memory"):
            self._resume()
            return
        self._again()
        if reason == "memory":
            self._save_memory()

    def _save_memory(self) -> None:
        batch, accumulated = "training.per_device_train_batch_size", "training.gradient_accumulation_steps"
        rows = self._draft.value(batch)
        if self._failed is not None and _TOKENS in self._failed.hint:
            tokens = (self._draft.value(_TOKENS) or 512) // 2
            self._draft.apply({_TOKENS: max(64, tokens)}, self.tr("fewer tokens at once"))
        elif rows > 1:
            halved = {batch: rows // 2, accumulated: 2 * self._draft.value(accumulated)}
            self._draft.apply(halved, self.tr("half the batch"))
        else:
            self._draft.apply({"training.activation_checkpointing": True}, self.tr("activation checkpointing"))
