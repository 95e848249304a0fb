"""What a run told besides its numbers, as commands show it."""

from dataclasses import replace
from pathlib import Path

import pytest

from studio import cli
from studio.core import events, runs
from studio.core.config import DataSpec, RunConfig
from tests.ui.told import prepared, step, tell


def test_what_a_run_met_with_and_how_many_rows_it_does_not_use_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.create(RunConfig(name="told", data=DataSpec(path=str(tmp_path))))
    refused = "step-3 is damaged: adapter/adapter_model.safetensors has changed."
    told: tuple[events.Event, ...] = (
        replace(prepared(4), rejected_rows=5, truncated_rows=2),
        events.Notice(message="This model does not keep rows laid end to end apart; batches are padded instead."),
        *(step(number, 1.0) for number in (1, 2, 3)),
        events.Resumed(step=2, checkpoint="checkpoints/step-000002", refused=[refused]),
        step(3, 1.0),
    )
    tell(run, *told)
    assert cli.run(["runs", "show", run.name]) == 0
    said = capsys.readouterr().out
    for text in (
        "Rows that cannot be read: 5.",
        "Rows cut at the maximum length: 2.",
        "batches are padded instead.",
        f"step 2  {refused}",
        "step 2  It went on behind step 2.",
    ):
        assert text in said
