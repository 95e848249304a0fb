"""Choosing where an adapter goes: a dialog of the Configure page with the model's modules, and what opens it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml
from pydantic import ValidationError
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QButtonGroup, QDialog, QLineEdit, QPushButton, QWidget

from studio.core import modules, picking
from studio.core.branches import Branches, Name
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.modules import Tree
from studio.core.units import percent, short, size
from studio.ui import words
from studio.ui.branch_tree import BranchModel, BranchView, read
from studio.ui.draft import Draft
from studio.ui.elided import Elided
from studio.ui.forms import written
from studio.ui.parts import button, column, label, room_for, row, segment, set_mark
from studio.ui.summary import Summary
from studio.ui.theme import GRID, Theme

# A stranger's expression is matched in the window's own thread.
_MATCHING_S = 0.05
# Of larger models a tick is seen before it is counted.
_AT_ONCE = 1000
_COUNTED_MS = 100
_SIZE = (120 * GRID, 88 * GRID)
_LEAST = (96 * GRID, 60 * GRID)
_NUMBER_PX = 8 * GRID


class ModulePicker(QDialog):
    """Shows what is trained of a model, and lets it be ticked.

    Attributes:
        tree: the modules.
        search: narrows them.
        presets: buttons that tick many, and the names of these.
        bases: the rank and the alpha of what has no other.
        sums: what it amounts to.
        said: the settings it comes to.
        fault: what is wrong with it.
        take: the button that sets them.

    Signals:
        chosen: settings by dotted name.
    """

    chosen = Signal(dict)

    def __init__(self, parent: QWidget, theme: Theme, model: Tree, spec: AdapterSpec) -> None:
        """Shows where `spec` puts an adapter on `model`."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Choose modules"))
        self._model, self._spec = model, spec
        branches = Branches(model, picking.ways(model, spec), spec)
        self.fault = label(self._show_spec(branches), "fault", wrap=True)
        self._before = branches.picks(), dict(branches.base)
        self.rows = BranchModel(branches, theme, self)
        self.tree = BranchView(self.rows)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the modules"))
        self.search.setAccessibleName(self.search.placeholderText())
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(28 * GRID)
        self.search.textChanged.connect(self._arrange)
        group = QButtonGroup(self)
        self.orders = [segment(text, group) for text in (self.tr("By kind"), self.tr("By layer"))]
        self.orders[0].setChecked(True)
        group.buttonClicked.connect(lambda: self._arrange())
        self.presets = [
            self._preset(self.tr("All linear"), picking.preset(model, spec, "linear")),
            self._preset(self.tr("Attention"), picking.preset(model, spec, "attention")),
            self._preset(self.tr("MLP"), picking.preset(model, spec, "mlp")),
            self._preset(self.tr("None"), []),
        ]
        self.presets[-1][0].setEnabled(True)
        self.bases: dict[Name, QLineEdit] = {
            "rank": self._number("rank", self.tr("Rank"), self.tr("Rank of every module that has none of its own")),
            "alpha": self._number("alpha", self.tr("Alpha"), self.tr("Alpha of every module that has none of its own")),
        }
        self.whole = button(self.tr("Train whole"), self.tree.train_whole)
        self.whole.setCheckable(True)
        self.whole.setToolTip(self.tr("Trains the module of the current row itself, saved beside the adapter (W)"))
        self.same = button(self.tr("Same rank for all"), self._reset)
        self.same.setToolTip(self.tr("Takes back the ranks and alphas that branches have of their own"))
        self.sums, self.said = label("", "strong"), Elided("", "caption")
        self.take = button(self.tr("Apply"), self._take, "primary")
        self.take.setDefault(True)
        self._lay_out()
        self._counting = QTimer(self)
        self._counting.setSingleShot(True)
        self._counting.setInterval(_COUNTED_MS)
        self._counting.timeout.connect(self._refresh)
        self.rows.edited.connect(self._count)
        self.rows.refused.connect(self._refuse)
        self.tree.selectionModel().currentChanged.connect(self._offer_whole)
        self.rows.modelReset.connect(self._offer_whole)
        unshown = self.fault.text()
        self._refresh()
        self._say(unshown or self.fault.text())
        self.tree.setFocus()

    def settings(self) -> dict[str, Any]:
        """Returns the settings that train exactly what is ticked.

        Raises:
            StudioError: (adapter) nothing is ticked, or what cannot be.
        """
        branches = self.rows.branches
        base = AdapterSpec(r=int(branches.base["rank"]), lora_alpha=branches.base["alpha"])
        changed = {"r": base.r, "lora_alpha": base.lora_alpha}
        return picking.settings(self._model, branches.picks(), _replaced(self._spec, changed))

    def _show_spec(self, branches: Branches) -> str:
        """Ticks what the settings mean; returns why they cannot be shown."""
        try:
            branches.show(picking.picks(self._model, self._spec, _MATCHING_S))
        except StudioError as error:
            what = self.tr("What is set now cannot be shown; what is ticked here takes its place.")
            return words.joined(what, words.sentences(error))
        branches.arrange("kind")
        return ""

    def _number(self, kind: Name, name: str, tip: str) -> QLineEdit:
        made = QLineEdit(written(self.rows.branches.base[kind]))
        made.setAccessibleName(name)
        made.setToolTip(tip)
        made.setFixedWidth(_NUMBER_PX)
        made.setAlignment(Qt.AlignmentFlag.AlignRight)
        made.textEdited.connect(lambda text: self._put_base(kind, text))
        return made

    def _put_base(self, kind: Name, text: str) -> None:
        number = read(text, kind)
        set_mark(self.bases[kind], "wrong", number is None)
        if number is not None:
            self.rows.branches.put_base(kind, number)
            self.rows.tell()
        else:
            self._refuse(kind)
            self.take.setEnabled(False)

    def _lay_out(self) -> None:
        names = [label(box.accessibleName(), "caption") for box in self.bases.values()]
        for name, box in zip(names, self.bases.values(), strict=True):
            name.setBuddy(box)
        base = [part for pair in zip(names, self.bases.values(), strict=True) for part in pair]
        hint = self.tr(
            "Space ticks a row, Enter or a number gives it a rank of its own, A an alpha, W trains it whole."
        )
        if not self.rows.branches.ranked:
            hint = self.tr("Space ticks a row, W trains it whole.")
            for part in (*base, self.same):
                part.hide()
        layout = column(
            row(*self.orders, None, self.search, spacing=GRID // 2),
            row(*(made for made, _ in self.presets), None, *base),
            self.tree,
            row(self.whole, self.same, None, self.sums),
            label(hint, "caption", wrap=True),
            self.said,
            self.fault,
            row(None, button(self.tr("Cancel"), self.reject), self.take),
            spacing=GRID,
            margin=3 * GRID,
        )
        layout.setStretch(2, 1)
        self.setLayout(layout)
        room = room_for(self)
        self.setMinimumSize(min(_LEAST[0], room.width()), min(_LEAST[1], room.height()))
        self.resize(min(_SIZE[0], room.width()), min(_SIZE[1], room.height()))

    def _arrange(self) -> None:
        self.rows.arrange("layer" if self.orders[1].isChecked() else "kind", self.search.text())

    def _preset(self, title: str, names: list[str]) -> tuple[QPushButton, set[str]]:
        made = button(title, lambda: self._tick(names))
        made.setEnabled(bool(names))
        return made, set(names)

    def _tick(self, names: list[str]) -> None:
        """Has adapters on just these modules; on none has nothing trained whole either."""
        if names:
            self.rows.branches.take(names)
        else:
            self.rows.branches.clear()
        self.rows.tell()

    def _reset(self) -> None:
        self.rows.branches.reset()
        self.rows.tell()

    def _refuse(self, kind: str) -> None:
        said = {
            "rank": self.tr("A rank is a whole number from 1 to 1,024."),
            "alpha": self.tr("An alpha is a number above 0 and at most 65,536."),
        }
        self._say(said[kind])

    def _count(self) -> None:
        if len(self._model.modules) > _AT_ONCE:
            self._counting.start()
        else:
            self._refresh()

    def _refresh(self) -> None:
        """Counts what is ticked, and says what it comes to."""
        fault = ""
        try:
            found = self.settings()
            counted = modules.count(self._model, _replaced(self._spec, found))
        except StudioError as error:
            found, fault = {}, words.sentences(error)
            self.sums.setText(self.tr("Nothing is adapted"))
        else:
            text = self.tr("{count} trained, {share} of {total}; the adapter is {size}")
            share, total = percent(counted.trainable / counted.total), short(counted.total)
            count, bytes_ = short(counted.trainable), size(counted.adapter_bytes)
            self.sums.setText(text.format(count=count, share=share, total=total, size=bytes_))
        self.said.setText(_told(found))
        self.said.setVisible(bool(found))
        self._say(fault)
        self.take.setEnabled(bool(found))
        self.same.setEnabled(self.rows.branches.differs())
        ticked = {name for name, how in self.rows.branches.how.items() if how == "lora"}
        for made, names in self.presets:
            set_mark(made, "chosen", bool(names) and names == ticked)
        self._offer_whole()

    def _say(self, fault: str) -> None:
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))

    def _offer_whole(self) -> None:
        self.whole.setEnabled(self.tree.can_be_whole())
        self.whole.setChecked(self.rows.branch(self.tree.currentIndex()).how == "whole")

    def _take(self) -> None:
        self._counting.stop()
        self._refresh()
        if (self.rows.branches.picks(), self.rows.branches.base) == self._before and self.take.isEnabled():
            self.accept()  # however it was written, it means this already
        elif self.take.isEnabled():
            self.chosen.emit({f"adapter.{name}": value for name, value in self.settings().items()})
            self.accept()


class PickerButton(QPushButton):
    """Opens the picker for the present draft, or says why there is none."""

    def __init__(self, draft: Draft, summary: Summary, theme: Theme) -> None:
        """Stands beside the target modules."""
        super().__init__()
        self._draft, self._summary, self._theme = draft, summary, theme
        self.setText(self.tr("Choose..."))
        self.setAccessibleName(self.tr("Choose modules of the model"))
        self.setFixedHeight(4 * GRID - 2)  # as what stands before it
        self.clicked.connect(lambda: self.open())
        draft.changed.connect(self._offer)
        summary.read.connect(self._offer)
        self._offer()

    def open(self) -> ModulePicker | None:
        """Opens it; None: there is nothing to choose, which `reason` says."""
        spec, model = self._spec(), self._summary.tree()
        if self.reason() or spec is None or model is None:
            return None
        made = ModulePicker(self.window(), self._theme, model, spec)
        made.chosen.connect(lambda settings: self._draft.apply(self._written(settings), self.tr("chosen modules")))
        made.open()
        return made

    def reason(self) -> str:
        """Returns why there is nothing to choose; empty: there is."""
        if self._draft.value("adapter.method") == "full":
            return self.tr("Every weight is trained, so there are no modules to choose.")
        if self._draft.value("adapter.path"):
            return self.tr("An adapter that is trained further keeps its modules.")
        if self._spec() is None:
            return self.tr("A setting of the adapter is wrong; put it right first.")
        if self._summary.tree() is None:
            return self.tr("The model's structure is not known yet.")
        return ""

    def _spec(self) -> AdapterSpec | None:
        try:
            return AdapterSpec(**self._draft.values()["adapter"])
        except (ValidationError, TypeError):
            return None

    def _written(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Returns settings as people write them; those that say the same stay."""
        found = {key: _plain(value) for key, value in settings.items()}
        return {key: value for key, value in found.items() if (value or None) != (self._draft.value(key) or None)}

    def _offer(self) -> None:
        reason = self.reason()
        self.setEnabled(not reason)
        self.setToolTip(reason or self.tr("Tick modules of the model, and give branches of it their own ranks"))


def _replaced(spec: AdapterSpec, fields: Mapping[str, Any]) -> AdapterSpec:
    return replace(spec, **fields)


def _plain(value: Any) -> Any:
    """Writes numbers that are whole as such."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return int(value) if isinstance(value, float) and value == int(value) else value


def _told(settings: Mapping[str, Any]) -> str:
    """Returns settings as they stand in a file, those that say nothing left out."""
    shown = {key: _plain(value) for key, value in settings.items() if value not in (None, [], {})}
    order = ("target_modules", "target_parameters", "exclude_modules", "layers_to_transform", "r", "lora_alpha")
    names = [*order, *(key for key in shown if key not in order)]
    return "   ".join(
        f"{name}: {yaml.safe_dump(shown[name], default_flow_style=True, width=10_000).splitlines()[0]}"
        for name in names
        if name in shown
    )
