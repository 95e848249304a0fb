"""The commands: model list, model show; and what a config trains of a model, for `plan --modules`."""

import argparse
import re
from dataclasses import asdict
from typing import Any

from studio.cli.output import add_command, progress, show, table
from studio.core import further, modules, picking
from studio.core.config import RunConfig
from studio.core.units import short, size

_TREE = ("MODULE", "", "TYPE", "SHAPE")
_COLUMNS = ("MODEL", "PARAMETERS", "SIZE", "ARCHITECTURE", "LICENCE", "CANNOT BE USED")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    text = "Look into a base model."
    group = commands.add_parser("model", help=text, description=text)
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = add_command(actions, "list", "The base models on this machine; nothing is loaded or downloaded.", _list)
    listed.add_argument("--folder", action="append", default=[], help="a folder to look into too; may be repeated")
    command = add_command(actions, "show", "Show a model's structure; no weights are loaded or downloaded.", _show)
    command.add_argument("model", metavar="MODEL", help="`demo`, a folder or a Hugging Face id")
    command.add_argument("--revision", help="branch, tag or commit of a Hugging Face id")


def _list(args: argparse.Namespace) -> None:
    from studio.engine.local import listing

    found = listing(args.folder)
    rows = [
        (
            model.path,
            short(model.parameters) if model.parameters else "",
            size(model.size_bytes) if model.size_bytes else "",
            model.architecture,
            model.licence,
            model.unusable,
        )
        for model in found
    ]
    show(args, [asdict(model) for model in found], table(rows, _COLUMNS))


def _show(args: argparse.Namespace) -> None:
    from studio.engine.hub import resolve
    from studio.engine.model import skeleton
    from studio.engine.targets import tree

    folder = resolve(args.model, args.revision, lambda done, total: progress("Config", done, total), need="config")
    about = tree(skeleton(folder)).to_dict()
    show(args, about, _text(about))


def _text(about: dict[str, Any]) -> str:
    """Returns the structure as a table."""
    head = f"{about['architecture']}: {about['parameters']:,} parameters, {about['layers']} layers\n\n"
    experts = sum(module["parameters"] for module in about["modules"] if module["kind"] == "experts")
    share = f"{experts / max(1, about['parameters']):.0%} of the weights"
    tail = f"\n\nExperts are {share}; adapter.target_parameters=experts adapts them." if experts else ""
    return head + table(_rows(about, "parameters"), (*_TREE, "PARAMETERS")) + tail


def _rows(about: dict[str, Any], counted: str, *more: str) -> list[tuple[str, ...]]:
    """Returns a row for each module, the same one of all layers in one; `more` are what they have in common too."""
    folded: dict[tuple[str, ...], list[int]] = {}
    for module in (module for module in about["modules"] if module["shape"] or module["parameters"]):
        name = re.sub(r"\.\d+\.", ".*.", module["name"])
        shape = " x ".join(map(str, module["shape"]))
        alike = (name, module["type"], shape, *(_written(module[key]) for key in more))
        folded.setdefault(alike, []).append(module[counted])
    return [
        (name, f"x {len(counts)}" if "*" in name else "", *alike, f"{sum(counts):,}" if sum(counts) else "")
        for (name, *alike), counts in folded.items()
    ]


def _written(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def show_trained(args: argparse.Namespace, config: RunConfig) -> None:
    """Prints what `config` trains of its model, module by module.

    Raises:
        StudioError: the model cannot be read, or the adapter fits nothing in it.
    """
    from studio.engine.hub import resolve
    from studio.engine.model import skeleton
    from studio.engine.targets import tree

    asked = further.laid_out(config)
    folder = resolve(
        asked.model.path, asked.model.revision, lambda done, total: progress("Config", done, total), need="config"
    )
    found = tree(skeleton(folder))
    about = found.to_dict() | {"trainable": modules.count(found, asked.adapter).trainable}
    about["modules"] = picking.rows(found, asked.adapter)
    head = f"{about['architecture']}: {about['trainable']:,} of {about['parameters']:,} parameters are trained\n\n"
    rows = _rows(about, "trained_parameters", "trained", "rank", "alpha")
    show(args, about, head + table(rows, (*_TREE, "TRAINED", "RANK", "ALPHA", "PARAMETERS")))
