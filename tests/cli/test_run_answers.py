"""`studio runs answers`: what a run answered, step by step, and what is said where it did not."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import events, runs
from studio.core.config import DataSpec, RunConfig, TrainingSpec
from studio.core.errors import EXIT_CODES
from studio.core.runs import Run


def asking(folder: Path, *prompts: str) -> Run:
    return runs.create(RunConfig(data=DataSpec(path="x"), training=TrainingSpec(sample_prompts=list(prompts))), folder)


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert cli.run(["runs", "answers", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_answers_are_told_step_by_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = asking(tmp_path / "run", "Who?", "Where?")
    run.emit(events.Answered(step=0, answers=["me\nand you", "here"]))
    run.emit(events.Answered(step=50, answers=["\x1b[31mmine", ""], faults={1: "Too long."}))
    found = told(capsys, str(run.path))
    assert found["prompts"] == ["Who?", "Where?"]
    assert found["answers"] == [
        {"step": 0, "answers": ["me\nand you", "here"], "faults": {}},
        {"step": 50, "answers": ["\x1b[31mmine", ""], "faults": {"1": "Too long."}},
    ]
    assert [item["step"] for item in told(capsys, str(run.path), "--step", "50")["answers"]] == [50]
    assert cli.run(["runs", "answers", str(run.path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:5] == ["Who?", "  step 0:", "    me", "    and you", "  step 50:"]
    assert "\x1b" not in out
    assert "(Too long.)" in out
    run.emit(events.Answered(step=60, answers=["fewer than prompts"]))
    assert cli.run(["runs", "answers", str(run.path), "--step", "60"]) == 0


def test_where_there_are_none_it_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none, some = asking(tmp_path / "none"), asking(tmp_path / "some", "Who?")
    error = told(capsys, str(none.path), code=EXIT_CODES["run"])["error"]
    assert "training.sample_prompts" in error["hint"]
    error = told(capsys, str(some.path), code=EXIT_CODES["run"])["error"]
    assert error["hint"] == "Ask again once it trains."
    some.emit(events.Answered(step=0, answers=["me"]))
    some.emit(events.Answered(step=1200, answers=["me"]))
    error = told(capsys, str(some.path), "--step", "7", code=EXIT_CODES["run"])["error"]
    assert error["message"].endswith("has no answers at step 7.")
    assert error["hint"] == "There are those of steps 0, 1,200."
