"""Tells the desktop that a run has ended, and runs the command that the user wants run then; without any window."""

import html
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence

from studio.core import events, settings
from studio.core.runs import Run

_PROGRAM = "Finetune Studio"
_TITLE, _TEXT = "STUDIO_NOTICE_TITLE", "STUDIO_NOTICE_TEXT"
# By environment, so that no name can be taken for a piece of the script.
_BALLOON = (
    "Add-Type -AssemblyName System.Windows.Forms, System.Drawing; $n = New-Object System.Windows.Forms.NotifyIcon; "
    "$n.Icon = [System.Drawing.SystemIcons]::Information; $n.Visible = $true; "
    f"$n.ShowBalloonTip(8000, $env:{_TITLE}, $env:{_TEXT}, 'None'); Start-Sleep 8; $n.Dispose()"
)
if sys.platform == "win32":
    _UNSEEN = subprocess.CREATE_NO_WINDOW
else:
    _UNSEEN = 0
_APPLE = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"


def of_end(run: Run) -> "list[subprocess.Popen[bytes]]":
    """Tells of how `run` ended, as the user has it in the settings; by the run's own process, once all is written.

    What cannot be told, or a command that fails, is noted in the run's log alone.

    Returns:
        What was begun, which nobody need wait for.

    Raises:
        StudioError: (run) its events cannot be read.
        OSError: likewise.
    """
    last = events.last(run.events_path)
    if not isinstance(last, events.Finished | events.Failed):
        return []
    wanted, name = settings.seen(), run.title() or run.name
    title, text = said(run, name, last)
    begun = [tell(title, text)] if wanted.notify else []
    if wanted.when_ended.strip():
        state = "failed" if isinstance(last, events.Failed) else last.outcome
        about = {"STUDIO_RUN": str(run.path), "STUDIO_NAME": name, "STUDIO_STATE": state}
        try:
            begun.append(_begin(as_words(wanted.when_ended, sys.platform), about | {"STUDIO_TEXT": text}, None))
        except (OSError, ValueError) as error:
            print(f"The command for a run's end could not be started: {error}", file=sys.stderr)
    return [process for process in begun if process is not None]


def said(run: Run, name: str, last: events.Finished | events.Failed) -> tuple[str, str]:
    """Returns a title and a line about the end of a run that is called so."""
    if isinstance(last, events.Failed):
        return f"{name} failed", last.message
    steps = run.summary().steps
    parts = [f"Step {last.step:,}", *([f"loss {steps[-1].loss:.4f}"] if steps else [])]
    parts += [f"the adapter {last.adapter} is in the library"] if last.adapter else ["its model lies in the run folder"]
    return f"{name} is done", f"{', '.join(parts)}."


def tell(title: str, text: str) -> "subprocess.Popen[bytes] | None":
    """Has the desktop show a notice; where there is no desktop, or it has no way to be asked, nothing happens.

    Returns:
        What shows it, which nobody need wait for; None: there is no such program.
    """
    try:
        return _begin(command(sys.platform, title, text), {_TITLE: title, _TEXT: text}, subprocess.DEVNULL)
    except (OSError, ValueError):
        return None


def command(platform: str, title: str, text: str) -> list[str]:
    """Returns the command that shows a notice."""
    if platform == "darwin":
        return ["osascript", "-e", _APPLE, title, text]
    if platform == "win32":
        return ["powershell", "-NoProfile", "-NonInteractive", "-Command", _BALLOON]
    # The text may be marked up, the title may not.
    return ["notify-send", f"--app-name={_PROGRAM}", "--", title, html.escape(text, quote=False)]


def as_words(typed: str, platform: str) -> str | list[str]:
    """Returns a command that a person typed as its words, as a shell would; Windows' programs part their own.

    Raises:
        ValueError: a quotation has no end.
    """
    return typed if platform == "win32" else shlex.split(typed)


def _begin(words: str | Sequence[str], about: Mapping[str, str], output: int | None) -> "subprocess.Popen[bytes]":
    """Starts a command; its output goes to `output`, or where this process's goes."""
    environment = {**os.environ, **about}
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, creationflags=_UNSEEN
    )
