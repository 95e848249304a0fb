"""The last layer where a token is supervised, and nowhere else: no other position's result is read.

What the last layer adds to a position goes nowhere but into that position's logits. It is the same thought as that of
logits only where a token is supervised, one step further back: every token's keys and values are still needed, but
queries, what attention makes of them, its output and the MLP are not.
Gain: 1.03 times a whole step with every second token supervised, `tests.bench.train`'s model on a processor.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

from studio.engine import attention, projections


def refusal(model: Any) -> str:
    """Returns why a bare `model` computes its last layer everywhere; empty if it need not."""
    if getattr(_last(model), "mlp", None) is None:
        return "the last layer has no MLP by that name"
    # What is computed again in the backward pass would be computed everywhere.
    return "activations are computed again" if model.is_activation_checkpointing else ""


@contextmanager
def only(model: Any, keep: torch.Tensor, places: torch.Tensor) -> Iterator[None]:
    """Makes the last layer of a bare `model` add nothing but at some places, for as long as it lasts.

    Args:
        model: whose.
        keep: (B, T) bool, which.
        places: the same as (S,) int64, among the B T.
    """
    layer = _last(model)
    own: Any = getattr(layer, "self_attn", None)
    parts = [(layer.mlp, layer.mlp.forward)]
    if hasattr(own, "q_proj") and hasattr(own, "o_proj"):
        parts += [(own.q_proj, projections.alone(own.q_proj)), (own.o_proj, own.o_proj.forward)]
    with ExitStack() as stack:
        for part, plain in parts:
            stack.enter_context(replaced(part, partial(_at, plain, places)))
        if len(parts) > 1 and attention.in_use(model):
            stack.enter_context(replaced(own, partial(own.forward, read=keep)))
        yield


def _at(plain: Any, places: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Returns what `plain` makes of `x` (B, T, in) at `places`, and zeros elsewhere."""
    some = plain(x.flatten(0, 1)[places][None])[0]
    everywhere: torch.Tensor = some.new_zeros(x.shape[0] * x.shape[1], some.shape[-1])
    return everywhere.index_copy(0, places, some).view(*x.shape[:2], -1)


@contextmanager
def replaced(module: torch.nn.Module, forward: Any) -> Iterator[None]:
    """Makes a module compute by `forward`, for as long as it lasts."""
    own = vars(module).get("forward")
    module.forward = forward
    try:
        yield
    finally:
        del module.forward
        if own is not None:
            module.forward = own


def layers(model: Any) -> Any:
    """Returns the layers of a bare `model` in order: its first list of modules; empty where it has none."""
    return next((part for part in model.modules() if isinstance(part, torch.nn.ModuleList)), ())


def _last(model: Any) -> Any:
    return next(reversed(layers(model)), None)
