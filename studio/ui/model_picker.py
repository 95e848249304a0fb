"""Choosing the base model: one control that offers what this machine has, folders, and Hugging Face ids."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QToolTip,
    QWidget,
)

from studio.core.models import LocalModel
from studio.core.units import short, size
from studio.ui.elided import MIDDLE, Elided
from studio.ui.jobs import Command
from studio.ui.list_keys import ListKeys
from studio.ui.parts import as_tip, button, column, holder, icon_label, row
from studio.ui.theme import GRID, Theme
from studio.ui.words import sentence

_HEIGHT = 6 * GRID
_LIST_PX = (560, 400)
_ROW_PX = 52
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Offer:
    """A line of the list; one that is not usable is greyed."""

    path: str
    title: str
    detail: str
    usable: bool = True


class ModelPicker(QPushButton):
    """Shows the chosen model; a click opens the list of the others.

    Attributes:
        models: what this machine has, as far as it is known yet.

    Signals:
        picked: the path of another model.
        listed: `models` is known.
    """

    picked = Signal(str)
    listed = Signal()

    def __init__(self, theme: Theme, recent: Callable[[], list[str]]) -> None:
        """Offers the models of this machine and the `recent` ones."""
        super().__init__()
        self.setObjectName("picker")
        self._theme, self._recent = theme, recent
        self.models: dict[str, LocalModel] = {}
        self._path = ""
        self._asked: Command | None = None
        self._name, self._detail = Elided("", "strong", MIDDLE), Elided("", "caption")
        inner = row(column(self._name, self._detail, spacing=0), icon_label(theme, "chevron-down"))
        inner.setContentsMargins(GRID, 4, GRID, 4)
        self.setLayout(inner)
        for part in (self._name, self._detail):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            part.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        inner.setStretch(0, 1)
        self.setFixedHeight(_HEIGHT)
        self.clicked.connect(lambda: self.open())

    def show_path(self, path: str) -> None:
        """Shows a model as the chosen one."""
        self._path = path
        name, about = self._title(path), self._about(path)
        self._name.setText(name)
        self._detail.setText(about)
        self.setAccessibleDescription(f"{name}. {about}")

    def refresh(self) -> None:
        """Lists the models anew, in a process of its own."""
        if self._asked is None:
            folders = [path for path in self._recent() if _is_folder(path)]
            words = [word for folder in folders for word in ("--folder", folder)]
            self._asked = Command(["model", "list", *words], self)
            self._asked.done.connect(self._take)
            self._asked.failed.connect(lambda _: self._take(()))
            self._asked.over.connect(self._over)

    def leave(self) -> None:
        """Ends the listing, if it is going on."""
        if self._asked is not None:
            self._asked.cancel()

    def open(self) -> "ModelList":
        """Opens the list, and lists anew behind it."""
        made = ModelList(self._theme, self.offers, self._path, self.window())
        made.picked.connect(self.picked)
        made.folder_wanted.connect(self._choose_folder)
        self.listed.connect(made.fill)
        width = max(self.width(), _LIST_PX[0])
        below = self.mapToGlobal(QPoint(0, self.height() + 2))
        room = self.screen().availableGeometry()
        place = QPoint(min(below.x(), room.right() - width), min(below.y(), room.bottom() - _LIST_PX[1]))
        made.setGeometry(place.x(), max(place.y(), room.top()), width, _LIST_PX[1])
        made.show()
        made.search.setFocus()
        self.refresh()
        return made

    def offers(self) -> list[Offer]:
        """Returns what the list shows: this machine's models, then recent ids that are elsewhere."""
        paths = dict.fromkeys(["demo", *self.models, *self._recent()])
        return [Offer(path, self._title(path), self._about(path), self._usable(path)) for path in paths]

    def event(self, event: QEvent) -> bool:
        """Says all of the model in the tip, before what a base model is."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            said = f"{self.accessibleDescription()}\n\n{self.toolTip()}".replace("<", "\u2039")
            QToolTip.showText(event.globalPos(), said, self)
            return True
        return super().event(event)

    def sizeHint(self) -> QSize:
        """Is as tall as its two lines."""
        return QSize(30 * GRID, _HEIGHT)

    def _title(self, path: str) -> str:
        return self.tr("Built-in model") if path == "demo" else path

    def _usable(self, path: str) -> bool:
        return path not in self.models or not self.models[path].unusable

    def _about(self, path: str) -> str:
        """Returns what is known of a model in one line, or why it cannot be used."""
        model = self.models.get(path)
        if model is None:
            if path == "demo":
                return self.tr("Comes with the program, for a first try")
            return self.tr("Folder") if _is_folder(path) else self.tr("From Hugging Face")
        sources = {
            "built-in": "",
            "cache": self.tr("on this machine") if model.complete else self.tr("partly on this machine"),
            "folder": self.tr("folder"),
        }
        parts = [
            model.architecture,
            self.tr("{n} parameters").format(n=short(model.parameters)) if model.parameters else "",
            size(model.size_bytes) if model.size_bytes else "",
            model.licence,
            sources[model.source],
        ]
        return sentence(model.unusable) or "  ·  ".join(filter(None, parts))

    def _take(self, listed: Any) -> None:
        self.models = {item["path"]: LocalModel(**item) for item in listed} or self.models
        self.show_path(self._path)
        self.listed.emit()

    def _over(self) -> None:
        self._asked = None

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self.window(), self.tr("Model folder"))
        if chosen:
            self.picked.emit(chosen)


class ModelList(QFrame):
    """The list that opens under the control: search, models, and ways to name another.

    Signals:
        picked: the path of a model.
        folder_wanted: a folder is to be chosen.
    """

    picked = Signal(str)
    folder_wanted = Signal()

    def __init__(self, theme: Theme, offers: Callable[[], list[Offer]], chosen: str, parent: QWidget) -> None:
        """Shows what `offers` returns, `chosen` being the present one."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("popup")
        self._theme, self._offers, self._chosen = theme, offers, chosen
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search, or type a Hugging Face id such as owner/model"))
        self.search.setAccessibleName(self.tr("Search models"))
        self.search.textChanged.connect(self.fill)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Models"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._keys = ListKeys(self.search, self.list)
        self._keys.chosen.connect(self._pick)
        folder = button(self.tr("Choose folder..."), self._choose_folder, "flat")
        theme.dress(folder, "folder")
        self.setLayout(column(self.search, self.list, row(folder, None), margin=GRID))
        self.fill()

    def fill(self) -> None:
        """Lists what there is by now, as far as the search lets it."""
        typed = self.search.text().strip()
        words, offers = typed.casefold().split(), self._offers()
        found = [
            one for one in offers if all(word in f"{one.title} {one.path} {one.detail}".casefold() for word in words)
        ]
        if typed and not any(one.path == typed for one in offers):
            if _is_folder(typed):
                found.append(Offer(typed, self.tr("Use the folder {path}").format(path=typed), ""))
            elif _HUB_ID.fullmatch(typed):
                hint = self.tr("From Hugging Face: the structure is read now, the weights when training starts.")
                found.append(Offer(typed, self.tr("Use {id}").format(id=typed), hint))
        hint = self.tr("Type a Hugging Face id (owner/model) or the path of a folder.")
        found = found or [Offer("", self.tr("No such model on this machine"), hint, usable=False)]
        self.list.clear()
        for offer in found:
            self._add(offer)
        self._keys.rest_on(next((n for n, one in enumerate(found) if one.path == self._chosen and not words), 0))

    def _add(self, offer: Offer) -> None:
        item = QListWidgetItem()
        item.setData(Qt.ItemDataRole.UserRole, offer.path)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{offer.title}. {offer.detail}")
        item.setToolTip(as_tip(offer.path))
        if not offer.usable:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        title = Elided(offer.title, "strong" if offer.usable else "muted", MIDDLE)
        detail = Elided(offer.detail, "caption")
        for part in (title, detail):
            part.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        mark = [icon_label(self._theme, "check")] if offer.path and offer.path == self._chosen else []
        head = row(title, *mark)
        head.setStretch(0, 1)
        inner = column(head, detail, spacing=2)
        inner.setContentsMargins(GRID, 6, GRID, 6)
        shown = holder(inner)
        shown.setToolTip(as_tip(offer.detail))
        shown.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        item.setSizeHint(QSize(0, _ROW_PX))
        self.list.addItem(item)
        self.list.setItemWidget(item, shown)

    def _pick(self, item: QListWidgetItem) -> None:
        path = str(item.data(Qt.ItemDataRole.UserRole))
        self.close()
        self.picked.emit(path)

    def _choose_folder(self) -> None:
        self.close()
        self.folder_wanted.emit()


def _is_folder(path: str) -> bool:
    try:
        return Path(path).expanduser().is_dir() and path != "demo"
    except (OSError, RuntimeError, ValueError):
        return False
