"""Growing curves in numpy: appended to cheaply, smoothed as they grow."""

from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from studio.core.steps import Column

_BLOCK = 64
# So many points have their least and greatest value kept.
_STRETCH = 64


class Curve:
    """Points (x, y), and a smoothed line beside them.

    The smoothed line is the exponential moving average without its start's bias:
    s_t = a s_(t-1) + (1 - a) y_t, divided by 1 - a^t (Kingma and Ba, 2015, section 3).

    Attributes:
        smoothing: `a`, from 0 (none) up to but not 1; None: there is no smoothed line.
    """

    def __init__(self, smoothing: float | None = 0.6, x: Column | None = None, y: Column | None = None) -> None:
        """Draws `y` over `x`, which others fill, as far as `advance` took them over; None: columns of its own."""
        self.smoothing = smoothing
        self._x, self._y = Column() if x is None else x, Column() if y is None else y
        self._smoothed, self._least, self._most = Column(), Column(), Column()
        self._size = 0
        self._mean = 0.0
        self._weight = 0.0

    def __len__(self) -> int:
        """Returns the number of points."""
        return self._size

    @property
    def x(self) -> NDArray[np.float64]:
        """Positions; a view."""
        return self._x.values[: self._size]

    @property
    def y(self) -> NDArray[np.float64]:
        """Values; a view."""
        return self._y.values[: self._size]

    @property
    def smoothed(self) -> NDArray[np.float64]:
        """The smoothed values; a view."""
        return self._smoothed.values

    def outline(
        self, low: float = -np.inf, high: float = np.inf, *, blocks: int = 1000
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns points that draw the line from `low` to `high`.

        Where there are many, these are the least and the greatest value of each of about `blocks` stretches: on a
        screen the same line.
        """
        first, last = self._part(low, high)
        size = (last - first) // blocks
        if size < 4:
            return self.x[first:last], self.y[first:last]
        if size >= 2 * _STRETCH:
            size, first = size // _STRETCH * _STRETCH, first // _STRETCH * _STRETCH
            count = (last - first) // size
            part = slice(first // _STRETCH, (first + count * size) // _STRETCH)
            kept = tuple(ends.values[part].reshape(count, -1) for ends in (self._least, self._most))
        else:
            count = (last - first) // size
            kept = (self.y[first : first + count * size].reshape(count, -1),) * 2
        ends = np.stack([np.fmin.reduce(kept[0], axis=1), np.fmax.reduce(kept[1], axis=1)], axis=1)
        whole = first + count * size
        places = self.x[first:whole].reshape(-1, size)[:, [0, size // 2]]
        rest = slice(whole, last)
        return np.concatenate([places.ravel(), self.x[rest]]), np.concatenate([ends.ravel(), self.y[rest]])

    def trend(
        self, low: float = -np.inf, high: float = np.inf, *, points: int = 400
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns at most about `points` points of the smoothed line from `low` to `high`, its last among them."""
        first, last = self._part(low, high)
        at = np.arange(first, last, max(1, (last - first) // points))
        at = np.append(at, last - 1) if len(at) and at[-1] != last - 1 else at
        return self.x[at], self.smoothed[at]

    def means(
        self, low: float = -np.inf, high: float = np.inf, *, blocks: int = 100
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the mean of each of about `blocks` stretches from `low` to `high`: such lines hide others less."""
        first, last = self._part(low, high)
        size = max(1, (last - first) // blocks)
        begun = np.arange(first, last, size)
        ends = np.append(begun[1:], last)[: len(begun)]
        sums = np.add.reduceat(self.y[first:last], begun - first) if len(begun) else self.y[:0]
        return self.x[(begun + ends - 1) // 2], sums / (ends - begun)

    def _part(self, low: float, high: float) -> tuple[int, int]:
        """The first point of those from `low` to `high`, one more on each side, and their end."""
        first = max(0, int(np.searchsorted(self.x, low)) - 1)
        return first, min(self._size, int(np.searchsorted(self.x, high, "right")) + 1)

    def extend(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Appends points to the columns, which are its own."""
        self._x.extend(x)
        self._y.extend(y)
        self.advance()

    def advance(self) -> None:
        """Takes over what was appended to the columns."""
        done, self._size = self._size, min(len(self._x), len(self._y))
        if self._size > done and self.smoothing is not None:
            self._smoothed.reserve(self._y.room)
            self._smoothed.extend(self._smooth(self.y[done:], self.smoothing))
        whole = self._size // _STRETCH
        if whole > len(self._least):
            fresh = self.y[len(self._least) * _STRETCH : whole * _STRETCH].reshape(-1, _STRETCH)
            self._least.extend(np.fmin.reduce(fresh, axis=1))
            self._most.extend(np.fmax.reduce(fresh, axis=1))

    def cut(self, size: int) -> None:
        """Removes all points behind the first `size`, from the columns too."""
        self._size = min(size, self._size)
        for column in (self._x, self._y, self._smoothed):
            column.cut(size)
        for column in (self._least, self._most):
            column.cut(self._size // _STRETCH)
        # As it was behind these: the smoothed line times its weight is the mean.
        self._weight = 1.0 - (self.smoothing or 0.0) ** self._size
        self._mean = float(self.smoothed[-1]) * self._weight if len(self._smoothed) else 0.0

    def set_smoothing(self, smoothing: float) -> None:
        """Smooths all points anew."""
        self.smoothing, self._mean, self._weight = smoothing, 0.0, 0.0
        self._smoothed.cut(0)
        self._smoothed.extend(self._smooth(self.y, smoothing))

    def _smooth(self, values: NDArray[np.float64], a: float) -> NDArray[np.float64]:
        if not len(values):
            return values
        # A value that is no number would stay in the mean for ever; the raw line shows it.
        last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
        values = np.where(last >= 0, values[last], self._mean / self._weight if self._weight else 0.0)
        powers, count = a ** np.arange(1, _BLOCK + 1), -(-len(values) // _BLOCK)
        blocks = np.zeros((count, _BLOCK))
        blocks.ravel()[: len(values)] = values
        # Of each block by itself, and what is left in it of all before: of the mean, and of what it lacks in weight.
        means = blocks @ _kernel(a, _BLOCK).T
        kept = float(powers[-1])
        before = accumulate(means[:-1, -1].tolist(), lambda mean, own: kept * mean + own, initial=self._mean)
        means += np.outer(list(before), powers)
        lacks = np.outer((1 - self._weight) * kept ** np.arange(count), powers)
        self._mean, self._weight = (float(each.ravel()[len(values) - 1]) for each in (means, 1 - lacks))
        means /= 1 - lacks
        return means.ravel()[: len(values)]


@lru_cache(maxsize=8)
def _kernel(a: float, size: int) -> NDArray[np.float64]:
    """Returns the weight of each value of a block (column) in the mean at each (row)."""
    lags = np.subtract.outer(np.arange(size), np.arange(size))
    return np.where(lags >= 0, (1 - a) * a ** np.maximum(lags, 0), 0.0)
