"""What a run's numbers show: a card for each finding, with what to do about it and a button that does."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLayout, QPushButton, QWidget

from studio.core import explained
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.explained import Finding
from studio.ui import words
from studio.ui.forms import declared_fields, told
from studio.ui.models import RunModel
from studio.ui.parts import breakable, button, card, clear, column, holder, label, pill, row, scrolling, selectable
from studio.ui.theme import GRID

# All of a run's steps are gone through; what they show does not change from one to the next.
_EVERY_MS = 2000


class RunExplained(QWidget):
    """The findings, worked out while they are seen, and every two seconds while the run goes on.

    Attributes:
        findings: what is shown.
        buttons: of the findings that settings would help with, in their order.
    """

    def __init__(self, again: Callable[[Mapping[str, Any]], object], show_step: Callable[[int], object]) -> None:
        """Makes a new run of other settings by `again`; shows the rows of a step by `show_step`."""
        super().__init__()
        self._again, self._show_step = again, show_step
        self._shown: tuple[RunModel, RunConfig] | None = None
        self._specs = {spec.key: spec for spec in declared_fields()}
        self.findings: list[Finding] = []
        self.buttons: list[QPushButton] = []
        self._none = label(self.tr("Nothing stands out so far."), "muted", wrap=True)
        self._cards = column(spacing=GRID)
        area = scrolling(holder(column(GRID, self._none, self._cards, None, spacing=GRID)))
        area.setObjectName("bare")
        self.setLayout(column(area))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._refresh)

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run, or none."""
        try:
            self._shown = (model, model.run.config()) if model is not None else None
        except StudioError:  # its folder says so elsewhere
            self._shown = None
        self._timer.stop()
        self._refresh()

    def advance(self) -> None:
        """Takes over what has come, in a while."""
        if not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Shows what has come while it was out of sight."""
        super().showEvent(event)
        self._refresh()

    def _refresh(self) -> None:
        if self._shown is not None and not self.isVisible():
            return
        found = list[Finding]()
        if self._shown is not None:
            model, config = self._shown
            found = explained.findings(model.progress, config)
        if found != self.findings or not found:
            self._put(found)

    def _put(self, found: list[Finding]) -> None:
        clear(self._cards)
        self.findings, self.buttons = found, []
        for finding in found:
            self._cards.addWidget(self._card(finding))
        self._none.setVisible(not found)

    def _card(self, finding: Finding) -> QWidget:
        tones = {
            "good": (self.tr("Good"), "good"),
            "warn": (self.tr("Note"), "warn"),
            "bad": (self.tr("Problem"), "bad"),
        }
        text = selectable(label(breakable(words.sentence(finding.message)), wrap=True))
        head = row(pill(*tones[finding.tone]), text, spacing=GRID)
        head.setStretch(1, 1)
        parts: list[QWidget | QLayout] = [head]
        if finding.hint:
            parts.append(selectable(label(words.sentence(finding.hint), "muted", wrap=True)))
        if actions := [*self._to_rows(finding), *self._to_settings(finding)]:
            parts.append(row(None, *actions, spacing=GRID))
        return card(column(*parts, spacing=GRID))

    def _to_rows(self, finding: Finding) -> list[QWidget]:
        if not finding.step:
            return []
        text = self.tr("Rows of step {n}").format(n=f"{finding.step:,}")
        return [button(text, partial(self._show_step, finding.step))]

    def _to_settings(self, finding: Finding) -> list[QWidget]:
        if not finding.settings:
            return []
        text = self.tr("New run with {settings}").format(settings=told(finding.settings, self._specs))
        made = button(text, partial(self._again, finding.settings))
        self.buttons.append(made)
        return [made]
