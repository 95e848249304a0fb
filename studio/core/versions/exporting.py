"""A dataset version as a file for other programs, with a note beside it that says what it was made of."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

import studio
from studio import paths
from studio.core import cache
from studio.core.data import columnar, sources
from studio.core.data.convert import whole
from studio.core.data.datasets import Dataset, open_dataset
from studio.core.data.rows import writable
from studio.core.errors import StudioError, given_path
from studio.core.versions import recipe
from studio.core.versions.draws import Ints
from studio.core.versions.selection import Progress
from studio.core.versions.store import evaluation_rows, origins

Part = Literal["all", "train", "eval"]

PROVENANCE = ".provenance.json"
_BATCH_ROWS = 4096


def export(
    path: Path,
    target: str | Path,
    part: Part = "all",
    on_progress: Progress | None = None,
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Writes a version's rows to a new JSONL or Parquet file, whole or not at all, and `TARGET.provenance.json`.

    Args:
        path: the recipe's file.
        target: the file to write, which ends in `.jsonl` or `.parquet`.
        part: all rows, those for training or those for evaluation.
        on_progress: told (rows done, rows in all).
        overwrite: a file in its place may be replaced, but for one that the version is made of.

    Returns:
        What the note says.

    Raises:
        StudioError: (data) the version cannot be opened, has no such rows, or they fit into no table; (usage) the
            file exists, is read from or its ending is unknown; (busy), (disk) as `whole`.
    """
    file = given_path(target, "usage").absolute()
    if file.exists() and not (overwrite and file.is_file()):
        raise StudioError("usage", f"There is {file} already.", "Give another name, or --overwrite.")
    if file.exists() and _reads(path, file):
        raise StudioError("usage", f"{file.name} is read from.", "Give the new file another name.")
    if file.suffix.lower() not in (".jsonl", ".parquet"):
        raise StudioError("usage", f"{file.name} ends in neither .jsonl nor .parquet.", "Choose one of these endings.")
    dataset = open_dataset(path, on_progress=on_progress)
    rows = _rows(dataset, part)
    write = _parquet if file.suffix.lower() == ".parquet" else _jsonl
    hint = "Free some space and export again."
    with whole(file, hint) as stage:
        write(dataset, rows, stage, on_progress)
    note = _note(dataset, rows, part, file)
    with whole(file.with_name(f"{file.name}{PROVENANCE}"), hint) as stage:
        stage.write_text(json.dumps(note, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return note


def _reads(path: Path, file: Path) -> bool:
    """Whether a version, or one that it is made of, has rows of a file."""
    names = [source.path for source in recipe.load(path).sources]
    return any(_reads(Path(name), file) if paths.is_version(name) else sources.find(name).holds(file) for name in names)


def _rows(dataset: Dataset, part: Part) -> Ints:
    held = evaluation_rows(dataset)
    mask = np.zeros(len(dataset), dtype=bool) if held is None else held
    rows = np.arange(len(dataset)) if part == "all" else np.flatnonzero(mask if part == "eval" else ~mask)
    if not len(rows):
        name = recipe.name_of(dataset.source)
        what = {"eval": "for evaluation", "train": "for training"}.get(part, "")
        raise StudioError("data", f"The version {name} has no rows {what}.", "Split it first, or export all rows.")
    return rows.astype(np.int64)


def _jsonl(dataset: Dataset, rows: Ints, stage: Path, on_progress: Progress | None) -> None:
    with stage.open("wb") as file:
        for batch in _batches(dataset, rows, on_progress):
            file.writelines(writable(json.dumps(data, ensure_ascii=False)).encode() + b"\n" for data in batch)


def _parquet(dataset: Dataset, rows: Ints, stage: Path, on_progress: Progress | None) -> None:
    columnar.write(stage, lambda: _batches(dataset, rows, on_progress))


def _batches(dataset: Dataset, rows: Ints, on_progress: Progress | None) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, len(rows), _BATCH_ROWS):
        yield [dataset[int(row)].data for row in rows[first : first + _BATCH_ROWS]]
        if on_progress:
            on_progress(min(first + _BATCH_ROWS, len(rows)), len(rows))


def _note(dataset: Dataset, rows: Ints, part: Part, file: Path) -> dict[str, Any]:
    said = recipe.load(dataset.source)
    counts = Counter(np.asarray(origins(dataset)["source"])[rows].tolist())
    # Names alone: where a file lies on this machine is nobody else's business.
    sources = [
        {"name": Path(source.path).name, "fingerprint": source.fingerprint, "rows": counts[place]}
        for place, source in enumerate(said.sources)
    ]
    return {
        "version": recipe.name_of(dataset.source),
        "fingerprint": dataset.fingerprint,
        "format": dataset.format,
        "part": part,
        "rows": len(rows),
        "sha256": cache.sha256(file),
        "sources": sources,
        "steps": recipe.summary(said),
        "program": f"Finetune Studio {studio.__version__}",
    }
