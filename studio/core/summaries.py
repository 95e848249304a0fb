"""Many rows' measures in a few numbers a column, with intervals, and how each compares with the base row by row.

Sums alone are kept, so that each row that comes takes the same little time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from studio.core.evaluations import Result
from studio.core.measures import ANSWERS, LOSSES, LOWER, SHARES, best
from studio.core.standing import Z, chance, interval

By = Literal["worst", "differs", "row"]
_SAME = 1e-9  # of two losses: nearer to each other they are the same


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure over rows.

    Attributes:
        mean: over rows; of `loss` over learned tokens, in nats, as training tells it.
        low, high: where it lies with 95 %: of shares Wilson's interval (1927), else the normal one, of a mean over
            tokens with the variance of a ratio (Cochran, Sampling Techniques, 1977, 2.11); nothing is known of one row.
        rows: how many it could be measured of.
        better, worse: rows in which this column is better than the base, or worse.
    """

    mean: float
    low: float
    high: float
    rows: int
    better: int
    worse: int

    @property
    def chance(self) -> float:
        """How likely so uneven ones are if neither is better, by the two-sided sign test."""
        return chance(self.better, self.worse)


@dataclass(slots=True)
class _Sums:
    """Sums over rows of values x and weights w: the mean is that of x over that of w."""

    rows: int = 0
    x: float = 0.0
    w: float = 0.0
    xx: float = 0.0
    xw: float = 0.0
    ww: float = 0.0
    better: int = 0
    worse: int = 0

    def add(self, value: float, weight: float) -> None:
        self.rows += 1
        x = value * weight
        self.x += x
        self.w += weight
        self.xx += x * x
        self.xw += x * weight
        self.ww += weight * weight


class Summary:
    """The measures of rows, added one by one.

    Attributes:
        rows: how many were added.
        tokens: learned ones of them.
    """

    def __init__(self, columns: int) -> None:
        """Knows of no row yet."""
        self.rows = self.tokens = 0
        self._sums: list[dict[str, _Sums]] = [{} for _ in range(columns)]

    def add(self, row: Result) -> None:
        """Adds a row that is measured."""
        self.rows += 1
        self.tokens += sum(row.tokens)
        for at, (sums, said) in enumerate(zip(self._sums, row.measured, strict=True)):
            for measure, value in said.items():
                found = sums.setdefault(measure, _Sums())
                # The loss of one answer is a mean over its tokens; of two it is the row's.
                by_token = measure == "loss" and len(row.tokens) == 1
                found.add(value, row.tokens[0] if by_token else 1)
                if by_token:
                    sums.setdefault("row_loss", _Sums()).add(value, 1)
                if at and measure in row.measured[0]:
                    gained = gain(measure, value, row.measured[0][measure])
                    found.better += gained > _SAME
                    found.worse += gained < -_SAME

    def measures(self) -> list[str]:
        """Returns what was measured of any column, in the order in which it is shown."""
        return [name for name in (*LOSSES, *ANSWERS) if any(name in sums for sums in self._sums)]

    def figure(self, column: int, measure: str) -> Figure | None:
        """Returns a measure of a column; None: it was measured of no row."""
        found = self._sums[column].get(measure)
        if found is None:
            return None
        mean = found.x / found.w
        if measure in SHARES:
            low, high = interval(found.x, found.rows)
        else:
            half = Z * _deviation(found, mean)
            least, most = (-math.inf, math.inf) if measure in LOSSES else (0.0, 1.0)
            low, high = max(least, mean - half), min(most, mean + half)
        return Figure(mean, low, high, found.rows, found.better, found.worse)

    def figures(self, measure: str) -> tuple[dict[int, Figure], set[int]]:
        """Returns a measure of the columns that it was measured of, by their places, and which of them are the best."""
        found = {at: figure for at in range(len(self._sums)) if (figure := self.figure(at, measure)) is not None}
        return found, best({at: figure.mean for at, figure in found.items()}, measure)


def gain(measure: str, value: float, base: float) -> float:
    """Returns by how much a value is better than the base's; below 0: worse."""
    return base - value if measure in LOWER else value - base


def gains(row: Result, measure: str) -> list[float]:
    """Returns by how much each column of a row but the base's is better than that; nothing where it is not measured.

    Of the base alone: how good it is.
    """
    base, *others = (said.get(measure) for said in row.measured)
    if base is None:
        return []
    return [gain(measure, value, base) for value in others if value is not None] if others else [gain(measure, base, 0)]


def ordered(rows: Iterable[Result], measure: str, by: By, *, worse: bool = False) -> list[Result]:
    """Returns rows in an order; those in which nothing is measured come last.

    Args:
        rows: measured ones.
        measure: what counts.
        by: `worst`: where a column is worst beside the base first; `differs`: where one differs most from it;
            `row`: by their numbers.
        worse: only those in which one is worse than the base.
    """
    found = [(gains(row, measure), row) for row in rows]
    if worse:
        found = [(gained, row) for gained, row in found if min(gained, default=0.0) < -_SAME]

    def key(item: tuple[list[float], Result]) -> tuple[float, int]:
        gained, row = item
        if by == "row":
            return 0.0, row.row
        first = min(gained, default=math.inf) if by == "worst" else -max(map(abs, gained), default=-math.inf)
        return first, row.row

    return [row for _, row in sorted(found, key=key)]


def _deviation(sums: _Sums, mean: float) -> float:
    """Returns the standard deviation of a mean, infinite for one row."""
    if sums.rows < 2:
        return math.inf
    # What is left of the values behind mean times weight; rounding may bring it below 0.
    squares = max(0.0, sums.xx - 2 * mean * sums.xw + mean * mean * sums.ww)
    return math.sqrt(squares * sums.rows / (sums.rows - 1)) / sums.w
