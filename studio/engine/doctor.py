"""What `studio doctor` shows: the machine, and whether everything needed is in order, torch itself included."""

import importlib
import os
import platform
from importlib import metadata
from types import ModuleType
from typing import Any

import psutil

from studio import paths
from studio.core import machine, runs, settings
from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.engine.loading import as_loading_error

_PACKAGES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "datasets", "huggingface_hub")
_LEAST_FREE_BYTES = 2_000_000_000


def report() -> dict[str, Any]:
    """Returns what `studio doctor` shows: the machine, the packages and a list of checks.

    Each of `checks` has `name`, `ok`, `essential`, `message` and `hint`; nothing in it is secret. Where torch cannot be
    loaded, `device` and `dtype` are None.
    """
    from huggingface_hub import constants, get_token

    memory = psutil.virtual_memory()
    home = paths.home()
    probe = machine.Probe()
    driver = probe.driver or None
    probe.close()
    computing, tried = _computing(driver)
    checks = [
        *tried,
        _check_home(),
        _check_settings(),
        _check_disk(),
        _check_demo(),
    ]
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "cpu": {"cores": os.cpu_count(), "usable": runs.available_threads(), "name": platform.processor()},
        "memory_bytes": {"total": memory.total, "free": memory.available},
        "home": {"path": str(home), "free_bytes": machine.free_bytes(paths.home())},
        **computing,
        "driver": driver,
        "hugging_face": {
            "cache": str(constants.HF_HUB_CACHE),
            "token": get_token() is not None,
            "offline": constants.is_offline_mode(),
        },
        "checks": checks,
    }


def _computing(driver: str | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns what is computed with, and the checks of that."""
    try:
        import torch

        from studio.engine import hardware
    except (ImportError, OSError) as error:
        broken = as_loading_error(error)
        if broken is None:
            raise
        return {"device": None, "dtype": None, "gpus": []}, [_check("torch", True, broken.message, broken.hint, "")]
    device = hardware.device()
    computing = {
        "device": str(device),
        "dtype": str(hardware.dtype(ModelSpec(), device)).removeprefix("torch."),
        "gpus": hardware.gpus(),
    }
    return computing, [_check_torch(torch, device), _check_driver(torch, driver), _check_bitsandbytes(torch, device)]


def _check(name: str, essential: bool, problem: str, hint: str, good: str) -> dict[str, Any]:
    ok = not problem
    return {
        "name": name,
        "ok": ok,
        "essential": essential,
        "message": good if ok else problem,
        "hint": "" if ok else hint,
    }


def _check_torch(torch: ModuleType, place: Any) -> dict[str, Any]:
    """Multiplies two matrices where the training would; a broken driver shows here."""
    problem = ""
    try:
        (torch.ones(8, 8, device=place) @ torch.ones(8, 8, device=place)).sum().item()
    except RuntimeError as error:
        problem = f"PyTorch {torch.__version__} cannot compute on {place}: {error}"
    hint = "Install the PyTorch build for this GPU and driver, or update the driver."
    return _check("torch", True, problem, hint, f"PyTorch {torch.__version__} computes on {place}.")


def _check_driver(torch: ModuleType, driver: str | None) -> dict[str, Any]:
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


def _check_bitsandbytes(torch: ModuleType, place: Any) -> dict[str, Any]:
    """Quantizes a little matrix to NF4 and multiplies with it: importing alone proves nothing."""
    problem = ""
    try:
        nn: Any = importlib.import_module("bitsandbytes").nn
        layer = nn.Linear4bit(64, 64, quant_type="nf4", compute_dtype=torch.float32).to(place)
        layer(torch.ones(1, 64, device=place))
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
