"""What of a transformers model llama.cpp computes alike: by family its settings and the names of its tensors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from studio.core.errors import StudioError
from studio.engine.export.gguf.tensors import Part
from studio.engine.model import context

_SIZES = {
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "vocab_size": "vocab_size",
}
_GPT2_SIZES = {
    "block_count": "n_layer",
    "embedding_length": "n_embd",
    "attention.head_count": "n_head",
    "attention.layer_norm_epsilon": "layer_norm_epsilon",
    "vocab_size": "vocab_size",
}
_GEMMA2_CAPS = {
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
    "attention.sliding_window": "sliding_window",
}
_GELU = {"hidden_activation": ("gelu_pytorch_tanh",), "use_bidirectional_attention": (False, None)}
_SILU = {"hidden_act": ("silu",)}
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of models as llama.cpp's sources describe it.

    Attributes:
        arch: its name in a GGUF file.
        keys: the file's numbers, without the arch before them, and the config's fields they are.
        fixed: what llama.cpp computes whatever a file says: the values a field of the config may have.
        biases: the tensors that may have a bias, a pattern of their names without the block.
        paired: the rows of queries and keys that are turned together stand side by side, not half a head apart.
        shifted: a norm's weight is stored plus one.
        whole: each so-manieth layer attends to all tokens and those between to a window; 0: all layers to all.
        square: the heads' width is the model's.
        headless: the output layer is always the embedding.
    """

    arch: str
    keys: Mapping[str, str] = field(default_factory=lambda: _SIZES)
    fixed: Mapping[str, tuple[Any, ...]] = field(default_factory=lambda: _SILU)
    biases: str = "attn_[qkv]"
    paired: bool = False
    shifted: bool = False
    whole: int = 0
    square: bool = False
    headless: bool = False


_FAMILIES = {
    "llama": Family(arch="llama", biases="attn_([qkv]|output)|ffn_(gate|up|down)", paired=True),
    "mistral": Family(arch="llama", paired=True),
    "mixtral": Family(
        arch="llama",
        keys=_SIZES | {"expert_count": "num_local_experts", "expert_used_count": "num_experts_per_tok"},
        paired=True,
    ),
    "qwen2": Family(arch="qwen2", square=True),
    "qwen3": Family(arch="qwen3"),
    "phi3": Family(arch="phi3", biases="", square=True),
    "gemma": Family(arch="gemma", fixed={"hidden_act": ("gelu_pytorch_tanh",)}, biases="", shifted=True, headless=True),
    "gemma2": Family(
        arch="gemma2", keys=_SIZES | _GEMMA2_CAPS, fixed=_GELU, biases="", shifted=True, whole=2, headless=True
    ),
    "gemma3_text": Family(
        arch="gemma3",
        keys=_SIZES | {"attention.sliding_window": "sliding_window"},
        fixed=_GELU | {"attn_logit_softcapping": (None,), "final_logit_softcapping": (None,)},
        biases="",
        shifted=True,
        whole=6,
    ),
    "gpt2": Family(
        arch="gpt2",
        keys=_GPT2_SIZES,
        fixed={
            "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
            "scale_attn_weights": (True,),
            "scale_attn_by_inverse_layer_idx": (False,),
            "add_cross_attention": (False,),
        },
        biases=".*",
        square=True,
    ),
}
# Where llama.cpp scales attention by the model's width, not the head's: it knows these models by their layers.
_WIDE_LAYERS = {"gemma2": 46, "gemma3_text": 62}


def refused(what: str, detail: str = "") -> StudioError:
    """Says that `what` has no faithful form in a GGUF file."""
    hint = "Export it as a merged model (--to merged), which every program built on transformers reads."
    return StudioError("export", f"A GGUF file cannot be made of this model: {what}.", hint, detail)


def find(config: PreTrainedConfig) -> Family:
    """Returns the family of a model.

    Raises:
        StudioError: (export) llama.cpp computes it otherwise, or this program cannot tell that it does not.
    """
    kind = str(config.model_type)
    family = _FAMILIES.get(kind)
    if family is None:
        raise refused(f"the family {kind} is not one of {', '.join(sorted(_FAMILIES))}")
    for name, sound in family.fixed.items():
        if getattr(config, name, sound[0]) not in sound:
            raise refused(f"its {name} is {getattr(config, name)!r}, and llama.cpp computes with {sound[0]!r}")
    width, heads = int(config.hidden_size), int(config.num_attention_heads)
    if family.square and _head(config) * heads != width:
        raise refused(f"its {heads} heads of {_head(config)} are not as wide together as the model, {width}")
    if family.shifted and kind != "gemma":
        scale = width // heads if int(config.num_hidden_layers) == _WIDE_LAYERS[kind] else _head(config)
        if config.query_pre_attn_scalar != scale:
            raise refused(f"its query_pre_attn_scalar is {config.query_pre_attn_scalar}, and llama.cpp takes {scale}")
    if family.whole:
        kinds = ["full_attention" if at % family.whole == 0 else "sliding_attention" for at in _counted(config)]
        if list(config.layer_types) != kinds:
            raise refused(f"which of its layers attend to all tokens is not every one in {family.whole}")
    _require_rotary(family, config)
    return family


def metadata(family: Family, config: PreTrainedConfig) -> dict[str, int | float | str]:
    """Returns the file's numbers by their keys, without the arch before them: all that decides what is computed."""
    found: dict[str, Any] = {key: getattr(config, name) for key, name in family.keys.items()}
    if family.arch == "gpt2":
        found["feed_forward_length"] = config.n_inner or 4 * config.n_embd
    found["context_length"] = _limit(family, config)
    found["attention.key_length"] = found["attention.value_length"] = _head(config)
    for at, key in (("full_attention", "rope.freq_base"), ("sliding_attention", "rope.freq_base_swa")):
        rotary = _rotary(config, at)
        if rotary and (at == "full_attention" or family.whole):
            found[key] = float(rotary["rope_theta"])
    if rotary := _rotary(config, "full_attention"):
        found["rope.dimension_count"] = _turned(config, rotary)
        if rotary.get("rope_type") == "linear":
            found |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(rotary["factor"])}
        elif rotary.get("rope_type") == "longrope":
            found["rope.scaling.original_context_length"] = int(rotary["original_max_position_embeddings"])
            found["rope.scaling.attn_factor"] = float(ROPE_INIT_FUNCTIONS["longrope"](config, _CPU)[1])
    return {key: value for key, value in found.items() if value is not None}


def factors(config: PreTrainedConfig) -> dict[str, NDArray[np.float32]]:
    """Returns by what each rotary frequency is divided, (D/2,) for heads of D, by the tensor's name."""
    rotary = _rotary(config, "full_attention")
    if rotary.get("rope_type") == "longrope":
        # llama.cpp takes the short ones for all contexts up to the length that the file tells.
        kinds = ("long", "short")
        return {f"rope_factors_{kind}.weight": np.array(rotary[f"{kind}_factor"], np.float32) for kind in kinds}
    if rotary.get("rope_type") != "llama3":
        return {}
    slowed, _ = ROPE_INIT_FUNCTIONS["llama3"](config, _CPU)
    width = _head(config)
    plain = 1.0 / rotary["rope_theta"] ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    divided: NDArray[np.float32] = (plain / slowed.double()).float().numpy()
    return {"rope_freqs.weight": divided}


def parts(family: Family, model: PreTrainedModel) -> list[Part]:
    """Returns the file's tensors and where each is in the model, which may be empty.

    Raises:
        StudioError: (export) a tensor has no place in the file.
    """
    config = model.config
    number = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == family.arch)
    names = gguf.get_tensor_name_map(number, int(config.num_hidden_layers))
    found = []
    for source, parameter in model.named_parameters():
        if source.endswith(".mlp.experts.gate_up_proj"):
            stem = f"blk.{source.split('.')[2]}.ffn"
            found += [Part(f"{stem}_gate_exps.weight", source, "gate"), Part(f"{stem}_up_exps.weight", source, "up")]
            continue
        whole = f"{source}.weight" if source.endswith(".mlp.experts.down_proj") else source
        name = names.get_name(whole, try_suffixes=(".weight", ".bias"))
        if name is None or not _fits(family, name):
            raise refused(f"llama.cpp knows no tensor {source} in the family {family.arch}")
        found.append(_part(family, config, name, source, parameter))
    return found


def _part(family: Family, config: PreTrainedConfig, name: str, source: str, parameter: torch.Tensor) -> Part:
    turned = re.fullmatch(r"blk\.\d+\.attn_([qk])\.(weight|bias)", name) if family.paired else None
    if turned:
        heads = config.num_attention_heads if turned[1] == "q" else config.num_key_value_heads
        return Part(name, source, "paired", heads=int(heads))
    if family.arch == "gpt2" and re.fullmatch(r".*\.(c_attn|c_proj|c_fc)\.weight", source):
        return Part(name, source, "transposed")
    return Part(name, source, shift=1.0 if family.shifted and name.endswith("norm.weight") else 0.0)


def _fits(family: Family, name: str) -> bool:
    if name == "output.weight":
        return not family.headless
    stem = re.sub(r"^blk\.\d+\.", "", name)
    return not stem.endswith(".bias") or bool(re.fullmatch(family.biases, stem.removesuffix(".bias")))


def _counted(config: PreTrainedConfig) -> range:
    return range(1, int(config.num_hidden_layers) + 1)


def _head(config: PreTrainedConfig) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _limit(family: Family, config: PreTrainedConfig) -> int:
    """Returns the context's length, no more than up to where llama.cpp computes alike, whatever its user asks for.

    It knows nothing of some models' windows, and turns all tokens of a longer context by other frequencies.
    """
    read = context(config)
    limit = min(int(read.limit or 0), read.original or 1 << 31)
    window = getattr(config, "sliding_window", None)
    slides = "sliding_attention" in (getattr(config, "layer_types", None) or ["sliding_attention"])
    return min(limit, int(window)) if window and slides and not family.whole else limit


def _rotary(config: PreTrainedConfig, layers: str) -> dict[str, Any]:
    """Returns how positions turn in a kind of layers; empty: not at all."""
    settings: dict[str, Any] = getattr(config, "rope_parameters", None) or {}
    own: dict[str, Any] = settings.get(layers, settings)
    return own


def _turned(config: PreTrainedConfig, rotary: Mapping[str, Any]) -> int:
    return int(_head(config) * rotary.get("partial_rotary_factor", 1.0))


def _require_rotary(family: Family, config: PreTrainedConfig) -> None:
    for layers in ("full_attention", "sliding_attention"):
        rotary = _rotary(config, layers)
        kind = rotary.get("rope_type", "default")
        slowed = {"llama": ("linear", "llama3"), "gemma3": ("linear",), "phi3": ("longrope",)}.get(family.arch, ())
        if layers == "sliding_attention" and family.whole:
            slowed = ()
        if kind != "default" and kind not in slowed:
            raise refused(f"its positions are scaled by {kind}, which llama.cpp does otherwise in {family.arch} models")
        if rotary and _turned(config, rotary) != _head(config) and family.arch != "phi3":
            raise refused("only a part of each head is turned by position")
