"""Frozen layers by the faster library: the same function and gradients, and nothing else is touched."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from studio.core.config import AdapterSpec
from studio.engine import adapters, frozen, lora, products
from tests.engine.test_lora import results
from tests.models import random_model


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(products, "_LEAST_MULTIPLICATIONS", 1)
    monkeypatch.setattr(products, "_LEAST_NUMBERS", 1)


def layer(bias: bool = True) -> nn.Linear:
    return nn.Linear(24, 40, bias=bias).requires_grad_(False)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 24), (2, 3, 24), (0, 24), (1, 24)])
def test_a_layer_is_the_same_function_with_the_same_gradients(bias: bool, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    made, x = layer(bias), torch.randn(shape, requires_grad=True)
    kept = nn.Sequential(made)
    expected = kept(x)
    g = torch.randn_like(expected)
    (for_x,) = torch.autograd.grad(expected, x, g)
    assert frozen.use(kept) == ""
    found = kept(x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.autograd.grad(found, x, g)[0], for_x, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(kept(x.detach()), expected, rtol=1e-5, atol=1e-5)
    frozen.undo(kept)
    assert "forward" not in vars(made)


def test_a_copy_computes_with_its_own_weights() -> None:
    made = nn.Sequential(layer())
    frozen.use(made)
    copied: Any = copy.deepcopy(made)
    copied[0].weight.zero_()
    copied[0].bias.zero_()
    x = torch.randn(5, 24)
    assert not copied(x).any()
    assert made(x).all()


def test_what_learns_or_is_in_half_precision_is_left() -> None:
    learns, biased, half = layer(), layer(), layer().bfloat16()
    learns.weight.requires_grad_(True)
    assert biased.bias is not None
    biased.bias.requires_grad_(True)
    frozen.use(nn.ModuleList([learns, biased, half]))
    assert not any("forward" in vars(one) for one in (learns, biased, half))
    made = layer()
    frozen.use(nn.ModuleList([made]))
    with torch.autocast("cpu", torch.bfloat16):
        assert made(torch.randn(3, 24)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["q_proj"]},
        {"use_dora": True},
        {"method": "ia3"},
        {"method": "vera", "r": 4},
        {"method": "loha", "r": 4},
        {"method": "oft", "oft_block_size": 8},
    ],
)
def test_a_model_learns_the_same(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    model = adapters.attach(
        random_model("llama"), AdapterSpec(**{"r": 4} | settings if "method" not in settings else settings)
    )
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += torch.randn_like(parameter) * 0.05
    ids = torch.randint(3, 300, (2, 40), generator=torch.Generator().manual_seed(1))
    expected = results(model, ids=ids)
    lora.use(model)
    frozen.use(model)
    asked = list[int]()
    product = products._product

    def noted(x: torch.Tensor, *others: Any) -> torch.Tensor:
        asked.append(len(x))
        return product(x, *others)

    monkeypatch.setattr(products, "_product", noted)
    found = results(model, ids=ids)
    assert asked
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    frozen.undo(model)
    lora.undo(model)
    assert all(torch.equal(one, other) for one, other in zip(results(model, ids=ids), expected, strict=True))
