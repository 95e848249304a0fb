"""Taking a version over to sources that changed: every row named by a step is found again by what it held."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
    """Takes a version over to its sources as they are now.

    Rules stay as they are and are done on the new rows. A row that a step names is the one that holds the same as it
    did; of several, the one with the same number, else the first. What is not found is dropped from its step, and a
    step without a row left with it. Undone steps are dropped.

    Raises:
        StudioError: (data) the recipe or a source cannot be read.
    """
    outcome = Rebased([], 0, [])

    def changed(said: Recipe) -> Recipe:
        nonlocal outcome
        files = versions.opened(said, on_progress)
        moves = [_Moves(file, on_progress) for file in files]
        outcome = Rebased(
            [file.source.name for file, old in zip(files, said.sources, strict=True) if _is_new(file, old)], 0, []
        )
        kept, found, first = [], 0, True
        for at, made in enumerate(said.steps[: said.cursor]):
            moved, count = _moved(at, made, moves, outcome.lost)
            found += count
            first |= not made.joined
            if moved:
                kept.append(replace(moved, joined=not first))
                first = False
        outcome = replace(outcome, found=found)
        seen = zip(said.sources, files, strict=True)
        sources = tuple(replace(old, fingerprint=new.fingerprint, rows=new.rows) for old, new in seen)
        return Recipe(sources=sources, steps=tuple(kept), cursor=len(kept))

    recipe.change(path, changed)
    return outcome


class _Moves:
    """Where the rows of a source are now."""

    def __init__(self, file: Dataset, on_progress: Progress | None) -> None:
        self.file = file
        self._keys = np.asarray(contents(file, on_progress)["key"])
        self._numbers: dict[int, list[int]] = {}
        self.begin()

    def begin(self) -> None:
        """Begins another step: every row may be found once more."""
        self._taken: set[int] = set()
        self._left: dict[int, Iterator[int]] = {}

    def number(self, old: int, key: int) -> int | None:
        """Returns the number of a row that holds what `key` says, each once; one that was rejected stays."""
        same = old < len(self._keys) and int(self._keys[old]) == key and old not in self._taken
        found = old if same else self._elsewhere(key) if key else None
        if found is not None:
            self._taken.add(found)
        return found

    def _elsewhere(self, key: int) -> int | None:
        if not self._numbers:
            self._numbers = defaultdict(list)
            for number, held in enumerate(self._keys.tolist()):
                self._numbers[held].append(number)
        left = self._left.setdefault(key, iter(self._numbers.get(key, ())))
        return next((number for number in left if number not in self._taken), None)


def _is_new(file: Dataset, old: recipe.Source) -> bool:
    return file.fingerprint != old.fingerprint


def _moved(at: int, made: Made, moves: Sequence[_Moves], lost: list[dict[str, Any]]) -> tuple[Made | None, int]:
    """Returns a step for the new rows, None where nothing is left of it, and how many of its rows were found."""
    step = made.step
    old = list(steps.each(steps.chosen(step)))
    if not old:
        return made, 0
    marks = [int(made.marks[i : i + _HEX], 16) for i in range(0, len(made.marks), _HEX)]
    found: dict[tuple[int, int], int] = {}
    for source in moves:
        source.begin()
    for (place, number), mark in zip(old, marks, strict=True):
        now = moves[place].number(number, mark)
        if now is None or (why := _misfit(step, moves[place].file)):
            told = "no row holds what it held" if now is None else why
            lost.append({"step": at, "kind": step.kind, "source": place, "row": number, "reason": told})
        else:
            found[place, now] = mark
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
