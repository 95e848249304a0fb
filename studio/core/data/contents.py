"""What each row of a dataset holds, as numbers: enough to find equal rows and to group rows, read once and cached."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from studio import paths
from studio.core import cache, chat, mapped
from studio.core.chat import Example
from studio.core.data.datasets import Dataset

Records = NDArray[np.void]

# `key`: of everything the model sees of the row; `prompt`, `answer`: of what stands before its last answer, and of
# that answer; `chars`: characters in all; `turns`: messages, 0 for a text. A row that cannot be used has key 0.
RECORD = np.dtype([("key", "<u8"), ("prompt", "<u8"), ("answer", "<u8"), ("chars", "<i8"), ("turns", "<i4")])

_VERSION = 7  # of the records: raise it whenever the same row would get another
_FIELDS = [field.name for field in fields(Example)]
_TOLD_ROWS = 1000


def contents(dataset: Dataset, on_progress: Callable[[int, int], None] | None = None) -> Records:
    """Reads what each row of a file holds; the second time at once, from the cache.

    Args:
        dataset: the file.
        on_progress: told (usable rows done, usable rows in all).

    Returns:
        (dataset.rows,) of `RECORD`, mapped from disk.

    Raises:
        StudioError: (disk) the cache cannot be written.
    """

    def make(target: Path) -> None:
        if not dataset.rows:
            (target / "records").touch()
            return
        records = mapped.zeros(target / "records", RECORD, (dataset.rows,))
        numbers = dataset.column("number")
        for first in range(0, len(dataset), _TOLD_ROWS):
            lines = dataset.lines(first, min(first + _TOLD_ROWS, len(dataset)))
            found = [_read(line, dataset.format) for line in lines]
            records[numbers[first : first + len(found)]] = np.array(found, RECORD)
            # What is read once through need not stay in memory.
            dataset.release()
            if on_progress:
                on_progress(first + len(found), len(dataset))
        records.flush()

    return cache.made(_folder(dataset), lambda target: _opened(target / "records", dataset.rows), make)


def kept(dataset: Dataset) -> Records | None:
    """Returns what `contents` has in the cache; None: it would have to read every row."""
    return _opened(_folder(dataset) / "records", dataset.rows)


def record(data: Mapping[str, Any], row_format: str) -> tuple[int, int, int, int, int]:
    """Returns what a row holds, in the order of `RECORD`.

    Raises:
        StudioError: (data) the row cannot be used; the message says why.
    """
    example, besides = understood(data, row_format)
    # Where there are messages, the layout without a template says nothing more: equal rows of two formats are equal.
    plain = ("prompt", "answer") if example.messages else ()
    whole = [getattr(example, name) for name in _FIELDS if name not in plain]
    before, answer = halves(example)
    chars = sum(len(text) for _, text in texts(example))
    return key([whole, besides]), key(before), key(answer), chars, len(example.messages)


def _read(line: bytes, row_format: str) -> tuple[int, int, int, int, int]:
    """Returns what `record` does of a row that can be used, far quicker of most rows."""
    messages = _plain(line, row_format)
    if messages is None:
        return record(json.loads(line), row_format)
    trained = [item["role"] == "assistant" for item in messages]
    last = len(trained) - 1 - trained[::-1].index(True)
    chars = sum([len(item["content"]) for item in messages])
    whole = key([[messages, trained, []], None])
    return whole, key(messages[:last]), key(messages[last]), chars, len(messages)


def said(text: str, row_format: str) -> Iterable[tuple[str, str]]:
    """Returns what `texts` does of what a row that can be used means; of two answers, with the better one."""
    messages = _plain(text, row_format)
    if messages is None:
        return texts(understood(json.loads(text), row_format)[0])
    return [(item["role"], item["content"]) for item in messages]


def _plain(text: str | bytes, row_format: str) -> list[dict[str, Any]] | None:
    try:
        # What it reads otherwise than json, numbers of more than 64 bits, stands in no plain row's messages.
        return chat.plain(orjson.loads(text), row_format)
    except orjson.JSONDecodeError:
        return None


def understood(data: Mapping[str, Any], row_format: str) -> tuple[Example, Any]:
    """Returns what a row means, of two answers the better one, and what it says besides: the other one, or a label.

    Raises:
        StudioError: (data) the row cannot be used; the message says why.
    """
    if row_format == "kto":
        return chat.to_example(data, row_format), chat.desirable(data)
    if row_format != "preference":
        return chat.to_example(data, row_format), None
    better, worse = chat.to_pair(data)
    return better, worse.messages


def key(value: Any) -> int:
    """Returns 64 bits of a hash of plain data, never 0; equal data has equal ones."""
    try:
        said = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a number of more than 64 bits, say
        said = json.dumps(value, sort_keys=True, default=str).encode()
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "little") or 1


def halves(example: Example) -> tuple[Any, Any]:
    """Returns a row's tools and what stands before its last answer, and that; of a text nothing and the text."""
    last = max((place for place, trained in enumerate(example.trained) if trained), default=None)
    if last is None:
        return example.prompt, example.answer
    return [*example.tools, *example.messages[:last]], example.messages[last]


def texts(example: Example) -> Iterator[tuple[str, str]]:
    """Yields the role and the text of each message of a row; a text is an answer without a prompt."""
    if not example.messages:
        yield "", (example.prompt or "") + example.answer
    for message in example.messages:
        yield str(message.get("role", "")), str(message.get("content") or "")


def _folder(dataset: Dataset) -> Path:
    about = json.dumps([_VERSION, dataset.fingerprint, dataset.rows])
    return paths.cache_dir() / "contents" / hashlib.sha256(about.encode()).hexdigest()[:40]


def _opened(file: Path, rows: int) -> Records | None:
    """Opens what the cache holds; None where it holds nothing whole."""
    try:
        if file.stat().st_size != rows * RECORD.itemsize:
            return None
        return np.memmap(file, RECORD, "r") if rows else np.zeros(0, RECORD)
    except OSError:
        return None
