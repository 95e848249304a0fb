"""A system prompt for all rows, as the commands about data show it."""

import json
from pathlib import Path

import pytest

from tests.cli.test_data import ANSWER, answer
from tests.models import bare_model


def test_tokens_audit_and_counts_are_those_with_a_system_prompt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, rows = bare_model(tmp_path / "model"), tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"prompt": "What?", "completion": ANSWER}))
    given = ("--model", model, "--system", "Be a pirate.")
    _, found = answer(capsys, "data", "tokens", rows, "--row", 0, *given)
    assert "".join(item["text"] for item in found["tokens"]).startswith("<|im_start|>system\nBe a pirate.<|im_end|>")
    totals = [answer(capsys, "data", "check", rows, *words)[1]["tokens"]["total"] for words in (given[:2], given)]
    assert totals[1] > totals[0]
    plain, longer = (answer(capsys, "data", "audit", rows, *words)[1]["lengths"] for words in (given[:2], given))
    assert plain != longer
