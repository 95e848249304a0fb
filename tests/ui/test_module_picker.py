"""The model's modules as a tree to tick: by keyboard, in three states, with ranks, and back into the draft."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio.core.config import AdapterSpec
from studio.core.modules import Tree
from studio.ui.branch_tree import ALPHA, MODULE, PARAMETERS, RANK, SHAPE, TRAINED, BranchModel
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.module_picker import ModulePicker
from studio.ui.theme import DARK, LIGHT, Theme
from studio.ui.window import MainWindow
from tests.core.test_picking import mixed, tree
from tests.models import tiny
from tests.training import write_rows
from tests.ui.test_further import configure

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")

CHECK = Qt.ItemDataRole.CheckStateRole
ON, OFF, PARTLY = Qt.CheckState.Checked, Qt.CheckState.Unchecked, Qt.CheckState.PartiallyChecked


class Shown:
    """A dialog, and what it told."""

    def __init__(self, theme: Theme, parent: QWidget, model: Tree, **settings: Any) -> None:
        self.dialog = ModulePicker(parent, theme, model, AdapterSpec(**settings))
        self.rows, self.tree = self.dialog.rows, self.dialog.tree
        self.chosen: list[dict[str, Any]] = []
        self.dialog.chosen.connect(self.chosen.append)
        self.dialog.open()
        QTest.qWaitForWindowExposed(self.dialog)

    def at(self, *labels: str, column: int = MODULE) -> QModelIndex:
        """Returns a row by the labels that lead to it."""
        found = QModelIndex()
        for label in labels:
            rows = [self.rows.index(row, 0, found) for row in range(self.rows.rowCount(found))]
            (found,) = [row for row in rows if self.rows.branch(row).label == label]
        return found.siblingAtColumn(column)

    def text(self, *labels: str, column: int) -> str:
        return str(self.at(*labels, column=column).data() or "")

    def state(self, *labels: str) -> Any:
        value = self.at(*labels).data(CHECK)
        return None if value is None else Qt.CheckState(value)

    def go(self, *labels: str) -> None:
        self.tree.setCurrentIndex(self.at(*labels))

    def press(self, *keys: Qt.Key) -> None:
        for key in keys:
            QTest.keyClick(self.tree, key)

    def editor(self) -> QLineEdit:
        (found,) = [made for made in self.tree.viewport().findChildren(QLineEdit) if made.isVisible()]
        return found

    def enter(self) -> None:
        QTest.keyClick(self.editor(), Qt.Key.Key_Return)
        QApplication.processEvents()  # the editor is read, and closed, once the key is dealt with

    def applied(self) -> dict[str, Any]:
        """Applies, and returns what is no default."""
        QTest.mouseClick(self.dialog.take, Qt.MouseButton.LeftButton)
        usual = AdapterSpec()
        said = {key.partition(".")[2]: value for key, value in self.chosen[-1].items()}
        return {key: value for key, value in said.items() if value != getattr(usual, key)}


@pytest.fixture
def parent(qtbot: QtBot, theme: Theme) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    theme.clothe(made)
    made.show()
    return made


LAYERS, QUERY = "layers 0-3", ("layers 0-3", "self_attn", "q_proj")


def test_the_rows_are_a_model_of_qt(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, mixed())
    tester = QAbstractItemModelTester(shown.rows, QAbstractItemModelTester.FailureReportingMode.Fatal)
    shown.dialog.orders[1].click()
    shown.dialog.search.setText("proj")
    shown.dialog.search.clear()
    assert isinstance(tester.model(), QAbstractItemModel)
    old = shown.at("layers.0")
    shown.dialog.orders[0].click()
    # What Qt asks of a row that is gone is answered, and not by another row.
    assert (shown.rows.rowCount(old), shown.rows.branch(old).label) == (0, "")


def test_it_is_worked_by_keys_alone(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree())
    assert shown.tree.hasFocus()
    assert shown.state(LAYERS) == ON
    shown.press(Qt.Key.Key_Down, Qt.Key.Key_Space)
    assert shown.tree.currentIndex() == shown.at(LAYERS)
    assert shown.state(LAYERS) == OFF
    assert not shown.dialog.take.isEnabled()
    assert "Tick at least one module" in shown.dialog.fault.text()
    shown.press(Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Space)
    assert (shown.state(*QUERY), shown.state(LAYERS)) == (ON, PARTLY)
    QTest.keyClicks(shown.tree, "8")
    assert shown.editor().text() == "8"
    shown.enter()
    assert shown.text(*QUERY, column=RANK) == "8"
    shown.press(Qt.Key.Key_A)
    QTest.keyClicks(shown.editor(), "5.5")
    shown.enter()
    shown.go("norm")
    shown.press(Qt.Key.Key_Space)
    assert shown.text("norm", column=TRAINED) == "whole"
    assert shown.applied() == {"target_modules": ["q_proj"], "r": 8, "lora_alpha": 5.5, "modules_to_save": ["norm"]}


def test_a_branch_hands_down_its_rank_in_grey(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree(), rank_pattern={"q_proj": 4})
    assert shown.text(LAYERS, column=RANK) == "4\u201316"
    shown.go(LAYERS)
    shown.press(Qt.Key.Key_Return)
    shown.editor().setText("32")
    shown.enter()
    colour = Qt.ItemDataRole.ForegroundRole
    inner = (LAYERS, "mlp", "up_proj")
    assert shown.text(*inner, column=RANK) == "32"
    assert shown.at(*inner, column=RANK).data(colour) == QColor(theme.palette.muted)
    assert shown.at(*QUERY, column=RANK).data(colour) == QColor(theme.palette.text)
    assert shown.text(*QUERY, column=RANK) == "4"
    shown.go(*QUERY)
    shown.press(Qt.Key.Key_Delete)
    assert shown.text(*QUERY, column=RANK) == "32"
    assert shown.dialog.same.isEnabled()
    QTest.mouseClick(shown.dialog.same, Qt.MouseButton.LeftButton)
    assert shown.text(LAYERS, column=RANK) == "16"
    assert not shown.dialog.same.isEnabled()


def test_a_rank_that_cannot_be_is_refused_in_words(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree())
    shown.go(LAYERS)
    for typed in ("0", "1025", "x", "1.5"):
        shown.press(Qt.Key.Key_R)
        shown.editor().setText(typed)
        shown.enter()
        assert shown.text(LAYERS, column=RANK) == "16"
        assert "from 1 to 1,024" in shown.dialog.fault.text()
    rank = shown.dialog.bases["rank"]
    rank.selectAll()
    QTest.keyClicks(rank, "0")
    assert not shown.dialog.take.isEnabled()
    assert rank.property("wrong")
    rank.selectAll()
    QTest.keyClicks(rank, "24")
    assert shown.dialog.fault.isHidden()
    assert shown.applied() == {"r": 24}


@pytest.mark.parametrize("method", ["ia3", "vera", "oft"])
def test_a_method_without_ranks_of_modules_shows_none(theme: Theme, parent: QWidget, method: str) -> None:
    shown = Shown(theme, parent, tree(), method=method)
    assert shown.tree.isColumnHidden(RANK)
    assert not any(box.isVisible() for box in shown.dialog.bases.values())
    assert not shown.dialog.same.isVisible()
    assert shown.text(*QUERY, column=TRAINED) == {"ia3": "IA3", "vera": "VeRA", "oft": "OFT"}[method]
    shown.go(*QUERY)
    shown.press(Qt.Key.Key_Return, Qt.Key.Key_5, Qt.Key.Key_A, Qt.Key.Key_Delete)
    assert shown.tree.state() == shown.tree.State.NoState
    shown.press(Qt.Key.Key_Space, Qt.Key.Key_Return)
    assert "target_modules" in shown.applied()
    assert set(shown.chosen[-1]) <= {
        f"adapter.{name}"
        for name in ("r", "target_modules", "exclude_modules", "layers_to_transform", "modules_to_save")
    }


def test_a_row_without_an_adapter_has_no_rank_to_edit(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree(), target_modules=["v_proj"])
    shown.go(*QUERY)
    shown.press(Qt.Key.Key_Return, Qt.Key.Key_7, Qt.Key.Key_A)
    assert shown.tree.state() == shown.tree.State.NoState
    assert shown.text(*QUERY, column=RANK) == ""


def test_the_mouse_ticks_and_edits(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree())
    place = shown.tree.visualRect(shown.at(LAYERS, "mlp"))
    box = place.topLeft() + QPoint(20, place.height() // 2)
    QTest.mouseClick(shown.tree.viewport(), Qt.MouseButton.LeftButton, pos=box)
    assert (shown.state(LAYERS, "mlp"), shown.state(LAYERS)) == (OFF, PARTLY)
    QTest.mouseClick(shown.tree.viewport(), Qt.MouseButton.LeftButton, pos=box)
    assert shown.state(LAYERS) == ON
    cell = shown.tree.visualRect(shown.at(LAYERS, "mlp", column=ALPHA)).center()
    QTest.mouseClick(shown.tree.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    QTest.mouseDClick(shown.tree.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    shown.editor().setText("64")
    shown.enter()
    assert shown.applied() == {"alpha_pattern": {"gate_proj": 64.0, "up_proj": 64.0, "down_proj": 64.0}}


def test_buttons_tick_many(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree(), modules_to_save=["norm"])
    linear, attention, mlp, none = (made for made, _ in shown.dialog.presets)
    assert linear.property("chosen")
    for made, state in ((attention, (ON, OFF)), (mlp, (OFF, ON)), (linear, (ON, ON))):
        QTest.mouseClick(made, Qt.MouseButton.LeftButton)
        assert (shown.state(LAYERS, "self_attn"), shown.state(LAYERS, "mlp")) == state
        assert made.property("chosen")
        assert shown.state("norm") == ON
    QTest.mouseClick(none, Qt.MouseButton.LeftButton)
    assert (shown.state(LAYERS), shown.state("norm")) == (OFF, OFF)
    assert shown.dialog.sums.text() == "Nothing is adapted"
    QTest.mouseClick(attention, Qt.MouseButton.LeftButton)
    assert shown.dialog.said.text() == ("target_modules: [q_proj, k_proj, v_proj, o_proj]   r: 16   lora_alpha: 32")


def test_what_cannot_be_adapted_says_why(theme: Theme, parent: QWidget) -> None:
    tied = Shown(theme, parent, tree(tied=True))
    tip = Qt.ItemDataRole.ToolTipRole
    assert "shares its weight" in str(tied.at("lm_head").data(tip))
    tied.go("lm_head")
    assert tied.dialog.whole.isEnabled()
    QTest.mouseClick(tied.dialog.whole, Qt.MouseButton.LeftButton)
    assert tied.text("lm_head", column=TRAINED) == "whole"
    assert tied.dialog.whole.isChecked()
    tied.press(Qt.Key.Key_W)
    assert tied.state("lm_head") == OFF
    tied.dialog.close()
    shown = Shown(theme, parent, mixed(), lora_dropout=0.1)
    shared = "layers 1-3", "mlp", "shared_expert", "up_proj"
    assert (shown.state(*shared), shown.text(*shared, column=TRAINED)) == (None, "like experts")
    experts = "layers 1-3", "mlp", "experts", "down_proj"
    assert (shown.text(*experts, column=TRAINED), shown.text(*experts, column=SHAPE)) == (
        "not now",
        "4 \u00d7 8 \u00d7 8",
    )
    assert "no dropout" in str(shown.at(*experts).data(tip))
    shown.go(*experts)
    shown.press(Qt.Key.Key_Space, Qt.Key.Key_W)
    assert shown.text(*experts, column=PARAMETERS) == ""
    assert not shown.dialog.presets[2][0].isEnabled()  # MLP


def test_settings_that_mean_nothing_here_are_told(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree(), target_modules="([a")
    assert "cannot be shown" in shown.dialog.fault.text()
    assert "is not a regular expression" in shown.dialog.fault.text()
    assert shown.state(LAYERS) == OFF
    assert not shown.dialog.take.isEnabled()
    QTest.mouseClick(shown.dialog.presets[0][0], Qt.MouseButton.LeftButton)
    assert shown.dialog.fault.isHidden()
    assert shown.applied() == {}


def test_a_search_opens_what_it_finds(theme: Theme, parent: QWidget) -> None:
    shown = Shown(theme, parent, tree(count=12))
    shown.dialog.orders[1].click()
    assert not shown.tree.isExpanded(shown.at("layers 0-11", "layers.3"))
    shown.dialog.search.setText("layers.3 q_proj")
    assert shown.rows.rowCount() == 1
    assert shown.tree.isExpanded(shown.at("layers.3", "self_attn"))
    shown.go("layers.3")
    shown.press(Qt.Key.Key_Space)
    shown.dialog.search.clear()
    assert shown.state("layers 0-11") == PARTLY
    assert shown.applied() == {"exclude_modules": ["layers.3.self_attn.q_proj"]}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_it_has_room_where_there_is_little_and_is_read_in_both_themes(theme: Theme, parent: QWidget, mode: str) -> None:
    theme.set_mode(mode)
    shown = Shown(theme, parent, tree())
    shown.dialog.resize(shown.dialog.minimumSize())
    QApplication.processEvents()
    header = shown.tree.header()
    assert header.length() <= shown.tree.viewport().width()
    assert header.sectionSize(MODULE) >= 120
    for made in shown.dialog.findChildren(QPushButton):
        assert made.width() >= made.minimumSizeHint().width()
    colours = DARK if mode == "dark" else LIGHT
    seen = {str(index.data(Qt.ItemDataRole.ForegroundRole).name()) for index in cells(shown.rows)}
    assert seen == {colours.text, colours.muted}


def cells(rows: BranchModel, parent: QModelIndex | None = None) -> Iterator[QModelIndex]:
    for row in range(rows.rowCount(parent or QModelIndex())):
        first = rows.index(row, 0, parent or QModelIndex())
        yield from (first.siblingAtColumn(column) for column in range(rows.columnCount()))
        yield from cells(rows, first)


# On the Configure page


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> ConfigurePage:
    found = configure(window)
    model, rows = tiny("qwen2", tmp_path / "base"), write_rows(tmp_path / "rows.jsonl", 8)
    assert not found.modules.isEnabled()
    assert "not known yet" in found.modules.toolTip()
    window.session.draft.apply({"model.path": str(model), "data.path": str(rows)}, "test")
    qtbot.waitUntil(lambda: not found.summary.stale)
    return found


def test_what_is_applied_is_one_step_of_the_draft(page: ConfigurePage, window: MainWindow) -> None:
    draft = window.session.draft
    draft.edit("adapter.rank_pattern", {"v_proj": 4})
    before = draft.values()
    QTest.mouseClick(page.modules, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(ModulePicker)
    QTest.mouseClick(dialog.presets[2][0], Qt.MouseButton.LeftButton)
    dialog.bases["rank"].selectAll()
    QTest.keyClicks(dialog.bases["rank"], "2")
    said = dialog.sums.text()
    QTest.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    assert draft.value("adapter.target_modules") == ["gate_proj", "up_proj", "down_proj"]
    assert (draft.value("adapter.r"), draft.value("adapter.rank_pattern")) == (2, {})
    assert said.startswith(page.summary.figures["trainable"].text())
    assert not draft.faults()
    window.session.undo.undo()
    assert draft.values() == before
    # Applied without a change it leaves no step behind, however the settings are written.
    draft.edit("adapter.target_modules", r".*\.(q|v)_proj")
    before = draft.values()
    steps = window.session.undo.count()
    made = page.modules.open()
    assert made is not None
    QTest.mouseClick(made.take, Qt.MouseButton.LeftButton)
    assert draft.values() == before
    assert window.session.undo.count() == steps


def test_where_there_is_nothing_to_choose_the_reason_is_said(page: ConfigurePage, window: MainWindow) -> None:
    draft, button = window.session.draft, page.modules
    assert button.isEnabled()
    for key, value, reason in (
        ("adapter.method", "full", "Every weight is trained"),
        ("adapter.r", "many", "A setting of the adapter is wrong"),
        ("adapter.path", "mine", "keeps its modules"),
        ("model.path", "other", "not known yet"),
    ):
        usual = draft.value(key)
        draft.edit(key, value)
        assert not button.isEnabled()
        assert reason in button.toolTip()
        page.choose_modules()
        assert reason in window.notices.texts()[-1]
        draft.edit(key, usual)
    assert button.isEnabled()
    assert window.findChildren(ModulePicker) == []
