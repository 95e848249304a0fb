"""The commands: chat and compare."""

import argparse
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from studio.cli.library import base_of, sound
from studio.cli.output import add_command, one_line, piped, printable, progress, show
from studio.core import desk, library, strengths
from studio.core.asking import MOST_STRENGTH
from studio.core.config import ModelSpec
from studio.core.errors import StudioError, given_path
from studio.core.library import Entry

if TYPE_CHECKING:
    from studio.engine.generate import Answer, Sampling

_MAX_PROMPT_BYTES = 10_000_000


class Weighed(NamedTuple):
    """An adapter that was named, how strongly it is to act, and how it was named."""

    entry: Entry
    strength: float
    name: str


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's commands."""
    chat = add_command(commands, "chat", "Talk to a model, with or without an adapter.", _chat)
    chat.add_argument("model", nargs="?", help="`demo`, a folder or a hub id; not needed if the adapter knows its base")
    chat.add_argument("--adapter", help="a name in the library, or a PEFT folder such as a checkpoint's")
    chat.add_argument(
        "--strength", type=float, default=1.0, help="of the adapter: 1 as it was trained, 0 not at all (1)"
    )
    chat.add_argument("--prompt", help="one question, one answer; also read from a pipe")
    compare = add_command(commands, "compare", "Answers of a base and of adapters, side by side.", _compare)
    compare.add_argument("--model", help="the base; not needed if the first adapter knows it")
    add_adapters(compare)
    compare.add_argument("--prompt", action="append", default=[], help="may be repeated")
    compare.add_argument("--prompts", type=Path, metavar="FILE", help="a text file, one prompt a line")
    for command in (chat, compare):
        add_system(command)
        add_sampling(command)
        command.add_argument("--quantization", choices=("none", "8bit", "nf4"), help="as in the training, or none")


def add_adapters(command: argparse.ArgumentParser) -> None:
    """Adds which adapters answer, as `with_strength` reads each."""
    text = "may be repeated; NAME=0.5: half as strong as it was trained"
    command.add_argument("--adapter", action="append", default=[], metavar="NAME[=STRENGTH]", help=text)


def add_system(command: argparse.ArgumentParser) -> None:
    """Adds the instruction that stands in front."""
    command.add_argument("--system", help="the instruction in front of the conversation (as each adapter learned)")


def add_sampling(command: argparse.ArgumentParser) -> None:
    """Adds how answers are made."""
    command.add_argument("--force", action="store_true", help="even if the base is not the one of the training")
    command.add_argument("--max-new-tokens", type=int, default=256, help="the longest answer (256)")
    command.add_argument("--temperature", type=float, default=0.0, help="0: always the likeliest token (0)")
    command.add_argument("--top-p", type=float, default=1.0, help="only the likeliest, up to this share (1)")
    command.add_argument("--top-k", type=int, default=0, help="only so many of the likeliest; 0: all (0)")
    command.add_argument("--repetition-penalty", type=float, default=1.0, help="above 1: fewer repetitions (1)")
    command.add_argument("--seed", type=int, default=0, help="of the draws (0)")


def _chat(args: argparse.Namespace) -> None:
    entry = library.located(args.adapter) if args.adapter else None
    prompt = args.prompt if args.prompt is not None else None if sys.stdin.isatty() else _piped()
    if prompt is None and args.json:
        raise StudioError("usage", "--json gives one answer, and there is no question.", "Add --prompt.")
    _require_model(args, [entry] if entry else [])
    if args.strength != 1:
        _require_strength(entry, args.strength)

    from studio.engine import adapters, experts, generate, hardware, model, turns

    sampling = _sampling(args)
    _tell_system(args, [entry] if entry else [])
    folder = _base_folder(args, entry) if entry is None or not entry.is_model else sound(entry).folder
    encoder = generate.encoder_for(model.load_tokenizer(folder), entry)
    talker: Any = model.load_base(folder, _spec(args, [entry] if entry else []), hardware.device())
    if entry and not entry.is_model:
        talker = adapters.load_adapter(talker, entry.folder)
        experts.use(talker)
        adapters.set_strength(talker, "default", args.strength)
    messages = _opening(args)
    if prompt is None:
        kept = turns.Turns()
        _talk(lambda said, on_text: generate.answer(talker, encoder, said, sampling, on_text, kept), messages)
        return
    messages.append({"role": "user", "content": prompt})
    on_text = None if args.json else _print_piece
    text = generate.answer(talker, encoder, messages, sampling, on_text)
    show(args, {"prompt": prompt, "adapter": entry.name if entry else None, "answer": text}, "")


def _talk(answer: Any, messages: list[dict[str, str]]) -> None:
    """Asks and answers until the user leaves; Ctrl+C ends an answer and not the conversation."""
    print("Write a message; /exit or Ctrl+D ends, Ctrl+C stops an answer.", file=sys.stderr)
    while True:
        try:
            said = input("> ").strip()
        except EOFError:
            print(file=sys.stderr)
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)
            continue
        if said in ("/exit", "/quit"):
            return
        if said:
            _turn(answer, messages, said)


def _turn(answer: Any, messages: list[dict[str, str]], said: str) -> None:
    pieces: list[str] = []

    def on_text(piece: str) -> None:
        pieces.append(piece)
        _print_piece(piece)

    messages.append({"role": "user", "content": said})
    try:
        answer(messages, on_text)
    except KeyboardInterrupt:
        _print_piece(" [stopped]")
    except StudioError as error:
        # A conversation too long for the model ends the turn; the user may still read it and leave.
        messages.pop()
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return
    print(flush=True)
    messages.append({"role": "assistant", "content": "".join(pieces)})


def _compare(args: argparse.Namespace) -> None:
    asked = [with_strength(text) for text in args.adapter]
    entries = [one.entry for one in asked]
    prompts = [*args.prompt, *(lines_of(args.prompts) if args.prompts else [])]
    if not prompts:
        raise StudioError("usage", "There is nothing to answer.", "Add --prompt, or --prompts with a file.")
    _require_model(args, entries)
    sampling = _sampling(args)
    _tell_system(args, entries)
    found = _answers(args, asked, prompts, sampling)
    names = [None, *(entry.name for entry in entries)]
    heads = ["base", *map(titled, asked)]
    strengths = [1.0, *(one.strength for one in asked)]
    for prompt, row in zip(prompts, found, strict=True):
        columns = [
            {"adapter": name, "strength": strength, "answer": item.text}
            | {"tokens": item.tokens, "seconds": item.seconds, "cut": item.cut}
            for name, strength, item in zip(names, strengths, row, strict=True)
        ]
        text = side_by_side(heads, [item.text for item in row], width())
        show(args, {"prompt": prompt, "columns": columns}, f"{printable(prompt)}\n\n{text}\n")


def _answers(
    args: argparse.Namespace, asked: Sequence[Weighed], prompts: Sequence[str], sampling: "Sampling"
) -> list[list["Answer"]]:
    """Returns for each prompt the base's answer and each adapter's of its strength, in this order.

    Adapters that cannot share a base get one each, one after the other, and so do models that were trained whole.
    """
    from studio.engine import bases, model

    entries = [one.entry for one in asked]
    folders = [_base_folder(args, entry) for entry in entries] or [_base_folder(args, None)]
    if len({folder.resolve() for folder in folders}) > 1:
        raise StudioError("adapter", "These adapters have different base models.", "Name one of them with --model.")
    tokenizer, spec = model.load_tokenizer(folders[0]), _spec(args, entries)
    reaches = [bases.reach(None), *(bases.reach(entry.folder) for entry in entries)]
    columns: list[list[Answer]] = [[] for _ in reaches]
    for group in bases.groups(reaches):
        whole = asked[group[0] - 1].entry if reaches[group[0]].whole else None
        if whole is None:
            adapted = {at: asked[at - 1] for at in group if at}
            found = _of_base(args, (folders[0], spec, tokenizer), group, adapted, prompts, sampling)
        else:
            held = (whole.folder, _spec(args, [whole]), model.load_tokenizer(whole.folder))
            found = _of_base(args, held, group, {}, prompts, sampling, whole)
        for row in found:
            for at, answer in zip(group, row, strict=True):
                columns[at].append(answer)
    return [list(row) for row in zip(*columns, strict=True)]


def _of_base(
    args: argparse.Namespace,
    base: tuple[Path, ModelSpec, Any],
    group: Sequence[int],
    adapted: dict[int, Weighed],
    prompts: Sequence[str],
    sampling: "Sampling",
    whole: Entry | None = None,
) -> Iterator[list["Answer"]]:
    """Yields for each prompt the answers of a group of columns that can be on one base.

    Args:
        args: of the command.
        base: its folder, how it is held, and its tokenizer.
        group: the columns.
        adapted: the adapters of those that have one.
        prompts: what is asked.
        sampling: how tokens are chosen.
        whole: what is known of the base where it is a model that was trained whole.
    """
    from studio.engine import adapters, experts, generate, hardware, model

    folder, spec, tokenizer = base
    plain, own, names = generate.encoder_for(tokenizer, whole), {}, dict.fromkeys(group)
    loaded: Any = model.load_base(folder, spec, hardware.device())
    for at, one in adapted.items():
        name = names[at] = f"adapter{at}"
        loaded = adapters.load_adapter(loaded, one.entry.folder, name)
        adapters.set_strength(loaded, name, one.strength)
        if not (encoder := generate.encoder_for(tokenizer, one.entry)).prompts_as(plain):
            own[name] = encoder
    experts.use(loaded)
    for number, prompt in enumerate(prompts):
        messages = [*_opening(args), {"role": "user", "content": prompt}]
        yield generate.compare(loaded, plain, messages, list(names.values()), sampling, own)
        progress("Answering", number + 1, len(prompts))


def with_strength(text: str) -> Weighed:
    """Finds an adapter by `NAME` or `NAME=0.5`, the latter half as strong as it was trained.

    Raises:
        StudioError: (adapter) there is none, or it acts as it was trained alone; (usage) it can be of no such strength.
    """
    name, equals, said = text.rpartition("=")
    try:
        strength = float(said) if name and equals else None
    except ValueError:
        strength = None
    if strength is None or _is_adapter(text):
        return Weighed(library.located(text), 1.0, text)
    entry = library.located(name)
    if strength != 1:
        _require_strength(entry, strength)
    return Weighed(entry, strength, name)


def _is_adapter(name: str) -> bool:
    """Whether an adapter is called so, a sign that parts a strength off and all."""
    try:
        library.located(name)
    except StudioError:
        return False
    return True


def titled(one: Weighed) -> str:
    """Returns an adapter's name, with its strength where that is another than it was trained with."""
    return one.entry.name if one.strength == 1 else f"{one.entry.name} x {one.strength:g}"


def _require_strength(entry: Entry | None, strength: float) -> None:
    if entry is None:
        raise StudioError("usage", "The base alone has no strength.", "Name an --adapter.")
    if not 0 <= strength <= MOST_STRENGTH:
        hint = f"Give one from 0, the base itself, to {MOST_STRENGTH}; 1 is as it was trained."
        raise StudioError("usage", f"{strength:g} is no strength.", hint)
    strengths.require(entry)


def side_by_side(heads: Sequence[str], texts: Sequence[str], width: int) -> str:
    """Returns texts in columns of equal width, wrapped so that a line has at most `width` cells.

    Where columns would be narrower than 20 cells the texts come one below the other.
    """
    cell = (width - 3 * (len(heads) - 1)) // len(heads)
    heads = [one_line(head) for head in heads]
    texts = [printable(text).expandtabs(4).strip() for text in texts]
    if cell < 20:
        return "\n\n".join(f"[{head}]\n{text}" for head, text in zip(heads, texts, strict=True))
    columns = [
        [_fit(head, cell)[0], "-" * cell, *_fit(text or "(nothing)", cell)]
        for head, text in zip(heads, texts, strict=True)
    ]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join(" | ".join(line + " " * (cell - _cells(line)) for line in row).rstrip() for row in rows)


def _fit(text: str, cell: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.splitlines():
        # Wide characters, as of Chinese, take two cells of a terminal.
        room = cell if _cells(paragraph) == len(paragraph) else cell // 2
        lines += textwrap.wrap(paragraph, room) or [""]
    return lines or [""]


def _cells(text: str) -> int:
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def _print_piece(piece: str) -> None:
    print(printable(piece), end="", flush=True)


def width() -> int:
    """Returns the cells of a line of the terminal."""
    return shutil.get_terminal_size((100, 24)).columns


def _require_model(args: argparse.Namespace, entries: Sequence[Entry]) -> None:
    """Says what is missing before anything heavy is loaded."""
    if not args.model and not entries:
        raise StudioError("usage", "No model is named.", "Name one, such as `demo`, or an adapter that knows its base.")


def _base_folder(args: argparse.Namespace, entry: Entry | None) -> Path:
    if entry is not None:
        return base_of(entry, args.model, args.force)
    from studio.engine import hub

    return hub.resolve(args.model, on_progress=lambda done, total: progress("Downloading", done, total))


def _spec(args: argparse.Namespace, entries: Sequence[Entry]) -> ModelSpec:
    """Returns how the base is held: as in the adapters' training, unless the user chose otherwise."""
    specs = library.model_specs(entries)
    shared = library.shared_spec(specs)
    if args.quantization:
        shared = replace(shared, quantization=args.quantization)
    adapted = library.model_specs([entry for entry in entries if not entry.is_model])
    for key, said in library.compromises(adapted, ["quantization"] if args.quantization else []).items():
        print(f"{said} --quantization chooses another." if key == "quantization" else said, file=sys.stderr)
    return shared


def _sampling(args: argparse.Namespace) -> "Sampling":
    from studio.engine.generate import Sampling

    return Sampling(
        max_new_tokens=args.max_new_tokens,
        temperature=args.temperature,
        top_p=args.top_p,
        top_k=args.top_k,
        repetition_penalty=args.repetition_penalty,
        seed=args.seed,
    )


def asked_sampling(args: argparse.Namespace) -> desk.Sampling:
    """Returns how answers are made, for the desk.

    Raises:
        StudioError: (usage) a value is out of bounds.
    """
    try:
        return desk.Sampling(**{item.name: getattr(args, item.name) for item in fields(desk.Sampling)})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0]).replace("_", "-")
        message = f"--{name} is {fault['input']}: {fault['msg'].lower()}."
        raise StudioError("usage", message, f"`studio {args.command} --help` shows its usage.") from None


def _opening(args: argparse.Namespace) -> list[dict[str, str]]:
    return [{"role": "system", "content": args.system}] if args.system else []


def _tell_system(args: argparse.Namespace, entries: Sequence[Entry]) -> None:
    """Says which adapters are asked with the system prompt that they learned with."""
    for entry in () if args.system else entries:
        if entry.system:
            print(f"{entry.name} is asked with its system prompt: {one_line(entry.system)[:80]}", file=sys.stderr)


def _piped() -> str:
    text = piped(_MAX_PROMPT_BYTES).strip()
    if not text:
        raise StudioError("usage", "There is no question.", "Add --prompt, or pipe one in.")
    return text


def lines_of(path: Path) -> list[str]:
    """Returns the prompts of a text file, one a line.

    Raises:
        StudioError: (usage) it cannot be read.
    """
    path = given_path(path, "usage")
    try:
        if path.stat().st_size > _MAX_PROMPT_BYTES:
            raise StudioError("usage", f"{path.name} is larger than 10 MB.", "Name a file with one prompt a line.")
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None)
        hint = "Check the path." if reason else "Save it as UTF-8."
        message = f"{path} cannot be read: {reason or 'it is not UTF-8 text'}."
        raise StudioError("usage", message, hint) from None
