"""The commands: model show."""

import argparse
import re
from typing import Any

from studio.cli.output import add_command, progress, show, table


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    text = "Look into a base model."
    group = commands.add_parser("model", help=text, description=text)
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    command = add_command(actions, "show", "Show a model's structure; no weights are loaded or downloaded.", _show)
    command.add_argument("model", metavar="MODEL", help="`demo`, a folder or a Hugging Face id")
    command.add_argument("--revision", help="branch, tag or commit of a Hugging Face id")


def _show(args: argparse.Namespace) -> None:
    from studio.engine.hub import resolve
    from studio.engine.model import skeleton
    from studio.engine.targets import tree

    folder = resolve(args.model, args.revision, lambda done, total: progress("Config", done, total), need="config")
    about = tree(skeleton(folder)).to_dict()
    show(args, about, _text(about))


def _text(about: dict[str, Any]) -> str:
    """Returns the structure as a table, the same module of all layers on one line."""
    folded: dict[tuple[str, str, str], list[int]] = {}
    for module in (module for module in about["modules"] if module["shape"] or module["parameters"]):
        name = re.sub(r"\.\d+\.", ".*.", module["name"])
        shape = " x ".join(map(str, module["shape"]))
        folded.setdefault((name, module["type"], shape), []).append(module["parameters"])
    rows = [
        (name, f"x {len(counts)}" if "*" in name else "", kind, shape, f"{sum(counts):,}")
        for (name, kind, shape), counts in folded.items()
    ]
    head = f"{about['architecture']}: {about['parameters']:,} parameters, {about['layers']} layers\n\n"
    return head + table(rows, ("MODULE", "", "TYPE", "SHAPE", "PARAMETERS"))
