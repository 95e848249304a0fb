"""`evaluate`: what it tells of a file and of rows held back, goes on where it was, and writes for other programs."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import library
from studio.core.errors import EXIT_CODES
from tests.desks import random_adapter
from tests.training import config, trained, write_judged

SHORT = ("--max-new-tokens", "5")


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "rows.jsonl"
    said = ["sorry late", "box", '{"a": 1}', "open world"]
    path.write_text("".join(json.dumps({"q": f"order {at}", "a": text}) + "\n" for at, text in enumerate(said)))
    return str(path)


MAPPED = ("--map", "prompt=q", "--map", "completion=a")


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """Runs the command with `--json`; returns the last thing it printed."""
    capsys.readouterr()
    assert cli.run(["evaluate", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_losses_are_those_of_score(red: str, rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, rows, "--adapter", red, *MAPPED, "--rows", "2")
    each = []
    for row in range(2):
        assert cli.run(["score", "--adapter", red, "--file", rows, "--row", str(row), *MAPPED, "--json"]) == 0
        each.append(json.loads(capsys.readouterr().out)["columns"])
    for at, name in enumerate(("base", "red")):
        column = found["columns"][at]
        tokens = sum(item[at]["tokens"] for item in each)
        mean = sum(item[at]["loss"] * item[at]["tokens"] for item in each) / tokens
        loss = column["measures"]["loss"]
        assert (column["name"], loss["rows"], found["tokens"]) == (name, 2, tokens)
        assert loss["mean"] == pytest.approx(mean, rel=1e-5)
        assert column["measures"]["perplexity"]["mean"] == pytest.approx(math.exp(mean), rel=1e-4)
        assert column["measures"]["row_loss"]["mean"] == pytest.approx(sum(item[at]["loss"] for item in each) / 2)
        assert loss["low"] < loss["mean"] < loss["high"]
    better = sum(item[0]["loss"] > item[1]["loss"] for item in each)
    assert (loss["better"], loss["worse"]) == (better, 2 - better)
    assert "exact" not in found["columns"][0]["measures"], "nothing was answered"


def test_answers_are_shown_and_every_row_is_written(
    red: str, rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (rows, "--adapter", red, *MAPPED, "--answers", *SHORT, "--match", "^.")
    found = told(capsys, *words, "--out", str(tmp_path / "all.jsonl"), "--first", "2")
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [line["answer"] for line in lines] == ["sorry late", "box", '{"a": 1}', "open world"]
    for at in (0, 1):
        measured = found["columns"][at]["measures"]
        answers = [line["columns"][at]["answer"] for line in lines]
        assert measured["match"]["mean"] == sum(map(bool, answers)) / 4
        assert measured["json"]["rows"] == 1, "one of the rows has JSON for its answer"
        for key in ("exact", "contains", "f1", "rouge_l"):
            assert measured[key]["mean"] == pytest.approx(sum(line["columns"][at][key] for line in lines) / 4)
    gains = {line["row"]: line["columns"][0]["loss"] - line["columns"][1]["loss"] for line in lines}
    assert [row["row"] for row in found["worst"]] == sorted(gains, key=gains.__getitem__)[:2]
    capsys.readouterr()
    assert cli.run(["evaluate", *words, "--out", str(tmp_path / "all.csv"), "--first", "1"]) == 0
    said = capsys.readouterr().out
    worst = min(gains, key=gains.__getitem__)
    assert said.startswith("4 rows of rows.jsonl, ")
    assert "ROUGE-L" in said
    assert f"\nRow {worst}: order {worst}\n" in said
    assert f"red by LOSS: better in {sum(gain > 0 for gain in gains.values())}" in said
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["red: answer"] for row in table] == [line["columns"][1]["answer"] for line in lines]
    error = told(capsys, *words, "--out", str(tmp_path / "all.csv"), code=EXIT_CODES["usage"])["error"]
    assert "there already" in error["message"]


def test_an_adapter_is_measured_on_the_rows_its_run_held_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(config(tmp_path, data={"eval_split": 0.3}, num_train_epochs=1), tmp_path / "run")
    name = library.entries()[0].name
    last = run.progress().evaluations[-1]
    found = told(capsys, "--adapter", name)
    assert found["rows"] == 12
    assert found["columns"][1]["measures"]["loss"]["mean"] == pytest.approx(last.eval_loss, abs=1e-5)
    assert told(capsys, "--run", str(run.path), "--adapter", name) == found
    base = told(capsys, "--run", str(run.path))
    assert base["columns"][0]["measures"]["loss"] == found["columns"][0]["measures"]["loss"]
    capsys.readouterr()
    assert cli.run(["evaluate", "--adapter", name, "--sample", "3"]) == 0
    assert capsys.readouterr().out.startswith(f"3 rows held back in the training of {name}, of rows-40.jsonl, ")


def test_who_may_know_the_rows_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (1, 2):
        settings = config(tmp_path, data={"eval_split": 0.3}, max_steps=1, seed=seed)
        trained(settings, tmp_path / f"run{seed}")
    two, one = (entry.name for entry in library.entries())
    assert cli.run(["evaluate", "--adapter", one, "--adapter", two, "--rows", "1"]) == 0
    said = capsys.readouterr().err
    assert f"{two} was trained with other rows held back than {one}: it may know these." in said


def test_an_empty_name_is_no_file_that_was_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(config(tmp_path, data={"eval_split": 0.3}, max_steps=1), tmp_path / "run")
    told(capsys, "", "--adapter", library.entries()[0].name, code=EXIT_CODES["config"])


def test_columns_of_one_name_are_told_apart(
    model: Path, folder: Path, rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = random_adapter(model, tmp_path / "other" / "red", 2)
    words = (rows, "--model", str(model), "--adapter", str(folder), "--adapter", str(other), *MAPPED, "--answers")
    found = told(capsys, *words, *SHORT, "--out", str(tmp_path / "all.csv"), "--first", "1")
    assert [column["name"] for column in found["columns"]] == ["base", "red", "red (2)"]
    (worst,) = found["worst"]
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        line = next(line for line in csv.DictReader(file) if line["row"] == str(worst["row"]))
    answers = [line[f"{name}: answer"] for name in ("red", "red (2)")]
    assert answers == [column["answer"] for column in worst["columns"][1:]]
    assert answers[0] != answers[1]


def test_rows_without_a_question_are_said_to_be_answered_by_none(
    red: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "order 1 is late"}\n{"text": "a box is open"}\n')
    assert cli.run(["evaluate", str(texts), "--adapter", red, "--answers", *SHORT]) == 0
    assert "\nNo row has a question, so none was answered.\n" in capsys.readouterr().out
    assert cli.run(["evaluate", str(texts), "--adapter", red]) == 0
    assert "No row has a question" not in capsys.readouterr().out


def test_of_labelled_rows_the_reward_is_told(red: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged = write_judged(tmp_path / "judged.jsonl", 6)
    words = (str(judged), "--adapter", red, "--answers", *SHORT, "--out", str(tmp_path / "all.csv"))
    found = told(capsys, *words, "--first", "1")
    measured = found["columns"][1]["measures"]
    assert not {"loss", "perplexity"} & measured.keys()
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["label"] for line in lines] == [
        str(json.loads(row)["label"]) for row in judged.read_text().splitlines()
    ]
    rewards = [float(line["red: reward"]) for line in lines]
    assert found["worst"][0]["row"] == rewards.index(min(rewards))
    assert measured["reward_accuracy"]["mean"] == sum(reward > 0 for reward in rewards) / 6
    assert measured["exact"]["rows"] == sum(line["label"] == "True" for line in lines)
    capsys.readouterr()
    assert cli.run(["evaluate", str(judged), "--adapter", red, "--first", "1"]) == 0
    said = capsys.readouterr().out
    assert "REWARD ACCURACY" in said
    assert f"red by REWARD: better in {sum(reward > 0 for reward in rewards)}" in said


@pytest.mark.parametrize(
    ("words", "reason", "said"),
    [
        (("x.jsonl",), "usage", "No model is named"),
        (("x.jsonl", "--run", "r", "--model", "demo"), "usage", "Either a file is named or a run"),
        (("--model", "demo"), "usage", "No rows are named"),
        (("x.jsonl", "--model", "demo", "--rows", "1", "--sample", "1"), "usage", "--rows takes the first"),
        (("x.jsonl", "--model", "demo", "--rows", "0"), "usage", "No row is asked for"),
        (("x.jsonl", "--model", "demo", "--match", "a"), "usage", "--match looks at answers"),
        (("x.jsonl", "--model", "demo", "--answers", "--match", "("), "usage", "not a regular expression"),
        (("--run", "r", "--max-length", "9"), "usage", "are about a file"),
        (("--run", "r", "--max-length", "0"), "usage", "are about a file"),
        (("--run", "r", "--chat-template", ""), "usage", "are about a file"),
        (("x.jsonl", "--run", "", "--model", "demo"), "usage", "Either a file is named or a run"),
        (("", "--model", "demo"), "config", "data.path"),
        (("x.jsonl", "--model", "demo", "--out", "x.txt"), "usage", "no name of a JSONL or CSV file"),
        (("x.jsonl", "--model", "demo", "--top-p", "2"), "usage", "--top-p is 2.0"),
        (("x.jsonl", "--model", "demo"), "data", "x.jsonl"),
        (("--run", "nobody"), "run", "nobody"),
        (("x.jsonl", "--adapter", "nobody"), "adapter", "There is no adapter `nobody`"),
    ],
)
def test_what_cannot_be_evaluated_is_told_with_a_remedy(
    words: tuple[str, ...], reason: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = told(capsys, *words, code=EXIT_CODES[reason])["error"]
    assert said in error["message"]
    assert error["hint"]


def test_an_expression_that_never_ends_is_stopped(
    red: str, rows: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from studio.core.data import expressions

    monkeypatch.setattr(expressions, "_ROW_S", 0.0)
    error = told(capsys, rows, "--adapter", red, *MAPPED, "--answers", *SHORT, "--match", "(a+)+$",
                 code=EXIT_CODES["usage"])["error"]  # fmt: skip
    assert "takes too long" in error["message"]
