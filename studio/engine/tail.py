"""The last layer's MLP where a token is supervised, and nowhere else: no other position's result is read.

What the last layer adds to a position goes nowhere but into that position's logits. It is the same thought as that of
logits only where a token is supervised, one step further back; the attention of the layer still sees every token.
Gain: an MLP's work for every token that is not supervised: 1.04 times as fast with ten layers and every second token.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def refusal(model: Any) -> str:
    """Returns why a bare `model` computes its last MLP everywhere; empty if it need not."""
    if _mlp(model) is None:
        return "the last layer has no MLP by that name"
    # What is computed again in the backward pass would be computed everywhere.
    return "activations are computed again" if model.is_activation_checkpointing else ""


@contextmanager
def only(model: Any, keep: torch.Tensor) -> Iterator[None]:
    """Makes the last MLP of a bare `model` add nothing but where `keep` (B, T) is true, for as long as it lasts."""
    mlp = _mlp(model)
    assert mlp is not None
    own, plain, places = vars(mlp).get("forward"), mlp.forward, keep.flatten().nonzero()[:, 0]

    def forward(x: torch.Tensor) -> Any:
        some = plain(x.flatten(0, 1)[places][None])[0]
        return some.new_zeros(keep.numel(), some.shape[-1]).index_copy(0, places, some).view(*keep.shape, -1)

    mlp.forward = forward
    try:
        yield
    finally:
        del mlp.forward
        if own is not None:
            mlp.forward = own


def _mlp(model: Any) -> Any:
    layers = next((part for part in model.modules() if isinstance(part, torch.nn.ModuleList)), None)
    return getattr(layers[-1], "mlp", None) if layers else None
