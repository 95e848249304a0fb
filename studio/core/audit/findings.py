"""What an audit can find: each kind with its words and its remedy, and the rows it was found in, compact on disk."""

import json
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Severity = Literal["error", "warning", "note"]
# What takes a finding away: leaving the rows out, leaving out all but the first of those that belong together, putting
# a stand-in where something was found, or mending the text; empty: a person must look.
Remedy = Literal["exclude", "redact", "repair", ""]
Hits = NDArray[np.int64]

FIELDS = ("row", "message", "start", "stop", "other")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: how grave it is, its title, one sentence on why it matters, and its remedy."""

    severity: Severity
    title: str
    why: str
    remedy: Remedy


KINDS: dict[str, Kind] = {
    "unusable": Kind("error", "Rows that cannot be read", "They are left out of training as they are.", ""),
    "refused": Kind("error", "Rows the chat template refuses", "They are left out of training.", "exclude"),
    "untrained": Kind("error", "Rows with nothing to learn", "No token of theirs would carry loss.", "exclude"),
    "lost": Kind(
        "error", "Answers cut away whole", "The maximum length ends before the last answer begins.", "exclude"
    ),
    "cut": Kind(
        "warning",
        "Answers cut before their end",
        "The model learns answers that break off, and not how they end; a larger maximum length keeps them.",
        "exclude",
    ),
    "chunks": Kind(
        "note",
        "Long texts made into chunks",
        "Nothing of them is lost: each is learned in several sequences of at most the maximum length.",
        "",
    ),
    "endless": Kind(
        "error",
        "Answers whose end is not learned",
        "Without a learned end token the model does not know when to stop; the chat template decides this.",
        "",
    ),
    "untold": Kind(
        "warning",
        "Tools that the model is not told of",
        "The chat template leaves them out, in training as in use: what these answers say of them comes from nowhere.",
        "",
    ),
    "partial": Kind(
        "note",
        "Answers learned in part",
        "The chat template leaves out thoughts of earlier answers, or what is said beside a call of tools, or writes "
        "it where it is not learned.",
        "",
    ),
    "empty": Kind("error", "Empty answers", "The model would learn to say nothing.", "exclude"),
    "word": Kind("note", "Answers of one word", "Right for labels; elsewhere the model learns to be curt.", "exclude"),
    "unasked": Kind("warning", "Empty questions", "The model learns to answer where nothing was asked.", "exclude"),
    "roles": Kind(
        "warning",
        "Roles in an unusual order",
        "Templates expect a system message first, then user and assistant in turn, and an answer at the end.",
        "exclude",
    ),
    "special": Kind(
        "error",
        "Special tokens inside the text",
        "The tokenizer takes them for the real thing, so the text forges the beginning or the end of a turn.",
        "repair",
    ),
    "mojibake": Kind(
        "warning", "Broken encoding", "UTF-8 was once read as another encoding; the model would learn it.", "repair"
    ),
    "replacement": Kind(
        "warning", "Lost characters", "U+FFFD stands where a character could not be read; it is gone.", "exclude"
    ),
    "control": Kind("warning", "Control characters", "Invisible rests of other programs become tokens.", "repair"),
    "duplicate": Kind(
        "warning", "Exact duplicates", "Each copy counts again: the model learns it by heart.", "exclude"
    ),
    "near": Kind("warning", "Near duplicates", "They differ by a few words and count almost as copies.", "exclude"),
    "conflict": Kind(
        "warning",
        "One prompt, different answers",
        "The model can only learn the mean of them, unless variety is what is wanted.",
        "exclude",
    ),
    "swapped": Kind(
        "error",
        "Preferences that contradict each other",
        "The same answer is the better or the good one in one row and not in another: nothing is learned from both.",
        "exclude",
    ),
    "leak": Kind(
        "error",
        "Evaluation rows in the training data",
        "What was learned by heart looks like skill: the evaluation loss comes out too low.",
        "exclude",
    ),
    "language": Kind("note", "Rows in another language", "Few rows are in this one; a mistake, often.", "exclude"),
    "secret": Kind("error", "Keys and tokens", "A model gives what it has learned to whoever asks.", "redact"),
    "mail": Kind("warning", "Mail addresses", "Personal data that the model may repeat.", "redact"),
    "phone": Kind("warning", "Telephone numbers", "Personal data that the model may repeat.", "redact"),
    "card": Kind("error", "Card numbers", "Their checksum is right; the model may repeat them.", "redact"),
    "iban": Kind("error", "Account numbers", "Their checksum is right; the model may repeat them.", "redact"),
    "refusal": Kind(
        "note",
        "Refusals of another assistant",
        "The model learns to refuse, and to call itself what another model was.",
        "exclude",
    ),
    "user": Kind(
        "warning",
        "Answers that speak for the user",
        "The model learns to go on with the next question instead of stopping.",
        "exclude",
    ),
    "unfinished": Kind(
        "warning", "Answers that break off", "They end in the middle of a sentence, unlike the others.", "exclude"
    ),
    "html": Kind("note", "Rests of HTML", "Tags and entities of web pages become part of the answers.", "repair"),
    "long": Kind(
        "note", "Rows far longer than the others", "They cost the most memory and are often two rows in one.", "exclude"
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing found in a dataset.

    Attributes:
        key: one of `KINDS`.
        count: how many rows.
        hits: (n, 5) int64, by row: the row's number in the file; the message, from 0, or -1 where it is the row as a
            whole; [start, stop) in characters of that message; the row it belongs with, or -1. With `leak`, that is
            a row of the evaluation file, where there is one. With `cut`, start is how many tokens of the last answer
            are lost and stop how many it has.
        notes: more to say of the first rows, by their number.
    """

    key: str
    count: int
    hits: Hits = field(repr=False, compare=False)
    notes: dict[int, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Its words and its remedy."""
        return KINDS[self.key]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The numbers of all its rows in their file, rising, each once."""
        return np.unique(self.hits[:, 0])

    def summary(self, shown: int = 20) -> dict[str, Any]:
        """Returns what there is to say of it as JSON can hold it, with the first hits only."""
        first = [dict(zip(FIELDS, hit, strict=True)) for hit in self.hits[:shown].tolist()]
        notes = {str(row): text for row, text in list(self.notes.items())[:shown]}
        return {"key": self.key, **asdict(self.kind), "count": self.count, "hits": first, "notes": notes}


class Collector:
    """Gathers hits; 40 bytes each."""

    def __init__(self) -> None:
        """Starts with none."""
        self._hits: dict[str, array[int]] = {}

    def add(self, key: str, row: int, message: int = -1, start: int = 0, stop: int = 0, other: int = -1) -> None:
        """Adds one."""
        self._hits.setdefault(key, array("q")).extend((row, message, start, stop, other))

    def found(self) -> list[Finding]:
        """Returns the findings, in the order of `KINDS`."""
        made = ((key, np.array(self._hits[key], np.int64).reshape(-1, 5)) for key in KINDS if key in self._hits)
        return [finding(key, hits) for key, hits in made]


def finding(key: str, hits: Hits, notes: Mapping[int, str] | None = None) -> Finding:
    """Makes a finding of its hits."""
    hits = hits[np.lexsort(hits.T[::-1])]
    return Finding(key, len(np.unique(hits[:, 0])), hits, dict(notes or {}))


def of_rows(key: str, rows: NDArray[Any], others: NDArray[Any] | None = None) -> Finding:
    """Makes a finding of whole rows by their numbers; `others` are those they belong with."""
    hits = np.zeros((len(rows), 5), np.int64)
    hits[:, 0], hits[:, 1], hits[:, 4] = rows, -1, -1 if others is None else others
    return finding(key, hits)


def save(folder: Path, findings: Iterable[Finding], about: Mapping[str, Any]) -> None:
    """Writes findings and what else there is to say to an empty folder."""
    listed = []
    for item in findings:
        np.save(folder / f"{item.key}.npy", item.hits)
        listed.append({"key": item.key, "count": item.count, "hits": len(item.hits), "notes": item.notes})
    (folder / "findings.json").write_text(json.dumps({"findings": listed, "about": dict(about)}), encoding="utf-8")


def load(folder: Path) -> tuple[list[Finding], dict[str, Any]] | None:
    """Opens what `save` wrote, the rows mapped from disk; None where it is not whole."""
    try:
        held = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
        found = []
        for item in held["findings"]:
            hits = np.load(folder / f"{item['key']}.npy", mmap_mode="r")
            if hits.shape != (item["hits"], 5):
                return None
            notes = {int(row): text for row, text in item["notes"].items()}
            found.append(Finding(item["key"], item["count"], hits, notes))
        return found, held["about"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
