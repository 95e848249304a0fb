"""Kills a run again and again, resumes it each time, and says what became of it.

    python -m tests.killing RUN_JSON KILLS SEED

Reads a run's config, trains it in a fresh folder in children forked from this process (which has imported torch but
never used it), and kills them with SIGKILL: half at a random moment, half at a random moment after a checkpoint began
to be written, the sooner the quicker this machine writes one. Prints JSON: kills, kills that left an unfinished
checkpoint behind, and the digests of the runs.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch

from studio.core import runs
from studio.core.config import from_dict
from studio.core.runs import Run
from studio.engine import child, heap

_POLL_S = 0.0005
_SAVES_S = 0.012


def attempt(run: Run) -> int:
    """Starts a process that works on the run."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    log = os.open(run.path / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = child.main(run.path, 0)
    os._exit(code)


def stages(run: Run) -> list[Path]:
    """Returns the unfinished checkpoints there are."""
    return list((run.path / "checkpoints").glob(".step-*"))


def killed(run: Run, pid: int, within_s: float, chance: random.Random) -> bool:
    """Kills the process at the moment chosen; False if it ended by itself before.

    With `within_s` that is so long behind the beginning of a checkpoint at most.
    """
    begun = len(run.events_path.read_bytes()) if run.events_path.exists() else 0
    saves_left = chance.randint(1, 2)
    deadline = time.monotonic() + 60
    moment: float | None = None
    seen: set[Path] = set()
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        if moment is None and within_s:
            fresh = set(stages(run)) - seen
            seen |= fresh
            saves_left -= len(fresh)
            if fresh and saves_left <= 0:
                moment = time.monotonic() + chance.uniform(0, within_s)
        elif moment is None and run.events_path.exists() and run.events_path.stat().st_size > begun:
            moment = time.monotonic() + chance.uniform(0, 1.0)
        if moment is not None and time.monotonic() >= moment:
            break
        time.sleep(_POLL_S)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def main(config_file: Path, kills: int, seed: int) -> None:
    """Kills runs until `kills` have been dealt, letting each come to its end in between."""
    torch.set_num_threads(1)
    # Before the forks, so that each has it and none looks through it for garbage.
    with heap.kept():
        from tests.training import digest
    config = from_dict(json.loads(config_file.read_text())["config"])
    chance = random.Random(seed)
    done, in_save, digests, failures = 0, 0, list[str](), list[str]()
    within_s = _SAVES_S
    while done < kills:
        run = runs.create(config, Path(tempfile.mkdtemp()) / "run")
        while True:
            pid = attempt(run)
            aimed = done % 2 == 0
            if done < kills and killed(run, pid, within_s if aimed else 0.0, chance):
                hit = bool(stages(run))
                within_s *= 0.7 if aimed and not hit else 1.0
                done += 1
                in_save += hit
                continue
            if done >= kills:
                os.waitpid(pid, 0)
            break
        if run.progress().finished is None:
            failures.append((run.path / "worker.log").read_text()[-2000:])
        else:
            digests.append(digest(run))
    print(json.dumps({"kills": done, "in_save": in_save, "digests": digests, "failures": failures}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
