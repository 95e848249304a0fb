"""The likeliest format of some rows and the next likeliest, and what rows in the dialects people have mean."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.core import chat
from studio.core.config_file import build
from studio.core.data import shapes
from studio.core.data.datasets import open_dataset
from studio.core.data.mapping import format_of, mapped
from studio.core.data.rows import Parsed
from studio.core.errors import StudioError

USER = {"role": "user", "content": "hi"}
ASKED, SAID = {"from": "human", "value": "hi"}, {"from": "gpt", "value": "good"}
GOOD, BAD = ({"role": "assistant", "content": text} for text in ("good", "bad"))


def formats(*rows: dict[str, Any]) -> list[str]:
    return [guess.format for guess in shapes.detect(rows)]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"messages": [USER, GOOD]}, ["messages"]),
        ({"conversations": [{"from": "human", "value": "hi"}]}, ["messages"]),
        ({"dialogue": json.dumps([USER])}, ["messages"]),
        ({"question": "a", "answer": "b"}, ["prompt_completion"]),
        ({"query": "a", "response": "b", "text": "c"}, ["prompt_completion", "text"]),
        ({"instruction": "a", "input": "", "output": "b"}, ["alpaca", "prompt_completion"]),
        ({"instruction": "a", "context": "", "response": "b"}, ["alpaca", "prompt_completion"]),
        ({"prompt": "a", "completion": "b", "label": True}, ["kto", "prompt_completion"]),
        ({"prompt": "a", "completion": "b", "label": "spam"}, ["prompt_completion"]),
        ({"prompt": "a", "completion": "b", "label": [1]}, ["prompt_completion"]),
        ({"chosen": [USER, GOOD], "rejected": [USER, BAD], "messages": [USER, GOOD]}, ["preference", "messages"]),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, ["preference"]),
        ({"input": {"messages": [USER]}, "preferred_output": [GOOD], "non_preferred_output": [BAD]}, ["preference"]),
        ({"conversations": [USER], "chosen": GOOD, "rejected": BAD}, ["preference", "messages"]),
        ({"article": "long", "highlights": "short", "id": "1"}, ["prompt_completion"]),
        ({"dialogue": "A: hi\nB: ho", "summary": "short"}, ["prompt_completion"]),
        ({"document": "long", "summary": "short"}, ["prompt_completion"]),
        # What is asked of it would not be learned.
        ({"instruction": "in a word", "article": "long", "summary": "short"}, []),
        ({"summary": "short"}, []),
        ({"content": "a"}, ["text"]),
        ({"a": 1}, []),
    ],
)
def test_the_likeliest_format_and_the_next(row: dict[str, Any], found: list[str]) -> None:
    assert formats(row) == found
    assert [name for name, _ in shapes.guesses(row)][: len(found)] == found


def test_the_most_rows_decide_and_the_reason_says_how_many() -> None:
    guesses = shapes.detect([{"text": "a"}, {"question": "a", "answer": "b"}, {"text": "c"}])
    assert guesses == [
        shapes.Guess("text", "the first rows have `text` (2 of 3)"),
        shapes.Guess("prompt_completion", "rows have `question` and `answer` too"),
    ]


@pytest.mark.parametrize("dialect", sorted(shapes.SPEAKERS))
def test_sharegpt_in_every_dialect(dialect: str) -> None:
    turns = [{"from": "human", "value": "hi"}, {"from": dialect, "value": "x"}, {"from": "gpt", "value": "hello"}]
    example = chat.to_example({"conversations": turns, "system": "be kind"}, "messages")
    wanted = ["user", shapes.SPEAKERS[dialect], "assistant"]
    assert [item["role"] for item in example.messages] == ["system", *wanted]
    assert example.trained == [False, *(role == "assistant" for role in wanted)]


def test_tools_calls_and_several_systems_are_kept() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": {}}}
    system = {"role": "system", "content": "a"}
    messages = [system, USER, {"role": "assistant", "content": None, "tool_calls": [call]}, system, GOOD]
    row = {"messages": messages, "tools": json.dumps([{"name": "f"}])}
    example = chat.to_example(row, "messages")
    assert example.tools == [{"name": "f"}]
    assert example.messages[2] == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert [item["role"] for item in example.messages].count("system") == 2
    assert chat.fault(row, "messages") == ""


def test_alpaca_with_history() -> None:
    row = {"instruction": "c", "output": "d", "history": [["a", "b"]]}
    example = chat.to_example(row, "alpaca")
    assert [item["content"] for item in example.messages] == ["a", "b", "c", "d"]
    assert example.trained == [False, False, False, True]
    assert example.prompt == "Instruction:\na\n\nResponse:\nb\n\nInstruction:\nc\n\nResponse:\n"
    assert chat.fault(row | {"history": "[[1]]"}, "alpaca") == "`history` is not a list of pairs of texts"
    assert chat.fault(row | {"history": "[["}, "alpaca") == "`history` is not a list of pairs"
    assert chat.fault(row | {"history": 3}, "alpaca") == "`history` is not a list of pairs"


@pytest.mark.parametrize(
    ("row", "prompt", "chosen", "rejected"),
    [
        ({"prompt": "p ", "chosen": "a", "rejected": "b"}, "p ", "a", "b"),
        ({"prompt": "p ", "chosen": "p a", "rejected": "p b"}, "p ", "a", "b"),
        ({"prompt": "Q: p:", "chosen": "Q: p:a", "rejected": "Q: p:b"}, "Q: p:", "a", "b"),
        (
            {"prompt": "Who was it then?", "chosen": "Who was it then? I.", "rejected": "Who was it then? He."},
            "Who was it then?",
            " I.",
            " He.",
        ),
        ({"prompt": "2+2=", "chosen": "2+2=4", "rejected": "2+2=5"}, "2+2=", "4", "5"),
        ({"prompt": "Is it?", "chosen": "Is it? Yes", "rejected": "Is it? No"}, "Is it?", " Yes", " No"),
        # A greeting that is returned is the answer's own, and no word is taken apart.
        ({"prompt": "Hello", "chosen": "Hello! How?", "rejected": "Hello, you"}, "Hello", "Hello! How?", "Hello, you"),
        ({"prompt": "Hi", "chosen": "High five", "rejected": "Hiya"}, "Hi", "High five", "Hiya"),
        (
            {"prompt": "one two three four", "chosen": "one two three fourteen", "rejected": "one two three fours"},
            "one two three four",
            "one two three fourteen",
            "one two three fours",
        ),
        (
            {"chosen": "\n\nHuman: q\n\nAssistant: an a", "rejected": "\n\nHuman: q\n\nAssistant: an o"},
            "\n\nHuman: q\n\nAssistant:",
            " an a",
            " an o",
        ),
        ({"chosen": "the cat sat", "rejected": "the cow sat"}, "the ", "cat sat", "cow sat"),
        ({"chosen": [USER, GOOD], "rejected": [USER, BAD]}, [USER], [GOOD], [BAD]),
        ({"prompt": "hi", "chosen": [GOOD], "rejected": [BAD]}, [USER], [GOOD], [BAD]),
        ({"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]}, [USER], [GOOD], [BAD]),
        ({"prompt": "hi", "chosen": [USER, GOOD], "rejected": [USER, BAD]}, [USER], [GOOD], [BAD]),
        # LLaMA-Factory's, in ShareGPT's dialect and in OpenAI's, and OpenAI's own.
        ({"conversations": [ASKED], "chosen": SAID, "rejected": BAD}, [USER], [GOOD], [BAD]),
        ({"messages": [USER, BAD, USER], "chosen": GOOD, "rejected": BAD}, [USER, BAD, USER], [GOOD], [BAD]),
        ({"prompt": "hi", "chosen": GOOD, "rejected": SAID | {"value": "bad"}}, [USER], [GOOD], [BAD]),
        (
            {"input": {"messages": [USER]}, "preferred_output": [GOOD], "non_preferred_output": [BAD]},
            [USER],
            [GOOD],
            [BAD],
        ),
    ],
)
def test_a_preference_with_and_without_its_prompt(row: dict[str, Any], prompt: Any, chosen: Any, rejected: Any) -> None:
    assert chat.to_preference(row) == chat.Preference(prompt, chosen, rejected)
    assert chat.fault(row, "preference") == ""


@pytest.mark.parametrize(
    ("row", "row_format", "reason"),
    [
        ({"chosen": "a", "rejected": "a"}, "preference", "`chosen` and `rejected` are the same"),
        ({"chosen": [USER], "rejected": [USER]}, "preference", "`chosen` and `rejected` are the same"),
        ({"chosen": "a", "rejected": [BAD]}, "preference", "neither both texts nor both lists"),
        ({"prompt": "a ", "chosen": "a b", "rejected": "a  "}, "preference", "is empty behind the prompt"),
        ({"chosen": "a"}, "preference", "neither both texts nor both lists|`rejected` is missing"),
        ({"prompt": "a", "chosen": {"a": "b"}, "rejected": "c"}, "preference", "`chosen` is not text but an object"),
        ({"prompt": "a", "chosen": GOOD, "rejected": "c"}, "preference", "neither both texts nor both lists"),
        (
            {"input": {"messages": [USER]}, "preferred_output": [BAD], "non_preferred_output": [BAD]},
            "preference",
            "`preferred_output` and `non_preferred_output` are the same",
        ),
        (
            {"input": {"messages": [USER]}, "preferred_output": [{"role": "assistant"}], "non_preferred_output": [BAD]},
            "preference",
            "preferred_output message 1: `content` is missing",
        ),
        ({"prompt": "a", "completion": "b", "label": "x"}, "kto", "`label` is not true or false"),
        ({"prompt": "a", "label": True}, "kto", "`completion` is missing"),
    ],
)
def test_what_cannot_be_preferred_says_why(row: dict[str, Any], row_format: str, reason: str) -> None:
    assert any(part in chat.fault(row, row_format) for part in reason.split("|"))


def test_preferences_are_two_answers_to_learn_from(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"prompt": "p", "chosen": "a", "rejected": "b"}) + "\n")
    dataset = open_dataset(path)
    assert (dataset.format, len(dataset)) == ("preference", 1)
    better, worse = chat.to_pair(dataset[0].data)
    assert chat.to_example(dataset[0].data, dataset.format) == better
    assert [(item.prompt, item.answer, item.trained) for item in (better, worse)] == [
        ("p", "a", [False, True]),
        ("p", "b", [False, True]),
    ]
    talk = {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]}
    assert [(item.messages, item.trained) for item in chat.to_pair(talk)] == [
        ([USER, GOOD], [False, True]),
        ([USER, BAD], [False, True]),
    ]
    with pytest.raises(StudioError, match="no assistant message in `chosen`"):
        chat.to_pair({"prompt": [USER], "chosen": [USER | {"content": "more"}], "rejected": [BAD]})
    labelled = {"prompt": "p", "completion": "a", "label": "False"}
    assert chat.to_example(labelled, "kto") == chat.to_example(labelled, "prompt_completion")
    assert [chat.desirable(labelled | {"label": label}) for label in ("False", 1, True)] == [False, True, True]
    with pytest.raises(StudioError, match="`label` is not true or false"):
        chat.to_example(labelled | {"label": "perhaps"}, "kto")
    chosen = open_dataset(path, columns={"prompt": "prompt", "completion": "chosen"})
    assert chosen.format == "prompt_completion"
    assert chosen[0].data == {"prompt": "p", "completion": "a", "rejected": "b"}


def test_preferences_as_other_programs_write_them(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    openai = {
        "input": {"messages": [USER], "tools": tools, "parallel_tool_calls": True},
        "preferred_output": [GOOD],
        "non_preferred_output": [BAD],
    }
    ranking = {"conversations": [ASKED], "chosen": SAID, "rejected": {"from": "gpt", "value": "bad"}, "system": "s"}
    path = tmp_path / "a.jsonl"
    for row, before, told in ((openai, [], tools), (ranking, [{"role": "system", "content": "s"}], [])):
        path.write_text(json.dumps(row) + "\n")
        dataset = open_dataset(path)
        assert (dataset.format, len(dataset)) == ("preference", 1)
        pair = chat.to_pair(dataset[0].data)
        assert [(item.messages, item.tools) for item in pair] == [
            ([*before, USER, GOOD], told),
            ([*before, USER, BAD], told),
        ]


def test_columns_are_mapped_and_joined(tmp_path: Path) -> None:
    row = {"title": "T", "body": "{title} stays", "meta": {"by": "me"}, "n": 12345678901234567890123, "Text": "old"}
    assert mapped(row, {"text": "{title}: {body} by {meta.by} {n}"}) == {
        "text": "T: {title} stays by me 12345678901234567890123",
        "meta": {"by": "me"},
    }
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in (row, {"title": "T"})))
    dataset = open_dataset(path, columns={"prompt": "{title}\n\n{body}", "completion": "{n}"})
    assert dataset[0].data["prompt"] == "T\n\n{title} stays"
    assert dataset[0].data["completion"] == "12345678901234567890123"
    assert [item.reason for item in dataset.rejected] == ["there is no column `body`"]
    assert dataset.reason == "the columns are mapped"
    other = open_dataset(path, columns={"text": "title"})
    assert len(other) == 2
    assert other.fingerprint != dataset.fingerprint
    assert other[0].data["n"] == 12345678901234567890123


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"text": "a"}, "text"),
        ({"prompt": "a", "completion": "b"}, "prompt_completion"),
        ({"prompt": "a", "completion": "b", "label": "c"}, "kto"),
        ({"chosen": "a", "rejected": "b"}, "preference"),
        ({"messages": "a", "tools": "b"}, "messages"),
        ({"instruction": "a", "output": "b", "system": "c"}, "alpaca"),
    ],
)
def test_a_mapping_says_the_format(given: Any, found: str) -> None:
    assert format_of(given) == found
    assert build({"data": {"path": "x", "mapping": given}}).data.mapping == given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prompt": "a"}, "no row can be made of `prompt` alone"),
        ({"promt": "a"}, "data.mapping"),
        ({"text": ""}, "data.mapping"),
        ("text", "data.mapping"),
    ],
)
def test_a_mapping_that_makes_no_row_is_said(given: Any, said: str) -> None:
    with pytest.raises(StudioError, match=said) as caught:
        build({"data": {"path": "x", "mapping": given}})
    assert caught.value.reason == "config"


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("not JSON: Expecting value", "one whole object a line"),
        ("not an object", "one whole object a line"),
        ("a quote in it is never closed, so that all lines behind it are part of it", "Close the quote"),
        ("larger than 1 MB", "Break it into shorter rows"),
        ("not UTF-8 text", "save it in the encoding UTF-8"),
        ("it holds NUL bytes", "say which columns play these parts"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_says_what_to_do(reason: str, hint: str) -> None:
    with pytest.raises(StudioError) as caught:
        shapes.detected("rows.jsonl", [Parsed(1, "", None, reason, 0)] * 2)
    assert reason in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(("word", "good"), [("yes", True), ("No", False), (" good", True), ("BAD", False)])
def test_words_judge_where_that_is_asked_for_and_are_the_second_guess(word: str, good: bool) -> None:
    row = {"question": "q", "answer": "a", "label": word}
    assert [found for found, _ in shapes.guesses(row)] == ["prompt_completion", "kto"]
    assert chat.desirable(row) is good
    assert chat.fault(row, "kto") == ""
