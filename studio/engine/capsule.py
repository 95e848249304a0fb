"""A run as a file that trains it once more without this program: its rows, their order, where it began, a script.

What the run does not keep is made again as it was made then, the rows by their recipe and the new adapter by its seed,
and held against what the run told: its fingerprints, and the rows and tokens of each step.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import yaml
from safetensors.torch import save

from studio.core import capsule, events, rowlog
from studio.core.capsule import Contents
from studio.core.config import RunConfig, to_dict
from studio.core.data.convert import whole
from studio.core.entry import TEMPLATE
from studio.core.errors import StudioError, given_path
from studio.core.progress import Progress
from studio.core.runs import Run
from studio.engine import batches, capsule_about, checkpoint, hub, model, session
from studio.engine.batches import Rows
from studio.engine.capsule_about import Start
from studio.engine.corpus import Corpus, read_corpus, trained_counts
from studio.engine.session import Position
from studio.engine.tokens import Tokens

Told = Callable[[str, int, int], None]

_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can name: the same run gives the same bytes
_UNIX = 3
_PIECE = 1 << 20
_TOLD_ROWS = 500


def write(run: Run, target: Path, told: Told = lambda doing, done, total: None, *, overwrite: bool = False) -> Contents:
    """Writes the capsule of a run that nobody works on, whole or not at all.

    Args:
        run: the run.
        target: the file, which ends in `.zip`.
        told: what is being done, and how much of it.
        overwrite: a file in its place may be replaced.

    Raises:
        StudioError: (usage) `target` is there, or ends otherwise; (busy) the run is at work; (export) there is no
            capsule of such a run; (run), (data), (model) it is not as it was when it was trained; (disk) it cannot be
            written. And as `corpus.read_corpus`, `model.load_base` and `adapters.attach` do.
    """
    target = given_path(target, "usage").absolute()
    if target.suffix.lower() != capsule.SUFFIX:
        raise StudioError("usage", f"{target.name} does not end in .zip.", "Name a file that does.")
    if target.exists() and not (overwrite and target.is_file()):
        raise StudioError("usage", f"{target} is there already.", "Name a new file, or add --overwrite.")
    if run.alive():
        message = f"The run {run.name} is at work, and a capsule holds all of its steps."
        raise StudioError("busy", message, "Wait for its end, or stop it.")
    config, progress = run.config(), run.progress()
    found = capsule.contents(config, progress)
    folder = hub.resolve(config.model.path, config.model.revision, lambda done, all: told("Downloading", done, all))
    corpus = read_corpus(config, model.load_tokenizer(folder), _telling(told))
    now = session.began(corpus, folder)
    session.require_same(config, _noted(run, progress), now)
    order = _order(run, config, progress, corpus.train)
    begun = capsule_about.start(config, folder)
    with whole(target, "Free some space and make it again.") as stage, ZipFile(stage, "w") as archive:
        for name, pieces in _files(run, config, progress, corpus, order, begun, now.base, told):
            entry = ZipInfo(name, _DATE)
            entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, _UNIX, 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                file.writelines(pieces)
    return found


def _telling(told: Told) -> Callable[[events.Event], None]:
    def tell(event: events.Event) -> None:
        if isinstance(event, events.Phase):
            told(event.name.capitalize(), event.done, event.total)

    return tell


def _noted(run: Run, told: Progress) -> Position:
    """Returns what a run noted of its data and its base: with its newest checkpoint, or when it was prepared."""
    if kept := [path for path in checkpoint.listing(run.path) if (path / checkpoint.STATE).is_file()]:
        return session.read_position(kept[-1])
    planned = told.prepared
    return Position(data=planned.data, evaluation=planned.evaluation) if planned else Position()


def _order(run: Run, config: RunConfig, told: Progress, train: Tokens) -> list[Rows]:
    """Returns the rows of each step, as places among the training rows, as the run itself recorded them.

    Raises:
        StudioError: (run) they are not those that the run told of.
    """
    planned = told.prepared
    assert planned is not None
    world, per_epoch, found = max(1, len(rowlog.ranks(run.path))), planned.steps_per_epoch, list[Rows]()
    for epoch in range(-(-told.step // per_epoch)):
        length = session.packed_length(config)
        plan = batches.plan_epoch(train.together, config.training, length, epoch, world)
        if len(plan) != per_epoch:
            raise _unlike()
        found += [np.concatenate(parts) for parts in plan]
    found = found[: told.step]
    counts = trained_counts(train)
    learned = [int(counts[train.sequences(rows)].sum()) for rows in found]
    records = rowlog.read_all(run.path)
    records = records[records["step"] <= told.step]
    numbers = np.concatenate([np.sort(train.rows[train.sequences(rows)[:: train.answers]]) for rows in found])
    same = learned == told.steps.column("trained_tokens").tolist()
    if same and len(records):
        same = np.array_equal(records["row"][np.lexsort((records["row"], records["step"]))], numbers)
    if not same:
        raise _unlike()
    return found


def _unlike() -> StudioError:
    message = "The rows of the run's steps are not those that its settings and its data come to now."
    hint = "It went on with another number of processes, or was made by another version of this program."
    return StudioError("run", message, hint)


def _files(
    run: Run,
    config: RunConfig,
    progress: Progress,
    corpus: Corpus,
    order: list[Rows],
    begun: Start,
    fingerprint: str,
    told: Told,
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yields the name of each file and its content in pieces, one file after the other."""
    about = capsule_about.settings(run, config, progress, corpus, begun, fingerprint)
    yield "README.md", [capsule.readme(capsule_about.readme(run, config, progress, about), progress).encode()]
    yield "train.py", [(capsule.folder() / "train.py").read_bytes()]
    yield "run.json", [json.dumps(about, indent=1, ensure_ascii=False).encode()]
    values = to_dict(capsule.portable(config))
    yield "config.yaml", [yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()]
    if template := corpus.encoder.prompting(corpus.row_format):
        yield TEMPLATE, [template.encode()]
    if begun.adapter is not None:
        yield "start.safetensors", [save(begun.tensors)]
    yield "steps.jsonl", _steps(progress, order)
    parts = [corpus.train] + ([corpus.evaluation] if corpus.evaluation is not None else [])
    yield "rows.safetensors", _rows(dict(zip(about["parts"], parts, strict=True)))
    for name, part in zip(("rows.jsonl", "evaluation.jsonl"), parts, strict=False):
        yield name, _texts(part, corpus.encoder.tokenizer, told)
    yield "events.jsonl", capsule.told_events(run, config)


def _steps(told: Progress, order: list[Rows]) -> Iterator[bytes]:
    """Yields a line for each step."""
    names = ("step", "learning_rate", "loss", "grad_norm")
    columns = [told.steps.column(name).tolist() for name in names]
    for rows, number, *others in zip(order, *columns, strict=True):
        line = {"step": int(number), **dict(zip(names[1:], others, strict=True)), "rows": rows.tolist()}
        yield json.dumps(line).encode() + b"\n"


def _rows(parts: dict[str, Tokens]) -> Iterator[bytes]:
    """Yields a safetensors file of all parts' tensors, without holding more than a piece of it."""
    parts = {f"{name}{more}": one for name, part in parts.items() for more, one in _with_mismatched(part)}
    header, at = dict[str, Any](), 0
    for name, part in parts.items():
        for key, (kind, width, size) in _tensors(part).items():
            header[f"{name}.{key}"] = {"dtype": kind, "shape": [size], "data_offsets": [at, at + width * size]}
            at += width * size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for part in parts.values():
        yield np.asarray(part.offsets, "<i8").tobytes()
        for labelled in (False, True):
            for first in range(0, len(part.ids), _PIECE):
                piece = slice(first, first + _PIECE)
                ids = np.asarray(part.ids[piece], "<i4")
                yield (np.where(part.trained[piece], ids, np.int32(-100)) if labelled else ids).tobytes()
                part.release()
        if part.mismatched is not None:
            yield np.asarray(part.desirable, np.bool_).tobytes()


def _with_mismatched(part: Tokens) -> list[tuple[str, Tokens]]:
    return [("", part)] + ([(".mismatched", part.mismatched)] if part.mismatched is not None else [])


def _tensors(part: Tokens) -> dict[str, tuple[str, int, int]]:
    """Returns of each tensor of a part safetensors' word for its numbers, their bytes, and how many they are."""
    tokens = len(part.ids)
    found = {"offsets": ("I64", 8, len(part) + 1), "ids": ("I32", 4, tokens), "labels": ("I32", 4, tokens)}
    return found | ({"good": ("BOOL", 1, len(part))} if part.mismatched is not None else {})


def _texts(part: Tokens, tokenizer: Any, told: Told) -> Iterator[bytes]:
    """Yields a line for each row, with what the model reads of it, special tokens and all."""
    for row in range(part.count):
        first = row * part.answers
        read = [part[at][0].tolist() for at in range(first, first + part.answers)]
        texts = [tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in read]
        yield json.dumps({"row": int(part.rows[first]), "texts": texts}, ensure_ascii=False).encode() + b"\n"
        if row % _TOLD_ROWS == 0:
            part.release()
            told("Writing", row, part.count)
