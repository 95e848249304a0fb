"""A model's modules as branches to tick: by kind or by layer, with ranks and alphas that a branch hands down."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from studio.core import methods, naming, picking
from studio.core.config import AdapterSpec
from studio.core.modules import Module, Tree
from studio.core.picking import Picks, Way

By = Literal["kind", "layer"]
How = Literal["", "lora", "whole"]
Name = Literal["rank", "alpha"]

NAMES: tuple[Name, ...] = ("rank", "alpha")
_PLACE = re.compile(r"[^.]+\.\d+(?=\.|$)")


@dataclass(slots=True, eq=False)
class Branch:
    """A row of the tree: a module, the same module of several layers, or what holds some.

    Attributes:
        label: its name within the one above.
        name: its name in the model; of several the first one's.
        module: what can be trained; None: it holds others.
        same: whether it stands for the same module of several layers, which lie in it.
        at: which one it is in the branch above.
        own: its own rank and alpha, where they are not those of the branch above.
        spans: the least and the greatest rank and alpha of the adapters in it.
        able, ticked: how many modules there are in it that a tick of it is for, and how many of these are trained.
        others, trained_others: the same of the others in it.
        whole: how many modules in it are trained whole.
        trained: parameters that are trained in it.
    """

    label: str
    name: str
    parent: "Branch | None" = None
    module: Module | None = None
    children: "list[Branch]" = field(default_factory=list)
    same: bool = False
    at: int = 0
    own: dict[Name, float] = field(default_factory=dict)
    spans: dict[Name, tuple[float, float]] = field(default_factory=dict)
    able: int = 0
    ticked: int = 0
    others: int = 0
    trained_others: int = 0
    whole: int = 0
    trained: int = 0

    def leaves(self) -> "Iterator[Branch]":
        """Yields the modules in it."""
        return (one for one in self.walk() if one.module is not None)

    def walk(self) -> "Iterator[Branch]":
        """Yields it and all in it."""
        left = [self]
        while left:
            one = left.pop()
            yield one
            left += reversed(one.children)

    def above(self) -> "Iterator[Branch]":
        """Yields it and all that hold it."""
        one: Branch | None = self
        while one is not None:
            yield one
            one = one.parent

    @property
    def how(self) -> How:
        """How all that is trained in it is trained; empty: not, or in both ways."""
        return "" if bool(self.spans) == bool(self.whole) else "whole" if self.whole else "lora"

    @property
    def single(self) -> bool:
        """Whether it stands for one module, or the same of several layers."""
        return self.module is not None or self.same

    @property
    def tickable(self) -> bool:
        """Whether there is something in it that a tick is for."""
        return bool(self.able or (self.others and self.single))

    @property
    def state(self) -> bool | None:
        """Whether it is ticked; None: in parts."""
        able, ticked = (self.others, self.trained_others) if self.single and not self.able else (self.able, self.ticked)
        if able and able == ticked:
            return True
        return None if self.ticked or self.trained_others else False


class Branches:
    """What is ticked of a model, and the rows it is shown as.

    A tick of a branch is for its linear layers and experts; embeddings, the head and norms are ticked one by one.

    Attributes:
        root: holds the rows; it is none itself.
        spec: the adapter.
        base: the rank and the alpha of what has no other.
        able: what can be done with each module.
        how: the modules that are trained.
    """

    def __init__(self, tree: Tree, able: dict[str, Way], spec: AdapterSpec) -> None:
        """Shows every module by kind; none is ticked, and what is has the rank and alpha of `spec`."""
        self._head, self._feeds, self.spec, self.able = tree.head, picking.feeding(tree, spec), spec, able
        self.base: dict[Name, float] = {"rank": spec.r, "alpha": spec.lora_alpha}
        self.how: dict[str, How] = {}
        self._values: dict[Name, dict[str, float]] = {"rank": {}, "alpha": {}}
        self._saved = frozenset[str]()
        self._rows = [module for module in tree.modules if module.name in able]
        self._dissolved = _dissolved(_raw(self._rows))
        self.root = Branch("", "")
        self.arrange("kind")

    @property
    def ranked(self) -> bool:
        """Whether modules can have ranks and alphas of their own."""
        return methods.has(self.spec.method, "rank_pattern")

    def show(self, wanted: Picks) -> None:
        """Ticks exactly what is `wanted`; `arrange` then makes the rows."""
        self._saved, self.how = wanted.whole, {}
        for name in wanted.lora:
            self.how[name] = "lora"
        for module in self._rows:
            if any(naming.lies_in(module.name, holder) for holder in wanted.whole):
                self.how[module.name] = "whole"
        for at, kind in enumerate(NAMES):
            self._values[kind] = {name: both[at] for name, both in wanted.lora.items() if both[at] != self.base[kind]}

    def picks(self) -> Picks:
        """Returns what is ticked, also of what is not shown."""
        names = [module.name for module in self._rows if self.how.get(module.name) == "lora"]
        lora = {name: (int(self._value("rank", name)), self._value("alpha", name)) for name in names}
        left = {name for name, how in self.how.items() if how == "whole"}
        kept = set[str]()
        for holder in self._saved:
            inner = {module.name for module in self._rows if naming.lies_in(module.name, holder)}
            if inner and inner <= left:
                kept.add(holder)
                left -= inner
        return Picks(lora, frozenset(kept | {name for name in left if self.able[name].whole}))

    def arrange(self, by: By, text: str = "") -> None:
        """Makes the rows anew.

        Args:
            by: whether the same modules of layers that are alike stand together, or each layer's.
            text: only modules whose names have all of its words.
        """
        words = text.casefold().split()
        rows = [module for module in self._rows if all(word in module.name.casefold() for word in words)]
        self.root = Branch("", "", children=_inner([_raw(rows)], by, self._dissolved))
        for one in self.root.walk():
            for at, child in enumerate(one.children):
                child.parent, child.at = one, at
        for kind in NAMES:
            self._find_own(self.root, kind)
            self._hand_down(self.root, kind, None)
        self._sum(self.root)

    def tick(self, branch: Branch, on: bool) -> None:
        """Has what a branch's tick is for trained, or nothing in it."""
        for leaf in [leaf for leaf in branch.leaves() if not on or branch.single or self._is_meant(leaf)]:
            way = self.able[leaf.name]
            self._set(leaf.name, ("lora" if way.lora else "whole" if way.whole else "") if on else "")
        self._changed(branch)

    def train(self, branch: Branch, how: How) -> bool:
        """Has the modules in a branch trained by an adapter, or whole, where that can be; returns whether it can."""
        leaves = [leaf for leaf in branch.leaves() if not how or getattr(self.able[leaf.name], how)]
        for leaf in leaves:
            self._set(leaf.name, how)
        self._changed(branch)
        return bool(leaves)

    def take(self, names: Iterable[str]) -> None:
        """Has adapters on just these modules, shown or not; what is trained whole stays so."""
        kept = {name: how for name, how in self.how.items() if how == "whole"}
        self.how = {}
        for name in names:
            self.how[name] = "lora"
        self.how |= kept
        self._sum(self.root)

    def clear(self) -> None:
        """Has nothing trained."""
        self.how = {}
        self._sum(self.root)

    def put(self, branch: Branch, kind: Name, value: float | None) -> None:
        """Gives a branch a rank or an alpha of its own, or (None) that of the one above.

        One in it that has its own keeps that.
        """
        if value is None:
            branch.own.pop(kind, None)
        else:
            branch.own[kind] = value
        self._changed(branch)

    def put_base(self, kind: Name, value: float) -> None:
        """Gives what has no other a rank or an alpha."""
        self.base[kind] = value
        self._sum(self.root)

    def reset(self) -> None:
        """Gives everything the same rank and alpha, shown or not."""
        self._values = {"rank": {}, "alpha": {}}
        for one in self.root.walk():
            one.own.clear()
        self._sum(self.root)

    def value_of(self, branch: Branch, kind: Name) -> float:
        """Returns the rank or the alpha that a branch hands down."""
        own = self._handed(branch, kind)
        return self.base[kind] if own is None else own

    def differs(self) -> bool:
        """Whether anything has a rank or an alpha of its own."""
        return any(self._values.values())

    def _value(self, kind: Name, name: str) -> float:
        return self._values[kind].get(name, self.base[kind])

    def _is_meant(self, leaf: Branch) -> bool:
        kind = leaf.module.kind if leaf.module is not None else ""
        return kind in ("linear", "experts") and leaf.name != self._head and self.able[leaf.name].lora

    def _set(self, name: str, how: How) -> None:
        if how:
            self.how[name] = how
        else:
            self.how.pop(name, None)

    def _changed(self, branch: Branch) -> None:
        for kind in NAMES:
            self._hand_down(branch, kind, self._handed(branch, kind))
        self._sum(branch)
        for one in branch.above():
            self._sum_up(one)

    def _handed(self, branch: Branch, kind: Name) -> float | None:
        """Returns what a branch or the nearest one above has of its own; None: none has."""
        return next((one.own[kind] for one in branch.above() if kind in one.own), None)

    def _hand_down(self, branch: Branch, kind: Name, value: float | None) -> None:
        value = branch.own.get(kind, value)
        if branch.module is not None:
            if value is None:
                self._values[kind].pop(branch.name, None)
            else:
                self._values[kind][branch.name] = value
        for child in branch.children:
            self._hand_down(child, kind, value)

    def _find_own(self, root: Branch, kind: Name) -> None:
        """Gives branches what most of their modules have, so that as few as possible have their own."""
        counts = dict[Branch, Counter[float]]()
        for one in reversed(list(root.walk())):
            counts[one] = Counter()
            if self.how.get(one.name) == "lora" and one.module is not None:
                counts[one][self._value(kind, one.name)] = 1
            for child in one.children:
                counts[one].update(counts[child])
        handed = {root: self.base[kind]}
        for one in root.walk():
            if one is not root and one.parent is not None:
                above, (found, most) = handed[one.parent], (counts[one].most_common(1) or [(0.0, 0)])[0]
                handed[one] = value = found if most > counts[one][above] else above
                if value != above:
                    one.own[kind] = value

    def _sum(self, branch: Branch) -> None:
        for one in reversed(list(branch.walk())):
            self._sum_up(one)

    def _sum_up(self, branch: Branch) -> None:
        """Counts a branch from what is in it."""
        module, inner = branch.module, branch.children
        if module is None:
            branch.able, branch.ticked = sum(one.able for one in inner), sum(one.ticked for one in inner)
            branch.others = sum(one.others for one in inner)
            branch.trained_others = sum(one.trained_others for one in inner)
            branch.whole, branch.trained = sum(one.whole for one in inner), sum(one.trained for one in inner)
            for kind in NAMES:
                spans = [one.spans[kind] for one in inner if kind in one.spans]
                branch.spans.pop(kind, None)
                if spans:
                    branch.spans[kind] = min(least for least, _ in spans), max(most for _, most in spans)
            return
        how, way, meant = self.how.get(module.name, ""), self.able[module.name], self._is_meant(branch)
        able, ticked = int(way.lora or way.whole), int(bool(how))
        branch.able, branch.others = (able, 0) if meant else (0, able)
        branch.ticked, branch.trained_others = (ticked, 0) if meant else (0, ticked)
        branch.whole = int(how == "whole")
        branch.trained = picking.trained(
            module, how, int(self._value("rank", module.name)), self.spec, module.name in self._feeds
        )
        values = {kind: self._value(kind, module.name) for kind in NAMES} if how == "lora" else {}
        branch.spans = {kind: (value, value) for kind, value in values.items()}


@dataclass(slots=True)
class _Raw:
    """A part of a dotted name: what is called so, and what lies in it."""

    name: str
    module: Module | None = None
    inner: "dict[str, _Raw]" = field(default_factory=dict)

    def kind(self) -> tuple[object, ...]:
        """Returns what layers that are alike have in common."""
        own = (self.module.type, self.module.kind, self.module.shape) if self.module is not None else None
        return own, *((key, one.kind()) for key, one in self.inner.items())

    def is_list(self) -> bool:
        """Whether it is a list, such as that of the layers."""
        return bool(self.inner) and self.module is None and all(map(str.isdigit, self.inner))

    def has_lists(self) -> bool:
        """Whether it is a list or holds some."""
        return self.is_list() or any(one.has_lists() for one in self.inner.values())


def _raw(rows: Iterable[Module]) -> _Raw:
    root = _Raw("")
    for module in rows:
        at = root
        for part in module.name.split("."):
            at = at.inner.setdefault(part, _Raw(f"{at.name}.{part}".lstrip(".")))
        at.module = module
    return root


def _dissolved(root: _Raw) -> set[str]:
    """Returns the outermost holders that hold all layers there are, as a row of their own would say nothing."""
    found, at = set[str](), root
    while len(holders := [one for one in at.inner.values() if one.has_lists()]) == 1 and not holders[0].is_list():
        at = holders[0]
        found.add(at.name)
    return found


def _inner(raws: Sequence[_Raw], by: By, dissolved: set[str]) -> list[Branch]:
    """Returns the rows within parts that are alike, in which the same row stands for the same part of all."""
    found = list[Branch]()
    for key, first in raws[0].inner.items():
        same = [one.inner[key] for one in raws]
        if first.name in dissolved:
            found += _inner(same, by, dissolved)
        elif first.is_list():
            found += _listed(key, same, by, dissolved)
        else:
            found.append(_branch(key, same, by, dissolved))
    return found


def _listed(key: str, lists: Sequence[_Raw], by: By, dissolved: set[str]) -> list[Branch]:
    """Returns a row for the layers of a list that are alike, such as `layers 0-31`."""
    alike = dict[tuple[object, ...], list[str]]()
    for number, one in lists[0].inner.items():
        alike.setdefault(one.kind(), []).append(number)
    found = list[Branch]()
    for numbers in alike.values():
        members = [one.inner[number] for one in lists for number in numbers]
        if len(numbers) == 1:
            found.append(_branch(f"{key}.{numbers[0]}", members, by, dissolved))
        elif by == "kind":
            found.append(_branch(f"{key} {picking.ranges(numbers)}", members, by, dissolved))
        else:
            children = [_branch(f"{key}.{number}", [one.inner[number] for one in lists], by, dissolved)
                        for number in numbers]  # fmt: skip
            found.append(Branch(f"{key} {picking.ranges(numbers)}", members[0].name, children=children))
    return found


def _branch(label: str, raws: Sequence[_Raw], by: By, dissolved: set[str]) -> Branch:
    """Returns a row for what is at the same place in parts that are alike."""
    first = raws[0]
    children = _inner(raws, by, dissolved)
    if first.module is None:
        return Branch(label, first.name, children=children)
    if len(raws) == 1 and not children:
        return Branch(label, first.name, module=first.module)
    own = [Branch(_place(one.name) if len(raws) > 1 else "weight", one.name, module=one.module) for one in raws]
    return Branch(label, first.name, children=[*own, *children], same=len(own) > 1)


def _place(name: str) -> str:
    """Returns which layer a module is in, such as `layers.3`, or `layers.3, experts.5`."""
    return ", ".join(_PLACE.findall(name)) or name
