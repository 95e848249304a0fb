"""A capsule is unpacked, and its script trains as the run did, without this program."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import yaml
from huggingface_hub import constants
from safetensors.torch import load_file

from studio import paths
from studio.core import capsule as core_capsule
from studio.core import config_file, events, rowlog, runs
from studio.core.config import AdapterSpec, ModelSpec
from studio.core.errors import StudioError
from studio.core.runs import Run
from studio.engine import capsule
from tests.models import CHATML, tiny
from tests.training import begin_anew, config, judging, losses, preferring, resume, trained, write_rows

_STILL = {"lora_dropout": 0.0}


def unpacked(run: Run, folder: Path) -> Path:
    """Returns the folder that the capsule of a run is unpacked in."""
    capsule.write(run, folder / "run.zip")
    with ZipFile(folder / "run.zip") as archive:
        archive.extractall(folder / "capsule")
    return folder / "capsule"


def retrained(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, float]]:
    """Runs a capsule's script in this process; returns what it told: of what, the loss there and the run's own."""
    return retrained_in(unpacked(run, folder), Path(run.config().model.path), monkeypatch)


def retrained_in(place: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, float]]:
    """Runs the script of an unpacked capsule as `retrained` does."""
    told = list[tuple[str, float, float]]()
    spec = importlib.util.spec_from_file_location("capsule_train", place / "train.py")
    assert spec is not None
    assert spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    first: Callable[[str, float, float], float] = script.tell

    def tell(what: str, here: float, there: float) -> float:
        told.append((what, here, there))
        return first(what, here, there)

    monkeypatch.setattr(script, "tell", tell)
    monkeypatch.setattr(sys, "argv", ["train.py", "--model", str(base)])
    begin_anew()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to", UserWarning)
        script.main()
    return told


def plainly_run(place: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Runs the script of an unpacked capsule as anybody would."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "STUDIO_HOME")}
    command = [sys.executable, "train.py", *words]
    return subprocess.run(command, cwd=place, env=kept, capture_output=True, text=True, check=False)


def apart(told: list[tuple[str, float, float]]) -> float:
    """Returns the largest relative difference of what a script told."""
    return max(abs(here - there) / abs(there) for _, here, there in told)


def weights_apart(run: Run, folder: Path) -> float:
    """Returns how far the weights of a script's result are from the run's own, in parts of the largest."""
    own = load_file(run.path / "adapter" / "adapter_model.safetensors")
    made = load_file(folder / "capsule" / "result" / "adapter_model.safetensors")
    assert own.keys() == made.keys()
    most = max(float(tensor.abs().max()) for tensor in own.values())
    return max(float((own[name] - made[name]).abs().max()) for name in own) / most


def test_a_plain_python_reproduces_a_run_in_an_empty_folder(tmp_path: Path) -> None:
    data = {"packing": True, "max_length": 96, "eval_split": 0.2}
    settings: dict[str, Any] = {
        "gradient_accumulation_steps": 2,
        "num_train_epochs": 3,
        "eval_steps": 3,
        "weight_decay": 0.1,
    }
    run = trained(config(tmp_path, adapter=_STILL, data=data, **settings), tmp_path / "run")
    place = unpacked(run, tmp_path)
    said = plainly_run(place, "--model", run.config().model.path)
    assert said.returncode == 0, said.stderr
    lines = [line for line in said.stdout.splitlines() if ", in the run " in line]
    assert len(lines) == len(losses(run)) + len(run.progress().evaluations)
    assert max(float(line.rpartition(" ")[2]) for line in lines) < 1e-5
    assert "Largest relative difference" in said.stdout
    assert "Noise" not in said.stdout
    assert weights_apart(run, tmp_path) < 1e-4


@pytest.mark.parametrize(
    ("settings", "bound"),
    [
        ({"adapter": {"use_dora": True, "use_rslora": True, "modules_to_save": ["lm_head"], "bias": "all"}}, 1e-5),
        ({"adapter": {"rank_pattern": {"q_proj": 2}, "layers_to_transform": [1], "target_modules": ["q_proj"]}}, 1e-5),
        ({"adapter": {"init_lora_weights": "orthogonal", "target_modules": ["embed_tokens"]}}, 1e-5),
        ({"loraplus_lr_ratio": 4.0, "adapter": {"bias": "lora_only"}, "family": "qwen2"}, 1e-5),
        ({"family": "gpt_neox", "model": {"quantization": "8bit"}}, 1e-3),
        ({"model": {"dtype": "bfloat16"}, "adapter": {"use_dora": True}}, 2e-2),
        ({"family": "gemma3", "optim": "adafactor", "lr_scheduler_type": "linear", "max_grad_norm": 0}, 1e-4),
        ({"optim": "sgd", "optim_args": "momentum=0.9,nesterov=True", "learning_rate": 0.1}, 1e-5),
        ({"optim": "adamw_8bit"}, 1e-5),
        ({"model": {"quantization": "nf4"}}, 1e-5),
        ({"adapter": {"method": "full"}, "learning_rate": 1e-3, "activation_checkpointing": True}, 1e-5),
        ({"adapter": {"method": "full"}, "learning_rate": 1e-4, "model": {"dtype": "bfloat16"}}, 2e-2),
        ({"objective": "pretraining", "data": {"long_text": "chunks", "max_length": 16}}, 1e-5),
    ],
)
def test_whatever_is_trained_is_reproduced(
    settings: dict[str, Any], bound: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = dict(settings)
    wanted = config(tmp_path, adapter=_STILL | told.pop("adapter", {}), rows=16, **told)
    run = trained(wanted, tmp_path / "run")
    found = retrained(run, tmp_path, monkeypatch)
    assert len(found) == len(losses(run))
    assert apart(found) < bound


@pytest.mark.parametrize("objective", ["dpo", "ipo", "orpo", "simpo"])
def test_preferences_are_reproduced(objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = preferring(tmp_path, rows=16, data={"eval_split": 0.25}, objective=objective)
    run = trained(wanted, tmp_path / "run")
    found = retrained(run, tmp_path, monkeypatch)
    assert len(found) == len(losses(run)) + len(run.progress().evaluations)
    assert apart(found) < 1e-5
    assert weights_apart(run, tmp_path) < 1e-3


def test_labelled_answers_are_reproduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A rate at which answers to other prompts become likelier too, so that this counts.
    settings = {"desirable_weight": 1.5, "num_train_epochs": 3, "learning_rate": 1e-2}
    run = trained(judging(tmp_path, rows=16, data={"eval_split": 0.25}, **settings), tmp_path / "run")
    found = retrained(run, tmp_path, monkeypatch)
    assert len(found) == len(losses(run)) + len(run.progress().evaluations)
    assert apart(found) < 1e-5
    assert weights_apart(run, tmp_path) < 1e-3


def test_the_adapter_that_was_trained_further_is_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(config(tmp_path, adapter=_STILL | {"modules_to_save": ["lm_head"]}), tmp_path / "first")
    wanted = preferring(tmp_path, rows=16, objective="dpo")
    adapter: dict[str, Any] = {
        "path": str(first.path / "adapter"),
        "modules_to_save": ["lm_head"],
        "r": 4,
        "lora_alpha": 8,
    }
    run = trained(replace(wanted, adapter=AdapterSpec(**adapter)), tmp_path / "run")
    found = retrained(run, tmp_path, monkeypatch)
    assert apart(found) < 1e-5
    held = load_file(tmp_path / "capsule" / "start.safetensors")
    assert any("modules_to_save" in name for name in held)  # they are the adapter's, not the base's
    assert weights_apart(run, tmp_path) < 1e-3


def test_a_new_adapter_has_nothing_of_its_base_in_the_file(tmp_path: Path) -> None:
    adapter = _STILL | {"modules_to_save": ["lm_head"], "bias": "all", "use_dora": True}
    run = trained(config(tmp_path, family="qwen2", adapter=adapter, max_steps=1), tmp_path / "run")
    place = unpacked(run, tmp_path)
    names = load_file(place / "start.safetensors")
    assert names
    assert all("lora_A.default" in name or "lora_B.default" in name for name in names)


def test_a_run_is_reproduced_as_it_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(config(tmp_path, adapter=_STILL, save_steps=2, num_train_epochs=3), tmp_path / "run")

    def steer(event: events.Event) -> None:
        match event:
            case events.Step(step=5):
                run.ask(events.SetLearningRate(learning_rate=3e-3))
            case events.Step(step=9):
                run.ask(events.Stop(keep=False))

    resume(run, steer)
    # As where it was killed in the middle of a step, behind its last checkpoint.
    shutil.rmtree(run.path / "checkpoints" / "step-000009")
    resume(run, lambda event: run.ask(events.Stop()) if isinstance(event, events.Step) and event.step == 20 else None)
    told = run.progress()
    assert told.resumed[-1].step == 8
    assert told.step == 20
    found = retrained(run, tmp_path, monkeypatch)
    assert len(found) == told.step
    assert apart(found) < 1e-5
    assert weights_apart(run, tmp_path) < 1e-4


def test_noise_is_told_of_and_leaves_the_first_step_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(config(tmp_path, adapter={"lora_dropout": 0.1}), tmp_path / "run")
    found = retrained(run, tmp_path, monkeypatch)
    # Of a new adapter B is zero, whatever is dropped.
    assert apart(found[:1]) < 1e-5
    assert 1e-5 < apart(found) < 0.2
    assert "Noise is drawn anew" in capsys.readouterr().out
    assert "the adapter's dropout" in (tmp_path / "capsule" / "README.md").read_text(encoding="utf-8")


def test_noise_on_the_embeddings_is_as_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"adapter": _STILL, "max_steps": 1, "per_device_train_batch_size": 40}
    plain = losses(trained(config(tmp_path, **settings), tmp_path / "plain"))[0]
    run = trained(config(tmp_path, **settings, neftune_noise_alpha=40.0), tmp_path / "run")
    ((_, here, there),) = retrained(run, tmp_path, monkeypatch)
    # What it raises the loss by is much alike in two draws of so many rows.
    assert here - plain == pytest.approx(there - plain, rel=0.6)
    assert there - plain > 0.01


def test_nothing_in_it_is_of_this_machine(tmp_path: Path) -> None:
    template = tmp_path / "own.jinja"
    template.write_text(CHATML, encoding="utf-8")
    held = write_rows(tmp_path / "held.jsonl", 4, seed=3)
    data = {"chat_template": str(template), "eval_path": str(held)}
    run = trained(config(tmp_path, adapter=_STILL, data=data), tmp_path / "run")
    run.emit(events.Notice(message=f"Look into {tmp_path}/llama or {Path.home()}/.cache/x.json, or https://a.b/c."))
    run.emit(
        events.Failed(reason="disk", message=f"{run.path} is full.", hint="", detail=f"in {tmp_path}/rows-40.jsonl")
    )
    run.emit(events.Replied(step=1, question="my secret", answer="yours"))
    capsule.write(run, tmp_path / "run.zip")
    with ZipFile(tmp_path / "run.zip") as archive:
        read = {name: archive.read(name) for name in archive.namelist()}
    for name, content in read.items():
        for place in (tmp_path, Path.home(), paths.home(), sys.prefix):
            assert str(place).encode() not in content, name
        assert b"my secret" not in content, name
    told = [json.loads(line) for line in read["events.jsonl"].splitlines()]
    assert told[-2]["message"] == "Look into llama or x.json, or https://a.b/c."
    assert (told[-1]["message"], told[-1]["detail"]) == ("run is full.", "in rows-40.jsonl")
    assert [line["step"] for line in told if line["kind"] == "step"] == [step.step for step in run.progress().steps]
    values = yaml.safe_load(read["config.yaml"])
    assert (values["data"]["path"], values["data"]["eval_path"]) == ("rows-40.jsonl", "held.jsonl")
    assert values["data"]["chat_template"] in read
    assert config_file.build(values).model.path == "llama"


def test_rows_lie_there_as_they_were_learned_and_as_text(tmp_path: Path) -> None:
    run = trained(config(tmp_path, rows=6, data={"eval_split": 0.34}, max_steps=2), tmp_path / "run")
    place = unpacked(run, tmp_path)
    stored = load_file(place / "rows.safetensors")
    ids, labels, offsets = (stored[f"train.{name}"] for name in ("ids", "labels", "offsets"))
    assert bool(((labels == ids) | (labels == -100)).all())
    learned = [int((labels[a + 1 : b] != -100).sum()) for a, b in pairwise(offsets.tolist())]
    told = [json.loads(line) for line in (place / "steps.jsonl").read_text().splitlines()]
    steps = run.progress().steps
    assert [sum(learned[row] for row in step["rows"]) for step in told] == [step.trained_tokens for step in steps]
    texts = [json.loads(line) for line in (place / "rows.jsonl").read_text().splitlines()]
    rows = [json.loads(line)["messages"] for line in (tmp_path / "rows-6.jsonl").read_text().splitlines()]
    assert len(texts) == 4
    assert all(rows[text["row"]][1]["content"] in text["texts"][0] for text in texts)
    assert len((place / "evaluation.jsonl").read_text().splitlines()) == 2


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = trained(config(tmp_path, max_steps=2), tmp_path / "run")
    capsule.write(run, tmp_path / "one.zip")
    begin_anew()
    capsule.write(run, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_what_is_there_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    run = trained(config(tmp_path, max_steps=1), tmp_path / "run")
    (tmp_path / "run.zip").write_bytes(b"mine")
    with pytest.raises(StudioError, match="is there already"):
        capsule.write(run, tmp_path / "run.zip")
    assert (tmp_path / "run.zip").read_bytes() == b"mine"
    capsule.write(run, tmp_path / "run.zip", overwrite=True)
    assert (tmp_path / "run.zip").read_bytes() != b"mine"
    with pytest.raises(StudioError, match=r"does not end in \.zip"):
        capsule.write(run, tmp_path / "run.tar")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: write_rows(folder / "rows-40.jsonl", 40, seed=9), "rows-40.jsonl has changed since"),
        (lambda folder: tiny("llama", folder / "llama", initializer_range=0.2), "The weights of .* have changed"),
        (lambda folder: _template(folder / "llama"), "The tokenizer or the chat template of .* has changed"),
        (lambda folder: _swap(folder / "run" / "rows-0.bin"), "The rows of the run's steps are not those"),
    ],
)
def test_what_is_no_longer_as_it_was_is_refused(change: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    run = trained(config(tmp_path, max_steps=3), tmp_path / "run")
    change(tmp_path)
    with pytest.raises(StudioError, match=said):
        capsule.write(run, tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()


def _template(folder: Path) -> None:
    file = folder / "chat_template.jinja"
    file.write_text(file.read_text(encoding="utf-8").replace("<|im_end|>", "<|im_end|> "), encoding="utf-8")


def _swap(file: Path) -> None:
    records = np.fromfile(file, rowlog.RECORD)
    records["row"][0] += 1
    records.tofile(file)


def test_there_is_none_of_what_a_plain_script_does_not_follow(tmp_path: Path) -> None:
    adapter: dict[str, Any] = {"modules_to_save": ["lm_head"]}
    run = trained(config(tmp_path, model={"dtype": "bfloat16"}, adapter=adapter, max_steps=1), tmp_path / "half")
    with pytest.raises(StudioError, match="whole modules in half precision"):
        capsule.write(run, tmp_path / "run.zip")
    adapter = {"use_dora": True}
    run = trained(config(tmp_path, model={"quantization": "8bit"}, adapter=adapter, max_steps=1), tmp_path / "8bit")
    with pytest.raises(StudioError, match="DoRA beside a base in 8 bits"):
        capsule.write(run, tmp_path / "run.zip")
    run = runs.create(config(tmp_path), tmp_path / "new")
    with pytest.raises(StudioError, match="has not taken a step"):
        capsule.write(run, tmp_path / "run.zip")
    run = trained(config(tmp_path, max_steps=1), tmp_path / "done")
    with run.claim(), pytest.raises(StudioError, match="is at work"):
        capsule.write(run, tmp_path / "run.zip")


def test_the_records_of_all_processes_are_put_together(tmp_path: Path) -> None:
    run = trained(config(tmp_path, max_steps=3, gradient_accumulation_steps=2), tmp_path / "run")
    # What two processes do together one does that accumulates.
    about = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    about["config"]["training"]["gradient_accumulation_steps"] = 1
    (run.path / "run.json").write_text(json.dumps(about), encoding="utf-8")
    records = rowlog.read(run.path)
    for rank in (0, 1):
        records[rank::2].tofile(rowlog.path_of(run.path, rank))
    place = unpacked(run, tmp_path)
    told = [json.loads(line)["rows"] for line in (place / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(set(rows)) for rows in told] == [8, 8, 8]
    # Of another number of processes nothing is made up.
    records[:0].tofile(rowlog.path_of(run.path, 2))
    with pytest.raises(StudioError, match="another number of processes"):
        capsule.write(run, tmp_path / "other.zip")


def test_a_base_that_was_a_folder_has_to_be_named(tmp_path: Path) -> None:
    place = unpacked(trained(config(tmp_path, max_steps=1), tmp_path / "run"), tmp_path)
    said = plainly_run(place)
    assert said.returncode == 2
    assert "the base, llama, is not to be had by its id" in said.stderr
    said = plainly_run(place, "--model", str(tmp_path))
    assert (said.returncode, f"{tmp_path} is no model's folder" in said.stderr) == (2, True)


def test_a_base_of_the_hub_is_found_by_its_id_and_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, wanted = tmp_path / "hub", config(tmp_path, adapter=_STILL, rows=8, max_steps=2)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    place = hub / "models--someone--tiny"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("1" * 40)
    shutil.copytree(wanted.model.path, place / "snapshots" / ("1" * 40))
    run = trained(replace(wanted, model=ModelSpec(path="someone/tiny")), tmp_path / "run")
    folder = unpacked(run, tmp_path)
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (about["base"]["path"], about["base"]["revision"]) == ("someone/tiny", "1" * 40)
    (place / "refs" / "main").write_text("2" * 40)  # the model goes on, the run's own commit stays
    kept = os.environ | {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"}
    said = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.count(", in the run ") == 2
    assert "python train.py\n" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_script_knows_nothing_of_this_program() -> None:
    text = (core_capsule.folder() / "train.py").read_text(encoding="utf-8")
    assert "studio" not in text.lower()


def test_other_weights_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(config(tmp_path, adapter=_STILL, max_steps=1), tmp_path / "run")
    place = unpacked(run, tmp_path)
    tiny("llama", tmp_path / "llama", initializer_range=0.2)
    found = retrained_in(place, tmp_path / "llama", monkeypatch)
    assert apart(found) > 1e-3
    assert "are not those of the run" in capsys.readouterr().out
