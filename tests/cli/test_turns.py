"""The queue by command: who is at work, who waits, and what was cut off goes on."""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from studio import cli, paths
from studio.core import events, run_queue, runs
from studio.core.errors import EXIT_CODES
from studio.core.runs import Run
from tests.cli.test_runs import studio, until, written
from tests.core.test_afterwards import system
from tests.core.test_run_queue import Machine, machine
from tests.training import config
from tests.ui.told import prepared, step

__all__ = ["machine", "system"]


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert cli.run(["runs", "queue", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def four(machine: Machine) -> list[Run]:
    """One at work, two that wait, and one that was killed while it waited."""
    made = [machine.start() for _ in range(4)]
    assert run_queue.admit(made[0]) is None
    for event in (prepared(4), step(1, 2.0)):
        made[0].emit(event)
    for run in made[1:]:
        run.emit(events.Phase(name="queued", detail=made[0].name))
    machine.kill(made[3])
    return made


def test_the_list_says_who_is_at_work_who_waits_and_who_was_cut_off(
    four: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    names = [run.name for run in four]
    told = said(capsys)
    assert (told.pop("then"), told.pop("due_s")) == ("nothing", 0)
    assert told == {"at_work": names[:1], "waiting": names[1:3], "cut_off": names[3:]}
    assert cli.run(["runs", "queue"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["-", names[0], "training"],
        ["1", names[1], "queued"],
        ["2", names[2], "queued"],
    ]
    assert "--again queues it again" in lines[4]
    assert cli.run(["runs", "show", names[1]]) == 0
    assert f"It waits for {names[0]}" in capsys.readouterr().out


def test_a_waiting_run_is_moved_and_begins_now(four: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    names = [run.name for run in four]
    assert said(capsys, names[2], "--place", "1")["waiting"] == [names[2], names[1]]
    assert said(capsys, names[1], "--now") == {"run": names[1], "asked": "now"}
    assert said(capsys)["at_work"] == [names[0], names[1]]


@pytest.mark.parametrize(
    ("words", "reason", "sentence"),
    [
        (["RUN", "--place", "0"], "usage", "0 is no place"),
        (["--now"], "usage", "No run was named"),
        (["RUN"], "usage", "Nothing was asked for the run"),
        (["FIRST", "--now"], "run", "does not wait for its turn"),
        (["RUN", "--again"], "run", "Its process is there"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    four: list[Run], words: list[str], reason: Any, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"FIRST": four[0].name, "RUN": four[1].name}
    assert cli.run(["runs", "queue", *(named.get(word, word) for word in words)]) == EXIT_CODES[reason]
    assert sentence in capsys.readouterr().err


def test_one_that_waits_has_nothing_to_pause(four: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    for asked in ("pause", "save"):
        assert cli.run(["runs", asked, four[1].name]) == EXIT_CODES["run"]
        assert "waits for its turn" in capsys.readouterr().err
    assert cli.run(["runs", "stop", four[1].name]) == 0
    assert "waits no longer" in capsys.readouterr().out


def test_what_was_cut_off_can_be_left_as_it_is(four: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, four[3].name, "--forget") == {"forgotten": [four[3].name]}
    assert said(capsys)["cut_off"] == []
    assert said(capsys, "--forget") == {"forgotten": []}
    assert four[3].path.is_dir()


def test_what_was_cut_off_is_queued_again(four: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    name = four[3].name
    file = paths.home() / "queue.json"
    # Long ago, so that its process is not awaited any more.
    file.write_text(json.dumps([place | {"began_s": 0} for place in json.loads(file.read_text())]))
    assert json.loads(studio("runs", "queue", "--again", "--json").stdout) == {"queued": [name]}
    told = said(capsys)
    del told["then"], told["due_s"]
    assert told == {"at_work": [four[0].name], "waiting": [run.name for run in four[1:]], "cut_off": []}
    assert studio("runs", "resume", name, "--queue").stderr.startswith(f"The run {name} waits for its turn already.")
    four[3].ask(events.Stop())
    until(lambda: not four[3].alive())
    assert said(capsys, "--again") == {"queued": []}
    assert four[3].summary().state == "queued"


def test_several_values_are_queued_as_runs_of_their_own(machine: Machine, tmp_path: Path) -> None:
    at_work = machine.start()
    run_queue.admit(at_work)
    path = str(written(config(tmp_path), tmp_path))
    refused = studio("train", path, "--try", "r=2,0")
    assert refused.returncode == EXIT_CODES["config"]
    refused = studio("train", path, "--try", "data.path=none.jsonl")
    assert refused.returncode == EXIT_CODES["data"], "it is looked for at once"
    refused = studio("train", path, "--try", "r=2,4", "--run-dir", str(tmp_path / "one"))
    assert refused.returncode == EXIT_CODES["usage"]
    assert runs.listing() == [at_work], "nothing was begun"
    done = studio("train", path, "--try", "r=2,4", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [item["name"] for item in told] == ["test r=2", "test r=4"]
    made = [runs.find(item["run"]) for item in told]
    assert [run.config().adapter.r for run in made] == [2, 4]
    assert run_queue.queued() == made
    for run in made:
        run.ask(events.Stop())
    until(lambda: not any(run.alive() for run in made))


@pytest.mark.skipif(sys.platform == "win32", reason="its programs cannot be put in the system's place so")
@pytest.mark.usefixtures("four", "system")
def test_what_comes_after_all_runs_is_asked_for_shown_and_called_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert studio("runs", "queue", "--then", "shutdown").stdout.startswith("When no run is left the computer shuts")
    until(lambda: said(capsys)["then"] == "shutdown")
    assert cli.run(["runs", "queue"]) == 0
    assert "shuts down; `studio runs queue --then nothing` leaves it on." in capsys.readouterr().out
    due = paths.home() / "afterwards-due.json"
    due.write_text(json.dumps(time.time() + 40))
    assert said(capsys)["due_s"] > time.time()
    assert cli.run(["runs", "queue"]) == 0
    assert re.search(r"That is in \d\d seconds\.", capsys.readouterr().out)
    assert said(capsys, "--then", "nothing") == {"then": "nothing"}
    assert said(capsys)["then"] == "nothing"


def test_what_comes_after_is_not_asked_for_without_runs_or_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["runs", "queue", "--then", "sleep"]) == EXIT_CODES["run"]
    assert capsys.readouterr().err.startswith("No run is at work")
    assert cli.run(["runs", "queue", "some", "--then", "sleep"]) == EXIT_CODES["usage"]
    assert capsys.readouterr().err.startswith("What comes then is of all")
