"""What becomes of a pass's activations, and how many tokens it has, by the memory that is free.

The backward pass needs about as much as the forward pass saw: kept, it grows with the tokens of a pass and with the
layers. Computed again layer by layer (Chen et al. 2016), only each layer's input is kept, and all of one layer; on a
card those inputs can wait in the computer's memory.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers.modeling_layers import GradientCheckpointingLayer

from studio.core.events import Activations

# Of what is free: the rest is for what a layer makes and forgets, and for what lies unused between it.
_SHARE = 0.7
# Of <sys/mman.h>: what changed is kept, unlike with MADV_DONTNEED.
_MADV_PAGEOUT = 21


class Way(NamedTuple):
    """What can become of the activations.

    Attributes:
        activations: what it is called.
        token: bytes of a token.
        fixed: bytes of a pass, however few tokens it has, such as weights that DoRA makes of others.
    """

    activations: Activations
    token: float
    fixed: float = 0.0

    def bytes(self, tokens: int) -> float:
        """Returns what a pass of so many tokens takes."""
        return self.fixed + self.token * tokens


# The fastest first.
Ways = list[Way]


class Fit(NamedTuple):
    """What becomes of the activations, and the most tokens of a pass; a longer row is alone."""

    activations: Activations
    tokens: int


def kept_bytes(model: torch.nn.Module, compute: Callable[[], torch.Tensor]) -> int:
    """Returns how many bytes a forward pass keeps for its backward pass beside the weights of `model`.

    Args:
        model: whose parameters and buffers are there anyway.
        compute: makes the pass and returns its losses.
    """
    there = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in there:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        losses = compute()
    del losses
    return sum(kept.values())


def costs(model: Any, first: tuple[int, int], second: tuple[int, int], device: torch.device) -> Ways:
    """Returns what can become of the activations.

    Args:
        model: the bare model.
        first: the tokens of a pass, and the bytes it takes if all is kept.
        second: the same of a pass of more tokens.
        device: where it computes.
    """
    kept = max((second[1] - first[1]) / (second[0] - first[0]), 1.0)
    fixed = max(first[1] - kept * first[0], 0.0)
    found = [Way("kept", kept, fixed)]
    if model.supports_gradient_checkpointing:
        layers = sum(isinstance(module, GradientCheckpointingLayer) for module in model.modules()) or 1
        width = model.config.get_text_config().hidden_size * model.get_input_embeddings().weight.element_size()
        found.append(Way("recomputed", kept / layers + layers * width, fixed / layers))
        if device.type == "cuda":
            found.append(Way("offloaded", kept / layers, fixed / layers))
    return found


def fit(ways: Ways, tokens: int, longest: int, free: float) -> Fit:
    """Returns the fastest way in which the longest row fits, and with how many tokens at once.

    Args:
        ways: of `costs`.
        tokens: at most so many.
        longest: tokens of the longest row, which is in no more than one pass.
        free: bytes. If nothing fits, the last way is tried with one row at a time.
    """
    for way in ways:
        if way.bytes(longest) <= _SHARE * free:
            return Fit(way.activations, min(tokens, int((_SHARE * free - way.fixed) // way.token)))
    return Fit(ways[-1].activations, min(tokens, longest))


def recompute(model: Any, offload: bool = False) -> None:
    """Makes a bare `model` compute its activations again in the backward pass."""
    # With a checkpoint of the other kind the first layer's input would have to be trained.
    model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False}, offload=offload)


def has_room(more: float, ways: Ways, activations: Activations, tokens: int, free: float) -> bool:
    """Whether `more` bytes fit beside a pass.

    Args:
        more: bytes.
        ways: of `costs`.
        activations: what becomes of the pass's; one that is none of `ways` is taken for the dearest.
        tokens: of the longest pass.
        free: bytes.
    """
    way = next((way for way in ways if way.activations == activations), ways[0])
    return more + way.bytes(tokens) <= _SHARE * free


def give_back(tensors: Iterable[torch.Tensor]) -> None:
    """Lets Linux take back the memory of tensors that lie in a file; it reads them again when they are used.

    What lies in none stays: it would have to be written somewhere first. So does a file that other processes have in
    memory as well, or that belongs to somebody else.
    """
    if sys.platform != "linux":
        return
    advise, files = ctypes.CDLL(None).madvise, _mapped()
    for tensor in tensors:
        first, stop = tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes
        if tensor.is_contiguous() and any(begin <= first and stop <= end for begin, end in files):
            # Whole pages: what else lies in those of its ends stays.
            first = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
            whole = max(0, stop - first) // mmap.PAGESIZE * mmap.PAGESIZE
            advise(ctypes.c_void_p(first), ctypes.c_size_t(whole), _MADV_PAGEOUT)


def _mapped() -> list[tuple[int, int]]:
    """Returns from where to where files lie in this process's memory."""
    # psutil has the system count the pages of each place too, which takes fifteen times as long.
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    lines = (line.split(maxsplit=5) for line in maps.splitlines())
    places = (words[0].split("-") for words in lines if words[5:] and words[5].startswith("/"))
    return [(int(begin, 16), int(end, 16)) for begin, end in places]
