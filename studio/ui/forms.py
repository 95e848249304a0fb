"""Forms made of the config's dataclasses: one declaration gives label, unit, bounds, help, default and widget."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QPlainTextEdit, QSizePolicy, QWidget

from studio.core.config import RunConfig
from studio.ui import words
from studio.ui.draft import Draft, defaults, value_at
from studio.ui.elided import PathLine
from studio.ui.model_picker import ModelPicker
from studio.ui.parts import column, holder, icon_button, label, row, set_mark
from studio.ui.theme import GRID, Theme
from studio.ui.whole import LARGEST, Whole
from studio.ui.yaml_view import leave_undo

_NARROW = 18 * GRID
_WIDTH = 30 * GRID
_WIDE = 50 * GRID
_LINES_PX = 9 * GRID
# What a box of lines takes for a line's end or for a space, or loses; and how it is written in one.
_KEPT = re.compile("[\\\\\n\r\0\u00a0\u2028\u2029\ufdd0\ufdd1]")
_SIGNS = {"\\": "\\\\", "\n": "\\n"}
_ESCAPED = re.compile(r"\\(n|\\|u[0-9a-f]{4})")
_NAMES = re.compile(r"\s*[\w.]+\s*(,\s*[\w.]+\s*)*,?\s*")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A setting as the config declares it."""

    key: str
    title: str
    help: str
    unit: str
    basic: bool
    lines: bool
    kind: Any
    low: float | None
    high: float | None
    bounds: str

    @property
    def section(self) -> str:
        """The part of the config it belongs to; empty: the run itself."""
        return self.key.rpartition(".")[0]


def declared_fields() -> list[FieldSpec]:
    """Returns all settings in the order of the config."""
    found: list[FieldSpec] = []
    for name, hint in get_type_hints(RunConfig, include_extras=True).items():
        if is_dataclass(hint):
            inner = get_type_hints(hint, include_extras=True)
            found += [_field(f"{name}.{leaf}", annotated) for leaf, annotated in inner.items()]
        elif get_origin(hint) is Annotated:
            found.append(_field(name, hint))
    return found


def told(values: Mapping[str, Any], specs: Mapping[str, FieldSpec]) -> str:
    """Returns settings by dotted name and their values in words."""
    names = {True: _tr("on"), False: _tr("off")}
    said = {key: names[value] if isinstance(value, bool) else written(value) for key, value in values.items()}
    return words.listed(words.titled(specs[key].title, text) for key, text in said.items())


def _field(key: str, hint: Any) -> FieldSpec:
    kind, info = get_args(hint)[:2]
    extra = info.json_schema_extra or {}
    bounds: dict[str, float] = {}
    for item in info.metadata:
        bounds |= {sign: getattr(item, sign) for sign in ("ge", "gt", "le", "lt") if hasattr(item, sign)}
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    limits = {"ge": _tr("at least {}"), "gt": _tr("above {}"), "le": _tr("at most {}"), "lt": _tr("below {}")}
    said = words.listed(text.format(f"{bounds[sign]:,}") for sign, text in limits.items() if sign in bounds)
    return FieldSpec(
        key,
        words.told(info.title or key),
        words.told(info.description or ""),
        words.told(extra.get("unit", "")),
        bool(extra.get("basic")),
        bool(extra.get("lines")),
        kind,
        low,
        high,
        said,
    )


class Field(QObject):
    """One setting's widgets: label with a changed mark, editor, unit, reset and what is wrong.

    Attributes:
        shown: whether its row is among those shown.

    Signals:
        edited: the user gave another value.
    """

    edited = Signal(str, object)

    def __init__(
        self, spec: FieldSpec, theme: Theme, choices: list[str] | None = None, picker: ModelPicker | None = None
    ) -> None:
        """Makes the widgets; `choices` offers values for a text field, `picker` takes its place."""
        super().__init__()
        self.spec = spec
        self._showing = False
        self.editor: QWidget = picker or self._editor(spec.kind, choices)
        if picker is not None:
            picker.picked.connect(lambda path: self.edited.emit(spec.key, path))
        self.editor.setAccessibleName(spec.title)
        self.editor.setToolTip(_explained(spec))
        # A path or a name of a model is long; it takes the room that there is.
        wide = picker is not None or choices is not None or spec.lines
        self.editor.setMinimumWidth(_NARROW)
        self.editor.setMaximumWidth(_WIDE if wide else _WIDTH)
        if not isinstance(self.editor, QCheckBox):
            self.editor.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.editor.installEventFilter(self)
        if isinstance(self.editor, Whole | QComboBox) and (line := self.editor.findChild(QLineEdit)) is not None:
            line.installEventFilter(self)
        self.mark = QLabel()
        self.mark.setObjectName("mark")
        self.mark.setFixedSize(6, 6)
        self.mark.setToolTip(self.tr("Changed from the default"))
        self.title = label(spec.title)
        self.title.setBuddy(self.editor)
        self.title.setToolTip(_explained(spec))
        self.fault = label("", "fault", wrap=True)
        self.fault.setMinimumWidth(_NARROW)
        self.fault.setMaximumWidth(_WIDE)
        self.fault.installEventFilter(self)
        self.fault.hide()
        self.reset = icon_button(theme, "reset", self.tr("Reset {name}").format(name=spec.title), self._reset)
        for widget in (self.mark, self.reset):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
        self.shown = True
        self.extra: list[QWidget] = []
        self._rows: list[QWidget] = []

    def place(self, grid: QGridLayout, at: int, narrow: bool) -> None:
        """Puts the widgets into a form, the label in front of the editor or, in a narrow one, above it."""
        top = Qt.AlignmentFlag.AlignTop
        if not self._rows:
            self._make_rows()
        for widget, (down, across) in zip(self._rows, ((0, 0), (1, 0) if narrow else (0, 1)), strict=True):
            grid.removeWidget(widget)
            grid.addWidget(widget, 2 * at + down, across, 1, 2 if narrow else 1, top)

    def _make_rows(self) -> None:
        head = row(self.mark, self.title, None, spacing=GRID)
        head.setContentsMargins(0, 7, 0, 1)
        unit = [label(self.spec.unit, "unit")] if self.spec.unit else []
        line = row(self.editor, *self.extra, *unit, self.reset, None, spacing=GRID)
        line.setStretch(0, 1000)
        # Half of the space between rows is theirs, so that hidden ones leave no gap.
        body = column(line, self.fault, spacing=2)
        body.setContentsMargins(0, 0, 0, GRID)
        self._rows = [holder(head), holder(body)]

    def focus(self) -> None:
        """Goes to the editor."""
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def offer(self, choices: list[str]) -> None:
        """Offers other values for a text field; what it shows stays."""
        editor = self.editor
        assert isinstance(editor, QComboBox)
        if choices == [editor.itemText(at) for at in range(editor.count())]:
            return
        self._showing, shown = True, editor.currentText()
        editor.clear()
        editor.addItems(choices)
        editor.setCurrentText(shown)
        self._showing = False

    def set_visible(self, visible: bool) -> None:
        """Shows or hides the whole row."""
        self.shown = visible
        for widget in self._rows:
            widget.setVisible(visible)

    def show_value(self, draft: Draft) -> None:
        """Takes the value, its mark and its fault from the draft."""
        value, fault = draft.value(self.spec.key), draft.faults().get(self.spec.key, "")
        self._showing = True
        self._put(value)
        if isinstance(self.editor, QLineEdit):
            self.editor.setPlaceholderText(written(draft.usual(self.spec.key)))
        self._showing = False
        changed = draft.is_changed(self.spec.key)
        self.mark.setVisible(changed)
        self.reset.setVisible(changed)
        self.fault.setText(words.sentence(fault).replace(f"`{self.spec.key}`", self.spec.title))
        about = self.editor.accessibleDescription() if isinstance(self.editor, ModelPicker) else self.spec.help
        self.editor.setAccessibleDescription(words.joined(self.fault.text(), about))
        self._fit_fault()
        self.fault.setVisible(bool(fault))
        set_mark(self.editor, "wrong", bool(fault))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Lets the wheel scroll the form, not change a value nobody chose to edit; leaves undo to the window."""
        if leave_undo(event):
            return True
        if watched is self.fault and event.type() == QEvent.Type.Resize:
            self._fit_fault()
        if event.type() == QEvent.Type.Wheel and watched is self.editor and not self.editor.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _fit_fault(self) -> None:
        """Gives what is wrong its height: a wrapped label in a grid is given that of one line only."""
        tall = self.fault.heightForWidth(self.fault.width()) if self.fault.text() else 0
        if tall != self.fault.minimumHeight():
            self.fault.setMinimumHeight(tall)

    def _editor(self, kind: Any, choices: list[str] | None) -> QWidget:
        if kind is bool:
            check = QCheckBox()
            check.toggled.connect(self._tell)
            return check
        if get_origin(kind) is Literal or choices is not None:
            combo = QComboBox()
            combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.addItems([str(item) for item in (choices if choices is not None else get_args(kind))])
            if choices is not None:
                combo.setLineEdit(PathLine())
            combo.currentTextChanged.connect(self._tell)
            return combo
        if self.spec.lines:
            lines = QPlainTextEdit()
            lines.setTabChangesFocus(True)
            lines.setFixedHeight(_LINES_PX)
            lines.textChanged.connect(self._tell)
            return lines
        # What Qt's box cannot hold is typed as a text.
        if kind is int and (self.spec.high is None or self.spec.high <= LARGEST):
            number = Whole(self.spec.low, self.spec.high)
            number.typed.connect(self._tell_of)
            return number
        text = PathLine()
        text.textEdited.connect(self._tell)
        return text

    def _put(self, value: Any) -> None:
        editor = self.editor
        if isinstance(editor, ModelPicker):
            editor.show_path(str(value))
        elif isinstance(editor, QCheckBox):
            editor.setChecked(bool(value))
        elif isinstance(editor, QComboBox):
            if editor.currentText() != str(value):
                editor.setCurrentText(str(value))
        elif isinstance(editor, Whole):
            if isinstance(value, int):
                editor.setValue(max(editor.minimum(), min(value, editor.maximum())))
        elif isinstance(editor, QPlainTextEdit) and self.spec.kind is str:
            if editor.toPlainText() != value:
                editor.setPlainText(str(value))
                editor.moveCursor(QTextCursor.MoveOperation.End)
        elif isinstance(editor, QPlainTextEdit):
            if _lines(editor.toPlainText()) != value:
                editor.setPlainText("\n".join(map(_line, value)) if isinstance(value, list) else str(value))
                editor.moveCursor(QTextCursor.MoveOperation.End)
        elif isinstance(editor, QLineEdit) and parsed(editor.text(), self.spec.kind) != value:
            editor.setText(written(value))
            editor.setCursorPosition(0)

    def _tell(self) -> None:
        self._tell_of(self._value())

    def _tell_of(self, value: Any) -> None:
        if not self._showing:
            self.edited.emit(self.spec.key, value)

    def _value(self) -> Any:
        editor = self.editor
        if isinstance(editor, QCheckBox):
            return editor.isChecked()
        if isinstance(editor, QComboBox):
            return editor.currentText()
        if isinstance(editor, QPlainTextEdit):
            return editor.toPlainText() if self.spec.kind is str else _lines(editor.toPlainText())
        assert isinstance(editor, QLineEdit)
        return parsed(editor.text(), self.spec.kind)

    def _reset(self) -> None:
        self.edited.emit(self.spec.key, value_at(defaults(), self.spec.key))


def parsed(text: str, kind: Any) -> Any:
    """Reads what was typed for a setting of a type; what cannot be read stays text, which the config then refuses."""
    kinds = get_args(kind) if isinstance(kind, UnionType) or get_origin(kind) is Union else (kind,)
    text = text.strip()
    if not text and type(None) in kinds:
        return None
    if list[str] in kinds and "," in text and _NAMES.fullmatch(text):
        return [name for part in text.split(",") if (name := part.strip())]
    if kind is str or (str in kinds and not text.startswith(("[", "{"))):
        return text
    if number := next((each for each in (int, float) if each in kinds), None):
        try:
            return number(text)
        except ValueError:
            return text
    if not text:
        return {} if get_origin(kind) is dict else []
    try:
        bare = f"[{text}]" if get_origin(kind) is list else f"{{{text}}}"
        value = yaml.safe_load(text if text[:1] in "[{" else bare)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that is none
        return text
    return value


def written(value: Any) -> str:
    """Writes a value as it can be typed."""
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, list | dict):
        return yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return str(value)


def _lines(text: str) -> list[str]:
    """Reads texts, one a line, as `_line` writes them; lines without a letter are none."""
    return [_ESCAPED.sub(_meant, line) for line in text.split("\n") if line.strip()]


def _line(text: object) -> str:
    """Writes a text in one line of a box, with a backslash in front of what a box would take for something else."""
    written = _KEPT.sub(lambda found: _SIGNS.get(found[0]) or f"\\u{ord(found[0]):04x}", str(text))
    # A line of spaces alone is none.
    return f"\\u{ord(written[0]):04x}{written[1:]}" if written.isspace() else written


def _meant(found: re.Match[str]) -> str:
    sign: str = found[1]
    return chr(int(sign[1:], 16)) if len(sign) > 1 else {"n": "\n", "\\": "\\"}[sign]


def _explained(spec: FieldSpec) -> str:
    return "\n".join(
        filter(None, [spec.help, spec.bounds and f"{spec.bounds[:1].upper()}{spec.bounds[1:]}.", spec.key])
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("forms", text)
