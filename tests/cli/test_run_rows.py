"""`studio runs rows`: which rows a run learns worst, by what it really trained on, and what it says where it cannot."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import cli
from studio.core import hub_ids, rowlog, runs
from studio.core.config import DataSpec, RunConfig
from studio.core.data import datasets
from studio.core.errors import EXIT_CODES
from studio.core.runs import Run
from studio.core.versions import steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version
from tests.hub import serving
from tests.training import config, trained
from tests.ui.told import prepared, step, tell

SOUND, PLANTED = "Paris is the capital", "order late small box sorry trouble"
BAD = (5, 17, 30)


def rows_of(folder: Path) -> Path:
    """Writes a broken line and 36 rows, of which all but three have the same answer."""
    file = folder / "rows.jsonl"
    made = [{"prompt": f"capital {at}", "completion": PLANTED if at in BAD else SOUND} for at in range(1, 37)]
    file.write_text("no row\n" + "".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of three epochs over the planted rows."""
    folder = tmp_path_factory.mktemp("planted")
    plain = config(folder, num_train_epochs=3)
    return trained(replace(plain, data=replace(plain.data, path=str(rows_of(folder)))), folder / "run")


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """Runs the command with `--json`; returns what it printed."""
    assert cli.run(["runs", "rows", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_rows_that_do_not_fit_the_others_come_first(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, str(run.path), "--first", "3")
    assert (found["of"], found["last_step"], found["step"], found["fault"]) == (36, 27, None, None)
    assert sorted(row["row"] for row in found["rows"]) == list(BAD)
    for row in found["rows"]:
        assert (row["asked"], row["answer"]) == (f"capital {row['row']}", PLANTED)
        assert (row["times"], row["source"], row["number"]) == (3, 0, row["row"])
    by_loss = told(capsys, str(run.path), "--by", "loss", "--first", "36")["rows"]
    assert [row["loss"] for row in by_loss] == sorted((row["loss"] for row in by_loss), reverse=True)
    changes = [row["loss"] - row["first_loss"] for row in told(capsys, str(run.path), "--by", "change")["rows"]]
    assert changes == sorted(changes, reverse=True)


def test_a_steps_rows_are_those_its_loss_is_of(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for taken in list(run.progress().steps)[::9]:
        found = told(capsys, str(run.path), "--step", str(taken.step))
        assert found["of"] == len(found["rows"]) == 4
        tokens = [row["tokens"] for row in found["rows"]]
        assert np.average([row["loss"] for row in found["rows"]], weights=tokens) == pytest.approx(taken.loss, rel=1e-5)
        assert {row["step"] for row in found["rows"]} == {taken.step}
    fault = told(capsys, str(run.path), "--step", "28", code=EXIT_CODES["run"])["error"]
    assert (fault["message"], fault["hint"]) == (
        "The run tells of no rows in step 28.",
        "Name a step from 1 to 27.",
    )


def test_the_table_says_what_it_shows(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["runs", "rows", str(run.path), "--first", "2"]) == 0
    head, names, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("2 of 36 rows trained on by step 27, by how far its loss lay above")
    assert names.split() == ["row", "step", "times", "tokens", "loss", "first", "above", "asked", "answer"]
    assert len(lines) == 2
    assert all(line.endswith(PLANTED) for line in lines)
    assert cli.run(["runs", "rows", str(run.path), "--step", "3"]) == 0
    assert capsys.readouterr().out.startswith("4 of 4 rows of step 3, ")


def told_run(data: Path, folder: Path, *records: tuple[int, int, int, float]) -> Run:
    """A run that has told of these records: step, row, tokens, loss."""
    run = runs.create(RunConfig(data=DataSpec(path=hub_ids.spelled(data))), folder)
    np.array(list(records), rowlog.RECORD).tofile(rowlog.path_of(run.path))
    tell(run, prepared(9))
    return run


def test_data_that_was_changed_or_has_gone_is_told_beside_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = rows_of(tmp_path)
    run = told_run(file, tmp_path / "run", (1, 3, 5, 2.0), (1, 5, 6, 4.0))
    # A run of before this was noted shows them.
    assert [row["asked"] for row in told(capsys, str(run.path))["rows"]] == ["capital 5", "capital 3"]
    lines = file.read_text(encoding="utf-8").splitlines()
    for changed in (lines[:4], [*lines[:5], "no row", *lines[6:]]):
        file.write_text("\n".join(changed) + "\n", encoding="utf-8")
        # Without what was noted by what can be seen: there is no row 5, or it cannot be read.
        assert told(capsys, str(run.path))["fault"]["message"].startswith("rows.jsonl was changed since")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tell(run, replace(prepared(9), data="another"))
    found = told(capsys, str(run.path))
    assert found["fault"]["message"].startswith("rows.jsonl was changed since the run began")
    assert [(row["row"], row["loss"], row["answer"]) for row in found["rows"]] == [(5, 4.0, ""), (3, 2.0, "")]
    file.unlink()
    assert "rows.jsonl" in told(capsys, str(run.path))["fault"]["message"]
    assert cli.run(["runs", "rows", str(run.path)]) == 0
    shown = capsys.readouterr()
    assert "rows.jsonl" in shown.err
    assert [line.split()[0] for line in shown.out.splitlines()[2:]] == ["(5)", "(3)"]


def test_what_is_too_much_for_memory_is_told_beside_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = told_run(rows_of(tmp_path), tmp_path / "run", (1, 3, 5, 2.0))

    def exhaust(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(datasets, "open_dataset", exhaust)
    found = told(capsys, str(run.path))
    assert found["rows"][0]["loss"] == 2.0
    assert "memory" in found["fault"]["message"]


def test_rows_of_a_version_are_named_as_their_files_have_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"prompt": "first", "completion": "yes"}\n' * 4, encoding="utf-8")
    sources = [Source(path=str(other)), Source(path=str(rows_of(tmp_path)))]
    version = Version(versions.create(tmp_path / "v.recipe.json", sources))
    version.add(steps.Exclude(rows=((1, 1, 9),)))
    run = told_run(version.path, tmp_path / "run", (1, 4, 5, 2.0), (1, 30, 6, 4.0), (1, 3, 5, 1.0))
    found = told(capsys, str(run.path))["rows"]
    places = [(row["row"], row["where"], row["source"], row["number"], row["asked"]) for row in found]
    assert places == [(30, "1:36", 1, 36, "capital 36"), (4, "1:10", 1, 10, "capital 10"), (3, "0:3", 0, 3, "first")]


@pytest.mark.parametrize(
    ("said", "asked", "answer"),
    [
        (["user", "assistant", "user"], "user 0", "assistant 1"),
        (["system", "assistant"], "", "assistant 1"),
        (["system", "user", "assistant", "user", "assistant"], "user 3", "assistant 4"),
    ],
)
def test_of_a_conversation_the_last_answer_is_shown(
    said: list[str], asked: str, answer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chats.jsonl"
    messages = [{"role": role, "content": f"{role} {at}"} for at, role in enumerate(said)]
    file.write_text(json.dumps({"messages": messages}) + "\n", encoding="utf-8")
    (found,) = told(capsys, str(told_run(file, tmp_path / "run", (1, 0, 5, 2.0)).path))["rows"]
    assert (found["asked"], found["answer"]) == (asked, answer)


def test_a_long_answer_is_cut_and_a_text_answers_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(json.dumps({"text": "one  two\n" * 100}) + "\n", encoding="utf-8")
    run = told_run(file, tmp_path / "run", (1, 0, 5, 2.0))
    (found,) = told(capsys, str(run.path))["rows"]
    assert (found["asked"], len(found["answer"]), found["answer"][:11]) == ("", 240, "one two one")
    assert found["answer"].endswith("...")
    assert cli.run(["runs", "rows", str(run.path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("one two one two one two one two one two one two...")


def test_a_run_without_a_step_or_without_the_record_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.create(RunConfig(data=DataSpec(path="/x.jsonl")), tmp_path / "run")
    fault = told(capsys, str(run.path), code=EXIT_CODES["run"])["error"]
    assert fault["message"] == "The run has not taken a step yet."
    tell(run, prepared(9), step(1, 2.0))
    fault = told(capsys, str(run.path), code=EXIT_CODES["run"])["error"]
    assert fault["message"] == "The run run has no record of its rows."


def test_a_text_in_chunks_is_one_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "texts.jsonl"
    texts = ["order late small box sorry trouble " * count for count in (20, 2, 9, 1)]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    whole = config(tmp_path, data={"max_length": 32, "long_text": "chunks"}, num_train_epochs=1)
    run = trained(replace(whole, data=replace(whole.data, path=str(file))), tmp_path / "run")
    found = {row["row"]: row for row in told(capsys, str(run.path))["rows"]}
    assert sorted(found) == [0, 1, 2, 3]
    assert {row["times"] for row in found.values()} == {1}
    records = rowlog.read_all(run.path)
    assert (records["row"] == 0).sum() > 3
    assert found[0]["tokens"] == records["tokens"][records["row"] == 0].sum()


@pytest.mark.loopback
def test_a_dataset_of_the_hub_is_read_from_here_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows_of(tmp_path)
    (tmp_path / "served").mkdir()
    (tmp_path / "rows.jsonl").rename(tmp_path / "served" / "rows.jsonl")
    run = told_run(Path("hf://datasets/someone/tiny"), tmp_path / "run", (1, 5, 6, 4.0))
    with serving(tmp_path / "served", tmp_path / "cache", monkeypatch) as hub:

        def shown() -> Any:
            command = [sys.executable, "-m", "studio", "runs", "rows", str(run.path), "--json"]
            return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        found = shown()
        assert "Open it as data" in found["fault"]["hint"]
        assert [(row["loss"], row["answer"]) for row in found["rows"]] == [(4.0, "")]
        datasets.open_dataset(run.config().data.path)
        hub.asked.clear()
        hub.refusal = "RepoNotFound"
        found = shown()
        assert (found["fault"], found["rows"][0]["asked"], hub.asked) == (None, "capital 5", [])


def test_the_rows_of_the_step_that_diverged_are_shown_and_do_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ((1, 1, 5, 1.0), (1, 2, 5, 2.0), (2, 3, 5, 2.5), (2, 4, 5, float("nan")))
    run = told_run(rows_of(tmp_path), tmp_path / "run", *made)
    last = told(capsys, str(run.path), "--step", "2")["rows"]
    assert [(row["row"], row["loss"]) for row in last] == [(4, None), (3, 2.5)]
    every = told(capsys, str(run.path))
    assert (every["of"], every["last_step"]) == (3, 2)
    assert all(row["loss"] is not None and row["above"] is not None for row in every["rows"])
    assert cli.run(["runs", "rows", str(run.path), "--step", "2"]) == 0
    assert "nan" in capsys.readouterr().out
