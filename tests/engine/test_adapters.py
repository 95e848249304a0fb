"""Putting adapters on models: what is trained, what is refused, and what is saved."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import Gemma3Config, LlamaConfig, MixtralConfig, PreTrainedModel, Qwen3MoeConfig

from studio.core.config import AdapterSpec, ModelSpec
from studio.core.errors import StudioError
from studio.engine import memory
from studio.engine.adapters import attach, count, load_adapter, save_adapter
from studio.engine.model import empty, load_base, skeleton
from tests.engine.test_families import base, logits, train
from tests.models import tiny

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CPU = torch.device("cpu")
SEVEN_BILLION = {"hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("gemma3", tmp_path_factory.mktemp("gemma3"))


@pytest.fixture
def adapter(llama: Path, tmp_path: Path) -> Path:
    """A trained adapter for `llama`."""
    model = adapted(base(llama), r=4)
    train(model)
    save_adapter(model, tmp_path / "adapter", "someone/llama")
    return tmp_path / "adapter"


def adapted(model: PreTrainedModel, **settings: Any) -> PeftModel:
    torch.manual_seed(0)  # rounding is that of the same weights each time
    found = attach(model, AdapterSpec(**settings))
    assert isinstance(found, PeftModel)
    return found


def targeted(model: PeftModel) -> set[str]:
    return {name.partition(".lora_A")[0] for name, _ in model.base_model.model.named_modules() if "lora_A." in name}


def failure(action: Callable[[], Any]) -> StudioError:
    with pytest.raises(StudioError) as caught:
        action()
    return caught.value


# What is trained


def test_rank_16_on_4096_by_4096_is_131072_parameters() -> None:
    model = empty(LlamaConfig(num_hidden_layers=1, **SEVEN_BILLION), "7B")
    assert count(adapted(model, r=16, target_modules=["q_proj"]))[0] == 131_072


def test_rank_8_on_q_and_v_of_a_7b_llama_is_4194304_parameters() -> None:
    model = empty(LlamaConfig(vocab_size=32000, num_hidden_layers=32, **SEVEN_BILLION), "7B")
    assert count(model) == (6_738_415_616, 6_738_415_616)
    trainable, total = count(adapted(model, r=8, target_modules=["q_proj", "v_proj"]))
    assert (trainable, total) == (4_194_304, 6_738_415_616 + 4_194_304)


def test_packed_weights_count_in_full(llama: Path) -> None:
    whole = count(base(llama))[1]
    for quantization in ("8bit", "nf4"):
        assert count(load_base(llama, ModelSpec(quantization=quantization), CPU))[1] == whole


def test_all_linear_leaves_the_output_head_alone(llama: Path) -> None:
    model = adapted(skeleton(llama))
    assert len(targeted(model)) == 14
    assert model.peft_config["default"].target_modules == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}  # fmt: skip


def test_all_linear_leaves_a_seeing_models_eyes_alone() -> None:
    text = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 8}
    eyes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Gemma3Config(text_config=text, vision_config=eyes | {"image_size": 28, "patch_size": 14})
    found = targeted(adapted(empty(config, "gemma3")))
    assert len(found) == 7
    assert all(name.startswith("model.language_model.") for name in found)


def test_fused_experts_stay_as_they_are() -> None:
    config = MixtralConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_local_experts=4)
    assert all("self_attn" in name for name in targeted(adapted(empty(config, "mixtral"))))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"target_modules": ["q_proj"]}, {"0.self_attn.q_proj", "1.self_attn.q_proj"}),
        ({"target_modules": ["0.self_attn.q_proj"]}, {"0.self_attn.q_proj"}),
        ({"target_modules": r".*\.1\..*(q|v)_proj"}, {"1.self_attn.q_proj", "1.self_attn.v_proj"}),
        ({"target_modules": ["q_proj"], "layers_to_transform": "1"}, {"1.self_attn.q_proj"}),
        ({"target_modules": r".*q_proj", "layers_to_transform": [0]}, {"0.self_attn.q_proj"}),
        ({"target_modules": ["q_proj", "v_proj"], "exclude_modules": ["v_proj"], "layers_to_transform": "0-1"},
         {"0.self_attn.q_proj", "1.self_attn.q_proj"}),
        ({"target_modules": r".*_proj", "exclude_modules": r".*\.1\..*|.*mlp.*|.*[kvo]_proj"}, {"0.self_attn.q_proj"}),
    ],
)  # fmt: skip
def test_modules_are_chosen_by_name_expression_and_layer(
    llama: Path, settings: dict[str, Any], expected: set[str]
) -> None:
    found = targeted(adapted(skeleton(llama), **settings))
    assert found == {f"model.layers.{name}" for name in expected}


def test_what_is_trained_whole_in_some_layers_is_a_target_in_others(llama: Path) -> None:
    settings = {"modules_to_save": ["layers.0.mlp", "lm_head"], "exclude_modules": ["lm_head"]}
    assert targeted(adapted(skeleton(llama), target_modules=["up_proj"], **settings)) == {"model.layers.1.mlp.up_proj"}


def test_layers_of_gpt2_are_found_under_their_own_name(tmp_path: Path) -> None:
    found = targeted(adapted(skeleton(tiny("gpt2", tmp_path)), layers_to_transform="1"))
    assert len(found) == 4
    assert all(name.startswith("transformer.h.1.") for name in found)


def test_pefts_config_says_the_choice_in_last_names_and_layers(llama: Path) -> None:
    config = adapted(skeleton(llama), layers_to_transform="1").peft_config["default"]
    assert config.layers_to_transform == [1]
    assert "q_proj" in config.target_modules


def test_ranks_and_alphas_follow_their_patterns(llama: Path) -> None:
    model = adapted(
        skeleton(llama),
        r=4,
        lora_alpha=8,
        target_modules=["q_proj", "v_proj"],
        rank_pattern={"v_proj": 2, r".*\.1\.self_attn\.q_proj": 6},
        alpha_pattern={"v_proj": 16},
    )
    layers = model.base_model.model.model.layers
    found = [(layers[i].self_attn.get_submodule(name).r["default"],
              layers[i].self_attn.get_submodule(name).scaling["default"])
             for i in (0, 1) for name in ("q_proj", "v_proj")]  # fmt: skip
    assert found == [(4, 2.0), (2, 8.0), (6, 8 / 6), (2, 8.0)]


def test_rslora_scales_by_the_root_of_the_rank(llama: Path) -> None:
    model = adapted(skeleton(llama), r=16, lora_alpha=8, use_rslora=True)
    assert model.base_model.model.model.layers[0].self_attn.q_proj.scaling["default"] == 2.0


@pytest.mark.parametrize(
    "settings",
    [
        {"use_dora": True},
        {"use_rslora": True, "lora_alpha": 3.5},
        {"init_lora_weights": "gaussian"},
        {"init_lora_weights": "orthogonal"},
        {"init_lora_weights": "pissa", "use_rslora": True, "rank_pattern": {"q_proj": 2}},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["norm"]},
        {"modules_to_save": ["embed_tokens"], "target_modules": ["q_proj"]},
        {"target_modules": ["embed_tokens", "lm_head", "q_proj"]},
        {"target_modules": r".*", "layers_to_transform": "0"},
        {"rank_pattern": {r".*\.0\..*": 2}, "alpha_pattern": {"q_proj": 1.5}},
    ],
)
def test_every_setting_survives_saving_and_merging(llama: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    model = adapted(base(llama), r=4, **settings)
    planned = attach(skeleton(llama), AdapterSpec(r=4, **settings))
    assert count(model) == count(planned), "a plan without weights counts the same"
    train(model)
    after = logits(model)
    save_adapter(model, tmp_path, "someone/llama")
    assert torch.equal(logits(load_adapter(base(llama), tmp_path)), after)
    assert torch.equal(logits(PeftModel.from_pretrained(base(llama), tmp_path)), after)
    torch.testing.assert_close(logits(model.merge_and_unload()), after, atol=1e-5, rtol=0)


@pytest.mark.parametrize("bias", ["all", "lora_only"])
def test_biases_are_trained_and_saved(tmp_path: Path, bias: str) -> None:
    folder = tiny("gpt2", tmp_path / "gpt2")
    model = adapted(base(folder), r=4, bias=bias)
    train(model)
    save_adapter(model, tmp_path / "adapter", "someone/gpt2")
    assert torch.equal(logits(load_adapter(base(folder), tmp_path / "adapter")), logits(model))


@pytest.mark.parametrize("end", ["embed_tokens", "lm_head"])
def test_a_shared_embedding_stays_shared(gemma: Path, tmp_path: Path, end: str) -> None:
    model = adapted(base(gemma), r=4, modules_to_save=[end])
    train(model)
    after = logits(model)
    save_adapter(model, tmp_path, "someone/gemma")
    assert torch.equal(logits(load_adapter(base(gemma), tmp_path)), after)
    merged = model.merge_and_unload()
    assert merged.get_input_embeddings().weight is merged.get_output_embeddings().weight
    torch.testing.assert_close(logits(merged), after, atol=1e-5, rtol=0)


def test_what_is_trained_is_float32_whatever_the_base_is(llama: Path) -> None:
    model = load_base(llama, ModelSpec(dtype="bfloat16"), CPU)
    trained = adapted(model, r=4, modules_to_save=["lm_head"])
    dtypes = {(value.requires_grad, value.dtype) for value in trained.parameters()}
    assert dtypes == {(True, torch.float32), (False, torch.bfloat16)}


def test_full_trains_every_weight_in_float32(llama: Path) -> None:
    model = attach(load_base(llama, ModelSpec(dtype="bfloat16"), CPU), AdapterSpec(method="full"))
    assert not isinstance(model, PeftModel)
    assert all(value.requires_grad and value.dtype == torch.float32 for value in model.parameters())
    losses = train(model)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_checkpointed_activations_give_the_same_gradients(llama: Path, method: str) -> None:
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(3)
        spec = AdapterSpec(r=4, method=method, lora_dropout=0.2)  # type: ignore[arg-type]
        frozen = base(llama)
        if checkpointing:
            memory.recompute(frozen)
        model = attach(frozen, spec)
        torch.manual_seed(4)
        train(model, 2)
        gradients.append([value.detach().clone() for value in model.parameters() if value.requires_grad])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_dora_on_8_bits_answers_again_as_it_was_trained(llama: Path, tmp_path: Path) -> None:
    held = ModelSpec(quantization="8bit")
    model = adapted(load_base(llama, held, CPU), r=4, use_dora=True)
    torch.testing.assert_close(logits(model), logits(load_base(llama, held, CPU)), atol=1e-4, rtol=1e-4)
    losses = train(model)
    assert losses[-1] < losses[0]
    after = logits(model)
    assert torch.equal(logits(model), after)
    save_adapter(model, tmp_path, "someone/llama")
    again = load_adapter(load_base(llama, held, CPU), tmp_path)
    assert torch.equal(logits(again), after)
    assert torch.equal(logits(load_adapter(again, tmp_path, "second")), after)


@pytest.mark.parametrize("quantization", ["8bit", "nf4"])
def test_an_orthogonal_start_on_a_quantized_base_changes_nothing_yet(llama: Path, quantization: Any) -> None:
    held = ModelSpec(quantization=quantization)
    model = adapted(load_base(llama, held, CPU), r=6, init_lora_weights="orthogonal")
    torch.testing.assert_close(logits(model), logits(load_base(llama, held, CPU)), atol=1e-4, rtol=1e-4)
    layer = model.get_submodule("base_model.model.model.layers.0.self_attn.q_proj")
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    torch.manual_seed(0)
    plain = adapted(base(llama), r=6, init_lora_weights="orthogonal")
    theirs = plain.get_submodule("base_model.model.model.layers.0.self_attn.q_proj")
    for ours, one in ((a, theirs.lora_A["default"].weight), (b, theirs.lora_B["default"].weight)):
        assert torch.linalg.matrix_rank(ours) == torch.linalg.matrix_rank(one) == 3
        assert ours.std().item() == pytest.approx(one.std().item(), rel=0.3)
    losses = train(model)
    assert losses[-1] < losses[0]


# What is refused


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target_modules": ["q_prj"]}, "Did you mean `q_proj`"),
        ({"target_modules": ["q_proj", "c_attn"]}, "c_attn"),
        ({"target_modules": "q_proj"}, "[q_proj]"),
        ({"target_modules": ["self_attn"]}, "LlamaAttention"),
        ({"target_modules": ["norm"]}, "LlamaRMSNorm"),
        ({"target_modules": []}, "No module is left"),
        ({"target_modules": "("}, "not a regular expression"),
        ({"target_modules": "a" * 1001}, "1001 characters"),
        ({"exclude_modules": "nothing"}, "exclude_modules"),
        ({"exclude_modules": ".*"}, "No module is left"),
        ({"layers_to_transform": "0-7"}, "Layers go from 0 to 1"),
        ({"layers_to_transform": "first"}, "0-3,8"),
        ({"target_modules": ["lm_head"], "layers_to_transform": [0]}, "in no layer"),
        ({"rank_pattern": {"wte": 4}}, "rank_pattern"),
        ({"alpha_pattern": {"(": 4}}, "alpha_pattern"),
        ({"modules_to_save": ["head"]}, "lm_head"),
        ({"init_lora_weights": "orthogonal", "r": 3}, "even"),
        (
            {"modules_to_save": ["lm_head"], "target_modules": ["q_proj", "lm_head"]},
            "`lm_head` is trained whole already",
        ),
        ({"modules_to_save": ["mlp"], "target_modules": ["up_proj"]}, "`up_proj` is trained whole already"),
        ({"modules_to_save": ["norm"], "target_modules": r"model\.norm"}, "is trained whole already"),
    ],
)
def test_what_fits_nothing_is_said(llama: Path, settings: dict[str, Any], said: str) -> None:
    error = failure(lambda: attach(skeleton(llama), AdapterSpec(**settings)))
    assert error.reason in ("adapter", "config")
    assert said in str(error)


def test_an_expression_that_never_ends_is_ended(llama: Path) -> None:
    start = time.process_time()
    error = failure(lambda: attach(skeleton(llama), AdapterSpec(target_modules=r"(\w|[a-z]|.)*(?<!.)")))
    assert "takes too long" in error.message
    assert time.process_time() - start < 10


def test_an_adapter_on_one_end_of_a_shared_embedding_is_refused(gemma: Path) -> None:
    for name in ("embed_tokens", "lm_head"):
        error = failure(lambda name=name: attach(skeleton(gemma), AdapterSpec(target_modules=[name, "q_proj"])))  # type: ignore[misc]
        assert "shares its weight" in error.message


def test_gpt2s_shared_embedding_cannot_be_trained_whole(tmp_path: Path) -> None:
    error = failure(lambda: attach(skeleton(tiny("gpt2", tmp_path)), AdapterSpec(modules_to_save=["wte"])))
    assert "shares its weight" in error.message


def test_names_that_peft_takes_for_the_experts_are_refused(tmp_path: Path) -> None:
    folder = tiny("mixtral", tmp_path)
    assert "experts" in failure(lambda: attach(skeleton(folder), AdapterSpec(target_modules=["experts"]))).message
    config = Qwen3MoeConfig(
        hidden_size=32, intermediate_size=32, moe_intermediate_size=16, mlp_only_layers=[0], num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, num_experts=4, vocab_size=304)  # fmt: skip
    error = failure(lambda: attach(empty(config, "qwen3_moe"), AdapterSpec(target_modules=["q_proj", "down_proj"])))
    assert "experts" in error.message
    found = {name.rpartition(".")[2] for name in targeted(adapted(empty(config, "qwen3_moe")))}
    assert found == {"q_proj", "k_proj", "v_proj", "o_proj"}


@pytest.mark.parametrize("settings", [{"method": "full"}, {"modules_to_save": ["q_proj"]}])
def test_quantized_weights_are_not_trained_themselves(llama: Path, settings: dict[str, Any]) -> None:
    model = load_base(llama, ModelSpec(quantization="nf4"), CPU)
    assert failure(lambda: attach(model, AdapterSpec(**settings))).reason == "adapter"


# Saving


def test_a_saved_adapter_says_nothing_of_this_machine(adapter: Path) -> None:
    assert sorted(file.name for file in adapter.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    text = (adapter / "adapter_config.json").read_text()
    assert json.loads(text)["base_model_name_or_path"] == "someone/llama"
    assert str(adapter.parent) not in text
    assert "/tmp" not in text


def test_saving_twice_gives_the_same_bytes(adapter: Path, llama: Path, tmp_path: Path) -> None:
    save_adapter(load_adapter(base(llama), adapter), tmp_path / "again", "someone/llama")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (adapter / name).read_bytes()


def test_saving_where_nothing_can_be_written_is_said(llama: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    model = adapted(base(llama), r=2)
    assert failure(lambda: save_adapter(model, tmp_path / "file" / "adapter", "x")).reason == "disk"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory"),
                                   torch.OutOfMemoryError("CUDA out of memory")])  # fmt: skip
def test_running_out_of_memory_is_told_as_such(
    llama: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def put(*_: object, **__: object) -> None:
        raise error

    for name in ("set_peft_model_state_dict", "get_peft_model"):
        monkeypatch.setattr(f"studio.engine.adapters.{name}", put)
        with pytest.raises(StudioError, match="Memory ran out"):
            load_adapter(base(llama), adapter)
    with pytest.raises(StudioError, match="Memory ran out"):
        attach(base(llama), AdapterSpec())
