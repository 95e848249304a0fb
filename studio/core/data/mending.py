"""Rejected rows mended by hand: what the file has, as text that can be corrected, and what the corrected text says."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from studio.core.data import mapping, parsing, rows
from studio.core.data.datasets import Dataset
from studio.core.data.index import RowIndex
from studio.core.data.mapping import Role
from studio.core.data.rows import Parsed

MOST_SHOWN = 100_000  # characters of a row that is too large; whoever mends it wants to cut it


def raw_text(index: RowIndex, number: int) -> str:
    """Returns what the file has of a row, as text.

    It is empty where the file has no text of its own: a row of a Parquet file that is no row, say.

    Raises:
        IndexError: there is no such row.
        StudioError: (data) the file has changed since it was indexed.
    """
    found = index.row(number)
    # What was written out of a file of another kind and could not be read holds only the reason.
    if index.parts[int(index.spans(number, number + 1)["part"][0])].made and found.parsed.data is None:
        return ""
    return found.raw[:MOST_SHOWN].decode("utf-8", "replace")


def read(index: RowIndex, number: int, text: str, row_format: str, columns: Mapping[Role, str]) -> Parsed:
    """Reads a corrected row: as its file would have it, or in any file as JSON.

    Args:
        index: where the row lies, which says how its file is laid out.
        number: the row.
        text: the corrected text.
        row_format: what the rows are taken for.
        columns: the mapping of their columns.

    Returns:
        The row as a version holds it, or why it cannot be used.
    """
    span = index.spans(number, number + 1)[0]
    line = int(span["line"])
    try:
        raw = text.strip("\r\n").encode()
    except UnicodeEncodeError:
        return Parsed(line, "", None, "not UTF-8 text", 0)
    table = index.parts[int(span["part"])].table
    if table is not None and not text.lstrip().startswith("{"):
        return mapping.understood(parsing.csv_row(table, raw, line), row_format, columns)
    if b"\n" in raw or b"\r" in raw:
        # Written over several lines it is JSON all the same.
        raw = raw.replace(b"\r", b" ").replace(b"\n", b" ")
    return mapping.understood(rows.from_json(raw, line), row_format, columns)


def still_rejected(
    sources: Iterable[Dataset], mended: Iterable[tuple[int, int]], most: int | None = None
) -> list[dict[str, Any]]:
    """Lists the rejected rows of a version's sources but for those that were mended, each a source and a number."""
    done = set(mended)
    found = (
        {"source": at, "row": item.row, "line": item.line, "reason": item.reason, "file": item.file or file.source.name}
        for at, file in enumerate(sources)
        for item in file.rejected
        if (at, item.row) not in done
    )
    return list(islice(found, most))
