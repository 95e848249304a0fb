"""Reading a run's configuration from YAML and `--set`, and saying plainly what is wrong with it."""

import copy
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from glob import has_magic
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from pydantic import ValidationError

from studio.core import config as declared
from studio.core.config import RunConfig
from studio.core.entry import PEFT_CONFIG
from studio.core.errors import StudioError, given_path
from studio.core.hub_ids import is_hub_id
from studio.core.methods import usual_rank
from studio.core.objectives import asked

_MAX_BYTES = 1_000_000
_SHOWN_LETTERS = 200


def load(path: Path | None, assignments: Sequence[str] = ()) -> RunConfig:
    """Reads a YAML config and applies `key=value` assignments; see `said` and `whole`.

    Raises:
        StudioError: (config) unreadable file, unknown key or value out of bounds, each named.
    """
    return whole(said(path, assignments), path)


def whole(plain: Mapping[str, Any], path: Path | None, under: Mapping[str, dict[str, Any]] | None = None) -> RunConfig:
    """Makes a config of plain data, and resolves its relative paths.

    A learning rate that nobody names is the usual one of the objective, and a rank that of the method.

    Args:
        plain: settings that are named, as `said` returns them.
        path: the file they are of, from whose folder relative paths are read; None: from the working folder.
        under: settings by their sections that hold where others are not named.

    Raises:
        StudioError: as `build` and `resolved`.
    """
    data = dict(plain)
    for section, settings in (under or {}).items():
        if isinstance(own := data.get(section) or {}, dict):
            data[section] = {**settings, **own}
    if isinstance(adapter := data.get("adapter"), dict):
        data["adapter"] = {"r": usual_rank(adapter.get("method"))} | adapter
    training = data.get("training")
    if isinstance(training, dict) and (rate := asked(str(training.get("objective"))).learning_rate):
        data["training"] = {"learning_rate": rate} | training
    return resolved(build(data), path.resolve().parent if path else Path.cwd())


def said(path: Path | None, assignments: Sequence[str]) -> dict[str, Any]:
    """Returns the settings that a file and assignments name, as plain data.

    Args:
        path: a YAML file; None: the assignments are everything.
        assignments: such as `adapter.r=8`; the section may be left out where the name is unique.

    Raises:
        StudioError: as `read_yaml` and `assign`; (config) the file is another program's.
    """
    data = read_yaml(path) if path else {}
    if path and (program := program_of(data)):
        hint = f"`studio import-config {path.name} --out run.yaml` makes one of this program of it."
        raise StudioError("config", f"{path.name} is a config of {program}.", hint)
    for assignment in assignments:
        assign(data, assignment)
    return data


def named(data: Mapping[str, Any]) -> set[str]:
    """Returns the dotted names of the settings in plain data."""
    return {f"{section}.{key}" for section, inner in data.items() if isinstance(inner, dict) for key in inner}


def as_assignments(config: RunConfig) -> list[str]:
    """Returns the `key=value` assignments that make `config` of the defaults."""
    named = changed(config) | ({"name": config.name} if config.name is not None else {})
    return [f"{key}={_flow(value)}" for key, value in named.items()]


def program_of(data: dict[str, Any]) -> str:
    """Returns whose config plain data of a YAML file is; empty: nobody's that is known here."""
    if "base_model" in data and ("datasets" in data or "micro_batch_size" in data or "adapter" in data):
        return "axolotl"
    if "model_name_or_path" in data:
        theirs = {"stage", "finetuning_type", "cutoff_len", "dataset_dir", "template"}
        return "LLaMA-Factory" if theirs & data.keys() else "TRL"
    return ""


def line_of(text: str, key: str) -> int:
    """Returns the line of YAML text, from 0, in which the setting with a dotted name stands; -1: in none."""
    try:
        node = yaml.compose(text)
    except yaml.YAMLError:
        return -1
    line = -1
    for part in key.split("."):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((name, value) for name, value in pairs if name.value == part), None)
        if found is None:
            return line
        line, node = found[0].start_mark.line, found[1]
    return line


def build(data: dict[str, Any]) -> RunConfig:
    """Makes a `RunConfig` of plain data.

    Raises:
        StudioError: (config) names every wrong key and value, its bounds and the nearest right key.
    """
    try:
        return declared.from_dict(data)
    except ValidationError as error:
        sentences = [_sentence(item) for item in error.errors(include_url=False)]
        raise StudioError(
            "config",
            sentences[0] if len(sentences) == 1 else f"{len(sentences)} settings are wrong. " + " ".join(sentences),
            "Correct the named settings and start again.",
            "\n".join(sentences),
        ) from None


def faults(data: dict[str, Any]) -> dict[str, str]:
    """Returns a sentence for each wrong setting of `data` by its dotted name; of the whole, under the empty name."""
    try:
        declared.from_dict(data)
    except ValidationError as error:
        return dict(_placed(item) for item in reversed(error.errors(include_url=False)))
    return {}


def parse(text: str, name: str) -> dict[str, Any]:
    """Reads YAML text as plain data; `name` is what messages call it.

    Raises:
        StudioError: (config) it is not YAML, uses aliases or holds no settings.
    """
    try:
        # Anchors are refused: a few hundred bytes of them unfold to gigabytes.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise StudioError("config", f"{name} uses YAML aliases.", "Write the repeated values out.")
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if twice := _twice(node):
            line = twice.start_mark.line + 1
            message = f"{name}, line {line}: `{twice.value}` stands there a second time."
            raise StudioError("config", message, "Write each setting once, those of a section below its one name.")
        data = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        # Dates that are none and numbers of thousands of digits are plain ValueErrors.
        known = "nested too deeply" if isinstance(error, RecursionError) else "not YAML, or a value that cannot be read"
        problem = getattr(error, "problem", None) or known
        raise StudioError(
            "config", f"{name}{where}: {problem}.", "Correct the YAML; indentation is by spaces."
        ) from None
    if not isinstance(data, dict):
        raise StudioError("config", f"{name} holds no settings.", "Start it with `data: {path: FILE}`.")
    return data


def _twice(node: yaml.Node | None) -> yaml.Node | None:
    """Returns a key that its mapping has already, of which YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        names = set[str]()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                return key
            names.add(key.value if isinstance(key, yaml.ScalarNode) else "")
            if found := _twice(value):
                return found
    elif isinstance(node, yaml.SequenceNode):
        return next(filter(None, map(_twice, node.value)), None)
    return None


def keys() -> Iterator[str]:
    """Yields every setting's dotted name."""
    for name, hint in get_type_hints(RunConfig).items():
        if is_dataclass(hint):
            yield from (f"{name}.{field.name}" for field in fields(hint))
        else:
            yield name


def absent(path: str) -> bool:
    """Whether a data path names a file that is not there; an id or a pattern is looked up when it is read."""
    return not (has_magic(path) or is_hub_id(path, Path()) or given_path(path, "data").exists())


def said_of(sentence: str, *names: str) -> str:
    """Returns what a sentence says of the one of some names that it begins with; empty: it begins with none."""
    name, colon, rest = sentence.partition(": ")
    return f"{rest[:1].upper()}{rest[1:]}" if colon and name in names else ""


def no_setting(key: str) -> StudioError:
    """Returns the failure that no setting is called `key`, with the nearest name."""
    return StudioError("config", f"There is no setting `{key}`.", _nearest(key, list(keys())))


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file as plain data.

    Raises:
        StudioError: (config) it cannot be read, or as `parse`.
    """
    path = given_path(path, "config")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise StudioError("config", f"{path.name} is larger than 1 MB.", "A run's config is a short YAML file.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise StudioError("config", f"{path} cannot be read: {reason}.", "Check the path of the config file.") from None
    return parse(text, path.name)


def full_name(key: str) -> str:
    """Returns the dotted name of a setting, whose section may be left out where that is unique.

    Raises:
        StudioError: (config) no setting is called so, or several are.
    """
    full = [name for name in keys() if name == key or name.endswith(f".{key}")]
    if len(full) > 1:
        raise StudioError("config", f"`{key}` could mean {' or '.join(full)}.", "Write the name in full.")
    if not full:
        raise no_setting(key)
    return full[0]


def assign(data: dict[str, Any], assignment: str) -> None:
    """Puts what a `key=value` says into plain data of a config.

    Raises:
        StudioError: (usage) it is no assignment; (config) as `full_name`, or a section holds no settings.
    """
    key, equals, text = assignment.partition("=")
    key = key.strip()
    if not equals or not key:
        raise StudioError("usage", f"`{assignment}` is not an assignment.", "Write it as key=value.")
    full = full_name(key)
    section, _, name = full.rpartition(".")
    target = data
    if section:
        target = data[section] = data.get(section) or {}
        if not isinstance(target, dict):
            raise StudioError("config", f"`{section}` must hold settings.", f"Write `{section}: {{...}}`.")
    target[name] = _read(text.strip(), full)


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Puts a copy of a setting's value, by its dotted name, into a whole config as plain data."""
    section, _, name = key.rpartition(".")
    (values[section] if section else values)[name] = copy.deepcopy(value)


def _read(text: str, key: str) -> Any:
    """Returns what is assigned to a setting: a text as it stands unless it is quoted, anything else as YAML."""
    try:
        # YAML takes `010` for 8.
        value = yaml.safe_load(re.sub(r"^([-+]?)0+(?=\d+$)", r"\1", text))
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    section, _, name = key.rpartition(".")
    hint = get_type_hints(get_type_hints(RunConfig)[section] if section else RunConfig)[name]
    if hint not in (str, str | None):
        return value
    quoted = isinstance(value, str) and text.startswith(("'", '"'))
    empty = hint is not str and text in ("", "null", "~")
    return value if quoted or empty else text


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1_000_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _nearest(key: str, known: Sequence[str]) -> str:
    sections = {name.partition(".")[0] for name in known}
    # What has no section of its own may be one mistyped.
    named = {name.rpartition(".")[2]: name for name in known} | {name: name for name in sections}
    close = difflib.get_close_matches(key, known, 1, 0.5) if "." in key else []
    close = close or [named[name] for name in difflib.get_close_matches(key.rpartition(".")[2], list(named), 1, 0.6)]
    if close:
        return f"Did you mean `{close[0]}`?"
    section = key.partition(".")[0]
    if section in sections and "." in key:
        return f"The settings of `{section}` are {', '.join(name for name in known if name.startswith(f'{section}.'))}."
    return f"Settings stand in {', '.join(name for name in sorted(sections) if f'{name}.' in ' '.join(known))}."


def _placed(item: Any) -> tuple[str, str]:
    """Returns the setting that a finding is about and its sentence; settings that do not agree name one themselves."""
    sentence = _sentence(item)
    head = sentence.partition(": ")[0]
    if item["type"] == "value_error" and not item["loc"] and head in keys():
        return head, said_of(sentence, head)
    return _name(item), sentence


def _sentence(item: Any) -> str:
    """Turns one of pydantic's findings into a sentence that names the setting, the bounds and the value."""
    path, name = item["loc"], _name(item)
    kind, context = item["type"], item.get("ctx", {})
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"There is no setting `{name}`. {_nearest(name, list(keys()))}"
    if kind in ("missing", "missing_argument"):
        return f"`{name}` is missing."
    if kind == "value_error":
        return f"{context['error']}." if not path else f"`{name}`: {context['error']}."
    if kind == "dataclass_type":
        return f"`{name}` must hold settings, such as `{name}: {{...}}`."
    message = item["msg"].removeprefix("Input ").strip()
    return f"`{name}` {message[:1].lower()}{message[1:]}, but it is {_shown(item['input'])}{_bounds(name)}."


def _shown(value: Any) -> str:
    try:
        shown = repr(value)
        return shown if len(shown) <= _SHOWN_LETTERS else f"{shown[:_SHOWN_LETTERS]}..."
    except (ValueError, RecursionError):
        return "too large to show"  # a hexadecimal number may have more digits than Python prints


def _name(item: Any) -> str:
    # Union members and constraint wrappers appear in the location after the setting itself.
    path = [str(part) for part in item["loc"]]
    known = list(keys())
    return next((".".join(path[:n]) for n in (2, 1) if ".".join(path[:n]) in known), ".".join(path[:2]))


def _bounds(name: str) -> str:
    section, _, leaf = name.rpartition(".")
    try:
        hint = get_type_hints(RunConfig)[section] if section else RunConfig
        limits = get_type_hints(hint, include_extras=True)[leaf].__metadata__[0].metadata
    except (KeyError, AttributeError, IndexError):
        return ""
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    words = [f"{word} {getattr(m, sign)}" for m in limits for sign, word in signs.items() if hasattr(m, sign)]
    return f" ({', '.join(words)})" if words else ""


def resolved(config: RunConfig, folder: Path) -> RunConfig:
    """Makes the paths in `config` absolute, reading relative ones from `folder`.

    A path that may be a Hugging Face id, for a model `demo`, or for an adapter a name of the library, stays as it is
    unless there is such a file or folder.

    Raises:
        StudioError: (config) a path that no file can have.
    """

    def absolute(path: str) -> str:
        return str(given_path(path, "config", folder).resolve())

    def found(path: str) -> str:
        return path if is_hub_id(path, folder) else absolute(path)

    other = config.data.eval_path
    data = replace(config.data, path=found(config.data.path), eval_path=found(other) if other else other)
    if data.chat_template not in ("auto", "none"):
        data = replace(data, chat_template=absolute(data.chat_template))
    model = config.model
    if model.path != "demo" and given_path(model.path, "config", folder).is_dir():
        model = replace(model, path=absolute(model.path))
    adapter = config.adapter
    # A name of the library may be that of any folder here.
    if adapter.path and (given_path(adapter.path, "config", folder) / PEFT_CONFIG).is_file():
        adapter = replace(adapter, path=absolute(adapter.path))
    return replace(config, data=data, model=model, adapter=adapter)


def changed(config: RunConfig) -> dict[str, Any]:
    """Returns the settings that differ from their defaults, by dotted name."""
    ours, theirs = declared.to_dict(config), declared.to_dict(RunConfig(data=declared.DataSpec(path=config.data.path)))
    found: dict[str, Any] = {"data.path": config.data.path}
    for section in ("model", "data", "adapter", "training"):
        found |= {f"{section}.{key}": value for key, value in ours[section].items() if value != theirs[section][key]}
    return found
