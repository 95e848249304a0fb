"""The run's own process: claims the run, trains it, and turns whatever ends it into an event and an exit code."""

import faulthandler
import os
import signal
import sys
import traceback
from contextlib import nullcontext
from pathlib import Path

from studio.core import events
from studio.core.errors import EXIT_CRASH, StudioError, as_memory_error
from studio.core.runs import Run
from studio.engine import heap, spare
from studio.engine.loading import as_loading_error

# Whoever asks whether the run is alive holds its lock for a moment.
_CLAIM_S = 5.0


def main(folder: Path, commands_from: int) -> int:
    """Trains the run at `folder` and returns the exit code; what libraries print is the caller's to direct."""
    faulthandler.enable()
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Else a thread with nothing to do spins, on a core that others want: 2 threads on 2 busy cores then took 1.2 to
    # 3 times the CPU seconds, asleep as few as one thread does.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    run = Run(folder)
    # Asked to end by the system: a command like any other, so that the step in hand and a checkpoint are finished.
    signal.signal(signal.SIGTERM, lambda *_: run.ask(events.Stop(keep=False)))
    # In a data-parallel run the main process alone claims and writes the folder.
    leads = int(os.environ.get("RANK", "0")) == 0
    try:
        with run.claim(_CLAIM_S) if leads else nullcontext():
            return _work(run, commands_from, leads)
    except StudioError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _work(run: Run, commands_from: int, leads: bool) -> int:
    if leads:
        # Until torch is loaded nothing else says that a run goes on from where it ended.
        run.emit(events.Phase(name="loading"))
    failed, code = _outcome(run, commands_from)
    if failed is not None and leads:
        run.emit(failed)
    return code


def _outcome(run: Run, commands_from: int) -> tuple[events.Failed | None, int]:
    try:
        # Loading torch takes seconds; the claim is held before.
        with heap.kept():
            spare.imports(run.config())
            from studio.engine.train import train

        train(run, commands_from, run.emit)
    except StudioError as error:
        print(error, error.detail, sep="\n", file=sys.stderr)
        return failure(error), error.exit_code
    except Exception as error:
        # The top of the process: the window must learn of every end, whatever it was.
        traceback.print_exc()
        # Too small a paging file is known by both on Windows; while torch loads, no setting of the run helps.
        told = as_loading_error(error) or as_memory_error(error)
        if told is not None:
            return failure(told), told.exit_code
        message = f"The run ended by a defect of the program: {type(error).__name__}: {error}"
        hint = "Its checkpoints are kept. Please report the details; resuming may work."
        return events.Failed(reason="crash", message=message, hint=hint, detail=traceback.format_exc()), EXIT_CRASH
    return None, 0


def failure(error: StudioError) -> events.Failed:
    """Returns the event that tells of `error`."""
    return events.Failed(reason=error.reason, message=error.message, hint=error.hint, detail=error.detail)
