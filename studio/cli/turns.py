"""The command `runs queue`: the runs that wait, their order, those that were cut off; and several queued at once."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, get_args

from studio.cli.output import add_command, show, table
from studio.core import afterwards, config_file, further, launch, run_queue, runs, sweep
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.runs import Run

_SAID = {
    "sleep": "When no run is left the computer goes to sleep; `studio runs queue --then nothing` leaves it on.",
    "shutdown": "When no run is left the computer shuts down; `studio runs queue --then nothing` leaves it on.",
    "nothing": "The computer stays on when no run is left.",
}


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    command = add_command(actions, "queue", "The runs at work, those that wait, and those cut off.", _queue)
    command.add_argument("run", nargs="?", help="a name, a part of one, or a folder")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--now", action="store_true", help="let RUN begin beside those at work")
    what.add_argument("--place", type=int, metavar="N", help="give RUN the place N among those that wait, 1: the next")
    what.add_argument("--again", action="store_true", help="queue those again that were cut off, or RUN of them")
    text = "what the computer does when no run is left, once; a minute before it says so"
    what.add_argument("--then", choices=[*get_args(afterwards.Action), "nothing"], help=text)
    what.add_argument("--forget", action="store_true", help="leave those as they are that were cut off, or RUN of them")


def train_several(args: argparse.Namespace) -> int:
    """Puts a run for each combination of values into the queue, and returns at once.

    Raises:
        StudioError: as `sweep.combinations`, `run_queue.prepare` and `launch.detach`; (usage) there is a folder for
            one run; (data), (model) a file is not there.
    """
    if args.run_dir is not None:
        raise StudioError("usage", "Several runs cannot have one folder.", "Leave --run-dir out.")
    # With a value of each the config is whole: what is tried need not be set too.
    config = asked(args, sweep.firsts(args.tries))
    configs = sweep.combinations(config, args.tries)
    for one in configs:
        require_files(one)
    made = run_queue.prepare(configs)
    _each(made, lambda run: launch.detach(run, queued=True))
    found = [{"run": run.name, "path": str(run.path), "name": run.config().name} for run in made]
    lines = table([[str(item["run"]), str(item["name"])] for item in found], ["RUN", "NAME"])
    show(args, found, f"{lines}\n`studio runs queue` shows how far they are.")
    return 0


def asked(args: argparse.Namespace, more: Sequence[str] = ()) -> RunConfig:
    """Returns the config that a command is given: its file's, changed by `--set` and `more`, begun by `--further`.

    Raises:
        StudioError: as `config_file.load` and `further.laid_out`.
    """
    said = config_file.said(args.config, [*args.set, *more])
    under = further.begun(further.sound(args.further), said) if args.further else None
    config = config_file.whole(said, args.config, under)
    named, objective = config_file.named(said), config.training.objective
    if under is not None and "training.objective" in named and "training.learning_rate" not in named:
        print(f"Learning rate {config.training.learning_rate:g}, as is usual for {objective}.", file=sys.stderr)
    return further.laid_out(config, named)


def require_files(config: RunConfig) -> None:
    """Sees to it that a name mistyped makes no run that failed.

    Raises:
        StudioError: (data), (model) there is no such file or model.
    """
    for path in filter(None, (config.data.path, config.data.eval_path)):
        if config_file.absent(path):
            raise StudioError("data", f"There is no file {path}.", "Check the path.")
    from studio.engine import local

    local.check(config.model)


def _each(found: list[Run], act: Callable[[Run], None]) -> None:
    """Does something with each run, also where one cannot; what the first of these says is raised at the end."""
    first: StudioError | None = None
    for run in found:
        try:
            act(run)
        except StudioError as error:
            first = first or error
    if first is not None:
        hint = "`studio runs queue` shows those that wait; --again queues the others once that is mended."
        raise StudioError(first.reason, first.message, f"{first.hint} {hint}", first.detail)


def _queue(args: argparse.Namespace) -> None:
    if args.again or args.forget:
        _settle(args)
    elif args.now or args.place is not None:
        _change(args)
    elif args.then:
        _set_end(args)
    elif args.run is not None:
        raise StudioError("usage", "Nothing was asked for the run.", "Add --now, --place N, --again or --forget.")
    else:
        show(args, *_shown())


def _change(args: argparse.Namespace) -> None:
    if args.run is None:
        raise StudioError("usage", "No run was named.", "`studio runs queue` shows those that wait.")
    run = runs.find(args.run)
    if args.now:
        run_queue.start_now(run)
        show(args, {"run": run.name, "asked": "now"}, f"{run.name} begins.")
        return
    if args.place < 1:
        raise StudioError("usage", f"{args.place} is no place.", "Give 1 for the next, 2 for the one behind it ...")
    run_queue.move(run, args.place - 1)
    show(args, *_shown())


def _set_end(args: argparse.Namespace) -> None:
    if args.run is not None:
        raise StudioError("usage", "What comes then is of all runs.", "Leave the run out.")
    if args.then == "nothing":
        afterwards.cancel()
    else:
        afterwards.ask(args.then)
    show(args, {"then": args.then}, _SAID[args.then])


def _settle(args: argparse.Namespace) -> None:
    """Queues again, or forgets, what was cut off."""
    cut = run_queue.cut_off()
    if args.run is not None:
        run = runs.find(args.run)
        cut = [other for other in cut if other.path.samefile(run.path)]
        if not cut:
            hint = f"Go on with it by `studio runs resume {run.address} --queue`."
            there = "Its process is there; `studio runs queue` shows it."
            raise StudioError("run", f"The run {run.name} was not cut off.", there if run.alive() else hint)
    _each(cut, run_queue.leave if args.forget else lambda run: launch.detach(run, queued=True))
    names, said = [run.address for run in cut], "is left as it is" if args.forget else "waits for its turn"
    text = "\n".join(f"{name} {said}." for name in names) or "No run was cut off."
    show(args, {"forgotten" if args.forget else "queued": names}, text)


def _shown() -> tuple[dict[str, Any], str]:
    """Returns the list as plain data and as text."""
    there = [place for place in run_queue.listed() if place.is_there()]
    found = {
        "at_work": [place.run for place in there if not place.waits],
        "waiting": [place.run for place in there if place.waits],
        "cut_off": run_queue.cut_off(),
    }
    rows = [["-", run.address, _does(run)] for run in found["at_work"]]
    rows += [[str(at), run.address, "queued"] for at, run in enumerate(found["waiting"], start=1)]
    rows += [["-", run.address, "cut off; --again queues it again, --forget leaves it"] for run in found["cut_off"]]
    text = table(rows, ["PLACE", "RUN", "STATE"]) if rows else "No run is at work, and none waits."
    plain: dict[str, Any] = {key: [run.address for run in some] for key, some in found.items()}
    asked = afterwards.asked()
    if asked is not None:
        text += f"\n{_SAID[asked.action]}"
    if asked is not None and asked.due_s:
        text += f"\nThat is in {max(0.0, asked.due_s - time.time()):.0f} seconds."
    then = asked.action if asked is not None else "nothing"
    return plain | {"then": then, "due_s": asked.due_s if asked is not None else 0}, text


def _does(run: Run) -> str:
    try:
        return run.summary().state_of(alive=True)
    except StudioError:
        return "?"
