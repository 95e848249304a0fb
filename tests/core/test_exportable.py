"""What can be exported is found: an adapter, a run whose result is a whole model, and any model's folder."""

import shutil
from pathlib import Path

import pytest

from studio import paths
from studio.core import events, exportable, library, runs
from studio.core.config import AdapterSpec, DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.runs import Run
from tests.core.test_library import added
from tests.ui.told import evaluated, prepared, step


def tuned(name: str | None = "In full") -> Run:
    run = runs.create(RunConfig(name=name, data=DataSpec(path="x"), adapter=AdapterSpec(method="full")))
    shutil.copytree(paths.resources() / "demo" / "model", run.path / "model")
    for event in (prepared(9), step(9, 2.0), evaluated(6, 0.5, best=True)):
        run.emit(event)
    run.emit(events.Finished(step=9, outcome="completed", path="model", adapter="", result_step=6, train_s=1.0))
    return run


def test_a_full_fine_tuning_is_found_by_its_run_and_its_folder() -> None:
    run = tuned()
    found = exportable.find(run.name)
    assert found.is_model
    assert (found.folder, found.title, found.name) == (run.path.resolve() / "model", "In full", "In-full")
    assert (found.base.path, found.metrics, found.run) == (
        "demo",
        {"step": 6, "loss": None, "eval_loss": 0.5},
        run.name,
    )
    assert found.config["adapter"]["method"] == "full"
    assert exportable.find(str(run.path / "model")) == found
    assert exportable.result(run) == found


def test_an_adapter_is_found_as_ever_and_before_a_run_of_its_name(tmp_path: Path) -> None:
    tuned()
    entry = added(tmp_path, "In full")
    found = exportable.find("In full")
    assert (found, found.is_model) == (library.find(entry.name), False)


def test_a_folder_of_the_working_directory_does_not_hide_an_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = added(tmp_path, "letters")
    shutil.copytree(paths.resources() / "demo" / "model", tmp_path / "here" / "letters")
    monkeypatch.chdir(tmp_path / "here")
    assert exportable.find("letters") == library.find(entry.name)
    assert exportable.find("./letters").is_model


def test_any_models_folder_can_be_exported() -> None:
    found = exportable.find(str(paths.resources() / "demo" / "model"))
    assert (found.is_model, found.config, found.base.path) == (True, {}, "")


def test_a_run_without_a_model_and_nothing_at_all_are_none(tmp_path: Path) -> None:
    run = runs.create(RunConfig(name="adapted", data=DataSpec(path="x")))
    assert exportable.result(run) is None
    for name in (run.name, "nothing", str(tmp_path)):
        with pytest.raises(StudioError) as told:
            exportable.find(name)
        assert told.value.reason == "adapter"
        assert ("has made nothing yet" in told.value.message) == (name == run.name)


def test_the_adapter_of_a_run_is_found_by_the_run(tmp_path: Path) -> None:
    run = runs.create(RunConfig(name="adapted", data=DataSpec(path="x")))
    shutil.copytree(added(tmp_path, "letters").folder, run.path / "adapter")
    found = exportable.find(run.name)
    assert (found.folder, found.is_model) == (run.path.resolve() / "adapter", False)


def test_a_run_without_a_name_is_called_by_its_data() -> None:
    run = tuned(name=None)
    assert exportable.find(run.name).title == "x"
