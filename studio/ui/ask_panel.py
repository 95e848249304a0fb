"""Who is asked and how: the base model, adapters of the library, and the choice of the next token."""

import os
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QSlider,
    QSpinBox,
    QWidget,
)

from studio.core import library, strengths
from studio.core.desk import Sampling
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.ui import words
from studio.ui.elided import Elided, PathLine
from studio.ui.parts import align_number, as_tip, button, column, holder, icon_button, label, row
from studio.ui.theme import GRID, Theme

DEMO = "demo"
_ENTRY = Qt.ItemDataRole.UserRole
_LARGEST = 2**31 - 1
_FULL = 100  # the slider's steps up to the strength of the training
# Numbers are typed here. `NoButtons` would do, but styled boxes without buttons leave their text no room.
_PLAIN = (
    "QAbstractSpinBox { padding-right: 8px; }"
    "QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }"
    "QDoubleSpinBox::up-arrow, QDoubleSpinBox::down-arrow, QSpinBox::up-arrow, QSpinBox::down-arrow "
    "{ image: none; width: 0; }"
    "QAbstractSpinBox QLineEdit { border: none; padding: 0; min-height: 0; background: transparent; }"
)
_Number = QSpinBox | QDoubleSpinBox


class AskPanel(QScrollArea):
    """The left side of the Compare page.

    Signals:
        changed: something else is chosen.
    """

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        """Chooses the built-in model and no adapter."""
        super().__init__()
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(36 * GRID)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.base = self._base_box()
        folder = icon_button(theme, "folder", self.tr("Choose a model folder"), self._pick_folder)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Adapters to ask"))
        self.list.setMinimumHeight(12 * GRID)
        self.list.setUniformItemSizes(True)
        self._listed: list[Entry] | None = None
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(self.changed)
        self.list.currentItemChanged.connect(self._show_strength)
        self._strengths: dict[str, float] = {}
        self._weighs = True
        self.strength = QSlider(Qt.Orientation.Horizontal)
        self.strength.setRange(0, 2 * _FULL)
        self.strength.setPageStep(_FULL // 4)
        self.strength.setAccessibleName(self.tr("Strength of the adapter"))
        self._strength_tip = self.tr("0: the base itself; 1: as it was trained; a double click sets it to that")
        self.strength.valueChanged.connect(self._set_strength)
        self.strength.installEventFilter(self)
        self._strong = Elided("", "caption")
        self._strong_row = holder(column(self._strong, self.strength, spacing=0))
        self._adapters = self.tr("Adapters")
        self._heading = label(self._adapters, "heading")
        self.changed.connect(self._count)
        self.none = label("", "muted", wrap=True)
        self.system = QLineEdit()
        self.system.setAccessibleName(self.tr("System instruction"))
        self._none = self.tr("None")
        self.system.setPlaceholderText(self._none)
        self._tip = self.tr("Empty: each adapter is asked with the one that it learned with, the base with none")
        self.system.setToolTip(self._tip)
        self.numbers: dict[str, _Number] = {}
        box = row(self.base, folder)
        box.setStretch(0, 1)
        body = column(
            *(label(self.tr("Base model"), "heading"), box, GRID),
            *(self._heading, self.list, self._strong_row, self.none, GRID),
            *(label(self.tr("System instruction"), "heading"), self.system, GRID),
            *(label(self.tr("Sampling"), "heading"), self._sampling_form()),
            button(self.tr("Reset sampling"), lambda: self.choose_sampling(Sampling()), "flat"),
            None,
        )
        body.setContentsMargins(0, 0, GRID, 0)
        self.setWidget(holder(body, "body"))
        self.refresh()

    def refresh(self) -> None:
        """Reads the library again; what is chosen stays chosen."""
        chosen = {entry.name for entry in self.entries()}
        none = self.tr("No adapters yet. Train one, or add one in the Library; the base can answer alone.")
        try:
            entries = library.entries()
        except StudioError as error:
            entries, none = [], words.sentences(error)
        self.none.setText(none)
        if entries == self._listed:
            return
        self._listed = entries
        self.list.blockSignals(True)
        self.list.clear()
        for entry in entries:
            self.list.addItem(self._item(entry, entry.name in chosen))
        self._name_items()
        self.list.blockSignals(False)
        self.list.setVisible(bool(entries))
        self.none.setVisible(not entries)
        known = dict.fromkeys(entry.base.path for entry in entries if entry.base.path not in ("", DEMO))
        for path in known:
            if self.base.findData(path) < 0:
                self.base.addItem(os.path.basename(path) if os.path.isabs(path) else path, path)
        self.changed.emit()

    def model(self) -> str:
        """The base asked for: `demo`, a folder or a hub id; empty: none."""
        text = self.base.currentText().strip()
        at = self.base.findText(text, Qt.MatchFlag.MatchExactly)
        return str(self.base.itemData(at)) if at >= 0 else text

    def entries(self) -> list[Entry]:
        """The adapters chosen, in the order shown."""
        return [item.data(_ENTRY) for item in self._ticked()]

    def strengths(self) -> list[float]:
        """How strongly each of the adapters chosen acts: 1 as it was trained."""
        return [self._strengths.get(entry.name, 1.0) for entry in self.entries()]

    def titles(self) -> list[str]:
        """What each of the adapters chosen is called, with its strength where that is another than it was trained."""
        return [item.text() for item in self._ticked()]

    def set_strengths(self, strengths: Mapping[str, float]) -> None:
        """Sets how strongly adapters act, by their names; all others as they were trained."""
        self._strengths = {name: strength for name, strength in strengths.items() if strength != 1}
        self._name_items()
        self.changed.emit()

    def weigh(self, on: bool) -> None:
        """Lets strengths be chosen, or has all adapters act as they were trained."""
        if on != self._weighs:
            self._weighs = on
            self._name_items()
            self._show_strength()

    def choose(self, *entries: Entry, base: str = "") -> None:
        """Chooses exactly these adapters, and a base, or else that of the first."""
        self.refresh()
        names = {entry.name for entry in entries}
        for at in range(self.list.count()):
            item = self.list.item(at)
            item.setCheckState(Qt.CheckState.Checked if item.data(_ENTRY).name in names else Qt.CheckState.Unchecked)
        if ticked := self._ticked():
            self.list.scrollToItem(ticked[0], QListWidget.ScrollHint.PositionAtTop)
        if path := base or next((entry.base.path for entry in entries), ""):
            at = self.base.findData(path)
            self.base.setCurrentIndex(at) if at >= 0 else self.base.setCurrentText(path)

    def sampling(self) -> Sampling:
        """How the next token is chosen."""
        chosen: dict[str, Any] = {name: number.value() for name, number in self.numbers.items()}
        return Sampling(**chosen)

    def choose_sampling(self, chosen: Sampling) -> None:
        """Sets how the next token is chosen."""
        for name, number in self.numbers.items():
            number.setValue(getattr(chosen, name))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Lets the wheel scroll instead of changing a number nobody has chosen to edit; resets a strength."""
        if event.type() == QEvent.Type.MouseButtonDblClick and watched is self.strength:
            self.strength.setValue(_FULL)
            return True
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _ticked(self) -> list[QListWidgetItem]:
        items = (self.list.item(at) for at in range(self.list.count()))
        return [item for item in items if item.checkState() == Qt.CheckState.Checked]

    def _weighed(self) -> Entry | None:
        """Returns whose strength is shown: the one chosen alone, or else the one that the list stands at."""
        entries, item = self.entries(), self.list.currentItem()
        if len(entries) == 1:
            return entries[0]
        at: Entry | None = item.data(_ENTRY) if item is not None else None
        return at if at in entries else entries[0] if entries else None

    def _show_strength(self) -> None:
        entry = self._weighed()
        self._strong_row.setVisible(self._weighs and entry is not None)
        if entry is None:
            return
        fault = strengths.fault(entry)
        strength = 1.0 if fault else self._strengths.get(entry.name, 1.0)
        said = self.tr("Strength of {name}: {strength}")
        told = said.format(name=entry.title or entry.name, strength=f"{strength:.2f}")
        self._strong.setText(words.sentence(fault) or told)
        self.strength.setEnabled(not fault)
        self.strength.setToolTip(words.sentence(fault) or self._strength_tip)
        self.strength.blockSignals(True)
        self.strength.setValue(round(strength * _FULL))
        self.strength.blockSignals(False)

    def _set_strength(self, value: int) -> None:
        if (entry := self._weighed()) is not None:
            self.set_strengths(self._strengths | {entry.name: value / _FULL})

    def _name_items(self) -> None:
        with QSignalBlocker(self.list):
            for item in (self.list.item(at) for at in range(self.list.count())):
                entry: Entry = item.data(_ENTRY)
                strength = self._strengths.get(entry.name, 1.0) if self._weighs else 1.0
                title = entry.title or entry.name
                item.setText(title if strength == 1 else f"{title} \u00d7 {strength:.2f}")

    def _count(self) -> None:
        """Says how many are chosen, of a long list a part is in sight, and with what they are asked."""
        self._show_strength()
        chosen = len(self._ticked())
        self._heading.setText(self.tr("Adapters ({count} chosen)").format(count=chosen) if chosen else self._adapters)
        learned = dict.fromkeys(entry.system for entry in self.entries() if entry.system)
        said = self.tr("As learned: {text}").format(text=" / ".join(" ".join(text.split()) for text in learned))
        self.system.setPlaceholderText(said if learned else self._none)
        self.system.setToolTip(as_tip(f"{said}\n{self._tip}") if learned else self._tip)

    def _base_box(self) -> QComboBox:
        made = QComboBox()
        made.setLineEdit(PathLine())
        made.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.setMinimumContentsLength(10)
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        made.setAccessibleName(self.tr("Base model"))
        made.setToolTip(self.tr("The built-in model, a folder, or a Hugging Face id such as owner/model"))
        made.addItem(self.tr("Built-in model"), DEMO)
        made.installEventFilter(self)
        made.currentTextChanged.connect(lambda _: self.changed.emit())
        return made

    def _item(self, entry: Entry, chosen: bool) -> QListWidgetItem:
        item = QListWidgetItem()
        item.setData(_ENTRY, entry)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
        item.setCheckState(Qt.CheckState.Checked if chosen and not entry.fault else Qt.CheckState.Unchecked)
        base = self.tr("Base: {path}").format(path=entry.base.path or self.tr("unknown"))
        whole = self.tr("A whole model, which answers by its own weights") if entry.is_model else ""
        told = filter(None, (entry.name, base, whole, words.sentence(entry.fault)))
        item.setToolTip(as_tip("\n".join(told)))
        if entry.fault:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        return item

    def _sampling_form(self) -> QWidget:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        for at, (key, hint) in enumerate(get_type_hints(Sampling, include_extras=True).items()):
            kind, info = get_args(hint)
            number = self.numbers[key] = _number(kind, info, getattr(Sampling(), key))
            title, help_ = words.told(info.title), words.told(info.description)
            number.setAccessibleName(title)
            number.setAccessibleDescription(help_)
            number.setToolTip(help_)
            number.installEventFilter(self)
            name = label(title)
            name.setToolTip(help_)
            name.setBuddy(number)
            grid.addWidget(name, at, 0)
            grid.addWidget(number, at, 1)
        return holder(grid)

    def _pick_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Choose a model folder"))
        if chosen:
            self.base.setCurrentText(chosen)


def _number(kind: type, info: Any, value: float) -> _Number:
    bounds = {sign: getattr(item, sign) for item in info.metadata for sign in ("ge", "gt", "le") if hasattr(item, sign)}
    number: _Number
    if kind is int:
        number = QSpinBox()
        number.setRange(int(bounds["ge"]), int(min(bounds.get("le", _LARGEST), _LARGEST)))
        number.setValue(int(value))
    else:
        number = QDoubleSpinBox()
        number.setDecimals(2)
        number.setSingleStep(0.05)
        number.setRange(bounds.get("ge", 0.01), bounds["le"])
        number.setValue(value)
    number.setStyleSheet(_PLAIN)
    align_number(number)
    return number
