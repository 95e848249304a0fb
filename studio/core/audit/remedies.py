"""What takes a finding away, as steps of a dataset version: each can be undone, and the file is never touched."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from studio.core.audit.checks import mended, special_finder
from studio.core.audit.findings import KINDS, Finding, of_rows
from studio.core.audit.private import redacted
from studio.core.errors import StudioError
from studio.core.versions.selection import Selection
from studio.core.versions.steps import Exclude, Mend, Replace, Step, each, spans


def remedy(
    finding: Finding,
    data_of: Callable[[int], dict[str, Any]],
    specials: Sequence[str] = (),
    place_of: Callable[[int], tuple[int, int]] = lambda row: (0, row),
) -> Iterator[Step]:
    """Yields the steps that take a finding away; none where a person must look.

    Of rows that belong together the first is kept, since it is not among the finding's rows.

    Args:
        finding: what was found.
        data_of: a row's data by its number in the dataset that was audited.
        specials: the tokenizer's special tokens, as in the audit.
        place_of: where such a row comes from: its source, and its number there; see `versions.origins`.
    """
    kind = finding.kind
    if kind.remedy == "exclude":
        yield Exclude(rows=spans(map(place_of, finding.rows.tolist())), why=kind.title)
    elif kind.remedy:
        mend = _mending(finding.key, specials)
        for row in finding.rows.tolist():
            source, number = place_of(row)
            yield Replace(source=source, row=number, data=_each_text(data_of(row), mend))


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
    places = np.intersect1d(named, selection.chosen)
    found = of_rows(asked.finding, places)
    made = remedy(found, selection.data, asked.specials, selection.address) if len(places) else ()
    steps = [step for step in made if not (isinstance(step, Replace) and _as_is(step, selection))]
    if not steps:
        message = f"Of the finding `{asked.finding}` nothing is left that this would mend."
        raise StudioError("data", message, "Audit again to see what there is now.")
    return steps


def _as_is(step: Replace, selection: Selection) -> bool:
    return selection.data(selection.place(step.source, step.row)) == step.data


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


def _each_text(value: Any, mend: Callable[[str], str]) -> Any:
    """Returns a row's data with every text in it mended, also those in JSON that a table's cell holds."""
    if isinstance(value, dict):
        return {key: _each_text(item, mend) for key, item in value.items()}
    if isinstance(value, list):
        return [_each_text(item, mend) for item in value]
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            held = json.loads(value)
        except (ValueError, RecursionError):
            held = None
        if isinstance(held, list) and held and all(isinstance(item, dict) for item in held):
            return json.dumps(_each_text(held, mend), ensure_ascii=False)
    return mend(value)
