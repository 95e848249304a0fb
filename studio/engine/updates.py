"""The update of each module, from the files of an adapter or a checkpoint and of its base. Torch is never loaded.

A LoRA's is never written out: from the Gram matrices G = B^T B and H = A A^T, both (r, r), follow |B A|^2 = tr(G H) and
the singular values of B A, the roots of the eigenvalues of G H; of two adapters <B A, D C> = tr((B^T D) (C A^T)).
What has a magnitude too (DoRA) or is trained whole is compared with the base's weight, a module at a time.

`r` is a rank, (out, in) the shape of a module's weight as torch's Linear holds it. Experts that a model holds in one
parameter are E such weights, each with an update of its own; what is told of them is told of all together.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite, prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from studio import paths
from studio.core import methods, naming
from studio.core.entry import WEIGHTS, is_model
from studio.core.errors import StudioError
from studio.core.files import write_atomic
from studio.core.updates import Update
from studio.engine import vetting, weights
from studio.engine.checkpoint import FULL
from studio.engine.weights import Stored

Matrix = NDArray[np.float64]
OnProgress = Callable[[int, int], None]

_PREFIX = "base_model.model."
# By the ends of PEFT's names.
_PARTS = {
    ".lora_A.weight": "a",
    ".lora_B.weight": "b",
    ".lora_embedding_A": "embedding_a",
    ".lora_embedding_B": "embedding_b",
    ".lora_magnitude_vector": "magnitude",
}
# PEFT's, where a config has none.
_RANK = _ALPHA = 8
_HEADS = ("lm_head", "embed_out")
_EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "embed_in.weight")
# Of PEFT's settings, those that add what is no product of two matrices beside a weight.
_UNMEASURED = ("lora_bias",)
_LAYER = re.compile(r".*?\.\d+\.")
# What experts' parameters are called in files that have each expert by itself.
_APART = {"gate_up_proj": "(gate_proj|up_proj|w1|w3)", "up_proj": "up_proj", "down_proj": "(down_proj|w2)"}
# Of numbers at a time: what is read or made of a module, which stays in a processor's cache, and what is summed in
# single precision.
_AT_ONCE, _SUMMED = 2**19, 2**10


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained of a module; its numbers are read as they are asked for.

    Attributes:
        held: as the file has it, by `_PARTS`, or `whole`.
        scaling: s.
        turned: the base holds the weight as (in, out).
        experts: how many weights a parameter of experts holds; 0: it is a module's.
    """

    held: dict[str, Stored]
    scaling: float = 1.0
    turned: bool = False
    experts: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Of the update, (out, in), or of an embedding (vocabulary, D)."""
        if "whole" in self.held:
            return _shape(self.held["whole"])
        if "embedding_a" in self.held:
            return _shape(self.held["embedding_a"])[1], _shape(self.held["embedding_b"])[0]
        return _shape(self.held["b"])[0], _shape(self.held["a"])[1]

    @property
    def rank(self) -> int:
        """Of the LoRA; 0: there is none."""
        return next((held.shape[0] for part, held in self.held.items() if part.endswith("a")), 0) // (self.experts or 1)

    @property
    def size(self) -> int:
        """How many numbers the weight has."""
        return prod(self.shape) * (self.experts or 1)

    @property
    def alone(self) -> bool:
        """Whether the update is a low-rank product and nothing else."""
        return not {"whole", "magnitude"} & self.held.keys()

    def factors(self) -> tuple[Matrix, Matrix]:
        """Returns A (r, in) and s B (out, r), of experts (E, r, in) and (E, out, r)."""
        if "embedding_a" in self.held:
            return _matrix(self.held["embedding_b"]).T, self.scaling * _matrix(self.held["embedding_a"]).T
        a, b = _matrix(self.held["a"]), self.scaling * _matrix(self.held["b"])
        if self.experts:
            # A has an expert's ranks together, B a rank of all experts.
            a, b = a.reshape(self.experts, self.rank, -1), b.reshape(len(b), self.rank, -1).transpose(2, 0, 1)
        return a, b


class Base:
    """A base model's weights, by name; none where there is no folder."""

    def __init__(self, folder: Path | None) -> None:
        """Reads the headers of the files.

        Raises:
            StudioError: (model) the folder holds no sound weights.
        """
        files = weights.files(folder) if folder is not None else []
        self._held = {name: held for file in files for name, held in weights.stored(file, "model").items()}
        # By the files as they are now: what is read of them later is kept under no other.
        self._places = {file: _place(file) for file in files}
        self._norms = {file: _known(place) for file, place in self._places.items()}
        self._told = {file: len(norms) for file, norms in self._norms.items()}

    def find(self, name: str, size: int) -> Stored | None:
        """Returns a weight or a bias of a module, if it has `size` numbers, as the files have it; None: they do not.

        Files of a model without its head leave out the name of what the head stands on.
        """
        parts = name.split(".")
        ends = [".".join(parts[at:]) for at in range(len(parts))]
        if parts[-1] in _HEADS:
            # One that shares the embedding's weight is not in the files.
            ends += [key.removesuffix(".weight") for key in self._held if key.endswith(_EMBEDDINGS)]
        for end in ends:
            held = self._held.get(f"{end}.weight") or self._held.get(end)
            if held is not None:
                return held if held.floats and prod(held.shape) == size else None
        return None

    def norm_of(self, name: str, part: Trained) -> float | None:
        """Returns the norm of a weight that was trained, held whole or an expert at a time; None: it is not known."""
        held = self.find(name, part.size)
        if held is not None or not part.experts:
            return self.norm(held) if held is not None else None
        layer, leaf = _LAYER.match(name), name.rpartition(".")[2]
        each = re.escape(layer[0] if layer else "") + rf".*\.experts\.\d+\.{_APART.get(leaf, leaf)}(\.weight)?"
        apart = [held for key, held in self._held.items() if re.fullmatch(rf"(.*\.)?{each}", key)]
        norms = [self.norm(held) for held in apart if held.floats]
        if sum(prod(held.shape) for held in apart) != part.size or None in norms:
            return None
        return float(np.sqrt(sum(norm**2 for norm in norms if norm is not None)))

    @property
    def known(self) -> bool:
        """Whether there are files of it."""
        return bool(self._held)

    def norm(self, held: Stored) -> float | None:
        """Returns the Frobenius norm of a weight, from the cache if it was asked for before; None: it is no number."""
        known, key = self._norms[held.path], str(held.start)
        if key not in known:
            count = prod(held.shape)
            known[key] = sum(_square(held.numbers(at, _AT_ONCE)) for at in range(0, count, _AT_ONCE)) ** 0.5
        return known[key] if isfinite(known[key]) else None

    def keep(self) -> None:
        """Writes the norms to the cache, for the next time."""
        for file, norms in self._norms.items():
            if len(norms) == self._told[file]:
                continue
            # Kept for later calls alone.
            with suppress(OSError):
                place = self._places[file]
                place.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(place, json.dumps(norms).encode())


def of(folder: Path, base: Base, told: OnProgress = lambda done, total: None) -> list[Update]:
    """Returns the update of each module that was trained, in the order of the file.

    Args:
        folder: an adapter's, in PEFT's layout, of anyone; or a full fine-tuning's, with the `weights.safetensors` of a
            checkpoint, or a whole model.
        base: what it was trained on, for what cannot be told without.
        told: called with modules done and modules in all.

    Raises:
        StudioError: (adapter) it is refused, damaged, holds what is no number, or adds what is not measured.
    """
    found, trained = list[Update](), trained_of(folder)
    for done, (name, part) in enumerate(trained.items()):
        told(done, len(trained))
        found.append(_update(name, part, base))
    base.keep()
    return found


def between(one: Path, other: Path, base: Base, told: OnProgress = lambda done, total: None) -> list[Update]:
    """Returns the updates of `one` beside those of `other`, of all modules that either has trained.

    Raises:
        StudioError: as `of` does; (adapter) they are of different models.
    """
    mine, theirs = trained_of(one), trained_of(other)
    found, names = list[Update](), list(mine | theirs)
    for done, name in enumerate(names):
        told(done, len(names))
        parts = [trained[name] for trained in (mine, theirs) if name in trained]
        if len({part.size for part in parts}) > 1:
            message = f"The two adapters are of different models: {name} has another size in each."
            raise StudioError("adapter", message, "Compare adapters of one base.")
        first, second = (_update(name, t[name], base) if name in t else None for t in (mine, theirs))
        norms = [update.norm if update is not None else 0.0 for update in (first, second)]
        product = _product(name, mine[name], theirs[name], base) if first and second else None
        size = (norms[0] or 0.0) * (norms[1] or 0.0)
        cosine = min(1.0, max(-1.0, product / size)) if product is not None and size else None
        shown = first or second
        assert shown is not None
        alone: Literal["first", "second", ""] = "second" if first is None else "first" if second is None else ""
        rank = shown.effective_rank if first is not None else None
        found.append(replace(shown, norm=norms[0], other=norms[1], cosine=cosine, effective_rank=rank, only=alone))
    base.keep()
    return found


def trained_of(folder: Path) -> dict[str, Trained]:
    """Returns what was trained of each module, by its name in the model.

    Raises:
        StudioError: (adapter) it is refused, damaged, holds what is no number, or adds what is not measured.
    """
    if (folder / FULL).is_file() or is_model(folder):
        every = _all_weights(folder)
        return {name.removesuffix(".weight"): Trained({"whole": held}) for name, held in every.items() if held.floats}
    config = vetting.check_adapter(folder)
    if (method := methods.of_peft(config)) != "lora":
        what = f"is by {methods.title_of(method)}, and what that changes of each module is not measured"
        raise vetting.unusable(folder, what, "Its answers can still be compared.")
    if unmeasured := next((key for key in _UNMEASURED if config.get(key)), None):
        what = f"uses {unmeasured}, and what that adds is not measured yet"
        raise vetting.unusable(folder, what, "Its answers can still be compared.")
    parts: dict[str, dict[str, Stored]] = {}
    for key, held in weights.stored(folder / WEIGHTS, "adapter").items():
        if ".original_module." in key:
            continue  # what PEFT keeps of the base beside its copy
        if not held.floats:
            what = f"holds {held.dtype} numbers, which cannot be measured"
            raise vetting.unusable(folder, what, "Save it as float16, bfloat16 or float32.")
        name, part = _named(key.removeprefix(_PREFIX))
        parts.setdefault(name, {})[part] = held
    stacked = _stacked(folder, list(parts), config.get("target_parameters") or [])
    parts = {stacked.get(name, name): of_module for name, of_module in parts.items()}
    ranks, alphas = (
        naming.patterns(config.get(key) or {}, list(parts), key, strict=False)
        for key in ("rank_pattern", "alpha_pattern")
    )
    turned, found = bool(config.get("fan_in_fan_out")), dict[str, Trained]()
    for name, of_module in parts.items():
        if len(of_module) > 1:
            of_module.pop("whole", None)  # the base's own weight, which PEFT saves beside an embedding's adapter
        made = Trained(of_module, turned=turned)
        if name in stacked.values():
            rank = naming.ending(ranks, name, _RANK if config.get("r") is None else config["r"])
            made = replace(made, experts=made.rank // rank or 1)
        if not _fits(made):
            what = f"holds parts of {name} that do not fit each other"
            raise vetting.unusable(folder, what, "Save it again where it comes from.")
        if made.rank:
            alpha = naming.ending(alphas, name, _ALPHA if config.get("lora_alpha") is None else config["lora_alpha"])
            made = replace(made, scaling=alpha / (made.rank**0.5 if config.get("use_rslora") else made.rank))
        found[name] = made
    if not found:
        raise vetting.unusable(folder, "holds nothing that was trained", "Save it again where it comes from.")
    return found


def _all_weights(folder: Path) -> dict[str, Stored]:
    """Returns the weights of a full fine-tuning's checkpoint, or of a whole model, by their names."""
    if (folder / FULL).is_file():
        return weights.stored(folder / FULL, "checkpoint")
    return {name: held for file in weights.files(folder) for name, held in weights.stored(file, "model").items()}


def tensors(
    name: str, like: Trained, a: NDArray[Any], b: NDArray[Any], among: Iterable[str] = ()
) -> dict[str, NDArray[np.float32]]:
    """Returns a module's A and B as an adapter's file has them, by their names there, in float32.

    Args:
        name: of the module, or of the parameter of experts.
        like: what was trained of it, whose layout they get.
        a: as `Trained.factors` has it, with B the update alone: its scale is in them.
        b: see `a`.
        among: of parameters of experts, all that the file has.
    """
    if like.experts:
        a, b = a.reshape(-1, a.shape[-1]), b.transpose(1, 2, 0).reshape(b.shape[1], -1)
        holder = name.rpartition(".")[0]
        around = [one for one in among if one != name and one.rpartition(".")[0] == holder and _is_last(one)]
        name = holder + len(around) * ".base_layer"
    if "embedding_a" in like.held:
        named = {"lora_embedding_A": b.T, "lora_embedding_B": a.T}
    else:
        named = {"lora_A.weight": a, "lora_B.weight": b}
    return {f"{_PREFIX}{name}.{part}": np.ascontiguousarray(one, np.float32) for part, one in named.items()}


def _fits(part: Trained) -> bool:
    """Whether all is there that makes an update, and in one size."""
    held = part.held
    if held.keys() == {"whole"}:
        return True
    a, b = ("embedding_a", "embedding_b") if "embedding_a" in held else ("a", "b")
    if not {a, b} <= held.keys() <= {a, b, "magnitude"} or min(len(held[a].shape), len(held[b].shape)) < 2:
        return False
    magnitude = held.get("magnitude")
    inner = 0 < part.rank * (part.experts or 1) == held[a].shape[0] == held[b].shape[1] == _shape(held[b])[1]
    return (
        inner
        and part.rank <= vetting.MAX_RANK
        and (magnitude is None or prod(magnitude.shape) == held[b].shape[0] or "embedding_a" in held)
    )


def _named(key: str) -> tuple[str, str]:
    """Returns the module that a tensor of an adapter's file belongs to, and as what of it."""
    plain = key.removesuffix(".weight") if key.endswith("_vector.weight") else key
    for end, part in _PARTS.items():
        if plain.endswith(end):
            return plain.removesuffix(end), part
    plain = key.replace(".base_layer.", ".").replace(".modules_to_save.", ".").removesuffix(".weight")
    return plain, "whole"


def _stacked(folder: Path, places: Sequence[str], given: Sequence[str]) -> dict[str, str]:
    """Returns what the parameters that were trained are called, by their places in the file.

    For each parameter of a module PEFT puts a layer around it, in the module's order; experts have what leads out of
    them last.

    Raises:
        StudioError: (adapter) which of them is which cannot be told.
    """
    found = dict[str, str]()
    for place in places:
        holder = place.partition(".base_layer")[0]
        fit = {leaf for one in given if f".{holder}.{(leaf := one.rpartition('.')[2])}".endswith(f".{one}")}
        leaves, depth = sorted(fit, key=_is_last), place.count(".base_layer")
        if len(leaves) <= depth:
            if not leaves and not depth:
                continue
            raise vetting.unusable(folder, f"holds parts of {holder} that do not fit its config", "Save it again.")
        if len(leaves) > 1 and not (len(leaves) == 2 and _is_last(leaves[-1]) and not _is_last(leaves[0])):
            what = f"adapts several parameters of {holder}, and which is which cannot be told"
            raise vetting.unusable(folder, what, "Its answers can still be compared.")
        found[place] = f"{holder}.{leaves[-1 - depth]}"
    return found


def _is_last(name: str) -> bool:
    return name.rpartition(".")[2].startswith("down")


def _update(name: str, part: Trained, base: Base) -> Update:
    held = base.find(name, prod(part.shape)) if not part.experts else None
    size = base.norm_of(name, part)
    if "whole" in part.held:
        return Update(name=name, kind="whole", norm=_norm(part, held), base=size)
    a, b = part.factors()
    # The roots of G H's eigenvalues, by a symmetric matrix of the same ones.
    values, vectors = np.linalg.eigh(a @ a.mT)
    root = vectors * np.sqrt(values.clip(0))[..., None, :]
    singular = np.sqrt(np.linalg.eigvalsh(root.mT @ (b.mT @ b) @ root).clip(0))
    used = float(np.mean([_effective(one) for one in singular.reshape(-1, part.rank)]))
    if part.alone:
        norm = float(np.sqrt((singular**2).sum()))
        return Update(name=name, kind="lora", rank=part.rank, norm=norm, base=size, effective_rank=used)
    # Of a base held in fewer bits in the training the magnitude is that of rounded weights, unlike those in the files.
    norm_of_all = _norm(part, held) if singular.any() else 0.0
    return Update(name=name, kind="dora", rank=part.rank, norm=norm_of_all, base=size, effective_rank=used)


def _norm(part: Trained, held: Stored | None) -> float | None:
    """Returns the norm of an update that is written out for it; None: it cannot be without the base."""
    return sum(float((rows**2).sum()) for rows in _rows(part, held)) ** 0.5 if _known_by(part, held) else None


def _effective(singular: Matrix) -> float:
    shares = singular / (singular.sum() or 1.0)
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def _product(name: str, one: Trained, other: Trained, base: Base) -> float | None:
    """Returns the inner product of two updates of a module; None: it cannot be told."""
    if one.alone and other.alone and one.shape == other.shape:
        (a, b), (c, d) = one.factors(), other.factors()
        return float(((b.mT @ d) * (a @ c.mT)).sum())
    held = base.find(name, prod(one.shape))
    # The one that is trained whole lies as the base does.
    turned = one.turned and ("whole" in one.held) != ("whole" in other.held)
    if turned or one.shape != other.shape or not (_known_by(one, held) and _known_by(other, held)):
        return None
    return sum(float((x * y).sum()) for x, y in zip(_rows(one, held), _rows(other, held), strict=True))


def _known_by(part: Trained, held: Stored | None) -> bool:
    """Whether an update can be written out, with the base's weight or without."""
    return part.alone or (held is not None and not ("magnitude" in part.held and "embedding_a" in part.held))


def _rows(part: Trained, held: Stored | None) -> Iterator[Matrix]:
    """Yields an update by so many rows at a time, (n, in), the base's weight being `held`."""
    outputs, inputs = part.shape
    count = max(1, _AT_ONCE // max(1, inputs))
    if "whole" in part.held:
        both = [part.held["whole"], held]
        for at in range(0, outputs, count):
            after, before = (_finite(one, at * inputs, count * inputs) for one in both if one is not None)
            yield (after - before).reshape(-1, inputs)
        return
    a, b = part.factors()
    lengths = _matrix(part.held["magnitude"]).ravel() if "magnitude" in part.held else None
    turned = _matrix(held).T if lengths is not None and held is not None and part.turned else None
    for at in range(0, outputs, count):
        change = b[at : at + count] @ a
        if lengths is None or held is None:
            yield change
            continue
        plain = turned[at : at + count] if turned is not None else held.numbers(at * inputs, count * inputs)
        weight = plain.astype(np.float64).reshape(-1, inputs)
        # m (W + s B A) / |W + s B A|, by output (Liu et al. 2024, equation 5).
        moved = weight + change
        sizes = np.linalg.norm(moved, axis=1)
        yield moved * (lengths[at : at + count] / np.where(sizes > 0, sizes, 1))[:, None] - weight


def _shape(held: Stored) -> tuple[int, int]:
    rows = held.shape[0] if held.shape else 1
    return rows, prod(held.shape[1:])


def _matrix(held: Stored) -> Matrix:
    return _finite(held).reshape(_shape(held))


def _finite(held: Stored, first: int = 0, count: int | None = None) -> Matrix:
    found = held.numbers(first, count).astype(np.float64)
    if not np.isfinite(found).all():
        message = f"{held.path} holds values that are not numbers."
        raise StudioError("adapter", message, "Use another copy of it, or an earlier checkpoint.")
    return found


def _square(numbers: NDArray[np.floating[Any]]) -> float:
    """Returns the sum of the squares, in parts so small that single precision is enough for each."""
    whole = len(numbers) - len(numbers) % _SUMMED
    parts, rest = (
        numbers[:whole].astype(np.float32, copy=False).reshape(-1, _SUMMED),
        numbers[whole:].astype(np.float64),
    )
    return float(np.vecdot(parts, parts).sum(dtype=np.float64) + (rest**2).sum())


def _place(file: Path) -> Path:
    return paths.cache_dir() / "norms" / f"{weights.key_of(file)}.json"


def _known(place: Path) -> dict[str, float]:
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return {}
    sound = isinstance(found, dict) and all(isinstance(norm, float) for norm in found.values())
    return found if sound else {}
