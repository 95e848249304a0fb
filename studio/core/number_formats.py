"""The number formats a GGUF file's matrices can have, and how large a file comes to be."""

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Literal, get_args

Stored = Literal["f16", "q8_0", "q5_1", "q4_1", "bf16", "f32"]
FORMATS: tuple[Stored, ...] = get_args(Stored)
# Of a number. In those with a q each block of a row has a scale, and with a 1 at the end a least number too, which in
# so few bits is worth its room: with the demo's adapter q5_1 moves logits by 1.1 where q5_0 does by 4.0, and q4_1 by
# 2.6 where q4_0 does by 3.1.
BYTES: dict[Stored, float] = {
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q4_1": 20 / 32,
}
BLOCK = 32
# Below 8 bits the embedding and the output layer have 8, as llama.cpp's own quantizing holds them in more.
COARSE: tuple[Stored, ...] = ("q5_1", "q4_1")
_ENDS = ("embed_tokens.weight", "lm_head.weight", "wte.weight")
_MOST_HEADER = 100_000_000


def file_bytes(shapes: Mapping[str, Sequence[int]], stored: Stored) -> int:
    """Returns about how many bytes a model's GGUF file comes to, by its tensors' shapes as transformers names them."""
    return sum(int(BYTES[_held(name, shape, stored)] * prod(shape)) for name, shape in shapes.items())


def shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of a model's tensors, off the headers of its safetensors files; empty: they are not sound."""
    found: dict[str, tuple[int, ...]] = {}
    try:
        for file in sorted(folder.glob("*.safetensors")):
            with file.open("rb") as stream:
                length = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(length)) if length <= _MOST_HEADER else {}
            held = {name: about["shape"] for name, about in header.items() if name != "__metadata__"}
            found |= {name: tuple(int(size) for size in shape) for name, shape in held.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return found


def _held(name: str, shape: Sequence[int], stored: Stored) -> Stored:
    if len(shape) < 2:
        return "f32"
    if stored.startswith("q") and shape[-1] % BLOCK:
        return "f16"
    return "q8_0" if stored in COARSE and name.endswith(_ENDS) else stored
