"""The command that says what a run shows."""

import json
from pathlib import Path

import pytest

from studio import cli
from studio.core import runs
from studio.core.config import DataSpec, RunConfig
from tests.ui.told import evaluated, finished, prepared, step, tell


def test_what_a_run_shows_is_told_with_settings_for_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(RunConfig(name="flat", data=DataSpec(path="x.jsonl")), tmp_path / "run")
    tell(run, prepared(40), evaluated(0, 3.0, False), *(step(at, 2.0) for at in range(1, 41)))
    tell(run, evaluated(40, 1.0, True), finished(40))
    assert cli.run(["runs", "explain", str(run.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("- The loss of the rows trained on hardly changed: 2.000 at first")
    assert lines[2] == "  For another run: --set training.learning_rate=0.0006"
    assert lines[-1].startswith("+ On the rows held back the loss fell from 3.000")
    assert cli.run(["runs", "explain", str(run.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [finding["tone"] for finding in told["findings"]] == ["bad", "good"]
    quiet = runs.create(RunConfig(name="quiet", data=DataSpec(path="x.jsonl")), tmp_path / "quiet")
    tell(quiet, prepared(40), step(1, 2.0))
    assert cli.run(["runs", "explain", str(quiet.path)]) == 0
    assert capsys.readouterr().out == "Nothing stands out.\n"
