"""A system prompt for all rows: as if each had it in a column, shown wherever rows are, and asked with later."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.core import desk, library
from studio.core.config import DataSpec
from studio.core.library import Base, Data
from studio.engine import adapters, generate, model
from studio.engine.desk_work import Work
from studio.engine.export import card
from studio.engine.labels import Encoder, make_encoder
from tests.engine.test_labels import CHATML, INST, byte_level
from tests.models import tiny
from tests.training import config, losses, trained, write_pairs

SYSTEM = "Answer as a pirate."
USER, GOOD = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"}
OWN = {"role": "system", "content": "be kind"}


def encoder(template: str | None, system: str, objective: str = "sft") -> Encoder:
    return Encoder(byte_level(), template, objective, 512, system=system)


@pytest.mark.parametrize("template", [CHATML, None])
@pytest.mark.parametrize(
    ("row", "row_format"),
    [
        ({"messages": [USER, GOOD]}, "messages"),
        ({"prompt": "hi", "completion": "a"}, "prompt_completion"),
        ({"prompt": [USER], "completion": [GOOD]}, "prompt_completion"),
        ({"instruction": "hi", "input": "there", "output": "a"}, "alpaca"),
        ({"prompt": "hi", "chosen": "a", "rejected": "b"}, "preference"),
        ({"messages": [USER], "chosen": GOOD, "rejected": GOOD | {"content": "b"}}, "preference"),
        ({"question": "hi", "answer": "a"}, "mixed"),
    ],
)
def test_rows_are_as_if_each_had_it_in_a_column(row: dict[str, Any], row_format: str, template: str | None) -> None:
    given, plain = encoder(template, SYSTEM), encoder(template, "")
    (expected,) = plain.encode_all([row | {"system": SYSTEM}], row_format)
    for other in (row, row | {"system": None}, row | {"System": "  "}):
        assert given.encode_all([other], row_format) == [expected]
    assert isinstance(expected, str) or SYSTEM in expected.text
    assert given.encode_all([row | {"system": "other"}], row_format) == plain.encode_all(
        [row | {"system": "other"}], row_format
    )


def test_messages_keep_their_own_and_what_cannot_have_one_is_refused() -> None:
    row = {"messages": [OWN, USER, GOOD]}
    assert encoder(CHATML, SYSTEM).encode_all([row], "messages") == encoder(CHATML, "").encode_all([row], "messages")
    assert encoder(CHATML, SYSTEM).encode_all([{"text": "a b"}], "text") == [
        "a text has no place for the system prompt that data.system gives"
    ]
    (refused,) = encoder(INST, SYSTEM).encode_all([{"messages": [USER, GOOD]}], "messages")
    assert isinstance(refused, str)
    assert "Only user and assistant speak here" in refused


@pytest.mark.parametrize("template", [CHATML, None])
def test_a_prompt_is_laid_out_as_in_training(template: str | None) -> None:
    given = encoder(template, SYSTEM)
    (row,) = given.encode_all([{"prompt": "hi", "completion": " a"}], "prompt_completion")
    assert not isinstance(row, str)
    prompt = given.prompt([USER])
    assert row.ids[: len(prompt)] == prompt
    assert given.prompt([OWN, USER]) == encoder(template, "").prompt([OWN, USER])
    assert given.prompt([USER]) == encoder(template, "").prompt([{"role": "system", "content": SYSTEM}, USER])


def test_it_counts_in_the_fingerprint_and_in_what_is_asked_together() -> None:
    plain, given = encoder(CHATML, ""), encoder(CHATML, SYSTEM)
    assert len({plain.fingerprint, given.fingerprint, encoder(CHATML, "other").fingerprint}) == 3
    assert not given.prompts_as(plain)
    assert given.prompts_as(encoder(CHATML, SYSTEM, "dpo"))
    assert make_encoder(byte_level(), DataSpec(path="-", system=f" {SYSTEM}\n"), "sft").system == SYSTEM


def test_a_run_learns_with_it_and_its_adapter_is_asked_with_it(tmp_path: Path) -> None:
    spec: dict[str, Any] = {"adapter": {"lora_dropout": 0.0}, "max_steps": 3}
    spec |= {"sample_prompts": ["late box"], "sample_max_new_tokens": 8}
    run = trained(config(tmp_path, data={"system": SYSTEM}, **spec), tmp_path / "run")
    rows = Path(run.config().data.path)
    lines = [json.loads(line) | {"system": SYSTEM} for line in rows.read_text().splitlines()]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    by_row = trained(config(tmp_path, **spec), tmp_path / "by-row")
    assert losses(run) == losses(by_row)
    told = run.progress()
    assert told.finished is not None
    entry = library.find(told.finished.adapter)
    assert entry.config["data"]["system"] == SYSTEM
    base = Path(run.config().model.path)
    asked, plain = (generate.encoder_for(model.load_tokenizer(base), item) for item in (entry, None))
    assert (asked.system, plain.system) == (SYSTEM, "")
    talker = adapters.load_adapter(model.load_base(base, run.config().model, torch.device("cpu")), entry.folder)
    question = {"role": "user", "content": "late box"}
    sampling = generate.Sampling(max_new_tokens=8)
    answer = generate.answer(talker, asked, [question], sampling)
    assert told.answered[-1].answers == [answer]
    with_it = [{"role": "system", "content": SYSTEM}, question]
    assert answer == generate.answer(talker, plain, with_it, sampling)
    columns = generate.compare(talker, plain, [question], [None, "default"], sampling, {"default": asked})
    with talker.disable_adapter():
        alone = generate.answer(talker, plain, [question], sampling)
    assert [item.text for item in columns] == [alone, answer]


def work(request: desk.Request) -> Any:
    return Work().do(request, lambda *_: None, lambda *_: None, lambda _: None)


def test_the_desk_shows_counts_and_audits_rows_with_it(tmp_path: Path) -> None:
    base = str(tiny("llama", tmp_path / "llama"))
    file = str(write_pairs(tmp_path / "pairs.jsonl", 3))
    shown = [work(desk.Tokens(file=file, model=base, objective="dpo", system=system)) for system in ("", SYSTEM)]
    assert [SYSTEM in picture.text for picture in shown] == [False, True]
    start = shown[1].text.index(SYSTEM)
    inside = [start <= left and right <= start + len(SYSTEM) for left, right in shown[1].offsets]
    assert any(inside)
    # It is somebody's own words, and not the template's.
    assert all(own for own, within in zip(shown[1].written, inside, strict=True) if within)
    counted = [work(desk.Lengths(file=file, model=base, system=system)).lengths for system in ("", SYSTEM)]
    audited = [work(desk.Audit(file=file, model=base, system=system)).lengths for system in ("", SYSTEM)]
    assert counted[0] != counted[1]
    assert audited[0] != audited[1]


def test_what_is_typed_is_scored_with_it(tmp_path: Path) -> None:
    whole = config(tmp_path, data={"system": SYSTEM}, max_steps=1)
    told = trained(whole, tmp_path / "run").progress()
    assert told.finished is not None
    name = told.finished.adapter

    def text(system: str) -> str:
        asked = desk.conversation(system, "late box", "sorry")
        found: str = work(desk.Score(text=asked, adapters=[None, name])).picture.text
        return found

    assert SYSTEM in text("")
    assert SYSTEM not in text("be kind")


def test_a_setting_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="100000"):
        DataSpec(path="-", system="a" * 100_001)


def test_the_card_says_what_to_ask_with_and_an_entry_of_a_strangers_may_hold_anything() -> None:
    def told(system: Any) -> str:
        config: dict[str, Any] = {"data": {"system": system}}
        return card.card(title="t", base=Base(), data=Data(), config=config, metrics={}, to="peft")

    assert "- System prompt, to be asked with: Answer as a pirate" in told(f"{SYSTEM}\n").replace("\\", "")
    assert "System prompt" not in told("") + told(3)
    for odd in ({}, {"data": 3}, {"data": {"system": 3}}, {"data": {"system": " "}}):
        assert library.Entry(name="a", folder=Path(), config=odd).system == ""
