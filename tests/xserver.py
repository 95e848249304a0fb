"""A real X server without a screen, a window manager on it, and hands: real key and mouse events, real pixels."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from Xlib import XK, X, error
from Xlib.display import Display
from Xlib.ext import xtest

PROGRAMS = ("Xvfb", "jwm")
LEFT = 1
_SIZE = "3000x1760x24"
_KEYS = {"ctrl": "Control_L", "shift": "Shift_L", "alt": "Alt_L", "/": "slash", "-": "minus"}
_JWM = "<?xml version='1.0'?><JWM><FocusModel>click</FocusModel></JWM>"

Pixels = NDArray[np.uint8]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Window:
    """A window on the screen, in device pixels; `popup` for one that no window manager frames, such as a menu."""

    handle: Any
    title: str
    x: int
    y: int
    width: int
    height: int
    popup: bool


def missing() -> list[str]:
    """Returns what is not installed of that which these tests need."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def wait_for(look: Callable[[], Found | None], what: str, limit_s: float = 60.0) -> Found:
    """Looks again and again until there is something, and returns it."""
    deadline = time.monotonic() + limit_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not seen within {limit_s:.0f} s: {what}"
        time.sleep(0.03)
    return found


class Screen:
    """The display as a person has it: windows to see, keys to press, a mouse to move."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._display = Display(name)
        self._root = self._display.screen().root

    def close(self) -> None:
        self._display.close()

    def windows(self) -> list[Window]:
        """Returns the windows that are shown, those of menus and tips too."""
        listed = self._root.get_full_property(self._display.intern_atom("_NET_CLIENT_LIST"), X.AnyPropertyType)
        managed = [self._display.create_resource_object("window", each) for each in (listed.value if listed else [])]
        bare = [each for each in self._root.query_tree().children if self._bare(each)]
        return [made for each in managed + bare if (made := self._seen(each, each in bare)) is not None]

    def window(self, title: str) -> Window | None:
        """Returns the window called `title`, if it is shown."""
        return next((each for each in self.windows() if each.title == title and not each.popup), None)

    def popup(self) -> Window | None:
        """Returns the menu or list that lies over the windows, the newest first, if there is one."""
        return next((each for each in reversed(self.windows()) if each.popup), None)

    def pixels(self, window: Window, width: int = 0) -> Pixels:
        """Returns what is drawn in `window`, or at its left: height, width, and red, green, blue."""
        width = width or window.width
        image = window.handle.get_image(0, 0, width, window.height, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(window.height, width, 4)[:, :, 2::-1]

    def has_keys(self, window: Window) -> bool:
        """Says whether what is typed goes to `window`."""
        return bool(self._display.get_input_focus().focus == window.handle)

    def press(self, *keys: str) -> None:
        """Presses keys together, such as `ctrl`, `shift`, `l`."""
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(_KEYS.get(key, key))) for key in keys]
        assert all(codes), keys
        for code in codes:
            xtest.fake_input(self._display, X.KeyPress, code)
        for code in reversed(codes):
            xtest.fake_input(self._display, X.KeyRelease, code)
        self._display.sync()

    def type(self, text: str) -> None:
        """Types lower-case letters, digits, `-` and `/`."""
        for letter in text:
            self.press(letter)

    def move(self, x: int, y: int) -> None:
        """Moves the mouse."""
        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)
        self._display.sync()

    def button(self, down: bool) -> None:
        """Presses or releases the left button where the mouse is."""
        xtest.fake_input(self._display, X.ButtonPress if down else X.ButtonRelease, LEFT)
        self._display.sync()

    def click(self, x: int, y: int) -> None:
        """Moves the mouse there and clicks."""
        self.move(x, y)
        self.button(True)
        self.button(False)

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 12) -> None:
        """Drags from `start` to `end` as slowly as a hand does."""
        self.move(*start)
        self.button(True)
        for step in range(1, steps + 1):
            x, y = (round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True))
            self.move(x, y)
            time.sleep(0.03)
        time.sleep(0.1)
        self.button(False)

    def ask_to_close(self, window: Window) -> None:
        """Asks the window manager to close `window`, as its close button does."""
        from Xlib.protocol import event

        atom = self._display.intern_atom("_NET_CLOSE_WINDOW")
        message = event.ClientMessage(window=window.handle, client_type=atom, data=(32, [0, 2, 0, 0, 0]))
        self._root.send_event(message, event_mask=X.SubstructureNotifyMask | X.SubstructureRedirectMask)
        self._display.sync()

    def _bare(self, window: Any) -> bool:
        try:
            attributes = window.get_attributes()
            shown = attributes.map_state == X.IsViewable and attributes.override_redirect
            return bool(shown and window.get_wm_class())
        except (error.BadWindow, error.BadDrawable):
            return False

    def _seen(self, window: Any, popup: bool) -> Window | None:
        try:
            size, place = window.get_geometry(), self._root.translate_coords(window, 0, 0)
            title = window.get_wm_name() or ""
        except (error.BadWindow, error.BadDrawable):
            return None
        return Window(window, title, place.x, place.y, size.width, size.height, popup)


def without_platform() -> dict[str, str]:
    """Returns this process's environment without what names a display or a platform of Qt."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "QT_SCALE_FACTOR")
    return {key: value for key, value in os.environ.items() if key not in named}


@contextmanager
def opened(folder: Path) -> Iterator[Screen]:
    """Runs an X server of a number nobody uses, and the window manager; its settings go to `folder`."""
    settings = folder / "jwmrc"
    settings.write_text(_JWM)
    reads, writes = os.pipe()
    # The server itself looks for a free number and tells it.
    command = ["Xvfb", "-displayfd", str(writes), "-screen", "0", _SIZE, "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL)
    os.close(writes)
    with os.fdopen(reads) as told:
        number = told.readline().strip()
    started = [server]
    try:
        assert number, "Xvfb did not start"
        environment = without_platform() | {"DISPLAY": f":{number}"}
        started.append(subprocess.Popen(["jwm", "-f", str(settings)], env=environment, stderr=subprocess.DEVNULL))
        screen = Screen(f":{number}")
        yield screen
        screen.close()
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(10)
