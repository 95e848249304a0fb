"""The composition root: makes the application, the session and the window, and wires them."""

import gc
import importlib
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

import studio
from studio.core import events, library, runs, settings
from studio.core.errors import StudioError
from studio.ui import words
from studio.ui.crash import CrashHook
from studio.ui.session import Session
from studio.ui.single import Claim
from studio.ui.theme import LIGHT, Theme
from studio.ui.window import MainWindow, PageSpec

_SETTLED_MS = 500
# By then a run that was begun just before has claimed its folder.
_BEGUN_MS = 3000
# Between two pages that are built ahead, so that what a person does meanwhile comes first.
_PAUSE_MS = 150


def _welcome(session: Session) -> QWidget:
    from studio.ui.pages.welcome import WelcomePage

    return WelcomePage(session)


def _data(session: Session) -> QWidget:
    from studio.ui.pages.data import DataPage

    return DataPage(session)


def _configure(session: Session) -> QWidget:
    from studio.ui.pages.configure import ConfigurePage

    return ConfigurePage(session)


def _train(session: Session) -> QWidget:
    from studio.ui.pages.train import TrainPage

    return TrainPage(session)


def _library(session: Session) -> QWidget:
    from studio.ui.pages.library import LibraryPage

    return LibraryPage(session)


def _compare(session: Session) -> QWidget:
    from studio.ui import given
    from studio.ui.pages.compare import ComparePage

    made = ComparePage(session.theme, session.desk)
    made.blind.saved.connect(session.data_wanted)
    made.evaluation.rows_wanted.connect(partial(given.show_rows, session))

    def offer() -> None:
        made.evaluation.offer_present(session.draft.data())

    session.draft.changed.connect(offer)
    offer()
    return made


def pages() -> list[PageSpec]:
    """Returns the pages, those of the rail in its order; each is imported when it is first shown."""
    return [
        PageSpec("data", _tr("Data"), "data", _data),
        PageSpec("configure", _tr("Configure"), "configure", _configure),
        PageSpec("train", _tr("Train"), "train", _train),
        PageSpec("library", _tr("Library"), "library", _library),
        PageSpec("compare", _tr("Compare"), "compare", _compare),
        PageSpec("welcome", _tr("Welcome"), "", _welcome),
    ]


def open_window(app: QApplication) -> MainWindow:
    """Makes the window in `app` and shows it; runs that are going are attached to right after."""
    damaged: list[StudioError] = []
    stored = settings.load(tell=damaged.append)
    words.speak(app, stored.language)
    theme = Theme(app, stored.theme)
    session = Session(theme, stored)
    window = MainWindow(session, pages())
    session.setParent(window)
    # Deleted, not only hidden: its timers and its theme must end with it.
    theme.setParent(window)
    window.show()
    for error in damaged:
        print(error, file=sys.stderr)  # for whoever started it from a terminal
        session.tell_error(error)
    for later in (0, _BEGUN_MS):
        QTimer.singleShot(later, session, session.attach_all)
    QTimer.singleShot(_BEGUN_MS, session, session.offer_cut_off)
    QTimer.singleShot(0, session.machine, session.machine.start)
    return window


def load_ahead() -> threading.Thread:
    """Loads in a thread what pages, data and runs need when they are first shown, so that it does not hold the window.

    The library is read too, since it keeps what it has read, and so are the versions that a run notes.
    """

    def load() -> None:
        pages = (f"studio.ui.pages.{name}" for name in ("data", "configure", "train", "library", "compare"))
        for name in ("numpy", *pages, "pyarrow.compute", "studio.core.data.datasets", "studio.ui.length_view"):
            importlib.import_module(name)
        # What reads events is put together with the first of them.
        events.decode_event("")
        with suppress(StudioError):  # the page that shows it tells
            library.entries()
        runs.versions()

    made = threading.Thread(target=load, name="load ahead")
    made.start()
    return made


def build_ahead(window: MainWindow, loading: threading.Thread) -> None:
    """Builds the pages not shown yet, one at a time and with pauses, as soon as what they need is loaded."""
    timer = QTimer(window)

    def build() -> None:
        if not loading.is_alive() and not window.build_next():
            timer.stop()

    timer.timeout.connect(build)
    timer.start(_PAUSE_MS)


def settle(window: MainWindow) -> threading.Thread:
    """Prepares, behind the window's first moments, for what comes next; returns the thread to be joined at the end."""
    loading = load_ahead()
    build_ahead(window, loading)
    window.session.spare.keep()
    return loading


def main(arguments: Sequence[str] = ()) -> int:
    """Runs the window until it is closed; returns the exit code."""
    # The first word is the window's class, by which a desktop knows whose it is.
    app = QApplication(["finetune-studio", *arguments])
    app.setApplicationName(studio.NAME)
    app.setDesktopFileName("finetune-studio")
    claim = Claim()
    try:
        if not claim.take():
            print("Finetune Studio is open already: its window has come forward.", file=sys.stderr)
            return 0
    except StudioError as error:
        return _refused(app, error)
    hook = CrashHook(app)
    hook.install()
    window = open_window(app)
    claim.watch()
    app.setWindowIcon(window.session.theme.icon("train", LIGHT.accent))
    # Nor is it looked through later, which would stop the window for 30 ms each time.
    gc.freeze()
    gc.enable()
    ahead: list[threading.Thread] = []
    QTimer.singleShot(_SETTLED_MS, window, lambda: ahead.append(settle(window)))
    code = until_closed(app, window)
    claim.release()
    for thread in ahead:
        thread.join()
    hook.remove()
    return code


def _refused(app: QApplication, error: StudioError) -> int:
    """Says why no window can be opened; returns the exit code."""
    print(error, file=sys.stderr)
    words.speak(app, settings.load().language)
    QMessageBox.warning(None, studio.NAME, words.sentences(error))
    return error.exit_code


def until_closed(app: QApplication, window: MainWindow) -> int:
    """Runs the event loop until a window is closed for good, not to be opened again; returns the exit code."""
    code = app.exec()
    while window.opens_again:
        untold, opened = window.untold, window.left_open()
        window.deleteLater()
        window = open_window(app)
        window.take_up(opened)
        for notice in untold:
            window.session.noticed.emit(notice)
        code = app.exec()
    return code


def _tr(text: str) -> str:
    return QCoreApplication.translate("pages", text)
