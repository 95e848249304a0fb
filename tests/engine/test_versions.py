"""What a run reads: the rows of a version as they were when it began, evaluation rows never trained on, all told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core import rowlog, runs
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.events import Saved
from studio.core.versions import steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version
from studio.engine.corpus import read_corpus
from tests.models import tokenizer
from tests.training import config, digest, resume, trained, write_rows


class Killed(BaseException):
    pass


def a_version(folder: Path) -> Version:
    files = [write_rows(folder / f"{seed}.jsonl", 20, seed) for seed in (1, 2)]
    version = Version(versions.create(folder / "v.recipe.json", [Source(path=str(file)) for file in files]))
    version.add(
        steps.Exclude(rows=((0, 0, 4),)),
        steps.Split(share=0.2, stratify_by="source"),
        steps.Mix(shares=(1, 2), epoch="longest"),
    )
    return version


def on(version: Version, folder: Path, **training: Any) -> RunConfig:
    plain = config(folder)
    data, spec = replace(plain.data, path=str(version.path)), replace(plain.training, **training)
    return replace(plain, data=data, training=spec)


def test_a_run_on_a_version_resumes_bit_by_bit_though_that_was_edited_and_the_run_moved(tmp_path: Path) -> None:
    version = a_version(tmp_path)
    whole = on(version, tmp_path, save_steps=3, eval_steps=4)
    wanted = trained(whole, tmp_path / "whole")
    run = runs.create(whole, tmp_path / "run")
    assert run.config().data.path == str(run.path / "v.recipe.json")

    def kill(event: object) -> None:
        if isinstance(event, Saved) and event.step == 3:
            raise Killed

    with pytest.raises(Killed):
        resume(run, kill)
    version.add(steps.Exclude(rows=((1, 0, 9),)))
    run = runs.Run(run.path.rename(tmp_path / "moved"))
    resume(run)
    assert digest(run) == digest(wanted)
    prepared = run.progress().prepared
    assert prepared is not None
    about = versions.describe(Version(run.path / "v.recipe.json"))
    assert (prepared.rows, prepared.eval_rows) == (about["rows"] - about["eval_rows"], about["eval_rows"])
    fed = rowlog.read(run.path)["row"]
    held = versions.origins(versions.open_version(run.path / "v.recipe.json"))["held"]
    assert not held[np.unique(fed)].any()


def test_a_changed_source_stops_the_run(tmp_path: Path) -> None:
    version = a_version(tmp_path)
    run = runs.create(on(version, tmp_path), tmp_path / "run")
    write_rows(tmp_path / "1.jsonl", 21, 1)
    with pytest.raises(StudioError, match=r"1\.jsonl changed since the version v was made"):
        resume(run)


def test_rows_equal_to_evaluation_rows_are_left_out_and_told(tmp_path: Path) -> None:
    own = write_rows(tmp_path / "e.jsonl", 5, 1)
    plain = config(tmp_path, data={"eval_path": str(own)})
    file = write_rows(tmp_path / "more.jsonl", 20, 1)
    run = trained(replace(plain, data=replace(plain.data, path=str(file))), tmp_path / "run")
    progress = run.progress()
    assert progress.prepared is not None
    assert (progress.prepared.rows, progress.prepared.eval_rows, progress.prepared.untrained_rows) == (15, 5, 0)
    assert any(notice.message.startswith("5 rows that are equal") for notice in progress.notices)
    lines = [json.loads(line) for line in (run.path / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["file"], line["row"], line["reason"]) for line in lines] == [
        ("more.jsonl", row, "equal to a row for evaluation") for row in range(5)
    ]


def test_a_file_for_evaluation_takes_the_place_of_every_other_row_for_it(tmp_path: Path) -> None:
    own = write_rows(tmp_path / "e.jsonl", 5, 9)
    plain = config(tmp_path, data={"eval_path": str(own), "eval_split": 0.25})
    found = read_corpus(plain, tokenizer(), lambda event: None)
    assert found.evaluation is not None
    assert (len(found.train), len(found.evaluation), found.unused) == (found.rows, 5, [])
    version = a_version(tmp_path)
    about = versions.describe(version)
    whole = on(version, tmp_path)
    found = read_corpus(replace(whole, data=replace(whole.data, eval_path=str(own))), tokenizer(), lambda event: None)
    assert found.evaluation is not None
    assert (len(found.train), len(found.evaluation)) == (about["rows"] - about["eval_rows"], 5)
    assert len(found.unused) == about["eval_rows"] > 0
    assert {item["reason"] for item in found.unused} == {
        "for evaluation in the version, and a file is evaluated on instead"
    }


def test_early_stopping_needs_rows_to_evaluate(tmp_path: Path) -> None:
    version = a_version(tmp_path)
    version.go(1)
    patient = on(version, tmp_path, early_stopping_patience=2)
    with pytest.raises(StudioError, match="holds none back") as caught:
        read_corpus(patient, tokenizer(), lambda event: None)
    assert caught.value.reason == "config"
