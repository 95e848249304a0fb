"""The window on screens of other sizes than that of the tests: a second, larger one, and one with few pixels."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.core import library
from tests.adapters import made

EXPORTS = """
from PySide6.QtWidgets import QApplication
from studio.core import library
from studio.ui.app import open_window
from studio.ui.pages.export import ExportDialog

app = QApplication([])
window = open_window(app)
dialog = ExportDialog(window.session, library.find("letters"), window)
dialog.open()
proof = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}
for done in (False, True):
    if done:
        dialog._show({"proof": proof, "path": "/tmp/out", "files": [], "bytes": 1})
    for _ in range(5):
        app.processEvents()
    shown = [dialog, *(made for made in (dialog.shut, dialog.start, dialog.open_button) if made.isVisible())]
    print([made.mapToGlobal(made.rect().bottomLeft()).y() for made in shown], flush=True)
print([dialog.mapToGlobal(dialog.rect().topLeft()).y(), int(dialog.proof.visibleRegion().isEmpty())], flush=True)
dialog.reject()
window.close()
window.deleteLater()
"""
LOOKS = """
import time
from PySide6.QtWidgets import QApplication
from studio.ui.app import open_window
from studio.ui.pages.space import SpaceDialog

app = QApplication([])
window = open_window(app)
dialog = SpaceDialog(window.session, window)
dialog.open()
while dialog._command is not None:
    app.processEvents()
    time.sleep(0.01)
app.processEvents()
print([dialog.mapToGlobal(made).y() for made in (dialog.rect().topLeft(), dialog.rect().bottomLeft())], flush=True)
dialog.reject()
window.close()
window.deleteLater()
"""
OPENED = """
import sys
from PySide6.QtWidgets import QApplication
from studio.ui.app import open_window

app = QApplication([])
for place in eval(sys.argv[1]):
    window = open_window(app)
    if place:
        window.setGeometry(*place)
    app.processEvents()
    print(list(window.geometry().getRect()), flush=True)
    window.close()
    window.deleteLater()
"""


def opened(folder: Path, screens: list[tuple[int, int]], places: list[tuple[int, ...]]) -> list[list[int]]:
    """Opens one window after the other, moves them, if anywhere; returns where they were as they were closed."""
    return said(folder, screens, OPENED, repr(places))


def said(folder: Path, screens: list[tuple[int, int]], code: str, argument: str = "") -> list[list[int]]:
    """Runs code on such screens; returns the lists it prints."""
    lefts = [sum(width for width, _ in screens[:at]) for at in range(len(screens))]
    told = [
        {"name": str(left), "x": left, "y": 0, "width": width, "height": height, "dpr": 1}
        for left, (width, height) in zip(lefts, screens, strict=True)
    ]
    file = folder / "screens.json"
    file.write_text(json.dumps({"screens": told}))
    environment = os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={file}"}
    command = [sys.executable, "-c", code, argument]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("screens", [[(1366, 768), (2560, 1440)], [(2560, 1440), (1366, 768)]])
def test_a_window_keeps_its_size_on_the_larger_of_two_screens(tmp_path: Path, screens: list[tuple[int, int]]) -> None:
    left = 1366 if screens[0][0] == 1366 else 0
    place = (left + 50, 60, 2300, 1300)
    assert opened(tmp_path, screens, [place, ()]) == [[*place], [*place]]


def test_a_window_is_no_taller_than_a_screen_of_few_pixels(tmp_path: Path) -> None:
    ((_, _, width, height),) = opened(tmp_path, [(960, 540)], [()])
    assert width == 960
    assert height < 540, "its frame has room too"


@pytest.mark.parametrize("screen", [(960, 540), (1280, 720)])
def test_an_export_is_no_taller_than_the_screen(tmp_path: Path, screen: tuple[int, int]) -> None:
    made("letters", rank_pattern={"q_proj": 4})
    before, behind, (top, unseen) = said(tmp_path, [screen], EXPORTS)
    assert max(*before, *behind) < screen[1]
    assert top >= 0
    assert not unseen, "what came of it is scrolled to"


def test_the_trash_is_no_taller_than_a_screen_of_few_pixels(tmp_path: Path) -> None:
    library.remove(made("letters"))
    ((top, bottom),) = said(tmp_path, [(960, 540)], LOOKS)
    assert 0 <= top < bottom < 540
