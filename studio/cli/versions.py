"""The commands: data version|edit|split|mix."""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from studio.cli import data_rows, output
from studio.cli.output import printable
from studio.core.units import plural

if TYPE_CHECKING:
    from studio.core.versions.selection import Selection
    from studio.core.versions.steps import Mix, Step
    from studio.core.versions.store import Version

_EDIT = """Adds a step to a version. KIND and its settings:
  exclude rows=ROWS why=TEXT      take rows out
  restore rows=ROWS               bring them back
  keep rows=ROWS why=TEXT         take all others out
  tag rows=ROWS tag=NAME on=BOOL  rows tagged `eval` are for evaluation
  replace row=N source=N data=JSON
  filter text=TEXT regex=BOOL role=ROLE min_chars=N max_chars=N tag=NAME source=N invert=BOOL
  deduplicate by=row|prompt|answer|COLUMN
  sample count=N seed=N
  balance by=source|tag|length|turns|COLUMN count=N seed=N
  split share=X seed=N stratify_by=source|tag|length|turns|COLUMN
  mix shares=[X, ...] epoch=shortest|longest|N seed=N
  mend finding=KEY rows=ROWS      take a finding of `data audit` away from these rows
ROWS are numbers in the file from 0, such as 3,10-20; of another source than the first: 1:3,1:10-20.
Rows are balanced and stratified by: `source`, the file they are of, also where a column has that name; `tag`; `length`,
their characters in powers of two; `turns`; or a column."""


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands below `data`."""
    _add_version(actions)
    edit = output.add_command(actions, "edit", "Add a step to a version; `undo` takes it back.", bounded(_edit))
    edit.description, edit.formatter_class = _EDIT, argparse.RawDescriptionHelpFormatter
    edit.add_argument("name", metavar="NAME", help="the version")
    edit.add_argument("kind", metavar="KIND", help="what to do, see above; or @FILE: a JSON list of steps")
    edit.add_argument("settings", metavar="KEY=VALUE", nargs="*", help="how")
    split = output.add_command(actions, "split", "Hold rows of a version back for evaluation.", bounded(_split))
    split.add_argument("name", metavar="NAME", help="the version")
    split.add_argument("--share", type=float, required=True, metavar="X", help="of the rows, such as 0.1; 0: none")
    split.add_argument("--stratify-by", default="", metavar="G", help="source, tag, length, turns or a column")
    mix = output.add_command(actions, "mix", "Make a version of several files in given shares.", bounded(_mix))
    mix.add_argument("name", metavar="NAME", help="the new version")
    mix.add_argument("files", metavar="FILE=SHARE", nargs="+", help="a file or a version and its share, such as a=2")
    mix.description = "Make a version of several files in given shares; `--format` and `--map` are of the first."
    data_rows.add_mapping(mix)
    text = "rows of an epoch: shortest (no row twice), longest (every row at least once) or a number"
    mix.add_argument("--epoch", default="shortest", metavar="E", help=text)
    for command in (split, mix):
        command.add_argument("--seed", type=int, default=0, metavar="N", help="another seed draws other rows")


def _add_version(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Make, see and export dataset versions: steps over files that are never changed."
    version = actions.add_parser("version", help=text, description=text)
    verbs = version.add_subparsers(dest="verb", metavar="VERB", required=True)
    create = output.add_command(verbs, "create", "Make a version of all rows of some files.", bounded(_create))
    create.add_argument("name", metavar="NAME", help="the new version: a name, or a path ending in .recipe.json")
    create.add_argument("files", metavar="FILE", nargs="+", help="data files, or versions")
    data_rows.add_mapping(create)
    output.add_command(verbs, "list", "List the versions.", _list)
    known = [output.add_command(verbs, "show", "Show a version's sources, rows and steps.", bounded(_show))]
    for name, text in (("undo", "Undo the last steps."), ("redo", "Do undone steps again.")):
        known.append(output.add_command(verbs, name, text, bounded(partial(_go, name == "undo"))))
        known[-1].add_argument("--steps", type=output.count, default=1, metavar="N", help="how many, by default 1")
    known.append(output.add_command(verbs, "rebase", "Take a version over to sources that changed.", bounded(_rebase)))
    export = output.add_command(verbs, "export", "Write a version's rows to a new file.", bounded(_export))
    for command in (*known, export):
        command.add_argument("name", metavar="NAME", help="the version")
    export.add_argument("out", metavar="OUT", help="the file to write, ending in .jsonl or .parquet")
    export.add_argument("--part", choices=("all", "train", "eval"), default="all", help="which rows")
    export.add_argument("--overwrite", action="store_true", help="OUT may be replaced")


def _create(args: argparse.Namespace) -> None:
    from studio.core.versions import recipe
    from studio.core.versions import store as versions

    args.file = args.files[0]
    spec = data_rows.spec_of(args)
    files = [recipe.Source(path=file, format=spec.format, mapping=spec.mapping) for file in args.files]
    show(args, versions.Version(versions.create(args.name, files, args.told), args.told))


def _mix(args: argparse.Namespace) -> None:
    from studio.core.errors import StudioError
    from studio.core.versions import recipe
    from studio.core.versions import store as versions

    pairs = [file.rpartition("=") for file in args.files]
    try:
        shares = [float(share) for _, _, share in pairs]
    except ValueError:
        shares = []
    if not shares or not all(file for file, _, _ in pairs):
        raise StudioError("usage", "Each file needs its share.", "Write FILE=SHARE, such as chats.jsonl=2.")
    names = [versions.place_of(file) for file, _, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        message = f"{Path(twice).name} is given more than once."
        raise StudioError("usage", message, "Give it once, with the sum of its shares.")
    epoch = int(args.epoch) if args.epoch.isdecimal() else args.epoch
    if epoch not in ("shortest", "longest") and (isinstance(epoch, str) or epoch < 1):
        message = f"`{args.epoch}` is no length of an epoch."
        raise StudioError("usage", message, "Give `shortest`, `longest` or a number of rows, 1 at least.")
    args.file = pairs[0][0]
    spec = data_rows.spec_of(args)
    step = cast("Mix", recipe.read_step({"kind": "mix", "shares": shares, "epoch": epoch, "seed": args.seed}))
    sources = [recipe.Source(path=file) for file, _, _ in pairs]
    sources[0] = recipe.Source(path=pairs[0][0], format=spec.format, mapping=spec.mapping)
    path = versions.create(args.name, sources, args.told, partial(_mixed, step))
    show(args, versions.Version(path, args.told))


def _mixed(step: "Mix", selection: "Selection") -> "Iterator[Step]":
    """Gives the one step of a mix, and sees to it that an epoch has rows of each file."""
    from studio.core.errors import StudioError
    from studio.core.versions.store import format_of

    format_of(selection.sources)  # or why they cannot be in one version
    yield step
    mixed = selection.sources_of(selection.chosen[~selection.evaluation()])
    for number, (file, share) in enumerate(zip(selection.sources, step.shares, strict=True)):
        if share and number not in mixed:
            message = f"An epoch of {len(mixed):,} rows has none of {file.source.name}, so small is its share."
            raise StudioError("data", message, "Raise its share, or make the epoch longer with --epoch.")


def _edit(args: argparse.Namespace) -> None:
    from studio.core.audit import remedies
    from studio.core.versions import recipe

    if args.kind.startswith("@"):
        asked = [recipe.read_asked(item) for item in _listed_steps(Path(args.kind[1:]))]
    else:
        asked = [recipe.read_asked({"kind": args.kind} | _settings(args.settings))]
    version = _opened(args)
    steps = remedies.planned(asked, version.selection)
    if len(version.selection.sizes) > version.recipe.cursor:
        # Some were done to plan the others; all are done together below.
        version.go(version.recipe.cursor)
    version.add(*steps)
    show(args, version)


def _listed_steps(path: Path) -> list[Any]:
    from studio.core.errors import StudioError

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudioError("usage", f"{path} cannot be read: {error}.", "Give a file with a JSON list.") from None
    return found if isinstance(found, list) else [found]


def _split(args: argparse.Namespace) -> None:
    from studio.core.versions import recipe

    given = {"share": args.share, "seed": args.seed, "stratify_by": args.stratify_by}
    version = _opened(args)
    version.add(recipe.read_step({"kind": "split"} | given))
    show(args, version)


def _go(undo: bool, args: argparse.Namespace) -> None:
    version = _opened(args)
    (version.undo if undo else version.redo)(args.steps)
    show(args, version)


def _show(args: argparse.Namespace) -> None:
    show(args, _opened(args))


def _list(args: argparse.Namespace) -> None:
    from studio.core.errors import StudioError
    from studio.core.versions import recipe

    found = []
    for path in recipe.listed():
        about: dict[str, Any] = {"name": recipe.name_of(path), "path": str(path)}
        try:
            said = recipe.load(path)
            found.append(about | {"sources": [item.path for item in said.sources], "steps": said.cursor, "fault": ""})
        except StudioError as error:
            found.append(about | {"sources": [], "steps": 0, "fault": error.message})
    cells = [[item["name"], str(item["steps"]), item["fault"] or ", ".join(item["sources"])] for item in found]
    text = output.table(cells, ("NAME", "STEPS", "SOURCES")) if cells else "There are no versions yet."
    output.show(args, {"versions": found}, text)


def _rebase(args: argparse.Namespace) -> None:
    from studio.core.versions import rebasing, recipe

    found = rebasing.rebase(recipe.file_of(args.name), args.told)
    lines = [f"Changed: {printable(', '.join(found.changed)) or 'nothing'}. Rows found again: {found.found}."]
    lines += [
        f"  step {item['step'] + 1} ({item['kind']}): row {item['source']}:{item['row']}: {printable(item['reason'])}"
        for item in found.lost
    ]
    output.show(args, asdict(found), "\n".join(lines))


def _export(args: argparse.Namespace) -> None:
    from studio.core.versions import exporting, recipe

    note = exporting.export(recipe.file_of(args.name), args.out, args.part, args.told, overwrite=args.overwrite)
    out, rows = printable(args.out), plural(note["rows"], "row")
    text = f"{out}: {rows}; {out}{exporting.PROVENANCE} says what of."
    output.show(args, note, text)


def _opened(args: argparse.Namespace) -> "Version":
    from studio.core.versions import recipe
    from studio.core.versions.store import Version

    return Version(recipe.file_of(args.name), args.told)


def bounded(handler: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    """Returns the handler with bounds on what it reads; `args.told` tells of its progress."""

    def call(args: argparse.Namespace) -> None:
        with data_rows.guard(args) as live:
            args.told = data_rows.telling(live, "Reading")
            handler(args)

    return call


def _settings(texts: list[str]) -> dict[str, Any]:
    from studio.core.errors import StudioError

    pairs = [_setting(text) for text in texts]
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise StudioError("usage", f"`{twice[:60]}` is given more than once.", "Give it once.")
    return dict(pairs)


def _setting(text: str) -> tuple[str, Any]:
    """Reads KEY=VALUE: texts as they stand, rows in their own way, anything else as YAML."""
    import yaml

    from studio.core.errors import StudioError

    name, sign, value = text.partition("=")
    if not sign:
        raise StudioError("usage", f"`{text[:100]}` is no setting.", "Write KEY=VALUE, such as count=100.")
    if name == "rows":
        return name, rows(value)
    if name in ("text", "why", "tag", "by", "stratify_by", "finding"):
        return name, value
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise StudioError("usage", f"`{value[:100]}` cannot be read.", "Quote it, or write it as JSON.") from None


def rows(text: str) -> list[tuple[int, int, int]]:
    """Reads rows as the options name them: spans of a source, a first and a last row.

    Raises:
        StudioError: (usage) they name none.
    """
    from studio.core.errors import StudioError

    found = []
    for part in filter(None, text.split(",")):
        source, _, span = part.rpartition(":")
        first, _, last = span.partition("-")
        numbers = first.isdecimal() and (not last or last.isdecimal()) and (not source or source.isdecimal())
        if not numbers or int(last or first) < int(first):
            message = f"`{part[:100]}` names no rows."
            raise StudioError("usage", message, "Write 3, 10-20, or 1:3 for a row of another source.")
        found.append((int(source or 0), int(first), int(last or first)))
    if not found:
        raise StudioError("usage", "No rows are named.", "Write 3, 10-20, or 1:3 for a row of another source.")
    return found


def named(spans: Iterable[tuple[int, int, int]]) -> str:
    """Returns rows as `rows` reads them."""
    texts = []
    for source, first, last in spans:
        text = f"{source}:{first}" if source else f"{first}"
        texts.append(text if first == last else f"{text}-{last}")
    return ",".join(texts)


def show(args: argparse.Namespace, version: "Version", further: str = "") -> None:
    """Prints what a version is made of, and for people `further`."""
    from studio.core.versions.store import describe

    about = describe(version)
    rows = plural(about["rows"], "row")
    lines = [f"{about['name']}: {rows}, {about['eval_rows']:,} of them for evaluation ({about['format']})."]
    cells = [
        [str(place), item["path"], *(str(item[key]) for key in ("usable", "different_rows", "train_rows", "eval_rows"))]
        for place, item in enumerate(about["sources"])
    ]
    lines.append(output.table(cells, ("SOURCE", "FILE", "ROWS", "USED", "TRAINING ROWS", "EVALUATION ROWS")))
    if about["tags"]:
        lines.append("Tags: " + ", ".join(f"{printable(tag)} ({count})" for tag, count in about["tags"].items()) + ".")
    for place, step in enumerate(about["steps"], start=1):
        hidden = ("kind", "time_s", "counts", "rows_left", "joined", "steps")
        shown = {key: value for key, value in step.items() if key not in hidden and value not in ("", None)}
        settings = ", ".join(f"{key}={value}" for key, value in shown.items() if value is not False)
        left = f"leaves {plural(step['rows_left'], 'row')}" if step["counts"] else "undone"
        lines.append(f"{place}. {step['kind']} ({printable(settings)}): {left}")
    output.show(args, about, "\n".join([*lines, *filter(None, [printable(further)])]))
