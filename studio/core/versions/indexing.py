"""Where each row of a version lies: its rows are searched where its sources have them, without being copied."""

import numpy as np

from studio.core.data.index import RECORD, Indexed, RowIndex
from studio.core.versions import recipe, steps
from studio.core.versions.draws import Ints
from studio.core.versions.store import Version


def in_sight(version: Version) -> Ints:
    """Returns the places of a version's rows in its order, and between them of those that were excluded by hand."""
    selection = version.selection
    by_hand = [at for at, step in enumerate(version.recipe.effective) if isinstance(step, steps.Exclude)]
    out = np.flatnonzero(np.isin(selection.removed_by, by_hand))
    places = np.concatenate([selection.chosen, out])
    return np.sort(places) if len(out) and bool(np.all(np.diff(selection.chosen) > 0)) else places


def index_of(version: Version, places: Ints | None = None) -> RowIndex:
    """Returns the index of a version's rows, in its order; only edited rows are held, the others lie in the cache.

    A row is as its source's file has it, or its mapping makes it, whatever format the version brings its rows into.

    Args:
        version: whose rows.
        places: (n,) those of its sources' usable rows that are meant, in their order; None: the version's.
    """
    selection = version.selection
    wanted = selection.chosen if places is None else places
    parts: list[Indexed] = []
    records = np.zeros(len(selection.removed_by), dtype=RECORD)
    begin = 0
    for file in selection.sources:
        numbers = begin + file.column("number")
        records["start"][numbers], records["end"][numbers] = file.spans().T
        records["line"][numbers] = file.column("line")
        records["part"][numbers] = len(parts) + file.column("part")
        names = file.files or [file.source.name]
        for item in (item for item in file.rejected if begin + item.row in selection.edits):
            records["line"][begin + item.row] = item.line
            records["part"][begin + item.row] = len(parts) + (names.index(item.file) if item.file else 0)
        modified = file.kept.stat().st_mtime_ns
        parts += [Indexed(name, str(file.kept), modified, None, False) for name in names]
        begin += file.rows
    edited = np.intersect1d(np.array(list(selection.edits), dtype=np.int64), wanted)
    for part in np.unique(records["part"][edited]).tolist():
        places = edited[records["part"][edited] == part]
        texts = [selection.text(place).encode() for place in places.tolist()]
        ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64) - 1
        records["start"][places], records["end"][places] = ends - [len(text) for text in texts], ends
        records["part"][places] = len(parts)
        parts.append(Indexed(parts[part].name, "", 0, None, False, b"\n".join(texts)))
    return RowIndex.of(recipe.name_of(version.path), parts, records[wanted])
