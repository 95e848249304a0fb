"""Tags as chips: each can be taken away by a click, and more are typed in behind them."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRect, QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QCompleter,
    QLayout,
    QLayoutItem,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from studio.ui.parts import as_tip
from studio.ui.theme import GRID, Theme

_MOST_LETTERS = 40
_LEAST_PX = 6 * GRID
_ICON_PX = 12
_BESIDE_ICON_PX = 4  # Qt's own


class TagEdit(QWidget):
    """The tags of one thing.

    Attributes:
        box: where a tag is typed; Enter or a comma adds it.

    Signals:
        edited: the list of tags, after the user has changed it.
    """

    edited = Signal(list)

    def __init__(self, theme: Theme) -> None:
        """Shows no tags yet."""
        super().__init__()
        self._theme = theme
        self._tags: list[str] = []
        self._flow = Flow(GRID // 2)
        self.box = QLineEdit()
        self.box.setObjectName("tag")
        self.box.setPlaceholderText(self.tr("Add a tag"))
        self.box.setAccessibleName(self.tr("Add a tag"))
        self.box.setMaxLength(_MOST_LETTERS)
        self.box.setMinimumWidth(12 * GRID)
        self.box.returnPressed.connect(self._add)
        self.box.textEdited.connect(lambda text: self._add() if text.endswith((",", ";")) else None)
        self._known = QStringListModel(self)
        offered = QCompleter(self._known, self)
        offered.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.box.setCompleter(offered)
        self._flow.addWidget(self.box)
        self.setLayout(self._flow)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def tags(self) -> list[str]:
        """Returns the tags shown."""
        return list(self._tags)

    def chips(self) -> list[QPushButton]:
        """Returns the chips, in the order of the tags."""
        found = (self._flow.itemAt(at) for at in range(self._flow.count()))
        return [widget for item in found if item is not None and isinstance(widget := item.widget(), QPushButton)]

    def show_tags(self, tags: Sequence[str], known: Iterable[str] = ()) -> None:
        """Shows other tags; `known` ones are offered while a new one is typed."""
        self._known.setStringList(sorted(set(known) - set(tags)))
        if list(tags) == self._tags:
            return
        self._tags = list(tags)
        for old in self.chips():
            self._flow.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._flow.removeWidget(self.box)
        for tag in self._tags:
            self._flow.addWidget(self._chip(tag))
        self._flow.addWidget(self.box)
        self.updateGeometry()

    def _chip(self, tag: str) -> QPushButton:
        made = Chip(tag.replace("&", "&&"))
        made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        made.setAccessibleName(self.tr("Remove the tag {name}").format(name=tag))
        made.setToolTip(as_tip(made.accessibleName()))
        self._theme.dress(made, "close")
        made.setIconSize(QSize(_ICON_PX, _ICON_PX))
        made.clicked.connect(lambda: self._change([other for other in self._tags if other != tag]))
        return made

    def _add(self) -> None:
        tag = " ".join(self.box.text().rstrip(",;").split())
        self.box.clear()
        if tag and tag.casefold() not in (other.casefold() for other in self._tags):
            self._change([*self._tags, tag])

    def _change(self, tags: list[str]) -> None:
        self.show_tags(tags)
        self.edited.emit(self.tags())


class Chip(QPushButton):
    """A tag that may become narrower than it is long: an ellipsis then stands for its end, or its middle."""

    def __init__(self, text: str, gives: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        """Shows `text`, in which an ampersand is written twice; `gives` says which part of it gives way."""
        super().__init__(text)
        self._gives = gives
        self.setObjectName("chip")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters."""
        whole = super().minimumSizeHint()
        return QSize(min(whole.width(), _LEAST_PX), whole.height())

    def shown(self) -> str:
        """Returns as much of the text as there is room for."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, self)
        wide, mnemonic = room.width() - _ICON_PX - _BESIDE_ICON_PX, Qt.TextFlag.TextShowMnemonic
        return self.fontMetrics().elidedText(self.text(), self._gives, wide, mnemonic)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws it as a button whose text is what is shown of it."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.shown()
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)


class Flow(QLayout):
    """Lays widgets out like words: side by side, on a new line where the width ends; the last takes what is left."""

    def __init__(self, spacing: int) -> None:
        """Leaves `spacing` pixels between widgets."""
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        """Puts an item at the end."""
        self._items.append(item)

    def count(self) -> int:
        """Returns the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Returns an item; None: there is none."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Takes an item out; None: there is none."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """Narrower is taller."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Returns the height that so many pixels of width take."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def sizeHint(self) -> QSize:
        """As small as may be."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """Returns the room of the largest item."""
        whole = QSize()
        for item in self._items:
            whole = whole.expandedTo(item.minimumSize())
        return whole

    def setGeometry(self, rect: QRect) -> None:
        """Moves the items to their places."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def _place(self, rect: QRect, *, move: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for at, item in enumerate(self._items):
            wanted = item.sizeHint().boundedTo(QSize(rect.width(), item.sizeHint().height()))
            last = at == len(self._items) - 1
            least = item.minimumSize().width() if last else wanted.width()
            if x > rect.x() and x + least > rect.x() + rect.width():
                x, y, line = rect.x(), y + line + self.spacing(), 0
            width = rect.x() + rect.width() - x if last else wanted.width()
            if move:
                item.setGeometry(QRect(x, y, width, wanted.height()))
            x, line = x + wanted.width() + self.spacing(), max(line, wanted.height())
        return y + line - rect.y()
