"""The command: runs rows, which says whose loss is high."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from studio import paths
from studio.cli import data_rows, output
from studio.core import hub_ids, runs
from studio.core.errors import StudioError
from studio.core.units import plural

if TYPE_CHECKING:
    from studio.core.config import DataSpec
    from studio.core.data.datasets import Dataset
    from studio.core.events import Prepared
    from studio.core.rowlog import Numbers, Standings

_SHOWN = 20
_TEXT, _HALF = 240, 50
_TOLD = 500
_ORDERS = {
    "above": "by how far its loss lay above that of the rows beside it",
    "loss": "by its loss the last time",
    "change": "by how much its loss rose from the first time to the last",
}


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    rows = output.add_command(actions, "rows", "Show which rows a run learns worst, or those of a step.", _rows)
    rows.add_argument("run", help="a name, a part of one, or a folder")
    rows.add_argument("--step", type=output.count, metavar="N", help="the rows of this step alone")
    text = "which come first: " + "; ".join(f"`{name}`, {said}" for name, said in _ORDERS.items())
    rows.add_argument("--by", choices=tuple(_ORDERS), default="above", help=text)
    rows.add_argument("--first", type=output.count, default=_SHOWN, metavar="N", help=f"so many rows ({_SHOWN})")


def _rows(args: argparse.Namespace) -> None:
    from studio.core import rowlog

    run = runs.find(args.run)
    spec, told = run.config().data, run.summary()
    records = rowlog.read_all(run.path)
    if not len(records) and not told.steps:
        raise StudioError("run", "The run has not taken a step yet.", "Ask again once it trains.")
    if not len(records):
        message = f"The run {run.name} has no record of its rows."
        raise StudioError("run", message, "Bring rows-0.bin back from a copy of the run, or train again.")
    last = int(records["step"][-1])
    records = rowlog.finite(records) if args.step is None else records
    within = slice(None) if args.step is None else rowlog.require_step(records, args.step)
    found = rowlog.standings(records, within, told.prepared.steps_per_epoch if told.prepared is not None else 0)
    shown = found.by(args.by)[: args.first]
    texts = _nothing(found.row[shown])
    fault: StudioError | None = None
    try:
        with data_rows.guard(args) as live:
            texts = _texts(spec, told.prepared, found.row[shown], data_rows.telling(live, "Reading"))
    except StudioError as error:
        fault = error  # the figures are known all the same
    rows = [_row(found, int(at)) | said for at, said in zip(shown, texts, strict=True)]
    about = {
        "run": run.name,
        "step": args.step,
        "last_step": last,
        "by": args.by,
        "rows": rows,
        "of": len(found.row),
        "data": spec.path,
        "fault": output.plain(fault),
    }
    output.show(args, about, _told(about))
    if fault is not None and not args.json:
        print(output.printable(str(fault)), file=sys.stderr)


def _row(found: "Standings", at: int) -> dict[str, Any]:
    return {
        "row": int(found.row[at]),
        "step": int(found.step[at]),
        "times": int(found.times[at]),
        "tokens": int(found.tokens[at]),
        "first_loss": float(found.first[at]),
        "loss": float(found.loss[at]),
        "above": float(found.above[at]),
    }


def _nothing(numbers: "Numbers") -> list[dict[str, Any]]:
    return [{"where": f"({number})", "asked": "", "answer": ""} for number in numbers.tolist()]


def _texts(
    spec: "DataSpec", prepared: "Prepared | None", numbers: "Numbers", told: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """Returns of each row where it lies and what it says.

    Raises:
        StudioError: (data) it cannot be read, or is not what the run was begun with.
    """
    import numpy as np

    from studio.core.data.datasets import open_dataset
    from studio.core.versions import store

    of_hub = hub_ids.says_so(spec.path)
    if of_hub:
        # Nobody waits for a download who asks what was trained on; and what is there by now may be another.
        os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        dataset = open_dataset(spec.path, spec.format, told, spec.mapping)
    except StudioError:
        if not of_hub:
            raise
        message = f"{spec.path} is not on this machine as the run read it, so what its rows say is not shown."
        raise StudioError("data", message, "Open it as data, which downloads it, then look again.") from None
    known = dataset.column("number")
    places = np.minimum(np.searchsorted(known, numbers), max(0, len(known) - 1))
    gone = not len(known) or bool((known[places] != numbers).any())
    if gone or (prepared is not None and prepared.data not in ("", dataset.fingerprint)):
        message = f"{dataset.source.name} was changed since the run began, so what its rows say now is not shown."
        raise StudioError("data", message, "Bring the data back as it was, or look the rows up by their numbers.")
    # Steps and the window know a version's row by the file it came from, whatever else was done to the version.
    origins = store.origins(dataset) if paths.is_version(dataset.source) else None
    files = 1 if origins is None else int(origins["source"].max(initial=0)) + 1
    found = []
    for done, (number, place) in enumerate(zip(numbers.tolist(), places.tolist(), strict=True)):
        source = 0 if origins is None else int(origins["source"][place])
        there = number if origins is None else int(origins["number"][place])
        asked, answer = _said(dataset, place)
        where = f"{source}:{there}" if files > 1 else f"{there}"
        found.append({"where": where, "source": source, "number": there, "asked": asked, "answer": answer})
        if done % _TOLD == 0:
            told(done, len(numbers))
    return found


def _said(dataset: "Dataset", place: int) -> tuple[str, str]:
    """Returns how a row's last answer begins, and what it answers; a text is an answer to nothing."""
    from studio.core.data import contents

    try:
        turns = list(contents.said(dataset.text(place), dataset.format))
    except StudioError as error:
        return "", error.message
    last = max((at for at, (role, _) in enumerate(turns) if role in ("assistant", "")), default=len(turns) - 1)
    asked = turns[last - 1][1] if last > 0 and turns[last - 1][0] != "system" else ""
    return _short(asked, _TEXT), _short(turns[last][1], _TEXT)


def _short(text: str, letters: int) -> str:
    text = " ".join(text[: 4 * letters].split())
    return text if len(text) <= letters else f"{text[: letters - 3]}..."


def _told(about: dict[str, Any]) -> str:
    head = ("row", "step", "times", "tokens", "loss", "first", "above", "asked", "answer")
    which = f"of step {about['step']}" if about["step"] is not None else f"trained on by step {about['last_step']}"
    lines = [f"{len(about['rows'])} of {plural(about['of'], 'row')} {which}, {_ORDERS[about['by']]}"]
    lines.append(output.table([_cells(item) for item in about["rows"]], head))
    return "\n".join(lines)


def _cells(item: dict[str, Any]) -> Sequence[str]:
    counts = (str(item[name]) for name in ("where", "step", "times", "tokens"))
    losses = (f"{item[name]:.4f}" for name in ("loss", "first_loss"))
    return (*counts, *losses, f"{item['above']:+.4f}", _short(item["asked"], _HALF), _short(item["answer"], _HALF))
