"""What commands print: JSON for programs, plain lines for people."""

import argparse
import ctypes
import json
import math
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Sequence
from typing import Any

from studio.core.errors import StudioError

# Set by the window: progress comes as lines of JSON before the answer.
PROGRESS = "STUDIO_PROGRESS"
_EVERY_S = 0.1
_told_s = 0.0
_ended = ""  # the label of the line that was drawn to its end last
_STANDARD_OUTPUT, _VIRTUAL_TERMINAL = -11, 4  # of Windows' GetStdHandle and SetConsoleMode
_HARMLESS = "\n\t\u200c\u200d"  # among them the joiners of Persian, of Hindi and of emoji


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, handler: Any
) -> argparse.ArgumentParser:
    """Adds a command with `--json`; `handler(args)` does it and may return an exit code."""
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(handler=handler, parser=command)
    return command


def is_text(word: str) -> bool:
    """Whether a word of the command line is UTF-8; nothing that is written could hold any other."""
    # Python hands such bytes on as halves of surrogates.
    return not any("\ud800" <= sign <= "\udfff" for sign in word)


def count(text: str) -> int:
    """Reads an option's whole number, for `type=` of argparse, which says what it raises.

    Raises:
        argparse.ArgumentTypeError: it is none, or below 0.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"`{text}` is no whole number, 0 or above")
    return int(text)


def show(args: argparse.Namespace, data: Any, text: str) -> None:
    """Prints `data` as JSON if asked for, else `text`."""
    print(json_text(data) if args.json else text, flush=True)


def json_text(data: Any) -> str:
    """Returns `data` as JSON, which has no word for infinity and for what is no number: these are null."""
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(data), ensure_ascii=False)


def _finite(data: Any) -> Any:
    match data:
        case dict():
            return {key: _finite(value) for key, value in data.items()}
        case list() | tuple():
            return [_finite(value) for value in data]
        case float() if not math.isfinite(data):
            return None
    return data


def show_failure(reason: str, message: str, hint: str, detail: str) -> None:
    """Prints a failure as JSON, as the last line of a command's output."""
    failure = {"reason": reason, "message": message, "hint": hint, "detail": detail}
    print(json.dumps({"error": failure}, ensure_ascii=False), flush=True)


def plain(error: StudioError | None) -> dict[str, str] | None:
    """Returns what a failure says as plain data, of which `StudioError` is made again; None: there is none."""
    if error is None:
        return None
    return {"reason": error.reason, "message": error.message, "hint": error.hint, "detail": error.detail}


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Returns `rows` in aligned columns; whatever a cell holds, it stays on its line."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows])
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    """Returns `text` with what could steer a terminal written out: control, direction and invisible characters."""
    return "".join(
        sign
        if sign in _HARMLESS or unicodedata.category(sign) not in ("Cc", "Cf", "Cs")
        else sign.encode("unicode_escape").decode()
        for sign in text
    )


def one_line(text: str) -> str:
    """Returns `text` as `printable` does, each line break and tab written as a space."""
    return printable(text.replace("\n", " ").replace("\t", " "))


def colours() -> bool:
    """Whether the standard output is a terminal that shows colours, and the user wants them."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return False
    if sys.platform == "win32":
        return takes_escapes(ctypes.windll.kernel32)
    return True


def takes_escapes(kernel32: Any) -> bool:
    """Makes Windows' console carry out escape codes, which it prints as they are else; returns whether it does."""
    handle, mode = kernel32.GetStdHandle(_STANDARD_OUTPUT), ctypes.c_ulong()
    known = kernel32.GetConsoleMode(handle, ctypes.byref(mode))
    return bool(known and kernel32.SetConsoleMode(handle, mode.value | _VIRTUAL_TERMINAL))


def piped(most: int = -1) -> str:
    """Returns what is piped in, at most so many characters of it; -1: all.

    Raises:
        StudioError: (usage) it is no text.
    """
    try:
        return sys.stdin.read(most)
    except UnicodeDecodeError:
        raise StudioError("usage", "What comes from the pipe is not UTF-8 text.", "Convert it first.") from None


def progress(label: str, done: int, total: int) -> None:
    """Redraws one line of progress on a terminal's standard error, or prints it as JSON for the window."""
    global _told_s, _ended
    if PROGRESS in os.environ:
        if time.monotonic() - _told_s > _EVERY_S:
            _told_s = time.monotonic()
            print(json.dumps({"doing": label, "done": done, "total": total}), flush=True)
        return
    if sys.stderr.isatty():
        # What goes on behind its end, such as reading once more what was read, draws no line each time.
        if done >= total and _ended == label:
            return
        _ended = label if done >= total else ""
        share, width = done / total if total else 0.0, shutil.get_terminal_size().columns - 1
        # A line that wraps cannot be drawn again; what a longer one left behind is drawn over.
        label, left = label[: width - 5], max(0, min(30, width - len(label) - 8))
        bar = f" [{'#' * round(left * share):<{left}}]" if left > 3 else ""
        print(f"\r{f'{label}{bar} {share:4.0%}':<{width}}", end="\n" if done >= total else "", file=sys.stderr)
