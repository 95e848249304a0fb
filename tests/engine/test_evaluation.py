"""Evaluations: the losses are training's own, the rows are those held back, and what was read is not read again."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch

from studio import paths
from studio.core import config_file, desk, evaluations, library, runs, space, summaries
from studio.core.config import RunConfig, to_dict
from studio.core.errors import StudioError
from studio.core.evaluations import Result
from studio.core.library import Base
from studio.core.runs import Run
from studio.core.versions import store
from studio.core.versions.recipe import Source
from studio.core.versions.steps import Split
from studio.engine import evaluation
from studio.engine.desk_work import Work
from studio.engine.loaded import Loaded
from tests.desks import random_adapter
from tests.models import tiny
from tests.training import config, judging, preferring, trained, write_rows

SHORT = desk.Sampling(max_new_tokens=6)


class Enough(BaseException):
    """What ends an evaluation early."""


def told(
    request: desk.Evaluate,
    work: Work | None = None,
    most: int = 1_000_000,
    on_first: Callable[[], None] = lambda: None,
) -> tuple[desk.Evaluated, list[Result]]:
    """Returns what an evaluation says; ended behind so many rows by `Enough`. The first rows are told to `on_first`."""
    found: list[Result] = []

    def take(results: list[Result]) -> None:
        if not found:
            on_first()
        found.extend(results)
        if len(found) >= most:
            raise Enough

    done = (work or Work()).do(request, lambda *_: None, lambda *_: None, lambda _: None, None, take)
    assert isinstance(done, desk.Evaluated)
    return done, found


def summed(found: list[Result]) -> summaries.Summary:
    summary = summaries.Summary(len(found[0].columns))
    for item in found:
        summary.add(item)
    return summary


def held(run: Run, *adapters: str, **more: Any) -> desk.Evaluate:
    settings, known = evaluations.held_by(run)
    return desk.Evaluate(config=to_dict(settings), held=True, known=known, adapters=[None, *adapters], **more)


SETTINGS: dict[str, dict[str, Any]] = {
    "chat": {"data": {"eval_split": 0.3}},
    "cut": {"data": {"eval_split": 0.3, "max_length": 40}},
    "nf4": {"data": {"eval_split": 0.3}, "model": {"quantization": "nf4"}},
    "gpt2": {"data": {"eval_split": 0.3}, "family": "gpt2"},
    "dora": {"data": {"eval_split": 0.3}, "adapter": {"use_dora": True}},
    "whole text": {"data": {"eval_split": 0.3}, "objective": "pretraining"},
}


PAIRED: dict[str, dict[str, Any]] = {
    "dpo": {"beta": 0.3},
    "ipo": {"beta": 0.2},
    "orpo": {},
    "simpo": {"simpo_gamma": 0.7},
}


@pytest.mark.parametrize("kind", [*SETTINGS, *PAIRED, "own file", "chunks"])
def test_the_loss_is_that_of_the_runs_own_evaluation(kind: str, tmp_path: Path) -> None:
    if kind in PAIRED:
        settings = preferring(tmp_path, data={"eval_split": 0.3}, objective=kind, **PAIRED[kind])
    elif kind == "own file":
        settings = config(tmp_path, data={"eval_path": str(write_rows(tmp_path / "eval.jsonl", 9, seed=5))})
    elif kind == "chunks":
        texts = tmp_path / "texts.jsonl"
        texts.write_text("".join(json.dumps({"text": f"order {n} late box " * (4 * n)}) + "\n" for n in range(1, 13)))
        spec = {"eval_split": 0.3, "max_length": 48, "long_text": "chunks", "chunk_overlap": 8}
        whole = config(tmp_path, data=spec, objective="pretraining")
        settings = replace(whole, data=replace(whole.data, path=str(texts)))
    else:
        settings = config(tmp_path, **SETTINGS[kind])
    run = trained(settings, tmp_path / "run")
    last = run.progress().evaluations[-1]
    done, found = told(held(run, library.entries()[0].name))
    summary = summed(found)
    loss = summary.figure(1, "loss")
    assert loss is not None
    assert loss.mean == pytest.approx(last.eval_loss, abs=1e-5)
    assert summary.tokens == last.trained_tokens
    assert done.rows == len(found)
    base = summary.figure(0, "loss")
    before = run.progress().base
    assert base is not None
    assert before is not None
    assert base.mean == pytest.approx(before.eval_loss, abs=1e-5)
    if kind in PAIRED:
        share = summary.figure(1, "preferred")
        assert share is not None
        assert share.mean == pytest.approx(last.reward_accuracy)
        assert (summary.figure(0, "preferred") is None) == (kind in ("dpo", "ipo")), "it prefers nothing to itself"
    assert loss.better > 0, "it has learned something"


def test_labelled_answers_are_measured_by_their_reward(tmp_path: Path) -> None:
    settings = judging(tmp_path, data={"eval_split": 0.5}, beta=0.3, num_train_epochs=3)
    run = trained(settings, tmp_path / "run")
    last = run.progress().evaluations[-1]
    _, found = told(held(run, library.entries()[0].name, answers=True, sampling=SHORT))
    summary = summed(found)
    rows = [json.loads(line) for line in Path(settings.data.path).read_text().splitlines()]
    assert [item.desirable for item in found] == [rows[item.row]["label"] for item in found]
    good = sum(item.desirable is True for item in found)
    assert 0 < good < len(found)
    assert "loss" not in summary.measures(), "that of a bad answer is not to be low"
    right, reward = summary.figure(1, "reward_accuracy"), summary.figure(1, "reward")
    assert right is not None
    assert reward is not None
    assert right.mean == pytest.approx(last.reward_accuracy)
    assert (reward.better, reward.worse) == (right.mean * len(found), len(found) - right.mean * len(found))
    exact = summary.figure(1, "exact")
    assert exact is not None
    assert exact.rows == good, "a bad answer is nothing to compare with"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    tiny("llama", folder / "llama")
    for seed in (1, 2):
        random_adapter(folder / "llama", folder / f"a{seed}", seed)
    random_adapter(folder / "llama", folder / "biased", 3, bias="lora_only")
    write_rows(folder / "rows.jsonl", 12)
    return folder


@pytest.fixture
def red(place: Path) -> str:
    return library.add(place / "a1", title="red", base=Base(path=str(place / "llama"))).name


def on_file(place: Path, *adapters: str, file: str = "rows.jsonl", **more: Any) -> desk.Evaluate:
    settings = evaluations.on_data({"path": str(place / file)}, None)
    names = [None, *adapters]
    return desk.Evaluate(config=to_dict(settings), model=str(place / "llama"), adapters=names, sampling=SHORT, **more)


def test_answers_are_those_that_compare_gives(place: Path, red: str) -> None:
    _, found = told(on_file(place, red, answers=True, count=3))
    assert [item.row for item in found] == [0, 1, 2]
    rows = [json.loads(line)["messages"] for line in (place / "rows.jsonl").read_text().splitlines()]
    for item, (question, answer) in zip(found, rows, strict=False):
        assert (item.asked, item.own) == (question["content"], answer["content"])
        asked = [desk.Message(role="user", content=item.asked)]
        answers = Work().do(
            desk.Answer(model=str(place / "llama"), adapters=[None, red], messages=asked, sampling=SHORT),
            lambda *_: None, lambda *_: None, lambda _: None,
        )  # fmt: skip
        assert isinstance(answers, desk.Answers)
        assert [item.columns[at].answer for at in (0, 1)] == [column.text for column in answers.columns]
        assert [item.columns[at].cut for at in (0, 1)] == [column.cut for column in answers.columns]
    assert any(item.columns[0].answer != item.columns[1].answer for item in found)


def test_what_was_read_before_a_kill_is_not_read_again(place: Path, red: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str | None] = []
    plain = Loaded.summed

    def counted(self: Loaded, name: str | None, *rest: Any) -> list[float]:
        read.append(name)
        return plain(self, name, *rest)

    monkeypatch.setattr(Loaded, "summed", counted)
    request = on_file(place, red, answers=True)
    with pytest.raises(Enough):
        told(request, most=5)
    assert len(read) == 2 * 8, "so many are answered at once"
    _, found = told(request)
    assert len(read) == 2 * 12
    assert [item.row for item in found] == list(range(12))
    work = Work()
    done, again = told(request, work)
    assert len(read) == 2 * 12, "all is known"
    assert again == found
    assert done.rows == 12
    told(on_file(place, red, answers=True, count=4))
    assert len(read) == 2 * 12, "fewer rows are some of them"
    blue = library.add(place / "a2", title="blue", base=Base(path=str(place / "llama"))).name
    both = told(on_file(place, blue, red, answers=True))[1]
    assert len(read) == 3 * 12, "of the base and of red all is known"
    assert [[item.columns[at] for at in (0, 2)] for item in both] == [
        [item.columns[at] for at in (0, 1)] for item in found
    ]
    alone = told(on_file(place, blue, answers=True))[1]
    assert len(read) == 3 * 12
    with_blue = [item.columns[1] for item in alone]
    shutil.rmtree(paths.cache_dir() / "evaluations")
    assert [item.columns[1] for item in told(on_file(place, blue, answers=True))[1]] == with_blue


def test_the_cache_may_be_freed_while_rows_are_read(place: Path, red: str) -> None:
    done, found = told(on_file(place, red, answers=True), on_first=lambda: space.free("cache"))
    assert done.rows == len(found) == 12
    assert told(on_file(place, red, answers=True))[1] == found


@pytest.mark.parametrize("change", ["card", "torch"])
def test_numbers_of_a_card_and_of_other_packages_are_others(
    change: str, place: Path, red: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys() -> set[str]:
        return {path.name for path in (paths.cache_dir() / "evaluations").iterdir() if path.suffix != ".lock"}

    def ended(phase: str, *_: int) -> None:
        if phase == "loading":
            raise Enough

    told(on_file(place, red, count=1))
    before = keys()
    assert len(before) == 2
    if change == "torch":
        plain = metadata.version
        monkeypatch.setattr(metadata, "version", lambda name: "9" if name == "torch" else plain(name))
    else:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    runs.versions.cache_clear()
    try:
        with pytest.raises(Enough):
            Work().do(on_file(place, red, count=1), ended, lambda *_: None, lambda _: None)
    finally:
        runs.versions.cache_clear()
    assert len(keys() - before) == 2


@pytest.mark.parametrize("change", ["rows", "weights", "adapter", "system", "sampling", "length"])
def test_what_was_read_of_something_else_does_not_count(change: str, place: Path, tmp_path: Path) -> None:
    here = shutil.copytree(place, tmp_path / "here")
    red = library.add(here / "a1", title="red", base=Base(path=str(here / "llama"))).name
    request = on_file(here, red, answers=True, count=2)
    before = told(request)[1]
    if change == "rows":
        write_rows(here / "rows.jsonl", 12, seed=9)
    elif change == "weights":
        shutil.rmtree(here / "llama")
        tiny("llama", here / "llama", hidden_act="gelu")
    elif change == "adapter":
        library.remove(library.find(red))
        red = library.add(here / "a2", title="red", base=Base(path=str(here / "llama"))).name
        request = on_file(here, red, answers=True, count=2)
    elif change == "system":
        library.remove(library.find(red))
        prompted = {"data": {"path": "x.jsonl", "system": "order 7 is a late box"}}
        library.add(here / "a1", title="red", base=Base(path=str(here / "llama")), config=prompted)
    elif change == "sampling":
        request = replace(request, sampling=replace(SHORT, max_new_tokens=2))
    else:
        settings = evaluations.on_data({"path": str(here / "rows.jsonl"), "max_length": 66}, None)
        request = replace(request, config=to_dict(settings))
    after = told(request)[1]
    assert [item.columns for item in after] != [item.columns for item in before]


def test_drawn_rows_are_the_same_each_time_and_more_begin_with_them(place: Path) -> None:
    few, more = (told(on_file(place, count=count, drawn_by=3))[1] for count in (4, 7))
    assert [item.row for item in more][:4] == [item.row for item in few]
    assert [item.row for item in more] != sorted(item.row for item in more)
    other = told(on_file(place, count=4, drawn_by=4))[1]
    assert {item.row for item in other} != {item.row for item in few}


def test_adapters_that_cannot_share_a_base_get_one_each(place: Path, red: str) -> None:
    biased = library.add(place / "biased", title="biased", base=Base(path=str(place / "llama"))).name
    request = on_file(place, red, biased, answers=True, count=3)
    with pytest.raises(Enough):
        told(request, most=1)
    _, found = told(request)
    assert [sorted(item.columns) for item in found] == [[0, 1, 2]] * 3
    alone = told(on_file(place, biased, answers=True, count=3))[1]
    for item, single in zip(sorted(found, key=lambda item: item.row), alone, strict=True):
        assert item.columns[2].losses == pytest.approx(single.columns[1].losses, abs=1e-4)
        assert item.columns[2].answer == single.columns[1].answer
        assert item.columns[0].losses == pytest.approx(single.columns[0].losses, abs=1e-4)


def test_rows_of_which_nothing_is_learned_are_named(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "odd.jsonl"
    long, good = (
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "late"}]}
        for asked in ("box " * 90, "box")
    )
    rows: list[Any] = [good, long, {"messages": []}, good]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = evaluations.on_data({"path": str(file), "max_length": 32}, None)
    request = replace(on_file(place), config=to_dict(settings))
    done, found = told(request)
    assert [item.row for item in found] == [0, 3]
    assert done.left_out.keys() == {1}
    assert "no answer is left" in done.left_out[1]
    file.write_text(json.dumps(long) + "\n")
    with pytest.raises(StudioError, match="Of none of these rows"):
        told(request)


def test_a_version_is_known_by_its_files_rows(place: Path, tmp_path: Path) -> None:
    source = Source(path=str(place / "rows.jsonl"))
    made = store.create(tmp_path / "v.recipe.json", [source], planned=lambda _: [Split(share=0.25)])
    settings = evaluations.on_data({"path": str(made)}, None)
    request = replace(on_file(place), config=to_dict(settings))
    _, every = told(request)
    _, some = told(replace(request, held=True))
    assert len(every) == 12
    assert len(some) == 3
    assert {item.place for item in some} < {(0, row) for row in range(12)}


def test_texts_are_read_and_not_answered(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(json.dumps({"text": "the box is late"}) + "\n")
    settings = evaluations.on_data({"path": str(file)}, None)
    (item,) = told(replace(on_file(place, answers=True), config=to_dict(settings)))[1]
    assert (item.asked, item.own, item.columns[0].answer) == ("", "the box is late", None)


def test_a_question_longer_than_the_model_reads_is_told_in_place_of_its_answer(tmp_path: Path) -> None:
    folder = tiny("gpt2", tmp_path / "gpt2", max_position_embeddings=48)
    file = tmp_path / "long.jsonl"
    turns = [("user", "box"), ("assistant", "late"), ("user", "box " * 60), ("assistant", "sorry")]
    row = {"messages": [{"role": role, "content": content} for role, content in turns]}
    file.write_text(json.dumps(row) + "\n")
    settings = evaluations.on_data({"path": str(file), "max_length": 48}, None)
    request = desk.Evaluate(config=to_dict(settings), model=str(folder), adapters=[None], answers=True)
    (item,) = told(request)[1]
    assert item.columns[0].answer is None
    assert "at most 48" in item.columns[0].fault
    longer = evaluations.on_data({"path": str(file)}, None)
    with pytest.raises(StudioError, match="this model reads at most 48"):
        told(replace(request, config=to_dict(longer)))


def test_a_file_of_held_back_rows_that_was_changed_is_refused(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "eval.jsonl", 9, seed=5)
    run = trained(config(tmp_path, data={"eval_path": str(file)}, max_steps=1), tmp_path / "run")
    (entry,) = library.entries()
    settings, known = evaluations.held_by(run)
    assert known
    assert evaluations.held_for(entry) == evaluations.held_for(replace(entry, run="")) == (settings, known)
    assert evaluations.held_for(replace(entry, data=replace(entry.data, evaluation=""))) == (settings, known)
    assert told(held(run, entry.name, count=2))[0].fingerprint == known
    write_rows(file, 9, seed=6)
    with pytest.raises(StudioError, match=r"eval.jsonl was changed since the training"):
        told(held(run, entry.name, count=2))


def test_rows_that_are_not_known_to_be_held_back_are_refused(tmp_path: Path) -> None:
    settings: RunConfig = config(tmp_path, data={"eval_split": 0.3})
    request = desk.Evaluate(config=to_dict(settings), held=True, known="other", adapters=[None])
    for asked, said in (
        (request, "was changed since"),
        (replace(request, known="", config=to_dict(config(tmp_path))), "No row of rows-40.jsonl is held back"),
    ):
        with pytest.raises(StudioError, match=said):
            evaluation.find(asked, config_file.build(asked.config), lambda *_: None)
