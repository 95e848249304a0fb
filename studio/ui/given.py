"""The dataset versions a run was given: it keeps copies, and its settings are used again with the originals."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from studio import paths
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.pinned import is_copy


def original(config: RunConfig, recent: Iterable[str] = ()) -> RunConfig:
    """Returns a run's config with the versions that it has copies of; a copy stays whose original is not found.

    Args:
        config: the run's.
        recent: data files that were used of late; a version may lie anywhere.
    """
    known = [Path(name) for name in recent]
    data = replace(config.data, path=_original(config.data.path, known))
    if data.eval_path:
        data = replace(data, eval_path=_original(data.eval_path, known))
    return replace(config, data=data)


def _original(path: str, known: Iterable[Path]) -> str:
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
