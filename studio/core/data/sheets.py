"""Reading the first sheet of an XLSX workbook row by row; its first row names the columns."""

import datetime
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from studio.core.data import rows, unpacking
from studio.core.data.rows import Parsed
from studio.core.errors import StudioError

# The strings of a workbook are held whole.
_MAX_UNPACKED_BYTES = 500_000_000
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
# What openpyxl lets through of a file that is not as it should be.
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, OverflowError, NotImplementedError,
            RuntimeError, AssertionError, ParseError, zipfile.BadZipFile, zlib.error)  # fmt: skip


def read(path: Path, name: str) -> Iterator[Parsed]:
    """Yields the rows of a workbook's first sheet; a row's line is its number in the sheet.

    Raises:
        StudioError: (data) it is damaged, too large, or its first row names a column twice.
    """
    # Slow to import, and for this one kind of file.
    from openpyxl import load_workbook

    try:
        _check_size(path, name)
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            sheets = book.worksheets
            if sheets:
                # What a sheet says of its size may be wrong or a trap.
                sheets[0].reset_dimensions()
                yield from _rows(sheets[0].iter_rows(values_only=True), name, path.stat().st_size)
        finally:
            book.close()
    except _DAMAGED as error:
        what = " ".join(str(error).split())[:200].rstrip(".")
        message = f"{name} is not a readable XLSX workbook: {what}."
        raise StudioError("data", message, "Save it again, or as CSV.") from None


def count(path: Path) -> int:
    """Returns how many sheets a workbook has; 0 where it cannot be told."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(bool(_SHEET.fullmatch(name)) for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return 0  # to be told of when it is read


def _check_size(path: Path, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    # No entry gives more bytes than it says.
    if size > _MAX_UNPACKED_BYTES or size > max(unpacking.MAX_RATIO * path.stat().st_size, unpacking.FREE_BYTES):
        message = f"{name} unfolds to {size / 1e6:,.0f} MB, which is more than a workbook is read for."
        raise StudioError("data", message, "Save the sheet as CSV: that has no such limit.")


def _rows(cells: Any, name: str, size: int) -> Iterator[Parsed]:
    columns: list[str] = []
    for number, values in enumerate(cells, start=1):
        values = list(values)
        while values and values[-1] in (None, ""):
            values.pop()
        if not values:
            continue
        if not columns:
            columns = _columns(values, name)
            continue
        if len(values) > len(columns):
            reason = f"columns in the header: {len(columns)}; here: {len(values)}"
            yield Parsed(number, "", None, reason, 0)
            continue
        values += [None] * (len(columns) - len(values))
        data = {column: _value(value) for column, value in zip(columns, values, strict=True)}
        yield rows.from_data(data, number, min(number, size))


def _columns(values: list[Any], name: str) -> list[str]:
    columns = ["" if value is None else str(value).strip() for value in values]
    twice = [column for column, count in Counter(columns).items() if column and count > 1]
    if twice:
        message = f"The first row of {name} names the column `{min(twice)[:100]}` more than once."
        raise StudioError("data", message, "Give each column a name of its own.")
    return columns


def _value(value: Any) -> Any:
    """Returns a cell as the text it would be in CSV; None where it is empty."""
    # A workbook has no dates without a time.
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if value is None:
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    # Numbers are held as fractions in the file.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
