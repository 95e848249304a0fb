"""What a run's numbers show, with the figures that show it and what to do about it; by rules, and none by guessing.

Each rule says nothing where there are too few steps or rows for it to mean something.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from studio.core.config import RunConfig
from studio.core.events import Evaluated, Prepared
from studio.core.methods import title_of, usual_rate
from studio.core.objectives import asked
from studio.core.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.floating[Any]]

Tone = Literal["good", "warn", "bad"]

_LEAST_STEPS = 20  # of which a beginning and an end can be told apart
_LEAST_MEAN = 5  # steps, whose losses differ by what rows they have
_NOISES = 6.0  # the lowest of many means lies below the others by chance
_LEAST_ROWS = 40  # from which some can be held back
_FEW_ROWS = 20  # whose mean loss is mostly chance
_BACK, _ON, _HARDLY = 1.03, 0.98, 0.99  # of a loss that counts as risen, as still falling, as hardly changed
_NATS = 0.01  # by which a loss that counts as changed is another
_WORSE = 1.1
_LEAPS, _LEAST_LEAPS = 10.0, 3
_SETTLED = 0.995
_CHANCE = 0.55
_SHARE = 0.01  # of the rows
_FEW_LEARNED = 0.1
_SHORT = 30  # steps in which AdamW and a schedule hardly come to anything


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a run shows.

    Attributes:
        tone: whether that is good, to be known, or bad.
        message: what is seen, with its figures.
        hint: what to do; empty: nothing.
        settings: what would be set otherwise in a new run.
        step: whose rows show it; 0: none in particular.
    """

    tone: Tone
    message: str
    hint: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    step: int = 0


def findings(told: Progress, config: RunConfig) -> list[Finding]:
    """Returns what a run of `config` shows that has told so much, the worst first; it may still be at work."""
    found = [*_of_evaluations(told, config), *_of_steps(told, config)]
    if told.prepared is not None:
        found += _of_rows(told.prepared, config)
    order: tuple[Tone, ...] = ("bad", "warn", "good")
    return sorted(found, key=lambda finding: order.index(finding.tone))


def _of_evaluations(told: Progress, config: RunConfig) -> Iterator[Finding]:
    scored = [item for item in told.evaluations if item.step > 0]
    if not scored:
        return
    best, last = min(scored, key=lambda item: item.eval_loss), scored[-1]
    if told.base is not None:
        yield _against_base(told.base, best)
    if last.eval_loss > max(_BACK * best.eval_loss, best.eval_loss + _NATS):
        if _falls_on(told, best.step):
            yield _by_heart(best, last, told, config)
    elif len(scored) > 2 and last is best:
        before = scored[-1 - len(scored) // 3]
        if told.complete and last.eval_loss < min(_ON * before.eval_loss, before.eval_loss - _NATS):
            yield _unfinished(before, last, config)


def _against_base(base: Evaluated, best: Evaluated) -> Finding:
    if best.eval_loss < _HARDLY * base.eval_loss:
        message = (
            f"On the rows held back the loss fell from {base.eval_loss:.3f} before training to {best.eval_loss:.3f} at"
            f" step {best.step:,}."
        )
        return Finding("good", message)
    message = (
        f"On the rows held back the loss was {best.eval_loss:.3f} at best, which is hardly below that of the base,"
        f" {base.eval_loss:.3f}."
    )
    hint = "See whether those rows are of the same kind as the ones trained on, and try another learning rate."
    return Finding("bad", message, hint)


def _by_heart(best: Evaluated, last: Evaluated, told: Progress, config: RunConfig) -> Finding:
    message = (
        f"From step {best.step:,} on the loss on the rows held back rose from {best.eval_loss:.3f} to"
        f" {last.eval_loss:.3f}, while that of the rows trained on went on falling: they are learned by heart."
    )
    kept = told.finished is not None and told.finished.result_step == best.step
    hint = "Train shorter, on more rows, or with more dropout."
    if kept:
        hint = f"The result has the weights of step {best.step:,}. Train shorter, on more rows, or with more dropout."
    return Finding("warn" if kept else "bad", message, hint, _ended_at(best.step, told, config))


def _unfinished(before: Evaluated, last: Evaluated, config: RunConfig) -> Finding:
    message = (
        f"The loss on the rows held back was still falling at the end: from {before.eval_loss:.3f} at step"
        f" {before.step:,} to {last.eval_loss:.3f} at step {last.step:,}."
    )
    training = config.training
    longer = {"training.num_train_epochs": 2 * training.num_train_epochs}
    if training.max_steps > 0:
        longer = {"training.max_steps": 2 * training.max_steps}
    hint = "Train longer."
    return Finding("warn", message, hint, longer)


def _of_steps(told: Progress, config: RunConfig) -> Iterator[Finding]:
    steps, rate = told.steps, _rate(told, config)
    if told.complete and len(steps) < _SHORT:
        message = f"The whole run has {len(steps):,} steps only."
        hint = "Have fewer rows in a step, or more epochs: an optimizer needs some steps to come to its size."
        batch = config.training.per_device_train_batch_size
        yield Finding("warn", message, hint, {"training.per_device_train_batch_size": batch // 2} if batch > 1 else {})
    if len(steps) < _LEAST_STEPS:
        return
    yield from _of_losses(told, rate, config)
    yield from _leaps(told, rate, config)
    if asked(config.training.objective).compares:
        yield from _of_rewards(told)


def _of_losses(told: Progress, rate: float, config: RunConfig) -> Iterator[Finding]:
    """Yields that the loss of the rows trained on did not fall, or rose again."""
    losses, numbers = told.steps.column("loss"), told.steps.column("step")
    first, last = _ends(losses)
    if told.complete and _HARDLY * first < last < _WORSE * first:
        message = f"The loss of the rows trained on hardly changed: {first:.3f} at first, {last:.3f} in the end."
        hint = "Raise the learning rate, or see under Rows and Layers whether anything is learned."
        raised, method = 3 * rate, config.adapter.method
        if rate < (usual := usual_rate(method)) and not asked(config.training.objective).compares:
            raised = max(raised, usual)
            hint = f"{title_of(method)} learns at larger rates than LoRA, such as {usual:g}."
        yield Finding("bad", message, hint, {"training.learning_rate": _rounded(raised)})
    lowest, at = _lowest(losses)
    compares = asked(config.training.objective).compares
    if last > max(_WORSE * lowest, lowest + _NOISES * _noise(losses)) and not compares:
        where = int(numbers[at])
        message = (
            f"The loss of the rows trained on rose from {lowest:.3f} about step {where:,} to {last:.3f} in the end."
        )
        hint = "Lower the learning rate, or warm up for longer."
        yield Finding("bad", message, hint, {"training.learning_rate": _rounded(rate / 3)})


def _leaps(told: Progress, rate: float, config: RunConfig) -> Iterator[Finding]:
    """Yields that the gradient was far larger than usual in some steps."""
    import numpy as np

    norms, numbers = told.steps.column("grad_norm"), told.steps.column("step")
    late = norms[len(norms) // 10 :]  # the first are larger while the optimizer comes to its size
    # Where hardly anything is left to learn, small ones are many times as large as others.
    counts = late > max(_LEAPS * float(np.median(late)), config.training.max_grad_norm or 1.0)
    leaps = np.flatnonzero(counts) + len(norms) // 10
    if len(leaps) >= _LEAST_LEAPS:
        where = int(numbers[leaps[0]])
        message = (
            f"In {len(leaps):,} of {len(norms):,} steps the gradient was more than {_LEAPS:.0f} times as large as"
            f" usual, the first time in step {where:,}."
        )
        hint = "See which rows these steps have; if they are sound, lower the learning rate."
        yield Finding("warn", message, hint, {"training.learning_rate": _rounded(rate / 2)}, where)


def _of_rewards(told: Progress) -> Iterator[Finding]:
    right = told.steps.column("reward_accuracy")
    if len(right) < _LEAST_STEPS:
        return
    _, end = _ends(right)
    if told.complete and end < _CHANCE:
        message = f"At the end the rewards of {end:.0%} of the rows were right, which chance would reach too."
        hint = "Raise the learning rate or train longer; and see whether the answers really differ in what you prefer."
        yield Finding("bad", message, hint)
    elif float(right[-len(right) // 3 :].mean()) > _SETTLED:
        message = "Over the last third the rewards of all rows were right: what is left only pushes answers apart."
        hint = "Train shorter, or with harder pairs."
        yield Finding("warn", message, hint)


def _of_rows(prepared: Prepared, config: RunConfig) -> Iterator[Finding]:
    rows, held = prepared.rows, prepared.eval_rows
    if not held and rows >= _LEAST_ROWS:
        message = "No rows were held back, so nothing says whether the model got better on rows it has not seen."
        hint = "Hold some back."
        yield Finding("warn", message, hint, {"data.eval_split": 0.05 if rows >= 20 * _FEW_ROWS else 0.2})
    elif 0 < held < _FEW_ROWS:
        message = f"Of the rows {held:,} were held back: the mean of so few says little."
        hint = "Hold more back, or name a file with more for evaluation."
        share = min(0.5, round(2 * _FEW_ROWS / (rows + held), 2))
        yield Finding("warn", message, hint, {"data.eval_split": share} if config.data.eval_split else {})
    if prepared.truncated_rows > _SHARE * rows:
        most = config.data.max_length
        message = f"Of the rows {prepared.truncated_rows:,} were cut at {most:,} tokens: the rest is not learned."
        hint = "Allow longer ones; Lengths on the Data page shows how long they are."
        yield Finding("warn", message, hint, {"data.max_length": 2 * config.data.max_length})
    unused = prepared.rejected_rows + prepared.untrained_rows
    if unused > _SHARE * (rows + unused):
        message = f"Of the rows {unused:,} were not used: they cannot be read, or nothing in them is learned."
        hint = "The Data page lists them with the reason."
        yield Finding("warn", message, hint)
    learned = prepared.trained_tokens_per_epoch / max(1, prepared.tokens_per_epoch)
    if learned < _FEW_LEARNED and config.training.objective == "sft":
        message = f"Of the tokens {learned:.1%} are learned; the others are prompts."
        hint = "That is right where prompts are long; else see under Tokens on the Data page what is learned of a row."
        yield Finding("warn", message, hint)
    if prepared.activations != "kept" and not config.training.activation_checkpointing:
        message = "Activations did not fit in memory and were computed again, which is slower."
        hint = "Shorter rows or a quantized base leave room for them."
        yield Finding("warn", message, hint)


def _rate(told: Progress, config: RunConfig) -> float:
    """Returns the peak learning rate that the run came to."""
    return told.learning_rates[-1][1] if told.learning_rates else config.training.learning_rate


def _rounded(rate: float) -> float:
    return float(f"{rate:.1e}")


def _ended_at(step: int, told: Progress, config: RunConfig) -> dict[str, Any]:
    """Returns the settings with which a run ends at a step."""
    if config.training.max_steps > 0 or told.prepared is None:
        return {"training.max_steps": step}
    return {"training.num_train_epochs": max(0.1, round(step / max(1, told.prepared.steps_per_epoch), 1))}


def _part(values: "Values") -> int:
    """Returns how many values are taken together: a tenth of them, or as many as make a mean."""
    return max(_LEAST_MEAN, len(values) // 10)


def _ends(values: "Values") -> tuple[float, float]:
    """Returns the means of the first part and of the last."""
    size = _part(values)
    return float(values[:size].mean()), float(values[-size:].mean())


def _noise(values: "Values") -> float:
    """Returns the standard error of a part's mean, as far as one value differs from the next."""
    import numpy as np

    return float(np.diff(values).std() / np.sqrt(2 * _part(values)))


def _lowest(values: "Values") -> tuple[float, int]:
    """Returns the lowest mean of a part, and the place of its middle."""
    import numpy as np

    size = _part(values)
    sums = np.concatenate([np.zeros(1), np.cumsum(values, dtype=np.float64)])
    means = (sums[size:] - sums[:-size]) / size
    at = int(means.argmin())
    return float(means[at]), at + size // 2


def _falls_on(told: Progress, step: int) -> bool:
    """Whether the loss of the rows trained on was lower at the end than about a step."""
    if len(told.steps) < _LEAST_STEPS:
        return False
    losses, numbers = told.steps.column("loss"), told.steps.column("step")
    about, size = int(numbers.searchsorted(step)), _part(losses)
    there = losses[max(0, about - size) : about + 1]
    return len(there) > 0 and float(losses[-size:].mean()) < float(there.mean())
