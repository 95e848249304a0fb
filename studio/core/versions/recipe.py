"""A dataset version as a recipe: which files it is made of and which steps make it of them.

The files are never written to. A recipe is one small JSON file; it is written whole or not at all, and carries the
SHA-256 of what it says. Undo and redo move a cursor through the steps; a new step takes the place of the undone ones.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_args

import filelock
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from studio import paths
from studio.core import files
from studio.core.data.mapping import Role
from studio.core.errors import StudioError, given_path
from studio.core.files import disk_error, write_atomic
from studio.core.pinned import is_copy
from studio.core.runs import slug, untaken
from studio.core.versions.steps import Count, Mend, Step, chosen

_WRITTEN = 1  # the layout of the file
_STRICT = ConfigDict(extra="forbid", defer_build=True)
_AGAIN = "Make the version again, or put an older copy of the file in its place."
_STEPS = ", ".join(kind.__dataclass_fields__["kind"].default for kind in get_args(Step))


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Source:
    """A file, or anything else that `datasets.open_dataset` opens, that rows come from.

    Attributes:
        path: absolute, or the id of a dataset on the hub.
        format: one of `chat.FORMATS`, or `auto`.
        mapping: which column plays which role, where that was chosen; empty: by the format.
        fingerprint: of its content when the recipe was made.
        rows: all rows it had then.
        held: whether the rows that it holds back for evaluation, where it is a version, are held back here too.
    """

    path: str
    format: str = "auto"
    mapping: dict[Role, str] = Field(default_factory=dict)
    fingerprint: str = ""
    rows: Count = 0
    # Older versions have none: runs that began on them find their rows as they were.
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Made:
    """A step of a recipe.

    Attributes:
        time_s: when it was made, Unix time.
        marks: what the rows that it names held then, 16 hexadecimal digits each (`Selection.originals`), so that
            they are found again in a file that changed; empty where it is a rule.
        joined: whether it was made together with the step before, and is undone with it.
    """

    step: Annotated[Step, Field(discriminator="kind")]
    time_s: float = 0.0
    marks: str = ""
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Recipe:
    """A version of a dataset.

    Attributes:
        sources: what it is made of; rows are addressed by their place here, so it never changes.
        steps: all steps, the undone ones at the end.
        cursor: how many of them count.
    """

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    steps: tuple[Made, ...] = ()
    cursor: Count = 0

    @property
    def effective(self) -> tuple[Step, ...]:
        """The steps that count."""
        return tuple(made.step for made in self.steps[: self.cursor])

    def added(self, made: Sequence[Made]) -> "Recipe":
        """Returns the recipe with steps behind those that count; the undone ones are dropped."""
        steps = (*self.steps[: self.cursor], *made)
        return replace(self, steps=steps, cursor=len(steps))

    def at(self, cursor: int) -> "Recipe":
        """Returns the recipe with `cursor` steps that count, or as many as there are."""
        return replace(self, cursor=min(max(cursor, 0), len(self.steps)))

    def undone(self, times: int = 1) -> "Recipe":
        """Returns the recipe with what was done last undone, as often as said or can be."""
        begins = [0, *(place for place, made in enumerate(self.steps) if not made.joined)]
        before = [place for place in begins if place < self.cursor]
        return self.at(before[max(len(before) - times, 0)]) if before and times else self

    def redone(self, times: int = 1) -> "Recipe":
        """Returns the recipe with what was undone last done again, as often as said or can be."""
        begins = [place for place, made in enumerate(self.steps) if not made.joined]
        behind = [*(place for place in begins if place > self.cursor), len(self.steps)]
        return self.at(behind[min(times, len(behind)) - 1]) if times else self


_RECIPE: TypeAdapter[Recipe] = TypeAdapter(Recipe)
_ASKED: TypeAdapter[Step | Mend] = TypeAdapter(Annotated[Step | Mend, Field(discriminator="kind")], config=_STRICT)


def file_of(name: str | Path) -> Path:
    """Returns the file of a version, which is named by its path or, in the studio's own folder, by its name.

    Raises:
        StudioError: (data) no file can have this name.
    """
    if paths.is_version(name):
        return given_path(name, "data").absolute()
    if not (text := str(name)) or slug(text) != text:
        message = f"`{text[:100]}` cannot be the name of a version."
        raise StudioError(
            "data",
            message,
            f"Use up to 60 letters, digits, `.`, `-` and `_`, or a path that ends in {paths.VERSION_SUFFIX}.",
        )
    return paths.datasets_dir() / f"{text}{paths.VERSION_SUFFIX}"


def name_of(path: Path) -> str:
    """Returns a version's name."""
    return path.name[: -len(paths.VERSION_SUFFIX)]


def free_name(file: str, promised: Sequence[str] = ()) -> str:
    """Returns a name for a version of a file that no version has yet, nor one of those that are being made."""
    stem, there = slug(file.partition(".")[0])[:50] or "data", list[Path]()
    # Where they cannot be read none can be made either, and that is told.
    with suppress(StudioError):
        there = listed()
    return untaken(stem, (*map(name_of, there), *promised))


def listed() -> list[Path]:
    """Returns the versions in the studio's own folder, by name.

    Raises:
        StudioError: (disk) the folder cannot be read.
    """
    return sorted(path for path in files.inside(paths.datasets_dir()) if path.name.endswith(paths.VERSION_SUFFIX))


def load(path: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        StudioError: (data) there is none, it is damaged, or a newer version wrote it.
    """
    try:
        held = json.loads(path.read_bytes())
        written, said = held["written"], held["recipe"]
        whole = held["sha256"] == _stamp(said)
    except FileNotFoundError:
        raise StudioError("data", f"There is no version {path}.", "`studio data version list` shows them.") from None
    except OSError as error:
        raise StudioError("data", f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StudioError("data", f"{path} is not a recipe, or is damaged.", _AGAIN) from None
    if written != _WRITTEN:
        message = f"{path} was written by another version of Finetune Studio."
        raise StudioError("data", message, "Open it with that one.")
    if not whole:
        message = f"{path} was changed by something other than Finetune Studio."
        raise StudioError("data", message, _AGAIN)
    try:
        recipe = _RECIPE.validate_python(said)
    except ValidationError as error:
        raise StudioError("data", f"{path} does not fit together.", _AGAIN, str(error)) from None
    return recipe.at(recipe.cursor)


def create(path: Path, recipe: Recipe) -> None:
    """Writes a new recipe.

    Raises:
        StudioError: (data) there is one of this name; (disk) it cannot be written.
    """
    with _locked(path):
        name = path.name.casefold()
        if there := next((other for other in path.parent.iterdir() if other.name.casefold() == name), None):
            raise StudioError("data", f"There is a version {there} already.", "Choose another name.")
        _write(path, recipe)


def change(path: Path, changed: Callable[[Recipe], Recipe]) -> Recipe:
    """Reads a recipe, changes it and writes it back, while no other process does.

    Raises:
        StudioError: (data) it cannot be read, or is a run's copy; (disk) it cannot be written. What `changed` raises
            passes through.
    """
    if is_copy(path):
        message = f"{path} is the copy that a run keeps of its data, and stays as it is."
        raise StudioError("data", message, "Edit the version that the run was given, or one that is made of this copy.")
    with _locked(path):
        recipe = changed(load(path))
        _write(path, recipe)
    return recipe


def plain(item: Recipe | Source | Step | Mend) -> Any:
    """Returns plain data that JSON can hold."""
    adapter: TypeAdapter[Any] = _RECIPE if isinstance(item, Recipe) else TypeAdapter(type(item))
    return adapter.dump_python(item, mode="json")


def summary(said: Recipe) -> list[dict[str, Any]]:
    """Returns all steps as plain data, of rows that they name only how many, and whether each counts.

    Rows that were replaced together are one entry, whose `steps` says of how many steps it is.
    """
    found: list[dict[str, Any]] = []
    for place, made in enumerate(said.steps):
        about = {key: value for key, value in plain(made.step).items() if key not in ("rows", "row", "data")}
        named = sum(last - first + 1 for _, first, last in chosen(made.step))
        about |= {"rows": named} if named else {}
        if made.joined and found and found[-1]["kind"] == about["kind"] == "replace":
            found[-1]["rows"] += named
            found[-1]["steps"] += 1
        else:
            more = {"time_s": made.time_s, "counts": place < said.cursor, "joined": made.joined, "steps": 1}
            found.append(about | more)
    return found


def read_step(data: Any) -> Step:
    """Reads a step from plain data.

    Raises:
        StudioError: (data) it is none; the message says why.
    """
    asked = read_asked(data)
    if isinstance(asked, Mend):
        raise StudioError("data", "A step of this kind is not known.", f"`kind` is one of {_STEPS}.")
    return asked


def read_asked(data: Any) -> Step | Mend:
    """Reads what is asked for: a step, or what steps are to be made of.

    Raises:
        StudioError: (data) it is none; the message says why.
    """
    try:
        return _ASKED.validate_python(data)
    except ValidationError as error:
        raise _unread(error) from None


def _unread(error: ValidationError) -> StudioError:
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if not found["loc"]:
        return StudioError("data", "A step of this kind is not known.", f"`kind` is one of {_STEPS}, mend.", str(error))
    kind, *rest = (str(part) for part in found["loc"])
    # Of these a library would say in words of its own what they can be.
    hint = ""
    if rest[:1] == ["rows"]:
        hint = "Name at least one row: rows=3,10-20, or in JSON [[0, 3, 3], [0, 10, 20]]."
    elif rest[:1] == ["epoch"]:
        hint = "Give `shortest`, `longest` or a number of rows, 1 at least."
    if hint:
        message = f"This is no {kind} step: {rest[0]}: it is missing or none of the choices."
        return StudioError("data", message, hint, str(error))
    where = ".".join(rest)
    message = f"This is no {kind} step: {where}: {found['msg'].lower()}."
    return StudioError("data", message, f"Correct `{where}`.", str(error))


def _stamp(said: Any) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _write(path: Path, recipe: Recipe) -> None:
    said = plain(recipe)
    held = {"written": _WRITTEN, "sha256": _stamp(said), "recipe": said}
    try:
        write_atomic(path, json.dumps(held, indent=1).encode() + b"\n")
    except OSError as error:
        raise disk_error(path, error, hint="Free some space and try again: the version is as it was.") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_name(f".{path.name}.lock")):
            yield
    except OSError as error:
        raise disk_error(path, error, hint="Free some space and try again: the version is as it was.") from None
