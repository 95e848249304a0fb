"""What commands print is JSON that every program reads."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.cli.output import json_text, takes_escapes

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner), max_leaves=20
)


def without_word(value: object) -> object:
    """Returns a value as it can be written: null for what JSON has no word for."""
    if isinstance(value, dict):
        return {key: without_word(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_word(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def refused(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


@given(VALUES)
def test_whatever_is_printed_is_json(value: object) -> None:
    assert json.loads(json_text(value), parse_constant=refused) == without_word(value)


class Console:
    """Windows' console as its kernel tells of it: one of Windows 10, an older one, or none but a file."""

    def __init__(self, mode: int | None, knows_escapes: bool) -> None:
        self.mode, self.knows_escapes = mode, knows_escapes

    # Windows' own names.
    def GetStdHandle(self, which: int) -> int:  # noqa: N802
        return {-11: 7}[which]

    def GetConsoleMode(self, handle: int, mode: Any) -> int:  # noqa: N802
        if handle != 7 or self.mode is None:
            return 0
        mode._obj.value = self.mode
        return 1

    def SetConsoleMode(self, handle: int, mode: int) -> int:  # noqa: N802
        if handle != 7 or (mode & 4 and not self.knows_escapes):
            return 0
        self.mode = mode
        return 1


@pytest.mark.parametrize(
    ("console", "colours", "mode"),
    [
        (Console(3, knows_escapes=True), True, 7),
        (Console(7, knows_escapes=True), True, 7),
        (Console(3, knows_escapes=False), False, 3),
        (Console(None, knows_escapes=True), False, None),
    ],
)
def test_windows_console_is_given_escapes_only_where_it_carries_them_out(
    console: Console, colours: bool, mode: int | None
) -> None:
    assert takes_escapes(console) == colours
    assert console.mode == mode
