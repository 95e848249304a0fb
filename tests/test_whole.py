"""The main job end to end: the built-in model learns the built-in task and shows it on letters it never saw."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.core import library

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.timeout(900)
def test_the_demo_teaches_the_reply_form(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "studio", "demo", "--rows", "12", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["kind"] for item in told[:-1]].count("finished") == 1
    result = told[-1]
    assert result.keys() == {"base_score", "adapter_score", "train_s", "adapter"}
    assert result["base_score"] <= 0.05
    assert result["adapter_score"] > 0.8
    entry = library.find(result["adapter"])
    assert entry.base.path == "demo"
    assert entry.base.fingerprint
    assert (entry.folder / "README.md").is_file()
