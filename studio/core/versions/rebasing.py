"""Taking a version over to sources that changed: every row named by a step is found again by what it held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.data.contents import contents, record
from studio.core.data.datasets import Dataset
from studio.core.errors import StudioError
from studio.core.versions import recipe, steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Made, Recipe
from studio.core.versions.selection import Progress

_HEX = 16


@dataclass(frozen=True, slots=True)
class Rebased:
    """What became of a version's steps.

    Attributes:
        changed: the sources that changed, by name.
        found: rows named by steps that were found again, each as often as it is named.
        lost: for each of the others the step's place, its kind, the source, the row's old number and why.
    """

    changed: list[str]
    found: int
    lost: list[dict[str, Any]]


def rebase(path: Path, on_progress: Progress | None = None) -> Rebased:
    """Takes a version over to its sources as they are now, with what these hold back for evaluation.

    Rules stay as they are and are done on the new rows. A row that a step names is the one that holds the same as it
    did; of several, the one with the same number, else the first that is none of the other named ones. It is the same
    one for all steps. What is not found is dropped from its step, and a step without a row left with it. Undone steps
    are dropped.

    Raises:
        StudioError: (data) the recipe or a source cannot be read.
    """
    outcome = Rebased([], 0, [])

    def changed(said: Recipe) -> Recipe:
        nonlocal outcome
        files = versions.opened(said, on_progress)
        named = [dict[int, int]() for _ in files]
        for made in said.steps[: said.cursor]:
            for place, number, key in _named(made):
                named[place][number] = key
        moves = [_found(file, keys, on_progress) for file, keys in zip(files, named, strict=True)]
        outcome = Rebased(
            [file.source.name for file, old in zip(files, said.sources, strict=True) if _is_new(file, old)], 0, []
        )
        kept, found, first = [], 0, True
        for at, made in enumerate(said.steps[: said.cursor]):
            moved, count = _moved(at, made, files, moves, outcome.lost)
            found += count
            first |= not made.joined
            if moved:
                kept.append(replace(moved, joined=not first))
                first = False
        outcome = replace(outcome, found=found)
        sources = tuple(map(versions.seen, said.sources, files))
        return Recipe(sources=sources, steps=tuple(kept), cursor=len(kept))

    recipe.change(path, changed)
    return outcome


def _named(made: Made) -> Iterator[tuple[int, int, int]]:
    """Yields the source and the number of each row that a step names, and the key of what it held."""
    for at, (place, number) in enumerate(steps.each(steps.chosen(made.step))):
        yield place, number, int(made.marks[at * _HEX : (at + 1) * _HEX], 16)


def _found(file: Dataset, named: Mapping[int, int], on_progress: Progress | None) -> dict[int, int]:
    """Returns where the rows of a source are now, by their old numbers; one that was rejected is found where it was.

    Args:
        file: the source.
        named: the key of what each row held, by its old number.
        on_progress: as in `contents`.
    """
    keys = np.asarray(contents(file, on_progress)["key"])
    found = {old: old for old, key in named.items() if old < len(keys) and keys[old] == key}
    away = {old: key for old, key in named.items() if key and old not in found}
    free: dict[int, list[int]] = {key: [] for key in away.values()}
    # The last first, so that the first is taken first.
    for number in np.flatnonzero(np.isin(keys, np.array(list(free), keys.dtype)))[::-1].tolist():
        if number not in found:
            free[int(keys[number])].append(number)
    return found | {old: free[away[old]].pop() for old in sorted(away) if free[away[old]]}


def _is_new(file: Dataset, old: recipe.Source) -> bool:
    return file.fingerprint != old.fingerprint


def _moved(
    at: int, made: Made, files: Sequence[Dataset], moves: Sequence[Mapping[int, int]], lost: list[dict[str, Any]]
) -> tuple[Made | None, int]:
    """Returns a step for the new rows, None where nothing is left of it, and how many of its rows were found."""
    step = made.step
    if not steps.chosen(step):
        return made, 0
    found: dict[tuple[int, int], int] = {}
    for place, number, key in _named(made):
        now = moves[place].get(number)
        if now is None or (why := _misfit(step, files[place])):
            told = "no row holds what it held" if now is None else why
            lost.append({"step": at, "kind": step.kind, "source": place, "row": number, "reason": told})
        else:
            found[place, now] = key
    if not found:
        return None, 0
    rows = sorted(found)
    said = "".join(f"{found[row]:016x}" for row in rows)
    if isinstance(step, steps.Replace):
        return replace(made, step=replace(step, row=rows[0][1]), marks=said), 1
    assert isinstance(step, steps.ByHand)
    return replace(made, step=replace(step, rows=steps.spans(rows)), marks=said), len(rows)


def _misfit(step: steps.Step, file: Dataset) -> str:
    """Returns why an edited row cannot be used in its source any more; empty if it can."""
    if isinstance(step, steps.Replace):
        try:
            record(step.data, file.format)
        except StudioError as error:
            return error.message
    return ""
