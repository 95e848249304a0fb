"""What this machine has and lacks: a fitting Python, an NVIDIA driver, Qt's system libraries, a screen for tests.

Read by Pythons older than the program needs, so that they can be told so: no syntax newer than 3.8.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

OLDEST_PYTHON = (3, 11)

# What Qt's plugins link to, and the Debian package that brings it.
OFFSCREEN_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
}
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libX11-xcb.so.1": "libx11-xcb1",
}

# An X server without a screen and a small window manager, which the tests of the real window need.
APT_S = 300
TEST_PROGRAMS = {"Xvfb": "xvfb", "jwm": "jwm"}


def python_problem(version: tuple[int, ...]) -> str | None:
    """Returns what to tell someone whose Python is `version`, None if it fits."""
    if tuple(version[:2]) >= OLDEST_PYTHON:
        return None
    newer = next(
        (name for name in ("python3.14", "python3.13", "python3.12", "python3.11") if shutil.which(name)), None
    )
    remedy = (
        f"This machine has a newer one: {newer} packaging/start.py"
        if newer
        else "Install Python 3.11 or newer from python.org or your system's package manager and start this with it."
    )
    return "Finetune Studio needs Python 3.11 or newer; this is Python {}.{}.\n{}".format(*version[:2], remedy)


def nvidia_driver() -> bool:
    """Returns whether an NVIDIA driver is installed, without running or initialising anything of it."""
    if shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists():
        return True
    return loads("nvcuda.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")


def loads(library: str) -> bool:
    """Returns whether the system's loader finds `library` and everything it links to."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_parts(tests: bool) -> list[str]:
    """Returns what Qt, and with `tests` the tests, need from the system and lack; nothing but on Linux."""
    if not sys.platform.startswith("linux"):
        return []
    libraries = [name for name in [*OFFSCREEN_LIBRARIES, *WINDOW_LIBRARIES] if not loads(name)]
    return libraries + [name for name in TEST_PROGRAMS if tests and not shutil.which(name)]


def apt_command(missing: Iterable[str]) -> list[str]:
    """Returns the command that installs `missing` on Debian or Ubuntu."""
    packages = {**OFFSCREEN_LIBRARIES, **WINDOW_LIBRARIES, **TEST_PROGRAMS}
    return ["apt-get", "install", "-y", "--no-install-recommends", *(packages[name] for name in missing)]


def supply_parts(tests: bool, dry_run: bool) -> None:
    """Installs what `missing_parts` names where that is allowed, else says how; never stops the start."""
    missing = missing_parts(tests)
    if not missing:
        return
    if not shutil.which("apt-get"):
        print(f"The window or its tests need parts of the system that are missing here: {' '.join(missing)}")
        return
    command = apt_command(missing)
    prefix = apt_prefix()
    if prefix is None or dry_run:
        shown = [*(["sudo"] if prefix is None else prefix), *command]
        print("The window or its tests need parts of the system that are missing here. This installs them:")
        print("  " + " ".join(shown))
        return
    print("Installing what the system lacks (235 MB on disk on a bare one): " + " ".join(command[4:]))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "-q"], command):
        code = _call([*prefix, *step], environment)
    if code:
        print(f"That failed (code {code}). The program goes on; the window will need:")
        print("  " + " ".join([*prefix, *command]))


def _call(command: list[str], environment: dict[str, str]) -> int:
    """Runs a command that may wait for a network that is not there; returns its exit code."""
    try:
        return subprocess.call(command, env=environment, stdout=subprocess.DEVNULL, timeout=APT_S)
    except subprocess.TimeoutExpired:
        return 124


def apt_prefix() -> list[str] | None:
    """Returns what to write before an apt-get command so that it may install; None where it may not."""
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.call([sudo, "-n", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
        return [sudo, "-n"]
    return None
