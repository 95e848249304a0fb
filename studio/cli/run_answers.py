"""The command: runs answers, which shows what a run answered to its prompts as it learned, and to what it was asked."""

import argparse
import textwrap
from collections.abc import Sequence

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
    progress = run.progress()
    prompts, told, replied = run.config().training.sample_prompts, progress.answered, progress.replied
    replied = [item for item in replied if args.step in (None, item.step)]
    if not prompts and not replied:
        message = f"The run {run.name} was given no prompts to answer."
        raise StudioError("run", message, "Start one with training.sample_prompts, or use `studio runs ask`.")
    shown = [item for item in told if args.step in (None, item.step)]
    if not shown and not replied:
        steps = ", ".join(f"{item.step:,}" for item in told)
        hint = f"There are those of steps {steps}." if steps else "Ask again once it trains."
        raise StudioError("run", f"The run {run.name} has no answers{_at(args.step)}.", hint)
    about = {
        "run": run.name,
        "prompts": prompts,
        "answers": [{"step": item.step, "answers": item.answers, "faults": item.faults} for item in shown],
        "asked": [
            {
                "step": item.step,
                "turn": item.turn,
                "question": item.question,
                "answer": item.answer,
                "fault": item.fault,
            }
            for item in replied
        ],
    }
    parts = [_told(prompt, at, shown) for at, prompt in enumerate(prompts)] if shown else []
    parts += [_said(item.question, [(item.step, item.fault or item.answer, not item.fault)]) for item in replied]
    output.show(args, about, "\n\n".join(parts))


def _at(step: int | None) -> str:
    return "" if step is None else f" at step {step:,}"


def _told(prompt: str, at: int, shown: list[Answered]) -> str:
    return _said(prompt, [(item.step, *item.said(at)) for item in shown])


def _said(prompt: str, told: Sequence[tuple[int, str, bool]]) -> str:
    """Lays out what came of a prompt: at which step, what, and whether that is an answer."""
    lines = [output.printable(prompt)]
    for step, said, is_answer in told:
        text = said if is_answer else f"({said})"
        lines += [f"  step {step:,}:", textwrap.indent(output.printable(text), "    ")]
    return "\n".join(lines)
