"""One row of a data file: its limits, and the reading of a JSON text as a row.

A bad row never ends the reading: it comes out with the reason it is bad.
"""

import json
import re
from typing import Any, NamedTuple

import orjson

MAX_ROW_BYTES = 1_000_000  # of its JSON text in UTF-8, whatever kind of file it stands in
MAX_DEPTH = 64
TOO_LARGE = f"larger than {MAX_ROW_BYTES // 1_000_000} MB"
TOO_LARGE_IN_UTF8 = f"larger than {MAX_ROW_BYTES // 1_000_000} MB in UTF-8"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH}"
_TOO_MANY_DIGITS = "holds a number of more than 4300 digits"
_HALF = re.compile("[\ud800-\udfff]")
_MANY_DIGITS = re.compile(rb"[0-9]{4301}")


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


def from_json(raw: bytes, line: int, position: int = 0) -> Parsed:
    """Reads the bytes of one line of JSONL."""

    def bad(reason: str) -> Parsed:
        return Parsed(line, "", None, reason, position)

    if len(raw) > MAX_ROW_BYTES:
        return bad(TOO_LARGE)
    if b"\0" in raw:
        return bad("holds NUL bytes")
    try:
        # Three times as fast as json, and stricter: what it refuses is looked at again, what it takes json takes too.
        data = orjson.loads(raw)
        text = raw.decode()
        if len(raw) > 4300 and _MANY_DIGITS.search(raw):
            return bad(_TOO_MANY_DIGITS)
    except orjson.JSONDecodeError:
        try:
            text = raw.decode()
            data = json.loads(text.strip())
        except UnicodeDecodeError as error:
            return bad(f"not UTF-8 text (byte {error.start + 1} of the line)")
        except json.JSONDecodeError as error:
            return bad(f"not JSON: {error.msg} (character {error.pos + 1})")
        except ValueError:
            return bad(_TOO_MANY_DIGITS)
        except RecursionError:
            return bad(_TOO_DEEP)
    return checked(data, text.strip(), line, position)


def from_data(data: Any, line: int, position: int) -> Parsed:
    """Makes a row of columns that were read in another way than from JSON text; bytes must not pass for text."""
    try:
        text = json.dumps(data, ensure_ascii=False, default=_plain)
    except (ValueError, RecursionError, TypeError):
        return Parsed(line, "", None, "holds a value that cannot be written as JSON", position)
    return checked(json.loads(text), writable(text), line, position)


def writable(text: str) -> str:
    """Returns JSON text that UTF-8 can hold: half of a surrogate pair becomes an escape again, as it came."""
    return text if text.isascii() else _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def text_of(data: Any) -> str:
    """Returns the JSON text of a row that was made here, without spaces."""
    return writable(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def checked(data: Any, text: str, line: int, position: int) -> Parsed:
    """Makes a row of a value and its JSON text, or refuses it for its size, depth or kind."""
    reason = ""
    if not isinstance(data, dict):
        reason = "not an object"
    elif _is_too_large(text):
        reason = TOO_LARGE if len(text) > MAX_ROW_BYTES else TOO_LARGE_IN_UTF8
    # Counting is far quicker than walking, and hardly any row has so many brackets.
    elif text.count("{") + text.count("[") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        reason = _TOO_DEEP
    else:
        return Parsed(line, text, data, "", position)
    return Parsed(line, "", None, reason, position)


def _is_too_large(text: str) -> bool:
    """Whether the JSON text of a row has more bytes than a row may have."""
    # Hardly any row is long enough to be counted.
    return 4 * len(text) > MAX_ROW_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_ROW_BYTES


def _depth(data: Any) -> int:
    depth, level = 0, [data]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def _plain(value: Any) -> Any:
    return {"bytes": len(value)} if isinstance(value, bytes) else str(value)
