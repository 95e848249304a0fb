"""A run's process is started outside of the job of whoever starts it, where that job lets it go."""

import subprocess
import sys

import pytest

from studio.core.launch import first_allowed


def test_a_job_that_lets_nothing_go_keeps_the_process() -> None:
    asked = []

    def begin(flags: int) -> subprocess.Popen[bytes]:
        asked.append(flags)
        if flags == 3:
            raise PermissionError(13, "Access is denied")
        return subprocess.Popen([sys.executable, "-c", ""])

    for ways, tried in (((3, 1), [3, 1]), ((1, 0), [1])):
        assert first_allowed(begin, ways).wait(60) == 0
        assert asked == tried
        asked.clear()
    with pytest.raises(PermissionError):
        first_allowed(begin, (3, 3))
