"""The desk process: the window's requests, one after the other, as JSON lines on a private pipe.

Three threads at most: the reader, which also ends the process when the window is gone; the main thread, which works;
and the engine's own. It is started by the window and never outlives it.
"""

import faulthandler
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from studio.core import desk
from studio.core.errors import StudioError, as_device_error, as_memory_error
from studio.engine import heap, spare
from studio.engine.loading import as_loading_error

if TYPE_CHECKING:
    from studio.core.audit.findings import Finding
    from studio.core.evaluations import Result
    from studio.engine.desk_work import Work


class Cancelled(BaseException):
    """The window no longer wants the answer. No engine code may take it for an error of its own."""


class Pipe:
    """The window's end: requests in, replies out, whole lines each."""

    def __init__(self, requests: int, replies: int) -> None:
        """Takes the two file descriptors."""
        self._queue: queue.SimpleQueue[desk.Request] = queue.SimpleQueue()
        self._requests, self._replies = requests, replies
        self._writing, self._sorting = threading.Lock(), threading.Lock()
        self._waiting: set[int] = set()
        self._cancelled: set[int] = set()

    def say(self, reply: desk.Reply) -> None:
        """Writes a reply; any thread may."""
        line = memoryview(desk.encode(reply))
        with self._writing:
            while line:
                line = line[os.write(self._replies, line) :]

    def check(self, request_id: int) -> None:
        """Raises Cancelled if the window asked for the end of this request."""
        if request_id in self._cancelled:
            raise Cancelled

    def read(self) -> None:
        """Reads requests until the window is gone, and then ends the process, whatever it is doing."""
        with open(self._requests, "rb") as lines:
            for line in lines:
                match desk.decode_request(line):
                    case desk.Cancel(id=request_id):
                        self._cancel(request_id)
                    case desk.Failed() as refused:
                        self.say(refused)
                    case request:
                        self._waiting.add(request.id)
                        self._queue.put(request)
        os._exit(0)

    def next(self) -> desk.Request:
        """Waits for the next request that nobody has cancelled; for the main thread."""
        while True:
            request = self._queue.get()
            with self._sorting:
                if request.id in self._waiting:
                    self._waiting.discard(request.id)
                    return request

    def _cancel(self, request_id: int) -> None:
        """Ends a request that waits at once, without waiting for the one being worked on."""
        with self._sorting:
            waits = request_id in self._waiting
            self._waiting.discard(request_id)
            self._cancelled.add(request_id)
        if waits:
            self.say(desk.Cancelled(id=request_id))


def main(requests: int, replies: int) -> int:
    """Works on requests until the pipe ends; never returns before.

    Args:
        requests: the file descriptor that requests are read from.
        replies: the one that replies are written to; what libraries print must go elsewhere.
    """
    faulthandler.enable()
    # Ctrl+C in the terminal is for the window; this process ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (requests, replies):
            msvcrt.setmode(descriptor, os.O_BINARY)
    pipe = Pipe(requests, replies)
    threading.Thread(target=pipe.read, name="desk reader", daemon=True).start()
    # Loading torch takes seconds; the reader is at work before.
    try:
        work = ready()
    except (ImportError, OSError) as error:
        told = as_loading_error(error)
        if told is None:
            raise
        while True:
            pipe.say(desk.failure(pipe.next().id, told))

    while True:
        serve(pipe, work, pipe.next())


def ready() -> "Work":
    """Loads what a request needs, and returns what answers them."""
    with heap.kept():
        spare.compiler()
        from studio.engine.desk_work import Work
    return Work()


def serve(pipe: Pipe, work: "Work", request: desk.Request) -> None:
    """Answers one request: with exactly one last reply, whatever happens."""
    try:
        told = _progress(pipe, request.id), _pieces(pipe, request.id), _findings(pipe, request.id)
        result = work.do(request, *told, partial(pipe.check, request.id), _results(pipe, request.id))
        pipe.say(desk.Done(id=request.id, result=result))
    except Cancelled:
        pipe.say(desk.Cancelled(id=request.id))
    except StudioError as error:
        pipe.say(desk.failure(request.id, error))
    except Exception as error:
        # The top of the process: the window must learn of every end, whatever it was.
        traceback.print_exc()
        pipe.say(_crash(request.id, error))
        work.forget()


def _progress(pipe: Pipe, request_id: int) -> Callable[[desk.PhaseName, int, int], None]:
    def report(phase: desk.PhaseName, done: int = 0, total: int = 0) -> None:
        pipe.check(request_id)
        pipe.say(desk.Progress(id=request_id, phase=phase, done=done, total=total))

    return report


def _pieces(pipe: Pipe, request_id: int) -> Callable[[int, str], None]:
    def report(column: int, text: str) -> None:
        pipe.check(request_id)
        pipe.say(desk.Piece(id=request_id, column=column, text=text))

    return report


def _findings(pipe: Pipe, request_id: int) -> "Callable[[list[Finding]], None]":
    def report(findings: "list[Finding]") -> None:
        pipe.check(request_id)
        if findings:
            pipe.say(desk.Found(id=request_id, findings=[item.summary() for item in findings]))

    return report


def _results(pipe: Pipe, request_id: int) -> "Callable[[list[Result]], None]":
    def report(results: "list[Result]") -> None:
        pipe.check(request_id)
        pipe.say(desk.Results(id=request_id, results=results))

    return report


def _crash(request_id: int, error: Exception) -> desk.Failed:
    if as_memory_error(error) is not None:
        message = "Memory ran out."
        hint = "Close other programs, choose nf4 quantization or a smaller model, or ask for shorter answers."
        return desk.Failed(id=request_id, reason="memory", message=message, hint=hint, detail=str(error))
    if (told := as_device_error(error)) is not None:
        return desk.failure(request_id, told)
    message = f"This failed by a defect of the program: {type(error).__name__}: {error}"
    hint = "Please report the details; what is open in the window is not touched."
    return desk.Failed(id=request_id, reason="crash", message=message, hint=hint, detail=traceback.format_exc())
