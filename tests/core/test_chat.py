"""Rows of each format become what is learned, and each bad one says why it is not usable."""

import json
from typing import Any

import pytest

from studio.core.chat import Example, common, fault, question, shape, to_example, to_pair
from studio.core.data.shapes import detect
from studio.core.errors import StudioError
from studio.core.objectives import objective_for

ASKED = {"role": "user", "content": "hi"}
ANSWERED = {"role": "assistant", "content": "hello"}
CALLED = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Bern"}}}


@pytest.mark.parametrize(
    ("data", "row_format"),
    [
        ({"messages": [ASKED, ANSWERED]}, "messages"),
        ({"Messages": '[{"role": "user", "content": "hi"}]', "text": "x"}, "messages"),
        ({"conversations": [ASKED, ANSWERED]}, "messages"),
        ({"conversations": [{"from": "human", "value": "hi"}]}, "messages"),
        ({"prompt": "a", "completion": "b", "text": "c"}, "prompt_completion"),
        ({"prompt": [ASKED], "completion": [ANSWERED]}, "prompt_completion"),
        ({"prompt": "a", "chosen": "b"}, None),
        ({"Instruction": "a", "Input": "", "OUTPUT": "b"}, "alpaca"),
        ({"instruction": "a"}, None),
        ({"text": "a", "id": 1}, "text"),
        ({"messages": []}, None),
        ({}, None),
    ],
)
def test_the_format_is_recognised_by_the_columns(data: dict[str, Any], row_format: str | None) -> None:
    found = shape(data)
    assert (found[0] if found else None) == row_format


def test_messages_keep_what_templates_read() -> None:
    thought = ANSWERED | {"reasoning_content": "let me see", "id": 7, "name": None}
    example = to_example({"messages": [ASKED, thought, ASKED, ANSWERED]}, "messages")
    assert example.messages[1] == ANSWERED | {"reasoning_content": "let me see"}
    assert example.trained == [False, True, False, True]
    assert example.prompt is None


def test_messages_in_a_cell_are_read() -> None:
    text = '[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]'
    assert to_example({"messages": text}, "messages").messages == [ASKED, ANSWERED]


def test_a_conversation_may_end_with_a_question() -> None:
    assert to_example({"messages": [ASKED, ANSWERED, ASKED]}, "messages").trained == [False, True, False]


def test_prompt_and_completion() -> None:
    example = to_example({"Prompt": "2+2=", "Completion": " 4"}, "prompt_completion")
    assert example.messages == [{"role": "user", "content": "2+2="}, {"role": "assistant", "content": " 4"}]
    assert (example.prompt, example.answer) == ("2+2=", " 4")
    assert to_example({"prompt": "[1, 2]", "completion": "[3]"}, "prompt_completion").prompt == "[1, 2]"
    lists = to_example({"prompt": [ASKED, ANSWERED, ASKED], "completion": [ANSWERED]}, "prompt_completion")
    assert lists.trained == [False, False, False, True]


def test_alpaca_with_and_without_its_optional_columns() -> None:
    plain = to_example({"instruction": "do", "output": "done", "input": "", "system": None}, "alpaca")
    assert [item["role"] for item in plain.messages] == ["user", "assistant"]
    assert "Input:" not in (plain.prompt or "")
    full = to_example({"instruction": "do", "output": "done", "input": "this", "system": "be kind"}, "alpaca")
    assert full.messages[0] == {"role": "system", "content": "be kind"}
    assert full.messages[1]["content"] == "do\n\nthis"
    assert full.trained == [False, False, True]


def test_text_is_learned_whole() -> None:
    example = to_example({"text": " once upon\n"}, "text")
    assert (example.messages, example.prompt, example.answer) == ([], "", " once upon\n")


@pytest.mark.parametrize(
    ("row_format", "data", "reason"),
    [
        ("messages", {}, "`messages` is missing"),
        ("messages", {"messages": "hi"}, "`messages` is not a list"),
        ("messages", {"messages": []}, "the list of messages is empty"),
        ("messages", {"messages": ["hi"]}, "message 1 is not an object"),
        (
            "messages",
            {"messages": [ASKED, {"role": "parrot", "content": "x"}]},
            "message 2: role 'parrot' is not one of system, user, assistant, tool",
        ),
        ("messages", {"messages": [{"content": "x"}]}, "message 1: `role` is missing"),
        ("messages", {"messages": [{"role": ["user"], "content": "x"}]}, "message 1: role ['user'] is not one of"),
        ("messages", {"messages": [{"role": "user"}, ANSWERED]}, "message 1: `content` is missing"),
        ("messages", {"messages": [{"role": "user", "content": 3}]}, "message 1: `content` is not text but a number"),
        ("messages", {"messages": [ASKED, ANSWERED | {"content": " \n"}]}, "message 2: `content` is empty"),
        ("messages", {"messages": [ASKED]}, "no assistant message"),
        ("messages", {"messages": [ASKED, ANSWERED | {"weight": 0}]}, "every assistant message has weight 0"),
        ("messages", {"messages": [ASKED, ANSWERED | {"tool_calls": 3}]}, "message 2: `tool_calls` is not a list"),
        ("messages", {"messages": [ASKED, {"role": "assistant", "tool_calls": "x"}]}, "`tool_calls` is not a list"),
        ("messages", {"messages": [ASKED, ANSWERED | {"tool_calls": [{"arguments": {}}]}]}, "`tool_calls` has no name"),
        (
            "messages",
            {"messages": [ASKED, ANSWERED | {"tool_calls": [CALLED, {"function": {"name": " "}}]}]},
            "message 2: a call in `tool_calls` has no name",
        ),
        ("messages", {"messages": [ASKED, ANSWERED], "tools": "{"}, "`tools` is not JSON"),
        ("messages", {"messages": [ASKED, ANSWERED], "tools": ["search"]}, "`tools` is not a list of objects"),
        ("prompt_completion", {"prompt": "a", "completion": ""}, "`completion` is empty"),
        ("prompt_completion", {"prompt": None, "completion": "b"}, "`prompt` is missing"),
        ("prompt_completion", {"prompt": "a", "completion": 4}, "`completion` is not text but a number"),
        ("prompt_completion", {"prompt": [ASKED], "completion": " "}, "`completion` is empty"),
        ("prompt_completion", {"prompt": 4, "completion": [ANSWERED]}, "`prompt` is not text but a number"),
        ("prompt_completion", {"prompt": [ASKED], "completion": []}, "`completion` is an empty list"),
        ("prompt_completion", {"prompt": [ASKED], "completion": [ASKED]}, "no assistant message in `completion`"),
        (
            "prompt_completion",
            {"prompt": [{"role": "x"}], "completion": [ANSWERED]},
            "prompt message 1: role 'x' is not one of",
        ),
        ("alpaca", {"instruction": "", "output": "b"}, "`instruction` is empty"),
        ("alpaca", {"instruction": "a", "output": {"b": 1}}, "`output` is not text but an object"),
        ("alpaca", {"instruction": "a", "output": "b", "input": ["c"]}, "`input` is not text but a list"),
        ("text", {"text": True}, "`text` is not text but true or false"),
        ("text", {"text": "\ud800"}, "`text` holds half of a surrogate pair, which is not a character"),
    ],
)
def test_a_bad_row_says_why(row_format: str, data: dict[str, Any], reason: str) -> None:
    with pytest.raises(StudioError) as caught:
        to_example(data, row_format)
    assert reason in caught.value.message
    assert caught.value.reason == "data"


@pytest.mark.parametrize("field", ["name", "thinking", "reasoning", "reasoning_content"])
def test_half_a_surrogate_in_any_field_a_template_reads_refuses_the_row(field: str) -> None:
    with pytest.raises(StudioError, match=f"message 2: `{field}` holds half of a surrogate pair"):
        to_example({"messages": [ASKED, ANSWERED | {field: "a\ud800"}]}, "messages")
    to_example({"messages": [ASKED, ANSWERED | {field: ""}]}, "messages")


CALL = '{"name": "weather", "arguments": {"city": "Bern"}}'


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (CALL, [CALLED]),
        (f"[{CALL}, {CALL}]", [CALLED, CALLED]),
        ('{"name": "weather", "parameters": "{\\"city\\": \\"Bern\\"}"}', [CALLED]),
        ("weather(Bern)", []),
        ('{"name": "weather"}', []),
        ('{"name": 3, "arguments": {}}', []),
        (f"[{CALL}, 4]", []),
        ("[" * 100_000, []),
    ],
)
def test_turns_of_tools_are_calls_where_they_parse_and_text_where_not(text: str, calls: list[Any]) -> None:
    turns = [("human", "How is it?"), ("function_call", text), ("observation", "12 degrees"), ("gpt", "Cold.")]
    row = {"conversations": [{"from": speaker, "value": said} for speaker, said in turns]}
    example = to_example(row, "messages")
    assert [item["role"] for item in example.messages] == ["user", "assistant", "tool", "assistant"]
    called = {"content": "", "tool_calls": calls} if calls else {"content": text}
    assert example.messages[1] == {"role": "assistant"} | called
    assert example.trained == [False, True, False, True]
    (guess, *_) = detect([row, row])
    said = "turns in them that call tools: 2" if calls else "turns that should call tools, are no JSON of such"
    assert said in guess.reason


@pytest.mark.parametrize("said", [{}, {"content": None}, {"content": ""}, {"content": " \n"}])
def test_a_turn_may_call_tools_and_say_nothing(said: dict[str, Any]) -> None:
    calling, found = {"role": "assistant", "tool_calls": [CALLED]} | said, {"role": "tool", "content": "12 degrees"}
    example = to_example({"messages": [ASKED, calling, found, ANSWERED]}, "messages")
    assert example.messages[1] == {"role": "assistant", "content": "", "tool_calls": [CALLED]}
    pair = {"prompt": [ASKED], "chosen": [calling], "rejected": [ANSWERED]}
    assert to_pair(pair)[0].messages[1]["tool_calls"] == [CALLED]


@pytest.mark.parametrize(
    ("given", "meant"),
    [('{"city": "Bern"}', {"city": "Bern"}), ({"city": "Bern"}, {"city": "Bern"}), ("{", "{"), ("[1]", "[1]")],
)
def test_arguments_that_are_a_text_of_json_are_the_object(given: Any, meant: Any) -> None:
    for named in (
        lambda one: {"function": {"name": "weather", "arguments": one}},
        lambda one: {"name": "w", "arguments": one},
    ):
        calling = {"role": "assistant", "content": None, "tool_calls": [named(given)]}
        example = to_example({"messages": [ASKED, calling]}, "messages")
        assert example.messages[1]["tool_calls"] == [named(meant)]
        assert calling["tool_calls"] == [named(given)]


def test_an_answer_that_is_a_text_goes_with_a_prompt_that_is_a_list() -> None:
    lists = to_example({"prompt": [ASKED], "completion": [ANSWERED]}, "prompt_completion")
    assert to_example({"prompt": [ASKED], "completion": ANSWERED["content"]}, "prompt_completion") == lists
    pair = {"chosen": ANSWERED["content"], "rejected": "no idea"}
    better, worse = to_pair({"prompt": [ASKED]} | pair)
    assert better == lists
    assert worse.messages == [ASKED, {"role": "assistant", "content": "no idea"}]
    calling = {"type": "custom", "custom": {"name": "python", "input": "1 + 1"}}
    assert to_example({"messages": [ASKED, ANSWERED | {"tool_calls": [calling]}]}, "messages")


SYSTEM = {"role": "system", "content": "Be kind."}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {}}}


@pytest.mark.parametrize("lists", [False, True])
@pytest.mark.parametrize("row_format", ["prompt_completion", "preference"])
def test_a_system_message_and_tools_beside_the_answers_are_told_to_the_model(row_format: str, lists: bool) -> None:
    answers = {"completion": "hello", "chosen": "hello", "rejected": "go away"}
    row: dict[str, Any] = {"prompt": "hi", "system": "Be kind.", "tools": json.dumps([TOOL])} | answers
    if lists:
        row |= {"prompt": [ASKED]} | {key: [{"role": "assistant", "content": text}] for key, text in answers.items()}
    for example in (to_example(row, row_format), to_example(row, row_format, worse=True)):
        assert example.messages[:2] == [SYSTEM, ASKED]
        assert example.trained == [False, False, True]
        assert (example.tools, example.prompt) == ([TOOL], None)
    own = to_example(row | {"prompt": [SYSTEM | {"content": "Be brief."}, ASKED], "tools": None}, row_format)
    assert [item["content"] for item in own.messages] == ["Be brief.", "hi", "hello"]
    plain = {"prompt": "hi", "system": "Be kind."} | answers
    assert to_example(plain, row_format).prompt == "Be kind.\n\nhi"
    old = to_example(plain | {"functions": [TOOL["function"]]}, row_format)
    assert old.tools == [TOOL]


def test_what_a_question_is_about_stands_behind_it() -> None:
    for row in ({"question": "hi", "answer": "a"}, {"instruction": "hi", "chosen": "a", "rejected": "b"}):
        row_format = detect([row])[0].format
        assert to_example(row | {"context": "here"}, row_format).messages[0]["content"] == "hi\n\nhere"
        for nothing in ("", None, ["a source"]):
            assert to_example(row | {"context": nothing}, row_format).messages[0]["content"] == "hi"
    assert to_example({"prompt": "hi", "completion": "a", "input": "x"}, "prompt_completion").prompt == "hi"
    assert "`question`, `context` and `answer`" in detect([{"question": "a", "context": "b", "answer": "c"}])[0].reason


def test_two_answers_go_on_from_a_conversation_beside_them() -> None:
    texts = {"chosen": "hello", "rejected": "go away"}
    for answers in (texts, {key: [{"role": "assistant", "content": text}] for key, text in texts.items()}):
        better, worse = to_pair({"messages": [ASKED]} | answers)
        assert better.messages == [ASKED, ANSWERED]
        assert worse.messages == [ASKED, ANSWERED | {"content": "go away"}]
        # One that is answered already is no prompt.
        assert len(to_pair({"messages": [ASKED, ANSWERED]} | answers)[0].messages) < 3


def test_what_two_begin_with() -> None:
    for one, other, length in (("abc", "abd", 2), ("abc", "ab", 2), ("ab", "abc", 2), ("", "a", 0)):
        assert common(one, other) == common(list(one), list(other)) == length


def test_a_prompt_that_ends_inside_a_word_of_the_answers_is_not_repeated_by_them() -> None:
    prompt = "Which of the towns in this list is the one of sun"
    better, worse = to_pair({"prompt": prompt, "chosen": f"{prompt}shine", "rejected": f"{prompt}set"})
    assert (better.answer, worse.answer) == (f"{prompt}shine", f"{prompt}set")


@pytest.mark.parametrize("common", [[ANSWERED], [SYSTEM], [SYSTEM, ANSWERED]])
def test_a_question_is_asked_though_both_answers_begin_alike(common: list[Any]) -> None:
    last = [{"role": "assistant", "content": text} for text in "ab"]
    better, _ = to_pair({"prompt": "hi", "chosen": [*common, last[0]], "rejected": [*common, last[1]]})
    system = [item for item in common if item == SYSTEM]
    assert better.messages == [*system, ASKED, *common[len(system) :], last[0]]


def test_an_answer_of_a_prompt_can_be_left_out_of_the_loss() -> None:
    answers = [ANSWERED | {"weight": 0}, ASKED, ANSWERED]
    assert to_example({"prompt": [ASKED], "completion": answers}, "prompt_completion").trained == [False] * 3 + [True]
    with pytest.raises(StudioError, match="every assistant message has weight 0"):
        to_example({"prompt": [ASKED], "completion": answers[:1]}, "prompt_completion")


@pytest.mark.parametrize("weight", ["0", "false", 0.5, -1, 2, [], {}])
def test_a_weight_that_is_neither_nothing_nor_one_is_refused(weight: Any) -> None:
    row = {"messages": [ASKED, ANSWERED | {"weight": weight}]}
    assert fault(row, "messages") == "message 2: `weight` is neither 0 nor 1"
    given = {"prompt": "hi", "completion": [ANSWERED | {"weight": weight}]}
    assert fault(given, "prompt_completion") == "completion message 1: `weight` is neither 0 nor 1"


def test_a_weight_counts_on_answers_alone() -> None:
    row = {"messages": [ASKED | {"weight": 0.5}, ANSWERED]}
    assert to_example(row, "messages").trained == [False, True]


@pytest.mark.parametrize(("weight", "learned"), [(0, 0), (1, 1), (0.0, 0), (1.0, 1), (True, 1), (False, 0), (None, 1)])
def test_weights_of_nothing_and_one(weight: Any, learned: int) -> None:
    row = {"messages": [ASKED, ANSWERED | {"weight": weight}, ASKED, ANSWERED]}
    assert to_example(row, "messages").trained == [False, bool(learned), False, True]


def test_an_instruction_is_kept_in_a_file_of_prompts_and_completions() -> None:
    row = {"instruction": "Translate.", "input": "good morning", "output": "guten Morgen"}
    asked, answered = to_example(row, "prompt_completion").messages
    assert (asked["content"], answered["content"]) == ("Translate.\n\ngood morning", "guten Morgen")
    assert to_example(row | {"input": ""}, "prompt_completion").messages[0]["content"] == "Translate."


def test_what_an_instruction_is_about_is_the_column_that_says_something() -> None:
    row = {"instruction": "Sum up.", "input": "", "context": "a long text", "output": "short"}
    for row_format in ("alpaca", "prompt_completion"):
        assert to_example(row, row_format).messages[0]["content"] == "Sum up.\n\na long text"


def test_an_answer_may_be_json() -> None:
    for answer in ('[{"name": "Bern"}]', '[{"from": "Bern", "to": "Basel"}]', "[]", "[1]"):
        row = {"prompt": "Which towns?", "completion": answer, "chosen": answer, "rejected": "none"}
        for row_format in ("prompt_completion", "preference"):
            assert to_example(row, row_format).messages[-1]["content"] == answer
    asked = json.dumps([{"from": "human", "value": "hi"}])
    row = {"prompt": asked, "completion": json.dumps([ANSWERED])}
    assert to_example(row, "prompt_completion").messages == [ASKED, ANSWERED]


def test_a_text_in_parts_is_one() -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    assert to_example({"messages": [ASKED, ANSWERED | {"content": parts}]}, "messages").messages[1] == ANSWERED
    parts[0] = {"type": "image_url", "image_url": "x"}
    with pytest.raises(StudioError, match="message 2: `content` is not text but a list"):
        to_example({"messages": [ASKED, ANSWERED | {"content": parts}]}, "messages")


def test_a_call_in_a_field_of_its_own_is_one_of_a_list() -> None:
    call = {"role": "assistant", "content": None, "function_call": CALLED["function"]}
    told = {"role": "function", "name": "weather", "content": "sun"}
    messages = to_example({"messages": [ASKED, call, told, ANSWERED]}, "messages").messages
    assert messages[1] == {"role": "assistant", "content": "", "tool_calls": [CALLED]}
    assert messages[2]["role"] == "tool"


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [ASKED, ANSWERED | {"tool_calls": [{"name": "w", "arguments": '{"a": "\\ud800"}'}]}]},
        {"messages": [ASKED, ANSWERED | {"tool_calls": [{"name": "w\ud800"}]}]},
        {"messages": [ASKED, ANSWERED], "tools": [{"name": "\ud800"}]},
        {"conversations": [
            {"from": "human", "value": "hi"},
            {"from": "function_call", "value": '{"name": "w", "arguments": {"a": "\\ud800"}}'},
        ]},
    ],
)  # fmt: skip
def test_half_a_surrogate_in_a_call_or_a_tool_refuses_the_row(row: dict[str, Any]) -> None:
    assert "half of a surrogate pair" in fault(row, "messages")


@pytest.mark.parametrize("row_format", ["prompt_completion", "preference"])
def test_a_prompt_that_is_an_empty_list_asks_nothing(row_format: str) -> None:
    for answers in ("It is me.", "It is you."), ([ANSWERED], [ANSWERED | {"content": "b"}]):
        data = dict(zip(("chosen", "rejected"), answers, strict=True)) | {"completion": answers[0], "prompt": []}
        asked = [item for item in to_example(data, row_format).messages if item["role"] == "user" and item["content"]]
        assert asked == []
        assert to_example(data, row_format).messages[-1]["content"] == (
            answers[0] if isinstance(answers[0], str) else ANSWERED["content"]
        )


def test_what_calls_no_tools_is_left_as_it_is() -> None:
    row = {"conversations": [{"from": "human", "value": CALL}, {"from": "gpt", "value": CALL}]}
    assert [item["content"] for item in to_example(row, "messages").messages] == [CALL, CALL]
    assert "tools" not in detect([row])[0].reason


def test_a_row_that_cannot_be_used_is_to_be_corrected_or_left_out() -> None:
    with pytest.raises(StudioError) as caught:
        to_example({"prompt": "Who?"}, "prompt_completion")
    assert caught.value.hint == "Correct the row or leave it out."


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_an_answer_of_two_that_nobody_gave_makes_a_row_unusable(side: str) -> None:
    row = {"prompt": [ASKED], "chosen": [ANSWERED], "rejected": [ANSWERED | {"content": "another"}]}
    assert not fault(row, "preference")
    assert "no assistant message" in fault(row | {side: [ASKED]}, "preference")


def test_rows_are_learned_as_asked_where_that_takes_them() -> None:
    every = ("sft", "pretraining", "dpo")
    assert [objective_for("messages", asked) for asked in every] == ["sft", "pretraining", "sft"]
    assert [objective_for("preference", asked) for asked in every] == ["dpo", "dpo", "dpo"]
    others = ("ipo", "orpo", "simpo")
    assert [objective_for("preference", asked) for asked in others] == list(others)
    assert [objective_for("messages", asked) for asked in others] == ["sft", "sft", "sft"]
    assert [objective_for("kto", asked) for asked in (*every, "kto")] == ["kto"] * 4
    assert [objective_for(row_format, "kto") for row_format in ("preference", "alpaca")] == ["dpo", "sft"]


def test_two_answers_are_to_one_prompt() -> None:
    row = {"chosen": [ASKED, ANSWERED], "rejected": [ASKED, ANSWERED | {"content": "another"}]}
    assert not fault(row, "preference")
    assert "different prompts" in fault(row | {"rejected": [ASKED | {"content": "bye"}, ANSWERED]}, "preference")


@pytest.mark.parametrize(
    ("messages", "asked", "own"),
    [
        ([("system", "s"), ("user", "q"), ("assistant", "a"), ("user", "q2"), ("assistant", "b")], 4, "b"),
        ([("user", "q"), ("assistant", "a"), ("user", "and?")], 1, "a"),
        ([("assistant", "a")], None, ""),
        ([("user", " "), ("assistant", "a")], None, ""),
    ],
)
def test_what_is_asked_is_all_before_the_last_answer(
    messages: list[tuple[str, str]], asked: int | None, own: str
) -> None:
    turns = [{"role": role, "content": content} for role, content in messages]
    found = question(Example(turns, [False] * len(turns), None, ""))
    assert found == (None if asked is None else (turns[:asked], own))
