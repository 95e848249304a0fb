"""Every supported family: train an adapter, save it, load it here and with plain PEFT, and merge it."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import FalconConfig, FalconForCausalLM, PreTrainedModel

from studio.core.config import AdapterSpec, ModelSpec
from studio.core.errors import StudioError
from studio.engine.adapters import attach, load_adapter, save_adapter
from studio.engine.model import load_base, skeleton
from studio.engine.targets import tree
from tests.engine.test_attention import MIXED
from tests.models import FAMILIES, random_model, tiny

# Plain PEFT asks the model about checkpointing by the name that transformers 5 is phasing out.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning"),
    pytest.mark.filterwarnings("ignore:The following (rank|alpha)_pattern keys:RuntimeWarning"),
]

CPU = torch.device("cpu")
IDS = torch.randint(3, 300, (3, 20), generator=torch.Generator().manual_seed(5))


def base(folder: Path) -> PreTrainedModel:
    return load_base(folder, ModelSpec(), CPU)


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found = model.eval()(input_ids=IDS).logits
    assert isinstance(found, torch.Tensor)
    return found


def train(model: torch.nn.Module, steps: int = 4) -> list[float]:
    """Makes an adapter that does something; returns its losses."""
    optimizer = torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=2e-2)
    losses = []
    model.train()
    for _ in range(steps):
        loss = model(input_ids=IDS, labels=IDS, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(request.param, tmp_path_factory.mktemp(request.param))


def test_train_save_reload_gives_the_same_logits(folder: Path, tmp_path: Path) -> None:
    before = logits(base(folder))
    model = attach(base(folder), AdapterSpec(r=4, lora_dropout=0.1))
    assert isinstance(model, PeftModel)
    assert torch.equal(logits(model), before), "a new adapter changes nothing"
    losses = train(model)
    assert losses[-1] < losses[0]
    after = logits(model)
    assert (after - before).abs().max() > 0.1
    save_adapter(model, tmp_path / "adapter", "someone/base")
    assert torch.equal(logits(load_adapter(base(folder), tmp_path / "adapter")), after)
    plain = PeftModel.from_pretrained(base(folder), tmp_path / "adapter")
    assert torch.equal(logits(plain), after)
    torch.testing.assert_close(logits(model.merge_and_unload()), after, atol=1e-5, rtol=0)


def test_plain_pefts_adapter_loads(folder: Path, tmp_path: Path) -> None:
    plain = get_peft_model(
        base(folder), LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear")
    )
    train(plain)
    plain.save_pretrained(tmp_path)
    assert torch.equal(logits(load_adapter(base(folder), tmp_path)), logits(plain))


@pytest.mark.parametrize("quantization", ["8bit", "nf4"])
def test_quantized_bases_train_and_reload(folder: Path, tmp_path: Path, quantization: str) -> None:
    spec = ModelSpec(quantization=quantization)  # type: ignore[arg-type]
    model = attach(load_base(folder, spec, CPU), AdapterSpec(r=4))
    assert isinstance(model, PeftModel)
    losses = train(model)
    assert losses[-1] < losses[0]
    save_adapter(model, tmp_path, "someone/base")
    assert torch.equal(logits(load_adapter(load_base(folder, spec, CPU), tmp_path)), logits(model))


def test_the_structure_counts_every_parameter_once(folder: Path) -> None:
    about = tree(skeleton(folder)).to_dict()
    assert about["parameters"] == base(folder).num_parameters()
    assert about["layers"] == 2
    stored = load_file(folder / "model.safetensors")
    shapes = {module["name"]: module["shape"] for module in about["modules"]}
    assert all(tuple(value.shape) == shapes[key.removesuffix(".weight")] for key, value in stored.items()
               if key.removesuffix(".weight") in shapes)  # fmt: skip


@pytest.mark.parametrize(("family", "settings"), [("phimoe", {}), ("llama4_text", {"intermediate_size_mlp": 64})])
def test_routers_are_no_linear_layers(family: str, settings: dict[str, int]) -> None:
    model = attach(random_model(family, **MIXED, **settings), AdapterSpec(r=4))
    adapted = {name.rpartition(".")[2] for name, module in model.named_modules() if hasattr(module, "lora_A")}
    assert adapted == {"q_proj", "k_proj", "v_proj", "o_proj"}
    losses = train(model)
    assert losses[-1] < losses[0]
    with pytest.raises(StudioError, match=r"LoRA cannot go on .*router"):
        attach(random_model(family, **MIXED, **settings), AdapterSpec(r=4, target_modules=["router"]))


def test_falcons_own_linear_layers_are_linear() -> None:
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 304}
    kinds = {module.name: module.kind for module in tree(FalconForCausalLM(FalconConfig(**shape))).modules}
    assert kinds["transformer.h.0.self_attention.query_key_value"] == "linear"
