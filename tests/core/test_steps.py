"""Steps in columns are what they are one by one, and are read as each line says."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import events
from studio.core.steps import ALL, NAMES, Column, Steps, Told, fields_of, read
from tests.core.test_progress import step

NUMBERS = st.floats(allow_nan=False) | st.integers(0, 9).map(float)
COUNTS = st.integers(-(2**53), 2**53)
WHOLE = ("step", "tokens", "trained_tokens", "memory_bytes")
# What else may stand in a line: of a newer version or an older one, to be converted, damaged.
ODD: tuple[dict[str, Any], ...] = (
    {"colour": "red"}, {"loss": "2.5"}, {"loss": 3}, {"tokens": 2.0}, {"tokens": True}, {"step": 2.5}, {"epoch": None},
    {"loss": float("nan")}, {"grad_norm": float("inf")}, {"reward_margin": 1}, {"kind": "notice", "message": "n"},
    {"kind": "telepathy"}, {"memory_bytes": 10**30}, {"tokens": []},
)  # fmt: skip


@st.composite
def told(draw: st.DrawFn) -> events.Step:
    found = {name: draw(COUNTS if name in WHOLE else NUMBERS) for name in NAMES[:-2]}
    return events.Step(**found, **{name: draw(st.none() | NUMBERS) for name in NAMES[-2:]})  # type: ignore[arg-type]


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    line = events.encode(draw(told()))
    odd = draw(st.none() | st.sampled_from((*ODD, "short", "torn", "spaced", "twice", "other")))
    if isinstance(odd, dict):
        # One more field, or one that stands there already a second time.
        return line[:-2] + b"," + json.dumps(odd).encode()[1:] + b"\n"
    data = json.loads(line)
    match odd:
        case "short":
            data.pop(draw(st.sampled_from(NAMES[1:])))
            return json.dumps(data, separators=(",", ":")).encode()
        case "torn":
            return line[: draw(st.integers(0, len(line) - 2))]
        case "spaced":
            return json.dumps(data).encode()
        case "twice":
            return line.strip() + line
        case "other":
            return events.encode(events.Saved(step=3, path="p", size_bytes=1, time_s=1.0))
    return line


def singly(items: Sequence[Told]) -> list[str]:
    """Returns the events one by one, as texts: no number equals itself if it is none."""
    return [repr(event) for item in items for event in (item if isinstance(item, Steps) else [item])]


@given(st.lists(lines(), max_size=6))
def test_many_lines_are_read_as_each_is_by_itself(given: list[bytes]) -> None:
    alone = [event for line in given if (event := events.decode_event(line)) is not None]
    found = read(given)
    assert not any(isinstance(item, events.Step) for item in found)
    if not any(isinstance(event, events.Step) and event.memory_bytes > 2**53 for event in alone):
        assert singly(found) == [repr(event) for event in alone]
    steps = [event for event in alone if isinstance(event, events.Step)]
    rows = [dict(zip(NAMES, row, strict=True)) for row in zip(*fields_of(given).values(), strict=True)]
    assert repr(rows) == repr([{name: getattr(item, name) for name in NAMES} for item in steps])


def test_lines_as_they_are_written_are_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    written = [events.encode(step(number)) for number in range(1, 100)]
    monkeypatch.setattr("studio.core.steps.decode_event", None)
    (found,) = read(written)
    assert isinstance(found, Steps)
    assert found.column("step").tolist() == list(range(1, 100))


def grown(numbers: Sequence[int], **changes: Any) -> Steps:
    found = Steps(**changes)
    for number in numbers:
        found.append(step(number, 1 / number))
    return found


def test_steps_are_the_same_one_by_one_and_in_columns() -> None:
    numbers = list(range(1, 2501))
    loose, laid = grown(numbers), Steps()
    for begin in range(0, 2500, 700):
        laid.extend(grown(numbers[begin : begin + 700]))
    assert len(loose) == len(laid) == 2500
    plain = [replace(step(number, 1 / number), time_s=0.0) for number in numbers]
    for found in (loose, laid):
        assert [replace(item, time_s=0.0) for item in found] == plain
        assert found[-1].step == 2500
        assert (found.until(0), found.until(700), found.until(9999)) == (0, 700, 2500)
        np.testing.assert_array_equal(found.column("loss"), 1 / np.arange(1, 2501))
        assert len(found.column("reward_margin")) == 0, "what no step tells of takes no memory"
    with pytest.raises(IndexError):
        laid[2500]
    with pytest.raises(IndexError):
        Steps()[-1]


def test_going_back_keeps_the_first_ones_and_others_follow() -> None:
    found = grown(range(1, 2001))
    found.cut(1500)
    assert (len(found), found[-1].step, found[-1].loss) == (1500, 1500, 1 / 1500)
    found.cut(1700)
    assert len(found) == 1500
    found.append(step(1501, 7.0))
    assert [item.loss for item in list(found)[-2:]] == [1 / 1500, 7.0]
    found.cut(0)
    assert not found
    found.append(step(1))
    assert [item.step for item in found] == [1]


def test_of_a_field_that_is_not_kept_the_last_is_known() -> None:
    found = grown(range(1, 4), kept={"step": "f8", "loss": "f4"})
    assert found.column("loss").dtype == np.float32
    assert found[-1].tokens == 10
    found.cut(2)
    assert (found[-1].step, found[-1].loss, found[-1].tokens, found[-1].reward_margin) == (2, 0.5, 0, None)
    assert set(found.columns) == {"step", "loss"}


def test_what_is_told_of_late_is_none_before() -> None:
    found = grown((1, 2))
    found.column("step")
    found.append(replace(step(3), reward_accuracy=0.5))
    assert [item.reward_accuracy for item in found] == [None, None, 0.5]
    assert [item.reward_margin for item in found] == [None] * 3
    later = Steps()
    later.extend(found)
    later.extend(grown((4,)))
    later.append(replace(step(5), reward_accuracy=0.25))
    np.testing.assert_array_equal(later.column("reward_accuracy"), [np.nan, np.nan, 0.5, np.nan, 0.25])


def test_an_integer_of_any_size_is_no_failure() -> None:
    found = Steps()
    found.append(replace(step(1), tokens=10**400))
    assert found.column("tokens").tolist() == [1e308]
    assert found[0].tokens == 10**400


@given(st.lists(st.integers(0, 3000), max_size=5), st.integers(0, 3000))
def test_a_column_grows_and_is_cut(sizes: list[int], kept: int) -> None:
    column, expected = Column(16), np.empty(0)
    column.reserve(100)
    for size in sizes:
        part = np.arange(size, dtype=np.float64) + len(expected)
        column.extend(part)
        expected = np.append(expected, part)
    np.testing.assert_array_equal(column.values, expected)
    column.cut(kept)
    column.extend([None, 2.0])
    assert len(column) == min(kept, len(expected)) + 2 <= column.room
    np.testing.assert_array_equal(column.values[-2:], [np.nan, 2.0])


def test_columns_are_not_moved_all_at_once() -> None:
    found = Steps()
    found.reserve(2_000_000)
    rooms = [column.room for name, column in found.columns.items() if not name.startswith("reward")]
    assert len(set(rooms)) == len(rooms) == len(ALL) - 2
    assert min(rooms) >= 2_000_000
    assert max(rooms) < 4_500_000
