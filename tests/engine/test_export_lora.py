"""Adapters as GGUF files: what the file adds to its base is what the live adapter does, however a model is laid out."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from huggingface_hub import ModelCard

from studio.core.errors import StudioError
from studio.engine import adapters
from studio.engine.export import export, proof
from studio.engine.model import load_base
from tests.engine.test_export import CPU, assert_clean, made, made_elsewhere
from tests.engine.test_export_gguf import FAMILIES, file_in
from tests.models import tiny

ENDS = (".lora_a", ".lora_b")


def held(folder: Path) -> dict[str, Any]:
    return {item.name: np.array(item.data) for item in gguf.GGUFReader(file_in(folder)).tensors}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_familys_file_adds_what_the_adapter_does(family: str, tmp_path: Path) -> None:
    base = tiny(family.partition(" ")[0], tmp_path / "base", **FAMILIES[family])
    done = export(made(base, tmp_path / "adapter"), "gguf-lora", tmp_path / "out", base)
    assert done.proof.max_abs_difference < 1e-4 < proof.EXACT < done.proof.adapter_effect / 100
    read = gguf.GGUFReader(file_in(done.path))
    fields = {key: read.fields[key].contents() for key in ("general.type", "adapter.type", "adapter.lora.alpha")}
    assert fields == {"general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": 4.0}
    assert {item.tensor_type.name for item in read.tensors} == {"F32"}
    assert all(item.name.endswith(ENDS) for item in read.tensors)


@pytest.mark.parametrize(
    ("settings", "alpha"),
    [
        ({"use_rslora": True}, 4),
        ({"rank_pattern": {"q_proj": 6, "up_proj": 2}, "alpha_pattern": {"v_proj": 3}}, 6),
        ({"target_modules": ["lm_head", "q_proj"]}, 4),
        ({"target_modules": ["embed_tokens", "k_proj"], "rank_pattern": {"k_proj": 2}}, 4),
    ],
    ids=["rslora", "patterns", "head", "embedding"],
)
def test_scales_are_in_the_file_and_alpha_is_the_rank(tmp_path: Path, settings: dict[str, Any], alpha: int) -> None:
    base = tiny("llama", tmp_path / "base")
    done = export(made(base, tmp_path / "adapter", **settings), "gguf-lora", tmp_path / "out", base)
    assert done.proof.max_abs_difference < 1e-4 < done.proof.adapter_effect
    assert gguf.GGUFReader(file_in(done.path)).fields["adapter.lora.alpha"].contents() == alpha
    for name, numbers in held(done.path).items():
        embedding = name.startswith("token_embd")
        assert numbers.shape[0 if name.endswith("a") and not embedding else 1] == alpha


def test_rows_that_are_turned_together_are_side_by_side(tmp_path: Path) -> None:
    """As llama.cpp's converter orders them: of a head of eight rows 0 4 1 5 2 6 3 7; those of values stay."""
    base = tiny("llama", tmp_path / "base")
    entry = made(base, tmp_path / "adapter", lora_alpha=4)
    found = held(export(entry, "gguf-lora", tmp_path / "out", base).path)
    live = adapters.load_adapter(load_base(base, proof.spec(base), CPU), entry.folder)
    attention: Any = live.get_submodule("base_model.model.model.layers.1.self_attn")
    rows = [8 * head + row for head in range(4) for row in (0, 4, 1, 5, 2, 6, 3, 7)]
    for name, module, order in (("q", attention.q_proj, rows), ("v", attention.v_proj, list(range(16)))):
        np.testing.assert_array_equal(
            found[f"blk.1.attn_{name}.weight.lora_b"], module.lora_B["default"].weight.detach().numpy()[order]
        )
        np.testing.assert_array_equal(
            found[f"blk.1.attn_{name}.weight.lora_a"], module.lora_A["default"].weight.detach().numpy()
        )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "It loads no DoRA."),
        ({"modules_to_save": ["lm_head"]}, "It loads no modules trained whole."),
        ({"bias": "all"}, "It loads no trained biases."),
    ],
    ids=["dora", "whole", "bias"],
)
def test_what_llama_cpp_loads_merged_alone_is_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    base = tiny("llama", tmp_path / "base", attention_bias=True)
    with pytest.raises(StudioError, match=said) as error:
        export(made(base, tmp_path / "adapter", **settings), "gguf-lora", tmp_path / "out", base)
    assert error.value.reason == "export"
    assert "--to gguf" in error.value.hint
    assert list(tmp_path.glob("*out*")) == []


def test_a_whole_weight_that_the_config_says_nothing_of_is_refused_too(tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "base")
    entry = made(base, tmp_path / "adapter", modules_to_save=["lm_head"])
    file = entry.folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"modules_to_save": None}))
    with pytest.raises(StudioError, match="It loads no modules trained whole"):
        export(entry, "gguf-lora", tmp_path / "out", base)


@pytest.mark.parametrize(("name", "said"), [("lm_head", "no weight of its own"), ("embed_tokens", "on both")])
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True` and:UserWarning")
def test_ends_that_share_a_weight_are_refused(tmp_path: Path, name: str, said: str) -> None:
    base = tiny("llama", tmp_path / "base", tie_word_embeddings=True)
    entry = made_elsewhere(base, tmp_path / "adapter", target_modules=[name, "q_proj"])
    with pytest.raises(StudioError, match=said):
        export(entry, "gguf-lora", tmp_path / "out", base)


@pytest.mark.parametrize("what", ["weights", "alpha", "tensor", "head"])
def test_a_file_that_changes_on_the_disk_fails_the_proof(tmp_path: Path, what: str) -> None:
    base = tiny("llama", tmp_path / "base")
    entry = made(base, tmp_path / "adapter")

    def on_phase(name: str) -> None:
        if name != "checking":
            return
        path = file_in(next(tmp_path.glob(".out-*")))
        data = path.read_bytes()
        changed = {
            "weights": data[:-640] + bytes(640),
            "alpha": data.replace(np.float32(4).tobytes(), np.float32(8).tobytes(), 1),
            "tensor": data.replace(b"blk.1.ffn_up.weight", b"blk.1.ffn_un.weight", 1),
            "head": b"PUFF" + data[4:],
        }[what]
        assert changed != data
        path.write_bytes(changed)

    said = {"weights": "logits are off", "alpha": "lora.alpha", "tensor": "other tensors", "head": "no sound GGUF"}
    with pytest.raises(StudioError, match=said[what]):
        export(entry, "gguf-lora", tmp_path / "out", base, on_phase)
    assert not (tmp_path / "out").exists()


def test_the_folder_says_how_it_is_run(tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "private" / "base")
    done = export(made(base, tmp_path / "private" / "adapter"), "gguf-lora", tmp_path / "out", base)
    name = "My-b-support-b-desk-LoRA.gguf"
    assert done.files == ["Modelfile", name, "README.md", "chat_template.jinja"]
    card = ModelCard.load(done.path / "README.md")
    assert (card.data.to_dict()["library_name"], "lora" in card.data.to_dict()["tags"]) == ("gguf", True)
    assert f"llama-server -m BASE.gguf --lora {name}" in card.text
    told = (done.path / "Modelfile").read_text()
    assert f"\nFROM ./BASE.gguf\nADAPTER ./{name}\nTEMPLATE" in told
    assert 'PARAMETER stop "<|im_end|>"' in told
    assert_clean(done.path, tmp_path / "private")


def test_no_modelfile_is_written_where_ollama_loads_no_adapters(tmp_path: Path) -> None:
    base = tiny("qwen3", tmp_path / "base")
    done = export(made(base, tmp_path / "adapter"), "gguf-lora", tmp_path / "out", base)
    assert "Modelfile" not in done.files
    assert "Ollama loads no adapters for models of this family" in (done.path / "README.md").read_text()
