"""Where the numbers of an axis stand, and how they are written."""

import math
from dataclasses import dataclass

_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
# Where there are more decades than these, no number stands between two powers of ten.
_FEW_DECADES = 3


@dataclass(frozen=True, slots=True)
class Tick:
    """A number of an axis; `at` is where it stands: its logarithm on a logarithmic axis."""

    at: float
    text: str


def ticks(low: float, high: float, count: int, *, log: bool = False, whole: bool = False) -> list[Tick]:
    """Returns at most about `count` round numbers from `low` to `high`, the logarithms of these with `log`.

    With `whole` there is none between two whole numbers, as of steps.
    """
    if not high > low or count < 1:
        return []
    return _logarithmic(low, high, count) if log else _linear(low, high, count, whole=whole)


def _linear(low: float, high: float, count: int, *, whole: bool = False) -> list[Tick]:
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each for each in _ROUND if each * power >= raw * (1 - 1e-9)) * power
    if whole:
        step = float(max(1, math.ceil(step - 1e-9)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    most = max(abs(first), abs(last)) * step
    return [Tick(number * step, written(number * step, step, most)) for number in range(first, last + 1)]


def _logarithmic(low: float, high: float, count: int) -> list[Tick]:
    first, last = math.floor(low), math.ceil(high)
    if high - low < 1:
        # Within a decade the numbers between are round ones too.
        inner = _linear(10**low, 10**high, count)
        return [Tick(math.log10(tick.at), tick.text) for tick in inner if tick.at > 0]
    every = max(1, math.ceil((last - first) / count))
    marks = (1, 2, 5) if high - low <= _FEW_DECADES and count >= 2 * _FEW_DECADES else (1,)
    values = [mark * 10.0**decade for decade in range(first, last + 1, every) for mark in marks]
    return [
        Tick(math.log10(value), written(value, value, value)) for value in values if low <= math.log10(value) <= high
    ]


def written(value: float, step: float, most: float) -> str:
    """Writes a multiple of `step` as exactly as that needs, in the unit of the axis' greatest number."""
    if not value:
        return "0"
    if most >= 1e4:
        size, letter = next((size, letter) for size, letter in _UNITS if most >= size)
        return f"{value / size:,.{_places(step / size)}f}{letter}"
    if step >= 1e-3:
        return f"{value:,.{_places(step)}f}"
    power = math.floor(math.log10(abs(value)) + 1e-9)
    return f"{value / 10.0**power:.{_places(step / 10.0**power)}f}e{power}"


def _places(step: float) -> int:
    """How many decimals tell multiples of `step` apart."""
    return next((places for places in range(9) if abs(round(step, places) - step) < step * 1e-6), 9)
