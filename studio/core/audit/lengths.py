"""How long rows are in tokens, and what any maximum length would make of them, at the speed of a drag.

Everything is counted from sorted lengths and their sums, so a question costs the same for a thousand rows and for a
million. The packed sequences are those the engine really makes (`studio.engine.batches`), counted and not drawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.core.config import TrainingSpec

Counts = NDArray[np.int32]

FIELDS = ("rows", "tokens", "first", "last", "stop", "ended", "begins", "other")
# A histogram is of this share of the rows, where the longest is more than so many times as long as all of them.
# Of fewer rows than these, none is an outlier.
_BULK, _FAR, _MANY = 0.995, 2, 20


@dataclass(frozen=True, slots=True)
class Cut:
    """What a maximum length makes of the rows.

    Attributes:
        cutoff: the maximum length.
        cut: rows that lose tokens at their end.
        shortened: rows whose last answer loses its end.
        lost: rows whose last answer is lost whole.
        dropped: rows left out, since no token of theirs would carry loss.
        rows: rows that are trained on.
        tokens: tokens that an epoch feeds.
        chunked: plain texts that are made into several sequences instead of being cut.
        sequences: what is fed: the rows, and of such texts each chunk.
    """

    cutoff: int
    cut: int
    shortened: int
    lost: int
    dropped: int
    rows: int
    tokens: int
    chunked: int
    sequences: int


@dataclass(frozen=True)
class Lengths:
    """The rows' lengths in tokens before any cut; N rows that the template lays out and that have something to learn.

    Attributes:
        rows: each row's number in its file; int32, N.
        tokens: how many it has.
        first: the place of its first token that carries loss; of two answers, that of the first token that differs, if
            that is later.
        last: where its last answer begins.
        stop: behind its last token that carries loss.
        ended: 1 where a token that ends an answer is among the last of them.
        begins: of a plain text, which may be made into chunks, how many tokens each of them begins with; -1 elsewhere.
        other: of two answers the longer one is what is told of; the tokens of the shorter one, with all that stands
            before it; 0: there is one answer.
    """

    rows: Counts
    tokens: Counts
    first: Counts
    last: Counts
    stop: Counts
    ended: Counts
    begins: Counts
    other: Counts

    def __len__(self) -> int:
        """Returns N."""
        return len(self.rows)

    @property
    def pairs(self) -> bool:
        """Whether rows have two answers, which are never packed."""
        return bool(len(self._other))

    def take(self, rows: Iterable[int] | NDArray[Any]) -> "Lengths":
        """Returns those of the rows with these numbers in their file."""
        return self._where(np.isin(self.rows, np.asarray(rows if isinstance(rows, np.ndarray) else list(rows))))

    def at(self, cutoff: int, overlap: int | None = None) -> Cut:
        """Counts what a maximum length makes of the rows; some microseconds.

        Args:
            cutoff: the maximum length, in tokens.
            overlap: tokens that a chunk of a long text repeats of the one before; None: texts are cut like other rows.
        """
        if overlap is not None and len(self._texts):
            return self._with_chunks(self._others.at(cutoff), overlap)
        whole = int(np.searchsorted(self._tokens, cutoff, side="right"))
        cut = len(self) - whole
        dropped = self._from(self._first, cutoff)
        rows = len(self) - dropped
        return Cut(
            cutoff=cutoff,
            cut=cut,
            shortened=len(self) - int(np.searchsorted(self._stop, cutoff, side="right")),
            lost=self._from(self._last, cutoff),
            dropped=dropped,
            rows=rows,
            # What is dropped is longer than the cutoff, so each would have fed exactly as many.
            tokens=int(self._sums[whole]) + cutoff * (cut - dropped) + self._others_tokens(cutoff, dropped),
            chunked=0,
            sequences=rows,
        )

    def steps(self, cutoff: int, spec: TrainingSpec, packing: bool, overlap: int | None = None) -> int:
        """Counts an epoch's optimizer steps, as the engine makes them.

        Padded it takes microseconds. Packed it counts what best-fit decreasing would make of all rows, length by
        length: some milliseconds for 100,000 rows.
        """
        sequences = self.at(cutoff, overlap).sequences
        if packing:
            fed = self._fed(cutoff, overlap)
            in_order = spec.train_sampling_strategy == "sequential"
            sequences = _next_fit(fed, cutoff) if in_order else _best_fit(np.bincount(fed), cutoff)
        return _steps(sequences, spec)

    def least_steps(self, cutoff: int, spec: TrainingSpec, overlap: int | None = None) -> int:
        """Counts an epoch's packed steps as if no sequence had room left: never too many, mostly within 1 %."""
        return _steps(-(-self.at(cutoff, overlap).tokens // cutoff), spec)

    def chunks(self, cutoff: int, overlap: int) -> tuple[Counts, Counts]:
        """Returns in how many sequences each row is fed and how long the last of them is; (N,) each.

        All before the last have `cutoff` tokens. Rows that are no plain text are fed in one.
        """
        tokens, begins = self.tokens.astype(np.int64), np.maximum(self.begins, 0)
        long = (tokens > cutoff) & (self.begins >= 0)
        # As the settings allow; and there is always room for a new token.
        overlap = min(overlap, cutoff // 2)
        advance = np.maximum(cutoff - begins - overlap, 1)
        more = np.where(long, -(-(tokens - cutoff) // advance), 0)
        last = np.where(long, tokens - (cutoff + (more - 1) * advance - overlap) + begins, np.minimum(tokens, cutoff))
        # A last one of one token has nothing before it to be predicted from, and is not fed.
        idle = long & (last == 1)
        return (1 + more - idle).astype(np.int32), np.where(idle, cutoff, last).astype(np.int32)

    def histogram(self, bins: int = 100, shown: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns how many rows are of each length, in at most `bins` equal bins, and the bounds between these.

        A bin is of whole tokens, those above its lower bound up to its upper one, so that none is empty only for
        holding no number, and all behind a cutoff is cut by it.
        Where a few rows are far longer than the others, the bounds end at `_BULK` of the rows, but not before `shown`
        tokens, and the last bin has all that are longer besides.
        """
        longest = max(int(self.tokens.max(initial=1)), 1)
        bulk = int(np.quantile(self.tokens, _BULK, method="lower")) if len(self) >= _MANY else longest
        top = longest if longest <= _FAR * bulk else min(max(bulk, shown, 1), longest)
        width = -(-top // bins)
        edges = np.arange(0, top + width, width)
        counts, _ = np.histogram(np.clip(self.tokens, 1, top) - 1, bins=edges)
        return counts.astype(np.int64), edges.astype(np.float64)

    def save(self, folder: Path) -> None:
        """Writes them to `lengths.npy`, 32 bytes a row."""
        np.save(folder / "lengths.npy", np.stack([getattr(self, name) for name in FIELDS]).astype(np.int32))

    @staticmethod
    def load(folder: Path) -> "Lengths | None":
        """Opens what `save` wrote; None where it is not whole."""
        try:
            table = np.load(folder / "lengths.npy")
            return Lengths(*table) if table.shape[0] == len(FIELDS) else None
        except (OSError, ValueError, IndexError):
            return None

    def _others_tokens(self, cutoff: int, dropped: int) -> int:
        """Returns what is fed of the shorter answers; of rows with two, a prompt that leaves none room drops both."""
        if not self.pairs:
            return 0
        whole = int(np.searchsorted(self._other, cutoff, side="right"))
        return int(self._other_sums[whole]) + cutoff * (len(self._other) - whole - dropped)

    def _with_chunks(self, others: Cut, overlap: int) -> Cut:
        """Adds to the other rows the plain texts, of which nothing is lost."""
        cutoff, (kinds, counts) = others.cutoff, self._kinds
        fed, last = kinds.chunks(cutoff, overlap)
        tokens = int((counts * ((fed.astype(np.int64) - 1) * cutoff + last)).sum())
        return replace(
            others,
            rows=others.rows + len(self._texts),
            tokens=others.tokens + tokens,
            chunked=int(counts[fed > 1].sum()),
            sequences=others.sequences + int((counts * fed).sum()),
        )

    def _fed(self, cutoff: int, overlap: int | None) -> Counts:
        """Returns the lengths of all sequences that are fed, in the order of the rows."""
        if overlap is None or not len(self._texts):
            return np.minimum(self.tokens[self.first < cutoff], cutoff)
        kept = self._where((self.first < cutoff) | (self.begins >= 0))
        fed, last = kept.chunks(cutoff, overlap)
        lengths = np.full(int(fed.sum()), cutoff, np.int32)
        lengths[np.cumsum(fed) - 1] = last
        return lengths

    def _where(self, kept: NDArray[np.bool_]) -> "Lengths":
        return Lengths(*(getattr(self, name)[kept] for name in FIELDS))

    @cached_property
    def _texts(self) -> "Lengths":
        return self._where(self.begins >= 0)

    @cached_property
    def _others(self) -> "Lengths":
        return self._where(self.begins < 0)

    @cached_property
    def _kinds(self) -> tuple["Lengths", NDArray[np.int64]]:
        """Returns one text of each length and beginning, and how many there are of it."""
        texts = self._texts
        _, first, counts = np.unique(
            np.stack([texts.tokens, texts.begins]), axis=1, return_index=True, return_counts=True
        )
        one = np.zeros(len(texts), np.bool_)
        one[first] = True
        return texts._where(one), counts[np.argsort(first)]

    @cached_property
    def _tokens(self) -> Counts:
        return np.sort(self.tokens)

    @cached_property
    def _first(self) -> Counts:
        return np.sort(self.first)

    @cached_property
    def _last(self) -> Counts:
        return np.sort(self.last)

    @cached_property
    def _stop(self) -> Counts:
        return np.sort(self.stop)

    @cached_property
    def _sums(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self._tokens, dtype=np.int64)])

    @cached_property
    def _other(self) -> Counts:
        return np.sort(self.other[self.other > 0])

    @cached_property
    def _other_sums(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self._other, dtype=np.int64)])

    def _from(self, places: Counts, cutoff: int) -> int:
        """Returns how many of the sorted places a cut at `cutoff` takes away."""
        return len(self) - int(np.searchsorted(places, cutoff, side="left"))


def _steps(sequences: int, spec: TrainingSpec) -> int:
    micro_batches = -(-sequences // spec.per_device_train_batch_size)
    return -(-micro_batches // spec.gradient_accumulation_steps)


def _best_fit(counts: NDArray[np.int64], room: int) -> int:
    """Counts the sequences that best-fit decreasing makes of `counts[n]` rows of each length n.

    Rows of one length are alike, so they are placed together: the fullest sequence that takes one takes as many as it
    can, and all sequences with as much room left do the same. What room is then left is less than any other's that
    takes a row of this length, so these are a stack.
    """
    left = [0] * (room + 1)  # how many sequences have this much room
    fitting: list[int] = []  # the rooms that take a row of this length, the tightest last
    made, before = 0, room
    lengths = np.nonzero(counts)[0][::-1]
    for length, waiting in zip(lengths.tolist(), counts[lengths].tolist(), strict=True):
        fitting += [space for space in range(before - 1, length - 1, -1) if left[space]]
        before = length
        while waiting:
            if not fitting:
                fresh = -(-waiting // (room // length))
                made += fresh
                left[room] = fresh
                fitting.append(room)
            # Each is filled before the next.
            space = fitting[-1]
            each = space // length
            full = min(left[space], waiting // each)
            waiting -= full * each
            left[space] -= full
            left[space - each * length] += full
            rest = waiting if left[space] else 0
            if rest:
                waiting = 0
                left[space] -= 1
                left[space - rest * length] += 1
            if not left[space]:
                fitting.pop()
            if rest and space - rest * length >= length:
                fitting.append(space - rest * length)
    return made


def _next_fit(lengths: Counts, room: int) -> int:
    """Counts the sequences that filling one after the other makes of rows in their order."""
    ends = np.cumsum(lengths, dtype=np.int64)
    behind = np.searchsorted(ends, ends - lengths + room, side="right").tolist()
    made = start = 0
    while start < len(behind):
        start = behind[start]
        made += 1
    return made
