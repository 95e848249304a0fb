"""Adapters from elsewhere: which load, and which are refused, with the base unharmed."""

import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from studio.core.errors import StudioError
from studio.engine.adapters import count, load_adapter, save_adapter
from studio.engine.vetting import check_adapter, read_tensors
from tests.engine.test_adapters import adapted, adapter, failure, llama
from tests.engine.test_families import base, logits, train
from tests.models import tiny

__all__ = ["adapter", "llama"]

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def change(folder: Path, **settings: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": r".*self_attn\.(q|v)_proj"},
        {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
        {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {r"model\.layers\.\d+\.self_attn\.v_proj": 2}},
        {"target_modules": ["q_proj"], "use_dora": True, "use_rslora": True},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
        {"target_modules": "all-linear", "exclude_modules": r".*mlp.*"},
        {"target_modules": ["q_proj"], "task_type": None},
    ],
)
def test_plain_pefts_adapters_load(llama: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    plain = get_peft_model(base(llama), LoraConfig(**{"task_type": "CAUSAL_LM", "r": 4, **settings}))
    train(plain)
    plain.save_pretrained(tmp_path)
    assert torch.equal(logits(load_adapter(base(llama), tmp_path)), logits(plain))


@pytest.mark.filterwarnings("ignore:Adapter 'default'")
def test_plain_pefts_adapter_with_biases_of_its_own_loads(tmp_path: Path) -> None:
    folder = tiny("qwen2", tmp_path / "qwen2")
    plain = get_peft_model(base(folder), LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], lora_bias=True))
    train(plain)
    plain.save_pretrained(tmp_path / "adapter")
    assert torch.equal(logits(load_adapter(base(folder), tmp_path / "adapter")), logits(plain))


def test_several_adapters_live_on_one_base(llama: Path, adapter: Path, tmp_path: Path) -> None:
    other = adapted(base(llama), r=2, target_modules=["v_proj"])
    train(other)
    save_adapter(other, tmp_path / "other", "someone/llama")
    bare = logits(base(llama))
    first = logits(load_adapter(base(llama), adapter))
    model = load_adapter(load_adapter(base(llama), adapter, "first"), tmp_path / "other", "second")
    assert torch.equal(logits(model), logits(other)), "the adapter loaded last is the active one"
    model.set_adapter("first")
    assert torch.equal(logits(model), first)
    with model.disable_adapter():
        assert torch.equal(logits(model), bare)


def test_a_loaded_adapter_is_frozen(llama: Path, adapter: Path) -> None:
    model = load_adapter(base(llama), adapter)
    assert count(model)[0] == 0
    assert not model.training


def test_an_adapter_for_another_base_is_refused_and_the_base_unharmed(adapter: Path, tmp_path: Path) -> None:
    others = {
        "wider": tiny("llama", tmp_path / "wider", hidden_size=64),
        "deeper": tiny("llama", tmp_path / "deeper", num_hidden_layers=3),
        "shallower": tiny("llama", tmp_path / "shallower", num_hidden_layers=1),
        "of another family": tiny("gpt2", tmp_path / "gpt2"),
    }
    for kind, folder in others.items():
        model = base(folder)
        names, before = [name for name, _ in model.named_modules()], logits(model)
        error = failure(lambda model=model: load_adapter(model, adapter))  # type: ignore[misc]
        assert error.reason == "adapter", kind
        assert "another base" in error.message, kind
        assert [name for name, _ in model.named_modules()] == names, kind
        assert torch.equal(logits(model), before), kind


@pytest.mark.parametrize("broken", ["missing", "unknown", "nan", "shape"])
def test_tensors_that_do_not_fit_are_refused(llama: Path, adapter: Path, broken: str) -> None:
    tensors = load_file(adapter / "adapter_model.safetensors")
    key = next(iter(tensors))
    value = tensors.pop(key)
    changed = {
        "missing": {},
        "unknown": {key: value, key.replace("layers.0", "layers.9"): value.clone()},
        "nan": {key: torch.full_like(value, float("nan"))},
        "shape": {key: value[:, :-1].contiguous()},
    }
    save_file(tensors | changed[broken], adapter / "adapter_model.safetensors")
    assert failure(lambda: load_adapter(base(llama), adapter)).reason == "adapter"


@pytest.mark.parametrize(
    "settings",
    [
        {"r": 0},
        {"r": 10**9},
        {"r": "8"},
        {"r": 8.0},
        {"lora_alpha": "x"},
        {"lora_alpha": float("inf")},
        {"lora_dropout": 1.0},
        {"peft_type": "IA3"},
        {"peft_type": None},
        {"task_type": "SEQ_CLS"},
        {"megatron_config": {"a": 1}},
        {"layer_replication": [[0, 2]]},
        {"alora_invocation_tokens": [1]},
        {"trainable_token_indices": [1]},
        {"some_new_thing": {"path": "/etc"}},
        {"modules_to_save": ["(a+)+$"]},
        {"layers_pattern": "(a+)+$"},
        {"layers_to_transform": [-1]},
        {"target_modules": 3},
        {"target_modules": ["a b"]},
        {"rank_pattern": {"q_proj": 10**9}},
        {"rank_pattern": []},
        {"bias": "some"},
        {"use_dora": "yes"},
    ],
)
def test_configs_that_ask_for_too_much_are_refused(adapter: Path, settings: dict[str, Any]) -> None:
    change(adapter, **settings)
    assert failure(lambda: check_adapter(adapter)).reason == "adapter"


def test_a_strangers_expression_that_never_ends_is_ended(llama: Path, adapter: Path) -> None:
    change(adapter, target_modules=r"(\w|[a-z]|.)*(?<!.)")
    start = time.process_time()
    assert "takes too long" in failure(lambda: load_adapter(base(llama), adapter)).message
    assert time.process_time() - start < 10


def test_where_it_was_made_is_not_read(llama: Path, adapter: Path) -> None:
    expected = logits(load_adapter(base(llama), adapter))
    change(
        adapter,
        base_model_name_or_path="/home/someone/private",
        auto_mapping={"parent_library": "os", "base_model_class": "system"},
        init_lora_weights="gaussian",
        eva_config={"rho": 2.0},
    )
    assert torch.equal(logits(load_adapter(base(llama), adapter)), expected)


@pytest.mark.filterwarnings("ignore:(PiSSA|OLoRA) changes the base weights")
@pytest.mark.parametrize("init", ["pissa", "pissa_niter_4", "olora"])
def test_an_adapter_whose_beginning_changed_the_base_is_refused_until_it_is_plain(
    llama: Path, tmp_path: Path, init: str
) -> None:
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=init)
    trained = get_peft_model(base(llama), config)
    trained.peft_config["default"].init_lora_weights = True
    trained.save_pretrained(tmp_path / "began")
    trained.peft_config["default"].init_lora_weights = init
    train(trained)
    expected = logits(trained)
    trained.save_pretrained(tmp_path / "trained")
    error = failure(lambda: load_adapter(base(llama), tmp_path / "trained"))
    assert (error.reason, init in error.message) == ("adapter", True)
    assert "path_initial_model_for_weight_conversion" in error.hint
    trained.save_pretrained(tmp_path / "plain", path_initial_model_for_weight_conversion=str(tmp_path / "began"))
    plain = load_adapter(base(llama), tmp_path / "plain")
    torch.testing.assert_close(logits(plain), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("init", ["corda", "lora_ga", "loftq", "OLoRA", "eva", "orthogonal", "mica", True, False])
def test_every_beginning_is_known(adapter: Path, init: str | bool) -> None:
    change(adapter, init_lora_weights=init)
    if str(init).lower() in ("corda", "lora_ga", "loftq", "olora"):
        assert "changes the weights of the base" in failure(lambda: check_adapter(adapter)).message
    else:
        assert check_adapter(adapter)["init_lora_weights"] == init


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "zeroed", "link"])
def test_damaged_files_are_named(adapter: Path, tmp_path: Path, name: str, damage: str) -> None:
    path = adapter / name
    data = path.read_bytes()
    if damage in ("missing", "link"):
        path.unlink()
    if damage == "link":
        (tmp_path / "elsewhere").write_bytes(data)
        path.symlink_to(tmp_path / "elsewhere")
    elif damage != "missing":
        path.write_bytes({"empty": b"", "cut": data[:-10], "zeroed": bytes(len(data))}[damage])
    error = failure(lambda: check_adapter(adapter))
    assert error.reason == "adapter"
    assert name in error.message


def test_a_pickled_adapter_is_refused(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    assert "pickle" in failure(lambda: check_adapter(adapter)).message


@pytest.mark.parametrize("name", ["a.b", "lora_", "o", ""])
def test_names_peft_cannot_hold_are_a_programming_error(llama: Path, adapter: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        load_adapter(base(llama), adapter, name)


def test_a_name_that_is_taken_is_a_programming_error(llama: Path, adapter: Path) -> None:
    model = load_adapter(base(llama), adapter, "first")
    with pytest.raises(ValueError, match="cannot be the name"):
        load_adapter(model, adapter, "first")


def test_tensors_that_do_not_fit_into_memory_are_not_called_damaged(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    size = 200_000_000
    about = json.dumps({"t": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    with (tmp_path / "adapter_model.safetensors").open("wb") as file:
        file.write(len(about).to_bytes(8, "little") + about)
        file.truncate(8 + len(about) + size)
    before, used = resource.getrlimit(resource.RLIMIT_AS), psutil.Process().memory_info().vms
    # The file is looked into through memory, then read into some: room for neither, room for one of them.
    for room in (size // 4, size * 5 // 4):
        resource.setrlimit(resource.RLIMIT_AS, (used + room, before[1]))
        try:
            with pytest.raises(StudioError) as caught:
                read_tensors(tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
        assert caught.value.reason == "memory"
