"""The run's own process: claims the run, trains it, and turns whatever ends it into an event and an exit code."""

import faulthandler
import os
import signal
import sys
import time
import traceback
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path

from studio.core import awake, events, files, notify, recovery, run_queue, settings
from studio.core.errors import EXIT_CRASH, StudioError, as_device_error, as_memory_error
from studio.core.runs import Run
from studio.engine import heap, spare
from studio.engine.loading import as_loading_error

# Whoever asks whether the run is alive holds its lock for a moment.
_CLAIM_S = 5.0
_TURN_S, _UNREADABLE_S = 0.5, 60.0


def main(folder: Path, commands_from: int, queued: bool = False) -> int:
    """Trains the run at `folder` and returns the exit code; what libraries print is the caller's to direct.

    With `queued` it waits for its turn before.
    """
    faulthandler.enable()
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Else a thread with nothing to do spins, on a core that others want: 2 threads on 2 busy cores then took 1.2 to
    # 3 times the CPU seconds, asleep as few as one thread does.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    run = Run(folder)
    # Asked to end by the system: a command like any other, so that the step in hand and a checkpoint are finished.
    signal.signal(signal.SIGTERM, lambda *_: run.ask(events.Stop(keep=False, by_system=True)))
    # In a data-parallel run the main process alone claims and writes the folder.
    leads = int(os.environ.get("RANK", "0")) == 0
    try:
        with run.claim(_CLAIM_S) if leads else nullcontext():
            code = (
                _listed(run, commands_from, queued) if leads else _work(run, commands_from, queued=False, leads=False)
            )
    except StudioError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if leads and not _stops(run, commands_from):
        with suppress(StudioError, OSError):  # whatever is told of it, the run has ended as it has
            notify.of_end(run)
    return code


def _listed(run: Run, commands_from: int, queued: bool) -> int:
    """Works while the run is listed as at work, or as waiting; by the main process.

    Whatever ends it takes it off the list, but a kill or the system's end: then it stays there, as cut off.
    """
    # A run that cannot be listed trains all the same.
    with suppress(StudioError):
        run_queue.arrive(run, waits=queued)
    try:
        return _work(run, commands_from, queued=queued, leads=True)
    finally:
        stops = _stops(run, commands_from)
        if not stops or not all(stop.by_system for stop in stops):
            with suppress(StudioError):
                run_queue.leave(run)


def _has_turn(run: Run, commands_from: int) -> bool:
    """Waits until the run's turn has come; False: it was asked to stop before. What else is asked is obeyed later.

    Raises:
        StudioError: (disk) for long it cannot be told whose turn it is.
    """
    told: Run | None = None
    failing_s = 0.0
    while not _stops(run, commands_from):
        try:
            other, failing_s = run_queue.admit(run), 0.0
        except StudioError:
            # Another process may just be replacing the list, which Windows lets nobody read then.
            if (failing_s := failing_s + _TURN_S) > _UNREADABLE_S:
                raise
            other = told or run
        if other is None:
            break
        if other != told and other != run:
            run.emit(events.Phase(name="queued", detail=other.name))
            told = other
        time.sleep(_TURN_S)
    return not _stops(run, commands_from)


def _stops(run: Run, commands_from: int) -> list[events.Stop]:
    asked = map(events.decode_command, files.read_lines(run.commands_path, commands_from)[0])
    return [command for command in asked if isinstance(command, events.Stop)]


def _work(run: Run, commands_from: int, *, queued: bool, leads: bool) -> int:
    failed, code = _outcome(run, commands_from, queued, leads)
    if failed is not None and leads:
        run.emit(_with_remedy(run, failed))
    return code


def _outcome(run: Run, commands_from: int, queued: bool, leads: bool) -> tuple[events.Failed | None, int]:
    try:
        if queued and not _has_turn(run, commands_from):
            run.emit(events.Obeyed(step=run.summary().step, command=asdict(_stops(run, commands_from)[-1])))
            return None, 0
        if leads:
            # Until torch is loaded nothing else says that a run goes on from where it ended.
            run.emit(events.Phase(name="loading"))
        # Loading torch takes seconds; the claim is held before, and the turn has come.
        with heap.kept():
            spare.imports(run.config())
            from studio.engine.train import train

        with awake.kept() if leads and settings.seen().keep_awake else nullcontext():
            train(run, commands_from, run.emit)
    except StudioError as error:
        print(error, error.detail, sep="\n", file=sys.stderr)
        return failure(error), error.exit_code
    except Exception as error:
        # The top of the process: the window must learn of every end, whatever it was.
        traceback.print_exc()
        # Too small a paging file is known by both on Windows; while torch loads, no setting of the run helps.
        told = as_loading_error(error) or as_memory_error(error) or as_device_error(error)
        if told is not None:
            return failure(told), told.exit_code
        message = f"The run ended by a defect of the program: {type(error).__name__}: {error}"
        hint = "Its checkpoints are kept. Please report the details; resuming may work."
        return events.Failed(reason="crash", message=message, hint=hint, detail=traceback.format_exc()), EXIT_CRASH
    return None, 0


def _with_remedy(run: Run, failed: events.Failed) -> events.Failed:
    """Says of memory that ran out in the midst of a run what helps this one."""
    with suppress(StudioError):
        return replace(failed, hint=recovery.hint(failed, run.summary(), run.config()))
    return failed


def failure(error: StudioError) -> events.Failed:
    """Returns the event that tells of `error`."""
    return events.Failed(reason=error.reason, message=error.message, hint=error.hint, detail=error.detail)
