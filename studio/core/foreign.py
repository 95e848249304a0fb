"""Configs of axolotl, LLaMA-Factory and TRL read as ours, and what of them has no counterpart here.

What is taken over trains the same: a setting that cannot be said here is listed with the reason, never guessed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core import config as declared
from studio.core import config_file, foreign_data, methods, objectives
from studio.core.errors import StudioError

Setting = dict[str, Any]


@dataclass(slots=True)
class Translated:
    """A config of another program.

    Attributes:
        program: whose it is.
        settings: ours, by dotted names.
        left: its settings that have no counterpart here, and why or what to do.
    """

    program: str
    settings: Setting = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Setting]:
        """Returns the settings by their sections, as a YAML file has them."""
        found: dict[str, Setting] = {section: {} for section in ("model", "data", "adapter", "training")}
        for key, value in self.settings.items():
            section, _, name = key.rpartition(".")
            found[section][name] = value
        return {section: settings for section, settings in found.items() if settings}

    def whole(self) -> dict[str, Setting]:
        """Returns the same with a stand-in for the path of the data where none is said, so that it can be checked."""
        plain = self.plain()
        return plain | {"data": {"path": "-"} | plain.get("data", {})}


def translated(data: Setting, folder: Path) -> Translated:
    """Reads another program's config.

    Args:
        data: plain data of its YAML file.
        folder: where that lies, from which its paths are read.

    Raises:
        StudioError: (config) it is of no program that is known here.
    """
    program = config_file.program_of(data)
    if not program:
        message = "This is no config of axolotl, LLaMA-Factory or TRL."
        raise StudioError("config", message, "Check the file; `studio train FILE` reads this program's own.")
    made = Translated(program)
    left = {key: value for key, value in data.items() if value is not None}
    _take_model(made, left, folder)
    _take_adapter(made, left, folder)
    _take_training(made, left)
    (foreign_data.of_axolotl if program == "axolotl" else foreign_data.described)(
        made.settings, made.left, left, folder
    )
    for key, value in left.items():
        if key not in _IDLE and not key.startswith(_IDLE_BEGINNINGS) and value not in (False, "", [], {}):
            reason = "It has no counterpart here."
            made.left.setdefault(key, reason)
    _leave_unfit(made)
    _fill_in(made)
    _leave_unfit(made)
    return made


def _fill_in(made: Translated) -> None:
    """Gives settings that are not said the values that the other program would take, where they are not ours."""
    usual = dict(_USUAL[made.program])
    if made.program == "LLaMA-Factory":
        usual["adapter.lora_alpha"] = 2 * made.settings.get("adapter.r", usual["adapter.r"])
        if made.settings.get("training.objective") in _PREFERENCES.values():
            usual["training.beta"] = 0.1
        if made.settings.get("training.objective") == "pretraining":
            usual["data.packing"] = True
    method = made.settings.get("adapter.method", "lora")
    usual = {key: value for key, value in usual.items() if methods.has(str(method), key)}
    if "training.lr_scheduler_type" in made.settings:
        usual.pop("training.lr_scheduler_type", None)
    made.settings = {**usual, **made.settings}


def _leave_unfit(made: Translated) -> None:
    """Leaves settings whose values cannot be here, and gives the others theirs as they are read here."""
    while faults := config_file.faults(made.whole()):
        unfit = [key for key in faults if key in made.settings]
        for key in unfit or list(made.settings):
            reason = "It does not go with the other settings."
            made.left[key] = faults.get(key, reason)
            del made.settings[key]
    values = declared.to_dict(config_file.build(made.whole()))
    for key in made.settings:
        section, _, name = key.rpartition(".")
        made.settings[key] = values[section][name]


# What they call what is called otherwise here; the same names are taken over as they are.
_NAMES = {
    "base_model": "model.path",
    "model_name_or_path": "model.path",
    "revision_of_model": "model.revision",
    "model_revision": "model.revision",
    "lora_rank": "adapter.r",
    "lora_r": "adapter.r",
    "lora_alpha": "adapter.lora_alpha",
    "lora_dropout": "adapter.lora_dropout",
    "lora_modules_to_save": "adapter.modules_to_save",
    "lora_target_parameters": "adapter.target_parameters",
    "target_parameters": "adapter.target_parameters",
    "peft_use_rslora": "adapter.use_rslora",
    "peft_use_dora": "adapter.use_dora",
    "lora_use_dora": "adapter.use_dora",
    "use_rslora": "adapter.use_rslora",
    "use_dora": "adapter.use_dora",
    "lora_rank_pattern": "adapter.rank_pattern",
    "lora_alpha_pattern": "adapter.alpha_pattern",
    "peft_layers_to_transform": "adapter.layers_to_transform",
    "lora_model_dir": "adapter.path",
    "default_system": "data.system",
    "default_system_message": "data.system",
    "sequence_len": "data.max_length",
    "cutoff_len": "data.max_length",
    "max_length": "data.max_length",
    "max_seq_length": "data.max_length",
    "sample_packing": "data.packing",
    "packing": "data.packing",
    "num_epochs": "training.num_train_epochs",
    "micro_batch_size": "training.per_device_train_batch_size",
    "lr_scheduler": "training.lr_scheduler_type",
    "optimizer": "training.optim",
    "gradient_checkpointing": "training.activation_checkpointing",
    "rl_beta": "training.beta",
    "dpo_beta": "training.beta",
    "pref_beta": "training.beta",
    "eval_steps": "training.eval_steps",
    "save_steps": "training.save_steps",
}
# Of `training`, called as here.
_ALIKE = (
    "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate",
    "loraplus_lr_ratio", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "optim", "optim_args",
    "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay", "max_grad_norm", "activation_checkpointing",
    "neftune_noise_alpha", "save_total_limit", "load_best_model_at_end", "early_stopping_patience", "seed", "beta",
    "simpo_gamma", "desirable_weight", "undesirable_weight",
)  # fmt: skip
# What changes nothing of what is learned, or is always so here.
_IDLE = {
    "output_dir", "overwrite_output_dir", "logging_steps", "logging_strategy", "report_to", "plot_loss", "do_train",
    "do_eval", "tf32", "flash_attention", "flash_attn", "sdp_attention", "xformers_attention", "attn_implementation",
    "eval_strategy", "evaluation_strategy", "save_strategy", "strict", "trust_remote_code", "dataset_prepared_path",
    "overwrite_cache", "preprocessing_num_workers", "run_name", "model_type",
    "tokenizer_type", "is_llama_derived_model", "pad_to_sequence_len", "eval_sample_packing", "save_only_model",
    "save_safetensors", "use_unsloth", "enable_liger_kernel", "plugins", "eval_batch_size", "local_rank",
    "per_device_eval_batch_size", "double_quantization", "resume_from_checkpoint", "auto_resume_from_checkpoints",
    "debug", "eval_table_size", "lora_fan_in_fan_out", "use_peft", "bf16",
    "push_to_hub", "dataset_processes", "remove_unused_columns", "tokenizer_config", "padding_free",
    "gradient_checkpointing_kwargs", "group_by_length", "neat_packing", "dataset_dir", "eval_dataset",
}  # fmt: skip
_IDLE_BEGINNINGS = ("wandb_", "mlflow_", "comet_", "liger_", "swanlab_", "hub_", "ddp_", "dataloader_")
# What each takes where nothing is said, and this program does not.
_USUAL: dict[str, Setting] = {
    "axolotl": {
        "adapter.lora_dropout": 0.0,
        "training.load_best_model_at_end": False,
        "training.optim": "adamw_torch_fused",
        "training.seed": 42,
    },
    "LLaMA-Factory": {
        "adapter.r": 8,
        "data.max_length": 2048,
        "training.learning_rate": 5e-5,
        "training.lr_scheduler_type": "linear",
        "training.warmup_steps": 0,
        "training.load_best_model_at_end": False,
        "training.seed": 42,
    },
    "TRL": {
        "adapter.lora_dropout": 0.05,
        "training.learning_rate": 2e-5,
        "training.lr_scheduler_type": "linear",
        "training.warmup_steps": 0,
        "training.activation_checkpointing": True,
        "training.load_best_model_at_end": False,
        "training.seed": 42,
    },
}
# What an adapter can begin with, beside PEFT's default.
_FAST_PISSA = "pissa_niter_16"
_STARTS = ("gaussian", "orthogonal", "pissa", _FAST_PISSA, "olora", "eva")
# What LLaMA-Factory and axolotl call objectives.
_STAGES = {"sft": "sft", "pt": "pretraining", "kto": "kto"}
_PREFERENCES = {"sigmoid": "dpo", "ipo": "ipo", "orpo": "orpo", "simpo": "simpo"}


def _take(made: Translated, left: Setting, theirs: str, ours: str) -> None:
    if theirs in left:
        made.settings[ours] = left.pop(theirs)


def _take_named(made: Translated, left: Setting, *sections: str) -> None:
    """Takes over what is only called otherwise in some sections here."""
    for theirs, ours in _NAMES.items():
        if ours.partition(".")[0] in sections:
            _take(made, left, theirs, ours)


def _take_model(made: Translated, left: Setting, folder: Path) -> None:
    """Takes over the base, and how it is held."""
    _take_named(made, left, "model")
    if path := made.settings.get("model.path"):
        made.settings["model.path"] = foreign_data.placed(str(path), folder)
    bits = left.pop("quantization_bit", None)
    if left.pop("load_in_4bit", False) or bits == 4 or left.get("adapter") == "qlora":
        made.settings["model.quantization"] = "nf4"
    elif left.pop("load_in_8bit", False) or bits == 8:
        made.settings["model.quantization"] = "8bit"
    elif bits is not None:
        reason = f"Of {bits} bits there is none here: nf4 or 8bit."
        made.left["quantization_bit"] = reason
    if left.pop("quantization_type", "nf4") != "nf4":
        reason = "Four bits are nf4 here."
        made.left["quantization_type"] = reason
    if left.get("bf16") is True or left.pop("pure_bf16", False):
        made.settings["model.dtype"] = "bfloat16"
    elif left.pop("fp16", False) is True:
        made.settings["model.dtype"] = "float16"


def _take_adapter(made: Translated, left: Setting, folder: Path) -> None:
    """Takes over what is trained."""
    kind = left.pop("adapter", left.pop("finetuning_type", None))
    if kind is None:
        usual = {"TRL": "lora" if left.get("use_peft") else "full", "axolotl": "full"}
        kind = usual.get(made.program, "lora")
    if kind in ("lora", "qlora"):
        made.settings["adapter.method"] = "lora"
    elif kind in ("full", ""):
        made.settings["adapter.method"] = "full"
    elif kind == "oft" and made.program == "LLaMA-Factory":
        _take_oft(made, left)
    else:
        reason = f"`{kind}` is not trained here."
        made.left["adapter" if made.program == "axolotl" else "finetuning_type"] = reason
    _take_named(made, left, "adapter")
    if start := left.pop("adapter_name_or_path", made.settings.get("adapter.path")):
        made.settings["adapter.path"] = foreign_data.placed(str(start).split(",")[0].strip(), folder)
    targets = left.pop("lora_target_modules", left.pop("lora_target", None))
    if left.pop("lora_target_linear", False) or targets in ("all", "all-linear"):
        targets = "all-linear"
    elif isinstance(targets, str) and "," in targets:
        targets = [name.strip() for name in targets.split(",")]
    elif isinstance(targets, str) and targets.isidentifier():
        targets = [targets]
    elif targets is None and made.program == "axolotl" and made.settings.get("adapter.target_parameters"):
        targets = []  # the experts alone
    if targets is not None:
        made.settings["adapter.target_modules"] = targets
    if more := left.pop("additional_target", None):
        made.settings["adapter.modules_to_save"] = [name.strip() for name in str(more).split(",")]
    _take_start(made, left)
    if made.settings.get("adapter.method") == "full":
        kept = {key: value for key, value in made.settings.items() if not key.startswith("adapter.")}
        made.settings = kept | {"adapter.method": "full"}


def _take_oft(made: Translated, left: Setting) -> None:
    """Takes over LLaMA-Factory's OFT, whose dropout PEFT 0.21 does nothing with."""
    made.settings["adapter.method"] = "oft"
    for name in [*left]:
        if name.startswith("lora_") or name == "module_dropout":
            del left[name]  # of its LoRA
    if left.pop("oft_rank", 0):
        reason = "How many blocks there are is not said here: set adapter.oft_block_size."
        made.left["oft_rank"] = reason
    _take(made, left, "oft_block_size", "adapter.oft_block_size")
    if target := left.pop("oft_target", None):
        left["lora_target"] = target


def _take_start(made: Translated, left: Setting) -> None:
    """Takes over what an adapter begins with."""
    names = ("peft_init_lora_weights", "init_lora_weights", "pissa_init")
    name = next((name for name in names if name in left), "")
    start = left.pop("peft_init_lora_weights", left.pop("init_lora_weights", True))
    iterations = left.pop("pissa_iter", 16)
    left.pop("pissa_convert", None)  # always so here
    if left.pop("pissa_init", False):
        start = "pissa" if iterations == -1 else f"pissa_niter_{iterations}"
    if start is True:
        return
    if str(start).startswith("pissa_niter_") and start != _FAST_PISSA:
        made.left[name] = f"Instead of {start} it is {_FAST_PISSA} here, which is closer to pissa."
        start = _FAST_PISSA
    if start in _STARTS:
        made.settings["adapter.init_lora_weights"] = start
    else:
        made.left[name] = f"Adapters begin here by default, {', '.join(_STARTS)}."


def _take_training(made: Translated, left: Setting) -> None:
    """Takes over how it is trained."""
    _take_named(made, left, "training", "data")
    for name in _ALIKE:
        _take(made, left, name, f"training.{name}")
    checkpointed = made.settings.get("training.activation_checkpointing")
    if isinstance(checkpointed, str):  # in one way or another
        made.settings["training.activation_checkpointing"] = True
    if left.get("neat_packing"):
        made.settings["data.packing"] = True
    share = left.pop("warmup_ratio", None)
    if share is not None and "training.warmup_steps" not in made.settings:
        made.settings["training.warmup_steps"] = share
    if left.get("group_by_length"):
        made.settings["training.train_sampling_strategy"] = "group_by_length"
    if (least := left.pop("cosine_min_lr_ratio", None)) is not None:
        made.settings["training.lr_scheduler_type"] = "cosine_with_min_lr"
        made.settings["training.lr_scheduler_kwargs"] = {"min_lr_rate": least}
    for key in ("evals_per_epoch", "saves_per_epoch"):
        if left.pop(key, None):
            reason = "How often is said in steps here: set eval_steps and save_steps."
            made.left[key] = reason
    if left.get("roles_to_train", ["assistant"]) == ["assistant"]:
        left.pop("roles_to_train", None)
    if left.get("train_on_eos", "turn") in ("turn", "all"):
        left.pop("train_on_eos", None)
    for key in ("eval_steps", "save_steps"):
        every = made.settings.get(f"training.{key}")
        if isinstance(every, float) and every < 1:
            del made.settings[f"training.{key}"]
            reason = "A share of the run is not said here; set steps."
            made.left[key] = reason
    stage, preferred = left.pop("stage", None), str(left.pop("pref_loss", "sigmoid"))
    objective = _PREFERENCES.get(preferred) if stage == "dpo" else _STAGES.get(str(stage))
    if objectives.asked(str(rl := left.pop("rl", None))).compares:
        objective = rl
    if objective is None and (stage or rl):
        asked = rl or (preferred if stage == "dpo" else stage)
        reason = f"`{asked}` is not trained here."
        made.left["stage" if stage else "rl"] = reason
    if left.pop("train_on_inputs", left.pop("train_on_prompt", False)) and objective in (None, "sft"):
        objective = "pretraining"
    if objective:
        made.settings["training.objective"] = objective
