"""The ids of datasets on the Hugging Face Hub: `owner/name`, or with a revision and a pattern of files."""

import re
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "hf://datasets/"
_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_FULL = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)(?:@([^/]+))?(?:/(.+))?")
# A relative path such as `data/rows.jsonl` looks like an id too.
_FILE = re.compile(r".*\.(jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|ipc|xlsx|txt|md|markdown|gz|zst|zip)", re.I)


@dataclass(frozen=True, slots=True)
class HubId:
    """A dataset on the hub.

    Attributes:
        repo: its owner and name.
        revision: a branch, tag or commit; None: the main branch.
        pattern: which of its files, such as `data/test-*`; empty: those to train on.
    """

    repo: str
    revision: str | None = None
    pattern: str = ""


def parse(text: str) -> HubId | None:
    """Reads `owner/name` or `hf://datasets/owner/name@revision/pattern`; None for what is no id."""
    if found := _FULL.fullmatch(text):
        return HubId(found[1], found[2], found[3] or "")
    return HubId(text) if _PLAIN.fullmatch(text) and not _FILE.fullmatch(text) else None


def is_hub_id(text: str, folder: Path) -> bool:
    """Whether `text` names a dataset on the hub and, unless it says so itself, nothing in `folder`."""
    return text.startswith(_PREFIX) or (parse(text) is not None and not (folder / text).exists())
