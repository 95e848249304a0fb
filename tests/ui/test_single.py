"""Two starts on the same folder: one window, and nobody's draft is lost."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio import paths
from studio.core.errors import StudioError
from studio.ui.single import Claim
from studio.ui.window import MainWindow

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from studio.ui.single import Claim
claim = Claim()
assert claim.take()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(qtbot: QtBot) -> Iterator[Claim]:
    claim = Claim()
    assert claim.take(0)
    yield claim
    claim.release()


@pytest.fixture
def other(qtbot: QtBot) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the claim and answers nobody."""
    words = [sys.executable, "-c", HOLD]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.qt_log_ignore("does not support")
def test_a_second_start_brings_the_window_forward_and_ends(held: Claim, window: MainWindow, qtbot: QtBot) -> None:
    held.watch()
    window.showMinimized()
    second = subprocess.Popen(
        [sys.executable, "-m", "studio"], cwd=ROOT, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    qtbot.waitUntil(lambda: second.poll() is not None)
    assert "open already" in second.communicate()[1]
    assert second.returncode == 0
    assert not window.windowState() & Qt.WindowState.WindowMinimized
    assert not (paths.home() / "window.wanted").exists()


@pytest.mark.qt_log_ignore("does not support")
def test_a_start_while_the_window_is_being_opened_is_answered_when_it_is_shown(held: Claim, window: MainWindow) -> None:
    window.showMinimized()
    (paths.home() / "window.wanted").touch()
    held.watch()
    assert not window.windowState() & Qt.WindowState.WindowMinimized


def test_a_window_that_does_not_answer_is_told_of(other: subprocess.Popen[str]) -> None:
    with pytest.raises(StudioError, match="does not answer") as caught:
        Claim().take(0.2)
    assert caught.value.reason == "busy"
    assert not (paths.home() / "window.wanted").exists()


def test_a_window_that_was_killed_holds_up_nobody(other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGKILL)
    claim = Claim()
    assert claim.take(10)
    claim.release()


def test_a_folder_that_takes_no_lock_still_opens(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "file" / "home"))
    assert Claim().take(0)
