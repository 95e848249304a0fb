"""Starts Finetune Studio from a checkout, and sets it up in `.venv` the first time.

    python3 packaging/start.py              opens the window
    python3 packaging/start.py demo         fine-tunes the built-in model and compares it with its base
    python3 packaging/start.py test ...     runs the test suite; what follows goes to pytest
    python3 packaging/start.py WORD ...     any other command of `studio`, such as `doctor`

Exit codes of its own: 2 usage, 3 unfit Python, 4 no environment, 5 disk, 6 network, 7 pip, 130 interrupted.
Read by Pythons older than the program needs, so that they can be told so: no syntax newer than 3.8.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import downloads
import machine
from environment import EXIT_DISK, EXIT_USAGE, Environment, SetupError

EXIT_PYTHON, EXIT_INTERRUPTED = 3, 130


def main(arguments: list[str]) -> int:
    """Sets up what is missing and runs the program; returns its exit code."""
    problem = machine.python_problem(sys.version_info[:2])
    if problem:
        print(problem, file=sys.stderr)
        return EXIT_PYTHON
    options = parse(arguments)
    environment = Environment(Path(__file__).resolve().parents[1])
    try:
        set_up(environment, {"test"} if options.words[:1] == ["test"] else set(), options.torch_index, options.dry_run)
        return run(environment, options.words, options.dry_run)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"\n{error}\nFree some space or mend the permissions, then start again.", file=sys.stderr)
        return EXIT_DISK
    except KeyboardInterrupt:
        print("\nInterrupted. The next start goes on from here.", file=sys.stderr)
        return EXIT_INTERRUPTED


def parse(arguments: list[str]) -> argparse.Namespace:
    """Reads this script's own options, which stand before the command."""
    parser = argparse.ArgumentParser(
        prog="start.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be installed and run, and do nothing")
    parser.add_argument(
        "--torch-index",
        metavar="ADDRESS",
        default=os.environ.get("STUDIO_TORCH_INDEX", ""),
        help="another package index for PyTorch, or `cpu` to leave the graphics card alone; remembered for the next "
        "start (or STUDIO_TORCH_INDEX)",
    )
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="command", help="demo, test, or a studio command")
    return parser.parse_args(arguments)


def set_up(environment: Environment, extras: set[str], index: str, dry_run: bool) -> None:
    """Installs what is missing; returns at once where nothing is.

    Raises:
        SetupError: it could not be completed.
    """
    driver = machine.nvidia_driver()
    if is_current(environment, extras, index, driver):
        return
    if dry_run:
        install(environment, extras, index, driver, dry_run=True)
        return
    with environment.lock():
        if not is_current(environment, extras, index, driver):
            install(environment, extras, index, driver, dry_run=False)


def is_current(environment: Environment, extras: set[str], index: str, driver: bool) -> bool:
    """Returns whether everything asked for was installed, completely and for this very place and Python."""
    stamp = environment.read_stamp()
    if not stamp.get("complete") or environment.unfit():
        return False
    digest = environment.digest(driver, index or stamp.get("torch_index", ""))
    return bool(stamp.get("digest") == digest and extras <= set(stamp.get("extras", [])))


def install(environment: Environment, extras: set[str], index: str, driver: bool, dry_run: bool) -> None:
    """Says what will come, with sizes, and installs it."""
    stamp = environment.read_stamp()
    index = index or stamp.get("torch_index", "")
    extras = extras | set(stamp.get("extras", []))
    if stamp and not stamp.get("complete"):
        print("The last installation was interrupted: completing it.")
    reason = environment.unfit()
    if reason:
        print(f".venv {reason}: making it anew.")
    if not dry_run:
        environment.create()
        environment.drop_torn_packages()
    pinned = downloads.pins(environment.constraints)
    torch = torch_build(environment, pinned["torch"], index, driver)
    parts = downloads.missing_parts(environment.packages(), pinned, torch, "test" in extras)
    announce(environment, parts, torch, driver and index != downloads.CPU)
    commands = environment.pip_commands(torch, extras, index)
    if dry_run:
        machine.supply_parts("test" in extras, dry_run=True)
        print("\n".join(shlex.join(command) for command in [*commands, environment.compile_command()]))
        return
    digest = environment.digest(driver, index)
    environment.write_stamp(digest, extras, index, complete=False)
    machine.supply_parts("test" in extras, dry_run=False)
    environment.log.unlink(missing_ok=True)
    for command in commands:
        environment.pip(command)
    environment.compile()
    environment.name_relatively()
    environment.write_stamp(digest, extras, index, complete=True)
    environment.log.unlink(missing_ok=True)
    print("Set up.\n")


def torch_build(environment: Environment, version: str, index: str, driver: bool) -> downloads.Torch:
    """Returns which build of torch is to be installed.

    Raises:
        SetupError: there is a graphics card that none of those on offer computes on, and nobody has chosen one of them.
    """
    interpreter = environment.python if environment.python.exists() else sys.executable
    offered = environment.torch_offered(interpreter, index)
    torch = downloads.choose_torch(version, offered, driver and index != downloads.CPU, sys.platform)
    if driver and offered and not index and not torch.cuda and sys.platform != "darwin":
        raise SetupError(
            "There is an NVIDIA driver, but your package index has only PyTorch without CUDA, which leaves the card "
            "alone.",
            "Give --torch-index ADDRESS with the index of a CUDA build that PyTorch's installation page names, or "
            "--torch-index cpu to train on the CPU; either is remembered.",
            EXIT_USAGE,
        )
    return torch


def announce(environment: Environment, parts: list[downloads.Part], torch: downloads.Torch, driver: bool) -> None:
    """Prints what will be downloaded.

    Raises:
        SetupError: the disk has no room for it.
    """
    if not parts:
        print(f"Checking {environment.folder}: nothing to download.", flush=True)
        return
    print(f"Setting up {environment.folder} (a second start installs nothing). To download, about:")
    print(downloads.table(parts))
    advice = downloads.advice(torch, driver)
    if advice:
        print(advice)
    sys.stdout.flush()
    needed_mb = sum(part.disk_mb + part.download_mb for part in parts)
    free_mb = shutil.disk_usage(environment.root).free // 2**20
    if free_mb < needed_mb:
        raise SetupError(
            f"This needs {needed_mb} MB while it installs, and the disk of {environment.root} has {free_mb} MB free.",
            "Free some space and start again.",
            EXIT_DISK,
        )


def run(environment: Environment, words: list[str], dry_run: bool) -> int:
    """Runs the tests or the program in this process's place; returns the exit code where that is not possible."""
    if words[:1] == ["test"]:
        # The whole suite on two processes, each test on one thread; a part of it on one, where its output is seen.
        command = [str(environment.python), "-m", "pytest", *(words[1:] or ("-n", "2", "--dist", "worksteal"))]
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        os.chdir(environment.root)
    else:
        if not words and not (environment.root / "studio" / "ui" / "app.py").exists():
            print("There is no window in this version yet: running the demo.")
            words = ["demo"]
        command = [str(environment.python), "-P", "-m", "studio", *words[words[:1] == ["studio"] :]]
    if dry_run:
        print(shlex.join(command))
        return 0
    sys.stdout.flush()
    if os.name == "nt":
        return call(command)
    os.execv(command[0], command)


def call(command: list[str]) -> int:
    """Runs a command to its end and returns its exit code; Ctrl+C, which reaches both, is the command's to obey."""
    # A function, as the command would inherit that it is ignored.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call(command)
    finally:
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
