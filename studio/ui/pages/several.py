"""Several values of some settings, tried in runs of their own: a small dialog of the Configure page."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QWidget

from studio.core import sweep
from studio.core.config import RunConfig, to_dict
from studio.core.errors import StudioError
from studio.core.units import counted
from studio.ui import words
from studio.ui.draft import value_at
from studio.ui.forms import FieldSpec, declared_fields, written
from studio.ui.parts import button, column, holder, label, leave_wheel, row
from studio.ui.theme import GRID

_SETTINGS = 3
_SHOWN = 4  # names of runs
_FIRST = "training.learning_rate"
_SINGLE = ("name", "model.path", "data.path", "data.eval_path", "data.mapping", "training.sample_prompts")


class SeveralDialog(QDialog):
    """Asks which values of which settings are to be tried.

    Attributes:
        settings: a box of settings and one of values, for each that may be tried.
        fault: says what is wrong with it.
        names: of the runs that come of it.
        take: the button that queues them.

    Signals:
        chosen: a list of `RunConfig`, one a run.
    """

    chosen = Signal(list)

    def __init__(self, parent: QWidget, config: RunConfig, titles: Mapping[str, str]) -> None:
        """Proposes values of the learning rate.

        Args:
            parent: the window.
            config: what the runs have in common.
            titles: of the config's sections.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Try several values"))
        self._config, self._titles, self._found = config, titles, list[RunConfig]()
        self._specs = {spec.key: spec for spec in declared_fields() if spec.key not in _SINGLE}
        self.settings = [self._setting(at) for at in range(_SETTINGS)]
        self.fault = label("", "fault", wrap=True)
        self.names = label("", "caption", wrap=True)
        self.take = button("", self._take, "primary")
        self.take.setDefault(True)
        hint = self.tr("Values stand between commas. Each combination is a run of its own; they train in turn.")
        rows = [row(*pair) for pair in self.settings]
        for one in rows:
            one.setStretch(1, 1)
        buttons = row(None, button(self.tr("Cancel"), self.reject), self.take)
        told = holder(column(self.fault, self.names, None, spacing=0))
        told.setMinimumHeight(16 * GRID)
        self.setLayout(column(label(hint, "muted", wrap=True), *rows, told, buttons, spacing=GRID, margin=3 * GRID))
        self.setMinimumWidth(76 * GRID)
        self.settings[0][0].setCurrentIndex(self.settings[0][0].findData(_FIRST))

    def _setting(self, at: int) -> tuple[QComboBox, QLineEdit]:
        chosen, values = QComboBox(), QLineEdit()
        chosen.setAccessibleName(self.tr("Setting {n}").format(n=at + 1))
        values.setAccessibleName(self.tr("Values of setting {n}").format(n=at + 1))
        chosen.addItem(self.tr("No setting"), "")
        for key, spec in self._specs.items():
            chosen.addItem(words.titled(self._titles[spec.section], spec.title), key)
        chosen.setFixedWidth(34 * GRID)
        chosen.currentIndexChanged.connect(lambda: self._propose(chosen, values))
        values.textChanged.connect(self._check)
        values.setEnabled(False)
        leave_wheel(chosen)
        return chosen, values

    def _propose(self, chosen: QComboBox, values: QLineEdit) -> None:
        key = chosen.currentData()
        values.setEnabled(bool(key))
        now = value_at(to_dict(self._config), key) if key else None
        values.setText(", ".join(proposed(self._specs[key], now)) if key else "")
        self._check()

    def tries(self) -> list[str]:
        """Returns what is to be tried, as `sweep.combinations` takes it."""
        return [f"{chosen.currentData()}={values.text()}" for chosen, values in self.settings if chosen.currentData()]

    def _check(self) -> None:
        fault = ""
        try:
            self._found = sweep.combinations(self._config, self.tries()) if self.tries() else []
        except StudioError as error:
            self._found, fault = [], words.sentences(error)
        count = len(self._found)
        names = [config.name or "" for config in self._found]
        more = self.tr("and {count} more").format(count=count - _SHOWN) if count > _SHOWN else ""
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self.names.setText("\n".join(filter(None, (*names[:_SHOWN], more))))
        self.take.setText(counted(count, self.tr("Queue {count} run"), self.tr("Queue {count} runs")))
        self.take.setEnabled(count > 0)

    def _take(self) -> None:
        self.chosen.emit(self._found)
        self.accept()


def proposed(spec: FieldSpec, value: Any) -> Sequence[str]:
    """Returns values worth trying of a setting: all there are of a few, or half and twice of a number."""
    if get_origin(spec.kind) is Literal:
        return [str(one) for one in get_args(spec.kind)]
    if spec.kind is bool:
        return ["false", "true"]
    if not isinstance(value, int | float) or not value:
        return [written(value)]
    near = (type(value)(value / 2), value, type(value)(value * 2))
    low, high = spec.low or 0, math.inf if spec.high is None else spec.high
    return list(dict.fromkeys(written(one) for one in near if one and low <= one <= high))
