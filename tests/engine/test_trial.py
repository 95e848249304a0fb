"""In half precision too a model that lets rows see each other, or changes its logits, is told from rounding."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from studio.core.config import AdapterSpec
from studio.engine import adapters, attention, batches, objectives
from studio.engine.batches import Segment
from studio.engine.trial import Trial
from tests.models import FAMILIES, random_model

CPU = torch.device("cpu")


def deep(family: str, **settings: Any) -> Any:
    """Returns a model of many layers with an adapter, in bfloat16."""
    layers = {"gemma3": {}, "gpt2": {"n_layer": 16}}.get(family, {"num_hidden_layers": 16})
    made = random_model(family, **(layers | settings)).to(torch.bfloat16).requires_grad_(False)
    return adapters.attach(made, AdapterSpec(r=4))


@pytest.mark.parametrize("family", FAMILIES)
def test_rounding_is_no_other_function(family: str) -> None:
    trial = Trial(deep(family), CPU, torch.bfloat16)
    assert 0.003 < trial.noise < 0.1
    assert attention.use(trial.bare)
    assert trial.end_to_end()
    assert trial.end_to_end(shared=True)
    assert trial.in_chunks()


def test_rows_that_see_each_other_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # OPT counts its positions from the beginning of what it is fed.
    assert not Trial(deep("opt"), CPU, torch.bfloat16).end_to_end()
    trial = Trial(deep("llama"), CPU, torch.bfloat16)
    assert attention.use(trial.bare)
    computed = objectives.supervised_logits

    def mixed(model: Any, batch: batches.MicroBatch, **options: Any) -> torch.Tensor:
        if batch.segments is not None:
            batch = replace(batch, segments=(Segment(batch.input_ids.shape[1]),))
        return computed(model, batch, **options)

    assert trial.end_to_end()
    monkeypatch.setattr(objectives, "supervised_logits", mixed)
    assert not trial.end_to_end()


def test_logits_that_are_changed_are_found_out() -> None:
    assert not Trial(deep("gemma3", final_logit_softcapping=30.0), CPU, torch.bfloat16).in_chunks()


def test_the_trial_leaves_the_model_as_it_was() -> None:
    model = deep("llama").train()
    before = torch.get_rng_state()
    hooks = [len(module._forward_hooks) for module in model.modules()]
    trial = Trial(model, CPU, torch.bfloat16)
    ids = trial._rows.ids.copy()
    assert trial.end_to_end()
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
    assert (trial._rows.ids == ids).all()
    assert trial.unrepeatable("padded") == ""
    assert all(p.grad is None for p in model.parameters())
