"""Other programs' configs are taken over where they can be said here, and nothing of them is lost in silence."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core import config_file, foreign
from studio.core.errors import StudioError

AXOLOTL = """
base_model: NousResearch/Llama-3.2-1B
load_in_4bit: true
adapter: qlora
datasets:
  - path: teknium/GPT4-LLM-Cleaned
    type: alpaca
    split: train
    shards: 10
    message_property_mappings: {role: from, content: value}
val_set_size: 0.1
sequence_len: 2048
sample_packing: true
lora_r: 16
lora_alpha: 32
lora_target_linear: true
peft_use_dora: true
gradient_accumulation_steps: 2
micro_batch_size: 4
num_epochs: 1
optimizer: adamw_8bit
lr_scheduler: cosine
cosine_min_lr_ratio: 0.1
learning_rate: 2e-4
bf16: true
gradient_checkpointing: unsloth
warmup_ratio: 0.1
wandb_project: mine
flash_attention: true
special_tokens: {pad_token: <|end|>}
roles_to_train: [assistant]
train_on_eos: turn
evals_per_epoch: 4
chat_template: llama3
deepspeed: zero3.json
"""
FACTORY = """
model_name_or_path: meta-llama/Llama-3.1-8B-Instruct
quantization_bit: 4
stage: dpo
finetuning_type: lora
lora_target: q_proj,v_proj
additional_target: embed_tokens,lm_head
pref_loss: ipo
dataset: pairs, more
template: llama3
cutoff_len: 4096
learning_rate: 5.0e-6
fp16: true
val_size: 100
plot_loss: true
pissa_init: true
"""
TRL = """
model_name_or_path: Qwen/Qwen3-0.6B
dataset_name: trl-lib/Capybara
use_peft: true
lora_r: 32
lora_target_modules: [q_proj]
max_length: 512
dataset_train_split: train
"""


def read(text: str, folder: Path) -> foreign.Translated:
    return foreign.translated(yaml.safe_load(text), folder)


def test_one_of_axolotl(tmp_path: Path) -> None:
    made = read(AXOLOTL, tmp_path)
    assert made.plain() == {
        "model": {"path": "NousResearch/Llama-3.2-1B", "quantization": "nf4", "dtype": "bfloat16"},
        "data": {
            "path": "hf://datasets/teknium/GPT4-LLM-Cleaned?split=train",
            "format": "alpaca",
            "max_length": 2048,
            "packing": True,
            "eval_split": 0.1,
        },
        "adapter": {
            "method": "lora",
            "r": 16,
            "lora_alpha": 32,
            "lora_dropout": 0,
            "target_modules": "all-linear",
            "use_dora": True,
        },
        "training": {
            "num_train_epochs": 1,
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 2,
            "learning_rate": 2e-4,
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
            "optim": "adamw_8bit",
            "warmup_steps": 0.1,
            "activation_checkpointing": True,
            "load_best_model_at_end": False,
            "seed": 42,
        },
    }
    assert made.left.keys() == {"datasets.shards", "chat_template", "deepspeed", "evals_per_epoch"}
    assert "`llama3`" in made.left["chat_template"]
    config_file.build(made.plain())


def test_one_of_llama_factory_finds_its_data_and_has_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    columns = {"prompt": "question", "chosen": "good", "rejected": "bad"}
    about = {"pairs": {"file_name": "pairs.json", "ranking": True, "columns": columns}}
    (tmp_path / "data" / "dataset_info.json").write_text(json.dumps(about))
    made = read(FACTORY, tmp_path)
    whole = config_file.build(made.plain())
    assert whole.data.path == str(tmp_path / "data" / "pairs.json")
    assert whole.data.mapping == {"instruction": "question", "chosen": "good", "rejected": "bad"}
    assert (whole.model.quantization, whole.model.dtype) == ("nf4", "float16")
    assert (whole.adapter.r, whole.adapter.lora_alpha, whole.adapter.lora_dropout) == (8, 16, 0)
    assert whole.adapter.target_modules == ["q_proj", "v_proj"]
    assert whole.adapter.modules_to_save == ["embed_tokens", "lm_head"]
    training = whole.training
    assert (training.objective, training.used_beta, training.lr_scheduler_type) == ("ipo", 0.1, "linear")
    assert (training.learning_rate, training.warmup_steps, training.seed) == (5e-6, 0, 42)
    assert not training.load_best_model_at_end
    assert whole.adapter.init_lora_weights == "pissa_niter_16"
    assert made.left.keys() == {"dataset", "template", "val_size"}
    assert made.left["dataset"] == "Only pairs is taken over; mix it with more by `studio data mix`."


def test_one_of_trl(tmp_path: Path) -> None:
    made = read(TRL, tmp_path)
    whole = config_file.build(made.plain())
    assert (whole.model.path, whole.data.path) == ("Qwen/Qwen3-0.6B", "trl-lib/Capybara")
    assert (whole.adapter.method, whole.adapter.r, whole.adapter.lora_dropout) == ("lora", 32, 0.05)
    assert (whole.training.learning_rate, whole.training.activation_checkpointing) == (2e-5, True)
    assert made.left.keys() == {"dataset_train_split"}
    bare = read("{model_name_or_path: a/b, dataset_name: c/d}", tmp_path)
    assert bare.settings["adapter.method"] == "full"
    assert not any(key.startswith("adapter.r") for key in bare.settings)


@pytest.mark.parametrize(
    ("more", "key", "value"),
    [
        ({"rl": "kto"}, "training.objective", "kto"),
        ({"rl": "simpo", "rl_beta": 2.5}, "training.beta", 2.5),
        ({"train_on_inputs": True}, "training.objective", "pretraining"),
        ({"adapter": None}, "adapter.method", "full"),
        ({"load_in_8bit": True}, "model.quantization", "8bit"),
        ({"lora_model_dir": "mine"}, "adapter.path", "mine"),
        ({"group_by_length": True}, "training.train_sampling_strategy", "group_by_length"),
        ({"loraplus_lr_ratio": 16}, "training.loraplus_lr_ratio", 16),
        ({"peft_init_lora_weights": "orthogonal"}, "adapter.init_lora_weights", "orthogonal"),
        ({"peft_init_lora_weights": "olora"}, "adapter.init_lora_weights", "olora"),
        ({"peft_init_lora_weights": "pissa_niter_4"}, "adapter.init_lora_weights", "pissa_niter_16"),
        ({"lora_target_modules": r".*\.(q|v)_proj"}, "adapter.target_modules", r".*\.(q|v)_proj"),
        ({"lora_target_parameters": ["experts.down_proj"]}, "adapter.target_parameters", ["experts.down_proj"]),
        # Where it names no modules, there are none.
        ({"lora_target_parameters": "experts.down_proj"}, "adapter.target_modules", []),
        (
            {"lora_target_parameters": ["experts.down_proj"], "lora_target_linear": True},
            "adapter.target_modules",
            "all-linear",
        ),
        ({"datasets": [{"path": "json", "data_files": "x.jsonl"}]}, "data.path", "x.jsonl"),
        ({"datasets": [{"path": "a/b", "type": "completion", "field": "body"}]}, "data.mapping", {"text": "body"}),
        ({"test_datasets": [{"path": "held.jsonl"}]}, "data.eval_path", "held.jsonl"),
    ],
)
def test_each_setting_has_its_place(more: dict[str, Any], key: str, value: Any, tmp_path: Path) -> None:
    data = {"base_model": "a/b", "adapter": "lora", "datasets": [{"path": "rows.jsonl"}]} | more
    assert foreign.translated(data, tmp_path).settings[key] == value


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        ({"rl": "grpo"}, "rl", "`grpo` is not trained here"),
        ({"adapter": "llama-adapter"}, "adapter", "not trained here"),
        ({"peft_init_lora_weights": "loftq"}, "peft_init_lora_weights", "begin here by default, gaussian"),
        ({"peft_init_lora_weights": "pissa_niter_4"}, "peft_init_lora_weights", "closer to pissa"),
        ({"lr_scheduler": "one_cycle"}, "training.lr_scheduler_type", "one_cycle"),
        ({"sequence_len": 2}, "data.max_length", "at least 8"),
        ({"save_steps": 0.25}, "save_steps", "A share of the run"),
        ({"val_set_size": 200}, "val_set_size", "set data.eval_split"),
        ({"datasets": [{"path": "a"}, {"path": "b"}]}, "datasets", "mix it with b"),
        ({"datasets": [{"path": "a", "type": "pygmalion"}]}, "datasets.type", "found by their columns"),
        ({"special_tokens": {"eos_token": "<x>"}}, "special_tokens", "no token can be added"),
        ({"early_stopping_patience": 3}, "training.early_stopping_patience", "eval_split"),
    ],
)
def test_what_cannot_be_said_here_is_told_with_what_to_do(
    more: dict[str, Any], key: str, said: str, tmp_path: Path
) -> None:
    data = {"base_model": "a/b", "adapter": "lora", "datasets": [{"path": "rows.jsonl"}]} | more
    made = foreign.translated(data, tmp_path)
    assert said in made.left[key]
    config_file.build(made.plain())


def test_files_are_read_from_where_the_config_lies(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}")
    (tmp_path / "model").mkdir()
    made = read("{base_model: ./model, adapter: lora, datasets: [{path: rows.jsonl}]}", tmp_path)
    assert made.settings["model.path"] == str(tmp_path / "model")
    assert made.settings["data.path"] == str(tmp_path / "rows.jsonl")


@pytest.mark.parametrize(
    "text",
    [
        "{base_model: a/b, adapter: lora, sequence_len: 512, lora_r: 4, learning_rate: 1e-4}",
        "{model_name_or_path: a/b, finetuning_type: lora, cutoff_len: 512, lora_rank: 4, learning_rate: 1e-4}",
    ],
)
def test_one_without_data_keeps_what_it_says_of_them(text: str, tmp_path: Path) -> None:
    made = read(text, tmp_path)
    assert made.left == {}
    said = ("data.path", "data.max_length", "adapter.r", "training.learning_rate")
    assert [made.settings.get(key) for key in said] == [None, 512, 4, 1e-4]


@pytest.mark.parametrize(
    ("more", "taken", "left"),
    [
        ("oft_block_size: 16, oft_target: 'q_proj,v_proj', lora_rank: 4", (16, ["q_proj", "v_proj"]), set()),
        ("oft_target: all, module_dropout: 0.1", (32, "all-linear"), set()),
        ("oft_rank: 8, oft_block_size: 0", (32, "all-linear"), {"oft_rank", "adapter.oft_block_size"}),
    ],
)
def test_oft_of_llama_factory_is_taken_over(more: str, taken: tuple[int, Any], left: set[str], tmp_path: Path) -> None:
    made = read(f"{{model_name_or_path: a/b, finetuning_type: oft, template: llama3, {more}}}", tmp_path)
    adapter = config_file.build(made.whole()).adapter
    assert (adapter.method, adapter.oft_block_size, adapter.target_modules) == ("oft", *taken)
    assert left <= made.left.keys() <= left | {"template"}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from([*yaml.safe_load(AXOLOTL), *yaml.safe_load(FACTORY), *yaml.safe_load(TRL), "x"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=8), st.sampled_from([AXOLOTL, FACTORY, TRL]))
def test_whatever_stands_there_becomes_a_config_or_is_told(strange: dict[str, Any], text: str) -> None:
    data = yaml.safe_load(text) | strange
    if not config_file.program_of(data):
        return
    made = foreign.translated(data, Path("/nowhere"))
    config_file.build(made.whole())


def test_its_own_configs_and_strangers_are_told_apart(tmp_path: Path) -> None:
    assert config_file.program_of({"model": {"path": "demo"}, "data": {"path": "x"}}) == ""
    with pytest.raises(StudioError, match="no config of axolotl"):
        foreign.translated({"data": {"path": "x"}}, tmp_path)
    (tmp_path / "a.yaml").write_text(AXOLOTL)
    with pytest.raises(StudioError, match=r"a\.yaml is a config of axolotl") as caught:
        config_file.load(tmp_path / "a.yaml")
    assert "`studio import-config a.yaml --out run.yaml`" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "start"),
    [
        ("pissa_init: true", "pissa_niter_16"),
        ("pissa_init: true, pissa_iter: -1, pissa_convert: true", "pissa"),
        ("pissa_init: false, pissa_iter: 16", None),
    ],
)
def test_llama_factorys_pissa_is_pissa(said: str, start: str | None, tmp_path: Path) -> None:
    made = read(f"{{model_name_or_path: a/b, finetuning_type: lora, dataset: x, {said}}}", tmp_path)
    assert made.settings.get("adapter.init_lora_weights") == start
    assert not [key for key in made.left if "pissa" in key or "init" in key]
