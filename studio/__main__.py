"""`python -m studio` and the `studio` command: decides what to load before anything heavy is."""

import gc
import io
import os
import sys
from collections.abc import Mapping

EXIT_NO_DISPLAY = 69  # EX_UNAVAILABLE of sysexits.h


def no_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether Qt would find nothing to draw on and abort the process: only X and Wayland are told of by variables."""
    named = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    return platform.startswith("linux") and not any(environment.get(name) for name in named)


def open_streams() -> None:
    """Opens the system's empty file for each standard stream that the process was started without."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open to the end


def main() -> int:
    """Opens the window without arguments or for `window`, else runs a command; returns the exit code."""
    open_streams()
    # Else pydantic looks for plug-ins among all installed packages.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if sys.argv[1:] in ([], ["window"]):
        if no_display(sys.platform, os.environ):
            print("There is no display to open the window on.", file=sys.stderr)
            print("Start it in a desktop session, or use the commands: `studio --help` lists them.", file=sys.stderr)
            return EXIT_NO_DISPLAY
        # What a start makes stays for good: to look through it for garbage again and again is a tenth of the start.
        gc.disable()
        from studio.ui.app import main as open_window

        return open_window()
    from studio.cli import run

    # A pipe's or an old terminal's own encoding may lack letters that a file's name or a model's answer has.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # What is piped in would be read in the system's encoding, and wrongly without a word.
    if isinstance(sys.stdin, io.TextIOWrapper) and not sys.stdin.isatty():
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
