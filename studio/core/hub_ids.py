"""The ids of datasets on the Hugging Face Hub: `owner/name`, or with a revision and with which files are wanted."""

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, urlencode

from studio import paths

_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_REVISION = r"refs/(?:pr|convert)/[^/?]+|[^/?]+"
# A path drops one of two slashes.
_FULL = re.compile(rf"hf://?datasets/([\w.-]+/[\w.-]+)(?:@({_REVISION}))?(?:/(.+?))?(?:\?((?:subset|split)=.+))?")
_PAGE = re.compile(rf"(?:https?://)?huggingface\.co/datasets/([\w.-]+/[\w.-]+)(?:/(?:tree|viewer)/({_REVISION}).*)?/?")
# A relative path such as `data/rows.jsonl` looks like an id too.
_ENDING = r"\.(jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|ipc|xlsx|txt|md|markdown|gz|zst|zip)"
_FILE = re.compile(f".*{_ENDING}", re.I)
_ENDINGS = re.compile(f"(?<=.)({_ENDING})+$", re.I)


@dataclass(frozen=True, slots=True)
class HubId:
    """A dataset on the hub.

    Attributes:
        repo: its owner and name.
        revision: a branch, tag or commit; None: the main branch.
        pattern: which of its files, such as `data/test-*`; empty: those to train on.
        subset, split: words that stand in the names of the files or of their folders, such as `en` and `train`.
    """

    repo: str
    revision: str | None = None
    pattern: str = ""
    subset: str = ""
    split: str = ""

    def __str__(self) -> str:
        """Returns the id as `parse` reads it."""
        revision = f"@{self.revision}" if self.revision else ""
        words = {name: word for name, word in (("subset", self.subset), ("split", self.split)) if word}
        query = f"?{urlencode(words)}" if words else ""
        return f"hf://datasets/{self.repo}{revision}{'/' if self.pattern else ''}{self.pattern}{query}"

    @property
    def names_files(self) -> bool:
        """Whether files are named, those for evaluation perhaps, and not only the dataset."""
        return bool(self.pattern or self.split)

    def fits(self, name: str) -> bool:
        """Whether a file of the dataset is one of those wanted."""
        pattern = self.pattern
        named = not pattern or fnmatch(name, pattern) or name.startswith(pattern.rstrip("/") + "/")
        return named and all(_has_word(name, word) for word in (self.subset, self.split) if word)


def parse(text: str) -> HubId | None:
    """Reads `owner/name` or `hf://datasets/owner/name@revision/pattern?subset=..&split=..`; None for what is no id."""
    if found := _FULL.fullmatch(text.replace("\\", "/")):
        words = dict(parse_qsl(found[4] or ""))
        return HubId(found[1], found[2], found[3] or "", words.get("subset", ""), words.get("split", ""))
    return HubId(text) if _PLAIN.fullmatch(text) and not _FILE.fullmatch(text) else None


def typed(text: str) -> HubId | None:
    """Reads what a person types or pastes: also the address of the dataset's page."""
    found = _PAGE.fullmatch(text.strip())
    return HubId(found[1], found[2]) if found else parse(text.strip())


def is_hub_id(text: str, folder: Path) -> bool:
    """Whether `text` names a dataset on the hub and, unless it says so itself, nothing in `folder`."""
    return says_so(text) or (parse(text) is not None and not (folder / text).exists())


def says_so(path: str | Path) -> bool:
    """Whether a path is the id of a dataset on the hub by its beginning."""
    return str(path).replace("\\", "/").startswith("hf:/")


def placed(path: Path) -> Path:
    """Returns where data is: an id of the hub in full, unless something here has that name; else an absolute path."""
    found = parse(path.as_posix()) if is_hub_id(path.as_posix(), Path()) else None
    return Path(str(found)) if found is not None else path.expanduser().absolute()


def spelled(path: Path) -> str:
    """Returns a path as text; of an id that was made a path, the id."""
    found = parse(str(path)) if says_so(path) else None
    return str(found or path)


def short_name(path: str) -> str:
    """Returns what data is called in short: without folders and endings, but never by figures or a pattern alone."""
    if found := parse(path) if says_so(path) else None:
        return found.repo.partition("/")[2]
    place = PurePosixPath(path.replace("\\", "/"))
    whole = place.name[: -len(paths.VERSION_SUFFIX)] if paths.is_version(path) else place.name
    name = _ENDINGS.sub("", whole)
    above = place.parent.name
    return name if any(letter.isalpha() for letter in name) or not above else f"{above}/{name}"


def _has_word(name: str, word: str) -> bool:
    return bool(re.search(rf"(^|[/_.\- ]){re.escape(word)}([/_.\- ]|$)", name, re.IGNORECASE))
