"""Files of JSON lines that only grow: whatever kills the program, the whole lines that were written are there."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from studio.core import files
from studio.core.runs import append_line

_AGAIN = "Free some space and do it again."
_Line = TypeVar("_Line")


def append(path: Path, item: Any) -> None:
    """Appends a dataclass as a line, which is then on its way to the disk.

    Raises:
        StudioError: (disk) it cannot be written.
    """
    line = json.dumps(asdict(item), ensure_ascii=False).encode("utf-8", "replace")
    append_line(path, line + b"\n", _AGAIN)


def read(path: Path, kind: TypeAdapter[_Line]) -> Iterator[_Line]:
    """Yields what the whole lines hold; one that a dead writer left torn, or that is no such line, is passed over."""
    for lines in files.pieces(path):
        for line in lines:
            with suppress(ValidationError):
                yield kind.validate_json(line)
