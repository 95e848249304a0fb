"""The library: one folder an adapter, in PEFT's own layout, with an `entry.json` saying where it is from.

Beside adapters there are models that were trained whole, in transformers' layout. The folders are the truth: nothing is
listed that is not there, and a folder copied here by hand is listed. Entries appear and go by one rename, so that no
process ever sees half of one.
"""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import filelock

from studio import paths
from studio.core import files
from studio.core.config import ModelSpec
from studio.core.config import to_dict as to_plain
from studio.core.config_file import build
from studio.core.entry import (
    ENTRY,
    TEMPLATE,
    digest,
    is_model,
    peft_config,
    read_entry,
    weights_bytes,
    weights_files,
    write_entry,
)
from studio.core.entry import PEFT_CONFIG as PEFT_CONFIG
from studio.core.entry import WEIGHTS as WEIGHTS
from studio.core.entry import Base as Base
from studio.core.entry import Data as Data
from studio.core.entry import Entry as Entry
from studio.core.errors import StudioError, given_path
from studio.core.files import disk_error, settle
from studio.core.runs import Run, slug, untaken

_TEXTS = ("README.md", TEMPLATE)
_LOCK_S = 60.0


def to_dict(entry: Entry) -> dict[str, Any]:
    """Returns `entry` as plain data, as `--json` prints it."""
    return {**asdict(entry), "folder": str(entry.folder)}


def entries() -> list[Entry]:
    """Returns all entries, newest first; a damaged one carries its `fault` and hides no other.

    Raises:
        StudioError: (disk) the library's folder cannot be read.
    """
    folders = [item for item in files.inside(paths.adapters_dir()) if not item.name.startswith(".")]
    return sorted(map(read_entry, filter(os.path.isdir, folders)), key=lambda entry: (-entry.created_s, entry.name))


def find(name: str) -> Entry:
    """Finds an entry by name, title, folder, or a part of a name or title that only one has.

    Raises:
        StudioError: (adapter) none, or several.
    """
    if not name:
        raise StudioError("adapter", "No adapter was named.", "`studio adapters list` shows them all.")
    found, key = entries(), name.casefold()
    for matches in (
        [entry for entry in found if entry.name == name],
        [entry for entry in found if key in (entry.name.casefold(), entry.title.casefold())],
        [entry for entry in found if key in entry.name.casefold() or key in entry.title.casefold()],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _ambiguous(name, [entry.name for entry in matches])
    folder = given_path(name, "adapter").resolve()
    if (folder / ENTRY).is_file() and folder.parent == paths.adapters_dir().resolve():
        return read_entry(folder)
    raise StudioError("adapter", f"There is no adapter `{name}`.", "`studio adapters list` shows them all.")


def _ambiguous(name: str, names: Sequence[str]) -> StudioError:
    message = f"`{name}` could mean {len(names)} adapters: {', '.join(names[:5])}."
    return StudioError("adapter", message, "Write the name.")


def located(name: str) -> Entry:
    """Finds an adapter by its name in the library, or takes a PEFT folder elsewhere as it is, such as a run's.

    A model that was trained whole is found in the same way, if an `entry.json` is in its folder.

    Raises:
        StudioError: (adapter) there is none.
    """
    folder = given_path(name, "adapter").resolve()
    told = (folder / ENTRY).is_file()
    known = (folder / PEFT_CONFIG).is_file() or (told and is_model(folder))
    if not known or folder.parent == paths.adapters_dir().resolve():
        return find(name)
    if told:
        return read_entry(folder)
    held = (folder / WEIGHTS).stat().st_size if (folder / WEIGHTS).is_file() else 0
    plain = Entry(
        name=folder.name, folder=folder, title=folder.name, base=Base(path=_base_of(folder)), weights_bytes=held
    )
    run = next((parent for parent in folder.parents[:3] if (parent / "run.json").is_file()), None)
    if run is None:
        return plain
    config = Run(run).config()
    base = Base(path=config.model.path, revision=config.model.revision)
    return replace(plain, title=run.name, base=base, config=to_plain(config), run=Run(run).address)


def model_specs(entries: Sequence[Entry]) -> list[ModelSpec]:
    """Returns how the base was held in the training of those entries of which that is known.

    Whole models, which are held by themselves, decide nothing where there are adapters.

    Raises:
        StudioError: (config) an entry says something that cannot be.
    """
    of_base = [entry for entry in entries if not entry.is_model] or entries
    told = [entry.config.get("model", {}) for entry in of_base if entry.config]
    return [build({"data": {"path": "-"}, "model": model}).model for model in told]


def shared_spec(specs: Sequence[ModelSpec]) -> ModelSpec:
    """Returns how one base is held for several adapters: as in their training, by default where that differed."""
    quantizations, dtypes = {spec.quantization for spec in specs}, {spec.dtype for spec in specs}
    plain = ModelSpec()
    return replace(
        plain,
        quantization=quantizations.pop() if len(quantizations) == 1 else plain.quantization,
        dtype=dtypes.pop() if len(dtypes) == 1 else plain.dtype,
    )


def compromises(specs: Sequence[ModelSpec], chosen: Collection[str] = ()) -> dict[str, str]:
    """Says which settings of the base were not the same in all trainings, and what they are in `shared_spec`.

    Args:
        specs: of the trainings.
        chosen: settings that somebody chose, of which nothing is said.
    """
    found, shared = {}, shared_spec(specs)
    for key in ("quantization", "dtype"):
        held = sorted({str(getattr(spec, key)) for spec in specs})
        if len(held) > 1 and key not in chosen:
            used = getattr(shared, key)
            said = f"The adapters were trained with model.{key} {' and '.join(held)}; here all columns have {used}."
            found[key] = said
    return found


def known(folder: Path, run: str) -> Entry | None:
    """Returns the whole entry that holds the weights in `folder` as those of `run`; None: there is none.

    Raises:
        StudioError: (adapter) `folder` holds no adapter.
    """
    return _held(run, _sha256_of(folder)) if run else None


def _held(run: str, sha256: str) -> Entry | None:
    # Entries made before held the name alone of runs that lie elsewhere.
    runs = {run, Path(run).name}
    same = (entry for entry in entries() if entry.run in runs and entry.sha256 == sha256 and not entry.fault)
    return next(same, None)


def verified(entry: Entry) -> Entry:
    """Compares the weights with their hash; the entry returned carries the `fault` if they differ."""
    if entry.fault or not entry.sha256:
        return entry
    try:
        return compared(entry, digest(entry.folder))
    except OSError as error:
        return replace(entry, fault=f"{Path(error.filename or WEIGHTS).name} cannot be read: {error.strerror}.")


def compared(entry: Entry, found: str) -> Entry:
    """Returns an entry with its `fault` where the hash `found` of its weights is not its own."""
    if found == entry.sha256:
        return entry
    if entry.is_model:
        return replace(entry, fault="The model's weights have changed since it was added.")
    return replace(entry, fault=f"{WEIGHTS} has changed since it was added.")


def add(
    folder: Path,
    *,
    title: str,
    base: Base | None = None,
    data: Data | None = None,
    config: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
    run: str = "",
    note: str = "",
    tags: Sequence[str] = (),
) -> Entry:
    """Copies a finished PEFT folder into the library. Repeated for the same run's same weights, it adds nothing.

    Only PEFT's config and weights, the model card and the chat template are copied; of a whole model all its files. It
    is not vetted here; of what is from elsewhere that is `studio.engine.vetting.check_adapter`'s work.

    Args:
        folder: the PEFT folder, or a whole model's; it stays as it is.
        title: what it is called, with a number where another one is called so; its name is made of this.
        base: None: what the adapter's own config names.
        data: as in `Entry`, like all that follow.
        config: the run's whole config.
        metrics: the run's.
        run: the run's address, which is its alone: two that lie elsewhere may have one name.
        note: what the user says of it.
        tags: the user's own.

    Raises:
        StudioError: (adapter) `folder` holds no adapter; (disk) the library cannot be written; (busy) another
            process keeps changing the library.
    """
    whole = is_model(folder)
    named = "" if whole else _base_of(folder)
    sha256 = _sha256_of(folder)
    with _changing() as library:
        if run and (again := _held(run, sha256)) is not None:
            return again
        stage = library / f".stage-{secrets.token_hex(4)}"
        about = Entry(
            name="",
            folder=stage,
            title=_untaken(title),
            is_model=whole,
            created_s=time.time(),
            base=base or Base(path=named),
            data=data or Data(),
            config=config or {},
            metrics=metrics or {},
            run=run,
            note=note,
            tags=list(tags),
            sha256=sha256,
            weights_bytes=weights_bytes(folder),
        )
        try:
            _stage(folder, stage, about)
            target = _free(slug(about.title))
            files.replace(stage, target)
            settle(library)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        return read_entry(target)


def take(about: Entry) -> Entry | None:
    """Moves a whole model into the library: nothing of it is copied, however large it is.

    Repeated for the same run's same weights, it adds nothing.

    Args:
        about: what is known of it; in its folder, which has to be durable, it is written down too.

    Returns:
        The entry; where it is another one's that was there before, the folder stays. None: the library is on another
        disk, and the folder stays.

    Raises:
        StudioError: (disk) the library cannot be written; (busy) another process keeps changing the library.
    """
    about = replace(about, sha256=_sha256_of(about.folder), weights_bytes=weights_bytes(about.folder))
    with _changing() as library:
        if about.run and (again := _held(about.run, about.sha256)) is not None:
            return again
        about = replace(about, title=_untaken(about.title))
        write_entry(about)
        target = _free(slug(about.title))
        try:
            files.replace(about.folder, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return None
        settle(library)
        return read_entry(target)


def change(
    entry: Entry, *, title: str | None = None, note: str | None = None, tags: Sequence[str] | None = None
) -> Entry:
    """Changes what the user says of an entry; its name, folder and weights stay. None: as it was.

    Args:
        entry: as it was when the user looked at it.
        title: what it is called.
        note: what the user says of it.
        tags: the user's own. Those that somebody else has put on it or taken off since `entry` was read stay so.

    Raises:
        StudioError: (adapter) the entry is damaged or gone; (disk) the library cannot be written; (busy) another
            process keeps changing the library.
    """
    with _changing():
        _require(entry)
        now = read_entry(entry.folder)
        if now.fault:
            raise StudioError("adapter", f"{entry.name} is damaged: {now.fault}", "Remove it.")
        fresh: dict[str, Any] = {
            "title": title,
            "note": note,
            "tags": None if tags is None else _tags(entry.tags, tags, now.tags),
        }
        write_entry(replace(now, **{key: value for key, value in fresh.items() if value is not None}))
        return read_entry(entry.folder)


def _tags(seen: Sequence[str], wanted: Sequence[str], now: Sequence[str]) -> list[str]:
    """Returns the tags `now`, changed in the way in which `wanted` differs from `seen`."""
    if list(now) == list(seen):
        return list(wanted)
    # `Letters` and `letters` are one tag.
    had, stay, there = ({tag.casefold() for tag in tags} for tags in (seen, wanted, now))
    kept = [tag for tag in now if tag.casefold() in stay or tag.casefold() not in had]
    return [*kept, *(tag for tag in wanted if tag.casefold() not in had | there)]


def _require(entry: Entry) -> None:
    """Raises a `StudioError` where an entry was removed since it was read."""
    if not entry.folder.is_dir():
        message = f"There is no adapter {entry.name} any more."
        raise StudioError("adapter", message, "`studio adapters list` shows those of the library.")


def remove(entry: Entry) -> Path:
    """Moves an entry to the trash, from where `restore` brings it back; returns where it lies now.

    Raises:
        StudioError: (adapter) it is gone; (disk) it cannot be moved; (busy) another process keeps changing the library.
    """
    with _changing() as library:
        _require(entry)
        target = _trash() / _now() / entry.name
        target.parent.mkdir(parents=True)
        try:
            files.move(entry.folder, target)
        except OSError:
            target.parent.rmdir()
            raise
        settle(library)
        return target


def restore(name: str) -> Entry:
    """Brings back the adapter `name` that was removed last; it gets another name if that one is taken by now.

    Args:
        name: its name, or else a title that only one has.

    Raises:
        StudioError: (adapter) no such adapter was removed, or several have the title.
    """
    with _changing() as library:
        # A hidden one is what a move to another disk left.
        held = (item for item in _trash().glob("*/*/") if not item.name.startswith("."))
        found = sorted(held, key=lambda item: item.parent.name, reverse=True)
        matches = [item for item in found if item.name == name]
        matches = matches or [item for item in found if read_entry(item).title == name]
        if not matches:
            known = ", ".join(dict.fromkeys(item.name for item in found[:5]))
            hint = f"The trash holds {known}." if known else "The trash holds no adapter."
            raise StudioError("adapter", f"No adapter `{name}` was removed.", hint)
        if len(names := list(dict.fromkeys(item.name for item in matches))) > 1:
            raise _ambiguous(name, names)
        return _back(matches[0], library)


def restore_from(trashed: Path) -> Entry:
    """Brings back exactly the adapter that `remove` moved to `trashed`; it gets another name if its own is taken.

    Raises:
        StudioError: (adapter) it is not there any more.
    """
    with _changing() as library:
        if not trashed.is_dir():
            message = f"The adapter {trashed.name} is not in the trash any more."
            raise StudioError("adapter", message, "`studio adapters list` shows those of the library.")
        return _back(trashed, library)


def _back(trashed: Path, library: Path) -> Entry:
    target = _free(trashed.name)
    try:
        files.move(trashed, target)
    except OSError as error:
        if not files.is_taken(error):
            raise
        return _back(trashed, library)  # a folder copied here by hand has the name by now
    with suppress(OSError):  # a system's file browser may have left files of its own there
        trashed.parent.rmdir()
    settle(library)
    return read_entry(target)


def _trash() -> Path:
    return paths.trash_dir() / "adapters"


def _now() -> str:
    """Returns a time in ns that is later than those in the trash, as a name: a clock may stand still for many ms."""
    trash = _trash()
    known = [int(item.name) for item in trash.iterdir() if item.name.isdecimal()] if trash.is_dir() else []
    return str(max([time.time_ns(), *(at + 1 for at in known)]))


@contextmanager
def _changing() -> Iterator[Path]:
    """Holds the library against other processes' changes; failures of the file system come out as sentences."""
    library = paths.adapters_dir()
    try:
        library.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(library / ".lock", timeout=_LOCK_S):
            # Whoever made these died: stages live only as long as the lock is held.
            for stale in library.glob(".stage-*"):
                shutil.rmtree(stale, ignore_errors=True)
            yield library
    except filelock.Timeout:
        raise StudioError("busy", "Another process is changing the adapter library.", "Try again later.") from None
    except OSError as error:
        raise disk_error(library, error, hint="Free some space and do it again; nothing was changed.") from None


def _stage(folder: Path, stage: Path, about: Entry) -> None:
    stage.mkdir()
    names = [file.name for file in weights_files(folder)]
    others = [item.name for item in folder.iterdir() if item.name != ENTRY] if about.is_model else _TEXTS
    for name in names if about.is_model else (PEFT_CONFIG, *names):
        files.copy_file(folder / name, stage / name)
    for name in (name for name in others if name not in names):
        # A link in a folder from elsewhere may point at any of the user's files.
        if (folder / name).is_file() and not (folder / name).is_symlink():
            files.copy_file(folder / name, stage / name)
    write_entry(about)
    if digest(stage) != about.sha256:
        what = "The model" if about.is_model else WEIGHTS
        raise StudioError("adapter", f"{what} changed while it was copied.", "Add it again.")


def _untaken(title: str) -> str:
    """Returns a title by which nobody takes an entry for another one."""
    return untaken(title, (entry.title for entry in entries()))


def _free(name: str) -> Path:
    """Returns a folder of the library that is not there yet."""
    library = paths.adapters_dir()
    return library / untaken(name, (item.name for item in library.iterdir()))


def _base_of(folder: Path) -> str:
    about = peft_config(folder)
    if about is None:
        raise StudioError(
            "adapter", f"{folder} has no readable {PEFT_CONFIG}.", "Name a folder that PEFT saved an adapter into."
        )
    name = about.get("base_model_name_or_path")
    return name if isinstance(name, str) else ""


def _sha256_of(folder: Path) -> str:
    try:
        return digest(folder)
    except OSError as error:
        raise StudioError(
            "adapter",
            f"{folder / WEIGHTS} cannot be read: {error.strerror}.",
            "Only adapters saved as safetensors are taken; pickled ones (.bin) may hold code.",
        ) from None
