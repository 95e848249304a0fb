"""Text and Markdown files as rows: passages that a model can learn from, none of which is a heading alone.

Of text a row is a paragraph; a long one, such as a whole text without blank lines, is cut at line ends. Of Markdown it
is a heading with all that stands below it up to the next one: headings with nothing below them belong to the row
behind, and at the end of the file to the row before. YAML front matter says something about the text and is none of it:
it is left out, and `data check` says so. Nothing else is left out, and each row has its line.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from studio.core.data import lines, rows
from studio.core.data.rows import MAX_ROW_BYTES, TOO_LARGE, Parsed

_HEADING = re.compile(rb"#{1,6}(\s|$)")
_FENCE = re.compile(rb"\s{0,3}(```|~~~)")
_KEY = re.compile(rb"[\w\"'][^:]*:(\s|$)")
_MOST_TOGETHER = 100_000  # bytes of a paragraph's lines that are one row
_MOST_FRONT = 1 << 16  # bytes of front matter; a rule at the beginning of a text is no reason to read all of it


def read(path: Path, *, markdown: bool) -> Iterator[Parsed]:
    """Yields the passages of a file in UTF-8.

    Raises:
        OSError: it cannot be read.
    """
    front = front_matter(path) if markdown else 0
    behind = (item for item in _lines(path) if item[1] > front)
    yield from _sections(behind) if markdown else _paragraphs(behind)


def is_cut(path: Path) -> bool:
    """Whether a text has a paragraph that is more than one row.

    Raises:
        OSError: the file cannot be read.
    """
    last, size = -1, 0
    for raw, line, _ in _lines(path):
        goes_on = line == last + 1
        if goes_on and size + len(raw) > _MOST_TOGETHER:
            return True
        last, size = line, len(raw) + (size if goes_on else 0)
    return False


def front_matter(path: Path) -> int:
    """Returns the line that the YAML before a Markdown text ends in, from 1; 0: there is none.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = [line.rstrip() for line in lines.after_mark(file).read(_MOST_FRONT).splitlines()]
    first = next((line for line in head[1:] if line), b"")
    if not head or head[0] != b"---" or not _KEY.match(first):
        return 0
    return next((at for at, line in enumerate(head[1:], start=2) if line in (b"---", b"...")), 0)


def _lines(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yields each line that is not blank, its number and how many bytes of the file are read by then."""
    with path.open("rb") as file:
        for block in lines.blocks(lines.after_mark(file)):
            for raw, line in block.texts():
                yield raw.rstrip(b"\r"), line, block.position


def _paragraphs(texts: Iterator[tuple[bytes, int, int]]) -> Iterator[Parsed]:
    held: list[bytes] = []
    last = position = size = 0
    for raw, line, position in texts:
        if held and (line > last + 1 or size + len(raw) > _MOST_TOGETHER):
            yield _passage(held, last + 1 - len(held), position)
            held, size = [], 0
        held.append(raw)
        last, size = line, size + len(raw)
    if held:
        yield _passage(held, last + 1 - len(held), position)


def _sections(texts: Iterator[tuple[bytes, int, int]]) -> Iterator[Parsed]:
    held: list[bytes] = []
    began = last = position = 0
    fenced = False
    bare: int | None = None  # where in `held` headings begin that have nothing below them yet
    for raw, line, position in texts:
        if held:
            held += [b""] * (line - last - 1)
        else:
            began = line
        if _HEADING.match(raw) and not fenced:
            bare = len(held) if bare is None else bare
        else:
            if bare:
                yield _passage(held[:bare], began, position)
                held, began = held[bare:], began + bare
            bare = None
        held.append(raw)
        fenced ^= bool(_FENCE.match(raw))
        last = line
    if held:
        yield _passage(held, began, position)


def _passage(held: list[bytes], line: int, position: int) -> Parsed:
    raw = b"\n".join(held).rstrip(b"\n")
    if len(raw) > MAX_ROW_BYTES or b"\0" in raw:
        return Parsed(line, "", None, TOO_LARGE if b"\0" not in raw else "holds NUL bytes", position)
    try:
        data = {"text": raw.decode()}
    except UnicodeDecodeError:
        return Parsed(line, "", None, "not UTF-8 text", position)
    return rows.checked(data, orjson.dumps(data).decode(), line, position)
