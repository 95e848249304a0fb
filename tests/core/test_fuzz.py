"""Damaged files and nonsensical rows: no traceback, no hang, no lost row, a reason for each that is refused.

`STUDIO_FUZZ=10000` opens that many files and reads that many rows; a share of them is for every day.
"""

import contextlib
import json
import os
import subprocess
import sys
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core import chat
from studio.core.data import shapes
from studio.core.data.mapping import mapped
from studio.core.errors import StudioError
from tests.fuzzing import KINDS

COUNT = int(os.environ.get("STUDIO_FUZZ", "520"))
NAMES = [*shapes.LISTS, *{name for pair in shapes.ANSWERED for name in pair}, *shapes.TEXTS]
NAMES = sorted(
    {
        *NAMES,
        *chain.from_iterable(shapes.PREFERRED),
        "input",
        "label",
        "history",
        "system",
        "tools",
        "role",
        "content",
        "from",
        "value",
        "tool_calls",
    }
)
WORDS = ["user", "assistant", "gpt", "[", "[{}]", '[{"role": "user"}]', "\ud800", "true"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind: str) -> None:
    count = -(-COUNT // len(KINDS))
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzzing", kind, "0", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=max(120, count))
    assert done.returncode == 0, done.stderr[-3000:]
    totals = json.loads(done.stdout)
    assert totals["opened"] + totals["refused"] == count
    assert totals["refused"] > 0 or totals["rejected"] > 0, "nothing was damaged"


@settings(max_examples=max(200, COUNT // 4))
@given(
    row=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5),
    source=st.sampled_from(["text", "{text} {label}", "{system.role}", "{", "{}", "{{text}}"]),
)
def test_rows_of_nonsense(row: dict[str, Any], source: str) -> None:
    for _, columns in shapes.guesses(row):
        assert columns
    for row_format in shapes.FORMATS:
        fault = chat.fault(row, row_format)
        assert fault == fault.strip()
    with contextlib.suppress(StudioError):
        assert "text" in mapped(row, {"text": source})
