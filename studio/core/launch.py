"""Starting a run's process: detached, so that it outlives whoever started it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, get_args

import filelock

import studio
from studio import paths
from studio.core import events, files, run_queue
from studio.core.errors import EXIT_CODES, Reason, StudioError
from studio.core.files import disk_error, read_lines
from studio.core.runs import LOOKED_S, Run

# SIGVTALRM: by it the system ends a process in which a chat template hangs; see `studio.engine.limits`.
TEMPLATE_SIGNAL = 26
TEMPLATE_END = (
    "Laying out a row with the chat template did not come to an end.",
    "Choose another chat template with data.chat_template.",
)
CLOSE_AND_RESUME = (
    "Resume the run: it goes on from its last checkpoint. Before that, close other programs if memory is short."
)
_LOOK_S = 1.0
_POLL_S = 0.05
_LOG_BYTES, _LOG_LINES = 65_536, 20
_OF_THREADS = ("Thread 0x", "Current thread 0x", "  ")  # how faulthandler's lines begin
# Elsewhere a session of its own is enough; Windows hands a console's Ctrl+C and its closing to all in one group, and an
# SSH server's job there ends with all that is in it, where it does not let go of one.
if sys.platform == "win32":
    _APART = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    _WAYS: tuple[int, ...] = (_APART | subprocess.CREATE_BREAKAWAY_FROM_JOB, _APART)
else:
    _WAYS = (0,)


def start(run: Run, *, queued: bool = False) -> subprocess.Popen[bytes]:
    """Starts or resumes `run` in a process and a session of its own.

    With `queued` that process waits until the runs that were started before have come to their ends. Its output goes
    to `worker.log`, its input is empty: a pipe nobody drains would freeze it, and an inherited terminal would take it
    along.

    Raises:
        StudioError: (busy) a process already works on it; (disk) its folder cannot be written; (run) it is gone, or
            the system starts no process.
    """
    try:
        # Whoever looks whether the run is alive, a list in the window say, holds its lock for a moment. It is kept, so
        # that nobody removes the run meanwhile; its process waits for it.
        with run.claim(_LOOK_S):
            known = _enter(run, queued)
            try:
                return _begun(run, queued)
            except StudioError:
                if not known:  # what was cut off before is so still
                    with suppress(StudioError):
                        run_queue.leave(run)
                raise
    except StudioError as error:
        if error.reason != "busy":
            raise
        message, hint = f"The run {run.name} is already going.", f"Stop it with `studio runs stop {run.address}`."
        state = run.summary().state
        if state == "paused":
            message = f"The run {run.name} is paused, and its process is there."
            hint = f"Go on with `studio runs continue {run.address}`."
        if state == "queued":
            message = f"The run {run.name} waits for its turn already."
            hint = f"Start it at once with `studio runs queue {run.address} --now`."
        raise StudioError("busy", message, hint) from None


def _enter(run: Run, queued: bool) -> bool:
    """Notes that the run's process is about to start; returns whether it was listed."""
    try:
        return run_queue.enter([run], waits=queued)
    except StudioError:
        if queued:
            raise
        return False  # one that waits for nobody begins all the same


def detach(run: Run, *, queued: bool = False) -> None:
    """As `start`, and returns once the process is at work: of several that do this at once only one starts it.

    Raises:
        StudioError: as `start`, or the process ended before it was at work.
    """
    lock = paths.runs_dir() / ".lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(lock):
            began = files.length(run.events_path)
            process = start(run, queued=queued)
            while process.poll() is None and not run.alive():
                time.sleep(_POLL_S)
    except OSError as error:
        raise disk_error(lock, error, hint="Free some space and start the run again.") from None
    # One that was at work told of its end itself.
    if process.returncode and not read_lines(run.events_path, began)[0]:
        told = told_of(run, process.returncode)
        assert told.reason != "crash"  # which only the process itself would tell of
        raise StudioError(told.reason, told.message, told.hint, told.detail)


def _begun(run: Run, queued: bool) -> subprocess.Popen[bytes]:
    try:
        log = (run.path / "worker.log").open("ab")
        commands = files.length(run.commands_path)
    except OSError as error:
        raise disk_error(run.path, error) from None
    arguments = [sys.executable, "-P", "-m", "studio", "worker", str(run.path), "--commands-from", str(commands)]
    arguments += ["--queued"] if queued else []
    with log:
        try:
            return apart(arguments, run.path, log)
        except OSError as error:
            message = f"The run's process could not be started: {error.strerror}."
            raise StudioError("run", message, "Close other programs, then start it again.") from None


def apart(arguments: Sequence[str], folder: Path, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """Starts a process in a session of its own, which outlives this one and its terminal.

    Args:
        arguments: its command.
        folder: the one it works in.
        output: where what it prints goes.

    Raises:
        OSError: it cannot be started.
    """

    def begin(flags: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment(),
            start_new_session=True,
            creationflags=flags,
        )

    return first_allowed(begin, _WAYS)


def first_allowed(begin: Callable[[int], subprocess.Popen[bytes]], ways: Sequence[int]) -> subprocess.Popen[bytes]:
    """Starts a process with the first of `ways`, which are Windows' creation flags, that the system allows.

    Raises:
        OSError: it allows none, or the process cannot be started.
    """
    for flags in ways[:-1]:
        with suppress(PermissionError):
            return begin(flags)
    return begin(ways[-1])


def environment() -> dict[str, str]:
    """Returns the environment of a run's process.

    glibc's threads keep small blocks they were given back in a store of their own. Those lie in between a pass's
    activations, so that the next pass finds no room as large as it needs. Without that store a run of
    `tests.bench.train`'s model needs 40 to 65 MB less, and is as fast. What the user set for it is kept.
    """
    asked = os.environ.get("GLIBC_TUNABLES", "")
    tunables = asked if "tcache_count" in asked else ":".join(filter(None, (asked, "glibc.malloc.tcache_count=0")))
    return os.environ | {"PYTHONPATH": module_path(), "GLIBC_TUNABLES": tunables}


def module_path() -> str:
    """Returns the `PYTHONPATH` of a child process.

    Children start with `-P`, which keeps the working folder out of the module search; a checkout that is not installed
    is named instead.
    """
    places = [str(Path(studio.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(filter(None, places))


def death(run: Run, code: int) -> events.Failed:
    """Explains a run process that ended with `code` and said nothing: for whoever waits for it."""
    log = _last_lines(run.path / "worker.log")
    reason = next((reason for reason in get_args(Reason) if EXIT_CODES[reason] == code), None)
    if reason is not None and reason != "usage":
        # It could not write its events: another process has the run, or the disk is full.
        message = next((line for line in reversed(log) if line), "The run's process gave up.")
        return events.Failed(reason=reason, message=message, hint="Start it again when that is mended.")
    detail = "\n".join(log[-_LOG_LINES:])
    if code in (-TEMPLATE_SIGNAL, 128 + TEMPLATE_SIGNAL) or (code == 1 and _timed_out(log)):
        message, hint = TEMPLATE_END
        return events.Failed(reason="data", message=message, hint=hint, detail=detail)
    killed = code in (-9, 137)
    if killed and _waited(run):
        message = "The run's process was killed while it waited for its turn."
        hint = f"Queue it again with `studio runs resume {run.address} --queue`."
    elif killed:
        message = "The run's process was killed: by somebody, or by the system because memory ran out."
        hint = CLOSE_AND_RESUME
    elif code in (-15, 143):
        # Once it is at work, it obeys by a checkpoint.
        message = "The run's process was told to end before it was at work."
        hint = f"Resume it with `studio runs resume {run.address}`."
    else:
        message = f"The run's process ended unexpectedly (code {code})."
        hint = f"Resume it with `studio runs resume {run.address}`; worker.log in the run folder has more."
    return events.Failed(reason="run", message=message, hint=hint, detail=detail, killed=killed)


def _waited(run: Run) -> bool:
    """Whether the last that a run told is that it waits for its turn."""
    last = events.last(run.events_path)
    return isinstance(last, events.Phase) and last.name == "queued"


def _timed_out(log: Sequence[str]) -> bool:
    """Whether faulthandler ended the process, which it does where there is no such signal: it tells of it last."""
    told = (line for line in reversed(log) if line and not line.startswith(_OF_THREADS))
    return next(told, "").startswith("Timeout (")


def vanished(run: Run) -> events.Failed | None:
    """As `told_of`, of a process whose end nobody waited for; None: it has told of its end, or was asked for it."""
    if _has_ended(run) is not False:
        return None
    message = "The run's process ended without a word: it was killed, most likely because memory ran out."
    hint = CLOSE_AND_RESUME
    detail = "\n".join(_last_lines(run.path / "worker.log")[-_LOG_LINES:])
    told = events.Failed(reason="run", message=message, hint=hint, detail=detail, killed=True)
    with suppress(StudioError), run.claim(LOOKED_S):
        if isinstance(last := events.last(run.events_path), events.Failed):
            return last  # somebody else did wait for it
        run.emit(told)
    return told


def _has_ended(run: Run) -> bool | None:
    """Whether what a run told last is its end; None: it has told nothing."""
    ended = None
    for event in reversed(events.tail(run.events_path)):
        match event:
            case events.Failed() | events.Finished():
                return True
            case events.Obeyed(command={"kind": "stop"}) if not (event.step and event.command.get("keep")):
                return True
            case events.Step() | events.Resumed() | events.Prepared() | events.Phase(name="queued" | "loading"):
                return False  # what stands before is of an earlier process
        ended = False
    return ended


def told_of(run: Run, code: int) -> events.Failed:
    """As `death`, and writes it into the run's events, so that whoever looks later is told the same."""
    told = death(run, code)
    # Where another process has the run or the disk is full, nothing is to be written.
    with suppress(StudioError), run.claim(LOOKED_S):
        run.emit(told)
        if not told.killed:  # else it was cut off
            run_queue.leave(run)
    return told


def _last_lines(log: Path) -> list[str]:
    """Returns the end of a log, which may be of any length, or gone."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
