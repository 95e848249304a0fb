"""A long text in chunks loses no token, learns each once, begins like every text and ends only at its end."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.cli import run
from studio.core import desk
from studio.core.config import DataSpec
from studio.core.data.datasets import open_dataset
from studio.core.errors import StudioError
from studio.engine.desk_work import Work
from studio.engine.labels import Chunk, Chunking, Encoded, Encoder, make_encoder
from studio.engine.tokens import tokenize
from tests.models import CHATML, bare_model, tokenizer
from tests.training import config, losses, trained


def an_encoder(max_length: int, chunking: Chunking | None, begins: bool = False, **changes: Any) -> Encoder:
    own = beginning() if begins else tokenizer()
    return replace(Encoder(own, CHATML, "sft", max_length, chunking), **changes)


def beginning() -> Any:
    """A tokenizer that puts a token of its own before every text."""
    from tokenizers.processors import TemplateProcessing

    own = tokenizer()
    first = own.convert_ids_to_tokens(3)
    own.backend_tokenizer.post_processor = TemplateProcessing(single=f"{first} $A", special_tokens=[(first, 3)])
    return own


@settings(max_examples=60)
@given(
    text=st.text(st.sampled_from("ab ü日\n"), min_size=1, max_size=400).filter(str.strip),
    max_length=st.integers(8, 60),
    share=st.floats(0, 0.5),
    begins=st.booleans(),
    again=st.booleans(),
)
def test_chunks_together_are_the_text(text: str, max_length: int, share: float, begins: bool, again: bool) -> None:
    overlap = int(max_length * share)
    encoder = an_encoder(max_length, Chunking(overlap, again), begins)
    whole = replace(encoder, max_length=10**6).encode({"text": text}, "text")
    encoded = encoder.encode({"text": text}, "text")
    assert (encoded.ids, encoded.trained, encoded.kept) == (whole.ids, whole.trained, len(whole.ids))
    sequences = list(encoded.sequences())
    head = whole.ids[: encoded.beginning]
    assert len(head) == begins
    joined, learned = [], np.zeros(len(whole.ids), int)
    for number, (chunk, (ids, marks)) in enumerate(zip(encoded.chunks, sequences, strict=True)):
        assert len(ids) == len(marks) <= max_length
        assert ids[: len(head)] == head, "every sequence begins as every text does"
        before = len(head) if number else 0
        assert ids[before:] == whole.ids[chunk.start : chunk.stop]
        joined += ids[before + (overlap if number else 0) :]
        assert (not number) or chunk.start == encoded.chunks[number - 1].stop - overlap
        assert not marks[0]
        learned[chunk.start : chunk.stop] += marks[before:]
    assert joined == whole.ids
    # What begins a sequence cannot be learned there: nothing stands before it.
    lost = {chunk.start for chunk in encoded.chunks if not begins} if not overlap or again else {0}
    for place, count in enumerate(learned):
        times = sum(chunk.start <= place < chunk.stop for chunk in encoded.chunks) if again else 1
        assert count == (times - (place in lost) if whole.trained[place] or place in lost else 0) or place == 0
    assert [whole.ids[-1] in ids for ids, _ in sequences][-1]
    assert all(encoder.tokenizer.eos_token_id not in ids for ids, _ in sequences[:-1]), "no cut is learned as an end"


def test_what_is_no_long_text_is_fed_as_ever() -> None:
    chunked, cut = an_encoder(40, Chunking(4)), an_encoder(40, None)
    long = "word " * 100
    chat = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": long}]}
    plain = replace(chunked, template=None), replace(cut, template=None)
    pair = {"prompt": long, "completion": long}
    for one, other, row, row_format in (
        (chunked, cut, chat, "messages"),
        (*plain, pair, "prompt_completion"),
        (chunked, cut, {"text": "short"}, "text"),
    ):
        found = one.encode(row, row_format)
        assert found == other.encode(row, row_format)
        assert found.chunks == [Chunk(0, found.kept, 0)]
        assert list(found.sequences()) == [(found.ids[: found.kept], found.trained[: found.kept])]
    assert cut.encode({"text": long}, "text").kept == 40
    # Nothing stands before these two: they are whole texts, but compared.
    answers = {"chosen": "good " * 100, "rejected": "bad " * 100}
    (compared,) = replace(plain[0], objective="dpo").encode_pairs([answers])
    assert [compared] == replace(plain[1], objective="dpo").encode_pairs([answers])
    assert [len(answer.chunks) for answer in compared if isinstance(answer, Encoded)] == [1, 1]
    assert chunked.fingerprint != cut.fingerprint
    assert chunked.fingerprint != replace(chunked, chunking=Chunking(4, train_overlap=True)).fingerprint


def test_the_tokens_of_a_dataset_know_their_chunks(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    texts = ["short", "word and word " * 60, "also short"]
    file.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    dataset = open_dataset(file)
    encoder = an_encoder(32, Chunking(8))
    tokens = tokenize(dataset, np.arange(3), encoder)
    encoded = encoder.encode(dataset[1].data, "text")
    count = len(encoded.chunks)
    assert count > 3
    assert tokens.rows.tolist() == [0, *[1] * count, 2]
    assert tokens.starts.tolist() == [0, *(chunk.start for chunk in encoded.chunks), 0]
    assert (tokens.truncated, tokens.untrained, len(tokens)) == (0, [], count + 2)
    assert tokens.full_lengths.tolist() == tokens.lengths.tolist()
    for place, (ids, marks) in enumerate(encoded.sequences(), start=1):
        assert tokens[place][0].tolist() == ids
        assert tokens[place][1].tolist() == marks


def test_the_settings_are_the_encoders(tmp_path: Path) -> None:
    def made(**data: Any) -> Encoder:
        return make_encoder(tokenizer(), DataSpec(path="-", **data), "pretraining")

    assert made().chunking is None
    assert made(long_text="chunks", chunk_overlap=9, train_overlap=True).chunking == Chunking(9, True)
    with pytest.raises(StudioError, match="cannot repeat 16"):
        made(long_text="chunks", max_length=16, chunk_overlap=16)
    with pytest.raises(ValueError, match=r"data\.chunk_overlap: at most half"):
        config(tmp_path, data={"max_length": 64, "chunk_overlap": 33})


def test_a_run_learns_every_chunk(tmp_path: Path) -> None:
    file = tmp_path / "book.jsonl"
    file.write_text(
        json.dumps({"text": "a small open world of numbers " * 60}) + '\n{"text": "short"}', encoding="utf-8"
    )
    data: dict[str, Any] = {"path": str(file), "max_length": 64, "long_text": "chunks", "chunk_overlap": 16}
    plain = config(tmp_path)
    whole = replace(
        plain,
        data=replace(plain.data, **data),
        training=replace(plain.training, objective="pretraining", num_train_epochs=1),
    )
    done = trained(whole, tmp_path / "run")
    progress = done.progress()
    assert progress.prepared is not None
    assert progress.prepared.rows > 4
    assert progress.prepared.truncated_rows == 0
    assert any("1 long text was made into" in notice.message for notice in progress.notices)
    assert losses(done)


def test_a_cut_text_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"text": "word " * 100}), encoding="utf-8")
    assert tokenize(open_dataset(file), np.arange(1), an_encoder(16, None)).truncated == 1
    with pytest.raises(StudioError):
        an_encoder(16, Chunking(1)).encode({"text": ""}, "text")


def test_the_desk_and_the_command_line_show_the_chunks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = bare_model(tmp_path / "model")
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"text": "word and word " * 60}), encoding="utf-8")
    request = desk.Tokens(file=str(file), model=str(model), max_length=32, long_text="chunks", chunk_overlap=8)
    shown = Work().do(request, lambda *_: None, lambda *_: None, lambda _: None)
    assert isinstance(shown, desk.Picture)
    encoded = an_encoder(32, Chunking(8)).encode({"text": "word and word " * 60}, "text")
    assert shown.chunks == [tuple(chunk) for chunk in encoded.chunks]
    assert (shown.kept, shown.tokens, shown.beginning) == (len(encoded.ids), len(encoded.ids), 0)
    command = ["data", "tokens", str(file), "--model", str(model), "--row", "0", "--max-length", "32"]
    assert run([*command, "--chunk-overlap", "8", "--json"]) == 0
    chunks = json.loads(capsys.readouterr().out)["chunks"]
    assert chunks == [{"start": a, "stop": b, "learned_from": c} for a, b, c in encoded.chunks]
    assert run([*command, "--chunk-overlap", "8"]) == 0
    assert f"{len(chunks)} chunks: 0 to 32, 24 to 56" in capsys.readouterr().out
