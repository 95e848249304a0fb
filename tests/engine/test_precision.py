"""What is trained beside LoRA of a base in half precision, on a processor: it computes what float32 does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel

from studio.core.config import AdapterSpec, ModelSpec
from studio.core.errors import StudioError
from studio.core.units import size
from studio.engine.adapters import attach, load_adapter, require_exact_biases, save_adapter
from studio.engine.model import load_base
from studio.engine.precision import train_in_float32
from tests.engine.test_families import IDS, logits
from tests.models import random_model, tiny
from tests.training import config, trained

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CPU = torch.device("cpu")
HALVES = (torch.float16, torch.bfloat16)
# Norms, embeddings, heads and linear layers, by the names that families have for them.
NAMES = {
    "llama": ("norm", "embed_tokens", "lm_head", "q_proj"),
    "gpt2": ("ln_f", "wpe", "ln_1", "c_fc"),
    "opt": ("final_layer_norm", "embed_tokens", "lm_head", "fc1"),
    "gpt_neox": ("final_layer_norm", "embed_in", "lm_head", "dense_h_to_4h"),
}
CASES: list[tuple[str, dict[str, Any]]] = [
    (family, {"modules_to_save": [name]}) for family, names in NAMES.items() for name in names
]
CASES += [(family, {"bias": bias}) for family in ("gpt2", "opt", "gpt_neox", "qwen2") for bias in ("all", "lora_only")]
CASES += [("gpt2", {"bias": "all", "use_dora": True}), ("gemma3", {"modules_to_save": ["embed_tokens"]})]


def made(family: str, held: torch.dtype, rounded: torch.dtype, settings: dict[str, Any]) -> PeftModel:
    """Returns a model of weights `rounded` to a format and then `held` in one, with an adapter."""
    tied = {} if family in ("gemma3", "gpt2") else {"tie_word_embeddings": False}
    base = random_model(family, **tied).to(rounded).to(held)
    torch.manual_seed(0)
    model = attach(base, AdapterSpec(r=4, **settings))
    assert isinstance(model, PeftModel)
    return model.eval()


@contextmanager
def as_trained(dtype: torch.dtype) -> Iterator[None]:
    """Computes as the loop does: on a processor there is no autocast to float16."""
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        yield


def gradients(model: PeftModel, dtype: torch.dtype) -> tuple[float, torch.Tensor]:
    with as_trained(dtype):
        loss = model(input_ids=IDS, labels=IDS, use_cache=False).loss
    loss.backward()
    found = [p.grad.flatten() for n, p in model.named_parameters() if p.grad is not None and "lora_" not in n]
    return loss.item(), torch.cat(found)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize(("family", "settings"), CASES, ids=str)
def test_loss_and_gradients_are_those_of_float32(family: str, settings: dict[str, Any], dtype: torch.dtype) -> None:
    model = made(family, dtype, dtype, settings)
    loss, found = gradients(model, dtype)
    exact, expected = gradients(made(family, torch.float32, dtype, settings), torch.float32)
    assert loss == pytest.approx(exact, rel=2e-2)
    assert found.dtype == torch.float32
    assert torch.cosine_similarity(found, expected, dim=0) > 0.99
    assert all(p.dtype == torch.float32 for p in model.parameters() if p.requires_grad)


def test_what_was_trained_answers_again(tmp_path: Path) -> None:
    folder, spec = tiny("llama", tmp_path / "llama"), ModelSpec(dtype="float16")
    model = attach(load_base(folder, spec, CPU), AdapterSpec(r=4, modules_to_save=["norm", "lm_head"]))
    assert isinstance(model, PeftModel)
    model(input_ids=IDS, labels=IDS, use_cache=False).loss.backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0).step()
    save_adapter(model, tmp_path / "adapter", "someone/llama")
    answered = logits(load_adapter(load_base(folder, spec, CPU), tmp_path / "adapter"))
    torch.testing.assert_close(answered, logits(model), atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize(("dtype", "bias"), [("bfloat16", "all"), ("bfloat16", "none"), ("float32", "all")])
def test_a_run_tells_how_much_of_its_base_is_held_in_float32(tmp_path: Path, dtype: str, bias: str) -> None:
    asked = config(tmp_path, family="gpt2", rows=4, model={"dtype": dtype}, adapter={"bias": bias}, max_steps=1)
    told = [item.message for item in trained(asked, tmp_path / "run").progress().notices]
    layers = [item for item in random_model("gpt2").modules() if getattr(item, "bias", None) is not None]
    held = sum(item.weight.numel() * 4 for item in layers)
    said = f"held in float32: {size(held)}"
    assert any(said in message for message in told) == ((dtype, bias) == ("bfloat16", "all")), (said, told)


def test_a_base_in_float32_computes_as_it_is() -> None:
    model = made("gpt2", torch.float32, torch.float32, {"bias": "all"})
    assert not any(module._forward_hooks for module in model.modules())


def test_what_shares_a_weight_computes_as_it_does() -> None:
    embedding, head = torch.nn.Embedding(8, 4).half(), torch.nn.Linear(4, 8).half()
    head.weight = embedding.weight
    model = torch.nn.Sequential(embedding, torch.nn.Linear(4, 4).half(), head).requires_grad_(False)
    head.bias.requires_grad_(True)
    expected = model(torch.arange(8))
    train_in_float32(model)
    assert (head.bias.dtype, head.weight.dtype, model[1].weight.dtype) == (torch.float32, torch.float32, torch.float16)
    found = model(torch.arange(8))
    assert found.dtype == torch.float16
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("dtype", "quantization"), [("float32", "nf4"), ("float16", "8bit"), ("bfloat16", "nf4")])
def test_biases_that_would_be_rounded_at_every_pass_are_refused(tmp_path: Path, dtype: Any, quantization: Any) -> None:
    folder = tiny("gpt2", tmp_path)
    spec = ModelSpec(path=str(folder), quantization=quantization, dtype=dtype)
    model = attach(load_base(folder, spec, CPU), AdapterSpec(bias="all"))
    if (dtype, quantization) == ("bfloat16", "nf4"):
        with pytest.raises(StudioError, match="rounds away what is learned"):
            require_exact_biases(model)
        return
    require_exact_biases(model)
    model.train()(input_ids=IDS, labels=IDS, use_cache=False)
    assert {item.dtype for item in model.parameters() if item.requires_grad} == {torch.float32}
