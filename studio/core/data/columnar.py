"""Files of columns, Parquet and Arrow: read row by row, each batch proved sound before it is looked into, and written.

Arrow gives all objects of a column the same keys, which those that lack one have with null. A tool is not called with
such nulls: `arguments` and tools are read without them. What would be read otherwise than it is, is written as JSON, in
a column that says so.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.data import rows, shapes
from studio.core.data.rows import Parsed
from studio.core.data.sources import Part
from studio.core.errors import StudioError

_BATCH = 256
_MAGIC = b"ARROW1"
_FEATHER_1 = b"FEA1"
_JSON = {b"media_type": b"application/json"}
_TOOLS = ("tools", "functions")
_CONTENTS = ("content", "value")

Batches = Callable[[], Iterable[list[dict[str, Any]]]]


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
    columns = {column.name: _values(batch.column(index), column) for index, column in enumerate(batch.schema)}
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _values(array: Any, column: Any) -> list[Any]:
    """Returns the values of a column as its file means them."""
    values: list[Any] = array.to_pylist()
    if column.metadata and _JSON.items() <= column.metadata.items():
        return [_meant(value) for value in values]
    if not pa.types.is_nested(column.type):
        return values
    if column.name.lower() in _TOOLS:
        return [_without_nulls(value) for value in values]
    if _has_arguments(column.type):
        values = [_called(value) for value in values]
    return [_said(value) for value in values] if column.name.lower() in shapes.LISTS else values


def _meant(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return text


def _has_arguments(kind: Any) -> bool:
    parts = [kind.field(index) for index in range(kind.num_fields)]
    return any(part.name == "arguments" or _has_arguments(part.type) for part in parts)


def _called(value: Any) -> Any:
    """Returns a value with nothing that is null in any `arguments` in it."""
    if isinstance(value, list):
        return [_called(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) if key == "arguments" else _called(item) for key, item in value.items()}


def _said(messages: Any) -> Any:
    """Returns messages without what is null in them but their content: fields that others have."""
    if not isinstance(messages, list):
        return messages
    return [
        {key: part for key, part in item.items() if part is not None or key in _CONTENTS}
        if isinstance(item, dict)
        else item
        for item in messages
    ]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def _row(data: dict[str, Any] | None, position: int) -> Parsed:
    if data is None:
        return Parsed(0, "", None, "not UTF-8 text, or a value that cannot be read", position)
    return rows.from_data(data, 0, position)


def write(path: Path, batches: Batches) -> None:
    """Writes rows as Parquet so that `read` gives them back equal; a column that a row lacks is null in it.

    Args:
        path: the file, made or written over; what is half of it where this fails is the caller's.
        batches: gives all rows, some at a time; whenever it is called, from the first one on.

    Raises:
        StudioError: (data) a text is none that Parquet can hold, or the rows make no table. OSErrors pass through.
    """
    try:
        columns = _columns(batches)
        # Only when all rows are there is it known whether a column holds them.
        while (odd := _unlike(path, batches, pa.schema(list(columns.values())))) is not None:
            columns[odd] = _as_json(odd)
    except UnicodeEncodeError:
        raise _halved(row for batch in batches() for row in batch) from None
    except (pa.ArrowException, NotImplementedError, TypeError) as error:
        message = "The rows do not fit into one table."
        raise StudioError("data", message, "Write them as JSONL.", str(error)) from None


def _columns(batches: Batches) -> dict[str, Any]:
    """Returns the columns of some rows, by name; one that has no type of Arrow's is JSON."""
    kinds: dict[str, Any] = {}
    for batch in batches():
        for name in dict.fromkeys(name for row in batch for name in row):
            kinds[name] = _kind(kinds.get(name, pa.null()), [row.get(name) for row in batch], name)
        if not kinds:
            raise StudioError("data", "The rows have no columns.", "Write them as JSONL.")
    return {
        name: _as_json(name) if kind is None else pa.field(name, pa.string() if pa.types.is_null(kind) else kind)
        for name, kind in kinds.items()
    }


def _as_json(name: str) -> Any:
    return pa.field(name, pa.string(), metadata=_JSON)


def _kind(known: Any, values: list[Any], name: str) -> Any:
    """Returns the type that holds what is `known` and these values of a column; None: there is none."""
    array = None if known is None else _array(values, name)
    if array is None or not _has_room(array.type):
        return None
    try:
        kinds = [pa.schema([(name, kind)]) for kind in (known, array.type)]
        return pa.unify_schemas(kinds, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return None


def _unlike(path: Path, batches: Batches, schema: Any) -> str | None:
    """Writes rows; returns the first column that cannot hold what a row has in it as it is, and None if all can."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches():
            arrays = []
            for column in schema:
                values = [row.get(column.name) for row in batch]
                if column.metadata:
                    values = [None if value is None else _as_text(value) for value in values]
                arrays.append(_array(values, column.name, column.type))
                if arrays[-1] is None:
                    return str(column.name)
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return None


def _array(values: list[Any], name: str, kind: Any = None) -> Any:
    """Returns an array that is read as these values, of a type or of what suits; None: there is none."""
    try:
        array = pa.array(values, kind)
    except UnicodeEncodeError:
        raise
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
    found = _values(array, pa.field(name, array.type))
    if pa.types.is_nested(array.type):
        if name.lower() in shapes.LISTS:
            values, found = ([_ordered(_said(value)) for value in both] for both in (values, found))
        # Keys in their order, and 1 apart from 1.0: so they are learned.
        return array if json.dumps(found) == json.dumps(values) else None
    odd = pa.types.is_floating(array.type) and any(map(_differs, found, values))
    return None if odd else array


def _ordered(messages: Any) -> Any:
    """Returns messages with their fields in one order, which no template looks at."""
    if not isinstance(messages, list):
        return messages
    return [dict(sorted(item.items())) if isinstance(item, dict) else item for item in messages]


def _differs(found: Any, value: Any) -> bool:
    # What is not a number is not equal to itself.
    return isinstance(value, bool) or (found != value and value == value)


def _has_room(kind: Any) -> bool:
    """Whether Parquet can hold a type: no object in it is without keys."""
    if pa.types.is_struct(kind) and not kind.num_fields:
        return False
    return all(_has_room(kind.field(index).type) for index in range(kind.num_fields))


def _as_text(value: Any) -> str:
    """Returns the JSON of a value; of a text that is no JSON itself the text."""
    return value if isinstance(value, str) and _meant(value) is value else json.dumps(value, ensure_ascii=False)


def _halved(found: Iterable[Mapping[str, Any]]) -> StudioError:
    """Says which column of rows that cannot be written holds what is no character."""
    names = (name for data in found for name in data if not _whole(name) or not _whole(data[name]))
    name = next(names, "").encode("utf-8", "backslashreplace").decode()[:100]
    message = f"The column `{name}` holds half of a surrogate pair, which is not a character and fits into no Parquet."
    return StudioError("data", message, "Write the rows as JSONL, or correct them.")


def _whole(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return rows.writable(text) == text
