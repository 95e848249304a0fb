"""What a pass frees is there for the next, without asking the system."""

import subprocess
import sys

import pytest

_PASSES = """
import resource, torch
from studio.engine import heap
kept = heap.keep() if {keep} else True
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [torch.zeros(2**19) for _ in range(32)]
    del held
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there memory is given back so eagerly")
def test_a_pass_takes_the_memory_of_the_one_before() -> None:
    pages = {}
    for keep in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", _PASSES.format(keep=keep)], capture_output=True, text=True, check=True
        )
        known, faults = done.stdout.split()
        if known == "False":
            pytest.skip("this C library has no such setting")
        pages[keep] = int(faults)
    assert pages[True] < 100
    assert pages[False] > 1000
