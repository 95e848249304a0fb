"""Everything a run needs before its first step: data as tokens, the model with its adapter, optimizer, position."""

import json
import math
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from studio.core import events, library, modules
from studio.core.config import RunConfig
from studio.core.entry import ENTRY, read_entry
from studio.core.errors import Reason, StudioError
from studio.core.methods import title_of
from studio.core.runs import Run
from studio.core.units import plural, size
from studio.engine import (
    adapters,
    base_config,
    batches,
    checkpoint,
    hardware,
    heap,
    hub,
    model,
    optim,
    precision,
    schedule,
    targets,
    threads,
    tokens,
    vetting,
    weights,
)
from studio.engine.choices import Choices, choose
from studio.engine.corpus import Corpus, Emit, read_corpus, require_readable, teller


@dataclass(slots=True)
class Position:
    """How far a run has come; saved with each checkpoint.

    Attributes:
        train_s: seconds spent in steps, over all resumptions.
        tokens: tokens fed so far.
        best_loss: the lowest evaluation loss that counted, at `best_step`; 0: none yet.
        stale_evaluations: evaluations since then without gain.
        data: the fingerprint of the training data; a resumed run must find the same.
        evaluation: the fingerprint of the evaluation data, if it is a file of its own, likewise.
        labels: the fingerprint of its tokens and labels, likewise: a template may write the date into them.
        base: the fingerprint of the base model's weights, likewise.
        base_config: of its config.json; empty in checkpoints of before it was noted.
    """

    step: int = 0
    train_s: float = 0.0
    tokens: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    stale_evaluations: int = 0
    data: str = ""
    evaluation: str = ""
    labels: str = ""
    base: str = ""
    base_config: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the base alone makes of a part's rows, in nats.

    Attributes:
        losses: (N,) float32, each sequence's.
        mismatched: (N,) float32, likewise of `Tokens.mismatched`; None where there are none.
    """

    losses: torch.Tensor
    mismatched: torch.Tensor | None = None


@dataclass(slots=True)
class Session:
    """One process's share of a run in training.

    Attributes:
        model: the model as it is called (wrapped for data-parallel training); `bare` is the same unwrapped.
        choices: how the model is computed.
        steps: optimizer steps of the whole run; `steps_per_epoch` of one epoch.
        emit: tells an event; does nothing but in the main process.
        reference: what the base alone makes of the training rows, where that counts; see `reference`.
        evaluation_reference: likewise of the evaluation's.
        answered_step: the last step at which the user's prompts were answered; -1: none yet.
        base_evaluated: the evaluation rows need no look before the first step, or had it.
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
    choices: Choices
    pad_id: int
    steps: int
    steps_per_epoch: int
    position: Position
    reference: Reference | None = None
    evaluation_reference: Reference | None = None
    answered_step: int = -1
    base_evaluated: bool = False


def step_count(config: RunConfig, per_epoch: int) -> int:
    """Returns the optimizer steps of the whole run, of which an epoch has so many."""
    spec = config.training
    return spec.max_steps if spec.max_steps > 0 else math.ceil(per_epoch * spec.num_train_epochs)


def first_epoch(config: RunConfig, train: tokens.Tokens, world_size: int = 1) -> list[list[batches.Rows]]:
    """Returns the rows of each micro-batch of each step of the first epoch."""
    return batches.plan_epoch(train.together, config.training, packed_length(config), 0, world_size)


def packed_length(config: RunConfig) -> int | None:
    """Returns the length rows are packed to; None: they are not."""
    return config.data.max_length if config.data.packing else None


def prepare(
    run: Run, emit: Emit, earlier: events.Prepared | None = None, saving: events.SaveMemory | None = None
) -> Session:
    """Reads everything, builds the model and returns a session at the start of the run.

    Args:
        run: the run.
        emit: told every event.
        earlier: what an earlier attempt at the run told of this; None: there was none.
        saving: what was asked for so that it needs less memory.

    Raises:
        StudioError: data, model, adapter or config cannot be used as asked.
    """
    config = run.config()
    torch.set_num_threads(threads.choose(run))
    emit(events.Phase(name="tokenizing", detail=config.data.path))
    base = hub.resolve(config.model.path, config.model.revision, teller(emit, "downloading"))
    corpus = read_corpus(config, model.load_tokenizer(base), emit)
    if int(os.environ.get("RANK", "0")) == 0:
        corpus.write_unused(run)
    per_epoch = len(first_epoch(config, corpus.train, int(os.environ.get("WORLD_SIZE", "1"))))
    steps = step_count(config, per_epoch)
    if earlier is None:  # what has begun goes on
        schedule.try_out(config.training, steps)
        require_readable(corpus, model.read_context(base))
        optim.require_read(config.training)
    device = hardware.device()
    hardware.repeat(device)
    heap.keep()  # of passes; what rows needed is given back
    emit(events.Phase(name="loading", detail=config.model.path))
    frozen = model.load_base(base, config.model, device)
    fused = targets.tree(frozen).fused
    optim.seed_all(config.training.seed, "initialise")
    bare = adapters.attach(frozen, config.adapter)
    if earlier is None:
        adapters.require_exact_biases(bare)
    if (
        said := modules.left_out_sentence(targets.tree(model.skeleton(base)), config.adapter)
        if fused or config.adapter.idle
        else ""
    ):
        emit(events.Notice(message=said))
    if config.adapter.method not in ("lora", "full"):
        message = f"{title_of(config.adapter.method)} is computed by PEFT's own layers."
        emit(events.Notice(message=message))
    _tell_widened(bare, config, device, emit)
    # Before weights are given back to the file, which would have to be read again.
    position = began(corpus, base)
    if earlier is None:
        _require_sound(base, position.base)
        _require_its_base(config, position.base, emit)
    longest = max(int(part.together.max()) for part in (corpus.train, corpus.evaluation) if part is not None)
    choices = choose(bare, config, device, longest, earlier, saving)
    _tell_activations(choices, config, saving or events.SaveMemory(), emit)
    if choices.batching == "padded":
        emit(events.Notice(message="This model does not keep rows laid end to end apart; batches are padded instead."))
    print(f"{plural(torch.get_num_threads(), 'thread')}, {choices.micro_batch_tokens} tokens at once.", file=sys.stderr)
    for path, reason in choices.plain.items():
        print(f"Not taken: {path}: {reason}.", file=sys.stderr)
    optimizer = optim.make_optimizer(bare, config.training, device)
    # Behind the optimizer: transformers' way to some of them sets accelerate's state anew.
    accelerator = _accelerator(config, device)
    scheduler = schedule.make_scheduler(optimizer, config.training, steps)
    # Both are where they are to be; to look for that, it would load what spreads a model over devices.
    wrapped, prepared = accelerator.prepare(bare, optimizer, device_placement=[False, False])
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
        choices=choices,
        pad_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
        steps=steps,
        steps_per_epoch=per_epoch,
        position=position,
    )
    emit(_prepared(session))
    return session


def _require_sound(base: Path, fingerprint: str) -> None:
    """Sees to it that a base that is a model of the library is as it was put there.

    Raises:
        StudioError: (model) it is not.
    """
    entry = read_entry(base) if (base / ENTRY).is_file() else None
    if entry is None or not entry.is_model:
        return
    if fault := library.compared(entry, fingerprint).fault:
        hint = "Choose another base, or bring its files back as they were."
        raise StudioError("model", f"{entry.title} is damaged: {fault}", hint)


def _require_its_base(config: RunConfig, fingerprint: str, emit: Emit) -> None:
    """Sees to it that an adapter is trained further on the weights it was trained on, where those are known.

    Where they are not, it is told if the adapter names another base.

    Raises:
        StudioError: (adapter) they are others.
    """
    if not config.adapter.path:
        return
    entry = library.located(config.adapter.path)
    if entry.base.fingerprint not in ("", fingerprint):
        raise StudioError(
            "adapter",
            f"The adapter {entry.title} was trained on other weights than those of {config.model.path}.",
            f"Set model.path to its own base ({entry.base.path or 'unknown'}), or train a new adapter.",
        )
    named = str(vetting.check_adapter(entry.folder).get("base_model_name_or_path") or "")
    if named and not entry.base.fingerprint and Path(named).name != Path(config.model.path).name:
        message = f"The adapter says that it was made for {named}, and here it goes on {config.model.path}."
        emit(events.Notice(message=message))


def _tell_activations(choices: Choices, config: RunConfig, saving: events.SaveMemory, emit: Emit) -> None:
    asked = config.training.activation_checkpointing or saving.activation_checkpointing
    if choices.activations != "kept" and not asked:
        emit(
            events.Notice(
                message="The activations of a pass do not fit in the free memory: they are computed again in the"
                " backward pass, which is slower."
            )
        )
    if choices.activations == "kept" and saving.activation_checkpointing:
        emit(events.Notice(message="This model cannot compute its activations again: they are kept as before."))


def _tell_widened(bare: torch.nn.Module, config: RunConfig, device: torch.device, emit: Emit) -> None:
    half = device.type == "cpu" and hardware.dtype(config.model, device) != torch.float32
    if config.adapter.bias != "none" and half and (widened := precision.widened_bytes(bare)):
        emit(
            events.Notice(
                message="On a processor, layers whose biases are trained are held in float32:"
                f" {size(widened)}, twice what they take in half precision."
            )
        )


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
        if session.config.adapter.method != "full":
            adapters.save_adapter(session.bare, stage / "adapter", base_id(session.config))
        else:
            save_file({name: p.detach().contiguous() for name, p in trained.items()}, stage / checkpoint.FULL)
        state = {"optimizer": session.optimizer.state_dict(), "scheduler": session.scheduler.state_dict()}
        if session.accelerator.scaler is not None:
            state["scaler"] = session.accelerator.scaler.state_dict()
        torch.save(state, stage / "optimizer.pt")
        (stage / checkpoint.STATE).write_text(json.dumps(asdict(session.position)), encoding="utf-8")

    # Weights, and two moments of each for the usual optimizers, in float32.
    expected = 12 * sum(parameter.numel() for parameter in trained.values())
    return checkpoint.save(session.run.path, session.position.step, fill, expected)


def restore(session: Session, path: Path) -> None:
    """Puts the session where the checkpoint at `path` was made.

    Raises:
        StudioError: (data, model) the data or the base model changed since.
    """
    position = read_position(path)
    require_same(session.config, position, session.position)
    load_weights(session, path)
    state = torch.load(path / "optimizer.pt", map_location="cpu", weights_only=True)
    session.optimizer.load_state_dict(state["optimizer"])
    session.scheduler.load_state_dict(state["scheduler"])
    if session.accelerator.scaler is not None:
        session.accelerator.scaler.load_state_dict(state["scaler"])
    session.position = position


def read_position(path: Path) -> Position:
    """Returns the position that the checkpoint at `path` was made at."""
    return Position(**json.loads((path / checkpoint.STATE).read_text(encoding="utf-8")))


def require_same(config: RunConfig, before: Position, now: Position) -> None:
    """Sees to it that all is as it was when a run began; what was not noted then is taken to be.

    Raises:
        StudioError: (data, model) the data or the base model changed since.
    """
    rows_laid = f"The tokenizer or the chat template of {config.model.path}, or the way that rows are laid out,"
    facts: tuple[tuple[str, Reason, str, str], ...] = (
        (config.data.path, "data", before.data, now.data),
        (str(config.data.eval_path), "data", before.evaluation, now.evaluation),
        (rows_laid, "model", before.labels, now.labels),
        (f"The weights of {config.model.path}", "model", before.base, now.base),
        (f"The config.json of {config.model.path}", "model", before.base_config, now.base_config),
    )
    for what, reason, noted, found in facts:
        if noted not in ("", found):
            has = "have" if what.startswith("The weights") else "has"
            message = f"{what} {has} changed since the run began."
            raise StudioError(reason, message, "Put it back as it was, or start a new run.")


def began(corpus: Corpus, base: Path) -> Position:
    """Returns the position before the first step, with the fingerprints of the data and of the model in `base`."""
    return Position(
        data=corpus.fingerprint,
        evaluation=corpus.evaluation_fingerprint,
        labels=corpus.labels_fingerprint(),
        base=weights.fingerprint(base),
        base_config=base_config.fingerprint(model.check_config(base)),
    )


def load_weights(session: Session, path: Path) -> None:
    """Puts the trained weights of the checkpoint at `path` into the model."""
    if session.config.adapter.method != "full":
        adapters.load_weights(session.bare, path / "adapter")
        return
    saved = load_file(path / checkpoint.FULL)
    with torch.no_grad():
        for name, parameter in session.bare.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(saved[name])


def base_id(config: RunConfig) -> str:
    """Returns what an adapter calls its base: the id, or a folder's bare name, never a path of this machine."""
    path = Path(config.model.path)
    return path.name if path.is_absolute() else config.model.path


def _accelerator(config: RunConfig, device: torch.device) -> Accelerator:
    dtype = hardware.dtype(config.model, device)
    precision = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(dtype, "no")
    if device.type == "cpu" and precision == "fp16":
        precision = "no"
    # The buffers are constants; sending them with each forward pass would need as many passes in every process.
    constants = DistributedDataParallelKwargs(broadcast_buffers=False)
    return Accelerator(mixed_precision=precision, cpu=device.type == "cpu", kwargs_handlers=[constants])


def _prepared(session: Session) -> events.Prepared:
    corpus, accelerator = session.corpus, session.accelerator
    trainable, total = adapters.count(session.bare)
    return events.Prepared(
        steps=session.steps,
        steps_per_epoch=session.steps_per_epoch,
        rows=corpus.train.count,
        eval_rows=corpus.eval_rows,
        rejected_rows=corpus.rejected_rows,
        truncated_rows=corpus.truncated_rows,
        untrained_rows=corpus.untrained_rows,
        tokens_per_epoch=int(corpus.train.lengths.sum()),
        trained_tokens_per_epoch=int(corpus.trained.sum()),
        trainable_parameters=trainable,
        total_parameters=total,
        device=str(accelerator.device),
        dtype=str(hardware.dtype(session.config.model, accelerator.device)).removeprefix("torch."),
        batching=session.choices.batching,
        threads=torch.get_num_threads(),
        micro_batch_tokens=session.choices.micro_batch_tokens,
        plain=session.choices.plain,
        activations=session.choices.activations,
        own_attention=session.choices.own_attention,
        data=corpus.fingerprint,
        evaluation=corpus.evaluation_fingerprint,
    )
