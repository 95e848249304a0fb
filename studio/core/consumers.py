"""Which programs load an adapter, and in which form: told from its config alone.

What each of them takes was read in its source: PEFT 0.21, vLLM 0.11, llama.cpp of 2026. How the base is quantized does
not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from studio.core.entry import peft_config
from studio.core.methods import of_peft, title_of

Target = Literal["peft", "gguf-lora", "merged", "gguf"]

# PEFT's, where a config has none.
_R = _ALPHA = 8
# What vLLM's --max-lora-rank may be; it is 16 unless one says so.
_VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
_VLLM_RANK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What of an adapter decides who loads it.

    Attributes:
        rank: the largest of its modules.
        uneven: its scales or ranks differ by module, or its scale is not alpha / r with a whole alpha, which not every
            program reads; and they can be worked into its matrices.
        dora: its weights have magnitudes.
        whole: it holds modules that were trained whole.
        biases: it holds biases.
        parameters: it is on parameters that are no module's weight, such as fused experts.
        method: what it was made by.
    """

    rank: int
    uneven: bool = False
    dora: bool = False
    whole: bool = False
    biases: bool = False
    parameters: bool = False
    method: str = "lora"


@dataclass(frozen=True, slots=True)
class Consumer:
    """A program that an adapter may be taken to.

    Attributes:
        program: its name, or several that take the same.
        to: the export it loads.
        add: what to start it with besides; empty: nothing.
        said: why it loads nothing smaller, in sentences; empty: it loads the adapter.
    """

    program: str
    to: Target
    add: str = ""
    said: str = ""


def traits(config: Mapping[str, Any]) -> Traits:
    """Returns what PEFT's config of an adapter says of it; what is not sound in it counts as not there."""
    patterns = [
        found if isinstance(found := config.get(key), dict) else {} for key in ("rank_pattern", "alpha_pattern")
    ]
    ranks = [one for one in (config.get("r", _R), *patterns[0].values()) if type(one) is int]
    alpha, parameters = config.get("lora_alpha", _ALPHA), bool(config.get("target_parameters"))
    odd = bool(config.get("use_rslora")) or any(patterns) or (isinstance(alpha, float) and not alpha.is_integer())
    if (method := of_peft(config)) != "lora":
        return Traits(rank=0, whole=bool(config.get("modules_to_save")), method=method)
    return Traits(
        rank=max(ranks, default=_R),
        uneven=odd and not parameters and not config.get("lora_bias"),
        dora=bool(config.get("use_dora")),
        whole=bool(config.get("modules_to_save")),
        biases=config.get("bias") not in (None, "none") or bool(config.get("lora_bias")),
        parameters=parameters,
    )


def read(folder: Path) -> Traits | None:
    """Returns the traits of the adapter in `folder`; None: its config cannot be read."""
    config = peft_config(folder)
    return None if config is None else traits(config)


def consumers(adapter: Traits) -> list[Consumer]:
    """Returns the programs, each with the smallest export of the adapter that it loads."""
    said = problem(adapter)
    return [
        # Before, most experts were modules there.
        Consumer("transformers 5, PEFT" if adapter.parameters else "transformers, PEFT", "peft"),
        _vllm(adapter.rank, said),
        Consumer("llama.cpp", "gguf" if said else "gguf-lora", said=said),
        Consumer(
            "Ollama",
            "gguf",
            said=said if said else "It loads adapters for some families alone, such as Llama and Mistral.",
        ),
        Consumer("LM Studio", "gguf", said="It loads no adapters."),
    ]


def problem(adapter: Traits) -> str:
    """Returns what of an adapter vLLM and llama.cpp alike refuse or overlook, in sentences; empty: nothing."""
    said = (
        "" if adapter.method == "lora" else f"It loads LoRA alone, and this is {title_of(adapter.method)}.",
        "It loads no DoRA." if adapter.dora else "",
        "It loads no modules trained whole." if adapter.whole else "",
        "It loads no trained biases." if adapter.biases else "",
        "It may not load adapters of single parameters, such as experts." if adapter.parameters else "",
    )
    return " ".join(filter(None, said))


def _vllm(rank: int, said: str) -> Consumer:
    fit = next((allowed for allowed in _VLLM_RANKS if allowed >= rank), None)
    if said or fit is None:
        return Consumer("vLLM", "merged", said=said if said else f"It loads ranks up to {_VLLM_RANKS[-1]}.")
    return Consumer("vLLM", "peft", add="--enable-lora" + (f" --max-lora-rank {fit}" if fit > _VLLM_RANK else ""))
