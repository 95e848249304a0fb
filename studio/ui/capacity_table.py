"""What a machine can fine-tune, as a small table: sizes of models down, methods across, a range of memory in each."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from studio.core import capacity
from studio.core.machine import Machine
from studio.ui import words
from studio.ui.parts import column, holder, label, set_mark
from studio.ui.theme import GRID


class CapacityTable(QWidget):
    """A cell for each size and method: green where it fits, amber where only a lean run does, grey where none does."""

    def __init__(self) -> None:
        """Is blank until a machine is shown."""
        super().__init__()
        self.cells: dict[tuple[float, capacity.Method], QLabel] = {}
        self._quantizes = True
        self._machine: Machine | None = None
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        titles = {
            "qlora": (self.tr("QLoRA"), self.tr("An adapter on a base held in 4 bits")),
            "lora": (self.tr("LoRA"), self.tr("An adapter on a base held in 16 bits, on a processor in 32")),
            "full": (self.tr("Full"), self.tr("All weights are trained, no adapter")),
        }
        grid.addWidget(label(self.tr("Parameters"), "caption"), 0, 0)
        for across, method in enumerate(capacity.METHODS, start=1):
            title = label(titles[method][0], "caption")
            title.setToolTip(titles[method][1])
            grid.addWidget(title, 0, across, Qt.AlignmentFlag.AlignHCenter)
            grid.setColumnStretch(across, 1)
        for down, parameters in enumerate(capacity.SIZES, start=1):
            grid.addWidget(label(self.tr("{count} billion").format(count=f"{parameters / 1e9:g}")), down, 0)
            for across, method in enumerate(capacity.METHODS, start=1):
                self.cells[parameters, method] = cell = label("", "verdict")
                cell.setAlignment(Qt.AlignmentFlag.AlignCenter)
                cell.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
                grid.addWidget(cell, down, across)
        self._said = label("", "caption", wrap=True)
        for down in range(1, len(capacity.SIZES) + 1):
            grid.setRowMinimumHeight(down, 3 * GRID)
        # Not in the grid: its rows would give some of their height to the text's second line where the page is low.
        self.setLayout(column(holder(grid), self._said, spacing=GRID // 2))

    def show_machine(self, machine: Machine) -> None:
        """Fills the table; may come again and again."""
        if self._machine is not None and self._same(machine):
            return
        self._machine = machine
        room = f"{capacity.usable_bytes(machine) / 1e9:.0f}"
        said = self.tr("Green: a usual run fits into {room} GB. Amber: only one of short rows and small batches.")
        slow = self.tr("Without a card a model of more than a billion parameters takes hours or days.")
        self._said.setText(words.joined(said.format(room=room), *(() if machine.gpus else (slow,))))
        for (parameters, method), cell in self.cells.items():
            self._fill(cell, parameters, method, machine)

    def show_report(self, report: dict[str, Any]) -> None:
        """Takes the 4-bit column back where bitsandbytes does not work."""
        self._quantizes = all(check["ok"] for check in report["checks"] if check["name"] == "quantization")
        if self._machine is not None:
            machine, self._machine = self._machine, None
            self.show_machine(machine)

    def _same(self, machine: Machine) -> bool:
        assert self._machine is not None
        before = self._machine
        return (before.gpus == ()) == (machine.gpus == ()) and before.device_bytes == machine.device_bytes

    def _fill(self, cell: QLabel, parameters: float, method: capacity.Method, machine: Machine) -> None:
        lean, usual = (need / 1e9 for need in capacity.needed_bytes(parameters, method, on_gpu=bool(machine.gpus)))
        verdict = capacity.verdict(parameters, method, machine)
        verdicts = {"fits": self.tr("fits"), "tight": self.tr("fits a lean run"), "no": self.tr("too large")}
        cell.setText(self.tr("{lean} - {usual} GB").format(lean=f"{lean:,.0f}", usual=f"{usual:,.0f}"))
        cell.setToolTip(verdicts[verdict])
        if method == "qlora" and not self._quantizes:
            verdict = "no"
            cell.setText(self.tr("not here"))
            cell.setToolTip(self.tr("4-bit quantization does not work on this machine."))
        size = self.tr("{count} billion").format(count=f"{parameters / 1e9:g}")
        cell.setAccessibleName(words.titled(words.listed((size, method)), words.listed((cell.text(), cell.toolTip()))))
        set_mark(cell, "verdict", verdict)
