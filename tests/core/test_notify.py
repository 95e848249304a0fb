"""The end of a run is told to the desktop, and to a command of the user's."""

import os
import sys
from pathlib import Path

import pytest

from studio.core import events, notify, runs, settings
from studio.core.runs import Run
from studio.core.settings import Settings
from tests.core.test_runs import config

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs cannot be put in the system's place so")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a desktop's program in its place that notes each word it is given; returns the note."""
    note = tmp_path / "told"
    for name in ("notify-send", "osascript"):
        (tmp_path / name).write_text(f'#!/bin/sh\nfor word in "$@"; do echo "$word" >> {note}; done\n')
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return note


def seen(run: Run) -> None:
    """Tells of a run's end, and waits until that is done."""
    for process in notify.of_end(run):
        assert process.wait(60) == 0


def ended(*told: events.Event, name: str = "my <run>") -> Run:
    run = runs.create(config(name=name))
    for event in told:
        run.emit(event)
    return run


def finished(adapter: str = "support") -> events.Finished:
    return events.Finished(
        step=1200, outcome="completed", path="adapter", adapter=adapter, result_step=1200, train_s=3.0
    )


FAILED = events.Failed(reason="memory", message="Too much & more.", hint="Take less.")


def test_the_desktop_is_told_how_a_run_ended(told: Path) -> None:
    seen(ended(finished()))
    assert told.read_text().splitlines()[-2:] == [
        "my <run> is done",
        "Step 1,200, the adapter support is in the library.",
    ]
    seen(ended(FAILED, name="--help"))
    assert told.read_text().splitlines()[-2:] == ["--help failed", "Too much &amp; more."]


def test_a_run_that_has_not_ended_is_no_news(told: Path) -> None:
    assert notify.of_end(ended(events.Phase(name="loading"))) == []
    assert notify.of_end(ended()) == []
    assert not told.exists()


def test_it_can_be_turned_off(told: Path) -> None:
    settings.save(Settings(notify=False))
    assert notify.of_end(ended(finished())) == []
    assert not told.exists()


def test_without_a_desktop_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert notify.of_end(ended(finished())) == []


def test_a_desktop_that_hangs_is_not_waited_for(told: Path) -> None:
    for name in ("notify-send", "osascript"):
        (told.parent / name).write_text("#!/bin/sh\nexec sleep 100\n")
    (asked,) = notify.of_end(ended(finished()))
    assert asked.poll() is None
    asked.kill()
    asked.wait()


def test_a_command_of_the_users_is_told_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings.save(Settings(notify=False, when_ended="sh -c 'echo \"$STUDIO_NAME: $STUDIO_STATE, $STUDIO_TEXT\"'"))
    seen(ended(finished("")))
    seen(ended(FAILED))
    assert capfd.readouterr().out.splitlines() == [
        "my <run>: completed, Step 1,200, its model lies in the run folder.",
        "my <run>: failed, Too much & more.",
    ]


def test_a_command_of_blanks_is_none() -> None:
    settings.save(Settings(notify=False, when_ended="  "))
    assert notify.of_end(ended(finished())) == []


@pytest.mark.parametrize("typed", ["/no/such/program --loud", "echo 'no end"])
def test_a_command_that_cannot_be_begun_is_noted(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings.save(Settings(notify=False, when_ended=typed))
    notify.of_end(ended(finished()))
    assert capsys.readouterr().err.startswith("The command for a run's end could not be started: ")


def test_windows_is_told_by_its_environment_alone() -> None:
    asked = notify.command("win32", "a'; rm b", "text")
    assert not any("rm b" in word for word in asked)
    assert notify.as_words(r"C:\say.exe done", "win32") == r"C:\say.exe done"
    assert notify.as_words("say 'all done'", "linux") == ["say", "all done"]
