"""What a path or a hub id stands for: the plain data files behind a file, a folder, a pattern or an archive.

Nothing in a folder decides what is read but the names and contents of its files: no README, no script, no link that
leads out of it.
"""

import codecs
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from studio import paths
from studio.core import cache, hub_ids
from studio.core.data import lines, prose, rows, unpacking
from studio.core.data.unpacking import OnProgress
from studio.core.errors import StudioError, given_path

T = TypeVar("T")
Kind = Literal["JSONL", "JSON", "CSV", "TSV", "Parquet", "Arrow", "XLSX", "Text", "Markdown"]

KINDS: dict[str, Kind] = {
    ".jsonl": "JSONL",
    ".ndjson": "JSONL",
    ".json": "JSON",
    ".csv": "CSV",
    ".tsv": "TSV",
    ".parquet": "Parquet",
    ".arrow": "Arrow",
    ".feather": "Arrow",
    ".ipc": "Arrow",
    ".xlsx": "XLSX",
    ".txt": "Text",
    ".md": "Markdown",
    ".markdown": "Markdown",
}
ENDINGS = (*KINDS, *unpacking.COMPRESSED, *unpacking.ARCHIVES)
_BINARY = ("Parquet", "Arrow", "XLSX")
_PROSE = ("Text", "Markdown")

MAX_FILES = 10_000
_VERSION = 2  # of what is cached: raise it whenever the same file would be laid out differently
_MAX_DEPTH = 8
# What the program itself puts beside data.
_OWN = r".*\.(recipe|provenance)\.json"
# Files that say something about data and hold none.
_ABOUT = re.compile(r"(readme|licen[cs]e|notice|changelog|contributing)\b.*|dataset_infos?\.json|dataset_dict\.json|"
                    rf"state\.json|{_OWN}|cache-.*\.arrow", re.IGNORECASE)  # fmt: skip
_HELD_BACK = re.compile(r"(^|[/_.\- ])(test|valid|validation|val|dev|eval|evaluation|heldout)([/_.\- ]|$)", re.I)


class Stamp(NamedTuple):
    """What tells a file from another of the same size that was put in its place.

    Attributes:
        modified: its time of change in ns, which a copy may have kept.
        status_changed: the time in ns of any change to it or its name, which no program can set; 0 where none is
            known, as on Windows.
        inode: its number on the disk; 0 where it has none.
    """

    modified: int
    status_changed: int
    inode: int


@dataclass(frozen=True, slots=True)
class Part:
    """One plain data file.

    Attributes:
        name: what it is called; within a folder or an archive its path there.
        path: where its content lies: the file itself, or its copy in the cache, unpacked and as UTF-8.
        kind: how it is read.
    """

    name: str
    path: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be read.

    Attributes:
        path: the file or the folder as it was given; of a hub id the files' folder.
        name: what messages call it.
        parts: the plain files, in the order of their names.
        note: which files, or front matter of which, were left out and why; empty where nothing was.
    """

    path: Path
    name: str
    parts: tuple[Part, ...]
    note: str = ""

    def state(self) -> list[tuple[str, int, Stamp]]:
        """Returns name, size in bytes and stamp of each part."""
        return [(part.name, *_state(part.path)) for part in self.parts]

    def holds(self, file: Path) -> bool:
        """Whether an existing file is one of the parts, by whatever path."""
        return any(part.path.exists() and part.path.samefile(file) for part in self.parts)


def find(path: str | Path, on_progress: OnProgress | None = None) -> Source:
    """Finds the data files that a path stands for, unpacking and converting to UTF-8 where it has to.

    Args:
        path: a data file, plain or compressed; a folder; a pattern such as `data/*.jsonl`; a zip archive; a dataset of
            the hub, as `hub_ids` has it.
        on_progress: told (bytes, bytes in all) while it downloads and unpacks.

    Raises:
        StudioError: (data) missing, empty, of an unknown kind, refused for what it holds; (disk) the cache is full;
            (network) it cannot be downloaded.
    """
    found = _found(path, on_progress)
    try:
        books = [part.name for part in found.parts if part.kind == "XLSX" and _sheets(part) > 1]
        fronted = [part.name for part in found.parts if part.kind == "Markdown" and prose.front_matter(part.path)]
    except OSError as error:
        raise unreadable(found.path, error) from None
    left = f"the front matter of {_some(fronted)} was left out" if fronted else ""
    unread = f"of {_some(books)} only the first sheet is read" if books else ""
    return replace(found, note="; ".join(filter(None, [found.note, left, unread])))


def _sheets(book: Part) -> int:
    # What reads workbooks is loaded for them alone.
    from studio.core.data import sheets

    return sheets.count(book.path)


def _found(path: str | Path, on_progress: OnProgress | None) -> Source:
    if hub_ids.is_hub_id(str(path), Path()):
        wanted = hub_ids.parse(str(path))
        if wanted is None:
            raise StudioError("data", f"`{path}` is no id of a dataset.", "Write it as `hf://datasets/owner/name`.")
        return _of_hub(wanted, on_progress)
    given = given_path(path, "data").absolute()
    try:
        if given.is_dir():
            return _of_files(given, dict(_walked(given, given.name)), given.name, on_progress)
        if has_magic(str(path)) and not given.exists():
            return _of_pattern(given, on_progress)
        if given.suffix.lower() in unpacking.ARCHIVES:
            _state(given)
            return _of_files(given, _of_archive(given, on_progress), given.name, on_progress)
        _state(given)
        return Source(given, given.name, (_part(given.name, given, on_progress),))
    except OSError as error:
        raise unreadable(given, error) from None


def chosen(names: Iterable[str]) -> tuple[list[str], str]:
    """Chooses by their names the files to learn from; returns them in order, and which were left out and why."""
    data = sorted(name for name in names if _plain_kind(name) and not _ABOUT.fullmatch(name.rpartition("/")[2]))
    prose = [name for name in data if _plain_kind(name) in _PROSE]
    notes = []
    if 0 < len(prose) < len(data):
        data = [name for name in data if name not in set(prose)]
        notes.append(f"{_named(prose)} left out as text beside data")
    held = [name for name in data if _HELD_BACK.search(name)]
    if 0 < len(held) < len(data):
        data = [name for name in data if name not in set(held)]
        notes.append(f"{_named(held)} left out as held back for evaluation")
    return data, "; ".join(notes)


def _of_files(folder: Path, files: dict[str, Path], name: str, on_progress: OnProgress | None) -> Source:
    names, note = chosen(files)
    if len(names) > MAX_FILES:
        message = f"{name} holds {len(names):,} data files; {MAX_FILES:,} are the most."
        raise StudioError("data", message, "Join the rows into fewer files.")
    # Files without a row are common among shards; a folder of nothing else is a mistake.
    filled = [label for label in names if _state(files[label], empty=True)[0]]
    if not filled:
        message = f"{name} holds no data file with rows in it."
        raise StudioError("data", message, f"Data files end in {', '.join(ENDINGS)}.")
    return Source(folder, name, tuple(_part(label, files[label], on_progress) for label in filled), note)


def unreadable(path: Path, error: OSError) -> StudioError:
    """Puts a failed reading into words."""
    why = error.strerror or str(error)
    return StudioError("data", f"{path} cannot be read: {why}.", "Check the path and the file's permissions.")


def _of_archive(given: Path, on_progress: OnProgress | None) -> dict[str, Path]:
    """Returns the files of an archive by their paths in it, those that are hidden not."""
    found = _kept(given, "archive", unpacking.entries, lambda folder: unpacking.unpack(given, folder, on_progress))
    return {name: path for name, path in found.items() if not any(part.startswith(".") for part in name.split("/"))}


def _of_hub(wanted: hub_ids.HubId, on_progress: OnProgress | None) -> Source:
    # The hub's library is loaded for what lies there alone.
    from studio.core.data import hub_data

    note, there = "", list[str]()

    def choose(names: list[str]) -> list[str]:
        nonlocal note
        there[:] = chosen(names)[0]
        fitting = [name for name in names if wanted.fits(name)]
        # What was named is taken as it is.
        found, note = ([name for name in fitting if _plain_kind(name)], "") if wanted.names_files else chosen(fitting)
        return found

    files = dict(hub_data.files(wanted, choose, on_progress))
    if not files and there:
        message = f"No data file of {wanted.repo} fits {wanted}; it holds {_some(there)}."
        raise StudioError("data", message, "Name a subset and a split that are words of the files' names, or none.")
    if not files:
        message = f"{wanted.repo} holds no data files that can be read here."
        raise StudioError("data", message, f"Data files end in {', '.join(ENDINGS)}.")
    parts = tuple(_part(name, path, on_progress) for name, path in sorted(files.items()) if _state(path, empty=True)[0])
    return Source(Path(str(wanted)), wanted.repo, parts, note)


def _walked(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yields the files in a folder and those below it, hidden ones not."""
    root, seen = folder.resolve(), 0
    for place, folders, names in os.walk(folder, onerror=_raise):
        here = Path(place)
        depth = len(here.relative_to(folder).parts)
        folders[:] = sorted(item for item in folders if not item.startswith(".") and depth < _MAX_DEPTH)
        for item in sorted(names) + [item for item in folders if (here / item).is_symlink()]:
            path = here / item
            seen += 1
            if seen > 10 * MAX_FILES:
                raise StudioError("data", f"{name} holds too many files.", "Name a folder of data files alone.")
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                message = f"{name} is refused: `{path.relative_to(folder)}` in it is a link that leads out of it."
                raise StudioError("data", message, "Put the file itself in its place, or name it directly.")
            if not item.startswith(".") and not path.is_dir():
                yield path.relative_to(folder).as_posix(), path


def _of_pattern(given: Path, on_progress: OnProgress | None) -> Source:
    fixed = next(place for place in given.parents if not has_magic(str(place)))
    named = (path for path in fixed.glob(str(given.relative_to(fixed))) if not path.is_dir())
    found = sorted(path for path in named if not re.fullmatch(_OWN, path.name, re.IGNORECASE))
    if not found:
        raise StudioError("data", f"No file fits {given}.", "Check the pattern; `**` stands for any folders.")
    root = fixed.resolve()
    for path in found:
        if not path.resolve().is_relative_to(root):
            message = f"{path} is refused: it leads out of {fixed}."
            raise StudioError("data", message, "Put the file itself in its place, or name it directly.")
    if len(found) > MAX_FILES:
        raise StudioError("data", f"{given.name} fits {len(found):,} files.", f"{MAX_FILES:,} are the most.")
    parts = [_part(path.relative_to(fixed).as_posix(), path, on_progress) for path in found if _state(path, True)[0]]
    if not parts:
        raise StudioError("data", f"All files that fit {given.name} are empty.", "Give files with rows.")
    return Source(given, given.name, tuple(parts))


def _part(name: str, path: Path, on_progress: OnProgress | None) -> Part:
    if path.suffix.lower() in unpacking.COMPRESSED:
        _kind(path.name.removesuffix(path.suffix), path.name)
        (path,) = (item for item in _unpacked(path, on_progress).iterdir() if item.is_file())
        if not path.stat().st_size:
            raise StudioError("data", f"{name} is empty.", "Give a file with at least one row.")
    kind = _kind(path.name, name)
    if kind not in _BINARY and (encoding := _other_encoding(path, name)):
        path = _as_utf8(path, encoding, name)
    if kind == "JSON" and _is_lines(path):
        kind = "JSONL"
    return Part(name, path, kind)


def _kind(file: str, name: str) -> Kind:
    kind = KINDS.get(_ending(file))
    if kind is None:
        ending = _ending(file) or "no ending"
        message = f"{name} is of a kind that cannot be read (`{ending}`)."
        raise StudioError("data", message, f"Give a file that ends in {', '.join(ENDINGS)}.")
    return kind


def _plain_kind(name: str) -> Kind | None:
    ending = _ending(name)
    return KINDS.get(_ending(name.removesuffix(name[-len(ending) :])) if ending in unpacking.COMPRESSED else ending)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _named(items: list[str]) -> str:
    return f"{_some(items)} {'was' if len(items) == 1 else 'were'}"


def _some(items: list[str]) -> str:
    shown = ", ".join(item[:60] for item in items[:3])
    return shown + (f" and {len(items) - 3} more" if len(items) > 3 else "")


def _is_lines(path: Path) -> bool:
    """Whether a `.json` file in truth holds one object a line, as many do."""
    with path.open("rb") as file:
        if not lines.after_mark(file).read(4096).lstrip().startswith(b"{"):
            return False
        found: list[tuple[bytes, int]] = []
        for block in lines.blocks(lines.after_mark(file)):
            found += [item for item, _ in zip(block.texts(), range(2), strict=False)]
            if len(found) > 1:
                return rows.from_json(*found[0]).data is not None
    return False


def _other_encoding(path: Path, name: str) -> str:
    """Returns UTF-16's name in either order where a text begins like it; empty for anything else."""
    with path.open("rb") as file:
        head = file.read(4)
    if head in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise StudioError("data", f"{name} is UTF-32 text.", "Save it as UTF-8.")
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    zeros = "".join("0" if byte == 0 else "x" for byte in head)
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros, "")


def _as_utf8(path: Path, encoding: str, name: str) -> Path:
    def make(folder: Path) -> None:
        # Half a surrogate pair comes through as bytes that are not UTF-8, so only its own row is refused.
        with (
            path.open(encoding=encoding, errors="surrogatepass", newline="") as text,
            (folder / path.name).open("w", encoding="utf-8", errors="surrogatepass", newline="") as plain,
        ):
            try:
                while chunk := text.read(1 << 20):
                    plain.write(chunk)
            except UnicodeDecodeError:
                message = f"{name} begins as UTF-16 text and does not go on so."
                raise StudioError("data", message, "Save it as UTF-8.") from None

    return _kept(path, "utf-8", _as_it_is, make) / path.name


def _unpacked(path: Path, on_progress: OnProgress | None) -> Path:
    _state(path)
    return _kept(path, "", _as_it_is, lambda folder: unpacking.unpack(path, folder, on_progress))


def _kept(path: Path, what: str, opened: Callable[[Path], T | None], make: cache.Make) -> T:
    """Opens what was made of a file: in the cache, by its place and state.

    Args:
        path: the file.
        what: what is made of it.
        opened: opens it in a folder that holds what `make` wrote there.
        make: writes it into a folder.
    """

    def filled(folder: Path) -> None:
        (folder / "files").mkdir()
        make(folder / "files")
        cache.note_sizes(folder / "files", folder / "sizes.json")

    def whole(folder: Path) -> T | None:
        return opened(folder / "files") if cache.is_whole(folder / "files", folder / "sizes.json") else None

    key = cache.digest(str(path.resolve()), what, str(_VERSION), *map(str, _state(path)))[:32]
    return cache.made(paths.cache_dir() / "unpacked" / key, whole, filled)


def _as_it_is(folder: Path) -> Path:
    return folder


def _raise(error: OSError) -> None:
    raise error


def stamp(about: os.stat_result, windows: bool = sys.platform == "win32") -> Stamp:
    """Returns the stamp of a file of which this is known."""
    # There it is the time a file was made or that of its last change, by whether it was asked for by name or when open.
    status_changed = 0 if windows else about.st_ctime_ns
    return Stamp(about.st_mtime_ns, status_changed, about.st_ino)


def _state(path: Path, empty: bool = False) -> tuple[int, Stamp]:
    """Returns size in bytes and stamp of a regular file that may be read and, but for `empty`, is not empty.

    Raises:
        StudioError: (data) it is no such file.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise StudioError("data", f"{path} is not a file.", "Name a data file, or a folder of such files.")
        if about.st_size == 0 and not empty:
            raise StudioError("data", f"{path.name} is empty.", "Give a file with at least one row.")
        with path.open("rb"):
            return about.st_size, stamp(about)
    except FileNotFoundError:
        version = f"{path.name}{paths.VERSION_SUFFIX}"
        there = (paths.datasets_dir() / version).is_file()
        hint = f"Check the path, or write {version} for the version of that name." if there else "Check the path."
        raise StudioError("data", f"There is no file {path}.", hint) from None
    except OSError as error:
        raise unreadable(path, error) from None
