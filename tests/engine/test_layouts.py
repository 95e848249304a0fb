"""Conversations laid out by templates of real families: nothing of a row is lost, and answers end where they end."""

import re
from typing import Any

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from studio.core.config import DataSpec
from studio.core.errors import StudioError
from studio.engine.labels import Encoder, make_encoder
from tests.engine.test_labels import byte_level, learned, trl_templates

R1_END = "<\uff5cend▁of▁sentence\uff5c>"
ENDS = {"gptoss": "<|return|>", "deepseek": R1_END, "glm": "<|endoftext|>", "gemma4": "<turn|>"}
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "weather", "arguments": {"city": "Bern"}}}
ASKED, ANSWERED = {"role": "user", "content": "the question"}, {"role": "assistant", "content": "the answer"}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
TOLD = {"role": "tool", "name": "weather", "tool_call_id": "abcdefghi", "content": "12 degrees"}
COLD = {"role": "assistant", "content": "Cold."}
# As Mistral's of 2024: the system's message stands before the last question, and only until it is answered.
MISTRAL = """{{ bos_token }}{% set rest = messages[1:] if messages[0].role == 'system' else messages %}
{%- for m in rest %}{% if m.role == 'user' %}[INST] {{ messages[0].content + '\\n\\n' if loop.last and
messages[0].role == 'system' else '' }}{{ m.content }}[/INST]{% elif m.role == 'assistant' %} {{ m.content | trim
}}{{ eos_token }}{% else %}{{ raise_exception('no') }}{% endif %}{% endfor %}"""


def template_of(family: str) -> str:
    return MISTRAL if family == "mistral" else (trl_templates() / f"{family}.jinja").read_text(encoding="utf-8")


def tokenizer_of(family: str, template: str) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with the special tokens that a template writes."""
    own = Tokenizer.from_str(byte_level().backend_tokenizer.to_str())
    eos = next((end for name, end in ENDS.items() if family.startswith(name)), "</s>")
    made = PreTrainedTokenizerFast(tokenizer_object=own, bos_token="<s>", eos_token=eos)
    known = set(re.findall(r"<[|\uff5c][^ <>{}]+?[|\uff5c]>|<\|?\w+\|?>|\[/?INST\]", template))
    made.add_tokens(sorted(known - {"<think>", "</think>"}), special_tokens=True)
    return made


def encoder_of(family: str) -> Encoder:
    template = template_of(family)
    return Encoder(tokenizer_of(family, template), template, "sft", 10_000)


def laid(family: str, *messages: dict[str, Any]) -> list[str]:
    encoder = encoder_of(family)
    return learned(encoder.tokenizer, encoder.encode({"messages": list(messages)}, "messages"))


@pytest.mark.parametrize("family", ["gemma4", "gemma4_v5"])
def test_a_tools_result_within_the_turn_is_not_learned(family: str) -> None:
    call, answer = laid(family, ASKED, CALLED, TOLD, COLD)
    assert re.fullmatch(r"<\|tool_call>call:weather\{.*Bern.*\}<tool_call\|><\|tool_response>", call)
    assert answer.startswith("Cold.<turn|>")
    assert "degrees" not in call + answer


def test_a_call_that_its_template_will_not_do_without_is_learned() -> None:
    call, answer = laid("gptoss", ASKED, CALLED, TOLD, COLD)
    assert call == ' to=functions.weather<|channel|>commentary json<|message|>{"city": "Bern"}<|call|>'
    assert answer == "<|channel|>final<|message|>Cold.<|return|>"
    spoken = CALLED | {"content": "Let me see"}
    assert laid("gptoss", ASKED, spoken, TOLD, COLD, ASKED, ANSWERED)[0] == call


def test_a_call_with_a_thought_that_its_template_leaves_out_is_learned() -> None:
    thinking = CALLED | {"reasoning_content": "long thought"}
    call, answer = laid("gptoss", ASKED, thinking, TOLD, COLD)
    assert call == ' to=functions.weather<|channel|>commentary json<|message|>{"city": "Bern"}<|call|>'
    assert answer == "Cold.<|return|>"


@pytest.mark.parametrize(
    ("family", "answer", "partial"),
    [
        ("gemma4", CALLED | {"content": "Let me see"}, True),
        ("llama3_1", CALLED | {"content": "Let me see"}, True),
        ("qwen3", CALLED | {"content": "Let me see"}, False),
        ("gemma4", CALLED, False),
        ("gptoss", CALLED | {"thinking": "long thought"}, True),
        ("qwen3", CALLED | {"thinking": "long thought"}, False),
    ],
)
def test_an_answer_of_which_a_part_is_not_learned_is_known(family: str, answer: Any, partial: bool) -> None:
    messages = [ASKED, answer, TOLD, COLD]
    assert encoder_of(family).encode({"messages": messages}, "messages").partial == partial
    unlearned = [ASKED, answer | {"weight": 0}, TOLD, COLD]
    assert not encoder_of(family).encode({"messages": unlearned}, "messages").partial


def test_a_thought_that_a_later_answer_hides_is_known() -> None:
    thinking = {"role": "assistant", "content": "<think>\nlong thought\n</think>\n\nthe answer"}
    encoder = encoder_of("qwen3")
    assert encoder.encode({"messages": [ASKED, thinking, ASKED, COLD]}, "messages").partial
    assert not encoder.encode({"messages": [ASKED, ANSWERED, ASKED, thinking]}, "messages").partial
    assert not encoder.encode({"messages": [ASKED, ANSWERED, ASKED, COLD]}, "messages").partial


def test_a_short_thought_is_not_taken_for_a_word_of_the_answer() -> None:
    thinking = {"role": "assistant", "content": "<think>\n4\n</think>\n\nIt is 4."}
    encoder = encoder_of("qwen3")
    assert encoder.encode({"messages": [ASKED, thinking, ASKED, COLD]}, "messages").partial
    assert not encoder.encode({"messages": [ASKED, thinking]}, "messages").partial


def test_a_conversation_that_ends_in_a_call_ends_there() -> None:
    assert laid("gptoss", ASKED, CALLED)[-1].endswith('{"city": "Bern"}<|call|>')
    assert laid("gemma4", ASKED, CALLED)[-1].endswith("<tool_call|><|tool_response>")


@pytest.mark.parametrize(("family", "end"), [("gptoss", "<|end|>"), ("glm4moe", "<|user|>"), ("qwen2_5", "<|im_end|>")])
def test_the_end_of_every_answer_is_learned_and_known(family: str, end: str) -> None:
    first, last = laid(family, ASKED, ANSWERED, ASKED, COLD)
    encoder = encoder_of(family)
    assert first.endswith(f"the answer{end}")
    assert encoder.tokenizer.convert_tokens_to_ids(end) in encoder.stop_ids
    assert encoder.tokenizer.encode(last)[-1] in encoder.stop_ids


@pytest.mark.parametrize("arguments", [{"city": "Bärn"}, '{"city": "Bärn"}'])
def test_a_template_that_writes_arguments_as_a_text_gets_one(arguments: Any) -> None:
    called = CALLED | {"tool_calls": [CALL | {"function": {"name": "weather", "arguments": arguments}}]}
    call, answer = laid("deepseekv3", ASKED, called, TOLD, COLD)
    assert 'weather\n```json\n{"city": "Bärn"}\n```' in call
    assert answer.startswith("Cold.")


def test_a_thought_that_the_template_cuts_out_is_learned_behind_the_prompt() -> None:
    encoder = encoder_of("deepseek_r1_distill")
    thinking = {"role": "assistant", "content": "<think>\nlong thought\n</think>\n\nthe answer"}
    encoded = encoder.encode({"messages": [ASKED, thinking]}, "messages")
    assert learned(encoder.tokenizer, encoded) == [f"long thought\n</think>\n\nthe answer{R1_END}"]
    prompt = encoder.prompt([ASKED])
    assert encoded.ids[: len(prompt)] == prompt
    _, last = laid("deepseek_r1_distill", ASKED, thinking, ASKED, thinking)
    assert last.startswith("long thought\n</think>")


@pytest.mark.parametrize("asked", ["What is 2 + 2?", "Is it 4?"])
def test_a_thought_whose_words_stand_elsewhere_is_learned(asked: str) -> None:
    thinking = {"role": "assistant", "content": "<think>4</think>It is 4."}
    messages = [{"role": "user", "content": asked}, thinking]
    assert laid("deepseek_r1_distill", *messages) == [f"4</think>It is 4.{R1_END}"]
    assert laid("qwen3", *messages) == ["<think>\n4\n</think>\n\nIt is 4.<|im_end|>"]


def test_a_thought_in_a_field_that_the_template_does_not_know_is_refused() -> None:
    thinking = ANSWERED | {"reasoning_content": "long thought"}
    with pytest.raises(StudioError, match="it leaves out the thoughts of the answer") as caught:
        laid("qwen2_5", ASKED, thinking)
    assert "without that field the answer alone is learned" in caught.value.hint
    assert laid("qwen2_5", ASKED, thinking, ASKED, COLD)[-1].startswith("Cold.")
    # Of an answer that is not learned nothing is.
    assert laid("qwen2_5", ASKED, COLD, ASKED, thinking | {"weight": 0})[-1].startswith("Cold.")


def test_a_thought_left_out_whose_words_stand_elsewhere_is_refused() -> None:
    thinking = {"role": "assistant", "content": "It is 4.", "reasoning_content": "4"}
    with pytest.raises(StudioError, match="it leaves out the thoughts of the answer"):
        laid("qwen2_5", ASKED, thinking)
    assert laid("qwen3", ASKED, thinking) == ["<think>\n4\n</think>\n\nIt is 4.<|im_end|>"]


@pytest.mark.parametrize("name", ["reasoning_content", "thinking", "reasoning"])
@pytest.mark.parametrize("family", ["qwen3", "gptoss"])
def test_a_thought_is_learned_whatever_its_field_is_called(family: str, name: str) -> None:
    assert "long thought" in laid(family, ASKED, ANSWERED | {name: "long thought"})[0]


def test_a_systems_message_that_the_template_forgets_is_told_as_inference_tells_it() -> None:
    encoder, system = encoder_of("mistral"), {"role": "system", "content": "Be brief."}
    for before in ([], [ASKED, ANSWERED]):
        asked = [system, *before, ASKED]
        encoded = encoder.encode({"messages": [*asked, COLD]}, "messages")
        prompt = encoder.prompt(asked)
        assert "Be brief." in encoder.tokenizer.decode(prompt)
        assert encoded.text == f"{encoder.tokenizer.decode(prompt)} Cold.</s>"
        assert before or encoded.ids[: len(prompt)] == prompt
        assert learned(encoder.tokenizer, encoded) == [*("the answer</s>" for _ in before[:1]), " Cold.</s>"]


@pytest.mark.parametrize("asked", ["Give me JSON", "Hello", "JSON"])
def test_a_systems_message_whose_words_stand_elsewhere_is_told(asked: str) -> None:
    encoder, system = encoder_of("mistral"), {"role": "system", "content": "JSON"}
    answer = {"role": "assistant", "content": "A JSON of mine"}
    messages = [system, {"role": "user", "content": asked}, answer]
    assert encoder.text({"messages": messages}, "messages") == f"<s>[INST] JSON\n\n{asked}[/INST] A JSON of mine</s>"


def test_a_systems_message_that_is_nowhere_is_refused() -> None:
    deaf = Encoder(tokenizer_of("x", ""), "{% for m in messages if m.role != 'system' %}{{ m.content }};{% endfor %}",
                   "sft", 1000)  # fmt: skip
    for said in ("Be brief.", "question", "answer"):
        row = {"messages": [{"role": "system", "content": said}, ASKED, ANSWERED]}
        with pytest.raises(StudioError, match="it leaves out the system's message"):
            deaf.encode(row, "messages")


def test_what_a_template_writes_in_its_own_way_is_not_left_out() -> None:
    loud = Encoder(tokenizer_of("x", ""), "{% for m in messages %}{{ m.content | upper }};{% endfor %}", "sft", 1000)
    thinking = {"role": "assistant", "content": "<think>so</think>the answer"}
    messages = [{"role": "system", "content": "Be brief."}, ASKED, thinking]
    assert loud.text({"messages": messages}, "messages") == "BE BRIEF.;THE QUESTION;<THINK>SO</THINK>THE ANSWER;"


def test_of_two_templates_the_one_for_tools_is_taken_where_there_are_tools() -> None:
    tokenizer = tokenizer_of("x", "")
    turns = "{% for m in messages %}{{ m.content }};{% endfor %}\n"
    tokenizer.chat_template = {"default": turns, "tool_use": "{{ tools | length }} tools:" + turns}
    encoder = make_encoder(tokenizer, DataSpec(path="x"), "sft")
    row = {"messages": [ASKED, ANSWERED]}
    assert encoder.text(row, "messages") == "the question;the answer;"
    tools = [{"type": "function", "function": {"name": "weather"}}]
    assert encoder.text(row | {"tools": tools}, "messages") == "1 tools:the question;the answer;"
