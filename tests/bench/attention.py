"""Rows laid end to end: attention row by row beside one block-diagonal mask, forward and backward, interleaved.

    python -m tests.bench.attention [ROUNDS]

Prints JSON: seconds of a micro-batch (medians) for rows of several lengths, and the ratio of the two.
"""

import json
import statistics
import sys
import time
from typing import Any

import numpy as np
import torch

from studio.engine import attention, batches, objectives
from tests.models import random_model

_TOKENS = 2048
_SHAPE = {
    "hidden_size": 256,
    "intermediate_size": 640,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "head_dim": 32,
}


def rows_of(length: int) -> list[tuple[Any, Any]]:
    """Returns rows of `length` tokens, `_TOKENS` in all, in the shape `collate` reads."""
    random = np.random.default_rng(0)
    return [(random.integers(0, 300, length).astype(np.int32), np.ones(length, bool)) for _ in range(_TOKENS // length)]


def seconds(model: torch.nn.Module, batch: batches.MicroBatch) -> float:
    """Returns how long one forward and backward pass takes."""
    began = time.perf_counter()
    objectives.language_modelling(model, batch).sum().backward()
    return time.perf_counter() - began


def main(rounds: int) -> None:
    """Measures both in turn and prints the medians."""
    torch.set_num_threads(1)
    model = random_model("llama", **_SHAPE)
    found = {}
    for length in (64, 256, 1024, 2048):
        rows: Any = rows_of(length)
        batch = batches.collate(rows, [batches.Group(np.arange(len(rows)))], "flat", 0)
        taken: dict[str, list[float]] = {"by_row": [], "block_mask": []}
        for _ in range(rounds + 1):
            attention.use(model)
            taken["by_row"].append(seconds(model, batch))
            attention.undo(model)
            taken["block_mask"].append(seconds(model, batch))
        medians = {name: statistics.median(values[1:]) for name, values in taken.items()}
        found[length] = medians | {"ratio": medians["block_mask"] / medians["by_row"]}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
