"""Which rows make up which step, and how a micro-batch of rows becomes tensors.

Every draw is keyed by (seed, epoch), never taken from a running generator, so a resumed run continues with exactly
the rows the interrupted one would have had. `B` sequences, `T` tokens in the longest, `S` supervised positions.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from studio.core.config import TrainingSpec
from studio.engine.tokens import Tokens

Rows = NDArray[np.int64]
Batching = Literal["flat", "padded"]

# Batches whose rows are sorted together by `group_by_length`; the transformers trainer uses the same number.
_MEGABATCH = 50


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """One forward pass.

    Attributes:
        input_ids: (B, T) int64; flat: (1, N), the rows end to end.
        position_ids: (1, N) int64, starting anew with each row; None where padded.
        attention_mask: (B, T) int64, 0 on padding; None where flat.
        row_lengths: tokens of each row; None where padded. With `shared`, of the beginning and of each row's rest.
        shared: tokens of the beginning that stands first and belongs to all rows; 0: there is none.
        keep: (B, T) bool, the S positions whose next token is trained.
        places: (S,) int64, where they are among the B T, so that a card need not count them.
        targets: (S,) int64, those next tokens.
        owners: (S,) int64, the place in `rows` of each target's row.
        rows: the rows, as places in the `Tokens`.
        tokens: of the rows, whole; padding is not counted.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor | None
    attention_mask: torch.Tensor | None
    row_lengths: tuple[int, ...] | None
    shared: int
    keep: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor
    owners: torch.Tensor
    rows: Rows
    tokens: int

    def to(self, device: torch.device) -> "MicroBatch":
        """Returns the batch with its tensors on `device`; a card takes them when it gets there."""
        tensors = {field.name: value for field in fields(self) if torch.is_tensor(value := getattr(self, field.name))}
        if device.type == "cuda":
            tensors = {name: tensor.pin_memory() for name, tensor in tensors.items()}
        moved: dict[str, Any] = {name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()}
        return replace(self, **moved)


def plan_epoch(
    lengths: Rows, spec: TrainingSpec, max_length: int | None, epoch: int, world_size: int = 1
) -> list[list[Rows]]:
    """Divides one epoch into steps of micro-batches of rows.

    Args:
        lengths: (n,) tokens of each row.
        spec: batch size, accumulation, order and seed.
        max_length: sequences are packed up to this many tokens; None: one row, one sequence.
        epoch: counted from 0; with the seed it decides the order.
        world_size: processes that share the steps; each has `gradient_accumulation_steps` micro-batches of one.

    Returns:
        Steps in order, each a list of micro-batches, each the places of its rows.
    """
    size = spec.per_device_train_batch_size
    if max_length is None:
        batches = _batches(lengths, spec, epoch, size)
    else:
        sequences = _packed(lengths, spec, max_length, epoch)
        batches = [np.concatenate(sequences[i : i + size]) for i in range(0, len(sequences), size)]
    per_step = spec.gradient_accumulation_steps * world_size
    return [batches[i : i + per_step] for i in range(0, len(batches), per_step)]


def evaluation_batches(lengths: Rows, most: int) -> list[Rows]:
    """Divides rows into micro-batches of like lengths, each at most `most` tokens; a longer row is alone."""
    batches: list[Rows] = []
    current: list[int] = []
    for row in np.argsort(-lengths, kind="stable"):
        # Sorted by falling length, the first row is the widest: the bound holds for padded batches too.
        if current and (len(current) + 1) * lengths[current[0]] > most:
            batches.append(np.array(current))
            current = []
        current.append(int(row))
    return [*batches, np.array(current)] if current else batches


def next_fit(lengths: Rows, most: int) -> list[Rows]:
    """Divides rows, in the order given, into runs of at most `most` tokens; a longer row is alone."""
    ends = np.cumsum(lengths)
    runs, start = [], 0
    while start < len(lengths):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        runs.append(np.arange(start, stop))
        start = stop
    return runs


def even_fit(lengths: Rows, most: int) -> list[Rows]:
    """Divides rows into few runs of at most `most` tokens and as even as can be; a longer row is alone.

    Each row, the longest first, goes to the run with the most room (Graham 1969): short runs multiply slowly.
    """
    order = np.argsort(-lengths, kind="stable")
    # A row that is too long fills the run it is alone in.
    count = max(1, -(-int(np.minimum(lengths, most).sum()) // most))
    runs, sums = [list[int]() for _ in range(count)], np.zeros(count, np.int64)
    for row in order.tolist():
        at = int(sums.argmin())
        if runs[at] and sums[at] + lengths[row] > most:
            at, sums = len(runs), np.append(sums, 0)
            runs.append([])
        runs[at].append(row)
        sums[at] += lengths[row]
    return [np.sort(np.array(run)) for run in runs if run]


def collate(tokens: Tokens, rows: Rows, batching: Batching, pad_id: int, shared: int = 0) -> MicroBatch:
    """Makes the tensors of one micro-batch, on the CPU.

    Args:
        tokens: where the rows are.
        rows: their places there.
        batching: end to end, or padded to the longest.
        pad_id: what padding is filled with.
        shared: tokens that all the rows begin with and that are laid down once; see `prefix`. Flat only.
    """
    encoded = [tokens[int(row)] for row in rows]
    # Position t predicts token t + 1, so a row's mask moves one to the left and its last position predicts nothing.
    keeps = [np.append(trained[1:], False) for _, trained in encoded]
    targets = np.concatenate([ids[1:][trained[1:]] for ids, trained in encoded])
    fed = sum(len(ids) for ids, _ in encoded)
    # Nothing looks ahead, so what stands behind a row's last prediction is not computed.
    lengths = np.array([len(keep) - int(np.argmax(keep[::-1])) for keep in keeps])
    keeps = [keep[:length] for keep, length in zip(keeps, lengths, strict=True)]
    encoded = [(ids[:length], trained) for (ids, trained), length in zip(encoded, lengths, strict=True)]
    owners = np.repeat(np.arange(len(rows)), [int(keep.sum()) for keep in keeps])
    positions = attention = None
    segments = lengths
    if batching == "flat":
        ids = np.concatenate([encoded[0][0][:shared], *(ids[shared:] for ids, _ in encoded)])[None]
        keep = np.concatenate([keeps[0][:shared], *(keep[shared:] for keep in keeps)])[None]
        places = [np.arange(shared), *(np.arange(shared, n) for n in lengths)]
        positions = torch.from_numpy(np.concatenate(places)[None])
        segments = np.array([shared, *(lengths - shared)]) if shared else lengths
    else:
        shape = (len(rows), int(lengths.max()))
        ids, keep, mask = np.full(shape, pad_id), np.zeros(shape, bool), np.zeros(shape, np.int64)
        for i, (row_ids, _) in enumerate(encoded):
            ids[i, : lengths[i]], keep[i, : lengths[i]], mask[i, : lengths[i]] = row_ids, keeps[i], 1
        attention = torch.from_numpy(mask)
    return MicroBatch(
        input_ids=torch.from_numpy(ids.astype(np.int64)),
        position_ids=positions,
        attention_mask=attention,
        row_lengths=tuple(segments.tolist()) if batching == "flat" else None,
        shared=shared,
        keep=torch.from_numpy(keep),
        places=torch.from_numpy(np.flatnonzero(keep)),
        targets=torch.from_numpy(targets.astype(np.int64)),
        owners=torch.from_numpy(owners),
        rows=rows,
        tokens=fed,
    )


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch])))


def _batches(lengths: Rows, spec: TrainingSpec, epoch: int, size: int) -> list[Rows]:
    count, random = len(lengths), _generator(spec.seed, epoch)
    sequential = spec.train_sampling_strategy == "sequential"
    order = np.arange(count) if sequential else random.permutation(count)
    if spec.train_sampling_strategy == "group_by_length":
        wide = size * _MEGABATCH
        parts = [order[i : i + wide] for i in range(0, count, wide)]
        order = np.concatenate([part[np.argsort(-lengths[part], kind="stable")] for part in parts])
    batches = [order[i : i + size] for i in range(0, count, size)]
    if spec.train_sampling_strategy == "group_by_length":
        batches = [batches[i] for i in random.permutation(len(batches))]
    return batches


def _packed(lengths: Rows, spec: TrainingSpec, max_length: int, epoch: int) -> list[Rows]:
    """Packs rows into sequences of at most `max_length` tokens."""
    if spec.train_sampling_strategy == "sequential":
        return next_fit(lengths, max_length)
    random = _generator(spec.seed, epoch)
    shuffled = random.permutation(len(lengths))
    sequences = _best_fit(lengths, shuffled[np.argsort(-lengths[shuffled], kind="stable")], max_length)
    return [sequences[i] for i in random.permutation(len(sequences))]


def _best_fit(lengths: Rows, order: Rows, max_length: int) -> list[Rows]:
    """Best-fit decreasing: each row goes where it leaves the least room (Johnson et al., 1974)."""
    bins: list[list[int]] = []
    by_room: dict[int, list[int]] = {}
    rooms: list[int] = []
    for row in order.tolist():
        need = int(lengths[row])
        at = bisect_left(rooms, need)
        if at == len(rooms):
            bins.append([row])
            place, room = len(bins) - 1, max_length - need
        else:
            room = rooms[at]
            place = by_room[room].pop()
            if not by_room[room]:
                rooms.pop(at)
            bins[place].append(row)
            room -= need
        if room > 0:
            if not by_room.setdefault(room, []):
                insort(rooms, room)
            by_room[room].append(place)
    return [np.array(rows) for rows in bins]
