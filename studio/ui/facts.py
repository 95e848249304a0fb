"""The check of the machine as a list: what was found of each thing, and whether that is well."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from studio.core import desk
from studio.core.machine import Machine
from studio.core.units import size
from studio.ui import words
from studio.ui.parts import label, selectable
from studio.ui.theme import GRID, Theme

# What the desk tries out, by the names of `studio doctor`.
_TRIED = ("torch", "quantization", "driver")
_LOOKS = {"good": "check", "bad": "alert", "warn": "alert", "muted": "info"}


class Facts(QWidget):
    """One line for each thing: a sign, its name, and what was found."""

    def __init__(self, theme: Theme) -> None:
        """Says of everything that it is being looked at."""
        super().__init__()
        self._theme = theme
        self.values: dict[str, QLabel] = {}
        self._signs: dict[str, QLabel] = {}
        names = {
            "device": self.tr("Trains on"),
            "memory": self.tr("Memory"),
            "numbers": self.tr("Number format"),
            "disk": self.tr("Disk"),
            "torch": self.tr("PyTorch"),
            "quantization": self.tr("4-bit and 8-bit"),
            "driver": self.tr("NVIDIA driver"),
            "hub": self.tr("Hugging Face"),
        }
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID + GRID // 2)
        grid.setColumnStretch(2, 1)
        top = Qt.AlignmentFlag.AlignTop
        for at, (key, name) in enumerate(names.items()):
            self._signs[key] = sign = QLabel()
            sign.setFixedSize(2 * GRID, 2 * GRID)
            sign.setProperty("icon_size", 2 * GRID)
            self.values[key] = value = selectable(label("", wrap=True))
            value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            value.setAccessibleDescription(name)
            title = label(name, "muted")
            title.setMinimumWidth(13 * GRID)
            grid.addWidget(sign, at, 0, top)
            grid.addWidget(title, at, 1, top)
            grid.addWidget(value, at, 2, top)
            self._say(key, "muted", self.tr("Checking ..."))
        self.setLayout(grid)

    def show_machine(self, found: Machine) -> None:
        """Shows what the system and the driver tell; may come again and again."""
        if found.gpus:
            card = found.gpus[0]
            self._say("device", "good", card.name)
            bfloat16 = self.tr("bfloat16") if card.bfloat16 else self.tr("float16: this card does not know bfloat16")
            self._say("numbers", "good", bfloat16)
        else:
            said = self.tr("{name}. No NVIDIA card was found: small models train well, large ones slowly.")
            self._say("device", "warn", said.format(name=found.processor))
            self._say("numbers", "good", self.tr("float32"))
        free, total = size(found.device_free_bytes), size(found.device_bytes)
        self._say("memory", "good", self.tr("{free} of {total} free").format(free=free, total=total))
        self._say("disk", "good", self.tr("{free} free").format(free=size(found.disk_free_bytes)))

    def show_report(self, report: dict[str, Any]) -> None:
        """Shows what the desk has tried out: `studio.engine.doctor.report`."""
        for check in report["checks"]:
            if check["name"] in _TRIED:
                bad = "bad" if check["essential"] else "warn"
                said = words.joined(*map(words.sentence, (check["message"], check["hint"])))
                self._say(check["name"], "good" if check["ok"] else bad, said)
        hub = report["hugging_face"]
        offline, online = (
            self.tr("Offline: models come from the cache"),
            self.tr("Downloads are allowed; the connection was not tried"),
        )
        token = self.tr("a token is stored") if hub["token"] else self.tr("no token is stored")
        network = offline if hub["offline"] else online
        self._say("hub", "good", self.tr("{network}; {token}.").format(network=network, token=token))

    def show_failure(self, failed: desk.Failed) -> None:
        """Says why the rest is not known."""
        for key in (*_TRIED, "hub"):
            self._say(key, "warn", words.sentence(failed.message))

    def _say(self, key: str, role: str, text: str) -> None:
        self.values[key].setText(text)
        sign = self._signs[key]
        if sign.property("icon_role") != role:
            sign.setProperty("icon_name", _LOOKS[role])
            sign.setProperty("icon_role", role)
            sign.setPixmap(self._theme.pixmap(_LOOKS[role], 2 * GRID, getattr(self._theme.palette, role)))
