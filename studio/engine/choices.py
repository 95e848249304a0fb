"""How this model is computed: each fast path is tried on it beside the plain one, and left out where they differ."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.events import Activations, Prepared, SaveMemory
from studio.engine import (
    attention,
    batches,
    experts,
    frozen,
    hardware,
    head,
    lora,
    memory,
    mlp,
    norms,
    optim,
    prefix,
    projections,
    rotary,
    tail,
)
from studio.engine.batches import Group, Rows
from studio.engine.model import context
from studio.engine.tokens import Tokens
from studio.engine.trial import Trial

# Of a pass on a processor: more multiply a little faster, 1.02 times with 1,024 as with 700 and again with 1,536, and
# need 0.3 to 0.4 MB each with `tests.bench.train`'s model.
_TOKENS = 960
# On a card, at least: fewer leave it waiting, and what memory cannot hold is not laid into one pass.
_CARD_TOKENS = 8192
_WRITTEN_OUT = {
    "LoRA's passes written out": lora,
    "queries, keys and values written out": projections,
    "gated MLPs written out": mlp,
    "frozen layers written out": frozen,
    "experts' LoRA written out": experts,
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
        own_attention: a card attends by `flash`.
        original: longer rows share no pass with others; see `model.Context`.
    """

    batching: batches.Batching
    micro_batch_tokens: int
    chunked: bool
    trimmed: bool
    shares: bool
    plain: dict[str, str]
    activations: Activations = "kept"
    own_attention: bool = False
    original: int | None = None

    def passes(self, tokens: Tokens, micro_batches: list[Rows]) -> list[list[Group]]:
        """Divides a step's rows into forward passes, each of one or several groups of sequences.

        The sequences of one row are in one pass.
        """
        return [found for alike in self._alike(tokens, micro_batches) for found in self._passes(tokens, alike)]

    def _alike(self, tokens: Tokens, micro_batches: list[Rows]) -> list[list[Rows]]:
        """Divides micro-batches by whether their rows are longer than `original`."""
        if self.original is None:
            return [micro_batches]
        parted = list[list[Rows]]()
        for rows in micro_batches:
            # Where there are two answers, both are or neither is.
            longer = batches.longer_than(self.original, tokens, tokens.sequences(rows)[:: tokens.answers])
            parted.append([rows[~longer], rows[longer]])
        divided = ([rows for rows in kind if len(rows)] for kind in zip(*parted, strict=True))
        return [kind for kind in divided if kind]

    def _passes(self, tokens: Tokens, micro_batches: list[Rows]) -> list[list[Group]]:
        if self.batching == "padded":
            return [[Group(tokens.sequences(rows))] for rows in micro_batches]
        rows, lengths = np.concatenate(micro_batches), tokens.lengths
        if tokens.answers > 1:
            pairs = tokens.sequences(rows).reshape(-1, tokens.answers)
            parts = [Group(pair, prefix.common(tokens, pair.tolist()) if self.shares else 0) for pair in pairs]
        else:
            parts = [
                Group(group[run], shared)
                for group, shared in (prefix.groups(tokens, rows) if self.shares else [Group(rows)])
                for run in batches.even_fit(lengths[group] - shared, self.micro_batch_tokens)
            ]
        sizes = np.array([shared + int((lengths[group] - shared).sum()) for group, shared in parts])
        return [[parts[at] for at in run] for run in batches.even_fit(sizes, self.micro_batch_tokens)]


def choose(
    model: Any,
    config: RunConfig,
    device: torch.device,
    longest: int = 1,
    earlier: Prepared | None = None,
    saving: SaveMemory | None = None,
) -> Choices:
    """Chooses for a `model` with its adapter and changes it accordingly, or leaves it as it is.

    Args:
        model: with its adapter.
        config: what the run is to do.
        device: where.
        longest: tokens of the longest row.
        earlier: what an earlier attempt at the run told. Memory may be another now, but what depends on it stays as it
            was, or the run would not go on bit by bit.
        saving: what is asked for although it would not; a model that cannot do it goes on as it did.

    Raises:
        StudioError: (config) packing is asked for, and the model does not keep rows apart; or that activations are
            computed again, and it cannot.
    """
    plain = dict[str, str]()
    trial = Trial(model, device, hardware.dtype(config.model, device), config.model.quantization == "none")
    if device.type == "cuda" and hardware.kernels(device) is None:
        plain["kernels for a card"] = "Triton is not there, or does not work"
    for name, path in _WRITTEN_OUT.items():
        if reason := path.use(model):
            plain[name] = reason
    batching = _batching(trial, config.data.packing, plain)
    own = _own_attention(trial, earlier)
    if not_chunked := _head_refusal(trial):
        plain["loss in chunks"] = not_chunked
    if unequal := _repeating_refusal(trial, batching):
        plain["steps that repeat bit by bit"] = unequal
    ways = memory.costs(trial.bare, *trial.kept_bytes(not not_chunked), device)
    at_once = longest if batching == "flat" else longest * config.training.per_device_train_batch_size
    # Before the first step nothing of that is there.
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    coming = trained * optim.coming_bytes(config.training, device)
    fits = fit(trial.bare, config, device, ways, at_once, hardware.free_bytes(device) - coming, earlier, saving)
    if fits.activations != "kept":
        memory.recompute(trial.bare, fits.activations == "offloaded")
    if not_trimmed := _tail_refusal(trial, batching):
        plain["the last layer where it is read"] = not_trimmed
    if not_shared := _sharing_refusal(trial, batching, config.training.neftune_noise_alpha > 0):
        plain["a common beginning computed once"] = not_shared
    # Last, since the trials above read the weights as they were.
    _pack(trial, fits, ways, at_once, coming)
    taken = not not_chunked, not not_trimmed, not not_shared
    original = context(trial.bare.config).original
    return Choices(batching, fits.tokens, *taken, plain, fits.activations, own, original)


def fit(
    bare: Any,
    config: RunConfig,
    device: torch.device,
    ways: memory.Ways,
    at_once: int,
    free: float,
    earlier: Prepared | None = None,
    saving: SaveMemory | None = None,
) -> memory.Fit:
    """Chooses what becomes of a pass's activations, and how many tokens it has.

    Args:
        bare: the bare model.
        config: what the run is to do.
        device: where.
        ways: of `memory.costs`.
        at_once: tokens that are in no more than one pass.
        free: bytes beside the model, and what is trained with its gradients and the optimizer's notes.
        earlier: see `choose`.
        saving: see `choose`.

    Raises:
        StudioError: (config) activations are to be computed again, and the model cannot do that.
    """
    spec, saving = config.training, saving or SaveMemory()
    asked = spec.per_device_train_batch_size * config.data.max_length
    usual = _TOKENS if device.type == "cpu" else max(asked, _CARD_TOKENS)
    before = earlier.micro_batch_tokens if earlier is not None else 0
    tokens = saving.micro_batch_tokens or before or spec.micro_batch_tokens or usual
    recomputes = _recomputes(bare, config, saving)
    least: Activations = "recomputed" if recomputes else "kept"
    if earlier is not None:
        return memory.Fit(least if earlier.activations == "kept" else earlier.activations, tokens)
    # Processes that share a run would have to agree, and each may have other memory.
    if shared():
        return memory.Fit(least, tokens)
    ways = ways[1:] if recomputes else ways
    return memory.fit(ways, tokens, at_once, free)


def _recomputes(bare: Any, config: RunConfig, saving: SaveMemory) -> bool:
    """Whether activations are to be computed again, however much memory is free."""
    can, asked = bare.supports_gradient_checkpointing, config.training.activation_checkpointing
    if asked and not can:
        raise StudioError(
            "config",
            "This model cannot compute its activations again.",
            "Set `training.activation_checkpointing` to false.",
        )
    return bool(can and (asked or saving.activation_checkpointing))


def _pack(trial: Trial, fits: memory.Fit, ways: memory.Ways, at_once: int, coming: float) -> None:
    """Lays out weights beforehand if there is room; no number depends on it, so it may be otherwise when resumed."""
    # Each of the processes that share a run would take the same free memory for its own.
    bases = [] if shared() else lora.packable(trial.model, trial.device)
    if not bases:
        return
    more, tokens = 2 * sum(base.weight.nbytes for base in bases), max(fits.tokens, at_once)
    if memory.has_room(more, ways, fits.activations, tokens, hardware.free_bytes(trial.device) - coming):
        lora.pack(bases, fits.tokens)


def shared() -> bool:
    """Whether several processes compute the run."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def _own_attention(trial: Trial, earlier: Prepared | None) -> bool:
    """Whether a card is to attend by `flash`: as it did before, or as it measures now."""
    if trial.device.type != "cuda" or not attention.in_use(trial.bare):
        return False
    # Processes that share a run would have to agree, and each measures for itself.
    if shared():
        return False
    own = earlier.own_attention if earlier else attention.is_faster_own(trial.bare, trial.dtype, trial.device)
    if own:
        attention.use_own(trial.bare)
    return own


def _repeating_refusal(trial: Trial, batching: batches.Batching) -> str:
    if trial.device.type != "cuda":
        return ""
    if problem := trial.unrepeatable(batching):
        hardware.repeat(trial.device, exactly=False)
    return problem


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


def _sharing_refusal(trial: Trial, batching: batches.Batching, noisy: bool) -> str:
    if noisy:
        return "noise is drawn anew for each row"
    if batching == "padded" or not attention.in_use(trial.bare):
        return "attention is not computed row by row"
    if prefix.draws(trial.model, trial.vocabulary, trial.device):
        return "dropout draws anew for each row"
    return "" if trial.end_to_end(shared=True) else "the model's attention does not take it"
