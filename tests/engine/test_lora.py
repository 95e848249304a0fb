"""LoRA's passes written out: the same numbers and gradients as PEFT's, in every family and way to hold the base."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer

from studio.core.config import AdapterSpec, ModelSpec
from studio.engine import adapters, lora, products
from studio.engine.model import load_base
from tests.models import FAMILIES, random_model, tiny

_CPU = torch.device("cpu")

CPU = torch.device("cpu")
IDS = torch.randint(3, 300, (2, 17), generator=torch.Generator().manual_seed(1))


def lively(model: torch.nn.Module) -> Any:
    """Gives the adapter weights that do something; at the start B is zero."""
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return model


def results(model: Any, seed: int = 0, ids: torch.Tensor = IDS) -> list[torch.Tensor]:
    """Returns the logits, then every gradient, of a training pass that draws from `seed`."""
    model.zero_grad()
    torch.manual_seed(seed)
    logits = model(input_ids=ids, use_cache=False).logits
    logits.float().pow(2).mean().backward()
    return [logits.detach(), *(p.grad for p in model.parameters() if p.grad is not None)]


def assert_same(found: list[torch.Tensor], expected: list[torch.Tensor], rtol: float = 1e-5) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=rtol, atol=rtol * float(other.abs().max()))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_computes_the_same(family: str) -> None:
    still = {"attention_dropout": 0.0, "dropout": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    model = lively(adapters.attach(random_model(family, **still), AdapterSpec(r=4, lora_alpha=8))).train()
    expected = results(model)
    assert lora.use(model) == ""
    assert_same(results(model), expected)
    lora.undo(model)
    assert not any("forward" in vars(module) for module in model.modules())


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_base_laid_out_beforehand_computes_the_same_bits(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(products, "_LEAST_MULTIPLICATIONS", 1)
    model = lively(adapters.attach(random_model(family), AdapterSpec(r=4))).train()
    ids = torch.randint(3, 300, (2, 90), generator=torch.Generator().manual_seed(1))
    lora.use(model)
    expected = results(model, ids=ids)
    bases = lora.packable(model, _CPU)
    assert len(bases) == sum(isinstance(module, LoraLayer) for module in model.modules()) > 3
    lora.pack(bases, 200)
    for base in bases:
        # Nothing reads them any more.
        base.weight.fill_(torch.nan)
    found = results(model, ids=ids)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    lora.undo(model)
    assert lora.use(model) == ""
    assert results(model, ids=ids)[0].isnan().any()


def test_only_frozen_bases_in_float32_are_laid_out_and_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: False)
    model = adapters.attach(random_model("llama"), AdapterSpec(r=4))
    assert lora.packable(model, _CPU) == []
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    assert lora.packable(model, _CPU) != []
    frozen = lora.packable(model, _CPU)
    frozen[0].weight.requires_grad_(True)
    assert lora.packable(model, _CPU) == frozen[1:]
    assert lora.packable(model.bfloat16(), _CPU) == []
    assert lora.packable(adapters.attach(random_model("llama"), AdapterSpec(r=4, use_dora=True)), _CPU) == []


def test_without_its_adapter_a_layer_is_its_base_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(products, "_LEAST_MULTIPLICATIONS", 1)
    model = lively(adapters.attach(random_model("llama"), AdapterSpec(r=4, lora_dropout=0.5))).train()
    product, bases = lora.product, list[Any]()

    def noting(x: torch.Tensor, base: Any) -> torch.Tensor:
        bases.append(base)
        return product(x, base)

    monkeypatch.setattr(lora, "product", noting)
    with torch.no_grad(), model.disable_adapter():
        expected = model(input_ids=IDS).logits
        lora.use(model)
        assert not bases
        torch.testing.assert_close(model(input_ids=IDS).logits, expected)
        assert len(bases) == len(lora.packable(model, _CPU))
    # A pass whose gradients are asked for is PEFT's, and so is one with the adapter in the base.
    bases.clear()
    with model.disable_adapter():
        model.get_input_embeddings().weight.requires_grad_(True)
        model(input_ids=IDS).logits.sum().backward()
    assert model.get_input_embeddings().weight.grad.abs().sum() > 0
    model.merge_adapter()
    with torch.no_grad():
        model(input_ids=IDS)
    assert not bases


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    rank=st.integers(1, 4),
    bias=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_random_layers_have_the_same_gradients(shape: list[int], sizes: tuple[int, int], rank: int, bias: bool) -> None:
    torch.manual_seed(0)
    inner = torch.nn.Sequential(torch.nn.Linear(*sizes, bias=bias))
    model = lively(get_peft_model(inner, LoraConfig(r=rank, target_modules=["0"]))).double()
    x = torch.randn(*shape, sizes[0], dtype=torch.float64, requires_grad=True)
    found = []
    for use in (False, True):
        if use:
            assert lora.use(model) == ""
        model.zero_grad()
        x.grad = None
        (model(x) * torch.linspace(-1, 1, sizes[1], dtype=torch.float64)).sum().backward()
        found.append([p.grad for p in (x, *model.parameters()) if p.grad is not None])
    assert_same(found[1], found[0], 1e-10)


def test_dropout_scales_and_drops_in_both_directions() -> None:
    model: Any = lively(adapters.attach(random_model("llama"), AdapterSpec(r=4, lora_dropout=0.5))).train()
    lora.use(model)
    first, again, other = results(model), results(model), results(model, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    layer: Any = next(module for module in model.modules() if isinstance(module, LoraLayer))
    x = torch.randn(3, 32, requires_grad=True)
    numeric = []
    for step in (0.0, 1e-2):
        torch.manual_seed(5)
        numeric.append(layer(x + step * torch.eye(32)[0]).sum())
    torch.manual_seed(5)
    layer(x).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad[:, 0].sum(), (numeric[1] - numeric[0]).detach() / 1e-2, rtol=1e-2, atol=1e-3)
    model.eval()
    dropping = results(model)
    lora.undo(model)
    assert_same(dropping, results(model))


def test_quantized_bases_are_dequantized_and_others_left_to_peft(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama", hidden_size=64)
    for quantization, taken in (("nf4", True), ("8bit", False)):
        base = load_base(folder, ModelSpec(quantization=quantization, dtype="float32"), CPU)  # type: ignore[arg-type]
        model = lively(adapters.attach(base, AdapterSpec(r=4))).train()
        expected = results(model)
        assert (lora.use(model) == "") == taken
        assert_same(results(model), expected, 1e-4)


def test_half_precision_is_computed_as_autocast_does() -> None:
    model = lively(adapters.attach(random_model("llama").bfloat16(), AdapterSpec(r=4))).train()
    found = []
    for use in (False, True):
        if use:
            lora.use(model)
        with torch.autocast("cpu", torch.bfloat16):
            found.append(results(model))
    assert_same(found[1], found[0], 0.1)


@pytest.mark.parametrize(
    ("spec", "words"),
    [({"use_dora": True}, "DoRA"), ({"bias": "lora_only"}, "biases"), ({"method": "full"}, "no adapter")],
)
def test_what_it_cannot_do_is_left_to_peft(spec: dict[str, Any], words: str) -> None:
    model = adapters.attach(random_model("qwen2"), AdapterSpec(r=4, **spec))
    assert words in lora.use(model)


def test_an_adapter_that_is_off_computes_the_base() -> None:
    base = random_model("llama")
    with torch.no_grad():
        expected = base(input_ids=IDS).logits
        model = lively(adapters.attach(base, AdapterSpec(r=4)))
        lora.use(model)
        assert not torch.allclose(model(input_ids=IDS).logits, expected)
        with model.disable_adapter():
            torch.testing.assert_close(model(input_ids=IDS).logits, expected)
