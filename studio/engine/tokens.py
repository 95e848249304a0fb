"""A dataset's tokens and labels, made once and kept in flat memory-mapped files."""

import hashlib
import json
import mmap
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from studio import paths
from studio.core import cache, chat
from studio.core.data.datasets import Dataset, Rejected
from studio.engine.labels import Encoded, Encoder

_VERSION = 8  # of the labels: raise it whenever the same row would get other tokens or labels
_BATCH_ROWS = 512
_PIECE = 1 << 20
_FILES = {"ids": np.int32, "trained": np.bool_, "offsets": np.int64, "rows": np.int64}
_FILES |= {"starts": np.int64, "full_lengths": np.int32, "desirable": np.bool_}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of N sequences, end to end: each is a row, or a chunk of one that is a long text.

    Attributes:
        ids: token ids; int32, all sequences' T together.
        trained: whether a token carries loss; bool, as `ids`.
        offsets: where each sequence begins in `ids`; int64, N + 1.
        rows: the number of each one's row in its file; int64, N.
        starts: which of its row's tokens each begins with, 0 but for later chunks; int64, N.
        full_lengths: each one's tokens before it was cut; int32, N.
        truncated: how many rows were cut at the maximum length.
        answers: sequences that a row stands for: 2 where it has a better and a worse answer, one behind the other.
        untrained: the rows left out because no token of theirs would carry loss, and why.
        desirable: whether each one's answer is labelled good, or has no label; bool, N.
        mismatched: of labelled answers, each prompt with the answer of the row before it; see `mismatch`.
    """

    ids: NDArray[np.int32]
    trained: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    full_lengths: NDArray[np.int32]
    truncated: int
    untrained: list[Rejected]
    answers: int = 1
    desirable: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    mismatched: "Tokens | None" = None

    def __len__(self) -> int:
        """Returns N."""
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Returns a sequence's token ids and which of them carry loss, T each, by its place among the N."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        span = slice(self.offsets[index], self.offsets[index + 1])
        return self.ids[span], self.trained[span]

    def release(self) -> None:
        """Gives back the memory that sequences took which were read from the cache; they can be read as before."""
        for array in (self.ids, self.trained):
            if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                array.base.madvise(mmap.MADV_DONTNEED)

    def sequences(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the places of the sequences of rows, by the rows' places among the N / `answers`."""
        return (rows[:, None] * self.answers + np.arange(self.answers)).ravel()

    @property
    def count(self) -> int:
        """How many rows the sequences are of: N / `answers`."""
        return len(self) // self.answers

    @property
    def together(self) -> NDArray[np.int64]:
        """Tokens of each row's sequences together; int64, N / `answers`."""
        together: NDArray[np.int64] = self.lengths.reshape(-1, self.answers).sum(1)
        return together

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each sequence, after it was cut; int64, N."""
        return np.diff(self.offsets)


def tokenize(
    dataset: Dataset,
    indices: NDArray[np.int64],
    encoder: Encoder,
    on_progress: Callable[[int, int], None] | None = None,
) -> Tokens:
    """Makes the tokens and labels of some rows; the second time at once, from the cache.

    Args:
        dataset: where the rows are.
        indices: which rows, by their place among the usable ones; int64.
        encoder: how.
        on_progress: told (rows done, rows in all).

    Raises:
        StudioError: (disk) the cache cannot be written.
    """
    folder = paths.cache_dir() / "tokens" / _key(dataset, indices, encoder)
    return cache.made(folder, _opened, lambda target: _write(dataset, indices, encoder, target, on_progress))


def _key(dataset: Dataset, indices: NDArray[np.int64], encoder: Encoder) -> str:
    rows = hashlib.sha256(np.ascontiguousarray(indices, dtype=np.int64).tobytes()).hexdigest()
    # Another version of these may split or lay out the same text otherwise.
    versions = [metadata.version(name) for name in ("tokenizers", "transformers")]
    parts = [_VERSION, *versions, dataset.fingerprint, rows, encoder.fingerprint]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _write(
    dataset: Dataset,
    indices: NDArray[np.int64],
    encoder: Encoder,
    folder: Path,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    truncated, ended = 0, 0
    untrained: list[Rejected] = []
    with ExitStack() as opened:
        files = {name: opened.enter_context((folder / name).open("wb")) for name in _FILES}
        files["offsets"].write(np.zeros(1, dtype=np.int64).tobytes())
        for first in range(0, len(indices), _BATCH_ROWS):
            batch = [dataset[int(index)] for index in indices[first : first + _BATCH_ROWS]]
            # What was read stays mapped into memory else, and a process seems to grow with its data.
            dataset.release()
            found = _Columns()
            for row, result in zip(
                batch, encoded_answers(encoder, [row.data for row in batch], dataset.format), strict=True
            ):
                reason = result if isinstance(result, str) else fault(result)
                if reason or isinstance(result, str):
                    untrained.append(Rejected(row.number, row.line, reason))
                    continue
                good = dataset.format != "kto" or chat.desirable(row.data)
                truncated += max([found.add(row.number, answer, good) for answer in result])
            ended = found.write(files, ended)
            if on_progress:
                on_progress(first + len(batch), len(indices))
    _describe(folder, truncated, 2 if dataset.format == "preference" else 1, untrained)


def _describe(folder: Path, truncated: int, answers: int, untrained: list[Rejected]) -> None:
    about: dict[str, Any] = {
        "truncated": truncated,
        "answers": answers,
        "untrained": [asdict(item) for item in untrained],
        "crc32": {name: _checksum(folder / name) for name in _FILES},
    }
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def mismatch(dataset: Dataset, indices: NDArray[np.int64], encoder: Encoder, part: Tokens) -> Tokens:
    """Returns rows with `mismatched`: each prompt with the answer of the row before it, the first with the last one's.

    As TRL does for KTO, which tells by them how far a model has moved where nothing was taught; there the answers go
    round in a batch. A row's prompt is what stands before its first trained token. None is longer than the longest row.

    Args:
        dataset: where the rows are.
        indices: which rows they are, as for `tokenize`.
        encoder: how they were made.
        part: the rows, N of them.

    Raises:
        StudioError: (disk) the cache cannot be written.
    """
    folder = paths.cache_dir() / "tokens" / f"{_key(dataset, indices, encoder)}-mismatched"
    return replace(part, mismatched=cache.made(folder, _opened, lambda target: _write_mismatched(part, target)))


def _write_mismatched(part: Tokens, folder: Path) -> None:
    longest = max((1 + int(np.flatnonzero(trained)[-1]) for _, trained in map(part.__getitem__, range(len(part)))))
    ended = 0
    with ExitStack() as opened:
        files = {name: opened.enter_context((folder / name).open("wb")) for name in _FILES}
        files["offsets"].write(np.zeros(1, dtype=np.int64).tobytes())
        for first in range(0, len(part), _BATCH_ROWS):
            found = _Columns()
            for place in range(first, min(first + _BATCH_ROWS, len(part))):
                (ids, trained), (other, learned) = part[place], part[place - 1 if place else len(part) - 1]
                start, behind = int(trained.argmax()), int(learned.argmax())
                fed = [*ids[:start].tolist(), *other[behind:].tolist()][:longest]
                kept = [*trained[:start].tolist(), *learned[behind:].tolist()][:longest]
                found.feed(int(part.rows[place]), fed, kept, 0, len(fed), good=True)
            ended = found.write(files, ended)
            part.release()
    _describe(folder, 0, 1, [])


def encoded_answers(
    encoder: Encoder, rows: list[dict[str, Any]], row_format: str
) -> Sequence[tuple[Encoded, ...] | str]:
    """Makes the tokens of each row's answers, of which most rows have one; or says why not."""
    if row_format == "preference":
        return encoder.encode_pairs(rows)
    return [item if isinstance(item, str) else (item,) for item in encoder.encode_all(rows, row_format)]


class _Columns:
    """What is written of a batch of rows."""

    def __init__(self) -> None:
        self._found: dict[str, list[Any]] = {name: [] for name in _FILES}
        self._lengths: list[int] = []

    def add(self, row: int, encoded: Encoded, good: bool) -> int:
        """Adds a row's sequences; returns how many of them stand for more tokens than are fed."""
        cut = 0
        for chunk, (fed, learned) in zip(encoded.chunks, encoded.sequences(), strict=True):
            # A last chunk of one token may have nothing before it to be predicted from.
            if not any(learned):
                continue
            full_length = len(fed) + len(encoded.ids) - encoded.kept
            self.feed(row, fed, learned, chunk.start, full_length, good=good)
            cut += len(encoded.ids) > encoded.kept
        return cut

    def feed(self, row: int, ids: list[int], trained: list[bool], start: int, full_length: int, *, good: bool) -> None:
        """Adds one sequence."""
        found = self._found
        found["ids"] += ids
        found["trained"] += trained
        found["rows"].append(row)
        found["starts"].append(start)
        found["full_lengths"].append(full_length)
        found["desirable"].append(good)
        self._lengths.append(len(ids))

    def write(self, files: Mapping[str, BinaryIO], ended: int) -> int:
        """Appends all to the files; `ended` tokens are there before, and are returned with those added."""
        self._found["offsets"] = (ended + np.cumsum(self._lengths, dtype=np.int64)).tolist()
        for name, values in self._found.items():
            files[name].write(np.array(values, dtype=_FILES[name]).tobytes())
        return ended + sum(self._lengths)


def fault(answers: tuple[Encoded, ...]) -> str:
    """Returns why nothing can be learned from a row's answers; empty if something can."""
    if reason := next(filter(None, map(_untrained, answers)), ""):
        return reason
    kept = [answer.ids[: answer.kept] for answer in answers]
    if len(kept) > 1 and kept[0] == kept[1]:
        if any(len(answer.ids) > answer.kept for answer in answers):
            return f"its answers are the same up to the maximum length of {answers[0].kept}"
        return "its answers are made into the same tokens"
    return ""


def _untrained(encoded: Encoded) -> str:
    """Returns why no token of a row would carry loss; empty if one does."""
    if any(encoded.trained[: encoded.kept]):
        return ""
    first = next((index for index, trained in enumerate(encoded.trained) if trained), None)
    if first is None:
        return "no token of it is to be learned"
    return f"the {first} tokens before the answer fill the maximum length of {encoded.kept}, so no answer is left"


def _opened(folder: Path) -> Tokens | None:
    """Opens what the cache holds; None where it holds nothing whole."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        if any(_checksum(folder / name) != about["crc32"][name] for name in _FILES):
            return None
        arrays: dict[str, Any] = {name: _mapped(folder / name, kind) for name, kind in _FILES.items()}
        untrained = [Rejected(**item) for item in about["untrained"]]
        return Tokens(**arrays, truncated=about["truncated"], untrained=untrained, answers=about["answers"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _checksum(path: Path) -> int:
    """Returns the CRC-32 of a file; a third of a second for 100 million tokens, which a whole run then learns from."""
    found = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found = zlib.crc32(piece, found)
    return found


def _mapped(path: Path, kind: Any) -> NDArray[Any]:
    # A file of no bytes cannot be mapped.
    return np.memmap(path, dtype=kind, mode="r") if path.stat().st_size else np.zeros(0, dtype=kind)
