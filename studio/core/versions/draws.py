"""Draws of rows that depend on a seed and on what is drawn from, never on a running generator.

Whatever is drawn by a row's own key stays drawn when other rows come or go. The keys are those of SplitMix64 (Steele,
Lea and Flood, OOPSLA 2014), so that no version of a library changes them.
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.core.errors import StudioError

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Mask = NDArray[np.bool_]

MAX_EPOCH_ROWS = 100_000_000
_STEP = np.uint64(0x9E3779B97F4A7C15)
_PARTS = 1_000_000  # a share is counted in these


def keys(seed: int, *parts: Ints | Keys) -> Keys:
    """Returns a random-looking key for each place of `parts`, which have one length."""
    found = np.zeros(len(parts[0]), dtype=np.uint64) + _mixed(np.array([seed], dtype=np.uint64))
    with np.errstate(over="ignore"):
        for part in parts:
            found = _mixed(found + (part.astype(np.uint64) + np.uint64(1)) * _STEP)
    return found


def lowest(drawn: Keys, count: int) -> Ints:
    """Returns the places of the `count` lowest keys, or of all where there are no more; rising."""
    return np.sort(np.argsort(drawn, kind="stable")[:count])


def lowest_of_each(drawn: Keys, groups: Ints, count: int) -> Ints:
    """Returns the places of the `count` lowest keys of each group; rising."""
    order = np.lexsort((drawn, groups))
    _, starts, inverse = np.unique(groups[order], return_index=True, return_inverse=True)
    rank = np.arange(len(order)) - starts[inverse]
    return np.sort(order[rank < count])


def split(contents: Keys, strata: Sequence[str] | None, share: float, seed: int) -> Mask:
    """Draws the rows to be held back for evaluation.

    In each stratum the rows are cut, in their order, into blocks of 1 / `share` rows, and of each block one row is
    drawn: so every stratum has its share, to one row, and rows appended to a file move none of the others. Rows of
    equal content count as one and go where the first of them goes. If by chance no row would be held back, or all,
    one is drawn from all rows.

    Args:
        contents: a key of what each row holds; equal rows have the same.
        strata: what stratum each row is of; None: there is one.
        share: at least 0 and below 1.
        seed: decides the draw.

    Returns:
        (rows,) whether it is held back; with a share above 0 some are, and some are not.

    Raises:
        StudioError: (data) there are not two different rows.
    """
    if share <= 0 or not len(contents):
        return np.zeros(len(contents), dtype=bool)
    _, first, inverse = np.unique(contents, return_index=True, return_inverse=True)
    if len(first) < 2:
        message = "Rows that are all equal cannot be split in two."
        raise StudioError("data", message if len(contents) > 1 else "One row cannot be split in two.", _MORE)
    order = np.sort(first)
    names = np.zeros(len(order), dtype=np.uint64) if strata is None else _named([strata[i] for i in order])
    # The smaller side is drawn, so that a block has room for both.
    inverted = share > 0.5
    drawn = _one_a_block(names, 1 - share if inverted else share, seed)
    if not drawn.any():
        drawn[int(keys(seed, np.arange(1))[0] % np.uint64(len(drawn)))] = True
    held = np.zeros(len(contents), dtype=bool)
    held[order] = ~drawn if inverted else drawn
    return np.asarray(held[first][inverse])


def _one_a_block(strata: Keys, share: float, seed: int) -> Mask:
    places = _count_up(strata)
    parts = max(round(share * _PARTS), 1)
    block = places * parts // _PARTS
    start, stop = -(-block * _PARTS // parts), -(-(block + 1) * _PARTS // parts)
    picked = keys(seed, strata, block) % (stop - start).astype(np.uint64)
    return np.asarray(places - start == picked.astype(np.int64))


def _count_up(groups: Keys) -> Ints:
    """Returns for each place how many before it are of the same group."""
    order = np.argsort(groups, kind="stable")
    _, starts, inverse = np.unique(groups[order], return_index=True, return_inverse=True)
    places = np.empty(len(groups), dtype=np.int64)
    places[order] = np.arange(len(groups)) - starts[inverse]
    return places


def epoch_counts(
    available: Sequence[int], shares: Sequence[float], epoch: Literal["shortest", "longest"] | int
) -> Ints:
    """Returns how many rows of each source an epoch has; each is its exact share, rounded up or down.

    Args:
        available: how many rows each source has; 0 only where its share is 0.
        shares: only their ratio counts.
        epoch: rows of an epoch: `shortest`, as many as there can be without any row coming twice; `longest`, as few
            as there can be with every row coming at least once; or how many.

    Raises:
        StudioError: (data) the shares do not fit the sources, or the epoch would be endless.
    """
    if len(shares) != len(available) or not any(shares):
        message = f"{len(shares)} shares were given for {len(available)} sources."
        raise StudioError("data", message, "Give one share a source, at least one of them above 0.")
    whole = sum(map(Fraction, shares))
    exact = [Fraction(share) / whole for share in shares]
    lengths = [count / share for count, share in zip(available, exact, strict=True) if share]
    rows = epoch if isinstance(epoch, int) else int(min(lengths)) if epoch == "shortest" else -int(-max(lengths) // 1)
    if rows > MAX_EPOCH_ROWS:
        message = f"An epoch of this mix would have {rows:,} rows."
        raise StudioError("data", message, "Raise the smallest share, or give the number of rows of an epoch.")
    counts = [int(share * rows) for share in exact]
    rest = sorted(range(len(exact)), key=lambda i: counts[i] - exact[i] * rows)
    for i in rest[: rows - sum(counts)]:
        counts[i] += 1
    return np.array(counts, dtype=np.int64)


def interleaved(counts: Ints) -> Ints:
    """Returns whose turn it is at each place of an epoch, every source spread evenly over it."""
    turns = np.concatenate([(np.arange(count) + 0.5) / count for count in counts if count] or [np.zeros(0)])
    return np.asarray(np.repeat(np.arange(len(counts)), counts)[np.argsort(turns, kind="stable")])


def _named(strata: Sequence[str]) -> Keys:
    known = {name: int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) for name in set(strata)}
    return np.array([known[name] for name in strata], dtype=np.uint64)


def _mixed(values: Keys) -> Keys:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return values ^ (values >> np.uint64(31))


_MORE = "Add rows, or set the share of evaluation rows to 0."
