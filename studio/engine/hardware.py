"""What this machine computes with: devices, number formats, memory, and whether everything needed is in order."""

import importlib
import importlib.util
import os
import platform
from functools import lru_cache
from importlib import metadata
from typing import Any

import psutil
import torch

from studio import paths
from studio.core import machine, settings
from studio.core.config import ModelSpec
from studio.core.errors import StudioError

_PACKAGES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "datasets", "huggingface_hub")
_LEAST_FREE_BYTES = 2_000_000_000


def device() -> torch.device:
    """Returns the device to train on: this rank's CUDA or ROCm GPU, Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


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
    """Returns the memory in use in bytes: the peak so far on CUDA, what is held now elsewhere."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return int(psutil.Process().memory_info().rss)


def free_bytes(device: torch.device) -> int:
    """Returns how much of the memory that `device` computes in is free."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return int(psutil.virtual_memory().available)


def report() -> dict[str, Any]:
    """Returns what `studio doctor` shows: the machine, the packages and a list of checks.

    Each of `checks` has `name`, `ok`, `essential`, `message` and `hint`; nothing in it is secret.
    """
    from huggingface_hub import constants, get_token

    memory = psutil.virtual_memory()
    home = paths.home()
    probe = machine.Probe()
    driver = probe.driver or None
    probe.close()
    checks = [
        _check_torch(),
        _check_driver(driver),
        _check_bitsandbytes(),
        _check_home(),
        _check_settings(),
        _check_disk(),
        _check_demo(),
    ]
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "cpu": {"cores": os.cpu_count(), "usable": torch.get_num_threads(), "name": platform.processor()},
        "memory_bytes": {"total": memory.total, "free": memory.available},
        "home": {"path": str(home), "free_bytes": machine.free_bytes(paths.home())},
        "device": str(device()),
        "dtype": str(dtype(ModelSpec(), device())).removeprefix("torch."),
        "gpus": _gpus(),
        "driver": driver,
        "hugging_face": {
            "cache": str(constants.HF_HUB_CACHE),
            "token": get_token() is not None,
            "offline": constants.is_offline_mode(),
        },
        "checks": checks,
    }


def _check(name: str, essential: bool, problem: str, hint: str, good: str) -> dict[str, Any]:
    ok = not problem
    return {
        "name": name,
        "ok": ok,
        "essential": essential,
        "message": good if ok else problem,
        "hint": "" if ok else hint,
    }


def _check_torch() -> dict[str, Any]:
    """Multiplies two matrices where the training would; a broken driver shows here."""
    place = device()
    problem = ""
    try:
        (torch.ones(8, 8, device=place) @ torch.ones(8, 8, device=place)).sum().item()
    except RuntimeError as error:
        problem = f"PyTorch {torch.__version__} cannot compute on {place}: {error}"
    hint = "Install the PyTorch build for this GPU and driver, or update the driver."
    return _check("torch", True, problem, hint, f"PyTorch {torch.__version__} computes on {place}.")


def _check_driver(driver: str | None) -> dict[str, Any]:
    unused = bool(driver) and not torch.cuda.is_available()
    problem = f"There is an NVIDIA driver ({driver}), but PyTorch {torch.__version__} does not use it."
    hint = "Training runs on the CPU; for the GPU install the PyTorch build for this driver, or update the driver."
    return _check(
        "driver",
        False,
        problem if unused else "",
        hint,
        "The NVIDIA driver is in use." if driver else "There is no NVIDIA driver, and none is needed.",
    )


def _check_bitsandbytes() -> dict[str, Any]:
    """Quantizes a little matrix to NF4 and multiplies with it: importing alone proves nothing."""
    problem = ""
    try:
        nn: Any = importlib.import_module("bitsandbytes").nn
        layer = nn.Linear4bit(64, 64, quant_type="nf4", compute_dtype=torch.float32).to(device())
        layer(torch.ones(1, 64, device=device()))
    except (ImportError, RuntimeError, OSError, AttributeError, NotImplementedError) as error:
        problem = f"bitsandbytes does not work here: {error}"
    return _check(
        "quantization",
        False,
        problem,
        "8-bit and NF4 are not available; training in full precision is.",
        "8-bit and NF4 quantization work.",
    )


def _check_home() -> dict[str, Any]:
    home = paths.home()
    place = next(place for place in (home, *home.parents) if place.exists())
    problem = "" if place.is_dir() and os.access(place, os.W_OK) else f"{home} cannot be written."
    hint = "Set STUDIO_HOME to a folder of your own."
    return _check("home", True, problem, hint, f"Runs and adapters are kept in {home}.")


def _check_settings() -> dict[str, Any]:
    damaged: list[StudioError] = []
    settings.load(tell=damaged.append)
    problem, hint = (damaged[0].message, damaged[0].hint) if damaged else ("", "")
    return _check("settings", False, problem, hint, "The window's settings can be read.")


def _check_disk() -> dict[str, Any]:
    free = machine.free_bytes(paths.home())
    problem = f"Only {free / 1e9:.1f} GB are free." if free < _LEAST_FREE_BYTES else ""
    hint = "Free some space: checkpoints and models need it."
    return _check("disk", False, problem, hint, f"{free / 1e9:.0f} GB are free.")


def _check_demo() -> dict[str, Any]:
    problem = (
        "" if (paths.resources() / "demo" / "model" / "config.json").is_file() else "The built-in model is missing."
    )
    return _check("demo", False, problem, "Install Finetune Studio again.", "The built-in model is in place.")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _gpus() -> list[dict[str, Any]]:
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
