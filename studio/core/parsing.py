"""Reading data files row by row with bounded memory: JSONL, JSON, CSV and Parquet.

A bad row never ends the reading: it comes out with the reason it is bad. Only a file that cannot be read as a whole
is a `StudioError`.
"""

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from studio.core import chat
from studio.core.errors import StudioError

MAX_ROW_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_JSON_BYTES = 64_000_000
MAX_WINDOW = 16_000_000
_WINDOW = 1 << 16
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]+")
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
    encoding = "utf-16" if _begins(path, 2) in _UTF16 else "utf-8-sig"
    with path.open(encoding=encoding) as file:
        window = _Window(file)
        try:
            if window.sign() == "[":
                yield from _array(window)
            else:
                yield from _wrapped(_whole(window, path), path)
        except json.JSONDecodeError as error:
            line = window.line + window.text.count("\n", window.at, error.pos)
            where = f"line {line}, character {window.passed + error.pos + 1} of the file"
            message = f"{path.name} is not JSON: {error.msg} ({where})."
            raise StudioError("data", message, "Correct it there.") from None
        except (ValueError, RecursionError) as error:
            if isinstance(error, UnicodeDecodeError):
                raise
            message = f"{path.name} is nested too deeply, or holds a number of more than 4300 digits."
            raise StudioError("data", message, "Convert it to JSONL: then only the bad rows are refused.") from None


@dataclass(slots=True)
class _Window:
    """The part of a JSON file that is in memory.

    Attributes:
        file: what to read on from.
        text: the part; what lies before `at` is done with.
        at: where in it the reading stands, in line `line` of the file.
        passed: how many characters of the file lie before `text`.
    """

    file: TextIO
    text: str = ""
    at: int = 0
    line: int = 1
    passed: int = 0

    def more(self) -> bool:
        """Reads on, at least as much as is held, and drops what is done with; False at the file's end."""
        read = self.file.read(max(_WINDOW, len(self.text) - self.at))
        if read:
            self.passed += self.at
            self.text, self.at = self.text[self.at :] + read, 0
        return bool(read)

    def sign(self) -> str:
        """Moves on to the next character that is no space and returns it; empty at the file's end."""
        while True:
            start, self.at = self.at, _after_space(self.text, self.at)
            self.line += self.text.count("\n", start, self.at)
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def value(self) -> tuple[Any, str]:
        """Takes the next value; returns it and its text."""
        while True:
            try:
                data, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError:
                if len(self.text) - self.at > MAX_WINDOW or not self.more():
                    raise
                continue
            # A number that ends with the window may go on behind it, as 1 does in 1e+5.
            if end + 2 < len(self.text) or not self.more():
                row = self.text[self.at : end]
                self.line, self.at = self.line + row.count("\n"), end
                return data, row


def _array(window: _Window) -> Iterator[Parsed]:
    """Takes an array apart element by element, so that only one is held at a time and each has its line."""
    window.at += 1
    while window.sign() != "]":
        line = window.line
        data, row = window.value()
        reason = _TOO_LARGE if len(row) > MAX_ROW_BYTES else _object_fault(data, row)
        yield Parsed(line, "" if reason else row, None if reason else data, reason, window.passed + window.at)
        if window.sign() == ",":
            window.at += 1
        elif window.sign() != "]":
            raise json.JSONDecodeError("expected a comma or the end of the array", window.text, window.at)
    window.at += 1
    if window.sign():
        raise json.JSONDecodeError("more text behind the end of the array", window.text, window.at)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _whole(window: _Window, path: Path) -> Any:
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise StudioError(
            "data",
            f"{path.name} has {size / 1e6:,.0f} MB; one JSON object can be read up to {MAX_JSON_BYTES / 1e6:.0f} MB.",
            "Write the rows as an array, [{...}, {...}], or as JSONL with one object a line: they have no such limit.",
        )
    while window.more():
        pass
    return json.loads(window.text)


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
