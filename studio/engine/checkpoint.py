"""Checkpoints that are whole or not there: staged beside their place, hashed, synced, renamed, verified.

A checkpoint is `checkpoints/step-000120/` with a `manifest.json` of every file's size and SHA-256. Names that begin
with a dot are unfinished or on their way out and never read.
"""

import errno
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from studio.core import files, units
from studio.core.cache import sha256
from studio.core.errors import StudioError, as_memory_error
from studio.core.files import disk_error, sync_folder, sync_tree
from studio.core.runs import FREE_AND_RESUME

STATE = "state.json"
# What a full fine-tuning keeps of the model; of an adapter there is a folder.
FULL = "weights.safetensors"
_MANIFEST = "manifest.json"
# A file in a checkpoint that is to be removed as soon as no program has it open any more.
_LET_GO = "let-go"
# What a run needs to go on: its place and its optimizer, and the weights of an adapter or of the whole model.
_NEEDED = ({STATE}, {"optimizer.pt"}, {"adapter/adapter_model.safetensors", FULL})


@dataclass(frozen=True, slots=True)
class Found:
    """The newest usable checkpoint, and why newer ones were passed over.

    Attributes:
        path: its folder; None: there is none.
        refused: a sentence for each newer checkpoint, naming the file at fault.
        best_whole: whether the best checkpoint as of `path` is whole too, if that was asked for.
    """

    path: Path | None
    refused: list[str]
    best_whole: bool = True


def folder(run: Path) -> Path:
    """Returns where a run's checkpoints lie."""
    return run / "checkpoints"


def name(step: int) -> str:
    """Returns a checkpoint's folder name."""
    return f"step-{step:06d}"


def step_of(path: Path) -> int:
    """Returns the step of a checkpoint's folder."""
    return int(path.name.removeprefix("step-"))


def save(run: Path, step: int, fill: Callable[[Path], None], expected_bytes: int) -> Path:
    """Writes a checkpoint and verifies it.

    Args:
        run: the run folder.
        step: the optimizer step it is of.
        fill: writes the files into the staging folder it is given.
        expected_bytes: about how large it gets; twice that must be free.

    Raises:
        StudioError: (disk) no room or the folder cannot be written; earlier checkpoints are untouched.
    """
    parent = folder(run)
    stage = files.hidden(parent / name(step))
    try:
        parent.mkdir(exist_ok=True)
        _require_room(parent, 2 * expected_bytes)
        stage.mkdir()
        fill(stage)
        filled = sorted(path for path in stage.rglob("*") if path.is_file())
        manifest = {
            path.relative_to(stage).as_posix(): {"size": path.stat().st_size, "sha256": sha256(path)} for path in filled
        }
        (stage / _MANIFEST).write_text(json.dumps({"step": step, "files": manifest}, indent=1), encoding="utf-8")
        sync_tree(stage)
        target = parent / name(step)
        if target.exists():
            files.discard(target)
        files.replace(stage, target)
        sync_folder(parent)
    except (OSError, RuntimeError, SafetensorError) as error:
        if failure := as_disk_error(stage, error):
            raise failure from None
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    if fault := verify(target):
        raise StudioError(
            "disk",
            f"The checkpoint {target.name} could not be read back: {fault}.",
            "Check the disk's health. Earlier checkpoints are kept; resume the run from them.",
        )
    return target


def verify(path: Path) -> str:
    """Returns what is wrong with a checkpoint, naming the file; empty if it is whole."""
    if (path / _LET_GO).exists():
        return "it was let go"
    try:
        listed = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))["files"]
        expected = {str(key): (int(item["size"]), str(item["sha256"])) for key, item in listed.items()}
    except FileNotFoundError:
        return f"{_MANIFEST} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{_MANIFEST} is damaged"
    for needed in _NEEDED:
        if not needed & expected.keys():
            return f"{_MANIFEST} names no {' or '.join(sorted(needed))}"
    for relative, (size, digest) in expected.items():
        file = path / relative
        if not file.is_file():
            return f"{relative} is missing"
        if file.stat().st_size != size:
            return f"{relative} has {file.stat().st_size} bytes instead of {size}"
        if sha256(file) != digest:
            return f"{relative} is damaged (its checksum differs)"
    return ""


def newest(run: Path, best_too: bool = False) -> Found:
    """Finds the newest checkpoint that verifies.

    Args:
        run: the run folder.
        best_too: prefer one whose best checkpoint so far, the run's result, verifies as well.
    """
    refused: list[str] = []
    second_choice: Path | None = None
    for path in sorted(listing(run), key=step_of, reverse=True):
        fault = verify(path)
        if fault:
            refused.append(f"The checkpoint {path.name} was not used: {fault}.")
        elif not best_too or not (fault := _fault_of_best(path)):
            return Found(path, refused)
        else:
            second_choice = second_choice or path
            refused.append(f"The checkpoint {path.name} was not used: its best, {fault}.")
    if second_choice is not None:
        return Found(second_choice, [line for line in refused if second_choice.name not in line], best_whole=False)
    return Found(None, refused)


def _fault_of_best(path: Path) -> str:
    """Returns what is wrong with the checkpoint that was the best when the one at `path` was made."""
    best = int(json.loads((path / STATE).read_text(encoding="utf-8")).get("best_step", 0))
    if best in (0, step_of(path)):
        return ""
    fault = verify(path.with_name(name(best)))
    return f"{name(best)}, is damaged: {fault}" if fault else ""


def listing(run: Path) -> list[Path]:
    """Returns the run's checkpoints, whole or not, by step; not those that were let go."""
    return [path for path in _folders(run) if not (path / _LET_GO).exists()]


def _folders(run: Path) -> list[Path]:
    found = [path for path in folder(run).glob("step-*") if path.is_dir() and path.name[5:].isdigit()]
    return sorted(found, key=step_of)


def rotate(run: Path, keep: int, also: int) -> None:
    """Lets go of all but the newest `keep` checkpoints and that of step `also`.

    One that a program has open stays for now: it is tried again with the next.
    """
    _sweep(run)
    for path in listing(run)[:-keep]:
        if step_of(path) != also:
            _let_go(path)


def clean(run: Path, step: int) -> None:
    """Removes what a killed process left unfinished, and the checkpoints behind `step`, which are made again.

    For the process that holds the run's claim. Left in place, damaged ones would count as the newest when old ones
    are let go.
    """
    _sweep(run)
    for path in listing(run):
        if step_of(path) > step:
            _let_go(path)


def _let_go(path: Path) -> None:
    """Removes a checkpoint; one that a program has open is marked, so that it is not read or counted any more."""
    try:
        files.discard(path, pauses_s=())
    except OSError:
        with suppress(OSError):
            (path / _LET_GO).touch()


def _sweep(run: Path) -> None:
    """Tries again to remove what could not be removed before, and what is unfinished."""
    for path in _folders(run):
        if (path / _LET_GO).exists():
            _let_go(path)
    for path in folder(run).glob(".step-*"):
        shutil.rmtree(path, ignore_errors=True)


def _require_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path).free
    if free < needed:
        raise StudioError(
            "disk",
            f"The disk is nearly full: a checkpoint needs {units.size(needed)} and {units.size(free)} are free.",
            FREE_AND_RESUME,
        )


def as_disk_error(path: Path, error: Exception, hint: str = FREE_AND_RESUME) -> StudioError | None:
    """Recognises a failed write, also in the words torch and safetensors put it; see `files.disk_error`."""
    if isinstance(error, OSError):
        return disk_error(path, error, hint)
    text = str(error)
    if (told := files.error_in(text)) and not as_memory_error(error):
        return disk_error(path, told, hint)
    if any(words in text for words in ("inline_container", "file write")):
        return disk_error(path, OSError(errno.ENOSPC, text), hint)
    return None
