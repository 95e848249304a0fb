"""Optimizer and the keyed random state of a step."""

import tempfile
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves

from studio.core.config import TrainingSpec
from studio.core.errors import StudioError
from studio.engine import hardware

Purpose = Literal["initialise", "step"]

# What values that do not fit raise in transformers and in the optimizers.
_UNFIT = (ArithmeticError, AttributeError, ImportError, LookupError, NotImplementedError, TypeError, ValueError)
_SIDE = 256  # of the matrix that an optimizer is tried on: of smaller ones some note as much as others do
# Options with a setting of their own, which counts.
_SETTINGS = {"lr": "learning_rate", "weight_decay": "weight_decay"}


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

    With LoRA+ (Hayou et al. 2024) each B, and as in PEFT's `create_loraplus_optimizer` each vector, has
    `loraplus_lr_ratio` times the learning rate; A and whole modules have the learning rate itself, and so has LoRA on
    an embedding, for which PEFT has a rate of its own. The first group is of these.

    Raises:
        StudioError: (config) transformers does not know the optimizer, it needs a missing package, or `optim_args` do
            not fit it.
    """
    groups = _groups(model, spec)
    if spec.optim == "adamw_torch" and not spec.optim_args:
        betas = (spec.adam_beta1, spec.adam_beta2)
        fused = device.type in ("cpu", "cuda")
        return torch.optim.AdamW(groups, lr=spec.learning_rate, betas=betas, eps=spec.adam_epsilon, fused=fused)
    options = _options(spec)
    try:
        make, arguments = _from_transformers(spec, {})
    except _UNFIT as error:
        raise _unusable(spec, error) from None
    try:
        if options:
            make, arguments = _from_transformers(spec, options)
        optimizer: Optimizer = make(groups, **arguments)
    except _UNFIT as error:
        raise (_unfit(spec, error) if options else _unusable(spec, error)) from None
    return optimizer


def handed_on(spec: TrainingSpec) -> dict[str, Any]:
    """Returns what the optimizer is given otherwise than by transformers' Trainer: its options, as what they mean."""
    if spec.optim == "adamw_torch" and not spec.optim_args:
        return {"fused": True}
    options = _options(spec)
    given = _from_transformers(spec, options)[1]
    return {key: given[key] for key in options if given.get(key) == _value(options[key])}


def coming_bytes(spec: TrainingSpec, device: torch.device) -> float:
    """Returns what a trained number takes besides itself once it is trained, in bytes, as a step on a matrix shows.

    That is its gradient, and what the optimizer notes of it.

    Raises:
        StudioError: (config) as `make_optimizer`.
    """
    matrix = torch.nn.Module()
    matrix.weight = torch.nn.Parameter(torch.zeros(_SIDE, _SIDE, device=device))
    optimizer = make_optimizer(matrix, spec, device)
    gradient = matrix.weight.grad = torch.zeros_like(matrix.weight)
    optimizer.step()
    tensors = [gradient, *(one for one in tree_leaves(dict(optimizer.state)) if isinstance(one, torch.Tensor))]
    held = {one.untyped_storage()._cdata: one.nbytes for one in tensors}
    return sum(held.values()) / gradient.numel()


def _groups(model: torch.nn.Module, spec: TrainingSpec) -> list[dict[str, Any]]:
    """Returns the trainable parameters by learning rate and weight decay."""
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plus, faster = spec.loraplus_lr_ratio != 1, {"lr": spec.learning_rate * spec.loraplus_lr_ratio}
    matrices = [(plus and "lora_B" in name, p) for name, p in trainable if p.ndim > 1]
    groups = [
        {"params": [p for is_b, p in matrices if not is_b], "weight_decay": spec.weight_decay},
        {"params": [p for is_b, p in matrices if is_b], "weight_decay": spec.weight_decay} | faster,
        {"params": [p for _, p in trainable if p.ndim <= 1], "weight_decay": 0.0} | (faster if plus else {}),
    ]
    return [group for group in groups if group["params"]]


def require_read(spec: TrainingSpec) -> None:
    """Refuses settings of the optimizer that would change nothing; those of a run that has begun never did.

    Raises:
        StudioError: (config) names the option or the setting.
    """
    for setting in ("adam_beta1", "adam_beta2", "adam_epsilon"):
        default = getattr(TrainingSpec(), setting)
        if getattr(spec, setting) != default and not _is_set(spec, {setting: default}):
            raise StudioError(
                "config",
                f"`training.{setting}` changes nothing: {spec.optim} does not read it.",
                "Leave it out, or choose an optimizer that does, such as adamw_torch.",
            )
    for key in _options(spec):
        if key in _SETTINGS:
            raise StudioError(
                "config",
                f"`{key}` in `training.optim_args` has a setting of its own.",
                f"Set `training.{_SETTINGS[key]}` instead.",
            )
        if not _is_read(spec, key):
            raise StudioError(
                "config",
                f"`{key}` in `training.optim_args` changes nothing: {spec.optim} does not read it.",
                "Take it out; options are read by sgd, adagrad, rmsprop and ademamix, among others.",
            )


def _is_read(spec: TrainingSpec, key: str) -> bool:
    """Whether transformers makes anything of an option: of two values one is not the default, or is refused."""
    try:
        # Some take any text for true, so that both are alike.
        plain = _from_transformers(spec, {})
        return any(_from_transformers(spec, {key: value}) != plain for value in ("0", "1"))
    except _UNFIT:
        return True


def _is_set(spec: TrainingSpec, default: dict[str, Any]) -> bool:
    """Whether transformers makes anything else of a setting than of its default, with the options as they are."""
    options = _options(spec)
    try:
        return _from_transformers(spec, options) != _from_transformers(replace(spec, **default), options)
    except _UNFIT:
        return True


def _options(spec: TrainingSpec) -> dict[str, str]:
    """Returns the options in `optim_args` as they are written there."""
    parts = spec.optim_args.replace(" ", "").split(",") if spec.optim_args else []
    pairs = [part.split("=") for part in parts]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise StudioError(
            "config",
            f"`training.optim_args` cannot be read: `{spec.optim_args}`.",
            "Write them as key=value, key=value, such as momentum=0.9, nesterov=True.",
        )
    return dict(pairs)


def _from_transformers(spec: TrainingSpec, options: dict[str, str]) -> tuple[Any, dict[str, Any]]:
    """Returns what makes the optimizer, and of which arguments."""
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=tempfile.gettempdir(),
        optim=spec.optim,
        optim_args=",".join(f"{key}={value}" for key, value in options.items()) or None,
        learning_rate=spec.learning_rate,
        adam_beta1=spec.adam_beta1,
        adam_beta2=spec.adam_beta2,
        adam_epsilon=spec.adam_epsilon,
        report_to="none",
        # It sets accelerate's state, which else knows of no other process on processors, and on a Mac takes its GPU.
        use_cpu=hardware.device().type == "cpu",
    )
    make, found = Trainer.get_optimizer_cls_and_kwargs(arguments)
    found.pop("weight_decay", None)
    # Some optimizers' options are handed on as they are written.
    return make, {key: _value(item) if isinstance(item, str) else item for key, item in found.items()}


def _value(text: str) -> bool | float | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _unusable(spec: TrainingSpec, error: Exception) -> StudioError:
    return StudioError(
        "config",
        f"The optimizer `{spec.optim}` cannot be used: {_first_line(error)}",
        "Choose another `training.optim`, such as adamw_torch, adamw_8bit or adafactor.",
        str(error),
    )


def _unfit(spec: TrainingSpec, error: Exception) -> StudioError:
    return StudioError(
        "config",
        f"`training.optim_args` do not fit the optimizer {spec.optim}: {_first_line(error)}.",
        "Correct them, or leave them empty for the optimizer's own defaults.",
        str(error),
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
