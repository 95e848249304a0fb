"""What `studio runs show --json` prints: all that a run has told, its steps one after the other as they are read."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from studio.cli.output import json_text
from studio.core import events, files, steps
from studio.core.config import to_dict
from studio.core.progress import Progress
from studio.core.runs import Run


def show(run: Run) -> None:
    """Prints a run as JSON; of a million steps only some are in memory at a time.

    Raises:
        StudioError: (run) it cannot be read.
    """
    # What is written meanwhile is none of it.
    config, end = run.config(), files.length(run.events_path)
    told = run.summary(end)
    about = {"run": run.name, "path": str(run.path), "state": told.state_of(run.alive()), "config": to_dict(config)}
    before, behind = json_text(about | _before(told)), json_text(_behind(told))
    sys.stdout.write(f'{before[:-1]}, "steps": [')
    between = ""
    for text in _steps(run, told.resumed, end):
        sys.stdout.write(between + text)
        between = ", "
    print(f"], {behind[1:]}", flush=True)


def _before(told: Progress) -> dict[str, Any]:
    return {"prepared": asdict(told.prepared) if told.prepared else None}


def _behind(told: Progress) -> dict[str, Any]:
    return {
        "evaluations": [asdict(item) for item in told.evaluations],
        "saved": [asdict(item) for item in told.saved],
        "resumed": [asdict(item) for item in told.resumed],
        "notices": [item.message for item in told.notices],
        "finished": asdict(told.finished) if told.finished else None,
        "failed": asdict(told.failed) if told.failed else None,
    }


def _steps(run: Run, resumed: Sequence[events.Resumed], end: int) -> Iterator[str]:
    """Yields as JSON, without brackets, the steps that no later resume has computed again."""
    back = 0
    for lines in files.pieces(run.events_path, end=end):
        begin = 0
        for at in (*(at for at, line in enumerate(lines) if _goes_back(line)), len(lines)):
            last = min((item.step for item in resumed[back:]), default=None)
            told = zip(*steps.fields_of(lines[begin:at]).values(), strict=True)
            found = [{"kind": "step"} | dict(zip(steps.NAMES, values, strict=True)) for values in told]
            if found := [item for item in found if last is None or item["step"] <= last]:
                yield json_text(found)[1:-1]
            begin, back = at, back + 1
        back -= 1  # behind the last line of a piece the run has not gone back


def _goes_back(line: bytes) -> bool:
    return b'"resumed"' in line and isinstance(events.decode_event(line), events.Resumed)
