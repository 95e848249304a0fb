"""Configs of other programs by command."""

import json
from pathlib import Path

import pytest

from studio import cli
from studio.core import config_file
from studio.core.errors import EXIT_CODES
from tests.core.test_foreign import AXOLOTL


def test_it_is_printed_written_and_told_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "axolotl.yaml", tmp_path / "run.yaml"
    file.write_text(AXOLOTL)
    assert cli.run(["import-config", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "# deepspeed: It has no counterpart here." in printed
    (tmp_path / "printed.yaml").write_text(printed)
    assert cli.run(["import-config", str(file), "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["program"], found["settings"]["adapter.r"]) == ("axolotl", 16)
    assert "deepspeed" in found["left"]
    assert config_file.load(out) == config_file.load(tmp_path / "printed.yaml")
    assert cli.run(["import-config", str(file), "--out", str(out)]) == EXIT_CODES["usage"]
    assert "is there already" in capsys.readouterr().err
    assert cli.run(["import-config", str(out)]) == EXIT_CODES["config"]
    assert cli.run(["train", str(file)]) == EXIT_CODES["config"]
    assert "`studio import-config axolotl.yaml" in capsys.readouterr().err
