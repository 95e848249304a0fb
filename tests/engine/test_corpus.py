"""What a run is fed: columns as they are mapped, rows named with their file, and no preference taken for an answer."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.engine.corpus import Corpus, read_corpus, trained_counts
from studio.engine.tokens import Tokens
from tests.models import tokenizer
from tests.training import config

PAIRS = [{"prompt": f"What {i}?", "chosen": f"It is {i}.", "rejected": "No."} for i in range(6)]


def corpus(made: RunConfig, **data: Any) -> Corpus:
    return read_corpus(replace(made, data=replace(made.data, **data)), tokenizer(), lambda event: None)


def test_preferences_are_trained_on_only_as_the_user_maps_them(tmp_path: Path) -> None:
    made = config(tmp_path)
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    with pytest.raises(StudioError, match="not learned with `sft`") as caught:
        corpus(made, path=str(path))
    assert "training.objective=dpo" in caught.value.hint
    assert "data.mapping={prompt: .., completion: chosen}" in caught.value.hint
    preferring = replace(made, training=replace(made.training, objective="dpo"))
    with pytest.raises(StudioError, match="a better and a worse answer"):
        corpus(preferring)
    found = corpus(made, path=str(path), mapping={"prompt": "prompt", "completion": "chosen"})
    assert found.rows == len(found.train) == 6
    text = tokenizer().decode(found.train[2][0])
    assert "It is 2." in text
    assert "No." not in text


def test_a_row_that_is_not_used_is_named_with_its_file(tmp_path: Path) -> None:
    made = config(tmp_path)
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.jsonl").write_text('{"text": "some words"}\n{"text": ""}\n')
    found = corpus(made, path=str(folder))
    assert [(item["file"], item["row"], item["line"]) for item in found.unused] == [
        ("a.jsonl", 1, 2),
        ("b.jsonl", 3, 2),
    ]


def test_what_carries_loss_is_counted_row_by_row_over_any_number_of_rows() -> None:
    random = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(random.integers(1, 5, 25_000))])
    trained, rows = random.random(offsets[-1]) < 0.5, np.arange(25_000)
    part = Tokens(trained.astype(np.int32), trained, offsets, rows, 0 * rows, np.diff(offsets).astype(np.int32), 0, [])
    cut = [trained[start + 1 : end].sum() for start, end in pairwise(offsets)]
    assert trained_counts(part).tolist() == cut
