"""`studio runs remove` and `restore`: a removed run comes back."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio import cli, paths
from studio.core import runs
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import EXIT_CODES

CONFIG = RunConfig(data=DataSpec(path="/x.jsonl"))


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """Runs a command with `--json`; returns what it printed."""
    assert cli.run(["runs", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_removed_run_comes_back_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(CONFIG)
    assert cli.run(["runs", "remove", run.name]) == 0
    assert f"`studio runs restore {run.name}` brings it back" in capsys.readouterr().out
    error = told(capsys, "restore", run.name[:-1], code=EXIT_CODES["run"])["error"]
    assert (error["message"], error["hint"]) == (
        f"No run `{run.name[:-1]}` was removed.",
        f"The trash holds {run.name}.",
    )
    assert told(capsys, "restore", run.name) == {"run": run.name, "path": str(run.path)}
    assert runs.listing() == [run]
    assert run.config() == CONFIG
    assert told(capsys, "restore", run.name, code=EXIT_CODES["run"])["error"]["hint"] == "The trash holds no run."


def test_of_removed_runs_of_one_name_each_comes_back_by_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trashed = [Path(told(capsys, "remove", str(runs.create(CONFIG, tmp_path / at / "x").path))["trash"]) for at in "ab"]
    error = told(capsys, "restore", "x", code=EXIT_CODES["run"])["error"]
    assert error["message"] == f"`x` could mean 2 removed runs: {', '.join(sorted(path.name for path in trashed))}."
    assert told(capsys, "restore", trashed[0].name)["path"] == str(paths.runs_dir() / "x")
    error = told(capsys, "restore", "x", code=EXIT_CODES["run"])["error"]
    assert error["message"] == f"{paths.runs_dir() / 'x'} is taken by now."
    assert trashed[1].is_dir()
