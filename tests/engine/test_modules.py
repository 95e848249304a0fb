"""The arithmetic of adapters equals what PEFT really makes, for every family and every way of choosing modules."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from peft import PeftModel, get_peft_model_state_dict
from peft.tuners.lora.layer import LoraLayer

from studio.core import modules
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.modules import Tree
from studio.engine import adapters, targets
from studio.engine.model import skeleton
from tests.models import FAMILIES, random_model, tiny

T = TypeVar("T")

_ATTENTION = {"gpt2": "c_attn", "gpt_neox": "query_key_value", "phi3": "qkv_proj"}
_SPECS: dict[str, dict[str, Any]] = {
    "lora": {"r": 6},
    "dora": {"r": 4, "use_dora": True},
    "rslora": {"r": 16, "use_rslora": True, "lora_alpha": 8},
    "pissa": {"r": 6, "init_lora_weights": "pissa", "use_dora": True, "alpha_pattern": {"ATTENTION": 9.0}},
    "olora": {"r": 6, "init_lora_weights": "olora", "use_rslora": True, "rank_pattern": {"ATTENTION": 2}},
    "one": {"target_modules": ["ATTENTION"], "bias": "lora_only"},
    "biases": {"bias": "all"},
    "pattern": {"r": 4, "rank_pattern": {"ATTENTION": 9, r".*\.1\..*": 2}, "alpha_pattern": {"ATTENTION": 90.0}},
    "expression": {"target_modules": r".*\.0\..*", "exclude_modules": ["ATTENTION"]},
    "layers": {"layers_to_transform": "1", "use_dora": True},
    "head": {"target_modules": ["ATTENTION", "HEAD"], "use_dora": True},
    "embedding": {"target_modules": ["ATTENTION", "EMBEDDING"], "use_dora": False, "r": 3},
    "saved": {"modules_to_save": ["HEAD"], "bias": "all"},
    "both": {"modules_to_save": ["HEAD", "EMBEDDING"], "use_dora": True},
    "layer": {"modules_to_save": ["LAYER"], "bias": "all"},
    "full": {"method": "full"},
}


def spec_for(tree: Tree, family: str, settings: dict[str, Any]) -> AdapterSpec:
    """Fills in the model's own names."""
    embedding = next(module.name for module in tree.modules if module.kind == "embedding")
    layer = next(module.name for module in tree.modules if module.name.endswith(".1"))
    names = {"ATTENTION": _ATTENTION.get(family, "q_proj"), "HEAD": tree.head, "EMBEDDING": embedding, "LAYER": layer}

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [names.get(item, item) for item in value]
        return {names.get(key, key): item for key, item in value.items()} if isinstance(value, dict) else value

    return AdapterSpec(**{key: named(value) for key, value in settings.items()})


def outcome(make: Callable[[], T]) -> T | str:
    """Returns what `make` returns, or the sentence it fails with."""
    try:
        return make()
    except StudioError as error:
        return error.message


@pytest.mark.parametrize("tied", [False, True], ids=["apart", "tied"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_count_is_pefts(family: str, tied: bool, tmp_path: Path) -> None:
    folder = tiny(family, tmp_path, tie_word_embeddings=tied)
    tree = targets.tree(skeleton(folder))
    assert Tree.from_dict(tree.to_dict()) == tree
    assert tree.parameters == random_model(family, tie_word_embeddings=tied).num_parameters()
    compared = 0
    for name, settings in _SPECS.items():
        spec = spec_for(tree, family, settings)
        made = outcome(partial(adapters.attach, skeleton(folder), spec))
        counted = outcome(partial(modules.count, tree, spec))
        if isinstance(made, str) or isinstance(counted, str):
            assert made == counted, name
            continue
        assert (counted.trainable, counted.total) == adapters.count(made), name
        compared += 1
        if isinstance(made, PeftModel):
            written = get_peft_model_state_dict(made, save_embedding_layers=False)
            assert counted.adapter_bytes == 4 * sum(value.numel() for value in written.values()), name
            factors = [module.scaling["default"] for module in made.modules() if isinstance(module, LoraLayer)]
            expected = pytest.approx((counted.targets, *counted.scaling), rel=1e-12)
            assert (len(factors), min(factors), max(factors)) == expected, name
    assert compared >= len(_SPECS) - 4


def test_a_tree_lists_every_module_and_the_two_ends() -> None:
    model = random_model("llama")
    tree = targets.tree(model)
    assert (tree.architecture, tree.layers, tree.decoder, tree.head) == ("LlamaForCausalLM", 2, "model", "lm_head")
    assert [module.name for module in tree.modules][:3] == ["model", "model.embed_tokens", "model.layers"]
