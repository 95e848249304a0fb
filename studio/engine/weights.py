"""Weights files: which a folder holds, whether they are sound, and their fingerprint. Nothing here loads them."""

import hashlib
import json
import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio import paths
from studio.core import library
from studio.core.cache import sha256
from studio.core.entry import Entry, joined
from studio.core.errors import Reason, StudioError
from studio.core.files import write_atomic

_MAX_HEADER_BYTES = 4_000_000
_MAX_TENSORS = 20_000
_MAX_JSON_BYTES = 50_000_000
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8}
_BITS |= {"I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64}
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")

# What `Stored.numbers` reads.
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}

Header = dict[str, tuple[str, list[int]]]


class Stored(NamedTuple):
    """A tensor where it lies in a safetensors file.

    Attributes:
        dtype: in safetensors' words.
        start: the byte of the file it begins with.
    """

    path: Path
    dtype: str
    shape: list[int]
    start: int

    @property
    def floats(self) -> bool:
        """Whether it holds plain numbers, which `numbers` reads."""
        return self.dtype in _FLOATS

    def numbers(self, first: int = 0, count: int | None = None) -> NDArray[np.floating[Any]]:
        """Reads `count` of the numbers from the `first` on, or all the rest, as they follow each other; (n,).

        bfloat16 comes as float32.

        Raises:
            StudioError: (checkpoint) the file is no longer there.
        """
        kind, every = np.dtype(_FLOATS[self.dtype]), int(np.prod(self.shape, dtype=np.int64))
        count = every - first if count is None else min(count, every - first)
        try:
            read = np.fromfile(self.path, kind, count, offset=self.start + first * kind.itemsize)
        except OSError as error:
            raise self._gone(error.strerror or str(error)) from None
        if len(read) != count:
            raise self._gone("it is shorter than before")
        if self.dtype != "BF16":
            return read
        # bfloat16 is the upper half of a float32. Shifted in place: ten times as fast as into new memory.
        whole = read.astype(np.uint32)
        return np.left_shift(whole, 16, out=whole).view(np.float32)

    def _gone(self, why: str) -> StudioError:
        message = f"{self.path} went away while it was read: {why}."
        return StudioError("checkpoint", message, "Look again; a newer one may have taken its place.")


def read_json(path: Path, reason: Reason) -> dict[str, Any]:
    """Reads a JSON object from a file that may come from anyone.

    Raises:
        StudioError: (`reason`) missing, too large, or not a JSON object.
    """
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise StudioError(reason, f"{path.name} is larger than any real one.", "Download the folder again.")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise StudioError(
            reason, f"{path} cannot be read: {error.strerror}.", "Check the folder and its permissions."
        ) from None
    except (ValueError, RecursionError):
        raise StudioError(reason, f"{path.name} in {path.parent} is not JSON.", "Download the folder again.") from None
    if not isinstance(data, dict):
        raise StudioError(reason, f"{path.name} in {path.parent} holds no settings.", "Download the folder again.")
    return data


def files(folder: Path) -> list[Path]:
    """Returns the safetensors files that hold a model's weights, each checked.

    Raises:
        StudioError: (model) none, some missing, pickles or GGUF only, links out of the folder, damaged files.
    """
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        names = {"model.safetensors"}
    elif index.is_file():
        names = _indexed(index)
    else:
        raise _no_weights(folder)
    found = [folder / name for name in sorted(names)]
    for file in found:
        check_inside(folder, file, "model")
        header(file, "model")
    return found


def header(path: Path, reason: Reason) -> Header:
    """Reads a safetensors file's header, without its tensors.

    Returns:
        dtype and shape by tensor name.

    Raises:
        StudioError: (`reason`) the file is damaged, cut short, or larger inside than any real one.
    """
    return {name: (held.dtype, held.shape) for name, held in stored(path, reason).items()}


def stored(path: Path, reason: Reason) -> dict[str, Stored]:
    """Reads where each tensor of a safetensors file lies.

    Raises:
        StudioError: as `header` does.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER_BYTES or length + 8 > size:
                raise ValueError("its header is too long")
            tensors = json.loads(file.read(length), object_pairs_hook=_unique)
        tensors.pop("__metadata__", None)
        if len(tensors) > _MAX_TENSORS:
            raise ValueError(f"it lists {len(tensors)} tensors")
        found = {name: _tensor(about) for name, about in tensors.items()}
        if any(end > size - 8 - length for *_, end in found.values()):
            raise ValueError("it holds a tensor behind its end")
        if sum(end - start for *_, start, end in found.values()) != size - 8 - length:
            raise ValueError("its size is not what its header says")
    except OSError as error:
        raise StudioError(reason, f"{path} cannot be read: {error.strerror}.", "Check the file.") from None
    except (ValueError, struct.error, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StudioError(
            reason, f"{path.name} in {path.parent} is damaged or incomplete.", "Download the file again.", str(error)
        ) from None
    return {name: Stored(path, dtype, shape, 8 + length + start) for name, (dtype, shape, start, _) in found.items()}


def fingerprint(folder: Path) -> str:
    """Returns the SHA-256 over the names and contents of a model's weights files.

    A file's own hash is kept in the cache under its path, size and time of change: only the first call reads it.

    Raises:
        StudioError: (model) the folder holds no sound weights.
    """
    return joined((file.name, _digest(file)) for file in files(folder))


def verified(entry: Entry) -> Entry:
    """As `library.verified`, but a whole model's files, which are large, are read once for each state of them."""
    if not entry.is_model or entry.fault or not entry.sha256:
        return library.verified(entry)
    try:
        return library.compared(entry, fingerprint(entry.folder))
    except StudioError as error:
        return replace(entry, fault=error.message)


def key_of(file: Path) -> str:
    """Returns the name under which the cache keeps what is known of a file as it is now."""
    stat = file.stat()
    return hashlib.sha256(f"{file.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode()).hexdigest()


def _digest(file: Path) -> str:
    known = paths.cache_dir() / "fingerprints" / key_of(file)
    if known.is_file():
        return known.read_text()
    digest = sha256(file)
    # Kept for later calls alone.
    with suppress(OSError):
        known.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(known, digest.encode())
    return digest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names a tensor twice")
    return found


def _tensor(about: dict[str, Any]) -> tuple[str, list[int], int, int]:
    dtype, shape, (start, end) = about["dtype"], about["shape"], about["data_offsets"]
    count = 1
    for length in shape:
        if type(length) is not int or length < 0:
            raise ValueError("it holds a tensor without a proper shape")
        count *= length
    # Formats below a byte are for other programs; the safetensors library has the last word on those.
    if (
        type(start) is not int
        or not 0 <= start <= end
        or (dtype in _BITS and (end - start) * 8 != count * _BITS[dtype])
    ):
        raise ValueError("it holds a tensor whose size is not what its shape says")
    return dtype, shape, start, end


def _indexed(index: Path) -> set[str]:
    names = read_json(index, "model").get("weight_map")
    if not isinstance(names, dict) or not names:
        raise StudioError("model", f"{index.name} in {index.parent} lists no weights.", "Download the folder again.")
    for name in names.values():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise StudioError(
                "model",
                f"{index.name} names weights outside the folder or not in safetensors: {name!r}.",
                "Such a model is not opened; get it from its original source.",
            )
        if not (index.parent / name).is_file():
            raise StudioError(
                "model", f"{name} is missing in {index.parent}.", "The download is incomplete: download it again."
            )
    return set(names.values())


def check_inside(folder: Path, file: Path, reason: Reason) -> None:
    """Refuses a link out of `folder`.

    Raises:
        StudioError: (`reason`) `file` really lies elsewhere, or is no file.
    """
    root, target = folder.resolve(), file.resolve()
    # A snapshot in the Hugging Face cache is made of links into the cache's own store of blobs.
    if root.parent.name == "snapshots" and root.parents[1].name.startswith("models--"):
        root = root.parents[2]
    if not target.is_relative_to(root) or not target.is_file():
        raise StudioError(
            reason,
            f"{file.name} in {folder} is a link to a place outside the folder.",
            "Copy the real file there, if you trust it.",
        )


def _no_weights(folder: Path) -> StudioError:
    suffixes = {file.suffix for file in folder.iterdir()}
    if ".gguf" in suffixes:
        return StudioError(
            "model",
            f"{folder} holds GGUF weights, which are made for answering and cannot be trained.",
            "Use the safetensors version of this model, usually the original it was converted from.",
        )
    if suffixes & set(_PICKLES):
        return StudioError(
            "model",
            f"{folder} holds its weights as pickle files, which can run any program when opened.",
            "Use a version of this model in safetensors; most have one.",
        )
    return StudioError(
        "model", f"{folder} holds no weights (model.safetensors).", "Download the model again or name another folder."
    )
