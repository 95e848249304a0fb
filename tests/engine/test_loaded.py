"""The base that stays loaded: held alike whatever the order of its adapters, and with none whose weights changed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core import desk, library
from studio.core.config import DataSpec, ModelSpec, RunConfig, to_dict
from studio.core.errors import StudioError
from studio.core.library import Base, Entry
from studio.engine import mixing
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
        assert loaded.find(ask(*names), ignored).spec.quantization == quantization
    loaded.drop()


def test_weights_that_changed_do_not_answer(model: Path) -> None:
    weights = entered(model, 0, ModelSpec()).folder / library.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(StudioError, match="has changed since it was added") as caught:
        Loaded().find(ask("a0"), ignored)
    assert caught.value.reason == "adapter"


def test_an_adapter_of_what_another_has_a_copy_of_answers_by_itself(model: Path) -> None:
    entered(model, 0, ModelSpec(), target_modules=["v_proj"], modules_to_save=["mlp"])
    entered(model, 1, ModelSpec(), target_modules=["gate_proj", "down_proj"])
    loaded, messages = Loaded(), [{"role": "user", "content": "order late"}]

    def texts(*names: str) -> list[str]:
        wanted = loaded.find(ask(*names), ignored)
        answers = loaded.answer(wanted, messages, Sampling(max_new_tokens=12), ignored, lambda column, text: None)
        return [answer.text for answer in answers]

    base, second = texts("a1")
    assert texts("a0", "a1") == [base, texts("a0")[1], second]
    assert texts("a1") == [base, second]
    assert second != base
    loaded.drop()


def weighed(strength: float, *names: str) -> desk.Answer:
    return desk.Answer(adapters=[None, *names], strengths=[1.0, *[strength] * len(names)], messages=ASK)


def losses(loaded: Loaded, request: desk.Answer) -> list[list[float]]:
    """Returns what each column makes of a text's tokens."""
    wanted = loaded.find(request, ignored)
    encoded = loaded._encoder(wanted, None).encode(
        {"prompt": "order late", "completion": "open box"}, "prompt_completion"
    )
    return [scored.losses[1:].tolist() for scored in loaded.score(wanted, encoded, ignored)]


@pytest.mark.parametrize("settings", [{}, {"use_rslora": True, "rank_pattern": {"q_proj": 2}}], ids=["plain", "odd"])
def test_an_adapter_is_the_base_at_0_itself_at_1_and_its_mix_in_between(model: Path, settings: dict[str, Any]) -> None:
    first, second = entered(model, 0, ModelSpec(), **settings), entered(model, 1, ModelSpec())
    half = library.add(halved(first, model.parent / "half"), title="half", base=Base(path=str(model)))
    loaded = Loaded()
    base, whole, other = losses(loaded, ask(first.name, second.name))
    assert losses(loaded, weighed(0, first.name, second.name)) == [base, base, base]
    _, weak, mixed = losses(loaded, replace(weighed(0.5, first.name, half.name), strengths=[1.0, 0.5, 1.0]))
    assert weak == pytest.approx(mixed, rel=1e-5)
    assert weak != pytest.approx(whole, rel=1e-3)
    assert losses(loaded, replace(ask(first.name, second.name), strengths=[1.0, 0.0, 1.0])) == [base, base, other]
    assert losses(loaded, ask(first.name, second.name)) == [base, whole, other], (
        "full strength again where none is said"
    )
    loaded.drop()


def halved(entry: Entry, folder: Path) -> Path:
    mixing.mix([(entry, 0.5)], folder)
    return folder


def test_a_conversation_goes_on_with_another_strength_as_if_it_had_begun_with_it(model: Path) -> None:
    entered(model, 0, ModelSpec())
    said = [{"role": "user", "content": "order late box " * 12}]

    def answered(loaded: Loaded, strength: float) -> str:
        wanted = loaded.find(replace(weighed(strength, "a0"), adapters=["a0"], strengths=[strength]), ignored)
        answers = loaded.answer(wanted, said, Sampling(max_new_tokens=12), ignored, lambda column, text: None)
        return answers[0].text

    fresh = {strength: answered(Loaded(), strength) for strength in (0.0, 0.4, 1.0)}
    assert len(set(fresh.values())) == 3
    loaded = Loaded()
    for strength in (1.0, 0.4, 0.0, 0.4, 1.0):
        assert answered(loaded, strength) == fresh[strength]
    loaded.drop()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "is a DoRA"),
        ({"bias": "all"}, "changes biases"),
        ({"target_modules": ["v_proj"], "modules_to_save": ["mlp"]}, "has modules trained whole"),
    ],
)
def test_what_is_more_than_a_sum_of_products_acts_as_it_was_trained(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    model = tiny("llama", tmp_path / "llama", attention_bias=True)
    entered(model, 0, ModelSpec(), **settings)
    assert Loaded().find(weighed(1.0, "a0"), ignored).strengths == [1.0, 1.0]
    with pytest.raises(StudioError, match=said) as told:
        Loaded().find(weighed(0.5, "a0"), ignored)
    assert told.value.hint == "Leave its strength at 1."


def test_strengths_that_say_no_one_thing_are_refused(model: Path) -> None:
    entered(model, 0, ModelSpec())
    with pytest.raises(StudioError, match="Not every column has a strength"):
        Loaded().find(replace(ask("a0"), strengths=[0.5]), ignored)
    with pytest.raises(StudioError, match="two strengths at once"):
        Loaded().find(replace(ask("a0", "a0"), strengths=[1.0, 0.5, 0.25]), ignored)


def test_adapters_of_experts_answer_beside_others_as_by_themselves(tmp_path: Path) -> None:
    model = tiny("mixtral", tmp_path / "mixtral")
    for seed, named in enumerate(([], ["experts"], ["experts"], ["experts.down_proj"])):
        entered(model, seed, ModelSpec(), target_parameters=named)
    messages = [{"role": "user", "content": "order late"}]

    def texts(loaded: Loaded, *names: str) -> list[str]:
        wanted = loaded.find(ask(*names), ignored)
        answers = loaded.answer(wanted, messages, Sampling(max_new_tokens=12), ignored, lambda column, text: None)
        return [answer.text for answer in answers]

    names = ["a0", "a1", "a2", "a3"]
    alone = [texts(Loaded(), name) for name in names]
    expected = [alone[0][0], *(second for _, second in alone)]
    assert len(set(expected)) == 5
    together = Loaded()
    assert texts(together, *names) == expected
    assert texts(together, *reversed(names)) == [expected[0], *reversed(expected[1:])]
