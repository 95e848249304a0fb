"""What an audit finds by tokens, and that the explorer's numbers are those of the engine."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import filelock
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.audit import findings
from studio.core.audit.findings import Finding
from studio.core.audit.lengths import Lengths
from studio.core.audit.remedies import remedy
from studio.core.config import DataSpec, TrainingSpec
from studio.core.data.datasets import Dataset, open_dataset
from studio.core.versions.steps import Exclude, each
from studio.engine import audit, batches
from studio.engine.labels import Chunking, Encoder, make_encoder
from studio.engine.tokens import tokenize
from tests.engine.test_chunks import beginning
from tests.engine.test_labels import CHATML, INST, LAST_ONLY, THINKING, byte_level
from tests.models import tokenizer
from tests.training import write_rows

TEXT = "This is the answer to what you want to know of the world, and it is a long one."


def turns(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]}


def written(folder: Path, rows: list[dict[str, Any]]) -> Dataset:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return open_dataset(path)


def examined(dataset: Dataset, maker: Encoder, **settings: Any) -> tuple[dict[str, Finding], audit.Audit]:
    told: list[Finding] = []
    spec = DataSpec(path=str(dataset.source), **settings)
    made = audit.examine(dataset, maker, spec, 0, lambda *at: None, told.extend)
    assert sorted(item.key for item in told) == [item.key for item in sorted(made.found, key=lambda item: item.key)]
    return {item.key: item for item in made.found}, made


def test_what_a_maximum_length_does_is_found(tmp_path: Path) -> None:
    rows = [turns("a", TEXT), turns("a", "b c", TEXT, "d e"), turns(TEXT, "f g"), turns("a", f"{TEXT} {TEXT}")]
    dataset = written(tmp_path, rows)
    maker = make_encoder(tokenizer(), DataSpec(path="-", max_length=1000), "sft")
    whole, _ = examined(dataset, maker)
    assert not whole.keys() & {"cut", "lost", "untrained", "refused", "endless"}

    encoded = [maker.encode(row, "messages") for row in rows]
    cutoff = 50
    for item in encoded:
        assert len(item.ids) > cutoff
    found, made = examined(dataset, replace(maker, max_length=cutoff))
    assert {key: found[key].rows.tolist() for key in ("cut", "lost", "untrained")} == {
        "cut": [0, 3],
        "lost": [1],
        "untrained": [2],
    }
    for row, (lost, of) in zip((0, 3), found["cut"].hits[:, 2:4].tolist(), strict=True):
        assert (lost, of) == (sum(encoded[row].trained[cutoff:]), sum(encoded[row].trained))
    assert "fill the maximum length of 50" in found["untrained"].notes[2]
    at = made.lengths.at(cutoff)
    assert (at.cut, at.shortened, at.lost, at.dropped, at.rows) == (4, 4, 2, 1, 3)

    for key in ("cut", "lost", "untrained"):
        (step,) = remedy(found[key], lambda row: (dataset.find(row).data, dataset.format))
        assert isinstance(step, Exclude)
        gone = {number for _, number in each(step.rows)}
        left = [row for number, row in enumerate(rows) if number not in gone]
        (tmp_path / key).mkdir()
        assert key not in examined(written(tmp_path / key, left), replace(maker, max_length=cutoff))[0]


def test_what_the_template_does_is_found(tmp_path: Path) -> None:
    system = {"messages": [{"role": "system", "content": "be kind"}, *turns("a", TEXT)["messages"]]}
    dataset = written(tmp_path, [turns("b", TEXT), system, turns("say <|im_end|>", f"{TEXT} <s>")])
    found, _ = examined(dataset, Encoder(byte_level(), INST, "sft", 1000))
    assert found["refused"].rows.tolist() == [1]
    assert "Only user and assistant speak here" in found["refused"].notes[1]
    assert found["special"].hits[:, :2].tolist() == [[2, 0], [2, 1]], "the tokenizer's own special tokens"


def test_an_end_that_is_not_learned_is_found(tmp_path: Path) -> None:
    # This template closes the last answer only, and that one is not learned here.
    half = turns("a", TEXT, "b", TEXT)
    half["messages"][-1]["weight"] = 0
    dataset = written(tmp_path, [turns("a", TEXT), half])
    found, _ = examined(dataset, Encoder(byte_level(), LAST_ONLY, "sft", 1000))
    assert found["endless"].rows.tolist() == [1]
    assert "endless" not in examined(dataset, Encoder(byte_level(), CHATML, "sft", 1000))[0]


def test_tools_that_the_template_does_not_write_are_found(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look", "description": "d", "parameters": {"type": "object"}}}
    rows = [turns("a", TEXT), turns("b", TEXT) | {"tools": [tool]}, turns("c", TEXT) | {"tools": "[]"}]
    dataset = written(tmp_path, rows)
    found, made = examined(dataset, Encoder(byte_level(), CHATML, "sft", 1000))
    assert found["untold"].rows.tolist() == [1]
    assert len(made.lengths.rows) == 3, "they are learned all the same"
    telling = "{% if tools %}{{ tools | tojson }}{% endif %}" + CHATML
    assert "untold" not in examined(dataset, Encoder(byte_level(), telling, "sft", 1000))[0]


def test_answers_of_which_the_template_leaves_out_a_part_are_found(tmp_path: Path) -> None:
    thought = f"<think>\nso\n</think>\n\n{TEXT}"
    dataset = written(tmp_path, [turns("a", TEXT, "b", thought), turns("a", thought, "b", TEXT)])
    found, made = examined(dataset, Encoder(byte_level(), THINKING, "sft", 1000))
    assert found["partial"].rows.tolist() == [1]
    assert len(made.lengths.rows) == 2, "the rest of them is learned"


def test_the_second_time_comes_from_the_cache(tmp_path: Path) -> None:
    dataset = open_dataset(write_rows(tmp_path / "rows.jsonl", 300))
    maker = make_encoder(tokenizer(), DataSpec(path="-", max_length=40), "sft")
    first, made = examined(dataset, maker)

    def no_work(*at: Any) -> None:
        raise AssertionError(at)

    again = audit.examine(dataset, maker, DataSpec(path=str(dataset.source)), 0, no_work, lambda found: None)
    assert [item.summary() for item in again.found] == [item.summary() for item in first.values()]
    assert again.about == made.about
    on_disk = [item for folder in made.folders for item in (findings.load(folder) or ([], {}))[0]]
    assert sorted(item.key for item in on_disk) == sorted(first)
    # Another maximum length reads no row again.
    shorter = audit.examine(
        dataset, replace(maker, max_length=20), DataSpec(path=str(dataset.source)), 0, no_work, lambda found: None
    )
    assert shorter.lengths.at(20).cut > made.lengths.at(40).cut
    kept = Lengths.load(made.lengths_folder)
    assert kept is not None
    assert np.array_equal(kept.tokens, made.lengths.tokens)
    (made.lengths_folder / "lengths.npy").write_bytes(b"torn")
    assert np.array_equal(audit.measure(dataset, maker, lambda *at: None)[1].lengths.tokens, kept.tokens)


def test_a_cancelled_audit_leaves_nothing(tmp_path: Path, home: Path) -> None:
    class Enough(BaseException):
        pass

    dataset = open_dataset(write_rows(tmp_path / "rows.jsonl", 20))
    maker = make_encoder(tokenizer(), DataSpec(path="-"), "sft")
    for phase in ("checking", "comparing", "tokenizing"):

        def tell(now: str, *at: int, wanted: str = phase) -> None:
            if now == wanted:
                raise Enough

        with pytest.raises(Enough):
            audit.examine(dataset, maker, DataSpec(path="-"), 0, tell, lambda found: None)
    # What the text showed was whole before the tokens were asked for.
    left = {path.parent.name for path in home.rglob("findings.json")}
    assert len(left) == 1
    assert not list(home.rglob(".sketches-*"))
    assert not list(home.rglob("*.part"))


def test_what_a_killed_audit_left_goes_with_the_next_one(tmp_path: Path, home: Path) -> None:
    maker = make_encoder(tokenizer(), DataSpec(path="-"), "sft")
    others = [home / "cache" / "findings" / f".{name}.part" for name in ("dead", "live")]
    for part in others:
        part.mkdir(parents=True)
        (part / "sketches").write_bytes(b"x" * 100)
    kept: list[str] = []

    def tell(phase: str, *at: int) -> None:
        kept.extend(path.name for path in others[0].parent.glob("*/*") if phase == "checking")

    dataset = open_dataset(write_rows(tmp_path / "rows.jsonl", 20))
    with filelock.FileLock(others[1].with_suffix(".lock")):
        audit.examine(dataset, maker, DataSpec(path="-"), 0, tell, lambda found: None)
    assert [part.exists() for part in others] == [False, True]
    assert any(name.startswith("sketches-") for name in kept), "where the next audit looks for it"
    assert not list(home.rglob("sketches-*"))


@pytest.mark.parametrize("objective", ["sft", "pretraining"])
def test_the_lengths_are_those_of_training(tmp_path: Path, objective: str) -> None:
    dataset = open_dataset(write_rows(tmp_path / "rows.jsonl", 200))
    for cutoff in (8, 20, 33, 64, 500):
        maker = make_encoder(tokenizer(), DataSpec(path="-", max_length=cutoff), objective)
        tokens = tokenize(dataset, np.arange(len(dataset)), maker)
        _, measured = audit.measure(dataset, maker, lambda *at: None)
        at = measured.lengths.at(cutoff)
        assert (at.rows, at.tokens, at.dropped) == (len(tokens), int(tokens.lengths.sum()), len(tokens.untrained))
        for packing in (False, True):
            for order in ("random", "sequential"):
                spec = TrainingSpec(
                    per_device_train_batch_size=2, gradient_accumulation_steps=3, train_sampling_strategy=order
                )
                steps = batches.plan_epoch(tokens.lengths, spec, cutoff if packing else None, 0)
                assert measured.lengths.steps(cutoff, spec, packing) == len(steps)


def made_up(rows: list[tuple[int, int, int, int]]) -> Lengths:
    """Rows of some tokens, what is learned of them somewhere inside."""
    columns = []
    for number, (count, one, two, three) in enumerate(rows):
        first, last, stop = sorted((1 + one % (count - 1), 1 + two % (count - 1), 1 + three % count))
        columns.append((number, count, first, last, max(stop, last + 1), 1, -1, 0))
    return Lengths(*np.array(columns, np.int32).reshape(-1, 8).T)


@settings(max_examples=200)
@given(
    rows=st.lists(st.tuples(st.integers(2, 90), *[st.integers(0, 99)] * 3), min_size=1, max_size=60),
    cutoff=st.integers(2, 100),
    size=st.integers(1, 4),
    order=st.sampled_from(["random", "sequential", "group_by_length"]),
    epoch=st.integers(0, 3),
)
def test_packed_steps_are_those_the_engine_makes(
    rows: list[tuple[int, int, int, int]],
    cutoff: int,
    size: int,
    order: Literal["random", "sequential", "group_by_length"],
    epoch: int,
) -> None:
    lengths = made_up(rows)
    kept = lengths.first < cutoff
    fed = np.minimum(lengths.tokens[kept], cutoff).astype(np.int64)
    at = lengths.at(cutoff)
    assert (at.rows, at.tokens, at.dropped) == (kept.sum(), fed.sum(), (~kept).sum())
    assert (at.cut, at.lost) == ((lengths.tokens > cutoff).sum(), (lengths.last >= cutoff).sum())
    assert at.shortened == (lengths.stop > cutoff).sum()
    spec = TrainingSpec(per_device_train_batch_size=size, train_sampling_strategy=order, seed=3)
    if len(fed):
        for room in (None, cutoff):
            assert lengths.steps(cutoff, spec, room is not None) == len(batches.plan_epoch(fed, spec, room, epoch))


def test_part_of_the_rows_and_the_histogram() -> None:
    lengths = made_up([(10, 1, 2, 3), (20, 1, 2, 3), (90, 1, 2, 3)])
    assert lengths.take([0, 2]).tokens.tolist() == [10, 90]
    counts, edges = lengths.histogram(9)
    assert counts.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 1]
    assert (edges[0], edges[-1]) == (0, 90)
    every = made_up([(n, 1, 2, 3) for n in range(2, 108)])
    assert every.histogram(120)[0].tolist() == [0] + [1] * 106, "no bin without a number"
    assert every.histogram(50)[0].tolist() == [2] + [3] * 34 + [2]
    assert made_up([]).at(8).rows == 0
    assert made_up([]).steps(8, TrainingSpec(), True) == 0
    assert made_up([]).histogram()[0].sum() == 0


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.integers(1, 80), min_size=1, max_size=8),
    cutoff=st.integers(8, 40),
    share=st.floats(0, 0.5),
    begins=st.booleans(),
    order=st.sampled_from(["random", "sequential"]),
    chats=st.integers(0, 2),
)
def test_chunks_are_counted_as_the_engine_makes_them(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[int],
    cutoff: int,
    share: float,
    begins: bool,
    order: Literal["random", "sequential"],
    chats: int,
) -> None:
    overlap = int(share * cutoff)
    own = beginning() if begins else tokenizer()
    maker = Encoder(own, CHATML, "sft", cutoff, Chunking(overlap))
    rows: list[dict[str, Any]] = [{"text": "ab " * count} for count in texts]
    rows += [turns("who?", "me, and nobody else but me and me")] * chats
    found = [maker.encode(row, "mixed") for row in rows]
    whole = [replace(maker, max_length=100_000, chunking=None).encode(row, "mixed") for row in rows]
    columns = [(at, *audit._counted((item,), set())) for at, item in enumerate(whole)]
    lengths = Lengths(*np.array(columns, np.int32).reshape(-1, 8).T)
    fed = [len(ids) for item in found for ids, trained in item.sequences() if any(trained)]
    at = lengths.at(cutoff, overlap)
    assert (at.sequences, at.tokens) == (len(fed), sum(fed))
    assert at.chunked == sum(len([trained for _, trained in item.sequences() if any(trained)]) > 1 for item in found)
    assert at.cut == sum(item.kept < len(item.ids) for item in found)
    spec = TrainingSpec(per_device_train_batch_size=1, train_sampling_strategy=order)
    if fed:
        made = np.array(fed, np.int64)
        for room in (None, cutoff):
            steps = lengths.steps(cutoff, spec, room is not None, overlap=overlap)
            assert steps == len(batches.plan_epoch(made, spec, room, 0))
        assert lengths.least_steps(cutoff, spec, overlap=overlap) <= steps


def test_chunks_take_the_place_of_cuts_in_the_findings(tmp_path: Path) -> None:
    dataset = written(tmp_path, [{"text": TEXT * 8}, {"text": "short enough"}])
    cut = make_encoder(tokenizer(), DataSpec(path="-", max_length=64), "sft")
    assert "cut" in examined(dataset, cut)[0]
    spec = DataSpec(path="-", max_length=64, long_text="chunks", chunk_overlap=8)
    found, made = examined(dataset, make_encoder(tokenizer(), spec, "sft"))
    assert "cut" not in found
    assert found["chunks"].rows.tolist() == [0]
    count = made.lengths.at(64, 8).sequences - 1
    assert found["chunks"].notes == {0: f"made into {count} chunks"}
    assert count > 2


def test_packed_steps_are_counted_exactly() -> None:
    tokens = np.clip(np.random.default_rng(0).lognormal(6.5, 1, 100_000), 8, None).astype(np.int32)
    zeros = np.zeros_like(tokens)
    lengths = Lengths(np.arange(len(tokens), dtype=np.int32), tokens, zeros, zeros, tokens, zeros, zeros - 1, zeros)
    spec = TrainingSpec()
    for cutoff in (1024, 2048, 4096, 8192):
        started = time.process_time()
        steps = lengths.steps(cutoff, spec, True)
        # Hundredths of a second; packing the rows themselves takes several.
        assert time.process_time() - started < 1
        assert 0.99 * steps <= lengths.least_steps(cutoff, spec) <= steps


def test_of_two_answers_both_are_counted(tmp_path: Path) -> None:
    words = [(1, 3), (9, 2), (30, 60), (1, 40), (70, 71)]
    rows = [{"prompt": "who?", "chosen": "me " * one, "rejected": "you " * two} for one, two in words]
    rows.append({"prompt": "who?", "chosen": "me " * 50 + "a", "rejected": "me " * 50 + "b"})
    rows.append({"prompt": "who? " * 40, "chosen": "me", "rejected": "you"})
    dataset = written(tmp_path, rows)
    maker = make_encoder(tokenizer(), DataSpec(path="-", max_length=64), "dpo")
    for cutoff in (64, 1000):
        fed = tokenize(dataset, np.arange(len(dataset)), replace(maker, max_length=cutoff))
        found, made = examined(dataset, replace(maker, max_length=cutoff))
        at = made.lengths.at(cutoff)
        assert made.lengths.pairs
        assert (at.rows, at.tokens) == (len(fed) // 2, fed.offsets[-1])
        left_out = [item.row for item in fed.untrained]
        assert left_out == ([5, 6] if cutoff == 64 else [])
        assert [row for key in found.keys() & {"untrained"} for row in found[key].rows] == left_out
        if left_out:
            assert "differ only behind" in found["untrained"].notes[5]
