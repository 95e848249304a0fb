"""`studio runs ask`: a run at work answers with what it has learned so far, and what is said where it cannot."""

import json
from pathlib import Path

import pytest

from studio import cli
from studio.core import events, run_queue, runs
from studio.core.errors import EXIT_CODES
from tests.cli.test_runs import studio, until, written
from tests.core.test_run_queue import Machine, machine
from tests.training import config

__all__ = ["machine"]


def test_a_run_is_asked_as_it_trains_and_what_it_said_can_be_read_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = config(tmp_path, rows=12, num_train_epochs=10_000, save_steps=10_000, sample_max_new_tokens=5)
    path = written(spec, tmp_path)
    assert studio("train", str(path), "--detach").returncode == 0
    (run,) = runs.listing()
    try:
        until(lambda: run.summary().step)
        done = studio("runs", "ask", run.name, "--prompt", "order late box", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert (found["run"], found["prompt"]) == (run.name, "order late box")
        assert found["step"] > 0
        assert found["answer"]
        refused = studio("runs", "ask", run.name, "--prompt", "order " * 5000)
        assert refused.returncode == EXIT_CODES["run"]
        assert "this model reads at most" in refused.stderr
        until(lambda: run.summary().step > found["step"])
    finally:
        run.ask(events.Stop(keep=False))
        until(lambda: not run.alive())
    assert cli.run(["runs", "answers", run.name, "--json"]) == 0
    asked = json.loads(capsys.readouterr().out)["asked"]
    assert [item["answer"] for item in asked] == [found["answer"], ""]
    assert (asked[0]["question"], asked[0]["turn"]) == ("order late box", 0)
    assert cli.run(["runs", "answers", run.name, "--step", str(found["step"])]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["order late box", f"  step {found['step']:,}:"]
    assert cli.run(["runs", "ask", run.name, "--prompt", "Who?"]) == EXIT_CODES["run"]
    assert "is not going" in capsys.readouterr().err


def test_what_cannot_be_asked_is_refused(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    run = machine.start(waits=False)
    assert cli.run(["runs", "ask", run.name, "--prompt", " "]) == EXIT_CODES["usage"]
    assert cli.run(["runs", "ask", run.name, "--prompt", "x", "--max-new-tokens", "9000"]) == EXIT_CODES["usage"]
    waits = machine.start()
    waits.emit(events.Phase(name="queued", detail=run.name))
    capsys.readouterr()
    assert cli.run(["runs", "ask", waits.name, "--prompt", "x"]) == EXIT_CODES["run"]
    assert "waits for its turn and has learned nothing yet" in capsys.readouterr().err
    assert run_queue.queued() == [waits]


def test_a_run_that_ends_meanwhile_is_not_waited_for(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = machine.start(waits=False)
    monkeypatch.setattr("studio.cli.run_ask._POLL_S", 0.0)
    ask = type(run).ask

    def asked(self: runs.Run, command: events.Command) -> None:
        ask(self, command)
        machine.kill(run)

    monkeypatch.setattr(type(run), "ask", asked)
    assert cli.run(["runs", "ask", run.name, "--prompt", "x"]) == EXIT_CODES["run"]
    assert "ended before it answered" in capsys.readouterr().err
