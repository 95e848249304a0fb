"""The commands: blind new|answer|vote|show|list|preferences|remove."""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from studio.cli import data_rows, output
from studio.cli.generate import add_sampling, add_system, asked_sampling, lines_of, side_by_side, width
from studio.cli.output import add_command, one_line, printable, progress, show, table
from studio.core import blind, desk, library, standing
from studio.core.blind import TIE, About, BlindTest, Pair
from studio.core.errors import StudioError
from studio.core.units import counted, plural

_COUNT = 20
_KEYS = "1: the left is better, 2: the right, 0: as good, b: back, q: leave"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    text = "Judge answers without knowing whose they are, and see who wins."
    group = commands.add_parser("blind", help=text, description=text)
    verbs = group.add_subparsers(dest="verb", metavar="VERB", required=True)
    new = add_command(verbs, "new", "Have a base and adapters answer prompts, to be judged.", _new)
    new.add_argument("--model", default="", help="the base; not needed if the first adapter knows it")
    new.add_argument("--adapter", action="append", default=[], help="may be repeated")
    new.add_argument("--no-base", action="store_true", help="the base itself does not take part")
    new.add_argument("--prompt", action="append", default=[], help="may be repeated")
    new.add_argument("--prompts", type=Path, metavar="FILE", help="a text file, one prompt a line")
    new.add_argument("--file", metavar="FILE", help="a data file, whose rows are asked without their last answers")
    new.add_argument("--count", type=output.count, default=_COUNT, metavar="N", help=f"so many of its rows ({_COUNT})")
    data_rows.add_mapping(new)
    new.add_argument("--name", help="what the test is called")
    new.add_argument("--later", action="store_true", help="only make it; `blind answer` has it answered")
    add_system(new)
    add_sampling(new)
    found: list[tuple[str, str, Callable[[argparse.Namespace], None]]] = [
        ("answer", "Answer what a test has not answered yet.", _answer),
        ("vote", "Judge the pairs of a test, one after the other.", _vote),
        ("show", "Show who wins: rates, intervals, and what is beyond chance.", _show),
        ("preferences", "Write the votes as a data file to learn from with `objective: dpo`.", _preferences),
        ("remove", "Move a test to the trash.", _remove),
        ("restore", "Bring a removed test back.", _restore),
    ]
    for name, text, act in found:
        verb = add_command(verbs, name, text, act)
        verb.add_argument("test", help="a name, or a part of one")
        if name == "preferences":
            verb.add_argument("out", type=Path, metavar="OUT", help="a new file, ending in .jsonl")
    add_command(verbs, "list", "All tests, newest first.", _list)


def _new(args: argparse.Namespace) -> None:
    entries = [library.located(name) for name in args.adapter]
    if not args.model and not entries:
        raise StudioError("usage", "No model is named.", "Name one, such as `demo`, or an adapter that knows its base.")
    contenders: list[str | None] = [] if args.no_base else [None]
    contenders += [entry.name for entry in entries]
    asked = [*args.prompt, *(lines_of(args.prompts) if args.prompts else [])]
    opening = [desk.Message(role="system", content=args.system)] if args.system else []
    prompts = [[*opening, desk.Message(role="user", content=prompt)] for prompt in asked if prompt.strip()]
    if args.file is not None:
        prompts += _drawn(args, opening)
    prompts = [prompt for at, prompt in enumerate(prompts) if prompt not in prompts[:at]]
    if not prompts:
        raise StudioError("usage", "There is nothing to answer.", "Add --prompt, --prompts or --file.")
    sampling = asked_sampling(args)
    title = args.name or " / ".join(name or "base" for name in contenders)
    about = About(
        title=title, model=args.model, contenders=contenders, prompts=prompts, sampling=sampling,
        force=args.force, created_s=time.time(),
    )  # fmt: skip
    test = blind.create(about)
    name = test.path.name
    said = f"{name}\n`studio blind {'answer' if args.later else 'vote'} {name}` goes on."
    if not args.later:
        print(f"Blind test {name}: if this is broken off, `studio blind answer {name}` goes on.", file=sys.stderr)
        _answered(test)
    show(args, {"test": test.path.name, "path": str(test.path), "prompts": len(prompts)}, said)


def _drawn(args: argparse.Namespace, opening: list[desk.Message]) -> list[list[desk.Message]]:
    """Returns the prompts of rows of a data file, drawn by the seed; those without an instruction have `opening`."""
    from studio.core import chat
    from studio.core.data.datasets import open_dataset

    spec = data_rows.spec_of(args)
    rows = open_dataset(spec.path, spec.format, columns=spec.mapping)
    found: list[list[desk.Message]] = []
    for at in random.Random(args.seed).sample(range(len(rows)), len(rows)):
        if len(found) == args.count:
            break
        try:
            asked = chat.question(chat.to_example(rows[at].data, rows.format))
        except StudioError:
            continue
        if asked is not None:
            prompt = [desk.Message(role=item["role"], content=item["content"]) for item in asked[0]]
            told = any(message.role == "system" for message in prompt)
            found.append(prompt if told else [*opening, *prompt])
    if not found and args.count:
        message = f"No row of {rows.source.name} is a question with an answer."
        raise StudioError("data", message, "Name a file of conversations, or of prompts and completions.")
    return found


def _answer(args: argparse.Namespace) -> None:
    test = blind.find(args.test)
    count = len(test.missing())
    _answered(test)
    show(args, {"test": test.path.name, "answered": count}, f"{plural(count, 'prompt')} answered.")


def _answered(test: BlindTest) -> None:
    """Has every prompt answered that is not yet; what is answered is kept, whatever ends the process."""
    left, total = test.missing(), len(test.about.prompts)
    if not left:
        return
    from studio.engine.desk_work import Work

    work = Work()
    for prompt in left:
        found = work.do(test.request(prompt), _quiet, lambda column, piece: None, lambda findings: None)
        assert isinstance(found, desk.Answers)
        test.answer(prompt, found.columns)
        progress("Answering", len(test.answers), total)


def _quiet(phase: desk.PhaseName, done: int, total: int) -> None:
    pass


def _vote(args: argparse.Namespace) -> None:
    test = blind.find(args.test)
    if args.json:
        raise StudioError("usage", "Votes are typed.", "Leave --json out; `studio blind show --json` prints them.")
    judged = list[Pair]()
    print(_KEYS, file=sys.stderr)
    while True:
        pairs = test.open_pairs()
        if not pairs:
            if not judged or input("[all judged] b: back, Enter: leave ").strip().lower() != "b":
                break
            test.vote(judged.pop(), None)
            continue
        pair = pairs[0]
        print(f"\n{_pair_text(test, pair)}\n", flush=True)
        try:
            key = input(f"[{len(test.votes) + 1} of {len(test.votes) + len(pairs)}] ").strip().lower()
        except (EOFError, KeyboardInterrupt):
            print(file=sys.stderr)
            break
        if key == "q":
            break
        if key == "b" and judged:
            test.vote(judged.pop(), None)
        elif key in ("1", "2", "0"):
            test.vote(pair, {"1": pair.left, "2": pair.right, "0": TIE}[key])
            judged.append(pair)
        else:
            print(_KEYS, file=sys.stderr)
    left, missing = len(test.open_pairs()), len(test.missing())
    said = f"{plural(left, 'pair')} left." if left or missing else "Nothing is left to judge."
    if missing:
        said += f" Prompts without answers: {missing}; `studio blind answer {test.path.name}` has them answered."
    print(f"{said} `studio blind show {test.path.name}` says who wins.", file=sys.stderr)


def _pair_text(test: BlindTest, pair: Pair) -> str:
    asked = "\n".join(printable(message.content) for message in test.about.prompts[pair.prompt])
    texts = [
        test.answers[pair.prompt][who] + (" [broken off]" if who in test.cut[pair.prompt] else "")
        for who in (pair.left, pair.right)
    ]
    return f"{asked}\n\n{side_by_side(['1', '2'], texts, width())}"


def _show(args: argparse.Namespace) -> None:
    test = blind.find(args.test)
    names = [name or "base" for name in test.about.contenders]
    found, met = standing.standings(test), standing.matches(test)
    same = sum(map(test.same, test.pairs()))
    about = {
        "test": test.path.name,
        "title": test.about.title,
        "pairs": len(test.pairs()),
        "votes": len(test.votes),
        "same": same,
        "answered": len(test.answers),
        "prompts": len(test.about.prompts),
        "standings": [
            {"contender": names[item.contender], "won": item.won, "lost": item.lost, "tied": item.tied,
             "rate": item.rate, "low": item.low, "high": item.high}
            for item in found
        ],
        "matches": [
            {"one": names[item.one], "other": names[item.other], "won": item.won, "lost": item.lost,
             "tied": item.tied, "chance": item.chance}
            for item in met
        ],
    }  # fmt: skip
    rows = [[names[s.contender], *_rate(s), str(s.won), str(s.lost), str(s.tied)] for s in found]
    lines = [f"{one_line(test.about.title)}: {len(test.votes)} of {len(test.pairs()) - same} pairs judged", ""]
    lines += [table(rows, ["", "WINS", "95 %", "WON", "LOST", "TIED"]), ""]
    lines += [_match_text(item, names) for item in met if item.won + item.lost]
    lines += [counted(same, "{count} pair was not judged: both answers are the same.",
                      "{count} pairs were not judged: both answers are the same.")] if same else []  # fmt: skip
    show(args, about, "\n".join(lines).rstrip())


def _rate(item: standing.Standing) -> tuple[str, str]:
    """Returns the share of wins and its interval; where nothing was judged there is none."""
    if not item.won + item.lost + item.tied:
        return "-", "-"
    return f"{item.rate:.0%}", f"{item.low:.0%} to {item.high:.0%}"


def _match_text(match: standing.Match, names: list[str]) -> str:
    one, other, votes = names[match.one], names[match.other], f"{match.won} to {match.lost}"
    if match.decided:
        return f"{one} is better than {other}: {votes} (by chance alone: {match.chance:.1%})"
    return f"{one} and {other}: {votes}, which may be chance ({match.chance:.0%})"


def _list(args: argparse.Namespace) -> None:
    tests = [blind.load(folder) for folder in blind.listing()]
    found = [
        {"test": test.path.name, "title": test.about.title, "votes": len(test.votes), "pairs": len(test.pairs()),
         "answered": len(test.answers), "prompts": len(test.about.prompts)}
        for test in tests
    ]  # fmt: skip
    rows = [[str(i["test"]), str(i["title"]), f"{i['answered']}/{i['prompts']}", str(i["votes"])] for i in found]
    show(args, found, table(rows, ["TEST", "TITLE", "ANSWERED", "VOTES"]) if rows else "No blind tests yet.")


def _preferences(args: argparse.Namespace) -> None:
    if args.out.suffix.lower() != ".jsonl":
        raise StudioError("usage", f"{args.out.name} is no name of a JSONL file.", "Let it end in .jsonl.")
    count = blind.write_preferences(blind.find(args.test), args.out)
    settings = f"--set training.objective=dpo --set data.path={args.out}"
    text = f"{args.out}: {plural(count, 'row')}. Learn from them with `studio train --further ADAPTER {settings}`."
    show(args, {"path": str(args.out), "rows": count}, text)


def _remove(args: argparse.Namespace) -> None:
    test = blind.find(args.test)
    target = blind.remove(test)
    text = f"{test.path.name} lies in the trash now: {target}\n`studio blind restore {test.path.name}` brings it back."
    show(args, {"test": test.path.name, "trash": str(target)}, text)


def _restore(args: argparse.Namespace) -> None:
    test = blind.restore(blind.find_removed(args.test))
    show(args, {"test": test.path.name, "path": str(test.path)}, f"{test.path.name} is back.")
