"""Every action of the window: each is in the palette by name, and each, triggered, does what it says."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from studio.core import events, library, settings
from studio.ui import words
from studio.ui.finder import Finder, Shortcuts, keys_of, title_of
from studio.ui.pages.data_history import History
from studio.ui.pages.data_hub import HubDialog
from studio.ui.pages.data_steps import StepDialog
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.layers import LayersDialog
from studio.ui.pages.run_rate import RateDialog, peak
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.core.test_library import added
from tests.ui.more_effects import MORE
from tests.ui.told import made_run
from tests.ui.world import World, asked, choose, lays_over

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def world(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> World:
    for key in (*window._rail, "welcome"):
        window.page(key)
    window.show_page("data")
    return World(window, qtbot, tmp_path)


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
        w.qtbot.waitUntil(lambda: not model.alive)
        w.qtbot.waitUntil(lambda: not w.train().view.failure.isHidden() or model.state() != "failed")

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


def about_adapter(name: str, kind: type[QDialog]) -> Callable[[World], None]:
    def check(w: World) -> None:
        w.adapter()
        w.do(name)
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, kind)
        dialog.close()

    return check


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
    w.adapter(run=made_run("source").name)
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


def stop_asking(w: World) -> None:
    ask(w)
    w.do("Compare: stop")
    w.qtbot.waitUntil(lambda: not w.compare().running)
    assert w.window.session.desk.requests() == []


def new_conversation(w: World) -> None:
    w.compare().show_mode(1)
    assert not w.compare().new_button.isEnabled()
    ask(w)
    assert w.compare().chat.messages
    w.do("Compare: new conversation")
    assert w.compare().chat.messages == []


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


def of_rows(name: str, kind: type[QDialog]) -> Callable[[World], None]:
    """An entry of the Version menu that asks for settings: from another page it leads to the rows."""

    def check(w: World) -> None:
        assert not w.action(name).isEnabled(), "there are no rows yet"
        w.data()
        w.window.show_page("train")
        w.do(name)
        assert w.shown() == "data"
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, kind)
        dialog.close()

    return check


def mix(w: World) -> None:
    w.data()
    seen = w.in_dialog(lambda dialog: choose(dialog, demo_data()))
    w.do("Mix with another file")
    assert seen == ["Mix with"]
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, StepDialog)
    dialog.close()


def export_rows(w: World) -> None:
    w.data()
    target = w.folder / "rows.jsonl"
    seen = w.in_dialog(lambda dialog: choose(dialog, target))
    w.do("Export the rows")
    assert seen == ["Export the rows"]
    w.qtbot.waitUntil(lambda: "rows written" in "".join(w.window.notices.texts()))
    assert target.stat().st_size == demo_data().stat().st_size


def history(w: World) -> None:
    page = w.data()
    assert not w.action("History of the version").isEnabled(), "it is a plain file"
    page.rows.act("exclude")
    w.qtbot.waitUntil(w.action("History of the version").isEnabled)
    w.do("History of the version")
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, History)
    dialog.close()


def open_hub(w: World) -> None:
    w.window.show_page("train")
    w.do("Open a dataset of the hub")
    assert w.shown() == "data"
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, HubDialog)
    dialog.close()


def rate(w: World) -> None:
    model = w.going()
    for text, takes in (("fast", False), ("0", False), ("11", False), ("2e-3", True)):
        w.do("Change the learning rate")
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, RateDialog)
        assert dialog.box.text() == "0.0002"
        dialog.box.setText(text)
        assert dialog.take.isEnabled() == takes
        assert dialog.fault.text().strip() == ("" if takes else "Type a number: above 0, at most 10.")
        QTest.keyClick(dialog.box, Qt.Key.Key_Return)
        dialog.close()
    assert peak(model.run) == 2e-3
    assert asked(model) == [events.SetLearningRate(learning_rate=2e-3)]


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
    **{name: end(name) for name in ("End now with a checkpoint", "Kill the process")},
    "Pause or go on": pause,
    "Save a checkpoint now": command("Save a checkpoint now", events.Save()),
    "Evaluate now": command("Evaluate now", events.Evaluate()),
    "Resume the run": resume,
    "Change the learning rate": rate,
    "Compare with other runs": lays_over,
    **{name: of_rows(name, StepDialog) for name in ("Split the rows", "Deduplicate the rows", "Sample rows")},
    "Balance groups of rows": of_rows("Balance groups of rows", StepDialog),
    "Mix with another file": mix,
    "Export the rows": export_rows,
    "Open a dataset of the hub": open_hub,
    "History of the version": history,
    "Open the run folder": lambda w: opens(w, "Open the run folder", w.told().run.path),
    "Use these settings for a new run": use_again,
    "Move the run to the trash": remove_run,
    "Move the adapter to the trash": remove_adapter,
    "Export the adapter": about_adapter("Export the adapter", ExportDialog),
    "Compare the adapter with its base": compare_adapter,
    "Show the adapter's layers": about_adapter("Show the adapter's layers", LayersDialog),
    "Rename the adapter": rename,
    "Tag the adapter": tag,
    "Show the adapter's run": adapters_run,
    "Open the adapter's folder": lambda w: opens(w, "Open the adapter's folder", w.adapter().folder),
    "Refresh the library": refresh,
    "Compare: run": ask,
    "Compare: stop": stop_asking,
    "Compare: new conversation": new_conversation,
    **MORE,
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


def test_the_sheet_of_shortcuts_has_every_key_on_the_page_that_it_is_for(world: World) -> None:
    groups = dict(world.window.shortcuts())
    listed = sorted(line for lines in groups.values() for line in lines)
    of_actions = [(title_of(action), keys_of(action)) for action in world.window.all_actions() if keys_of(action)]
    of_pages = [*world.data().keys, *world.train().keys, *world.compare().keys]
    assert listed == sorted([*of_actions, *of_pages])
    assert ("Quit", "Ctrl+Q") in groups["Everywhere"]
    assert ("Exclude", "X") in groups["Data"]
    assert ("Start training", "Ctrl+Return") in groups["Configure"]
    assert ("Move the run to the trash", "Del") in groups["Train"]
    assert ("Compare: run", "Ctrl+Enter") in groups["Compare"]


def test_no_row_of_the_sheet_of_shortcuts_is_squeezed(world: World) -> None:
    world.window.show_shortcuts()
    sheet = world.window.findChildren(Shortcuts)[-1]
    world.qtbot.waitExposed(sheet)
    QApplication.processEvents()
    made = sheet.findChildren(QLabel)
    assert len(made) > 40
    assert [said.text() for said in made if said.height() < said.sizeHint().height()] == []


def test_the_palette_says_that_no_command_is_called_so(world: World) -> None:
    world.window.find_command()
    finder = world.window.findChildren(Finder)[-1]
    finder.box.setText("nothing is called this")
    assert [finder.list.item(at).text() for at in range(finder.list.count())] == ["No command has this in its name."]
    QTest.keyClick(finder.box, Qt.Key.Key_Return)
    assert finder.isVisible()
