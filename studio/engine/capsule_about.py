"""What a run capsule says of its run: the settings that its script reads, where the run began, and its README."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from studio.core import cache, capsule, models
from studio.core.config import RunConfig
from studio.core.entry import WEIGHTS
from studio.core.errors import StudioError
from studio.core.methods import kind_of, title_of
from studio.core.objectives import asked
from studio.core.progress import Progress
from studio.core.runs import Run
from studio.core.units import plural
from studio.engine import adapters, hardware, methods, model, optim
from studio.engine.corpus import Corpus

# What a capsule's script needs, in this order.
_PACKAGES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")
# What transformers' `TrainingArguments` call as this program does.
_TRAINER = (
    "optim", "learning_rate", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "adam_beta1", "adam_beta2",
    "adam_epsilon", "weight_decay", "max_grad_norm", "seed",
)  # fmt: skip
_NF4 = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}
_DRAWN = re.compile(r"\.(lora_(embedding_)?[AB]|ia3_l|vera_lambda_[bd]|hada_w\d_[ab]|lokr_w\d(_[ab])?|oft_R)\.")
_ADDED = re.compile(r"\.(lora|ia3|vera|hada|lokr|oft)_")
# Of PEFT's config: what says who made it, and how what is given would be drawn.
_UNSAID = {"base_model_name_or_path", "inference_mode", "init_lora_weights", "peft_version", "revision", "auto_mapping"}


@dataclass(frozen=True, slots=True)
class Start:
    """How a run began.

    Attributes:
        base: the base's folder.
        adapter: PEFT's config of it, without what is PEFT's default; None: every weight is trained.
        tensors: the adapter's weights by their names in the model, without those that it takes from its base.
        noise: what is drawn in a step.
    """

    base: Path
    adapter: dict[str, Any] | None
    tensors: dict[str, torch.Tensor]
    noise: list[str]


def start(config: RunConfig, folder: Path) -> Start:
    """Makes the model in `folder` as it was before the first step.

    Raises:
        StudioError: (export) it is trained in a way that a plain script cannot follow. And as `model.load_base` and
            `adapters.attach`.
    """
    noise = ["the noise on embeddings (NEFTune)"] if config.training.neftune_noise_alpha else []
    noise += ["the adapter's dropout"] if config.adapter.lora_dropout and config.adapter.method != "full" else []
    noise += ["the model's own dropout"] if any(map(_draws, model.skeleton(folder).modules())) else []
    if config.adapter.method == "full":
        return Start(folder, None, {}, noise)
    device = hardware.device()
    frozen = model.load_base(folder, config.model, device)
    optim.seed_all(config.training.seed, "initialise")
    bare = adapters.attach(frozen, config.adapter)
    _require_plain(bare, config, device)
    tensors = {
        name: parameter.detach().cpu().contiguous()
        for name, parameter in bare.named_parameters()
        # The rest of a new one is its base's own, and not to be in a capsule.
        if parameter.requires_grad and (config.adapter.path or _DRAWN.search(name))
    }
    plain, about = methods.made(config.adapter.method, {"task_type": None}).to_dict(), adapters.plain_config(bare)
    said = {key: value for key, value in about.items() if key not in _UNSAID and value != plain.get(key)}
    return Start(folder, said | {"peft_type": kind_of(config.adapter.method).peft_type}, tensors, noise)


def _require_plain(bare: torch.nn.Module, config: RunConfig, device: torch.device) -> None:
    """Refuses what this program sees to on a processor that PEFT leaves alone.

    Raises:
        StudioError: (export) it had to.
    """
    if device.type != "cpu":
        return
    hint = "Its result can be exported, as ever."
    whole = any(p.requires_grad and not _ADDED.search(name) for name, p in bare.named_parameters())
    if whole and hardware.dtype(config.model, device) != torch.float32:
        message = "There is no capsule of a run on a processor that trains biases or whole modules in half precision."
        raise StudioError("export", message, hint)
    if config.adapter.use_dora and config.model.quantization == "8bit":
        message = "There is no capsule of a run on a processor that trains DoRA beside a base in 8 bits."
        raise StudioError("export", message, hint)


def _draws(module: torch.nn.Module) -> bool:
    """Whether a module draws something in training; some only say how much, and what attends for them draws."""
    named = (value for name, value in vars(module).items() if "drop" in name or "jitter" in name)
    dropped = isinstance(module, torch.nn.Dropout) and module.p > 0
    return dropped or any(isinstance(value, float) and value > 0 for value in named)


def settings(
    run: Run, config: RunConfig, told: Progress, corpus: Corpus, begun: Start, fingerprint: str
) -> dict[str, Any]:
    """Returns what `train.py` reads of the settings."""
    spec, planned = config.training, told.prepared
    assert planned is not None
    local = models.local_folder(config.model.path) is not None
    snapshot = begun.base.name if begun.base.parent.name == "snapshots" else config.model.revision
    quantization = {"none": {}, "8bit": {"load_in_8bit": True}, "nf4": _NF4 | {"bnb_4bit_compute_dtype": planned.dtype}}
    weights_file = run.path / "adapter" / WEIGHTS
    return {
        "format": 1,
        "name": config.name or run.name,
        "base": {
            "path": capsule.portable(config).model.path,
            "hub": not local,
            "revision": None if local else snapshot,
            "fingerprint": fingerprint,
        },
        "quantization": quantization[config.model.quantization],
        "dtype": planned.dtype,
        "adapter": begun.adapter,
        "further": bool(config.adapter.path),
        "objective": spec.objective,
        "beta": spec.used_beta,
        "simpo_gamma": spec.simpo_gamma,
        "desirable_weight": spec.desirable_weight,
        "undesirable_weight": spec.undesirable_weight,
        "reference": asked(spec.objective).reference,
        "trainer": {key: getattr(spec, key) for key in _TRAINER} | {"optim_args": spec.optim_args or None},
        "optimizer_options": optim.handed_on(spec),
        "loraplus_lr_ratio": spec.loraplus_lr_ratio,
        "neftune_noise_alpha": spec.neftune_noise_alpha,
        "recompute": planned.activations != "kept",
        "noise": begun.noise,
        "answers": corpus.train.answers,
        "parts": ["train"] + (["evaluation"] if corpus.evaluation is not None else []),
        "evaluations": [[item.step, item.eval_loss] for item in told.evaluations],
        "result_step": told.finished.result_step if told.finished is not None else told.step,
        "result_sha256": cache.sha256(weights_file) if told.finished is not None and weights_file.is_file() else "",
        "data": {"name": Path(config.data.path).name, "fingerprint": corpus.fingerprint},
        "versions": run.about().get("versions", {}),
    }


def readme(run: Run, config: RunConfig, told: Progress, about: dict[str, Any]) -> dict[str, str]:
    """Returns what the README says of this very run."""
    planned, base, versions = told.prepared, about["base"], about["versions"]
    assert planned is not None
    needed = [name for name in _PACKAGES if name in versions and (name != "bitsandbytes" or _needs_bits(about))]
    held = f" (and {plural(planned.eval_rows, 'row')} held back)" if planned.eval_rows else ""
    how = {"nf4": ", the base held in NF4", "8bit": ", the base held in 8 bits"}.get(config.model.quantization, "")
    kind = "full fine-tuning" if about["adapter"] is None else title_of(config.adapter.method)
    what = (
        f"{kind} by `{about['objective']}` of {plural(planned.rows, 'row')}{held} in {plural(told.step, 'step')}{how}"
    )
    if base["hub"]:
        where = f"`{base['path']}` on the Hugging Face Hub, revision `{base['revision'] or 'main'}`."
    elif config.model.path == "demo":
        where = "Finetune Studio's built-in model: `resources/demo/model` in its repository."
    else:
        where = f"A folder that was called `{base['path']}`."
    return {
        "name": about["name"],
        "what": what,
        "packages": " ".join(f"{name}=={versions[name].partition('+')[0]}" for name in needed) + " safetensors",
        "model": "" if base["hub"] else " --model FOLDER",
        "result": f" (the run's own adapter has the SHA-256 `{about['result_sha256']}`)"
        if about["result_sha256"]
        else "",
        "base": where,
        "fingerprint": base["fingerprint"],
        "expected": "\n\n".join(_expected(run, about)),
    }


def _needs_bits(about: dict[str, Any]) -> bool:
    return bool(about["quantization"]) or "bit" in about["trainer"]["optim"]


def _expected(run: Run, about: dict[str, Any]) -> Iterator[str]:
    """Yields how near the script comes, in paragraphs."""
    if about["dtype"] == "float32":
        yield (
            f"The run was computed in float32. {'But for its noise the' if about['noise'] else 'The'} script's first"
            " losses are to agree with these to six digits or more; rounding adds up from step to step, so that small"
            " losses of a long run may agree to four."
        )
    else:
        yield (
            f"The run was computed in {about['dtype']}, where it matters to the last bits which rows are computed"
            " together: losses are to agree to two or three digits."
        )
    if about["noise"]:
        yield (
            f"There is noise in its training: {' and '.join(about['noise'])}, which the script draws anew. Its losses"
            " then go beside these and do not meet them; at its end it says how far the noise alone moves a loss."
        )
    if changed := run.changed_versions():
        yield f"This file was made with other versions than the run: {changed}. A new adapter may begin otherwise then."
