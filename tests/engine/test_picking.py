"""What is ticked is what PEFT wraps, with just those ranks and alphas, and what it trains whole; for every family."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from peft.tuners.lora.layer import ParamWrapper
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import ModulesToSaveWrapper
from transformers import FalconConfig, Gemma3Config, PretrainedConfig, PreTrainedModel

from studio.core import methods, modules, picking
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.picking import Picks
from studio.engine import adapters, targets
from studio.engine.model import empty, skeleton
from tests.models import EXPERTS, FAMILIES, tiny

_TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "head_dim": 8}
_EYES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
_OTHER: dict[str, PretrainedConfig] = {
    "seeing": Gemma3Config(text_config=_TEXT, vision_config=_EYES | {"image_size": 28, "patch_size": 14}),
    "falcon": FalconConfig(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, vocab_size=304),
}
_ALL = [*sorted({*FAMILIES, *EXPERTS}), *_OTHER]


def wrapped(adapted: PeftModel) -> tuple[dict[str, tuple[int, float]], set[str]]:
    """Returns what has an adapter in a PEFT model, with its rank and alpha, and what is trained whole."""
    found, whole = dict[str, tuple[int, float]](), set[str]()
    for name, module in adapted.get_base_model().named_modules():
        plain = name.replace(".base_layer", "")
        if isinstance(module, ParamWrapper):
            plain = f"{plain}.{module.parameter_name}"
        if isinstance(module, LoraLayer) and "default" in module.r:
            found[plain] = module.r["default"], module.lora_alpha["default"]
        if isinstance(module, ModulesToSaveWrapper):
            whole.add(plain)
    return found, whole


@pytest.fixture(scope="module", params=_ALL)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Returns what makes an empty model of a family, of three layers."""
    name = request.param
    if name in _OTHER:
        return lambda: empty(_OTHER[name], name)
    layers = "n_layer" if name == "gpt2" else "num_hidden_layers"
    kinds = {"layer_types": ["sliding_attention", "full_attention", "full_attention"]} if name == "gemma3" else {}
    more: dict[str, Any] = EXPERTS.get(name, {}) | {layers: 3} | kinds
    folder: Path = tiny(name, tmp_path_factory.mktemp(name), **more)
    return lambda: skeleton(folder)


def picked(able: dict[str, picking.Way], seed: int) -> Picks:
    """Returns some kinds of modules in some layers with some ranks, and one or the other trained whole."""
    chance = random.Random(seed)
    names = [name for name, way in able.items() if way.lora]
    kinds = sorted({name.rpartition(".")[2] for name in names})
    taken = set(chance.sample(kinds, chance.randint(1, len(kinds))))
    layer = f".{chance.randint(0, 2)}."
    wanted = [name for name in names if name.rpartition(".")[2] in taken and (layer not in name or seed % 2)]
    wanted += [name for name in chance.sample(names, min(3, len(names))) if name not in wanted] if seed % 3 else []
    kind = chance.choice(kinds)
    lora = {
        name: (chance.choice([2, 4]) if seed == 4 else 6 if name.endswith(kind) else 3 if layer in name else 8, 9.0)
        for name in names
        if name in wanted
    }
    saved = [name for name, way in able.items() if way.whole and name not in lora]
    return Picks(lora, frozenset(chance.sample(saved, min(2, len(saved))) if seed % 2 else []))


@pytest.mark.parametrize("seed", range(6))
def test_peft_wraps_exactly_what_is_ticked(family: Any, seed: int) -> None:
    model: PreTrainedModel = family()
    about, before = targets.tree(model), AdapterSpec(r=8)
    wanted = picked(picking.ways(about, before), seed)
    spec = AdapterSpec(**{"r": 8} | picking.settings(about, wanted, before))
    counted = modules.count(about, spec)
    adapted = adapters.attach(model, spec)
    assert isinstance(adapted, PeftModel)
    lora, whole = wrapped(adapted)
    assert lora == wanted.lora
    tied = wanted.whole & set(about.tied)
    # Of two that share a weight PEFT trains the other one along.
    assert whole - (set(about.tied) if tied else set()) == wanted.whole - tied
    assert not tied or whole & set(about.tied)
    assert counted.trainable == adapters.count(adapted)[0]


@pytest.mark.parametrize("method", [method for method in methods.ADAPTERS if method != "lora"])
def test_so_does_every_other_method(family: Any, method: methods.Method) -> None:
    model: PreTrainedModel = family()
    about, before = targets.tree(model), AdapterSpec(method=method, oft_block_size=8)
    able = [name for name, way in picking.ways(about, before).items() if way.lora]
    if not able:  # PEFT has no layer of it for GPT-2's
        assert not methods.kind_of(method).turned
        return
    chosen = able[1::2] or able
    ranks = (before.r, before.lora_alpha)
    spec = replace(before, **picking.settings(about, Picks(dict.fromkeys(chosen, ranks)), before))
    adapted = adapters.attach(model, spec)
    assert isinstance(adapted, PeftModel)
    inner = adapted.get_base_model().named_modules()
    assert [name for name, module in inner if isinstance(module, BaseTunerLayer)] == chosen
    rows = picking.rows(about, spec)
    assert sum(row["trained_parameters"] for row in rows) == adapters.count(adapted)[0]


def test_what_is_called_like_experts_is_refused_where_peft_means_these(family: Any) -> None:
    about = targets.tree(family())
    ways = picking.ways(about, AdapterSpec())
    linear = [module.name for module in about.modules if module.kind == "linear"]
    alike = [name for name in linear if name.rpartition(".")[2] in modules.EXPERTS]
    assert about.renames or all(ways[name].lora for name in alike)
    for name in alike if about.renames else []:
        assert ways[name].why == "alike"
        fields = picking.settings(about, Picks({name: (8, 16.0)}), AdapterSpec())
        with pytest.raises(StudioError, match="PEFT"):
            adapters.attach(family(), AdapterSpec(**fields))
