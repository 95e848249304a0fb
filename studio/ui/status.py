"""The line at the window's foot: the device and its free memory, what is being worked on, and the disk."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStatusBar

from studio.core.units import counted, size
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.night import Night
from studio.ui.parts import label
from studio.ui.session import Session

if TYPE_CHECKING:
    from studio.ui.models import RunModel


class StatusLine(QStatusBar):
    """Shows what the session's watch, runs, desk and night tell."""

    def __init__(self, session: Session, night: Night) -> None:
        """Is empty until the machine has been read once."""
        super().__init__()
        self._session, self._night = session, night
        self.setSizeGripEnabled(False)
        self.device, self.work = Elided(), Elided()
        self.memory, self.disk = label(), label()
        self.device.setAccessibleDescription(self.tr("Device"))
        self.work.setAccessibleDescription(self.tr("Running jobs"))
        self.work.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
        self.addWidget(self.device)
        self.addWidget(self.memory)
        self.addWidget(self.work, 1)
        self.addPermanentWidget(self.disk)
        session.machine.seen.connect(self._show)
        session.runs_changed.connect(self._show_work)
        session.desk.worked.connect(self._show_work)
        night.changed.connect(self._show_work)
        self._show()

    def _show(self) -> None:
        self._show_work()
        found = self._session.machine.latest
        for widget in (self.device, self.memory, self.disk):
            widget.setVisible(found is not None)
        if found is None:
            return
        others = self.tr(" and {count} more").format(count=len(found.gpus) - 1) if len(found.gpus) > 1 else ""
        self.device.setText(f"{found.device}{others}")
        free, total = size(found.device_free_bytes), size(found.device_bytes)
        text = self.tr("{free} of {total} GPU memory free") if found.gpus else self.tr("{free} of {total} memory free")
        self.memory.setText(text.format(free=free, total=total))
        self.disk.setText(self.tr("{free} of disk free").format(free=size(found.disk_free_bytes)))

    def _show_work(self) -> None:
        running = self._session.running()
        parts = [words.titled(model.title, self._at(model)) for model in running if model.state() != "queued"]
        if queued := len(running) - len(parts):
            parts.append(counted(queued, self.tr("{count} run waits"), self.tr("{count} runs wait")))
        # That models are given back is nothing that anybody waits for.
        asked = [request for request in self._session.desk.requests() if request.kind != "release"]
        if asked:
            doing = {
                "answer": self.tr("Answering"),
                "tokens": self.tr("Reading a row"),
                "plan": self.tr("Counting steps and tokens"),
                "memory": self.tr("Counting memory"),
                "model": self.tr("Reading the model"),
                "hardware": self.tr("Checking the machine"),
            }
            parts.append(doing.get(asked[0].kind, self.tr("Working")))
        parts = parts or [self.tr("No job is running")]
        self.work.setText("     ".join(filter(None, [*parts, self._night.said()])))

    def _at(self, model: "RunModel") -> str:
        """Says how far a run is, and that it is held up if it is."""
        planned, state = model.progress.prepared, model.state()
        told = self.tr("step {step} of {steps}")
        at = told.format(step=f"{model.progress.step:,}", steps=f"{planned.steps:,}") if planned else ""
        if state in ("pausing", "paused", "stopping"):
            return words.listed((words.state(state), at))
        return at or self.tr("preparing")
