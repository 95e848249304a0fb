"""What rows hold: equal where the model sees the same, read once, mapped from disk, made again where damaged."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core import chat
from studio.core.data import contents
from studio.core.data.contents import RECORD, record
from studio.core.data.datasets import open_dataset

CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ä!"}]


def test_equal_is_what_the_model_sees_alike() -> None:
    pair = {"prompt": "q", "completion": "ä!"}
    same = [
        record(pair, "prompt_completion"),
        record({"id": 9, **pair}, "prompt_completion"),
        record({"messages": CHAT}, "messages"),
        record({"messages": CHAT}, "mixed"),
    ]
    assert len(set(same)) == 1
    key, prompt, answer, chars, turns = same[0]
    assert (chars, turns) == (3, 2)
    other = record({"messages": [CHAT[0], CHAT[1] | {"content": "b"}]}, "messages")
    assert (other[0] != key, other[1] == prompt, other[2] != answer) == (True, True, True)
    assert record({"text": "ä!"}, "text")[3:] == (2, 0)
    assert record({"text": "a"}, "text")[0] != record({"text": "b"}, "text")[0]


def test_what_is_asked_with_other_tools_is_asked_otherwise() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    plain, told = record({"messages": CHAT}, "messages"), record({"messages": CHAT, "tools": [tool]}, "messages")
    assert (told[1] != plain[1], told[2] == plain[2]) == (True, True)


@pytest.mark.parametrize(
    ("row_format", "data", "change"),
    [
        ("preference", {"prompt": "q", "chosen": "good", "rejected": "bad"}, {"rejected": "worse"}),
        ("preference", {"prompt": [CHAT[0]], "chosen": [CHAT[1]], "rejected": [CHAT[1] | {"content": "b"}]},
         {"rejected": [CHAT[1] | {"content": "c"}]}),
        ("kto", {"prompt": "q", "completion": "a", "label": True}, {"label": False}),
    ],
)  # fmt: skip
def test_rows_to_choose_by_hold_both_sides(row_format: str, data: dict[str, Any], change: dict[str, Any]) -> None:
    one, other = record(data, row_format), record(data | change, row_format)
    assert one[0] != other[0]
    assert one[1:] == other[1:], "what is better is the same"


def test_a_number_of_any_size_has_a_key() -> None:
    assert contents.key({"a": 10**30, "b": 1}) == contents.key({"b": 1, "a": 10**30})
    assert contents.key({"a": 10**30}) != contents.key({"a": 10**30 + 1})


def test_they_are_read_once_and_made_again_where_damaged(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": f"t{i}"}) for i in range(5)]
    lines[2] = "nonsense"
    file.write_text("\n".join(lines), encoding="utf-8")
    dataset = open_dataset(file)
    seen: list[tuple[int, int]] = []
    found = contents.contents(dataset, lambda done, total: seen.append((done, total)))
    assert (found.dtype, len(found), seen[-1]) == (RECORD, 5, (4, 4))
    assert (found["key"] == 0).tolist() == [False, False, True, False, False]
    assert found[3].item() == record({"text": "t3"}, "text")
    told, whole = len(seen), found.tolist()
    contents.contents(dataset, lambda done, total: seen.append((done, total)))
    assert len(seen) == told
    (kept,) = (home / "cache" / "contents").glob("*/records")
    os.truncate(kept, 7)
    assert contents.contents(dataset).tolist() == whole


SAID = st.text(alphabet='ab \t[]{"é你\u2003', max_size=4)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "assistant", "system", "tool", "human"]), "content": SAID},
    optional={"weight": st.sampled_from([0, 1]), "name": SAID},
)
BESIDES = st.dictionaries(st.sampled_from(["System", "tools", "id"]), st.sampled_from(["", "be kind", 10**30, None]))
ROW = st.one_of(
    st.tuples(st.fixed_dictionaries({"messages": st.lists(MESSAGE, min_size=1, max_size=4)}), BESIDES),
    st.tuples(st.fixed_dictionaries({"prompt": SAID, "completion": SAID | st.just(' [{"role": "user"}]')}), BESIDES),
)


@settings(max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=12), row_format=st.sampled_from(["messages", "prompt_completion"]))
def test_plain_rows_are_read_the_quick_way_as_any_other(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[dict[str, Any], dict[str, Any]]], row_format: str
) -> None:
    file = tmp_path_factory.mktemp("rows") / "a.jsonl"
    both = [{"messages": CHAT, "prompt": "q", "completion": "a"}]
    file.write_text("".join(json.dumps(row | more) + "\n" for row, more in [*((row, {}) for row in both), *rows]))
    dataset = open_dataset(file, row_format)
    found = contents.contents(dataset)
    assert [int(number) for number in np.flatnonzero(found["key"])] == dataset.column("number").tolist()
    for line, index in zip(dataset.lines(0, len(dataset)), range(len(dataset)), strict=True):
        row = dataset[index]
        assert found[row.number].item() == record(row.data, row_format)
        example = contents.understood(row.data, row_format)[0]
        assert list(contents.said(line.decode(), row_format)) == list(contents.texts(example))
        assert chat.plain(row.data, row_format) in (None, example.messages)
    assert chat.plain(dataset[0].data, row_format) is not None


def test_the_room_is_taken_before_the_first_row_is_written(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "t"}\n' * 5000, encoding="utf-8")
    blocks: list[int] = []

    def look(done: int, total: int) -> None:
        (kept,) = (home / "cache" / "contents").glob(".*.part/records")
        blocks.append(kept.stat().st_blocks * 512)

    assert len(contents.contents(open_dataset(file), look)) == 5000
    assert blocks[0] >= 5000 * RECORD.itemsize, "a disk that is full by then would end the process"
