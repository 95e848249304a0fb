"""The data of axolotl's, LLaMA-Factory's and TRL's configs: files, parts of hub datasets, and their columns."""

import json
from pathlib import Path
from typing import Any

from studio.core.hub_ids import is_hub_id

Setting = dict[str, Any]
_KNOWN_MAPPINGS = ({"role": "role", "content": "content"}, {"role": "from", "content": "value"})


def of_axolotl(settings: Setting, unsaid: dict[str, str], left: Setting, folder: Path) -> None:
    """Takes over axolotl's data: a list of files or ids.

    Args:
        settings: ours, by dotted names; added to.
        unsaid: what has no counterpart here, and why; added to.
        left: its settings that nobody has read; taken from.
        folder: where its config lies.
    """
    listed = left.pop("datasets", None)
    found = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    if len(found) > 1:
        names = ", ".join(str(item.get("path")) for item in found[1:])
        reason = f"Only the first is taken over; mix it with {names} by `studio data mix`."
        unsaid["datasets"] = reason
    for item in found[:1]:
        _axolotl_rows(settings, unsaid, item, folder)
    tokens = left.pop("special_tokens", None) or {}
    if isinstance(tokens, dict) and tokens.keys() - {"pad_token"}:
        reason = "The tokenizer's own are kept; no token can be added here."
        unsaid["special_tokens"] = reason
    tests = left.pop("test_datasets", None)
    if isinstance(tests, list) and tests and isinstance(tests[0], dict):
        settings["data.eval_path"] = _source(tests[0], folder)
    _held_back(settings, unsaid, left, "val_set_size")
    template = left.pop("chat_template", "tokenizer_default")
    if template not in ("tokenizer_default", "auto"):
        reason = f"The model's own is taken, not `{template}`; name a Jinja file to have another."
        unsaid["chat_template"] = reason


def _axolotl_rows(settings: Setting, unsaid: dict[str, str], item: Setting, folder: Path) -> None:
    settings["data.path"] = _source(item, folder)
    kind = item.get("type")
    kind = kind.get("type", "custom") if isinstance(kind, dict) else kind
    formats = {"alpaca": "alpaca", "chat_template": "messages", "sharegpt": "messages", "completion": "text"}
    if str(kind) in formats:
        settings["data.format"] = formats[str(kind)]
    elif kind is not None and not str(kind).startswith(("chat_template", "chatml", "llama3", "dpo")):
        reason = f"`{kind}` is not known here: how rows are read is found by their columns."
        unsaid["datasets.type"] = reason
    columns = {"field_messages": "messages", "field": "text", "field_instruction": "instruction",
               "field_input": "input", "field_output": "output", "field_system": "system"}  # fmt: skip
    named = {ours: item[theirs] for theirs, ours in columns.items() if item.get(theirs)}
    if {"messages"} <= named.keys() or {"text"} <= named.keys() or {"instruction", "output"} <= named.keys():
        settings["data.mapping"] = named
    idle = {"path", "type", "ds_type", "split", "name", "data_files", "revision", *columns}
    # By these names roles and contents are found here anyway.
    if item.get("message_property_mappings") in _KNOWN_MAPPINGS:
        idle.add("message_property_mappings")
    for key in item.keys() - idle:
        reason = "It has no counterpart here."
        unsaid[f"datasets.{key}"] = reason


def _source(item: Setting, folder: Path) -> str:
    """Returns where axolotl's data lies: a file, or a part of a hub dataset."""
    path, files = str(item.get("path")), item.get("data_files")
    if isinstance(files, list) and len(files) == 1:
        files = files[0]
    if isinstance(files, str) and path in ("json", "csv", "parquet", "text", "arrow"):
        path = files
    place = placed(path, folder)
    if place != path or not is_hub_id(path, folder):
        return place
    asked = {"subset": item.get("name"), "split": item.get("split")}
    query = "&".join(f"{key}={value}" for key, value in asked.items() if value)
    revision = f"@{item['revision']}" if item.get("revision") else ""
    return f"hf://datasets/{path}{revision}?{query}" if query or revision else path


def described(settings: Setting, unsaid: dict[str, str], left: Setting, folder: Path) -> None:
    """Takes over LLaMA-Factory's data, which a dataset_info.json describes, or TRL's; see `of_axolotl`."""
    alone = left.pop("dataset_name", None)
    if alone is not None:  # TRL's, which nothing describes
        settings["data.path"] = placed(str(alone), folder)
    named = left.pop("dataset", None)
    names = [name.strip() for name in str(named).split(",")] if named else []
    if len(names) > 1:
        reason = f"Only {names[0]} is taken over; mix it with {', '.join(names[1:])} by `studio data mix`."
        unsaid["dataset"] = reason
    for name in names[:1]:
        _described(settings, unsaid, name, Path(str(left.get("dataset_dir", "data"))), folder)
    if other := left.get("eval_dataset"):
        settings["data.eval_path"] = placed(str(other).split(",")[0].strip(), folder)
    _held_back(settings, unsaid, left, "val_size")
    template = left.pop("template", None)
    if template not in (None, "default", "empty"):
        reason = f"The model's own chat template is taken, not `{template}`."
        unsaid["template"] = reason


def _described(settings: Setting, unsaid: dict[str, str], name: str, place: Path, folder: Path) -> None:
    """Finds a dataset by its name in a dataset_info.json, else as a file or an id."""
    info = _info(folder / place / "dataset_info.json") or _info(folder / "dataset_info.json")
    about = info.get(name)
    if not isinstance(about, dict):
        settings["data.path"] = placed(name, folder)
        if info or not is_hub_id(settings["data.path"], folder):
            reason = f"No dataset_info.json beside the config describes `{name}`: it is taken for a path."
            unsaid["dataset"] = reason
        return
    file = about.get("file_name")
    settings["data.path"] = str((folder / place / str(file)).resolve()) if file else str(about.get("hf_hub_url"))
    columns = about.get("columns")
    if isinstance(columns, dict) and not about.get("tags"):
        roles = {"prompt": "instruction", "query": "input", "response": "output", "system": "system",
                 "history": "history", "messages": "messages", "tools": "tools"}  # fmt: skip
        if about.get("ranking"):
            roles |= {"chosen": "chosen", "rejected": "rejected"}
        mapping = {roles[role]: column for role, column in columns.items() if role in roles and column}
        if mapping and (mapping.keys() >= {"instruction", "output"} or mapping.keys() & {"messages", "chosen"}):
            settings["data.mapping"] = mapping
    if about.get("tags"):
        reason = "How messages are called is found by their names."
        unsaid["dataset_info.tags"] = reason


def _info(file: Path) -> Setting:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _held_back(settings: Setting, unsaid: dict[str, str], left: Setting, key: str) -> None:
    size = left.pop(key, 0)
    if isinstance(size, int | float) and 0 < size < 1:
        settings["data.eval_split"] = float(size)
    elif size:
        reason = "A number of rows is not said here; set data.eval_split to their share."
        unsaid[key] = reason


def placed(path: str, folder: Path) -> str:
    """Returns a path absolute where there is such a file or folder, read from where the config lies."""
    try:
        place = (folder / Path(path).expanduser()).resolve()
        return str(place) if place.exists() else path
    except (OSError, ValueError, RuntimeError):
        return path
