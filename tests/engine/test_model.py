"""Vetting and loading base models: what is refused, and with which words."""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BloomConfig, GPT2Config, Phi3Config, XLNetConfig

from studio import paths
from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.engine.model import check, context, load_base, load_tokenizer, skeleton
from studio.engine.targets import tree
from studio.engine.weights import fingerprint
from tests.models import random_model, tiny

CPU = torch.device("cpu")
IDS = torch.arange(3, 40)[None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny("llama", tmp_path / "model")


def failure(action: Callable[[], Any]) -> StudioError:
    with pytest.raises(StudioError) as caught:
        action()
    assert caught.value.hint
    return caught.value


def refused(folder: Path) -> str:
    """Checks that `check` and `load_base` refuse the model alike; returns the message."""
    error = failure(lambda: check(folder))
    assert error.reason == "model"
    assert str(failure(lambda: load_base(folder, ModelSpec(), CPU))) == str(error)
    return error.message


def change(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


# Loading


def test_a_model_loads_as_transformers_loads_it(folder: Path) -> None:
    model = load_base(folder, ModelSpec(), CPU)
    expected = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert torch.equal(model(input_ids=IDS).logits, expected(input_ids=IDS).logits)
    assert not model.training


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_are_held_in_the_format_asked_for(folder: Path, dtype: str) -> None:
    model = load_base(folder, ModelSpec(dtype=dtype), CPU)  # type: ignore[arg-type]
    assert {value.dtype for value in model.parameters()} == {getattr(torch, dtype)}


@pytest.mark.parametrize(("quantization", "kind"), [("8bit", "Linear8bitLt"), ("nf4", "Linear4bit")])
def test_quantization_holds_linear_layers_in_fewer_bits(folder: Path, quantization: str, kind: str) -> None:
    model = load_base(folder, ModelSpec(quantization=quantization), CPU)  # type: ignore[arg-type]
    layer = model.get_submodule("model.layers.0.mlp.up_proj")
    assert type(layer).__name__ == kind
    assert type(model.get_output_embeddings()).__name__ == "Linear"
    whole = load_base(folder, ModelSpec(), CPU)(input_ids=IDS).logits
    assert 0 < (model(input_ids=IDS).logits - whole).abs().max() < whole.abs().max()
    if quantization == "nf4":
        state = layer.weight.quant_state
        assert state.quant_type == "nf4"
        assert state.nested, "the scales are quantized too"


def test_no_processor_packs_weights_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: True)
    model = load_base(folder, ModelSpec(quantization="nf4"), CPU)
    held = {name: p.clone() for name, p in model.named_parameters()}
    with torch.no_grad():
        model(input_ids=torch.arange(5)[None])
    assert all(torch.equal(p, held[name]) for name, p in model.named_parameters())
    states = [s for p in model.parameters() if (s := getattr(p, "quant_state", None))]
    assert states
    assert not any(getattr(state, "packing_format_for_cpu", False) for state in states)


def test_a_model_stored_quantized_loads_as_it_is(folder: Path, tmp_path: Path) -> None:
    model = load_base(folder, ModelSpec(quantization="nf4"), CPU)
    model.save_pretrained(tmp_path / "stored")
    again = load_base(tmp_path / "stored", ModelSpec(), CPU)
    assert torch.equal(again(input_ids=IDS).logits, model(input_ids=IDS).logits)
    error = failure(lambda: load_base(tmp_path / "stored", ModelSpec(quantization="8bit"), CPU))
    assert "already quantized" in error.message


def test_a_sharded_model_loads(tmp_path: Path) -> None:
    random_model("llama").save_pretrained(tmp_path, max_shard_size="60KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    model = load_base(tmp_path, ModelSpec(), CPU)
    assert torch.equal(model(input_ids=IDS).logits, random_model("llama")(input_ids=IDS).logits)


def test_a_snapshot_of_links_into_the_caches_blobs_loads(folder: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--someone--tiny"
    snapshot, blobs = repository / "snapshots" / "0123", repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for file in folder.iterdir():
        file.rename(blobs / f"blob-{file.name}")
        (snapshot / file.name).symlink_to(f"../../blobs/blob-{file.name}")
    assert load_base(snapshot, ModelSpec(), CPU).num_parameters() > 0


def test_the_tokenizer_loads_and_its_absence_is_said(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    assert tokenizer.decode(tokenizer("The order arrived late")["input_ids"]) == "The order arrived late"
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    assert failure(lambda: load_tokenizer(folder)).reason == "model"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tokenizer_class": 3}'])
def test_a_damaged_tokenizer_config_is_said(folder: Path, text: str) -> None:
    (folder / "tokenizer_config.json").write_text(text)
    assert failure(lambda: load_tokenizer(folder)).reason == "model"


def test_code_beside_a_known_model_is_never_run(folder: Path) -> None:
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    reference = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    change(folder, auto_map=reference)
    tokenizer = folder / "tokenizer_config.json"
    tokenizer.write_text(
        json.dumps(json.loads(tokenizer.read_text()) | {"auto_map": {"AutoTokenizer": ["evil.T", None]}})
    )
    assert load_base(folder, ModelSpec(), CPU).num_parameters() > 0
    load_tokenizer(folder)


# Refusing


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_type": "new_thing"}, "new_thing"),
        ({"model_type": None}, "None"),
        ({"model_type": "new_thing", "auto_map": {"AutoModelForCausalLM": "m.M"}}, "code of its own"),
        ({"trust_remote_code": True}, "trust_remote_code"),
        ({"custom_generate": "someone/else"}, "custom_generate"),
        ({"_attn_implementation": "someone/kernel"}, "_attn_implementation"),
        ({"attn_implementation": "someone/kernel"}, "attn_implementation"),
        ({"_attn_implementation_internal": "someone/kernel"}, "_attn_implementation_internal"),
        ({"text_config": {"_attn_implementation": "someone/kernel"}}, "_attn_implementation"),
        ({"transformers_weights": "../elsewhere.safetensors"}, "transformers_weights"),
        ({"num_hidden_layers": 1_000_000}, "num_hidden_layers"),
        ({"num_hidden_layers": "2"}, "num_hidden_layers"),
        ({"num_hidden_layers": -1}, "num_hidden_layers"),
        ({"hidden_size": 10**9}, "hidden_size"),
        ({"vocab_size": 10**9}, "vocab_size"),
        ({"vocab_size": True}, "vocab_size"),
        ({"text_config": {"num_hidden_layers": 10**6}}, "num_hidden_layers"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq"),
        ({"quantization_config": "awq"}, "awq"),
    ],
)
def test_configs_are_vetted(folder: Path, settings: dict[str, Any], said: str) -> None:
    change(folder, **settings)
    assert said in refused(folder)


def test_a_setting_transformers_itself_writes_is_accepted(folder: Path) -> None:
    change(folder, _attn_implementation_autoset=True, _attn_implementation="sdpa")
    check(folder)


@pytest.mark.parametrize("settings", [{"num_attention_heads": 0}, {"hidden_size": 33}, {"hidden_act": "nothing"},
                                      {"rope_parameters": "x"}, {"rms_norm_eps": "x"}])  # fmt: skip
def test_a_config_that_contradicts_itself_is_said(folder: Path, settings: dict[str, Any]) -> None:
    change(folder, **settings)
    assert failure(lambda: load_base(folder, ModelSpec(), CPU)).reason == "model"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_config_that_is_no_json_object_is_said(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert "config.json" in refused(folder)


def test_folders_that_are_no_models_are_said(tmp_path: Path) -> None:
    assert "config.json" in refused(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "adapter" in refused(tmp_path)


def test_an_adapter_beside_the_model_is_not_loaded_unasked(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    assert "adapter" in refused(folder)


@pytest.mark.parametrize(
    ("name", "said"), [("pytorch_model.bin", "pickle"), ("model.gguf", "GGUF"), ("notes.txt", "model.safetensors")]
)
def test_weights_in_other_formats_are_refused(folder: Path, name: str, said: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    assert said in refused(folder)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "sub/model.safetensors", "model.bin", 3])
def test_an_index_that_names_files_elsewhere_is_refused(folder: Path, name: Any) -> None:
    (folder / "model.safetensors").rename(folder.parent / "outside.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"lm_head.weight": name}}))
    assert "outside the folder" in refused(folder)


@pytest.mark.parametrize("index", ["{}", '{"weight_map": []}', "nothing"])
def test_an_index_without_weights_is_refused(folder: Path, index: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)
    assert "model.safetensors.index.json" in refused(folder)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    random_model("llama").save_pretrained(tmp_path, max_shard_size="60KB")
    missing = sorted(tmp_path.glob("*.safetensors"))[1]
    missing.unlink()
    assert missing.name in refused(tmp_path)


def test_weights_linked_from_elsewhere_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    assert "outside the folder" in refused(folder)


def header(content: Any, tail: int = 0) -> bytes:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text + bytes(tail)


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        b"\xff" * 8,
        header(b"{", 8),
        header(b"[]"),
        header({"a": TENSOR}, 7),
        header({"a": TENSOR}, 9),
        header({"a": TENSOR | {"shape": [3]}}, 8),
        header({"a": TENSOR | {"shape": [-2]}}, 8),
        header({"a": TENSOR | {"shape": ["2"]}}, 8),
        header({"a": TENSOR | {"shape": 2}}, 8),
        header({"a": TENSOR | {"data_offsets": [0]}}, 8),
        header({"a": {"dtype": "F32"}}, 8),
        header({"a": 3}, 8),
        header(b'{"a": ' + json.dumps(TENSOR).encode() + b', "a": ' + json.dumps(TENSOR).encode() + b"}", 8),
        header(b"[" * 100_000),
        header({f"t{i}": TENSOR | {"shape": [0], "data_offsets": [0, 0]} for i in range(20_001)}),
        header(b" " * 4_000_001),
    ],
)
def test_damaged_weights_are_refused_by_name(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert "model.safetensors" in refused(folder)


def test_overlapping_tensors_are_refused(folder: Path) -> None:
    tensors = {"a": TENSOR, "b": TENSOR, "c": TENSOR | {"data_offsets": [16, 24]}}
    (folder / "model.safetensors").write_bytes(header(tensors, 24))
    assert failure(lambda: load_base(folder, ModelSpec(), CPU)).reason == "model"


@pytest.mark.parametrize("change_", ["missing", "unknown", "shape"])
def test_weights_of_another_model_are_refused(folder: Path, change_: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    key = "model.layers.1.mlp.up_proj.weight"
    if change_ == "unknown":
        tensors["model.layers.2.mlp.up_proj.weight"] = tensors[key].clone()
    elif change_ == "shape":
        tensors[key] = tensors[key][:-1].contiguous()
    else:
        del tensors[key]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    error = failure(lambda: load_base(folder, ModelSpec(), CPU))
    assert error.reason == "model"
    assert "mlp.up_proj" in error.message + error.detail


def test_buffers_of_old_checkpoints_are_no_reason_to_refuse(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    load_base(folder, ModelSpec(), CPU)


def test_an_unreadable_folder_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # Taking away a file's permissions would not keep the superuser from reading it.
    monkeypatch.setattr(Path, "read_bytes", denied)
    assert refused(folder).endswith("config.json cannot be read: Permission denied.")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory"),
                                   torch.OutOfMemoryError("CUDA out of memory")])  # fmt: skip
def test_a_model_too_large_for_the_memory_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def load(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", load)
    said = failure(lambda: load_base(folder, ModelSpec(), CPU))
    assert (said.reason, said.message) == ("memory", "The model does not fit into the memory of cpu.")


# Structure and fingerprint


def test_the_structure_needs_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    about = tree(skeleton(folder)).to_dict()
    assert (about["architecture"], about["layers"], about["parameters"]) == ("LlamaForCausalLM", 2, 38_048)
    modules = {module["name"]: module for module in about["modules"]}
    assert modules["model.layers.1.self_attn.k_proj"] == {
        "name": "model.layers.1.self_attn.k_proj", "type": "Linear", "kind": "linear", "shape": (16, 32),
        "parameters": 512, "bias": 0, "outputs": 16}  # fmt: skip
    assert sum(module["parameters"] for module in about["modules"]) == about["parameters"]
    assert {value.device.type for value in skeleton(folder).parameters()} == {"meta"}


def test_shared_weights_count_once(tmp_path: Path) -> None:
    modules = {module["name"]: module for module in tree(skeleton(tiny("gemma3", tmp_path))).to_dict()["modules"]}
    assert modules["lm_head"]["shape"] == modules["model.embed_tokens"]["shape"]
    assert modules["lm_head"]["parameters"] == 0


def test_fused_experts_are_listed(tmp_path: Path) -> None:
    modules = {module["name"]: module for module in tree(skeleton(tiny("mixtral", tmp_path))).to_dict()["modules"]}
    assert modules["model.layers.0.mlp.experts.gate_up_proj"]["shape"] == (4, 128, 32)


def test_the_fingerprint_is_of_names_and_contents(folder: Path, tmp_path: Path) -> None:
    inner = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    expected = hashlib.sha256(f"model.safetensors\0{inner}\n".encode()).hexdigest()
    assert fingerprint(folder) == expected
    folder.rename(tmp_path / "elsewhere")
    assert fingerprint(tmp_path / "elsewhere") == expected


def test_a_fingerprint_is_computed_once_and_again_after_a_change(folder: Path) -> None:
    first = fingerprint(folder)
    (known,) = (paths.cache_dir() / "fingerprints").iterdir()
    known.write_text("remembered")
    assert fingerprint(folder) != first, "the remembered value is used"
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] += 1
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    os.utime(folder / "model.safetensors", ns=(1, 1))
    changed = fingerprint(folder)
    assert changed not in (first, fingerprint(tiny("llama", folder)))


def test_a_fingerprint_that_cannot_be_kept_is_computed_all_the_same(folder: Path, home: Path) -> None:
    paths.cache_dir().mkdir(parents=True, exist_ok=True)
    (paths.cache_dir() / "fingerprints").write_text("in the way")
    assert len(fingerprint(folder)) == 64


def test_how_many_tokens_a_model_reads_is_read_off_its_config() -> None:
    assert context(GPT2Config(n_positions=128)) == (128, None)
    assert context(BloomConfig()) == context(XLNetConfig()) == (None, None)
    factors = {"short_factor": [1.0] * 48, "long_factor": [2.0] * 48, "rope_theta": 10_000.0, "factor": 32.0}
    long = Phi3Config(max_position_embeddings=131_072, rope_parameters={"rope_type": "longrope"} | factors)
    assert context(long) == (131_072, 4096)
