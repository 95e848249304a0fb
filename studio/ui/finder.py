"""The command palette (every action by name) and the sheet of shortcuts."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QGridLayout, QLineEdit, QListWidget, QListWidgetItem, QScrollArea, QWidget

from studio.ui.list_keys import ListKeys
from studio.ui.parts import column, holder, label, row, shown_keys
from studio.ui.theme import GRID


def title_of(action: QAction) -> str:
    """Returns an action's name as a person reads it."""
    return action.text().replace("&", "").removesuffix("...").removesuffix("…")


def also_found_by(action: QAction, words: str) -> QAction:
    """Lets an action be found by words that its name does not have, and returns it."""
    action.setProperty("words", words)
    return action


def keys_of(action: QAction) -> str:
    """Returns an action's shortcut as the system writes it."""
    return shown_keys(action.shortcut().toString())


class Finder(QDialog):
    """Finds an action by a part of its name and triggers it."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        """Offers `actions`; those that are disabled are listed greyed."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Commands"))
        self._actions = [action for action in actions if title_of(action)]
        self.box = QLineEdit()
        self.box.setPlaceholderText(self.tr("Type a command"))
        self.box.setAccessibleName(self.tr("Find a command"))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Commands"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLayout(column(self.box, self.list, margin=GRID))
        self.box.textChanged.connect(self._fill)
        self._keys = ListKeys(self.box, self.list)
        self._keys.chosen.connect(self._run)
        self.resize(520, 380)
        self._fill("")

    def _fill(self, text: str) -> None:
        words = text.casefold().split()
        self.list.clear()
        for action in self._actions:
            name = title_of(action)
            found_by = f"{name} {action.property('words') or ''}".casefold()
            if all(word in found_by for word in words):
                keys = keys_of(action)
                item = QListWidgetItem(name)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name} {keys}".strip())
                item.setData(Qt.ItemDataRole.UserRole, self._actions.index(action))
                if not action.isEnabled():
                    item.setFlags(Qt.ItemFlag.NoItemFlags)
                self.list.addItem(item)
                if keys:
                    hint = row(None, label(keys, "caption"))
                    hint.setContentsMargins(0, 0, 2 * GRID, 0)
                    line = holder(hint)
                    line.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
                    self.list.setItemWidget(item, line)
        if not self.list.count():
            none = QListWidgetItem(self.tr("No command has this in its name."))
            none.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(none)
        self._keys.rest_on(0)

    def _run(self, item: QListWidgetItem) -> None:
        action = self._actions[item.data(Qt.ItemDataRole.UserRole)]
        self.accept()
        action.trigger()


class Shortcuts(QDialog):
    """Lists what there is a key for."""

    def __init__(self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], parent: QWidget) -> None:
        """Lists groups: what each is called, and in it names and their keys."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setAccessibleName(self.windowTitle())
        inner = column(spacing=3 * GRID, margin=GRID)
        area.setWidget(holder(inner, "body"))
        self.setLayout(column(label(self.windowTitle(), "heading"), area, spacing=2 * GRID, margin=3 * GRID))
        # Put in here, where the window's style sheet is known: rows that are measured before keep too small a height.
        for title, lines in groups:
            grid = QGridLayout()
            inner.addLayout(grid)
            grid.setHorizontalSpacing(4 * GRID)
            grid.setVerticalSpacing(GRID // 2)
            grid.setColumnStretch(0, 1)
            grid.addWidget(label(title, "caption"), 0, 0)
            for at, (name, keys) in enumerate(lines, start=1):
                grid.addWidget(label(name), at, 0)
                grid.addWidget(label(keys, "pill"), at, 1, Qt.AlignmentFlag.AlignRight)
        inner.addStretch(1)
        self.resize(480, 600)
