"""The menu of a dataset version: what is done to all rows at once, each asked for in a small dialog."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from studio.core.versions import recipe, steps
from studio.core.versions.steps import Step
from studio.ui.pages.data_files import title
from studio.ui.pages.data_history import History
from studio.ui.parts import align_number, button, column, label, row
from studio.ui.theme import GRID

_MOST = 2_000_000_000
_MOST_LETTERS = 32  # of a choice, such as a column, that are in sight at once


class Mixed(NamedTuple):
    """How files become one version: its name, each file's share, what an epoch is, and the seed."""

    name: str
    files: list[tuple[str, float]]
    epoch: str
    seed: int


class Mixing(Protocol):
    """Who mixes."""

    def __call__(
        self, name: str, files: list[tuple[str, float]], epoch: str, seed: int, *, refused: Callable[[], object]
    ) -> object:
        """Makes the version; `refused` is called if it cannot be made."""


class StepDialog(QDialog):
    """Asks for the settings of one step."""

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        """Asks nothing yet; `text` says what the step does."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._form = QFormLayout()
        self._form.setSpacing(GRID)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.take = button(title, self.accept, "primary")
        self.take.setDefault(True)
        said = label(text, "muted", wrap=True)
        said.setMinimumWidth(48 * GRID)
        self._layout = column(said, self._form, spacing=2 * GRID, margin=3 * GRID)
        self.setLayout(self._layout)

    def number(self, name: str, value: int, least: int = 0, most: int = _MOST) -> QSpinBox:
        """Asks for a whole number."""
        made = QSpinBox()
        made.setRange(least, most)
        made.setValue(value)
        align_number(made)
        self._add(name, made)
        return made

    def share(self, name: str, value: float) -> QDoubleSpinBox:
        """Asks for a share."""
        made = QDoubleSpinBox()
        made.setRange(0.0, 1000.0)
        made.setValue(value)
        align_number(made)
        self._add(name, made)
        return made

    def choice(self, name: str, items: list[tuple[str, str]]) -> QComboBox:
        """Asks for one of some items: what it means and how it is shown."""
        made = QComboBox()
        for key, text in items:
            made.addItem(text, key)
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        made.setMinimumContentsLength(min(max(len(text) for _, text in items), _MOST_LETTERS))
        self._add(name, made)
        return made

    def words(self, name: str, value: str) -> QLineEdit:
        """Asks for a text."""
        made = QLineEdit(value)
        self._add(name, made)
        return made

    def ask(self, done: Callable[[], object]) -> None:
        """Opens; `done` is called where the answer is yes."""
        # Behind what is asked, for Tab too, and the focus begins at the first of all.
        self._layout.addLayout(row(None, button(self.tr("Cancel"), self.reject), self.take))
        self.accepted.connect(lambda: done())
        self.open()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Lets the wheel change nothing in passing."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _add(self, name: str, made: QWidget) -> None:
        made.setAccessibleName(name)
        made.installEventFilter(self)
        self._form.addRow(name, made)


class Asking(QWidget):
    """Asks for steps over all rows; a widget only so that its dialogs have a place."""

    def __init__(self, parent: QWidget, apply: Callable[[list[Step], str], object]) -> None:
        """Hands each step asked for to `apply`."""
        super().__init__(parent)
        self.hide()
        self._apply = apply

    def split(self, columns: list[str]) -> StepDialog:
        """Asks which share is held back for evaluation."""
        text = self.tr("Holds rows back for evaluation. Equal rows are always on the same side.")
        made = StepDialog(self.window(), self.tr("Split"), text)
        share = made.number(self.tr("Share for evaluation, in %"), 10, 0, 99)
        groups = made.choice(self.tr("The same share in each"), [("", self.tr("(nothing)")), *self._groups(columns)])
        seed = made.number(self.tr("Seed"), 0)
        made.ask(
            lambda: self._apply(
                [steps.Split(share=share.value() / 100, seed=seed.value(), stratify_by=groups.currentData())],
                self.tr("split"),
            )
        )
        return made

    def deduplicate(self, columns: list[str]) -> StepDialog:
        """Asks in what rows are equal."""
        made = StepDialog(self.window(), self.tr("Deduplicate"), self.tr("Keeps the first of the rows that are equal."))
        own = [("row", self.tr("the whole row")), ("prompt", self.tr("the prompt")), ("answer", self.tr("the answer"))]
        by = made.choice(self.tr("Equal in"), [*own, *((name, name) for name in columns)])
        made.ask(lambda: self._apply([steps.Deduplicate(by=by.currentData())], self.tr("deduplicate")))
        return made

    def sample(self, rows: int) -> StepDialog:
        """Asks how many rows are drawn."""
        made = StepDialog(self.window(), self.tr("Sample"), self.tr("Keeps some rows, drawn by the seed."))
        count = made.number(self.tr("Rows"), min(1000, max(rows, 1)), 1)
        seed = made.number(self.tr("Seed"), 0)
        made.ask(lambda: self._apply([steps.Sample(count=count.value(), seed=seed.value())], self.tr("sample")))
        return made

    def balance(self, columns: list[str]) -> StepDialog:
        """Asks which groups are to be of one size."""
        text = self.tr("Keeps the same number of rows of each group.")
        made = StepDialog(self.window(), self.tr("Balance"), text)
        by = made.choice(self.tr("Groups by"), self._groups(columns))
        count = made.number(self.tr("Rows of each"), 0)
        count.setSpecialValueText(self.tr("as the smallest"))
        seed = made.number(self.tr("Seed"), 0)
        made.ask(
            lambda: self._apply(
                [steps.Balance(by=by.currentData(), count=count.value() or None, seed=seed.value())], self.tr("balance")
            )
        )
        return made

    def mix(self, file: Path, free: str, done: Mixing) -> None:
        """Asks for other files and the shares."""
        others, _ = QFileDialog.getOpenFileNames(self.window(), self.tr("Mix with"))
        if others:
            self._ask_mix(Mixed(free, [(str(item), 1.0) for item in (file, *others)], "shortest", 0), done)

    def _ask_mix(self, before: Mixed, done: Mixing) -> None:
        """Asks how files are mixed, and again if that is refused: nothing has to be typed twice."""
        files = [Path(file) for file, _ in before.files]
        text = self.tr(
            "Makes a new version with rows of all, spread evenly over an epoch. Only the ratio of the shares counts."
        )
        made = StepDialog(self.window(), self.tr("Mix"), text)
        called = made.words(self.tr("Name"), before.name)
        shares = [
            made.share(self.tr("Share of {name}").format(name=name), share)
            for name, (_, share) in zip(told_apart(files), before.files, strict=True)
        ]
        kinds = [("shortest", self.tr("no row comes twice")), ("longest", self.tr("every row comes once"))]
        epoch = made.choice(self.tr("An epoch is so long that"), kinds)
        epoch.setCurrentIndex(epoch.findData(before.epoch))
        seed = made.number(self.tr("Seed"), before.seed)

        def mark() -> None:
            made.take.setEnabled(bool(called.text().strip()) and any(share.value() for share in shares))

        called.textChanged.connect(mark)
        for share in shares:
            share.valueChanged.connect(mark)

        def answer() -> None:
            given = [(str(item), share.value()) for item, share in zip(files, shares, strict=True)]
            asked = Mixed(called.text().strip(), given, epoch.currentData(), seed.value())
            done(*asked, refused=lambda: self._ask_mix(asked, done))

        made.ask(answer)

    def history(self, said: recipe.Recipe, go: Callable[[int], object]) -> History:
        """Shows the steps; a click goes to one."""
        made = History(self.window(), said, go)
        made.open()
        return made

    def _groups(self, columns: list[str]) -> list[tuple[str, str]]:
        own = [("length", self.tr("length")), ("turns", self.tr("turns")), ("tag", self.tr("tag"))]
        return [*own, ("source", self.tr("source file")), *((name, name) for name in columns)]


def told_apart(files: Sequence[Path]) -> list[str]:
    """Returns what files are called: a version by its name; with its folder where two are called the same."""
    names = [title(file) for file in files]
    return [
        f"{file.parent.name}/{name}" if names.count(name) > 1 else name for file, name in zip(files, names, strict=True)
    ]
