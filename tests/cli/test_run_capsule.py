"""`studio runs capsule`."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from studio import cli
from tests.training import config, trained


def test_it_writes_the_file_and_says_what_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(config(tmp_path, rows=12, data={"eval_split": 0.25}, max_steps=2), tmp_path / "made")
    capsys.readouterr()
    target = tmp_path / "run.zip"
    assert cli.run(["runs", "capsule", str(run.path), "--out", str(target), "--json"]) == 0
    about = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert about == {
        "run": "made",
        "path": str(target),
        "bytes": target.stat().st_size,
        "rows": 9,
        "eval_rows": 3,
        "steps": 2,
    }
    with ZipFile(target) as archive:
        assert archive.testzip() is None
    # It is there already.
    assert cli.run(["runs", "capsule", str(run.path), "--out", str(target)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert cli.run(["runs", "capsule", str(run.path), "--out", str(target), "--overwrite"]) == 0
    assert "9 rows and 3 rows held back, 2 steps" in capsys.readouterr().out
