"""The loop that writes answers token by token: several rows at once, each with draws and an end of its own.

It takes the place of the library's own inside `generate`, which prepares all else. A row draws from a generator of its
own, so that it is the same in company as alone; one that has ended is left out of what follows. Keys and values grow
in place: the library's cache copies all of them for every token. Gain: see `python -m tests.bench.generate`.

B is the number of rows that are still being written, T the number of tokens so far, V the size of the vocabulary.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from transformers.cache_utils import DynamicLayer

_LEAST_ROOM_TOKENS = 64


@dataclass(slots=True)
class Row:
    """One answer.

    Attributes:
        ids: the tokens written, without the one that ended it.
        ended: the model ended it, rather than the limit of tokens.
        seconds: from where the prompt was read, which may load weights, to its last token.
    """

    generator: torch.Generator
    ids: list[int] = field(default_factory=list)
    ended: bool = False
    seconds: float = 0.0


class Writing:
    """Answers being written at once.

    Attributes:
        rows: the answers, in the order of the prompts.
        read: (ids, cache) to go on from in a later turn: (B, T) int64, and the keys and values of all but the last.
    """

    def __init__(
        self,
        count: int,
        seed: int,
        device: torch.device,
        on_token: Callable[[int, int], None],
        on_kept: Callable[[torch.Tensor], None] | None = None,
    ) -> None:
        """Begins `count` answers.

        Args:
            count: the number of prompts.
            seed: of each row's own draws.
            device: the model's.
            on_token: told (row, token), the token that ends an answer too; an exception it raises ends them all.
            on_kept: told the places in the batch, int64, of the rows that go on after others ended.
        """
        self.rows = [Row(torch.Generator(device).manual_seed(seed)) for _ in range(count)]
        self.read: tuple[torch.Tensor, Any] | None = None
        self._going = list(range(count))
        self._on_token, self._on_kept = on_token, on_kept

    def loop(
        self,
        model: Any,
        input_ids: torch.Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        **inputs: Any,
    ) -> torch.Tensor:
        """Writes until every row has ended; for `generate(custom_generate=...)`."""
        stops = set(generation_config.eos_token_id)
        out = model._prefill(input_ids, generation_config, inputs)
        grow_in_place(inputs.get("past_key_values"))
        began = time.perf_counter()
        with model._optimize_model_for_decode():
            for left in reversed(range(generation_config.max_new_tokens)):
                inputs = model._update_model_kwargs_for_generation(out, inputs)
                scores = logits_processor(input_ids, out.logits[:, -1].float())
                tokens = self._choose(scores, generation_config.do_sample)
                input_ids = torch.cat([input_ids, tokens[:, None]], -1)
                going = self._take(tokens.tolist(), stops, time.perf_counter() - began)
                if not going or not left:
                    break
                if len(going) < len(input_ids) and _divisible(inputs):
                    self._remember(input_ids, inputs)
                    input_ids, inputs = self._keep(going, input_ids, inputs)
                step = model.prepare_inputs_for_generation(input_ids, next_sequence_length=1, **inputs)
                out = model(**step, return_dict=True)
        self._remember(input_ids, inputs)
        return input_ids

    def _choose(self, scores: torch.Tensor, draw: bool) -> torch.Tensor:
        """Returns each row's next token, shape (B,), for scores of shape (B, V)."""
        if not draw:
            return scores.argmax(-1)
        shares = scores.softmax(-1)
        drawn = [torch.multinomial(share, 1, generator=self.rows[row].generator)
                 for share, row in zip(shares, self._going, strict=True)]  # fmt: skip
        return torch.cat(drawn)

    def _take(self, tokens: Sequence[int], stops: set[int], seconds: float) -> list[int]:
        """Notes the rows' next tokens; returns the places in the batch of those that go on."""
        going = []
        for place, (number, token) in enumerate(zip(self._going, tokens, strict=True)):
            row = self.rows[number]
            if row.ended:
                continue
            row.ended, row.seconds = token in stops, seconds
            if not row.ended:
                row.ids.append(token)
                going.append(place)
            self._on_token(number, token)
        return going

    def _keep(
        self, going: list[int], input_ids: torch.Tensor, inputs: dict[str, Any]
    ) -> tuple[torch.Tensor, dict[str, Any]]:
        """Leaves the other rows out of the batch."""
        places = torch.tensor(going, device=input_ids.device)
        inputs["past_key_values"].batch_select_indices(places)
        for name in ("position_ids", "attention_mask"):
            at = inputs.get(name)
            if at is not None and len(at) > 1:
                inputs[name] = at[places]
        self._going = [self._going[place] for place in going]
        if self._on_kept:
            self._on_kept(places)
        return input_ids[places], inputs

    def _remember(self, input_ids: torch.Tensor, inputs: dict[str, Any]) -> None:
        """Keeps what was read while all rows were there; leaving some out copies the rest to another place."""
        cache = inputs.get("past_key_values")
        if self.read is None and cache is not None:
            kept = copy.copy(cache)
            kept.layers = [copy.copy(layer) for layer in cache.layers]
            for layer in kept.layers:
                vars(layer).pop("update", None)  # see `grow_in_place`: it belongs to the layer it was made for
            self.read = input_ids, kept


def grow_in_place(cache: Any) -> None:
    """Makes the layers of a cache that forget nothing write behind what they hold, rather than copy it each time."""
    for layer in cache.layers if cache is not None else ():
        if type(layer) is DynamicLayer:
            layer.update = partial(_append, layer, [])


@contextmanager
def interruptible(model: Any, check: Callable[[], None] | None) -> Iterator[None]:
    """Calls `check` before each of the model's blocks, for as long as it lasts; what it raises ends the pass."""
    blocks = set(getattr(model, "_no_split_modules", None) or ())
    hooks = [] if check is None else [
        module.register_forward_pre_hook(lambda *_: check())
        for module in model.modules()
        if type(module).__name__ in blocks
    ]  # fmt: skip
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _append(
    layer: DynamicLayer, held: list[torch.Tensor], keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Takes the place of `layer.update`; `held`: where its keys and values lie, with room behind them."""
    start = layer.get_seq_length()
    if not start:
        both: tuple[torch.Tensor, torch.Tensor] = DynamicLayer.update(layer, keys, values)
        return both
    assert layer.keys is not None
    assert layer.values is not None
    end = start + keys.shape[-2]
    # Other tensors than last time, if rows were left out of the batch since.
    if not held or held[0].data_ptr() != layer.keys.data_ptr() or held[0].shape[-2] < end:
        held[:] = [_roomy(part, end) for part in (layer.keys, layer.values)]
    held[0][..., start:end, :], held[1][..., start:end, :] = keys, values
    layer.keys, layer.values = (part[..., :end, :] for part in held)
    return layer.keys, layer.values


def _roomy(part: torch.Tensor, least: int) -> torch.Tensor:
    """Returns a tensor that begins with `part`, shape (B, heads, T, D), and has room for `least` tokens and more."""
    *lead, known, width = part.shape
    made = part.new_empty(*lead, max(least + _LEAST_ROOM_TOKENS, least * 5 // 4), width)
    made[..., :known, :] = part
    return made


def _divisible(inputs: dict[str, Any]) -> bool:
    """Whether rows can be left out of what the model carries from token to token."""
    cache = inputs.get("past_key_values")
    rows = all(at is None or at.ndim == 2 for at in map(inputs.get, ("position_ids", "attention_mask")))
    return rows and cache is not None and all(isinstance(layer, DynamicLayer) for layer in cache.layers)
