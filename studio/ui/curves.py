"""Growing curves in numpy: appended to cheaply, smoothed as they grow."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BLOCK = 256


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
        first = max(0, int(np.searchsorted(self.x, low)) - 1)
        last = int(np.searchsorted(self.x, high, "right")) + 1
        x, y = self.x[first:last], self.y[first:last]
        size = len(x) // blocks
        if size < 4:
            return x, y
        whole = len(x) // size * size
        stretches = y[:whole].reshape(-1, size)
        ends = np.stack([np.fmin.reduce(stretches, axis=1), np.fmax.reduce(stretches, axis=1)], axis=1)
        places = x[:whole].reshape(-1, size)[:, [0, size // 2]]
        return np.concatenate([places.ravel(), x[whole:]]), np.concatenate([ends.ravel(), y[whole:]])

    def extend(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Appends points."""
        needed = self._size + len(x)
        if needed > self._data.shape[1]:
            grown = np.empty((3, max(needed, 2 * self._data.shape[1])))
            grown[:, : self._size] = self._data[:, : self._size]
            self._data = grown
        self._data[0, self._size : needed], self._data[1, self._size : needed] = x, y
        self._data[2, self._size : needed] = self._smooth(np.asarray(y, dtype=np.float64))
        self._size = needed

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
