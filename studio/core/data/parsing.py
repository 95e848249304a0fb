"""Reading data files row by row with bounded memory.

A bad row never ends the reading: it comes out with the reason it is bad. Only a file that cannot be read as a whole
is a `StudioError`.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from studio.core.data import json_files, lines, prose, rows
from studio.core.data.rows import MAX_ROW_BYTES, TOO_LARGE, Parsed
from studio.core.data.sources import Part, unreadable
from studio.core.errors import StudioError


@dataclass(frozen=True, slots=True)
class Table:
    """How a CSV file is laid out.

    Attributes:
        columns: what its first row names.
        delimiter: what stands between its fields.
        start: where in the file the rows behind the first begin, in bytes.
        line: the line they begin in, from 1.
    """

    columns: list[str]
    delimiter: str
    start: int
    line: int


def read(part: Part) -> Iterator[Parsed]:
    """Yields the rows of a data file.

    Raises:
        StudioError: (data) it cannot be read as what it is called.
    """
    try:
        match part.kind:
            case "JSONL":
                yield from _jsonl(part.path)
            case "CSV" | "TSV":
                yield from _csv(part)
            case "JSON":
                yield from json_files.read(part.path, part.name)
            case "Text" | "Markdown":
                yield from prose.read(part.path, markdown=part.kind == "Markdown")
            case "XLSX":
                from studio.core.data import sheets

                yield from sheets.read(part.path, part.name)
            case "Parquet" | "Arrow":
                # Arrow's own library is loaded for its files alone.
                from studio.core.data import columnar

                yield from columnar.read(part)
    except UnicodeDecodeError:
        raise _undecodable(part) from None
    except OSError as error:
        raise unreadable(part.path, error) from None


def blocks(part: Part, table: Table | None) -> Iterator[lines.Block]:
    """Yields where the rows of a JSONL or, with a `table`, of a CSV file begin and end."""
    with part.path.open("rb") as file:
        if table is None:
            yield from lines.blocks(lines.after_mark(file))
        else:
            file.seek(table.start)
            yield from lines.blocks(file, table.delimiter, table.line)


def read_table(part: Part) -> Table:
    """Reads the first row of a CSV file.

    Raises:
        StudioError: (data) it names a column twice, or is no CSV in UTF-8.
    """
    with part.path.open("rb") as file:
        delimiter = "\t" if part.kind == "TSV" else _delimiter(_first_line(file))
        file.seek(0)
        block = next(lines.blocks(lines.after_mark(file), delimiter), None)
    if block is None:
        raise StudioError("data", f"{part.name} holds no rows.", "Give a file with at least one row.")
    text, line = next(block.texts())
    try:
        columns = next(csv.reader([text.decode()], delimiter=delimiter), [])
    except UnicodeDecodeError:
        raise _undecodable(part) from None
    except csv.Error as error:
        raise StudioError("data", f"{part.name} is not CSV: {error}.", "Save it as CSV again.") from None
    if len(text) > MAX_ROW_BYTES:
        raise StudioError("data", f"The first line of {part.name} is {TOO_LARGE}.", "Name the columns in it.")
    columns = [name.strip() for name in columns]
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise StudioError(
            "data",
            f"The first line of {part.name} names the column `{min(twice)[:100]}` more than once.",
            "Give each column a name of its own.",
        )
    return Table(columns, delimiter, int(block.ends[0]) + 1, line + 1 + len(lines.line_ends(text, last=False)))


def csv_row(table: Table, raw: bytes, line: int, position: int = 0) -> Parsed:
    """Reads the bytes of one row of CSV."""

    def bad(reason: str) -> Parsed:
        return Parsed(line, "", None, reason, position)

    if len(raw) > MAX_ROW_BYTES:
        return bad(f"{TOO_LARGE}, or a quote in it is never closed")
    if b"\0" in raw:
        return bad("holds NUL bytes")
    try:
        text = raw.decode()
        cells = next(csv.reader((text,), delimiter=table.delimiter), [])
    except UnicodeDecodeError:
        return bad("not UTF-8 text")
    except csv.Error as error:
        return bad(f"not CSV: {error}")
    if raw.count(b'"') % 2 and _is_open(text, table.delimiter):
        return bad("a quote in it is never closed, so that all lines behind it are part of it")
    if len(cells) != len(table.columns):
        return bad(f"columns in the header: {len(table.columns)}; here: {len(cells)}")
    data = dict(zip(table.columns, cells, strict=True))
    return rows.checked(data, orjson.dumps(data).decode(), line, position)


def _undecodable(part: Part) -> StudioError:
    return StudioError("data", f"{part.name} is not UTF-8 or UTF-16 text.", "Save it as UTF-8.")


def _is_open(text: str, delimiter: str) -> bool:
    """Whether a row ends within quotes, which csv overlooks unless it is strict in everything."""
    try:
        next(csv.reader((text,), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _jsonl(path: Path) -> Iterator[Parsed]:
    with path.open("rb") as file:
        for block in lines.blocks(lines.after_mark(file)):
            for raw, line in block.texts():
                yield rows.from_json(raw, line, block.position)


def _csv(part: Part) -> Iterator[Parsed]:
    # A quote that is never closed would otherwise swallow the whole file as one cell.
    csv.field_size_limit(MAX_ROW_BYTES)
    table = read_table(part)
    for block in blocks(part, table):
        for raw, line in block.texts():
            yield csv_row(table, raw, line, block.position)


def _delimiter(first: bytes) -> str:
    # All that is looked for is ASCII; whether the line is text is asked when it is read.
    text = first.decode("latin-1")
    try:
        return max(",;\t", key=lambda mark: len(next(csv.reader([text], delimiter=mark), [])))
    except csv.Error:
        return ","


def _first_line(file: BinaryIO) -> bytes:
    block = next(lines.blocks(lines.after_mark(file)), None)
    return b"" if block is None else next(block.texts())[0]
