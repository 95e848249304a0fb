"""The commands: data show|search|index|convert."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import output
from studio.cli.output import is_text, one_line, printable
from studio.core.units import plural

if TYPE_CHECKING:
    from studio.core.config import DataSpec
    from studio.core.data.index import IndexedRow, RowIndex
    from studio.core.data.rows import Parsed
    from studio.core.data.sources import Source
    from studio.core.data.stretches import Rows
    from studio.core.errors import StudioError

_SHOWN = 20
_HEAD = 100
_CELL = 400
_TOLD_S = 0.1


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    show = output.add_command(actions, "show", "Show rows as the file has them, and what they are taken for.", _show)
    search = output.add_command(actions, "search", "Find rows by text, role, length, file or status.", _search)
    index = output.add_command(actions, "index", "Find where every row lies; with --json a line for each step.", _index)
    convert = output.add_command(actions, "convert", "Write the rows as JSONL or Parquet.", _convert)
    for command in (show, search, index, convert):
        command.add_argument("file", metavar="FILE", help="a data file, a folder, a pattern, an archive or a hub id")
    show.add_argument("--row", type=int, metavar="N", help="this row alone, by its number from 0")
    show.add_argument("--first", type=output.count, default=_SHOWN, metavar="N", help=f"so many rows ({_SHOWN})")
    search.add_argument("text", metavar="TEXT", nargs="?", default="", help="stands in the row, in any letter case")
    search.add_argument("--regex", action="store_true", help="TEXT is a regular expression")
    search.add_argument("--role", default="", metavar="R", help="has a message of this role")
    search.add_argument("--min-bytes", type=output.count, default=0, metavar="N", help="at least so long")
    search.add_argument("--max-bytes", type=output.count, default=0, metavar="N", help="at most so long")
    search.add_argument("--in-file", default="", metavar="NAME", help="of files with this in their name")
    search.add_argument("--status", choices=("accepted", "rejected"), help="usable or not; all rows are checked first")
    search.add_argument("--sort", default="", metavar="COLUMN", help="`length` or a column")
    search.add_argument("--descending", action="store_true", help="the greatest first")
    text = "append the rows' numbers to FILE, eight bytes each, and tell only how many"
    search.add_argument("--into", metavar="FILE", help=text)
    text = "of a version: its excluded rows too, each told by its number in the version's files, laid end to end"
    search.add_argument("--places", action="store_true", help=text)
    search.add_argument("--limit", type=output.count, default=0, metavar="N", help="stop after so many")
    convert.add_argument("target", metavar="TARGET", help="a .jsonl or .parquet file")
    convert.add_argument("--overwrite", action="store_true", help="TARGET may be replaced")
    add_mapping(search)
    _add_map(convert)
    convert.set_defaults(format="auto")


def add_mapping(command: argparse.ArgumentParser) -> None:
    """Adds the options that say what the rows are taken for."""
    help = "detected if not given: messages, prompt_completion, alpaca, text, preference, kto"
    command.add_argument("--format", default="auto", metavar="F", help=help)
    _add_map(command)


def _add_map(command: argparse.ArgumentParser) -> None:
    help = "the column, or the columns in braces, for a part: prompt={title}"
    command.add_argument("--map", action="append", default=[], metavar="PART=COLUMN", help=help)


def spec_of(args: argparse.Namespace) -> "DataSpec":
    """Returns what the options say of the data.

    Raises:
        StudioError: (usage) a `--map` has no `=`, or the file's name is no text; (config) a value is wrong.
    """
    from studio.core.config_file import build
    from studio.core.errors import StudioError

    wrong = next((item for item in args.map if "=" not in item), None)
    if wrong is not None:
        raise StudioError("usage", f"`--map {wrong}` names no column.", "Write it as --map prompt=question.")
    odd = next((file for file in (args.file, *getattr(args, "files", ())) if not is_text(file)), None)
    if odd is not None:
        raise StudioError("usage", f"The name of the file {printable(odd)} is not UTF-8 text.", "Rename it.")
    settings: dict[str, Any] = {"path": args.file, "format": args.format}
    settings["mapping"] = dict(item.split("=", 1) for item in args.map)
    if getattr(args, "max_length", None) is not None:
        settings["max_length"] = args.max_length
    if getattr(args, "chunk_overlap", None) is not None:
        settings |= {"long_text": "chunks", "chunk_overlap": args.chunk_overlap}
    if getattr(args, "chat_template", None) is not None:
        settings["chat_template"] = args.chat_template
    if getattr(args, "system", None) is not None:
        settings["system"] = args.system
    return build({"data": settings}).data


def guard(args: argparse.Namespace) -> Any:
    """Returns the bounds for reading a stranger's file; what they end is told as any failure is."""
    from studio.core import limits

    def tell(error: "StudioError") -> None:
        if args.json:
            failure = {"reason": error.reason, "message": error.message, "hint": error.hint, "detail": ""}
            os.write(1, json.dumps({"error": failure}).encode() + b"\n")
        os.write(2, f"{error.message}\n{error.hint}\n".encode())

    return limits.guarded(tell)


def telling(live: Callable[[], None], label: str) -> Callable[[int, int], None]:
    """Returns a progress callback that is a sign of life and draws a bar."""

    def tell(done: int, total: int) -> None:
        live()
        output.progress(label, done, total)

    return tell


def _show(args: argparse.Namespace) -> None:
    from studio import paths
    from studio.core.data import index, sources
    from studio.core.errors import StudioError

    with guard(args) as live:
        if paths.is_version(args.file):
            known = indexed(args.file, telling(live, "Reading"))
            name, note, files = known.name, known.note, list(dict.fromkeys(part.name for part in known.parts))
            head = [(row.file, row.parsed) for row in known.rows(0, min(len(known), _HEAD))]
        else:
            source = sources.find(args.file, telling(live, "Unpacking"))
            name, note, files = source.name, source.note, [part.name for part in source.parts]
            head = _head(source)
            if not head:
                raise StudioError("data", f"{name} holds no rows.", "Give a file with at least one row.")
            if args.row is not None:
                known = index.build(source, telling(live, "Indexing"))
        if args.row is not None:
            require(known, args.row)
            found = [_of_index(known.row(args.row))]
        else:
            found = [_shown(number, file, row) for number, (file, row) in enumerate(head[: args.first])]
    guesses = _guesses(name, head)
    lines = [f"{guess['format']}: {guess['reason']}" for guess in guesses]
    text = "\n".join([*lines, *(_line(item) for item in found)])
    about = {"format": guesses[0]["format"] if guesses else None, "guesses": guesses, "note": note}
    output.show(args, about | {"files": files, "rows": found}, text)


def indexed(path: str, told: Callable[[int, int], None]) -> "RowIndex":
    """Returns where the rows of files lie, or of a version, in its order.

    Args:
        path: the files, or the version.
        told: of the progress.

    Raises:
        StudioError: as `index.build`; (data) the version has no rows.
    """
    from studio import paths
    from studio.core.data import index, sources

    if not paths.is_version(path):
        return index.build(sources.find(path, told), told)
    from studio.core.versions import indexing, recipe, store

    version = store.Version(recipe.file_of(path), told)
    if not len(version.selection):
        raise store.emptied(version.path, version.selection)
    return indexing.index_of(version)


def _head(source: "Source") -> "list[tuple[str, Parsed]]":
    """Returns the first rows, each with its file's name."""
    from itertools import islice

    from studio.core.data import parsing

    return [(part.name, row) for part in source.parts[:1] for row in islice(parsing.read(part), _HEAD)]


def _guesses(name: str, head: "list[tuple[str, Parsed]]") -> list[dict[str, str]]:
    """Returns what the first rows may be."""
    from studio.core.data import shapes
    from studio.core.errors import StudioError

    try:
        return [vars_of(guess) for guess in shapes.detected(name, [row for _, row in head])] if head else []
    except StudioError:
        return []


def vars_of(guess: Any) -> dict[str, str]:
    """Returns a guess as plain data."""
    return {"format": guess.format, "reason": guess.reason}


def require(index: "RowIndex", number: int) -> None:
    """Checks that an index has a row.

    Raises:
        StudioError: (data) there is none of this number.
    """
    from studio.core.errors import StudioError

    if not 0 <= number < len(index):
        span = f"rows 0 to {len(index) - 1}" if len(index) else "no rows"
        raise StudioError("data", f"{index.name} has no row {number}; it has {span}.", "Rows count from 0.")


def _shown(number: int, file: str, row: "Parsed") -> dict[str, Any]:
    return {"row": number, "file": file, "line": row.line, "data": row.data, "fault": row.reason}


def _of_index(row: "IndexedRow") -> dict[str, Any]:
    return _shown(row.number, row.file, row.parsed)


def _line(item: dict[str, Any]) -> str:
    where = f"row {item['row']}" + (f", {printable(item['file'])}:{item['line']}" if item["line"] else "")
    what = item["fault"] or json.dumps(item["data"], ensure_ascii=False)
    return one_line(f"{where}: {what[:_CELL]}{' ...' if len(what) > _CELL else ''}")


def _index(args: argparse.Namespace) -> None:
    from studio.core.data import index

    with guard(args) as live:
        source = _source(args, live)
        folder = index.folder_of(source)
        about = {"index": str(folder), "files": [part.name for part in source.parts], "note": source.note}
        _say(args, about | {"guesses": _guesses(source.name, _head(source)) if args.json else []})

        def tell(done: int, total: int) -> None:
            live()
            output.progress("Indexing", done, total)
            _say(args, {"done": done, "total": total})

        known = index.build(source, tell)
    _say(args, {"complete": True, "rows": len(known)})
    if not args.json:
        print(f"{printable(args.file)}: {plural(len(known), 'row')}")


def _say(args: argparse.Namespace, item: dict[str, Any]) -> None:
    if args.json:
        print(output.json_text(item), flush=True)


def _search(args: argparse.Namespace) -> None:
    import numpy as np

    from studio.core.data import ordering, search

    with guard(args) as live:
        known, places = _known(args, live)
        if args.sort not in ("", "length"):
            _require_column(known, args.sort, live)
        query = search.Query(
            text=args.text,
            expression=args.regex,
            role=args.role,
            min_bytes=args.min_bytes,
            max_bytes=args.max_bytes,
            file=args.in_file,
            rows=_of_status(args, len(known), live),
        )
        count, found, told_s = 0, [], 0.0
        for batch in search.search(known, query):
            live()
            rows = batch.rows[: args.limit - count] if args.limit and not args.sort else batch.rows
            count += len(rows)
            found.append(rows)
            # The first at once; then no more often than somebody could read it.
            if len(rows) and not args.sort and time.monotonic() > told_s + _TOLD_S:
                _tell_found(args, known, np.concatenate(found), batch.done, places)
                found, told_s = [], time.monotonic()
            if args.limit and count >= args.limit and not args.sort:
                break
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *found])
        if args.sort:
            rows = ordering.order(known, args.sort, args.descending, rows)[: args.limit or None]
        _tell_found(args, known, rows, len(known), places)
    _say(args, {"complete": True, "found": count, "rows": len(known)})
    if not args.json:
        ended = " so far: more may be found without --limit" if args.limit and count >= args.limit else ""
        print(f"{count:,} of {plural(len(known), 'row')}{ended}")


def _known(args: argparse.Namespace, live: Callable[[], None]) -> "tuple[RowIndex, Rows | None]":
    """Returns where the rows of a version lie, in its order, or those of files; and the place of each, if asked for."""
    from studio import paths

    if paths.is_version(args.file):
        from studio.core.versions import indexing, recipe
        from studio.core.versions.store import Version

        version = Version(recipe.file_of(args.file), telling(live, "Reading"))
        places = indexing.in_sight(version) if args.places else None
        return indexing.index_of(version, places), places
    from studio.core.data import index

    return index.build(_source(args, live), telling(live, "Indexing")), None


def _require_column(index: "RowIndex", name: str, live: Callable[[], None]) -> None:
    """Raises a `StudioError` where no row has a column."""
    import numpy as np

    from studio.core.data import shapes, stretches
    from studio.core.errors import StudioError

    held: dict[str, None] = {}
    blocks = stretches.blocks(index, index.spans(), np.arange(len(index)))
    read = (stretches.parsed(index, part, np.arange(len(part.numbers))) for block in blocks for part in block)
    for at, found in enumerate(chain.from_iterable(read)):
        data = found or {}
        if name in data or shapes.field(data, name) is not None:
            return
        held |= dict.fromkeys(data) if at < _HEAD else {}
        live()
    shown = ", ".join(f"`{column[:40]}`" for column in held)
    raise StudioError("data", f"No row has a column `{name[:60]}`.", f"Sort by `length`, or by one of: {shown}.")


def _source(args: argparse.Namespace, live: Callable[[], None]) -> "Source":
    """Returns what is read: a version's rows as they are now, in its order and under its name, or the files."""
    from studio import paths
    from studio.core.data import sources

    if paths.is_version(args.file):
        from studio.core.versions import recipe
        from studio.core.versions import store as versions

        version = recipe.file_of(args.file)
        found = sources.find(versions.rows_file(version, telling(live, "Reading")))
        return replace(found, name=version.name, parts=tuple(replace(part, name=version.name) for part in found.parts))
    return sources.find(args.file, telling(live, "Unpacking"))


def _of_status(args: argparse.Namespace, count: int, live: Callable[[], None]) -> "Rows | None":
    """Returns the rows of a status, by the full check of all rows."""
    if args.status is None:
        return None
    import numpy as np

    from studio.core.data.datasets import open_dataset

    spec = spec_of(args)
    dataset = open_dataset(args.file, spec.format, telling(live, "Checking"), spec.mapping)
    rejected = np.zeros(count, dtype=np.bool_)
    rejected[[item.row for item in dataset.rejected]] = True
    return np.flatnonzero(rejected == (args.status == "rejected")).astype(np.int64)


def _tell_found(args: argparse.Namespace, index: "RowIndex", rows: "Rows", done: int, places: "Rows | None") -> None:
    told = rows if places is None else places[rows]
    if args.into:
        _append(Path(args.into), told.astype("<i8").tobytes())
        rows = told = rows[:0]
    if args.json:
        _say(args, {"rows": told.tolist(), "done": done})
        return
    for number in rows[:_HEAD]:
        print(_line(_of_index(index.row(int(number)))))
    if len(rows) > _HEAD:
        print(f"... and {len(rows) - _HEAD:,} more here; --json lists them all")
    sys.stdout.flush()


def _append(path: Path, data: bytes) -> None:
    from studio.core.files import disk_error

    try:
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise disk_error(path, error) from None


def _convert(args: argparse.Namespace) -> None:
    from studio.core.data import convert

    columns = spec_of(args).mapping
    with guard(args) as live:
        source = _source(args, live)
        done = convert.convert(source, args.target, columns, args.overwrite, telling(live, "Converting"))
    text = f"{plural(done.rows, 'row')} written to {printable(args.target)}."
    if done.left_out:
        text += f"\n{done.left_out:,} left out, the first: {printable(done.first_fault)}"
    about = {"target": args.target, "rows": done.rows, "left_out": done.left_out, "first_fault": done.first_fault}
    output.show(args, about, text)
