"""What takes a finding away, as steps of a dataset version: each can be undone, and the file is never touched."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from studio.core import chat
from studio.core.audit.checks import Text, mended, special_finder
from studio.core.audit.findings import KINDS, Finding, of_rows
from studio.core.audit.private import redacted
from studio.core.audit.texts import row_text
from studio.core.errors import StudioError
from studio.core.versions.selection import Selection
from studio.core.versions.steps import Exclude, Filter, Mend, Replace, Step, each, spans

_EMPTIED = "nothing usable would be left of the row"


def remedy(
    finding: Finding,
    row_of: Callable[[int], tuple[dict[str, Any], str]],
    specials: Sequence[str] = (),
    place_of: Callable[[int], tuple[int, int]] = lambda row: (0, row),
) -> Iterator[Step]:
    """Yields the steps that take a finding away; none where a person must look.

    Of rows that belong together the first is kept, since it is not among the finding's rows. A row that could not be
    used any more is taken out.

    Args:
        finding: what was found.
        row_of: a row's data and format by its number in the dataset that was audited.
        specials: the tokenizer's special tokens, as in the audit.
        place_of: where such a row comes from: its source, and its number there; see `versions.store.origins`.
    """
    kind, numbers = finding.kind, finding.rows.tolist()
    if kind.remedy == "exclude":
        yield Exclude(rows=spans(map(place_of, numbers)), why=kind.title)
    elif kind.remedy:
        mend, emptied = _mending(finding.key, specials), []
        for row in numbers:
            (source, number), (data, row_format) = place_of(row), row_of(row)
            better = _mended(data, row_format, mend)
            if chat.fault(better, row_format):
                emptied.append((source, number))
            elif better != data:
                yield Replace(source=source, row=number, data=better)
        if emptied:
            yield Exclude(rows=spans(emptied), why=f"{kind.title}: {_EMPTIED}")


def planned(asked: Sequence[Step | Mend], selection: Selection) -> list[Step]:
    """Returns the steps that are asked for, each made of what those before it leave.

    Args:
        asked: one after the other.
        selection: the version's rows; some of the steps are done to it.

    Raises:
        StudioError: (data) one asks for what is not there, or cannot be done.
    """
    made: list[Step] = []
    for place, item in enumerate(asked):
        if isinstance(item, Filter):
            selection.require(item)
        steps = steps_of(item, selection) if isinstance(item, Mend) else [item]
        made += steps
        if any(isinstance(later, Mend | Filter) for later in asked[place + 1 :]):
            for step in steps:
                selection.do(step)
    return made


def steps_of(asked: Mend, selection: Selection) -> list[Step]:
    """Returns the steps that take a finding away from those of its rows that a version still has, as they are now.

    Raises:
        StudioError: (data) there is no such finding, a person must look, or none of its rows needs it any more.
    """
    kind = KINDS.get(asked.finding)
    if kind is None or not kind.remedy:
        known = ", ".join(key for key, item in KINDS.items() if item.remedy)
        raise StudioError("data", f"Nothing mends `{asked.finding[:60]}` by itself.", f"What can be mended: {known}.")
    named = np.array([selection.place(*row) for row in each(asked.rows)], np.int64)
    found = of_rows(asked.finding, np.intersect1d(named, selection.chosen))

    def row_of(place: int) -> tuple[dict[str, Any], str]:
        return selection.data(place), selection.format(place)

    steps = list(remedy(found, row_of, asked.specials, selection.address)) if found.count else []
    if not steps:
        message = f"Of the finding `{asked.finding}` nothing is left that this would mend."
        raise StudioError("data", message, "Audit again to see what there is now.")
    return steps


def _mending(key: str, specials: Sequence[str]) -> Callable[[str], str]:
    if key != "special":
        return partial(mended, key=key) if key in ("mojibake", "control", "html") else partial(redacted, kind=key)
    expression = special_finder(specials)

    def without(text: str) -> str:
        # What is left when one is gone may be another one.
        while expression is not None and expression.search(text):
            text = expression.sub("", text)
        return text

    return without


def _mended(data: dict[str, Any], row_format: str, mend: Callable[[str], str]) -> dict[str, Any]:
    """Returns a row with the columns mended that the audit reads, also where it could not be used any more then."""
    before, better = _read(data, row_format), dict(data)
    for name, value in data.items():
        held = _each_text(value, mend)
        if held != value and _read(data | {name: held}, row_format) != before:
            better[name] = held
    return better


def _read(data: dict[str, Any], row_format: str) -> Text | None:
    try:
        return row_text(0, data, row_format)
    except StudioError:
        return None


def _each_text(value: Any, mend: Callable[[str], str]) -> Any:
    """Returns a value with every text in it mended, numbers and names too, and those in JSON that a text holds."""
    if isinstance(value, dict):
        names = [mend(key) for key in value]
        # Two that become the same would be one.
        names = names if len(set(names)) == len(names) else list(value)
        return {key: _each_text(item, mend) for key, item in zip(names, value.values(), strict=True)}
    if isinstance(value, list):
        return [_each_text(item, mend) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        said = json.dumps(value)
        return value if mend(said) == said else mend(said)
    if not isinstance(value, str):
        return value
    held = _held(value)
    if held is None:
        return mend(value)
    better = _each_text(held, mend)
    return value if better == held else json.dumps(better, ensure_ascii=False)


def _held(text: str) -> Any:
    """Returns the object, or the list of objects, that a text is the JSON of; None: it is no such text."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return None
    items = held if isinstance(held, list) else [held]
    return held if items and all(isinstance(item, dict) for item in items) else None
