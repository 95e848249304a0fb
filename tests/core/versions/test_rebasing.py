"""A version goes over to a changed source with every row that is still there, and tells of those that are not."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio import paths
from studio.core.data.datasets import open_dataset
from studio.core.errors import StudioError
from studio.core.versions import recipe, steps
from studio.core.versions import store as versions
from studio.core.versions.rebasing import rebase
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version


def write(path: Path, values: list[str]) -> None:
    lines = [json.dumps({"prompt": "q", "completion": value}) if value else "nonsense" for value in values]
    path.write_text("\n".join(lines), encoding="utf-8")


def answers(version: Version) -> list[str]:
    return [version.selection.data(int(place))["completion"] for place in version.selection.chosen]


def a_version(file: Path, *made: steps.Step) -> Version:
    version = Version(versions.create("v", [Source(path=str(file))]))
    version.add(*made)
    return version


def test_rows_are_found_again_by_what_they_hold(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    write(file, ["a", "b", "c", "d", "b", ""])
    edited, mended = {"prompt": "q", "completion": "B"}, {"prompt": "q", "completion": "M"}
    version = a_version(
        file,
        steps.Exclude(rows=((0, 0, 0), (0, 2, 3)), why="dull"),
        steps.Replace(row=1, data=edited),
        steps.Replace(row=5, data=mended),
        steps.Tag(rows=((0, 1, 1), (0, 4, 4)), tag="b"),
        steps.Exclude(rows=((0, 2, 2),)),
        steps.Deduplicate(),
    )
    write(file, ["new", "a", "b", "d", "", ""])
    with pytest.raises(StudioError, match=r"a\.jsonl changed .* rebase v"):
        Version(version.path)
    found = rebase(version.path)
    assert (found.changed, found.found) == (["a.jsonl"], 5)
    gone = "no row holds what it held"
    assert found.lost == [
        {"step": 0, "kind": "exclude", "source": 0, "row": 2, "reason": gone},
        {"step": 3, "kind": "tag", "source": 0, "row": 4, "reason": gone},
        {"step": 4, "kind": "exclude", "source": 0, "row": 2, "reason": gone},
    ]
    again = Version(version.path)
    assert [step.kind for step in again.recipe.effective] == ["exclude", "replace", "replace", "tag", "deduplicate"]
    assert again.recipe.undone().cursor == 0, "what was made together stays together"
    assert answers(again) == ["new", "B", "M"]
    assert [bool(again.selection.tags["b"][place]) for place in again.selection.chosen] == [False, True, False]
    assert len(open_dataset(version.path)) == 3


def test_equal_rows_that_steps_name_stay_apart(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    write(file, ["x", "x", "a", "x"])
    version = a_version(file, steps.Exclude(rows=((0, 0, 0),)), steps.Tag(rows=((0, 1, 1),), tag="t"))
    version.add(steps.Tag(rows=((0, 1, 1), (0, 3, 3)), tag="u"))
    write(file, ["a", "x", "x", "x"])
    assert rebase(version.path).lost == []
    again = Version(version.path).selection
    assert [again.data(int(place))["completion"] for place in again.chosen] == ["a", "x", "x"]
    tags = [[tag for tag in "tu" if again.tags[tag][place]] for place in again.chosen]
    assert sorted(tags) == [[], ["t", "u"], ["u"]]


def test_an_edit_that_no_longer_fits_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    message = {"prompt": "q", "completion": "a"}
    file.write_text(json.dumps(message), encoding="utf-8")
    version = a_version(file, steps.Replace(row=0, data={"prompt": "q", "completion": "b"}))
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    file.write_text(json.dumps({"messages": chat}), encoding="utf-8")
    (lost,) = rebase(version.path).lost
    assert (lost["kind"], lost["reason"]) == ("replace", "`messages` is missing")
    assert Version(version.path).recipe.effective == ()


def test_nothing_changes_where_nothing_changed(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    write(file, ["a", "b"])
    version = a_version(file, steps.Exclude(rows=((0, 0, 0),)))
    version.add(steps.Sample(count=1))
    version.undo()
    found = rebase(version.path)
    assert (found.changed, found.found, found.lost) == ([], 1, [])
    assert recipe.load(version.path).steps == version.recipe.steps[:1], "the undone step is dropped"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=12), st.data())
def test_what_was_taken_out_stays_out_in_any_order(tmp_path: Path, values: list[str], data: st.DataObject) -> None:
    paths.datasets_dir().joinpath("v.recipe.json").unlink(missing_ok=True)
    file = tmp_path / "a.jsonl"
    write(file, values)
    out = data.draw(st.sets(st.integers(0, len(values) - 1), min_size=1))
    version = a_version(file, steps.Exclude(rows=steps.spans((0, number) for number in out)))
    left = answers(version)
    moved = data.draw(st.permutations(values))
    write(file, moved)
    found = rebase(version.path)
    assert (found.found, found.lost) == (len(out), [])
    assert sorted(answers(Version(version.path))) == sorted(left)
