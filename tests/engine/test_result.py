"""A run's result: a whole model is moved into the library, once and whole, whatever happens meanwhile."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio import paths
from studio.core import events, exportable, library, runs
from studio.core.errors import StudioError
from studio.core.runs import Run
from studio.engine import weights
from tests.test_checks import ROOT
from tests.training import config, resume, trained

FULL: dict[str, Any] = {"adapter": {"method": "full"}, "num_train_epochs": 1, "save_steps": 2}


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def finished(run: Run) -> events.Finished:
    found = run.progress().finished
    assert found is not None
    return found


def test_a_model_trained_whole_stands_in_the_library_with_all_that_an_adapter_has(tmp_path: Path) -> None:
    run = trained(config(tmp_path, rows=24, data={"eval_split": 0.3}, **FULL), tmp_path / "run")
    told, progress = finished(run), run.progress()
    entry = library.find(told.adapter)
    assert (told.is_model, Path(told.path)) == (True, entry.folder)
    assert (entry.is_model, entry.fault, entry.title, entry.run) == (True, "", "test", run.address)
    assert entry.base.path == str(tmp_path / "llama")
    assert entry.base.fingerprint == weights.fingerprint(tmp_path / "llama")
    assert entry.sha256 == weights.fingerprint(entry.folder)
    assert progress.prepared is not None
    assert (entry.data.rows, entry.data.fingerprint) == (24, progress.prepared.data)
    assert progress.base is not None
    assert entry.metrics["base_eval_loss"] == progress.base.eval_loss
    assert entry.metrics["eval_loss"] == progress.evaluations[-1].eval_loss
    assert entry.metrics["loss"] == progress.steps[-1].loss
    kept = load_file(run.path / f"checkpoints/step-{progress.step:06d}/weights.safetensors")
    held = tensors(entry.folder)
    assert all(torch.equal(kept[key].to(held[key].dtype), held[key]) for key in kept)
    assert not same(held, tensors(tmp_path / "llama"))
    assert not list(run.path.glob("*model*")), "moved, not copied"
    assert exportable.result(run) == entry
    assert "of which every weight was trained further" in (entry.folder / "README.md").read_text()
    with pytest.raises(StudioError, match="is already complete") as refused:
        resume(run)
    assert refused.value.hint == "Start a new run from its config to train more.", "there is no adapter to go on with"


def test_removing_the_run_leaves_the_model_and_the_other_way_round(tmp_path: Path) -> None:
    run = trained(config(tmp_path, rows=8, **FULL), paths.runs_dir() / "a-run")
    entry = library.find(finished(run).adapter)
    runs.remove(run)
    assert library.verified(library.find(entry.name)) == entry
    other = trained(config(tmp_path, rows=8, **FULL), paths.runs_dir() / "b-run")
    library.remove(library.find(finished(other).adapter))
    assert finished(other).outcome == "completed"
    assert exportable.result(other) is None


def test_a_run_that_was_stopped_and_goes_on_leaves_both_models(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, rows=24, **FULL), tmp_path / "run")

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            run.ask(events.Stop(keep=True))

    resume(run, stop)
    first = library.find(finished(run).adapter)
    assert (finished(run).outcome, first.metrics["step"]) == ("stopped", 3)
    resume(run)
    second = library.find(finished(run).adapter)
    assert (first.name, second.name) == ("test", "test-2")
    assert [library.verified(entry).fault for entry in (first, second)] == ["", ""]
    assert not same(tensors(first.folder), tensors(second.folder))
    reference = trained(config(tmp_path, rows=24, **FULL), tmp_path / "reference")
    assert same(tensors(second.folder), tensors(Path(finished(reference).path)))


def test_where_the_library_is_on_another_disk_the_model_stays_with_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.replace

    def elsewhere(source: Any, target: Any) -> None:
        if Path(target).parent == paths.adapters_dir():
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr("os.replace", elsewhere)
    run = trained(config(tmp_path, rows=8, **FULL), tmp_path / "run")
    told = finished(run)
    assert (told.path, told.adapter, told.is_model) == ("model", "", True)
    entry = exportable.result(run)
    assert entry is not None
    assert entry == library.located(str(run.path / "model"))
    assert (entry.title, entry.run, entry.fault, library.entries()) == ("test", run.address, "", [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills children that were forked")
def test_killed_wherever_it_publishes_a_model_a_run_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    whole = config(tmp_path, rows=8, **FULL)
    reference = trained(whole, tmp_path / "reference")
    library.remove(library.find(finished(reference).adapter))
    command = [sys.executable, "-m", "tests.publishing", str(reference.path / "run.json"), str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] > 10
    assert [] in told["held"], "killed before it was in its place"
    assert all(held in ([], [["test", ""]]) for held in told["held"])
    run = Run(tmp_path / "run")
    (entry,) = library.entries()
    assert (entry.name, entry.run, finished(run).adapter) == ("test", run.address, "test")
    assert not list(run.path.glob(".model-*"))
    assert library.verified(entry).sha256 == entry.sha256 == trashed_sha256()


def trashed_sha256() -> str:
    """Returns the hash of the weights in the trash, which nobody disturbed."""
    (folder,) = (paths.trash_dir() / "adapters").glob("*/*")
    return weights.fingerprint(folder)
