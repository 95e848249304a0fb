"""The real window with a camera before it: what the tour of pictures is made with."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from studio.core import events, settings
from studio.core.runs import Run
from studio.ui.app import open_window
from tests.ui.told import made_run, prepared, step, tell

_SETTLED_S = 0.3
_LIMIT_S = 300.0


class Camera:
    """Opens the window, waits for what it does, and takes pictures of it.

    Attributes:
        window, session: the window's.
        folder: a place for files.
    """

    def __init__(self, out: Path, language: str, width: int, height: int) -> None:
        """Writes to `out`; the window is so large, in pixels that do not depend on the scale."""
        settings.save(settings.Settings(language=language))
        self._out = out
        self._out.mkdir(parents=True, exist_ok=True)
        self._app = QApplication([])
        self.window = open_window(self._app)
        self.window.resize(width, height)
        self.session = self.window.session
        self.folder = Path(tempfile.mkdtemp())

    def __enter__(self) -> "Camera":
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the window, whatever runs in it."""
        self.window._closing = True
        self.window.close()
        self.window.deleteLater()
        self._app.processEvents()

    def wait(self, until: Callable[[], object], limit_s: float = _LIMIT_S) -> None:
        """Lets the window work until something is so."""
        deadline = time.monotonic() + limit_s
        while not until() and time.monotonic() < deadline:
            self._app.processEvents()
            time.sleep(0.01)
        assert until(), "the window did not get there"

    def top(self) -> QWidget:
        """Returns what lies on top: a menu, a dialog, or the window."""
        return self._app.activePopupWidget() or self._app.activeModalWidget() or self.window

    def shot(self, name: str) -> None:
        """Takes a picture in each theme; a dialog is seen where it lies over the window."""
        for mode in ("light", "dark"):
            self.session.theme.set_mode(mode)
            end = time.monotonic() + _SETTLED_S
            self.wait(lambda: time.monotonic() > end)  # noqa: B023 - called at once
            self._app.sendPostedEvents()  # a text set by the last event has its room only then
            picture: QPixmap = self.top().grab()
            picture.save(str(self._out / f"{name}-{mode}.png"))

    def close(self) -> None:
        """Closes the dialog on top."""
        top = self.top()
        assert top is not self.window
        top.close()
        self._app.processEvents()

    def dialog(self, name: str, ask: Callable[[], object]) -> None:
        """Takes a picture of a dialog and closes it."""
        ask()
        self.shot(name)
        self.close()

    def button(self, inside: QWidget, text: str, owner: QWidget) -> QAbstractButton:
        """Returns a button by its text in English."""
        found = [made for made in inside.findChildren(QAbstractButton) if made.text() == owner.tr(text)]
        return found[0]

    def quiet(self) -> None:
        """Takes the notices away."""
        for frame in self.window.notices._frames():
            self.window.notices._drop(frame)

    def failed_run(self, reason: str, message: str, hint: str) -> Run:
        """Makes a run that did some steps and failed."""
        run = made_run(f"{reason}-run")
        steps = [step(number, 4.0 / number) for number in range(1, 41)]
        failed = events.Failed(reason=reason, message=message, hint=hint, detail="all of it\n" * 9)  # type: ignore[arg-type]
        tell(run, prepared(100), *steps, failed)
        return run
