"""The command: score, which says what a base and adapters make of every token of a text that is there already."""

import argparse
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.cli import data_rows, output
from studio.cli.generate import add_adapters, titled, with_strength
from studio.core import desk, scores
from studio.core.config import ModelSpec
from studio.core.config_file import build
from studio.core.errors import StudioError
from studio.core.units import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME_WIDTH = 24
# How the rows were cut that an adapter was trained on.
_TAKEN = ("max_length", "long_text", "chunk_overlap", "train_overlap")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    text = "Show how likely a base and adapters hold every token of a row, or of an answer."
    score = output.add_command(commands, "score", text, _score)
    score.add_argument("--model", help="the base; not needed if the first adapter knows it")
    add_adapters(score)
    score.add_argument("--prompt", help="a question ...")
    score.add_argument("--answer", help="... and the answer to look at")
    score.add_argument("--system", help="the instruction in front of them")
    score.add_argument("--file", metavar="FILE", help="or a data file ...")
    score.add_argument("--row", type=output.count, metavar="N", help="... and the row's number in it, from 0")
    data_rows.add_mapping(score)
    text = "as in data.chat_template (as the first adapter was trained)"
    score.add_argument("--chat-template", metavar="T", help=text)
    text = "cut behind this many tokens (as the first adapter's rows)"
    score.add_argument("--max-length", type=int, metavar="N", help=text)
    score.add_argument("--chunk-overlap", type=int, metavar="N", help="as in `data tokens`")
    score.add_argument("--worse", action="store_true", help="of a row with two answers, the worse one")
    score.add_argument("--by", choices=("difference", "loss"), help="which tokens come first (difference, from two on)")
    score.add_argument("--first", type=output.count, default=20, metavar="N", help="so many tokens; 0: all (20)")
    score.add_argument("--force", action="store_true", help="even if the base is not the one of the training")
    score.add_argument("--quantization", choices=("none", "8bit", "nf4"), help="as in the training, or none")


def _score(args: argparse.Namespace) -> None:
    _check(args)
    if not args.model and not args.adapter:
        raise StudioError("usage", "No model is named.", "Name one, such as `demo`, or an adapter that knows its base.")
    asked = [with_strength(text) for text in args.adapter]
    entries = [one.entry for one in asked]
    text = _text(args, next((entry.config for entry in entries if entry.config), {}))
    columns = [None, *(one.name for one in asked)]
    request = desk.Score(
        text=text,
        model=args.model or "",
        quantization=args.quantization,
        adapters=columns,
        strengths=[1.0, *(one.strength for one in asked)],
        most_shown=desk.WHOLE,
        force=args.force,
    )
    from studio.engine.desk_work import Work

    found = Work().do(request, _tell, lambda column, piece: None, lambda findings: None)
    assert isinstance(found, desk.Scores)
    if args.worse and not found.picture.paired:
        hint = "Leave --worse out, or say which columns are `chosen` and `rejected`."
        raise StudioError("usage", "The row has one answer.", hint)
    names = ["base", *map(titled, asked)]
    by = args.by or ("difference" if len(columns) > 1 else "loss")
    output.show(args, _plain(found, names), _report(found, names, by, args.first))


def _check(args: argparse.Namespace) -> None:
    """Raises a `StudioError` (usage) where nothing is named, or two things."""
    typed = args.prompt is not None or args.answer is not None
    if typed == (args.file is not None):
        hint = "Add --prompt and --answer, or --file and --row."
        raise StudioError("usage", "Either a question with its answer is needed or a row of a file.", hint)
    if typed and not ((args.prompt or "").strip() and (args.answer or "").strip()):
        raise StudioError("usage", "A question and its answer belong together.", "Add both --prompt and --answer.")
    if not typed and args.row is None:
        raise StudioError("usage", "No row is named.", "Add --row with its number in the file, from 0.")
    of_rows = args.row is not None or args.map or args.format != "auto" or args.worse
    if typed and of_rows:
        hint = "Leave them out, or name a --file."
        raise StudioError("usage", "--row, --format, --map and --worse are about a file, and none is named.", hint)
    if not typed and args.system:
        raise StudioError("usage", "--system belongs to a typed question.", "A row has its own, if it has one.")
    if args.by == "difference" and not args.adapter:
        raise StudioError("usage", "The base alone differs from nothing.", "Add --adapter, or leave --by out.")


def _text(args: argparse.Namespace, trained: dict[str, Any]) -> desk.Tokens:
    """Returns what is to be read; a row as the adapter of the config `trained` was given it, but for what is said here.

    Raises:
        StudioError: (config) a value is wrong.
    """
    named = args.file is not None
    args.file = args.file or "-"
    spec = data_rows.spec_of(args)
    if named:
        known = build({"data": {"path": "-"} | _part(trained, "data", *_TAKEN, "system"),
                       "training": _part(trained, "training", "objective")})  # fmt: skip
        if args.max_length is None and args.chunk_overlap is None:
            spec = replace(spec, **{key: getattr(known.data, key) for key in _TAKEN})
        spec = replace(spec, system=known.data.system)
        text = desk.tokens_of(spec, args.row, ModelSpec(), known.training.objective)
        return replace(text, worse=args.worse)
    text = desk.conversation(args.system or "", args.prompt, args.answer)
    return replace(text, max_length=args.max_length or desk.WHOLE, chat_template=spec.chat_template)


def _part(trained: dict[str, Any], section: str, *keys: str) -> dict[str, Any]:
    """Returns some settings of a config, which a stranger may have written."""
    found = trained.get(section)
    return {key: found[key] for key in keys if key in found} if isinstance(found, dict) else {}


def _tell(phase: str, done: int, total: int) -> None:
    output.progress(phase.capitalize(), done, total)


def _plain(found: desk.Scores, names: "Sequence[str]") -> dict[str, Any]:
    """Returns all that is known, for programs."""
    picture = found.picture
    tokens = [
        {
            "id": picture.ids[at],
            "text": picture.piece(at),
            "trained": picture.trained[at],
            "losses": [column.losses[at] for column in found.columns],
            "likeliest": [_likeliest(found, column, at) for column in found.columns],
        }
        for at in range(len(found.columns[0].losses))
    ]
    return {"columns": _means(found, names), "tokens": tokens, "read": found.read, "of": picture.tokens}


def _means(found: desk.Scores, names: "Sequence[str]") -> list[dict[str, Any]]:
    return [
        {
            "adapter": column.adapter,
            "name": name,
            "loss": column.loss,
            "perplexity": scores.perplexity(column.loss),
            "tokens": found.counted,
        }
        for name, column in zip(names, found.columns, strict=True)
    ]


def _likeliest(found: desk.Scores, column: desk.Scored, at: int) -> list[dict[str, Any]]:
    part = slice(at * found.top_k, (at + 1) * found.top_k)
    return [
        {"id": token, "text": found.names[token], "loss": loss}
        for token, loss in zip(column.top_ids[part], column.top_losses[part], strict=True)
        if token >= 0
    ]


def _report(found: desk.Scores, names: "Sequence[str]", by: str, first: int) -> str:
    rows = [
        (item["name"], f"{item['loss']:.4f}", f"{item['perplexity']:,.2f}", str(item["tokens"]))
        for item in _means(found, names)
    ]
    head = output.table(rows, ("", "loss", "perplexity", "tokens"))
    if found.read < found.picture.tokens:
        head += f"\nOnly {found.read:,} of {found.picture.tokens:,} tokens are read: the others are behind the maximum"
        head += " length, or behind what the model reads."
    places = _first(found, by)
    shown = places[: first or None]
    cells = [
        [
            str(at + 1),
            repr(found.picture.piece(at)),
            *(percent(math.exp(-column.losses[at])) for column in found.columns),
            ", ".join(_likely(item) for item in _likeliest(found, found.columns[0], at)[:3]),
        ]
        for at in shown
    ]
    title = {"difference": "The tokens that differ most", "loss": "The tokens with the greatest loss"}[by]
    title = f"{title}, {len(shown):,} of {len(places):,}" if len(shown) < len(places) else title
    header = ["token", "", *(name[:_NAME_WIDTH] for name in names), "the base's likeliest"]
    return f"{head}\n\n{title}:\n{output.table(cells, header)}"


def _first(found: desk.Scores, by: str) -> list[int]:
    """Returns the tokens that count, where an adapter differs most from the base first, or has the greatest loss."""
    base, *others = found.columns
    if by == "loss":
        values = [column.losses for column in others or [base]]
    else:
        values = [scores.differences(column, base) for column in others]
    return scores.largest([max(map(abs, several)) for several in zip(*values, strict=True)], found.counts)


def _likely(item: dict[str, Any]) -> str:
    return f"{item['text']!r} {percent(math.exp(-item['loss']))}"
