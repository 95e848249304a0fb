"""Writing the rows of any source as JSONL or Parquet, row by row, whole or not at all."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.data import mapping, parsing
from studio.core.data.mapping import Role
from studio.core.data.rows import writable
from studio.core.data.sources import Source
from studio.core.data.unpacking import OnProgress
from studio.core.errors import StudioError, given_path
from studio.core.runs import disk_error

ENDINGS = (".jsonl", ".parquet")
_BATCH = 2000


@dataclass(slots=True)
class Converted:
    """How many rows were written, and how many could not be; `first_fault` says why the first of them."""

    rows: int = 0
    left_out: int = 0
    first_fault: str = ""


def convert(
    source: Source,
    target: str | Path,
    columns: Mapping[Role, str] | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Converted:
    """Writes the rows that can be read to a new file.

    Args:
        source: what `sources.find` found; it is only read.
        target: a `.jsonl` or `.parquet` file; until it is whole nothing stands in its place.
        columns: as `mapping.mapped` has them; empty: the columns as they are.
        overwrite: a file in its place may be replaced.
        on_progress: told (bytes done, bytes in all).

    Raises:
        StudioError: (usage) the target is there already, of another kind, or read from; (data) as `parsing.read`;
            (disk) it cannot be written.
    """
    place = _place(source, target, overwrite)
    done = Converted()
    try:
        # Beside its place, so that it can be moved there in one step.
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            found = _rows(source, columns or {}, done, on_progress)
            if place.suffix.lower() == ".parquet":
                _write_parquet(temporary, found)
            else:
                with temporary.open("w", encoding="utf-8", newline="\n") as file:
                    file.writelines(f"{text}\n" for text in found)
            with temporary.open("rb+") as file_back:
                os.fsync(file_back.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(place)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise disk_error(place.parent, error, "Free some space and convert it again.") from None
    return done


def _place(source: Source, target: str | Path, overwrite: bool) -> Path:
    place = given_path(target, "usage").absolute()
    if place.suffix.lower() not in ENDINGS:
        raise StudioError("usage", f"{place.name} is of no kind that is written.", f"End it in {' or '.join(ENDINGS)}.")
    if any(place.exists() and part.path.exists() and place.samefile(part.path) for part in source.parts):
        raise StudioError("usage", f"{place.name} is read from.", "Give the new file another name.")
    if place.exists() and not (overwrite and place.is_file()):
        raise StudioError("usage", f"There is {place} already.", "Give another name, or --overwrite.")
    if not place.parent.is_dir():
        raise StudioError("usage", f"There is no folder {place.parent}.", "Make it first.")
    return place


def _rows(
    source: Source, columns: Mapping[Role, str], done: Converted, on_progress: OnProgress | None
) -> Iterator[str]:
    """Yields each row as JSON on one line, and counts."""
    sizes = [size for _, size, _ in source.state()]
    for number, part in enumerate(source.parts):
        for row in parsing.read(part):
            fault, text = row.reason, row.text
            if columns and row.data is not None:
                try:
                    text = writable(json.dumps(mapping.mapped(json.loads(text), columns), ensure_ascii=False))
                except StudioError as error:
                    fault = error.message
            if fault:
                done.left_out += 1
                done.first_fault = done.first_fault or f"{part.name}, line {row.line}: {fault}"
                continue
            done.rows += 1
            if on_progress and done.rows % 1000 == 0:
                on_progress(min(sum(sizes[:number]) + row.position, sum(sizes)), sum(sizes))
            # A row of a JSON file may have line breaks between its values.
            broken = "\n" in text or "\r" in text
            yield writable(json.dumps(json.loads(text), ensure_ascii=False)) if broken else text


def _write_parquet(path: Path, found: Iterator[str]) -> None:
    """Writes Parquet in two goes: only after the last row is it known what the columns hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=path.parent) as held:
        kinds: dict[str, Any] = {}
        for batch in _batches(_kept(found, held)):
            for name in {name: None for row in batch for name in row}:
                kinds[name] = _common_kind(kinds.get(name), [row.get(name) for row in batch], name)
        held.seek(0)
        try:
            schema = pa.schema([(name, kind or pa.string()) for name, kind in kinds.items()])
            with pq.ParquetWriter(path, schema) as writer:
                for batch in _batches(line for line in held):
                    writer.write_batch(pa.record_batch([_array(batch, column) for column in schema], schema=schema))
        except UnicodeEncodeError:
            held.seek(0)
            raise halved(map(json.loads, held)) from None


def halved(found: Iterable[Mapping[str, Any]]) -> StudioError:
    """Says which column of rows that cannot be written holds what is no character."""
    names = (name for data in found for name in data if not _whole(name) or not _whole(data[name]))
    name = next(names, "").encode("utf-8", "backslashreplace").decode()[:100]
    message = f"The column `{name}` holds half of a surrogate pair, which is not a character and fits into no Parquet."
    return StudioError("data", message, "Write the rows as JSONL, or correct them.")


def _whole(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return writable(text) == text


def _kept(found: Iterator[str], held: Any) -> Iterator[str]:
    for text in found:
        held.write(text + "\n")
        yield text


def _batches(found: Iterator[str]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for text in found:
        batch.append(json.loads(text))
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _common_kind(known: Any, values: list[Any], name: str) -> Any:
    """Returns the Arrow type that holds what is known and these values; text where nothing else does."""
    import pyarrow as pa

    try:
        kind = pa.array(values).type
        if known is None or pa.types.is_null(known):
            return kind
        fields = [pa.schema([(name, item)]) for item in (known, kind)]
        return pa.unify_schemas(fields, promote_options="permissive").field(0).type
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.string()


def _array(batch: list[dict[str, Any]], column: Any) -> Any:
    import pyarrow as pa

    values = [row.get(column.name) for row in batch]
    if pa.types.is_string(column.type):
        # What other rows have as text stands here as JSON.
        values = [
            item if item is None or isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in values
        ]
    return pa.array(values, column.type)
