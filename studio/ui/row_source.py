"""Where a table of rows takes them from: a file's index, whole or growing, or a dataset version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from studio.core.data import mapping
from studio.core.data.mapping import Role
from studio.core.errors import StudioError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from studio.core.data.index import RowIndex
    from studio.core.versions.store import Version

    Places = NDArray[np.int64]


# Each row read from a mapped file keeps some pages of it in the window's memory, until so many were read.
_RELEASE = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as the page shows it.

    Attributes:
        place: what the source knows it by.
        number: its number in its file, from 0.
        source: which of a version's sources it is of.
        length: bytes.
        data: its columns; None where it cannot be read.
        fault: why it cannot be used; empty where it can.
        raw: what the file has, of a row that cannot be read.
        lost: it is not where it was, or not there yet; `fault` says so.
        excluded, edited: what was done to it by hand.
        tags: its tags.
    """

    place: int
    number: int
    source: int = 0
    length: int = 0
    data: dict[str, Any] | None = None
    fault: str = ""
    raw: str = ""
    lost: bool = False
    excluded: bool = False
    edited: bool = False
    tags: Sequence[str] = field(default_factory=tuple)


class RowSource(Protocol):
    """Rows to be shown."""

    def __len__(self) -> int:
        """Returns how many there are, so far."""

    def places(self) -> "Places | None":
        """Returns the places to show, in order; None: each number below the length."""

    def read(self, place: int) -> Shown:
        """Reads a row.

        Raises:
            IndexError: it is not known, or not yet.
            StudioError: (data) its file has changed.
        """


class FileRows:
    """The rows of files, by their index; a place is a row's number.

    Attributes:
        index: where they lie.
        format: what they are taken for; empty: not known.
        columns: the mapping of their columns, as `DataSpec.mapping`.
        given: the files, as a command names them.
    """

    def __init__(
        self, index: "RowIndex", format: str = "", columns: Mapping[Role, str] | None = None, given: str = ""
    ) -> None:
        """Shows what `index` knows."""
        self.index, self.format, self.columns, self.given = index, format, dict(columns or {}), given

    def __len__(self) -> int:
        """Returns how many rows are known."""
        return len(self.index)

    def places(self) -> "Places | None":
        """Returns None: every row is shown."""
        return None

    def read(self, place: int) -> Shown:
        """Reads one row, and only this one."""
        row = self.index.row(place)
        parsed, fault = row.parsed, row.parsed.reason
        if self.format and parsed.data is not None:
            fault = mapping.understood(parsed, self.format, self.columns).reason
        raw = "" if parsed.data is not None else row.raw[:100_000].decode("utf-8", "replace")
        return Shown(place, place, 0, len(row.raw), parsed.data, fault, raw)


@dataclass(eq=False, slots=True)
class Opened:
    """Data as it was opened: the same though a version is made of it.

    Attributes:
        source: its rows, the version's once there is one.
        version: the file of the version that is made of it, from when that begins.
    """

    source: RowSource | None = None
    version: "Path | None" = None


class VersionRows:
    """The rows of a version in its order, and between them those that were taken out by hand."""

    def __init__(self, version: "Version") -> None:
        """Shows what the version's steps have left."""
        self.version = version
        self._reads = 0
        self.refresh()

    def __len__(self) -> int:
        """Returns how many are shown, those that were taken out included."""
        return len(self._places)

    def places(self) -> "Places | None":
        """Returns the places shown."""
        return self._places

    def refresh(self) -> None:
        """Looks at what the steps have left now."""
        import numpy as np  # it is loaded with the first data, not with the window

        from studio.core.versions import indexing

        selection = self.version.selection
        self._kept = np.zeros(len(selection.removed_by), dtype=np.bool_)
        self._kept[selection.chosen] = True
        self._places = indexing.in_sight(self.version)

    def of_numbers(self, numbers: "Places") -> "Places":
        """Returns the places of rows that are known by their number in the version's order."""
        places: Places = self.version.selection.chosen[numbers[numbers < len(self.version.selection)]]
        return places

    def number_of(self, place: int) -> int:
        """Returns a row's number in the version's order; -1: it was taken out."""
        found = (self.version.selection.chosen == place).nonzero()[0]
        return int(found[0]) if len(found) else -1

    def with_status(self, status: str) -> "Places":
        """Returns the places shown that are `kept`, `excluded`, `edited`, or have the tag `status`."""
        import numpy as np

        selection, places = self.version.selection, self._places
        if status in ("kept", "excluded"):
            fits = self._kept[places] == (status == "kept")
        elif status == "edited":
            fits = np.isin(places, list(selection.edits))
        else:
            fits = selection.tags[status][places] if status in selection.tags else np.zeros(len(places), dtype=np.bool_)
        return np.asarray(places[fits])

    def read(self, place: int) -> Shown:
        """Reads one row, as it was edited."""
        selection = self.version.selection
        self._reads += 1
        if self._reads % _RELEASE == 0:
            for file in selection.sources:
                file.release()
        source, number = selection.address(place)
        tags = [tag for tag, mask in sorted(selection.tags.items()) if mask[place]]
        about: dict[str, Any] = {"tags": tags, "excluded": not self._kept[place], "edited": place in selection.edits}
        try:
            data = selection.data(place)
            length = len(selection.text(place).encode())
        except (ValueError, IndexError):
            raise StudioError("data", f"Row {number} cannot be read.", "Open the version again.") from None
        return Shown(place, number, source, length, data, **about)
