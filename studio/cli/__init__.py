"""Every page's work as a command: the same core and the same engine, with `--json` on each.

Modules here load torch and its kin only inside the command that uses them, so that `studio --help` answers at once.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence

from studio.cli import data, demo, generate, library, models, runs, system
from studio.core.errors import EXIT_CRASH, EXIT_INTERRUPTED, StudioError

_GROUPS = (demo, system, data, models, runs, library, generate)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the whole command line."""
    top = argparse.ArgumentParser(prog="studio", description="Fine-tune a language model on your own machine.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for group in _GROUPS:
        group.add(commands)
    return top


def run(arguments: Sequence[str]) -> int:
    """Runs one command.

    Returns:
        The exit code: 0, the failure's own (`studio.core.errors.EXIT_CODES`), 130 after Ctrl+C or 70 for a defect.
    """
    args = parser().parse_args(arguments)
    try:
        code: int | None = args.handler(args)
        sys.stdout.flush()
        return code or 0
    except StudioError as error:
        return _report(args, error)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); what is still buffered must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        # The top of the process: whatever gets here is a defect, and the report says all that is known of it.
        traceback.print_exc()
        print("This is a defect of Finetune Studio; the lines above say where.", file=sys.stderr)
        return EXIT_CRASH


def _report(args: argparse.Namespace, error: StudioError) -> int:
    if getattr(args, "json", False):
        failure = {"reason": error.reason, "message": error.message, "hint": error.hint, "detail": error.detail}
        print(json.dumps({"error": failure}, ensure_ascii=False), flush=True)
    print(f"{error.message}\n{error.hint}", file=sys.stderr)
    return error.exit_code
