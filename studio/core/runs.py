"""The run folder: everything a run was, is and was asked, in files that survive whatever happens to a process.

`run.json` is written once; `events.jsonl` and `commands.jsonl` only grow. Whether a process works on the run is
told by the lock it holds, which the operating system frees when it dies, never by something written down.
"""

import errno
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import filelock

from studio import paths
from studio.core import claims, events, files, pinned, steps
from studio.core import config as declared
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.files import disk_error, write_atomic
from studio.core.hub_ids import short_name
from studio.core.progress import Progress, folded

# A look takes far less; so long a window may stand still for it.
_LOOK_S = 0.02
_POLL_S = 0.002
LOOKED_S = 0.2  # longer than anybody looks
# What to do about a full disk that ended a run.
FREE_AND_RESUME = "Free some space and resume the run: it goes on from its last checkpoint."
# A resumed run is exact with the same versions of these.
_PACKAGES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "tokenizers")


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder. Any process may read it; only the one that holds its claim may write events."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name: its folder's."""
        return self.path.name

    @property
    def events_path(self) -> Path:
        """The file of events."""
        return self.path / "events.jsonl"

    @property
    def commands_path(self) -> Path:
        """The file of commands."""
        return self.path / "commands.jsonl"

    @property
    def address(self) -> str:
        """What commands find it by: its name, or its folder where that lies elsewhere."""
        place = self.path.resolve()
        return self.name if place.parent == paths.runs_dir().resolve() else str(place)

    def about(self) -> dict[str, Any]:
        """Returns `run.json`: config, creation time, threads, versions of the packages.

        Raises:
            StudioError: (run) it is damaged, or what the run has told cannot be read.
        """
        self._require_events()
        try:
            data = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            data = None
        if not _is_about(data):
            raise StudioError("run", f"{self.path} is not a readable run folder.", "Check the name or the path.")
        found: dict[str, Any] = data
        return found

    def title(self) -> str:
        """Returns what the user called it; empty: nothing, or it cannot be read."""
        with suppress(StudioError):
            return self.about()["config"].get("name") or ""
        return ""

    def config(self) -> RunConfig:
        """Returns the run's whole config, its paths absolute, those of its own files where its folder is now."""
        try:
            return pinned.placed(declared.from_dict(self.about()["config"]), self.path)
        except ValueError as error:
            raise StudioError(
                "run", f"The config in {self.path} cannot be read.", "It may be of another version.", str(error)
            ) from None

    def _require_events(self) -> None:
        """Sees to it that events which cannot be read are not taken for none, as of a run that has not begun."""
        try:
            self.events_path.open("rb").close()
        except FileNotFoundError:
            return
        except OSError as error:
            message = f"{self.events_path} cannot be read: {error.strerror}."
            raise StudioError("run", message, "Check its permissions, or bring it back from a copy.") from None

    def changed_versions(self) -> str:
        """Returns which packages have other versions than when the run began, in words; empty if none."""
        began = self.about().get("versions", {})
        now = versions()
        return ", ".join(
            f"{name} {began[name]}, now {now[name]}" for name in now if began.get(name, now[name]) != now[name]
        )

    def emit(self, event: events.Event) -> None:
        """Appends an event; for the process that holds the claim."""
        append_line(self.events_path, events.encode(event), FREE_AND_RESUME)

    def ask(self, command: events.Command) -> None:
        """Appends a command; any process may."""
        append_line(self.commands_path, events.encode(command), "Free some space and ask again.")

    def progress(self, kept: steps.Kept = steps.ALL) -> Progress:
        """Folds all events so far; of each step the fields that are `kept`.

        Raises:
            StudioError: (run) they cannot be read.
        """
        self._require_events()
        told = chain.from_iterable(steps.read(lines, kept) for lines in files.pieces(self.events_path))
        return folded(told, Progress(steps=steps.Steps(kept)))

    def unfinished(self) -> Progress:
        """Folds all events so far of a run that is to go on.

        Raises:
            StudioError: (run) there is nothing left to train, or they cannot be read.
        """
        told = self.progress()
        if told.complete:
            hint = "Start a new run from its config to train more."
            if told.finished is not None and told.finished.adapter and not told.finished.is_model:
                hint = f"Train its adapter further with `studio train --further {told.finished.adapter}`."
            raise StudioError("run", f"The run {self.name} is already complete.", hint)
        return told

    def summary(self, end: int | None = None) -> Progress:
        """As `progress`, but of the steps only the last: quick, for a list of many long runs; to byte `end` or all."""
        self._require_events()
        kept, last, at = list[bytes](), b"", 0
        with suppress(OSError), self.events_path.open("rb") as file:
            for line in file:
                if end is not None and (end := end - len(line)) < 0:
                    break
                if line.startswith(steps.HEAD) and line.endswith(b"\n"):
                    last, at = line, len(kept)
                elif line.endswith(b"\n"):
                    kept.append(line)
        return folded(filter(None, map(events.decode_event, (*kept[:at], last, *kept[at:]))))

    def follow(self, offset: int = 0) -> Iterator[events.Event]:
        """Yields the whole lines' events from byte `offset` to the file's present end; raises as `progress`."""
        self._require_events()
        for lines in files.pieces(self.events_path, offset):
            yield from filter(None, map(events.decode_event, lines))

    def alive(self) -> bool:
        """Whether a process holds this run's claim; looking leaves nothing behind, and two may look at once.

        Windows' lock cannot be looked at but by taking it, so there who looks waits for another who does.
        """
        if sys.platform != "win32":
            return claims.is_locked(self.path / claims.LOCK)
        return self.is_claimed()

    def is_claimed(self, wait_s: float = _LOOK_S) -> bool:
        """Whether a process holds the claim for longer than `wait_s`; who looks in this way holds it for a moment."""
        try:
            with self.claim(wait_s):
                return False
        except StudioError as error:
            return error.reason == "busy"

    @contextmanager
    def claim(self, timeout_s: float = 0.0) -> Iterator[None]:
        """Holds the run's lock; freed by the system when the process dies.

        Args:
            timeout_s: how long to wait for it; whoever asks `alive` keeps it from others for a moment.

        Raises:
            StudioError: (busy) another process holds it; (run) there is no such run; (disk) it cannot be written.
        """
        lock = filelock.FileLock(self.path / claims.LOCK)
        try:
            self._require()
            lock.acquire(timeout=timeout_s, poll_interval=_POLL_S)
        except filelock.Timeout:
            raise StudioError(
                "busy",
                f"Another process is working on the run {self.name}.",
                f"Wait for it, or stop it with `studio runs stop {self.address}`.",
            ) from None
        except FileNotFoundError:
            raise self._gone() from None
        except OSError as error:
            self._require()  # it may just have been moved away
            raise disk_error(self.path, error, hint="Free some space and try again: the run is as it was.") from None
        try:
            # It may have been moved away meanwhile, with the lock or without.
            if not claims.lies_there(lock):
                raise self._gone()
            self._require()
            yield
        finally:
            claims.release(lock)

    def _require(self) -> None:
        if not os.path.isfile(self.path / "run.json"):
            raise self._gone()

    def _gone(self) -> StudioError:
        return StudioError("run", f"There is no run {self.name} any more.", "`studio runs list` shows them all.")


def _is_about(found: Any) -> bool:
    """Whether `run.json` holds what a list of runs shows; whether its config is one is looked at when it is used."""
    if not (isinstance(found, dict) and isinstance(found.get("config"), dict) and type(found.get("threads")) is int):
        return False
    name, data = found["config"].get("name"), found["config"].get("data", {})
    made_s, versions = found.get("created_s", 0.0), found.get("versions", {})
    return (
        isinstance(name, str | None)
        and isinstance(data, dict)
        and isinstance(data.get("path", ""), str)
        and isinstance(made_s, int | float)
        and 0 <= made_s <= files.LATEST_S
        and isinstance(versions, dict)
    )


def append_line(path: Path, line: bytes, hint: str) -> None:
    """Appends `line` to `path` in one write, behind a newline if a dead writer left a torn line.

    Args:
        path: of the file.
        line: with its newline.
        hint: what to do about a full disk.

    Raises:
        StudioError: (disk) the disk is full or the folder cannot be written.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            size = os.lseek(fd, 0, os.SEEK_END)
            if size:
                os.lseek(fd, size - 1, os.SEEK_SET)
                if os.read(fd, 1) != b"\n":
                    line = b"\n" + line
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)
    except OSError as error:
        raise disk_error(path, error, hint) from None


def create(config: RunConfig, folder: Path | None = None) -> Run:
    """Makes a new run folder.

    Args:
        config: the run's config; paths in it are absolute. Of dataset versions, and of the adapter that is trained
            further, the run keeps a copy.
        folder: where; None: a new folder in the program's own place for runs.

    Raises:
        StudioError: (run) `folder` holds something, or another run is being made in it; (disk) it cannot be written.
    """
    name = slug(config.name or short_name(config.data.path))
    if folder is None:
        folder = paths.runs_dir() / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}-{secrets.token_hex(2)}"
    # The run's own process works in another folder.
    folder = folder.absolute()
    try:
        if folder.parent == paths.runs_dir().absolute():
            claims.forget_begun(folder.parent)
        with claims.making(folder):
            about = {
                "format": 1,
                "config": declared.to_dict(pinned.pinned(config, folder)),
                "created_s": time.time(),
                "threads": available_threads(),
                "versions": dict(versions()),
            }
            write_atomic(folder / "run.json", json.dumps(about, indent=1).encode())
    except OSError as error:
        raise disk_error(folder, error, hint="Free some space and start the run again.") from None
    return Run(folder)


def listing() -> list[Run]:
    """Returns the runs in the program's own place, newest first.

    Raises:
        StudioError: (disk) the place cannot be read.
    """
    # `os.path`: a folder that may not be looked into, another user's say, hides no other.
    folders = [path for path in files.inside(paths.runs_dir()) if not path.name.startswith(".")]
    found = [Run(path) for path in folders if os.path.isfile(path / "run.json")]
    return sorted(found, key=lambda run: run.name, reverse=True)


def title_of(run: Run) -> str:
    """Returns what a run is called: its config's name, or its data file's."""
    try:
        config: dict[str, Any] = run.about()["config"]
    except StudioError:
        return run.name
    return config.get("name") or short_name(config.get("data", {}).get("path", "")) or run.name


def find(name: str, exact: bool = False) -> Run:
    """Finds a run by folder, name or, unless `exact`, a part of a name that only one has.

    Raises:
        StudioError: (run) none, or several.
    """
    if not name:
        raise StudioError("run", "No run was named.", "`studio runs list` shows them all.")
    if os.path.isfile(Path(name) / "run.json"):
        return Run(Path(name).resolve())
    runs = listing()
    found = [run for run in runs if run.name == name]
    for part in () if exact else (name, slug(name) if any(map(str.isalnum, name)) else name):
        found = found or [run for run in runs if part in run.name]
    if len(called := [run for run in found if run.title() == name]) == 1:
        return called[0]
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        names = ", ".join(run.name for run in found[:5]) + more
        raise StudioError("run", f"`{name}` could mean {len(found)} runs: {names}.", "Write more of the name.")
    if exact and (close := [run.name for run in runs if name in run.name]):
        message = f"No run is called `{name}`, and here a part of a name is not enough."
        raise StudioError("run", message, f"Write the whole name: {' or '.join(close[:5])}.")
    raise StudioError("run", f"There is no run `{name}`.", "`studio runs list` shows them all.")


def remove(run: Run) -> Path:
    """Moves a run that nobody works on to the trash; returns where it lies now.

    Raises:
        StudioError: (busy) a process works on it; (run) it is gone; (disk) it cannot be moved.
    """
    with run.claim(LOOKED_S):
        if sys.platform != "win32":
            return _trashed(run)
    # There no folder is renamed in which a file is open, such as the lock: so whoever began meanwhile is in its way.
    return _trashed(run)


def _trashed(run: Run) -> Path:
    target = paths.trash_dir() / f"{run.name}-{secrets.token_hex(4)}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        files.move(run.path, target)
    except OSError as error:
        raise disk_error(run.path, error, hint="Free some space and remove the run again: it is as it was.") from None
    return target


def restore(trash: Path, run: Run) -> None:
    """Brings back the run that `remove` moved to `trash`.

    Raises:
        StudioError: (run) another one has its place by now; (disk) it cannot be moved.
    """
    if not trash.is_dir():
        raise StudioError(
            "run", f"The run {run.name} is not in the trash any more.", "`studio trash list` shows all there."
        )
    taken = StudioError("run", f"{run.path} is taken by now.", "Move that away, then restore the run.")
    if run.path.exists():
        raise taken
    try:
        run.path.parent.mkdir(parents=True, exist_ok=True)
        files.move(trash, run.path)
    except OSError as error:
        if run.path.exists():
            raise taken from None
        raise disk_error(run.path, error, hint="Free some space and restore the run again.") from None


def restore_named(name: str) -> Run:
    """Brings a removed run back into the program's own place for runs, wherever it lay before.

    Args:
        name: the run's, or that of its folder in the trash.

    Raises:
        StudioError: (run) none was removed, several were, or another one has its place by now; (disk) it cannot be
            moved.
    """
    # A hidden one is what a move to another disk left.
    held = (path for path in files.inside(paths.trash_dir()) if not path.name.startswith("."))
    trashed = sorted(path.name for path in held if os.path.isfile(path / "run.json"))
    found = [folder for folder in trashed if name in (folder, _name_before(folder))]
    if not found:
        known = ", ".join(dict.fromkeys(map(_name_before, reversed(trashed[-5:]))))
        hint = f"The trash holds {known}." if known else "The trash holds no run."
        raise StudioError("run", f"No run `{name}` was removed.", hint)
    if len(found) > 1:
        message = f"`{name}` could mean {len(found)} removed runs: {', '.join(found[:5])}."
        raise StudioError("run", message, "Write one of these names.")
    run = Run(paths.runs_dir() / _name_before(found[0]))
    restore(paths.trash_dir() / found[0], run)
    return run


def _name_before(trashed: str) -> str:
    """Returns the name of a run from that of its folder in the trash."""
    return trashed.rpartition("-")[0]


def available_threads() -> int:
    """Threads a run computes with: what the environment asks for, else the processors this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slug(name: str) -> str:
    """Returns `name` as a file name that every system takes: short, no separators, no reserved names."""
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.UNICODE).strip("-.")[:60].rstrip("-.")
    reserved = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", plain)
    return f"{plain}-" if reserved else plain or "run"


def untaken(name: str, taken: Iterable[str]) -> str:
    """Returns `name`, `name-2`, ...: the first that is none of the `taken`, in letters of either case.

    Names that differ only in the case of letters are one on many systems, and so on all.
    """
    known = {other.casefold() for other in taken}
    names = (name if n == 1 else f"{name}-{n}" for n in range(1, len(known) + 2))
    return next(free for free in names if free.casefold() not in known)


@cache
def versions() -> dict[str, str]:
    """Returns the versions of the packages that decide a run's numbers."""
    # Loads `email` and more: too much for a window that starts no run.
    from importlib import metadata

    return {name: metadata.version(name) for name in _PACKAGES}
