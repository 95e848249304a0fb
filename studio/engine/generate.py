"""Answers from a model: one as it is written, or those of a base and several adapters side by side."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from peft import PeftModel
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from studio.core.config import DataSpec
from studio.core.entry import TEMPLATE
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.engine import products
from studio.engine.columns import Rows, UnmixableError, reaches_beyond, refusals, side_by_side
from studio.engine.decoding import Writing, interruptible
from studio.engine.labels import Encoder, make_encoder
from studio.engine.model import context
from studio.engine.turns import Turns

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        max_new_tokens: the longest answer; the model's context may end it sooner.
        temperature: 0: always the likeliest token; 1: as the model says.
        top_p: only the likeliest tokens that make up this probability; 1: all.
        top_k: only this many of the likeliest tokens; 0: all.
        repetition_penalty: above 1: what was written already becomes less likely.
        seed: of the draws; the same seed gives the same answer on the same machine.
    """

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises StudioError (usage) for a value out of bounds."""
        for name, sound, bounds in (
            ("max_new_tokens", self.max_new_tokens >= 1, "at least 1"),
            ("temperature", 0 <= self.temperature <= 100, "0 to 100"),
            ("top_p", 0 < self.top_p <= 1, "above 0, at most 1"),
            ("top_k", self.top_k >= 0, "at least 0"),
            ("repetition_penalty", 0 < self.repetition_penalty <= 100, "above 0, at most 100"),
            ("seed", 0 <= self.seed < 2**63, "at least 0 and less than 2**63"),
        ):
            if not sound:
                raise StudioError("usage", f"{name} is {getattr(self, name)}.", f"It must be {bounds}.")


@dataclass(frozen=True, slots=True)
class Answer:
    """One column of a comparison.

    Attributes:
        adapter: whose answer it is, by its name in the model; None: the base's.
        tokens: how many were written, the end token not counted.
        seconds: of the writing alone; columns that are written at once share the time.
        cut: it was ended by the limit of tokens, not by the model.
    """

    adapter: str | None
    text: str
    tokens: int
    seconds: float
    cut: bool


def answer(
    model: PreTrainedModel | PeftModel,
    encoder: Encoder,
    messages: Messages,
    sampling: Sampling,
    on_text: Callable[[str], None] | None = None,
    turns: Turns | None = None,
) -> str:
    """Returns what `model`, with whichever adapter is active, writes behind `messages`.

    Args:
        model: on any device; its training mode is restored afterwards.
        encoder: the one of the training, so that the prompt is token for token what was trained.
        messages: `role` and `content` each, the user's last.
        sampling: how tokens are chosen; the global random state stays as it is.
        on_text: gets the text piece by piece, never half a character; an exception it raises ends the answer.
        turns: what earlier answers of this model have read; only what is new is read then.

    Raises:
        StudioError: (data) the conversation is longer than the model's context.
    """
    told = None if on_text is None else lambda column, text: on_text(text)
    return _write(model, encoder, [_prompt(encoder, messages)], sampling, on_text=told, turns=turns)[0].text


def compare(
    model: PreTrainedModel | PeftModel,
    encoder: Encoder,
    messages: Messages,
    adapters: Sequence[str | None],
    sampling: Sampling,
    own: Mapping[str, Encoder] | None = None,
    on_text: Callable[[int, str], None] | None = None,
    turns: Turns | None = None,
    check: Callable[[], None] | None = None,
) -> list[Answer]:
    """Returns the base's (None) and adapters' answers to the same conversation, in the order asked for.

    Columns that share a template and a system prompt are written in one pass where that computes the same
    (`columns.refusals`), else one after the other, and the log says why. A column is the same answer in company as
    alone, but for rounding.

    Args:
        model: the base, or the base with the named adapters loaded. An adapter that trained bias vectors
            changes the base itself and cannot be loaded beside another column.
        encoder: of every column but those in `own`.
        messages: `role` and `content` each, the user's last.
        adapters: their names in `model`.
        sampling: how tokens are chosen; each column draws from its own generator with the same seed.
        own: encoders of the adapters that were trained with another template or system prompt.
        on_text: gets (column, text) piece by piece, never half a character; an exception it raises ends them all.
        turns: what earlier answers of this model have read; only what is new is read then.
        check: called many times a token; an exception it raises ends them all.

    Raises:
        StudioError: (data) the conversation is longer than the model's context; (adapter) one cannot be compared.
    """
    told = None if on_text is None else lambda row, at, text: on_text(at, text)
    return compare_all(model, encoder, [messages], adapters, sampling, own, told, turns, check)[0]


def compare_all(
    model: PreTrainedModel | PeftModel,
    encoder: Encoder,
    conversations: Sequence[Messages],
    adapters: Sequence[str | None],
    sampling: Sampling,
    own: Mapping[str, Encoder] | None = None,
    on_text: Callable[[int, int, str], None] | None = None,
    turns: Turns | None = None,
    check: Callable[[], None] | None = None,
) -> list[list[Answer]]:
    """Returns the answers to several conversations, which are written at once; see `compare`, as which each is.

    Shorter prompts are padded on the left. One that leaves less room than an answer may take is written by itself.

    Args:
        model: as there.
        encoder: as there.
        conversations: each as the messages there.
        adapters: as there.
        sampling: as there.
        own: as there.
        on_text: gets (conversation, column, text).
        turns: what earlier answers have read; of use to one conversation alone.
        check: as there.
    """
    own = own or {}
    if isinstance(model, PeftModel):
        _check_bias(model, adapters)
    answers: dict[tuple[int, int], Answer] = {}
    alone = Turns() if turns is None or len(conversations) > 1 else turns

    def write(rows: list[int], group: list[int], used: Encoder, mixed: bool) -> None:
        places = [(row, at) for row in rows for at in group]
        names = [adapters[at] for _, at in places]
        batch = [prompts[row] for row, _ in places]
        told = None if on_text is None else lambda place, text: on_text(places[place][0], places[place][1], text)
        with interruptible(_bare(model), check), active(model, names, mixed) as kept:
            keep = None if kept is None else kept.keep
            found = _write(model, used, batch, sampling, columns=names, on_text=told, turns=alone, on_kept=keep)
        answers.update(zip(places, found, strict=True))

    for group, mixed in _groups(model, adapters, own):
        name = adapters[group[0]]
        used = encoder if name is None else own.get(name, encoder)
        prompts = [_prompt(used, messages) for messages in conversations]
        for rows in _batches(model, prompts, sampling):
            try:
                write(rows, group, used, mixed)
            except UnmixableError as why:
                print(f"Columns are written one after the other: {why}.", file=sys.stderr)
                for at in group:
                    write(rows, [at], used, False)
    return [[answers[row, at] for at in range(len(adapters))] for row in range(len(conversations))]


def _batches(model: PreTrainedModel | PeftModel, prompts: Sequence[list[int]], sampling: Sampling) -> list[list[int]]:
    """Returns which prompts are written at once: those behind which an answer of any length has room."""
    about = context(model.config)
    limit = min((bound for bound in (about.limit, about.original) if bound is not None), default=2**31)
    roomy = [at for at, prompt in enumerate(prompts) if len(prompt) + sampling.max_new_tokens <= limit]
    return [*([roomy] if roomy else []), *([at] for at in range(len(prompts)) if at not in roomy)]


def encoder_for(tokenizer: PreTrainedTokenizerBase, entry: Entry | None = None) -> Encoder:
    """Returns the encoder to prompt a base with, or an adapter as it was trained: by the template kept beside it.

    It is asked with the system prompt that it learned with, where a conversation has none.

    Raises:
        StudioError: (config), (model) the template or the tokenizer cannot be used.
    """
    settings = entry.config if entry else {}
    kept = entry.folder / TEMPLATE if entry else None
    choice = settings.get("data", {}).get("chat_template", "auto")
    if kept and kept.is_file():
        choice = str(kept)
    elif choice != "none":
        choice = "auto"
    objective = settings.get("training", {}).get("objective", "sft")
    data = DataSpec(path="-", chat_template=choice, system=entry.system if entry else "")
    return make_encoder(tokenizer, data, objective)


def stop_ids(model: PreTrainedModel | PeftModel, encoder: Encoder) -> list[int]:
    """Returns the tokens that end an answer: those of the model's own file and those that training ends it with."""
    return sorted({*encoder.stop_ids, *_listed(model)})


def missed_stop_ids(model: PreTrainedModel | PeftModel, encoder: Encoder) -> int | list[int] | None:
    """Returns the `eos_token_id` by which other programs end answers where this one does; None: the model's own."""
    stops = stop_ids(model, encoder)
    if {*stops} == {*_listed(model)}:
        return None
    return stops if len(stops) > 1 else stops[0]


class _Pieces:
    """Hands on the text of one answer as it grows."""

    def __init__(self, encoder: Encoder, stops: Sequence[int], on_text: Callable[[str], None]) -> None:
        self._tokenizer, self._stops, self._on_text = encoder.tokenizer, stops, on_text
        self._ids: list[int] = []
        self._said = 0

    def put(self, token: int) -> None:
        """Takes the next token."""
        if token not in self._stops:
            self._ids.append(token)
        # A character's first bytes decode to replacement characters until its last byte is there.
        self._say(_decode(self._tokenizer, self._ids).rstrip("\ufffd"))

    def end(self) -> None:
        """Says what was held back."""
        self._say(_decode(self._tokenizer, self._ids))

    def _say(self, text: str) -> None:
        if len(text) > self._said:
            self._on_text(text[self._said :])
            self._said = len(text)


def _prompt(encoder: Encoder, messages: Messages) -> list[int]:
    prompt = encoder.prompt([dict(message) for message in messages])
    if not prompt:
        raise StudioError("data", "The model reads nothing of this question: it has no tokens.", "Write some words.")
    return prompt


def _write(
    model: PreTrainedModel | PeftModel,
    encoder: Encoder,
    prompts: Sequence[list[int]],
    sampling: Sampling,
    *,
    columns: Sequence[str | None] = (None,),
    on_text: Callable[[int, str], None] | None = None,
    turns: Turns | None = None,
    on_kept: Callable[[torch.Tensor], None] | None = None,
) -> list[Answer]:
    """Generates an answer of each of `columns` to its prompt, in one batch, by whatever adapters are active."""
    longest = max(map(len, prompts))
    room = min(sampling.max_new_tokens, _room(model, longest))
    stops = stop_ids(model, encoder)
    config = _generation_config(sampling, room, stops, encoder)
    pad = config.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts], device=model.device)
    lengths = torch.tensor(list(map(len, prompts)), device=model.device)
    mask = (torch.arange(longest, device=model.device) >= longest - lengths[:, None]).long()
    turns, key = turns or Turns(), tuple(columns)
    pieces = [_Pieces(encoder, stops, partial(on_text, at)) for at in range(len(columns))] if on_text else []
    writing = Writing(
        len(columns),
        sampling.seed,
        model.device,
        on_token=lambda at, token: pieces[at].put(token) if pieces else None,
        on_kept=on_kept,
    )
    cache = turns.take(key, ids)
    with still(model), _unled(_bare(model)):
        _bare(model).generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=config,
            custom_generate=writing.loop,
            **({} if cache is None else {"past_key_values": cache}),
        )
    for row in pieces:
        row.end()
    if writing.read is not None:
        turns.keep(key, *writing.read)
    return [
        Answer(name, _decode(encoder.tokenizer, row.ids), len(row.ids), row.seconds, cut=not row.ended)
        for name, row in zip(columns, writing.rows, strict=True)
    ]


def _groups(
    model: PreTrainedModel | PeftModel, adapters: Sequence[str | None], own: Mapping[str, Encoder]
) -> list[tuple[list[int], bool]]:
    """Returns which columns are written at once, and whether each row of theirs gets its own adapter."""
    if not isinstance(model, PeftModel):
        return [([at], False) for at in range(len(adapters))]
    reasons = refusals(model, [*{name for name in adapters if name is not None}])
    together: dict[int, list[int]] = {}
    alone = []
    for at, name in enumerate(adapters):
        if name in reasons:
            alone.append(([at], False))
            if len(adapters) > 1:
                print(f"A column is written by itself: {reasons[name]}.", file=sys.stderr)
        else:
            together.setdefault(id(own.get(name)) if name else id(None), []).append(at)
    return [*((group, True) for group in together.values()), *alone]


def _generation_config(sampling: Sampling, room: int, stops: Sequence[int], encoder: Encoder) -> GenerationConfig:
    pad = encoder.tokenizer.pad_token_id
    draws = sampling.temperature > 0
    return GenerationConfig(
        max_new_tokens=room,
        do_sample=draws,
        temperature=sampling.temperature if draws else 1.0,
        top_p=sampling.top_p if draws else 1.0,
        top_k=sampling.top_k if draws else 50,  # 50: the library's default, which it ignores without a draw
        repetition_penalty=sampling.repetition_penalty,
        eos_token_id=list(stops),
        pad_token_id=stops[0] if pad is None else pad,
    )


def _listed(model: PreTrainedModel | PeftModel) -> list[int]:
    listed = getattr(model.generation_config, "eos_token_id", None)
    return [listed] if isinstance(listed, int) else list(listed or ())


def _decode(tokenizer: Any, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _room(model: PreTrainedModel | PeftModel, prompt: int) -> int:
    """Returns how many tokens fit behind a prompt of so many."""
    limit = context(model.config).limit
    if limit is None:
        return 2**31
    if prompt >= limit:
        raise StudioError(
            "data",
            f"The conversation has {prompt} tokens, but this model reads at most {limit}.",
            "Shorten it, or start a new one.",
        )
    return limit - prompt


@contextmanager
def still(model: torch.nn.Module) -> Iterator[None]:
    """Switches dropout off, and has products computed as nothing but answers allows, for as long as it lasts."""
    training = model.training
    model.eval()
    try:
        with products.answering(model):
            yield
    finally:
        model.train(training)


@contextmanager
def _unled(bare: Any) -> Iterator[None]:
    """Sets the model's own file aside for as long as it lasts: what is not asked for would come from there."""
    own, bare.generation_config = bare.generation_config, GenerationConfig()
    try:
        yield
    finally:
        bare.generation_config = own


def _bare(model: PreTrainedModel | PeftModel) -> Any:
    """Returns the model itself; its LoRA layers are within."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


@contextmanager
def active(model: PreTrainedModel | PeftModel, names: Sequence[str | None], mixed: bool) -> Iterator[Rows | None]:
    """Makes each row of a batch use its own adapter, or all of them the first name's."""
    if not isinstance(model, PeftModel):
        yield None
    elif not mixed:
        with _only(model, names[0]):
            yield None
    else:
        # An adapter that takes no part may be active in parts of the model that are not LoRA layers.
        without = _only(model, None) if reaches_beyond(model) else nullcontext()
        with without, side_by_side(model, names) as rows:
            yield rows


@contextmanager
def _only(model: PeftModel, name: str | None) -> Iterator[None]:
    """Makes this adapter the active one, or none of them, for as long as it lasts."""
    before = model.active_adapter
    # Switching adapters also switches which parameters are trained.
    trained = [parameter.requires_grad for parameter in model.parameters()]
    try:
        if name is None:
            with model.disable_adapter():
                yield
        else:
            model.set_adapter(name)
            yield
    finally:
        model.set_adapter(before)
        for parameter, requires_grad in zip(model.parameters(), trained, strict=True):
            parameter.requires_grad_(requires_grad)


def _check_bias(model: PeftModel, adapters: Sequence[str | None]) -> None:
    for name in adapters:
        if name is not None and name not in model.peft_config:
            raise StudioError("adapter", f"The adapter {name} is not loaded.", "Load it before it is compared.")
        if name is not None and getattr(model.peft_config[name], "bias", "none") != "none" and len(adapters) > 1:
            # PEFT writes such biases into the base's own layers; switching the adapter off leaves them there.
            raise StudioError(
                "adapter",
                f"The adapter {name} trained bias vectors, which change the base model itself.",
                "Compare it in a model of its own.",
            )
