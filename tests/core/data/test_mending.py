"""A rejected row is shown as its file has it, and read again as it was corrected."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.data import index, mending, sources
from studio.core.data.datasets import open_dataset
from studio.core.data.index import RowIndex


def indexed(path: Path, content: bytes) -> RowIndex:
    path.write_bytes(content)
    return index.build(sources.find(path))


MENDED = '{"prompt": "a", "completion": "b"}'


@pytest.mark.parametrize(
    ("name", "content", "text", "corrected"),
    [
        ("a.jsonl", MENDED.replace(",", "").encode(), MENDED.replace(",", ""), MENDED),
        ("a.jsonl", MENDED.replace("b", "\0").encode(), MENDED.replace("b", "\0"), MENDED.replace(" ", "\r\n")),
        ("a.csv", b"prompt,completion\na\n", "a", "a,b"),
        ("a.csv", b"prompt;completion\na;b;c\n", "a;b;c", MENDED),
        ("a.json", b'[3, {"prompt": "x", "completion": "y"}]', "", MENDED),
    ],
)
def test_a_row_is_mended_in_its_files_own_way_or_as_json(
    tmp_path: Path, name: str, content: bytes, text: str, corrected: str
) -> None:
    known = indexed(tmp_path / name, content)
    assert mending.raw_text(known, 0) == text
    assert mending.read(known, 0, text, "prompt_completion", {}).data is None
    assert mending.read(known, 0, corrected, "prompt_completion", {}).data == {"prompt": "a", "completion": "b"}


def test_what_cannot_be_used_has_its_reason(tmp_path: Path) -> None:
    known = indexed(tmp_path / "a.jsonl", b"{}\n")
    for text, reason in (
        ("", "not JSON"),
        ('{"text": 3}', "`text` is not text"),
        ("\ud800", "not UTF-8"),
        ("a\0", "NUL"),
    ):
        assert reason in mending.read(known, 0, text, "text", {}).reason
    assert mending.read(known, 0, '{"body": "x"}', "text", {"text": "body"}).data == {"text": "x"}


def test_a_readable_row_of_a_parquet_file_is_shown_as_json(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"prompt": ["a", "b"], "completion": ["c", None]}), path)
    known = index.build(sources.find(path))
    assert json.loads(mending.raw_text(known, 1)) == {"prompt": "b", "completion": None}


def test_bytes_that_are_no_text_are_marked(tmp_path: Path) -> None:
    assert mending.raw_text(indexed(tmp_path / "a.jsonl", b'{"text": "\xff"}\n'), 0) == '{"text": "\ufffd"}'


def test_what_is_still_rejected_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x"}\n3\n4\n', encoding="utf-8")
    found = [open_dataset(path), open_dataset(path)]
    listed = [(item["source"], item["row"]) for item in mending.still_rejected(found, [(1, 1)])]
    assert listed == [(0, 1), (0, 2), (1, 2)]
    assert len(mending.still_rejected(found, [], 2)) == 2


@given(st.text())
def test_any_text_is_read_or_refused_with_a_reason(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name, content in (("fuzz.jsonl", b"{}\n"), ("fuzz.csv", b"text,other\na\n")):
        if not (folder / name).exists():
            (folder / name).write_bytes(content)
        read = mending.read(index.build(sources.find(folder / name)), 0, text, "text", {})
        assert bool(read.reason) == (read.data is None)
