"""An adapter merged into its base as one GGUF file, for llama.cpp, LM Studio and Ollama."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import numpy as np

from studio.core.library import Entry
from studio.core.number_formats import Stored
from studio.core.runs import slug
from studio.engine import generate, model
from studio.engine.export import card, merged, proof
from studio.engine.export.gguf import families, ollama, tensors, vocabulary
from studio.engine.export.gguf.llamacpp import Reading
from studio.engine.export.gguf.tensors import TYPES
from studio.engine.labels import Encoder

# Of llama.cpp's own counting (`llama_ftype`).
_FILE_TYPES = {"f32": 0, "f16": 1, "q4_1": 3, "q8_0": 7, "q5_1": 9, "bf16": 32}
# What Ollama's own engine computes, which loads no adapters.
OLLAMAS_OWN = ("gemma3", "qwen3")
COMPOSED = "Letters with accents are to be written as one sign (Unicode's NFC): llama.cpp does not compose them."


def write(entry: Entry, base: Path, folder: Path, on_phase: Callable[[str], None], stored: Stored) -> proof.Proof:
    """Merges in float32 on the CPU, stores, reads back and compares weights, settings and tokens.

    Args:
        entry: the adapter.
        base: the folder of its base in full precision.
        folder: where; empty.
        on_phase: told what is done now.
        stored: the number format of the matrices.

    Raises:
        StudioError: (export) llama.cpp would not compute the same, or a number cannot be stored so.
    """
    on_phase("checking the model")
    family, encoder, tokens, _ = checked(entry, base)
    whole = merged.merge(entry, base, encoder, on_phase, answering=stored.startswith("q"))
    on_phase("writing")
    stops = generate.stop_ids(whole.model, encoder)
    told = tokens | vocabulary.ends(encoder, stops) | _settings(family, whole.model.config, stored)
    told["general.name"] = name_in_file(entry.title or entry.name, told["general.name"])
    extra = families.factors(whole.model.config)
    parts = families.parts(family, whole.model)
    path = folder / f"{slug(entry.title or entry.name)}-{stored.upper()}.gguf"
    writer = gguf.GGUFWriter(path, family.arch)
    try:
        for key, value in told.items():
            add(writer, key, value)
        tensors.write(writer, parts, whole.model, TYPES[stored], extra)
    finally:
        writer.close()
    rounded = proof.logits(whole.model, whole.texts)
    _describe(entry, encoder, path, told, stops, family.arch)

    on_phase("checking")
    read = tensors.read(path, parts, whole.model)
    again = proof.logits(whole.model, whole.texts)
    compared = proof.compare(whole.plain, whole.live, again, proof.bound(whole.live, whole.merged, rounded))
    fault = _lacking(extra, read) or difference(told, read.fields)
    text, count = ("", 0) if fault else vocabulary.difference(read.fields, encoder)
    if text:
        fault = f"it splits {text[:40]!r} into other tokens"
    same = proof.repeated(whole.model, whole.texts, whole.answers)
    return replace(compared, tokens=count, answers=len(whole.answers), answers_equal=same, fault=fault)


class Checked(NamedTuple):
    """A model that llama.cpp computes alike.

    Attributes:
        family: the model's.
        encoder: the one of the training.
        tokens: a file's fields that tell of tokens.
        parts: a file's tensors.
    """

    family: families.Family
    encoder: Encoder
    tokens: dict[str, Any]
    parts: list[tensors.Part]


def checked(entry: Entry, base: Path) -> Checked:
    """Looks at a model without loading its weights.

    Raises:
        StudioError: (export) llama.cpp would not compute the same, or split texts otherwise.
    """
    proof.stored_dtype(base)
    empty = model.skeleton(base)
    family = families.find(empty.config)
    parts = families.parts(family, empty)
    encoder = generate.encoder_for(model.load_tokenizer(base), entry)
    tokens = vocabulary.fields(encoder, int(empty.config.vocab_size))
    text, _ = vocabulary.difference(tokens, encoder)
    if text:
        raise families.refused(f"llama.cpp would split {text[:40]!r} into other tokens than the model learned")
    return Checked(family, encoder, tokens, parts)


def _settings(family: families.Family, config: Any, stored: Stored) -> dict[str, Any]:
    about = {f"{family.arch}.{key}": value for key, value in families.metadata(family, config).items()}
    return {
        "general.type": "model",
        "general.file_type": _FILE_TYPES[stored],
        "general.quantization_version": 2,
    } | about


def name_in_file(title: str, needed: str) -> str:
    """Returns the name in the file, which makes llama.cpp strip spaces where it has one of certain words."""
    plain = title.replace("\n", " ")
    if needed:
        return f"{needed} {plain}"
    return re.sub("(?i)(ph|mo)(i-?3|dern-bert)", r"\1 \2", plain)


def add(writer: Any, key: str, value: Any) -> None:
    """Adds a field to a file, in the type that llama.cpp reads a value of its kind in."""
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, value)


def difference(told: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Returns which of the fields a file was given it has otherwise, as a sentence's end; empty: none."""
    for key, value in told.items():
        # The file has the nearest number of 32 bits.
        if fields.get(key) != (float(np.float32(value)) if isinstance(value, float) else value):
            return f"its {key} is another one"
    return ""


def _lacking(extra: Mapping[str, Any], read: tensors.Read) -> str:
    """Returns what of a file's tensors is otherwise than it should be, besides the numbers; empty: nothing."""
    if read.lacking:
        return f"it lacks {read.lacking}"
    if extra.keys() != read.others.keys() or any(not np.array_equal(extra[name], read.others[name]) for name in extra):
        return "it holds other tensors"
    return ""


def _describe(
    entry: Entry, encoder: Encoder, path: Path, told: Mapping[str, Any], stops: Sequence[int], arch: str
) -> None:
    """Writes the Modelfile and the model card beside the file."""
    template, notes = ollama.go_template(encoder, told["tokenizer.ggml.add_bos_token"])

    def known(ids: Iterable[int]) -> list[str]:
        return [encoder.tokenizer.decode([at]) for at in ids]

    made = ollama.modelfile([f"FROM ./{path.name}"], template, known(stops), entry.system)
    (path.parent / "Modelfile").write_text(made, encoding="utf-8", newline="\n")
    ends = Reading(told).ends()
    if more := sorted(known(sorted(ends - {*stops}))):
        notes.append(f"llama.cpp also ends an answer at {', '.join(f'`{token}`' for token in more)}.")
    if fewer := sorted(known(sorted({*stops} - ends))):
        notes.append(
            f"llama.cpp does not end an answer at {', '.join(f'`{token}`' for token in fewer)}; name it there."
        )
    if vocabulary.composes(encoder):
        notes.append(COMPOSED)
    if arch in OLLAMAS_OWN:
        notes.append(
            "Ollama computes models of this family by itself, not by llama.cpp, as which the file was compared."
        )
    text = card.of(entry, "gguf", file=path.name, notes=notes)
    (path.parent / "README.md").write_text(text, encoding="utf-8")
