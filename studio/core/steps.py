"""Optimizer steps by the million: kept as columns of numbers, and read from their lines many at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain, groupby
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeGuard

import orjson

from studio.core.events import Event, Step, decode_event

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

HEAD = b'{"kind":"step"'
"""What the line of a step begins with."""

NAMES = tuple(field.name for field in fields(Step) if field.name != "kind")
_WHOLE = ("step", "tokens", "trained_tokens", "memory_bytes")
_MAYBE = ("reward_accuracy", "reward_margin")
_KINDS = [{int} if name in _WHOLE else {float, NoneType} if name in _MAYBE else {float} for name in NAMES]
_OF_LINE = itemgetter("kind", *NAMES)
_ROOM, _APART = 1024, 13
_LOOSE = 1000
_MOST = 1e308  # an integer of an event may be larger

Fields = dict[str, list[Any]]
Kept = Mapping[str, str]
ALL: Kept = dict.fromkeys(NAMES, "f8")


class Column:
    """Numbers (n,) that grow at the end; numpy is loaded with the first of them, not before."""

    def __init__(self, room: int = _ROOM, kind: str = "f8") -> None:
        """Starts empty; of many columns each has a `room` of its own, so that no two are full at the same time.

        `kind` is `f8` (float64) or `f4` (float32).
        """
        self._room, self._kind, self._size = room, kind, 0
        self._data: Values | None = None

    def __len__(self) -> int:
        """Returns how many there are."""
        return self._size

    @property
    def room(self) -> int:
        """For how many there is room."""
        return self._room if self._data is None else len(self._data)

    @property
    def values(self) -> "Values":
        """The numbers; a view."""
        return self._array()[: self._size]

    def extend(self, values: "Values | Sequence[Any]") -> None:
        """Appends numbers; None stands for no number."""
        size = self._size + len(values)
        self.reserve(size)
        data = self._array()
        try:
            data[self._size : size] = values
        except OverflowError:
            data[self._size : size] = [min(max(value, -_MOST), _MOST) for value in values]
        self._size = size

    def reserve(self, size: int) -> None:
        """Makes room for so many, so that none is moved before; what is not used takes no memory."""
        data = self._array()
        if size > len(data):
            import numpy as np

            # Doubled, and not as long as is needed, so that the rooms stay apart.
            self._data = np.empty(len(data) << ((size - 1) // len(data)).bit_length(), self._kind)
            self._data[: self._size] = data[: self._size]

    def cut(self, size: int) -> None:
        """Removes all behind the first `size`."""
        self._size = min(size, self._size)

    def _array(self) -> "Values":
        if self._data is None:
            import numpy as np

            self._data = np.empty(self._room, self._kind)
        return self._data


class Steps:
    """Optimizer steps in their order; whole numbers are exact up to 2^53.

    Attributes:
        columns: the numbers of each field that is kept, by name; none where no step tells of it.
    """

    def __init__(self, kept: Kept = ALL, told: Fields | None = None) -> None:
        """Holds what is `told` of some, each field as long as the others.

        Of a field that is not `kept` only that of the last step is known, and 0 once the run has gone back.
        """
        self.columns = {name: Column(_ROOM + _APART * at, kind) for at, (name, kind) in enumerate(kept.items())}
        self._laid = 0
        # Behind those in the columns: for a few of them numpy need not be loaded.
        self._loose: list[Step] = []
        self._last: Step | None = None
        self._lay(told or {"step": []})

    def __len__(self) -> int:
        """Returns how many there are."""
        return self._laid + len(self._loose)

    def __iter__(self) -> Iterator[Step]:
        """Yields one after the other."""
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, at: int) -> Step:
        """Returns one by its place, negative from the end; of a field that is not kept 0."""
        at = at + len(self) if at < 0 else at
        if not 0 <= at < len(self):
            raise IndexError(at)
        if at >= self._laid:
            return self._loose[at - self._laid]
        return self._last if at == self._laid - 1 and self._last is not None else self._made(at)

    def column(self, name: str) -> "Values":
        """Returns a kept field of all steps, (n,); a view. Empty where no step tells of it."""
        self.settle()
        return self.columns[name].values

    def append(self, step: Step) -> None:
        """Appends one."""
        self._loose.append(step)
        if len(self._loose) >= _LOOSE:
            self.settle()

    def extend(self, other: "Steps") -> None:
        """Appends those of another that keeps the same fields."""
        self.settle()
        for name, column in self.columns.items():
            found = other.column(name)
            if len(found) or len(column):
                column.extend([None] * (self._laid - len(column)))
                column.extend(found if len(found) else [None] * len(other))
        if len(other):
            self._laid, self._last = self._laid + len(other), other[-1]

    def reserve(self, size: int) -> None:
        """Makes room for so many in the columns of what each step tells of."""
        for name, column in self.columns.items():
            if name not in _MAYBE:
                column.reserve(size)

    def until(self, step: int) -> int:
        """Returns how many there are before the first that is later than `step`."""
        later = self.column("step") > step
        return int(later.argmax()) if later.any() else len(later)

    def cut(self, step: int) -> None:
        """Removes the first that is later than `step`, and all behind it."""
        if len(self) and self[-1].step > step:
            self.keep(self.until(step))

    def keep(self, size: int) -> None:
        """Removes all behind the first `size`."""
        if size < len(self):
            self.settle()
            for column in self.columns.values():
                column.cut(size)
            self._laid, self._last = size, None

    def settle(self) -> None:
        """Lays the loose ones into the columns."""
        loose, self._loose = self._loose, []
        self._lay(_told_by(loose))

    def _lay(self, told: Fields) -> None:
        if not (size := len(told["step"])):
            return
        for name, column in self.columns.items():
            values = told[name]
            if name not in _MAYBE or len(column) or any(value is not None for value in values):
                column.extend([None] * (self._laid - len(column)))
                column.extend(values)
        self._laid, self._last = self._laid + size, Step(**{name: values[-1] for name, values in told.items()})

    def _made(self, at: int) -> Step:
        """Makes one of its numbers; what is no number was not told where it may be so."""
        found: dict[str, Any] = dict.fromkeys(NAMES, 0)
        found |= {name: column.values[at].item() for name, column in self.columns.items() if at < len(column)}
        found |= {name: int(found[name]) for name in _WHOLE}
        told = [name for name in _MAYBE if len(self.columns.get(name, ())) and found[name] == found[name]]
        return Step(**found | {name: found[name] if name in told else None for name in _MAYBE})


Told = Event | Steps


def read(lines: Sequence[bytes], kept: Kept = ALL) -> list[Told]:
    """Decodes lines of events in their order, steps beside each other as one `Steps`; torn lines are passed over."""
    found = list[Told]()
    for of_steps, group in groupby(lines, lambda line: line.startswith(HEAD)):
        told = list(group)
        made = _fields_of(told) if of_steps else None
        if made is not None:
            found.append(Steps(kept, made))
        else:
            found += _gathered(filter(None, map(decode_event, told)), kept)
    return found


def fields_of(lines: Sequence[bytes]) -> Fields:
    """Decodes the lines that tell of a step; returns what they tell of each of `NAMES`, one list for each."""
    told = [line for line in lines if line.startswith(HEAD) or _is_step(decode_event(line))]
    found = _fields_of(told)
    return _told_by(filter(_is_step, map(decode_event, told))) if found is None else found


def _fields_of(lines: Sequence[bytes]) -> Fields | None:
    """Decodes lines that are all of steps as they are written now, which is soon done; None: some are not."""
    try:
        # Laid end to end: as many iterators as there are lines would have Python look through all it holds, and stop.
        flat = list(chain.from_iterable([_OF_LINE(orjson.loads(line)) for line in lines]))
    except (orjson.JSONDecodeError, KeyError):  # no number, torn, of an older version
        return None
    kinds, *told = (flat[at :: len(NAMES) + 1] for at in range(len(NAMES) + 1))
    # What is to be converted is left to the declared types.
    if any(kind != "step" for kind in kinds) or any(
        set(map(type, each)) - kind for each, kind in zip(told, _KINDS, strict=True)
    ):
        return None
    return dict(zip(NAMES, told, strict=True))


def _told_by(steps: Iterable[Step]) -> Fields:
    found: Fields = {name: [] for name in NAMES}
    for step in steps:
        for name, told in found.items():
            told.append(getattr(step, name))
    return found


def _is_step(event: Event | None) -> TypeGuard[Step]:
    return isinstance(event, Step)


def _gathered(told: Iterable[Event], kept: Kept) -> Iterator[Told]:
    for of_steps, group in groupby(told, _is_step):
        if of_steps:
            yield Steps(kept, _told_by(filter(_is_step, group)))
        else:
            yield from group
