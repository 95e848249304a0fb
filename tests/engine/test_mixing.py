"""Adapters added up: the sum is what PEFT computes of it, 1 is the adapter itself, and what is no sum is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.core import library
from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.core.library import Base, Entry
from studio.engine import adapters, mixing, updates
from studio.engine.model import load_base
from tests.desks import random_adapter
from tests.models import tiny


def base_of(model: Path) -> Any:
    return load_base(model, ModelSpec(path=str(model), dtype="float32"), torch.device("cpu"))


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(input_ids=torch.arange(5, 25)[None]).logits
        return found


def entry(model: Path, folder: Path, seed: int, **settings: Any) -> Entry:
    made = random_adapter(model, folder / f"{seed}", seed, **settings)
    return library.add(made, title=f"a{seed}", base=Base(path=str(model), fingerprint="same"))


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2"])
def test_the_sum_is_what_peft_computes_of_it(family: str, tmp_path: Path) -> None:
    model = tiny(family, tmp_path / family)
    one = entry(model, tmp_path, 1, r=4, lora_alpha=16)
    # Another rank, other modules and another scaling.
    names = ["c_attn"] if family == "gpt2" else ["q_proj", "down_proj"]
    two = entry(model, tmp_path, 2, r=6, lora_alpha=3, use_rslora=True, target_modules=names)
    weights = (0.7, -0.4)
    mixing.mix(list(zip((one, two), weights, strict=True)), tmp_path / "mix")
    mixed = logits(adapters.load_adapter(base_of(model), tmp_path / "mix", "default"))
    with torch.no_grad():
        plain = base_of(model)
        for part, weight in zip((one, two), weights, strict=True):
            alone: Any = adapters.load_adapter(base_of(model), part.folder, "default")
            for name, module in alone.base_model.model.named_modules():
                if hasattr(module, "lora_A") and len(module.lora_A):
                    plain.get_submodule(name).weight += weight * module.get_delta_weight("default")
    torch.testing.assert_close(mixed, logits(plain), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(mixed, logits(base_of(model)), atol=1e-2), "it does something"
    ranks = {name: part.rank for name, part in updates.trained_of(tmp_path / "mix").items()}
    assert set(ranks.values()) == {4, 10}


def test_weight_one_is_the_adapter_and_smaller_ones_come_near_the_base(tmp_path: Path) -> None:
    model = tiny("llama", tmp_path / "llama")
    one = entry(model, tmp_path, 1)
    plain = logits(base_of(model))
    own = logits(adapters.load_adapter(base_of(model), one.folder, "default"))
    apart = []
    for weight in (1.0, 0.5, 0.01):
        mixing.mix([(one, weight)], tmp_path / f"{weight}")
        found = logits(adapters.load_adapter(base_of(model), tmp_path / f"{weight}", "default"))
        apart.append(float((found - plain).abs().max()))
        if weight == 1:
            torch.testing.assert_close(found, own, rtol=1e-4, atol=1e-4)
    assert apart[2] < apart[0] / 5
    # What it is mixed with 0 of is left out.
    mixing.mix([(one, 1.0), (entry(model, tmp_path, 2), 0.0)], tmp_path / "alone")
    assert {part.rank for part in updates.trained_of(tmp_path / "alone").values()} == {4}


def test_an_embeddings_adapter_is_added_up_too(tmp_path: Path) -> None:
    model = tiny("llama", tmp_path / "llama")
    parts = [(entry(model, tmp_path, n, target_modules=["embed_tokens", "q_proj"]), w) for n, w in ((1, 0.5), (2, 2.0))]
    mixing.mix(parts, tmp_path / "mix")
    held = [updates.trained_of(part.folder) for part, _ in parts]
    for name, mixed in updates.trained_of(tmp_path / "mix").items():
        a, b = mixed.factors()
        expected = sum(
            w * (own[name].factors()[1] @ own[name].factors()[0]) for own, (_, w) in zip(held, parts, strict=True)
        )
        assert abs(b @ a - expected).max() < 1e-5
    assert logits(adapters.load_adapter(base_of(model), tmp_path / "mix", "default")).isfinite().all()


def test_what_is_no_sum_is_refused(tmp_path: Path) -> None:
    model = tiny("llama", tmp_path / "llama")
    plain = entry(model, tmp_path, 1)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"use_dora": True}, "is a DoRA"),
        ({"modules_to_save": ["lm_head"]}, "trained whole"),
    ]
    for number, (settings, words) in enumerate(refused, start=2):
        other = entry(model, tmp_path, number, **settings)
        with pytest.raises(StudioError, match=words) as caught:
            mixing.mix([(plain, 1.0), (other, 1.0)], tmp_path / "mix")
        assert other.name in caught.value.message
    with pytest.raises(StudioError, match="Every weight is 0"):
        mixing.mix([(plain, 0.0)], tmp_path / "mix")
    for base in (Base(path=str(model), fingerprint="another"), Base(path="org/another")):
        with pytest.raises(StudioError, match="different base models"):
            mixing.mix([(plain, 1.0), (replace(plain, base=base), 1.0)], tmp_path / "mix")
    assert not (tmp_path / "mix").exists()
    mixing.mix([(plain, 1.0), (replace(plain, base=Base(path=str(model))), 1.0)], tmp_path / "named")
    large = [(entry(model, tmp_path, n, r=400), 1.0) for n in (7, 8, 9)]
    with pytest.raises(StudioError, match="come to 1,200"):
        mixing.mix(large, tmp_path / "mix")
    assert not (tmp_path / "mix").exists()
