"""A model's module tree, which of its modules an adapter goes on, and exactly what that amounts to.

The engine reads the tree off a model (`studio.engine.targets.tree`); everything here is names and arithmetic, so the
window counts an adapter's parameters by itself, while the settings are being typed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal

from studio.core import amounts, methods, naming
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError

# In models with fused experts PEFT takes these names to mean the experts, wherever else they stand.
EXPERTS = {"gate", "w1", "w2", "w3", "gate_proj", "up_proj", "down_proj"}
# The first number behind a name and a dot is the layer, as PEFT reads it: `layers.3`, `h.3`.
_LAYER = re.compile(r".*?\.[^.]*\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Module:
    """A module of a model, or a parameter that no module of a known kind holds.

    Attributes:
        type: its class; `Parameter`: a bare one, such as fused experts.
        kind: what LoRA can go on, `linear`, `embedding` or `experts` in one parameter (E, .., ..), or nothing.
        shape: of the weight, as stored; empty: it has none of its own.
        parameters: its own ones, bias included, each counted where it is met first; shared weights count once.
        bias: those of them that are its bias.
        outputs: the length of its output; 0: it is neither linear nor an embedding.
    """

    name: str
    type: str
    kind: Literal["linear", "embedding", "experts", ""]
    shape: tuple[int, ...]
    parameters: int
    bias: int
    outputs: int

    @property
    def held(self) -> int:
        """Its own parameters, shared or not."""
        return self.bias + (prod(self.shape) if self.shape or self.type == "Parameter" else 0)


@dataclass(frozen=True, slots=True)
class Tree:
    """A model's modules and what is special about some of them.

    Attributes:
        modules: all but the model itself, outer ones before inner ones.
        decoder: the name of the language model, which may be a part of the whole; empty: the whole.
        head: the name of the output head.
        tied: the names of the embedding and the head if they share one weight, else nothing.
        fused: whether experts are fused into one parameter.
        renames: whether PEFT takes the names that experts had before to mean those, wherever else they stand.
    """

    architecture: str
    layers: int
    modules: tuple[Module, ...]
    decoder: str
    head: str
    tied: tuple[str, ...]
    fused: bool
    renames: bool = False

    @property
    def parameters(self) -> int:
        """All parameters of the model."""
        return sum(module.parameters for module in self.modules)

    def to_dict(self) -> dict[str, Any]:
        """Returns the tree as plain data, `parameters` among it."""
        return asdict(self) | {"parameters": self.parameters}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "Tree":
        """Reads what `to_dict` wrote."""
        modules = tuple(Module(**item | {"shape": tuple(item["shape"])}) for item in data["modules"])
        plain = {key: value for key, value in data.items() if key not in ("modules", "parameters", "tied")}
        return Tree(modules=modules, tied=tuple(data["tied"]), **plain)


@dataclass(frozen=True, slots=True)
class Choice:
    """Where an adapter goes on a model.

    Attributes:
        targets: the names of the modules that get one, in the model's order.
        parameters: those of experts that are fused into one parameter.
        layers: the layers they are in; None: not asked for.
        whole: the modules to train whole: the name PEFT is given -> the module's full name.
        rank_pattern, alpha_pattern: by plain names, the first that matches the end of a name counts.
    """

    targets: list[str]
    parameters: list[str]
    layers: list[int] | None
    whole: dict[str, str]
    rank_pattern: dict[str, int]
    alpha_pattern: dict[str, float]


@dataclass(frozen=True, slots=True)
class Count:
    """What an adapter amounts to.

    Attributes:
        trainable: parameters that are trained.
        total: those of the model, adapter included.
        adapter_bytes: of the adapter's tensors as saved, in float32.
        targets: how many modules and parameters get one.
        scaling: the least and the greatest factor of the updates, alpha / r or alpha / sqrt(r).
    """

    trainable: int
    total: int
    adapter_bytes: int
    targets: int
    scaling: tuple[float, float]


def choose(tree: Tree, spec: AdapterSpec, matching_s: float = naming.MATCHING_S) -> Choice:
    """Returns where `spec` puts an adapter on the model of `tree`.

    `all-linear` means every linear layer of the language model but its output head, as in PEFT. Experts that a model
    fuses into one parameter are no linear layers: `target_parameters` names them, or what holds them. What shares their
    names stays as it is.

    Args:
        tree: the model.
        spec: the adapter.
        matching_s: how long a single regular expression may take.

    Raises:
        StudioError: (adapter) a name, expression or layer matches nothing, or something LoRA cannot go on.
    """
    names = [module.name for module in tree.modules if module.type != "Parameter"]
    whole = _whole(tree, names, spec.modules_to_save)
    left = [name for name in names if not _under(name, whole.values())]
    if whole and spec.target_modules != "all-linear":
        _check_apart(names, left, spec.target_modules, matching_s)
    parameters = _parameters(tree, spec.target_parameters, whole.values())
    found = _targets(tree, left, spec.target_modules or [], matching_s)
    given = spec.exclude_modules
    excluded = set(_named(names, given, "exclude_modules", matching_s) if given is not None else ())
    chosen = [name for name in found if name not in excluded]
    chosen += [name for name in parameters if not _under(name, excluded)]
    layers = _layers(spec.layers_to_transform)
    if layers is not None:
        chosen = _in_layers(chosen, layers)
    if not chosen:
        raise StudioError(
            "adapter",
            "No module is left to put an adapter on.",
            "Choose more target modules or layers, or exclude fewer.",
        )
    check_tied(tree, chosen)
    amounts.require_layers(tree, spec, chosen, whole.values())
    return Choice(
        targets=[name for name in chosen if name not in parameters],
        parameters=[name for name in chosen if name in parameters],
        layers=layers,
        whole=whole,
        rank_pattern=naming.patterns(spec.rank_pattern, chosen, "rank_pattern", matching_s=matching_s),
        alpha_pattern=naming.patterns(spec.alpha_pattern, chosen, "alpha_pattern", matching_s=matching_s),
    )


def count(tree: Tree, spec: AdapterSpec, matching_s: float = naming.MATCHING_S) -> Count:
    """Returns what training `spec` on the model of `tree` amounts to, exactly as PEFT would make it.

    A LoRA of rank r beside a weight of (n, m) has r (n + m) parameters (Hu et al. 2021, section 4.1), of experts each,
    with DoRA one more for each output (Liu et al. 2024, equation 5); other methods see `amounts.numbers`. Modules
    trained whole are copied.

    Raises:
        StudioError: (adapter) see `choose`.
    """
    total = tree.parameters
    if spec.method == "full":
        return Count(trainable=total, total=total, adapter_bytes=4 * total, targets=0, scaling=(1.0, 1.0))
    choice = choose(tree, spec, matching_s)
    modules, targets = {module.name: module for module in tree.modules}, set(choice.targets)
    added, matrices, scalings = 0, 0, []
    feeding = set(amounts.feedforward(tree, targets))
    for name in (*choice.targets, *choice.parameters):
        rank = naming.ending(choice.rank_pattern, name, spec.r)
        alpha = (
            naming.ending(choice.alpha_pattern, name, spec.lora_alpha)
            if methods.has(spec.method, "lora_alpha")
            else rank
        )
        scalings.append(alpha / (rank**0.5 if spec.use_rslora else rank))
        if spec.method != "lora":
            added += amounts.numbers(spec, modules[name], rank, name in feeding)
            continue
        *each, outputs, inputs = modules[name].shape
        matrices += rank * prod(each) * (outputs + inputs)
        added += modules[name].outputs if spec.use_dora else 0
    added += matrices
    copied, repeated = _copied(tree, choice)
    # What it began as is saved beside it, or what its layers have in common.
    repeated += (matrices if spec.halved else 0) + amounts.shared(spec, map(modules.__getitem__, choice.targets))
    biases = 0
    if spec.bias != "none":
        kept = [module for module in tree.modules if spec.bias == "all" or module.name in targets]
        biases = sum(module.bias for module in kept if not _under(module.name, choice.whole.values()))
        if spec.bias == "all":
            # PEFT writes the biases of what is trained whole three times: as such, as a bias, and the original's.
            repeated += 2 * sum(module.bias for module in kept) - 2 * biases
    trainable = added + copied + biases
    return Count(
        trainable=trainable,
        total=total + added + copied,
        adapter_bytes=4 * (trainable + repeated),
        targets=len(targets) + len(choice.parameters),
        scaling=(min(scalings), max(scalings)),
    )


def left_out_sentence(tree: Tree, spec: AdapterSpec) -> str:
    """Returns what there is to know of what is passed by: of settings, and by `all-linear` in a model of fused experts.

    That is what full fine-tuning does not read; the experts, which are no linear layers, unless some are named; and
    what shares their names.

    Returns:
        Sentences, with names without their layers; empty: nothing is passed by.
    """
    experts, alike = _passed_by(tree, spec)
    told = list(filter(None, [amounts.unread_sentence(spec)]))
    if experts and not spec.target_parameters:
        message = f"Experts stay as they are: {_shown(tree, experts)}."
        hint = "Set adapter.target_parameters to experts to adapt them too."
        if spec.method != "lora":
            hint = "Only LoRA goes on them: set adapter.method to lora to adapt them too."
        told += (message, hint)
    if alike:
        message = f"Layers named like experts stay as they are: {_shown(tree, alike)}."
        told.append(message)
    return " ".join(told)


def experts_stay(tree: Tree, spec: AdapterSpec) -> bool:
    """Whether a model has fused experts that `all-linear` passes by, none of them is named, and LoRA could be."""
    return bool(_passed_by(tree, spec)[0]) and not spec.target_parameters and spec.method == "lora"


def _shown(tree: Tree, modules: Sequence[Module]) -> str:
    names = dict.fromkeys(_LAYER.sub("", module.name, count=1) for module in modules)
    share = sum(module.parameters for module in modules) / max(1, tree.parameters)
    what = f"{', '.join(names)} ({share:.0%} of the weights)"
    return what


def _passed_by(tree: Tree, spec: AdapterSpec) -> tuple[list[Module], list[Module]]:
    """Returns the experts, and the linear layers that share their names."""
    if not tree.fused or spec.method == "full" or spec.target_modules != "all-linear":
        return [], []
    whole = _whole(tree, [module.name for module in tree.modules if module.type != "Parameter"], spec.modules_to_save)
    left = [module for module in tree.modules if not _under(module.name, whole.values())]
    alike = [
        module
        for module in left
        if module.kind == "linear" and module.name.startswith(tree.decoder) and _leaf(module.name) in EXPERTS
    ]
    return [module for module in left if module.kind == "experts"], alike


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def _whole(tree: Tree, names: Sequence[str], given: Sequence[str]) -> dict[str, str]:
    """Returns the modules to train whole, as `Choice.whole`."""
    found: dict[str, str] = {}
    for name in given:
        full = _named(names, [name], "modules_to_save")
        # PEFT looks at the end of the letters, so that `norm` would mean `input_layernorm` too.
        exact = len(full) == 1 and sum(module.endswith(name) for module in names) == 1
        found |= {name: full[0]} if exact else {module: module for module in full}
    for name in found.values():
        # PEFT keeps the two ends the same only where it knows the embedding by this name.
        if name in tree.tied and not any(end.endswith("embed_tokens") for end in tree.tied):
            raise StudioError(
                "adapter",
                f"{name} shares its weight with the other end of this model, and PEFT cannot train the two as one.",
                "Take it out of modules_to_save.",
            )
    return found


def _targets(tree: Tree, names: list[str], given: str | list[str], matching_s: float) -> list[str]:
    modules = {module.name: module for module in tree.modules}
    if given == "all-linear":
        # A model that also sees has linear layers outside its language model; they are left alone.
        return [
            name
            for name in names
            if modules[name].kind == "linear" and name != tree.head and name.startswith(tree.decoder)
            if not (tree.fused and _leaf(name) in EXPERTS)
        ]
    found = _named(names, given, "target_modules", matching_s)
    fit = [name for name in found if modules[name].kind]
    unfit = [name for name in found if not modules[name].kind]
    if any(module.kind == "experts" and _under(module.name, unfit) for module in tree.modules) and not fit:
        raise StudioError(
            "adapter", f"{unfit[0]} holds experts, which are no modules.", "Name it in target_parameters."
        )
    if unfit and (isinstance(given, list) or not fit):
        raise StudioError(
            "adapter",
            f"LoRA cannot go on {unfit[0]}, which is a {modules[unfit[0]].type}.",
            "Choose linear layers such as [q_proj, v_proj], or all-linear.",
        )
    return fit


def _parameters(tree: Tree, given: list[str], whole: Iterable[str]) -> list[str]:
    """Returns the experts that a list names, by their own name or by that of what holds them, in the model's order."""
    experts = [module.name for module in tree.modules if module.kind == "experts"]
    if given and not experts:
        message = "target_parameters: this model holds no experts in one parameter."
        raise StudioError("adapter", message, "Leave it empty; linear layers are named in target_modules.")
    found: set[str] = set()
    for one in given:
        named = {name for name in experts if f".{name}".endswith(f".{one}") or _holder(name).endswith(f".{one}")}
        if not named:
            known = dict.fromkeys(_LAYER.sub("", name, count=1) for name in experts)
            hint = f"Write experts for all of them, or name {', '.join(known)}."
            raise StudioError("adapter", f"target_parameters: no experts are called `{one}`.", hint)
        if not (kept := {name for name in named if not _under(name, whole)}):
            hint = "Take it out of `target_parameters` or of `modules_to_save`."
            raise StudioError("adapter", f"`{one}` is trained whole already.", hint)
        found |= kept
    return [name for name in experts if name in found]


def _holder(name: str) -> str:
    return f".{name.rpartition('.')[0]}"


def _named(
    names: Sequence[str], given: str | list[str], setting: str, matching_s: float = naming.MATCHING_S
) -> list[str]:
    """Returns the names that an expression matches, or that are or end in one of a list's names."""
    chosen: dict[str, None] = {}
    for one, found in _matched(names, given, setting, matching_s).items():
        if not found:
            raise naming.unknown(setting, one, names)
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _matched(names: Sequence[str], given: str | list[str], setting: str, matching_s: float) -> dict[str, list[str]]:
    """Returns which names an expression, or each of a list's names, stands for."""
    if isinstance(given, str):
        return {given: naming.matching(given, names, setting, matching_s)}
    found: dict[str, list[str]] = {one: [] for one in given}
    for name in names:
        for end in filter(found.__contains__, naming.ends(name)):
            found[end].append(name)
    return found


def _check_apart(names: Sequence[str], left: list[str], given: str | list[str], matching_s: float) -> None:
    """Refuses target modules of which none is left beside those that are trained whole."""
    for one, found in _matched(names, given, "target_modules", matching_s).items():
        if found and set(found).isdisjoint(left):
            raise StudioError(
                "adapter",
                f"`{one}` is trained whole already.",
                "Take it out of `target_modules` or of `modules_to_save`.",
            )


def _layers(given: list[int] | str | None) -> list[int] | None:
    if given is None or given == "" or given == []:
        return None
    if isinstance(given, list):
        return sorted(set(given))
    found: set[int] = set()
    for part in given.split(","):
        match = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", part)
        if not match:
            raise StudioError(
                "config", f"adapter.layers_to_transform: `{part.strip()}` is no layer.", "Write such as `0-3,8`."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        found |= set(range(first, last + 1))
    return sorted(found)


def _in_layers(names: list[str], layers: list[int]) -> list[str]:
    numbered = {name: int(match[1]) for name in names if (match := _LAYER.match(name))}
    missing = sorted(set(layers) - set(numbered.values()))
    if missing:
        last = max(numbered.values(), default=-1)
        raise StudioError(
            "adapter",
            f"layers_to_transform: no chosen module is in layer {missing[0]}.",
            f"Layers go from 0 to {last}." if last >= 0 else "The chosen modules are in no layer.",
        )
    return [name for name in names if numbered.get(name) in layers]


def check_tied(tree: Tree, chosen: Iterable[str]) -> None:
    """Raises StudioError (adapter) where an adapter would go on one of two modules that share a weight."""
    for name in set(tree.tied).intersection(chosen):
        raise StudioError(
            "adapter",
            f"{name} shares its weight with the other end of this model, and an adapter would change only one of them.",
            "Leave it out of target_modules; put it in modules_to_save to train it whole.",
        )


def _under(name: str, holders: Iterable[str]) -> bool:
    return any(naming.lies_in(name, holder) for holder in holders)


def _copied(tree: Tree, choice: Choice) -> tuple[int, int]:
    """Returns the parameters of the modules trained whole, and how many of them are written once more."""
    ends = [name for name in choice.whole.values() if name in tree.tied]
    whole = [module for module in tree.modules if _under(module.name, choice.whole.values())]
    found = sum(module.held for module in whole if module.name not in ends)
    if not ends:
        return found, 0
    shared = next(module.held for module in tree.modules if module.name in ends)
    return found + shared, shared
