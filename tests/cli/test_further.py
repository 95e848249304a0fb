"""An adapter is trained further by command: with its run's settings, and with what is said besides."""

import json
import re
from pathlib import Path

import pytest

from studio import cli
from studio.core import library, runs
from studio.core.errors import EXIT_CODES
from tests.adapters import made
from tests.training import config, trained, write_pairs, write_rows


def test_it_goes_on_from_the_adapter_on_other_rows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trained(config(tmp_path, max_steps=2, adapter={"r": 3}), tmp_path / "first")
    rows = write_rows(tmp_path / "more.jsonl", 12, seed=3)
    more = ["--further", "test", "--set", f"data.path={rows}", "--set", "training.max_steps=3", "--set", "name=more"]
    assert cli.run(["plan", *more, "--json"]) == 0
    planned = json.loads(capfd.readouterr().out)
    assert (planned["rows"], planned["steps"]) == (12, 3)
    assert cli.run(["train", *more]) == 0
    entry = library.find("more")
    run = runs.find(entry.run)
    assert run.config().adapter.r == 3
    assert run.config().data.max_length == 128, "as its run before had it"
    assert (run.path / "start" / "test" / library.WEIGHTS).is_file()
    assert "Step 3 loss " in capfd.readouterr().err, "the last step is told, however few there are"
    assert cli.run(["runs", "resume", run.name]) == EXIT_CODES["run"]
    assert "`studio train --further more`" in capfd.readouterr().err
    assert cli.run(["adapters", "show", "more"]) == 0
    assert re.search(r"Begun with +test\n", capfd.readouterr().out)


def test_by_another_objective_it_learns_at_the_usual_rate_of_that(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trained(config(tmp_path, max_steps=1), tmp_path / "first")
    pairs = ["--set", f"data.path={write_pairs(tmp_path / 'pairs.jsonl', 8)}", "--set", "objective=dpo"]
    found = []
    for more in ([], ["--set", "learning_rate=3e-4"]):
        assert cli.run(["train", "--further", "test", *pairs, *more, "--set", "max_steps=1", "--set", "name=more"]) == 0
        found.append(runs.listing()[0].config().training.learning_rate)
        capfd.readouterr()
    assert found == [1e-5, 3e-4]
    assert cli.run(["plan", "--further", "test", *pairs]) == 0
    assert "Learning rate 1e-05, as is usual for dpo." in capfd.readouterr().err


def test_several_values_are_tried_from_one_adapter(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made("letters")
    rows = write_rows(tmp_path / "rows.jsonl", 12)
    tried = ["train", "--further", "letters", "--set", f"data.path={rows}", "--try", "r=2,4"]
    assert cli.run(tried) == EXIT_CODES["config"]
    assert "adapter.r: it is 4, but the adapter that is trained further has 2." in capfd.readouterr().err
    assert runs.listing() == []


def test_an_adapter_mistyped_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["train", "--further", "nonesuch", "--set", "data.path=x"]) == EXIT_CODES["adapter"]
    assert "There is no adapter `nonesuch`" in capfd.readouterr().err


def test_how_one_made_elsewhere_is_made_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    made("letters", use_rslora=True, rank_pattern={"q_proj": 4})
    assert cli.run(["adapters", "show", "letters"]) == 0
    said = capfd.readouterr().out
    assert "r 2, lora_alpha 4" in said
    assert "use_rslora True" in said
