"""The blind test in the window: made, answered by the real desk while one judges, and who wins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from studio.core import blind, desk, library
from studio.core.library import Base
from studio.ui.pages.compare import BLIND, SIDE_BY_SIDE, ComparePage
from studio.ui.rate_bar import RateBar
from studio.ui.standing_view import StandingView
from studio.ui.theme import Theme
from studio.ui.window import MainWindow
from tests.core.test_blind import about, answered
from tests.desks import random_adapter
from tests.models import tiny

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)
WAIT_MS = 240_000


@pytest.fixture
def page(window: MainWindow) -> Iterator[ComparePage]:
    """The page in its fourth way to ask."""
    window.show_page("compare")
    made = window.page("compare")
    assert isinstance(made, ComparePage)
    made.show_mode(BLIND)
    yield made
    made.leave()


@pytest.fixture
def test_(page: ComparePage) -> blind.BlindTest:
    """A test of two whose prompts are all answered, opened."""
    made = blind.create(about(contenders=2, prompts=3))
    for prompt in range(3):
        answered(made, prompt, f"plain {prompt}", f"kind {prompt}")
    page.blind.open(made)
    return made


def said(view: StandingView) -> list[str]:
    return [made.text() for made in view.findChildren(QLabel)]


def test_pairs_are_judged_by_keys_and_names_are_not_shown(
    page: ComparePage, test_: blind.BlindTest, qtbot: QtBot
) -> None:
    mode = page.blind
    assert not page.panel.isVisible()
    assert not page.prompt.isVisible()
    first = mode.pair
    assert first is not None
    assert mode.prompt.toPlainText() == f"Be kind.\n\nq{first.prompt}"
    qtbot.waitUntil(mode._page.hasFocus)
    assert mode._page.accessibleName() == "Which answer is better?"
    texts = test_.answers[first.prompt]
    assert (mode.left.toPlainText(), mode.right.toPlainText()) == (texts[first.left], texts[first.right])
    shown = [made.text() for made in page.findChildren(QLabel) if made.isVisible()]
    assert not any("a1" in text for text in shown)
    QTest.keyClick(mode._page, Qt.Key.Key_1)
    assert blind.load(test_.path).votes == {first: first.left}
    QTest.keyClick(mode.left, Qt.Key.Key_Backspace)
    assert (mode.pair, blind.load(test_.path).votes) == (first, {})
    mode.right_button.click()
    mode.tie_button.click()
    assert "2 of 3" in mode._progress.text()
    last = mode.pair
    assert last is not None
    mode.left_button.click()
    assert list(blind.load(test_.path).votes.values()) == [first.right, blind.TIE, last.left]
    (view,) = mode.findChildren(StandingView)
    assert view.isVisible()
    assert len(view.findChildren(RateBar)) == 2
    assert not mode.on_button.isVisible(), "all is judged"
    mode.undo_button.click()
    assert mode.pair == last
    assert mode.left.toPlainText() == test_.answers[last.prompt][last.left]
    mode.left_button.click()
    mode.shut()
    assert page.panel.isVisible()
    assert mode.setup.tests.count() == 1
    mode.setup.tests.setCurrentRow(0)
    mode.setup.open_button.click()
    assert mode.test is not None
    assert mode.test.votes == blind.load(test_.path).votes


def test_the_votes_are_saved_and_opened_as_data(
    page: ComparePage, test_: blind.BlindTest, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mode, out = page.blind, tmp_path / "votes.jsonl"
    mode.show_standing()
    assert not mode.save_button.isEnabled()
    mode.on_button.click()
    mode.judge(1)
    mode.show_standing()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(out), ""))
    opened = list[Path]()
    window.session.data_wanted.disconnect()
    window.session.data_wanted.connect(opened.append)
    mode.save_button.click()
    assert opened == [out]
    assert len(out.read_text().splitlines()) == 1
    mode.save_button.click()
    assert "is there already" in mode._told.text()


def test_a_test_is_made_of_what_is_chosen_and_answered_as_one_judges(
    page: ComparePage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    model = tiny("llama", tmp_path / "llama")
    entry = library.add(random_adapter(model, tmp_path / "red", 1), title="red", base=Base(path=str(model)))
    setup = page.blind.setup
    assert "two answers are needed" in setup.begin.toolTip() or "base model" in setup.begin.toolTip()
    page.panel.choose(entry)
    page.panel.numbers["max_new_tokens"].setValue(5)
    assert setup.begin.toolTip() == "Write prompts, or name a data file."
    setup.base.setChecked(False)
    assert "two answers are needed" in setup.begin.toolTip()
    setup.base.setChecked(True)
    setup.prompts.setPlainText("order late\n\n  box open  \n")
    setup.begin.click()
    test = page.blind.test
    assert test is not None
    assert [prompt[0].content for prompt in test.about.prompts] == ["order late", "box open"]
    assert page.blind._waits.isVisible()
    assert not page.blind.left_button.isEnabled()
    qtbot.waitUntil(lambda: len(test.answers) == 1, timeout=WAIT_MS)
    # What is being answered is left to the other ways to ask, and taken up again.
    page.show_mode(SIDE_BY_SIDE)
    assert page.blind._call is None
    page.show_mode(BLIND)
    qtbot.waitUntil(lambda: not test.missing(), timeout=WAIT_MS)
    assert blind.load(test.path).answers == test.answers
    # Rows of a file are read by a process of its own.
    page.blind.shut()
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "from a file", "completion": "yes"}\n')
    setup.file.setText(str(file))
    setup.prompts.setPlainText("--typed")
    with qtbot.waitSignal(setup.opened):
        setup.begin.click()
        assert not setup.begin.isEnabled()
    made = page.blind.test
    assert made is not None
    assert [prompt[0].content for prompt in made.about.prompts] == ["--typed", "from a file"]
    assert made.about.contenders == [None, entry.name]
    page.blind.shut()
    setup.file.setText(str(tmp_path / "none.jsonl"))
    setup.begin.click()
    qtbot.waitUntil(lambda: bool(setup.fault.text()))
    assert "none.jsonl" in setup.fault.text()


def test_what_fails_is_told_and_not_asked_again(page: ComparePage, qtbot: QtBot) -> None:
    test = blind.create(about(contenders=2, prompts=2))
    page.blind.open(test)  # no adapter is called a1
    qtbot.waitUntil(lambda: bool(page.blind.failure.said), timeout=WAIT_MS)
    qtbot.wait(50)
    assert page.blind._call is None
    page.blind.shut()
    assert page.blind.setup.tests.count() == 1
    page.blind.setup.tests.setCurrentRow(0)
    page.blind.setup.remove_button.click()
    assert (blind.listing(), page.blind.setup.tests.count()) == ([], 0)
    page.blind.setup.restore_button.click()
    assert (blind.listing(), page.blind.setup.tests.count()) == ([test.path], 1)
    assert not page.blind.setup.restore_button.isVisible()


def test_a_test_is_open_again_in_the_next_window(page: ComparePage, test_: blind.BlindTest, theme: Theme) -> None:
    page.blind.judge(1)
    opened = page.left_open()
    page.blind.shut()
    page.take_up(opened)
    assert page.mode == BLIND
    assert page.blind.test is not None
    assert page.blind.test.votes == blind.load(test_.path).votes


def test_a_bar_is_drawn_from_its_share(theme: Theme, qtbot: QtBot, qapp: QApplication) -> None:
    for rate in (0.0, 0.5, 1.0):
        bar = RateBar(theme, rate, max(0.0, rate - 0.2), min(1.0, rate + 0.2))
        qtbot.addWidget(bar)
        bar.resize(201, 16)
        image = bar.grab().toImage()
        accent = [x for x in range(201) if image.pixelColor(x, 8).name() == theme.palette.accent]
        assert accent
        assert abs(sum(accent) / len(accent) - min(max(201 * rate, 5), 196)) <= 1


def test_what_is_being_read_stays_while_other_prompts_are_answered(page: ComparePage) -> None:
    test = blind.create(about(contenders=3, prompts=20))
    answered(test, test.missing()[-1], "x", "y", "z")
    page.blind.open(test)
    page.blind._cancel()  # no desk answers here
    shown = page.blind.pair
    assert shown is not None
    for prompt in test.missing():
        columns = [desk.Column(adapter=None, text=f"{prompt}-{n}", tokens=1, seconds=0, cut=False) for n in range(3)]
        page.blind._take(test, prompt, desk.Answers(columns=columns))
        assert page.blind.pair == shown
        assert page.blind.left.toPlainText() == "xyz"[shown.left]
    page.blind.judge(1)
    assert test.votes == {shown: shown.left}
