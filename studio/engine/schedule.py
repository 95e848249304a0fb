"""How the learning rate goes over a run: transformers' schedules, looked at from end to end before one is used."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from studio.core.config import TrainingSpec
from studio.core.errors import StudioError
from studio.engine import optim

# What options that do not fit raise in transformers' schedules.
_UNFIT = (ArithmeticError, LookupError, TypeError, ValueError)
# Schedules that transformers makes without looking at options.
_WITHOUT_OPTIONS = ("constant", "constant_with_warmup")
# Of the steps of a run, so many are looked at.
_LOOKED_AT = 100_000


def make_scheduler(optimizer: Optimizer, spec: TrainingSpec, steps: int) -> LambdaLR:
    """Makes transformers' schedule over `steps` optimizer steps.

    Raises:
        StudioError: (config) `lr_scheduler_kwargs` do not fit the schedule.
    """
    from transformers import get_scheduler

    options = _options(spec, steps)
    with _fitting(spec):
        scheduler: LambdaLR = get_scheduler(
            spec.lr_scheduler_type,
            optimizer,
            num_warmup_steps=_warmup(spec, steps),
            num_training_steps=steps,
            scheduler_specific_kwargs=options,
        )
    return scheduler


def set_peak(scheduler: LRScheduler, learning_rate: float) -> None:
    """Changes the peak learning rate from now on; the schedule's shape and place stay.

    It is the first group's; the others' peaks keep their ratio to it.
    """
    before = list(scheduler.base_lrs)
    for i, group in enumerate(scheduler.optimizer.param_groups):
        share = group["lr"] / before[i] if before[i] else 0.0
        scheduler.base_lrs[i] = learning_rate * (before[i] / before[0] if before[0] else 1.0)
        group["lr"] = scheduler.base_lrs[i] * share


def try_out(spec: TrainingSpec, steps: int) -> None:
    """Makes the optimizer and the schedule of a toy, so that what does not fit is told before a weight is loaded.

    Raises:
        StudioError: as `optim.make_optimizer` and `make_scheduler` do; (config) nothing is learned by the rates, or
            an option would change nothing.
    """
    for key, value in spec.lr_scheduler_kwargs.items():
        if spec.lr_scheduler_type in _WITHOUT_OPTIONS and key != "last_epoch":
            raise StudioError(
                "config",
                f"`{key}` in `training.lr_scheduler_kwargs` changes nothing: "
                f"{spec.lr_scheduler_type} does not read it.",
                "Take it out, or choose another `training.lr_scheduler_type`.",
            )
        if isinstance(value, int | float) and value < 0 and key != "last_epoch":
            raise StudioError("config", f"`training.lr_scheduler_kwargs` set `{key}` to {value}.", "Choose 0 or more.")
    toy = torch.nn.Linear(2, 2)
    scheduler = make_scheduler(optim.make_optimizer(toy, spec, torch.device("cpu")), spec, steps)
    with _fitting(spec):
        rates = [spec.learning_rate * scheduler.lr_lambdas[0](step) for step in _looked_at(steps)]
    wrong = [rate for rate in rates if not (math.isfinite(rate) and rate >= 0)]
    # The last one is of behind the last step.
    if not wrong and any(rates[:-1]):
        return
    raise StudioError(
        "config",
        f"`training.lr_scheduler_kwargs` lead to a learning rate of {wrong[0]}."
        if wrong
        else "`training.lr_scheduler_kwargs` lead to learning rates of 0 only.",
        "Leave them empty for the schedule's own defaults.",
    )


@contextmanager
def _fitting(spec: TrainingSpec) -> Iterator[None]:
    try:
        yield
    except _UNFIT as error:
        raise StudioError(
            "config",
            f"`training.lr_scheduler_kwargs` do not fit the schedule {spec.lr_scheduler_type}: {error}.",
            "Leave them empty for the schedule's own defaults.",
        ) from None


def _warmup(spec: TrainingSpec, steps: int) -> int:
    """Returns the steps of the warm-up, which leaves a rate above 0."""
    warmup = math.ceil(steps * spec.warmup_steps) if spec.warmup_steps < 1 else int(spec.warmup_steps)
    if spec.lr_scheduler_type == "polynomial":
        # It divides by the steps of its decay.
        return min(warmup, steps - 1)
    # A warm-up's first step has a rate of 0, but with this schedule.
    if steps == 1 and spec.lr_scheduler_type != "cosine_warmup_with_min_lr":
        return 0
    return min(warmup, steps)


def _options(spec: TrainingSpec, steps: int) -> dict[str, Any]:
    """Returns the schedule's own options, with what transformers has no default for."""
    options = dict(spec.lr_scheduler_kwargs)
    if options.pop("last_epoch", -1) != -1:
        raise StudioError(
            "config",
            "`training.lr_scheduler_kwargs` set `last_epoch`, which is where the run stands.",
            "Take it out; a resumed run knows it.",
        )
    if spec.lr_scheduler_type == "warmup_stable_decay":
        options.setdefault("num_decay_steps", max(1, steps // 10))
    least = ("cosine_with_min_lr", "cosine_warmup_with_min_lr")
    if spec.lr_scheduler_type in least and not {"min_lr", "min_lr_rate"} & options.keys():
        options["min_lr_rate"] = 0.1
    return options


def _looked_at(steps: int) -> list[int]:
    """Returns all steps from the first to the one behind the last, or of very many some, and both ends."""
    return [int(step) for step in np.linspace(0, steps, min(steps, _LOOKED_AT) + 1)]
