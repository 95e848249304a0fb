"""What commands print is JSON that every program reads."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from studio.cli.output import json_text

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
