"""What a run was given: of dataset versions it keeps copies, and the originals are used and shown again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from studio.core import pinned
from studio.core.config import RunConfig
from studio.core.pinned import is_copy
from studio.ui import words
from studio.ui.session import Picked, Session


def original(config: RunConfig, recent: Iterable[str] = ()) -> RunConfig:
    """Returns a run's config with the versions that it has copies of; a copy stays whose original is not found.

    Args:
        config: the run's.
        recent: data files that were used of late; a version may lie anywhere.
    """
    known = [Path(name) for name in recent]
    data = replace(config.data, path=pinned.original(config.data.path, known))
    if data.eval_path:
        data = replace(data, eval_path=pinned.original(data.eval_path, known))
    return replace(config, data=data)


def show_rows(session: Session, config: RunConfig, addresses: Sequence[tuple[int, int]], title: str) -> None:
    """Has the Data page show rows of a config's data.

    Args:
        session: told why, where that cannot be.
        config: a run's.
        addresses: the rows, as `Picked` has them.
        title: what they are.
    """
    data = original(config, session.settings.recent_data).data
    if is_copy(Path(data.path)):
        said = QCoreApplication.translate(
            "given", "The version that the run was given is not among those that were opened here."
        )
        hint = QCoreApplication.translate("given", "If it is still there, open it once.")
        session.tell(words.joined(said, hint), "bad")
        return
    session.rows_wanted.emit(Picked(data, addresses, title))
