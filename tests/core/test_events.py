"""Events and commands: every kind survives the file, NaN included; what is unknown is passed over."""

import dataclasses
import json
import math
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import events
from studio.core.asking import Message

KINDS = [*typing.get_args(events.Event), *typing.get_args(events.Command)]

_MESSAGES = st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=st.text())


@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_round_trips(kind: typing.Any, data: st.DataObject) -> None:
    made = data.draw(st.builds(kind, **_fields(kind)))
    decode = events.decode_command if kind in typing.get_args(events.Command) else events.decode_event
    line = events.encode(made)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == made


def _fields(kind: typing.Any) -> dict[str, st.SearchStrategy[typing.Any]]:
    plain: dict[typing.Any, st.SearchStrategy[typing.Any]] = {
        float: st.floats(allow_nan=False),
        float | None: st.none() | st.floats(allow_nan=False),
        int: st.integers(),
        str: st.text(),
        bool: st.booleans(),
    }
    hints = typing.get_type_hints(kind)
    found = {f.name: plain.get(hints[f.name], st.from_type(hints[f.name])) for f in dataclasses.fields(kind)}
    if kind is events.SetLearningRate:
        return {"learning_rate": st.floats(1e-9, 10)}
    if kind is events.Question:
        return found | {
            "messages": st.lists(_MESSAGES, min_size=1, max_size=9),
            "max_new_tokens": st.integers(0, 8192),
        }
    if kind is events.SaveMemory:
        return found | {"micro_batch_tokens": st.integers(0, 2**24)}
    if kind is events.Obeyed:
        return found | {"command": st.dictionaries(st.text(), st.integers())}
    return found


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_diverged_loss_can_be_read_back(value: float) -> None:
    event = events.Evaluated(step=1, eval_loss=value, trained_tokens=3, best=False)
    read = events.decode_event(events.encode(event))
    assert isinstance(read, events.Evaluated)
    assert read.eval_loss == value or (math.isnan(value) and math.isnan(read.eval_loss))


def test_unknown_fields_are_ignored_and_unknown_kinds_skipped() -> None:
    newer = json.dumps({"kind": "notice", "message": "hello", "time_s": 1.0, "colour": "red"})
    assert events.decode_event(newer) == events.Notice(message="hello", time_s=1.0)
    assert events.decode_event('{"kind": "telepathy"}') is None


@pytest.mark.parametrize("line", [b"", b"{", b'{"kind": "step"', b"\xff\x00", b"[]", b'{"kind":"set_learning_rate"}'])
def test_torn_lines_are_passed_over(line: bytes) -> None:
    assert events.decode_event(line) is None
    assert events.decode_command(line) is None


def test_a_command_out_of_bounds_is_not_obeyed() -> None:
    assert events.decode_command('{"kind": "set_learning_rate", "learning_rate": -1}') is None


@pytest.mark.parametrize("rate", ["0", "-1", "10.1", "NaN", "Infinity"])
def test_a_learning_rate_out_of_bounds_is_no_command(rate: str) -> None:
    assert events.decode_command(f'{{"kind": "set_learning_rate", "learning_rate": {rate}}}') is None
    assert events.decode_command('{"kind": "set_learning_rate", "learning_rate": 10}') is not None
