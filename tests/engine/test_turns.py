"""What was read is kept between turns: the same answers, and only what is new is computed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.engine import generate
from studio.engine.generate import Sampling, compare
from studio.engine.model import load_tokenizer
from studio.engine.turns import Turns
from tests.engine.test_generate import adapter, base, loaded
from tests.models import tiny

GREEDY = Sampling(max_new_tokens=8)


def conversation(*said: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(said)]


def fed(model: Any) -> list[int]:
    """Returns a list that gets the number of tokens of each pass from now on."""
    counts: list[int] = []
    model.get_input_embeddings().register_forward_hook(lambda module, inputs, out: counts.append(inputs[0].shape[1]))
    return counts


@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox", "opt", "qwen3", "gemma3"])
def test_later_turns_are_answered_the_same_and_read_only_what_is_new(family: str, tmp_path: Path) -> None:
    model = base(tiny(family, tmp_path / family))
    encoder = generate.encoder_for(load_tokenizer(tmp_path / family))
    turns, said = Turns(), ["What is the capital of France?"]
    for following in ("And of the small world?", "Sorry for the trouble."):
        (told,) = compare(model, encoder, conversation(*said), [None], GREEDY, turns=turns)
        (afresh,) = compare(model, encoder, conversation(*said), [None], GREEDY)
        assert told.text == afresh.text
        said += ["The order arrived late", following]
    counts = fed(model)
    compare(model, encoder, conversation(*said), [None], GREEDY, turns=turns)
    whole = len(encoder.prompt(conversation(*said)))
    # Layers with a sliding window cannot go back, so nothing is kept of such a model.
    assert counts[0] == whole if family == "gemma3" else counts[0] < whole / 2


def test_columns_side_by_side_go_on_each_from_its_own(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    model = loaded(base(folder), [adapter(folder, tmp_path / "a", 1), adapter(folder, tmp_path / "b", 2)])
    encoder, turns = generate.encoder_for(load_tokenizer(folder)), Turns()
    first = conversation("What is the capital of France?")
    second = [*first, *conversation("", "Paris", "And of the small world?")[1:]]
    for messages in (first, second):
        for columns in ([None, "a0", "a1"], ["a1", None]):
            together = compare(model, encoder, messages, columns, GREEDY, turns=turns)
            afresh = compare(model, encoder, messages, columns, GREEDY)
            assert [item.text for item in together] == [item.text for item in afresh]


def test_an_answer_that_breaks_off_leaves_nothing_half_written(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    model, encoder, turns = base(folder), generate.encoder_for(load_tokenizer(folder)), Turns()
    messages = conversation("What is the capital of France?")

    def break_off(column: int, text: str) -> None:
        raise KeyboardInterrupt

    expected = compare(model, encoder, messages, [None], GREEDY, turns=turns)
    with pytest.raises(KeyboardInterrupt):
        compare(model, encoder, messages, [None], GREEDY, on_text=break_off, turns=turns)
    assert compare(model, encoder, messages, [None], GREEDY, turns=turns)[0].text == expected[0].text


def test_only_a_few_conversations_are_kept() -> None:
    turns = Turns()
    model: Any = torch.nn.Module()
    model.layers = []
    for number in range(6):
        turns.keep((f"a{number}",), torch.zeros(1, 3), model)
    assert len(turns._kept) == 4
