"""The command: runs ask, which has a run that is at work answer with what it has learned so far."""

import argparse
import sys
import time

from studio.cli import output, run_told
from studio.core import events, files
from studio.core.asking import Message
from studio.core.errors import StudioError
from studio.core.runs import Run

_POLL_S = 0.05


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    text = "Have a run that is going, or paused, answer with its weights of this moment; it learns on as before."
    ask = output.add_command(actions, "ask", text, _ask)
    ask.add_argument("run", help="a name, a part of one, or a folder")
    ask.add_argument("--prompt", required=True, help="the question")
    ask.add_argument("--max-new-tokens", type=output.count, default=0, help="the longest answer (as the run's own)")


def _ask(args: argparse.Namespace) -> None:
    run = run_told.going(args.run)
    if run.summary().state == "queued":
        hint = f"`studio runs queue {run.address} --now` lets it begin."
        raise StudioError("run", f"The run {run.name} waits for its turn and has learned nothing yet.", hint)
    if not args.prompt.strip():
        raise StudioError("usage", "The question is empty.", "Write what is to be answered.")
    if args.max_new_tokens > events.MOST_TOKENS:
        hint = f"Give at most {events.MOST_TOKENS}."
        raise StudioError("usage", f"{args.max_new_tokens} tokens are too many.", hint)
    asked = events.Question(messages=[Message(role="user", content=args.prompt)], max_new_tokens=args.max_new_tokens)
    told = _replied(run, asked)
    if told.fault:
        raise StudioError("run", told.fault, "Ask something else, or ask again.")
    about = {"run": run.name, "step": told.step, "prompt": args.prompt, "answer": told.answer}
    print(f"Step {told.step:,}:", file=sys.stderr)
    output.show(args, about, output.printable(told.answer))


def _replied(run: Run, asked: events.Question) -> events.Replied:
    """Puts a question to a run and waits for its answer.

    Raises:
        StudioError: (run) it came to its end before; as `Run.ask`.
    """
    at = files.length(run.events_path)
    run.ask(asked)
    lives = True
    while True:
        lines, at = files.read_lines(run.events_path, at)
        for event in map(events.decode_event, lines):
            if isinstance(event, events.Replied) and event.id == asked.id:
                return event
        if not lives:
            hint = "Its adapter can be asked with `studio chat`; `studio runs resume` goes on with it."
            raise StudioError("run", f"The run {run.name} ended before it answered.", hint)
        lives = run.alive()
        time.sleep(_POLL_S)
