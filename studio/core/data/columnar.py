"""Reading files of columns, Parquet and Arrow, row by row; each batch is proved sound before it is looked into."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.data import rows
from studio.core.data.rows import Parsed
from studio.core.data.sources import Part
from studio.core.errors import StudioError

_BATCH = 256
_MAGIC = b"ARROW1"
_FEATHER_1 = b"FEA1"


def read(part: Part) -> Iterator[Parsed]:
    """Yields the rows of a Parquet file, or of an Arrow file or stream.

    Raises:
        StudioError: (data) it is none, or damaged.
    """
    size, done = part.path.stat().st_size, 0
    try:
        for batch, total in _parquet(part) if part.kind == "Parquet" else _arrow(part):
            # Arrow trusts the lengths and offsets in its files; this does not.
            batch.validate(full=False)
            for start in range(0, batch.num_rows, _BATCH):
                for data in _rows(batch.slice(start, _BATCH)):
                    done += 1
                    yield _row(data, size * done // max(total, done))
    except (pa.ArrowException, NotImplementedError, MemoryError) as error:
        what = " ".join(str(error).split())[:200].rstrip(".")
        message = f"{part.name} is not a readable {part.kind} file: {what}."
        raise StudioError("data", message, "Write it again, or give JSONL.") from None


def _parquet(part: Part) -> Iterator[tuple[Any, int]]:
    with pq.ParquetFile(part.path, memory_map=True) as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            yield batch, file.metadata.num_rows


def _arrow(part: Part) -> Iterator[tuple[Any, int]]:
    with pa.memory_map(str(part.path)) as file:
        head = file.read(6)
        file.seek(0)
        if head[:4] == _FEATHER_1:
            raise pa.ArrowInvalid("it is of Feather's first version, which is no longer read")
        if head != _MAGIC:
            with pa.ipc.open_stream(file) as reader:
                for batch in reader:
                    yield batch, 0
            return
        with pa.ipc.open_file(file) as reader:
            for index in range(reader.num_record_batches):
                batch = reader.get_batch(index)
                yield batch, batch.num_rows * reader.num_record_batches


def _rows(batch: Any) -> Iterator[dict[str, Any] | None]:
    batch.validate(full=True)
    try:
        yield from _listed(batch)
    except (UnicodeDecodeError, ValueError, OverflowError):
        # One cell is not UTF-8, or a date that is none: only its own row is refused.
        for index in range(batch.num_rows):
            try:
                yield _listed(batch.slice(index, 1))[0]
            except (UnicodeDecodeError, ValueError, OverflowError):
                yield None


def _listed(batch: Any) -> list[dict[str, Any]]:
    columns = {name: batch.column(index).to_pylist() for index, name in enumerate(batch.schema.names)}
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _row(data: dict[str, Any] | None, position: int) -> Parsed:
    if data is None:
        return Parsed(0, "", None, "not UTF-8 text, or a value that cannot be read", position)
    return rows.from_data(data, 0, position)
