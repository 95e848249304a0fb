"""How large a model a machine can fine-tune: memory from the number of parameters alone, as a range.

Nothing is measured here and no model is looked at, so that this answers before one is chosen. The range is between a
lean run (512 tokens at once, activations computed again in the backward pass, rank 8) and a usual one (2,048 tokens
at once, all activations kept, rank 16). For P parameters and a decoder of the common proportions, P = 12 L h^2 with a
width h of 128 times the depth L (GPT-3, Llama: 100 to 128):

- the weights: 2 P bytes on a card and 4 P on a processor, which computes in float32; 16 P where all are trained, in
  float32 with a gradient and AdamW's two moments. NF4 with double quantization takes 4.127 bits for each weight
  (Dettmers et al. 2023, section 3) but leaves embedding and head alone;
- the adapter: 19 h r L parameters of 16 bytes each, since rank r on every linear layer of width m x n adds r (m + n);
- activations: 34 h bytes for a token and layer in 16 bits (Korthikanti et al. 2022, equation 2, without attention's
  own matrices, which are never kept), or 2 h and one layer's 34 h where they are computed again;
- the head's values: 10 bytes for each of 128,000 tokens of the vocabulary and each token that is learned, one in two;
- torch itself, and a tenth on top of the usual run for memory that lies between tensors.
"""

from dataclasses import dataclass
from typing import Literal

from studio.core.machine import Machine

Method = Literal["lora", "qlora", "full"]
Verdict = Literal["fits", "tight", "no"]
METHODS: tuple[Method, ...] = ("qlora", "lora", "full")
# The sizes that open models come in.
SIZES = (0.5e9, 1.5e9, 3e9, 8e9, 14e9, 32e9, 70e9)

_VOCABULARY = 128_000
_PROPORTION = 128  # width over depth
_NF4_BYTES = 4.127 / 8
_TRAINED_BYTES = 16  # float32 weight and gradient, AdamW's two moments
_ACTIVATION_BYTES, _RECOMPUTED_BYTES = 34, 2
_HEAD_BYTES = 10
_LEARNED_SHARE = 0.5
_GAPS = 1.1
_NEAR = 0.93  # of the room; a count can be wrong by what is left
SYSTEM_SHARE = 0.2  # of the machine's memory, for all other programs


@dataclass(frozen=True, slots=True)
class _Way:
    tokens: int
    rank: int
    recomputed: bool
    embeddings: int  # one shared by input and output, or two
    torch_bytes: float
    gaps: float


_LEAN = _Way(512, 8, True, 1, 0.7e9, 1.0)
_USUAL = _Way(2048, 16, False, 2, 1.5e9, _GAPS)


def needed_bytes(parameters: float, method: Method, *, on_gpu: bool) -> tuple[int, int]:
    """Returns the memory that fine-tuning takes, in bytes: of a lean run and of a usual one.

    Args:
        parameters: of the model, such as 8e9.
        method: `lora` on a base in 16 bits (float32 on a processor), `qlora` on one in NF4, or `full`.
        on_gpu: on a card, rather than on the processor.
    """
    return _needed(parameters, method, on_gpu, _LEAN), _needed(parameters, method, on_gpu, _USUAL)


def usable_bytes(machine: Machine) -> int:
    """Returns the memory a run may have: a card's whole, or of the machine's own what other programs leave."""
    return machine.device_bytes if machine.gpus else round(machine.memory_bytes * (1 - SYSTEM_SHARE))


def verdict(parameters: float, method: Method, machine: Machine) -> Verdict:
    """Whether a model of so many parameters fits: as usual, only in a lean run (`tight`), or not at all."""
    lean, usual = needed_bytes(parameters, method, on_gpu=bool(machine.gpus))
    room = usable_bytes(machine)
    return "fits" if usual <= room else "tight" if lean <= room else "no"


def is_tight(needed: float, room: float) -> bool:
    """Whether what a run needs is so near to all there is that a count of it can be wrong."""
    return needed > _NEAR * room


def _needed(parameters: float, method: Method, on_gpu: bool, way: _Way) -> int:
    width: float = (parameters * _PROPORTION / 12) ** (1 / 3)
    depth = width / _PROPORTION
    unquantized = min(way.embeddings * _VOCABULARY * width, parameters / 2)
    adapter = _TRAINED_BYTES * 19 * width * way.rank * depth
    plain = 2 if on_gpu else 4
    weights = {
        "lora": plain * parameters + adapter,
        "qlora": _NF4_BYTES * (parameters - unquantized) + plain * unquantized + adapter,
        "full": _TRAINED_BYTES * parameters,
    }[method]
    kept = _RECOMPUTED_BYTES * depth + _ACTIVATION_BYTES if way.recomputed else _ACTIVATION_BYTES * depth
    activations = way.tokens * width * kept * plain / 2
    head = way.tokens * _LEARNED_SHARE * _VOCABULARY * _HEAD_BYTES
    return round((weights + activations + head + way.torch_bytes) * way.gaps)
