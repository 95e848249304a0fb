"""Which adapters can be on one base at once, so that a comparison loads no more bases than it must."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.entry import WEIGHTS, is_model
from studio.core.methods import of_peft
from studio.engine import vetting, weights

_EXPERT = re.compile(r"\.experts\.\d+\.")
# What a method adds to a layer, by the names of its tensors, and what it has once for all of them.
_ADDED = re.compile(r"(.*?)\.(lora_|ia3_|vera_lambda_|hada_|lokr_|oft_)")
_COMMON = re.compile(r"base_model\.vera_[AB]$")


@dataclass(frozen=True, slots=True)
class Reach:
    """What an adapter does to the base that it is put on; by default nothing, as the base's own column.

    Attributes:
        kind: what another adapter has to be alike in to be on the same base; None: any can be.
        adapted: the layers that it adds to.
        replaced: the layers that it has whole.
        saved: its `modules_to_save`, where another adapter can have copies of the same modules beside its own.
        parameters: its `target_parameters`, or where it has experts one by one, which PEFT puts together, what it calls
            them; another adapter can be on the same ones beside it.
        biased: it trained bias vectors, which PEFT writes into the base's own layers.
        whole: it is a model by itself, and on no base.
    """

    kind: tuple[str, ...] | None = None
    adapted: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    saved: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    biased: bool = False
    whole: bool = False


def reach(folder: Path | None) -> Reach:
    """Returns what the adapter in `folder`, or the model, does to a base; None: no adapter.

    Raises:
        StudioError: (adapter) refused or damaged.
    """
    if folder is None:
        return Reach()
    if is_model(folder):
        return Reach(whole=True)
    about = vetting.check_adapter(folder)
    keys = weights.header(folder / WEIGHTS, "adapter")
    # PEFT keeps copies that are tied to each other of one adapter alone.
    saved = None if about.get("ensure_weight_tying") else about.get("modules_to_save")
    adapted = {key: match[1] for key in keys if (match := _ADDED.match(key))}
    return Reach(
        kind=_kind(about, folder),
        adapted=frozenset(adapted.values()),
        replaced=frozenset(key.rpartition(".")[0] for key in keys - adapted.keys() if not _COMMON.match(key)),
        saved=frozenset(saved or ()),
        parameters=frozenset(about.get("target_parameters") or _one_by_one(about, keys)),
        biased=about.get("bias", "none") != "none",
    )


def _kind(about: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """Returns what PEFT has all adapters of one model share: the method; and of some more, which their layers do.

    An IA3 layer multiplies its inputs or its outputs, whosever factors they are, and all VeRAs have the same matrices.
    """
    method = of_peft(about)
    if method == "vera":
        return method, str(folder.resolve())
    fed = about.get("feedforward_modules") if method == "ia3" else ()
    return method, *([fed] if isinstance(fed, str) else sorted(fed or ()))


def _one_by_one(about: dict[str, Any], keys: Iterable[str]) -> Iterable[str]:
    named = about.get("target_modules") or ()
    return ([named] if isinstance(named, str) else named) if any(_EXPERT.search(key) for key in keys) else ()


def shareable(one: Reach, other: Reach) -> bool:
    """Whether both can be on one base, each switched off without a trace while the other answers.

    PEFT cannot put LoRA on a layer that it has a copy of for another adapter, nor copy one that has LoRA, nor adapt
    other parameters of experts than before, nor have adapters by different methods on one model.
    """
    if one.whole or other.whole or (one.kind and other.kind and one.kind != other.kind):
        return False
    if one.parameters and other.parameters and one.parameters != other.parameters:
        return False
    if one.biased or other.biased or one.adapted & other.replaced or one.replaced & other.adapted:
        return False
    return not one.replaced & other.replaced or bool(one.saved and one.saved == other.saved)


def groups(columns: Sequence[Reach]) -> list[list[int]]:
    """Returns the places of columns in groups that can share a base, each column in the first that has room for it."""
    found: list[list[int]] = []
    for at, column in enumerate(columns):
        room = (group for group in found if all(shareable(column, columns[other]) for other in group))
        if (group := next(room, None)) is None:
            found.append([at])
        else:
            group.append(at)
    return found
