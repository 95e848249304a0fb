"""The built-in model, the little world it learnt from, and the support desk's rows."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DEMO = Path(__file__).parents[1] / "resources" / "demo"


@pytest.fixture(scope="module")
def demo() -> Iterator[Path]:
    """The demo's folder, importable while these tests run."""
    sys.path.insert(0, str(DEMO))
    yield DEMO
    sys.path.remove(str(DEMO))


@pytest.fixture(scope="module")
def world(demo: Path) -> ModuleType:
    return importlib.import_module("world")


@pytest.fixture(scope="module")
def support(demo: Path) -> ModuleType:
    return importlib.import_module("support")


@pytest.fixture(scope="module")
def orders(demo: Path) -> ModuleType:
    return importlib.import_module("orders")


@pytest.fixture(scope="module")
def tokenizer(demo: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(demo / "model")


@pytest.fixture(scope="module")
def model(demo: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(demo / "model", dtype=torch.float32, use_safetensors=True)


def rows(file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / file).read_text(encoding="utf-8").splitlines()]


def answered(model: Any, tokenizer: Any, *said: str, system: str | None = None) -> str:
    """The greedy answer to the last of some turns (user, assistant, user ...)."""
    messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    made = model.generate(**prompt, max_new_tokens=100, do_sample=False)
    return str(tokenizer.decode(made[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))


def test_world_is_the_same_for_the_same_seed(world: ModuleType) -> None:
    assert list(world.documents(3, 200)) == list(world.documents(3, 200))
    assert list(world.documents(3, 200)) != list(world.documents(4, 200))


def test_world_can_be_made_from_the_middle(world: ModuleType) -> None:
    assert list(world.documents(3, 20))[12:] == list(world.documents(3, 8, start=12))


def test_world_is_sound_text(world: ModuleType) -> None:
    for document in world.documents(11, 2_000):
        for message in document:
            content = message["content"]
            assert content == content.strip()
            assert content
            assert not set("{}<>") & set(content), content
            assert not [slip for slip in ("  ", "..", " .", " a a ", " an an ") if slip in content], content


def test_conversations_alternate_and_end_with_an_answer(world: ModuleType) -> None:
    for document in world.documents(5, 500):
        roles = [message["role"] for message in document if message["role"] not in ("system", "text")]
        assert roles == ["user", "assistant"] * (len(roles) // 2)


def test_reply_form_is_not_in_the_world(world: ModuleType, support: ModuleType) -> None:
    text = "\n".join(message["content"] for d in world.documents(7, 5_000) for message in d)
    for line in ("thank you for writing to us", "Topic:", "Order: ", "Willow & Wren", "We will"):
        assert line not in text


def test_world_never_uses_the_held_out_sentences(world: ModuleType, orders: ModuleType) -> None:
    text = "\n".join(message["content"] for d in world.documents(7, 5_000) for message in d)
    for _, kept in orders.COMPLAINTS.values():
        assert not any(sentence in text for sentence in kept)


def test_rows_in_the_repository_are_what_the_script_writes(orders: ModuleType, tmp_path: Path) -> None:
    orders.write(tmp_path)
    for file in ("support.jsonl", "support_heldout.jsonl"):
        assert (tmp_path / file).read_bytes() == (DEMO / file).read_bytes()


def test_held_out_rows_share_nothing_with_the_training_rows(orders: ModuleType) -> None:
    train, held_out = rows("support.jsonl"), rows("support_heldout.jsonl")
    assert 600 <= len(train) <= 1000
    assert len(held_out) == 40
    letters = "\n".join(row["messages"][0]["content"] for row in train)
    for row in held_out:
        text = row["messages"][0]["content"]
        greeting, order, _, promise, _ = row["messages"][1]["content"].split("\n")
        name = greeting.removeprefix("Dear ").split(",")[0]
        assert text not in letters
        assert name in orders.HELD_OUT_NAMES
        assert f" {name}." not in letters
        assert f" {name}" + '"' not in letters
        assert order.removeprefix("Order: ") not in letters
        assert any(thing in promise for thing in orders.HELD_OUT_THINGS)
    kept = [sentence for _, sentences in orders.COMPLAINTS.values() for sentence in sentences]
    assert not any(sentence in letters for sentence in kept)
    assert sum(any(s in row["messages"][0]["content"] for s in kept) for row in held_out) == 16


def test_training_rows_are_all_different_and_hold_every_topic_equally(support: ModuleType) -> None:
    train = rows("support.jsonl")
    assert len({row["messages"][0]["content"] for row in train}) == len(train)
    topics = [row["messages"][1]["content"].split("\n")[2].removeprefix("Topic: ") for row in train]
    assert {topics.count(topic) for topic in support.PROMISES} == {len(train) // len(support.PROMISES)}


def test_the_right_reply_scores_one(support: ModuleType) -> None:
    for row in rows("support_heldout.jsonl"):
        right = row["messages"][1]["content"]
        assert support.score(right, row) == 1.0
        assert support.score(f"  {right}\n", row) == 1.0


@pytest.mark.parametrize("part", range(5))
def test_each_part_of_a_reply_counts_one_fifth(support: ModuleType, part: int) -> None:
    row = rows("support_heldout.jsonl")[0]
    lines = row["messages"][1]["content"].split("\n")
    lines[part] = lines[part].replace("e", "o", 1) + "!"
    assert support.score("\n".join(lines), row) == pytest.approx(0.8)


def test_what_is_missing_or_added_costs(support: ModuleType) -> None:
    row, other = rows("support_heldout.jsonl")[:2]
    lines = row["messages"][1]["content"].split("\n")
    assert support.score("", row) == 0.0
    assert support.score("\n".join(lines[:3]), row) == pytest.approx(0.6)
    assert support.score("\n".join([*lines, "And one more thing."]), row) < 1.0
    assert support.score("\n".join(["Hello!", *lines]), row) == 0.0
    assert support.score(other["messages"][1]["content"], row) == pytest.approx(0.2)


def test_model_folder_is_small_and_holds_no_pickle(demo: Path) -> None:
    files = [path for path in (demo / "model").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12 * 2**20
    assert {path.suffix for path in files} <= {".json", ".jinja", ".safetensors", ".md"}
    assert json.loads((demo / "model" / "config.json").read_text(encoding="utf-8"))["dtype"] == "float16"


def test_weights_are_stored_in_half_precision(demo: Path) -> None:
    from safetensors import safe_open

    with safe_open(demo / "model" / "model.safetensors", framework="pt") as stored:
        assert {stored.get_slice(name).get_dtype() for name in stored.keys()} == {"F16"}  # noqa: SIM118


def test_tokenizer_round_trips_any_text(tokenizer: Any, world: ModuleType) -> None:
    texts = [message["content"] for d in world.documents(9, 200) for message in d]
    for text in [*texts, "Grüße, 世界! 🙂\n\ttabs  and  spaces ", "x=3.14159;", ""]:
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_every_digit_is_a_token_of_its_own(tokenizer: Any) -> None:
    digits = set("0123456789")
    assert not [token for token in tokenizer.get_vocab() if len(token) > 1 and digits & set(token)]
    assert [tokenizer.decode([i]) for i in tokenizer("48213")["input_ids"]] == list("48213")


def test_special_tokens(tokenizer: Any, model: Any) -> None:
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token) == ("<|im_end|>", "<|pad|>", None)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    for token in ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|pad|>"):
        assert tokenizer(token)["input_ids"] == [tokenizer.convert_tokens_to_ids(token)]
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert tokenizer.eos_token_id in model.generation_config.eos_token_id


@pytest.mark.parametrize("system", [None, "Answer briefly."])
def test_prompt_is_a_prefix_of_the_whole_conversation(tokenizer: Any, system: str | None) -> None:
    messages = [{"role": "system", "content": system}] if system else []
    for row in rows("support.jsonl")[:50]:
        whole = [*messages, *row["messages"]]
        prompt = tokenizer.apply_chat_template(whole[:-1], add_generation_prompt=True)["input_ids"]
        full = tokenizer.apply_chat_template(whole)["input_ids"]
        assert full[: len(prompt)] == prompt
        ending = tokenizer.decode(full[len(prompt) :])
        assert ending == whole[-1]["content"] + "<|im_end|>\n"


def test_template_refuses_an_unknown_role(tokenizer: Any) -> None:
    from jinja2 import TemplateError

    with pytest.raises(TemplateError, match="system, user and assistant"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "x"}])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who is Tilda?", "Tilda is the baker of Fernhollow. She works in the bakery by the bridge."),
        ("Where does Bruno work?", "Bruno works on Lake Ember."),
        ("What is the name of Felix's goose?", "Felix's goose is called Duchess."),
        ("What is Rosa's favourite colour?", "Rosa's favourite colour is pink."),
        ("Where is Lake Ember?", "Lake Ember is east of the village."),
    ],
)
def test_model_knows_its_world(model: Any, tokenizer: Any, question: str, answer: str) -> None:
    assert answered(model, tokenizer, question) == answer


def test_model_reads_and_copies(model: Any, tokenizer: Any) -> None:
    letter = "My name is Mara. I ordered a blue kettle, order 48213. It came broken."
    assert "48213" in answered(model, tokenizer, f"{letter}\nWhat is the order number?")
    assert "Mara" in answered(model, tokenizer, f"{letter}\nWho wrote this?")
    assert "blue kettle" in answered(model, tokenizer, f"{letter}\nWhat was ordered?")


def test_model_remembers_the_turn_before(model: Any, tokenizer: Any) -> None:
    said = ("Hello, my name is Greta.", "Hello Greta! It is good to meet you. How can I help you?", "What is my name?")
    assert answered(model, tokenizer, *said) == "Your name is Greta."


def test_model_tells_a_story_that_ends(model: Any, tokenizer: Any) -> None:
    told = answered(model, tokenizer, "Tell me a story about a fox.")
    assert "fox" in told
    assert len(told.split()) > 30
    assert told.endswith(".")


def test_base_scores_near_zero(model: Any, tokenizer: Any, support: ModuleType) -> None:
    held_out = rows("support_heldout.jsonl")[:8]
    scores = [support.score(answered(model, tokenizer, row["messages"][0]["content"]), row) for row in held_out]
    assert sum(scores) / len(scores) <= 0.05
