"""What a run needs in memory is counted without a weight, and is what it then takes."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig, TrainingSpec
from studio.core.errors import StudioError
from studio.engine import adapters, attention, batches, choices, footprint, objectives
from studio.engine.footprint import Counted, Footprint, Work
from studio.engine.model import empty, load_base
from tests.engine.test_prefix import tokens_of
from tests.models import FAMILIES, random_model, tiny

CPU = torch.device("cpu")
WORK = Work(longest=200, step=600, rows=40, answers=1, trained=0.5)
ROOM = 20e9
WIDE = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "vocab_size": 2000}


def whole(adapter: dict[str, Any] | None = None, model: dict[str, Any] | None = None, **training: Any) -> RunConfig:
    return RunConfig(
        model=ModelSpec(**(model or {})),
        data=DataSpec(path="-"),
        adapter=AdapterSpec(**({"r": 4} | (adapter or {}))),
        training=TrainingSpec(**training),
    )


def bare(family: str = "llama", **settings: Any) -> PreTrainedModel:
    return empty(random_model(family, **settings).config, "test")


def ever() -> None:
    """Lets counting take as long as it does."""


def counted(config: RunConfig, work: Work = WORK, room: float = ROOM, **settings: Any) -> Footprint:
    return Counted(bare(**(WIDE | settings)), config, work, ever).at(room, ever)


def taken(model: Any, config: RunConfig, tokens: int) -> tuple[int, int]:
    """Returns the bytes that a real pass of one row keeps, and that live at once at most, on the CPU."""
    chosen = choices.choose(model, config, CPU, tokens)
    rows = tokens_of([[at % 300 for at in range(tokens)]], [tokens // 2])
    batch = batches.collate(rows, [batches.Group(np.arange(1))], chosen.batching, 0)
    model.train()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
    grown = [p.grad for p in model.parameters() if p.grad is not None]
    with footprint._Living((*model.parameters(), *model.buffers(), *grown), ever) as living:
        loss = objectives.language_modelling(model, batch, chosen.chunked).sum()
        kept = living.now
        loss.backward()
    return kept, living.most


@pytest.mark.parametrize(("family", "start"), [*((name, "default") for name in FAMILIES), ("llama", "pissa")])
def test_a_pass_on_the_meta_device_takes_what_a_real_one_does(family: str, start: str) -> None:
    own = {} if family in ("gpt2", "opt") else WIDE
    model, config = random_model(family, **own), whole({"init_lora_weights": start})
    kept, most = taken(adapters.attach(copy.deepcopy(model), config.adapter), config, 384)
    found = adapters.attach(empty(model.config, family), config.adapter)
    inner = objectives.bare(found)
    attention.use(inner)
    footprint._stand_in(found, config, footprint._scores(inner, 384, CPU))
    as_counted = footprint._pass(found, 384, 0.5, ever)
    assert as_counted[0] == pytest.approx(kept, rel=0.2)
    assert as_counted[1] == pytest.approx(most, rel=0.25)


@pytest.mark.parametrize("quantization", ["none", "8bit", "nf4"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3"])
def test_a_base_takes_what_it_is_counted_for(family: str, quantization: Any, tmp_path: Path) -> None:
    folder, spec = tiny(family, tmp_path, **({} if family == "gpt2" else WIDE)), ModelSpec(quantization=quantization)
    held = 0
    for parameter in load_base(folder, spec, CPU).parameters():
        state, scales = getattr(parameter, "quant_state", None), getattr(parameter, "SCB", None)
        more = [state.absmax, state.state2.absmax] if state is not None else [scales] if scales is not None else []
        held += sum(tensor.nbytes for tensor in (parameter, *more))
    config = random_model(family, **({} if family == "gpt2" else WIDE)).config
    assert sum(footprint.held_bytes(empty(config, family), spec).values()) == pytest.approx(held, rel=0.02)


def test_parts_follow_the_settings() -> None:
    usual = counted(whole())
    assert usual.total == usual.weights + usual.trained + usual.passes + usual.process
    more = counted(whole({"r": 16}))
    assert more.trained == pytest.approx(4 * usual.trained, rel=1e-4)
    assert more.passes == pytest.approx(usual.passes, rel=0.1)
    lean = counted(whole({"r": 16}, optim="sgd"))
    assert lean.trained == pytest.approx(more.trained / 2, rel=0.01)
    longer = counted(whole(), replace(WORK, longest=2000, step=4000))
    assert longer.passes > 1.9 * usual.passes
    assert (usual.tokens, longer.tokens) == (600, 2000)
    halved = counted(whole({"init_lora_weights": "olora"}))
    numbers = (halved.trained - usual.trained) / 4
    assert usual.trained == pytest.approx(16 * numbers, rel=1e-4), "what it began as is held once"
    assert halved.passes > usual.passes + 4 * numbers
    full = counted(whole({"method": "full"}))
    assert full.weights == 0
    assert full.trained > 4 * counted(whole()).weights / 3


def test_a_quantized_base_has_a_weight_made_whole_again_and_none_laid_out_beforehand() -> None:
    plain, nf4 = counted(whole()), counted(whole(model={"quantization": "nf4"}))
    assert nf4.weights < plain.weights
    assert nf4.process > plain.process
    assert nf4.passes == pytest.approx(plain.passes + 1.05 * 4 * 64 * 256, abs=2)
    assert nf4.packed == 0


def test_little_room_has_activations_computed_again() -> None:
    plain = counted(whole())
    assert plain.activations == "kept"
    # For what is kept of one row, but not of what else a pass could have.
    tight = counted(whole(), room=plain.total - plain.passes / 3)
    assert (tight.activations, tight.tokens) == ("kept", tight.tokens)
    assert tight.passes < plain.passes
    least = counted(whole(), room=plain.total - plain.passes)
    assert least.activations == "recomputed"
    assert least.passes < plain.passes / 2
    assert counted(whole(activation_checkpointing=True)).activations == "recomputed"


@pytest.mark.parametrize("settings", [{"family": "gemma2"}, {"family": "llama", "attention_chunk_size": 8}])
def test_padded_batches_count_whole(settings: dict[str, Any]) -> None:
    found = counted(whole(per_device_train_batch_size=4), **settings)
    assert (found.tokens, found.padded) == (4 * WORK.longest, True)
    few = counted(whole(per_device_train_batch_size=4), replace(WORK, rows=3), **settings)
    assert few.tokens == 3 * WORK.longest


def test_scores_that_are_kept_count() -> None:
    # Gemma 2 caps its scores, which no fused kernel does here.
    fused, dense = counted(whole(), family="gemma3"), counted(whole(), family="gemma2")
    scores = 2 * 4 * dense.tokens * WORK.longest * (4 + 4)
    assert dense.passes > scores
    assert fused.passes < scores


def test_what_cannot_be_counted_is_not_told() -> None:
    quantized = bare()
    quantized.config.quantization_config = {"quant_method": "gptq"}
    with pytest.raises(StudioError, match="is quantized already"):
        Counted(quantized, whole(), WORK, ever)

    def late() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        Counted(bare(), whole(), WORK, late)
    known = Counted(bare(), whole(), WORK, ever)
    assert known.at(ROOM, late).activations == "kept", "what is known takes no time"
    with pytest.raises(TimeoutError):
        known.at(1.0, late)


def test_what_is_counted_once_answers_for_any_room() -> None:
    known = Counted(bare("llama", **WIDE), whole(), WORK, ever)
    plain = known.at(ROOM, ever)
    again = known.at(plain.total - plain.passes, ever)
    assert (plain.activations, again.activations) == ("kept", "recomputed")
    assert known.at(ROOM, ever) == plain
    assert again == counted(whole(), room=plain.total - plain.passes)


def test_counting_draws_nothing_and_leaves_other_models_alone() -> None:
    state = torch.get_rng_state()
    counted(whole({"use_dora": True}))
    assert torch.equal(torch.get_rng_state(), state)
    model = random_model("llama")
    ids = torch.arange(12)[None]
    before = model(input_ids=ids).logits
    counted(whole())
    assert torch.equal(model(input_ids=ids).logits, before)
