"""By how much training moved each module of a model: its update, layer by layer.

The update of a module is W' - W: of LoRA s B A (Hu et al. 2021, eq. 3). `engine.updates` works the numbers out; here
they are put in order.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

# The first number between dots behind a name is the layer; those behind it count experts and the like.
_NUMBER = re.compile(r"(?<=\.)\d{1,6}(?=\.|$)")
# The order of a decoder's parts; others come behind, as they come.
_PARTS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# What rounding alone leaves of a module that has learned nothing.
_NOTHING = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What training did to one module.

    Attributes:
        name: the module's, in the model.
        kind: what was trained of it; `whole`: the weight itself, or a bias.
        rank: of the LoRA; 0: there is none.
        norm: the Frobenius norm of its update; None: not known without the base.
        base: that of the base's weight; None: not known.
        effective_rank: how many directions the product of LoRA's matrices has, from 1 to `rank` (Roy and Vetterli
            2007: e to the entropy of its singular values' shares); None: there is none.
        other: the norm of the update that another adapter makes, with which it is compared; None: not known.
        cosine: of the angle between the two updates; None: not known, or one of them is nothing.
        only: which of the two has trained it, if not both.
    """

    name: str
    kind: Literal["lora", "dora", "whole"]
    rank: int = 0
    norm: float | None = None
    base: float | None = None
    effective_rank: float | None = None
    other: float | None = None
    cosine: float | None = None
    only: Literal["first", "second", ""] = ""

    @property
    def share(self) -> float | None:
        """The update's norm over that of the base's weight; None: not known."""
        return self.norm / self.base if self.norm is not None and self.base else None

    @property
    def nothing(self) -> bool:
        """Whether it has learned nothing."""
        return self.only != "second" and self.norm is not None and self.norm <= _NOTHING * (self.base or 0.0)

    @property
    def apart(self) -> float | None:
        """The norm of the difference of the two updates; None: not known."""
        if self.norm is None or self.other is None or (self.cosine is None and self.norm and self.other):
            return None
        common = (self.cosine or 0.0) * self.norm * self.other
        return math.sqrt(max(0.0, self.norm**2 + self.other**2 - 2 * common))


@dataclass(frozen=True, slots=True)
class Cell:
    """The modules of one kind in one layer, which are several where there are experts.

    Attributes:
        layer: None: they are in no layer.
        updates: theirs.
    """

    layer: int | None
    updates: tuple[Update, ...]

    @property
    def share(self) -> float | None:
        """The norm of all their updates over that of all their weights; None: not known."""
        return self._over_base(self.norm)

    @property
    def norm(self) -> float | None:
        """Of all their updates; None: not known."""
        return together(update.norm for update in self.updates)

    @property
    def other(self) -> float | None:
        """Of all updates that the other adapter makes; None: not known."""
        return together(update.other for update in self.updates)

    @property
    def other_share(self) -> float | None:
        """`share` of the other adapter; None: not known."""
        return self._over_base(self.other)

    @property
    def apart(self) -> float | None:
        """The norm of the difference of all their updates from the other adapter's; None: not known."""
        return together(update.apart for update in self.updates)

    @property
    def apart_share(self) -> float | None:
        """`apart` over the norm of all their weights; None: not known."""
        return self._over_base(self.apart)

    @property
    def rank_used(self) -> float | None:
        """The effective rank over the rank, from 0 to 1, the mean over the modules; None: not known."""
        known = [update.effective_rank / update.rank for update in self.updates if update.effective_rank is not None]
        return sum(known) / len(known) if known else None

    @property
    def nothing(self) -> bool:
        """Whether none of them has learned anything."""
        return all(update.nothing for update in self.updates)

    @property
    def cosine(self) -> float | None:
        """Of the angle between all their updates and those of the other adapter; None: not known, or no angle."""
        return angle(self.updates)

    def _over_base(self, norm: float | None) -> float | None:
        base = together(update.base for update in self.updates)
        return norm / base if norm is not None and base else None


@dataclass(frozen=True, slots=True)
class Kind:
    """Modules that differ in nothing but their layer.

    Attributes:
        name: as short as still tells it from the other kinds, such as `q_proj`.
        cells: by layer.
    """

    name: str
    cells: tuple[Cell, ...]


def layer_of(name: str) -> int | None:
    """Returns the number of the layer that a module is in; None: it is in none."""
    found = _NUMBER.search(name)
    return int(found[0]) if found else None


def kinds(updates: Iterable[Update]) -> list[Kind]:
    """Puts modules into a table: one row a kind, one cell a layer; what is in no layer comes last."""
    found: dict[str, dict[int | None, list[Update]]] = {}
    for update in updates:
        cells = found.setdefault(_NUMBER.sub("*", update.name), {})
        cells.setdefault(layer_of(update.name), []).append(update)
    names = _short(list(found))
    rows = [
        Kind(name, tuple(Cell(layer, tuple(cells[layer])) for layer in sorted(cells, key=lambda at: at or 0)))
        for name, cells in zip(names, found.values(), strict=True)
    ]
    return sorted(rows, key=_place)


def _place(kind: Kind) -> tuple[bool, int, bool]:
    part = next((at for at, name in enumerate(_PARTS) if name in kind.name.split(".")), len(_PARTS))
    return kind.cells[0].layer is None, part, kind.name.endswith(".bias")


def together(norms: Iterable[float | None]) -> float | None:
    """Returns the norm of several updates taken as one; None: one of them is not known, or there is none."""
    every = list(norms)
    known = [norm for norm in every if norm is not None]
    return math.hypot(*known) if every and len(known) == len(every) else None


def angle(updates: Sequence[Update]) -> float | None:
    """Returns the cosine between the updates of two adapters, all modules taken as one; None: not known, or no angle.

    A module where one of the two makes no update counts as one without anything in common.
    """
    norm, other = together(item.norm for item in updates), together(item.other for item in updates)
    if not norm or not other or any(item.cosine is None and item.norm and item.other for item in updates):
        return None
    common = [item.cosine * item.norm * item.other for item in updates if item.cosine and item.norm and item.other]
    return math.fsum(common) / norm / other


def to_dict(update: Update) -> dict[str, Any]:
    """Returns an update as plain data, what follows from it too."""
    more = {"layer": layer_of(update.name), "share": update.share, "nothing": update.nothing, "apart": update.apart}
    return asdict(update) | more


def from_dict(data: dict[str, Any]) -> Update:
    """Reads what `to_dict` wrote."""
    return Update(**{key: value for key, value in data.items() if key not in ("layer", "share", "nothing", "apart")})


def _short(names: list[str]) -> list[str]:
    """Returns of each name as many of its last parts as tell it from the others."""
    ends = [_ends(name) for name in names]
    times = Counter(end for some in ends for end in some)
    return [
        # A bias alone says nothing.
        next((end for end in some if times[end] == 1 and end != "bias"), name)
        for name, some in zip(names, ends, strict=True)
    ]


def _ends(name: str) -> list[str]:
    parts = [part for part in name.split(".") if part != "*"]
    return [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
