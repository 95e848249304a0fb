"""A PEFT export that every program reads alike, and what it says of who loads it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.core import library
from studio.core.config import ModelSpec
from studio.core.library import Entry
from studio.engine import adapters, mixing
from studio.engine.export import export, proof
from studio.engine.model import load_base
from tests.engine.test_export import CPU, made
from tests.models import tiny

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny("llama", tmp_path / "base")


@pytest.fixture
def entry(base: Path, tmp_path: Path) -> Entry:
    return made(base, tmp_path / "adapter")


def applied(folder: Path) -> dict[str, torch.Tensor]:
    """The update of each linear layer as a program computes it that reads one r and one alpha, and no rsLoRA."""
    config = json.loads((folder / "adapter_config.json").read_text())
    held, scale = load_file(folder / library.WEIGHTS), config["lora_alpha"] / config["r"]
    names = [key.removesuffix(".lora_A.weight") for key in held if key.endswith(".lora_A.weight")]
    assert {len(held[f"{name}.lora_A.weight"]) for name in names} == {config["r"]}, "one rank"
    return {name: scale * held[f"{name}.lora_B.weight"] @ held[f"{name}.lora_A.weight"] for name in names}


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("llama", {"use_rslora": True}),
        (
            "llama",
            {"rank_pattern": {"q_proj": 9, "1.self_attn.v_proj": 2}, "alpha_pattern": {"v_proj": 3, "up_proj": 40}},
        ),
        ("llama", {"lora_alpha": 2.5}),
        ("llama", {"use_dora": True, "use_rslora": True, "rank_pattern": {"q_proj": 2}}),
        ("llama", {"modules_to_save": ["lm_head"], "bias": "all", "use_rslora": True}),
        ("llama", {"target_modules": ["embed_tokens", "q_proj"], "rank_pattern": {"q_proj": 2}}),
        ("gpt2", {"use_rslora": True, "rank_pattern": {"c_fc": 3}}),
    ],
    ids=["rslora", "patterns", "half alpha", "dora", "whole", "embedding", "gpt2"],
)
def test_scales_and_ranks_of_modules_are_worked_into_the_matrices(
    tmp_path: Path, family: str, settings: dict[str, Any]
) -> None:
    base = tiny(family, tmp_path / "base", **({"attention_bias": True} if family == "llama" else {}))
    entry = made(base, tmp_path / "adapter", **settings)
    done = export(entry, "peft", tmp_path / "out", base)
    assert done.folded
    assert done.proof.max_abs_difference < 1e-4 < proof.EXACT < done.proof.adapter_effect
    config = json.loads((done.path / "adapter_config.json").read_text())
    assert config["r"] == config["lora_alpha"]
    assert not any(config[key] for key in ("use_rslora", "rank_pattern", "alpha_pattern"))
    assert "worked into the matrices" in (done.path / "README.md").read_text()
    assert library.verified(library.located(str(done.path))).fault == "", "its entry is of the new weights"
    live = adapters.load_adapter(load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU), entry.folder)
    for name, update in applied(done.path).items():
        layer: Any = live.get_submodule(name)
        scale, (a, b) = layer.scaling["default"], (layer.lora_A["default"].weight, layer.lora_B["default"].weight)
        torch.testing.assert_close(update, scale * b @ a, atol=1e-6, rtol=1e-5)


def test_what_is_plain_already_keeps_its_bytes(base: Path, entry: Entry, tmp_path: Path) -> None:
    done = export(entry, "peft", tmp_path / "out", base)
    assert not done.folded
    assert (done.path / library.WEIGHTS).read_bytes() == (entry.folder / library.WEIGHTS).read_bytes()
    config = json.loads((done.path / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (4, 16)


def test_a_sum_of_adapters_is_exported_with_one_rank(base: Path, entry: Entry, tmp_path: Path) -> None:
    other = made(base, tmp_path / "other", r=2, target_modules=["q_proj"])
    mixing.mix([(entry, 0.5), (other, 1.0)], tmp_path / "sum")
    done = export(library.add(tmp_path / "sum", title="sum", base=entry.base), "peft", tmp_path / "out", base)
    assert done.folded
    assert all(update.norm() > 0 for update in applied(done.path).values())
    assert json.loads((done.path / "adapter_config.json").read_text())["r"] == 6


@pytest.mark.parametrize(
    ("settings", "vllm", "llama_cpp"),
    [
        ({}, "This folder, with `--enable-lora`", "The adapter as a GGUF file."),
        ({"r": 33, "use_rslora": True}, "This folder, with `--enable-lora --max-lora-rank 64`", ""),
        ({"use_dora": True}, "The model that the adapter is merged into. It loads no DoRA.", "It loads no DoRA."),
    ],
    ids=["plain", "rank", "dora"],
)
def test_the_card_says_who_loads_it(
    base: Path, tmp_path: Path, settings: dict[str, Any], vllm: str, llama_cpp: str
) -> None:
    done = export(made(base, tmp_path / "a", **settings), "peft", tmp_path / "out", base)
    lines = (done.path / "README.md").read_text().splitlines()
    told = {
        line.split(" | ")[0]: line for line in lines if line.startswith(("| vLLM", "| llama.cpp", "| Ollama", "| LM"))
    }
    assert f"| {vllm}" in told["| vLLM"]
    assert llama_cpp in told["| llama.cpp"]
    assert "It loads no adapters." in told["| LM Studio"]
    assert [one.program for one in done.consumers][1:] == [name.removeprefix("| ") for name in told]
