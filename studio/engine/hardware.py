"""What this machine computes with: devices, number formats and memory."""

import importlib
import importlib.util
import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
import torch

from studio import paths
from studio.core.config import ModelSpec

if sys.platform == "darwin":
    import resource


def device() -> torch.device:
    """Returns the device to train on: this rank's CUDA or ROCm GPU, else the CPU.

    Apple's GPU is none: that a step repeats there bit by bit, and that 8 bits and NF4 work, was never tried.
    """
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def dtype(spec: ModelSpec, device: torch.device) -> torch.dtype:
    """Returns the number format of the base's weights.

    `auto` is bfloat16 on GPUs that compute in it, float16 on older ones, and float32 elsewhere, where half precision
    is neither faster nor exact, even if the weights are stored in it.
    """
    if spec.dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[spec.dtype]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def repeat(device: torch.device, exactly: bool = True) -> None:
    """Makes what this process computes on a card the same each time, bit by bit, or no longer.

    Before the first multiplication there. An operation that cannot then raises RuntimeError.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(exactly)
        # Else memory is filled before it is written to.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def kernels(device: torch.device) -> Any:
    """Returns the module `kernels` where there is a card that it is right on; else None."""
    return _kernels(device) if device.type == "cuda" else None


@lru_cache
def _kernels(device: torch.device) -> Any:
    if importlib.util.find_spec("triton") is None:
        return None
    # What it makes is kept with everything else that the program keeps.
    os.environ.setdefault("TRITON_CACHE_DIR", str(paths.cache_dir() / "triton"))
    try:
        module = importlib.import_module("studio.engine.kernels")
    except (ImportError, OSError, RuntimeError):  # one that was made for another system, say
        return None
    return module if module.right(device) else None


def memory_bytes(device: torch.device) -> int:
    """Returns the most memory in bytes that was in use so far: the device's on CUDA, this process's elsewhere."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = psutil.Process().memory_info()
    if sys.platform == "win32":
        return int(held.peak_wset)
    # Linux gives `ru_maxrss` no less than what the process that started this one held.
    told = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"), re.MULTILINE)
    return int(told[1]) * 1024 if told else int(held.rss)


def free_bytes(device: torch.device, for_other: bool = False) -> int:
    """Returns how much of the memory that `device` computes in is free.

    Args:
        device: where.
        for_other: for another process, to which a card's memory that this one holds will be given back.
    """
    if device.type == "cuda":
        held = 0 if for_other else torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - held
    return int(psutil.virtual_memory().available)


def whole_bytes(device: torch.device) -> int:
    """Returns how much memory `device` computes in, free or not."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    return int(psutil.virtual_memory().total)


def gpus() -> list[dict[str, Any]]:
    """Returns the GPUs that torch sees: name, kind, memory in bytes and what they compute in."""
    if not torch.cuda.is_available():
        return []
    found = []
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        found.append(
            {
                "name": about.name,
                "kind": "rocm" if torch.version.hip else "cuda",
                "total_bytes": total,
                "free_bytes": free,
                "capability": f"{about.major}.{about.minor}",
                "bfloat16": torch.cuda.is_bf16_supported(including_emulation=False),
            }
        )
    return found
