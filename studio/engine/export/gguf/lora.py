"""A LoRA adapter as a GGUF file of its own, for `llama-cli --lora` and an `ADAPTER` line of Ollama's.

The base is a file beside it, whatever its number format. llama.cpp adds alpha / r B A to the weight that a pair of
tensors NAME.lora_a, NAME.lora_b is named after, in the order its own rows have: those of Llama's queries and keys are
turned together in pairs side by side. The program's converter writes one alpha for all and overlooks rsLoRA; here every
scale is in B, and alpha is r.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from transformers import PreTrainedModel

from studio.core import consumers
from studio.core.entry import TEMPLATE
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.runs import slug
from studio.engine import adapters, generate, model, updates, vetting
from studio.engine.export import card, plain, proof
from studio.engine.export.gguf import (
    COMPOSED,
    OLLAMAS_OWN,
    Checked,
    add,
    checked,
    difference,
    name_in_file,
    ollama,
    vocabulary,
)
from studio.engine.export.gguf.families import refused
from studio.engine.export.gguf.tensors import Numbers, Part, opened
from studio.engine.updates import Trained

_HERE = "# Put the base here: a GGUF file of it, or its name in Ollama."
_EMBEDDING = "token_embd.weight"


def write(entry: Entry, base: Path, folder: Path, on_phase: Callable[[str], None]) -> proof.Proof:
    """Writes the file and compares its base with what the file adds to it with the live adapter.

    Args:
        entry: the adapter.
        base: the folder of its base in full precision.
        folder: where; empty.
        on_phase: told what is done now.

    Raises:
        StudioError: (export) such a file cannot hold this adapter, or llama.cpp computes the model otherwise.
    """
    on_phase("checking the model")
    traits = consumers.traits(vetting.check_adapter(entry.folder))
    _require_pairs(traits)
    trained = updates.trained_of(entry.folder)
    # Whatever the config says.
    _require_pairs(replace(traits, whole=any("whole" in part.held for part in trained.values())))
    known = checked(entry, base)
    parts = _parts(known, trained)

    on_phase("writing")
    path = folder / f"{slug(entry.title or entry.name)}-LoRA.gguf"
    told = _fields(entry, plain.largest_rank(trained))
    _write(path, known.family.arch, told, parts, trained)

    on_phase("checking")
    texts, cpu = proof.prompts(known.encoder), torch.device("cpu")
    bare = model.load_base(base, proof.spec(base), cpu)
    stops = [known.encoder.tokenizer.decode([at]) for at in generate.stop_ids(bare, known.encoder)]
    _describe(entry, known, path, stops)
    alone = proof.logits(bare, texts)
    together = adapters.load_adapter(bare, entry.folder, "default")
    live, whole = proof.logits(together, texts), together.unload()
    fields, fault = add_to(whole, path, parts)
    fault = fault or difference(told | {"general.architecture": known.family.arch}, fields)
    return replace(proof.compare(alone, live, proof.logits(whole, texts), proof.EXACT), fault=fault)


@torch.no_grad()
def add_to(whole: PreTrainedModel, path: Path, parts: Sequence[Part]) -> tuple[dict[str, Any], str]:
    """Adds a file's pairs to the weights they are named after, as llama.cpp does.

    Where rows of a head of width D lie in pairs, row 2 i + k of the file is row i + k D / 2 of the model.

    Returns:
        The file's fields, and what is wrong with its tensors, as a sentence's end; empty: nothing.

    Raises:
        StudioError: (export) it is no GGUF file.
    """
    reader = opened(path)
    fields = {key: field.contents() for key, field in reader.fields.items()}
    held = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    if held.keys() != {f"{part.name}.lora_{which}" for part in parts for which in "ab"}:
        return fields, "it holds other tensors"
    for part in parts:
        a, b = (torch.from_numpy(held[f"{part.name}.lora_{which}"]) for which in "ab")
        parameter = whole.get_parameter(part.source)
        if part.name == _EMBEDDING:
            # Rows of A are looked up by token, and B is not turned.
            a, b = b.T, a
        change = float(fields.get("adapter.lora.alpha", math.nan)) / b.shape[1] * (b @ a)
        if part.form == "paired":
            width = len(change) // part.heads
            row = torch.arange(len(change))
            inside = row % width
            change[row - inside + inside // 2 + inside % 2 * (width // 2)] = change.clone()
        parameter += change.T if part.form == "transposed" else change
    return fields, ""


def _require_pairs(traits: consumers.Traits) -> None:
    if problem := consumers.problem(traits):
        message = f"llama.cpp cannot load this adapter as a file of its own. {problem}"
        if traits.parameters:
            message = "Experts are not written to a file of their own."
        raise StudioError("export", message, "Export it merged, which is one file too (--to gguf).")


def _parts(known: Checked, trained: Iterable[str]) -> list[Part]:
    """Returns the tensors that the adapter is on, in the adapter's order."""
    by_source, found = {part.source: part for part in known.parts}, []
    tied = all(part.name != "output.weight" for part in known.parts)
    for name in trained:
        part = by_source.get(f"{name}.weight")
        if part is None:
            raise refused(f"llama.cpp has no weight of its own for {name}")
        if part.name == _EMBEDDING and tied:
            raise refused("its embedding is its output layer too, and llama.cpp would put the adapter on both")
        found.append(part)
    return found


def _fields(entry: Entry, rank: int) -> dict[str, Any]:
    return {
        "general.type": "adapter",
        "general.name": name_in_file(entry.title or entry.name, ""),
        "general.file_type": 0,
        "adapter.type": "lora",
        "adapter.lora.alpha": float(rank),
    }


def _write(path: Path, arch: str, told: dict[str, Any], parts: Sequence[Part], trained: dict[str, Trained]) -> None:
    writer = gguf.GGUFWriter(path, arch)
    try:
        for key, value in told.items():
            add(writer, key, value)
        for part in parts:
            for which, numbers in zip("ab", _pair(part, trained), strict=True):
                writer.add_tensor(f"{part.name}.lora_{which}", np.ascontiguousarray(numbers))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _pair(part: Part, trained: dict[str, Trained]) -> tuple[Numbers, Numbers]:
    """Returns A and B as the file has them, (r, in) and (out, r); of an embedding (vocabulary, r) and (D, r)."""
    a, b = plain.factors(trained[part.source.removesuffix(".weight")], plain.largest_rank(trained))
    if part.name == _EMBEDDING:
        return b, a.T
    if part.form == "paired":
        b = part.view(torch.from_numpy(b)).reshape(b.shape).numpy()
    return a, b


def _describe(entry: Entry, known: Checked, path: Path, stops: Sequence[str]) -> None:
    """Writes Modelfile, chat template and model card beside the file."""
    template, notes = ollama.go_template(known.encoder, known.tokens["tokenizer.ggml.add_bos_token"])
    if known.family.arch in OLLAMAS_OWN:
        notes = ["Ollama loads no adapters for models of this family: export a merged file for it (--to gguf)."]
    else:
        made = ollama.modelfile([_HERE, "FROM ./BASE.gguf", f"ADAPTER ./{path.name}"], template, stops, entry.system)
        (path.parent / "Modelfile").write_text(made, encoding="utf-8", newline="\n")
    if known.encoder.template is not None:
        (path.parent / TEMPLATE).write_text(known.encoder.template, encoding="utf-8", newline="\n")
    if vocabulary.composes(known.encoder):
        notes.append(COMPOSED)
    text = card.of(entry, "gguf-lora", file=path.name, notes=notes)
    (path.parent / "README.md").write_text(text, encoding="utf-8")
