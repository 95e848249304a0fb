"""What a capsule says, and that it does not say where anything lies."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from studio import paths
from studio.core import capsule, runs
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.progress import folded
from tests.ui.told import prepared, step

_PLAIN = RunConfig(data=DataSpec(path="/data/of mine/rows.jsonl"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/data/of mine/rows.jsonl has changed.", "rows.jsonl has changed."),
        ("see '/home/someone/models/llama', please", "see 'llama', please"),
        (r"C:\Users\anna\rows.jsonl is locked", "rows.jsonl is locked"),
        (r"\\server\share\rows.jsonl is gone", "rows.jsonl is gone"),
        ("https://example.org/a/b and owner/name", "https://example.org/a/b and owner/name"),
        ("checkpoints/step-000120 is damaged", "checkpoints/step-000120 is damaged"),
        ("1/2 of 3 tokens/s", "1/2 of 3 tokens/s"),
    ],
)
def test_a_text_names_no_folder(said: str, told: str) -> None:
    assert capsule.without_places(said, ["/data/of mine/rows.jsonl", "demo"]) == told


def test_a_home_with_a_space_in_it_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", "/srv/anna b")
    assert capsule.without_places(f"{paths.home()}/runs/a/worker.log is full", []) == "worker.log is full"


def test_a_config_names_files_by_their_last_names() -> None:
    adapter = AdapterSpec(path="/runs/a/start/first")
    data = replace(_PLAIN.data, eval_path="/data/held.jsonl", chat_template="/data/own.jinja")
    made = capsule.portable(replace(_PLAIN, data=data, adapter=adapter, model=ModelSpec(path="/models/llama")))
    assert (made.data.path, made.data.eval_path) == ("rows.jsonl", "held.jsonl")
    assert (made.data.chat_template, made.adapter.path, made.model.path) == ("chat_template.jinja", "first", "llama")
    hub = RunConfig(data=DataSpec(path="hf://datasets/owner/name"), model=ModelSpec(path="owner/model"))
    assert capsule.portable(hub) == hub


def test_it_holds_what_the_run_told_of() -> None:
    told = folded([prepared(9), step(1, 2.0), step(2, 1.0)])
    found = capsule.contents(_PLAIN, told)
    assert (found.rows, found.eval_rows, found.steps) == (800, 40, 2)
    larger = replace(prepared(9), tokens_per_epoch=900_000, trainable_parameters=10_000_000)
    assert capsule.contents(_PLAIN, folded([larger, step(1, 2.0)])).size_bytes > 10_000_000
    full = replace(_PLAIN, adapter=AdapterSpec(method="full"))
    assert capsule.contents(full, folded([larger, step(1, 2.0)])).size_bytes < 10_000_000


@pytest.mark.parametrize("start", ["pissa_niter_16", "eva"])
def test_there_is_none_of_a_start_that_the_run_does_not_keep(start: Literal["pissa_niter_16", "eva"]) -> None:
    told = folded([prepared(9), step(1, 2.0)])
    config = replace(_PLAIN, adapter=AdapterSpec(init_lora_weights=start))
    with pytest.raises(StudioError, match=f"began as {start}"):
        capsule.contents(config, told)
    further = replace(config, adapter=replace(config.adapter, path="/runs/a/start/first"))
    assert capsule.contents(further, told).steps == 1


def test_there_is_none_without_a_step() -> None:
    with pytest.raises(StudioError, match="has not taken a step"):
        capsule.contents(_PLAIN, folded([prepared(9)]))


def test_the_readme_shows_some_losses_and_always_the_first_and_the_last() -> None:
    names = ("name", "what", "packages", "model", "result", "base", "fingerprint", "expected")
    said = {name: f"<{name}>" for name in names}
    told = folded([prepared(100), *(step(number, number / 7) for number in range(1, 101))])
    text = capsule.readme(said, told)
    assert all(word in text for word in said.values())
    assert "| 1 | 0.142857 |" in text
    assert "| 100 | 14.285714 |" in text
    assert text.count("\n| ") < 30


def test_the_parts_of_all_capsules_are_among_the_resources(tmp_path: Path) -> None:
    assert {path.name for path in capsule.folder().iterdir() if path.is_file()} == {"train.py", "README.md"}
    assert runs.slug("my run / 2") == "my-run-2"
