"""The rows of a dataset version: what is left of its sources behind each step, in which order, with which tags.

Only numbers are held, some tens of bytes a row, besides the rows that were edited; texts are read from the sources as
they are asked for. A row of all sources has a *place*: its number in its file, behind all rows of the sources before.
"""

import json
import secrets
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from studio.core import chat, files
from studio.core.data.contents import RECORD, contents, kept, key, record, said
from studio.core.data.datasets import Dataset
from studio.core.data.rows import text_of
from studio.core.errors import StudioError
from studio.core.files import disk_error
from studio.core.versions import draws, steps
from studio.core.versions.draws import Ints, Keys, Mask
from studio.core.versions.steps import EVALUATION, Span, Step

Progress = Callable[[int, int], None]

_REGEX_S = 1.0  # for one row; an expression that takes longer does so on most
_TOLD_ROWS = 1000
# Where more than one row in so many is wanted, all are read, once for good.
_MANY = 4


class Selection:
    """The rows of a version while its steps are done, one after the other.

    Attributes:
        sources: the sources.
        chosen: (n,) places of the version's rows, in order; after a mix one may stand here several times.
        edits: the new data of edited rows, by place.
        tags: for each tag which places have it, (places,).
        removed_by: (places,) which step took the place out, from 0; -1: none, -2: it was rejected from the start.
        sizes: how many rows each step that was done left.
    """

    def __init__(
        self, sources: Sequence[Dataset], on_progress: Progress | None = None, held: Mask | None = None
    ) -> None:
        """Starts with every usable row of the sources; `held` are those for evaluation, (places,)."""
        self.sources = list(sources)
        self._told = on_progress or (lambda done, total: None)
        self._refused = [np.array([item.row for item in file.rejected], dtype=np.int64) for file in sources]
        self._starts = np.cumsum([0, *(item.rows for item in sources)], dtype=np.int64)
        self._firsts: list[int] = self._starts.tolist()
        self._usable = np.ones(self._firsts[-1], dtype=bool)
        for start, refused in zip(self._firsts, self._refused, strict=False):
            self._usable[start + refused] = False
        self._edited: dict[int, Any] = {}
        self.chosen: Ints = np.flatnonzero(self._usable)
        self.edits: dict[int, dict[str, Any]] = {}
        self.tags: dict[str, Mask] = {} if held is None or not held.any() else {EVALUATION: held}
        self.removed_by = np.where(self._usable, -1, -2).astype(np.int32)
        self.sizes: list[int] = []

    def __len__(self) -> int:
        """Returns how many rows the version has."""
        return len(self.chosen)

    def address(self, place: int) -> tuple[int, int]:
        """Returns the source of a place and the number in its file."""
        source = bisect_right(self._firsts, place) - 1
        return source, place - self._firsts[source]

    def addresses(self, places: Ints) -> tuple[Ints, Ints]:
        """Returns the source of each place and its number in that file."""
        sources = self.sources_of(places)
        return sources, places - self._starts[sources]

    def place(self, source: int, number: int) -> int:
        """Returns the place of a row.

        Raises:
            StudioError: (data) there is no such row.
        """
        file = self._source(source)
        if number >= file.rows:
            message = f"{file.source.name} has no row {number}; it has {file.rows}."
            raise StudioError("data", message, "Rows count from 0.")
        return int(self._starts[source]) + number

    def require(self, step: steps.Filter) -> None:
        """Sees to it that a new filter names what there is; one of a recipe may name what there once was.

        Raises:
            StudioError: (data) there is no such source, or no row has the tag.
        """
        if step.source is not None:
            self._source(step.source)
        if step.tag and not self._tagged(step.tag).any():
            tags = ", ".join(f"`{tag}`" for tag in sorted(self.tags) if self.tags[tag].any())
            hint = f"The tags are: {tags}." if tags else "No row has a tag yet; `tag` gives rows one."
            raise StudioError("data", f"No row has the tag `{step.tag[:60]}`.", hint)

    def data(self, place: int) -> dict[str, Any]:
        """Returns a row as it is now."""
        if place in self.edits:
            return self.edits[place]
        data: dict[str, Any] = json.loads(self.text(place))
        return data

    def text(self, place: int) -> str:
        """Returns a row as it is now as JSON text; where it was not edited, as its file has it."""
        if place in self.edits:
            return text_of(self.edits[place])
        source, number = self.address(place)
        return self._text_in(source, number)

    def texts(self, wanted: Ints | None = None) -> Iterator[str]:
        """Yields the texts of the version's rows, in order; of rows that lie together far quicker than `text`.

        Args:
            wanted: the places; None: all that are chosen.
        """
        wanted = self.chosen if wanted is None else wanted
        for first in range(0, len(wanted), _TOLD_ROWS):
            places = wanted[first : first + _TOLD_ROWS]
            source, number = self.address(int(places[0]))
            last = self.address(int(places[-1]))
            # One after the other in one file, none of them edited or refused there.
            together = last == (source, number + len(places) - 1) and bool((np.diff(places) == 1).all())
            if together and not any(place in self.edits for place in places.tolist()):
                index = number - int(np.searchsorted(self._refused[source], number))
                yield from (line.decode() for line in self.sources[source].lines(index, index + len(places)))
            else:
                yield from map(self.text, places.tolist())

    def format(self, place: int) -> str:
        """Returns the format a row is in."""
        return self.sources[self.address(place)[0]].format

    def originals(self, rows: Iterable[tuple[int, int]]) -> list[int]:
        """Returns the keys of what rows hold in their files, each known by its source and number; 0: it was rejected.

        Raises:
            StudioError: (data) there is no such row.
        """
        wanted = list(rows)
        many = len(wanted) * _MANY > self._firsts[-1]
        known = [contents(file, self._told) if many else kept(file) for file in self.sources]
        found = []
        for at, (source, number) in enumerate(wanted):
            place, records = self.place(source, number), known[source]
            if records is not None:
                found.append(int(records["key"][number]))
            elif number in self._refused[source]:
                found.append(0)
            else:
                found.append(record(json.loads(self._text_in(source, number)), self.format(place))[0])
            if at % _TOLD_ROWS == 0:
                self._told(at, len(wanted))
        return found

    def sources_of(self, places: Ints) -> Ints:
        """Returns the source of each place."""
        return np.asarray(np.searchsorted(self._starts, places, side="right") - 1)

    def present(self, source: int) -> Mask:
        """Returns which rows of a source the version has, (rows,)."""
        return self._mask(self.chosen)[self._firsts[source] : self._firsts[source + 1]]

    def evaluation(self) -> Mask:
        """Returns which of the version's rows are for evaluation, (n,)."""
        return np.asarray(self._tagged(EVALUATION)[self.chosen])

    def labels(self, by: str) -> list[str]:
        """Returns the group each of the version's rows is in.

        Args:
            by: `source`, `tag`, `length` (characters, in powers of two), `turns`, or a column's name.

        Raises:
            StudioError: (data) no row has such a column.
        """
        match by:
            case "source":
                return [str(source) for source in self.sources_of(self.chosen)]
            case "tag":
                tags = sorted(set(self.tags) - {EVALUATION})
                return ["\0".join(tag for tag in tags if self.tags[tag][place]) for place in self.chosen]
            case "length":
                return [str(int(chars).bit_length()) for chars in self._held("chars")[self.chosen]]
            case "turns":
                return [str(turns) for turns in self._held("turns")[self.chosen]]
        return ["" if value is None else str(value) for value in self._column(by)]

    def do(self, step: Step) -> None:
        """Does one more step.

        Raises:
            StudioError: (data) it cannot be done on these rows; the selection is then of no more use.
        """
        if isinstance(step, steps.Replace):
            self._replace(step)
        else:
            self._choose(step)
        self.sizes.append(len(self.chosen))

    def store(self, file: Path) -> None:
        """Writes what the steps so far have left, for `restore`.

        Raises:
            StudioError: (disk) it cannot be written.
        """
        names = sorted(self.tags)
        held: dict[str, Any] = {f"tag{at}": self.tags[name] for at, name in enumerate(names)}
        part = file.with_name(f"{file.stem}-{secrets.token_hex(4)}.part.npz")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(part, chosen=self.chosen, removed_by=self.removed_by, sizes=self.sizes, names=names, **held)
            files.replace(part, file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise disk_error(file, error) from None

    def restore(self, file: Path, done: Sequence[Step]) -> bool:
        """Takes what `store` wrote behind the steps `done`, in place of doing them; False: there is nothing whole."""
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                names = [str(name) for name in held["names"]]
                tags = {name: held[f"tag{at}"] for at, name in enumerate(names)}
                chosen, removed_by, sizes = held["chosen"], held["removed_by"], held["sizes"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return False
        for step in done:
            if isinstance(step, steps.Replace):
                self._replace(step)
        self.chosen, self.removed_by, self.sizes, self.tags = chosen, removed_by, sizes.tolist(), tags
        return True

    def _choose(self, step: Step) -> None:
        given = self.chosen
        match step:
            case steps.Exclude():
                self.chosen = self.chosen[~self._named(step.rows)[self.chosen]]
            case steps.Keep():
                self.chosen = self.chosen[self._named(step.rows)[self.chosen]]
            case steps.Restore():
                self._add(self._named(step.rows) & ~self._mask(given) & self._usable)
            case steps.Tag():
                self.tags[step.tag] = self._tagged(step.tag) & ~self._named(step.rows)
                if step.on:
                    self.tags[step.tag] |= self._named(step.rows)
                self._evaluate_once()
            case steps.Filter():
                self._filter(step)
            case steps.Deduplicate():
                self._deduplicate(step.by)
            case steps.Sample():
                self.chosen = self.chosen[draws.lowest(self._keys(step.seed, self.chosen), step.count)]
            case steps.Balance():
                self._balance(step)
            case steps.Split():
                strata = self.labels(step.stratify_by) if step.stratify_by else None
                held = draws.split(self._held("key")[self.chosen], strata, step.share, step.seed)
                self.tags[EVALUATION] = self._mask(self.chosen[held])
                self._evaluate_once()
            case steps.Mix():
                self._mix(step)
        # Of a million rows masks take a while, and most steps by hand only mark some.
        if self.chosen is not given:
            before, after = self._mask(given), self._mask(self.chosen)
            self.removed_by[before & ~after] = len(self.sizes)
            self.removed_by[after] = -1

    def _replace(self, step: steps.Replace) -> None:
        place = self.place(step.source, step.row)
        source = self.sources[step.source]
        try:
            self._edited[place] = np.array(record(step.data, source.format), dtype=RECORD)
        except StudioError as error:
            message = f"Row {step.row} of {source.source.name} cannot become this: {error.message}."
            hint = f"Give data that is a row in the format `{source.format}`, as `studio data show` shows them."
            raise StudioError("data", message, hint) from None
        self.edits[place] = step.data
        if not self._usable[place]:
            self._usable[place] = True
            self._add(self._mask(np.array([place])))
            self.removed_by[place] = -1

    def _add(self, mask: Mask) -> None:
        """Puts places back where they stood, or at the end once the order is no longer that of the files."""
        in_order = bool(np.all(np.diff(self.chosen) > 0))
        chosen = np.concatenate([self.chosen, np.flatnonzero(mask)])
        self.chosen = np.sort(chosen) if in_order else chosen

    def _filter(self, step: steps.Filter) -> None:
        fits = np.ones(len(self.chosen), dtype=bool)
        if step.tag:
            fits &= self._tagged(step.tag)[self.chosen]
        if step.source is not None:
            fits &= self.sources_of(self.chosen) == step.source
        if not step.role and not step.text and (step.min_chars or step.max_chars is not None):
            chars = self._held("chars")[self.chosen]
            fits &= chars >= (step.min_chars or 0)
            fits &= True if step.max_chars is None else chars <= step.max_chars
        elif step.role or step.text:
            found, needle = matcher(step), step.text.lower()
            # What JSON writes otherwise cannot be looked for in it.
            quick = not step.regex and needle.isascii() and needle.isprintable() and not set('"\\/') & set(needle)
            looked = np.flatnonzero(fits)
            places = self.chosen[looked]
            for at, place, text in zip(looked.tolist(), places.tolist(), self.texts(places), strict=True):
                fits[at] = not (quick and _lacks(text, needle)) and found(text, self.format(place))
                if at % _TOLD_ROWS == 0:
                    self._told(at, len(fits))
        self.chosen = self.chosen[fits != step.invert]

    def _deduplicate(self, by: str) -> None:
        if by in ("row", "prompt", "answer"):
            keys = self._held("key" if by == "row" else by)[self.chosen]
            first = np.unique(keys, return_index=True)[1]
        else:
            # Rows without the column are equal to nothing; CSV writes what is absent as an empty text.
            values = [-1 - at if value in (None, "") else key(value) for at, value in enumerate(self._column(by))]
            first = np.array(sorted({value: at for at, value in reversed([*enumerate(values)])}.values()), np.int64)
        self.chosen = self.chosen[np.sort(first)]

    def _balance(self, step: steps.Balance) -> None:
        names, groups = np.unique(np.array(self.labels(step.by), dtype=object), return_inverse=True)
        if not len(names):
            return
        count = step.count or int(np.bincount(groups).min())
        self.chosen = self.chosen[draws.lowest_of_each(self._keys(step.seed, self.chosen), groups, count)]

    def _evaluate_once(self) -> None:
        """Leaves of a row for evaluation that a mix repeats only the first."""
        if bool((np.diff(self.chosen) > 0).all()):
            return
        once = np.zeros(len(self.chosen), dtype=bool)
        once[np.unique(self.chosen, return_index=True)[1]] = True
        self.chosen = self.chosen[once | ~self.evaluation()]

    def _mix(self, step: steps.Mix) -> None:
        """Mixes the rows for training; those for evaluation stand behind them, as they were."""
        held = self.chosen[self.evaluation()]
        mixed = self.chosen[~self.evaluation()]
        owners = self.sources_of(mixed)
        own = [mixed[owners == source] for source in range(len(self.sources))]
        for file, places, share in zip(self.sources, own, step.shares, strict=False):
            if share and not len(file):
                raise chat.unusable(file.source.name, file.rows, file.rejected[0].reason)
            if share and not len(places):
                message = f"{file.source.name} has no rows left to mix."
                raise StudioError("data", message, "Give it the share 0, or undo what took its rows out.")
        counts = draws.epoch_counts([len(places) for places in own], step.shares, step.epoch)
        queues = []
        for places, count in zip(own, counts.tolist(), strict=True):
            times, rest = divmod(count, len(places)) if count else (0, 0)
            some = places[draws.lowest(self._keys(step.seed, places), rest)]
            queues.append(np.concatenate([np.tile(places, times), some]))
        turns = draws.interleaved(counts)
        chosen = np.empty(len(turns), dtype=np.int64)
        for source, queue in enumerate(queues):
            chosen[turns == source] = queue
        self.chosen = np.concatenate([chosen, held])

    def _keys(self, seed: int, places: Ints) -> Keys:
        return draws.keys(seed, *self.addresses(places))

    def _column(self, name: str) -> list[Any]:
        values = []
        for at, place in enumerate(self.chosen):
            values.append(self.data(int(place)).get(name))
            if at % _TOLD_ROWS == 0:
                self._told(at, len(self.chosen))
        if values and all(value is None for value in values):
            message = f"No row has a column `{name[:60]}`."
            raise StudioError("data", message, "Name one of the columns, or `source`, `tag`, `length`, `turns`.")
        return values

    def _held(self, field: str) -> NDArray[Any]:
        """Returns a field of what each place holds now, as `RECORD` has it; the first time it reads every row."""
        found = np.concatenate([contents(file, self._told)[field] for file in self.sources])
        for place, edited in self._edited.items():
            found[place] = edited[field]
        return found

    def _source(self, source: int) -> Dataset:
        if source >= len(self.sources):
            raise StudioError("data", f"There is no source {source}.", f"There are {len(self.sources)}, from 0.")
        return self.sources[source]

    def _text_in(self, source: int, number: int) -> str:
        """Returns the text of a usable row as its file has it."""
        return self.sources[source].text(number - int(np.searchsorted(self._refused[source], number)))

    def _named(self, rows: Iterable[Span]) -> Mask:
        mask = np.zeros(len(self._usable), dtype=bool)
        for source, first, last in rows:
            mask[self.place(source, first) : self.place(source, last) + 1] = True
        return mask

    def _mask(self, places: Ints) -> Mask:
        mask = np.zeros(len(self._usable), dtype=bool)
        mask[places] = True
        return mask

    def _tagged(self, tag: str) -> Mask:
        return self.tags.get(tag, np.zeros(len(self._usable), dtype=bool))


def matcher(step: steps.Filter) -> Callable[[str, str], bool]:
    """Returns what tells of a row's text and format whether it matches a filter; tag and source are not looked at.

    Raises:
        StudioError: (data) the expression cannot be read; or, of what is returned, it takes too long.
    """
    try:
        wanted = regex.compile(step.text if step.regex else regex.escape(step.text), regex.IGNORECASE)
    except regex.error as error:
        message = f"`{step.text[:100]}` is not a regular expression: {error}."
        raise StudioError("data", message, "Correct it, or search for the text as it is.") from None

    def matches(row: str, row_format: str) -> bool:
        looked = [text for role, text in said(row, row_format) if step.role in ("", role)]
        chars = sum(map(len, looked))
        if chars < (step.min_chars or 0) or (step.max_chars is not None and chars > step.max_chars):
            return False
        if not step.text:
            return True
        try:
            return any(wanted.search(text, timeout=_REGEX_S) for text in looked)
        except TimeoutError:
            message = f"`{step.text[:100]}` takes too long on a row."
            raise StudioError("data", message, "Make the expression simpler.") from None

    return matches


def _lacks(text: str, needle: str) -> bool:
    """Whether JSON text holds a text for certain nowhere: quick, and true of most rows."""
    return text.isascii() and "\\u" not in text and needle not in text.lower()
