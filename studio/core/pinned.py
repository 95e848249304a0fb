"""What a run keeps of its own: the dataset versions it learns from, and the adapter that it trains further."""

import os
from dataclasses import replace
from pathlib import Path

from studio import paths
from studio.core import files
from studio.core.config import RunConfig
from studio.core.entry import ENTRY, PEFT_CONFIG, WEIGHTS
from studio.core.files import write_atomic

TEMPLATE = "chat_template.jinja"
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
        if (source / name).is_file() and not (start / name).is_file():
            files.copy_file(source / name, start / name)
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
