"""What a run needs in memory, by its parts, found out before a weight is loaded.

A pass is made on the meta device, where tensors have shapes and no numbers, and each one's bytes are counted for as
long as it lives: what is kept for the backward pass, and what comes and goes. Attention and norms count as their
written-out passes keep them, whatever computes them in the end. The base counts as it will be held, the optimizer as it
measures itself.
"""

import weakref
from collections.abc import Callable, Iterable
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
from studio.core.errors import StudioError
from studio.core.events import Activations
from studio.engine import (
    adapters,
    attention,
    batches,
    choices,
    experts,
    halves,
    hardware,
    head,
    lora,
    memory,
    methods,
    mlp,
    objectives,
    optim,
    projections,
    spare,
)
from studio.engine.model import CONFIG_ERRORS
from studio.engine.tokens import Tokens

# Four bits, of each 64 weights a scale of eight bits, and of each 256 scales one of 32 (Dettmers et al. 2023, sec. 3).
_NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
# Before there is a model: Python with torch, transformers and PEFT; with bitsandbytes too; what CUDA takes of a card.
_PROCESS_BYTES, _QUANTIZING_BYTES, _CARD_BYTES = 440_000_000, 560_000_000, 600_000_000
# Of what passes take, for what lies unused between tensors: 4 to 6 % of whole runs of `tests.bench.memory`.
_GAPS = 1.05
# Of the four matrices of a layer's size that LoHa and LoKr make its update by, three go again, and on a processor what
# comes next leaves about so many of them unfilled: in whole runs of `tests.bench.memory`.
_UNFILLED = 2
_ATTENTION = "studio_counted_{}"


@dataclass(frozen=True, slots=True)
class Work:
    """What decides how large passes are.

    Attributes:
        longest: tokens of the longest row, with all its answers.
        step: tokens of the largest step.
        rows: how many there are.
        answers: of a row, which all count in its tokens.
        trained: of all tokens, the share that carries loss.
    """

    longest: int
    step: int
    rows: int
    answers: int
    trained: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of memory, of the card that computes or else of the run's process.

    Attributes:
        weights: the base, as it is held.
        trained: what is trained, with its gradients and what the optimizer notes.
        passes: the most that a pass takes besides.
        process: what is there before.
        packed: what weights laid out beforehand take on top where there is room for them, for speed alone.
        activations: what becomes of them until the backward pass.
        tokens: of the largest pass.
        padded: rows are laid beside each other, all as long as the longest.
    """

    weights: int
    trained: int
    passes: int
    process: int
    packed: int
    activations: Activations
    tokens: int
    padded: bool

    @property
    def total(self) -> int:
        """All that it cannot do without."""
        return self.weights + self.trained + self.passes + self.process


class Counted:
    """What a run of a config takes, whatever memory is free."""

    def __init__(self, model: PreTrainedModel, config: RunConfig, work: Work, check: Callable[[], None]) -> None:
        """Counts a short pass and a longer one.

        Args:
            model: the base, on the meta device; it cannot be used for anything else afterwards.
            config: the run's.
            work: how large its passes are.
            check: called very often; an exception it raises ends the counting.

        Raises:
            StudioError: (model) it cannot be computed without numbers, or is quantized already; and as
                `adapters.attach` and `optim.make_optimizer`.
        """
        if getattr(model.config, "quantization_config", None):
            raise _uncounted("is quantized already, and does not say what it takes")
        self._config, self._work, self._device = config, work, hardware.device()
        held = held_bytes(model.to(hardware.dtype(config.model, self._device)), config.model)
        largest = max((layer.weight.numel() for layer in _quantized(model, config.model)), default=0)
        self._whole_again = largest * model.dtype.itemsize
        self._model: Any = adapters.attach(model, config.adapter)
        self._bare = objectives.bare(self._model)
        numbers, _ = adapters.count(self._model)
        self.weights = sum(held.get(id(p), 0) for p in self._model.parameters() if not p.requires_grad)
        begun = sum(one.nbytes for one in halves.frozen(self._model)) + methods.shared_bytes(self._model)
        self.trained = begun + round(numbers * (4 + optim.coming_bytes(config.training, self._device)))
        self.process = _process_bytes(config, self._device)
        self._unfilled = _UNFILLED * methods.whole_bytes(self._model) if self._device.type == "cpu" else 0
        packable = lora.packable(self._model, self._device) if config.model.quantization == "none" else []
        self._packed = 2 * sum(base.weight.nbytes for base in packable)
        self._flat = attention.use(self._bare)
        self._at_once = work.longest * (
            1 if self._flat else min(work.rows, config.training.per_device_train_batch_size)
        )
        _stand_in(self._model, config, _scores(self._bare, work.longest, self._device))
        kept, self._kept = self._lines(check)
        self._ways = memory.costs(self._bare, kept[0], kept[1], self._device)
        self._again: _Line | None = None

    def at(self, free: float, check: Callable[[], None]) -> Footprint:
        """Returns what it takes where so many bytes are free for all of it.

        Raises:
            StudioError: (model) it cannot be computed without numbers; and as `choices.fit`. What `check` raises
                passes through.
        """
        free -= self.process + self.weights + self.trained
        fits = choices.fit(self._bare, self._config, self._device, self._ways, self._at_once, free)
        tokens = max(self._at_once, min(fits.tokens, self._work.step)) if self._flat else self._at_once
        line = self._kept
        if fits.activations != "kept":
            if self._again is None:
                memory.recompute(self._bare)
                _, self._again = self._lines(check)
            line = self._again
        most = line.at(tokens)
        if fits.activations == "offloaded":
            again, outside = self._ways[-2:]
            most -= tokens * (again.token - outside.token)
        longest = max(fits.tokens, self._at_once)
        packed = self._packed if memory.has_room(self._packed, self._ways, fits.activations, longest, free) else 0
        return Footprint(
            weights=self.weights,
            trained=self.trained,
            # A quantized weight is made whole again to be multiplied with.
            passes=round(_GAPS * (most + self._whole_again)) + self._unfilled,
            process=self.process,
            # Where the weights lie in a file as they are, they are given back to it.
            packed=packed // 2 if self._bare.config.dtype in (None, torch.float32) else packed,
            activations=fits.activations,
            tokens=tokens,
            padded=not self._flat,
        )

    def _lines(self, check: Callable[[], None]) -> tuple[list[tuple[int, int]], "_Line"]:
        """Returns the tokens of two passes with what each keeps, and the most that passes take."""
        few, more = self._at_once, 2 * self._at_once
        try:
            (kept, most), (more_kept, more_most) = (
                _pass(self._model, tokens, self._work.trained, check) for tokens in (few, more)
            )
        except CONFIG_ERRORS as error:  # it makes its shapes of numbers
            raise _uncounted("cannot be computed without its numbers", str(error)) from None
        return [(few, kept), (more, more_kept)], _Line(few, most, (more_most - most) / (more - few))


class _Line(NamedTuple):
    """Bytes that grow with tokens: so many with so many, and for each more."""

    tokens: int
    bytes: int
    token: float

    def at(self, tokens: int) -> float:
        """Returns the bytes of so many tokens."""
        return self.bytes + self.token * (tokens - self.tokens)


def _uncounted(why: str, detail: str = "") -> StudioError:
    message = f"What memory this model needs cannot be told: it {why}."
    return StudioError("model", message, "Train it all the same: a run says if it does not fit.", detail)


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

    def __init__(self, there: Iterable[torch.Tensor], check: Callable[[], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch says nothing of it
        self._known = {tensor.untyped_storage()._cdata for tensor in there}
        self._check = check
        self.now = self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._check()
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
    experts.use(model)
    if config.model.quantization != "8bit":
        for path in (lora, projections, mlp):
            path.use(model)
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm") and not any(p.requires_grad for p in module.parameters()):
            module.forward = _Norm.apply
    if bare._can_set_attn_implementation():
        # What was counted before may go on being counted, as it was.
        name = _ATTENTION.format(scores)
        AttentionInterface.register(name, _attending(scores))
        AttentionMaskInterface.register(name, lambda **_: None)
        bare.set_attn_implementation(name)


def _attending(scores: int) -> Any:
    attention_of: Any = _Attention.apply

    def attend(_: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *__: Any, **___: Any) -> Any:
        return attention_of(q, k, v, scores), None

    return attend


def _pass(model: Any, tokens: int, share: float, check: Callable[[], None]) -> tuple[int, int]:
    """Returns the bytes that a pass keeps for its backward pass, and that live at once at most.

    Args:
        model: with what stands in for its passes.
        tokens: of the pass.
        share: of them, those that carry loss.
        check: see `Counted`.
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
    with _Living((*model.parameters(), *model.buffers(), *gradients), check) as living:
        loss = objectives.language_modelling(model, batch, chunked).sum()
        kept = living.now
        loss.backward()
    return kept, living.most
