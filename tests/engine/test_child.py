"""The run's own process: it loads what its run needs, and no more."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.core import runs
from tests.training import config

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("model", "training", "loaded"),
    [
        ({}, {}, False),
        ({"quantization": "nf4"}, {}, True),
        ({}, {"optim": "adamw_8bit"}, True),
    ],
)
def test_bitsandbytes_is_loaded_only_where_it_is_needed(
    model: dict[str, Any], training: dict[str, Any], loaded: bool, tmp_path: Path
) -> None:
    run = runs.create(config(tmp_path, model=model, rows=6, max_steps=1, **training), tmp_path / "run")
    code = (
        "import sys; from pathlib import Path; from studio.engine import child;"
        "assert child.main(Path(sys.argv[1]), 0) == 0; print(sys.modules.get('bitsandbytes') is not None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run.path)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == [str(loaded)], done.stderr[-2000:]
    assert run.progress().finished is not None
