"""Two files that versions are made of."""

import json
from pathlib import Path

import pytest

BAD = 7  # the row of the first file that is rejected
A, B = 20, 12  # rows of the two files


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files of chats; of the first a row cannot be read, and every tenth row is as the first."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    rows = [json.dumps({"prompt": f"q{i % 10}", "completion": f"a{i % 10}", "group": i % 3}) for i in range(A)]
    rows[BAD] = "nonsense"
    first.write_text("\n".join(rows), encoding="utf-8")
    second.write_text(
        "\n".join(json.dumps({"prompt": f"p{i}", "completion": "ä" * i + "!"}) for i in range(B)), "utf-8"
    )
    return [first, second]
