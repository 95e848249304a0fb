"""What a run keeps of its own: the dataset versions it learns from, and the adapter that it trains further."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from studio import paths
from studio.core import cache, files
from studio.core.config import RunConfig
from studio.core.entry import ENTRY, PEFT_CONFIG, TEMPLATE, WEIGHTS, read_entry
from studio.core.errors import StudioError
from studio.core.files import write_atomic

# Apart, since versions in different folders may be called the same.
_EVALUATION = "evaluation"
_START = "start"


def pinned(config: RunConfig, folder: Path) -> RunConfig:
    """Copies into a run's folder what may be edited or removed later: a run's rows, and where it began, stay.

    Args:
        config: of the run; the adapter that it trains further is a folder.
        folder: the run's, which is there.

    Returns:
        The config, with the copies' paths relative to `folder`, which may be moved or copied.

    Raises:
        OSError: they cannot be written.
        StudioError: (adapter) its weights have changed since it was added to the library.
    """
    data = replace(config.data, path=_version(config.data.path, folder, folder))
    if data.eval_path:
        data = replace(data, eval_path=_version(data.eval_path, folder / _EVALUATION, folder))
    if not config.adapter.path:
        return replace(config, data=data)
    source = Path(config.adapter.path)
    start = folder / _START / started_from(config.adapter.path)
    start.mkdir(parents=True, exist_ok=True)
    for name in (PEFT_CONFIG, WEIGHTS, ENTRY, TEMPLATE):
        # A link in a folder from elsewhere may point at any of the user's files; what is vetted may be one.
        linked = (source / name).is_symlink() and name in (ENTRY, TEMPLATE)
        if (source / name).is_file() and not linked and not (start / name).is_file():
            files.copy_file(source / name, start / name)
    known = read_entry(start).sha256 if (start / ENTRY).is_file() else ""
    if known and cache.sha256(start / WEIGHTS) != known:
        message = f"The weights of {start.name} have changed since it was added to the library."
        raise StudioError("adapter", message, "Choose another adapter, or add it anew.")
    relative = start.relative_to(folder)
    if Path(data.chat_template) == source / TEMPLATE:
        data = replace(data, chat_template=(relative / TEMPLATE).as_posix())
    return replace(config, data=data, adapter=replace(config.adapter, path=relative.as_posix()))


def placed(config: RunConfig, folder: Path) -> RunConfig:
    """Finds the copies that `pinned` made in the run's folder, wherever that is by now."""
    folder = folder.absolute()
    data = replace(config.data, path=_placed(config.data.path, folder))
    if data.eval_path:
        data = replace(data, eval_path=_placed(data.eval_path, folder / _EVALUATION))
    if not config.adapter.path:
        return replace(config, data=data)
    if data.chat_template.startswith(f"{_START}/"):
        data = replace(data, chat_template=str(folder / data.chat_template))
    return replace(config, data=data, adapter=replace(config.adapter, path=str(folder / config.adapter.path)))


def started_from(path: str) -> str:
    """Returns what the adapter at `path`, one of the library or a run's own, is called."""
    folder = Path(path)
    return folder.parent.name if folder.name == "adapter" else folder.name


def is_copy(path: Path) -> bool:
    """Whether a dataset version is one that a run keeps in its own folder, and that stays as it is."""
    folder = path.parent.parent if path.parent.name == _EVALUATION else path.parent
    # `os.path`: a folder may be one not to be looked into.
    return paths.is_version(path) and os.path.isfile(folder / "run.json")


def _version(path: str, place: Path, folder: Path) -> str:
    # What cannot be read is told by whoever opens it.
    if not paths.is_version(path) or not Path(path).is_file():
        return path
    place.mkdir(exist_ok=True)
    copy = place / Path(path).name
    write_atomic(copy, Path(path).read_bytes())
    return copy.relative_to(folder).as_posix()


def _placed(path: str, place: Path) -> str:
    if not paths.is_version(path):
        return path
    copy = place / Path(path).name
    # Once it was written where the folder was when the run began.
    return path if Path(path).is_absolute() and not copy.is_file() else str(copy)


def original(path: str, known: Sequence[Path] = ()) -> str:
    """Returns the dataset version that a run's own copy is of; a copy stays whose original is not found.

    Args:
        path: of data; of any other than a copy it is returned as it is.
        known: data files that were used of late; a version may lie anywhere.
    """
    copy = Path(path)
    if not is_copy(copy):
        return path
    made_of = _made_of(copy)
    candidates = (paths.datasets_dir() / copy.name, *(other for other in known if other.name == copy.name))
    found = (other for other in candidates if made_of and not is_copy(other) and _made_of(other) == made_of)
    return str(next(found, copy))


def _made_of(path: Path) -> list[str]:
    """Returns what a version is made of, which never changes however it is edited; nothing: it cannot be read."""
    from studio.core.versions import recipe  # what a recipe can hold takes a while to load, and few runs need it

    try:
        return [source.path for source in recipe.load(path).sources]
    except StudioError:
        return []
