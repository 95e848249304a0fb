"""The one base model a process holds for answering, with the adapters loaded beside it."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from studio.core import desk, library, strengths
from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.core.library import WEIGHTS, Entry
from studio.engine import adapters, bases, experts, generate, hardware, hub, model, scoring, weights
from studio.engine.labels import Encoded, Encoder
from studio.engine.turns import Turns

# Adapters beside the base; beyond it the base is loaded afresh rather than growing for ever.
_MOST_ADAPTERS = 16

_Identity = tuple[Path, int]
OnProgress = Callable[[desk.PhaseName, int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request needs: the base, how it is held in memory, and each column's adapter (None: the base itself).

    Attributes:
        strengths: how strongly each column's adapter acts.
    """

    folder: Path
    spec: ModelSpec
    entries: list[Entry | None]
    strengths: list[float]

    @property
    def key(self) -> tuple[Path, int, str, str]:
        """Differs where another base must be loaded."""
        return self.folder.resolve(), _stamp(self.folder / "config.json"), self.spec.quantization, self.spec.dtype


class Loaded:
    """A base and its adapters, kept from one answer to the next.

    A request for another base, or for an adapter that cannot share it, frees what was there before.
    """

    def __init__(self) -> None:
        """Starts with nothing loaded."""
        self._key: Any = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._names: dict[_Identity, str] = {}
        self._reaches: dict[_Identity, bases.Reach] = {}
        self._encoders: dict[_Identity | None, Encoder] = {}
        self._strengths: dict[str, float] = {}
        self._turns = Turns()

    def drop(self) -> None:
        """Frees the base and every adapter."""
        self._key = self._model = self._tokenizer = None
        self._names, self._reaches, self._encoders, self._strengths, self._turns = {}, {}, {}, {}, Turns()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def prepare(self, request: desk.Answer | desk.Score | desk.Evaluate, on_progress: OnProgress) -> Wanted:
        """Finds the adapters and loads the base that `request` names.

        Raises:
            StudioError: (adapter), (model), (network), (memory), (usage) one cannot be found, loaded or combined.
        """
        wanted = self.find(request, on_progress)
        self.hold(wanted, on_progress)
        return wanted

    def find(self, request: desk.Answer | desk.Score | desk.Evaluate, on_progress: OnProgress) -> Wanted:
        """Finds the adapters and the base that `request` names, and loads neither.

        Raises:
            StudioError: (adapter), (model), (network), (usage) one cannot be found or combined, or be made weaker.
        """
        entries = [None if name is None else self._verified(library.located(name)) for name in request.adapters]
        folder = _folder(request, entries, on_progress)
        spec = library.shared_spec(library.model_specs([entry for entry in entries if entry]))
        strengths = _strengths(request, entries)
        return Wanted(folder, replace(spec, quantization=request.quantization or spec.quantization), entries, strengths)

    def hold(self, wanted: Wanted, on_progress: OnProgress) -> None:
        """Loads the base that is wanted, unless it is there and has room.

        Raises:
            StudioError: (model), (memory) it cannot be loaded.
        """
        entries = wanted.entries
        new = {_identity(entry) for entry in entries if entry} - self._names.keys()
        if wanted.key != self._key or len(self._names) + len(new) > _MOST_ADAPTERS:
            self._load(wanted, on_progress)

    def check(self, wanted: Wanted, messages: list[dict[str, str]]) -> None:
        """Lays the conversation out for every column.

        Raises:
            StudioError: (data) a template refuses it; (config), (model) there is none to use.
        """
        for encoder in {id(item): item for item in map(self._encoder, wanted.entries)}.values():
            encoder.prompt(messages)

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
            wanted: what `prepare` returned last.
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
            wanted: what `prepare` returned last.
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
                with generate.active(self._model, [name], mixed=False):
                    found[at] = scoring.score(self._model, encoded, told, check)
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
        with generate.active(self._model, [name], mixed=False):
            return [scoring.summed(self._model, ids, trained, check) for ids, trained in sequences]

    def groups(self, wanted: Wanted, on_progress: OnProgress) -> Iterator[tuple[list[int], list[str | None]]]:
        """Yields the places of columns that can be on one base, and their names in the model, which has them then."""
        columns = [bases.reach(entry.folder if entry else None) for entry in wanted.entries]
        for group in bases.groups(columns):
            if not self._has_room(wanted, group, columns):
                self._load(wanted, on_progress)
            names = [self._name(wanted.entries[at], columns[at], on_progress) for at in group]
            for at, name in zip(group, names, strict=True):
                self._set_strength(name, wanted.strengths[at])
            yield group, names

    def _set_strength(self, name: str | None, strength: float) -> None:
        """Has an adapter act so strongly; what was read with another strength is read anew."""
        if name is not None and self._strengths.get(name, 1.0) != strength:
            adapters.set_strength(self._model, name, strength)
            self._strengths[name] = strength
            self._turns = Turns()

    def _has_room(self, wanted: Wanted, group: list[int], columns: list[bases.Reach]) -> bool:
        """Whether a group of columns can share the base with the other adapters that are on it."""
        asked = {_identity(entry) for at in group if (entry := wanted.entries[at])}
        others = [reach for identity, reach in self._reaches.items() if identity not in asked]
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
            wanted: what `prepare` returned last.
            group: the columns.
            names: theirs in the model.
            conversations: written at once.
            sampling: how tokens are chosen.
            on_piece: told (column, text) of all conversations.
            check: called many times a token; an exception it raises ends the answers.

        Returns:
            Of each conversation the columns' answers.
        """
        plain = self._encoder(None)
        own = {
            name: encoder
            for at, name in zip(group, names, strict=True)
            if name is not None and not (encoder := self._encoder(wanted.entries[at])).prompts_as(plain)
        }

        told = None if on_piece is None else lambda _, column, text: on_piece(group[column], text)
        return generate.compare_all(
            self._model, plain, conversations, names, sampling, own, told, self._turns, check
        )  # fmt: skip

    def _verified(self, entry: Entry) -> Entry:
        """Looks whether an adapter's weights are as they were added, unless they are loaded already."""
        return entry if _identity(entry) in self._names else library.verified(entry)

    def _load(self, wanted: Wanted, on_progress: OnProgress) -> None:
        self.drop()
        on_progress("loading", 0, 0)
        self._tokenizer = model.load_tokenizer(wanted.folder)
        self._model = model.load_base(wanted.folder, wanted.spec, hardware.device())
        self._key = wanted.key

    def _name(self, entry: Entry | None, reach: bases.Reach, on_progress: OnProgress) -> str | None:
        """Returns an adapter's name in the model, loading it if it is not there yet."""
        if entry is None:
            return None
        key = _identity(entry)
        if key not in self._names:
            on_progress("loading", 0, 0)
            name = f"adapter{len(self._names)}"
            self._model = adapters.load_adapter(self._model, entry.folder, name)
            experts.use(self._model)
            self._names[key], self._reaches[key] = name, reach
        return self._names[key]

    def _encoder(self, entry: Entry | None) -> Encoder:
        """Returns a column's encoder; columns with one template share it, since it is costly for large tokenizers."""
        key = _identity(entry) if entry else None
        if key not in self._encoders:
            made = generate.encoder_for(self._tokenizer, entry)
            same = (item for item in self._encoders.values() if item == made)
            self._encoders[key] = next(same, made)
        return self._encoders[key]


def _folder(request: desk.Answer | desk.Score | desk.Evaluate, entries: list[Entry | None], on_progress: Any) -> Path:
    """Returns the base's folder once every adapter is known to belong to it."""
    named = [entry for entry in entries if entry]
    path, revision = request.model, request.revision
    if not path:
        if not named or not named[0].base.path:
            raise StudioError("usage", "No base model is chosen.", "Choose one, such as the built-in model.")
        path, revision = named[0].base.path, named[0].base.revision
    folder = hub.resolve(path, revision, partial(on_progress, "downloading"))
    for entry in named:
        if entry.fault:
            raise StudioError("adapter", f"The adapter {entry.title} is damaged: {entry.fault}", "Use another one.")
        known = entry.base.fingerprint
        if known and not request.force and weights.fingerprint(folder) != known:
            raise StudioError(
                "adapter",
                f"The adapter {entry.title} was trained on other weights than those of {path}.",
                f"Choose its own base ({entry.base.path or 'unknown'}), or leave this adapter out.",
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
    return entry.folder.resolve(), _stamp(entry.folder / WEIGHTS)


def _stamp(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0
