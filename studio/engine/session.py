"""Everything a run needs before its first step: data as tokens, the model with its adapter, optimizer, position."""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from studio.core import datasets, events
from studio.core.config import RunConfig
from studio.core.errors import Reason, StudioError
from studio.core.runs import Run, write_atomic
from studio.engine import (
    adapters,
    attention,
    batches,
    checkpoint,
    hardware,
    labels,
    model,
    objectives,
    optim,
    tokens,
    weights,
)

Emit = Callable[[events.Event], None]


@dataclass(slots=True)
class Position:
    """How far a run has come; saved with each checkpoint.

    Attributes:
        train_s: seconds spent in steps, over all resumptions.
        tokens: tokens fed so far.
        best_loss: the lowest evaluation loss that counted, at `best_step`; 0: none yet.
        stale_evaluations: evaluations since then without gain.
        data: the fingerprint of the training data; a resumed run must find the same.
        labels: the fingerprint of its tokens and labels, likewise: a template may write the date into them.
        base: the fingerprint of the base model's weights, likewise.
    """

    step: int = 0
    train_s: float = 0.0
    tokens: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    stale_evaluations: int = 0
    data: str = ""
    labels: str = ""
    base: str = ""


@dataclass(slots=True)
class Corpus:
    """The rows of a run as tokens.

    Attributes:
        train, evaluation: the tokenised rows; `evaluation` is None without a split or file.
        trained: (rows,) int64, tokens of each training row that carry loss.
        rejected: rows of the file that are not used, and why.
    """

    encoder: labels.Encoder
    train: tokens.Tokens
    evaluation: tokens.Tokens | None
    trained: batches.Rows
    rejected: list[datasets.Rejected]
    fingerprint: str
    rows: int


@dataclass(slots=True)
class Session:
    """One process's share of a run in training.

    Attributes:
        model: the model as it is called (wrapped for data-parallel training); `bare` is the same unwrapped.
        steps: optimizer steps of the whole run; `steps_per_epoch` of one epoch.
        emit: tells an event; does nothing but in the main process.
    """

    run: Run
    config: RunConfig
    emit: Emit
    accelerator: Accelerator
    corpus: Corpus
    model: torch.nn.Module
    bare: Any
    optimizer: Optimizer
    scheduler: LRScheduler
    batching: batches.Batching
    pad_id: int
    steps: int
    steps_per_epoch: int
    position: Position


def read_corpus(config: RunConfig, tokenizer: Any, emit: Emit) -> Corpus:
    """Opens, splits and tokenises the data of a run.

    Raises:
        StudioError: (data) unreadable, no usable row, or an empty split.
    """
    told = _teller(emit, "tokenizing")
    encoder = labels.make_encoder(tokenizer, config.data, config.training.objective)
    dataset = datasets.open_dataset(Path(config.data.path), config.data.format)
    chosen, held_back = datasets.split(len(dataset), config.data.eval_split, config.training.seed)
    evaluation = None
    if config.data.eval_path:
        other = datasets.open_dataset(Path(config.data.eval_path), config.data.format)
        evaluation = tokens.tokenize(other, np.arange(len(other)), encoder, told)
    elif len(held_back):
        evaluation = tokens.tokenize(dataset, held_back, encoder, told)
    train = tokens.tokenize(dataset, chosen, encoder, told)
    for what, part in (("training", train), ("evaluation", evaluation)):
        if part is not None and not len(part.lengths):
            reasons = "\n".join(f"line {item.line}: {item.reason}" for item in part.untrained[:20])
            raise StudioError(
                "data",
                f"None of the {what} rows has a token to learn from.",
                "`studio data tokens` shows what the model sees of a row; check the maximum length and the template.",
                reasons,
            )
    return Corpus(
        encoder=encoder,
        train=train,
        evaluation=evaluation,
        trained=trained_counts(train),
        rejected=[*dataset.rejected, *train.untrained, *(evaluation.untrained if evaluation else [])],
        fingerprint=dataset.fingerprint,
        rows=dataset.rows,
    )


def trained_counts(part: tokens.Tokens) -> batches.Rows:
    """Returns (rows,) how many tokens of each row carry loss; a row's first token is never predicted."""
    cumulated = np.concatenate([[0], np.cumsum(part.trained, dtype=np.int64)])
    starts, ends = part.offsets[:-1], part.offsets[1:]
    return np.asarray(cumulated[ends] - cumulated[np.minimum(starts + 1, ends)])


def step_counts(config: RunConfig, train: tokens.Tokens, world_size: int = 1) -> tuple[int, int]:
    """Returns the optimizer steps of the whole run and of one epoch."""
    spec = config.training
    per_epoch = len(batches.plan_epoch(train.lengths, spec, packed_length(config), 0, world_size))
    total = spec.max_steps if spec.max_steps > 0 else math.ceil(per_epoch * spec.num_train_epochs)
    return total, per_epoch


def packed_length(config: RunConfig) -> int | None:
    """Returns the length rows are packed to; None: they are not."""
    return config.data.max_length if config.data.packing else None


def prepare(run: Run, emit: Emit) -> Session:
    """Reads everything, builds the model and returns a session at the start of the run.

    Raises:
        StudioError: data, model, adapter or config cannot be used as asked.
    """
    about, config = run.about(), run.config()
    torch.set_num_threads(int(about["threads"]))
    emit(events.Phase(name="tokenizing", detail=config.data.path))
    base = model.resolve(config.model.path, config.model.revision, _teller(emit, "downloading"))
    corpus = read_corpus(config, model.load_tokenizer(base), emit)
    _write_rejected(run, corpus)
    device = hardware.device()
    emit(events.Phase(name="loading", detail=config.model.path))
    frozen = model.load_base(base, config.model, device)
    optim.seed_all(config.training.seed, "initialise")
    bare = adapters.attach(frozen, config.adapter, config.training.activation_checkpointing)
    batching = _batching(bare, config, device, emit)
    optimizer = optim.make_optimizer(bare, config.training, device)
    # Behind the optimizer: transformers' way to some of them sets accelerate's state anew.
    accelerator = _accelerator(config, device)
    steps, per_epoch = step_counts(config, corpus.train, accelerator.num_processes)
    scheduler = optim.make_scheduler(optimizer, config.training, steps)
    wrapped, prepared = accelerator.prepare(bare, optimizer)
    tokenizer = corpus.encoder.tokenizer
    session = Session(
        run=run,
        config=config,
        emit=emit,
        accelerator=accelerator,
        corpus=corpus,
        model=wrapped,
        bare=bare,
        optimizer=prepared,
        scheduler=scheduler,
        batching=batching,
        pad_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
        steps=steps,
        steps_per_epoch=per_epoch,
        position=Position(data=corpus.fingerprint, labels=_fingerprint(corpus), base=weights.fingerprint(base)),
    )
    emit(_prepared(session))
    return session


def save(session: Session) -> Path:
    """Writes a checkpoint of the present position; by the main process.

    Raises:
        StudioError: (disk) it could not be written; (diverged) a weight is not finite.
    """
    trained = {name: p for name, p in session.bare.named_parameters() if p.requires_grad}
    if broken := [name for name, parameter in trained.items() if not bool(parameter.isfinite().all())]:
        raise StudioError(
            "diverged",
            f"The weights of {broken[0]} are no longer finite.",
            "Resume the run with a lower learning rate.",
        )

    def fill(stage: Path) -> None:
        if session.config.adapter.method == "lora":
            adapters.save_adapter(session.bare, stage / "adapter", base_id(session.config))
        else:
            save_file({name: p.detach().contiguous() for name, p in trained.items()}, stage / "weights.safetensors")
        state = {"optimizer": session.optimizer.state_dict(), "scheduler": session.scheduler.state_dict()}
        if session.accelerator.scaler is not None:
            state["scaler"] = session.accelerator.scaler.state_dict()
        torch.save(state, stage / "optimizer.pt")
        (stage / "state.json").write_text(json.dumps(asdict(session.position)), encoding="utf-8")

    # Weights, and two moments of each for the usual optimizers, in float32.
    expected = 12 * sum(parameter.numel() for parameter in trained.values())
    return checkpoint.save(session.run.path, session.position.step, fill, expected)


def restore(session: Session, path: Path) -> None:
    """Puts the session where the checkpoint at `path` was made.

    Raises:
        StudioError: (data, model) the data or the base model changed since.
    """
    position = Position(**json.loads((path / "state.json").read_text(encoding="utf-8")))
    config = session.config
    facts: tuple[tuple[str, Reason, bool], ...] = (
        (config.data.path, "data", position.data != session.position.data),
        (
            f"The tokenizer or the chat template of {config.model.path}",
            "model",
            position.labels != session.position.labels,
        ),
        (f"The weights of {config.model.path}", "model", position.base != session.position.base),
    )
    for what, reason, changed in facts:
        if changed:
            has = "have" if what.startswith("The weights") else "has"
            raise StudioError(
                reason,
                f"{what} {has} changed since the run began.",
                "Put it back as it was to resume, or start a new run.",
            )
    load_weights(session, path)
    state = torch.load(path / "optimizer.pt", map_location="cpu", weights_only=True)
    session.optimizer.load_state_dict(state["optimizer"])
    session.scheduler.load_state_dict(state["scheduler"])
    if session.accelerator.scaler is not None:
        session.accelerator.scaler.load_state_dict(state["scaler"])
    session.position = position


def load_weights(session: Session, path: Path) -> None:
    """Puts the trained weights of the checkpoint at `path` into the model."""
    if session.config.adapter.method == "lora":
        adapters.load_weights(session.bare, path / "adapter")
        return
    saved = load_file(path / "weights.safetensors")
    with torch.no_grad():
        for name, parameter in session.bare.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(saved[name])


def base_id(config: RunConfig) -> str:
    """Returns what an adapter calls its base: the id, or a folder's bare name, never a path of this machine."""
    path = Path(config.model.path)
    return path.name if path.is_absolute() else config.model.path


def _teller(emit: Emit, phase: events.PhaseName) -> Callable[[int, int], None]:
    """Returns a progress callback that tells at most five times a second, and always the end."""
    last = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal last
        if done >= total or time.monotonic() - last > 0.2:
            last = time.monotonic()
            emit(events.Phase(name=phase, done=done, total=total))

    return tell


def _accelerator(config: RunConfig, device: torch.device) -> Accelerator:
    dtype = hardware.dtype(config.model, device)
    precision = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(dtype, "no")
    if device.type == "cpu" and precision == "fp16":
        precision = "no"
    # The buffers are constants; sending them with each forward pass would need as many passes in every process.
    constants = DistributedDataParallelKwargs(broadcast_buffers=False)
    return Accelerator(mixed_precision=precision, cpu=device.type == "cpu", kwargs_handlers=[constants])


def _batching(bare: Any, config: RunConfig, device: torch.device, emit: Emit) -> batches.Batching:
    """Flat rows where the model keeps them apart, by measurement; else padded."""
    dtype = hardware.dtype(config.model, device)
    vocabulary = bare.get_input_embeddings().num_embeddings
    if config.model.quantization != "none":
        dtype = torch.bfloat16
    if attention.use(bare):
        if objectives.keeps_rows_apart(bare, vocabulary, device, dtype):
            return "flat"
        attention.undo(bare)
    if objectives.keeps_rows_apart(bare, vocabulary, device, dtype):
        return "flat"
    if config.data.packing:
        raise StudioError(
            "config",
            "This model does not keep packed rows apart: one row would see another.",
            "Set `data.packing` to false.",
        )
    emit(events.Notice(message="This model does not keep rows laid end to end apart; batches are padded instead."))
    return "padded"


def _fingerprint(corpus: Corpus) -> str:
    digest = hashlib.sha256()
    for part in (corpus.train, corpus.evaluation):
        if part is not None:
            for array in (part.ids, part.trained, part.offsets):
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _write_rejected(run: Run, corpus: Corpus) -> None:
    if corpus.rejected and int(os.environ.get("RANK", "0")) == 0:
        lines = [json.dumps(asdict(item), ensure_ascii=False) for item in corpus.rejected]
        write_atomic(run.path / "rejected.jsonl", "\n".join(lines).encode() + b"\n")


def _prepared(session: Session) -> events.Prepared:
    corpus, accelerator = session.corpus, session.accelerator
    trainable, total = adapters.count(session.bare)
    untrained = [*corpus.train.untrained, *(corpus.evaluation.untrained if corpus.evaluation else [])]
    return events.Prepared(
        steps=session.steps,
        steps_per_epoch=session.steps_per_epoch,
        rows=len(corpus.train.lengths),
        eval_rows=len(corpus.evaluation.lengths) if corpus.evaluation else 0,
        rejected_rows=len(corpus.rejected) - len(untrained),
        truncated_rows=corpus.train.truncated + (corpus.evaluation.truncated if corpus.evaluation else 0),
        untrained_rows=len(untrained),
        tokens_per_epoch=int(corpus.train.lengths.sum()),
        trained_tokens_per_epoch=int(corpus.trained.sum()),
        trainable_parameters=trainable,
        total_parameters=total,
        device=str(accelerator.device),
        dtype=str(hardware.dtype(session.config.model, accelerator.device)).removeprefix("torch."),
        batching=session.batching,
    )
