"""What a pass frees is there for the next, without asking the system; what is loaded is not searched for garbage."""

import os
import subprocess
import sys

import pytest

_PASSES = """
import resource, torch
from studio.engine import heap
kept = heap.keep() if {keep} else True
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [torch.zeros(6 * 2**20) for _ in range(6)]
    del held
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


# The library's own way depends on what happens to lie behind a block; this is the worst of it.
_GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}


@pytest.mark.skipif(sys.platform != "linux", reason="only there memory is given back so eagerly")
def test_a_pass_takes_the_memory_of_the_one_before() -> None:
    pages = {}
    for keep in (True, False):
        words = [sys.executable, "-c", _PASSES.format(keep=keep)]
        done = subprocess.run(words, env=os.environ | _GIVES_BACK, capture_output=True, text=True, check=True)
        known, faults = done.stdout.split()
        if known == "False":
            pytest.skip("this C library has no such setting")
        pages[keep] = int(faults)
    assert pages[True] < 100
    assert pages[False] > 1000


def test_what_is_loaded_is_not_looked_through_again() -> None:
    program = (
        "import gc; from studio.engine import heap\n"
        "with heap.kept():\n"
        "    held, searched = [[] for _ in range(10_000)], gc.isenabled()\n"
        "print(searched, gc.isenabled(), gc.get_freeze_count() > 10_000, len(gc.get_objects()) < 1000)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False True True True\n"
