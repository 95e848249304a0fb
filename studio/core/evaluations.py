"""What a base and adapters make of rows of data: how it is asked for, and what is kept of each row as it is known.

What is known of a column lies in a folder of the cache named by everything that decides it; there `rows.jsonl` only
grows. Asked for again, an evaluation goes on where it was broken off, and one of more rows, or beside other columns,
begins with what is there.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field, replace
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from studio import paths
from studio.core import cache, config_file, journal, runs
from studio.core.asking import OPEN, Sampling
from studio.core.config import Quantization, RunConfig
from studio.core.entry import TEMPLATE, Entry
from studio.core.errors import StudioError
from studio.core.files import require_new, write_new
from studio.core.objectives import asked
from studio.core.runs import Run

_FILE = "rows.jsonl"
# How rows are cut.
_CUT = ("system", "max_length", "long_text", "chunk_overlap", "train_overlap")
# What they are measured by.
_COUNTED = ("objective", "beta", "simpo_gamma")
# What decides beside the seed which rows are held back.
_SPLIT = ("eval_path", "eval_split", "eval_exclusive", "eval_stratify_by", "format", "mapping")


@dataclass(frozen=True, slots=True, kw_only=True, config=OPEN)
class Evaluate:
    """Has a base and adapters read rows of data, and answer them. Answered by `Results` and `Evaluated`.

    Attributes:
        config: of a run (`config.to_dict`) whose rows they are; they are laid out, cut and counted as there.
        held: only the rows that such a run holds back for evaluation, the very same; False: all of `data.path`.
        known: the fingerprint that the data with the rows held back is to have; empty: any.
        count: so many of the rows; 0: all.
        drawn_by: the seed that draws them; None: the first ones.
        answers: whether they write answers too.
        match: a regular expression that an answer is to have; empty: none.
        adapters: a column each, the first the one that others are compared with; and all else as in `desk.Answer`.
    """

    kind: Literal["evaluate"] = "evaluate"
    id: int = 0
    config: dict[str, Any]
    held: bool = False
    known: str = ""
    count: Annotated[int, Field(ge=0)] = 0
    drawn_by: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    answers: bool = False
    match: str = ""
    model: str = ""
    revision: str | None = None
    quantization: Quantization | None = None
    adapters: Annotated[list[str | None], Field(min_length=1, max_length=64)]
    sampling: Sampling = Sampling()
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=OPEN)
class Evaluated:
    """All rows that were asked for are read, and answered; what came of them was told by `Results`.

    Attributes:
        name: of the data.
        fingerprint: its.
        row_format: its rows'.
        rows: how many there are.
        left_out: those of the rows asked for of which nothing is learned, and why.
    """

    kind: Literal["evaluated"] = "evaluated"
    name: str
    fingerprint: str
    row_format: str
    rows: int
    left_out: dict[int, str]


@dataclass(frozen=True, slots=True, kw_only=True, config=OPEN)
class Read:
    """What one column makes of a row.

    Attributes:
        losses: summed over the learned tokens, in nats; of a row with two answers the better one's and the worse one's.
        answer: what it writes to the row's question; None: nothing was asked, or `fault` says why there is none.
        cut: the answer was broken off at the longest that was allowed.
    """

    losses: list[float]
    answer: str | None = None
    cut: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=OPEN)
class Result:
    """A row, and what is made of it: a line of `rows.jsonl`, which has one column alone, the first.

    Attributes:
        row: its number in the data.
        place: where the Data page finds it: of a version the source, else 0, and its number there.
        asked: what stands before its last answer, in words; empty for a text.
        own: its last answer, of two the better one; or the text.
        desirable: whether that is labelled good; None: it has no label.
        tokens: those that are learned, of two answers of each.
        columns: by their places.
        measured: of each column what `measures.of` says, once all are there; it is told, and not kept.
    """

    row: int
    place: tuple[int, int]
    asked: str
    own: str
    tokens: list[int]
    columns: dict[int, Read]
    desirable: bool | None = None
    measured: list[dict[str, float]] = field(default_factory=list)


def held_by(run: Run) -> tuple[RunConfig, str]:
    """Returns the config of a run whose rows held back are to be read, and the fingerprint of the data they are in.

    Raises:
        StudioError: (run) it cannot be read.
    """
    config, prepared = run.config(), run.summary().prepared
    if prepared is None:
        return config, ""
    return config, prepared.evaluation if config.data.eval_path else prepared.data


def trained(entries: Iterable[Entry]) -> Entry | None:
    """Returns the first adapter of which it is known how it was trained; None: there is none."""
    return next((entry for entry in entries if "data" in entry.config), None)


def held_for(entry: Entry) -> tuple[RunConfig, str]:
    """Returns what `held_by` does of the run that a `trained` adapter comes from, which may be gone.

    Raises:
        StudioError: (config) what the adapter's entry says of its run cannot be.
    """
    if entry.run:
        with suppress(StudioError):
            run = runs.find(entry.run, exact=True)
            config = run.config()
            # What a run has told may be long.
            return (config, known) if (known := _held_in(entry, config)) else held_by(run)
    config, own = config_file.build(entry.config), entry.folder / TEMPLATE
    if config.data.chat_template not in ("auto", "none") and own.is_file():
        config = replace(config, data=replace(config.data, chat_template=str(own)))  # where it was may be gone
    return config, _held_in(entry, config)


def _held_in(entry: Entry, config: RunConfig) -> str:
    """Returns the fingerprint of the data that the rows held back for an adapter are in, where it is known."""
    return entry.data.evaluation if config.data.eval_path else entry.data.fingerprint


def on_data(data: Mapping[str, Any], entry: Entry | None) -> RunConfig:
    """Returns the config of rows of a file, which are cut and counted as an adapter's were but for what is said.

    Args:
        data: settings of `DataSpec`, its `path` among them.
        entry: the adapter; None: the base is asked alone.

    Raises:
        StudioError: (config) a value is wrong.
    """
    known = entry.config if entry is not None else {}
    taken = {key: value for key, value in known.get("data", {}).items() if key in _CUT}
    if entry is not None and (own := entry.folder / TEMPLATE).is_file() and not own.is_symlink():
        taken["chat_template"] = str(own)
    counted = {key: value for key, value in known.get("training", {}).items() if key in _COUNTED}
    return config_file.build({"data": {**taken, **data}, "training": counted})


def warnings(entries: Sequence[Entry]) -> list[str]:
    """Says which adapters may know the rows held back for the first that is `trained`, and what their runs told else.

    Others were held back for them; or they were compared with an adapter they began with, and here are with the base.
    """
    found, first = list[str](), trained(entries)
    for entry in entries:
        if first is not None and "data" in entry.config and _differ(entry, first):
            message = f"{entry.name} was trained with other rows held back than {first.name}: it may know these."
            found.append(message)
        if _begun(entry):
            message = f"{entry.name} was trained further: here it is compared with the bare base, not as in its run."
            found.append(message)
    return found


def learned(entries: Sequence[Entry], fingerprint: str) -> list[str]:
    """Says which adapters were trained on the very data whose rows they are measured on."""
    found = list[str]()
    for entry in entries:
        if entry.data.fingerprint == fingerprint:
            message = f"{entry.name} was trained on this data: that it does well here says little of other rows."
            found.append(message)
    return found


def _begun(entry: Entry) -> bool:
    """Whether an adapter's run compared it with the adapter that it began with."""
    adapter, training = (entry.config.get(section, {}) for section in ("adapter", "training"))
    return bool(adapter.get("path")) and asked(training.get("objective", "")).reference


def _differ(one: Entry, other: Entry) -> bool:
    held = []
    for entry in (one, other):
        data, training = (entry.config.get(section, {}) for section in ("data", "training"))
        held.append([training.get("seed"), *(data.get(key) for key in _SPLIT)])
    fingerprints = {one.data.fingerprint, other.data.fingerprint} - {""}
    return held[0] != held[1] or len(fingerprints) > 1


_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


class Kept:
    """What is known of rows; for one process at a time.

    Attributes:
        folders: what each column lies in.
        results: by the rows' numbers.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        """Reads what is there; see `opened`."""
        self.folders = folders
        self.results: dict[int, Result] = {}
        for at, folder in enumerate(folders):
            for line in journal.read(folder / _FILE, _RESULT):
                self._take(replace(line, columns={at: line.columns[0]}))

    def add(self, result: Result) -> Result:
        """Notes what some columns make of a row, and returns all that is known of it.

        Raises:
            StudioError: (disk) it cannot be written.
        """
        for at, read in result.columns.items():
            journal.append(self.folders[at] / _FILE, replace(result, columns={0: read}))
        return self._take(result)

    def lacking(self, row: int, columns: Iterable[int]) -> tuple[int, ...]:
        """Returns which of these columns are not known of a row yet."""
        found = self.results.get(row)
        return tuple(at for at in columns if found is None or at not in found.columns)

    def _take(self, result: Result) -> Result:
        before = self.results.get(result.row)
        whole = result if before is None else replace(before, columns=result.columns | before.columns)
        self.results[result.row] = whole
        return whole


@contextmanager
def opened(keys: Sequence[str], waiting: Callable[[], None] = lambda: None) -> Iterator[Kept]:
    """Opens what is known of some columns, which may be nothing, and keeps it for this process.

    Args:
        keys: each names everything that decides a column's numbers.
        waiting: called again and again while another process has one of them; an exception it raises ends the waiting.

    Raises:
        StudioError: (disk) their places cannot be written.
    """
    folders = [paths.cache_dir() / "evaluations" / key for key in keys]
    with ExitStack() as stack:
        for folder in sorted({*folders}):  # in one order, so that no two processes wait for each other
            stack.enter_context(cache.held(folder, waiting))
        yield Kept(folders)


def distinct(names: Iterable[str]) -> list[str]:
    """Returns names by which columns can be told apart: the second `red` is `red (2)`."""
    found = list[str]()
    for name in names:
        numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
        found.append(next(made for made in numbered if made not in found))
    return found


def unasked(results: Iterable[Result]) -> bool:
    """Whether none of these rows had a question that could be answered."""
    reads = (read for result in results for read in result.columns.values())
    return not any(read.answer is not None or read.fault for read in reads)


def plain(result: Result, names: Sequence[str]) -> dict[str, Any]:
    """Returns a row for programs: itself, its own answer, and the answer and the measures of each column so named.

    Args:
        result: a measured row.
        names: of its columns, `distinct` ones.
    """
    reads = [result.columns[at] for at in range(len(names))]
    columns = [
        {"name": name, "answer": read.answer, "cut": read.cut, "fault": read.fault, "losses": read.losses} | said
        for name, read, said in zip(names, reads, result.measured, strict=True)
    ]
    label = {} if result.desirable is None else {"label": result.desirable}
    about = {"row": result.row, "prompt": result.asked, "answer": result.own}
    return about | label | {"tokens": result.tokens, "columns": columns}


def write(out: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows of `plain` as JSONL, or as CSV with a column for each column's answer and measures.

    Raises:
        StudioError: (usage) `out` is there already, or ends in neither; (disk) it cannot be written.
    """
    check_out(out)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if out.suffix.lower() == ".csv":
        text = _csv([_flat(row) for row in rows])
    write_new(out, text)


def check_out(out: Path) -> None:
    """Raises a StudioError (usage) if `write` could not write there by its name."""
    if out.suffix.lower() not in (".jsonl", ".csv"):
        raise StudioError("usage", f"{out.name} is no name of a JSONL or CSV file.", "Let it end in .jsonl or .csv.")
    require_new(out)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    heads: tuple[str, ...] = ("row", "prompt", "answer", "label")
    found = {key: row[key] for key in heads if key in row}
    for column in row["columns"]:
        said = {key: value for key, value in column.items() if key not in ("name", "losses")}
        found |= {f"{column['name']}: {key}": value for key, value in said.items() if value not in ("", None)}
    return found


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    heads = list(dict.fromkeys(key for row in rows for key in row))
    made = io.StringIO()
    writer = csv.DictWriter(made, heads, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()
