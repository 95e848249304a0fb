"""Vetting a base model's config.json. Nothing here loads torch or transformers."""

import json
from collections.abc import Container
from importlib import metadata
from pathlib import Path
from typing import Any

from studio.core import cache
from studio.core.models import check_folder, refused
from studio.engine import weights

# More than any real model has: a config of a million layers would keep the library busy for ever.
_LIMITS = {
    key: limit
    for limit, keys in {
        512: ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers"),
        4096: ("num_experts", "num_local_experts", "n_routed_experts", "n_shared_experts"),
        65_536: ("hidden_size", "n_embd", "d_model", "dim", "num_attention_heads", "n_head", "num_key_value_heads"),
        1_048_576: ("intermediate_size", "n_inner", "ffn_dim", "moe_intermediate_size"),
        2_097_152: ("vocab_size",),
        134_217_728: ("max_position_embeddings", "n_positions", "n_ctx"),
    }.items()
    for key in keys
}
# Where a model lay, and what wrote it.
_TOLD = ("_name_or_path", "transformers_version")
_ATTENTION = ("eager", "sdpa", "flex_attention", "flash_attention_2", "flash_attention_3")


def check(folder: Path, known: Container[str]) -> dict[str, Any]:
    """Vets config.json before any library opens it.

    Args:
        folder: the model's.
        known: the types of language models that transformers has.

    Returns:
        Its content without what only code outside the folder would read.

    Raises:
        StudioError: (model) names what is missing, damaged or refused.
    """
    check_folder(folder)
    config = weights.read_json(folder / "config.json", "model")
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in known:
        if "auto_map" in config or config.get("trust_remote_code"):
            raise refused(
                folder, "needs program code of its own, which is never run here", "Choose another model of its kind."
            )
        version = metadata.version("transformers")
        unknown = f"transformers {version} knows no language model of the type {kind!r}"
        raise refused(folder, f"cannot be opened: {unknown}", "Choose a text model, or a newer Finetune Studio.")
    _check_values(folder, config)
    quantized = config.get("quantization_config") or {}
    method = quantized.get("quant_method") if isinstance(quantized, dict) else quantized
    if quantized and method != "bitsandbytes":
        raise refused(
            folder,
            f"is already quantized ({method}), in a way that cannot be trained here",
            "Use the model it was made from, and choose 8bit or nf4 for it.",
        )
    # transformers has this type itself, so the folder's own code is not needed and not even mentioned to it.
    return {key: value for key, value in config.items() if key not in ("auto_map", "trust_remote_code")}


def fingerprint(config: dict[str, Any]) -> str:
    """Returns the SHA-256 of what a config.json says of a model, in whichever order."""
    return cache.digest(json.dumps({key: config[key] for key in config if key not in _TOLD}, sort_keys=True))


def _check_values(folder: Path, config: dict[str, Any], depth: int = 0) -> None:
    """Refuses sizes no real model has and settings that load code, at every level of a config."""
    for key, value in config.items():
        if key in _LIMITS and value is not None:
            values = value if isinstance(value, list) else [value]
            if any(type(one) is not int or not 0 <= one <= _LIMITS[key] for one in values):
                raise refused(
                    folder, f"claims {key} = {str(value)[:40]}, which no real model has", "Download it again."
                )
        if "_implementation" in key and isinstance(value, str) and value not in _ATTENTION:
            raise refused(folder, f"asks for program code from elsewhere ({key})", "Choose another model.")
        if key in ("custom_generate", "transformers_weights") or (key == "trust_remote_code" and value):
            raise refused(folder, f"asks for program code or files of its own ({key})", "Choose another model.")
        if isinstance(value, dict) and depth < 8:
            _check_values(folder, value, depth + 1)
