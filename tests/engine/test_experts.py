"""Experts that a model holds in one parameter: adapted, computed without PEFT's sums, exported, or told to stay."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers.models.mixtral.modeling_mixtral import MixtralExperts

from studio.core import events, further, library, modules
from studio.core.config import AdapterSpec, ModelSpec
from studio.core.consumers import Target
from studio.core.errors import StudioError
from studio.core.library import Base, Entry
from studio.engine import adapters, bases, experts, mixing, targets, updates
from studio.engine.choices import choose
from studio.engine.export import export
from studio.engine.model import load_base, skeleton
from studio.engine.planning import memory, plan
from tests.desks import random_adapter
from tests.models import EXPERTS, random_model, tiny
from tests.training import config, losses, preferring, trained

CPU, IDS = torch.device("cpu"), torch.tensor([[1, 40, 41, 42, 43, 2, 77, 130, 9]])
FUSED = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
ALL: dict[str, Any] = {"target_parameters": ["experts"], "lora_dropout": 0.0}
# Layers that are not experts, but share their names.
SHARED = [f"mlp.shared_expert.{name}" for name in ("gate_proj", "up_proj", "down_proj")]


def lively(family: str, **settings: Any) -> Any:
    """Returns a model with an adapter that changes what it says."""
    torch.manual_seed(0)
    model = adapters.attach(random_model(family, **EXPERTS.get(family, {})), AdapterSpec(**({"r": 4} | ALL | settings)))
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def said(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS).logits
        return found


def results(model: Any) -> list[torch.Tensor]:
    """Returns what a pass gives, and the gradients of what is trained."""
    model.zero_grad()
    y = model(input_ids=IDS).logits
    (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    return [y.detach(), *(p.grad.clone() for p in model.parameters() if p.requires_grad)]


def assert_same(found: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one - other).norm() <= 1e-5 * other.norm()


# What is adapted, and what stays


@pytest.mark.parametrize("family", [*EXPERTS, "llama"])
def test_what_is_passed_by_is_told_with_what_to_do(family: str) -> None:
    model = random_model(family, **EXPERTS.get(family, {}))
    tree, spec = targets.tree(model), AdapterSpec()
    told = modules.left_out_sentence(tree, spec)
    passed = [name for name in [*FUSED, *SHARED] if name in told]
    assert passed == ([] if family == "llama" else [*FUSED, *(SHARED if family == "qwen2_moe" else [])])
    assert ("Set adapter.target_parameters to experts" in told) == bool(passed)
    named = modules.left_out_sentence(tree, AdapterSpec(target_parameters=["experts"])) if passed else ""
    assert not any(name in named for name in FUSED)
    adapted = adapters.attach(model, spec)
    assert isinstance(adapted, PeftModel)
    given = {name.partition(".lora_A.")[0] for name, _ in adapted.named_parameters() if ".lora_A." in name}
    assert given
    assert not {name for name in given for left in passed if name.endswith(f".{left}")}


@pytest.mark.parametrize(
    "settings",
    [{"method": "full"}, {"target_modules": ["q_proj"]}, {"modules_to_save": ["experts"]}],
    ids=["full", "named", "whole"],
)
def test_nothing_is_told_where_nothing_was_hoped_for(settings: dict[str, Any]) -> None:
    tree = targets.tree(random_model("qwen3_moe", **EXPERTS["qwen3_moe"]))
    assert modules.left_out_sentence(tree, AdapterSpec(**settings)) == ""


def test_a_plan_and_a_run_say_which_share_of_the_weights_stays(tmp_path: Path) -> None:
    tiny("qwen3_moe", tmp_path / "qwen3_moe", **EXPERTS["qwen3_moe"])
    made = config(tmp_path, family="qwen3_moe", rows=8, max_steps=1)
    told = plan(made)["left_out"]
    model = skeleton(tmp_path / "qwen3_moe")
    held = sum(value.numel() for name, value in model.named_parameters() if ".experts." in name)
    share = held / sum(value.numel() for value in model.parameters())
    assert 0.1 < share < 0.9
    assert f"stay as they are: {', '.join(FUSED)} ({share:.0%} of the weights)." in told
    run = trained(made, tmp_path / "run")
    assert told in [event.message for event in run.follow() if isinstance(event, events.Notice)]
    assert plan(config(tmp_path, rows=8, max_steps=1))["left_out"] == ""
    adapting = config(tmp_path, family="qwen3_moe", rows=8, adapter=ALL)
    assert plan(adapting)["left_out"] == ""


@pytest.mark.parametrize("family", EXPERTS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"target_modules": []},
        {"target_parameters": ["experts.down_proj"], "layers_to_transform": "1", "target_modules": ["q_proj"]},
        {"rank_pattern": {"down_proj": 3, "q_proj": 2}, "use_rslora": True, "bias": "all"},
        {"exclude_modules": ["layers.1.mlp.experts"]},
    ],
    ids=["all", "alone", "some", "ranks", "excluded"],
)
def test_what_is_counted_is_what_peft_makes(family: str, settings: dict[str, Any]) -> None:
    model, spec = random_model(family, **EXPERTS[family]), AdapterSpec(**({"r": 4} | ALL | settings))
    counted = modules.count(targets.tree(model), spec)
    adapted = adapters.attach(model, spec)
    assert adapters.count(adapted) == (counted.trainable, counted.total)
    places = [name.rpartition(".lora_A.")[0] for name, _ in adapted.named_parameters() if ".lora_A." in name]
    assert len(places) == counted.targets
    layers = {name.partition(".layers.")[2][0] for name in places if ".experts" in name}
    first = {"0"} if family != "deepseek_v3" else set()  # whose first layer has none
    expected = first if "exclude_modules" in settings else {"1"} if "layers_to_transform" in settings else first | {"1"}
    assert layers == expected


@pytest.mark.parametrize(
    ("family", "settings", "words"),
    [
        ("llama", {}, "holds no experts in one parameter"),
        ("mixtral", {"target_parameters": ["expert"]}, "no experts are called `expert`.*mlp.experts.gate_up_proj"),
        ("mixtral", {"target_parameters": ["gate.weight"]}, "no experts are called"),
        ("mixtral", {"modules_to_save": ["experts"]}, "`experts` is trained whole already"),
        ("mixtral", {"target_modules": ["experts"]}, "Name it in target_parameters"),
        ("qwen3_moe", {"target_modules": ["q_proj", "down_proj"]}, "no module matches `down_proj`"),
        ("mixtral", {"layers_to_transform": "2"}, "layer 2"),
    ],
)
def test_what_cannot_be_adapted_is_refused_with_what_to_do(family: str, settings: dict[str, Any], words: str) -> None:
    model = random_model(family, **EXPERTS.get(family, {}))
    with pytest.raises(StudioError, match=words) as refused:
        adapters.attach(model, AdapterSpec(**(ALL | settings)))
    assert refused.value.reason == "adapter"


def test_experts_in_few_bits_are_refused() -> None:
    model = random_model("mixtral")
    for name, parameter in list(model.named_parameters()):
        if ".experts." in name:
            parameter.requires_grad_(False)
            parameter.data = parameter.data.to(torch.float8_e4m3fn)
    with pytest.raises(StudioError, match="is quantized, and LoRA cannot go on it"):
        adapters.attach(model, AdapterSpec(**ALL))


# Computed without PEFT's sums


@pytest.mark.parametrize("family", EXPERTS)
@pytest.mark.parametrize("named", [["experts"], ["experts.gate_up_proj"], ["experts.down_proj"]], ids=str)
def test_passes_written_out_are_the_same_function(family: str, named: list[str]) -> None:
    model = lively(family, target_parameters=named, r=3)
    plain = {name: getattr(module, "forward", None) for name, module in model.named_modules()}
    expected = results(model)
    with model.disable_adapter():
        without = said(model)
    assert experts.use(model) == ""
    assert_same(results(model), expected)
    with model.disable_adapter():
        assert_same([said(model)], [without])
    assert (without - expected[0]).abs().max() > 0.1
    experts.undo(model)
    assert {name: getattr(module, "forward", None) for name, module in model.named_modules()} == plain


@given(
    count=st.integers(1, 5),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 9)),
    ranks=st.tuples(st.integers(0, 3), st.integers(0, 9)).filter(any),
    each=st.integers(1, 3),
    only=st.none() | st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_random_experts_have_the_same_gradients(
    count: int, sizes: tuple[int, int, int], ranks: tuple[int, int], each: int, only: int | None
) -> None:
    torch.manual_seed(count)
    about = random_model("mixtral").config
    about.num_local_experts, about.hidden_size, about.intermediate_size = count, 4 * sizes[0], 4 * sizes[1]
    inner = torch.nn.ModuleDict({"experts": MixtralExperts(about)}).requires_grad_(False)
    # What cancels is then a sum of terms of about one.
    for parameter in inner.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    pattern = {name: r for name, r in zip(("gate_up_proj", "down_proj"), ranks, strict=True) if r}
    named = [f"experts.{name}" for name in pattern]
    made = LoraConfig(r=1, lora_alpha=3, target_modules=[], target_parameters=named, rank_pattern=pattern)
    with adapters._quiet():
        model = get_peft_model(inner, made)
    for parameter in (p for p in model.parameters() if p.requires_grad):
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(sizes[2], about.hidden_size, requires_grad=True)
    # No expert, one, or all of them may be without a token.
    chosen = torch.randint(0, count, (sizes[2], each)) if only is None else torch.full((sizes[2], each), only % count)
    shares = torch.rand(sizes[2], each, requires_grad=True)
    found = []
    for use in (False, True):
        assert not use or experts.use(model) == ""
        y = model.base_model.model["experts"](x, chosen, shares)
        inputs = [x, shares, *(p for p in model.parameters() if p.requires_grad)]
        weights = torch.linspace(-1, 1, y.numel()).view_as(y)
        found.append([y.detach(), *torch.autograd.grad((y * weights).sum(), inputs)])
    for one, other in zip(found[1], found[0], strict=True):
        assert (one - other).norm() <= 1e-5 * other.norm() + 1e-5


@given(
    rows=st.lists(st.sampled_from([0, 1, 3, 150]), min_size=1, max_size=4).filter(any),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    ranks=st.lists(st.integers(1, 9), max_size=2),
    turned=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_card_and_a_processor_compute_the_same(
    rows: list[int], sizes: tuple[int, int], ranks: list[int], turned: bool
) -> None:
    torch.manual_seed(sum(rows))
    count, inputs, outputs = len(rows), 4 * sizes[0], 4 * sizes[1]
    x = torch.randn(sum(rows), inputs, requires_grad=True)
    weight = torch.randn(count, inputs, outputs).transpose(1, 2) if turned else torch.randn(count, outputs, inputs)
    ends = torch.tensor(rows).cumsum(0).to(torch.int32)
    pairs = [(torch.randn(count, r, inputs), torch.randn(count, outputs, r)) for r in ranks]
    given = [x, *(matrix.requires_grad_() for pair in pairs for matrix in pair)]
    loras = [(a, b, 0.5) for a, b in pairs]
    found = []
    for way in (experts._grouped, experts._one_by_one):
        y = way(x, weight, ends, loras)
        weights = torch.linspace(-1, 1, y.numel()).view_as(y)
        found.append([y.detach(), *torch.autograd.grad((y * weights).sum(), given)])
    expected = torch.cat([
        part @ (weight[at] + sum((0.5 * b[at] @ a[at] for a, b in pairs), torch.zeros(()))).t()
        for at, part in enumerate(x.split(rows))
    ])  # fmt: skip
    assert torch.allclose(found[0][0], expected, atol=1e-3)
    for one, other in zip(*found, strict=True):
        assert (one - other).norm() <= 1e-5 * other.norm() + 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("turned", [False, True])
def test_what_cannot_multiply_groups_is_found_out(dtype: torch.dtype, turned: bool) -> None:
    def known(width: int) -> bool:
        drawn = torch.Generator().manual_seed(0)
        weight = torch.randn(3, 16, width, generator=drawn).to(dtype)
        weight = weight.transpose(1, 2) if turned else weight
        a, b = torch.randn(3, 2, weight.shape[2], generator=drawn), torch.randn(3, weight.shape[1], 2, generator=drawn)
        return experts._multiplies_groups(weight, (a.to(dtype), b.to(dtype), 2.0), drawn)

    assert known(24)
    assert not known(3), "rows are not at every 16 bytes"


def test_other_experts_are_left_and_named() -> None:
    class OtherExperts(MixtralExperts):  # type: ignore[misc] # the decorator around it has no types
        def forward(self, *given: Any) -> Any:
            return 2 * super().forward(*given)

    own = random_model("llama4_text", num_local_experts=4, num_experts_per_tok=1)
    assert experts.use(adapters.attach(own, AdapterSpec(**ALL))) == "Llama4TextExperts has passes of its own"
    model = lively("mixtral")
    model.get_base_model().config._experts_implementation = "deepgemm"
    assert "computed in another way" in experts.use(model)
    model = lively("mixtral")
    before = [p.detach().clone() for p in model.parameters()]
    for layer in model.get_base_model().model.layers:
        layer.mlp.experts.get_base_layer().__class__ = OtherExperts
    assert experts.use(model) == "OtherExperts is not the known formula"
    assert not any("forward" in vars(module) for module in model.modules())
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), before, strict=True))


def test_half_precision_is_computed_in_half_precision() -> None:
    model = lively("mixtral")
    experts.use(model)
    block = model.get_base_model().model.layers[0].mlp.experts
    x, chosen, shares = torch.randn(9, 32), torch.randint(0, 4, (9, 2)), torch.rand(9, 2)
    exact = block(x, chosen, shares)
    block.base_layer.base_layer.to(torch.bfloat16)
    near = block(x.bfloat16(), chosen, shares.bfloat16())
    assert near.dtype == torch.bfloat16
    assert (near.float() - exact).norm() < 2e-2 * exact.norm()


# Runs


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe", "gpt_oss"])
def test_a_run_trains_experts_and_what_it_tested_is_what_is_exported(family: str, tmp_path: Path) -> None:
    tiny(family, tmp_path / family, **EXPERTS[family])
    made = config(tmp_path, family=family, rows=16, adapter=ALL, num_train_epochs=3)
    run = trained(made, tmp_path / "run")
    prepared = next(event for event in run.follow() if isinstance(event, events.Prepared))
    assert "experts' LoRA written out" not in prepared.plain
    assert losses(run)[-1] < losses(run)[0]
    assert prepared.trainable_parameters == plan(made)["trainable_parameters"]
    entry = library.add(run.path / "adapter", title="experts", base=Base(path=made.model.path))
    found = {update.name: update for update in updates.of(entry.folder, updates.Base(tmp_path / family))}
    assert all(found[f"model.layers.1.{name}"].norm for name in FUSED)
    forms: tuple[Target, ...] = ("peft", "merged")
    for to in forms:
        proof = export(entry, to, tmp_path / to, tmp_path / family).proof
        assert proof.max_abs_difference <= proof.bound < proof.adapter_effect


def test_preference_is_learned_by_experts_also_when_computed_again(tmp_path: Path) -> None:
    found = []
    for again in (False, True):
        made = preferring(tmp_path, family="mixtral", rows=16, adapter=ALL, max_steps=4, activation_checkpointing=again)
        found.append(losses(trained(made, tmp_path / str(again))))
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0][-1] < found[0][0] == pytest.approx(0.6931, abs=1e-3)


def test_experts_take_memory_that_is_told(tmp_path: Path) -> None:
    plain = config(tmp_path, family="mixtral", rows=8, adapter={"lora_dropout": 0.0})
    more = replace(plain, adapter=replace(plain.adapter, target_parameters=["experts"]))
    one, other = memory(plain), memory(more)
    trained_more = plan(more)["trainable_parameters"] - plan(plain)["trainable_parameters"]
    assert other["trained"] - one["trained"] == pytest.approx(16 * trained_more, rel=0.01)
    assert other["passes"] > one["passes"]


def test_no_pass_keeps_what_is_as_large_as_the_experts(tmp_path: Path) -> None:
    found = list[dict[str, Any]]()
    for count in (4, 32):
        (tmp_path / str(count)).mkdir()
        base = tmp_path / str(count) / "mixtral"
        tiny("mixtral", base, num_local_experts=count, hidden_size=128, intermediate_size=256, head_dim=32)
        found.append(memory(config(base.parent, family="mixtral", rows=8, adapter=ALL)))
    few, many = found
    assert 0 < many["passes"] - few["passes"] < 0.25 * (many["weights"] - few["weights"])


def test_passes_are_counted_without_numbers(tmp_path: Path) -> None:
    made = config(tmp_path, family="mixtral", rows=8, adapter=ALL)
    model = adapters.attach(load_base(Path(made.model.path), ModelSpec(), CPU), made.adapter)
    assert "experts' LoRA written out" not in choose(model, made, CPU).plain


# Adapters of experts beside each other, added up, exported


def entered(base: Path, seed: int, **settings: Any) -> Entry:
    folder = random_adapter(base, base.parent / f"made-{seed}", seed, **(ALL | settings))
    return library.add(folder, title=f"a{seed}", base=Base(path=str(base)))


def changes(base: Path, folder: Path) -> dict[str, torch.Tensor]:
    """Returns what an adapter adds to each weight."""
    model = load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU)
    before = {name: value.clone() for name, value in model.named_parameters()}
    whole = adapters.load_adapter(model, folder).merge_and_unload()
    return {name: (value - before[name]).detach() for name, value in whole.named_parameters()}


@pytest.mark.parametrize("family", ["mixtral", "gpt_oss"])
def test_what_experts_learned_is_measured_and_added_up(family: str, tmp_path: Path) -> None:
    base = tiny(family, tmp_path / "base", **EXPERTS[family])
    made = [
        entered(base, 1, rank_pattern={"down_proj": 3, "q_proj": 2}),
        entered(base, 2, target_parameters=["experts.down_proj"], use_rslora=True),
        entered(base, 3, target_modules=[], layers_to_transform="1", r=2),
    ]
    added = [changes(base, entry.folder) for entry in made]
    for entry, change in zip(made, added, strict=True):
        for update in updates.of(entry.folder, updates.Base(base)):
            found = change[update.name if update.name in change else f"{update.name}.weight"]
            assert update.norm == pytest.approx(float(found.norm()), rel=1e-4)
            assert update.base
    for update in updates.between(made[0].folder, made[2].folder, updates.Base(base)):
        if update.cosine is not None:
            one, other = (change[update.name].flatten() for change in (added[0], added[2]))
            assert update.cosine == pytest.approx(float(torch.cosine_similarity(one, other, 0)), abs=1e-4)
    mixes: list[list[float]] = [[0.5, 2, 0], [0, 1, -1], [0, 0, 2], [1, 1, 1]]
    for at, weights in enumerate(mixes):
        mixing.mix(list(zip(made, weights, strict=True)), tmp_path / f"mix-{at}")
        for name, found in changes(base, tmp_path / f"mix-{at}").items():
            expected = torch.stack([weight * one[name] for weight, one in zip(weights, added, strict=True)]).sum(0)
            assert torch.allclose(found, expected, atol=1e-4)


def test_adapters_of_experts_share_a_base_where_they_are_on_the_same(tmp_path: Path) -> None:
    base = tiny("mixtral", tmp_path / "base")
    kinds: list[dict[str, Any]] = [
        {},
        {"r": 2},
        {"target_parameters": ["experts.down_proj"]},
        {"target_parameters": []},
    ]
    made = [entered(base, at, **kind) for at, kind in enumerate(kinds)]
    reaches = [bases.reach(None), *(bases.reach(entry.folder) for entry in made)]
    assert bases.groups(reaches) == [[0, 1, 2, 4], [3]]

    def held(*at: int) -> Any:
        model: Any = load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU)
        for one in at:
            model = adapters.load_adapter(model, made[one].folder, f"a{one}")
            assert experts.use(model) == ""
        return model

    plain = said(held())
    for order in ((0, 1, 3), (3, 1, 0)):
        model = held(*order)
        for one in order:
            model.set_adapter(f"a{one}")
            assert torch.allclose(said(model), said(held(one)), atol=1e-5)
        with model.disable_adapter():
            assert torch.equal(said(model), plain)


def test_an_adapter_of_experts_one_by_one_is_computed_alike_and_by_itself(tmp_path: Path) -> None:
    base, folder = tiny("mixtral", tmp_path / "base"), tmp_path / "older"
    folder.mkdir()
    torch.manual_seed(0)
    shapes = {"w1": (64, 32), "w2": (32, 64), "w3": (64, 32)}
    held = dict[str, torch.Tensor]()
    for layer, expert, (name, (outputs, inputs)) in product(range(2), range(4), shapes.items()):
        place = f"base_model.model.model.layers.{layer}.block_sparse_moe.experts.{expert}.{name}.lora_"
        held |= {f"{place}A.weight": torch.randn(3, inputs), f"{place}B.weight": torch.randn(outputs, 3)}
    save_file(held, folder / library.WEIGHTS)
    about = {"peft_type": "LORA", "r": 3, "lora_alpha": 3, "target_modules": list(shapes)}
    (folder / library.PEFT_CONFIG).write_text(json.dumps(about))
    model = adapters.load_adapter(load_base(base, ModelSpec(dtype="float32"), CPU), folder)
    plain = said(model)
    assert experts.use(model) == ""
    assert_same([said(model)], [plain])
    last = "block_sparse_moe.experts.3.w2.lora_"
    b, a = (held[f"base_model.model.model.layers.1.{last}{which}.weight"] for which in "BA")
    assert torch.allclose(changes(base, folder)["model.layers.1.mlp.experts.down_proj"][3], b @ a, atol=1e-4)
    assert not bases.shareable(bases.reach(folder), bases.reach(entered(base, 1).folder))
    assert bases.shareable(bases.reach(folder), bases.reach(entered(base, 2, target_parameters=[]).folder))


def test_experts_go_into_a_merged_file_for_llama_cpp_and_into_none_of_their_own(tmp_path: Path) -> None:
    base = tiny("mixtral", tmp_path / "base")
    entry = entered(base, 1, r=2)
    proof = export(entry, "gguf", tmp_path / "gguf", base).proof
    assert proof.max_abs_difference <= proof.bound
    with pytest.raises(StudioError, match=r"Experts are not written to a file of their own\. Export it merged"):
        export(entry, "gguf-lora", tmp_path / "lora", base)


def test_experts_are_trained_further(tmp_path: Path) -> None:
    first = config(tmp_path, family="mixtral", rows=8, adapter=ALL | {"rank_pattern": {"down_proj": 3}}, max_steps=2)
    run = trained(first, tmp_path / "first")
    library.add(run.path / "adapter", title="first", base=Base(path=first.model.path))
    again = further.laid_out(replace(first, adapter=AdapterSpec(path="first")))
    second = trained(again, tmp_path / "second")
    assert again.adapter.target_parameters == ["mlp.experts.down_proj", "mlp.experts.gate_up_proj"]
    assert losses(second)[0] < losses(run)[0]
