"""How long rows are in tokens, and what any maximum length would make of them, at the speed of a drag.

Everything is counted from sorted lengths and their sums, so a question costs the same for a thousand rows and for a
million. The packed sequences are those the engine really makes (`studio.engine.batches`), counted and not drawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.core.config import TrainingSpec

Counts = NDArray[np.int32]

FIELDS = ("rows", "tokens", "first", "last", "stop", "ended")


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
    """

    cutoff: int
    cut: int
    shortened: int
    lost: int
    dropped: int
    rows: int
    tokens: int


@dataclass(frozen=True)
class Lengths:
    """The rows' lengths in tokens before any cut; N rows that the template lays out and that have something to learn.

    Attributes:
        rows: each row's number in its file; int32, N.
        tokens: how many it has.
        first: the place of its first token that carries loss.
        last: where its last answer begins.
        stop: behind its last token that carries loss.
        ended: 1 where a token that ends an answer is among the last of them.
    """

    rows: Counts
    tokens: Counts
    first: Counts
    last: Counts
    stop: Counts
    ended: Counts

    def __len__(self) -> int:
        """Returns N."""
        return len(self.rows)

    def take(self, rows: Iterable[int] | NDArray[Any]) -> "Lengths":
        """Returns those of the rows with these numbers in their file."""
        kept = np.isin(self.rows, np.asarray(rows if isinstance(rows, np.ndarray) else list(rows)))
        return Lengths(*(getattr(self, name)[kept] for name in FIELDS))

    def at(self, cutoff: int) -> Cut:
        """Counts what a maximum length makes of the rows; some microseconds."""
        whole = int(np.searchsorted(self._tokens, cutoff, side="right"))
        cut = len(self) - whole
        dropped = self._from(self._first, cutoff)
        # What is dropped is longer than the cutoff, so each would have fed exactly as many.
        fed = int(self._sums[whole]) + cutoff * (cut - dropped)
        return Cut(
            cutoff=cutoff,
            cut=cut,
            shortened=len(self) - int(np.searchsorted(self._stop, cutoff, side="right")),
            lost=self._from(self._last, cutoff),
            dropped=dropped,
            rows=len(self) - dropped,
            tokens=fed,
        )

    def steps(self, cutoff: int, spec: TrainingSpec, packing: bool, world_size: int = 1) -> int:
        """Counts an epoch's optimizer steps, as the engine makes them.

        Padded it takes microseconds. Packed it counts what best-fit decreasing would make of all rows, length by
        length: some milliseconds for 100,000 rows.
        """
        sequences = self.at(cutoff).rows
        if packing:
            kept = self.first < cutoff
            lengths = np.minimum(self.tokens[kept], cutoff)
            in_order = spec.train_sampling_strategy == "sequential"
            sequences = _next_fit(lengths, cutoff) if in_order else _best_fit(np.bincount(lengths), cutoff)
        micro_batches = -(-sequences // spec.per_device_train_batch_size)
        return -(-micro_batches // (spec.gradient_accumulation_steps * world_size))

    def histogram(self, bins: int = 100) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns how many rows are of each length, (bins,), and the bounds between them, (bins + 1,)."""
        counts, edges = np.histogram(self.tokens, bins=bins, range=(0, max(int(self.tokens.max(initial=1)), 1)))
        return counts.astype(np.int64), edges.astype(np.float64)

    def save(self, folder: Path) -> None:
        """Writes them to `lengths.npy`, 24 bytes a row."""
        np.save(folder / "lengths.npy", np.stack([getattr(self, name) for name in FIELDS]).astype(np.int32))

    @staticmethod
    def load(folder: Path) -> "Lengths | None":
        """Opens what `save` wrote; None where it is not whole."""
        try:
            table = np.load(folder / "lengths.npy")
            return Lengths(*table) if table.shape[0] == len(FIELDS) else None
        except (OSError, ValueError, IndexError):
            return None

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

    def _from(self, places: Counts, cutoff: int) -> int:
        """Returns how many of the sorted places a cut at `cutoff` takes away."""
        return len(self) - int(np.searchsorted(places, cutoff, side="left"))


def _best_fit(counts: NDArray[np.int64], room: int) -> int:
    """Counts the sequences that best-fit decreasing makes of `counts[n]` rows of each length n.

    Rows of one length are alike, so they are placed together: the fullest sequence that takes one takes as many as it
    can, and all sequences with as much room left do the same.
    """
    left = np.zeros(room + 1, np.int64)  # how many sequences have this much room
    made = 0
    for length in np.nonzero(counts)[0][::-1].tolist():
        waiting = int(counts[length])
        # Rooms this row fits in, the tightest first; filling them makes only smaller ones.
        for space in (np.nonzero(left[length:])[0] + length).tolist():
            waiting = _fill(left, space, length, waiting, int(left[space]))
            if not waiting:
                break
        if waiting:
            fresh = -(-waiting // (room // length))
            made += fresh
            left[room] += fresh
            _fill(left, room, length, waiting, fresh)
    return made


def _fill(left: NDArray[np.int64], space: int, length: int, waiting: int, sequences: int) -> int:
    """Puts rows into sequences of equal room, each filled before the next; returns how many rows still wait."""
    each = space // length
    full = min(sequences, waiting // each)
    left[space] -= full
    left[space - each * length] += full
    waiting -= full * each
    if waiting and full < sequences:
        left[space] -= 1
        left[space - waiting * length] += 1
        waiting = 0
    return waiting


def _next_fit(lengths: Counts, room: int) -> int:
    """Counts the sequences that filling one after the other makes of rows in their order."""
    ends = np.cumsum(lengths, dtype=np.int64)
    behind = np.searchsorted(ends, ends - lengths + room, side="right").tolist()
    made = start = 0
    while start < len(behind):
        start = behind[start]
        made += 1
    return made
