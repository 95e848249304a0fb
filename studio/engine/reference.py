"""What the base alone makes of each answer, looked up once: preference is measured against it.

The base does not change, so one forward pass over the data serves all epochs, and every run on the same data. Each
number stands in a file of the cache as soon as it is known; a run that is killed meanwhile goes on where it was. The
file is named by all that decides the numbers' last bits, so that they are the same if it is lost.
"""

import platform
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from studio import paths
from studio.core import cache
from studio.core.runs import disk_error, write_atomic
from studio.engine import step
from studio.engine.corpus import teller
from studio.engine.session import Session
from studio.engine.tokens import Tokens

_FILE = "losses.bin"


def look_up(current: Session, stopped: Callable[[], bool]) -> bool:
    """Gives a session the losses of its rows under the base alone, if its objective compares with them.

    Args:
        current: the session; all processes of a data-parallel run call this together.
        stopped: asked between passes whether the run is to end.

    Returns:
        False: it is to end, and they are not all known yet.

    Raises:
        StudioError: (disk) the cache cannot be written.
    """
    if current.config.training.objective != "dpo":
        return True
    found = []
    for name, part in (("train", current.corpus.train), ("evaluation", current.corpus.evaluation)):
        losses = _losses(current, part, name, stopped) if part is not None else None
        if part is not None and losses is None:
            return False
        found.append(losses)
    current.reference, current.evaluation_reference = found
    return True


def _losses(current: Session, part: Tokens, name: str, stopped: Callable[[], bool]) -> torch.Tensor | None:
    """Returns (N,) float32, each sequence's loss under the base; None: the run is to end."""
    accelerator = current.accelerator
    known = _opened(_folder(current, name), len(part))
    passes = step.evaluation_passes(current, part)[accelerator.process_index :: accelerator.num_processes]
    tell = teller(current.emit, "comparing")
    current.bare.eval()
    with torch.no_grad(), current.bare.disable_adapter():
        for done, groups in enumerate(passes):
            rows = np.concatenate([group.rows for group in groups])
            if np.isnan(known[rows]).any():
                if accelerator.num_processes == 1 and stopped():
                    return None
                losses = step.sequence_losses(current, current.bare, step.collated(current, part, groups))
                known[rows] = losses.float().cpu().numpy()
            tell(done + 1, len(passes))
    # What other processes have looked up is not a number here.
    own = torch.from_numpy(np.nan_to_num(np.array(known))).to(accelerator.device)
    total: torch.Tensor = accelerator.reduce(own, "sum")
    return total


def _folder(current: Session, name: str) -> Path:
    """Returns where a process keeps what it looks up: another place for all that would be computed otherwise."""
    accelerator, position, config = current.accelerator, current.position, current.config
    versions = [metadata.version(package) for package in ("torch", "transformers", "peft")]
    parts = (
        name,
        position.base,
        position.labels,
        repr(asdict(current.choices)),
        repr((config.model.quantization, config.model.dtype, config.data.max_length)),
        repr(config.training.per_device_train_batch_size),
        f"{accelerator.device} {platform.processor()} {torch.get_num_threads()} {versions}",
        f"{accelerator.process_index} of {accelerator.num_processes}",
    )
    return paths.cache_dir() / "reference" / cache.digest(*parts)[:40]


def _opened(folder: Path, count: int) -> NDArray[np.float32]:
    """Returns (count,) numbers that lie in a file; not a number: not known yet."""
    path = folder / _FILE
    try:
        if not path.exists() or path.stat().st_size != 4 * count:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(path, np.full(count, np.nan, np.float32).tobytes())
            cache.forget_unused(folder)
        cache.mark_used(folder)
        return np.memmap(path, np.float32, "r+")
    except OSError as error:
        raise disk_error(path, error) from None
