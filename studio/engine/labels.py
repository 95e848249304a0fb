"""The one place that decides what a row's tokens are and which of them carry loss.

The conversation is rendered by the chat template and tokenised once, as a whole; what is learned is decided by
position in the text, never by token id, so a padding token equal to the end token changes nothing.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from tokenizers import Encoding, Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

from studio.core.chat import Example, to_example
from studio.core.config import DataSpec
from studio.core.errors import StudioError

# What a template can raise besides its own errors when a message is not what it expects.
_TEMPLATE_ERRORS = (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)
_MAX_TEMPLATE_BYTES = 1_000_000

Message = dict[str, str]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as tokens.

    Attributes:
        text: what was tokenised; a token added outside of it has an empty span.
        ids: token ids, T of them.
        trained: whether a token carries loss; T. The first never does: nothing stands before it.
        special: whether it is one of the tokenizer's special tokens; T.
        offsets: where it stands in `text`, [start, end) in characters; T.
        kept: how many tokens `max_length` leaves; those behind are cut.
    """

    text: str
    ids: list[int]
    trained: list[bool]
    special: list[bool]
    offsets: list[Span]
    kept: int


@dataclass(frozen=True, slots=True)
class _Laid:
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
class Encoder:
    """Makes tokens and labels of rows, and the prompt's tokens for inference.

    Attributes:
        tokenizer: a transformers tokenizer that knows offsets.
        template: the chat template's Jinja text; None: plain text.
        objective: `sft` learns the answers, `pretraining` every token.
        max_length: tokens a row may have.
    """

    tokenizer: Any
    template: str | None
    objective: str
    max_length: int

    def encode(self, data: dict[str, Any], row_format: str) -> Encoded:
        """Makes a row's tokens and labels.

        Raises:
            StudioError: (data) the row is not usable, or the template refuses it.
        """
        (encoded,) = self.encode_all([data], row_format)
        if isinstance(encoded, str):
            raise StudioError("data", f"The row cannot be used: {encoded}.", "Correct the row or leave it out.")
        return encoded

    def encode_all(self, rows: Sequence[dict[str, Any]], row_format: str) -> list[Encoded | str]:
        """Makes many rows' tokens and labels, on all the tokenizer's threads; in place of a bad row stands why."""
        laid = [self._laid(data, row_format) for data in rows]
        texts = [item.text for item in laid if not isinstance(item, str)]
        encodings = iter(self._plain_tokenizer.encode_batch(texts, add_special_tokens=False))
        return [item if isinstance(item, str) else self._labelled(item, next(encodings)) for item in laid]

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Returns the ids a model continues to answer, token for token those of training.

        Without a template the messages' texts stand as they are, an empty line between them.

        Raises:
            StudioError: (data) the template refuses the messages.
        """
        if self.template is None:
            ids = self._plain_tokenizer.encode("\n\n".join(item["content"] for item in messages)).ids
            return [*self._beginning, *ids]
        try:
            text = self._render(messages, prompted=True)
        except _TEMPLATE_ERRORS as error:
            message = f"The chat template refuses this conversation: {_words(error)}."
            raise StudioError("data", message, "Change the messages, or choose another chat template.") from None
        return list(self._plain_tokenizer.encode(text, add_special_tokens=False).ids)

    @cached_property
    def stop_ids(self) -> list[int]:
        """The ids that end an answer: the tokenizer's end token and the one the template closes a turn with."""
        ids = [] if self.tokenizer.eos_token_id is None else [int(self.tokenizer.eos_token_id)]
        closing = self._plain_tokenizer.encode(self._closing, add_special_tokens=False).ids
        return list(dict.fromkeys(ids + closing[-1:]))

    def _laid(self, data: dict[str, Any], row_format: str) -> _Laid | str:
        """Lays a row out as text; why it cannot be, instead."""
        try:
            example = to_example(data, row_format)
            if self.template is not None and example.messages:
                return self._conversation(example)
        except StudioError as error:
            return error.message
        except _TEMPLATE_ERRORS as error:
            return f"the chat template refuses it: {_words(error)}"
        if example.prompt is None:
            return "the model has no chat template to lay out messages; name one with data.chat_template"
        start = len(example.prompt) if self.objective == "sft" else 0
        text = example.prompt + example.answer
        return _Laid(text, [(start, len(text))], bare=True, end=True)

    def _conversation(self, example: Example) -> _Laid:
        messages = example.messages
        text, spans = self._rendered(messages)
        if self.objective == "pretraining":
            return _Laid(text, [(0, len(text))], bare=False, end=not self._ends_closed(text))
        answers = [index for index, item in enumerate(messages) if item["role"] == "assistant"]
        marked = len(spans) == len(answers) and all(
            messages[index]["content"].strip() in text[slice(*span)] for span, index in zip(spans, answers, strict=True)
        )
        if not marked:
            # No markers, markers that do not follow the messages, or an answer rewritten or left out.
            spans = [self._span(messages, index, text) for index in answers]
        # The closing token is learned too, or the model would never learn to stop.
        spans = [(a, b + len(self._closing) * text.startswith(self._closing, b)) for a, b in spans]
        end = example.trained[-1] and not self._ends_closed(text[: spans[-1][1]])
        if end:
            # The tokenizer's end token stands in for it, right behind whatever else the template writes there.
            start, stop = spans[-1]
            text = text if text[stop:].strip() else text[:stop]
            spans[-1] = start, len(text)
        trained = [span for span, index in zip(spans, answers, strict=True) if example.trained[index]]
        return _Laid(text, trained, bare=False, end=end)

    def _ends_closed(self, text: str) -> bool:
        ends = (self._closing.strip(), self._tail.strip())
        return bool(self._closing) and text.rstrip().endswith(ends)

    def _span(self, messages: list[Message], index: int, text: str) -> Span:
        """Finds an answer in the rendered conversation.

        It begins where the prompt for it ends, so that what inference is given and what is learned meet; where the
        template renders that prompt in another way inside a conversation, it begins with its content.
        """
        content = messages[index]["content"]
        try:
            prompt = self._render(messages[:index], prompted=True) if index else ""
        except _TEMPLATE_ERRORS:
            prompt = ""
        if prompt and index == len(messages) - 1 and text == f"{prompt}{content}{self._tail}":
            return len(prompt), len(prompt) + len(content)
        mark = _unused(messages)
        probe = self._render([*messages[:index], messages[index] | {"content": mark}, *messages[index + 1 :]])
        before, found, after = probe.partition(mark)
        if not found:
            raise TemplateError("it leaves out an answer")
        start, stop = _common(text, before), len(text) - _common(text[::-1], after[::-1])
        if prompt and text.startswith(prompt) and len(prompt) <= stop:
            start = len(prompt)
        return min(start, stop), stop

    @cached_property
    def _tail(self) -> str:
        """What the template writes behind the last answer of a conversation."""
        asked, answered = {"role": "user", "content": "a"}, {"role": "assistant", "content": "\ue000"}
        for messages in ([asked, answered], [{"role": "system", "content": "a"}, asked, answered]):
            try:
                return self._render(messages).partition("\ue000")[2]
            except _TEMPLATE_ERRORS:
                continue
        return ""

    @cached_property
    def _closing(self) -> str:
        """What closes an answer: the tail up to its first special token; empty where there is none."""
        if self.template is None:
            return ""
        specials = set(self.tokenizer.all_special_tokens)
        added = sorted((item.content for item in self._added.values() if item.content.strip()), key=len, reverse=True)
        for known in ([word for word in added if word in specials], added):
            found = re.search("|".join(map(re.escape, known)), self._tail) if known else None
            if found:
                return self._tail[: found.end()]
        return ""

    def _render(self, messages: Sequence[Message], prompted: bool = False) -> str:
        return self._rendered(messages, prompted)[0]

    def _rendered(self, messages: Sequence[Message], prompted: bool = False) -> tuple[str, list[Span]]:
        """Renders a conversation; with it where the template's generation markers stand."""
        marked = self._has_markers
        texts, blocks = render_jinja_template(
            conversations=[list(messages)],
            chat_template=self.template,
            return_assistant_tokens_mask=marked,
            add_generation_prompt=prompted,
            **self.tokenizer.special_tokens_map,
        )
        return texts[0], list(blocks[0]) if marked else []

    def _labelled(self, laid: _Laid, encoding: Encoding) -> Encoded:
        ids, offsets = self._split(laid, list(encoding.ids), list(encoding.offsets))
        trained = [False] * len(ids)
        for start, stop in laid.spans:
            first, last = (bisect_left(offsets, position, key=itemgetter(0)) for position in (start, stop))
            # A token merged across the beginning that could not be parted is learned, unless it is one that
            # swallows the spaces behind it.
            while first and offsets[first - 1][1] > start and ids[first - 1] not in self._added:
                first -= 1
            trained[first:last] = [True] * (last - first)
        if laid.bare:
            first = len(self._beginning)
            ids, offsets = [*self._beginning, *ids], [(0, 0)] * first + offsets
            trained = [False] * first + trained
        eos = self.tokenizer.eos_token_id
        if laid.end and eos is not None and ids[-1:] != [eos]:
            ids, offsets, trained = [*ids, eos], [*offsets, (len(laid.text),) * 2], [*trained, True]
        if trained:
            trained[0] = False
        special = [item in self._special_ids for item in ids]
        return Encoded(laid.text, ids, trained, special, offsets, min(len(ids), self.max_length))

    def _split(self, laid: _Laid, ids: list[int], offsets: list[Span]) -> tuple[list[int], list[Span]]:
        """Parts tokens at the beginning of each answer where the prompt alone has other ones.

        Without this a token merged across that boundary would be learned in a place that inference never shows.
        """
        for start, _ in laid.spans:
            count = bisect_left(offsets, start, key=itemgetter(0))
            if count == 0 or self._prefixes_space:
                continue
            # Added tokens part the text, so only what stands behind the last of them can merge.
            hard = next((i for i in range(count - 1, -1, -1) if ids[i] in self._added), -1)
            left = offsets[hard][0] if hard >= 0 else 0
            alone = self._prefix(laid.text[left:start], cached=hard >= 0)
            first = max(hard, 0)
            if ids[first:count] != alone[0] or offsets[count - 1][1] > start:
                rest = self._plain_tokenizer.encode(laid.text[start:], add_special_tokens=False)
                ids = ids[:first] + alone[0] + rest.ids
                offsets = [
                    *offsets[:first],
                    *((a + left, b + left) for a, b in alone[1]),
                    *((a + start, b + start) for a, b in rest.offsets),
                ]
        return ids, offsets

    def _prefix(self, text: str, cached: bool) -> tuple[list[int], list[Span]]:
        if text in self._headers:
            return self._headers[text]
        encoding = self._plain_tokenizer.encode(text, add_special_tokens=False)
        found = list(encoding.ids), list(encoding.offsets)
        if cached and len(self._headers) < 1000:
            self._headers[text] = found
        return found

    @cached_property
    def _has_markers(self) -> bool:
        return re.search(r"\{%-?\s*generation\s*-?%\}", self.template or "") is not None

    @cached_property
    def _headers(self) -> dict[str, tuple[list[int], list[Span]]]:
        return {}

    @cached_property
    def _plain_tokenizer(self) -> Tokenizer:
        """The tokenizer without its post-processor, which would trim spaces from the offsets."""
        state = json.loads(self.tokenizer.backend_tokenizer.to_str())
        return Tokenizer.from_str(json.dumps(state | {"post_processor": None, "truncation": None, "padding": None}))

    @cached_property
    def _prefixes_space(self) -> bool:
        """Whether the tokenizer puts a space before a text's first word, so that a text cannot be parted."""
        return bool(self._plain_tokenizer.encode("a", add_special_tokens=False).tokens[:1] != ["a"])

    @cached_property
    def _beginning(self) -> list[int]:
        """The ids the tokenizer itself puts before a plain text."""
        alone = self._plain_tokenizer.encode("a", add_special_tokens=False).ids
        whole = list(self.tokenizer("a").input_ids)
        return next((whole[:n] for n in range(len(whole)) if whole[n : n + len(alone)] == alone), [])

    @cached_property
    def _added(self) -> dict[int, Any]:
        return dict(self.tokenizer.added_tokens_decoder)

    @cached_property
    def _special_ids(self) -> set[int]:
        return set(self.tokenizer.all_special_ids) | {key for key, item in self._added.items() if item.special}


def make_encoder(tokenizer: Any, data: DataSpec, objective: str) -> Encoder:
    """Makes the encoder a run trains with.

    Raises:
        StudioError: (model) the tokenizer knows no offsets or no end token, or its template is broken;
            (config) the template file cannot be used.
    """
    if not getattr(tokenizer, "is_fast", False):
        message = "The model's tokenizer cannot tell which token stands for which part of a text."
        raise StudioError("model", message, "Choose a model with a tokenizer.json file.")
    encoder = Encoder(tokenizer, _template(tokenizer, data.chat_template), objective, data.max_length)
    if not encoder.stop_ids:
        message = "The model's tokenizer names no end token, so an answer could never be learned to end."
        raise StudioError("model", message, "Choose another model, or name `eos_token` in its tokenizer_config.json.")
    return encoder


def _template(tokenizer: Any, choice: str) -> str | None:
    if choice == "none":
        return None
    if choice == "auto":
        if not tokenizer.chat_template:
            return None
        try:
            return _compiled(str(tokenizer.get_chat_template()))
        except (TemplateError, ValueError) as error:
            message = f"The model's chat template cannot be used: {_words(error)}."
            raise StudioError("model", message, "Name a Jinja file with data.chat_template.") from None
    path = Path(choice)
    try:
        if path.stat().st_size > _MAX_TEMPLATE_BYTES:
            raise StudioError("config", f"{path.name} is larger than 1 MB.", "A chat template is a short Jinja file.")
        return _compiled(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        message = f"The chat template {path} cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        message = f"The chat template {path} is not UTF-8 text."
    except TemplateError as error:
        message = f"The chat template {path.name} is not valid: {_words(error)}."
    raise StudioError("config", message, "Set data.chat_template to `auto`, `none` or a Jinja file.")


def _compiled(template: str) -> str:
    """Returns `template` once it has been compiled."""
    render_jinja_template(conversations=[], chat_template=template)
    return template


def _common(text: str, other: str) -> int:
    """Returns how many characters both begin with."""
    if text.startswith(other):
        return len(other)
    return next(index for index, (a, b) in enumerate(zip(text + "\0", other, strict=False)) if a != b)


def _unused(messages: Sequence[Message]) -> str:
    """Returns a private-use character that stands in no message."""
    written = "".join(value for item in messages for value in item.values())
    return next(mark for mark in map(chr, range(0xE000, 0xF8FF)) if mark not in written)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
