"""The command: data audit."""

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from studio.cli import data_rows, output, versions
from studio.cli.output import printable
from studio.core.units import plural

if TYPE_CHECKING:
    from studio.core.audit.findings import Finding
    from studio.core.audit.lengths import Cut
    from studio.core.config import RunConfig
    from studio.core.data.datasets import Dataset
    from studio.core.versions.steps import Step
    from studio.engine.audit import Audit

_LABELS = {"reading": "Reading", "checking": "Checking", "comparing": "Comparing", "tokenizing": "Tokenizing"}
_SHOWN_ROWS = 8


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to `data`."""
    command = output.add_command(actions, "audit", "Find what is wrong with a data file before it is learned.", _audit)
    command.add_argument("file", metavar="FILE", help="the training data")
    command.add_argument("--model", metavar="M", required=True, help="whose tokens: `demo`, a folder or a hub id")
    data_rows.add_mapping(command)
    command.add_argument("--max-length", type=int, metavar="N", help="tokens a row may have")
    text = "make chunks of long texts instead of cutting them, each repeating this many tokens of the one before"
    command.add_argument("--chunk-overlap", type=int, metavar="N", help=text)
    command.add_argument("--chat-template", metavar="T", help="as in data.chat_template")
    command.add_argument("--system", metavar="T", help="as in data.system")
    command.add_argument("--eval", metavar="FILE", help="the evaluation data, to find its rows in the training data")
    command.add_argument("--eval-split", type=float, metavar="X", help="the share that is held back, to find leaks")
    command.add_argument("--seed", type=int, metavar="N", help="draws the split")
    command.add_argument("--objective", metavar="O", help="as in training.objective")
    command.add_argument("--mend", metavar="FINDING", help="take this finding away, in a version; FILE stays")
    command.add_argument("--version", metavar="NAME", help="the version to make; FILE itself where it is one")


def _audit(args: argparse.Namespace) -> None:
    from studio.core import objectives
    from studio.core.data.datasets import open_dataset
    from studio.core.errors import StudioError
    from studio.core.objectives import asked
    from studio.engine import hub, model
    from studio.engine.audit import examine
    from studio.engine.labels import make_encoder

    if args.chunk_overlap is not None and asked(args.objective or "").compares:
        message = f"Answers that are compared stay whole: `--chunk-overlap` does not go with `{args.objective}`."
        raise StudioError("usage", message, "Leave one of the two out.")
    config = _config(args)
    dataset = open_dataset(args.file, config.data.format, partial(output.progress, "Reading"), config.data.mapping)
    folder = hub.resolve(args.model, on_progress=partial(output.progress, "Downloading"), need="tokenizer")
    if args.objective and not objectives.trainable(dataset.format, args.objective):
        raise objectives.untrainable(dataset.format, args.objective)
    objective = objectives.objective_for(dataset.format, config.training.objective)
    encoder = make_encoder(model.load_tokenizer(folder), config.data, objective)
    made = examine(
        dataset,
        encoder,
        config.data,
        config.training.seed,
        lambda phase, done, total: output.progress(_LABELS[phase], done, total),
        lambda found: None,
    )
    if args.mend:
        _mend(args, dataset, made, sorted(encoder.special_texts))
    else:
        at = made.lengths.at(config.data.max_length, args.chunk_overlap)
        output.show(args, _facts(made, at), _report(args.file, made, at))


def _mend(args: argparse.Namespace, dataset: "Dataset", made: "Audit", specials: list[str]) -> None:
    """Takes a finding away: by steps of the version that was audited, or of a new one of the file."""
    from studio import paths
    from studio.core.audit import remedies
    from studio.core.versions import recipe
    from studio.core.versions.steps import Mend, spans
    from studio.core.versions.store import Version, create, origins

    finding = _mendable(args.mend, made)
    path, numbers = dataset.source, finding.rows.tolist()
    asked = partial(Mend, finding=finding.key, specials=tuple(specials))
    told = partial(output.progress, "Reading")
    if paths.is_version(path):
        version = Version(path, told)
        places = [(source, number) for source, number, _ in origins(dataset)[numbers].tolist()]
        steps = remedies.steps_of(asked(rows=spans(places)), version.selection)
        version.add(*steps)
    else:
        spec = data_rows.spec_of(args)
        file = recipe.Source(path=args.file, format=spec.format, mapping=spec.mapping)
        planned = partial(remedies.steps_of, asked(rows=spans((0, number) for number in numbers)))
        version = Version(create(args.version or recipe.free_name(path.name), [file], told, planned), told)
        steps = list(version.recipe.effective)
    lines = [] if finding.kind.remedy == "exclude" else [_taken_out(steps)]
    if rest := [item.key for item in made.found if item.kind.remedy and item is not finding]:
        lines.append(f"Mend the rest ({', '.join(rest)}) in it: `studio data audit {version.path.name} ...`.")
    versions.show(args, version, "\n".join(filter(None, lines)))


def _mendable(key: str, made: "Audit") -> "Finding":
    from studio.core.errors import StudioError

    found = {item.key: item for item in made.found}
    if key not in found:
        names = ", ".join(found) or "none"
        raise StudioError("usage", f"There is no finding `{key}` here.", f"The findings are: {names}.")
    if not found[key].kind.remedy:
        hint = "Look at its rows, and change them by `studio data edit`."
        raise StudioError("data", f"Only a person can mend `{key}`.", hint)
    return found[key]


def _taken_out(steps: "list[Step]") -> str:
    """Says which rows a mend of texts takes out, since without what was found they could not be used."""
    from studio.core.versions.steps import Exclude

    rows = versions.named(span for step in steps if isinstance(step, Exclude) for span in step.rows)
    return f"Taken out, since nothing usable would be left of them: rows {rows}." if rows else ""


def _config(args: argparse.Namespace) -> "RunConfig":
    from studio.core.config_file import build

    spec = data_rows.spec_of(args)
    data = {"path": args.file, "format": spec.format, "mapping": spec.mapping, "eval_path": args.eval}
    data |= {"max_length": args.max_length, "chunk_overlap": args.chunk_overlap}
    data |= {"long_text": None if args.chunk_overlap is None else "chunks"}
    data |= {"chat_template": args.chat_template, "system": args.system, "eval_split": args.eval_split}
    training = {"seed": args.seed, "objective": args.objective}
    given = {"data": data, "training": training}
    return build(
        {part: {key: value for key, value in items.items() if value is not None} for part, items in given.items()}
    )


def _facts(made: "Audit", at: "Cut") -> dict[str, Any]:
    """Returns everything: of each finding all rows, and the first hits with their places."""
    from dataclasses import asdict

    found = [item.summary() | {"rows": item.rows.tolist()} for item in made.found]
    lengths = asdict(at) if len(made.lengths) else None
    about = {key: value for key, value in made.about.items() if key != "specials"}
    # As `data check` counts: a row that nothing is learned from cannot be used.
    return {**about, "usable": at.rows, "max_length": at.cutoff, "lengths": lengths, "findings": found}


def _report(file: str, made: "Audit", at: "Cut") -> str:
    about = made.about
    spoken = [f"{name or 'unclear'} {count / about['usable']:.0%}" for name, count in about["languages"].items()]
    lines = [
        f"{printable(file)}: {at.rows:,} of {plural(about['rows'], 'row')} can be used.",
        f"Languages: {', '.join(spoken[:8])}.",
        f"At {at.cutoff} tokens: {plural(at.rows, 'row')} with {at.tokens:,} tokens an epoch, "
        f"{at.cut - at.dropped:,} of them cut.",
    ]
    if at.chunked:
        lines.append(f"Long texts made into chunks: {at.chunked:,}; sequences in all: {at.sequences:,}.")
    if not made.found:
        return "\n".join([*lines, "Nothing was found."])
    rows = []
    for item in made.found:
        shown = ", ".join(map(str, item.rows[:_SHOWN_ROWS].tolist()))
        shown += ", ..." * (item.count > _SHOWN_ROWS)
        mended_as = item.key if item.kind.remedy else "by hand"
        rows.append((item.kind.severity, item.kind.title, mended_as, str(item.count), shown))
    rows.sort(key=lambda row: ("error", "warning", "note").index(row[0]))
    return "\n".join([*lines, "", output.table(rows, ("", "finding", "--mend", "rows", "their numbers, from 0"))])
