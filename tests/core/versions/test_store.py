"""A version is what its steps make of its sources: always the same bytes, and no source is ever written to."""

import builtins
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio import paths
from studio.core.data.datasets import Dataset, open_dataset
from studio.core.errors import StudioError
from studio.core.versions import recipe, steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source
from studio.core.versions.selection import Selection
from studio.core.versions.store import Version
from tests.core.versions.conftest import BAD, A, B
from tests.held import held

SPAN = st.tuples(st.integers(0, 1), st.integers(0, 11), st.integers(0, 11)).map(
    lambda span: (span[0], min(span[1:]), max(span[1:]))
)
ROWS = st.lists(SPAN, min_size=1, max_size=4).map(tuple)
EDITED = st.integers(0, 5).map(lambda n: {"prompt": f"q{n}", "completion": "edited"})
STEP = st.one_of(
    st.builds(steps.Exclude, rows=ROWS),
    st.builds(steps.Restore, rows=ROWS),
    st.builds(steps.Keep, rows=ROWS),
    st.builds(steps.Tag, rows=ROWS, tag=st.sampled_from(["a", "eval"]), on=st.booleans()),
    st.builds(steps.Replace, source=st.just(0), row=st.integers(0, A - 1), data=EDITED),
    st.builds(steps.Filter, text=st.sampled_from(["1", "q", "A"]), invert=st.booleans()),
    st.builds(steps.Deduplicate, by=st.sampled_from(["row", "prompt", "answer"])),
    st.builds(steps.Sample, count=st.integers(1, 30), seed=st.integers(0, 3)),
    st.builds(steps.Balance, by=st.sampled_from(["source", "tag", "length"]), seed=st.integers(0, 3)),
    st.builds(steps.Split, share=st.sampled_from([0.0, 0.2, 0.5]), stratify_by=st.sampled_from(["", "source"])),
    st.builds(steps.Mix, shares=st.sampled_from([(1.0, 1.0), (3.0, 1.0)]), epoch=st.sampled_from(["longest", 9])),
)


def a_version(files: list[Path], *made: steps.Step, name: str = "v") -> Version:
    version = Version(versions.create(name, [Source(path=str(file)) for file in files]))
    version.add(*made)
    return version


def addresses(version: Version) -> list[tuple[int, int]]:
    return [version.selection.address(int(place)) for place in version.selection.chosen]


def data_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [dataset[index].data for index in range(len(dataset))]


def numbers(version: Version, source: int = 0) -> list[int]:
    return [number for of, number in addresses(version) if of == source]


def test_a_new_version_has_every_usable_row(files: list[Path]) -> None:
    version = a_version(files)
    assert addresses(version) == [(0, i) for i in range(A) if i != BAD] + [(1, i) for i in range(B)]
    dataset = open_dataset(version.path)
    assert data_of(dataset) == [row for file in files for row in data_of(open_dataset(file))]
    assert (dataset.source, dataset.format, dataset.rejected) == (version.path, "prompt_completion", [])
    assert [dataset[i].number for i in range(len(dataset))] == list(range(A + B - 1))


def test_rows_are_taken_out_and_brought_back(files: list[Path]) -> None:
    version = a_version(files, steps.Exclude(rows=((0, 2, 4), (1, 0, 9)), why="dull"))
    assert numbers(version) == [i for i in range(A) if i not in (2, 3, 4, BAD)]
    assert numbers(version, 1) == [10, 11]
    assert version.selection.removed_by[[2, BAD, 0]].tolist() == [0, -2, -1]
    version.add(steps.Restore(rows=((0, 3, 8),)))
    assert numbers(version) == [i for i in range(A) if i not in (2, BAD)]
    assert version.selection.removed_by[[2, 3]].tolist() == [0, -1]
    version.add(steps.Keep(rows=((0, 1, 3),)))
    assert addresses(version) == [(0, 1), (0, 3)]
    assert version.selection.removed_by[[0, 2, 5]].tolist() == [2, 0, 2]


def test_an_edited_row_is_in_its_place(files: list[Path]) -> None:
    row = {"prompt": "new?", "completion": "日本", "group": 9}
    version = a_version(files, steps.Replace(row=3, data=row), steps.Replace(row=BAD, data=row))
    dataset = open_dataset(version.path)
    assert numbers(version) == list(range(A)), "a rejected row that was mended is used"
    assert dataset[3].data == dataset[BAD].data == row
    version.add(steps.Deduplicate())
    assert 3 in numbers(version)
    assert BAD not in numbers(version), "an edited row is compared as it is now"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (steps.Replace(row=3, data={"prompt": "q", "completion": ""}), "`completion` is empty"),
        (steps.Replace(row=A, data={"prompt": "q", "completion": "a"}), f"no row {A}"),
        (steps.Keep(rows=((0, 0, 10**6),)), f"no row {10**6}"),
        (steps.Tag(rows=((0, 5, 5), (0, 9, 10**6)), tag="a"), f"no row {10**6}"),
        (steps.Exclude(rows=((0, 3, A),)), f"no row {A}"),
        (steps.Exclude(rows=((2, 0, 0),)), "no source 2"),
        (steps.Filter(text="(", regex=True), "not a regular expression"),
        (steps.Filter(text=r"(ä|ää)+$", regex=True), "takes too long"),
        (steps.Deduplicate(by="colour"), "no row has a column `colour`"),
        (steps.Mix(shares=(1.0,)), "1 shares were given for 2"),
    ],
)
def test_a_step_that_cannot_be_done_changes_nothing(files: list[Path], step: steps.Step, words: str) -> None:
    files[1].write_text(json.dumps({"prompt": "p", "completion": "ä" * 60 + "!"}) + "\n" * B, encoding="utf-8")
    version = a_version(files, steps.Exclude(rows=((0, 0, 0),)))
    before = addresses(version)
    with pytest.raises(StudioError, match=f"(?i){words}") as caught:
        version.add(steps.Exclude(rows=((0, 1, 1),)), step)
    assert caught.value.reason == "data"
    assert addresses(version) == addresses(Version(version.path)) == before
    assert version.recipe.cursor == 1


def test_a_filter_looks_at_what_it_is_asked_to(files: list[Path]) -> None:
    def kept(**asked: Any) -> list[tuple[int, int]]:
        version.go(1)
        version.add(steps.Filter(**asked))
        return addresses(version)

    version = a_version(files, steps.Tag(rows=((0, 0, 1),), tag="odd"))
    every = addresses(version)
    assert kept(text="Q1") == [(0, 1), (0, 11)]
    assert kept(text="^Q1$", regex=True) == [(0, 1), (0, 11)]
    assert kept(text="^Q1$") == []
    assert kept(text="a1", role="user") == []
    assert kept(text="a1", role="assistant") == [(0, 1), (0, 11)]
    assert kept(tag="odd", text="q") == [(0, 0), (0, 1)]
    assert kept(source=1, min_chars=10) == [(1, i) for i in range(7, 10)] + [(1, 10), (1, 11)]
    assert kept(role="assistant", max_chars=2, source=1) == [(1, 0), (1, 1)]
    assert kept(source=1, invert=True) == [row for row in every if row[0] == 0]


def test_equal_rows_are_left_out(files: list[Path]) -> None:
    assert numbers(a_version(files, steps.Deduplicate())) == [0, 1, 2, 3, 4, 5, 6, 8, 9, 17]
    assert numbers(a_version(files, steps.Deduplicate(by="group"), name="w")) == [0, 1, 2]
    assert len(numbers(a_version(files, steps.Deduplicate(by="group"), name="x"), 1)) == B, "it has no such column"


def test_groups_are_balanced(files: list[Path]) -> None:
    version = a_version(files[:1], steps.Balance(by="group", count=4, seed=1))
    groups = Counter(version.selection.labels("group"))
    assert groups == {"0": 4, "1": 4, "2": 4}
    version = a_version(files, steps.Balance(by="source"), name="w")
    assert Counter(version.selection.labels("source")) == {"0": B, "1": B}
    other = a_version(files, steps.Balance(by="source", seed=9), name="x")
    assert addresses(version) != addresses(other)


def test_a_mix_has_the_shares_that_were_asked_for(files: list[Path]) -> None:
    version = a_version(files, steps.Mix(shares=(1, 3), epoch="longest"))
    about = versions.describe(version)
    assert [item["train_rows"] for item in about["sources"]] == [19, 57]
    assert [item["different_rows"] for item in about["sources"]] == [19, B]
    assert {count for row, count in Counter(addresses(version)).items() if row[0]} == {4, 5}
    for rows in (12, 40):
        share = sum(source for source, _ in addresses(version)[:rows]) / rows
        assert share == pytest.approx(0.75, abs=0.05), "every stretch of an epoch has the shares"
    version.undo()
    version.add(steps.Tag(rows=((1, 0, 1),), tag="eval"), steps.Mix(shares=(1, 3), epoch="longest"))
    assert [item["eval_rows"] for item in versions.describe(version)["sources"]] == [0, 2]
    assert Counter(addresses(version))[1, 0] == 1, "an evaluation row comes once"
    version.add(steps.Tag(rows=((1, 5, 5),), tag="eval"))
    assert Counter(addresses(version))[1, 5] == 1
    assert Counter(addresses(version))[1, 4] > 1, "the others stay as often as they were"


def test_rows_that_come_back_into_a_mix_stand_behind_it(files: list[Path]) -> None:
    version = a_version(files, steps.Exclude(rows=((0, 3, 3),)), steps.Mix(shares=(1, 1), epoch="longest"))
    before = addresses(version)
    assert before != sorted(before)
    version.add(steps.Restore(rows=((0, 3, 3),)))
    assert addresses(version) == [*before, (0, 3)]


def test_formats_are_brought_together(tmp_path: Path) -> None:
    message = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows: list[dict[str, Any]] = [
        {"messages": message},
        {"prompt": "q", "completion": "a"},
        {"instruction": "i", "output": "o"},
        {"text": "t", "messages": message},
    ]
    sources = []
    for number, row in enumerate(rows):
        file = tmp_path / f"{number}.jsonl"
        file.write_text(json.dumps(row), encoding="utf-8")
        sources.append(Source(path=str(file), format="text" if "text" in row else "auto"))
    path = versions.create(tmp_path / "all.recipe.json", sources)
    dataset = open_dataset(path)
    assert dataset.format == "mixed"
    assert data_of(dataset) == [*rows[:3], {"text": "t"}]


def test_a_version_of_versions(files: list[Path], tmp_path: Path) -> None:
    inner = a_version(files, steps.Exclude(rows=((0, 0, 5),)))
    outer = a_version([inner.path, files[1]], steps.Exclude(rows=((0, 0, 0),)), name="w")
    assert data_of(open_dataset(outer.path))[0]["prompt"] == "q8", "the second row of the inner version"
    inner.undo()
    with pytest.raises(StudioError, match=r"changed since the version w was made.*rebase w"):
        open_dataset(outer.path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(STEP, st.sampled_from(["undo", "redo"])), max_size=12))
def test_undo_and_redo_give_what_the_steps_before_give(files: list[Path], actions: list[Any]) -> None:
    paths.datasets_dir().joinpath("v.recipe.json").unlink(missing_ok=True)
    version = a_version(files)
    for action in actions:
        # A mix of nothing, a split of equal rows or the like is refused, and changes nothing.
        with suppress(StudioError):
            if isinstance(action, str):
                (version.redo if action == "redo" else version.undo)()
            else:
                version.add(action)
        again = Version(version.path).selection
        assert again.chosen.tolist() == version.selection.chosen.tolist()
        assert again.removed_by.tolist() == version.selection.removed_by.tolist()
        assert (again.edits, again.sizes) == (version.selection.edits, version.selection.sizes)
        assert {tag: mask.tolist() for tag, mask in again.tags.items()} == {
            tag: mask.tolist() for tag, mask in version.selection.tags.items()
        }
        removed = set(np.flatnonzero(again.removed_by == -1).tolist())
        assert removed == set(again.chosen.tolist())


def test_the_same_recipe_gives_the_same_bytes(files: list[Path], tmp_path: Path, home: Path) -> None:
    made: list[steps.Step] = [
        steps.Split(share=0.2),
        steps.Sample(count=20, seed=3),
        steps.Mix(shares=(1, 1), epoch="longest"),
    ]
    found = []
    for name in ("v", "w"):
        dataset = open_dataset(a_version(files, *made, name=name).path)
        found.append((dataset.fingerprint, data_of(dataset)))
    folders = list((home / "cache" / "versions").glob("[!.]*"))
    assert len(folders) == 2
    assert found[0] == found[1]
    for name in ("rows.jsonl", "origins", "about.json"):
        assert len({(folder / name).read_bytes() for folder in folders}) == 1


def test_another_step_gives_another_fingerprint_and_undo_the_old_one(files: list[Path], home: Path) -> None:
    version = a_version(files)
    first = open_dataset(version.path).fingerprint
    version.add(steps.Tag(rows=((0, 0, 0),), tag="eval"))
    tagged = open_dataset(version.path)
    assert tagged.fingerprint != first
    held = versions.evaluation_rows(tagged)
    assert held is not None
    assert np.flatnonzero(held).tolist() == [0]
    assert versions.origins(tagged)["number"].tolist() == [number for _, number in addresses(version)]
    version.undo()
    with pytest.raises(StudioError, match="changed while it was read"):
        versions.origins(tagged)
    assert open_dataset(version.path).fingerprint == first
    assert versions.evaluation_rows(open_dataset(version.path)) is None
    assert versions.evaluation_rows(open_dataset(files[0])) is None
    assert len(list((home / "cache" / "versions").glob("[!.]*"))) == 1, "what is out of date is not kept"


def test_another_recipe_with_as_many_rows_is_not_taken_for_the_one_that_was_opened(files: list[Path]) -> None:
    version = a_version(files, steps.Tag(rows=((0, 0, 1),), tag="eval"))
    dataset = open_dataset(version.path)
    version.add(steps.Tag(rows=((0, 0, 1),), tag="eval", on=False), steps.Tag(rows=((0, 2, 3),), tag="eval"))
    for _ in range(2):
        with pytest.raises(StudioError, match=r"v\.recipe\.json was changed while it was read"):
            versions.evaluation_rows(dataset)
        assert len(open_dataset(version.path)) == len(dataset)
    version.undo()
    open_dataset(version.path)
    held = versions.evaluation_rows(dataset)
    assert held is not None
    assert np.flatnonzero(held).tolist() == [0, 1]


def test_what_is_put_in_the_place_of_rows_while_they_are_read_is_told(files: list[Path]) -> None:
    version = a_version(files)
    said = version.recipe
    open_dataset(version.path)
    version.add(steps.Exclude(rows=((0, 0, 0),)))

    def read(between: Callable[[Path], Any]) -> None:
        with versions._reading(version.path, said) as folder:
            between(folder)

    def back_and_forth(folder: Path) -> None:
        version.redo()
        open_dataset(version.path)
        version.undo()
        open_dataset(version.path)

    version.undo()
    read(lambda folder: (folder / "rows.jsonl").read_bytes())
    with pytest.raises(FileNotFoundError):
        read(lambda folder: (folder / "nothing").read_bytes())

    def gone(folder: Path) -> None:
        shutil.rmtree(folder)
        (folder / "rows.jsonl").stat()

    for between in (gone, back_and_forth, shutil.rmtree):
        with pytest.raises(StudioError, match="was changed while it was read"):
            read(between)
        open_dataset(version.path)


def test_a_damaged_cache_is_made_again(files: list[Path], home: Path) -> None:
    path = a_version(files).path
    wanted = data_of(open_dataset(path))
    for name in ("rows.jsonl", "origins", "about.json"):
        (file,) = (home / "cache" / "versions").glob(f"*/{name}")
        os.truncate(file, file.stat().st_size - 5)
        assert data_of(open_dataset(path)) == wanted


def test_a_version_without_rows_is_said(files: list[Path]) -> None:
    version = a_version(files, steps.Exclude(rows=((0, 0, A - 1), (1, 0, B - 1))))
    assert len(version.selection) == 0
    with pytest.raises(StudioError, match="no rows left"):
        open_dataset(version.path)


@pytest.mark.parametrize("prompt", ["x" * 1_100_000, "汉" * 400_000])
def test_an_edit_too_large_for_a_row_is_said(files: list[Path], prompt: str) -> None:
    version = a_version(files)
    step = steps.Replace(row=4, data={"prompt": prompt, "completion": "a"})
    with pytest.raises(StudioError, match=r"Row 4 of a\.jsonl cannot become this: larger than 1 MB"):
        version.add(step)
    # As a recipe may still have it.
    recipe.change(version.path, lambda said: said.added([recipe.Made(step=step, time_s=0.0)]))
    with pytest.raises(StudioError, match=r"Row 4 of a\.jsonl cannot be used as it was edited: larger"):
        open_dataset(version.path)
    Version(version.path).undo()
    assert len(open_dataset(version.path)) == A + B - 1


def test_an_edit_that_could_not_be_read_back_is_said(files: list[Path]) -> None:
    nested: Any = "deep"
    for _ in range(70):
        nested = [nested]
    with pytest.raises(StudioError, match=r"Row 4 of a\.jsonl cannot become this: nested deeper than 64"):
        a_version(files, steps.Replace(row=4, data={"prompt": "q", "completion": "a", "more": nested}))


def test_a_row_that_grows_too_large_among_others_is_said(files: list[Path], tmp_path: Path) -> None:
    message = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    row = {"messages": message, "instruction": "i", "output": "o", "history": [["a", "b"]] * 50_000}
    (tmp_path / "c.jsonl").write_text(json.dumps(row), encoding="utf-8")
    grown = Source(path=str(tmp_path / "c.jsonl"), format="alpaca")
    version = Version(versions.create("v", [Source(path=str(files[0])), grown]))
    with pytest.raises(StudioError, match=r"Row 0 of c\.jsonl cannot be used as this version has it: larger than 1 MB"):
        open_dataset(version.path)
    version.add(steps.Exclude(rows=((1, 0, 0),)))
    assert len(open_dataset(version.path)) == A - 1


def test_numbers_stay_as_they_were_written_whatever_stands_beside_them(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('[{"prompt": "q",\n"completion": "a",\r\n"more": [1e5, 1.50]}]', encoding="utf-8")
    (tmp_path / "d.jsonl").write_text('{"text": "t"}', encoding="utf-8")
    wanted = '{"prompt": "q", "completion": "a", "more": [1e5, 1.50]}'
    for name, others in ("plain", [files[1]]), ("mixed", [tmp_path / "d.jsonl"]):
        paths_of = [tmp_path / "c.json", *others]
        dataset = open_dataset(versions.create(name, [Source(path=str(path)) for path in paths_of]))
        assert dataset.text(0) == wanted


def test_two_editors_do_not_undo_each_other(files: list[Path]) -> None:
    one = a_version(files)
    other = Version(one.path)
    one.add(steps.Exclude(rows=((0, 0, 0),)))
    with pytest.raises(StudioError) as caught:
        other.add(steps.Exclude(rows=((0, 1, 1),)))
    assert caught.value.reason == "busy"
    assert recipe.load(one.path) == one.recipe


def test_no_source_is_opened_for_writing(files: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    written: list[str] = []

    def watched(opener: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: Any = "r", *more: Any, **others: Any) -> Any:
            if isinstance(mode, str) and set(mode) & set("wax+"):
                written.append(os.fspath(file) if isinstance(file, str | Path) else "")
            return opener(file, mode, *more, **others)

        return call

    monkeypatch.setattr(builtins, "open", watched(open))
    monkeypatch.setattr(io, "open", watched(io.open))
    for file in files:
        file.chmod(0o400)
    version = a_version(files, steps.Replace(row=0, data={"prompt": "x", "completion": "y"}), steps.Split(share=0.1))
    version.add(steps.Deduplicate(), steps.Mix(shares=(1, 1), epoch="longest"))
    open_dataset(version.path)
    assert written, "nothing was watched"
    assert not {str(file) for file in files} & set(written)
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(STEP, max_size=6))
def test_what_was_kept_of_slow_steps_is_what_doing_them_gives(files: list[Path], made: list[steps.Step]) -> None:
    recipe.file_of("kept").unlink(missing_ok=True)
    version = a_version(files, name="kept")
    for step in made:
        with suppress(StudioError):
            version.add(step)

    def state() -> list[Any]:
        found = Version(version.path).selection
        tags = {tag: mask.tolist() for tag, mask in found.tags.items() if mask.any()}
        return [
            found.chosen.tolist(),
            found.removed_by.tolist(),
            found.sizes,
            tags,
            found.edits,
            found.labels("length"),
        ]

    kept = state()
    for file in (paths.cache_dir() / "selections").glob("*.npz"):
        file.write_bytes(file.read_bytes()[:50])
    assert state() == kept
    version.undo(2)
    version.redo(2)
    assert version.selection.chosen.tolist() == kept[0]


def test_what_is_kept_of_old_steps_is_in_nobodys_way_while_it_is_read(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_MOST_KEPT", 1)
    version = a_version(files, steps.Filter(text="1"))
    (old,) = (paths.cache_dir() / "selections").glob("*.npz")
    with held(old):
        version.add(steps.Split(share=0.5))
    assert old.exists()
    version.add(steps.Split(share=0.2))
    assert not old.exists()


def test_a_source_whose_rows_were_taken_out_is_named_by_a_mix(files: list[Path]) -> None:
    version = a_version(files, steps.Exclude(rows=((1, 0, B - 1),)))
    with pytest.raises(StudioError, match=rf"{files[1].name} has no rows left to mix"):
        version.add(steps.Mix(shares=(1.0, 1.0)))
    version.add(steps.Mix(shares=(1.0, 0.0)))


def test_a_version_is_known_again_by_a_later_state_of_the_program(tmp_path: Path) -> None:
    """What runs and other versions know it by: with another one none of those that there are would go on."""
    file = tmp_path / "a.jsonl"
    file.write_text("".join(f'{{"prompt": "q{n}", "completion": "a"}}\n' for n in range(4)), encoding="utf-8")
    made = versions.create("v", [Source(path=str(file))])
    Version(made).add(steps.Exclude(rows=((0, 1, 1),)))
    assert open_dataset(file).fingerprint[:16] == "0248baf387ddfca6"
    assert open_dataset(made).fingerprint[:16] == "7438c168fe108e47"


def test_a_version_made_with_its_steps_is_one_that_they_were_added_to(files: list[Path], home: Path) -> None:
    made: list[steps.Step] = [steps.Mix(shares=(3.0, 1.0), epoch=9), steps.Split(share=0.5)]
    sources = [Source(path=str(file)) for file in files]
    sizes = []

    def planned(selection: Selection) -> Iterator[steps.Step]:
        for step in made:
            sizes.append(len(selection))
            yield step
            sizes.append(len(selection))

    one, other = Version(versions.create("one", sources, planned=planned)), a_version(files, *made, name="other")
    assert one.recipe.effective == other.recipe.effective
    assert [item.joined for item in one.recipe.steps] == [False, True]
    assert addresses(one) == addresses(other)
    assert sizes == [A + B - 1, 9, 9, 9]
    too_far = steps.Exclude(rows=((0, 99, 99),))
    with pytest.raises(StudioError, match="has no row 99"):
        versions.create("two", sources, planned=lambda _: [made[0], too_far])
    assert sorted(item.name for item in (home / "datasets").glob("*.json")) == ["one.recipe.json", "other.recipe.json"]
