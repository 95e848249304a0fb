"""The steps that make a dataset version of its sources; what each does, `studio.core.versions.selection` carries out.

A row is addressed by its source, from 0, and its number in that source's file, which nothing ever changes. What
somebody chose by hand stands in a step row by row; what is computed is a rule, with its seed.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid", defer_build=True)

Count = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Span = tuple[Count, Count, Count]  # a source, and the first and the last of some neighbouring rows of its file
Rows = Annotated[tuple[Span, ...], Field(min_length=1)]
Why = Annotated[str, Field(max_length=500)]

EVALUATION = "eval"  # the tag of the rows that are held back for evaluation


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Replace:
    """Puts `data` in the place of a row: a cell or a conversation was edited, or a rejected row mended."""

    kind: Literal["replace"] = "replace"
    source: Count = 0
    row: Count
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Exclude:
    """Takes rows out; `why` is shown beside them."""

    kind: Literal["exclude"] = "exclude"
    rows: Rows
    why: Why = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Restore:
    """Brings rows back that earlier steps took out."""

    kind: Literal["restore"] = "restore"
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Keep:
    """Takes every row out but these."""

    kind: Literal["keep"] = "keep"
    rows: Rows
    why: Why = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Tag:
    """Puts a tag on rows, or takes it off; rows tagged `eval` are for evaluation."""

    kind: Literal["tag"] = "tag"
    rows: Rows
    tag: Annotated[str, Field(min_length=1, max_length=40)]
    on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Filter:
    """Keeps the rows that match everything asked for; with `invert`, the others.

    Attributes:
        text: what a row's text must hold, in any letter case; with `regex`, as a regular expression.
        role: only the texts of this role are looked at; empty: all.
        min_chars, max_chars: how many characters these texts have together; None: no bound.
        tag: a tag the row must have.
        source: the source it must come from.
    """

    kind: Literal["filter"] = "filter"
    text: Annotated[str, Field(max_length=1000)] = ""
    regex: bool = False
    role: Literal["", "system", "user", "assistant", "tool"] = ""
    min_chars: Count | None = None
    max_chars: Count | None = None
    tag: str = ""
    source: Count | None = None
    invert: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Deduplicate:
    """Keeps the first of the rows that are equal in `by`.

    Attributes:
        by: `row` (everything the model sees of it), `prompt` (what stands before its last answer), `answer` (its
            last answer), or a column's name.
    """

    kind: Literal["deduplicate"] = "deduplicate"
    by: Annotated[str, Field(min_length=1)] = "row"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Sample:
    """Keeps `count` rows drawn by the seed, or all where there are no more."""

    kind: Literal["sample"] = "sample"
    count: Annotated[int, Field(ge=1)]
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Balance:
    """Draws the same number of rows from each group, by the seed.

    Attributes:
        by: `source`, `tag`, `length` (characters, in powers of two), `turns`, or a column's name.
        count: rows of each group; None: as many as the smallest group has.
    """

    kind: Literal["balance"] = "balance"
    by: Annotated[str, Field(min_length=1)]
    count: Annotated[int, Field(ge=1)] | None = None
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Split:
    """Tags a share of the rows `eval`, in place of those that were.

    Equal rows are always on the same side, and a row keeps its side when others are appended to the file.

    Attributes:
        stratify_by: the share holds in each group of this, as in `Balance`; empty: over all rows.
    """

    kind: Literal["split"] = "split"
    share: Annotated[float, Field(ge=0, lt=1)]
    seed: Seed = 0
    stratify_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Mix:
    """Draws rows of each source so that they make up the given shares, spread evenly over an epoch.

    Rows for evaluation are not mixed: each stays, once.

    Attributes:
        shares: one a source; only their ratio counts, 0 leaves a source out.
        epoch: how many rows an epoch has: `shortest` (as many as there can be without any row coming twice),
            `longest` (as few as there can be with every row coming at least once), or a number of rows.
    """

    kind: Literal["mix"] = "mix"
    shares: Annotated[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=1)]
    epoch: Literal["shortest", "longest"] | Annotated[int, Field(ge=1)] = "shortest"
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Mend:
    """Asks for what takes a finding of an audit away from rows; it stands in no recipe, the steps made of it do.

    Attributes:
        finding: its key; see `studio.core.audit.remedies.steps_of`.
        rows: the rows it was found in.
        specials: the tokenizer's special tokens, as in the audit.
    """

    kind: Literal["mend"] = "mend"
    finding: str
    rows: Rows
    specials: tuple[str, ...] = ()


ByHand = Exclude | Restore | Keep | Tag  # what is done to rows that are named
Step = Replace | Exclude | Restore | Keep | Tag | Filter | Deduplicate | Sample | Balance | Split | Mix


def spans(rows: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    """Returns rows, each a source and a number, as a step holds them: sorted, each once, neighbours together."""
    found: list[Span] = []
    for source, number in sorted(set(rows)):
        if found and found[-1][0] == source and found[-1][2] == number - 1:
            found[-1] = (source, found[-1][1], number)
        else:
            found.append((source, number, number))
    return tuple(found)


def each(rows: Iterable[Span]) -> Iterator[tuple[int, int]]:
    """Yields the source and the number of every row in some spans."""
    for source, first, last in rows:
        for number in range(first, last + 1):
            yield source, number


def chosen(step: Step) -> tuple[Span, ...]:
    """Returns the rows that a step names one by one; none where it is a rule."""
    if isinstance(step, Replace):
        return ((step.source, step.row, step.row),)
    return step.rows if isinstance(step, ByHand) else ()
