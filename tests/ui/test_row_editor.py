"""A row edited by hand: every kind of column comes back as what it was, changed where it was changed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPlainTextEdit, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from studio.ui.row_editor import RowEditor
from studio.ui.theme import Theme
from studio.ui.turns import dialect

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

CHAT = {
    "messages": [
        {"role": "user", "content": "Hi\nthere"},
        {"role": "assistant", "content": "<b>Hello</b>", "weight": 1},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    ],
    "id": 7,
}


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme) -> RowEditor:
    made = RowEditor(theme)
    qtbot.addWidget(made)
    made.resize(600, 500)
    made.show()
    return made


def boxes(editor: RowEditor) -> list[QPlainTextEdit]:
    QApplication.processEvents()  # what was just laid out is shown
    return [box for box in editor.findChildren(QPlainTextEdit) if box.isVisible()]


def press(editor: RowEditor, name: str, at: int = 0) -> None:
    QApplication.processEvents()
    found = [item for item in editor.findChildren(QToolButton) + editor.findChildren(QPushButton)
             if item.accessibleName() == name and item.isVisible()]  # fmt: skip
    found[at].click()


def test_a_row_comes_back_as_it_was(editor: RowEditor) -> None:
    editor.show_row(CHAT)
    assert editor.values() == CHAT
    assert not editor.fault()


def test_what_a_turn_calls_is_seen_and_kept(editor: RowEditor) -> None:
    call = {"function": {"name": "weather", "arguments": "{}"}}
    row = {"messages": [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "12"}]}
    editor.show_row(row)
    assert [box.toPlainText() for box in boxes(editor)] == ["12"]
    called = [made.text() for made in editor.findChildren(QLabel) if made.accessibleDescription() == "What is called"]
    assert "weather" in called[0]
    boxes(editor)[0].setPlainText("13")
    assert editor.values() == {"messages": [row["messages"][0], {"role": "tool", "content": "13"}]}


rows = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(str.isidentifier),
    st.text(st.characters(exclude_categories=["C"]), max_size=60)
    | st.integers()
    | st.none()
    | st.booleans()
    | st.lists(st.fixed_dictionaries({"role": st.text("abc", max_size=3), "content": st.text("xyz \n", max_size=9)})),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=rows)
def test_any_row_comes_back_as_it_was(editor: RowEditor, row: dict[str, Any]) -> None:
    editor.show_row(row)
    assert editor.values() == row


def test_what_is_typed_is_in_the_row_and_what_is_not_text_is_kept(editor: RowEditor, qtbot: QtBot) -> None:
    editor.show_row(CHAT)
    with qtbot.waitSignal(editor.touched) as told:
        QTest.keyClicks(boxes(editor)[0], "Oh, ")
    assert told.args == [True]
    assert editor.values()["messages"][0] == {"role": "user", "content": "Oh, Hi\nthere"}
    assert editor.values()["messages"][2] == CHAT["messages"][2]  # type: ignore[index]
    assert len(boxes(editor)) == 3, "what says nothing has no box"


def test_an_edit_keeps_the_other_letters(editor: RowEditor) -> None:
    editor.show_row({"text": "a\u00a0b\r\nc"})
    QTest.keyClicks(boxes(editor)[0], "x")
    assert editor.values() == {"text": "xa\u00a0b\r\nc"}


def test_taking_a_change_back_leaves_the_row_as_it_was(editor: RowEditor) -> None:
    told: list[bool] = []
    editor.touched.connect(told.append)
    editor.show_row(CHAT)
    QTest.keyClicks(boxes(editor)[0], "x")
    QTest.keyClick(boxes(editor)[0], Qt.Key.Key_Backspace)
    assert told[-1] is False


def test_messages_are_added_moved_and_removed(editor: RowEditor, qtbot: QtBot) -> None:
    editor.show_row({"messages": CHAT["messages"][:2]})  # type: ignore[index]
    press(editor, "Add a message")
    assert editor.values()["messages"][2] == {"role": "user", "content": ""}
    qtbot.waitUntil(lambda: boxes(editor)[2].hasFocus())
    press(editor, "Earlier", 2)
    assert [item["role"] for item in editor.values()["messages"]] == ["user", "user", "assistant"]
    # The buttons come in the order their messages were made.
    press(editor, "Later", 0)
    press(editor, "Remove the message", 0)
    assert [item["content"] for item in editor.values()["messages"]] == ["", "<b>Hello</b>"]
    for _ in range(2):  # the first one stays the first
        press(editor, "Earlier", 0)
        assert [item["content"] for item in editor.values()["messages"]] == ["<b>Hello</b>", ""]


def test_sharegpt_is_edited_in_its_own_words(editor: RowEditor) -> None:
    editor.show_row({"conversations": [{"from": "human", "value": "Hi"}]})
    press(editor, "Add a message")
    assert editor.values()["conversations"][1] == {"from": "gpt", "value": ""}
    editor.findChildren(QComboBox)[0].setCurrentText("system")
    assert editor.values()["conversations"][0] == {"from": "system", "value": "Hi"}


def test_json_that_does_not_read_is_told_in_place(editor: RowEditor) -> None:
    editor.show_row({"id": 7})
    box = boxes(editor)[0]
    box.setPlainText('{"a": ')
    assert editor.fault() == "`id`: Expecting value (line 1, column 7)"
    with pytest.raises(ValueError, match="Expecting"):
        editor.values()
    box.setPlainText("[8]")
    assert editor.values() == {"id": [8]}


def test_a_row_is_shown_again_as_it_was_typed(editor: RowEditor) -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    row = {"messages": talk, "note": "n", "meta": {"k": 1}}
    editor.show_row(row)
    press(editor, "Remove the message", 1)
    for box in boxes(editor):
        box.setPlainText("{" if box.accessibleName() == "meta" else box.toPlainText() + "!")
    typed, fault = editor.typed(), editor.fault()
    touched: list[bool] = []
    editor.touched.connect(touched.append)
    editor.show_row(row)
    assert not editor.fault()
    editor.show_row(row, typed)
    assert touched == [True]
    assert (editor.typed(), editor.fault()) == (typed, fault)
    next(box for box in boxes(editor) if box.accessibleName() == "meta").setPlainText("[]")
    assert editor.values() == {"messages": [{"role": "user", "content": "a!"}], "note": "n!", "meta": []}


def test_a_box_grows_with_its_text(editor: RowEditor) -> None:
    editor.show_row({"text": "one"})
    box = boxes(editor)[0]
    before = box.height()
    box.setPlainText("\n" * 8)
    assert box.height() > before
    box.setPlainText("\n" * 500)
    assert box.height() < 500


def test_a_column_with_a_long_name_is_no_wider_than_the_window(editor: RowEditor) -> None:
    editor.show_row({"z" * 200: "text", "y" * 200: CHAT["messages"]})
    QApplication.processEvents()
    inner = editor.widget()
    assert inner is not None
    assert inner.minimumSizeHint().width() <= editor.viewport().width()


def test_only_lists_of_messages_are_conversations() -> None:
    assert dialect([{"role": "user", "content": ""}]) == ("role", "content")
    assert dialect([]) is None
    assert dialect([{"role": "user"}]) is None
    assert dialect("text") is None


def test_one_begins_in_what_is_learned(editor: RowEditor) -> None:
    said = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Jane."}]
    for row, text in (
        ({"id": "17", "messages": said}, "Who?"),
        ({"id": "17", "prompt": "Who?", "Completion": "Jane."}, "Jane."),
        ({"id": "17", "chosen": "Jane."}, "17"),
    ):
        editor.show_row(row)
        QApplication.processEvents()
        box = editor.first()
        assert box is not None
        assert box.toPlainText() == text
    editor.show_row({})
    assert editor.first() is None
