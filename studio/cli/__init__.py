"""Every page's work as a command: the same core and the same engine, with `--json` on each.

Modules here load torch and its kin only inside the command that uses them, so that `studio --help` answers at once.
"""

import argparse
import contextlib
import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from studio.cli.output import is_text, printable, show_failure
from studio.core.errors import EXIT_CRASH, EXIT_INTERRUPTED, StudioError
from studio.core.files import is_full

# Which module has a command, and what it does: only the module asked for is loaded.
_COMMANDS = {
    "demo": ("demo", "Fine-tune the built-in model on the built-in data and compare."),
    "doctor": ("system", "Check what this machine can fine-tune and whether all is in order."),
    "data": ("data", "See a data file as the model will."),
    "model": ("models", "See a model's structure."),
    "plan": ("runs", "Count what a config would train and what memory it needs, without training."),
    "import-config": ("foreign", "Make a config of a config of axolotl, LLaMA-Factory or TRL."),
    "train": ("runs", "Train a config; a closed terminal does not end it."),
    "runs": ("runs", "See and steer runs."),
    "adapters": ("library", "See and keep adapters."),
    "chat": ("generate", "Talk to a model, with or without an adapter."),
    "compare": ("generate", "Read a base's and adapters' answers side by side."),
    "evaluate": ("evaluate", "Measure a base and adapters on the rows of a file, or on those a run held back."),
    "blind": ("blind", "Judge answers without knowing whose they are; see who wins."),
    "score": ("scores", "See how likely a base and adapters hold every token of a text."),
    "export": ("library", "Write an adapter for other programs, and prove it."),
    "upload": ("upload", "Take an export to the Hugging Face Hub."),
    "space": ("space", "See what the program's files take up, and free some of it."),
    "trash": ("space", "See, bring back and remove for good what was removed."),
    "worker": ("runs", ""),
    "desk": ("desk", ""),
    "spare": ("desk", ""),
    "afterwards": ("desk", ""),
}


def parser(command: str) -> argparse.ArgumentParser:
    """Returns the command line's parser, with the options of `command` if there is such a one."""
    top = argparse.ArgumentParser(prog="studio", description="Fine-tune a language model on your own machine.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    if command in _COMMANDS:
        importlib.import_module(f"studio.cli.{_COMMANDS[command][0]}").add(commands)
        return top
    for name, (_, text) in _COMMANDS.items():
        if text:
            commands.add_parser(name, help=text)
    return top


def run(arguments: Sequence[str]) -> int:
    """Runs one command.

    Returns:
        The exit code: 0, the failure's own (`studio.core.errors.EXIT_CODES`), 130 after Ctrl+C or 70 for a defect.
    """
    as_json = "--json" in arguments
    # A file of such a name may be read.
    if odd := next((word for word in arguments if not (is_text(word) or os.path.isfile(word))), None):
        message = f"`{odd}` on the command line is not UTF-8 text."
        return _report(as_json, StudioError("usage", message, "Write it in UTF-8, or choose another name."))
    args = _parsed(arguments, as_json)
    as_json = getattr(args, "json", False)  # asked for by a part of the word, too
    try:
        code: int | None = args.handler(args)
        sys.stdout.flush()
        return code or 0
    except StudioError as error:
        return _report(as_json, error)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:
        if reader_gone(error, sys.stdout):
            _write_no_more()
            return 0
        if lost := _lost_output(error):
            _write_no_more()
            return _report(False, lost)
        from studio.engine.loading import as_loading_error

        if told := as_loading_error(error):
            return _report(as_json, told)
        # The top of the process: whatever gets here is a defect, and the report says all that is known of it.
        traceback.print_exc()
        if as_json:
            _tell("crash", "This is a defect of Finetune Studio.", "Please report it.", traceback.format_exc())
        print("This is a defect of Finetune Studio; the lines above say where.", file=sys.stderr)
        return EXIT_CRASH


def reader_gone(error: Exception, output: TextIO, system: str = sys.platform) -> bool:
    """Whether `error` says that the reader of our output has gone, as `| head` does."""
    if isinstance(error, BrokenPipeError):
        return True
    if system != "win32" or not isinstance(error, OSError) or error.errno != errno.EINVAL:
        return False
    # Windows has no word of its own for it; what could not be written then cannot be written now.
    try:
        output.flush()
    except OSError:
        return True
    return False


def _lost_output(error: Exception) -> StudioError | None:
    """Recognises that the output cannot be written: such an error names no file, as the output was open before."""
    if not isinstance(error, OSError) or error.filename is not None:
        return None
    try:
        sys.stdout.flush()
    except OSError as unwritten:
        error = unwritten
    else:
        # Of more than a buffer holds nothing is left to flush.
        if not is_full(error):
            return None
    message = f"The output could not be written: {error.strerror}."
    return StudioError("disk", message, "Free some space, or send it elsewhere.")


def _write_no_more() -> None:
    """Sees to it that what is still buffered is not written at exit, where it would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(reason: str, message: str, hint: str, detail: str) -> None:
    """Prints a failure as JSON; where that cannot be written, standard error has it alone."""
    try:
        show_failure(reason, message, hint, detail)
    except OSError:
        _write_no_more()


def _parsed(arguments: Sequence[str], as_json: bool) -> argparse.Namespace:
    """Reads the command line; of a wrong one the usage is printed, as JSON too if that is asked for.

    Raises:
        SystemExit: it is wrong, or asked for help alone.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return _understood(arguments)
    except SystemExit as end:
        print(said.getvalue(), end="", file=sys.stderr)
        if as_json and end.code:
            # What argparse says ends with `studio COMMAND: error: WHAT`.
            head, _, what = said.getvalue().strip().partition(": error: ")
            command = head.rpartition("\n")[2]
            _tell("usage", f"{what[:1].upper()}{what[1:]}.", f"`{command} --help` shows its usage.", head)
        raise


def _understood(arguments: Sequence[str]) -> argparse.Namespace:
    top = parser(arguments[0] if arguments else "")
    args, unknown = top.parse_known_args(arguments)
    if unknown:
        # An argument behind options comes too late for one that may be left out; the command's own usage says the rest.
        command: argparse.ArgumentParser = getattr(args, "parser", top)
        if command is top:
            top.error(f"unrecognized arguments: {' '.join(unknown)}")
        args = command.parse_intermixed_args(arguments[len(command.prog.split()) - 1 :])
    return args


def _report(as_json: bool, error: StudioError) -> int:
    if as_json:
        _tell(error.reason, error.message, error.hint, error.detail)
    print(printable(f"{error.message}\n{error.hint}"), file=sys.stderr)
    return error.exit_code
