"""Texts that are nearly the same, found among millions in linear time and bounded memory.

A text is taken as the set of its shingles, all runs of eight bytes; two texts are alike where the sets' Jaccard
similarity is at least `ALIKE` (Broder, *On the resemblance and containment of documents*, 1997). One permutation,
cut into 128 bins, stands for all hash functions (Li, Owen and Zhang, *One permutation hashing*, NIPS 2012); a bin that
stays empty borrows from another (Shrivastava, *Optimal densification*, ICML 2017). 18 bands of 7 values find the pairs
worth a look (Leskovec, Rajaraman and Ullman, *Mining of massive datasets*, 3.4): 98.6 % of those with a similarity of
0.8, 99.99 % of those with 0.9. Of these, one byte of each value (Li and Koenig, *b-bit minwise hashing*, 2010) weeds
out most that are not alike; what is left is compared exactly.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.core import mapped

ALIKE = 0.8
SHINGLE_BYTES = 8
BINS, BANDS, BAND_VALUES = 128, 18, 7
# A text with fewer different shingles says too little: one changed word makes it another text.
LEAST_SHINGLES = 32
# Shingles that stand in more than half of the rows, such as an instruction all share, tell no rows apart.
COMMON_SHARE, LEAST_SAMPLE = 0.5, 100
_KEY = np.uint64(0x9E3779B97F4A7C15)
_LOW = np.uint64((1 << 57) - 1)
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_CHUNK_ROWS = 64
_LEADERS = 4
_LOOK_ROWS = 1 << 14
# Three standard deviations of an estimate from 128 values at 0.8, below it.
_WORTH_COMPARING = 0.69

Hashes = NDArray[np.uint64]
Common = NDArray[np.bool_]


def normalised(text: str) -> bytes:
    """Returns a text without its letter case and the amount of its white space, as UTF-8."""
    return " ".join(text.casefold().split()).encode("utf-8", "replace")


def shingles(text: bytes) -> Hashes:
    """Returns the hash of every run of eight bytes of a text."""
    if len(text) < SHINGLE_BYTES:
        return np.zeros(0, np.uint64)
    runs: Hashes = np.ndarray((len(text) - SHINGLE_BYTES + 1,), np.dtype("<u8"), text, strides=(1,))
    return _mixed(runs ^ _KEY)


def common_shingles(texts: Sequence[bytes]) -> Common:
    """Returns which hashes, by their first 16 bits, stand in more than half of a sample of different rows."""
    found = np.zeros(1 << 16, np.int64)
    sample = set(texts)
    for text in sample:
        found[np.unique(_place(shingles(text)))] += 1
    # Long texts fill most places by chance: then none is told to be common.
    common = found > COMMON_SHARE * len(sample)
    if len(sample) < LEAST_SAMPLE or common.mean() > 0.1:
        common[:] = False
    return common


class Sketches:
    """The sketches of N rows, in files of a folder that may be deleted afterwards."""

    def __init__(self, folder: Path, rows: int, common: Common) -> None:
        """Makes room for `rows` rows in `folder`.

        Raises:
            OSError: there is none.
        """
        self._bands = mapped.zeros(folder / "bands", np.uint64, (BANDS, max(rows, 1)))
        self._marks = mapped.zeros(folder / "marks", np.uint8, (max(rows, 1), BINS))
        self._common = common
        self._rows = rows

    def add(self, first: int, texts: Sequence[bytes]) -> None:
        """Puts in the normalised texts of the rows from `first` on."""
        for at in range(0, len(texts), _CHUNK_ROWS):
            values, usable = _minima(texts[at : at + _CHUNK_ROWS], self._common)
            place = slice(first + at, first + at + len(values))
            self._marks[place] = (values & np.uint64(0xFF)).astype(np.uint8)
            bands = _banded(values)
            bands[:, ~usable] = 0
            self._bands[:, place] = bands

    def pairs(
        self, text_of: Callable[[int], bytes], skip: NDArray[np.bool_], on_progress: Callable[[int, int], None]
    ) -> Iterator[tuple[int, int, float]]:
        """Yields (row, earlier row, similarity) of alike rows; each row with at most one of each band's.

        Args:
            text_of: the normalised text of a row.
            skip: rows to leave out, such as exact duplicates; (N,) bool.
            on_progress: told (bands done, bands in all); what it raises passes through.
        """
        compare = _Comparison(text_of, self._common)
        alike: set[tuple[int, int]] = set()
        for band in range(BANDS):
            on_progress(band, BANDS)
            apart: set[tuple[int, int]] = set()
            for pair in self._candidates(self._bands[band, : self._rows], skip, apart):
                if pair in alike:
                    continue
                likeness = compare(*pair)
                if likeness >= ALIKE:
                    alike.add(pair)
                    yield (*pair, likeness)
                else:
                    apart.add(pair)
        on_progress(BANDS, BANDS)

    def _candidates(
        self, hashes: Hashes, skip: NDArray[np.bool_], apart: set[tuple[int, int]]
    ) -> Iterator[tuple[int, int]]:
        """Yields each row of a bucket with its first row, where they may be alike.

        What is unlike the first is then compared among itself, a few times over: so the work grows with the rows and
        not with their pairs. Whoever takes the pairs puts those that are not alike into `apart`.
        """
        rows = np.nonzero((hashes != 0) & ~skip)[0]
        rows = rows[np.argsort(hashes[rows], kind="stable")]
        for _ in range(_LEADERS):
            ordered = hashes[rows]
            new = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(rows) else np.zeros(0, bool)
            leaders = rows[new][np.cumsum(new) - 1]
            unlike = ~new
            for first in range(0, len(rows), _LOOK_ROWS):
                part = slice(first, first + _LOOK_ROWS)
                places = np.nonzero(unlike[part])[0] + first
                same = (self._marks[rows[places]] == self._marks[leaders[places]]).mean(axis=1)
                for place in places[same >= _WORTH_COMPARING].tolist():
                    pair = int(rows[place]), int(leaders[place])
                    yield pair
                    unlike[place] = pair in apart
            rows = rows[unlike]
            if len(rows) < 2:
                return


class _Comparison:
    """The exact similarity of two rows; the shingles of the last ones asked for are kept."""

    def __init__(self, text_of: Callable[[int], bytes], common: Common) -> None:
        def read(row: int) -> Hashes:
            found = np.unique(shingles(text_of(row)))
            return found[~common[_place(found)]]

        self._shingles = lru_cache(maxsize=256)(read)

    def __call__(self, row: int, other: int) -> float:
        mine, theirs = self._shingles(row), self._shingles(other)
        both = len(np.intersect1d(mine, theirs, assume_unique=True))
        return both / max(len(mine) + len(theirs) - both, 1)


def _minima(texts: Sequence[bytes], common: Common) -> tuple[Hashes, NDArray[np.bool_]]:
    """Returns the least hash in each of a row's bins, (rows, BINS), and whether it has enough of them."""
    count = len(texts)
    lengths = np.array([len(text) for text in texts])
    hashes = shingles(b"".join(texts) + bytes(SHINGLE_BYTES - 1))
    # Runs that reach into the next text count for none.
    inside = ~common[_place(hashes)]
    ends = np.cumsum(lengths)
    for back in range(1, SHINGLE_BYTES):
        inside[np.maximum(ends - back, ends - lengths)[lengths > 0]] = False
    owners = np.repeat(np.arange(0, count * BINS, BINS), lengths)[inside]
    hashes = hashes[inside]
    places = (hashes >> np.uint64(57)).view(np.int64)
    places += owners
    hashes &= _LOW
    least: Hashes = np.full(count * BINS, _EMPTY)
    np.minimum.at(least, places, hashes)
    least = least.reshape(count, BINS)
    usable = np.bincount(owners // BINS, minlength=count) >= LEAST_SHINGLES
    least[~usable] = 0
    return _densified(least), usable


def _densified(values: Hashes) -> Hashes:
    """Fills each empty bin from another one, tried in an order that is the same for every row."""
    empty, filled = values == _EMPTY, values.copy()
    step = 0
    while empty.any() and step < 10 * BINS:
        rows, bins = np.nonzero(empty)
        places = _mixed((bins.astype(np.uint64) << np.uint64(32)) + np.uint64(step)) % np.uint64(BINS)
        borrowed = values[rows, places.astype(np.int64)]
        good = borrowed != _EMPTY
        filled[rows[good], bins[good]] = _mixed(borrowed[good] + np.uint64(step))
        empty[rows[good], bins[good]] = False
        step += 1
    return filled


def _banded(values: Hashes) -> Hashes:
    """Returns one hash a band, (BANDS, rows)."""
    parts = values[:, : BANDS * BAND_VALUES].reshape(len(values), BANDS, BAND_VALUES)
    bands = np.zeros((len(values), BANDS), np.uint64)
    for index in range(BAND_VALUES):
        bands = _mixed(bands ^ parts[:, :, index])
    # 0 stands for a row that takes no part.
    return np.maximum(bands, np.uint64(1)).T


def _place(hashes: Hashes) -> NDArray[np.int64]:
    return (hashes >> np.uint64(48)).view(np.int64)


def _mixed(keys: Hashes) -> Hashes:
    """SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014)."""
    keys = np.asarray(keys ^ (keys >> np.uint64(30)))
    keys *= np.uint64(0xBF58476D1CE4E5B9)
    keys ^= keys >> np.uint64(27)
    keys *= np.uint64(0x94D049BB133111EB)
    keys ^= keys >> np.uint64(31)
    return keys
