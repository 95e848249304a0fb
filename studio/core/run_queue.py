"""Runs that wait for one another: one file holds which are at work and which wait, in the order of their turns.

Whether a run's process is there is told by the lock it holds (`Run.alive`), never by this file: of one that is killed
the system frees the lock, and the next has its turn. What is listed without a process was cut off.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from studio import paths
from studio.core import events, files
from studio.core.errors import StudioError
from studio.core.runs import Run

# A process that was started takes its run's lock only then: so long it counts as there.
_BEGINS_S = 15.0
_TAIL_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place.

    Attributes:
        run: the run.
        waits: for its turn; else it is at work.
        since_s: when its process was started.
    """

    run: Run
    waits: bool
    since_s: float

    def is_there(self) -> bool:
        """Whether a process works on the run, or is about to."""
        return 0 <= time.time() - self.since_s < _BEGINS_S or self.run.alive()


def enter(run: Run, *, waits: bool) -> None:
    """Notes that a process of `run` is about to start: at once, or behind all that are listed.

    One that is listed, such as one that was cut off, has its place again.

    Raises:
        StudioError: (disk) it cannot be noted.
    """
    with _changed() as places:
        own = Place(Run(run.path.absolute()), waits, time.time())
        if not any(_same(place, run) for place in places):
            places.append(own)
        places[:] = [own if _same(place, run) else place for place in places]


def admit(run: Run, *, waited: bool = False) -> Run | None:
    """Takes the run's turn if it has come, and returns None; else the run that it waits for.

    Called by the run's own process, which holds its claim. One that was started in another way waits for nobody.

    Args:
        run: the run.
        waited: it waits already, and goes on so if the list is gone.

    Raises:
        StudioError: (disk) that it is at work cannot be noted.
    """
    if not any(_same(place, run) for place in listed()):
        enter(run, waits=waited)
    if (other := _ahead(run, listed())) is not None:
        return other
    with _changed() as places:
        other = _ahead(run, places)
        if other is None:
            places[:] = [replace(place, waits=place.waits and not _same(place, run)) for place in places]
    return other


def leave(run: Run) -> None:
    """Takes a run off the list: it has come to its end, or is to be forgotten.

    Raises:
        StudioError: (disk) that cannot be noted.
    """
    if any(_same(place, run) for place in listed()):
        with _changed() as places:
            places[:] = [place for place in places if not _same(place, run)]


def start_now(run: Run) -> None:
    """Lets a run that waits begin beside those that are at work.

    Raises:
        StudioError: (run) it does not wait; (disk) it cannot be noted.
    """
    with _changed() as places:
        _require_waiting(run, places)
        places[:] = [replace(place, waits=place.waits and not _same(place, run)) for place in places]


def move(run: Run, to: int) -> None:
    """Gives a run that waits another place among those that do.

    Args:
        run: the run.
        to: its place, 0 being the next; beyond the last: the last.

    Raises:
        StudioError: (run) it does not wait; (disk) it cannot be noted.
    """
    with _changed() as places:
        own = _require_waiting(run, places)
        waiting = [place for place in places if place.waits and place is not own and place.is_there()]
        others = [place for place in places if place not in waiting and place is not own]
        waiting.insert(max(0, to), own)
        places[:] = [*others, *waiting]


def there() -> list[Run]:
    """Returns the runs that are at work or wait."""
    return [place.run for place in listed() if place.is_there()]


def waiting() -> list[Run]:
    """Returns the runs that wait, the next first."""
    return [place.run for place in listed() if place.waits and place.is_there()]


def cut_off() -> list[Run]:
    """Returns the runs whose processes were killed at work or while they waited, those at work first.

    Those that are complete by now, told why they ended, or were removed are not among them.
    """
    left = [place for place in listed() if not place.is_there()]
    return [place.run for place in sorted(left, key=lambda place: place.waits) if not _has_ended(place.run)]


def listed() -> list[Place]:
    """Returns all that is listed; nothing where the file is damaged, since every process is known by its lock."""
    try:
        found = json.loads(_file().read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return [_read(item) for item in found if _is_place(item)] if isinstance(found, list) else []


def _has_ended(run: Run) -> bool:
    """Whether the last that a run told is its end, or it is not there any more."""
    lines, _ = files.read_lines(run.events_path, max(0, files.length(run.events_path) - _TAIL_BYTES))
    last = next(filter(None, map(events.decode_event, reversed(lines))), None)
    return isinstance(last, events.Finished | events.Failed) or not (run.path / "run.json").is_file()


def _ahead(run: Run, places: Sequence[Place]) -> Run | None:
    """Returns a run that is to end before `run` begins: one at work, or else the one before it; None: there is none."""
    at = next((at for at, place in enumerate(places) if _same(place, run)), None)
    if at is None or not places[at].waits:
        return None
    before = [place for place in places if not place.waits] + [place for place in places[:at] if place.waits]
    return next((place.run for place in before if place.is_there()), None)


def _require_waiting(run: Run, places: Sequence[Place]) -> Place:
    own = next((place for place in places if _same(place, run) and place.waits), None)
    if own is None or not own.is_there():
        hint = "`studio runs queue` shows those that do."
        raise StudioError("run", f"The run {run.name} does not wait for its turn.", hint)
    return own


def _same(place: Place, run: Run) -> bool:
    return place.run.path == run.path.absolute()


def _file() -> Path:
    return paths.home() / "queue.json"


@contextmanager
def _changed() -> Iterator[list[Place]]:
    """Yields what is listed, to be changed in place, and writes it; nobody else changes it meanwhile."""
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(file.with_name(".queue.lock")):
            places = [place for place in listed() if place.run.path.exists()]
            before = list(places)
            yield places
            if places != before:
                kept = [
                    {"run": str(place.run.path.absolute()), "waits": place.waits, "since_s": place.since_s}
                    for place in places
                ]
                files.write_atomic(file, json.dumps(kept, indent=1).encode())
    except OSError as error:
        raise files.disk_error(file, error) from None


def _is_place(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and isinstance(found.get("run"), str)
        and isinstance(found.get("waits"), bool)
        and isinstance(found.get("since_s"), int | float)
    )


def _read(found: dict[str, Any]) -> Place:
    return Place(Run(Path(found["run"])), found["waits"], found["since_s"])
