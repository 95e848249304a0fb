"""Keeps the computer from going to sleep by itself while a process works."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_WHY = "A run is training"
_ENDS_S = 5.0
# Windows' names; see SetThreadExecutionState.
_CONTINUOUS, _SYSTEM_REQUIRED = 0x8000_0000, 0x0000_0001


@contextmanager
def kept() -> Iterator[None]:
    """Asks the system not to sleep while the block runs; where it has no way to be asked, it does as ever.

    What holds the request ends with this process, also when that is killed.
    """
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetThreadExecutionState(_CONTINUOUS | _SYSTEM_REQUIRED)
        try:
            yield
        finally:
            ctypes.windll.kernel32.SetThreadExecutionState(_CONTINUOUS)
        return
    holder = _holder()
    try:
        yield
    finally:
        if holder is not None:
            holder.terminate()
            try:
                holder.wait(_ENDS_S)
            except subprocess.TimeoutExpired:
                holder.kill()
                holder.wait()


def command(platform: str, pid: int) -> list[str]:
    """Returns the command that holds the request for as long as the process `pid` is there."""
    if platform == "darwin":
        return ["caffeinate", "-i", "-w", str(pid)]
    until = ["tail", f"--pid={pid}", "-f", "/dev/null"]
    return ["systemd-inhibit", "--what=sleep:idle", "--who=Finetune Studio", f"--why={_WHY}", "--mode=block", *until]


def _holder() -> "subprocess.Popen[bytes] | None":
    nothing = subprocess.DEVNULL
    try:
        return subprocess.Popen(command(sys.platform, os.getpid()), stdin=nothing, stdout=nothing, stderr=nothing)
    except OSError:
        return None  # there is no such program
