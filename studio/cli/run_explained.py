"""The command: runs explain, which says what a run's numbers show and what to do about it."""

import argparse
from dataclasses import asdict

from studio.cli import output
from studio.core import explained, runs

_MARKS = {"good": "+", "warn": "!", "bad": "-"}


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    text = "Say what a run's numbers show, and what to do about it."
    command = output.add_command(actions, "explain", text, _explain)
    command.add_argument("run", help="a name, a part of one, or a folder")


def _explain(args: argparse.Namespace) -> None:
    run = runs.find(args.run)
    found = explained.findings(run.progress(), run.config())
    text = "\n".join(map(_text, found)) or "Nothing stands out."
    output.show(args, {"run": run.name, "findings": [asdict(finding) for finding in found]}, output.printable(text))


def _text(finding: explained.Finding) -> str:
    lines = [f"{_MARKS[finding.tone]} {finding.message}"]
    lines += [f"  {finding.hint}"] if finding.hint else []
    if finding.settings:
        lines.append(
            f"  For another run: {' '.join(f'--set {key}={value}' for key, value in finding.settings.items())}"
        )
    return "\n".join(lines)
