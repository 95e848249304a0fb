"""The command: desk, the window's helper process."""

import argparse
import os


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    commands.add_parser("desk").set_defaults(handler=_desk)


def _desk(args: argparse.Namespace) -> int:
    # Before anything else is imported: what libraries print must not tear a line, nor may they read a request.
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    from studio.engine.desk import main

    return main(requests, replies)
