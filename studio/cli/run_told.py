"""What `studio runs show` prints: how a run stands, or as JSON all it has told, its steps as they are read."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from studio.cli.output import json_text, one_line, printable
from studio.core import config_file, events, files, happened, recovery, runs, steps
from studio.core.config import RunConfig, to_dict
from studio.core.errors import StudioError
from studio.core.progress import Progress
from studio.core.runs import Run
from studio.core.units import moment, size


def show(args: argparse.Namespace) -> None:
    """Prints how a run stands.

    Raises:
        StudioError: (run) there is none, or it cannot be read.
    """
    run = runs.find(args.run)
    if args.json:
        _show_json(run)
        return
    config = run.config()
    # Of many steps the last one is read soon; where a run has gone back, only all of them tell which that is.
    summary = run.summary()
    told = summary if summary.steps else run.progress()
    now = told.state_of(run.alive())
    lines = [f"{run.name}: {now}, {run.path}", ""]
    lines += [f"  {key:<40}{one_line(str(value))}" for key, value in config_file.changed(config).items()]
    lines += ["", *_stands(run, told, now)]
    lines += [f"Peak learning rate {rate:g} from behind step {at}" for at, rate in told.learning_rates]
    lines += map(evaluated, told.evaluations)
    lines += [f"Checkpoint of step {item.step}: {size(item.size_bytes)}" for item in told.saved[-2:]]
    lines += ["", *happened.counts(told.prepared)] if told.prepared else []
    # The failure that it stands at is told below.
    ended_s = told.failed.time_s if told.failed else None
    lines += [printable(_happened(line)) for line in happened.lines(told) if line.time_s != ended_s]
    if told.failed:
        better = hint(run.address, told.failed, summary, config)
        lines += ["", printable(f"{told.failed.message}\n{better}\n{told.failed.detail}")]
    print("\n".join(lines), flush=True)


def _happened(line: happened.Line) -> str:
    when = moment(line.time_s)
    return f"{when}  {f'step {line.step:,}  ' if line.step else ''}{line.text}"


def _stands(run: Run, told: Progress, state: str) -> list[str]:
    """Returns how far a run is, in lines."""
    found, phase = list[str](), told.phase
    if told.steps:
        last, steps = told.steps[-1], told.prepared.steps if told.prepared else 0
        left = f", {last.eta_s:.0f} s left" if state == "training" else ""
        found.append(f"Step {last.step} of {steps}, loss {last.loss:.4f}, {last.tokens_per_s:,.0f} tokens/s{left}")
    if told.base and told.best:
        found.append(
            f"Evaluation loss {told.base.eval_loss:.4f} before training, {told.best.eval_loss:.4f} at its best"
        )
    if state == "queued" and phase is not None:
        found.append(f"It waits for {phase.detail}")
    if state == "preparing" and phase is not None and phase.total:
        found.append(f"{label(phase)}: {phase.done:,} of {phase.total:,}")
    if state == "interrupted":
        found.append(f"It was ended without a result. Go on with: studio runs resume {run.address}")
    return found


def label(phase: events.Phase) -> str:
    """Returns what a run is busy with."""
    said = {"reference": "Asking the base", "initialising": "Beginning the adapter"}
    return said.get(phase.name, phase.name.capitalize())


def hint(address: str, failed: events.Failed, told: Progress, config: RunConfig) -> str:
    """Returns what to do about a run's failure, with the command that does it where there is one."""
    if (command := recovery.of(failed, told, config).command) is not None:
        return f"{failed.hint} On the command line: `{recovery.words(command, address)}`."
    if (command := recovery.spares(failed, told, config)) is not None:
        return f"{failed.hint} If memory is short: `{recovery.words(command, address)}`."
    return failed.hint


def evaluated(event: events.Evaluated) -> str:
    """Returns what an evaluation found."""
    when = f"Step {event.step}" if event.step else "Before training"
    return f"{when}: evaluation loss {event.eval_loss:.4f}{accuracy(event.reward_accuracy)}"


def accuracy(share: float | None) -> str:
    """Returns how many rewards are right, to stand behind a loss."""
    return "" if share is None else f", reward accuracy {share:.0%}"


def _show_json(run: Run) -> None:
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
        "happened": [asdict(line) for line in happened.lines(told)],
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


def going(name: str) -> Run:
    """Finds a run that a process works on.

    Raises:
        StudioError: (run) there is none of the name, or no process works on it.
    """
    run = runs.find(name)
    if not run.alive():
        hint = f"It is {run.summary().state_of(alive=False)}; only a run that is going can be asked for something."
        raise StudioError("run", f"The run {run.name} is not going.", hint)
    return run
