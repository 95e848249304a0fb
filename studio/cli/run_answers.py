"""The command: runs answers, which shows what a run answered to its prompts as it learned."""

import argparse
import textwrap

from studio.cli import output
from studio.core import runs
from studio.core.errors import StudioError
from studio.core.events import Answered


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    text = "Show what a run answered to its prompts, from before training to its last evaluation."
    answers = output.add_command(actions, "answers", text, _answers)
    answers.add_argument("run", help="a name, a part of one, or a folder")
    answers.add_argument("--step", type=output.count, metavar="N", help="the answers at this step alone; 0: before")


def _answers(args: argparse.Namespace) -> None:
    run = runs.find(args.run)
    prompts, told = run.config().training.sample_prompts, run.progress().answered
    if not prompts:
        message = f"The run {run.name} was given no prompts to answer."
        raise StudioError("run", message, "Start one with training.sample_prompts.")
    shown = [item for item in told if args.step in (None, item.step)]
    if not shown:
        steps = ", ".join(f"{item.step:,}" for item in told)
        hint = f"There are those of steps {steps}." if steps else "Ask again once it trains."
        raise StudioError("run", f"The run {run.name} has no answers{_at(args.step)}.", hint)
    about = {
        "run": run.name,
        "prompts": prompts,
        "answers": [{"step": item.step, "answers": item.answers, "faults": item.faults} for item in shown],
    }
    parts = [_told(prompt, at, shown) for at, prompt in enumerate(prompts)]
    output.show(args, about, "\n\n".join(parts))


def _at(step: int | None) -> str:
    return "" if step is None else f" at step {step:,}"


def _told(prompt: str, at: int, shown: list[Answered]) -> str:
    lines = [output.printable(prompt)]
    for item in shown:
        said, is_answer = item.said(at)
        text = said if is_answer else f"({said})"
        lines += [f"  step {item.step:,}:", textwrap.indent(output.printable(text), "    ")]
    return "\n".join(lines)
