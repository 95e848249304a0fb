"""`studio runs layers` and `studio adapters layers`: what they tell, and what they say where they cannot."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import library, runs
from studio.core.config import RunConfig
from studio.core.errors import EXIT_CODES
from studio.core.runs import Run
from studio.engine import updates
from tests.training import config, resume

LAYERS = {"layers_to_transform": "1", "target_modules": ["q_proj", "v_proj"], "lora_dropout": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layers")


@pytest.fixture(scope="module")
def spec(folder: Path) -> RunConfig:
    return config(folder, rows=16, adapter=LAYERS, num_train_epochs=1, save_steps=2)


@pytest.fixture(scope="module")
def run(folder: Path, spec: RunConfig) -> Run:
    """A run of four steps that trains two modules of the second layer, with checkpoints behind steps 2 and 4."""
    made = runs.create(spec, folder / "run")
    resume(made)
    return made


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """Runs the command with `--json`; returns what it printed."""
    assert cli.run([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_run_is_measured_by_its_newest_checkpoint_or_any_other(
    run: Run, spec: RunConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "runs", "layers", str(run.path))
    assert (found["step"], found["steps"], found["fault"], found["base"]) == (4, [2, 4], None, spec.model.path)
    expected = updates.of(run.path / "adapter", updates.Base(Path(spec.model.path)))
    assert [(one["name"], one["norm"], one["layer"]) for one in found["modules"]] == [
        (update.name, update.norm, 1) for update in expected
    ]
    assert 0 < found["share"] < 1
    before = told(capsys, "runs", "layers", str(run.path), "--step", "2")
    assert before["step"] == 2
    assert before["share"] != found["share"]
    cli.run(["runs", "layers", str(run.path)])
    out = capsys.readouterr().out
    assert out.startswith(f"Step 4 of {run.name}: 2 modules, changed by ")
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["MODULES", "q_proj", "v_proj"]
    assert f"{found['modules'][0]['effective_rank']:.1f} of 4" in out


def test_a_step_without_a_checkpoint_is_told_with_those_that_have_one(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["runs", "layers", str(run.path), "--step", "3"]) == EXIT_CODES["usage"]
    assert capsys.readouterr().err.splitlines()[-2:] == [
        f"The run {run.name} has no checkpoint of step 3.",
        "There are those of 2, 4.",
    ]


def test_a_run_without_checkpoints_says_so(spec: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh = runs.create(spec, tmp_path / "fresh")
    assert cli.run(["runs", "layers", str(fresh.path)]) == EXIT_CODES["run"]
    assert "The run has no checkpoint yet." in capsys.readouterr().err


def test_the_result_stands_for_a_checkpoint_that_is_gone(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run.path, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "checkpoints" / "step-000004")
    found = told(capsys, "runs", "layers", str(tmp_path / "copy"))
    assert (found["step"], found["steps"]) == (4, [2, 4])
    assert found["modules"] == told(capsys, "runs", "layers", str(run.path))["modules"]


def test_two_adapters_are_told_beside_each_other(run: Run, spec: RunConfig, capsys: pytest.CaptureFixture[str]) -> None:
    base = library.Base(path=spec.model.path)
    for title, step in (("late", 4), ("early", 2)):
        library.add(run.path / "checkpoints" / f"step-{step:06d}" / "adapter", title=title, base=base)
    found = told(capsys, "adapters", "layers", "late", "--beside", "early")
    assert (found["adapter"], found["beside"], found["fault"]) == ("late", "early", None)
    assert 0.5 < found["cosine"] < 1
    assert all(one["cosine"] > 0 and one["other"] < one["norm"] for one in found["modules"])
    itself = told(capsys, "adapters", "layers", "late", "--beside", str(run.path / "adapter"))
    assert itself["cosine"] == pytest.approx(1.0)
    cli.run(["adapters", "layers", "late", "--beside", "early"])
    out = capsys.readouterr().out
    assert out.startswith("late beside early: they differ by ")
    assert "the cosine between the changes is +0." in out
    assert out.splitlines()[1].split()[-1] == "COSINE"
    assert told(capsys, "adapters", "layers", "late")["cosine"] is None


def test_without_its_base_an_adapter_is_measured_by_itself(
    run: Run, spec: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = run.path / "adapter"
    cases = {
        "": "The base model is not known.",
        "nobody/has-this": "nobody/has-this is not on this machine, so what changed is not compared with its weights.",
        str(tmp_path): f"{tmp_path}",
    }
    for number, (path, words) in enumerate(cases.items()):
        entry = library.add(adapter, title=f"case {number}", base=library.Base(path=path))
        found = told(capsys, "adapters", "layers", entry.name)
        assert words in found["fault"]["message"]
        assert found["share"] is None
        assert all(one["norm"] and one["base"] is None for one in found["modules"])
    cli.run(["adapters", "layers", "case-1"])
    out, err = capsys.readouterr()
    assert "%" not in out
    assert "Bring it back, or open it once if it is of the hub." in err
    given = told(capsys, "adapters", "layers", "case-1", "--base", spec.model.path)
    assert given["fault"] is None
    assert given["share"] > 0


def test_adapters_of_different_bases_are_not_compared(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = run.path / "adapter"
    for title, base in {
        "one": library.Base(path="a/b", fingerprint="11"),
        "moved": library.Base(path="c/d", fingerprint="11"),
        "other": library.Base(path="a/b", fingerprint="22"),
        "unknown": library.Base(path="c/d"),
    }.items():
        library.add(adapter, title=title, base=base)
    assert told(capsys, "adapters", "layers", "one", "--beside", "moved")["cosine"] == pytest.approx(1.0)
    for beside in ("other", "unknown"):
        code = EXIT_CODES["adapter"]
        found = told(capsys, "adapters", "layers", "one", "--beside", beside, code=code)
        assert found["error"]["message"] == f"one and {beside} were made for different base models."


def test_a_runs_base_that_was_moved_is_named(run: Run, spec: RunConfig, tmp_path: Path, capsys: Any) -> None:
    other = runs.create(replace(spec, model=replace(spec.model, path=str(tmp_path / "gone"))), tmp_path / "other")
    shutil.copytree(run.path / "checkpoints", other.path / "checkpoints")
    assert told(capsys, "runs", "layers", str(other.path))["fault"]["message"].startswith(f"{tmp_path / 'gone'} is not")
    found = told(capsys, "runs", "layers", str(other.path), "--base", spec.model.path)
    assert found["fault"] is None
    assert found["share"] > 0


def test_a_base_that_was_changed_is_not_what_it_learned_on(
    run: Run, spec: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base"
    shutil.copytree(spec.model.path, base)
    moved = replace(spec, model=replace(spec.model, path=str(base)))
    other = runs.create(moved, tmp_path / "other")
    shutil.copytree(run.path / "checkpoints", other.path / "checkpoints")
    assert told(capsys, "runs", "layers", str(other.path))["fault"] is None
    file = base / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    found = told(capsys, "runs", "layers", str(other.path))
    assert found["fault"]["message"] == f"The weights of {base} are not those that were trained on."
    assert {one["base"] for one in found["modules"]} == {None}


def test_what_is_no_adapter_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(run.path / "adapter", tmp_path / "broken")
    (tmp_path / "broken" / "adapter_model.safetensors").write_bytes(b"no weights")
    found = told(capsys, "adapters", "layers", str(tmp_path / "broken"), code=EXIT_CODES["adapter"])
    assert "damaged or incomplete" in found["error"]["message"]


def test_torch_is_not_loaded_for_it(run: Run) -> None:
    code = f"""
import sys
from studio import cli
assert cli.run(["runs", "layers", {str(run.path)!r}]) == 0
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
