"""What a file or folder is that the user drops on the window or opens, and where it belongs."""

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.core import config as declared
from studio.core import config_file, foreign, further
from studio.core.errors import StudioError
from studio.core.hub_ids import is_hub_id
from studio.core.library import PEFT_CONFIG
from studio.core.runs import Run
from studio.core.units import counted
from studio.ui import words
from studio.ui.draft import merged
from studio.ui.session import Notice, Session


class Drops(QObject):
    """Takes the files and folders dropped on a window, also on its text boxes, which would paste their addresses."""

    def __init__(self, window: QWidget, take: Callable[[Path], object]) -> None:
        """Calls `take` with each of them."""
        super().__init__(window)
        self._take = take
        window.setAcceptDrops(True)
        window.winId()  # makes the handle, which hears of a drag before the boxes do
        window.windowHandle().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leaves dragged text to the boxes."""
        # Those of entering and of moving are its kinds.
        if not isinstance(event, QDropEvent):
            return False
        paths = [path for url in event.mimeData().urls() if (path := url.toLocalFile())]
        if not paths:
            return False
        # Whoever has the files is not to take them for moved away.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if event.type() == QEvent.Type.Drop:
            for path in paths:
                self._take(Path(path))
        return True


def data_endings() -> tuple[str, ...]:
    """Returns how the names of the files end that hold data."""
    from studio.core.data.sources import ENDINGS  # it loads numpy, which the window alone does not need

    return ENDINGS


def open_path(session: Session, path: Path) -> None:
    """Opens data, a YAML config, a run folder or an adapter folder; says so where it is none of them."""
    if is_hub_id(path.as_posix(), Path()):
        session.data_wanted.emit(path)
    elif os.path.isfile(path / "run.json"):  # false, not an error, where it may not be looked at
        session.run_wanted.emit(Run(path.resolve()))
    elif os.path.isfile(path / PEFT_CONFIG):
        _add_adapter(session, path)
    elif path.suffix.lower() in data_endings() or os.path.isdir(path):
        session.data_wanted.emit(path)
    elif path.suffix.lower() in (".yaml", ".yml"):
        _load_config(session, path)
    else:
        text = _tr("{name} is no data file, config, run folder or adapter folder.")
        session.tell(text.format(name=path.name), "bad")


def choose_data(parent: QWidget, title: str = "") -> Path | None:
    """Asks for a data file; None: the user changed their mind."""
    kinds = f"{_tr('Data files')} ({' '.join(f'*{ending}' for ending in data_endings())});;{_tr('All files (*)')}"
    chosen, _ = QFileDialog.getOpenFileName(parent, title or _tr("Open data file"), "", kinds)
    return Path(chosen) if chosen else None


def _load_config(session: Session, path: Path) -> None:
    title = _tr("open {name}").format(name=path.name)
    try:
        data = config_file.read_yaml(path)
        if config_file.program_of(data):
            _translate(session, foreign.translated(data, path.resolve().parent), title)
        else:
            session.draft.replace(declared.to_dict(further.laid_out(config_file.load(path))), title)
    except StudioError as error:
        session.tell_error(error)
        return
    session.page_wanted.emit("configure")


def _translate(session: Session, made: foreign.Translated, title: str) -> None:
    """Takes another program's config over, and says what of it is left."""
    session.draft.replace(merged(made.plain()), title)
    one = _tr("A config of {program}: {count} setting was taken over.")
    text = counted(len(made.settings), one, _tr("A config of {program}: {count} settings were taken over."),
                   program=made.program)  # fmt: skip
    left = counted(len(made.left), _tr("{count} was not."), _tr("{count} were not.")) if made.left else ""
    listed = "\n".join(f"{key}: {words.sentence(why)}" for key, why in made.left.items())
    session.noticed.emit(Notice(words.joined(text, left), "" if left else "good", detail=listed))


def _add_adapter(session: Session, path: Path) -> None:
    """Has it vetted and copied by a process of its own: a stranger's file is not parsed in the window."""
    session.page_wanted.emit("library")
    session.tell(_tr("Checking the adapter {name} ...").format(name=path.name))
    command = session.command(["adapters", "add", str(path)])

    def added(entry: dict[str, object]) -> None:
        session.library_changed.emit()
        session.tell(_tr("Added to the library as {name}.").format(name=entry["name"]), "good")

    command.done.connect(added)
    command.failed.connect(session.tell_error)


def _tr(text: str) -> str:
    return QCoreApplication.translate("drops", text)
