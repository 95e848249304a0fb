"""Compressed files and archives laid out plain in the cache, by limits that are measured and not believed."""

import gzip
import json
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

import zstandard

from studio.core.errors import StudioError

OnProgress = Callable[[int, int], None]

COMPRESSED = (".gz", ".zst")
ARCHIVES = (".zip",)
_NESTED = (*COMPRESSED, *ARCHIVES, ".tar", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_NAMES = "names.json"
MAX_RATIO = 200
MAX_ENTRIES = 10_000
# Below this much no ratio is asked for: a short text that repeats itself is no bomb.
FREE_BYTES = 10_000_000
# What is left free on the disk.
_RESERVE_BYTES = 500_000_000
_MAX_WINDOW = 1 << 27
_CHUNK = 1 << 20
# A block of zstd of four bytes may hold 128 kB: this much of it at once fits into memory whatever it holds.
_ZSTD_CHUNK = 1 << 10
_DAMAGED = (zlib.error, zstandard.ZstdError, EOFError, zipfile.BadZipFile, NotImplementedError, gzip.BadGzipFile)


class _Meter:
    """Counts what is written of one compressed file and ends it where it grows beyond measure."""

    def __init__(self, source: Path, target: Path, on_progress: OnProgress | None) -> None:
        self._name, self._size = source.name, source.stat().st_size
        self._room = shutil.disk_usage(target).free - _RESERVE_BYTES
        self._on_progress = on_progress
        self.written = 0

    def copy(self, pieces: Iterator[bytes], plain: BinaryIO, read: Callable[[], int]) -> None:
        """Writes a file out; `read` tells how many packed bytes are done."""
        for chunk in pieces:
            self.written += len(chunk)
            if self.written > FREE_BYTES and self.written > MAX_RATIO * self._size:
                message = f"{self._name} unfolds to more than {MAX_RATIO} times its size; it was not opened further."
                raise StudioError("data", message, "Unpack it by other means if you trust it, and open what it holds.")
            if self.written > self._room:
                message = f"{self._name} does not fit on the disk unpacked."
                raise StudioError("disk", message, "Free some space, or set STUDIO_HOME to a folder on a larger disk.")
            plain.write(chunk)
            if self._on_progress:
                self._on_progress(min(read(), self._size), self._size)


def unpack(source: Path, target: Path, on_progress: OnProgress | None = None) -> None:
    """Writes what a `.gz`, `.zst` or `.zip` file holds into an empty folder.

    Args:
        source: the file.
        target: the folder; of an archive it gets what `entries` reads.
        on_progress: told (packed bytes done, packed bytes in all).

    Raises:
        StudioError: (data) damaged, encrypted, nested, with names that lead elsewhere or stand there twice, or larger
            than its size allows; (disk) it does not fit.
    """
    meter = _Meter(source, target, on_progress)
    try:
        if source.suffix.lower() in ARCHIVES:
            _unzip(source, target, meter)
            return
        opened = _gunzipped if source.suffix.lower() == ".gz" else _unpacked_zstd
        with source.open("rb") as raw, (target / source.stem).open("wb") as plain:
            meter.copy(opened(raw), plain, raw.tell)
    except _DAMAGED as error:
        raise StudioError("data", f"{source.name} is damaged: {error}.", "Get it or compress it again.") from None


def entries(target: Path) -> dict[str, Path] | None:
    """Returns the files of an archive that was unpacked into `target` by their paths in it; None: it was not."""
    try:
        names: list[str] = json.loads((target / _NAMES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {name: target / _file(number, name) for number, name in enumerate(names)}


def _file(number: int, name: str) -> str:
    """Returns what an entry is called on the disk, where its own name may be one that the system does not take."""
    suffix = PurePosixPath(name).suffix
    return f"{number}{suffix if suffix[1:].isalnum() and suffix.isascii() else ''}"


def _gunzipped(raw: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=raw) as packed:
        yield from _pieces(packed)


def _pieces(packed: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := packed.read(_CHUNK):
        yield piece


def _unpacked_zstd(raw: BinaryIO) -> Iterator[bytes]:
    """Yields the content of all frames; unlike the library's own reader it notices when the last one is cut off."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    frame = decompressor.decompressobj()
    begun = False
    while packed := raw.read(_ZSTD_CHUNK):
        while packed:
            yield frame.decompress(packed)
            packed, begun = frame.unused_data if frame.eof else b"", not frame.eof
            if frame.eof:
                frame = decompressor.decompressobj()
    if begun:
        raise EOFError("it ends too early")


def _unzip(source: Path, target: Path, meter: _Meter) -> None:
    with zipfile.ZipFile(source) as archive:
        found = [item for item in archive.infolist() if not item.is_dir()]
        if len(found) > MAX_ENTRIES:
            message = f"{source.name} holds {len(found):,} files; {MAX_ENTRIES:,} are the most."
            raise StudioError("data", message, "Join the rows into fewer files.")
        names = [PurePosixPath(entry.filename).as_posix() for entry in found]
        for name, times in Counter(names).items():
            if times > 1:
                message = f"{source.name} holds `{name[:100]}` twice."
                raise StudioError("data", message, "Pack the files again under names of their own.")
        for entry in found:
            _check_entry(source, entry)
        for number, (entry, name) in enumerate(zip(found, names, strict=True)):
            with archive.open(entry) as packed, (target / _file(number, name)).open("xb") as plain:
                meter.copy(_pieces(packed), plain, partial(getattr, entry, "header_offset"))
        (target / _NAMES).write_text(json.dumps(names), encoding="utf-8")


def _check_entry(source: Path, entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    path = PurePosixPath(name)
    fault = ""
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in entry.orig_filename:
        fault = "leads out of the archive"
    elif stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        fault = "is a link or a device"
    elif entry.flag_bits & 1:
        fault = "is encrypted"
    elif path.suffix.lower() in _NESTED:
        fault = "is an archive itself"
    elif len(name) > 240 or len(path.parts) > 8:
        fault = "has a path that is too long"
    if fault:
        message = f"{source.name} is refused: `{name[:100]}` in it {fault}."
        raise StudioError("data", message, "Unpack it by other means if you trust it, and open the files it holds.")
