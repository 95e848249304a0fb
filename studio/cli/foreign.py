"""The command `import-config`: a config of another program as one of this."""

import argparse
from pathlib import Path

import yaml

from studio.cli.output import add_command, printable, show
from studio.core import config_file, foreign
from studio.core.errors import StudioError
from studio.core.files import disk_error, write_atomic
from studio.core.units import plural


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    text = "Make a config of a config of axolotl, LLaMA-Factory or TRL."
    command = add_command(commands, "import-config", text, _import)
    command.add_argument("file", type=Path, help="a YAML file")
    command.add_argument("--out", type=Path, help="a new YAML file; without it the config is printed")


def _import(args: argparse.Namespace) -> None:
    made = foreign.translated(config_file.read_yaml(args.file), args.file.resolve().parent)
    text = yaml.safe_dump(made.plain(), sort_keys=False, allow_unicode=True)
    if args.out is not None:
        if args.out.exists():
            raise StudioError("usage", f"{args.out} is there already.", "Name a new file.")
        try:
            write_atomic(args.out, text.encode())
        except OSError as error:
            raise disk_error(args.out, error) from None
    count = plural(len(made.settings), "setting")
    said = [f"# Of a config of {made.program}: {count} taken over, {len(made.left)} left."]
    said += [f"# {key}: {why}" for key, why in made.left.items()]
    show(args, {"program": made.program, "settings": made.settings, "left": made.left},
         printable("\n".join([*said, "", text if args.out is None else f"Written to {args.out}."])))  # fmt: skip
