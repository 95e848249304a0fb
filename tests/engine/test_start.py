"""Adapters that begin with directions of the base's weights: as PEFT's do, and plain LoRA of the base as it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch.nn import functional
from transformers import AutoModelForCausalLM

from studio.core import events, further, library, runs
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.engine import adapters, batches, checkpoint, halves, reference, session, start, step, updates
from studio.engine.model import load_base
from studio.engine.session import Session
from tests.training import begin_anew, config, digest, losses, preferring, resume, trained

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

STARTS = ["pissa", "pissa_niter_16", "olora"]
STEADY: dict[str, Any] = {"lr_scheduler_type": "constant", "warmup_steps": 0, "max_grad_norm": 0, "learning_rate": 3e-3}


def spec(folder: Path, beginning: str, adapter: dict[str, Any] | None = None, **settings: Any) -> RunConfig:
    made = {"lora_dropout": 0.0, "init_lora_weights": beginning} | (adapter or {})
    return config(folder, adapter=made, **settings)


def begun(whole: RunConfig, folder: Path) -> Session:
    """Returns a run's session where it takes its first step."""
    begin_anew()
    current = session.prepare(runs.create(whole, folder), lambda event: None)
    start.begin(current, lambda: False)
    return current


def take(current: Session, count: int) -> list[float]:
    """Takes steps and returns their losses."""
    found = []
    for micro_batches in step.plan(current, 0)[:count]:
        taken = step.take(current, micro_batches, step.lay_out(current, micro_batches))
        current.position.step += 1
        found.append(float(taken.total[0] / taken.shares))
    return found


def base(whole: RunConfig) -> Any:
    return AutoModelForCausalLM.from_pretrained(whole.model.path, dtype=torch.float32)


def pefts(current: Session) -> PeftModel:
    """Returns the same adapter as PEFT begins it, which takes it off the base's weights."""
    adapter = current.config.adapter
    made = LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter.r,
        lora_alpha=int(adapter.lora_alpha),
        use_dora=adapter.use_dora,
        use_rslora=adapter.use_rslora,
        target_modules=current.bare.peft_config["default"].target_modules,
        init_lora_weights=adapter.init_lora_weights,
    )
    frozen = base(current.config)
    torch.manual_seed(0)
    model = get_peft_model(frozen, made)
    assert isinstance(model, PeftModel)
    return model


def as_peft_trains(model: PeftModel, current: Session, count: int) -> Iterator[float]:
    """Yields the losses of steps that transformers, PEFT and torch take, of the same rows."""
    trained, rate = [p for p in model.parameters() if p.requires_grad], current.config.training.learning_rate
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
    for micro_batches in step.plan(current, 0)[:count]:
        groups = [batches.Group(np.concatenate(micro_batches))]
        batch = batches.collate(current.corpus.train, groups, "padded", current.pad_id)
        logits = model.train()(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        loss = functional.cross_entropy(logits[batch.keep], batch.targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield float(loss.detach())


def logits(model: Any) -> torch.Tensor:
    ids = torch.arange(3, 35)[None]
    with torch.no_grad():
        found: torch.Tensor = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return found


@pytest.mark.parametrize(
    ("beginning", "adapter"),
    [("pissa", {}), ("olora", {}), ("pissa", {"use_rslora": True}), ("pissa", {"use_dora": True})],
    ids=["pissa", "olora", "rslora", "dora"],
)
def test_losses_are_those_of_pefts_own(beginning: str, adapter: dict[str, Any], tmp_path: Path) -> None:
    current = begun(spec(tmp_path, beginning, adapter, rows=80, **STEADY), tmp_path / "run")
    theirs = list(as_peft_trains(pefts(current), current, 20))
    ours = take(current, 20)
    assert len(ours) == 20
    assert ours[0] - ours[-1] > 0.01, "it learns"
    assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("beginning", STARTS)
def test_what_it_begins_with_is_pefts(beginning: str, tmp_path: Path) -> None:
    current = begun(spec(tmp_path, beginning, {"target_modules": ["k_proj"]}), tmp_path / "run")
    layer: Any = next(one for one in current.bare.modules() if isinstance(one, LoraLayer))
    weight = layer.get_base_layer().weight.detach().clone()
    theirs: Any = pefts(current).get_submodule("base_model.model.model.layers.0.self_attn.k_proj")
    # It draws both matrices before it looks for directions, from where it draws too.
    torch.manual_seed(0)
    torch.nn.Linear(32, 4, bias=False), torch.nn.Linear(4, 16, bias=False)
    for ours, one in zip(
        start.directions(weight, 4, layer.scaling["default"], beginning), (theirs.lora_A, theirs.lora_B), strict=True
    ):
        torch.testing.assert_close(ours, one["default"].weight.detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("quantization", ["none", "nf4", "8bit"])
@pytest.mark.parametrize("beginning", STARTS)
def test_nothing_is_changed_yet(beginning: str, quantization: str, tmp_path: Path) -> None:
    made = spec(tmp_path, beginning, model={"quantization": quantization})
    current = begun(made, tmp_path / "run")
    ours = step.evaluate(current, current.corpus.train).loss
    with reference.untrained(current):
        assert ours == pytest.approx(step.evaluate(current, current.corpus.train).loss, rel=1e-5)
    for layer in (one for one in current.bare.modules() if isinstance(one, LoraLayer)):
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        assert (len(a), b.shape[1]) == (8, 8)
        assert torch.equal(a[:4], a[4:])
        assert torch.equal(b[:, :4], -b[:, 4:])
        assert bool(b.any())


@pytest.mark.parametrize(
    ("settings", "adapter"),
    [
        ({}, {}),
        ({"family": "gpt2"}, {"bias": "lora_only"}),
        ({"model": {"quantization": "nf4"}}, {"modules_to_save": ["lm_head"]}),
        ({}, {"use_rslora": True, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 3}}),
        ({}, {"use_dora": True}),
    ],
    ids=["plain", "conv1d", "nf4", "patterns", "dora"],
)
def test_what_is_saved_is_plain_lora_of_the_base_as_it_is(
    settings: dict[str, Any], adapter: dict[str, Any], tmp_path: Path
) -> None:
    current = begun(spec(tmp_path, "pissa", adapter, **settings), tmp_path / "run")
    before = [one.clone() for one in halves.frozen(current.bare)]
    take(current, 5)
    assert all(torch.equal(one, other) for one, other in zip(before, halves.frozen(current.bare), strict=True))
    adapters.save_adapter(current.bare, tmp_path / "adapter", "someone/base")
    about = (tmp_path / "adapter" / "adapter_config.json").read_text()
    assert "pissa" not in about
    if current.config.model.quantization == "none":
        theirs = PeftModel.from_pretrained(base(current.config), tmp_path / "adapter")
    else:
        theirs = adapters.load_adapter(
            load_base(Path(current.config.model.path), current.config.model, torch.device("cpu")),
            tmp_path / "adapter",
        )
    torch.testing.assert_close(logits(theirs), logits(current.bare), atol=2e-5, rtol=1e-5)
    assert not torch.allclose(logits(theirs), logits(base(current.config)), atol=1e-3)


def test_the_update_is_told_of_a_checkpoint(tmp_path: Path) -> None:
    current = begun(spec(tmp_path, "pissa"), tmp_path / "run")
    take(current, 5)
    adapters.save_adapter(current.bare, tmp_path / "adapter", "someone/base")
    found = {one.name: one for one in updates.of(tmp_path / "adapter", updates.Base(Path(current.config.model.path)))}
    assert len(found) == 14
    for name, layer in current.bare.get_base_model().named_modules():
        if isinstance(layer, LoraLayer):
            delta = layer.get_delta_weight("default").detach().double()
            assert found[name].norm == pytest.approx(float(delta.norm()), rel=1e-3)
            assert found[name].rank == 8


@pytest.mark.parametrize("beginning", ["pissa_niter_16", "olora", "eva"])
def test_a_run_resumes_bit_for_bit_without_looking_again(beginning: str, tmp_path: Path) -> None:
    whole = spec(tmp_path, beginning, {"lora_dropout": 0.1}, save_steps=2, data={"eval_split": 0.1})
    expected = trained(whole, tmp_path / "reference")
    run, told = runs.create(whole, tmp_path / "run"), list[events.Event]()

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            run.ask(events.Stop(keep=False))

    resume(run, stop)
    resume(run, told.append)
    assert run.progress().resumed[-1].step == 3
    assert not [event for event in told if isinstance(event, events.Phase) and event.name == "initialising"]
    assert digest(run) == digest(expected)


@pytest.mark.parametrize("beginning", ["pissa", "eva"])
def test_a_run_that_is_to_end_while_it_begins_ends_and_begins_again_the_same(beginning: str, tmp_path: Path) -> None:
    whole = spec(tmp_path, beginning, rows=12)
    expected = trained(whole, tmp_path / "reference")
    run = runs.create(whole, tmp_path / "run")

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Phase) and event.name == "initialising" and not run.progress().obeyed:
            run.ask(events.Save())
            run.ask(events.Stop(keep=True))

    resume(run, stop)
    assert not checkpoint.listing(run.path), "what is half begun is nothing to go on from"
    assert (run.progress().step, run.progress().finished) == (0, None)
    resume(run)
    assert digest(run) == digest(expected)


def test_preference_is_measured_against_the_base(tmp_path: Path) -> None:
    adapter = {"init_lora_weights": "pissa", "lora_dropout": 0.0}
    run = trained(preferring(tmp_path, adapter=adapter), tmp_path / "run")
    assert losses(run)[0] == pytest.approx(np.log(2), abs=1e-4)
    assert losses(run)[-1] < 0.6


def test_its_result_is_trained_further_as_plain_lora(tmp_path: Path) -> None:
    whole = spec(tmp_path, "pissa", max_steps=6, **STEADY)
    first = trained(whole, tmp_path / "first")
    finished = first.progress().finished
    assert finished is not None
    name = finished.adapter
    again = further.laid_out(replace(whole, adapter=type(whole.adapter)(path=name, init_lora_weights="pissa")))
    assert (again.adapter.r, again.adapter.lora_alpha) == (8, 16)
    assert losses(trained(again, tmp_path / "again"))[-1] < losses(first)[0]
    assert further.settings(library.find(name))["adapter"]["r"] == 8


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        ({"r": 20}, "the rank, 20, and model.layers.0.self_attn.k_proj has 16"),
        ({"target_modules": ["embed_tokens", "q_proj"]}, "embed_tokens is none"),
    ],
)
@pytest.mark.parametrize("beginning", ["olora", "eva"])
def test_layers_without_so_many_directions_are_refused(
    beginning: str, adapter: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(StudioError, match=said):
        begun(spec(tmp_path, beginning, adapter), tmp_path / "run")
