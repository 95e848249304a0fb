"""Bounds on a process that reads strangers' files: how much memory it may take, and how long it may stand still."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from studio.core.errors import EXIT_CODES, StudioError

# On top of what the process has: far more than any reader here needs, far less than a machine has.
MEMORY_BYTES = 3_000_000_000
STILL_S = 60.0
_LOOK_S = 1.0


@contextmanager
def guarded(on_stuck: Callable[[StudioError], None], still_s: float = STILL_S) -> Iterator[Callable[[], None]]:
    """Ends the process with the exit code of `data` where what is inside takes too much memory or stands still.

    Args:
        on_stuck: says so before the process ends; called in another thread.
        still_s: how long the function that is yielded may go uncalled.

    Yields:
        What to call for each sign of life.

    Raises:
        StudioError: (data) memory ran out.
    """
    seen = time.monotonic()
    over = threading.Event()

    def live() -> None:
        nonlocal seen
        seen = time.monotonic()

    def watch() -> None:
        while not over.wait(_LOOK_S):
            if time.monotonic() - seen > still_s:
                message = f"Reading stood still for {still_s:.0f} seconds and was ended."
                on_stuck(StudioError("data", message, "The file may be damaged or made to do harm."))
                os._exit(EXIT_CODES["data"])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        with little_memory(MEMORY_BYTES):
            yield live
    except MemoryError:
        message = "Reading this takes more memory than a data file can need."
        raise StudioError("data", message, "Split it, or convert it to JSONL.") from None
    finally:
        over.set()
        thread.join()


@contextmanager
def little_memory(size: int) -> Iterator[None]:
    """Bounds what the process may take on top of what it has, in bytes, where the system can do that."""
    if sys.platform != "linux":
        yield
        return
    import resource

    # Of its own data: the files that it maps do not count.
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = psutil.Process().memory_info().data + size
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
