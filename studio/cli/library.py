"""The commands: adapters list|show|add|rename|tag|note|remove|restore and export."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio import paths
from studio.cli import layers, mix
from studio.cli.output import add_command, one_line, printable, progress, show, table
from studio.core import exportable, further, library, methods
from studio.core.entry import in_words, is_model, learning_rates
from studio.core.errors import StudioError, given_path
from studio.core.library import Entry
from studio.core.number_formats import FORMATS
from studio.core.pinned import started_from
from studio.core.units import moment, plural, size


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    group = commands.add_parser("adapters", help="See and keep adapters.", description="See and keep adapters.")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_command(actions, "list", "All adapters, newest first.", _list)
    for name, text, handler in (
        ("show", "Where an adapter is from and whether it is whole.", _show),
        ("add", "Copy an adapter made elsewhere into the library.", _add),
        ("remove", "Move an adapter to the trash.", _remove),
        ("restore", "Bring a removed adapter back.", _restore),
    ):
        action = add_command(actions, name, text, handler)
        if name != "add":
            action.add_argument("adapter", help="its name; where it is still there, a part of it or its folder will do")
            continue
        action.add_argument("folder", help="a folder that PEFT saved an adapter into, or a full fine-tuning's model")
        action.add_argument("--title", help="what to call it (the folder's name)")
        action.add_argument("--base", help="the model it was made for, if it does not say so itself")
        action.add_argument("--note", default="", help="a note of your own")
        action.add_argument("--tag", action="append", default=[], help="a tag of your own; may be repeated")
    _add_words(actions)
    layers.add_to_adapters(actions)
    mix.add(actions)
    command = add_command(commands, "export", "Write an adapter for other programs, and prove it.", _export)
    text = (
        "its name in the library, or a PEFT folder; with --to merged and gguf also a full fine-tuning's run, or a "
        "model's folder"
    )
    command.add_argument("adapter", help=text)
    command.add_argument(
        "--to",
        choices=("peft", "gguf-lora", "merged", "gguf"),
        required=True,
        help="an adapter, that as one file for llama.cpp and Ollama, a model without one, or that as one file",
    )
    command.add_argument("out", type=Path, help="a new folder")
    command.add_argument(
        "--gguf-type",
        type=str.lower,
        choices=FORMATS,
        help="the number format of a GGUF file (f16); with a q, as few bits a number, and answers may change",
    )
    command.add_argument("--base", help="the full-precision base model, if it lies elsewhere by now")
    command.add_argument("--force", action="store_true", help="even if the base is not the one of the training")


def _add_words(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands for what the user says of an adapter."""
    rename = add_command(actions, "rename", "Give an adapter another title; its name and folder stay.", _rename)
    tag = add_command(actions, "tag", "Put tags on an adapter, or take them off.", _tag)
    note = add_command(actions, "note", "Write a note on an adapter, in place of the one it has.", _note)
    for action in (rename, tag, note):
        action.add_argument("adapter", help="its name, a part of it, or its folder")
    rename.add_argument("title", help="what to call it")
    tag.add_argument("tag", nargs="+", help="a tag of your own")
    tag.add_argument("--remove", action="store_true", help="take these tags off")
    note.add_argument("text", help='what you say of it; "" for nothing')


def sound(entry: Entry) -> Entry:
    """Returns an adapter, or a whole model, once its weights are known to be as they were added.

    Raises:
        StudioError: (adapter) they are not, or something of it is missing.
    """
    from studio.engine import weights

    if fault := weights.verified(entry).fault:
        raise StudioError("adapter", f"{entry.name} is damaged: {fault}", "Use another one.")
    return entry


def base_of(entry: Entry, given: str | None, force: bool) -> Path:
    """Returns the folder of the base model an adapter is used with.

    Args:
        entry: the adapter.
        given: the base the user named; None: the one the adapter was made for.
        force: go on, with a warning, where the weights are not those of the training.

    Raises:
        StudioError: (usage) no base is known; (adapter) it is another one; (model), (network) it cannot be opened.
    """
    from studio.engine import hub, weights

    sound(entry)
    path = given or entry.base.path
    if not path:
        raise StudioError("usage", f"The base model of {entry.name} is not known.", "Name the model it was made for.")
    revision = None if given else entry.base.revision
    folder = hub.resolve(path, revision, lambda done, total: progress("Downloading", done, total))
    if entry.base.fingerprint and weights.fingerprint(folder) != entry.base.fingerprint:
        message = f"{entry.name} was trained on other weights than those of {path}."
        if not force:
            raise StudioError(
                "adapter",
                message,
                f"Use it with its own base ({entry.base.path or 'unknown'}), or add --force to see what it does here.",
            )
        print(f"Warning: {printable(message)}", file=sys.stderr)
    return folder


def _list(args: argparse.Namespace) -> None:
    found = library.entries()
    rows = [
        [
            entry.name,
            "model" if entry.is_model else "adapter",
            _date(entry),
            entry.base.path or "?",
            *_scores(entry),
            entry.fault,
        ]
        for entry in found
    ]
    empty = "There are no adapters yet. `studio train` makes one, `studio adapters add` takes one in."
    text = table(rows, ("NAME", "KIND", "MADE", "BASE", "LOSS", "EVAL LOSS", "REWARD ACCURACY", "")) if rows else empty
    show(args, [library.to_dict(entry) for entry in found], text)


def _show(args: argparse.Namespace) -> None:
    entry = library.verified(library.find(args.adapter))
    start = entry.config.get("adapter", {}).get("path")
    data, rates = entry.data, learning_rates(entry.config, entry.metrics)
    rows = [
        ("Name", entry.name),
        ("Title", entry.title),
        ("Kind", "a whole model, trained in full" if entry.is_model else ""),
        ("Folder", str(entry.folder)),
        ("Made", _date(entry)),
        ("Size", size(entry.weights_bytes)),
        ("Base", f"{entry.base.path or '?'}  {entry.base.fingerprint[:12]}"),
        ("Data", f"{data.path}  {plural(data.rows, 'row')}  {data.fingerprint[:12]}" if data.path else ""),
        ("Run", entry.run),
        ("Begun with", started_from(start) if isinstance(start, str) and start else ""),
        ("Adapter", "" if entry.is_model else _pairs(_had(entry.config.get("adapter") or _made_as(entry)))),
        ("Training", _pairs(entry.config.get("training"))),
        ("Learning rate", in_words(rates) if len(rates) > 1 else ""),
        ("Metrics", _pairs({key: value for key, value in entry.metrics.items() if key != "learning_rates"})),
        ("Tags", ", ".join(entry.tags)),
        ("Note", entry.note),
        ("Damage", entry.fault),
    ]
    width = max(len(label) for label, _ in rows)
    text = "\n".join(f"{label.ljust(width)}  {one_line(value)}".rstrip() for label, value in rows if value.strip())
    show(args, library.to_dict(entry), text)


def _add(args: argparse.Namespace) -> None:
    from studio.engine import hub, weights

    known = _made_elsewhere(args.folder)
    if known.folder.parent == paths.adapters_dir().resolve():
        raise StudioError("usage", f"{known.name} is in the library already.", "`studio adapters list` shows it.")
    if (held := library.known(known.folder, known.run)) is not None:
        return _say_more(args, held)
    base = replace(known.base, path=_placed(known.base.path))
    if args.base:
        folder = hub.resolve(args.base)
        # What is known of the weights it was trained on holds, whatever base is named.
        trained_on = known.base.fingerprint or weights.fingerprint(folder)
        base = library.Base(path=_placed(args.base), fingerprint=trained_on)
    entry = library.add(
        known.folder,
        title=args.title or known.title,
        base=base,
        data=known.data,
        config=known.config,
        metrics=known.metrics,
        run=known.run,
        note=args.note or known.note,
        tags=args.tag or known.tags,
    )
    show(args, library.to_dict(entry), f"Added as {one_line(entry.name)}.")


def _made_elsewhere(name: str) -> Entry:
    """Returns what is known of an adapter in a folder, or of the whole model that a run has there, once it is vetted.

    Raises:
        StudioError: (adapter) it is neither, or refused; (model) the model's weights are damaged.
    """
    from studio.engine import vetting, weights

    folder = given_path(name, "adapter").resolve()
    if not is_model(folder):
        vetting.check_adapter(folder)
        return library.located(name)
    known = exportable.model(folder)
    if not known.run:
        hint = "Choose it as a base, by its folder: it needs no place in the library for that."
        raise StudioError("adapter", f"{folder} is a whole model that no run of this program has made.", hint)
    weights.files(folder)
    return known


def _say_more(args: argparse.Namespace, held: Entry) -> None:
    """Puts what the user says of an adapter on the entry that holds it already."""
    said = args.title or args.note or args.tag
    if said:
        tags = _with(held.tags, args.tag)
        held = library.change(held, title=args.title or None, note=args.note or None, tags=tags)
    kind = "model" if held.is_model else "adapter"
    told = f"{one_line(held.name)} is this {kind}, in the library already: it was not added again"
    show(args, library.to_dict(held), f"{told}, and now it is as you said." if said else f"{told}.")


def _placed(base: str) -> str:
    """Returns what a base is called wherever one is: a folder by its absolute path, an id and `demo` as they are."""
    # `os.path`: what a stranger calls a base may be no name that a folder can have.
    folder = os.path.expanduser(base)
    return os.path.realpath(folder) if base != "demo" and os.path.isdir(folder) else base


def _rename(args: argparse.Namespace) -> None:
    title = " ".join(args.title.split())
    if not title:
        raise StudioError("usage", "The title is empty.", "Say what the adapter is to be called.")
    entry = library.change(library.find(args.adapter), title=title)
    show(args, library.to_dict(entry), f"{one_line(entry.name)} is called {one_line(entry.title)}.")


def _tag(args: argparse.Namespace) -> None:
    entry = library.find(args.adapter)
    if args.remove:
        given = _given(args.tag)
        tags = [tag for tag in entry.tags if tag.casefold() not in given]
    else:
        tags = _with(entry.tags, args.tag)
    entry = library.change(entry, tags=tags)
    show(args, library.to_dict(entry), f"Tags of {one_line(entry.name)}: {one_line(', '.join(entry.tags)) or 'none'}")


def _given(words: Sequence[str]) -> dict[str, str]:
    """Returns tags by what they are known as: `Letters` and `letters` are one tag, as in the window."""
    said = [tag.strip() for word in words for tag in word.split(",")]
    given = {tag.casefold(): tag for tag in reversed(said) if tag}
    return dict(reversed(given.items()))


def _with(tags: Sequence[str], words: Sequence[str]) -> list[str]:
    known = {tag.casefold() for tag in tags}
    return [*tags, *(tag for key, tag in _given(words).items() if key not in known)]


def _note(args: argparse.Namespace) -> None:
    entry = library.change(library.find(args.adapter), note=args.text.strip())
    show(args, library.to_dict(entry), f"Note on {one_line(entry.name)}: {one_line(entry.note) or 'none'}")


def _remove(args: argparse.Namespace) -> None:
    entry = library.find(args.adapter)
    where = library.remove(entry)
    text = f"Moved to {where}.\n`studio adapters restore {entry.name}` brings it back."
    show(args, {"name": entry.name, "path": str(where)}, printable(text))


def _restore(args: argparse.Namespace) -> None:
    entry = library.restore(args.adapter)
    show(args, library.to_dict(entry), f"{one_line(entry.name)} is back.")


def _export(args: argparse.Namespace) -> None:
    if args.gguf_type and args.to != "gguf":
        raise StudioError("usage", "--gguf-type is for --to gguf.", "Leave it out; others keep the base's own format.")
    entry = exportable.find(args.adapter)
    from studio.engine import export

    def on_phase(name: str) -> None:
        if sys.stderr.isatty():
            print(f"{name} ...", file=sys.stderr)

    base = sound(entry).folder if entry.is_model else base_of(entry, args.base, args.force)
    done = export.export(entry, args.to, args.out, base, on_phase, args.gguf_type or "f16")
    proof = done.proof
    tokens = (
        f" So are its settings, and the {proof.tokens} tokens of texts that were split by it." if proof.tokens else ""
    )
    kind = "model" if entry.is_model else "adapter"
    effect = "" if entry.is_model else f"; the adapter itself moves them by {proof.adapter_effect:.2g}"
    text = (
        f"{done.path}: {plural(len(done.files), 'file')}, {size(done.bytes)}\n"
        f"Read back and compared with the live {kind} at {proof.positions} positions: logits differ by at most "
        f"{proof.max_abs_difference:.2g} (rounding: up to {proof.bound:.2g}{effect}), {proof.argmax_equal:.1%} of the "
        f"likeliest tokens are the same.{tokens}"
    )
    if proof.answers:
        text += f"\nOf {proof.answers} answers of the live {kind} {proof.answers_equal} are the same word for word."
    if done.folded:
        text += (
            "\nScales and ranks of single modules were worked into its matrices, so that every program reads it alike."
        )
    if done.consumers:
        rows = [[one.program, f"--to {one.to}", f"{one.add} {one.said}".strip()] for one in done.consumers]
        text += "\n\n" + table(rows, ("PROGRAM", "LOADS", ""))
    show(args, export.to_dict(done), text)


def _date(entry: Entry) -> str:
    return moment(entry.created_s) if entry.created_s else "?"


def _scores(entry: Entry) -> list[str]:
    """Returns its losses, and its reward accuracy; "-" where there is none."""
    losses = [entry.metrics.get(key) for key in ("loss", "eval_loss")]
    share = entry.metrics.get("eval_reward_accuracy")
    return [
        *("-" if one is None else _number(one) for one in losses),
        f"{share:.0%}" if isinstance(share, float) else "-",
    ]


def _made_as(entry: Entry) -> dict[str, Any]:
    """Returns how an adapter made elsewhere is made, as far as it can be trained further."""
    with suppress(StudioError):
        return further.layout_of(entry.folder)
    return {}


def _had(adapter: Any) -> Any:
    """Returns an adapter's settings without those that its method does not have."""
    if not isinstance(adapter, dict):
        return adapter
    method = str(adapter.get("method", "lora"))
    return {key: value for key, value in adapter.items() if methods.has(method, key)}


def _pairs(values: Any) -> str:
    """Returns settings or measures in a line, without those that are not set."""
    if not isinstance(values, dict):
        return ""
    return ", ".join(f"{key} {_number(value)}" for key, value in values.items() if value not in (None, "", [], {}))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
