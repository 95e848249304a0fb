"""The methods of PEFT that adapters are made by, and which settings each has.

A method's own names are PEFT's but for what LoRA has too: that is called as there, and handed on by PEFT's name.
"""

from typing import Any, Literal, NamedTuple, get_args

Method = Literal["lora", "ia3", "vera", "loha", "lokr", "oft", "full"]


class Kind(NamedTuple):
    """What a method of PEFT has.

    Attributes:
        peft_type: PEFT's word for it in an adapter's config.
        title: what people call it.
        settings: those that not every method has: each one's name, and what PEFT calls it here.
        rank: the usual one, where nobody names another.
        learning_rate: a usual one, where LoRA's is far from it.
        quantized: it goes on a base in 8 bits or NF4.
        turned: it goes on layers that hold their weights as (in, out), GPT-2's `Conv1D`.
    """

    peft_type: str
    title: str
    settings: dict[str, str]
    rank: int = 16
    learning_rate: float | None = None
    quantized: bool = True
    turned: bool = True


_RANKED = {"r": "r", "lora_alpha": "alpha", "rank_pattern": "rank_pattern", "alpha_pattern": "alpha_pattern"}
_LORA = (
    "r", "lora_alpha", "lora_dropout", "target_parameters", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora",
    "bias", "init_lora_weights", "loraplus_lr_ratio",
)  # fmt: skip
# PEFT 0.21 has layers of its own for LoHa and LoKr on plain linear layers alone; OFT's take quantized ones too. The
# dropout of these three is left out: of the first two it drops whole modules' updates, and OFT's does nothing.
_KINDS = {
    "lora": Kind("LORA", "LoRA", {name: name for name in _LORA}),
    "ia3": Kind("IA3", "IA3", {}, learning_rate=5e-3),
    "vera": Kind("VERA", "VeRA", {"r": "r", "lora_dropout": "vera_dropout"}, rank=256, learning_rate=5e-3),
    "loha": Kind("LOHA", "LoHa", _RANKED, learning_rate=1e-3, quantized=False, turned=False),
    "lokr": Kind(
        "LOKR",
        "LoKr",
        _RANKED | {"decompose_factor": "decompose_factor"},
        learning_rate=1e-3,
        quantized=False,
        turned=False,
    ),
    "oft": Kind("OFT", "OFT", {"oft_block_size": "oft_block_size"}, learning_rate=1e-3, turned=False),
}
# What every adapter has, whatever its method.
_COMMON = frozenset(
    ("path", "method", "target_modules", "exclude_modules", "layers_to_transform", "modules_to_save")
)  # fmt: skip
_OWN = frozenset(name for kind in _KINDS.values() for name in kind.settings)
ADAPTERS: tuple[Method, ...] = tuple(name for name in get_args(Method) if name != "full")
PEFT_TYPES = {kind.peft_type: name for name, kind in _KINDS.items()}


def kind_of(method: str) -> Kind:
    """Returns what a method has that makes an adapter; `full` makes none."""
    return _KINDS[method]


def of_peft(config: Any) -> str:
    """Returns the method that PEFT's config of an adapter, as plain data, was made by; LoRA's where it says none."""
    return PEFT_TYPES.get(str(config.get("peft_type", "LORA")), "") if isinstance(config, dict) else ""


def has(method: str, key: str) -> bool:
    """Whether a method has a setting; what is no method has all.

    Args:
        method: such as `lora`.
        key: its dotted name, or of an adapter's settings the last one.
    """
    section, _, name = key.rpartition(".")
    if section not in ("", "adapter") and key != "training.loraplus_lr_ratio":
        return True
    if method == "full":
        return name in ("path", "method") or not (name in _COMMON or name in _OWN)
    return method not in _KINDS or name not in _OWN or name in _KINDS[method].settings


def usual_rank(method: Any) -> int:
    """Returns the rank that a method has where nobody names another."""
    return _KINDS[method].rank if isinstance(method, str) and method in _KINDS else _KINDS["lora"].rank


def usual_rate(method: str) -> float:
    """Returns a learning rate that is usual for a method; 0: none is, or LoRA's."""
    return (_KINDS[method].learning_rate or 0.0) if method in _KINDS else 0.0


def quantizes(method: str) -> bool:
    """Whether a method goes on a base in 8 bits or NF4; full fine-tuning, which changes the base, does not."""
    return method in _KINDS and _KINDS[method].quantized


def title_of(method: str) -> str:
    """Returns what people call a method."""
    return _KINDS[method].title if method in _KINDS else "Full fine-tuning" if method == "full" else "another method"
