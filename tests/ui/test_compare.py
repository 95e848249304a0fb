"""The Compare page on a real desk: columns that stream, a conversation, stopping, failing and starting again."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from studio.core import desk, library
from studio.core.library import Entry
from studio.core.units import plural
from studio.ui.answer_view import different
from studio.ui.desk import Desk
from studio.ui.pages.compare import BLIND, CONVERSATION, SIDE_BY_SIDE, ComparePage
from studio.ui.theme import Theme
from tests.core.test_library import added
from tests.desks import endless_model, random_adapter
from tests.models import tiny
from tests.ui import walk

# The plug-in that draws into memory says so of windows' hints, which nobody sees there.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

WAIT_MS = 240_000  # it only keeps a test from hanging: what loads torch takes long on a loaded machine
QUESTION = "What is the capital of France?"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def model(place: Path) -> str:
    return str(tiny("llama", place / "llama"))


@pytest.fixture(scope="module")
def filled(place: Path, model: str) -> Path:
    """A home whose library holds two sound adapters and one of another base."""
    other = str(tiny("gpt2", place / "gpt2"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(place / "home"))
        for number, (title, base) in enumerate((("First", model), ("Second", model), ("Other <b>base", other))):
            folder = random_adapter(Path(base), place / f"made{number}", number)
            library.add(folder, title=title, base=library.Base(path=base))
    return place / "home"


@pytest.fixture(scope="module")
def shared(qapp: QApplication, filled: Path) -> Iterator[Desk]:
    yield from standing(filled)


def standing(home: Path) -> Iterator[Desk]:
    """Gives a desk that serves all tests of a file."""
    made = Desk()
    # Its process is there before the first test, which would else be told that it left it running.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(home))
        made.ask(desk.Hardware())
    yield made
    made.close()


@pytest.fixture
def theme(qapp: QApplication, home: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Theme]:
    monkeypatch.setenv("STUDIO_HOME", str(filled))
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, shared: Desk, model: str) -> Iterator[ComparePage]:
    yield from opened(qtbot, theme, shared, model)


def opened(qtbot: QtBot, theme: Theme, desk: Desk, model: str) -> Iterator[ComparePage]:
    made = ComparePage(theme, desk)
    qtbot.addWidget(made)
    made.resize(1280, 720)
    made.show()
    made.panel.base.setCurrentText(model)
    made.panel.numbers["max_new_tokens"].setValue(12)
    yield made
    made.stop()
    qtbot.waitUntil(lambda: not made.running, timeout=WAIT_MS)


def entry(title: str) -> Entry:
    return next(item for item in library.entries() if item.title == title)


def ask(qtbot: QtBot, page: ComparePage, text: str = QUESTION, wait: bool = True) -> None:
    page.prompt.setPlainText(text)
    QTest.keyClick(page.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert page.running
    if wait:
        qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)


def test_it_says_that_adapters_were_trained_on_bases_held_differently(
    qtbot: QtBot, theme: Theme, shared: Desk, model: str, tmp_path: Path
) -> None:
    for title in ("none", "nf4"):
        added(tmp_path, title, base=library.Base(path=model), config={"model": {"path": model, "quantization": title}})
    for made in opened(qtbot, theme, shared, model):
        made.receive([entry("none"), entry("nf4")])
        said = "The adapters were trained with model.quantization nf4 and none; here all columns have none."
        assert made.status.text() == said
        made.receive(entry("nf4"))
        assert made.status.text() == ""
    for title in ("none", "nf4"):
        library.remove(entry(title))


def test_it_says_what_to_do_and_why_it_cannot_yet(page: ComparePage) -> None:
    for chat, said in ((False, "all answers appear here"), (True, "each answer knows what was said")):
        page.show_mode(int(chat))
        assert sum(said in made.text() for made in page.findChildren(QLabel) if made.isVisible()) == 1
    page.show_mode(SIDE_BY_SIDE)
    assert not page.run_button.isEnabled()
    assert page.run_button.toolTip() == "Write a question first."
    assert not page.run_action.isEnabled()
    assert not page.stop_action.isEnabled()
    page.prompt.setPlainText("x")
    assert page.run_button.isEnabled()
    assert page.run_action.isEnabled()
    page.panel.base.setCurrentText("")
    assert page.run_button.toolTip() == "Choose a base model first."


def test_answers_stream_side_by_side(page: ComparePage, qtbot: QtBot, model: str) -> None:
    page.receive([entry("First"), entry("Second")])
    assert page.panel.model() == model
    ask(qtbot, page, wait=False)
    assert not page.run_button.isEnabled()
    assert not page.run_action.isEnabled()
    assert page.stop_action.isEnabled()
    assert not any(mode.isEnabled() for mode in page._mode_actions)
    seen: set[tuple[bool, ...]] = set()
    assert page._call is not None
    page._call.piece.connect(lambda *_: seen.add(tuple(bool(shown.text) for shown in page.columns)))
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert [shown.title for shown in page.columns] == ["Base model", *(item.title for item in page.panel.entries())]
    assert [shown.kind for shown in page.columns] == ["base", "adapter", "adapter"]
    assert len({shown.text for shown in page.columns}) == 3
    assert (True, True, True) in seen
    for shown in page.columns:
        assert shown.answer is not None
        assert shown.view.toPlainText() == shown.text == shown.answer.text
        assert shown.status.text().startswith(f"{plural(shown.answer.tokens, 'token')}  ·")
    first = page.columns[0].text

    copy = page.columns[1].findChild(QToolButton)
    assert isinstance(copy, QToolButton)
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == page.columns[1].text
    page.differences.setChecked(True)
    assert not page.columns[0].view.extraSelections()
    marked = page.columns[1].view.extraSelections()
    assert len(marked) == len(different(first, page.columns[1].text)) > 0
    page.differences.setChecked(False)
    assert not page.columns[1].view.extraSelections()

    page.receive([])
    ask(qtbot, page)
    assert [shown.text for shown in page.columns] == [first], "the base's column is the base, whoever is beside it"


def test_stopping_keeps_what_is_there_and_the_next_question_works(page: ComparePage, qtbot: QtBot) -> None:
    page.panel.numbers["max_new_tokens"].setValue(450)
    page.panel.numbers["temperature"].setValue(1)
    ask(qtbot, page, wait=False)
    qtbot.waitUntil(lambda: bool(page.columns[0].text), timeout=WAIT_MS)
    QTest.mouseClick(page.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.columns[0].text
    assert page.columns[0].status.text() == "Ended early"
    assert page.failure.said == ""
    page.panel.numbers["max_new_tokens"].setValue(5)
    ask(qtbot, page)
    assert page.columns[0].answer is not None


def test_the_focus_goes_from_run_to_stop_and_back(page: ComparePage, qtbot: QtBot) -> None:
    walk.activate(page)
    page.panel.numbers["max_new_tokens"].setValue(450)
    page.panel.numbers["temperature"].setValue(1)
    page.prompt.setPlainText(QUESTION)
    page.run_button.setFocus()
    # In a conversation the question is gone, and the next one is to be written first.
    for chat, behind in ((False, page.run_button), (True, page.prompt)):
        page.show_mode(int(chat))
        QTest.keyClick(page.run_button, Qt.Key.Key_Space)
        assert page._call is not None
        with qtbot.waitSignal(page._call.piece, timeout=WAIT_MS):
            assert page.stop_button.hasFocus()
        QTest.keyClick(page.stop_button, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
        assert behind.hasFocus()


def test_a_failure_comes_as_a_card_with_a_hint(page: ComparePage, qtbot: QtBot, model: str) -> None:
    page.receive(entry("Other <b>base"))
    page.panel.base.setCurrentText(model)
    ask(qtbot, page)
    assert "belongs to another base model" in page.failure.said
    assert "Choose the base model" in page.failure.said
    assert {shown.status.text() for shown in page.columns} == {"No answer"}
    assert all(made.textFormat() == Qt.TextFormat.PlainText for made in page.findChildren(QLabel) if made.text())
    page.receive([])
    page.panel.base.setCurrentText(model)
    ask(qtbot, page)
    assert page.failure.said == ""


def test_a_conversation_remembers(page: ComparePage, qtbot: QtBot) -> None:
    page.receive([entry("First"), entry("Second")])
    page.prompt.setPlainText("Hi")
    page.show_mode(CONVERSATION)
    assert "single adapter" in page.run_button.toolTip()
    page.receive(entry("First"))
    ask(qtbot, page, "Hello?")
    ask(qtbot, page, "And now? \U0001f642")
    assert [item.role for item in page.chat.messages] == ["user", "assistant"] * 2
    alone = page.chat.messages[3].content
    assert page.new_action.isEnabled()
    page.begin_anew()
    assert not page.new_action.isEnabled()
    assert not page.chat.isVisible()
    ask(qtbot, page, "And now? \U0001f642")
    assert page.chat.messages[1].content != alone, "the history was part of the question"

    page.panel.numbers["max_new_tokens"].setValue(450)
    page.panel.numbers["temperature"].setValue(1)
    ask(qtbot, page, "More", wait=False)
    qtbot.waitUntil(lambda: bool(page.chat._growing and page.chat._growing.toPlainText()), timeout=WAIT_MS)
    page.show_mode(SIDE_BY_SIDE)
    assert page.chatting, "not while it is being written"
    page.stop()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.chat.messages[-1].role == "assistant"


def test_a_question_that_fails_comes_back(page: ComparePage, qtbot: QtBot) -> None:
    page.show_mode(CONVERSATION)
    ask(qtbot, page, "word " * 2000)
    assert "reads at most" in page.failure.said
    assert page.prompt.toPlainText().startswith("word word")
    assert page.chat.messages == []
    assert not page.chat.isVisible()


def test_what_is_typed_while_an_answer_fails_stays(page: ComparePage, qtbot: QtBot) -> None:
    page.show_mode(CONVERSATION)
    page.prompt.setPlainText(QUESTION)
    page.panel.base.setCurrentText("/no/such/model")
    page.run()
    page.prompt.setPlainText("And of Spain?")
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.prompt.toPlainText() == f"{QUESTION}\n\nAnd of Spain?"


@pytest.mark.parametrize("chat", [False, True])
def test_an_answer_nobody_wants_any_more_has_no_place(page: ComparePage, qtbot: QtBot, chat: bool) -> None:
    page.show_mode(int(chat))
    page.prompt.setPlainText(QUESTION)
    page.run()
    call = page._call
    assert call is not None
    page.begin_anew()
    assert not page.running
    for reply in (
        desk.Piece(id=call.request.id, column=0, text="late"),
        desk.Failed(id=call.request.id, reason="model", message="m", hint="h"),
    ):
        call.take(reply)
    assert page.columns == []
    assert page.chat.messages == []
    assert page.failure.isHidden()
    page.prompt.setPlainText(QUESTION)
    page.run()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    assert page.chat.messages if chat else page.columns[0].text


def test_a_death_in_the_middle_is_told_and_survived(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    desk = Desk()
    try:
        for page in opened(qtbot, theme, desk, endless_model(tmp_path / "endless")):
            page.panel.numbers["max_new_tokens"].setValue(int(page.panel.numbers["max_new_tokens"].maximum()))
            page.panel.numbers["temperature"].setValue(0)
            ask(qtbot, page, wait=False)
            qtbot.waitUntil(lambda page=page: bool(page.columns[0].text), timeout=WAIT_MS)  # type: ignore[misc]
            os.kill(desk.process_id, signal.SIGKILL)
            qtbot.waitUntil(lambda page=page: not page.running, timeout=WAIT_MS)  # type: ignore[misc]
            assert "helper process was killed" in page.failure.said
            page.panel.numbers["max_new_tokens"].setValue(5)
            ask(qtbot, page)
            assert page.failure.said == ""
            assert page.columns[0].answer is not None
    finally:
        desk.close()


def test_the_library_is_read_again_and_the_choice_stays(page: ComparePage, filled: Path) -> None:
    page.receive(entry("First"))
    found = entry("Second")
    (found.folder / library.WEIGHTS).rename(filled / "away")
    try:
        page.panel.refresh()
        items = {page.panel.list.item(at).text(): page.panel.list.item(at) for at in range(page.panel.list.count())}
        assert items["Second"].flags() == Qt.ItemFlag.NoItemFlags
        assert "missing" in items["Second"].toolTip()
        assert "<" not in items["Other <b>base"].toolTip()
        assert [item.title for item in page.panel.entries()] == ["First"]
    finally:
        (filled / "away").rename(found.folder / library.WEIGHTS)


def test_the_panel_says_with_which_system_prompt_adapters_are_asked(page: ComparePage, filled: Path) -> None:
    line, first = page.panel.system, entry("First")
    page.receive(first)
    assert line.placeholderText() == "None"
    taught = library.add(first.folder, title="Taught", base=first.base, config={"data": {"system": "Be\nbrief. "}})
    try:
        page.receive([first, taught])
        assert line.placeholderText() == "As learned: Be brief."
        assert "As learned: Be brief." in line.toolTip()
        page.receive(first)
        assert line.placeholderText() == "None"
    finally:
        library.remove(taught)


def test_of_many_adapters_those_chosen_are_in_sight_and_counted(
    qtbot: QtBot, theme: Theme, shared: Desk, model: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(home))
    many = [added(tmp_path, f"adapter {number}", base=library.Base(path=model)) for number in range(30)]
    for made in opened(qtbot, theme, shared, model):
        panel = made.panel
        for chosen in (many[3:5], many[20:22], many[29:]):
            made.receive(chosen)
            seen = panel.list.viewport().rect()
            assert all(seen.contains(panel.list.visualItemRect(item).center()) for item in panel._ticked())
            assert panel._heading.text() == f"Adapters ({len(chosen)} chosen)"
        panel.choose()
        assert panel._heading.text() == "Adapters"


def test_an_empty_library_says_so(
    qtbot: QtBot, theme: Theme, shared: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    made = ComparePage(theme, shared)
    qtbot.addWidget(made)
    assert made.panel.list.isHidden()
    assert "No adapters yet" in made.panel.none.text()
    assert made.panel.model() == "demo"


def test_the_wheel_changes_nothing_and_everything_has_a_name(page: ComparePage, qtbot: QtBot) -> None:
    for editor in (page.panel.base, *page.panel.numbers.values()):
        before = page.panel.sampling(), page.panel.model()
        place = QPointF(5, 5)
        no = Qt.KeyboardModifier.NoModifier
        event = QWheelEvent(
            place,
            place,
            QPoint(0, 120),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            no,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(editor, event)
        assert (page.panel.sampling(), page.panel.model()) == before
    for widget in page.findChildren(QWidget):
        reachable = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not widget.objectName().startswith("qt_")
        inner = widget.parentWidget() in (page.panel.base, *page.panel.numbers.values())
        if reachable and not inner and isinstance(widget, QAbstractButton | QWidget) and widget.isVisibleTo(page):
            named = widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text())
            assert named or type(widget).__name__ in ("QScrollArea", "AskPanel"), widget
    names = {action.text() for action in page.actions()}
    assert {"Compare: run", "Compare: stop"} <= names


def test_every_number_is_to_be_read(page: ComparePage) -> None:
    for number in page.panel.numbers.values():
        line = number.lineEdit()
        assert line.width() > line.fontMetrics().horizontalAdvance(number.text())
        assert line.height() >= line.fontMetrics().height()


def test_words_are_compared_by_place() -> None:
    assert different("the cat sat", "the cat sat") == []
    assert different("the cat sat", "the 🙂 dog sat down") == [(4, 10), (15, 19)]
    assert different("", "new") == [(0, 3)]
    assert different("gone", "") == []


def test_an_entry_without_a_base_leaves_the_base_alone(page: ComparePage, model: str) -> None:
    page.panel.choose(replace(entry("First"), base=library.Base()))
    assert page.panel.model() == model


def test_an_adapter_is_asked_more_weakly_and_its_column_says_so(page: ComparePage, qtbot: QtBot) -> None:
    page.receive([entry("First"), entry("Second")])
    ask(qtbot, page)
    texts = {shown.title: shown.text for shown in page.columns}
    base, first, second = (texts[title] for title in ("Base model", "First", "Second"))
    assert page.panel.strength.isVisible()
    page.panel.list.setCurrentRow(page.panel.list.row(page.panel.list.findItems("First", Qt.MatchFlag.MatchExactly)[0]))
    page.panel.strength.setValue(0)
    assert page.panel.titles() == ["Second", "First \u00d7 0.00"]
    ask(qtbot, page)
    assert [shown.title for shown in page.columns] == ["Base model", "Second", "First \u00d7 0.00"]
    assert [shown.text for shown in page.columns] == [base, second, base]
    page.show_mode(BLIND)
    assert (page.panel.titles(), page.panel.strength.isVisible()) == (["Second", "First"], False)
    page.show_mode(SIDE_BY_SIDE)
    assert page.panel.strengths() == [1.0, 0.0]
    opened_before = page.left_open()
    page.panel.set_strengths({})
    page.take_up(opened_before)
    assert page.panel.strengths() == [1.0, 0.0]
    QTest.mouseDClick(page.panel.strength, Qt.MouseButton.LeftButton)
    assert page.panel.strengths() == [1.0, 1.0]
    ask(qtbot, page)
    assert [shown.text for shown in page.columns] == [base, second, first]
    page.columns[1].look.click()
    qtbot.waitUntil(lambda: not page.running, timeout=WAIT_MS)
    page.show_mode(SIDE_BY_SIDE)


def test_one_that_cannot_be_weakened_says_so_and_has_no_slider(page: ComparePage) -> None:
    chosen = entry("First")
    file = chosen.folder / library.PEFT_CONFIG
    before = file.read_text()
    file.write_text(json.dumps(json.loads(before) | {"use_dora": True}))
    page.receive([chosen])
    assert not page.panel.strength.isEnabled()
    assert page.panel._strong.text() == "The adapter First is a DoRA, which acts as it was trained or not at all."
    file.write_text(before)
    page.receive([entry("Second")])
    assert page.panel.strength.isEnabled()


def test_without_an_adapter_there_is_no_strength(page: ComparePage) -> None:
    page.receive([])
    assert not page.panel.strength.isVisible()
    page.receive([entry("Second")])
    page.panel.strength.setValue(50)
    assert page.panel.strengths() == [0.5]
    assert page.panel._strong.text() == "Strength of Second: 0.50"
    page.panel.refresh()
    assert page.panel.titles() == ["Second \u00d7 0.50"]
