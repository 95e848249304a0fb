"""Which rows were in which step and what each one's loss was: `rows-0.bin`, one file per process.

Records of fixed size in the order of the steps: nothing to parse, mapped into memory as it is, and a torn last record
is seen by the file's length.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.core.files import disk_error
from studio.core.runs import FREE_AND_RESUME

# `row` counts the rows of the data file from 0; `loss` is in nats: the mean over the row's trained tokens, or of a row
# with two answers its own.
RECORD = np.dtype([("step", "<i4"), ("row", "<i4"), ("tokens", "<i4"), ("loss", "<f4")])


class RowLog:
    """Appends to a run's row log; for the process that trains."""

    def __init__(self, run: Path, rank: int, step: int) -> None:
        """Opens the log and forgets the records behind `step`, which are computed again."""
        self._path = run / f"rows-{rank}.bin"
        known = read(run, rank)
        kept = int(np.searchsorted(known["step"], step, side="right"))
        del known
        if self._path.exists():
            os.truncate(self._path, kept * RECORD.itemsize)

    def append(
        self, step: int, rows: NDArray[np.int64], tokens: NDArray[np.int64], losses: NDArray[np.floating[Any]]
    ) -> None:
        """Adds one step's rows with their trained `tokens`.

        Raises:
            StudioError: (disk) it cannot be written.
        """
        records = np.zeros(len(rows), RECORD)
        records["step"], records["row"], records["tokens"], records["loss"] = step, rows, tokens, losses
        try:
            with self._path.open("ab") as file:
                file.write(records.tobytes())
        except OSError as error:
            raise disk_error(self._path, error, FREE_AND_RESUME) from None


def read(run: Path, rank: int = 0) -> NDArray[np.void]:
    """Returns the whole records of a process's log, (n,) of `RECORD`."""
    path = run / f"rows-{rank}.bin"
    count = path.stat().st_size // RECORD.itemsize if path.exists() else 0
    if not count:
        return np.zeros(0, RECORD)
    return np.fromfile(path, RECORD, count)
