"""The command: runs compare, which says in what runs differ and how each came out."""

import argparse
from dataclasses import asdict
from typing import Any

from studio.cli import output
from studio.core import differences, runs
from studio.core.errors import StudioError


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    text = "Show in which settings runs differ, and how each came out."
    compare = output.add_command(actions, "compare", text, _compare)
    compare.add_argument("runs", nargs="+", metavar="RUN", help="a name, a part of one, or a folder; two or more")


def _compare(args: argparse.Namespace) -> None:
    found = {run.path.resolve(): run for run in map(runs.find, args.runs)}
    if len(found) < 2:
        raise StudioError("usage", "One run alone is no comparison.", "Name two runs or more.")
    told_by = [run.progress(differences.KEPT) for run in found.values()]
    settings = differences.differing([run.config() for run in found.values()], told_by)
    about = list[dict[str, Any]]()
    for run, told in zip(found.values(), told_by, strict=True):
        state = {"run": run.name, "path": str(run.path), "state": told.state_of(run.alive())}
        about.append(state | {"steps": told.prepared.steps if told.prepared else 0} | asdict(differences.outcome(told)))
    output.show(args, {"runs": about, "settings": settings}, _told(about, settings))


def _told(about: list[dict[str, Any]], settings: dict[str, list[Any]]) -> str:
    rows = [
        ["state", *(item["state"] for item in about)],
        ["step", *(f"{item['step']}/{item['steps']}" for item in about)],
        ["loss", *(_number(item["loss"]) for item in about)],
        ["best evaluation loss", *(_number(item["eval_loss"]) for item in about)],
        ["trained tokens", *(f"{item['trained_tokens']:,}" for item in about)],
        ["seconds in steps", *(f"{item['train_s']:,.0f}" for item in about)],
    ]
    rows += [[key, *("-" if value is None else str(value) for value in values)] for key, values in settings.items()]
    text = output.table(rows, ["", *(item["run"] for item in about)])
    return text if settings else f"{text}\nTheir settings are the same."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
