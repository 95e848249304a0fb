"""Kills a run again and again while it puts its result in its place, each time a little later, until none is left.

    python -m tests.publishing RUN_JSON FOLDER

Trains a run of the config in FOLDER in a child that is killed by SIGKILL at the first touch of the disk behind the
beginning of its end, the next attempt at the second, and so on. Prints JSON: how many were killed, and what the library
held behind each of them: names, and what is wrong with them.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from studio import paths
from studio.core import library, runs
from studio.core.config import from_dict
from studio.core.runs import Run
from studio.engine import child, heap

_TOUCHES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")


def attempt(run: Run, last: int) -> bool:
    """Goes on with the run; returns whether it was killed at its touch number `last`."""
    pid = os.fork()
    if not pid:
        os.setsid()
        log = os.open(run.path / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.addaudithook(_killing(run, last))
        os._exit(child.main(run.path, 0))
    return bool(os.WIFSIGNALED(os.waitpid(pid, 0)[1]))


def _killing(run: Run, last: int) -> Any:
    places, touches = (f"{run.path / '.model-'}", f"{paths.adapters_dir()}{os.sep}"), 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touches
        if event not in _TOUCHES or not str(arguments[0]).startswith(places):
            return
        touches += 1
        if touches == last:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def main(config_file: Path, folder: Path) -> None:
    """Kills the run at every touch, then lets it come to its end."""
    torch.set_num_threads(1)
    # Before the forks, so that each has it and none looks through it for garbage.
    with heap.kept():
        from tests import training  # noqa: F401 - loaded for what it imports
    run, held = runs.create(from_dict(json.loads(config_file.read_text())["config"]), folder), list[Any]()
    while attempt(run, len(held) + 1):
        held.append([[entry.name, library.verified(entry).fault] for entry in library.entries()])
    print(json.dumps({"kills": len(held), "held": held}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
