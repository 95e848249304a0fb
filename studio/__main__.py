"""`python -m studio` and the `studio` command: decides what to load before anything heavy is."""

import sys


def main() -> int:
    """Runs a command and returns its exit code."""
    from studio.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
