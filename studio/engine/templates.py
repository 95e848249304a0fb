"""A chat template: a conversation as text, and where in it the answers stand."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateError, TemplateSyntaxError
from transformers.utils.chat_template_utils import render_jinja_template

from studio.core.chat import Example
from studio.core.errors import StudioError
from studio.engine.limits import limited

# What a template can raise besides its own errors when a message is not what it expects.
TEMPLATE_ERRORS = (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)
_MAX_TEMPLATE_BYTES = 1_000_000

Message = dict[str, Any]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """A row laid out as text.

    Attributes:
        spans: what is learned, [start, end) in characters.
        bare: the text is no template's, so the tokenizer adds its own beginning.
        end: the end token is added behind the text.
    """

    text: str
    spans: list[Span]
    bare: bool
    end: bool


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template with the tokenizer whose special tokens it writes.

    Attributes:
        text: the template.
        tokenizer: a transformers tokenizer.
    """

    text: str
    tokenizer: Any

    def render(self, messages: Sequence[Message], prompted: bool = False, tools: Sequence[Any] = ()) -> str:
        """Returns a conversation as text; with `prompted` up to where an answer begins. Raises as `lay_out`."""
        return self._rendered(messages, prompted, tools)[0]

    def lay_out(self, example: Example) -> Layout:
        """Renders a conversation and finds what is learned of it.

        Raises:
            TemplateError and its kin (`TEMPLATE_ERRORS`): the template refuses it.
        """
        messages = example.messages
        text, spans = self._rendered(messages, tools=example.tools)
        silent = [{key: value for key, value in item.items() if key != "tool_calls"} for item in messages]
        if silent != messages and self.render(silent, tools=example.tools) == text:
            raise TemplateError("it leaves out the calls of tools")
        answers = [index for index, item in enumerate(messages) if item["role"] == "assistant"]
        marked = len(spans) == len(answers) and all(
            messages[index]["content"].strip() in text[slice(*span)] for span, index in zip(spans, answers, strict=True)
        )
        if not marked:
            # No markers, markers that do not follow the messages, or an answer rewritten or left out.
            spans = [self._span(example, index, text) for index in answers]
        # The closing token is learned too, or the model would never learn to stop.
        spans = [(a, b + len(self.closing) * text.startswith(self.closing, b)) for a, b in spans]
        end = example.trained[-1] and not self._ends_closed(text[: spans[-1][1]])
        if end:
            # The tokenizer's end token stands in for it, right behind whatever else the template writes there.
            start, stop = spans[-1]
            text = text if text[stop:].strip() else text[:stop]
            spans[-1] = start, len(text)
        trained = [span for span, index in zip(spans, answers, strict=True) if example.trained[index]]
        return Layout(text, trained, bare=False, end=end)

    def lay_out_whole(self, example: Example) -> Layout:
        """Renders a conversation of which everything is learned; raises as `lay_out`."""
        text = self.render(example.messages, tools=example.tools)
        return Layout(text, [(0, len(text))], bare=False, end=not self._ends_closed(text))

    def _ends_closed(self, text: str) -> bool:
        ends = (self.closing.strip(), self._tail.strip())
        return bool(self.closing) and text.rstrip().endswith(ends)

    def _span(self, example: Example, index: int, text: str) -> Span:
        """Finds an answer in the rendered conversation.

        It begins where the prompt for it ends, so that what inference is given and what is learned meet; where the
        template renders that prompt in another way inside a conversation, it begins with its content.
        """
        messages, tools = example.messages, example.tools
        content = messages[index]["content"]
        try:
            prompt = self.render(messages[:index], prompted=True, tools=tools) if index else ""
        except TEMPLATE_ERRORS:
            prompt = ""
        if prompt and index == len(messages) - 1 and text == f"{prompt}{content}{self._tail}":
            return len(prompt), len(prompt) + len(content)
        mark = unused(json.dumps(list(messages), ensure_ascii=False, default=str))
        # An answer's calls of tools are learned with it: they stand where the mark does.
        plain = {key: value for key, value in messages[index].items() if key != "tool_calls"} | {"content": mark}
        probe = self.render([*messages[:index], plain, *messages[index + 1 :]], tools=tools)
        before, found, after = probe.partition(mark)
        if not found:
            raise TemplateError("it leaves out an answer")
        start, stop = common(text, before), len(text) - common(text[::-1], after[::-1])
        if prompt and text.startswith(prompt) and len(prompt) <= stop:
            start = len(prompt)
        return min(start, stop), stop

    @cached_property
    def _tail(self) -> str:
        """What the template writes behind the last answer of a conversation."""
        asked, answered = {"role": "user", "content": "a"}, {"role": "assistant", "content": "\ue000"}
        for messages in ([asked, answered], [{"role": "system", "content": "a"}, asked, answered]):
            try:
                return self.render(messages).partition("\ue000")[2]
            except TEMPLATE_ERRORS:
                continue
        return ""

    def _rendered(
        self, messages: Sequence[Message], prompted: bool = False, tools: Sequence[Any] = ()
    ) -> tuple[str, list[Span]]:
        """Renders a conversation; with it where the template's generation markers stand."""
        texts, blocks = render_jinja_template(
            conversations=[list(messages)],
            tools=list(tools) or None,
            chat_template=self.text,
            return_assistant_tokens_mask=self._has_markers,
            add_generation_prompt=prompted,
            **self.tokenizer.special_tokens_map,
        )
        spans: list[Span] = []
        for start, stop in blocks[0] if self._has_markers else []:
            # Some templates mark an answer and its end token apart.
            joined = bool(spans) and spans[-1][1] == start
            spans[-1:] = [(spans[-1][0], stop)] if joined else [*spans[-1:], (start, stop)]
        return texts[0], spans

    @cached_property
    def closing(self) -> str:
        """What closes an answer: the tail up to its first special token; empty where there is none."""
        named = set(self.tokenizer.all_special_tokens)
        added = [item for item in self.tokenizer.added_tokens_decoder.values() if item.content.strip()]
        special = [item for item in added if item.special or item.content in named]
        for tokens in (special, added):
            known = sorted((item.content for item in tokens), key=len, reverse=True)
            found = re.search("|".join(map(re.escape, known)), self._tail) if known else None
            if found:
                return self._tail[: found.end()]
        return ""

    @cached_property
    def _has_markers(self) -> bool:
        return re.search(r"\{%-?\s*generation\s*-?%\}", self.text) is not None


def find_template(tokenizer: Any, choice: str) -> str | None:
    """Returns the template that `data.chat_template` chooses, compiled once to see that it can be; None: plain text.

    Raises:
        StudioError: (model) the model's own cannot be used; (config) the file cannot be.
    """
    if choice == "none":
        return None
    if choice == "auto":
        if not tokenizer.chat_template:
            return None
        try:
            return checked(str(tokenizer.get_chat_template()))
        except (TemplateError, ValueError) as error:
            message = f"The model's chat template cannot be used: {words(error)}."
            raise StudioError("model", message, "Name a Jinja file with data.chat_template.") from None
    path = Path(choice)
    try:
        if path.stat().st_size > _MAX_TEMPLATE_BYTES:
            raise StudioError("config", f"{path.name} is larger than 1 MB.", "A chat template is a short Jinja file.")
        return checked(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        message = f"The chat template {path} cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        message = f"The chat template {path} is not UTF-8 text."
    except TemplateError as error:
        message = f"The chat template {path.name} is not valid{_line(error)}: {words(error)}."
    raise StudioError("config", message, "Set data.chat_template to `auto`, `none` or a Jinja file.")


def given_template(text: str) -> str:
    """Returns the text of a template that someone is writing, once it has been checked.

    Raises:
        StudioError: (config) it cannot be used.
    """
    try:
        return checked(text)
    except TemplateError as error:
        message = f"The chat template is not valid{_line(error)}: {words(error)}."
        raise StudioError("config", message, "Go on editing, or take the model's own.") from None


def checked(template: str) -> str:
    """Returns `template` once it has been compiled.

    Raises:
        TemplateError: it cannot be, or holds what no conversation needs.
        StudioError: (data) compiling it does not come to an end.
    """
    # A power of two numbers can hang inside Python where nothing can interrupt it, even while it is compiled.
    before = ""
    for _, kind, value in Environment().lex(template):
        if kind == "operator" and value == "**" and before not in ("(", ","):
            raise TemplateError("it raises a number to a power, which no conversation needs")
        before = before if kind in ("whitespace", "comment") else value
    with limited():
        render_jinja_template(conversations=[], chat_template=template)
    return template


def common(text: str, other: str) -> int:
    """Returns how many characters both begin with."""
    if text.startswith(other):
        return len(other)
    pairs = enumerate(zip(text, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(text), len(other)))


def unused(text: str) -> str:
    """Returns a private-use character that does not stand in a text."""
    return next(mark for mark in map(chr, range(0xE000, 0xF8FF)) if mark not in text)


def words(error: BaseException) -> str:
    """Returns a template's own words for why it failed, on one line."""
    # What stands for a fault of syntax as a whole repeats its line.
    said = str(error.message if isinstance(error, TemplateSyntaxError) else error)
    return " ".join(said.split())[:200].rstrip(".") or type(error).__name__


def _line(error: TemplateError) -> str:
    return f" in line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
