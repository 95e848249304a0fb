"""From ticked modules to an adapter's settings and back: as short as they can be, and proven by `modules.choose`."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from math import prod
from typing import Any, Literal, TypeVar

from studio.core import amounts, methods, modules, naming
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.modules import Module, Tree

T = TypeVar("T")
Value = TypeVar("Value", int, float)
Why = Literal["", "tied", "alike", "experts", "start", "method", "plain"]

_EXCLUDED = 3  # more names to leave out than that are read less easily than those to take
_LAYER = re.compile(r"(.*?\.[^.]*\.)(\d+)\.(.*)")
_ATTENTION = re.compile(r"\.[^.]*(attn|attention)[^.]*(\.|$)")
_MLP = re.compile(r"\.([^.]*(mlp|ffn|feed_forward|moe|experts)[^.]*|fc\d+)(\.|$)")


@dataclass(frozen=True, slots=True)
class Picks:
    """What is trained of a model, module by module.

    Attributes:
        lora: the modules and expert parameters that get an adapter -> its rank and alpha.
        whole: the modules that are trained whole, with all that is in them.
    """

    lora: dict[str, tuple[int, float]]
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Way:
    """What can be done with a module.

    Attributes:
        lora: whether an adapter can go on it.
        whole: whether it makes sense to train it whole.
        why: what is against an adapter; empty: nothing. `tied`: its weight is another module's too; `alike`: PEFT takes
            its name to mean the experts; `experts`: they take no dropout, DoRA or such a start; `start`: an update
            that begins with directions of weights needs a linear layer; `method`: another method than LoRA needs a
            plain one; `plain`: it is no linear layer.
    """

    lora: bool
    whole: bool
    why: Why


def picks(tree: Tree, spec: AdapterSpec, matching_s: float = naming.MATCHING_S) -> Picks:
    """Returns what `spec` trains of the model of `tree`, other than biases.

    Raises:
        StudioError: (adapter) see `modules.choose`.
    """
    choice = modules.choose(tree, spec, matching_s)
    return Picks(
        {
            name: (
                naming.ending(choice.rank_pattern, name, spec.r),
                naming.ending(choice.alpha_pattern, name, spec.lora_alpha),
            )
            for name in (*choice.targets, *choice.parameters)
        },
        frozenset(choice.whole.values()),
    )


def settings(tree: Tree, wanted: Picks, spec: AdapterSpec) -> dict[str, Any]:
    """Returns the settings that train exactly what is `wanted`, the shortest that are easily read.

    Args:
        tree: the model.
        wanted: what is to be trained; every name is one of the tree's.
        spec: the adapter as it is; its rank and alpha stay those of most modules, unless no module has them.

    Returns:
        Fields of `AdapterSpec` that its method has: where it goes and with which ranks and alphas.

    Raises:
        StudioError: (adapter) nothing is ticked, or something that cannot be.
    """
    if not wanted.lora:
        raise StudioError("adapter", "No module is left to put an adapter on.", "Tick at least one module.")
    _check(tree, wanted)
    names = [module.name for module in tree.modules if module.type != "Parameter"]
    bare: dict[str, Any] = {"rank_pattern": {}, "alpha_pattern": {}}
    bare["r"] = _base(spec.r, (rank for rank, _ in wanted.lora.values()))
    bare["lora_alpha"] = _base(spec.lora_alpha, (alpha for _, alpha in wanted.lora.values()))
    saved = [name for name in names if name in wanted.whole]
    whole = _suffixes(saved, names) or saved
    ranks = {name: rank for name, (rank, _) in wanted.lora.items()}
    alphas = {name: alpha for name, (_, alpha) in wanted.lora.items()}
    for place in _places(tree, set(wanted.lora), replace(spec, modules_to_save=whole, **bare)):
        for patterned in (_patterns, _spelled_out):
            fields = bare | {"modules_to_save": whole} | place
            fields["rank_pattern"] = patterned(ranks, fields["r"])
            fields["alpha_pattern"] = patterned(alphas, fields["lora_alpha"])
            if _tried(lambda: picks(tree, replace(spec, **fields))) == wanted:  # noqa: B023 - called at once
                return {name: value for name, value in fields.items() if methods.has(spec.method, name)}
    raise StudioError(
        "adapter", "No setting can name exactly these modules in this model.", "Tick others, or fewer of them."
    )


def ways(tree: Tree, spec: AdapterSpec) -> dict[str, Way]:
    """Returns what can be done with each module that has weights, and with each parameter that no module holds."""
    kept = any(end.endswith("embed_tokens") for end in tree.tied)
    found = dict[str, Way]()
    for module in (module for module in tree.modules if module.held):
        tied, linear = module.name in tree.tied, module.kind == "linear" and module.name != tree.head
        why: Why = "tied" if tied else _why(tree, module, spec)
        whole = module.type != "Parameter" and not linear and (not tied or (kept and spec.method == "lora"))
        found[module.name] = Way(not why, whole, why)
    return found


def preset(tree: Tree, spec: AdapterSpec, name: Literal["linear", "attention", "mlp"]) -> list[str]:
    """Returns all linear layers as `all-linear` means them, or those of the attention or of the MLP with experts."""
    able = ways(tree, spec)
    if name == "linear":
        found = _tried(lambda: modules.choose(tree, _plain(spec)))
        return [one for one in found.targets if able[one].lora] if found else []
    inner = [
        module.name
        for module in tree.modules
        if module.kind in ("linear", "experts") and module.name != tree.head and module.name.startswith(tree.decoder)
        if able[module.name].lora
    ]
    attention = [bool(_ATTENTION.search(f".{one}")) for one in inner]
    if name == "attention":
        return [one for one, is_one in zip(inner, attention, strict=True) if is_one]
    return [one for one, is_one in zip(inner, attention, strict=True) if not is_one and _MLP.search(f".{one}")]


def rows(tree: Tree, spec: AdapterSpec) -> list[dict[str, Any]]:
    """Returns the modules of a model as plain data, as `Tree.to_dict` does, with what `spec` trains of each.

    Returns:
        Each has besides: trained (the method, `whole` or ``), rank and alpha (None: no adapter, or none with such), and
        trained_parameters, other than biases.

    Raises:
        StudioError: (adapter) see `modules.choose`.
    """
    wanted = picks(tree, spec) if spec.method != "full" else Picks({})
    found, feeds = list[dict[str, Any]](), feeding(tree, spec)
    has = {name: methods.has(spec.method, name) for name in ("r", "lora_alpha")}
    for module in tree.modules:
        full = spec.method == "full" or any(naming.lies_in(module.name, holder) for holder in wanted.whole)
        how, (rank, alpha) = "whole" if full else "", wanted.lora.get(module.name, (None, None))
        number = trained(module, "lora" if rank is not None else how, rank or 0, spec, module.name in feeds)
        # What shares its weight is trained once.
        number = number if spec.method != "full" else module.parameters
        about = {"trained": how if rank is None else spec.method, "trained_parameters": number}
        about |= {"rank": rank if has["r"] else None, "alpha": alpha if has["lora_alpha"] else None}
        found.append(asdict(module) | about)
    return found


def feeding(tree: Tree, spec: AdapterSpec) -> frozenset[str]:
    """Returns the layers whose inputs are multiplied, if any are; see `amounts.feedforward`."""
    every = (module.name for module in tree.modules)
    return frozenset(amounts.feedforward(tree, every)) if spec.method == "ia3" else frozenset()


def trained(module: Module, how: str, rank: int, spec: AdapterSpec, feeds: bool) -> int:
    """Returns the parameters that are trained of a module.

    Args:
        module: the module.
        how: `lora`, by the adapter whichever its method is, `whole`, or not at all (``).
        rank: the module's.
        spec: the adapter.
        feeds: it is one of `feeding`.
    """
    if how != "lora":
        return module.held if how == "whole" else 0
    if spec.method != "lora":
        return amounts.numbers(spec, module, rank, feeds)
    *each, outputs, inputs = module.shape
    return rank * prod(each) * (outputs + inputs) + (module.outputs if spec.use_dora else 0)


def _why(tree: Tree, module: Module, spec: AdapterSpec) -> Why:
    if spec.method != "lora" and module.kind:
        turned = module.type == "Conv1D" and not methods.kind_of(spec.method).turned
        return "method" if turned or module.kind != "linear" else ""
    if module.kind == "experts":
        begins = spec.init_lora_weights in ("default", "gaussian")
        return "experts" if spec.lora_dropout or spec.use_dora or not begins else ""
    if not module.kind:
        return "plain"
    if tree.renames and module.name.rpartition(".")[2] in modules.EXPERTS:
        return "alike"
    return "start" if spec.found and module.kind == "embedding" else ""


def _check(tree: Tree, wanted: Picks) -> None:
    """Refuses what can be named, but not trained."""
    known = {module.name: module for module in tree.modules}
    for name in wanted.lora:
        if not known[name].kind:
            raise StudioError(
                "adapter",
                f"LoRA cannot go on {name}, which is a {known[name].type}.",
                "Choose linear layers such as [q_proj, v_proj], or all-linear.",
            )
    modules.check_tied(tree, wanted.lora)


def _plain(spec: AdapterSpec) -> AdapterSpec:
    return replace(
        spec,
        method="lora",
        target_modules="all-linear",
        target_parameters=[],
        exclude_modules=None,
        layers_to_transform=None,
        rank_pattern={},
        alpha_pattern={},
        modules_to_save=[],
    )


def _places(tree: Tree, wanted: set[str], spec: AdapterSpec) -> Iterator[dict[str, Any]]:
    """Yields ways to say where an adapter goes, the easiest to read first; they may mean more or less than `wanted`."""
    experts = [module.name for module in tree.modules if module.kind == "experts"]
    linear = [module.name for module in tree.modules if module.kind in ("linear", "embedding")]
    chosen, held = [name for name in linear if name in wanted], [name for name in experts if name in wanted]
    numbers = {match[2] for name in wanted if (match := _LAYER.match(name))}
    layers = ranges(numbers) if all(map(_LAYER.match, wanted)) else None
    kinds = list(dict.fromkeys(name.rpartition(".")[2] for name in chosen))
    longer = list(dict.fromkeys(match[3] if (match := _LAYER.match(name)) else name for name in chosen))
    forms = dict.fromkeys(map(_frozen, ("all-linear", kinds, longer) if chosen else ([],)))
    beyond = list[dict[str, Any]]()
    for within, form in product((None, layers) if layers else (None,), forms):
        inside = [name for name in experts if within is None or ((found := _LAYER.match(name)) and found[2] in numbers)]
        place = {
            "target_modules": form if isinstance(form, str) else list(form),
            "target_parameters": _experts(held, inside),
            "exclude_modules": None,
            "layers_to_transform": within,
        }
        reached = _reached(tree, spec, place)
        if reached == wanted:
            yield place
        elif reached > wanted:
            less = _suffixes([one for one in linear if one in reached and one not in wanted], reached)
            beyond += [place | {"exclude_modules": less}] if less and len(less) <= _EXCLUDED else []
    rest: dict[str, Any] = {"target_parameters": _experts(held, experts), "layers_to_transform": None}
    names = [module.name for module in tree.modules if module.type != "Parameter"]
    by_name = [rest | {"target_modules": form, "exclude_modules": None} for form in _named(chosen, linear, names)]
    yield from sorted((*beyond, *by_name), key=_letters)
    for place in by_name:
        if more := _reached(tree, spec, place) - wanted:  # a name that is the end of another one
            yield place | {"exclude_modules": _expression(sorted(more), linear)}


def _letters(place: Mapping[str, Any]) -> int:
    """Returns how long settings are when written."""
    return sum(len(str(value)) for value in place.values() if value)


def _frozen(form: str | list[str]) -> str | tuple[str, ...]:
    return form if isinstance(form, str) else tuple(form)


def _reached(tree: Tree, spec: AdapterSpec, place: Mapping[str, Any]) -> set[str]:
    found = _tried(lambda: modules.choose(tree, replace(spec, **place)))
    return {*found.targets, *found.parameters} if found else set()


def _tried(make: Callable[[], T]) -> T | None:
    try:
        return make()
    except StudioError:
        return None


def _named(chosen: list[str], among: Sequence[str], names: Sequence[str]) -> list[str | list[str]]:
    """Returns a list and an expression that name what is chosen."""
    expression = _expression(chosen, among)
    short = [expression] if 0 < len(expression) <= naming.MOST_LETTERS else []
    return [_suffixes(chosen, names) or chosen, *short]


def _experts(wanted: list[str], among: list[str]) -> list[str]:
    """Returns names for the experts that are wanted of some."""
    if wanted and len(wanted) == len(among) and all(".experts." in name for name in wanted):
        return ["experts"]
    return _suffixes(wanted, among) or wanted


def _suffixes(wanted: Sequence[str], among: Iterable[str]) -> list[str] | None:
    """Returns the shortest ends of names that mean exactly what is wanted; None: a whole name means another one too.

    An end begins with no number, which would say little.
    """
    meant, right, chosen = Counter[str](), Counter[str](), set(wanted)
    for name in among:
        ends = _ends(name)
        meant.update(ends)
        if name in chosen:
            right.update(ends)
    found = dict[str, None]()
    for name in wanted:
        end = next((end for end in _ends(name) if meant[end] == right[end]), None)
        if end is None:
            return None
        found[end] = None
    return list(found)


def _ends(name: str) -> list[str]:
    return [end for end in naming.ends(name) if not end[:1].isdigit() or end == name]


def _expression(wanted: Sequence[str], among: Sequence[str], *, short: bool = False) -> str:
    """Returns a regular expression for what is wanted, which leaves out the others of `among`.

    Args:
        wanted: names, in the model's order.
        among: all that are to be told apart.
        short: whether the beginnings of names may be left out.
    """
    # Those of the same layers share the list of these, and the layers are all there are or spelled out.
    tails, plain = dict[tuple[str, str], list[str]](), list[str]()
    for name in wanted:
        if match := _LAYER.match(name):
            tails.setdefault((match[1], match[3]), []).append(match[2])
        else:
            plain.append(re.escape(name))
    every = [match.groups() for name in among if (match := _LAYER.match(name))]
    shared = dict[tuple[str, tuple[str, ...]], list[str]]()
    for (head, tail), numbers in tails.items():
        shared.setdefault((head, tuple(numbers)), []).append(tail)
    terms = list[str]()
    for (head, layers), ends in shared.items():
        there = {tail for before, number, tail in every if before == head and number in layers}
        all_of = set(layers) == {number for before, number, tail in every if before == head and tail in ends}
        middle = r"\d+" if all_of and len(layers) > 1 else _either(layers)
        begins = f"{head.split('.')[-2]}." if short else head
        terms.append(rf"{re.escape(begins)}{middle}\.{'.*' if there == set(ends) else _tails(ends)}")
    return "|".join([*terms, *plain])


def _tails(ends: Iterable[str]) -> str:
    """Returns an expression for names, in which those of one holder name it once."""
    inner = dict[str, list[str]]()
    for end in ends:
        holder, dot, leaf = end.rpartition(".")
        inner.setdefault(re.escape(holder + dot), []).append(re.escape(leaf))
    return _either(f"{holder}{_either(leaves)}" for holder, leaves in inner.items())


def _either(parts: Iterable[str]) -> str:
    found = list(parts)
    return found[0] if len(found) == 1 else f"({'|'.join(found)})"


def ranges(numbers: Iterable[str]) -> str:
    """Writes layers as `layers_to_transform` takes them, such as `0-3,8`."""
    spans = list[list[int]]()
    for number in sorted(set(map(int, numbers))):
        if spans and spans[-1][-1] == number - 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ",".join("-".join(map(str, span)) for span in spans)


def _base(now: Value, values: Iterable[Value]) -> Value:
    """Returns what stands for most: the present value while any module has it."""
    counts = Counter(values)
    return now if now in counts else counts.most_common(1)[0][0]


def _patterns(values: Mapping[str, Value], base: Value) -> dict[str, Value]:
    """Says which modules have another value than the `base`, by the ends of their names or by expressions.

    The first that means a module counts, so that what is said behind may mean it too.
    """
    sizes = Counter(value for value in values.values() if value != base)
    orders = (sorted(sizes, key=lambda value: sign * sizes[value]) for sign in (1, -1))
    return min((_in_order(values, order) for order in orders), key=lambda found: len(str(found)))


def _in_order(values: Mapping[str, Value], order: Iterable[Value]) -> dict[str, Value]:
    names, found = list(values), dict[str, Value]()
    for value in order:
        wanted = [name for name in names if values[name] == value]
        listed = _suffixes(wanted, names) or wanted
        expression = _expression(wanted, names, short=True)
        if len(listed) > 1 and len(expression) <= min(naming.MOST_LETTERS, sum(map(len, listed))):
            listed = [expression]
        found |= dict.fromkeys(listed, value)
        names = [name for name in names if values[name] != value]
    return found


def _spelled_out(values: Mapping[str, Value], base: Value) -> dict[str, Value]:
    """Says each module's value by its whole name; longer names come first, as they may end in others."""
    return {name: values[name] for name in sorted(values, key=len, reverse=True)}
