"""The proof of an export: the same texts through the live model and through the one read back from the disk.

T is the length of a text in tokens, V the size of the vocabulary.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.engine import weights
from studio.engine.labels import Encoder

_TEXTS = (
    "Hello! Who are you?",
    "My order 1042 arrived broken. What can you do for me?",
    "What is 17 + 25? Answer with the number only.",
    "Tell me a short story about a dog, a garden and the sea.",
    "Grüße aus Köln; 你好 世界。 Translate this.",
)
ANSWER_TOKENS = 32
EXACT = 1e-3  # in float32, of logits that go up to some tens
_DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


@dataclass(frozen=True, slots=True)
class Proof:
    """How the logits of the export compare with those of the live base and adapter, both computed in float32.

    Attributes:
        max_abs_difference: the largest, over all positions and tokens.
        argmax_equal: the share of positions where both think the same token likeliest.
        positions: how many positions were compared.
        bound: the largest difference that is taken for rounding.
        adapter_effect: the largest difference the adapter makes to its base: what the export must keep.
        tokens: how many tokens of texts were compared besides; 0: the tokenizer is the same one.
        answers: how many answers were compared, token by token to their end or for `ANSWER_TOKENS`; 0: none, since no
            number was rounded so that one could change.
        answers_equal: how many of them are the same.
        fault: what else read differently; empty: nothing.
    """

    max_abs_difference: float
    argmax_equal: float
    positions: int
    bound: float
    adapter_effect: float
    tokens: int = 0
    answers: int = 0
    answers_equal: int = 0
    fault: str = ""

    @property
    def holds(self) -> bool:
        """Whether the export is what it should be; a NaN never is."""
        return not self.fault and self.max_abs_difference <= self.bound

    def to_dict(self) -> dict[str, Any]:
        """Returns all figures as plain data."""
        return asdict(self)


def prompts(encoder: Encoder) -> list[list[int]]:
    """Returns the token ids of the texts, each laid out by the template as in training."""
    return [encoder.prompt([{"role": "user", "content": text}]) for text in _TEXTS]


@torch.no_grad()
def logits(model: torch.nn.Module, texts: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """Returns the logits of each text: float32, shape (T, V), on the CPU."""
    model.eval()
    device = next(model.parameters()).device
    ids = [torch.tensor([text], device=device) for text in texts]
    # Some models' caches cannot be used at all, such as a Jamba's without attention.
    return [model(input_ids=one, use_cache=False).logits[0].float().cpu() for one in ids]


@torch.no_grad()
def answers(model: torch.nn.Module, texts: Sequence[Sequence[int]], stops: Collection[int]) -> list[list[int]]:
    """Returns the likeliest tokens behind each text, the one that ends an answer among them, or `ANSWER_TOKENS`."""
    model.eval()
    found: list[list[int]] = []
    for text in texts:
        read, cache, answer = list(text), None, list[int]()
        while len(answer) < ANSWER_TOKENS and {*stops}.isdisjoint(answer):
            out = model(input_ids=torch.tensor([read]), past_key_values=cache, use_cache=True)
            read, cache = [int(out.logits[0, -1].argmax())], out.past_key_values
            answer += read
        found.append(answer)
    return found


def repeated(model: torch.nn.Module, texts: Sequence[Sequence[int]], said: Sequence[Sequence[int]]) -> int:
    """Returns how many of the answers that another model `said` to the texts `model` gives too."""
    whole = [[*text, *answer] for text, answer in zip(texts, said, strict=False)]
    likeliest = [found.argmax(-1).tolist() for found in logits(model, whole)]
    # Each token is the likeliest behind those before it.
    return sum(
        tokens[len(text) - 1 : -1] == [*answer] for tokens, text, answer in zip(likeliest, texts, said, strict=False)
    )


def compare(
    base: Sequence[torch.Tensor], live: Sequence[torch.Tensor], again: Sequence[torch.Tensor], allowed: float
) -> Proof:
    """Compares logits of shape (T, V), text by text.

    Args:
        base: of the base alone.
        live: of the base with the adapter.
        again: of the export.
        allowed: the largest difference that is taken for rounding.
    """
    positions = sum(len(item) for item in live)
    equal = sum(int((a.argmax(-1) == b.argmax(-1)).sum()) for a, b in zip(live, again, strict=True))
    return Proof(largest(live, again), equal / positions, positions, allowed, largest(live, base))


def bound(live: Sequence[torch.Tensor], merged: Sequence[torch.Tensor], rounded: Sequence[torch.Tensor]) -> float:
    """Returns the largest difference between the live and the merged model that is taken for rounding.

    Merging in float32 only reorders sums, and `EXACT` is far above that. What storing the merged weights in a half
    format adds is measured, not guessed; it counts only if the merging itself was exact.

    Args:
        live: logits of the base with the adapter, as (T, V) each.
        merged: of the merged weights in float32.
        rounded: of the merged weights after their way through the stored format.
    """
    return EXACT + (largest(live, rounded) if largest(live, merged) <= EXACT else 0.0)


def stored_dtype(base: Path) -> torch.dtype:
    """Returns the number format most of a model's weights are stored in.

    Raises:
        StudioError: (export) they are stored quantized.
    """
    held: dict[str, int] = {}
    for file in weights.files(base):
        for dtype, shape in weights.header(file, "model").values():
            held[dtype] = held.get(dtype, 0) + math.prod(shape)
    dtype = max(held, key=lambda name: held[name])
    if "quantization_config" in weights.read_json(base / "config.json", "model") or dtype not in _DTYPES:
        raise StudioError(
            "export",
            f"The weights in {base.name} are stored quantized, and merging into those would erase most of the adapter.",
            "Name the full-precision original of this base with --base.",
        )
    return _DTYPES[dtype]


def spec(base: Path) -> ModelSpec:
    """Returns how to load `base` for exact computing: in float32.

    Raises:
        StudioError: (memory) it does not fit beside what else is running.
    """
    needed, free = 4 * count(base) * 1.1, psutil.virtual_memory().available
    if needed > free:
        raise StudioError(
            "memory",
            f"The base model takes {needed / 1e9:.1f} GB of memory in full precision; {free / 1e9:.1f} GB are free.",
            "Close other programs, or export on a machine with more memory.",
        )
    return ModelSpec(path=str(base), dtype="float32")


def count(base: Path) -> int:
    """Returns how many numbers the weights of a model are."""
    held = (weights.header(file, "model") for file in weights.files(base))
    return sum(math.prod(shape) for tensors in held for _, shape in tensors.values())


def largest(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> float:
    """Returns the largest absolute difference of two models' logits; NaN if there is one."""
    # torch.max, unlike Python's, lets a NaN through.
    return float(torch.stack([(a - b).abs().max() for a, b in zip(one, other, strict=True)]).max())
