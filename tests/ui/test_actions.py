"""Every action of the window: each is in the palette by name, and each, triggered, does what it says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from studio.core import events, library, runs, settings
from studio.ui import words
from studio.ui.finder import Finder, Shortcuts, title_of
from studio.ui.models import RunModel
from studio.ui.pages.compare import ComparePage
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.library import LibraryPage
from studio.ui.pages.train import TrainPage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.core.test_library import added
from tests.ui.told import made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


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

    def told(self) -> RunModel:
        """A run of two steps whose process is gone, shown on the Train page."""
        run = made_run("told")
        tell(run, prepared(9), step(1, 2.0), step(2, 1.0))
        model = self.window.session.model_of(run)
        with self.qtbot.waitSignal(model.stopped, timeout=5000):
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


@pytest.fixture
def world(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> World:
    for key in (*window._rail, "welcome"):
        window.page(key)
    window.show_page("data")
    return World(window, qtbot, tmp_path)


def asked(model: RunModel) -> list[events.Command | None]:
    found = [events.decode_command(line) for line in runs.read_lines(model.run.commands_path)[0]]
    model.alive = False
    return list(found)


def choose(dialog: QDialog, path: Path) -> None:
    assert isinstance(dialog, QFileDialog)
    dialog.setDirectory(str(path.parent))
    box = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(box, QLineEdit)
    box.setText(str(path))
    dialog.accept()


def open_data_file(w: World) -> None:
    seen = w.in_dialog(lambda dialog: choose(dialog, demo_data()))
    w.do("Open data file")
    assert seen == ["Open data file"]
    assert w.shown() == "data"
    assert w.window.session.settings.recent_data == [str(demo_data())]


def open_folder(w: World) -> None:
    run = made_run("elsewhere")
    seen = w.in_dialog(lambda dialog: choose(dialog, run.path))
    w.do("Open run or adapter folder")
    assert seen == ["Open run or adapter folder"]
    assert w.train().view.head.name.text() == "elsewhere"


def quit_(w: World) -> None:
    w.do("Quit")
    assert not w.window.isVisible()


def undo(w: World) -> None:
    w.window.session.draft.edit("adapter.r", 5)
    w.window.session.undo.undo()
    w.window.session.undo.redo()
    assert w.window.session.draft.value("adapter.r") == 5
    w.action(f"Undo {w.window.session.undo.undoText()}").trigger()
    assert w.window.session.draft.value("adapter.r") == 16


def redo(w: World) -> None:
    w.window.session.draft.edit("adapter.r", 5)
    w.window.session.undo.undo()
    w.action(f"Redo {w.window.session.undo.redoText()}").trigger()
    assert w.window.session.draft.value("adapter.r") == 5


def search(w: World) -> None:
    w.adapter()
    w.window.show_page("library")
    w.do("Search")
    w.qtbot.waitUntil(lambda: w.window.focusWidget() is w.shelf().search)


def theme(name: str, mode: str) -> Callable[[World], None]:
    def check(w: World) -> None:
        w.window._set_theme("dark" if mode == "light" else "light")
        w.do(name)
        assert w.window.session.theme.mode == w.window.session.settings.theme == mode

    return check


def switch_theme(w: World) -> None:
    before = w.window.session.theme.palette.dark
    w.do("Switch light and dark")
    assert w.window.session.theme.palette.dark != before


def demo(w: World) -> None:
    w.do("Train the built-in demo")
    model = w.train().view.model
    assert model is not None
    assert (model.title, model.alive, w.shown()) == ("demo", True, "train")


def find_command(w: World) -> None:
    w.action("Find a command").trigger()
    assert w.window.findChildren(Finder)[-1].isVisible()


def shortcuts(w: World) -> None:
    w.do("Keyboard shortcuts")
    assert w.window.findChildren(Shortcuts)[-1].isVisible()


def about(w: World) -> None:
    w.do("About Finetune Studio")
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    assert "Finetune Studio" in box.text()
    box.close()


def start_training(w: World) -> None:
    w.window.session.draft.edit("data.path", str(demo_data()))
    w.do("Start training")
    (model,) = w.window.session.running()
    assert w.train().view.model is model


def command(name: str, expected: events.Command) -> Callable[[World], None]:
    def check(w: World) -> None:
        model = w.going()
        w.do(name)
        assert asked(model) == [expected]

    return check


def pause(w: World) -> None:
    model = w.going()
    w.do("Pause or go on")
    model.progress.state = "paused"
    w.do("Pause or go on")
    assert asked(model) == [events.Pause(), events.Continue()]


def end(name: str) -> Callable[[World], None]:
    def check(w: World) -> None:
        model = w.child()
        w.do(name)
        w.qtbot.waitUntil(lambda: not model.alive, timeout=60_000)
        w.qtbot.waitUntil(lambda: not w.train().view.failure.isHidden() or model.state() != "failed", timeout=5000)

    return check


def resume(w: World) -> None:
    model = w.told()
    w.do("Resume the run")
    assert model.alive
    assert w.window.session.running() == [model]


class Opened(QObject):
    """Takes the folders that would be shown in the system's file manager."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    @Slot(QUrl)
    def take(self, url: QUrl) -> None:
        self.paths.append(url.toLocalFile())


def opens(w: World, name: str, folder: Path) -> None:
    opened = Opened()
    QDesktopServices.setUrlHandler("file", opened, "take")  # type: ignore[arg-type] # declared wrongly
    w.do(name)
    QDesktopServices.unsetUrlHandler("file")
    assert opened.paths == [str(folder)]


def use_again(w: World) -> None:
    w.told()
    w.do("Use these settings for a new run")
    assert (w.window.session.draft.value("name"), w.shown()) == ("told", "configure")


def remove_run(w: World) -> None:
    model = w.told()
    w.do("Move the run to the trash")
    assert not model.run.path.exists()


def remove_adapter(w: World) -> None:
    w.adapter()
    w.do("Move the adapter to the trash")
    assert library.entries() == []


def export(w: World) -> None:
    w.adapter()
    w.do("Export the adapter")
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    dialog.reject()


def compare_adapter(w: World) -> None:
    w.adapter()
    w.do("Compare the adapter with its base")
    assert w.shown() == "compare"
    assert [entry.title for entry in w.compare().panel.entries()] == ["mine"]


def rename(w: World) -> None:
    w.adapter()
    w.do("Rename the adapter")
    assert w.window.focusWidget() is w.shelf().card.title


def tag(w: World) -> None:
    w.adapter()
    w.do("Tag the adapter")
    assert w.window.focusWidget() is w.shelf().card.tags.box


def adapters_run(w: World) -> None:
    run = made_run("source")
    w.adapter(run=run.name)
    w.do("Show the adapter's run")
    assert w.train().view.head.name.text() == "source"


def refresh(w: World) -> None:
    w.window.show_page("library")
    added(w.folder, "by hand")
    assert w.shelf().table_model.items == []
    w.do("Refresh the library")
    assert [entry.title for entry in w.shelf().table_model.items] == ["by hand"]


def ask(w: World) -> None:
    w.window.show_page("compare")
    w.compare().prompt.setPlainText("Hello?")
    w.do("Compare: run")
    assert w.compare().running
    assert len(w.compare().columns) == 1


def stop_asking(w: World) -> None:
    ask(w)
    w.do("Compare: stop")
    w.qtbot.waitUntil(lambda: not w.compare().running, timeout=60_000)
    assert w.window.session.desk.requests() == []


def new_conversation(w: World) -> None:
    w.compare().show_chat(True)
    w.compare().chat.ask("Hello?", "base")
    w.compare().chat.finish("Hello.")
    w.do("Compare: new conversation")
    assert w.compare().chat.messages == []


def mode(name: str, chat: bool) -> Callable[[World], None]:
    def check(w: World) -> None:
        w.compare().show_chat(not chat)
        w.do(name)
        assert w.compare().chatting == chat

    return check


def page(title: str) -> Callable[[World], None]:
    def check(w: World) -> None:
        w.window.show_page("data" if title != "Data" else "train")
        w.do(title)
        assert w.shown() == title.lower()

    return check


def copy_yaml(w: World) -> None:
    w.window.session.draft.edit("adapter.r", 77)
    w.do("Copy the configuration as YAML")
    assert "r: 77" in QApplication.clipboard().text()


def copy_command(w: World) -> None:
    w.window.session.draft.apply({"data.path": str(demo_data()), "adapter.r": 77}, "test")
    w.do("Copy the configuration as a command")
    copied = QApplication.clipboard().text()
    assert copied.startswith("studio train ")
    assert "r=77" in copied


def choose_model(w: World) -> None:
    w.window.show_page("configure")
    w.do("Choose the base model")
    popup = QApplication.activePopupWidget()
    assert popup is not None
    assert popup.isVisible()
    popup.close()


def language(name: str, code: str) -> Callable[[World], None]:
    def check(w: World) -> None:
        w.window.session.settings.language = "?"
        w.do(name)
        assert settings.load().language == code
        assert "next opened" in w.window.notices.texts()[-1]

    return check


EFFECTS: dict[str, Callable[[World], None]] = {
    **{title: page(title) for title in ("Data", "Configure", "Train", "Library", "Compare", "Welcome")},
    "Open data file": open_data_file,
    "Open run or adapter folder": open_folder,
    "Quit": quit_,
    "Undo": undo,
    "Redo": redo,
    "Search": search,
    "Follow the system": theme("Follow the system", "system"),
    "Light": theme("Light", "light"),
    "Dark": theme("Dark", "dark"),
    "Switch light and dark": switch_theme,
    "The system's language": language("The system's language", "system"),
    **{name: language(name, code) for code, name in words.LANGUAGES.items()},
    "Copy the configuration as YAML": copy_yaml,
    "Copy the configuration as a command": copy_command,
    "Choose the base model": choose_model,
    "Train the built-in demo": demo,
    "Find a command": find_command,
    "Keyboard shortcuts": shortcuts,
    "About Finetune Studio": about,
    "Start training": start_training,
    "Stop and save the adapter": command("Stop and save the adapter", events.Stop()),
    "Stop with a checkpoint only": command("Stop with a checkpoint only", events.Stop(keep=False)),
    "End now with a checkpoint": end("End now with a checkpoint"),
    "Kill the process": end("Kill the process"),
    "Pause or go on": pause,
    "Save a checkpoint now": command("Save a checkpoint now", events.Save()),
    "Evaluate now": command("Evaluate now", events.Evaluate()),
    "Resume the run": resume,
    "Open the run folder": lambda w: opens(w, "Open the run folder", w.told().run.path),
    "Use these settings for a new run": use_again,
    "Move the run to the trash": remove_run,
    "Move the adapter to the trash": remove_adapter,
    "Export the adapter": export,
    "Compare the adapter with its base": compare_adapter,
    "Rename the adapter": rename,
    "Tag the adapter": tag,
    "Show the adapter's run": adapters_run,
    "Open the adapter's folder": lambda w: opens(w, "Open the adapter's folder", w.adapter().folder),
    "Refresh the library": refresh,
    "Compare: run": ask,
    "Compare: stop": stop_asking,
    "Compare: new conversation": new_conversation,
    "Compare: side by side": mode("Compare: side by side", False),
    "Compare: conversation": mode("Compare: conversation", True),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_it_does_what_it_says(world: World, name: str) -> None:
    EFFECTS[name](world)


def test_no_action_is_without_a_name_or_without_a_test_of_its_own(world: World) -> None:
    actions = world.window.all_actions()
    assert {title_of(action) for action in actions} == set(EFFECTS)
    keys = [key.toString() for action in actions for key in action.shortcuts()]
    shared = {key for key in keys if keys.count(key) > 1}
    # Del is the Train page's and the Library page's, each on its own page.
    assert shared == {"Del"}


def test_the_palette_lists_every_action(world: World) -> None:
    world.window.find_command()
    finder = world.window.findChildren(Finder)[-1]
    listed = {finder.list.item(at).text() for at in range(finder.list.count())}
    assert listed == set(EFFECTS)
