"""The Configure page on the real window with the real desk: the summary, the picker, faults, undo, what is copied."""

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from studio.core import config_file, modules
from studio.core.config import AdapterSpec
from studio.core.units import short, size
from studio.engine import planning, targets
from studio.engine.model import skeleton
from studio.ui.app import open_window
from studio.ui.draft import defaults
from studio.ui.forms import declared_fields
from studio.ui.model_picker import ModelList
from studio.ui.pages.configure import ConfigurePage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.engine.test_local import cached
from tests.models import tiny
from tests.training import write_rows

# The offscreen platform says these of every window with a least size, and of every popup.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)

SOON_MS = 200_000  # a desk is a process that loads torch


@contextmanager
def opened(qapp: QApplication) -> Iterator[tuple[MainWindow, ConfigurePage]]:
    made = open_window(qapp)
    made.show_page("configure")
    page = made.page("configure")
    assert isinstance(page, ConfigurePage)
    qapp.processEvents()  # what it asks for behind its first showing is asked, and can be ended
    yield made, page
    made._closing = True
    made.close()
    made.deleteLater()
    qapp.processEvents()
    qapp.sendPostedEvents(None, 52)  # QEvent.DeferredDelete


@pytest.fixture(scope="module")
def opened_once(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainWindow]:
    """The window of all these tests: its desk is a process that loads torch, and each test would wait for its own."""
    home = tmp_path_factory.mktemp("configure")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(home))
        patch.setenv("HF_HUB_CACHE", str(home / "hub"))
        with opened(qapp) as (made, page):
            model, rows = tiny("llama", home / "base"), write_rows(home / "rows.jsonl", 40)
            made.session.draft.apply({"model.path": str(model), "data.path": str(rows)}, "test")
            deadline = time.monotonic() + SOON_MS / 1000
            while page.summary.stale and time.monotonic() < deadline:
                QTest.qWait(20)
            yield made


@pytest.fixture
def window(opened_once: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """The window as it is when it has just been opened, with nothing chosen."""
    (tmp_path / "hub").mkdir()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    # Another module's window may have come to the front between two of these tests.
    opened_once.activateWindow()
    qtbot.waitUntil(opened_once.isActiveWindow)
    session = opened_once.session
    page = opened_once.page("configure")
    assert isinstance(page, ConfigurePage)
    opened_once.show_page("data")
    page.leave()
    session.draft.replace(defaults(), "test")
    session.undo.clear()
    session.settings.recent_models, session.settings.recent_data = [], []
    page.picker.models = {}
    page._show_all(False)
    page._show_view(0)
    for section in page._sections.values():
        section.unfold()
    for frame in opened_once.notices._frames():
        opened_once.notices._drop(frame)
    qtbot.waitUntil(lambda: not session.desk.requests(), timeout=SOON_MS)
    return opened_once


@pytest.fixture
def page(window: MainWindow) -> ConfigurePage:
    window.show_page("configure")
    found = window.page("configure")
    assert isinstance(found, ConfigurePage)
    return found


@pytest.fixture
def ready(page: ConfigurePage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> ConfigurePage:
    """The page with a small model and a few rows, all counted."""
    model, rows = tiny("llama", tmp_path / "base"), write_rows(tmp_path / "rows.jsonl", 40)
    window.session.draft.apply({"model.path": str(model), "data.path": str(rows), "data.max_length": 128}, "test")
    qtbot.waitUntil(lambda: not page.summary.stale, timeout=SOON_MS)
    return page


def figure(page: ConfigurePage, name: str) -> str:
    return page.summary.figures[name].text()


def line(page: ConfigurePage, key: str) -> QLineEdit:
    editor = page.fields[key].editor
    assert isinstance(editor, QLineEdit)
    return editor


def test_the_summary_is_what_the_engine_plans(ready: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    planned = planning.plan(window.session.draft.config())
    assert figure(ready, "trainable") == short(planned["trainable_parameters"])
    assert short(planned["total_parameters"]) in figure(ready, "share")
    assert figure(ready, "size") == size(planned["adapter_bytes"])
    assert figure(ready, "steps") == str(planned["steps"]) == "15"
    assert figure(ready, "tokens").startswith(f"{planned['tokens_per_epoch']:,}, ")
    assert figure(ready, "strength") == "2 = alpha / rank"
    assert figure(ready, "time") == "not known yet"
    needed = size(planning.memory(window.session.draft.config())["total"])
    qtbot.waitUntil(lambda: figure(ready, "memory").startswith(f"{needed} of "), timeout=SOON_MS)
    assert ready.summary.memory.isHidden()
    assert "40 rows" in ready.summary.rows.text()


def test_the_adapter_is_counted_in_the_same_moment(ready: ConfigurePage, window: MainWindow, tmp_path: Path) -> None:
    tree, draft = targets.tree(skeleton(tmp_path / "base")), window.session.draft
    rank = ready.fields["adapter.r"].editor
    assert isinstance(rank, QSpinBox)
    rank.setValue(64)
    assert figure(ready, "trainable") == short(modules.count(tree, AdapterSpec(r=64)).trainable)
    assert figure(ready, "strength") == "0.5 = alpha / rank"
    draft.edit("adapter.use_rslora", True)
    assert figure(ready, "strength") == "4 = alpha / sqrt(rank)"
    draft.edit("adapter.rank_pattern", {"q_proj": 4})
    assert figure(ready, "strength") == "4 to 16 = alpha / sqrt(rank)"
    draft.edit("adapter.method", "full")
    assert figure(ready, "trainable") == short(tree.parameters)
    assert "Every weight" in ready.summary.strength.text()
    assert "does not read adapter.r, adapter.rank_pattern, adapter.use_rslora" in ready.summary.left_out.text()
    for method, count in (("ia3", "no alpha"), ("vera", "no alpha"), ("loha", "times over")):
        draft.adopt({"adapter.method": method}, "test")
        spec = AdapterSpec(**draft.values()["adapter"])
        assert figure(ready, "trainable") == short(modules.count(tree, spec).trainable)
        assert figure(ready, "size") == size(modules.count(tree, spec).adapter_bytes)
        assert count in ready.summary.strength.text()


def test_steps_are_greyed_and_counted_anew(ready: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    draft = window.session.draft
    for batch, steps in ((4, "30"), (2, "60"), (40, "3")):
        draft.edit("training.per_device_train_batch_size", batch)
        assert ready.summary.stale
        assert ready.summary.figures["steps"].property("stale")
        assert figure(ready, "steps") != steps, "the earlier figure stays until the new one is known"
        assert figure(ready, "batch") == str(batch)
        qtbot.waitUntil(lambda: not ready.summary.stale, timeout=SOON_MS)
        assert figure(ready, "steps") == steps


def test_what_was_wrong_with_a_value_goes_with_it(ready: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    window.session.draft.edit("adapter.target_modules", ["q_prj"])
    qtbot.waitUntil(lambda: "adapter.target_modules" in ready.summary._found["asked"], timeout=SOON_MS)
    assert "q_prj" in ready.reason.text()
    window.session.undo.undo()
    assert ready.reason.isHidden()
    assert ready.start_button.isEnabled()


def test_only_the_last_of_many_edits_is_counted(ready: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    asked: list[str] = []
    ask = window.session.desk.ask
    window.session.desk.ask = lambda request: asked.append(request.kind) or ask(request)  # type: ignore[method-assign,func-returns-value]
    for epochs in range(4, 24):
        window.session.draft.edit("training.num_train_epochs", float(epochs))
    qtbot.waitUntil(lambda: not ready.summary.stale, timeout=SOON_MS)
    assert asked == ["plan", "memory"]
    assert figure(ready, "steps") == str(5 * 23)


def test_a_count_nobody_wants_any_more_is_cancelled(page: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    draft = window.session.draft
    draft.edit("data.path", str(demo_data()))
    qtbot.waitUntil(lambda: page.summary._call is not None, timeout=SOON_MS)
    call = page.summary._call
    assert call is not None
    with qtbot.waitSignal(call.ended, timeout=SOON_MS):
        draft.edit("training.num_train_epochs", 1.0)
    qtbot.waitUntil(lambda: not page.summary.stale, timeout=SOON_MS)
    assert figure(page, "steps") == "100"
    window.show_page("data")
    assert page.summary._call is None


def test_what_does_not_fit_the_model_is_said_at_its_field(ready: ConfigurePage, window: MainWindow) -> None:
    draft, field = window.session.draft, ready.fields["adapter.target_modules"]
    draft.edit("adapter.target_modules", ["q_prj"])
    assert field.fault.text().startswith("No module matches `q_prj`. Did you mean `q_proj`?")
    assert not ready.start_button.isEnabled()
    assert ready.reason.text().startswith("Target modules: No module matches")
    draft.edit("adapter.target_modules", ["q_proj"])
    assert field.fault.isHidden()
    assert ready.start_button.isEnabled()
    draft.edit("adapter.target_modules", "(a+)+b|.*q_proj")
    assert figure(ready, "trainable") == short(2 * 16 * 64)


def test_what_the_desk_finds_wrong_is_said_at_its_field(ready: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    ready._show_all(True)
    for changed, value, key, said in (
        ("training.optim", "adam_of_tomorrow", "training.optim", "adam_of_tomorrow"),
        ("data.max_length", 8, "data.path", "None of the training rows"),
        ("model.path", "/no/such/folder", "model.path", "no folder"),
    ):
        window.session.draft.edit(changed, value)
        fault = ready.fields[key].fault
        qtbot.waitUntil(lambda fault=fault: bool(fault.text()), timeout=SOON_MS)  # type: ignore[misc]
        assert said in fault.text()
        assert not ready.start_button.isEnabled()
        window.session.undo.undo()
        qtbot.waitUntil(lambda: ready.start_button.isEnabled() and not ready.summary.stale, timeout=SOON_MS)


def test_the_reason_leads_to_the_field(page: ConfigurePage, window: MainWindow) -> None:
    draft = window.session.draft
    page._show_all(False)
    draft.apply({"data.path": str(demo_data()), "training.weight_decay": 99.0}, "test")
    page._sections["training"].heading.setChecked(False)
    assert page.reason.text().startswith("Weight decay")
    QTest.mouseClick(page.reason, Qt.MouseButton.LeftButton)
    assert QApplication.focusWidget() is line(page, "training.weight_decay")
    assert line(page, "training.weight_decay").isVisible()
    page._show_view(1)
    page.reason.setFocus()
    QTest.keyClick(page.reason, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is line(page, "training.weight_decay")


def test_undo_is_the_windows_in_every_editor(page: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    draft = window.session.draft
    draft.edit("data.path", str(demo_data()))
    before = draft.values()
    rate = line(page, "training.learning_rate")
    rate.setFocus()
    rate.selectAll()
    QTest.keyClicks(rate, "1e-3")
    assert draft.value("training.learning_rate") == 1e-3
    QTest.keyClick(rate, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert draft.values() == before
    QTest.keyClick(rate, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert draft.value("training.learning_rate") == 1e-3
    page._show_view(1)
    text = page.yaml.editor
    text.setFocus()
    text.setPlainText(text.toPlainText().replace("r: 16", "r: 7"))
    QTest.keyClick(text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert draft.value("adapter.r") == 16, "what was just typed is an edit too"
    assert draft.value("training.learning_rate") == 1e-3
    assert "r: 16" in text.toPlainText()
    window.session.undo.redo()
    assert draft.value("adapter.r") == 7


def test_edits_of_one_field_apart_in_time_are_apart_in_undo(
    page: ConfigurePage, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, undo = window.session.draft, window.session.undo
    for rank in (17, 18, 19):
        draft.edit("adapter.r", rank)
    monkeypatch.setattr("studio.ui.draft._ONE_EDIT_S", -1.0)
    draft.edit("adapter.r", 64)
    undo.undo()
    assert draft.value("adapter.r") == 19
    undo.undo()
    assert draft.value("adapter.r") == 16


def test_yaml_that_is_wrong_says_where(page: ConfigurePage, window: MainWindow, qtbot: QtBot) -> None:
    window.session.draft.edit("data.path", str(demo_data()))
    page._show_view(1)
    text = page.yaml.editor
    text.setPlainText("adapter: {r: 3\nmodel: [x")
    qtbot.waitUntil(lambda: bool(page.yaml.fault))
    assert "line 2" in page.yaml.message.text()
    assert [mark.cursor.blockNumber() for mark in text.extraSelections()] == [1]
    assert not page.start_button.isEnabled()
    assert page.reason.text() == page.yaml.fault
    figures = [*page.summary.figures.values(), page.summary.strength, page.summary.rows]
    assert all(figure.property("stale") for figure in figures)
    assert page.summary.state.text() == "These are the figures of the last settings that were right."
    page.hide()
    page.show()
    assert all(figure.property("stale") for figure in figures)
    text.setPlainText("data: {path: x}\nadapter:\n  rr: 3")
    qtbot.waitUntil(lambda: "adapter.rr" in page.yaml.fault)
    assert "Did you mean `adapter.r`?" in page.yaml.fault
    assert [mark.cursor.blockNumber() for mark in text.extraSelections()] == [2]
    text.setPlainText(f"data: {{path: {demo_data()}}}\nadapter:\n  r: 5000")
    qtbot.waitUntil(lambda: not page.yaml.fault)
    assert not page.summary.figures["batch"].property("stale")
    assert page.yaml.message.text().startswith("Line 3: ") or "at most 1024" in page.yaml.message.text()
    assert not page.fields["adapter.r"].fault.isHidden()
    page._show_view(0)
    window.session.undo.undo()
    assert page.start_button.isEnabled()


def test_a_pattern_of_files_is_data_and_a_name_mistyped_is_not(window: MainWindow, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", 4)
    for path, fault in (("*.jsonl", ""), ("rows.jsonl", ""), ("row.jsonl", "There is no such file.")):
        window.session.draft.edit("data.path", str(tmp_path / path))
        assert window.session.draft.faults().get("data.path", "") == fault


def test_seldom_settings_are_made_when_asked_for_and_stand_in_their_place(qapp: QApplication) -> None:
    with opened(qapp) as (_, page):
        check_seldom_settings(page)


def check_seldom_settings(page: ConfigurePage) -> None:
    page._show_all(False)
    had = [spec for spec in declared_fields() if page._draft.has(spec.key)]
    specs = sorted(had, key=lambda spec: list(page._sections).index(spec.section))
    assert set(page.fields) == {spec.key for spec in specs if spec.basic} | {"name"}
    page._depths[1].click()
    assert set(page.fields) == {spec.key for spec in specs}
    rows = [page.fields[spec.key].editor for spec in specs]
    tops = [made.mapTo(page, QPoint()).y() for made in rows]
    assert tops == sorted(tops)
    following: list[QWidget] = [page._sections["model"].heading]
    while (after := following[-1].nextInFocusChain()) is not None and after is not following[0]:
        following.append(after)
    assert [made for made in following if made in rows] == rows


def test_sections_fold_and_count_what_is_changed(page: ConfigurePage, window: MainWindow) -> None:
    section = page._sections["adapter"]
    assert page.fields["adapter.r"].editor.isVisible()
    QTest.mouseClick(section.heading, Qt.MouseButton.LeftButton)
    assert not page.fields["adapter.r"].editor.isVisible()
    window.session.draft.apply({"adapter.r": 8, "adapter.lora_alpha": 8.0}, "test")
    assert section._note.text() == "2 changed"


def test_a_preset_in_force_is_marked(page: ConfigurePage, window: MainWindow) -> None:
    made = {preset.title: shown for preset, shown in page._presets}
    made["Thorough"].click()
    assert [title for title, shown in made.items() if shown.property("chosen")] == ["Thorough"]
    window.session.undo.undo()
    assert not any(shown.property("chosen") for shown in made.values())
    assert all(preset.why.endswith(".") for preset, _ in page._presets)


def test_what_is_copied_makes_the_same_run(page: ConfigurePage, window: MainWindow, tmp_path: Path) -> None:
    draft = window.session.draft
    draft.apply(
        {"name": "it's mine", "data.path": str(demo_data()), "adapter.target_modules": ["q_proj", "v_proj"],
         "adapter.rank_pattern": {"q_proj": 4}, "training.learning_rate": 1e-05, "data.eval_split": 0.1,
         "adapter.layers_to_transform": "0-1", "training.optim_args": "a=1,b=2"}, "test"
    )  # fmt: skip
    page.copy_command()
    words = shlex.split(QApplication.clipboard().text())
    assert words[:2] == ["studio", "train"]
    assert set(words[2::2]) == {"--set"}
    assert config_file.load(None, words[3::2]) == draft.config()
    page.copy_yaml()
    assert yaml.safe_load(QApplication.clipboard().text()) == draft.values()
    draft.edit("adapter.r", 9999)
    page.copy_command()
    assert "9999" in window.notices.texts()[-1]


def listed(page: ConfigurePage, qtbot: QtBot) -> ModelList:
    QTest.mouseClick(page.picker, Qt.MouseButton.LeftButton)
    (found,) = page.window().findChildren(ModelList)
    assert isinstance(found, ModelList)
    with qtbot.waitSignal(page.picker.listed, timeout=SOON_MS):
        page.picker.refresh()
    return found


def lines(shown: ModelList) -> dict[str, bool]:
    items = [shown.list.item(at) for at in range(shown.list.count())]
    usable = Qt.ItemFlag.ItemIsEnabled
    return {str(item.data(Qt.ItemDataRole.UserRole)): bool(item.flags() & usable) for item in items}


def test_the_picker_offers_this_machine_with_search(
    page: ConfigurePage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    source = tiny("gpt2", tmp_path / "gpt2")
    cached(tmp_path / "hub", "org/small", source)
    (source / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": {}}))
    cached(tmp_path / "hub", "org/own-code", source)
    window.session.settings.recent_models = [str(tiny("llama", tmp_path / "mine")), "org/elsewhere"]
    shown = listed(page, qtbot)
    mine = str(tmp_path / "mine")
    assert lines(shown) == {"demo": True, "org/own-code": False, "org/small": True, mine: True, "org/elsewhere": True}
    item = shown.list.item(1)
    assert "program code of its own" in item.data(Qt.ItemDataRole.AccessibleTextRole)
    said = shown.list.item(2).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "GPT2LMHeadModel" in said
    assert "parameters" in said
    QTest.keyClicks(shown.search, "gpt2")
    assert set(lines(shown)) >= {"org/small"}
    assert mine not in lines(shown)
    QTest.keyClick(shown.search, Qt.Key.Key_Return)
    assert window.session.draft.value("model.path") == "org/small"
    assert page.picker._name.text() == "org/small"
    assert "GPT2LMHeadModel" in page.picker.accessibleDescription()
    window.session.undo.undo()
    assert window.session.draft.value("model.path") == "demo"


def test_the_keys_pass_over_what_cannot_be_used(page: ConfigurePage, qtbot: QtBot, tmp_path: Path) -> None:
    source = tiny("llama", tmp_path / "llama")
    cached(tmp_path / "hub", "org/z-last", source)
    (source / "config.json").unlink()
    cached(tmp_path / "hub", "org/broken", source)
    shown = listed(page, qtbot)
    assert list(lines(shown)) == ["demo", "org/broken", "org/z-last"]
    QTest.keyClick(shown.search, Qt.Key.Key_Down)
    assert shown.list.currentRow() == 2
    QTest.keyClick(shown.search, Qt.Key.Key_Down)
    assert shown.list.currentRow() == 0
    QTest.keyClick(shown, Qt.Key.Key_Escape)
    assert not shown.isVisible()


def test_an_id_or_a_folder_can_be_typed(page: ConfigurePage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    shown = listed(page, qtbot)
    shown.search.setText("someone/new-model")
    assert lines(shown) == {"someone/new-model": True}
    shown.search.setText("no such: model!")
    assert lines(shown) == {"": False}
    folder = str(tiny("llama", tmp_path / "typed"))
    shown.search.setText(folder)
    QTest.keyClick(shown.search, Qt.Key.Key_Return)
    assert window.session.draft.value("model.path") == folder


def test_every_action_of_the_page_is_named(page: ConfigurePage, window: MainWindow) -> None:
    named = {action.text() for action in page.actions() if isinstance(action, QAction)}
    assert {"Start training", "Copy the configuration as a command", "Choose the base model"} <= named
    assert {action.text() for action in window.all_actions()} >= named


def test_each_field_explains_itself(page: ConfigurePage) -> None:
    page._show_all(True)
    tips = {key: field.editor.toolTip() for key, field in page.fields.items()}
    assert "At least 1, at most 1,024." in tips["adapter.r"]
    assert "Above 0" in tips["training.learning_rate"]
    for key, field in page.fields.items():
        assert key in tips[key]
        assert isinstance(field.reset.accessibleName(), str)
        assert field.title.text()
    assert isinstance(page.fields["data.path"].editor, QComboBox)
    assert isinstance(page.picker, QPushButton)


@pytest.mark.parametrize("everything", [False, True])
def test_at_the_least_size_nothing_scrolls_sideways(
    page: ConfigurePage, window: MainWindow, qapp: QApplication, everything: bool
) -> None:
    before = window.size()
    page._show_all(everything)
    # A fault in many words is the widest there is.
    window.session.draft.apply({"data.path": "", "adapter.r": 5000, "training.learning_rate": "x"}, "wrong")
    title, editor = page.fields["adapter.r"].title, page.fields["adapter.r"].editor
    for width, above in ((960, True), (1280, False)):
        window.resize(width, 600)
        qapp.processEvents()
        assert page._area.horizontalScrollBar().maximum() == 0
        corner, other = (made.mapTo(page, made.rect().topLeft()) for made in (title, editor))
        assert (corner.y() + title.height() <= other.y()) == above
        fault = page.fields["adapter.r"].fault
        assert fault.height() >= fault.heightForWidth(fault.width())
    window.session.undo.undo()
    window.resize(before)
    qapp.processEvents()
