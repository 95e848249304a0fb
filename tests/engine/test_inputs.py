"""EVA: what A begins with is what PEFT finds in the same passes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from peft.tuners.lora import LoraLayer
from peft.tuners.lora.config import EvaConfig
from peft.tuners.lora.eva import get_eva_state_dict

from studio.core import events
from studio.core.errors import StudioError
from studio.engine import inputs, start, step
from studio.engine.session import Session
from tests.engine.test_start import begun, spec, take

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def layers(current: Session) -> dict[str, Any]:
    return {name: one for name, one in current.bare.named_modules() if isinstance(one, LoraLayer)}


def found_by_peft(current: Session) -> dict[str, torch.Tensor]:
    """Returns what PEFT finds in the passes of the first epoch, over and over until nothing turns."""
    train = current.corpus.train
    passes = [
        step.collated(current, train, groups)
        for micro_batches in step.plan(current, 0)
        for groups in current.choices.passes(train, micro_batches)
    ]
    found: dict[str, torch.Tensor] = get_eva_state_dict(
        current.bare,
        passes,
        LoraConfig(r=current.config.adapter.r, init_lora_weights="eva", eva_config=EvaConfig(rho=1.0)),
        forward_fn=lambda _, batch: step.sequence_losses(current, current.bare, batch),
        prepare_model_inputs_fn=lambda *_: None,
        prepare_layer_inputs_fn=None,
        show_progress_bar=False,
    )
    return found


@pytest.mark.parametrize("settings", [{}, {"family": "gpt2"}, {"model": {"quantization": "nf4"}}])
def test_directions_are_pefts(settings: dict[str, Any], tmp_path: Path) -> None:
    current = begun(spec(tmp_path, "eva", rows=400, seed=42, **settings), tmp_path / "run")
    theirs = found_by_peft(current)
    ours = layers(current)
    assert theirs.keys() == ours.keys()
    for name, layer in ours.items():
        torch.testing.assert_close(layer.lora_A["default"].weight.detach(), theirs[name].float(), atol=1e-4, rtol=1e-3)
        assert not layer.lora_B["default"].weight.any()


def test_layers_that_are_fed_the_same_begin_alike_at_any_rank(tmp_path: Path) -> None:
    made = spec(tmp_path, "eva", {"rank_pattern": {"v_proj": 2, "k_proj": 12}}, data={"max_length": 64})
    current = begun(made, tmp_path / "run")
    attention = current.bare.base_model.model.model.layers[0].self_attn
    q, k, v = (getattr(attention, f"{name}_proj").lora_A["default"].weight.detach() for name in "qkv")
    assert (q.shape, k.shape, v.shape) == ((4, 32), (12, 32), (2, 32))
    torch.testing.assert_close(q @ q.t(), torch.eye(4))
    # The strongest two directions are among the others' too.
    for other in (q, k):
        torch.testing.assert_close((v @ other.t()).norm(dim=1), torch.ones(2), atol=0.02, rtol=0)
    assert take(current, 8)[-1] < 5.8


def test_padding_is_not_looked_at(tmp_path: Path) -> None:
    made = spec(tmp_path, "eva", rows=60, per_device_train_batch_size=60, micro_batch_tokens=10**6)
    current = begun(made, tmp_path / "run")
    flat = {name: one.lora_A["default"].weight.detach().clone() for name, one in layers(current).items()}
    current.choices = replace(current.choices, batching="padded")
    start.begin(current, lambda: False)
    for name, layer in layers(current).items():
        alike = (flat[name] @ layer.lora_A["default"].weight.t()).diagonal().abs()
        torch.testing.assert_close(alike, torch.ones(4), atol=1e-3, rtol=0)


def test_it_is_not_looked_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_MOST", 1)
    current, told = begun(spec(tmp_path, "eva", rows=400), tmp_path / "run"), list[events.Event]()
    current.emit = told.append
    start.begin(current, lambda: False)
    assert [(event.done, event.total) for event in told if isinstance(event, events.Phase)][-1] == (0, 8)
    a = next(iter(layers(current).values())).lora_A["default"].weight.detach()
    torch.testing.assert_close(a @ a.t(), torch.eye(4))


def test_too_few_tokens_are_told(tmp_path: Path) -> None:
    (rows := tmp_path / "few.jsonl").write_text('{"text": "short"}\n')
    made = spec(tmp_path, "eva", {"r": 16}, objective="pretraining")
    with pytest.raises(StudioError, match="too few tokens"):
        begun(replace(made, data=replace(made.data, path=str(rows))), tmp_path / "run")
