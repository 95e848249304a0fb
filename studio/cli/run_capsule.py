"""The command: runs capsule, which writes a file that trains a run once more without this program."""

import argparse
from pathlib import Path

from studio.cli import output
from studio.core import runs
from studio.core.errors import given_path
from studio.core.units import plural, size


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    text = "Write a file that trains a run once more without this program."
    capsule = output.add_command(actions, "capsule", text, _capsule)
    capsule.add_argument("run", help="a name, a part of one, or a folder")
    capsule.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file that ends in .zip")
    capsule.add_argument("--overwrite", action="store_true", help="FILE may be replaced")


def _capsule(args: argparse.Namespace) -> None:
    run, target = runs.find(args.run), given_path(args.out, "usage").absolute()
    from studio.engine import capsule

    found = capsule.write(run, target, _progress, overwrite=args.overwrite)
    size_bytes = target.stat().st_size
    about = {
        "run": run.name,
        "path": str(target),
        "bytes": size_bytes,
        "rows": found.rows,
        "eval_rows": found.eval_rows,
        "steps": found.steps,
    }
    held = f" and {plural(found.eval_rows, 'row')} held back" if found.eval_rows else ""
    text = (
        f"{target}: {size(size_bytes)} with {plural(found.rows, 'row')}{held}, {plural(found.steps, 'step')} and the"
        " script that takes them, train.py; unpack it and read README.md."
    )
    output.show(args, about, output.printable(text))


def _progress(doing: str, done: int, total: int) -> None:
    if total:
        output.progress(doing, done, total)
