"""The audit of a whole dataset from its text: one pass over the rows, then the comparison of rows with each other.

Memory is bounded: a few numbers a row, and what is larger lies in files. What depends on tokens is found in
`studio.engine.audit`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from studio.core.audit.checks import Scan, Text, text_of
from studio.core.audit.findings import Finding, finding, of_rows
from studio.core.audit.likeness import Sketches, common_shingles, normalised
from studio.core.chat import desirable, to_example, to_pair
from studio.core.data.datasets import Dataset

Rows = NDArray[np.int64]
Digests = NDArray[np.uint64]
Phase = Literal["reading", "checking", "comparing", "tokenizing"]
Progress = Callable[[Phase, int, int], None]
OnFindings = Callable[[list[Finding]], None]

VERSION = 7  # of the checks: raise it whenever the same rows would give other findings
_BATCH_ROWS = 1024
_SAMPLES, _SAMPLE_ROWS = 40, 50
_NOTES = 1000


@dataclass(frozen=True, slots=True)
class Question:
    """What an audit from text depends on besides the rows.

    Attributes:
        specials: the tokenizer's special tokens.
        evaluation: a file of its own for evaluation.
        held_back: the usable rows, by their place, that a split holds back for evaluation.
    """

    specials: Sequence[str] = ()
    evaluation: Dataset | None = None
    held_back: Rows = field(default_factory=lambda: np.zeros(0, np.int64))


def audit(
    dataset: Dataset, question: Question, folder: Path, on_progress: Progress, on_findings: OnFindings
) -> tuple[list[Finding], dict[str, Any]]:
    """Looks at every row of a dataset.

    Args:
        dataset: the rows.
        question: what else there is to know.
        folder: an empty one for files that are of no use afterwards.
        on_progress: told (`checking` or `comparing`, done, of all); what it raises passes through.
        on_findings: told of findings as they are complete.

    Returns:
        All findings, and `languages`: how many rows are in each, by ISO 639-1 code; empty: it cannot be told.
    """
    found: list[Finding] = []

    def tell(more: list[Finding]) -> None:
        if more:
            found.extend(more)
            on_findings(more)

    tell(_unusable(dataset))
    sources = [dataset] if question.evaluation is None else [dataset, question.evaluation]
    numbers, digests, sketches, scan = _read(sources, question.specials, folder, on_progress)
    tell(scan.found())
    held = _held(sources, question)
    tell(list(_compared(sources, numbers, digests, sketches, held, on_progress)))
    return found, {"rows": dataset.rows, "usable": len(dataset), "languages": dict(scan.languages().most_common())}


def texts(dataset: Dataset, first: int, stop: int) -> list[Text]:
    """Reads the text of some usable rows, by their place."""
    return [row_text(number, data, dataset.format) for number, data in rows(dataset, first, stop)]


def row_text(number: int, data: dict[str, Any], row_format: str) -> Text:
    """Returns the text of a row, which is all that the audit looks at.

    Raises:
        StudioError: (data) the row is not usable; the message says why.
    """
    if row_format == "preference":
        return text_of(number, *to_pair(data))
    text = text_of(number, to_example(data, row_format))
    if row_format != "kto":
        return text
    # That an answer is short or a refusal may be what is bad about it.
    good = desirable(data)
    return replace(text, label=good, answers=text.answers if good else [])


def rows(dataset: Dataset, first: int, stop: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields number and data of some usable rows, by their place; faster than one by one."""
    part = dataset.table.slice(first, stop - first)
    for number, row in zip(part.column("number").to_pylist(), part.column("row").to_pylist(), strict=True):
        yield number, _loaded(row)


def _loaded(row: str) -> dict[str, Any]:
    data: dict[str, Any]
    try:
        data = orjson.loads(row)
    except orjson.JSONDecodeError:  # not a number, say, which a row may hold
        data = json.loads(row)
    return data


def _unusable(dataset: Dataset) -> list[Finding]:
    if not dataset.rejected:
        return []
    hits = of_rows("unusable", np.array([item.row for item in dataset.rejected], np.int64)).hits
    return [finding("unusable", hits, {item.row: item.reason for item in dataset.rejected[:_NOTES]})]


def _compared_text(text: Text) -> bytes:
    """Returns what of a row is compared with others: not a system message and not tools, which many share."""
    compared = [said for at, (role, said) in enumerate(text.parts) if role != "system" and at != text.tools]
    return normalised("\n".join(compared))


def _read(
    sources: Sequence[Dataset], specials: Sequence[str], folder: Path, on_progress: Progress
) -> tuple[Rows, Digests, Sketches, Scan]:
    """Looks at the rows one by one; the checks are for the first source's alone.

    Returns:
        (rows,) numbers in their file; (rows, 5) digests: two of the row, one each of its prompt, its answer and its
        tools; the sketches; what was found.
    """
    count, first = sum(map(len, sources)), 0
    numbers, digests = np.zeros(count, np.int64), np.zeros((count, 5), np.uint64)
    sketches, scan = Sketches(folder, count, common_shingles(_sample(sources[0]))), Scan(specials)
    for source in sources:
        for start in range(0, len(source), _BATCH_ROWS):
            batch = texts(source, start, start + _BATCH_ROWS)
            numbers[first : first + len(batch)] = [text.number for text in batch]
            digests[first : first + len(batch)] = [_digests(text) for text in batch]
            sketches.add(first, [_compared_text(text) for text in batch])
            if source is sources[0]:
                scan.add(batch, [text.joined for text in batch])
            first += len(batch)
            on_progress("checking", first, count)
    return numbers, digests, sketches, scan


def _sample(dataset: Dataset) -> list[bytes]:
    step = max(len(dataset) // _SAMPLES, _SAMPLE_ROWS)
    starts = range(0, len(dataset), step)
    return [_compared_text(text) for start in starts for text in texts(dataset, start, start + _SAMPLE_ROWS)]


def _digests(text: Text) -> Any:
    parts = [f"{role}\0{said}".encode("utf-8", "surrogatepass") for role, said in text.parts]
    if text.label is not None:
        # What is asked is whether this answer is good, and the label is what is said to it.
        label = b"good" if text.label else b"bad"
        return np.frombuffer(_whole([*parts, label]) + b"".join(map(_digest, (parts, [label], []))), np.uint64)
    whole = _whole(parts)
    last = text.answers[-1] if text.answers and text.chat else 0
    asked, said = parts[:last], parts[last]
    if text.worse is not None:
        said, worse = _said(text, text.answers), _said(text, [text.worse])
        # To be asked the same is to be asked which of the same two answers is better.
        asked = [*parts[: text.answers[0]], *sorted((said, worse))]
    elif text.chat and not any(role == "user" and words.strip() for role, words in text.parts[:last]):
        # Nothing is answered differently where nothing was asked.
        asked = []
    tools = [] if text.tools is None else [parts[text.tools]]
    prompt, answer, told = ([*tools, *asked] if asked else [], [said], tools)
    return np.frombuffer(whole + b"".join(map(_digest, (prompt, answer, told))), np.uint64)


def _whole(parts: Sequence[bytes]) -> bytes:
    return blake2b(b"\1".join(parts), digest_size=16).digest()


def _digest(parts: Sequence[bytes]) -> bytes:
    return blake2b(b"\1".join(parts), digest_size=8).digest() if parts else bytes(8)


def _said(text: Text, places: Sequence[int]) -> bytes:
    return "\n".join([text.parts[place][1] for place in places]).encode("utf-8", "surrogatepass")


def _held(sources: Sequence[Dataset], question: Question) -> NDArray[np.bool_]:
    held = np.zeros(sum(map(len, sources)), bool)
    held[question.held_back] = True
    held[len(sources[0]) :] = True
    return held


def _compared(
    sources: Sequence[Dataset],
    numbers: Rows,
    digests: Digests,
    sketches: Sketches,
    held: NDArray[np.bool_],
    on_progress: Progress,
) -> Iterator[Finding]:
    """Yields what rows are the same, nearly the same, or answer one prompt differently."""
    own = len(sources[0])
    first = _first_of_each(digests[:, :2])
    copies = np.nonzero(first != np.arange(len(first)))[0]

    def text_at(row: int) -> bytes:
        source, place = (sources[0], row) if row < own else (sources[1], row - own)
        return _compared_text(texts(source, place, place + 1)[0])

    alike = list(sketches.pairs(text_at, first != np.arange(len(first)), lambda *at: on_progress("comparing", *at)))
    like = np.full(len(first), -1, np.int64)
    for row, other, _ in reversed(alike):
        # With other tools the same answer is another one.
        if digests[row, 4] == digests[other, 4]:
            like[row] = other
    # A copy is like what its original is like.
    like = like[first]
    near = np.nonzero(like >= 0)[0]
    judged = sources[0].format in ("preference", "kto")
    if judged:
        # The same answers judged the other way around are told as that; to keep the first of them would be to guess.
        one, two = digests[near], digests[like[near]]
        near = near[(one[:, 2] != two[:, 2]) | (one[:, 3] == two[:, 3])]
    for key, rows_, others in (("duplicate", copies, first[copies]), ("near", near, like[near])):
        # What belongs with a row of the evaluation file is told as a leak.
        inside = (rows_ < own) & (others < own)
        if inside.any():
            yield of_rows(key, numbers[rows_[inside]], numbers[others[inside]])
    # The answers are part of what is asked, so that only the judgement can differ.
    yield from (_contradictions if judged else _conflicts)(digests[:own], numbers)
    groups = _groups(first, [(row, other) for row, other, _ in alike])
    yield from _leaks(groups, held, own, numbers)


def _first_of_each(keys: Digests) -> Rows:
    """Returns, for each row, the first row with the same keys; (N,)."""
    order = np.lexsort(keys.T)
    ordered = keys[order]
    new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)]) if len(order) else np.zeros(0, bool)
    leaders = order[new]
    first = np.empty(len(order), np.int64)
    first[order] = leaders[np.cumsum(new) - 1]
    return first


def _conflicts(digests: Digests, numbers: Rows) -> Iterator[Finding]:
    """Yields the rows whose prompt was answered otherwise before."""
    asked, first, other = _asked_again(digests)
    if other.any():
        yield of_rows("conflict", numbers[asked[other]], numbers[first[other]])


def _contradictions(digests: Digests, numbers: Rows) -> Iterator[Finding]:
    """Yields all rows that judge answers otherwise than others do: none of them is the right one."""
    asked, first, other = _asked_again(digests)
    against = dict(zip(first[other].tolist(), asked[other].tolist(), strict=True))
    inside = np.isin(first, first[other])
    pairs = zip(first[inside].tolist(), other[inside].tolist(), strict=True)
    others = np.array([at if differs else against[at] for at, differs in pairs], np.int64)
    if len(others):
        yield of_rows("swapped", numbers[asked[inside]], numbers[others])


def _asked_again(digests: Digests) -> tuple[Rows, Rows, NDArray[np.bool_]]:
    """Returns the rows that ask something, of each the first that asks the same, and if it is answered otherwise."""
    asked = np.nonzero(digests[:, 2] != 0)[0]
    first = asked[_first_of_each(digests[asked][:, 2:3])]
    return asked, first, digests[asked, 3] != digests[first, 3]


def _groups(first: Rows, alike: Sequence[tuple[int, int]]) -> Rows:
    """Returns, for each row, the first of all that belong with it, one by one or through others; (N,)."""
    leader = first.copy()

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = int(leader[row])
        return row

    for row, other in alike:
        one, two = find(row), find(other)
        leader[max(one, two)] = min(one, two)
    while not np.array_equal(further := leader[leader], leader):
        leader = further
    return leader


def _leaks(groups: Rows, held: NDArray[np.bool_], own: int, numbers: Rows) -> Iterator[Finding]:
    """Yields the rows to leave out so that nothing of the evaluation is in the training data."""
    learned, asked = np.zeros(len(groups), bool), np.zeros(len(groups), bool)
    learned[groups[~held]] = True
    asked[groups[held]] = True
    leaking = (learned & asked)[groups]
    if own < len(groups):
        # Each row that stands in the evaluation file too, with the first row there that it belongs with.
        example = np.full(len(groups), -1, np.int64)
        outside = np.arange(own, len(groups))[::-1]
        example[groups[outside]] = outside
        rows_ = np.nonzero(leaking[:own])[0]
        others = example[groups[rows_]]
    else:
        # A split draws anew from what is left, so all but the first must go.
        rows_ = np.nonzero(leaking & (groups != np.arange(len(groups))))[0]
        others = groups[rows_]
    if len(rows_):
        yield of_rows("leak", numbers[rows_], numbers[others])
