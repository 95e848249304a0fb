"""An adapter as a PEFT folder of its own: no path of this machine in it, a model card, tokenizer and template.

Its weights are the very bytes of the library's, unless programs would read them in different ways (see `plain`).
"""

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import save_file

from studio.core import cache, library
from studio.core.consumers import consumers, traits
from studio.core.entry import write_entry
from studio.core.library import Entry
from studio.engine import adapters, generate, model, vetting
from studio.engine.export import card, plain, proof

_FOLDED = (
    "Scales and ranks of single modules were worked into the matrices, so that every program reads them alike; it "
    "computes the same."
)


def write(entry: Entry, base: Path, folder: Path, on_phase: Callable[[str], None]) -> proof.Proof:
    """Writes the PEFT folder and compares it, loaded with PEFT's own loader, with the live adapter.

    Args:
        entry: the adapter.
        base: the folder of its base.
        folder: where; empty.
        on_phase: told what is done now.
    """
    on_phase("writing")
    config = vetting.check_adapter(entry.folder)
    odd = traits(config).uneven
    if odd:
        tensors, config = plain.folded(entry.folder)
        save_file(tensors, folder / library.WEIGHTS, {"format": "pt"})
    else:
        shutil.copyfile(entry.folder / library.WEIGHTS, folder / library.WEIGHTS)
    known = card.hub_id(entry.base.path)
    config |= {"base_model_name_or_path": known, "inference_mode": True}
    config["revision"] = entry.base.revision if known else None
    (folder / library.PEFT_CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")
    tokenizer = model.load_tokenizer(base)
    encoder = generate.encoder_for(tokenizer, entry)
    card.save_tokenizer(tokenizer, encoder.template, folder)
    write_entry(_public(entry, folder))

    on_phase("checking")
    texts, spec, cpu = proof.prompts(encoder), proof.spec(base), torch.device("cpu")
    bare = model.load_base(base, spec, cpu)
    text = card.of(
        entry,
        "peft",
        stops=generate.missed_stop_ids(bare, encoder),
        notes=[_FOLDED] if odd else [],
        loaders=consumers(traits(config)),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    alone = proof.logits(bare, texts)
    live = proof.logits(adapters.load_adapter(bare, entry.folder, "default"), texts)
    del bare
    with warnings.catch_warnings():
        # PEFT asks transformers by a name that is going out of use.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        again = PeftModel.from_pretrained(model.load_base(base, spec, cpu), folder)
    return proof.compare(alone, live, proof.logits(again, texts), allowed=proof.EXACT if odd else 1e-5)


def _public(entry: Entry, folder: Path) -> Entry:
    """Returns what another library may know of an adapter: nothing of this machine, nor notes and tags."""
    named = entry.base.path if entry.base.path == "demo" else card.hub_id(entry.base.path)
    base = replace(entry.base, path=named or "", revision=entry.base.revision if named else None)
    return Entry(
        name="",
        folder=folder,
        title=entry.title,
        created_s=entry.created_s,
        base=base,
        data=replace(entry.data, path=""),
        metrics=entry.metrics,
        sha256=cache.sha256(folder / library.WEIGHTS),
        weights_bytes=(folder / library.WEIGHTS).stat().st_size,
    )
