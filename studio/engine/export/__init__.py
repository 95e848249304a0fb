"""Adapters and models taken out of the program.

They are written beside the target, read back, proven equal, and only then put in place.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from studio import paths
from studio.core import consumers, files, library
from studio.core.consumers import Consumer, Target
from studio.core.errors import StudioError, given_path
from studio.core.files import disk_error, sync_folder, sync_tree
from studio.core.library import Entry
from studio.core.number_formats import Stored, file_bytes, shapes
from studio.core.units import size
from studio.engine.checkpoint import as_disk_error
from studio.engine.export import merged, peft
from studio.engine.export.proof import Proof


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files by name, their size, and how the reloaded model compared with the live one.

    Attributes:
        folded: scales and ranks of single modules were worked into the matrices.
        consumers: of a PEFT folder: the programs, and what of this adapter each of them loads.
    """

    path: Path
    to: Target
    files: list[str]
    bytes: int
    proof: Proof
    folded: bool = False
    consumers: tuple[Consumer, ...] = ()


def export(
    entry: Entry,
    to: Target,
    out: Path,
    base: Path,
    on_phase: Callable[[str], None] | None = None,
    stored: Stored = "f16",
) -> Exported:
    """Writes an adapter to `out`, as a PEFT folder or merged into its base, or a model, and proves it by reloading.

    Args:
        entry: the adapter; or a whole model, which alone is its own `base`.
        to: `peft`: adapter, model card, tokenizer, template and entry; `gguf-lora`: the adapter as one file for
            llama.cpp and its kin, Modelfile and model card; `merged`: a model that needs no adapter; `gguf`: that
            model as one file.
        out: a folder that does not exist, or an empty one.
        base: the folder of the adapter's base in full precision.
        on_phase: told what is done now, in a word.
        stored: the number format of a GGUF file's matrices.

    Raises:
        StudioError: (usage) `out` is taken, or lies where the program keeps its own files, or a whole model is to be
            an adapter; (adapter) the adapter is damaged; (model) the base is; (memory), (disk) too little; (export) the
            reloaded model answers differently: what was written is kept as `out`.failed; or the model has no faithful
            form in a GGUF file.
    """
    out = given_path(out, "usage").absolute()
    _require_outside(out)
    entry = library.verified(entry)
    if entry.fault:
        raise StudioError("adapter", f"{entry.name} is damaged: {entry.fault}", "Export another one.")
    if entry.is_model and to in ("peft", "gguf-lora"):
        message = f"{entry.title} is a whole model: there is no adapter to be taken out."
        raise StudioError("usage", message, "Export it with --to merged, as it is, or as one file with --to gguf.")
    before = consumers.read(entry.folder)
    writers: dict[Target, Callable[[Entry, Path, Path, Callable[[str], None]], Proof]] = {
        "peft": peft.write,
        "merged": merged.write,
        "gguf-lora": _write_lora,
        "gguf": partial(_write_gguf, stored=stored),
    }
    stage = _stage(out)
    try:
        _require_room(out, base, entry, to, stored)
        proof = writers[to](entry, base, stage, on_phase or (lambda phase: None))
        if not proof.holds:
            raise _failed(stage, out, proof)
        written = sorted(item.relative_to(stage).as_posix() for item in stage.rglob("*") if item.is_file())
        total = sum((stage / name).stat().st_size for name in written)
        _place(stage, out)
    except (OSError, SafetensorError) as error:
        if failure := as_disk_error(out, error, "Free some space and export again; nothing was changed."):
            raise failure from None
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    now = consumers.read(out) if to == "peft" else None
    if before is None or now is None:
        return Exported(out, to, written, total, proof)
    return Exported(out, to, written, total, proof, before.uneven, tuple(consumers.consumers(now)))


def to_dict(exported: Exported) -> dict[str, Any]:
    """Returns `exported` as plain data, as `--json` prints it."""
    return {
        "path": str(exported.path),
        "to": exported.to,
        "files": exported.files,
        "bytes": exported.bytes,
        "proof": exported.proof.to_dict(),
        "folded": exported.folded,
        "consumers": [asdict(one) for one in exported.consumers],
    }


def _require_outside(out: Path) -> None:
    # What lies there is taken for an adapter, a run or a cache of the program's own.
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(paths.home())):
        message = f"{out} lies in the folder in which Finetune Studio keeps its own files."
        raise StudioError("usage", message, f"Name a folder outside of {paths.home()}.")


def _stage(out: Path) -> Path:
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise StudioError("usage", f"{out} is there already.", "Name a new folder; nothing is overwritten.")
        stage = files.hidden(out)
        stage.mkdir(parents=True)
    except OSError as error:
        raise disk_error(out, error) from None
    return stage


def _write_gguf(entry: Entry, base: Path, folder: Path, on_phase: Callable[[str], None], stored: Stored) -> Proof:
    # Every run loads this package for its result, and few need this.
    from studio.engine.export import gguf

    return gguf.write(entry, base, folder, on_phase, stored)


def _write_lora(entry: Entry, base: Path, folder: Path, on_phase: Callable[[str], None]) -> Proof:
    from studio.engine.export.gguf import lora

    return lora.write(entry, base, folder, on_phase)


def _require_room(out: Path, base: Path, entry: Entry, to: Target, stored: Stored) -> None:
    needed = (0 if entry.is_model else entry.weights_bytes) + sum(
        item.stat().st_size for item in base.glob("tokenizer*")
    )
    if to == "merged":
        needed += sum(item.stat().st_size for item in base.glob("*.safetensors"))
    elif to == "gguf":
        needed += file_bytes(shapes(base), stored)
    free = shutil.disk_usage(out.parent).free
    if free < needed * 1.05 + 1_000_000:
        raise StudioError(
            "disk",
            f"The export needs {size(needed)} and the disk has {size(free)} left.",
            "Free some space, or name a folder on another disk.",
        )


def _place(stage: Path, out: Path) -> None:
    sync_tree(stage)
    if out.exists():
        out.rmdir()
    files.replace(stage, out)
    sync_folder(out.parent)


def _failed(stage: Path, out: Path, proof: Proof) -> StudioError:
    kept, number = out.with_name(f"{out.name}.failed"), 2
    while kept.exists():
        kept, number = out.with_name(f"{out.name}.failed-{number}"), number + 1
    _place(stage, kept)
    said = f"its logits are off by up to {proof.max_abs_difference:.3g}, and at most {proof.bound:.3g} can be rounding"
    return StudioError(
        "export",
        f"Read back from the disk, the export answers differently: {proof.fault or said}.",
        f"Do not use it. It was kept as {kept} to look at; the adapter in the library is as it was.",
    )
