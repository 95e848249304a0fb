"""Which adapters can be on one base at once, so that a comparison loads no more bases than it must."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.core.library import WEIGHTS
from studio.engine import vetting, weights


@dataclass(frozen=True, slots=True)
class Reach:
    """What an adapter does to the base that it is put on; by default nothing, as the base's own column.

    Attributes:
        adapted: the layers that it adds LoRA to.
        replaced: the layers that it has whole.
        saved: its `modules_to_save`, where another adapter can have copies of the same modules beside its own.
        biased: it trained bias vectors, which PEFT writes into the base's own layers.
    """

    adapted: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    saved: frozenset[str] = frozenset()
    biased: bool = False


def reach(folder: Path | None) -> Reach:
    """Returns what the adapter in `folder` does to a base; None: no adapter.

    Raises:
        StudioError: (adapter) refused or damaged.
    """
    if folder is None:
        return Reach()
    about = vetting.check_adapter(folder)
    keys = weights.header(folder / WEIGHTS, "adapter")
    # PEFT keeps copies that are tied to each other of one adapter alone.
    saved = None if about.get("ensure_weight_tying") else about.get("modules_to_save")
    return Reach(
        adapted=frozenset(key.split(".lora_")[0] for key in keys if ".lora_" in key),
        replaced=frozenset(key.rpartition(".")[0] for key in keys if ".lora_" not in key),
        saved=frozenset(saved or ()),
        biased=about.get("bias", "none") != "none",
    )


def shareable(one: Reach, other: Reach) -> bool:
    """Whether both can be on one base, each switched off without a trace while the other answers.

    PEFT cannot put LoRA on a layer that it has a copy of for another adapter, nor copy one that has LoRA.
    """
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
