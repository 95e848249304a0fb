"""From ticks to settings and back: exactly what was ticked, in the shortest words."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import methods, modules, picking
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.modules import Module, Tree
from studio.core.picking import Picks

ATTENTION = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
MLP = ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
MLP_LEAVES = ["gate_proj", "up_proj", "down_proj"]


def module(name: str, kind: Any = "linear", shape: tuple[int, ...] = (8, 8), type: str = "Linear") -> Module:
    return Module(name, type, kind, shape, 64, 0, shape[0] if kind in ("linear", "embedding") else 0)


def holder(name: str) -> Module:
    return Module(name, "Block", "", (), 0, 0, 0)


def layers(count: int, kinds: list[str], head: str = "model") -> list[Module]:
    """Returns layers of linear modules, each with a norm in it."""
    found = [holder(f"{head}.layers")]
    for at in range(count):
        layer = f"{head}.layers.{at}"
        found += [holder(layer), *(holder(f"{layer}.{name}") for name in {kind.partition(".")[0] for kind in kinds})]
        found += [module(f"{layer}.{kind}") for kind in kinds]
        found.append(module(f"{layer}.input_layernorm", "", (8,), "RMSNorm"))
    return found


def tree(*more: Module, count: int = 4, tied: bool = False, kinds: list[str] | None = None) -> Tree:
    """Returns a small model like Llama, with `more` modules."""
    ends = [module("model.embed_tokens", "embedding", type="Embedding"), module("lm_head")]
    inner = [holder("model"), ends[0], *layers(count, kinds or ATTENTION + MLP)]
    inner += [module("model.norm", "", (8,), "RMSNorm"), ends[1], *more]
    fused = any(one.kind == "experts" for one in more)
    alike = tuple(end.name for end in ends) if tied else ()
    return Tree("Some", count, tuple(inner), "model", "lm_head", alike, fused, renames=fused)


def seeing() -> Tree:
    """Returns a model whose eyes have modules that are called like those of its language."""
    eyes = layers(3, [*ATTENTION, "mlp.fc1"], "model.eyes")
    inner = [holder("model"), holder("model.eyes"), *eyes, holder("model.language_model")]
    inner += [*layers(4, ATTENTION + MLP, "model.language_model"), module("lm_head")]
    return Tree("Seeing", 4, tuple(inner), "model.language_model", "lm_head", (), False)


def expert(name: str) -> Module:
    return Module(name, "Parameter", "experts", (4, 8, 8), 256, 0, 0)


def mixed() -> Tree:
    """Returns a model with experts, the first layer of which has none."""
    more = [holder(f"model.layers.{at}.mlp.experts") for at in (1, 2, 3)]
    more += [
        expert(f"model.layers.{at}.mlp.experts.{name}") for at in (1, 2, 3) for name in ("gate_up_proj", "down_proj")
    ]
    return tree(*more, kinds=[*ATTENTION, "mlp.shared_expert.up_proj"])


def said(about: Tree, names: list[str], **more: Any) -> dict[str, Any]:
    """Returns the settings for some modules of rank 16 and alpha 32 that are none of the defaults."""
    wanted = Picks(dict.fromkeys(names, (16, 32.0)), **more)
    found = picking.settings(about, wanted, AdapterSpec())
    assert picking.picks(about, AdapterSpec(**found)) == wanted
    return changed(found)


def changed(found: dict[str, Any]) -> dict[str, Any]:
    usual = AdapterSpec()
    return {key: value for key, value in found.items() if value != getattr(usual, key)}


def of(about: Tree, *ends: str, at: str = "") -> list[str]:
    names = [one.name for one in about.modules]
    return [name for name in names if name.endswith(ends) and f".{at}" in f".{name}"]


def test_the_easiest_words_are_taken() -> None:
    about = tree()
    linear = modules.choose(about, AdapterSpec()).targets
    inner = [name for name in linear if not name.startswith("model.layers.0.")]
    assert said(about, linear) == {}
    assert said(about, of(about, "q_proj", "v_proj")) == {"target_modules": ["q_proj", "v_proj"]}
    assert said(about, inner) == {"layers_to_transform": "1-3"}
    assert said(about, of(about, "q_proj", at="layers.2.")) == {
        "target_modules": ["q_proj"], "layers_to_transform": "2"}  # fmt: skip
    assert said(about, linear[1:]) == {"exclude_modules": ["layers.0.self_attn.q_proj"]}
    assert said(about, [*linear, "lm_head"])["target_modules"][-1] == "lm_head"
    two = [*of(about, "q_proj", at="layers.0."), *of(about, "up_proj", at="layers.3.")]
    assert said(about, two) == {"target_modules": ["layers.0.self_attn.q_proj", "layers.3.mlp.up_proj"]}


def test_what_eyes_share_names_with_is_told_apart() -> None:
    about = seeing()
    language = of(about, *ATTENTION, at="language_model.")
    assert said(about, language) == {"exclude_modules": MLP_LEAVES}
    some = of(about, "q_proj", "v_proj", at="language_model.")
    assert said(about, some) == {"target_modules": r"model\.language_model\.layers\.\d+\.self_attn\.(q_proj|v_proj)"}
    assert said(about, of(about, *MLP)) == {"target_modules": MLP_LEAVES}


def test_experts_are_named_as_such() -> None:
    about = mixed()
    linear, experts = modules.choose(about, AdapterSpec()).targets, of(about, "gate_up_proj", "experts.down_proj")
    assert said(about, [*linear, *experts]) == {"target_parameters": ["experts"]}
    assert said(about, experts) == {"target_modules": [], "target_parameters": ["experts"]}
    assert said(about, of(about, "experts.down_proj"))["target_parameters"] == ["down_proj"]
    one = said(about, of(about, "experts.down_proj", "q_proj", at="layers.2."))
    assert one == {"target_modules": ["q_proj"], "target_parameters": ["down_proj"], "layers_to_transform": "2"} | one
    assert picking.ways(about, AdapterSpec(lora_dropout=0.1))[experts[0]].why == "experts"
    assert picking.ways(about, AdapterSpec())["model.layers.1.mlp.shared_expert.up_proj"].why == "alike"


def test_ranks_are_said_where_they_differ() -> None:
    about = tree()
    linear = modules.choose(about, AdapterSpec()).targets
    wanted = Picks({name: (8 if name.endswith("v_proj") else 16, 32.0) for name in linear})
    assert changed(picking.settings(about, wanted, AdapterSpec())) == {"rank_pattern": {"v_proj": 8}}
    layered = Picks({name: (64 if ".3." in name else 16, 128.0 if ".3." in name else 32.0) for name in linear})
    assert changed(picking.settings(about, layered, AdapterSpec())) == {
        "rank_pattern": {r"layers\.3\..*": 64}, "alpha_pattern": {r"layers\.3\..*": 128.0}}  # fmt: skip
    # Where no module has the rank that stands there, most modules' is the rank.
    other = Picks(dict.fromkeys(linear, (4, 9.0)))
    assert changed(picking.settings(about, other, AdapterSpec())) == {"r": 4, "lora_alpha": 9.0}


def test_what_is_trained_whole_is_named() -> None:
    about, tied = tree(), tree(tied=True)
    linear = modules.choose(about, AdapterSpec()).targets
    assert said(about, linear, whole=frozenset({"model.norm", "lm_head"})) == {"modules_to_save": ["norm", "lm_head"]}
    assert said(about, linear[7:], whole=frozenset({"model.layers.0"})) == {"modules_to_save": ["layers.0"]}
    ways = picking.ways(tied, AdapterSpec())
    assert ways["lm_head"] == picking.Way(lora=False, whole=True, why="tied")
    assert ways["model.norm"] == picking.Way(lora=False, whole=True, why="plain")
    assert ways["model.layers.0.self_attn.q_proj"] == picking.Way(lora=True, whole=False, why="")
    apart = replace(tied, tied=("lm_head", "wte"))
    assert not picking.ways(apart, AdapterSpec())["lm_head"].whole
    assert picking.ways(about, AdapterSpec(init_lora_weights="pissa"))["model.embed_tokens"].why == "start"


def test_what_cannot_be_is_refused() -> None:
    about = tree(tied=True)
    with pytest.raises(StudioError, match="Tick at least one module"):
        picking.settings(about, Picks({}, frozenset({"model.norm"})), AdapterSpec())
    with pytest.raises(StudioError, match="shares its weight"):
        picking.settings(about, Picks({"lm_head": (8, 16.0)}), AdapterSpec())
    with pytest.raises(StudioError, match=r"LoRA cannot go on model\.norm"):
        picking.settings(about, Picks({"model.norm": (8, 16.0)}), AdapterSpec())


def test_presets_are_parts_of_the_linear_layers() -> None:
    about, experts = tree(), mixed()
    spec = AdapterSpec(target_modules=["nothing"], layers_to_transform="99")
    assert picking.preset(about, spec, "linear") == modules.choose(about, AdapterSpec()).targets
    assert picking.preset(about, spec, "attention") == of(about, *ATTENTION)
    assert picking.preset(about, spec, "mlp") == of(about, *MLP)
    assert picking.preset(experts, spec, "mlp") == of(experts, "gate_up_proj", "experts.down_proj")


@st.composite
def ticked(draw: st.DrawFn) -> tuple[Tree, Picks, AdapterSpec]:
    """Draws a model, what is trained of it, and the settings before."""
    about = draw(st.sampled_from([tree(), tree(tied=True), tree(count=12), seeing(), mixed(), odd()]))
    able = picking.ways(about, AdapterSpec())
    names = [name for name, way in able.items() if way.lora]
    kinds = sorted({name.rpartition(".")[2] for name in names})
    wanted = set(draw(st.lists(st.sampled_from(names), max_size=9)))
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=3)):
        wanted |= {name for name in names if name.endswith(f".{kind}")}
    for layer in draw(st.lists(st.integers(0, 11), max_size=2)):
        wanted ^= {name for name in names if f".{layer}." in name}
    whole = [name for name, way in able.items() if way.whole and name not in wanted]
    saved = frozenset(draw(st.lists(st.sampled_from(whole), max_size=3)) if whole else [])
    values = st.sampled_from([(16, 32.0), (16, 32.0), (8, 32.0), (64, 5.5), (1, 1.0)])
    lora = {name: draw(values) for name in names if name in wanted}
    return about, Picks(lora, saved), AdapterSpec(r=draw(st.sampled_from([16, 3])), rank_pattern={"x": 2})


def odd() -> Tree:
    """Returns a model in which a module's whole name is the end of another one's."""
    names = ["a", "b.a", "b.c.a", "c.a", "c", "x.0.a", "x.1.a", "x.1.0"]
    return Tree("Odd", 2, tuple(module(name) for name in names), "", "", (), False)


@given(ticked())
def test_what_is_ticked_comes_back_exactly(case: tuple[Tree, Picks, AdapterSpec]) -> None:
    about, wanted, before = case
    if not wanted.lora:
        with pytest.raises(StudioError):
            picking.settings(about, wanted, before)
        return
    found = picking.settings(about, wanted, before)
    assert picking.picks(about, replace(before, **found)) == wanted


def test_a_models_figures_are_those_of_the_count() -> None:
    about = mixed()
    spec = AdapterSpec(target_parameters=["experts"], modules_to_save=["norm"], rank_pattern={"q_proj": 3})
    wanted, known = picking.picks(about, spec), {one.name: one for one in about.modules}
    sums = [picking.trained(known[name], "lora", rank, spec, feeds=False) for name, (rank, _) in wanted.lora.items()]
    sums += [picking.trained(known[name], "whole", 0, spec, feeds=False) for name in wanted.whole]
    assert sum(sums) == modules.count(about, spec).trainable
    assert picking.trained(known["lm_head"], "", 16, spec, feeds=False) == 0


@pytest.mark.parametrize("method", [method for method in methods.ADAPTERS if method != "lora"])
def test_another_method_goes_on_linear_layers_and_has_the_settings_it_has(method: methods.Method) -> None:
    about, spec = mixed(), AdapterSpec(method=method)
    able = picking.ways(about, spec)
    assert {name for name, way in able.items() if way.lora} == {
        module.name for module in about.modules if module.kind == "linear" and module.name not in about.tied
    }
    assert {way.why for name, way in able.items() if name.endswith(("experts", "embed_tokens"))} <= {"method", "tied"}
    wanted = picking.picks(about, spec)
    few = {name: both for at, (name, both) in enumerate(wanted.lora.items()) if at % 2}
    found = picking.settings(about, Picks(few), spec)
    assert all(methods.has(method, name) for name in found)
    now = replace(spec, **found)
    assert picking.picks(about, now).lora == few
    rows = picking.rows(about, now)
    assert sum(row["trained_parameters"] for row in rows) == modules.count(about, now).trainable
    assert {row["name"]: row["trained"] for row in rows if row["trained"]} == dict.fromkeys(few, method)
    ranked = {row["rank"] is not None for row in rows if row["trained"]}
    assert ranked == {methods.has(method, "r")}
