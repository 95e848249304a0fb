"""The commands `space` and `trash`: what the program's files take up, and what was removed."""

import argparse
from dataclasses import asdict
from typing import Any

from studio.cli.output import add_command, one_line, show, table
from studio.core import space, trash
from studio.core.errors import StudioError
from studio.core.units import moment, plural, size

_SAID = {
    "runs": "Runs",
    "adapters": "The library",
    "states": "Of the runs: optimizer states of those that are done, which nothing needs any more",
    "cache": "The cache: what can be made again, such as rows made into tokens",
    "trash": "The trash: what was removed and can be brought back",
}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    text = "See what the program's files take up on the disk, and free some of it."
    command = add_command(commands, "space", text, _space)
    command.add_argument("--free", nargs="+", choices=space.PARTS, default=[], help="remove these for good")
    group = commands.add_parser("trash", help="See, bring back and remove for good what was removed.")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_command(actions, "list", "What was removed: runs, adapters and blind tests.", _list)
    for name, text, act in (
        ("restore", "Bring things back.", _restore),
        ("remove", "Remove things for good.", _remove),
    ):
        add_command(actions, name, text, act).add_argument("name", nargs="+", help="as `studio trash list` calls it")
    add_command(actions, "empty", "Remove all of it for good.", _empty)


def _space(args: argparse.Namespace) -> None:
    faults = list[StudioError]()
    for part in space.PARTS:
        if part in args.free:
            try:
                space.free(part)
            except StudioError as error:  # the others are freed all the same
                faults.append(error)
    if faults:
        raise faults[0]
    found = asdict(space.taken())
    lines = [f"{size(taken):>9}  {_SAID[part]}" for part, taken in found.items()]
    if any(found[part] for part in space.PARTS):
        lines += ["", f"`studio space --free {' '.join(part for part in space.PARTS if found[part])}` removes these."]
    show(args, found, "\n".join(lines))


def _list(args: argparse.Namespace) -> None:
    found = trash.listing()
    rows = [
        [one_line(item.key), item.kind, one_line(item.title), moment(item.removed_s), size(item.size_bytes)]
        for item in found
    ]
    text = table(rows, ["NAME", "KIND", "TITLE", "REMOVED", "SIZE"]) if found else "The trash is empty."
    show(args, [_plain(item) for item in found], text)


def _restore(args: argparse.Namespace) -> None:
    found = _named(args.name)
    names = [trash.restore(item) for item in found]
    plain = [_plain(item) | {"restored": name} for item, name in zip(found, names, strict=True)]
    show(args, plain, "\n".join(f"{one_line(name)} is back." for name in names))


def _remove(args: argparse.Namespace) -> None:
    found = _named(args.name)
    for item in found:
        trash.remove_for_good(item)
    plain = [_plain(item) for item in found]
    show(args, plain, "\n".join(f"{one_line(item.name)} is gone: {size(item.size_bytes)}." for item in found))


def _empty(args: argparse.Namespace) -> None:
    found = trash.listing()
    trash.empty()
    freed = sum(item.size_bytes for item in found)
    show(args, {"removed": len(found), "size_bytes": freed}, f"{plural(len(found), 'thing')} gone: {size(freed)}.")


def _named(names: list[str]) -> list[trash.Removed]:
    """Finds things in the trash; what is named twice is there once."""
    held = trash.listing()
    return list(dict.fromkeys(trash.find(name, held) for name in names))


def _plain(item: trash.Removed) -> dict[str, Any]:
    return {**asdict(item), "path": str(item.path)}
