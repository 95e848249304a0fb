"""What a new blind test is to be of, and the tests there are."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QPlainTextEdit, QScrollArea, QSpinBox, QWidget

from studio.core import blind
from studio.core.blind import MOST_PROMPTS, About
from studio.core.desk import Message
from studio.core.errors import StudioError
from studio.core.units import counted, moment
from studio.ui import drops, words
from studio.ui.ask_panel import AskPanel
from studio.ui.elided import PathLine
from studio.ui.jobs import Command
from studio.ui.parts import (
    align_number,
    button,
    card,
    column,
    holder,
    icon_button,
    label,
    leave_wheel,
    row,
    scrolling,
    sound,
)
from studio.ui.theme import GRID, Theme

_ROWS = 20
_TEST = Qt.ItemDataRole.UserRole


class BlindSetup(QWidget):
    """Makes a test of what is chosen and typed, or opens one that is there.

    Attributes:
        prompts: where they are typed, one a line.
        file, count: a data file and how many of its rows are asked.
        base: whether the base takes part.
        begin: the button that makes the test.
        fault: why it cannot be made.
        tests: those that are there.

    Signals:
        opened: a `BlindTest`.
    """

    opened = Signal(object)

    def __init__(self, theme: Theme, panel: AskPanel) -> None:
        """Takes the contenders, the instruction and the sampling from `panel`."""
        super().__init__()
        self._panel = panel
        self._command: Command | None = None
        self._trashed = list[Path]()
        self.prompts = QPlainTextEdit()
        self.prompts.setPlaceholderText(self.tr("One prompt a line"))
        self.prompts.setAccessibleName(self.tr("Prompts"))
        self.prompts.setTabChangesFocus(True)
        self.prompts.setMinimumHeight(10 * GRID)
        self.prompts.setMaximumHeight(16 * GRID)
        self.file = PathLine()
        self.file.setPlaceholderText(self.tr("Or rows of a data file"))
        self.file.setAccessibleName(self.tr("Data file"))
        self.count = QSpinBox()
        self.count.setRange(1, MOST_PROMPTS)
        self.count.setValue(_ROWS)
        self.count.setAccessibleName(self.tr("Rows to ask"))
        align_number(self.count)
        leave_wheel(self.count)
        self.base = QCheckBox(self.tr("The base takes part"))
        self.base.setAccessibleName(self.base.text())
        self.base.setChecked(True)
        self.begin = button(self.tr("Begin"), self.make, "primary")
        self.fault = label("", "fault", wrap=True)
        browse = icon_button(theme, "folder", self.tr("Choose a data file"), self._browse)
        place = row(self.file, browse, label(self.tr("Rows"), "muted"), self.count)
        place.setStretch(0, 1)
        said = self.tr(
            "Two answers at a time, without their names: say which is better. At the end you see who wins, and by how "
            "much it could be chance. The votes can be learned from."
        )
        foot = row(self.base, None, self.begin)
        new = column(label(said, "muted", wrap=True), self.prompts, place, self.fault, foot, spacing=GRID)
        self.tests = QListWidget()
        self.tests.setAccessibleName(self.tr("Blind tests"))
        self.tests.itemActivated.connect(self._open)
        self.tests.currentItemChanged.connect(lambda: self._offer())
        self.open_button = button(self.tr("Open"), self._open)
        self.remove_button = button(self.tr("Move to the trash"), self._remove, "flat")
        self.restore_button = button(self.tr("Bring it back"), self._restore, "flat")
        self._old = holder(
            column(
                label(self.tr("Blind tests"), "heading"),
                self.tests,
                row(None, self.restore_button, self.remove_button, self.open_button),
            )
        )
        inner = holder(column(card(new), self._old, spacing=2 * GRID), "body")
        area: QScrollArea = scrolling(inner)
        self.setLayout(column(area))
        for signal in (panel.changed, self.prompts.textChanged, self.file.textChanged, self.base.toggled):
            signal.connect(lambda *_: self._offer())
        self.refresh()

    def refresh(self) -> None:
        """Lists the tests again."""
        try:
            found = blind.abouts()
        except StudioError as error:
            found = {}
            self.fault.setText(words.sentences(error))
        self.tests.clear()
        for folder, about in found.items():
            made = moment(about.created_s)
            prompts = counted(len(about.prompts), self.tr("{count} prompt"), self.tr("{count} prompts"))
            item = QListWidgetItem(words.listed((about.title, made, prompts)))
            item.setData(_TEST, folder)
            self.tests.addItem(item)
        self._old.setVisible(bool(found or self._trashed))
        self.restore_button.setVisible(bool(self._trashed))
        self._offer()

    def make(self) -> None:
        """Makes the test; the rows of a file are read by a process of its own."""
        if self._why_not():
            return
        self.fault.setText("")
        typed, file = self._typed(), self.file.text().strip()
        if file:
            self._read(file, typed)
            return
        try:
            self.opened.emit(blind.create(self._about(typed)))
        except StudioError as error:
            self._fail(error)

    def leave(self) -> None:
        """Ends the reading of a file."""
        if self._command is not None:
            self._command.cancel()

    def _typed(self) -> list[str]:
        return [line.strip() for line in sound(self.prompts.toPlainText()).splitlines() if line.strip()]

    def _contenders(self) -> list[str | None]:
        base: list[str | None] = [None] if self.base.isChecked() else []
        return [*base, *(entry.name for entry in self._panel.entries())]

    def _about(self, prompts: Sequence[str]) -> About:
        system = self._system()
        opening = [Message(role="system", content=system)] if system else []
        sampling, contenders = self._panel.sampling(), self._contenders()
        titles = [entry.title or entry.name for entry in self._panel.entries()]
        return About(
            title=" / ".join([*([self.tr("Base model")] if None in contenders else []), *titles])[:100],
            model=self._panel.model(),
            contenders=contenders,
            prompts=[[*opening, Message(role="user", content=prompt)] for prompt in prompts],
            sampling=sampling,
            created_s=time.time(),
        )

    def _system(self) -> str:
        return sound(self._panel.system.text()).strip()

    def _read(self, file: str, typed: Sequence[str]) -> None:
        about = self._about(typed)
        told = ["blind", "new", "--later", "--file", str(Path(file).expanduser().absolute())]
        told += [f"--count={self.count.value()}", f"--name={about.title}", f"--model={about.model}"]
        told += [] if self.base.isChecked() else ["--no-base"]
        told += [f"--adapter={entry.name}" for entry in self._panel.entries()]
        told += [f"--prompt={prompt}" for prompt in typed]
        told += [f"--system={self._system()}"] if self._system() else []
        numbers = self._panel.numbers
        told += [f"--{name.replace('_', '-')}={number.value()}" for name, number in numbers.items()]
        self._command = Command(told, self)
        self._command.done.connect(self._made)
        self._command.failed.connect(self._fail)
        self._command.over.connect(self._over)
        self._offer()

    def _made(self, answer: dict[str, Any]) -> None:
        try:
            self.opened.emit(blind.load(Path(answer["path"])))
        except StudioError as error:
            self._fail(error)

    def _over(self) -> None:
        self._command = None
        self._offer()

    def _fail(self, error: StudioError) -> None:
        self.fault.setText(words.sentences(error))

    def _why_not(self) -> str:
        """Says why no test can be made now; empty: it can."""
        if self._command is not None:
            return self.tr("The file is being read.")
        if not self._panel.model():
            return self.tr("Choose a base model first.")
        if len(self._contenders()) < 2:
            return self.tr("Choose adapters on the left: two answers are needed.")
        return "" if self._typed() or self.file.text().strip() else self.tr("Write prompts, or name a data file.")

    def _offer(self) -> None:
        why = self._why_not()
        self.begin.setEnabled(not why)
        self.begin.setToolTip(why)
        chosen = self.tests.currentItem() is not None
        for made in (self.open_button, self.remove_button):
            made.setEnabled(chosen)

    def _open(self, *_: object) -> None:
        item = self.tests.currentItem()
        if item is not None:
            try:
                self.opened.emit(blind.load(item.data(_TEST)))
            except StudioError as error:
                self._fail(error)

    def _remove(self) -> None:
        item = self.tests.currentItem()
        if item is not None:
            try:
                self._trashed.append(blind.remove(blind.load(item.data(_TEST))))
            except StudioError as error:
                self._fail(error)
            self.refresh()

    def _restore(self) -> None:
        """Brings back the test that was removed last."""
        if self._trashed:
            try:
                blind.restore(self._trashed.pop())
            except StudioError as error:
                self._fail(error)
            self.refresh()

    def _browse(self) -> None:
        chosen = drops.choose_data(self)
        if chosen is not None:
            self.file.setText(str(chosen))
