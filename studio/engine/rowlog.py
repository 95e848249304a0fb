"""Writes which rows were in which step and what each one's loss was, as `core.rowlog` reads it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.core.files import disk_error
from studio.core.rowlog import RECORD, path_of, ranks, read
from studio.core.runs import FREE_AND_RESUME


class RowLog:
    """Appends to a run's row log; for the process that trains."""

    def __init__(self, run: Path, rank: int, step: int) -> None:
        """Opens the log and forgets the records behind `step`, which are computed again.

        The first process forgets those of the others too, of which there may have been more before.
        """
        self._path = path_of(run, rank)
        for other in ranks(run) if rank == 0 else [rank]:
            kept = int(np.searchsorted(read(run, other)["step"], step, side="right"))
            if path_of(run, other).exists():
                os.truncate(path_of(run, other), kept * RECORD.itemsize)

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
