"""An adapter merged into its base, or a model that was trained whole: for programs that know nothing of adapters."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import PreTrainedModel

from studio.core import library
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.engine import adapters, generate, model, vetting, weights
from studio.engine.export import card, proof
from studio.engine.labels import Encoder


class Merged(NamedTuple):
    """A merged model, and what it was made of had to say about the texts of the proof.

    Attributes:
        model: in float32 on the CPU, without an adapter.
        texts: token ids.
        plain: logits of the base alone, as (T, V) each.
        live: of the base with the adapter.
        merged: of `model`.
        answers: the likeliest tokens behind `texts`, if they were asked for.
    """

    model: PreTrainedModel
    texts: list[list[int]]
    plain: list[torch.Tensor]
    live: list[torch.Tensor]
    merged: list[torch.Tensor]
    answers: list[list[int]]


def write(entry: Entry, base: Path, folder: Path, on_phase: Callable[[str], None]) -> proof.Proof:
    """Merges in float32 on the CPU, stores in the base's own number format, reloads and compares.

    Args:
        entry: the adapter; or a whole model, which is its own base.
        base: the folder of its base in full precision.
        folder: where; empty.
        on_phase: told what is done now.
    """
    stored = proof.stored_dtype(base)
    tokenizer = model.load_tokenizer(base)
    encoder = generate.encoder_for(tokenizer, entry)
    whole, texts, plain, live, merged, _ = merge(entry, base, encoder, on_phase)
    on_phase("writing")
    _cast(whole, stored)
    save(whole, encoder, folder)
    _cast(whole, torch.float32)
    rounded = proof.logits(whole, texts)
    card.save_tokenizer(tokenizer, encoder.template, folder)
    (folder / "README.md").write_text(card.of(entry, "merged"), encoding="utf-8")
    del whole

    on_phase("checking")
    again = proof.logits(model.load_base(folder, proof.spec(base), torch.device("cpu")), texts)
    return proof.compare(plain, live, again, proof.bound(live, merged, rounded))


def merge(
    entry: Entry, base: Path, encoder: Encoder, on_phase: Callable[[str], None], answering: bool = False
) -> Merged:
    """Merges an adapter into its base in float32 on the CPU.

    Args:
        entry: the adapter; of a whole model, which is its own base, nothing is merged.
        base: the folder of its base in full precision.
        encoder: the one of the training.
        on_phase: told what is done now.
        answering: have the live adapter answer the texts too.

    Raises:
        StudioError: (export) it cannot be merged; (memory) the base does not fit; (adapter), (model) refused.
    """
    on_phase("loading")
    texts = proof.prompts(encoder)
    bare = model.load_base(base, proof.spec(base), torch.device("cpu"))
    plain = proof.logits(bare, texts)
    if entry.is_model:
        answers = proof.answers(bare, texts, generate.stop_ids(bare, encoder)) if answering else []
        return Merged(bare, texts, plain, plain, plain, answers)
    _untie(bare, entry.folder)
    together = adapters.load_adapter(bare, entry.folder, "default")
    live = proof.logits(together, texts)
    answers = proof.answers(together, texts, generate.stop_ids(together, encoder)) if answering else []
    on_phase("merging")
    try:
        whole = together.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise StudioError(
            "export", f"The adapter {entry.name} cannot be merged.", "Export it with --to peft instead.", str(error)
        ) from None
    return Merged(whole, texts, plain, live, proof.logits(whole, texts), answers)


def _cast(whole: PreTrainedModel, dtype: torch.dtype) -> None:
    """Casts the weights alone: what a model computes for itself, such as rotary frequencies, stays exact."""
    for parameter in whole.parameters():
        parameter.data = parameter.data.to(dtype)


def save(whole: PreTrainedModel, encoder: Encoder, folder: Path) -> None:
    """Saves a whole model, whose own file tells other programs to end answers where this one does."""
    settings = whole.generation_config
    if settings is not None:
        if (stops := generate.missed_stop_ids(whole, encoder)) is not None:
            settings.eos_token_id = stops
        try:
            settings.validate(strict=True)
        except ValueError:
            # Many published models sample by their numbers and not by their switch; such a file cannot be saved.
            settings.do_sample = True
    whole.save_pretrained(folder)
    # Others read a file of weights as they do all else there.
    for file in folder.glob("*.safetensors"):
        file.chmod((folder / "config.json").stat().st_mode)


def _untie(bare: PreTrainedModel, adapter: Path) -> None:
    """Gives the output layer weights of its own if the adapter changes it or the embedding it is shared with.

    Merged into shared weights, a change of the one would change the other too.
    """
    inner, outer = bare.get_input_embeddings(), bare.get_output_embeddings()
    if inner is None or outer is None or inner.weight is not outer.weight:
        return
    if vetting.check_adapter(adapter).get("ensure_weight_tying"):
        return  # this one changes both alike
    names = {name for name, module in bare.named_modules() if module is inner or module is outer}
    changed = weights.header(adapter / library.WEIGHTS, "adapter")
    if any(f".{name}." in key for name in names for key in changed):
        outer.weight = torch.nn.Parameter(outer.weight.detach().clone())
        bare.config.tie_word_embeddings = False
