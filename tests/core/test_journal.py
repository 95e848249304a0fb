"""A file that only grows: whole lines are kept, torn ones and strange ones are passed over."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from studio.core import journal
from studio.core.errors import StudioError


@dataclass(frozen=True)
class Line:
    number: int
    text: str = ""


LINE = TypeAdapter(Line)


@given(st.lists(st.text(), max_size=5), st.data())
def test_whatever_a_kill_leaves_of_the_last_line_the_others_are_read(texts: list[str], data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.jsonl"
        said = [Line(at, text.encode("utf-8", "replace").decode()) for at, text in enumerate(texts)]
        for line in said:
            journal.append(path, line)
        whole = path.read_bytes() if path.exists() else b""
        torn = b'{"number": 99, "text": "'
        path.write_bytes(whole + torn[: data.draw(st.integers(0, len(torn)))])
        assert list(journal.read(path, LINE)) == said
        journal.append(path, Line(100))
        assert list(journal.read(path, LINE)) == [*said, Line(100)]


def test_what_is_no_such_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    assert list(journal.read(path, LINE)) == []
    path.write_bytes(b'{"number": 1}\nnull\n{"number": "x"}\n\xff\xfe\n{"number": 2, "more": 3}\n')
    assert [line.number for line in journal.read(path, LINE)] == [1, 2]


def test_a_folder_that_is_gone_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StudioError) as caught:
        journal.append(tmp_path / "gone" / "lines.jsonl", Line(1))
    assert caught.value.reason == "disk"
