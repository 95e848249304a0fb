"""The small pieces every page is laid out with: labels that take no markup, cards, buttons, empty states."""

import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import QMargins, QRect, Qt
from PySide6.QtGui import QAction, QKeySequence, QTextOption
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.ui.theme import GRID, Theme

_EMPTY_PX = 440
_FRAME = QMargins(0, 5 * GRID, 0, GRID)  # what a desktop puts around a dialog
# Between the letters of scripts behind these a line may break as it is.
_LONG_WORD = re.compile("[!-\u2e7f]{5000}")
_LONG_NAME = re.compile("[!-\u02ff\u0370-\u052f]{24,}")  # in scripts whose letters stand apart


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """Returns a label that shows its text as it is, never as markup; `kind` names its look in the style sheet."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setObjectName(kind)
    made.setWordWrap(wrap)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return made


def as_tip(text: str) -> str:
    """Returns `text` as a tip that shows it as it is: Qt takes one with a tag in it for markup, pictures included."""
    return text.replace("<", "\u2039")


def sound(text: str) -> str:
    """Returns a text with the sign for what cannot be shown in place of half a character, which Qt leaves out."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def breakable(text: str) -> str:
    """Returns a text for a label, which breaks a line only between words, so that it may within a long name too."""
    return _LONG_NAME.sub(lambda found: "\u200b".join(found[0]), text)


def show_text(box: QPlainTextEdit, text: str) -> None:
    """Fills a box with a text of any length.

    Where a line may break within a word of many thousand letters Qt looks for in quadratic time, a minute for a
    picture in base 64; such a text is broken anywhere.
    """
    text = sound(text)
    if box.toPlainText() == text:
        return
    modes = QTextOption.WrapMode
    long = _LONG_WORD.search(text) is not None
    box.clear()  # what stood there before would be laid out once more
    box.setWordWrapMode(modes.WrapAnywhere if long else modes.WrapAtWordBoundaryOrAnywhere)
    box.setPlainText(text)


def selectable(made: QLabel) -> QLabel:
    """Lets the label's text be selected by mouse, and returns it."""
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def pill(text: str, tone: str = "") -> QLabel:
    """Returns a small rounded label; `tone` is `good`, `bad`, `live` or nothing."""
    made = label(text, "pill")
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    set_tone(made, tone)
    return made


def set_tone(made: QWidget, tone: str) -> None:
    """Changes a pill's colour."""
    set_mark(made, "tone", tone)


def set_mark(widget: QWidget, name: str, value: object) -> None:
    """Sets a property the style sheet looks at, and styles the widget anew where it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def button(text: str, on_click: Callable[[], object], kind: str = "") -> QPushButton:
    """Returns a push button; `kind` is `primary`, `flat`, `segment` or nothing."""
    made = QPushButton(text)
    made.setObjectName(kind)
    made.setAccessibleName(text)
    # A lambda takes no `checked`, whatever the handler would have made of it.
    made.clicked.connect(lambda: on_click())
    return made


def segment(text: str, group: QButtonGroup) -> QPushButton:
    """Returns a button of a group, one of whose buttons is down at a time."""
    made = button(text, lambda: None, "segment")
    made.setCheckable(True)
    group.addButton(made)
    return made


def icon_button(theme: Theme, icon: str, name: str, on_click: Callable[[], object]) -> QToolButton:
    """Returns a flat button with an icon; `name` is its tip and what a screen reader says."""
    made = QToolButton()
    made.setObjectName("flat")
    made.setToolTip(name)
    made.setAccessibleName(name)
    theme.dress(made, icon)
    made.clicked.connect(lambda: on_click())
    return made


def row(*items: QWidget | QLayout | int | None, spacing: int = GRID) -> QHBoxLayout:
    """Lays items out in a row; None stretches, a number is so many pixels of space."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    _fill(made, items)
    return made


def column(*items: QWidget | QLayout | int | None, spacing: int = GRID, margin: int = 0) -> QVBoxLayout:
    """Lays items out in a column, as `row` does in a row."""
    made = QVBoxLayout()
    made.setContentsMargins(margin, margin, margin, margin)
    made.setSpacing(spacing)
    _fill(made, items)
    return made


def _fill(box: QBoxLayout, items: Sequence[QWidget | QLayout | int | None]) -> None:
    for item in items:
        if item is None:
            box.addStretch(1)
        elif isinstance(item, int):
            box.addSpacing(item)
        elif isinstance(item, QLayout):
            box.addLayout(item)
        else:
            box.addWidget(item)


def card(layout: QLayout, kind: str = "card") -> QFrame:
    """Returns a panel with a border around `layout`."""
    made = QFrame()
    made.setObjectName(kind)
    layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
    made.setLayout(layout)
    return made


def align_number(box: QSpinBox | QDoubleSpinBox) -> None:
    """Lines a number box's text up with those of text boxes, and keeps the wheel from giving it the focus."""
    # Its own line lies further left than the style sheet's padding says: by a border and the padding.
    box.lineEdit().setTextMargins(GRID + 1, 0, 0, 0)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)


def leave_wheel(box: QWidget) -> None:
    """Leaves the wheel to what scrolls around a box: nobody means to change its value in passing."""
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    # Of this box alone, for which a class of its own would be much.
    box.wheelEvent = lambda event: event.ignore()  # type: ignore[method-assign]


def tabs(name: str) -> QTabWidget:
    """Returns an empty row of tabs; `name` is what a screen reader says."""
    made = QTabWidget()
    dress_tabs(made, name)
    return made


def dress_tabs(made: QTabWidget, name: str) -> None:
    """Gives a row of tabs the look of all; `name` is what a screen reader says."""
    made.setDocumentMode(True)
    made.tabBar().setDrawBase(False)
    made.tabBar().setAccessibleName(name)


def scrolling(inner: QWidget) -> QScrollArea:
    """Returns an area that scrolls `inner`, whose own widgets take the focus."""
    made = QScrollArea()
    made.setWidgetResizable(True)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setWidget(inner)
    return made


def room_for(dialog: QWidget) -> QRect:
    """Returns where on its screen a dialog may lie, in pixels, without its frame."""
    return dialog.screen().availableGeometry().marginsRemoved(_FRAME)


def lift(dialog: QWidget) -> None:
    """Moves a dialog up that has grown beyond the lower edge of its screen."""
    under = dialog.geometry().bottom() - room_for(dialog).bottom()
    if dialog.isVisible() and under > 0:
        dialog.move(dialog.x(), dialog.y() - under)


def line() -> QFrame:
    """Returns a thin horizontal line."""
    made = QFrame()
    made.setObjectName("line")
    made.setFixedHeight(1)
    return made


def holder(layout: QLayout, name: str = "") -> QWidget:
    """Returns a widget around `layout`."""
    made = QWidget()
    made.setObjectName(name)
    made.setLayout(layout)
    return made


def icon_label(theme: Theme, icon: str, size: int = 2 * GRID) -> QLabel:
    """Returns an icon by itself, in the muted colour of the theme."""
    made = QLabel()
    made.setProperty("icon_name", icon)
    made.setProperty("icon_role", "muted")
    made.setProperty("icon_size", size)
    made.setPixmap(theme.pixmap(icon, size, theme.palette.muted))
    made.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return made


def empty(theme: Theme, icon: str, title: str, text: str, *buttons: QPushButton) -> QWidget:
    """Returns what a page shows while there is nothing on it: what belongs here and how to get it."""
    picture = icon_label(theme, icon, 5 * GRID)
    said = label(text, "muted", wrap=True)
    said.setFixedWidth(_EMPTY_PX)
    # The style sheet's font decides how tall it is, and it comes with the polish.
    said.ensurePolished()
    said.setMinimumHeight(said.heightForWidth(_EMPTY_PX) + GRID // 2)
    said.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    box = column(None, picture, label(title, "heading"), said, GRID, row(None, *buttons, None), None)
    for index in range(box.count()):
        item: QLayoutItem | None = box.itemAt(index)
        widget = item.widget() if item is not None else None
        if widget is not None:
            box.setAlignment(widget, Qt.AlignmentFlag.AlignHCenter)
    return holder(box)


def clear(layout: QLayout) -> None:
    """Takes everything out of a layout and deletes it."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear(inner)


def shown_keys(keys: str) -> str:
    """Returns how the system writes keys, such as `Ctrl+Z`."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def add_action(widget: QWidget, text: str, act: Callable[[], object], keys: str = "") -> QAction:
    """Gives a page an action, which the command palette then finds by its `text`; `keys` work all over the window."""
    made = QAction(text, widget)
    # A lambda takes no `checked`, whatever the handler would have made of it.
    made.triggered.connect(lambda: act())
    made.setShortcut(keys)
    widget.addAction(made)
    return made
