"""Attention over rows laid end to end that computes nothing between rows.

A block-diagonal mask lets attention cost N^2 for N tokens together; attending row by row costs the sum of the rows'
squares, and needs no mask. 16 rows of 250 tokens: a sixteenth. The segments travel to the attention layers as one of
the keyword arguments that transformers' models hand down (their road for variable-length kernels). Where rows share
their beginning (see `prefix`), it is a segment of its own before them, and each row attends to it as well. A sliding
window travels in the mask's place: some models tell it to their masks alone.
"""

from functools import partial
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from studio.engine import blocks, hardware, varlen
from studio.engine.batches import Segment

NAME = "studio_rows"
# The same, on a card by the kernels in `flash`.
_OWN = "studio_rows_own"


def attend_by_row(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | int | None,
    *,
    segments: tuple[Segment, ...] | None = None,
    sliding_window: int | None = None,
    read: torch.Tensor | None = None,
    own: bool = False,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention within each row; as transformers' own where no `segments` are given.

    Args:
        module: the attention layer.
        query: (1, heads, N, head size); `key` and `value` alike, with as many or fewer heads.
        key: see `query`.
        value: see `query`.
        attention_mask: where rows are laid end to end, their sliding window or None.
        segments: what lies end to end; their tokens are N together.
        sliding_window: a token sees itself and at most so many less one before it.
        read: (1, N) bool, whose results are read; others may be anything. None: all are.
        own: a card computes it by the kernels in `flash`, if they are made for such heads.
        options: scaling, dropout and whatever else the model hands down.

    Returns:
        (1, N, heads, head size), and no weights.
    """
    if isinstance(attention_mask, int):
        attention_mask, sliding_window = None, attention_mask
    if segments is None or attention_mask is not None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)[0], None
    slides = sliding_window is not None and max(_seen_by_last(segments)) > sliding_window
    scale, plain = options.get("scaling"), _plain(module, options)
    if plain and not slides and blocks.takes(query, segments):
        return blocks.attend(query, key, value, segments, scale, read), None
    kernels = hardware.kernels(query.device) if own and plain and not slides else None
    if kernels and kernels.flash.takes(query, value):
        return kernels.flash.attend(query, key, value, segments, scale), None
    if plain and varlen.takes(query, value):
        return varlen.attend(query, key, value, segments, scale, sliding_window if slides else None), None
    parts = []
    lengths = [segment.tokens for segment in segments]
    rows = list(zip(*(tensor.split(lengths, dim=2) for tensor in (query, key, value)), strict=True))
    for (q, k, v), segment in zip(rows, segments, strict=True):
        before, mask = 0, None
        if segment.before >= 0:
            _, first_key, first_value = rows[segment.before]
            before, k, v = first_key.shape[2], torch.cat([first_key, k], 2), torch.cat([first_value, v], 2)
        if before or (sliding_window is not None and q.shape[2] > sliding_window):
            mask = _seen(q.shape[2], before, sliding_window, query.device)
        parts.append(sdpa_attention_forward(module, q, k, v, mask, **options)[0])
    return torch.cat(parts, dim=1), None


def _seen_by_last(segments: tuple[Segment, ...]) -> list[int]:
    """Returns how many tokens each segment's last one sees."""
    return [n + (segments[before].tokens if before >= 0 else 0) for n, before in segments]


def use(model: Any) -> bool:
    """Makes `model` attend row by row where that is the same function; returns whether it does.

    Only for layers that attend to everything before them or to a sliding window, and only in place of transformers'
    scaled dot-product attention: a model that needs another kind (capped scores, sinks) keeps its own.
    """
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ()) | {"full_attention"}
    if kinds - {"full_attention", "sliding_attention"} or getattr(config, "attention_chunk_size", None):
        return False
    if config._attn_implementation != "sdpa":
        return False
    model.set_attn_implementation(NAME)
    return True


def is_faster_own(model: Any, dtype: torch.dtype, device: torch.device) -> bool:
    """Measures whether a card attends faster with `flash`, for the heads of a bare `model`; see `flash.faster`."""
    kernels, config = hardware.kernels(device), model.config.get_text_config()
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    key_heads = getattr(config, "num_key_value_heads", None) or heads
    return bool(kernels) and kernels.flash.faster(heads, key_heads, size, dtype, device)


def use_own(model: Any) -> None:
    """Makes a `model` that attends row by row do so with `flash`."""
    model.set_attn_implementation(_OWN)


def undo(model: Any) -> None:
    """Gives `model` transformers' attention back."""
    model.set_attn_implementation("sdpa")


def in_use(model: Any) -> bool:
    """Whether `model` attends row by row when told of the segments."""
    return model.config.get_text_config()._attn_implementation in (NAME, _OWN)


def _plain(module: torch.nn.Module, options: dict[str, Any]) -> bool:
    """Whether nothing is asked of attention but a scale."""
    causal = options.get("is_causal")
    causal = getattr(module, "is_causal", True) if causal is None else causal
    return bool(causal) and not options.get("dropout") and options.get("position_bias") is None


def _seen(length: int, before: int, window: int | None, device: torch.device) -> torch.Tensor:
    """Returns (1, 1, L, before + L) bool: what each of a row's tokens sees of the common beginning and of the row."""
    distance = torch.arange(before, before + length, device=device)[:, None] - torch.arange(
        before + length, device=device
    )
    return ((distance >= 0) & (distance < (window or before + length)))[None, None]


def _mask(
    *,
    attention_mask: torch.Tensor | None = None,
    allow_is_causal_skip: bool = True,
    local_size: int | None = None,
    **options: Any,
) -> Any:
    # Without padding, only rows laid end to end forbid skipping the mask; attention is told of them by their lengths.
    if attention_mask is None and not allow_is_causal_skip and options["q_length"] == options["kv_length"]:
        return local_size
    options |= {"allow_is_causal_skip": allow_is_causal_skip, "local_size": local_size}
    return sdpa_mask(attention_mask=attention_mask, **options)


AttentionInterface.register(NAME, attend_by_row)
AttentionInterface.register(_OWN, partial(attend_by_row, own=True))
for name in (NAME, _OWN):
    AttentionMaskInterface.register(name, _mask)
