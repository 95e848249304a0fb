"""Products by another library: the same numbers, and no memory kept for each size of them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine import products

product = products._product
_SIZES = st.integers(1, 200)
_LEAST = st.sampled_from([1, 2**20])

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")

# What a run's passes do: hardly two have as many tokens.
_MANY_SIZES = """
import psutil
from studio.engine import products
import torch
products.onednn_is_faster = lambda: True
torch.set_num_threads(1)
weight = torch.randn(1408, 512)
for rows in range(200, 360):
    products.linear(torch.randn(rows, 512), weight)
    if rows == 230:
        before = psutil.Process().memory_info().rss
print((psutil.Process().memory_info().rss - before) // 2**20)
"""


@given(rows=st.integers(0, 300), width=_SIZES, out=_SIZES, bias=st.booleans(), faster=st.booleans(), least=_LEAST)
@settings(max_examples=80)
def test_products_are_those_of_double_precision(
    rows: int, width: int, out: int, bias: bool, faster: bool, least: int
) -> None:
    torch.manual_seed(rows)
    x, weight, g = torch.randn(rows, width), torch.randn(out, width), torch.randn(rows, out)
    b, onto = torch.randn(out) if bias else None, torch.randn(rows, width)
    forward = x.double() @ weight.double().t() + (0 if b is None else b.double())
    backward = g.double() @ weight.double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "onednn_is_faster", lambda: faster)
        patch.setattr(products, "_LEAST_MULTIPLICATIONS", least)
        near(products.linear(x, weight, b), forward)
        near(products.linear(x, weight.t().contiguous().t(), b), forward)
        near(products.back(g, weight), backward)
        assert torch.equal(products.back(g, weight), products.back(g, weight))
        expected = onto.double() + backward
        assert products.back(g, weight, onto) is onto
        near(onto, expected)


@given(rows=st.integers(0, 300), rank=st.integers(1, 80), out=_SIZES, part=st.booleans(), faster=st.booleans())
@settings(max_examples=80)
def test_narrow_products_are_those_of_double_precision(
    rows: int, rank: int, out: int, part: bool, faster: bool
) -> None:
    torch.manual_seed(rows)
    low, wide, g = torch.randn(rows, rank), torch.randn(rank, out), torch.randn(rows, out)
    if part:  # columns of a wider one, as where layers share a product
        low = torch.cat([low, low], 1)[:, rank:]
    total = torch.randn(rows, out)
    across, sums = low.double().t() @ g.double(), total.double() + 0.5 * low.double() @ wide.double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "onednn_is_faster", lambda: faster)
        patch.setattr(products, "_LEAST_MULTIPLICATIONS", 1)
        near(products.across(low, g), across)
        for laid_out in (wide, wide.t().contiguous().t()):
            added = total.clone()
            assert products.onto(added, low, laid_out, 0.5) is added
            near(added, sums)


def near(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.dtype == torch.float32
    assert found.is_contiguous()
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)


@given(
    rows=st.integers(0, 1100),
    width=_SIZES,
    out=_SIZES,
    bias=st.booleans(),
    turned=st.booleans(),
    laid_out_for=st.sampled_from([1, 16, 200, 960, 8192]),
    least=_LEAST,
)
@settings(max_examples=60, deadline=None)
def test_a_weight_laid_out_beforehand_gives_the_same_bits(
    rows: int, width: int, out: int, bias: bool, turned: bool, laid_out_for: int, least: int
) -> None:
    torch.manual_seed(rows)
    x, g, b = torch.randn(rows, width), torch.randn(rows, out), torch.randn(out) if bias else None
    weight = torch.randn(width, out).t() if turned else torch.randn(out, width)
    onto = torch.randn(rows, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "onednn_is_faster", lambda: True)
        layout = products.packed(weight, laid_out_for)
        patch.setattr(products, "_LEAST_MULTIPLICATIONS", least)
        assert torch.equal(products.linear(x, weight, b, layout), products.linear(x, weight, b))
        assert torch.equal(products.back(g, weight, None, layout), products.back(g, weight))
        assert torch.equal(products.back(g, weight, onto.clone(), layout), products.back(g, weight, onto.clone()))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sizes", [(2048, 2048), (5632, 1024), (1024, 5632), (256, 2048)])
def test_so_do_weights_of_real_sizes_with_any_number_of_threads(
    sizes: tuple[int, int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    torch.manual_seed(0)
    weight, before = torch.randn(sizes), torch.get_num_threads()
    layout = products.packed(weight, 960)
    torch.set_num_threads(threads)
    try:
        for rows in (1, 2, 3, 8, 31, 128, 129, 500, 960):
            x, g = torch.randn(rows, sizes[1]), torch.randn(rows, sizes[0])
            assert torch.equal(products.linear(x, weight, None, layout), products.linear(x, weight))
            assert torch.equal(products.back(g, weight, None, layout), products.back(g, weight))
    finally:
        torch.set_num_threads(before)


def test_what_onednn_does_not_take_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    x, weight = torch.randn(300, 40), torch.randn(20, 40)
    for other in (x.bfloat16(), x.double()):
        assert torch.equal(products.linear(other, weight.to(other.dtype)), other @ weight.to(other.dtype).t())
    narrow = torch.randn(40, 300).t()
    assert torch.equal(products.linear(narrow, weight), narrow @ weight.t())


def test_a_model_answers_by_the_same_function_and_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)

    def noted(x: torch.Tensor, *others: Any) -> torch.Tensor:
        asked.append(len(x))
        return product(x, *others)

    monkeypatch.setattr(products, "_product", noted)
    torch.manual_seed(0)
    narrow, wide = torch.nn.Linear(16, 64), torch.nn.Linear(64, 16_384)
    model, x = torch.nn.Sequential(narrow, wide), torch.randn(2, 3, 16)
    with torch.no_grad():
        expected = model(x)
        with products.answering(model):
            torch.testing.assert_close(model(x), expected, rtol=1e-5, atol=1e-5)
            assert model(x[:, :0]).shape == (2, 0, 16_384)
            with products.answering(model):
                model(x)
            model(x)
        assert asked == [6, 6, 6]
        assert torch.equal(model(x), expected)
        assert asked == [6, 6, 6]


def test_what_learns_has_its_gradients_while_a_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    model, x = torch.nn.Linear(256, 4096), torch.randn(8, 256, requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None
    expected = x.grad.clone()
    x.grad.zero_()
    with products.answering(model):
        model(x).sum().backward()
    assert torch.equal(x.grad, expected)


@pytest.mark.parametrize("left", ["half", "its_own"])
def test_what_is_no_plain_layer_in_float32_is_left(left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    model: Any = torch.nn.Linear(256, 4096)
    if left == "half":
        model = model.bfloat16()
    else:
        model.forward = model.forward
    before = vars(model).get("forward")
    with products.answering(model):
        assert vars(model).get("forward") is before
    assert vars(model).get("forward") is before


@pytest.fixture
def asked_anew() -> Iterator[None]:
    products.onednn_is_faster.cache_clear()
    yield
    products.onednn_is_faster.cache_clear()


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize(
    ("processor", "faster"),
    [
        ({"cpu_name": "AMD EPYC 9654", "avx512_f": True}, True),
        ({"cpu_name": "AMD EPYC 7763", "avx512_f": False}, False),
        ({"cpu_name": "Intel(R) Xeon(R) Platinum 8480", "avx512_f": True}, False),
        ({}, False),
    ],
)
def test_it_is_taken_where_it_was_measured(
    processor: dict[str, Any], faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor, raising=False)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    assert products.onednn_is_faster() is faster


def test_no_code_is_kept_for_sizes_long_gone() -> None:
    environment = {name: value for name, value in os.environ.items() if "CACHE_CAPACITY" not in name}
    words = [sys.executable, "-c", _MANY_SIZES]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 30
