"""What the model makes of each answer before it is trained, looked up once: preference is measured against it.

That is the base alone, or with the adapter that is trained further. It does not change, so one forward pass over the
data serves all epochs, and every run on the same data. Each number stands in a file of the cache as soon as it is
known; a run that is killed meanwhile goes on where it was. The file is named by all that decides the numbers' last
bits, so that they are the same if it is lost.
"""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from studio import paths
from studio.core import cache, machine, mapped
from studio.core.config import AdapterSpec
from studio.core.entry import WEIGHTS
from studio.core.errors import StudioError
from studio.core.objectives import asked
from studio.engine import step
from studio.engine.corpus import teller
from studio.engine.session import Reference, Session
from studio.engine.tokens import Tokens

_FILE = "losses.bin"
_VERSION = 4  # of the numbers: raise it whenever a base would be computed otherwise
_NAMED_ROWS = 10


def look_up(current: Session, stopped: Callable[[], bool]) -> None:
    """Gives a session the losses of its rows before anything is learned, if its objective compares with them.

    Before a checkpoint is restored: of an adapter that is trained further the weights are then gone, and of what is
    trained besides a new one PEFT cannot take back biases.

    Args:
        current: the session at its start; all processes of a data-parallel run call this together.
        stopped: asked between passes, by all processes together, whether the run is to end before a step is taken;
            the session is given nothing then.

    Raises:
        StudioError: (disk) the cache cannot be written; (model) the base gives no finite loss for a row.
    """
    if not asked(current.config.training.objective).reference:
        return
    parts = {"train": current.corpus.train, "evaluation": current.corpus.evaluation}
    found: dict[str, Reference] = {}
    for name, part in parts.items():
        if part is None or not len(part):
            continue
        losses = _losses(current, part, name, stopped)
        if losses is None:
            return
        mismatched = None
        if part.mismatched is not None:
            mismatched = _losses(current, part.mismatched, f"{name} mismatched", stopped)
            if mismatched is None:
                return
        found[name] = Reference(losses, mismatched)
    current.reference, current.evaluation_reference = found["train"], found.get("evaluation")


def is_known(current: Session) -> bool:
    """Whether a session has all that its objective compares with; one that ends meanwhile has not."""
    return not asked(current.config.training.objective).reference or current.reference is not None


def _losses(current: Session, part: Tokens, name: str, stopped: Callable[[], bool]) -> torch.Tensor | None:
    """Returns (N,) float32, each sequence's loss under the base; None: the run is to end."""
    accelerator, known = current.accelerator, _opened(_folder(current, name), len(part))
    passes = step.evaluation_passes(current, part)
    own = torch.zeros(len(part))
    tell = teller(current.emit, "reference")
    with untrained(current):
        for first in range(0, len(passes), accelerator.num_processes):
            if stopped():
                return None
            for groups in passes[first + accelerator.process_index :][:1]:
                rows = np.concatenate([group.rows for group in groups])
                if np.isnan(known[rows]).any():
                    losses = step.sequence_losses(current, current.bare, step.collated(current, part, groups))
                    known[rows] = losses.float().cpu().numpy()
                own[rows] = torch.from_numpy(known[rows])
            tell(min(first + accelerator.num_processes, len(passes)), len(passes))
    total: torch.Tensor = accelerator.reduce(own.to(accelerator.device), "sum")
    _require_finite(part, total, name)
    return total


@contextmanager
def untrained(current: Session) -> Iterator[None]:
    """Has the model compute as it does before the first step."""
    model: Any = current.bare
    model.eval()
    if current.config.adapter.path:
        with torch.no_grad():
            yield
        return
    with torch.no_grad(), warnings.catch_warnings():
        # It does not take trained biases back; they are still the base's own.
        warnings.filterwarnings("ignore", "Careful, disabling adapter layers with bias")
        with model.disable_adapter():
            yield


def _require_finite(part: Tokens, losses: torch.Tensor, name: str) -> None:
    broken = np.unique(part.rows[~losses.isfinite().cpu().numpy()])
    if not len(broken):
        return
    numbers = ", ".join(map(str, broken[:_NAMED_ROWS])) + (" and more" if len(broken) > _NAMED_ROWS else "")
    raise StudioError(
        "model",
        f"The base itself gives no finite loss for these rows, counted from 0: {numbers}.",
        "Set model.dtype=float32, or leave these rows out.",
        f"In the {name} data.",
    )


def _folder(current: Session, name: str) -> Path:
    """Returns where a process keeps what it looks up: another place for all that would be computed otherwise."""
    accelerator, position, config = current.accelerator, current.position, current.config
    packages = ("torch", "transformers", "peft", "bitsandbytes")
    # What becomes of activations changes nothing forwards, and why a path is not taken is only told.
    choices = asdict(current.choices) | {"plain": sorted(current.choices.plain), "activations": ""}
    padded = current.choices.batching == "padded"
    parts = {
        "version": [_VERSION, *map(metadata.version, packages)],
        "part": name,
        "base": [position.base, position.base_config, *_start(config.adapter)],
        "labels": position.labels,
        "choices": choices,
        "format": [config.model.quantization, config.model.dtype, config.data.max_length],
        "rows": config.training.per_device_train_batch_size if padded else 0,
        "device": [str(accelerator.device), _processor(accelerator.device), torch.get_num_threads()],
        "process": [accelerator.process_index, accelerator.num_processes],
    }
    return paths.cache_dir() / "reference" / cache.digest(json.dumps(parts, default=str))[:40]


def _start(spec: AdapterSpec) -> list[Any]:
    """Returns what the adapter that is trained further is, bit for bit; nothing where there is none."""
    if not spec.path:
        return []
    return [cache.sha256(Path(spec.path) / WEIGHTS), {**asdict(spec), "path": ""}]


def _processor(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{machine.processor()} {torch.backends.cpu.get_cpu_capability()}"


def _opened(folder: Path, count: int) -> NDArray[np.float32]:
    """Returns (count,) numbers that lie in a file; not a number: not known yet."""

    def opened(folder: Path) -> NDArray[np.float32] | None:
        path = folder / _FILE
        if not path.exists() or path.stat().st_size != 4 * count:
            return None
        return np.memmap(path, np.float32, "r+")

    def make(target: Path) -> None:
        # It is filled through memory: there a disk that is full by then would end the process.
        mapped.zeros(target / _FILE, np.float32, (count,))[:] = np.nan

    return cache.made(folder, opened, make)
