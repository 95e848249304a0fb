"""A text token by token: coloured by its losses, looked at in all columns at once, and the ways that lead to it."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QTextCharFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.core import desk, library, rowlog, runs
from studio.core.config import DataSpec, ModelSpec, RunConfig
from studio.core.desk import Scored, Scores
from studio.core.library import Base
from studio.core.runs import Run
from studio.ui import shades
from studio.ui.desk import Desk
from studio.ui.pages.compare import SIDE_BY_SIDE, TOKENS, ComparePage
from studio.ui.pages.data import DataPage
from studio.ui.pages.train import TrainPage
from studio.ui.score_view import ScoreColumn, ScoreView, _times
from studio.ui.session import GivenText
from studio.ui.theme import DARK, LIGHT, Theme
from studio.ui.window import MainWindow
from tests.desks import random_adapter
from tests.models import tiny
from tests.ui.test_compare import entry, opened, standing
from tests.ui.test_tokens_view import picture
from tests.ui.told import prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

WAIT_MS = 240_000
NAN = math.nan
PIECES = ["<|start|>", "Hi", "\n", "good", " day", "<|end|>"]
TRAINED = [False, False, False, True, True, True]
BASE = [NAN, 1.0, 0.5, 4.0, 2.0, 0.1]
FIRST = [NAN, 1.0, 0.5, 0.5, 2.5, 0.1]
SECOND = [NAN, 2.0, 0.5, 4.0, 9.0, 0.2]


def scores(*columns: Sequence[float], answer: str = "") -> Scores:
    shown = picture(PIECES, TRAINED)
    shown = type(shown)(**{name: getattr(shown, name) for name in shown.__dataclass_fields__} | {"answer": answer})
    made = [
        Scored(
            adapter=f"a{at}" if at else None,
            loss=math.fsum(losses[3:]) / 3,
            losses=list(losses),
            top_ids=[-1, -1, *([7, 8] * 5)],
            top_losses=[NAN, NAN, *([0.5, 1.5] * 5)],
        )
        for at, losses in enumerate(columns)
    ]
    names = {7: "good", 8: "\n"}
    return Scores(picture=shown, columns=made, counts=TRAINED, counted=3, read=6, top_k=2, names=names)


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> ScoreView:
    made = ScoreView(theme)
    qtbot.addWidget(made)
    made.resize(900, 400)
    made.show_scores(scores(BASE, FIRST, SECOND), ["Base model", "first", "second"])
    made.show()
    return made


def look(column: ScoreColumn, token: int) -> QTextCharFormat:
    """Returns the format that is really drawn of a token."""
    position = column.box.laid.spans[token][0]
    block = column.box.document().findBlock(position)
    inside = position - block.position()
    return next(QTextCharFormat(f.format) for f in block.layout().formats() if f.start <= inside < f.start + f.length)


def ground(column: ScoreColumn, token: int) -> str:
    return look(column, token).background().color().name()


def strength(number: float) -> float:
    return round(32 * math.copysign(1 - math.exp(-abs(number)), number)) / 32


@pytest.mark.parametrize("dark", [False, True])
def test_tokens_are_coloured_by_their_loss_or_by_the_difference(view: ScoreView, theme: Theme, dark: bool) -> None:
    theme.set_mode("dark" if dark else "light")
    palette = DARK if dark else LIGHT
    for column, losses in zip(view.columns, (BASE, FIRST, SECOND), strict=True):
        for token in (3, 4, 5):
            assert ground(column, token) == shades.shade(palette, strength(losses[token])).name()
        assert look(column, 1).foreground().color() == QColor(palette.muted), "it is not learned"
    view.show_differences(True)
    assert len({ground(view.columns[0], token) for token in (3, 4, 5)}) == 1, "the base is no different from itself"
    for column, losses in zip(view.columns[1:], (FIRST, SECOND), strict=True):
        for token in (3, 4, 5):
            assert ground(column, token) == shades.shade(palette, strength(BASE[token] - losses[token])).name()
    view.every.setChecked(True)
    assert ground(view.columns[2], 1) == shades.shade(palette, strength(-1.0)).name()
    assert not look(view.columns[2], 1).fontUnderline()
    assert look(view.columns[2], 3).fontUnderline(), "learned ones are told apart not by colour alone"
    assert look(view.columns[2], 0).foreground().color() == QColor(palette.muted), "nothing stands before it"
    theme.set_mode("light")


def test_text_stays_readable_on_every_shade() -> None:
    for palette in (LIGHT, DARK):
        for value in np.linspace(-1, 1, 41):
            back = shades.shade(palette, float(value))
            lights = sorted((shades._luminance(back), shades._luminance(QColor(shades.ink(back)))))
            assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5, (palette.dark, value)


def test_one_token_is_looked_at_in_every_column(view: ScoreView) -> None:
    assert view.detail.text() == "The loss is the mean of 3 tokens"
    assert [column.status.text() for column in view.columns] == [
        "loss 2.03  ·  perplexity 7.64",
        "loss 1.03  ·  perplexity 2.81",
        "loss 4.4  ·  perplexity 81.5",
    ]
    cursor = view.columns[1].box.textCursor()
    cursor.setPosition(view.columns[1].box.laid.spans[4][0] + 1)
    view.columns[1].box.setTextCursor(cursor)
    assert view.token == 4
    assert view.detail.text() == "Token 5 of 6  ·  ' day'  ·  learned"
    for column in view.columns:
        (mark,) = column.box.extraSelections()
        assert mark.cursor.selectedText() == " day"
        assert column.likeliest.text() == "Likeliest: 'good' 61%  '\\n' 22%"
    assert view.columns[0].detail.text() == "14% likely, loss 2.0000"
    assert view.columns[1].detail.text() == "8.2% likely, loss 2.5000, 0.61 times the base's"
    view.look_at(0)
    assert view.columns[0].detail.text() == "Nothing was computed of this token."
    assert view.columns[0].likeliest.text() == ""
    assert view.detail.text() == "Token 1 of 6  ·  '<|start|>'  ·  not learned"


def test_the_pointer_looks_at_what_it_is_over(view: ScoreView, qtbot: QtBot) -> None:
    box = view.columns[2].box
    cursor = box.textCursor()
    cursor.setPosition(box.laid.spans[3][0] + 2)
    place = box.cursorRect(cursor).center()
    QTest.mouseMove(box.viewport(), place - QPoint(1, 0))
    qtbot.waitUntil(lambda: view.token == 3)
    QTest.mouseMove(box.viewport(), QPoint(box.viewport().width() - 3, box.viewport().height() - 3))
    assert view.token == 3, "it stays where there is none"


def test_the_next_largest_is_gone_to_and_all_around(view: ScoreView) -> None:
    assert [go(view) for _ in range(4)] == [4, 3, 5, 4], "by the greatest loss of an adapter"
    view.show_differences(True)
    assert [go(view) for _ in range(3)] == [3, 5, 4], "4 differs most, and is where it stands"
    view.clear()
    view.show_next()
    assert view.token == -1


def go(view: ScoreView) -> int:
    view.next.click()
    return view.token


def test_one_column_has_no_difference_and_two_answers_are_turned(view: ScoreView, qtbot: QtBot) -> None:
    view.show_differences(True)
    view.show_scores(scores(BASE, answer="worse"), ["Base model"])
    assert not view.differing
    assert not any(button.isVisible() for button in view._modes.buttons())
    assert view.worse.isVisible()
    assert view.worse.isChecked()
    with qtbot.waitSignal(view.answer_wanted):
        view.worse.click()
    view.show_scores(scores(BASE, FIRST), ["Base model", "first"])
    assert not view.worse.isVisible()
    assert all(button.isVisible() for button in view._modes.buttons())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scores")


@pytest.fixture(scope="module")
def model(place: Path) -> Path:
    return tiny("llama", place / "llama")


@pytest.fixture(scope="module")
def made(place: Path, model: Path) -> Path:
    return random_adapter(model, place / "red", 1)


@pytest.fixture(scope="module")
def filled(place: Path, model: Path, made: Path) -> Path:
    """A home whose library holds two adapters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(place / "home"))
        for title, folder in (("red", made), ("blue", random_adapter(model, place / "blue", 2))):
            library.add(folder, title=title, base=Base(path=str(model)), run=title)
    return place / "home"


@pytest.fixture(scope="module")
def shared(qapp: QApplication, filled: Path) -> Iterator[Desk]:
    yield from standing(filled)


@pytest.fixture
def page(
    qtbot: QtBot, theme: Theme, shared: Desk, filled: Path, model: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ComparePage]:
    """The page alone, with one of the two chosen; its helper process serves all tests here."""
    monkeypatch.setenv("STUDIO_HOME", str(filled))
    for each in opened(qtbot, theme, shared, str(model)):
        each.receive(entry("red"))
        yield each


@pytest.fixture
def whole(window: MainWindow, model: Path, made: Path) -> ComparePage:
    """The page in its window."""
    library.add(made, title="red", base=Base(path=str(model)))
    page = window.page("compare")
    assert isinstance(page, ComparePage)
    page.receive(library.entries())
    return page


def until_done(page: ComparePage, qtbot: QtBot) -> list[ScoreColumn]:
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.failure.said == ""
    return page.text.view.columns


def test_a_typed_answer_and_one_that_was_written_are_looked_at(page: ComparePage, qtbot: QtBot) -> None:
    page.show_mode(TOKENS)
    assert page.run_button.toolTip() == "Write a question and an answer first."
    page.prompt.setPlainText("order late")
    assert not page.run_button.isEnabled()
    page.text.answer.setPlainText("sorry for the trouble")
    QTest.keyClick(page.text.answer, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert page.running
    base, red = until_done(page, qtbot)
    assert (base.title, red.title) == ("Base model", "red")
    assert "order late" in base.box.toPlainText()
    assert "sorry for the trouble" in red.box.toPlainText()
    assert base.scored.losses[1:] != red.scored.losses[1:]

    page.show_mode(SIDE_BY_SIDE)
    assert not page.text.answer.isVisible()
    page.prompt.setPlainText("small box")
    page.run()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    written = page.columns[1]
    assert written.text.strip()
    page.prompt.setPlainText("another question by now")
    written.look.click()
    assert page.mode == TOKENS
    assert page.text.given is not None
    assert [message.content for message in page.text.given.text.messages] == ["small box", written.text]
    assert page.text._name.text() == "Answer of red"
    assert page.prompt.toPlainText() == "another question by now"
    _, red = until_done(page, qtbot)
    assert any(red.counts)
    assert not red.counts[-1], "the answer was cut: its end is the template's"

    left = page.left_open()
    page.take_up(left)
    assert page.left_open() == left
    assert left.mode == TOKENS


def test_a_failure_is_told_and_what_was_typed_stays(page: ComparePage, qtbot: QtBot, tmp_path: Path) -> None:
    page.show_mode(TOKENS)
    page.panel.base.setCurrentText(str(tmp_path))
    page.prompt.setPlainText("order late")
    page.text.answer.setPlainText("sorry")
    page.run()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.failure.said
    assert not page.text.view.columns
    assert page.text.answer.toPlainText() == "sorry"


def test_a_row_of_the_data_is_looked_at(whole: ComparePage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"order {n}", "completion": f"late {n}"}) + "\n" for n in range(3)))
    data = window.page("data")
    assert isinstance(data, DataPage)
    window.session.draft.edit("model.path", whole.panel.model(), "model")
    window.show_page("data")
    data.receive(file)
    qtbot.waitUntil(lambda: "valid" in data.plain.known)
    pane = data.rows.pane
    data.rows.table.selectRow(1)
    pane.views.setCurrentWidget(pane.tokens)
    qtbot.waitUntil(lambda: pane.tokens.picture is not None, timeout=WAIT_MS)
    pane.tokens.score_button.click()
    assert window._stack.currentWidget() is whole
    _, red = until_done(whole, qtbot)
    assert "order 1" in red.box.toPlainText()
    assert red.box.toPlainText().replace("\u21b5", "") == pane.tokens.text.toPlainText()
    assert whole.text.bar.isVisible()
    assert whole.text._name.text() == "Row 1 of rows.jsonl"
    assert not whole.prompt.isVisible()
    qtbot.waitUntil(whole.run_button.hasFocus)
    leave = whole.text.bar.findChildren(type(whole.run_button))[0]
    whole.run()
    leave.click()
    assert not whole.running
    qtbot.wait(50)
    assert whole.text.given is None
    assert not whole.text.view.columns
    assert whole.prompt.hasFocus()
    assert whole.prompt.isVisible()
    assert not whole.text.bar.isVisible()


def told_run(folder: Path, model: Path, data: Path) -> Run:
    run = runs.create(RunConfig(model=ModelSpec(path=str(model)), data=DataSpec(path=str(data))), folder)
    tell(run, prepared(1), step(1, 2.0))
    np.array([(1, row, 5, float(row)) for row in range(3)], rowlog.RECORD).tofile(rowlog.path_of(run.path))
    return run


def test_a_runs_row_is_read_by_its_adapter(
    whole: ComparePage, window: MainWindow, qtbot: QtBot, tmp_path: Path, model: Path, made: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"order {n}", "completion": f"late {n}"}) + "\n" for n in range(3)))
    run = told_run(tmp_path / "told", model, file)
    train = window.page("train")
    assert isinstance(train, TrainPage)
    window.session.run_wanted.emit(run)
    train.view.tabs.setCurrentWidget(train.view.rows)
    rows = train.view.rows
    qtbot.waitUntil(lambda: rows.model.rowCount() == 3 and rows.look_button.isEnabled())
    notices = list[str]()
    window.session.noticed.connect(lambda notice: notices.append(notice.text))
    rows.table.selectRow(0)
    QTest.keyClick(rows.table, Qt.Key.Key_T)
    assert notices[-1].startswith("The run has nothing in the library yet")
    library.add(made, title="its own", base=Base(path=str(model)), run=run.address)
    item = rows.model.items[0]
    QTest.keyClick(rows.table, Qt.Key.Key_T)
    assert window._stack.currentWidget() is whole
    assert [entry.title for entry in whole.panel.entries()] == ["its own"]
    _, own = until_done(whole, qtbot)
    assert f"order {item['row']}" in own.box.toPlainText()
    QApplication.processEvents()


def test_an_answer_is_looked_at_as_it_was_asked_for(page: ComparePage, qtbot: QtBot) -> None:
    page.panel.system.setText("order box")
    page.prompt.setPlainText("small box")
    page.run()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    page.panel.system.clear()
    page.panel.choose(entry("blue"))
    page.columns[1].look.click()
    _, red = until_done(page, qtbot)
    assert red.title == "red"
    assert "order box" in red.box.toPlainText()
    assert [chosen.title for chosen in page.panel.entries()] == ["red"]
    assert page.panel.system.text() == "", "what is typed by now is left alone"


def test_of_two_answers_the_box_says_which_is_shown(page: ComparePage, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps({"prompt": "order", "chosen": "sorry", "rejected": "late"}) + "\n")
    text = desk.Tokens(file=str(file), row=0)
    page.receive(GivenText(text, "Row 0", [entry("red")]))
    view = page.text.view
    assert not view.worse.isEnabled()
    until_done(page, qtbot)
    assert view.worse.isEnabled()
    assert "sorry" in view.columns[0].box.toPlainText()
    view.worse.click()
    assert not view.worse.isEnabled(), "not while it is being read"
    page.stop()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    shown_now = "late" in view.columns[0].box.toPlainText()
    assert view.worse.isChecked() == shown_now
    if not shown_now:
        view.worse.click()
        until_done(page, qtbot)
    assert "late" in view.columns[0].box.toPlainText()
    page.run()
    until_done(page, qtbot)
    assert "late" in view.columns[0].box.toPlainText()
    assert view.worse.isChecked()


def test_what_was_not_read_is_told_and_struck_out(page: ComparePage, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "text.jsonl"
    file.write_text(json.dumps({"text": "order late box " * 20}) + "\n")
    text = desk.Tokens(file=str(file), row=0, max_length=16)
    page.receive(GivenText(text, "Row 0", [entry("red")]))
    base, _ = until_done(page, qtbot)
    view = page.text.view
    assert "only 16 of" in view.detail.text()
    view.look_at(20)
    assert view.detail.text().endswith("not read")
    assert base.detail.text() == "Nothing was computed of this token."
    assert look(base, 20).fontStrikeOut()
    assert not look(base, 10).fontStrikeOut()


def test_the_learned_tokens_are_in_sight_first(qtbot: QtBot, theme: Theme) -> None:
    made = ScoreView(theme)
    qtbot.addWidget(made)
    made.resize(600, 260)
    found = scores(BASE, FIRST)
    text = "long " * 300
    found = replace(found, picture=replace(found.picture, text=text + found.picture.text[4:], offsets=[
        (0, 5), (5, len(text)), *((len(text) + a - 4, len(text) + b - 4) for a, b in found.picture.offsets[2:])
    ]))  # fmt: skip
    made.show()
    made.show_scores(found, ["Base model", "first"])
    qtbot.wait(100)  # until the columns have their places

    def seen(column: ScoreColumn, token: int) -> bool:
        cursor = column.box.textCursor()
        cursor.setPosition(column.box.laid.spans[token][0])
        return column.box.viewport().rect().contains(column.box.cursorRect(cursor))

    qtbot.waitUntil(lambda: all(seen(column, 3) for column in made.columns))
    assert not seen(made.columns[0], 0)
    made.look_at(0, follow=True)
    assert all(seen(column, 0) for column in made.columns)


def test_the_legend_says_what_each_colour_is(view: ScoreView) -> None:
    said = [(item.text(), item.styleSheet()) for item in view._legend]
    for (text, style), (name, value) in zip(said, (("Certain", 0.0), ("Surprising", 1.0)), strict=True):
        assert text == name
        assert shades.shade(LIGHT, value).name() in style
    view.show_differences(True)
    said = [(item.text(), item.styleSheet()) for item in view._legend]
    for (text, style), (name, value) in zip(said, (("Likelier", 1.0), ("Less likely", -1.0)), strict=True):
        assert text == name
        assert shades.shade(LIGHT, value).name() in style


@pytest.mark.parametrize(
    ("nats", "said"), [(0.0, "1"), (-0.5, "0.61"), (2.0, "7.4"), (5.0, "148"), (9.0, ">1,000"), (-9.0, "<0.001")]
)
def test_a_ratio_is_told_as_exactly_as_it_matters(nats: float, said: str) -> None:
    assert _times(nats) == said


def test_the_mark_is_in_the_colours_of_the_theme(view: ScoreView, theme: Theme) -> None:
    view.look_at(4)
    theme.set_mode("dark")
    (mark,) = view.columns[0].box.extraSelections()
    assert mark.format.background().color() == QColor(DARK.text)
    theme.set_mode("light")


def test_line_ends_and_spaces_can_be_seen(view: ScoreView) -> None:
    box = view.columns[0].box
    assert box.toPlainText() == "<|start|>Hi↵\ngood day<|end|>"
    view.spaces.setChecked(True)
    assert box.toPlainText() == "<|start|>Hi↵\ngood·day<|end|>"
    assert ground(view.columns[0], 4) == shades.shade(LIGHT, strength(2.0)).name()
