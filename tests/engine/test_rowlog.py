"""The row log: appended in order, cut back on resume, a torn record passed over."""

from pathlib import Path

import numpy as np

from studio.core.rowlog import RECORD, read
from studio.engine.rowlog import RowLog


def write(run: Path, first: int, last: int, resumed_behind: int) -> None:
    log = RowLog(run, 0, resumed_behind)
    for step in range(first, last + 1):
        log.append(step, np.array([step, step + 100]), np.array([2, 4]), np.array([3.0, 2.0], np.float32))


def test_rows_stand_as_they_were_told(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 0)
    records = read(tmp_path)
    assert records["step"].tolist() == [1, 1, 2, 2]
    assert records["row"].tolist() == [1, 101, 2, 102]
    assert records["loss"].tolist() == [3.0, 2.0, 3.0, 2.0]
    assert records["tokens"].tolist() == [2, 4, 2, 4]


def test_resuming_forgets_what_is_computed_again(tmp_path: Path) -> None:
    write(tmp_path, 1, 5, 0)
    write(tmp_path, 4, 6, 3)
    assert read(tmp_path)["step"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


def test_a_torn_record_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 0)
    path = tmp_path / "rows-0.bin"
    path.write_bytes(path.read_bytes()[:-3])
    assert len(read(tmp_path)) == 3
    write(tmp_path, 2, 2, 1)
    assert path.stat().st_size == 4 * RECORD.itemsize


def test_without_a_log_there_are_no_records(tmp_path: Path) -> None:
    assert len(read(tmp_path)) == 0


def test_records_of_processes_that_are_no_more_are_forgotten_too(tmp_path: Path) -> None:
    for rank in range(2):
        log = RowLog(tmp_path, rank, 0)
        for step in range(1, 6):
            log.append(step, np.array([10 * step + rank]), np.array([2]), np.array([1.0], np.float32))
    RowLog(tmp_path, 1, 4)
    assert [read(tmp_path, rank)["step"].tolist() for rank in range(2)] == [[1, 2, 3, 4, 5], [1, 2, 3, 4]]
    RowLog(tmp_path, 0, 3)
    assert [read(tmp_path, rank)["step"].tolist() for rank in range(2)] == [[1, 2, 3], [1, 2, 3]]
