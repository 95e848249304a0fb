"""What the window colours is what the trainer's batches feed, token for token; and who wrote it."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studio.core.config import TrainingSpec
from studio.core.data.datasets import open_dataset
from studio.core.errors import StudioError
from studio.engine import batches
from studio.engine.batches import Batching
from studio.engine.desk_work import picture
from studio.engine.labels import Encoder
from studio.engine.templates import given_template
from studio.engine.tokens import tokenize
from tests.engine.test_labels import CHATML, HEADERS, INST, PIPES, TEXTS, TURNS, byte_level

CUSTOM = (
    "{% for m in messages %}{{ ['USER', 'MODEL'][m.role == 'assistant'] ~ ' >> ' ~ m.content|trim|upper ~ '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'MODEL >> ' }}{% endif %}"
)
TEMPLATES = {"ChatML": CHATML, "Llama 3": HEADERS, "Mistral": INST, "Gemma": TURNS, "Phi": PIPES, "custom": CUSTOM}


def row(row_format: str, first: str, second: str) -> dict[str, Any]:
    asked, answered = {"role": "user", "content": first}, {"role": "assistant", "content": second}
    rows: dict[str, dict[str, Any]] = {
        "messages": {"messages": [asked, answered, asked, answered]},
        "prompt_completion": {"prompt": first, "completion": second},
        "prompt_messages": {"prompt": [asked], "completion": [answered]},
        "alpaca": {"instruction": first, "output": second},
        "text": {"text": first + second},
    }
    return rows[row_format]


@cache
def encoder(template: str, objective: str, max_length: int) -> Encoder:
    return Encoder(byte_level(), TEMPLATES[template], objective, max_length)


def fed(batch: batches.MicroBatch) -> dict[int, tuple[list[int], list[bool]]]:
    """Each row's ids up to the last learned, and which of them are learned, read back from a batch's tensors alone."""
    assert batch.segments is not None or batch.attention_mask is not None
    if batch.segments is not None:
        lengths = [segment.tokens for segment in batch.segments]
        places = [(0, slice(end - n, end)) for end, n in zip(np.cumsum(lengths).tolist(), lengths, strict=True)]
    else:
        assert batch.attention_mask is not None
        places = [(at, slice(0, int(mask.sum()))) for at, mask in enumerate(batch.attention_mask)]
    found = {}
    for own, (at, span) in enumerate(places):
        keep = batch.keep[at, span].tolist()
        assert keep[-1], "what stands behind the last prediction is not fed"
        targets = batch.targets[batch.owners == own].tolist()
        ids, trained = [*batch.input_ids[at, span].tolist(), targets[-1]], [False, *keep]
        assert targets == [token for token, is_learned in zip(ids, trained, strict=True) if is_learned]
        found[int(batch.rows[own])] = ids, trained
    return found


def until_learned(ids: list[int], trained: list[bool]) -> tuple[list[int], list[bool]]:
    stop = len(trained) - trained[::-1].index(True)
    return ids[:stop], trained[:stop]


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=20)
@given(
    pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6),
    row_format=st.sampled_from(["messages", "prompt_completion", "prompt_messages", "alpaca", "text"]),
    objective=st.sampled_from(["sft", "pretraining"]),
    max_length=st.sampled_from([8, 12, 17, 25, 40, 1000]),
    batching=st.sampled_from(["flat", "padded"]),
    packing=st.booleans(),
)
@example([("a", "b"), ("is", "\n a")], "messages", "sft", 12, "padded", False)
def test_the_colours_are_the_labels(
    template: str,
    pairs: list[tuple[str, str]],
    row_format: str,
    objective: str,
    max_length: int,
    batching: Batching,
    packing: bool,
) -> None:
    maker = encoder(template, objective, max_length)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        lines = [json.dumps(row(row_format, *pair)) for pair in pairs]
        path.write_text("\n".join(lines), encoding="utf-8")
        dataset = open_dataset(path, row_format.replace("prompt_messages", "prompt_completion"))
        shown = {
            item.number: picture(maker, item.data, dataset.format)
            for item in map(dataset.__getitem__, range(len(dataset)))
        }
        made = tokenize(dataset, np.arange(len(dataset)), maker)
    spec = TrainingSpec(per_device_train_batch_size=2, train_sampling_strategy="random")
    seen: dict[int, tuple[list[int], list[bool]]] = {}
    steps = batches.plan_epoch(made.lengths, spec, max_length if packing else None, 0) if len(made) else []
    for step in steps:
        for rows in step:
            seen |= fed(batches.collate(made, [batches.Group(rows)], batching, 0))
    assert {int(made.rows[place]): data for place, data in seen.items()} == {
        number: until_learned(drawn.ids[: drawn.kept], drawn.trained[: drawn.kept])
        for number, drawn in shown.items()
        if any(drawn.trained[: drawn.kept])
    }


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("row_format", ["messages", "prompt_completion", "prompt_messages", "alpaca"])
@settings(max_examples=15)
@given(first=TEXTS, second=TEXTS)
@example(first="user", second="assistant")
@example(first=" a ", second="a")
def test_what_a_person_wrote_is_told_from_the_template(template: str, row_format: str, first: str, second: str) -> None:
    maker = encoder(template, "sft", 1000)
    data = row(row_format, first, second)
    drawn = picture(maker, data, row_format.replace("prompt_messages", "prompt_completion"))
    wrote = [first, second] * (2 if row_format == "messages" else 1)
    own = "".join(drawn.text[a:b] for (a, b), is_own in zip(drawn.offsets, drawn.written, strict=True) if is_own)
    said = "".join(wrote)
    said = said.upper() if template == "custom" else said
    # Tokens may run a character or two over a text's edge; nothing of it is missing but the spaces that are trimmed.
    if said.isascii():
        assert "".join(said.split()) in "".join(own.split())
    assert not any(is_own for is_own, (a, b) in zip(drawn.written, drawn.offsets, strict=True) if a == b)
    if template == "ChatML" and not any(text.startswith("<|im") for text in (first, second)):
        headers = [name for name, is_own in zip(drawn.names, drawn.written, strict=True) if not is_own]
        assert headers.count("<|im_start|>") == len(wrote)


def test_plain_layouts_are_told_too() -> None:
    plain = Encoder(byte_level(), None, "sft", 1000)
    drawn = picture(plain, {"instruction": "Instruction", "output": "done", "input": ""}, "alpaca")
    assert drawn.text == "Instruction:\nInstruction\n\nResponse:\ndone"
    at = [a for (a, _), is_own in zip(drawn.offsets, drawn.written, strict=True) if is_own]
    assert min(at) >= len("Instruction:\n") - 1
    assert picture(plain, {"text": "all mine"}, "text").written[:-1] == [True] * (
        len(drawn.ids[:0]) + _count("all mine")
    )


def _count(text: str) -> int:
    return len(byte_level()(text, add_special_tokens=False).input_ids)


def test_messages_in_a_cell_are_told_too() -> None:
    cell = {"messages": json.dumps([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}])}
    drawn = picture(encoder("ChatML", "sft", 1000), cell, "messages")
    assert sum(drawn.written) >= 2


def test_a_template_that_is_being_written_is_checked() -> None:
    assert given_template(CHATML) == CHATML
    for text, said in (("a\n{% for %}", "in line 2"), ("{{ 2 ** 9 }}", "a power")):
        with pytest.raises(StudioError, match=said):
            given_template(text)
