"""In what runs differ and how each came out, as a table below their curves."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShowEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from studio.core import differences
from studio.core.errors import StudioError
from studio.ui import words
from studio.ui.difference_table import DifferenceTable
from studio.ui.elided import Elided
from studio.ui.models import RunModel
from studio.ui.parts import add_action, button, column, row
from studio.ui.plots import LETTERS
from studio.ui.session import Session
from studio.ui.table_view import TableView, dress
from studio.ui.theme import GRID

_COLUMN_PX, _ROW_PX = 15 * GRID, 3 * GRID
_LEAST_PX = 24 * GRID  # the figures and some settings


class RunDifferences(QWidget):
    """Shows runs side by side, those that go on as they stand.

    Attributes:
        model: what the table shows.
    """

    def __init__(self, session: Session) -> None:
        """Shows no runs yet."""
        super().__init__()
        self._session = session
        self._models: list[RunModel] = []
        self._told: list[Any] = []
        self.model = DifferenceTable(self)
        self.table = TableView()
        dress(self.table, self.model, self.tr("What differs between the runs"))
        self.table.horizontalHeader().setDefaultSectionSize(_COLUMN_PX)
        self.table.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.table.setMinimumHeight(_LEAST_PX)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.said = Elided("", "caption")
        self._copy = button(self.tr("Copy"), self.copy, "flat")
        session.theme.dress(self._copy, "copy")
        keys = add_action(self.table, "", self.copy)
        keys.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        self.setLayout(column(row(self.said, None, self._copy), self.table, spacing=GRID // 2))

    def show_runs(self, models: Sequence[RunModel]) -> None:
        """Shows other runs, or none."""
        if list(models) == self._models:
            return
        self._models = list(models)
        self._compare()
        self.refresh()

    def refresh(self) -> None:
        """Shows how they stand now, where that is seen."""
        if self._models and self.isVisible():
            if self._told != self._tells():
                self._compare()
            self.model.show_outcomes([differences.outcome(model.progress) for model in self._models])

    def _tells(self) -> list[Any]:
        """Returns what decides on the settings that differ and may still change."""
        told = [model.progress for model in self._models]
        return [(progress.prepared and progress.prepared.data, progress.learning_rates) for progress in told]

    def _compare(self) -> None:
        models, settings, fault = self._models, dict[str, list[Any]](), ""
        self._told = self._tells()
        try:
            configs = [model.run.config() for model in models]
            settings = differences.differing(configs, [model.progress for model in models])
        except StudioError as error:
            fault = words.sentences(error)
        names = [f"{letter}  {model.title}" for letter, model in zip(LETTERS, models, strict=False)]
        self.model.show_runs(names, settings)
        same = "" if settings or not models else self.tr("Their settings are the same.")
        self.said.setText(fault or same)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)

    def showEvent(self, event: QShowEvent) -> None:
        """Shows what has come while it was out of sight."""
        super().showEvent(event)
        self.refresh()

    def copy(self) -> None:
        """Puts the table on the clipboard."""
        QGuiApplication.clipboard().setText(self.model.text())
        self._session.tell(self.tr("The comparison is on the clipboard."))
