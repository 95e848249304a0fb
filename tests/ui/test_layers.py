"""The layers of a run and of adapters: the map, what it says, and what it follows."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from safetensors.numpy import load_file, save_file

from studio.core import library, runs
from studio.core.config import DataSpec, ModelSpec, RunConfig
from studio.core.events import Saved
from studio.core.runs import Run
from studio.core.updates import Cell, Kind, Update
from studio.ui.layer_map import LayerMap, Shade
from studio.ui.layers_view import LayersView
from studio.ui.pages.layers import LayersDialog
from studio.ui.pages.library import LibraryPage
from studio.ui.pages.train import TrainPage
from studio.ui.theme import Theme
from studio.ui.window import MainWindow
from tests.ui.test_run_view import shown
from tests.ui.told import finished, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
_NO_KEYS = Qt.KeyboardModifier.NoModifier
SIZES = {"q_proj": (256, 256), "v_proj": (256, 128)}


def adapter(folder: Path, scale: float = 1.0, nothing: str = "", seed: int = 0) -> Path:
    """Writes an adapter for the built-in model; the module `nothing` has learned nothing."""
    random, tensors = np.random.default_rng(seed), {}
    for layer in range(5):
        for name, (inputs, outputs) in SIZES.items():
            module = f"model.layers.{layer}.self_attn.{name}"
            key = f"base_model.model.{module}"
            tensors[f"{key}.lora_A.weight"] = random.normal(size=(4, inputs)).astype(np.float32)
            b = random.normal(size=(outputs, 4)).astype(np.float32) * 0.01 * scale * (layer + 1)
            tensors[f"{key}.lora_B.weight"] = b * 0 if module.endswith(nothing or "-") else b
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    about = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 4, "target_modules": list(SIZES)}
    (folder / "adapter_config.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def checkpoint(run: Run, number: int, scale: float) -> None:
    adapter(run.path / "checkpoints" / f"step-{number:06d}" / "adapter", scale)
    tell(run, Saved(step=number, path=f"checkpoints/step-{number:06d}", size_bytes=1))


def run_in(folder: Path) -> Run:
    spec = RunConfig(name="told", data=DataSpec(path="-"), model=ModelSpec(path="demo"))
    run = runs.create(spec, folder)
    tell(run, replace(prepared(9), steps_per_epoch=9), *(step(number, 2.0) for number in range(1, 5)))
    return run


def measured(view: LayersView, qtbot: QtBot) -> LayersView:
    qtbot.waitUntil(lambda: view._command is None)
    return view


def texts(view: LayersView) -> list[list[str]]:
    return [[shade.text for shade in line] for line in view.map._shades]


def look(view: LayersView, row: int, column: int) -> str:
    """Moves the mouse to a cell; returns what is said of it."""
    move(view.map, row, column)
    return view.told.text()


def move(made: LayerMap, row: int, column: int) -> None:
    place, none = made.rectangle(row, column).center(), Qt.MouseButton.NoButton
    at = made.mapToGlobal(place)
    QApplication.sendEvent(made, QMouseEvent(QEvent.Type.MouseMove, place, at, none, none, _NO_KEYS))


def test_a_runs_layers_are_shown_and_follow_its_checkpoints(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    run = run_in(tmp_path / "run")
    page = shown(window, qtbot, run)
    page.tabs.setCurrentWidget(page.layers)
    layers, view = page.layers, page.layers.view
    assert view.said.text() == "The run has saved no checkpoint yet; the layers are read from them."
    assert not view.map.rows
    train = window.page("train")
    assert isinstance(train, TrainPage)
    with run.claim():
        checkpoint(run, 2, 1.0)
        train._refresh()
        qtbot.waitUntil(lambda: bool(view.found))
        assert [(kind.name, len(kind.cells)) for kind in view.map.rows] == [("q_proj", 5), ("v_proj", 5)]
        assert [layers.step.itemText(at) for at in range(layers.step.count())] == ["Newest (step 2)"]
        before = texts(view)
        checkpoint(run, 4, 2.0)
        qtbot.waitUntil(lambda: layers.step.count() == 2)
        assert layers.step.itemText(0) == "Newest (step 4)"
        assert float(texts(view)[0][4].removesuffix("%")) > 1.5 * float(before[0][4].removesuffix("%"))
        # The one before stays while others are saved.
        layers.step.setCurrentIndex(1)
        qtbot.waitUntil(lambda: texts(view) == before)
        checkpoint(run, 6, 3.0)
        qtbot.waitUntil(lambda: page.model is not None and page.model.progress.saved[-1].step == 6)
        measured(view, qtbot)
        assert texts(view) == before
        tell(run, finished(6))
    qtbot.waitUntil(lambda: page.model is not None and not page.model.alive)
    # Another run's are not these.
    shown(window, qtbot, run_in(tmp_path / "other"))
    assert not view.map.rows
    assert layers.step.count() == 1


def test_what_a_cell_holds_is_said_by_mouse_and_keys(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    run = run_in(tmp_path / "run")
    adapter(run.path / "checkpoints" / "step-000004" / "adapter", nothing="layers.1.self_attn.q_proj")
    tell(run, Saved(step=4, path="checkpoints/step-000004", size_bytes=1))
    page = shown(window, qtbot, run)
    page.tabs.setCurrentWidget(page.layers)
    view = page.layers.view
    qtbot.waitUntil(lambda: bool(view.found))
    said = view.said.text()
    assert said.startswith("10 modules changed by ")
    assert "The most: v_proj in layer 4 (" in said
    assert "the least: q_proj in layer 1 (0%)" in said
    assert said.endswith("1 learned nothing: model.layers.1.self_attn.q_proj.")
    assert look(view, 0, 1) == "q_proj in layer 1: model.layers.1.self_attn.q_proj, learned nothing"
    told = look(view, 1, 4)
    assert told.startswith(
        f"v_proj in layer 4: model.layers.4.self_attn.v_proj, changed by {texts(view)[1][4]} of its weights'"
    )
    assert told.endswith(" of 4 directions used")
    assert view.map.accessibleDescription() == told
    view.measure.setCurrentIndex(1)
    assert 25 < float(texts(view)[1][4].removesuffix("%")) <= 100
    assert view.told.text() == told
    view.map.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(view.map, Qt.Key.Key_Left)
    QTest.keyClick(view.map, Qt.Key.Key_Up)
    assert view.told.text().startswith("q_proj in layer 3: ")
    QTest.keyClick(view.map, Qt.Key.Key_Down)
    assert view.told.text().startswith("v_proj in layer 3: ")
    for key in (Qt.Key.Key_Up, *[Qt.Key.Key_Right] * 9):
        QTest.keyClick(view.map, key)
    assert view.told.text().startswith("q_proj in layer 4: ")


def library_page(window: MainWindow) -> LibraryPage:
    window.show_page("library")
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    page.refresh()
    return page


def dialog_of(page: LibraryPage) -> LayersDialog:
    (found,) = page.findChildren(LayersDialog)
    return found


def test_two_adapters_of_the_library_are_shown_side_by_side(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    base = library.Base(path="demo")
    for title, seed in (("first", 0), ("second", 1), ("third", 2)):
        library.add(adapter(tmp_path / title, seed=seed), title=title, base=base)
    page = library_page(window)
    page.table.selectAll()
    assert not page.card.differ.isEnabled()
    page.show_layers()
    assert not page.findChildren(LayersDialog)
    assert window.notices.texts()[-1] == "Choose one adapter, or two, to see their layers."
    page.table.selectRow(0)
    QTest.mouseClick(page.card.layers, Qt.MouseButton.LeftButton)
    dialog = dialog_of(page)
    assert dialog.windowTitle() == "Layers of third"
    qtbot.waitUntil(lambda: bool(dialog.view.found))
    assert [dialog.view.measure.itemText(at) for at in range(2)] == ["Change", "Rank used"]
    dialog.close()
    qtbot.waitUntil(lambda: not page.findChildren(LayersDialog))
    page.table.clearSelection()
    model = page.table.selectionModel()
    for at in (0, 1):
        model.select(page.table.model().index(at, 0), model.SelectionFlag.Select | model.SelectionFlag.Rows)
    QTest.mouseClick(page.card.differ, Qt.MouseButton.LeftButton)
    dialog = dialog_of(page)
    view = dialog.view
    assert dialog.windowTitle() == "third and second, layer by layer"
    qtbot.waitUntil(lambda: bool(view.found))
    assert view.said.text().startswith("They differ by ")
    told = look(view, 0, 2)
    assert ", by the second by " in told
    assert ", likeness " in told
    view.measure.setCurrentIndex(1)
    assert {text[0] for line in texts(view) for text in line} <= {"+", "\u2212"}
    view.measure.setCurrentIndex(3)
    assert texts(view)[0][2] in told.partition(", by the second by ")[2]
    dialog.close()
    qtbot.waitUntil(lambda: not page.findChildren(LayersDialog))
    # One that is closed while it measures leaves nothing behind.
    page.show_layers()
    for one in page.findChildren(LayersDialog):
        one.close()
    qtbot.waitUntil(lambda: not page.findChildren(LayersDialog))


def test_what_only_one_has_trained_and_what_is_the_same(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    base = library.Base(path="demo")
    one = adapter(tmp_path / "one")
    few = adapter(tmp_path / "few")
    weights = load_file(few / "adapter_model.safetensors")
    save_file({k: v for k, v in weights.items() if ".0." not in k}, few / "adapter_model.safetensors", {"format": "pt"})
    entries = [library.add(folder, title=folder.name, base=base) for folder in (one, few)]
    page = library_page(window)
    for pair, said in (((0, 0), "The two change the weights in the same way."), ((1, 0), "They differ by ")):
        dialog = LayersDialog(window.session, [entries[at] for at in pair], page)
        dialog.open()
        view = dialog.view
        qtbot.waitUntil(lambda: bool(view.found))  # noqa: B023 - called at once
        assert view.said.text().startswith(said)
        told = look(view, 0, 0)
        assert ("changed by the first" in told, "not trained by the other" in told) == (pair == (0, 0), pair == (1, 0))
        view.measure.setCurrentIndex(1)
        assert (texts(view)[0][0], texts(view)[0][1]) == ("+1.00" if pair == (0, 0) else "", "+1.00")
        dialog.close()
    qtbot.waitUntil(lambda: not page.findChildren(LayersDialog))


def test_a_checkpoint_is_measured_to_its_end_and_one_that_is_gone_is_left(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    run = run_in(tmp_path / "run")
    checkpoint(run, 2, 1.0)
    checkpoint(run, 3, 2.0)
    page = shown(window, qtbot, run)
    page.tabs.setCurrentWidget(page.layers)
    layers, view = page.layers, page.layers.view
    first, model = view._command, page.model
    assert first is not None
    assert model is not None
    # More of them while it measures.
    for number in (4, 5):
        checkpoint(run, number, number)
        model.progress.saved.append(Saved(step=number, path=f"checkpoints/step-00000{number}", size_bytes=1))
        layers.advance()
        assert view._command is first
    qtbot.waitUntil(lambda: layers.step.itemText(0) == "Newest (step 5)" and not view.measures)
    shutil.rmtree(run.path / "checkpoints" / "step-000003")
    layers.step.setCurrentIndex(layers.step.findData(3))
    qtbot.waitUntil(lambda: layers.step.count() == 3 and not view.measures)
    assert layers.step.currentIndex() == 0
    assert [layers.step.itemData(at) for at in range(3)] == [0, 2, 4]
    assert view.found


def test_what_cannot_be_measured_is_said(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    entry = library.add(adapter(tmp_path / "made"), title="sound", base=library.Base(path="nobody/has-this"))
    page = library_page(window)
    page.show_layers()
    view = dialog_of(page).view
    qtbot.waitUntil(lambda: bool(view.found))
    assert view.said.text().startswith("10 modules were trained. nobody/has-this is not on this machine")
    assert "%" not in "".join(text for line in texts(view) for text in line)
    assert "changed by " in look(view, 0, 0)
    dialog_of(page).close()
    qtbot.waitUntil(lambda: not page.findChildren(LayersDialog))
    (entry.folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    page.show_layers()
    view = dialog_of(page).view
    measured(view, qtbot)
    assert "Only adapters for language models can be opened, of LoRA, " in view.said.text()
    assert not view.map.rows
    dialog_of(page).close()


def update(name: str, norm: float = 1.0) -> Update:
    return Update(name=name, kind="lora", rank=4, norm=norm, base=2.0)


def test_cells_are_coloured_by_their_values_and_one_in_no_layer_is_as_wide_as_all(theme: Theme, qtbot: QtBot) -> None:
    made = LayerMap(theme)
    qtbot.addWidget(made)
    rows = [
        Kind("q_proj", tuple(Cell(at, (update(f"layers.{at}.q_proj"),)) for at in range(60))),
        Kind("lm_head", (Cell(None, (update("lm_head"),)),)),
    ]
    shades = [[Shade(at / 59, "") for at in range(58)] + [Shade(None, ""), Shade(-1.0, "")], [Shade(0.5, "half")]]
    made.show_cells(rows, shades)
    made.resize(700, 120)
    picture = made.grab().toImage()

    def colour(row: int, column: int) -> str:
        place = made.rectangle(row, column)
        return picture.pixelColor(round(place.left()) + 3, round(place.top()) + 3).name()

    palette = theme.palette
    assert [colour(0, at) for at in (0, 58, 59)] == [palette.hover, palette.hover, palette.series[1]]
    assert colour(0, 30) not in (palette.hover, palette.series[0])
    assert made.rectangle(1, 0).width() == pytest.approx(made.rectangle(0, 0).width() * 60)
    move(made, 1, 0)
    assert made.chosen == (rows[1], rows[1].cells[0])
    # What is looked at goes with its cell.
    made.show_cells(rows[:1], shades[:1])
    assert made.chosen is None
    made.show_cells([], [])
    QTest.keyClick(made, Qt.Key.Key_Down)
    assert made.chosen is None
    made.grab()
