"""The configuration of a run: each setting's default, bounds, unit, label and help, declared once.

Names are the ecosystem's own: PEFT's for the adapter, the transformers and TRL trainers' for training. The same
declaration serves the YAML file, `--set` on the command line, the form in the window and the stored run.
"""

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from studio.core.adapter_config import FOUND, OF_WEIGHTS, AdapterSpec, unfit
from studio.core.data.mapping import format_of
from studio.core.data_config import BASIC, STRICT, TOKENS, DataSpec, LongText
from studio.core.errors import StudioError
from studio.core.methods import Method, quantizes, title_of
from studio.core.objectives import Objective, asked, needed

__all__ = [
    "FOUND",
    "OF_WEIGHTS",
    "AdapterSpec",
    "DataSpec",
    "Dtype",
    "LongText",
    "Method",
    "ModelSpec",
    "Quantization",
    "RunConfig",
    "Sampling",
    "TrainingSpec",
    "from_dict",
    "to_dict",
]

Quantization = Literal["none", "8bit", "nf4"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Sampling = Literal["random", "group_by_length", "sequential"]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ModelSpec:
    """Which base model to train, and how its weights are held in memory."""

    path: Annotated[
        str,
        Field(
            min_length=1,
            title="Base model",
            description="`demo` for the built-in model, a folder, or a Hugging Face id.",
            json_schema_extra=BASIC,
        ),
    ] = "demo"
    revision: Annotated[
        str | None, Field(title="Revision", description="Branch, tag or commit of a Hugging Face id.")
    ] = None
    quantization: Annotated[
        Quantization,
        Field(
            title="Quantization",
            description="Holds the frozen base in 8 or 4 bits: a half or a quarter of the memory, a little slower.",
            json_schema_extra=BASIC,
        ),
    ] = "none"
    dtype: Annotated[
        Dtype,
        Field(title="Number format", description="`auto`: bfloat16 where the hardware has it, else float32."),
    ] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TrainingSpec:
    """How it is trained. A step is an optimizer step."""

    objective: Annotated[
        Objective,
        Field(
            title="Objective",
            description="`sft` learns the answers, `pretraining` every token of a text. Which of two answers is better "
            "is learned by `dpo` and `ipo`, measured against the base, and by `orpo` and `simpo`, without it; from "
            "answers labelled good or bad `kto` learns.",
            json_schema_extra=BASIC,
        ),
    ] = "sft"
    beta: Annotated[
        float | None,
        Field(
            gt=0,
            le=100,
            title="Beta",
            description="For preferences. `dpo`, `ipo`, `kto`: the smaller, the further from the base; `orpo`, "
            "`simpo`: the weight of the preference. Empty: the usual 0.1, for `simpo` 2.",
        ),
    ] = None
    simpo_gamma: Annotated[
        float,
        Field(ge=0, le=100, title="SimPO gamma", description="For `simpo`: the margin the better answer is to win by."),
    ] = 0.5
    desirable_weight: Annotated[
        float, Field(gt=0, le=1000, title="Weight of good answers", description="For `kto`: how much they count.")
    ] = 1.0
    undesirable_weight: Annotated[
        float, Field(gt=0, le=1000, title="Weight of bad answers", description="For `kto`: how much they count.")
    ] = 1.0
    num_train_epochs: Annotated[
        float,
        Field(
            gt=0,
            le=10_000,
            title="Epochs",
            description="How often every row is seen.",
            json_schema_extra=BASIC,
        ),
    ] = 3.0
    max_steps: Annotated[
        int,
        Field(ge=-1, le=100_000_000, title="Maximum steps", description="Ends the run there; 0 or -1: by epochs."),
    ] = -1
    per_device_train_batch_size: Annotated[
        int,
        Field(
            ge=1,
            le=4096,
            title="Batch size",
            description="Sequences computed at once; the main use of memory.",
            json_schema_extra={"basic": True, "unit": "sequences"},
        ),
    ] = 8
    gradient_accumulation_steps: Annotated[
        int,
        Field(
            ge=1,
            le=4096,
            title="Accumulation",
            description="Batches summed into one optimizer step: a larger batch without more memory.",
            json_schema_extra=BASIC,
        ),
    ] = 1
    micro_batch_tokens: Annotated[
        int,
        Field(
            ge=0,
            le=16_777_216,
            title="Tokens at once",
            description="A step's rows are computed in passes of at most so many tokens; 0: chosen for the device.",
            json_schema_extra=TOKENS,
        ),
    ] = 0
    learning_rate: Annotated[
        float,
        Field(
            gt=0,
            le=10,
            title="Learning rate",
            description="Size of a step; a preference needs a smaller one, such as 1e-5.",
            json_schema_extra=BASIC,
        ),
    ] = 2e-4
    loraplus_lr_ratio: Annotated[
        float,
        Field(
            ge=1,
            le=1_000_000,
            title="Learning rate of B to A",
            description="LoRA+: of LoRA's two matrices B, which begins as zero, learns so many times as fast, such as "
            "16, with a lower learning rate; 1: alike.",
        ),
    ] = 1.0
    lr_scheduler_type: Annotated[
        Literal[
            "linear",
            "cosine",
            "cosine_with_restarts",
            "polynomial",
            "constant",
            "constant_with_warmup",
            "inverse_sqrt",
            "cosine_with_min_lr",
            "cosine_warmup_with_min_lr",
            "warmup_stable_decay",
        ],
        Field(title="Schedule", description="How the learning rate falls over the run.", json_schema_extra=BASIC),
    ] = "cosine"
    lr_scheduler_kwargs: Annotated[
        dict[str, JsonValue], Field(title="Schedule options", description="Further settings of the schedule.")
    ] = Field(default_factory=dict)
    warmup_steps: Annotated[
        float,
        Field(
            ge=0,
            le=1_000_000,
            title="Warm-up",
            description="Steps in which the learning rate rises; below 1: a share of all steps.",
            json_schema_extra=BASIC,
        ),
    ] = 0.03
    optim: Annotated[
        str, Field(title="Optimizer", description="Any optimizer name of transformers, such as adamw_8bit.")
    ] = "adamw_torch"
    optim_args: Annotated[str, Field(title="Optimizer options", description="As transformers reads them: a=1,b=2.")] = (
        ""
    )
    adam_beta1: Annotated[
        float, Field(ge=0, lt=1, title="Adam beta 1", description="How long AdamW remembers gradients.")
    ] = 0.9
    adam_beta2: Annotated[
        float, Field(ge=0, lt=1, title="Adam beta 2", description="How long AdamW remembers their squares.")
    ] = 0.999
    adam_epsilon: Annotated[
        float, Field(gt=0, le=1, title="Adam epsilon", description="Keeps AdamW from dividing by zero.")
    ] = 1e-8
    weight_decay: Annotated[float, Field(ge=0, le=10, title="Weight decay", description="Pull towards zero.")] = 0.0
    max_grad_norm: Annotated[
        float, Field(ge=0, title="Gradient clipping", description="Largest gradient norm of a step; 0: no clipping.")
    ] = 1.0
    neftune_noise_alpha: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            title="Noise (NEFTune)",
            description="Noise on the tokens' embeddings in training, such as 5, against learning by heart; 0: none.",
        ),
    ] = 0.0
    activation_checkpointing: Annotated[
        bool,
        Field(title="Activation checkpointing", description="Recomputes activations: far less memory, slower."),
    ] = False
    train_sampling_strategy: Annotated[
        Sampling,
        Field(title="Row order", description="`random`, `group_by_length` (like lengths together) or `sequential`."),
    ] = "random"
    eval_steps: Annotated[
        int, Field(ge=1, title="Evaluate every", description="Steps.", json_schema_extra={"unit": "steps"})
    ] = 50
    sample_prompts: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=10_000)]],
        Field(
            max_length=20,
            title="Prompts to answer",
            description="Answered before training and at each evaluation, to read what is learned; one a line.",
            json_schema_extra=BASIC | {"lines": True},
        ),
    ] = Field(default_factory=list)
    sample_max_new_tokens: Annotated[
        int,
        Field(ge=1, le=8192, title="Longest answer", description="Of those to the prompts.", json_schema_extra=TOKENS),
    ] = 128
    save_steps: Annotated[
        int,
        Field(
            ge=1,
            title="Save every",
            description="At most this many steps are computed again after a crash.",
            json_schema_extra={"unit": "steps"},
        ),
    ] = 50
    save_total_limit: Annotated[
        int, Field(ge=2, le=10_000, title="Checkpoints kept", description="The newest ones; the best is kept besides.")
    ] = 2
    load_best_model_at_end: Annotated[
        bool, Field(title="Keep the best", description="The result is the checkpoint of lowest evaluation loss.")
    ] = True
    early_stopping_patience: Annotated[
        int, Field(ge=0, title="Early stopping", description="Ends after this many evaluations without gain; 0: never.")
    ] = 0
    early_stopping_threshold: Annotated[
        float, Field(ge=0, title="Least gain", description="What counts as a gain in evaluation loss.")
    ] = 0.0
    threads: Annotated[
        int,
        Field(
            ge=0,
            le=1024,
            title="Threads",
            description="Processor threads to compute with; 0: OMP_NUM_THREADS, else measured when the run begins.",
        ),
    ] = 0
    seed: Annotated[int, Field(ge=0, lt=2**32, title="Seed", description="The same seed gives the same run.")] = 0

    @property
    def used_beta(self) -> float:
        """`beta`, or the usual one of the objective where none is given."""
        return asked(self.objective).beta if self.beta is None else self.beta


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RunConfig:
    """Everything that decides a run."""

    name: Annotated[
        str | None, Field(max_length=100, title="Name", description="What the run and its adapter are called.")
    ] = None
    model: ModelSpec = Field(default_factory=ModelSpec)
    data: DataSpec
    adapter: AdapterSpec = Field(default_factory=AdapterSpec)
    training: TrainingSpec = Field(default_factory=TrainingSpec)

    @model_validator(mode="after")
    def _settings_agree(self) -> "RunConfig":
        if self.adapter.method == "full" and self.model.quantization != "none":
            raise _clash("model.quantization", message="Full fine-tuning needs unquantized weights; set it to none.")
        if self.adapter.method == "full" and self.adapter.path:
            raise _clash("adapter.path", message="Full fine-tuning trains no adapter further; leave it empty.")
        if self.model.quantization != "none" and not quantizes(self.adapter.method):
            message = f"With {title_of(self.adapter.method)} no base is held in 8 or 4 bits; set it to none."
            raise _clash("model.quantization", message=message)
        if self.adapter.method != "lora" and self.training.loraplus_lr_ratio != 1:
            raise _clash("training.loraplus_lr_ratio", message="Only LoRA has an A and a B; set it to 1.")
        if clash := unfit(self.adapter):
            raise _clash(f"adapter.{clash[0]}", message=clash[1])
        if self.data.mapping and self.data.format == "auto":
            try:
                format_of(self.data.mapping)
            except StudioError as error:
                raise ValueError(str(error).rstrip(".")) from None
        try:
            json.dumps(self.training.lr_scheduler_kwargs, allow_nan=False)
        except ValueError:
            raise _clash("training.lr_scheduler_kwargs", message="Its numbers must be finite.") from None
        if self.data.chunk_overlap > self.data.max_length // 2:
            raise _clash("data.chunk_overlap", message="At most half of data.max_length.")
        for setting in needed(self.training.objective):
            section, name = setting.key.split(".")
            if not setting.suits(getattr(getattr(self, section), name)):
                raise _clash(setting.key, message=setting.message)
        if self.training.early_stopping_patience and not self.data.evaluates:
            raise _clash("training.early_stopping_patience", message="Needs data.eval_split or data.eval_path.")
        return self


def _clash(key: str, message: str) -> ValueError:
    return ValueError(f"{key}: {message[:1].lower()}{message[1:].rstrip('.')}")


_RUN_CONFIG: TypeAdapter[RunConfig] = TypeAdapter(RunConfig)


def to_dict(config: RunConfig) -> dict[str, Any]:
    """Returns the whole config as plain data, every default spelled out."""
    return asdict(config)


def from_dict(data: dict[str, Any]) -> RunConfig:
    """Reads what `to_dict` wrote.

    Raises:
        pydantic.ValidationError: a key or a value is wrong; `studio.core.config_file` turns it into sentences.
    """
    return _RUN_CONFIG.validate_python(data)
