"""What has been read of a conversation, kept from one answer to the next.

A conversation's next turn begins with all that was said before. The keys and values computed for it are kept, so that
only what is new is read; what differs from last time is cut off. The idea is prompt caching's (Gim et al. 2023).
Gain: a turn behind 1,000 tokens takes a fifth of the time, `tests.bench.scale --parts turns`.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicLayer

# Conversations kept at once: chat and comparison each have one or a few.
_MOST = 4
_LEAST_TOKENS = 16


class Turns:
    """Keys and values by the columns they belong to; for one model and as long as its adapters stay as they are."""

    def __init__(self) -> None:
        """Starts with nothing kept."""
        self._kept: dict[tuple[str | None, ...], tuple[torch.Tensor, Any]] = {}

    def take(self, columns: tuple[str | None, ...], prompts: torch.Tensor) -> Any:
        """Returns a cache to go on from; None where little of the prompts is known.

        Nothing is kept of these columns until `keep`, so that an answer that breaks off leaves nothing half written.

        Args:
            columns: which adapters answer, in order.
            prompts: (B, T) int64; at least their last token is left to be read.
        """
        if columns not in self._kept:
            return None
        ids, cache = self._kept.pop(columns)
        known = cache.get_seq_length()
        most = min(known, prompts.shape[1] - 1)
        differs = (ids[:, :most] != prompts[:, :most]).any(0).nonzero()
        shared = int(differs[0]) if len(differs) else most
        if shared < _LEAST_TOKENS:
            return None
        cache.crop(shared - known)
        return cache

    def keep(self, columns: tuple[str | None, ...], ids: torch.Tensor, cache: Any) -> None:
        """Keeps what was read and written: `ids` (B, T), of which the cache holds all but the last few.

        Layers that forget, by a sliding window or a running state, cannot go back to an earlier place.
        """
        if all(type(layer) is DynamicLayer for layer in cache.layers):
            self._kept[columns] = (ids, cache)
            while len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
