"""An end to what a stranger's chat template does, wherever one runs: in the run, the desk and the command line.

Jinja's sandbox keeps a template from reaching anything, but not from counting for ever. Being Python, its loops can be
interrupted by an exception raised in the thread they run in; what hangs inside a single call of Python's own C code
cannot, and there the system ends the process. Time is the processor's, and the thread's own where the system tells it,
so that neither a busy machine nor another thread nor a suspended process counts as a template that hangs. Windows ends
no process by the processor's time: there, such a call is given a minute by the clock.
"""

import ctypes
import faulthandler
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from studio.core.errors import StudioError
from studio.core.limits import little_memory

# A row is laid out in milliseconds; one that takes this long, or this much memory, does so on purpose. A call that
# takes ever longer (squares of squares, each three times the last) ends when three times as much is over.
ROW_S = 0.5
MEMORY_BYTES = 1_000_000_000
# Finding the answers of a conversation takes the square of its length.
_USUAL_MESSAGES = 200
_LAST_RESORT = 3.8  # times as long
_LAST_RESORT_S, _SLACK_S = 30.0, 30.0  # by the clock, and how much more so that not each row sets it anew
_LOOK_S = 0.05
# How long a thread of OpenMP still spins for more work: KMP_BLOCKTIME of LLVM's and of Intel's.
_SPIN_S = 0.2
_GREEDY = "asked for more memory than a row can need"

Renew = Callable[[int], None]


class TooLong(BaseException):
    """A stranger's template did not come to an end. No engine code may take it for an error of its own."""


class _Watch:
    """Looks at the thread that made it until told to stop.

    Attributes:
        why: why the thread was interrupted; empty: it was not.
    """

    def __init__(self, seconds: float, system: str) -> None:
        """Starts to look."""
        self.why = ""
        self._clock = _clock(system)
        self._deadline = self._clock() + seconds
        self._most_bytes = psutil.Process().memory_info().rss + MEMORY_BYTES
        self._target, self._lock, self._done = threading.get_ident(), threading.Lock(), threading.Event()
        threading.Thread(target=self._look, name="template watch", daemon=True).start()

    def renew(self, seconds: float) -> None:
        """Gives the next row its own time."""
        self._deadline = self._clock() + seconds

    def stop(self) -> None:
        """Ends looking; nothing is raised afterwards. By the thread that is looked at.

        To take back what is raised, CPython only forgets it: the mark that there is something stays, each step of
        Python looks in vain from then on, and under a debugger the first one does so for ever (3.11). So one more
        takes its place and is waited for.
        """
        while not self._done.is_set() or self.why:
            try:
                with self._lock:
                    self._done.set()
                if self.why:
                    _raise_in(self._target)
                    while True:
                        pass
            except TooLong:
                if self._done.is_set():
                    return

    def _look(self) -> None:
        process = psutil.Process()
        while not self._done.wait(_LOOK_S):
            # The time first, without letting go of the interpreter: the thread might be in its next long call else.
            if self._clock() > self._deadline:
                return self._interrupt("did not come to an end")
            if process.memory_info().rss > self._most_bytes:
                return self._interrupt(_GREEDY)

    def _interrupt(self, why: str) -> None:
        with self._lock:
            if not self._done.is_set():
                self.why = why
                _raise_in(self._target)


@contextmanager
def limited(seconds: float = ROW_S, system: str = sys.platform) -> Iterator[Renew]:
    """Ends what a stranger's template does inside once it takes too long or too much memory; any thread.

    Args:
        seconds: of the processor's time, for a row.
        system: as `sys.platform`, by which it is known whose time is told.

    Yields:
        What gives the next row its own time: to be called before each, with how many messages it has.

    Raises:
        StudioError: (data) it did.
    """
    watch: _Watch | None = None
    collects, others_s = gc.isenabled(), _others_s(system)
    try:
        # A collection of a large heap takes as long as a row may, and what is raised in its callbacks is lost.
        gc.disable()
        try:
            watch = _Watch(seconds + others_s, system)
            with little_memory(MEMORY_BYTES), _last_resort(seconds + others_s) as put_off:

                def renew(messages: int) -> None:
                    given = seconds * max(1.0, messages / _USUAL_MESSAGES) ** 2 + others_s
                    put_off(given)
                    watch.renew(given)

                yield renew
        finally:
            if watch is not None:
                watch.stop()
            if collects:
                gc.enable()
    except TooLong:
        raise _endless(watch.why if watch else "") from None
    except MemoryError:
        raise _endless(_GREEDY) from None


def _clock(system: str) -> Callable[[], float]:
    """Returns what tells the processor time of this thread in seconds; of the whole process where there is no such."""
    if sys.platform == "linux" and system == "linux":
        clock = time.pthread_getcpuclockid(threading.get_ident())
        return lambda: time.clock_gettime(clock)
    return time.process_time


def _others_s(system: str) -> float:
    """Returns how much of the time told by `_clock` the threads of the last computation may still take."""
    return 0.0 if system == "linux" else _SPIN_S * ((os.cpu_count() or 1) - 1)


def _endless(what: str) -> StudioError:
    return StudioError("data", f"Laying out a row {what}.", "Choose another chat template with data.chat_template.")


def _raise_in(thread: int) -> None:
    """Raises `TooLong` in a thread at its next step of Python, in place of what was not raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooLong))


@contextmanager
def _last_resort(seconds: float) -> Iterator[Callable[[float], None]]:
    """Lets the system end the process where nothing in it can (see `studio.core.launch.death`), unless put off."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda seconds: None
        return
    if sys.platform == "win32":
        with by_the_clock(_LAST_RESORT_S, _SLACK_S) as put_off_later:
            yield put_off_later
        return

    def put_off(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, _LAST_RESORT * seconds)

    before = signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    put_off(seconds)
    try:
        yield put_off
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def by_the_clock(least_s: float, slack_s: float) -> Iterator[Callable[[float], None]]:
    """Lets a thread of C end the process with code 1 where what is inside takes too long, unless put off.

    Args:
        least_s: how long a row may take at least, however little of the processor's time it is given.
        slack_s: how much later the process may end, so that a row does not cost a thread.

    Yields:
        What is to be called before each row with the processor's time it is given, in seconds.
    """
    end = 0.0

    def put_off(seconds: float) -> None:
        nonlocal end
        needed = max(least_s, _LAST_RESORT * seconds)
        if time.monotonic() + needed > end:
            end = time.monotonic() + needed + slack_s
            faulthandler.dump_traceback_later(needed + slack_s, exit=True, file=2)

    put_off(0.0)
    try:
        yield put_off
    finally:
        faulthandler.cancel_dump_traceback_later()
