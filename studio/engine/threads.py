"""How many processor threads a run computes with: as asked, as before, or as a short measurement says.

Two threads on two cores that others use as well were a third as fast as one; alone they were half as fast again.
"""

import os
import time

import torch
from torch.nn import functional

from studio.core.runs import Run, available_threads

_ROUNDS = 5
# More threads are taken only where they are worth it to those who share the machine.
_GAIN = 1.15


def choose(run: Run) -> int:
    """Returns how many threads the run is to compute with; by the run's process.

    A run that goes on computes with as many as before, whatever is asked by then, since another number would round
    otherwise. Else `training.threads` counts, then OMP_NUM_THREADS, then what is measured now.
    """
    told = run.summary().prepared
    if told is not None and told.threads:
        return told.threads
    if asked := run.config().training.threads:
        return asked
    most = available_threads()
    return most if "OMP_NUM_THREADS" in os.environ else fastest(most)


def fastest(most: int) -> int:
    """Measures which number of threads, up to `most`, multiplies and adds the fastest; takes about half a second."""
    counts = sorted({max(1, most >> shift) for shift in range(4)})
    if len(counts) == 1:
        return counts[0]
    x, weight = torch.randn(512, 1024), torch.randn(1024, 1024)
    taken = dict.fromkeys(counts, 0.0)
    for _ in range(_ROUNDS):
        for count in counts:
            torch.set_num_threads(count)
            began = time.perf_counter()
            for _ in range(2):
                functional.silu(x @ weight).mul_(x).sum()
            taken[count] += time.perf_counter() - began
    best = counts[0]
    for count in counts[1:]:
        best = count if taken[count] * _GAIN < taken[best] else best
    torch.set_num_threads(best)
    return best
