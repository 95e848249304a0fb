"""The base that stays loaded: held alike whatever the order of its adapters, and with none whose weights changed."""

from pathlib import Path
from typing import Any

import pytest

from studio.core import desk, library
from studio.core.config import DataSpec, ModelSpec, RunConfig, to_dict
from studio.core.errors import StudioError
from studio.core.library import Base, Entry
from studio.engine.generate import Sampling
from studio.engine.loaded import Loaded
from tests.desks import ASK, random_adapter
from tests.models import tiny


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny("llama", tmp_path / "llama")


def entered(model: Path, seed: int, held: ModelSpec, **settings: Any) -> Entry:
    config = to_dict(RunConfig(model=held, data=DataSpec(path="x.jsonl")))
    folder = random_adapter(model, model.parent / f"made-{seed}", seed, **settings)
    return library.add(folder, title=f"a{seed}", base=Base(path=str(model)), config=config)


def ask(*names: str) -> desk.Answer:
    return desk.Answer(adapters=[None, *names], messages=ASK)


def ignored(phase: str, done: int, total: int) -> None:
    pass


def test_the_order_of_adapters_decides_nothing(model: Path) -> None:
    for seed, held in enumerate((ModelSpec(quantization="nf4"), ModelSpec(), ModelSpec(quantization="nf4"))):
        entered(model, seed, held)
    loaded = Loaded()
    for names, quantization in (("a0", "a1"), "none"), (("a1", "a0"), "none"), (("a2", "a0"), "nf4"), (("a1",), "none"):
        assert loaded.prepare(ask(*names), ignored).spec.quantization == quantization
    loaded.drop()


def test_weights_that_changed_do_not_answer(model: Path) -> None:
    weights = entered(model, 0, ModelSpec()).folder / library.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(StudioError, match="has changed since it was added") as caught:
        Loaded().prepare(ask("a0"), ignored)
    assert caught.value.reason == "adapter"


def test_an_adapter_of_what_another_has_a_copy_of_answers_by_itself(model: Path) -> None:
    entered(model, 0, ModelSpec(), target_modules=["v_proj"], modules_to_save=["mlp"])
    entered(model, 1, ModelSpec(), target_modules=["gate_proj", "down_proj"])
    loaded, messages = Loaded(), [{"role": "user", "content": "order late"}]

    def texts(*names: str) -> list[str]:
        wanted = loaded.prepare(ask(*names), ignored)
        answers = loaded.answer(wanted, messages, Sampling(max_new_tokens=12), ignored, lambda column, text: None)
        return [answer.text for answer in answers]

    base, second = texts("a1")
    assert texts("a0", "a1") == [base, texts("a0")[1], second]
    assert texts("a1") == [base, second]
    assert second != base
    loaded.drop()
