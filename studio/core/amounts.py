"""What the methods other than LoRA come to on a model: which layers they go on, and how many numbers each has there."""

from collections.abc import Iterable, Sequence
from math import isqrt, prod
from typing import TYPE_CHECKING

from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.methods import kind_of

if TYPE_CHECKING:
    from studio.core.modules import Module, Tree


def require_layers(tree: "Tree", spec: AdapterSpec, targets: Sequence[str], whole: Iterable[str]) -> None:
    """Sees to it that a method goes on the modules that are chosen for it.

    Raises:
        StudioError: (adapter) PEFT has no layer of it for one of them.
    """
    if spec.method == "lora":
        return
    kind, chosen = kind_of(spec.method), set(targets)
    for module in (one for one in tree.modules if one.name in chosen):
        if module.kind != "linear" or (module.type == "Conv1D" and not kind.turned):
            message = f"{kind.title} cannot go on {module.name}, which is a {module.type}."
            hint = "Choose linear layers such as [q_proj, v_proj], or all-linear."
            if module.type == "Conv1D":
                hint = "Choose lora, ia3 or vera for this model."
            raise StudioError("adapter", message, hint)
    if tied := next((name for name in whole if name in tree.tied), ""):
        message = f"{tied} shares its weight with the other end of this model, and only LoRA keeps the two as one."
        raise StudioError("adapter", message, "Take it out of modules_to_save, or choose lora.")


def feedforward(tree: "Tree", targets: Iterable[str]) -> list[str]:
    """Returns which targets are the last layers of feedforward blocks, whose inputs IA3 multiplies (Liu et al. 2022).

    That is where a block has several linear layers and is no attention: of those that give as much as an embedding
    has, the last. PEFT has to be told of them, and knows them by itself for some architectures alone.
    """
    width = next((module.outputs for module in tree.modules if module.kind == "embedding"), 0)
    types = {module.name: module.type for module in tree.modules}
    blocks: dict[str, list[Module]] = {}
    for module in tree.modules:
        if module.kind == "linear":
            blocks.setdefault(module.name.rpartition(".")[0], []).append(module)
    found = {
        max(enumerate(inner), key=lambda placed: (placed[1].outputs == width, placed[0]))[1].name
        for holder, inner in blocks.items()
        if len(inner) > 1 and not types.get(holder, "").endswith("Attention")
    }
    return [name for name in targets if name in found]


def numbers(spec: AdapterSpec, module: "Module", rank: int, feeds: bool) -> int:
    """Returns how many numbers a method trains beside a linear layer of (n, m), exactly as PEFT makes them.

    IA3 (Liu et al. 2022): n, or m where it feeds the layer. VeRA (Kopiczko et al. 2024): n + r. LoHa (Hyeon-Woo et al.
    2022): two products of rank r. LoKr (Yeh et al. 2024): two matrices whose Kronecker product has (n, m), the larger
    one of rank r if that is less. OFT (Qiu et al. 2023): of each block of b inputs half a skew-symmetric matrix.

    Args:
        spec: what is trained.
        module: the layer.
        rank: the layer's.
        feeds: it is one of `feedforward`.
    """
    outputs, inputs = module.outputs, inputs_of(module)
    if spec.method == "ia3":
        return inputs if feeds else outputs
    if spec.method == "vera":
        return outputs + rank
    if spec.method == "loha":
        return 2 * rank * (outputs + inputs)
    if spec.method == "lokr":
        (n, n_more), (m, m_more) = (factors(size, spec.decompose_factor) for size in (outputs, inputs))
        whole = rank >= max(n_more, m_more) / 2
        return n * m + (n_more * m_more if whole else rank * (n_more + m_more))
    block = block_size(inputs, spec.oft_block_size)
    return inputs // block * (block * (block - 1) // 2)


def shared(spec: AdapterSpec, modules: Iterable["Module"]) -> int:
    """Returns how many numbers that are not trained are saved with an adapter: VeRA's two matrices for all layers."""
    sizes = [(module.outputs, inputs_of(module)) for module in modules]
    return spec.r * (max(n for n, _ in sizes) + max(m for _, m in sizes)) if spec.method == "vera" and sizes else 0


def inputs_of(module: "Module") -> int:
    """Returns how much a linear layer reads."""
    return prod(module.shape) // module.outputs


def factors(size: int, factor: int) -> tuple[int, int]:
    """Returns the two factors of a size that LoKr makes of it, the smaller first, as PEFT's `factorization` does.

    Those that are most alike, of which the smaller is at most `factor`; -1: at most the root.
    """
    if factor > 0 and size % factor == 0:
        return factor, size // factor
    most = isqrt(size) if factor < 0 else min(factor, isqrt(size))
    first = next((one for one in range(most, 0, -1) if size % one == 0), 1)
    return first, size // first


def block_size(inputs: int, asked: int) -> int:
    """Returns the size of OFT's blocks of a layer: what is asked, or the nearest that divides the layer's inputs."""
    if asked >= inputs:
        return inputs
    above = next(size for size in range(asked, inputs + 1) if inputs % size == 0)
    below = next(size for size in range(asked, 0, -1) if inputs % size == 0)
    return below if asked - below <= above - asked else above


def unread_sentence(spec: AdapterSpec) -> str:
    """Returns a sentence on settings that are set and that full fine-tuning has no use for; empty: there are none."""
    if spec.method != "full" or not spec.idle:
        return ""
    named = ", ".join(f"adapter.{name}" for name in spec.idle)
    return f"Full fine-tuning makes no adapter, and does not read {named}."
