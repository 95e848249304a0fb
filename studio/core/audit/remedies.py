"""What takes a finding away, as steps of a dataset version: each can be undone, and the file is never touched."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from studio.core.audit.checks import mended, special_finder
from studio.core.audit.findings import Finding
from studio.core.audit.private import redacted
from studio.core.versions.steps import Exclude, Replace, Step, spans


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
