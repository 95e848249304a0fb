"""A whole model, such as a full fine-tuning's, taken out: it is what was trained, and its card says so."""

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file

from studio.core import exportable
from studio.core.errors import StudioError
from studio.core.number_formats import Stored
from studio.engine.export import export
from studio.engine.model import load_base
from tests.engine.test_export import CPU, assert_clean
from tests.models import tiny
from tests.training import config, trained


@pytest.mark.parametrize("stored", ["f32", "q8_0"])
def test_a_full_fine_tuning_becomes_one_file_too(tmp_path: Path, stored: Stored) -> None:
    whole = config(tmp_path, rows=8, num_train_epochs=1, adapter={"method": "full"})
    run = trained(whole, tmp_path / "run")
    entry = exportable.result(run)
    assert entry is not None
    done = export(entry, "gguf", tmp_path / "out", entry.folder, stored=stored)
    assert done.proof.holds
    assert done.proof.adapter_effect == 0
    assert done.proof.argmax_equal == 1 or stored == "q8_0"
    assert bool(done.proof.answers) == (stored == "q8_0")
    card = ModelCard((tmp_path / "out" / "README.md").read_text())
    assert "tags:\n- finetune-studio\n- full\n" in card.content
    assert "of which every weight was trained further" in card.text
    assert "lora" not in card.text.lower()
    base = load_base(Path(whole.model.path), whole.model, CPU)
    (file,) = (tmp_path / "out").glob("*.gguf")
    stored_norm = next(one for one in gguf.GGUFReader(file).tensors if one.name == "output_norm.weight").data
    assert not np.array_equal(stored_norm, base.get_submodule("model.norm").weight.detach().numpy()), "what was learned"
    for to in ("peft", "gguf-lora"):
        with pytest.raises(StudioError, match="test is a whole model: there is no adapter to be taken out"):
            export(entry, to, tmp_path / to, entry.folder)


def test_it_is_written_out_as_it_is_and_read_back(tmp_path: Path) -> None:
    whole = config(tmp_path, rows=8, num_train_epochs=1, adapter={"method": "full"})
    run = trained(whole, tmp_path / "run")
    entry = exportable.result(run)
    assert entry is not None
    done = export(entry, "merged", tmp_path / "out", entry.folder)
    assert (done.proof.max_abs_difference, done.proof.argmax_equal, done.proof.adapter_effect) == (0, 1, 0)
    written, held = (load_file(folder / "model.safetensors") for folder in (tmp_path / "out", entry.folder))
    assert written.keys() == held.keys()
    assert all(torch.equal(written[name], held[name]) for name in held)
    assert not (tmp_path / "out" / "entry.json").exists(), "it names this machine"
    assert "of which every weight was trained further" in (tmp_path / "out" / "README.md").read_text()
    assert_clean(tmp_path / "out", tmp_path)


def test_any_models_folder_becomes_one_file(tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "private" / "base")
    entry = exportable.find(str(base))
    assert export(entry, "gguf", tmp_path / "out", base).proof.holds
    text = (tmp_path / "out" / "README.md").read_text()
    assert "A model from a private folder. Made with" in text
    assert "Its training is not on record" in text
    assert_clean(tmp_path / "out", tmp_path)
