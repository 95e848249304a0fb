"""What the program's own files take up on the disk, and what of it can be freed."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio import paths
from studio.core import cache, files, run_queue, runs, trash
from studio.core.errors import StudioError
from studio.core.files import disk_error
from studio.core.runs import LOOKED_S, Run
from studio.core.trash import size_of

Part = Literal["states", "cache", "trash"]
# In this order they are told of, and freed.
PARTS: tuple[Part, ...] = ("states", "cache", "trash")
_STATE = "optimizer.pt"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Taken:
    """What takes up room.

    Attributes:
        runs, adapters: bytes of all runs, and of the library.
        states: of optimizers, in the checkpoints of runs that are done: nothing needs them any more.
        cache: of what can be made again, such as rows made into tokens.
        trash: of what was removed.
    """

    runs: int
    adapters: int
    states: int
    cache: int
    trash: int


def taken() -> Taken:
    """Returns what the program's files take up; it looks at every file.

    Raises:
        StudioError: (disk) the folder of the runs cannot be read.
    """
    return Taken(
        runs=size_of(paths.runs_dir()),
        adapters=size_of(paths.adapters_dir()),
        states=sum(size_of(path) for _, path in _states()),
        cache=size_of(paths.cache_dir()),
        trash=size_of(paths.trash_dir()),
    )


def free(part: Part) -> None:
    """Frees what a part takes up.

    Raises:
        StudioError: (busy) runs are at work, which need the cache; (disk) something cannot be removed.
    """
    match part:
        case "states":
            _free_states()
        case "cache":
            _free_cache()
        case "trash":
            trash.empty()


def _states() -> Iterator[tuple[Run, Path]]:
    """Yields the optimizer states of the runs that cannot go on, since they have done all they were to do."""
    for run in runs.listing():
        held = list(run.path.glob(f"checkpoints/step-*/{_STATE}"))
        with suppress(StudioError):  # one that cannot be read keeps what it has
            if held and run.summary().complete:
                yield from ((run, path) for path in held)


def _free_states() -> None:
    for run, path in _states():
        try:
            with suppress(StudioError), run.claim(LOOKED_S):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(path, error) from None


def _free_cache() -> None:
    if at_work := [run.name for run in run_queue.there()]:
        message = f"Runs are at work or wait, and need the cache: {', '.join(at_work[:3])}."
        raise StudioError("busy", message, "Free it once they have ended.")
    for kind in files.inside(paths.cache_dir()):
        for path in files.inside(kind) if kind.is_dir() else [kind]:
            if path.is_dir():
                cache.forget(path)
            elif path.suffix != _LOCK:
                with suppress(OSError):  # open in another program
                    path.unlink()
