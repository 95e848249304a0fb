"""The base model a process holds for answering, with the adapters loaded beside it, and models trained whole."""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from studio.core import desk, library, strengths
from studio.core.config import ModelSpec
from studio.core.entry import MODEL_CONFIG, weights_files
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.engine import adapters, bases, experts, generate, hardware, hub, model, scoring, weights
from studio.engine.labels import Encoded, Encoder
from studio.engine.turns import Turns

# Adapters beside the base; beyond it the base is loaded afresh rather than growing for ever.
_MOST_ADAPTERS = 16
# Free memory that it takes to hold another model beside one, in parts of its weights: answers need some too.
_ROOM = 1.5

_Identity = tuple[Path, int]
OnProgress = Callable[[desk.PhaseName, int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request needs: the base, how it is held in memory, and each column's adapter (None: the base itself).

    Attributes:
        strengths: how strongly each column's adapter acts.
        wholes: of the columns that are models by themselves, how each is held.
    """

    folder: Path
    spec: ModelSpec
    entries: list[Entry | None]
    strengths: list[float]
    wholes: dict[int, ModelSpec]

    def source(self, at: int) -> tuple[Path, ModelSpec]:
        """Returns the folder of the weights that column `at` is computed with, and how they are held."""
        entry = self.entries[at]
        if entry is None or at not in self.wholes:
            return self.folder, self.spec
        return entry.folder, self.wholes[at]

    def sources(self) -> list[tuple[Path, ModelSpec]]:
        """Returns `source` of all columns."""
        return [self.source(at) for at in range(len(self.entries))]


@dataclass(slots=True)
class _Held:
    """A base with the adapters beside it, or a model that is a column by itself; without its weights at first."""

    folder: Path
    spec: ModelSpec
    model: Any = None
    tokenizer: Any = None
    names: dict[_Identity, str] = field(default_factory=dict)
    reaches: dict[_Identity, bases.Reach] = field(default_factory=dict)
    encoders: dict[_Identity | None, Encoder] = field(default_factory=dict)
    strengths: dict[str, float] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)

    def clear(self) -> None:
        """Lets go of the weights, and of all that is of use with them alone."""
        self.model, self.names, self.reaches, self.strengths, self.turns = None, {}, {}, {}, Turns()


class Loaded:
    """A base and its adapters, kept from one answer to the next; beside them models that are columns by themselves.

    Each column is computed with its own weights alone. Those of several models are held at once if there is room, else
    one of them at a time. A request for others, or for an adapter that cannot share the base, frees what was there.
    """

    def __init__(self) -> None:
        """Starts with nothing loaded."""
        self._all: dict[Any, _Held] = {}
        self._now: _Held | None = None  # that answers

    def drop(self) -> None:
        """Frees the base and every adapter."""
        self._all, self._now = {}, None
        _collect()

    def find(self, request: desk.Answer | desk.Score | desk.Evaluate, on_progress: OnProgress) -> Wanted:
        """Finds the adapters and the base that `request` names, and loads neither.

        Raises:
            StudioError: (adapter), (model), (network), (usage) one cannot be found or combined, or be made weaker.
        """
        entries = [None if name is None else self._verified(library.located(name)) for name in request.adapters]
        folder = _folder(request, entries, on_progress)
        named = [entry for entry in entries if entry]
        strengths = _strengths(request, entries)

        def held(of: list[Entry]) -> ModelSpec:
            spec = library.shared_spec(library.model_specs(of))
            return replace(spec, quantization=request.quantization or spec.quantization)

        wholes = {at: held([entry]) for at, entry in enumerate(entries) if entry and entry.is_model}
        return Wanted(folder, held(named), entries, strengths, wholes)

    def check(self, wanted: Wanted, messages: list[dict[str, str]]) -> None:
        """Lays the conversation out for every column.

        Raises:
            StudioError: (data) a template refuses it; (config), (model) there is none to use.
        """
        encoders = [self._encoder(wanted, at) for at in range(len(wanted.entries))]
        for encoder in {id(item): item for item in encoders}.values():
            encoder.prompt(messages)

    def require_same_tokens(self, wanted: Wanted) -> None:
        """Sees to it that a text that is split into tokens for the base means the same to every column.

        Raises:
            StudioError: (model) a model that is a column by itself has other tokens; (adapter) as `find`.
        """
        known: dict[str, int] | None = None
        for at in wanted.wholes:
            entry = wanted.entries[at]
            assert entry is not None
            known = known or self._tokenizer(self._held(wanted.folder, wanted.spec)).get_vocab()
            if self._tokenizer(self._held(*wanted.source(at))).get_vocab() != known:
                message = f"{entry.title} has other tokens than those of {wanted.folder.name}."
                hint = "Compare their answers instead; losses of other tokens are not comparable."
                raise StudioError("model", message, hint)

    def answer(
        self,
        wanted: Wanted,
        messages: list[dict[str, str]],
        sampling: generate.Sampling,
        on_progress: OnProgress,
        on_piece: Callable[[int, str], None],
        check: Callable[[], None] | None = None,
    ) -> list[generate.Answer]:
        """Answers a conversation, each column's text in pieces as it is written.

        Args:
            wanted: what `find` returned last.
            messages: `role` and `content` each, the user's last.
            sampling: how tokens are chosen.
            on_progress: told what is being done.
            on_piece: told (column, text); an exception it raises ends the answers.
            check: called many times a token; an exception it raises ends the answers.

        Raises:
            StudioError: (adapter) one does not fit this base; (data) the conversation is too long for the model.
        """
        found: dict[int, generate.Answer] = {}
        for group, chosen in self.groups(wanted, on_progress):
            on_progress("answering", 0, 0)
            (answers,) = self.compare(wanted, group, chosen, [messages], sampling, on_piece, check)
            found |= zip(group, answers, strict=True)
        return [found[at] for at in range(len(wanted.entries))]

    def score(
        self,
        wanted: Wanted,
        encoded: Encoded,
        on_progress: OnProgress,
        check: Callable[[], None] | None = None,
    ) -> list[scoring.Scored]:
        """Returns what each column makes of every token of a row; see `scoring.score`.

        Args:
            wanted: what `find` returned last.
            encoded: the row.
            on_progress: told what is being done; `scoring` counts the tokens of all columns.
            check: called many times a column; an exception it raises ends it.

        Raises:
            StudioError: (adapter) one does not fit this base.
        """
        found: dict[int, scoring.Scored] = {}
        for group, names in self.groups(wanted, on_progress):
            for at, name in zip(group, names, strict=True):

                def told(done: int, count: int) -> None:
                    on_progress("scoring", len(found) * count + done, len(wanted.entries) * count)

                told(0, len(encoded.ids))
                with generate.active(self._current.model, [name], mixed=False):
                    found[at] = scoring.score(self._current.model, encoded, told, check)
        return [found[at] for at in range(len(wanted.entries))]

    def summed(
        self,
        name: str | None,
        sequences: Iterable[tuple[NDArray[np.int32], NDArray[np.bool_]]],
        check: Callable[[], None] | None = None,
    ) -> list[float]:
        """Returns the losses of sequences, each the tokens that are fed and which are learned; see `scoring.summed`.

        Args:
            name: the column's, as `groups` has it.
            sequences: what is fed.
            check: called many times a sequence; an exception it raises ends it.
        """
        with generate.active(self._current.model, [name], mixed=False):
            return [scoring.summed(self._current.model, ids, trained, check) for ids, trained in sequences]

    def groups(
        self, wanted: Wanted, on_progress: OnProgress, asked: Collection[int] | None = None
    ) -> Iterator[tuple[list[int], list[str | None]]]:
        """Yields the places of columns that can be on one base, and their names in the model, which has them then.

        Those of weights that are loaded already come first.

        Args:
            wanted: what `find` returned last.
            on_progress: told what is being done.
            asked: the columns that are asked for; None: all.

        Raises:
            StudioError: (model), (adapter), (memory) weights cannot be loaded.
        """
        self._keep(wanted)
        columns = [bases.reach(entry.folder if entry else None) for entry in wanted.entries]
        groups = [[at for at in group if asked is None or at in asked] for group in bases.groups(columns)]
        groups = sorted(filter(None, groups), key=lambda group: self._held(*wanted.source(group[0])).model is None)
        for group in groups:
            held = self._now = self._held(*wanted.source(group[0]))
            if held.model is None or not self._has_room(wanted, group, columns):
                self._load(held, on_progress)
            names = [self._name(wanted.entries[at], columns[at], on_progress) for at in group]
            for at, name in zip(group, names, strict=True):
                self._set_strength(name, wanted.strengths[at])
            yield group, names

    def _set_strength(self, name: str | None, strength: float) -> None:
        """Has an adapter act so strongly; what was read with another strength is read anew."""
        held = self._current
        if name is not None and held.strengths.get(name, 1.0) != strength:
            adapters.set_strength(held.model, name, strength)
            held.strengths[name] = strength
            held.turns = Turns()

    def _has_room(self, wanted: Wanted, group: list[int], columns: list[bases.Reach]) -> bool:
        """Whether a group of columns can share the base with the other adapters that are on it."""
        if group[0] in wanted.wholes:
            # It is the base of what is beside it, if anything is: an answer of its own has those switched off.
            return not any(other.biased for other in self._current.reaches.values())
        asked = {_identity(entry) for at in group if (entry := wanted.entries[at]) and not entry.is_model}
        if len(asked | self._current.names.keys()) > _MOST_ADAPTERS:
            return False
        others = [reach for identity, reach in self._current.reaches.items() if identity not in asked]
        return all(bases.shareable(columns[at], other) for at in group for other in others)

    def compare(
        self,
        wanted: Wanted,
        group: list[int],
        names: list[str | None],
        conversations: Sequence[list[dict[str, str]]],
        sampling: generate.Sampling,
        on_piece: Callable[[int, str], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> list[list[generate.Answer]]:
        """Answers conversations by a group of columns, as `groups` has them; else as `answer` does.

        Args:
            wanted: what `find` returned last.
            group: the columns.
            names: theirs in the model.
            conversations: written at once.
            sampling: how tokens are chosen.
            on_piece: told (column, text) of all conversations.
            check: called many times a token; an exception it raises ends the answers.

        Returns:
            Of each conversation the columns' answers.
        """
        base = self._current
        plain = self._encoder(wanted, group[0]) if group[0] in wanted.wholes else self._encoder(wanted, None)
        own = {
            name: encoder
            for at, name in zip(group, names, strict=True)
            if name is not None and not (encoder := self._encoder(wanted, at)).prompts_as(plain)
        }
        told = None if on_piece is None else lambda _, column, text: on_piece(group[column], text)
        return generate.compare_all(base.model, plain, conversations, names, sampling, own, told, base.turns, check)

    @property
    def _current(self) -> _Held:
        """What answers."""
        assert self._now is not None
        return self._now

    def _held(self, folder: Path, spec: ModelSpec) -> _Held:
        """Returns the place of these weights, which may not be loaded."""
        return self._all.setdefault(_key(folder, spec), _Held(folder, spec))

    def _keep(self, wanted: Wanted) -> None:
        """Lets go of all that is not wanted."""
        keys = {_key(*source) for source in wanted.sources()}
        if keys >= {key for key, held in self._all.items() if held.model is not None}:
            return
        self._all, self._now = {key: held for key, held in self._all.items() if key in keys}, None
        _collect()

    def _verified(self, entry: Entry) -> Entry:
        """Looks whether an entry's weights are as they were added, unless they are loaded already."""
        return entry if any(_identity(entry) in held.names for held in self._all.values()) else weights.verified(entry)

    def _load(self, held: _Held, on_progress: OnProgress) -> None:
        """Loads weights, beside those of other models if there is room for both."""
        held.clear()
        _collect()
        if self._any() and not _fits_beside(held):
            self._clear()
        on_progress("loading", 0, 0)
        try:
            held.model = model.load_base(held.folder, held.spec, hardware.device())
            return
        except StudioError as error:
            if error.reason != "memory" or not self._any():
                raise
        self._clear()
        held.model = model.load_base(held.folder, held.spec, hardware.device())

    def _any(self) -> bool:
        """Whether any weights are loaded."""
        return any(held.model is not None for held in self._all.values())

    def _clear(self) -> None:
        """Lets go of all weights."""
        for held in self._all.values():
            held.clear()
        _collect()

    def _name(self, entry: Entry | None, reach: bases.Reach, on_progress: OnProgress) -> str | None:
        """Returns an adapter's name in the model, loading it if it is not there yet."""
        held = self._current
        if entry is None or entry.is_model:
            return None
        key = _identity(entry)
        if key not in held.names:
            on_progress("loading", 0, 0)
            name = f"adapter{len(held.names)}"
            held.model = adapters.load_adapter(held.model, entry.folder, name)
            experts.use(held.model)
            held.names[key], held.reaches[key] = name, reach
        return held.names[key]

    def _encoder(self, wanted: Wanted, at: int | None) -> Encoder:
        """Returns a column's encoder, or the base's own (None).

        Columns with one template share it, since it is costly for large tokenizers.
        """
        entry = None if at is None else wanted.entries[at]
        held = self._held(*(wanted.source(at) if at is not None else (wanted.folder, wanted.spec)))
        key = _identity(entry) if entry else None
        if key not in held.encoders:
            made = generate.encoder_for(self._tokenizer(held), entry)
            same = (item for item in held.encoders.values() if item == made)
            held.encoders[key] = next(same, made)
        return held.encoders[key]

    def _tokenizer(self, held: _Held) -> Any:
        if held.tokenizer is None:
            held.tokenizer = model.load_tokenizer(held.folder)
        return held.tokenizer


def _collect() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _fits_beside(held: _Held) -> bool:
    """Whether there is room for weights and for an answer with them, beside all that is loaded."""
    device = hardware.device()
    numbers = sum(
        prod(shape) for file in weights.files(held.folder) for _, shape in weights.header(file, "model").values()
    )
    return hardware.free_bytes(device) > _ROOM * numbers * hardware.dtype(held.spec, device).itemsize


def _folder(request: desk.Answer | desk.Score | desk.Evaluate, entries: list[Entry | None], on_progress: Any) -> Path:
    """Returns the base's folder once every adapter is known to belong to it."""
    named = [entry for entry in entries if entry]
    for entry in named:
        if entry.fault:
            raise StudioError("adapter", f"{entry.title} is damaged: {entry.fault}", "Use another one.")
    if named and all(entry is not None and entry.is_model for entry in entries):
        return named[0].folder  # no column is of a base
    path, revision = request.model, request.revision
    if not path:
        if not named or not named[0].base.path:
            raise StudioError("usage", "No base model is chosen.", "Choose one, such as the built-in model.")
        path, revision = named[0].base.path, named[0].base.revision
    folder = hub.resolve(path, revision, partial(on_progress, "downloading"))
    for entry in named:
        known = entry.base.fingerprint
        if known and not request.force and weights.fingerprint(folder) != known:
            raise StudioError(
                "adapter",
                f"{entry.title} was trained on other weights than those of {path}.",
                f"Choose its own base ({entry.base.path or 'unknown'}), or leave it out.",
            )
    return folder


def _strengths(request: desk.Answer | desk.Score | desk.Evaluate, entries: list[Entry | None]) -> list[float]:
    """Returns each column's strength, once every adapter is known to be able to have it."""
    asked = [] if isinstance(request, desk.Evaluate) else request.strengths
    if not asked:
        return [1.0] * len(entries)
    if len(asked) != len(entries):
        raise StudioError("usage", "Not every column has a strength.", "Give each one, or none.")
    found: dict[Path, float] = {}
    for entry, strength in zip(entries, asked, strict=True):
        if entry is None:
            continue
        if found.setdefault(entry.folder, strength) != strength:
            message = f"{entry.title} is asked for with two strengths at once."
            raise StudioError("usage", message, "Ask with one after the other.")
        if strength != 1:
            strengths.require(entry)
    return asked


def _identity(entry: Entry) -> _Identity:
    return entry.folder.resolve(), max(map(_stamp, weights_files(entry.folder)), default=0)


def _key(folder: Path, spec: ModelSpec) -> Any:
    """Differs where other weights must be loaded."""
    stamps = [_stamp(file) for file in (folder / MODEL_CONFIG, *sorted(folder.glob("*.safetensors")))]
    return folder.resolve(), tuple(stamps), spec.quantization, spec.dtype


def _stamp(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0
