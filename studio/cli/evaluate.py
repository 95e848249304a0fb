"""The command: evaluate, which measures a base and adapters on many rows and shows what each answers."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import data_rows, output
from studio.cli.generate import add_sampling, asked_sampling, side_by_side, width
from studio.core import config, desk, evaluations, library, measures, runs, summaries
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.scores import perplexity
from studio.core.standing import CHANCE
from studio.core.units import percent, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studio.core.config import RunConfig
    from studio.core.evaluations import Result

_HEADS = {
    "loss": "LOSS",
    "row_loss": "LOSS OF A ROW",
    "reward": "REWARD",
    "reward_accuracy": "REWARD ACCURACY",
    "preferred": "PREFERRED",
    "likelier": "LIKELIER",
    "exact": "EXACT",
    "contains": "CONTAINS",
    "f1": "F1",
    "rouge_l": "ROUGE-L",
    "json": "JSON",
    "json_equal": "SAME JSON",
    "match": "MATCH",
}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    text = "Measure a base and adapters on the rows of a file, or on those that a run held back, and keep every answer."
    command = output.add_command(commands, "evaluate", text, _evaluate)
    help = "a data file or a dataset version (the rows that the first adapter's run held back)"
    command.add_argument("file", nargs="?", metavar="FILE", help=help)
    command.add_argument("--run", help="the rows that this run held back")
    command.add_argument("--model", default="", help="the base; not needed if the first adapter knows it")
    command.add_argument("--adapter", action="append", default=[], help="may be repeated")
    command.add_argument("--rows", type=output.count, metavar="N", help="only the first N rows")
    command.add_argument("--sample", type=output.count, metavar="N", help="only N rows, drawn by --seed")
    command.add_argument("--answers", action="store_true", help="have the rows answered too, and compare")
    command.add_argument("--match", metavar="REGEX", help="a regular expression that an answer is to have")
    help = "show so many rows, those where an adapter is worst beside the base first (0)"
    command.add_argument("--first", type=output.count, default=0, metavar="N", help=help)
    command.add_argument("--out", type=Path, help="write every row to a new file, ending in .jsonl or .csv")
    data_rows.add_mapping(command)
    command.add_argument("--chat-template", metavar="T", help="as in data.chat_template (as the first adapter's)")
    command.add_argument("--max-length", type=int, metavar="N", help="cut behind so many tokens (as the first's rows)")
    command.add_argument("--quantization", choices=("none", "8bit", "nf4"), help="as in the training, or none")
    add_sampling(command)


def _evaluate(args: argparse.Namespace) -> None:
    entries = [library.located(name) for name in args.adapter]
    _check(args, entries)
    settings, known, source = _rows_of(args, entries)
    request = desk.Evaluate(
        config=config.to_dict(settings),
        held=args.file is None,
        known=known,
        count=args.rows or args.sample or 0,
        drawn_by=None if args.sample is None else args.seed,
        answers=args.answers,
        match=args.match or "",
        model=args.model or ("" if entries else settings.model.path),
        quantization=args.quantization,
        adapters=[None, *args.adapter],
        sampling=asked_sampling(args),
        force=args.force,
    )
    from studio.engine.desk_work import Work

    found: list[Result] = []
    done = Work().do(request, _tell, lambda at, text: None, lambda findings: None, on_results=found.extend)
    assert isinstance(done, desk.Evaluated)
    names = evaluations.distinct(("base", *(entry.name for entry in entries)))
    summary = summaries.Summary(len(names))
    for item in found:
        summary.add(item)
    about = _plain(request, done, names, summary) | {"out": str(args.out) if args.out else None}
    if args.out is not None:
        evaluations.write(args.out, [evaluations.plain(item, names) for item in found])
    said = _report(f"{source}{done.name}", about, names, summary)
    if args.answers and evaluations.unasked(found):
        said.append("No row has a question, so none was answered.")
    if args.file is not None:
        said += evaluations.learned(entries, done.fingerprint)
    said += [f"Every row is in {args.out}."] if args.out else []
    first = summary.measures()[0]
    worst = [evaluations.plain(item, names) for item in summaries.ordered(found, first, "worst")[: args.first]]
    output.show(args, about | {"worst": worst}, "\n".join([*said, *(_shown(row, first) for row in worst)]))


def _check(args: argparse.Namespace, entries: "Sequence[Entry]") -> None:
    """Raises a `StudioError` (usage) for what cannot be asked."""
    if args.file is not None and args.run is not None:
        raise StudioError("usage", "Either a file is named or a run.", "Leave one of them out.")
    if not args.model and not entries and args.run is None:
        raise StudioError("usage", "No model is named.", "Name one, such as `demo`, or an adapter that knows its base.")
    if args.rows is not None and args.sample is not None:
        raise StudioError("usage", "--rows takes the first rows and --sample draws them.", "Leave one of them out.")
    if 0 in (args.rows, args.sample):
        raise StudioError("usage", "No row is asked for.", "Ask for one at least, or for all by leaving it out.")
    if args.match is not None and not args.answers:
        raise StudioError("usage", "--match looks at answers.", "Add --answers.")
    of_file = args.map or args.format != "auto" or {args.chat_template, args.max_length} != {None}
    if args.file is None and of_file:
        hint = "Name the file, or leave them out: rows that were held back are read as the run's."
        raise StudioError("usage", "--format, --map, --chat-template and --max-length are about a file.", hint)
    if args.out is not None:
        evaluations.check_out(args.out)


def _rows_of(args: argparse.Namespace, entries: "Sequence[Entry]") -> "tuple[RunConfig, str, str]":
    """Returns the config whose rows they are, the fingerprint its data is to have, and words on where they come from.

    Raises:
        StudioError: (usage) no rows are named; (run), (config) the run or the adapter cannot be read.
    """
    if args.file is not None:
        spec = asdict(data_rows.spec_of(args))
        data = {"path": args.file, "format": args.format, "mapping": spec["mapping"]}
        data |= {key: spec[key] for key in ("chat_template", "max_length") if getattr(args, key) is not None}
        return evaluations.on_data(data, evaluations.trained(entries)), "", ""
    if args.run is not None:
        run = runs.find(args.run)
        return *evaluations.held_by(run), f"held back by the run {run.name}, of "
    first = evaluations.trained(entries)
    if first is None:
        raise StudioError("usage", "No rows are named, and no run of the adapter's is known.", "Name a file, or --run.")
    for message in evaluations.warnings(entries):
        print(output.printable(message), file=sys.stderr)
    return *evaluations.held_for(first), f"held back in the training of {first.name}, of "


def _plain(
    request: desk.Evaluate, done: desk.Evaluated, names: "Sequence[str]", summary: summaries.Summary
) -> dict[str, Any]:
    columns = []
    for at, (name, adapter) in enumerate(zip(names, request.adapters, strict=True)):
        figures = {key: summary.figure(at, key) for key in summary.measures()}
        known = {
            key: asdict(figure) | {"chance": figure.chance} for key, figure in figures.items() if figure is not None
        }
        loss = figures.get("loss")
        if done.row_format != "preference" and loss is not None:
            known["perplexity"] = {key: perplexity(getattr(loss, key)) for key in ("mean", "low", "high")}
        columns.append({"name": name, "adapter": adapter, "measures": known})
    left_out = [{"row": row, "reason": reason} for row, reason in done.left_out.items()]
    return {"data": done.name, "fingerprint": done.fingerprint, "rows": summary.rows, "tokens": summary.tokens,
            "columns": columns, "left_out": left_out}  # fmt: skip


def _report(source: str, about: dict[str, Any], names: "Sequence[str]", summary: summaries.Summary) -> list[str]:
    """Returns the tables: what the rows' own answers are to each column, what each answered, and who is better."""
    tokens = plural(about["tokens"], "learned token")
    lines = [f"{plural(about['rows'], 'row')} {source if source.startswith('held') else f'of {source}'}, {tokens}"]
    for kind in (measures.LOSSES, measures.ANSWERS):
        shown = [key for key in summary.measures() if key in kind]
        if shown:
            lines += ["", _table(shown, about, names, summary)]
    lines += ["", "In brackets where each lies with 95 %. *: the best."]
    if len(names) > 1:
        lines += ["", *_beside(about["columns"], summary.measures())]
    if about["left_out"]:
        first = about["left_out"][0]
        reason = f"row {first['row']}: {first['reason']}"
        lines.append(f"{plural(len(about['left_out']), 'row')} left out; the first is {output.one_line(reason)}.")
    return lines


def _table(shown: "Sequence[str]", about: dict[str, Any], names: "Sequence[str]", summary: summaries.Summary) -> str:
    heads, rows = [""], [[name] for name in names]
    for key in shown:
        heads.append(_HEADS[key])
        figures, best = summary.figures(key)
        for at, row in enumerate(rows):
            row.append(f"{_figure(figures[at], key)}{'*' if at in best else ''}" if at in figures else "-")
        if key == "loss" and "perplexity" in about["columns"][0]["measures"]:
            heads.append("PERPLEXITY")
            for row, column in zip(rows, about["columns"], strict=True):
                row.append(f"{column['measures']['perplexity']['mean']:,.2f}")
    return output.table(rows, heads)


def _figure(figure: summaries.Figure, key: str) -> str:
    if key in measures.SHARES:
        return f"{percent(figure.mean)} ({percent(figure.low)} to {percent(figure.high)})"
    if figure.rows < 2:
        return f"{figure.mean:.4f}"
    return f"{figure.mean:.4f} ({figure.low:.4f} to {figure.high:.4f})"


def _beside(columns: "Sequence[dict[str, Any]]", shown: "Sequence[str]") -> list[str]:
    """Says in how many rows each adapter is better than the base, and whether that may be chance."""
    lines = []
    for column in columns[1:]:
        for key in (key for key in shown if key in column["measures"]):
            item = column["measures"][key]
            if item["better"] or item["worse"]:
                odds = percent(item["chance"])
                odd = "by chance alone" if item["chance"] < CHANCE else "which may be chance"
                counts = f"better in {plural(item['better'], 'row')}, worse in {item['worse']:,}"
                lines.append(f"{column['name']} by {_HEADS[key]}: {counts} ({odd}: {odds})")
    return lines or ["No adapter differs from the base in any row."]


def _shown(row: dict[str, Any], measure: str) -> str:
    heads, texts = ["its own answer" if row.get("label", True) else "its bad answer"], [row["answer"]]
    for column in row["columns"]:
        heads.append(f"{column['name']} ({column[measure]:.3f})")
        texts.append(column["fault"] or column["answer"] or "(not asked)")
    asked = output.printable(row["prompt"])
    return f"\nRow {row['row']}: {asked}\n\n{side_by_side(heads, texts, width())}"


def _tell(phase: str, done: int, total: int) -> None:
    output.progress(phase.capitalize(), done, total)
