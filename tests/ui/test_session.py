"""What the pages share: settings that survive, the draft, followed runs, and undo from a notice."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio import paths
from studio.core import events, runs, settings
from studio.core.config import DataSpec, RunConfig
from studio.core.runs import Run
from studio.core.settings import Settings
from studio.core.versions import recipe
from studio.core.versions.steps import Sample
from studio.ui.app import open_window
from studio.ui.ask_panel import AskPanel
from studio.ui.draft import Draft
from studio.ui.edits import AdapterChange, AdapterRemoval, RunRemoval
from studio.ui.forms import parsed
from studio.ui.model_picker import ModelPicker
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.data import DataPage
from studio.ui.passage import Passage
from studio.ui.session import Notice, demo_data
from studio.ui.window import MainWindow
from tests.core.test_library import added
from tests.ui.test_data_page import file, page, press, version
from tests.ui.told import made_run, prepared, step, tell

__all__ = ["file", "page"]  # the fixtures

# The offscreen platform says this of every window with a least size.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")


def test_the_draft_is_kept_before_the_window_closes(window: MainWindow, qtbot: QtBot) -> None:
    window.session.draft.edit("adapter.r", 77)
    qtbot.waitUntil(lambda: settings.load().draft.get("adapter", {}).get("r") == 77)


def test_settings_that_cannot_be_written_are_told_of_once(window: MainWindow) -> None:
    window.session.save()
    paths.settings_file().unlink()
    paths.settings_file().mkdir()
    for _ in range(3):
        window.session.save()
    assert len(window.notices.texts()) == 1
    paths.settings_file().rmdir()
    window.session.save()
    paths.settings_file().unlink()
    paths.settings_file().mkdir()
    window.session.save()
    assert len(window.notices.texts()) == 2
    paths.settings_file().rmdir()


def test_damaged_settings_are_told_of_in_the_window_and_to_the_terminal(
    qapp: QApplication, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.settings_file().write_text('{"theme": 5, "page": "library"')
    for expected in (1, 0):
        window = open_window(qapp)
        told = [text for text in window.notices.texts() if "settings.json are damaged" in text]
        assert len(told) == expected
        said = capsys.readouterr().err
        assert said.count("are damaged") == expected
        if expected:
            (aside,) = home.glob("settings-damaged-*.json")
            assert str(aside) in told[0]
            assert str(aside) in said
        window.close()
        window.deleteLater()
        qapp.processEvents()
        qapp.sendPostedEvents(None, 52)  # QEvent.DeferredDelete


def test_a_model_that_is_none_is_said_before_anybody_is_asked(tmp_path: Path) -> None:
    draft = Draft(QUndoStack(), {})
    assert "model.path" not in draft.faults()
    for path, said in (
        (str(tmp_path / "mdoel"), "There is no folder"),
        (str(tmp_path), "holds no config.json"),
        ("", "at least 1 character"),
    ):
        draft.edit("model.path", path)
        assert said in draft.faults()["model.path"]
    draft.edit("model.path", "owner/model")
    assert "model.path" not in draft.faults()


@pytest.mark.parametrize(
    ("objective", "beta", "left"),
    [("sft", 0.1, None), ("dpo", 0.1, None), ("dpo", 0.2, 0.2), ("simpo", 0.1, 0.1), ("simpo", 2.0, None), ([], 1, 1)],
)
def test_a_usual_beta_is_not_taken_along_to_another_objective(objective: Any, beta: float, left: float | None) -> None:
    draft = Draft(QUndoStack(), {"training": {"objective": objective, "beta": beta}})
    assert draft.value("training.beta") == left


def test_a_name_that_is_no_text_keeps_nothing_from_being_stored() -> None:
    settings.save(Settings(page="library", recent_data=[os.fsdecode(b"/data/\xff.jsonl"), "/data/y.jsonl"]))
    stored = settings.load()
    assert stored.page == "library"
    assert stored.recent_data[1] == "/data/y.jsonl"


def test_what_was_used_again_is_remembered_once_and_first() -> None:
    recent = [f"/data/{number}" for number in range(12)]
    assert settings.remembered(recent, "/data/5") == ["/data/5", *(item for item in recent if item != "/data/5")]
    assert settings.remembered(recent, "/new") == ["/new", *recent[:11]]


@pytest.mark.parametrize("path", ["~nobody/rows.jsonl", "x" * 300, "\0", 5, None])
def test_a_window_opens_on_whatever_was_stored(qapp: QApplication, qtbot: QtBot, path: object) -> None:
    stored = {"geometry": "abc", "page": "nowhere", "welcomed": True, "draft": {"data": {"path": path}, "name": []}}
    paths.settings_file().write_text(json.dumps(stored))
    made = open_window(qapp)
    qtbot.waitExposed(made)
    assert made.session.draft.faults()["data.path"]
    made.close()
    made.deleteLater()


def test_what_may_be_data_is_no_fault(qapp: QApplication, tmp_path: Path) -> None:
    draft = Draft(QUndoStack(), {})
    for path in (str(demo_data()), str(tmp_path), str(tmp_path / "*.jsonl"), "owner/rows", "hf://datasets/a/b@x/y"):
        draft.edit("data.path", path)
        assert not draft.faults(), path
    for path in ("", "owner/rows.jsonl", str(tmp_path / "none.jsonl"), "~nobody/x", "x" * 300):
        draft.edit("data.path", path)
        assert "data.path" in draft.faults(), path


def test_runs_of_the_same_name_in_two_places_are_two(window: MainWindow, tmp_path: Path) -> None:
    config = RunConfig(data=DataSpec(path=str(demo_data())))
    one, other = (runs.create(config, tmp_path / place / "run") for place in ("one", "other"))
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert window.session.model_of(one).run == one
    assert window.session.model_of(other).run == other
    assert window.session.model_of(Run(tmp_path / "link" / "run")).run == one
    window.session.forget(one)
    assert [model.run for model in window.session.models.values()] == [other]


def test_a_run_that_begins_its_work_has_the_desk_make_room_once(window: MainWindow, qtbot: QtBot) -> None:
    session, run, released = window.session, made_run(), list[int]()
    session.desk.release = lambda: released.append(1)  # type: ignore[method-assign] # a real one would start a process
    with run.claim():
        tell(run, events.Phase(name="queued", detail="another"))
        model = session.model_of(run)
        qtbot.waitUntil(lambda: model.state() == "queued")
        assert released == []
        tell(run, events.Phase(name="loading"), prepared(3))
        qtbot.waitUntil(lambda: model.progress.prepared is not None)
        tell(run, step(1, 2.0))
        qtbot.waitUntil(lambda: model.progress.step == 1)
        assert released == [1]
    qtbot.waitUntil(lambda: not model.alive)
    with run.claim():
        tell(run, events.Resumed(step=0, checkpoint=""), events.Phase(name="loading"))
        session.attach_again([run])
        qtbot.waitUntil(lambda: len(released) == 2)


def test_the_notice_of_a_preset_takes_back_the_preset_alone(window: MainWindow) -> None:
    window.show_page("configure")
    page, draft = window.page("configure"), window.session.draft
    assert isinstance(page, ConfigurePage)
    told = list[Notice]()
    window.session.noticed.connect(told.append)
    (preset, made), before = page._presets[0], draft.values()
    made.click()
    act = told[-1].act
    assert act is not None
    draft.edit("name", "mine")
    act()
    assert draft.value("name") == "mine"
    assert all(draft.value(key) == value for key, value in preset.settings.items())
    window.session.undo.undo()
    act()
    assert draft.values() == before
    window.session.undo.redo()
    draft.edit("name", "mine")
    made.click()
    assert told[-1].act is None  # nothing was changed, so there is nothing to take back
    assert draft.value("name") == "mine"


def test_a_value_beyond_what_a_box_can_show_is_borne(window: MainWindow) -> None:
    window.show_page("configure")
    page, draft = window.page("configure"), window.session.draft
    assert isinstance(page, ConfigurePage)
    page._show_all(True)
    draft.edit("training.seed", 2**32 - 1)
    assert draft.value("training.seed") == 2**32 - 1
    assert "training.seed" not in draft.faults()
    draft.edit("training.seed", 10**30)
    assert "training.seed" in draft.faults()


@pytest.mark.parametrize("text", ["a: 2024-13-41", "a: " + "1" * 5000, "{" * 3000])
def test_what_yaml_stumbles_over_stays_text(text: str) -> None:
    assert parsed(text, dict[str, int]) == text


def test_a_path_with_a_tag_in_it_is_no_markup(window: MainWindow) -> None:
    picker = ModelPicker(window.session.theme, lambda: ["/models/<img src=x>"])
    picker.show_path("/models/<img src=x>")
    shown = picker.open()
    tips = [part.toolTip() for part in (*picker.findChildren(QWidget), *shown.findChildren(QWidget))]
    tips += [shown.list.item(at).toolTip() for at in range(shown.list.count())]
    assert any("img" in tip for tip in tips)
    assert not [tip for tip in tips if "<" in tip]
    shown.close()
    picker.leave()
    picker.deleteLater()


def test_a_notice_stays_while_its_text_is_copied(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.notices._SHOWN_MS", 50)
    window.session.tell("Said.")
    said = window.notices.findChild(Passage)
    assert isinstance(said, Passage)
    said.setFocus()
    qtbot.waitUntil(said.hasFocus)
    qtbot.wait(200)
    assert window.notices.texts() == ["Said."]
    said.clearFocus()
    qtbot.waitUntil(lambda: window.notices.texts() == [])


@pytest.mark.parametrize("how", ["copied", "pointed at"])
def test_a_notice_that_is_read_stays_when_newer_ones_come(window: MainWindow, qtbot: QtBot, how: str) -> None:
    window.session.tell("Old.", "bad")
    window.session.tell("Read.", "bad")
    said = window.notices.findChildren(Passage)[1]
    if how == "copied":
        said.setFocus()
        qtbot.waitUntil(said.hasFocus)
    else:
        window.notices._frames()[1].setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    for number in range(4):
        window.session.tell(f"New {number}.", "bad")
    assert window.notices.texts() == ["Read.", "New 2.", "New 3."]


def test_a_screen_reader_says_a_notice_once(window: MainWindow) -> None:
    window.session.tell("Said.", "good")
    (frame,) = window.notices._frames()
    assert [made.accessibleName() for made in (frame, *frame.findChildren(Passage))] == ["", "Said."]


def test_a_long_name_in_a_notice_is_broken(window: MainWindow) -> None:
    window.session.tell("x" * 200, "good", "Show", lambda: None)
    QApplication.processEvents()
    (frame,) = window.notices._frames()
    said = frame.findChild(Passage)
    assert isinstance(said, Passage)
    assert said.toPlainText() == "x" * 200
    assert said.minimumSizeHint().width() <= said.width()
    assert said.height() >= said.heightForWidth(said.width())
    assert said.verticalScrollBar().maximum() == 0
    assert window.notices.texts() == ["x" * 200]


def press_undo(window: MainWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


@pytest.mark.parametrize("shown", ["data", "configure", "train", "library"])
def test_an_undone_step_that_is_not_in_sight_is_named(window: MainWindow, tmp_path: Path, shown: str) -> None:
    session, entry, run = window.session, added(tmp_path, "mine"), made_run("short")
    steps: list[tuple[str, str, Callable[[], object]]] = [
        ("library", "change mine", lambda: session.undo.push(AdapterChange(session, entry, {"note": "good"}))),
        ("configure", "Rank", lambda: session.draft.edit("adapter.r", 5, "Rank")),
        ("train", "remove the run short", lambda: session.undo.push(RunRemoval(session, run, "short"))),
        ("library", "remove mine", lambda: session.undo.push(AdapterRemoval(session, [entry]))),
    ]
    for _, _, act in steps:
        act()
    window.show_page(shown)
    told = list[str]()
    session.noticed.connect(lambda notice: told.append(notice.text))
    hidden = [text for where, text, _ in steps if where != shown]
    for _ in steps:
        press_undo(window)
    assert told == [f"Undone: {text}." for text in reversed(hidden)]
    told.clear()
    for _ in steps:
        window._redo.trigger()
    assert told == [f"Done again: {text}." for text in hidden]


def test_an_undone_edit_of_data_is_named_elsewhere(window: MainWindow, page: DataPage, qtbot: QtBot) -> None:
    press(page, Qt.Key.Key_X)
    version(page, qtbot, 1)
    window.show_page("configure")
    press_undo(window)
    assert window.notices.texts()[-1] == "Undone: exclude rows."
    version(page, qtbot, 0)
    window._redo.trigger()
    version(page, qtbot, 1)
    window.show_page("data")
    press_undo(window)
    assert "Done again" not in "".join(window.notices.texts()), "it went with the step it is about"
    assert "Undone" not in "".join(window.notices.texts()), "the rows show it"


def test_what_was_undone_out_of_sight_is_done_again_from_its_notice(window: MainWindow) -> None:
    draft = window.session.draft
    draft.edit("adapter.r", 5, "Rank")
    window.show_page("library")
    press_undo(window)
    (again,) = (made for made in window.notices.findChildren(QPushButton) if made.text() == "Redo")
    again.click()
    assert draft.value("adapter.r") == 5
    assert window.notices.texts() == ["Done again: Rank."]


def test_a_step_that_cannot_be_undone_is_not_told_as_if_it_were(window: MainWindow) -> None:
    run = made_run("short")
    window.session.undo.push(RunRemoval(window.session, run, "short"))
    window.show_page("configure")
    run.path.mkdir()
    press_undo(window)
    assert not any("Undone" in text for text in window.notices.texts())
    assert window.notices.texts()
    assert (window._undo.isEnabled(), window._undo.text()) == (False, "Undo")


def test_an_edit_of_data_that_cannot_be_undone_is_not_told_as_if_it_were(
    window: MainWindow, page: DataPage, qtbot: QtBot
) -> None:
    press(page, Qt.Key.Key_X)
    path = version(page, qtbot, 1).path
    recipe.change(path, lambda said: said.added([recipe.Made(step=Sample(count=3))]))
    window.show_page("configure")
    press_undo(window)
    assert not any("Undone" in text for text in window.notices.texts())
    assert any("changed" in text for text in window.notices.texts())
    assert recipe.load(path).cursor == 2
    assert not window.session.undo.canUndo()


def test_a_runs_own_copy_is_not_remembered_as_data(window: MainWindow, tmp_path: Path) -> None:
    mine = tmp_path / "letters.recipe.json"
    mine.write_text("{}", encoding="utf-8")
    data = DataSpec(path=str(mine), eval_path=str(mine))
    config = runs.create(RunConfig(data=data)).config()
    for path in (config.data.path, config.data.eval_path, str(mine)):
        window.session.remember_data(Path(str(path)))
    assert window.session.settings.recent_data == [str(mine)]


def test_folders_of_the_program_that_cannot_be_read_are_told_once(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    folders = (paths.adapters_dir(), paths.runs_dir(), paths.datasets_dir())
    for folder in folders:
        folder.write_text("no folder", encoding="utf-8")
    for _ in range(2):
        for key in ("data", "configure", "train", "library", "compare"):
            window.show_page(key)
        window.session.runs_changed.emit()
        window.session.library_changed.emit()
    told = window.notices.texts()
    assert sorted(told) == sorted(set(told))
    assert {str(folder) for folder in folders} == {text.partition(" cannot be read")[0] for text in told}
    compare = window.findChild(AskPanel)
    assert compare is not None
    assert "cannot be read" in compare.none.text()
