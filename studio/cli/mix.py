"""The command `adapters mix`: several adapters, each as strongly as asked for, as a new one in the library."""

import argparse
import math
import shutil
import tempfile
from pathlib import Path

from studio.cli.output import add_command, one_line, show
from studio.core import library
from studio.core.errors import StudioError
from studio.core.library import Entry

_MOST = 100.0


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    mix = add_command(actions, "mix", "Add adapters up, each as strongly as you say, into a new one.", _mix)
    mix.add_argument("title", help="what to call it")
    mix.add_argument("part", nargs="+", metavar="ADAPTER=WEIGHT", help="1: as it was trained; 0.5: half as strongly")


def _mix(args: argparse.Namespace) -> None:
    title = " ".join(args.title.split())
    if not title:
        raise StudioError("usage", "The title is empty.", "Say what the adapter is to be called.")
    parts = [_part(text) for text in args.part]
    names = [entry.name for entry, _ in parts]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise StudioError("usage", f"{twice} is named twice.", "Give each adapter one weight.")
    from studio.engine import mixing

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "adapter"
        mixing.mix(parts, folder)
        first = parts[0][0]
        template = first.folder / "chat_template.jinja"
        if template.is_file():
            shutil.copyfile(template, folder / template.name)
        entry = library.add(
            folder,
            title=title,
            base=first.base,
            # How rows are laid out and the base is held, which whoever answers looks for.
            config={key: value for key, value in first.config.items() if key in ("model", "data")},
            note=" + ".join(f"{weight:g} {name}" for (_, weight), name in zip(parts, names, strict=True)),
        )
    show(args, library.to_dict(entry), f"Added as {one_line(entry.name)}: {one_line(entry.note)}.")


def _part(text: str) -> tuple[Entry, float]:
    name, equals, said = text.rpartition("=")
    try:
        weight = float(said)
    except ValueError:
        weight = math.nan
    if not equals or not abs(weight) <= _MOST:
        raise StudioError("usage", f"`{text}` names no weight.", "Write it as NAME=0.5; at most 100.")
    entry = library.verified(library.located(name))
    if entry.fault:
        raise StudioError("adapter", f"The adapter {entry.name} is damaged: {entry.fault}", "Use another one.")
    return entry, weight
