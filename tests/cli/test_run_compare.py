"""`studio runs compare`: what differs between runs, for people and for programs."""

import json
from pathlib import Path

import pytest

from studio import cli
from studio.core import config_file, runs
from studio.core.errors import EXIT_CODES
from tests.ui.told import evaluated, finished, prepared, step, tell


def made(tmp_path: Path, name: str, *assignments: str) -> runs.Run:
    config = config_file.load(None, ["data.path=letters.jsonl", f"name={name}", *assignments])
    run = runs.create(config, tmp_path / name)
    tell(run, prepared(9), *(step(number, 1 / number) for number in (1, 2)))
    return run


def test_runs_are_told_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = made(tmp_path, "one"), made(tmp_path, "two", "r=4", "eval_path=other.jsonl")
    tell(two, evaluated(2, 0.25, True), finished(2))
    assert cli.run(["runs", "compare", str(one.path), str(two.path), str(one.path)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["one", "two"],
        ["state", "interrupted", "completed"],
        ["step", "2/9", "2/9"],
        ["loss", "0.5000", "0.5000"],
        ["best", "evaluation", "loss", "-", "0.2500"],
        ["trained", "tokens", "800", "800"],
        ["seconds", "in", "steps", "0", "61"],
        ["data.eval_path", "-", str(Path("other.jsonl").resolve())],
        ["adapter.r", "16", "4"],
    ]
    assert cli.run(["runs", "compare", str(one.path), str(two.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["adapter.r"] == [16, 4]
    assert [item["eval_loss"] for item in found["runs"]] == [None, 0.25]
    assert found["runs"][1] == {
        "run": "two", "path": str(two.path), "state": "completed", "steps": 9, "step": 2, "loss": 0.5,
        "eval_loss": 0.25, "trained_tokens": 800, "train_s": 61.0,
    }  # fmt: skip


def test_runs_of_the_same_settings_are_said_to_be_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["runs", "compare", *(str(made(tmp_path, name).path) for name in ("one", "two"))]) == 0
    assert capsys.readouterr().out.endswith("\nTheir settings are the same.\n")


def test_one_run_is_no_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(made(tmp_path, "one").path)
    for named in ([path], [path, path]):
        assert cli.run(["runs", "compare", *named]) == EXIT_CODES["usage"]
        assert "Name two runs or more." in capsys.readouterr().err
