"""What the computer does once no run is at work or waits: it sleeps, or shuts down; asked for once, for one night.

A process of its own sees to it, so that it needs no window, and a run that is killed changes nothing. It leaves a while
in which it can be called off, and whatever begins meanwhile is waited for again.
"""

import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import filelock

from studio import paths
from studio.core import files, launch, notify, run_queue
from studio.core.errors import StudioError

Action = Literal["sleep", "shutdown"]

GRACE_S = 60.0
_LOOK_S = 1.0
_TAKES_OVER_S = 5.0
_SHOWN_S = 10.0
_WORDS: dict[Action, str] = {"sleep": "goes to sleep", "shutdown": "shuts down"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        action: what the computer does.
        due_s: when it does so, in seconds since 1970; 0: runs are at work or wait still.
    """

    action: Action
    due_s: float = 0.0


def ask(action: Action) -> "subprocess.Popen[bytes]":
    """Has the computer do so once no run is left; what was asked for before is forgotten.

    Returns:
        The process that sees to it; where one does already, it ends in a moment.

    Raises:
        StudioError: (run) no run is at work or waits, or the system starts no process; (disk) it cannot be noted.
    """
    if run_queue.idle():
        raise StudioError("run", "No run is at work, and none waits.", "Start a run first.")
    note = _note()
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(note, json.dumps({"action": action}).encode())
    except OSError as error:
        raise files.disk_error(note, error) from None
    try:
        return launch.apart([sys.executable, "-P", "-m", "studio", "afterwards"], paths.home(), subprocess.DEVNULL)
    except OSError as error:
        cancel()
        message = f"The process that waits for the runs' end could not be started: {error.strerror}."
        raise StudioError("run", message, "Close other programs, then ask for it again.") from None


def cancel() -> None:
    """Leaves the computer on.

    Raises:
        StudioError: (disk) what was asked for cannot be taken back.
    """
    try:
        _note().unlink(missing_ok=True)
    except OSError as error:
        raise files.disk_error(_note(), error) from None


def asked() -> Asked | None:
    """Returns what is asked for, as long as a process sees to it."""
    action = _read()
    if action is None or not _is_seen_to():
        return None
    try:
        return Asked(action, float(json.loads(_due().read_bytes())))
    except (OSError, ValueError, TypeError):
        return Asked(action)


def watch(grace_s: float = GRACE_S) -> int:
    """Waits until no run is left and then does what was asked for; the process's own work.

    Returns:
        The exit code: 0, or that of what could not be done.
    """
    with suppress(filelock.Timeout), filelock.FileLock(_lock(), timeout=_TAKES_OVER_S):
        due = _put_off()
        while (action := _read()) is not None:
            now = time.time()
            if not run_queue.idle():
                due = _put_off() if due else due
            elif due <= now <= due + grace_s:
                with suppress(StudioError):  # without its process it is void
                    cancel()
                return _act(action)
            elif not now < due <= now + grace_s:  # the runs have just ended, or the computer slept since
                due = now + grace_s
                with suppress(OSError):  # then it is told of by the notice alone
                    files.write_atomic(_due(), json.dumps(due).encode())
                _tell("All runs are done", f"The computer {_WORDS[action]} in {grace_s:.0f} seconds.")
            time.sleep(min(_LOOK_S, grace_s / 4))
    return 0


def command(platform: str, action: Action) -> list[str]:
    """Returns the system's command for it."""
    if platform == "darwin":
        ends = ["osascript", "-e", 'tell application "System Events" to shut down']
        return ends if action == "shutdown" else ["pmset", "sleepnow"]
    if platform == "win32":
        ends = ["shutdown", "/s", "/t", "0"]
        return ends if action == "shutdown" else ["rundll32", "powrprof.dll,SetSuspendState", "0,1,0"]
    return ["systemctl", "poweroff" if action == "shutdown" else "suspend"]


def _act(action: Action) -> int:
    try:
        done = subprocess.run(command(sys.platform, action), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        code, said = done.returncode, done.stderr.decode("utf-8", "replace").strip()
    except OSError as error:
        code, said = 1, str(error)
    if code:
        _tell("The computer was left on", said or f"The system refused ({code}).")
    return code


def _put_off() -> float:
    """Takes back when it is due; returns 0."""
    with suppress(OSError):
        _due().unlink(missing_ok=True)
    return 0.0


def _is_seen_to() -> bool:
    try:
        with filelock.FileLock(_lock(), timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:
        return False


def _tell(title: str, text: str) -> None:
    shown = notify.tell(title, text)
    if shown is not None:
        with suppress(subprocess.TimeoutExpired):
            shown.wait(_SHOWN_S)


def _read() -> Action | None:
    with suppress(OSError, ValueError):
        found = json.loads(_note().read_bytes())
        action = found.get("action") if isinstance(found, dict) else None
        return next((known for known in get_args(Action) if known == action), None)
    return None


def _note() -> Path:
    return paths.home() / "afterwards.json"


def _due() -> Path:
    return paths.home() / "afterwards-due.json"


def _lock() -> Path:
    return paths.home() / ".afterwards.lock"
