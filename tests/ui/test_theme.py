"""What a theme does to the whole application: style it once, let no garbage go meanwhile, and do without a cache."""

import gc
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QLabel
from shiboken6 import isValid

from studio import paths
from studio.ui.theme import Theme
from studio.ui.window import MainWindow

TELLS = """
import re, sys
from PySide6.QtWidgets import QApplication
from studio.ui.theme import Theme

app = QApplication([])
print(*re.findall(r"url\\((.*?)\\)", Theme(app).sheet), sep="\\n")
"""


def pictures(sheet: str) -> set[Path]:
    """The files that a style sheet shows."""
    return {Path(name) for name in re.findall(r"url\((.*?)\)", sheet)}


class Collecting(QObject):
    """Notes whether garbage may be collected while all widgets are given another palette."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bool] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self.seen.append(gc.isenabled())
        return False


def test_an_application_is_styled_once(qapp: QApplication, theme: Theme) -> None:
    style = qapp.style()
    other = Theme(qapp, "dark")
    assert isValid(style)
    assert qapp.style().name().lower() == "fusion"
    other.deleteLater()


def test_no_garbage_is_collected_while_qt_goes_through_all_widgets(qapp: QApplication, theme: Theme) -> None:
    widget, collecting = QLabel("text"), Collecting()
    qapp.installEventFilter(collecting)
    assert gc.isenabled()
    theme.set_mode("dark")
    qapp.removeEventFilter(collecting)
    assert collecting.seen
    assert not any(collecting.seen)
    assert gc.isenabled()
    widget.deleteLater()


@pytest.mark.parametrize("name", ["cache", "cache/icons"])
def test_where_the_cache_cannot_be_written_the_style_has_its_pictures_all_the_same(
    home: Path, qapp: QApplication, name: str
) -> None:
    (home / name).parent.mkdir(exist_ok=True)
    (home / name).touch()
    theme = Theme(qapp, "light")
    light = pictures(theme.sheet)
    theme.set_mode("dark")
    dark = pictures(theme.sheet)
    assert len(light | dark) > len(light)
    for file in light | dark:
        assert file.read_bytes().lstrip().startswith(b"<svg")
        assert not file.is_relative_to(home)
    theme.deleteLater()


def test_pictures_beside_the_cache_go_with_the_process(home: Path) -> None:
    (home / "cache").touch()
    told = subprocess.run([sys.executable, "-c", TELLS], capture_output=True, text=True, check=True).stdout.splitlines()
    assert told
    assert not any(Path(name).parent.exists() for name in told)


@pytest.mark.qt_log_ignore("propagateSizeHints", "Could not create pixmap", "Cannot open file")
def test_a_window_opens_where_pictures_can_be_written_nowhere(
    home: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "cache").touch()
    monkeypatch.setattr("tempfile.tempdir", str(home / "none"))
    theme = Theme(qapp, "light")
    assert pictures(theme.sheet)
    theme.deleteLater()


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_pictures_lie_in_the_cache_where_it_can_be_written(window: MainWindow) -> None:
    assert {file.parent for file in pictures(window.session.theme.sheet)} == {paths.cache_dir() / "icons"}
