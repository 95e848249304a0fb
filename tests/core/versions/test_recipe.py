"""A recipe file is whole or absent, says what was done, and refuses what was done to it from outside."""

import json
import multiprocessing
import os
import random
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import paths
from studio.core import runs
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.versions import recipe, steps
from studio.core.versions.recipe import Made, Recipe, Source

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=40)
STEP = st.one_of(
    st.builds(steps.Exclude, rows=ROWS.map(steps.spans), why=st.text(max_size=20)),
    st.builds(steps.Tag, rows=ROWS.map(steps.spans), tag=st.sampled_from(["a", "ü"]), on=st.booleans()),
    st.builds(steps.Replace, row=st.integers(0, 9), data=st.just({"prompt": "q", "completion": "日本"})),
    st.builds(steps.Sample, count=st.integers(1, 9), seed=st.integers(0, 9)),
    st.builds(steps.Split, share=st.sampled_from([0.0, 0.1, 1 / 3])),
    st.builds(steps.Mix, shares=st.just((1.0, 2.5)), epoch=st.one_of(st.just("longest"), st.integers(1, 9))),
    st.builds(steps.Filter, text=st.text(max_size=9), max_chars=st.one_of(st.none(), st.integers(0, 9))),
)


def a_recipe(*made: steps.Step) -> Recipe:
    return Recipe(sources=(Source(path="a.jsonl"),)).added([Made(step=step, time_s=1.0) for step in made])


@given(ROWS)
def test_rows_are_held_as_spans(rows: list[tuple[int, int]]) -> None:
    found = steps.spans(rows)
    assert list(steps.each(found)) == sorted(set(rows))
    assert all(after[:2] > (before[0], before[2] + 1) for before, after in pairwise(found))


@given(st.lists(STEP, max_size=8), st.integers(0, 9))
def test_a_step_is_read_as_it_was_written(made: list[steps.Step], cursor: int) -> None:
    whole = a_recipe(*made).at(cursor)
    again = recipe._RECIPE.validate_json(recipe._RECIPE.dump_json(whole))
    assert again == whole
    assert [recipe.read_step(recipe.plain(step)) for step in made] == made


@given(st.lists(st.one_of(STEP, st.sampled_from(["undo", "redo"])), max_size=30))
def test_undo_and_redo_move_through_the_steps(actions: list[Any]) -> None:
    said, done, undone = a_recipe(), list[steps.Step](), list[steps.Step]()
    for action in actions:
        if action == "undo":
            said = said.at(said.cursor - 1)
            undone += [done.pop()] if done else []
        elif action == "redo":
            said = said.at(said.cursor + 1)
            done += [undone.pop()] if undone else []
        else:
            said = said.added([Made(step=action)])
            done, undone = [*done, action], []
        assert list(said.effective) == done


def test_steps_made_together_are_undone_together() -> None:
    parts = [1, 3, 2, 1]
    made = [Made(step=steps.Sample(count=size), joined=place > 0) for size in parts for place in range(size)]
    whole = a_recipe().added(made)
    ends = [7, 6, 4, 1, 0, 0]
    said = whole
    for end in ends:
        assert said.cursor == end
        said = said.undone()
    assert [whole.undone(times).cursor for times in range(6)] == ends
    for end in [1, 4, 6, 7, 7]:
        said = said.redone()
        assert said.cursor == end
    assert [whole.at(0).redone(times).cursor for times in range(6)] == [0, 1, 4, 6, 7, 7]
    replaced = [Made(step=steps.Replace(row=row, data={"secret": 1}), joined=row > 0) for row in range(3)]
    (one,) = recipe.summary(a_recipe().added(replaced))
    assert (one["rows"], one["steps"], "data" in one, "row" in one) == (3, 3, False, False)


def test_a_version_is_made_once_and_changed(home: Path) -> None:
    path = recipe.file_of("chats-v1")
    assert path == home / "datasets" / "chats-v1.recipe.json"
    assert recipe.listed() == []
    recipe.create(path, a_recipe())
    with pytest.raises(StudioError, match="already"):
        recipe.create(path, a_recipe())
    sample = Made(step=steps.Sample(count=1))
    recipe.change(path, lambda said: said.added([sample, sample, sample]))
    assert recipe.change(path, lambda said: said.undone(2)).cursor == 1
    assert recipe.load(path).cursor == 1
    assert recipe.change(path, lambda said: said.redone(5)).cursor == 3
    assert recipe.change(path, lambda said: said.undone(9)).effective == ()
    assert recipe.load(path).steps == (sample,) * 3
    assert (recipe.listed(), recipe.name_of(path)) == ([path], "chats-v1")
    assert [item["counts"] for item in recipe.summary(recipe.load(path))] == [False] * 3


def test_the_copy_that_a_run_keeps_stays_as_it_is(home: Path) -> None:
    path = recipe.file_of("chats-v1")
    recipe.create(path, a_recipe())
    run = runs.create(RunConfig(data=DataSpec(path=str(path), eval_path=str(path)), name="short"))
    for place in (run.path, run.path / "evaluation"):
        copy = place / path.name
        before = copy.read_bytes()
        with pytest.raises(StudioError, match="the copy that a run keeps"):
            recipe.change(copy, lambda said: said.added([Made(step=steps.Sample(count=1))]))
        assert copy.read_bytes() == before
    recipe.change(path, lambda said: said.added([Made(step=steps.Sample(count=1))]))


@pytest.mark.parametrize("name", ["", "a/b", "../a", "con", "a b", "x" * 70])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(StudioError, match="cannot be the name") as caught:
        recipe.file_of(name)
    assert caught.value.reason == "data"


def test_a_version_may_lie_anywhere(tmp_path: Path) -> None:
    assert recipe.file_of(tmp_path / "my data.recipe.json") == tmp_path / "my data.recipe.json"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-20], "damaged"),
        (lambda text: "[1, 2]", "damaged"),
        (lambda text: text.replace('"cursor": 1', '"cursor": 0'), "something other"),
        (lambda text: text.replace('"written": 1', '"written": 2'), "another version"),
        (lambda text: stamped(text, lambda said: said | {"sources": []}), "does not fit"),
        (lambda text: stamped(text, lambda said: said | {"colour": "red"}), "does not fit"),
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path: Path, change: Any, words: str) -> None:
    path = tmp_path / "a.recipe.json"
    recipe.create(path, a_recipe(steps.Sample(count=1)))
    changed = change(path.read_text(encoding="utf-8"))
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(StudioError, match=words) as caught:
        recipe.load(path)
    assert caught.value.reason == "data"
    with pytest.raises(StudioError):
        recipe.change(path, lambda said: said.undone())
    assert path.read_text(encoding="utf-8") == changed


def stamped(text: str, change: Any) -> str:
    held = json.loads(text)
    said = change(held["recipe"])
    return json.dumps(held | {"recipe": said, "sha256": recipe._stamp(said)})


def test_a_missing_version_is_said(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="no version"):
        recipe.load(tmp_path / "a.recipe.json")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "shuffle"}, "not known"),
        ({"count": 3}, "not known"),
        ("sample", "not known"),
        ({"kind": "sample", "count": 0}, "no sample step: count: "),
        ({"kind": "exclude", "rows": []}, "no exclude step: rows: "),
        ({"kind": "sample", "count": 1, "sed": 3}, "sed"),
        ({"kind": "mix", "shares": [float("inf")]}, r"shares\.0"),
    ],
)
def test_what_is_no_step_is_said(data: Any, words: str) -> None:
    with pytest.raises(StudioError, match=words):
        recipe.read_step(data)


def _write_on(path: Path) -> None:
    while True:
        recipe.change(path, lambda said: said.added([Made(step=steps.Sample(count=said.cursor + 1))] * 5))


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be forked")
def test_a_kill_leaves_a_whole_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.recipe.json"
    recipe.create(path, a_recipe())
    chance = random.Random(1)
    for _ in range(12):
        before = recipe.load(path).cursor
        child = multiprocessing.get_context("fork").Process(target=_write_on, args=(path,))
        child.start()
        deadline = time.monotonic() + 30
        while recipe.load(path).cursor == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        said = recipe.load(path)
        assert said.cursor > before
        counts = [step.count for step in said.effective if isinstance(step, steps.Sample)]
        assert counts == [place // 5 * 5 + 1 for place in range(said.cursor)]


def test_a_name_is_free_where_no_version_has_it_nor_will(home: Path) -> None:
    assert recipe.free_name("letters.jsonl") == "letters"
    assert recipe.free_name("letters.jsonl", ["letters"]) == "letters-2"
    recipe.create(recipe.file_of("letters-2"), a_recipe())
    assert recipe.free_name("letters.jsonl", ["letters"]) == "letters-3"


def test_names_that_differ_in_the_case_of_letters_alone_are_one(home: Path) -> None:
    recipe.create(recipe.file_of("letters"), a_recipe())
    assert recipe.free_name("Letters.jsonl") == "Letters-2"
    assert recipe.free_name("Letters.jsonl", ["LETTERS-2"]) == "Letters-3"
    with pytest.raises(StudioError, match=r"There is a version .*letters\.recipe\.json already"):
        recipe.create(recipe.file_of("LETTERS"), a_recipe())
    assert len(recipe.listed()) == 1


def test_a_folder_that_cannot_be_read_is_not_one_without_versions(home: Path) -> None:
    assert recipe.listed() == []
    (home / "datasets").write_text("no folder")
    with pytest.raises(StudioError, match="datasets cannot be read: Not a directory") as error:
        recipe.listed()
    assert error.value.reason == "disk"


def test_a_name_is_found_where_the_versions_cannot_be_read() -> None:
    paths.datasets_dir().write_text("no folder", encoding="utf-8")
    assert recipe.free_name("letters.csv", ["letters"]) == "letters-2"
