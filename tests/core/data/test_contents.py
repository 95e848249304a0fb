"""What rows hold: equal where the model sees the same, read once, mapped from disk, made again where damaged."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

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
