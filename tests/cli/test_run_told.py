"""What `studio runs show --json` tells of a run, whose steps come one after the other."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from studio import cli
from studio.core import events, files, runs
from tests.training import config
from tests.ui.told import step


def test_steps_are_printed_as_a_run_that_went_back_twice_knows_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE_BYTES", 1500)
    run = runs.create(config(tmp_path), tmp_path / "run")
    told: list[events.Event] = [step(number, 1.0) for number in range(1, 11)]
    told += [events.Resumed(step=8, checkpoint=""), *(step(number, 2.0) for number in range(9, 15))]
    told += [events.Resumed(step=5, checkpoint=""), *(step(number, 3.0) for number in range(6, 9))]
    told += [replace(step(9, 4.0), loss=math.nan, reward_margin=0.5), events.Notice(message="n")]
    run.events_path.write_bytes(b"".join(map(events.encode, told)) + b'{"kind":"step","step":10')
    assert cli.run(["runs", "show", str(run.path), "--json"]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)
    assert text == json.dumps(found, ensure_ascii=False) + "\n"
    losses = [(item["step"], item["loss"]) for item in found["steps"]]
    assert losses == [*((number, 1.0) for number in range(1, 6)), (6, 3.0), (7, 3.0), (8, 3.0), (9, None)]
    whole = [asdict(item) for item in run.progress().steps]
    assert found["steps"] == [*whole[:-1], whole[-1] | {"loss": None}]
    assert [item["step"] for item in found["resumed"]] == [8, 5]
    assert (found["notices"], found["evaluations"]) == (["n"], [])
