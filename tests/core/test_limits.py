"""A reader that takes too much memory or stands still is ended, and says so."""

import subprocess
import sys

import pytest

from studio.core import limits
from studio.core.errors import EXIT_CODES, StudioError

CHILD = """
import sys, time
from studio.core import limits
try:
    with limits.guarded(lambda error: print(error.message, flush=True), {still}):
        {act}
except Exception as error:
    print(type(error).__name__, error)
"""


def child(act: str, still: float = 60) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(act=act, still=still)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only there can memory be bounded")
def test_too_much_memory_is_an_error_in_words() -> None:
    code, said = child("held = [bytearray(100_000_000) for _ in range(100)]")
    assert code == 0
    assert "StudioError Reading this takes more memory" in said


def test_standing_still_ends_the_process() -> None:
    code, said = child("time.sleep(60)", 0.1)
    assert code == EXIT_CODES["data"]
    assert "Reading stood still for 0 seconds" in said


def test_what_moves_goes_on_and_nothing_is_left() -> None:
    told: list[StudioError] = []
    with limits.guarded(told.append, 3) as live:
        for _ in range(3):
            live()
    assert told == []
