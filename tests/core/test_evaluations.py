"""An evaluation: rows that no kill loses, columns that are brought together, and files of all that is known."""

import csv
import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import evaluations, space
from studio.core.entry import Base, Data, Entry
from studio.core.errors import StudioError
from studio.core.evaluations import Read, Result


def result(row: int, *columns: int, answer: str | None = "yes") -> Result:
    read = {at: Read(losses=[float(at)], answer=answer) for at in columns}
    return Result(row=row, place=(0, row), asked=f"q{row}", own="yes", tokens=[3], columns=read)


def interrupt() -> None:
    raise RuntimeError("enough")


def entry(name: str, **data: Any) -> Entry:
    config = {"data": {"path": "x.jsonl", "eval_split": 0.1} | data, "training": {"seed": 1, "beta": 0.2}}
    return Entry(name=name, folder=Path(name), base=Base(path="demo"), data=Data(fingerprint="f"), config=config)


def test_what_is_known_is_there_again_and_columns_are_brought_together() -> None:
    keys = ["base", "red", "blue"]
    with evaluations.opened(keys) as kept:
        assert kept.lacking(4, [0]) == (0,)
        kept.add(result(4, 0, 1))
        assert kept.lacking(4, [0, 1]) == ()
        assert kept.lacking(4, [0, 1, 2]) == (2,)
        whole = kept.add(result(4, 2))
        assert sorted(whole.columns) == [0, 1, 2]
        with (kept.folders[0] / "rows.jsonl").open("ab") as file:
            file.write(b'{"row": 5, "place": [0')
    with evaluations.opened(keys) as again:
        assert again.results == {4: whole}
        again.add(result(5, 0))
    with evaluations.opened(keys) as last:
        assert last.results.keys() == {4, 5}


def test_a_column_is_known_beside_others_and_in_another_place() -> None:
    with evaluations.opened(["base", "red"]) as kept:
        kept.add(result(4, 0, 1))
    with evaluations.opened(["base", "blue", "red"]) as kept:
        assert kept.lacking(4, range(3)) == (1,)
        assert [kept.results[4].columns[at].losses for at in (0, 2)] == [[0.0], [1.0]]
    with evaluations.opened(["red", "red"]) as kept:
        assert kept.lacking(4, range(2)) == ()
    with evaluations.opened(["green"]) as kept:
        assert kept.results == {}


def test_of_two_lines_about_the_same_the_first_counts() -> None:
    with evaluations.opened(["one", "other"]) as kept:
        kept.add(result(1, 0, answer="first"))
        assert kept.add(result(1, 0, 1, answer="second")).columns[0].answer == "first"
    with evaluations.opened(["one", "other"]) as again:
        found = again.results[1]
    assert (found.columns[0].answer, found.columns[1].answer) == ("first", "second")


def test_whoever_else_wants_it_waits_and_nobody_frees_it_meanwhile() -> None:
    waited: list[int] = []

    def wait() -> None:
        waited.append(1)
        if len(waited) == 3:
            stack.close()

    with ExitStack() as stack:
        kept = stack.enter_context(evaluations.opened(["base", "red"]))
        kept.add(result(4, 0, 1))
        space.free("cache")
        with evaluations.opened(["red"], wait) as other:
            assert other.results.keys() == {4}
    assert len(waited) == 3
    with (
        pytest.raises(RuntimeError, match="enough"),
        evaluations.opened(["base"]),
        evaluations.opened(["red", "base"], interrupt),
    ):
        raise AssertionError
    with evaluations.opened(["red"]):
        pass
    space.free("cache")
    with evaluations.opened(["red"]) as kept:
        assert kept.results == {}


def test_all_that_is_known_is_written_as_either_kind_of_file(tmp_path: Path) -> None:
    measured = [{"loss": 2.0}, {"loss": 1.0, "exact": 1.0}]
    rows = [evaluations.plain(replace(result(at, 0, 1), measured=measured), ["base", "red"]) for at in (3, 1)]
    evaluations.write(tmp_path / "a" / "all.jsonl", rows)
    lines = [json.loads(line) for line in (tmp_path / "a" / "all.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == [3, 1]
    assert lines[0]["columns"][1] == {
        "name": "red", "answer": "yes", "cut": False, "fault": "", "losses": [1.0], "loss": 1.0, "exact": 1.0
    }  # fmt: skip
    evaluations.write(tmp_path / "all.csv", rows)
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [(row["row"], row["prompt"], row["answer"], row["red: exact"]) for row in table] == [
        ("3", "q3", "yes", "1.0"), ("1", "q1", "yes", "1.0")
    ]  # fmt: skip
    assert "base: exact" not in table[0]
    for name, said in (("all.csv", "there already"), ("all.txt", "no name of")):
        with pytest.raises(StudioError, match=said):
            evaluations.write(tmp_path / name, rows)


@given(st.lists(st.sampled_from(("red", "red (2)", "red (3)", "base"))))
def test_names_are_told_apart_and_stay_where_they_are_single(names: list[str]) -> None:
    found = evaluations.distinct(names)
    assert len({*found}) == len(found) == len(names)
    for at, (name, made) in enumerate(zip(names, found, strict=True)):
        assert made.startswith(name)
        assert made == name or name in found[:at]
    assert evaluations.distinct(("red", "red", "red")) == ["red", "red (2)", "red (3)"]


def test_it_is_known_whether_any_row_had_a_question() -> None:
    asked, text = result(1, 0, 1), result(2, 0, 1, answer=None)
    refused = replace(text, columns={0: Read(losses=[1.0], fault="It is too long.")})
    assert evaluations.unasked([text])
    assert not evaluations.unasked([text, asked])
    assert not evaluations.unasked([text, refused])


def test_commas_quotes_and_lines_stay_in_their_cell(tmp_path: Path) -> None:
    item = Result(row=0, place=(0, 0), asked="1,2", own='say "a,\nb"', tokens=[1], columns={0: Read(losses=[1.0])},
                  measured=[{"loss": 1.0}])  # fmt: skip
    evaluations.write(tmp_path / "x.csv", [evaluations.plain(item, ["base"])])
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["answer"] == 'say "a,\nb"'
    assert row["prompt"] == "1,2"


def test_rows_of_a_file_are_cut_and_counted_as_the_adapters_were() -> None:
    known = entry("a", max_length=77, chat_template="none")
    found = evaluations.on_data({"path": "other.jsonl"}, known)
    assert (found.data.path, found.data.max_length, found.training.beta) == ("other.jsonl", 77, 0.2)
    assert found.data.chat_template == "auto", "the adapter itself tells"
    assert found.data.eval_split == 0
    assert evaluations.on_data({"path": "o", "max_length": 99}, known).data.max_length == 99
    assert evaluations.on_data({"path": "o"}, None).data.max_length == 1024


def test_the_rows_of_a_run_that_is_gone_are_those_its_adapter_remembers() -> None:
    config, fingerprint = evaluations.held_for(entry("a"))
    assert (config.data.path, config.training.seed, fingerprint) == ("x.jsonl", 1, "f")
    bare = Entry(name="bare", folder=Path("bare"))
    assert evaluations.trained([bare, entry("a"), entry("b")]) == entry("a")
    assert evaluations.trained([bare]) is None


def test_who_may_know_the_rows_is_told() -> None:
    same, other = entry("b"), entry("c", eval_split=0.2)
    (said,) = evaluations.warnings([entry("a"), same, other])
    assert said.startswith("c was trained with other rows held back than a")
    begun, alone = (
        replace(same, config=same.config | {"adapter": {"path": "/start"}, "training": {"seed": 1, "objective": name}})
        for name in ("dpo", "orpo")
    )
    assert evaluations.warnings([begun]) == [
        "b was trained further: here it is compared with the bare base, not as in its run."
    ]
    assert evaluations.warnings([alone]) == []
    bare = Entry(name="bare", folder=Path("bare"), config={"mix": []})
    elsewhere = replace(same, name="d", data=Data(fingerprint="other"))
    assert evaluations.warnings([bare, entry("a"), replace(same, data=Data())]) == []
    assert len(evaluations.warnings([entry("a"), elsewhere])) == 1
