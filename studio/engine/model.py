"""Opening a base model: vetted with our own reader first, then loaded by transformers, never running its code."""

import logging
import re
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from studio.core.config import ModelSpec
from studio.core.errors import StudioError, as_memory_error
from studio.core.library import PEFT_CONFIG
from studio.core.models import refused
from studio.engine import base_config, hardware, weights

# Building a config or an empty model from a stranger's values can fail in any of these ways, and only in these.
CONFIG_ERRORS = (
    StrictDataclassError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
# Buffers that old checkpoints carry and models compute for themselves.
_COMPUTED = re.compile(r"(.*\.)?(rotary_emb\.inv_freq|attn\.(masked_)?bias|attention\.(masked_)?bias|position_ids)")


class Context(NamedTuple):
    """How many tokens a model reads.

    Attributes:
        limit: of a row, at most; None: any number.
        original: a longer row turns the rotary positions of its whole pass by other frequencies (LongRoPE, Ding et al.
            2024); None: all rows are turned alike.
    """

    limit: int | None
    original: int | None


def context(config: PreTrainedConfig) -> Context:
    """Returns how many tokens the model of `config` reads."""
    settings = config.get_text_config()
    rotary = getattr(settings, "rope_parameters", None) or {}
    # One for all layers, or one for each kind of layer.
    kinds = [rotary, *(kind for kind in rotary.values() if isinstance(kind, dict))]
    changed = [kind["original_max_position_embeddings"] for kind in kinds if kind.get("rope_type") == "longrope"]
    limit = getattr(settings, "max_position_embeddings", None)
    # XLNet, which has none, says -1.
    return Context(limit if limit is None or limit > 0 else None, min(changed, default=None))


def read_context(folder: Path) -> Context:
    """Returns how many tokens the model in `folder` reads; raises StudioError as `check_config` does."""
    return context(_config(folder))


def check(folder: Path) -> dict[str, Any]:
    """Vets a model's folder before any library opens it.

    Returns:
        The content of config.json without what only code outside the folder would read.

    Raises:
        StudioError: (model) names what is missing, damaged or refused.
    """
    config = check_config(folder)
    if (folder / PEFT_CONFIG).is_file():
        raise refused(folder, "holds an adapter beside the model", f"Move {PEFT_CONFIG} to a folder of its own.")
    weights.files(folder)
    return config


def check_config(folder: Path) -> dict[str, Any]:
    """Vets config.json alone; see `check`."""
    return base_config.check(folder, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Loads the tokenizer of a model's folder.

    Raises:
        StudioError: (model) there is none, it is damaged, or it needs its own code.
    """
    if (folder / "tokenizer_config.json").is_file():
        weights.read_json(folder / "tokenizer_config.json", "model")
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, config=_config(folder), local_files_only=True, trust_remote_code=False
        )
    except (OSError, *CONFIG_ERRORS) as error:
        raise StudioError(
            "model",
            f"The tokenizer in {folder} cannot be opened.",
            "The folder needs tokenizer.json as its maker published it; download the model again.",
            str(error),
        ) from None
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    return tokenizer


def load_base(folder: Path, spec: ModelSpec, device: torch.device) -> PreTrainedModel:
    """Loads a vetted base model onto `device`, in evaluation mode.

    8bit is LLM.int8() (Dettmers et al. 2022), nf4 the 4-bit NormalFloat with double quantization of QLoRA (Dettmers
    et al. 2023); both compute in the number format of `hardware.dtype`. The output head stays unquantized.

    Raises:
        StudioError: (model) refused, damaged, or weights that do not belong to its config; (memory) it does not fit.
    """
    check(folder)
    config = _config(folder)
    dtype = hardware.dtype(spec, device)
    if spec.quantization != "none" and getattr(config, "quantization_config", None):
        raise refused(folder, "is already quantized", "Set model.quantization to none; it is loaded as it is.")
    quiet = transformers.utils.logging
    quiet.disable_progress_bar()
    quiet.set_verbosity_error()  # its report of wrong weights becomes an error below
    # On a CPU it says at every single multiplication that 8bit multiplies in float16.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            quantization_config=_quantization(spec, dtype),
            device_map={"": device},
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
        )
    except (MemoryError, OSError, SafetensorError, *CONFIG_ERRORS) as error:
        if as_memory_error(error):
            raise StudioError(
                "memory",
                f"The model does not fit into the memory of {device}.",
                "Choose nf4 quantization or a smaller model, or close other programs that use the memory.",
                str(error),
            ) from None
        raise StudioError(
            "model", f"The weights in {folder} cannot be loaded.", "Download the model again.", str(error)
        ) from None
    _check_loaded(folder, report)
    assert isinstance(model, PreTrainedModel)
    for layer in model.modules():
        # On some processors the first answer would else pack the weights anew and round their scales to bfloat16, so
        # that training and answering no longer have the same base.
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
    return model.eval()


def skeleton(folder: Path) -> PreTrainedModel:
    """Builds the model without weights, on the meta device: its modules and shapes, from config.json alone.

    Raises:
        StudioError: (model) the config is missing, refused or contradicts itself.
    """
    return empty(_config(folder), str(folder))


def empty(config: PreTrainedConfig, name: str) -> PreTrainedModel:
    """Builds the model of `config` on the meta device; `name` is for the message if that fails."""
    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except CONFIG_ERRORS as error:
        raise StudioError(
            "model", f"The config of {name} describes no model.", "Download it again.", str(error)
        ) from None
    assert isinstance(model, PreTrainedModel)
    return model


def _config(folder: Path) -> PreTrainedConfig:
    data = check_config(folder)
    try:
        # AutoConfig would look at the folder again, and at its code; the class alone does neither.
        return CONFIG_MAPPING[data["model_type"]].from_dict(data)
    except CONFIG_ERRORS as error:
        raise StudioError(
            "model",
            f"config.json in {folder} is not a sound {data['model_type']} config.",
            "Download it again.",
            str(error),
        ) from None


def _quantization(spec: ModelSpec, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    if spec.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    if spec.quantization == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    return None


def _check_loaded(folder: Path, report: dict[str, Any]) -> None:
    missing = sorted(report["missing_keys"])
    unknown = sorted(key for key in report["unexpected_keys"] if not _COMPUTED.fullmatch(key))
    wrong = sorted(key for key, *_ in report["mismatched_keys"])
    if missing or unknown or wrong:
        parts = {"missing": missing, "unknown": unknown, "of another shape": wrong}
        said = ", ".join(f"{len(keys)} {word} (such as {keys[0]})" for word, keys in parts.items() if keys)
        raise StudioError(
            "model",
            f"The weights in {folder} do not belong to its config.json: {said}.",
            "Download the model again; its files are from different models.",
            "\n".join(f"{word}: {key}" for word, keys in parts.items() for key in keys[:100]),
        )
