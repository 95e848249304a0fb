"""The steps of a dataset version, in words; choosing one goes to it."""

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QWidget

from studio.core.units import counted
from studio.core.versions import recipe
from studio.ui.parts import as_tip, button, column, label, row
from studio.ui.theme import GRID


class History(QDialog):
    """The steps of a version; the undone ones are dim."""

    def __init__(self, parent: QWidget, said: recipe.Recipe, go: Callable[[int], object]) -> None:
        """Lists the steps; choosing one calls `go` with how many count then."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("History"))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Steps"))
        self.list.setMinimumSize(68 * GRID, 36 * GRID)
        self._add(0, self.tr("As the files are"), said.cursor)
        count = 0
        for about in recipe.summary(said):
            count += int(about["steps"])
            if not about["joined"] or not self.list.count() > 1:
                self._add(count, self._described(about), said.cursor)
            else:
                last = self.list.item(self.list.count() - 1)
                last.setText(f"{last.text()}; {self._described(about)}")
                last.setData(Qt.ItemDataRole.UserRole, count)
        self.list.itemActivated.connect(lambda item: go(item.data(Qt.ItemDataRole.UserRole)))
        self.list.itemClicked.connect(lambda item: go(item.data(Qt.ItemDataRole.UserRole)))
        self.list.itemClicked.connect(lambda _item: self.accept())
        close = button(self.tr("Close"), self.reject)
        hint = label(self.tr("Choose a step to go to: what was done behind it is undone, not lost."), "muted")
        self.setLayout(column(hint, self.list, row(None, close), spacing=2 * GRID, margin=3 * GRID))

    def _add(self, count: int, text: str, cursor: int) -> None:
        item = QListWidgetItem(text if count <= cursor else self.tr("{step} (undone)").format(step=text))
        item.setData(Qt.ItemDataRole.UserRole, count)
        item.setToolTip(as_tip(text))
        if count > cursor:
            item.setForeground(self.palette().placeholderText())
        self.list.addItem(item)
        if count == cursor:
            self.list.setCurrentItem(item)

    def _described(self, about: dict[str, Any]) -> str:
        """Says when a step was done, what it does, and how."""
        when = time.strftime("%H:%M", time.localtime(about["time_s"]))
        named = about.get("rows", 0)
        rows = [counted(named, self.tr("one row"), self.tr("{count} rows"))] if named else []
        templates = self._settings()
        told = {key: value for key, value in about.items() if value not in ("", None) and value is not False}
        said = [text.format(value=self._value(key, told[key])) for key, text in templates.items() if key in told]
        return f"{when}  {self._kind(about)}  {', '.join([*rows, *said])}".strip()

    def _kind(self, about: dict[str, Any]) -> str:
        names = {
            "replace": self.tr("Edit"),
            "exclude": self.tr("Exclude"),
            "restore": self.tr("Restore"),
            "keep": self.tr("Keep only"),
            "tag": self.tr("Tag") if about.get("on", True) else self.tr("Take the tag off"),
            "filter": self.tr("Leave out") if about.get("invert") else self.tr("Filter"),
            "deduplicate": self.tr("Deduplicate"),
            "sample": self.tr("Sample"),
            "balance": self.tr("Balance"),
            "split": self.tr("Split"),
            "mix": self.tr("Mix"),
        }
        return names[about["kind"]]

    def _settings(self) -> dict[str, str]:
        """Returns how each setting of a step is told, in their order."""
        return {
            "text": self.tr("text {value}"),
            "regex": self.tr("as an expression"),
            "role": self.tr("role {value}"),
            "min_chars": self.tr("length at least {value}"),
            "max_chars": self.tr("length at most {value}"),
            "tag": self.tr("tag {value}"),
            "source": self.tr("source {value}"),
            "by": self.tr("by {value}"),
            "count": self.tr("at most {value}"),
            "share": self.tr("{value} for evaluation"),
            "stratify_by": self.tr("the same share in each {value}"),
            "shares": self.tr("shares {value}"),
            "epoch": self.tr("an epoch: {value}"),
            "seed": self.tr("seed {value}"),
            "why": "{value}",
        }

    def _value(self, key: str, value: Any) -> str:
        if key == "share":
            return f"{value:.0%}"
        if key == "shares":
            return " : ".join(f"{share:g}" for share in value)
        names = {
            "row": self.tr("the whole row"),
            "prompt": self.tr("the prompt"),
            "answer": self.tr("the answer"),
            "length": self.tr("length"),
            "turns": self.tr("turns"),
            "tag": self.tr("tag"),
            "source": self.tr("source file"),
            "shortest": self.tr("no row comes twice"),
            "longest": self.tr("every row comes once"),
        }
        known = key in ("by", "stratify_by", "epoch") and isinstance(value, str)
        return names.get(value, value) if known else f"{value:,}" if isinstance(value, int) else str(value)
