"""One optimizer step, and one evaluation: from rows to losses, and what is told of them.

A row's *sequences* are what is fed of it: one, or with two answers the better and the worse, one behind the other.
`U` rows, `K` numbers of each: its loss, and where answers are compared or judged whether the reward is right, and by
how much.
"""

import math
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from studio.core.errors import StudioError
from studio.core.objectives import asked
from studio.engine import batches, neftune, objectives, optim, session
from studio.engine.batches import Group, MicroBatch, Rows
from studio.engine.corpus import trained_counts
from studio.engine.rowlog import RowLog
from studio.engine.session import Reference, Session
from studio.engine.tokens import Tokens

# Evaluation rows that are looked at together for what they have in common, and divided into passes.
_EVALUATION_ROWS = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that a card may still be taking.

    Attributes:
        sequences: of this process, in the order of `found`; none where they were computed for nothing.
        found: (U, K) of this process's rows; `total`: (K,) the sum over all processes' rows, to be divided by `shares`.
        norm: () the gradient's, over all processes.
    """

    sequences: Rows
    found: torch.Tensor
    total: torch.Tensor
    shares: int
    norm: torch.Tensor
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What is told of a step: `accuracy` and `margin` of preferences, else None."""

    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    trained: int
    accuracy: float | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What an evaluation found: trained tokens, and the share of rewards that are right.

    Attributes:
        loss: the mean of a trained token, in nats, or of a row's preference.
    """

    loss: float
    trained: int
    accuracy: float | None = None


def plan(current: Session, epoch: int) -> list[list[Rows]]:
    """Divides an epoch into steps of micro-batches of rows."""
    config, train = current.config, current.corpus.train
    length, processes = session.packed_length(config), current.accelerator.num_processes
    return batches.plan_epoch(train.together, config.training, length, epoch, processes)


def lay_out(current: Session, micro_batches: list[Rows]) -> list[MicroBatch]:
    """Returns this process's passes of a step; one that has no rows left computes the first for nothing."""
    rank, world = current.accelerator.process_index, current.accelerator.num_processes
    # Every process must take part in the last backward.
    passes = current.choices.passes(current.corpus.train, micro_batches[rank::world] or micro_batches[:1])
    return [collated(current, current.corpus.train, groups) for groups in passes]


def take(current: Session, micro_batches: list[Rows], passes: list[MicroBatch]) -> Taken:
    """Takes one optimizer step: the sum of all rows' losses over the number of what they are losses of."""
    accelerator, spec = current.accelerator, current.config.training
    world, rank = accelerator.num_processes, accelerator.process_index
    own, train, reference = micro_batches[rank::world], current.corpus.train, current.reference
    weight = world if own else 0
    optim.seed_all(spec.seed, "step", current.position.step + 1, rank)
    current.model.train()
    unlike = current.choices.passes(train.mismatched, own) if train.mismatched is not None and own else []
    baseline = _baseline(current, train, reference, unlike, sum(len(rows) for rows in micro_batches))
    found, shares = [], _shares(current, current.corpus.trained, micro_batches)
    for i, batch in enumerate(passes):
        with nullcontext() if i == len(passes) - 1 else accelerator.no_sync(current.model):
            with neftune.noised(current.bare, batch, spec.neftune_noise_alpha):
                numbers = computed(current, current.model, train, reference, batch, baseline)
            accelerator.backward(numbers[:, 0].sum() * (weight / shares))
        found.append(numbers.detach())
    total = accelerator.reduce(torch.cat(found).sum(0) * (weight / world), "sum")
    parameters = [p for p in current.model.parameters() if p.requires_grad]
    norm = accelerator.clip_grad_norm_(parameters, spec.max_grad_norm or math.inf)
    rate = float(current.optimizer.param_groups[0]["lr"])
    # If it is not finite, so are the weights from here on; `read` ends the run then, and nothing of them is written.
    current.optimizer.step()
    current.scheduler.step()
    current.optimizer.zero_grad(set_to_none=True)
    sequences = np.concatenate([batch.rows for batch in passes]) if weight else np.array([], np.int64)
    return Taken(sequences, torch.cat(found), total, shares, norm, rate)


def read(current: Session, micro_batches: list[Rows], taken: Taken, log: RowLog) -> Measured:
    """Waits until a step is taken, and returns what is told of it.

    Raises:
        StudioError: (diverged) its loss or its gradient is not finite.
    """
    corpus, number, train = current.corpus, current.position.step + 1, current.corpus.train
    rows = np.concatenate(micro_batches)
    loss, *rewards = (taken.total / taken.shares).tolist()
    grad_norm = float(taken.norm)
    # Before it may end here: whoever looks for what made it diverge looks at the losses of its rows.
    if len(taken.sequences):
        together = taken.sequences.reshape(-1, train.answers)
        trained, losses = corpus.trained[together].sum(1), taken.found[:, 0].cpu().numpy()
        log.append(number, train.rows[together[:, 0]], trained, losses if _compares(current) else losses / trained)
    _require_finite(current, number, loss, grad_norm, rows)
    return Measured(
        loss,
        taken.learning_rate,
        grad_norm,
        int(train.together[rows].sum()),
        int(corpus.trained[train.sequences(rows)].sum()),
        *rewards,
    )


def evaluate(current: Session, part: Tokens) -> Score:
    """Returns how well rows are predicted, over all processes."""
    accelerator = current.accelerator
    passes = evaluation_passes(current, part)
    total = torch.zeros(3 if _compares(current) else 1, device=accelerator.device)
    # Unwrapped: the processes have different numbers of batches, and nothing to agree on before the sum.
    current.bare.eval()
    own, reference = slice(accelerator.process_index, None, accelerator.num_processes), current.evaluation_reference
    unlike = [] if part.mismatched is None else evaluation_passes(current, part.mismatched)[own]
    baseline = _baseline(current, part, reference, unlike, part.count)
    with torch.no_grad():
        for groups in passes[own]:
            batch = collated(current, part, groups)
            total += computed(current, current.bare, part, reference, batch, baseline).sum(0)
    counts = trained_counts(part)
    shares = _shares(current, counts, [np.arange(part.count)])
    loss, *rewards = (accelerator.reduce(total, "sum") / shares).tolist()
    return Score(loss, int(counts.sum()), *rewards[:1])


def evaluation_passes(current: Session, part: Tokens) -> list[list[Group]]:
    """Divides rows into passes as a step's are; padded ones into such of like lengths."""
    if current.choices.batching == "padded":
        size = current.config.training.per_device_train_batch_size * current.config.data.max_length
        return current.choices.passes(part, batches.evaluation_batches(part.together, size))
    every = np.arange(part.count)
    parts = [every[i : i + _EVALUATION_ROWS] for i in range(0, len(every), _EVALUATION_ROWS)]
    return [found for rows in parts for found in current.choices.passes(part, [rows])]


def collated(current: Session, part: Tokens, groups: list[Group]) -> MicroBatch:
    """Returns a pass's tensors, where they are computed."""
    batch = batches.collate(part, groups, current.choices.batching, current.pad_id)
    return batch.to(current.accelerator.device)


def computed(
    current: Session,
    model: torch.nn.Module,
    part: Tokens,
    reference: Reference | None,
    batch: MicroBatch,
    baseline: torch.Tensor | None,
) -> torch.Tensor:
    """Returns (U, K) of a pass's rows.

    Args:
        current: the session.
        model: as it is called.
        part: what the rows are of.
        reference: what the base makes of the part, if it counts.
        batch: the pass.
        baseline: see `_baseline`.
    """
    losses, spec = sequence_losses(current, model, batch), current.config.training
    if not _compares(current):
        return losses[:, None]
    base = None if reference is None else reference.losses[torch.from_numpy(batch.rows).to(losses.device)]
    if spec.objective != "kto":
        return objectives.preferred(spec, losses, base, batch.counts)
    assert base is not None
    assert baseline is not None
    desirable = torch.from_numpy(part.desirable[batch.rows]).to(losses.device)
    return objectives.kto(losses, base, desirable, baseline, spec)


def _baseline(
    current: Session, part: Tokens, reference: Reference | None, passes: list[list[Group]], count: int
) -> torch.Tensor | None:
    """Returns how much likelier than the base the model holds mismatched answers, in the mean over all processes.

    It is KTO's z0, of all rows that are divided by together, so that it does not depend on how these are divided into
    passes; not below 0, and without gradient.

    Args:
        current: the session; its model is in training or not, as for the rows themselves.
        part: whose rows.
        reference: what the base makes of them.
        passes: this process's, of the mismatched ones.
        count: how many there are in all processes.

    Returns:
        () float32, in nats; None: the objective has no such baseline.
    """
    if part.mismatched is None or reference is None or reference.mismatched is None:
        return None
    moved = torch.zeros((), device=current.accelerator.device)
    with torch.no_grad():
        for groups in passes:
            batch = collated(current, part.mismatched, groups)
            base = reference.mismatched[torch.from_numpy(batch.rows).to(moved.device)]
            moved += (base - sequence_losses(current, current.bare, batch).float()).sum()
    total: torch.Tensor = current.accelerator.reduce(moved, "sum")
    return (total / count).clamp(min=0)


def sequence_losses(current: Session, model: torch.nn.Module, batch: MicroBatch) -> torch.Tensor:
    """Returns each sequence's loss, summed over its trained tokens, in nats."""
    with current.accelerator.autocast():
        return objectives.language_modelling(model, batch, current.choices.chunked, current.choices.trimmed)


def _compares(current: Session) -> bool:
    """Whether rows have a loss each, instead of their tokens."""
    return asked(current.config.training.objective).compares


def _shares(current: Session, trained: Rows, micro_batches: list[Rows]) -> int:
    """Returns what a sum of losses is divided by: trained tokens, or rows that have a loss each."""
    if _compares(current):
        return sum(len(rows) for rows in micro_batches)
    return int(sum(trained[rows].sum() for rows in micro_batches))


def _require_finite(current: Session, number: int, loss: float, grad_norm: float, rows: Rows) -> None:
    # With a gradient scaler (fp16) an infinite gradient is ordinary: it lowers the scale and skips the step.
    if math.isfinite(loss) and (math.isfinite(grad_norm) or current.accelerator.scaler is not None):
        return
    train, what = current.corpus.train, "loss" if not math.isfinite(loss) else "gradient"
    numbers = sorted({int(row) for row in train.rows[train.sequences(rows)]})
    raise StudioError(
        "diverged",
        f"The {what} of step {number} is not a finite number; nothing of it was kept.",
        "Resume with a lower learning rate, or look at the rows of the step.",
        f"Rows of the step, counted from 0: {', '.join(map(str, numbers))}",
    )
