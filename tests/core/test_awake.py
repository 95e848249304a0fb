"""The computer is kept awake by a process that ends with the one that asked, and nothing is lost without it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from studio.core import awake

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there it is a call of the system")


@pytest.fixture
def inhibitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a program in the system's place that does what it was asked for and notes it; returns the note."""
    note, program = tmp_path / "note", tmp_path / "systemd-inhibit"
    program.write_text(f'#!/bin/sh\necho "$1 $4" > {note}\nshift 4\nexec "$@"\n')
    program.chmod(0o700)
    (tmp_path / "caffeinate").write_text(f'#!/bin/sh\necho "$@" > {note}\nexec tail --pid="$3" -f /dev/null\n')
    (tmp_path / "caffeinate").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return note


def until_noted(note: Path) -> None:
    deadline = time.monotonic() + 30
    while not (note.exists() and note.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_asked_for_as_long_as_the_block_runs(inhibitor: Path) -> None:
    before = set(psutil.Process().children())
    with awake.kept():
        until_noted(inhibitor)
        (holder,) = set(psutil.Process().children()) - before
    assert "sleep" in inhibitor.read_text() or inhibitor.read_text().startswith("-i")
    assert not holder.is_running()


def test_it_ends_with_a_process_that_is_killed(inhibitor: Path) -> None:
    code = "from studio.core import awake; import time\nwith awake.kept(): time.sleep(100)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[2])
    until_noted(inhibitor)
    (holder,) = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    psutil.wait_procs([holder], timeout=30)
    assert not holder.is_running()


def test_a_system_without_the_program_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    before = psutil.Process().children()
    with awake.kept():
        assert psutil.Process().children() == before


@pytest.mark.parametrize(("platform", "program"), [("darwin", "caffeinate"), ("linux", "systemd-inhibit")])
def test_each_system_is_asked_in_its_own_way(platform: str, program: str) -> None:
    asked = awake.command(platform, 1234)
    assert asked[0] == program
    assert any(word in ("1234", "--pid=1234") for word in asked)
