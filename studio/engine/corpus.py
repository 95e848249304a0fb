"""The rows of a run as tokens: read, split, tokenised, and every row that is not used listed."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from studio.core import events, objectives
from studio.core.config import RunConfig, TrainingSpec
from studio.core.data import datasets
from studio.core.data.datasets import Rejected
from studio.core.errors import StudioError
from studio.core.files import disk_error, write_atomic
from studio.core.runs import FREE_AND_RESUME, Run
from studio.core.versions import evaluation as evaluation_of
from studio.engine import labels, tokens
from studio.engine.batches import Rows, longer_than
from studio.engine.model import Context

Emit = Callable[[events.Event], None]

_COUNTED_ROWS = 10_000
_HASHED = 2**20
_WEIGH_ALIKE = 4 / 3  # by how much good and bad answers may differ in weight, as Ethayarajh et al. 2024 advise


@dataclass(slots=True)
class Corpus:
    """The rows of a run as tokens.

    Attributes:
        train: the training rows.
        evaluation: the evaluation rows; None without a split or a file.
        trained: (rows,) int64, tokens of each training row that carry loss.
        unused: rows that are not used: their file's name, place in it, and why.
        rejected_rows: how many of them could not be read.
        leaked_rows: how many are left out since they are equal to an evaluation row; nothing could be learned from the
            others.
        fingerprint: of the training data.
        evaluation_fingerprint: of the evaluation data, where it is a file of its own.
        rows: all rows in the training file.
        row_format: of the training file.
    """

    encoder: labels.Encoder
    train: tokens.Tokens
    evaluation: tokens.Tokens | None
    trained: Rows
    unused: list[dict[str, Any]]
    rejected_rows: int
    leaked_rows: int
    fingerprint: str
    evaluation_fingerprint: str
    rows: int
    row_format: str

    @property
    def eval_rows(self) -> int:
        """How many rows are evaluated."""
        return self.evaluation.count if self.evaluation else 0

    @property
    def untrained_rows(self) -> int:
        """How many rows nothing could be learned from."""
        return len(self.unused) - self.rejected_rows - self.leaked_rows

    @property
    def truncated_rows(self) -> int:
        """How many rows are cut at the maximum length, those for evaluation too."""
        return self.train.truncated + (self.evaluation.truncated if self.evaluation else 0)

    def labels_fingerprint(self) -> str:
        """Returns the SHA-256 of all tokens and labels."""
        digest = hashlib.sha256()
        for part in (self.train, self.evaluation):
            if part is not None:
                for array in (part.ids, part.trained, part.offsets):
                    for first in range(0, len(array), _HASHED):
                        digest.update(np.ascontiguousarray(array[first : first + _HASHED]).data)
                        part.release()
                if part.mismatched is not None:
                    digest.update(np.ascontiguousarray(part.desirable).data)
        return digest.hexdigest()

    def write_unused(self, run: Run) -> None:
        """Lists the rows that are not used in the run folder's `rejected.jsonl`, if there are any."""
        if not self.unused:
            return
        path = run.path / "rejected.jsonl"
        lines = [json.dumps(item, ensure_ascii=False) + "\n" for item in self.unused]
        try:
            write_atomic(path, "".join(lines).encode())
        except OSError as error:
            raise disk_error(path, error, FREE_AND_RESUME) from None


def read_corpus(config: RunConfig, tokenizer: Any, emit: Emit) -> Corpus:
    """Opens, splits and tokenises the data of a run.

    Raises:
        StudioError: (data) unreadable, no usable row, or too few to split.
    """
    told = teller(emit, "tokenizing")
    encoder = labels.make_encoder(tokenizer, config.data, config.training.objective)
    dataset = _opened(config, "path", told)
    other = _opened(config, "eval_path", told) if config.data.eval_path else None
    parts = evaluation_of.parted(dataset, config.data, config.training.seed, other, told)
    train = _tokens(dataset, parts.train, encoder, told)
    held = _tokens(dataset, parts.held, encoder, told) if len(parts.held) else None
    read = [(dataset, [part for part in (train, held) if part is not None])]
    evaluation = held
    if other is not None:
        evaluation = _tokens(other, np.arange(len(other)), encoder, told)
        read.append((other, [evaluation]))
    _require_rows("training", train)
    if evaluation is not None:
        _require_rows("evaluation", evaluation)
    elif config.training.early_stopping_patience:
        message = "Early stopping needs rows for evaluation, and this dataset version holds none back."
        raise StudioError("config", message, "Split the version, or set `data.eval_split`.")
    if parts.leaked:
        said = "1 row that is" if len(parts.leaked) == 1 else f"{len(parts.leaked):,} rows that are"
        emit(events.Notice(message=f"{said} equal to an evaluation row will not be trained on."))
    _tell_chunks(train, emit)
    _tell_labels(train, config.training, emit)
    rejected = [item for source, _ in read for item in _named(source, source.rejected)]
    untrained = [item for source, parts in read for part in parts for item in _named(source, part.untrained)]
    leaked = _named(dataset, parts.leaked)
    return Corpus(
        encoder=encoder,
        train=train,
        evaluation=evaluation,
        trained=trained_counts(train),
        unused=rejected + leaked + _named(dataset, parts.idle) + untrained,
        rejected_rows=len(rejected),
        leaked_rows=len(leaked),
        fingerprint=dataset.fingerprint,
        evaluation_fingerprint=other.fingerprint if other is not None else "",
        rows=dataset.rows,
        row_format=dataset.format,
    )


def _tokens(
    dataset: datasets.Dataset, indices: Rows, encoder: labels.Encoder, told: Callable[[int, int], None]
) -> tokens.Tokens:
    made = tokens.tokenize(dataset, indices, encoder, told)
    return tokens.mismatch(dataset, indices, encoder, made) if dataset.format == "kto" and len(made) else made


def require_readable(corpus: Corpus, context: Context) -> None:
    """Makes sure that a model reads every row as it is laid down.

    Raises:
        StudioError: (data) a row is longer than the model reads, or its two answers would be computed in two ways.
    """
    for name, part in (("training", corpus.train), ("evaluation", corpus.evaluation)):
        if part is not None:
            require_short(name, part, context.limit)
            _require_alike(name, part, context.original)
            part.release()


def require_short(name: str, part: tokens.Tokens, limit: int | None) -> None:
    """Makes sure that a model reads every row of a part as it is laid down; None: it reads any.

    Raises:
        StudioError: (data) a row is longer.
    """
    if limit is None:
        return
    lengths = part.lengths * longer_than(limit, part, np.arange(len(part)))
    longest = int(lengths.argmax())
    if lengths[longest]:
        raise StudioError(
            "data",
            f"The longest row has {lengths[longest]} tokens, but this model reads at most {limit}.",
            f"Set `data.max_length` to {limit}, so that longer rows are cut, or leave them out.",
            f"Row {part.rows[longest]} of the {name} data, counted from 0.",
        )


def _require_alike(name: str, part: tokens.Tokens, original: int | None) -> None:
    if original is None or part.answers == 1:
        return
    longer = longer_than(original, part, np.arange(len(part))).reshape(-1, part.answers)
    mixed = np.flatnonzero(longer.any(1) & ~longer.all(1))
    if len(mixed):
        raise StudioError(
            "data",
            f"A row has one answer of up to {original} tokens and a longer one, which this model computes differently.",
            f"Set `data.max_length` to {original}, so that longer ones are cut, or leave such rows out.",
            f"Row {part.rows[mixed[0] * part.answers]} of the {name} data, counted from 0.",
        )


def _tell_chunks(train: tokens.Tokens, emit: Emit) -> None:
    later = int(np.count_nonzero(train.starts))
    if later:
        texts = len(np.unique(train.rows[train.starts > 0]))
        said = "1 long text was" if texts == 1 else f"{texts:,} long texts were"
        emit(events.Notice(message=f"{said} made into {texts + later:,} chunks for training."))


def _tell_labels(train: tokens.Tokens, spec: TrainingSpec, emit: Emit) -> None:
    """Tells where good and bad answers do not weigh about the same, as the paper advises (equation 8)."""
    if train.mismatched is None:
        return
    good, bad = int(train.desirable.sum()), int(len(train) - train.desirable.sum())
    if not good or not bad:
        emit(
            events.Notice(
                message="All training rows are labelled good: what tells them from bad ones is not learned."
                if good
                else "All training rows are labelled bad: what tells them from good ones is not learned."
            )
        )
        return
    weights = spec.desirable_weight * good, spec.undesirable_weight * bad
    if max(weights) > _WEIGH_ALIKE * min(weights):
        name, wanted = "desirable_weight", spec.desirable_weight * weights[1] / weights[0]
        if weights[0] > weights[1]:
            name, wanted = "undesirable_weight", spec.undesirable_weight * weights[0] / weights[1]
        emit(
            events.Notice(
                message=f"{good:,} training rows are good and {bad:,} bad: for both to weigh the same, set"
                f" training.{name} to {wanted:.2g}."
            )
        )


def trained_counts(part: tokens.Tokens) -> Rows:
    """Returns (rows,) how many tokens of each row carry loss; a row's first token is never predicted."""
    counts = np.zeros(len(part), dtype=np.int64)
    # Piece by piece: a number for each token would take more memory than all else that is prepared.
    for first in range(0, len(part), _COUNTED_ROWS):
        bounds = part.offsets[first : first + _COUNTED_ROWS + 1]
        starts, learned = bounds[:-1] - bounds[0], np.asarray(part.trained[bounds[0] : bounds[-1]])
        counts[first : first + len(starts)] = np.add.reduceat(learned, starts, dtype=np.int64) - learned[starts]
        part.release()
    return counts


def teller(emit: Emit, phase: events.PhaseName) -> Callable[[int, int], None]:
    """Returns a progress callback that tells at most five times a second, and always the end."""
    last = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal last
        if done >= total or time.monotonic() - last > 0.2:
            last = time.monotonic()
            emit(events.Phase(name=phase, done=done, total=total))

    return tell


def _named(source: datasets.Dataset, rows: Sequence[Rejected]) -> list[dict[str, Any]]:
    return [{**asdict(item), "file": item.file or source.source.name} for item in rows]


def _opened(config: RunConfig, key: str, told: Callable[[int, int], None]) -> datasets.Dataset:
    spec, objective = config.data, config.training.objective
    dataset = datasets.open_dataset(getattr(spec, key), spec.format, told, spec.mapping)
    if not objectives.trainable(dataset.format, objective):
        fault = objectives.untrainable(dataset.format, objective)
        hint = "Name rows of the kind that is trained on, or set data.eval_split." if key == "eval_path" else fault.hint
        raise StudioError(fault.reason, f"data.{key}: {fault.message}", hint)
    return dataset


def _require_rows(what: str, part: tokens.Tokens) -> None:
    if len(part):
        return
    message = f"None of the {what} rows has a token to learn from."
    if part.untrained:
        first = part.untrained[0]
        message = f"None of the {what} rows has a token to learn from. Row {first.row}: {first.reason}."
    raise StudioError(
        "data",
        message,
        "`studio data tokens` shows what the model sees of a row; check the maximum length and the template.",
        "\n".join(f"line {item.line}: {item.reason}" for item in part.untrained[:20]),
    )
