"""The window with all its pages built, for tests of its actions: what is done by name, and what it acts on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from studio.core import events, files, library
from studio.ui.finder import Finder, title_of
from studio.ui.models import RunModel
from studio.ui.pages.compare import ComparePage
from studio.ui.pages.data import DataPage
from studio.ui.pages.library import LibraryPage
from studio.ui.pages.run_beside import RunChoice
from studio.ui.pages.train import TrainPage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.core.test_library import added
from tests.ui.told import made_run, prepared, step, tell


@dataclass
class World:
    """The window with all its pages built, and what the tests of its actions need."""

    window: MainWindow
    qtbot: QtBot
    folder: Path

    def action(self, name: str) -> QAction:
        found = [action for action in self.window.all_actions() if title_of(action) == name]
        assert len(found) == 1, name
        return found[0]

    def do(self, name: str) -> None:
        """Finds the action in the palette as a person does, and triggers it there."""
        self.action(name)
        self.window.find_command()
        finder = self.window.findChildren(Finder)[-1]
        finder.box.setText(name)
        for _ in range(finder.list.count()):
            if finder.list.currentItem().text() == name:
                break
            QTest.keyClick(finder.box, Qt.Key.Key_Down)
        assert finder.list.currentItem().text() == name
        QTest.keyClick(finder.box, Qt.Key.Key_Return)

    def shown(self) -> str:
        (name,) = (key for key, page in self.window._pages.items() if page is self.window._stack.currentWidget())
        return name

    def train(self) -> TrainPage:
        page = self.window.page("train")
        assert isinstance(page, TrainPage)
        return page

    def shelf(self) -> LibraryPage:
        page = self.window.page("library")
        assert isinstance(page, LibraryPage)
        return page

    def compare(self) -> ComparePage:
        page = self.window.page("compare")
        assert isinstance(page, ComparePage)
        return page

    def data(self) -> DataPage:
        """The Data page with the built-in rows."""
        page = self.window.page("data")
        assert isinstance(page, DataPage)
        page.receive(demo_data())
        self.qtbot.waitUntil(lambda: "valid" in page.plain.known)
        return page

    def told(self) -> RunModel:
        """A run of two steps whose process is gone, shown on the Train page."""
        run = made_run("told")
        tell(run, prepared(9), step(1, 2.0), step(2, 1.0))
        model = self.window.session.model_of(run)
        with self.qtbot.waitSignal(model.stopped):
            pass
        self.window.session.run_wanted.emit(run)
        return model

    def going(self) -> RunModel:
        """A run whose process is taken to work, so that what it is asked can be read."""
        model = self.told()
        model.alive = True
        self.train().view._refresh()
        return model

    def child(self) -> RunModel:
        """A run with a real process."""
        self.window.session.draft.apply({"data.path": str(demo_data()), "training.max_steps": 5000}, "test")
        model = self.window.session.start(self.window.session.draft.config())
        self.window.session.run_wanted.emit(model.run)
        return model

    def adapter(self, title: str = "mine", run: str = "") -> library.Entry:
        entry = added(self.folder, title, base=library.Base(path="demo"), run=run)
        self.window.session.library_changed.emit()
        return entry

    def in_dialog(self, act: Callable[[QDialog], object]) -> list[str]:
        """Does something with the next dialog that waits for an answer; the list then holds its title."""
        seen: list[str] = []

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, QFileDialog):
                seen.append(dialog.windowTitle())
                act(dialog)
            elif not seen:
                QTimer.singleShot(20, look)

        QTimer.singleShot(20, look)
        return seen


def asked(model: RunModel) -> list[events.Command | None]:
    found = [events.decode_command(line) for line in files.read_lines(model.run.commands_path)[0]]
    model.alive = False
    return list(found)


def lays_over(w: World) -> None:
    """Lays a run over the shown one, from another page."""
    other = w.told()
    w.told()
    w.window.show_page("data")
    w.do("Compare with other runs")
    assert w.shown() == "train"
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, RunChoice)
    QTest.keyClick(popup.search, Qt.Key.Key_Return)
    popup.close()
    assert w.train().view.curves.others == [other]


def choose(dialog: QDialog, path: Path) -> None:
    assert isinstance(dialog, QFileDialog)
    dialog.setDirectory(str(path.parent))
    box = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(box, QLineEdit)
    box.setText(str(path))
    dialog.accept()
