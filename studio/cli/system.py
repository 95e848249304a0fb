"""The commands: doctor."""

import argparse
from typing import Any

from studio.cli.output import add_command, show, table
from studio.core.units import size


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    add_command(commands, "doctor", "Check this machine: what it computes with, and what is missing.", _doctor)


def _doctor(args: argparse.Namespace) -> int:
    from studio.engine import doctor

    about = doctor.report()
    show(args, about, _text(about))
    return int(any(check["essential"] and not check["ok"] for check in about["checks"]))


def _text(about: dict[str, Any]) -> str:
    memory, hugging_face = about["memory_bytes"], about["hugging_face"]
    gpus = [f"{gpu['name']}, {size(gpu['free_bytes'])} of {size(gpu['total_bytes'])} free" for gpu in about["gpus"]]
    facts = [
        ("Python", about["python"]),
        ("System", about["system"]),
        ("Processor", f"{about['cpu']['cores']} cores, {about['cpu']['usable']} of them usable"),
        ("Memory", f"{size(memory['free'])} of {size(memory['total'])} free"),
        ("GPU", "; ".join(gpus) or "none"),
        ("NVIDIA driver", about["driver"] or "none"),
        ("Trains on", f"{about['device']} in {about['dtype']}" if about["device"] else "nothing"),
        ("Home", f"{about['home']['path']}, {size(about['home']['free_bytes'])} free"),
        ("Model cache", f"{hugging_face['cache']}, token {'present' if hugging_face['token'] else 'absent'}"),
        ("Offline mode", "on" if hugging_face["offline"] else "off"),
        *((name, version or "not installed") for name, version in about["packages"].items()),
    ]
    lines = [table(facts[1:], facts[0]), ""]
    for check in about["checks"]:
        lines.append(f"{'ok  ' if check['ok'] else 'FAIL'}  {check['message']}")
        lines += [f"      {check['hint']}"] if check["hint"] else []
    return "\n".join(lines)
