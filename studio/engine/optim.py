"""Optimizer, schedule and the keyed random state of a step."""

import math
import tempfile
from typing import Any, Literal

import numpy as np
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from studio.core.config import TrainingSpec
from studio.core.errors import StudioError

Purpose = Literal["initialise", "step"]


def seed_all(seed: int, purpose: Purpose, number: int = 0, rank: int = 0) -> None:
    """Sets torch's generators from a key, so that no generator's state has to outlive a step.

    Args:
        seed: the run's.
        purpose: keeps the streams for different uses apart.
        number: the step's.
        rank: the process's, so that dropout differs between data-parallel processes.
    """
    entropy = [seed, ("initialise", "step").index(purpose), number, rank]
    torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1)))


def make_optimizer(model: torch.nn.Module, spec: TrainingSpec, device: torch.device) -> Optimizer:
    """Makes the optimizer of the trainable parameters; weight decay spares vectors (biases, norms).

    Raises:
        StudioError: (config) transformers does not know the optimizer, or it needs a missing package.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": spec.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if spec.optim == "adamw_torch" and not spec.optim_args:
        return torch.optim.AdamW(groups, lr=spec.learning_rate, fused=device.type in ("cpu", "cuda"))
    make, arguments = _from_transformers(spec)
    arguments.pop("weight_decay", None)
    optimizer: Optimizer = make(groups, **arguments)
    return optimizer


def _from_transformers(spec: TrainingSpec) -> tuple[Any, dict[str, Any]]:
    from transformers import Trainer, TrainingArguments

    try:
        arguments = TrainingArguments(
            output_dir=tempfile.gettempdir(),
            optim=spec.optim,
            optim_args=spec.optim_args or None,
            learning_rate=spec.learning_rate,
            report_to="none",
        )
        make, keywords = Trainer.get_optimizer_cls_and_kwargs(arguments)
    except (ValueError, ImportError, KeyError) as error:
        raise StudioError(
            "config",
            f"The optimizer `{spec.optim}` cannot be used: {str(error).splitlines()[0]}",
            "Choose another `training.optim`, such as adamw_torch, adamw_8bit or adafactor.",
            str(error),
        ) from None
    return make, keywords


def make_scheduler(optimizer: Optimizer, spec: TrainingSpec, steps: int) -> LRScheduler:
    """Makes transformers' schedule over `steps` optimizer steps.

    Raises:
        StudioError: (config) `lr_scheduler_kwargs` do not fit the schedule.
    """
    from transformers import get_scheduler

    warmup = math.ceil(steps * spec.warmup_steps) if spec.warmup_steps < 1 else int(spec.warmup_steps)
    options = dict(spec.lr_scheduler_kwargs)
    if spec.lr_scheduler_type == "polynomial":
        # It divides by the steps of its decay.
        warmup = min(warmup, steps - 1)
    if spec.lr_scheduler_type == "warmup_stable_decay":
        options.setdefault("num_decay_steps", max(1, steps // 10))
    if spec.lr_scheduler_type == "cosine_with_min_lr" and not {"min_lr", "min_lr_rate"} & options.keys():
        options["min_lr_rate"] = 0.1
    if spec.lr_scheduler_type == "cosine_warmup_with_min_lr" and not {"min_lr", "min_lr_rate"} & options.keys():
        options["min_lr_rate"] = 0.1
    try:
        scheduler: LRScheduler = get_scheduler(
            spec.lr_scheduler_type,
            optimizer,
            num_warmup_steps=min(warmup, steps),
            num_training_steps=steps,
            scheduler_specific_kwargs=options,
        )
    except (TypeError, ValueError) as error:
        raise StudioError(
            "config",
            f"`training.lr_scheduler_kwargs` do not fit the schedule {spec.lr_scheduler_type}: {error}.",
            "Leave them empty for the schedule's own defaults.",
        ) from None
    return scheduler


def set_peak(scheduler: LRScheduler, learning_rate: float) -> None:
    """Changes the peak learning rate from now on; the schedule's shape and place stay."""
    optimizer = scheduler.optimizer
    for i, group in enumerate(optimizer.param_groups):
        share = group["lr"] / scheduler.base_lrs[i] if scheduler.base_lrs[i] else 0.0
        scheduler.base_lrs[i] = group["initial_lr"] = learning_rate
        group["lr"] = learning_rate * share
