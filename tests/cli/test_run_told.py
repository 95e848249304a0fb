"""What a run told besides its numbers, as commands show it."""

import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import events, runs
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import EXIT_CODES
from tests.training import config, resume
from tests.ui.told import prepared, step, tell


def test_what_a_run_met_with_and_how_many_rows_it_does_not_use_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.create(RunConfig(name="told", data=DataSpec(path=str(tmp_path))))
    refused = "step-3 is damaged: adapter/adapter_model.safetensors has changed."
    padded = events.Notice(message="This model does not keep rows laid end to end apart; batches are padded instead.")
    told: tuple[events.Event, ...] = (
        replace(prepared(4), rejected_rows=5, truncated_rows=2),
        padded,
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
    assert cli.run(["runs", "show", run.name, "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["happened"]
    assert [(line["step"], line["text"]) for line in lines[1:]] == [(2, refused), (2, "It went on behind step 2.")]
    assert lines[0] == {"time_s": padded.time_s, "step": 0, "text": padded.message}


def test_what_helps_a_failed_run_is_a_command_that_does_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {
        "per_device_train_batch_size": 24,
        "micro_batch_tokens": 512,
        "max_steps": 6,
        "save_steps": 2,
    }
    whole = config(tmp_path, rows=48, **settings)
    run = runs.create(whole, tmp_path / "run")

    def die(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(run, die)
    failed = events.Failed(reason="memory", message="Memory ran out.", hint="Save some.")
    run.emit(failed)
    assert cli.run(["runs", "show", str(run.path)]) == 0
    way = f"studio runs resume {run.path} --micro-batch-tokens 256"
    assert f"Save some. On the command line: `{way}`." in capsys.readouterr().out
    for tokens in ("-3", "0"):
        assert cli.run([*way.split()[1:-1], tokens]) == EXIT_CODES["usage"]
        assert f"{tokens} is no number of tokens.\n" in capsys.readouterr().err
    with run.claim():
        assert cli.run(way.split()[1:]) == EXIT_CODES["busy"]
    assert not run.commands_path.exists(), "what is at work is asked nothing that it would not hear"
    capsys.readouterr()
    assert cli.run(way.split()[1:]) == 0
    assert "a pass has at most 256 tokens" in capsys.readouterr().err
    told = run.progress()
    assert told.prepared is not None
    assert told.prepared.micro_batch_tokens == 256
    assert told.complete


def test_of_many_steps_only_the_last_is_read_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")
    told = [events.encode(step(number, 0.5)) for number in range(1, 2001)]
    told.insert(1000, events.encode(events.Resumed(step=900, checkpoint="")))
    run.events_path.write_bytes(b"".join(told))
    called = Counter[str]()
    sys.setprofile(lambda frame, event, _: called.update([frame.f_code.co_name]) if event == "call" else None)
    try:
        assert cli.run(["runs", "show", str(run.path)]) == 0
    finally:
        sys.setprofile(None)
    assert "Step 2000 of 0, loss 0.5000" in capsys.readouterr().out
    assert called["decode_event"] == 2
    assert cli.run(["runs", "show", str(run.path), "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [item["step"] for item in steps] == [*range(1, 901), *range(1001, 2001)]
    assert steps[0] == asdict(next(run.follow()))


def test_a_run_that_went_back_shows_the_step_it_stands_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")
    for number in (1, 2, 3):
        run.emit(step(number, number / 10))
    run.emit(events.Resumed(step=2, checkpoint=""))
    assert cli.run(["runs", "show", str(run.path)]) == 0
    assert "Step 2 of 0, loss 0.2000" in capsys.readouterr().out
