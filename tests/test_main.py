"""What the program does before anything heavy is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.__main__ import EXIT_NO_DISPLAY, no_display

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, True),
        ("linux", {"DISPLAY": ""}, True),
        ("linux", {"DISPLAY": ":0"}, False),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, False),
        ("linux", {"QT_QPA_PLATFORM": "offscreen"}, False),
        ("win32", {}, False),
        ("darwin", {}, False),
    ],
)
def test_where_there_is_no_display(platform: str, environment: dict[str, str], expected: bool) -> None:
    assert no_display(platform, environment) == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there always is one")
def test_without_a_display_it_says_so() -> None:
    shown = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    bare = {name: value for name, value in os.environ.items() if name not in shown}
    done = subprocess.run(
        [sys.executable, "-m", "studio"], cwd=ROOT, env=bare, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == EXIT_NO_DISPLAY
    assert "no display" in done.stderr
    assert "studio --help" in done.stderr
