"""What a model makes of every token of a text that is there already: its loss behind all that stands before it.

The loss is -ln p(token | what stands before), the very numbers whose mean over the learned tokens training lowers.
Beside it stand the tokens that the model holds likeliest in that place. Logits are made for some positions at a time,
never of size (T, V) for a long text. T is the number of a row's tokens, V the size of the vocabulary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from studio.core.errors import StudioError
from studio.engine.decoding import interruptible
from studio.engine.generate import still
from studio.engine.labels import Encoded
from studio.engine.model import context
from studio.engine.objectives import bare
from studio.engine.tail import replaced

TOP = 5  # likeliest tokens told of each place
_PIECE_BYTES = 2**26  # of logits in float32 at a time


@dataclass(frozen=True, slots=True)
class Scored:
    """What one model makes of a row.

    Attributes:
        losses: (T,) float32, in nats; not a number where nothing was computed: of what begins a sequence, and behind
            what the model reads at most.
        top_ids: (T, `TOP`) int32, the likeliest tokens of each place, the likeliest first; all -1 where nothing was
            computed.
        top_losses: (T, `TOP`) float32, theirs.
        read: so many of the T tokens were fed.
    """

    losses: NDArray[np.float32]
    top_ids: NDArray[np.int32]
    top_losses: NDArray[np.float32]
    read: int


def score(
    model: Any, encoded: Encoded, on_progress: Callable[[int, int], None], check: Callable[[], None] | None = None
) -> Scored:
    """Reads a row with whichever adapter is active, as training feeds it: each of its sequences by itself.

    A token that two chunks of a long text hold counts as in the first of them.

    Args:
        model: on any device; its training mode is restored afterwards.
        encoded: the row.
        on_progress: told (tokens that are scored, of all).
        check: called between the model's blocks; an exception it raises ends it.
    """
    count, most = max(chunk.stop for chunk in encoded.chunks), context(model.config).limit
    found = Scored(
        np.full(count, np.nan, np.float32),
        np.full((count, TOP), -1, np.int32),
        np.full((count, TOP), np.nan, np.float32),
        sum(min(chunk.stop - chunk.start, most or count) for chunk in encoded.chunks),
    )
    done = 0
    with torch.inference_mode(), still(model), interruptible(bare(model), check):
        for start, stop, _ in encoded.chunks:
            head = encoded.ids[: encoded.beginning] if start else []
            ids = (head + encoded.ids[start:stop])[:most]
            fresh, shift = max(done, start), start - len(head)  # a place in the sequence and one in the row differ so
            _read(model, ids, max(1, fresh - shift), shift, found)
            done = stop
            on_progress(done, count)
    return found


def summed(
    model: Any, ids: NDArray[np.int32], trained: NDArray[np.bool_], check: Callable[[], None] | None = None
) -> float:
    """Returns the loss of a sequence with whichever adapter is active, summed over what is learned of it, in nats.

    Args:
        model: on any device; its training mode is restored afterwards.
        ids: what is fed, (T,) tokens; no more than the model reads.
        trained: (T,) which of them are learned, one at least; never the first.
        check: called between the model's blocks; an exception it raises ends it.
    """
    places = np.flatnonzero(trained)
    # What stands behind the last of them changes nothing.
    fed = torch.from_numpy(ids[: places[-1] + 1].astype(np.int64))[None].to(model.device)
    total = torch.zeros((), dtype=torch.float64, device=model.device)
    with torch.inference_mode(), still(model), interruptible(bare(model), check):
        for begin, piece in _logits(model, fed, int(places[0]) - 1):
            own = torch.from_numpy(places[(places > begin) & (places <= begin + len(piece))]).to(model.device)
            targets = fed[0, own]
            total += functional.cross_entropy(piece[own - 1 - begin].float(), targets, reduction="sum")
    return float(total)


def counting(encoded: Encoded, found: Scored, end: int | None = None) -> NDArray[np.bool_]:
    """Returns which tokens the loss of a row is the mean of, (T,): those learned, or all where the row has none such.

    Args:
        encoded: the row.
        found: what one model makes of it; which tokens could be computed is the same for all.
        end: where in the row's text ends what was written; what stands behind does not count. None: at its end.

    Raises:
        StudioError: (data) none of them is among those that were read; (model) one of them has no finite loss.
    """
    read = found.top_ids[:, 0] >= 0
    learned = np.array(encoded.trained[: len(read)], np.bool_)
    counts = read & learned if any(encoded.trained) else read.copy()
    if end is not None:
        counts &= np.array([start < end and start < stop for start, stop in encoded.offsets[: len(read)]], np.bool_)
    if not counts.any():
        message = f"Only {found.read:,} of {len(encoded.ids):,} tokens are read, and none is learned."
        raise StudioError("data", message, "Shorten what stands before the answer, or raise the maximum length.")
    return counts


def _read(model: Any, ids: list[int], first: int, shift: int, found: Scored) -> None:
    """Fills in what stands from place `first` of a sequence on; `shift`: which place of the row is its place 0."""
    fed = torch.tensor([ids], device=model.device)
    for begin, piece in _logits(model, fed, first - 1):
        places = slice(begin + 1 + shift, begin + 1 + shift + len(piece))
        losses = piece.float().log_softmax(-1).neg_()
        top_losses, top_ids = losses.topk(TOP, largest=False)
        found.losses[places] = losses.gather(1, fed[0, begin + 1 : begin + 1 + len(piece), None])[:, 0].cpu().numpy()
        found.top_ids[places] = top_ids.cpu().numpy()
        found.top_losses[places] = top_losses.cpu().numpy()


def _logits(model: Any, fed: torch.Tensor, first: int) -> Iterator[tuple[int, torch.Tensor]]:
    """Yields the logits (S, V) of a sequence's places from `first` to the last but one, some at a time.

    The layers are gone through once, and what they return is handed to the model's own forward for every piece, which
    puts the head on it and whatever a model does to its logits.
    """
    inner, last = bare(model), fed.shape[1] - 1
    decoder = inner.base_model
    if not inner._supports_logits_to_keep() or decoder is inner:
        yield first, model(input_ids=fed, use_cache=False).logits[0, first:last]
        return
    step = max(1, _PIECE_BYTES // (4 * model.config.get_text_config().vocab_size))
    through = decoder(input_ids=fed, use_cache=False)
    with replaced(decoder, lambda *_, **__: through):
        for begin in range(first, last, step):
            places = torch.arange(begin, min(begin + step, last), device=fed.device)
            yield begin, model(input_ids=fed, logits_to_keep=places, use_cache=False).logits[0]
