"""Rows of data read by a base and adapters, and answered by them; what comes of a row is kept as soon as it is known.

A row's tokens and labels are those that training would have, and so is its loss. Answers to some rows are written by
all columns in one pass (`columns`): several take little longer than one.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio import paths
from studio.core import cache, chat, desk, evaluations, measures, objectives, runs
from studio.core.config import RunConfig, TrainingSpec
from studio.core.data import contents
from studio.core.data.datasets import Dataset, Row, open_dataset
from studio.core.data.expressions import Expression
from studio.core.entry import PEFT_CONFIG, TEMPLATE
from studio.core.errors import StudioError
from studio.core.evaluations import Evaluate, Kept, Read, Result
from studio.core.library import WEIGHTS, Entry
from studio.core.versions.evaluation import parted
from studio.core.versions.store import origins
from studio.engine import base_config, hardware, model, weights
from studio.engine.corpus import require_short
from studio.engine.generate import Sampling
from studio.engine.labels import Encoder
from studio.engine.loaded import Loaded, OnProgress, Wanted
from studio.engine.tokens import Tokens, tokenize

OnResults = Callable[[list[Result]], None]

_VERSION = 3  # of what is kept: raise it whenever the same row would be read or answered otherwise
_SEQUENCES, _TOKENS = 16, 4096  # of answers that are written at once; prompts count
_AT_ONCE = 50  # rows that were known before, told together
# What decides beside the weights how an adapter answers, and how a base does.
_BESIDE = (PEFT_CONFIG, TEMPLATE, "generation_config.json", "tokenizer_config.json")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that are asked for.

    Attributes:
        dataset: what they are of.
        places: theirs among its usable ones, in the order they are read in.
        training: the objective that such rows are learned by, and its settings.
    """

    dataset: Dataset
    places: NDArray[np.int64]
    training: TrainingSpec


def find(request: Evaluate, config: RunConfig, on_progress: OnProgress) -> Rows:
    """Finds the rows that are asked for.

    Raises:
        StudioError: (usage) what answers are to match is no expression; (data) the rows cannot be read, nothing is
            learned from such rows, none is held back, or it is not known any more which are.
    """
    told = partial(on_progress, "reading")
    if request.match:
        Expression(request.match)  # before anything is loaded
    spec = config.data
    alone = request.held and spec.eval_path
    dataset = open_dataset(alone or spec.path, spec.format, told, spec.mapping)
    training = config.training
    if not objectives.trainable(dataset.format, training.objective):
        objective = objectives.learned_by(dataset.format)
        if objective is None:
            raise objectives.untrainable(dataset.format, training.objective)
        training = TrainingSpec(objective=objective)  # what is set is for another one
    places = np.arange(len(dataset), dtype=np.int64)
    if request.held and request.known not in ("", dataset.fingerprint):
        message = f"{dataset.source.name} was changed since the training, so the rows that were held back are lost."
        raise StudioError("data", message, "Bring the data back as it was, or name a file to evaluate on.")
    if request.held and not alone:
        places = parted(dataset, spec, config.training.seed, None, told).held
    if not len(places):
        message = f"No row of {dataset.source.name} is held back for evaluation."
        raise StudioError("data", message, "Name a file to evaluate on.")
    if request.drawn_by is not None:
        # All are drawn, so that more rows begin with those of before.
        places = places[np.random.Generator(np.random.Philox(request.drawn_by)).permutation(len(places))]
    return Rows(dataset, places[: request.count or None], training)


def evaluate(
    request: Evaluate,
    rows: Rows,
    loaded: Loaded,
    wanted: Wanted,
    encoder: Encoder,
    on_progress: OnProgress,
    on_results: OnResults,
    check: Callable[[], None] | None = None,
) -> desk.Evaluated:
    """Has each row read by every column, and answered if asked for; what is known of it already is told at once.

    Args:
        request: what is asked for.
        rows: as `find` found them.
        loaded: holds the base and the adapters; loads them only where something is not known yet.
        wanted: what `loaded.find` found.
        encoder: lays rows out for all columns; what they answer each is asked in its own way.
        on_progress: told what is being done; `evaluating` counts rows, of each base by itself.
        on_results: told of rows as they are whole; an exception it raises ends it.
        check: called many times a row; an exception it raises ends it, and what was read is kept.

    Raises:
        StudioError: (data) nothing is learned from any row, or one is longer than the model reads; (adapter),
            (model), (memory) one cannot be loaded; (disk) what is found cannot be written.
    """
    dataset, columns = rows.dataset, range(len(wanted.entries))
    part = tokenize(dataset, rows.places, encoder, partial(on_progress, "tokenizing"))
    left_out = {item.row: item.reason for item in part.untrained}
    if not len(part):
        reason = next(iter(left_out.values()))
        message = f"Of none of these rows of {dataset.source.name} anything is learned. The first: {reason}."
        raise StudioError("data", message, "Check the maximum length and the chat template.")
    limits = (model.read_context(folder).limit for folder in {folder for folder, _ in wanted.sources()})
    require_short("evaluation", part, min((limit for limit in limits if limit is not None), default=None))
    sampling = Sampling(**asdict(request.sampling))
    answered = sampling if request.answers else None
    keys = _keys(dataset, wanted, encoder, answered)
    sequences = dict(_sequences(part))
    tell = _measuring(request, rows.training, on_results)
    with evaluations.opened(keys, lambda: on_progress("waiting", 0, 0)) as kept:
        known = [kept.results[row] for row in sequences if not kept.lacking(row, columns)]
        for first in range(0, len(known), _AT_ONCE):
            tell(known[first : first + _AT_ONCE])
        if len(known) < len(sequences):
            _fill(kept, _Makes(rows, part, sequences, loaded, wanted, answered, check), on_progress, tell)
    return desk.Evaluated(
        name=dataset.source.name,
        fingerprint=dataset.fingerprint,
        row_format=dataset.format,
        rows=len(sequences),
        left_out=left_out,
    )


def _measuring(request: Evaluate, training: TrainingSpec, on_results: OnResults) -> OnResults:
    """Returns what tells of rows once they are measured."""
    expression = Expression(request.match) if request.match else None

    def measured(row: Result) -> Result:
        holds = None if expression is None else lambda answer: expression.holds([answer], row.row)
        return measures.measured(row, training, holds)

    return lambda results: on_results(list(map(measured, results)))


@dataclass(frozen=True, slots=True)
class _Makes:
    """What it takes to make rows' results."""

    rows: Rows
    part: Tokens
    sequences: dict[int, range]
    loaded: Loaded
    wanted: Wanted
    sampling: Sampling | None
    check: Callable[[], None] | None

    def batches(self, numbers: list[int], columns: int) -> Iterator[list[int]]:
        """Divides rows, in their order, into those that are answered at once."""
        batch, widest = list[int](), 0
        for number in numbers:
            width = len(self.part[self.sequences[number][0]][0]) + (
                self.sampling.max_new_tokens if self.sampling else 0
            )
            count = columns * (len(batch) + 1)
            full = self.sampling is None or count > _SEQUENCES or count * max(widest, width) > _TOKENS
            if batch and full:
                yield batch
                batch, widest = [], 0
            batch.append(number)
            widest = max(widest, width)
        if batch:
            yield batch

    def results(
        self, rows: list[Row], places: list[tuple[int, int]], group: list[int], names: list[str | None]
    ) -> list[Result]:
        """Returns what a group of columns makes of some rows."""
        said = [_said(row.data, self.rows.dataset.format) for row in rows]
        found = []
        for row, place, (asked, own, _) in zip(rows, places, said, strict=True):
            read, tokens = self._read(row.number, group, names)
            good = chat.desirable(row.data) if self.rows.dataset.format == "kto" else None
            found.append(
                Result(row=row.number, place=place, asked=asked, own=own, tokens=tokens, columns=read, desirable=good)
            )
        asked_of = [at for at, (_, _, messages) in enumerate(said) if messages is not None]
        if self.sampling is not None and asked_of:
            answers = self._answers([said[at][2] or [] for at in asked_of], group, names)
            for at, answered in zip(asked_of, answers, strict=True):
                columns = {column: replace(answered[column], losses=read.losses)
                           for column, read in found[at].columns.items()}  # fmt: skip
                found[at] = replace(found[at], columns=columns)
        return found

    def _read(self, number: int, group: list[int], names: list[str | None]) -> tuple[dict[int, Read], list[int]]:
        """Returns the columns' losses of a row, and its learned tokens."""
        fed = [self.part[at] for at in self.sequences[number]]
        pair = self.part.answers > 1
        read = {}
        for at, name in zip(group, names, strict=True):
            losses = self.loaded.summed(name, fed, self.check)
            read[at] = Read(losses=losses if pair else [sum(losses)])
        counts = [int(trained.sum()) for _, trained in fed]
        return read, counts if pair else [sum(counts)]

    def _answers(
        self, conversations: list[list[dict[str, str]]], group: list[int], names: list[str | None]
    ) -> list[dict[int, Read]]:
        """Returns what the columns write to some questions, or why one cannot be asked; without losses."""
        assert self.sampling is not None
        try:
            found = self.loaded.compare(self.wanted, group, names, conversations, self.sampling, check=self.check)
        except StudioError as error:
            if error.reason != "data":
                raise
            if len(conversations) > 1:  # it is the fault of one
                return [self._answers([one], group, names)[0] for one in conversations]
            return [{at: Read(losses=[], fault=error.message) for at in group}]
        return [
            {at: Read(losses=[], answer=answer.text, cut=answer.cut) for at, answer in zip(group, answers, strict=True)}
            for answers in found
        ]


def _fill(kept: Kept, made: _Makes, on_progress: OnProgress, on_results: OnResults) -> None:
    """Makes what is not known yet, the columns of one base behind those of another."""
    dataset, numbers = made.rows.dataset, list(made.sequences)
    columns = range(len(made.wanted.entries))
    version = origins(dataset) if paths.is_version(dataset.source) else None
    place_of = dict(zip(dataset.column("number")[made.rows.places].tolist(), made.rows.places.tolist(), strict=True))

    def address(number: int) -> tuple[int, int]:
        at = place_of[number]
        return (0, number) if version is None else (int(version["source"][at]), int(version["number"][at]))

    asked = [at for at in columns if any(kept.lacking(number, [at]) for number in numbers)]
    for group, names in made.loaded.groups(made.wanted, on_progress, asked):
        named = dict(zip(group, names, strict=True))
        lacking: dict[tuple[int, ...], list[int]] = {}
        for number in numbers:
            lacking.setdefault(kept.lacking(number, group), []).append(number)
        done = len(lacking.pop((), []))
        on_progress("evaluating", done, len(numbers))
        batches = ((some, batch) for some, left in lacking.items() for batch in made.batches(left, len(some)))
        for some, batch in batches:
            rows = [dataset[place_of[number]] for number in batch]
            places = [address(row.number) for row in rows]
            results = made.results(rows, places, list(some), [named[at] for at in some])
            whole = [kept.add(result) for result in results]
            # Once all of them are kept: whoever is told may end it.
            if told := [result for result in whole if not kept.lacking(result.row, columns)]:
                on_results(told)
            done += len(batch)
            on_progress("evaluating", done, len(numbers))


def _sequences(part: Tokens) -> Iterator[tuple[int, range]]:
    """Yields each row's number and the places of its sequences, which lie one behind the other."""
    first = np.flatnonzero(np.diff(part.rows, prepend=-1)).tolist()
    for begin, end in zip(first, [*first[1:], len(part)], strict=True):
        yield int(part.rows[begin]), range(begin, end)


def _said(data: dict[str, Any], row_format: str) -> tuple[str, str, list[dict[str, str]] | None]:
    """Returns what stands before a row's last answer, that answer, and the messages to ask; None: it is not to be."""
    example = chat.to_example(data, row_format)
    asked = chat.question(example)
    if asked is not None:
        messages, own = asked
        return "\n\n".join(item["content"] for item in messages), own, messages
    turns = list(contents.texts(example))
    last = max((at for at, (role, _) in enumerate(turns) if role in ("assistant", "")), default=len(turns) - 1)
    return "\n\n".join(text for _, text in turns[:last]), turns[last][1] if turns else "", None


def _keys(dataset: Dataset, wanted: Wanted, encoder: Encoder, sampling: Sampling | None) -> list[str]:
    """Names of each column everything that decides what it makes of a row."""
    common: dict[str, Any] = {
        "version": [_VERSION, runs.versions()],
        "device": str(hardware.device()),
        "data": [dataset.fingerprint, encoder.fingerprint],
        "base": None,
        "held": None,
        "column": None,
        "sampling": None if sampling is None else asdict(sampling),
    }
    found = []
    for entry, (folder, spec) in zip(wanted.entries, wanted.sources(), strict=True):
        of_model = [weights.fingerprint(folder), base_config.fingerprint(model.check_config(folder)), _digests(folder)]
        held = {"base": of_model, "held": [spec.quantization, spec.dtype], "column": _identity(entry)}
        found.append(hashlib.sha256(json.dumps(common | held).encode()).hexdigest()[:40])
    return found


def _identity(entry: Entry | None) -> Sequence[Any] | None:
    """Returns what makes a column another one than its model's own."""
    if entry is None:
        return None
    if entry.is_model:
        return [str(_template(entry)), entry.system]
    return [cache.sha256(entry.folder / WEIGHTS), _digests(entry.folder), str(_template(entry)), entry.system]


def _template(entry: Entry) -> Any:
    data = entry.config.get("data")
    return data.get("chat_template") if isinstance(data, dict) else None


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for name in _BESIDE:
        with suppress(FileNotFoundError):
            found[name] = cache.sha256(folder / name)
    return found
