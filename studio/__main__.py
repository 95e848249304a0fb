"""`python -m studio` and the `studio` command: decides what to load before anything heavy is."""

import io
import sys


def main() -> int:
    """Opens the window without arguments or for `window`, else runs a command; returns the exit code."""
    if sys.argv[1:] in ([], ["window"]):
        from studio.ui.app import main as open_window

        return open_window()
    from studio.cli import run

    # A pipe's or an old terminal's own encoding may lack letters that a file's name or a model's answer has.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
