"""The real window, used as a person does: keys, clicks, drops, and real children behind it."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QAction, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QMessageBox,
    QSpinBox,
    QTabWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio.core import events, files, library, methods, runs, settings
from studio.core.config import DataSpec, RunConfig
from studio.ui import jobs
from studio.ui.app import open_window
from studio.ui.finder import Finder, title_of
from studio.ui.forms import declared_fields
from studio.ui.models import glance
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.data import DataPage
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.library import LibraryPage
from studio.ui.pages.train import TrainPage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.core.test_library import added
from tests.training import write_rows

# The offscreen platform says this of every window with a least size.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

PAGES = ("data", "configure", "train", "library", "compare")


def configure(window: MainWindow) -> ConfigurePage:
    window.show_page("configure")
    page = window.page("configure")
    assert isinstance(page, ConfigurePage)
    return page


def train(window: MainWindow) -> TrainPage:
    page = window.page("train")
    assert isinstance(page, TrainPage)
    return page


def field(page: ConfigurePage, key: str) -> QWidget:
    if key not in page.fields:
        page._show_all(True)
    return page.fields[key].editor


def start_short_run(window: MainWindow, qtbot: QtBot, steps: int, **more: object) -> runs.Run:
    page = configure(window)
    values = {"name": "short", "data.path": str(demo_data()), "data.max_length": 256, "training.max_steps": steps}
    window.session.draft.apply(values | {"training.per_device_train_batch_size": 1} | more, "test")
    QTest.mouseClick(page.start_button, Qt.MouseButton.LeftButton)
    model = train(window).view.model
    assert model is not None
    assert model.alive
    return model.run


def test_pages_by_key_and_by_click(window: MainWindow, qtbot: QtBot) -> None:
    for number, key in enumerate(PAGES, start=1):
        window.page_actions[number - 1].trigger()
        assert window._stack.currentWidget() is window.page(key)
    QTest.mouseClick(window._rail["configure"], Qt.MouseButton.LeftButton)
    assert window._stack.currentWidget() is window.page("configure")


def test_macos_moves_only_what_belongs_into_its_own_menu(window: MainWindow) -> None:
    moved, role = {title_of(made): made.menuRole() for made in window.findChildren(QAction)}, QAction.MenuRole
    assert {made.menuRole() for made in window.page_actions} == {role.NoRole}
    assert (moved["Quit"], moved["About Finetune Studio"]) == (role.QuitRole, role.AboutRole)


def test_a_data_file_is_read_searched_and_its_bad_rows_listed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    rows = [json.dumps({"prompt": f"question {n} <b>é</b>", "completion": "answer"}) for n in range(50)]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join([*rows, '{"prompt": "no answer"}', "not JSON"]), encoding="utf-8")
    window.open_path(file)
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: page.rejected.model.rowCount() == 2)
    assert page.table_model.rowCount() == 52
    assert page.rejected.model.index(1, 1).data() == "52"
    assert "JSON" in page.rejected.model.index(1, 2).data()
    QTest.keyClicks(page.search, "QUESTION 17")
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 1)
    assert "question 17 <b>é</b>" in page.rows.pane.written.toPlainText()
    page.search.setText("é")
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 50)
    page._use()
    assert window.session.draft.value("data.path") == str(file)


def test_a_row_is_shown_as_the_model_reads_it(window: MainWindow, qtbot: QtBot) -> None:
    window.show_page("data")
    page = window.page("data")
    assert isinstance(page, DataPage)
    page.receive(demo_data())
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 800)
    views = page.findChild(QTabWidget, "views")
    assert isinstance(views, QTabWidget)
    views.setCurrentWidget(page.tokens)
    qtbot.waitUntil(lambda: page.tokens.picture is not None)
    picture = page.tokens.picture
    assert picture is not None
    learned = "".join(
        picture.text[a:b] for (a, b), trained in zip(picture.offsets, picture.trained, strict=True) if trained
    )
    row = page.table_model.row(0)
    assert row is not None
    assert row.data is not None
    assert learned == row.data["messages"][-1]["content"] + "<|im_end|>"


def test_a_file_that_cannot_be_read_is_said_so(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.touch()
    window.open_path(file)
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2)
    assert "empty" in page.unreadable.what.text()
    assert page.unreadable.hint.text()
    window.open_path(tmp_path / "thing.xyz")
    assert "thing.xyz" in window.notices.texts()[-1]


def test_the_form_has_every_setting_with_help_and_bounds(window: MainWindow) -> None:
    page = configure(window)
    page._show_all(True)
    every = {spec.key for spec in declared_fields()}
    assert set(page.fields) == {key for key in every if methods.has("lora", key)}
    for method in ("lokr", "oft", "lora"):
        window.session.draft.edit("adapter.method", method)
    assert set(page.fields) == every
    for made in page.fields.values():
        assert made.editor.accessibleName()
        assert made.spec.help in made.editor.toolTip()
    rank = field(page, "adapter.r")
    assert isinstance(rank, QSpinBox)
    assert rank.value() == 16
    assert page.fields["adapter.r"].spec.bounds == "at least 1, at most 1,024"
    page._show_all(False)
    assert not field(page, "training.optim").isVisible()
    page._show_all(True)
    assert not field(page, "training.optim").isHidden()


def test_edits_are_marked_undone_and_redone(window: MainWindow, qtbot: QtBot) -> None:
    page, session = configure(window), window.session
    rank, rate = field(page, "adapter.r"), field(page, "training.learning_rate")
    assert isinstance(rank, QSpinBox)
    assert isinstance(rate, QLineEdit)
    rank.setValue(64)
    rate.clear()
    QTest.keyClicks(rate, "99")
    assert session.draft.value("training.learning_rate") == 99
    assert not page.fields["training.learning_rate"].fault.isHidden()
    assert not page.start_button.isEnabled()
    assert not page.fields["adapter.r"].mark.isHidden()
    session.undo.undo()
    assert rate.text() == "0.0002"
    session.undo.undo()
    assert rank.value() == 16
    assert page.fields["adapter.r"].mark.isHidden()
    session.undo.redo()
    assert rank.value() == 64
    page.fields["adapter.r"].reset.click()
    assert rank.value() == 16


def test_start_says_why_it_cannot(window: MainWindow) -> None:
    page = configure(window)
    assert not page.start_button.isEnabled()
    assert "Training data" in page.reason.text()
    window.session.draft.edit("data.path", str(demo_data()))
    assert page.start_button.isEnabled()
    assert page.reason.isHidden()


def test_yaml_and_form_are_two_views_of_one(window: MainWindow, qtbot: QtBot) -> None:
    page, draft = configure(window), window.session.draft
    page._show_view(1)
    page.yaml.editor.setPlainText("adapter: {r: 3}\ndata: {path: x.jsonl}")
    qtbot.waitUntil(lambda: draft.value("adapter.r") == 3)
    rank = field(page, "adapter.r")
    assert isinstance(rank, QSpinBox)
    assert rank.value() == 3
    page.yaml.editor.setPlainText("adapter: {rr: 3}")
    qtbot.waitUntil(lambda: "adapter.rr" in page.yaml.message.text())
    assert draft.value("adapter.r") == 3
    draft.edit("adapter.r", 5)
    assert "r: 5" in page.yaml.editor.toPlainText()


def test_presets_apply_as_one_step(window: MainWindow) -> None:
    page, draft = configure(window), window.session.draft
    before = draft.values()
    for made in page.findChildren(QAbstractButton):
        if made.text() in ("Quick", "Balanced", "Thorough"):
            made.click()
            assert set(draft.faults()) <= {"data.path"}
            window.session.undo.undo()
            assert draft.values() == before


def test_the_wheel_changes_nothing_that_is_not_focused(window: MainWindow) -> None:
    page = configure(window)
    page._show_all(True)
    before = window.session.draft.values()
    for made in page.fields.values():
        if isinstance(made.editor, QComboBox | QSpinBox):
            at, none = QPointF(5, 5), Qt.KeyboardModifier.NoModifier
            turn = QWheelEvent(
                at, at, QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False
            )
            QApplication.sendEvent(made.editor, turn)
    assert window.session.draft.values() == before


def test_a_run_from_start_to_library_and_out_of_it(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    run = start_short_run(window, qtbot, 6, **{"data.eval_split": 0.01, "training.eval_steps": 3})
    model = window.session.models[run.path.resolve()]
    qtbot.waitUntil(lambda: not model.alive, timeout=100_000)
    assert model.state() == "completed", model.progress.failed
    assert len(model.curves["loss"]) == 6
    assert model.curves["eval_loss"].x.tolist() == [0, 3, 6]
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    (entry,) = library.entries()
    assert page.table_model.items == [entry]
    assert any(entry.name in text for text in window.notices.texts())
    window.show_page("library")
    page._open_run()
    assert train(window).view.model is model
    dialog = ExportDialog(window.session, entry, window)
    dialog.folder.setText(str(tmp_path / "exported"))
    dialog.export()
    qtbot.waitUntil(lambda: dialog.proof is not None, timeout=100_000)
    assert dialog.proof is not None
    assert dialog.proof.objectName() == "success"
    assert (tmp_path / "exported" / library.WEIGHTS).is_file()
    dialog.reject()


def test_the_demo_starts_with_one_click(window: MainWindow, qtbot: QtBot) -> None:
    window.show_page("train")
    page = train(window)
    demo = next(made for made in page.findChildren(QAbstractButton) if "demo" in made.text())
    QTest.mouseClick(demo, Qt.MouseButton.LeftButton)
    model = page.view.model
    assert model is not None
    qtbot.waitUntil(lambda: model.progress.step >= 1, timeout=100_000)
    assert page.view.head.name.text() == "demo"
    assert model.end_process(kill=True)
    qtbot.waitUntil(lambda: not model.alive)


def test_a_killed_run_is_told_of_and_resumes(window: MainWindow, qtbot: QtBot) -> None:
    run = start_short_run(window, qtbot, 5000, **{"training.save_steps": 2})
    model, view = window.session.models[run.path.resolve()], train(window).view
    qtbot.waitUntil(lambda: model.progress.step >= 3, timeout=100_000)
    process = jobs.owner(run)
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: not model.alive)
    qtbot.waitUntil(lambda: not view.failure.isHidden())
    assert "killed" in view.failure.what.text()
    # The list, another window and the command line read the same of it.
    assert glance(run).state == model.state() == "failed"
    assert run.progress().failed == model.progress.failed
    view.failure.remedy.click()
    qtbot.waitUntil(lambda: bool(model.progress.resumed), timeout=100_000)
    view.stop.trigger()
    qtbot.waitUntil(lambda: not model.alive)
    assert model.state() == "stopped"
    steps = model.curves["loss"].x
    assert list(steps) == list(range(1, len(steps) + 1))


def test_a_window_that_comes_back_finds_the_run_with_its_whole_curve(qtbot: QtBot, qapp: QApplication) -> None:
    first = open_window(qapp)
    run = start_short_run(first, qtbot, 5000)
    qtbot.waitUntil(lambda: first.session.models[run.path.resolve()].progress.step >= 3, timeout=100_000)
    first._closing = True
    first.close()
    first.deleteLater()
    second = open_window(qapp)
    qtbot.waitUntil(lambda: run.path.resolve() in second.session.models)
    model = second.session.models[run.path.resolve()]
    qtbot.waitUntil(lambda: model.progress.step > 5)
    assert model.alive
    assert model.curves["loss"].x[0] == 1
    assert model.end_process(kill=False)
    qtbot.waitUntil(lambda: not model.alive)
    second.close()
    second.deleteLater()
    qapp.processEvents()


@pytest.mark.parametrize("answer", ["Keep training", "Stop and save", "Cancel"])
def test_closing_asks_what_is_to_become_of_a_run(window: MainWindow, qtbot: QtBot, answer: str) -> None:
    run = runs.create(_config())
    model = window.session.model_of(run)
    # Once it is known that nobody works on it, it stays as it is said to be.
    qtbot.waitUntil(lambda: model._left_at is not None)
    model.alive = True

    def choose() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        again.append(window.close())
        assert box.isVisible()
        next(made for made in box.buttons() if made.text() == answer).click()

    again = list[bool]()
    QTimer.singleShot(50, choose)
    window.close()
    qtbot.waitUntil(lambda: bool(again))
    assert again == [False], "it asks already"
    assert window.isVisible() == (answer == "Cancel")
    asked = [events.decode_command(line) for line in files.read_lines(run.commands_path)[0]]
    assert asked == ([events.Stop()] if answer == "Stop and save" else [])
    model.alive = False


def test_a_window_stays_where_a_run_cannot_be_asked_to_stop(window: MainWindow, qtbot: QtBot) -> None:
    run = runs.create(_config())
    model = window.session.model_of(run)
    # Once it is known that nobody works on it, it stays as it is said to be.
    qtbot.waitUntil(lambda: model._left_at is not None)
    model.alive = True
    run.commands_path.mkdir()

    def choose() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        next(made for made in box.buttons() if made.text() == "Stop and save").click()

    QTimer.singleShot(50, choose)
    window.close()
    qtbot.waitUntil(lambda: bool(window.notices.texts()))
    assert window.isVisible()
    assert "could not be written" in window.notices.texts()[-1]
    model.alive = False


def _config() -> RunConfig:
    return RunConfig(name="held", data=DataSpec(path=str(demo_data())))


def test_adapters_are_renamed_noted_removed_and_brought_back(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    added(tmp_path, "first")
    time.sleep(0.01)
    added(tmp_path, "second", 2.0)
    window.show_page("library")
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    assert [entry.title for entry in page.table_model.items] == ["second", "first"]
    page.card.title.setText("better")
    page.card.title.editingFinished.emit()
    assert library.find("better").name == "second"
    window.session.undo.undo()
    assert library.find("second").title == "second"
    page.search.setText("FIRST")
    assert page.table.model().rowCount() == 1
    page.search.clear()
    flags = QItemSelectionModel.SelectionFlag
    # `selectRow` would toggle while a key of an earlier test counts as held.
    page.table.selectionModel().select(page.table.model().index(0, 0), flags.ClearAndSelect | flags.Rows)
    page.remove()
    assert len(library.entries()) == 1
    window.session.undo.undo()
    assert len(library.entries()) == 2


def test_every_action_is_in_the_palette_and_the_palette_runs_one(window: MainWindow, qtbot: QtBot) -> None:
    for key in PAGES:
        window.show_page(key)
    names = {title_of(action) for action in window.all_actions()}
    assert {"Start training", "Undo", "Redo", "Open data file", "Stop and save the adapter", "Quit"} <= names
    window.find_command()
    finder = window.findChild(Finder)
    assert finder is not None
    QTest.keyClicks(finder.box, "conf")
    QTest.keyClick(finder.box, Qt.Key.Key_Return)
    assert window._stack.currentWidget() is window.page("configure")


def test_the_shortcuts_of_undo_and_redo_are_listed_whatever_they_would_do(window: MainWindow) -> None:
    draft = window.session.draft
    draft.edit("adapter.r", 5, "Rank")
    draft.edit("adapter.r", 6, "Rank")
    window.session.undo.undo()
    _, everywhere = window.shortcuts()[0]
    assert {("Undo", "Ctrl+Z"), ("Redo", "Ctrl+Shift+Z")} <= set(everywhere)
    assert not any("Rank" in name for name, _ in everywhere)


@pytest.mark.parametrize(("typed", "found"), [("chin", ["简体中文"]), ("theme", 3), ("language", 3)])
def test_languages_and_themes_are_found_by_what_they_are(window: MainWindow, typed: str, found: object) -> None:
    window.find_command()
    finder = window.findChild(Finder)
    assert finder is not None
    QTest.keyClicks(finder.box, typed)
    listed = [finder.list.item(at).text() for at in range(finder.list.count())]
    assert found in (listed, len(listed))
    finder.close()


def test_dialogs_go_when_they_are_closed(window: MainWindow, qtbot: QtBot) -> None:
    for show in (window.find_command, window.show_shortcuts, window._about, window.find_command):
        show()
        (shown,) = [made for made in window.findChildren(QDialog) if made.isVisible()]
        shown.close()
        qtbot.waitUntil(lambda: not window.findChildren(QDialog))


def test_settings_survive(window: MainWindow, tmp_path: Path) -> None:
    window.show_page("library")
    window.session.draft.edit("adapter.r", 77)
    window.close()
    stored = settings.load()
    assert stored.page == "library"
    assert stored.geometry
    assert stored.draft["adapter"]["r"] == 77


def test_many_events_come_through(window: MainWindow, qtbot: QtBot) -> None:
    run, count = runs.create(_config()), 20_000
    line = events.encode(
        events.Step(step=1, epoch=0.1, loss=2.0, learning_rate=1e-3, grad_norm=1.0, tokens=9, trained_tokens=4,
                    step_s=0.1, tokens_per_s=90.0, memory_bytes=1, eta_s=3.0)
    )  # fmt: skip
    run.events_path.write_bytes(b"".join(line.replace(b'"step":1,', b'"step":%d,' % n) for n in range(1, count + 1)))
    model = window.session.model_of(run)
    # How many a second is measured by `tests.bench.window`.
    qtbot.waitUntil(lambda: len(model.curves["loss"]) == count)


def test_a_large_table_is_lazy(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "large.jsonl", 100)
    file.write_bytes(file.read_bytes() * 1000)
    window.open_path(file)
    page = window.page("data")
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 100_000, timeout=100_000)
    started = time.monotonic()
    for at in range(0, 100_000, 5000):
        assert page.table_model.index(at, 1).data()
    # Each reads a page of the file, a thousandth of a second; one that reads the whole file takes a second.
    assert (time.monotonic() - started) / 20 < 0.5
