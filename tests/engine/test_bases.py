"""Which adapters share a base: those that answer the same in company as alone."""

import contextlib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.engine import adapters, bases
from studio.engine.model import load_base
from tests.desks import random_adapter
from tests.models import tiny

CPU = torch.device("cpu")
IDS = torch.tensor([[1, 40, 41, 42, 43, 2]])
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"target_modules": ["q_proj", "gate_proj"]},
    "lora on embedding": {"target_modules": ["q_proj", "embed_tokens"]},
    "embedding": {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
    "embedding too": {"target_modules": ["v_proj"], "modules_to_save": ["embed_tokens"]},
    "head": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "block": {"target_modules": ["v_proj"], "modules_to_save": ["mlp"]},
    "biases": {"bias": "all"},
}


def logits(model: Any, name: str | None) -> torch.Tensor:
    with torch.no_grad(), model.disable_adapter() if name is None else contextlib.nullcontext():
        if name is not None:
            model.set_adapter(name)
        found: torch.Tensor = model(input_ids=IDS).logits
        return found


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True` and:UserWarning")
def test_what_shares_a_base_answers_as_alone(tmp_path: Path, tied: bool) -> None:
    base = tiny("llama", tmp_path / "base", tie_word_embeddings=tied, attention_bias=True)
    kinds = {name: kind for name, kind in KINDS.items() if not tied or "lora on" not in name}
    folders = {name: random_adapter(base, tmp_path / name, at, **kind) for at, (name, kind) in enumerate(kinds.items())}
    reaches = {name: bases.reach(folder) for name, folder in folders.items()}

    def held(*names: str) -> Any:
        model: Any = load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU)
        for name in names:
            model = adapters.load_adapter(model, folders[name], name)
        return model

    with torch.no_grad():
        alone: dict[str | None, torch.Tensor] = {None: held()(input_ids=IDS).logits}
    alone |= {name: logits(held(name), name) for name in folders}
    for one, other in combinations(folders, 2):
        if bases.shareable(reaches[one], reaches[other]):
            model = held(one, other)
            for name in (None, one, other):
                assert torch.allclose(logits(model, name), alone[name], atol=1e-5), (one, other, name)
    names = list(folders)
    found = bases.groups([bases.reach(None), *reaches.values()])
    together = [{"base" if at == 0 else names[at - 1] for at in group} for group in found]
    assert {"base", "plain"} < together[0]
    assert {"biases"} in together
    assert any({"embedding", "embedding too"} <= group for group in together) != tied, "PEFT loses a tied copy"


def test_one_that_has_no_room_is_refused_and_leaves_the_others_alone(tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "base")
    folders = [random_adapter(base, tmp_path / name, 1, **KINDS[name]) for name in ("block", "plain")]
    model = adapters.load_adapter(load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU), folders[0], "one")
    before = logits(model, None), logits(model, "one")
    with pytest.raises(StudioError, match="does not fit beside another adapter") as caught:
        adapters.load_adapter(model, folders[1], "two")
    assert caught.value.reason == "adapter"
    assert all(torch.equal(logits(model, name), was) for name, was in zip((None, "one"), before, strict=True))
