"""What a run needs in memory, by its parts, found out before a weight is loaded.

A pass is made on the meta device, where tensors have shapes and no numbers, and each one's bytes are counted for as
long as it lives: what is kept for the backward pass, and what comes and goes. Attention and norms count as their
written-out passes keep them, whatever computes them in the end. The base counts as it will be held, the optimizer as it
measures itself.
"""

import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert
from transformers.quantizers.quantizers_utils import should_convert_module

from studio.core.config import ModelSpec, RunConfig
from studio.core.events import Activations
from studio.engine import (
    adapters,
    attention,
    batches,
    choices,
    hardware,
    head,
    lora,
    memory,
    mlp,
    objectives,
    optim,
    projections,
    spare,
)
from studio.engine.tokens import Tokens

# Four bits, of each 64 weights a scale of eight bits, and of each 256 scales one of 32 (Dettmers et al. 2023, sec. 3).
_NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
# Before there is a model: Python with torch, transformers and PEFT; with bitsandbytes too; what CUDA takes of a card.
_PROCESS_BYTES, _QUANTIZING_BYTES, _CARD_BYTES = 400_000_000, 520_000_000, 600_000_000
_ATTENTION = "studio_counted"
# Models that go from token to token take long, and nobody waits for this.
_PATIENCE_S = 10.0
# What models raise that make their shapes of numbers, which there are none of.
_UNCOUNTED = (AttributeError, IndexError, NotImplementedError, RuntimeError, TimeoutError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Work:
    """What decides how large passes are.

    Attributes:
        longest: tokens of the longest row, with all its answers.
        step: tokens of the largest step.
        trained: of all tokens, the share that carries loss.
    """

    longest: int
    step: int
    trained: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of memory, of the card that computes or else of the run's process.

    Attributes:
        weights: the base, as it is held.
        trained: what is trained, with its gradients and what the optimizer notes.
        passes: the most that a pass takes besides.
        process: what is there before.
        activations: what becomes of them until the backward pass.
        tokens: of the largest pass.
    """

    weights: int
    trained: int
    passes: int
    process: int
    activations: Activations
    tokens: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.trained + self.passes + self.process


def estimate(model: PreTrainedModel, config: RunConfig, work: Work, free: float) -> Footprint | None:
    """Counts what a run of `config` needs.

    Args:
        model: the base, on the meta device; it cannot be used for anything else afterwards.
        config: the run's.
        work: how large its passes are.
        free: bytes there are for all of it.

    Returns:
        None for a model that is quantized already, or that cannot be computed without numbers, or not soon.

    Raises:
        StudioError: as `adapters.attach`, `choices.fit` and `optim.make_optimizer`.
    """
    if getattr(model.config, "quantization_config", None):
        return None  # its config does not say what it takes
    device = hardware.device()
    held = held_bytes(model.to(hardware.dtype(config.model, device)), config.model)
    largest = max((layer.weight.numel() for layer in _quantized(model, config.model)), default=0)
    adapted = adapters.attach(model, config.adapter)
    numbers = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    weights = sum(held.get(id(p), 0) for p in adapted.parameters() if not p.requires_grad)
    trained = round(numbers * (4 + optim.coming_bytes(config.training, device)))
    process = _process_bytes(config, device)
    try:
        passes = _passes(adapted, config, work, device, free - process - weights - trained)
    except _UNCOUNTED:
        return None
    # A quantized weight is made whole again to be multiplied with.
    most = passes.most + largest * model.dtype.itemsize
    return Footprint(weights + passes.packed, trained, most, process, passes.activations, passes.tokens)


class _Passes(NamedTuple):
    """What passes take.

    Attributes:
        most: bytes, at most.
        packed: bytes of weights laid out beforehand.
        activations: see `Footprint`.
        tokens: of the largest.
    """

    most: int
    packed: int
    activations: Activations
    tokens: int


def _passes(model: Any, config: RunConfig, work: Work, device: torch.device, free: float) -> _Passes:
    """Counts passes as they will be where so many bytes are free for them; see `choices.choose`."""
    bare = objectives.bare(model)
    packable = lora.packable(model, device) if config.model.quantization == "none" else []
    flat = attention.use(bare)
    at_once = work.longest * (1 if flat else config.training.per_device_train_batch_size)
    _stand_in(model, config, _scores(bare, work.longest, device))
    ways = memory.costs(bare, _pass(model, at_once, work.trained, backward=False)[0] / at_once, device)
    fits = choices.fit(bare, config, device, ways, at_once, free)
    tokens = max(at_once, min(fits.tokens, work.step)) if flat else at_once
    if fits.activations != "kept":
        memory.recompute(bare)
    _, most = _pass(model, tokens, work.trained)
    if fits.activations == "offloaded":
        most -= round(tokens * (dict(ways)["recomputed"] - dict(ways)["offloaded"]))
    more = 2 * sum(base.weight.nbytes for base in packable)
    if not memory.has_room(more, ways, fits.activations, max(fits.tokens, at_once), free):
        more = 0
    # Where the weights lie in a file as they are, they are given back to it.
    packed = more // 2 if bare.config.dtype == torch.float32 else more
    return _Passes(most, packed, fits.activations, tokens)


def _process_bytes(config: RunConfig, device: torch.device) -> int:
    if device.type == "cuda":
        return _CARD_BYTES
    return _QUANTIZING_BYTES if spare.may_quantize(config) else _PROCESS_BYTES


def held_bytes(model: PreTrainedModel, spec: ModelSpec) -> dict[int, int]:
    """Returns what each of a base's parameters takes as it is held, by its identity.

    Args:
        model: without an adapter, in the format of what is not quantized.
        spec: how it is held.
    """
    held = {id(p): p.nbytes for p in model.parameters()}
    for module in _quantized(model, spec):
        numbers, outputs = module.weight.numel(), module.weight.shape[isinstance(module, Conv1D)]
        # LLM.int8() has a scale for each output (Dettmers et al. 2022).
        held[id(module.weight)] = round(numbers * _NF4_BYTES) if spec.quantization == "nf4" else numbers + 4 * outputs
    return held


def _quantized(model: PreTrainedModel, spec: ModelSpec) -> list[Any]:
    """Returns the layers that transformers has bitsandbytes quantize."""
    if spec.quantization == "none":
        return []
    plain = get_keys_to_not_convert(model)
    layers = ((name, one) for name, one in model.named_modules() if isinstance(one, torch.nn.Linear | Conv1D))
    return [layer for name, layer in layers if should_convert_module(name, plain)]


class _Living(TorchDispatchMode):
    """Counts the bytes of the tensors that are made while it lasts, for as long as they live."""

    def __init__(self, there: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._known = {tensor.untyped_storage()._cdata for tensor in there}
        self._until = time.monotonic() + _PATIENCE_S
        self.now = self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if time.monotonic() > self._until:
            raise TimeoutError
        if func is torch.ops.aten._local_scalar_dense.default:
            return True  # models ask whether nothing is padded
        found = _grouped(*args) if func is torch.ops.aten._grouped_mm.default else func(*args, **(kwargs or {}))
        for tensor in tree_leaves(found):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor.untyped_storage())
        self.most = max(self.most, self.now)
        return found

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.now += size
            weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def _grouped(a: torch.Tensor, b: torch.Tensor, ends: torch.Tensor, *_: Any) -> torch.Tensor:
    """Returns the shape of experts' products, which torch's own gives for bfloat16 alone."""
    shape = (len(a), b.shape[-1])
    return a.new_empty(shape if b.dim() == 3 else (len(ends), *shape))


class _Attention(torch.autograd.Function):
    """What attention keeps: queries, keys, values, the result, and a number for each head and token.

    Where scores are kept, also so many numbers for each head and token.
    """

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scores: int) -> Any:
        shape = q.shape[:3]
        found = q.new_empty(shape[0], shape[2], shape[1], v.shape[-1])
        ctx.save_for_backward(q, k, v, found, q.new_empty(*shape, 1 + scores, dtype=torch.float32))
        return found

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return *map(torch.empty_like, ctx.saved_tensors[:3]), None


class _Norm(torch.autograd.Function):
    """What a norm keeps: its input, and a number for each token."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> Any:
        ctx.save_for_backward(x, x.new_empty(x.shape[:-1], dtype=torch.float32))
        return torch.empty_like(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return torch.empty_like(gradient)


def _scores(bare: Any, longest: int, device: torch.device) -> int:
    """Returns how many numbers attention keeps for each head and token, in float32, where it does not go without."""
    settings = bare.config.get_text_config()
    if settings._attn_implementation not in ("sdpa", attention.NAME):
        return longest * (4 + int(bare.dtype.itemsize)) // 4  # also in the format of the rest
    drops = any(getattr(settings, name, 0) for name in ("attention_dropout", "attn_pdrop"))
    # A processor has no fused kernel that drops.
    return 3 * longest if drops and device.type == "cpu" else 0


def _stand_in(model: Any, config: RunConfig, scores: int) -> None:
    """Has `model` compute as it will, as far as memory tells; without autocast, which the meta device has not."""
    bare = objectives.bare(model)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(bare.get_input_embeddings().weight.dtype)
    if config.model.quantization != "8bit":
        for path in (lora, projections, mlp):
            path.use(model)
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm") and not any(p.requires_grad for p in module.parameters()):
            module.forward = _Norm.apply
    if bare._can_set_attn_implementation():
        AttentionInterface.register(_ATTENTION, _attending(scores))
        AttentionMaskInterface.register(_ATTENTION, lambda **_: None)
        bare.set_attn_implementation(_ATTENTION)


def _attending(scores: int) -> Any:
    def attend(_: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *__: Any, **___: Any) -> Any:
        return _Attention.apply(q, k, v, scores), None  # type: ignore[no-untyped-call]

    return attend


def _pass(model: Any, tokens: int, share: float, backward: bool = True) -> tuple[int, int]:
    """Returns the bytes that a pass keeps for its backward pass, and that live at once at most.

    Args:
        model: with what stands in for its passes.
        tokens: of the pass.
        share: of them, those that carry loss.
        backward: whether that is made too.
    """
    trained, one = np.arange(tokens) >= tokens * (1 - share), np.zeros(1, np.int64)
    length = np.array([tokens], np.int32)
    laid = Tokens(np.zeros(tokens, np.int32), trained, np.array([0, tokens]), one, one, length, 0, [])
    batch = batches.collate(laid, [batches.Group(one)], "padded", 0).to(torch.device("meta"))
    chunked = not head.refusal(objectives.bare(model))
    # Gradients are there from a step's first pass on; they count with what is trained.
    gradients = [torch.empty_like(p) for p in model.parameters() if p.requires_grad]
    for parameter, gradient in zip((p for p in model.parameters() if p.requires_grad), gradients, strict=True):
        parameter.grad = gradient
    model.train()
    with _Living((*model.parameters(), *model.buffers(), *gradients)) as living:
        loss = objectives.language_modelling(model, batch, chunked).sum()
        kept = living.now
        if backward:
            loss.backward()
    return kept, living.most
