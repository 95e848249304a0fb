"""Several adapters in one pass compute what each computes alone."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from peft.tuners.lora import LoraLayer

from studio.core.config import ModelSpec
from studio.engine import generate
from studio.engine.columns import UnmixableError, refusals, side_by_side
from studio.engine.generate import Sampling, compare
from studio.engine.model import load_base, load_tokenizer
from tests.engine.test_generate import ASK, CPU, DRAWN, adapter, base, loaded
from tests.models import tiny

SPECS: list[dict[str, Any]] = [
    {},
    {"r": 2, "target_modules": ["q_proj", "v_proj"]},
    {"r": 8, "use_rslora": True},
    {"rank_pattern": {"q_proj": 6}},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("llama", tmp_path_factory.mktemp("tiny") / "llama")


@pytest.fixture(scope="module")
def places(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("adapters")
    return [adapter(folder, place / str(at), at, **spec) for at, spec in enumerate(SPECS)]


@pytest.fixture(scope="module")
def model(folder: Path, places: list[Path]) -> Any:
    return loaded(base(folder), places)


NAMES = some.lists(some.sampled_from([None, "a0", "a1", "a2", "a3"]), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(names=NAMES, length=some.integers(1, 9), seed=some.integers(0, 99))
def test_each_row_is_what_its_adapter_computes(model: Any, names: list[str | None], length: int, seed: int) -> None:
    ids = torch.randint(0, 300, (len(names), length), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad(), side_by_side(model, names):
        together = model.get_base_model()(ids).logits
    for row, name in enumerate(names):
        with torch.no_grad(), generate._only(model, name):
            alone = model.get_base_model()(ids[row : row + 1]).logits[0]
        assert float((together[row] - alone).norm()) <= 1e-5 * float(alone.norm())


def test_rows_that_go_on_keep_their_adapters(model: Any) -> None:
    ids = torch.arange(12).reshape(4, 3)
    with torch.no_grad(), side_by_side(model, ["a0", None, "a1", "a2"]) as rows:
        before = model.get_base_model()(ids).logits
        rows.keep(torch.tensor([1, 3]))
        after = model.get_base_model()(ids[[1, 3]]).logits
    torch.testing.assert_close(after, before[[1, 3]])


def test_layers_are_as_they_were_afterwards(model: Any) -> None:
    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    layers[0].forward = before = layers[0].forward
    with suppress(KeyboardInterrupt), side_by_side(model, [None]):
        assert layers[0].forward is not before
        raise KeyboardInterrupt
    assert vars(layers[0]).pop("forward") is before
    assert all("forward" not in vars(layer) for layer in layers)


def test_single_tokens_are_never_taken_for_rows(model: Any) -> None:
    layer = model.get_base_model().model.layers[0].self_attn.q_proj
    with torch.no_grad(), side_by_side(model, [None, "a0"]):
        layer(torch.zeros(2, 5, 32))
        with pytest.raises(UnmixableError, match="gets tokens, not rows"):
            layer(torch.zeros(2, 32))  # these may be two tokens of one row
    with torch.no_grad(), side_by_side(model, ["a0"]):
        layer(torch.zeros(2, 32))


@pytest.mark.parametrize("sampling", [Sampling(max_new_tokens=12), DRAWN], ids=["greedy", "drawn"])
@pytest.mark.parametrize("family", ["gpt2", "gemma3", "mixtral", "opt", "gpt_neox", "phi3", "qwen3"])
def test_families_answer_in_company_as_alone(family: str, sampling: Sampling, tmp_path: Path) -> None:
    folder = tiny(family, tmp_path / "m")
    encoder = generate.encoder_for(load_tokenizer(folder))
    paths = [adapter(folder, tmp_path / str(seed), seed) for seed in range(2)]
    together = compare(loaded(base(folder), paths), encoder, ASK, [None, "a0", "a1"], sampling)
    alone = [generate.answer(base(folder), encoder, ASK, sampling)]
    alone += [generate.answer(loaded(base(folder), [path]), encoder, ASK, sampling) for path in paths]
    assert [item.text for item in together] == alone


@pytest.mark.parametrize("quantization", ["nf4", "8bit"])
def test_quantized_bases_answer_in_company_as_alone(
    quantization: Any, folder: Path, places: list[Path], capfd: pytest.CaptureFixture[str]
) -> None:
    spec = ModelSpec(path=str(folder), dtype="float32", quantization=quantization)
    model = loaded(load_base(folder, spec, CPU), places[:2])
    encoder = generate.encoder_for(load_tokenizer(folder))
    for sampling in (Sampling(max_new_tokens=8), Sampling(max_new_tokens=8, temperature=1.0)):
        together = compare(model, encoder, ASK, [None, "a0", "a1"], sampling)
        alone = [compare(model, encoder, ASK, [name], sampling)[0] for name in (None, "a0", "a1")]
        assert [item.text for item in together] == [item.text for item in alone]
    said = "8-bit layers treat outliers of all rows together"
    assert refusals(model, ["a0"]) == ({"a0": said} if quantization == "8bit" else {})
    assert (said in capfd.readouterr().err) == (quantization == "8bit"), "a slower way is told of in the log"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"target_modules": ["embed_tokens", "q_proj"]}, "embeddings"),
    ],
    ids=["dora", "modules_to_save", "embedding"],
)
def test_what_cannot_be_mixed_says_why(folder: Path, tmp_path: Path, given: dict[str, Any], reason: str) -> None:
    model = loaded(base(folder), [adapter(folder, tmp_path / "odd", 5, **given)])
    assert reason in refusals(model, ["a0"])["a0"]
