"""Parts of a layer written out, and the last layer where it is read: the same numbers and gradients."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import LlamaConfig
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama import modeling_llama
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm

from studio.core.config import AdapterSpec
from studio.engine import adapters, attention, blocks, lora, mlp, norms, projections, rotary, tail
from studio.engine.batches import Segment
from tests.engine.test_attention import MIXED
from tests.engine.test_lora import IDS, assert_same, lively, results
from tests.models import FAMILIES, random_model

STILL = {"attention_dropout": 0.0, "dropout": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_computes_the_same(family: str) -> None:
    model = lively(adapters.attach(random_model(family, **STILL), AdapterSpec(r=4))).train()
    expected = results(model)
    plain = {name: getattr(module, "forward", None) for name, module in model.named_modules()}
    assert (norms.use(model), rotary.use(model)) == ("", "")
    replaced = sum("forward" in vars(module) for module in model.modules())
    assert (replaced > 0) == (family not in ("gpt2", "gpt_neox", "opt"))
    assert_same(results(model), expected)
    norms.undo(model)
    rotary.undo(model)
    assert {name: getattr(module, "forward", None) for name, module in model.named_modules()} == plain


GATED = ("llama", "mistral", "qwen2", "qwen3", "gemma3")


@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "v_proj", "up_proj"], ["gate_proj", "down_proj"]])
@pytest.mark.parametrize("family", GATED)
def test_projections_and_mlps_compute_the_same(family: str, targets: Any) -> None:
    pattern = {"v_proj": 3, "up_proj": 2} if "gate_proj" not in targets else {"down_proj": 2}
    spec = AdapterSpec(r=4, lora_alpha=8, target_modules=targets, rank_pattern=pattern)
    model = lively(adapters.attach(random_model(family, **STILL), spec)).train()
    expected = results(model)
    plain = {name: getattr(module, "forward", None) for name, module in model.named_modules()}
    assert (lora.use(model), projections.use(model), mlp.use(model)) == ("", "", "")
    replaced = {name.rsplit(".")[-1] for name, module in model.named_modules() if "forward" in vars(module)}
    assert replaced >= {"mlp"}
    assert_same(results(model), expected)
    with model.disable_adapter():
        without = model(input_ids=IDS).logits
    for path in (mlp, projections, lora):
        path.undo(model)
    assert {name: getattr(module, "forward", None) for name, module in model.named_modules()} == plain
    with model.disable_adapter():
        assert_same([without], [model(input_ids=IDS).logits])


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    ranks=st.tuples(*[st.integers(0, 3)] * 3),
    activation=st.sampled_from(["silu", "gelu_pytorch_tanh", "gelu"]),
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
@settings(max_examples=60, deadline=None)
def test_random_mlps_have_the_same_gradients(
    shape: list[int], ranks: tuple[int, int, int], activation: str, sizes: tuple[int, int]
) -> None:
    torch.manual_seed(sum(ranks))
    about = LlamaConfig(
        num_attention_heads=1,
        hidden_size=2 * sizes[0],
        intermediate_size=sizes[1],
        hidden_act=activation,
        mlp_bias=True,
    )
    inner = torch.nn.Sequential(LlamaMLP(about)).requires_grad_(False)
    names = [name for name, r in zip(("gate_proj", "up_proj", "down_proj"), ranks, strict=True) if r]
    pattern = {name: r for name, r in zip(("gate_proj", "up_proj", "down_proj"), ranks, strict=True) if r}
    model: Any = inner
    if names:
        model = get_peft_model(inner, LoraConfig(r=1, lora_alpha=3, target_modules=names, rank_pattern=pattern))
    model = lively(model).double()
    x = torch.randn(*shape, 2 * sizes[0], dtype=torch.float64, requires_grad=True)
    found = []
    for use in (False, True):
        assert not use or mlp.use(model) == ""
        y = model(x)
        inputs = [x, *(p for p in model.parameters() if p.requires_grad)]
        weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
        found.append([y.detach(), *torch.autograd.grad((y * weights).sum(), inputs)])
    assert_same(found[1], found[0], 1e-9)


def test_another_mlp_is_left_and_named() -> None:
    class OtherMLP(LlamaMLP):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> Any:
            return super().forward(x) * 2

    about = LlamaConfig(num_attention_heads=1, hidden_size=4, intermediate_size=4)
    assert "OtherMLP is not the known formula" in mlp.use(OtherMLP(about).requires_grad_(False))
    assert "trained too" in mlp.use(LlamaMLP(about))
    for about.hidden_act in ("relu", "gelu_10"):
        assert "LlamaMLP is not" in mlp.use(LlamaMLP(about).requires_grad_(False))


def test_dropout_is_left_to_the_single_passes() -> None:
    spec = AdapterSpec(r=4, lora_dropout=0.5, target_modules=["q_proj", "k_proj", "down_proj"])
    model = adapters.attach(random_model("llama"), spec)
    assert lora.use(model) == ""
    assert "dropout draws" in projections.use(model)
    assert "dropout draws" in mlp.use(model)


def test_a_projection_asked_for_alone_is_computed_alone() -> None:
    model = lively(adapters.attach(random_model("llama"), AdapterSpec(r=4, target_modules="all-linear")))
    model.requires_grad_(False)
    attention, x = model.get_base_model().model.layers[0].self_attn, torch.randn(1, 3, 32)
    alone = attention.k_proj(x)
    lora.use(model)
    assert projections.use(model) == ""
    assert_same([attention.k_proj(x)], [alone], 1e-6)
    for _ in range(2):  # what the first call holds for others that never ask is not given to the next input's
        attention.q_proj(x + 1)
        assert_same([attention.k_proj(x)], [alone], 1e-6)


def test_what_a_failed_pass_has_found_is_not_given_to_another() -> None:
    model = lively(adapters.attach(random_model("llama"), AdapterSpec(r=4, target_modules="all-linear"))).eval()
    attention, x = model.get_base_model().model.layers[0].self_attn, torch.randn(1, 3, 32)
    with model.disable_adapter():
        expected = attention.k_proj(x)
    projections.use(model)
    attention.q_proj(x)
    with model.disable_adapter():
        attention.q_proj(x)
        assert_same([attention.k_proj(x)], [expected], 1e-6)


@pytest.mark.parametrize("targets", ["all-linear", ["gate_proj"], ["q_proj", "k_proj"]])
def test_narrow_formats_compute_alike_under_autocast_and_plainly_without(targets: Any) -> None:
    spec = AdapterSpec(r=4, target_modules=targets)
    models = [
        lively(adapters.attach(random_model("qwen2").to(held), spec)).train()
        for held in (torch.float32, torch.bfloat16)
    ]
    expected: list[list[torch.Tensor]] = []
    for used in (False, True):
        found = []
        for model in models:
            assert not used or (lora.use(model), projections.use(model), mlp.use(model)) == ("", "", "")
            with torch.autocast("cpu", torch.bfloat16):
                found.append(results(model))
        # Without it, PEFT computes float32 adapters of a bfloat16 base in both; none of that is written out.
        found.append(results(models[1]))
        expected = expected or found
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other, 0.1)
    assert all(p.grad.dtype == torch.float32 for p in models[1].parameters() if p.grad is not None)


def test_the_absent_adapters_of_a_layer_suit_every_format() -> None:
    x = torch.zeros(1, dtype=torch.bfloat16)
    assert lora.computed_in(x, [torch.empty(0)]) is x
    assert lora.computed_in(x, [torch.zeros(1)]) is None


@pytest.mark.parametrize("saved", ["mlp", "up_proj", "v_proj"])
def test_modules_trained_whole_stay_as_they_are(saved: str) -> None:
    names = [name for name in ("q_proj", "k_proj", "v_proj", "gate_proj") if name != saved and saved != "mlp"]
    spec = AdapterSpec(r=4, target_modules=names or ["q_proj", "k_proj"], modules_to_save=[saved])
    model = lively(adapters.attach(random_model("llama"), spec)).double().train()
    expected = results(model)
    for path in (lora, projections, mlp):
        path.use(model)
    assert_same(results(model), expected, 1e-10)


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_passes_that_are_computed_again_or_twice_have_the_same_gradients(family: str, reentrant: bool) -> None:
    spec = AdapterSpec(r=4, target_modules="all-linear")
    model = lively(adapters.attach(random_model(family), spec)).double().train()
    expected = results(model)
    for path in (lora, projections, mlp):
        assert path.use(model) == ""
    model.zero_grad()
    model(input_ids=IDS, use_cache=False).logits.float().pow(2).mean().backward(retain_graph=True)
    both = model(input_ids=IDS, use_cache=False).logits.float().pow(2).mean()
    both.backward(retain_graph=True)
    both.backward()
    assert_same([p.grad / 3 for p in model.parameters() if p.grad is not None], expected[1:], 1e-10)
    model.get_base_model().activation_checkpointing_enable({"use_reentrant": reentrant})
    model.enable_input_require_grads()
    assert_same(results(model), expected, 1e-10)


def test_a_merged_adapter_counts_once_and_generation_is_as_before() -> None:
    model = (
        lively(adapters.attach(random_model("llama"), AdapterSpec(r=4, target_modules="all-linear"))).double().eval()
    )
    expected = results(model)
    told = model.generate(input_ids=IDS, max_new_tokens=6, do_sample=False)
    for path in (lora, projections, mlp):
        assert path.use(model) == ""
    assert torch.equal(model.generate(input_ids=IDS, max_new_tokens=6, do_sample=False), told)
    model.merge_adapter()
    assert_same([model(input_ids=IDS).logits.detach()], expected[:1], 1e-9)
    model.unmerge_adapter()
    assert_same(results(model), expected, 1e-9)


def test_projections_of_different_inputs_are_left_and_named() -> None:
    inner = torch.nn.Module()
    inner.q_proj, inner.k_proj = torch.nn.Linear(4, 2), torch.nn.Linear(6, 2)
    model = get_peft_model(torch.nn.Sequential(inner), LoraConfig(r=1, target_modules=["q_proj", "k_proj"]))
    assert projections.use(model) == "the layers of Module have different inputs"


def test_results_may_be_changed_in_place_and_hold_no_rows() -> None:
    model = lively(adapters.attach(random_model("llama"), AdapterSpec(r=4, target_modules="all-linear"))).train()
    layer, x = model.get_base_model().model.layers[0], torch.randn(2, 3, 32)
    lora.use(model)
    for use in (False, True):
        assert not use or (projections.use(model), mlp.use(model)) == ("", "")
        for part in (layer.self_attn.o_proj, layer.self_attn.q_proj, layer.self_attn.k_proj, layer.mlp):
            # As OLMo does with its queries, keys and values.
            y = part(x).clamp_(-0.1, 0.1)
            y.sum().backward()
            assert all(part(x[at]).shape == y[at].shape for at in (slice(0), slice(1), 0))
        q, k, v = (part(x).clamp_(-0.1, 0.1) for part in (layer.self_attn.q_proj, layer.self_attn.k_proj,
                                                           layer.self_attn.v_proj))  # fmt: skip
        (q.sum() + k.sum() + v.sum()).backward()


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    size=st.integers(8, 16),
    kind=st.booleans(),
    least=st.sampled_from([None, 0.0, 1e-30, 1e-5]),
)
@settings(max_examples=80, deadline=None)
def test_random_norms_have_the_same_gradients(shape: list[int], size: int, kind: bool, least: float | None) -> None:
    torch.manual_seed(size)
    norm: Any = GemmaRMSNorm(size) if kind else LlamaRMSNorm(size)
    norm.weight.data = torch.randn(size)
    if least is not None:
        # What the result does not tell of its input has a gradient all the same.
        norm.weight.data[0] = least - kind
    norm.requires_grad_(False)
    x, weights = torch.randn(*shape, size, requires_grad=True), torch.randn(*shape, size)
    found = []
    for use in (False, True):
        assert not use or norms.use(norm) == ""
        y = norm(x)
        found.append([y.detach(), *torch.autograd.grad((y * weights).sum(), x)])
    assert type(y.grad_fn).__name__ == "_NormBackward"
    assert_same(found[1], found[0], 1e-5)


def test_trained_norms_and_other_formulas_are_left_and_named() -> None:
    class OtherRMSNorm(LlamaRMSNorm):  # type: ignore[misc]
        def forward(self, hidden_states: torch.Tensor) -> Any:
            return super().forward(hidden_states) * 3

    assert "OtherRMSNorm" in norms.use(OtherRMSNorm(8).requires_grad_(False))
    assert "LlamaRMSNorm" in norms.use(LlamaRMSNorm(8))


@given(heads=st.integers(1, 3), tokens=st.integers(1, 5), half=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_random_rotations_have_the_same_gradients(heads: int, tokens: int, half: int) -> None:
    torch.manual_seed(tokens)
    model = random_model("llama")
    inputs = [torch.randn(2, n, tokens, 2 * half, requires_grad=True) for n in (2 * heads, heads)]
    angles = [torch.randn(2, tokens, 2 * half) for _ in range(2)]
    found = []
    for use in (False, True):
        assert not use or rotary.use(model) == ""
        rotated = modeling_llama.apply_rotary_pos_emb(*inputs, *angles)
        found.append(
            [*(x.detach() for x in rotated), *torch.autograd.grad(sum(x.pow(3).sum() for x in rotated), inputs)]
        )
    assert hasattr(modeling_llama.apply_rotary_pos_emb, "plain")
    rotary.undo(model)
    assert not hasattr(modeling_llama.apply_rotary_pos_emb, "plain")
    assert_same(found[1], found[0], 1e-5)


def test_another_rotation_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modeling_llama, "apply_rotary_pos_emb", lambda q, k, cos, sin: (q * cos[:, None], k))
    assert "another way" in rotary.use(random_model("llama"))


@pytest.mark.parametrize("end_to_end", [False, True])
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "opt"])
def test_the_last_layer_is_left_out_where_nothing_reads_it(
    family: str, end_to_end: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_LEAST_NUMBERS", 0)
    model = lively(adapters.attach(random_model(family, **STILL), AdapterSpec(r=4))).train()
    for path in (lora, projections, mlp):
        path.use(model)
    inner = model.get_base_model()
    shape, lengths = ((1, 200), (70, 130)) if end_to_end else ((2, 12), None)
    if end_to_end:
        attention.use(inner)
    passes = {name: getattr(module, "forward", None) for name, module in model.named_modules()}
    assert tail.refusal(inner) == ""
    ids = torch.randint(3, 300, shape, generator=torch.Generator().manual_seed(2))
    keep = torch.zeros(shape, dtype=torch.bool)
    keep[0, 5:9] = keep[-1, -1] = True
    options: dict[str, Any] = {}
    if lengths:
        options["segments"] = tuple(map(Segment, lengths))
        options["position_ids"] = torch.cat([torch.arange(n) for n in lengths])[None]
    found = []
    for trimmed in (False, True):
        model.zero_grad()
        with tail.only(inner, keep, keep.flatten().nonzero()[:, 0]) if trimmed else nullcontext():
            logits = model(input_ids=ids, use_cache=False, **options).logits[keep]
        logits.pow(2).mean().backward()
        found.append([logits.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
    assert_same(found[1], found[0])
    assert {name: getattr(module, "forward", None) for name, module in model.named_modules()} == passes


def test_the_last_layer_computes_no_query_that_is_not_read() -> None:
    model = adapters.attach(random_model("llama"), AdapterSpec(r=4))
    keep = torch.zeros(1, 12, dtype=torch.bool)
    keep[0, 7:] = True
    seen: dict[str, int] = {}
    layer = model.get_base_model().model.layers[-1]
    for name, module in [*layer.self_attn.named_children(), *layer.mlp.named_children()]:
        if isinstance(module, LoraLayer):
            base = module.get_base_layer()
            base.register_forward_pre_hook(lambda _, x, name=name: seen.update({name: x[0].shape[1]}))
    with tail.only(model.get_base_model(), keep, keep.flatten().nonzero()[:, 0]):
        model(input_ids=torch.arange(12)[None], use_cache=False)
    read = dict.fromkeys(("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"), 5)
    assert seen == read | {"k_proj": 12, "v_proj": 12}


def test_where_the_last_layer_cannot_be_trimmed_it_says_why() -> None:
    assert "no MLP" in tail.refusal(random_model("opt"))
    model = random_model("llama")
    model.activation_checkpointing_enable()
    assert "again" in tail.refusal(model)


@pytest.mark.parametrize(
    ("family", "setting"), [("olmoe", {"clip_qkv": 0.5}), ("mixtral", {"router_jitter_noise": 0.1})]
)
def test_norms_whose_result_is_changed_in_place_are_left_and_named(family: str, setting: dict[str, float]) -> None:
    model = lively(adapters.attach(random_model(family, **STILL, **MIXED, **setting), AdapterSpec(r=4))).train()
    for path in (lora, projections, rotary):
        assert path.use(model) == ""
    assert norms.use(model).endswith("gives is changed in place")
    model(input_ids=IDS).logits.sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    rotary.undo(model)
