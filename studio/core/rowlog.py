"""Which rows were in which step and what each one's loss was: `rows-0.bin`, one file per process.

Records of fixed size in the order of the steps: nothing to parse, read as they are, and a torn last record is seen by
the file's length.
"""

import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.core.errors import StudioError

# `row` counts the rows of the data file from 0; `loss` is in nats: the mean over the row's trained tokens, or of
# preferences the row's own, as the objective has it.
RECORD = np.dtype([("step", "<i4"), ("row", "<i4"), ("tokens", "<i4"), ("loss", "<f4")])

Records = NDArray[np.void]
Numbers = NDArray[np.int64]
Losses = NDArray[np.float64]

# So many records beside each other say what a row's loss is like at that time, its own step's among them.
_BESIDE = 15
_MOST_VALUES = 4_000_000


def path_of(run: Path, rank: int = 0) -> Path:
    """Returns where a process of a run keeps its records."""
    return run / f"rows-{rank}.bin"


def ranks(run: Path) -> range:
    """Returns the processes of a run that have kept records."""
    return range(next(rank for rank in count() if not path_of(run, rank).exists()))


def read(run: Path, rank: int = 0) -> Records:
    """Returns the whole records of a process's log, (n,) of `RECORD`; none where it has none.

    Raises:
        StudioError: (disk) it cannot be read.
    """
    path = path_of(run, rank)
    try:
        with path.open("rb") as file:
            return np.fromfile(file, RECORD, os.fstat(file.fileno()).st_size // RECORD.itemsize)
    except FileNotFoundError:
        return np.zeros(0, RECORD)
    except OSError as error:
        message = f"{path} could not be read: {error.strerror}."
        raise StudioError("disk", message, "Check the folder and its permissions.") from None


def read_all(run: Path) -> Records:
    """Returns the records of all processes of a run by steps, (n,) of `RECORD`.

    Raises:
        StudioError: (disk) they cannot be read; (run) they are damaged.
    """
    parts = [read(run, rank) for rank in ranks(run)]
    for rank, part in enumerate(parts):
        least = [int(part[name].min(initial=1)) for name in ("step", "row", "tokens")]
        # In the step that a run diverged in, and that is its last, losses are no numbers.
        sound = np.isfinite(part["loss"]) | (part["step"] == part["step"].max(initial=1))
        if least[0] < 1 or min(least) < 0 or (np.diff(part["step"]) < 0).any() or not sound.all():
            message = f"{path_of(run, rank).name} of the run is damaged: what it says of rows cannot be true."
            raise StudioError("run", message, "Bring it back from a copy; the run and its result are as they were.")
    if len(parts) == 1:
        return parts[0]  # millions of them are not copied
    found = np.concatenate([np.zeros(0, RECORD), *parts])
    # A kill leaves some with a record more than others, and that is told too.
    return found[np.argsort(found["step"], kind="stable")]


def typical(records: Records) -> Losses:
    """Returns (n,) float64 what a row's loss was like when each record's step was taken, in nats.

    The median over the rows of the same step, and where these are few over as many rows before it as behind it, so
    that a loss that falls does not make the earlier rows the worse ones. Of the first steps that are few, of the very
    first only its own; of the last ones those that there are yet.
    """
    if not len(records):
        return np.zeros(0)
    first = np.flatnonzero(np.diff(records["step"], prepend=records["step"][0] - 1))
    end = np.append(first[1:], len(records))
    more = np.clip(-(-(_BESIDE - (end - first)) // 2), 0, first)
    begin = first - more
    width = np.minimum(len(records), end + more) - begin
    # What is no number is above all.
    losses = np.where(np.isfinite(records["loss"]), records["loss"].astype(np.float64), np.inf)
    found = np.zeros(len(first))
    # Steps with as many rows beside them are done at once: one by one takes a hundred times as long.
    for wide in np.unique(width).tolist():
        alike = np.flatnonzero(width == wide)
        for at in range(0, len(alike), max(1, _MOST_VALUES // wide)):
            part = alike[at : at + max(1, _MOST_VALUES // wide)]
            found[part] = np.median(losses[begin[part, None] + np.arange(wide)], axis=1)
    return np.repeat(found, end - first)


@dataclass(frozen=True, slots=True, eq=False)
class Standings:
    """What each row's loss was over a run; all arrays (rows,), by rising row.

    A long text is trained on in chunks; it counts as one row, its loss that of all its tokens.

    Attributes:
        row: its number in the data.
        step: the last it was in.
        times: in how many passes over the data it was trained on.
        tokens: its trained tokens, the last time.
        first, loss: its loss the first and the last time, in nats.
        above: how far its loss lay above what was typical at the time, the mean over all its tokens, in nats.
    """

    row: Numbers
    step: Numbers
    times: Numbers
    tokens: Numbers
    first: Losses
    loss: Losses
    above: Losses

    def by(self, order: str) -> Numbers:
        """Returns the places of the rows, the worst first: by how far `above` they are, by `loss`, or by `change`.

        Those whose loss is no number are the worst.
        """
        key = self.loss - self.first if order == "change" else getattr(self, order)
        places: Numbers = np.argsort(-np.where(np.isnan(key), np.inf, key), kind="stable")
        return places


def standings(records: Records, within: slice = slice(None), per_epoch: int = 0) -> Standings:
    """Returns how the rows stand whose records lie `within` a part of all.

    Args:
        records: of a run.
        within: the part.
        per_epoch: the steps of a pass over the data; 0: not known, and each record is taken for one of its own.
    """
    begin, end, _ = within.indices(len(records))
    # No row is measured by others further away.
    near = slice(max(0, begin - 2 * _BESIDE), end + 2 * _BESIDE)
    above = (_numbers(records[near]) - typical(records[near]))[begin - near.start :][: end - begin]
    records = records[begin:end]
    losses = _numbers(records)
    order = np.argsort(records["row"], kind="stable")
    row, step = (records[name][order] for name in ("row", "step"))
    tokens = np.maximum(records["tokens"][order].astype(np.int64), 1)
    passes = (step - 1) // per_epoch if per_epoch else np.arange(len(row))
    begun = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(passes, prepend=-1) != 0))
    size = _summed(tokens, begun)
    loss = _summed(tokens * losses[order], begun) / size
    rows, first = np.unique(row[begun], return_index=True)
    last = np.append(first[1:], len(begun))[: len(rows)] - 1
    return Standings(
        row=rows.astype(np.int64),
        step=step[np.append(begun[1:], len(row))[last] - 1].astype(np.int64),
        times=last - first + 1,
        tokens=size[last],
        first=loss[first],
        loss=loss[last],
        above=_summed(tokens * above[order], begun[first]) / _summed(tokens, begun[first]),
    )


def finite(records: Records) -> Records:
    """Returns the records whose losses are numbers; all of them if there is none."""
    sound = np.isfinite(records["loss"])
    return records if sound.all() or not sound.any() else records[sound]


def _numbers(records: Records) -> Losses:
    """Returns (n,) float64 losses, also infinite ones as no number."""
    losses: Losses = records["loss"].astype(np.float64)
    losses[~np.isfinite(losses)] = np.nan
    return losses


def _summed(values: NDArray[Any], begun: Numbers) -> NDArray[Any]:
    """Returns the sum of each stretch of values, by where they begin."""
    found: NDArray[Any] = np.add.reduceat(values, begun) if len(begun) else values[:0]
    return found


def require_step(records: Records, step: int) -> slice:
    """Returns where the records of a step lie, of a run that has some.

    Raises:
        StudioError: (run) there are none.
    """
    begin, end = np.searchsorted(records["step"], (step, step + 1)).tolist()
    if end > begin:
        return slice(begin, end)
    first, last = (int(records["step"][at]) for at in (0, -1))
    raise StudioError("run", f"The run tells of no rows in step {step}.", f"Name a step from {first} to {last}.")
