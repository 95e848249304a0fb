"""Nothing lost: a run killed at any moment ends bit for bit as if it had never been."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.core import events, library, runs
from studio.core.config import from_dict, to_dict
from studio.core.entry import learning_rates
from studio.core.errors import StudioError
from studio.core.runs import Run
from studio.engine import blocks, checkpoint
from tests.training import config, digest, judging, losses, preferring, resume, trained, write_rows

ROOT = Path(__file__).resolve().parents[2]
EVERY: dict[str, Any] = {"eval_steps": 4, "save_steps": 2, "gradient_accumulation_steps": 2}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kills", "model", "adapter", "training"),
    [
        (60, {}, {}, {"num_train_epochs": 4}),
        (20, {}, {"use_dora": True, "modules_to_save": ["lm_head"]}, {"train_sampling_strategy": "group_by_length"}),
        (20, {"quantization": "nf4"}, {}, {"optim": "adamw_8bit"}),
        (8, {}, {"init_lora_weights": "pissa_niter_16"}, {}),
        (8, {}, {}, {"objective": "orpo", "learning_rate": 1e-3}),
        (8, {}, {}, {"objective": "kto", "learning_rate": 1e-3}),
        (8, {"quantization": "nf4"}, {"method": "vera", "r": 8, "lora_alpha": 32}, {}),
        (8, {}, {"method": "lokr", "lora_dropout": 0.0}, {"activation_checkpointing": True}),
        (8, {}, {"target_parameters": ["experts"], "lora_dropout": 0.0}, {"activation_checkpointing": True}),
    ],
    ids=["lora", "dora", "nf4", "pissa", "orpo", "kto", "vera", "lokr", "experts"],
)
def test_killed_runs_end_bit_identical(
    tmp_path: Path, kills: int, model: dict[str, Any], adapter: dict[str, Any], training: dict[str, Any]
) -> None:
    made = {"orpo": preferring, "kto": judging}.get(training.get("objective", ""), config)
    family = "mixtral" if "target_parameters" in adapter else "llama"
    given: dict[str, Any] = EVERY | training | {"family": family, "model": model, "adapter": adapter}
    whole = made(tmp_path, data={"eval_split": 0.1}, **given)
    reference = trained(whole, tmp_path / "reference")
    command = [sys.executable, "-m", "tests.killing", str(reference.path / "run.json"), str(kills), "0"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["failures"] == []
    assert told["kills"] == kills
    # Of few, chance may have most elsewhere.
    assert told["in_save"] >= (kills // 4 if kills >= 20 else 1)
    assert set(told["digests"]) == {digest(reference)}


def interrupted(run: Run, step: int) -> None:
    """Trains a run until it is asked to end behind `step`."""

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == step:
            run.ask(events.Stop(keep=False))

    resume(run, stop)


@pytest.mark.parametrize(
    "training",
    [
        {"optim": "adafactor"},
        {"optim": "sgd", "lr_scheduler_type": "linear", "train_sampling_strategy": "sequential"},
        {"activation_checkpointing": True, "lr_scheduler_type": "warmup_stable_decay", "max_steps": 13},
        {"loraplus_lr_ratio": 16, "learning_rate": 1e-3, "adam_beta2": 0.95, "adam_epsilon": 1e-6},
        {"neftune_noise_alpha": 5, "activation_checkpointing": True},
    ],
    ids=["adafactor", "sgd", "checkpointing", "loraplus", "neftune"],
)
def test_stopping_and_resuming_changes_nothing(tmp_path: Path, training: dict[str, Any]) -> None:
    whole = config(tmp_path, data={"packing": True, "eval_split": 0.1}, **(EVERY | training))
    reference = trained(whole, tmp_path / "reference")
    run = runs.create(whole, tmp_path / "run")
    for step in (3, 4):
        interrupted(run, step)
        assert run.progress().finished is None
    resume(run)
    assert [item.step for item in run.progress().resumed] == [3, 4]
    assert digest(run) == digest(reference)


@pytest.mark.parametrize("phase", ["tokenizing", "loading"])
@pytest.mark.parametrize("keep", [True, False])
def test_a_run_that_is_to_end_before_its_first_step_ends_at_once(
    tmp_path: Path, phase: events.PhaseName, keep: bool
) -> None:
    whole = config(tmp_path, **EVERY)
    reference = trained(whole, tmp_path / "reference")
    run, told = runs.create(whole, tmp_path / "run"), list[events.Event]()

    def stop(event: events.Event) -> None:
        told.append(event)
        if isinstance(event, events.Phase) and event.name == phase and run.progress().obeyed == []:
            run.ask(events.Stop(keep=keep))

    resume(run, stop)
    *before, obeyed = told
    assert isinstance(obeyed, events.Obeyed)
    assert (obeyed.step, obeyed.command["kind"]) == (0, "stop")
    assert {event.name for event in before if isinstance(event, events.Phase)} <= {"tokenizing", phase}
    assert run.progress().prepared is None
    resume(run)
    assert digest(run) == digest(reference)


@pytest.mark.parametrize("keep", [True, False])
def test_a_run_that_goes_on_keeps_its_result_where_it_is_to_end_before_it_is_ready(tmp_path: Path, keep: bool) -> None:
    run = runs.create(config(tmp_path, **EVERY), tmp_path / "run")
    interrupted(run, 3)

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Phase) and event.name == "tokenizing" and len(run.progress().obeyed) == 1:
            run.ask(events.Stop(keep=keep))

    resume(run, stop)
    told = run.progress()
    assert (told.step, told.obeyed[-1].step) == (3, 3)
    assert (told.finished is not None) == keep
    assert len(told.resumed) == keep, "without a result to write it does not even go back"


def test_with_every_fast_path_stopping_and_resuming_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So small a model would not take blocks by itself.
    monkeypatch.setattr(blocks, "_LEAST_NUMBERS", 0)
    whole = config(tmp_path, adapter={"lora_dropout": 0.0}, data={"max_length": 256}, num_train_epochs=1, **EVERY)
    system = {"role": "system", "content": "You answer letters about small orders, late boxes and numbers. " * 2}
    rows = Path(whole.data.path)
    lines = [json.loads(line) for line in rows.read_text().splitlines()]
    rows.write_text("".join(json.dumps({"messages": [system, *line["messages"]]}) + "\n" for line in lines))
    reference = trained(whole, tmp_path / "reference")
    assert reference.progress().prepared.plain == {}  # type: ignore[union-attr]
    run = runs.create(whole, tmp_path / "run")
    interrupted(run, 3)
    resume(run)
    assert run.progress().resumed[-1].step == 3
    assert digest(run) == digest(reference)


def test_a_damaged_checkpoint_is_named_and_the_one_before_used(tmp_path: Path) -> None:
    whole = config(tmp_path, **EVERY)
    reference = trained(whole, tmp_path / "reference")
    run = runs.create(whole, tmp_path / "run")
    interrupted(run, 6)
    newest = checkpoint.listing(run.path)[-1]
    (newest / "optimizer.pt").write_bytes(b"")
    resume(run)
    resumed = run.progress().resumed[-1]
    assert resumed.step == 4
    assert newest.name in resumed.refused[0]
    assert "optimizer.pt" in resumed.refused[0]
    assert digest(run) == digest(reference)


def cut(data: bytes) -> bytes:
    return data[:-1]


def zeroed(data: bytes) -> bytes:
    return bytes(len(data))


def flipped(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


def test_every_damage_to_every_file_of_a_real_checkpoint_is_seen(tmp_path: Path) -> None:
    run = trained(config(tmp_path, data={"eval_split": 0.1}, **EVERY), tmp_path / "run")
    older, newer = checkpoint.listing(run.path)[-2:]
    files = sorted(path for path in newer.rglob("*") if path.is_file())
    assert {path.name for path in files} >= {"adapter_model.safetensors", "optimizer.pt", "state.json", "manifest.json"}
    for path in files:
        whole = path.read_bytes()
        for damage in (cut, zeroed, flipped, None):
            path.unlink() if damage is None else path.write_bytes(damage(whole))
            found = checkpoint.newest(run.path)
            assert found.path == older
            assert newer.name in found.refused[0]
            path.write_bytes(whole)
    assert checkpoint.newest(run.path).path == newer


def test_changed_data_and_changed_base_are_refused(tmp_path: Path) -> None:
    whole = config(tmp_path, **EVERY)
    run = runs.create(whole, tmp_path / "run")
    interrupted(run, 4)
    rows = Path(whole.data.path)
    text = rows.read_text()
    rows.write_text(text.replace("Paris", "Rome"))
    with pytest.raises(StudioError, match="has changed since the run began"):
        resume(run)
    rows.write_text(text)
    about = Path(whole.model.path) / "config.json"
    text = about.read_text()
    said = json.loads(text)
    about.write_text(json.dumps(said | {"rms_norm_eps": 2 * said["rms_norm_eps"]}))
    with pytest.raises(StudioError, match=r"config\.json of .* has changed"):
        resume(run)
    # What wrote it changes nothing of what it says.
    about.write_text(json.dumps(dict(reversed(said.items())) | {"transformers_version": "9.9"}))
    weights = Path(whole.model.path) / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-2] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(StudioError, match=r"weights of .* have changed"):
        resume(run)
    data[-2] ^= 1
    weights.write_bytes(bytes(data))
    resume(run)
    assert run.progress().state == "finished"


def test_a_learning_rate_set_before_a_crash_is_set_again_at_the_same_step(tmp_path: Path) -> None:
    whole = config(tmp_path, **(EVERY | {"save_steps": 4}))
    run = runs.create(whole, tmp_path / "run")

    def act(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 5:
            run.ask(events.SetLearningRate(learning_rate=1e-3))
        if isinstance(event, events.Step) and event.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(run, act)
    before = losses(run)
    resume(run)
    assert run.progress().resumed[-1].step == 4
    assert losses(run)[: len(before)] == before
    assert run.progress().steps[5].learning_rate < 2e-3
    finished = run.progress().finished
    assert finished is not None
    entry = library.find(finished.adapter)
    assert learning_rates(entry.config, entry.metrics) == [(0, 1e-2), (5, 1e-3)]
    assert "| training.learning\\_rate | 0.01, 0.001 behind step 5 |" in (entry.folder / "README.md").read_text()


def broken_off(run: Run, step: int, *commands: events.Command) -> None:
    """Trains a run until it dies behind `step`; the commands are asked for behind the step before."""

    def act(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == step - 1:
            for command in commands:
                run.ask(command)
        if isinstance(event, events.Step) and event.step == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(run, act)


def test_repeated_rates_are_told_once_however_often_it_dies(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, **(EVERY | {"save_steps": 4})), tmp_path / "run")
    broken_off(run, 5, events.SetLearningRate(learning_rate=1e-3))
    first = [step.learning_rate for step in run.progress().steps]
    for _ in range(3):
        broken_off(run, 7)
        assert run.progress().learning_rates == [(4, 1e-3)]
        assert [step.learning_rate for step in run.progress().steps][: len(first)] == first


def test_a_rate_given_on_resume_is_not_overridden_by_an_older_one(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, **(EVERY | {"save_steps": 4})), tmp_path / "run")
    broken_off(run, 7, events.SetLearningRate(learning_rate=0.9))

    def lower(event: events.Event) -> None:
        if isinstance(event, events.Resumed):
            run.ask(events.SetLearningRate(learning_rate=1e-5))

    resume(run, lower)
    assert all(step.learning_rate <= 1e-5 for step in list(run.progress().steps)[4:])
    assert run.progress().learning_rates == [(4, 1e-5)]


def test_a_rate_that_was_not_set_before_a_crash_is_set_when_it_goes_on(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, **(EVERY | {"save_steps": 4})), tmp_path / "run")

    def die(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 5:
            run.ask(events.SetLearningRate(learning_rate=0.9))
            run.ask(events.SetLearningRate(learning_rate=1e-5))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(run, die)
    for _ in range(2):
        broken_off(run, 7)
        assert run.progress().learning_rates == [(4, 1e-5)]
    resume(run)
    steps = list(run.progress().steps)
    assert max(step.learning_rate for step in steps[4:]) <= 1e-5 < steps[3].learning_rate
    told = [item for item in run.progress().obeyed if item.command["kind"] == "set_learning_rate"]
    assert len(told) == 1


def test_dying_behind_the_last_early_stopped_step_changes_nothing(tmp_path: Path) -> None:
    patient = {"num_train_epochs": 30, "learning_rate": 0.3, "eval_steps": 2, "early_stopping_patience": 2}
    whole = config(tmp_path, rows=24, data={"eval_split": 0.3}, **(EVERY | patient))
    reference = trained(whole, tmp_path / "reference")
    run = runs.create(whole, tmp_path / "run")

    def die(event: events.Event) -> None:
        if isinstance(event, events.Phase) and event.name == "finishing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(run, die)
    resume(run)
    finished = run.progress().finished
    assert finished is not None
    assert finished.outcome == "early_stopped"
    assert digest(run) == digest(reference)


OVERFITTING: dict[str, Any] = {"num_train_epochs": 4, "learning_rate": 0.3, "eval_steps": 2, "save_steps": 2}


def test_a_damaged_best_checkpoint_is_computed_again(tmp_path: Path) -> None:
    # It learns all the way, so that each evaluation is the best yet.
    spec = OVERFITTING | {"save_total_limit": 20, "learning_rate": 0.03}
    whole = config(tmp_path, rows=24, data={"eval_split": 0.3}, **spec)
    reference = trained(whole, tmp_path / "reference")
    run = runs.create(whole, tmp_path / "run")
    interrupted(run, 11)
    best = run.progress().best
    assert best is not None
    assert best.step == 10
    assert checkpoint.step_of(checkpoint.listing(run.path)[-1]) == 11
    (checkpoint.folder(run.path) / checkpoint.name(best.step) / "optimizer.pt").unlink()
    resume(run)
    resumed = run.progress().resumed[-1]
    assert resumed.step < best.step
    assert any(checkpoint.name(best.step) in sentence for sentence in resumed.refused)
    assert digest(run) == digest(reference)


def test_without_the_best_the_run_still_ends(tmp_path: Path) -> None:
    # With so much to gain, only the first evaluation is ever the best.
    spec = OVERFITTING | {"early_stopping_threshold": 100.0}
    run = runs.create(config(tmp_path, rows=24, data={"eval_split": 0.3}, **spec), tmp_path / "run")
    interrupted(run, 12)
    assert [checkpoint.step_of(path) for path in checkpoint.listing(run.path)] == [2, 10, 12]
    (checkpoint.folder(run.path) / checkpoint.name(2) / "optimizer.pt").unlink()
    resume(run)
    progress = run.progress()
    assert progress.resumed[-1].step == 12
    assert "best checkpoint is damaged" in progress.notices[-1].message
    assert progress.finished is not None
    assert progress.finished.result_step > 12


def test_damaged_newer_checkpoints_do_not_push_out_the_whole_one(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, num_train_epochs=4, save_steps=3), tmp_path / "run")
    interrupted(run, 9)
    for path in checkpoint.listing(run.path)[1:]:
        (path / "optimizer.pt").unlink()
    interrupted(run, 7)
    assert [checkpoint.step_of(path) for path in checkpoint.listing(run.path)] == [6, 7]
    assert checkpoint.newest(run.path).refused == []


def test_other_versions_of_the_packages_are_told(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, **EVERY), tmp_path / "run")
    interrupted(run, 4)
    about = run.path / "run.json"
    about.write_text(about.read_text().replace('"peft": "', '"peft": "0.0+'))
    resume(run)
    assert "peft 0.0+" in run.progress().notices[-1].message


def test_a_changed_evaluation_file_is_named(tmp_path: Path) -> None:
    apart = write_rows(tmp_path / "apart.jsonl", 6, seed=1)
    run = runs.create(config(tmp_path, data={"eval_path": str(apart)}, **EVERY), tmp_path / "run")
    interrupted(run, 4)
    write_rows(apart, 6, seed=2)
    with pytest.raises(StudioError, match=r"apart.jsonl has changed") as caught:
        resume(run)
    assert caught.value.reason == "data"


def test_a_complete_run_is_not_trained_again(tmp_path: Path) -> None:
    run = trained(config(tmp_path), tmp_path / "run")
    with pytest.raises(StudioError, match="already complete"):
        resume(run)


def test_the_config_of_a_run_survives_its_folder(tmp_path: Path) -> None:
    whole = config(tmp_path)
    assert from_dict(json.loads(json.dumps(to_dict(whole)))) == whole
