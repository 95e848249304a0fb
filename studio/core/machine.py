"""The machine as it is now: processor, graphics cards, memory and disk, read without torch and without using a card."""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pynvml

from studio import paths
from studio.core import runs

_BFLOAT16_SINCE = (8, 0)  # compute capability of Ampere, the first to compute in bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """An NVIDIA card, or the part of the machine's own memory that one without memory of its own may use."""

    name: str
    total_bytes: int
    free_bytes: int
    bfloat16: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was read at one moment.

    Attributes:
        threads: the threads a run computes with.
        disk_free_bytes: free where the program keeps its data.
        driver: the version of NVIDIA's driver; empty: there is none.
        gpus: the cards a run may use, in the driver's order; the first is the one it trains on.
    """

    processor: str
    threads: int
    memory_bytes: int
    free_memory_bytes: int
    disk_free_bytes: int
    driver: str
    gpus: tuple[Gpu, ...]

    @property
    def device(self) -> str:
        """The name of what a run computes on."""
        return self.gpus[0].name if self.gpus else self.processor

    @property
    def device_bytes(self) -> int:
        """The memory of what a run computes on."""
        return self.gpus[0].total_bytes if self.gpus else self.memory_bytes

    @property
    def device_free_bytes(self) -> int:
        """How much of it is free."""
        return self.gpus[0].free_bytes if self.gpus else self.free_memory_bytes


class Probe:
    """Reads the machine as often as asked, and keeps the driver's library open in between.

    Opening it can take seconds, so that a window does this in a thread. One thread may use it at a time.
    """

    def __init__(self) -> None:
        """Opens the driver's library, where there is one."""
        self.driver = ""
        self._open = False
        # Neither a missing library nor a broken driver keeps anybody from training on the processor.
        with suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            self._open = True
            self.driver = str(pynvml.nvmlSystemGetDriverVersion())
        self._processor = processor()

    def close(self) -> None:
        """Closes the driver's library; harmless if it is closed."""
        if self._open:
            self._open = False
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()

    def read(self) -> Machine:
        """Returns what is there now."""
        memory = psutil.virtual_memory()
        return Machine(
            processor=self._processor,
            threads=runs.available_threads(),
            memory_bytes=memory.total,
            free_memory_bytes=memory.available,
            disk_free_bytes=free_bytes(paths.home()),
            driver=self.driver,
            gpus=tuple(self._gpus()),
        )

    def _gpus(self) -> Iterator[Gpu]:
        if not self._open:
            return
        handles = []
        with suppress(pynvml.NVMLError):
            handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        for handle in _visible(handles, os.environ.get("CUDA_VISIBLE_DEVICES")):
            # A card that has fallen off the bus answers nothing any more; the others do.
            with suppress(pynvml.NVMLError):
                total, free = _memory(handle)
                capability = tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
                name = str(pynvml.nvmlDeviceGetName(handle))
                yield Gpu(name=name, total_bytes=total, free_bytes=free, bfloat16=capability >= _BFLOAT16_SINCE)


def free_bytes(path: Path) -> int:
    """Returns the free space in bytes where `path` is, or will be when it is made."""
    path = path.absolute()
    return shutil.disk_usage(next(place for place in (path, *path.parents) if place.exists())).free


def _memory(handle: Any) -> tuple[int, int]:
    """Returns a card's memory and how much of it is free, in bytes."""
    try:
        found = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError_NotSupported:
        # A chip that shares the machine's memory has none of its own to tell of.
        shared = psutil.virtual_memory()
        return shared.total, shared.available
    return int(found.total), int(found.free)


def _visible(handles: list[Any], chosen: str | None) -> list[Any]:
    """Returns the cards that `CUDA_VISIBLE_DEVICES` leaves, in its order: numbers or ids, up to the first wrong one."""
    if chosen is None:
        return handles
    found = []
    for word in (word.strip() for word in chosen.split(",")):
        if word.isdigit() and int(word) < len(handles):
            found.append(handles[int(word)])
            continue
        named = [handle for handle in handles if word and str(pynvml.nvmlDeviceGetUUID(handle)).startswith(word)]
        if len(named) != 1:
            break
        found += named
    return found


def processor() -> str:
    """Returns the name of the machine's processor."""
    # Linux tells the name in this file alone.
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
