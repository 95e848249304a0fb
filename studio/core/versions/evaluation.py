"""Which rows a run trains on and which it is evaluated on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio import paths
from studio.core import chat
from studio.core.config import DataSpec
from studio.core.data.contents import contents
from studio.core.data.datasets import Dataset, Rejected
from studio.core.errors import StudioError
from studio.core.versions import draws
from studio.core.versions.draws import Ints, Keys, Mask
from studio.core.versions.selection import Progress, Selection
from studio.core.versions.store import evaluation_rows, origins


@dataclass(frozen=True, slots=True)
class Parts:
    """The usable rows of a dataset, parted.

    Attributes:
        train: places of the rows to train on, among the usable ones; rising.
        held: those held back for evaluation; rising.
        leaked: rows that are in neither, since they are equal to a row for evaluation.
        idle: a version's own rows for evaluation where a file of its own is evaluated on.
    """

    train: Ints
    held: Ints
    leaked: list[Rejected]
    idle: list[Rejected]


def parted(
    dataset: Dataset, spec: DataSpec, seed: int, other: Dataset | None = None, on_progress: Progress | None = None
) -> Parts:
    """Parts a dataset's rows as a run's settings say.

    A version's own evaluation rows take the place of the split. Equal rows are those of which the model sees the same.

    Args:
        dataset: the data to train on.
        spec: share, strata, and whether equal rows may be on both sides.
        seed: decides the draw.
        other: a file of its own for evaluation, which takes the place of the split.
        on_progress: told (rows done, rows in all) while rows are looked at.

    Raises:
        StudioError: (data) no row can be used or is left to train on, or there are not two different rows to split.
    """
    count = len(dataset)
    for read in (dataset, other) if other is not None else (dataset,):
        if not len(read):
            raise chat.unusable(read.source.name, read.rows, read.rejected[0].reason)
    held = evaluation_rows(dataset)
    keys: Keys | None = None
    if held is None:
        held = np.zeros(count, dtype=bool)
        if spec.eval_split and other is None:
            keys = _keys(dataset, on_progress)
            distinct = keys if spec.eval_exclusive else np.arange(count).astype(np.uint64)
            held = draws.split(distinct, _strata(dataset, spec.eval_stratify_by), spec.eval_split, seed)
    train = ~held
    leaked: list[Rejected] = []
    idle: list[Rejected] = []
    if other is not None:
        idle = _told(dataset, held, reason="for evaluation in the version, and a file is evaluated on instead")
    if spec.eval_exclusive and (held.any() or other is not None):
        keys = _keys(dataset, on_progress) if keys is None else keys
        evaluated = [keys[held]] + ([_keys(other, on_progress)] if other is not None else [])
        leaks = train & np.isin(keys, np.concatenate(evaluated))
        leaked = _told(dataset, leaks, reason="equal to a row for evaluation")
        train &= ~leaks
    if not train.any():
        message = "Every row is for evaluation, so there is none to train on."
        raise StudioError("data", message, "Add rows, or hold fewer back; see `data.eval_exclusive`.")
    evaluated_on = held if other is None else np.zeros_like(held)
    return Parts(np.flatnonzero(train).astype(np.int64), np.flatnonzero(evaluated_on).astype(np.int64), leaked, idle)


def _keys(dataset: Dataset, on_progress: Progress | None) -> Keys:
    keys = contents(dataset, on_progress)["key"]
    return np.asarray(keys[keys != 0])


def _strata(dataset: Dataset, by: str) -> Sequence[str] | None:
    if not by:
        return None
    if by == "source" and paths.is_version(dataset.source):
        return [str(source) for source in origins(dataset)["source"]]
    if by == "tag":
        hint = "Split the version itself by its tags: `studio data split`."
        raise StudioError("data", "Rows can be stratified by tags only in a dataset version.", hint)
    return Selection([dataset]).labels(by)


def _told(dataset: Dataset, left_out: Mask, reason: str) -> list[Rejected]:
    rows = (dataset[int(place)] for place in np.flatnonzero(left_out))
    return [Rejected(row.number, row.line, reason) for row in rows]
