"""Runs by command, as a person does it: real processes, real kills, sentences instead of tracebacks."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from studio import cli
from studio.cli import runs as runs_commands
from studio.core import events, run_queue, runs
from studio.core.config import DataSpec, RunConfig, to_dict
from studio.core.errors import EXIT_CODES, EXIT_CRASH, EXIT_INTERRUPTED
from studio.core.runs import Run
from studio.core.units import size
from tests.training import Memory, config, large
from tests.ui.told import prepared, step

ROOT = Path(__file__).resolve().parents[2]
# Records every use of the network by address in a file, and forbids it, in each process that starts with it.
NO_NETWORK = """
import os, socket, sys
def forbid(event, args):
    inet = event == "socket.getaddrinfo" or (
        event in ("socket.connect", "socket.bind") and args[0].family in (socket.AF_INET, socket.AF_INET6))
    if inet:
        with open(os.environ["NETWORK_LOG"], "a") as log:
            log.write(f"{event} {args!r}\\n")
        raise OSError("the network is off")
sys.addaudithook(forbid)
"""


def written(whole: RunConfig, folder: Path) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(to_dict(whole)), encoding="utf-8")
    return path


def studio(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "studio", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def worker_of(run: Run) -> int:
    """Returns the id of the process that works on a run."""
    # Of processes that have gone meanwhile there is none to be told.
    seen = psutil.process_iter(["cmdline"])
    return next(p.pid for p in seen if {"worker", str(run.path)} <= set(p.info["cmdline"] or []))


def until(condition: Callable[[], Any], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_from_file_to_adapter_without_a_network(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    log = tmp_path / "network.log"
    offline = {"PYTHONPATH": str(tmp_path), "NETWORK_LOG": str(log)}
    whole = config(tmp_path, data={"eval_split": 0.1}, eval_steps=4)
    path = written(whole, tmp_path)
    where = os.path.relpath(tmp_path / "run", ROOT)
    done = studio("train", str(path), "--set", "name=first", "--run-dir", where, "--queue", "--json", **offline)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told == [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert told[-1]["kind"] == "finished"
    assert run_queue.listed() == []
    name = told[-1]["adapter"]
    base = whole.model.path
    answers = studio("compare", "--model", base, "--adapter", name, "--prompt", "order", "--json", **offline)
    assert answers.returncode == 0, answers.stderr
    assert [column["adapter"] for column in json.loads(answers.stdout)["columns"]] == [None, name]
    exported = studio("export", name, "--to", "merged", str(tmp_path / "merged"), "--json", **offline)
    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["proof"]["max_abs_difference"] < 1e-3
    assert not log.exists(), log.read_text()


def test_a_plan_says_which_experts_stay_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["plan", str(written(config(tmp_path, family="mixtral"), tmp_path))]) == 0
    assert "mlp.experts.gate_up_proj, mlp.experts.down_proj (" in capsys.readouterr().out.splitlines()[-1]


def test_a_plan_says_what_memory_it_needs_and_what_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(written(large(tmp_path), tmp_path))
    assert cli.run(["plan", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["memory"]
    assert cli.run(["plan", path]) == 0
    said = capsys.readouterr().out
    assert f"Memory: about {size(found['total'])} of " in said
    assert "not fit" not in said
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1_200_000_000))
    assert cli.run(["plan", path]) == 0
    said = capsys.readouterr().out
    assert "It will not fit: " in said
    assert "there are 1.2 GB" in said
    assert "It fits with `--set model.quantization=nf4`: " in said


def test_plan_counts_what_the_run_then_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = config(tmp_path, data={"packing": True, "eval_split": 0.1}, num_train_epochs=3)
    path = written(whole, tmp_path)
    assert cli.run(["plan", str(path), "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert cli.run(["train", str(path), "--run-dir", str(tmp_path / "run")]) == 0
    progress = Run(tmp_path / "run").progress()
    assert progress.prepared is not None
    for key in ("trainable_parameters", "total_parameters", "steps", "tokens_per_epoch", "rows", "eval_rows"):
        assert planned[key] == getattr(progress.prepared, key)
    assert progress.step == planned["steps"]
    assert planned["adapter_bytes"] == 4 * planned["trainable_parameters"]
    saved = (tmp_path / "run" / "adapter" / "adapter_model.safetensors").stat().st_size
    assert 0 < saved - planned["adapter_bytes"] < 8192


def test_a_detached_run_outlives_its_starter_and_can_be_stopped_and_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(config(tmp_path, num_train_epochs=100, save_steps=20), tmp_path)
    done = studio("train", str(path), "--detach", "--json")
    run = runs.find(json.loads(done.stdout)["run"])
    until(lambda: run.progress().step > 3)
    assert cli.run(["runs", "list"]) == 0
    assert "training" in capsys.readouterr().out
    assert cli.run(["train", str(path), "--run-dir", str(run.path)]) == EXIT_CODES["run"]
    assert cli.run(["runs", "resume", run.name]) == EXIT_CODES["busy"]
    assert cli.run(["runs", "remove", run.name]) == EXIT_CODES["busy"]
    assert cli.run(["runs", "stop", run.name]) == 0
    until(lambda: not run.alive(), 100)
    stopped = run.progress()
    assert stopped.finished is not None
    assert stopped.finished.outcome == "stopped"
    assert cli.run(["runs", "stop", run.name]) == EXIT_CODES["run"]
    capsys.readouterr()

    assert studio("runs", "resume", run.name, "--detach", "--learning-rate", "1e-5").returncode == 0
    until(lambda: run.progress().step > stopped.step + 2)
    assert run.progress().steps[-1].learning_rate <= 1e-5 < stopped.steps[-1].learning_rate
    os.kill(worker_of(run), signal.SIGTERM)
    until(lambda: not run.alive(), 100)
    capsys.readouterr()
    assert cli.run(["runs", "show", run.name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["state"] == "interrupted"
    assert shown["saved"][-1]["step"] == len(shown["steps"])
    assert cli.run(["runs", "remove", run.name]) == 0
    assert runs.listing() == []


def test_a_killed_process_is_told_as_such(tmp_path: Path) -> None:
    path = written(config(tmp_path, num_train_epochs=200), tmp_path)
    arguments = [sys.executable, "-m", "studio", "train", str(path), "--run-dir", str(tmp_path / "run")]
    starter = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    run = Run(tmp_path / "run")
    until(lambda: (run.path / "run.json").exists() and run.progress().step > 2)
    os.kill(worker_of(run), signal.SIGKILL)
    _, errors = starter.communicate(timeout=100)
    assert starter.returncode == EXIT_CODES["run"]
    assert "killed" in errors
    assert "Traceback" not in errors


def test_interrupting_the_command_stops_the_run_and_keeps_the_result(tmp_path: Path) -> None:
    path = written(config(tmp_path, num_train_epochs=200), tmp_path)
    arguments = [sys.executable, "-m", "studio", "train", str(path), "--run-dir", str(tmp_path / "run")]
    starter = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run = Run(tmp_path / "run")
    until(lambda: (run.path / "run.json").exists() and run.progress().step > 2)
    starter.send_signal(signal.SIGINT)
    out, errors = starter.communicate(timeout=100)
    assert starter.returncode == 0
    assert "stopped" in out
    assert "Stopping behind this step and keeping the result. Ctrl+C again: end now.\n" in errors
    assert (run.path / "adapter" / "adapter_model.safetensors").exists()


def test_interrupting_three_times_kills_the_run_which_is_no_failure(tmp_path: Path) -> None:
    # A first step that lasts: no request is heard before its end.
    path = written(config(tmp_path, num_train_epochs=50, gradient_accumulation_steps=400, rows=2000), tmp_path)
    arguments = [sys.executable, "-m", "studio", "train", str(path), "--run-dir", str(tmp_path / "run")]
    starter = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    run = Run(tmp_path / "run")
    until(lambda: (run.path / "run.json").exists() and run.progress().state == "training")
    for presses in (1, 2):
        starter.send_signal(signal.SIGINT)
        until(partial(asked_often, run, presses))
    starter.send_signal(signal.SIGINT)
    _, errors = starter.communicate(timeout=100)
    assert starter.returncode == EXIT_INTERRUPTED, errors
    assert errors.splitlines()[-1] == f"Ended without a result. Go on with: studio runs resume {run.path}"
    assert "killed" not in errors
    assert run.progress().state_of(run.alive()) == "interrupted"


def asked(run: Run) -> int:
    return run.commands_path.read_text().count("stop") if run.commands_path.exists() else 0


def asked_often(run: Run, least: int) -> bool:
    return asked(run) >= least


@pytest.mark.parametrize(
    "told",
    [
        events.Obeyed(step=3, command={"kind": "stop", "keep": True}),
        events.Phase(name="finishing"),
    ],
)
def test_a_run_that_is_ending_with_its_result_is_asked_nothing_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: events.Event
) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")
    run.emit(told)
    began = run.events_path.stat().st_size
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        runs_commands._escalate(run, process, 2, began)
        assert "no result" in capsys.readouterr().err, "an earlier attempt told that"
        assert asked(run) == 1
        run.emit(events.Obeyed(step=0, command={"kind": "stop", "keep": True}))
        runs_commands._escalate(run, process, 2, began)
        assert "no result" in capsys.readouterr().err, "before a step there is none"
        run.emit(told)
        runs_commands._escalate(run, process, 2, began)
    assert capsys.readouterr().err == "\nThe run is ending already, and keeps its result. Ctrl+C again: kill.\n"
    assert asked(run) == 2


def test_a_run_without_rows_to_evaluate_is_not_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, data, rows in (("none", {}, None), ("told", {"eval_split": 0.1}, 0), ("some", {"eval_split": 0.1}, 4)):
        run = runs.create(config(tmp_path, data=data), tmp_path / name)
        if rows is not None:
            run.emit(replace(prepared(95), eval_rows=rows))
        with run.claim(1):
            code = cli.run(["runs", "evaluate", str(run.path)])
        assert code == (0 if rows else EXIT_CODES["run"])
        assert ("has no rows to evaluate" in capsys.readouterr().err) == (not rows)
        assert run.commands_path.exists() == bool(rows)


def test_numbers_that_are_none_are_null_in_a_runs_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")
    run.emit(step(1, float("nan")))
    line = run.events_path.read_bytes().splitlines()[-1]
    runs_commands._take(runs_commands._Told(), line, as_json=True)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["loss"] is None


def test_interrupting_before_the_first_step_promises_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        runs_commands._escalate(run, process, 1)
    assert (
        capsys.readouterr().err.splitlines()[-1]
        == "Stopping; without a step done there is no result. Ctrl+C again: end now."
    )
    assert run.commands_path.read_text().count("stop") == 1


def test_a_crash_is_told_as_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")
    failed = events.Failed(reason="crash", message="It crashed.", hint="Report it.", detail="where")
    with pytest.raises(SystemExit) as caught:
        runs_commands._raise_failure(run, failed, as_json=True)
    assert caught.value.code == EXIT_CRASH
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == {"error": {"reason": "crash", "message": "It crashed.", "hint": "Report it.", "detail": "where"}}


def spoil_data(whole: RunConfig) -> None:
    Path(whole.data.path).write_text("")


def spoil_model(whole: RunConfig) -> None:
    file = Path(whole.model.path) / "config.json"
    file.write_bytes(file.read_bytes()[:-20])


def lose_data(whole: RunConfig) -> None:
    Path(whole.data.path).unlink()


def fold_data(whole: RunConfig) -> None:
    lose_data(whole)
    Path(whole.data.path).mkdir()


@pytest.mark.parametrize(
    ("spoil", "settings", "reason"),
    [
        (spoil_data, [], "data"),
        (lose_data, [], "data"),
        (fold_data, [], "data"),
        (spoil_model, [], "model"),
        (None, ["model.path=nobody/has-this-model"], "network"),
        (None, ["adapter.r=0"], "config"),
        (None, ["adapter.rank=3"], "config"),
        (None, ["target_modules=[qq_proj]"], "adapter"),
        (None, ["target_modules='(['"], "adapter"),
        (None, ["max_length=8"], "data"),
        (None, ["optim=adamm"], "config"),
        (None, ["data.chat_template=none.jinja"], "config"),
    ],
)
def test_bad_input_is_told_in_words_with_its_own_exit_code(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    spoil: Callable[[RunConfig], None] | None,
    settings: list[str],
    reason: str,
) -> None:
    whole = config(tmp_path)
    if spoil:
        spoil(whole)
    changes = [word for setting in settings for word in ("--set", setting)]
    assert cli.run(["plan", str(written(whole, tmp_path)), "--json", *changes]) == EXIT_CODES[reason]
    out, err = capfd.readouterr()
    failure = json.loads(out.splitlines()[-1])["error"]
    assert failure["reason"] == reason
    assert failure["hint"]
    assert "Traceback" not in out + err


def test_a_failed_run_exits_as_the_run_says(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = config(tmp_path)
    spoil_data(whole)
    code = cli.run(["train", str(written(whole, tmp_path)), "--run-dir", str(tmp_path / "run"), "--json"])
    assert code == EXIT_CODES["data"]
    out, err = capfd.readouterr()
    assert json.loads(out.splitlines()[-1])["error"]["reason"] == "data"
    assert "Traceback" not in out + err
    assert Run(tmp_path / "run").progress().state == "failed"


def test_a_name_mistyped_makes_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, before = config(tmp_path), len(runs.listing())
    for setting in ("data.path", "data.eval_path"):
        mistyped = f"{setting}={tmp_path / 'rwos.jsonl'}"
        assert cli.run(["train", str(written(whole, tmp_path)), "--set", mistyped]) == EXIT_CODES["data"]
        assert "rwos.jsonl" in capsys.readouterr().err
    assert len(runs.listing()) == before


@pytest.mark.parametrize(
    ("model", "reason", "said"),
    [
        ("{tmp}/llmaa", "model", "There is no folder"),
        ("{tmp}", "model", "holds no config.json"),
        ("{tmp}/rows-40.jsonl", "model", "is a file"),
        ("nobody/has-this-model", "network", "offline"),
        ("{tmp}/gpt5", "model", "knows no language model of the type"),
    ],
)
def test_a_model_that_cannot_be_trained_makes_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, reason: str, said: str
) -> None:
    whole, before = config(tmp_path), len(runs.listing())
    (tmp_path / "gpt5").mkdir()
    (tmp_path / "gpt5" / "config.json").write_text('{"model_type": "gpt5"}')
    given = f"model.path={model.format(tmp=tmp_path)}"
    for more in ([], ["--detach"], ["--run-dir", str(tmp_path / "run")]):
        assert cli.run(["train", str(written(whole, tmp_path)), "--set", given, *more]) == EXIT_CODES[reason]
        assert said in capsys.readouterr().err
    assert len(runs.listing()) == before
    assert not (tmp_path / "run").exists()


def test_a_run_can_be_asked_all_that_the_window_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(config(tmp_path, num_train_epochs=200, save_steps=5000, data={"eval_split": 0.1}), tmp_path)
    run = Run(tmp_path / "run")
    assert studio("train", str(path), "--detach", "--run-dir", str(run.path)).returncode == 0
    until(lambda: run.progress().step > 2)

    def ask(*words: str) -> None:
        verb, *rest = words
        assert cli.run(["runs", verb, str(run.path), *rest, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["run"] == run.name

    ask("learning-rate", "1e-5")
    until(lambda: run.progress().steps[-1].learning_rate < 2e-5)
    ask("evaluate")
    until(lambda: len(run.progress().evaluations) > 1)
    ask("save")
    until(lambda: run.progress().saved)
    ask("pause")
    until(lambda: run.progress().state == "paused")
    ask("continue")
    until(lambda: run.progress().state == "training")
    assert cli.run(["runs", "learning-rate", str(run.path), "11"]) == EXIT_CODES["usage"]
    ask("stop", "--no-result")
    until(lambda: not run.alive(), 100)
    told = run.progress()
    assert told.finished is None
    assert told.saved[-1].step == told.step
    for verb in ("pause", "continue", "save", "evaluate", "stop"):
        assert cli.run(["runs", verb, str(run.path)]) == EXIT_CODES["run"]
        assert "is not going" in capsys.readouterr().err


def test_wrong_usage_and_closed_output_are_no_defects(tmp_path: Path) -> None:
    assert studio("trian").returncode == 2
    assert studio("runs", "show", "nothing").returncode == EXIT_CODES["run"]
    piped = subprocess.run(
        f"{sys.executable} -m studio --help | head -1", shell=True, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert piped.stderr == ""


def test_what_a_strangers_run_says_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steering = "\x1b[2Jx"
    run = runs.create(RunConfig(name="n", data=DataSpec(path="/x", chat_template=steering)), tmp_path / "run")
    run.emit(events.Failed(reason="data", message=steering, hint=steering, detail=steering))
    assert cli.run(["runs", "show", str(run.path)]) == 0
    out = capsys.readouterr().out
    assert out.count(r"\x1b[2Jx") == 4
    assert "\x1b" not in out


def test_what_is_shown_of_a_run_says_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")

    def shown() -> str:
        assert cli.run(["runs", "show", str(run.path)]) == 0
        return capsys.readouterr().out

    with run.claim(1):
        run.emit(events.Phase(name="reference", done=73, total=1705))
        assert "Asking the base: 73 of 1,705" in shown()
        assert cli.run(["runs", "stop", str(run.path)]) == 0
        assert "If no step is done by then, there is no result" in capsys.readouterr().out
        run.emit(prepared(95))
        run.emit(events.Phase(name="training"))
        run.emit(events.Obeyed(step=0, command={"kind": "set_learning_rate", "learning_rate": 2e-5}))
        run.emit(step(45, 0.5))
        assert "Step 45 of 95, loss 0.5000" in shown()
        assert " s left" in shown()
        assert "Peak learning rate 2e-05 from behind step 0" in shown()
        run.emit(events.Evaluated(step=0, eval_loss=2.31, trained_tokens=9, best=False))
        assert "Before training: evaluation loss 2.3100\n" in shown()
        run.emit(events.Evaluated(step=45, eval_loss=0.84, trained_tokens=9, best=True))
        assert "Evaluation loss 2.3100 before training, 0.8400 at its best" in shown()
        assert "Step 45: evaluation loss 0.8400\n" in shown()
        assert cli.run(["runs", "stop", str(run.path)]) == 0
        assert "behind its current step and keeps the result" in capsys.readouterr().out
    assert f"Go on with: studio runs resume {run.path}" in shown()
    assert " s left" not in shown()


def test_a_run_that_cannot_be_read_is_listed_as_damaged_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, unread, broken = (runs.create(replace(config(tmp_path), name=name)) for name in ("one", "two", "three"))
    unread.events_path.mkdir()
    (broken.path / "run.json").write_text("{")
    assert cli.run(["runs", "list", "--json"]) == 0
    found = {item["run"]: (item["state"], item["fault"]) for item in json.loads(capsys.readouterr().out)}
    assert found == {
        whole.name: ("interrupted", ""),
        unread.name: ("damaged", f"{unread.events_path} cannot be read: Is a directory."),
        broken.name: ("damaged", f"{broken.path} is not a readable run folder."),
    }
    assert cli.run(["runs", "list"]) == 0
    assert "events.jsonl cannot be read: Is a directory." in capsys.readouterr().out
    for action in ("show", "resume"):
        assert cli.run(["runs", action, unread.name]) == EXIT_CODES["run"]
        assert "cannot be read: Is a directory.\nCheck its permissions" in capsys.readouterr().err
