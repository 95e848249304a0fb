"""Which tokens of a row a person wrote, and which the chat template put around it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from studio.core.chat import common
from studio.core.data.shapes import listed
from studio.engine.labels import Encoder
from studio.engine.layouts import unused
from studio.engine.rendering import Span

# Each text is laid out once more to find it; a longer conversation is shown without what lies behind.
_MOST_TEXTS = 200

_Path = tuple[str | int, ...]


def written(
    encoder: Encoder, data: dict[str, Any], row_format: str, text: str, offsets: Sequence[Span], worse: bool = False
) -> list[bool]:
    """Returns whether each token stands for something of the row's own texts.

    A text is found by laying the row out again with a mark in its place: what is the same before and behind the mark
    is not of that text. So it is found also where the template trims it, or where the same words stand elsewhere.

    Args:
        encoder: how the row is laid out.
        data: the row's columns.
        row_format: one of `chat.FORMATS`.
        text: the row laid out.
        offsets: where the tokens stand in `text`.
        worse: it is the worse one of two answers that is laid out.

    Raises:
        StudioError: (data) the template does not come to an end.
    """
    own = np.zeros(len(text) + 1, np.int64)
    for start, stop in _places(encoder, _unfolded(data), row_format, text, worse):
        own[start:stop] = 1
    before = np.concatenate([[0], np.cumsum(own)])
    return [bool(before[stop] > before[start]) for start, stop in offsets]


def _places(encoder: Encoder, data: dict[str, Any], row_format: str, text: str, worse: bool) -> Iterator[Span]:
    mark = unused(text + json.dumps(data, ensure_ascii=False, default=str))
    for path in list(_texts(data))[:_MOST_TEXTS]:
        probe = encoder.text(_with(data, path, mark), row_format, worse)
        before, found, after = (probe or "").partition(mark)
        if found:
            start, stop = common(text, before), len(text) - common(text[::-1], after[::-1])
            yield start, max(start, stop)


def _unfolded(data: dict[str, Any]) -> dict[str, Any]:
    """Returns a row's columns with messages that a table's cell holds as JSON as what they are."""
    return {key: value if (held := listed(value)) is None else held for key, value in data.items()}


def _texts(value: Any, path: _Path = ()) -> Iterator[_Path]:
    """Yields where texts stand in a row; who speaks is none."""
    if isinstance(value, str):
        if value.strip():
            yield path
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        if key not in ("role", "from"):
            yield from _texts(item, (*path, key))


def _with(value: Any, path: _Path, mark: str) -> Any:
    """Returns a copy of a row with a mark in the place of one text."""
    if not path:
        return mark
    changed = value.copy()
    changed[path[0]] = _with(value[path[0]], path[1:], mark)
    return changed
