"""The loop: the same numbers as the field's trainer, however the work is cut, and every way a run can end."""

import json
import math
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core import events, library, runs
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.rowlog import read
from studio.core.runs import Run
from studio.engine import adapters, model, optim, planning, session
from tests.models import CHATML
from tests.training import begin_anew, config, judging, losses, preferring, resume, trained, write_rows

ROOT = Path(__file__).resolve().parents[2]
STILL = {"lora_dropout": 0.0}
MARKED = CHATML.replace(
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}",
    "{{ '<|im_start|>' + message['role'] + '\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}",
)


def test_losses_equal_trl_step_by_step(tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    whole = config(
        tmp_path,
        rows=80,
        adapter=STILL,
        max_steps=20,
        gradient_accumulation_steps=2,
        train_sampling_strategy="sequential",
        weight_decay=0.01,
        lr_scheduler_type="linear",
        warmup_steps=0,
    )
    base = Path(whole.model.path)
    (base / "chat_template.jinja").write_text(MARKED)
    run = trained(whole, tmp_path / "run")

    # The same start: our run drew its adapter from its seed.
    frozen = model.load_base(base, whole.model, torch.device("cpu"))
    optim.seed_all(whole.training.seed, "initialise")
    theirs = adapters.attach(frozen, whole.adapter)
    rows = [json.loads(line) for line in Path(whole.data.path).read_text().splitlines()]
    arguments = SFTConfig(
        output_dir=str(tmp_path / "trl"),
        max_steps=20,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        learning_rate=1e-2,
        weight_decay=0.01,
        warmup_steps=0,
        lr_scheduler_type="linear",
        train_sampling_strategy="sequential",
        max_length=128,
        assistant_only_loss=True,
        packing=False,
        activation_checkpointing=False,
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=theirs, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=model.load_tokenizer(base)
    )
    trainer.train()
    expected = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(expected) == 20
    np.testing.assert_allclose(losses(run), expected, rtol=1e-4)


def curve(folder: Path, name: str, data: dict[str, Any] | None = None, **training: Any) -> list[tuple[float, float]]:
    spec = {"num_train_epochs": 1, "train_sampling_strategy": "sequential", "warmup_steps": 0, **training}
    run = trained(config(folder, adapter=STILL, data=data, **spec), folder / name)
    return [(step.loss, step.grad_norm) for step in run.progress().steps]


def test_packed_loss_equals_unpacked(tmp_path: Path) -> None:
    everything: dict[str, Any] = {"per_device_train_batch_size": 64, "max_steps": 4}
    unpacked = curve(tmp_path, "unpacked", **everything)
    packed = curve(tmp_path, "packed", {"packing": True, "max_length": 300}, **everything)
    np.testing.assert_allclose(packed, unpacked, rtol=1e-5)


def test_accumulated_micro_batches_equal_one_batch(tmp_path: Path) -> None:
    whole = curve(tmp_path, "one", per_device_train_batch_size=8)
    for size in (4, 1):
        parts = curve(tmp_path, f"by-{size}", per_device_train_batch_size=size, gradient_accumulation_steps=8 // size)
        np.testing.assert_allclose(parts, whole, rtol=1e-5)


@pytest.mark.parametrize(("family", "batching"), [("opt", "padded"), ("llama", "flat")])
def test_every_way_to_batch_gives_the_same_losses(tmp_path: Path, family: str, batching: str) -> None:
    whole = config(tmp_path, family=family, adapter=STILL, data={"eval_split": 0.1}, num_train_epochs=1)
    settings = Path(whole.model.path) / "config.json"
    # The base's own dropout would differ with the shape of a batch.
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"dropout": 0.0}))
    by_row = trained(whole, tmp_path / "by-row")
    # A chunk size, which neither family reads, forbids attention row by row. OPT then mixes rows, and is padded.
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"attention_chunk_size": 4096}))
    otherwise = trained(whole, tmp_path / "otherwise")
    assert [r.progress().prepared.batching for r in (by_row, otherwise)] == ["flat", batching]  # type: ignore[union-attr]
    assert bool(otherwise.progress().notices) == (batching == "padded")
    np.testing.assert_allclose(losses(otherwise), losses(by_row), rtol=1e-5)
    scores = [[item.eval_loss for item in run.progress().evaluations] for run in (by_row, otherwise)]
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-5)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("made", "name", "start"),
    [
        (preferring, "adamw_torch", "olora"),
        (judging, "adamw_torch", "default"),
        (config, "adamw_8bit", "pissa"),
        (config, "adamw_torch", "eva"),
    ],
)
def test_two_processes_equal_one(made: Callable[..., RunConfig], name: str, start: str, tmp_path: Path) -> None:
    """Also with an optimizer of transformers, which sets accelerate's state."""
    adapter = STILL | {"init_lora_weights": start}
    spec: dict[str, Any] = {"adapter": adapter, "data": {"eval_split": 0.1}, "eval_steps": 3, "optim": name}
    alone = trained(made(tmp_path, **spec, gradient_accumulation_steps=2), tmp_path / "alone")
    run = runs.create(made(tmp_path, **spec), tmp_path / "shared")
    port = _free_port()
    processes = [_rank(run, rank, port) for rank in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0], (run.path / "events.jsonl").read_text()[-2000:]
    np.testing.assert_allclose(losses(run), losses(alone), rtol=1e-5)
    theirs, ours = (item.progress().evaluations for item in (run, alone))
    np.testing.assert_allclose([e.eval_loss for e in theirs], [e.eval_loss for e in ours], rtol=1e-5)
    assert [e.reward_accuracy for e in theirs] == [e.reward_accuracy for e in ours]
    assert run.progress().finished is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _rank(run: Run, rank: int, port: int) -> "subprocess.Popen[bytes]":
    """Starts one process of two, by the environment that torchrun sets."""
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-m", "studio", "worker", str(run.path)],
        cwd=ROOT,
        env=os.environ | place | meeting,
        stderr=subprocess.DEVNULL,
    )


def test_the_result_is_the_best_checkpoint_and_stands_in_the_library(tmp_path: Path) -> None:
    whole = config(
        tmp_path,
        rows=24,
        data={"eval_split": 0.3},
        num_train_epochs=30,
        learning_rate=0.1,
        eval_steps=5,
        early_stopping_patience=3,
    )
    run = trained(whole, tmp_path / "run")
    progress = run.progress()
    assert progress.finished is not None
    assert progress.best is not None
    assert progress.finished.outcome == "early_stopped"
    assert progress.finished.result_step == progress.best.step == progress.step - 15
    assert progress.best.eval_loss == min(item.eval_loss for item in progress.evaluations)
    # Evaluations take time too.
    last, spent = progress.steps[-1], [item.step_s for item in list(progress.steps)[-20:]]
    assert progress.prepared is not None
    assert last.eta_s > 1.001 * (progress.prepared.steps - last.step) * sum(spent) / len(spent)
    entry = library.find(progress.finished.adapter)
    assert entry.metrics["eval_loss"] == progress.best.eval_loss
    assert progress.base is not None
    assert entry.metrics["base_eval_loss"] == progress.base.eval_loss > progress.best.eval_loss
    assert entry.metrics["loss"] == progress.steps[progress.best.step - 1].loss
    assert entry.metrics["tokens"] == progress.steps.column("tokens")[: progress.best.step].sum()
    assert entry.run == run.address
    assert entry.base.fingerprint
    kept, result = (
        load_file(path / "adapter_model.safetensors")
        for path in (run.path / f"checkpoints/step-{progress.best.step:06d}/adapter", entry.folder)
    )
    assert all(torch.equal(kept[key], result[key]) for key in kept | result)


def test_every_row_and_its_loss_is_on_record(tmp_path: Path) -> None:
    run = trained(config(tmp_path, rows=24, num_train_epochs=2), tmp_path / "run")
    records = read(run.path)
    assert np.bincount(records["row"]).tolist() == [2] * 24
    for step in run.progress().steps:
        mine = records[records["step"] == step.step]
        mean = (mine["loss"] * mine["tokens"]).sum() / mine["tokens"].sum()
        assert math.isclose(mean, step.loss, rel_tol=1e-5)
        assert mine["tokens"].sum() == step.trained_tokens


@pytest.mark.parametrize("method", ["full", "lora"])
def test_training_lowers_the_loss(tmp_path: Path, method: str) -> None:
    spec: dict[str, Any] = {"adapter": {"method": method}, "learning_rate": 3e-3 if method == "full" else 3e-2}
    run = trained(config(tmp_path, num_train_epochs=6, **spec), tmp_path / "run")
    assert np.mean(losses(run)[-5:]) < 0.8 * losses(run)[0]
    finished = run.progress().finished
    assert finished is not None
    assert (run.path / finished.path / "adapter_model.safetensors").exists() == (method == "lora")
    if method == "full":
        weights = load_file(run.path / finished.path / "model.safetensors")
        base = load_file(tmp_path / "llama" / "model.safetensors")
        assert weights.keys() == base.keys()
        assert any(not torch.equal(weights[key], base[key]) for key in base)


def test_continued_pretraining_learns_every_token(tmp_path: Path) -> None:
    run = trained(config(tmp_path, objective="pretraining"), tmp_path / "run")
    prepared = run.progress().prepared
    assert prepared is not None
    assert prepared.trained_tokens_per_epoch == prepared.tokens_per_epoch - prepared.rows


def test_a_loss_that_is_not_a_number_ends_the_run_and_names_the_rows(tmp_path: Path) -> None:
    whole = config(tmp_path, rows=12, per_device_train_batch_size=2, save_steps=1, num_train_epochs=4)
    rows = Path(whole.data.path)
    lines = rows.read_text().splitlines()
    spoilt = json.loads(lines[7])
    spoilt["messages"][0]["content"] = "~"
    rows.write_text("\n".join([*lines[:7], json.dumps(spoilt), *lines[8:]]))
    path = Path(whole.model.path) / "model.safetensors"
    weights = load_file(path)
    token = model.load_tokenizer(path.parent)("~").input_ids[0]
    weights["model.embed_tokens.weight"][token] = math.nan
    save_file(weights, path, {"format": "pt"})
    run = runs.create(whole, tmp_path / "run")
    with pytest.raises(StudioError, match="not a finite number") as caught:
        resume(run)
    assert caught.value.reason == "diverged"
    assert "7" in caught.value.detail
    records = read(run.path)
    last = records[records["step"] == run.progress().step + 1]
    assert len(last) == 2
    assert last["row"][np.isnan(last["loss"])].tolist() == [7], "which row it is, is kept"
    for kept in run.path.glob("checkpoints/*/adapter/*.safetensors"):
        assert all(bool(tensor.isfinite().all()) for tensor in load_file(kept).values())


def test_an_evaluation_loss_that_is_not_a_number_is_told(tmp_path: Path) -> None:
    apart = write_rows(tmp_path / "apart.jsonl", 4, seed=1)
    spoilt = json.loads(apart.read_text().splitlines()[0])
    spoilt["messages"][0]["content"] = "~"
    apart.write_text(json.dumps(spoilt))
    whole = config(tmp_path, rows=12, data={"eval_path": str(apart)}, max_steps=4, eval_steps=2)
    path = Path(whole.model.path) / "model.safetensors"
    weights = load_file(path)
    weights["model.embed_tokens.weight"][model.load_tokenizer(path.parent)("~").input_ids[0]] = math.nan
    save_file(weights, path, {"format": "pt"})
    told = trained(whole, tmp_path / "run").progress()
    assert [(item.step, math.isnan(item.eval_loss), item.best) for item in told.evaluations] == [
        (0, True, False),
        (2, True, False),
        (4, True, False),
    ]
    assert [item.step for item in told.notices if "is not a finite number" in item.message] == [0, 2, 4]


def test_commands_are_obeyed_between_steps(tmp_path: Path) -> None:
    whole = config(tmp_path, data={"eval_split": 0.2}, num_train_epochs=5, eval_steps=1000, save_steps=1000)
    run = runs.create(whole, tmp_path / "run")

    def act(event: events.Event) -> None:
        match event:
            case events.Step(step=2):
                run.ask(events.Save())
                run.ask(events.Evaluate())
            case events.Step(step=3):
                run.ask(events.Pause())
            case events.Obeyed(command={"kind": "pause"}):
                assert run.progress().state == "paused"
                run.ask(events.Continue())
            case events.Step(step=5):
                run.ask(events.Stop())
            case _:
                pass

    resume(run, act)
    progress = run.progress()
    assert [item.step for item in progress.saved] == [2, 3, 5]
    assert [(item.step, item.best) for item in progress.evaluations] == [(0, False), (2, False)]
    assert [(item.step, item.command["kind"]) for item in progress.obeyed] == [
        (2, "save"),
        (2, "evaluate"),
        (3, "pause"),
        (3, "continue"),
        (5, "stop"),
    ]
    assert progress.finished is not None
    assert (progress.finished.outcome, progress.finished.step) == ("stopped", 5)


def test_the_last_request_to_stop_counts(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")

    def act(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 2:
            run.ask(events.Stop())
            run.ask(events.Stop(keep=False))

    resume(run, act)
    assert run.progress().finished is None
    assert [item.step for item in run.progress().saved] == [2]


def test_stopping_before_the_first_step_leaves_no_result(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")

    def act(event: events.Event) -> None:
        if isinstance(event, events.Prepared):
            run.ask(events.Stop())

    resume(run, act)
    assert run.progress().finished is None
    assert library.entries() == []


def test_unusable_rows_are_counted_and_listed(tmp_path: Path) -> None:
    apart = write_rows(tmp_path / "apart.jsonl", 3, seed=1)
    whole = config(tmp_path, rows=12, data={"eval_path": str(apart)})
    for path in (Path(whole.data.path), apart):
        with path.open("a") as file:
            file.write('{"messages": []}\nnot json\n')
    run = trained(whole, tmp_path / "run")
    prepared = run.progress().prepared
    assert prepared is not None
    assert (prepared.rows, prepared.eval_rows, prepared.rejected_rows, prepared.untrained_rows) == (12, 3, 4, 0)
    listed = [json.loads(line) for line in (run.path / "rejected.jsonl").read_text().splitlines()]
    assert [(item["file"], item["line"]) for item in listed] == [
        ("rows-12.jsonl", 13),
        ("rows-12.jsonl", 14),
        ("apart.jsonl", 4),
        ("apart.jsonl", 5),
    ]
    assert all(item["reason"] for item in listed)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"eval_split": 0.5}, "One row cannot be split"),
        ({"max_length": 8}, r"^None of the training rows .* Row 0: the \d+ tokens before the answer fill .* is left\."),
    ],
)
def test_data_that_leaves_nothing_is_refused(tmp_path: Path, data: dict[str, Any], words: str) -> None:
    with pytest.raises(StudioError, match=words) as caught:
        trained(config(tmp_path, rows=1, data=data), tmp_path / "run")
    assert caught.value.reason == "data"


def test_an_unknown_optimizer_and_wrong_schedule_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="adamw_torhc"):
        trained(config(tmp_path, optim="adamw_torhc"), tmp_path / "one")
    with pytest.raises(StudioError, match="lr_scheduler_kwargs"):
        trained(config(tmp_path, lr_scheduler_kwargs={"bend": 3}), tmp_path / "two")


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"power": -1}}, "lr_scheduler_kwargs"),
        ({"lr_scheduler_kwargs": {"num_cycles": "many"}}, "lr_scheduler_kwargs"),
        ({"optim_args": "eps=0.1"}, "optim_args"),
        ({"optim": "sgd", "optim_args": "nesterov=True"}, "optim_args"),
    ],
)
def test_options_are_looked_at_by_a_plan_and_before_weights_are_loaded(
    training: dict[str, Any], said: str, tmp_path: Path
) -> None:
    whole = config(tmp_path, rows=8, **training)
    with pytest.raises(StudioError, match=said) as planned:
        planning.plan(whole)
    run = runs.create(whole, tmp_path / "run")
    told = list[events.Event]()
    with pytest.raises(StudioError, match=said) as ended:
        resume(run, told.append)
    assert str(planned.value) == str(ended.value)
    assert not any(isinstance(event, events.Phase) and event.name == "loading" for event in told)


def test_a_run_that_began_with_options_that_nothing_reads_goes_on(tmp_path: Path) -> None:
    told = trained(config(tmp_path, rows=8, max_steps=1), tmp_path / "other").progress().prepared
    run = runs.create(config(tmp_path, rows=8, optim_args="eps=0.1"), tmp_path / "run")
    begin_anew()
    assert session.prepare(run, lambda event: None, told).optimizer.param_groups[0]["eps"] == 1e-8


def test_a_run_of_one_step_learns(tmp_path: Path) -> None:
    run = trained(config(tmp_path, rows=3, num_train_epochs=1), tmp_path / "run")
    assert [step.learning_rate for step in run.progress().steps] == [1e-2]
    weights = load_file(run.path / "adapter" / "adapter_model.safetensors")
    assert all(bool(value.any()) for key, value in weights.items() if "lora_B" in key)


def test_a_full_disk_ends_the_run_in_words_and_it_resumes(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    run = runs.create(config(tmp_path, save_steps=3), tmp_path / "run")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 5:
            # Below the size of the weights, above that of the log.
            resource.setrlimit(resource.RLIMIT_FSIZE, (run.events_path.stat().st_size + 4096, before[1]))

    try:
        with pytest.raises(StudioError, match="disk is full"):
            resume(run, fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(run.path.glob("checkpoints/.*"))
    resume(run)
    assert run.progress().resumed[-1].step == 3
    assert run.progress().finished is not None


def worker(run: Run, *prelude: str) -> "subprocess.CompletedProcess[str]":
    code = "; ".join(["import sys", *prelude, "from studio.engine import child", "from pathlib import Path"])
    code += "; sys.exit(child.main(Path(sys.argv[1]), 0))"
    arguments = [sys.executable, "-c", code, str(run.path)]
    return subprocess.run(arguments, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)


def test_running_out_of_memory_is_told_with_a_remedy(tmp_path: Path) -> None:
    whole = config(tmp_path, rows=4000, per_device_train_batch_size=4000, micro_batch_tokens=1_000_000)
    run = runs.create(whole, tmp_path / "run")
    limit = (
        "import resource, psutil, torch, studio.engine.train",
        "torch.set_num_threads(1)",
        "size = psutil.Process().memory_info().vms + 150_000_000",
        "resource.setrlimit(resource.RLIMIT_AS, (size, size))",
    )
    done = worker(run, *limit)
    failed = run.progress().failed
    assert failed is not None, done.stderr[-2000:]
    assert failed.reason == "memory"
    assert "Resume with passes of at most" in failed.hint
    assert done.returncode == 7


def test_a_card_that_fails_is_no_defect_of_the_program(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, rows=8), tmp_path / "run")
    words = "CUDA error: unspecified launch failure"
    done = worker(
        run,
        "import torch",
        "fail = lambda *_, **__: (_ for _ in ()).throw(torch.AcceleratorError(" + repr(words) + "))",
        "torch.nn.utils.clip_grad_norm_ = fail",
    )
    failed = run.progress().failed
    assert failed is not None, done.stderr[-2000:]
    assert (failed.reason, failed.detail, done.returncode) == ("device", words, 15)


def test_a_second_process_on_the_same_run_is_refused(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path), tmp_path / "run")
    with run.claim():
        done = worker(run, "from studio.engine import child as c", "c._CLAIM_S = 0.2")
    assert done.returncode == 10
    assert "Another process" in done.stderr
    assert not run.events_path.exists()
