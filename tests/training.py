"""Small runs for tests: a random model, a few rows, the real engine."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.state import AcceleratorState, PartialState

from studio.core import events, runs
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig, TrainingSpec
from studio.core.runs import Run
from studio.engine.train import train
from tests.models import random_model, tiny

_WORDS = ("order", "box", "late", "sorry", "small", "world", "open", "trouble", "Paris", "capital", "numbers", "short")


def write_rows(path: Path, count: int, seed: int = 0) -> Path:
    """Writes `count` chats of different lengths as JSONL."""
    random = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            question, answer = (" ".join(random.choice(_WORDS, random.integers(2, 14))) for _ in range(2))
            messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": messages}) + "\n")
    return path


def config(
    folder: Path,
    *,
    family: str = "llama",
    rows: int = 40,
    model: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    adapter: dict[str, Any] | None = None,
    **training: Any,
) -> RunConfig:
    """Returns a config of a tiny model and a small file, both written to `folder` once."""
    base, file = folder / family, folder / f"rows-{rows}.jsonl"
    if not base.exists():
        tiny(family, base)
    if not file.exists():
        write_rows(file, rows)
    settings = {"learning_rate": 1e-2, "per_device_train_batch_size": 4, "num_train_epochs": 2, "seed": 7} | training
    return RunConfig(
        name="test",
        model=ModelSpec(path=str(base), **(model or {})),
        data=DataSpec(path=str(file), **({"max_length": 128} | (data or {}))),
        adapter=AdapterSpec(**({"r": 4, "lora_alpha": 8, "lora_dropout": 0.1} | (adapter or {}))),
        training=TrainingSpec(**settings),
    )


def large(folder: Path, **adapter: Any) -> RunConfig:
    """Returns a config of a model of which there are no weights, with as many as need memory."""
    whole = config(folder, adapter={"lora_dropout": 0.0} | adapter)
    described = random_model("llama").config.to_dict()
    described |= {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 4, "dtype": "float32"}
    (Path(whole.model.path) / "config.json").write_text(json.dumps(described))
    return whole


class Memory:
    """A machine's, as psutil tells it."""

    def __init__(self, available: int) -> None:
        self.available = available
        self.total = 10**11


def write_pairs(path: Path, count: int) -> Path:
    """Writes `count` rows of a prompt, a better answer and a worse one."""
    random = np.random.default_rng(1)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            # Words at the front, so that prompts are longer than what is worth sharing.
            asked, better, worse = (" ".join(random.choice(_WORDS, n)) for n in random.integers((9, 1, 1), (16, 9, 9)))
            file.write(json.dumps({"prompt": asked, "chosen": f"good {better}", "rejected": f"no {worse}"}) + "\n")
    return path


def preferring(folder: Path, rows: int = 40, data: dict[str, Any] | None = None, **settings: Any) -> RunConfig:
    """Returns the config of a run that learns to prefer."""
    file = write_pairs(folder / f"pairs-{rows}.jsonl", rows)
    spec: dict[str, Any] = {"adapter": {"lora_dropout": 0.0}, "objective": "dpo", "learning_rate": 1e-3}
    whole = config(folder, data=data, **(spec | settings))
    return replace(whole, data=replace(whole.data, path=str(file)))


def write_judged(path: Path, count: int) -> Path:
    """Writes `count` rows of a prompt, an answer and whether that is a good one."""
    random = np.random.default_rng(2)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            asked, answer = (" ".join(random.choice(_WORDS, n)) for n in random.integers((9, 1), (16, 9)))
            good = bool(random.random() < 0.5)
            row = {"prompt": asked, "completion": f"{'good' if good else 'no'} {answer}", "label": good}
            file.write(json.dumps(row) + "\n")
    return path


def judging(folder: Path, rows: int = 40, data: dict[str, Any] | None = None, **settings: Any) -> RunConfig:
    """Returns the config of a run that learns from answers labelled good or bad."""
    file = write_judged(folder / f"judged-{rows}.jsonl", rows)
    spec: dict[str, Any] = {"adapter": {"lora_dropout": 0.0}, "objective": "kto", "learning_rate": 1e-3}
    whole = config(folder, data=data, **(spec | settings))
    return replace(whole, data=replace(whole.data, path=str(file)))


def trained(config: RunConfig, folder: Path) -> Run:
    """Trains `config` in this process, in the run folder `folder`, and returns the run."""
    run = runs.create(config, folder)
    resume(run)
    return run


def resume(run: Run, also: Callable[[events.Event], None] = lambda event: None) -> None:
    """Trains `run` in this process from wherever it stands; `also` is told each event behind the file."""

    def emit(event: events.Event) -> None:
        run.emit(event)
        also(event)

    begin_anew()
    commands = run.commands_path.stat().st_size if run.commands_path.exists() else 0
    train(run, commands, emit)


def begin_anew() -> None:
    """Makes room for another run in this process: accelerate keeps its state in a singleton, made for one."""
    AcceleratorState._reset_state(reset_partial_state=True)
    PartialState._reset_state()


def losses(run: Run) -> list[float]:
    """Returns the loss of every step."""
    return [step.loss for step in run.progress().steps]


def digest(run: Run) -> str:
    """Returns a checksum of the run's result and of everything it told of its steps and evaluations."""
    progress = run.progress()
    curve = [(s.step, s.loss, s.grad_norm, s.learning_rate, s.tokens) for s in progress.steps]
    scores = [(e.step, e.eval_loss, e.best) for e in progress.evaluations]
    result = (run.path / "adapter" / "adapter_model.safetensors").read_bytes()
    rows = (run.path / "rows-0.bin").read_bytes()
    return hashlib.sha256(repr((curve, scores)).encode() + result + rows).hexdigest()
