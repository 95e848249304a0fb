"""What a run is fed: columns as they are mapped, rows named with their file, and no preference taken for an answer."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.engine.corpus import Corpus, read_corpus, require_readable, trained_counts
from studio.engine.model import Context
from studio.engine.planning import plan
from studio.engine.tokens import Tokens
from tests.models import tiny, tokenizer
from tests.training import config, preferring, trained

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


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_row_longer_than_the_model_reads_is_refused_before_it_is_trained_on(tmp_path: Path, family: str) -> None:
    tiny(family, tmp_path / family, max_position_embeddings=64)
    whole = config(tmp_path, family=family, rows=8, max_steps=1, data={"max_length": 512, "eval_split": 0.2})
    for attempt in (lambda: trained(whole, tmp_path / "refused"), lambda: plan(whole)):
        with pytest.raises(StudioError, match=r"longest row has \d+ tokens, but this model reads at most 64") as caught:
            attempt()
        assert "`data.max_length` to 64" in caught.value.hint
        assert re.fullmatch(r"Row \d of the (training|evaluation) data, counted from 0\.", caught.value.detail)
    cut = replace(whole, data=replace(whole.data, max_length=64))
    assert plan(cut)["steps"] == 1
    assert trained(cut, tmp_path / "run").progress().finished


def test_rows_that_fit_are_trained_on_however_long_they_might_be(tmp_path: Path) -> None:
    whole = config(tmp_path, rows=8, data={"max_length": 100_000})
    found = corpus(whole)
    # A row's last learned token is predicted, and not read.
    read = max(int(np.flatnonzero(found.train[at][1])[-1]) for at in range(len(found.train)))
    require_readable(found, Context(read, None))
    require_readable(found, Context(None, None))
    with pytest.raises(StudioError, match=rf"has {found.train.lengths.max()} tokens, .* at most {read - 1}\."):
        require_readable(found, Context(read - 1, None))


def test_two_answers_that_a_model_would_compute_differently_are_refused(tmp_path: Path) -> None:
    made = preferring(tmp_path, rows=8)
    found = corpus(made)
    chosen, rejected = found.train.lengths.reshape(-1, 2).T
    assert (chosen != rejected).any()
    require_readable(found, Context(None, int(found.train.lengths.max())))
    require_readable(found, Context(None, 2))
    with pytest.raises(StudioError, match=r"one answer of up to \d+ tokens and a longer one"):
        require_readable(found, Context(None, int(np.minimum(chosen, rejected)[chosen != rejected].max())))
