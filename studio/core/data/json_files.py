"""Reading a JSON file element by element, so that only one row of a large array is held at a time."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from studio.core.data import rows, shapes
from studio.core.data.rows import Parsed
from studio.core.errors import StudioError

MAX_JSON_BYTES = 64_000_000
MAX_WINDOW = 16_000_000
_WINDOW = 1 << 16
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]+")


def read(path: Path, name: str) -> Iterator[Parsed]:
    """Yields the rows of a JSON file: the elements of an array, or of the one array in an object.

    Raises:
        StudioError: (data) it is not JSON, or holds no such array.
    """
    with path.open(encoding="utf-8-sig") as file:
        window = _Window(file)
        try:
            if window.sign() == "[":
                yield from _array(window)
            else:
                yield from _wrapped(_whole(window, path, name), name)
        except json.JSONDecodeError as error:
            line = window.line + window.text.count("\n", window.at, error.pos)
            where = f"line {line}, character {window.passed + error.pos + 1} of the file"
            message = f"{name} is not JSON: {error.msg} ({where})."
            raise StudioError("data", message, "Correct it there.") from None
        except (ValueError, RecursionError) as error:
            if isinstance(error, UnicodeDecodeError):
                raise
            message = f"{name} is nested too deeply, or holds a number of more than 4300 digits."
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
        yield rows.checked(data, row, line, window.passed + window.at)
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


def _whole(window: _Window, path: Path, name: str) -> Any:
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise StudioError(
            "data",
            f"{name} has {size / 1e6:,.0f} MB; one JSON object can be read up to {MAX_JSON_BYTES / 1e6:.0f} MB.",
            "Write the rows as an array, [{...}, {...}], or as JSONL with one object a line: they have no such limit.",
        )
    while window.more():
        pass
    return json.loads(window.text)


def _wrapped(value: Any, name: str) -> Iterator[Parsed]:
    """Takes the rows of an object that holds one array, such as `{"data": [...]}`, or the one row it is itself."""
    arrays = [item for item in value.values() if isinstance(item, list)] if isinstance(value, dict) else []
    if isinstance(value, dict) and shapes.guesses(value):
        found = [value]
    elif len(arrays) == 1:
        found = arrays[0]
    else:
        raise StudioError(
            "data",
            f"{name} holds neither an array of objects nor an object with one array in it.",
            "Write the rows as [{...}, {...}], or as JSONL with one object a line.",
        )
    for index, data in enumerate(found):
        yield rows.from_data(data, 0, index)
