"""NEFTune (Jain et al. 2023): noise on what a row's tokens are embedded as, in training passes and nowhere else.

It is uniform in +-alpha / sqrt(L D), of L tokens and D numbers each, drawn anew in each step for each place. L is the
row's own length; in transformers, which draws it for the whole batch, it is that of the longest row, padding and all,
so that short rows beside a long one have less of it there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from studio.engine import objectives
from studio.engine.batches import MicroBatch


@contextmanager
def noised(model: torch.nn.Module, batch: MicroBatch, alpha: float) -> Iterator[None]:
    """Adds noise to the embeddings of a pass, for as long as it lasts.

    It is drawn from torch's generator, whose state `optim.seed_all` sets for each step. What is computed again in the
    backward pass begins behind the embeddings, and so has the same noise.

    Args:
        model: bare or with its adapter.
        batch: the pass; no two of its rows share a beginning, since each has noise of its own.
        alpha: how much; 0: none.
    """
    if not alpha:
        yield
        return
    bounds = _bounds(batch, alpha)

    def add(_: torch.nn.Module, __: Any, embedded: torch.Tensor) -> torch.Tensor:
        most = (bounds * embedded.shape[-1] ** -0.5).to(embedded.dtype)
        noise: torch.Tensor = torch.empty_like(embedded).uniform_(-1, 1) * most
        return noise.add_(embedded)

    hook = objectives.bare(model).get_input_embeddings().register_forward_hook(add)
    try:
        yield
    finally:
        hook.remove()


def _bounds(batch: MicroBatch, alpha: float) -> torch.Tensor:
    """Returns alpha / sqrt(L) of each token's row, float32: (B, 1, 1) where rows are padded, else (1, N, 1)."""
    rows = (alpha / np.sqrt(batch.lengths)).astype(np.float32)
    if batch.segments is None:
        return torch.from_numpy(rows[:, None, None]).to(batch.input_ids.device)
    laid = [segment.tokens for segment in batch.segments]
    return torch.from_numpy(np.repeat(rows, laid)[None, :, None]).to(batch.input_ids.device)
