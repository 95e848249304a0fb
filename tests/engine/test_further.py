"""An adapter is trained further: it begins with its own weights, and preference is measured against it."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core import further, library
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.library import PEFT_CONFIG, WEIGHTS
from studio.engine import adapters, planning
from tests.models import FAMILIES, tiny
from tests.training import config, digest, losses, preferring, resume, trained


def begun(made: RunConfig, adapter: str | Path, **changed: Any) -> RunConfig:
    """Returns a config that trains `adapter` further and leaves its layout to it."""
    plain = type(made.adapter)(path=str(adapter), **changed)
    return further.laid_out(replace(made, adapter=plain))


@pytest.mark.parametrize("family", FAMILIES)
def test_it_begins_with_the_weights_it_had(family: str, tmp_path: Path) -> None:
    made = config(tmp_path, family=family, max_steps=4, adapter={"lora_dropout": 0.0})
    first = trained(made, tmp_path / "first")
    # With a rate of next to nothing the weights stay.
    again = trained(
        replace(begun(made, "test"), training=replace(made.training, learning_rate=1e-30)), tmp_path / "again"
    )
    before, after = (load_file(run.path / "adapter" / WEIGHTS) for run in (first, again))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert math.isclose(losses(again)[0], _loss_of(first.path / "adapter", made, tmp_path), rel_tol=1e-5)


def _loss_of(adapter: Path, made: RunConfig, folder: Path) -> float:
    """Returns the loss of a run's first step on a base into which an adapter was merged by PEFT."""
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(made.model.path, dtype=torch.float32)
    merged = adapters.load_adapter(base, adapter).merge_and_unload()
    place = folder / "merged"
    shutil.copytree(made.model.path, place, dirs_exist_ok=True)
    for old in place.glob("*.safetensors*"):
        old.unlink()
    merged.save_pretrained(place)
    whole = replace(made, model=replace(made.model, path=str(place)), training=replace(made.training, max_steps=1))
    return losses(trained(whole, folder / "of-merged"))[0]


@pytest.mark.parametrize(
    ("adapter", "quantization"),
    [
        ({}, "none"),
        ({"use_dora": True, "modules_to_save": ["lm_head"]}, "none"),
        ({"use_rslora": True, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 3}}, "nf4"),
        ({"layers_to_transform": "0", "bias": "lora_only"}, "none"),
    ],
)
def test_every_layout_goes_on_as_it_is_and_resumes_bit_for_bit(
    adapter: dict[str, Any], quantization: str, tmp_path: Path
) -> None:
    made = config(tmp_path, adapter=adapter, model={"quantization": quantization}, max_steps=3, save_steps=3)
    trained(made, tmp_path / "first")
    more = replace(begun(made, "test", lora_dropout=0.1), training=replace(made.training, max_steps=6))
    for key, own in further.layout_of(library.find("test").folder).items():
        assert getattr(more.adapter, key) == own
    whole = trained(more, tmp_path / "whole")
    part = trained(more, tmp_path / "part")
    shutil.rmtree(part.path / "adapter")
    shutil.rmtree(part.path / "checkpoints" / "step-000006")
    events = part.events_path.read_bytes().splitlines(keepends=True)
    part.events_path.write_bytes(b"".join(line for line in events if b'"finished"' not in line[:40]))
    # The library's own may be gone by now: a run has a copy.
    library.remove(library.find("test"))
    resume(part)
    assert digest(part) == digest(whole)


def test_preference_is_measured_against_the_adapter_as_it_was(tmp_path: Path) -> None:
    made = preferring(tmp_path, max_steps=6, learning_rate=2e-2)
    learned = trained(made, tmp_path / "first")
    assert losses(learned)[-1] < math.log(2) - 0.05
    # Measured against the base the first loss would be as low as the last one before.
    again = trained(begun(made, "test"), tmp_path / "again")
    assert math.isclose(losses(again)[0], math.log(2), rel_tol=1e-5)
    # Numbers of another adapter are others, though base, rows and all else are the same.
    fresh = trained(replace(made, training=replace(made.training, seed=8)), tmp_path / "fresh")
    assert math.isclose(losses(fresh)[0], math.log(2), rel_tol=1e-5)
    third = trained(begun(made, again.path / "adapter"), tmp_path / "third")
    assert math.isclose(losses(third)[0], math.log(2), rel_tol=1e-5)


def test_an_adapter_of_other_weights_is_refused(tmp_path: Path) -> None:
    made = config(tmp_path, max_steps=2)
    trained(made, tmp_path / "first")
    tiny("llama", tmp_path / "other", initializer_range=0.05)
    other = replace(made, model=replace(made.model, path=str(tmp_path / "other")))
    with pytest.raises(StudioError, match="was trained on other weights"):
        trained(begun(other, "test"), tmp_path / "again")


def test_an_adapter_that_does_not_fit_is_refused_before_a_weight_is_read(tmp_path: Path) -> None:
    made = config(tmp_path, max_steps=2)
    first = trained(made, tmp_path / "first")
    tiny("llama", tmp_path / "wide", hidden_size=128)
    for path in (tiny("gpt2", tmp_path / "gpt2"), tmp_path / "wide"):
        wrong = replace(made, model=replace(made.model, path=str(path)))
        with pytest.raises(StudioError, match="belongs to another base model"):
            planning.plan(begun(wrong, first.path / "adapter"))
    broken = tmp_path / "broken"
    shutil.copytree(first.path / "adapter", broken)
    tensors = load_file(broken / WEIGHTS)
    name = next(iter(tensors))
    save_file({**tensors, name: torch.full_like(tensors[name], np.nan)}, broken / WEIGHTS)
    with pytest.raises(StudioError, match="values that are not numbers"):
        planning.plan(begun(made, broken))
    tensors.pop(name)
    save_file(tensors, broken / WEIGHTS)
    with pytest.raises(StudioError, match="belongs to another base model"):
        planning.plan(begun(made, broken))


def test_what_is_planned_is_the_adapter_that_is_there(tmp_path: Path) -> None:
    made = config(tmp_path, max_steps=2, adapter={"r": 2, "target_modules": ["q_proj"]})
    trained(made, tmp_path / "first")
    plan = planning.plan(begun(made, "test"))
    assert plan["trainable_parameters"] == planning.plan(made)["trainable_parameters"]


def test_the_card_says_what_it_was_begun_with(tmp_path: Path) -> None:
    made = config(tmp_path, max_steps=1)
    trained(made, tmp_path / "first")
    again = trained(begun(made, "test"), tmp_path / "again")
    text = (again.path / "adapter" / "README.md").read_text(encoding="utf-8")
    assert "Trained further from the adapter test" in text
    assert str(tmp_path) not in text
    about = json.loads((again.path / "start" / "test" / PEFT_CONFIG).read_bytes())
    assert about["r"] == 4


def test_another_base_that_is_named_is_told_where_weights_are_not_known(tmp_path: Path) -> None:
    made = config(tmp_path, max_steps=1)
    first = trained(made, tmp_path / "first")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name in (PEFT_CONFIG, WEIGHTS):
        shutil.copy(first.path / "adapter" / name, foreign / name)
    about = json.loads((foreign / PEFT_CONFIG).read_bytes())
    for named, count in ((made.model.path, 0), ("org/other", 1)):
        (foreign / PEFT_CONFIG).write_text(json.dumps(about | {"base_model_name_or_path": named}))
        run = trained(begun(made, foreign), tmp_path / f"on-{count}")
        assert sum("was made for org/other" in item.message for item in run.progress().notices) == count
