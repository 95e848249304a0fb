"""A chat template with the tokenizer it is written for: conversations as text, and what closes an answer there."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from transformers.utils.chat_template_utils import render_jinja_template

from studio.engine.templates import TEMPLATE_ERRORS

# Fields of a message that hold what the model thought before it answered.
THOUGHTS = ("reasoning_content", "thinking", "reasoning")

Message = dict[str, Any]
Span = tuple[int, int]


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
        """Returns a conversation as text; with `prompted` up to where an answer begins.

        Raises:
            TemplateError and its kin (`TEMPLATE_ERRORS`): the template refuses it.
        """
        return self.rendered(messages, prompted, tools)[0]

    def tried(self, messages: Sequence[Message], prompted: bool = False, tools: Sequence[Any] = ()) -> str:
        """Renders as `render`; returns nothing where the template refuses it."""
        try:
            return self.render(messages, prompted, tools)
        except TEMPLATE_ERRORS:
            return ""

    @cached_property
    def tail(self) -> str:
        """What the template writes behind the last answer of a conversation."""
        return self._behind([])

    @cached_property
    def tells_tools(self) -> bool:
        """Whether the template writes which tools may be called."""
        name = "a_tool_of_no_other_name"
        function = {"name": name, "description": "a", "parameters": {"type": "object", "properties": {}}}
        system, asked, answered = ({"role": role, "content": "a"} for role in ("system", "user", "assistant"))
        tried = (
            self.tried([*before, asked, *after], prompted=not after, tools=[{"type": "function", "function": function}])
            for before in ([], [system])
            for after in ([], [answered])
        )
        return any(name in text for text in tried)

    def _behind(self, more: Sequence[Message]) -> str:
        """Returns what the template writes behind an answer that `more` follows."""
        asked, answered = {"role": "user", "content": "a"}, {"role": "assistant", "content": "\ue000"}
        system = {"role": "system", "content": "a"}
        texts = (self.tried([*before, asked, answered, *more]) for before in ([], [system]))
        return next(filter(None, texts), "").partition("\ue000")[2]

    def rendered(
        self, messages: Sequence[Message], prompted: bool = False, tools: Sequence[Any] = ()
    ) -> tuple[str, list[Span]]:
        """Renders a conversation; with it where the template's generation markers stand."""
        messages = [self._suited(item) for item in messages]
        texts, blocks = render_jinja_template(
            conversations=[messages],
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

    def _suited(self, message: Message) -> Message:
        """Returns a message with its calls' arguments and its thoughts as the template takes them."""
        if "tool_calls" in message and self._takes_texts:
            message = _with_texts(message)
        thought = next((message[name] for name in THOUGHTS if message.get(name)), "")
        known = next((name for name in THOUGHTS if name in self.text), "") if thought else ""
        return message | {known: thought} if known and not message.get(known) else message

    @cached_property
    def _takes_texts(self) -> bool:
        """Whether the template takes the arguments of a call as a text of JSON alone, as DeepSeek-V3's does."""
        call = {"id": "000000000", "type": "function", "function": {"name": "a", "arguments": {"b": 1}}}
        asked: Message = {"role": "user", "content": "a"}
        called: Message = {"role": "assistant", "content": "", "tool_calls": [call]}
        tokens = self.tokenizer.special_tokens_map
        for message in (called, _with_texts(called)):
            try:
                render_jinja_template(conversations=[[asked, message]], chat_template=self.text, **tokens)
            except TEMPLATE_ERRORS:
                continue
            return message is not called
        return False

    @cached_property
    def closing(self) -> str:
        """What closes an answer: the tail up to its first special token; empty where there is none."""
        return self._closing_of(self.tail)

    @cached_property
    def closing_between(self) -> str:
        """What closes an answer that a question follows, where that is another special token; see `closing`."""
        behind = self._behind([{"role": "user", "content": "b"}])
        found = self._closing_of(behind)
        if self.closing and behind.startswith(self.closing):
            return self.closing
        # Behind a word it belongs to what follows, and so does the beginning of a text.
        ends = found.strip() in self._added and found.strip() != self.tokenizer.bos_token
        return found if ends else self.closing

    def _closing_of(self, tail: str) -> str:
        for known in (self.special, self._added):
            found = re.search("|".join(map(re.escape, known)), tail) if known else None
            if found:
                return tail[: found.end()]
        return ""

    @cached_property
    def special(self) -> list[str]:
        """The texts of the special tokens, the longest first."""
        named = set(self.tokenizer.all_special_tokens)
        added = self.tokenizer.added_tokens_decoder.values()
        found = {item.content for item in added if (item.special or item.content in named) and item.content.strip()}
        return sorted(found, key=len, reverse=True)

    @cached_property
    def _added(self) -> list[str]:
        """The texts of all added tokens, the longest first."""
        found = {item.content for item in self.tokenizer.added_tokens_decoder.values() if item.content.strip()}
        return sorted(found, key=len, reverse=True)

    @cached_property
    def _has_markers(self) -> bool:
        return re.search(r"\{%-?\s*generation\s*-?%\}", self.text) is not None


def _with_texts(message: Message) -> Message:
    """Returns a message with the arguments of its calls as texts of JSON."""
    calls = []
    for call in message.get("tool_calls", ()):
        holder = call.get("function", call)
        given = holder.get("arguments")
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        holder = holder | {"arguments": text}
        calls.append(call | {"function": holder} if "function" in call else holder)
    return message | {"tool_calls": calls} if calls else message
