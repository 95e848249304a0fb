"""Growing curves in numpy: appended to cheaply, smoothed as they grow."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BLOCK = 256
# So many points have their least and greatest value kept.
_STRETCH = 64


class Curve:
    """Points (x, y) in arrays that double when full, and a smoothed line beside them.

    The smoothed line is the exponential moving average without its start's bias:
    s_t = a s_(t-1) + (1 - a) y_t, divided by 1 - a^t (Kingma and Ba, 2015, section 3).

    Attributes:
        smoothing: `a`, from 0 (none) up to but not 1.
    """

    def __init__(self, smoothing: float = 0.6) -> None:
        """Starts empty."""
        self.smoothing = smoothing
        self._data = np.empty((3, 1024))
        self._ends = np.empty((2, 1024 // _STRETCH))
        self._size = 0
        self._mean = 0.0
        self._weight = 0.0

    def __len__(self) -> int:
        """Returns the number of points."""
        return self._size

    @property
    def x(self) -> NDArray[np.float64]:
        """Positions; a view."""
        return self._data[0, : self._size]

    @property
    def y(self) -> NDArray[np.float64]:
        """Values; a view."""
        return self._data[1, : self._size]

    @property
    def smoothed(self) -> NDArray[np.float64]:
        """The smoothed values; a view."""
        return self._data[2, : self._size]

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
            kept = self._ends[:, first // _STRETCH : (first + count * size) // _STRETCH].reshape(2, count, -1)
        else:
            count = (last - first) // size
            kept = np.broadcast_to(self.y[first : first + count * size].reshape(count, -1), (2, count, size))
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

    def _part(self, low: float, high: float) -> tuple[int, int]:
        """The first point of those from `low` to `high`, one more on each side, and their end."""
        first = max(0, int(np.searchsorted(self.x, low)) - 1)
        return first, min(self._size, int(np.searchsorted(self.x, high, "right")) + 1)

    def extend(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Appends points."""
        needed = self._size + len(x)
        if needed > self._data.shape[1]:
            grown = np.empty((3, max(needed, 2 * self._data.shape[1])))
            grown[:, : self._size] = self._data[:, : self._size]
            self._data = grown
            room = np.empty((2, grown.shape[1] // _STRETCH))
            room[:, : self._ends.shape[1]] = self._ends
            self._ends = room
        self._data[0, self._size : needed], self._data[1, self._size : needed] = x, y
        self._data[2, self._size : needed] = self._smooth(np.asarray(y, dtype=np.float64))
        done, whole = self._size // _STRETCH, needed // _STRETCH
        self._size = needed
        if whole > done:
            fresh = self.y[done * _STRETCH : whole * _STRETCH].reshape(-1, _STRETCH)
            self._ends[:, done:whole] = np.fmin.reduce(fresh, axis=1), np.fmax.reduce(fresh, axis=1)

    def clear(self) -> None:
        """Removes all points."""
        self._size, self._mean, self._weight = 0, 0.0, 0.0

    def set_smoothing(self, smoothing: float) -> None:
        """Smooths all points anew."""
        self.smoothing, self._mean, self._weight = smoothing, 0.0, 0.0
        self._data[2, : self._size] = self._smooth(self.y)

    def _smooth(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        a, result = self.smoothing, np.empty_like(values)
        # A value that is no number would stay in the mean for ever; the raw line shows it.
        last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
        values = np.where(last >= 0, values[last], self._mean / self._weight if self._weight else 0.0)
        powers = a ** np.arange(1, min(_BLOCK, len(values)) + 1)
        kernel = _kernel(a, len(powers))
        for first in range(0, len(values), _BLOCK):
            part = values[first : first + _BLOCK]
            n = len(part)
            mean = kernel[:n, :n] @ part + powers[:n] * self._mean
            weight = 1 - powers[:n] * (1 - self._weight)
            result[first : first + n] = mean / weight
            self._mean, self._weight = float(mean[-1]), float(weight[-1])
        return result


@lru_cache(maxsize=8)
def _kernel(a: float, size: int) -> NDArray[np.float64]:
    """Returns the weight of each value of a block (column) in the mean at each (row)."""
    lags = np.subtract.outer(np.arange(size), np.arange(size))
    return np.where(lags >= 0, (1 - a) * a ** np.maximum(lags, 0), 0.0)
