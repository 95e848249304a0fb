"""Answers: prompted as in training, in whole characters, ended where they end, the same in company as alone."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel

from studio.core import library
from studio.core.config import AdapterSpec, DataSpec, ModelSpec
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.engine import adapters, generate
from studio.engine.generate import Sampling, answer, compare
from studio.engine.labels import Encoder, make_encoder
from studio.engine.model import load_base, load_tokenizer
from studio.engine.templates import ALPACA
from tests.models import CHATML, FAMILIES, tiny
from tests.training import config, trained

CPU = torch.device("cpu")
ASK = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY = Sampling(max_new_tokens=12)
DRAWN = Sampling(max_new_tokens=12, temperature=1.0, seed=3)


def base(folder: Path) -> Any:
    return load_base(folder, ModelSpec(path=str(folder), dtype="float32"), CPU)


def adapter(model: Path, folder: Path, seed: int, **settings: Any) -> Path:
    """Writes an adapter of random weights that are strong enough to change answers."""
    spec = AdapterSpec(**({"r": 4, "lora_alpha": 16} | settings))
    adapted = adapters.attach(base(model), spec)
    assert isinstance(adapted, PeftModel)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if parameter.requires_grad and "magnitude" not in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    adapters.save_adapter(adapted, folder, "org/base")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("llama", tmp_path_factory.mktemp("tiny") / "llama")


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return generate.encoder_for(load_tokenizer(folder))


@pytest.fixture
def model(folder: Path) -> Any:
    return base(folder)


@pytest.fixture(scope="module")
def two(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("adapters")
    return [adapter(folder, place / "a", 1), adapter(folder, place / "b", 2, r=2, target_modules=["q_proj", "v_proj"])]


def loaded(model: Any, folders: Sequence[Path]) -> Any:
    for number, path in enumerate(folders):
        model = adapters.load_adapter(model, path, f"a{number}")
    return model


def test_an_answer_is_what_plain_generation_gives(model: Any, encoder: Encoder) -> None:
    prompt = encoder.tokenizer.apply_chat_template(ASK, add_generation_prompt=True, return_tensors="pt")["input_ids"]
    made = model.generate(prompt, max_new_tokens=12, do_sample=False, pad_token_id=0)[0, prompt.shape[1] :]
    assert answer(model, encoder, ASK, GREEDY) == encoder.tokenizer.decode(made, skip_special_tokens=True)


def test_pieces_make_the_answer_and_hold_no_half_characters(model: Any, encoder: Encoder) -> None:
    text = "Grüße 世界 🙂!"
    ids = encoder.tokenizer(text).input_ids
    assert len(ids) > len(text), "several tokens a character, or the test shows nothing"
    pieces: list[str] = []
    stream = generate._Pieces(encoder, encoder.stop_ids, pieces.append)
    for token in [*ids, encoder.stop_ids[0]]:
        stream.put(token)
    stream.end()
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)
    assert len(pieces) > 5

    pieces.clear()
    whole = answer(model, encoder, ASK, DRAWN, pieces.append)
    assert "".join(pieces) == whole


def test_a_truly_broken_character_comes_at_the_end(encoder: Encoder) -> None:
    pieces: list[str] = []
    stream = generate._Pieces(encoder, encoder.stop_ids, pieces.append)
    for token in encoder.tokenizer("a世").input_ids[:-1]:
        stream.put(token)
    assert pieces == ["a"]
    stream.end()
    assert pieces[1].startswith("\ufffd")


def test_it_ends_at_the_turns_end_and_at_the_limit(model: Any, encoder: Encoder) -> None:
    free = compare(model, encoder, ASK, [None], GREEDY)[0]
    assert (free.tokens, free.cut) == (12, True)
    end = torch.tensor(encoder.stop_ids[:1])
    model.lm_head.register_forward_hook(lambda module, inputs, logits: logits.index_fill(-1, end, 1e6))
    ended = compare(model, encoder, ASK, [None], GREEDY)[0]
    assert (ended.text, ended.tokens, ended.cut) == ("", 0, False)


def test_draws_repeat_by_seed_and_leave_the_random_state_alone(model: Any, encoder: Encoder) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    first = answer(model, encoder, ASK, DRAWN)
    assert torch.equal(torch.rand(3), expected)
    assert answer(model, encoder, ASK, DRAWN) == first
    assert answer(model, encoder, ASK, Sampling(max_new_tokens=12, temperature=1.0, seed=4)) != first
    only_one = Sampling(max_new_tokens=12, temperature=1.0, top_k=1, seed=5)
    assert answer(model, encoder, ASK, only_one) == answer(model, encoder, ASK, GREEDY)


def test_the_models_own_sampling_settings_do_not_leak_in(model: Any, encoder: Encoder) -> None:
    before = answer(model, encoder, ASK, GREEDY)
    model.generation_config.do_sample, model.generation_config.temperature = True, 1.7
    model.generation_config.top_k, model.generation_config.repetition_penalty = 3, 1.9
    assert answer(model, encoder, ASK, GREEDY) == before


@pytest.mark.parametrize(
    "own",
    [{"no_repeat_ngram_size": 1}, {"min_p": 0.5}, {"typical_p": 0.2}, {"stop_strings": ["e"]}, {"guidance_scale": 2.0},
     {"suppress_tokens": list(range(40, 304))}, {"cache_implementation": "offloaded"}],
    ids=lambda own: next(iter(own)),
)  # fmt: skip
def test_nothing_else_of_the_models_own_file_leads_an_answer(model: Any, encoder: Encoder, own: dict[str, Any]) -> None:
    before = [answer(model, encoder, ASK, sampling) for sampling in (GREEDY, DRAWN)]
    model.generation_config.update(**own)
    kept = model.generation_config.to_dict()
    assert [answer(model, encoder, ASK, sampling) for sampling in (GREEDY, DRAWN)] == before
    assert model.generation_config.to_dict() == kept, "an export takes it along"


def test_dropout_is_off_and_training_goes_on_afterwards(folder: Path, encoder: Encoder) -> None:
    adapted: Any = adapters.attach(base(folder), AdapterSpec(r=2, lora_dropout=0.9))
    adapted.train()
    trained = [parameter.requires_grad for parameter in adapted.parameters()]
    assert answer(adapted, encoder, ASK, GREEDY) == answer(adapted, encoder, ASK, GREEDY)
    compare(adapted, encoder, ASK, [None, "default"], DRAWN)
    assert adapted.training
    assert [parameter.requires_grad for parameter in adapted.parameters()] == trained


def test_a_conversation_longer_than_the_context_is_refused_with_numbers(model: Any, encoder: Encoder) -> None:
    long = [{"role": "user", "content": "word " * 600}]
    with pytest.raises(StudioError, match=r"has \d+ tokens, but this model reads at most 512") as error:
        answer(model, encoder, long, GREEDY)
    assert error.value.reason == "data"
    nearly = [{"role": "user", "content": "7" * 490}]
    (cut,) = compare(model, encoder, nearly, [None], Sampling(max_new_tokens=100))
    assert cut.tokens == 512 - len(encoder.prompt(nearly))


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_columns_together_equal_each_alone(folder: Path, encoder: Encoder, two: list[Path], sampling: Sampling) -> None:
    together = compare(loaded(base(folder), two), encoder, ASK, [None, "a0", "a1"], sampling)
    alone = [answer(base(folder), encoder, ASK, sampling)]
    alone += [answer(loaded(base(folder), [path]), encoder, ASK, sampling) for path in two]
    assert [item.text for item in together] == alone
    assert [item.adapter for item in together] == [None, "a0", "a1"]
    assert len(set(alone)) == 3, "the adapters change the answers, or the test shows nothing"


def test_an_interrupted_comparison_leaves_the_model_as_it_was(folder: Path, encoder: Encoder, two: list[Path]) -> None:
    model = loaded(base(folder), two)

    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    hook = model.get_base_model().lm_head.register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        compare(model, encoder, ASK, [None, "a0", "a1"], GREEDY)
    hook.remove()
    assert answer(model, encoder, ASK, GREEDY) == answer(loaded(base(folder), two[1:]), encoder, ASK, GREEDY)


def test_plain_adapters_share_one_pass(folder: Path, encoder: Encoder, two: list[Path]) -> None:
    model, shapes = loaded(base(folder), two), []
    model.get_base_model().get_input_embeddings().register_forward_hook(
        lambda module, args, out: shapes.append(args[0].shape[0])
    )
    compare(model, encoder, ASK, ["a1", None, "a0"], GREEDY)
    assert set(shapes) == {3}


@pytest.mark.parametrize(
    "settings",
    [{"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"target_modules": ["embed_tokens", "q_proj"]}],
    ids=["dora", "modules_to_save", "embedding"],
)
def test_what_cannot_be_mixed_is_still_right(
    folder: Path, encoder: Encoder, two: list[Path], tmp_path: Path, settings: dict[str, Any]
) -> None:
    odd = adapter(folder, tmp_path / "odd", 5, **settings)
    folders = [odd, two[0]]
    together = compare(loaded(base(folder), folders), encoder, ASK, [None, "a0", "a1"], GREEDY)
    alone = [answer(base(folder), encoder, ASK, GREEDY)]
    alone += [answer(loaded(base(folder), [path]), encoder, ASK, GREEDY) for path in folders]
    assert [item.text for item in together] == alone
    assert len(set(alone)) == 3


def test_an_adapter_with_another_template_is_asked_by_its_own(folder: Path, two: list[Path], tmp_path: Path) -> None:
    tokenizer = load_tokenizer(folder)
    plain = generate.encoder_for(tokenizer)
    (tmp_path / "chat_template.jinja").write_text(CHATML.replace("assistant\n", "assistant: "))
    other = generate.encoder_for(tokenizer, Entry(name="x", folder=tmp_path))
    assert other.prompt(ASK) != plain.prompt(ASK)
    model = loaded(base(folder), two)
    found = compare(model, plain, ASK, [None, "a0", "a1"], GREEDY, own={"a1": other})
    assert found[0].text == answer(base(folder), plain, ASK, GREEDY)
    assert found[1].text == answer(loaded(base(folder), two[:1]), plain, ASK, GREEDY)
    assert found[2].text == answer(loaded(base(folder), two[1:]), other, ASK, GREEDY)
    assert model.active_adapter == "a1", "the active adapter is put back"


def test_an_adapter_trained_without_a_template_is_asked_without(folder: Path, tmp_path: Path) -> None:
    entry = Entry(name="x", folder=tmp_path, config={"data": {"chat_template": "none"}})
    assert generate.encoder_for(load_tokenizer(folder), entry).template is None
    # The layout of Alpaca's rows is kept beside an adapter like a template.
    (tmp_path / "chat_template.jinja").write_text(ALPACA)
    assert generate.encoder_for(load_tokenizer(folder), entry).template == ALPACA


def test_biases_change_the_base_so_that_adapter_stands_alone(folder: Path, encoder: Encoder, tmp_path: Path) -> None:
    settings = {"attention_bias": True}
    biased = tiny("llama", tmp_path / "biased", **settings)
    model = loaded(base(biased), [adapter(biased, tmp_path / "a", 1, bias="all")])
    with pytest.raises(StudioError, match="trained bias vectors"):
        compare(model, encoder, ASK, [None, "a0"], GREEDY)
    assert compare(model, encoder, ASK, ["a0"], GREEDY)[0].text == answer(model, encoder, ASK, GREEDY)


def test_an_unknown_adapter_is_named(folder: Path, encoder: Encoder, two: list[Path]) -> None:
    with pytest.raises(StudioError, match="other is not loaded"):
        compare(loaded(base(folder), two), encoder, ASK, ["other"], GREEDY)


def test_plain_text_models_answer_too(model: Any, folder: Path) -> None:
    encoder = make_encoder(load_tokenizer(folder), DataSpec(path="-", chat_template="none"), "pretraining")
    assert answer(model, encoder, ASK, GREEDY)


@pytest.mark.parametrize(
    "setting",
    [
        {"max_new_tokens": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"repetition_penalty": 0.0},
        {"seed": -1},
    ],
)
def test_sampling_out_of_bounds_is_refused_by_name(setting: dict[str, Any]) -> None:
    with pytest.raises(StudioError, match=next(iter(setting))) as error:
        Sampling(**setting)
    assert error.value.reason == "usage"


@pytest.mark.parametrize("family", ["gpt2", "gemma3", "mixtral", "opt", "gpt_neox"])
def test_families_answer_in_company_as_alone(family: str, tmp_path: Path) -> None:
    folder = tiny(family, tmp_path / "m")
    encoder = generate.encoder_for(load_tokenizer(folder))
    path = adapter(folder, tmp_path / "a", 1)
    together = compare(loaded(base(folder), [path]), encoder, ASK, [None, "a0"], GREEDY)
    alone = [answer(base(folder), encoder, ASK, GREEDY), answer(loaded(base(folder), [path]), encoder, ASK, GREEDY)]
    assert [item.text for item in together] == alone


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
@pytest.mark.parametrize("family", FAMILIES)
def test_conversations_written_at_once_are_answered_as_each_alone(
    family: str, sampling: Sampling, tmp_path: Path
) -> None:
    folder = tiny(family, tmp_path / family)
    made = loaded(base(folder), [adapter(folder, tmp_path / "a", 1)])
    encoder = generate.encoder_for(load_tokenizer(folder))
    texts = ("order late", "What is the capital of France? " * 3, "box", "sorry for the trouble with the small box")
    conversations = [[{"role": "user", "content": text}] for text in texts]
    told: dict[tuple[int, int], str] = {}

    def on_text(row: int, at: int, text: str) -> None:
        told[row, at] = told.get((row, at), "") + text

    together = generate.compare_all(made, encoder, conversations, [None, "a0"], sampling, on_text=on_text)
    for row, (conversation, found) in enumerate(zip(conversations, together, strict=True)):
        alone = compare(made, encoder, conversation, [None, "a0"], sampling)
        for at, (one, other) in enumerate(zip(found, alone, strict=True)):
            assert replace(one, seconds=0) == replace(other, seconds=0)
            assert told.get((row, at), "") == one.text


def test_a_prompt_that_leaves_less_room_than_others_takes_no_room_from_them(tmp_path: Path) -> None:
    folder = tiny("gpt2", tmp_path / "gpt2", max_position_embeddings=80)
    made, encoder = base(folder), generate.encoder_for(load_tokenizer(folder))
    conversations = [[{"role": "user", "content": text}] for text in ("box", "box late " * 7, "order")]
    sampling = Sampling(max_new_tokens=24)
    together = generate.compare_all(made, encoder, conversations, [None], sampling)
    alone = [compare(made, encoder, conversation, [None], sampling) for conversation in conversations]
    assert [[item.text for item in found] for found in together] == [[item.text for item in found] for found in alone]
    assert together[1][0].tokens < 24 == together[0][0].tokens


def test_an_adapter_is_asked_in_the_layout_of_the_rows_that_it_learned(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    rows = ({"instruction": f"the order number {n}", "input": "", "output": "late box"} for n in range(8))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    base = config(tmp_path, data={"chat_template": "none"}, max_steps=1)
    run = trained(replace(base, data=replace(base.data, path=str(file))), tmp_path / "run")
    tokenizer = load_tokenizer(Path(base.model.path))
    (entry,) = library.entries()
    asked = generate.encoder_for(tokenizer, entry).prompt([{"role": "user", "content": "the order number 3"}])
    learnt = make_encoder(tokenizer, DataSpec(path="-", chat_template="none"), "sft")
    row = learnt.encode({"instruction": "the order number 3", "output": "late box"}, "alpaca")
    assert asked == row.ids[: row.trained.index(True)]
    assert (run.path / "adapter" / "chat_template.jinja").is_file()
