"""An adapter whose every scale is worked into its matrices: it computes the same, and every program reads it alike.

Programs overlook what PEFT's config says of single modules, and some what rsLoRA is (Kalajdzievski 2023), and then
answer otherwise without a word. Of s B A with any scale s the same is computed by (s B) A with the scale alpha / r = 1,
and a rank is filled up with zeros, which add nothing.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from studio.engine import updates, vetting
from studio.engine.updates import Trained

Numbers = NDArray[np.float32]


def folded(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Returns the tensors and the config of the adapter in `folder` with one rank r, alpha = r and no patterns.

    What is trained whole, a DoRA's magnitudes and biases stay as they are.

    Raises:
        StudioError: (adapter) it is refused, damaged, or adds what is no product of two matrices.
    """
    tensors, trained = vetting.read_tensors(folder), updates.trained_of(folder)
    rank = largest_rank(trained)
    for name, part in trained.items():
        if part.rank:
            matrices = updates.tensors(name, part, *factors(part, rank))
            tensors |= {key: torch.from_numpy(matrix) for key, matrix in matrices.items()}
    one = {"r": rank, "lora_alpha": rank, "use_rslora": False, "rank_pattern": {}, "alpha_pattern": {}}
    return tensors, vetting.check_adapter(folder) | one


def largest_rank(trained: dict[str, Trained]) -> int:
    """Returns the largest rank of an adapter's modules."""
    return max(1, *(part.rank for part in trained.values()))


def factors(part: Trained, rank: int) -> tuple[Numbers, Numbers]:
    """Returns A (`rank`, in) and s B (out, `rank`), filled up with zeros."""
    a, b = part.factors()
    more = rank - part.rank
    return np.pad(a, ((0, more), (0, 0))).astype(np.float32), np.pad(b, ((0, 0), (0, more))).astype(np.float32)
