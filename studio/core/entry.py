"""What is known of an adapter, or of a model trained whole, as its `entry.json` holds it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from studio.core import methods
from studio.core.cache import sha256
from studio.core.config import OF_WEIGHTS
from studio.core.files import LATEST_S, write_atomic

WEIGHTS = "adapter_model.safetensors"
TEMPLATE = "chat_template.jinja"
PEFT_CONFIG = "adapter_config.json"
ENTRY = "entry.json"
MODEL_CONFIG = "config.json"
_MOST_BYTES = 10_000_000
_MOST_RATE = 1e6
_SECTIONS = ("model", "data", "adapter", "training")
_OPEN = ConfigDict(extra="ignore", defer_build=True)


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Base:
    """The model an adapter was made for: `demo`, a folder or a hub id, and the hash of its weights if known."""

    path: str = ""
    fingerprint: str = ""
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Data:
    """What an adapter learned from: the file, the hash of its content and its number of rows.

    Attributes:
        evaluation: the hash of what it was evaluated on, where that is a file of its own; empty if it is not known.
    """

    path: str = ""
    fingerprint: str = ""
    evaluation: str = ""
    rows: int = Field(default=0, ge=0, lt=2**63)


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Entry:
    """An adapter in the library, or elsewhere; or a whole model, such as a full fine-tuning's.

    Attributes:
        name: its folder's name.
        is_model: whether it is no adapter but a whole model, which `base` was before it was trained.
        title: as the user wrote it.
        config: the whole config of its run; empty for one made elsewhere.
        metrics: losses (nats; `base_eval_loss` before training), steps, tokens and `train_s` of its run; of preferences
            also `eval_reward_accuracy`, the share of the evaluation's rows whose reward is right; where its peak
            learning rate was set while it trained `learning_rates`, pairs of the step behind which and the rate.
        run: the address of its run, a name or an absolute folder (`Run.address`); empty for one made elsewhere.
        sha256: of the weights, `digest`, `weights_bytes` long.
        fault: why it cannot be used, a sentence; empty: nothing known against it.
    """

    name: str
    folder: Path
    title: str = ""
    is_model: bool = False
    created_s: float = Field(default=0.0, ge=0, le=LATEST_S)
    base: Base = Base()
    data: Data = Data()
    config: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    run: str = ""
    note: str = ""
    tags: list[str] = Field(default_factory=list)
    sha256: str = ""
    weights_bytes: int = Field(default=0, ge=0, lt=2**63)
    fault: str = ""

    @property
    def system(self) -> str:
        """The system prompt that it learned with, and is asked with where a conversation has none; empty: none."""
        data = self.config.get("data")
        found = data.get("system") if isinstance(data, dict) else None
        return found.strip() if isinstance(found, str) else ""


_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


def is_model(folder: Path) -> bool:
    """Whether a folder is a whole model's and no adapter's."""
    return (folder / MODEL_CONFIG).is_file() and not (folder / PEFT_CONFIG).is_file()


def weights_files(folder: Path) -> list[Path]:
    """Returns the files that a folder's weights lie in: an adapter's one, or a model's that transformers reads."""
    if not is_model(folder):
        return [folder / WEIGHTS]
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    try:
        named = json.loads((folder / f"{single.name}.index.json").read_bytes())["weight_map"].values()
        return [folder / name for name in sorted({Path(name).name for name in named})]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return sorted(folder.glob("*.safetensors"))


def weights_bytes(folder: Path) -> int:
    """Returns how long the weights' files are; raises OSError where one is not there."""
    return sum(file.stat().st_size for file in weights_files(folder))


def digest(folder: Path) -> str:
    """Returns the hash of a folder's weights: that of an adapter's file, or `engine.weights.fingerprint` of a model.

    Raises:
        OSError: they cannot be read.
    """
    if not is_model(folder):
        return sha256(folder / WEIGHTS)
    return joined((file.name, sha256(file)) for file in weights_files(folder))


def joined(files: Iterable[tuple[str, str]]) -> str:
    """Returns the hash of a model's weights from its files' names and the hashes of what they hold."""
    return hashlib.sha256("".join(f"{name}\0{held}\n" for name, held in files).encode()).hexdigest()


def read_entry(folder: Path) -> Entry:
    """Reads an entry; whatever is wrong with it becomes its `fault`."""
    try:
        found = (folder / ENTRY).stat()
        entry = _written(folder, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return _faulty(folder, "entry.json is missing; add the folder with `studio adapters add`.")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        known = isinstance(error, ValidationError)
        return _faulty(folder, f"entry.json {'holds wrong values' if known else 'cannot be read'}.")
    if any(not isinstance(entry.config.get(section, {}), dict) for section in _SECTIONS):
        return _faulty(folder, "entry.json holds wrong values.")
    if entry.is_model and not is_model(folder):
        return replace(entry, fault=f"{MODEL_CONFIG} is missing, or an adapter lies beside it.")
    try:
        held = weights_bytes(folder)
    except OSError as error:
        return replace(entry, fault=f"{Path(error.filename or WEIGHTS).name} is missing.")
    if entry.is_model and held != entry.weights_bytes:
        return replace(entry, fault=f"The model's weights have {held} bytes instead of {entry.weights_bytes}.")
    if held != entry.weights_bytes:
        return replace(entry, fault=f"{WEIGHTS} has {held} bytes instead of {entry.weights_bytes}.")
    if not entry.is_model and not (folder / PEFT_CONFIG).is_file():
        return replace(entry, fault=f"{PEFT_CONFIG} is missing.")
    return entry


@lru_cache(maxsize=4096)
def _written(folder: Path, _changed_ns: int, _size: int) -> Entry:
    """Reads what was written of an entry, once for each state of the file: the window looks often."""
    data = json.loads((folder / ENTRY).read_bytes())
    return _ENTRY.validate_python({**data, "name": folder.name, "folder": folder, "fault": ""})


def _faulty(folder: Path, fault: str) -> Entry:
    return Entry(name=folder.name, folder=folder, title=folder.name, fault=fault)


def rank(entry: Entry) -> Any:
    """Returns an adapter's rank, of one made elsewhere or saved with another as its config says; None: not known.

    A whole model has none.
    """
    if entry.is_model:
        return None
    known = entry.config.get("adapter")
    adapter: dict[str, Any] = known if isinstance(known, dict) else {}
    if not methods.has(str(adapter.get("method", "lora")), "r"):
        return None
    told = None if adapter.get("init_lora_weights") in OF_WEIGHTS else adapter.get("r")
    return told if told is not None else _own_rank(entry.folder, entry.sha256)


@lru_cache(maxsize=4096)
def _own_rank(folder: Path, _sha256: str) -> int | None:
    """Reads what PEFT's config says, once for each state of the weights."""
    about = peft_config(folder) or {}
    found = about.get("r") if methods.has(methods.of_peft(about), "r") else None
    return found if type(found) is int else None


def method(entry: Entry) -> str:
    """Returns what people call the method that an adapter was made by."""
    return methods.title_of(methods.of_peft(peft_config(entry.folder) or {}))


def peft_config(folder: Path) -> dict[str, Any] | None:
    """Returns what PEFT's config in a folder says, which may be anybody's; None: it is no readable one."""
    try:
        file = folder / PEFT_CONFIG
        found = json.loads(file.read_bytes()) if file.stat().st_size <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def learning_rates(config: dict[str, Any], metrics: dict[str, Any]) -> list[tuple[int, float]]:
    """Returns the peak learning rates of a run, each with the step behind which it was set; empty: not known.

    Args:
        config: of an `Entry`, as are the metrics; a stranger's may hold anything.
        metrics: see `Entry`.
    """
    training, later = config.get("training"), metrics.get("learning_rates")
    first = training.get("learning_rate") if isinstance(training, dict) else None
    pairs = [[0, first], *(later if isinstance(later, list) else [])]
    # One that was set before the first step takes the place of the config's.
    return list({at: float(rate) for at, rate in filter(_is_pair, pairs)}.items())


def in_words(rates: Sequence[tuple[int, float]]) -> str:
    """Returns `learning_rates` as a card and the command line tell them."""
    return ", ".join(f"{rate:g} behind step {at}" if at else f"{rate:g}" for at, rate in rates)


def _is_pair(value: Any) -> bool:
    match value:
        case [int(), int() | float() as rate]:
            return 0 <= rate < _MOST_RATE and not isinstance(rate, bool)
    return False


def write_entry(about: Entry) -> None:
    """Writes an entry into its folder; what a later state of the program noted there too stays.

    Raises:
        OSError: it cannot be written, and is as it was.
    """
    kept = {key: value for key, value in asdict(about).items() if key not in ("name", "folder", "fault")}
    before = _noted(about.folder)
    for part in ("base", "data"):
        kept[part] = {**before.get(part, {}), **kept[part]}
    write_atomic(about.folder / ENTRY, json.dumps({**before, **kept}, indent=1, ensure_ascii=False).encode())


def _noted(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / ENTRY).read_bytes())
    except FileNotFoundError:
        return {}
    return found
