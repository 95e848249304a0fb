"""The configuration being edited: plain values, what is wrong with each, and an undo step for every edit."""

import copy
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from studio.core import config as declared
from studio.core import config_file, further, library, models
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.methods import has, usual_rank
from studio.core.objectives import asked, forget_usual, needed

_EDIT_ID = 1
# Typing a number is one edit; a later change of the same setting is another.
_ONE_EDIT_S = 1.5


def defaults() -> dict[str, Any]:
    """Returns the whole default config as plain data, without a data file."""
    plain = declared.to_dict(RunConfig(data=DataSpec(path="-")))
    plain["data"]["path"] = ""
    return plain


def value_at(values: dict[str, Any], key: str) -> Any:
    """Returns the value of a dotted name."""
    section, _, name = key.rpartition(".")
    return values[section][name] if section else values[name]


class Draft(QObject):
    """A run's configuration in the making.

    Signals:
        changed: some values are others now.
    """

    changed = Signal()

    def __init__(self, undo: QUndoStack, stored: dict[str, Any], parent: QObject | None = None) -> None:
        """Begins with `stored` where that still fits, else with the defaults."""
        super().__init__(parent)
        self._undo = undo
        self._defaults = defaults()
        self._values = copy.deepcopy(self._defaults)
        known = list(config_file.keys())
        for key in known:
            try:
                config_file.put(self._values, key, value_at(stored, key))
            except (KeyError, TypeError):
                continue
        forget_usual(self._values["training"])
        self._faults = self._check()
        self._found: dict[str, str] = {}

    def values(self) -> dict[str, Any]:
        """Returns all values as plain data."""
        return copy.deepcopy(self._values)

    def as_yaml(self) -> str:
        """Returns all values as people write them."""
        return yaml.safe_dump(self._values, sort_keys=False, allow_unicode=True)

    def value(self, key: str) -> Any:
        """Returns the value of a dotted name."""
        return value_at(self._values, key)

    def usual(self, key: str) -> Any:
        """Returns what an empty setting comes to with the present values; None: nothing."""
        return asked(str(self.value("training.objective"))).beta if key == "training.beta" else None

    def is_changed(self, key: str) -> bool:
        """Whether a value is not the default."""
        return bool(self.value(key) != value_at(self._defaults, key))

    def has(self, key: str) -> bool:
        """Whether the method has a setting, or a value is given for it all the same."""
        return self.is_changed(key) or has(str(self.value("adapter.method")), key)

    def faults(self) -> dict[str, str]:
        """Returns a sentence for each wrong value, by dotted name; what is wrong with none alone has the key ``."""
        return self._found | self._faults

    def sound(self) -> bool:
        """Whether the values are a config, whatever model and data have to say to it."""
        return not self._faults

    def find(self, found: dict[str, str]) -> None:
        """Takes what model and data say is wrong with the present values, by dotted name, in place of the last."""
        if found != self._found:
            self._found = dict(found)
            self.changed.emit()

    def config(self) -> RunConfig:
        """Returns the config with absolute paths.

        Raises:
            StudioError: (config) something is wrong.
        """
        config = config_file.resolved(config_file.build(self.values()), Path.cwd())
        return further.laid_out(config, further.MEANT)  # what is shown is what is meant

    def data(self) -> DataSpec | None:
        """Returns the data that is chosen; None: there is none, or something is wrong with the config."""
        try:
            return self.config().data if self.value("data.path") else None
        except StudioError:
            return None

    def edit(self, key: str, value: Any, title: str = "") -> None:
        """Changes one value, as an undo step; quick ones on the same value become one."""
        if value != self.value(key):
            fresh = self.values()
            config_file.put(fresh, key, value)
            if key == "adapter.path":
                _lay_out(fresh)
            self._undo.push(_Edit(self, fresh, title or key, key))

    def replace(self, values: dict[str, Any], title: str) -> bool:
        """Changes all values at once, as one undo step; returns whether any is another now."""
        if values == self._values:
            return False
        self._undo.push(_Edit(self, copy.deepcopy(values), title, ""))
        return True

    def apply(self, assignments: dict[str, Any], title: str) -> None:
        """Changes several values by dotted name, as one undo step."""
        fresh = self.values()
        for key, value in assignments.items():
            config_file.put(fresh, key, value)
        self.replace(fresh, title)

    def adopt(self, assignments: dict[str, Any], title: str) -> None:
        """As `apply`, for settings that are not chosen one by one, such as a preset's.

        What does not go with the objective is put right, and a learning rate made for others is lowered, or the usual
        one of the objective before taken back.
        """
        fresh = {"training.objective": self.value("training.objective")} | assignments
        rate = fresh.get("training.learning_rate", self.value("training.learning_rate"))
        before, objective = str(self.value("training.objective")), str(fresh["training.objective"])
        for setting in needed(objective):
            if not setting.suits(fresh.get(setting.key, self.value(setting.key))):
                fresh[setting.key] = setting.value
        if (usual := asked(objective).learning_rate) is not None:
            if isinstance(rate, float) and (objective != before or "training.learning_rate" in assignments):
                fresh["training.learning_rate"] = min(rate, usual)
        elif objective != before and rate == asked(before).learning_rate:
            fresh["training.learning_rate"] = value_at(self._defaults, "training.learning_rate")
        self.apply(self._had(fresh), title)

    def _had(self, fresh: dict[str, Any]) -> dict[str, Any]:
        """Returns settings with the default of what their method does not have, and its usual rank for another's.

        With full fine-tuning they stay, to be there again behind it; it is said that they change nothing.
        """
        before = str(self.value("adapter.method"))
        after = str(fresh.get("adapter.method", before))
        if after == "full":
            return fresh
        if fresh.get("adapter.r", self.value("adapter.r")) == usual_rank(before) and before != "full":
            fresh["adapter.r"] = usual_rank(after)
        known: Iterable[str] = config_file.keys()
        return fresh | {key: value_at(self._defaults, key) for key in known if not has(after, key)}

    def show(self, values: dict[str, Any]) -> None:
        """Takes values without an undo step; for the undo steps themselves."""
        self._values = values
        self._faults = self._check()
        self.changed.emit()

    def _check(self) -> dict[str, str]:
        found = config_file.faults(self._values)
        path = self._values["data"]["path"]
        if not path:
            found["data.path"] = self.tr("Choose a data file.")
        elif isinstance(path, str) and _absent(path):
            found["data.path"] = self.tr("There is no such file.")
        adapter = self._values["adapter"]
        alone = adapter["method"] != "full" and not adapter["target_parameters"]
        if alone and adapter["target_modules"] in ("", []):
            found["adapter.target_modules"] = self.tr("Name modules such as `q_proj, v_proj`, or write `all-linear`.")
        if "model.path" not in found and (fault := _model_fault(self._values["model"]["path"])):
            found["model.path"] = fault
        if adapter["path"] and not found:
            found = self._further()
        return found

    def _further(self) -> dict[str, str]:
        """Returns what is wrong with training the chosen adapter further."""
        try:
            self.config()
        except StudioError as error:
            key = error.message.partition(": ")[0]
            said = config_file.said_of(str(error), *config_file.keys())
            return {key if said else "adapter.path": said or str(error)}
        return {}


def merged(values: dict[str, Any]) -> dict[str, Any]:
    """Lays a config as people write it over the defaults.

    Raises:
        StudioError: (config) it names something that is no setting.
    """
    fresh, known = defaults(), set(config_file.keys())
    named = values.get("adapter")
    if isinstance(named, dict) and isinstance(path := named.get("path"), str):
        fresh["adapter"]["path"] = path
        _lay_out(fresh)
    for section, inner in values.items():
        if isinstance(inner, dict) and isinstance(fresh.get(section), dict):
            for name, value in inner.items():
                if f"{section}.{name}" not in known:
                    raise config_file.no_setting(f"{section}.{name}")
                fresh[section][name] = value
        elif section in known:
            fresh[section] = inner
        else:
            raise config_file.no_setting(section)
    if isinstance(named, dict) and "r" not in named and not fresh["adapter"]["path"]:
        fresh["adapter"]["r"] = usual_rank(fresh["adapter"]["method"])
    return fresh


class _Edit(QUndoCommand):
    """One change of the draft."""

    page = "configure"

    def __init__(self, draft: Draft, values: dict[str, Any], title: str, key: str) -> None:
        super().__init__(title)
        self._draft, self.before, self.after, self.key = draft, draft.values(), values, key
        self.time_s = time.monotonic()

    def id(self) -> int:
        return _EDIT_ID

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Edit) or not self.key or other.key != self.key:
            return False
        if other.time_s - self.time_s > _ONE_EDIT_S:
            return False
        self.after, self.time_s = other.after, other.time_s
        if self.after == self.before:
            self.setObsolete(True)
        return True

    def undo(self) -> None:
        self._draft.show(copy.deepcopy(self.before))

    def redo(self) -> None:
        self._draft.show(copy.deepcopy(self.after))


def _lay_out(values: dict[str, Any]) -> None:
    """Takes over what the adapter decides that is to be trained further, once its name is typed to the end."""
    path = values["adapter"]["path"]
    with suppress(StudioError):
        if path and path in ((entry := library.located(path)).name, entry.title, str(entry.folder)):
            taken = further.taken_over(entry)
            values["model"] |= taken["model"]
            values["adapter"] |= taken["adapter"] | {"path": path}
            values["data"]["system"] = values["data"]["system"] or entry.system


def _absent(path: str) -> bool:
    try:
        return config_file.absent(path)
    except StudioError:
        return True


def _model_fault(path: str) -> str:
    try:
        models.check(path)
    except StudioError as error:
        return str(error)
    return ""
