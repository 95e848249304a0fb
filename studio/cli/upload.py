"""The command: upload, which takes an export to the Hugging Face Hub."""

import argparse
from pathlib import Path

from studio.cli.output import add_command, show
from studio.core.errors import given_path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    command = add_command(commands, "upload", "Take an export to the Hugging Face Hub.", _upload)
    command.add_argument("folder", type=Path, help="what `studio export` wrote")
    command.add_argument("repo", metavar="OWNER/NAME", help="what it is called there; made if there is none")
    text = "a model that is made is seen by everybody (by its owner alone)"
    command.add_argument("--public", action="store_true", help=text)


def _upload(args: argparse.Namespace) -> None:
    from studio.core import uploads  # it takes a while to load

    folder = given_path(args.folder, "usage").resolve()
    place = uploads.upload(folder, args.repo, private=not args.public)
    show(args, {"folder": str(folder), "repo": args.repo, "url": place}, f"Uploaded to {place}")
