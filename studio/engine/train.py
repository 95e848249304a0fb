"""The loop: optimizer steps from where the session stands to the end, commands obeyed in between."""

import math
import os
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from accelerate.utils import broadcast_object_list

from studio.core import events
from studio.core.errors import StudioError
from studio.core.progress import Progress
from studio.core.runs import Run, read_lines
from studio.engine import batches, checkpoint, hardware, objectives, optim, result, session
from studio.engine.corpus import Emit, trained_counts
from studio.engine.rowlog import RowLog
from studio.engine.session import Session
from studio.engine.tokens import Tokens

_POLL_S = 0.1
_ETA_STEPS = 20
# Evaluation rows that are looked at together for what they have in common, and divided into passes.
_EVALUATION_ROWS = 256


@dataclass(slots=True)
class Commands:
    """What was asked of the run since byte `offset` of its `commands.jsonl`.

    Attributes:
        again: learning rates set behind steps that are being computed again, to be repeated at the same steps.
    """

    run: Run
    offset: int
    again: list[tuple[int, float]] = field(default_factory=list)

    def due(self) -> list[events.Command]:
        """Returns what was asked since the last time."""
        path = self.run.commands_path
        if not path.exists() or path.stat().st_size <= self.offset:
            return []
        lines, self.offset = read_lines(path, self.offset)
        return [command for line in lines if (command := events.decode_command(line)) is not None]


def _agreed(current: Session, commands: Commands) -> list[events.Command]:
    """Returns the commands due as the main process sees them, so that all processes obey the same."""
    due = [commands.due()]
    if current.accelerator.num_processes > 1:
        broadcast_object_list(due)
    return due[0]


@dataclass(frozen=True, slots=True)
class _Measured:
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    trained: int


def train(run: Run, commands_from: int, emit: Emit) -> None:
    """Trains `run` from its newest whole checkpoint, or from the start, to its end.

    Called by the run's own process, which holds its claim; by every process of a data-parallel run.

    Args:
        run: the run; only the main process writes to its folder.
        commands_from: the byte of `commands.jsonl` where this attempt's commands begin.
        emit: told every event, in the main process only.

    Raises:
        StudioError: as `Run.unfinished`, `session.prepare` and `session.save` do; (diverged) loss or gradient is not
            finite.
    """
    main = int(os.environ.get("RANK", "0")) == 0
    before = run.unfinished()
    commands = Commands(run, commands_from)
    # Before the first step nothing is bound by what an earlier attempt chose.
    earlier = before.prepared if before.steps else None
    current = session.prepare(run, emit if main else lambda event: None, earlier)
    _go_back(current, commands, before)
    outcome = _steps(current, commands)
    if outcome is not None:
        _finish(current, outcome)


def _go_back(current: Session, commands: Commands, before: Progress) -> None:
    """Restores the newest whole checkpoint, if there is one.

    Args:
        current: the session, at the start of the run.
        commands: given the learning rates that are to be set again.
        before: what the run had told before this attempt.
    """
    found = checkpoint.newest(current.run.path, best_too=current.config.training.load_best_model_at_end)
    if found.path is not None:
        session.restore(current, found.path)
    step = current.position.step
    if current.accelerator.is_main_process:
        checkpoint.clean(current.run.path, step)
    if found.path is None and not (found.refused or before.steps or before.resumed or before.failed):
        return
    used = f"checkpoints/{found.path.name}" if found.path else ""
    current.emit(events.Resumed(step=step, checkpoint=used, refused=found.refused))
    if changed := current.run.changed_versions():
        current.emit(events.Notice(message=f"The run began with other versions: {changed}. It may differ slightly."))
    if current.position.best_step and not found.best_whole:
        current.position.best_step, current.position.best_loss = 0, math.inf
        current.emit(events.Notice(message="The best checkpoint is damaged; the best is looked for from here on."))
    commands.again = [(at, rate) for at, rate in before.learning_rates if at >= step]


def _steps(current: Session, commands: Commands) -> events.Outcome | None:
    """Runs steps until the end; None if the process was asked to end without a result."""
    position, spec = current.position, current.config.training
    log = RowLog(current.run.path, current.accelerator.process_index, position.step)
    current.emit(events.Phase(name="training"))
    durations: list[float] = []
    epoch, plan, laid_out = -1, list[list[batches.Rows]](), list[batches.MicroBatch]()
    while position.step < current.steps:
        # Asked before a step, not behind one: a run killed in between then ends at the same place.
        if spec.early_stopping_patience and position.stale_evaluations >= spec.early_stopping_patience:
            _save(current)
            return "early_stopped"
        stop = _obey(current, commands)
        if stop is not None:
            if position.step == 0:
                return None
            _save(current)
            return "stopped" if stop.keep else None
        if position.step // current.steps_per_epoch != epoch:
            epoch, laid_out = position.step // current.steps_per_epoch, []
            plan = _plan(current, epoch)
        began = time.perf_counter()
        micro_batches, *after = plan[position.step % current.steps_per_epoch :][:2]
        taken = _take(current, micro_batches, laid_out or _lay_out(current, micro_batches))
        # While a card is still at work.
        laid_out = _lay_out(current, after[0]) if after else []
        measured = _read(current, micro_batches, taken, log)
        durations = [*durations, time.perf_counter() - began][-_ETA_STEPS:]
        _tell(current, measured, durations)
        if position.step % spec.eval_steps == 0 or position.step == current.steps:
            _count_evaluation(current)
        if position.step % spec.save_steps == 0 or position.best_step == position.step:
            _save(current)
    _save(current)
    return "completed"


def _plan(current: Session, epoch: int) -> list[list[batches.Rows]]:
    config = current.config
    return batches.plan_epoch(
        current.corpus.train.lengths,
        config.training,
        session.packed_length(config),
        epoch,
        current.accelerator.num_processes,
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """A step that a card may still be taking.

    Attributes:
        rows: of this process, in the order of `losses`; nobody counts them where they were computed for nothing.
        losses: (rows,) each row's loss; `total`: () that of all processes' rows.
        norm: () the gradient's, over all processes.
    """

    rows: batches.Rows
    losses: torch.Tensor
    total: torch.Tensor
    norm: torch.Tensor
    learning_rate: float


def _lay_out(current: Session, micro_batches: list[batches.Rows]) -> list[batches.MicroBatch]:
    """Returns this process's passes of a step; one that has no rows left computes the first for nothing."""
    rank, world = current.accelerator.process_index, current.accelerator.num_processes
    # Every process must take part in the last backward.
    passes = current.choices.passes(current.corpus.train, micro_batches[rank::world] or micro_batches[:1])
    return [_collated(current, current.corpus.train, groups) for groups in passes]


def _take(current: Session, micro_batches: list[batches.Rows], passes: list[batches.MicroBatch]) -> _Taken:
    """One optimizer step: the sum of all micro-batches' losses over the number of all their trained tokens."""
    accelerator, spec = current.accelerator, current.config.training
    world, rank = accelerator.num_processes, accelerator.process_index
    weight = world if micro_batches[rank::world] else 0
    optim.seed_all(spec.seed, "step", current.position.step + 1, rank)
    current.model.train()
    losses, trained = [], _trained(current, micro_batches)
    for i, batch in enumerate(passes):
        with nullcontext() if i == len(passes) - 1 else accelerator.no_sync(current.model):
            row_losses = _row_losses(current, current.model, batch)
            accelerator.backward(row_losses.sum() * (weight / trained))
        losses.append(row_losses.detach())
    total = accelerator.reduce(torch.cat(losses).sum() * (weight / world), "sum")
    parameters = [p for p in current.model.parameters() if p.requires_grad]
    norm = accelerator.clip_grad_norm_(parameters, spec.max_grad_norm or math.inf)
    rate = float(current.optimizer.param_groups[0]["lr"])
    # If it is not finite, so are the weights from here on; `_read` ends the run then, and nothing of them is written.
    current.optimizer.step()
    current.scheduler.step()
    current.optimizer.zero_grad(set_to_none=True)
    rows = np.concatenate([batch.rows for batch in passes]) if weight else np.array([], np.int64)
    return _Taken(rows, torch.cat(losses), total, norm, rate)


def _read(current: Session, micro_batches: list[batches.Rows], taken: _Taken, log: RowLog) -> _Measured:
    """Waits until a step is taken, and returns what is told of it."""
    corpus, step, trained = current.corpus, current.position.step + 1, _trained(current, micro_batches)
    loss, grad_norm = float(taken.total) / trained, float(taken.norm)
    _require_finite(current, step, loss, grad_norm, np.concatenate(micro_batches))
    if len(taken.rows):
        losses = taken.losses.cpu().numpy()
        log.append(step, corpus.train.rows[taken.rows], corpus.trained[taken.rows], losses)
    fed = int(sum(corpus.train.lengths[rows].sum() for rows in micro_batches))
    return _Measured(loss=loss, learning_rate=taken.learning_rate, grad_norm=grad_norm, tokens=fed, trained=trained)


def _trained(current: Session, micro_batches: list[batches.Rows]) -> int:
    return int(sum(current.corpus.trained[rows].sum() for rows in micro_batches))


def _collated(current: Session, part: Tokens, groups: list[batches.Group]) -> batches.MicroBatch:
    batch = batches.collate(part, groups, current.choices.batching, current.pad_id)
    return batch.to(current.accelerator.device)


def _row_losses(current: Session, model: torch.nn.Module, batch: batches.MicroBatch) -> Any:
    choices = current.choices
    with current.accelerator.autocast():
        return objectives.language_modelling(model, batch, choices.chunked, choices.trimmed)


def _require_finite(current: Session, step: int, loss: float, grad_norm: float, rows: batches.Rows) -> None:
    # With a gradient scaler (fp16) an infinite gradient is ordinary: it lowers the scale and skips the step.
    if math.isfinite(loss) and (math.isfinite(grad_norm) or current.accelerator.scaler is not None):
        return
    what = "loss" if not math.isfinite(loss) else "gradient"
    numbers = sorted(int(number) for number in current.corpus.train.rows[rows])
    raise StudioError(
        "diverged",
        f"The {what} of step {step} is not a finite number; nothing of it was kept.",
        "Resume with a lower learning rate: `studio runs resume NAME --learning-rate X`.",
        f"Rows of the step, counted from 0: {', '.join(map(str, numbers))}",
    )


def _tell(current: Session, measured: _Measured, durations: list[float]) -> None:
    """Moves the position on and tells of the step."""
    position = current.position
    position.step += 1
    position.train_s += durations[-1]
    position.tokens += measured.tokens
    current.emit(
        events.Step(
            step=position.step,
            epoch=position.step / current.steps_per_epoch,
            loss=measured.loss,
            learning_rate=measured.learning_rate,
            grad_norm=measured.grad_norm,
            tokens=measured.tokens,
            trained_tokens=measured.trained,
            step_s=durations[-1],
            tokens_per_s=measured.tokens / durations[-1],
            memory_bytes=hardware.memory_bytes(current.accelerator.device),
            eta_s=(current.steps - position.step) * sum(durations) / len(durations),
        )
    )


def _evaluate(current: Session) -> tuple[float, int] | None:
    """Returns the evaluation rows' mean loss in nats and their trained tokens; None without such rows."""
    part = current.corpus.evaluation
    if part is None:
        return None
    accelerator = current.accelerator
    current.emit(events.Phase(name="evaluating"))
    passes = _evaluation_passes(current, part)
    total = torch.zeros((), device=accelerator.device)
    # Unwrapped: the processes have different numbers of batches, and nothing to agree on before the sum.
    current.bare.eval()
    with torch.no_grad():
        for groups in passes[accelerator.process_index :: accelerator.num_processes]:
            total += _row_losses(current, current.bare, _collated(current, part, groups)).sum()
    trained = int(trained_counts(part).sum())
    current.emit(events.Phase(name="training"))
    return float(accelerator.reduce(total, "sum")) / trained, trained


def _evaluation_passes(current: Session, part: Tokens) -> list[list[batches.Group]]:
    """Divides the evaluation rows into passes, as a step's are; padded ones into such of like lengths."""
    if current.choices.batching == "padded":
        size = current.config.training.per_device_train_batch_size * current.config.data.max_length
        return [[batches.Group(rows)] for rows in batches.evaluation_batches(part.lengths, size)]
    every = np.arange(len(part.lengths))
    parts = [every[i : i + _EVALUATION_ROWS] for i in range(0, len(every), _EVALUATION_ROWS)]
    return [found for rows in parts for found in current.choices.passes(part, [rows])]


def _count_evaluation(current: Session) -> None:
    """Evaluates, and keeps the score for the best checkpoint and early stopping."""
    if (score := _evaluate(current)) is None:
        return
    (loss, trained), position = score, current.position
    best = loss < position.best_loss - current.config.training.early_stopping_threshold
    if best:
        position.best_loss, position.best_step, position.stale_evaluations = loss, position.step, 0
    else:
        position.stale_evaluations += 1
    current.emit(events.Evaluated(step=position.step, eval_loss=loss, trained_tokens=trained, best=best))


def _save(current: Session) -> None:
    """Writes a checkpoint unless this step has one, then lets go of old ones."""
    position, spec, run = current.position, current.config.training, current.run.path
    target = checkpoint.folder(run) / checkpoint.name(position.step)
    if current.accelerator.is_main_process and not (target.exists() and not checkpoint.verify(target)):
        current.emit(events.Phase(name="saving"))
        target = session.save(current)
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        current.emit(events.Saved(step=position.step, path=f"checkpoints/{target.name}", size_bytes=size))
        checkpoint.rotate(run, spec.save_total_limit, position.best_step)
        current.emit(events.Phase(name="training"))
    current.accelerator.wait_for_everyone()


def _obey(current: Session, commands: Commands) -> events.Stop | None:
    """Obeys what was asked since the last step; returns the last request to stop."""
    paused = False
    stop: events.Stop | None = None
    for at, rate in commands.again:
        if at == current.position.step:
            optim.set_peak(current.scheduler, rate)
    while True:
        for command in _agreed(current, commands):
            match command:
                case events.Pause():
                    paused = True
                    _save(current)
                case events.Continue():
                    paused = False
                case events.Save():
                    _save(current)
                case events.Evaluate():
                    _evaluate_now(current)
                case events.SetLearningRate():
                    optim.set_peak(current.scheduler, command.learning_rate)
                    # It takes the place of those that were set further on before the run went back.
                    commands.again = []
                case events.Stop():
                    stop = command
            current.emit(events.Obeyed(step=current.position.step, command=asdict(command)))
        if stop or not paused:
            return stop
        time.sleep(_POLL_S)


def _evaluate_now(current: Session) -> None:
    if (score := _evaluate(current)) is not None:
        loss, trained = score
        step = current.position.step
        current.emit(events.Evaluated(step=step, eval_loss=loss, trained_tokens=trained, best=False))


def _finish(current: Session, outcome: events.Outcome) -> None:
    """Puts the result in the run folder and, if it is an adapter, in the library; by the main process."""
    if not current.accelerator.is_main_process:
        return
    current.emit(events.Phase(name="finishing"))
    position, spec = current.position, current.config.training
    step = position.best_step if spec.load_best_model_at_end and position.best_step else position.step
    source = checkpoint.folder(current.run.path) / checkpoint.name(step)
    if fault := checkpoint.verify(source):
        raise StudioError(
            "checkpoint",
            f"The checkpoint {source.name} that holds the result is damaged: {fault}.",
            "Resume the run: it goes on from the checkpoint before.",
        )
    path, adapter = result.write(current, source, step)
    current.emit(
        events.Finished(
            step=position.step,
            outcome=outcome,
            path=path,
            adapter=adapter,
            result_step=step,
            train_s=position.train_s,
        )
    )
