"""Evaluations in the window: rows read by the real desk, what is said of them, stopped, left, and shown in the data."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from studio.core import evaluations, library
from studio.core.config import DataSpec, to_dict
from studio.core.evaluations import Evaluate, Read, Result
from studio.core.library import Base, Data
from studio.core.summaries import Summary
from studio.ui.evaluation_row import EvaluationRow
from studio.ui.evaluation_setup import FILE, HELD, PRESENT
from studio.ui.evaluation_tables import FiguresTable, RowsTable
from studio.ui.pages.compare import EVALUATION, SIDE_BY_SIDE, ComparePage
from studio.ui.pages.compare_rows import Begun, EvaluationMode
from studio.ui.session import Picked
from studio.ui.theme import Theme
from studio.ui.window import MainWindow
from tests.desks import random_adapter
from tests.models import tiny
from tests.training import write_rows

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)
WAIT_MS = 240_000
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    random_adapter(tiny("llama", folder / "llama"), folder / "red", 1)
    write_rows(folder / "rows.jsonl", 8)
    return folder


@pytest.fixture
def page(window: MainWindow, place: Path) -> Iterator[ComparePage]:
    """The page in its fifth way to ask, with a base and an adapter chosen."""
    config = {"data": {"path": str(place / "rows.jsonl"), "eval_split": 0.5}, "training": {"seed": 3}}
    base = Base(path=str(place / "llama"))
    entry = library.add(place / "red", title="red", base=base, config=config, data=Data(path="rows.jsonl"))
    window.show_page("compare")
    made = window.page("compare")
    assert isinstance(made, ComparePage)
    made.show_mode(EVALUATION)
    made.panel.choose(entry)
    made.panel.numbers["max_new_tokens"].setValue(5)
    yield made
    made.leave()


@pytest.fixture
def mode(page: ComparePage) -> EvaluationMode:
    return page.evaluation


def on_file(mode: EvaluationMode, place: Path) -> None:
    mode.setup.source.setCurrentIndex(mode.setup.source.findData(FILE))
    mode.setup.file.setText(str(place / "rows.jsonl"))


def numbers(mode: EvaluationMode) -> list[int]:
    return [item.row for item in mode.model.rows]


def row(number: int, base: float, red: float, **more: Any) -> Result:
    columns = {at: Read(losses=[loss], answer=f"{at}!") for at, loss in enumerate((base, red))}
    said = {"exact": 1.0, "f1": 0.5}
    return Result(row=number, place=(0, number), asked=f"q{number}", own="own", tokens=[2], columns=columns,
                  measured=[{"loss": base}, {"loss": red} | said], **more)  # fmt: skip


def test_rows_are_read_answered_listed_and_looked_at(
    page: ComparePage, mode: EvaluationMode, place: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not page.prompt.isVisible()
    assert page.panel.isVisible()
    on_file(mode, place)
    mode.setup.match.setText("^")
    assert mode.run_button.isEnabled()
    mode.run_button.click()
    assert mode.running
    assert not mode.run_button.isEnabled()
    assert page.stop_action.isEnabled()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert mode.failure.said == ""
    assert sorted(numbers(mode)) == list(range(8))
    heads = [mode.figures.headerData(at, Qt.Orientation.Horizontal) for at in range(mode.figures.columnCount())]
    assert heads[:5] == ["", "Loss", "Perplexity", "Better / worse", "Exact"]
    assert heads[-1] == "Match"
    assert mode.figures.rowCount() == 2
    gains = {item.row: item.measured[0]["loss"] - item.measured[1]["loss"] for item in mode.results.values()}
    assert numbers(mode) == sorted(gains, key=gains.__getitem__), "where the adapter is worst comes first"
    mode.order.setCurrentIndex(1)
    assert numbers(mode) == sorted(gains, key=lambda at: -abs(gains[at]))
    mode.order.setCurrentIndex(2)
    assert numbers(mode) == list(range(8))
    mode.worse.setChecked(True)
    assert numbers(mode) == [at for at in range(8) if gains[at] < 0]
    mode.worse.setChecked(False)
    mode.table.selectRow(4)
    found = mode.results[4]
    view = mode.row_view
    assert (view.asked.box.toPlainText(), view.own.box.toPlainText()) == (found.asked, found.own)
    assert [column.box.toPlainText() for column in view.columns] == [found.columns[at].answer for at in (0, 1)]
    assert any(column.box.extraSelections() for column in view.columns), "what differs is marked"
    mode.measure.setCurrentIndex(mode.measure.findData("f1"))
    assert mode.model.measure == "f1"
    assert mode.table.currentIndex().row() == 4, "the row that is looked at stays"
    out = tmp_path / "all.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(out), ""))
    mode.save_button.click()
    with out.open(newline="", encoding="utf-8") as file:
        assert [line["row"] for line in csv.DictReader(file)] == [str(at) for at in range(8)]
    mode.save_button.click()
    assert "is there already" in mode.failure.said


def test_a_stop_keeps_what_is_there_and_it_goes_on_behind_it(
    mode: EvaluationMode, place: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    file = write_rows(tmp_path / "many.jsonl", 300)
    on_file(mode, tmp_path)
    mode.setup.file.setText(str(file))
    mode.setup.count.setValue(0)
    mode.run()
    qtbot.waitUntil(lambda: len(mode.results) >= 3, timeout=WAIT_MS)
    mode.stop_button.click()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    known = set(mode.results)
    assert 3 <= len(known) < 300
    assert mode.model.rowCount() == len(known)
    assert mode.summary.rows == len(known)
    mode.run()
    assert not mode.results
    qtbot.waitUntil(lambda: set(mode.results) >= known, timeout=WAIT_MS)
    mode.stop()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)


def test_the_model_is_left_to_others_while_nobody_looks(
    page: ComparePage, mode: EvaluationMode, place: Path, qtbot: QtBot
) -> None:
    on_file(mode, place)
    mode.run()
    assert mode.running
    page.show_mode(SIDE_BY_SIDE)
    assert not mode.running
    page.show_mode(EVALUATION)
    assert mode.running
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert mode.summary.rows == len(mode.results) == 8


def test_a_row_is_shown_in_the_data(window: MainWindow, mode: EvaluationMode, place: Path, qtbot: QtBot) -> None:
    asked = list[Picked]()
    window.session.rows_wanted.disconnect()
    window.session.rows_wanted.connect(asked.append)
    mode.setup.answers.setChecked(False)
    assert mode.setup.source.currentData() == HELD
    mode.run()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert mode.failure.said == ""
    assert len(mode.results) == 4, "half of the rows are held back"
    mode.table.selectRow(1)
    QTest.keyClick(mode.table, Qt.Key.Key_Return)
    (picked,) = asked
    assert picked.data.path == str(place / "rows.jsonl")
    assert list(picked.rows) == [(0, numbers(mode)[1])]
    assert all(not column.box.toPlainText() for column in mode.row_view.columns), "nothing was asked"


def test_what_is_wrong_is_told(mode: EvaluationMode, page: ComparePage, qtbot: QtBot, tmp_path: Path) -> None:
    on_file(mode, tmp_path)
    mode.setup.file.setText(str(tmp_path / "nothing.jsonl"))
    mode.run()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert "nothing.jsonl" in mode.failure.said
    mode.setup.match.setText("(")
    mode.setup.file.setText("x.jsonl")
    page.run()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert "is not a regular expression" in mode.failure.said
    mode.setup.file.setText("")
    assert mode.run_button.toolTip() == "Choose a data file."
    mode.setup.source.setCurrentIndex(0)
    page.panel.choose(base="demo")
    assert "Choose an adapter that was trained here" in mode.run_button.toolTip()
    page.panel.base.setCurrentText("")
    assert "Choose a base model" in mode.run_button.toolTip()


def test_the_data_that_is_open_is_offered(mode: EvaluationMode) -> None:
    data = DataSpec(path="/data/open.jsonl", format="prompt_completion", mapping={"prompt": "q", "completion": "a"})
    mode.offer_present(data)
    mode.setup.source.setCurrentIndex(mode.setup.source.findData(PRESENT))
    asked, config = mode.setup.request()
    assert not asked.held
    assert (config.data.path, config.data.mapping) == (data.path, data.mapping)
    mode.offer_present(replace(data, path="/data/other.jsonl"))
    assert mode.setup.source.currentData() == PRESENT, "it stays chosen"
    assert mode.setup.rows()[0].data.path == "/data/other.jsonl"


def test_the_present_data_stays_chosen_while_a_setting_is_wrong(mode: EvaluationMode) -> None:
    data = DataSpec(path="/data/open.jsonl")
    mode.offer_present(data)
    mode.setup.source.setCurrentIndex(mode.setup.source.findData(PRESENT))
    assert mode.run_button.isEnabled()
    mode.offer_present(None)
    assert "correct the settings" in mode.run_button.toolTip()
    mode.run()
    assert not mode.running
    mode.offer_present(data)
    assert mode.run_button.isEnabled()
    assert mode.setup.rows()[0].data.path == data.path
    chosen = mode.setup.left_open()
    mode.offer_present(None)
    mode.setup.source.setCurrentIndex(0)
    mode.setup.take_up(chosen)
    mode.offer_present(data)
    assert mode.setup.rows()[0].data.path == data.path, "in another window it is chosen before it is known"


def test_the_file_is_taken_as_a_config_would_take_it(mode: EvaluationMode, place: Path) -> None:
    on_file(mode, place)
    hub = "hf://datasets/owner/name@main?split=train"
    for text, path in ((hub, hub), (" some/rows.jsonl", str(Path.cwd() / "some" / "rows.jsonl"))):
        mode.setup.file.setText(text)
        assert mode.setup.rows()[0].data.path == path
    for text in ("~nosuchuser/x", "\udfff\ud800"):
        mode.setup.file.setText(text)
        mode.run()
        assert "cannot be opened" in mode.failure.said
        assert not mode.running


def test_what_is_chosen_is_chosen_again_in_another_window(
    page: ComparePage, mode: EvaluationMode, place: Path, qtbot: QtBot
) -> None:
    on_file(mode, place)
    mode.setup.count.setValue(2)
    mode.setup.drawn.setChecked(False)
    mode.setup.answers.setChecked(False)
    mode.setup.match.setText("a")
    mode.run()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    opened = page.left_open()
    known = dict(mode.results)
    mode.setup.take_up(mode.setup.left_open()._replace(source=HELD, file="", most=9))
    page.take_up(opened)
    assert opened.evaluation[1]
    assert mode.setup.left_open() == opened.evaluation[0]
    assert not mode.running, "it was done"
    assert mode.results == known
    assert sorted(numbers(mode)) == [0, 1]


def test_what_was_stopped_stays_so_in_another_window_and_the_rest_goes_on(
    page: ComparePage, mode: EvaluationMode, place: Path, qtbot: QtBot
) -> None:
    on_file(mode, place)
    mode.run()
    going = page.left_open()
    mode.stop()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    stopped = page.left_open()
    page.take_up(stopped)
    assert not mode.running
    page.take_up(going)
    assert mode.running
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert sorted(numbers(mode)) == list(range(8))


def begun(count: int, *titles: str) -> Begun:
    """Returns a stopped evaluation of so many rows, in the first of which the adapter gains least."""
    config = evaluations.on_data({"path": "x.jsonl"}, None)
    asked = Evaluate(config=to_dict(config), adapters=[None, *titles], answers=True)
    return Begun(asked, config, titles, [row(at, 9.0, 1.0 + 5.0 / (at + 1)) for at in range(count)], goes_on=False)


def test_columns_of_one_name_are_told_apart(
    mode: EvaluationMode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = begun(2, "red", "red")
    threes = [
        replace(item, columns=item.columns | {2: Read(losses=[1.0], answer="third")},
                measured=[*item.measured, {"loss": 1.0}]) for item in both.results
    ]  # fmt: skip
    mode._begin(both._replace(results=threes))
    assert [mode.figures.index(at, 0).data() for at in range(3)] == ["Base model", "red", "red (2)"]
    heads = [mode.model.headerData(at, Qt.Orientation.Horizontal) for at in (3, 4, 5)]
    assert heads == ["Base model", "red", "red (2)"]
    out = tmp_path / "all.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(out), ""))
    mode.save()
    with out.open(newline="", encoding="utf-8") as file:
        line = next(csv.DictReader(file))
    assert (line["red: answer"], line["red (2): answer"]) == ("1!", "third")


def test_rows_that_come_move_nothing_that_is_in_sight(mode: EvaluationMode) -> None:
    mode._begin(begun(60, "red"))
    bar = mode.table.verticalScrollBar()
    QApplication.processEvents()
    assert bar.maximum() > 20
    bar.setValue(12)
    mode._take([row(at, 9.0, 8.0) for at in range(100, 130)])
    mode._refresh()
    QApplication.processEvents()
    assert bar.value() == 12
    assert mode.model.rowCount() == 90


def test_the_worst_row_is_looked_at_until_someone_chooses_another(mode: EvaluationMode) -> None:
    def looked_at() -> int:
        found: Result = mode.table.currentIndex().data(Qt.ItemDataRole.UserRole)
        assert mode.row_view.asked.box.toPlainText() == found.asked
        return found.row

    mode._begin(begun(3, "red"))
    assert looked_at() == 0
    mode._take([row(7, 1.0, 8.0)])
    mode._refresh()
    assert looked_at() == 7, "it is worse"
    mode.order.setCurrentIndex(2)
    assert looked_at() == 0, "and not chosen"
    QTest.keyClick(mode.table, Qt.Key.Key_Down)
    mode.order.setCurrentIndex(0)
    assert looked_at() == 1
    mode._take([row(8, 1.0, 9.0)])
    mode._refresh()
    assert looked_at() == 1
    mode.worse.setChecked(True)
    assert looked_at() == 8, "it is not among them"
    mode.worse.setChecked(False)
    assert looked_at() == 1
    mode._begin(begun(3, "red"))
    assert looked_at() == 0
    place = mode.table.visualRect(mode.table.currentIndex()).center()
    QTest.mouseClick(mode.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    mode._take([row(7, 1.0, 8.0)])
    mode._refresh()
    assert looked_at() == 0, "a click chooses it though it was looked at already"


def test_rows_without_a_question_are_said_to_be_answered_by_none(
    mode: EvaluationMode, place: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "order 1 is late"}\n{"text": "a box is open"}\n')
    on_file(mode, place)
    mode.setup.file.setText(str(texts))
    mode.run()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert mode._said.text() == "No row has a question, so none was answered."
    assert mode._said.isVisible()
    mode.setup.answers.setChecked(False)
    mode.run()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    assert not mode._said.isVisible()


def test_adapters_that_may_know_the_rows_are_named(
    page: ComparePage, mode: EvaluationMode, place: Path, qtbot: QtBot
) -> None:
    config = {"data": {"path": str(place / "rows.jsonl"), "eval_split": 0.25}, "training": {"seed": 3}}
    other = library.add(place / "red", title="other", base=Base(path=str(place / "llama")), config=config, run="x")
    red = page.panel.entries()[0]
    page.panel.choose(red, other)
    first, second = page.panel.entries()
    mode.setup.answers.setChecked(False)
    mode.run()
    assert mode._warned.isVisible()
    assert f"{second.name} was trained with other rows held back than {first.name}" in mode._warned.text()
    on_file(mode, place)
    mode.stop()
    qtbot.waitUntil(lambda: not mode.running, timeout=WAIT_MS)
    mode.run()
    assert not mode._warned.isVisible()


def test_figures_have_intervals_and_the_best_is_marked(qtbot: QtBot) -> None:
    table, summary = FiguresTable(), Summary(2)
    table.show_summary(["base", "red"], summary)
    assert table.columnCount() == 1
    for item in (row(0, 4.0, 2.0), row(1, 2.0, 1.0), row(2, 1.0, 1.5)):
        summary.add(item)
    table.show_summary(["base", "red"], summary)
    cells = [[table.index(line, at).data() for at in range(table.columnCount())] for line in range(2)]
    assert [line[0] for line in cells] == ["base", "red"]
    assert cells[0][1].startswith("2.3333 (")
    assert cells[1][1].startswith("1.5000 (")
    assert cells[1][1].endswith(" *")
    assert table.index(1, 1).data(Qt.ItemDataRole.FontRole).bold()
    assert table.index(0, 1).data(Qt.ItemDataRole.FontRole) is None
    assert (cells[0][3], cells[1][3]) == ("\u2013", "2 / 1 (100%)")
    assert cells[0][4] == "\u2013"
    assert cells[1][4].startswith("100% (44%\u2013100%)")
    assert table.index(0, 1).data(Qt.ItemDataRole.TextAlignmentRole) == _RIGHT
    assert "95 %" in table.headerData(1, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert table.rowCount(table.index(0, 0)) == table.columnCount(table.index(0, 0)) == 0


def test_what_has_no_loss_of_tokens_has_no_perplexity(qtbot: QtBot) -> None:
    table = FiguresTable()
    judged, paired = Summary(2), Summary(1)
    for reward in (0.5, -0.25, 1.0):
        said = {"reward": reward, "reward_accuracy": float(reward > 0)}
        judged.add(replace(row(0, 4.0, 2.0), measured=[{"reward": 0.0}, said]))
    table.show_summary(["base", "red"], judged)
    heads = [table.headerData(at, Qt.Orientation.Horizontal) for at in range(table.columnCount())]
    assert heads == ["", "Reward", "Better / worse", "Reward accuracy"]
    assert table.index(1, 2).data() == "2 / 1 (100%)"
    paired.add(replace(row(0, 4.0, 2.0), measured=[{"loss": 0.7, "likelier": 1.0}]))
    table.show_summary(["base"], paired)
    heads = [table.headerData(at, Qt.Orientation.Horizontal) for at in range(table.columnCount())]
    assert heads == ["", "Loss", "Likelier"]


def test_a_row_says_what_each_column_made_of_it(qtbot: QtBot) -> None:
    table = RowsTable()
    items = [row(7, 1.0, 1.5), row(3, 2.0, 1.0)]
    table.show_rows(items, ["base", "red"], "loss")
    assert [table.index(0, at).data() for at in range(table.columnCount())] == [
        "7", "q7", "own", "1.0000", "1.5000", "\u22120.5"
    ]  # fmt: skip
    assert table.index(1, 0).data(Qt.ItemDataRole.UserRole) is items[1]
    assert (table.find(3), table.find(9)) == (1, -1)
    table.show_rows(items, ["base", "red"], "exact")
    assert [table.index(0, at).data() for at in (3, 4, 5)] == ["\u2013", "yes", "\u2013"], "the base was not measured"
    assert table.headerData(4, Qt.Orientation.Horizontal) == "red"
    assert table.rowCount(QModelIndex()) == 2


def test_a_fault_stands_in_place_of_an_answer(theme: Theme, qtbot: QtBot) -> None:
    view = EvaluationRow(theme)
    qtbot.addWidget(view)
    view.set_columns(["base", "red"])
    item = row(1, 1.0, 2.0)
    reads = {0: Read(losses=[1.0], fault="It is too long."), 1: Read(losses=[1.0], answer="own more", cut=True)}
    view.show_row(replace(item, columns=reads))
    assert view.columns[0].said.text() == "It is too long."
    assert view.columns[0].box.extraSelections() == []
    assert "cut at the longest answer" in view.columns[1].said.text()
    (mark,) = view.columns[1].box.extraSelections()
    assert mark.cursor.selectedText() == "more"
    assert view.own.said.text().startswith("Marked in the others")
    view.show_row(replace(item, columns=reads, desirable=False))
    assert view.own.said.text().startswith("Labelled bad")
    assert view.columns[1].box.extraSelections() == [], "nothing is wrong with what is not like it"
    view.show_row(None)
    assert [column.box.toPlainText() for column in view.columns] == ["", ""]
