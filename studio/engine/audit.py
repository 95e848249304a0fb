"""The audit of a dataset against a model and a maximum length: what needs tokens, and all of it kept in the cache.

Three folders hold it: the findings from text, the lengths of all rows, and the findings that follow from those at one
maximum length. Another maximum length costs milliseconds, another model one pass of the tokenizer.
"""

import hashlib
import json
import shutil
from array import array
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import filelock
import numpy as np

from studio import paths
from studio.core import cache
from studio.core.audit import findings
from studio.core.audit import texts as audit
from studio.core.audit.findings import Finding, of_rows
from studio.core.audit.lengths import FIELDS, Lengths
from studio.core.audit.texts import OnFindings, Progress, Question
from studio.core.chat import common, tools_of
from studio.core.config import DataSpec
from studio.core.data.datasets import Dataset, open_dataset
from studio.core.versions.evaluation import parted
from studio.engine.labels import Encoded, Encoder
from studio.engine.tokens import encoded_answers, fault

_VERSION = 8  # of what is counted: raise it whenever the same rows would get other tokens, labels or findings
_BATCH_ROWS = 512
_WHOLE = 1_048_576  # a maximum length that cuts nothing worth counting
_NOTES = 1000
# Where everything is learned, a template's line break may stand behind the end token.
_END = 3


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        found: the findings, in the order of `findings.KINDS`.
        about: `rows` and `usable` rows of the file, and how many are in which of the `languages`;
            the tokenizer's `specials`, which `remedies` take away.
        folders: where the findings lie, each to be opened by `findings.load`.
        lengths: the rows' lengths; `Lengths.load` opens them in `lengths_folder`.
    """

    found: list[Finding]
    about: dict[str, Any]
    folders: list[Path]
    lengths: Lengths
    lengths_folder: Path


def examine(
    dataset: Dataset, encoder: Encoder, spec: DataSpec, seed: int, on_progress: Progress, on_findings: OnFindings
) -> Audit:
    """Audits a dataset; the second time at once, from the cache.

    Args:
        dataset: the opened training file.
        encoder: how the model reads it, cut at the maximum length.
        spec: names the evaluation data, for leaks.
        seed: draws the split, where there is one.
        on_progress: told (`reading`, `checking`, `comparing` or `tokenizing`, done, of all); what it raises ends it.
        on_findings: told of findings as they are complete.

    Raises:
        StudioError: (data) the evaluation file cannot be opened, or the template does not come to an end; (disk) the
            cache cannot be written.
    """
    text_folder, text = _from_text(dataset, encoder, spec, seed, on_progress, on_findings)
    lengths_folder, measured = measure(dataset, encoder, on_progress)
    folder = _place("audit", dataset.fingerprint, encoder.fingerprint)

    def make(target: Path) -> None:
        findings.save(target, _from_tokens(measured.unfit, measured.lengths, encoder), {})

    from_tokens = cache.made(folder, findings.load, make)
    on_findings(from_tokens[0])
    order = list(findings.KINDS)
    found = sorted([*text[0], *from_tokens[0]], key=lambda item: order.index(item.key))
    about = text[1] | {"specials": sorted(encoder.special_texts)}
    return Audit(found, about, [text_folder, folder], measured.lengths, lengths_folder)


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows' lengths, and what was found while they were counted.

    Attributes:
        lengths: of all rows that have something to learn.
        unfit: why the others have not: `refused` (by the template) and `untrained`; `untold`: rows with tools that the
            template does not write; `partial`: rows of whose answers it leaves out a part.
    """

    lengths: Lengths
    unfit: list[Finding]


def measure(dataset: Dataset, encoder: Encoder, on_progress: Progress) -> tuple[Path, Measured]:
    """Counts the tokens of every row, whatever the maximum length; the second time at once, from the cache.

    Returns:
        The folder they lie in, and they.

    Raises:
        StudioError: (data) the template does not come to an end; (disk) the cache cannot be written.
    """
    whole = replace(encoder, max_length=_WHOLE, chunking=None)
    folder = _place("lengths", dataset.fingerprint, whole.fingerprint)
    return folder, cache.made(folder, _measured, lambda target: _measure(dataset, whole, target, on_progress))


def _place(kind: str, *parts: Any) -> Path:
    versions = [metadata.version(name) for name in ("tokenizers", "transformers", "pyarrow", "numpy")]
    text = json.dumps([_VERSION, audit.VERSION, *versions, *parts])
    return paths.cache_dir() / kind / hashlib.sha256(text.encode()).hexdigest()[:40]


def _from_text(
    dataset: Dataset, encoder: Encoder, spec: DataSpec, seed: int, on_progress: Progress, on_findings: OnFindings
) -> tuple[Path, tuple[list[Finding], dict[str, Any]]]:
    evaluation, held = None, np.zeros(0, np.int64)
    if spec.eval_path:
        evaluation = open_dataset(
            spec.eval_path, spec.format, lambda done, of: on_progress("reading", done, of), spec.mapping
        )
    else:
        held = parted(dataset, spec, seed, on_progress=lambda done, of: on_progress("reading", done, of)).held
    specials = sorted(encoder.special_texts)
    asked = [evaluation.fingerprint] if evaluation is not None else [hashlib.sha256(held.tobytes()).hexdigest()]
    folder = _place("findings", dataset.fingerprint, specials, *asked)
    told = False

    def tell(found: list[Finding]) -> None:
        nonlocal told
        told = True
        on_findings(found)

    def make(target: Path) -> None:
        _forget_killed(target)
        # Inside, so that what a killed audit leaves is known for that.
        with TemporaryDirectory(dir=target, prefix="sketches-", ignore_cleanup_errors=True) as work:
            found, about = audit.audit(dataset, Question(specials, evaluation, held), Path(work), on_progress, tell)
        findings.save(target, found, about)

    made = cache.made(folder, findings.load, make)
    if not told:
        on_findings(made[0])
    return folder, made


def _forget_killed(target: Path) -> None:
    """Removes what killed audits left beside the folder that is being made: their sketches of all rows are large."""
    for part in target.parent.glob(".*.part"):
        # Whoever makes one holds its lock, and so does this process that of `target`.
        lock = filelock.FileLock(part.with_suffix(".lock"), timeout=0)
        with suppress(filelock.Timeout), lock:
            shutil.rmtree(part, ignore_errors=True)


def _measure(dataset: Dataset, encoder: Encoder, folder: Path, on_progress: Progress) -> None:
    table, unfit = array("q"), findings.Collector()
    notes: dict[str, dict[int, str]] = {"refused": {}, "untrained": {}}
    stops, told = set(encoder.stop_ids), encoder.tells_tools
    for first in range(0, len(dataset), _BATCH_ROWS):
        batch = list(audit.rows(dataset, first, first + _BATCH_ROWS))
        results = encoded_answers(encoder, [data for _, data in batch], dataset.format)
        for (number, data), result in zip(batch, results, strict=True):
            reason = result if isinstance(result, str) else fault(result)
            if not reason and not isinstance(result, str):
                table.extend((number, *_counted(result, stops)))
                if not told and tools_of(data):
                    unfit.add("untold", number)
                if any(answer.partial for answer in result):
                    unfit.add("partial", number)
                continue
            key = "refused" if isinstance(result, str) else "untrained"
            unfit.add(key, number)
            if len(notes[key]) < _NOTES:
                notes[key][number] = reason
        on_progress("tokenizing", first + len(batch), len(dataset))
    Lengths(*np.array(table, np.int32).reshape(-1, len(FIELDS)).T).save(folder)
    findings.save(folder, [findings.finding(item.key, item.hits, notes.get(item.key)) for item in unfit.found()], {})


def _counted(answers: tuple[Encoded, ...], stops: set[int]) -> tuple[int, ...]:
    """Returns a row's numbers, as `Lengths` names them behind `rows`."""
    *others, encoded = sorted(answers, key=lambda answer: len(answer.ids))
    trained, count = encoded.trained, len(encoded.ids)
    backwards = trained[::-1]
    stop = count - backwards.index(True)
    try:
        last = count - backwards.index(False, count - stop)
    except ValueError:
        last = 0
    ended = not stops.isdisjoint(encoded.ids[max(last, stop - _END) : stop])
    first = max([trained.index(True), *(common(encoded.ids, other.ids) for other in others)])
    begins = encoded.beginning if encoded.divisible else -1
    return count, first, last, stop, int(ended), begins, len(others[0].ids) if others else 0


def _measured(folder: Path) -> Measured | None:
    lengths, unfit = Lengths.load(folder), findings.load(folder)
    return None if lengths is None or unfit is None else Measured(lengths, unfit[0])


def _from_tokens(unfit: list[Finding], every: Lengths, encoder: Encoder) -> list[Finding]:
    """Returns what a maximum length makes of the rows."""
    found, max_length, lengths = {item.key: item for item in unfit}, encoder.max_length, every
    if encoder.chunking is not None:
        counts, _ = every.chunks(max_length, encoder.chunking.overlap)
        several = counts > 1
        if several.any():
            rows = every.rows[several]
            pairs = zip(rows[:_NOTES].tolist(), counts[several][:_NOTES].tolist(), strict=True)
            notes = {row: f"made into {count} chunks" for row, count in pairs}
            found["chunks"] = findings.finding("chunks", of_rows("chunks", rows).hits, notes)
        # Nothing of a plain text is lost then.
        lengths = every.take(every.rows[every.begins < 0])
    dropped = lengths.first >= max_length
    lost = (lengths.last >= max_length) & ~dropped
    shortened = (lengths.stop > max_length) & (lengths.last < max_length)
    if dropped.any():
        reason = f"the tokens before its answer fill the maximum length of {max_length}"
        if every.pairs:
            reason = f"its answers differ only behind the maximum length of {max_length}"
        rows = lengths.rows[dropped]
        more = of_rows("untrained", rows)
        before = found.get("untrained")
        notes = (before.notes if before else {}) | dict.fromkeys(rows[:_NOTES].tolist(), reason)
        hits = more.hits if before is None else np.concatenate([before.hits, more.hits])
        found["untrained"] = findings.finding("untrained", hits, notes)
    for key, mask in (("lost", lost), ("cut", shortened), ("endless", None)):
        rows = every.rows[every.ended == 0] if mask is None else lengths.rows[mask]
        if len(rows):
            found[key] = of_rows(key, rows)
    if "cut" in found:
        hits = found["cut"].hits
        start, stop = lengths.last[shortened], lengths.stop[shortened]
        hits[:, 2], hits[:, 3] = stop - max_length, stop - start
    return [found[key] for key in findings.KINDS if key in found]
