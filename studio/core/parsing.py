"""Reading data files row by row with bounded memory: JSONL, JSON, CSV and Parquet.

A bad row never ends the reading: it comes out with the reason it is bad. Only a file that cannot be read as a whole
is a `StudioError`.
"""

import codecs
import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from studio.core import chat
from studio.core.errors import StudioError

MAX_ROW_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_JSON_BYTES = 512_000_000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KINDS = {
    ".jsonl": "JSONL",
    ".ndjson": "JSONL",
    ".json": "JSON",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".parquet": "Parquet",
}


class Parsed(NamedTuple):
    """One row of a file.

    Attributes:
        line: the line it starts in, from 1; 0 where the format has no lines.
        text: the row as JSON text; empty for a bad row.
        data: the row's columns; None for a bad row.
        reason: why the row is bad.
        position: bytes of the file read so far, or an estimate of it.
    """

    line: int
    text: str
    data: dict[str, Any] | None
    reason: str
    position: int


def read(path: Path) -> Iterator[Parsed]:
    """Yields the rows of a file, whose format its name's ending tells.

    Raises:
        StudioError: (data) it cannot be read as what its ending says, or the ending is unknown.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise StudioError(
            "data",
            f"{path.name} is of a kind that cannot be read (`{path.suffix or 'no ending'}`).",
            f"Give a file that ends in {', '.join(_KINDS)}.",
        )
    try:
        if kind == "Parquet":
            yield from _parquet(path)
        elif kind == "CSV":
            yield from _csv(path)
        elif kind == "JSON" and not _is_lines(path):
            yield from _json(path)
        else:
            yield from _jsonl(path)
    except UnicodeDecodeError:
        raise StudioError("data", f"{path.name} is not UTF-8 or UTF-16 text.", "Save it as UTF-8.") from None
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> StudioError:
    """Puts a failed reading into words."""
    why = error.strerror or str(error)
    return StudioError("data", f"{path} cannot be read: {why}.", "Check the path and the file's permissions.")


def _jsonl(path: Path) -> Iterator[Parsed]:
    position = 0
    for line, raw in enumerate(_lines(path), start=1):
        position += len(raw)
        if len(raw) > MAX_ROW_BYTES:
            yield Parsed(line, "", None, _TOO_LARGE, position)
        elif raw.strip():
            yield _json_row(raw, line, position)


def _lines(path: Path) -> Iterator[bytes]:
    """Yields lines as UTF-8; of a line that is too long only a beginning that is too long as well."""
    if _begins(path, 2) in _UTF16:
        # Half a surrogate pair comes through as bytes that are not UTF-8, so only its own row is refused.
        with path.open(encoding="utf-16", errors="surrogatepass", newline="\n") as text:
            for whole in iter(lambda: text.readline(MAX_ROW_BYTES + 1), ""):
                yield whole.encode("utf-8", "surrogatepass")
                while len(whole) > MAX_ROW_BYTES and not whole.endswith("\n"):
                    whole = text.readline(MAX_ROW_BYTES + 1) or "\n"
        return
    with path.open("rb") as file:
        if file.peek(3)[:3] == codecs.BOM_UTF8:
            file.seek(3)
        for line in iter(lambda: file.readline(MAX_ROW_BYTES + 1), b""):
            yield line
            while len(line) > MAX_ROW_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_ROW_BYTES + 1) or b"\n"


def _json_row(raw: bytes, line: int, position: int) -> Parsed:
    def bad(reason: str) -> Parsed:
        return Parsed(line, "", None, reason, position)

    if b"\0" in raw:
        return bad("holds NUL bytes")
    try:
        text = raw.decode().strip()
        data = json.loads(text)
    except UnicodeDecodeError as error:
        return bad(f"not UTF-8 text (byte {error.start + 1} of the line)")
    except json.JSONDecodeError as error:
        return bad(f"not JSON: {error.msg} (character {error.pos + 1})")
    except ValueError:
        return bad("holds a number of more than 4300 digits")
    except RecursionError:
        return bad(_TOO_DEEP)
    reason = _object_fault(data, text)
    return bad(reason) if reason else Parsed(line, text, data, "", position)


def _object_fault(data: Any, text: str) -> str:
    if not isinstance(data, dict):
        return "not an object"
    # Counting is far quicker than walking, and hardly any row has so many brackets.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        return _TOO_DEEP
    return ""


def _depth(data: Any) -> int:
    depth, level = 0, [data]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def _is_lines(path: Path) -> bool:
    """Whether a `.json` file in truth holds one object a line, as many do."""
    lines = (line for line in _lines(path) if line.strip())
    first, second = next(lines, b""), next(lines, b"")
    return bool(second) and _json_row(first, 1, 0).data is not None


def _json(path: Path) -> Iterator[Parsed]:
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise StudioError(
            "data",
            f"{path.name} has {size / 1e6:,.0f} MB; one JSON value can be read up to {MAX_JSON_BYTES / 1e6:.0f} MB.",
            "Convert it to JSONL, one object a line, which has no such limit.",
        )
    encoding = "utf-16" if _begins(path, 2) in _UTF16 else "utf-8-sig"
    text = path.read_text(encoding=encoding)
    try:
        if text.lstrip()[:1] == "[":
            yield from _array(text)
        else:
            yield from _wrapped(json.loads(text), path)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise StudioError("data", f"{path.name} is not JSON: {error.msg} ({where}).", "Correct it there.") from None
    except (ValueError, RecursionError):
        message = f"{path.name} is nested too deeply, or holds a number of more than 4300 digits."
        raise StudioError("data", message, "Convert it to JSONL: then only the bad rows are refused.") from None


def _array(text: str) -> Iterator[Parsed]:
    """Takes an array apart element by element, so that only one is held at a time and each has its line."""
    decoder, space = json.JSONDecoder(), " \t\r\n"
    at, line, counted = text.index("[") + 1, 1, 0

    def skip(position: int) -> int:
        while text[position : position + 1] and text[position] in space:
            position += 1
        return position

    at = skip(at)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        data, end = decoder.raw_decode(text, at)
        row = text[at:end]
        too_large = end - at > MAX_ROW_BYTES
        reason = _TOO_LARGE if too_large else _object_fault(data, row)
        yield Parsed(line, "" if reason else row, None if reason else data, reason, end)
        at = skip(end)
        if text[at : at + 1] == ",":
            at = skip(at + 1)
        elif text[at : at + 1] != "]":
            raise json.JSONDecodeError("expected a comma or the end of the array", text, at)
    if skip(at + 1) != len(text):
        raise json.JSONDecodeError("more text behind the end of the array", text, skip(at + 1))


def _wrapped(value: Any, path: Path) -> Iterator[Parsed]:
    """Takes the rows of an object that holds one array, such as `{"data": [...]}`, or the one row it is itself."""
    arrays = [item for item in value.values() if isinstance(item, list)] if isinstance(value, dict) else []
    if isinstance(value, dict) and chat.shape(value):
        rows = [value]
    elif len(arrays) == 1:
        rows = arrays[0]
    else:
        raise StudioError(
            "data",
            f"{path.name} holds neither an array of objects nor an object with one array in it.",
            "Write the rows as [{...}, {...}], or as JSONL with one object a line.",
        )
    for index, data in enumerate(rows):
        text = json.dumps(data, ensure_ascii=False)
        reason = _TOO_LARGE if len(text) > MAX_ROW_BYTES else _object_fault(data, text)
        yield Parsed(0, "" if reason else text, None if reason else data, reason, index)


def _csv(path: Path) -> Iterator[Parsed]:
    encoding = "utf-16" if _begins(path, 2) in _UTF16 else "utf-8-sig"
    # A quote that is never closed would otherwise swallow the whole file as one cell.
    csv.field_size_limit(MAX_ROW_BYTES)
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=_delimiter(path, encoding))
        columns = _header(reader, path)
        position = 0
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Parsed(line, "", None, f"not CSV: {error}", position)
                continue
            if cells is None:
                return
            position += sum(map(len, cells)) + len(cells)
            if cells:
                yield _csv_row(columns, cells, line, position)


def _csv_row(columns: list[str], cells: list[str], line: int, position: int) -> Parsed:
    text, reason = "", ""
    data = dict(zip(columns, cells, strict=False))
    if len(cells) != len(columns):
        reason = f"has {len(cells)} fields, but the header names {len(columns)} columns"
    elif sum(map(len, cells)) > MAX_ROW_BYTES:
        reason = _TOO_LARGE
    elif any("\0" in cell for cell in cells):
        reason = "holds NUL bytes"
    else:
        text = json.dumps(data, ensure_ascii=False)
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            text, reason = "", "not UTF-8 text"
    return Parsed(line, text, None if reason else data, reason, position)


def _delimiter(path: Path, encoding: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        first = next((line for line in iter(lambda: file.readline(MAX_ROW_BYTES), "") if line.strip()), "")
    return max(",;\t", key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def _header(reader: Iterable[list[str]], path: Path) -> list[str]:
    try:
        columns = next((cells for cells in reader if cells), [])
    except csv.Error as error:
        raise StudioError("data", f"{path.name} is not CSV: {error}.", "Save it as CSV again.") from None
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        raise StudioError(
            "data",
            f"The first line of {path.name} names the column `{min(twice)}` more than once.",
            "Give each column a name of its own.",
        )
    return columns


def _parquet(path: Path) -> Iterator[Parsed]:
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            rows, size, done = max(file.metadata.num_rows, 1), path.stat().st_size, 0
            for batch in file.iter_batches(batch_size=256):
                for data in _batch_rows(batch):
                    done += 1
                    yield _parquet_row(data, size * done // rows)
    except pa.ArrowException as error:
        raise StudioError(
            "data", f"{path.name} is not a readable Parquet file: {error}.", "Write it again, or give JSONL."
        ) from None


def _batch_rows(batch: Any) -> Iterator[dict[str, Any] | None]:
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        # One cell is not UTF-8: only its own row is refused.
        for index in range(batch.num_rows):
            try:
                yield batch.slice(index, 1).to_pylist()[0]
            except UnicodeDecodeError:
                yield None


def _parquet_row(data: dict[str, Any] | None, position: int) -> Parsed:
    if data is None:
        return Parsed(0, "", None, "not UTF-8 text", position)
    text = json.dumps(data, ensure_ascii=False, default=_plain)
    reason = _TOO_LARGE if len(text) > MAX_ROW_BYTES else _object_fault(data, text)
    return Parsed(0, "" if reason else text, None if reason else json.loads(text), reason, position)


def _plain(value: Any) -> Any:
    # Bytes must not pass for text; dates and decimals may.
    return {"bytes": len(value)} if isinstance(value, bytes) else str(value)


def _begins(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


_TOO_LARGE = f"larger than {MAX_ROW_BYTES // 1_000_000} MB"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH}"
