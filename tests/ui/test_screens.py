"""The window on screens of other sizes than that of the tests: a second, larger one, and one with few pixels."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    lefts = [sum(width for width, _ in screens[:at]) for at in range(len(screens))]
    told = [
        {"name": str(left), "x": left, "y": 0, "width": width, "height": height, "dpr": 1}
        for left, (width, height) in zip(lefts, screens, strict=True)
    ]
    file = folder / "screens.json"
    file.write_text(json.dumps({"screens": told}))
    environment = os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={file}"}
    command = [sys.executable, "-c", OPENED, repr(places)]
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
