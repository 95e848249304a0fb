"""Training an adapter further: a run takes over how it is made, its base, and the layout of its prompts."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from studio import paths
from studio.core import config as declared
from studio.core import config_file, library, methods
from studio.core.config import AdapterSpec, ModelSpec, RunConfig
from studio.core.entry import TEMPLATE, peft_config
from studio.core.errors import StudioError
from studio.core.library import PEFT_CONFIG, Entry
from studio.core.objectives import forget_usual, needed
from studio.core.pinned import original

# What PEFT and a run's config call alike; and what stands for nothing there.
LAYOUT: dict[str, Any] = {
    "r": 8,
    "lora_alpha": 8,
    "target_modules": [],
    "target_parameters": [],
    "exclude_modules": None,
    "layers_to_transform": None,
    "rank_pattern": {},
    "alpha_pattern": {},
    "modules_to_save": [],
    "use_rslora": False,
    "use_dora": False,
    "bias": "none",
    "oft_block_size": 32,
    "decompose_factor": -1,
}
MEANT = frozenset(("data.system", "adapter.method", *(f"adapter.{key}" for key in LAYOUT)))
# What says how the rows of a file are read.
_OF_DATA = ("mapping", "format", "eval_path")
# What PEFT can make of an adapter and no run can.
_UNKNOWN = (
    "layers_pattern", "lora_bias", "trainable_token_indices", "layer_replication", "projection_prng_key",
    "rank_dropout", "decompose_both", "block_share",
)  # fmt: skip


def laid_out(config: RunConfig, named: Collection[str] = ()) -> RunConfig:
    """Returns a config with what the adapter that it trains further decides; as it is where it trains a new one.

    The adapter's layout is taken over. So is its base, unless another than the built-in model is chosen, and the
    template and the system prompt that it learned with, unless others are chosen. Done again it changes nothing.

    Args:
        config: the adapter's path in it may be a name.
        named: dotted names of settings that are meant as they are, even where they are the defaults.

    Raises:
        StudioError: (adapter) there is no such adapter, it is damaged or cannot be trained further; (config) a setting
            contradicts the adapter.
    """
    if not config.adapter.path:
        return config
    entry = sound(config.adapter.path)
    taken, plain = taken_over(entry), AdapterSpec()
    for key, own in taken["adapter"].items():
        asked = getattr(config.adapter, key)
        meant = f"adapter.{key}" in named or asked != getattr(plain, key)
        # PEFT keeps the names that this came to.
        same = asked == "all-linear" == entry.config.get("adapter", {}).get(key) or _sorted(asked) == _sorted(own)
        if key != "path" and meant and not same:
            message = f"adapter.{key}: it is {asked}, but the adapter that is trained further has {own}."
            raise StudioError("config", message, f"Set it to {own}: an adapter keeps its layout.")
    values = declared.to_dict(config)
    values["adapter"] |= taken["adapter"] | {"init_lora_weights": plain.init_lora_weights}
    if config.model.path == ModelSpec().path:
        values["model"] |= taken["model"]
    if not config.data.system and "data.system" not in named:
        values["data"]["system"] = entry.system
    if config.data.chat_template == "auto":
        values["data"]["chat_template"] = _template_of(entry)
    return config_file.build(values)


def _template_of(entry: Entry) -> str:
    """Returns the template that an adapter learned with, as `DataSpec` names one."""
    own, data = entry.folder / TEMPLATE, entry.config.get("data")
    # A link in a folder from elsewhere may point at any of the user's files.
    if own.is_file() and not own.is_symlink():
        return str(own)
    return "none" if isinstance(data, dict) and data.get("chat_template") == "none" else "auto"


def sound(name: str) -> Entry:
    """Finds an adapter as `library.located` does.

    Raises:
        StudioError: (adapter) there is none, it is damaged, or no adapter but a whole model.
    """
    try:
        entry = library.located(name)
    except StudioError as error:
        raise StudioError(error.reason, f"adapter.path: {error.message}", error.hint, error.detail) from None
    if entry.fault:
        message = f"adapter.path: {entry.title} is damaged: {entry.fault}"
        raise StudioError("adapter", message, "Choose another adapter.")
    require_adapter(entry)
    return entry


def require_adapter(entry: Entry) -> None:
    """Sees to it that there is an adapter to be trained further.

    Raises:
        StudioError: (adapter) it is a whole model.
    """
    if entry.is_model:
        message = f"{entry.title or entry.name} is a whole model, and no adapter that could be trained further."
        hint = f"Train on it as a base: set model.path to {entry.folder}, with an adapter or with method: full."
        raise StudioError("adapter", message, hint)


def taken_over(entry: Entry) -> dict[str, dict[str, Any]]:
    """Returns the settings that an adapter decides where it is trained further, by their sections.

    Raises:
        StudioError: as `layout_of`.
    """
    base = {"path": entry.base.path, "revision": entry.base.revision} if entry.base.path else {}
    return {"adapter": {"path": str(entry.folder)} | layout_of(entry.folder), "model": base}


def layout_of(folder: Path) -> dict[str, Any]:
    """Returns how the adapter in `folder` is made, by the names of `AdapterSpec`.

    Raises:
        StudioError: (adapter) it is by no method that is known here, or has what no run can train.
    """
    about = peft_config(folder) or {}
    method = methods.of_peft(about) if "peft_type" in about else ""
    if not method:
        message = f"The adapter in {folder} is by no method that is trained here, or its {PEFT_CONFIG} cannot be read."
        raise StudioError("adapter", message, "Choose another one.")
    if found := next((key for key in _UNKNOWN if about.get(key)), "") or _other(method, about):
        message = f"The adapter in {folder} uses {found}, and cannot be trained further here."
        raise StudioError("adapter", message, "Merge it into its base, and train a new adapter on that.")
    return {"method": method} | {key: _laid(method, key, about) for key in LAYOUT}


def _laid(method: str, key: str, about: Mapping[str, Any]) -> Any:
    """Returns a setting of an adapter as PEFT's config says it; of what its method does not have, the default."""
    if not methods.has(method, key):
        return getattr(AdapterSpec(), key)
    said = about.get(methods.kind_of(method).settings.get(key, key))
    nothing = methods.usual_rank(method) if (key, method) == ("r", "vera") else LAYOUT[key]
    return nothing if said is None else said


def _other(method: str, about: Mapping[str, Any]) -> str:
    """Returns what of a method is set otherwise than runs have it; empty: nothing."""
    if method in ("loha", "lokr") and about.get("module_dropout"):
        return "module_dropout"
    if method != "oft":
        return ""
    usual = {"r": 0, "use_cayley_neumann": True, "num_cayley_neumann_terms": 5}
    return next((key for key, value in usual.items() if about.get(key, value) != value), "")


def settings(entry: Entry, recent: Iterable[Path] = ()) -> dict[str, dict[str, Any]]:
    """Returns the settings by which an adapter is trained further, by their sections: those of its run, if known.

    Args:
        entry: the adapter.
        recent: data files that were used of late; see `pinned.original`.

    Raises:
        StudioError: as `layout_of`.
    """
    require_adapter(entry)
    known, found = set(config_file.keys()), dict[str, dict[str, Any]]()
    # What a stranger's folder says of a run names files of somebody else, or of the user's.
    own = {paths.adapters_dir(), paths.runs_dir()} & set(entry.folder.parents)
    for section, taken in {**taken_over(entry), "data": {}, "training": {}}.items():
        before = entry.config.get(section, {}) if own else {}
        found[section] = {key: value for key, value in before.items() if f"{section}.{key}" in known} | taken
    forget_usual(found["training"])
    if found["data"].get("chat_template") not in ("auto", "none"):
        found["data"].pop("chat_template", None)  # it lies beside the adapter
    places = list(recent)
    for key in ("path", "eval_path"):
        if isinstance(given := found["data"].get(key), str):
            found["data"][key] = original(given, places)
    if entry.folder.parent == paths.adapters_dir():
        found["adapter"]["path"] = entry.name
    return found


def begun(entry: Entry, said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns `settings`, without what does not go with other data or with another objective.

    Args:
        entry: the adapter.
        said: settings that are named besides, as plain data.

    Raises:
        StudioError: as `layout_of`.
    """
    found, named = settings(entry), config_file.named(said)
    if "data.path" in named:
        for key in _OF_DATA:
            found["data"].pop(key, None)
    training = said.get("training")
    before = found["training"].get("objective", "sft")
    objective = training.get("objective", before) if isinstance(training, dict) else before
    if objective != before:
        found["training"].pop("learning_rate", None)
        for setting in needed(str(objective)):
            section, _, key = setting.key.partition(".")
            if key not in found[section] or not setting.suits(found[section][key]):
                found[section][key] = setting.value
    return found


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
