"""Dataset versions: making one of files, changing it step by step, and its rows opened as a dataset like any other."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio import paths
from studio.core import cache, chat, objectives
from studio.core.data import datasets
from studio.core.data.datasets import Dataset
from studio.core.data.rows import from_json, text_of
from studio.core.errors import StudioError, given_path
from studio.core.hub_ids import is_hub_id
from studio.core.versions import recipe
from studio.core.versions.draws import Mask
from studio.core.versions.recipe import Made, Recipe, Source
from studio.core.versions.selection import Progress, Selection
from studio.core.versions.steps import Balance, Deduplicate, Filter, Replace, Split, Step, chosen, each

MIXED = "mixed"  # the format of a version whose sources are in different ones: each row tells its own

_VERSION = 5  # of what is cached: raise it whenever the same recipe would give other rows
# Of the fingerprint, by which a run knows its data and a version what it is made of: they outlive what is cached.
_MEANING = 2
_ORIGIN = np.dtype([("source", "<i4"), ("number", "<i8"), ("held", "?")])
_TOLD_ROWS = 1000
# What these leave is kept: they may read every row.
_MOST_KEPT = 40
_SLOW = (Filter, Deduplicate, Balance, Split)


class Version:
    """A version open for editing: its recipe, and what its steps have left of the sources.

    Attributes:
        path: the recipe's file.
        recipe: what it says.
        selection: the rows.
    """

    def __init__(self, path: Path, on_progress: Progress | None = None) -> None:
        """Opens a version and does its steps.

        Raises:
            StudioError: (data) the recipe or a source cannot be read, or a source changed since.
        """
        self.path = path
        self.recipe = recipe.load(path)
        self._told = on_progress
        self._sources = _unchanged(path, self.recipe, on_progress)
        self.selection = self._done()

    def add(self, *steps: Step) -> None:
        """Does steps and puts them into the recipe, to be undone together; the undone ones are dropped.

        Raises:
            StudioError: (data) one cannot be done, and nothing was; (busy) another process changed the version.
        """
        try:
            self._change(self.recipe.added(_made_of(steps, self.selection, self.recipe)))
        except StudioError:
            self.selection = self._done()
            raise

    def go(self, cursor: int) -> None:
        """Undoes steps, or does undone ones again, until `cursor` of them count.

        Raises:
            StudioError: (busy) another process changed the version.
        """
        self._go(self.recipe.at(cursor))

    def undo(self, times: int = 1) -> None:
        """Undoes what was done last, as often as said or can be."""
        self._go(self.recipe.undone(times))

    def redo(self, times: int = 1) -> None:
        """Does again what was undone last, as often as said or can be."""
        self._go(self.recipe.redone(times))

    def _go(self, wanted: Recipe) -> None:
        self._change(wanted)
        self.selection = self._done()

    def _change(self, wanted: Recipe) -> None:
        def changed(found: Recipe) -> Recipe:
            if found != self.recipe:
                message = f"Something else changed the version {recipe.name_of(self.path)} meanwhile."
                raise StudioError("busy", message, "Open it again.")
            return wanted

        self.recipe = recipe.change(self.path, changed)

    def _done(self) -> Selection:
        return _selected(self._sources, self.recipe, self._told)


def create(
    name: str | Path,
    files: Sequence[Source],
    on_progress: Progress | None = None,
    planned: Callable[[Selection], Iterable[Step]] | None = None,
) -> Path:
    """Makes a version of some files, or of other versions: of all their rows, or of what steps leave of them.

    Args:
        name: a name, or the path of the file to write.
        files: path, format and mapping of each; what was seen of it is filled in here. What versions hold back for
            evaluation stays held back.
        on_progress: told (bytes read, bytes in all) of each.
        planned: gives the steps, to be undone together; each is done to the rows before it is asked for the next one.

    Returns:
        The recipe's file, which is there only once all is done.

    Raises:
        StudioError: (data) a file cannot be read, a step cannot be done, or there is a version of this name already.
            What `planned` raises passes through.
    """
    path = recipe.file_of(name)
    placed = Recipe(sources=tuple(replace(source, path=place_of(source.path)) for source in files))
    found = opened(placed, on_progress)
    said = Recipe(sources=tuple(map(seen, placed.sources, found)))
    if planned is not None:
        selection = _begun(found, said, on_progress)
        said = said.added(_made_of(planned(selection), selection, said))
    recipe.create(path, said)
    return path


def place_of(path: str) -> str:
    """Returns where a recipe says that a source is: a path that holds from every folder, or an id as it was given.

    Raises:
        StudioError: (data) no file can have this name.
    """
    if is_hub_id(path, Path()):
        return path
    given = given_path(path, "data").absolute()
    # What a link leads to may be called otherwise, and its ending says what it holds.
    return str(given.resolve() if given.name == ".." else given.parent.resolve() / given.name)


def seen(source: Source, found: Dataset) -> Source:
    """Returns a source with what is known of it now."""
    return replace(source, fingerprint=found.fingerprint, rows=found.rows, held=paths.is_version(source.path))


def open_version(path: Path, on_progress: Progress | None = None) -> Dataset:
    """Opens a version's rows, numbered from 0 in its order; the second time at once, from the cache.

    Raises:
        StudioError: (data) the recipe or a source cannot be read, or a source changed since; (disk) the cache is full.
    """
    said = recipe.load(path)
    sources = _unchanged(path, said, on_progress)
    _written(path, said, sources, on_progress)
    row_format = format_of(sources)
    with _reading(path, said) as folder:
        inner = datasets.open_dataset(folder / "rows.jsonl", row_format)
        if inner.rejected:
            refused = inner.rejected[0]
            source, number, _ = np.memmap(folder / "origins", _ORIGIN, "r")[refused.row].item()
            raise _unusable(said, source, number, sources[source].source.name, refused.reason)
    reason = f"a version of {', '.join(item.source.name for item in sources)}"
    return replace(inner, source=path, reason=reason, fingerprint=_fingerprint(said, row_format))


def describe(version: Version) -> dict[str, Any]:
    """Returns what a version is made of, as plain data.

    Its `sources` have the rows of their files, those that can be used, those that come in an epoch (`train_rows`,
    `eval_rows`) and how many different ones these are; its `steps` what each left.
    """
    selection, held = version.selection, version.selection.evaluation()
    owners = selection.sources_of(selection.chosen)
    sources: list[dict[str, Any]] = []
    for place, (source, file) in enumerate(zip(version.recipe.sources, selection.sources, strict=True)):
        own = owners == place
        about: dict[str, Any] = {"path": source.path, "format": file.format, "rows": file.rows, "usable": len(file)}
        about |= {"train_rows": int((own & ~held).sum()), "eval_rows": int((own & held).sum())}
        sources.append(about | {"different_rows": int(selection.present(place).sum())})
    steps = recipe.summary(version.recipe)
    done = 0
    for step in steps:
        done += step["steps"]
        if step["counts"]:
            step["rows_left"] = selection.sizes[min(done, len(selection.sizes)) - 1]
    return {
        "name": recipe.name_of(version.path),
        "path": str(version.path),
        "format": format_of(selection.sources),
        "rows": len(selection),
        "eval_rows": int(held.sum()),
        "tags": {tag: int(mask.sum()) for tag, mask in sorted(selection.tags.items())},
        "sources": sources,
        "steps": steps,
    }


def emptied(path: Path, selection: Selection) -> StudioError:
    """Says that a version has no row that could be used, and why."""
    message = f"The version {recipe.name_of(path)} has no rows left."
    if any(len(file) for file in selection.sources):
        return StudioError("data", message, "Undo the step that took them out.")
    refused = next((file.rejected[0].reason for file in selection.sources if file.rejected), "")
    return StudioError("data", message, f"None of its files has a row that can be used: {refused}.")


def rows_file(path: Path, on_progress: Progress | None = None) -> Path:
    """Returns a file with a version's rows, one a line, in their order; it is written where it is not in the cache.

    Raises:
        StudioError: as `open_version`; the rows are not checked.
    """
    said = recipe.load(path)
    return _written(path, said, _unchanged(path, said, on_progress), on_progress) / "rows.jsonl"


def _written(path: Path, said: Recipe, sources: list[Dataset], on_progress: Progress | None) -> Path:
    def make(target: Path) -> None:
        selection = _selected(sources, said, on_progress)
        if not len(selection):
            raise emptied(path, selection)
        _write(selection, said, target, on_progress)

    digest = _digest(said)
    return cache.made(_folder(path), lambda found: _whole(found, digest), make)


def evaluation_rows(dataset: Dataset) -> Mask | None:
    """Returns which rows of an opened version it holds back for evaluation, (n,); None where it has none, or is a file.

    Raises:
        StudioError: (data) the version was changed since it was opened.
    """
    if not paths.is_version(dataset.source):
        return None
    # A copy: as long as a view of the file lives, Windows lets nobody write the version's rows anew.
    held = np.array(origins(dataset)["held"])
    return held if held.any() else None


def origins(dataset: Dataset) -> Any:
    """Returns where each row of an opened version comes from: its source, its number there, and if it is held back.

    Raises:
        StudioError: (data) the version was changed since it was opened.
    """
    said = recipe.load(dataset.source)
    if _fingerprint(said, dataset.format) != dataset.fingerprint:
        raise _changed_meanwhile(dataset.source)
    with _reading(dataset.source, said) as folder:
        return np.memmap(folder / "origins", _ORIGIN, "r")


def format_of(sources: Sequence[Dataset]) -> str:
    """Returns the format of a version's rows.

    Raises:
        StudioError: (data) they cannot be in one version.
    """
    formats = {source.format for source in sources}
    if len(formats) > 1 and (odd := formats - set(objectives.TRAINABLE)):
        message = f"Rows in the format `{sorted(odd)[0]}` cannot be mixed with others."
        raise StudioError("data", message, "Give them another format, or map their columns.")
    return formats.pop() if len(formats) == 1 else MIXED


def common(data: dict[str, Any], row_format: str) -> dict[str, Any]:
    """Returns a row in a shape that shows its format by itself, unchanged where it already does."""
    found = chat.shape(data)
    if found is not None and found[0] == row_format:
        return data
    example = chat.to_example(data, row_format)
    if not example.messages:
        return {"prompt": example.prompt, "completion": example.answer} if example.prompt else {"text": example.answer}
    messages = []
    for item, trained in zip(example.messages, example.trained, strict=True):
        messages.append(item if trained or item["role"] != "assistant" else item | {"weight": 0})
    return {"messages": messages} | ({"tools": example.tools} if example.tools else {})


def opened(said: Recipe, on_progress: Progress | None = None) -> list[Dataset]:
    """Opens the sources of a recipe as they are now.

    Raises:
        StudioError: (data) one cannot be read.
    """
    return [datasets.open_dataset(source.path, source.format, on_progress, source.mapping) for source in said.sources]


def _unchanged(path: Path, said: Recipe, on_progress: Progress | None) -> list[Dataset]:
    """Opens the sources, which are still as the recipe knows them."""
    found = opened(said, on_progress)
    for source, file in zip(said.sources, found, strict=True):
        if file.fingerprint != source.fingerprint:
            name = recipe.name_of(path)
            raise StudioError(
                "data",
                f"{file.source.name} changed since the version {name} was made of it.",
                f"Put it back as it was, or take its new rows over with `studio data version rebase {name}`.",
            )
    return found


def _made_of(steps: Iterable[Step], selection: Selection, said: Recipe) -> list[Made]:
    """Does steps to a selection, behind those of its recipe; returns them as a recipe holds them."""
    made: list[Made] = []
    for step in steps:
        _require_rows(selection, step)
        marks = "".join(f"{key:016x}" for key in selection.originals(each(chosen(step))))
        made.append(Made(step=step, time_s=time.time(), marks=marks, joined=bool(made)))
        selection.do(step)
        _keep(said.sources, (*said.effective, *(item.step for item in made)), selection)
    return made


def _require_rows(selection: Selection, step: Step) -> None:
    """Raises a `StudioError` where a step names rows that are not there, or makes one that could not be read back."""
    for source, _, last in chosen(step):
        selection.place(source, last)
    if isinstance(step, Replace) and (reason := from_json(text_of(step.data).encode(), 0).reason):
        message = f"Row {step.row} of {selection.sources[step.source].source.name} cannot become this: {reason}."
        raise StudioError("data", message, "Make it shorter, or nest it less.")


def _unusable(said: Recipe, source: int, number: int, name: str, reason: str) -> StudioError:
    """Says why a version cannot be opened for one of its rows."""
    if any(isinstance(step, Replace) and (step.source, step.row) == (source, number) for step in said.effective):
        message = f"Row {number} of {name} cannot be used as it was edited: {reason}."
        return StudioError("data", message, "Undo the edit.")
    message = f"Row {number} of {name} cannot be used as this version has it: {reason}."
    return StudioError("data", message, "Exclude it from the version.")


def _selected(sources: Sequence[Dataset], said: Recipe, on_progress: Progress | None) -> Selection:
    selection, done, steps = _begun(sources, said, on_progress), 0, said.effective
    for count in range(len(steps), 0, -1):
        if isinstance(steps[count - 1], _SLOW) and selection.restore(
            _kept_file(said.sources, steps[:count]), steps[:count]
        ):
            done = count
            break
    for count in range(done, len(steps)):
        selection.do(steps[count])
        if isinstance(steps[count], _SLOW):
            _keep(said.sources, steps[: count + 1], selection)
        if on_progress is not None:
            on_progress(count + 1, len(steps))
    return selection


def _begun(sources: Sequence[Dataset], said: Recipe, on_progress: Progress | None) -> Selection:
    """Returns the rows of a version before its first step."""
    held = [evaluation_rows(file) if source.held else None for file, source in zip(sources, said.sources, strict=True)]
    masks = [np.zeros(file.rows, dtype=bool) if own is None else own for file, own in zip(sources, held, strict=True)]
    return Selection(sources, on_progress, np.concatenate(masks))


def _keep(sources: Sequence[Source], done: Sequence[Step], selection: Selection) -> None:
    """Keeps in the cache what the last of some steps left, which took reading every row."""
    file = _kept_file(sources, done)
    selection.store(file)
    for old in sorted(file.parent.glob("*.npz"), key=_changed_s)[:-_MOST_KEPT]:
        with suppress(OSError):  # gone, or on Windows read by another process
            old.unlink()


def _changed_s(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _kept_file(sources: Sequence[Source], done: Sequence[Step]) -> Path:
    parts = [_VERSION, _contents(sources), [recipe.plain(step) for step in done]]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]
    return paths.cache_dir() / "selections" / f"{key}.npz"


def _write(selection: Selection, said: Recipe, folder: Path, on_progress: Progress | None) -> None:
    mixed = format_of(selection.sources) == MIXED
    origins = np.zeros(len(selection), _ORIGIN)
    origins["held"] = selection.evaluation()
    origins["source"], origins["number"] = selection.addresses(selection.chosen)
    with (folder / "rows.jsonl").open("wb") as file:
        for at, (place, text) in enumerate(zip(selection.chosen.tolist(), selection.texts(), strict=True)):
            if mixed:
                data = json.loads(text)
                made = common(data, selection.format(place))
                text = text if made is data else text_of(made)
            # Line breaks stand between values alone.
            file.write(text.replace("\n", " ").replace("\r", " ").encode() + b"\n")
            if on_progress and at % _TOLD_ROWS == 0:
                on_progress(at, len(selection))
    # Not by numpy's own way, which takes no notice of a disk that is full at the end.
    (folder / "origins").write_bytes(origins.tobytes())
    sizes = [(folder / name).stat().st_size for name in ("rows.jsonl", "origins")]
    about = {"digest": _digest(said), "bytes": sizes}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _whole(folder: Path, digest: str) -> Path | None:
    """Returns the folder if it holds the rows of the recipe with this `_digest` whole."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        sizes = [(folder / name).stat().st_size for name in ("rows.jsonl", "origins")]
        return folder if about == {"digest": digest, "bytes": sizes} else None
    except (OSError, ValueError):
        return None


@contextmanager
def _reading(path: Path, said: Recipe) -> Iterator[Path]:
    """Gives the folder of a version's rows; what is read in it meanwhile is of this recipe.

    Raises:
        StudioError: (data) it is not, since the version was changed.
    """
    folder, digest = _folder(path), _digest(said)
    began, failure = _made(folder, digest), None
    if began is None:
        raise _changed_meanwhile(path)
    try:
        yield folder
    except (OSError, StudioError) as error:
        failure = error
    # Whole before and behind, and never replaced in between.
    if _made(folder, digest) != began:
        raise _changed_meanwhile(path) from None
    if failure is not None:
        raise failure


def _made(folder: Path, digest: str) -> tuple[int, int] | None:
    """Returns what tells a folder that is `_whole` from one that took its place; None: it is not."""
    try:
        about = (folder / "about.json").stat()
    except OSError:
        return None
    return (about.st_ino, about.st_mtime_ns) if _whole(folder, digest) else None


def _changed_meanwhile(path: Path) -> StudioError:
    return StudioError("data", f"{path.name} was changed while it was read.", "Open it again.")


def _folder(path: Path) -> Path:
    place = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return paths.cache_dir() / "versions" / place


def _fingerprint(said: Recipe, row_format: str) -> str:
    return hashlib.sha256(json.dumps([_digest(said, _MEANING), row_format]).encode()).hexdigest()


def _digest(said: Recipe, version: int = _VERSION) -> str:
    """Returns the SHA-256 of all that decides the rows: what the sources hold, and the steps that count."""
    parts = [version, _contents(said.sources), [recipe.plain(step) for step in said.effective]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _contents(sources: Sequence[Source]) -> list[Any]:
    """Returns what decides the rows with which a version begins; of plain files what it always was."""
    return [[source.fingerprint, "held"] if source.held else source.fingerprint for source in sources]
