"""The commands: plan, train, runs (list, show, resume, and all that a run can be asked) and the run process itself."""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from studio.cli import (
    layers,
    models,
    run_answers,
    run_ask,
    run_capsule,
    run_compare,
    run_explained,
    run_rows,
    run_told,
    turns,
)
from studio.cli.output import add_command, json_text, one_line, printable, progress, show, show_failure, table
from studio.core import events, files, launch, run_queue, runs
from studio.core.capacity import is_tight
from studio.core.errors import EXIT_CRASH, EXIT_INTERRUPTED, StudioError
from studio.core.progress import Progress
from studio.core.runs import Run
from studio.core.units import plural, size

_POLL_S = 0.05
_KILLS = 3  # the Ctrl+C that kills
_SAMPLE = 100  # letters of an answer
_LOGGED_STEPS = 10  # where there is no terminal to draw a bar on
# What a run that is going can be asked beside stopping: what the command does, and what it says then.
_ASKED: dict[str, tuple[str, str, events.Command]] = {
    "pause": ("Hold a run behind its current step, its model in memory.", "pauses", events.Pause()),
    "continue": ("Let a paused run go on.", "goes on", events.Continue()),
    "save": ("Write a checkpoint of a run now.", "writes a checkpoint", events.Save()),
    "evaluate": ("Evaluate a run now, beside its schedule.", "evaluates", events.Evaluate()),
}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    for name, text, handler in (
        ("plan", "Count what a config would train and what memory it needs, without training.", _plan),
        ("train", "Train a config; a closed terminal does not end it.", _train),
    ):
        command = add_command(commands, name, text, handler)
        command.add_argument("config", type=Path, nargs="?", help="a YAML file; without one, --set says all")
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting")
        text = "begin with this adapter, on its base and with its run's settings where nothing else is said"
        command.add_argument("--further", metavar="ADAPTER", help=text)
        if name == "plan":
            text = "show the model's modules instead, which are trained, and with which ranks; reads no data"
            command.add_argument("--modules", action="store_true", help=text)
        if name == "train":
            text = "try several values of a setting, each in a run of its own in the queue"
            command.add_argument("--try", action="append", default=[], metavar="KEY=V1,V2", dest="tries", help=text)
            command.add_argument("--run-dir", type=Path, help="a new folder for the run")
            _add_detach(command)
    group = commands.add_parser("runs", help="See and steer runs.", description="See and steer runs.")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_command(actions, "list", "All runs, newest first.", _list)
    found: list[tuple[str, str, Callable[[argparse.Namespace], int | None]]] = [
        ("show", "A run's config, progress and curves.", run_told.show),
        ("resume", "Go on with an interrupted, stopped or failed run.", _resume),
        ("stop", "End a run behind its current step, keeping its result.", _stop),
        *((name, text, _ask) for name, (text, _, _) in _ASKED.items()),
        ("learning-rate", "Change the peak learning rate of a run from its next step on.", _set_rate),
        ("remove", "Move a run to the trash.", _remove),
        ("restore", "Bring a removed run back.", _restore),
    ]
    named = {"remove": "a name, or a folder", "restore": "its name"}
    for name, text, act in found:
        action = add_command(actions, name, text, act)
        action.add_argument("run", help=named.get(name, "a name, a part of one, or a folder"))
        if name == "stop":
            action.add_argument("--no-result", action="store_true", help="with a checkpoint only, to be resumed later")
        if name == "learning-rate":
            action.add_argument("rate", type=float, help="above 0 and at most 10")
        if name == "resume":
            _add_detach(action)
            action.add_argument("--learning-rate", type=float, help="a new peak learning rate from here on")
            passes = "at most so many tokens in a pass from here on: less memory; numbers differ slightly"
            action.add_argument("--micro-batch-tokens", type=int, help=passes)
            again = "compute activations again in the backward pass from here on: far less memory, slower"
            action.add_argument("--activation-checkpointing", action="store_true", help=again)
    run_rows.add(actions)
    run_compare.add(actions)
    run_answers.add(actions)
    run_ask.add(actions)
    run_explained.add(actions)
    run_capsule.add(actions)
    layers.add_to_runs(actions)
    turns.add(actions)
    worker = commands.add_parser("worker")
    worker.add_argument("folder", type=Path)
    worker.add_argument("--commands-from", type=int, default=0)
    worker.add_argument("--queued", action="store_true")
    worker.set_defaults(handler=_worker)


def _add_detach(command: argparse.ArgumentParser) -> None:
    command.add_argument("--detach", action="store_true", help="return at once; it trains on")
    command.add_argument("--queue", action="store_true", help="train when the runs started before have ended")


@dataclass(slots=True)
class _Told:
    """What a run has told since it was started here."""

    steps: int = 0
    presses: int = 0
    finished: events.Finished | None = None
    failed: events.Failed | None = None

    @property
    def killed(self) -> bool:
        """Whether the user had it killed, which is no failure."""
        return self.presses >= _KILLS and self.finished is None and self.failed is None


def follow(
    run: Run, as_json: bool, learning_rate: float | None = None, *, queued: bool = False
) -> events.Finished | None:
    """Starts or resumes a run and shows its events until its process ends; on the main thread.

    The first Ctrl+C asks it to stop and keep the result, the second to end with a checkpoint, the third kills it.

    Returns:
        The end of a run that has a result; None if it was ended without one.

    Raises:
        StudioError: the run failed.
    """
    began = offset = files.length(run.events_path)
    told, process = _Told(), launch.start(run, queued=queued)
    _ask_rate(run, learning_rate)

    def press(*_: Any) -> None:
        told.presses += 1
        _escalate(run, process, told.presses, began)

    before = signal.getsignal(signal.SIGINT)
    # What a script starts with `&` is deaf to the script's own Ctrl+C.
    if before is not signal.SIG_IGN:
        # A handler and not an exception, which would lose the events it falls among.
        signal.signal(signal.SIGINT, press)
    try:
        over = False
        while not over:
            over = process.poll() is not None
            lines, offset = files.read_lines(run.events_path, offset)
            for line in lines:
                _take(told, line, as_json)
            time.sleep(0 if over else _POLL_S)
    except OSError:
        # What it says cannot be written, or nobody reads it any more.
        if process.poll() is None:
            print(f"The run goes on; `studio runs show {run.address}` shows how far it is.", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if process.returncode and told.finished is None and not told.killed:
        _raise_failure(run, told.failed or launch.told_of(run, process.returncode), as_json)
    return told.finished


def _take(told: _Told, line: bytes, as_json: bool) -> None:
    event = events.decode_event(line)
    match event:
        case events.Prepared():
            told.steps = event.steps
        case events.Finished():
            told.finished = event
        case events.Failed():
            told.failed = event
    if event is None:
        return  # a torn line
    if as_json:
        print(json_text(json.loads(line)), flush=True)
    else:
        _tell(event, told.steps)


def _ask_rate(run: Run, learning_rate: float | None) -> None:
    if learning_rate is not None:
        run.ask(_new_rate(learning_rate))


def _escalate(run: Run, process: "subprocess.Popen[bytes]", presses: int, began: int = 0) -> None:
    """Does what one more Ctrl+C asks for; `began` is the byte of the events where this attempt's begin."""
    if presses == 1:
        told = run.summary()
        begun = told.step > 0 and told.state != "queued"
        run.ask(events.Stop())
        kept = " behind this step and keeping the result" if begun else "; without a step done there is no result"
        print(f"\nStopping{kept}. Ctrl+C again: end now.", file=sys.stderr)
    elif presses < _KILLS and any(map(_keeps, run.follow(began))):
        print("\nThe run is ending already, and keeps its result. Ctrl+C again: kill.", file=sys.stderr)
    elif presses < _KILLS:
        run.ask(events.Stop(keep=False))
        print("\nEnding with a checkpoint and no result. Ctrl+C again: kill.", file=sys.stderr)
    else:
        process.kill()
        with suppress(StudioError):
            run_queue.leave(run)  # it was not cut off


def _keeps(event: events.Event) -> bool:
    """Whether a run that told this is ending with its result, and hears no other request."""
    match event:
        case events.Obeyed() if event.step:  # without a step there is no result
            return event.command.get("kind") == "stop" and event.command.get("keep") is not False
        case events.Phase():
            return event.name == "finishing"
    return False


def _raise_failure(run: Run, failed: events.Failed, as_json: bool) -> None:
    if failed.reason == "crash":
        if as_json:
            show_failure("crash", failed.message, failed.hint, failed.detail)
        print(printable(f"{failed.detail}\n{failed.message}\n{failed.hint}"), file=sys.stderr)
        sys.exit(EXIT_CRASH)
    detail = f"{failed.detail}\nThe run is {run.path}".strip()
    hint = run_told.hint(run.address, failed, run.summary(), run.config())
    raise StudioError(failed.reason, failed.message, hint, detail)


def _tell(event: events.Event, steps: int) -> None:
    match event:
        case events.Phase() if event.total:
            progress(run_told.label(event), event.done, event.total)
        case events.Phase(name="queued"):
            print(f"Waiting for {event.detail} ...", file=sys.stderr)
        case events.Phase() if event.name in ("tokenizing", "loading", "finishing"):
            print(f"{event.name.capitalize()} {event.detail}".rstrip() + " ...", file=sys.stderr)
        case events.Prepared():
            print(
                f"{event.trainable_parameters:,} of {event.total_parameters:,} parameters, {plural(event.rows, 'row')},"
                f" {event.tokens_per_epoch:,} tokens an epoch, {plural(event.steps, 'step')} on {event.device}"
                f" ({event.dtype})",
                file=sys.stderr,
            )
            if left_out := event.rejected_rows + event.untrained_rows:
                print(
                    f"Not used: {plural(left_out, 'row')}; rejected.jsonl in the run folder says why.", file=sys.stderr
                )
            if event.truncated_rows:
                print(f"Cut at the maximum length: {plural(event.truncated_rows, 'row')}.", file=sys.stderr)
        case events.Step():
            label = (
                f"Step {event.step} loss {event.loss:.4f}{run_told.accuracy(event.reward_accuracy)}"
                f" lr {event.learning_rate:.2e}"
                f" {event.tokens_per_s:,.0f} tokens/s, {event.eta_s:.0f} s left"
            )
            if sys.stderr.isatty():
                progress(label, event.step, steps)
            elif event.step % _LOGGED_STEPS == 0 or event.step == steps:
                print(label, file=sys.stderr)
        case events.Evaluated():
            print(f"\n{run_told.evaluated(event)}", file=sys.stderr)
        case events.Answered():
            print(f"\nStep {event.step} answers: {one_line(event.said(0)[0])[:_SAMPLE]}", file=sys.stderr)
        case events.Replied():
            said = event.fault or one_line(event.answer)[:_SAMPLE]
            print(f"\nStep {event.step}, asked {one_line(event.question)[:_SAMPLE]}: {said}", file=sys.stderr)
        case events.Resumed():
            for sentence in event.refused:
                print(printable(sentence), file=sys.stderr)
            print(f"Going on behind step {event.step}.", file=sys.stderr)
        case events.Notice():
            print(printable(event.message), file=sys.stderr)
        case _:
            pass


def _plan(args: argparse.Namespace) -> None:
    config = turns.asked(args)
    if args.modules:
        models.show_trained(args, config)
        return
    from studio.engine import planning

    planned = planning.plan(config)
    planned["memory"] = planning.memory(config)
    numbers = {key: value for key, value in planned.items() if isinstance(value, int)}
    lines = [f"{key.replace('_', ' ').capitalize():<26}{value:>16,}" for key, value in numbers.items()]
    lines += ["", *_memory(planned["memory"], config.training.activation_checkpointing)]
    text = "\n".join([*lines, *filter(None, [planned["left_out"]])])
    show(args, planned, text)


def _memory(found: dict[str, Any], recomputes: bool) -> list[str]:
    """Returns what a run needs in memory, and what helps where that is more than there is."""
    if "fault" in found:
        return [f"Memory: not known. {found['fault']}"]
    names = {
        "weights": "base model",
        "trained": "what is trained, with gradients and optimizer",
        "passes": f"a pass of {found['tokens']:,} tokens",
        "process": "the process itself",
    }
    parts = ", ".join(f"{said} {size(found[key])}" for key, said in names.items())
    needed, room = size(found["total"]), size(found["room"])
    lines = [f"Memory: about {needed} of {room} ({parts})."]
    if found["packed"]:
        lines.append(f"Up to {size(found['packed'])} more are taken to be faster, as there is room for that.")
    ways = {"recomputed": "are computed again", "offloaded": "wait outside the card"}
    if (way := ways.get(found["activations"])) and not recomputes:
        lines.append(f"Activations do not fit beside that: they {way}, which is slower.")
    if found["total"] > found["room"]:
        lines.append(f"It will not fit: about {needed} are needed, and there are {room}.")
        for help in found["helps"]:
            settings = " ".join(f"--set {key}={value}" for key, value in help["settings"].items())
            lines.append(f"It fits with `{settings}`: {size(help['total'])}.")
        lines += [] if found["helps"] else ["Choose a smaller model."]
    elif is_tight(found["total"], found["room"]):
        lines.append("It only just fits: close other programs that use the memory.")
    return lines


def _train(args: argparse.Namespace) -> int:
    if args.tries:
        return turns.train_several(args)
    config = turns.asked(args)
    turns.require_files(config)
    run = runs.create(config, args.run_dir)
    if args.detach:
        launch.detach(run, queued=args.queue)
        show(
            args,
            {"run": run.name, "path": str(run.path)},
            f"{run.name}\n`studio runs show {run.address}` shows how far it is.",
        )
        return 0
    print(f"Run {run.name}", file=sys.stderr)
    return _end(args, run, follow(run, args.json, queued=args.queue))


def _resume(args: argparse.Namespace) -> int:
    run = runs.find(args.run)
    if args.learning_rate is not None:
        _new_rate(args.learning_rate)
    run.unfinished()
    saving = _less_memory(args)
    # Of one that is at work it would not be heard; to start it says why.
    if saving != events.SaveMemory() and not run.alive():
        run.ask(saving)
    if args.detach:
        launch.detach(run, queued=args.queue)
        _ask_rate(run, args.learning_rate)
        show(args, {"run": run.name, "path": str(run.path)}, f"{run.name} goes on.")
        return 0
    return _end(args, run, follow(run, args.json, args.learning_rate, queued=args.queue))


def _less_memory(args: argparse.Namespace) -> events.SaveMemory:
    tokens, again = args.micro_batch_tokens, args.activation_checkpointing
    try:
        if tokens == 0:  # by which an event says that it was not given
            raise ValueError
        return events.SaveMemory(micro_batch_tokens=tokens or 0, activation_checkpointing=again)
    except ValueError:
        raise StudioError("usage", f"{tokens} is no number of tokens.", "Give 1 or more, such as 256.") from None


def _end(args: argparse.Namespace, run: Run, finished: events.Finished | None) -> int:
    """Says how the run ended; returns the exit code."""
    if finished is None:
        print(f"Ended without a result. Go on with: studio runs resume {run.address}", file=sys.stderr)
        return EXIT_INTERRUPTED
    if not args.json:
        kind = "model" if finished.is_model else "adapter"
        where = f"`{finished.adapter}` is in the library" if finished.adapter else f"is in {run.path / finished.path}"
        print(f"\nThe {kind} {where} ({finished.outcome.replace('_', ' ')}).")
    return 0


def _list(args: argparse.Namespace) -> None:
    found, rows = list[dict[str, Any]](), list[list[str]]()
    for run in runs.listing():
        item = _listed(run)
        found.append(item)
        losses = [_number(item["loss"]), _number(item["eval_loss"])]
        rows.append([run.name, str(item["state"]), f"{item['step']}/{item['steps']}", *losses, item["fault"]])
    text = table(rows, ["RUN", "STATE", "STEP", "LOSS", "EVAL LOSS", ""]) if rows else "No runs yet."
    show(args, found, text)


def _listed(run: Run) -> dict[str, Any]:
    """Returns a run as the list has it; one that cannot be read is `damaged`, and `fault` says why."""
    told, fault = Progress(), ""
    try:
        run.about()
        told = run.summary()
    except StudioError as error:
        fault = error.message
    last = told.steps[-1] if told.steps else None
    return {
        "run": run.name,
        "state": "damaged" if fault else told.state_of(run.alive()),
        "step": told.step,
        "steps": told.prepared.steps if told.prepared else 0,
        "loss": last.loss if last else None,
        "eval_loss": told.best.eval_loss if told.best else None,
        "path": str(run.path),
        "fault": fault,
    }


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}"


def _stop(args: argparse.Namespace) -> None:
    run = run_told.going(args.run)
    run.ask(events.Stop(keep=not args.no_result))
    kept = "ends with a checkpoint and no result" if args.no_result else "keeps the result"
    text = f"{run.name} stops behind its current step and {kept}."
    told = run.summary()
    if told.state == "queued":
        text = f"{run.name} waits no longer; `studio runs resume` goes on."
    elif not told.step:
        text = f"{run.name} stops. If no step is done by then, there is no result; `studio runs resume` goes on."
    show(args, {"run": run.name, "asked": "stop"}, text)


def _ask(args: argparse.Namespace) -> None:
    _, said, command = _ASKED[args.action]
    run = run_told.going(args.run)
    if isinstance(command, events.Pause | events.Save) and run.summary().state == "queued":
        hint = f"`studio runs stop {run.address}` takes it out of the queue."
        raise StudioError("run", f"The run {run.name} waits for its turn.", hint)
    if isinstance(command, events.Evaluate) and not _evaluates(run):
        message = f"The run {run.name} has no rows to evaluate and no prompts to answer."
        raise StudioError("run", message, "Start a run with data.eval_split or data.eval_path.")
    run.ask(command)
    show(args, {"run": run.name, "asked": args.action}, f"{run.name} {said} behind its current step.")


def _evaluates(run: Run) -> bool:
    """Whether a run holds rows back for evaluation, as far as is known yet, or has prompts to answer."""
    prepared, config = run.summary().prepared, run.config()
    rows = config.data.evaluates if prepared is None else prepared.eval_rows > 0
    return rows or bool(config.training.sample_prompts)


def _set_rate(args: argparse.Namespace) -> None:
    command = _new_rate(args.rate)
    run = run_told.going(args.run)
    run.ask(command)
    text = f"{run.name} has a peak learning rate of {args.rate:g} from its next step on."
    show(args, {"run": run.name, "asked": args.action, "learning_rate": args.rate}, text)


def _new_rate(rate: float) -> events.SetLearningRate:
    try:
        return events.SetLearningRate(learning_rate=rate)
    except ValidationError:
        raise StudioError("usage", f"{rate} is no learning rate.", "Give one above 0 and at most 10.") from None


def _remove(args: argparse.Namespace) -> None:
    run = runs.find(args.run, exact=True)
    target = runs.remove(run)
    text = f"{run.name} lies in the trash now: {target}\n`studio runs restore {run.name}` brings it back."
    show(args, {"run": run.name, "trash": str(target)}, text)


def _restore(args: argparse.Namespace) -> None:
    run = runs.restore_named(args.run)
    show(args, {"run": run.name, "path": str(run.path)}, f"{run.name} is back: {run.path}")


def _worker(args: argparse.Namespace) -> int:
    from studio.engine.child import main

    return main(args.folder, args.commands_from, args.queued)
