"""The program as it is started, on a real X server, used from outside: real keys, a real mouse, real pixels."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from studio.ui.theme import DARK, LIGHT

if not sys.platform.startswith("linux"):
    pytest.skip("X servers to test on are there on Linux alone", allow_module_level=True)

from tests import xserver
from tests.xserver import Screen, Window, wait_for

ROOT = Path(__file__).resolve().parents[2]
TITLE = "Finetune Studio"
RAIL_PX = 168
_WAIT_S = 60

# A file in somebody else's window: what is pressed there and moved away is a data file.
SOURCE = """
import sys
from PySide6.QtCore import QMimeData, QUrl, Qt
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication, QLabel

class File(QLabel):
    def mousePressEvent(self, event):
        drag, mime = QDrag(self), QMimeData()
        mime.setUrls([QUrl.fromLocalFile(sys.argv[1])])
        drag.setMimeData(mime)
        drag.exec(Qt.DropAction.CopyAction)

app = QApplication([])
file = File("a file")
file.setWindowTitle("Files")
file.setGeometry(2700, 1300, 200, 120)
file.show()
app.exec()
"""


@contextmanager
def file_to_drag(screen: Screen, path: Path) -> Iterator[None]:
    """Another program with a window "Files" from which `path` can be dragged."""
    environment = xserver.without_platform() | {"DISPLAY": screen.name, "QT_QPA_PLATFORM": "xcb"}
    source = subprocess.Popen([sys.executable, "-c", SOURCE, str(path)], env=environment)
    try:
        yield
    finally:
        source.kill()
        source.wait()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    lacking = xserver.missing()
    if lacking:
        text = f"not installed: {' '.join(lacking)}; `sudo apt-get install xvfb jwm` brings them"
        assert os.environ.get("STUDIO_X_SERVER") != "required", text
        pytest.skip(text)
    with xserver.opened(tmp_path) as made:
        yield made


class Program:
    """The program in a process of its own, and where its things are on the screen."""

    def __init__(self, screen: Screen, process: "subprocess.Popen[bytes]", home: Path, scale: float) -> None:
        self.screen, self.process, self.home, self.scale = screen, process, home, scale
        self.window = wait_for(lambda: screen.window(TITLE), "the window", 60.0)
        wait_for(lambda: self.brightness() > 0, "the welcome page")
        assert self.selected() is None, "it is none of the rail's pages"
        self.screen.press("ctrl", "1")
        wait_for(lambda: self.selected() is not None, "the first page")

    def px(self, logical: float) -> int:
        return round(logical * self.scale)

    def selected(self) -> int | None:
        """Returns where in the rail the chosen page is, on the screen, by the colour behind it."""
        self.window = self.screen.window(TITLE) or self.window
        rail = self.screen.pixels(self.window, self.px(RAIL_PX))
        # One column of pixels, right of where the words end.
        column = rail[:, self.px(RAIL_PX - 20)]
        rows = np.flatnonzero(np.any([(column == rgb(each.selected)).all(1) for each in (LIGHT, DARK)], axis=0))
        return self.window.y + int(rows.mean()) if len(rows) else None

    def page(self, *keys: str) -> int:
        """Goes to a page by keys; returns where in the rail it is."""
        before = self.selected()
        # Another program may just have had them, and the window manager gives them back in its own time.
        wait_for(lambda: self.screen.has_keys(self.window), "the keyboard's focus")
        self.screen.press(*keys)
        return wait_for(lambda: at if (at := self.selected()) != before else None, f"another page after {keys}")

    def brightness(self) -> float:
        """Returns how bright the left of the window is in the mean, from 0 to 255."""
        return float(self.screen.pixels(self.window, self.px(2 * RAIL_PX))[::4, ::4].mean())

    def popup(self, *, other_than: Window | None = None) -> Window:
        """Waits for a menu to be open."""
        return wait_for(lambda: found if (found := self.screen.popup()) != other_than else None, "a menu")

    def no_popup(self) -> None:
        wait_for(lambda: self.screen.popup() is None, "the menu closed")

    def stored(self) -> Any:
        """Returns the settings file, empty while there is none."""
        file = self.home / "settings.json"
        return json.loads(file.read_bytes()) if file.exists() else {}

    def ended(self) -> str:
        """Waits for its end, which is to be a good one; returns what it said on the way."""
        _, said = self.process.communicate(timeout=_WAIT_S)
        assert self.process.returncode == 0, said.decode()
        return said.decode()


@contextmanager
def started(screen: Screen, home: Path, scale: float) -> Iterator[Program]:
    environment = xserver.without_platform() | {
        "DISPLAY": screen.name,
        "QT_QPA_PLATFORM": "xcb",
        "QT_SCALE_FACTOR": str(scale),
        "STUDIO_HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PYTHONFAULTHANDLER": "1",
    }
    command = [sys.executable, "-m", "studio"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        family = psutil.Process(process.pid)
        try:
            made = Program(screen, process, home, scale)
            yield made
            left = family.children(recursive=True)
            assert made.ended() == ""
            assert not psutil.wait_procs(left, timeout=_WAIT_S)[1]
        finally:
            process.kill()
            # What it said last, if the test fails.
            print(process.communicate()[1].decode(errors="replace"))


@pytest.mark.parametrize("scale", [1, 1.5, 2])
def test_pages_theme_palette_and_menus_by_key_and_mouse(screen: Screen, home: Path, scale: float) -> None:
    with started(screen, home, scale) as program:
        # Pages by key; where each is in the rail shows in the pixels, and is where the mouse clicks then.
        places = [program.page("ctrl", str(number)) for number in (2, 3, 4, 5, 1)]
        assert places[:4] == sorted(places[:4])
        assert len(set(places)) == 5
        library = places[2]
        screen.click(program.window.x + program.px(60), library)
        wait_for(lambda: program.selected() == library, "the page clicked in the rail")

        assert program.brightness() > 200
        screen.press("ctrl", "shift", "l")
        wait_for(lambda: program.brightness() < 80, "the dark theme")
        assert program.stored()["theme"] == "dark"
        screen.press("ctrl", "shift", "l")
        wait_for(lambda: program.brightness() > 200, "the light theme")

        screen.press("ctrl", "k")
        wait_for(lambda: screen.window("Commands"), "the command palette")
        screen.type("comp")
        screen.press("Return")
        wait_for(lambda: screen.window("Commands") is None, "the palette gone")
        wait_for(lambda: program.selected() == places[3], "the page the palette was asked for")

        screen.click(program.window.x + program.px(28), program.window.y + program.px(14))
        file = program.popup()
        assert file.y < program.window.y + program.px(40)
        screen.press("Right")
        program.popup(other_than=file)
        screen.press("Escape")
        program.no_popup()
        screen.press("Escape")
        screen.press("alt", "f")
        file = program.popup()
        # Its last entry is Quit.
        screen.click(file.x + file.width // 3, file.y + file.height - program.px(16))
    assert program.stored()["page"] == "compare"


@pytest.mark.parametrize("scale", [1, 2])
def test_a_file_is_dropped_and_a_field_is_filled(screen: Screen, home: Path, tmp_path: Path, scale: float) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text('{"prompt": "a", "completion": "b"}\n' * 20, encoding="utf-8")
    with started(screen, home, scale) as program:
        program.page("ctrl", "5")
        empty = program.brightness()
        with file_to_drag(screen, data):
            files, window = wait_for(lambda: screen.window("Files"), "the other window"), program.window

            def dropped() -> bool:
                screen.drag((files.x + 60, files.y + 60), (window.x + window.width // 2, window.y + window.height // 2))
                time.sleep(2)  # what was dropped is opened, and remembered only then
                return bool(program.stored().get("recent_data") == [str(data)])

            # Where the machine is busy a drag can be over before the other program has seen it begin.
            wait_for(dropped, "the dropped file remembered")
        wait_for(lambda: program.brightness() != empty, "the Data page drawn")

        program.page("ctrl", "2")
        screen.click(*wait_for(lambda: fields(program), "fields to type in")[-1])
        before = screen.pixels(program.window)
        screen.press("ctrl", "a")
        screen.type("37")
        screen.press("Tab")
        wait_for(lambda: np.any(screen.pixels(program.window) != before), "what was typed")
        screen.ask_to_close(program.window)
    stored = program.stored()
    assert stored["page"] == "configure"
    assert stored["geometry"]
    assert {"37", 37} & set(leaves(stored["draft"]))


def test_ctrl_q_ends_the_program_and_it_remembers_where_it_was(screen: Screen, home: Path) -> None:
    with started(screen, home, 1) as program:
        program.page("ctrl", "3")
        screen.press("ctrl", "k")
        wait_for(lambda: screen.window("Commands"), "the command palette")
        screen.press("ctrl", "q")
        screen.press("Escape")
        wait_for(lambda: screen.window("Commands") is None, "the palette gone")
        program.page("ctrl", "4")  # it is still there: a dialog keeps the window's keys from it
        screen.press("ctrl", "q")
    stored = program.stored()
    assert stored["page"] == "library"
    assert stored["geometry"]


def fields(program: Program) -> list[tuple[int, int]]:
    """Returns the middle of every box of the form that is typed in alone, from the top, by its frame's colour."""
    pixels = program.screen.pixels(program.window)
    form = pixels[:, program.px(RAIL_PX + 16) : program.window.width * 6 // 10]
    framed = (form == rgb(LIGHT.strong_border)).all(2)
    lines = np.flatnonzero((framed.sum(1) > program.px(150)) & (framed.sum(1) < program.px(400)))
    tops = [line for line in lines if line - 1 not in lines]
    pairs = [(a, b) for a, b in pairwise(tops) if program.px(20) < b - a < program.px(34)]
    # What can be chosen from a list, or stepped, has an arrow at its right end.
    ends = {a: form[a + program.px(4) : b - program.px(4), : np.flatnonzero(framed[a])[-1]] for a, b in pairs}
    bare = [(a, b) for a, b in pairs if (ends[a][:, -program.px(20) :] == ends[a][0, -1]).all()]
    left = program.window.x + program.px(RAIL_PX + 16)
    return [(left + int(np.flatnonzero(framed[a]).mean()), program.window.y + int(a + b) // 2) for a, b in bare]


def rgb(colour: str) -> Any:
    """Returns `#rrggbb` as three numbers."""
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])


def leaves(values: Any) -> Iterator[Any]:
    """Yields every plain value in nested ones."""
    for each in values.values() if isinstance(values, dict) else values:
        if isinstance(each, dict | list):
            yield from leaves(each)
        else:
            yield each
