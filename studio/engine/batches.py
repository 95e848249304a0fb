"""Which rows make up which step, and how a micro-batch of rows becomes tensors.

Every draw is keyed by (seed, epoch), never taken from a running generator, so a resumed run continues with exactly
the rows the interrupted one would have had. `B` sequences, `T` tokens in the longest, `S` supervised positions.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from studio.core.config import TrainingSpec
from studio.engine.tokens import Tokens

Rows = NDArray[np.int64]
Batching = Literal["flat", "padded"]

# Batches whose rows are sorted together by `group_by_length`; the transformers trainer uses the same number.
_MEGABATCH = 50


class Group(NamedTuple):
    """Rows that are laid down together.

    Attributes:
        rows: their places in the `Tokens`.
        shared: tokens that all of them begin with and that are laid down once; 0: none.
    """

    rows: Rows
    shared: int = 0


class Segment(NamedTuple):
    """Tokens that lie end to end: a row, a beginning that rows have in common, or what a row has behind it.

    Attributes:
        tokens: how many.
        before: the number of the segment that these see as well; -1: they see none but themselves.
    """

    tokens: int
    before: int = -1


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """One forward pass.

    Attributes:
        input_ids: (B, T) int64; flat: (1, N), the rows end to end.
        position_ids: (1, N) int64, starting anew with each row; None where padded.
        attention_mask: (B, T) int64, 0 on padding; None where flat.
        segments: what lies end to end in N; None where padded.
        keep: (B, T) bool, the S positions whose next token is trained.
        places: (S,) int64, where they are among the B T, so that a card need not count them.
        targets: (S,) int64, those next tokens.
        owners: (S,) int64, the place in `rows` of each target's row.
        rows: the rows, as places in the `Tokens`.
        counts: (rows,) int64, how many of the targets are each row's.
        lengths: (n,) int64, tokens of each of the rows, whole; padding is not counted.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor | None
    attention_mask: torch.Tensor | None
    segments: tuple[Segment, ...] | None
    keep: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor
    owners: torch.Tensor
    rows: Rows
    counts: torch.Tensor
    lengths: Rows

    @property
    def tokens(self) -> int:
        """The rows' tokens together."""
        return int(self.lengths.sum())

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


def collate(tokens: Tokens, groups: Sequence[Group], batching: Batching, pad_id: int) -> MicroBatch:
    """Makes the tensors of one micro-batch, on the CPU.

    Args:
        tokens: where the rows are.
        groups: which rows, and what they have in common; padded rows are laid down whole.
        batching: end to end, or padded to the longest.
        pad_id: what padding is filled with.
    """
    rows = np.concatenate([group.rows for group in groups])
    encoded = [tokens[int(row)] for row in rows]
    laid = [_laid_down(ids, trained) for ids, trained in encoded]
    targets = np.concatenate([ids[1:][trained[1:]] for ids, trained in encoded])
    counts = np.array([int(keep.sum()) for _, keep in laid])
    owners = np.repeat(np.arange(len(rows)), counts)
    positions = attention = None
    segments: tuple[Segment, ...] | None = None
    if batching == "flat":
        ids, keep, places, segments = _end_to_end(laid, groups)
        positions = torch.from_numpy(places[None])
    else:
        ids, keep, mask = _padded(laid, pad_id)
        attention = torch.from_numpy(mask)
    return MicroBatch(
        input_ids=torch.from_numpy(ids.astype(np.int64)),
        position_ids=positions,
        attention_mask=attention,
        segments=segments,
        keep=torch.from_numpy(keep),
        places=torch.from_numpy(np.flatnonzero(keep)),
        targets=torch.from_numpy(targets.astype(np.int64)),
        owners=torch.from_numpy(owners),
        rows=rows,
        counts=torch.from_numpy(counts),
        lengths=np.array([len(ids) for ids, _ in encoded]),
    )


def longer_than(most: int, tokens: Tokens, sequences: Rows) -> NDArray[np.bool_]:
    """Returns (n,) which of some sequences are laid down with more than `most` tokens."""
    longer: NDArray[np.bool_] = tokens.lengths[sequences] > most
    for at in np.flatnonzero(longer):
        longer[at] = len(_laid_down(*tokens[int(sequences[at])])[0]) > most
    return longer


_Laid = tuple[NDArray[np.int32], NDArray[np.bool_]]


def _laid_down(ids: NDArray[np.int32], trained: NDArray[np.bool_]) -> _Laid:
    """Returns of a row what is computed, and which of its positions predict a trained token."""
    # Position t predicts token t + 1, so a row's mask moves one to the left and its last position predicts nothing.
    keep = np.append(trained[1:], False)
    # Nothing looks ahead, so what stands behind a row's last prediction is not computed.
    length = len(keep) - int(np.argmax(keep[::-1]))
    return ids[:length], keep[:length]


def _end_to_end(
    laid: list[_Laid], groups: Sequence[Group]
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.int64], tuple[Segment, ...]]:
    """Returns ids (1, N), which predict (1, N), their positions (N,), and the segments."""
    ids, keep, places, segments, at = [], [], [], list[Segment](), 0
    for rows, shared in groups:
        members = laid[at : at + len(rows)]
        at += len(rows)
        common = len(segments) if shared else -1
        if shared:
            first, _ = members[0]
            ids.append(first[:shared])
            keep.append(np.zeros(shared, bool))
            places.append(np.arange(shared))
            segments.append(Segment(shared))
        for row_ids, row_keep in members:
            ids.append(row_ids[shared:])
            keep.append(row_keep[shared:])
            places.append(np.arange(shared, len(row_ids)))
            segments.append(Segment(len(row_ids) - shared, common))
    return np.concatenate(ids)[None], np.concatenate(keep)[None], np.concatenate(places), tuple(segments)


def _padded(laid: list[_Laid], pad_id: int) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.int64]]:
    shape = (len(laid), max(len(ids) for ids, _ in laid))
    ids, keep, mask = np.full(shape, pad_id), np.zeros(shape, bool), np.zeros(shape, np.int64)
    for i, (row_ids, row_keep) in enumerate(laid):
        n = len(row_ids)
        ids[i, :n], keep[i, :n], mask[i, :n] = row_ids, row_keep, 1
    return ids, keep, mask


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
