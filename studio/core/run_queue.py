"""Runs that wait for one another: one file holds which are at work and which wait, in the order of their turns.

Whether a run's process is there is told by the lock it holds (`Run.alive`), never by this file: of one that is killed
the system frees the lock, and the next has its turn. What is listed without a process was cut off.

Any process may call all of this; what changes the list waits for its lock, which is held for moments.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from studio import paths
from studio.core import events, files, runs
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.runs import Run

# From the start of a process until it has its run's lock, which takes part of a second: so long it counts as there.
_BEGINS_S = 60.0
_LOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place.

    Attributes:
        run: the run, by its folder without links.
        waits: for its turn; else it is at work.
        began_s: when its process was started; 0: it has had the run's lock since.
    """

    run: Run
    waits: bool
    began_s: float = 0.0

    def is_there(self) -> bool:
        """Whether a process works on the run, or is about to."""
        return 0 <= time.time() - self.began_s < _BEGINS_S or self.run.alive()


def prepare(configs: Sequence[RunConfig]) -> list[Run]:
    """Makes a run of each config and puts them in the queue, in this order: all of them or none.

    Raises:
        StudioError: as `runs.create` and `enter`.
    """
    made: list[Run] = []
    try:
        made += (runs.create(config) for config in configs)
        enter(made, waits=True)
    except StudioError:
        for run in made:
            with suppress(StudioError):
                runs.remove(run)
        raise
    return made


def enter(starting: Sequence[Run], *, waits: bool) -> bool:
    """Notes that processes of runs are about to start: at once, or behind all that are listed.

    One that is listed, such as one that was cut off, has its place again.

    Returns:
        Whether one of them was listed.

    Raises:
        StudioError: (disk) it cannot be noted; (busy) somebody keeps the list.
    """
    with _changed() as places:
        known = False
        for run in starting:
            known = _put(places, Place(_plain(run), waits, time.time())) or known
    return known


def arrive(run: Run, *, waits: bool) -> None:
    """Notes that the run's process is there; called by itself, once it holds the run's claim.

    Raises:
        StudioError: as `enter`.
    """
    with _changed() as places:
        own = _plain(run)
        # It may have been told to begin at once meanwhile.
        begun = any(place.run == own and not place.waits for place in places)
        _put(places, Place(own, waits and not begun))


def admit(run: Run) -> Run | None:
    """Takes the turn of a run that waits, if it has come, and returns None; else the run that it waits for.

    Called by the run's own process. Where the list is gone it is made anew of those that are there.

    Raises:
        StudioError: (disk) the list cannot be read.
    """
    places, own = listed(), _plain(run)
    if all(place.run != own for place in places):
        arrive(run, waits=True)
        places = listed()
    if (other := _ahead(own, places)) is not None:
        return other
    try:
        with _changed() as places:
            if (other := _ahead(own, places)) is None:
                _begin(places, own)
    except StudioError:
        # The night is not to be lost for a note; those behind wait for it as they did.
        return None
    return other


def leave(run: Run) -> None:
    """Takes a run off the list: it has come to its end, or is to be forgotten.

    Raises:
        StudioError: as `enter`.
    """
    own = _plain(run)
    if any(place.run == own for place in listed()):
        with _changed() as places:
            places[:] = [place for place in places if place.run != own]


def start_now(run: Run) -> None:
    """Lets a run that waits begin beside those that are at work.

    Raises:
        StudioError: (run) it does not wait; else as `enter`.
    """
    with _changed() as places:
        _begin(places, _waiting(run, places).run)


def move(run: Run, to: int) -> None:
    """Gives a run that waits another place among those that do.

    Args:
        run: the run.
        to: its place, 0 being the next; beyond the last: the last.

    Raises:
        StudioError: (run) it does not wait; else as `enter`.
    """
    with _changed() as places:
        own = _waiting(run, places)
        others = [place for place in places if place.waits and place != own and place.is_there()]
        others.insert(max(0, to), own)
        places[:] = [*(place for place in places if place not in others), *others]


def shift(run: Run, by: int) -> None:
    """Moves a run that waits so many places back, or forward if that is below 0; raises as `move`."""
    waiting, own = queued(), _plain(run)
    move(run, waiting.index(own) + by if own in waiting else 0)


def there() -> list[Run]:
    """Returns the runs that are at work or wait; none where the list cannot be read."""
    return [place.run for place in _seen() if place.is_there()]


def idle() -> bool:
    """Whether no run is at work or waits, as far as that can be told: with a damaged list it cannot."""
    try:
        if (stored := _stored()) is None:
            return False
        return not any(place.is_there() for place in _places(stored)) and not any(run.alive() for run in runs.listing())
    except StudioError:
        return False


def queued() -> list[Run]:
    """Returns the runs that wait, the next first; none where the list cannot be read."""
    return [place.run for place in _seen() if place.waits and place.is_there()]


def cut_off() -> list[Run]:
    """Returns the runs whose processes were killed at work or while they waited, those at work first.

    Those that told of their end, or were removed, are not among them.
    """
    left = [place for place in _seen() if not place.is_there()]
    return [place.run for place in sorted(left, key=lambda place: place.waits) if not _has_ended(place.run)]


def listed() -> list[Place]:
    """Returns all that is listed; nothing where there is no list or it is damaged.

    Raises:
        StudioError: (disk) it is there and cannot be read now.
    """
    return _places(_stored() or ())


def _places(stored: Iterable[Any]) -> list[Place]:
    return [_read(item) for item in stored if _is_place(item)]


def _stored() -> list[Any] | None:
    """Returns what the list's file holds; None: it is damaged. Raises as `listed`."""
    file = _file()
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise files.disk_error(file, error) from None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _seen() -> list[Place]:
    with suppress(StudioError):
        return listed()
    return []


def _ahead(own: Run, places: Sequence[Place]) -> Run | None:
    """Returns a run that is to end before `own` begins: one at work, or else the one before it; None: there is none."""
    at = next((at for at, place in enumerate(places) if place.run == own), None)
    if at is None or not places[at].waits:
        return None
    before = [place for place in places if not place.waits] + [place for place in places[:at] if place.waits]
    found = next((place.run for place in before if place.is_there()), None)
    if found is None and not any(not place.waits for place in places):
        # Perhaps the list was lost: what lives and is not listed is at work.
        known = {place.run for place in places}
        found = next((run for run in map(_plain, _living()) if run not in known), None)
    return found


def _living() -> Iterator[Run]:
    with suppress(StudioError):
        yield from (run for run in runs.listing() if run.alive())


def _put(places: list[Place], fresh: Place) -> bool:
    """Puts a place where the run has one, or last; returns whether it had one."""
    at = next((at for at, place in enumerate(places) if place.run == fresh.run), None)
    if at is None:
        places.append(fresh)
    else:
        places[at] = fresh
    return at is not None


def _begin(places: list[Place], own: Run) -> None:
    places[:] = [replace(place, waits=place.waits and place.run != own) for place in places]


def _waiting(run: Run, places: Sequence[Place]) -> Place:
    own = next((place for place in places if place.run == _plain(run) and place.waits), None)
    if own is None or not own.is_there():
        hint = "`studio runs queue` shows those that do."
        raise StudioError("run", f"The run {run.name} does not wait for its turn.", hint)
    return own


def _has_ended(run: Run) -> bool:
    """Whether the last that a run told is its end, or it is not there any more."""
    with suppress(OSError):
        last = events.last(run.events_path)
        told = isinstance(last, events.Finished) or (isinstance(last, events.Failed) and not last.killed)
        return told or not os.path.isfile(run.path / "run.json")
    return False  # it cannot be looked at now


def _plain(run: Run) -> Run:
    """Returns the run by its folder without links, by which it is listed."""
    return Run(Path(os.path.realpath(run.path)))


def _file() -> Path:
    return paths.home() / "queue.json"


@contextmanager
def _changed() -> Iterator[list[Place]]:
    """Yields what is listed, to be changed in place, and writes it; nobody else changes it meanwhile.

    Those that have come to their ends go.

    Raises:
        StudioError: (disk) it cannot be read or written; (busy) somebody keeps it.
    """
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(file.with_name(".queue.lock"), timeout=_LOCK_S):
            found = listed()
            places = [place for place in found if place.is_there() or not _has_ended(place.run)]
            yield places
            if places != found:
                kept = [{"run": str(p.run.path), "waits": p.waits, "began_s": p.began_s} for p in places]
                files.write_atomic(file, json.dumps(kept, indent=1).encode())
    except filelock.Timeout:
        raise StudioError("busy", "Another process keeps the queue of runs.", "Try again in a moment.") from None
    except OSError as error:
        raise files.disk_error(file, error) from None


def _is_place(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and isinstance(found.get("run"), str)
        and isinstance(found.get("waits"), bool)
        and isinstance(found.get("began_s"), int | float)
    )


def _read(found: dict[str, Any]) -> Place:
    return Place(Run(Path(found["run"])), found["waits"], found["began_s"])
