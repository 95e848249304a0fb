"""Rows for training and rows for evaluation: of the version, of a split or of a file, and never equal ones on both."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.core.config import DataSpec
from studio.core.data.datasets import Dataset, open_dataset
from studio.core.errors import StudioError
from studio.core.versions import recipe, steps
from studio.core.versions import store as versions
from studio.core.versions.evaluation import Parts, parted
from studio.core.versions.rebasing import rebase
from studio.core.versions.recipe import Recipe, Source
from studio.core.versions.store import Version


def file_of(path: Path, answers: list[str], **more: Any) -> Path:
    rows = [json.dumps({"prompt": "q", "completion": answer} | more) for answer in answers]
    path.write_text("\n".join(["nonsense", *rows]), encoding="utf-8")
    return path


def spec(**changes: Any) -> DataSpec:
    return DataSpec(path="-", **changes)


def answers(dataset: Dataset, rows: Any) -> list[str]:
    return [dataset[int(row)].data["completion"] for row in rows]


def check(parts: Parts, count: int) -> None:
    """Every row is somewhere, once."""
    assert len(parts.train) + len(parts.held) + len(parts.leaked) == count
    assert not set(parts.train) & set(parts.held)


def test_without_evaluation_every_row_is_trained_on(tmp_path: Path, home: Path) -> None:
    parts = parted(open_dataset(file_of(tmp_path / "a.jsonl", list("abcab"))), spec(), 0)
    assert (parts.train.tolist(), parts.held.tolist(), parts.leaked) == ([0, 1, 2, 3, 4], [], [])
    assert not (home / "cache" / "contents").exists(), "no row is read for nothing"


def test_equal_rows_are_on_one_side(tmp_path: Path) -> None:
    dataset = open_dataset(file_of(tmp_path / "a.jsonl", [str(i % 25) for i in range(100)]))
    parts = parted(dataset, spec(eval_split=0.2), 3)
    check(parts, 100)
    held = set(answers(dataset, parts.held))
    assert len(parts.held) == 20
    assert len(held) == 5
    assert not held & set(answers(dataset, parts.train))
    loose = parted(dataset, spec(eval_split=0.2, eval_exclusive=False), 3)
    check(loose, 100)
    assert len(loose.held) == 20
    assert set(answers(dataset, loose.held)) & set(answers(dataset, loose.train))


def test_a_file_of_its_own_is_kept_out_of_training(tmp_path: Path) -> None:
    dataset = open_dataset(file_of(tmp_path / "a.jsonl", list("abcdb"), id=1))
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "d"}]
    (tmp_path / "e.jsonl").write_text(json.dumps({"messages": chat}), encoding="utf-8")
    for other in (open_dataset(tmp_path / "e.jsonl"), open_dataset(file_of(tmp_path / "f.jsonl", ["d"], id=2))):
        parts = parted(dataset, spec(), 0, other)
        check(parts, 5)
        assert answers(dataset, parts.train) == ["a", "b", "c", "b"], "equal is what the model sees alike"
        assert [(item.row, item.line) for item in parts.leaked] == [(4, 5)]
        assert not parted(dataset, spec(eval_exclusive=False), 0, other).leaked


def test_a_version_says_itself_what_is_held_back(tmp_path: Path) -> None:
    file = file_of(tmp_path / "a.jsonl", list("abcdb"))
    version = Version(versions.create("v", [Source(path=str(file))]))
    version.add(steps.Tag(rows=((0, 2, 2), (0, 4, 4)), tag="eval"))
    dataset = open_dataset(version.path)
    parts = parted(dataset, spec(eval_split=0.9), 0)
    assert answers(dataset, parts.held) == ["b", "d"]
    assert answers(dataset, parts.train) == ["a", "c"]
    assert [item.reason for item in parts.leaked] == ["equal to a row for evaluation"]


def test_strata_have_their_share(tmp_path: Path) -> None:
    first, second = file_of(tmp_path / "a.jsonl", [f"a{i}" for i in range(40)], topic="x"), tmp_path / "b.jsonl"
    file_of(second, [f"b{i}" for i in range(10)], topic="y")
    version = Version(versions.create("v", [Source(path=str(first)), Source(path=str(second))]))
    dataset = open_dataset(version.path)
    for by in ("source", "topic"):
        parts = parted(dataset, spec(eval_split=0.1, eval_stratify_by=by), 5)
        assert sorted(answer[0] for answer in answers(dataset, parts.held)) == ["a"] * 4 + ["b"]
    for by, words in (("tag", "only in a dataset version"), ("colour", "no row has a column")):
        with pytest.raises(StudioError, match=f"(?i){words}"):
            parted(dataset, spec(eval_split=0.1, eval_stratify_by=by), 5)


@pytest.mark.parametrize(
    ("rows", "changes", "words"),
    [
        ("", {}, r"The only row of a\.jsonl cannot be used: "),
        ("a", {"eval_split": 0.5}, "One row"),
        ("aa", {"eval_split": 0.5}, "all equal"),
    ],
)
def test_too_few_rows_are_said(tmp_path: Path, rows: str, changes: dict[str, Any], words: str) -> None:
    dataset = open_dataset(file_of(tmp_path / "a.jsonl", list(rows)), "prompt_completion")
    with pytest.raises(StudioError, match=words) as caught:
        parted(dataset, spec(**changes), 0)
    assert caught.value.reason == "data"


def test_a_file_for_evaluation_whose_rows_are_all_rejected_is_said(tmp_path: Path) -> None:
    dataset = open_dataset(file_of(tmp_path / "a.jsonl", ["a"]))
    other = tmp_path / "b.jsonl"
    other.write_text('{"prompt": "a"}\n' * 2, encoding="utf-8")
    with pytest.raises(StudioError, match=r"None of the 2 rows of b\.jsonl .*: `completion` is missing"):
        parted(dataset, spec(), 0, open_dataset(other, "prompt_completion"))


def test_training_on_nothing_is_refused(tmp_path: Path) -> None:
    dataset = open_dataset(file_of(tmp_path / "a.jsonl", ["a"]))
    with pytest.raises(StudioError, match="none to train on"):
        parted(dataset, spec(), 0, dataset)


def test_the_rows_of_a_version_are_not_kept_open(tmp_path: Path) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system does not tell what is mapped")
    version = Version(versions.create("v", [Source(path=str(file_of(tmp_path / "a.jsonl", list("abcd"))))]))
    version.add(steps.Tag(rows=((0, 2, 2),), tag="eval"))
    held = versions.evaluation_rows(open_dataset(version.path))
    assert held is not None
    assert "/origins" not in maps.read_text()
    assert held.tolist() == [False, True, False, False]


def held_in(version: Version) -> list[str]:
    """Returns the answers that a version holds back, as they are opened; the version itself counts as many."""
    dataset = open_dataset(version.path)
    held = answers(dataset, parted(dataset, spec(), 0).held)
    assert versions.describe(version)["eval_rows"] == len(held)
    return held


def an_inner_version(tmp_path: Path) -> Path:
    version = Version(versions.create("inner", [Source(path=str(file_of(tmp_path / "a.jsonl", list("abcde"))))]))
    version.add(steps.Tag(rows=((0, 2, 2), (0, 4, 4)), tag="eval"))
    return version.path


def test_what_a_version_holds_back_stays_so_in_those_made_of_it(tmp_path: Path) -> None:
    other = file_of(tmp_path / "b.jsonl", list("vwxyz"))
    sources = [Source(path=str(other)), Source(path=str(an_inner_version(tmp_path)))]
    outer = Version(versions.create("outer", sources))
    assert held_in(outer) == ["b", "d"]
    mixed = versions.create("mixed", sources, planned=lambda _: [steps.Mix(shares=(1.0, 3.0), epoch=6)])
    assert held_in(Version(mixed)) == ["b", "d"]
    assert len(open_dataset(mixed)) == 8
    outer.add(steps.Filter(text="b", role="assistant", invert=True))
    assert held_in(Version(outer.path)) == ["d"]
    outer.add(steps.Split(share=0.0))
    assert held_in(outer) == []


def test_a_version_made_before_keeps_its_rows_until_it_is_taken_over(tmp_path: Path) -> None:
    inner = an_inner_version(tmp_path)
    now = open_dataset(inner)
    made, step = recipe.file_of("before"), recipe.Made(step=steps.Filter(text="q"))
    source = Source(path=str(inner), fingerprint=now.fingerprint, rows=now.rows)
    recipe.create(made, Recipe(sources=(source,)).added([step]))
    assert held_in(Version(made)) == []
    assert open_dataset(made).fingerprint[:16] == "6741ac6da1eaead7"
    assert held_in(Version(versions.create("now", [source], planned=lambda _: [step.step]))) == ["b", "d"]
    assert held_in(Version(made)) == []
    assert rebase(made).changed == []
    assert held_in(Version(made)) == ["b", "d"]
