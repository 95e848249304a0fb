"""Text is cut where its author did, and at line ends where that leaves too much for a row."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core import cache
from studio.core.data import index, prose, sources
from studio.core.data.datasets import open_dataset
from studio.core.data.rows import MAX_ROW_BYTES


def passages(path: Path) -> list[tuple[int, str]]:
    return [(row.line, row.data["text"]) for row in prose.read(path, markdown=False) if row.data]


def test_a_text_without_blank_lines_is_rows_of_a_size_that_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "".join(f"Sentence {i} says something of ü.\n" for i in range(60_000))
    path.write_text(text, encoding="utf-8")
    dataset = open_dataset(path)
    found = [(dataset[at].line, dataset[at].data["text"]) for at in range(len(dataset))]
    assert (dataset.rejected, found) == ([], passages(path))
    assert "".join(f"{passage}\n" for _, passage in found) == text
    assert max(len(json.dumps({"text": passage})) for _, passage in found) < MAX_ROW_BYTES / 2
    assert [line for line, _ in found] == [1 + text[: text.index(passage)].count("\n") for _, passage in found]
    known = index.build(sources.find(path))
    assert [(row.parsed.line, (row.parsed.data or {})["text"]) for row in known.rows(0, len(known))] == found


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.text("aü ", max_size=9), min_size=1, max_size=14))
def test_a_paragraph_is_cut_only_where_it_is_too_long(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prose, "_MOST_TOGETHER", 12)
        found, cut = passages(path), prose.is_cut(path)
    held = {line: text for first, passage in found for line, text in enumerate(passage.split("\n"), start=first)}
    assert held == {line: text for line, text in enumerate(lines, start=1) if text.strip()}
    begins = [line for line in held if line - 1 not in held]
    assert cut == (len(found) > len(begins))
    for first, passage in found:
        size = len(passage.replace("\n", "").encode())
        assert size <= 12 or "\n" not in passage
        behind = first + passage.count("\n") + 1
        assert behind not in held or size + len(held[behind].encode()) > 12, "no sooner than it must"


def test_what_was_made_of_a_text_before_it_was_cut_is_not_taken_for_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text, equal in (("x" * 99 + "\n\n") * 2000, True), (("x" * 99 + "\n") * 2000, False):
        path.write_text(text)
        assert (open_dataset(path).fingerprint == cache.digest("text", cache.sha256(path))) == equal
