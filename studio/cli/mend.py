"""The command: data mend."""

import argparse
from pathlib import PurePath
from typing import TYPE_CHECKING

from studio.cli import data_rows, output, versions
from studio.cli.output import printable
from studio.core.units import plural

if TYPE_CHECKING:
    from studio.core.data.rows import Parsed
    from studio.core.versions.recipe import Source

_SHOWN = 20


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to `data`."""
    text = "List rejected rows with what the file has, or put a corrected one into a version; the file stays."
    command = output.add_command(actions, "mend", text, versions.bounded(_mend))
    command.add_argument("file", metavar="FILE", help="a data file, of which a version is made, or a version")
    data_rows.add_mapping(command)
    command.add_argument("--row", metavar="[S:]N", help="the row: its number in the file, of a version's source S")
    command.add_argument("--text", metavar="TEXT", help="the corrected row, as the file would have it or as JSON")
    command.add_argument("--stdin", action="store_true", help="read the corrected row from the standard input")
    command.add_argument("--version", metavar="NAME", help="the version to make of a file")


def _mend(args: argparse.Namespace) -> None:
    from studio import paths
    from studio.core.errors import StudioError
    from studio.core.versions import recipe
    from studio.core.versions.steps import Replace
    from studio.core.versions.store import Version, create

    if args.row is None:
        _list(args)
        return
    text = output.piped() if args.stdin else args.text
    if text is None:
        raise StudioError("usage", "The corrected row is missing.", "Give it with --text, or with --stdin.")
    [(source, number, last), *others] = versions.rows(args.row)
    if others or last != number:
        raise StudioError("usage", f"`{args.row[:100]}` names more than one row.", "Mend one row at a time.")
    held = _source(args, source)
    mended = _read(args, held, number, text)
    assert mended.data is not None
    step = Replace(source=source, row=number, data=mended.data)
    if paths.is_version(args.file):
        version = Version(recipe.file_of(args.file), args.told)
        version.add(step)
    else:
        name = args.version or recipe.free_name(file_name(args.file))
        version = Version(create(name, [held], args.told, lambda _: [step]), args.told)
    versions.show(args, version)


def file_name(file: str, kind: type[PurePath] = PurePath) -> str:
    """Returns the last part of a file's path or address, as the system of `kind` parts it."""
    return kind(file).name


def _source(args: argparse.Namespace, number: int) -> "Source":
    """Returns the file a row is of, and what its rows are taken for."""
    from studio import paths
    from studio.core.data.datasets import open_dataset
    from studio.core.errors import StudioError
    from studio.core.versions import recipe

    if not paths.is_version(args.file):
        spec = data_rows.spec_of(args)
        known = open_dataset(args.file, spec.format, args.told, spec.mapping)
        return recipe.Source(path=args.file, format=known.format, mapping=spec.mapping)
    sources = recipe.load(recipe.file_of(args.file)).sources
    if number >= len(sources):
        raise StudioError("usage", f"There is no source {number}.", f"There are {len(sources)}, from 0.")
    return sources[number]


def _read(args: argparse.Namespace, held: "Source", number: int, text: str) -> "Parsed":
    from studio.core.data import mending
    from studio.core.data.datasets import open_dataset
    from studio.core.errors import StudioError

    found = open_dataset(held.path, held.format, args.told, held.mapping)
    known = data_rows.indexed(held.path, args.told)
    data_rows.require(known, number)
    mended = mending.read(known, number, text, found.format, held.mapping)
    if mended.data is None:
        raise StudioError("data", f"The row cannot be used as it is now: {mended.reason}.", "Correct it further.")
    return mended


def _list(args: argparse.Namespace) -> None:
    from studio import paths
    from studio.core.data import mending
    from studio.core.data.datasets import open_dataset
    from studio.core.versions import recipe
    from studio.core.versions.store import Version

    if paths.is_version(args.file):
        version: Version = Version(recipe.file_of(args.file), args.told)
        files = [item.path for item in version.recipe.sources]
        mended = map(version.selection.address, version.selection.edits)
        found = mending.still_rejected(version.selection.sources, mended)
    else:
        spec = data_rows.spec_of(args)
        files = [args.file]
        found = mending.still_rejected([open_dataset(args.file, spec.format, args.told, spec.mapping)], ())
    known = {at: data_rows.indexed(files[at], args.told) for at in {item["source"] for item in found}}
    for item in found:
        item["text"] = mending.raw_text(known[item["source"]], item["row"])
    lines = [f"Rejected: {plural(len(found), 'row')}."]
    for item in found[:_SHOWN]:
        where = f"{item['source']}:" if len(files) > 1 else ""
        line = f", line {item['line']}" if item["line"] else ""
        lines.append(f"  row {where}{item['row']} of {item['file']}{line}: {item['reason']}")
        lines.append(f"    {output.one_line(item['text'][:300])}")
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more; --json lists them all")
    output.show(args, {"rejected": found}, "\n".join(map(printable, lines)))
