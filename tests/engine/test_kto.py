"""Learning from answers labelled good or bad: mismatched rows, the baseline they give, and nothing lost."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio import paths
from studio.core import events, library, runs
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.rowlog import read
from studio.core.runs import Run
from studio.engine import model, planning, reference, session, step
from studio.engine.corpus import Corpus, read_corpus
from studio.engine.tokens import Tokens, _opened, _write_mismatched
from tests.training import begin_anew, config, digest, judging, preferring, resume, trained


def read_in(whole: RunConfig) -> tuple[Corpus, list[str]]:
    """Returns the rows of a run as tokens, and what is told of them."""
    told = list[str]()
    tokenizer = model.load_tokenizer(Path(whole.model.path))
    found = read_corpus(whole, tokenizer, lambda event: told.append(getattr(event, "message", "")))
    return found, list(filter(None, told))


LENGTHS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2)), min_size=1, max_size=8)


@given(lengths=LENGTHS)
def test_each_prompt_is_followed_by_the_answer_before_it(
    lengths: list[tuple[int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [
        (10 * number + np.arange(a + b + c, dtype=np.int32), np.repeat([False, True, False], (a, b, c)))
        for number, (a, b, c) in enumerate(lengths)
    ]
    count, offsets = len(rows), np.cumsum([0, *(len(ids) for ids, _ in rows)])
    ids, learned = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    nothing = np.zeros(count, np.int64)
    part = Tokens(ids, learned, offsets, np.arange(count), nothing, nothing.astype(np.int32), 0, [])
    folder = tmp_path_factory.mktemp("mismatched")
    _write_mismatched(part, folder)
    found = _opened(folder)
    assert found is not None
    assert len(found) == count
    longest = max(a + b for a, b, _ in lengths)
    for at, (a, b, _) in enumerate(lengths):
        before, _, behind = lengths[at - 1]
        other = rows[at - 1][0][before:]
        made, kept = found[at]
        assert made.tolist() == [*rows[at][0][:a], *other][:longest]
        trained_there = [False] * a + [True] * (len(other) - behind) + [False] * behind
        assert kept.tolist() == trained_there[:longest]
        assert kept.any(), "at least a token of the answer is left"
        assert b


def test_rows_know_their_labels_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    whole = judging(tmp_path)
    file = Path(whole.data.path)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[3]["label"] = "perhaps"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus, _ = read_in(whole)
    train = corpus.train
    assert corpus.row_format == "kto"
    assert train.desirable.tolist() == [row["label"] for at, row in enumerate(rows) if at != 3]
    assert [(item["row"], item["reason"]) for item in corpus.unused] == [
        (3, "`label` is not true or false, nor yes or no, good or bad")
    ]
    assert train.mismatched is not None
    assert len(train.mismatched) == len(train)
    assert train.mismatched.lengths.max() <= train.lengths.max()
    # Another label is another run.
    same = corpus.labels_fingerprint()
    file.write_text(file.read_text().replace("true", "false", 1))
    assert read_in(whole)[0].labels_fingerprint() != same


def test_what_the_labels_come_to_is_told(tmp_path: Path) -> None:
    whole = judging(tmp_path, rows=12)
    file = Path(whole.data.path)

    def told(good: int, **weights: Any) -> list[str]:
        rows = [{"prompt": f"late {at}?", "completion": "small world", "label": at < good} for at in range(12)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read_in(replace(whole, training=replace(whole.training, **weights)))[1]

    assert told(6) == []
    assert told(9) == [
        "9 training rows are good and 3 bad: for both to weigh the same, set training.undesirable_weight to 3."
    ]
    assert told(9, undesirable_weight=3.0) == told(3, desirable_weight=2.5) == []
    assert "training.desirable_weight to 6." in told(3, undesirable_weight=2.0)[0]
    for good, kind in ((0, "bad"), (12, "good")):
        assert told(good)[0].startswith(f"All training rows are labelled {kind}: ")


def test_it_learns_and_keeps_a_loss_for_each_row(tmp_path: Path) -> None:
    whole = judging(tmp_path, data={"eval_split": 0.2}, eval_steps=4, learning_rate=1e-2, num_train_epochs=3)
    run = trained(whole, tmp_path / "run")
    progress, log = run.progress(), read(run.path)
    steps, scores = progress.steps, progress.evaluations
    # Nothing has moved yet: each reward is 0, and each loss a half.
    assert steps[0].loss == pytest.approx(0.5)
    assert steps[0].reward_margin == pytest.approx(0.0, abs=1e-6)
    assert scores[0].eval_loss == pytest.approx(0.5)
    assert scores[-1].eval_loss < scores[1].eval_loss < 0.5
    assert (scores[-1].reward_accuracy or 0) > 0.7
    assert (steps[-1].reward_margin or 0) > 0.1
    for item in (steps[0], steps[-1]):
        assert log["loss"][log["step"] == item.step].mean() == pytest.approx(item.loss, rel=1e-5)
    assert 0 <= log["loss"].min() <= log["loss"].max() <= 1
    (entry,) = library.entries()
    card = (entry.folder / "README.md").read_text()
    assert "- kto" in card
    assert "training.desirable\\_weight | 1 |" in card
    assert "simpo" not in card


@pytest.mark.parametrize("change", [{"micro_batch_tokens": 4000}, {"gradient_accumulation_steps": 2}], ids=str)
def test_how_rows_are_divided_into_passes_changes_no_loss(change: dict[str, int], tmp_path: Path) -> None:
    spec: dict[str, Any] = {"rows": 24, "learning_rate": 1e-2, "data": {"eval_split": 0.2}, "eval_steps": 3}
    whole: dict[str, Any] = {"micro_batch_tokens": 60, "per_device_train_batch_size": 4}
    other = whole | change
    if "gradient_accumulation_steps" in change:
        other["per_device_train_batch_size"] = 2
    found = [
        trained(judging(tmp_path, **spec, **way), tmp_path / f"run-{at}").progress()
        for at, way in enumerate((whole, other))
    ]
    for name in ("loss", "reward_margin"):
        one, two = ([getattr(item, name) for item in progress.steps] for progress in found)
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
    scores = [[item.eval_loss for item in progress.evaluations] for progress in found]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_the_baseline_is_how_far_mismatched_answers_have_moved(tmp_path: Path) -> None:
    whole = judging(tmp_path, rows=10, max_steps=6, learning_rate=3e-2)
    run = trained(whole, tmp_path / "run")
    begin_anew()
    current = session.prepare(run, lambda event: None)
    reference.look_up(current, lambda: False)
    train, known = current.corpus.train, current.reference
    mismatched = train.mismatched
    assert mismatched is not None
    assert known is not None
    assert known.mismatched is not None
    current.bare.eval()

    def baseline() -> float:
        passes = current.choices.passes(mismatched, [np.arange(10)])
        found = step._baseline(current, train, known, passes, 10)
        assert found is not None
        assert not found.requires_grad
        return float(found)

    assert baseline() == pytest.approx(0.0, abs=1e-5)
    session.load_weights(current, run.path / "checkpoints" / "step-000006")
    moved = []
    for at in range(10):
        ids, learned = (torch.from_numpy(np.array(part)) for part in mismatched[at])
        with torch.no_grad():
            logits = current.bare(input_ids=ids[None].long(), use_cache=False).logits[0, :-1]
        logs = torch.log_softmax(logits.float(), -1).gather(1, ids[1:, None].long())[learned[1:], 0]
        moved.append(float(logs.sum()) + float(known.mismatched[at]))
    assert abs(np.mean(moved)) > 0.05
    assert baseline() == pytest.approx(max(np.mean(moved), 0.0), rel=1e-3, abs=1e-4)


def looked_up_in() -> Path:
    return paths.cache_dir() / "reference"


def killed_at(run: Run, kind: type[events.Phase | events.Step], number: int) -> None:
    """Trains a run until it tells of its `number`th step, or of the first pass of the `number`th look-up."""
    told = 0

    def stop(event: events.Event) -> None:
        nonlocal told
        first = not isinstance(event, events.Phase) or (event.name, event.done) == ("reference", 1)
        told += isinstance(event, kind) and first
        if told == number:
            run.ask(events.Stop(keep=False))

    resume(run, stop)


def test_a_run_that_goes_on_ends_bit_identical(tmp_path: Path) -> None:
    spec: dict[str, Any] = {"data": {"eval_split": 0.2}, "eval_steps": 4, "save_steps": 2, "num_train_epochs": 1}
    whole = judging(tmp_path, adapter={"lora_dropout": 0.1}, micro_batch_tokens=60, **spec)
    whole_run = trained(whole, tmp_path / "whole")
    # Rows and mismatched rows, to learn and to evaluate.
    assert len(list(looked_up_in().glob("*/losses.bin"))) == 4
    shutil.rmtree(looked_up_in())
    torn = runs.create(whole, tmp_path / "torn")
    killed_at(torn, events.Phase, 2)
    assert not torn.progress().steps
    assert len(list(looked_up_in().glob("*/losses.bin"))) == 2
    killed_at(torn, events.Step, 5)
    assert len(torn.progress().steps) == 5
    # What was made of the rows is made again where it is lost.
    shutil.rmtree(paths.cache_dir() / "tokens")
    resume(torn)
    assert digest(torn) == digest(whole_run)
    told = [(item.reward_accuracy, item.reward_margin) for item in torn.progress().steps]
    assert told == [(item.reward_accuracy, item.reward_margin) for item in whole_run.progress().steps]


@pytest.mark.parametrize(
    "way",
    [
        {"activation_checkpointing": True},
        {"adapter": {"use_dora": True}},
        {"model": {"dtype": "bfloat16"}},
        {"model": {"quantization": "nf4"}, "optim": "adamw_8bit"},
        {"family": "opt"},
        {"family": "mixtral"},
        {"family": "gpt2", "train_sampling_strategy": "group_by_length"},
    ],
    ids=str,
)
def test_it_learns_in_every_way_of_computing(way: dict[str, Any], tmp_path: Path) -> None:
    spec: dict[str, Any] = {
        "data": {"eval_split": 0.2},
        "eval_steps": 8,
        "learning_rate": 1e-2,
        "num_train_epochs": 2,
    } | way
    progress = trained(judging(tmp_path, **spec), tmp_path / "run").progress()
    assert progress.steps[0].loss == pytest.approx(0.5, abs=0.02)
    assert progress.evaluations[-1].eval_loss < 0.49


@pytest.mark.parametrize("made", [config, preferring])
def test_rows_without_labels_are_refused(made: Any, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="a label of good or bad, and these have none") as caught:
        trained(made(tmp_path, objective="kto"), tmp_path / "run")
    wanted = "dpo" if made is preferring else "sft"
    assert caught.value.hint.startswith(f"Set training.objective={wanted},")
    with pytest.raises(StudioError, match="labels of good and bad are not learned with `sft`") as caught:
        trained(judging(tmp_path, objective="sft"), tmp_path / "other")
    assert "training.objective=kto" in caught.value.hint


def test_a_damaged_file_of_mismatched_rows_is_made_again(tmp_path: Path) -> None:
    whole = judging(tmp_path, rows=8)
    first = read_in(whole)[0].train.mismatched
    (folder,) = (paths.cache_dir() / "tokens").glob("*-mismatched")
    assert first is not None
    wanted = first.ids.tolist()
    damaged = folder / "ids"
    damaged.write_bytes(bytes(damaged.stat().st_size))
    again = read_in(whole)[0].train.mismatched
    assert again is not None
    assert again.ids.tolist() == wanted


def test_the_time_a_run_takes_counts_the_base_and_mismatched_rows(tmp_path: Path) -> None:
    whole = judging(tmp_path, num_train_epochs=1)
    run = runs.create(whole)
    for number in range(1, 5):
        run.emit(events.Step(step=number, epoch=0.1, loss=1.0, learning_rate=1e-3, grad_norm=1.0, tokens=9,
                             trained_tokens=4, step_s=0.1, tokens_per_s=100.0, memory_bytes=1, eta_s=3.0))  # fmt: skip
    planned, mismatched = planning.plan(whole, lambda event: None), read_in(whole)[0].train.mismatched
    assert mismatched is not None
    assert planned["seconds"] == math.ceil((1.5 * planned["tokens_per_epoch"] + len(mismatched.ids) / 2) / 100)
