"""Conversations as people read them, whatever dialect they are written in."""

from typing import Any

import pytest

from studio.ui.pages.data_row import whole
from studio.ui.tables import cell
from studio.ui.turns import dialect, told

CALL = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Bern"}}}
SAID = '{"type": "function", "function": {"name": "weather", "arguments": {"city": "Bern"}}}'


@pytest.mark.parametrize(
    ("value", "turns"),
    [
        ([{"role": "user", "content": "Hi"}], [("user", "Hi")]),
        ([{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yes"}], [("human", "Hi"), ("gpt", "Yes")]),
        ([{"role": "assistant", "content": None, "tool_calls": [CALL]}], [("assistant", SAID)]),
        ([{"role": "assistant", "tool_calls": [CALL, CALL]}], [("assistant", f"{SAID}\n{SAID}")]),
        ([{"role": "assistant", "content": "Wait.", "tool_calls": [CALL]}], [("assistant", f"Wait.\n{SAID}")]),
        ([{"role": "user", "content": [{"type": "text", "text": "ü"}]}], [("user", '[{"type": "text", "text": "ü"}]')]),
        ([{"role": "user"}], []),
        ([{"name": "x"}], []),
        ([], []),
        ("text", []),
        (None, []),
    ],
)
def test_a_conversation_is_told_turn_by_turn(value: Any, turns: list[tuple[str, str]]) -> None:
    assert told(value) == turns
    assert (dialect(value) is None) == (not turns)
    if turns:
        assert cell(value).startswith(f"{turns[0][0]}: ")


def test_each_conversation_of_a_pair_has_its_name() -> None:
    yes, no = ([{"role": "assistant", "content": text}] for text in ("Yes", "No"))
    assert whole({"chosen": yes, "rejected": no}) == "chosen:\n\nassistant\nYes\n\nrejected:\n\nassistant\nNo"
    assert whole({"messages": yes, "n": 3}) == "assistant\nYes\n\nn\n3"


def test_what_is_no_conversation_is_told_as_it_is() -> None:
    assert [cell(value) for value in (None, "a\n b", 3, {"a": "ü"}, [1])] == ["", "a b", "3", '{"a": "ü"}', "[1]"]
