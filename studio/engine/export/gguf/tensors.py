"""A model's weights as the tensors of a GGUF file: written, rounded as they are stored, and read back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from studio.core.errors import StudioError
from studio.core.number_formats import BLOCK, COARSE, FORMATS, Stored

Numbers = NDArray[np.float32]

TYPES: dict[Stored, Kind] = {stored: Kind[stored.upper()] for stored in FORMATS}
_PIECE = 1 << 22  # numbers that are worked on at once
# By how much a number may differ once it is stored: a share of it (of its block's largest), and at least so much.
_ROUNDING = {
    Kind.F32: (0.0, 0.0),
    Kind.F16: (2.0**-11, 2.0**-25),
    Kind.BF16: (2.0**-8, 1e-38),
    Kind.Q8_0: (0.5 / 127 + 2.0**-11, 4e-6),
    # Half a step from the least to the greatest, which are no further apart than twice the largest.
    Kind.Q5_1: (1 / 31 + 3 * 2.0**-11, 4e-6),
    Kind.Q4_1: (1 / 15 + 3 * 2.0**-11, 4e-6),
}
_QUANTIZED = {TYPES[stored] for stored in FORMATS if stored.startswith("q")}
_COARSE = {TYPES[stored] for stored in COARSE}
_ENDS = ("token_embd.weight", "output.weight")


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor of the file, and where its numbers are in the model.

    Attributes:
        name: in the file.
        source: the parameter's.
        form: how the file's numbers lie in the parameter.
        heads: how many heads' rows are `paired`.
        shift: what is added to each number in the file.
    """

    name: str
    source: str
    form: Literal["plain", "transposed", "paired", "gate", "up"] = "plain"
    heads: int = 0
    shift: float = 0.0

    def view(self, parameter: torch.Tensor) -> torch.Tensor:
        """Returns the parameter's numbers in the order of the file; what is written into it is in the parameter."""
        if self.form == "transposed":
            return parameter.t()
        if self.form == "paired":
            # Half a head apart in transformers, side by side in llama.cpp.
            halves: torch.Tensor = parameter.unflatten(0, (self.heads, 2, -1))
            return halves.transpose(1, 2)
        if self.form in ("gate", "up"):
            return parameter.chunk(2, dim=1)[self.form == "up"]
        return parameter

    def shape(self, parameter: torch.Tensor) -> tuple[int, ...]:
        """Returns the file's shape, in the order of torch."""
        return tuple(parameter.shape if self.form == "paired" else self.view(parameter).shape)

    def kind(self, shape: Sequence[int], chosen: Kind) -> Kind:
        """Returns how it is stored where `chosen` is asked for; what is small or no matrix stays exact."""
        if len(shape) == 1 or self.name.startswith("position_embd") or ".ffn_gate_inp." in self.name:
            return Kind.F32
        if chosen in _QUANTIZED and shape[-1] % BLOCK:
            return Kind.F16
        return Kind.Q8_0 if chosen in _COARSE and self.name in _ENDS else chosen


class Read(NamedTuple):
    """What was read of a file besides the weights.

    Attributes:
        fields: its metadata by key.
        others: the tensors that are no weights.
        lacking: a weight that is not there, or of another shape; empty: none.
    """

    fields: dict[str, Any]
    others: dict[str, NDArray[Any]]
    lacking: str


@torch.no_grad()
def write(writer: Any, parts: Sequence[Part], model: torch.nn.Module, chosen: Kind, extra: dict[str, Numbers]) -> None:
    """Writes the weights, tensor by tensor, and leaves the model with what was stored of them.

    Args:
        writer: a `GGUFWriter` with all its metadata.
        parts: what is written.
        model: in float32 on the CPU.
        chosen: how matrices are stored.
        extra: further tensors, by name.

    Raises:
        StudioError: (export) a number cannot be stored so.
    """
    for name, numbers in extra.items():
        writer.add_tensor_info(name, numbers.shape, numbers.dtype, numbers.nbytes, raw_dtype=Kind.F32)
    for part in parts:
        parameter = model.get_parameter(part.source)
        kind, count = _bytes(part, parameter, chosen)
        writer.add_tensor_info(part.name, part.shape(parameter), np.dtype(np.float32), count, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for numbers in extra.values():
        writer.write_tensor_data(numbers)
    for part in parts:
        writer.write_tensor_data(_stored(part, model.get_parameter(part.source), chosen))


def opened(path: Path) -> Any:
    """Returns a `GGUFReader` of a file.

    Raises:
        StudioError: (export) it is no GGUF file.
    """
    try:
        return gguf.GGUFReader(path)
    except (ValueError, LookupError) as error:
        message = "Read back from the disk, the export is no sound GGUF file."
        raise StudioError("export", message, "Export it again.", str(error)) from None


@torch.no_grad()
def read(path: Path, parts: Sequence[Part], model: torch.nn.Module) -> Read:
    """Puts the weights of a file in place of the model's, all of them.

    Raises:
        StudioError: (export) it is no GGUF file.
    """
    reader = opened(path)
    lacking = ""
    held = {tensor.name: tensor for tensor in reader.tensors}
    for parameter in model.parameters():
        parameter.fill_(torch.nan)  # what the file does not hold shows
    for part in parts:
        tensor, parameter = held.pop(part.name, None), model.get_parameter(part.source)
        # The file counts a tensor's dimensions from the last.
        if tensor is None or tuple(int(n) for n in reversed(tensor.shape)) != part.shape(parameter):
            lacking = lacking or part.name
        else:
            _put(part, parameter, tensor.data, tensor.tensor_type)
    fields = {key: field.contents() for key, field in reader.fields.items()}
    # Copies, since the file is unmapped with the reader.
    return Read(fields, {name: np.array(tensor.data) for name, tensor in held.items()}, lacking)


def _bytes(part: Part, parameter: torch.Tensor, chosen: Kind) -> tuple[Kind, int]:
    shape = part.shape(parameter)
    kind = part.kind(shape, chosen)
    block, size = gguf.GGML_QUANT_SIZES[kind]
    return kind, math.prod(shape) // block * size


def _stored(part: Part, parameter: torch.Tensor, chosen: Kind) -> NDArray[Any]:
    """Returns a tensor as it is stored, and leaves the parameter with what that is worth."""
    shape = part.shape(parameter)
    kind, view = part.kind(shape, chosen), part.view(parameter)
    pieces = []
    for piece in _pieces(view):
        numbers = (piece + part.shift).reshape(-1, shape[-1]).contiguous().numpy()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            pieces.append(gguf.quants.quantize(numbers, kind))
            rounded = gguf.quants.dequantize(pieces[-1], kind)
            _require_near(part.name, numbers, rounded, kind)
        piece.copy_(torch.from_numpy(rounded).reshape(piece.shape) - part.shift)
    return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]


def _put(part: Part, parameter: torch.Tensor, stored: NDArray[Any], kind: Kind) -> None:
    rows, view = stored.reshape(-1, stored.shape[-1]), part.view(parameter)
    pieces = _pieces(view)
    first = 0
    for piece in pieces:
        count = piece.numel() * len(rows) // view.numel()
        numbers = gguf.quants.dequantize(np.array(rows[first : first + count]), kind)
        piece.copy_(torch.from_numpy(numbers).reshape(piece.shape) - part.shift)
        first += count


def _pieces(view: torch.Tensor) -> Sequence[torch.Tensor]:
    """Parts a large tensor between its rows, so that little of it is held twice."""
    count = -(-view.numel() // _PIECE)
    return view.chunk(count) if count > 1 else [view]


def _require_near(name: str, numbers: Numbers, rounded: Numbers, kind: Kind) -> None:
    """Raises a `StudioError` where a number is stored as another one than its format's nearest."""
    share, least = _ROUNDING[kind]
    largest = np.abs(numbers)
    if kind in _QUANTIZED:
        largest = np.repeat(largest.reshape(-1, BLOCK).max(1), BLOCK).reshape(numbers.shape)
    if not bool((np.abs(numbers - rounded) <= largest * share * 1.01 + least).all()):
        raise StudioError(
            "export",
            f"A number of {name} cannot be stored as {kind.name.lower()}.",
            "Choose bf16, which holds numbers of every size, or f32.",
        )
