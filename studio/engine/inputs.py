"""EVA: each layer's A begins with the directions in which its inputs differ most over the run's own rows; B with zero.

Paischer et al. 2024, by PEFT's incremental principal components. As there, layers that are fed the same share what is
found, and it is found once it no longer turns from one pass to the next; here that is sought in the passes that
training computes, of the first epoch at most, and every layer keeps the rank it is given (rho = 1). PEFT's own loop
goes over the rows without end, knows no padding in passes like ours, and makes a list of every number of the first.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import torch
from peft.utils.incremental_pca import IncrementalPCA

from studio.core.errors import StudioError
from studio.engine import reference, step
from studio.engine.batches import MicroBatch
from studio.engine.corpus import teller
from studio.engine.session import Session

# PEFT's tau: the least cosine of a direction with what it was a pass before.
_SETTLED = 0.99
# Passes, in the end: the demo's rows settle rank 16 in 35 of them, rank 64 in 106; what turns then is hardly there.
_MOST = 128


def begin(current: Session, layers: list[Any], stopped: Callable[[], bool]) -> bool:
    """Begins the adapters of `layers`; see `start.begin`."""
    tell, seen = teller(current.emit, "initialising"), _Seen(current.config.training.seed)
    with reference.untrained(current), seen.watching(layers):
        for batch in islice(_passes(current), _MOST):
            if stopped():
                return False
            seen.mask, seen.last = batch.attention_mask, None
            step.sequence_losses(current, current.bare, batch)
            settled = sum(found.settled for found in seen.found.values())
            tell(settled, len(seen.found))
            if settled == len(seen.found):
                break
    with torch.no_grad():
        for layer in layers:
            layer.lora_A["default"].weight.copy_(_of(seen, layer))
    return True


def _of(seen: "_Seen", layer: Any) -> torch.Tensor:
    """Returns a layer's directions (r, in), of length 1."""
    drawn: torch.Tensor = layer.lora_A["default"].weight
    if layer not in seen.first:
        return drawn
    found = seen.found[seen.first[layer]].directions
    if found is None:
        raise StudioError(
            "adapter",
            f"The rows have too few tokens for eva: twice the rank, {2 * layer.r['default']}, at least.",
            "Set init_lora_weights to default, or a smaller rank.",
        )
    return found


def _passes(current: Session) -> Iterator[MicroBatch]:
    """Yields the passes of the first epoch, all of them in each process."""
    train = current.corpus.train
    for micro_batches in step.plan(current, 0):
        for groups in current.choices.passes(train, micro_batches):
            yield step.collated(current, train, groups)


class _Found:
    """The directions of what a layer is fed, so far."""

    def __init__(self, rank: int, inputs: int, seed: int) -> None:
        # A matrix with fewer than twice as many columns has no quick way.
        self._components = IncrementalPCA(rank, copy=False, lowrank=2 * rank <= inputs, lowrank_seed=seed)
        self._waiting: list[torch.Tensor] = []
        self._least = 2 * rank
        self.settled = False

    @property
    def directions(self) -> torch.Tensor | None:
        """(r, in), float32; None: too little was seen."""
        return getattr(self._components, "components_", None)

    def add(self, x: torch.Tensor) -> None:
        """Looks at inputs (N, in), once there are enough of them."""
        # What comes next in the model may be written over it.
        self._waiting.append(x.to(torch.float32, copy=True))
        if sum(map(len, self._waiting)) < self._least:
            return
        before = self.directions
        self._components.partial_fit(torch.cat(self._waiting))
        self._waiting, now = [], self.directions
        if before is not None and now is not None:
            self.settled = bool((torch.cosine_similarity(now, before) >= _SETTLED).all())


class _Seen:
    """What layers are fed while they are watched.

    Attributes:
        found: by the layer that is fed it first in a pass.
        first: of each layer, which that is.
        mask: of the pass, (B, T), 0 on padding; None: there is none.
        last: what the layer before was fed.
    """

    def __init__(self, seed: int) -> None:
        self.found: dict[Any, _Found] = {}
        self.first: dict[Any, Any] = {}
        self.mask: torch.Tensor | None = None
        self.last: tuple[Any, torch.Tensor] | None = None
        self._seed = seed

    @contextmanager
    def watching(self, layers: list[Any]) -> Iterator[None]:
        """Looks at what `layers` are fed, for as long as it lasts."""
        with ExitStack() as stack:
            for layer in layers:
                stack.callback(layer.register_forward_pre_hook(self._look).remove)
            yield

    def _look(self, layer: Any, given: tuple[torch.Tensor, ...]) -> None:
        (x, *_), rank = given, layer.r["default"]
        if self.last is not None and self.last[1] is x and self.last[0].r["default"] == rank:
            self.first[layer] = self.last[0]
            return
        self.last = layer, x
        self.first[layer] = layer
        if layer not in self.found:
            self.found[layer] = _Found(rank, x.shape[-1], self._seed)
        if not self.found[layer].settled:
            # It is among what a pass computes in fewer bits.
            with torch.autocast(x.device.type, enabled=False):
                self.found[layer].add(self._rows(x.detach()))

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        """Returns inputs as (N, in), without those of padding."""
        rows = x.reshape(-1, x.shape[-1])
        if self.mask is None or self.mask.numel() != len(rows):
            return rows
        return rows[self.mask.reshape(-1).bool()]
