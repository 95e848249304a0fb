"""What has to be fetched: which build of torch, and how many megabytes of everything, said before it comes."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Torch:
    """Which build of torch to ask pip for.

    Attributes:
        requirement: exact, so that no newer build with gigabytes of CUDA packages comes in its place.
        cuda: whether it brings NVIDIA's libraries.
    """

    requirement: str
    cuda: bool


@dataclass(frozen=True)
class Part:
    """A line of the table.

    Attributes:
        label: what the user calls it.
        marks: the packages that tell whether it is already there.
        download_mb: as pip reports it on Linux; other systems need as much or less.
        disk_mb: installed, with compiled bytecode.
    """

    label: str
    marks: tuple[str, ...]
    download_mb: int
    disk_mb: int


CUDA_TORCH = Part("PyTorch with CUDA", ("torch",), 2750, 4800)
CPU_TORCH = Part("PyTorch for the CPU", ("torch",), 200, 865)
PROGRAM = (
    Part("Models and training", ("transformers", "peft", "accelerate", "tokenizers"), 25, 175),
    Part("8- and 4-bit weights", ("bitsandbytes",), 45, 125),
    Part("Data files", ("datasets", "pyarrow", "pandas", "numpy"), 90, 340),
    Part("Window and plots (Qt)", ("pyside6_essentials", "pyqtgraph"), 85, 245),
    Part("Small libraries", ("pydantic", "pyyaml", "filelock", "psutil", "hatchling"), 10, 90),
)
# In place of an index: no card is to be used.
CPU = "cpu"
TESTS = Part("Tests and checks", ("pytest", "mypy", "ruff", "trl", "hypothesis"), 35, 100)


def choose_torch(version: str, offered: Sequence[str], driver: bool, system: str) -> Torch:
    """Picks the build that fits among those pip can see.

    Args:
        version: the tested one, without a build's suffix.
        offered: such as `2.13.0+cpu` and `2.13.0`; empty where pip cannot say.
        driver: whether there is an NVIDIA driver.
        system: `sys.platform`. Plain builds hold CUDA on Linux and none elsewhere.
    """
    builds = [build for build in offered if build.partition("+")[0] == version]
    wanted = version + ("+cu" if driver else "+cpu")
    best = min(builds, key=lambda build: 0 if build.startswith(wanted) else 1 + ("+" in build), default=version)
    cuda = "+cu" in best or (best == version and system.startswith("linux"))
    # `==2.13.0` would also take a local build of any kind, so what was seen is named exactly.
    return Torch(f"torch==={best}" if builds else f"torch=={version}", cuda)


def pins(constraints: Path) -> dict[str, str]:
    """Returns the version of each package in the constraints file, by its name as wheels spell it."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {re.sub(r"[-_.]+", "_", name).lower(): version.strip() for name, version in pairs}


def missing_parts(packages: Path, pinned: dict[str, str], torch: Torch, tests: bool) -> list[Part]:
    """Returns the parts of which something is not yet in the site-packages folder `packages`."""
    present = {info.name.lower().removesuffix(".dist-info").partition("+")[0] for info in packages.glob("*.dist-info")}
    parts = [CUDA_TORCH if torch.cuda else CPU_TORCH, *PROGRAM, *([TESTS] if tests else [])]
    wanted = {name: f"{name}-{version}" for name, version in pinned.items()}
    return [part for part in parts if any(wanted.get(name, "") not in {"", *present} for name in part.marks)]


def table(parts: Sequence[Part]) -> str:
    """Returns what comes as lines of text, with the sum."""
    rows = [*parts, Part("Together", (), sum(p.download_mb for p in parts), sum(p.disk_mb for p in parts))]
    lines = [f"  {'':<24}{'download':>10}{'on disk':>10}"]
    lines += [f"  {row.label:<24}{row.download_mb:>7} MB{row.disk_mb:>7} MB" for row in rows]
    return "\n".join(lines)


def advice(torch: Torch, driver: bool) -> str:
    """Returns what the user should know about the choice of torch, or nothing."""
    index = "--torch-index ADDRESS (PyTorch's own install page names the addresses)"
    if driver and not torch.cuda and sys.platform != "darwin":
        return f"There is an NVIDIA driver, and this PyTorch computes on the CPU only. For the GPU give {index}."
    if torch.cuda and not driver:
        return f"No NVIDIA driver is used, but only PyTorch with CUDA is on offer. For the small build give {index}."
    return ""
