"""A dataset's tokens are those of its rows, made once, whole on disk or not there at all."""

import json
import os
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import paths
from studio.core.data.datasets import Dataset, Rejected, open_dataset
from studio.core.errors import StudioError
from studio.engine.labels import Encoder
from studio.engine.tokens import tokenize
from tests.models import CHATML, tokenizer

LONG = "a long question " * 30


def dataset_of(folder: Path, *answers: str, question: str = "why?") -> Dataset:
    path = folder / "rows.jsonl"
    rows = [{"prompt": question, "completion": answer} for answer in answers]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return open_dataset(path)


def encoder(max_length: int = 1000, **changes: Any) -> Encoder:
    return replace(Encoder(tokenizer(), CHATML, "sft", max_length), **changes)


def test_the_tokens_are_those_of_the_rows(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, *(f"answer {i} ü" * (i % 7 + 1) for i in range(1200)))
    indices = np.array([3, 1, 1199, 700], dtype=np.int64)
    seen: list[tuple[int, int]] = []
    tokens = tokenize(dataset, indices, encoder(), lambda done, total: seen.append((done, total)))
    assert len(tokens) == 4
    assert tokens.rows.tolist() == indices.tolist()
    for place, index in enumerate(indices):
        encoded = encoder().encode(dataset[int(index)].data, dataset.format)
        ids, trained = tokens[place]
        assert ids.tolist() == encoded.ids
        assert trained.tolist() == encoded.trained
        assert tokens.lengths[place] == tokens.full_lengths[place] == len(encoded.ids)
    assert [str(array.dtype) for array in (tokens.ids, tokens.trained)] == ["int32", "bool"]
    assert [str(array.dtype) for array in (tokens.offsets, tokens.rows)] == ["int64", "int64"]
    assert len(tokens.ids) == len(tokens.trained) == tokens.offsets[-1]
    assert (tokens.truncated, tokens.untrained, seen) == (0, [], [(4, 4)])
    with pytest.raises(IndexError):
        tokens[4]


def test_rows_come_in_batches_without_a_seam(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, *(str(i) for i in range(1100)))
    tokens = tokenize(dataset, np.arange(1100), encoder())
    whole = [encoder().encode(dataset[index].data, dataset.format).ids for index in (0, 511, 512, 1023, 1024, 1099)]
    assert [tokens[index][0].tolist() for index in (0, 511, 512, 1023, 1024, 1099)] == whole
    assert tokens.rows.tolist() == list(range(1100))


def test_tokens_whose_memory_was_given_back_are_read_again(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, *(str(i) for i in range(600)))
    tokens = tokenize(dataset, np.arange(600), encoder())
    ids, trained = tokens.ids.copy(), tokens.trained.copy()
    for part in (tokens, replace(tokens, ids=ids, trained=trained)):
        part.release()
        assert np.array_equal(part.ids, ids)
        assert np.array_equal(part.trained, trained)


def test_cuts_are_counted_and_rows_without_a_learned_token_listed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [("why?", "short"), (LONG, "never seen"), ("why?", "a long answer " * 30)]
    lines = [json.dumps({"prompt": prompt, "completion": completion}) for prompt, completion in rows]
    path.write_text("\n".join([lines[0], "bad", *lines[1:]]), encoding="utf-8")
    dataset = open_dataset(path)
    tokens = tokenize(dataset, np.arange(3), encoder(64))
    assert tokens.rows.tolist() == [0, 3]
    assert tokens.truncated == 1
    assert tokens.lengths[1] == 64 < tokens.full_lengths[1]
    before = encoder().encode(dataset[1].data, dataset.format).trained.index(True)
    reason = f"the {before} tokens before the answer fill the maximum length of 64, so no answer is left"
    assert tokens.untrained == [Rejected(2, 3, reason)]


def test_rows_the_template_refuses_are_listed(tmp_path: Path) -> None:
    refusing = CHATML + "{% if messages[0].content == 'no' %}{{ raise_exception('I do not say no') }}{% endif %}"
    dataset = dataset_of(tmp_path, "a", "b", question="no")
    tokens = tokenize(dataset, np.arange(2), encoder(template=refusing))
    assert len(tokens) == 0
    assert [item.reason for item in tokens.untrained] == ["the chat template refuses it: I do not say no"] * 2
    assert tokens.offsets.tolist() == [0]
    assert len(tokens.lengths) == 0


def test_the_second_time_comes_from_the_cache(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, "a", "b", "c")
    seen: list[tuple[int, int]] = []

    def count(done: int, total: int) -> None:
        seen.append((done, total))

    first = tokenize(dataset, np.arange(3), encoder(), count)
    again = tokenize(dataset, np.arange(3), encoder(), count)
    assert again.ids.tolist() == first.ids.tolist()
    assert len(seen) == 1
    bos = tokenizer()
    bos.bos_token = "<|endoftext|>"
    different: list[tuple[Any, Any, Encoder]] = [
        (dataset, np.arange(2), encoder()),
        (dataset, np.array([2, 1, 0]), encoder()),
        (dataset, np.arange(3), encoder(max_length=100)),
        (dataset, np.arange(3), encoder(objective="pretraining")),
        (dataset, np.arange(3), encoder(template=None)),
        (dataset, np.arange(3), encoder(tokenizer=bos)),
        (dataset_of(tmp_path, "a", "b", "d"), np.arange(3), encoder()),
    ]
    for number, (rows, indices, maker) in enumerate(different, start=2):
        tokenize(rows, indices, maker, count)
        assert len(seen) == number


@pytest.mark.parametrize("name", ["ids", "trained", "offsets", "rows", "starts", "full_lengths"])
def test_a_cache_with_a_wrong_bit_is_made_again(tmp_path: Path, name: str) -> None:
    dataset = dataset_of(tmp_path, "a", "b", "c")
    tokenize(dataset, np.arange(3), encoder())
    (file,) = (paths.cache_dir() / "tokens").glob(f"*/{name}")
    written = file.read_bytes()
    file.write_bytes(bytes([written[0] ^ 1]) + written[1:])
    tokenize(dataset, np.arange(3), encoder())
    assert file.read_bytes() == written


@pytest.mark.parametrize("name", ["ids", "trained", "offsets", "rows", "full_lengths", "about.json"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, name: str) -> None:
    dataset = dataset_of(tmp_path, "a", "b", "c")
    wanted = tokenize(dataset, np.arange(3), encoder()).ids.tolist()
    (file,) = (paths.cache_dir() / "tokens").glob(f"*/{name}")
    os.truncate(file, file.stat().st_size - 3)
    assert tokenize(dataset, np.arange(3), encoder()).ids.tolist() == wanted


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, home: Path) -> None:
    dataset = dataset_of(tmp_path, "a", "b", "c")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokenize(dataset, np.arange(3), encoder(), interrupt)
    assert [path.suffix for path in (home / "cache" / "tokens").iterdir()] in ([], [".lock"])
    assert len(tokenize(dataset, np.arange(3), encoder())) == 3


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = dataset_of(tmp_path, "a")
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "rows.jsonl" / "inside"))
    with pytest.raises(StudioError) as caught:
        tokenize(dataset, np.arange(1), encoder())
    assert caught.value.reason == "disk"


@pytest.mark.parametrize("package", ["tokenizers", "transformers"])
def test_another_version_of_the_libraries_makes_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    dataset = dataset_of(tmp_path, "a")
    tokenize(dataset, np.arange(1), encoder())
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0" if name == package else version(name))
    tokenize(dataset, np.arange(1), encoder())
    assert sum(path.is_dir() for path in (paths.cache_dir() / "tokens").iterdir()) == 2
