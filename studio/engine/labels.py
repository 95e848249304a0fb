"""The one place that decides what a row's tokens are and which of them carry loss.

The conversation is rendered by the chat template and tokenised once, as a whole; what is learned is decided by
position in the text, never by token id, so a padding token equal to the end token changes nothing.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from tokenizers import Encoding, Tokenizer

from studio.core.chat import to_example, with_system
from studio.core.config import DataSpec
from studio.core.errors import StudioError
from studio.core.objectives import asked
from studio.engine import layouts
from studio.engine.layouts import Layout
from studio.engine.limits import Renew, limited
from studio.engine.rendering import ChatTemplate, Message, Span
from studio.engine.templates import ALPACA, TEMPLATE_ERRORS, find_template, words


class Chunk(NamedTuple):
    """A part of a row that is fed as a sequence: its tokens [start, stop), of which those from `fresh` on are learned.

    One that does not begin the row is fed behind the tokenizer's own beginning, since every text begins so.
    """

    start: int
    stop: int
    fresh: int


@dataclass(frozen=True, slots=True)
class Chunking:
    """How a text of more than the maximum length is made into several sequences.

    Attributes:
        overlap: tokens a chunk repeats of the one before.
        train_overlap: whether they are learned again.
    """

    overlap: int = 0
    train_overlap: bool = False


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
        beginning: how many of the first tokens are the tokenizer's own beginning of a text.
        divisible: whether it is a plain text, which may be made into several sequences.
        chunks: what is fed: one sequence of the kept tokens, or several that together have all.
        partial: see `Layout.partial`.
    """

    text: str
    ids: list[int]
    trained: list[bool]
    special: list[bool]
    offsets: list[Span]
    kept: int
    beginning: int
    divisible: bool
    chunks: list[Chunk]
    partial: bool = False

    def sequences(self) -> Iterator[tuple[list[int], list[bool]]]:
        """Yields what the model is fed: the token ids and which of them carry loss, T each, of every chunk."""
        for start, stop, fresh in self.chunks:
            head = self.beginning if start else 0
            trained = [self.trained[place] and place >= fresh for place in range(start, stop)]
            trained = [False] * head + trained
            trained[:1] = [False] * len(trained[:1])
            yield self.ids[:head] + self.ids[start:stop], trained


@dataclass(frozen=True)
class Encoder:
    """Makes tokens and labels of rows, and the prompt's tokens for inference.

    Attributes:
        tokenizer: a transformers tokenizer that knows offsets.
        template: the chat template's Jinja text; None: plain text.
        objective: `pretraining` learns every token, all others are about the answers.
        max_length: tokens a row may have.
        chunking: how texts that are longer are made into several sequences; None: they are cut like other rows.
        system: the system's message of rows and of prompts that have none of their own.
    """

    tokenizer: Any
    template: str | None
    objective: str
    max_length: int
    chunking: Chunking | None = None
    system: str = ""

    def encode(self, data: dict[str, Any], row_format: str, worse: bool = False) -> Encoded:
        """Makes a row's tokens and labels.

        Args:
            data: the row's columns.
            row_format: how they are read.
            worse: of a row with two answers those of the worse one, instead of the better.

        Raises:
            StudioError: (data) the row is not usable, or the template refuses it or does not come to an end.
        """
        (encoded,) = self.encode_all([data], row_format, worse)
        if isinstance(encoded, str):
            hint = "Correct the row or leave it out."
            if "the thoughts" in encoded:
                hint = "Choose another model or chat template; without that field the answer alone is learned."
            elif "chat template" in encoded:
                hint = "Choose another model, or a chat template that lays it out, or leave the row out."
            elif "of this format" in encoded:
                hint = "Choose another format, or say which columns are the prompt and the answer."
            raise StudioError("data", f"The row cannot be used: {encoded}.", hint)
        return encoded

    def encode_all(self, rows: Sequence[dict[str, Any]], row_format: str, worse: bool = False) -> list[Encoded | str]:
        """Makes many rows' tokens and labels, on all the tokenizer's threads; in place of a bad row stands why.

        See `encode` for the arguments.

        Raises:
            StudioError: (data) the template does not come to an end, or takes all memory.
        """
        with limited() as renew:
            laid = [self._laid(data, row_format, renew, worse) for data in rows]
        texts = [item.text for item in laid if not isinstance(item, str)]
        encodings = iter(self._plain_tokenizer.encode_batch(texts, add_special_tokens=False))
        return [item if isinstance(item, str) else self._labelled(item, next(encodings)) for item in laid]

    def encode_pairs(self, rows: Sequence[dict[str, Any]]) -> list[tuple[Encoded, Encoded] | str]:
        """Makes the tokens and labels of rows with two answers, the better one first; see `encode_all`."""
        answers = (self.encode_all(rows, "preference", worse) for worse in (False, True))
        found: list[tuple[Encoded, Encoded] | str] = []
        for better, worse in zip(*answers, strict=True):
            if isinstance(better, str):
                found.append(better)
            else:
                found.append(worse if isinstance(worse, str) else (better, worse))
        return found

    def text(self, data: dict[str, Any], row_format: str, worse: bool = False) -> str | None:
        """Returns the text that a row's tokens are made of; None: it is not usable. See `encode`.

        Raises:
            StudioError: (data) the template does not come to an end, or takes all memory.
        """
        with limited() as renew:
            laid = self._laid(data, row_format, renew, worse)
        return None if isinstance(laid, str) else laid.text

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Returns the ids a model continues to answer, token for token those of training.

        Without a template the messages' texts stand as they are, an empty line between them. The system's message comes
        before messages that do not begin with one.

        Raises:
            StudioError: (data) the template refuses the messages.
        """
        if self.system and not (messages and messages[0]["role"] == "system"):
            messages = [{"role": "system", "content": self.system}, *messages]
        if self._chat is None:
            ids = self._plain_tokenizer.encode("\n\n".join(item["content"] for item in messages)).ids
            return [*self.beginning, *ids]
        try:
            with limited():
                text = self._chat.render(messages, prompted=True)
        except TEMPLATE_ERRORS as error:
            message = f"The chat template refuses this conversation: {words(error)}."
            raise StudioError("data", message, "Change the messages, or choose another chat template.") from None
        return list(self._plain_tokenizer.encode(text, add_special_tokens=False).ids)

    @cached_property
    def stop_ids(self) -> list[int]:
        """The ids that end an answer: the tokenizer's end token and those the template closes a turn with."""
        ids = [] if self.tokenizer.eos_token_id is None else [int(self.tokenizer.eos_token_id)]
        with limited():
            texts = [self._chat.closing, self._chat.closing_between] if self._chat else []
        for text in texts:
            ids += self._plain_tokenizer.encode(text, add_special_tokens=False).ids[-1:]
        return list(dict.fromkeys(ids))

    @property
    def special_texts(self) -> set[str]:
        """The texts that the tokenizer takes for one of its special tokens wherever they stand."""
        named = set(self.tokenizer.all_special_tokens)
        return named | {item.content for item in self._added.values() if item.special}

    def prompting(self, row_format: str) -> str | None:
        """Returns the template that lays a prompt out as this encoder does rows of a format; None: it stands as it is.

        A model without a template learns the layout of Alpaca's rows, and is asked in it from then on.
        """
        if self.template is not None or row_format != "alpaca":
            return self.template
        beginning = self.tokenizer.decode(self.beginning)
        return (f"{{{{ {json.dumps(beginning)} }}}}" if beginning else "") + ALPACA

    def prompts_as(self, other: "Encoder") -> bool:
        """Whether a prompt is laid out as by another encoder of the same tokenizer."""
        return (self.template, self.system) == (other.template, other.system)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything here that decides a row's tokens and labels."""
        tokenizer = [self._plain_tokenizer.to_str(), self.beginning, self.tokenizer.special_tokens_map]
        parts = [*tokenizer, self.template, self.objective, self.max_length]
        if self.chunking is not None:
            parts += [self.chunking.overlap, self.chunking.train_overlap]
        if self.system:
            parts.append({"system": self.system})
        return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()

    @property
    def chunks_advance(self) -> bool:
        """Whether every chunk has room for a new token besides its beginning and what it repeats."""
        return self.chunking is None or self.chunking.overlap + len(self.beginning) < self.max_length

    def _laid(self, data: dict[str, Any], row_format: str, renew: Renew, worse: bool = False) -> Layout | str:
        """Lays a row out as text; why it cannot be, instead."""
        try:
            example = to_example(with_system(data, self.system), row_format, worse)
            if self.system and not example.messages:
                return "a text has no place for the system prompt that data.system gives"
            if self._chat is not None and example.messages:
                renew(len(example.messages))
                whole = self.objective == "pretraining"
                return layouts.lay_out_whole(self._chat, example) if whole else layouts.lay_out(self._chat, example)
        except StudioError as error:
            return error.message
        except TEMPLATE_ERRORS as error:
            return f"the chat template refuses it: {words(error)}"
        if example.prompt is None:
            return "the model has no chat template to lay out messages; name one with data.chat_template"
        start = 0 if self.objective == "pretraining" else len(example.prompt)
        text = example.prompt + example.answer
        return Layout(text, [(start, len(text))], bare=True, end=True)

    def _labelled(self, laid: Layout, encoding: Encoding) -> Encoded:
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
            first = len(self.beginning)
            ids, offsets = [*self.beginning, *ids], [(0, 0)] * first + offsets
            trained = [False] * first + trained
        eos = self.tokenizer.eos_token_id
        if laid.end and eos is not None and ids[-1:] != [eos]:
            ids, offsets, trained = [*ids, eos], [*offsets, (len(laid.text),) * 2], [*trained, True]
        if trained:
            trained[0] = False
        special = [item in self._special_ids for item in ids]
        beginning = len(self.beginning) if laid.bare else 0
        # Answers that are compared stay whole.
        text = laid.bare and laid.spans == [(0, len(laid.text))] and not asked(self.objective).compares
        chunks = self._chunks(len(ids), beginning) if text else [Chunk(0, min(len(ids), self.max_length), 0)]
        kept = chunks[-1].stop
        return Encoded(laid.text, ids, trained, special, offsets, kept, beginning, text, chunks, laid.partial)

    def _chunks(self, count: int, beginning: int) -> list[Chunk]:
        """Cuts a text of `count` tokens, the beginning among them, into chunks."""
        chunks = [Chunk(0, min(count, self.max_length), 0)]
        while self.chunking is not None and (behind := chunks[-1].stop) < count:
            start = behind - self.chunking.overlap
            stop = min(start + self.max_length - beginning, count)
            chunks.append(Chunk(start, stop, start if self.chunking.train_overlap else behind))
        return chunks

    def _split(self, laid: Layout, ids: list[int], offsets: list[Span]) -> tuple[list[int], list[Span]]:
        """Parts tokens at the beginning of each answer where the prompt alone has other ones.

        Without this a token merged across that boundary would be learned in a place that inference never shows.
        """
        first, left = 0, 0
        for start, _ in laid.spans if not self._prefixes_space else ():
            count = bisect_left(offsets, start, key=itemgetter(0))
            # Added tokens part the text, so only what stands behind the last of them can merge.
            hard = next((i for i in range(count - 1, first - 1, -1) if self._is_border(ids, offsets, i)), None)
            if hard is not None:
                first, left = hard, offsets[hard][0]
            alone_ids, alone_offsets = self._prefix(laid.text[left:start], cached=hard is not None)
            if ids[first:count] != alone_ids or (count and offsets[count - 1][1] > start):
                rest = self._plain_tokenizer.encode(laid.text[start:], add_special_tokens=False)
                ids = ids[:first] + alone_ids + rest.ids
                offsets = [
                    *offsets[:first],
                    *((a + left, b + left) for a, b in alone_offsets),
                    *((a + start, b + start) for a, b in rest.offsets),
                ]
            # What is parted here stays parted for the answers behind.
            first, left = bisect_left(offsets, start, key=itemgetter(0)), start
        return ids, offsets

    def _is_border(self, ids: list[int], offsets: list[Span], at: int) -> bool:
        """Whether an added token stands there that parts the text; a byte that is one may be inside of a character."""
        return ids[at] in self._added and (not at or offsets[at - 1][1] <= offsets[at][0])

    def _prefix(self, text: str, cached: bool) -> tuple[list[int], list[Span]]:
        if text in self._headers:
            return self._headers[text]
        encoding = self._plain_tokenizer.encode(text, add_special_tokens=False)
        found = list(encoding.ids), list(encoding.offsets)
        if cached and len(self._headers) < 1000:
            self._headers[text] = found
        return found

    @cached_property
    def _headers(self) -> dict[str, tuple[list[int], list[Span]]]:
        return {}

    @cached_property
    def _plain_tokenizer(self) -> Tokenizer:
        """The tokenizer without its post-processor, which would trim spaces from the offsets."""
        plain = Tokenizer.from_str(self.tokenizer.backend_tokenizer.to_str())
        plain.post_processor = None
        plain.no_truncation()
        plain.no_padding()
        return plain

    @cached_property
    def _prefixes_space(self) -> bool:
        """Whether the tokenizer puts a space before a text's first word, so that a text cannot be parted."""
        return bool(self._plain_tokenizer.encode("a", add_special_tokens=False).tokens[:1] != ["a"])

    @cached_property
    def beginning(self) -> list[int]:
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

    @property
    def tells_tools(self) -> bool:
        """Whether the model is told of the tools that a row has."""
        return self._chat is not None and self._chat.tells_tools

    @cached_property
    def _chat(self) -> ChatTemplate | None:
        return None if self.template is None else ChatTemplate(self.template, self.tokenizer)


def make_encoder(tokenizer: Any, data: DataSpec, objective: str) -> Encoder:
    """Makes the encoder a run trains with.

    Raises:
        StudioError: (model) the tokenizer knows no offsets or no end token, or its template is broken;
            (config) the template file cannot be used, or chunks would repeat all they hold.
    """
    if not getattr(tokenizer, "is_fast", False):
        message = "The model's tokenizer cannot tell which token stands for which part of a text."
        raise StudioError("model", message, "Choose a model with a tokenizer.json file.")
    chunking = Chunking(data.chunk_overlap, data.train_overlap) if data.long_text == "chunks" else None
    template = find_template(tokenizer, data.chat_template)
    encoder = Encoder(tokenizer, template, objective, data.max_length, chunking, data.system.strip())
    if not encoder.stop_ids:
        message = "The model's tokenizer names no end token, so an answer could never be learned to end."
        raise StudioError("model", message, "Choose another model, or name `eos_token` in its tokenizer_config.json.")
    if chunking is not None and not encoder.chunks_advance:
        message = f"Chunks of {data.max_length} tokens cannot repeat {data.chunk_overlap} of them."
        raise StudioError("config", message, "Lower `data.chunk_overlap`, or raise `data.max_length`.")
    return encoder
