"""The command `adapters mix`: several adapters, each as strongly as asked for, as a new one in the library."""

import argparse
import math
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from studio import paths
from studio.cli.output import add_command, one_line, show
from studio.core import library
from studio.core.entry import TEMPLATE
from studio.core.errors import StudioError
from studio.core.files import LEFT_S, disk_error
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
    parts = [(entry, weight) for entry, weight in parts if weight]
    template = _template([entry for entry, _ in parts])
    from studio.engine import mixing

    stage = _stage()
    try:
        mixing.mix(parts, stage)
        if template:
            (stage / TEMPLATE).write_bytes(template)
        first = parts[0][0]
        entry = library.add(
            stage,
            title=title,
            base=first.base,
            # How the base is held, which whoever answers looks for.
            config={key: value for key, value in first.config.items() if key == "model"}
            | {"mix": {entry.name: weight for entry, weight in parts}},
            note=" + ".join(f"{weight:g} {entry.name}" for entry, weight in parts),
        )
    except OSError as error:
        raise disk_error(stage, error) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    show(args, library.to_dict(entry), f"Added as {one_line(entry.name)}: {one_line(entry.note)}.")


def _stage() -> Path:
    """Returns a new place beside which what killed processes left is gone."""
    for old in paths.cache_dir().glob("mix-*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > LEFT_S:
                shutil.rmtree(old, ignore_errors=True)
    return paths.cache_dir() / f"mix-{secrets.token_hex(4)}"


def _template(entries: Sequence[Entry]) -> bytes:
    """Returns the chat template that adapters were trained with; nothing: the base's own.

    Raises:
        StudioError: (adapter) they have different ones.
    """
    files = [entry.folder / TEMPLATE for entry in entries]
    found = {file.read_bytes() if file.is_file() else b"" for file in files}
    if len(found) > 1:
        message = f"These adapters were trained with different chat templates: {', '.join(e.name for e in entries)}."
        raise StudioError("adapter", message, "Add up those of one layout.")
    return next(iter(found), b"")


def _part(text: str) -> tuple[Entry, float]:
    name, equals, said = text.rpartition("=")
    try:
        weight = float(said)
    except ValueError:
        weight = math.nan
    if not equals or not abs(weight) <= _MOST:
        raise StudioError("usage", f"`{text}` names no weight.", "Write it as NAME=0.5, with a point; at most 100.")
    entry = library.verified(library.located(name))
    if entry.fault:
        raise StudioError("adapter", f"The adapter {entry.name} is damaged: {entry.fault}", "Use another one.")
    return entry, weight
