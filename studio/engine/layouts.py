"""A conversation laid out as text by a chat template, and where in it the answers stand."""

import json
from dataclasses import dataclass, replace

from jinja2 import TemplateError

from studio.core.chat import Example, common
from studio.engine.rendering import THOUGHTS, ChatTemplate, Message, Span

# A field of a message, with what stands in it before a place and behind it.
_Place = tuple[str, str, str]
_CONTENT = ("content", "", "")


@dataclass(frozen=True, slots=True)
class Layout:
    """A row laid out as text.

    Attributes:
        spans: what is learned, [start, end) in characters.
        bare: the text is no template's, so the tokenizer adds its own beginning.
        end: the end token is added behind the text.
        partial: of an answer with thoughts or calls of tools something is not learned, since the template leaves it
            out or writes it elsewhere.
    """

    text: str
    spans: list[Span]
    bare: bool
    end: bool
    partial: bool = False


def lay_out(chat: ChatTemplate, example: Example) -> Layout:
    """Renders a conversation and finds what is learned of it.

    Raises:
        TemplateError and its kin (`TEMPLATE_ERRORS`): the template refuses it.
    """
    messages = example.messages
    text, spans = chat.rendered(messages, tools=example.tools)
    _check(chat, example, text)
    answers = [index for index, item in enumerate(messages) if item["role"] == "assistant"]
    marked = len(spans) == len(answers) and all(
        messages[index]["content"].strip() in text[slice(*span)] for span, index in zip(spans, answers, strict=True)
    )
    if not marked:
        # No markers, markers that do not follow the messages, or an answer rewritten or left out.
        spans = [_span(chat, example, index, text) for index in answers]
    if answers[-1] == len(messages) - 1:
        text, spans = _met(chat, example, text, spans)
    # The closing token is learned too, or the model would never learn to stop.
    closings = [chat.closing_between if _is_asked_on(messages, index) else chat.closing for index in answers]
    spans = [(a, b + len(end) * text.startswith(end, b)) for (a, b), end in zip(spans, closings, strict=True)]
    end = example.trained[-1] and not _ends_closed(chat, text[: spans[-1][1]], "tool_calls" in messages[-1])
    if end:
        # The tokenizer's end token stands in for it, right behind whatever else the template writes there.
        start, stop = spans[-1]
        text = text if text[stop:].strip() else text[:stop]
        spans[-1] = start, len(text)
    trained = [(span, messages[index]) for span, index in zip(spans, answers, strict=True) if example.trained[index]]
    partial = not all(_is_whole(message, text[slice(*span)]) for span, message in trained)
    return Layout(text, [span for span, _ in trained], bare=False, end=end, partial=partial)


def lay_out_whole(chat: ChatTemplate, example: Example) -> Layout:
    """Renders a conversation of which everything is learned; raises as `lay_out`."""
    text = chat.render(example.messages, tools=example.tools)
    return Layout(text, [(0, len(text))], bare=False, end=not _ends_closed(chat, text))


def _is_whole(message: Message, learned: str) -> bool:
    """Whether all that an answer thinks and says stands in what is learned of it, where templates may part the two."""
    thought, parted, said = message["content"].rpartition("</think>")
    thoughts = {thought.replace("<think>", "").strip(), *(str(message.get(name) or "").strip() for name in THOUGHTS)}
    if not parted and not any(thoughts) and "tool_calls" not in message:
        return True
    # The longest first, each at a place of its own: a short thought may be a word of what is said.
    for part in sorted((said.strip(), *thoughts), key=len, reverse=True):
        if part not in learned:
            return False
        learned = learned.replace(part, "\n", 1)
    return True


def _check(chat: ChatTemplate, example: Example, text: str) -> None:
    """Raises where the template leaves out a part of a conversation that is to be learned from."""
    messages, tools = example.messages, example.tools
    silent = [{key: value for key, value in item.items() if key != "tool_calls"} for item in messages]
    if silent != messages and chat.tried(silent, tools=tools) == text:
        raise TemplateError("it leaves out the calls of tools")
    thoughts = {name: thought for name in THOUGHTS if (thought := (messages[-1].get(name) or "").strip())}
    written = (_is_written(chat, example, -1, text, part, (name, "", "")) for name, part in thoughts.items())
    if example.trained[-1] and thoughts and not any(written):
        raise TemplateError("it leaves out the thoughts of the answer")


def _met(chat: ChatTemplate, example: Example, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """Lays the last answer behind the prompt that inference gives, where the template leaves a part of it out.

    DeepSeek-R1's template cuts the thought out of an answer; Mistral's writes the system's message before the last
    question alone, and only until it is answered.
    """
    messages, tools = example.messages, example.tools
    content, start = messages[-1]["content"], spans[-1][0]
    system = messages[0]["content"].strip() if messages[0]["role"] == "system" else ""
    opened, parted, said = content.rpartition("</think>")
    thought, place = opened.replace("<think>", "").strip(), ("content", opened, parted + said)
    # Of templates that know of thoughts; others may write all of an answer in a way of their own.
    knows = bool(thought) and "</think>" in chat.text and "tool_calls" not in messages[-1]
    thoughtless = knows and not _is_written(chat, example, -1, text, thought, place)
    forgotten = bool(system) and not _is_written(chat, example, 0, text, system) and not _around(chat, example, 0)[1]
    if not thoughtless and not forgotten:
        return text, spans
    prompt = chat.tried(messages[:-1], prompted=True, tools=tools)
    if forgotten and not _is_written(chat, replace(example, messages=messages[:-1]), 0, prompt, system):
        raise TemplateError("it leaves out the system's message")
    if thoughtless:
        opens = prompt.rstrip().endswith("<think>")
        answer = content.lstrip().removeprefix("<think>").lstrip("\n") if opens else content
        rest = chat.tail
    else:
        # What is learned begins where the prompt without the system's message ends.
        asked = chat.tried(messages[1:-1], prompted=True, tools=tools)
        start = len(asked) if asked and text.startswith(asked) else start
        answer, rest = text[start : spans[-1][1]], text[spans[-1][1] :]
    whole = prompt + answer + rest
    if any(stop > common(whole, text) for _, stop in spans[:-1]):
        raise TemplateError("it writes the conversation before an answer otherwise than behind it")
    return whole, [*spans[:-1], (len(prompt), len(prompt) + len(answer))]


def _ends_closed(chat: ChatTemplate, text: str, calls: bool = False) -> bool:
    """Whether a text ends as answers do; one that calls tools may end with any special token."""
    ends = (chat.closing.strip(), chat.tail.strip())
    known = bool(chat.closing) and text.rstrip().endswith(ends)
    return known or (calls and text.rstrip().endswith(tuple(chat.special)))


def _span(chat: ChatTemplate, example: Example, index: int, text: str) -> Span:
    """Finds an answer in the rendered conversation.

    It begins where the prompt for it ends, so that what inference is given and what is learned meet; where the
    template renders that prompt in another way inside a conversation, it begins with its content.
    """
    messages, tools = example.messages, example.tools
    content = messages[index]["content"]
    prompt = chat.tried(messages[:index], prompted=True, tools=tools) if index else ""
    is_last, calls = index == len(messages) - 1, "tool_calls" in messages[index]
    if prompt and is_last and text == f"{prompt}{content}{chat.tail}":
        return len(prompt), len(prompt) + len(content)
    # An answer's calls of tools are learned with it: they stand where the mark does.
    before, found, after = _around(chat, example, index, silent=True)
    if found:
        start, stop = common(text, before), len(text) - common(text[::-1], after[::-1])
        # A call may end otherwise than what is said.
        stop = len(text.rstrip()) if is_last and calls else stop
    elif calls:
        # Without its calls the template refuses what follows.
        start = common(text, prompt)
        stop = _called(chat, example, index, text)
    else:
        raise TemplateError("it leaves out an answer")
    if prompt and text.startswith(prompt) and len(prompt) <= stop:
        start = len(prompt)
    if index + 1 < len(messages) and messages[index + 1]["role"] == "tool":
        stop = _before_result(chat, example, index, text, start, stop)
    return min(start, stop), stop


def _before_result(chat: ChatTemplate, example: Example, index: int, text: str, start: int, stop: int) -> int:
    """Returns where a call ends, before the tool's result: some templates write that within the same turn."""
    before, found, _ = _around(chat, example, index + 1)
    result = common(text, before) if found else stop
    if not start < result < stop:
        return stop
    called = _called(chat, example, index, text)
    return called if start < called <= result else result


def _called(chat: ChatTemplate, example: Example, index: int, text: str) -> int:
    """Returns how far a conversation that ends with a call is written alike; what is said beside it may be not."""
    before, call = example.messages[:index], example.messages[index]
    # A thought may be written behind the last question alone.
    silent = {key: value for key, value in call.items() if key not in THOUGHTS} | {"content": ""}
    ends = (chat.tried([*before, last], tools=example.tools) for last in (call, call | {"content": ""}, silent))
    return max(common(text, end) for end in ends)


def _is_written(
    chat: ChatTemplate, example: Example, index: int, text: str, part: str, place: _Place = _CONTENT
) -> bool:
    """Whether a part of a message stands in the rendered conversation, and not only the same words elsewhere.

    Args:
        chat: what laid the conversation out.
        example: the conversation.
        index: the message's.
        text: the rendered conversation.
        part: what the message says or thinks.
        place: where in the message that is.
    """
    source = chat.text + _source(example) + json.dumps(example.tools, ensure_ascii=False, default=str)
    again = part in text and source.count(json.dumps(part, ensure_ascii=False)[1:-1]) > 1
    return bool(_around(chat, example, index, place=place)[1]) if again else part in text


def _around(
    chat: ChatTemplate, example: Example, index: int, silent: bool = False, place: _Place = _CONTENT
) -> tuple[str, str, str]:
    """Renders a conversation with a mark in place of what a message says; with `silent` also of its calls.

    Returns:
        What stands before the mark, the mark, and what stands behind it; the mark is empty where it is left out.
    """
    messages, (name, before, behind) = list(example.messages), place
    mark = unused(_source(example))
    said = {key: value for key, value in messages[index].items() if not silent or key != "tool_calls"}
    messages[index] = said | {name: f"{before}{mark}{behind}"}
    return chat.tried(messages, tools=example.tools).partition(mark)


def _source(example: Example) -> str:
    return json.dumps(list(example.messages), ensure_ascii=False, default=str)


def _is_asked_on(messages: list[Message], index: int) -> bool:
    return index + 1 < len(messages) and messages[index + 1]["role"] == "user"


def unused(text: str) -> str:
    """Returns a private-use character that does not stand in a text."""
    return next(mark for mark in map(chr, range(0xE000, 0xF8FF)) if mark not in text)
