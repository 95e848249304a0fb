"""How this model is computed: each fast path is tried on it beside the plain one, and left out where they differ."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.events import Activations, Prepared
from studio.engine import (
    attention,
    batches,
    hardware,
    head,
    lora,
    memory,
    mlp,
    norms,
    objectives,
    prefix,
    projections,
    rotary,
    tail,
)
from studio.engine.batches import Rows
from studio.engine.tokens import Tokens

# Of a pass on a processor: more multiply a little faster, 1.02 times with 1,024 as with 700 and again with 1,536, and
# need 0.3 to 0.4 MB each with `tests.bench.train`'s model.
_TOKENS = 960
_WRITTEN_OUT = {
    "LoRA's passes written out": lora,
    "queries, keys and values written out": projections,
    "gated MLPs written out": mlp,
    "norms written out": norms,
    "rotary positions written out": rotary,
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen for a model and a config.

    Attributes:
        batching: rows end to end, or padded.
        micro_batch_tokens: the most tokens of a pass over rows laid end to end; a longer row is alone.
        chunked: the loss is computed by `head`.
        trimmed: the last layer is computed by `tail`, only where it is read.
        shares: a common beginning of rows is computed once, by `prefix`.
        plain: fast paths that are not taken, by name, and why.
        activations: what becomes of them until the backward pass.
    """

    batching: batches.Batching
    micro_batch_tokens: int
    chunked: bool
    trimmed: bool
    shares: bool
    plain: dict[str, str]
    activations: Activations = "kept"

    def passes(self, tokens: Tokens, micro_batches: list[Rows]) -> list[tuple[Rows, int]]:
        """Divides a step's rows into forward passes: the rows of each, and the length of their common beginning."""
        if self.batching == "padded":
            return [(rows, 0) for rows in micro_batches]
        rows, lengths = np.concatenate(micro_batches), tokens.lengths
        groups = prefix.groups(tokens, rows) if self.shares else [(rows, 0)]
        return [
            (group[run], shared)
            for group, shared in groups
            for run in batches.even_fit(lengths[group] - shared, self.micro_batch_tokens)
        ]


def choose(
    model: Any, config: RunConfig, device: torch.device, longest: int = 1, earlier: Prepared | None = None
) -> Choices:
    """Chooses for a `model` with its adapter and changes it accordingly, or leaves it as it is.

    Args:
        model: with its adapter.
        config: what the run is to do.
        device: where.
        longest: tokens of the longest row.
        earlier: what an earlier attempt at the run told. Memory may be another now, but what depends on it stays as it
            was, or the run would not go on bit by bit.

    Raises:
        StudioError: (config) packing is asked for, and the model does not keep rows apart; or that activations are
            computed again, and it cannot.
    """
    plain = dict[str, str]()
    exact = hardware.dtype(config.model, device) == torch.float32 and config.model.quantization == "none"
    trial = Trial(model, device, 1e-4 if exact else 5e-2)
    for name, path in _WRITTEN_OUT.items():
        if reason := path.use(model):
            plain[name] = reason
    batching = _batching(trial, config.data.packing, plain)
    if not_chunked := _head_refusal(trial):
        plain["loss in chunks"] = not_chunked
    fits = _fit(trial, config, batching, not not_chunked, longest, earlier)
    if fits.activations != "kept":
        memory.recompute(trial.bare, fits.activations == "offloaded")
    if not_trimmed := _tail_refusal(trial, batching):
        plain["the last layer where it is read"] = not_trimmed
    if not_shared := _sharing_refusal(trial, batching):
        plain["a common beginning computed once"] = not_shared
    taken = not not_chunked, not not_trimmed, not not_shared
    return Choices(batching, fits.tokens, *taken, plain, fits.activations)


class Trial:
    """Two short rows that begin alike, and what a model makes of each alone, to compare other ways with."""

    def __init__(self, model: Any, device: torch.device, bound: float) -> None:
        """Computes each row alone; `bound` is the largest difference, relative to the largest number."""
        self.model, self.bare, self.device, self.bound = model, objectives.bare(model), device, bound
        self.vocabulary = int(self.bare.get_input_embeddings().num_embeddings)
        ids = np.random.default_rng(0).integers(0, self.vocabulary, 40).astype(np.int32)
        ids[22:37] = ids[:15]
        trained = np.arange(40) % 22 > 15
        offsets, starts = np.array([0, 22, 40]), np.zeros(2, np.int64)
        self._rows = Tokens(ids, trained, offsets, np.arange(2), starts, np.diff(offsets).astype(np.int32), 0, [])
        alone = [self._batch("padded", row) for row in range(2)]
        self._logits = torch.cat([self._computed(objectives.supervised_logits, batch) for batch in alone])
        self._losses = torch.cat([self._computed(objectives.language_modelling, batch) for batch in alone])

    def end_to_end(self, shared: bool = False) -> bool:
        """Whether rows laid end to end leave each other alone in this model.

        Attention is told of the borders by positions that start anew or by the rows' lengths; a model that ignores
        them, or carries state from token to token, would let one row see another.
        """
        batch = self._batch("flat", 0, 1, shared=15 if shared else 0)
        return self._agrees(self._computed(objectives.supervised_logits, batch), self._logits)

    def in_chunks(self) -> bool:
        """Whether the model does nothing to the logits behind its head, such as capping or scaling them."""
        batch = self._batch("padded", 1)
        found = self._computed(objectives.language_modelling, batch, chunked=True)
        return self._agrees(found, self._losses[1:], 0.1)

    def where_read(self, batching: batches.Batching) -> bool:
        """Whether nothing but the supervised positions' logits depends on what the last layer adds to them."""
        batch = self._batch(batching, 1)
        try:
            found = self._computed(objectives.language_modelling, batch, trimmed=True)
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            return False
        return self._agrees(found, self._losses[1:], 0.1)

    def kept_bytes(self, chunked: bool, dtype: torch.dtype) -> float:
        """Returns what a pass in training keeps for its backward pass, in bytes a token."""
        batch = self._batch("padded", 0)

        def compute() -> torch.Tensor:
            with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
                return objectives.language_modelling(self.model, batch, chunked)

        with self._mode(training=True):
            return memory.kept_bytes(self.model, compute) / batch.tokens

    def _batch(self, batching: batches.Batching, *rows: int, shared: int = 0) -> batches.MicroBatch:
        return batches.collate(self._rows, np.array(rows), batching, 0, shared).to(self.device)

    def _computed(self, what: Any, batch: batches.MicroBatch, **options: Any) -> torch.Tensor:
        with self._mode(training=False), torch.no_grad():
            found: torch.Tensor = what(self.model, batch, **options)
            return found.float()

    @contextmanager
    def _mode(self, training: bool) -> Iterator[None]:
        before = self.model.training
        self.model.train(training)
        try:
            yield
        finally:
            self.model.train(before)

    def _agrees(self, found: torch.Tensor, expected: torch.Tensor, share: float = 1.0) -> bool:
        bound = share * self.bound * expected.abs().max().clamp(min=1e-6)
        return bool((found - expected).abs().max() <= bound)


def _fit(
    trial: Trial, config: RunConfig, batching: batches.Batching, chunked: bool, longest: int, earlier: Prepared | None
) -> memory.Fit:
    spec, device = config.training, trial.device
    usual = _TOKENS if device.type == "cpu" else spec.per_device_train_batch_size * config.data.max_length
    tokens = spec.micro_batch_tokens or usual
    least: Activations = "recomputed" if spec.activation_checkpointing else "kept"
    if spec.activation_checkpointing and not trial.bare.supports_gradient_checkpointing:
        raise StudioError(
            "config",
            "This model cannot compute its activations again.",
            "Set `training.activation_checkpointing` to false.",
        )
    if earlier is not None:
        activations = least if earlier.activations == "kept" else earlier.activations
        return memory.Fit(activations, spec.micro_batch_tokens or earlier.micro_batch_tokens or usual)
    # Processes that share a run would have to agree, and each may have other memory.
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return memory.Fit(least, tokens)
    kept = trial.kept_bytes(chunked, hardware.dtype(config.model, device))
    ways = memory.costs(trial.bare, kept, device)
    ways = ways[1:] if spec.activation_checkpointing else ways
    at_once = longest if batching == "flat" else longest * spec.per_device_train_batch_size
    return memory.fit(ways, tokens, at_once, hardware.free_bytes(device))


def _batching(trial: Trial, packing: bool, plain: dict[str, str]) -> batches.Batching:
    if attention.use(trial.bare):
        if trial.end_to_end():
            return "flat"
        attention.undo(trial.bare)
    plain["attention row by row"] = "the model has an attention of its own"
    if trial.end_to_end():
        return "flat"
    if packing:
        raise StudioError(
            "config",
            "This model does not keep packed rows apart: one row would see another.",
            "Set `data.packing` to false.",
        )
    plain["rows end to end"] = "the model does not keep them apart; batches are padded instead"
    return "padded"


def _head_refusal(trial: Trial) -> str:
    if reason := head.refusal(trial.bare):
        return reason
    return "" if trial.in_chunks() else "the model changes the logits behind its head"


def _tail_refusal(trial: Trial, batching: batches.Batching) -> str:
    if reason := tail.refusal(trial.bare):
        return reason
    return "" if trial.where_read(batching) else "other positions read what it adds"


def _sharing_refusal(trial: Trial, batching: batches.Batching) -> str:
    if batching == "padded" or not attention.in_use(trial.bare):
        return "attention is not computed row by row"
    if prefix.draws(trial.model, trial.vocabulary, trial.device):
        return "dropout draws anew for each row"
    return "" if trial.end_to_end(shared=True) else "the model's attention does not take it"
