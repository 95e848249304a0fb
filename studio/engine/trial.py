"""Two short rows, computed the plain way first, to compare other ways of computing a model with."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch

from studio.engine import batches, memory, objectives, tail
from studio.engine.tokens import Tokens

# The largest difference in float32, relative to the largest number.
_EXACT = 1e-4
# In half precision a deep model's numbers differ by percents from one order of sums to another: by its noise, which is
# measured. What differs by more than so many times that, or by more than the last, is another function.
_NOISES, _MOST = 3.0, 0.5
# At least, with a quantized base, whose kernels may round what they are fed.
_QUANTIZED_NOISE = 2e-2
# Of the last layer and the head alone, whose roundings do not add up.
_NEAR = 1e-2


class Trial:
    """Two short rows that begin alike, and what a model makes of each alone."""

    def __init__(self, model: Any, device: torch.device, dtype: torch.dtype, whole: bool = True) -> None:
        """Computes each row alone.

        Args:
            model: with its adapter or without.
            device: where.
            dtype: the format it computes in.
            whole: its base is not quantized.
        """
        self.model, self.bare, self.device, self.dtype = model, objectives.bare(model), device, dtype
        self.exact = dtype == torch.float32 and whole
        self.least = 0.0 if whole else _QUANTIZED_NOISE
        # An embedding with LoRA does not tell its numbers, but has its weight.
        self.vocabulary = len(self.bare.get_input_embeddings().weight)
        ids = np.random.default_rng(0).integers(0, self.vocabulary, 40).astype(np.int32)
        ids[22:37] = ids[:15]
        trained = np.arange(40) % 22 > 15
        offsets, starts = np.array([0, 22, 40]), np.zeros(2, np.int64)
        self._rows = Tokens(ids, trained, offsets, np.arange(2), starts, np.diff(offsets).astype(np.int32), 0, [])
        self._logits = self._alone()
        self.noise = 0.0 if self.exact else self._measured_noise()

    def end_to_end(self, shared: bool = False) -> bool:
        """Whether rows laid end to end leave each other alone in this model.

        Attention is told of the borders by positions that start anew or by the rows' lengths; a model that ignores
        them, or carries state from token to token, would let one row see another.
        """
        common = 15 if shared else 0
        batch = self._batch("flat", 0, 1, shared=common)
        try:
            found = self._computed(objectives.supervised_logits, batch)
        except (AttributeError, TypeError):
            # A model that computes with its mask finds a number there; see `attention`.
            return False
        if self.exact:
            return bool((found - self._logits).abs().max() <= _EXACT * self._logits.abs().max().clamp(min=1e-6))
        second = batch.owners == 1
        with self._other_first_row():
            other = self._computed(objectives.supervised_logits, self._batch("flat", 0, 1, shared=common))
        apart = _difference(other[second], found[second]) <= self.noise
        return apart and _difference(found, self._logits) <= min(_NOISES * self.noise, _MOST)

    def in_chunks(self) -> bool:
        """Whether the model does nothing to the logits behind its head, such as capping or scaling them."""
        batch = self._batch("padded", 1)
        # Rounding hides what a cap does to small logits; this one it would move far.
        with self._hooked([self.bare.get_output_embeddings()], lambda _, __, given: torch.full_like(given, 100.0)):
            found = self._computed(objectives.supervised_logits, batch)
        return bool((found == 100.0).all()) and self._same_losses(batch, chunked=True)

    def where_read(self, batching: batches.Batching) -> bool:
        """Whether nothing but the supervised positions' logits depends on what the last layer adds to them."""
        try:
            return self._same_losses(self._batch(batching, 1), trimmed=True)
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            return False

    def kept_bytes(self, chunked: bool) -> tuple[tuple[int, int], tuple[int, int]]:
        """Returns of two passes in training their tokens, and the bytes they keep for their backward pass."""
        few, more = (self._batch("padded", *rows) for rows in ((0,), (0, 1)))

        def kept(batch: batches.MicroBatch) -> tuple[int, int]:
            found = memory.kept_bytes(self.model, lambda: objectives.language_modelling(self.model, batch, chunked))
            return batch.input_ids.numel(), found

        with self._mode(training=True):
            return kept(few), kept(more)

    def unrepeatable(self, batching: batches.Batching) -> str:
        """Returns which of a training pass's operations a card computes in another order each time; empty: none."""
        batch = self._batch(batching, 0, 1)
        try:
            with self._mode(training=True):
                objectives.language_modelling(self.model, batch).sum().backward()
        except RuntimeError as error:
            if "deterministic" not in str(error):
                raise
            return str(error).split(". ")[0]
        finally:
            self.model.zero_grad(set_to_none=True)
        return ""

    def _alone(self) -> torch.Tensor:
        batches_of_one = [self._batch("padded", row) for row in range(2)]
        return torch.cat([self._computed(objectives.supervised_logits, batch) for batch in batches_of_one])

    def _measured_noise(self) -> float:
        """Returns how far the logits move if what each layer gives is rounded once more, relatively."""
        generator, eps = torch.Generator(self.device).manual_seed(0), torch.finfo(self.dtype).eps / 2

        def rounded(module: torch.nn.Module, given: Any, found: Any) -> Any:
            first, *rest = found if isinstance(found, tuple) else (found,)
            drawn = torch.randn(first.shape, generator=generator, device=self.device)
            first = first * (1 + eps * drawn).to(first.dtype)
            return (first, *rest) if isinstance(found, tuple) else first

        with self._hooked(tail.layers(self.bare), rounded):
            return max(self.least, _difference(self._alone(), self._logits))

    @contextmanager
    def _hooked(self, modules: Iterable[torch.nn.Module], hook: Callable[..., Any]) -> Iterator[None]:
        """Has `hook` change what `modules` give."""
        with ExitStack() as stack:
            for module in modules:
                stack.callback(module.register_forward_hook(hook).remove)
            yield

    @contextmanager
    def _other_first_row(self) -> Iterator[None]:
        """Exchanges what the first row has behind the beginning that both have."""
        ids = self._rows.ids
        ids[15:22] = (ids[15:22] + 1) % self.vocabulary
        try:
            yield
        finally:
            ids[15:22] = (ids[15:22] - 1) % self.vocabulary

    def _same_losses(self, batch: batches.MicroBatch, **way: bool) -> bool:
        """Whether losses are the same in another way, that differs in the last layer or behind it."""
        expected = self._computed(objectives.language_modelling, batch)
        found = self._computed(objectives.language_modelling, batch, **way)
        bound = 0.1 * _EXACT * expected.abs() if self.exact else _NEAR * (expected.abs() + len(batch.targets))
        return bool(((found - expected).abs() <= bound).all())

    def _batch(self, batching: batches.Batching, *rows: int, shared: int = 0) -> batches.MicroBatch:
        return batches.collate(self._rows, [batches.Group(np.array(rows), shared)], batching, 0).to(self.device)

    def _computed(self, what: Any, batch: batches.MicroBatch, **options: Any) -> torch.Tensor:
        with self._mode(training=False), torch.no_grad():
            found: torch.Tensor = what(self.model, batch, **options)
            return found.float()

    @contextmanager
    def _mode(self, training: bool) -> Iterator[None]:
        before = self.model.training
        self.model.train(training)
        try:
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                yield
        finally:
            self.model.train(before)


def _difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm().clamp(min=1e-6))
