"""The commands: data check|tokens, and those of `audit`, `data_rows`, `mend` and `versions`."""

import argparse
from dataclasses import asdict
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from studio.cli import audit, data_rows, mend, output, versions
from studio.cli.output import printable
from studio.core.units import plural

if TYPE_CHECKING:
    from studio.core.config import DataSpec
    from studio.core.data.datasets import Dataset
    from studio.engine.labels import Encoded, Encoder

_SHOWN_REASONS = 20


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    data = commands.add_parser(
        "data", help="look at data, and make versions of it", description="Look at data, and make versions of it."
    )
    actions = data.add_subparsers(dest="action", metavar="ACTION", required=True)
    audit.add(actions)
    check = output.add_command(actions, "check", "Find a data file's format and every row that cannot be used.", _check)
    tokens = output.add_command(actions, "tokens", "Show a row's tokens and which of them are learned.", _tokens)
    for command in (check, tokens):
        command.add_argument("file", metavar="FILE", help="a data file, a folder, a pattern, an archive or a hub id")
        data_rows.add_mapping(command)
        command.add_argument("--chat-template", metavar="T", help="as in data.chat_template")
        command.add_argument("--system", metavar="T", help="as in data.system")
        command.add_argument("--max-length", type=int, metavar="N", help="cut rows behind this many tokens")
        text = "make chunks of long texts instead, each repeating this many tokens of the one before"
        command.add_argument("--chunk-overlap", type=int, metavar="N", help=text)
    check.add_argument("--most-rejected", type=output.count, metavar="N", help="list no more rejected rows than these")
    check.add_argument("--model", metavar="M", help="count the tokens as this model sees them")
    versions.add(actions)
    tokens.add_argument("--model", metavar="M", required=True, help="whose tokens: `demo`, a folder or a hub id")
    tokens.add_argument("--row", type=int, metavar="N", required=True, help="the row's number in the file, from 0")
    tokens.add_argument("--worse", action="store_true", help="of a row with two answers, the worse one")
    data_rows.add(actions)
    mend.add(actions)


def _check(args: argparse.Namespace) -> int:
    from studio.core.errors import EXIT_CODES

    spec, dataset = _opened(args)
    found: dict[str, Any] = {
        "format": dataset.format,
        "reason": dataset.reason,
        "second": asdict(dataset.second) if dataset.second else None,
        "mapping": spec.mapping,
        "files": dataset.files or [dataset.source.name],
        "fingerprint": dataset.fingerprint,
        "rows": dataset.rows,
        "valid": len(dataset),
        "rejected": [
            {**asdict(item), "file": item.file or dataset.source.name}
            for item in dataset.rejected[: args.most_rejected]
        ],
    }
    if args.model:
        found |= _counted(dataset, _encoder(args.model, spec, dataset.format))
    usable = found["valid"] - found.get("untrained_rows", 0)
    output.show(args, found, _report(args.file, found, usable))
    return 0 if usable else EXIT_CODES["data"]


def _tokens(args: argparse.Namespace) -> None:
    from studio.core.chat import desirable
    from studio.core.errors import StudioError

    spec, dataset = _opened(args)
    row = dataset.find(args.row)
    pair = dataset.format == "preference"
    if args.worse and not pair:
        message = f"The rows of {printable(args.file)} have one answer each."
        raise StudioError("usage", message, "Leave --worse out, or say which columns are `chosen` and `rejected`.")
    encoder = _encoder(args.model, spec, dataset.format)
    encoded = encoder.encode(row.data, dataset.format, args.worse)
    names = encoder.tokenizer.convert_ids_to_tokens(encoded.ids)
    tokens = [
        {
            "id": encoded.ids[index],
            "text": encoded.text[left:right] or names[index],
            "trained": encoded.trained[index],
            "special": encoded.special[index],
            "truncated": index >= encoded.kept,
        }
        for index, (left, right) in enumerate(encoded.offsets)
    ]
    chunks = [{"start": chunk.start, "stop": chunk.stop, "learned_from": chunk.fresh} for chunk in encoded.chunks]
    answer = ("worse" if args.worse else "better") if pair else ""
    if dataset.format == "kto":
        answer = "good" if desirable(row.data) else "bad"
    learned = {"worse": "avoided", "bad": "avoided", "better": "preferred"}.get(answer, "learned")
    text = _picture(encoded, tokens, learned)
    if len(chunks) > 1:
        text += f"\n{len(chunks)} chunks: " + ", ".join(f"{chunk.start} to {chunk.stop}" for chunk in encoded.chunks)
    output.show(args, {"answer": answer, "tokens": tokens, "chunks": chunks}, text)


def _opened(args: argparse.Namespace) -> "tuple[DataSpec, Dataset]":
    from studio.core.data.datasets import open_dataset

    spec = data_rows.spec_of(args)
    with data_rows.guard(args) as live:
        told = data_rows.telling(live, "Reading")
        return spec, open_dataset(args.file, spec.format, told, spec.mapping)


def _encoder(path: str, spec: "DataSpec", row_format: str) -> "Encoder":
    from studio.core.objectives import objective_for
    from studio.engine import hub, model
    from studio.engine.labels import make_encoder

    folder = hub.resolve(path, on_progress=partial(output.progress, "Downloading"))
    return make_encoder(model.load_tokenizer(folder), spec, objective_for(row_format, "sft"))


def _counted(dataset: "Dataset", encoder: "Encoder") -> dict[str, Any]:
    """Counts tokens a row before it is cut; of rows without a learned token only how many there are."""
    import numpy as np

    from studio.engine.tokens import tokenize

    every = np.arange(len(dataset), dtype=np.int64)
    tokens = tokenize(dataset, every, encoder, partial(output.progress, "Tokenizing"))
    lengths, counts = tokens.full_lengths, None
    if len(lengths):
        p50, p95 = (float(value) for value in np.percentile(lengths, [50, 95]))
        total = int(lengths.sum(dtype=np.int64))
        counts = {"min": int(lengths.min()), "mean": total / len(lengths), "p50": p50, "p95": p95}
        counts |= {"max": int(lengths.max()), "total": total}
    return {
        "max_length": encoder.max_length,
        # What the tokens are counted of: rows, answers, or the chunks that long texts are made into.
        "sequences": len(tokens),
        "tokens": counts,
        "truncated_rows": tokens.truncated,
        "untrained_rows": len(tokens.untrained),
        "untrained": [{**asdict(item), "file": item.file or dataset.source.name} for item in tokens.untrained],
    }


def _report(file: str, found: dict[str, Any], usable: int) -> str:
    lines = [
        f"{printable(file)}: {found['format']} ({printable(found['reason'])})",
        *([f"Or {found['second']['format']}: {printable(found['second']['reason'])}."] if found["second"] else []),
        f"{usable:,} of {plural(found['rows'], 'row')} can be used.",
        *_listed("rejected", found["rejected"], len(found["files"]) > 1, found["rows"] - found["valid"]),
    ]
    counts = found.get("tokens")
    if counts:
        of_each = "an answer" if found["format"] == "preference" else "a row"
        if found["sequences"] > usable and found["format"] != "preference":
            of_each = f"a sequence ({plural(usable, 'row')} make {found['sequences']:,})"
        lines.append(
            f"Tokens {of_each}: {counts['min']} to {counts['max']}, mean {counts['mean']:.1f}, "
            f"median {counts['p50']:.0f}, 95 % below {counts['p95']:.0f}; {counts['total']} in all."
        )
    if "truncated_rows" in found:
        lines.append(f"Cut at {found['max_length']} tokens: {plural(found['truncated_rows'], 'row')}.")
        lines += _listed("without a learned token", found["untrained"], False, found["untrained_rows"])
    return "\n".join(lines)


def _listed(what: str, rows: list[dict[str, Any]], several: bool, count: int) -> list[str]:
    """Returns lines for `rows`, which may be the first of `count`."""
    if not count:
        return []
    first = f", of which the first {len(rows):,}" if len(rows) < count else ""
    lines = [f"{plural(count, 'row')} {what}{first}:"]
    alike: dict[str, list[dict[str, Any]]] = {}
    for item in rows:
        alike.setdefault(item["reason"], []).append(item)
    for reason, items in list(alike.items())[:_SHOWN_REASONS]:
        place = f"row {items[0]['row']}"
        place += f", line {items[0]['line']}" if items[0]["line"] else ""
        place += f" of {printable(items[0]['file'])}" if several else ""
        lines.append(f"  {place}{f' and {len(items) - 1:,} more' if len(items) > 1 else ''}: {printable(reason)}")
    if len(alike) > _SHOWN_REASONS:
        lines.append(f"  and {len(alike) - _SHOWN_REASONS:,} other reasons")
    if len(rows) > min(len(alike), _SHOWN_REASONS):
        lines.append("  --json lists every row")
    return lines


def _picture(encoded: "Encoded", tokens: list[dict[str, Any]], learned_as: str) -> str:
    """Returns a row's text with what is learned, as `learned_as` says, and what is cut marked."""
    colour = output.colours()
    learned, cut = (("\x1b[32m", "\x1b[0m"), ("\x1b[2;9m", "\x1b[0m")) if colour else (("[[", "]]"), ("{{", "}}"))
    pieces = []
    for marks, group in groupby(
        range(len(tokens)), lambda i: cut if tokens[i]["truncated"] else learned if tokens[i]["trained"] else ("", "")
    ):
        indices = list(group)
        left, right = encoded.offsets[indices[0]][0], encoded.offsets[indices[-1]][1]
        # Tokens outside the text, such as an added end token, are shown by name.
        outside = [tokens[i]["text"] for i in indices if encoded.offsets[i][0] == encoded.offsets[i][1]]
        pieces.append(printable(encoded.text[left:right] + "".join(outside)).join(marks))
    count = sum(item["trained"] and not item["truncated"] for item in tokens)
    legend = f"{learned_as.join(learned)} {'cut'.join(cut)}"
    kept = f"{encoded.kept} of {plural(len(tokens), 'token')} kept, {count} of them {learned_as}."
    return f"{''.join(pieces)}\n\n{kept} {legend}"
