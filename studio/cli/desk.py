"""The commands that are processes of the program's own: desk and spare, the window's helpers, and afterwards."""

import argparse
import importlib
import json
import os
import sys

# What the first rows of a file and a search need.
_AHEAD = ("cli.data", "cli.data_rows", "core.limits", "core.data.index", "core.data.search", "core.data.shapes")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    commands.add_parser("desk").set_defaults(handler=_desk)
    commands.add_parser("spare").set_defaults(handler=_spare)
    commands.add_parser("afterwards").set_defaults(handler=_afterwards)


def _desk(args: argparse.Namespace) -> int:
    # Before anything else is imported: what libraries print must not tear a line, nor may they read a request.
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    from studio.engine.desk import main

    return main(requests, replies)


def _afterwards(args: argparse.Namespace) -> int:
    from studio.core import afterwards

    return afterwards.watch()


def _spare(args: argparse.Namespace) -> int:
    """Loads what reads data files, waits for one line with a command's words, and runs it; without one it ends."""
    for name in _AHEAD:
        importlib.import_module(f"studio.{name}")
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    from studio.cli import run

    return run(json.loads(line))
